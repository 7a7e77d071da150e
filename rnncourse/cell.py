"""One time step of the basic recurrent network: parameters, activations, `step`."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncourse.validation import check_array


class Activation(NamedTuple):
    r"""An activation function φ together with its derivative φ'.

    Both take the **pre-activation** `a`. That 1 - h² is "the derivative of tanh" is true because
    it is φ'(a) written in h = tanh(a); φ'(h) is another number.

    Parameters
    ----------
    name : str
        For messages and figures.
    phi : Callable
        φ, elementwise, array to array.
    dphi : Callable
        φ', elementwise, as a function of `a`; returns a new array.

    Notes
    -----
    The field's other letter for φ, σ, is kept for standard deviations. Notebook 01.

    Examples
    --------
    >>> a = np.array([2.0])
    >>> TANH.dphi(a).round(4), TANH.dphi(TANH.phi(a)).round(4)   # φ'(a) is not φ'(h)
    (array([0.0707]), array([0.4434]))
    """

    name: str
    phi: Callable[[np.ndarray], np.ndarray]
    dphi: Callable[[np.ndarray], np.ndarray]


def _dtanh(a: np.ndarray) -> np.ndarray:
    d = np.tanh(a)
    d *= d
    return np.subtract(1, d, out=d)  # 1 - tanh(a)², in place: one array, not three


def _logistic(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * a))  # = 1 / (1 + exp(-a)) without overflow


def _dlogistic(a: np.ndarray) -> np.ndarray:
    return _logistic(a) * _logistic(-a)


TANH = Activation("tanh", np.tanh, _dtanh)
RELU = Activation("relu", lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(a.dtype))
LOGISTIC = Activation("logistic", _logistic, _dlogistic)
IDENTITY = Activation("identity", np.positive, np.ones_like)
ACTIVATIONS = {f.name: f for f in (TANH, RELU, LOGISTIC, IDENTITY)}


def get_activation(activation: str | Activation) -> Activation:
    """Return the activation of this name, or the given one itself.

    Parameters
    ----------
    activation : str or Activation
        ``"tanh"``, ``"relu"``, ``"logistic"``, ``"identity"``, or one of your own.

    Returns
    -------
    Activation
        The pair φ, φ'.

    Raises
    ------
    ValueError
        If no activation has this name.

    Notes
    -----
    At its kink a = 0 the ReLU is given the slope 0, as in torch. Notebook 01.

    Examples
    --------
    >>> get_activation("tanh").phi(np.zeros(2))
    array([0., 0.])
    """
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation is {activation!r}; expected one of {', '.join(ACTIVATIONS)}, "
            f"or an Activation(name, phi, dphi) of your own."
        )
    return ACTIVATIONS[activation]


class RNNParams(NamedTuple):
    r"""The five parameters of the basic RNN; the fields are the symbols of the equations.

    Parameters
    ----------
    W_xh : numpy.ndarray
        (N, D), from the input to the hidden state.
    W_hh : numpy.ndarray
        (N, N), from the previous hidden state to the next.
    W_hy : numpy.ndarray
        (K, N), from the hidden state to the output.
    b_h : numpy.ndarray
        (N,), bias of the hidden state.
    b_y : numpy.ndarray
        (K,), bias of the output.

    Notes
    -----
    D inputs, N hidden units, K outputs. The tuple is a container: functions that use it check it
    (`check_params`), and an update makes a new one. Notebook 01.

    Examples
    --------
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> params.W_hh.shape, params.sizes
    ((5, 5), (3, 5, 2))
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    W_hy: np.ndarray
    b_h: np.ndarray
    b_y: np.ndarray

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, N, K): inputs, hidden units, outputs."""
        return self.W_xh.shape[1], self.W_xh.shape[0], self.W_hy.shape[0]


def check_params(params: RNNParams) -> RNNParams:
    """Return the parameters if their shapes fit each other and they are finite, of one dtype.

    Parameters
    ----------
    params : RNNParams
        The five arrays.

    Returns
    -------
    RNNParams
        The same object.

    Raises
    ------
    TypeError
        If an argument is no `RNNParams`, or the dtypes differ.
    ValueError
        If a shape does not fit, or an entry is nan or inf.

    Notes
    -----
    N and D are read off W_xh, K off W_hy; the others have to agree. Notebook 01.

    Examples
    --------
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> check_params(params._replace(b_h=np.zeros((5, 1))))
    Traceback (most recent call last):
    ...
    ValueError: b_h has shape (5, 1); expected (N,) with N = 5.
    """
    if not isinstance(params, RNNParams):
        raise TypeError(
            f"params is a {type(params).__name__}; expected RNNParams(W_xh, W_hh, W_hy, b_h, b_y)."
        )
    like = check_array("W_xh", params.W_xh, "N D")
    N = len(params.W_xh)
    check_array("W_hh", params.W_hh, "N N", N=N, like=like)
    check_array("W_hy", params.W_hy, "K N", N=N, like=like)
    check_array("b_h", params.b_h, "N", N=N, like=like)
    check_array("b_y", params.b_y, "K", K=len(params.W_hy), like=like)
    return params


def init_params(
    D: int, N: int, K: int, rng: np.random.Generator, *, gain: float = 1.0, dtype: type = np.float64
) -> RNNParams:
    r"""Draw weights with standard deviation gain/√(number of inputs), and biases of zero.

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness, for example ``np.random.default_rng(0)``.
    gain : float
        Scales all three weight matrices. With N units the spectral radius of W_hh is near `gain`.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    RNNParams
        Fresh arrays.

    Raises
    ------
    ValueError
        If a size is not a positive whole number.
    TypeError
        If `rng` is no Generator.

    Notes
    -----
    A fixed scale such as 0.01 makes the recurrent weights weaker the fewer units there are;
    notebook 03 measures what that does. LeCun et al. 1998, "Efficient BackProp", §4.6.

    Examples
    --------
    >>> init_params(3, 5, 2, np.random.default_rng(0), dtype=np.float32).W_xh.dtype
    dtype('float32')
    """
    for name, size in (("D", D), ("N", N), ("K", K)):
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} is {size!r}; expected a whole number of at least 1.")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")

    def draw(rows: int, columns: int) -> np.ndarray:
        return (gain / np.sqrt(columns) * rng.standard_normal((rows, columns))).astype(dtype)

    return RNNParams(
        draw(N, D), draw(N, N), draw(K, N), np.zeros(N, dtype=dtype), np.zeros(K, dtype=dtype)
    )


class Step(NamedTuple):
    """What one time step computes.

    Parameters
    ----------
    a : numpy.ndarray
        (B, N), pre-activation a_t.
    h : numpy.ndarray
        (B, N), hidden state h_t.
    y : numpy.ndarray
        (B, K), output y_t.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> Step._fields
    ('a', 'h', 'y')
    """

    a: np.ndarray
    h: np.ndarray
    y: np.ndarray


def step(
    params: RNNParams, x_t: np.ndarray, h_prev: np.ndarray, activation: str | Activation = "tanh"
) -> Step:
    r"""Take one time step for a batch.

    .. math::
        a_t = W_{xh} x_t + W_{hh} h_{t-1} + b_h \tag{1.1}

        h_t = \phi(a_t) \tag{1.2}

        y_t = W_{hy} h_t + b_y \tag{1.3}

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    x_t : numpy.ndarray
        (B, D), the input at time t, one row per sequence.
    h_prev : numpy.ndarray
        (B, N), the hidden state before this step.
    activation : str or Activation
        φ: ``"tanh"``, ``"relu"``, ``"logistic"``, ``"identity"``, or one of your own.

    Returns
    -------
    Step
        a_t, h_t and y_t.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Elman 1990, "Finding structure in time". The readout y_t is linear: a squashed one cannot
    reach an unbounded target, and bounds the probabilities that a softmax can make of it
    (notebook 01).

    Examples
    --------
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> step(params, np.ones((1, 3)), np.zeros((1, 5))).y.shape
    (1, 2)
    """
    D, N, _ = check_params(params).sizes
    activation = get_activation(activation)
    check_array("x_t", x_t, "B D", D=D, like=params.W_xh)
    check_array("h_prev", h_prev, "B N", B=len(x_t), N=N, like=params.W_xh)
    W_xh, W_hh, W_hy, b_h, b_y = params
    a_t = x_t @ W_xh.T + h_prev @ W_hh.T + b_h  # (1.1)
    h_t = activation.phi(a_t)  # (1.2)
    y_t = h_t @ W_hy.T + b_y  # (1.3)
    return Step(a_t, h_t, y_t)
