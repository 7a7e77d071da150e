"""Step Jacobians, their products over many steps, and what each lag adds to the gradient."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rnncourse.cell import RNNParams, check_params
from rnncourse.unroll import Trace
from rnncourse.validation import check_array


def step_jacobians(params: RNNParams, trace: Trace) -> np.ndarray:
    r"""Compute the Jacobian of every step of a forward pass.

    .. math:: J_t = \frac{\partial h_t}{\partial h_{t-1}} = D_t W_{hh}, \quad
              D_t = \operatorname{diag} \phi'(a_t) \tag{3.1}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T, B, N, N): entry [t, b, i, j] is ∂h_i/∂h_j of sequence b at step t + 1.

    Raises
    ------
    ValueError
        If the trace was made with parameters of other sizes.

    Notes
    -----
    Row = what changes, column = what it is changed by. Pascanu, Mikolov & Bengio 2013, §2;
    notebook 03.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.unroll import unroll
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> step_jacobians(params, unroll(params, rng.standard_normal((4, 1, 3)))).shape
    (4, 1, 5, 5)
    """
    N = check_params(params).sizes[1]
    check_array("trace.a", trace.a, "T B N", N=N, like=params.W_hh)
    slopes = trace.activation.dphi(trace.a)
    return slopes[:, :, :, None] * params.W_hh  # row i of W times slope i  (3.1)


class ScaledMatrix(NamedTuple):
    """A matrix too large or too small for floating point: ``exp(log_scale) * matrix``.

    Parameters
    ----------
    matrix : numpy.ndarray
        (N, N), of Frobenius norm 1, or zero.
    log_scale : float
        Natural logarithm of the factor before it; minus infinity for the zero matrix.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> product(np.full((10_000, 1, 1), 0.5)).log_norm()   # 0.5^10000 is zero as a float
    -6931.4...
    """

    matrix: np.ndarray
    log_scale: float

    def log_norm(self, ord: Any = 2) -> float:
        """Natural logarithm of the norm: 1, 2, ``numpy.inf`` or ``"fro"``."""
        with np.errstate(divide="ignore"):
            return float(self.log_scale + np.log(np.linalg.norm(self.matrix, ord)))


def products_by_lag(J: np.ndarray) -> Iterator[ScaledMatrix]:
    r"""Multiply step Jacobians from the newest back: lag 1, lag 2, and so on.

    .. math::
        J_{T:T-\ell} = J_T J_{T-1} \cdots J_{T-\ell+1} = e^{s_\ell} P_\ell, \quad
        e^{s_\ell} P_\ell = e^{s_{\ell-1}} P_{\ell-1}\, J_{T-\ell+1}, \quad
        \|P_\ell\|_F = 1 \tag{3.2}

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence in the order of time.

    Yields
    ------
    ScaledMatrix
        J_{T:T-1}, then J_{T:T-2}, to J_{T:0}; nothing overflows or vanishes on the way.

    Raises
    ------
    TypeError, ValueError
        If `J` is no float array of square matrices, or is not finite.

    Notes
    -----
    The order of a gradient, which starts at the last state. The norm is taken out at each step, as
    in Benettin's method for Lyapunov exponents. Notebook 03.

    Examples
    --------
    >>> J = np.array([[[2.0]], [[3.0]]])
    >>> [round(p.log_norm(), 4) for p in products_by_lag(J)] == [1.0986, 1.7918]  # ln 3, ln 6
    True
    """
    N = check_jacobians(J).shape[1]
    P, log_scale = np.eye(N), 0.0
    for J_t in J[::-1]:
        P = P @ J_t  # older factors on the right  (3.2)
        size = np.linalg.norm(P)
        if size == 0:
            log_scale = -np.inf
        else:
            P, log_scale = P / size, log_scale + np.log(size)
        yield ScaledMatrix(P, log_scale)


def product(J: np.ndarray) -> ScaledMatrix:
    """Multiply all step Jacobians, the newest on the left: J_{T:0}.

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence in the order of time.

    Returns
    -------
    ScaledMatrix
        The product, with its scale as a logarithm.

    Raises
    ------
    TypeError, ValueError
        If `J` is no float array of square matrices, or is not finite.

    Notes
    -----
    The last of `products_by_lag`; see (3.2). Notebook 03.

    Examples
    --------
    >>> product(np.array([[[2.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]])).matrix * 12**0.5
    array([[3., 1.],
           [1., 1.]])
    """
    *_, last = products_by_lag(J)
    return last


def log_norms_by_lag(J: np.ndarray, ord: Any = 2) -> np.ndarray:
    """Measure how much a small change of an earlier state can matter to the last one, by lag.

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence in the order of time.
    ord : {1, 2, numpy.inf, "fro"}
        The norm.

    Returns
    -------
    numpy.ndarray
        (T,): entry ℓ-1 is ln ‖J_{T:T-ℓ}‖.

    Raises
    ------
    TypeError, ValueError
        If `J` is no float array of square matrices, or is not finite.

    Notes
    -----
    Finite at any lag, unless the product is exactly zero. Notebook 03.

    Examples
    --------
    >>> log_norms_by_lag(np.full((3, 1, 1), np.e)).round(12)
    array([1., 2., 3.])
    """
    return np.array([p.log_norm(ord) for p in products_by_lag(J)])


def log_singular_values_by_lag(J: np.ndarray) -> np.ndarray:
    """Measure by how much the product stretches each of its N directions, by lag.

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence in the order of time.

    Returns
    -------
    numpy.ndarray
        (T, N): row ℓ-1 holds ln σ_i(J_{T:T-ℓ}), the largest first; nan for a singular value so
        much smaller than the largest that it is lost in rounding.

    Raises
    ------
    TypeError, ValueError
        If `J` is no float array of square matrices, or is not finite.

    Notes
    -----
    Lost means below N · 2.2e-16 of the largest. Notebook 03.

    Examples
    --------
    >>> J = np.array([np.diag([2.0, 1e-9])] * 2)
    >>> log_singular_values_by_lag(J).round(2)
    array([[  0.69, -20.72],
           [  1.39,    nan]])
    """
    fan = []
    for p in products_by_lag(J):
        sigma = np.linalg.svd(p.matrix, compute_uv=False)
        lost = sigma <= len(sigma) * np.finfo(sigma.dtype).eps * sigma[0]
        fan.append(np.log(np.where(lost, np.nan, sigma)) + p.log_scale)
    return np.array(fan)


def gradient_by_lag(params: RNNParams, trace: Trace, dL_dy: np.ndarray) -> np.ndarray:
    r"""Split dL/dW_hh by the number of steps between a loss and the use of the weights.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_{\ell=0}^{T-1} G_\ell, \qquad
        G_\ell = \sum_{t=\ell+1}^{T} C_{t,\,t-\ell} \tag{3.14}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    numpy.ndarray
        (T, N, N): entry [ℓ] is G_ℓ, summed over the batch.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    C_tk as in (2.6). All pairs of one lag are carried back together, so the whole split costs T
    matrix products. Pascanu, Mikolov & Bengio 2013, §2.1: the temporal contributions; notebook 03.

    Examples
    --------
    >>> from rnncourse.bptt import bptt
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.unroll import unroll
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace, dL_dy = unroll(params, rng.standard_normal((4, 1, 3))), np.ones((4, 1, 2))
    >>> G = gradient_by_lag(params, trace, dL_dy)
    >>> np.allclose(G.sum(axis=0), bptt(params, trace, dL_dy).dL_dW_hh)
    True
    """
    _, N, K = check_params(params).sizes
    T, B = trace.a.shape[:2]
    check_array("trace.a", trace.a, "T B N", N=N, like=params.W_hh)
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    slopes = trace.activation.dphi(trace.a)
    delta = slopes * (dL_dy @ params.W_hy)  # of each loss, at the step of its own output
    G = np.empty((T, N, N), dtype=delta.dtype)
    for lag in range(T):
        G[lag] = np.einsum("tbi,tbj->ij", delta, trace.h_prev[: T - lag])  # (3.14)
        delta = slopes[: T - lag - 1] * (delta[1:] @ params.W_hh)  # each one step further back
    return G


def random_truncation_weights(cut: np.ndarray, probability: np.ndarray) -> np.ndarray:
    r"""Weigh each pair of steps so that a gradient cut at random is right on average.

    .. math::
        w_{tk} = \prod_{i=k+1}^{t} \frac{x_i}{1 - c_i}, \qquad
        x_i = 0 \text{ with probability } c_i, \text{ else } 1; \qquad
        \mathbb{E}\, w_{tk} = 1 \tag{3.16}

    Parameters
    ----------
    cut : numpy.ndarray
        (T,) of bool: whether the gradient stops on its way from step t back to step t-1.
    probability : numpy.ndarray
        (T,): c_t, the probability of each cut, at least 0 and below 1.

    Returns
    -------
    numpy.ndarray
        (T, T): entry [t, k] is the factor of C_tk; zero for k > t.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or a probability is not in [0, 1).

    Notes
    -----
    Tallec & Ollivier 2017, "Unbiasing truncated backpropagation through time" (ARTBP). Unbiased,
    but the variance grows with the lag. Notebook 03.

    Examples
    --------
    >>> random_truncation_weights(np.array([False, False, True]), np.full(3, 0.5))
    array([[1., 0., 0.],
           [2., 1., 0.],
           [0., 0., 1.]])
    """
    T = len(check_array("cut", cut, "T", kind="bool"))
    check_array("probability", probability, "T", T=T)
    if probability.min() < 0 or probability.max() >= 1:
        raise ValueError(
            f"probability runs from {probability.min()} to {probability.max()}; expected values of "
            f"at least 0 and below 1: a gradient that is always cut cannot be made right."
        )
    factor = np.where(cut, 0.0, 1 / (1 - probability))
    weights = np.eye(T)
    for t in range(1, T):
        weights[t, :t] = factor[t] * weights[t - 1, :t]  # (3.16)
    return weights


def check_jacobians(J: np.ndarray) -> np.ndarray:
    """Return the step Jacobians if they are square matrices of finite numbers.

    Parameters
    ----------
    J : numpy.ndarray
        (T, N, N), the step Jacobians of one sequence in the order of time.

    Returns
    -------
    numpy.ndarray
        `J` itself.

    Raises
    ------
    TypeError, ValueError
        If `J` is no float array of square matrices, or is not finite.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> check_jacobians(np.ones((4, 2, 3)))
    Traceback (most recent call last):
    ...
    ValueError: J has shape (4, 2, 3); expected (T, N, N) with N = 3.
    """
    return check_array("J", J, "T N N", N=np.shape(J)[-1] if np.ndim(J) else 0)
