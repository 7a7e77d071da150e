"""The learner's progress: a small local file with a line for each check and each hint.

Deleting the file loses nothing but the table that is made from it.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from rnncourse.checks.catalogue import load, names
from rnncourse.checks.exercise import KINDS
from rnncourse.checks.verdict import Verdict
from rnncourse.progress import is_watched

Event = dict[str, Any]

# what could not be written; it is remembered until Python ends
_unwritten: list[Event] = []


@dataclass(frozen=True)
class Row:
    """What became of one exercise.

    Parameters
    ----------
    exercise : str
        Its name.
    title, kind : str
        Title and kind; both are empty if there is no such exercise today.
    passed : str
        When it was passed first, as a date; empty if it was not.
    attempts : int
        How often it was checked.
    hints : int
        How many different hints were asked for.
    """

    exercise: str
    title: str
    kind: str
    passed: str
    attempts: int
    hints: int


class Table:
    """All exercises with what became of them, as text and as HTML.

    Parameters
    ----------
    rows : iterable of Row
        One for each exercise.
    note : str
        Where the record is kept, or why there is none.
    """

    def __init__(self, rows: Iterable[Row], note: str):
        self.rows, self.note = tuple(rows), note

    @property
    def summary(self) -> str:
        """How many exercises were passed, in words."""
        known = [row for row in self.rows if row.title]
        return f"{sum(bool(row.passed) for row in known)} of {len(known)} exercises passed"

    @property
    def text(self) -> str:
        """The table for a terminal."""
        head = ("exercise", "title", "kind", "passed", "attempts", "hints")
        cells = [head, *map(_cells, self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        lines = [
            "  ".join(
                cell.rjust(width) if i > 3 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join((*lines, "", f"{self.summary}.", self.note)).rstrip()

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        edge = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.4))"

        def line(tag: str, cells: Iterable[str]) -> str:
            styled = "".join(
                f'<{tag} style="padding: 1px 10px; text-align: {"right" if i > 3 else "left"}; '
                f'font-weight: {"600" if tag == "th" else "inherit"}">{escape(cell)}</{tag}>'
                for i, cell in enumerate(cells)
            )
            return f'<tr style="background: none; border-bottom: {edge}">{styled}</tr>'

        head = line("th", ("exercise", "title", "kind", "passed", "attempts", "hints"))
        parts = []
        for chapter, group in itertools.groupby(self.rows, lambda row: row.exercise[:2]):
            rows = list(group)
            done = sum(bool(row.passed) for row in rows)
            begun = " open" if done < len(rows) and any(row.attempts for row in rows) else ""
            body = "".join(line("td", _cells(row)) for row in rows)
            parts.append(
                f"<details{begun}><summary>chapter {escape(chapter)}: {done} of {len(rows)}"
                f'</summary><table style="border-collapse: collapse; margin: 0; border: none">'
                f"<thead>{head}</thead><tbody>{body}</tbody></table></details>"
            )
        return (
            f'<div style="max-width: 760px; overflow-x: auto"><p><b>{escape(self.summary)}.</b></p>'
            f'{"".join(parts)}<p style="opacity: 0.75">{escape(self.note)}</p></div>'
        )


def _cells(row: Row) -> tuple[str, ...]:
    passed = f"✓ {row.passed}" if row.passed else ("not yet" if row.attempts else "")
    return (
        row.exercise,
        row.title or "(not in this version of the course)",
        KINDS.get(row.kind, ""),
        passed,
        str(row.attempts or ""),
        str(row.hints or ""),
    )


def find_path() -> Path | None:
    """Find the file in which the progress is kept.

    Returns
    -------
    pathlib.Path or None
        The file named by the environment variable ``RNNCOURSE_PROGRESS``, or one in the user's
        data folder. None while nbgrader executes a notebook, and in a notebook that runs with
        nobody there: no learner makes progress then.

    Notes
    -----
    Shown in notebook 00.

    Examples
    --------
    >>> with_nbgrader = {"NBGRADER_EXECUTION": "autograde"}
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, with_nbgrader):
    ...     find_path() is None
    True
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return None
    chosen = os.environ.get("RNNCOURSE_PROGRESS")
    if chosen:
        return Path(chosen)
    if not is_watched():
        return None
    return user_data_path("rnncourse", appauthor=False) / "progress.jsonl"


