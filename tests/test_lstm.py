"""The LSTM by hand: against its equations, torch, the ONNX definition and numerical derivatives."""

import numpy as np
import pytest
import torch
from hypothesis import given
from lstm_networks import VARIABLES, Network, assert_close, make_network, networks

from rnncourse.cell import LOGISTIC
from rnncourse.gradcheck import complex_step_gradient
from rnncourse.lstm import (
    LSTMModel,
    LSTMParams,
    check_lstm_params,
    gate_rows,
    init_lstm_params,
    local_derivatives,
    lstm_backward,
    lstm_parameter_gradients,
    lstm_step,
    lstm_sweep,
    unroll_lstm,
)
from rnncourse.models import contribution_by_lag
from rnncourse.optim import Adam
from rnncourse.tasks import SequenceTask, Split
from rnncourse.training import fit

EDGES = [(1, 1, 1, 1, 1), (1, 4, 3, 5, 2), (7, 1, 3, 5, 2), (7, 4, 3, 1, 2), (7, 4, 1, 5, 2)]


def value_of(network: Network, name: str) -> np.ndarray:
    return getattr(network if name in ("x", "h_0", "c_0") else network.params, name)


def torch_lstm(network: Network) -> tuple[list, list]:
    """y, h and c of torch.nn.LSTM with a Linear readout, and the gradients, of both its biases."""
    params = network.params
    D, N, K = params.sizes
    lstm, readout = torch.nn.LSTM(D, N).double(), torch.nn.Linear(N, K).double()
    part = 0.3 * params.b_h  # the two biases differ
    arrays = (params.W_xh, params.W_hh, part, params.b_h - part, params.W_hy, params.b_y)
    leaves = [*lstm.parameters(), *readout.parameters()]
    with torch.no_grad():
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.copy_(torch.from_numpy(array))
    x, h_0, c_0 = (torch.tensor(a, requires_grad=True) for a in network[1:4])
    h, (h_T, c_T) = lstm(x, (h_0[None], c_0[None]))
    y = readout(h)
    upstream = [torch.from_numpy(a) for a in network[4:]]
    dL = torch.autograd.grad([y, h_T[0], c_T[0]], [*leaves, x, h_0, c_0], upstream)
    W_xh, W_hh, b_ih, b_hh, W_hy, b_y, *rest = (d.numpy() for d in dL)
    np.testing.assert_allclose(b_ih, b_hh, rtol=1e-12, atol=1e-12)
    values = [v.detach().numpy() for v in (y, h, c_T[0])]
    return values, [W_xh, W_hh, W_hy, b_hh, b_y, *rest]


# -- values ------------------------------------------------------------------------------------


def onnx_lstm(X, W, R, B, initial_h, initial_c):
    """The ONNX operator LSTM, from its specification: gates i, o, f, c, two biases, no peephole."""
    W_i, W_o, W_f, W_c = np.split(W, 4)
    R_i, R_o, R_f, R_c = np.split(R, 4)
    Wb_i, Wb_o, Wb_f, Wb_c, Rb_i, Rb_o, Rb_f, Rb_c = np.split(B, 8)

    def f(a):
        return 1 / (1 + np.exp(-a))

    H_t, C_t, Y = initial_h, initial_c, []
    for X_t in X:
        i_t = f(X_t @ W_i.T + H_t @ R_i.T + Wb_i + Rb_i)
        f_t = f(X_t @ W_f.T + H_t @ R_f.T + Wb_f + Rb_f)
        c_t = np.tanh(X_t @ W_c.T + H_t @ R_c.T + Wb_c + Rb_c)
        C_t = f_t * C_t + i_t * c_t
        o_t = f(X_t @ W_o.T + H_t @ R_o.T + Wb_o + Rb_o)
        H_t = o_t * np.tanh(C_t)
        Y.append(H_t)
    return np.array(Y), H_t, C_t


@pytest.mark.equation("6.2")
@pytest.mark.equation("6.3")
@pytest.mark.equation("6.4")
@given(networks())
def test_the_lstm_is_the_onnx_operator_with_the_gates_in_another_order(network: Network):
    params, trace, rows = network.params, network.trace(), gate_rows(network.params.sizes[1])

    def permuted(array):
        return np.concatenate([array[rows[gate]] for gate in "iofg"])

    biases = np.concatenate([permuted(params.b_h) - 0.25, np.full(len(params.b_h), 0.25)])
    weights = permuted(params.W_xh), permuted(params.W_hh), biases
    Y, Y_h, Y_c = onnx_lstm(network.x, *weights, network.h_0, network.c_0)
    assert_close((trace.h, trace.states[-1], trace.cells[-1]), (Y, Y_h, Y_c))


