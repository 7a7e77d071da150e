"""What README and notebooks say about files, modules and minutes is so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(
    r"\]\(<?([^)\s>]+)[^)]*\)|(?:href|src)=[\"']([^\"']+)[\"']|^\[[^\]]+\]: *(\S+)", re.M
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")  # https:, mailto:, a heading of the same page
A_FILE_OF_OURS = re.compile(r"(?:rnncourse|notebooks|tests|tools|solutions|exercises)/[\w./-]*\w/?")
A_MODULE_OF_OURS = re.compile(r"rnncourse\.([a-z]\w*)(?:\.\w+)*")
MINUTES = re.compile(r"\*\*Minutes:?\*\*:?\s*(\d+)")
MODULES = re.compile(r"\*\*Modules:?\*\*:?(.*(?:\n> *\S.*)*)")


def notebooks(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("*.ipynb"))


def markdown(path: Path) -> str:
    """The text of a page, or of the text cells of a notebook, without blocks of code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return CODE_BLOCK.sub("", text)


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    for path in (root / "README.md", *notebooks(root)):
        yield path.relative_to(root), markdown(path)


def broken_links(root: Path) -> list[str]:
    faults = []
    for page, text in pages(root):
        for groups in LINK.findall(INLINE_CODE.sub("", text)):
            target = "".join(groups)
            if ELSEWHERE.match(target):
                continue
            if not (root / page.parent / unquote(target.split("#")[0])).exists():
                faults.append(f"{page} links to {target}, which does not exist")
    return faults


def has_module(root: Path, name: str) -> bool:
    """Whether the package has a module or subpackage of this name."""
    return any((root / "rnncourse" / f"{name}{end}").exists() for end in (".py", "/__init__.py"))


def names_of_nothing(root: Path) -> list[str]:
    """Say which files and modules are named, in inline code, that do not exist."""
    faults = []
    for page, text in pages(root):
        for name in INLINE_CODE.findall(text):
            module = A_MODULE_OF_OURS.fullmatch(name)
            if A_FILE_OF_OURS.fullmatch(name) and not (root / name).exists():
                faults.append(f"{page} names the file {name}, which does not exist")
            if module and not has_module(root, module[1]):
                faults.append(f"{page} names the module {name}, which does not exist")
        for list_of_modules in MODULES.findall(text):
            faults += [
                f"the opening box of {page} names the module {name}, which does not exist"
                for name in INLINE_CODE.findall(list_of_modules)
                if not has_module(root, name)
            ]
    return faults


def syllabus(root: Path) -> list[tuple[str, list[str]]]:
    """The rows of README's table: the notebook's file, and then the other columns."""
    rows = []
    for line in markdown(root / "README.md").splitlines():
        row = line.strip().removeprefix("|").removesuffix("|")
        first, *others = [column.strip() for column in row.split("|")]
        link = re.fullmatch(r"\[.*\]\(notebooks/(\w+\.ipynb)\)", first)
        if link and others:
            rows.append((link[1], others))
    return rows


def faults_of_the_syllabus(root: Path) -> list[str]:
    rows = syllabus(root)
    named = [name for name, _ in rows]
    faults = [
        f"README's syllabus names {path.name} {named.count(path.name)} times, not once"
        for path in notebooks(root)
        if named.count(path.name) != 1
    ]
    if named != sorted(named):
        faults.append(f"README's syllabus is not in order: {named}")
    for name, columns in rows:
        if len(columns) != 5:
            faults.append(
                f"README, {name}: a row has the notebook, minutes, objective, modules, exercises, "
                f"tests; not {1 + len(columns)} columns"
            )
        elif (root / "notebooks" / name).exists():
            faults += faults_of_a_row(root, name, columns)
    return faults


def faults_of_a_row(root: Path, name: str, columns: list[str]) -> list[str]:
    minutes, _, modules, _, tests = columns
    stated = MINUTES.findall(markdown(root / "notebooks" / name))
    faults = []
    if stated != [minutes]:
        faults.append(f"{name}: README says {minutes} minutes, the notebook {stated or 'nothing'}")
    for module in INLINE_CODE.findall(modules):
        if not has_module(root, module):
            faults.append(f"README, {name}: there is no module {module}")
    for test in INLINE_CODE.findall(tests):
        file = Path(test.split("::")[0]).with_suffix(".py").name
        if not [*(root / "tests").rglob(file)]:
            faults.append(f"README, {name}: there is no test {test}")
    return faults


def test_links_lead_to_files_that_exist():
    faults = broken_links(ROOT)
    assert not faults, "\n".join(faults)


