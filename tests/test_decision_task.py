"""The perceptual decision task: what is shown, what is asked, and that it is learnt."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.optimizer import register_optimizer_step_pre_hook

from rnncourse.composite_loss import RNNLoss
from rnncourse.ctrnn import CTRNN
from rnncourse.decision_task import (
    COHERENCES,
    Trials,
    best_share_correct,
    choices,
    decision_epochs,
    decision_network,
    decision_trials,
    principal_paths,
    psychometric,
    run_decision,
    share_correct,
    train_decision,
)

SHORT = {"fixation": 20.0, "stimulus": 60.0, "decision": 40.0}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def made(n: int = 7, seed: int = 0, **more) -> Trials:
    return decision_trials(n, **{"dt": 20.0, "rng": rng(seed)} | more)


# --- trials ---


@given(dt=st.sampled_from((1.0, 2.5, 10.0, 20.0, 25.0, 50.0, 100.0)))
def test_epochs_follow_each_other_and_fill_the_trial(dt):
    epochs, T = decision_epochs(dt)
    assert list(epochs) == ["fixation", "stimulus", "decision"]
    lengths = [(e.stop - e.start) * dt for e in epochs.values()]
    assert lengths == [100, 800, 300]
    steps = [t for e in epochs.values() for t in range(e.start, e.stop)]
    assert steps == list(range(T))


@pytest.mark.equation("7.25")
@pytest.mark.equation("7.26")
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 9), seed=st.integers(0, 10**6), dt=st.sampled_from((10.0, 20.0, 50.0)))
def test_without_noise_inputs_and_targets_are_those_of_the_definition(n, seed, dt):
    trials = made(n, seed, dt=dt, sigma_in=0.0, dtype=np.float64)
    T = round(1200 / dt)
    assert trials.x.shape == trials.target.shape == (T, n, 2)
    for b in range(n):
        c, right = abs(trials.coherence[b]), trials.choice[b]
        assert c in COHERENCES
        assert (trials.coherence[b] > 0) == (right == 1)
        for t in range(T):
            ms = (t + 0.5) * dt
            stimulus, decision = 100 < ms < 900, ms > 900
            for k in (0, 1):
                s = (1 + (1 if k == right else -1) * 3.2 * c / 100) / 2 if stimulus else 0
                assert trials.x[t, b, k] == pytest.approx(0.2 + s, abs=1e-14)
                if not stimulus:
                    assert trials.target[t, b, k] == (1.0 if decision and k == right else 0.2)
            assert trials.mask[t, b] == (not stimulus)


@pytest.mark.equation("7.25")
@pytest.mark.parametrize("dt", [5.0, 20.0, 100.0])
def test_a_leaky_neuron_makes_of_the_noise_the_same_deviation_for_every_dt(dt):
    long = {"fixation": 100.0, "stimulus": 20_000.0, "decision": 100.0}
    trials = made(40, 1, dt=dt, durations=long, coherences=[0], dtype=np.float64)
    alpha, v, states = dt / 100, 0.7 * np.ones((40, 2)), []
    for x in trials.x[trials.epochs["stimulus"]]:
        v = (1 - alpha) * v + alpha * x
        states.append(v)
    spread = np.std(states[int(1000 / dt) :])
    # variance of the leaky unit: σ² / (1 - α/2), which is 7.6
    assert spread == pytest.approx(0.01 / np.sqrt(1 - alpha / 2), rel=0.03)
    noise = trials.x[trials.epochs["stimulus"]] - 0.7
    assert noise.std() == pytest.approx(np.sqrt(2 / alpha) * 0.01, rel=0.03)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.1


@pytest.mark.equation("7.25")
def test_no_input_is_negative():
    x = made(50, sigma_in=1.0).x
    assert x.min() == 0
    assert (x == 0).mean() > 0.1


@settings(deadline=None)
@given(n=st.integers(1, 47), seed=st.integers(0, 10**6))
def test_conditions_are_as_equally_frequent_as_they_can_be(n, seed):
    trials = made(n, seed, coherences=[1, 4, 9], dt=100.0)
    kinds = [(c, k) for c in (1, 4, 9) for k in (0, 1)]
    counts = [((abs(trials.coherence) == c) & (trials.choice == k)).sum() for c, k in kinds]
    assert sum(counts) == n
    assert max(counts) - min(counts) <= 1


def test_the_order_of_conditions_is_random():
    """No condition has its own place in the batch, and those left over are not always the same."""
    firsts = {float(made(12, seed, dt=100.0).coherence[0]) for seed in range(150)}
    assert len(firsts) == 10
    single = {float(made(1, seed, dt=100.0).coherence[0]) for seed in range(150)}
    assert len(single) == 10
    runs = [np.abs(np.diff(made(20, seed, dt=100.0).choice)).sum() for seed in range(50)]
    assert len(set(runs)) > 3
    two_rounds = made(20, 0, dt=100.0).coherence.reshape(2, 10)
    assert (two_rounds[0] != two_rounds[1]).any()  # the second round has an order of its own


def test_the_seed_decides_everything():
    for one, other in zip(made(seed=3)[:5], made(seed=3)[:5], strict=True):
        np.testing.assert_array_equal(one, other)
    assert (made(seed=3).x != made(seed=4).x).any()


def test_the_dtype_is_the_one_asked_for():
    for dtype in (np.float32, np.float64):
        assert made(dtype=dtype).x.dtype == made(dtype=dtype).target.dtype == dtype


@pytest.mark.equation("7.31")
@pytest.mark.parametrize("dt", [10.0, 50.0])
def test_who_sums_the_difference_of_the_inputs_is_as_good_as_one_can_be(dt):
    more = {"sigma_in": 0.05, "coherences": [1, 2, 4]}
    trials = made(12_000, 5, dt=dt, **more)
    sums = trials.x[trials.epochs["stimulus"]].sum(axis=0)
    curve = psychometric((sums[:, 1] > sums[:, 0]).astype(int), trials)
    best = best_share_correct(curve.coherence, sigma_in=0.05)
    assert best[0] < 0.85  # so that there is something to see
    np.testing.assert_allclose(curve.share_correct, best, atol=0.02)


def test_at_the_published_noise_the_inputs_alone_decide_every_trial():
    assert best_share_correct(np.array([1.0]))[0] > 0.99999


# --- choices ---


@pytest.mark.equation("7.27")
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_the_choice_is_the_output_that_is_larger_on_average_in_the_decision_epoch(n, seed):
    trials = made(n, seed, durations=SHORT)
    pred = rng(seed).standard_normal(trials.x.shape)
    for b, chosen in enumerate(choices(pred, trials)):
        left = sum(pred[t, b, 0] for t in (4, 5))
        right = sum(pred[t, b, 1] for t in (4, 5))
        assert chosen == (right > left)


def test_what_happens_before_the_decision_epoch_does_not_count():
    trials = made(6)
    pred = trials.target.copy()
    pred[: trials.epochs["decision"].start] = 100 * (1 - trials.target[-1])
    assert share_correct(pred, trials) == 1
    pred[trials.epochs["decision"]] *= -1
    assert share_correct(pred, trials) == 0


@pytest.mark.equation("7.30")
@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 60), seed=st.integers(0, 10**6))
def test_the_psychometric_curve_counts_choices(n, seed):
    trials = made(n, seed, dt=100.0, coherences=[0, 1, 4, 16])
    chosen = rng(seed + 1).integers(0, 2, n)
    curve = psychometric(chosen, trials)
    assert list(curve.signed) == sorted({float(c) for c in trials.coherence})
    assert list(curve.coherence) == sorted({abs(float(c)) for c in trials.coherence})
    for c, share in zip(curve.signed, curve.share_right, strict=True):
        here = [b for b in range(n) if trials.coherence[b] == c]
        assert share == pytest.approx(sum(chosen[b] == 1 for b in here) / len(here), abs=1e-15)
    for c, p, se in zip(curve.coherence, curve.share_correct, curve.standard_error, strict=True):
        here = [b for b in range(n) if abs(trials.coherence[b]) == c]
        right = [chosen[b] == trials.choice[b] for b in here]
        assert p == pytest.approx(np.mean(right), abs=1e-15)
        assert se == pytest.approx(np.std(right) / np.sqrt(len(here)), abs=1e-12)


def test_the_standard_error_is_the_spread_of_the_share_over_repetitions():
    trials = made(100, coherences=[2], dt=100.0)
    draws = [np.where(rng(s).random(100) < 0.8, trials.choice, 1 - trials.choice)
             for s in range(400)]  # fmt: skip
    shares = [psychometric(d, trials).share_correct[0] for d in draws]
    assert np.std(shares) == pytest.approx(np.sqrt(0.8 * 0.2 / 100), rel=0.15)


# --- networks ---


def test_an_untrained_network_has_the_published_settings_and_the_asked_radius():
    model = decision_network(rng=rng())
    assert (model.sizes, model.dt, model.tau, model.sigma_pre) == ((2, 100, 2), 20, 100, 0.15)
    for rho_0, more in ((0.7, {}), (1.5, {"excitatory": 0.8})):
        model = decision_network(30, rng=rng(), rho_0=rho_0, **more)
        radius = np.abs(np.linalg.eigvals(model.W_hid.detach().numpy())).max()
        assert radius == pytest.approx(rho_0, rel=1e-4)
    again = decision_network(30, rng=rng(), rho_0=1.5, excitatory=0.8)
    assert torch.equal(again.W_hid, model.W_hid)


def test_a_run_is_noisy_exactly_if_it_is_given_a_source_of_noise():
    model, trials = decision_network(9, rng=rng()), made(3, durations=SHORT)
    for mode in (True, False):
        model.train(mode)
        quiet = [run_decision(model, trials, rng=None)[0] for _ in range(2)]
        np.testing.assert_array_equal(*quiet)
        one, same, other = (run_decision(model, trials, rng=rng(s))[1] for s in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()
        assert model.training == mode
    assert one.shape == (6, 3, 9)


def test_training_is_repeatable_and_returns_every_term_of_every_step():
    runs = []
    for seed in (0, 0, 1):
        model = decision_network(8, rng=rng())
        loss = RNNLoss(model, lambda_fr=0.1, lambda_hid=0.2)
        runs.append((train_decision(model, loss, steps=4, rng=rng(seed)), model.W_hid))
    (one, W), (same, W_same), (other, W_other) = runs
    np.testing.assert_array_equal(one.total, same.total)
    assert torch.equal(W, W_same)
    assert not torch.equal(W, W_other)
    assert (one.total != other.total).all()
    assert one.total.shape == one.gradient_norm.shape == (4,)
    assert set(one.components) == {"mse", "in", "hid", "out", "fr", "fr_sd", "fr_cv"}
    np.testing.assert_allclose(sum(one.components.values()), one.total, rtol=1e-6)
    assert (one.components["fr"] > 0).all()


def first_trials(seed: int, batch: int, **more) -> Trials:
    """The trials of the first update: the network's seed is drawn before them."""
    source = rng(seed)
    source.integers(2**62)
    return decision_trials(batch, dt=20.0, rng=source, **more)


