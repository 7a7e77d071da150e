"""exercises/ is made from solutions/: the same bytes, no solution in them, no work lost.

Everything here happens in small made-up courses; test_exercises.py looks at the real one.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

from tests import exercise_notebooks as notebooks
from tools import execute_notebooks, exercise_source, make_exercises
from tools.make_exercises import ROOT

NAME = "02_bptt/02_exercises.ipynb"
OTHER = "03_norms/03_exercises.ipynb"
POINTS = {"02.word": 4, "02.other": 2, "03.norm": 3}
TEXT = '''\
# %% [markdown]
# # 02 · Exercises
#
# Words, and `code`.

# %%
import os

# %% [markdown] locked word-task
# Write `word(x)`, which returns twice x.

# %% solution word-solution
def word(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    twice_of_the_number = 2 * x
    return twice_of_the_number
    ### END SOLUTION

# %% check word-check 4
check("02.word", word)

# %% [markdown] written word-why 2.5
# ### BEGIN SOLUTION
# Because two times a number is the number plus itself.
# ### END SOLUTION
'''
NORM = """\
# %% solution norm-solution
def norm(x):
    ### BEGIN SOLUTION
    return sum(entry**2 for entry in x) ** 0.5
    ### END SOLUTION

# %% check norm-check 3
check("03.norm", norm)
"""

SECRET = "return twice_of_the_number"
WRITTEN = "Because two times a number is the number plus itself."


def write_source(root: Path, name: str, text: str) -> Path:
    path = root / "solutions" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = exercise_source.to_notebook(text)
    execute_notebooks.store(path, nbformat.writes(notebook).rstrip("\n") + "\n")
    return path


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "a course [1]"
    root.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", root)
    write_source(root, NAME, TEXT)
    write_source(root, OTHER, NORM)
    return root


def make(root: Path, *options: str) -> int:
    return make_exercises.main([*options], root, POINTS)


def tree(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def work_on(root: Path, name: str = NAME) -> bytes:
    """Do what a learner does: change a cell, and save."""
    path = root / "exercises" / name
    path.write_text(path.read_text(encoding="utf-8").replace("raise Not", "return 2 * x  # Not"))
    return path.read_bytes()


# --- what is generated ---


def test_the_same_solutions_give_the_same_bytes_from_every_working_directory(course, monkeypatch):
    assert make(course) == 0
    once = tree(course)
    assert {n for n in once if n.startswith("exercises/")} == {
        f"exercises/{n}" for n in (NAME, OTHER, "manifest.json")
    }
    for folder in (course, course / "solutions", course.parent):
        monkeypatch.chdir(folder)
        shutil.rmtree(course / "exercises")
        assert make(course) == 0
        assert tree(course) == once


def test_nothing_is_written_when_nothing_has_changed(course):
    make(course)
    before = {path: path.stat().st_mtime_ns for path in (course / "exercises").rglob("*")}
    assert make(course) == 0
    assert before == {path: path.stat().st_mtime_ns for path in (course / "exercises").rglob("*")}


def test_nothing_is_left_in_the_tree_but_the_exercises(course):
    before = set(tree(course))
    make(course)
    assert all(name.startswith("exercises/") for name in set(tree(course)) - before)


def test_the_student_edition_is_unexecuted_and_its_stub_stands_inside_the_function(course):
    source = notebooks.read(course / "solutions" / NAME)
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text="the result\n")]
    text = nbformat.writes(source).rstrip("\n") + "\n"
    execute_notebooks.store(course / "solutions" / NAME, text)
    assert make(course) == 0
    student = notebooks.read(course / "exercises" / NAME)
    nbformat.validate(student)
    assert [cell.id for cell in student.cells] == [cell.id for cell in source.cells]
    cells = {cell.id: cell for cell in student.cells}
    assert cells["word-solution"].source == (
        'def word(x):\n    """Return twice x."""\n    raise NotImplementedError'
    )
    assert cells["word-why"].source == "*Write your answer here.*"
    assert cells["word-check"].metadata.editable is False
    code = [cell for cell in student.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert (course / "exercises" / NAME).read_bytes().endswith(b"}\n")


def test_nbgrader_from_the_command_line_gives_the_same_bytes(course):
    assert make(course) == 0
    ours = (course / "exercises" / NAME).read_bytes()
    shutil.rmtree(course / "exercises")
    course = course.rename(course.parent / "course")  # nbgrader itself stumbles over brackets
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by its name
    home = course.parent / "home"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", "02_bptt"],
        cwd=course,
        env=os.environ
        | {
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
            "JUPYTER_CONFIG_DIR": str(home),
            "TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = (course / "exercises" / NAME).read_bytes().replace(b"\r\n", b"\n")
    assert theirs == ours
    assert (course / "gradebook.db").is_file()
    assert make(course) == 0  # the other set is missing, this one is as it has to be


def test_files_that_belong_to_a_set_are_handed_out_with_it(course):
    (course / "solutions" / "02_bptt" / "data.bin").write_bytes(b"\x00\r\n\xff")
    (course / "solutions" / "02_bptt" / ".ipynb_checkpoints").mkdir()
    (course / "solutions" / "02_bptt" / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    assert make(course) == 0
    assert (course / "exercises" / "02_bptt" / "data.bin").read_bytes() == b"\x00\r\n\xff"
    assert not (course / "exercises" / "02_bptt" / ".ipynb_checkpoints").exists()


# --- a learner's work ---


def test_a_changed_file_stops_it_before_anything_is_written(course, capsys):
    make(course)
    work_on(course)
    write_source(course, OTHER, NORM + "\n# %%\n1 + 1\n")
    before = tree(course)
    capsys.readouterr()
    assert make(course) == 1
    assert tree(course) == before
    said = capsys.readouterr().out
    for words in (NAME, "02_exercises.mine.ipynb", "02_exercises.new.ipynb", "--beside"):
        assert words in said
    assert OTHER not in said


def test_a_file_that_was_there_before_the_first_edition_is_not_overwritten(course):
    (course / "exercises" / "02_bptt").mkdir(parents=True)
    (course / "exercises" / NAME).write_text("mine")
    before = tree(course)
    assert make(course) == 1
    assert tree(course) == before


def test_beside_keeps_the_work_and_never_overwrites_an_edition_beside_it(course):
    make(course)
    mine = work_on(course)
    write_source(course, NAME, TEXT.replace("Words,", "Better words,"))
    assert make(course, "--beside") == 0
    folder = course / "exercises" / "02_bptt"
    assert (folder / "02_exercises.ipynb").read_bytes() == mine
    assert b"Better words" in (folder / "02_exercises.new.ipynb").read_bytes()
    assert make(course, "--beside") == 0  # this edition is there already
    assert len(list(folder.iterdir())) == 2
    worked = work_on(course, "02_bptt/02_exercises.new.ipynb")
    assert make(course, "--beside") == 0
    assert (folder / "02_exercises.new.ipynb").read_bytes() == worked
    assert b"Better words" in (folder / "02_exercises.new-2.ipynb").read_bytes()
    assert make(course) == 1  # still changed


def test_after_renaming_the_work_the_exercise_is_restored(course):
    make(course)
    before = tree(course)
    mine = work_on(course)
    copy = course / "exercises" / "02_bptt" / "02_exercises.mine.ipynb"
    (course / "exercises" / NAME).rename(copy)
    assert make(course) == 0
    assert tree(course) == before | {copy.relative_to(course).as_posix(): mine}
    assert make(course, "--check") == 0


def test_an_untouched_file_follows_its_source(course):
    make(course)
    write_source(course, NAME, TEXT.replace("Words,", "Better words,"))
    assert make(course) == 0
    assert b"Better words" in (course / "exercises" / NAME).read_bytes()
    assert make(course, "--check") == 0


def test_files_of_others_are_left_alone(course):
    notes = course / "exercises" / "02_bptt" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    scratch = notes.with_name("scratch.ipynb")
    scratch.write_text("{}")
    assert make(course) == 0
    assert notes.read_text() == "mine"
    assert scratch.read_text() == "{}"


def test_a_set_that_was_removed_goes_only_if_it_is_untouched(course, capsys):
    make(course)
    shutil.rmtree(course / "solutions" / "03_norms")
    kept = course.parent / "kept"
    shutil.copytree(course, kept)
    assert make(course) == 0
    assert not (course / "exercises" / "03_norms").exists()
    assert make(course, "--check") == 0
    mine = work_on(kept, OTHER)
    capsys.readouterr()
    assert make(kept) == 0
    assert (kept / "exercises" / OTHER).read_bytes() == mine
    assert f"kept     exercises/{OTHER}" in capsys.readouterr().out


def test_a_full_disk_leaves_the_old_files_and_no_pieces(course, monkeypatch):
    make(course)
    before = tree(course / "exercises")
    write_source(course, NAME, TEXT.replace("Words,", "Better words,"))
    write_source(course, OTHER, NORM + "\n# %%\n1 + 1\n")
    write_bytes = Path.write_bytes

    def full(path, content):
        if path.name.startswith("03"):
            write_bytes(path, content[:10])
            raise OSError("no space left on the device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        make(course)
    assert tree(course / "exercises") == before
    monkeypatch.undo()
    assert make(course) == 0


def test_an_interruption_between_two_files_is_no_work_of_a_learner(course):
    make(course)
    manifest = (course / "exercises" / "manifest.json").read_bytes()
    write_source(course, NAME, TEXT.replace("Words,", "Better words,"))
    make(course)
    (course / "exercises" / "manifest.json").write_bytes(manifest)
    assert make(course) == 0
    assert make(course, "--check") == 0


def test_line_ends_of_another_system_are_no_change(course):
    make(course)
    for path in (course / "exercises").rglob("*.*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert make(course, "--check") == 0
    write_source(course, NAME, TEXT.replace("Words,", "Better words,"))
    assert make(course) == 0


# --- --check ---


def rewrite_source(root: Path) -> None:
    write_source(root, NAME, TEXT.replace("Words,", "Better words,"))


def remove_source(root: Path) -> None:
    shutil.rmtree(root / "solutions" / "02_bptt")


def add_stranger(root: Path) -> None:
    (root / "exercises" / "02_bptt" / "scratch.ipynb").write_text("{}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rewrite_source, f"exercises/{NAME} is not up to date: its source has changed"),
        (work_on, f"exercises/{NAME} was changed since it was generated"),
        (lambda r: (r / "exercises" / NAME).unlink(), f"exercises/{NAME} is missing"),
        (remove_source, f"exercises/{NAME} is not from solutions/ any more: run"),
        (lambda r: [remove_source(r), work_on(r)], "any more, and was changed"),
        (add_stranger, "exercises/02_bptt/scratch.ipynb is not from solutions/. If it is yours"),
        (lambda r: (r / "exercises" / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda r: (r / "exercises" / "manifest.json").write_text("{"), "is not up to date"),
    ],
)
def test_check_says_what_differs_and_why_and_writes_nothing(course, capsys, change, words):
    make(course)
    assert make(course, "--check") == 0
    change(course)
    before = tree(course)
    capsys.readouterr()
    assert make(course, "--check") == 1
    said = capsys.readouterr().out
    assert words in said
    assert len(said.splitlines()) == 1
    assert tree(course) == before


# --- the configuration ---


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.CourseDirectory.course_id = (", "is broken: SyntaxError"),
        ("1 / 0", "is broken: ZeroDivisionError"),
        ("c.ClearSolutins.text_stub = 'x'", "nbgrader knows no ClearSolutins"),
        ("c.ClearSolutions.text_stubb = 'x'", "ClearSolutions has no option text_stubb"),
        ("c.CourseDirectory.release_directory = 'release'", "has to be 'exercises'"),
        ("c.ClearSolutions.enabled = False", "shows a solution: 'return twice_of_the_number'"),
        ("c.ClearOutput.enabled = False", "carries an output"),
        ("c.ClearSolutions.code_stub = 3", "code_stub"),
    ],
)
def test_a_broken_configuration_stops_it(course, capsys, line, words):
    source = notebooks.read(course / "solutions" / NAME)
    source.cells[1].outputs = [nbformat.v4.new_output("stream", text="the result\n")]
    nbformat.write(source, course / "solutions" / NAME)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"\n{line}\n")
    before = tree(course)
    assert make(course) == 1
    assert tree(course) == before
    assert words in capsys.readouterr().err


def test_without_a_configuration_it_stops(course, capsys):
    (course / "nbgrader_config.py").unlink()
    assert make(course) == 1
    assert "nbgrader_config.py" in capsys.readouterr().err


def test_without_nbgrader_it_says_how_to_install_it(course, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    assert make(course) == 1
    said = capsys.readouterr().err
    assert "nbgrader is not installed" in said
    assert "constraints.txt" in said


# --- the sources ---


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"02.word"', '"02.wort"', "cell 5 (word-check): the exercise '02.wort' is unknown"),
        ("word-check 4", "word-check 5", "(word-check): 5 points, but 02.word says 4"),
        ('check("02.word", word)', "word(1)", 'has 0 calls check("NN.word", …)'),
        (
            'check("02.word", word)',
            'check("02.word", word)\ncheck("02.other", word)',
            'has 2 calls check("NN.word", …)',
        ),
        ('check("02.word", word)', 'check("03.norm", word)', "03.norm is checked here and in"),
        ("    ### BEGIN SOLUTION\n", "", "needs ### BEGIN SOLUTION and ### END SOLUTION"),
        ("    ### END SOLUTION\n", "", "BEGIN SOLUTION occurs 1 times, END SOLUTION 0 times"),
        ("# %% solution word-solution", "# %%", "cell 4: it holds a solution, but is no solution"),
        ("# %% solution word-", "# %% locked word-", "holds a solution, but is no solution cell"),
        ("import os", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "metadata is missing"),
        ("    ### BEGIN SOLUTION\n", "    (\n    ### BEGIN SOLUTION\n", "it is no Python"),
        ('"""Return twice x."""\n    ###', "pass\n\n\nif True:\n    ###", "inside a function"),
    ],
)
def test_a_bad_source_is_named_with_its_cell(course, capsys, old, new, words):
    assert TEXT.count(old) == 1
    write_source(course, NAME, TEXT.replace(old, new))
    assert make(course) == 1
    said = capsys.readouterr().err
    assert f"solutions/{NAME}" in said
    assert words in said
    assert not (course / "exercises").exists()


def change(cell: int, **metadata) -> object:
    """A change of a cell's nbgrader metadata; None takes an entry away."""

    def do(notebook):
        meta = notebook.cells[cell].metadata.nbgrader
        for key, value in metadata.items():
            meta.pop(key)
            if value is not None:
                meta[key] = value

    return do


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (change(3, grade_id="word-check"), "cell 5 (word-check): another cell has the same"),
        (change(3, grade_id="my word"), "grade_id may hold letters"),
        (change(3, grade_id=""), "grade_id may hold letters"),
        (change(4, points=None), "(word-check): its nbgrader metadata lacks points"),
        (change(4, task=None, solution=None), "its nbgrader metadata lacks solution, task"),
        (change(3, schema_version=2), "schema_version is 2, not 3"),
        (change(2, locked=False), "says that it is nothing"),
        (change(5, grade=False), "a written answer has to be grade and solution at once"),
        (change(4, solution=True), "cannot be check and solution at once"),
        (lambda n: n.metadata.update(celltoolbar="x"), "an editor has left its traces"),
        (lambda n: n.cells[0].metadata.update(scrolled=True), "an editor has left its traces"),
        (lambda n: n.update(nbformat_minor=4), "its format is not 4.5"),
        (lambda n: n.cells[0].pop("id"), "a cell has no id"),
        (lambda n: n.pop("cells"), "it cannot be read as a notebook"),
    ],
)
def test_bad_metadata_are_found(course, capsys, do, words):
    path = course / "solutions" / NAME
    notebook = notebooks.read(path)
    do(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert make(course) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loose.ipynb", "has to stand in a set"),
        ("two words/x.ipynb", "has to stand in a set"),
        ("02_bptt/draft.py", "holds solutions and would be handed out"),
        ("02_bptt/more/x.ipynb", "does not look for notebooks in folders of a set"),
    ],
)
def test_a_file_in_a_wrong_place_is_found(course, capsys, name, words):
    path = course / "solutions" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT, encoding="utf-8")
    assert make(course) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda n: n.cells[0].update(source=f"x: {SECRET}"), "shows a solution"),
        (lambda n: n.cells[0].metadata.update(old=SECRET), "shows a solution"),
        (lambda n: n.cells[0].update(source=WRITTEN), "shows a solution"),
        (lambda n: n.cells[4].update(source="assert word(111) == 222"), "shows a solution"),
        (lambda n: n.cells[4].update(source="### BEGIN HIDDEN TESTS"), "still says"),
        (lambda n: n.cells[1].update(execution_count=1), "carries an output"),
    ],
)
def test_a_leak_is_found(course, do, words):
    text = TEXT.replace(
        'check("02.word", word)',
        'check("02.word", word)\n### BEGIN HIDDEN TESTS\nassert word(111) == 222\n'
        "### END HIDDEN TESTS",
    )
    path = write_source(course, NAME, text)
    assert make(course) == 0
    source, release = notebooks.read(path), notebooks.read(course / "exercises" / NAME)
    assert b"111" not in (course / "exercises" / NAME).read_bytes()
    assert make_exercises.leaks(source, release) == []
    do(release)
    (fault,) = make_exercises.leaks(source, release)
    assert words in fault


