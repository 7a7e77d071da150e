"""Which known mistake it is: the one whose wrong implementation returns the same values."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncourse.checks.conform import LONGEST_VALUE, tolerance
from rnncourse.checks.exercise import Band, Exercise, Mistake, Outputs
from rnncourse.checks.localise import close
from rnncourse.checks.outcome import Judged
from rnncourse.checks.verdict import Named, Outcome


def name_mistakes(
    exercise: Exercise,
    expected: list[Outputs | None],
    mine: Judged,
    suspects: Sequence[tuple[Mistake, Judged]],
) -> tuple[Named, ...]:
    """Name the mistake in an answer, or one for each group of its outputs.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    expected : list of dict or None
        The right outputs of every case; None where a property is asked for.
    mine : Judged
        The answer, which is wrong.
    suspects : Sequence of (Mistake, Judged)
        The known mistakes, each with what its wrong implementation returned on the same instances.

    Returns
    -------
    tuple of Named
        The one mistake that explains all, those that explain outputs of their own, or none.

    Notes
    -----
    See the misconceptions in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> exercise = load("02.bptt")
    >>> late = Judged([None], (Outcome("one step", "too slow"),))
    >>> [n.mistake for n in name_mistakes(exercise, [{}], late, [(exercise.mistakes[0], late)])]
    ['no gradient from the future']
    """
    signature = [_mark(o) for o in mine.outcomes]
    for mistake, theirs in suspects:
        same_cases = [_mark(o) for o in theirs.outcomes] == signature
        if same_cases and (not exercise.by_values or _agree(exercise, expected, mine, theirs)):
            return (Named(mistake.name, mistake.hint),)
    if not exercise.by_values or len(exercise.outputs) == 1:
        return ()
    return _name_by_output(exercise, expected, mine, suspects)


def _mark(outcome: Outcome) -> tuple[str, ...]:
    """What two answers with the same mistake share on one case."""
    failure = outcome.failure
    if outcome.state in ("raised", "unreadable") and failure:
        words = re.sub(r"[\d.]+", "0", " ".join(failure.message.split()))  # other sizes each time
        return (outcome.state, failure.kind, words[:LONGEST_VALUE])
    return (outcome.state,)


def _agree(
    exercise: Exercise,
    expected: list[Outputs | None],
    mine: Judged,
    theirs: Judged,
    names: set[str] | None = None,
) -> bool:
    """Whether two answers have the same values on all cases, in all or in some outputs."""
    for i, (right, a, b) in enumerate(zip(expected, mine.outputs, theirs.outputs, strict=True)):
        if (a is None) != (b is None):
            return False
        if a is None or b is None:
            continue
        wrong_here = ({d.output for d in j.outcomes[i].differences} for j in (mine, theirs))
        differently = set.symmetric_difference(*wrong_here)
        for name in names or exercise.outputs:
            if name in differently:  # wrong in one answer and right in the other
                return False
            meant = None if right is None else right[name]
            if not _same_value(exercise, a[name], b[name], meant):
                return False
    return True


def _same_value(exercise: Exercise, yours: Any, other: Any, expected: Any) -> bool:
    if not (isinstance(yours, np.ndarray) and isinstance(other, np.ndarray)):
        return type(yours) is type(other) and yours == other
    if yours.size == other.size == 1:
        yours, other = yours.reshape(()), other.reshape(())
    if isinstance(expected, Band):
        high, low = np.asarray(expected.high), np.asarray(expected.low)
        room, middle = np.abs(high - low) / 2, np.abs(high + low) / 2
        if yours.shape != other.shape or yours.shape != room.shape:
            return False
        with np.errstate(all="ignore"):  # infinite minus infinite
            # a band of 5 % is 5 % of the mistake's value too
            room = np.where(middle > room, room * np.minimum(np.abs(other) / middle, 1), room)
            return bool(np.all((yours == other) | (np.abs(yours - other) <= room)))
    rtol, atol = tolerance(exercise, yours)
    return close(yours, other, 2 * rtol, 2 * atol)


def _name_by_output(
    exercise: Exercise,
    expected: list[Outputs | None],
    mine: Judged,
    suspects: Sequence[tuple[Mistake, Judged]],
) -> tuple[Named, ...]:
    """Explain single outputs: the mistakes all of whose wrong outputs are wrong in this way."""
    left = mine.wrong_outputs
    fitting = []
    for mistake, theirs in suspects:
        wrong = theirs.wrong_outputs
        if wrong and wrong <= left and _agree(exercise, expected, mine, theirs, wrong):
            fitting.append((mistake, wrong))
    named = []
    for mistake, wrong in sorted(fitting, key=lambda pair: -len(pair[1])):
        if wrong <= left:
            left -= wrong
            listed = tuple(name for name in exercise.outputs if name in wrong)
            named.append(Named(mistake.name, mistake.hint, listed))
    return tuple(named)
