"""Generate exercises/ from solutions/ with nbgrader; never overwrite what a learner has changed.

Run it as ``make exercises``. The same solutions give the same bytes. ``--check`` writes nothing
and says what differs; ``--beside`` puts a new edition beside files that were changed.
"""

import argparse
import ast
import hashlib
import json
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # when this file is run as a script

from tools.execute_notebooks import METADATA, TRACES  # noqa: E402

SOLUTIONS, EXERCISES = "solutions", "exercises"
MANIFEST, CONFIG = "manifest.json", "nbgrader_config.py"
ABOUT = "Written by 'make exercises' from solutions/: the sha256 of each file as it was generated."
OWN = re.compile(r"\.mine\.ipynb$|\.new(-\d+)?\.ipynb$")  # a learner's copy, an edition beside it
SET = re.compile(r"[A-Za-z0-9_-]+")
SECRET = re.compile(r"BEGIN SOLUTION|END SOLUTION|(BEGIN|END) (HIDDEN TESTS|MARK SCHEME)")
NEEDED = ("schema_version", "grade", "solution", "locked", "task", "grade_id")
SCHEMA = 3
SHORTEST_SECRET = 12  # characters; a shorter line is everybody's

INSTALL = """nbgrader is not installed. It makes the exercises from the solutions. Install it with

    make test

or into another environment with: python -m pip install -c constraints.txt -e ".[test]"
"""
KEEP_BOTH = """Nothing was written. To keep both, your work and the exercise as it is meant:

  (a) In JupyterLab, rename your file, for example to {mine}
      (git and all tests pass over names that end in .mine.ipynb), then run this again.
  (b) Or let the new edition be written beside yours, as {new}:

          python tools/make_exercises.py --beside
"""

Edition = dict[str, bytes]  # path below exercises/, with "/": content


class CannotGenerate(Exception):
    """Something in solutions/ or in the configuration is wrong; each argument says one thing."""


# --- the sources: what must hold of a notebook in solutions/ ---


class CataloguePoints(Mapping):
    """The points of the exercises that the examiner knows; each is loaded when it is asked for."""

    def __getitem__(self, name: str) -> int:
        from rnncourse.checks import catalogue

        if name not in catalogue.names():
            raise KeyError(name)
        try:
            return catalogue.load(name).points
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise CannotGenerate(f"the exercise {name} cannot be loaded: {what}") from error

    def __iter__(self) -> Iterator[str]:
        from rnncourse.checks import catalogue

        return iter(catalogue.names())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def source_files(root: Path) -> list[Path]:
    """Every file of every set, in order; caches and hidden files are passed over."""
    folder = root / SOLUTIONS
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(
        path
        for path in files
        if not any(
            part.startswith(".") or part == "__pycache__" or part.endswith(".pyc")
            for part in path.relative_to(folder).parts
        )
    )


def validate(root: Path, points: Mapping[str, int]) -> None:
    """Raise `CannotGenerate`, which says all that is wrong with the sources."""
    faults, seen = [], {}
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        parts = path.relative_to(root / SOLUTIONS).parts
        if len(parts) < 2 or not SET.fullmatch(parts[0]):
            faults.append(f"{name}: a file has to stand in a set, as {SOLUTIONS}/02_bptt/…")
        elif path.suffix != ".ipynb":
            if SECRET.search(path.read_bytes().decode("utf-8", errors="replace")):
                faults.append(f"{name} holds solutions and would be handed out as it is: move it")
        elif len(parts) > 2:
            faults.append(f"{name}: nbgrader does not look for notebooks in folders of a set")
        else:
            faults += [f"{name}: {fault}" for fault in _faults_of_file(path, points, seen)]
    if faults:
        raise CannotGenerate(*faults)


