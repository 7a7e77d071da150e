r"""The long run: Lyapunov exponents, mean field, and echo states.

The norms of one product of Jacobians say what a gradient does over some lags. This module says
what decides it in the long run, and what the state itself does there.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from rnncourse.bounds import check_gamma
from rnncourse.cell import Activation, RNNParams, check_params, get_activation, step
from rnncourse.jacobians import check_jacobians
from rnncourse.powers import check_square, spectral_radius
from rnncourse.unroll import unroll
from rnncourse.validation import check_array


def lyapunov_spectrum(J: np.ndarray, *, discard: int = 0) -> np.ndarray:
    r"""Measure the mean rates, per step, at which a product of Jacobians stretches directions.

    .. math::
        \lambda_i = \lim_{T\to\infty} \frac1T \sum_{t=1}^T \ln |r_{ii}(t)|, \quad
        J_t Q_{t-1} = Q_t R_t \tag{3.18}

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians J_t of one sequence, in the order of time.
    discard : int
        Number of first steps that turn Q but are left out of the mean.

    Returns
    -------
    numpy.ndarray
        (N,), the estimates of λ_1 ≥ … ≥ λ_N, natural logarithm per step. -inf where a Jacobian
        is singular, or so close to it that rounding cannot tell.

    Raises
    ------
    TypeError, ValueError
        If `J` has the wrong type or shape or is not finite, or `discard` leaves no step.

    Notes
    -----
    λ_1 > 0: a generic gradient grows like exp(λ_1·lag); λ_1 < 0: it vanishes. QR at every step
    keeps the N directions apart, which a plain product loses in rounding. The estimate from T
    steps is off by O(1/T) even if every J_t is the same. Benettin, Galgani, Giorgilli & Strelcyn
    1980, Meccanica 15; for RNNs Vogt et al. 2022, Engelken, Wolf & Abbott 2023; notebook 03.

    Examples
    --------
    >>> J = np.tile(np.diag([0.5, 2.0]), (10, 1, 1))
    >>> lyapunov_spectrum(J) / np.log(2)
    array([ 1., -1.])
    """
    T, N, _ = check_jacobians(J).shape
    _check_discard(discard, T)
    return _mean_log_growth(J, N, discard)


def mean_log_determinant(J: np.ndarray) -> float:
    r"""Average ln|det J_t|: the rate at which volumes grow, and the sum of all λ_i, exactly.

    .. math:: \sum_{i=1}^N \lambda_i = \frac1T \sum_{t=1}^T \ln |\det J_t| \tag{3.19}

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence.

    Returns
    -------
    float
        Natural logarithm per step; -inf if a Jacobian is singular.

    Raises
    ------
    TypeError, ValueError
        If `J` has the wrong type or shape or is not finite.

    Notes
    -----
    It holds for every T, not only in the limit: |det(J_t Q)| = |det R_t|. For J_t = D_t W_hh the
    summand is Σ_j ln|φ'(a_tj)| + ln|det W_hh|. Notebook 03.

    Examples
    --------
    >>> J = np.random.default_rng(0).standard_normal((20, 3, 3))
    >>> bool(abs(mean_log_determinant(J) - lyapunov_spectrum(J).sum()) < 1e-12)
    True
    """
    return float(np.linalg.slogdet(check_jacobians(J)).logabsdet.mean())  # (3.19)


def lyapunov_of_network(
    params: RNNParams,
    x: np.ndarray,
    h_0: np.ndarray | None = None,
    activation: str | Activation = "tanh",
    *,
    discard: int = 0,
) -> np.ndarray:
    r"""Run the network and measure its Lyapunov spectrum on the way, one Jacobian at a time.

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    x : numpy.ndarray
        (T, 1, D), one sequence; zeros for the network left to itself.
    h_0 : numpy.ndarray, optional
        (1, N), the initial state; zero if not given.
    activation : str or Activation
        φ.
    discard : int
        Number of first steps that are left out of the mean.

    Returns
    -------
    numpy.ndarray
        (N,), as from `lyapunov_spectrum`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape or is not finite, a state overflows, or
        `discard` leaves no step.

    Notes
    -----
    Memory does not grow with T. Started exactly at a fixed point, even an unstable one, the
    network stays there: give `h_0` to leave it. λ_1 > 0 of a bounded network without input is
    chaos: with tanh and Gaussian weights, for N → ∞, from gain 1 on (Sompolinsky, Crisanti &
    Sommers 1988, Phys. Rev. Lett. 61, in continuous time); strong random input lowers λ_1
    (Molgedey, Schuchhardt & Schuster 1992, Phys. Rev. Lett. 69). Notebook 03.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(1, 30, 1, np.random.default_rng(0), gain=0.5)
    >>> bool(lyapunov_of_network(params, np.zeros((200, 1, 1)))[0] < 0)
    True
    """
    D, N, _ = check_params(params).sizes
    check_array("x", x, "T B D", B=1, D=D, like=params.W_xh)
    h_0 = np.zeros((1, N)) if h_0 is None else check_array("h_0", h_0, "B N", B=1, N=N)
    _check_discard(discard, len(x))
    return _mean_log_growth(_jacobians_one_by_one(params, x, h_0, activation), N, discard)


def _jacobians_one_by_one(
    params: RNNParams, x: np.ndarray, h: np.ndarray, activation: str | Activation
) -> Iterator[np.ndarray]:
    """Yield J_t = D_t W_hh while the network runs."""
    dphi = get_activation(activation).dphi
    for x_t in x:
        a, h, _ = step(params, x_t, h, activation)
        yield dphi(a[0])[:, None] * params.W_hh


def _mean_log_growth(J: Iterable[np.ndarray], N: int, discard: int) -> np.ndarray:
    """Average ln|r_ii| over the steps from `discard` on, in descending order."""
    Q, growth = np.eye(N), np.zeros(N)
    for t, J_t in enumerate(J):
        Q, R = np.linalg.qr(J_t @ Q)
        if t >= discard:
            growth += _log_diagonal(R)
    return np.sort(growth / (t + 1 - discard))[::-1]  # (3.18)


def _log_diagonal(R: np.ndarray) -> np.ndarray:
    """ln|r_ii|, and -inf for an r_ii that is mere rounding of its column."""
    r = np.abs(np.diag(R))
    rounding = len(R) * np.finfo(R.dtype).eps * np.linalg.norm(R, axis=0)
    with np.errstate(divide="ignore"):
        return np.log(np.where(r > rounding, r, 0))


def mean_field_chi(gain: float, slopes: np.ndarray) -> float:
    r"""Predict by what factor one backward step multiplies the expected squared gradient norm.

    .. math::
        \chi = g^2 \langle \phi'(a)^2 \rangle, \quad
        \mathbb{E}\, \|W_{hh}^\top D\, d\|^2 = \chi\, \mathbb{E}\, \|d\|^2 \tag{3.17}

    Parameters
    ----------
    gain : float
        g: the entries of W_hh are independent, of mean 0 and standard deviation g/√N.
    slopes : numpy.ndarray
        φ'(a), of any shape; the mean is over all entries.

    Returns
    -------
    float
        χ.

    Raises
    ------
    TypeError, ValueError
        If `slopes` is no array of finite floats, or `gain` is not a positive number.

    Notes
    -----
    Exact if W_hh is independent of D and d, and d is isotropic and independent of D. For one
    given d the average weighs the slopes by d_i²: g² Σ φ'(a_i)² d_i² / Σ d_i². In a network W_hh
    has made the states too, and the same W_hh acts at every step: there it is an approximation
    that large N makes good. χ = 1 is where gradients keep their size in this mean.
    Chen, Pennington & Schoenholz 2018, "Dynamical isometry and a mean field theory of RNNs";
    notebook 03.

    Examples
    --------
    >>> mean_field_chi(2.0, np.array([0.5, 0.5, 0.5]))
    1.0
    """
    check_array("slopes", slopes, " ".join(["..."] * np.ndim(slopes)))
    if not 0 < gain < np.inf:
        raise ValueError(f"gain is {gain!r}; expected a positive number.")
    return float(gain**2 * np.mean(slopes**2))  # (3.17)


class EchoState(NamedTuple):
    """Three numbers about whether a network forgets its initial state.

    Parameters
    ----------
    norm_bound : float
        γ‖W_hh‖₂. Below 1: it forgets, for every input.
    perron_bound : float
        γ ρ(|W_hh|), with |W_hh| the matrix of absolute values. Below 1: it forgets, for every
        input.
    spectral_radius : float
        ρ(W_hh). With a nonlinear φ, below 1 does not suffice, and above 1 a driven network may
        forget all the same.

    Notes
    -----
    Neither of the two bounds is always the smaller one. Notebook 03.

    Examples
    --------
    >>> EchoState(1.2, 0.9, 0.5).guaranteed
    True
    """

    norm_bound: float
    perron_bound: float
    spectral_radius: float

    @property
    def guaranteed(self) -> bool:
        """Whether one of the two sufficient conditions holds; False means: not decided."""
        return min(self.norm_bound, self.perron_bound) < 1


def echo_state(W_hh: np.ndarray, gamma: float) -> EchoState:
    r"""Compute the two sufficient conditions for the echo state property, and the radius.

    .. math::
        \|h_t - h_t'\|_2 \le (\gamma \|W_{hh}\|_2)^t\, \|h_0 - h_0'\|_2, \quad
        |h_t - h_t'| \le (\gamma |W_{hh}|)^t\, |h_0 - h_0'| \text{ per entry} \tag{3.20}

    Parameters
    ----------
    W_hh : numpy.ndarray
        (N, N), the recurrent weights.
    gamma : float
        γ = sup|φ'|: 1 for tanh, ReLU and the identity, 1/4 for the logistic function.

    Returns
    -------
    EchoState
        γ‖W_hh‖₂, γρ(|W_hh|) and ρ(W_hh).

    Raises
    ------
    TypeError, ValueError
        If `W_hh` has the wrong type or shape or is not finite, or `gamma` is not positive.

    Notes
    -----
    h and h' are runs from two starts under the same input. Both bounds follow from
    |φ(a) - φ(a')| ≤ γ|a - a'|; the powers of γ|W_hh| tend to 0 exactly if its radius is below 1.
    With u, v > 0 the left and right Perron vectors of |W_hh| and S = diag(√(u_i/v_i)), S|W_hh|S⁻¹
    has the norm ρ(|W_hh|), so that ‖S W_hh S⁻¹‖₂ ≤ ρ(|W_hh|): W_hh is diagonally Schur stable if
    ρ(|W_hh|) < 1. Jaeger 2001, GMD report 148; Yildiz, Jaeger & Kiebel 2012, Neural Networks 35;
    for given inputs Manjunath & Jaeger 2013, Neural Computation 25; notebook 03.

    Examples
    --------
    >>> W = np.array([[1.5, -2.0], [1.0, -1.2]])   # tanh with input (1.9, 2.972): two attractors
    >>> [round(float(v), 3) for v in echo_state(W, gamma=1.0)], echo_state(W, 1.0).guaranteed
    ([2.947, 2.772, 0.447], False)
    """
    check_gamma(gamma)
    return EchoState(
        norm_bound=float(gamma * np.linalg.norm(check_square(W_hh), 2)),  # (3.20)
        perron_bound=float(gamma * spectral_radius(np.abs(W_hh))),  # (3.20)
        spectral_radius=spectral_radius(W_hh),
    )


def state_distance(
    params: RNNParams,
    x: np.ndarray,
    h_0: np.ndarray,
    other_h_0: np.ndarray,
    activation: str | Activation = "tanh",
) -> np.ndarray:
    """Measure how far two runs under the same input, from different starts, are apart.

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    x : numpy.ndarray
        (T, 1, D), the input of both runs.
    h_0, other_h_0 : numpy.ndarray
        (1, N), the two initial states.
    activation : str or Activation
        φ.

    Returns
    -------
    numpy.ndarray
        (T+1,), ‖h_t - h'_t‖₂ for t = 0 to T.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    The network has the echo state property under an input if this tends to 0 for all pairs of
    starts: the state is then a function of the input alone. Jaeger 2001; notebook 03.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(1, 4, 1, np.random.default_rng(0), gain=0.3)
    >>> distance = state_distance(params, np.ones((50, 1, 1)), np.zeros((1, 4)), np.ones((1, 4)))
    >>> float(distance[0]), bool(distance[-1] < 1e-12)
    (2.0, True)
    """
    D, N, _ = check_params(params).sizes
    check_array("x", x, "T B D", B=1, D=D)
    check_array("h_0", h_0, "B N", B=1, N=N)
    check_array("other_h_0", other_h_0, "B N", B=1, N=N)
    runs = [unroll(params, x, start, activation).states[:, 0] for start in (h_0, other_h_0)]
    return np.linalg.norm(runs[0] - runs[1], axis=1)


def _check_discard(discard: int, T: int) -> None:
    if not isinstance(discard, int | np.integer) or not 0 <= discard < T:
        raise ValueError(
            f"discard is {discard!r}; expected a whole number from 0 to {T - 1}, as there are "
            f"{T} steps."
        )
