"""Every notebook runs in JupyterLab, in a browser, as a learner sees it.

Run it with ``pytest tests/browser``. It starts a JupyterLab of its own on a copy of the course;
set SCREENSHOTS to a folder to keep the pictures of the pages.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.exercise_notebooks import stored

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *stored("exercises"),  # as a new learner opens them, with nothing written yet
]

CONTENT = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.context.model.toJSON())"
OPEN_ANSWERS = "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"
# maths that MathJax refused: drawn in red, or left standing between its dollars
BAD_MATHS = r"""() => [...document.querySelectorAll('.jp-Notebook .jp-RenderedMarkdown')].flatMap(
    shown => {
        const text = shown.cloneNode(true);
        text.querySelectorAll('code').forEach(code => code.remove());
        const refused = [...text.querySelectorAll('merror, [mathcolor=red]')];
        text.querySelectorAll('mjx-container').forEach(maths => maths.remove());
        const dollars = text.textContent.match(/.*\$.*/g) || [];
        return [...refused.map(maths => maths.textContent), ...dollars];
    }
)"""
SCROLL_TO = "(view, top) => { view.scrollTop = top; return view.scrollHeight; }"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course whose notebooks have no outputs yet."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(
        ROOT / "rnncourse", folder / "rnncourse", ignore=shutil.ignore_patterns("__pycache__")
    )
    for part in ("notebooks", "exercises"):  # with the data beside them
        shutil.copytree(ROOT / part, folder / part)
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / path.relative_to(ROOT))
    return folder


def take_screenshots(page: Any, folder: Path, name: str) -> None:
    """Scroll through a notebook and store what is seen, as name-1.png, name-2.png, ..."""
    for old in folder.glob(f"{name}-*.png"):
        old.unlink()
    view = page.locator(".jp-Notebook .jp-WindowedPanel-outer").first
    step = int(view.bounding_box()["height"])
    height = view.evaluate(SCROLL_TO, 0)
    for part, top in enumerate(range(0, height, step), start=1):
        view.evaluate(SCROLL_TO, top)
        page.wait_for_timeout(300)  # until it is drawn
        view.screenshot(path=folder / f"{name}-{part}.png")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_from_top_to_bottom_in_JupyterLab(path, run_notebook, screenshots):
    page = run_notebook(path.relative_to(ROOT).as_posix())
    page.evaluate(OPEN_ANSWERS)
    take_screenshots(page, screenshots, path.stem)
    cells = json.loads(page.evaluate(CONTENT))["cells"]
    code_cells = [cell for cell in cells if cell["cell_type"] == "code"]
    errors = [
        f"cell [{cell['execution_count']}]: {output['ename']}: {output['evalue']}"
        for cell in code_cells
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    numbers = [cell["execution_count"] for cell in code_cells]
    assert not errors, "\n".join(errors)
    assert numbers == list(range(1, len(numbers) + 1))
    assert page.locator(".jp-Notebook .jp-Cell").count() == len(cells)
    assert page.evaluate(BAD_MATHS) == []
