"""T steps in a row."""

import numpy as np
import pytest
import torch
from hypothesis import given
from networks import Network, make_network, networks

from rnncourse.cell import ACTIVATIONS, RNNParams, init_params, step
from rnncourse.unroll import unroll

# Printed by the code of "Basic Recurrent Neural Networks", the course's first source, as it stands
# there: global seed 42, sizes 3-5-2, four inputs of shape (3, 1), weights 0.01·randn.
SEED_HIDDEN_STATES = np.array([
    [-0.00224214, 0.00742237, 0.00534065, 0.00669542, 0.01982561],
    [0.00725787, 0.00447206, 0.01303316, -0.0055538, -0.0344078],
    [-0.0011042, -0.01246095, -0.01704031, -0.00484994, -0.00215715],
    [0.00445905, 0.01649433, 0.01271312, 0.00818967, 0.01511127],
])  # fmt: skip
SEED_OUTPUTS = np.array([
    [-0.0003233, -0.00028812],
    [0.00057164, 0.00065247],
    [3.66958911e-05, -9.34222496e-05],
    [-0.00020159, -0.00021196],
])  # fmt: skip


def seeds_example() -> tuple[RNNParams, np.ndarray]:
    """The weights and inputs of the seed's example, in the order in which it draws them."""
    rng = np.random.RandomState(42)  # the seed's legacy generator, kept local
    W_xh, W_hh, W_hy = (rng.randn(*shape) * 0.01 for shape in ((5, 3), (5, 5), (2, 5)))
    inputs = [rng.randn(3, 1) for _ in range(4)]
    return RNNParams(W_xh, W_hh, W_hy, np.zeros(5), np.zeros(2)), np.array(inputs).swapaxes(1, 2)


def test_the_seeds_own_example_is_reproduced_to_the_digit():
    params, x = seeds_example()
    trace = unroll(params, x)
    np.testing.assert_array_equal(trace.h[:, 0].round(8), SEED_HIDDEN_STATES)
    np.testing.assert_array_equal(trace.y[[0, 1, 3], 0].round(8), SEED_OUTPUTS[[0, 1, 3]])
    np.testing.assert_allclose(trace.y[2, 0], SEED_OUTPUTS[2], rtol=2e-9)  # nine digits printed


@pytest.mark.equation("1.4")
@given(networks())
def test_unrolling_is_the_same_step_taken_T_times(network: Network):
    trace = network.trace()
    h = network.h_0
    for t, x_t in enumerate(network.x):
        np.testing.assert_array_equal(trace.h_prev[t], trace.h[t - 1] if t else network.h_0)
        result = step(network.params, x_t, h, network.activation)
        h = result.h
        np.testing.assert_allclose(trace.a[t], result.a, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(trace.h[t], result.h, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(trace.y[t], result.y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_unrolling_is_torchs_RNN_and_a_linear_readout(nonlinearity):
    network = make_network(7, 4, 3, 5, 2, activation=nonlinearity)
    W_xh, W_hh, W_hy, b_h, b_y = (torch.from_numpy(p) for p in network.params)
    rnn = torch.nn.RNN(3, 5, nonlinearity=nonlinearity, dtype=torch.float64)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    rnn.load_state_dict(dict(zip(names, (W_xh, W_hh, b_h, 0 * b_h), strict=True)))
    with torch.no_grad():
        h, _ = rnn(torch.from_numpy(network.x), torch.from_numpy(network.h_0)[None])
        y = h @ W_hy.T + b_y
    trace = network.trace()
    np.testing.assert_allclose(trace.h, h.numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(trace.y, y.numpy(), rtol=1e-12, atol=1e-13)


@given(networks(max_T=7))
def test_a_sequence_in_two_halves_that_carry_the_state_is_the_whole(network: Network):
    whole, cut = network.trace(), len(network.x) // 2
    if cut:
        first = unroll(network.params, network.x[:cut], network.h_0, network.activation)
        second = unroll(network.params, network.x[cut:], first.h[-1], network.activation)
        both = np.concatenate([first.h, second.h])
        np.testing.assert_allclose(both, whole.h, rtol=1e-12, atol=1e-12)


@given(networks())
def test_sequences_of_a_batch_do_not_touch_each_other(network: Network):
    whole = network.trace()
    for b in range(network.x.shape[1]):
        alone = unroll(
            network.params, network.x[:, b : b + 1], network.h_0[b : b + 1], network.activation
        )
        np.testing.assert_allclose(alone.y[:, 0], whole.y[:, b], rtol=1e-12, atol=1e-12)


@given(networks(max_T=7))
def test_outputs_do_not_depend_on_later_inputs(network: Network):
    before = network.trace().y
    t = len(network.x) // 2
    x = network.x.copy()
    x[t] += 1.0
    after = unroll(network.params, x, network.h_0, network.activation).y
    np.testing.assert_allclose(after[:t], before[:t], rtol=1e-12, atol=1e-12)


def test_without_h_0_the_state_starts_at_zero_and_nothing_is_kept_between_calls():
    network = make_network(4, 3, 2, 5, 2)
    zero = np.zeros((3, 5))
    first, again = unroll(network.params, network.x), unroll(network.params, network.x)
    given_zero = unroll(network.params, network.x, zero)
    np.testing.assert_array_equal(first.h_0, zero)
    np.testing.assert_array_equal(first.y, again.y)
    np.testing.assert_array_equal(first.y, given_zero.y)


def test_the_inputs_and_h_0_are_left_as_they_were():
    network = make_network(4, 3, 2, 5, 2)
    copies = [a.copy() for a in (*network.params, network.x, network.h_0)]
    trace = network.trace()
    trace.states[:] = 0
    for a, copy in zip((*network.params, network.x, network.h_0), copies, strict=True):
        np.testing.assert_array_equal(a, copy)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_in_gives_float32_out(activation):
    params = init_params(3, 5, 2, np.random.default_rng(0), dtype=np.float32)
    trace = unroll(params, np.ones((4, 2, 3), np.float32), activation=activation)
    assert {a.dtype for a in trace[:4]} == {np.dtype(np.float32)}
    assert {trace.h.dtype, trace.h_prev.dtype} == {np.dtype(np.float32)}


def test_a_non_contiguous_input_is_read_right():
    network = make_network(4, 3, 2, 5, 2)
    turned = np.asfortranarray(network.x)
    np.testing.assert_allclose(
        unroll(network.params, turned).y, unroll(network.params, network.x).y, rtol=1e-13
    )
