"""An answer arranged as the outputs asked for, or in words why it cannot be.

A learner may return one output by itself, several as a tuple or as a dict, an array as a list, a
word in capitals. From here on an answer is a dict of arrays, numbers and words.
"""

from typing import Any

import numpy as np

from rnncourse.checks.exercise import Band, Exercise, Outputs, is_shape
from rnncourse.checks.returned import Plain

SINGLE_RTOL, SINGLE_ATOL = 5e-4, 1e-5  # allowed errors of float32 answers
LONGEST_VALUE = 80  # characters
MISSING = object()  # in the place of an output that a dict does not hold


class Misshapen(ValueError):
    """An answer that does not consist of the outputs asked for; the message is for the learner."""


def conform(exercise: Exercise, value: Plain, expected: Outputs | None) -> Outputs:
    """Arrange an answer as a dict of the outputs asked for.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    value : Plain
        The answer, see `rnncourse.checks.returned.plain`.
    expected : dict or None
        The right outputs of the case; None where a property is asked for.

    Returns
    -------
    dict
        Each output by its name: an array, a word in lower case, True or False, or `MISSING`.
        What is no word or no yes or no, though it should be, stays as it is.

    Raises
    ------
    Misshapen
        If it does not consist of the outputs asked for.

    Notes
    -----
    Used for every exercise of the course, notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> outputs = conform(load("07.smoothness"), (1.5, ((0.0, 1.0),)), None)
    >>> outputs["value"].item(), outputs["dL_dr"].shape
    (1.5, (1, 2))
    """
    names = list(exercise.outputs)
    listed = f"({', '.join(names)})" if len(names) > 1 else names[0]
    if value is None:
        raise Misshapen(f"It returns None, expected {listed}: is there a return at the end?")
    if isinstance(value, dict):
        missing = [name for name in names if name not in value]
        if len(missing) == len(names):
            raise Misshapen(f"It returns {sorted(value)}; missing: {', '.join(missing)}")
        given = (value.get(name) for name in names)
        value = tuple(MISSING if v is None and len(names) > 1 else v for v in given)
    elif len(names) == 1:
        if isinstance(value, tuple) and len(value) == 1:  # a list around the answer?
            ndim = _ndim(exercise.outputs[names[0]], expected and expected[names[0]])
            if ndim == 0 or len(_shape(value) or ()) > ndim:
                value = value[0]
        words = exercise.outputs[names[0]] in ("word", "yes or no")
        if isinstance(value, tuple) and expected is not None and not words:
            shapes = [_shape(part) for part in value]
            right = np.shape(expected[names[0]])
            if _shape(value) != right and len(set(shapes)) > 1 and right in shapes:
                raise Misshapen(f"It returns {len(value)} things, expected {listed} alone")
        value = (value,)
    elif isinstance(value, np.ndarray) and value.ndim:
        value = tuple(value)
    if not isinstance(value, tuple) or len(value) != len(names):
        several = isinstance(value, tuple) and len(value) != 1
        count = f"{len(value)} things" if several else "one thing"
        raise Misshapen(f"It returns {count}, expected {len(names)}: {listed}")
    outputs = {
        name: _as_array(name, v, axes)
        for (name, axes), v in zip(exercise.outputs.items(), value, strict=True)
    }
    if any(isinstance(v, np.ndarray) and _is_single(v) for v in outputs.values()):
        # a sum of float32 is a number of NumPy's, which came over as a plain one
        for name, v in zip(names, value, strict=True):
            if isinstance(v, float) and isinstance(outputs[name], np.ndarray):
                outputs[name] = outputs[name].astype(np.float32)
    return outputs


def _as_array(name: str, value: Plain, axes: str) -> Any:
    if value is MISSING:
        return value
    if axes == "word":
        return value.strip().casefold() if isinstance(value, str) else value
    if axes == "yes or no":
        if isinstance(value, str) and value.strip().casefold() in ("yes", "no", "true", "false"):
            return value.strip().casefold() in ("yes", "true")
        while isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        number = np.asarray("no number" if isinstance(value, dict | tuple) else value)
        is_flag = number.size == 1 and number.dtype.kind in "biuf" and number.item() in (0, 1)
        return bool(number.item()) if is_flag else value
    if value is None:
        raise Misshapen(f"{name} is None, expected {_shape_words(axes)}")
    if isinstance(value, str | dict):
        raise Misshapen(f"{name} is {brief(value)}, expected {_shape_words(axes)}")
    try:
        array = np.asarray(value)
    except ValueError:
        raise Misshapen(f"{name} is a list of unequal parts, not an array") from None
    if array.dtype.kind not in "biuf":
        raise Misshapen(f"{name} holds {array.dtype}, expected numbers")
    return array


def _ndim(axes: str, expected: Any) -> int:
    if expected is None:
        return len(axes.split()) if is_shape(axes) else 0
    return np.ndim(expected.low if isinstance(expected, Band) else expected)


def _shape(value: Plain) -> tuple[int, ...] | None:
    try:
        return np.shape(value)
    except ValueError:  # a list of unequal parts
        return None


def _shape_words(axes: str) -> str:
    return f"an array ({', '.join(axes.split())})" if is_shape(axes) else "a number"


def brief(value: Plain) -> str:
    """Write a value in one line, cut to a readable length.

    Parameters
    ----------
    value : Plain
        Any answer, or a part of it.

    Returns
    -------
    str
        Its representation, or the beginning of it and an ellipsis.

    Notes
    -----
    Used in the messages of every exercise, notebooks 01 to 07.

    Examples
    --------
    >>> brief("yes")
    "'yes'"
    """
    words = " ".join(repr(value).split())
    return words if len(words) <= LONGEST_VALUE else words[:LONGEST_VALUE] + " …"


# --- how close ---


def tolerance(exercise: Exercise, array: np.ndarray) -> tuple[float, float]:
    """Return the errors that an exercise allows an array: more in single precision.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    array : numpy.ndarray
        What was returned as one output.

    Returns
    -------
    tuple of two float
        Relative to the largest entry, and absolute.

    Notes
    -----
    Who works in torch gets float32 without asking for it: about seven digits, fewer after a sum.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> tolerance(load("02.bptt"), np.ones(3, dtype=np.float32))
    (0.0005, 1e-05)
    """
    if _is_single(array):
        return max(exercise.rtol, SINGLE_RTOL), max(exercise.atol, SINGLE_ATOL)
    return exercise.rtol, exercise.atol


def _is_single(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.dtype.itemsize < 8
