"""Dropout: the masks, and a pass forward and backward through them, checked against definitions."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import TORCH_ACTIVATIONS, Network, make_network, networks

from rnncourse.bptt import Gradients
from rnncourse.cell import get_activation, init_params
from rnncourse.dropout import (
    KINDS,
    DropoutModel,
    Masks,
    draw_masks,
    dropout_gradients,
    dropout_jacobians,
    dropout_sweep,
    inverted_mask,
    survival,
    unroll_dropout,
)
from rnncourse.gradcheck import complex_step_gradient, numerical_gradient, numerical_jacobian
from rnncourse.initialisation import orthogonal
from rnncourse.jacobians import product, step_jacobians
from rnncourse.leaky import leaky_step
from rnncourse.models import NumpyModel, contribution_by_lag
from rnncourse.optim import Adam
from rnncourse.synthetic_tasks import latch
from rnncourse.training import fit
from rnncourse.unroll import unroll

VARIABLES = ("W_xh", "W_hh", "W_hy", "b_h", "b_y", "x", "h_0")  # the order of Gradients
SMOOTH = ("tanh", "logistic", "identity")
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)
probabilities = st.floats(0, 0.9)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class Case(NamedTuple):
    """A network with masks, its loss Σ g ⊙ y + (y ⊙ y)/2 over all outputs."""

    network: Network
    masks: Masks
    g: np.ndarray

    def trace(self, **changed):
        """The forward pass with some of the parameters, x or h_0 replaced."""
        x = changed.pop("x", self.network.x)
        h_0 = changed.pop("h_0", self.network.h_0)
        params = self.network.params._replace(**changed)
        return unroll_dropout(params, x, self.masks, self.network.activation, h_0)

    def value(self, **changed):
        y = self.trace(**changed).y
        return (self.g * y + y * y / 2).sum()

    def gradients(self) -> Gradients:
        trace = self.trace()
        return dropout_gradients(self.network.params, trace, self.g + trace.y)

    def at(self, name: str) -> np.ndarray:
        return getattr(self.network if name in ("x", "h_0") else self.network.params, name)


def any_masks(T, B, D, N, seed, present=(True,) * 4) -> Masks:
    """Four masks at once, with values that no two entries share; zoneout of broken numbers too."""
    rng = generator(seed)
    widths = (D, N, N, N)
    drawn = [inverted_mask((T, B, w), 0.4, rng) * rng.uniform(0.5, 2, (T, B, w)) for w in widths]
    drawn[3] = np.clip(drawn[3] / 2, 0, 1)
    return Masks(*(m if use else None for m, use in zip(drawn, present, strict=True)))


@st.composite
def cases(draw, activations=tuple(TORCH_ACTIVATIONS)) -> Case:
    network = draw(networks(activations=activations))
    (T, B, D), N = network.x.shape, network.h_0.shape[1]
    present = draw(st.tuples(*[st.booleans()] * 4))
    if draw(st.booleans()):  # one of the variants, or masks of all places at once
        masks = draw_masks(draw(st.sampled_from(KINDS)), 0.4, T, B, D, N, generator(1))
    else:
        masks = any_masks(T, B, D, N, draw(seeds), present)
    return Case(network, masks, generator(2).standard_normal((T, B, network.params.sizes[2])))


def make_case(present=(True,) * 4, seed=0) -> Case:
    T, B, D, N, K = 5, 2, 3, 4, 2
    g = generator(3).standard_normal((T, B, K))
    return Case(make_network(T, B, D, N, K), any_masks(T, B, D, N, seed, present), g)


def assert_close(found, expected, bound: float) -> None:
    """Every entry agrees, relative to the largest of all gradients."""
    scale = max(1e-3, *(np.abs(e).max() for e in expected))
    for name, a, b in zip(VARIABLES, found, expected, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= bound * scale, f"{name}: {np.abs(a - b).max() / scale:.1e}"


# --- masks ---


@pytest.mark.equation("5.24")
@given(seeds, probabilities)
def test_an_entry_is_dropped_or_enlarged_and_the_mean_of_the_two_is_one(seed, p):
    mask = inverted_mask((3, 5, 2), p, generator(seed))
    kept = 1 / (1 - p)
    assert set(np.unique(mask)) <= {0.0, kept}
    assert p * 0 + (1 - p) * kept == pytest.approx(1, rel=1e-15)


@pytest.mark.equation("5.24")
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_the_mean_of_an_inverted_mask_is_one(p):
    mask = inverted_mask((1000, 100), p, generator())
    error = np.sqrt(p / (1 - p) / mask.size)  # standard deviation of the mean
    assert abs(mask.mean() - 1) <= 4 * error
    assert abs((mask == 0).mean() - p) <= 4 * np.sqrt(p * (1 - p) / mask.size)


@pytest.mark.equation("5.25")
def test_the_naive_mask_is_new_at_every_step_and_lies_on_the_recurrent_path_alone():
    masks = draw_masks("naive", 0.5, 6, 3, 4, 50, generator())
    assert masks.h.shape == (6, 3, 50)
    assert masks.x is masks.y is masks.z is None
    assert all((masks.h[t] != masks.h[t + 1]).any(axis=-1).all() for t in range(5))


@pytest.mark.equation("5.26")
def test_the_non_recurrent_masks_are_new_at_every_step():
    masks = draw_masks("zaremba", 0.5, 6, 3, 40, 50, generator())
    assert masks.h is masks.z is None
    assert (masks.x.shape, masks.y.shape) == ((6, 3, 40), (6, 3, 50))
    for mask in (masks.x, masks.y):
        assert all((mask[t] != mask[t + 1]).any(axis=-1).all() for t in range(5))


@pytest.mark.equation("5.27")
def test_the_variational_mask_is_the_same_at_all_steps_and_differs_between_sequences():
    masks = draw_masks("variational", 0.5, 6, 3, 40, 50, generator())
    assert masks.z is None
    for mask, width in ((masks.x, 40), (masks.h, 50), (masks.y, 50)):
        assert mask.shape == (6, 3, width)
        np.testing.assert_array_equal(mask, np.tile(mask[0], (6, 1, 1)))
        for one, other in itertools.combinations(mask[0], 2):
            assert (one != other).any()
    assert (masks.h != masks.y).any()


@pytest.mark.equation("5.28")
def test_zoneout_keeps_whole_units_with_its_probability_and_in_use_that_share_of_each():
    masks = draw_masks("zoneout", 0.3, 50, 10, 2, 40, generator())
    assert masks.x is masks.h is masks.y is None
    assert set(np.unique(masks.z)) == {0.0, 1.0}
    assert masks.z.mean() == pytest.approx(0.3, abs=0.015)
    assert (masks.z[0] != masks.z[1]).any()
    in_use = draw_masks("zoneout", 0.3, 5, 2, 2, 4, None)
    np.testing.assert_array_equal(in_use.z, np.full((5, 2, 4), 0.3))


@pytest.mark.parametrize("kind", KINDS[:3])
def test_in_use_nothing_is_dropped(kind):
    assert draw_masks(kind, 0.5, 5, 2, 2, 4, None) == Masks()


# --- forward ---


@pytest.mark.equation("5.29")
@pytest.mark.equation("5.30")
@pytest.mark.equation("5.31")
@given(cases())
def test_the_pass_is_its_equations_step_by_step(case):
    (W_xh, W_hh, W_hy, b_h, b_y), trace = case.network.params, case.trace()
    (T, B, _), phi = case.network.x.shape, get_activation(case.network.activation).phi
    x, m_x, m_h, m_y, z = case.network.x, *case.masks
    for b in range(B):
        h = case.network.h_0[b]
        for t in range(T):
            read = h if m_h is None else m_h[t, b] * h
            seen = x[t, b] if m_x is None else m_x[t, b] * x[t, b]
            a = W_xh @ seen + W_hh @ read + b_h
            new = phi(a)
            h = new if z is None else z[t, b] * h + (1 - z[t, b]) * new
            shown = h if m_y is None else m_y[t, b] * h
            np.testing.assert_allclose(trace.a[t, b], a, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(trace.h[t, b], h, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(trace.y[t, b], W_hy @ shown + b_y, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", TORCH_ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("T", [1, 7])
def test_with_p_zero_the_pass_and_its_gradients_are_those_without_masks(kind, activation, T):
    network = make_network(T, 2, 3, 5, 2, activation=activation)
    expected = network.trace()
    for rng in (generator(), None):
        masks = draw_masks(kind, 0.0, T, 2, 3, 5, rng)
        trace = unroll_dropout(network.params, network.x, masks, activation, network.h_0)
        for name in ("a", "states", "y"):
            np.testing.assert_array_equal(getattr(trace, name), getattr(expected, name))
    model = NumpyModel(network.params, activation)
    dropped = DropoutModel(network.params, kind, 0.0, activation)
    dL_dy = generator(1).standard_normal(expected.y.shape)
    ours = dropped.gradients(dropped.run(network.x, generator()), dL_dy)
    theirs = model.gradients(model.run(network.x), dL_dy)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@given(networks(), probabilities)
def test_a_variational_mask_makes_each_sequence_a_network_of_its_own(network, p):
    """W diag(m) does what the mask does: one fixed, smaller network for the whole sequence."""
    (T, B, D), N = network.x.shape, network.h_0.shape[1]
    masks = draw_masks("variational", p, T, B, D, N, generator())
    found = unroll_dropout(network.params, network.x, masks, network.activation, network.h_0)
    for b in range(B):
        one = slice(b, b + 1)
        own = network.params._replace(
            W_xh=network.params.W_xh * masks.x[0, b],
            W_hh=network.params.W_hh * masks.h[0, b],
            W_hy=network.params.W_hy * masks.y[0, b],
        )
        expected = unroll(own, network.x[:, one], network.h_0[one], network.activation)
        scale = 1 + np.abs(expected.y).max()
        np.testing.assert_allclose(found.y[:, one], expected.y, rtol=0, atol=1e-11 * scale)


@given(networks(), probabilities)
def test_zoneout_in_use_is_the_leaky_network_with_leak_one_minus_p(network, p):
    params, (T, B, D), N = network.params, network.x.shape, network.h_0.shape[1]
    masks = draw_masks("zoneout", p, T, B, D, N, None)
    found = unroll_dropout(params, network.x, masks, network.activation, network.h_0)
    h = network.h_0
    for t in range(T):
        drive = network.x[t] @ params.W_xh.T + params.b_h
        h = leaky_step(h, params.W_hh, drive, 1 - p, network.activation)
        np.testing.assert_allclose(found.h[t], h, rtol=1e-9, atol=1e-9 * (1 + np.abs(h).max()))


def test_zoneout_with_p_near_one_keeps_the_initial_state():
    network, p = make_network(40, 2, 3, 5, 2), 1 - 1e-12
    masks = draw_masks("zoneout", p, 40, 2, 3, 5, generator())
    trace = unroll_dropout(network.params, network.x, masks, "tanh", network.h_0)
    np.testing.assert_array_equal(trace.h, np.tile(network.h_0, (40, 1, 1)))
    in_use = draw_masks("zoneout", p, 40, 2, 3, 5, None)
    trace = unroll_dropout(network.params, network.x, in_use, "tanh", network.h_0)
    np.testing.assert_allclose(trace.h[-1], network.h_0, atol=1e-9)


# --- Jacobians ---


@pytest.mark.equation("5.38")
@given(cases(activations=SMOOTH))
def test_the_step_jacobian_is_the_numerical_one(case):
    trace = case.trace()
    J = dropout_jacobians(case.network.params, trace)
    for t, b in itertools.product(range(len(trace.a)), range(trace.a.shape[1])):
        masks = Masks(*(m if m is None else m[t : t + 1, b : b + 1] for m in case.masks))
        x = case.network.x[t : t + 1, b : b + 1]
        expected = numerical_jacobian(
            lambda h, x=x, masks=masks: unroll_dropout(
                case.network.params, x, masks, case.network.activation, h[None]
            ).h[0, 0],
            trace.h_prev[t, b], eps=1e-3, order=4,
        )  # fmt: skip
        scale = 1 + np.abs(trace.states).max()
        np.testing.assert_allclose(J[t, b], expected, rtol=1e-6, atol=1e-8 * scale)


@given(networks(), probabilities)
def test_non_recurrent_dropout_leaves_every_step_jacobian_as_it_is(network, p):
    masks = draw_masks("zaremba", p, *network.x.shape, network.h_0.shape[1], generator())
    trace = unroll_dropout(network.params, network.x, masks, network.activation, network.h_0)
    np.testing.assert_array_equal(
        dropout_jacobians(network.params, trace), step_jacobians(network.params, trace)
    )


def test_naive_and_zoneout_jacobians_are_their_own_formulas():
    network, N = make_network(6, 2, 3, 5, 2), 5
    plain = {}
    for kind in ("naive", "zoneout"):
        masks = draw_masks(kind, 0.5, 6, 2, 3, N, generator())
        trace = unroll_dropout(network.params, network.x, masks, "tanh", network.h_0)
        DW, J = step_jacobians(network.params, trace), dropout_jacobians(network.params, trace)
        for t, b in itertools.product(range(6), range(2)):
            if kind == "naive":
                expected = DW[t, b] @ np.diag(masks.h[t, b])
            else:
                z = masks.z[t, b]
                expected = np.diag(z) + np.diag(1 - z) @ DW[t, b]
            np.testing.assert_allclose(J[t, b], expected, rtol=1e-14, atol=0)
        plain[kind] = J
    assert not np.allclose(plain["naive"], plain["zoneout"])


@given(cases())
def test_the_sweep_is_the_product_of_the_jacobians(case):
    """With one loss, at the end, ∂L/∂h_0 = J_1ᵀ ⋯ J_Tᵀ ∂L/∂h_T."""
    trace, params = case.trace(), case.network.params
    dL_dy = np.zeros_like(trace.y)
    dL_dy[-1] = case.g[-1]
    found, J = dropout_sweep(params, trace, dL_dy), dropout_jacobians(params, trace)
    for b in range(J.shape[1]):
        scaled = product(J[:, b])
        J_T0 = np.exp(scaled.log_scale) * scaled.matrix
        expected = J_T0.T @ found.dL_dh[-1, b]
        scale = 1e-12 * (1 + np.abs(found.dL_dh).max() * np.abs(J[:, b]).sum())
        np.testing.assert_allclose(found.dL_dh_0[b], expected, rtol=1e-9, atol=scale)


# --- backward ---


@pytest.mark.equation("5.34")
@pytest.mark.equation("5.35")
@pytest.mark.equation("5.36")
@pytest.mark.equation("5.37")
@given(cases())
def test_every_gradient_is_that_of_torch_autograd_with_the_same_masks(case):
    leaves = [torch.tensor(case.at(name), requires_grad=True) for name in VARIABLES]
    W_xh, W_hh, W_hy, b_h, b_y, x, h = leaves
    phi, y = TORCH_ACTIVATIONS[case.network.activation], []
    m_x, m_h, m_y, z = (m if m is None else torch.from_numpy(m.copy()) for m in case.masks)
    for t in range(len(x)):
        seen = x[t] if m_x is None else m_x[t] * x[t]
        read = h if m_h is None else m_h[t] * h
        new = phi(seen @ W_xh.T + read @ W_hh.T + b_h)
        h = new if z is None else z[t] * h + (1 - z[t]) * new
        y.append((h if m_y is None else m_y[t] * h) @ W_hy.T + b_y)
    y = torch.stack(y)
    value = (torch.from_numpy(case.g) * y + y * y / 2).sum()
    expected = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    assert case.value() == pytest.approx(value.item(), rel=1e-11, abs=1e-11)
    assert_close(case.gradients(), [g.numpy() for g in expected], 1e-12)


@given(cases(activations=SMOOTH))
def test_every_gradient_is_the_complex_step_of_the_loss(case):
    expected = [
        complex_step_gradient(lambda v, name=name: case.value(**{name: v}), case.at(name))
        for name in VARIABLES
    ]
    assert_close(case.gradients(), expected, 1e-11)


@pytest.mark.parametrize("present", [*itertools.product((False, True), repeat=4)])
def test_every_gradient_is_the_central_difference_of_the_loss(present):
    case = make_case(present)
    expected = [
        numerical_gradient(
            lambda v, name=name: case.value(**{name: v}), case.at(name), eps=1e-4, order=4
        )
        for name in VARIABLES
    ]
    assert_close(case.gradients(), expected, 1e-8)


# --- survival ---


@pytest.mark.equation("5.32")
@pytest.mark.equation("5.33")
@given(probabilities, st.integers(0, 8))
def test_survival_is_the_sum_over_all_masks(p, T):
    """Every one of the 2^T sequences of masks, with its probability."""
    alive = mean = square = 0.0
    for dropped in itertools.product((False, True), repeat=T):
        h, weight = 1.0, 1.0
        for d in dropped:
            h, weight = (0.0, weight * p) if d else (h / (1 - p), weight * (1 - p))
        alive, mean, square = alive + weight * (h != 0), mean + weight * h, square + weight * h**2
    found = survival(p, T)
    assert found.probability == pytest.approx(alive, rel=1e-12)
    assert found.second_moment == pytest.approx(square, rel=1e-12)
    assert mean == pytest.approx(1, rel=1e-12)


@pytest.mark.equation("5.32")
@pytest.mark.equation("5.33")
def test_a_carousel_with_naive_masks_survives_as_said():
    N, T, p = 200_000, 6, 0.2
    h, steps = np.ones(N), np.arange(T + 1)
    mask = draw_masks("naive", p, T, 1, 1, N, generator()).h
    expected = survival(p, steps)
    for t in steps:
        h = h * mask[t - 1, 0] if t else h
        assert (h != 0).mean() == pytest.approx(expected.probability[t], rel=0.02)
        assert (h**2).mean() == pytest.approx(expected.second_moment[t], rel=0.02)
        assert h.mean() == pytest.approx(1, rel=0.02)


@pytest.mark.equation("5.33")
@given(seeds, st.floats(0.05, 0.9))
def test_with_any_orthogonal_weights_the_mean_is_right_and_the_square_grows_as_in_the_carousel(
    seed, p
):
    """Every one of the 2^6 sequences of masks on 2 units, 3 steps: E‖h_T‖² = (1-p)^-T ‖h_0‖²."""
    T, N = 3, 2
    W, h_0 = orthogonal(N, N, generator(seed)), generator(seed + 1).standard_normal((1, N))
    params = init_params(1, N, 1, generator())._replace(W_hh=W)
    mean, square = np.zeros(N), 0.0
    for dropped in itertools.product((0, 1), repeat=T * N):
        weight = p ** sum(dropped) * (1 - p) ** (T * N - sum(dropped))
        masks = Masks(h=(1 - np.reshape(dropped, (T, 1, N))) / (1 - p))
        [h] = unroll_dropout(params, np.zeros((T, 1, 1)), masks, "identity", h_0).h[-1]
        mean, square = mean + weight * h, square + weight * h @ h
    np.testing.assert_allclose(mean, np.linalg.matrix_power(W, T) @ h_0[0], atol=1e-12)
    assert square == pytest.approx(survival(p, T).second_moment * (h_0**2).sum(), rel=1e-12)


def test_a_fresh_mask_of_one_fifth_leaves_one_value_in_70000_after_50_steps():
    found = survival(0.2, 50)
    assert found.probability == pytest.approx(1.4e-5, rel=0.02)
    assert found.second_moment == pytest.approx(7.0e4, rel=0.01)
    np.testing.assert_array_equal(survival(0.0, np.array([0, 9])), np.ones((2, 2)))


def test_a_linear_carousel_forgets_with_naive_masks_and_not_with_the_others():
    """The pass itself with W_hh = I, no input: which units still hold the state after 50 steps."""
    T, N, p = 50, 400, 0.2
    params = init_params(1, N, 1, generator())._replace(W_hh=np.eye(N))
    x, h_0 = np.zeros((T, 1, 1)), np.ones((1, N))
    end = {}
    for kind in KINDS:
        masks = draw_masks(kind, p, T, 1, 1, N, generator(1))
        end[kind] = unroll_dropout(params, x, masks, "identity", h_0).h[-1]
    assert (end["naive"] != 0).mean() < 0.01
    np.testing.assert_array_equal(end["zaremba"], h_0)
    np.testing.assert_allclose(end["zoneout"], h_0)
    assert (end["variational"] != 0).mean() == pytest.approx(1 - p, abs=0.06)  # kept for good …
    assert end["variational"].max() == pytest.approx((1 - p) ** -T, rel=1e-9)  # … and enlarged


# --- the model ---


@pytest.mark.parametrize("kind", KINDS)
def test_the_contributions_of_the_steps_sum_to_the_gradient(kind):
    params, x = init_params(3, 5, 2, generator()), generator(1).standard_normal((6, 2, 3))
    model = DropoutModel(params, kind, 0.3)
    record = model.run(x, generator(2))
    dL_dy = generator(3).standard_normal((6, 2, 2))
    C = model.contributions(record, dL_dy)
    assert C.shape == (6, 5, 5)
    np.testing.assert_allclose(C.sum(axis=0), model.gradients(record, dL_dy).W_hh, atol=1e-13)
    assert contribution_by_lag(model, x, dL_dy[-1]).shape == (6,)


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_generator_it_drops_and_in_use_it_does_not(kind):
    params, x = init_params(3, 5, 2, generator()), generator(1).standard_normal((6, 2, 3))
    model = DropoutModel(params, kind, 0.5)
    one, same, other = (model.run(x, generator(seed)).y for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(model.forward(x), model.forward(x))
    plain = np.array_equal(model.forward(x), NumpyModel(params).forward(x))
    assert plain == (kind != "zoneout")
    assert model.describe() == f"DropoutModel({kind!r}, p=0.5, activation=tanh)"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_the_dtype_is_kept(kind, dtype):
    params = init_params(3, 5, 2, generator(), dtype=dtype)
    model, x = DropoutModel(params, kind, 0.2), np.ones((4, 2, 3), dtype)
    for rng in (generator(), None):
        record = model.run(x, rng)
        dL_dy = np.ones_like(record.y)
        arrays = (
            record.a, record.states, record.y, dropout_jacobians(params, record),
            *dropout_sweep(params, record, dL_dy), *dropout_gradients(params, record, dL_dy),
            model.contributions(record, dL_dy), *(m for m in record.masks if m is not None),
        )  # fmt: skip
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss(kind):
    task = latch(6, (64, 32, 8), rng=generator())
    model = DropoutModel(init_params(1, 16, 2, generator(1), dtype=np.float32), kind, 0.2)
    result = fit(model, task, Adam(0.02), epochs=20, rng=generator(2), progress=False)
    assert result.history.validation_loss[-1] < 0.5 * task.baseline


def test_neither_the_input_nor_the_masks_are_changed():
    case = make_case()
    arrays = (*case.network.params, case.network.x, case.network.h_0, *case.masks, case.g)
    kept = [array.copy() for array in arrays]
    trace = case.trace()
    dropout_gradients(case.network.params, trace, case.g)
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- errors ---


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, np.nan])
def test_a_probability_outside_zero_to_one_is_named(p):
    params = init_params(3, 5, 2, generator())
    for call in (
        lambda: inverted_mask((2,), p, generator()),
        lambda: draw_masks("zoneout", p, 2, 2, 2, 2, None),
        lambda: survival(p, 3),
        lambda: DropoutModel(params, "naive", p),
    ):
        with pytest.raises(ValueError, match=r"p is .*; expected a probability, 0 <= p < 1"):
            call()


def test_bad_masks_are_named():
    network = make_network(4, 2, 3, 5, 2)

    def run(**masks):
        return unroll_dropout(network.params, network.x, Masks(**masks))

    with pytest.raises(ValueError, match=r"masks.x has shape \(4, 2, 5\); expected \(T, B, D\)"):
        run(x=np.ones((4, 2, 5)))
    with pytest.raises(ValueError, match=r"masks.h has shape \(2, 5\); expected \(T, B, N\)"):
        run(h=np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"masks.y has shape \(1, 2, 5\); expected \(T, B, N\)"):
        run(y=np.ones((1, 2, 5)))
    with pytest.raises(ValueError, match=r"masks.z has entries outside \[0, 1\]"):
        run(z=np.full((4, 2, 5), 1.25))
    with pytest.raises(TypeError, match=r"masks.h has dtype float32"):
        run(h=np.ones((4, 2, 5), np.float32))
    with pytest.raises(TypeError, match=r"masks is a ndarray; expected Masks\(x, h, y, z\)"):
        unroll_dropout(network.params, network.x, np.ones((4, 2, 5)))


def test_other_bad_arguments_are_named():
    network = make_network(4, 2, 3, 5, 2)
    params, trace = network.params, network.trace()
    with pytest.raises(TypeError, match="trace is a Trace; expected the DropoutTrace"):
        dropout_gradients(params, trace, np.ones_like(trace.y))
    dropped = unroll_dropout(params, network.x, Masks())
    with pytest.raises(ValueError, match=r"dL_dy has shape \(4, 2, 1\); expected \(T, B, K\)"):
        dropout_sweep(params, dropped, np.ones((4, 2, 1)))
    other = init_params(3, 6, 2, generator())
    with pytest.raises(ValueError, match=r"params have sizes .*\(3, 6, 2\), the trace \(3, 5, 2\)"):
        dropout_jacobians(other, dropped)
    with pytest.raises(ValueError, match=r"h_0 has shape \(5,\); expected \(B, N\)"):
        unroll_dropout(params, network.x, Masks(), "tanh", np.zeros(5))
    with pytest.raises(ValueError, match="kind is 'gal'; expected one of naive, zaremba"):
        DropoutModel(params, "gal", 0.1)
    with pytest.raises(ValueError, match="T is 0; expected a whole number"):
        draw_masks("naive", 0.1, 0, 1, 1, 1, generator())
    with pytest.raises(TypeError, match="rng is 3; expected a Generator"):
        draw_masks("naive", 0.1, 1, 1, 1, 1, 3)
    for steps in (-1, 2.5, np.array([1, -2])):
        with pytest.raises(ValueError, match="expected whole numbers of at least 0"):
            survival(0.1, steps)
