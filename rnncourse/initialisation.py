"""Where training starts: recurrent weights whose norm is known, and biases that set a memory.

The scale of W_hh decides the size of every step Jacobian D_t W_hh at the first update; the bias of
a gate decides how long a gated cell remembers before it has learnt anything.
"""

from typing import Any

import numpy as np

from rnncourse.cell import RNNParams, init_params
from rnncourse.powers import spectral_radius
from rnncourse.validation import check_array


def small_normal(
    rows: int,
    columns: int,
    rng: np.random.Generator,
    scale: float = 0.01,
    dtype: type = np.float64,
) -> np.ndarray:
    r"""Draw normal weights of one small standard deviation, whatever the size of the matrix.

    .. math:: W_{ij} \sim \mathcal{N}(0, s^2): \quad \|W\|_2 \approx s\,(\sqrt{\text{rows}}
              + \sqrt{\text{columns}}), \quad \rho(W) \approx s \sqrt N \tag{5.11}

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix.
    rng : numpy.random.Generator
        The source of randomness.
    scale : float
        The standard deviation s.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (rows, columns).

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, `scale` not positive, or `rng` no Generator.

    Notes
    -----
    The approximations are limits for large matrices (Geman 1980; Girko's circular law). With
    s = 0.01 the spectral radius passes 1 at N = 10,000 only. Notebook 05.

    Examples
    --------
    >>> W = small_normal(400, 400, np.random.default_rng(0))
    >>> bool(abs(np.linalg.norm(W, 2) - 0.4) < 0.02)
    True
    """
    _check(rng, rows=rows, columns=columns)
    _check_positive("scale", scale)
    return (scale * rng.standard_normal((rows, columns))).astype(dtype)  # (5.11)


def scaled_normal(
    rows: int, columns: int, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64
) -> np.ndarray:
    r"""Draw normal weights whose sum over the inputs keeps its variance.

    .. math:: W_{ij} \sim \mathcal{N}(0, g^2 / \text{columns}): \quad
              \rho(W) \approx g, \quad \|W\|_2 \approx 2 g \quad (N \times N) \tag{5.12}

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix.
    rng : numpy.random.Generator
        The source of randomness.
    gain : float
        The factor g.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (rows, columns).

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, `gain` not positive, or `rng` no Generator.

    Notes
    -----
    `rnncourse.cell.init_params` draws all its matrices so. LeCun et al. 1998, "Efficient
    BackProp", §4.6; notebooks 03 and 05.

    Examples
    --------
    >>> W = scaled_normal(400, 400, np.random.default_rng(0))
    >>> bool(abs(np.linalg.norm(W, 2) - 2) < 0.1)
    True
    """
    _check(rng, rows=rows, columns=columns)
    _check_positive("gain", gain)
    return (gain / np.sqrt(columns) * rng.standard_normal((rows, columns))).astype(dtype)  # (5.12)


def sparse_normal(
    N: int,
    rng: np.random.Generator,
    connections: int = 15,
    radius: float = 0.95,
    dtype: type = np.float64,
) -> np.ndarray:
    r"""Draw a few incoming weights for each unit, and scale the matrix to a given radius.

    .. math:: W = \frac{\rho^*}{\rho(S)}\, S, \quad
              S \text{ with } c \text{ normal entries in each row, else } 0 \tag{5.13}

    Parameters
    ----------
    N : int
        Number of units, at least `connections`.
    rng : numpy.random.Generator
        The source of randomness.
    connections : int
        The number c of weights that arrive at each unit.
    radius : float
        The spectral radius ρ* of the result.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (N, N).

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, `radius` not positive, `rng` no Generator, or
        `connections` exceeds `N`.

    Notes
    -----
    The "smart tanh" start of Pascanu, Mikolov & Bengio 2013, §4.1: the standard deviation of S
    cancels. Every row has an entry, so S has a cycle and ρ(S) > 0. Notebook 05.

    Examples
    --------
    >>> W = sparse_normal(50, np.random.default_rng(0))
    >>> round(spectral_radius(W), 6), set((W != 0).sum(axis=1).tolist())
    (0.95, {15})
    """
    _check(rng, N=N, connections=connections)
    _check_positive("radius", radius)
    if connections > N:
        raise ValueError(f"connections is {connections}; expected at most N = {N}.")
    S = np.zeros((N, N))
    for row in S:
        row[rng.choice(N, connections, replace=False)] = rng.standard_normal(connections)
    return (radius / spectral_radius(S) * S).astype(dtype)  # (5.13)


