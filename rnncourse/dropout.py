"""Dropout in a recurrent network: which mask, where it multiplies, and how often it is drawn.

A mask that is new at every step multiplies a state again and again, if it lies on the recurrent
path. The variants differ in how they avoid that.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.bptt import Gradients, Sweep
from rnncourse.cell import Activation, RNNParams, check_params, get_activation
from rnncourse.models import HandModel
from rnncourse.validation import check_array

KINDS = ("naive", "zaremba", "variational", "zoneout")


def inverted_mask(
    shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: type = np.float64
) -> np.ndarray:
    r"""Draw a mask that drops entries and enlarges the others, so that its mean is 1.

    .. math:: m_i = \begin{cases} 0 & \text{with probability } p \\
              1/(1-p) & \text{else} \end{cases}, \quad \mathbb{E}\, m_i = 1 \tag{5.24}

    Parameters
    ----------
    shape : tuple of int
        Of the mask.
    p : float
        Probability that an entry is dropped, 0 <= p < 1.
    rng : numpy.random.Generator
        The source of randomness.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    numpy.ndarray
        An array of this shape.

    Raises
    ------
    TypeError, ValueError
        If `p` is outside [0, 1), or `rng` no Generator.

    Notes
    -----
    As the mean is 1, the network in use is the one without masks. Srivastava et al. 2014, §10;
    notebook 05.

    Examples
    --------
    >>> np.unique(inverted_mask((4, 9), 0.5, np.random.default_rng(0)))
    array([0., 2.])
    """
    _check_probability(p)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")
    return ((rng.random(shape) >= p) / (1 - p)).astype(dtype)  # (5.24)


class Masks(NamedTuple):
    """What multiplies what in one forward pass; None where nothing does.

    Parameters
    ----------
    x : numpy.ndarray, optional
        (T, B, D), on the inputs.
    h : numpy.ndarray, optional
        (T, B, N), on the previous state, where W_hh reads it.
    y : numpy.ndarray, optional
        (T, B, N), on the state, where the readout W_hy reads it.
    z : numpy.ndarray, optional
        (T, B, N), the share of the previous state that a unit keeps, between 0 and 1.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> Masks().h is None
    True
    """

    x: np.ndarray | None = None
    h: np.ndarray | None = None
    y: np.ndarray | None = None
    z: np.ndarray | None = None

    def filled(self, x: np.ndarray) -> "Masks":
        """Return four arrays for inputs x: (T, 1, 1) ones for a missing mask, zeros for z."""
        ones = np.ones((len(x), 1, 1), x.dtype)
        neutral = (ones, ones, ones, 0 * ones)
        return Masks(*(n if m is None else m for m, n in zip(self, neutral, strict=True)))


def draw_masks(
    kind: str, p: float, T: int, B: int, D: int, N: int,
    rng: np.random.Generator | None, dtype: type = np.float64,
) -> Masks:  # fmt: skip
    r"""Draw the masks of one forward pass: each variant is one line.

    .. math::
        \text{naive:} \quad m^h_t \text{ new at each step} \tag{5.25}

        \text{non-recurrent:} \quad m^x_t, m^y_t \text{ new at each step} \tag{5.26}

        \text{variational:} \quad m^x_t = m^x, \; m^h_t = m^h, \; m^y_t = m^y \tag{5.27}

        \text{zoneout:} \quad z_t \in \{0, 1\}, \; P(z_{t,i} = 1) = p; \quad
        \text{in use } z_{t,i} = p \tag{5.28}

    Parameters
    ----------
    kind : str
        ``"naive"``, ``"zaremba"`` (non-recurrent), ``"variational"`` or ``"zoneout"``.
    p : float
        Probability that a unit is dropped, or with zoneout keeps its value, 0 <= p < 1.
    T, B, D, N : int
        Numbers of steps, sequences, inputs, hidden units.
    rng : numpy.random.Generator or None
        The source of randomness; None gives the masks in use, where nothing is random.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    Masks
        Those of the variant; every sequence of the batch has its own.

    Raises
    ------
    TypeError, ValueError
        If no variant has this name, a size is not a positive whole number, `p` is outside [0, 1),
        or `rng` is no Generator.

    Notes
    -----
    Zaremba, Sutskever & Vinyals 2014, §3.1; Gal & Ghahramani 2016, §4; Krueger et al. 2017, §3.1,
    for zoneout. torch's ``nn.RNN(dropout=p)`` is that of Zaremba et al., between layers only: with
    one layer it does nothing. Notebook 05.

    Examples
    --------
    >>> masks = draw_masks("variational", 0.5, T=9, B=2, D=3, N=4, rng=np.random.default_rng(0))
    >>> bool((masks.h == masks.h[0]).all())
    True
    """
    _check_kind(kind)
    _check_probability(p)
    for name, size in (("T", T), ("B", B), ("D", D), ("N", N)):
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} is {size!r}; expected a whole number of at least 1.")
    if rng is None:
        return Masks(z=np.full((T, B, N), p, dtype)) if kind == "zoneout" else Masks()  # (5.28)

    def mask(width: int, steps: int = T) -> np.ndarray:
        drawn = inverted_mask((steps, B, width), p, rng, dtype)
        return np.broadcast_to(drawn, (T, B, width))  # one step serves for all

    if kind == "naive":
        return Masks(h=mask(N))  # (5.25)
    if kind == "zaremba":
        return Masks(x=mask(D), y=mask(N))  # (5.26)
    if kind == "variational":
        return Masks(x=mask(D, steps=1), h=mask(N, steps=1), y=mask(N, steps=1))  # (5.27)
    return Masks(z=(mask(N) == 0).astype(dtype))  # (5.28)


class DropoutTrace(NamedTuple):
    """The record of a forward pass with masks: that of `unroll`, and the masks.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs, as given.
    a : numpy.ndarray
        (T, B, N), the pre-activations.
    states : numpy.ndarray
        (T+1, B, N), h_0 and then every hidden state.
    y : numpy.ndarray
        (T, B, K), the outputs.
    activation : Activation
        φ and φ'.
    masks : Masks
        Those of the pass, as given.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> DropoutTrace._fields
    ('x', 'a', 'states', 'y', 'activation', 'masks')
    """

    x: np.ndarray
    a: np.ndarray
    states: np.ndarray
    y: np.ndarray
    activation: Activation
    masks: Masks

    @property
    def h(self) -> np.ndarray:
        """(T, B, N), the hidden states h_1 to h_T."""
        return self.states[1:]

    @property
    def h_prev(self) -> np.ndarray:
        """(T, B, N), the states h_0 to h_{T-1} that enter each step."""
        return self.states[:-1]


def unroll_dropout(
    params: RNNParams,
    x: np.ndarray,
    masks: Masks,
    activation: str | Activation = "tanh",
    h_0: np.ndarray | None = None,
) -> DropoutTrace:
    r"""Run the basic network over a whole sequence with the given masks.

    .. math::
        a_t = W_{xh} (m^x_t \odot x_t) + W_{hh} (m^h_t \odot h_{t-1}) + b_h \tag{5.29}

        h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \phi(a_t) \tag{5.30}

        y_t = W_{hy} (m^y_t \odot h_t) + b_y \tag{5.31}

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    x : numpy.ndarray
        (T, B, D), time first.
    masks : Masks
        A mask that is None counts as ones, z as zeros.
    activation : str or Activation
        φ.
    h_0 : numpy.ndarray, optional
        (B, N), the initial state; zero if not given.

    Returns
    -------
    DropoutTrace
        Everything that was computed.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, is not finite, or z leaves [0, 1].

    Notes
    -----
    Without masks the numbers are those of `rnncourse.unroll.unroll`, bit by bit. Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> unroll_dropout(params, np.ones((4, 1, 3)), Masks()).y.shape
    (4, 1, 2)
    """
    D, N, _ = check_params(params).sizes
    activation = get_activation(activation)
    T, B, _ = check_array("x", x, "T B D", D=D, like=params.W_xh).shape
    h_0 = np.zeros((B, N), x.dtype) if h_0 is None else h_0
    check_array("h_0", h_0, "B N", B=B, N=N, like=params.W_xh)
    _check_masks(masks, T, B, D, N, params.W_xh)
    W_xh, W_hh, W_hy, b_h, b_y = params
    m_x, m_h, m_y, z = masks.filled(x)

    dtype = np.result_type(x, h_0, *params)
    a = np.matmul((m_x * x).reshape(T * B, D), W_xh.T).reshape(T, B, N).astype(dtype, copy=False)
    a += b_h
    states = np.empty((T + 1, B, N), dtype)
    states[0] = h_0
    W_hh_T = np.ascontiguousarray(W_hh.T)
    for t in range(T):
        a[t] += (m_h[t] * states[t]) @ W_hh_T  # (5.29)
        states[t + 1] = z[t] * states[t] + (1 - z[t]) * activation.phi(a[t])  # (5.30)
    y = np.matmul((m_y * states[1:]).reshape(T * B, N), W_hy.T).reshape(T, B, -1) + b_y  # (5.31)
    return DropoutTrace(x, a, states, y, activation, masks)


def dropout_jacobians(params: RNNParams, trace: DropoutTrace) -> np.ndarray:
    r"""Compute the Jacobian of every step of a forward pass with masks.

    .. math:: J_t = \operatorname{diag}(z_t) + \operatorname{diag}(1 - z_t)\, D_t W_{hh}
              \operatorname{diag}(m^h_t) \tag{5.38}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : DropoutTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T, B, N, N), for each step and sequence: row = what changes, column = by what.

    Raises
    ------
    TypeError, ValueError
        If the trace is of another kind, or of other parameters.

    Notes
    -----
    m^x and m^y do not occur: dropout on the other connections leaves the recurrent path as it is.
    Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> trace = unroll_dropout(params, np.ones((4, 1, 3)), Masks(z=np.full((4, 1, 5), 0.9)))
    >>> dropout_jacobians(params, trace).shape
    (4, 1, 5, 5)
    """
    _check_trace(params, trace)
    _, m_h, _, z = trace.masks.filled(trace.x)
    slopes = (1 - z) * trace.activation.dphi(trace.a)
    kept = np.eye(params.sizes[1], dtype=z.dtype) * z[..., None]
    return kept + slopes[..., None] * params.W_hh * m_h[:, :, None, :]  # (5.38)


def dropout_sweep(params: RNNParams, trace: DropoutTrace, dL_dy: np.ndarray) -> Sweep:
    r"""Carry the gradient from the last step to the first, through the same masks.

    .. math::
        \frac{\partial L}{\partial h_t} = m^y_t \odot W_{hy}^\top \frac{\partial L}{\partial y_t}
            + z_{t+1} \odot \frac{\partial L}{\partial h_{t+1}}
            + m^h_{t+1} \odot W_{hh}^\top \frac{\partial L}{\partial a_{t+1}} \tag{5.34}

        \frac{\partial L}{\partial a_t} = (1 - z_t) \odot \phi'(a_t) \odot
            \frac{\partial L}{\partial h_t} \tag{5.35}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : DropoutTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    Sweep
        ∂L/∂h_t and ∂L/∂a_t for every t, and ∂L/∂h_0.

    Raises
    ------
    TypeError, ValueError
        If the trace is of another kind or of other parameters, or `dL_dy` does not fit.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> trace = unroll_dropout(params, np.ones((4, 1, 3)), Masks())
    >>> dropout_sweep(params, trace, np.ones((4, 1, 2))).dL_dh_0.shape
    (1, 5)
    """
    _check_trace(params, trace)
    T, B, K = trace.y.shape
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    _, m_h, m_y, z = trace.masks.filled(trace.x)
    dL_dh = m_y * (dL_dy @ params.W_hy)
    dL_da = (1 - z) * trace.activation.dphi(trace.a)
    dL_dh_0 = np.zeros_like(dL_dh[0])
    for t in reversed(range(T)):
        dL_da[t] *= dL_dh[t]  # (5.35)
        before = dL_dh[t - 1] if t > 0 else dL_dh_0
        before += z[t] * dL_dh[t] + m_h[t] * (dL_da[t] @ params.W_hh)  # (5.34)
    return Sweep(dL_dh, dL_da, dL_dh_0)


def dropout_gradients(params: RNNParams, trace: DropoutTrace, dL_dy: np.ndarray) -> Gradients:
    r"""Back-propagate through time with masks: each weight learns from what it has read.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t}
            (m^h_t \odot h_{t-1})^\top, \quad
        \frac{dL}{dW_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} (m^x_t \odot x_t)^\top,
        \quad \frac{dL}{dW_{hy}} = \sum_{t=1}^T \frac{\partial L}{\partial y_t}
            (m^y_t \odot h_t)^\top \tag{5.36}

        \frac{\partial L}{\partial x_t} = m^x_t \odot W_{xh}^\top \frac{\partial L}{\partial a_t}
            \tag{5.37}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : DropoutTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    Gradients
        With respect to the five parameters, the inputs and h_0.

    Raises
    ------
    TypeError, ValueError
        If the trace is of another kind or of other parameters, or `dL_dy` does not fit.

    Notes
    -----
    The biases as without masks. Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> trace = unroll_dropout(params, np.ones((4, 1, 3)), Masks())
    >>> dropout_gradients(params, trace, np.ones((4, 1, 2))).dL_db_y
    array([4., 4.])
    """
    _, dL_da, dL_dh_0 = dropout_sweep(params, trace, dL_dy)
    m_x, m_h, m_y, _ = trace.masks.filled(trace.x)

    def rows(sequence: np.ndarray) -> np.ndarray:
        return sequence.reshape(-1, sequence.shape[-1])  # (T·B, ·): time and batch in one axis

    return Gradients(
        dL_dW_xh=rows(dL_da).T @ rows(m_x * trace.x),  # (5.36)
        dL_dW_hh=rows(dL_da).T @ rows(m_h * trace.h_prev),  # (5.36)
        dL_dW_hy=rows(dL_dy).T @ rows(m_y * trace.h),  # (5.36)
        dL_db_h=rows(dL_da).sum(axis=0),
        dL_db_y=rows(dL_dy).sum(axis=0),
        dL_dx=m_x * (dL_da @ params.W_xh),  # (5.37)
        dL_dh_0=dL_dh_0,
    )


class Survival(NamedTuple):
    """What becomes of a value that a new mask multiplies at every step.

    Parameters
    ----------
    probability : numpy.ndarray
        That it is not yet zero.
    second_moment : numpy.ndarray
        The expectation of its square, if it was 1 at the start.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> Survival._fields
    ('probability', 'second_moment')
    """

    probability: np.ndarray
    second_moment: np.ndarray


def survival(p: float, steps: int | np.ndarray) -> Survival:
    r"""Say what fresh masks do to a value on the recurrent path, h_t = m_t ⊙ h_{t-1}.

    .. math::
        P(h_t \ne 0) = (1-p)^t \tag{5.32}

        \frac{\mathbb{E}\, h_t^2}{h_0^2} = (1-p)^{-t}, \quad \mathbb{E}\, h_t = h_0 \tag{5.33}

    Parameters
    ----------
    p : float
        Probability that the mask drops the value, 0 <= p < 1.
    steps : int or numpy.ndarray
        The number of steps t, or several, at least 0.

    Returns
    -------
    Survival
        Both, of the shape of `steps`.

    Raises
    ------
    ValueError
        If `p` is outside [0, 1), or a number of steps is negative or not whole.

    Notes
    -----
    The mean is right at every step, and says nothing: few values carry it. The first line is that
    of a memory cell, which hands each value to itself; the second holds for the norm of the state
    with any orthogonal weights, h_t = W(m_t ⊙ h_{t-1}). Zaremba, Sutskever & Vinyals 2014, §3.1,
    therefore mask other connections only. Notebook 05.

    Examples
    --------
    >>> [f"{value:.1e}" for value in survival(0.2, 50)]
    ['1.4e-05', '7.0e+04']
    """
    _check_probability(p)
    t = np.asarray(steps)
    if t.dtype.kind not in "iu" or (t < 0).any():
        raise ValueError(f"steps is {steps!r}; expected whole numbers of at least 0.")
    kept = np.power(1.0 - p, t)  # (5.32)
    return Survival(kept, np.power(1.0 - p, -t.astype(float)))  # (5.33)


class DropoutModel(HandModel):
    """The basic recurrent network with one of the kinds of dropout.

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    kind : str
        ``"naive"``, ``"zaremba"``, ``"variational"`` or ``"zoneout"``, see `draw_masks`.
    p : float
        Probability that a unit is dropped, or with zoneout keeps its value, 0 <= p < 1.
    activation : str or Activation
        φ.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not fit each other, or `kind`, `p` or `activation` is not known.

    Notes
    -----
    The initial state h_0 is zero. In use nothing is dropped, and zoneout takes its expectation: the
    network of leaky units of notebook 03, with leak 1 - p. Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> model = DropoutModel(init_params(3, 5, 2, np.random.default_rng(0)), "zoneout", 0.1)
    >>> model.forward(np.ones((4, 1, 3))).shape
    (4, 1, 2)
    """

    def __init__(
        self, params: RNNParams, kind: str, p: float, activation: str | Activation = "tanh"
    ):
        self.params = check_params(params)
        self.kind, self.p = _check_kind(kind), _check_probability(p)
        self.activation = get_activation(activation)

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        return f"DropoutModel({self.kind!r}, p={self.p}, activation={self.activation.name})"

    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> DropoutTrace:
        """Return the record of a forward pass; with a generator as in training, else as in use."""
        D, N, _ = self.params.sizes
        T, B, _ = check_array("x", x, "T B D", D=D, like=self.params.W_xh).shape
        masks = draw_masks(self.kind, self.p, T, B, D, N, rng, x.dtype)
        return unroll_dropout(self.params, x, masks, self.activation)

    def gradients(self, record: DropoutTrace, dL_dy: np.ndarray) -> RNNParams:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""
        return RNNParams(*dropout_gradients(self.params, record, dL_dy).of_params())

    def contributions(self, record: DropoutTrace, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, N, N)."""
        dL_da = dropout_sweep(self.params, record, dL_dy).dL_da
        return dL_da.swapaxes(1, 2) @ (record.masks.filled(record.x).h * record.h_prev)


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}.")
    return kind