@pytest.mark.equation("7.28")
def test_the_error_counts_scored_steps_and_the_rates_all_steps():
    model = decision_network(8, rng=rng(), sigma_pre=0.0)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    loss = RNNLoss(model, lambda_mse=2.0, lambda_fr=0.5)
    training = train_decision(model, loss, steps=1, rng=rng(5), batch=3)
    model.load_state_dict(before)
    trials = first_trials(5, 3)
    pred, rates = run_decision(model, trials, rng=None)
    T, B, K = pred.shape
    error = 0.0
    for t in range(T):
        if not trials.epochs["stimulus"].start <= t < trials.epochs["stimulus"].stop:
            error += ((pred[t] - trials.target[t]) ** 2).sum()
    assert training.components["mse"][0] == pytest.approx(2 * error / (B * T * K), rel=1e-5)
    assert training.components["fr"][0] == pytest.approx(0.5 * (rates**2).mean(), rel=1e-5)


def test_the_noise_of_the_network_is_on_in_training_whatever_its_mode():
    totals = []
    for mode, sigma in ((True, 0.3), (False, 0.3), (True, 0.0)):
        model = decision_network(8, rng=rng(), sigma_pre=sigma).train(mode)
        totals.append(train_decision(model, RNNLoss(model), steps=2, rng=rng()).total)
        assert model.training == mode
    np.testing.assert_array_equal(totals[0], totals[1])
    assert (totals[0] != totals[2]).all()


