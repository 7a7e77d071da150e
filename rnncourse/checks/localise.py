"""Where and how an array differs from the right one, for a mistake that nobody foresaw.

Each relation is looked for on every instance on which an output is wrong, and said only if it
holds on all of them: on one small array nearly anything looks like a factor. An instance that
cannot tell, such as one of a single step for an order in time, does not speak against it.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

AXES = {
    "T": ("time step", "t"),
    "B": ("sequence of the batch", "b"),
    "N": ("unit", "n"),
    "D": ("input", "d"),
    "K": ("output", "k"),
    "S": ("update", "s"),
}
CanTell = Callable[[tuple[int, ...]], bool]  # whether a shape can speak against a relation
EXACT = 1e-5  # how close a relation has to hold, relative to the largest entry


@dataclass(frozen=True)
class Wrong:
    """One wrong array beside the right one.

    Parameters
    ----------
    yours, expected : numpy.ndarray
        What was returned, and what the definition gives.
    axes : tuple of str
        The symbols of the axes of `expected`, for example ``("T", "B", "N")``.
    factors : dict of str to float
        Sizes and scalar inputs of the instance by their symbol, which may turn up as a factor.
    """

    yours: np.ndarray
    expected: np.ndarray
    axes: tuple[str, ...]
    factors: dict[str, float]


def close(a: np.ndarray, b: np.ndarray, rtol: float = EXACT, atol: float = 1e-9) -> bool:
    """Whether two arrays have one shape and agree, relative to the largest entry.

    Parameters
    ----------
    a, b : numpy.ndarray
        Any shapes; nan agrees with nan.
    rtol, atol : float
        Allowed error relative to the largest entry of `b`, and absolute.

    Returns
    -------
    bool
        Whether they agree.

    Notes
    -----
    Used for every exercise; see notebook 02 on relative errors.

    Examples
    --------
    >>> close(np.array([1.0, 0.0]), np.array([1.0, 1e-7]))
    True
    >>> close(np.ones(3), np.ones((3, 1)))
    False
    """
    if a.shape != b.shape:
        return False
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    a, b = a[finite], b[finite]
    scale = np.abs(b).max(initial=0.0)
    with np.errstate(all="ignore"):  # huge minus huge
        return bool(np.all(np.abs(a - b) <= atol + rtol * scale))


def _alike(a: np.ndarray, b: np.ndarray, scale: float = 0.0) -> bool:
    """Whether five digits agree, however small all of them are; rounding of `scale` is none."""
    return close(a, b, EXACT, 1e-12 * scale)


def locate(instances: Sequence[Wrong]) -> tuple[str, ...]:
    """Say where and how one output differs, in sentences that hold on every instance.

    Parameters
    ----------
    instances : Sequence of Wrong
        The output on every instance where it is wrong.

    Returns
    -------
    tuple of str
        Sentences, at most two; empty if there is nothing to say.

    Notes
    -----
    Used for every exercise whose outputs are arrays.

    Examples
    --------
    >>> right = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> locate([Wrong(right.T, right, ("N", "N"), {})])
    ('It is the transpose of the right array.',)
    """
    instances = [_as_floats(w) for w in instances if w.expected.size]
    if not instances:
        return ()
    with np.errstate(all="ignore"):  # the squares of huge numbers
        told = [(w, dict(_relations(w))) for w in instances]
        told.sort(key=lambda pair: -pair[0].expected.size)  # the largest has the fewest accidents
        silent = {s: i for _, found in told for s, i in found.items()}
        shared = [
            s
            for s, can_tell in silent.items()
            if all(s in found or not can_tell(w.expected.shape) for w, found in told)
        ]
        if not shared:
            return tuple(_places([w for w, _ in told]))
    if not shared[0].startswith(("Right", "Wrong")):  # it says of every entry how it differs
        return (shared[0],)
    more = [s for s in shared[1:] if _about(s) != _about(shared[0])]
    return tuple(shared[:1] + more[:1])


def _as_floats(wrong: Wrong) -> Wrong:
    yours, expected = (np.asarray(a, dtype=float) for a in (wrong.yours, wrong.expected))
    return Wrong(yours, expected, wrong.axes, wrong.factors)


def _about(sentence: str) -> str:
    """The axis of a sentence: of two units, "right for the first" is "wrong for the last"."""
    return sentence.replace("Wrong", "Right").replace("the last", "the first")


def _always(shape: tuple[int, ...]) -> bool:
    return True


def _word(axes: Sequence[str], i: int, otherwise: str) -> str:
    """The name of what axis `i` counts; of (N, N) it has to be said which N."""
    if len(axes) == 2 and axes[0] == axes[1]:
        return ("row", "column")[i]
    return AXES.get(axes[i], (otherwise,))[0]


def _several(shape: tuple[int, ...]) -> bool:
    return math.prod(shape) > 1


def _along(i: int) -> CanTell:
    return lambda shape: len(shape) > i and shape[i] > 1


def _relations(wrong: Wrong) -> Iterator[tuple[str, CanTell]]:
    """Sentences that are true of one instance, the most telling first."""
    yours, expected = wrong.yours, wrong.expected
    if yours.shape != expected.shape:
        yield from _relations_of_shapes(wrong)
        return
    if np.any(~np.isfinite(yours) & np.isfinite(expected)):
        yield "It is not finite.", _always
        return
    if not np.all(np.isfinite(expected)):
        return
    if _alike(yours, expected):
        yield "It is nearly right: five digits agree, but not as many as should.", _always
        return
    if not np.any(yours):
        yield "It is zero everywhere." if expected.ndim else "It is zero.", _always
        return
    yield from _factor(wrong)
    yield from _other_order(yours, expected)
    yield from _rearranged(wrong)
    for text, other, makes_sense in (
        ("the square of the right value", expected**2, True),
        ("the absolute value of the right one", np.abs(expected), True),
        ("the square root of the right value", np.sqrt(np.abs(expected)), expected.min() >= 0),
    ):
        if makes_sense and _alike(yours, other):
            yield f"It is {text}.", _always
    difference = yours - expected
    if expected.size > 1 and np.ptp(difference) <= EXACT * np.abs(difference).max():
        yield "Every entry differs by the same amount.", _several
    yield from _right_parts(wrong)


def _factor(wrong: Wrong) -> Iterator[tuple[str, CanTell]]:
    yours, expected = wrong.yours, wrong.expected
    scale = np.abs(expected).max()
    if scale == 0:
        return
    unit = expected / scale
    ratio = float(np.sum(yours * unit) / np.sum(unit * unit) / scale)
    if not math.isfinite(ratio) or not _alike(yours, ratio * expected):
        return
    subject = "Every entry" if expected.ndim else "It"
    if abs(ratio + 1) < EXACT:
        yield f"{subject} has the opposite sign.", _always
        return
    for name, value in _named_factors(wrong.factors):
        for sign, word in ((1.0, ""), (-1.0, "minus ")):
            if abs(ratio - sign * value) < EXACT * abs(ratio):
                yield f"{subject} is {word}{name} times the right one.", _always
    if expected.size > 1:
        yield "Every entry is the same multiple of the right one.", _several


def _other_order(yours: np.ndarray, expected: np.ndarray) -> Iterator[tuple[str, CanTell]]:
    """Axes exchanged: on some instances they have the same lengths."""
    if yours.ndim != expected.ndim or not 2 <= yours.ndim <= 4:
        return
    orders = itertools.permutations(range(yours.ndim))
    next(orders)  # the one as it should be
    if any(_alike(np.transpose(yours, order), expected) for order in orders):
        if yours.ndim == 2:
            yield "It is the transpose of the right array.", _always
        else:
            yield "The values are right, with the axes in another order.", _always


def _named_factors(factors: dict[str, float]) -> Iterator[tuple[str, float]]:
    # 1 too: B is 1 on some instances
    usable = {k: v for k, v in factors.items() if math.isfinite(v) and 1e-30 < abs(v) < 1e30}
    yield from (("2", 2.0), ("1/2", 0.5))
    for name, v in usable.items():
        yield from ((f"{name}", v), (f"1/{name}", 1 / v), (f"{name}²", v**2), (f"1/{name}²", v**-2))
        if v > 0:
            yield from ((f"√{name}", math.sqrt(v)), (f"1/√{name}", 1 / math.sqrt(v)))
        if v > 1:
            yield f"({name} - 1)/{name}", (v - 1) / v
            yield f"{name}/({name} - 1)", v / (v - 1)
        elif 0 < v < 1:
            yield f"(1 - {name})", 1 - v
            yield f"1/(1 - {name})", 1 / (1 - v)
    for (a, x), (b, y) in itertools.combinations(usable.items(), 2):
        yield from ((f"{a}·{b}", x * y), (f"1/({a}·{b})", 1 / (x * y)))
        yield from ((f"{a}/{b}", x / y), (f"{b}/{a}", y / x))
    for trio in itertools.combinations(usable.items(), 3):
        name = "·".join(k for k, _ in trio)
        value = math.prod(v for _, v in trio)
        yield from ((name, value), (f"1/({name})", 1 / value))


def _rearranged(wrong: Wrong) -> Iterator[tuple[str, CanTell]]:
    yours, expected, axes = wrong.yours, wrong.expected, wrong.axes
    for i, axis in enumerate(axes[: expected.ndim]):
        if expected.shape[i] < 2:
            continue
        word = "time" if axis == "T" else f"the {_word(axes, i, axis)} axis"
        y, e = np.moveaxis(yours, i, 0), np.moveaxis(expected, i, 0)
        scale = np.abs(expected).max()
        if _alike(y[::-1], e):
            yield f"It is right but runs backwards along {word}.", _along(i)
        if axis == "T":
            if _alike(y[1:], e[:-1], scale) and np.any(e[:-1]):
                late = "It is one time step too late: your row t + 1 is the right row t."
                yield late, _along(i)
            if _alike(y[:-1], e[1:], scale) and np.any(e[1:]):
                early = "It is one time step too early: your row t is the right row t + 1."
                yield early, _along(i)
        gates = int(axis[0]) if axis[:1] in ("2", "3", "4") else 1  # rows of gates, such as 4N
        if gates > 1 and len(e) % gates == 0:
            parts, right = np.split(y, gates), np.split(e, gates)
            for order in itertools.permutations(range(gates)):
                if order != tuple(range(gates)) and all(
                    _alike(parts[j], right[k], scale) for j, k in enumerate(order)
                ):
                    yield (
                        f"The blocks of gates stand in another order: yours hold {list(order)}.",
                        _always,
                    )
            fine = [j for j in range(gates) if _alike(parts[j], right[j], scale)]
            if fine and len(fine) < gates:
                bad = [j for j in range(gates) if j not in fine]
                yield (
                    f"Right in the gate blocks {fine}, wrong in {bad} (counted from 0).",
                    _always,
                )


def _right_parts(wrong: Wrong) -> Iterator[tuple[str, CanTell]]:
    yours, expected, axes = wrong.yours, wrong.expected, wrong.axes
    fine = _fine(wrong)
    if not fine.any():
        return
    for i, axis in enumerate(axes[: fine.ndim]):
        if fine.shape[i] < 2:
            continue
        right = fine.all(axis=tuple(j for j in range(fine.ndim) if j != i))
        word = _word(axes, i, f"index along {axis}")
        rows, n = np.flatnonzero(right).tolist(), right.size
        for text, these in (  # of two, the first and all but the last are the same
            ("Right for the first", [0]),
            ("Right for the last", [n - 1]),
            ("Wrong for the first", list(range(1, n))),
            ("Wrong for the last", list(range(n - 1))),
        ):
            if rows == these:
                yield f"{text} {word} only.", _along(i)
    if fine.ndim == 2 and fine.shape[0] == fine.shape[1] > 1:
        diagonal = np.eye(len(fine), dtype=bool)
        if np.array_equal(fine, diagonal):
            yield "Right on the diagonal, wrong off it.", _always
        if np.array_equal(fine, ~diagonal):
            yield "Wrong on the diagonal, right off it.", _several
    zero = np.abs(yours) <= 1e-12 * np.abs(expected).max()
    if np.all(fine | zero):
        yield "Right wherever it is not zero: entries are missing.", _several


def _fine(wrong: Wrong) -> np.ndarray:
    scale = np.abs(wrong.expected).max(initial=0.0)
    return np.abs(wrong.yours - wrong.expected) <= EXACT * scale


def _relations_of_shapes(wrong: Wrong) -> Iterator[tuple[str, CanTell]]:
    yours, expected, axes = wrong.yours, wrong.expected, wrong.axes
    if yours.size == 0:  # an empty list: no mean to take
        return
    yield from _other_order(yours, expected)
    if yours.ndim == expected.ndim + 1:
        for i in range(yours.ndim):
            start = "One axis too many: "
            if yours.shape[i] == 1 and _alike(yours.take(0, i), expected):
                yield f"{start}your axis {i} has one entry only.", _always
            for name, total in (("sum", yours.sum(i)), ("mean", yours.mean(i))):
                if _alike(total, expected):
                    yield f"{start}the {name} over your axis {i} is the right value.", _always
            if _alike(yours.take(-1, i), expected):
                yield f"{start}the last entry of your axis {i} is the right value.", _always
    if yours.ndim == expected.ndim - 1:
        for i, axis in enumerate(axes[: expected.ndim]):
            word = _word(axes, i, axis)
            for name, total in (("sum", expected.sum(i)), ("mean", expected.mean(i))):
                if _alike(yours, total):
                    yield f"It is the {name} of the right value over each {word}.", _always
            if _alike(yours, expected.take(-1, i)):
                yield f"It is the right value for the last {word} only.", _always
    if (
        yours.ndim == expected.ndim
        and axes[:1] == ("T",)
        and yours.shape[1:] == expected.shape[1:]
    ):
        if yours.shape[0] == expected.shape[0] + 1:
            if _alike(yours[1:], expected):
                yield "One row too many: the first one should not be there.", _always
            if _alike(yours[:-1], expected):
                yield "One row too many: the last one should not be there.", _always
        if yours.shape[0] == expected.shape[0] - 1:
            if _alike(yours, expected[1:]):
                yield "The first time step is missing.", _along(0)
            if _alike(yours, expected[:-1]):
                yield "The last time step is missing.", _along(0)


def _places(instances: Sequence[Wrong]) -> Iterator[str]:
    """Where the largest instance is wrong, if no relation holds on all of them."""
    differ = (w for w in instances if w.yours.shape != w.expected.shape or not _fine(w).all())
    wrong = next(differ, instances[0])
    yours, expected, axes = wrong.yours, wrong.expected, wrong.axes
    if yours.shape != expected.shape or not np.all(np.isfinite(yours)):
        return
    fine = _fine(wrong)
    if not fine.any() or fine.all():
        return
    for i, axis in enumerate(axes[: fine.ndim]):
        right = fine.all(axis=tuple(j for j in range(fine.ndim) if j != i))
        if right.any() and not right.all():
            gates = int(axis[0]) if axis[:1] in ("2", "3", "4") else 1
            word = _word(axes, i, f"index along {axis}")
            letter = AXES.get(axis, ("", "i"))[1]
            if gates > 1 and len(right) % gates == 0:
                right = right.reshape(gates, -1).all(axis=1)
                word, letter = "gate block", "i"
            bad = np.flatnonzero(~right)
            rows = ", ".join(map(str, bad[:6])) + (", …" if bad.size > 6 else "")
            yield f"On the largest instance wrong for {word} {letter} = {rows} of {right.size}."
            return
    yield f"On the largest instance {int((~fine).sum())} of {fine.size} entries are wrong."