def test_files_and_modules_that_are_named_exist():
    faults = names_of_nothing(ROOT)
    assert not faults, "\n".join(faults)


def test_the_syllabus_names_each_notebook_once_and_is_right_about_it():
    faults = faults_of_the_syllabus(ROOT)
    assert not faults, "\n".join(faults)


# --- the checks themselves, on a made-up course ---

README = """# A course

[Start](notebooks/00_start_here.ipynb), [how](tools/set%20up.py "the tool"), <img src="a.png">,
[the web](https://example.org/x), [below](#below), `rnncourse/cell.py`, `rnncourse.cell.step`.

| notebook | minutes | you will | modules | exercises | tests |
|---|---|---|---|---|---|
| [00 · Start](notebooks/00_start_here.ipynb) | 15 | begin | | | |
| [01 · Go on](notebooks/01_unrolling.ipynb) | 45 | go on | `cell` | | `test_cell.py` |

```
[no link](nowhere.md)
```
"""
BOX = "# {}\n\n> **Minutes:** {}\n>\n> **Modules:** {}\n\n[next](01_unrolling.ipynb#part)\n"


def make_course(folder: Path, readme: str = README, minutes: int = 45, more: str = "") -> Path:
    texts = {
        "00_start_here": BOX.format("Start", 15, "none"),
        "01_unrolling": BOX.format("Go on", minutes, "`cell`") + more,
    }
    files = ("rnncourse/cell.py", "tests/test_cell.py", "tools/set up.py", "a.png")
    for name in (*files, *(f"notebooks/{name}.ipynb" for name in texts)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    for name, text in texts.items():
        cells = [{"cell_type": "markdown", "source": text.splitlines(keepends=True)}]
        (folder / f"notebooks/{name}.ipynb").write_text(json.dumps({"cells": cells}))
    (folder / "README.md").write_text(readme)
    return folder


def faults(root: Path) -> list[str]:
    return [*broken_links(root), *names_of_nothing(root), *faults_of_the_syllabus(root)]


def test_a_course_that_keeps_its_word_has_no_faults(tmp_path):
    assert faults(make_course(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("(notebooks/00_start_here.ipynb),", "(00_start_here.ipynb),", "README.md links to 00"),
        ("set%20up", "setup", "README.md links to tools/setup.py"),
        ('src="a.png"', 'src="b.png"', "README.md links to b.png"),
        ("rnncourse/cell.py", "rnncourse/cells.py", "names the file rnncourse/cells.py"),
        ("rnncourse.cell.step", "rnncourse.cells.step", "names the module rnncourse.cells.step"),
        ("| 45 |", "| 50 |", "README says 50 minutes, the notebook ['45']"),
        ("| `cell` |", "| `cells` |", "no module cells"),
        ("| `test_cell.py` |", "| `test_cells.py` |", "no test test_cells.py"),
        ("| go on |", "|", "not 5 columns"),
        ("| [01 · Go on](notebooks/01_unrolling.ipynb) |", "| 01 |", "01_unrolling.ipynb 0 times"),
        ("| [00 · Start](notebooks/00_start_here", "| [x](notebooks/01_unrolling", "2 times"),
        ("01_unrolling.ipynb) |", "00_start_here.ipynb) |", "01_unrolling.ipynb 0 times"),
    ],
)
def test_a_wrong_word_in_the_readme_is_found(tmp_path, old, new, fault):
    assert old in README
    found = faults(make_course(tmp_path, README.replace(old, new, 1)))
    assert any(fault in text for text in found), found


def test_a_syllabus_out_of_order_is_found(tmp_path):
    first, second = (line for line in README.splitlines() if line.startswith("| ["))
    swapped = README.replace(first, "@").replace(second, first).replace("@", second)
    [found] = faults(make_course(tmp_path, swapped))
    assert "not in order" in found


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("[x](../rnncourse/gone.py)", "links to ../rnncourse/gone.py"),
        ("[x]: gone.md", "links to gone.md"),
        ("see `tests/test_gone.py`", "names the file tests/test_gone.py"),
        ("see `rnncourse.gone`", "names the module rnncourse.gone"),
        ("> **Modules:** `cell`,\n> `gone`", "opening box of notebooks/01_unrolling.ipynb"),
        ("**Minutes:** 50", "the notebook ['45', '50']"),
    ],
)
def test_a_wrong_word_in_a_notebook_is_found(tmp_path, more, fault):
    [found] = faults(make_course(tmp_path, more=more))
    assert fault in found


def test_code_is_no_prose(tmp_path):
    more = "```python\n[x](gone.md) # `rnncourse.gone`\n```\nand `[x](gone.md)`"
    assert faults(make_course(tmp_path, more=more)) == []
