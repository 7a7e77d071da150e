"""The Omega term: its value, its immediate derivative, what it asks of the recurrent weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.bptt import backward_sweep, bptt
from rnncourse.gradcheck import numerical_gradient, relative_error
from rnncourse.models import NumpyModel, contribution_by_lag
from rnncourse.optim import SGD
from rnncourse.regularisation import FORMS, OmegaModel, omega
from rnncourse.synthetic_tasks import latch
from rnncourse.training import fit
from tests.networks import make_network, networks


def error_signal(network):
    trace = network.trace()
    return trace, backward_sweep(network.params, trace, network.loss(trace.y).dL_dy).dL_da


def by_loops(network, trace, dL_da, form, W_hh=None):
    """Ω as the paper writes it: one step, one sequence at a time."""
    W_hh = network.params.W_hh if W_hh is None else W_hh
    T, B, _ = dL_da.shape
    terms = []
    for t in range(T - 1):
        for b in range(B):
            delta = dL_da[t + 1, b]
            if np.any(delta):
                back = np.diag(trace.activation.dphi(trace.a[t, b])) @ W_hh.T @ delta
                ratio = np.linalg.norm(back) / np.linalg.norm(delta)
                terms.append(((ratio**2 if form == "squares" else ratio) - 1) ** 2)
    return np.sum(terms) / max(len(terms), 1)


@pytest.mark.equation("5.20", "5.21")
@pytest.mark.parametrize("form", FORMS)
@given(network=networks())
def test_omega_is_the_mean_over_steps_and_sequences_of_the_papers_terms(form, network):
    trace, dL_da = error_signal(network)
    expected = by_loops(network, trace, dL_da, form)
    np.testing.assert_allclose(omega(network.params, trace, dL_da, form).value, expected, 1e-11)


@pytest.mark.equation("5.22")
@pytest.mark.parametrize("form", FORMS)
@given(network=networks(activations=("tanh", "logistic", "identity")))
def test_its_derivative_is_the_immediate_one_with_delta_and_a_held_fixed(form, network):
    trace, dL_da = error_signal(network)
    found = omega(network.params, trace, dL_da, form).dW_hh
    expected = numerical_gradient(
        lambda W_hh: by_loops(network, trace, dL_da, form, W_hh), network.params.W_hh
    )
    scale = np.abs(expected).max() + np.abs(network.params.W_hh).max()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * scale)


def test_the_immediate_derivative_is_not_the_whole_one():
    network = make_network(5, 3, 2, 4, 3, seed=3)

    def whole(W_hh):
        changed = network._replace(params=network.params._replace(W_hh=W_hh))
        return omega(changed.params, *error_signal(changed)).value

    expected = numerical_gradient(whole, network.params.W_hh)
    found = omega(network.params, *error_signal(network)).dW_hh
    assert relative_error(found, expected).max() > 0.05


@given(N=st.integers(1, 6), seed=st.integers(0, 99))
def test_a_linear_network_with_orthogonal_weights_has_no_omega(N, seed):
    network = make_network(4, 3, 2, N, 2, activation="identity", seed=seed)
    Q = np.linalg.qr(network.params.W_hh)[0]
    network = network._replace(params=network.params._replace(W_hh=Q))
    term = omega(network.params, *error_signal(network))
    assert term.value < 1e-24
    np.testing.assert_allclose(term.ratio[~np.isnan(term.ratio)], 1, rtol=1e-12)
    np.testing.assert_allclose(term.dW_hh, 0, atol=1e-11)


@given(network=networks(), factor=st.sampled_from((1e-200, 1e-12, -3.0, 1e200)))
def test_omega_does_not_see_the_size_of_the_error(network, factor):
    trace, dL_da = error_signal(network)
    term, scaled = (omega(network.params, trace, c * dL_da) for c in (1, factor))
    if np.abs(dL_da[dL_da != 0]).min(initial=1) > 1e-60:  # else factor makes a zero of it
        np.testing.assert_allclose(scaled.value, term.value, rtol=1e-9)
        np.testing.assert_allclose(scaled.dW_hh, term.dW_hh, rtol=1e-9, atol=1e-12)


def test_where_no_error_arrives_there_is_no_term():
    network = make_network(6, 2, 3, 4, 2, seed=1)
    trace = network.trace()
    dL_dy = np.zeros_like(trace.y)
    dL_dy[2, 0] = 1.0  # one sequence, and nothing after its third step
    dL_da = backward_sweep(network.params, trace, dL_dy).dL_da
    term = omega(network.params, trace, dL_da)
    assert np.isfinite(term.ratio[:2, 0]).all()
    assert np.isnan(term.ratio[2:]).all()
    assert np.isnan(term.ratio[:, 1]).all()
    np.testing.assert_allclose(term.value, np.mean((term.ratio[:2, 0] ** 2 - 1) ** 2))
    silent = omega(network.params, trace, 0 * dL_da)
    assert silent.value == 0
    assert not silent.dW_hh.any()


@pytest.mark.parametrize("form", FORMS)
def test_one_step_and_dead_units_give_zero_and_not_nan(form):
    network = make_network(1, 2, 3, 4, 2, seed=2)
    term = omega(network.params, *error_signal(network), form)
    assert term.value == 0
    assert not term.dW_hh.any()
    assert term.ratio.shape == (0, 2)
    dead = make_network(5, 2, 3, 4, 2, activation="relu", seed=2)
    dead = dead._replace(params=dead.params._replace(b_h=np.full(4, -99.0)), h_0=0 * dead.h_0)
    trace = dead.trace()
    term = omega(dead.params, trace, np.ones_like(trace.a), form)
    assert term.value == 1
    assert not term.dW_hh.any()


@pytest.mark.equation("5.23")
@pytest.mark.parametrize("form", FORMS)
@given(network=networks())
def test_the_model_adds_the_weighted_term_to_the_recurrent_weights_alone(form, network):
    weight = 1.7
    model = OmegaModel(network.params, weight, network.activation, form)
    trace = model.run(network.x)
    dL_dy = network.loss(trace.y).dL_dy
    found = model.gradients(trace, dL_dy)
    plain = bptt(network.params, trace, dL_dy)
    dL_da = backward_sweep(network.params, trace, dL_dy).dL_da
    term = omega(network.params, trace, dL_da, form)
    for name in ("W_xh", "W_hy", "b_h", "b_y"):
        expected = getattr(plain, f"dL_d{name}")
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-12)
    np.testing.assert_allclose(found.W_hh, plain.dL_dW_hh + weight * term.dW_hh, atol=1e-10)


def test_descending_omega_brings_the_ratios_to_one():
    network = make_network(12, 4, 3, 9, 2, gain=0.4, seed=4)
    params, first = network.params, None
    for _ in range(300):
        changed = network._replace(params=params)
        term = omega(params, *error_signal(changed))
        first = term if first is None else first
        params = params._replace(W_hh=params.W_hh - 0.05 * term.dW_hh)
    assert first.value > 0.5
    assert np.nanmedian(first.ratio) < 0.5
    assert term.value < 0.2 * first.value
    assert 0.8 < np.nanmedian(term.ratio) < 1.2


def test_float32_stays_float32():
    network = make_network(5, 2, 3, 4, 2)
    params = type(network.params)(*(p.astype(np.float32) for p in network.params))
    model = OmegaModel(params, 2.0)
    record = model.run(network.x.astype(np.float32))
    assert {g.dtype for g in model.gradients(record, np.ones_like(record.y))} == {
        np.dtype(np.float32)
    }


def test_it_trains():
    task = latch(12, (200, 50, 50), rng=np.random.default_rng(0), dtype=np.float64)
    params = make_network(2, 1, 1, 7, 2, gain=0.5).params
    result = fit(OmegaModel(params, 1.0), task, SGD(0.1), epochs=6, rng=np.random.default_rng(1),
                 progress=False)  # fmt: skip
    assert result.history.validation_loss[-1] < 0.5 * result.history.validation_loss[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": -1.0}, "weight is -1.0; expected a number of at least 0"),
        ({"weight": np.nan}, "weight is nan"),
        ({"weight": 1.0, "form": "ratio"}, "form is 'ratio'; expected one of squares, norms"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        OmegaModel(make_network(2, 1, 1, 3, 2).params, **arguments)


def test_an_error_signal_of_another_size_is_refused():
    network = make_network(4, 2, 3, 5, 2)
    trace, dL_da = error_signal(network)
    with pytest.raises(ValueError, match=r"dL_da has shape \(3, 2, 5\); expected \(T, B, N\)"):
        omega(network.params, trace, dL_da[1:])
    with pytest.raises(ValueError, match="form is 'both'"):
        omega(network.params, trace, dL_da, "both")


# --- how far back the last loss reaches, for every model written by hand ---


@pytest.mark.equation("5.1")
@given(network=networks())
def test_the_contributions_of_all_lags_sum_to_the_gradient_of_the_last_loss(network):
    model = NumpyModel(network.params, network.activation)
    record = model.run(network.x)
    dL_dy = np.zeros_like(record.y)
    dL_dy[-1] = network.loss(record.y).dL_dy[-1] + 1
    C = model.contributions(record, dL_dy)
    h = torch.zeros(network.h_0.shape, dtype=torch.float64)
    W_hh = torch.from_numpy(np.repeat(network.params.W_hh[None], len(record.a), axis=0))
    W_hh.requires_grad_()  # one copy for each step: its gradient is that step's contribution
    W_xh, _, W_hy, b_h, b_y = map(torch.from_numpy, network.params)
    phi = {"tanh": torch.tanh, "relu": torch.relu, "logistic": torch.sigmoid}
    phi = phi.get(network.activation, lambda a: a)
    for t, x_t in enumerate(torch.from_numpy(network.x)):
        h = phi(x_t @ W_xh.T + h @ W_hh[t].T + b_h)
    (expected,) = torch.autograd.grad(h @ W_hy.T + b_y, W_hh, torch.from_numpy(dL_dy[-1]))
    np.testing.assert_allclose(C, expected.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(C.sum(axis=0), model.gradients(record, dL_dy).W_hh, atol=1e-11)
    norms = contribution_by_lag(model, network.x, dL_dy[-1])
    np.testing.assert_allclose(norms, np.linalg.norm(expected.numpy()[::-1], axis=(1, 2)), 1e-9,
                               atol=1e-12)  # fmt: skip
    assert norms[-1] == 0 or network.h_0.size == 0  # h_0 = 0: the first step's use adds nothing


def test_only_a_model_written_by_hand_shows_its_contributions():
    with pytest.raises(TypeError, match="expected one written by hand"):
        contribution_by_lag("RNN", np.zeros((2, 1, 3)), np.zeros((1, 2)))
