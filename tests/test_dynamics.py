"""The long run, checked against exact cases, explicit products and numerical derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Network, make_network, networks

from rnncourse.bounds import slope_bound
from rnncourse.cell import RNNParams
from rnncourse.dynamics import (
    EchoState,
    echo_state,
    lyapunov_of_network,
    lyapunov_spectrum,
    mean_field_chi,
    mean_log_determinant,
    state_distance,
)
from rnncourse.jacobians import step_jacobians
from rnncourse.powers import spectral_radius
from rnncourse.unroll import unroll

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)


def gaussian(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def tanh_network(N: int, *, gain: float, noise: float = 0.0, T: int, seed: int = 0):
    """Parameters, independent Gaussian input to each unit, and an initial state."""
    rng = np.random.default_rng(seed)
    W_hh = gain / np.sqrt(N) * rng.standard_normal((N, N))
    params = RNNParams(noise * np.eye(N), W_hh, np.zeros((1, N)), np.zeros(N), np.zeros(1))
    return params, rng.standard_normal((T, 1, N)), rng.standard_normal((1, N))


# --- Lyapunov exponents ---


@pytest.mark.equation("3.19")
@given(seeds, sizes, st.integers(2, 30), st.data())
def test_the_exponents_sum_to_the_mean_log_determinant_for_every_T(seed, N, T, data):
    J = gaussian(seed, T, N, N)
    discard = data.draw(st.integers(0, T - 1))
    expected = mean_log_determinant(J[discard:])
    brute = np.mean([np.log(abs(np.linalg.det(J_t))) for J_t in J[discard:]])
    np.testing.assert_allclose(expected, brute, rtol=1e-9, atol=1e-9)
    found = lyapunov_spectrum(J, discard=discard).sum()
    # Q is orthogonal, so the identity survives the discarded steps
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * max(1, condition(J)))


def condition(J: np.ndarray) -> float:
    """A small determinant carries few digits, whichever way it is computed."""
    return float(np.linalg.cond(J).max() / 100)


@pytest.mark.equation("3.18")
def test_the_exponents_are_the_log_singular_values_of_the_product_per_step():
    J = gaussian(3, 12, 4, 4)
    product = np.linalg.multi_dot(J[::-1])  # the newest factor on the left
    singular = np.log(np.linalg.svd(product, compute_uv=False)) / len(J)
    # the two differ by O(1/T), here by what 12 steps leave; the wrong order differs at once
    np.testing.assert_allclose(lyapunov_spectrum(J), singular, atol=3 / len(J))
    long = np.tile(J, (400, 1, 1))  # a period: the exact exponents are eigenvalues of the product
    exact = np.sort(np.log(np.abs(np.linalg.eigvals(product))) / len(J))[::-1]
    np.testing.assert_allclose(lyapunov_spectrum(long, discard=1200), exact, atol=1e-3)


def test_the_order_of_time_matters():
    A, B = np.array([[0.0, 3.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 1.0]])
    J = np.array([A, B, B] * 50)
    exact = np.log(spectral_radius(B @ B @ A)) / 3
    assert abs(lyapunov_spectrum(J, discard=3)[0] - exact) < 1e-12
    assert lyapunov_spectrum(J, discard=3)[1] == -np.inf


def test_linear_network_the_exponents_are_the_log_moduli_of_the_eigenvalues():
    V = np.eye(4) + 0.3 * gaussian(1, 4, 4)
    W = V @ np.diag([1.2, -0.9, 0.5, 0.1]) @ np.linalg.inv(V)
    found = lyapunov_spectrum(np.tile(W, (400, 1, 1)), discard=200)
    np.testing.assert_allclose(found, np.log([1.2, 0.9, 0.5, 0.1]), atol=1e-12)


@pytest.mark.parametrize("N", [1, 2, 5])
def test_orthogonal_linear_network_all_exponents_are_zero(N):
    Q = np.linalg.qr(gaussian(2, N, N))[0]
    params = RNNParams(np.ones((N, 3)), Q, np.ones((2, N)), np.ones(N), np.zeros(2))
    found = lyapunov_of_network(params, gaussian(1, 50, 1, 3), activation="identity")
    np.testing.assert_allclose(found, 0, atol=1e-13)


def test_autonomous_tanh_below_gain_one_lambda_1_is_the_log_of_the_spectral_radius():
    V = np.eye(5) + 0.3 * gaussian(4, 5, 5)
    W = V @ np.diag([0.8, -0.6, 0.5, 0.3, -0.2]) @ np.linalg.inv(V)
    params = RNNParams(np.ones((5, 2)), W, np.ones((1, 5)), np.zeros(5), np.zeros(1))
    silence = np.zeros((600, 1, 2))
    at_zero = lyapunov_of_network(params, silence, discard=300)
    np.testing.assert_allclose(at_zero, np.log([0.8, 0.6, 0.5, 0.3, 0.2]), atol=1e-12)
    h_0 = gaussian(7, 1, 5)  # falls to the fixed point 0
    assert abs(lyapunov_of_network(params, silence, h_0, discard=300)[0] - np.log(0.8)) < 1e-12


@given(networks(activations=("tanh", "logistic", "identity")), st.data())
def test_running_the_network_gives_the_spectrum_of_its_stored_jacobians(network: Network, data):
    params, x, h_0 = network.params, network.x[:, :1], network.h_0[:1]
    discard = data.draw(st.integers(0, len(x) - 1))
    J = step_jacobians(params, unroll(params, x, h_0, network.activation))[:, 0]
    found = lyapunov_of_network(params, x, h_0, network.activation, discard=discard)
    expected = lyapunov_spectrum(J, discard=discard)
    np.testing.assert_allclose(found, expected, atol=1e-12 * max(1, condition(J)))


@pytest.mark.parametrize("seed", range(3))
def test_large_gain_is_chaos_and_input_ends_it(seed):
    """Measured over ten seeds: above 0.22 without input, below -0.25 with it."""
    params, x, h_0 = tanh_network(60, gain=3.0, noise=6.0, T=500, seed=seed)
    assert lyapunov_of_network(params, 0 * x, h_0, discard=100)[0] > 0.15
    assert lyapunov_of_network(params, x, h_0, discard=100)[0] < -0.15


def test_a_unit_that_is_off_makes_the_last_exponent_minus_infinity_and_no_other():
    W = np.array([[0.5, 0.2, 3.0], [0.1, 0.4, -2.0], [0.3, -0.7, 0.9]])
    off = np.diag([1.0, 1.0, 0.0])  # ReLU with unit 3 below its threshold
    found = lyapunov_spectrum(np.tile(off @ W, (300, 1, 1)), discard=100)
    np.testing.assert_allclose(found[:2], np.log([0.6, 0.3]), atol=1e-12)  # eig of W[:2, :2]
    assert found[2] == -np.inf
    singular = gaussian(8, 30, 6, 4) @ gaussian(9, 30, 4, 6)  # rank 4, and no row of zeros
    found = lyapunov_spectrum(singular)
    assert np.isfinite(found[:4]).all()
    assert (found[4:] == -np.inf).all()


# --- mean field ---


@pytest.mark.equation("3.17")
@pytest.mark.parametrize("gain", [0.7, 1.5])
def test_one_backward_step_multiplies_the_expected_squared_norm_by_chi(gain):
    """Independent W_hh and isotropic d; within 5 standard errors of the mean over the draws."""
    rng, N, draws = np.random.default_rng(5), 30, 4000
    slopes = 1 - np.tanh(rng.standard_normal(N)) ** 2
    W = gain / np.sqrt(N) * rng.standard_normal((draws, N, N))
    d = rng.standard_normal((draws, N))
    back = np.einsum("mij,mi->mj", W, slopes * d)  # W^T D d
    ratio = (back**2).sum(axis=1) / N  # E||d||² = N
    error = ratio.std() / np.sqrt(draws)
    chi = mean_field_chi(gain, slopes)
    assert error < 0.01 * chi
    assert abs(ratio.mean() - chi) < 5 * error
    # for one given d the slopes count by d²: exact, and not chi
    d_0 = np.where(slopes > np.median(slopes), 1.0, 0.0)
    back = np.einsum("mij,i->mj", W, slopes * d_0)
    ratio = (back**2).sum(axis=1) / (d_0**2).sum()
    weighted = gain**2 * (slopes**2 * d_0**2).sum() / (d_0**2).sum()
    # ratio / weighted is chi-squared with N degrees of freedom over N: variance 2/N
    assert abs(ratio.mean() / weighted - 1) < 5 * np.sqrt(2 / (N * draws))
    assert weighted > 1.2 * chi


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_in_a_large_driven_network_the_squared_norm_changes_by_chi_per_step(gain):
    """An approximation: W_hh made the states too. Measured over five seeds: within 3.2 %."""
    params, x, h_0 = tanh_network(400, gain=gain, noise=0.5, T=80)
    trace = unroll(params, x, h_0)
    slopes, d = trace.activation.dphi(trace.a[:, 0]), gaussian(99, 400)
    before = d @ d
    for slopes_t in slopes[:39:-1]:
        d = params.W_hh.T @ (slopes_t * d)
    assert (d @ d / before) ** (1 / 40) == pytest.approx(mean_field_chi(gain, slopes[40:]), rel=0.1)


# --- echo states ---


@pytest.mark.equation("3.20")
@given(networks(max_T=12), seeds)
def test_two_runs_approach_at_least_as_fast_as_the_powers_of_both_bounds(network: Network, seed):
    params, x, h_0 = network.params, network.x[:, :1], network.h_0[:1]
    other = gaussian(seed, 1, len(params.W_hh))
    gamma = slope_bound(network.activation)
    runs = [unroll(params, x, h, network.activation).states[:, 0] for h in (h_0, other)]
    rounding = 1e-12 * max(np.abs(run).max() for run in runs)

    distance = state_distance(params, x, h_0, other, network.activation)
    np.testing.assert_allclose(distance, np.linalg.norm(runs[0] - runs[1], axis=1))
    powers = echo_state(params.W_hh, gamma).norm_bound ** np.arange(len(x) + 1)
    assert (distance <= powers * distance[0] * (1 + 1e-9) + rounding).all()

    bound = np.abs(h_0 - other)[0]
    for difference in np.abs(runs[0] - runs[1]):  # entry by entry
        assert (difference <= bound * (1 + 1e-9) + rounding).all()
        bound = gamma * np.abs(params.W_hh) @ bound


@given(seeds, sizes)
def test_the_perron_scaling_brings_the_norm_down_to_the_radius_of_absolute_values(seed, N):
    """Diagonally Schur stable: ‖S W S⁻¹‖₂ ≤ ρ(|W|), with equality for W = |W|."""
    W = gaussian(seed, N, N)
    u, v = (np.abs(perron_vector(A)) for A in (np.abs(W).T, np.abs(W)))
    S = np.sqrt(u / v)
    radius = echo_state(W, 1.0).perron_bound
    assert np.linalg.norm(S[:, None] * W / S, 2) <= radius * (1 + 1e-6)
    np.testing.assert_allclose(np.linalg.norm(S[:, None] * np.abs(W) / S, 2), radius, rtol=1e-6)


def perron_vector(A: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(A)
    return np.real(vectors[:, np.argmax(np.real(values))])


def test_neither_of_the_two_sufficient_conditions_implies_the_other():
    feedforward = echo_state(np.array([[0.5, 10.0], [0.0, 0.5]]), 1.0)
    rotation = echo_state(0.9 / np.sqrt(2) * np.array([[1.0, -1.0], [1.0, 1.0]]), 1.0)
    assert feedforward.norm_bound > 10
    assert feedforward.perron_bound == 0.5
    assert rotation.norm_bound < 0.91
    assert rotation.perron_bound > 1.27
    assert feedforward.guaranteed
    assert rotation.guaranteed
    assert not EchoState(1.0, 1.0, 0.5).guaranteed


def test_the_slope_bound_counts_so_that_the_logistic_function_allows_norms_up_to_four():
    W = np.array([[3.9]])
    assert echo_state(W, slope_bound("logistic")) == pytest.approx((0.975, 0.975, 3.9))
    assert not echo_state(W, slope_bound("tanh")).guaranteed


def test_a_spectral_radius_below_one_does_not_suffice_two_attractors():
    """Erratum A14: radius 0.447, and the state never forgets where it started."""
    W = np.array([[1.5, -2.0], [1.0, -1.2]])
    params = RNNParams(np.array([[1.9], [2.972]]), W, np.ones((1, 2)), np.zeros(2), np.zeros(1))
    x = np.ones((3000, 1, 1))
    starts = np.array([[-0.68, 0.85]]), np.array([[0.82, 0.99]])
    assert echo_state(W, 1.0).spectral_radius == pytest.approx(np.sqrt(0.2))
    assert not echo_state(W, 1.0).guaranteed
    assert state_distance(params, x, *starts)[-1] > 1
    for start in starts:  # each is the end of its own run, and attracts what is near it
        end = unroll(params, x, start).states[-1]
        np.testing.assert_allclose(np.tanh(end @ W.T + [1.9, 2.972]), end, atol=1e-12)
        assert state_distance(params, x, end, end + 0.01)[-1] < 1e-12
        assert lyapunov_of_network(params, x, start, discard=500)[0] < -0.01


@pytest.mark.parametrize("seed", range(3))
def test_a_spectral_radius_below_one_is_not_necessary_when_input_drives_the_network(seed):
    params, x, h_0 = tanh_network(50, gain=1.0, noise=2.0, T=400, seed=seed)
    W_hh = 1.55 / spectral_radius(params.W_hh) * params.W_hh
    params = params._replace(W_hh=W_hh)
    assert not echo_state(W_hh, 1.0).guaranteed
    assert echo_state(W_hh, 1.0).spectral_radius == pytest.approx(1.55)
    other = -h_0[:, ::-1]
    assert state_distance(params, x, h_0, other)[-1] < 1e-13
    assert state_distance(params, 0 * x, h_0, other)[-1] > 1


# --- messages ---

J, ONE = np.ones((4, 2, 2)), np.ones((1, 1))
PARAMS = make_network(1, 1, 3, 4, 2).params


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lyapunov_spectrum(np.ones((4, 2, 3))), "(4, 2, 3); expected (T, N, N)"),
        (lambda: lyapunov_spectrum(J, discard=4), "from 0 to 3"),
        (lambda: lyapunov_spectrum(J, discard=0.5), "discard is 0.5"),
        (lambda: mean_log_determinant(np.ones((2, 2))), "expected (T, N, N)"),
        (lambda: lyapunov_of_network(PARAMS, np.ones((5, 2, 3))), "with B = 1"),
        (lambda: lyapunov_of_network(PARAMS, np.ones((5, 1, 3)), np.ones(4)), "h_0 has shape (4,)"),
        (lambda: state_distance(PARAMS, np.ones((5, 2, 3)), ONE, ONE), "with B = 1"),
        (
            lambda: state_distance(PARAMS, np.ones((5, 1, 3)), np.ones((1, 4)), ONE),
            "other_h_0 has shape (1, 1)",
        ),
        (lambda: mean_field_chi(-1.0, np.ones(3)), "gain is -1.0"),
        (lambda: mean_field_chi(1.0, np.array([np.nan])), "nan or inf"),
        (lambda: echo_state(np.ones((2, 3)), 1.0), "(2, 3); expected (N, N)"),
        (lambda: echo_state(np.ones((2, 2)), 0.0), "gamma is 0.0"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        call()
    assert message in str(error.value)
