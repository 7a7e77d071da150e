"""Random networks, inputs and losses for the property tests.

Sizes are small, unequal as a rule, and include 1; W_hh is not symmetric; h_0 and the biases are
not zero: a mistake that a symmetric or an empty case hides is to show.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from rnncourse.cell import ACTIVATIONS, RNNParams
from rnncourse.losses import (
    SequenceLoss,
    cross_entropy,
    cross_entropy_last,
    mask_from_lengths,
    squared_error,
)
from rnncourse.unroll import Trace, unroll

LOSSES = ("squared_error", "cross_entropy", "cross_entropy_last")
TORCH_ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "logistic": torch.sigmoid,
    "identity": lambda a: a,
}


class Network(NamedTuple):
    params: RNNParams
    x: np.ndarray
    h_0: np.ndarray
    activation: str
    loss_name: str
    target: np.ndarray
    lengths: np.ndarray
    reduction: str

    def loss(self, y: np.ndarray) -> SequenceLoss:
        """The loss of outputs y."""
        T = len(self.x)
        if self.loss_name == "squared_error":
            mask = mask_from_lengths(self.lengths, T)
            return squared_error(y, self.target, reduction=self.reduction, mask=mask)
        if self.loss_name == "cross_entropy":
            mask = mask_from_lengths(self.lengths, T)
            return cross_entropy(y, self.target, reduction=self.reduction, mask=mask)
        return cross_entropy_last(y, self.target, reduction=self.reduction, lengths=self.lengths)

    def trace(self) -> Trace:
        return unroll(self.params, self.x, self.h_0, self.activation)

    def value(self, **changed: np.ndarray) -> float:
        """The loss with some of W_xh, W_hh, W_hy, b_h, b_y, x, h_0 replaced."""
        x, h_0 = changed.pop("x", self.x), changed.pop("h_0", self.h_0)
        trace = unroll(self.params._replace(**changed), x, h_0, self.activation)
        return self.loss(trace.y).value


def make_network(
    T: int, B: int, D: int, N: int, K: int, *, activation="tanh", loss="squared_error",
    reduction="sum", seed=0, gain=1.0,
) -> Network:  # fmt: skip
    """A network with nothing zero, symmetric or equal in it."""
    rng = np.random.default_rng(seed)
    shapes = ((N, D), (N, N), (K, N), (N,), (K,))
    params = RNNParams(*(gain * rng.standard_normal(s) / np.sqrt(s[-1]) for s in shapes))
    target = {
        "squared_error": rng.standard_normal((T, B, K)),
        "cross_entropy": rng.integers(0, K, (T, B)),
        "cross_entropy_last": rng.integers(0, K, B),
    }[loss]
    return Network(
        params,
        rng.standard_normal((T, B, D)),
        rng.standard_normal((B, N)),
        activation,
        loss,
        target,
        rng.integers(1, T + 1, B),
        reduction,
    )


@st.composite
def networks(draw: Callable, *, activations=tuple(ACTIVATIONS), max_T: int = 6) -> Network:
    """Draw a network, its input and its loss."""
    T = draw(st.integers(1, max_T), label="T")
    B, D, N, K = (draw(st.integers(1, 4), label=name) for name in "BDNK")
    return make_network(
        T, B, D, N, K,
        activation=draw(st.sampled_from(activations)),
        loss=draw(st.sampled_from(LOSSES)),
        reduction=draw(st.sampled_from(("sum", "mean"))),
        seed=draw(st.integers(0, 2**32 - 1)),
        gain=draw(st.sampled_from((0.3, 1.0, 2.0))),
    )  # fmt: skip


def close(found, expected, bound=1e-12) -> None:
    """Equal up to `bound` times the largest entry, or `bound` where all are small."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= bound * max(1, np.abs(expected).max())


def torch_loss(network: Network, y: torch.Tensor) -> torch.Tensor:
    """The network's loss from torch's own functions."""
    T, B, _ = y.shape
    valid = torch.arange(T)[:, None] < torch.from_numpy(network.lengths)
    target = torch.from_numpy(network.target)
    reduction = network.reduction
    if network.loss_name == "squared_error":
        return torch.nn.functional.mse_loss(y[valid], target[valid], reduction=reduction)
    if network.loss_name == "cross_entropy":
        return torch.nn.functional.cross_entropy(y[valid], target[valid], reduction=reduction)
    last = y[torch.from_numpy(network.lengths) - 1, torch.arange(B)]
    return torch.nn.functional.cross_entropy(last, target, reduction=reduction)


def torch_gradients(network: Network) -> tuple[float, list[np.ndarray]]:
    """The loss and its gradients by torch.autograd, in the order of `Gradients`."""
    leaves = [
        torch.tensor(a, requires_grad=True) for a in (*network.params, network.x, network.h_0)
    ]
    W_xh, W_hh, W_hy, b_h, b_y, x, h = leaves
    phi, y = TORCH_ACTIVATIONS[network.activation], []
    for x_t in x:
        h = phi(x_t @ W_xh.T + h @ W_hh.T + b_h)
        y.append(h @ W_hy.T + b_y)
    loss = torch_loss(network, torch.stack(y))
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return loss.item(), [g.numpy() for g in gradients]
