"""A training step with Adam: ours in NumPy and torch's, from the same weights on the same batch.

A step is forward, loss, gradients, clipping by norm, update. In float32, on one thread, taking
turns. torch's is the one of its tutorials: torch.nn.RNN, Linear, CrossEntropyLoss,
clip_grad_norm_, torch.optim.Adam. Nothing is asserted about times, but after some steps the
weights have to agree.
"""

from collections.abc import Callable
from timeit import repeat

import numpy as np
import pytest
import torch

from rnncourse.cell import init_params
from rnncourse.clipping import clip_by_norm
from rnncourse.models import NumpyModel
from rnncourse.optim import Adam
from rnncourse.tasks import SequenceTask, Split

RATE, CLIP, GOAL = 1e-3, 0.5, 1.5
# (T, B, D, N): number of classes K, loss
SIZES = {
    (64, 32, 1, 64): (10, "cross_entropy_last"),  # digits, pixel by pixel
    (25, 16, 65, 128): (65, "cross_entropy"),  # characters
}


def make_ours(params, task: SequenceTask) -> tuple[NumpyModel, Callable]:
    model, optimiser = NumpyModel(params), Adam(RATE)
    state = optimiser.init(params)

    def run():
        nonlocal state
        _, gradients = model.loss_and_gradients(task, task.train)
        gradients = clip_by_norm(gradients, CLIP).gradients
        model.params, state = optimiser.step(model.params, gradients, state)

    return model, run


def make_torch(params, task: SequenceTask) -> tuple[list, Callable]:
    N, D = params.W_xh.shape
    rnn, readout = torch.nn.RNN(D, N), torch.nn.Linear(N, task.classes)
    leaves = [*rnn.parameters(), *readout.parameters()]
    arrays = (params.W_xh, params.W_hh, params.b_h, 0 * params.b_h, params.W_hy, params.b_y)
    with torch.no_grad():
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.copy_(torch.from_numpy(array))
    rnn.bias_hh_l0.requires_grad_(False)  # torch's second bias, which ours does not have
    trained = [leaf for leaf in leaves if leaf.requires_grad]
    criterion, optimiser = torch.nn.CrossEntropyLoss(), torch.optim.Adam(trained, lr=RATE)
    x, target = torch.from_numpy(task.train.x), torch.from_numpy(task.train.target)
    last = task.loss_name == "cross_entropy_last"

    def run():
        optimiser.zero_grad()
        h, _ = rnn(x)
        logits = readout(h[-1] if last else h.flatten(0, 1))
        criterion(logits, target if last else target.flatten()).backward()
        torch.nn.utils.clip_grad_norm_(trained, CLIP)
        optimiser.step()

    return trained, run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_training_step(benchmark, size):
    """Before each of our steps, one of torch's: they share the weather."""
    (T, B, D, N), (K, loss) = size, SIZES[size]
    rng = np.random.default_rng(0)
    params = init_params(D, N, K, rng, dtype=np.float32)
    x = rng.standard_normal((T, B, D)).astype(np.float32)
    split = Split(x, rng.integers(0, K, B if loss == "cross_entropy_last" else (T, B)))
    task = SequenceTask(split, split, split, classes=K, loss_name=loss)
    (model, ours), (leaves, by_torch) = make_ours(params, task), make_torch(params, task)
    for _ in range(5):
        ours()
        by_torch()
    W_xh, W_hh, b_h, W_hy, b_y = (leaf.detach().numpy() for leaf in leaves)
    for own, other in zip(model.params, (W_xh, W_hh, W_hy, b_h, b_y), strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=RATE)  # five steps move up to 5·RATE

    seconds = []
    benchmark.pedantic(
        ours, setup=lambda: seconds.extend(repeat(by_torch, number=1, repeat=1)) or None,
        rounds=400, warmup_rounds=3,
    )  # fmt: skip
    benchmark.extra_info.update(size=size, goal=GOAL, torch=seconds[3:])
