r"""Where truncated gradients point the wrong way, and what a random cut without bias costs.

All is shown on linear networks s_t = A s_{t-1} + θ v with one parameter θ, in which every gradient
is exact. The sensitivity S_t = ds_t/dθ = Σ_ℓ A^ℓ v is the sum over the lags; truncation drops lags.
`rnncourse.bptt.truncated_bptt` truncates for any network, `rnncourse.bounds.truncation_bias_bound`
bounds the bias of a contracting one, and `rnncourse.jacobians.random_truncation_weights` weighs
the pairs of steps that a random cut leaves.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnncourse.powers import check_square
from rnncourse.validation import check_array

METHODS = ("full", "window", "segments", "artbp")
Stop = float | Callable[[int], float]


class InfluenceBalancing(NamedTuple):
    """A linear network whose parameter acts with opposite signs at short and at long lags.

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.
    v : numpy.ndarray
        (N,), the signs with which θ enters the units.
    s_0 : numpy.ndarray
        (N,), the initial state.
    optimum : float
        The θ at which the stationary loss is zero.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> InfluenceBalancing._fields
    ('A', 'v', 's_0', 'optimum')
    """

    A: np.ndarray
    v: np.ndarray
    s_0: np.ndarray
    optimum: float


def influence_balancing(units: int = 23, plus: int = 10, dtype: Any = float) -> InfluenceBalancing:
    r"""Build the example in which a truncated gradient has the wrong sign.

    .. math::
        s_t = A s_{t-1} + \theta v, \quad A_{ii} = A_{i,i+1} = \tfrac12, \quad
        v = (\underbrace{1, \dots, 1}_{p}, -1, \dots, -1), \quad
        \ell_t = \tfrac12 (s_{t,1} - 1)^2 \tag{5.2}

    Parameters
    ----------
    units : int
        N, the number of units.
    plus : int
        p, how many of them θ enters with a plus sign, from the first on.
    dtype : numpy.dtype
        Of the arrays: float32 or float64.

    Returns
    -------
    InfluenceBalancing
        With s_0 = (1, …, 1) and the optimum 1/(2 (2p - N)).

    Raises
    ------
    ValueError
        If not 0 <= plus <= units, or plus and minus signs balance, so that θ has no effect on a
        state at rest.

    Notes
    -----
    Only unit 1 enters the loss; unit i reaches it after i-1 steps at the earliest. Tallec &
    Ollivier 2017, "Unbiasing truncated backpropagation through time", the first experiment, with
    N = 23 and p = 10. Notebook 05.

    Examples
    --------
    >>> problem = influence_balancing()
    >>> problem.v.sum(), round(problem.optimum, 6)
    (np.float64(-3.0), -0.166667)
    """
    if not (0 <= plus <= units and units >= 1 and 2 * plus != units):
        raise ValueError(
            f"plus is {plus} and units is {units}; expected 0 <= plus <= units, units >= 1, and "
            f"not as many plus as minus signs."
        )
    A = (0.5 * (np.eye(units) + np.eye(units, k=1))).astype(dtype)  # (5.2)
    v = np.where(np.arange(units) < plus, 1, -1).astype(dtype)  # (5.2)
    return InfluenceBalancing(A, v, np.ones(units, dtype), 1 / (2 * (2 * plus - units)))


def stationary_gradient(problem: InfluenceBalancing, theta: float) -> tuple[float, float]:
    r"""Compute the loss of the state at rest and its exact derivative by θ.

    .. math::
        s^* = \theta\, (I - A)^{-1} v, \qquad
        \frac{d\ell}{d\theta} = (s^*_1 - 1)\, e_1^\top (I - A)^{-1} v \tag{5.3}

    Parameters
    ----------
    problem : InfluenceBalancing
        The network.
    theta : float
        θ.

    Returns
    -------
    tuple of float
        ℓ and dℓ/dθ.

    Raises
    ------
    TypeError, ValueError
        If `A` or `v` has the wrong type or shape.

    Notes
    -----
    For N = 23 and p = 10, s*_1 = -6 θ. Notebook 05.

    Examples
    --------
    >>> loss, gradient = stationary_gradient(influence_balancing(), 0.5)
    >>> round(loss, 6), round(gradient, 6)                # s*_1 = -3
    (8.0, 24.0)
    """
    v = _check_linear(problem.A, problem.v)
    influence = np.linalg.solve(np.eye(len(v)) - problem.A, v)[0]
    error = theta * influence - 1
    return float(error**2 / 2), float(error * influence)  # (5.3)


def truncated_influence(A: np.ndarray, v: np.ndarray, longest: int) -> np.ndarray:
    r"""Sum the influence of θ on unit 1 over the last K steps, for every window up to a longest.

    .. math:: r_K = e_1^\top \sum_{\ell=0}^{K-1} A^\ell v, \qquad
              r_\infty = e_1^\top (I - A)^{-1} v \ \text{ if } \rho(A) < 1 \tag{5.4}

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.
    v : numpy.ndarray
        (N,), how θ enters the units.
    longest : int
        The longest window, in steps.

    Returns
    -------
    numpy.ndarray
        (longest,): entry K-1 is r_K. At rest, r_K/r_∞ is the ratio of the gradient of a sliding
        window to the true one: negative means the wrong sign.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, or `longest` is no positive number.

    Notes
    -----
    A window of K steps keeps the lags 0 to K-1 (k1 = 1, k2 = K in `truncated_bptt`). Notebook 05.

    Examples
    --------
    >>> problem = influence_balancing()
    >>> r = truncated_influence(problem.A, problem.v, 200)
    >>> r[[0, 19, 39, 40, 199]].round(2)                  # the true value is -6
    array([ 1.  , 16.48,  0.57, -0.22, -6.  ])
    >>> int(np.flatnonzero(r > 0)[-1]) + 1                # the longest window of the wrong sign
    40
    """
    direct = _check_linear(A, v).copy()
    r = np.empty(_positive("longest", longest), direct.dtype)
    for K in range(longest):
        r[K] = direct[0]  # e_1ᵀ A^ℓ v with ℓ = K
        direct = A @ direct
    return np.cumsum(r)  # (5.4)


def segment_influence(A: np.ndarray, v: np.ndarray, longest: int) -> np.ndarray:
    r"""Average the influence of θ over the steps of a segment, for every length of the segments.

    .. math:: \bar r_L = \frac1L \sum_{K=1}^{L} r_K \tag{5.5}

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.
    v : numpy.ndarray
        (N,), how θ enters the units.
    longest : int
        The longest segment, in steps.

    Returns
    -------
    numpy.ndarray
        (longest,): entry L-1 belongs to segments of L steps (k1 = k2 = L).

    Raises
    ------
    TypeError, ValueError
        As for `truncated_influence`.

    Notes
    -----
    The j-th step of a segment sees j lags, so a segment of L steps is worse than a window of L
    steps. Notebook 05.

    Examples
    --------
    >>> problem = influence_balancing()
    >>> r = segment_influence(problem.A, problem.v, 400)
    >>> int(np.flatnonzero(r > 0)[-1]) + 1                # against 40 for the sliding window
    109
    """
    r = truncated_influence(A, v, longest)
    return np.cumsum(r) / np.arange(1, longest + 1, dtype=r.dtype)  # (5.5)


def random_sensitivity(
    A: np.ndarray, v: np.ndarray, cut: np.ndarray, probability: np.ndarray
) -> np.ndarray:
    r"""Estimate S_t = ds_t/dθ from a path that is cut at random, without bias.

    .. math::
        \hat S_t = v + \frac{x_t}{1 - c_t} A \hat S_{t-1}, \qquad \hat S_0 = 0, \qquad
        \mathbb{E}\, \hat S_t = S_t \tag{5.6}

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.
    v : numpy.ndarray
        (N,), how θ enters the units.
    cut : numpy.ndarray
        (T,) of bool: x_t = 0, no gradient passes from step t to step t-1.
    probability : numpy.ndarray
        (T,), c_t: how likely that cut was, at least 0 and below 1.

    Returns
    -------
    numpy.ndarray
        (T, N): row t-1 is Ŝ_t.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, or a probability is not in [0, 1).

    Notes
    -----
    ARTBP of Tallec & Ollivier 2017 walks the same sum backward, once for each segment between two
    cuts; with one parameter, forward is as cheap. c_t may depend on earlier cuts. Notebook 05.

    Examples
    --------
    >>> A, v, c = np.array([[0.5]]), np.array([1.0]), np.full(3, 0.2)
    >>> random_sensitivity(A, v, np.array([False, False, True]), c).ravel()   # 1 + 0.5/0.8, cut
    array([1.   , 1.625, 1.   ])
    """
    _check_linear(A, v)
    T = len(check_array("cut", cut, "T", kind="bool"))
    check_array("probability", probability, "T", T=T)
    for c in (probability.min(), probability.max()):
        _check_stop(c)
    S = np.zeros((T + 1, len(v)), A.dtype)
    for t in range(T):
        S[t + 1] = v + (0.0 if cut[t] else 1 / (1 - probability[t])) * (A @ S[t])  # (5.6)
    return S[1:]


class Descent(NamedTuple):
    """The path of an online training.

    Parameters
    ----------
    theta : numpy.ndarray
        (T+1,), θ before the first step and after each.
    loss : numpy.ndarray
        (T,), ℓ_t as met on the way.
    gradient : numpy.ndarray
        (T,), the estimate of dℓ_t/dθ.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> Descent._fields
    ('theta', 'loss', 'gradient')
    """

    theta: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray


def online_descent(
    problem: InfluenceBalancing,
    method: str,
    rng: np.random.Generator | None = None,
    *,
    length: int | None = None,
    stop: Stop | None = None,
    steps: int = 3000,
    rate: float = 1e-4,
    theta: float = 0.5,
    wait_for_cut: bool = False,
) -> Descent:
    r"""Train θ while the network runs, with a gradient that is full, truncated or cut at random.

    .. math:: \theta \leftarrow \theta - \eta\, (s_{t,1} - 1)\, \hat S_{t,1} \tag{5.7}

    Parameters
    ----------
    problem : InfluenceBalancing
        The network and its initial state.
    method : {"full", "window", "segments", "artbp"}
        Ŝ_t: all lags; the last `length` lags; the lags since the last cut, with a cut every
        `length` steps; cut at random and reweighted (5.6).
    rng : numpy.random.Generator, optional
        Draws the cuts of ``"artbp"``.
    length : int, optional
        K of ``"window"`` or L of ``"segments"``, in steps.
    stop : float or callable, optional
        The probability c_t of a cut, for ``"artbp"``: a constant, or a function of the number of
        steps since the last cut, from 1 (see `polynomial_stop`).
    steps : int
        Time steps.
    rate : float
        η, the learning rate.
    theta : float
        θ at the start.
    wait_for_cut : bool
        If true, the gradients add up and θ moves at the cuts only, as in backward passes over
        segments; if false, θ moves at every step.

    Returns
    -------
    Descent
        θ, the loss and the gradient, step by step.

    Raises
    ------
    TypeError, ValueError
        If the method is unknown or one of its arguments is missing or out of range.

    Notes
    -----
    Tallec & Ollivier 2017 run backward passes over segments and move θ at their ends
    (``wait_for_cut=True``); the default gives every method as many updates as steps. η = 1e-4 and
    3,000 updates are the published setting; random cuts need a smaller rate here. As θ moves, the
    lags of Ŝ_t belong to older θ: exact for this linear network, whose influences do not depend
    on θ. Notebook 05.

    Examples
    --------
    >>> problem = influence_balancing()
    >>> for method, length in (("full", None), ("window", 10), ("window", 60)):
    ...     print(method, length, online_descent(problem, method, length=length).theta[-1].round(2))
    full None -0.17
    window 10 33620.24
    window 60 -0.17
    """
    A, v, s = problem.A, _check_linear(problem.A, problem.v), problem.s_0
    check_array("problem.s_0", s, "N", N=len(v), like=A)
    _check_method(method, rng, length, stop, wait_for_cut)
    window = truncated_influence(A, v, length) if method == "window" else None
    probability = stop if callable(stop) else lambda since: stop
    S, since, waiting = np.zeros_like(v), 1, 0.0
    path, losses, gradients = [theta], [], []
    for t in range(_positive("steps", steps)):
        kept = 1.0
        if method == "segments":
            kept = float(t % length > 0)
        elif method == "artbp":
            c = _check_stop(probability(since))
            kept = 0.0 if rng.random() < c else 1 / (1 - c)
        since = since + 1 if kept else 1
        if wait_for_cut and not kept:
            theta, waiting = theta - rate * waiting, 0.0
        s = A @ s + theta * v  # (5.2)
        S = v + kept * (A @ S)  # (5.6)
        influence = S[0] if window is None else window[min(t, length - 1)]
        gradient = (s[0] - 1) * influence
        if wait_for_cut:
            waiting += gradient
        else:
            theta = theta - rate * gradient  # (5.7)
        path.append(theta)
        losses.append((s[0] - 1) ** 2 / 2)
        gradients.append(gradient)
    return Descent(*(np.array(part, A.dtype) for part in (path, losses, gradients)))


def artbp_variance(A: np.ndarray, v: np.ndarray, stop: float, steps: int) -> np.ndarray:
    r"""Compute the covariance of the randomly cut sensitivity, for a constant probability c.

    .. math::
        \operatorname{Cov} \hat S_t = \frac{1}{1-c}\, A \operatorname{Cov} \hat S_{t-1} A^\top
        + \frac{c}{1-c}\, (A S_{t-1}) (A S_{t-1})^\top \tag{5.9}

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.
    v : numpy.ndarray
        (N,), how θ enters the units.
    stop : float
        c, at least 0 and below 1.
    steps : int
        T.

    Returns
    -------
    numpy.ndarray
        (T, N, N): row t-1 is the covariance of Ŝ_t; the variance of the gradient of ℓ_t is
        its entry [0, 0] times (s_{t,1} - 1)².

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape or is out of range.

    Notes
    -----
    From (5.6): x/(1-c) has mean 1 and second moment 1/(1-c), and is independent of Ŝ_{t-1}.
    For one unit with weight w: Var Ŝ_t = w²/(1-c) Var Ŝ_{t-1} + c/(1-c) w² S_{t-1}². Notebook 05.

    Examples
    --------
    >>> w, v = np.array([[0.9]]), np.array([1.0])
    >>> artbp_variance(w, v, 0.1, 400)[[199, 299, 399], 0, 0].round(1)   # 0.9² < 0.9: settles
    array([90., 90., 90.])
    >>> artbp_variance(w, v, 0.3, 400)[[99, 199], 0, 0] > 1e8          # 0.9² > 0.7: no bound
    array([ True,  True])
    """
    _check_linear(A, v)
    c, T = _check_stop(stop), _positive("steps", steps)
    mean, covariance = v.copy(), np.zeros((T, *A.shape), A.dtype)
    for t in range(1, T):
        spread = np.outer(A @ mean, A @ mean)
        covariance[t] = (A @ covariance[t - 1] @ A.T + c * spread) / (1 - c)  # (5.9)
        mean = v + A @ mean
    return covariance


def largest_stop(A: np.ndarray) -> float:
    r"""Find the stopping probability from which the variance of a random cut has no bound.

    .. math:: \sup_t \operatorname{Var} \hat S_t < \infty \ \Longleftarrow\
              \frac{\rho(A)^2}{1-c} < 1 \iff c < 1 - \rho(A)^2 \tag{5.10}

    Parameters
    ----------
    A : numpy.ndarray
        (N, N), the recurrent matrix.

    Returns
    -------
    float
        1 - ρ(A)²; zero or negative if ρ(A) >= 1.

    Raises
    ------
    TypeError, ValueError
        If `A` is no square matrix.

    Notes
    -----
    Sufficient for every v. For one unit also necessary, if 0 < c, w ≠ 0 and v ≠ 0: from
    c = 1 - w² on, Var Ŝ_t grows without bound, at w²/(1-c) > 1 like (w²/(1-c))^t, even where
    |w| < 1 and S_t itself has a limit. 1/c is the mean length of a segment. Notebook 05.

    Examples
    --------
    >>> round(largest_stop(np.array([[0.9]])), 2), largest_stop(influence_balancing().A)
    (0.19, 0.75)
    """
    return float(1 - np.abs(np.linalg.eigvals(check_square(A))).max() ** 2)  # (5.10)


def polynomial_stop(mean_length: float, alpha: float = 6.0) -> Callable[[int], float]:
    r"""Make the stopping probability that falls with the time since the last cut.

    .. math:: c(\delta) = \frac{\alpha - 1}{(\alpha - 2) L_0 + \delta}, \qquad
              P(\text{length} > \ell) = \prod_{\delta=1}^{\ell} (1 - c(\delta)) \sim
              \ell^{-(\alpha - 1)} \tag{5.8}

    Parameters
    ----------
    mean_length : float
        L_0, the mean number of steps from one cut to the next, more than 1.
    alpha : float
        α > 2; the larger, the rarer are long segments.

    Returns
    -------
    callable
        c as a function of δ, the number of steps since the last cut, from 1.

    Raises
    ------
    ValueError
        If α <= 2 or L_0 <= 1.

    Notes
    -----
    Weights grow like a power of the lag, not exponentially as for a constant c: nothing that
    decays exponentially can be outgrown by them. Tallec & Ollivier 2017; notebook 05.

    Examples
    --------
    >>> c = polynomial_stop(16.0)
    >>> round(c(1), 4), round(c(100), 4)
    (0.0769, 0.0305)
    """
    if not (alpha > 2 and mean_length > 1):
        raise ValueError(
            f"alpha is {alpha} and mean_length is {mean_length}; expected alpha > 2 and "
            f"mean_length > 1."
        )
    return lambda since: (alpha - 1) / ((alpha - 2) * mean_length + since)  # (5.8)


def _check_linear(A: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return v if it fits the square matrix A."""
    check_array("A", A, "N N", N=np.shape(A)[-1] if np.ndim(A) else 0)
    return check_array("v", v, "N", N=len(A), like=A)


def _check_stop(stop: float) -> float:
    """Return a stopping probability if it is at least 0 and below 1."""
    if not 0 <= stop < 1:
        raise ValueError(f"the stopping probability is {stop!r}; expected at least 0, below 1.")
    return float(stop)


def _positive(name: str, value: int) -> int:
    """Return a whole number of at least 1."""
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1.")
    return int(value)


def _check_method(
    method: str, rng: Any, length: int | None, stop: Stop | None, wait_for_cut: bool
) -> None:
    """Raise if a method is unknown or lacks what it needs."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
    if method in ("window", "segments"):
        _positive("length", length)
    if method == "artbp" and (stop is None or not isinstance(rng, np.random.Generator)):
        raise TypeError("method 'artbp' needs stop and rng, a numpy.random.Generator.")
    if wait_for_cut and method not in ("segments", "artbp"):
        raise ValueError(f"wait_for_cut is true, and method {method!r} has no cuts.")
