"""Random LSTMs, their inputs and the gradients from above, for the property tests."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from rnncourse.lstm import LSTMGradients, LSTMParams, lstm_backward, unroll_lstm

VARIABLES = ("W_xh", "W_hh", "W_hy", "b_h", "b_y", "x", "h_0", "c_0")  # as in LSTMGradients


class Network(NamedTuple):
    """An LSTM, its input, and the gradients that come from above: the loss is linear in y, h, c."""

    params: LSTMParams
    x: np.ndarray
    h_0: np.ndarray
    c_0: np.ndarray
    dL_dy: np.ndarray
    dL_dh_T: np.ndarray
    dL_dc_T: np.ndarray

    def trace(self):
        return unroll_lstm(self.params, self.x, self.h_0, self.c_0)

    def backward(self) -> LSTMGradients:
        return lstm_backward(self.params, self.trace(), *self[4:])

    def value(self, **changed: np.ndarray):
        """The loss with some of the arrays replaced."""
        inputs = [changed.pop(name, getattr(self, name)) for name in ("x", "h_0", "c_0")]
        trace = unroll_lstm(self.params._replace(**changed), *inputs)
        pairs = zip((trace.y, trace.h[-1], trace.c[-1]), self[4:], strict=True)
        return sum((a * b).sum() for a, b in pairs)


def make_network(T: int, B: int, D: int, N: int, K: int, seed=0, gain=1.0) -> Network:
    """Nothing in it is zero, symmetric or equal."""
    rng = np.random.default_rng(seed)
    shapes = ((4 * N, D), (4 * N, N), (K, N), (4 * N,), (K,))
    params = LSTMParams(*(gain * rng.standard_normal(s) / np.sqrt(s[-1]) for s in shapes))
    others = ((T, B, D), (B, N), (B, N), (T, B, K), (B, N), (B, N))
    return Network(params, *(rng.standard_normal(s) for s in others))


@st.composite
def networks(draw: Callable) -> Network:
    T = draw(st.integers(1, 6), label="T")
    B, D, N, K = (draw(st.integers(1, 4), label=name) for name in "BDNK")
    seed, gain = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from((0.3, 1.0, 2.5)))
    return make_network(T, B, D, N, K, seed, gain)


def assert_close(found, expected, bound=1e-12) -> None:
    """Every array agrees, relative to the largest entry of all (at least 1)."""
    largest = max(1.0, *(float(np.abs(e).max()) for e in expected))
    for name, a, b in zip(VARIABLES, found, expected, strict=False):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= bound * largest, name
