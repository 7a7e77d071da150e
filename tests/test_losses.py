"""Losses over a sequence and their gradient at the outputs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import Network, make_network, networks, torch_loss

from rnncourse.gradcheck import complex_step_gradient, numerical_gradient, relative_error
from rnncourse.losses import (
    cross_entropy,
    cross_entropy_last,
    mask_from_lengths,
    perplexity,
    softmax,
    squared_error,
)

RNG = np.random.default_rng(3)
T, B, K = 5, 4, 3
Y = RNG.standard_normal((T, B, K))
CLASSES = RNG.integers(0, K, (T, B))
MASK = mask_from_lengths(np.array([5, 2, 1, 4]), T)


@pytest.mark.equation("1.7")
@pytest.mark.equation("1.8")
@pytest.mark.equation("1.9")
@given(networks())
def test_every_loss_and_its_gradient_agree_with_torch(network: Network):
    y = torch.tensor(network.trace().y, requires_grad=True)
    expected = torch_loss(network, y)
    expected.backward()
    loss = network.loss(y.detach().numpy())
    assert abs(loss.value - expected.item()) <= 1e-12 * max(1, abs(loss.value))
    np.testing.assert_allclose(loss.dL_dy, y.grad.numpy(), rtol=1e-12, atol=1e-13)


@given(networks())
def test_every_loss_gradient_is_the_derivative_of_its_own_value(network: Network):
    y = network.trace().y
    y = 5 * y / max(1, np.abs(y).max())  # a size at which differences keep their digits
    dL_dy = network.loss(y).dL_dy
    floor = 1e-3 * max(1, np.abs(dL_dy).max())  # differences of the value resolve no finer
    by_differences = numerical_gradient(lambda y: network.loss(y).value, y, eps=1e-3, order=4)
    by_complex_step = complex_step_gradient(lambda y: network.loss(y).value, y)
    assert relative_error(dL_dy, by_differences, floor=floor).max() < 1e-7
    assert relative_error(dL_dy, by_complex_step, floor=floor).max() < 1e-12


@pytest.mark.equation("1.7")
def test_squared_error_is_the_sum_of_squares_of_the_steps_that_count():
    target = RNG.standard_normal((T, B, K))
    by_hand = sum(
        (Y[t, b, k] - target[t, b, k]) ** 2
        for t in range(T) for b in range(B) for k in range(K) if MASK[t, b]
    )  # fmt: skip
    total = squared_error(Y, target, reduction="sum", mask=MASK).value
    mean = squared_error(Y, target, reduction="mean", mask=MASK).value
    assert abs(total - by_hand) < 1e-12
    assert abs(mean - by_hand / (12 * K)) < 1e-12  # 5 + 2 + 1 + 4 valid steps


@pytest.mark.equation("1.8")
def test_cross_entropy_is_minus_the_log_probability_of_each_valid_token_once():
    p = softmax(Y)
    by_hand = -sum(np.log(p[t, b, CLASSES[t, b]]) for t in range(T) for b in range(B) if MASK[t, b])
    total = cross_entropy(Y, CLASSES, reduction="sum", mask=MASK).value
    mean = cross_entropy(Y, CLASSES, reduction="mean", mask=MASK).value
    assert abs(total - by_hand) < 1e-12
    assert abs(mean - by_hand / 12) < 1e-12


def test_the_mean_over_tokens_is_not_the_mean_of_the_sequences_means():
    per_sequence = [
        cross_entropy(Y[:, [b]], CLASSES[:, [b]], reduction="mean", mask=MASK[:, [b]]).value
        for b in range(B)
    ]
    over_tokens = cross_entropy(Y, CLASSES, reduction="mean", mask=MASK).value
    weights = MASK.sum(axis=0) / MASK.sum()
    assert abs(over_tokens - weights @ per_sequence) < 1e-12
    assert abs(over_tokens - np.mean(per_sequence)) > 0.01


@pytest.mark.equation("1.9")
def test_the_last_valid_step_decides_and_what_follows_it_does_not_count():
    lengths, target = np.array([5, 2, 1, 4]), np.array([0, 2, 1, 1])
    loss = cross_entropy_last(Y, target, reduction="mean", lengths=lengths)
    by_hand = -np.mean([np.log(softmax(Y[lengths[b] - 1, b])[target[b]]) for b in range(B)])
    assert abs(loss.value - by_hand) < 1e-12
    padded = Y.copy()
    padded[~MASK] = 100.0
    assert cross_entropy_last(padded, target, reduction="mean", lengths=lengths).value == loss.value


@pytest.mark.equation("1.5")
@given(networks())
def test_the_loss_is_the_sum_of_its_steps_and_masked_steps_have_no_share(network: Network):
    y = network.trace().y
    loss = network.loss(y)
    assert loss.per_step.shape == (len(y),)
    assert abs(loss.value - sum(loss.per_step)) <= 1e-12 * max(1, abs(loss.value))
    after_the_end = ~mask_from_lengths(network.lengths, len(y))
    assert not loss.dL_dy[after_the_end].any()
    nobody_left = after_the_end.all(axis=1)
    assert not loss.per_step[nobody_left].any()


def test_the_gradient_of_the_sum_is_that_of_the_mean_times_the_number_of_terms():
    """Erratum A5: the factor is T·B·K, 154 for sizes 7, 11, 2."""
    y, target = RNG.standard_normal((2, 7, 11, 2))
    total = squared_error(y, target, reduction="sum")
    mean = squared_error(y, target, reduction="mean")
    np.testing.assert_allclose(total.dL_dy / mean.dL_dy, 154, rtol=1e-12)


@pytest.mark.equation("1.6")
def test_softmax_is_the_ratio_of_exponentials_and_sums_to_one():
    for t in range(T):
        for b in range(B):
            e = [np.exp(v) for v in Y[t, b]]
            np.testing.assert_allclose(softmax(Y)[t, b], np.array(e) / sum(e), rtol=1e-13)
    np.testing.assert_allclose(softmax(Y + 700).sum(axis=2), 1, rtol=1e-13)


@pytest.mark.parametrize(("dtype", "huge"), [(np.float64, 1e300), (np.float32, 1e38)])
def test_huge_logits_give_finite_losses_and_gradients(dtype, huge):
    y = np.array([[[huge, 0, -huge]]], dtype)
    right = cross_entropy(y, np.array([[0]]), reduction="mean")
    wrong = cross_entropy(y, np.array([[1]]), reduction="mean")
    assert right.value == 0.0
    assert wrong.value == float(dtype(huge))
    np.testing.assert_array_equal(right.dL_dy, np.zeros((1, 1, 3)))
    np.testing.assert_array_equal(wrong.dL_dy[0, 0], [1, -1, 0])


def test_a_guess_without_knowledge_costs_ln_K_nats_a_token():
    for V in (2, 50):
        loss = cross_entropy(np.zeros((25, 3, V)), np.zeros((25, 3), int), reduction="mean")
        assert abs(np.exp(loss.value) - V) < 1e-10  # its perplexity is V


def test_padding_may_hold_any_class_number():
    padded = np.where(MASK, CLASSES, -1)
    loss = cross_entropy(Y, padded, reduction="mean", mask=MASK)
    np.testing.assert_array_equal(
        loss.dL_dy, cross_entropy(Y, CLASSES, reduction="mean", mask=MASK).dL_dy
    )


def test_a_mask_counts_valid_steps_only():
    """Erratum B10: lengths 10 and 2 with unit error on the valid steps make 1.0, not 0.6."""
    mask = mask_from_lengths(np.array([10, 2]), 10)
    y = mask[:, :, None].astype(float)
    loss = squared_error(y, np.zeros((10, 2, 1)), reduction="mean", mask=mask)
    unmasked = squared_error(y, np.zeros((10, 2, 1)), reduction="mean")
    assert abs(loss.value - 1.0) < 1e-12
    assert abs(unmasked.value - 0.6) < 1e-12


@pytest.mark.parametrize("loss", [squared_error, cross_entropy, cross_entropy_last])
def test_float32_in_gives_a_float32_gradient_and_a_plain_number(loss):
    y = Y.astype(np.float32)
    target = {
        squared_error: np.zeros_like(y), cross_entropy: CLASSES, cross_entropy_last: CLASSES[0]
    }[loss]  # fmt: skip
    result = loss(y, target, reduction="mean")
    assert result.dL_dy.dtype == np.float32
    assert type(result.value) is float


def test_the_caller_has_to_say_sum_or_mean():
    with pytest.raises(TypeError, match="reduction"):
        squared_error(Y, Y)
    with pytest.raises(ValueError, match="reduction is 'average'; expected 'sum' or 'mean'"):
        squared_error(Y, Y, reduction="average")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: squared_error(Y, Y[:, :, 0], reduction="sum"), ValueError,
         r"target has shape \(5, 4\); expected \(T, B, K\) with T = 5 and B = 4 and K = 3"),
        (lambda: cross_entropy(Y, CLASSES.T, reduction="sum"), ValueError,
         r"target has shape \(4, 5\).*transpose target.T"),
        (lambda: cross_entropy(Y, CLASSES + 0.0, reduction="sum"), TypeError,
         "target has dtype float64; expected integers"),
        (lambda: cross_entropy(Y, np.full((T, B), 3), reduction="sum"), ValueError,
         r"target\[0, 0\] is 3; expected a class in 0, …, 2"),
        (lambda: cross_entropy_last(Y, np.array([0, 0, -1, 0]), reduction="sum"), ValueError,
         r"target\[2\] is -1"),
        (lambda: cross_entropy(Y, CLASSES, reduction="sum", mask=MASK & False), ValueError,
         "mask is False everywhere"),
        (lambda: cross_entropy(Y, CLASSES, reduction="sum", mask=MASK.astype(int)), TypeError,
         "mask has dtype int64; expected bool"),
        (lambda: cross_entropy_last(Y, CLASSES[0], reduction="sum", lengths=np.array([5, 0, 1, 1])),
         ValueError, r"lengths\[1\] is 0; expected a number of steps from 1 to 5"),
        (lambda: mask_from_lengths(np.array([6]), 5), ValueError, r"lengths\[0\] is 6"),
        (lambda: squared_error(np.full((1, 1, 1), np.nan), np.ones((1, 1, 1)), reduction="sum"),
         ValueError, r"y\[0, 0, 0\] = nan"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_loss_leaves_its_arguments_as_they_were():
    network = make_network(4, 3, 2, 5, 3, loss="cross_entropy")
    y = network.trace().y
    before, target = y.copy(), network.target.copy()
    network.loss(y)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(network.target, target)


@pytest.mark.equation("4.16")
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_perplexity_is_the_inverse_geometric_mean_of_the_probabilities_given(M, seed):
    p = np.random.default_rng(seed).uniform(0.01, 1, M)
    assert perplexity(-np.log(p).mean()) == pytest.approx(p.prod() ** (-1 / M))


@pytest.mark.equation("4.16")
def test_the_exponential_of_a_sum_is_no_perplexity():
    """Erratum C8: over a sum of 25 tokens, the exponential says 3e42 where the answer is 50."""
    loss = cross_entropy(np.zeros((25, 1, 50)), np.ones((25, 1), int), reduction="mean")
    assert perplexity(loss.value) == pytest.approx(50)
    assert np.exp(25 * loss.value) > 1e42


@pytest.mark.parametrize("nats", [-0.1, np.nan, np.inf])
def test_a_perplexity_of_nonsense_is_refused(nats):
    with pytest.raises(ValueError, match="expected a mean cross-entropy"):
        perplexity(nats)
