"""Normalisation in the recurrence, checked against torch, numerical derivatives and theorems."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import TORCH_ACTIVATIONS, close

from rnncourse.cell import ACTIVATIONS
from rnncourse.gradcheck import numerical_gradient, numerical_jacobian
from rnncourse.jacobians import product
from rnncourse.models import contribution_by_lag
from rnncourse.normalised_rnn import (
    BatchNormParams,
    LayerNormParams,
    NormalisedModel,
    RunningStatistics,
    init_normalised_params,
    layer_norm_jacobians,
    normalised_gradients,
    normalised_sweep,
    unroll_normalised,
)
from rnncourse.optim import Adam
from rnncourse.synthetic_tasks import adding
from rnncourse.training import fit

KINDS = ("layer", "batch")
seeds = st.integers(0, 2**32 - 1)


def make_params(kind: str, D: int, N: int, K: int, seed: int = 0):
    """Parameters with nothing zero in them."""
    rng = np.random.default_rng(seed)
    params = init_normalised_params(D, N, K, rng, kind=kind)
    shifts = [0.5 * rng.standard_normal(p.shape) if p.ndim == 1 else 0 * p for p in params]
    return type(params)(*map(np.add, params, shifts))


def torch_loop(params, x, h, activation, eps, statistics=None):
    """The outputs by an explicit loop over torch's own functions."""
    phi, y = TORCH_ACTIVATIONS[activation], []

    def batch(a, gain, mean, variance, t):
        fixed = (None, None) if statistics is None else (mean[t], variance[t])
        return torch.nn.functional.batch_norm(
            a, *(None if v is None else torch.tensor(v) for v in fixed), gain, None,
            training=statistics is None, eps=eps,
        )  # fmt: skip

    W_xh, W_hh, W_hy, b_h, b_y, *gains = params
    s = statistics or (None,) * 4
    for t, x_t in enumerate(x):
        if len(gains) == 1:
            a = x_t @ W_xh.T + h @ W_hh.T
            h = phi(torch.nn.functional.layer_norm(a, a.shape[-1:], gains[0], b_h, eps))
        else:
            u, r = batch(x_t @ W_xh.T, gains[0], *s[:2], t), batch(h @ W_hh.T, gains[1], *s[2:4], t)
            h = phi(u + r + b_h)
        y.append(h @ W_hy.T + b_y)
    return torch.stack(y)


def random_statistics(steps: int, N: int, seed: int = 0) -> RunningStatistics:
    rng = np.random.default_rng(seed)
    means, variances = rng.standard_normal((2, steps, N)), rng.uniform(0.5, 2, (2, steps, N))
    return RunningStatistics(means[0], variances[0], means[1], variances[1], np.ones(steps, int))


@pytest.mark.equation("5.47")
@pytest.mark.equation("5.48")
@pytest.mark.equation("5.49")
@pytest.mark.equation("5.50")
@pytest.mark.equation("5.51")
@pytest.mark.equation("5.52")
@pytest.mark.parametrize("kind", ["layer", "batch", "batch in use"])
@given(
    T=st.integers(1, 5), B=st.integers(1, 4), D=st.integers(1, 3), N=st.integers(1, 4),
    K=st.integers(1, 3), activation=st.sampled_from(sorted(ACTIVATIONS)), seed=seeds,
)  # fmt: skip
def test_every_gradient_of_the_network_is_that_of_torch_autograd(
    kind, T, B, D, N, K, activation, seed
):
    B += kind == "batch"
    rng, eps = np.random.default_rng(seed), 0.01
    params = make_params(kind.split()[0], D, N, K, seed)
    statistics = random_statistics(T, N, seed) if "use" in kind else None
    x, h_0 = rng.standard_normal((T, B, D)), rng.standard_normal((B, N))
    trace = unroll_normalised(params, x, h_0, activation, eps=eps, statistics=statistics)
    leaves = [torch.tensor(v, requires_grad=True) for v in (*params, x, h_0)]
    y = torch_loop(leaves[:-2], *leaves[-2:], activation, eps, statistics)
    scale = 1 + np.abs(trace.states).max()
    close(trace.y, y.detach(), 1e-12 * scale)
    dL_dy = rng.standard_normal(trace.y.shape)
    expected = torch.autograd.grad(
        y, leaves, torch.tensor(dL_dy), allow_unused=True, materialize_grads=True
    )
    sweep = normalised_sweep(params, trace, dL_dy)
    found = (*normalised_gradients(params, trace, dL_dy), sweep.dL_du @ params.W_xh, sweep.dL_dh_0)
    largest = max(float(e.abs().max()) for e in expected)
    for gradient, theirs in zip(found, expected, strict=True):
        assert np.abs(gradient - theirs.numpy()).max() <= 1e-11 * scale * max(1, largest)


