"""The command line: ``python -m rnncourse``."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import Any

SEEDS = [0, 1, 2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : Sequence of str, optional
        The words after ``python -m rnncourse``; those of the command line if not given.

    Returns
    -------
    int
        0 if it went well.

    Raises
    ------
    SystemExit
        If the words make no command; the message says what would.

    Notes
    -----
    `rnncourse.ablation` in notebook 05, the exercises of notebooks 01 to 07. A command imports
    what it needs when it runs: none waits for what another needs.

    Examples
    --------
    >>> main(["ablation", "--tasks", "nothing", "--folder", "x", "--out", "y"])
    Traceback (most recent call last):
    ...
    SystemExit: 2
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m rnncourse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_progress(commands)
    _add_matrix(commands)
    _add_ablation(commands)
    given = parser.parse_args(words)
    return given.run(given)


# --- progress ---


def _add_progress(commands: Any) -> None:
    command = commands.add_parser(
        "progress",
        help="show which exercises you passed, with how many attempts and hints",
        description="Show which exercises you passed, with how many attempts and hints.",
    )
    command.set_defaults(run=_progress)


def _progress(given: argparse.Namespace) -> int:
    from rnncourse.checks.record import table

    _say(table().text)
    return 0


# --- matrix ---


def _add_matrix(commands: Any) -> None:
    command = commands.add_parser(
        "matrix",
        help="show which tests of an exercise fail for which known mistake (for authors)",
        description="Run every known mistake of the exercises through the examiner, and show "
        "which tests fail and whether the mistake is called by its name.",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="such as 02.bptt; default: all")
    command.add_argument("--seed", type=int, default=0, help="what the instances are drawn from")
    command.set_defaults(run=_matrix, fail=command.error)


def _matrix(given: argparse.Namespace) -> int:
    from rnncourse.checks.catalogue import load, names
    from rnncourse.checks.matrix import matrix

    if given.seed < 0:
        given.fail(f"argument --seed: {given.seed} is negative")
    try:
        exercises = [load(name) for name in given.names or names()]
    except ValueError as error:
        given.fail(str(error))
    named = known = 0
    for exercise in exercises:
        found = matrix(exercise, given.seed)
        _say(f"{found.text}\n")
        named, known = named + found.well_named, known + len(found.mistakes)
    count = f"{len(exercises)} exercise{'s' * (len(exercises) != 1)}"
    _say(f"{count}, {known} known mistakes, {named} named correctly")
    return 0


# --- ablation ---


def _add_ablation(commands: Any) -> None:
    command = commands.add_parser(
        "ablation",
        help="train every technique of notebook 05 on every task, and store the table",
        description="Train every technique on every task with every seed, in parallel. Each result "
        "is kept in a folder as soon as it is there: the same command goes on after a stop.",
    )
    command.add_argument("--folder", default="ablation_runs", help="where the runs are kept")
    command.add_argument("--out", default="notebooks/05_ablation.json", help="the stored table")
    command.add_argument("--tasks", nargs="+", metavar="TASK", help="default: all")
    command.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    command.add_argument("--workers", type=int, default=None, help="default: one for each core")
    command.set_defaults(run=_ablation, fail=command.error)


def _ablation(given: argparse.Namespace) -> int:
    from rnncourse.ablation import TASKS, read_ablation, run_ablation, summarise, write_ablation

    tasks = given.tasks or list(TASKS)
    unknown = [task for task in tasks if task not in TASKS]
    if unknown:
        given.fail(f"argument --tasks: {unknown[0]!r} is none of {', '.join(TASKS)}")
    result = run_ablation(given.folder, tasks=tasks, seeds=given.seeds, workers=given.workers)
    asked = [] if tasks == list(TASKS) else ["--tasks", *tasks]
    asked += [] if given.seeds == SEEDS else ["--seeds", *map(str, given.seeds)]
    write_ablation(result, given.out, shlex.join(["python", "-m", "rnncourse", "ablation", *asked]))
    stored = read_ablation(given.out)
    for task in stored["tasks"]:
        print(f"{task}:")
        for row in summarise(stored, task):
            name = f"{row['technique']}, {row['optimiser']}"
            print(f"  {name:24s} {row['solved']} of {row['seeds']}, updates {row['updates']:.0f}")
    print(f"stored in {given.out}")
    return 0


def _say(text: str) -> None:
    """Print what holds signs that some terminals cannot show."""
    from rnncourse.checks.layout import printable

    print(printable(text, getattr(sys.stdout, "encoding", None)))


if __name__ == "__main__":
    sys.exit(main())
