"""Networks with layer norm or batch norm in the recurrence, with their gradients by hand.

Layer norm normalises the sum W_hh h_{t-1} + W_xh x_t, batch norm each of the two shares, with
statistics of its own at every time step.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.cell import Activation, RNNParams, check_params, get_activation, init_params
from rnncourse.models import HandModel
from rnncourse.normalisation import (
    BATCH,
    EPS,
    FEATURES,
    Standardised,
    check_batch_size,
    check_eps,
    layer_norm_jacobian,
    standardise,
    standardise_backward,
)
from rnncourse.validation import check_array


class LayerNormParams(NamedTuple):
    """The parameters of a network with layer norm in the recurrent path.

    Parameters
    ----------
    W_xh, W_hh, W_hy, b_h, b_y : numpy.ndarray
        (N, D), (N, N), (K, N), (N,), (K,), as in `rnncourse.cell.RNNParams`; b_h is added after
        the normalisation.
    gain : numpy.ndarray
        (N,), g.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="layer").sizes
    (3, 5, 2)
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    W_hy: np.ndarray
    b_h: np.ndarray
    b_y: np.ndarray
    gain: np.ndarray

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, N, K): inputs, hidden units, outputs."""
        return self.W_xh.shape[1], self.W_xh.shape[0], self.W_hy.shape[0]


class BatchNormParams(NamedTuple):
    """The parameters of a network with batch norm in the recurrent path.

    Parameters
    ----------
    W_xh, W_hh, W_hy, b_h, b_y : numpy.ndarray
        (N, D), (N, N), (K, N), (N,), (K,), as in `rnncourse.cell.RNNParams`; b_h is added after
        the normalisation.
    gain_x, gain_h : numpy.ndarray
        (N,), of the input's share and of the recurrent one.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="batch").gain_h
    array([0.1, 0.1, 0.1, 0.1, 0.1])
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    W_hy: np.ndarray
    b_h: np.ndarray
    b_y: np.ndarray
    gain_x: np.ndarray
    gain_h: np.ndarray

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, N, K): inputs, hidden units, outputs."""
        return self.W_xh.shape[1], self.W_xh.shape[0], self.W_hy.shape[0]


NormalisedParams = LayerNormParams | BatchNormParams


def init_normalised_params(
    D: int, N: int, K: int, rng: np.random.Generator, *, kind: str, gain: float | None = None,
    dtype: type = np.float64,
) -> NormalisedParams:  # fmt: skip
    """Draw the weights as `rnncourse.cell.init_params` does, and set the gains.

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness.
    kind : {"layer", "batch"}
        Which normalisation.
    gain : float, optional
        First value of each gain; 1 for layer norm, 0.1 for batch norm if not given.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    LayerNormParams or BatchNormParams
        Fresh arrays.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    With batch norm, gains of 1 give each unit a pre-activation of standard deviation √2, where tanh
    is flat; 0.1 keeps its slope near 1. While tanh is nearly linear, J is about
    W_hh g_h/√(g_h² + g_x²): how much of the past is kept depends on the ratio of the gains.
    Cooijmans et al. 2017, "Recurrent batch normalization", §4. Notebook 05.

    Examples
    --------
    >>> init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="layer").gain
    array([1., 1., 1., 1., 1.])
    """
    if kind not in ("layer", "batch"):
        raise ValueError(f"kind is {kind!r}; expected 'layer' or 'batch'.")
    of_cell = init_params(D, N, K, rng, dtype=dtype)
    if kind == "layer":
        return LayerNormParams(*of_cell, np.full(N, 1.0 if gain is None else gain, dtype))
    gains = np.full((2, N), 0.1 if gain is None else gain, dtype)
    return BatchNormParams(*of_cell, *gains)


class NormalisedTrace(NamedTuple):
    """The record of a forward pass with normalisation.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs (the caller's array, not a copy).
    recurrent : Standardised
        With time first: of a_t for layer norm, of r_t = W_hh h_{t-1} for batch norm.
    input : Standardised or None
        Of u_t = W_xh x_t for batch norm; layer norm has none.
    z : numpy.ndarray
        (T, B, N), what the activation is applied to.
    states : numpy.ndarray
        (T+1, B, N), h_0 and then every hidden state.
    y : numpy.ndarray
        (T, B, K), the outputs.
    activation : Activation
        φ and φ'.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="layer")
    >>> unroll_normalised(params, np.ones((4, 1, 3))).h_prev.shape
    (4, 1, 5)
    """

    x: np.ndarray
    recurrent: Standardised
    input: Standardised | None
    z: np.ndarray
    states: np.ndarray
    y: np.ndarray
    activation: Activation

    @property
    def h_prev(self) -> np.ndarray:
        """(T, B, N), the states h_0 to h_{T-1} that enter each step."""
        return self.states[:-1]


class RunningStatistics(NamedTuple):
    r"""Averages over the batches of training, for each time step: what batch norm uses afterwards.

    .. math:: \mu_t \leftarrow \mu_t + \alpha\, (m_t - \mu_t), \quad
              v_t \leftarrow v_t + \alpha \Big( \frac{B}{B-1} \langle (a_t - m_t)^2 \rangle
              - v_t \Big), \quad \alpha = \max\Big(\text{momentum}, \frac{1}{n_t + 1}\Big)
              \tag{5.54}

    Parameters
    ----------
    mean_x, variance_x : numpy.ndarray
        (T_max, N), of W_xh x_t.
    mean_h, variance_h : numpy.ndarray
        (T_max, N), of W_hh h_{t-1}.
    count : numpy.ndarray
        (T_max,), n_t: how many batches had a step t.

    Notes
    -----
    The factor B/(B-1) makes the estimate of the variance unbiased, as in torch. The first batches
    are averaged evenly: the values at the start do not matter. Cooijmans et al. 2017, §3; notebook
    05.

    Examples
    --------
    >>> RunningStatistics.fresh(20, 5).mean_h.shape
    (20, 5)
    """

    mean_x: np.ndarray
    variance_x: np.ndarray
    mean_h: np.ndarray
    variance_h: np.ndarray
    count: np.ndarray

    @classmethod
    def fresh(cls, steps: int, N: int, dtype: type = np.float64) -> "RunningStatistics":
        """Return statistics before any batch: mean 0 and variance 1."""
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
            raise ValueError(
                f"steps is {steps!r}; expected the length of the longest training sequence."
            )
        zeros, ones = np.zeros((steps, N), dtype), np.ones((steps, N), dtype)
        return cls(zeros, ones, zeros.copy(), ones.copy(), np.zeros(steps, int))

    def updated(self, trace: NormalisedTrace, momentum: float = 0.1) -> "RunningStatistics":
        """Return new statistics with the batch of `trace` in them; these stay as they are."""
        T, B, _ = trace.x.shape
        if len(self.count) < T:
            raise ValueError(
                f"x has T = {T} steps in training, the running statistics {len(self.count)}; "
                f"expected at most as many: make the model with steps={T}."
            )
        alpha = np.maximum(momentum, 1 / (self.count[:T, None] + 1)).astype(self.mean_x.dtype)
        new = RunningStatistics(*map(np.copy, self))
        for part, mu, v in ((trace.input, *new[:2]), (trace.recurrent, *new[2:4])):
            mu[:T] += alpha * (part.mean[:, 0] - mu[:T])
            v[:T] += alpha * (B / (B - 1) * part.variance[:, 0] - v[:T])  # (5.54)
        new.count[:T] += 1
        return new

    def at(self, T: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return mean and variance, (T, 1, N) each, of the inputs' share and of the recurrent one.

        Steps that no training sequence had use those of the last step that one had.
        """
        seen = np.flatnonzero(self.count)
        rows = np.minimum(np.arange(T), seen[-1] if seen.size else 0)
        mean_x, variance_x, mean_h, variance_h = (array[rows][:, None] for array in self[:4])
        return (mean_x, variance_x), (mean_h, variance_h)


def unroll_normalised(
    params: NormalisedParams,
    x: np.ndarray,
    h_0: np.ndarray | None = None,
    activation: str | Activation = "tanh",
    *,
    eps: float = EPS,
    statistics: RunningStatistics | None = None,
) -> NormalisedTrace:
    r"""Run a network with layer norm or batch norm in its recurrence over whole sequences.

    .. math::
        \text{layer:} \quad h_t = \phi\Big( \frac{g}{s_t} \odot (a_t - m_t) + b_h \Big), \quad
        a_t = W_{hh} h_{t-1} + W_{xh} x_t \tag{5.47}

        \text{batch:} \quad h_t = \phi\big( g_h \odot \hat r_t + g_x \odot \hat u_t + b_h \big),
        \quad r_t = W_{hh} h_{t-1}, \quad u_t = W_{xh} x_t \tag{5.48}

    Parameters
    ----------
    params : LayerNormParams or BatchNormParams
        The weights, gains and biases; their type says which normalisation.
    x : numpy.ndarray
        (T, B, D), time first; B ≥ 2 for batch norm without `statistics`.
    h_0 : numpy.ndarray, optional
        (B, N), the initial state; zero if not given.
    activation : str or Activation
        φ.
    eps : float
        ε ≥ 0.
    statistics : RunningStatistics, optional
        For batch norm in use; the batch's own at each time step if not given.

    Returns
    -------
    NormalisedTrace
        Everything that the way back needs.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; for a batch of one with batch norm's own statistics.

    Notes
    -----
    Batch norm has one mean and variance for each time step; padded steps count in them. With
    h_0 = 0 the first r̂ is zero, whatever the gain. Ba, Kiros & Hinton 2016, eq. 4; Cooijmans et
    al. 2017, §3, there for an LSTM. Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="batch")
    >>> unroll_normalised(params, np.ones((4, 1, 3)))
    Traceback (most recent call last):
    ...
    ValueError: the batch holds 1 sequence; expected at least 2: batch norm with the batch's ...
    """
    D, N, K = _check_params(params).sizes
    layer, eps = isinstance(params, LayerNormParams), check_eps(eps)
    activation = get_activation(activation)
    T, B, _ = check_array("x", x, "T B D", D=D, like=params.W_xh).shape
    if h_0 is None:
        h_0 = np.zeros((B, N), dtype=x.dtype)
    check_array("h_0", h_0, "B N", B=B, N=N, like=params.W_xh)
    if layer and statistics is not None:
        raise ValueError("statistics are given with layer norm; expected them with batch norm.")
    W_xh, W_hh, W_hy, b_h, b_y = params[:5]

    dtype = np.result_type(x, h_0, *params)
    u = (x.reshape(T * B, D) @ W_xh.T).reshape(T, B, N)
    z, states = np.empty((T, B, N), dtype), np.empty((T + 1, B, N), dtype)
    states[0] = h_0
    of_input, of_recurrent, parts = None, None, []
    if not layer:
        if statistics is None:
            check_batch_size(B)
            of_input = standardise(u, BATCH, eps)
        else:
            of_u, of_recurrent = _check_statistics(statistics, N, x).at(T)
            of_input = standardise(u, BATCH, eps, of_u)
        input_share = params.gain_x * of_input.a_hat + b_h
    for t in range(T):
        r_t = states[t] @ W_hh.T
        if layer:
            part = standardise(r_t + u[t], FEATURES, eps)
            z[t] = params.gain * part.a_hat + b_h  # (5.47)
        else:
            fixed = None if of_recurrent is None else (of_recurrent[0][t], of_recurrent[1][t])
            part = standardise(r_t, BATCH, eps, fixed)
            z[t] = params.gain_h * part.a_hat + input_share[t]  # (5.48)
        states[t + 1] = activation.phi(z[t])
        parts.append(part)
    y = (states[1:].reshape(T * B, N) @ W_hy.T + b_y).reshape(T, B, K)
    *columns, _ = zip(*parts, strict=True)
    recurrent = Standardised(*map(np.array, columns), parts[0].own)
    return NormalisedTrace(x, recurrent, of_input, z, states, y, activation)


class NormalisedSweep(NamedTuple):
    """What flows back through the states of a network with normalisation.

    Parameters
    ----------
    dL_dh, dL_dz : numpy.ndarray
        (T, B, N), at the states, and at what the activation is applied to.
    dL_dr, dL_du : numpy.ndarray
        (T, B, N), at r_t = W_hh h_{t-1} and at u_t = W_xh x_t; with layer norm both are ∂L/∂a_t.
    dL_dh_0 : numpy.ndarray
        (B, N), at the initial state.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> NormalisedSweep._fields
    ('dL_dh', 'dL_dz', 'dL_dr', 'dL_du', 'dL_dh_0')
    """

    dL_dh: np.ndarray
    dL_dz: np.ndarray
    dL_dr: np.ndarray
    dL_du: np.ndarray
    dL_dh_0: np.ndarray


def normalised_sweep(
    params: NormalisedParams, trace: NormalisedTrace, dL_dy: np.ndarray
) -> NormalisedSweep:
    r"""Carry the gradient from the last step to the first, through a normalisation at each.

    .. math::
        \frac{\partial L}{\partial h_t} = W_{hy}^\top \frac{\partial L}{\partial y_t}
            + W_{hh}^\top \frac{\partial L}{\partial r_{t+1}} \tag{5.49}

        \frac{\partial L}{\partial z_t} = \phi'(z_t) \odot \frac{\partial L}{\partial h_t}
            \tag{5.50}

        \frac{\partial L}{\partial r_t} = \Big(\frac{\partial \hat r_t}{\partial r_t}\Big)^{\!\top}
            \Big( g \odot \frac{\partial L}{\partial z_t} \Big) \text{ by (5.40)} \tag{5.51}

    Parameters
    ----------
    params : LayerNormParams or BatchNormParams
        The parameters with which `trace` was made.
    trace : NormalisedTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    NormalisedSweep
        The gradients at every step; that at the inputs is ``sweep.dL_du @ params.W_xh``.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    Of a trace with running statistics they are constants. Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="layer")
    >>> trace = unroll_normalised(params, np.ones((4, 1, 3)))
    >>> bool(abs(normalised_sweep(params, trace, np.ones((4, 1, 2))).dL_dr.sum(-1)).max() < 1e-12)
    True
    """
    T, B, K = _check_trace(params, trace).y.shape
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    layer = isinstance(params, LayerNormParams)
    gain, axis = (params.gain, FEATURES) if layer else (params.gain_h, BATCH)
    *columns, own = trace.recurrent
    parts = [Standardised(*rows, own) for rows in zip(*columns, strict=True)]
    dL_dh = dL_dy @ params.W_hy  # share of the outputs
    dL_dz = trace.activation.dphi(trace.z)
    dL_dr = np.empty_like(dL_dz)
    for t in reversed(range(T)):
        if t < T - 1:
            dL_dh[t] += dL_dr[t + 1] @ params.W_hh  # (5.49)
        dL_dz[t] *= dL_dh[t]  # (5.50)
        dL_dr[t] = standardise_backward(parts[t], gain * dL_dz[t], axis)  # (5.51)
    dL_du = dL_dr if layer else standardise_backward(trace.input, params.gain_x * dL_dz, BATCH)
    return NormalisedSweep(dL_dh, dL_dz, dL_dr, dL_du, dL_dr[0] @ params.W_hh)


def normalised_gradients(
    params: NormalisedParams, trace: NormalisedTrace, dL_dy: np.ndarray
) -> NormalisedParams:
    r"""Compute the gradient with respect to every parameter.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_t \frac{\partial L}{\partial r_t} h_{t-1}^\top, \;
        \frac{dL}{dW_{xh}} = \sum_t \frac{\partial L}{\partial u_t} x_t^\top, \;
        \frac{dL}{dg_h} = \sum_t \frac{\partial L}{\partial z_t} \odot \hat r_t, \;
        \frac{dL}{dg_x} = \sum_t \frac{\partial L}{\partial z_t} \odot \hat u_t, \;
        \frac{dL}{db_h} = \sum_t \frac{\partial L}{\partial z_t} \tag{5.52}

    Parameters
    ----------
    params : LayerNormParams or BatchNormParams
        The parameters with which `trace` was made.
    trace : NormalisedTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    LayerNormParams or BatchNormParams
        The gradients, each in the place of its parameter.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    Layer norm has one gain, with â_t in the place of r̂_t. Those of W_hy and b_y are as in (2.12).
    Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="batch")
    >>> trace = unroll_normalised(params, np.random.default_rng(1).standard_normal((4, 6, 3)))
    >>> normalised_gradients(params, trace, np.ones((4, 6, 2))).gain_x.shape
    (5,)
    """
    sweep, time_and_batch = normalised_sweep(params, trace, dL_dy), (0, 1)
    summed_over = (time_and_batch, time_and_batch)  # as axes of both factors
    normalised = [part for part in (trace.input, trace.recurrent) if part is not None]
    return type(params)(
        np.tensordot(sweep.dL_du, trace.x, summed_over),
        np.tensordot(sweep.dL_dr, trace.h_prev, summed_over),
        np.tensordot(dL_dy, trace.states[1:], summed_over),
        sweep.dL_dz.sum(time_and_batch),
        dL_dy.sum(time_and_batch),
        *((sweep.dL_dz * part.a_hat).sum(time_and_batch) for part in normalised),  # (5.52)
    )


def layer_norm_jacobians(params: LayerNormParams, trace: NormalisedTrace) -> np.ndarray:
    r"""Compute the Jacobian of every step of a network with layer norm.

    .. math:: J_t = \frac{\partial h_t}{\partial h_{t-1}} = D_t \operatorname{diag}(g)\,
              \frac{1}{s_t} \Big( I - \frac{\mathbf 1 \mathbf 1^\top}{N}
              - \frac{\hat a_t \hat a_t^\top}{N} \Big) W_{hh}, \quad
              D_t = \operatorname{diag} \phi'(z_t) \tag{5.53}

    Parameters
    ----------
    params : LayerNormParams
        The parameters with which `trace` was made.
    trace : NormalisedTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T, B, N, N), as from `rnncourse.jacobians.step_jacobians`.

    Raises
    ------
    TypeError, ValueError
        If the parameters are not those of layer norm, or do not fit the trace.

    Notes
    -----
    Without input and with ε = 0, c W_hh has the same Jacobians as W_hh: the growth depends on the
    gain, not on the size of W_hh. With input the size counts too, as s_t holds both shares. Batch
    norm has no such matrix: each state depends on the previous states of the whole batch. Ba, Kiros
    & Hinton 2016, §5. Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="layer")
    >>> layer_norm_jacobians(params, unroll_normalised(params, np.ones((4, 1, 3)))).shape
    (4, 1, 5, 5)
    """
    if not isinstance(params, LayerNormParams):
        raise TypeError(f"params is a {type(params).__name__}; expected LayerNormParams.")
    _check_trace(params, trace)
    D_t = trace.activation.dphi(trace.z)[..., None]
    return D_t * layer_norm_jacobian(trace.recurrent, params.gain) @ params.W_hh  # (5.53)


class NormalisedModel(HandModel):
    """A network with layer norm or batch norm in its recurrence, for the training loop.

    Parameters
    ----------
    params : LayerNormParams or BatchNormParams
        From `init_normalised_params`; their type says which normalisation.
    activation : str or Activation
        φ.
    steps : int, optional
        For batch norm: T_max, the length of the longest training sequence.
    eps : float
        ε ≥ 0.
    momentum : float
        For batch norm: the share of the newest batch in the running statistics, above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    With a generator `run` uses the statistics of the batch and updates the running ones
    (`buffers`); without one it uses the running ones and changes nothing. A batch of one cannot be
    trained with batch norm: let `batch_size` leave no such rest. Ba, Kiros & Hinton 2016; Cooijmans
    et al. 2017. Notebook 05.

    Examples
    --------
    >>> params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="batch")
    >>> NormalisedModel(params, steps=20).forward(np.ones((30, 1, 3))).shape
    (30, 1, 2)
    """

    def __init__(
        self, params: NormalisedParams, activation: str | Activation = "tanh", *,
        steps: int | None = None, eps: float = EPS, momentum: float = 0.1,
    ):  # fmt: skip
        self.params = _check_params(params)
        self.activation, self.eps, self.momentum = get_activation(activation), eps, momentum
        check_eps(eps)
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum is {momentum!r}; expected a number above 0, at most 1.")
        if self.kind == "batch":
            self.buffers = RunningStatistics.fresh(steps, params.sizes[1], params.W_hh.dtype)
        elif steps is not None:
            raise ValueError("steps is given with layer norm, which has no running statistics.")

    @property
    def kind(self) -> str:
        """Which normalisation: "layer" or "batch"."""
        return "layer" if isinstance(self.params, LayerNormParams) else "batch"

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        own = f", momentum={self.momentum}, steps={len(self.buffers[0])}" if self.buffers else ""
        return f"NormalisedModel({self.kind}, {self.activation.name}, eps={self.eps}{own})"

    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> NormalisedTrace:
        """Return the trace; with a generator batch norm updates its running statistics."""
        running = RunningStatistics(*self.buffers) if self.kind == "batch" else None
        in_use = running if rng is None else None
        trace = unroll_normalised(
            self.params, x, None, self.activation, eps=self.eps, statistics=in_use
        )
        if running is not None and rng is not None:
            self.buffers = running.updated(trace, self.momentum)
        return trace

    def gradients(self, record: NormalisedTrace, dL_dy: np.ndarray) -> NormalisedParams:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""
        return normalised_gradients(self.params, record, dL_dy)

    def contributions(self, record: NormalisedTrace, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, N, N)."""
        dL_dr = normalised_sweep(self.params, record, dL_dy).dL_dr
        return dL_dr.swapaxes(1, 2) @ record.h_prev


def _check_statistics(statistics: Any, N: int, like: np.ndarray) -> RunningStatistics:
    if not isinstance(statistics, RunningStatistics):
        raise TypeError(f"statistics is a {type(statistics).__name__}; expected RunningStatistics.")
    for name, array in zip(statistics._fields[:4], statistics, strict=False):
        check_array(name, array, "T_max N", N=N, like=like)
    return statistics


def _check_params(params: Any) -> NormalisedParams:
    if not isinstance(params, NormalisedParams):
        raise TypeError(
            f"params is a {type(params).__name__}; expected LayerNormParams or BatchNormParams: "
            f"init_normalised_params makes them."
        )
    check_params(RNNParams(*params[:5]))
    for name, gain in zip(params._fields[5:], params[5:], strict=True):
        check_array(name, gain, "N", N=len(params.W_hh), like=params.W_hh)
    return params


def _check_trace(params: Any, trace: Any) -> NormalisedTrace:
    N = _check_params(params).sizes[1]
    if not isinstance(trace, NormalisedTrace):
        raise TypeError(
            f"trace is a {type(trace).__name__}; expected what unroll_normalised returns."
        )
    seen = (trace.x.shape[2], trace.z.shape[2], trace.y.shape[2])
    kind_fits = (trace.input is None) == isinstance(params, LayerNormParams)
    if params.sizes != seen or not kind_fits:
        raise ValueError(
            f"params are {type(params).__name__} of sizes (D, N, K) = {params.sizes}, the trace is "
            f"of sizes {seen} and {'layer' if trace.input is None else 'batch'} norm; expected the "
            f"parameters with which the trace was made (N = {N})."
        )
    return trace
