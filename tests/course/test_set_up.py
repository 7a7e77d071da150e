"""Setting up: it works once, is quick the second time, and says plainly what is wrong.

What pip and venv print below is from real runs: without a network, against a server with a
certificate of its own making, and on a disk of 80 MB.
"""

import ast
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import set_up

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

REFUSED = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after
connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at
0x7f35>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/flit-core/
ERROR: Could not find a version that satisfies the requirement flit_core<5,>=3.9 (from
versions: none)
ERROR: No matching distribution found for flit_core<5,>=3.9
"""
NO_SUCH_HOST = """\
ERROR: Could not find a version that satisfies the requirement flit_core<5,>=3.9 (from
versions: none)
ERROR: No matching distribution found for flit_core<5,>=3.9
"""
OWN_CERTIFICATE = """\
Could not fetch URL https://localhost:8443/simple/flit-core/: There was a problem confirming the ssl
certificate: HTTPSConnectionPool(host='localhost', port=8443): Max retries exceeded with url:
/simple/flit-core/ (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]
certificate verify failed: self-signed certificate (_ssl.c:1006)'))) - skipping
ERROR: No matching distribution found for flit_core<5,>=3.9
"""
FULL = """\
Installing collected packages: sortedcontainers, pure-eval, ptyprocess, mpmath, wcwidth, urllib3
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
NO_WHEEL = """\
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0
"""
NO_VENV = """\
The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the set-up reads, to which it is pointed; pip is not run but written down."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    environment = tmp_path / ".venv"
    monkeypatch.setattr(set_up, "ROOT", str(tmp_path))
    monkeypatch.setattr(set_up, "VENV", str(environment))
    monkeypatch.setattr(set_up, "PYTHON", str(environment / "bin" / "python"))
    monkeypatch.setattr(set_up, "LOG", str(environment / "install.log"))
    monkeypatch.setattr(set_up, "STAMP", str(environment / "installed.txt"))
    monkeypatch.delenv("TORCH", raising=False)
    return tmp_path


@pytest.fixture
def installed(clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pip is asked to install, in an environment that there is."""
    calls: list[list[str]] = []
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(set_up, "pip_install", calls.append)
    return calls


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (REFUSED, "no connection to the package index"),
        (NO_SUCH_HOST, "no connection to the package index"),
        (OWN_CERTIFICATE, "secure connection could not be made"),
        (FULL, "The disk is full"),
        (NO_WHEEL, "no version that fits this Python"),
        (NO_VENV, "its venv module is missing"),
    ],
)
def test_what_pip_prints_is_turned_into_what_is_wrong_and_what_to_do(output, said):
    wrong, advice = set_up.explain(output).splitlines()
    assert said in wrong
    assert len(advice) > 40


def test_what_is_not_understood_is_shown_as_it_is():
    said = set_up.explain("something new\nERROR: that nobody foresaw")
    assert "ERROR: that nobody foresaw" in said


def test_a_full_disk_is_named_even_when_the_program_that_met_it_does_not(monkeypatch):
    """The standard library's venv says only that a command failed."""
    usage = shutil.disk_usage(ROOT)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "The disk is full." in set_up.explain("ensurepip returned non-zero exit status 1.")