def _faults_of_file(path: Path, points: Mapping[str, int], seen: dict[str, str]) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        notebook = nbformat.from_dict(content)
        if (content["nbformat"], content["nbformat_minor"]) != (4, 5):
            return ["its format is not 4.5: store it with tools/execute_notebooks.py"]
        if any("id" not in cell for cell in content["cells"]):
            return ["a cell has no id: store it with tools/execute_notebooks.py"]
        notebook = nbformat.reads(json.dumps(content), as_version=4)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"it cannot be read as a notebook: {error}"]
    faults = faults_of(notebook, points)
    for cell in notebook.cells:
        for exercise in checks_in(cell) if is_check(cell) else ():
            if exercise in seen:
                faults.append(f"{exercise} is checked here and in {seen[exercise]}")
            seen[exercise] = path.name
    return faults


def faults_of(notebook: nbformat.NotebookNode, points: Mapping[str, int]) -> list[str]:
    """Say what is wrong with one source notebook, cell by cell."""
    faults, ids = [], set()
    if notebook.metadata != METADATA or any(TRACES & set(c.metadata) for c in notebook.cells):
        faults.append("an editor has left its traces: store it with tools/execute_notebooks.py")
    for number, cell in enumerate(notebook.cells, start=1):
        meta = cell.metadata.get("nbgrader")
        grade_id = (meta or {}).get("grade_id")
        name = f"cell {number}" + (f" ({grade_id})" if grade_id else "")
        wrong = _faults_of_metadata(cell, meta) or _faults_of_cell(cell, meta, points)
        if grade_id in ids:
            wrong.append("another cell has the same grade_id")
        if grade_id:
            ids.add(grade_id)
        faults += [f"{name}: {fault}" for fault in wrong]
    return faults


def _faults_of_metadata(cell: nbformat.NotebookNode, meta: Mapping | None) -> list[str]:
    if meta is None:
        if "BEGIN SOLUTION" in cell.source:
            return ["it holds a solution, but is no solution cell: nbgrader's metadata is missing"]
        return []
    lacking = [key for key in NEEDED if key not in meta]
    if meta.get("grade") and "points" not in meta:
        lacking.append("points")
    if lacking:
        return [f"its nbgrader metadata lacks {', '.join(lacking)}"]
    if meta["schema_version"] != SCHEMA:
        return [f"schema_version is {meta['schema_version']}, not {SCHEMA}: run 'nbgrader update'"]
    if not SET.fullmatch(str(meta["grade_id"])):
        return ["its grade_id may hold letters, digits, - and _ only, at least one"]
    if not (meta["grade"] or meta["solution"] or meta["locked"] or meta["task"]):
        return ["its nbgrader metadata says that it is nothing: remove it"]
    if cell.cell_type == "markdown" and bool(meta["grade"]) != bool(meta["solution"]):
        return ["a written answer has to be grade and solution at once"]
    if cell.cell_type == "code" and meta["grade"] and meta["solution"]:
        return ["a code cell cannot be check and solution at once: write two cells"]
    return []


def _faults_of_cell(
    cell: nbformat.NotebookNode, meta: Mapping | None, points: Mapping[str, int]
) -> list[str]:
    faults = []
    solution = bool(meta and meta["solution"])
    begin, end = (cell.source.count(f"{word} SOLUTION") for word in ("BEGIN", "END"))
    if solution and not begin:
        faults.append("a solution cell needs ### BEGIN SOLUTION and ### END SOLUTION")
    elif begin != end:
        faults.append(f"BEGIN SOLUTION occurs {begin} times, END SOLUTION {end} times")
    elif begin and not solution:
        faults.append("it holds a solution, but is no solution cell")
    elif solution and cell.cell_type == "code":
        faults += _faults_of_stub(cell.source)
    if not is_check(cell):
        return faults
    names = checks_in(cell)
    if len(names) != 1:
        return [*faults, f'it has {len(names)} calls check("NN.word", …); a graded cell has one']
    if names[0] not in points:
        return [*faults, f"the exercise {names[0]!r} is unknown to rnncourse.checks.catalogue"]
    if meta["points"] != points[names[0]]:
        faults.append(f"{meta['points']} points, but {names[0]} says {points[names[0]]}")
    return faults