def test_a_short_line_is_no_secret():
    text = TEXT.replace("return twice_of_the_number", "return y")
    source = exercise_source.to_notebook(text)
    release = exercise_source.to_notebook("# %%\ndef f(y):\n    return y\n")
    assert make_exercises.leaks(source, release) == []


def test_a_line_that_is_shown_anyway_is_no_secret(course):
    told = TEXT.replace("# Words,", "# As in `return twice_of_the_number`,")
    write_source(course, NAME, told)
    assert make(course) == 0


# --- the sources as text ---


def test_a_text_and_its_notebook_are_the_same(course, tmp_path):
    back = tmp_path / "back.py"
    source = course / "solutions" / NAME
    assert exercise_source.main(["to-text", str(source), str(back)]) == 0
    assert back.read_text(encoding="utf-8") == TEXT
    again = tmp_path / "again.ipynb"
    assert exercise_source.main(["to-notebook", str(back), str(again)]) == 0
    assert again.read_bytes() == source.read_bytes()


def test_a_new_cell_leaves_the_ids_of_the_others():
    before = [cell.id for cell in exercise_source.to_notebook(TEXT).cells]
    more = TEXT.replace("# %%\nimport os", "# %%\nimport re\n\n# %%\nimport os\n\n# %%\nimport os")
    after = [cell.id for cell in exercise_source.to_notebook(more).cells]
    assert [name for name in after if name in before] == before
    assert len(set(after)) == len(after) == len(before) + 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\n", "line 1: the text has to begin"),
        ("# %% chek word 4\n", "line 1: '# %% chek word 4' is no head"),
        ("# %% check word\nf()\n", "line 1: points are missing"),
        ("# %% solution word 4\nf()\n", "line 1: no points here"),
        ("# %% [markdown] solution word\n# x\n", "line 1: a cell 'solution' is code"),
        ("# %% written word 3\nx\n", "line 1: a cell 'written' is text"),
        ("# %%\n\n# %% [markdown]\n#x\n", "line 4: in a text cell every line begins"),
        ("# %% locked a\nx\n# %% locked a\ny\n", "line 3: a occurs twice"),
    ],
)
def test_a_bad_text_is_named_with_its_line(text, words):
    with pytest.raises(exercise_source.BadSource) as caught:
        exercise_source.to_notebook(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda n: n.cells[0].update(source="%% begins"), "would begin a new cell"),
        (lambda n: n.cells[0].metadata.update(tags=["x"]), "cannot hold its tags"),
        (lambda n: n.cells[0].update(attachments={"a.png": {}}), "cannot hold its attachments"),
        (lambda n: n.cells[0].update(cell_type="raw"), "cannot hold a raw cell"),
        (change(4, points=None), "cannot be written as"),
        (change(4, solution=True, locked=True), "cannot hold a cell with"),
    ],
)
def test_what_a_text_cannot_hold_is_not_lost_in_silence(do, words):
    notebook = exercise_source.to_notebook(TEXT)
    do(notebook)
    with pytest.raises(exercise_source.BadSource) as caught:
        exercise_source.to_text(notebook)
    assert words in str(caught.value)


