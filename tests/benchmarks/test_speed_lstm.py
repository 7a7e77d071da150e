"""Forward and backward of the LSTM: ours in NumPy and torch's fused native code.

Both in float32, on one thread, on the same weights and inputs, taking turns: torch.nn.LSTM with a
linear readout of ten outputs, and the gradients of all parameters, of the inputs and of both
initial states. The last table (conftest.py) shows the ratio. Nothing is asserted about times, but
the numbers have to agree.
"""

from collections.abc import Callable
from timeit import repeat

import numpy as np
import pytest
import torch

from rnncourse.lstm import LSTMParams, init_lstm_params, lstm_backward, unroll_lstm

K = 10
# (T, B, D, N): how many times as fast as torch
GOALS = {
    (100, 1, 32, 32): 0.45,
    (100, 32, 32, 64): 0.45,
    (100, 32, 64, 128): 0.5,
    (200, 64, 128, 256): 0.85,
}


def make_ours(params: LSTMParams, x, h_0, c_0, dL_dy) -> Callable:
    def run():
        trace = unroll_lstm(params, x, h_0, c_0)
        return lstm_backward(params, trace, dL_dy)

    return run


def make_torch(params: LSTMParams, x, h_0, c_0, dL_dy) -> Callable:
    D, N, _ = params.sizes
    lstm, readout = torch.nn.LSTM(D, N), torch.nn.Linear(N, K)
    leaves = [*lstm.parameters(), *readout.parameters()]  # torch has a second bias in the cell
    arrays = (params.W_xh, params.W_hh, params.b_h, 0 * params.b_h, params.W_hy, params.b_y)
    with torch.no_grad():
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.copy_(torch.from_numpy(array))
    inputs, *start = (torch.tensor(a, requires_grad=True) for a in (x, h_0[None], c_0[None]))
    upstream = torch.from_numpy(dL_dy)

    def run():
        h, _ = lstm(inputs, tuple(start))
        return torch.autograd.grad(readout(h), [*leaves, inputs, *start], upstream)

    return run


@pytest.mark.parametrize("size", GOALS, ids=lambda size: "-".join(map(str, size)))
def test_forward_and_backward(benchmark, size):
    """Before each round of ours, one of torch's: they share the weather."""
    T, B, D, N = size
    rng = np.random.default_rng(0)
    params = init_lstm_params(D, N, K, rng, forget_bias=1.0, dtype=np.float32)
    arrays = [
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((T, B, D), (B, N), (B, N), (T, B, K))
    ]
    ours, by_torch = (make(params, *arrays) for make in (make_ours, make_torch))
    W_xh, W_hh, b_h, _, W_hy, b_y, dx, dh_0, dc_0 = (d.numpy() for d in by_torch())
    expected = (W_xh, W_hh, W_hy, b_h, b_y, dx, dh_0[0], dc_0[0])
    for own, other in zip(ours(), expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-2, atol=1e-3 * np.abs(own).max())

    seconds = []
    rounds = 200 if T * B * N < 500_000 else 30
    benchmark.pedantic(
        ours, setup=lambda: seconds.extend(repeat(by_torch, number=1, repeat=1)) or None,
        rounds=rounds, warmup_rounds=3,
    )  # fmt: skip
    benchmark.extra_info.update(name="LSTM", size=size, goal=GOALS[size], torch=seconds[3:])
