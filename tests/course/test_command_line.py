"""The command line: what its commands print, and that none waits for what another needs."""

import subprocess
import sys

import pytest

from rnncourse.__main__ import main
from rnncourse.checks import catalogue, chapter_02


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.setattr(catalogue, "CHAPTERS", ("02",))
    monkeypatch.setattr(chapter_02, "WORDS", ("bptt",))


def test_progress_prints_the_table(capsys):
    assert main(["progress"]) == 0
    printed = capsys.readouterr()
    assert "02.bptt" in printed.out
    assert "0 of 1 exercises passed." in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("names", [[], ["02.bptt"]])
def test_matrix_prints_mistakes_and_tests_of_the_named_exercises_or_of_all(capsys, names):
    assert main(["matrix", *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("02.bptt: ")
    assert any("✗" in line and "named: yes" in line for line in lines)
    assert lines[-1].startswith("1 exercise, ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["matrix", "02.btpp"], "Did you mean '02.bptt'"),
        (["matrix", "--seed", "-1"], "-1 is negative"),
        (["ablation", "--tasks", "nothing"], "'nothing' is none of "),
        (["nothing"], "invalid choice: 'nothing'"),
        ([], "command"),
    ],
)
def test_a_wrong_command_says_what_is_expected(capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("progress", "matrix", "ablation"))


def test_the_help_of_one_command_waits_for_no_training_code():
    code = (
        "import sys\nfrom rnncourse.__main__ import main\n"
        "try:\n    main(['progress', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'numpy', 'rnncourse.ablation'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_progress_does_not_import_the_ablation():
    code = (
        "import sys\nfrom rnncourse.__main__ import main\nmain(['progress'])\n"
        "assert 'rnncourse.ablation' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