def first_update(max_norm: float, weight_decay: float = 0.0) -> tuple:
    """Norm of the gradient of the first step as reported, gradient as used, and Adam's step."""
    model = decision_network(8, rng=rng()).double()
    before = [p.detach().clone() for p in model.parameters()]
    training = train_decision(model, RNNLoss(model), steps=1, rng=rng(), max_norm=max_norm,
                              learning_rate=1e-3, weight_decay=weight_decay)  # fmt: skip
    gradient = torch.cat([p.grad.ravel() for p in model.parameters()])
    change = torch.cat([(p - b).ravel() for p, b in zip(model.parameters(), before, strict=True)])
    return training.gradient_norm[0], gradient, change.detach()


def test_the_gradient_is_scaled_down_to_the_norm_and_reported_as_it_was():
    norm, gradient, change = first_update(1e9)
    assert norm == pytest.approx(gradient.norm().item(), rel=1e-6)
    small, clipped, _ = first_update(norm / 4)
    assert small == pytest.approx(norm, rel=1e-6)
    assert clipped.norm().item() == pytest.approx(norm / 4, rel=1e-4)
    moved = gradient.abs() > 1e-4
    # the first step of Adam goes the learning rate against the sign
    torch.testing.assert_close(change[moved], -1e-3 * gradient[moved].sign(), rtol=1e-3, atol=0)