def orthogonal(
    rows: int, columns: int, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64
) -> np.ndarray:
    r"""Draw a matrix with orthonormal columns (or rows), all directions equally likely.

    .. math:: A_{ij} \sim \mathcal{N}(0, 1), \quad A = Q R, \quad
              W = g\, Q \operatorname{diag}(\operatorname{sign} R_{ii}), \quad
              W^\top W = g^2 I \tag{5.14}

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix. With more columns than rows it is W Wᵀ that is g² I.
    rng : numpy.random.Generator
        The source of randomness.
    gain : float
        The factor g: all singular values are g.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (rows, columns).

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, `gain` not positive, or `rng` no Generator.

    Notes
    -----
    With the signs the factor is unique: that of UA is U times that of A, for every orthogonal U.
    As UA is distributed like A, so is UW like W: the distribution is Haar's. Without the signs it
    depends on the QR routine. Mezzadri 2007; Saxe, McClelland & Ganguli 2014; Henaff, Szlam &
    LeCun 2016. Notebook 05.

    Examples
    --------
    >>> W = orthogonal(5, 3, np.random.default_rng(0), gain=2.0)
    >>> bool(np.allclose(W.T @ W, 4 * np.eye(3)))
    True
    """
    _check(rng, rows=rows, columns=columns)
    _check_positive("gain", gain)
    Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    W = gain * Q * np.sign(np.diag(R))  # (5.14)
    return (W if rows >= columns else W.T).astype(dtype, order="C")


