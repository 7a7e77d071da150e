"""The gated recurrent unit in both reset conventions, forward and backward.

Gates stand in torch's order r, z, n along one axis of 3N entries. The update gate z keeps: z = 1
leaves the state as it is.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.cell import LOGISTIC, Step
from rnncourse.models import HandModel
from rnncourse.validation import check_array

GATES = ("r", "z", "n")
RESETS = ("after", "before")
BLOCK = 2**15  # entries of a gate that `gru_sweep` differentiates at once: they stay in the cache


def gate_rows(N: int) -> dict[str, slice]:
    """Say which rows of W_xh, W_hh and b_h belong to which gate.

    Parameters
    ----------
    N : int
        Number of hidden units.

    Returns
    -------
    dict of str to slice
        For ``"r"``, ``"z"`` and ``"n"``: N rows of the 3N each.

    Raises
    ------
    ValueError
        If N is not a positive whole number.

    Notes
    -----
    The order of torch.nn.GRU; ONNX has z, r, h. `rnncourse.lstm.gate_rows` does so for its four.
    Notebook 06.

    Examples
    --------
    >>> gate_rows(5)["z"]
    slice(5, 10, None)
    """
    if not isinstance(N, int | np.integer) or N < 1:
        raise ValueError(f"N is {N!r}; expected a whole number of at least 1.")
    return {gate: slice(i * N, (i + 1) * N) for i, gate in enumerate(GATES)}


class GRUParams(NamedTuple):
    """The six parameters of the gated recurrent unit and its readout.

    Parameters
    ----------
    W_xh : numpy.ndarray
        (3N, D), from the input to the gates: rows of r, then of z, then of n.
    W_hh : numpy.ndarray
        (3N, N), from the previous state to the gates.
    W_hy : numpy.ndarray
        (K, N), from the state to the output.
    b_h : numpy.ndarray
        (3N,), bias of the gates.
    b_hn : numpy.ndarray
        (N,), second bias of n, beside W_hn: the one that the reset gate acts on.
    b_y : numpy.ndarray
        (K,), bias of the output.

    Notes
    -----
    torch has a second bias for r and z too, which says nothing new: b_h is the sum of both.
    Notebook 06.

    Examples
    --------
    >>> params = init_gru_params(3, 5, 2, np.random.default_rng(0))
    >>> params.W_hh.shape, params.sizes
    ((15, 5), (3, 5, 2))
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    W_hy: np.ndarray
    b_h: np.ndarray
    b_hn: np.ndarray
    b_y: np.ndarray

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, N, K): inputs, hidden units, outputs."""
        return self.W_xh.shape[1], self.W_hh.shape[1], self.W_hy.shape[0]


def check_gru_params(params: GRUParams) -> GRUParams:
    """Return the parameters if their shapes fit each other and they are finite, of one dtype.

    Parameters
    ----------
    params : GRUParams
        The six arrays.

    Returns
    -------
    GRUParams
        The same object.

    Raises
    ------
    TypeError
        If an argument is no `GRUParams`, or the dtypes differ.
    ValueError
        If a shape does not fit, or an entry is nan or inf.

    Notes
    -----
    N is read off W_hh, D off W_xh, K off W_hy; the others have to agree. Notebook 06.

    Examples
    --------
    >>> params = init_gru_params(3, 5, 2, np.random.default_rng(0))
    >>> check_gru_params(params._replace(b_hn=np.zeros(15)))
    Traceback (most recent call last):
    ...
    ValueError: b_hn has shape (15,); expected (N,) with N = 5.
    """
    if not isinstance(params, GRUParams):
        fields = ", ".join(GRUParams._fields)
        raise TypeError(f"params is a {type(params).__name__}; expected GRUParams({fields}).")
    like = check_array("W_hh", params.W_hh, "3N N")
    N = like.shape[1]
    sizes = {"N": N, "3N": 3 * N}
    check_array("W_hh", params.W_hh, "3N N", **sizes)
    check_array("W_xh", params.W_xh, "3N D", **sizes, like=like)
    check_array("W_hy", params.W_hy, "K N", **sizes, like=like)
    check_array("b_h", params.b_h, "3N", **sizes, like=like)
    check_array("b_hn", params.b_hn, "N", **sizes, like=like)
    check_array("b_y", params.b_y, "K", K=len(params.W_hy), like=like)
    return params


def init_gru_params(
    D: int, N: int, K: int, rng: np.random.Generator, *,
    gain: float = 1.0, update_bias: float = 0.0, dtype: type = np.float64,
) -> GRUParams:  # fmt: skip
    """Draw weights with standard deviation gain/√(number of inputs), biases of zero but for z.

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    rng : numpy.random.Generator
        The source of randomness, for example ``np.random.default_rng(0)``.
    gain : float
        Scales all three weight matrices.
    update_bias : float
        Bias of z: logistic(update_bias) of the state is kept at each step where the rest is zero.
    dtype : type
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    GRUParams
        Fresh arrays.

    Raises
    ------
    ValueError
        If a size is not a positive whole number.
    TypeError
        If `rng` is no Generator.

    Notes
    -----
    A positive `update_bias` is what the forget-gate bias is to the LSTM. LeCun et al. 1998,
    "Efficient BackProp", §4.6; notebook 06.

    Examples
    --------
    >>> params = init_gru_params(3, 2, 1, np.random.default_rng(0), update_bias=1.0)
    >>> params.b_h
    array([0., 0., 1., 1., 0., 0.])
    """
    for name, size in (("D", D), ("N", N), ("K", K)):
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} is {size!r}; expected a whole number of at least 1.")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")

    def draw(rows: int, columns: int) -> np.ndarray:
        return (gain / np.sqrt(columns) * rng.standard_normal((rows, columns))).astype(dtype)

    b_h, b_hn, b_y = (np.zeros(size, dtype) for size in (3 * N, N, K))
    b_h[gate_rows(N)["z"]] = update_bias
    return GRUParams(draw(3 * N, D), draw(3 * N, N), draw(K, N), b_h, b_hn, b_y)


def gru_step(params: GRUParams, x_t: np.ndarray, h_prev: np.ndarray, reset: str = "after") -> Step:
    r"""Take one time step for a batch, with the reset gate after or before the matrix product.

    .. math::
        r_t = \operatorname{logistic}(W_{xr} x_t + W_{hr} h_{t-1} + b_r), \quad
        z_t = \operatorname{logistic}(W_{xz} x_t + W_{hz} h_{t-1} + b_z) \tag{6.20}

        n_t = \tanh\bigl(W_{xn} x_t + b_n + r_t \odot (W_{hn} h_{t-1} + b_{hn})\bigr)
            \quad \text{(after)} \tag{6.23}

        n_t = \tanh\bigl(W_{xn} x_t + b_n + W_{hn} (r_t \odot h_{t-1}) + b_{hn}\bigr)
            \quad \text{(before)} \tag{6.22}

        h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1} \tag{6.21}

    Parameters
    ----------
    params : GRUParams
        The weights and biases.
    x_t : numpy.ndarray
        (B, D), the input at time t, one row per sequence.
    h_prev : numpy.ndarray
        (B, N), the state before this step.
    reset : {"after", "before"}
        Which of the two equations for n_t.

    Returns
    -------
    Step
        The pre-activations a_t of r, z, n, (B, 3N), then h_t and y_t.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype, shape or value, or is not finite.

    Notes
    -----
    "before" is Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder"
    (EMNLP), eq. 5-8, here with biases. "after" needs one matrix product instead of two: it is
    torch.nn.GRU, cuDNN, and ONNX with linear_before_reset = 1 (0 is "before"); the documentation
    of Keras finds it in the paper's first version, arXiv 1406.1078v1, and "before" in v3. In these
    z keeps; in Chung et al. 2014, arXiv 1412.3555, §3.2, the same letter replaces:
    h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ n_t. Notebook 06.

    Examples
    --------
    >>> params = init_gru_params(3, 5, 2, np.random.default_rng(0))
    >>> gru_step(params, np.ones((1, 3)), np.zeros((1, 5))).h.shape
    (1, 5)
    """
    D, N, _ = check_gru_params(params).sizes
    check_array("x_t", x_t, "B D", D=D, like=params.W_xh)
    check_array("h_prev", h_prev, "B N", B=len(x_t), N=N, like=params.W_xh)
    (W_xr, W_xz, W_xn), (W_hr, W_hz, W_hn) = np.split(params.W_xh, 3), np.split(params.W_hh, 3)
    (b_r, b_z, b_n), b_hn = np.split(params.b_h, 3), params.b_hn
    a_r = x_t @ W_xr.T + h_prev @ W_hr.T + b_r
    a_z = x_t @ W_xz.T + h_prev @ W_hz.T + b_z
    r_t, z_t = LOGISTIC.phi(a_r), LOGISTIC.phi(a_z)  # (6.20)
    if _check_reset(reset) == "after":
        a_n = x_t @ W_xn.T + b_n + r_t * (h_prev @ W_hn.T + b_hn)  # (6.23)
    else:
        a_n = x_t @ W_xn.T + b_n + (r_t * h_prev) @ W_hn.T + b_hn  # (6.22)
    h_t = (1 - z_t) * np.tanh(a_n) + z_t * h_prev  # (6.21)
    y_t = h_t @ params.W_hy.T + params.b_y  # (1.3)
    return Step(np.hstack([a_r, a_z, a_n]), h_t, y_t)


class GRUTrace(NamedTuple):
    """The record of a forward pass: all that the backward sweep needs, at every time step.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs (the caller's array, not a copy).
    gates : numpy.ndarray
        (T, B, 3N), the values of r, z, n.
    q : numpy.ndarray
        (T, B, N), between reset gate and matrix product: W_hn h_{t-1} + b_hn, which r_t multiplies
        ("after"), or r_t ⊙ h_{t-1}, which W_hn multiplies ("before").
    states : numpy.ndarray
        (T+1, B, N), h_0 and then every state.
    y : numpy.ndarray
        (T, B, K), the outputs.
    reset : str
        ``"after"`` or ``"before"``.

    Notes
    -----
    Row t of `h` is the mathematician's h_{t+1}, as in `rnncourse.unroll.Trace`. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trace = unroll_gru(init_gru_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3)))
    >>> trace.z.shape, bool((trace.h_prev[1] == trace.h[0]).all())
    ((4, 1, 5), True)
    """

    x: np.ndarray
    gates: np.ndarray
    q: np.ndarray
    states: np.ndarray
    y: np.ndarray
    reset: str

    @property
    def h(self) -> np.ndarray:
        """(T, B, N), the states h_1 to h_T."""
        return self.states[1:]

    @property
    def h_prev(self) -> np.ndarray:
        """(T, B, N), the states h_0 to h_{T-1} that enter each step."""
        return self.states[:-1]

    @property
    def h_0(self) -> np.ndarray:
        """(B, N), the initial state."""
        return self.states[0]

    @property
    def r(self) -> np.ndarray:
        """(T, B, N), the reset gate."""
        return self.gates[..., gate_rows(self.q.shape[2])["r"]]

    @property
    def z(self) -> np.ndarray:
        """(T, B, N), the update gate, which keeps."""
        return self.gates[..., gate_rows(self.q.shape[2])["z"]]

    @property
    def n(self) -> np.ndarray:
        """(T, B, N), the new state that is mixed in."""
        return self.gates[..., gate_rows(self.q.shape[2])["n"]]


def unroll_gru(
    params: GRUParams, x: np.ndarray, h_0: np.ndarray | None = None, reset: str = "after"
) -> GRUTrace:
    r"""Run the gated recurrent unit over a whole sequence.

    .. math::
        \operatorname{logistic}(a) = \tfrac12 \bigl(1 + \tanh \tfrac a2 \bigr) \tag{6.24}

    Parameters
    ----------
    params : GRUParams
        The weights and biases, shared by all steps.
    x : numpy.ndarray
        (T, B, D), time first.
    h_0 : numpy.ndarray, optional
        (B, N), the initial state; zero if not given.
    reset : {"after", "before"}
        The convention, see `gru_step`.

    Returns
    -------
    GRUTrace
        Everything that was computed, as arrays with time first.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype, shape or value, or is not finite.

    Notes
    -----
    The result is that of a loop over `gru_step`, sooner: the inputs' share of all steps is one
    matrix product, r and z share one tanh whose factor ½ is folded into the weights, and nothing
    is allocated inside the loop. "after" has one matrix product per step, "before" two. Notebook
    06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unroll_gru(init_gru_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3))).y.shape
    (4, 1, 2)
    """
    D, N, _ = check_gru_params(params).sizes
    after = _check_reset(reset) == "after"
    T, B, _ = check_array("x", x, "T B D", D=D, like=params.W_xh).shape
    if h_0 is None:
        h_0 = np.zeros((B, N), dtype=x.dtype)
    check_array("h_0", h_0, "B N", B=B, N=N, like=params.W_xh)
    W_xh, W_hh, W_hy, b_h, b_hn, b_y = params
    dtype = np.result_type(x, h_0, *params)
    half = np.ones(3 * N, x.real.dtype)
    half[: 2 * N] = 0.5  # of r and z, for (6.24)

    gates = np.empty((T, B, 3 * N), dtype)
    np.matmul(x.reshape(T * B, D), (half[:, None] * W_xh).T, out=gates.reshape(T * B, 3 * N))
    gates += half * b_h
    r_and_z, r, z, n = gates[..., : 2 * N], *np.split(gates, 3, axis=2)
    if not after:
        n += b_hn
    states, q = np.empty((T + 1, B, N), dtype), np.empty((T, B, N), dtype)
    states[0] = h_0
    W_T = np.ascontiguousarray((half[:, None] * W_hh)[: 3 * N if after else 2 * N].T)
    W_hn_T = np.ascontiguousarray(W_hh[2 * N :].T)
    recurrent, mixed = np.empty((B, W_T.shape[1]), dtype), np.empty((B, N), dtype)
    for t in range(T):
        h_prev, r_and_z_t, q_t, n_t = states[t], r_and_z[t], q[t], n[t]
        np.matmul(h_prev, W_T, out=recurrent)
        r_and_z_t += recurrent[:, : 2 * N]
        np.tanh(r_and_z_t, out=r_and_z_t)
        r_and_z_t += 1
        r_and_z_t *= 0.5  # (6.24), (6.20)
        if after:
            np.add(recurrent[:, 2 * N :], b_hn, out=q_t)
            np.multiply(r[t], q_t, out=mixed)  # (6.23)
        else:
            np.multiply(r[t], h_prev, out=q_t)
            np.matmul(q_t, W_hn_T, out=mixed)  # (6.22)
        n_t += mixed
        np.tanh(n_t, out=n_t)
        np.subtract(h_prev, n_t, out=mixed)
        mixed *= z[t]
        np.add(n_t, mixed, out=states[t + 1])  # (6.21), as n + z ⊙ (h - n)
    y = np.matmul(states[1:].reshape(T * B, N), W_hy.T).reshape(T, B, -1)
    y += b_y  # (1.3)
    return GRUTrace(x, gates, q, states, y, reset)


class GRUGradients(NamedTuple):
    """The gradient of a loss with respect to the six parameters, the inputs and h_0.

    Parameters
    ----------
    dL_dW_xh : numpy.ndarray
        (3N, D).
    dL_dW_hh : numpy.ndarray
        (3N, N).
    dL_dW_hy : numpy.ndarray
        (K, N).
    dL_db_h : numpy.ndarray
        (3N,).
    dL_db_hn : numpy.ndarray
        (N,).
    dL_db_y : numpy.ndarray
        (K,).
    dL_dx : numpy.ndarray
        (T, B, D).
    dL_dh_0 : numpy.ndarray
        (B, N).

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> GRUGradients._fields[:4]
    ('dL_dW_xh', 'dL_dW_hh', 'dL_dW_hy', 'dL_db_h')
    """

    dL_dW_xh: np.ndarray
    dL_dW_hh: np.ndarray
    dL_dW_hy: np.ndarray
    dL_db_h: np.ndarray
    dL_db_hn: np.ndarray
    dL_db_y: np.ndarray
    dL_dx: np.ndarray
    dL_dh_0: np.ndarray

    def of_params(self) -> tuple[np.ndarray, ...]:
        """Return the first six, in the order of `GRUParams`: zip the two for an update."""
        return self[:6]


class GRUSweep(NamedTuple):
    """What flows back through the states.

    Parameters
    ----------
    dL_dh : numpy.ndarray
        (T, B, N), ∂L/∂h_t: by every path, through the output y_t and through h_{t+1}.
    dL_da_rz : numpy.ndarray
        (T, B, 2N), at the pre-activations of r and z.
    dL_da_n : numpy.ndarray
        (T, B, N), at the pre-activation of n.
    dL_dq : numpy.ndarray
        (T, B, N), at what stands between reset gate and matrix product, see `GRUTrace`.
    dL_dh_0 : numpy.ndarray
        (B, N), what arrives at the initial state.

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> GRUSweep._fields
    ('dL_dh', 'dL_da_rz', 'dL_da_n', 'dL_dq', 'dL_dh_0')
    """

    dL_dh: np.ndarray
    dL_da_rz: np.ndarray
    dL_da_n: np.ndarray
    dL_dq: np.ndarray
    dL_dh_0: np.ndarray


def gru_sweep(params: GRUParams, trace: GRUTrace, dL_dy: np.ndarray) -> GRUSweep:
    r"""Carry the gradient from the last step to the first.

    .. math::
        \frac{\partial L}{\partial a^z_t} = (h_{t-1} - n_t) \odot z_t \odot (1 - z_t) \odot
            \frac{\partial L}{\partial h_t}, \quad
        \frac{\partial L}{\partial a^n_t} = (1 - z_t) \odot (1 - n_t^2) \odot
            \frac{\partial L}{\partial h_t} \tag{6.25}

        \text{after:} \quad \frac{\partial L}{\partial q_t} = r_t \odot
            \frac{\partial L}{\partial a^n_t}, \quad
        \frac{\partial L}{\partial a^r_t} = q_t \odot (1 - r_t) \odot
            \frac{\partial L}{\partial q_t} \tag{6.26}

        \text{before:} \quad \frac{\partial L}{\partial q_t} = W_{hn}^\top
            \frac{\partial L}{\partial a^n_t}, \quad
        \frac{\partial L}{\partial a^r_t} = q_t \odot (1 - r_t) \odot
            \frac{\partial L}{\partial q_t} \tag{6.27}

        \frac{\partial L}{\partial h_{t-1}} = W_{hy}^\top \frac{\partial L}{\partial y_{t-1}}
            + z_t \odot \frac{\partial L}{\partial h_t}
            + W_{hr}^\top \frac{\partial L}{\partial a^r_t}
            + W_{hz}^\top \frac{\partial L}{\partial a^z_t}
            + \begin{cases} W_{hn}^\top\, \partial L / \partial q_t & \text{after} \\
                r_t \odot \partial L / \partial q_t & \text{before} \end{cases} \tag{6.28}

    Parameters
    ----------
    params : GRUParams
        The parameters with which `trace` was made.
    trace : GRUTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    GRUSweep
        ∂L/∂h_t and the gradient at the pre-activations for every t, and ∂L/∂h_0.

    Raises
    ------
    TypeError, ValueError
        If `trace` or `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    q_t is W_hn h_{t-1} + b_hn or r_t ⊙ h_{t-1} (`GRUTrace`). The factors in front of ∂L/∂h_t are
    computed for many steps at once, as many as the cache holds. At t = 1 the term of the output is
    missing. Werbos 1990; notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_gru_params(3, 5, 2, rng)
    >>> trace = unroll_gru(params, rng.standard_normal((4, 1, 3)))
    >>> gru_sweep(params, trace, np.ones((4, 1, 2))).dL_dh.shape
    (4, 1, 5)
    """
    T, B, N, K = _check_arguments(params, trace, dL_dy)
    after, W_hh, W_hn = trace.reset == "after", params.W_hh, params.W_hh[2 * N :]
    dtype = np.result_type(trace.y, dL_dy)
    dL_dh = np.empty((T + 1, B, N), dtype)  # row 0 is that of h_0
    np.matmul(dL_dy.reshape(T * B, K), params.W_hy, out=dL_dh[1:].reshape(T * B, N))
    dL_dh[0] = 0
    dL_da = np.empty((T, B, 3 * N), dtype)  # of r, z and q (after) or n (before)
    other = np.empty((T, B, N), dtype)  # the remaining one: of n (after) or q (before)
    by_gate, rz, last = dL_da.reshape(T, B, 3, N), dL_da[..., : 2 * N], dL_da[..., 2 * N :]
    r, z, kept, back = trace.r, trace.z, np.empty((B, N), dtype), np.empty((B, N), dtype)
    steps = max(1, BLOCK // (B * N))
    for end in range(T, 0, -steps):
        block = slice(max(0, end - steps), end)
        _local_derivatives(trace, block, by_gate[block], other[block])
        for t in reversed(range(block.start, end)):
            dL_dh_t, dL_dh_prev = dL_dh[t + 1], dL_dh[t]
            if after:
                by_gate[t] *= dL_dh_t[:, None]  # (6.25), (6.26)
                np.matmul(dL_da[t], W_hh, out=back)
            else:
                by_gate[t, :, 1:] *= dL_dh_t[:, None]  # (6.25)
                dL_dq_t = np.matmul(last[t], W_hn, out=other[t])  # (6.27)
                by_gate[t, :, 0] *= dL_dq_t  # (6.27)
                np.matmul(rz[t], W_hh[: 2 * N], out=back)
                dL_dh_prev += np.multiply(r[t], dL_dq_t, out=kept)
            dL_dh_prev += back
            dL_dh_prev += np.multiply(z[t], dL_dh_t, out=kept)  # (6.28)
        if after:
            other[block] *= dL_dh[1:][block]  # (6.25), of n
    dL_da_n, dL_dq = (other, last) if after else (last, other)
    return GRUSweep(dL_dh[1:], rz, dL_da_n, dL_dq, dL_dh[0])


def _local_derivatives(
    trace: GRUTrace, block: slice, by_gate: np.ndarray, other: np.ndarray
) -> None:
    """Write the factors of (6.25) to (6.27) that the forward pass fixes, for a block of steps."""
    r, z, n, q, h_prev = (a[block] for a in (trace.r, trace.z, trace.n, trace.q, trace.h_prev))
    of_r, of_z, last = by_gate[:, :, 0], by_gate[:, :, 1], by_gate[:, :, 2]
    of_n, replaced = (other if trace.reset == "after" else last), np.subtract(1, z)
    np.multiply(n, n, out=of_n)
    np.subtract(1, of_n, out=of_n)
    of_n *= replaced  # (1 - z) ⊙ (1 - n²)
    np.subtract(h_prev, n, out=of_z)
    of_z *= z
    of_z *= replaced  # (h - n) ⊙ z ⊙ (1 - z)
    np.subtract(1, r, out=of_r)
    of_r *= q  # q ⊙ (1 - r)
    if trace.reset == "after":
        np.multiply(r, of_n, out=last)
        of_r *= last  # (6.26): ∂L/∂q_t too is a factor times ∂L/∂h_t


def gru_parameter_gradients(
    trace: GRUTrace, dL_dy: np.ndarray, sweep: GRUSweep
) -> tuple[np.ndarray, ...]:
    r"""Turn the sweep into the gradients of the six parameters, all that an update needs.

    .. math::
        \frac{dL}{dW_{hn}} = \sum_{t=1}^T \begin{cases}
            \dfrac{\partial L}{\partial q_t}\, h_{t-1}^\top & \text{after} \\[1ex]
            \dfrac{\partial L}{\partial a^n_t}\, (r_t \odot h_{t-1})^\top & \text{before}
            \end{cases}, \quad
        \frac{dL}{dW_{hr}} = \sum_{t=1}^T \frac{\partial L}{\partial a^r_t}\, h_{t-1}^\top
        \tag{6.29}

        \frac{dL}{dW_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} x_t^\top, \quad
        \frac{dL}{db_h} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} \tag{6.30}

        \frac{dL}{db_{hn}} = \sum_{t=1}^T \frac{\partial L}{\partial q_t}
            \quad \text{(after)}, \qquad
        \frac{dL}{db_{hn}} = \frac{dL}{db_n} \quad \text{(before)} \tag{6.31}

    Parameters
    ----------
    trace : GRUTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    sweep : GRUSweep
        What `gru_sweep` returned for them.

    Returns
    -------
    tuple of numpy.ndarray
        In the order of `GRUParams`.

    Notes
    -----
    W_hz as W_hr. Time and batch become one axis of T·B rows, over which the product sums.
    Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params, dL_dy = init_gru_params(3, 5, 2, rng), np.ones((4, 1, 2))
    >>> trace = unroll_gru(params, rng.standard_normal((4, 1, 3)))
    >>> gru_parameter_gradients(trace, dL_dy, gru_sweep(params, trace, dL_dy))[5]
    array([4., 4.])
    """
    x, h_prev, h, q, errors = map(_all_steps, (trace.x, trace.h_prev, trace.h, trace.q, dL_dy))
    rz, a_n, dq = map(_all_steps, (sweep.dL_da_rz, sweep.dL_da_n, sweep.dL_dq))
    after, two_N = trace.reset == "after", rz.shape[1]
    dL_dW_xh, dL_dW_hh = (
        np.empty((two_N + two_N // 2, columns), rz.dtype)
        for columns in (x.shape[1], h_prev.shape[1])
    )
    np.matmul(rz.T, x, out=dL_dW_xh[:two_N])  # (6.30)
    np.matmul(a_n.T, x, out=dL_dW_xh[two_N:])  # (6.30)
    np.matmul(rz.T, h_prev, out=dL_dW_hh[:two_N])  # (6.29)
    np.matmul(*((dq.T, h_prev) if after else (a_n.T, q)), out=dL_dW_hh[two_N:])  # (6.29)
    of_n = a_n.sum(axis=0)
    return (
        dL_dW_xh,
        dL_dW_hh,
        errors.T @ h,
        np.concatenate([rz.sum(axis=0), of_n]),  # (6.30)
        dq.sum(axis=0) if after else of_n.copy(),  # (6.31)
        errors.sum(axis=0),
    )


def _all_steps(sequence: np.ndarray) -> np.ndarray:
    """Time and batch in one axis: (T·B, ·)."""
    return sequence.reshape(-1, sequence.shape[-1])


def gru_backward(params: GRUParams, trace: GRUTrace, dL_dy: np.ndarray) -> GRUGradients:
    r"""Back-propagate through time: all gradients, in one sweep over the time steps.

    .. math::
        \frac{\partial L}{\partial x_t} = W_{xr}^\top \frac{\partial L}{\partial a^r_t}
            + W_{xz}^\top \frac{\partial L}{\partial a^z_t}
            + W_{xn}^\top \frac{\partial L}{\partial a^n_t} \tag{6.32}

    Parameters
    ----------
    params : GRUParams
        The parameters with which `trace` was made.
    trace : GRUTrace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    GRUGradients
        With respect to the six parameters, the inputs and h_0.

    Raises
    ------
    TypeError, ValueError
        If `trace` or `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    `gru_sweep`, `gru_parameter_gradients`, and the inputs' gradient, which training leaves out.
    Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_gru_params(3, 5, 2, rng)
    >>> trace = unroll_gru(params, rng.standard_normal((4, 1, 3)))
    >>> gru_backward(params, trace, np.ones((4, 1, 2))).dL_dx.shape
    (4, 1, 3)
    """
    sweep = gru_sweep(params, trace, dL_dy)
    of_params = gru_parameter_gradients(trace, dL_dy, sweep)
    two_N = sweep.dL_da_rz.shape[2]
    dL_dx = _all_steps(sweep.dL_da_rz) @ params.W_xh[:two_N]
    dL_dx += _all_steps(sweep.dL_da_n) @ params.W_xh[two_N:]  # (6.32)
    return GRUGradients(*of_params, dL_dx.reshape(trace.x.shape), sweep.dL_dh_0)


def gru_jacobians(params: GRUParams, trace: GRUTrace, b: int = 0) -> np.ndarray:
    r"""Compute the Jacobian of every step for one sequence.

    .. math::
        \begin{aligned}
            \frac{\partial h_t}{\partial h_{t-1}} &= \operatorname{diag}(z_t)
            + \operatorname{diag}\bigl((h_{t-1} - n_t) \odot z_t \odot (1 - z_t)\bigr) W_{hz}
            + \operatorname{diag}\bigl((1 - z_t) \odot (1 - n_t^2)\bigr) A_t \\
            A_t &= \begin{cases} \operatorname{diag}(r_t) W_{hn}
            + \operatorname{diag}(q_t \odot r_t \odot (1 - r_t)) W_{hr} & \text{after} \\
            W_{hn} \bigl(\operatorname{diag}(r_t)
            + \operatorname{diag}(q_t \odot (1 - r_t)) W_{hr}\bigr) & \text{before}
            \end{cases} \end{aligned} \tag{6.34}

    Parameters
    ----------
    params : GRUParams
        The parameters with which `trace` was made.
    trace : GRUTrace
        The record of the forward pass.
    b : int
        Number of the sequence in the batch.

    Returns
    -------
    numpy.ndarray
        (T, N, N), in the order of time.

    Raises
    ------
    TypeError, ValueError
        If `trace` does not fit the parameters, or has no sequence `b`.

    Notes
    -----
    A_t is the derivative of n_t's pre-activation; q_t as in `GRUTrace`. Notebook 06.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> params = init_gru_params(3, 5, 2, rng)
    >>> gru_jacobians(params, unroll_gru(params, rng.standard_normal((4, 1, 3)))).shape
    (4, 5, 5)
    """
    _, B, N, _ = _check_arguments(params, trace, trace.y)
    if not isinstance(b, int | np.integer) or not 0 <= b < B:
        raise ValueError(f"b is {b!r}; expected a sequence of the batch, 0 to {B - 1}.")
    W_hr, W_hz, W_hn = np.split(params.W_hh, 3)
    r, z, n, q, h_prev = (
        a[:, b, :, None] for a in (trace.r, trace.z, trace.n, trace.q, trace.h_prev)
    )
    eye = np.eye(N, dtype=z.dtype)
    if trace.reset == "after":
        A = r * W_hn + q * r * (1 - r) * W_hr
    else:
        A = W_hn @ (r * eye + q * (1 - r) * W_hr)
    return z * eye + (h_prev - n) * z * (1 - z) * W_hz + (1 - z) * (1 - n**2) * A  # (6.34)


def keep_path(trace: GRUTrace) -> np.ndarray:
    r"""Multiply the update gates: the direct path from each state to the last.

    .. math::
        p_{T:k} = \prod_{i=k+1}^{T} z_i, \quad
        W_{hh} = 0 \;\Rightarrow\; \frac{\partial h_T}{\partial h_k}
            = \operatorname{diag} p_{T:k} \tag{6.33}

    Parameters
    ----------
    trace : GRUTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T+1, B, N): row k is p_{T:k}; row T is 1.

    Raises
    ------
    TypeError
        If `trace` is no `GRUTrace`.

    Notes
    -----
    As `rnncourse.cell_path.cell_path` for the LSTM. With recurrent weights the gates depend on the
    state too, and the product leaves that out. Notebook 06.

    Examples
    --------
    >>> params = init_gru_params(3, 1, 1, np.random.default_rng(0), gain=0.0, update_bias=2.0)
    >>> keep_path(unroll_gru(params, np.ones((2, 1, 3))))[:, 0, 0].round(3)
    array([0.776, 0.881, 1.   ])
    """
    _check_trace(trace)
    path = np.ones_like(trace.states)
    np.cumprod(trace.z[::-1], axis=0, out=path[-2::-1])  # (6.33)
    return path


class GRUModel(HandModel):
    """The gated recurrent unit with a linear readout, for the training loop.

    Parameters
    ----------
    params : GRUParams
        The weights and biases.
    reset : {"after", "before"}
        The convention, see `gru_step`.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not fit each other, or there is no such convention.

    Notes
    -----
    The initial state h_0 is zero. Setting `params` replaces the weights. Notebook 06.

    Examples
    --------
    >>> model = GRUModel(init_gru_params(3, 5, 2, np.random.default_rng(0)), reset="before")
    >>> model.forward(np.ones((4, 1, 3))).shape
    (4, 1, 2)
    """

    def __init__(self, params: GRUParams, reset: str = "after"):
        self.params = check_gru_params(params)
        self.reset = _check_reset(reset)

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        return f"GRUModel(reset={self.reset})"

    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> GRUTrace:
        """Return the trace of a forward pass; nothing is random in it."""
        return unroll_gru(self.params, x, None, self.reset)

    def gradients(self, record: GRUTrace, dL_dy: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""
        sweep = gru_sweep(self.params, record, dL_dy)
        return gru_parameter_gradients(record, dL_dy, sweep)

    def contributions(self, record: GRUTrace, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, 3N, N)."""
        sweep = gru_sweep(self.params, record, dL_dy)
        of_rz = sweep.dL_da_rz.swapaxes(1, 2) @ record.h_prev
        if record.reset == "after":
            of_n = sweep.dL_dq.swapaxes(1, 2) @ record.h_prev
        else:
            of_n = sweep.dL_da_n.swapaxes(1, 2) @ record.q  # (6.29), without its sum
        return np.concatenate([of_rz, of_n], axis=1)


def _check_reset(reset: str) -> str:
    """Refuse any convention but the two."""
    if reset not in RESETS:
        raise ValueError(f"reset is {reset!r}; expected one of {', '.join(RESETS)}.")
    return reset


def _check_trace(trace: GRUTrace) -> None:
    """Refuse anything but a trace of this cell."""
    if not isinstance(trace, GRUTrace):
        raise TypeError(
            f"trace is a {type(trace).__name__}; expected the GRUTrace that unroll_gru returns."
        )


def _check_arguments(
    params: GRUParams, trace: GRUTrace, dL_dy: np.ndarray
) -> tuple[int, int, int, int]:
    """Refuse a trace of other parameters' sizes, and a gradient that is not shaped like y."""
    _check_trace(trace)
    seen = (trace.x.shape[2], trace.q.shape[2], trace.y.shape[2])
    if check_gru_params(params).sizes != seen:
        raise ValueError(
            f"params have sizes (D, N, K) = {params.sizes}, the trace {seen}; expected the "
            f"parameters with which the trace was made."
        )
    T, B, K = trace.y.shape
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    return T, B, seen[1], K
