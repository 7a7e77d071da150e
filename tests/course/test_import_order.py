"""The course order is the import order: a module imports only from the modules above it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rnncourse"
PLACE = "ORDER or LEAVES in tests/course/test_import_order.py"

ORDER = [
    "validation",
    # 1 unrolling
    "cell",
    "unroll",
    "losses",
    # 2 BPTT
    "gradcheck",
    "bptt",
    # 3 gradient norms
    "jacobians",
    "powers",
    "bounds",
    "dynamics",
    "leaky",
    "cliff",
    # 4 training
    "tasks",
    "synthetic_tasks",
    "clipping",
    "schedules",
    "optim",
    "models",
    "history",
    "checkpoints",
    "progress",
    "training",
    "study",
    # 5 tricks
    "initialisation",
    "truncation",
    "dropout",
    "normalisation",
    "normalised_rnn",
    "regularisation",
    # 6 gated cells
    "lstm",
    "cell_path",
    "gru",
    "ablation",
    # 7 composite loss
    "ctrnn_weights",
    "ctrnn_sweep",
    "ctrnn",
    "loss_terms",
    "composite_loss",
    "term_report",
    "decision_task",
]
LEAVES = [
    "lesson",
    "figures",
    "gradient_figures",
    "training_figures",
    "trick_figures",
    "composite_figures",
    "explore",
    "checks",
    "grading",
    "__main__",
]
ALL = ORDER + LEAVES


def modules(package: Path) -> set[str]:
    """The modules and subpackages of a package, by their first name."""
    files = {p.stem for p in package.glob("*.py")} - {"__init__"}
    return files | {p.parent.name for p in package.glob("*/__init__.py")}


def sources(package: Path) -> Iterator[tuple[str, Path]]:
    """Each module of the list with each of its files; a subpackage has several."""
    for path in sorted(package.rglob("*.py")):
        first = path.relative_to(package).parts[0].removesuffix(".py")
        if first in ALL:
            yield first, path


def imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import from the package, wherever it stands in the file."""
    inside = (package.name, *path.relative_to(package).parts[:-1])  # the file's own package
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else ()
            base += (node.module,) if node.module else ()
            names = [".".join((*base, alias.name)) for alias in node.names]
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
            # importlib.import_module("..."), __import__("...")
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
        for parts in (str(name).split(".") for name in names):
            if parts[0] == package.name and len(parts) > 1:
                yield node.lineno, parts[1]


def wrong_imports(package: Path) -> list[str]:
    """Say of each import that breaks the order which one it is, and why."""
    known = modules(package)
    wrong = []
    for module, path in sources(package):
        above = ALL[: ALL.index(module)]
        for line, imported in imports(path, package):
            if imported in above or imported == module or imported.startswith("__"):
                continue
            place = f"{path.relative_to(package.parent)}:{line}"
            if imported == "*" or imported not in known:
                wrong.append(f"{place} imports {imported!r}, which is no module of the package")
            elif imported in ALL:
                wrong.append(f"{place} imports {imported}, which comes later in the course")
    return wrong


def modules_without_a_place(package: Path) -> list[str]:
    """Say of each module that is not in the list what to do about it."""
    return [
        f"{package.name}/{name} has no place in the course: add {name!r} to {PLACE}, "
        f"below the modules that it imports"
        for name in sorted(modules(package) - set(ALL))
    ]