def identity_recurrent(N: int, gain: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    r"""Return recurrent weights with which every unit hands its state to itself alone.

    .. math:: W_{hh} = g\, I, \quad J_t = g\, D_t \tag{5.15}

    Parameters
    ----------
    N : int
        Number of units.
    gain : float
        The factor g.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (N, N).

    Raises
    ------
    ValueError
        If `N` is not a positive whole number, or `gain` not positive.

    Notes
    -----
    With ReLU, g = 1 and a_t > 0, J_t is the identity; a unit with a_t <= 0 forgets at once and
    passes no gradient. Le, Jaitly & Hinton 2015, §2; notebook 05.

    Examples
    --------
    >>> identity_recurrent(2, 0.5)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    _check(N=N)
    _check_positive("gain", gain)
    return gain * np.eye(N, dtype=dtype)  # (5.15)


def irnn_params(
    D: int, N: int, K: int, rng: np.random.Generator, *, scale: float = 0.001,
    dtype: type = np.float64,
) -> RNNParams:  # fmt: skip
    r"""Draw the start of an IRNN: to be used with ReLU.

    .. math:: W_{hh} = I, \quad b_h = b_y = 0, \quad
              W_{xh}, W_{hy} \sim \mathcal{N}(0, s^2) \tag{5.16}

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness.
    scale : float
        The standard deviation s of the weights that are not recurrent.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    RNNParams
        Fresh arrays.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, `scale` not positive, or `rng` no Generator.

    Notes
    -----
    Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear
    units", §2 and §3. Notebook 05.

    Examples
    --------
    >>> irnn_params(3, 2, 1, np.random.default_rng(0)).W_hh
    array([[1., 0.],
           [0., 1.]])
    """
    _check(rng, D=D, N=N, K=K)
    W_xh = small_normal(N, D, rng, scale, dtype)
    W_hy = small_normal(K, N, rng, scale, dtype)
    zeros = np.zeros(N, dtype), np.zeros(K, dtype)
    return RNNParams(W_xh, identity_recurrent(N, dtype=dtype), W_hy, *zeros)  # (5.16)


def recurrent_starts(
    D: int, N: int, K: int, rng: np.random.Generator, dtype: type = np.float64
) -> dict[str, RNNParams]:
    """Draw parameters that differ in W_hh only, to compare the starts with one another.

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    dict of str to RNNParams
        By name; the other weights are those of `rnncourse.cell.init_params`.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, or `rng` no Generator.

    Notes
    -----
    The sparse start has 15 weights per unit, or N if that is fewer. Notebook 05.

    Examples
    --------
    >>> list(recurrent_starts(3, 5, 2, np.random.default_rng(0)))
    ['0.01 normal', 'scaled normal', 'sparse normal', 'orthogonal', 'identity']
    """
    params = init_params(D, N, K, rng, dtype=dtype)
    W_hh = {
        "0.01 normal": small_normal(N, N, rng, dtype=dtype),
        "scaled normal": params.W_hh,
        "sparse normal": sparse_normal(N, rng, min(15, N), dtype=dtype),
        "orthogonal": orthogonal(N, N, rng, dtype=dtype),
        "identity": identity_recurrent(N, dtype=dtype),
    }
    return {name: params._replace(W_hh=W) for name, W in W_hh.items()}


def forget_gate_bias(N: int, value: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    r"""Return one bias for all forget gates: open from the start if it is positive.

    .. math:: b_f = b, \quad f = \operatorname{logistic}(b) \text{ at zero input and state}
              \tag{5.17}

    Parameters
    ----------
    N : int
        Number of cells.
    value : float
        The bias b; 0 halves the cell at every step, 1 keeps 73 % of it.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        (N,).

    Raises
    ------
    ValueError
        If `N` is not a positive whole number, or `value` not finite.

    Notes
    -----
    Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015 recommend 1. Notebooks
    05 and 06.

    Examples
    --------
    >>> forget_gate_bias(3)
    array([1., 1., 1.])
    """
    _check(N=N)
    if not np.isfinite(value):
        raise ValueError(f"value is {value!r}; expected a finite number.")
    return np.full(N, value, dtype)  # (5.17)


def chrono_bias(
    N: int, T_max: float, rng: np.random.Generator, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw gate biases that spread the memory of the cells over all lags up to T_max.

    .. math:: b_f = \ln u, \quad u \sim \operatorname{Uniform}[1, T_{\max} - 1], \quad
              b_i = -b_f \tag{5.19}

    Parameters
    ----------
    N : int
        Number of cells.
    T_max : float
        The longest lag that matters, in steps, more than 2.
    rng : numpy.random.Generator
        The source of randomness.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    tuple of numpy.ndarray
        b_f and b_i, each (N,).

    Raises
    ------
    TypeError, ValueError
        If `N` is not a positive whole number, `T_max` not above 2, or `rng` no Generator.

    Notes
    -----
    Input and forget gate then sum to 1, as in a leaky unit. Tallec & Ollivier 2018, §2; notebook 06
    trains with it.

    Examples
    --------
    >>> b_f, b_i = chrono_bias(1000, 50, np.random.default_rng(0))
    >>> tau = memory_steps(b_f)
    >>> bool(2 <= tau.min() < tau.max() <= 50), bool((b_i == -b_f).all())
    (True, True)
    """
    _check(rng, N=N)
    if not 2 < T_max < np.inf:
        raise ValueError(f"T_max is {T_max!r}; expected a number of steps above 2.")
    b_f = np.log(rng.uniform(1, T_max - 1, N)).astype(dtype)  # (5.19)
    return b_f, -b_f  # (5.19)


def memory_steps(b_f: np.ndarray) -> np.ndarray:
    r"""Compute how many steps a cell remembers at zero input and state.

    .. math:: \tau = \sum_{t=0}^{\infty} f^t = \frac{1}{1 - f} = 1 + e^{b_f}, \quad
              f = \operatorname{logistic}(b_f) \tag{5.18}

    Parameters
    ----------
    b_f : numpy.ndarray
        (N,), biases of the forget gates.

    Returns
    -------
    numpy.ndarray
        (N,), in steps.

    Raises
    ------
    TypeError, ValueError
        If `b_f` is no float array (N,), or is not finite.

    Notes
    -----
    Chrono initialisation makes it uniform on [2, T_max]. The time in which f^t falls to 1/e is
    shorter by 1/2 to 1: `rnncourse.cell_path.gate_time_constant`. Notebook 06.

    Examples
    --------
    >>> memory_steps(np.log([1.0, 9.0, 99.0])).round(9)
    array([  2.,  10., 100.])
    """
    return 1 + np.exp(check_array("b_f", b_f, "N"))  # (5.18)


def _check(rng: Any = ..., **sizes: Any) -> None:
    """Refuse a size that is not a positive whole number, and what is no generator, if given."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} is {size!r}; expected a whole number of at least 1.")
    if rng is not ... and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value!r}; expected a positive finite number.")
