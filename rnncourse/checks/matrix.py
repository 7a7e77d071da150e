"""Which test of an exercise fails for which known mistake: how well the tests tell them apart."""

from dataclasses import dataclass

import numpy as np

from rnncourse.checks.call import call
from rnncourse.checks.exercise import Exercise
from rnncourse.checks.judge import judge

CASES_BELOW = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Matrix:
    """Known mistakes beside the tests of one exercise.

    Parameters
    ----------
    exercise : str
        Its name.
    mistakes : tuple of str
        The known mistakes, as rows.
    cases : tuple of str
        The tests, as columns.
    fails : numpy.ndarray
        (mistakes, cases), bool: where a mistake makes a test fail.
    named : tuple of tuple of str
        What the examiner calls each mistake: right is its own name alone.
    """

    exercise: str
    mistakes: tuple[str, ...]
    cases: tuple[str, ...]
    fails: np.ndarray
    named: tuple[tuple[str, ...], ...]

    @property
    def well_named(self) -> int:
        """How many mistakes are called by their own name, and by no other."""
        return sum(given == (own,) for own, given in zip(self.mistakes, self.named, strict=True))

    @property
    def text(self) -> str:
        """The matrix for a terminal: ✗ where a test fails, · where it holds."""
        count = len(self.cases)
        letters = [CASES_BELOW[i % len(CASES_BELOW)] for i in range(count)]
        width = max((len(m) for m in self.mistakes), default=0)
        head = f"{self.exercise}: {count} tests, {len(self.mistakes)} known mistakes, "
        lines = [head + f"{self.well_named} named correctly"]
        lines += [f"  {letter}  {case}" for letter, case in zip(letters, self.cases, strict=True)]
        lines.append(f"  {'':{width}}  {' '.join(letters)}")
        for mistake, row, given in zip(self.mistakes, self.fails, self.named, strict=True):
            marks = " ".join("✗" if failed else "·" for failed in row)
            lines.append(f"  {mistake:{width}}  {marks}  named: {_named(mistake, given)}".rstrip())
        return "\n".join(line.rstrip() for line in lines)


def matrix(exercise: Exercise, seed: int = 0) -> Matrix:
    """Run every known mistake of an exercise through the examiner.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    seed : int
        What the instances are drawn from.

    Returns
    -------
    Matrix
        Which tests fail for which mistake, and what it is called.

    Notes
    -----
    ``python -m rnncourse matrix`` prints it for the exercises of notebooks 01 to 07. A row without
    a failing test is a mistake that the tests do not see; two equal rows are told apart by their
    values alone.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> found = matrix(load("02.bptt"))
    >>> bool(found.fails.any(axis=1).all())
    True
    """
    instances = exercise.instances(seed)
    # the same way as a learner's answer: called under guard, then judged
    verdicts = [
        judge(exercise, seed, call(exercise, exercise.wrong(mistake), instances))
        for mistake in exercise.mistakes
    ]
    fails = [[o.state != "holds" for o in v.outcomes] for v in verdicts]
    shape = (len(verdicts), len(exercise.cases))
    return Matrix(
        exercise.name,
        tuple(mistake.name for mistake in exercise.mistakes),
        tuple(case.name for case in exercise.cases),
        np.array(fails, dtype=bool).reshape(shape),
        tuple(tuple(named.mistake for named in v.named) for v in verdicts),
    )


def _named(mistake: str, given: tuple[str, ...]) -> str:
    if given == (mistake,):
        return "yes"
    return f"with {', '.join(given)}" if given else "no"
