"""Edit the notebooks of solutions/ as plain text; the notebook stays the one source.

    python tools/exercise_source.py to-notebook draft.py solutions/02_bptt/02_exercises.ipynb
    python tools/exercise_source.py to-text solutions/02_bptt/02_exercises.ipynb draft.py

The text holds one cell after the other, each below a line that says what it is:

    # %% [markdown]                   text; its lines begin with "# "
    # %%                              code
    # %% solution ID                  what the learner writes, with ### BEGIN / END SOLUTION
    # %% check ID POINTS              the check of it, graded
    # %% [markdown] written ID POINTS a written answer, graded by hand, with BEGIN / END SOLUTION
    # %% locked ID                    code that the learner cannot change
    # %% [markdown] locked ID         text that the learner cannot change

Outputs are not kept: afterwards run tools/execute_notebooks.py and tools/make_exercises.py.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # when this file is run as a script

from tools.execute_notebooks import (  # noqa: E402
    METADATA,
    NotebookFailed,
    read_notebook,
    store,
)

HEAD = re.compile(
    r"# %%(?P<markdown> \[markdown\])?"
    r"(?: (?P<kind>solution|check|written|locked) (?P<id>[A-Za-z0-9_-]{1,64}))?"
    r"(?: (?P<points>\d+(?:\.\d+)?))?\s*"
)
# grade, solution, locked
FLAGS = {
    "solution": (False, True, False),
    "check": (True, False, True),
    "written": (True, True, False),
    "locked": (False, False, True),
}
KEPT = {"nbgrader"}  # the metadata of a cell that the text can hold
FORGOTTEN = {"deletable", "editable", "collapsed", "scrolled", "trusted", "execution"}


class BadSource(Exception):
    """A text or a notebook that cannot be converted; the message says where and why."""


def to_notebook(text: str) -> nbformat.NotebookNode:
    """Read a text as a notebook. The same text gives the same cells with the same ids."""
    cells: list[nbformat.NotebookNode] = []
    taken: set[str] = set()
    for number, head, lines in _pieces(text):
        cell = _cell(number, head, lines)
        name = head["id"] or _name(cell, taken)
        if name in taken:
            raise BadSource(f"line {number}: {name} occurs twice")
        taken.add(name)
        cell["id"] = name
        cells.append(cell)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def _pieces(text: str) -> Iterator[tuple[int, re.Match, list[str]]]:
    """Each cell: the number of its head line, the head, and the lines below it."""
    head, begun, lines = None, 0, []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.startswith("# %%"):
            if head is None and line.strip():
                raise BadSource(f"line {number}: the text has to begin with a line '# %%'")
            lines.append(line)
            continue
        if head is not None:
            yield begun, head, lines
        head, begun, lines = HEAD.fullmatch(line), number, []
        if head is None:
            raise BadSource(f"line {number}: {line!r} is no head of a cell")
    if head is not None:
        yield begun, head, lines


def _cell(number: int, head: re.Match, lines: list[str]) -> nbformat.NotebookNode:
    kind, points = head["kind"], head["points"]
    graded = kind in ("check", "written")
    if graded != (points is not None):
        raise BadSource(f"line {number}: " + ("points are missing" if graded else "no points here"))
    if kind and kind != "locked" and (kind == "written") != bool(head["markdown"]):
        rule = "is text" if kind == "written" else "is code"
        raise BadSource(f"line {number}: a cell {kind!r} {rule}")
    if head["markdown"]:
        source = "\n".join(_uncommented(number + n, line) for n, line in enumerate(lines, start=1))
        cell = nbformat.v4.new_markdown_cell(source.strip("\n"))
    else:
        cell = nbformat.v4.new_code_cell("\n".join(lines).strip("\n"))
    if kind:
        grade, solution, locked = FLAGS[kind]
        cell.metadata["nbgrader"] = {
            "grade": grade,
            "grade_id": head["id"],
            "locked": locked,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
        if graded:
            value = float(points)
            cell.metadata["nbgrader"]["points"] = int(value) if value.is_integer() else value
    return cell


def _uncommented(number: int, line: str) -> str:
    if line.startswith("# "):
        return line[2:]
    if line.strip() in ("", "#"):
        return ""
    raise BadSource(f"line {number}: in a text cell every line begins with '# '; got {line!r}")


def _name(cell: nbformat.NotebookNode, taken: set[str]) -> str:
    """A name made of what the cell says; cells that say the same are counted."""
    number = 0
    while True:
        words = f"{cell.cell_type}\n{cell.source}\n{number}"
        name = hashlib.sha256(words.encode()).hexdigest()[:8]
        if name not in taken:
            return name
        number += 1


def to_text(notebook: nbformat.NotebookNode) -> str:
    """Write a notebook as a text, from which `to_notebook` makes the same cells."""
    pieces = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type not in ("code", "markdown"):
            raise BadSource(f"cell {number}: the text cannot hold a {cell.cell_type} cell")
        more = set(cell.metadata) - KEPT - FORGOTTEN
        if more or cell.get("attachments"):
            what = ", ".join(sorted(more)) or "attachments"
            raise BadSource(f"cell {number}: the text cannot hold its {what}")
        lines = cell.source.strip("\n").split("\n")
        if cell.cell_type == "markdown":
            lines = [f"# {line}" if line.strip() else "#" for line in lines]
        bad = [line for line in lines if line.startswith("# %%")]
        if bad:
            raise BadSource(f"cell {number}: the line {bad[0]!r} would begin a new cell")
        pieces.append("\n".join([_head(number, cell), *lines]))
    return "\n\n".join(pieces) + "\n"


def _head(number: int, cell: nbformat.NotebookNode) -> str:
    words = ["# %%"] + ["[markdown]"] * (cell.cell_type == "markdown")
    meta = cell.metadata.get("nbgrader")
    if meta:
        flags = tuple(bool(meta.get(key)) for key in ("grade", "solution", "locked"))
        kinds = [kind for kind, those in FLAGS.items() if those == flags]
        if not kinds or meta.get("task"):
            raise BadSource(f"cell {number}: the text cannot hold a cell with {dict(meta)}")
        words += [kinds[0], meta["grade_id"]] + [str(meta.get("points"))] * flags[0]
    head = " ".join(words)
    if not HEAD.fullmatch(head):
        raise BadSource(f"cell {number}: its nbgrader metadata cannot be written as {head!r}")
    return head


def main(arguments: list[str]) -> int:
    """Convert one file into another; return 1 if that is not possible."""
    if len(arguments) != 3 or arguments[0] not in ("to-notebook", "to-text"):
        print(__doc__, file=sys.stderr)
        return 2
    source, target = Path(arguments[1]), Path(arguments[2])
    try:
        if arguments[0] == "to-notebook":
            notebook = to_notebook(source.read_text(encoding="utf-8"))
            text = nbformat.writes(notebook).rstrip("\n") + "\n"
        else:
            text = to_text(read_notebook(source))
    except (BadSource, NotebookFailed, OSError, UnicodeDecodeError) as error:
        print(f"{source}: {error}", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    store(target, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