@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_of_the_network_is_a_numerical_derivative(kind):
    rng = np.random.default_rng(0)
    params, x, h_0 = (
        make_params(kind, 2, 4, 3),
        *(rng.standard_normal(n) for n in ((4, 3, 2), (3, 4))),
    )
    trace = unroll_normalised(params, x, h_0)
    w = rng.standard_normal(trace.y.shape)
    found = normalised_gradients(params, trace, w)
    for name, p, gradient in zip(params._fields, params, found, strict=True):

        def loss(v, name=name):
            return float((w * unroll_normalised(params._replace(**{name: v}), x, h_0).y).sum())

        close(gradient, numerical_gradient(loss, p, eps=1e-4, order=4), 1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("T", [1, 5])
def test_the_contributions_sum_to_the_gradient(kind, T):
    rng = np.random.default_rng(0)
    model = NormalisedModel(make_params(kind, 2, 4, 3), steps=None if kind == "layer" else T)
    x, dL_dy = rng.standard_normal((T, 3, 2)), rng.standard_normal((T, 3, 3))
    record = model.run(x, rng)
    C = model.contributions(record, dL_dy)
    assert C.shape == (T, 4, 4)
    close(C.sum(0), model.gradients(record, dL_dy).W_hh)
    assert T == 1 or np.abs(C[-1]).max() > 0.01
    assert contribution_by_lag(model, x, dL_dy[-1]).shape == (T,)


@pytest.mark.equation("5.53")
@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_a_step_jacobian_is_the_numerical_derivative_of_the_step(activation):
    rng = np.random.default_rng(1)
    params, x, h_0 = (
        make_params("layer", 2, 4, 3),
        *(rng.standard_normal(n) for n in ((3, 2, 2), (2, 4))),
    )
    trace = unroll_normalised(params, x, h_0, activation, eps=0.1)
    J = layer_norm_jacobians(params, trace)
    assert J.shape == (3, 2, 4, 4)
    for t in range(3):
        for b in range(2):

            def step(h, t=t, b=b):
                one = x[t : t + 1, b : b + 1]
                return unroll_normalised(params, one, h[None], activation, eps=0.1).states[1, 0]

            close(J[t, b], numerical_jacobian(step, trace.h_prev[t, b], eps=1e-3, order=4), 1e-8)


@given(c=st.floats(0.01, 100), N=st.integers(3, 5), T=st.integers(1, 6), seed=seeds)
@settings(max_examples=25)
def test_without_input_the_growth_does_not_depend_on_the_size_of_W_hh(c, N, T, seed):
    params, x = make_params("layer", 1, N, 1, seed), np.zeros((T, 1, 1))
    scaled = params._replace(W_hh=c * params.W_hh)
    h_0 = np.random.default_rng(seed).standard_normal((1, N))
    one, other = (unroll_normalised(p, x, h_0, eps=0.0) for p in (params, scaled))
    J, J_scaled = (layer_norm_jacobians(p, t)[:, 0] for p, t in ((params, one), (scaled, other)))
    size = np.prod(np.linalg.norm(J, 2, axis=(1, 2)) + 1)  # bounds how far a rounding can grow
    first, second = (np.exp(p.log_scale) * p.matrix for p in map(product, (J, J_scaled)))
    assert np.abs(first - second).max() <= 1e-11 * size * max(1, size)
    dL_dW, dL_dcW = (
        normalised_gradients(p, t, np.ones_like(t.y)).W_hh
        for p, t in ((params, one), (scaled, other))
    )
    assert np.abs(c * dL_dcW - dL_dW).max() <= 1e-10 * size * max(1, size)
    assert abs((dL_dW * params.W_hh).sum()) <= 1e-10 * size * max(1, size)


def test_with_input_only_all_weights_together_have_an_orthogonal_gradient():
    rng = np.random.default_rng(0)
    params, x = make_params("layer", 2, 4, 3), rng.standard_normal((5, 3, 2))
    trace = unroll_normalised(params, x, rng.standard_normal((3, 4)), eps=0.0)
    dL = normalised_gradients(params, trace, rng.standard_normal(trace.y.shape))
    of_h, of_x = (dL.W_hh * params.W_hh).sum(), (dL.W_xh * params.W_xh).sum()
    assert abs(of_h + of_x) < 1e-12
    assert abs(of_h) > 0.01
    J, J_doubled = (
        layer_norm_jacobians(p, unroll_normalised(p, x))
        for p in (params, params._replace(W_hh=2 * params.W_hh))
    )
    assert np.abs(J - J_doubled).max() > 0.1
    close(dL.W_hh.sum(0), np.zeros(4))  # a shift of all pre-activations is not seen in any case
    close(dL.W_xh.sum(0), np.zeros(2))


def test_with_batch_norm_each_units_gradient_is_orthogonal_to_its_weights():
    rng = np.random.default_rng(0)
    params, x = make_params("batch", 2, 4, 3), rng.standard_normal((5, 6, 2))
    trace = unroll_normalised(params, x, rng.standard_normal((6, 4)), eps=0.0)
    dL = normalised_gradients(params, trace, rng.standard_normal(trace.y.shape))
    close((dL.W_hh * params.W_hh).sum(1), np.zeros(4))
    close((dL.W_xh * params.W_xh).sum(1), np.zeros(4))


@pytest.mark.parametrize("kind", KINDS)
def test_the_states_of_a_sequence_depend_on_the_others_only_with_batch_norm(kind):
    rng = np.random.default_rng(0)
    params, x = make_params(kind, 3, 5, 2), rng.standard_normal((4, 5, 3))
    other = x.copy()
    other[:, 1:] = rng.standard_normal((4, 4, 3))
    change = unroll_normalised(params, x).y[:, 0] - unroll_normalised(params, other).y[:, 0]
    assert (np.abs(change).max() > 0.01) == (kind == "batch")


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_kept(kind):
    rng = np.random.default_rng(0)
    params = init_normalised_params(2, 4, 3, rng, kind=kind, dtype=np.float32)
    model = NormalisedModel(params, steps=None if kind == "layer" else 5)
    record = model.run(rng.standard_normal((5, 3, 2)).astype(np.float32), rng)
    dL_dy = np.ones_like(record.y)
    arrays = (*record.recurrent[:4], record.z, *model.gradients(record, dL_dy), *model.buffers[:4])
    arrays += (model.contributions(record, dL_dy), model.forward(record.x), record.states)
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    if kind == "layer":
        assert layer_norm_jacobians(params, record).dtype == np.float32


# --- running statistics ---


def batch_model(steps: int = 6, N: int = 4, **settings) -> NormalisedModel:
    return NormalisedModel(make_params("batch", 2, N, 3), steps=steps, **settings)


@pytest.mark.equation("5.54")
def test_the_running_statistics_follow_torchs_rule_after_even_averages_of_the_first_batches():
    rng, model, momentum = np.random.default_rng(0), batch_model(momentum=0.25), 0.25
    mean = variance = None
    for n in range(8):
        x = rng.standard_normal((6, 5, 2))
        model.run(x, rng)
        u = torch.tensor((x @ model.params.W_xh.T)[2])
        if mean is None:
            mean, variance = torch.zeros(4, dtype=u.dtype), torch.ones(4, dtype=u.dtype)
        torch.nn.functional.batch_norm(
            u, mean, variance, training=True, momentum=max(momentum, 1 / (n + 1))
        )
        statistics = RunningStatistics(*model.buffers)
        close(statistics.mean_x[2], mean)
        close(statistics.variance_x[2], variance)
        assert (statistics.count == n + 1).all()


def test_the_running_statistics_converge_to_the_true_ones():
    rng, model = np.random.default_rng(0), batch_model(steps=2, momentum=1e-9)
    for _ in range(800):
        model.run(1 + 2 * rng.standard_normal((2, 5, 2)), rng)
    statistics = RunningStatistics(*model.buffers)
    W = model.params.W_xh
    deviation = 2 * np.linalg.norm(W, axis=1)
    assert (np.abs(statistics.mean_x - W.sum(1)) / deviation).max() < 5 / np.sqrt(4000)
    assert np.abs(statistics.variance_x / deviation**2 - 1).max() < 5 * np.sqrt(2 / 3200)
    assert not statistics.variance_h[0].any()  # W_hh h_0 = 0


def test_a_trained_models_outputs_in_use_are_near_those_with_large_batches():
    rng, model = np.random.default_rng(0), batch_model(momentum=1e-9)
    for _ in range(50):
        model.run(rng.standard_normal((6, 400, 2)), rng)
    x = rng.standard_normal((6, 4000, 2))
    difference = np.abs(model.run(x).y - unroll_normalised(model.params, x).y)
    assert difference.mean() < 0.02
    assert difference.max() < 0.2


def test_the_statistics_at_step_0_differ_from_those_at_step_5():
    rng = np.random.default_rng(0)
    trace = unroll_normalised(make_params("batch", 2, 8, 3), rng.standard_normal((6, 500, 2)))
    variance = trace.recurrent.variance[:, 0].mean(-1)
    assert variance[0] == 0
    assert variance[5] > 0.01
    a_hat = trace.recurrent.a_hat
    close(a_hat.mean(1), np.zeros((6, 8)))  # each step by its own
    np.testing.assert_allclose(a_hat[1:].var(1), 1, atol=0.01)


def test_sequences_longer_than_those_of_training_use_the_last_steps_statistics():
    rng, model = np.random.default_rng(0), batch_model(steps=6)
    model.run(rng.standard_normal((4, 5, 2)), rng)  # the training has 4 steps, not all 6
    statistics = RunningStatistics(*model.buffers)
    assert statistics.count.tolist() == [1, 1, 1, 1, 0, 0]
    for used, array in zip(
        (*statistics.at(9)[0], *statistics.at(9)[1]), statistics[:4], strict=True
    ):
        assert used.shape == (9, 1, 4)
        assert (used[:4, 0] == array[:4]).all()
        assert (used[3:] == used[3]).all()
    assert model.forward(rng.standard_normal((9, 1, 2))).shape == (9, 1, 3)
    with pytest.raises(ValueError, match=r"x has T = 7 steps in training.*statistics 6"):
        model.run(rng.standard_normal((7, 5, 2)), rng)


def test_use_gradients_and_contributions_change_nothing_and_training_replaces_the_buffers():
    rng, model = np.random.default_rng(0), batch_model()
    x, dL_dy = rng.standard_normal((6, 5, 2)), rng.standard_normal((6, 5, 3))
    before = model.buffers
    copies = tuple(map(np.copy, before))
    record = model.run(x, rng)
    assert all((a == b).all() for a, b in zip(before, copies, strict=True))
    after = model.buffers
    assert np.abs(after[0] - before[0]).max() > 0.01
    copies, kept = tuple(map(np.copy, after)), [v.copy() for v in (record.z, *record.recurrent[:4])]
    first = model.gradients(record, dL_dy)
    model.contributions(record, dL_dy)
    model.forward(x)
    in_use = model.run(x)
    model.gradients(in_use, dL_dy)
    assert model.buffers is after
    assert all((a == b).all() for a, b in zip(after, copies, strict=True))
    assert all((a == b).all() for a, b in zip((record.z, *record.recurrent[:4]), kept, strict=True))
    second = model.gradients(record, dL_dy)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    other = model.copy()
    other.run(x, rng)
    assert model.buffers is after
    close(model.forward(x)[:, :1], model.forward(x[:, :1]))  # in use, rows are independent


def test_measuring_how_far_a_gradient_reaches_leaves_the_running_statistics_alone():
    params = init_normalised_params(3, 5, 2, np.random.default_rng(0), kind="batch")
    model = NormalisedModel(params, steps=4)
    before = [buffer.copy() for buffer in model.buffers]
    contribution_by_lag(model, np.random.default_rng(1).standard_normal((4, 6, 3)), np.ones((6, 2)))
    for one, other in zip(model.buffers, before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_batch_of_one_cannot_be_trained_with_batch_norm_but_used():
    rng, model = np.random.default_rng(0), batch_model()
    x = rng.standard_normal((6, 1, 2))
    with pytest.raises(ValueError, match="batch holds 1 sequence; expected at least 2"):
        model.run(x, rng)
    assert model.forward(x).shape == (6, 1, 3)


# --- training ---


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_in_training_and_a_run_can_be_resumed(kind, tmp_path):
    task = adding(6, (640, 64, 32), rng=np.random.default_rng(0))
    params = init_normalised_params(2, 16, 1, np.random.default_rng(0), kind=kind, dtype=np.float32)
    model = NormalisedModel(params, steps=None if kind == "layer" else 6)

    def train(epochs, file=None):
        return fit(model, task, Adam(0.01), epochs=epochs, batch_size=32, clip=1.0,
                   rng=np.random.default_rng(1), checkpoint=file, progress=False)  # fmt: skip

    whole = train(12)
    losses = whole.history.validation_loss
    assert losses[-1] < 0.5 * losses[0]
    train(5, tmp_path / "run.npz")
    resumed = train(12, tmp_path / "run.npz")
    assert (resumed.history.validation_loss == losses).all()
    for one, other in zip(resumed.model.buffers, whole.model.buffers, strict=True):
        assert (one == other).all()
    if kind == "batch":
        assert (whole.model.buffers[4] == 12 * 20).all()
        assert not model.buffers[4].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_runs_with_its_own_activation_and_eps_and_tells_them(kind):
    rng, params = np.random.default_rng(0), make_params(kind, 2, 4, 3)
    model = NormalisedModel(params, "relu", eps=0.3, steps=None if kind == "layer" else 5)
    x = rng.standard_normal((5, 3, 2))
    expected = unroll_normalised(params, x, None, "relu", eps=0.3).y
    assert (model.run(x, rng).y == expected).all()
    used = None if kind == "layer" else RunningStatistics(*model.buffers)
    expected = unroll_normalised(params, x, None, "relu", eps=0.3, statistics=used).y
    assert (model.forward(x) == expected).all()
    assert f"{kind}, relu, eps=0.3" in model.describe()


# --- what is refused ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init_normalised_params(1, 2, 3, np.random.default_rng(0), kind="group"), "group"),
        (lambda: NormalisedModel(make_params("batch", 1, 2, 3)), "steps is None"),
        (lambda: NormalisedModel(make_params("layer", 1, 2, 3), steps=3), "steps is given"),
        (lambda: batch_model(momentum=0.0), "momentum is 0.0"),
        (lambda: NormalisedModel(make_params("layer", 1, 2, 3)._replace(gain=np.ones(3))), "gain"),
        (lambda: NormalisedModel(tuple(make_params("layer", 1, 2, 3))), "params is a tuple"),
        (lambda: layer_norm_jacobians(make_params("batch", 1, 2, 3), None), "BatchNormParams"),
        (lambda: unroll_normalised(make_params("layer", 1, 2, 3), np.ones((2, 2, 1)),
                                   statistics=random_statistics(2, 2)), "with layer norm"),
        (lambda: unroll_normalised(make_params("batch", 1, 2, 3), np.ones((2, 2, 1)),
                                   statistics=random_statistics(2, 3)), r"mean_x has shape"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_trace_of_another_network_is_refused():
    layer, batch = (make_params(kind, 2, 4, 3) for kind in KINDS)
    assert isinstance(layer, LayerNormParams)
    assert isinstance(batch, BatchNormParams)
    trace = unroll_normalised(layer, np.ones((5, 3, 2)))
    with pytest.raises(ValueError, match="expected the parameters with which the trace was made"):
        normalised_gradients(batch, trace, np.ones((5, 3, 3)))
    with pytest.raises(ValueError, match="sizes"):
        normalised_gradients(make_params("layer", 2, 5, 3), trace, np.ones((5, 3, 3)))
    with pytest.raises(ValueError, match="dL_dy has shape"):
        normalised_gradients(layer, trace, np.ones((5, 1, 3)))
