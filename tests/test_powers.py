"""Powers of one matrix: the norm, the spectral radius, and what lies between them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rnncourse.powers import (
    departure_from_normality,
    kreiss_lower_bound,
    power_bounds,
    spectral_radius,
)

HUMP = np.array([[0.9, 10.0], [0.0, 0.9]])
ROUNDING = 1e-9


def random_matrix(N: int, seed: int, gain: float, nonnormal: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    W = gain * rng.standard_normal((N, N)) / np.sqrt(N)
    return W + nonnormal * np.triu(rng.standard_normal((N, N)), 1)


matrices = st.builds(
    random_matrix, st.integers(1, 5), st.integers(0, 2**32 - 1),
    st.sampled_from((0.2, 0.6, 1.0, 2.0)), st.sampled_from((0.0, 1.0, 10.0)),
)  # fmt: skip


def log_norms_of_powers(W: np.ndarray, T: int) -> np.ndarray:
    """The definition: multiply and take the norm."""
    return np.log([np.linalg.norm(np.linalg.matrix_power(W, t), 2) for t in range(1, T + 1)])


@pytest.mark.equation("3.9")
@pytest.mark.equation("3.12")
@given(matrices)
def test_every_power_lies_between_the_radius_and_the_norm_and_below_henricis_bound(W):
    bounds = power_bounds(W, T=12)
    np.testing.assert_allclose(bounds.measured, log_norms_of_powers(W, 12), rtol=1e-8, atol=1e-8)
    slack = ROUNDING * (1 + np.abs(bounds.measured))
    assert (bounds.radius <= bounds.measured + slack).all()
    assert (bounds.measured <= bounds.norm + slack).all()
    assert (bounds.measured <= bounds.henrici + slack).all()


@pytest.mark.equation("3.11")
@given(matrices)
def test_a_basis_of_eigenvectors_bounds_the_hump_by_its_condition_number(W):
    bounds = power_bounds(W, T=12)
    assume(np.isfinite(bounds.eigenvectors).all())
    assert (bounds.measured <= bounds.eigenvectors + 1e-6).all()


def test_without_a_basis_of_eigenvectors_there_is_no_such_bound():
    assert np.isinf(power_bounds(HUMP, T=3).eigenvectors).all()


@pytest.mark.equation("3.8")
@given(matrices)
def test_gelfand_the_norm_of_a_power_comes_to_the_radius_per_step(W):
    """W^(2^20) by squaring, with the scale taken out; the hump's share is gone by then."""
    rho, P, log_scale, t = spectral_radius(W), W, 0.0, 1
    assume(rho > 1e-3)
    for _ in range(20):
        P, log_scale, t = P @ P, 2 * log_scale, 2 * t
        size = np.linalg.norm(P)
        P, log_scale = P / size, log_scale + np.log(size)
    assert abs(log_scale / t - np.log(rho)) <= 1e-3


