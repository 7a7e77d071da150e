r"""The cliff: one unit whose loss is flat, then a wall, then flat again.

A small network in which all can be computed, and in which a gradient is at times thousands of times
as large as a small step away.
"""

import numpy as np

from rnncourse.cell import LOGISTIC
from rnncourse.validation import check_array

# Where the unit starts, and what its output should be.
_X_0, _TARGET = 0.5, 0.7


def cliff_loss(w: np.ndarray | float, b: np.ndarray | float, steps: int = 50) -> np.ndarray:
    r"""Compute the loss of a scalar network whose error surface has a cliff.

    .. math::
        x_t = w\, s(x_{t-1}) + b, \quad x_0 = 0.5, \quad E = (s(x_{50}) - 0.7)^2 \tag{3.25}

    Parameters
    ----------
    w, b : numpy.ndarray or float
        Weight and bias, of shapes that broadcast: a grid is ``w[None, :], b[:, None]``.
    steps : int
        Number of time steps.

    Returns
    -------
    numpy.ndarray
        E, of the broadcast shape.

    Raises
    ------
    TypeError, ValueError
        If `w` or `b` is not finite or their shapes do not fit, or `steps` is no positive number.

    Notes
    -----
    s is the logistic function. Pascanu, Mikolov & Bengio 2013, §2.3 and Fig. 6; notebook 03.

    Examples
    --------
    >>> cliff_loss(5.0, np.array([-2.62, -2.61])).round(2)   # a step of 0.01 apart
    array([0.34, 0.01])
    """
    w, b = _grid(w, b)
    x = np.full(w.shape, _X_0)
    for _ in range(_check_steps(steps)):
        x = w * LOGISTIC.phi(x) + b  # (3.25)
    return (LOGISTIC.phi(x) - _TARGET) ** 2  # (3.25)


def cliff_gradient(
    w: np.ndarray | float, b: np.ndarray | float, steps: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    r"""Differentiate `cliff_loss` exactly, by carrying the derivatives of x_t forward.

    Parameters
    ----------
    w, b : numpy.ndarray or float
        Weight and bias, of shapes that broadcast.
    steps : int
        Number of time steps.

    Returns
    -------
    tuple of numpy.ndarray
        ∂E/∂w and ∂E/∂b, of the broadcast shape.

    Raises
    ------
    TypeError, ValueError
        As for `cliff_loss`.

    Notes
    -----
    dx_t/dw = s(x_{t-1}) + w s'(x_{t-1}) dx_{t-1}/dw, and the same with 1 for s in dx_t/db: the
    slopes multiply. In the linear network x_t = w x_{t-1} they give dx_t/dw = t x_0 w^(t-1).
    Notebook 03.

    Examples
    --------
    >>> dE_dw, dE_db = cliff_gradient(5.0, np.array([-2.5, -2.6123]))
    >>> dE_db.round().astype(int)   # beside the cliff and on it
    array([   0, -871])
    """
    w, b = _grid(w, b)
    x, dx_dw, dx_db = np.full(w.shape, _X_0), np.zeros(w.shape), np.zeros(w.shape)
    for _ in range(_check_steps(steps)):
        s, slope = LOGISTIC.phi(x), w * LOGISTIC.dphi(x)
        dx_dw, dx_db = s + slope * dx_dw, 1 + slope * dx_db
        x = w * s + b  # (3.25)
    dE_dx = 2 * (LOGISTIC.phi(x) - _TARGET) * LOGISTIC.dphi(x)
    return dE_dx * dx_dw, dE_dx * dx_db


def saddle_nodes(w: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    r"""Find the two b between which the scalar network has three fixed points.

    .. math::
        b = x - w\, s(x) \quad\text{where}\quad s(x)\,(1 - s(x)) = \frac1w \tag{3.26}

    Parameters
    ----------
    w : numpy.ndarray or float
        The weight, above 4.

    Returns
    -------
    tuple of numpy.ndarray
        The lower and the upper b. Between them there are two stable fixed points and one
        unstable, outside one stable; at each of them two fixed points meet (slope w s' = 1).

    Raises
    ------
    TypeError, ValueError
        If `w` is not finite or not above 4: w s' ≤ w/4, so the slope never passes 1.

    Notes
    -----
    Doya 1993, "Bifurcations of recurrent neural networks in gradient descent learning". They
    bound the region in which there can be two basins; the cliff stands at `cliff_edge`.
    Notebook 03.

    Examples
    --------
    >>> [float(b.round(4)) for b in saddle_nodes(5.0)]
    [-2.6556, -2.3444]
    """
    w, _ = _grid(w, 0.0)
    if (w <= 4).any():
        raise ValueError(
            f"w holds {w.min():g}; expected w > 4: the slope w·s(1-s) is at most w/4, so that up "
            f"to w = 4 there is one fixed point for every b and no saddle-node."
        )
    s = (1 + np.sqrt(1 - 4 / w)) / 2
    x = np.log(s / (1 - s))
    lower = x - w * s  # (3.26)
    return lower, -w - lower  # the other is its mirror image: x → -x, s → 1 - s


def cliff_edge(w: np.ndarray | float) -> np.ndarray:
    r"""Find the b at which the start x_0 = 0.5 changes its basin: there the cliff stands.

    Parameters
    ----------
    w : numpy.ndarray or float
        The weight, above 1/(s(0.5)(1 - s(0.5))) = 4.2553.

    Returns
    -------
    numpy.ndarray
        b = x_0 - w s(x_0), which makes x_0 the unstable fixed point.

    Raises
    ------
    TypeError, ValueError
        If `w` is not finite, or so small that x_0 is never an unstable fixed point.

    Notes
    -----
    The edge lies between the two `saddle_nodes`: a cliff where no bifurcation is. On it dx_t/db
    grows like (w s'(x_0))^t. Near w = 4.2553 it meets the lower saddle-node, and after 50 steps
    the two cannot be told apart. Pascanu, Mikolov & Bengio 2013, §2.2, on boundaries between
    basins; notebook 03.

    Examples
    --------
    >>> float(cliff_edge(5.0).round(4))
    -2.6123
    """
    w, x_0 = _grid(w, _X_0)
    if (w * LOGISTIC.dphi(x_0) <= 1).any():
        raise ValueError(
            f"w holds {w.min():g}; expected w > {1 / LOGISTIC.dphi(x_0).flat[0]:.4f}: below it "
            f"x_0 = {_X_0} is no unstable fixed point for any b."
        )
    return x_0 - w * LOGISTIC.phi(x_0)


def _grid(w: np.ndarray | float, b: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays of one shape, of finite floats (or complex, for the complex step)."""
    for name, value in (("w", np.multiply(w, 1.0)), ("b", np.multiply(b, 1.0))):
        check_array(name, np.asarray(value), " ".join(["..."] * np.ndim(value)))
    try:
        return np.broadcast_arrays(np.multiply(w, 1.0), np.multiply(b, 1.0))
    except ValueError:
        raise ValueError(
            f"w has shape {np.shape(w)}, b has shape {np.shape(b)}; expected shapes that "
            f"broadcast: for a grid write w[None, :], b[:, None]."
        ) from None


def _check_steps(steps: int) -> int:
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"steps is {steps!r}; expected a whole number of at least 1.")
    return steps