def _faults_of_stub(source: str) -> list[str]:
    """Outside of a function the stub would stop the notebook before its check."""
    lines, inside = [], False
    for line in source.splitlines():
        if "BEGIN SOLUTION" in line:
            lines.append(re.match(r"\s*", line)[0] + "raise NotImplementedError")
        inside = ("BEGIN SOLUTION" in line) or (inside and "END SOLUTION" not in line)
        if not inside and "END SOLUTION" not in line:
            lines.append(line)
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError as error:
        return [f"without its solution it is no Python: {error.msg}, line {error.lineno}"]
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Raise):
            return ["the solution has to stand inside a function: its stub raises an exception"]
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)
    return []


def is_check(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell is code that is graded."""
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("grade"))


def checks_in(cell: nbformat.NotebookNode) -> list[str]:
    """The exercises that a cell checks: the first argument of each call of ``check``."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [
        node.args[0].value
        for node in calls
        if getattr(node.func, "id", getattr(node.func, "attr", "")) == "check"
        and isinstance(node.args[0], ast.Constant)
    ]


# --- generating ---


def read_config(root: Path) -> Mapping:
    """Read nbgrader_config.py; a mistake in it stops, where nbgrader itself would go on."""
    from traitlets.config import Configurable
    from traitlets.config.loader import PyFileConfigLoader

    try:
        config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    except Exception as error:  # it is a program: it can fail in every way
        raise CannotGenerate(f"{CONFIG} is broken: {type(error).__name__}: {error}") from error
    options: dict[str, set[str]] = {}
    for cls in _subclasses(Configurable):
        options.setdefault(cls.__name__, set()).update(cls.class_trait_names(config=True))
    faults = []
    for section, settings in config.items():
        if section not in options:
            faults.append(f"{CONFIG}: nbgrader knows no {section}")
        faults += [
            f"{CONFIG}: {section} has no option {option}"
            for option in settings
            if section in options and option not in options[section]
        ]
    for option, value in (("source_directory", SOLUTIONS), ("release_directory", EXERCISES)):
        if config.CourseDirectory.get(option) != value:
            faults.append(f"{CONFIG}: c.CourseDirectory.{option} has to be {value!r}")
    if faults:
        raise CannotGenerate(*faults)
    return config


def _subclasses(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def generate(root: Path, points: Mapping[str, int]) -> Edition:
    """Return what exercises/ has to hold; made in a temporary folder, and tested for leaks."""
    validate(root, points)
    try:
        from nbgrader import apps  # noqa: F401  (so that all its options are known)
        from nbgrader.converters import GenerateAssignment, NbGraderException
        from nbgrader.coursedir import CourseDirectory
    except ImportError as error:
        raise CannotGenerate(INSTALL) from error
    config = read_config(root)
    files = source_files(root)
    edition: Edition = {}
    with tempfile.TemporaryDirectory() as temporary:
        course = Path(temporary).resolve()
        for path in files:
            copy = course / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        config.CourseDirectory.root = str(course)
        config.SaveCells.enabled = False  # no gradebook: this only makes files
        config.GenerateAssignment.no_database = True
        for name in sorted({path.relative_to(root / SOLUTIONS).parts[0] for path in files}):
            config.CourseDirectory.assignment_id = name
            log, messages = _log()
            converter = GenerateAssignment(
                coursedir=CourseDirectory(config=config, log=log), config=config, log=log
            )
            try:
                converter.start()
            except NbGraderException as error:
                raise CannotGenerate(f"{SOLUTIONS}/{name}: {error}", *messages) from error
        for path in sorted((course / EXERCISES).rglob("*")):
            if path.is_file():
                name = path.relative_to(course / EXERCISES).as_posix()
                content = path.read_bytes()
                if path.suffix == ".ipynb":
                    content = content.replace(b"\r\n", b"\n")  # as nbgrader writes on Windows
                edition[name] = content
    expected = {path.relative_to(root / SOLUTIONS).as_posix() for path in files}
    faults = [f"nbgrader made no {EXERCISES}/{name}" for name in sorted(expected - set(edition))]
    for name, content in edition.items():
        if name.endswith(".ipynb"):
            source = nbformat.read(root / SOLUTIONS / name, as_version=4)
            release = nbformat.reads(content.decode("utf-8"), as_version=4)
            faults += [f"{EXERCISES}/{name}: {fault}" for fault in leaks(source, release)]
    if faults:
        raise CannotGenerate(*faults)
    return edition


def _log() -> tuple[logging.Logger, list[str]]:
    """A log of its own, and the list in which its errors are collected."""
    messages: list[str] = []
    log = logging.Logger("make_exercises", level=logging.ERROR)
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage().strip())
    log.addHandler(handler)
    return log, messages


