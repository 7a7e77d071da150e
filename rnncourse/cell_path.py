"""The path through the cell of an LSTM, and the other paths beside it.

Along c alone the derivative is a product of forget gates. The whole one, from the Jacobians of the
joint state (h, c), has the paths through h too.
"""

import numpy as np

from rnncourse.lstm import LSTMParams, LSTMTrace, check_lstm_trace, local_derivatives


def lstm_jacobians(params: LSTMParams, trace: LSTMTrace) -> np.ndarray:
    r"""Compute the Jacobian of every step in the joint state (h, c).

    .. math::
        M_t = \frac{\partial c_t}{\partial h_{t-1}}
            = \operatorname{diag}(g_t i_t (1 - i_t))\, W^i_{hh}
            + \operatorname{diag}(c_{t-1} f_t (1 - f_t))\, W^f_{hh}
            + \operatorname{diag}(i_t (1 - g_t^2))\, W^g_{hh} \tag{6.14}

        J_t = \frac{\partial (h_t, c_t)}{\partial (h_{t-1}, c_{t-1})} = \begin{pmatrix}
            \operatorname{diag}(\tanh(c_t)\, o_t (1 - o_t))\, W^o_{hh} + E_t M_t
            & E_t \operatorname{diag} f_t \\
            M_t & \operatorname{diag} f_t \end{pmatrix}, \quad
        E_t = \operatorname{diag}(o_t (1 - \tanh^2 c_t)) \tag{6.15}

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T, B, 2N, 2N): entry [t, b, i, j] is the derivative of entry i of (h, c) after step t + 1
        by entry j of (h, c) before it.

    Raises
    ------
    TypeError, ValueError
        If the trace was made with parameters of other sizes.

    Notes
    -----
    The functions of `rnncourse.jacobians` (norms and singular values by lag) work on ``J[:, b]``.
    Notebook 06.

    Examples
    --------
    >>> from rnncourse.lstm import init_lstm_params, unroll_lstm
    >>> rng = np.random.default_rng(0)
    >>> params = init_lstm_params(3, 5, 2, rng)
    >>> lstm_jacobians(params, unroll_lstm(params, rng.standard_normal((4, 1, 3)))).shape
    (4, 1, 10, 10)
    """
    T, B, N = check_lstm_trace(trace, params).c.shape
    by_a, dh_dc = local_derivatives(trace)
    by_gate = (by_a[..., None] * params.W_hh).reshape(T, B, 4, N, N)
    M = by_gate[:, :, :3].sum(axis=2)  # gates i, f, g  (6.14)
    E, f = dh_dc[..., None], trace.f[..., None] * np.eye(N, dtype=M.dtype)
    return np.block([[by_gate[:, :, 3] + E * M, E * f], [M, f]])  # (6.15)


def cell_jacobians(params: LSTMParams, trace: LSTMTrace) -> np.ndarray:
    r"""Compute the derivative of the last cell state by each earlier one, along all paths.

    .. math::
        \frac{\partial (h_T, c_T)}{\partial (h_k, c_k)} = J_T J_{T-1} \cdots J_{k+1}
        \tag{6.16}

    of which ∂c_T/∂c_k is the lower right block.

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T+1, B, N, N): row k is ∂c_T/∂c_k with h_k held fixed; row T is the identity.

    Raises
    ------
    TypeError, ValueError
        If the trace was made with parameters of other sizes.

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> from rnncourse.lstm import init_lstm_params, unroll_lstm
    >>> rng = np.random.default_rng(0)
    >>> params = init_lstm_params(3, 5, 2, rng)
    >>> cell_jacobians(params, unroll_lstm(params, rng.standard_normal((4, 1, 3)))).shape
    (5, 1, 5, 5)
    """
    J = lstm_jacobians(params, trace)
    T, B, N = trace.c.shape
    last = np.broadcast_to(np.eye(2 * N, dtype=J.dtype)[N:], (B, N, 2 * N))  # of (h_T, c_T): c_T
    blocks = np.empty((T + 1, B, N, N), J.dtype)
    blocks[T] = last[:, :, N:]
    for k in reversed(range(T)):
        last = last @ J[k]  # older factors on the right  (6.16)
        blocks[k] = last[:, :, N:]
    return blocks


def cell_path(trace: LSTMTrace) -> np.ndarray:
    r"""Multiply the forget gates: the direct path from each cell state to the last.

    .. math::
        p_{T:k} = \prod_{i=k+1}^{T} f_i, \quad
        W_{hh} = 0 \;\Rightarrow\; \frac{\partial c_T}{\partial c_k}
            = \operatorname{diag} p_{T:k} \tag{6.13}

    Parameters
    ----------
    trace : LSTMTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T+1, B, N): row k is p_{T:k}; row T is 1. ``cell_path(trace)[::-1]`` has one row per lag.

    Raises
    ------
    TypeError
        If `trace` is no `LSTMTrace`.

    Notes
    -----
    With recurrent weights, c_k also acts through h_k on all later gates: `cell_path_error`.
    Notebook 06.

    Examples
    --------
    >>> from rnncourse.lstm import init_lstm_params, unroll_lstm
    >>> params = init_lstm_params(3, 5, 2, np.random.default_rng(0), gain=0.0)
    >>> cell_path(unroll_lstm(params, np.ones((4, 1, 3))))[:, 0, 0]
    array([0.0625, 0.125 , 0.25  , 0.5   , 1.    ])
    """
    path = np.ones_like(check_lstm_trace(trace).cells)
    np.cumprod(trace.f[::-1], axis=0, out=path[-2::-1])  # (6.13)
    return path


