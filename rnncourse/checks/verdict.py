"""What the judge says: plain records that a card, a file or a grade book can be made from."""

from dataclasses import dataclass
from typing import Any

from rnncourse.checks.returned import Failure


@dataclass(frozen=True)
class Difference:
    """One output of one case that is not as it should be.

    Parameters
    ----------
    output : str
        Its name.
    problem : str
        ``"value"``, ``"shape"``, ``"not finite"``, ``"kind"`` (a word where a number is expected,
        integers where the values have decimals), ``"missing"`` or ``"band"`` (outside of it).
    yours : Any
        What was returned.
    expected : Any
        What the definition gives; a `Band` where a measurement is asked for.
    text : str
        The difference in words, for example ``"the shape is (3, 2), expected (B, N) = (2, 3)"``.
    """

    output: str
    problem: str
    yours: Any
    expected: Any
    text: str


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Parameters
    ----------
    case : str
        Its name.
    state : str
        ``"holds"``, ``"differs"`` (see `differences`, or `text` if a property does not hold),
        ``"changes its inputs"`` (the values are right), ``"raised"``, ``"too slow"``,
        ``"not implemented"``, ``"unreadable"`` or ``"not run"``.
    differences : tuple of Difference
        The outputs that are wrong.
    text : str
        What is wrong, in words.
    failure : Failure or None
        The exception, if one was raised.
    """

    case: str
    state: str
    differences: tuple[Difference, ...] = ()
    text: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class Named:
    """A known mistake that was recognised.

    Parameters
    ----------
    mistake : str
        Its name.
    hint : str
        What helps against it.
    outputs : tuple of str
        The outputs that it explains; empty if it explains all that is wrong.
    """

    mistake: str
    hint: str
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer: a pure function of exercise, seed and returned values.

    Parameters
    ----------
    exercise : str
        Its name, for example ``"02.bptt"``.
    seed : int
        What the instances were drawn from.
    state : str
        ``"passed"``, ``"failed"``, ``"not implemented"`` or ``"declined"`` (it is the package's
        own function).
    outcomes : tuple of Outcome
        One for each case, in their order.
    shown : int or None
        The case to show: the first that fails.
    named : tuple of Named
        The mistakes that were recognised; two if each explains outputs of its own.
    located : tuple of str
        Where and how the values differ, in sentences, for what no known mistake explains.
    tells : str
        What the first failure means, if no mistake was recognised.
    notes : tuple of str
        Other things worth saying: changed inputs, long prints, data read from outside, warnings.
    """

    exercise: str
    seed: int
    state: str
    outcomes: tuple[Outcome, ...]
    shown: int | None = None
    named: tuple[Named, ...] = ()
    located: tuple[str, ...] = ()
    tells: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every case holds."""
        return self.state == "passed"
