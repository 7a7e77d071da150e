"""Notebooks are stored executed, portable and accessible; and what verifies them is itself sound.

nbval runs the notebooks again and compares their outputs. A notebook without outputs would pass
that, and so would one with a stored error: what a reader finds on opening the file is tested here.
"""

import copy
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tools.execute_notebooks import WIDGET, normalise, read_notebook

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 15
MOST_BYTES = 1_500_000
SHORTEST_ALT = 40
SHORTEST_REASON = 15
HOMES = ("home", "Users", "root", "tmp", "work", "var", "opt", "mnt")
A_PATH = re.compile(r"(?<!\w)/(?:" + "|".join(HOMES) + r")/|\b[A-Z]:\\")
BOX = ("You will be able to", "You need", "Minutes", "Modules")
SEE = "What you should see"
MARKER = "NBVAL_IGNORE_OUTPUT"

# --- the checks: each takes a notebook and says what is wrong with it ---


def code_cells(notebook: dict) -> Iterator[tuple[str, dict]]:
    """The code cells, each with the name by which a message calls it."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            yield f"cell [{cell.execution_count}] (no. {number + 1} of the notebook)", cell


def wrong_numbers(notebook: dict) -> list[str]:
    numbers = [cell.execution_count for _, cell in code_cells(notebook)]
    expected = list(range(1, len(numbers) + 1))
    return [] if numbers == expected else [f"execution counts {numbers} are not {expected}"]


def errors_and_warnings(notebook: dict) -> list[str]:
    return [
        f"{name} has stored an output {output.get('name', 'error')}"
        for name, cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def paths_of_a_machine(notebook: dict) -> list[str]:
    return [
        f"{name} has stored a path of the machine: {line.strip()!r}"
        for name, cell in code_cells(notebook)
        for output in cell.outputs
        for line in _text(output).splitlines()
        if A_PATH.search(line)
    ]


def _text(output: dict) -> str:
    """All text of an output; base64 can hold anything by chance."""
    parts = [output.get("text", ""), *output.get("traceback", [])]
    for kind, content in output.get("data", {}).items():
        if not kind.startswith("image/") or kind == "image/svg+xml":
            parts.append(content if isinstance(content, str) else json.dumps(content))
    return "\n".join(parts)


def long_cells(notebook: dict) -> list[str]:
    faults = []
    for name, cell in code_cells(notebook):
        lines = [line.strip() for line in cell.source.splitlines()]
        length = sum(bool(line) and not line.startswith("#") for line in lines)
        if length > MOST_LINES:
            faults.append(f"{name} has {length} lines of code; at most {MOST_LINES}: one idea")
    return faults


def figures_without_words(notebook: dict) -> list[str]:
    faults = []
    for (name, cell), after in zip(code_cells(notebook), _cells_after(notebook), strict=True):
        images = [
            output.get("metadata", {}).get(kind, {}).get("alt", "")
            for output in cell.outputs
            for kind in output.get("data", {})
            if kind.startswith("image/")
        ]
        if any(len(alt) < SHORTEST_ALT for alt in images):
            faults.append(f"{name} shows a figure without an alt text of {SHORTEST_ALT} letters")
        if images and SEE not in after:
            faults.append(f"{name} shows a figure; the next cell has to say {SEE!r}")
    return faults


def _cells_after(notebook: dict) -> list[str]:
    """For each code cell the text that follows it, if it is text."""
    nothing = nbformat.v4.new_raw_cell()
    return [
        after.source if after.cell_type == "markdown" else ""
        for cell, after in zip(notebook.cells, [*notebook.cells[1:], nothing], strict=True)
        if cell.cell_type == "code"
    ]


def faults_of_the_opening(notebook: dict) -> list[str]:
    first = notebook.cells[0] if notebook.cells else nbformat.v4.new_raw_cell()
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        return ["the first cell is not a title"]
    text = first.source.lower()
    return [f"the opening box lacks {part!r}" for part in BOX if part.lower() not in text]


def exemptions_without_reason(notebook: dict) -> list[str]:
    """nbval sees the marker only if it is alone on its line; the reason is the comment below."""
    faults = []
    for name, cell in code_cells(notebook):
        lines = [line.strip() for line in cell.source.splitlines()] + [""]
        for line, below in itertools.pairwise(lines):
            if "NBVAL" not in line.upper():
                continue
            reason = below.lstrip("# ") if below.startswith("#") else ""
            if line != f"# {MARKER}":
                faults.append(f"{name}: write '# {MARKER}' and nothing else, not {line!r}")
            elif len(reason) < SHORTEST_REASON:
                faults.append(f"{name}: below '# {MARKER}' write a comment that says why")
        tags = [t for t in cell.metadata.get("tags", []) if "nbval" in t or "exception" in t]
        faults += [f"{name}: the tag {tag!r} hides an exemption from the reader" for tag in tags]
    return faults


def not_in_normal_form(path: Path) -> list[str]:
    """Find times, editors' traces, widget state, another kernel, a Python version."""
    notebook = read_notebook(path)
    normalise(notebook)
    if nbformat.writes(notebook).rstrip("\n") + "\n" == path.read_text(encoding="utf-8"):
        return []
    return [f"store it with: python tools/execute_notebooks.py {path.parent.name}/{path.name}"]


