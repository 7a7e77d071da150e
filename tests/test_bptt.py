"""Back-propagation through time, checked against definitions.

The definitions: central differences and the complex step (they know only the loss's value), the
double sum over (t, k) with explicit Jacobians, and torch.autograd.
"""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import LOSSES, Network, make_network, networks, torch_gradients

from rnncourse.bptt import (
    Gradients,
    backward_sweep,
    bptt,
    checkpointed_bptt,
    contributions,
    double_sum,
    truncated_bptt,
    unroll_checkpointed,
)
from rnncourse.cell import ACTIVATIONS, init_params
from rnncourse.gradcheck import (
    compare_gradients,
    complex_step_gradient,
    numerical_gradient,
    numerical_jacobian,
    relative_error,
)
from rnncourse.unroll import unroll

VARIABLES = ("W_xh", "W_hh", "W_hy", "b_h", "b_y", "x", "h_0")  # the order of Gradients


def value_of(network: Network, name: str) -> np.ndarray:
    """The array of this name."""
    return getattr(network, name) if name in ("x", "h_0") else getattr(network.params, name)


def gradients(network: Network, method=bptt) -> Gradients:
    """The network's gradients by one of the methods."""
    trace = network.trace()
    return method(network.params, trace, network.loss(trace.y).dL_dy)


def largest(arrays) -> float:
    """The largest entry of several arrays, in absolute value."""
    return max(float(np.abs(a).max()) for a in arrays)


def assert_agree(found: Gradients, expected, *, dL_dy=1.0, bound=1e-12, floor=1e-3) -> None:
    """Every entry of every gradient agrees within `bound`, relative to the larger of itself and
    `floor` times the largest entry.

    Where the network is already right, dL_dy = p - 1 is a small difference of numbers near 1, known
    no better than to 1e-16; `dL_dy` says how small, so that this is not held against the sweep.
    """
    scale = floor * largest(expected) / min(1.0, np.abs(dL_dy).max() + 1e-300)
    for name, a, b in zip(Gradients._fields, found, expected, strict=True):
        error = relative_error(a, b, floor=scale + 1e-300).max()
        assert error <= bound, f"{name}: relative error {error:.2e}"


def assume_no_kink(network: Network) -> None:
    """Keep away from a = 0, where ReLU has no derivative."""
    if network.activation == "relu":
        assume(np.abs(network.trace().a).min() > 0.01)


@pytest.mark.equation("2.8")
@pytest.mark.equation("2.9")
@pytest.mark.equation("2.10")
@pytest.mark.equation("2.11")
@pytest.mark.equation("2.12")
@pytest.mark.equation("2.13")
@given(networks())
def test_every_gradient_is_that_of_torch_autograd(network: Network):
    value, expected = torch_gradients(network)
    assert abs(network.value() - value) <= 1e-12 * max(1, abs(value))
    assert_agree(gradients(network), expected, dL_dy=network.loss(network.trace().y).dL_dy)


@given(networks())
def test_every_gradient_is_the_central_difference_of_the_loss(network: Network):
    assume_no_kink(network)
    found = gradients(network)
    expected = [
        numerical_gradient(
            lambda v, name=name: network.value(**{name: v}),
            value_of(network, name), eps=1e-4, order=4,
        )
        for name in VARIABLES
    ]  # fmt: skip
    terms = [np.ones(1), network.trace().y, [network.value()]]
    rounding = 3e-16 * largest(terms) / 1e-4  # that of the differences
    scale = max(1e-3 * largest(expected), rounding / 1e-7)
    for name, a, b in zip(Gradients._fields, found, expected, strict=True):
        error = relative_error(a, b, floor=scale).max()
        assert error <= 1e-7, f"{name}: relative error {error:.2e}"


@given(networks())
def test_every_gradient_is_the_complex_step_of_the_loss(network: Network):
    assume_no_kink(network)
    expected = [
        complex_step_gradient(
            lambda v, name=name: network.value(**{name: v}), value_of(network, name)
        )
        for name in VARIABLES
    ]
    dL_dy = network.loss(network.trace().y).dL_dy
    # 1 - tanh² loses digits near saturation, which the complex step does not
    assert_agree(gradients(network), expected, dL_dy=dL_dy, bound=1e-11)


