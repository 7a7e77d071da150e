"""Starting weights: what each start does to the step Jacobians, as theorems."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.cell import RNNParams, init_params
from rnncourse.gradcheck import numerical_jacobian
from rnncourse.initialisation import (
    chrono_bias,
    forget_gate_bias,
    identity_recurrent,
    irnn_params,
    memory_steps,
    orthogonal,
    recurrent_starts,
    scaled_normal,
    small_normal,
    sparse_normal,
)
from rnncourse.jacobians import log_singular_values_by_lag, product, step_jacobians
from rnncourse.powers import spectral_radius
from rnncourse.unroll import unroll

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
DRAWS = (small_normal, scaled_normal, orthogonal)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def network(W_hh: np.ndarray, seed: int = 0, bias: float = 0.0) -> RNNParams:
    N = len(W_hh)
    return init_params(3, N, 2, generator(seed))._replace(W_hh=W_hh, b_h=np.full(N, bias))


def jacobians(params: RNNParams, activation: str, T: int, scale: float, seed: int = 1):
    """The step Jacobians of one sequence of normal inputs, from a non-zero state."""
    rng = generator(seed)
    x, h_0 = scale * rng.standard_normal((T, 1, 3)), rng.standard_normal((1, len(params.W_hh)))
    trace = unroll(params, x, h_0, activation)
    return step_jacobians(params, trace)[:, 0], trace.a[:, 0]


# --- the scale ---


@pytest.mark.equation("5.11")
@pytest.mark.parametrize("N", [25, 100, 400, 900])
def test_a_fixed_scale_gives_a_norm_that_grows_with_the_root_of_the_size(N):
    W = small_normal(N, N, generator())
    assert np.linalg.norm(W, 2) == pytest.approx(0.02 * np.sqrt(N), rel=0.12)
    assert spectral_radius(W) == pytest.approx(0.01 * np.sqrt(N), rel=0.15)


def test_a_fixed_scale_of_one_hundredth_vanishes_at_once_at_100_units():
    J, _ = jacobians(network(small_normal(100, 100, generator())), "tanh", 10, 1.0)
    assert product(J).log_norm() < np.log(1e-8)


@pytest.mark.equation("5.11")
@pytest.mark.parametrize(("rows", "columns"), [(300, 100), (100, 300)])
def test_the_norm_of_a_normal_matrix_is_the_sum_of_the_roots_of_its_sides(rows, columns):
    W = small_normal(rows, columns, generator(), scale=0.3)
    expected = 0.3 * (np.sqrt(rows) + np.sqrt(columns))
    assert np.linalg.norm(W, 2) == pytest.approx(expected, rel=0.05)
    assert W.std() == pytest.approx(0.3, rel=0.02)


@pytest.mark.equation("5.12")
@pytest.mark.parametrize("N", [25, 100, 400, 900])
def test_a_scale_by_the_root_of_the_size_gives_the_same_norm_at_every_size(N):
    W = scaled_normal(N, N, generator(), gain=1.3)
    assert np.linalg.norm(W, 2) == pytest.approx(2 * 1.3, rel=0.12)
    assert spectral_radius(W) == pytest.approx(1.3, rel=0.15)


@given(seeds, sizes)
def test_the_scaled_start_is_that_of_init_params(seed, D):
    expected = init_params(D, 4, 2, generator(seed), gain=0.7)
    rng = generator(seed)
    for W in expected[:3]:
        np.testing.assert_array_equal(scaled_normal(*W.shape, rng, gain=0.7), W)


@pytest.mark.equation("5.13")
@given(seeds, st.integers(1, 20), st.data())
def test_the_sparse_start_has_the_radius_and_the_connections_asked_for(seed, N, data):
    connections = data.draw(st.integers(1, N))
    W = sparse_normal(N, generator(seed), connections, radius=0.8)
    # a radius comes of eigenvalues that may be ill-conditioned, if few weights are there
    assert spectral_radius(W) == pytest.approx(0.8, rel=1e-3)
    assert ((W != 0).sum(axis=1) == connections).all()


def test_the_sparse_start_draws_another_set_of_inputs_for_every_unit():
    W = sparse_normal(50, generator())
    assert W.shape == (50, 50)
    assert len({tuple(row) for row in (W != 0).tolist()}) == 50
    assert np.linalg.norm(W, 2) > 1.2  # the radius is .95, the norm is not


# --- orthogonal ---


@pytest.mark.equation("5.14")
@given(seeds, sizes, sizes, st.floats(0.1, 3))
def test_an_orthogonal_matrix_is_an_isometry_on_its_smaller_side(seed, rows, columns, gain):
    W = orthogonal(rows, columns, generator(seed), gain)
    assert W.shape == (rows, columns)
    small = W.T @ W if rows >= columns else W @ W.T
    np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-13)


class Given(np.random.Generator):
    """A generator whose normal numbers are those of a given matrix."""

    def __init__(self, A: np.ndarray):
        super().__init__(np.random.PCG64(0))
        self.A = A

    def standard_normal(self, size):
        assert self.A.shape == tuple(size)
        return self.A


@given(seeds, sizes, sizes)
def test_the_orthogonal_start_is_haar_as_a_turned_draw_gives_the_turned_matrix(seed, rows, columns):
    """Q(UA) = U Q(A), and UA is distributed like A: so UQ is distributed like Q, for every U."""
    rows, columns = max(rows, columns), min(rows, columns)
    rng = generator(seed)
    A = rng.standard_normal((rows, columns))
    U, _ = np.linalg.qr(rng.standard_normal((rows, rows)))
    U[:, 0] *= rng.choice((-1, 1))
    R = orthogonal(rows, columns, Given(A)).T @ A
    assert (np.diag(R) > 0).all()
    np.testing.assert_allclose(np.tril(R, -1), 0, atol=1e-13)
    turned = orthogonal(rows, columns, Given(U @ A))
    scale = np.linalg.cond(A)
    np.testing.assert_allclose(
        turned, U @ orthogonal(rows, columns, Given(A)), atol=1e-14 * scale * rows
    )


def test_the_factor_of_the_qr_routine_without_its_signs_is_not_haar():
    rng = generator()
    Q = [np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(1000)]
    assert abs(np.mean([q[0, 0] for q in Q])) > 0.3  # Haar: 0, with error .02
    W = [orthogonal(3, 3, rng) for _ in range(4000)]
    assert abs(np.mean([w[0, 0] for w in W])) < 0.04
    assert abs(np.mean([np.linalg.det(w) for w in W])) < 0.07  # turns and reflections alike
    assert np.mean([np.trace(w) ** 2 for w in W]) == pytest.approx(1, abs=0.1)


@pytest.mark.equation("5.14")
def test_orthogonal_and_linear_keeps_every_singular_value_for_200_steps():
    J, _ = jacobians(network(orthogonal(50, 50, generator())), "identity", 200, 1.0)
    np.testing.assert_allclose(log_singular_values_by_lag(J), 0, atol=1e-11)


@given(seeds, sizes)
def test_the_singular_values_of_an_orthogonal_tanh_step_are_its_slopes(seed, N):
    """So ‖J‖ <= 1, with equality iff some a is 0, and J is an isometry iff all are."""
    J, a = jacobians(network(orthogonal(N, N, generator(seed)), seed), "tanh", 3, 1.0, seed)
    found = np.linalg.svd(J, compute_uv=False)
    expected = np.sort(1 - np.tanh(a) ** 2, axis=1)[:, ::-1]
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert (found[:, 0] < 1).all()


def test_one_unit_at_zero_gives_norm_one_and_all_units_at_zero_an_isometry():
    W = orthogonal(4, 4, generator())
    for a, singular_values in (
        (np.zeros(4), np.ones(4)),
        (np.array([0, 1, 2, 3.0]), 1 - np.tanh([0, 1, 2, 3]) ** 2),
    ):
        params = network(W)._replace(b_h=a)
        trace = unroll(params, np.zeros((1, 1, 3)), None, "tanh")
        [J] = step_jacobians(params, trace)[:, 0]
        np.testing.assert_allclose(np.linalg.svd(J, compute_uv=False), singular_values)


def test_orthogonal_and_tanh_shrinks_the_more_the_larger_the_input():
    params, inputs = network(orthogonal(50, 50, generator())), generator(1)
    x = inputs.standard_normal((100, 1, 3))
    small, large = (step_jacobians(params, unroll(params, s * x))[:, 0] for s in (0.01, 1.0))
    logs = log_singular_values_by_lag(small)[-1]
    assert np.log(0.2) < logs.min() < logs.max() < np.log(0.9)
    assert product(large).log_norm() < np.log(1e-15)


def test_orthogonal_and_relu_does_not_preserve():
    J, a = jacobians(network(orthogonal(50, 50, generator())), "relu", 100, 1.0)
    ranks = np.linalg.matrix_rank(J)
    np.testing.assert_array_equal(ranks, (a > 0).sum(axis=1))  # each unit that is off is a lost one
    assert ranks.max() < 45
    assert product(J).log_norm() < np.log(1e-10)


# --- identity ---


@pytest.mark.equation("5.15")
@given(seeds, sizes)
def test_identity_and_relu_with_positive_drive_has_the_identity_as_jacobian(seed, N):
    params = network(identity_recurrent(N), seed, bias=0.1)._replace(W_xh=np.ones((N, 3)))
    rng = generator(seed)
    trace = unroll(params, rng.random((40, 2, 3)), rng.random((2, N)), "relu")
    np.testing.assert_array_equal(step_jacobians(params, trace), np.tile(np.eye(N), (40, 2, 1, 1)))
    J = numerical_jacobian(
        lambda h: unroll(params, trace.x[:3, :1], h[None], "relu").h[-1, 0], rng.random(N)
    )
    np.testing.assert_allclose(J, np.eye(N), atol=1e-8)


@pytest.mark.equation("5.15")
@given(seeds, sizes, st.floats(0.1, 2))
def test_with_a_scaled_identity_the_step_jacobian_is_the_scaled_slopes(seed, N, gain):
    J, a = jacobians(network(identity_recurrent(N, gain), seed), "tanh", 4, 1.0, seed)
    for J_t, a_t in zip(J, a, strict=True):
        np.testing.assert_allclose(J_t, gain * np.diag(1 - np.tanh(a_t) ** 2), atol=1e-14)


def test_a_unit_of_an_irnn_that_is_off_passes_no_gradient():
    params = network(identity_recurrent(2))._replace(W_xh=np.array([[1.0, 0, 0], [-5.0, 0, 0]]))
    trace = unroll(params, np.ones((1, 1, 3)), np.ones((1, 2)), "relu")
    np.testing.assert_array_equal(step_jacobians(params, trace)[0, 0], np.diag([1.0, 0]))


@pytest.mark.equation("5.16")
@given(seeds, sizes, sizes, sizes)
def test_an_irnn_starts_with_identity_no_bias_and_small_input_weights(seed, D, N, K):
    params = irnn_params(D, N, K, generator(seed))
    assert params.sizes == (D, N, K)
    np.testing.assert_array_equal(params.W_hh, np.eye(N))
    assert not params.b_h.any()
    assert not params.b_y.any()
    assert 0 < max(np.abs(params.W_xh).max(), np.abs(params.W_hy).max()) < 0.01
    wide = irnn_params(100, 100, 100, generator(seed), scale=0.2)
    assert wide.W_xh.std() == pytest.approx(0.2, rel=0.05)
    assert wide.W_hy.std() == pytest.approx(0.2, rel=0.05)


# --- gates ---


@pytest.mark.equation("5.17")
@pytest.mark.equation("5.18")
@given(st.floats(-10, 10), sizes)
def test_the_time_constant_is_the_sum_of_what_is_left_after_each_step(value, N):
    f = 1 / (1 + np.exp(-forget_gate_bias(N, value)))
    assert f.shape == (N,)
    tau = memory_steps(forget_gate_bias(N, value))
    np.testing.assert_allclose(tau, 1 / (1 - f), rtol=1e-10)
    T = 100 * int(tau[0] + 1)
    if T < 10_000:
        np.testing.assert_allclose((f ** np.arange(T)[:, None]).sum(axis=0), tau, rtol=1e-10)


def test_the_default_forget_bias_keeps_73_percent_and_zero_half():
    np.testing.assert_array_equal(forget_gate_bias(2), [1, 1])
    assert 1 / (1 + np.exp(-forget_gate_bias(1)[0])) == pytest.approx(0.731, abs=5e-4)
    np.testing.assert_array_equal(memory_steps(forget_gate_bias(3, 0.0)), [2, 2, 2])


@given(st.floats(-5, 12))
def test_the_time_to_one_part_in_e_is_shorter_by_a_half_to_one_step(value):
    tau = memory_steps(np.array([value]))
    f = 1 - 1 / tau
    assert 0.5 - 1e-6 < (tau + 1 / np.log(f))[0] < 1


@pytest.mark.equation("5.19")
@given(seeds, st.integers(1, 200), st.floats(2.01, 1000))
def test_chrono_time_constants_are_uniform_between_2_and_the_longest_lag(seed, N, T_max):
    b_f, b_i = chrono_bias(N, T_max, generator(seed))
    np.testing.assert_allclose(memory_steps(b_f), generator(seed).uniform(2, T_max, N), rtol=1e-12)
    np.testing.assert_array_equal(b_i, -b_f)
    f, i = (1 / (1 + np.exp(-b)) for b in (b_f, b_i))
    np.testing.assert_allclose(f + i, 1, rtol=1e-14)  # as in a leaky unit


@pytest.mark.equation("5.19")
def test_a_third_of_the_chrono_cells_remember_each_third_of_the_lags():
    tau = memory_steps(chrono_bias(30_000, 302, generator())[0])
    assert 2 <= tau.min() < 2.5 < 301 < tau.max() <= 302
    shares = np.histogram(tau, (2, 102, 202, 302))[0] / len(tau)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.01)


# --- all of them ---


def test_the_starts_differ_in_the_recurrent_weights_alone():
    starts = recurrent_starts(3, 7, 2, generator())
    first = starts["scaled normal"]
    for params in starts.values():
        for name in ("W_xh", "W_hy", "b_h", "b_y"):
            np.testing.assert_array_equal(getattr(params, name), getattr(first, name))
    assert len({params.W_hh.tobytes() for params in starts.values()}) == 5
    radii = [spectral_radius(params.W_hh) for params in starts.values()]
    assert radii[0] < 0.1
    np.testing.assert_allclose(radii[2:], [0.95, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_start_keeps_the_dtype_and_follows_its_generator(dtype):
    def draw(seed):
        rng = generator(seed)
        return [
            *(f(3, 2, rng, dtype=dtype) for f in DRAWS),
            sparse_normal(5, rng, 2, dtype=dtype),
            identity_recurrent(2, 0.5, dtype),
            *irnn_params(3, 2, 1, rng, dtype=dtype),
            forget_gate_bias(2, dtype=dtype),
            *chrono_bias(3, 9, rng, dtype),
            *(W for p in recurrent_starts(3, 4, 2, rng, dtype).values() for W in p),
        ]

    first, again, other = draw(0), draw(0), draw(1)
    assert {W.dtype for W in first} == {np.dtype(dtype)}
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(first[0], other[0])
    assert memory_steps(first[-1]).dtype == dtype


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: small_normal(0, 3, rng), ValueError, "rows is 0; expected a whole number"),
        (lambda rng: scaled_normal(3, 2.0, rng), ValueError, "columns is 2.0; expected a whole"),
        (lambda rng: orthogonal(3, 2, 5), TypeError, "rng is 5; expected a Generator"),
        (lambda rng: small_normal(3, 2, None), TypeError, "rng is None; expected a Generator"),
        (lambda rng: small_normal(3, 2, rng, 0), ValueError, "scale is 0; expected a positive"),
        (lambda rng: scaled_normal(3, 2, rng, -1), ValueError, "gain is -1; expected a positive"),
        (lambda rng: orthogonal(3, 2, rng, np.nan), ValueError, "gain is nan; expected a positive"),
        (lambda rng: sparse_normal(10, rng), ValueError, "connections is 15; .* most N = 10"),
        (lambda rng: sparse_normal(20, rng, 0), ValueError, "connections is 0; expected a whole"),
        (lambda rng: sparse_normal(20, rng, radius=0), ValueError, "radius is 0; expected a pos"),
        (lambda rng: identity_recurrent(0), ValueError, "N is 0; expected a whole number"),
        (lambda rng: identity_recurrent(2, np.inf), ValueError, "gain is inf; expected a positive"),
        (lambda rng: irnn_params(3, 2, 0, rng), ValueError, "K is 0; expected a whole number"),
        (lambda rng: irnn_params(3, 2, 1, rng, scale=0), ValueError, "scale is 0; expected"),
        (lambda rng: recurrent_starts(3, 0, 1, rng), ValueError, "N is 0; expected a whole"),
        (lambda rng: forget_gate_bias(2, np.nan), ValueError, "value is nan; expected a finite"),
        (lambda rng: chrono_bias(2, 2, rng), ValueError, "T_max is 2; .* steps above 2"),
        (lambda rng: chrono_bias(2, 9, None), TypeError, "rng is None; expected a Generator"),
        (lambda rng: memory_steps([1.0]), TypeError, "b_f is a list; expected a NumPy"),
        (lambda rng: memory_steps(np.ones((2, 1))), ValueError, r"b_f has shape \(2, 1\)"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(generator())
