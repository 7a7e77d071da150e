"""Docstrings of the package: complete, of one form, and with examples that run as tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

PACKAGE = Path(__file__).parents[2] / "rnncourse"
# a figure proves nothing in a doctest; test_figures.py draws them
WITHOUT_EXAMPLES = {
    "figures",
    "gradient_figures",
    "training_figures",
    "trick_figures",
    "composite_figures",
}

# Demanded is what a reader relies on: a docstring whose sections exist and stand in one order
# (GL), a summary that is a sentence (SS), every parameter by its name, in order, with type and
# description (PR), and what is returned or yielded (RT, YD). Not demanded: "See Also" and an
# extended summary (SA, ES01: the notebook is that), a summary on one line (SS06: Greek needs
# room), no verb that ends in s (SS05: "Pass" is one), capitals at the start of a description
# (PR08, RT04: they start with a shape or a symbol), and the place of the quotes (GL01, GL02).
CODES = (
    *("GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),
    *("SS01", "SS02", "SS03", "SS04"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR09", "PR10"),
    *("RT01", "RT02", "RT03", "RT05", "YD01"),
)


def public(package: Path) -> Iterator[tuple[str, ast.stmt]]:
    """The public functions and classes of a package, each with its full name."""
    for path in sorted(package.rglob("*.py")):
        module = ".".join((package.name, *path.relative_to(package).with_suffix("").parts))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if isinstance(node, kinds) and not node.name.startswith("_"):
                yield f"{module.removesuffix('.__init__')}.{node.name}", node


def faults_of_the_form(name: str) -> list[str]:
    """What numpydoc finds; `name` is imported."""
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code in CODES]


def missing_examples(name: str, node: ast.stmt) -> list[str]:
    module = name.split(".")[-2]
    if isinstance(node, ast.ClassDef) or module in WITHOUT_EXAMPLES:
        return []
    examples = NumpyDocString(ast.get_docstring(node) or "")["Examples"]
    if any(line.lstrip().startswith(">>>") for line in examples):
        return []
    return [f"{name} has no section Examples with a line >>>"]


def first_paragraphs_that_are_no_sentence(name: str, node: ast.stmt) -> list[str]:
    """Check it of a function, or of a class and of its public methods."""
    methods = [m for m in getattr(node, "body", ()) if isinstance(m, ast.FunctionDef)]
    own = [m for m in methods if isinstance(node, ast.ClassDef) and not m.name.startswith("_")]
    faults = []
    for thing in (node, *own):
        first = " ".join((ast.get_docstring(thing) or "").split("\n\n")[0].split())
        if not first.endswith(".") or re.search(r"[.!?] [A-Z]", first):
            faults.append(f"{name}: {thing.name} does not begin with one sentence: {first!r}")
    return faults


PUBLIC = [pytest.param(name, node, id=name) for name, node in public(PACKAGE)]


def test_the_package_has_public_functions():
    assert PUBLIC


@pytest.mark.parametrize(("name", "node"), PUBLIC)
def test_the_docstring_is_complete_and_in_order(name, node):
    faults = faults_of_the_form(name)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("name", "node"), PUBLIC)
def test_the_function_has_an_example_that_runs(name, node):
    faults = missing_examples(name, node)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("name", "node"), PUBLIC)
def test_the_docstring_begins_with_one_sentence(name, node):
    faults = first_paragraphs_that_are_no_sentence(name, node)
    assert not faults, "\n".join(faults)


# --- the checks themselves, on made-up packages ---

GOOD = '''
def scale(x, c=1.0):
    """Multiply by a constant.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B), any values.
    c : float
        φ of something.

    Returns
    -------
    numpy.ndarray
        (T, B).

    Raises
    ------
    ValueError
        If `c` is zero.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> scale(2.0, 3.0)
    6.0
    """
    return c * x
'''


def faults(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, module="made_up"):
    """All faults of a package with one module; its name is new each time, as it is imported."""
    package = folder / f"package_{abs(hash(folder))}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    return [
        fault
        for name, node in public(package)
        for fault in (
            *faults_of_the_form(name),
            *missing_examples(name, node),
            *first_paragraphs_that_are_no_sentence(name, node),
        )
    ]


def test_a_good_docstring_has_no_faults(tmp_path, monkeypatch):
    assert faults(tmp_path, monkeypatch, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("(x, c=1.0)", "(x, c=1.0, d=2)", "PR01"),
        ("(x, c=1.0)", "(x)", "PR02"),
        ("(x, c=1.0)", "(c, x)", "PR03"),
        ("c : float", "c", "PR04"),
        ("        φ of something.\n", "", "PR07"),
        ("of something.", "of something", "PR09"),
        ("    Returns\n    -------\n    numpy.ndarray\n        (T, B).\n\n", "", "RT01"),
        ("        (T, B).\n", "", "RT03"),
        ("Notes\n    -----", "Remarks\n    -------", "GL06"),
        ("Raises\n    ------\n    ValueError\n        If `c` is zero.\n\n    Notes\n    -----\n"
         "    Notebook 01.", "Notes\n    -----\n    Notebook 01.\n\n    Raises\n    ------\n"
         "    ValueError\n        If `c` is zero.", "GL07"),
        ("Multiply", "multiply", "SS02"),
        ("constant.", "constant", "SS03"),
        ("constant.", "constant. It is fast.", "one sentence"),
        ("constant.\n\n", "constant.\n    It is fast.\n\n", "one sentence"),
        (">>> scale(2.0, 3.0)\n    6.0", "scale it", ">>>"),
        ("Examples\n    --------\n", "References\n    ----------\n", ">>>"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Unknown section Remarks:UserWarning")
def test_a_fault_in_a_docstring_is_found(tmp_path, monkeypatch, old, new, fault):
    assert old in GOOD
    found = faults(tmp_path, monkeypatch, GOOD.replace(old, new))
    assert any(fault in text for text in found), found


def test_a_missing_docstring_is_found(tmp_path, monkeypatch):
    found = faults(tmp_path, monkeypatch, "def f():\n    pass\n")
    assert any("GL08" in text for text in found)


def test_a_method_whose_docstring_is_no_sentence_is_found(tmp_path, monkeypatch):
    source = 'class C:\n    """A class."""\n    def m(self):\n        """Run"""\n'
    [fault] = faults(tmp_path, monkeypatch, source)
    assert "C: m does not begin with one sentence" in fault


@pytest.mark.parametrize("source", [GOOD.replace(">>>", "so"), GOOD.replace("def s", "def _s")])
def test_figures_and_private_functions_need_no_example(tmp_path, monkeypatch, source):
    assert faults(tmp_path, monkeypatch, source, module="figures") == []
