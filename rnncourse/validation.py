"""The check at every boundary of the package.

A wrong shape that NumPy broadcasts, a NaN or a float that should be an integer travels far before
it shows. Here it stops at the door, with a message that names the argument, what was seen, what
was expected, and what to do.
"""

from typing import Any

import numpy as np

_NOT_NUMPY = {
    "torch.Tensor": "convert it with .detach().numpy()",
    "list": "convert it with np.array(...)",
    "tuple": "convert it with np.array(...)",
    "NoneType": "this argument is needed",
}


def check_array(
    name: str, value: Any, axes: str, *, kind: str = "float", like: Any = None, **sizes: int
) -> np.ndarray:
    """Return `value` if it is an array of the expected axes, sizes, kind and finite entries.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : Any
        What the caller passed.
    axes : str
        The expected axes as symbols separated by spaces, for example ``"T B D"``.
    kind : {"float", "int", "bool"}
        What the entries are. A complex array passes as ``"float"``: the complex step of
        `rnncourse.gradcheck` differentiates through the same code.
    like : numpy.ndarray, optional
        An array whose dtype `value` must share, as float32 and float64 are never mixed silently.
    **sizes : int
        The sizes of axes that are already known, for example ``D=3``. Other axes are free, but
        must hold at least one entry.

    Returns
    -------
    numpy.ndarray
        `value` itself, not a copy.

    Raises
    ------
    TypeError
        If `value` is no NumPy array or has the wrong kind of entries or another dtype than `like`.
    ValueError
        If its shape differs from the expected one, or an entry is nan or inf.

    Notes
    -----
    Used by every public function of the package; see notebook 01.

    Examples
    --------
    >>> check_array("x", np.zeros(3), "T B D", D=3)
    Traceback (most recent call last):
    ...
    ValueError: x has shape (3,); expected (T, B, D) with D = 3.
    """
    if not isinstance(value, np.ndarray):
        seen = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        advice = _NOT_NUMPY.get(seen, "pass a NumPy array")
        raise TypeError(f"{name} is a {seen}; expected a NumPy array: {advice}.")
    _check_shape(name, value, axes.split(), sizes)
    _check_dtype(name, value, kind, like)
    if kind == "float" and not np.isfinite(value).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        raise ValueError(
            f"{name} has {int((~np.isfinite(value)).sum())} entries that are nan or inf, the first "
            f"at {name}{list(where)} = {value[where]}; expected finite numbers. Usual "
            f"causes: a missing value in the data, a division by zero, a training that diverged."
        )
    return value


def _check_shape(name: str, value: np.ndarray, axes: list[str], sizes: dict[str, int]) -> None:
    """Raise if the shape of `value` is not the expected one; nothing is broadcast."""

    def fits(shape: tuple[int, ...]) -> bool:
        return len(shape) == len(axes) and all(
            seen == sizes[axis] if axis in sizes else seen >= 1
            for seen, axis in zip(shape, axes, strict=True)
        )

    if fits(value.shape):
        return
    known = " and ".join(f"{axis} = {sizes[axis]}" for axis in dict.fromkeys(axes) if axis in sizes)
    expected = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
    message = f"{name} has shape {value.shape}; expected {expected}"
    message += f" with {known}." if known else "."
    if axes[:2] == ["T", "B"] and value.ndim == len(axes) - 1:
        rest = ", :" * (len(axes) - 2)
        message += f" For one sequence write {name}[:, None{rest}]."
    elif value.ndim == len(axes) and 0 in value.shape:
        message += " Every axis needs at least one entry."
    elif value.ndim == 2 and fits(value.shape[::-1]):
        message += f" Its transpose {name}.T would fit."
    elif value.ndim == 3 and fits(value.swapaxes(0, 1).shape):
        message += f" Time comes first: {name}.swapaxes(0, 1) would fit."
    raise ValueError(message)


def _check_dtype(name: str, value: np.ndarray, kind: str, like: np.ndarray | None) -> None:
    """Raise if the entries are not of the expected kind, or not of the dtype of `like`."""
    if kind == "float":
        if value.dtype.kind not in "fc":
            raise TypeError(
                f"{name} has dtype {value.dtype}; expected float32 or float64: "
                f"write {name}.astype(np.float64)."
            )
        mixed = like is not None and value.dtype != like.dtype
        if mixed and "c" not in (value.dtype.kind, like.dtype.kind):
            raise TypeError(
                f"{name} has dtype {value.dtype}, the other arrays {like.dtype}; expected one "
                f"dtype throughout: write {name}.astype(np.{like.dtype})."
            )
    elif kind == "int" and value.dtype.kind not in "iu":
        raise TypeError(
            f"{name} has dtype {value.dtype}; expected integers (class numbers or lengths): "
            f"write {name}.astype(int) if they are whole numbers."
        )
    elif kind == "bool" and value.dtype != bool:
        raise TypeError(
            f"{name} has dtype {value.dtype}; expected bool, True where a step counts: "
            f"write {name}.astype(bool)."
        )
