"""Execute notebooks in a fresh kernel and store them, with their outputs, in one normal form.

Run it as ``python tools/execute_notebooks.py notebooks/01_unrolling.ipynb ...``. Two runs give the
same bytes, so that a diff shows what changed in the course and nothing else. A notebook which
fails stays on disk as it was.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    # without the version of Python, which would change with every machine
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# what editors and kernels leave in a cell: times, scrolling, trust
TRACES = {"execution", "ExecuteTime", "trusted", "scrolled", "autoscroll", "lines_to_next_cell"}
WIDGET = "application/vnd.jupyter.widget-view+json"


class NotebookFailed(Exception):
    """A notebook could not be read or executed to its end; the message says where and why."""


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook; cells without an id get one that is the same at every run."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        taken = {cell.get("id") for cell in content["cells"]}
        for n, cell in enumerate(content["cells"], start=1):
            if "id" not in cell:
                cell["id"] = next(i for i in (f"cell-{n}", f"cell-{n}-new") if i not in taken)
        content |= {"nbformat": 4, "nbformat_minor": 5, "metadata": METADATA}
        return nbformat.reads(json.dumps(content), as_version=4)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookFailed(f"{path} cannot be read as a notebook: {error}") from error


def execute(path: Path) -> str:
    """Execute a notebook in a kernel of its own and return the text to store."""
    notebook = read_notebook(path)
    started = 0

    def count(cell: nbformat.NotebookNode, cell_index: int) -> None:
        nonlocal started
        started += cell.cell_type == "code" and bool(cell.source.strip())

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=count,
    )
    with tempfile.TemporaryDirectory() as folder:  # no start-up files or settings of the user,
        # and no record of checks, which keep none in a notebook that runs by itself
        env = {k: v for k, v in os.environ.items() if k != "RNNCOURSE_PROGRESS"}
        try:
            client.execute(env=env | {"IPYTHONDIR": folder})
        except Exception as error:
            where = f"cell [{started}]" if started else "before its first cell"
            what = f"{type(error).__name__}: {error}"  # the kernel died, or never started
            if isinstance(error, CellExecutionError):
                what = f"{error.ename}: {error.evalue}"
            raise NotebookFailed(f"{path}, {where}: {what}") from error
    normalise(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Remove, in place, all that differs from run to run without being part of the course."""
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel has added to it
    for cell in notebook.cells:
        for name in TRACES & set(cell.metadata):
            del cell.metadata[name]
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
            for output in cell.outputs:  # a widget's name is drawn by lot, and dies with the kernel
                output.get("data", {}).pop(WIDGET, None)
            cell.outputs = [o for o in cell.outputs if o.get("data", True)]  # a bar that has gone


def join_streams(outputs: list) -> list:
    """Join neighbouring pieces of one stream: where a kernel cuts it depends on time."""
    joined: list = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def store(path: Path, text: str) -> None:
    """Replace a file in one go: an interruption leaves the old or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def main(names: list[str]) -> int:
    """Execute and store each notebook; return 1 if one failed."""
    if not names or names[0].startswith("-"):
        print("usage: python tools/execute_notebooks.py NOTEBOOK...", file=sys.stderr)
        return 2
    failed = 0
    for path in map(Path, names):
        start = time.perf_counter()
        try:
            store(path, execute(path))
        except NotebookFailed as error:
            failed = 1
            print(f"FAILED   {error}\n         The file is as it was.", file=sys.stderr)
        else:
            print(f"{time.perf_counter() - start:6.1f} s  {path}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
