"""How nbgrader makes exercises/ out of solutions/, and how it grades a class.

It is read by ``make exercises`` and by every nbgrader command that starts in this folder:
``nbgrader generate_assignment 02_bptt``, Formgrader in JupyterLab, ``nbgrader db``.
"""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "rnncourse"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# a release carries neither caches nor the copies in which somebody works
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "*.mine.ipynb",
    "*.new.ipynb",
    "*.new-*.ipynb",
]

# what stands in the place of a solution
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# a student who deletes a check cell still gets a score for it
c.OverwriteCells.add_missing_cells = True
