"""One case after the other: what became of it, and which outputs are not as they should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncourse.checks.conform import MISSING, Misshapen, brief, conform, tolerance
from rnncourse.checks.exercise import Band, Case, Exercise, Inputs, Outputs, is_shape
from rnncourse.checks.localise import close
from rnncourse.checks.returned import Returned
from rnncourse.checks.verdict import Difference, Outcome


@dataclass(frozen=True)
class Judged:
    """One answer on all instances.

    Parameters
    ----------
    outputs : list of dict or None
        The outputs by name on each instance; None where they are unreadable.
    outcomes : tuple of Outcome
        What became of each case.
    """

    outputs: list[Outputs | None]
    outcomes: tuple[Outcome, ...]

    @property
    def wrong_outputs(self) -> set[str]:
        """The outputs that differ on some case."""
        return {d.output for o in self.outcomes for d in o.differences}


def judge_cases(
    exercise: Exercise,
    instances: list[Inputs],
    expected: list[Outputs | None],
    returned: Sequence[Returned],
) -> Judged:
    """Compare one answer with what is right, case by case.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    instances : list of dict
        The inputs of every case.
    expected : list of dict or None
        The right outputs of every case; None where a property is asked for.
    returned : Sequence of Returned
        One record for each case, in their order.

    Returns
    -------
    Judged
        The outputs and what became of the cases.

    Notes
    -----
    The learner's answer and every known mistake go through here, so they can be compared.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> exercise = load("01.forgetting")
    >>> right = exercise.definition()
    >>> judged = judge_cases(exercise, [{}], [right], [Returned("returned", "no idea")])
    >>> judged.outcomes[0].text
    'It returns one thing, expected 2: (gain_half, gain_one)'
    """
    outputs, outcomes = [], []
    for case, inputs, right, record in zip(
        exercise.cases, instances, expected, returned, strict=True
    ):
        given, outcome = _outcome(exercise, case, inputs, right, record)
        outputs.append(given)
        outcomes.append(outcome)
    return Judged(outputs, tuple(outcomes))


def _outcome(
    exercise: Exercise, case: Case, inputs: Inputs, expected: Outputs | None, record: Returned
) -> tuple[Outputs | None, Outcome]:
    if record.state != "returned":
        text = record.failure.message if record.failure else ""
        return None, Outcome(case.name, record.state, text=text, failure=record.failure)
    try:
        given = conform(exercise, record.value, expected)
    except Misshapen as error:
        return None, Outcome(case.name, "unreadable", text=str(error))
    if expected is None:
        try:
            with np.errstate(all="ignore"):
                text = case.holds(inputs, given)  # type: ignore[misc]
        except Exception as error:  # a shape the property cannot read
            text = f"The answer cannot be read: {error}"
        if text:
            return given, Outcome(case.name, "differs", text=text)
    else:
        found = tuple(
            d
            for name, axes in exercise.outputs.items()
            if (d := _difference(exercise, name, axes, given[name], expected[name]))
        )
        if found:
            return given, Outcome(case.name, "differs", found, text=found[0].text)
    changed = [name for name in record.changed if name not in exercise.may_change]
    if changed:
        text = f"The values are right, but it changes {', '.join(changed)} of its caller"
        return given, Outcome(case.name, "changes its inputs", text=text)
    return given, Outcome(case.name, "holds")


def _difference(
    exercise: Exercise, name: str, axes: str, yours: Any, expected: Any
) -> Difference | None:
    """What is wrong with one output, or None."""

    def wrong(problem: str, text: str) -> Difference:
        return Difference(name, problem, yours, expected, text)

    if yours is MISSING:
        return wrong("missing", f"{name} is missing")
    if axes in ("word", "yes or no"):
        right = expected.casefold() if isinstance(expected, str) else bool(expected)
        if type(yours) is not type(right):
            asked = "yes or no, True or False" if axes == "yes or no" else "a word"
            return wrong("kind", f"{name} is {brief(yours)}, expected {asked}")
        return None if yours == right else wrong("value", f"{name} is not {brief(yours)}")
    if isinstance(expected, Band):
        return _outside(wrong, name, yours, expected)
    expected = np.asarray(expected)
    if expected.ndim == 0 and yours.size == 1:
        yours = yours.reshape(())
    if yours.shape != expected.shape:
        letters = ", ".join(axes.split()) + ("," if expected.ndim == 1 else "")
        fits = is_shape(axes) and len(axes.split()) == expected.ndim
        meant = f"({letters}) = " if fits else "one number, shape " * (not expected.ndim)
        return wrong("shape", f"{name} has the shape {yours.shape}, expected {meant}"
                     f"{expected.shape}")  # fmt: skip
    bad = ~np.isfinite(yours) & np.isfinite(expected)
    if bad.any():
        what = "nan" if np.isnan(yours[bad]).any() else "infinite"
        return wrong("not finite", f"{int(bad.sum())} of {bad.size} entries of {name} are {what}")
    rtol, atol = tolerance(exercise, yours)
    if close(yours, expected, rtol, atol):
        return None
    if yours.dtype.kind in "biu" and any(
        close(yours, cut(expected), rtol, atol) for cut in (np.trunc, np.rint, np.floor)
    ):
        return wrong("kind", f"{name} holds integers ({yours.dtype}): the decimals are lost")
    return wrong("value", f"{name} differs")


def _outside(wrong: Any, name: str, yours: Any, band: Band) -> Difference | None:
    low, high = np.asarray(band.low), np.asarray(band.high)
    if low.ndim == 0 and yours.size == 1:
        yours = yours.reshape(())
    if yours.shape != low.shape:
        return wrong("shape", f"{name} has the shape {yours.shape}, expected {low.shape}")
    if not np.isfinite(yours).all():
        return wrong("not finite", f"{name} is not finite")
    if np.all((yours >= low) & (yours <= high)):
        return None
    above, below = bool(np.any(yours > high)), bool(np.any(yours < low))
    side = "partly above and partly below" if above and below else "above" if above else "below"
    return wrong("band", f"{name} lies {side} the band that was measured just now")
