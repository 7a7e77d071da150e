"""Step Jacobians and their products, checked against numerical derivatives and plain products."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Network, make_network, networks

from rnncourse.bptt import bptt, contributions
from rnncourse.cell import ACTIVATIONS, step
from rnncourse.gradcheck import numerical_jacobian
from rnncourse.jacobians import (
    gradient_by_lag,
    log_norms_by_lag,
    log_singular_values_by_lag,
    product,
    products_by_lag,
    random_truncation_weights,
    step_jacobians,
)


def random_jacobians(T: int, N: int, seed: int, gain: float = 1.0) -> np.ndarray:
    return gain * np.random.default_rng(seed).standard_normal((T, N, N)) / np.sqrt(N)


def chain(J: np.ndarray) -> np.ndarray:
    """The plain product, the newest on the left."""
    P = np.eye(J.shape[1])
    for J_t in J:
        P = J_t @ P
    return P


jacobians = st.builds(
    random_jacobians, st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**32 - 1),
    st.sampled_from((0.3, 1.0, 3.0)),
)  # fmt: skip


@pytest.mark.equation("3.1")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_step_jacobian_is_the_derivative_of_the_state_by_the_one_before(activation):
    network = make_network(4, 2, 3, 5, 2, activation=activation, seed=3)
    params, trace = network.params, network.trace()
    J = step_jacobians(params, trace)
    for t, b in itertools.product(range(4), range(2)):
        x_t = trace.x[t, b : b + 1]
        numerical = numerical_jacobian(
            lambda h, x_t=x_t: step(params, x_t, h[None], activation).h[0], trace.h_prev[t, b]
        )
        np.testing.assert_allclose(J[t, b], numerical, atol=1e-8)


@pytest.mark.equation("3.2")
@given(jacobians)
def test_the_scaled_product_is_the_product_with_the_newest_factor_on_the_left(J):
    found = product(J)
    np.testing.assert_allclose(
        np.exp(found.log_scale) * found.matrix, chain(J), rtol=1e-10, atol=1e-12
    )
    assert abs(np.linalg.norm(found.matrix) - 1) < 1e-12


@pytest.mark.equation("3.2")
@given(jacobians, st.sampled_from((1, 2, np.inf, "fro")))
def test_the_product_of_lag_l_holds_the_l_newest_factors(J, ord):
    expected = [np.linalg.norm(chain(J[-lag:]), ord) for lag in range(1, len(J) + 1)]
    np.testing.assert_allclose(np.exp(log_norms_by_lag(J, ord)), expected, rtol=1e-10)


def test_a_lag_of_ten_thousand_has_a_finite_log_norm():
    for gain in (0.01, 100.0):
        J = np.broadcast_to(gain * np.array([[0.0, 1.0], [-1.0, 0.0]]), (10_000, 2, 2))
        assert abs(log_norms_by_lag(J)[-1] - 10_000 * np.log(gain)) < 1e-6


def test_the_log_norm_of_a_product_that_is_exactly_zero_is_minus_infinity():
    J = np.broadcast_to(np.array([[0.0, 10.0], [0.0, 0.0]]), (3, 2, 2))
    assert log_norms_by_lag(J).tolist() == [np.log(10), -np.inf, -np.inf]
    assert not product(J).matrix.any()


@given(jacobians)
def test_the_largest_singular_value_is_the_norm_and_the_square_sum_the_frobenius_norm(J):
    fan = log_singular_values_by_lag(J)
    np.testing.assert_allclose(fan[:, 0], log_norms_by_lag(J), rtol=1e-10, atol=1e-10)
    squares = np.nansum(np.exp(2 * fan), axis=1)
    np.testing.assert_allclose(0.5 * np.log(squares), log_norms_by_lag(J, "fro"), atol=1e-9)
    assert (np.diff(np.nan_to_num(fan, nan=-np.inf), axis=1)[~np.isnan(fan[:, 1:])] <= 0).all()


def test_a_singular_value_that_rounding_has_eaten_is_not_shown():
    fan = log_singular_values_by_lag(np.array([np.diag([1.0, 1e-6])] * 4))
    np.testing.assert_allclose(fan[:2, 1], np.log([1e-6, 1e-12]))
    assert np.isnan(fan[2:, 1]).all()


@pytest.mark.equation("3.14")
@given(networks())
def test_the_gradient_is_the_sum_over_lags_and_each_lag_the_sum_of_its_pairs(network: Network):
    params, trace = network.params, network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    G, C = gradient_by_lag(params, trace, dL_dy), contributions(params, trace, dL_dy)
    scale = np.abs(C).max() + 1e-300
    for lag in range(len(G)):
        pairs = sum(C[t, t - lag] for t in range(lag, len(G)))
        np.testing.assert_allclose(G[lag], pairs, rtol=1e-11, atol=1e-12 * scale)
    total = bptt(params, trace, dL_dy).dL_dW_hh
    np.testing.assert_allclose(G.sum(axis=0), total, rtol=1e-11, atol=1e-12 * scale)


def test_what_vanishes_is_the_long_lag_and_not_the_gradient():
    """Erratum A11: with ‖W‖ = 0.5 the early steps fade, and dL/dW stays where it was."""
    norms = []
    for T in (5, 20, 100):
        network = make_network(T, 1, 3, 5, 2, loss="cross_entropy_last", seed=1)
        W = network.params.W_hh
        params = network.params._replace(W_hh=0.5 * W / np.linalg.norm(W, 2))
        network = network._replace(params=params, lengths=np.array([T]))
        trace = network.trace()
        dL_dy = network.loss(trace.y).dL_dy
        G = np.linalg.norm(gradient_by_lag(params, trace, dL_dy), axis=(1, 2))
        g_T = np.linalg.norm(params.W_hy.T @ dL_dy[-1, 0])
        largest_state = np.linalg.norm(trace.h_prev[:, 0], axis=1).max()
        assert (G <= g_T * largest_state * 0.5 ** np.arange(T) * (1 + 1e-12)).all()
        found = bptt(params, trace, dL_dy)
        norms.append([np.linalg.norm(found.dL_dW_hh), np.linalg.norm(found.dL_dh_0)])
    (at_5, start_5), _, (at_100, start_100) = norms
    assert 0.1 < at_100 / at_5 < 10
    assert start_100 < 1e-25 * start_5


@pytest.mark.equation("3.16")
@given(networks(max_T=5), st.integers(0, 2**32 - 1))
def test_cutting_at_random_with_the_right_weights_gives_the_gradient_on_average(network, seed):
    """The expectation over all 2^T patterns, each with its probability: exact, not sampled."""
    params, trace = network.params, network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    C, T = contributions(params, trace, dL_dy), len(trace.x)
    probability = np.random.default_rng(seed).uniform(0, 0.9, T)
    mean, certain = np.zeros((T, T)), 0.0
    for pattern in itertools.product((False, True), repeat=T):
        cut = np.array(pattern)
        chance = np.where(cut, probability, 1 - probability).prod()
        mean += chance * random_truncation_weights(cut, probability)
        certain += chance
    assert abs(certain - 1) < 1e-12
    np.testing.assert_allclose(mean, np.tri(T), atol=1e-12)
    total = np.einsum("tk,tkij->ij", mean, C)
    expected = bptt(params, trace, dL_dy).dL_dW_hh
    np.testing.assert_allclose(total, expected, rtol=1e-10, atol=1e-11 * np.abs(C).max() + 1e-300)


def test_a_cut_stops_every_pair_that_spans_it_and_no_other():
    w = random_truncation_weights(np.array([False, False, True, False]), np.full(4, 0.5))
    assert not w[2:, :2].any()
    assert w[3, 2] == 2
    assert w[1, 0] == 2


@pytest.mark.parametrize("c", [-0.1, 1.0])
def test_a_cut_that_is_certain_cannot_be_made_right(c):
    with pytest.raises(ValueError, match="expected values of at least 0 and below 1"):
        random_truncation_weights(np.array([True]), np.array([c]))


@pytest.mark.parametrize("function", [product, log_norms_by_lag, log_singular_values_by_lag])
def test_jacobians_that_are_not_square_or_not_finite_are_named(function):
    with pytest.raises(ValueError, match=r"J has shape \(4, 2, 3\); expected \(T, N, N\)"):
        function(np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match=r"J has shape \(\); expected"):
        function(np.array(1.0))
    with pytest.raises(ValueError, match=r"J\[0, 0, 0\] = inf"):
        function(np.full((1, 2, 2), np.inf))


def test_a_trace_of_other_parameters_is_named():
    network, other = make_network(4, 1, 3, 5, 2), make_network(4, 1, 3, 6, 2)
    with pytest.raises(ValueError, match=r"trace\.a has shape \(4, 1, 5\)"):
        step_jacobians(other.params, network.trace())
    with pytest.raises(ValueError, match=r"trace\.a has shape"):
        gradient_by_lag(other.params, network.trace(), np.ones((4, 1, 2)))


def test_products_by_lag_are_made_one_at_a_time():
    J = random_jacobians(3, 2, seed=0)
    products = products_by_lag(J)
    np.testing.assert_allclose(next(products).log_norm("fro"), np.log(np.linalg.norm(J[-1])))
    assert len(list(products)) == 2
