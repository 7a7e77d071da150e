"""The explorer in JupyterLab, in a browser: the keyboard moves the sliders, the figure follows."""

import shutil
from pathlib import Path

import nbformat
import pytest

from rnncourse.explore import explorer
from tools.execute_notebooks import METADATA

ROOT = Path(__file__).parents[2]
SOURCE = "from rnncourse.explore import explorer\n\nexplorer()"
PICTURE = ".jp-Notebook .widget-html img"
WORDS = ".jp-Notebook .widget-html p"
HANDLES = ".jp-Notebook .noUi-handle"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A folder with the package and one notebook that shows the explorer."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(
        ROOT / "rnncourse", folder / "rnncourse", ignore=shutil.ignore_patterns("__pycache__")
    )
    cell = nbformat.v4.new_code_cell(SOURCE)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=METADATA)
    nbformat.write(notebook, folder / "explorer.ipynb")
    return folder


def test_each_slider_moves_with_the_arrow_keys_and_the_figure_and_its_words_follow(
    run_notebook, screenshots
):
    page = run_notebook("explorer.ipynb")
    page.wait_for_selector(PICTURE)
    shown = page.locator(".jp-OutputArea-output").first
    shown.screenshot(path=screenshots / "explorer-1.png")
    expected = explorer()  # the same here, moved in Python
    controls, picture = expected.children
    for number, key in enumerate(("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")):
        before, words = page.get_attribute(PICTURE, "src"), page.inner_text(WORDS)
        handle, control = page.locator(HANDLES).nth(number), controls.children[number]
        handle.focus()
        for _ in range(6):
            page.keyboard.press(key)
        control.value += 6 * control.step * (1 if key == "ArrowRight" else -1)
        page.wait_for_function(
            "([img, src]) => document.querySelector(img).src === src",
            arg=[PICTURE, picture.value.split('"')[1]],
        )
        assert page.get_attribute(PICTURE, "src") != before
        assert page.inner_text(WORDS) != words
        assert page.evaluate("() => document.activeElement.className").startswith("noUi-handle")
    shown.screenshot(path=screenshots / "explorer-2.png")


def test_the_figure_has_its_words_as_text_for_those_who_cannot_see_it(run_notebook):
    page = run_notebook("explorer.ipynb")
    page.wait_for_selector(PICTURE)
    assert page.get_attribute(PICTURE, "alt") == page.inner_text(WORDS)
    assert page.get_by_role("img", name="the measured norm").count() == 1
