"""Forward and backward of the gated recurrent unit: ours in NumPy, and torch's.

In float32, on one thread, on the same weights and inputs, taking turns: torch.nn.GRU with a linear
readout of ten outputs, and the gradients of all parameters, of the inputs and of h_0. Nothing is
asserted about times, but the numbers have to agree.
"""

from collections.abc import Callable
from timeit import repeat

import numpy as np
import pytest
import torch

from rnncourse.gru import GRUParams, gru_backward, init_gru_params, unroll_gru

K = 10
# (T, B, D, N): how many times as fast as torch
GOALS = {
    (100, 1, 32, 32): 0.45,
    (100, 32, 32, 64): 0.45,
    (100, 32, 64, 128): 0.5,
    (200, 64, 128, 256): 0.85,
}


def make_ours(params: GRUParams, x: np.ndarray, h_0: np.ndarray, dL_dy: np.ndarray) -> Callable:
    def run():
        trace = unroll_gru(params, x, h_0)
        return gru_backward(params, trace, dL_dy)

    return run


def make_torch(params: GRUParams, x: np.ndarray, h_0: np.ndarray, dL_dy: np.ndarray) -> Callable:
    D, N, _ = params.sizes
    gru, readout = torch.nn.GRU(D, N), torch.nn.Linear(N, K)
    leaves = [*gru.parameters(), *readout.parameters()]  # torch has a second bias for r and z too
    b_hh = np.concatenate([0 * params.b_h[: 2 * N], params.b_hn])
    arrays = (params.W_xh, params.W_hh, params.b_h, b_hh, params.W_hy, params.b_y)
    with torch.no_grad():
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.copy_(torch.from_numpy(array))
    inputs = torch.tensor(x, requires_grad=True)
    start = torch.tensor(h_0[None], requires_grad=True)
    upstream = torch.from_numpy(dL_dy)

    def run():
        h, _ = gru(inputs, start)
        return torch.autograd.grad(readout(h), [*leaves, inputs, start], upstream)

    return run


@pytest.mark.parametrize("size", GOALS, ids=lambda size: "-".join(map(str, size)))
def test_forward_and_backward_of_the_gru(benchmark, size):
    """Before each round of ours, one of torch's: they share the weather."""
    T, B, D, N = size
    rng = np.random.default_rng(0)
    params = init_gru_params(D, N, K, rng, dtype=np.float32)
    x, h_0, dL_dy = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((T, B, D), (B, N), (T, B, K))
    )
    ours, by_torch = (make(params, x, h_0, dL_dy) for make in (make_ours, make_torch))
    W_xh, W_hh, b_h, b_hh, W_hy, b_y, dx, dh_0 = (gradient.numpy() for gradient in by_torch())
    expected = (W_xh, W_hh, W_hy, b_h, b_hh[2 * N :], b_y, dx, dh_0[0])
    for own, other in zip(ours(), expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-2, atol=1e-3 * np.abs(own).max())

    seconds = []
    benchmark.pedantic(
        ours, setup=lambda: seconds.extend(repeat(by_torch, number=1, repeat=1)) or None,
        rounds=200 if T * B * N < 500_000 else 20, warmup_rounds=3,
    )  # fmt: skip
    benchmark.extra_info.update(name="GRU", size=size, goal=GOALS[size], torch=seconds[3:])
