r"""Equation, code, test: whoever finds one of the three finds the other two.

``\tag{2.4}`` in a notebook, a code line of the package that ends in ``# (2.4)``, and a test with
``@pytest.mark.equation("2.4")``.
"""

import ast
import json
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TAG = re.compile(r"\\tag\{(.*?)\}")
DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
NOT_MATHS = re.compile(  # fenced code, and code within a paragraph
    r"^(`{3,}|~{3,}).*?^\1|(?<!`)(`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)\2(?!`)", re.M | re.S
)
OTHER_DISPLAY = re.compile(r"\\\[|\\begin\{(?:equation|align|gather|multline)\*?\}")
TAGS_AT_THE_END = re.compile(r"((?:\(\d+\.\d+\)(?:,\s*|$))+)$")


def markdown(notebook: Path) -> Iterator[str]:
    """The markdown cells of a notebook without the code in them."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield NOT_MATHS.sub("", "".join(cell["source"]))


def notebooks(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("*.ipynb"))


def tags_in_notebooks(root: Path) -> dict[str, list[str]]:
    """Each tag with the notebooks that define it: one entry for each time."""
    found = defaultdict(list)
    for notebook in notebooks(root):
        for text in markdown(notebook):
            for tag in TAG.findall(text):
                found[tag].append(notebook.name)
    return found


def tags_in_code(root: Path) -> dict[str, list[str]]:
    """Each tag with the code lines of the package that end in it."""
    found = defaultdict(list)
    for path in sorted((root / "rnncourse").rglob("*.py")):
        with tokenize.open(path) as file:
            for token in tokenize.generate_tokens(file.readline):
                end = TAGS_AT_THE_END.search(token.string)
                beside_code = token.line[: token.start[1]].strip()
                if token.type == tokenize.COMMENT and end and beside_code:
                    for tag in re.findall(r"\d+\.\d+", end[1]):
                        found[tag].append(f"{path.relative_to(root)}:{token.start[0]}")
    return found


def tags_in_docstrings(root: Path) -> dict[str, list[str]]:
    """Each tag with the docstrings of the package that write it out."""
    found = defaultdict(list)
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for path in sorted((root / "rnncourse").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                for tag in TAG.findall(ast.get_docstring(node) or ""):
                    name = getattr(node, "name", "the module")
                    found[tag].append(f"{path.relative_to(root)}, docstring of {name}")
    return found


def tags_in_tests(root: Path) -> dict[str, list[str]]:
    """Each tag with the tests that carry its mark."""
    found = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                for call in (c for d in node.decorator_list for c in ast.walk(d)):
                    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(
                        "mark.equation"
                    ):
                        for tag in (a.value for a in call.args if isinstance(a, ast.Constant)):
                            found[tag].append(f"{path.relative_to(root)}::{node.name}")
    return found


def equations_that_miss_something(root: Path) -> list[str]:
    """Say of each tag of a notebook whether the code line or the test is missing."""
    code, tests = tags_in_code(root), tags_in_tests(root)
    faults = []
    for tag, places in tags_in_notebooks(root).items():
        if tag not in code:
            faults.append(f"{places[0]}: ({tag}) has no code line that ends in '# ({tag})'")
        if tag not in tests:
            faults.append(f'{places[0]}: ({tag}) has no test with @pytest.mark.equation("{tag}")')
    return faults


def tags_without_an_equation(root: Path) -> list[str]:
    """Say where a tag stands that its chapter, if it exists, does not define."""
    defined = tags_in_notebooks(root)
    chapters = {notebook.name[:2] for notebook in notebooks(root)}
    return [
        f"{place}: ({tag}) is defined in no notebook"
        for tags in (tags_in_code(root), tags_in_docstrings(root), tags_in_tests(root))
        for tag, places in tags.items()
        for place in places
        if tag not in defined and str(tag).split(".")[0].zfill(2) in chapters
    ]


def badly_numbered_equations(root: Path) -> list[str]:
    """Say which tags are defined twice, in the wrong chapter, or not in the form n.m."""
    faults = []
    for tag, places in tags_in_notebooks(root).items():
        if len(places) > 1:
            faults.append(f"({tag}) is defined {len(places)} times: {', '.join(places)}")
        for place in sorted(set(places)):
            if not re.fullmatch(rf"{int(place[:2])}\.[1-9]\d*", tag):
                expected = f"({int(place[:2])}.m)"
                faults.append(f"{place}: the tag ({tag}) has to have the form {expected}")
    return faults


def untagged_equations(root: Path) -> list[str]:
    r"""Say which displayed equations have no tag, and what is displayed other than by $$."""
    faults = []
    for notebook in notebooks(root):
        if notebook.name.startswith("00"):
            continue
        for text in markdown(notebook):
            for equation in DISPLAY.findall(text):
                if not TAG.search(equation):
                    shown = " ".join(equation.split())
                    faults.append(f"{notebook.name}: $${shown}$$ has no \\tag{{n.m}}")
            rest = DISPLAY.sub("", text)
            for other in TAG.findall(rest) + OTHER_DISPLAY.findall(rest):
                faults.append(f"{notebook.name}: {other} stands outside $$ ... $$")
    return faults


def test_every_tagged_equation_has_code_and_a_test():
    found = equations_that_miss_something(ROOT)
    assert not found, "\n".join(found)


def test_every_tag_in_code_docstrings_and_tests_is_an_equation_of_a_notebook():
    found = tags_without_an_equation(ROOT)
    assert not found, "\n".join(found)


def test_each_tag_is_defined_once_in_its_own_chapter():
    found = badly_numbered_equations(ROOT)
    assert not found, "\n".join(found)


def test_every_displayed_equation_has_a_tag():
    found = untagged_equations(ROOT)
    assert not found, "\n".join(found)


# --- the checks themselves, on made-up courses ---

NOTEBOOK = "Text\n\n$$\na = b\n\\tag{2.4}\n$$\n\nmore $$c = d \\tag{2.5}$$"
CODE = '''
def f():
    r"""A sentence.

    .. math:: a = b \\tag{2.4}
    """
    a = b  # (2.4), (2.5)
'''
TEST = '''
@pytest.mark.equation("2.4")
@pytest.mark.equation("2.5")
def test_f():
    """Not a mark: @pytest.mark.equation("2.9")."""
'''


def make_course(folder: Path, code: str = CODE, test: str = TEST, **texts: str) -> Path:
    for name, text in {"02_bptt": NOTEBOOK, **texts}.items():
        cell = {"cell_type": "markdown", "source": text.splitlines(keepends=True)}
        path = folder / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"cells": [cell, {"cell_type": "code", "source": ["$$x$$"]}]}))
    for name, source in {"rnncourse/cell.py": code, "tests/test_cell.py": test}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    return folder


def faults(root: Path) -> list[str]:
    return [
        *equations_that_miss_something(root),
        *tags_without_an_equation(root),
        *badly_numbered_equations(root),
        *untagged_equations(root),
    ]


def test_a_complete_course_has_no_faults(tmp_path):
    assert faults(make_course(tmp_path)) == []


@pytest.mark.parametrize(
    "code",
    [
        CODE.replace("# (2.4), (2.5)", "# (2.4)"),
        CODE.replace("# (2.4), (2.5)", "# (2.4), and see (2.5) for more"),
        CODE.replace("a = b  # (2.4), (2.5)", "a = b  # (2.4)\n    # (2.5)"),  # beside no code
        CODE.replace("a = b  # (2.4), (2.5)", "a = b  # (2.4)\n    c = '# (2.5)'"),  # in a string
    ],
)
def test_an_equation_without_code_is_found(tmp_path, code):
    found = [fault for fault in faults(make_course(tmp_path, code=code)) if "code line" in fault]
    assert "02_bptt.ipynb: (2.5)" in found[-1]


@pytest.mark.parametrize(
    "test",
    [
        TEST.replace('@pytest.mark.equation("2.5")\n', ""),
        TEST.replace('@pytest.mark.equation("2.5")', '# @pytest.mark.equation("2.5")'),
        TEST.replace('@pytest.mark.equation("2.5")\n', "")
        + '\n@pytest.mark.equation("2.5")\ndef helper(): ...',
    ],
)
def test_an_equation_without_a_test_is_found(tmp_path, test):
    [fault] = faults(make_course(tmp_path, test=test))
    assert fault == '02_bptt.ipynb: (2.5) has no test with @pytest.mark.equation("2.5")'


def test_several_tags_in_a_mark_and_marks_of_parameters_count(tmp_path):
    test = (
        '@pytest.mark.equation("2.4")\n'
        '@pytest.mark.parametrize("a", [pytest.param(1, marks=pytest.mark.equation("2.5"))])\n'
        "def test_f(a): ..."
    )
    assert faults(make_course(tmp_path, test=test)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"code": CODE + "    c = d  # (2.6)\n"},
        {"code": CODE + "    c = d  # what remains  (2.6)\n"},
        {"code": CODE.replace("\\tag{2.4}", "\\tag{2.6}")},
        {"test": TEST.replace("@", '@pytest.mark.equation("2.6")\n@', 1)},
    ],
)
def test_a_tag_that_no_notebook_defines_is_found(tmp_path, change):
    [fault] = faults(make_course(tmp_path, **change))
    assert "(2.6) is defined in no notebook" in fault


def test_a_chapter_without_a_notebook_may_have_code_already(tmp_path):
    assert faults(make_course(tmp_path, code=CODE + "    c = d  # (3.1)\n")) == []


def test_a_tag_defined_twice_is_found(tmp_path):
    again = {"02_more": "$$a = b \\tag{2.4}$$"}
    [fault] = faults(make_course(tmp_path, **again))
    assert fault == "(2.4) is defined 2 times: 02_bptt.ipynb, 02_more.ipynb"


def test_a_tag_of_another_chapter_is_found(tmp_path):
    both = {"02_bptt": "$$c = d \\tag{2.5}$$", "03_norms": "$$a = b \\tag{2.4}$$"}
    [fault] = faults(make_course(tmp_path, **both))
    assert fault == "03_norms.ipynb: the tag (2.4) has to have the form (3.m)"


@pytest.mark.parametrize(
    "text", ["$$\nx = y\n$$", "\\begin{align} x &= y \\end{align}", "\\[ x = y \\]", "$$x$$ $$y$$"]
)
def test_an_equation_without_a_tag_is_found(tmp_path, text):
    assert faults(make_course(tmp_path, **{"01_unrolling": text})) != []
    assert faults(make_course(tmp_path, **{"01_unrolling": "text", "00_start_here": text})) == []


def test_a_tag_outside_a_displayed_equation_is_found(tmp_path):
    text = NOTEBOOK.replace("$$c = d \\tag{2.5}$$", "$c = d \\tag{2.5}$")
    [fault] = faults(make_course(tmp_path, **{"02_bptt": text}))
    assert "stands outside" in fault


def test_a_lone_backtick_hides_no_equation(tmp_path):
    assert len(faults(make_course(tmp_path, **{"01_unrolling": "a ` b\n\n$$x$$\n\n` c"}))) == 1


@pytest.mark.parametrize("text", ["```\n$$x$$ \\tag{1.1}\n```", "write `$$x$$` or `\\tag{1.1}`"])
def test_maths_in_code_is_no_equation(tmp_path, text):
    assert faults(make_course(tmp_path, **{"01_unrolling": text})) == []
