"""What the notebooks use to talk to the learner.

Packaged source in place, figures with a text for those who cannot see them, predictions, and the
check of the installation. A leaf: no other module imports it.
"""

import ast
import importlib.metadata
import inspect
import io
import platform
import tempfile
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import PIL.Image
from IPython.display import Image, Markdown
from matplotlib.figure import Figure
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from rnncourse import __name__ as package
from rnncourse.bptt import bptt
from rnncourse.cell import init_params
from rnncourse.gradcheck import complex_step_gradient, relative_error
from rnncourse.losses import squared_error
from rnncourse.unroll import unroll


def show_source(thing: Any, *, docstring: bool = False) -> Markdown:
    """Show the source of a packaged function or class: the code that the tests check.

    Parameters
    ----------
    thing : Any
        A function or class of the package.
    docstring : bool
        Whether to show its docstrings too; ``help(thing)`` or ``thing?`` shows them as well.

    Returns
    -------
    IPython.display.Markdown
        The source with its place in the package, as the output of the cell.

    Raises
    ------
    TypeError
        If `thing` has no Python source, for example because it is an array.

    Notes
    -----
    The output is stored in the notebook and compared when the notebook is verified: notebook and
    package cannot drift apart unseen.

    Examples
    --------
    >>> print(show_source(get_versions).data.splitlines()[0])
    From `rnncourse/lesson.py`:
    """
    if isinstance(thing, ModuleType) or not (inspect.isfunction(thing) or inspect.isclass(thing)):
        raise TypeError(f"{thing!r} has no source to show; expected a function or class of ours.")
    source = textwrap.dedent(inspect.getsource(thing)).rstrip()
    if not docstring:
        source = _without_docstrings(source)
    place = Path(*thing.__module__.split(".")).with_suffix(".py").as_posix()
    return Markdown(f"From `{place}`:\n```python\n{source}\n```")


def _without_docstrings(source: str) -> str:
    """Cut the docstrings out of a piece of source, and the blank line after each."""
    lines = source.splitlines()
    for node in sorted(ast.walk(ast.parse(source)), key=lambda n: -getattr(n, "lineno", 0)):
        is_block = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if is_block and ast.get_docstring(node) is not None and len(node.body) > 1:
            text = node.body[0]
            end = text.end_lineno
            end += end < len(lines) and not lines[end].strip()
            del lines[text.lineno - 1 : end]
    return "\n".join(lines)


def show_figure(figure: Figure, alt: str) -> Image:
    """Show a figure together with a text that says what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What a function of `rnncourse.figures` returned.
    alt : str
        What one sees, in a sentence or two, for those who cannot see it.

    Returns
    -------
    IPython.display.Image
        A PNG on a white ground, which stays readable in a dark theme.

    Raises
    ------
    ValueError
        If the text is missing.

    Notes
    -----
    The text is stored with the picture; exported pages carry it as the image's alt text. The
    picture is stored in 256 colours, at a third of the size.

    Examples
    --------
    >>> show_figure(Figure(), alt="")
    Traceback (most recent call last):
    ...
    ValueError: alt is empty; expected a sentence that says what the figure shows.
    """
    if not alt.strip():
        raise ValueError("alt is empty; expected a sentence that says what the figure shows.")
    drawn, png = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=2 * figure.dpi, facecolor="white")
    with PIL.Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=PIL.Image.Dither.NONE).save(
            png, "PNG", optimize=True
        )
    return Image(png.getvalue(), alt=alt, width=int(figure.get_figwidth() * figure.dpi))


def reveal(guess: float | None, measured: float, *, unit: str = "") -> None:
    """Compare a learner's prediction with what was measured.

    Parameters
    ----------
    guess : float or None
        The prediction; None if the learner has made none.
    measured : float
        What came out.
    unit : str
        The unit of both, for example ``"nats"``.

    Notes
    -----
    A prediction that turns out wrong is remembered better than a result that was only read:
    the cell asks before it shows.

    Examples
    --------
    >>> reveal(None, 0.25, unit="nats")
    Measured: 0.25 nats. (No prediction: set my_guess above and run both cells again.)
    >>> reveal(0.5, 0.25)
    Measured: 0.25. You predicted 0.5, which is 2 times as much.
    """
    value = f"Measured: {measured:.3g}{' ' + unit if unit else ''}."
    if guess is None:
        print(f"{value} (No prediction: set my_guess above and run both cells again.)")
    elif abs(guess - measured) <= 0.1 * abs(measured):
        print(f"{value} You predicted {guess:.3g}: right within 10 %.")
    elif guess * measured > 0 and abs(guess) >= abs(measured):
        print(f"{value} You predicted {guess:.3g}, which is {guess / measured:.3g} times as much.")
    elif guess * measured > 0:
        print(f"{value} You predicted {guess:.3g}; it is {measured / guess:.3g} times as much.")
    else:
        print(f"{value} You predicted {guess:.3g}.")