@pytest.mark.equation("6.1")
@pytest.mark.equation("6.5")
@pytest.mark.equation("6.6")
@given(networks())
def test_the_fast_pass_is_the_loop_over_single_steps(network: Network):
    trace, h, c = network.trace(), network.h_0, network.c_0
    np.testing.assert_array_equal(trace.h_prev[0], h)
    np.testing.assert_array_equal(trace.c_prev[0], c)
    for t, x_t in enumerate(network.x):
        step = lstm_step(network.params, x_t, h, c)
        rows = (trace.i, trace.f, trace.g, trace.o, trace.c, trace.h, trace.y)
        assert_close([row[t] for row in rows], step, bound=1e-14)
        h, c = step.h, step.c
    np.testing.assert_array_equal(trace.tanh_c, np.tanh(trace.c))


@pytest.mark.equation("6.6")
def test_the_logistic_is_a_tanh_of_half_the_size_in_both_directions():
    a = np.linspace(-30, 30, 1001)
    np.testing.assert_allclose(0.5 * np.tanh(0.5 * a) + 0.5, 1 / (1 + np.exp(-a)), atol=2e-16)
    np.testing.assert_allclose(LOGISTIC.phi(a), 1 / (1 + np.exp(-a)), atol=2e-16)


def test_without_initial_states_they_are_zero_and_float32_stays():
    network = make_network(4, 2, 3, 5, 2)
    params = LSTMParams(*(a.astype(np.float32) for a in network.params))
    x, dL_dy = network.x.astype(np.float32), network.dL_dy.astype(np.float32)
    trace = unroll_lstm(params, x)
    assert not trace.states[0].any()
    assert not trace.cells[0].any()
    gradients = lstm_backward(params, trace, dL_dy)
    for array in (*trace, *gradients, *lstm_sweep(params, trace, dL_dy)):
        assert array.dtype == np.float32
    exact = lstm_backward(network.params, unroll_lstm(network.params, network.x), network.dL_dy)
    assert_close(gradients, exact, bound=1e-6)


def test_no_argument_is_changed():
    network = make_network(4, 2, 3, 5, 2)
    arrays = [*network.params, *network[1:]]
    before = [a.copy() for a in arrays]
    trace = network.trace()
    recorded = [a.copy() for a in trace]
    lstm_backward(network.params, trace, *network[4:])
    for a, b in zip([*arrays, *trace], [*before, *recorded], strict=True):
        np.testing.assert_array_equal(a, b)


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.equation("6.7")
@pytest.mark.equation("6.8")
@pytest.mark.equation("6.9")
@pytest.mark.equation("6.10")
@pytest.mark.equation("6.11")
@pytest.mark.equation("6.12")
@given(networks())
def test_values_and_every_gradient_are_those_of_torch(network: Network):
    values, expected = torch_lstm(network)
    trace = network.trace()
    assert_close((trace.y, trace.h, trace.c[-1]), values)
    assert_close(network.backward(), expected)


@pytest.mark.parametrize("sizes", EDGES)
def test_torch_agrees_at_the_edges_T1_B1_D1_N1(sizes):
    network = make_network(*sizes, seed=3)
    assert_close(network.backward(), torch_lstm(network)[1])


@given(networks())
def test_every_gradient_is_the_complex_step_of_the_loss(network: Network):
    expected = [
        complex_step_gradient(
            lambda v, name=name: network.value(**{name: v}), value_of(network, name)
        )
        for name in VARIABLES
    ]
    assert_close(network.backward(), expected)


@pytest.mark.equation("6.7")
@pytest.mark.equation("6.8")
@given(networks())
def test_dL_dh_and_dL_dc_are_the_derivatives_by_a_disturbed_state(network: Network):
    """Add a small vector to h_t, or to c_t before h_t is read from it, and let the rest run on."""
    params, trace, t = network.params, network.trace(), len(network.x) // 2
    sweep = lstm_sweep(params, trace, *network[4:])
    later = network._replace(x=network.x[t + 1 :], dL_dy=network.dL_dy[t + 1 :])

    def loss_from(h_t, c_t):
        now = ((h_t @ params.W_hy.T + params.b_y) * network.dL_dy[t]).sum()
        if len(later.x):
            return now + later.value(h_0=h_t, c_0=c_t)
        return now + (h_t * network.dL_dh_T).sum() + (c_t * network.dL_dc_T).sum()

    h, c, o = trace.h[t], trace.c[t], trace.o[t]
    by_h = complex_step_gradient(lambda h_t: loss_from(h_t, c + 0j), h)
    by_c = complex_step_gradient(lambda c_t: loss_from(o * np.tanh(c_t), c_t), c)
    assert_close((sweep.dL_dh[t], sweep.dL_dc[t]), (by_h, by_c))


