"""Layer norm and batch norm, checked against torch, numerical derivatives and theorems."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import close

from rnncourse.gradcheck import numerical_gradient, numerical_jacobian
from rnncourse.normalisation import (
    BATCH,
    FEATURES,
    batch_norm,
    batch_norm_backward,
    derivative_along_scale,
    layer_norm,
    layer_norm_backward,
    layer_norm_jacobian,
    standardise,
    standardise_backward,
)

KINDS = ("layer", "batch")
seeds, epsilons = st.integers(0, 2**32 - 1), st.sampled_from((1e-5, 1e-3, 0.5))


def a_gain_bias_w(B: int, N: int, seed: int) -> tuple[np.ndarray, ...]:
    """Rows off zero, gain and bias, and a gradient at the output."""
    rng = np.random.default_rng(seed)
    a = 3 * rng.standard_normal((B, N)) + rng.standard_normal(N)
    return a, *rng.standard_normal((2, N)), rng.standard_normal((B, N))


def torch_layer_norm(a, gain, bias, eps):
    return torch.nn.functional.layer_norm(a, a.shape[-1:], gain, bias, eps)


def torch_batch_norm(a, gain, bias, eps):
    return torch.nn.functional.batch_norm(a, None, None, gain, bias, training=True, eps=eps)


CASES = {
    "layer": (layer_norm, layer_norm_backward, torch_layer_norm),
    "batch": (batch_norm, batch_norm_backward, torch_batch_norm),
}


# --- the two normalisations ---


@pytest.mark.equation("5.39")
@pytest.mark.equation("5.41")
@pytest.mark.equation("5.42")
@pytest.mark.equation("5.43")
@pytest.mark.equation("5.44")
@pytest.mark.parametrize("kind", KINDS)
@given(B=st.integers(1, 5), N=st.integers(1, 5), seed=seeds, eps=epsilons)
def test_value_and_gradients_are_those_of_torch(kind, B, N, seed, eps):
    forward, backward, theirs = CASES[kind]
    B += kind == "batch"
    a, gain, bias, w = a_gain_bias_w(B, N, seed)
    z, part = forward(a, gain, bias, eps)
    leaves = [torch.tensor(v, requires_grad=True) for v in (a, gain, bias)]
    expected = theirs(*leaves, eps)
    close(z, expected.detach())
    gradients = torch.autograd.grad(expected, leaves, torch.tensor(w))
    for found, gradient in zip(backward(part, gain, w), gradients, strict=True):
        close(found, gradient, 1e-12 / np.sqrt(eps))


@pytest.mark.parametrize("axis", [FEATURES, BATCH])
@pytest.mark.equation("5.40")
@given(B=st.integers(2, 4), N=st.integers(2, 4), seed=seeds)
def test_the_way_back_is_the_transposed_numerical_jacobian(axis, B, N, seed):
    a, _, _, w = a_gain_bias_w(B, N, seed)
    J = numerical_jacobian(lambda v: standardise(v, axis, 0.5).a_hat, a, eps=1e-3, order=4)
    found = standardise_backward(standardise(a, axis, 0.5), w, axis)
    close(found, np.einsum("bn,bncm->cm", w, J), 1e-8)


@pytest.mark.equation("5.46")
@given(N=st.integers(1, 6), seed=seeds, eps=epsilons)
def test_the_jacobian_of_layer_norm_is_exact_for_any_eps(N, seed, eps):
    a, gain, bias, w = a_gain_bias_w(2, N, seed)
    _, part = layer_norm(a, gain, bias, eps)
    J = layer_norm_jacobian(part, gain)
    inputs = torch.tensor(a[0], requires_grad=True)
    rest = [torch.tensor(v) for v in (gain, bias)]
    expected = torch.autograd.functional.jacobian(
        lambda v: torch_layer_norm(v, *rest, eps), inputs
    ).numpy()
    close(J[0], expected, 1e-12 / np.sqrt(eps))
    close(
        np.einsum("bn,bnm->bm", w, J),
        layer_norm_backward(part, gain, w).dL_da,
        1e-12 / np.sqrt(eps),
    )


@given(N=st.integers(2, 6), seed=seeds, eps=st.sampled_from((0.0, 1e-5, 0.5)))
def test_the_jacobian_has_the_eigenvalues_0_eps_over_s_cubed_and_1_over_s(N, seed, eps):
    a, gain, bias, _ = a_gain_bias_w(1, N, seed)
    _, part = layer_norm(a, gain, bias, eps)
    J, s = layer_norm_jacobian(part, np.ones(N))[0], part.s.item()
    expected = np.sort([0, eps / s**3] + [1 / s] * (N - 2))
    np.testing.assert_allclose(np.linalg.eigvalsh(J), expected, rtol=0, atol=1e-12 / s)
    with_gain = layer_norm_jacobian(part, gain)[0]
    assert np.linalg.norm(with_gain, 2) <= np.abs(gain).max() / s * (1 + 1e-12)


@given(N=st.integers(2, 6), c=st.floats(1e-3, 1e3), d=st.floats(-10, 10), seed=seeds)
def test_layer_norm_does_not_see_scale_nor_shift_and_eps_acts_as_eps_over_c_squared(N, c, d, seed):
    a, gain, bias, _ = a_gain_bias_w(3, N, seed)
    s_min = standardise(a, FEATURES, 0.0).s.min()
    bound = 1e-13 * (1 + 20 / s_min) * (1 + np.abs(d) / (c * s_min))  # of the subtraction a - m
    z = layer_norm(a, gain, bias, 0.0)[0]
    close(layer_norm(c * a + d, gain, bias, 0.0)[0], z, bound)
    with_eps = layer_norm(a, gain, bias, 1e-3 / c**2)[0]
    close(layer_norm(c * a + d, gain, bias, 1e-3)[0], with_eps, bound)


def test_eps_breaks_the_invariance_where_the_values_are_small():
    a, gain, bias, _ = a_gain_bias_w(3, 4, 0)
    z = layer_norm(a, gain, bias)[0]
    assert np.abs(layer_norm(100 * a, gain, bias)[0] - z).max() < 1e-5
    assert np.abs(layer_norm(1e-4 * a, gain, bias)[0] - z).max() > 0.5


def test_a_row_of_layer_norm_knows_no_other_row_and_a_row_of_batch_norm_does():
    a, gain, bias, _ = a_gain_bias_w(4, 4, 1)  # B = N, where the wrong axis would pass unseen
    other = a.copy()
    other[1:] += np.arange(12.0).reshape(3, 4)
    layer, batch = (
        (f(a, gain, bias)[0], f(other, gain, bias)[0]) for f in (layer_norm, batch_norm)
    )
    assert (layer[0][0] == layer[1][0]).all()
    assert np.abs(batch[0][0] - batch[1][0]).max() > 0.1


def test_each_unit_of_batch_norm_may_be_scaled_on_its_own():
    a, gain, bias, _ = a_gain_bias_w(5, 3, 2)
    scale = np.array([0.1, 1.0, 30.0])
    close(batch_norm(scale * a, gain, bias, 0.0)[0], batch_norm(a, gain, bias, 0.0)[0])
    assert np.abs(layer_norm(scale * a, gain, bias)[0] - layer_norm(a, gain, bias)[0]).max() > 0.1


def test_one_unit_is_its_own_mean_the_output_is_the_bias_and_no_gradient_passes():
    a, gain, bias, w = a_gain_bias_w(3, 1, 0)
    z, part = layer_norm(a, gain, bias)
    assert (z == bias).all()
    found = layer_norm_backward(part, gain, w)
    assert not found.dL_da.any()
    assert not found.dL_dgain.any()
    assert found.dL_dbias == w.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_values_only_the_sign_of_their_difference_is_left(kind):
    forward, backward, _ = CASES[kind]
    a, gain, bias, w = a_gain_bias_w(2, 2, 3)
    _, part = forward(a, gain, bias, 0.0)
    close(np.abs(part.a_hat), np.ones((2, 2)))
    close(backward(part, gain, w).dL_da, np.zeros((2, 2)))


# --- weights before a layer norm ---


def loss_of(W: np.ndarray, h, gain, bias, w, eps) -> float:
    """A loss that sees W only through layer norm of W h."""
    return float((w * np.sin(layer_norm(h @ W.T, gain, bias, eps)[0])).sum())


def gradient_of(W, h, gain, bias, w, eps):
    """Its gradient, with what derivative_along_scale needs."""
    z, part = layer_norm(h @ W.T, gain, bias, eps)
    dL_dz = w * np.cos(z)
    return layer_norm_backward(part, gain, dL_dz).dL_da.T @ h, part, dL_dz


@pytest.mark.equation("5.45")
@given(
    N=st.integers(2, 5), M=st.integers(1, 5), B=st.integers(1, 3), seed=seeds,
    eps=st.sampled_from((0.0, 1e-3, 0.5)),
)  # fmt: skip
def test_the_gradient_is_orthogonal_to_the_weights_up_to_eps(N, M, B, seed, eps):
    rng = np.random.default_rng(seed)
    W, h = rng.standard_normal((N, M)), rng.standard_normal((B, M))
    gain, bias, w = (rng.standard_normal(N) for _ in range(3))
    dL_dW, part, dL_dz = gradient_of(W, h, gain, bias, w, eps)
    size = 1e-11 * (1 + np.linalg.norm(W) / part.s.min())
    along = derivative_along_scale(part, gain, dL_dz, eps)
    assert abs((dL_dW * W).sum() - along) <= size
    assert np.abs(dL_dW.sum(0)).max() <= size / np.linalg.norm(W)  # nor is a shift seen
    if eps == 0:
        assert along == 0
    else:
        of_scale = numerical_gradient(
            lambda c: loss_of(c[0] * W, h, gain, bias, w, eps), np.ones(1), eps=1e-4, order=4
        )
        close(np.array([along]), of_scale, 1e-8)


def test_the_gradient_at_c_times_the_weights_is_1_over_c_of_that_at_the_weights():
    rng = np.random.default_rng(0)
    W, h, gain, bias, w = (rng.standard_normal(n) for n in ((5, 3), (2, 3), 5, 5, 5))
    at_W, at_cW = (gradient_of(c * W, h, gain, bias, w, 0.0)[0] for c in (1, 8))
    close(at_cW, at_W / 8)
    longer = np.linalg.norm(W - 0.1 * at_W)
    close(longer**2, np.linalg.norm(W) ** 2 + 0.01 * np.linalg.norm(at_W) ** 2)


# --- what is refused ---


def test_a_batch_of_one_needs_statistics_from_elsewhere():
    with pytest.raises(ValueError, match="batch holds 1 sequence; expected at least 2"):
        batch_norm(np.ones((1, 3)), np.ones(3), np.ones(3))
    z, part = batch_norm(
        np.full((1, 3), 5.0), np.ones(3), np.ones(3), 0.0, (np.ones((1, 3)), np.full((1, 3), 4.0))
    )
    assert (z == 3).all()
    assert (batch_norm_backward(part, np.ones(3), np.ones((1, 3))).dL_da == 0.5).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layer_norm(np.ones((2, 3)), np.ones(2), np.ones(3)), r"gain has shape \(2,\)"),
        (lambda: layer_norm(np.ones((2, 3)), np.ones(3), np.ones(2)), r"bias has shape \(2,\)"),
        (lambda: layer_norm(np.ones(3), np.ones(3), np.ones(3)), r"a has shape \(3,\)"),
        (lambda: layer_norm(np.ones((2, 3)), np.ones(3), np.ones(3), -1.0), "eps is -1.0"),
        (lambda: layer_norm(np.ones((2, 3)), np.ones(3), np.ones(3), 0.0), "eps is 0 and"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