@pytest.mark.equation("2.7")
@given(networks())
def test_the_sweep_is_the_double_sum_over_all_pairs_of_steps(network: Network):
    assert_agree(gradients(network), gradients(network, double_sum))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("T", "B", "D", "N", "K"),
    [(1, 1, 1, 1, 1), (1, 4, 3, 5, 2), (7, 1, 3, 5, 2), (7, 4, 3, 1, 2), (7, 4, 3, 5, 2)],
)
def test_all_definitions_agree_at_the_edges_T1_B1_N1(loss, activation, T, B, D, N, K):
    network = make_network(T, B, D, N, K, activation=activation, loss=loss, seed=2)
    found = gradients(network)
    assert_agree(found, torch_gradients(network)[1])
    assert_agree(found, gradients(network, double_sum))


@pytest.mark.equation("2.4")
@pytest.mark.equation("2.5")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_jacobian_between_two_states_is_the_product_with_the_newest_factor_on_the_left(
    activation,
):
    network = make_network(6, 1, 3, 4, 2, activation=activation, seed=8)
    params, trace = network.params, network.trace()
    k, t = 2, 5  # row t of the code is step t + 1: from the state after step 2 to that after step 5

    def state_at_t(h_k: np.ndarray) -> np.ndarray:
        return unroll(params, network.x[k:t], h_k[None], activation).h[-1, 0]

    numerical = numerical_jacobian(state_at_t, trace.h[k - 1, 0], eps=1e-5)
    J = [np.diag(trace.activation.dphi(a[0])) @ params.W_hh for a in trace.a]  # J[i] is step i + 1
    np.testing.assert_allclose(J[4] @ J[3] @ J[2], numerical, atol=1e-8)
    if activation != "identity":
        wrong = J[2] @ J[3] @ J[4]  # the oldest factor on the left
        assert np.linalg.norm(wrong - numerical) > 0.01 * np.linalg.norm(numerical)


def test_the_seeds_jacobian_formula_fails_in_every_reading():
    """Erratum A7: the seed writes prod W_hh^T diag(phi'(h_i)), neither J nor its transpose."""
    network = make_network(6, 1, 3, 5, 2, seed=1)
    params, trace = network.params, network.trace()
    D_a = [np.diag(trace.activation.dphi(a[0])) for a in trace.a]
    D_h = [np.diag(trace.activation.dphi(h[0])) for h in trace.h]

    def newest_left(factors):
        return np.linalg.multi_dot(factors[::-1])

    J = newest_left([D @ params.W_hh for D in D_a])
    literal = [params.W_hh.T @ D for D in D_h]
    for product in (newest_left(literal), np.linalg.multi_dot(literal)):
        for reading in (J, J.T):
            assert np.linalg.norm(product - reading) / np.linalg.norm(J) > 0.3
    right_argument = [params.W_hh.T @ D for D in D_a]
    np.testing.assert_allclose(np.linalg.multi_dot(right_argument), J.T, rtol=1e-12, atol=1e-14)


@pytest.mark.equation("2.6")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_contribution_is_what_the_loss_at_t_owes_to_the_weights_used_at_step_k(activation):
    """The definition: give step k its own copy of W_hh, and differentiate L_t by that copy."""
    network = make_network(4, 2, 3, 3, 2, activation=activation, seed=4)
    params, trace = network.params, network.trace()
    C = contributions(params, trace, network.loss(trace.y).dL_dy)

    def loss_at(t: int, k: int, W_k: np.ndarray) -> float:
        h, y = network.h_0, []
        for i, x_i in enumerate(network.x):
            own = params._replace(W_hh=W_k if i == k else params.W_hh)
            step = unroll(own, x_i[None], h, activation)
            h, y = step.h[-1], [*y, step.y[-1]]
        return network.loss(np.array(y)).per_step[t]

    for t in range(4):
        for k in range(4):
            numerical = numerical_gradient(
                lambda W, t=t, k=k: loss_at(t, k, W), params.W_hh, eps=1e-5
            )
            np.testing.assert_allclose(C[t, k], numerical, atol=1e-8)


