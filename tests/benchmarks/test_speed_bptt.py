"""Forward and backward of the recurrent network: ours, torch's, and the matrix products alone.

All in float32, on one thread, on the same weights and inputs, in one run: torch.nn.RNN with a
linear readout of ten outputs, and the gradients of all parameters, of the inputs and of h_0. The
last table (conftest.py) shows the ratios. Nothing is asserted about times, but the numbers have to
agree.
"""

from collections.abc import Callable
from timeit import repeat

import numpy as np
import pytest
import torch

from rnncourse.bptt import bptt
from rnncourse.cell import init_params
from rnncourse.unroll import unroll

K = 10
# (T, B, D, N): how many times as fast as torch, and at most how many times the products' time
GOALS = {
    (100, 1, 32, 32): (5.0, None),
    (100, 32, 32, 64): (2.0, None),
    (100, 32, 64, 128): (1.3, 1.5),
    (200, 64, 128, 256): (0.95, 1.35),
    (100, 64, 512, 512): (0.95, 1.35),
}
def make_ours(params, x: np.ndarray, h_0: np.ndarray, dL_dy: np.ndarray) -> Callable:
    def run():
        trace = unroll(params, x, h_0)
        return bptt(params, trace, dL_dy)

    return run


def make_torch(params, x: np.ndarray, h_0: np.ndarray, dL_dy: np.ndarray) -> Callable:
    N, D = params.W_xh.shape
    rnn, readout = torch.nn.RNN(D, N), torch.nn.Linear(N, K)
    leaves = [*rnn.parameters(), *readout.parameters()]  # torch has a second bias in the cell
    arrays = (params.W_xh, params.W_hh, params.b_h, 0 * params.b_h, params.W_hy, params.b_y)
    with torch.no_grad():
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.copy_(torch.from_numpy(array))
    inputs = torch.tensor(x, requires_grad=True)
    start = torch.tensor(h_0[None], requires_grad=True)
    upstream = torch.from_numpy(dL_dy)

    def run():
        h, _ = rnn(inputs, start)
        return torch.autograd.grad(readout(h), [*leaves, inputs, start], upstream)

    return run


def make_products(params, x: np.ndarray, h_0: np.ndarray, dL_dy: np.ndarray) -> Callable:
    """The matrix products of forward and backward, and nothing else: nobody can do without."""
    trace = unroll(params, x, h_0)
    T, B, N = trace.h.shape
    W_hh_T = np.ascontiguousarray(params.W_hh.T)
    rows_x, rows_h = x.reshape(T * B, -1), trace.h.reshape(T * B, N)
    rows_y, rows_a = dL_dy.reshape(T * B, K), trace.a.reshape(T * B, N)
    a, h, y = np.empty_like(rows_a), np.empty((B, N), x.dtype), np.empty_like(rows_y)
    dx, *dW = (np.empty_like(array) for array in (rows_x, *params[:3]))

    def run():
        np.matmul(rows_x, params.W_xh.T, out=a)
        for t in range(T):
            np.matmul(trace.h[t], W_hh_T, out=h)
        np.matmul(rows_h, params.W_hy.T, out=y)
        np.matmul(rows_y, params.W_hy, out=a)
        for t in range(T):
            np.matmul(trace.a[t], params.W_hh, out=h)
        np.matmul(rows_a, params.W_xh, out=dx)
        np.matmul(rows_a.T, rows_x, out=dW[0])
        np.matmul(rows_a.T, rows_h, out=dW[1])
        np.matmul(rows_y.T, rows_h, out=dW[2])

    return run


@pytest.mark.parametrize("size", GOALS, ids=lambda size: "-".join(map(str, size)))
def test_forward_and_backward(benchmark, size):
    """Before each round of ours, one of torch's and one of the products: they share the weather."""
    T, B, D, N = size
    rng = np.random.default_rng(0)
    params = init_params(D, N, K, rng, dtype=np.float32)
    x, h_0, dL_dy = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((T, B, D), (B, N), (T, B, K))
    )
    ours, by_torch, products = (
        make(params, x, h_0, dL_dy) for make in (make_ours, make_torch, make_products)
    )
    W_xh, W_hh, b_h, _, W_hy, b_y, dx, dh_0 = (gradient.numpy() for gradient in by_torch())
    for own, other in zip(ours(), (W_xh, W_hh, W_hy, b_h, b_y, dx, dh_0[0]), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-2, atol=1e-3 * np.abs(own).max())

    peers = {"torch": [], "products": []}

    def run_peers():
        for name, run in (("torch", by_torch), ("products", products)):
            peers[name] += repeat(run, number=1, repeat=1)

    rounds = 400 if T * B * N < 500_000 else 40
    benchmark.pedantic(ours, setup=run_peers, rounds=rounds, warmup_rounds=3)
    benchmark.extra_info.update(size=size, goals=GOALS[size])
    benchmark.extra_info.update({name: seconds[3:] for name, seconds in peers.items()})