def add_check(verdict: Verdict) -> None:
    """Write down that an answer was checked, if it was an attempt.

    Parameters
    ----------
    verdict : Verdict
        What the judge said. Answers that are not implemented or were declined are no attempts.

    Notes
    -----
    Notebook 00 shows the table. No answer is stored, only the names of recognised mistakes.

    Examples
    --------
    >>> add_check(Verdict("02.bptt", 0, "not implemented", ()))   # writes nothing
    """
    if verdict.state in ("passed", "failed"):
        mistakes = [named.mistake for named in verdict.named]
        _add({"event": "check", "exercise": verdict.exercise, "state": verdict.state,
              "mistakes": mistakes})  # fmt: skip


def add_hint(exercise: str, step: int) -> None:
    """Write down that a hint was shown.

    Parameters
    ----------
    exercise : str
        The name of the exercise.
    step : int
        1, 2 or 3.

    Notes
    -----
    Notebook 00 shows the table.

    Examples
    --------
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, {"NBGRADER_EXECUTION": "validate"}):
    ...     add_hint("02.bptt", 1)
    ...     last_hint("02.bptt")
    1
    >>> _unwritten.clear()
    """
    _add({"event": "hint", "exercise": exercise, "step": step})


def last_hint(exercise: str) -> int:
    """Return the last step of the hints that was shown.

    Parameters
    ----------
    exercise : str
        The name of the exercise.

    Returns
    -------
    int
        0 if none was.

    Notes
    -----
    Used by `rnncourse.checks.hint` in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> last_hint("no such exercise")
    0
    """
    steps = [e["step"] for e in read() if e["event"] == "hint" and e["exercise"] == exercise]
    return max(steps, default=0)


def read() -> list[Event]:
    """Read what was written down, and what was remembered because it could not be.

    Returns
    -------
    list of dict
        One for each event, in the order of the file. Lines that cannot be read are skipped; they
        stay in the file.

    Notes
    -----
    Notebook 00 shows the table that is made from it.

    Examples
    --------
    >>> isinstance(read(), list)
    True
    """
    path, lines = find_path(), []
    if path is not None:
        with contextlib.suppress(OSError):
            lines = path.read_bytes().split(b"\n")
    events = []
    for line in lines:
        # ValueError: no JSON or no UTF-8; RecursionError: a line of ten thousand brackets
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line)
            if _is_event(event):
                events.append(event)
    return events + _unwritten


def table() -> Table:
    """Summarise the record: what became of each exercise.

    Returns
    -------
    Table
        Exercises in the order of the course; those of an older record that are unknown today
        stand at the end.

    Notes
    -----
    Notebook 00; ``python -m rnncourse progress`` prints it.

    Examples
    --------
    >>> table().rows[0].exercise == names()[0]
    True
    """
    events, known = read(), names()
    older = dict.fromkeys(e["exercise"] for e in events if e["exercise"] not in known)
    return Table([_row(name, events) for name in (*known, *older)], _where())


def _row(name: str, events: list[Event]) -> Row:
    checks = [e for e in events if e["exercise"] == name and e["event"] == "check"]
    steps = {e["step"] for e in events if e["exercise"] == name and e["event"] == "hint"}
    passed = [str(e.get("time", ""))[:10] for e in checks if e["state"] == "passed"]
    first = (passed[0] or "yes") if passed else ""
    exercise = load(name) if name in names() else None
    title, kind = (exercise.title, exercise.kind) if exercise else ("", "")
    return Row(name, title, kind, first, len(checks), len(steps))


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("exercise"), str):
        return False
    is_check = event.get("event") == "check" and event.get("state") in ("passed", "failed")
    return is_check or (event.get("event") == "hint" and event.get("step") in (1, 2, 3))


def _where() -> str:
    path = find_path()
    if path is None:
        return "Nothing is recorded here: this notebook runs by itself."
    if _unwritten:
        return (
            f"The record in {path} could not be written: what was done since this Python started "
            f"is shown, and will be lost. The variable RNNCOURSE_PROGRESS can name another file."
        )
    return f"The record is kept in {path}; deleting it loses nothing else."


def _add(event: Event) -> None:
    event = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **event}
    path = find_path()
    try:
        if path is None:
            raise OSError("nothing is recorded here")
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, json.dumps(event, ensure_ascii=False).encode() + b"\n")
    except OSError:
        _unwritten.append(event)


def _append(path: Path, line: bytes) -> None:
    """Append a line by one write, which other processes do not interrupt."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o644)
    try:
        end = os.lseek(file, 0, os.SEEK_END)
        if end:
            os.lseek(file, end - 1, os.SEEK_SET)
            if os.read(file, 1) != b"\n":  # a line that was cut off: begin a new one
                line = b"\n" + line
        if os.write(file, line) != len(line):
            raise OSError("the disk is full")
    finally:
        os.close(file)