def cell_path_error(params: LSTMParams, trace: LSTMTrace) -> np.ndarray:
    r"""Measure how far the direct path is from the whole derivative.

    .. math::
        e_k = \frac{\| \partial c_T/\partial c_k - \operatorname{diag} p_{T:k} \|_F}
                   {\| \partial c_T/\partial c_k \|_F} \tag{6.17}

    Parameters
    ----------
    params : LSTMParams
        The parameters with which `trace` was made.
    trace : LSTMTrace
        The record of the forward pass.

    Returns
    -------
    numpy.ndarray
        (T+1, B): 0 if there is no other path; 1 if the direct path explains nothing; above 1 if
        the other paths cancel it in part.

    Raises
    ------
    TypeError, ValueError
        If the trace was made with parameters of other sizes.

    Notes
    -----
    Notebook 06.

    Examples
    --------
    >>> from rnncourse.lstm import init_lstm_params, unroll_lstm
    >>> rng = np.random.default_rng(0)
    >>> params, x = init_lstm_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3))
    >>> no_recurrence = params._replace(W_hh=0 * params.W_hh)
    >>> cell_path_error(no_recurrence, unroll_lstm(no_recurrence, x))[:, 0]
    array([0., 0., 0., 0., 0.])
    """
    whole = cell_jacobians(params, trace)
    direct = cell_path(trace)[..., None] * np.eye(whole.shape[2], dtype=whole.dtype)
    size = np.linalg.norm(whole, axis=(2, 3))
    off = np.linalg.norm(whole - direct, axis=(2, 3))
    return np.divide(off, size, out=np.zeros_like(off), where=off > 0)  # (6.17)


def gate_time_constant(f: np.ndarray | float) -> np.ndarray | float:
    r"""Convert a forget gate into the number of steps in which the cell falls to 1/e.

    .. math:: \tau = -\frac{1}{\ln f}, \quad f^n = e^{-n/\tau} \tag{6.18}

    Parameters
    ----------
    f : numpy.ndarray or float
        Of any shape, in [0, 1].

    Returns
    -------
    numpy.ndarray or float
        In steps: 0 for f = 0, infinite for f = 1, near 1/(1 - f) - 1/2 for f close to 1.

    Raises
    ------
    ValueError
        If an entry lies outside [0, 1].

    Notes
    -----
    Tallec & Ollivier 2018 use 1/(1 - f): `rnncourse.initialisation.memory_steps`. Notebook 06.

    Examples
    --------
    >>> gate_time_constant(np.array([0.0, 0.5, 0.99, 1.0])).round(2)
    array([ 0.  ,  1.44, 99.5 ,   inf])
    """
    f = np.asarray(f)
    if not ((f >= 0) & (f <= 1)).all():  # nan too
        raise ValueError(f"f ranges from {f.min()} to {f.max()}; expected numbers in [0, 1].")
    with np.errstate(divide="ignore"):
        tau = 1 / np.abs(np.log(f))  # ln f <= 0; 1/|-0| is +inf  (6.18)
    return tau if tau.ndim else tau[()]


def forget_bias_for(tau: np.ndarray | float) -> np.ndarray | float:
    r"""Return the forget bias that gives a cell a time constant, as long as nothing else drives it.

    .. math:: b_f = -\ln(e^{1/\tau} - 1), \quad
              \operatorname{logistic}(b_f) = e^{-1/\tau} \tag{6.19}

    Parameters
    ----------
    tau : numpy.ndarray or float
        Of any shape, in steps, positive and finite.

    Returns
    -------
    numpy.ndarray or float
        Close to ln(τ - 1/2) for large τ.

    Raises
    ------
    ValueError
        If an entry is not positive and finite.

    Notes
    -----
    The inverse of `gate_time_constant` after the logistic. Chrono initialisation (Tallec & Ollivier
    2018) spreads such biases over the units. Notebook 06.

    Examples
    --------
    >>> forget_bias_for(np.array([1.0, 100.0])).round(2)
    array([-0.54,  4.6 ])
    """
    tau = np.asarray(tau, float)
    if not (np.isfinite(tau) & (tau > 0)).all():
        raise ValueError("tau has entries that are not positive and finite; expected steps > 0.")
    bias = -(1 / tau + np.log(-np.expm1(-1 / tau)))  # e^u - 1 = e^u (1 - e^-u)  (6.19)
    return bias if bias.ndim else bias[()]