@pytest.mark.equation("2.7")
@given(networks())
def test_the_contributions_sum_to_the_gradient_and_the_future_has_none(network: Network):
    trace = network.trace()
    C = contributions(network.params, trace, network.loss(trace.y).dL_dy)
    total = bptt(network.params, trace, network.loss(trace.y).dL_dy).dL_dW_hh
    np.testing.assert_allclose(C.sum(axis=(0, 1)), total, rtol=1e-11, atol=1e-11 * largest([C]))
    for t in range(len(C)):
        assert not C[t, t + 1 :].any()


def test_total_derivatives_in_place_of_immediate_ones_count_the_past_again():
    """Erratum A6: for h_t = w h_{t-1}, L = h_T, the sum comes out (T+1)/2 times too large."""
    w, h_0, T = 0.9, 1.0, 10
    h = h_0 * w ** np.arange(T + 1)
    total = [k * w ** (k - 1) * h_0 for k in range(T + 1)]  # d h_k / d w, everything moving
    immediate = [0, *h[:-1]]  # h_{k-1}: the previous state held fixed
    by_definition = T * w ** (T - 1) * h_0  # d (w^T h_0) / d w
    path = [w ** (T - k) for k in range(T + 1)]
    assert abs(np.dot(path, immediate) - by_definition) < 1e-12
    assert round(by_definition, 3) == 3.874
    assert round(np.dot(path, total), 2) == 21.31
    assert abs(np.dot(path, total) / by_definition - (T + 1) / 2) < 1e-12


@given(networks())
def test_the_sweeps_dL_dh_is_the_derivative_by_a_disturbed_state(network: Network):
    """Add a small vector to h_t and let the rest run on: that is what ∂L/∂h_t predicts."""
    assume_no_kink(network)
    params, trace = network.params, network.trace()
    dL_dh = backward_sweep(params, trace, network.loss(trace.y).dL_dy).dL_dh
    t = len(network.x) // 2

    def loss_with_state(h_t: np.ndarray) -> complex:
        later = network.x[t + 1 :]
        y_t = h_t @ params.W_hy.T + params.b_y
        y = [trace.y[:t], y_t[None]]
        if len(later):
            y.append(unroll(params, later, h_t, network.activation).y)
        return network.loss(np.concatenate(y)).value

    expected = complex_step_gradient(loss_with_state, trace.h[t])
    np.testing.assert_allclose(dL_dh[t], expected, rtol=1e-11, atol=1e-11 * (1 + largest([dL_dh])))


@given(networks(max_T=7))
def test_two_halves_linked_by_dL_dh_0_give_the_gradient_of_the_whole(network: Network):
    params, trace = network.params, network.trace()
    dL_dy, cut = network.loss(trace.y).dL_dy, len(network.x) // 2
    if cut:
        first = unroll(params, network.x[:cut], network.h_0, network.activation)
        second = unroll(params, network.x[cut:], first.h[-1], network.activation)
        late = bptt(params, second, dL_dy[cut:])
        early = bptt(params, first, dL_dy[:cut], late.dL_dh_0)
        linked = [a + b for a, b in zip(early.of_params(), late.of_params(), strict=True)]
        linked += [np.concatenate([early.dL_dx, late.dL_dx]), early.dL_dh_0]
        assert_agree(bptt(params, trace, dL_dy), linked)


# -- truncated ---------------------------------------------------------------------------------


def allowed(T: int, k1: int, k2: int) -> np.ndarray:
    """Mark the pairs (t, k) that truncation keeps, by acting the procedure out step by step."""
    kept, losses = np.zeros((T, T), bool), []
    for now in range(1, T + k1):  # a last block that is cut short is gone back when it would end
        losses += [now] if now <= T else []
        if now % k1 == 0:  # a backward pass: the k2 steps now, now-1, … now-k2+1
            for t in losses:
                for k in range(max(1, now - k2 + 1), t + 1):
                    kept[t - 1, k - 1] = True
            losses = []
    return kept


