"""Back-propagation through time: the sweep, the double sum, truncated, and checkpointed.

Derivatives are written as arrays of the variable's own shape: ∂L/∂h_t is (B, N) like h_t, dL/dW is
shaped like W. A batch is a sum: its gradient adds up what its sequences contribute.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.cell import Activation, RNNParams, check_params
from rnncourse.unroll import Trace, unroll
from rnncourse.validation import check_array


class Gradients(NamedTuple):
    """The gradient of a loss with respect to the five parameters, the inputs and h_0.

    Parameters
    ----------
    dL_dW_xh : numpy.ndarray
        (N, D).
    dL_dW_hh : numpy.ndarray
        (N, N).
    dL_dW_hy : numpy.ndarray
        (K, N).
    dL_db_h : numpy.ndarray
        (N,).
    dL_db_y : numpy.ndarray
        (K,).
    dL_dx : numpy.ndarray
        (T, B, D).
    dL_dh_0 : numpy.ndarray
        (B, N).

    Notes
    -----
    Notebook 02.

    Examples
    --------
    >>> Gradients._fields[:5]
    ('dL_dW_xh', 'dL_dW_hh', 'dL_dW_hy', 'dL_db_h', 'dL_db_y')
    """

    dL_dW_xh: np.ndarray
    dL_dW_hh: np.ndarray
    dL_dW_hy: np.ndarray
    dL_db_h: np.ndarray
    dL_db_y: np.ndarray
    dL_dx: np.ndarray
    dL_dh_0: np.ndarray

    def of_params(self) -> tuple[np.ndarray, ...]:
        """Return the first five, in the order of `RNNParams`: zip the two for an update."""
        return self[:5]


class Sweep(NamedTuple):
    """What flows back through the states.

    Parameters
    ----------
    dL_dh : numpy.ndarray
        (T, B, N), ∂L/∂h_t: by every path, through the output y_t and through h_{t+1}.
    dL_da : numpy.ndarray
        (T, B, N), ∂L/∂a_t, from which every gradient follows.
    dL_dh_0 : numpy.ndarray
        (B, N), what arrives at the initial state.

    Notes
    -----
    Notebook 02.

    Examples
    --------
    >>> Sweep._fields
    ('dL_dh', 'dL_da', 'dL_dh_0')
    """

    dL_dh: np.ndarray
    dL_da: np.ndarray
    dL_dh_0: np.ndarray


def backward_sweep(
    params: RNNParams, trace: Trace, dL_dy: np.ndarray, dL_dh_T: np.ndarray | None = None
) -> Sweep:
    r"""Carry the gradient from the last step to the first.

    .. math::
        \frac{\partial L}{\partial h_t} = W_{hy}^\top \frac{\partial L}{\partial y_t}
            + W_{hh}^\top \frac{\partial L}{\partial a_{t+1}} \tag{2.8}

        \frac{\partial L}{\partial a_t} = \phi'(a_t) \odot \frac{\partial L}{\partial h_t} \tag{2.9}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_dh_T : numpy.ndarray, optional
        (B, N), gradient that reaches the last state from later steps which `trace` does not
        hold; zero if not given.

    Returns
    -------
    Sweep
        ∂L/∂h_t and ∂L/∂a_t for every t, and ∂L/∂h_0.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` or `dL_dh_T` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Werbos 1990, "Backpropagation through time: what it does and how to do it". The outputs'
    share and φ' are computed for all steps at once; the loop holds one matrix product. Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> backward_sweep(params, trace, np.ones((4, 1, 2))).dL_dh.shape
    (4, 1, 5)
    """
    T, B, N, K = _check_arguments(params, trace, dL_dy)
    dL_dh = np.matmul(dL_dy.reshape(T * B, K), params.W_hy).reshape(T, B, N)  # share of the outputs
    if dL_dh_T is not None:
        check_array("dL_dh_T", dL_dh_T, "B N", B=B, N=N, like=trace.y)
        dL_dh[-1] += dL_dh_T
    dL_da = trace.activation.dphi(trace.a)
    from_future = np.empty((B, N), dtype=dL_dh.dtype)
    for t in reversed(range(T)):
        if t < T - 1:
            np.matmul(dL_da[t + 1], params.W_hh, out=from_future)
            dL_dh[t] += from_future  # (2.8)
        dL_da[t] *= dL_dh[t]  # (2.9)
    return Sweep(dL_dh, dL_da, dL_da[0] @ params.W_hh)  # (2.13)


def gather_gradients(
    params: RNNParams, trace: Trace, dL_dy: np.ndarray, dL_da: np.ndarray, dL_dh_0: np.ndarray
) -> Gradients:
    r"""Turn ∂L/∂a_t into the gradients: each sum over time is one matrix product.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} h_{t-1}^\top \tag{2.10}

        \frac{dL}{dW_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} x_t^\top, \quad
        \frac{dL}{db_h} = \sum_{t=1}^T \frac{\partial L}{\partial a_t} \tag{2.11}

        \frac{dL}{dW_{hy}} = \sum_{t=1}^T \frac{\partial L}{\partial y_t} h_t^\top, \quad
        \frac{dL}{db_y} = \sum_{t=1}^T \frac{\partial L}{\partial y_t} \tag{2.12}

        \frac{\partial L}{\partial x_t} = W_{xh}^\top \frac{\partial L}{\partial a_t}, \quad
        \frac{\partial L}{\partial h_0} = W_{hh}^\top \frac{\partial L}{\partial a_1} \tag{2.13}

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_da : numpy.ndarray
        (T, B, N), the gradient at the pre-activations.
    dL_dh_0 : numpy.ndarray
        (B, N), the gradient at the initial state, passed on.

    Returns
    -------
    Gradients
        With respect to the five parameters, the inputs and h_0.

    Notes
    -----
    Time and batch become one axis of T·B rows, over which the product sums. Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> sweep = backward_sweep(params, trace, np.ones((4, 1, 2)))
    >>> gather_gradients(params, trace, np.ones((4, 1, 2)), *sweep[1:]).dL_dW_xh.shape
    (5, 3)
    """
    of_params = parameter_gradients(trace, dL_dy, dL_da)
    rows = dL_da.reshape(-1, dL_da.shape[-1])
    dL_dx = np.matmul(rows, params.W_xh).reshape(trace.x.shape)  # (2.13)
    return Gradients(*of_params, dL_dx=dL_dx, dL_dh_0=dL_dh_0)


def parameter_gradients(
    trace: Trace, dL_dy: np.ndarray, dL_da: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Turn ∂L/∂a_t into the gradients of the five parameters, all that an update needs.

    Parameters
    ----------
    trace : Trace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_da : numpy.ndarray
        (T, B, N), the gradient at the pre-activations.

    Returns
    -------
    tuple of numpy.ndarray
        In the order of `RNNParams`.

    Notes
    -----
    (2.10) to (2.12). Time and batch become one axis of T·B rows, over which the product sums.
    Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> trace = unroll(init_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3)))
    >>> parameter_gradients(trace, np.ones((4, 1, 2)), np.ones((4, 1, 5)))[4]
    array([4., 4.])
    """

    def all_steps(sequence: np.ndarray) -> np.ndarray:
        return sequence.reshape(-1, sequence.shape[-1])  # (T·B, ·): time and batch in one axis

    delta, errors = all_steps(dL_da), all_steps(dL_dy)
    return (
        delta.T @ all_steps(trace.x),  # (2.11)
        delta.T @ all_steps(trace.h_prev),  # (2.10)
        errors.T @ all_steps(trace.h),  # (2.12)
        np.einsum("tbn->n", dL_da),  # (2.11)
        np.einsum("tbk->k", dL_dy),  # (2.12)
    )


def bptt(
    params: RNNParams, trace: Trace, dL_dy: np.ndarray, dL_dh_T: np.ndarray | None = None
) -> Gradients:
    r"""Back-propagate through time: all gradients, in one sweep over the time steps.

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    dL_dh_T : numpy.ndarray, optional
        (B, N), gradient that reaches the last state from later steps; zero if not given.

    Returns
    -------
    Gradients
        With respect to the five parameters, the inputs and h_0.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` or `dL_dh_T` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    `backward_sweep`, then `gather_gradients`: time O(T), memory O(T). Werbos 1990; Goodfellow,
    Bengio & Courville 2016, §10.2.2; notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> bptt(params, trace, np.ones((4, 1, 2))).dL_db_y
    array([4., 4.])
    """
    sweep = backward_sweep(params, trace, dL_dy, dL_dh_T)
    return gather_gradients(params, trace, dL_dy, sweep.dL_da, sweep.dL_dh_0)


def contributions(params: RNNParams, trace: Trace, dL_dy: np.ndarray) -> np.ndarray:
    r"""Split dL/dW_hh into what the loss at each step t owes to each earlier step k.

    .. math::
        J_i = \frac{\partial h_i}{\partial h_{i-1}} = D_i W_{hh}, \quad
        D_i = \operatorname{diag} \phi'(a_i) \tag{2.4}

        J_{t:k} = \frac{\partial h_t}{\partial h_k} = J_t J_{t-1} \cdots J_{k+1} \tag{2.5}

        C_{tk} = \left(D_k\, J_{t:k}^\top g_t\right) h_{k-1}^\top, \quad
        g_t = W_{hy}^\top \frac{\partial L}{\partial y_t} \tag{2.6}

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
        (T, T, N, N): entry [t, k] is C_tk, summed over the batch; zero for k > t.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Slow on purpose: the definition, term by term, with every Jacobian an explicit matrix. Pascanu,
    Mikolov & Bengio 2013, eq. 3-5, where the state is the pre-activation; here the state is h.
    Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> C = contributions(params, trace, np.ones((4, 1, 2)))
    >>> bool(C[1, 2].any()), bool(C[2, 1].any())   # the future does not act on the past
    (False, True)
    """
    T, _, N, _ = _check_arguments(params, trace, dL_dy)
    C = np.zeros((T, T, N, N), trace.a.dtype)
    for t, k, b, delta, _ in _pairs(params, trace, dL_dy):
        C[t, k] += np.outer(delta, trace.h_prev[k, b])  # (2.6)
    return C


def double_sum(params: RNNParams, trace: Trace, dL_dy: np.ndarray) -> Gradients:
    r"""Compute the gradients by the explicit sum over all pairs (t, k): the definition.

    .. math::
        \frac{dL}{dW_{hh}} = \sum_{t=1}^{T} \sum_{k=1}^{t}
            \frac{\partial L_t}{\partial h_t}\, \frac{\partial h_t}{\partial h_k}\,
            \frac{\partial^+ h_k}{\partial W_{hh}}
            = \sum_{t=1}^{T} \sum_{k=1}^{t} C_{tk} \tag{2.7}

    where ∂⁺h_k/∂W_hh is the immediate derivative: h_{k-1} is held fixed.

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
    Gradients
        The same numbers as `bptt`, in time O(T²).

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Slow on purpose: the specification that the sweep is tested against. Pascanu, Mikolov & Bengio
    2013, eq. 3-5; notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> slow, fast = (f(params, trace, np.ones((4, 1, 2))) for f in (double_sum, bptt))
    >>> np.allclose(slow.dL_dW_hh, fast.dL_dW_hh)
    True
    """
    _check_arguments(params, trace, dL_dy)
    fields = (*params, trace.x, trace.h_0)
    dL = Gradients(*(np.zeros(np.shape(field), trace.a.dtype) for field in fields))
    for t, k, b, delta, J in _pairs(params, trace, dL_dy):
        dL.dL_dW_hh[:] += np.outer(delta, trace.h_prev[k, b])  # (2.7)
        dL.dL_dW_xh[:] += np.outer(delta, trace.x[k, b])
        dL.dL_db_h[:] += delta
        dL.dL_dx[k, b] += params.W_xh.T @ delta
        if k == 0:  # J_{t:0} leads on to the initial state
            J_t0 = J @ _step_jacobian(params, trace, 0, b)
            dL.dL_dh_0[b] += J_t0.T @ params.W_hy.T @ dL_dy[t, b]
        if k == t:  # the outputs' own parameters act at once
            dL.dL_dW_hy[:] += np.outer(dL_dy[t, b], trace.h[t, b])
            dL.dL_db_y[:] += dL_dy[t, b]
    return dL


def _step_jacobian(params: RNNParams, trace: Trace, i: int, b: int) -> np.ndarray:
    """∂h_i/∂h_{i-1} of sequence b, an N×N matrix."""
    return np.diag(trace.activation.dphi(trace.a[i, b])) @ params.W_hh  # (2.4)


def _pairs(params: RNNParams, trace: Trace, dL_dy: np.ndarray):
    """Yield t, k, b, δ = D_k J_{t:k}ᵀ g_t and J_{t:k} for every k <= t and every sequence b."""
    T, B, N, _ = _check_arguments(params, trace, dL_dy)
    for b in range(B):
        for t in range(T):
            g_t = params.W_hy.T @ dL_dy[t, b]
            J = np.eye(N, dtype=trace.a.dtype)
            for k in range(t, -1, -1):
                yield t, k, b, trace.activation.dphi(trace.a[k, b]) * (J.T @ g_t), J  # (2.6)
                J = J @ _step_jacobian(params, trace, k, b)  # older factors on the right  (2.5)


def truncated_bptt(
    params: RNNParams, trace: Trace, dL_dy: np.ndarray, *, k1: int, k2: int
) -> Gradients:
    r"""Back-propagate the last k1 losses through the last k2 steps, every k1 steps.

    .. math:: \frac{dL}{dW_{hh}} \approx \sum_{t=1}^{T}
              \sum_{k = \max(1,\, e(t) - k_2 + 1)}^{t} C_{tk}, \quad
              e(t) = k_1 \lceil t / k_1 \rceil \tag{2.15}

    where e(t) is the end of the block of k1 steps that t belongs to: there the losses of the block
    are sent back, k2 steps far.

    Parameters
    ----------
    params : RNNParams
        The parameters with which `trace` was made.
    trace : Trace
        The record of the forward pass; states are carried through the whole of it.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.
    k1 : int
        A backward pass starts every k1 steps, and takes along the losses since the last one.
    k2 : int
        How many steps back each pass goes, counted from the end of the block (also where the
        sequence ends before it); k2 >= k1, so that no loss is left out.

    Returns
    -------
    Gradients
        The full gradient less all that crosses a window's edge; `dL_dh_0` counts only what
        reaches h_0 inside a window.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` does not fit, or not 1 <= k1 <= k2.

    Notes
    -----
    ``k1 = k2`` cuts the sequence into chunks that carry the state forward and no gradient back.
    ``k1 = 1`` is the sliding window: every loss sees k2 steps. Williams & Peng 1990 call it
    BPTT(h = k2; h' = k1); Sutskever 2013, §2.8.6, TBPTT(k1, k2). Time O(T k2/k1). Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)))
    >>> dL_dy = np.ones((4, 1, 2))
    >>> full = bptt(params, trace, dL_dy)
    >>> np.allclose(truncated_bptt(params, trace, dL_dy, k1=1, k2=4).dL_dW_hh, full.dL_dW_hh)
    True
    """
    for name, value in (("k1", k1), ("k2", k2)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1.")
    if k2 < k1:
        raise ValueError(
            f"k2 = {k2} is smaller than k1 = {k1}; expected k2 >= k1: the losses of the first "
            f"{k1 - k2} steps of every {k1} would be back-propagated nowhere."
        )
    T, _, _, _ = _check_arguments(params, trace, dL_dy)
    dL_da, dL_dh_0 = np.zeros_like(trace.a), np.zeros_like(trace.h_0)
    for begin in range(0, T, k1):
        end = min(begin + k1, T)  # losses begin … end-1 go back through steps start … end-1
        start = max(0, begin + k1 - k2)  # (2.15)
        losses = dL_dy[start:end].copy()
        losses[: begin - start] = 0
        sweep = backward_sweep(params, _window(trace, start, end), losses)
        dL_da[start:end] += sweep.dL_da
        if start == 0:
            dL_dh_0 += sweep.dL_dh_0
    return gather_gradients(params, trace, dL_dy, dL_da, dL_dh_0)


class Checkpoints(NamedTuple):
    """The record of a forward pass of which only every `segment`-th state is kept.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs (the caller's array, not a copy).
    states : numpy.ndarray
        (⌈T/segment⌉, B, N), the state that enters each segment.
    y : numpy.ndarray
        (T, B, K), the outputs.
    segment : int
        Steps per segment; the last one may be shorter.
    activation : Activation
        φ and φ'.

    Notes
    -----
    Notebook 02.

    Examples
    --------
    >>> Checkpoints._fields
    ('x', 'states', 'y', 'segment', 'activation')
    """

    x: np.ndarray
    states: np.ndarray
    y: np.ndarray
    segment: int
    activation: Activation

    def stored_states(self) -> int:
        """Count the states in memory at the worst moment: the kept ones and one open segment."""
        return len(self.states) + min(int(self.segment), len(self.x)) + 1


def unroll_checkpointed(
    params: RNNParams,
    x: np.ndarray,
    h_0: np.ndarray | None = None,
    activation: str | Activation = "tanh",
    *,
    segment: int | None = None,
) -> Checkpoints:
    r"""Run the network over a sequence and keep only the state that enters each segment.

    .. math:: \text{states in memory} = \left\lceil \frac{T}{s} \right\rceil + s + 1
              \;\ge\; 2\sqrt{T} + 1, \quad \text{least near } s = \sqrt T \tag{2.14}

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    x : numpy.ndarray
        (T, B, D), time first.
    h_0 : numpy.ndarray, optional
        (B, N), the initial state; zero if not given.
    activation : str or Activation
        φ.
    segment : int, optional
        Steps per segment s; √T, rounded up, if not given.

    Returns
    -------
    Checkpoints
        The outputs, and what `checkpointed_bptt` needs to compute the rest again.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost"; Gruslys et
    al. 2016 for BPTT. Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params, x = init_params(3, 5, 2, rng), rng.standard_normal((100, 1, 3))
    >>> unroll_checkpointed(params, x).stored_states()
    21
    """
    T = len(check_array("x", x, "T B D", D=check_params(params).sizes[0]))
    segment = int(np.ceil(np.sqrt(T))) if segment is None else segment
    if not isinstance(segment, int | np.integer) or segment < 1:
        raise ValueError(f"segment is {segment!r}; expected a whole number of at least 1.")
    entering, outputs = [], []
    for start in range(0, T, segment):  # (2.14)
        trace = unroll(params, x[start : start + segment], h_0, activation)
        entering.append(trace.h_0.copy())
        outputs.append(trace.y)
        h_0 = trace.h[-1]
    return Checkpoints(x, np.array(entering), np.concatenate(outputs), segment, trace.activation)


def checkpointed_bptt(params: RNNParams, checkpoints: Checkpoints, dL_dy: np.ndarray) -> Gradients:
    r"""Back-propagate through time with few states in memory: each segment is run again.

    Parameters
    ----------
    params : RNNParams
        The parameters with which `checkpoints` was made.
    checkpoints : Checkpoints
        The record of the forward pass.
    dL_dy : numpy.ndarray
        (T, B, K), the loss's gradient at the outputs.

    Returns
    -------
    Gradients
        The same gradient as `bptt`, to rounding, at the price of a second forward pass.

    Raises
    ------
    TypeError, ValueError
        If `dL_dy` has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    Memory O(√T) in the hidden states instead of O(T); see (2.14). Notebook 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> params, x, dL_dy = init_params(3, 5, 2, rng), np.ones((9, 1, 3)), np.ones((9, 1, 2))
    >>> few = checkpointed_bptt(params, unroll_checkpointed(params, x), dL_dy)
    >>> np.allclose(few.dL_dW_hh, bptt(params, unroll(params, x), dL_dy).dL_dW_hh)
    True
    """
    x, states, y, segment, activation = checkpoints
    check_array("dL_dy", dL_dy, "T B K", T=len(x), B=y.shape[1], K=y.shape[2], like=y)
    total = [np.zeros_like(p) for p in params]
    dL_dx, dL_dh = np.empty_like(x), None
    for s in reversed(range(len(states))):
        part = slice(s * segment, (s + 1) * segment)
        again = unroll(params, x[part], states[s], activation)  # the second forward pass
        dL = bptt(params, again, dL_dy[part], dL_dh)
        for sum_, term in zip(total, dL.of_params(), strict=True):
            sum_ += term
        dL_dx[part], dL_dh = dL.dL_dx, dL.dL_dh_0
    return Gradients(*total, dL_dx, dL_dh)


def _check_arguments(
    params: RNNParams, trace: Trace, dL_dy: np.ndarray
) -> tuple[int, int, int, int]:
    """Refuse a trace of other parameters' sizes, and a gradient that is not shaped like y."""
    if not isinstance(trace, Trace):
        raise TypeError(
            f"trace is a {type(trace).__name__}; expected the Trace that unroll returns."
        )
    seen = (trace.x.shape[2], trace.a.shape[2], trace.y.shape[2])
    if check_params(params).sizes != seen:
        raise ValueError(
            f"params have sizes (D, N, K) = {params.sizes}, the trace {seen}; expected the "
            f"parameters with which the trace was made."
        )
    T, B, K = trace.y.shape
    check_array("dL_dy", dL_dy, "T B K", T=T, B=B, K=K, like=trace.y)
    return T, B, seen[1], K


def _window(trace: Trace, start: int, end: int) -> Trace:
    """Steps start … end-1 of a trace, as a trace of its own (views, no copies)."""
    x, a, states, y, activation = trace
    return Trace(x[start:end], a[start:end], states[start : end + 1], y[start:end], activation)
