"""The path through the cell: step Jacobians, their products, forget gates, time constants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lstm_networks import Network, assert_close, make_network, networks

from rnncourse.cell_path import (
    cell_jacobians,
    cell_path,
    cell_path_error,
    forget_bias_for,
    gate_time_constant,
    lstm_jacobians,
)
from rnncourse.gradcheck import numerical_jacobian
from rnncourse.initialisation import memory_steps
from rnncourse.lstm import (
    LSTMParams,
    gate_rows,
    lstm_backward,
    lstm_step,
    lstm_sweep,
    unroll_lstm,
)

# -- the path and the Jacobians ----------------------------------------------------------------


@pytest.mark.equation("6.14")
@pytest.mark.equation("6.15")
@given(networks())
def test_the_step_jacobian_is_the_numerical_one_of_h_and_c_together(network: Network):
    params, trace, N = network.params, network.trace(), network.params.sizes[1]
    J = lstm_jacobians(params, trace)
    t, b = len(network.x) - 1, len(network.h_0) - 1

    def one_step(state):
        step = lstm_step(params, network.x[t, b, None], state[None, :N], state[None, N:])
        return np.concatenate([step.h[0], step.c[0]])

    state = np.concatenate([trace.h_prev[t, b], trace.c_prev[t, b]])
    numerical = numerical_jacobian(one_step, state, eps=1e-3, order=4)
    np.testing.assert_allclose(J[t, b], numerical, atol=1e-8 * max(1, np.abs(numerical).max()))


@pytest.mark.equation("6.16")
@given(networks())
def test_the_product_of_jacobians_is_the_numerical_derivative_between_cells(network: Network):
    params, trace = network.params, network.trace()
    blocks, k, b = cell_jacobians(params, trace), len(network.x) // 2, 0
    x = network.x[k:, b, None]

    def last_cell(c_k):
        return unroll_lstm(params, x, trace.states[k, b, None].copy(), c_k[None]).c[-1, 0]

    numerical = numerical_jacobian(last_cell, trace.cells[k, b].copy(), eps=1e-3, order=4)
    np.testing.assert_allclose(blocks[k, b], numerical, atol=1e-7 * max(1, abs(numerical).max()))
    assert (blocks[-1] == np.eye(params.sizes[1])).all()
    zero = np.zeros_like(network.dL_dy)  # and the sweep gives its transpose times a vector
    dL_dc_0 = lstm_backward(params, trace, zero, None, network.dL_dc_T).dL_dc_0
    assert_close([dL_dc_0], [np.einsum("bi,bij->bj", network.dL_dc_T, blocks[0])])


@pytest.mark.equation("6.13")
@pytest.mark.equation("6.17")
@given(networks())
def test_without_recurrent_weights_the_direct_path_is_the_whole_derivative(network: Network):
    params = network.params._replace(W_hh=np.zeros_like(network.params.W_hh))
    network = network._replace(params=params)
    trace = network.trace()
    path, whole = cell_path(trace), cell_jacobians(params, trace)
    np.testing.assert_allclose(whole, path[..., None] * np.eye(params.sizes[1]), rtol=1e-12, atol=0)
    assert cell_path_error(params, trace).max() <= 1e-12
    by_hand = [trace.f[k:].prod(axis=0) for k in range(len(network.x) + 1)]
    np.testing.assert_allclose(path, by_hand, rtol=1e-13)


@pytest.mark.equation("6.17")
def test_at_torchs_initialisation_the_direct_path_is_most_of_the_time_wrong_by_more_than_half():
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        N, shapes = 30, ((120, 5), (120, 30), (2, 30), (120,), (2,))
        params = LSTMParams(*(rng.uniform(-1, 1, s) / np.sqrt(N) for s in shapes))
        trace = unroll_lstm(params, rng.standard_normal((20, 1, 5)))
        error = cell_path_error(params, trace)
        whole = cell_jacobians(params, trace)[0, 0]
        direct = np.diag(trace.f[:, 0].prod(axis=0))
        by_hand = np.linalg.norm(whole - direct) / np.linalg.norm(whole)
        assert abs(error[0, 0] - by_hand) < 1e-12
        assert error[-1, 0] == 0
        assert error[-2, 0] < 1e-12  # one step: only f, as h is held fixed
        errors.append(error[0, 0])
    assert np.median(errors) > 0.5


def test_constant_error_carousel():
    """With f = 1 and i = 0 the gradient at the cell stays exactly as it is, for ever."""
    network = make_network(1000, 2, 3, 5, 2)
    b_h, rows = network.params.b_h.copy(), gate_rows(5)
    b_h[rows["f"]], b_h[rows["i"]] = 60, -60
    network = network._replace(params=network.params._replace(b_h=b_h))
    trace = network.trace()
    assert (trace.f == 1).all()
    assert (trace.i == 0).all()
    sweep = lstm_sweep(network.params, trace, 0 * network.dL_dy, None, np.ones((2, 5)))
    assert (sweep.dL_dc == 1).all()
    assert (sweep.dL_dc_0 == 1).all()
    assert (cell_path(trace) == 1).all()


# -- time constants ----------------------------------------------------------------------------


@pytest.mark.equation("6.18")
@given(st.floats(1e-6, 1 - 1e-9))
def test_after_a_time_constant_the_cell_has_fallen_to_a_part_in_e(f):
    assert abs(f ** gate_time_constant(f) - np.exp(-1)) < 1e-6


@pytest.mark.equation("6.18")
def test_the_limits_of_the_time_constant():
    f = np.array([[0.0, 1.0, np.exp(-1 / 7)]])
    np.testing.assert_allclose(gate_time_constant(f), [[0, np.inf, 7]])
    near = 1 - 1e-4
    assert abs(gate_time_constant(near) - (1 / (1 - near) - 0.5)) < 1e-4
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"expected numbers in \[0, 1\]"):
            gate_time_constant(wrong)


@pytest.mark.equation("6.19")
@given(st.floats(0.01, 1e6))
def test_the_forget_bias_gives_the_time_constant(tau):
    f = np.exp(-np.logaddexp(0, -forget_bias_for(tau)))  # the logistic, to relative precision
    np.testing.assert_allclose(gate_time_constant(f), tau, rtol=1e-9)


def test_the_forget_bias_of_a_long_time_constant_is_its_logarithm():
    np.testing.assert_allclose(forget_bias_for([50, 1000]), np.log([49.5, 999.5]), atol=1e-4)
    for wrong in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="expected steps > 0"):
            forget_bias_for(wrong)


@given(st.floats(-10, 10))
def test_the_steps_remembered_exceed_the_time_constant_by_half_a_step_to_one(b_f):
    steps, tau = memory_steps(np.array([b_f]))[0], gate_time_constant(1 / (1 + np.exp(-b_f)))
    assert 0.5 - 1e-6 <= steps - tau <= 1


# -- what they keep and refuse -----------------------------------------------------------------


def test_float32_stays_and_no_argument_is_changed():
    network = make_network(4, 2, 3, 5, 2)
    params = LSTMParams(*(a.astype(np.float32) for a in network.params))
    trace = unroll_lstm(params, network.x.astype(np.float32))
    before = [a.copy() for a in (*params, *trace)]
    functions = lstm_jacobians, cell_jacobians, cell_path_error
    for array in (*(f(params, trace) for f in functions), cell_path(trace)):
        assert array.dtype == np.float32
    for a, b in zip((*params, *trace), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_no_trace_of_these_parameters_is_refused():
    network = make_network(4, 2, 3, 5, 2)
    trace = network.trace()
    with pytest.raises(TypeError, match="trace is a tuple; expected the LSTMTrace"):
        cell_path(tuple(trace))
    other = make_network(4, 2, 3, 6, 2).params
    for function in (lstm_jacobians, cell_jacobians, cell_path_error):
        with pytest.raises(ValueError, match=r"\(D, N, K\) = \(3, 6, 2\), the trace \(3, 5, 2\)"):
            function(other, trace)
