"""The exercises of the course: made from the solutions, complete, and right from end to end.

Each student notebook is executed twice: as it is handed out, and with the solutions filled in.
What is executed is what solutions/ gives; that exercises/ holds just this is a test of its own.
"""

import collections
from pathlib import Path

import nbformat
import pytest

from rnncourse.checks import catalogue
from rnncourse.checks.exercise import KINDS
from tests import exercise_notebooks as notebooks
from tests.course import test_notebooks_stored as as_stored
from tools import make_exercises
from tools.make_exercises import ROOT, SOLUTIONS

SOURCES = notebooks.stored(SOLUTIONS)
FEWEST = 40  # exercises of the course
FEWEST_NOT_IN_THE_PACKAGE = 10  # of the kind "write it"

each_notebook = pytest.mark.parametrize(
    "source", SOURCES, ids=lambda p: p.relative_to(ROOT / SOLUTIONS).with_suffix("").as_posix()
)


@pytest.fixture(scope="module")
def edition() -> make_exercises.Edition:
    return make_exercises.generate(ROOT, make_exercises.CataloguePoints())


def student_of(source: Path, edition: make_exercises.Edition) -> nbformat.NotebookNode:
    name = source.relative_to(ROOT / SOLUTIONS).as_posix()
    return nbformat.reads(edition[name].decode("utf-8"), as_version=4)


def none_of(faults: list[str], path: Path) -> None:
    assert not faults, "".join(f"\n{path.relative_to(ROOT).as_posix()}: {f}" for f in faults)


# --- the whole ---


def test_the_exercises_are_what_the_solutions_give(edition):
    found = make_exercises.differences(ROOT, edition)
    assert not found, "\n" + "\n".join(found)


def test_every_exercise_is_checked_in_exactly_one_cell():
    cells = [
        name
        for path in SOURCES
        for cell in notebooks.read(path).cells
        if make_exercises.is_check(cell)
        for name in make_exercises.checks_in(cell)
    ]
    assert collections.Counter(cells) == dict.fromkeys(catalogue.names(), 1)


def test_every_exercise_stands_in_the_set_of_its_chapter():
    for path in SOURCES:
        for name in notebooks.checks(notebooks.read(path)):
            assert path.parent.name[:2] == name[:2], f"{name} is checked in {path.parent.name}"


@pytest.mark.parametrize("chapter", catalogue.CHAPTERS)
def test_every_chapter_has_exercises_of_all_four_kinds(chapter):
    names = [name for name in catalogue.names() if name.startswith(chapter)]
    assert {catalogue.load(name).kind for name in names} == set(KINDS)


def test_there_are_at_least_forty_exercises():
    assert len(catalogue.names()) >= FEWEST


def test_importing_is_no_answer_to_ten_of_those_that_are_to_be_written():
    exercises = [catalogue.load(name) for name in catalogue.names()]
    new = [e.name for e in exercises if e.kind == "write" and not e.answers]
    assert len(new) >= FEWEST_NOT_IN_THE_PACKAGE, new


# --- the solutions as they are stored ---


@each_notebook
def test_a_solution_is_stored_executed_and_passes(source):
    notebook = notebooks.read(source)
    faults = [
        *as_stored.wrong_numbers(notebook),
        *as_stored.errors_and_warnings(notebook),
        *as_stored.paths_of_a_machine(notebook),
        *as_stored.not_in_normal_form(source),
        *notebooks.unlike(notebook, notebooks.PASSED),
    ]
    none_of(faults, source)


# --- the student edition ---


@each_notebook
def test_the_student_edition_is_valid_and_unexecuted(source, edition):
    student = student_of(source, edition)
    nbformat.validate(student)
    code = [cell for cell in student.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert student.metadata == notebooks.read(source).metadata


@each_notebook
def test_every_check_says_not_yet_implemented_when_nothing_is_written(source, edition, tmp_path):
    folder = source.parent
    empty = notebooks.executed(student_of(source, edition), folder, tmp_path)
    none_of(notebooks.errors(empty), source)
    none_of(notebooks.unlike(empty, notebooks.NOT_YET), source)


@each_notebook
def test_every_check_passes_when_the_solutions_are_filled_in(source, edition, tmp_path):
    student = notebooks.filled(student_of(source, edition), notebooks.read(source))
    done = notebooks.executed(student, source.parent, tmp_path)
    none_of(notebooks.errors(done), source)
    none_of(notebooks.unlike(done, notebooks.PASSED), source)


def test_a_check_that_does_not_say_so_is_found():
    """The two tests above would see nothing if a check were silent, or failed."""
    silent = nbformat.v4.new_code_cell(
        'check("02.bptt", f)', metadata={"nbgrader": {"grade": True}}
    )
    notebook = nbformat.v4.new_notebook(cells=[silent])
    assert notebooks.unlike(notebook, notebooks.NOT_YET)
    text = {"text/plain": "✗ 02.bptt · 3 of 8 tests hold"}
    silent.outputs = [nbformat.v4.new_output("display_data", data=text)]
    assert notebooks.unlike(notebook, notebooks.PASSED)
    text["text/plain"] = "✓ 02.bptt · all 8 tests hold"
    silent.outputs = [nbformat.v4.new_output("display_data", data=text)]
    assert notebooks.unlike(notebook, notebooks.PASSED) == []