def too_big(path: Path) -> list[str]:
    size = path.stat().st_size
    return [f"{size} bytes; at most {MOST_BYTES}"] if size > MOST_BYTES else []


# --- the notebooks ---


def none_of(faults: list[str], path: Path) -> None:
    assert not faults, "".join(f"\n{path.name}: {fault}" for fault in faults)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_cells_are_stored_executed_from_1_to_n(path):
    nbformat.validate(read(path))
    none_of(wrong_numbers(read(path)), path)


@each_notebook
def test_no_error_and_no_warning_is_stored(path):
    none_of(errors_and_warnings(read(path)), path)


@each_notebook
def test_no_path_of_a_machine_is_stored(path):
    none_of(paths_of_a_machine(read(path)), path)


@each_notebook
def test_cells_are_short(path):
    none_of(long_cells(read(path)), path)


@each_notebook
def test_every_figure_is_also_told_in_words(path):
    none_of(figures_without_words(read(path)), path)


@each_notebook
def test_the_notebook_opens_with_what_it_takes_and_gives(path):
    none_of(faults_of_the_opening(read(path)), path)


@each_notebook
def test_outputs_that_are_not_verified_say_why(path):
    none_of(exemptions_without_reason(read(path)), path)


@each_notebook
def test_the_notebook_is_stored_in_its_normal_form(path):
    none_of(not_in_normal_form(path), path)


@each_notebook
def test_the_notebook_is_small(path):
    none_of(too_big(path), path)


# --- the checks themselves, on made-up notebooks ---


