"""Norms of Jacobian products: bounds from above and below, each with the condition it needs.

Bounds are natural logarithms by lag: entry ℓ-1 belongs to J_{T:T-ℓ}, the product of the last ℓ
step Jacobians J_t = D_t W, where D_t = diag φ'(a_t). They hold for any slopes φ'(a_t), also those
of a network that is not the basic one.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from rnncourse.cell import IDENTITY, LOGISTIC, RELU, TANH, Activation, get_activation
from rnncourse.jacobians import log_norms_by_lag, log_singular_values_by_lag
from rnncourse.powers import check_square
from rnncourse.unroll import Trace
from rnncourse.validation import check_array

NORMS = (1, 2, np.inf, "fro")
KNOWN_SLOPES = {TANH: 1.0, RELU: 1.0, LOGISTIC: 0.25, IDENTITY: 1.0}


def slope_bound(activation: str | Activation, span: float = 20.0) -> float:
    r"""Return the steepest slope of an activation.

    .. math:: \gamma = \sup_a |\phi'(a)| \tag{3.3}

    Parameters
    ----------
    activation : str or Activation
        One of the package's four, whose γ is exact, or one of your own.
    span : float
        For one of your own, φ' is searched between ``-span`` and ``span``.

    Returns
    -------
    float
        γ: 1 for tanh, ReLU and identity, 1/4 for the logistic function.

    Raises
    ------
    ValueError
        If no activation has this name.

    Notes
    -----
    What is found by a search is the steepest slope *seen*, which is γ only if nothing steeper hides
    between the points of the grid or outside the span. Pascanu, Mikolov & Bengio 2013, §2.1;
    notebook 03.

    Examples
    --------
    >>> silu = Activation("silu", lambda a: a / (1 + np.exp(-a)),
    ...                   lambda a: (1 + np.exp(-a) * (1 + a)) / (1 + np.exp(-a)) ** 2)
    >>> slope_bound("logistic"), round(slope_bound(silu), 4)
    (0.25, 1.0998)
    """
    activation = get_activation(activation)
    if activation in KNOWN_SLOPES:
        return KNOWN_SLOPES[activation]
    a = np.linspace(-span, span, 100_001)
    i = np.argmax(np.abs(activation.dphi(a)))
    around = (a[max(i - 1, 0)], a[min(i + 1, len(a) - 1)])
    peak = minimize_scalar(
        lambda a: -np.abs(activation.dphi(np.array([a])))[0], bounds=around, method="bounded"
    )
    return float(max(-peak.fun, np.abs(activation.dphi(a[i : i + 1]))[0]))  # (3.3)


class UpperBounds(NamedTuple):
    """The chain of bounds from above, each looser than the one before.

    Parameters
    ----------
    measured : numpy.ndarray
        (T,), ln ‖J_{T:T-ℓ}‖.
    factors : numpy.ndarray
        (T,), the sum of ln ‖J_t‖.
    slopes : numpy.ndarray
        (T,), the sum of ln max|φ'(a_t)|, plus ℓ ln ‖W‖.
    gamma : numpy.ndarray
        (T,), ℓ ln(γ‖W‖).

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> bounds = upper_bounds(np.full((2, 1), 0.5), np.array([[3.0]]), gamma=1.0)
    >>> np.exp([bounds.measured[1], bounds.gamma[1]]).round(6)
    array([2.25, 9.  ])
    """

    measured: np.ndarray
    factors: np.ndarray
    slopes: np.ndarray
    gamma: np.ndarray


def upper_bounds(slopes: np.ndarray, W: np.ndarray, gamma: float, ord: Any = 2) -> UpperBounds:
    r"""Bound the norm of a product of step Jacobians from above.

    .. math::
        \|J_{t:k}\| \le \prod_{i=k+1}^{t} \|J_i\|
        \le \Big(\prod_{i=k+1}^{t} \max_j |\phi'(a_{ij})|\Big) \|W\|^{t-k}
        \le (\gamma \|W\|)^{t-k} \tag{3.4}

    Parameters
    ----------
    slopes : numpy.ndarray
        (T, N), φ'(a_t) of one sequence.
    W : numpy.ndarray
        (N, N), the recurrent weights.
    gamma : float
        γ ≥ |φ'| everywhere; see `slope_bound`.
    ord : {1, 2, numpy.inf, "fro"}
        The norm: the same in every place.

    Returns
    -------
    UpperBounds
        Logarithms by lag.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, `ord` is another norm, or a slope exceeds `gamma`.

    Notes
    -----
    Needs a norm with ‖AB‖ ≤ ‖A‖‖B‖: the largest entry is none. In the Frobenius norm the second
    step uses ‖DW‖_F ≤ max|φ'| ‖W‖_F. An upper bound: it says how large the product can be, never
    how large it is. Pascanu, Mikolov & Bengio 2013, §2.1; notebook 03.

    Examples
    --------
    >>> W = np.array([[0.0, 10.0], [0.0, 0.0]])                # norm 10, and W W = 0
    >>> bounds = upper_bounds(np.ones((2, 2)), W, gamma=1.0)
    >>> np.exp(bounds.measured), np.exp(bounds.gamma).round(6)
    (array([10.,  0.]), array([ 10., 100.]))
    """
    T, _ = _check_slopes(slopes, W).shape
    check_gamma(gamma)
    if ord not in NORMS:
        raise ValueError(f"ord is {ord!r}; expected 1, 2, numpy.inf or 'fro'.")
    if np.abs(slopes).max() > gamma * (1 + 1e-12):
        raise ValueError(
            f"gamma is {gamma}, and a slope is {np.abs(slopes).max():.6g}; expected a gamma that "
            f"no slope exceeds: slope_bound(activation)."
        )
    J, lags = slopes[:, :, None] * W, np.arange(1, T + 1)
    with np.errstate(divide="ignore"):
        log_W = np.log(np.linalg.norm(W, ord))
        log_factors = np.log([np.linalg.norm(J_t, ord) for J_t in J])
        log_slopes = np.log(np.abs(slopes).max(axis=1))
        return UpperBounds(
            measured=log_norms_by_lag(J, ord),
            factors=_sum_back(log_factors),  # (3.4)
            slopes=_sum_back(log_slopes) + lags * log_W,  # (3.4)
            gamma=lags * (np.log(gamma) + log_W),  # (3.4)
        )


class LowerBounds(NamedTuple):
    """The chain of bounds from below, each looser than the one before.

    Parameters
    ----------
    measured : numpy.ndarray
        (T,), ln σ_min(J_{T:T-ℓ}); nan where it is lost in rounding.
    factors : numpy.ndarray
        (T,), the sum of ln σ_min(J_t).
    slopes : numpy.ndarray
        (T,), the sum of ln min|φ'(a_t)|, plus ℓ ln σ_min(W).

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> bounds = lower_bounds(np.full((2, 1), 0.5), np.array([[3.0]]))
    >>> np.exp(bounds.measured).round(6)
    array([1.5 , 2.25])
    """

    measured: np.ndarray
    factors: np.ndarray
    slopes: np.ndarray


def lower_bounds(slopes: np.ndarray, W: np.ndarray) -> LowerBounds:
    r"""Bound from below what a product of step Jacobians leaves of any vector.

    .. math::
        \sigma_{\min}(J_{t:k}) \ge \prod_{i=k+1}^{t} \sigma_{\min}(J_i)
        \ge \Big(\prod_{i=k+1}^{t} \min_j |\phi'(a_{ij})|\Big) \sigma_{\min}(W)^{t-k} \tag{3.5}

    Parameters
    ----------
    slopes : numpy.ndarray
        (T, N), φ'(a_t) of one sequence.
    W : numpy.ndarray
        (N, N), the recurrent weights.

    Returns
    -------
    LowerBounds
        Logarithms by lag; minus infinity where a factor is singular.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape.

    Notes
    -----
    If every σ_min(J_i) ≥ μ > 1, then ‖J_{t:k}ᵀ g‖ ≥ μ^{t-k} ‖g‖ for *every* gradient g: a condition
    that is sufficient for explosion. Horn & Johnson 2013, §3.3; notebook 03.

    Examples
    --------
    >>> W = 1.5 * np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> np.exp(lower_bounds(np.ones((3, 2)), W).factors)        # every gradient grows
    array([1.5  , 2.25 , 3.375])
    """
    T, _ = _check_slopes(slopes, W).shape
    J = slopes[:, :, None] * W
    with np.errstate(divide="ignore"):
        log_W = np.log(_sigma_min(W))
        return LowerBounds(
            measured=log_singular_values_by_lag(J)[:, -1],
            factors=_sum_back(np.log([_sigma_min(J_t) for J_t in J])),  # (3.5)
            slopes=_sum_back(np.log(np.abs(slopes).min(axis=1)))
            + np.arange(1, T + 1) * log_W,  # (3.5)
        )


def log_abs_det(slopes: np.ndarray, W: np.ndarray) -> np.ndarray:
    r"""Compute by how much the product of step Jacobians changes a volume: exactly.

    .. math::
        \ln |\det J_{t:k}| = \sum_{i=k+1}^{t} \sum_{j=1}^{N} \ln |\phi'(a_{ij})|
        + (t-k) \ln |\det W| \tag{3.6}

    Parameters
    ----------
    slopes : numpy.ndarray
        (T, N), φ'(a_t) of one sequence.
    W : numpy.ndarray
        (N, N), the recurrent weights.

    Returns
    -------
    numpy.ndarray
        (T,): the sum of the logarithms of all singular values, by lag.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape.

    Notes
    -----
    An equality, because determinants multiply. Minus infinity if a slope is zero: a ReLU unit that
    is off flattens the volume. Notebook 03.

    Examples
    --------
    >>> np.exp(log_abs_det(np.full((2, 1), 0.5), np.array([[3.0]]))).round(6)
    array([1.5 , 2.25])
    """
    T, _ = _check_slopes(slopes, W).shape
    with np.errstate(divide="ignore"):
        log_slopes = np.log(np.abs(slopes)).sum(axis=1)
    return _sum_back(log_slopes) + np.arange(1, T + 1) * np.linalg.slogdet(W)[1]  # (3.6)


class GrowthConditions(NamedTuple):
    r"""What γ‖W‖ decides, and what it leaves open.

    .. math::
        \gamma \sigma_1(W) < 1 \implies \|J_{t:k}\| \le (\gamma \sigma_1(W))^{t-k} \to 0, \qquad
        \|J_{t:k}\| \to \infty \implies \gamma \sigma_1(W) > 1 \tag{3.7}

    Parameters
    ----------
    norm : float
        σ_1(W) = ‖W‖_2.
    gamma : float
        γ = sup|φ'|.

    Notes
    -----
    Sufficient for vanishing; necessary, and not sufficient, for explosion. Pascanu, Mikolov &
    Bengio 2013, §2.1; notebook 03.

    Examples
    --------
    >>> print(growth_conditions(np.array([[3.9]]), slope_bound("logistic")))
    gamma ||W|| = 0.975 < 1: every long-term contribution vanishes, at least like 0.975^lag.
    >>> print(growth_conditions(np.array([[3.9]]), slope_bound("tanh")))
    gamma ||W|| = 3.9 > 1: growth is possible, not certain; this number does not decide.
    """

    norm: float
    gamma: float

    @property
    def rate(self) -> float:
        """γ‖W‖_2, the largest factor that any step can have."""
        return self.gamma * self.norm

    @property
    def vanishing_is_certain(self) -> bool:
        """Whether the condition that is sufficient for vanishing holds."""
        return self.rate < 1

    @property
    def explosion_is_possible(self) -> bool:
        """Whether the condition that is necessary for explosion holds."""
        return self.rate > 1  # (3.7)

    def __str__(self) -> str:
        rate = f"gamma ||W|| = {self.rate:.4g}"
        if self.vanishing_is_certain:
            return (
                f"{rate} < 1: every long-term contribution vanishes, at least like "
                f"{self.rate:.4g}^lag."
            )
        if self.explosion_is_possible:
            return f"{rate} > 1: growth is possible, not certain; this number does not decide."
        return f"{rate}: no product grows, and this number does not say whether it vanishes."


def growth_conditions(W: np.ndarray, gamma: float) -> GrowthConditions:
    """Say what the norm of the recurrent matrix decides about the gradient.

    Parameters
    ----------
    W : numpy.ndarray
        (N, N), the recurrent weights.
    gamma : float
        γ = sup|φ'|; see `slope_bound`.

    Returns
    -------
    GrowthConditions
        The number γ‖W‖_2 and its two consequences (3.7); printed, a sentence.

    Raises
    ------
    TypeError, ValueError
        If `W` is no square float matrix.

    Notes
    -----
    Pascanu, Mikolov & Bengio 2013, §2.1; notebook 03.

    Examples
    --------
    >>> growth_conditions(np.array([[0.0, 10.0], [0.0, 0.0]]), gamma=1.0).explosion_is_possible
    True
    """
    check_gamma(gamma)
    return GrowthConditions(float(np.linalg.norm(check_square(W), 2)), float(gamma))


def truncation_bias_bound(
    W: np.ndarray, trace: Trace, g: np.ndarray, window: int, gamma: float
) -> float:
    r"""Bound what a sliding window of truncated BPTT misses of dL/dW_hh.

    .. math::
        \Big\| \sum_{t-k \ge K} C_{tk} \Big\| \le
        \gamma \sum_t \|g_t\| \max_k \|h_k\| \, \frac{\eta^K}{1-\eta}, \qquad
        \eta = \gamma \|W\|_2 < 1 \tag{3.15}

    Parameters
    ----------
    W : numpy.ndarray
        (N, N), the recurrent weights.
    trace : Trace
        The record of the forward pass of one sequence (B = 1).
    g : numpy.ndarray
        (T, 1, N), g_t = W_hyᵀ ∂L/∂y_t, the gradient that each step's own loss sends to its state.
    window : int
        K ≥ 1: lags 0 to K-1 are kept (k1 = 1, k2 = K).
    gamma : float
        γ = sup|φ'|.

    Returns
    -------
    float
        An upper bound of the Frobenius norm of what is missing.

    Raises
    ------
    ValueError
        If γ‖W‖ ≥ 1: then no bound of this form exists.

    Notes
    -----
    Exponentially small in the window, for a contracting network only. Notebook 03.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.unroll import unroll
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> trace, W = unroll(params, np.ones((9, 1, 3))), 0.5 * np.eye(5)
    >>> bounds = [truncation_bias_bound(W, trace, trace.h, K, 1.0) for K in (1, 2, 3)]
    >>> np.round(np.divide(bounds[1:], bounds[:-1]), 12)         # halved by each further step
    array([0.5, 0.5])
    """
    eta = growth_conditions(W, gamma).rate
    check_array("g", g, "T B N", T=len(trace.a), B=1, N=len(W))
    if eta >= 1:
        raise ValueError(
            f"gamma ||W|| is {eta:.4g}; expected less than 1: without contraction the missing part "
            f"is not bounded in this way."
        )
    states = np.linalg.norm(trace.h_prev[:, 0], axis=1).max()
    losses = np.linalg.norm(g[:, 0], axis=1).sum()
    return float(gamma * losses * states * eta**window / (1 - eta))  # (3.15)


def check_gamma(gamma: float) -> None:
    """Refuse a γ that no activation can have.

    Parameters
    ----------
    gamma : float
        γ = sup|φ'|.

    Raises
    ------
    ValueError
        If `gamma` is not positive and finite.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> check_gamma(-1.0)
    Traceback (most recent call last):
    ...
    ValueError: gamma is -1.0; expected sup|φ'|, a positive number: slope_bound(activation).
    """
    if not 0 < gamma < np.inf:
        raise ValueError(
            f"gamma is {gamma!r}; expected sup|φ'|, a positive number: slope_bound(activation)."
        )


def _check_slopes(slopes: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return the slopes of one sequence if they fit the square matrix W."""
    return check_array("slopes", slopes, "T N", N=len(check_square(W)), like=W)


def _sum_back(logs: np.ndarray) -> np.ndarray:
    """Sum over the last 1, 2, …, T entries."""
    return np.cumsum(np.asarray(logs)[::-1])


def _sigma_min(A: np.ndarray) -> float:
    """Return the smallest singular value."""
    return float(np.linalg.svd(A, compute_uv=False)[-1])
