"""One time step."""

import numpy as np
import pytest

from rnncourse.cell import (
    ACTIVATIONS,
    TANH,
    Activation,
    RNNParams,
    check_params,
    get_activation,
    init_params,
    step,
)
from rnncourse.gradcheck import numerical_jacobian
from rnncourse.losses import softmax

A = np.concatenate([np.linspace(-4, 4, 41) + 0.01, [-40.0, 40.0]])  # no entry at ReLU's kink


@pytest.mark.equation("1.1")
@pytest.mark.equation("1.2")
@pytest.mark.equation("1.3")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_step_is_the_formula_written_with_sums(name):
    rng = np.random.default_rng(1)
    D, N, K, B = 3, 5, 2, 4
    params = RNNParams(*(rng.standard_normal(s) for s in ((N, D), (N, N), (K, N), (N,), (K,))))
    x_t, h_prev = rng.standard_normal((B, D)), rng.standard_normal((B, N))
    result = step(params, x_t, h_prev, name)
    for b in range(B):
        a = [
            sum(params.W_xh[i, d] * x_t[b, d] for d in range(D))
            + sum(params.W_hh[i, j] * h_prev[b, j] for j in range(N))
            + params.b_h[i]
            for i in range(N)
        ]
        h = [float(ACTIVATIONS[name].phi(np.array(a_i))) for a_i in a]
        y = [sum(params.W_hy[k, i] * h[i] for i in range(N)) + params.b_y[k] for k in range(K)]
        np.testing.assert_allclose(result.a[b], a, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(result.h[b], h, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(result.y[b], y, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_dphi_is_the_derivative_of_phi_at_the_pre_activation(activation):
    numerical = np.diag(numerical_jacobian(activation.phi, A, eps=1e-5))
    np.testing.assert_allclose(activation.dphi(A), numerical, atol=1e-9)


def test_the_activations_are_the_functions_of_these_names():
    exact = {
        "tanh": np.tanh(A),
        "relu": np.array([max(a, 0.0) for a in A]),
        "logistic": np.array([1 / (1 + np.exp(-a)) for a in A]),
        "identity": A,
    }
    for name, values in exact.items():
        np.testing.assert_allclose(ACTIVATIONS[name].phi(A), values, rtol=1e-13, atol=1e-15)


def test_one_minus_h_squared_is_the_slope_at_a_and_not_at_h():
    """Erratum A7: phi'(h) in place of phi'(a) is off by a factor of 6.3 at a = 2."""
    a = np.array([2.0])
    h = TANH.phi(a)
    np.testing.assert_allclose(TANH.dphi(a), 1 - h**2, rtol=1e-12)
    np.testing.assert_allclose(TANH.dphi(a), 0.0707, atol=5e-5)
    np.testing.assert_allclose(TANH.dphi(h), 0.4434, atol=5e-5)
    np.testing.assert_allclose(TANH.dphi(h) / TANH.dphi(a), 6.3, atol=0.05)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_that_goes_in_comes_out(name, dtype):
    params = init_params(3, 5, 2, np.random.default_rng(0), dtype=dtype)
    result = step(params, np.ones((1, 3), dtype), np.ones((1, 5), dtype), name)
    assert {array.dtype for array in result} == {np.dtype(dtype)}
    assert ACTIVATIONS[name].dphi(result.a).dtype == dtype


def test_huge_pre_activations_neither_overflow_nor_warn():
    for activation in ACTIVATIONS.values():
        for a in (np.array([-1e300, 1e300]), np.array([-1e38, 1e38], np.float32)):
            assert np.isfinite(activation.dphi(a)).all()
            assert np.isfinite(activation.phi(a)).all()


@pytest.mark.parametrize(("K", "best", "floor"), [(2, 0.8808, 0.1269), (10, 0.4509, 0.7966),
                                                  (50, 0.1310, 2.0323)])  # fmt: skip
def test_a_tanh_readout_bounds_the_probability_that_a_softmax_can_reach(K, best, floor):
    """Erratum A1: with logits in [-1, 1] cross-entropy cannot fall below `floor`."""
    logits = np.full(K, -1.0)
    logits[0] = 1.0  # the surest answer that tanh allows
    p = softmax(logits)[0]
    assert round(p, 4) == best
    assert round(-np.log(p), 4) == floor


def test_parameters_of_the_wrong_shape_are_named():
    params = init_params(3, 5, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"W_hh has shape \(5, 4\); expected \(N, N\) with N = 5"):
        check_params(params._replace(W_hh=params.W_hh[:, :4]))
    with pytest.raises(ValueError, match=r"W_hy has shape \(5, 2\).*transpose"):
        check_params(params._replace(W_hy=params.W_hy.T))
    with pytest.raises(ValueError, match=r"b_y has shape \(3,\); expected \(K,\) with K = 2"):
        check_params(params._replace(b_y=np.zeros(3)))
    broken = params.W_xh.copy()
    broken[0, 1] = np.nan
    with pytest.raises(ValueError, match=r"W_xh\[0, 1\] = nan"):
        check_params(params._replace(W_xh=broken))
    with pytest.raises(TypeError, match="b_h has dtype float32, the other arrays float64"):
        check_params(params._replace(b_h=np.zeros(5, np.float32)))
    with pytest.raises(TypeError, match="params is a tuple; expected RNNParams"):
        check_params(tuple(params))


def test_an_unknown_activation_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"activation is 'sigmoid'; expected one of tanh, relu"):
        get_activation("sigmoid")


def test_an_activation_of_your_own_is_used():
    softplus = Activation("softplus", lambda a: np.logaddexp(0, a), lambda a: 1 / (1 + np.exp(-a)))
    params = init_params(3, 5, 2, np.random.default_rng(0))
    result = step(params, np.ones((1, 3)), np.zeros((1, 5)), softplus)
    np.testing.assert_array_equal(result.h, np.logaddexp(0, result.a))


def test_initial_weights_have_standard_deviation_gain_over_root_of_inputs():
    params = init_params(400, 300, 200, np.random.default_rng(0), gain=0.7)
    for W, inputs in ((params.W_xh, 400), (params.W_hh, 300), (params.W_hy, 300)):
        assert abs(W.std() * np.sqrt(inputs) / 0.7 - 1) < 0.02
        assert abs(W.mean()) < 0.002
    assert not params.b_h.any()
    assert not params.b_y.any()


def test_initial_weights_depend_on_the_generator_alone():
    first, again = (init_params(3, 5, 2, np.random.default_rng(4)) for _ in range(2))
    other = init_params(3, 5, 2, np.random.default_rng(5))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first.W_hh != other.W_hh).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 5, 2), "D is 0"), ((3, 5.0, 2), "N is 5.0"), ((3, 5, -1), "K is -1")],
)
def test_impossible_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        init_params(*arguments, np.random.default_rng(0))


def test_a_seed_in_place_of_a_generator_is_refused_with_the_way_to_make_one():
    with pytest.raises(TypeError, match=r"np.random.default_rng\(0\)"):
        init_params(3, 5, 2, 42)