def check_installation(notebooks: str | Path = ".") -> None:
    """Check that the course can run here, and say plainly what to do where it cannot.

    Parameters
    ----------
    notebooks : str or pathlib.Path
        The folder of the notebooks; the current one, for a notebook.

    Notes
    -----
    Checked: the versions of Python and of the packages, that the kernel uses the package which
    lies beside the notebooks, that the folder can be written to, and that the arithmetic is
    right here. Notebook 00.

    Examples
    --------
    >>> check_installation("no such folder")   # doctest: +ELLIPSIS
    ok       Python is new enough
    ...
    """
    problems = 0
    for name, problem in (
        ("Python is new enough", _python_problem()),
        ("the packages are within the tested ranges", _package_problem()),
        ("the kernel uses the package beside these notebooks", _kernel_problem(Path(notebooks))),
        ("this folder can be written to", _write_problem(Path(notebooks))),
        ("a gradient by hand agrees with its definition", _arithmetic_problem()),
    ):
        print(f"{'PROBLEM' if problem else 'ok':8s} {name}")
        if problem:
            problems += 1
            print(textwrap.indent(textwrap.fill(problem, 88), " " * 9))
    print(
        f"\n{problems} to mend before you go on: see the lines above."
        if problems
        else "\nEverything is ready. Go on to 01_unrolling.ipynb."
    )


def get_versions() -> str:
    """List the versions of Python, of the system and of the packages, for a report.

    Returns
    -------
    str
        One line each.

    Notes
    -----
    Notebook 00.

    Examples
    --------
    >>> print(get_versions().splitlines()[0])   # doctest: +ELLIPSIS
    Python ...
    """
    names = [package, *(r.name for r in _requirements())]
    lines = [f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    return "\n".join(lines + [f"{name} {_version(name) or 'missing'}" for name in names])


def _requirements() -> list[Requirement]:
    """What the package needs to run, without the extras."""
    parsed = (Requirement(line) for line in importlib.metadata.requires(package) or [])
    return [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python_problem() -> str:
    needed = SpecifierSet(importlib.metadata.metadata(package)["Requires-Python"])
    if needed.contains(platform.python_version(), prereleases=True):
        return ""
    return (
        f"This is Python {platform.python_version()}, needed is {needed}. Install a newer one, "
        f"delete the folder .venv, and run 'make lab' again."
    )


def _package_problem() -> str:
    wrong = []
    for requirement in _requirements():
        version = _version(requirement.name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement} is needed, {version or 'nothing'} is installed")
    return f"{'; '.join(wrong)}. Run 'make lab' again: it installs the tested ones." * bool(wrong)


def _kernel_problem(notebooks: Path) -> str:
    here = Path(__file__).resolve().parent
    beside = notebooks.resolve().parent / package
    if not beside.is_dir() or beside == here:
        return "" if beside == here else f"There is no folder {package} beside the notebooks."
    return (
        "Another copy of the course is installed in this kernel. Close JupyterLab and open it "
        "with 'make lab' in the folder of this copy, or choose its kernel at the top right."
    )


def _write_problem(folder: Path) -> str:
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return (
            f"Your work could not be saved here ({error.strerror}). Copy the course to a folder "
            f"of your own, such as your home folder, and open it there."
        )


def _arithmetic_problem() -> str:
    rng = np.random.default_rng(0)
    params, x, target = init_params(2, 3, 1, rng), np.ones((4, 1, 2)), np.zeros((4, 1, 1))

    def loss(W_hh: np.ndarray) -> Any:
        return squared_error(unroll(params._replace(W_hh=W_hh), x).y, target, reduction="sum")

    trace = unroll(params, x)
    by_hand = bptt(params, trace, loss(params.W_hh).dL_dy).dL_dW_hh
    definition = complex_step_gradient(lambda W: loss(W).value, params.W_hh)
    if relative_error(by_hand, definition).max() < 1e-9:
        return ""
    return "The numbers differ: NumPy computes wrongly here. Run 'make test' and report its output."
