import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from rnncourse.checks import record
from rnncourse.checks.verdict import Named, Verdict

PASSED = Verdict("01.twice", 0, "passed", ())
FAILED = Verdict("01.twice", 0, "failed", (), named=(Named("the weight added", "a hint"),))


def events(path):
    """The lines; an empty one between two that were written at once is no event."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def row(name):
    [found] = [row for row in record.table().rows if row.exercise == name]
    return found


def test_each_check_is_one_line_with_the_named_mistakes_and_no_answer(own_record):
    record.add_check(FAILED)
    record.add_check(PASSED)
    failed, passed = events(own_record)
    assert set(failed) == {"time", "event", "exercise", "state", "mistakes"}
    assert failed["mistakes"] == ["the weight added"]
    assert failed["time"].endswith("+00:00")
    assert passed["state"] == "passed"


@pytest.mark.parametrize("state", ["not implemented", "declined"])
def test_what_is_no_attempt_is_not_recorded(own_record, state):
    record.add_check(Verdict("01.twice", 0, state, ()))
    assert not own_record.exists()


def test_the_table_counts_attempts_and_different_hints_and_keeps_the_first_pass(
    made_up, own_record
):
    for verdict in (FAILED, PASSED, FAILED, PASSED):
        record.add_check(verdict)
    for step in (1, 2, 2):
        record.add_hint("01.twice", step)
    lines = events(own_record)
    lines[1]["time"], lines[3]["time"] = "2020-02-03T04:05:06+00:00", "2021-01-01T00:00:00+00:00"
    own_record.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert row("01.twice") == record.Row(
        "01.twice", "A weight times <inputs>", "write", "2020-02-03", 4, 2
    )
    assert row("01.guess") == record.Row("01.guess", "Guess", "predict", "", 0, 0)
    assert record.table().summary == "1 of 4 exercises passed"


def test_an_exercise_of_an_older_record_stands_at_the_end(made_up, own_record):
    record.add_check(Verdict("09.gone", 0, "passed", ()))
    assert [r.exercise for r in record.table().rows][-2:] == ["01.mask", "09.gone"]
    assert record.table().summary == "0 of 4 exercises passed"
    assert "not in this version" in record.table().text


@pytest.mark.parametrize(
    "line",
    [
        b"no json", b"\xff\xfe", b"[]", b"3", b"{}", b"[" * 100_000,
        b'{"event": "check", "exercise": 3, "state": "passed"}',
        b'{"event": "check", "exercise": "01.twice", "state": []}',
        b'{"event": "hint", "exercise": "01.twice", "step": [1]}',
        b'{"event": "hint", "exercise": "01.twice", "step": "9"}',
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_skipped_and_stays(made_up, own_record, line):
    own_record.write_bytes(line + b"\n")
    record.add_check(PASSED)
    assert row("01.twice").attempts == 1
    assert record.last_hint("01.twice") == 0
    assert own_record.read_bytes().startswith(line + b"\n")


def test_a_line_that_was_cut_off_does_not_swallow_the_next_one(made_up, own_record):
    own_record.write_bytes(b'{"event": "che')
    record.add_check(PASSED)
    assert row("01.twice").attempts == 1
    assert own_record.read_bytes().startswith(b'{"event": "che\n')


def test_lines_that_are_written_at_the_same_time_do_not_mix(made_up, own_record):
    def write():
        for _ in range(50):
            record.add_check(FAILED)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events(own_record)) == 200


def test_a_line_that_comes_in_between_is_not_overwritten(own_record, monkeypatch):
    record.add_check(FAILED)
    read = os.read

    def read_while_another_python_writes(*arguments):
        with own_record.open("ab") as file:
            file.write(own_record.read_bytes())
        return read(*arguments)

    monkeypatch.setattr(os, "read", read_while_another_python_writes)
    record.add_check(PASSED)
    assert [event["state"] for event in events(own_record)] == ["failed", "failed", "passed"]


def test_deleting_the_file_loses_nothing_else(made_up, own_record):
    record.add_check(PASSED)
    own_record.unlink()
    assert row("01.twice").attempts == 0
    record.add_check(PASSED)
    assert row("01.twice").attempts == 1


def test_a_place_that_cannot_be_written_costs_the_record_only_and_the_table_says_so(
    made_up, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    record.add_check(PASSED)
    record.add_hint("01.twice", 2)
    assert capsys.readouterr() == ("", "")
    assert (row("01.twice").attempts, record.last_hint("01.twice")) == (1, 2)
    assert "could not be written" in record.table().note


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such folders")
def test_a_folder_is_made_for_the_record_where_there_is_none(tmp_path, monkeypatch):
    path = tmp_path / "new" / "folder" / "progress.jsonl"
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(path))
    record.add_check(PASSED)
    assert stat.S_IMODE(os.stat(path).st_mode) & 0o600 == 0o600


def test_nothing_is_written_while_nbgrader_executes(own_record, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    record.add_check(PASSED)
    record.add_hint("01.twice", 1)
    assert not own_record.exists()
    assert record.last_hint("01.twice") == 1  # the next hint is still the second


def test_a_notebook_that_runs_by_itself_neither_writes_nor_reads(made_up, monkeypatch):
    monkeypatch.delenv("RNNCOURSE_PROGRESS")
    monkeypatch.setattr(record, "is_watched", lambda: False)
    assert record.find_path() is None
    assert {r.attempts for r in record.table().rows} == {0}
    assert "runs by itself" in record.table().note


def test_without_the_variable_the_record_lies_in_the_users_data_folder(monkeypatch):
    monkeypatch.delenv("RNNCOURSE_PROGRESS")
    path = record.find_path()
    assert path.name == "progress.jsonl"
    assert path.parent.name == "rnncourse"


def test_the_table_as_html_escapes_whatever_the_file_holds(made_up, own_record):
    own_record.write_text(
        json.dumps({"event": "check", "exercise": "<script>", "state": "passed", "time": "<b>"})
    )
    html = record.table()._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html.replace("<p><b>", "")
    assert "A weight times &lt;inputs&gt;" in html


def test_a_chapter_that_is_begun_and_not_finished_stands_open(made_up):
    def opened():
        return "<details open>" in record.table()._repr_html_()

    assert not opened()  # nothing is begun
    record.add_check(Verdict("01.twice", 0, "failed", ()))
    assert opened()
    assert f"chapter 01: 0 of {len(vars(made_up))}" in record.table()._repr_html_()
    for exercise in vars(made_up).values():
        record.add_check(Verdict(exercise.name, 0, "passed", ()))
    assert not opened()  # all is done


def test_the_record_is_read_in_a_fresh_python_too(own_record):
    record.add_check(Verdict("02.bptt", 0, "passed", ()))
    done = subprocess.run(
        [sys.executable, "-m", "rnncourse", "progress"],
        capture_output=True, text=True, encoding="ascii", check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("02.bptt"))
    assert "ok 20" in line  # a terminal without ✓ gets words
    assert done.stderr == ""
