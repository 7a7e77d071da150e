"""What the notebooks use to talk to the learner."""

import importlib.metadata
import inspect
import platform

import numpy as np
import pytest
from matplotlib.figure import Figure

from rnncourse import lesson
from rnncourse.cell import RNNParams, step
from rnncourse.lesson import check_installation, get_versions, reveal, show_figure, show_source


@pytest.mark.parametrize("thing", [step, RNNParams])
def test_the_source_shown_is_the_packaged_code_without_its_docstrings(thing):
    shown = show_source(thing).data
    assert shown.startswith("From `rnncourse/cell.py`:\n```python\n")
    assert shown.endswith("\n```")
    assert '"""' not in shown
    packaged = [line for line in inspect.getsource(thing).splitlines() if line.strip()]
    kept = [line for line in shown.splitlines()[2:-1] if line.strip()]
    assert [line for line in packaged if line in kept] == kept  # nothing added, order kept
    for line in packaged:
        assert line in kept or "# (" not in line  # every line of an equation is there


def test_the_docstring_can_be_shown_too():
    assert r"\tag{1.2}" in show_source(step, docstring=True).data


def test_what_has_no_source_is_refused_plainly():
    with pytest.raises(TypeError, match="has no source to show; expected a function or class"):
        show_source(np.ones(2))


def test_a_figure_carries_its_text_and_a_white_ground():
    image = show_figure(Figure(figsize=(2, 1)), alt="An empty figure.")
    data, metadata = image._repr_png_()
    assert metadata["alt"] == "An empty figure."
    assert len(data) > 100
    with pytest.raises(ValueError, match="alt is empty"):
        show_figure(Figure(), alt="  ")


@pytest.mark.parametrize(
    ("guess", "measured", "words"),
    [
        (None, 2.0, "Measured: 2. (No prediction"),
        (2.1, 2.0, "right within 10 %"),
        (8.0, 2.0, "which is 4 times as much"),
        (0.5, 2.0, "it is 4 times as much"),
        (-1.0, 2.0, "You predicted -1."),
        (10.0, 0.0, "Measured: 0. You predicted 10."),
        (0.0, 0.0, "right within 10 %"),
    ],
)
def test_a_prediction_is_compared_with_what_was_measured(capsys, guess, measured, words):
    reveal(guess, measured)
    assert words in capsys.readouterr().out


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A folder of notebooks beside the package, as in the repository."""
    monkeypatch.setattr(lesson, "__file__", str(tmp_path / "rnncourse" / "lesson.py"))
    (tmp_path / "rnncourse").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def test_a_good_installation_is_told_to_go_on(notebooks, capsys):
    check_installation(notebooks)
    out = capsys.readouterr().out
    assert "PROBLEM" not in out
    assert out.endswith("Everything is ready. Go on to 01_unrolling.ipynb.\n")
    assert not list(notebooks.iterdir())  # the trial file is gone


def test_an_old_python_is_named_with_what_to_do(notebooks, capsys, monkeypatch):
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.2")
    check_installation(notebooks)
    out = capsys.readouterr().out
    assert "PROBLEM  Python is new enough" in out
    assert "This is Python 3.9.2" in out
    assert "1 to mend" in out


@pytest.mark.parametrize(("installed", "words"), [("1.26.0", "1.26.0 is"), (None, "nothing is")])
def test_a_package_out_of_range_or_missing_is_named(
    notebooks, capsys, monkeypatch, installed, words
):
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name != "numpy":
            return real(name)
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    check_installation(notebooks)
    out = capsys.readouterr().out
    assert "PROBLEM  the packages" in out
    assert f"numpy<3,>=2.0 is needed, {words}" in out


def test_a_kernel_of_another_copy_is_noticed(notebooks, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(lesson, "__file__", str(tmp_path / "elsewhere" / "lesson.py"))
    check_installation(notebooks)
    assert "PROBLEM  the kernel" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_is_noticed(notebooks, capsys, monkeypatch):
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lesson.tempfile, "NamedTemporaryFile", refuse)
    check_installation(notebooks)
    assert "could not be saved here (Permission denied)" in capsys.readouterr().out


def test_wrong_arithmetic_is_noticed(notebooks, capsys, monkeypatch):
    monkeypatch.setattr(lesson, "complex_step_gradient", lambda f, x: np.ones_like(x))
    check_installation(notebooks)
    assert "PROBLEM  a gradient by hand" in capsys.readouterr().out


def test_the_versions_for_a_report_name_the_packages():
    versions = get_versions()
    assert f"Python {platform.python_version()}" in versions
    assert f"numpy {np.__version__}" in versions
