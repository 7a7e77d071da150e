"""Bounds of Jacobian products, as theorems with their hypotheses, and the statements that fail."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Network, make_network, networks

from rnncourse.bounds import (
    NORMS,
    growth_conditions,
    log_abs_det,
    lower_bounds,
    slope_bound,
    truncation_bias_bound,
    upper_bounds,
)
from rnncourse.bptt import bptt, truncated_bptt
from rnncourse.cell import ACTIVATIONS, LOGISTIC, TANH, Activation, RNNParams
from rnncourse.jacobians import gradient_by_lag, log_norms_by_lag, log_singular_values_by_lag
from rnncourse.unroll import Trace

ROUNDING = 1e-9


def logistic(a):
    return LOGISTIC.phi(a)


SELU = Activation(
    "selu",
    lambda a: 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * np.expm1(a)),
    lambda a: 1.0507009873554805 * np.where(a > 0, 1, 1.6732632423543772 * np.exp(a)),
)
SILU = Activation(
    "silu",
    lambda a: a * logistic(a),
    lambda a: logistic(a) * (1 + a * (1 - logistic(a))),
)
LECUN = Activation(
    "lecun",
    lambda a: 1.7159 * np.tanh(2 * a / 3),
    lambda a: 1.7159 * 2 / 3 / np.cosh(2 * a / 3) ** 2,
)


def slopes_and_weights(network: Network) -> tuple[np.ndarray, np.ndarray, float]:
    """Slopes of the first sequence of a batch, W_hh, and γ."""
    trace = network.trace()
    slopes = trace.activation.dphi(trace.a[:, 0])
    return slopes, network.params.W_hh, slope_bound(network.activation)


def jacobians(slopes: np.ndarray, W: np.ndarray) -> np.ndarray:
    return np.array([np.diag(d) @ W for d in slopes])


def plain_products(slopes: np.ndarray, W: np.ndarray) -> list[np.ndarray]:
    """J_{T:T-1}, J_{T:T-2}, … by plain multiplication."""
    P, found = np.eye(len(W)), []
    for J_t in jacobians(slopes, W)[::-1]:
        P = P @ J_t
        found.append(P)
    return found


# -- gamma -------------------------------------------------------------------------------------


@pytest.mark.equation("3.3")
@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(a=st.floats(-50, 50))
def test_no_slope_is_steeper_than_gamma(activation, a):
    gamma = slope_bound(activation)
    assert ACTIVATIONS[activation].dphi(np.array([a]))[0] <= gamma


@pytest.mark.equation("3.3")
@pytest.mark.parametrize(
    ("activation", "gamma"),
    [("tanh", 1), ("relu", 1), ("logistic", 0.25), ("identity", 1)],
)
def test_gamma_is_reached(activation, gamma):
    assert slope_bound(activation) == gamma
    assert ACTIVATIONS[activation].dphi(np.array([0.0, 1e-9])).max() == pytest.approx(gamma)


@pytest.mark.parametrize(
    ("activation", "gamma"),
    [(SELU, 1.7581), (SILU, 1.0998), (LECUN, 1.7159 * 2 / 3)],
    ids=lambda a: getattr(a, "name", ""),
)
def test_some_activations_are_steeper_than_one(activation, gamma):
    assert slope_bound(activation) == pytest.approx(gamma, abs=1e-4)


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="activation is 'sine'; expected one of tanh"):
        slope_bound("sine")


# -- from above --------------------------------------------------------------------------------


@pytest.mark.equation("3.4")
@given(networks(), st.sampled_from(NORMS))
def test_the_product_lies_below_each_bound_of_the_chain_and_each_below_the_next(network, ord):
    slopes, W, gamma = slopes_and_weights(network)
    bounds = upper_bounds(slopes, W, gamma, ord)
    with np.errstate(divide="ignore"):
        plain = np.log([np.linalg.norm(P, ord) for P in plain_products(slopes, W)])
    np.testing.assert_allclose(bounds.measured, plain, rtol=1e-9, atol=1e-9)
    for tighter, looser in itertools.pairwise(bounds):
        assert (tighter <= looser + ROUNDING).all()


@pytest.mark.equation("3.4")
@pytest.mark.parametrize("gamma", [0.25, 1.0, 1.7581])
def test_the_bounds_are_reached_by_scalar_steps_of_the_steepest_slope(gamma):
    """So none of them can be made smaller: by the radius for the norm, or by leaving out γ."""
    bounds = upper_bounds(np.full((5, 1), gamma), np.array([[1.7]]), gamma)
    for bound in bounds:
        np.testing.assert_allclose(bound, np.arange(1, 6) * np.log(1.7 * gamma))


def test_the_radius_in_place_of_the_norm_is_no_bound():
    W = np.array([[0.9, 10.0], [0.0, 0.9]])
    measured = upper_bounds(np.ones((9, 2)), W, gamma=1.0).measured
    assert (measured > np.arange(1, 10) * np.log(0.9) + 2).all()


def test_without_gamma_the_bound_fails_for_a_steep_activation():
    """Erratum A10: ‖W‖ = 0.9 < 1, and the gradient explodes all the same."""
    slopes = np.full((50, 1), SELU.dphi(np.array(-0.1)).item())
    W = np.array([[0.9]])
    assert slopes[0, 0] * 0.9 == pytest.approx(1.4317, abs=1e-4)
    bounds = upper_bounds(slopes, W, slope_bound(SELU))
    assert bounds.measured[-1] > 50 * np.log(0.9) + 20
    assert np.exp(bounds.measured[-1]) == pytest.approx(6.2e7, rel=0.01)
    with pytest.raises(ValueError, match=r"gamma is 1.*expected a gamma that no slope exceeds"):
        upper_bounds(slopes, W, gamma=1.0)


def test_the_largest_entry_is_no_norm_for_this_purpose():
    """Erratum A9: the seed names no norm; with the largest entry the inequality is false."""
    W = np.ones((2, 2))
    assert np.abs(W @ W).max() == 2 > np.abs(W).max() ** 2
    with pytest.raises(ValueError, match="ord is 'max'; expected 1, 2"):
        upper_bounds(np.ones((2, 2)), W, 1.0, ord="max")


# -- from below, and exactly ---------------------------------------------------------------------


@pytest.mark.equation("3.5")
@given(networks())
def test_the_smallest_singular_value_lies_above_each_bound_from_below(network):
    slopes, W, _ = slopes_and_weights(network)
    bounds = lower_bounds(slopes, W)
    known = ~np.isnan(bounds.measured)
    assert (bounds.factors[known] <= bounds.measured[known] + 1e-6).all()
    with np.errstate(invalid="ignore"):
        assert (bounds.slopes <= bounds.factors + 1e-6).all()


@pytest.mark.equation("3.5")
@given(networks(), st.integers(0, 2**32 - 1), st.floats(1.01, 3))
def test_if_every_step_expands_every_gradient_explodes(network, seed, mu):
    """Sufficient: the steps are rescaled so that the smallest singular value of each is mu > 1."""
    slopes, W, _ = slopes_and_weights(network)
    J = jacobians(slopes, W)
    smallest = np.linalg.svd(J, compute_uv=False)[:, -1]
    if smallest.min() < 1e-6:
        return
    J *= (mu / smallest)[:, None, None]
    g = np.random.default_rng(seed).standard_normal(len(W))
    start = np.linalg.norm(g)
    for steps, J_t in enumerate(J[::-1], 1):
        g = J_t.T @ g
        assert np.linalg.norm(g) >= mu**steps * start * (1 - 1e-9)


@pytest.mark.equation("3.6")
@given(networks(activations=("tanh", "logistic", "identity")))
def test_the_log_determinant_is_exact_and_the_sum_of_the_log_singular_values(network):
    slopes, W, _ = slopes_and_weights(network)
    found = log_abs_det(slopes, W)
    plain = np.array([np.linalg.slogdet(J)[1] for J in jacobians(slopes, W)[::-1]]).cumsum()
    np.testing.assert_allclose(found, plain, rtol=1e-8, atol=1e-8)
    fan = log_singular_values_by_lag(jacobians(slopes, W))
    well = (fan[:, 0] - fan[:, -1]) < np.log(1e6)  # false for nan as well
    np.testing.assert_allclose(found[well], fan[well].sum(axis=1), rtol=1e-6, atol=1e-6)


def test_a_relu_unit_that_is_off_flattens_the_volume():
    slopes = np.array([[1.0, 1.0], [0.0, 1.0]])
    assert log_abs_det(slopes, np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [-np.inf, -np.inf]


# -- what the norm decides ------------------------------------------------------------------------


@pytest.mark.equation("3.7")
@given(networks(max_T=8), st.floats(0.05, 0.99))
def test_gamma_times_norm_below_one_is_sufficient_for_vanishing(network, eta):
    W, gamma = network.params.W_hh, slope_bound(network.activation)
    W = eta * W / (gamma * np.linalg.norm(W, 2))
    network = network._replace(params=network.params._replace(W_hh=W))
    conditions = growth_conditions(W, gamma)
    assert conditions.vanishing_is_certain
    assert conditions.rate == pytest.approx(eta)
    slopes, _, _ = slopes_and_weights(network)
    lags = np.arange(1, len(slopes) + 1)
    assert (log_norms_by_lag(jacobians(slopes, W)) <= lags * np.log(eta) + ROUNDING).all()


@pytest.mark.equation("3.7")
@given(networks(max_T=8))
def test_gamma_times_norm_above_one_is_necessary_for_growth(network):
    """Contraposition: wherever a product has grown, γ‖W‖ was above 1."""
    slopes, W, gamma = slopes_and_weights(network)
    grown = log_norms_by_lag(jacobians(slopes, W)) > ROUNDING
    if grown.any():
        assert growth_conditions(W, gamma).explosion_is_possible


def test_large_norm_need_not_explode():
    """Erratum A12: three networks with ‖W‖ > 1 whose gradients vanish."""
    h = 1.0
    for _ in range(200):
        h = np.tanh(1.5 * h)  # to the fixed point
    factor = 1.5 * TANH.dphi(np.array([1.5 * h])).item()
    assert h == pytest.approx(0.8586, abs=1e-4)
    assert factor == pytest.approx(0.394, abs=1e-3)
    assert factor**50 == pytest.approx(6e-21, rel=0.1)
    nilpotent = np.array([[0.0, 10.0], [0.0, 0.0]])
    assert log_norms_by_lag(np.array([nilpotent, nilpotent]))[-1] == -np.inf
    logistic_unit = growth_conditions(np.array([[3.9]]), slope_bound("logistic"))
    assert logistic_unit.vanishing_is_certain
    assert not logistic_unit.explosion_is_possible
    assert 0.975**50 == pytest.approx(0.282, abs=1e-3)
    for W in (np.array([[1.5]]), nilpotent):
        assert growth_conditions(W, 1.0).explosion_is_possible  # possible, and it does not happen


def test_a_radius_below_one_does_not_keep_a_relu_network_from_exploding():
    """Erratum A14: the radius decides for linear networks only; one unit off, and it grows."""
    W = np.array([[1.5, -2.0], [1.0, -1.2]])
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.447, abs=1e-3)
    off = np.tile([1.0, 0.0], (50, 1))
    assert np.exp(upper_bounds(off, W, gamma=1.0).measured[-1]) > 1e8


def test_a_norm_of_exactly_one_decides_nothing():
    conditions = growth_conditions(np.eye(3), 1.0)
    assert not conditions.vanishing_is_certain
    assert not conditions.explosion_is_possible
    assert "does not say whether it vanishes" in str(conditions)


# -- initialisation -------------------------------------------------------------------------------


def orthogonal(N: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((N, N)))[0]


@given(networks(activations=("tanh",)), st.integers(0, 2**32 - 1))
def test_orthogonal_with_tanh_never_grows_and_keeps_length_only_where_all_slopes_are_one(
    network, seed
):
    W = orthogonal(len(network.params.W_hh), np.random.default_rng(seed))
    network = network._replace(params=network.params._replace(W_hh=W))
    slopes, _, gamma = slopes_and_weights(network)
    measured = upper_bounds(slopes, W, gamma).measured
    assert (measured <= ROUNDING).all()
    assert (lower_bounds(np.ones_like(slopes), W).factors >= -ROUNDING).all()
    np.testing.assert_allclose(log_norms_by_lag(jacobians(np.ones_like(slopes), W)), 0, atol=1e-9)


def test_orthogonal_with_relu_does_not_preserve_the_gradient():
    rng = np.random.default_rng(0)
    W, half = orthogonal(64, rng), (rng.random((100, 64)) < 0.5).astype(float)
    assert upper_bounds(half, W, gamma=1.0).measured[-1] < np.log(1e-10)


def test_identity_with_relu_and_a_positive_drive_passes_everything_on():
    network = make_network(9, 1, 3, 5, 2, activation="relu", seed=0)
    params = network.params._replace(W_hh=np.eye(5), W_xh=np.abs(network.params.W_xh))
    params = params._replace(b_h=np.abs(params.b_h))
    network = network._replace(
        params=params, x=np.abs(network.x), h_0=np.abs(network.h_0)
    )
    slopes, W, _ = slopes_and_weights(network)
    np.testing.assert_array_equal(jacobians(slopes, W), np.broadcast_to(np.eye(5), (9, 5, 5)))


def test_the_seeds_start_of_001_vanishes_at_once():
    """Erratum A15: randn * 0.01."""
    W = 0.01 * np.random.default_rng(0).standard_normal((100, 100))
    conditions = growth_conditions(W, slope_bound("tanh"))
    assert conditions.rate == pytest.approx(0.2, abs=0.01)  # 0.02 sqrt(N)
    assert conditions.vanishing_is_certain


# -- truncation -----------------------------------------------------------------------------------


@pytest.mark.equation("3.15")
@given(networks(max_T=9), st.floats(0.1, 0.95), st.integers(1, 9))
def test_what_a_window_misses_of_a_contracting_network_is_exponentially_small(network, eta, window):
    first = network._replace(
        x=network.x[:, :1], h_0=network.h_0[:1], lengths=network.lengths[:1],
        target=network.target[..., :1] if network.target.ndim < 3 else network.target[:, :1],
    )  # fmt: skip
    gamma = slope_bound(first.activation)
    W = eta * first.params.W_hh / (gamma * np.linalg.norm(first.params.W_hh, 2))
    params = first.params._replace(W_hh=W)
    first = first._replace(params=params)
    trace = first.trace()
    dL_dy = first.loss(trace.y).dL_dy
    missing = (
        bptt(params, trace, dL_dy).dL_dW_hh
        - truncated_bptt(params, trace, dL_dy, k1=1, k2=window).dL_dW_hh
    )
    bound = truncation_bias_bound(W, trace, dL_dy @ params.W_hy, window, gamma)
    assert np.linalg.norm(missing) <= bound * (1 + 1e-9) + 1e-14


@pytest.mark.equation("3.15")
@pytest.mark.parametrize("window", [1, 2, 7])
def test_the_bound_of_the_missing_part_is_reached_by_a_long_scalar_sequence(window):
    T, gamma, w = 400, 0.25, 3.0
    line = Activation("line", lambda a: gamma * a, lambda a: np.full_like(a, gamma))
    ones = np.ones((T, 1, 1))
    trace = Trace(ones, ones, np.ones((T + 1, 1, 1)), ones, line)  # all states are 1
    params = RNNParams(*np.ones((3, 1, 1)), *np.zeros((2, 1)))._replace(W_hh=np.array([[w]]))
    g = np.zeros((T, 1, 1))
    g[-1] = 2.0  # a loss at the end alone
    missing = gradient_by_lag(params, trace, g)[window:].sum()
    assert missing == pytest.approx(truncation_bias_bound(params.W_hh, trace, g, window, gamma))


def test_without_contraction_there_is_no_such_bound():
    network = make_network(4, 1, 3, 5, 2)
    trace = network.trace()
    with pytest.raises(ValueError, match=r"gamma \|\|W\|\| is 2; expected less than 1"):
        truncation_bias_bound(2 * np.eye(5), trace, trace.h, 1, 1.0)


# -- boundary -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function", [lower_bounds, log_abs_det, lambda slopes, W: upper_bounds(slopes, W, 1.0)]
)
def test_slopes_and_weights_that_do_not_fit_are_named(function):
    with pytest.raises(ValueError, match=r"slopes has shape \(4, 3\); expected .* with N = 5"):
        function(np.ones((4, 3)), np.eye(5))
    with pytest.raises(ValueError, match=r"W has shape \(5, 4\); expected \(N, N\)"):
        function(np.ones((4, 5)), np.ones((5, 4)))