@pytest.mark.equation("2.15")
@given(networks(max_T=9), st.integers(1, 5), st.integers(0, 5))
def test_truncation_keeps_exactly_the_contributions_inside_its_windows(network, k1, extra):
    params, trace = network.params, network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    found = truncated_bptt(params, trace, dL_dy, k1=k1, k2=k1 + extra)
    C = contributions(params, trace, dL_dy)
    expected = C[allowed(len(trace.x), k1, k1 + extra)].sum(axis=0)
    np.testing.assert_allclose(found.dL_dW_hh, expected, rtol=1e-11, atol=1e-11 * largest([C, [1]]))


def test_a_sliding_window_keeps_more_pairs_than_chunks_of_the_same_length():
    assert allowed(12, 1, 3).sum() == 33
    assert allowed(12, 3, 3).sum() == 24
    assert allowed(12, 12, 12).sum() == 78


@given(networks(max_T=9), st.integers(1, 4))
def test_chunks_are_separate_sequences_that_carry_the_state_and_no_gradient(network, length):
    params, trace = network.params, network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    found = truncated_bptt(params, trace, dL_dy, k1=length, k2=length)
    h, parts = network.h_0, []
    for start in range(0, len(trace.x), length):
        chunk = slice(start, start + length)
        own = unroll(params, network.x[chunk], h, network.activation)
        parts.append(bptt(params, own, dL_dy[chunk]))
        h = own.h[-1]
    expected = [sum(terms) for terms in zip(*(p.of_params() for p in parts), strict=True)]
    expected += [np.concatenate([p.dL_dx for p in parts]), parts[0].dL_dh_0]
    assert_agree(found, expected)


@given(networks(max_T=7), st.integers(1, 7))
def test_a_window_that_reaches_back_to_the_start_gives_the_full_gradient(network, k1):
    params, trace = network.params, network.trace()
    T, dL_dy = len(trace.x), network.loss(trace.y).dL_dy
    found = truncated_bptt(params, trace, dL_dy, k1=k1, k2=T + k1)
    assert_agree(found, bptt(params, trace, dL_dy))


def test_beyond_the_window_the_credit_is_exactly_zero():
    """Erratum C2: truncation is no cure; nothing at all is learned about longer lags."""
    network = make_network(9, 2, 3, 5, 2, loss="cross_entropy_last")
    network = network._replace(lengths=np.array([9, 9]))
    trace = network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    truncated = truncated_bptt(network.params, trace, dL_dy, k1=1, k2=4)
    assert not truncated.dL_dx[:5].any()
    assert not truncated.dL_dh_0.any()
    assert truncated.dL_dx[5:].all()
    assert bptt(network.params, trace, dL_dy).dL_dx.all()


@pytest.mark.parametrize(
    ("k1", "k2", "message"),
    [(3, 2, "k2 = 2 is smaller than k1 = 3"), (0, 2, "k1 is 0"), (1, 2.5, "k2 is 2.5")],
)
def test_impossible_windows_are_refused(k1, k2, message):
    network = make_network(4, 1, 3, 5, 2)
    trace = network.trace()
    with pytest.raises(ValueError, match=message):
        truncated_bptt(network.params, trace, np.ones_like(trace.y), k1=k1, k2=k2)


# -- checkpointed ------------------------------------------------------------------------------


@pytest.mark.equation("2.14")
@given(networks(max_T=9), st.one_of(st.none(), st.integers(1, 10)))
def test_checkpointing_gives_the_same_gradient_from_few_states(network, segment):
    params, trace = network.params, network.trace()
    dL_dy = network.loss(trace.y).dL_dy
    few = unroll_checkpointed(params, network.x, network.h_0, network.activation, segment=segment)
    np.testing.assert_allclose(few.y, trace.y, rtol=1e-12, atol=1e-12)
    expected = bptt(params, trace, dL_dy)
    assert_agree(checkpointed_bptt(params, few, dL_dy), expected)
    for c, state in enumerate(few.states):
        np.testing.assert_allclose(state, trace.states[c * few.segment], rtol=1e-12, atol=1e-12)


