"""T time steps in a row, with everything remembered that the backward sweep needs."""

from typing import NamedTuple

import numpy as np

from rnncourse.cell import Activation, RNNParams, check_params, get_activation
from rnncourse.validation import check_array


class Trace(NamedTuple):
    """The record of a forward pass: all that was computed, at every time step.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the inputs (the caller's array, not a copy).
    a : numpy.ndarray
        (T, B, N), the pre-activations.
    states : numpy.ndarray
        (T+1, B, N), h_0 and then every hidden state.
    y : numpy.ndarray
        (T, B, K), the outputs.
    activation : Activation
        φ and φ'.

    Notes
    -----
    Row t of `h` is the mathematician's h_{t+1}; row t of `h_prev` is the state that enters that
    step, so the first step is no special case. Both are views of `states`. Notebook 01.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> trace = unroll(init_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3)))
    >>> trace.h.shape, bool((trace.h_prev[1] == trace.h[0]).all())
    ((4, 1, 5), True)
    """

    x: np.ndarray
    a: np.ndarray
    states: np.ndarray
    y: np.ndarray
    activation: Activation

    @property
    def h(self) -> np.ndarray:
        """(T, B, N), the hidden states h_1 to h_T."""
        return self.states[1:]

    @property
    def h_prev(self) -> np.ndarray:
        """(T, B, N), the states h_0 to h_{T-1} that enter each step."""
        return self.states[:-1]

    @property
    def h_0(self) -> np.ndarray:
        """(B, N), the initial state."""
        return self.states[0]


def unroll(
    params: RNNParams,
    x: np.ndarray,
    h_0: np.ndarray | None = None,
    activation: str | Activation = "tanh",
) -> Trace:
    r"""Run the network over a whole sequence: the same step, with the same weights, T times.

    .. math::
        h_t = \phi(W_{xh} x_t + W_{hh} h_{t-1} + b_h), \quad t = 1, \dots, T \tag{1.4}

    Parameters
    ----------
    params : RNNParams
        The weights and biases, shared by all steps.
    x : numpy.ndarray
        (T, B, D), time first.
    h_0 : numpy.ndarray, optional
        (B, N), the initial state; zero if not given.
    activation : str or Activation
        φ: ``"tanh"``, ``"relu"``, ``"logistic"``, ``"identity"``, or one of your own.

    Returns
    -------
    Trace
        Everything that was computed, as arrays with time first.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.

    Notes
    -----
    The result is that of a loop over `rnncourse.cell.step`; a test holds the two together. What
    does not depend on the previous state is computed for all time steps at once, in one matrix
    product: the inputs' share before the loop, the outputs after it. Only the recurrence is left
    inside. Goodfellow, Bengio & Courville 2016, §10.2; notebooks 01 and 02.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> rng = np.random.default_rng(0)
    >>> unroll(init_params(3, 5, 2, rng), rng.standard_normal((4, 1, 3))).y.shape
    (4, 1, 2)
    """
    D, N, _ = check_params(params).sizes
    activation = get_activation(activation)
    T, B, _ = check_array("x", x, "T B D", D=D, like=params.W_xh).shape
    if h_0 is None:
        h_0 = np.zeros((B, N), dtype=x.dtype)
    check_array("h_0", h_0, "B N", B=B, N=N, like=params.W_xh)
    W_xh, W_hh, W_hy, b_h, b_y = params

    dtype = np.result_type(x, h_0, *params)
    a = np.empty((T, B, N), dtype)
    np.matmul(x.reshape(T * B, D), W_xh.T, out=a.reshape(T * B, N))  # the inputs' share, all t
    a += b_h
    states = np.empty((T + 1, B, N), dtype)
    states[0] = h_0
    recurrent = np.empty((B, N), dtype)
    W_hh_T = np.ascontiguousarray(W_hh.T)  # transposed once, read T times
    for t in range(T):
        np.matmul(states[t], W_hh_T, out=recurrent)
        a[t] += recurrent  # (1.1)
        states[t + 1] = activation.phi(a[t])  # (1.2), (1.4)
    y = np.matmul(states[1:].reshape(T * B, N), W_hy.T).reshape(T, B, -1)
    y += b_y  # (1.3)
    return Trace(x, a, states, y, activation)
