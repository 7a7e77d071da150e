"""Truncation on linear networks: exact values, torch, and all patterns of cuts."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.gradcheck import numerical_gradient
from rnncourse.jacobians import random_truncation_weights
from rnncourse.truncation import (
    artbp_variance,
    influence_balancing,
    largest_stop,
    online_descent,
    polynomial_stop,
    random_sensitivity,
    segment_influence,
    stationary_gradient,
    truncated_influence,
)

PROBLEM = influence_balancing()
SEEDS = st.integers(0, 2**32 - 1)


def linear(N: int, seed: int, gain: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """A recurrent matrix that is not symmetric, and a direction."""
    rng = np.random.default_rng(seed)
    return gain * rng.standard_normal((N, N)) / np.sqrt(N), rng.standard_normal(N)


networks = st.builds(linear, st.integers(1, 4), SEEDS, st.sampled_from((0.3, 1.5)))


def lags(A: np.ndarray, v: np.ndarray, T: int) -> np.ndarray:
    """(T, N): A^ℓ v by its definition."""
    return np.array([np.linalg.matrix_power(A, lag) @ v for lag in range(T)])


def patterns(c: np.ndarray):
    """Every pattern of cuts with its probability."""
    for pattern in itertools.product((False, True), repeat=len(c)):
        cut = np.array(pattern)
        yield cut, np.where(cut, c, 1 - c).prod()


def exact_influences(windows: int, units: int = 23, plus: int = 10) -> list[Fraction]:
    """r_K in whole fractions: the row e_1ᵀ A^ℓ is half itself plus half itself shifted."""
    row, total, r = [Fraction(1)] + [Fraction(0)] * (units - 1), Fraction(0), []
    for _ in range(windows):
        total += sum(row[:plus]) - sum(row[plus:])
        r.append(total)
        row = [(row[i] + (row[i - 1] if i else 0)) / 2 for i in range(units)]
    return r


# --- the example ---


@pytest.mark.equation("5.2")
@pytest.mark.parametrize(("units", "plus"), [(23, 10), (1, 1), (1, 0), (4, 3)])
def test_at_the_optimum_the_network_at_rest_has_no_loss(units, plus):
    A, v, s, theta = influence_balancing(units, plus)
    assert (np.diag(A) == 0.5).all()
    assert (np.diag(A, 1) == 0.5).all()
    assert A.sum() == units - 0.5
    assert list(v) == [1] * plus + [-1] * (units - plus)
    for _ in range(400):
        s = A @ s + theta * v
    assert s[0] == pytest.approx(1, abs=1e-12)
    assert influence_balancing(units, plus, np.float32).A.dtype == np.float32


@pytest.mark.equation("5.3")
@given(st.floats(-2, 2))
def test_the_stationary_gradient_is_the_derivative_of_the_loss_after_many_steps(theta):
    A, v, s_0 = (torch.tensor(part) for part in PROBLEM[:3])
    parameter = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    s = s_0
    for _ in range(200):
        s = A @ s + parameter * v
    loss = (s[0] - 1) ** 2 / 2
    loss.backward()
    expected = (loss.item(), parameter.grad.item())
    assert stationary_gradient(PROBLEM, theta) == pytest.approx(expected, abs=1e-9)


@pytest.mark.equation("5.4")
def test_the_sign_is_wrong_for_windows_of_up_to_40_steps_and_right_from_41_on():
    exact = exact_influences(300)
    assert all(r > 0 for r in exact[:40])
    assert all(r < 0 for r in exact[40:])
    found = truncated_influence(PROBLEM.A, PROBLEM.v, 300)
    np.testing.assert_allclose(found, np.array(exact, float), rtol=0, atol=1e-12)
    assert found[-1] == pytest.approx(-6)
    assert int(np.argmax(exact)) + 1 in (19, 20)  # lag 19 adds exactly nothing
    assert exact[18] == exact[19]


@pytest.mark.equation("5.4")
@given(networks, st.integers(1, 7))
def test_a_window_keeps_the_lags_from_0_to_below_its_length(network, K):
    expected = lags(*network, K)[:, 0].cumsum()
    np.testing.assert_allclose(truncated_influence(*network, K), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.equation("5.4")
def test_the_windows_gradient_is_that_of_torch_with_the_older_state_detached():
    A, v, s_0 = (torch.tensor(part) for part in PROBLEM[:3])
    r = truncated_influence(PROBLEM.A, PROBLEM.v, 30)
    for K in (1, 2, 20, 30):
        theta = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        s = s_0
        for t in range(60):
            s = A @ (s.detach() if t == 60 - K else s) + theta * v
        loss = (s[0] - 1) ** 2 / 2
        loss.backward()
        assert theta.grad.item() == pytest.approx((s[0].item() - 1) * r[K - 1], rel=1e-12)


@pytest.mark.equation("5.5")
def test_segments_need_110_steps_for_the_right_sign_where_a_window_needs_41():
    exact = list(itertools.accumulate(exact_influences(300)))
    assert all(r > 0 for r in exact[:109])
    assert all(r < 0 for r in exact[109:])
    found = segment_influence(PROBLEM.A, PROBLEM.v, 300)
    np.testing.assert_allclose(found * np.arange(1, 301), np.array(exact, float), atol=1e-9)


# --- the random cut ---


@pytest.mark.equation("5.6")
@given(networks, st.integers(1, 6), SEEDS)
def test_the_random_sensitivity_is_the_sum_over_lags_with_the_weights_of_artbp(network, T, seed):
    rng = np.random.default_rng(seed)
    c, powers = rng.uniform(0, 0.8, T), lags(*network, T)
    cut = rng.random(T) < 0.4
    w = random_truncation_weights(cut, c)
    expected = [sum(w[t, k] * powers[t - k] for k in range(t + 1)) for t in range(T)]
    found = random_sensitivity(*network, cut, c)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.equation("5.6")
@given(networks, st.integers(1, 6), SEEDS)
def test_over_all_patterns_of_cuts_the_random_sensitivity_is_right_on_average(network, T, seed):
    c = np.random.default_rng(seed).uniform(0, 0.8, T)
    mean = sum(chance * random_sensitivity(*network, cut, c) for cut, chance in patterns(c))
    np.testing.assert_allclose(mean, lags(*network, T).cumsum(axis=0), rtol=1e-9, atol=1e-9)


@given(st.floats(-1.5, 1.5), SEEDS)
def test_weights_make_a_network_that_is_not_linear_right_on_average_too(w, seed):
    """h_t = tanh(w h_{t-1} + θ): the mean over all 2^T patterns is the derivative by θ."""
    T, theta, h_0 = 6, 0.4, 0.7
    c = np.random.default_rng(seed).uniform(0, 0.8, T)

    def states(theta: float) -> list[float]:
        h = [h_0]
        for _ in range(T):
            h.append(np.tanh(w * h[-1] + theta))
        return h[1:]

    slope = 1 - np.square(states(theta))
    C = np.zeros((T, T))  # share of step k in dh_t/dθ
    for t, k in itertools.product(range(T), range(T)):
        C[t, k] = slope[k] * np.prod(w * slope[k + 1 : t + 1]) if k <= t else 0
    mean = sum(p * (random_truncation_weights(cut, c) * C).sum() for cut, p in patterns(c))
    expected = numerical_gradient(lambda theta: sum(states(theta[0])), np.array([theta]))
    assert mean == pytest.approx(expected[0], rel=1e-6, abs=1e-8)


@pytest.mark.equation("5.9")
@given(networks, st.integers(1, 6), st.floats(0, 0.8))
def test_the_covariance_is_that_over_all_patterns(network, T, c):
    c_t = np.full(T, c)
    S = np.array([random_sensitivity(*network, cut, c_t) for cut, _ in patterns(c_t)])
    p = np.array([chance for _, chance in patterns(c_t)])
    off = S - lags(*network, T).cumsum(axis=0)
    expected = np.einsum("p,pti,ptj->tij", p, off, off)
    scale = max(1, np.abs(S).max()) ** 2
    np.testing.assert_allclose(artbp_variance(*network, c, T), expected, atol=1e-12 * scale)


@pytest.mark.equation("5.10")
@given(st.floats(0.2, 0.95), st.floats(0.3, 0.9))
def test_the_variance_settles_below_the_largest_stop_and_has_no_bound_above(w, share):
    A, v = np.array([[w]]), np.array([2.0])
    limit = largest_stop(A)
    assert limit == pytest.approx(1 - w**2)
    settled = artbp_variance(A, v, share * limit, 3000)[:, 0, 0]
    assert settled[-1] == pytest.approx(settled[-500], rel=1e-6)
    c = limit + (1 - limit) * (1 - share) * 0.9
    q = w**2 / (1 - c)
    growth = artbp_variance(A, v, c, 200)[:, 0, 0]
    assert (growth[100:] >= q * growth[99:-1] * (1 - 1e-12)).all()
    assert q > 1


@pytest.mark.equation("5.10")
def test_at_the_largest_stop_itself_the_variance_grows_like_the_number_of_steps():
    A = np.array([[0.6]])
    variance = artbp_variance(A, np.array([1.0]), largest_stop(A), 2001)[:, 0, 0]
    assert variance[2000] / variance[1000] == pytest.approx(2, rel=0.01)


def test_the_variance_of_a_closed_form_for_one_unit():
    w, c = 0.5, 0.3
    limit = c * w**2 / (1 - c) / (1 - w**2 / (1 - c)) / (1 - w) ** 2
    found = artbp_variance(np.array([[w]]), np.array([1.0]), c, 200)[-1, 0, 0]
    assert found == pytest.approx(limit)


def test_without_cuts_there_is_no_variance_and_nothing_to_correct():
    A, v = linear(3, 1)
    assert not artbp_variance(A, v, 0.0, 5).any()
    found = random_sensitivity(A, v, np.zeros(5, bool), np.zeros(5))
    np.testing.assert_allclose(found, lags(A, v, 5).cumsum(axis=0))


@pytest.mark.equation("5.8")
@pytest.mark.parametrize(("mean_length", "alpha"), [(16.0, 6.0), (3.0, 5.0), (1.5, 7.0)])
def test_the_mean_length_between_cuts_is_the_one_asked_for(mean_length, alpha):
    c = polynomial_stop(mean_length, alpha)
    survival = np.cumprod([1 - c(since) for since in range(1, 20_000)])
    assert 1 + survival.sum() == pytest.approx(mean_length, rel=1e-6)
    assert (survival > 0).all()
    slope = np.log(survival[-1] / survival[9998]) / np.log(19_999 / 9_999)
    assert slope == pytest.approx(1 - alpha, rel=0.01)


# --- online training ---


def test_the_full_gradient_and_long_windows_arrive_where_short_windows_go_away():
    full = online_descent(PROBLEM, "full")
    assert full.theta[0] == 0.5
    assert full.theta[-1] == pytest.approx(PROBLEM.optimum, abs=1e-3)
    assert full.loss[-1] < 1e-5
    for length in (10, 40):
        assert online_descent(PROBLEM, "window", length=length).theta[-1] > 1
    assert online_descent(PROBLEM, "window", length=60).theta[-1] == pytest.approx(-1 / 6, abs=1e-3)
    assert online_descent(PROBLEM, "segments", length=60).theta[-1] > 0.6
    for wait in (False, True):
        path = online_descent(PROBLEM, "segments", length=100, wait_for_cut=wait, steps=30_000)
        assert path.theta[-1] > 1  # above 41, and yet the wrong sign


@pytest.mark.equation("5.7")
@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("full", {}),
        ("window", {"length": 3}),
        ("segments", {"length": 3}),
        ("segments", {"length": 3, "wait_for_cut": True}),
        ("segments", {"length": 1, "wait_for_cut": True}),
    ],
)
def test_a_descent_is_the_one_done_by_hand(method, more):
    """Every influence as a sum over lags, every state as a sum over the θ of the past."""
    problem = influence_balancing(4, 3)
    A, v, s_0, _ = problem
    T, rate, length, wait = 11, 0.02, more.get("length"), more.get("wait_for_cut", False)
    powers = lags(A, v, T + 1)[:, 0]
    theta, gradients = [0.5], []
    for t in range(1, T + 1):
        count = {"full": t, "window": min(t, length or t), "segments": (t - 1) % (length or 1) + 1}
        current = theta[-1]
        if wait and (t - 1) % length == 0:
            current = current - rate * sum(gradients[-length:])
        past = [*theta[1:t], current] if wait else theta[:t]
        s = (np.linalg.matrix_power(A, t) @ s_0)[0]
        s += sum(past[t - 1 - lag] * powers[lag] for lag in range(t))
        gradients.append((s - 1) * powers[: count[method]].sum())
        theta.append(current if wait else current - rate * gradients[-1])
    found = online_descent(problem, method, steps=T, rate=rate, theta=0.5, **more)
    np.testing.assert_allclose(found.gradient, gradients, rtol=1e-12)
    np.testing.assert_allclose(found.theta, theta, rtol=1e-12)
    np.testing.assert_allclose(found.loss[0], ((A @ s_0 + 0.5 * v)[0] - 1) ** 2 / 2)


@pytest.mark.equation("5.7")
def test_with_theta_held_the_random_gradient_is_that_of_the_random_sensitivity():
    c = polynomial_stop(5.0)
    found = online_descent(PROBLEM, "artbp", np.random.default_rng(3), stop=c, steps=60, rate=0.0)
    draws, since, cut, probability = np.random.default_rng(3).random(60), 1, [], []
    for draw in draws:
        probability.append(c(since))
        cut.append(bool(draw < probability[-1]))
        since = 1 if cut[-1] else since + 1
    assert 3 < sum(cut) < 30
    S = random_sensitivity(PROBLEM.A, PROBLEM.v, np.array(cut), np.array(probability))
    full = online_descent(PROBLEM, "full", steps=60, rate=0.0)
    error = full.gradient / truncated_influence(PROBLEM.A, PROBLEM.v, 60)
    np.testing.assert_allclose(found.gradient, error * S[:, 0], rtol=1e-9)


def test_a_random_cut_without_noise_control_arrives_at_a_small_rate_and_not_at_a_large_one():
    def final(rate: float, steps: int) -> np.ndarray:
        ends = [
            online_descent(
                PROBLEM, "artbp", np.random.default_rng(seed), stop=1 / 16, rate=rate, steps=steps
            ).theta[-1]
            for seed in range(3)
        ]
        return np.abs(np.array(ends) - PROBLEM.optimum)

    assert final(1e-5, 20_000).max() < 0.02
    assert np.median(final(1e-4, 3000)) > 1
    short = online_descent(PROBLEM, "window", length=16, rate=1e-5, steps=20_000)
    assert short.theta[-1] > 100  # no rate makes the wrong sign right


def test_a_cut_that_never_comes_is_the_full_gradient_and_a_seed_repeats_a_path():
    full = online_descent(PROBLEM, "full", steps=50)
    never = online_descent(PROBLEM, "artbp", np.random.default_rng(0), stop=0.0, steps=50)
    np.testing.assert_array_equal(full.theta, never.theta)
    paths = [
        online_descent(PROBLEM, "artbp", np.random.default_rng(7), stop=0.2, steps=50).theta
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*paths)


def test_float32_stays_float32():
    problem = influence_balancing(5, 4, np.float32)
    cut, c = np.array([False, True]), np.array([0.2, 0.3])
    for result in (
        truncated_influence(problem.A, problem.v, 3),
        segment_influence(problem.A, problem.v, 3),
        random_sensitivity(problem.A, problem.v, cut, c),
        artbp_variance(problem.A, problem.v, 0.3, 4),
        *online_descent(problem, "segments", length=2, steps=3),
    ):
        assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: influence_balancing(4, 2), ValueError, "not as many plus as minus"),
        (lambda: influence_balancing(4, 5), ValueError, "plus is 5 and units is 4"),
        (lambda: truncated_influence(np.eye(2), np.ones(3), 2), ValueError, r"v has shape \(3,\)"),
        (lambda: truncated_influence(np.ones((2, 3)), np.ones(3), 2), ValueError, "A has shape"),
        (lambda: truncated_influence(np.eye(2), np.ones(2), 0), ValueError, "longest is 0"),
        (lambda: artbp_variance(np.eye(2), np.ones(2), 1.0, 3), ValueError, "below 1"),
        (lambda: artbp_variance(np.eye(2), np.ones(2), -0.1, 3), ValueError, "at least 0"),
        (
            lambda: random_sensitivity(np.eye(1), np.ones(1), np.array([True]), np.array([1.0])),
            ValueError,
            "below 1",
        ),
        (lambda: polynomial_stop(16.0, 2.0), ValueError, "alpha > 2"),
        (lambda: polynomial_stop(1.0), ValueError, "mean_length > 1"),
        (lambda: online_descent(PROBLEM, "tbptt"), ValueError, "expected one of full, window"),
        (lambda: online_descent(PROBLEM, "window"), ValueError, "length is None"),
        (lambda: online_descent(PROBLEM, "full", steps=0), ValueError, "steps is 0"),
        (lambda: online_descent(PROBLEM, "artbp", stop=0.5), TypeError, "needs stop and rng"),
        (
            lambda: online_descent(PROBLEM, "artbp", np.random.default_rng(0)),
            TypeError,
            "needs stop and rng",
        ),
        (lambda: online_descent(PROBLEM, "full", wait_for_cut=True), ValueError, "has no cuts"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