def test_weight_decay_reaches_the_optimiser():
    _, _, plain = first_update(1.0)
    _, _, decayed = first_update(1.0, weight_decay=10.0)
    assert (plain - decayed).abs().max() > 1e-4


def test_the_training_draws_its_trials_with_the_time_of_the_model():
    """dt and tau of the model are those of the trials: steps of a trial, and size of the noise."""
    seen = []
    model = decision_network(6, rng=rng(), dt=50.0, tau=200.0)
    model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    train_decision(model, RNNLoss(model), steps=1, rng=rng(), batch=400, coherences=[0.0])
    [x] = seen
    assert x.shape == (24, 400, 2)
    assert x[2:18].std().item() == pytest.approx(np.sqrt(2 * 200 / 50) * 0.01, rel=0.05)


def test_frozen_weights_stay_and_constraints_hold():
    learn = torch.zeros(8, 8, dtype=torch.bool)
    model = decision_network(8, rng=rng(), excitatory=0.75, learn_hid=learn)
    W, out = model.W_hid.detach().clone(), model.W_out.detach().clone()
    train_decision(model, RNNLoss(model), steps=3, rng=rng(), weight_decay=0.1)
    assert torch.equal(model.W_hid, W)
    assert not torch.equal(model.W_out, out)


@pytest.mark.equation("7.29")
def test_the_learning_rate_falls_linearly_from_its_start_towards_zero():
    seen = []
    hook = register_optimizer_step_pre_hook(
        lambda optimiser, *_: seen.append(optimiser.param_groups[0]["lr"])
    )
    try:
        model = decision_network(5, rng=rng())
        train_decision(model, RNNLoss(model), steps=4, rng=rng(), learning_rate=0.02, batch=1)
    finally:
        hook.remove()
    assert seen == pytest.approx([0.02, 0.015, 0.01, 0.005])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_300_updates_teach_the_task(seed):
    source = rng(seed)
    model = decision_network(rng=source)
    trials = made(1000, 99)
    before = share_correct(run_decision(model, trials, rng=rng(7))[0], trials)
    training = train_decision(model, RNNLoss(model), steps=300, rng=source)
    pred, _ = run_decision(model, trials, rng=rng(7))
    curve = psychometric(choices(pred, trials), trials)
    assert before < 0.8
    assert share_correct(pred, trials) > 0.85
    assert (np.diff(curve.share_correct) >= 0).all()
    assert curve.share_correct[0] > 0.6
    assert curve.share_correct[2] > 0.95
    assert curve.share_correct[-1] == 1
    assert training.total[-20:].mean() < training.total[:20].mean() / 4


# --- paths ---


@pytest.mark.equation("7.32")
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 9), N=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_paths_are_the_eigenvectors_of_the_covariance_of_the_means(n, N, seed):
    trials = made(n, seed, durations=SHORT, coherences=[2, 8])
    rates = rng(seed).standard_normal((6, n, N)) @ np.diag(3.0 ** np.arange(N))
    paths, share = principal_paths(rates, trials, components=N)
    signed = sorted(set(trials.coherence))
    means = [rates[:, [b for b in range(n) if trials.coherence[b] == c]].mean(axis=1)
             for c in signed]  # fmt: skip
    every = np.concatenate(means) - np.concatenate(means).mean(axis=0)
    C = every.T @ every / len(every)
    eigenvalues = np.linalg.eigvalsh(C)[::-1]
    z = np.concatenate([paths[c] for c in signed])
    assert list(paths) == signed
    np.testing.assert_allclose(z.T @ z / len(z), np.diag(eigenvalues), atol=1e-8 * eigenvalues[0])
    np.testing.assert_allclose(share, eigenvalues / eigenvalues.sum(), atol=1e-9)
    # a rotation: distances between all states are kept
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.linalg.norm(every, axis=1), rtol=1e-7)


