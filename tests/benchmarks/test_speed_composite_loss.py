"""CTRNN with all seven terms: ours, a plain autograd loop, and ours without the six terms.

A run is forward, loss and backward, in float32, on one thread, taking turns. The plain loop is
`ctrnn_loop` with the terms composed of autograd operations. Nothing is asserted about times, but
the gradients have to agree.
"""

from collections.abc import Callable
from timeit import repeat

import pytest
import torch

from rnncourse.composite_loss import RNNLoss
from rnncourse.ctrnn import CTRNN, ctrnn_loop

D, K = 3, 2
SIZES = {(100, 32, 100): 1.4, (500, 64, 256): 1.25}  # (T, B, N): goal
ALL = {"lambda_in": 0.1, "lambda_hid": 0.1, "lambda_out": 0.1,
       "lambda_fr": 0.1, "lambda_fr_sd": 0.1, "lambda_fr_cv": 0.1}  # fmt: skip


def make(T: int, B: int, N: int) -> tuple[CTRNN, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = CTRNN(D, N, K, generator=generator)
    x = torch.randn(T, B, D, generator=generator)
    return model, x, torch.randn(T, B, K, generator=generator)


def composed_loss(model, pred, label, rates):
    """The document's formulas, term by term."""
    mean_rates = rates.mean((0, 1))
    sd = mean_rates.std(correction=0)
    total = (pred - label).square().mean() + 0.1 * (rates.square().mean() + sd + sd / rates.mean())
    for W in (model.W_in, model.W_hid, model.W_out):
        total = total + 0.1 * W.square().mean()
    return total


def gradients(model: CTRNN, run: Callable) -> list[torch.Tensor]:
    run()
    return [p.grad.clone() for p in model.parameters()]


def compare(benchmark, ours: Callable, peer: Callable, size: tuple, **info: object) -> None:
    """Before each of our runs, one of the peer's: they share the weather."""
    seconds = []
    rounds = 60 if size[0] <= 100 else 12
    benchmark.pedantic(
        ours, setup=lambda: seconds.extend(repeat(peer, number=1, repeat=1)) or None,
        rounds=rounds, warmup_rounds=2,
    )  # fmt: skip
    benchmark.extra_info.update(size=size, torch=seconds[2:], **info)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_all_terms_against_the_plain_loop(benchmark, size):
    model, x, label = make(*size)
    loss = RNNLoss(model, **ALL)

    def ours():
        model.zero_grad()
        pred, rates = model(x)
        loss(pred, label, states=rates)[0].backward()

    def plain():
        model.zero_grad()
        pred, rates = ctrnn_loop(model, x)
        composed_loss(model, pred, label, rates).backward()

    for found, expected in zip(gradients(model, ours), gradients(model, plain), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    compare(benchmark, ours, plain, size, name="7 terms : loop", goal=SIZES[size])


def test_all_terms_against_the_error_alone(benchmark):
    size = (500, 64, 256)
    model, x, label = make(*size)
    every, error = RNNLoss(model, **ALL), RNNLoss(model)

    def ours():
        model.zero_grad()
        pred, rates = model(x)
        every(pred, label, states=rates)[0].backward()

    def alone():
        model.zero_grad()
        pred, _ = model(x)
        error(pred, label)[0].backward()

    compare(benchmark, ours, alone, size, name="7 terms : MSE", goal=0.87)  # 1 / 1.15