@given(networks())
def test_the_local_derivatives_are_those_of_one_step_alone(network: Network):
    trace, params = network.trace(), network.params
    a = network.x @ params.W_xh.T + trace.h_prev @ params.W_hh.T + params.b_h

    def sums(a, c):
        """Of the entries of c_t as the gates make it, and of h_t, made from a given c_t."""
        a_i, a_f, a_g, a_o = np.split(a, 4, axis=2)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (a_i, a_f, a_o))
        return (f * trace.c_prev + i * np.tanh(a_g)).sum(), (o * np.tanh(c)).sum()

    N, (by_a, dh_dc) = params.sizes[1], local_derivatives(trace)
    dc_da = complex_step_gradient(lambda v: sums(v, trace.c)[0], a)[:, :, : 3 * N]
    dh_da = complex_step_gradient(lambda v: sums(v, trace.c)[1], a)[:, :, 3 * N :]
    of_c = complex_step_gradient(lambda c: sums(a, c)[1], trace.c)
    assert_close((by_a[:, :, : 3 * N], by_a[:, :, 3 * N :], dh_dc), (dc_da, dh_da, of_c))


@given(networks())
def test_two_halves_linked_by_their_states_give_the_gradient_of_the_whole(network: Network):
    cut = len(network.x) // 2
    if cut:
        trace = network.trace()
        first = network._replace(x=network.x[:cut], dL_dy=network.dL_dy[:cut])
        second = network._replace(
            x=network.x[cut:], dL_dy=network.dL_dy[cut:], h_0=trace.h[cut - 1],
            c_0=trace.c[cut - 1],
        )  # fmt: skip
        late = second.backward()
        early = first._replace(dL_dh_T=late.dL_dh_0, dL_dc_T=late.dL_dc_0).backward()
        linked = [a + b for a, b in zip(early.of_params(), late.of_params(), strict=True)]
        linked += [np.concatenate([early.dL_dx, late.dL_dx]), early.dL_dh_0, early.dL_dc_0]
        assert_close(network.backward(), linked)


@given(networks())
def test_the_training_form_gives_the_gradients_of_the_parameters_alone(network: Network):
    trace = network.trace()
    alone = lstm_parameter_gradients(network.params, trace, network.dL_dy)
    whole = lstm_backward(network.params, trace, network.dL_dy)
    assert isinstance(alone, LSTMParams)
    for a, b in zip(alone, whole.of_params(), strict=True):
        np.testing.assert_array_equal(a, b)


# -- the model ---------------------------------------------------------------------------------


@given(networks())
def test_the_contributions_of_the_steps_sum_to_the_gradient(network: Network):
    model = LSTMModel(network.params)
    record = model.run(network.x)
    C = model.contributions(record, network.dL_dy)
    assert C.shape == (len(network.x), *network.params.W_hh.shape)
    whole = lstm_backward(network.params, record, network.dL_dy)
    assert_close([C.sum(axis=0)], [whole.dL_dW_hh])
    for a, b in zip(model.gradients(record, network.dL_dy), whole.of_params(), strict=True):
        np.testing.assert_array_equal(a, b)
    by_lag = contribution_by_lag(model, network.x, network.dL_dy[-1])
    assert by_lag.shape == (len(network.x),)


def test_a_contribution_is_the_derivative_by_the_weights_of_one_step_alone():
    network = make_network(4, 2, 3, 3, 2, seed=4)
    network = network._replace(dL_dh_T=np.zeros((2, 3)), dL_dc_T=np.zeros((2, 3)))
    model = LSTMModel(network.params)
    C = model.contributions(model.run(network.x), network.dL_dy)

    def loss_with_own_weights(k, W_k):
        h = c = np.zeros((2, 3))
        loss = 0
        for t, x_t in enumerate(network.x):
            own = network.params._replace(W_hh=W_k if t == k else network.params.W_hh)
            step = lstm_step(own, x_t, h, c)
            h, c, loss = step.h, step.c, loss + (step.y * network.dL_dy[t]).sum()
        return loss

    for k in range(4):
        expected = complex_step_gradient(
            lambda W, k=k: loss_with_own_weights(k, W), network.params.W_hh
        )
        assert_close([C[k]], [expected])


