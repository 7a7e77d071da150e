"""Leaky units, checked against numerical derivatives and exact cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import make_network

from rnncourse.bounds import slope_bound
from rnncourse.cell import ACTIVATIONS, get_activation
from rnncourse.gradcheck import numerical_jacobian
from rnncourse.leaky import leaky_bounds, leaky_jacobians, leaky_step, time_constant
from rnncourse.unroll import unroll

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)


def gaussian(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


FORMS = ("rate", "voltage")


def leaky_case(seed: int, N: int):
    """Weights, drive, state: nothing zero or symmetric."""
    W_hh, (u, state) = gaussian(seed, N, N), gaussian(seed + 1, 2, N)
    return W_hh, u, state


def slopes_of(form: str, W_hh, u, state, activation) -> np.ndarray:
    a = W_hh @ state + u if form == "rate" else state
    return get_activation(activation).dphi(a)[None]


@pytest.mark.equation("3.21")
@pytest.mark.equation("3.22")
@pytest.mark.parametrize("form", FORMS)
@given(seeds, sizes, st.floats(0.01, 1.0), st.sampled_from(("tanh", "logistic", "identity")))
def test_the_leaky_jacobian_is_the_numerical_jacobian_of_the_leaky_step(
    form, seed, N, alpha, activation
):
    W_hh, u, state = leaky_case(seed, N)
    expected = numerical_jacobian(
        lambda s: leaky_step(s[None], W_hh, u[None], alpha, activation, form)[0],
        state, eps=1e-3, order=4,
    )  # fmt: skip
    slopes = slopes_of(form, W_hh, u, state, activation)
    [found] = leaky_jacobians(W_hh, slopes, alpha, form)
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_the_leaky_step_is_its_equation_unit_by_unit(form, activation):
    W_hh, alpha, phi = gaussian(1, 3, 3), 0.3, get_activation(activation).phi
    state, u = gaussian(2, 2, 3), gaussian(3, 2, 3)
    found = leaky_step(state, W_hh, u, alpha, activation, form)
    for n, i in np.ndindex(2, 3):
        if form == "rate":
            target = phi(sum(W_hh[i, j] * state[n, j] for j in range(3)) + u[n, i])
        else:
            target = sum(W_hh[i, j] * phi(state[n, j]) for j in range(3)) + u[n, i]
        assert found[n, i] == pytest.approx((1 - alpha) * state[n, i] + alpha * target)


@given(seeds, sizes)
def test_without_leak_the_rate_form_is_the_basic_network(seed, N):
    params = make_network(1, 2, 3, N, 1, seed=seed).params
    x, h_0 = gaussian(seed, 1, 2, 3), gaussian(seed + 1, 2, N)
    drive = x[0] @ params.W_xh.T + params.b_h
    found = leaky_step(h_0, params.W_hh, drive, alpha=1.0)
    np.testing.assert_allclose(found, unroll(params, x, h_0).h[0], atol=1e-14)


@pytest.mark.equation("3.23")
@pytest.mark.parametrize("form", FORMS)
@given(seeds, sizes, st.floats(0.001, 1.0), st.sampled_from(tuple(ACTIVATIONS)))
def test_all_singular_values_of_a_leaky_jacobian_lie_within_the_bounds(
    form, seed, N, alpha, activation
):
    W_hh, u, state = leaky_case(seed, N)
    slopes = slopes_of(form, W_hh, u, state, activation)
    singular = np.linalg.svd(leaky_jacobians(W_hh, slopes, alpha, form)[0], compute_uv=False)
    lower, upper = leaky_bounds(W_hh, slope_bound(activation), alpha)
    assert lower - 1e-12 <= singular[-1]
    assert singular[0] <= upper + 1e-12


@pytest.mark.parametrize(("W", "which"), [(-0.8, 0), (0.8, 1)])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_one_unit_at_its_steepest_attains_a_leaky_bound(W, which, activation):
    gamma = slope_bound(activation)
    [[[J]]] = leaky_jacobians(np.array([[W]]), np.array([[gamma]]), 0.4)
    assert J == pytest.approx(leaky_bounds(np.array([[W]]), gamma, 0.4)[which])


@given(seeds, sizes, st.floats(0.01, 1.0))
def test_for_equal_slopes_both_leaky_forms_have_the_eigenvalues_one_minus_alpha_plus_alpha_lambda(
    seed, N, alpha
):
    W_hh, slopes = gaussian(seed, N, N), np.random.default_rng(seed).uniform(0.1, 1, (1, N))
    rate, voltage = (leaky_jacobians(W_hh, slopes, alpha, form)[0] for form in FORMS)
    characteristic = np.poly(rate)  # coefficients: no pairing of eigenvalues, no loss at double
    np.testing.assert_allclose(np.poly(voltage), characteristic, atol=1e-9)
    mixed = 1 - alpha + alpha * np.linalg.eigvals(slopes[0][:, None] * W_hh)
    np.testing.assert_allclose(np.poly(mixed), characteristic, atol=1e-9)
    if N > 1:
        assert np.abs(rate - voltage).max() > 0


@pytest.mark.equation("3.24")
@given(st.floats(0.001, 0.9))
def test_after_one_time_constant_a_leaky_unit_is_down_to_one_over_e(alpha):
    zero, state, T = np.zeros((1, 1)), np.ones((1, 1)), int(time_constant(alpha))
    for _ in range(T):
        state = leaky_step(state, zero, zero, alpha)
    rest = (1 - alpha) ** (time_constant(alpha) - T)  # the fraction of a step that is left
    assert state[0, 0] * rest == pytest.approx(1 / np.e)


def test_the_time_constant_of_alpha_a_tenth_is_not_ten_steps():
    assert time_constant(0.1) == pytest.approx(9.4912, abs=1e-4)
    assert time_constant(1.0) == 0


ONE = np.ones((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leaky_step(ONE, ONE, np.ones((1, 2)), 0.5), "drive has shape (1, 2)"),
        (lambda: leaky_step(ONE, ONE, ONE, 0.5, form="current"), "'rate' or 'voltage'"),
        (lambda: leaky_jacobians(ONE, ONE, 1.5), "alpha is 1.5"),
        (lambda: leaky_jacobians(ONE, ONE, 0.5, "current"), "'rate' or 'voltage'"),
        (lambda: leaky_bounds(ONE, 1.0, 0.0), "alpha is 0.0"),
        (lambda: leaky_bounds(ONE, -1.0, 0.5), "gamma is -1.0"),
        (lambda: time_constant(0.0), "alpha is 0.0"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        call()
    assert message in str(error.value)
