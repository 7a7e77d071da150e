"""Clip a gradient that is too long, by its norm or by value, and refuse one that is not finite.

A gradient is a tuple of arrays, one for each parameter array. All of them together are one vector:
its norm is one number, and clipping by norm shortens that vector without turning it.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

ADVICE = (
    "Usual causes: the training has diverged, a division by zero or a logarithm of 0 in the loss, "
    "a missing value in the data. Look at the loss of this batch; take a smaller rate or clip."
)


class NonFiniteGradient(ArithmeticError):
    """A gradient with nan or inf in it, or so large that a step with it overflows.

    Notes
    -----
    The step is refused: parameters and state are as before. Clipping cannot repair such a gradient:
    inf·c/inf is nan. Notebook 04.

    Examples
    --------
    >>> clip_by_norm((np.array([1.0, np.inf, 2.0]),), 1.0)
    Traceback (most recent call last):
    ...
    rnncourse.clipping.NonFiniteGradient: gradients[0] has 1 entries that are nan or inf, ...
    """


class Clipped(NamedTuple):
    """A gradient after clipping.

    Parameters
    ----------
    gradients : tuple of numpy.ndarray
        The arrays, of the type, the shapes and the dtypes that came in.
    norm : float
        Length of the whole gradient *before* clipping.
    clipped : bool
        Whether anything was changed.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> clip_by_norm((np.array([3.0, 4.0]),), 10.0)
    Clipped(gradients=(array([3., 4.]),), norm=5.0, clipped=False)
    """

    gradients: tuple[np.ndarray, ...]
    norm: float
    clipped: bool


def names_of(arrays: Sequence[np.ndarray], name: str) -> list[str]:
    """Return a name for each array: its field, or its place.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        A NamedTuple, a tuple or a list.
    name : str
        What the whole is called.

    Returns
    -------
    list of str
        For example ``"W_hh"``, or ``"params[1]"``.

    Notes
    -----
    For messages. Notebook 04.

    Examples
    --------
    >>> names_of((np.zeros(2), np.zeros(3)), "params")
    ['params[0]', 'params[1]']
    """
    return list(getattr(arrays, "_fields", [f"{name}[{i}]" for i in range(len(arrays))]))


def same_type(arrays: Sequence[np.ndarray], like: Any) -> Any:
    """Return the arrays in a container of the type of `like`.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        The contents.
    like : NamedTuple, tuple or list
        Gives the type.

    Returns
    -------
    NamedTuple, tuple or list
        A new container.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> same_type([1, 2], (3, 4))
    (1, 2)
    """
    return like._make(arrays) if hasattr(like, "_make") else type(like)(arrays)


def check_gradients(gradients: Sequence[np.ndarray], names: Sequence[str] | None = None) -> None:
    """Raise unless `gradients` is a tuple of arrays of finite numbers.

    Parameters
    ----------
    gradients : sequence of numpy.ndarray
        One array for each parameter array.
    names : sequence of str, optional
        What to call them in a message.

    Raises
    ------
    TypeError, ValueError
        If it is no tuple or list of arrays of floats, is empty, or also holds the gradient of the
        inputs.
    NonFiniteGradient
        If an entry is nan or inf.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> check_gradients(np.zeros(3))
    Traceback (most recent call last):
    ...
    TypeError: gradients is a ndarray; expected a tuple of arrays, one for each parameter array.
    """
    if not isinstance(gradients, tuple | list):
        raise TypeError(
            f"gradients is a {type(gradients).__name__}; expected a tuple of arrays, one for each "
            f"parameter array."
        )
    if hasattr(gradients, "of_params"):
        raise TypeError(
            "gradients holds the gradients of the inputs and of h_0 as well, which are no "
            "parameters; write gradients.of_params()."
        )
    if not gradients:
        raise ValueError("gradients is empty; expected one array for each parameter array.")
    for name, g in zip(names or names_of(gradients, "gradients"), gradients, strict=True):
        if not isinstance(g, np.ndarray) or g.dtype.kind != "f":
            raise TypeError(f"{name} is {_kind(g)}; expected an array of float32 or float64.")
        if not np.isfinite(g).all():
            raise NonFiniteGradient(
                f"{name} has {int((~np.isfinite(g)).sum())} entries that are nan or inf, so the "
                f"step is refused. {ADVICE}"
            )


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"a {type(value).__module__}.{type(value).__name__}".replace("builtins.", "")


def _peak_and_norm(gradients: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return a unit, and the norm in this unit: 1, or the largest |entry| if a square overflows."""
    vectors = [g.astype(np.float64, copy=False).ravel() for g in gradients]
    with np.errstate(over="ignore", under="ignore"):
        square = float(sum(g @ g for g in vectors))
    if 1e-200 < square < np.inf:
        return 1.0, float(np.sqrt(square))
    peak = max(float(np.abs(g).max(initial=0)) for g in vectors)
    if peak == 0:
        return 0.0, 0.0
    return peak, float(np.sqrt(sum((g / peak) @ (g / peak) for g in vectors)))