# --- running them ---

CHECK = """\
def check(name, function):
    try:
        print("✓" if function(3) == 6 else "✗", name)
    except NotImplementedError:
        print("–", name, "not yet implemented")
"""


def test_an_exercise_notebook_runs_empty_and_filled_in(course, tmp_path):
    write_source(course, NAME, TEXT.replace("import os", CHECK))
    make(course)
    path = course / "exercises" / NAME
    source = notebooks.read(notebooks.source_of(path, course))
    student = notebooks.read(path)
    empty = notebooks.executed(student, path.parent, tmp_path)
    assert notebooks.errors(empty) == []
    assert notebooks.unlike(empty, notebooks.NOT_YET) == []
    assert len(notebooks.unlike(empty, notebooks.PASSED)) == 1
    done = notebooks.executed(notebooks.filled(student, source), path.parent, tmp_path)
    assert notebooks.errors(done) == []
    assert notebooks.unlike(done, notebooks.PASSED) == []
    assert path.read_bytes() == (course / "exercises" / NAME).read_bytes()


def test_executing_a_solution_keeps_its_metadata_and_no_progress(course, monkeypatch):
    monkeypatch.setenv("RNNCOURSE_PROGRESS", "the user's own")
    cell = "print(os.environ.get('RNNCOURSE_PROGRESS') == \"the user's own\")"
    path = write_source(course, NAME, TEXT.replace('check("02.word", word)', cell))
    before = notebooks.read(path)
    assert execute_notebooks.main([str(path)]) == 0
    after = notebooks.read(path)
    assert [c.metadata for c in after.cells] == [c.metadata for c in before.cells]
    assert [c.id for c in after.cells] == [c.id for c in before.cells]
    assert notebooks.said(after.cells[4]) == "False "
