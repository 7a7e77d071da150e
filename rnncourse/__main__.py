"""The command line: ``python -m rnncourse``."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from rnncourse.ablation import TASKS, read_ablation, run_ablation, summarise, write_ablation

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
    `rnncourse.ablation` in notebook 05.

    Examples
    --------
    >>> main(["ablation", "--tasks", "nothing", "--folder", "x", "--out", "y"])
    Traceback (most recent call last):
    ...
    SystemExit: 2
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m rnncourse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ablation = commands.add_parser(
        "ablation",
        help="train every technique of notebook 05 on every task, and store the table",
        description="Train every technique on every task with every seed, in parallel. Each result "
        "is kept in a folder as soon as it is there: the same command goes on after a stop.",
    )
    ablation.add_argument("--folder", default="ablation_runs", help="where the runs are kept")
    ablation.add_argument("--out", default="notebooks/05_ablation.json", help="the stored table")
    ablation.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    ablation.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    ablation.add_argument("--workers", type=int, default=None, help="default: one for each core")
    given = parser.parse_args(words)
    result = run_ablation(
        given.folder, tasks=given.tasks, seeds=given.seeds, workers=given.workers
    )
    asked = [] if given.tasks == list(TASKS) else ["--tasks", *given.tasks]
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


if __name__ == "__main__":
    sys.exit(main())