def test_the_lstm_learns():
    rng = np.random.default_rng(0)

    def split(B):
        x = rng.standard_normal((8, B, 2))
        return Split(x, (x[0, :, 0] > 0).astype(int))  # remember the sign of the first input

    splits = [split(B) for B in (256, 64, 8)]
    task = SequenceTask(*splits, classes=2, loss_name="cross_entropy_last")
    model = LSTMModel(init_lstm_params(2, 8, 2, rng, forget_bias=1.0))
    before = [p.copy() for p in model.params]
    result = fit(model, task, Adam(0.02), steps=200, rng=rng, progress=False)
    start = model.loss_and_gradients(task, task.validation)[0]
    end = result.model.loss_and_gradients(task, task.validation)[0]
    assert start > 0.5
    assert end < 0.2
    for a, b in zip(before, model.params, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.describe() == "LSTMModel()"


def test_the_initial_parameters_have_the_given_scale_and_forget_bias():
    rng = np.random.default_rng(0)
    params = init_lstm_params(50, 100, 40, rng, gain=2.0, forget_bias=1.5, dtype=np.float32)
    assert check_lstm_params(params).sizes == (50, 100, 40)
    for W in params[:3]:
        assert W.dtype == np.float32
        assert abs(W.std() * np.sqrt(W.shape[1]) - 2) < 0.05
    f = gate_rows(100)["f"]
    assert (params.b_h[f] == 1.5).all()
    assert np.count_nonzero(params.b_h) == 100
    assert not params.b_y.any()
    W_i, W_f, W_g, W_o = np.split(params.W_hh, 4)
    assert len({W[0, 0] for W in (W_i, W_f, W_g, W_o)}) == 4  # four draws, not one
    with pytest.raises(ValueError, match="forget_bias is nan"):
        init_lstm_params(1, 1, 1, rng, forget_bias=np.nan)


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W_hh", (5, 5), r"W_hh has shape \(5, 5\); expected \(4N, N\) with 4N = 20 and N = 5"),
        ("W_xh", (5, 3), r"W_xh has shape \(5, 3\); expected \(4N, D\) with 4N = 20"),
        ("W_hy", (2, 20), r"W_hy has shape \(2, 20\); expected \(K, N\) with N = 5"),
        ("b_h", (5,), r"b_h has shape \(5,\); expected \(4N,\) with 4N = 20"),
        ("b_y", (5,), r"b_y has shape \(5,\); expected \(K,\) with K = 2"),
    ],
)
def test_a_parameter_of_the_wrong_shape_is_refused(name, shape, message):
    params = make_network(4, 2, 3, 5, 2).params._replace(**{name: np.ones(shape)})
    with pytest.raises(ValueError, match=message):
        LSTMModel(params)


@pytest.mark.parametrize("name", ["x", "h_0", "c_0"])
def test_an_input_or_a_state_of_the_wrong_shape_is_refused(name):
    network = make_network(4, 2, 3, 5, 2)._replace(**{name: np.ones((7, 7, 7))})
    with pytest.raises(ValueError, match=f"{name} has shape"):
        network.trace()


@pytest.mark.parametrize("name", ["x_t", "h_prev", "c_prev"])
def test_a_step_refuses_wrong_shapes(name):
    arguments = {"x_t": np.ones((2, 3)), "h_prev": np.ones((2, 5)), "c_prev": np.ones((2, 5))}
    with pytest.raises(ValueError, match=f"{name} has shape"):
        lstm_step(make_network(4, 2, 3, 5, 2).params, **arguments | {name: np.ones((1, 7))})


@pytest.mark.parametrize("name", ["dL_dy", "dL_dh_T", "dL_dc_T"])
def test_a_gradient_of_the_wrong_shape_is_refused(name):
    network = make_network(4, 2, 3, 5, 2)._replace(**{name: np.ones((1, 1, 1))})
    with pytest.raises(ValueError, match=f"{name} has shape"):
        network.backward()


def test_what_is_no_lstm_is_refused():
    network = make_network(4, 2, 3, 5, 2)
    trace, params = network.trace(), network.params
    with pytest.raises(TypeError, match="params is a tuple; expected LSTMParams"):
        unroll_lstm(tuple(params), network.x)
    with pytest.raises(TypeError, match="trace is a tuple; expected the LSTMTrace"):
        lstm_sweep(params, tuple(trace), network.dL_dy)
    other = make_network(4, 2, 3, 6, 2).params
    with pytest.raises(ValueError, match=r"\(D, N, K\) = \(3, 6, 2\), the trace \(3, 5, 2\)"):
        lstm_sweep(other, trace, network.dL_dy)
