"""Leaky units: a step changes only a part of the state, and its Jacobian is near the identity."""

import numpy as np

from rnncourse.bounds import check_gamma
from rnncourse.cell import Activation, get_activation
from rnncourse.powers import check_square
from rnncourse.validation import check_array


def leaky_step(
    state: np.ndarray,
    W_hh: np.ndarray,
    drive: np.ndarray,
    alpha: float,
    activation: str | Activation = "tanh",
    form: str = "rate",
) -> np.ndarray:
    r"""Take one step of leaky units, which move only the fraction α of the way.

    .. math::
        h_t = (1-\alpha) h_{t-1} + \alpha\, \phi(W_{hh} h_{t-1} + u_t), \quad
        v_t = (1-\alpha) v_{t-1} + \alpha\, (W_{hh}\, \phi(v_{t-1}) + u_t) \tag{3.21}

    Parameters
    ----------
    state : numpy.ndarray
        (B, N), the rates h_{t-1} or the voltages v_{t-1}.
    W_hh : numpy.ndarray
        (N, N), the recurrent weights.
    drive : numpy.ndarray
        (B, N), u_t = W_xh x_t + b_h.
    alpha : float
        α in (0, 1], the fraction of a step; 1 is the unit without leak.
    activation : str or Activation
        φ.
    form : {"rate", "voltage"}
        The left or the right equation.

    Returns
    -------
    numpy.ndarray
        (B, N), the next state.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or value.

    Notes
    -----
    The Euler step of a continuous-time network with α = Δt/τ. Jaeger, Lukoševičius, Popovici &
    Siewert 2007, Neural Networks 20; notebook 03.

    Examples
    --------
    >>> leaky_step(np.ones((1, 2)), np.zeros((2, 2)), np.zeros((1, 2)), alpha=0.25)
    array([[0.75, 0.75]])
    """
    N = check_array("state", state, "B N").shape[1]
    check_array("W_hh", W_hh, "N N", N=N, like=state)
    check_array("drive", drive, "B N", B=len(state), N=N, like=state)
    _check_alpha(alpha)
    phi = get_activation(activation).phi
    if _check_form(form) == "rate":
        return (1 - alpha) * state + alpha * phi(state @ W_hh.T + drive)  # (3.21)
    return (1 - alpha) * state + alpha * (phi(state) @ W_hh.T + drive)  # (3.21)


def leaky_jacobians(
    W_hh: np.ndarray, slopes: np.ndarray, alpha: float, form: str = "rate"
) -> np.ndarray:
    r"""Compute the step Jacobians of leaky units: a convex mix with the identity.

    .. math::
        J_t = (1-\alpha) I + \alpha D_t W_{hh} \text{ (rate)}, \quad
        J_t = (1-\alpha) I + \alpha W_{hh} D_t \text{ (voltage)} \tag{3.22}

    Parameters
    ----------
    W_hh : numpy.ndarray
        (N, N), the recurrent weights.
    slopes : numpy.ndarray
        (T, N), the diagonals of D_t: φ'(W_hh h_{t-1} + u_t) for rates, φ'(v_{t-1}) for voltages.
    alpha : float
        α in (0, 1].
    form : {"rate", "voltage"}
        Which of the two.

    Returns
    -------
    numpy.ndarray
        (T, N, N), in the order of time.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or value.

    Notes
    -----
    For equal D_t both have the same eigenvalues, 1 - α + αλ with λ an eigenvalue of D_t W_hh.
    Notebook 03.

    Examples
    --------
    >>> leaky_jacobians(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 0.5]]), alpha=0.5)
    array([[[0.5, 0.5],
            [0. , 0.5]]])
    """
    N = check_array("slopes", slopes, "T N").shape[1]
    check_array("W_hh", W_hh, "N N", N=N, like=slopes)
    _check_alpha(alpha)
    rows_or_columns = slopes[:, :, None] if _check_form(form) == "rate" else slopes[:, None, :]
    return (1 - alpha) * np.eye(N) + alpha * rows_or_columns * W_hh  # (3.22)


def leaky_bounds(W_hh: np.ndarray, gamma: float, alpha: float) -> tuple[float, float]:
    r"""Bound all singular values of a leaky step's Jacobian, from below and from above.

    .. math::
        1 - \alpha - \alpha\gamma \|W_{hh}\|_2 \le \sigma_{\min}(J_t) \le \|J_t\|_2
        \le 1 - \alpha + \alpha\gamma \|W_{hh}\|_2 \tag{3.23}

    Parameters
    ----------
    W_hh : numpy.ndarray
        (N, N), the recurrent weights.
    gamma : float
        γ = sup|φ'|.
    alpha : float
        α in (0, 1].

    Returns
    -------
    tuple of float
        The lower bound (says nothing if it is negative) and the upper bound.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or value.

    Notes
    -----
    Holds for both forms. As α → 0 both bounds tend to 1: over a fixed number of steps the
    gradient of a slow unit keeps its size. Notebook 03.

    Examples
    --------
    >>> leaky_bounds(np.eye(2), gamma=1.0, alpha=0.25)
    (0.5, 1.0)
    """
    _check_alpha(alpha)
    check_gamma(gamma)
    reach = float(alpha * gamma * np.linalg.norm(check_square(W_hh), 2))
    return 1 - alpha - reach, 1 - alpha + reach  # (3.23)


def time_constant(alpha: float) -> float:
    r"""Say in how many steps a leaky unit without input decays to 1/e.

    .. math:: \tau = \frac{-1}{\ln(1-\alpha)} \tag{3.24}

    Parameters
    ----------
    alpha : float
        α in (0, 1].

    Returns
    -------
    float
        τ in steps; 0 for α = 1.

    Raises
    ------
    ValueError
        If `alpha` is not in (0, 1].

    Notes
    -----
    From (1-α)^τ = 1/e. The usual 1/α is too long by about half a step. Notebook 03.

    Examples
    --------
    >>> round(time_constant(0.1), 2)
    9.49
    """
    _check_alpha(alpha)
    with np.errstate(divide="ignore"):
        return float(-1 / np.log1p(-alpha))  # (3.24)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha!r}; expected a number above 0 and at most 1.")


def _check_form(form: str) -> str:
    if form not in ("rate", "voltage"):
        raise ValueError(f"form is {form!r}; expected 'rate' or 'voltage'.")
    return form