def test_a_small_disk_is_refused_before_anything_is_written(clone, monkeypatch, capsys):
    usage = shutil.disk_usage(clone)._replace(free=1_200_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert set_up.main(["lab"]) == 1
    assert "The disk has 1.2 GB free; the installation needs about 3 GB" in capsys.readouterr().out
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_a_python_that_is_too_old_is_told_so(version, monkeypatch, capsys):
    monkeypatch.setattr(set_up.sys, "version_info", version)
    monkeypatch.setattr(set_up, "newer_python", lambda: None)
    assert set_up.main(["lab"]) == 1
    said = capsys.readouterr().out
    assert "needs Python 3.11 or newer; this is Python {}.{}.".format(*version[:2]) in said


def test_an_old_python_hands_over_to_a_newer_one_on_the_path(monkeypatch):
    handed = []
    monkeypatch.setattr(set_up.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(set_up.shutil, "which", lambda name: name if name == "python3.12" else None)
    monkeypatch.setattr(set_up, "runs", lambda python: True)
    monkeypatch.setattr(set_up.subprocess, "call", lambda command: handed.append(command) or 0)
    assert set_up.main(["test"]) == 0
    assert handed == [["python3.12", str(ROOT / "tools" / "set_up.py"), "test"]]


def test_the_set_up_can_be_read_by_an_old_python():
    """No f-string, no annotation: a SyntaxError would come before the plain words."""
    tree = ast.parse((ROOT / "tools" / "set_up.py").read_text(), feature_version=(3, 4))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= set(sys.stdlib_module_names)


def test_the_second_time_nothing_is_installed(clone, installed):
    assert set_up.main(["lab"]) == 0
    assert len(installed) == 1
    assert set_up.main(["lab"]) == 0
    assert len(installed) == 1


def test_another_extra_is_added_to_those_that_are_there(clone, installed):
    set_up.main(["lab"])
    set_up.main(["test"])
    assert installed[1] == ["-e", f"{clone}[lab,test]"]
    set_up.main(["lab", "test"])
    assert len(installed) == 2


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", "moved"])
def test_a_new_version_of_the_course_or_a_moved_folder_is_installed_anew(
    changed, clone, installed, monkeypatch
):
    set_up.main(["lab"])
    if changed == "moved":
        monkeypatch.setattr(set_up, "ROOT", str(clone / "elsewhere"))
        shutil.copytree(clone, clone / "elsewhere", ignore=lambda *_: [".venv", "elsewhere"])
    else:
        (clone / changed).write_text((clone / changed).read_text() + "\n# new\n")
    set_up.main(["lab"])
    assert len(installed) == 2


def test_an_installation_that_failed_is_begun_again(clone, installed, monkeypatch, capsys):
    def fail(arguments):
        raise set_up.Problem("no network")

    succeed = set_up.pip_install
    monkeypatch.setattr(set_up, "pip_install", fail)
    assert set_up.main(["lab"]) == 1
    assert "no network" in capsys.readouterr().out
    monkeypatch.setattr(set_up, "pip_install", succeed)
    assert set_up.main(["lab"]) == 0
    assert len(installed) == 1


def test_a_chosen_build_of_torch_replaces_the_one_that_is_there_and_stays(
    clone, installed, monkeypatch
):
    set_up.main(["lab"])
    monkeypatch.setenv("TORCH", "cpu")
    set_up.main(["lab"])
    assert "--force-reinstall" in installed[1]
    assert "https://download.pytorch.org/whl/cpu" in installed[1]
    monkeypatch.delenv("TORCH")
    set_up.main(["lab"])
    set_up.main(["test"])
    assert len(installed) == 4  # torch, the course; and the course with another extra
    assert all("torch" not in call for call in installed[2:])
    monkeypatch.setenv("TORCH", "cpu")
    set_up.main(["test"])
    assert len(installed) == 4


def test_what_pip_prints_goes_to_the_log_and_its_failure_is_explained(clone, installed):
    (clone / ".venv" / "install.log").write_text("of an earlier run: No space left on device\n")
    with pytest.raises(set_up.Problem, match=r"no such option[^$]*\.venv/install\.log"):
        pip_install_of_the_set_up(["--no-such-option"])
    assert "no such option" in (clone / ".venv" / "install.log").read_text()


pip_install_of_the_set_up = set_up.pip_install  # before a fixture replaces it


def test_nothing_that_stands_in_the_folder_is_touched(clone, installed):
    (clone / "my_notes.txt").write_text("mine")
    (clone / ".venv" / "mine.txt").write_text("mine too")
    set_up.main(["lab"])
    assert (clone / "my_notes.txt").read_text() == "mine"
    assert (clone / ".venv" / "mine.txt").read_text() == "mine too"
    source = (ROOT / "tools" / "set_up.py").read_text()
    assert not re.search(r"rmtree|unlink|os\.remove|rmdir|--clear", source)


@pytest.mark.parametrize("arguments", [[], ["labs"], ["lab", "gpu"]])
def test_an_unknown_wish_is_answered_with_the_known_ones(arguments, clone, capsys):
    assert set_up.main(arguments) == 1
    assert "Usage: python3 tools/set_up.py lab | test | browser" in capsys.readouterr().out


def test_the_extras_of_the_set_up_are_those_of_the_package():
    assert set(set_up.EXTRAS) == set(PROJECT["optional-dependencies"])


def test_the_oldest_python_of_the_set_up_is_that_of_the_package():
    assert PROJECT["requires-python"] == ">={}.{}".format(*set_up.NEEDED)


def test_every_package_that_the_course_asks_for_has_a_tested_version_within_its_range():
    asked = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = (Requirement(line) for line in lines if line and not line.startswith("#"))
    tested = {pin.name.lower(): str(pin.specifier).removeprefix("==") for pin in pins}
    for requirement in map(Requirement, itertools.chain(*asked)):
        if requirement.name != PROJECT["name"]:
            version = tested.get(requirement.name.lower())
            assert version, f"{requirement.name} is not in constraints.txt: make constraints"
            assert requirement.specifier.contains(version), f"{requirement} is not {version}"


def test_continuous_integration_runs_the_one_test_command():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make test"]


def test_make_lists_its_commands():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^make (\w+)", listed, re.MULTILINE) == [t for t in targets if t != "help"]
