"""The LSTM: one step, the fast forward pass, its gradients, and the model for the training loop.

The gates stand in torch's order i, f, g, o, in the rows of W_xh, W_hh and b_h; there are no
peepholes.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.bptt import parameter_gradients
from rnncourse.cell import LOGISTIC, init_params
from rnncourse.models import HandModel
from rnncourse.validation import check_array

GATES = "ifgo"


class LSTMParams(NamedTuple):
    """The parameters of an LSTM with a linear readout.

    Parameters
    ----------
    W_xh : numpy.ndarray
        (4N, D), from the input to the gates, N rows each.
    W_hh : numpy.ndarray
        (4N, N), from the previous hidden state to the gates.
    W_hy : numpy.ndarray
        (K, N), from the hidden state to the output.
    b_h : numpy.ndarray
        (4N,), biases of the gates.
    b_y : numpy.ndarray
        (K,), bias of the output.

    Notes
    -----
    torch adds two biases, `bias_ih` and `bias_hh`; b_h is their sum. Notebook 06.

    Examples
    --------
    >>> params = init_lstm_params(3, 5, 2, np.random.default_rng(0))
    >>> params.W_hh.shape, params.sizes
    ((20, 5), (3, 5, 2))
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    W_hy: np.ndarray
    b_h: np.ndarray
    b_y: np.ndarray

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, N, K): inputs, hidden units, outputs."""
        return self.W_xh.shape[1], self.W_hh.shape[1], self.W_hy.shape[0]


def gate_rows(N: int) -> dict[str, slice]:
    """Say which rows of W_xh, W_hh and b_h belong to which gate.

    Parameters
    ----------
    N : int
        Number of hidden units.

    Returns
    -------
    dict of str to slice
        For "i", "f", "g", "o": input gate, forget gate, candidate, output gate.

    Notes
    -----
    torch's order. ONNX has i, o, f, c, Keras i, f, c, o, and c is g. Notebook 06.

    Examples
    --------
    >>> params = init_lstm_params(3, 2, 1, np.random.default_rng(0))
    >>> params.b_h[gate_rows(2)["f"]] = 1.0
    >>> params.b_h
    array([0., 0., 1., 1., 0., 0., 0., 0.])
    """
    return {gate: slice(j * N, (j + 1) * N) for j, gate in enumerate(GATES)}


def check_lstm_params(params: LSTMParams) -> LSTMParams:
    """Return the parameters if their shapes fit each other and they are finite, of one dtype.

    Parameters
    ----------
    params : LSTMParams
        The five arrays.

    Returns
    -------
    LSTMParams
        The same object.

    Raises
    ------
    TypeError
        If an argument is no `LSTMParams`, or the dtypes differ.
    ValueError
        If a shape does not fit, or an entry is nan or inf.

    Notes
    -----
    N is read off the columns of W_hh, D off W_xh, K off W_hy. Notebook 06.

    Examples
    --------
    >>> params = init_lstm_params(3, 5, 2, np.random.default_rng(0))
    >>> check_lstm_params(params._replace(b_h=np.zeros(5)))
    Traceback (most recent call last):
    ...
    ValueError: b_h has shape (5,); expected (4N,) with 4N = 20.
    """
    if not isinstance(params, LSTMParams):
        raise TypeError(
            f"params is a {type(params).__name__}; expected LSTMParams(W_xh, W_hh, W_hy, b_h, b_y)."
        )
    like = check_array("W_hh", params.W_hh, "4N N")
    N = params.W_hh.shape[1]
    rows = {"4N": 4 * N}
    check_array("W_hh", params.W_hh, "4N N", N=N, **rows)
    check_array("W_xh", params.W_xh, "4N D", like=like, **rows)
    check_array("W_hy", params.W_hy, "K N", N=N, like=like)
    check_array("b_h", params.b_h, "4N", like=like, **rows)
    check_array("b_y", params.b_y, "K", K=len(params.W_hy), like=like)
    return params


def init_lstm_params(
    D: int, N: int, K: int, rng: np.random.Generator, *,
    gain: float = 1.0, forget_bias: float = 0.0, dtype: type = np.float64,
) -> LSTMParams:  # fmt: skip
    r"""Draw weights with standard deviation gain/√(number of inputs); all biases but f's are zero.

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness, for example ``np.random.default_rng(0)``.
    gain : float
        Scales all weight matrices.
    forget_bias : float
        Bias of the forget gate; see `rnncourse.cell_path.forget_bias_for`.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    LSTMParams
        Fresh arrays.

    Raises
    ------
    TypeError, ValueError
        As `rnncourse.cell.init_params`; also if `forget_bias` is not finite.

    Notes
    -----
    torch draws all weights and biases from U(-1/√N, 1/√N), with standard deviation 0.58/√N. Gers,
    Schmidhuber & Cummins 2000 start the forget gate with a positive bias; Jozefowicz, Zaremba &
    Sutskever 2015 recommend 1. Notebook 06.

    Examples
    --------
    >>> init_lstm_params(3, 2, 1, np.random.default_rng(0), forget_bias=1.0).b_h
    array([0., 0., 1., 1., 0., 0., 0., 0.])
    """
    if not np.isfinite(forget_bias):
        raise ValueError(f"forget_bias is {forget_bias!r}; expected a finite number.")
    of_gates = [init_params(D, N, K, rng, gain=gain, dtype=dtype) for _ in GATES]
    W_xh, W_hh, b_h = (
        np.concatenate([getattr(p, name) for p in of_gates]) for name in ("W_xh", "W_hh", "b_h")
    )
    b_h[gate_rows(N)["f"]] = forget_bias
    return LSTMParams(W_xh, W_hh, of_gates[0].W_hy, b_h, of_gates[0].b_y)


class LSTMStep(NamedTuple):
    """What one time step computes.

    Parameters
    ----------
    i, f, g, o : numpy.ndarray
        (B, N), input gate, forget gate, candidate and output gate, after their activations.
    c, h : numpy.ndarray
        (B, N), cell state c_t and hidden state h_t.
    y : numpy.ndarray
        (B, K), output y_t.

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> LSTMStep._fields
    ('i', 'f', 'g', 'o', 'c', 'h', 'y')
    """

    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray
    y: np.ndarray


def lstm_step(
    params: LSTMParams, x_t: np.ndarray, h_prev: np.ndarray, c_prev: np.ndarray
) -> LSTMStep:
    r"""Take one time step for a batch.

    .. math::
        a_t = (a^i_t, a^f_t, a^g_t, a^o_t) = W_{xh} x_t + W_{hh} h_{t-1} + b_h \tag{6.1}

        i_t = \operatorname{logistic}(a^i_t), \quad f_t = \operatorname{logistic}(a^f_t), \quad
        g_t = \tanh(a^g_t), \quad o_t = \operatorname{logistic}(a^o_t) \tag{6.2}

        c_t = f_t \odot c_{t-1} + i_t \odot g_t \tag{6.3}

        h_t = o_t \odot \tanh(c_t) \tag{6.4}

        y_t = W_{hy} h_t + b_y \tag{6.5}

    Parameters
    ----------
    params : LSTMParams
        The weights and biases.
    x_t : numpy.ndarray
        (B, D), the input at time t, one row per sequence.
    h_prev, c_prev : numpy.ndarray
        (B, N), hidden state and cell state before this step.

    Returns
    -------
    LSTMStep
        The gates, c_t, h_t and y_t.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Hochreiter & Schmidhuber 1997 without f; Gers, Schmidhuber & Cummins 2000 with it. Notebook 06.

    Examples
    --------
    >>> params = init_lstm_params(3, 5, 2, np.random.default_rng(0))
    >>> lstm_step(params, np.ones((1, 3)), np.zeros((1, 5)), np.zeros((1, 5))).y.shape
    (1, 2)
    """
    D, N, _ = check_lstm_params(params).sizes
    check_array("x_t", x_t, "B D", D=D, like=params.W_hh)
    for name, state in (("h_prev", h_prev), ("c_prev", c_prev)):
        check_array(name, state, "B N", B=len(x_t), N=N, like=params.W_hh)
    W_xh, W_hh, W_hy, b_h, b_y = params
    logistic = LOGISTIC.phi
    a_t = x_t @ W_xh.T + h_prev @ W_hh.T + b_h  # (6.1)
    a_i, a_f, a_g, a_o = np.split(a_t, 4, axis=1)
    i_t, f_t, g_t, o_t = logistic(a_i), logistic(a_f), np.tanh(a_g), logistic(a_o)  # (6.2)
    c_t = f_t * c_prev + i_t * g_t  # (6.3)
    h_t = o_t * np.tanh(c_t)  # (6.4)
    y_t = h_t @ W_hy.T + b_y  # (6.5)
    return LSTMStep(i_t, f_t, g_t, o_t, c_t, h_t, y_t)


class LSTMTrace(NamedTuple):
    """The record of a forward pass: all that was computed, at every time step.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs (the caller's array, not a copy).
    gates : numpy.ndarray
        (T, B, 4N), i, f, g, o after their activations.
    cells : numpy.ndarray
        (T+1, B, N), c_0 and then every cell state.
    tanh_c : numpy.ndarray
        (T, B, N), tanh(c_t).
    states : numpy.ndarray
        (T+1, B, N), h_0 and then every hidden state.
    y : numpy.ndarray
        (T, B, K), the outputs.

    Notes
    -----
    As in `rnncourse.unroll.Trace`, row t of `h` is h_{t+1}, and row t of `h_prev` enters that step;
    likewise `c`, `c_prev`. All properties are views. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trace = unroll_lstm(init_lstm_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3)))
    >>> bool((trace.c[0] == trace.f[0] * trace.c_prev[0] + trace.i[0] * trace.g[0]).all())
    True
    """

    x: np.ndarray
    gates: np.ndarray
    cells: np.ndarray
    tanh_c: np.ndarray
    states: np.ndarray
    y: np.ndarray

    @property
    def h(self) -> np.ndarray:
        """(T, B, N), the hidden states h_1 to h_T."""
        return self.states[1:]

    @property
    def h_prev(self) -> np.ndarray:
        """(T, B, N), the hidden states h_0 to h_{T-1} that enter each step."""
        return self.states[:-1]

    @property
    def c(self) -> np.ndarray:
        """(T, B, N), the cell states c_1 to c_T."""
        return self.cells[1:]

    @property
    def c_prev(self) -> np.ndarray:
        """(T, B, N), the cell states c_0 to c_{T-1} that enter each step."""
        return self.cells[:-1]

    @property
    def i(self) -> np.ndarray:
        """(T, B, N), the input gate."""
        return self.gates[:, :, gate_rows(self.cells.shape[2])["i"]]

    @property
    def f(self) -> np.ndarray:
        """(T, B, N), the forget gate."""
        return self.gates[:, :, gate_rows(self.cells.shape[2])["f"]]

    @property
    def g(self) -> np.ndarray:
        """(T, B, N), the candidate."""
        return self.gates[:, :, gate_rows(self.cells.shape[2])["g"]]

    @property
    def o(self) -> np.ndarray:
        """(T, B, N), the output gate."""
        return self.gates[:, :, gate_rows(self.cells.shape[2])["o"]]


def unroll_lstm(
    params: LSTMParams, x: np.ndarray, h_0: np.ndarray | None = None, c_0: np.ndarray | None = None
) -> LSTMTrace:
    r"""Run the LSTM over a whole sequence.

    .. math::
        \text{gate} = s \tanh(s\, a) + 1 - s, \quad
        \operatorname{logistic}: s = \tfrac12, \quad \tanh: s = 1 \tag{6.6}

    Parameters
    ----------
    params : LSTMParams
        The weights and biases, shared by all steps.
    x : numpy.ndarray
        (T, B, D), time first.
    h_0, c_0 : numpy.ndarray, optional
        (B, N), the initial states; zero if not given.

    Returns
    -------
    LSTMTrace
        Everything that was computed, as arrays with time first.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Equal to a loop over `lstm_step`, but fast: the inputs' share is one matrix product for all
    steps; the factor s inside the tanh goes into the weights before the loop, so that one tanh
    serves all four gates; the loop makes no new arrays. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unroll_lstm(init_lstm_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3))).y.shape
    (4, 1, 2)
    """
    D, N, K = check_lstm_params(params).sizes
    T, B, _ = check_array("x", x, "T B D", D=D, like=params.W_hh).shape
    h_0 = np.zeros((B, N), x.dtype) if h_0 is None else h_0
    c_0 = np.zeros((B, N), x.dtype) if c_0 is None else c_0
    check_array("h_0", h_0, "B N", B=B, N=N, like=params.W_hh)
    check_array("c_0", c_0, "B N", B=B, N=N, like=params.W_hh)
    W_xh, W_hh, W_hy, b_h, b_y = params

    dtype = np.result_type(x, h_0, c_0, *params)
    gates = np.empty((T, B, 4 * N), dtype)
    cells, states = np.empty((2, T + 1, B, N), dtype)
    tanh_c = np.empty((T, B, N), dtype)
    recurrent, added = np.empty((B, 4 * N), dtype), np.empty((B, N), dtype)
    cells[0], states[0] = c_0, h_0

    s = np.full(4 * N, 0.5, x.real.dtype)
    s[gate_rows(N)["g"]] = 1
    one_minus_s = 1 - s
    W_hh_T = np.ascontiguousarray((s[:, None] * W_hh).T)  # transposed once, read T times
    np.matmul(x.reshape(T * B, D), (s[:, None] * W_xh).T, out=gates.reshape(T * B, 4 * N))
    gates += s * b_h  # s times the inputs' share and the bias, all t

    trace = LSTMTrace(x, gates, cells, tanh_c, states, np.empty((T, B, K), dtype))
    i, f, g, o, c, h = trace.i, trace.f, trace.g, trace.o, trace.c, trace.h
    for t in range(T):
        gates_t = gates[t]
        np.matmul(states[t], W_hh_T, out=recurrent)
        np.add(gates_t, recurrent, out=gates_t)  # s ⊙ a_t  (6.1)
        np.tanh(gates_t, out=gates_t)
        np.multiply(s, gates_t, out=gates_t)
        np.add(gates_t, one_minus_s, out=gates_t)  # (6.2), (6.6)
        np.multiply(f[t], cells[t], out=c[t])
        np.multiply(i[t], g[t], out=added)
        np.add(c[t], added, out=c[t])  # (6.3)
        np.tanh(c[t], out=tanh_c[t])
        np.multiply(o[t], tanh_c[t], out=h[t])  # (6.4)
    np.matmul(h.reshape(T * B, N), W_hy.T, out=trace.y.reshape(T * B, K))
    np.add(trace.y, b_y, out=trace.y)  # (6.5)
    return trace


def check_lstm_trace(trace: LSTMTrace, params: LSTMParams | None = None) -> LSTMTrace:
    """Return the trace if it is one, and of the sizes of the parameters, if they are given.

    Parameters
    ----------
    trace : LSTMTrace
        The record of a forward pass.
    params : LSTMParams, optional
        The parameters with which it was made.

    Returns
    -------
    LSTMTrace
        The same object.

    Raises
    ------
    TypeError, ValueError
        If `trace` is no `LSTMTrace`, or the sizes (D, N, K) differ.

    Notes
    -----
    The entries are not checked. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trace = unroll_lstm(init_lstm_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3)))
    >>> check_lstm_trace(trace, init_lstm_params(3, 5, 1, rng))
    Traceback (most recent call last):
    ...
    ValueError: params have sizes (D, N, K) = (3, 5, 1), the trace (3, 5, 2); expected the ...
    """
    if not isinstance(trace, LSTMTrace):
        raise TypeError(
            f"trace is a {type(trace).__name__}; expected the LSTMTrace that unroll_lstm returns."
        )
    seen = tuple(array.shape[2] for array in (trace.x, trace.cells, trace.y))
    if params is not None and check_lstm_params(params).sizes != seen:
        raise ValueError(
            f"params have sizes (D, N, K) = {params.sizes}, the trace {seen}; expected the "
            f"parameters with which the trace was made."
        )
    return trace


class LSTMSweep(NamedTuple):
    """What flows back through the states.

    Parameters
    ----------
    dL_da : numpy.ndarray
        (T, B, 4N), ∂L/∂a_t, from which every gradient follows.
    dL_dh, dL_dc : numpy.ndarray
        (T, B, N), ∂L/∂h_t and ∂L/∂c_t, by every path.
    dL_dh_0, dL_dc_0 : numpy.ndarray
        (B, N), what arrives at the initial states.

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> LSTMSweep._fields
    ('dL_da', 'dL_dh', 'dL_dc', 'dL_dh_0', 'dL_dc_0')
    """

    dL_da: np.ndarray
    dL_dh: np.ndarray
    dL_dc: np.ndarray
    dL_dh_0: np.ndarray
    dL_dc_0: np.ndarray


def local_derivatives(trace: LSTMTrace) -> tuple[np.ndarray, np.ndarray]:
    """Compute what the way back through one step takes from that step alone, for all steps at once.

    Parameters
    ----------
    trace : LSTMTrace
        The record of the forward pass.

    Returns
    -------
    tuple of numpy.ndarray
        (T, B, 4N), ∂c_t/∂a_t in the rows i, f, g and ∂h_t/∂a_t with c_t held fixed in the rows o:
        the factors in (6.9) and (6.10). (T, B, N), ∂h_t/∂c_t with o_t held fixed: that in (6.8).

    Notes
    -----
    All of them are diagonal matrices. Notebook 06.

    Examples
    --------
    >>> params = init_lstm_params(3, 5, 2, np.random.default_rng(0), gain=0.0)
    >>> _, dh_dc = local_derivatives(unroll_lstm(params, np.ones((4, 1, 3))))
    >>> dh_dc[:, 0, 0]   # logistic(0) (1 - tanh² 0)
    array([0.5, 0.5, 0.5, 0.5])
    """
    by_a = 1 - trace.gates
    by_a *= trace.gates  # gate (1 - gate), the slope of the logistic
    rows = gate_rows(trace.cells.shape[2])
    by_i, by_f, by_g, by_o = (by_a[:, :, rows[gate]] for gate in GATES)
    by_i *= trace.g
    by_f *= trace.c_prev
    np.multiply(trace.g, trace.g, out=by_g)
    np.subtract(1, by_g, out=by_g)  # 1 - g², the slope of tanh
    by_g *= trace.i
    by_o *= trace.tanh_c
    dh_dc = trace.tanh_c * trace.tanh_c
    np.subtract(1, dh_dc, out=dh_dc)
    dh_dc *= trace.o
    return by_a, dh_dc


def lstm_sweep(
    params: LSTMParams,
    trace: LSTMTrace,
    dL_dy: np.ndarray,
    dL_dh_T: np.ndarray | None = None,
    dL_dc_T: np.ndarray | None = None,
) -> LSTMSweep:
    r"""Carry the gradient from the last step to the first, along the two states.

    .. math::
        \frac{\partial L}{\partial h_t} = W_{hy}^\top \frac{\partial L}{\partial y_t}
            + W_{hh}^\top \frac{\partial L}{\partial a_{t+1}} \tag{6.7}

        \frac{\partial L}{\partial c_t} = o_t \odot (1 - \tanh^2 c_t) \odot
            \frac{\partial L}{\partial h_t} + f_{t+1} \odot \frac{\partial L}{\partial c_{t+1}}
            \tag{6.8}

        \frac{\partial L}{\partial a^i_t} = g_t \odot i_t \odot (1 - i_t) \odot
            \frac{\partial L}{\partial c_t}, \quad
        \frac{\partial L}{\partial a^f_t} = c_{t-1} \odot f_t \odot (1 - f_t) \odot
            \frac{\partial L}{\partial c_t}, \quad
        \frac{\partial L}{\partial a^g_t} = i_t \odot (1 - g_t^2) \odot
            \frac{\partial L}{\partial c_t} \tag{6.9}

        \frac{\partial L}{\partial a^o_t} = \tanh(c_t) \odot o_t \odot (1 - o_t) \odot
            \frac{\partial L}{\partial h_t} \tag{6.10}

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_dh_T, dL_dc_T : numpy.ndarray, optional
        (B, N), gradients that reach the last states other than through `dL_dy`; zero if not given.

    Returns
    -------
    LSTMSweep
        ∂L/∂a_t, ∂L/∂h_t and ∂L/∂c_t for every t, ∂L/∂h_0 and ∂L/∂c_0.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    What does not depend on later steps is ready before the loop: `local_derivatives`. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_lstm_params(3, 5, 2, rng)
    >>> trace = unroll_lstm(params, rng.standard_normal((4, 1, 3)))
    >>> lstm_sweep(params, trace, np.ones((4, 1, 2))).dL_dc.shape
    (4, 1, 5)
    """
    check_lstm_trace(trace, params)
    (T, B, K), N = trace.y.shape, params.sizes[1]
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    dL_dh = np.matmul(dL_dy.reshape(T * B, K), params.W_hy).reshape(T, B, N)  # share of the outputs
    if dL_dh_T is not None:
        dL_dh[-1] += check_array("dL_dh_T", dL_dh_T, "B N", B=B, N=N, like=trace.y)
    from_next = np.zeros((B, N), dL_dh.dtype)  # f_{t+1} ⊙ ∂L/∂c_{t+1}
    if dL_dc_T is not None:
        from_next += check_array("dL_dc_T", dL_dc_T, "B N", B=B, N=N, like=trace.y)

    dL_da, dL_dc = local_derivatives(trace)  # each times ∂L/∂c_t or ∂L/∂h_t, in the loop
    by_gate = dL_da.reshape(T, B, 4, N)
    dL_da_ifg, dL_da_o, f = by_gate[:, :, :3], by_gate[:, :, 3], trace.f
    recurrent = np.zeros((B, N), dL_dh.dtype)  # W_hhᵀ ∂L/∂a_{t+1}
    for t in reversed(range(T)):
        dL_dh_t, dL_dc_t = dL_dh[t], dL_dc[t]
        np.add(dL_dh_t, recurrent, out=dL_dh_t)  # (6.7)
        np.multiply(dL_dc_t, dL_dh_t, out=dL_dc_t)
        np.add(dL_dc_t, from_next, out=dL_dc_t)  # (6.8)
        np.multiply(dL_da_ifg[t], dL_dc_t[:, None], out=dL_da_ifg[t])  # (6.9)
        np.multiply(dL_da_o[t], dL_dh_t, out=dL_da_o[t])  # (6.10)
        np.multiply(f[t], dL_dc_t, out=from_next)
        np.matmul(dL_da[t], params.W_hh, out=recurrent)
    return LSTMSweep(dL_da, dL_dh, dL_dc, dL_dh_0=recurrent, dL_dc_0=from_next)  # (6.12)


class LSTMGradients(NamedTuple):
    """The gradient of a loss with respect to the parameters, the inputs and the initial states.

    Parameters
    ----------
    dL_dW_xh, dL_dW_hh, dL_dW_hy, dL_db_h, dL_db_y : numpy.ndarray
        (4N, D), (4N, N), (K, N), (4N,), (K,).
    dL_dx : numpy.ndarray
        (T, B, D).
    dL_dh_0, dL_dc_0 : numpy.ndarray
        (B, N).

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> LSTMGradients._fields[:5]
    ('dL_dW_xh', 'dL_dW_hh', 'dL_dW_hy', 'dL_db_h', 'dL_db_y')
    """

    dL_dW_xh: np.ndarray
    dL_dW_hh: np.ndarray
    dL_dW_hy: np.ndarray
    dL_db_h: np.ndarray
    dL_db_y: np.ndarray
    dL_dx: np.ndarray
    dL_dh_0: np.ndarray
    dL_dc_0: np.ndarray

    def of_params(self) -> LSTMParams:
        """Return the first five, in the order of `LSTMParams`."""
        return LSTMParams(*self[:5])


def lstm_parameter_gradients(params: LSTMParams, trace: LSTMTrace, dL_dy: np.ndarray) -> LSTMParams:
    r"""Compute the gradients of the parameters alone, all that an update needs.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} h_{t-1}^\top, \quad
        \frac{dL}{dW_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} x_t^\top, \quad
        \frac{dL}{db_h} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} \tag{6.11}

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    LSTMParams
        The gradients in the places of the parameters.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    (2.10) to (2.12) with four times the rows. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_lstm_params(3, 5, 2, rng)
    >>> trace = unroll_lstm(params, rng.standard_normal((4, 1, 3)))
    >>> lstm_parameter_gradients(params, trace, np.ones((4, 1, 2))).b_y
    array([4., 4.])
    """
    sweep = lstm_sweep(params, trace, dL_dy)
    return LSTMParams(*parameter_gradients(trace, dL_dy, sweep.dL_da))  # (6.11)


def lstm_backward(
    params: LSTMParams,
    trace: LSTMTrace,
    dL_dy: np.ndarray,
    dL_dh_T: np.ndarray | None = None,
    dL_dc_T: np.ndarray | None = None,
) -> LSTMGradients:
    r"""Back-propagate through time: all gradients, in one sweep over the time steps.

    .. math::
        \frac{\partial L}{\partial x_t} = W_{xh}^\top \frac{\partial L}{\partial a_t}, \quad
        \frac{\partial L}{\partial h_0} = W_{hh}^\top \frac{\partial L}{\partial a_1}, \quad
        \frac{\partial L}{\partial c_0} = f_1 \odot \frac{\partial L}{\partial c_1} \tag{6.12}

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_dh_T, dL_dc_T : numpy.ndarray, optional
        (B, N), gradients that reach the last states other than through `dL_dy`; zero if not given.

    Returns
    -------
    LSTMGradients
        With respect to the five parameters, the inputs, h_0 and c_0.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    `lstm_sweep`, then one matrix product for each array. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_lstm_params(3, 5, 2, rng)
    >>> trace = unroll_lstm(params, rng.standard_normal((4, 1, 3)))
    >>> lstm_backward(params, trace, np.ones((4, 1, 2))).dL_dc_0.shape
    (1, 5)
    """
    sweep = lstm_sweep(params, trace, dL_dy, dL_dh_T, dL_dc_T)
    of_params = parameter_gradients(trace, dL_dy, sweep.dL_da)
    rows = sweep.dL_da.reshape(-1, sweep.dL_da.shape[2])
    dL_dx = np.matmul(rows, params.W_xh).reshape(trace.x.shape)  # (6.12)
    return LSTMGradients(*of_params, dL_dx, sweep.dL_dh_0, sweep.dL_dc_0)


class LSTMModel(HandModel):
    """The LSTM with a linear readout, with its gradients by hand.

    Parameters
    ----------
    params : LSTMParams
        The weights and biases.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not fit each other.

    Notes
    -----
    The initial states are zero. Setting `params` replaces the weights. Notebook 06.

    Examples
    --------
    >>> model = LSTMModel(init_lstm_params(3, 5, 2, np.random.default_rng(0)))
    >>> model.forward(np.ones((4, 1, 3))).shape
    (4, 1, 2)
    """

    def __init__(self, params: LSTMParams):
        self.params = check_lstm_params(params)

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        return "LSTMModel()"

    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> LSTMTrace:
        """Return the trace of a forward pass; nothing is random in it."""
        return unroll_lstm(self.params, x)

    def gradients(self, record: LSTMTrace, dL_dy: np.ndarray) -> LSTMParams:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""
        return lstm_parameter_gradients(self.params, record, dL_dy)

    def contributions(self, record: LSTMTrace, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, 4N, N)."""
        dL_da = lstm_sweep(self.params, record, dL_dy).dL_da
        return dL_da.swapaxes(1, 2) @ record.h_prev
