"""All exercises by name, loaded one at a time."""

import difflib
import importlib
import re

from rnncourse.checks.exercise import Exercise

CHAPTERS = ("01", "02", "03", "04", "05", "06", "07")


def names() -> tuple[str, ...]:
    """Return the names of all exercises in the order of the course.

    Returns
    -------
    tuple of str
        For example ``("01.step", ..., "02.bptt", ...)``.

    Notes
    -----
    The exercises of notebooks 01 to 07.

    Examples
    --------
    >>> "02.bptt" in names()
    True
    """
    packages = {n: importlib.import_module(f"{__package__}.chapter_{n}") for n in CHAPTERS}
    return tuple(f"{n}.{word}" for n, package in packages.items() for word in package.WORDS)


def load(name: str) -> Exercise:
    """Return the exercise of a name.

    Parameters
    ----------
    name : str
        Chapter and word, for example ``"02.bptt"``.

    Returns
    -------
    Exercise
        The exercise.

    Raises
    ------
    TypeError
        If `name` is no string.
    ValueError
        If there is no exercise of this name; the message gives the nearest ones.

    Notes
    -----
    The exercises of notebooks 01 to 07.

    Examples
    --------
    >>> load("02.bptt").title
    'Back-propagation through time'
    >>> load("02.btpp")
    Traceback (most recent call last):
    ...
    ValueError: there is no exercise '02.btpp'. Did you mean '02.bptt'?
    """
    if not isinstance(name, str):
        raise TypeError(
            f"the first argument is the exercise's name, such as '02.bptt'; "
            f"got a {type(name).__name__}"
        )
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        same = [n for n in known if _word(n) == _word(name)]
        best = (same or near)[:1]
        advice = f"Did you mean {best[0]!r}?" if best else f"The names are {', '.join(known)}."
        raise ValueError(f"there is no exercise {name!r}. {advice}")
    chapter, word = name.split(".")
    module = importlib.import_module(f"{__package__}.chapter_{chapter}.{word}")
    return module.EXERCISE


def _word(name: str) -> str:
    """The letters of a name, without its chapter."""
    return re.sub(r"[\W\d_]", "", name.lower())
