"""CTRNN with a mean squared error: against torch.nn.RNN, and against the plain autograd loop.

Forward, loss and backward in float32, on one thread, taking turns. torch.nn.RNN is without leak, so
it has less to do; its loop is compiled. Nothing is asserted about times, but the CTRNN without leak
has to give the numbers of torch.nn.RNN, and the loop those of the CTRNN.
"""

from collections.abc import Callable
from timeit import repeat

import pytest
import torch

from rnncourse.ctrnn import CTRNN, ctrnn_loop

D, K = 4, 2
SIZES = {(100, 32, 100): 400, (500, 64, 256): 30}  # (T, B, N): number of rounds
mse_loss = torch.nn.functional.mse_loss


def data(T: int, B: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.randn(T, B, D, generator=g), torch.randn(T, B, K, generator=g)


def torch_rnn(model: CTRNN) -> tuple[torch.nn.Module, torch.nn.Module]:
    """torch's network with the model's weights; it has a second bias, which stays 0."""
    rnn = torch.nn.RNN(D, model.sizes[1], nonlinearity="relu")
    readout = torch.nn.Linear(model.sizes[1], K)
    leaves = [*rnn.parameters(), *readout.parameters()]
    values = (model.W_in, model.W_hid, model.b_hid, 0 * model.b_hid, model.W_out, model.b_out)
    with torch.no_grad():
        for leaf, value in zip(leaves, values, strict=True):
            leaf.copy_(value)
    rnn.bias_hh_l0.requires_grad_(False)
    return rnn, readout


def training_pass(outputs: Callable, label: torch.Tensor, *modules: torch.nn.Module) -> Callable:
    def run() -> float:
        for module in modules:
            module.zero_grad()
        loss = mse_loss(outputs(), label)
        loss.backward()
        return loss.item()

    return run


def measure(benchmark, ours: Callable, other: Callable, size, name: str, goal: float) -> None:
    """Before each of our rounds, one of the other's: they share the weather."""
    seconds = []
    benchmark.pedantic(
        ours, setup=lambda: seconds.extend(repeat(other, number=1, repeat=1)) or None,
        rounds=SIZES[size[:2] + size[3:]], warmup_rounds=3,
    )  # fmt: skip
    benchmark.extra_info.update(name=name, size=size, goal=goal, torch=seconds[3:])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_ctrnn_against_torch_rnn(benchmark, size):
    """Same weights; tau = dt for a check of the numbers, then the leaky one is timed."""
    T, B, N = size
    x, label = data(T, B)
    model = CTRNN(D, N, K, dt=20.0, tau=20.0)
    rnn, readout = torch_rnn(model)
    by_torch = training_pass(lambda: readout(rnn(x)[0]), label, rnn, readout)
    ours = training_pass(lambda: model(x)[0], label, model)
    assert ours() == pytest.approx(by_torch(), rel=1e-4)
    torch.testing.assert_close(model.W_out.grad, readout.weight.grad, rtol=1e-3, atol=1e-4)
    model.tau = 100.0
    measure(benchmark, ours, by_torch, (T, B, D, N), "CTRNN / RNN", 0.91)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_ctrnn_against_its_plain_loop(benchmark, size):
    T, B, N = size
    x, label = data(T, B)
    model = CTRNN(D, N, K)
    ours = training_pass(lambda: model(x)[0], label, model)
    loop = training_pass(lambda: ctrnn_loop(model, x)[0], label, model)
    assert ours() == pytest.approx(loop(), rel=1e-5)
    measure(benchmark, ours, loop, (T, B, D, N), "CTRNN / loop", 1.25)