def test_the_sign_of_a_path_does_not_depend_on_chance():
    trials = made(8, durations=SHORT, coherences=[2, 8])
    rates = np.zeros((6, 8, 3))
    rates[..., 1] = np.arange(6)[:, None]
    paths, share = principal_paths(rates, trials, components=1)
    assert share == pytest.approx([1.0])
    np.testing.assert_allclose(paths[8.0][:, 0], np.arange(6) - 2.5)


# --- bad input ---

MODEL = CTRNN(2, 3, 2)
TRIALS = made(4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: decision_epochs(0.0), ValueError, "dt is 0.0; expected a finite number above 0"),
        (lambda: decision_epochs(30.0), ValueError, "'fixation'.*choose a dt that divides"),
        (lambda: decision_epochs(200.0), ValueError, "whole number of steps, at least one"),
        (lambda: decision_epochs(20.0, {"fixation": 100.0}), ValueError, "durations names"),
        (lambda: made(durations=SHORT | {"stimulus": np.nan}), ValueError, "'stimulus'. is nan"),
        (lambda: made(0), ValueError, "n is 0; expected a whole number"),
        (lambda: made(2.5), ValueError, "n is 2.5"),
        (lambda: made(tau=-1.0), ValueError, "tau is -1.0"),
        (lambda: made(sigma_in=-0.1), ValueError, "sigma_in is -0.1"),
        (lambda: made(coherences=[]), ValueError, "at least one number"),
        (lambda: made(coherences=[-1]), ValueError, "from 0 to 31.25"),
        (lambda: made(coherences=[32]), ValueError, "from 0 to 31.25"),
        (lambda: best_share_correct(np.ones(1), sigma_in=0.0), ValueError, "sigma_in is 0.0"),
        (lambda: best_share_correct([1.0]), TypeError, "coherence is a list"),
        (lambda: choices(TRIALS.x[1:], TRIALS), ValueError, "T = 60"),
        (lambda: choices(TRIALS.x[:, :, :1], TRIALS), ValueError, "K = 2"),
        (lambda: psychometric(np.zeros(3, int), TRIALS), ValueError, "B = 4"),
        (lambda: psychometric(np.full(4, 2), TRIALS), ValueError, "expected only 0 and 1"),
        (lambda: psychometric(np.zeros(4), TRIALS), TypeError, "expected integers"),
        (lambda: run_decision(torch.nn.Linear(2, 2), TRIALS, rng=None), TypeError, "is a Linear"),
        (lambda: run_decision(CTRNN(3, 4, 2), TRIALS, rng=None), ValueError, "3 inputs"),
        (lambda: run_decision(CTRNN(2, 4, 2, batch_first=True), TRIALS, rng=None), ValueError,
         "batch_first=True"),
        (lambda: decision_network(4, rng=rng(), rho_0=0.0), ValueError, "rho_0 is 0.0"),
        (lambda: train_decision(MODEL, RNNLoss(MODEL), steps=1, rng=rng(), learning_rate=0.0),
         ValueError, "learning_rate is 0.0"),
        (lambda: train_decision(MODEL, RNNLoss(MODEL), steps=1, rng=rng(), max_norm=-1.0),
         ValueError, "max_norm is -1.0"),
        (lambda: train_decision(MODEL, RNNLoss(MODEL), steps=0, rng=rng()), ValueError, "steps is"),
        (lambda: train_decision(MODEL, RNNLoss(decision_network(5, rng=rng())), steps=1,
                                rng=rng()), ValueError, "of another model"),
        (lambda: principal_paths(TRIALS.x, TRIALS, 3), ValueError, "components is 3; .* 1 to 2"),
        (lambda: principal_paths(TRIALS.x[1:], TRIALS), ValueError, "T = 60"),
        (lambda: principal_paths(np.ones((60, 4, 3)), TRIALS), ValueError, "do not vary"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_training_that_diverges_stops_with_a_reason():
    model = decision_network(5, rng=rng())
    model.set_weights(W_hid=1e6 * torch.ones(5, 5))
    with pytest.raises(FloatingPointError, match="step 0 of 3: the training diverged"):
        train_decision(model, RNNLoss(model), steps=3, rng=rng())