def made_up(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook with a title, then the cells, the code cells numbered."""
    title = nbformat.v4.new_markdown_cell(
        "# 01 · Title\n\n> **You will be able to** x\n> **You need** y\n> **Minutes:** 3\n"
        "> **Modules:** `cell`"
    )
    cells = (title, *cells)
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    normalise(notebook)
    return notebook


def code(source: str, *outputs: nbformat.NotebookNode, tags: tuple = ()) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs), execution_count=1)
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def text(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def printed(words: str, name: str = "stdout") -> nbformat.NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=words)


def shown(alt: str | None = None, **data: str) -> nbformat.NotebookNode:
    data = {kind.replace("_", "/"): content for kind, content in data.items()}
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata)


ERROR = nbformat.v4.new_output("error", ename="E", evalue="x", traceback=["x"])
ALT = "A line that falls from the upper left to the lower right corner."
REASON = "# the run time differs between machines"
FIGURE = (code("plot()", shown(ALT, image_png="aGk=")), text(f"*{SEE}:* a line that falls."))
GOOD = made_up(
    code("a = 1\nprint(a)", printed("1\n")),
    *FIGURE,
    code(f"# {MARKER}\n{REASON}\nprint(2.5)", printed("2.5\n")),
    code("show_source(f)", shown(text_markdown="From `rnncourse/cell.py`", text_plain="<M>")),
    code("x = 1\n\n# why\n" * MOST_LINES),
)
A_HOME = "/" + "/".join((HOMES[0], "ann", "x.py"))


@pytest.mark.parametrize(
    ("check", "cells"),
    [
        (errors_and_warnings, [code("1/0", ERROR)]),
        (errors_and_warnings, [code("f()", printed("1\n"), printed("Warning: x\n", "stderr"))]),
        (paths_of_a_machine, [code("f()", printed(f"read {A_HOME}\n"))]),
        (paths_of_a_machine, [code("f()", shown(text_plain=f"Path('{A_HOME}')"))]),
        (paths_of_a_machine, [code("f()", shown(text_html=f"<a href='file://{A_HOME}'>"))]),
        (paths_of_a_machine, [code("f()", printed("C:" + "\\Users\\ann\n"))]),
        (long_cells, [code("x = 1\n" * (MOST_LINES + 1))]),
        (figures_without_words, [code("plot()", shown(image_png="aGk=")), FIGURE[1]]),
        (figures_without_words, [code("plot()", shown("A line.", image_png="aGk=")), FIGURE[1]]),
        (figures_without_words, [FIGURE[0], text("And so on.")]),
        (figures_without_words, [FIGURE[0], code(f"'{SEE}'"), FIGURE[1]]),
        (figures_without_words, [FIGURE[0]]),
        (exemptions_without_reason, [code(f"# {MARKER}\nprint(2.5)")]),
        (exemptions_without_reason, [code(f"# {MARKER}\n# time\nprint(2.5)")]),
        (exemptions_without_reason, [code(f"# {MARKER}: run times differ\n{REASON}\nf()")]),
        (exemptions_without_reason, [code(f"f()  # {MARKER}\n{REASON}")]),
        (exemptions_without_reason, [code(f"# NBVAL_SKIP\n{REASON}\nf()")]),
        (exemptions_without_reason, [code("f()", tags=("nbval-ignore-output",))]),
        (exemptions_without_reason, [code("1/0", tags=("raises-exception",))]),
    ],
)
def test_a_bad_cell_is_found(check, cells):
    assert check(GOOD) == []
    assert len(check(made_up(*copy.deepcopy(cells)))) == 1


@pytest.mark.parametrize("numbers", [[None, None], [1, None], [2, 1], [1, 3], [1, 1], [7, 8]])
def test_cells_that_were_not_run_in_order_are_found(numbers):
    notebook = made_up(code("a = 1"), text("and"), code("b = 2"))
    assert wrong_numbers(notebook) == []
    for (_, cell), number in zip(code_cells(notebook), numbers, strict=True):
        cell.execution_count = number
    assert len(wrong_numbers(notebook)) == 1


def test_an_opening_that_lacks_something_is_found():
    title = GOOD.cells[0].source
    assert faults_of_the_opening(GOOD) == []
    for part in BOX:
        notebook = copy.deepcopy(GOOD)
        notebook.cells[0].source = title.replace(part, "")
        assert faults_of_the_opening(notebook) == [f"the opening box lacks {part!r}"]
    notebook = copy.deepcopy(GOOD)
    del notebook.cells[0]
    assert faults_of_the_opening(notebook) == ["the first cell is not a title"]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("notebook", {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}}}),
        ("notebook", {"kernelspec": {"name": "my_env", "display_name": "x", "language": "python"}}),
        ("notebook", {"language_info": {"name": "python", "version": "3.12.1"}}),
        ("notebook", {"jupytext": {"formats": "ipynb,py"}}),
        ("cell", {"execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"}}),
        ("cell", {"scrolled": True}),
    ],
)
def test_a_notebook_with_traces_of_a_session_is_found(tmp_path, part, change):
    path, notebook = tmp_path / "n.ipynb", copy.deepcopy(GOOD)
    nbformat.write(notebook, path)
    assert not_in_normal_form(path) == []
    (notebook if part == "notebook" else notebook.cells[1]).metadata.update(change)
    nbformat.write(notebook, path)
    assert len(not_in_normal_form(path)) == 1


def test_the_view_of_a_widget_is_not_stored_and_its_words_are(tmp_path):
    view = {WIDGET: {"model_id": "drawn by lot"}, "text/plain": "a figure with sliders"}
    path, notebook = tmp_path / "n.ipynb", copy.deepcopy(GOOD)
    gone = {WIDGET: {"model_id": "of a progress bar, which leaves nothing"}}
    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", d) for d in (gone, view)]
    nbformat.write(notebook, path)
    assert len(not_in_normal_form(path)) == 1
    normalise(notebook)
    assert len(notebook.cells[1].outputs) == 1
    assert notebook.cells[1].outputs[0].data == {"text/plain": "a figure with sliders"}


def test_a_big_notebook_is_found(tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_bytes(b" " * MOST_BYTES)
    assert too_big(path) == []
    path.write_bytes(b" " * (MOST_BYTES + 1))
    assert len(too_big(path)) == 1


# --- the tool that stores them ---


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess:
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_executing_a_notebook_twice_gives_the_same_bytes(tmp_path):
    path = tmp_path / "n.ipynb"
    slowly = "import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.3)"
    cells = [code(slowly), code("import os\nos.listdir()")]
    nbformat.write(made_up(*cells), path)
    stored = []
    for _ in range(2):
        done = run(str(ROOT / "tools/execute_notebooks.py"), str(path), cwd=ROOT)
        assert done.returncode == 0, done.stderr
        stored.append(path.read_bytes())
    assert stored[0] == stored[1]
    first, second = (cell.outputs for _, cell in code_cells(read(path)))
    assert first == [printed("0\n1\n2\n")]
    assert second[0].data == {"text/plain": "['n.ipynb']"}
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_notebook_that_fails_stays_as_it_was(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(made_up(code("a = 1", printed("old\n")), text("and"), code("a / 0")), path)
    before = path.read_bytes()
    done = run(str(ROOT / "tools/execute_notebooks.py"), str(path), cwd=ROOT)
    assert done.returncode == 1
    assert f"{path}, cell [2]: ZeroDivisionError: division by zero" in done.stderr
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path]


# --- the comparison that verifies them: conftest.py's mends to nbval ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.123", "0.124"),
        ("loss 2.303.", "loss 2.302."),
        ("1.5e-07", "1.6e-07"),
        ("1.0e-07", "9.9e-08"),  # the unit is that of the last digit printed by either
        ("1e-15", "2e-15"),
        ("[0.2  0.5 ]", "[0.21 0.5 ]"),  # NumPy leaves out zeros and keeps the width
        ("[ 9.999  1.5]", "[10.000  1.5]"),
        ("x = -0.000", "x = 0.000"),
        ("0.5+0.31j", "0.5+0.32j"),
        ("nan 0.1", "nan 0.2"),
    ],
)
def test_decimals_may_differ_by_one_unit_of_the_last_digit(same_output, one, other):
    assert same_output(one, other)
    assert same_output(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.123", "0.125"),
        ("0.3", "0.30000000000000004"),
        ("3", "4"),
        ("[1. 2.]", "[1. 3.]"),  # NumPy's way of writing whole numbers
        ("(8, 16)", "(8, 17)"),
        ("nan", "inf"),
        ("nan", "0.1"),
        ("inf", "-inf"),
        ("0.5", "-0.5"),
        ("falls 0.1", "rises 0.1"),
        ("1.2.3", "1.2.4"),
        ("v1.5", "v1.6"),
        ("chapter2.1", "chapter2.2"),
        ("0.1 0.2", "0.1"),
        ("0.1  m", "0.1 m"),
        ("0.1\n", "0.1"),
        ("True", "False"),
    ],
)
def test_everything_else_is_strict(same_output, one, other):
    assert not same_output(one, other)
    assert not same_output(other, one)


CLEAR = "from IPython.display import Markdown, clear_output\n"
PROGRESS = CLEAR + "for i in range(3):\n    clear_output(wait=True)\n    print(i)\n"
AGREES = [
    code("print(0.124)", printed("0.123\n")),
    code("[0.124, 2]", shown(text_plain="[0.123, 2]")),
    code("43;"),  # the ';' silences it, in nbval too
    code(PROGRESS + "clear_output()"),
    code(PROGRESS + "clear_output()\nprint('done')", printed("done\n")),
    code(PROGRESS, printed("2\n")),
    code("print('x')\nclear_output(wait=True)", printed("x\n")),  # nothing came to replace it
    code("import sys\nprint('x')", printed("x\n")),
]
DIFFERS = [
    code("print(41)", printed("42\n")),
    code("print('falls')", printed("rises\n")),
    code("print(0.125)", printed("0.123\n")),
    code("print('x')\nprint('y', file=sys.stderr)", printed("x\n")),
    code("3"),
    code("pass", printed("x\n")),
    code("display(1)\ndisplay(1)", shown(text_plain="1")),
    code(PROGRESS),
    code("Markdown('W = 0.2')", shown(text_markdown="W = 0.1", text_plain="<Markdown object>")),
    code("1 / 0"),
]


def test_nbval_fails_on_every_difference_but_a_last_digit(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    cells = copy.deepcopy(AGREES + DIFFERS)
    nbformat.write(made_up(*cells), tmp_path / "n.ipynb")
    command = ("-m", "pytest", "--nbval", "-rA", "--color=no", "-p", "no:cacheprovider")
    report = run(*command, str(tmp_path / "n.ipynb"), cwd=tmp_path).stdout
    found = re.findall(r"^(PASSED|FAILED) n\.ipynb::Cell (\d+)", report, re.MULTILINE)
    verdicts = {int(number): verdict for verdict, number in found}
    expected = ["PASSED"] * len(AGREES) + ["FAILED"] * len(DIFFERS)
    assert verdicts == dict(enumerate(expected)), report
