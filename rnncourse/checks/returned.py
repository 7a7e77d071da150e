"""What comes back from a learner's function: arrays, numbers, words, and nothing else.

`plain` turns any answer into such values, and `Returned` is the record of one call. Only these
records cross from the place where the learner's function runs to the place where it is judged.
"""

import dataclasses
import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

# what an answer may be made of: float, int, bool, str, None, ndarray, tuple or dict of these
Plain = Any

MOST_ENTRIES = 1_000_000  # of all arrays of one answer together
DEEPEST = 4  # levels of lists and dictionaries
MOST_ITEMS = 1_000  # of one list or dictionary
LONGEST_WORD = 200  # characters
LARGEST_INTEGER = 1024  # bits


@dataclass(frozen=True)
class Failure:
    """An exception that a learner's function raised, as words.

    Parameters
    ----------
    kind : str
        The exception's type, for example ``"ValueError"``.
    message : str
        Its message, cut to a readable length.
    line : int or None
        The number of the learner's line that was running, counted in its cell or file.
    source : str
        That line, without its indentation; empty if it cannot be read.
    """

    kind: str
    message: str
    line: int | None = None
    source: str = ""


@dataclass(frozen=True)
class Returned:
    """The record of one call of a learner's function, made of plain values only.

    Parameters
    ----------
    state : str
        ``"returned"``, ``"raised"``, ``"not implemented"``, ``"too slow"``, ``"unreadable"`` (the
        answer holds something that is neither array, number nor word: `failure` says what) or
        ``"not run"`` (an earlier call was too slow).
    value : Plain
        The answer, see `plain`.
    failure : Failure or None
        What was raised, or why the answer cannot be read.
    changed : tuple of str
        The inputs whose contents the function changed.
    printed : str
        The beginning of what it printed.
    printed_length : int
        How many characters it printed.
    called : tuple of str
        Functions of the package that ran meanwhile, for example ``"rnncourse.bptt.bptt"``.
    reads : tuple of str
        Names of data that the function reads from outside itself, such as an array of an earlier
        cell.
    warned : tuple of str
        Warnings, such as an overflow, each once.
    """

    state: str
    value: Plain = None
    failure: Failure | None = None
    changed: tuple[str, ...] = ()
    printed: str = ""
    printed_length: int = 0
    called: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


class Unreadable(TypeError):
    """An answer that is no array, number or word; the message says what it is."""


def plain(value: Any, depth: int = 0) -> Plain:
    """Turn an answer into arrays, numbers and words, or say why that cannot be done.

    Parameters
    ----------
    value : Any
        What a function returned. Torch tensors become arrays; lists, tuples, NamedTuples,
        dataclasses and dictionaries keep their structure; arrays become plain copies.
    depth : int
        How many lists and dictionaries `value` stands in.

    Returns
    -------
    Plain
        float, int, bool, str, None, numpy.ndarray, or a tuple or a dict of these. A NamedTuple or
        a dataclass becomes a dict of its fields.

    Raises
    ------
    Unreadable
        If it holds something else, or is too large or too deeply nested.

    Notes
    -----
    Used for every exercise of the course, notebooks 01 to 07.

    Examples
    --------
    >>> plain([np.float32(0.5), {"steps": np.int64(3)}])
    (0.5, {'steps': 3})
    """
    return _plain(value, depth, [MOST_ENTRIES])


def _plain(value: Any, depth: int, left: list[int]) -> Plain:
    """Do it; `left` counts down how many entries and items may still follow."""
    if depth > DEEPEST:
        raise Unreadable(f"lists or dictionaries more than {DEEPEST} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _plain_array(value, left)
    if isinstance(value, int):
        if int.bit_length(value) > LARGEST_INTEGER:
            raise Unreadable(f"an integer of {int.bit_length(value):,} bits")
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__getitem__(value, slice(LONGEST_WORD))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, getattr(torch, "Tensor", ())):
        return _plain_array(_array_of(value, torch), left)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        value = dict(zip(value._fields, value, strict=False))
    if isinstance(value, dict):
        items = _few(value.items(), left)
        return {str(k)[:LONGEST_WORD]: _plain(v, depth + 1, left) for k, v in items}
    if isinstance(value, list | tuple):
        return tuple(_plain(item, depth + 1, left) for item in _few(value, left))
    name = type(value).__name__[:LONGEST_WORD]
    raise Unreadable(f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}")


def _few(items: Iterable, left: list[int]) -> list:
    few = list(itertools.islice(items, MOST_ITEMS + 1))
    if len(few) > MOST_ITEMS:
        raise Unreadable(f"more than {MOST_ITEMS:,} items in one list or dictionary")
    _take(len(few), left)
    return few


def _take(count: int, left: list[int]) -> None:
    left[0] -= count
    if left[0] < 0:
        raise Unreadable(f"more than {MOST_ENTRIES:,} entries in all")


def _array_of(tensor: Any, torch: Any) -> np.ndarray:
    if tensor.layout != torch.strided:
        raise Unreadable("a sparse tensor")
    if tensor.numel() > MOST_ENTRIES:  # before it is copied from a device
        size = f"{tensor.numel():,}"
        raise Unreadable(f"a tensor of {size} entries; at most {MOST_ENTRIES:,} are read")
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _plain_array(value: Any, left: list[int]) -> Plain:
    if value.dtype.kind not in "biuf":
        raise Unreadable(f"{'a number' if value.ndim == 0 else 'an array'} of type {value.dtype}")
    if isinstance(value, np.ma.MaskedArray):
        raise Unreadable("a masked array")
    if value.size > MOST_ENTRIES:
        raise Unreadable(f"an array of {value.size:,} entries; at most {MOST_ENTRIES:,} are read")
    _take(value.size, left)
    array = np.array(value, copy=True, subok=False)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # not the same on all machines
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array.item() if isinstance(value, np.generic) else array


def unchanged(one: Any, other: Any) -> bool:
    """Whether two inputs are equal up to rounding, such as that of ``x + eps - eps``.

    Parameters
    ----------
    one, other : Any
        An input before and after a call.

    Returns
    -------
    bool
        False if a type, a shape or a value differs; nan equals nan. What cannot be compared
        counts as equal: it is no ground for a reproach.

    Notes
    -----
    A gradient check that moves each entry and moves it back leaves a last digit behind.

    Examples
    --------
    >>> x = np.array([0.3, 1.0])
    >>> unchanged(x, x + 0.1 - 0.1), unchanged(x, x + 1e-6)
    (True, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.hasobject:
            return unchanged(one.tolist(), other.tolist())
        if one.dtype.kind not in "fc":
            return one.tobytes() == other.tobytes()
        return bool(np.allclose(one, other, rtol=1e-12, atol=1e-14, equal_nan=True))
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(unchanged, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(unchanged(one[k], other[k]) for k in one)
    if isinstance(one, float):
        return one == other or (one != one and other != other)
    if one is other:
        return True
    if hasattr(one, "__dict__"):
        return unchanged(vars(one), vars(other))
    try:
        return bool(one == other)
    except Exception:
        return True