@pytest.mark.equation("2.14")
def test_segments_of_root_T_steps_need_the_fewest_states():
    network = make_network(100, 1, 3, 5, 2)
    stored = {
        s: unroll_checkpointed(network.params, network.x, segment=s).stored_states()
        for s in range(1, 101)
    }
    assert unroll_checkpointed(network.params, network.x).segment == 10
    assert stored[10] == min(stored.values()) == 21
    assert stored[1] == stored[100] == 102  # all of them, either way


def test_checkpointing_really_uses_less_memory():
    network = make_network(400, 8, 3, 64, 2)

    def peak(method) -> int:
        tracemalloc.start()
        method()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    def full() -> None:
        trace = unroll(network.params, network.x)
        bptt(network.params, trace, np.ones_like(trace.y))

    def few() -> None:
        checkpoints = unroll_checkpointed(network.params, network.x)
        checkpointed_bptt(network.params, checkpoints, np.ones_like(checkpoints.y))

    assert peak(few) < peak(full) / 5


def test_an_impossible_segment_is_refused():
    network = make_network(4, 1, 3, 5, 2)
    with pytest.raises(ValueError, match="segment is 0; expected a whole number"):
        unroll_checkpointed(network.params, network.x, segment=0)


# -- boundary ----------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("method", [bptt, double_sum])
def test_float32_in_gives_float32_out(method, activation):
    params = init_params(3, 5, 2, np.random.default_rng(0), dtype=np.float32)
    trace = unroll(params, np.ones((4, 2, 3), np.float32), activation=activation)
    found = method(params, trace, np.ones((4, 2, 2), np.float32))
    assert {a.dtype for a in found} == {np.dtype(np.float32)}


def test_neither_the_trace_nor_the_upstream_gradient_is_changed():
    network = make_network(6, 2, 3, 5, 2)
    trace = network.trace()
    dL_dy, dL_dh_T = network.loss(trace.y).dL_dy, np.ones((2, 5))
    kept = [a.copy() for a in (*trace[:4], dL_dy, dL_dh_T)]
    bptt(network.params, trace, dL_dy, dL_dh_T)
    truncated_bptt(network.params, trace, dL_dy, k1=2, k2=3)
    for a, copy in zip((*trace[:4], dL_dy, dL_dh_T), kept, strict=True):
        np.testing.assert_array_equal(a, copy)


@pytest.mark.parametrize("method", [bptt, double_sum, contributions])
def test_bad_arguments_are_named(method):
    network = make_network(6, 2, 3, 5, 2)
    params, trace = network.params, network.trace()
    dL_dy = np.ones_like(trace.y)
    with pytest.raises(ValueError, match=r"dL_dy has shape \(6, 2, 1\); expected \(T, B, K\)"):
        method(params, trace, dL_dy[:, :, :1])
    with pytest.raises(ValueError, match=r"dL_dy\[0, 0, 0\] = inf"):
        method(params, trace, dL_dy * np.inf)
    with pytest.raises(TypeError, match="dL_dy has dtype float32"):
        method(params, trace, dL_dy.astype(np.float32))
    with pytest.raises(TypeError, match="trace is a ndarray; expected the Trace that unroll"):
        method(params, trace.h, dL_dy)
    other = init_params(3, 6, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"params have sizes .*\(3, 6, 2\), the trace \(3, 5, 2\)"):
        method(other, trace, dL_dy)


def test_a_wrong_gradient_is_reported_by_name():
    network = make_network(6, 2, 3, 5, 2)
    right = gradients(network)
    wrong = right._replace(dL_dW_hh=right.dL_dW_hh.T, dL_dh_0=0 * right.dL_dh_0)
    report = str(compare_gradients(wrong, right))
    assert "2 of 7 differ" in report
    assert "transpose" in report
    assert "zero everywhere" in report
