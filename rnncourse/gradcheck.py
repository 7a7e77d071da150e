"""Numerical derivatives, and a readable report of where two gradients differ.

Nothing here knows what a recurrent network is: a function goes in, its derivative comes out.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from rnncourse.validation import check_array

# Weights of f(x + i·eps) for i = ±1 and ±2: differences of order 2 and of order 4.
_STENCILS = {2: {1: 1 / 2}, 4: {1: 2 / 3, 2: -1 / 12}}


def numerical_jacobian(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, *, eps: float = 1e-6, order: int = 2
) -> np.ndarray:
    r"""Differentiate an array-valued function by central differences, one input at a time.

    .. math:: \frac{\partial f}{\partial x_j} \approx
              \frac{f(x + \varepsilon e_j) - f(x - \varepsilon e_j)}{2\varepsilon} \tag{2.1}

    Parameters
    ----------
    f : Callable
        Takes an array like `x`, returns a number or an array of any shape.
    x : numpy.ndarray
        The point, float64, of any shape.
    eps : float
        The step ε, in the units of `x`; 1e-3 suits order 4.
    order : {2, 4}
        Order of the truncation error in ε: two or four evaluations for each entry of `x`.

    Returns
    -------
    numpy.ndarray
        ∂f/∂x of shape ``f(x).shape + x.shape``: the output's axes first, the input's last.

    Raises
    ------
    TypeError
        If `x` is not float64: in float32 the difference drowns in rounding.
    ValueError
        If `x` or a value of `f` is not finite, or `order` is not 2 or 4.

    Notes
    -----
    Truncation grows like ε², rounding like 1/ε; between them lies a best ε near 1e-5 in float64.
    Press et al. 2007, "Numerical Recipes", §5.7; notebook 02.

    Examples
    --------
    >>> numerical_jacobian(lambda x: x**2, np.array([1.0, 3.0])).round(6)
    array([[2., 0.],
           [0., 6.]])
    """
    if getattr(x, "dtype", None) in (np.float32, np.float16):
        raise TypeError(
            f"x has dtype {x.dtype}; expected float64: at eps = {eps:g} a difference of {x.dtype} "
            f"values is mostly rounding. Write x.astype(np.float64), the parameters too."
        )
    check_array("x", x, " ".join(["..."] * np.ndim(x)))
    if order not in _STENCILS:
        raise ValueError(f"order is {order!r}; expected 2 or 4.")
    columns = []
    for j in np.ndindex(x.shape):
        column = 0.0
        for i, weight in _STENCILS[order].items():
            e_j = np.zeros_like(x)
            e_j[j] = i * eps
            after, before = np.asarray(f(x + e_j)), np.asarray(f(x - e_j))
            column = column + weight * (after - before) / eps  # (2.1)
        if not np.isfinite(column).all():
            raise ValueError(f"f is nan or inf near x{list(j)} = {x[j]}; expected finite values.")
        columns.append(column)
    return np.stack(columns, axis=-1).reshape(np.shape(columns[0]) + x.shape)


def numerical_gradient(
    f: Callable[[np.ndarray], float], x: np.ndarray, *, eps: float = 1e-6, order: int = 2
) -> np.ndarray:
    r"""Differentiate a scalar function by central differences, one entry at a time.

    Parameters
    ----------
    f : Callable
        Takes an array like `x`, returns one number.
    x : numpy.ndarray
        The point, float64, of any shape.
    eps : float
        The step ε, in the units of `x`; 1e-3 suits order 4.
    order : {2, 4}
        Order of the truncation error in ε: two or four evaluations for each entry of `x`.

    Returns
    -------
    numpy.ndarray
        ∂f/∂x, of the shape of `x`.

    Raises
    ------
    TypeError
        If `x` is not float64.
    ValueError
        If `f` does not return one number, or a value is not finite.

    Notes
    -----
    The formula is (2.1); notebook 02.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**3).sum(), np.array([1.0, 2.0])).round(6)
    array([ 3., 12.])
    """
    gradient = numerical_jacobian(f, x, eps=eps, order=order)
    if gradient.shape != x.shape:
        shape = gradient.shape[: gradient.ndim - x.ndim]
        raise ValueError(
            f"f returns an array of shape {shape}; expected one number. "
            f"For arrays there is numerical_jacobian."
        )
    return gradient


def complex_step_gradient(
    f: Callable[[np.ndarray], complex], x: np.ndarray, *, eps: float = 1e-20
) -> np.ndarray:
    r"""Differentiate a scalar function exactly to rounding, by a step along the imaginary axis.

    .. math:: \frac{\partial f}{\partial x_j} =
              \frac{\operatorname{Im} f(x + i\varepsilon e_j)}{\varepsilon} + O(\varepsilon^2)
              \tag{2.2}

    Nothing is subtracted, so nothing cancels, and ε may be as small as 1e-20.

    Parameters
    ----------
    f : Callable
        Takes a complex array like `x`, returns one complex number. It must be analytic: no
        ``abs``, no ``.real``, no comparison on which the value depends discontinuously.
    x : numpy.ndarray
        The point, float64, of any shape.
    eps : float
        The step ε.

    Returns
    -------
    numpy.ndarray
        ∂f/∂x, of the shape of `x`.

    Raises
    ------
    TypeError
        If `f` returns a real number for a complex argument: it lost the imaginary part.
    ValueError
        If `x` is not finite.

    Notes
    -----
    Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions",
    SIAM Review 40; notebook 02.

    Examples
    --------
    >>> complex_step_gradient(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    check_array("x", x, " ".join(["..."] * np.ndim(x)))
    gradient = np.zeros(x.shape)
    for j in np.ndindex(x.shape):
        shifted = x.astype(np.complex128)
        shifted[j] += 1j * eps
        value = f(shifted)
        if not np.iscomplexobj(value):
            raise TypeError(
                f"f returned {value!r} for a complex argument; expected a complex number. A cast "
                f"to float, abs or .real inside f drops the derivative."
            )
        gradient[j] = value.imag / eps  # (2.2)
    return gradient


def relative_error(actual: np.ndarray, expected: np.ndarray, *, floor: float = 0.0) -> np.ndarray:
    r"""Compare two arrays entry by entry, relative to the larger of the two.

    .. math:: e_j = \frac{|a_j - b_j|}{\max(|a_j|, |b_j|, f)} \tag{2.3}

    Parameters
    ----------
    actual : numpy.ndarray
        a, of any shape.
    expected : numpy.ndarray
        b, of the same shape: nothing is broadcast.
    floor : float
        f, in the units of the arrays: entries smaller than this are compared on its scale, as
        rounding leaves no correct digit in an entry that should be zero.

    Returns
    -------
    numpy.ndarray
        The error of each entry: 0 where both are zero, up to 2 for opposite signs, nan for nan.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Per entry, because one norm over the whole array hides a small entry that is all wrong.
    Notebook 02.

    Examples
    --------
    >>> relative_error(np.array([1.0, 0.0, -2.0]), np.array([1.1, 0.0, 2.0])).round(3)
    array([0.091, 0.   , 2.   ])
    """
    if np.shape(actual) != np.shape(expected):
        raise ValueError(
            f"actual has shape {np.shape(actual)}, expected has shape {np.shape(expected)}; "
            f"they must be the same."
        )
    size = np.maximum(np.maximum(np.abs(actual), np.abs(expected)), floor)
    return np.abs(np.subtract(actual, expected)) / np.where(size == 0, 1, size)  # (2.3)


class ArrayComparison(NamedTuple):
    """One line of a gradient report.

    Parameters
    ----------
    name : str
        The array's name.
    error : float
        Its largest per-entry relative error; inf if the shapes differ or an entry is nan or inf.
    ok : bool
        Whether the error is within the tolerance.
    detail : str
        Where the worst entry is, with both values.
    hint : str
        What the pattern of the difference suggests; may be empty.

    Notes
    -----
    Notebook 02.

    Examples
    --------
    >>> compare_gradients({"W": np.eye(2)}, {"W": np.eye(2)}).arrays[0].ok
    True
    """

    name: str
    error: float
    ok: bool
    detail: str
    hint: str


class GradientReport(NamedTuple):
    """Where two gradients agree and where they differ; printing it shows a table.

    Parameters
    ----------
    arrays : tuple of ArrayComparison
        One entry for each array.
    tolerance : float
        The largest relative error that passes.

    Notes
    -----
    Notebook 02.

    Examples
    --------
    >>> compare_gradients({"W": np.eye(2)}, {"W": np.eye(2)}).ok
    True
    """

    arrays: tuple[ArrayComparison, ...]
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether every array is within the tolerance."""
        return all(array.ok for array in self.arrays)

    def __str__(self) -> str:
        lines = []
        for array in self.arrays:
            if array.ok:
                lines.append(f"  ok      {array.name:10s} within {self.tolerance:.0e}")
            else:
                lines.append(f"  DIFFERS {array.name:10s} {array.detail}")
                lines += [f"{'':20}{array.hint}"] * bool(array.hint)
        wrong = sum(not array.ok for array in self.arrays)
        verdict = "all agree" if self.ok else f"{wrong} of {len(self.arrays)} differ"
        return "\n".join([f"Gradient report: {verdict}", *lines])


def compare_gradients(
    actual: Mapping[str, np.ndarray] | tuple,
    expected: Mapping[str, np.ndarray] | tuple,
    *,
    tolerance: float = 1e-6,
    floor: float = 1e-6,
) -> GradientReport:
    """Compare two sets of gradients by name, and say where and how they differ.

    Parameters
    ----------
    actual : Mapping or NamedTuple
        The gradients to examine; only those that `expected` names are looked at.
    expected : Mapping or NamedTuple
        The gradients to compare with.
    tolerance : float
        The largest relative error of an entry that passes.
    floor : float
        Entries smaller than this fraction of the largest expected entry of all the arrays are
        measured on its scale; numerical gradients carry rounding of that size.

    Returns
    -------
    GradientReport
        Print it; `ok` says whether all agree.

    Raises
    ------
    ValueError
        If `expected` names an array that `actual` lacks, or nothing at all.

    Notes
    -----
    The hints recognise a transposed array, a wrong sign, a constant factor (a mean for a sum),
    a gradient that is zero, and errors confined to part of the first axis (time, often).
    Notebook 02.

    Examples
    --------
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> print(compare_gradients({"dL_dW": W.T}, {"dL_dW": W}))
    Gradient report: 1 of 1 differ
      DIFFERS dL_dW      2 of 4 entries, worst at [0, 1]: 3 for 2
                        It is the transpose of what was expected.
    """
    actual, expected = (
        dict(g) if isinstance(g, Mapping) else g._asdict() for g in (actual, expected)
    )
    missing = [name for name in expected if name not in actual]
    if missing or not expected:
        raise ValueError(f"actual has {list(actual)}; expected all of {list(expected)}.")
    scale = floor * max(float(np.abs(array).max(initial=0)) for array in expected.values())
    arrays = (
        _compare(name, np.asarray(actual[name]), np.asarray(expected[name]), tolerance, scale)
        for name in expected
    )
    return GradientReport(tuple(arrays), tolerance)


def _compare(
    name: str, a: np.ndarray, b: np.ndarray, tolerance: float, floor: float
) -> ArrayComparison:
    """Compare one array with what was expected."""
    if a.shape != b.shape:
        detail = f"has shape {a.shape} for {b.shape}"
        return ArrayComparison(name, np.inf, False, detail, "")
    finite = np.isfinite(a)
    error = np.where(finite, relative_error(np.where(finite, a, 0), b, floor=floor), np.inf)
    wrong = error > tolerance
    worst = np.unravel_index(np.argmax(error), error.shape)
    detail = (
        f"{wrong.sum()} of {a.size} entries, worst at {[int(i) for i in worst]}: "
        f"{a[worst]:.6g} for {b[worst]:.6g}"
    )
    hint = _hint(a, b, wrong, tolerance, floor) if wrong.any() else ""
    return ArrayComparison(name, float(error.max()), not wrong.any(), detail, hint)


def _hint(a: np.ndarray, b: np.ndarray, wrong: np.ndarray, tolerance: float, floor: float) -> str:
    """Name the pattern of a difference, if it is one of the known ones."""

    def matches(candidate: np.ndarray) -> bool:
        return bool((relative_error(a, candidate, floor=floor) <= tolerance).all())

    if not np.isfinite(a).all():
        return "It holds nan or inf."
    if not a.any():
        return "It is zero everywhere: a term was left out."
    if matches(-b):
        return "The sign is the opposite of what was expected."
    if a.ndim == 2 and a.shape[0] == a.shape[1] and matches(b.T):
        return "It is the transpose of what was expected."
    factor = float(np.vdot(b, a) / np.vdot(b, b)) if b.any() else 0.0
    if factor and matches(factor * b):
        return f"Every entry is {factor:.6g} times the expected one: a sum for a mean, or a scale?"
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1)) if a.ndim > 1 else []
    if 0 < len(rows) < len(a):
        return f"Only these indices of the first axis are wrong: {', '.join(map(str, rows))}."
    return ""