def gradient_norm(gradients: Sequence[np.ndarray]) -> float:
    """Return the length of the whole gradient, all arrays taken as one vector.

    Parameters
    ----------
    gradients : sequence of numpy.ndarray
        One array for each parameter array.

    Returns
    -------
    float
        The Euclidean norm.

    Raises
    ------
    TypeError, ValueError
        If `gradients` is no tuple of arrays of floats, or is empty.
    NonFiniteGradient
        If an entry is nan or inf.

    Notes
    -----
    The entries are divided by the largest before they are squared: float32 gradients of 1e30 have
    a norm, though their squares do not fit. Notebook 04.

    Examples
    --------
    >>> gradient_norm((np.array([3.0]), np.array([[4.0]])))
    5.0
    """
    check_gradients(gradients)
    peak, norm = _peak_and_norm(gradients)
    return peak * norm


def _check_threshold(threshold: float) -> float:
    if not isinstance(threshold, Real) or not threshold > 0:
        raise ValueError(f"threshold is {threshold}; expected a number above 0.")
    return float(threshold)  # a np.float64 would turn float32 arrays into float64


def clip_by_norm(gradients: Sequence[np.ndarray], threshold: float) -> Clipped:
    r"""Shorten the whole gradient to a largest length; its direction stays.

    .. math:: g \leftarrow g \, \min\Big(1, \frac{c}{\|g\|}\Big) \tag{4.14}

    Parameters
    ----------
    gradients : sequence of numpy.ndarray
        One array for each parameter array; together they are the vector g.
    threshold : float
        c, the largest length; ``np.inf`` only measures.

    Returns
    -------
    Clipped
        The gradient, its norm before, and whether it was shortened.

    Raises
    ------
    ValueError
        If `threshold` is not above 0, or there are no arrays.
    TypeError
        If `gradients` is no tuple of arrays of floats.
    NonFiniteGradient
        If an entry is nan or inf.

    Notes
    -----
    The projection onto the ball of radius c. The norm is one for all arrays: clipping each by
    itself changes the ratio between the layers, and with it the direction. torch's
    ``clip_grad_norm_`` has c/(‖g‖ + 1e-6), so its result is shorter than c by the factor
    ‖g‖/(‖g‖ + 1e-6), and gradients a little shorter than c are shortened too. The average of
    clipped gradients is not the clipped average: with mini-batches clipping is biased.
    Pascanu, Mikolov & Bengio 2013, §3.2; notebook 04.

    Examples
    --------
    >>> clip_by_norm((np.array([3.0]), np.array([[4.0]])), 1.0)
    Clipped(gradients=(array([0.6]), array([[0.8]])), norm=5.0, clipped=True)
    """
    c = _check_threshold(threshold)
    check_gradients(gradients)
    peak, norm = _peak_and_norm(gradients)
    if peak * norm <= c:
        return Clipped(same_type(gradients, gradients), peak * norm, False)
    shorter = [g / peak * (c / norm) for g in gradients]  # (4.14)
    return Clipped(same_type(shorter, gradients), peak * norm, True)


def clip_by_value(gradients: Sequence[np.ndarray], threshold: float) -> Clipped:
    r"""Cut every entry to an interval.

    .. math:: g_i \leftarrow \max(-c, \min(c, g_i)) \tag{4.15}

    Parameters
    ----------
    gradients : sequence of numpy.ndarray
        One array for each parameter array.
    threshold : float
        c, the largest absolute value of an entry.

    Returns
    -------
    Clipped
        The gradient, its norm before, and whether an entry was cut.

    Raises
    ------
    ValueError
        If `threshold` is not above 0, or there are no arrays.
    TypeError
        If `gradients` is no tuple of arrays of floats.
    NonFiniteGradient
        If an entry is nan or inf.

    Notes
    -----
    The projection onto a cube. The direction may change: the cosine between the two gradients is
    at least 1/√n for n entries, so a small enough step against the cut one still lowers the loss.
    Mikolov 2012, "Statistical language models based on neural networks"; notebook 04.

    Examples
    --------
    >>> clip_by_value((np.array([100.0, 1.0]),), 1.0).gradients
    (array([1., 1.]),)
    """
    c = _check_threshold(threshold)
    check_gradients(gradients)
    cut = [np.clip(g, -c, c) for g in gradients]  # (4.15)
    was_cut = any((a != g).any() for a, g in zip(cut, gradients, strict=True))
    return Clipped(same_type(cut, gradients), gradient_norm(gradients), was_cut)