def _check_probability(p: float) -> float:
    if not 0 <= p < 1:
        raise ValueError(f"p is {p!r}; expected a probability, 0 <= p < 1.")
    return p


def _check_masks(masks: Any, T: int, B: int, D: int, N: int, like: np.ndarray) -> None:
    """Refuse masks that do not fit the sizes, and shares outside [0, 1]."""
    if not isinstance(masks, Masks):
        raise TypeError(f"masks is a {type(masks).__name__}; expected Masks(x, h, y, z).")
    for name, mask in masks._asdict().items():
        if mask is not None:
            axes, width = ("T B D", {"D": D}) if name == "x" else ("T B N", {"N": N})
            check_array(f"masks.{name}", mask, axes, T=T, B=B, **width, like=like)
    if masks.z is not None and not ((masks.z >= 0) & (masks.z <= 1)).all():
        raise ValueError("masks.z has entries outside [0, 1]; expected shares of a state.")


def _check_trace(params: RNNParams, trace: Any) -> None:
    """Refuse a trace that is not of `unroll_dropout` with parameters of these sizes."""
    if not isinstance(trace, DropoutTrace):
        seen = type(trace).__name__
        raise TypeError(f"trace is a {seen}; expected the DropoutTrace that unroll_dropout gives.")
    sizes = trace.x.shape[2], trace.a.shape[2], trace.y.shape[2]
    if check_params(params).sizes != sizes:
        raise ValueError(f"params have sizes (D, N, K) = {params.sizes}, the trace {sizes}.")