def faults_of_the_front_page(package: Path) -> list[str]:
    """Say what is wrong with ``__init__.py``: it tells the order, and does nothing else."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    faults = [
        f"{package.name}/__init__.py:{node.lineno} holds {ast.unparse(node)!r}: only a docstring "
        f"and __version__ may stand there"
        for node in tree.body[1:]
        if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__")
    ]
    named = re.findall(r"^``(\w+)``$", ast.get_docstring(tree) or "", re.MULTILINE)
    expected = [name for name in ALL if name in modules(package) - {"__main__"}]
    if named != expected:
        faults.append(
            f"the docstring of {package.name}/__init__.py names {named}; in the order of the "
            f"course the modules are {expected}"
        )
    return faults


def test_each_module_imports_only_from_modules_above_it():
    found = wrong_imports(PACKAGE)
    assert not found, "\n".join(found)


def test_each_module_has_its_place_in_the_course():
    found = modules_without_a_place(PACKAGE)
    assert not found, "\n".join(found)


def test_the_front_page_names_the_modules_in_order_and_exports_nothing():
    found = faults_of_the_front_page(PACKAGE)
    assert not found, "\n".join(found)


# --- the checks themselves, on made-up packages ---


def make_package(folder: Path, **files: str) -> Path:
    package = folder / "rnncourse"
    names = {"__init__": '"""Order.\n\n``cell``\n``unroll``\n``lesson``\n``figures``\n"""'}
    names |= {"cell": "", "unroll": "", "lesson": "", "figures": ""} | files
    for name, source in names.items():
        path = package / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return package


@pytest.mark.parametrize(
    "source",
    [
        "from rnncourse.unroll import unroll",
        "import rnncourse.unroll",
        "import rnncourse.unroll as u",
        "from rnncourse import unroll",
        "from .unroll import unroll",
        "from . import unroll",
        "def f():\n    from rnncourse.unroll import unroll",
        "if TYPE_CHECKING:\n    from rnncourse.unroll import Trace",
        "import importlib\nimportlib.import_module('rnncourse.unroll')",
        "from rnncourse.figures import gradient_flow",
        "from rnncourse import lesson",
    ],
)
def test_an_import_from_below_is_found(tmp_path, source):
    [fault] = wrong_imports(make_package(tmp_path, cell=source))
    assert "rnncourse/cell.py" in fault
    assert "comes later in the course" in fault


@pytest.mark.parametrize("source", ["from rnncourse import *", "from rnncourse import step"])
def test_an_import_of_what_is_no_module_is_found(tmp_path, source):
    [fault] = wrong_imports(make_package(tmp_path, unroll=source))
    assert "no module of the package" in fault


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("unroll", "import numpy\nfrom rnncourse.cell import step"),
        ("unroll", "from . import cell"),
        ("lesson", "from rnncourse import __name__ as package\nfrom .unroll import unroll"),
        ("explore", "from rnncourse.figures import gradient_flow"),
        ("checks.examiner", "from . import cases\nfrom .cases import x\nfrom ..cell import step"),
    ],
)
def test_an_import_from_above_is_right(tmp_path, module, source):
    package = make_package(tmp_path, **{"checks.__init__": "", "checks.cases": "", module: source})
    assert wrong_imports(package) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lesson", "from rnncourse.figures import gradient_flow"),
        ("checks.examiner", "from ..grading import score"),
        ("checks.examiner", "from .. import grading"),
    ],
)
def test_leaves_too_import_only_from_leaves_above(tmp_path, module, source):
    package = make_package(
        tmp_path, **{"checks.__init__": "", "grading.__init__": "", module: source}
    )
    assert len(wrong_imports(package)) == 1


def test_a_module_without_a_place_is_found_with_what_to_do(tmp_path):
    package = make_package(tmp_path, **{"attention": "", "zoo.__init__": ""})
    first, second = modules_without_a_place(package)
    assert "'attention'" in first
    assert PLACE in first
    assert "'zoo'" in second


@pytest.mark.parametrize(
    "init",
    [
        '"""``cell``\n``unroll``\n``lesson``\n``figures``\n"""\nfrom rnncourse.cell import step',
        '"""``cell``\n``unroll``\n``lesson``\n``figures``\n"""\n__all__ = ["cell"]',
        '"""``unroll``\n``cell``\n``lesson``\n``figures``\n"""',
        '"""``cell``\n``unroll``\n``figures``\n"""',
        '"""``cell``\n``unroll``\n``lesson``\n``figures``\n``gone``\n"""',
    ],
)
def test_a_front_page_that_exports_or_leaves_the_order_is_found(tmp_path, init):
    assert faults_of_the_front_page(make_package(tmp_path)) == []
    assert len(faults_of_the_front_page(make_package(tmp_path, __init__=init))) == 1
