"""Powers of one matrix: what the spectral radius decides, and what the norm decides.

The linear network is the case in which all step Jacobians are the same matrix W. Bounds are natural
logarithms: entry t-1 belongs to W^t.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import schur
from scipy.special import gammaln, logsumexp

from rnncourse.jacobians import log_norms_by_lag
from rnncourse.validation import check_array


def spectral_radius(W: np.ndarray) -> float:
    r"""Compute the largest modulus of an eigenvalue.

    .. math:: \rho(W) = \max_i |\lambda_i(W)| = \lim_{t \to \infty} \|W^t\|^{1/t} \tag{3.8}

    Parameters
    ----------
    W : numpy.ndarray
        (N, N).

    Returns
    -------
    float
        ρ(W), at most ‖W‖ in every operator norm.

    Raises
    ------
    TypeError, ValueError
        If `W` is no square float matrix.

    Notes
    -----
    The limit is Gelfand's formula: ρ is what the norm of a power comes to per step, after however
    many steps that takes. Horn & Johnson 2013, §5.6; notebook 03.

    Examples
    --------
    >>> spectral_radius(np.array([[0.9, 10.0], [0.0, 0.9]]))
    0.9
    """
    return float(np.abs(np.linalg.eigvals(check_square(W))).max())  # (3.8)


def departure_from_normality(W: np.ndarray) -> float:
    r"""Compute Henrici's departure from normality.

    .. math:: \|N\|_F = \Big(\|W\|_F^2 - \sum_i |\lambda_i|^2\Big)^{1/2}, \qquad
              W = Q (\Lambda + N) Q^* \tag{3.10}

    where Q is unitary, Λ diagonal and N strictly upper triangular (Schur).

    Parameters
    ----------
    W : numpy.ndarray
        (N, N).

    Returns
    -------
    float
        ‖N‖_F: 0 exactly for a normal matrix (W Wᵀ = Wᵀ W), and then ‖W‖_2 = ρ(W).

    Raises
    ------
    TypeError, ValueError
        If `W` is no square float matrix.

    Notes
    -----
    Read off the Schur form, because the difference of squares cancels. Henrici 1962; notebook 03.

    Examples
    --------
    >>> departure_from_normality(np.array([[0.9, 10.0], [0.0, 0.9]]))
    10.0
    """
    triangular, _ = schur(check_square(W), output="complex")
    return float(np.linalg.norm(np.triu(triangular, 1)))  # (3.10)


class PowerBounds(NamedTuple):
    """The norm of each power of a matrix, and what bounds it.

    Parameters
    ----------
    measured : numpy.ndarray
        (T,), ln ‖W^t‖_2.
    radius : numpy.ndarray
        (T,), t ln ρ(W): a bound from below.
    norm : numpy.ndarray
        (T,), t ln ‖W‖_2: a bound from above.
    eigenvectors : numpy.ndarray
        (T,), ln κ(V) + t ln ρ(W): from above, infinite if W has no basis of eigenvectors.
    henrici : numpy.ndarray
        (T,), from above, by the departure from normality.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> bounds = power_bounds(np.array([[0.9, 10.0], [0.0, 0.9]]), T=200)
    >>> print(np.argmax(bounds.measured) + 1, round(float(np.exp(bounds.measured.max())), 1))
    9 38.7
    """

    measured: np.ndarray
    radius: np.ndarray
    norm: np.ndarray
    eigenvectors: np.ndarray
    henrici: np.ndarray


def power_bounds(W: np.ndarray, T: int) -> PowerBounds:
    r"""Measure the norms of W, W², …, W^T, and bound them.

    .. math::
        \rho^t \le \|W^t\| \le \|W\|^t \tag{3.9}

        \|W^t\| \le \kappa(V)\, \rho^t, \qquad W = V \Lambda V^{-1}, \quad
        \kappa(V) = \|V\| \|V^{-1}\| \tag{3.11}

        \|W^t\| \le \sum_{j=0}^{\min(t, n-1)} \binom{t}{j} \rho^{t-j} \|N\|_F^j \tag{3.12}

    with n the size of W (N of the network) and N its non-normal part (3.10).

    Parameters
    ----------
    W : numpy.ndarray
        (N, N).
    T : int
        The highest power, at least 1.

    Returns
    -------
    PowerBounds
        Logarithms by power.

    Raises
    ------
    TypeError, ValueError
        If `W` is no square float matrix, or `T` is below 1.

    Notes
    -----
    (3.11) needs a basis of eigenvectors; (3.12), Henrici 1962, holds for every matrix. Trefethen &
    Embree 2005, §14-16; notebook 03.

    Examples
    --------
    >>> bounds = power_bounds(np.diag([0.5, -2.0]), T=3)       # normal: all of them are equal
    >>> [bool(np.allclose(b, bounds.measured)) for b in bounds]
    [True, True, True, True, True]
    """
    n = len(check_square(W))
    if T < 1:
        raise ValueError(f"T is {T}; expected at least 1, the first power.")
    t, rho, departure = np.arange(1, T + 1), spectral_radius(W), departure_from_normality(W)
    with np.errstate(divide="ignore", invalid="ignore"):
        V = np.linalg.eig(W).eigenvectors
        defective = np.linalg.svd(V, compute_uv=False)[-1] < n * np.finfo(float).eps
        log_kappa = np.inf if defective else np.log(np.linalg.cond(V))
        log_rho, log_departure = np.log(rho), np.log(departure)
        j = np.arange(n)
        terms = [_log_binomial(p, j) + _times(p - j, log_rho) + _times(j, log_departure) for p in t]
    return PowerBounds(
        measured=log_norms_by_lag(np.broadcast_to(W, (T, n, n))),
        radius=t * log_rho,  # (3.9)
        norm=t * np.log(np.linalg.norm(W, 2)) if W.any() else np.full(T, -np.inf),  # (3.9)
        eigenvectors=np.full(T, np.inf) if defective else log_kappa + t * log_rho,  # (3.11)
        henrici=logsumexp(terms, axis=1),  # (3.12)
    )


def kreiss_lower_bound(W: np.ndarray, distances: np.ndarray | None = None) -> float:
    r"""Bound the hump of ‖W^t‖ from below, without computing a power.

    .. math::
        K(W) = \sup_{|z| > 1} (|z| - 1)\, \|(zI - W)^{-1}\|, \qquad
        K \le \sup_{t \ge 0} \|W^t\| \le e\, n\, K \tag{3.13}

    Parameters
    ----------
    W : numpy.ndarray
        (N, N) with ρ(W) < 1.
    distances : numpy.ndarray, optional
        (M,), the |z| - 1 > 0 to try, each on a circle of 256 points; 1e-4 to 10 if not given.

    Returns
    -------
    float
        The largest value on the grid: at most K, so a bound of the hump from below only.

    Raises
    ------
    ValueError
        If ρ(W) ≥ 1: then K is infinite, or only a grid beyond this one would show that it is not.

    Notes
    -----
    Kreiss's matrix theorem in the sharp form of Spijker 1991; Trefethen & Embree 2005, §18;
    notebook 03.

    Examples
    --------
    >>> W = np.array([[0.9, 10.0], [0.0, 0.9]])
    >>> bool(1 < kreiss_lower_bound(W) <= np.exp(power_bounds(W, T=200).measured.max()))
    True
    """
    n, rho = len(check_square(W)), spectral_radius(W)
    if rho >= 1:
        raise ValueError(f"W has spectral radius {rho:.6g}; expected less than 1.")
    distances = np.logspace(-4, 1, 60) if distances is None else distances
    check_array("distances", distances, "M")
    if distances.min() <= 0:
        raise ValueError(f"distances contain {distances.min()}; expected positive numbers.")
    circle = np.exp(2j * np.pi * np.arange(256) / 256)
    z = (1 + distances)[:, None] * circle
    smallest = np.linalg.svd(z[..., None, None] * np.eye(n) - W, compute_uv=False)[..., -1]
    return float((distances[:, None] / smallest).max())  # (3.13)


def check_square(W: np.ndarray) -> np.ndarray:
    """Return the matrix if it is square, of floats, and finite.

    Parameters
    ----------
    W : numpy.ndarray
        (N, N).

    Returns
    -------
    numpy.ndarray
        `W` itself.

    Raises
    ------
    TypeError, ValueError
        If it is not.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> check_square(np.ones((2, 3)))
    Traceback (most recent call last):
    ...
    ValueError: W has shape (2, 3); expected (N, N) with N = 3.
    """
    return check_array("W", W, "N N", N=np.shape(W)[-1] if np.ndim(W) else 0)


def _log_binomial(t: int, j: np.ndarray) -> np.ndarray:
    """Compute ln of t over j; minus infinity for j > t."""
    log = gammaln(t + 1) - gammaln(j + 1) - gammaln(np.maximum(t - j, 0) + 1)
    return np.where(j <= t, log, -np.inf)


def _times(count: np.ndarray, log: float) -> np.ndarray:
    """Multiply, with 0 · (-inf) = 0: a power of exponent zero is 1, also of zero."""
    return np.where(count == 0, 0.0, np.where(count > 0, count * log, -np.inf))