def leaks(source: nbformat.NotebookNode, release: nbformat.NotebookNode) -> list[str]:
    """Say what a release tells of the solutions, or still carries from their execution."""
    secret, known = set(), []
    for cell in source.cells:
        inside = False
        for line in cell.source.splitlines():
            if SECRET.search(line):
                inside = "BEGIN " in line
            elif inside:
                secret.add(line.strip())
            else:
                known.append(line)
    shown = "\n".join(known)
    secret = {s for s in secret if len(s) > SHORTEST_SECRET and s not in shown}
    faults = []
    for number, cell in enumerate(release.cells, start=1):
        content = "\n".join(_strings(cell))
        faults += [f"cell {number} shows a solution: {s!r}" for s in sorted(secret) if s in content]
        if SECRET.search(content):
            faults.append(f"cell {number} still says {SECRET.search(content)[0]!r}")
        if cell.get("outputs") or cell.get("execution_count"):
            faults.append(f"cell {number} carries an output")
    return faults


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


# --- what stands in exercises/ already ---


def digest(content: bytes) -> str:
    """The sha256 of a file; it does not depend on how git ends lines on this system."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def manifest_text(edition: Edition) -> bytes:
    """The list of what was generated, which tells later what was changed since."""
    sums = {name: digest(content) for name, content in sorted(edition.items())}
    return (json.dumps({"about": ABOUT, "sha256": sums}, indent=1) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, str]:
    """What was generated last; nothing if that cannot be known: then all counts as changed."""
    try:
        sums = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(value) for name, value in sums.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def states(folder: Path, edition: Edition, generated: Mapping[str, str]) -> dict[str, str]:
    """Say of each file in exercises/ how it stands to the edition.

    ``"current"``, ``"missing"``, ``"outdated"`` (its source has changed), ``"changed"`` (since it
    was generated), ``"removed"`` (in solutions/), ``"removed, changed"``, ``"foreign"``.
    """
    found = {}
    for name in sorted({*edition, *generated}):
        path = folder / name
        if not path.is_file():
            if name in edition:
                found[name] = "missing"
            continue
        now = digest(path.read_bytes())
        as_generated = now == generated.get(name)
        if name not in edition:
            found[name] = "removed" if as_generated else "removed, changed"
        elif now == digest(edition[name]):
            found[name] = "current"
        else:
            found[name] = "outdated" if as_generated else "changed"
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        name = "/".join(parts)
        if name not in found and not OWN.search(name) and not any(p[0] == "." for p in parts):
            found[name] = "foreign"
    return found


def differences(root: Path, edition: Edition) -> list[str]:
    """Say which files of exercises/ are not what solutions/ gives, why, and what to do."""
    folder = root / EXERCISES
    generated = read_manifest(folder)
    reasons = {
        "missing": "is missing: run 'make exercises'",
        "outdated": "is not up to date: its source has changed; run 'make exercises'",
        "changed": "was changed since it was generated. To change the exercise, edit its source in "
        f"{SOLUTIONS}/. If this is your own work, rename it to {{mine}} and run 'make exercises'",
        "removed": f"is not from {SOLUTIONS}/ any more: run 'make exercises'",
        "removed, changed": f"is not from {SOLUTIONS}/ any more, and was changed since it was "
        f"generated. If you want to keep it, rename it to {{mine}}",
        "foreign": f"is not from {SOLUTIONS}/. If it is yours, rename it to {{mine}}",
    }
    found = [
        f"{EXERCISES}/{name} {reasons[state].format(mine=named(name, 'mine'))}"
        for name, state in states(folder, edition, generated).items()
        if state != "current"
    ]
    manifest = folder / MANIFEST
    if not manifest.is_file():
        found.append(f"{EXERCISES}/{MANIFEST} is missing: run 'make exercises'")
    elif digest(manifest.read_bytes()) != digest(manifest_text(edition)) and not found:
        found.append(f"{EXERCISES}/{MANIFEST} is not up to date: run 'make exercises'")
    return found


def named(name: str, word: str) -> str:
    """The name of a copy: ``02_exercises.ipynb`` becomes ``02_exercises.mine.ipynb``."""
    path = Path(name)
    return f"{path.stem}.{word}{path.suffix}"


# --- writing ---


def write(
    root: Path, edition: Edition, beside: bool = False, say: Callable[[str], object] = print
) -> int:
    """Bring exercises/ up to date; refuse, and write nothing, where a learner's work stands."""
    folder = root / EXERCISES
    found = states(folder, edition, read_manifest(folder))
    changed = [name for name, state in found.items() if state == "changed"]
    if changed and not beside:
        say("These files were changed since they were generated:\n")
        for name in changed:
            say(f"    {EXERCISES}/{name}")
        mine, new = named(changed[0], "mine"), named(changed[0], "new")
        say("\n" + KEEP_BOTH.format(mine=mine, new=new))
        return 1
    wanted = {name: name for name, state in found.items() if state in ("missing", "outdated")}
    for name in changed:
        target = _free(folder, name, edition[name])
        say(f"kept     {EXERCISES}/{name}: yours; the new edition is {target}")
        if not (folder / target).exists():
            wanted[target] = name
    _replace(folder, {target: edition[name] for target, name in wanted.items()})
    for target in wanted:
        say(f"written  {EXERCISES}/{target}")
    for name, state in found.items():
        if state == "removed":
            (folder / name).unlink()
            if not any((folder / name).parent.iterdir()):
                (folder / name).parent.rmdir()
            say(f"removed  {EXERCISES}/{name}: it is no longer in {SOLUTIONS}/")
        elif state == "removed, changed":
            say(f"kept     {EXERCISES}/{name}: no longer in {SOLUTIONS}/, but you have changed it")
    # the list comes last: if this was interrupted, what is written already counts as current
    manifest = folder / MANIFEST
    text = manifest_text(edition)
    if not manifest.is_file() or digest(manifest.read_bytes()) != digest(text):
        _replace(folder, {MANIFEST: text})
    same = sum(state == "current" for state in found.values())
    say(f"{len(edition)} files; {same} of them were up to date.")
    return 0


