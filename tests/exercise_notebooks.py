"""Helpers for the tests of exercises/: notebooks as learners meet them, and filled in."""

import copy
import os
import re
import warnings
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools.make_exercises import EXERCISES, OWN, ROOT, SOLUTIONS, checks_in, is_check

NOT_YET, PASSED = "not yet implemented", "✓ {name}"  # how the card of a check begins
TIMEOUT = 300  # seconds for one cell: a hang should fail, not a slow machine
TAG = re.compile(r"<[^>]*>")


def stored(folder: str, root: Path = ROOT) -> list[Path]:
    """The notebooks of ``solutions`` or ``exercises``; learners' own copies are passed over."""
    found = sorted((root / folder).glob("*/*.ipynb"))
    return [p for p in found if p.parent.name[0] != "." and not OWN.search(p.name)]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def source_of(student: Path, root: Path = ROOT) -> Path:
    """The solution from which a student's notebook was made."""
    return root / SOLUTIONS / student.relative_to(root / EXERCISES)


def is_solution(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def filled(student: nbformat.NotebookNode, source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student's notebook, with every stub replaced by the solution of the same grade_id."""
    solutions = {c.metadata.nbgrader.grade_id: c.source for c in source.cells if is_solution(c)}
    done = copy.deepcopy(student)
    for cell in done.cells:
        if is_solution(cell):
            cell.source = solutions.pop(cell.metadata.nbgrader.grade_id)
    assert not solutions, f"these solutions have no place in the student edition: {[*solutions]}"
    return done


def executed(notebook: nbformat.NotebookNode, folder: Path, own: Path) -> nbformat.NotebookNode:
    """A copy, run to its end in a kernel of its own that works in `folder` and leaves nothing.

    The learner's progress and IPython's files go to the folder `own`.
    """
    done = copy.deepcopy(notebook)
    client = NotebookClient(
        done,
        kernel_name="python3",
        timeout=TIMEOUT,
        allow_errors=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    settings = {
        "IPYTHONDIR": str(own / "ipython"),
        "RNNCOURSE_PROGRESS": str(own / "progress.json"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with warnings.catch_warnings():  # on Windows zmq tells how it helps itself
        warnings.filterwarnings("ignore", message="Proactor event loop", category=RuntimeWarning)
        client.execute(env={k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | settings)
    return done


def said(cell: nbformat.NotebookNode) -> str:
    """All that a cell shows as text, the words of its cards included, on one line."""
    parts = []
    for output in cell.get("outputs", []):
        parts.append(output.get("text", ""))
        data = output.get("data", {})
        parts += [data.get("text/plain", ""), TAG.sub(" ", data.get("text/html", ""))]
        parts.append(output.get("evalue", ""))
    return re.sub(r"\s+", " ", " ".join(parts))


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """The cells that raised, or that wrote to stderr, each with what it said."""
    return [
        f"cell {number}: {output.get('ename', 'stderr')}: "
        f"{output.get('evalue', output.get('text', ''))}\n{cell.source}"
        for number, cell in enumerate(notebook.cells, start=1)
        for output in cell.get("outputs", [])
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def checks(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """The graded cells of code, by the exercise that each of them checks."""
    return {name: cell for cell in notebook.cells if is_check(cell) for name in checks_in(cell)}


def unlike(notebook: nbformat.NotebookNode, words: str) -> list[str]:
    """The exercises whose check does not say `words`, each with what it says.

    ``{name}`` in `words` stands for the exercise.
    """
    return [
        f"{name} says: {said(cell)[:300]!r}"
        for name, cell in checks(notebook).items()
        if words.format(name=name).lower() not in said(cell).lower()
    ]


__all__ = [
    "NOT_YET",
    "PASSED",
    "checks",
    "errors",
    "executed",
    "filled",
    "is_solution",
    "read",
    "said",
    "source_of",
    "stored",
    "unlike",
]