@pytest.mark.equation("3.10")
@given(matrices)
def test_the_departure_is_what_the_eigenvalues_leave_of_the_frobenius_norm(W):
    squares = np.linalg.norm(W) ** 2 - (np.abs(np.linalg.eigvals(W)) ** 2).sum()
    assert abs(departure_from_normality(W) ** 2 - squares) <= 1e-7 * (1 + np.linalg.norm(W) ** 2)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_for_a_normal_matrix_norm_and_radius_are_one_number(N, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((N, N))
    for W in (A + A.T, A - A.T, np.linalg.qr(A)[0]):
        assert departure_from_normality(W) <= 1e-12 * (1 + np.linalg.norm(W))
        assert abs(spectral_radius(W) - np.linalg.norm(W, 2)) <= 1e-10 * (1 + np.linalg.norm(W))


def test_radius_and_norm_are_two_numbers_and_the_hump_lies_between_them():
    """Erratum A14: radius 0.9, norm 10.08; the powers rise to 38.7 at t = 9 before they decay."""
    bounds = power_bounds(HUMP, T=199)
    assert spectral_radius(HUMP) == 0.9
    assert round(np.linalg.norm(HUMP, 2), 2) == 10.08
    assert np.argmax(bounds.measured) + 1 == 9
    assert round(np.exp(bounds.measured.max()), 1) == 38.7
    assert round(np.exp(bounds.measured[-1]) * 1e6, 1) == 1.7


@pytest.mark.equation("3.12")
def test_henricis_bound_of_a_jordan_block_is_the_binomial_sum_and_nearly_reached():
    bounds, t = power_bounds(HUMP, T=30), np.arange(1, 31)
    np.testing.assert_allclose(np.exp(bounds.henrici), 0.9**t + t * 0.9 ** (t - 1) * 10)
    assert (bounds.henrici - bounds.measured < 0.1).all()


@given(matrices, st.integers(0, 2**32 - 1))
def test_linear_a_radius_above_one_explodes_every_gradient_with_a_share_of_its_eigenvector(W, seed):
    """As v^T (W^T)^t g = λ^t v^T g, the norm is at least |λ|^t |v^T g| / ‖v‖."""
    eigenvalues, V = np.linalg.eig(W)
    dominant = np.argmax(np.abs(eigenvalues))
    assume(np.abs(eigenvalues[dominant]) > 1.01)
    v, g = V[:, dominant], np.random.default_rng(seed).standard_normal(len(W))
    share, back = np.abs(v @ g) / np.linalg.norm(v), g
    for t in range(1, 31):
        back = W.T @ back
        least = np.abs(eigenvalues[dominant]) ** t * share
        assert np.linalg.norm(back) >= least * (1 - 1e-6) - 1e-9 * np.linalg.norm(W) ** t


def test_a_gradient_without_such_a_share_need_not_explode():
    back = np.linalg.matrix_power(np.diag([10.0, 0.5, 0.5]).T, 50) @ np.array([0.0, 1.0, 1.0])
    assert np.linalg.norm(back) < 1e-14


def test_a_norm_of_ten_can_be_a_gradient_of_zero():
    """Erratum A12: the nilpotent matrix is gone after two steps."""
    bounds = power_bounds(np.array([[0.0, 10.0], [0.0, 0.0]]), T=3)
    assert bounds.measured.tolist() == [np.log(10), -np.inf, -np.inf]
    np.testing.assert_allclose(bounds.norm, np.arange(1, 4) * np.log(10))
    np.testing.assert_allclose(np.exp(bounds.henrici), [10, 0, 0], atol=1e-12)


def test_an_orthogonal_matrix_neither_grows_nor_fades():
    """Erratum A13: the seed leaves out ‖W‖ = 1."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((7, 7)))[0]
    bounds = power_bounds(Q, T=200)
    np.testing.assert_allclose(bounds.measured, 0, atol=1e-11)
    sigma = np.linalg.svd(np.linalg.matrix_power(Q, 200), compute_uv=False)
    np.testing.assert_allclose(sigma, 1, atol=1e-11)


@pytest.mark.equation("3.13")
@given(matrices)
def test_kreiss_the_hump_is_at_least_what_any_grid_finds_and_at_most_e_n_times_the_supremum(W):
    assume(spectral_radius(W) < 0.95)
    hump = max(0.0, power_bounds(W, T=600).measured.max())  # W^0 = I counts
    found = kreiss_lower_bound(W)
    assert np.log(found) <= hump + ROUNDING
    assert hump <= 1 + np.log(len(W) * found) + 0.1  # the grid comes that near to the supremum


def test_kreiss_needs_a_radius_below_one():
    with pytest.raises(ValueError, match=r"spectral radius 1\.5; expected less than 1"):
        kreiss_lower_bound(np.array([[1.5]]))
    with pytest.raises(ValueError, match="expected positive numbers"):
        kreiss_lower_bound(np.array([[0.5]]), np.array([0.0]))


@pytest.mark.parametrize("function", [spectral_radius, departure_from_normality])
def test_a_matrix_that_is_not_square_is_named(function):
    with pytest.raises(ValueError, match=r"W has shape \(2, 3\); expected \(N, N\)"):
        function(np.ones((2, 3)))


def test_a_power_of_zero_is_refused():
    with pytest.raises(ValueError, match="T is 0; expected at least 1"):
        power_bounds(HUMP, T=0)