def _free(folder: Path, name: str, content: bytes) -> str:
    """A name beside a file under which this edition stands already, or nothing stands."""
    number = 1
    while True:
        word = "new" if number == 1 else f"new-{number}"
        target = str(Path(name).with_name(named(name, word)).as_posix())
        path = folder / target
        if not path.exists() or digest(path.read_bytes()) == digest(content):
            return target
        number += 1


def _replace(folder: Path, contents: Edition) -> None:
    """Write all parts first, then put them in place: a full disk leaves the old files."""
    parts = {}
    try:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path] = path.with_name(path.name + ".part")
            parts[path].write_bytes(content)
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def main(arguments: list[str], root: Path = ROOT, points: Mapping[str, int] | None = None) -> int:
    """Generate or check; return 0 if exercises/ is as it has to be."""
    parser = argparse.ArgumentParser(prog="make_exercises.py", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument(
        "--beside", action="store_true", help="write NAME.new.ipynb beside files that were changed"
    )
    options = parser.parse_args(arguments)
    try:
        edition = generate(root, CataloguePoints() if points is None else points)
    except CannotGenerate as error:
        print("\n".join(map(str, error.args)), file=sys.stderr)
        print("\nNothing was written.", file=sys.stderr)
        return 1
    if not options.check:
        return write(root, edition, beside=options.beside)
    found = differences(root, edition)
    print("\n".join(found) or f"{EXERCISES}/ is what {SOLUTIONS}/ gives: {len(edition)} files.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
