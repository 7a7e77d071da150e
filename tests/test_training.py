"""The training loop: the same for NumPy and torch, whole after any interruption."""

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import warnings

import nbclient
import nbformat
import numpy as np
import pytest
import torch

import rnncourse.training as training
from rnncourse.cell import RNNParams, init_params
from rnncourse.checkpoints import load_checkpoint, save_checkpoint
from rnncourse.clipping import clip_by_value, gradient_norm
from rnncourse.history import History
from rnncourse.models import CHUNK, NumpyModel, TorchModel
from rnncourse.optim import SGD, Adam, AdamW, RMSProp
from rnncourse.tasks import SequenceTask, Split
from rnncourse.training import evaluate, fit
from rnncourse.unroll import unroll

T, D, N, K = 5, 3, 4, 2


def make_split(B: int, rng: np.random.Generator, loss: str) -> Split:
    x = rng.standard_normal((T, B, D))
    target = {
        "cross_entropy_last": (x.sum(axis=(0, 2)) > 0).astype(int),
        "cross_entropy": (x.sum(axis=2) > 0).astype(int),
        "squared_error": np.cumsum(x[:, :, :K], axis=0),
    }[loss]
    mask = None if loss == "cross_entropy_last" else rng.random((T, B)) < 0.8
    return Split(x, target, mask)


def make_task(loss="cross_entropy_last", sizes=(23, 11, 7), seed=0) -> SequenceTask:
    rng = np.random.default_rng(seed)
    return SequenceTask(*(make_split(B, rng, loss) for B in sizes), classes=K, loss_name=loss)


def make_model(seed=1, gain=1.0, activation="tanh") -> NumpyModel:
    return NumpyModel(init_params(D, N, K, np.random.default_rng(seed), gain=gain), activation)


def train(model=None, task=None, optimiser=None, *, seed=2, **options):
    options = {"batch_size": 4, "progress": False} | options
    if "steps" not in options:
        options.setdefault("epochs", 3)
    return fit(
        model or make_model(), task or make_task(), optimiser or Adam(0.01),
        rng=np.random.default_rng(seed), **options,
    )  # fmt: skip


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def without_times(history: History) -> dict:
    return {name: v for name, v in history.to_dict().items() if "seconds" not in name}


class Elman(torch.nn.Module):
    """torch's own RNN with a readout, from our weights (torch has a second bias: zero, frozen)."""

    def __init__(self, params: RNNParams | None = None, dropout=0.0, batch_norm=False):
        super().__init__()
        self.rnn, self.readout = torch.nn.RNN(D, N), torch.nn.Linear(N, K)
        self.dropout = torch.nn.Dropout(dropout)
        self.norm = torch.nn.BatchNorm1d(N) if batch_norm else None
        self.double()
        if params is not None:
            arrays = (params.W_xh, params.W_hh, params.b_h, 0 * params.b_h, params.W_hy, params.b_y)
            leaves = [*self.rnn.parameters(), *self.readout.parameters()]
            with torch.no_grad():
                for leaf, array in zip(leaves, arrays, strict=True):
                    leaf.copy_(torch.from_numpy(array))
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, x):
        h = self.dropout(self.rnn(x)[0])
        if self.norm is not None:
            h = self.norm(h.transpose(1, 2)).transpose(1, 2)
        return self.readout(h)


# --- what a step does ---


def test_a_run_is_the_three_line_loop():
    task, model, optimiser = make_task(), make_model(), SGD(0.1, momentum=0.5)
    rng = np.random.default_rng(2)
    rng.integers(2**62)  # the seed of the model's own randomness
    params, state = model.params, optimiser.init(model.params)
    for _ in range(3):
        order = rng.permutation(23)
        for start in range(0, 23, 4):
            batch = task.train.take(order[start : start + 4])
            _, gradients = NumpyModel(params).loss_and_gradients(task, batch)
            params, state = optimiser.step(params, gradients, state)
    result = train(model, task, optimiser)
    assert same(result.model.params, params)
    assert result.stopped == "finished: 3 epochs, 18 steps"  # five batches of 4 and one of 3


def test_every_example_is_used_once_an_epoch_and_the_last_batch_may_be_short(monkeypatch):
    task, seen = make_task(), []
    original = NumpyModel.loss_and_gradients

    def spy(self, task, split, seed=None):
        seen.append(split.x[0, :, 0])
        return original(self, task, split, seed)

    monkeypatch.setattr(NumpyModel, "loss_and_gradients", spy)
    train(task=task, epochs=2)
    assert [len(batch) for batch in seen] == [4, 4, 4, 4, 4, 3] * 2
    first, second = np.concatenate(seen[:6]), np.concatenate(seen[6:])
    assert same(np.sort(first)[None], np.sort(task.train.x[0, :, 0])[None])
    assert same(np.sort(first)[None], np.sort(second)[None])
    assert not same(first[None], second[None])


def test_the_model_that_is_passed_in_stays_as_it_is():
    for model in (make_model(), TorchModel(Elman(batch_norm=True))):
        before = [p.copy() for p in (*model.params, *model.buffers)]
        result = train(model)
        assert same((*model.params, *model.buffers), before)
        assert not same(result.model.params, model.params)


def test_the_gradient_norm_of_the_history_is_the_one_before_clipping():
    model, task = make_model(), make_task()
    free, tight = train(steps=1), train(steps=1, clip=0.01)
    assert free.history.gradient_norm[0] == pytest.approx(tight.history.gradient_norm[0], rel=1e-14)
    rng = np.random.default_rng(2)
    rng.integers(2**62)
    batch = task.train.take(rng.permutation(23)[:4])
    expected = gradient_norm(model.loss_and_gradients(task, batch)[1])
    assert tight.history.gradient_norm[0] == pytest.approx(expected, rel=1e-14)
    assert (free.history.share_clipped, tight.history.share_clipped) == (0, 1)


def test_a_clipped_step_of_plain_descent_has_the_length_rate_times_threshold():
    model = make_model()
    result = train(model, optimiser=SGD(0.5), steps=1, clip=0.01)
    moved = [a - b for a, b in zip(result.model.params, model.params, strict=True)]
    assert gradient_norm(moved) == pytest.approx(0.5 * 0.01, rel=1e-6)


def test_a_function_may_clip():
    clip = functools.partial(clip_by_value, threshold=1e-3)
    result = train(optimiser=SGD(1.0), steps=1, clip=clip)
    moved = [a - b for a, b in zip(result.model.params, make_model().params, strict=True)]
    assert max(np.abs(m).max() for m in moved) == pytest.approx(1e-3)


def test_the_schedule_gives_the_rate_of_each_step():
    result = train(schedule=lambda step: 0.1 / (1 + step), optimiser=SGD(7.0), steps=4)
    np.testing.assert_allclose(result.history.rate, [0.1, 0.05, 0.1 / 3, 0.025])
    by_hand = train(optimiser=SGD(0.1), steps=1)
    assert same(train(schedule=lambda _: 0.1, optimiser=SGD(7.0), steps=1).model.params,
                by_hand.model.params)  # fmt: skip


@pytest.mark.parametrize("loss", ["cross_entropy_last", "cross_entropy", "squared_error"])
@pytest.mark.parametrize("optimiser", [SGD(0.1, momentum=0.9), RMSProp(0.01), Adam(0.01)])
def test_torch_and_numpy_train_to_the_same_weights(loss, optimiser):
    model, task = make_model(), make_task(loss)
    ours = train(model, task, optimiser, clip=0.5)
    theirs = train(TorchModel(Elman(model.params)), task, optimiser, clip=0.5)
    assert 0 < ours.history.clipped.sum()
    W_xh, W_hh, b_h, W_hy, b_y = theirs.model.params
    for own, other in zip(ours.model.params, (W_xh, W_hh, W_hy, b_h, b_y), strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.history.loss, theirs.history.loss, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        ours.history.validation_loss, theirs.history.validation_loss, rtol=0, atol=1e-10
    )


# --- evaluation ---


def test_the_history_holds_the_loss_of_the_weights_at_the_end_of_the_epoch():
    task = make_task()
    result = train(task=task)
    loss, metric = evaluate(result.model, task, "validation")
    assert result.history.validation_loss[-1] == loss
    assert result.history.validation_metric[-1] == metric
    shown = task.train.take(np.linspace(0, 22, 11).astype(int))
    assert result.history.train_loss[-1] == evaluate(result.model, task, shown).loss
    assert result.history.epoch_end.tolist() == [6, 12, 18]


def test_outputs_in_parts_are_the_outputs_at_once():
    model = make_model()
    x = np.random.default_rng(0).standard_normal((T, CHUNK + 3, D))
    np.testing.assert_allclose(model.forward(x), unroll(model.params, x).y, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_fit_never_reads_the_test_split(kind):
    model = make_model()
    model = TorchModel(Elman(model.params)) if kind == "torch" else model
    task = make_task()
    poison = Split(np.full_like(task.test.x, np.nan), np.full_like(task.test.target, -9))
    result = train(model, task._replace(test=poison), patience=2)
    assert same(result.model.params, train(model, task, patience=2).model.params)
    without = train(model, task._replace(test=None), patience=2)
    assert same(result.model.params, without.model.params)


def test_dropout_acts_in_training_and_not_in_evaluation():
    task, model = make_task(), TorchModel(Elman(dropout=0.5))
    assert same([model.forward(task.train.x)], [model.forward(task.train.x)])
    losses = {model.loss_and_gradients(task, task.train, seed=s)[0] for s in range(3)}
    assert len(losses) == 3
    model.module.eval()  # however it was left
    assert model.loss_and_gradients(task, task.train, seed=1)[0] in losses


def test_the_same_seed_gives_the_same_dropout_and_leaves_torchs_generator_alone():
    model, before = TorchModel(Elman(dropout=0.5)), torch.get_rng_state()
    one, other = train(model), train(model)
    assert same(one.model.params, other.model.params)
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(one.model.params, train(model, seed=3).model.params)


# --- early stopping ---


def overfitting():
    """Labels without a rule: the validation loss falls, if at all, at the very beginning."""
    rng = np.random.default_rng(5)
    task = make_task(sizes=(12, 40, 3))
    return task._replace(train=task.train._replace(target=rng.integers(0, K, 12)))


@pytest.mark.parametrize("make", [make_model, lambda: TorchModel(Elman(batch_norm=True))])
def test_early_stopping_returns_the_weights_of_the_best_epoch(make):
    task, model = overfitting(), make()
    result = train(model, task, Adam(0.05), epochs=200, patience=4)
    losses, best = result.history.validation_loss, result.history.best_epoch
    assert result.stopped.startswith("early stopping")
    assert f"after epoch {best + 1}" in result.stopped
    assert len(losses) == best + 1 + 4
    assert evaluate(result.model, task, "validation").loss == losses.min() < losses[-1]


def test_without_patience_the_last_weights_are_returned():
    task = overfitting()
    result = train(task=task, optimiser=Adam(0.05), epochs=40)
    assert evaluate(result.model, task, "validation").loss == result.history.validation_loss[-1]


def test_training_ends_at_the_first_epoch_that_is_good_enough(tmp_path):
    whole = train(optimiser=Adam(0.02), epochs=12).history
    wanted = np.sort(whole.validation_loss)[6]
    first = int(np.argmax(whole.validation_loss <= wanted)) + 1
    path = tmp_path / "run"
    options = {"optimiser": Adam(0.02), "epochs": 12, "checkpoint": path}
    result = train(until=lambda seen: seen.loss <= wanted, **options)
    assert len(result.history.validation_loss) == first < 12
    assert result.stopped.startswith(f"reached after {first} epochs")
    again = train(until=lambda seen: seen.loss <= wanted, **options)  # resumed, there already
    assert again.stopped == result.stopped
    assert same(again.model.params, result.model.params)
    with pytest.raises(TypeError, match=r"until is 0\.9; expected a function"):
        train(until=0.9)


class Renewal:
    """Fresh data for each epoch, with a record of what was drawn."""

    def __init__(self):
        self.drawn = []

    def __call__(self, rng):
        x = rng.standard_normal(make_task().train.x.shape)
        split = make_task().train._replace(x=x)
        self.drawn.append(x)
        return split


def test_renewed_data_are_new_in_every_epoch_and_the_tasks_own_are_not_trained_on():
    task, renewal = make_task(), Renewal()
    result = train(task=task, epochs=3, renew=renewal)
    assert len(renewal.drawn) == 3
    assert not any(same([a], [b]) for a, b in itertools.combinations(renewal.drawn, 2))
    other = task.train._replace(target=task.train.target[::-1].copy())
    again = train(task=task._replace(train=other), epochs=3, renew=Renewal())
    assert same(again.model.params, result.model.params)
    with pytest.raises(ValueError, match=r"renew gave \(.*\); expected a Split with x of shape"):
        train(renew=lambda rng: task.train.take(np.arange(3)))
    with pytest.raises(TypeError, match="renew is 3; expected a function"):
        train(renew=3)


def test_a_run_on_renewed_data_is_resumed_inside_an_epoch(tmp_path):
    whole = train(steps=7, renew=Renewal())
    train(steps=4, renew=Renewal(), checkpoint=tmp_path / "run")
    resumed = train(steps=7, renew=Renewal(), checkpoint=tmp_path / "run")
    assert same(resumed.model.params, whole.model.params)


# --- divergence ---


def test_a_divergence_stops_and_keeps_the_best_validated_weights():
    task, model = make_task("squared_error"), make_model(activation="identity")
    good = train(model, task, SGD(1e-3), epochs=2)
    jump = lambda step: 1e-3 if step < 12 else 1e200  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = train(model, task, SGD(1e-3), epochs=9, schedule=jump)
    assert result.stopped.startswith("diverged at step 1")
    assert "learning rate" in result.stopped
    assert "clip" in result.stopped
    assert "data" in result.stopped
    assert "after epoch 2" in result.stopped
    assert same(result.model.params, good.model.params)


def test_a_divergence_before_the_first_validation_keeps_the_given_weights():
    task, model = make_task("squared_error"), make_model(activation="relu")
    result = train(model, task, SGD(1e150), epochs=2)
    assert "diverged" in result.stopped
    assert same(result.model.params, model.params)
    assert len(result.history) == 0


def test_a_loss_that_is_nan_says_at_which_step(monkeypatch):
    original, calls = NumpyModel.loss_and_gradients, []

    def fails_once(self, task, split, seed=None):
        calls.append(1)
        value, gradients = original(self, task, split, seed)
        return (np.nan if len(calls) == 9 else value), gradients

    monkeypatch.setattr(NumpyModel, "loss_and_gradients", fails_once)
    result = train()
    assert result.stopped.startswith("diverged at step 8: the loss is nan.")
    assert np.isnan(result.history.loss[8])
    assert result.history.steps == 9


def test_a_validation_loss_that_is_not_finite_is_a_divergence(monkeypatch):
    results = iter([1.0, 0.5, 1.0, np.inf])
    monkeypatch.setattr(training, "evaluate", lambda *_: training.Evaluation(next(results), 0.0))
    result = train()
    assert result.stopped.startswith("diverged at step 12: the validation loss is inf")
    assert "after epoch 1" in result.stopped


def test_missing_values_in_the_data_are_refused_before_the_first_step():
    task = make_task()
    task.train.x[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"task\.train\.x has 1 entries that are nan"):
        train(task=task)


def test_a_run_that_ends_inside_an_epoch_is_validated_there():
    result = train(steps=8)
    assert result.history.epoch_end.tolist() == [6, 8]
    loss = evaluate(result.model, make_task(), "validation").loss
    assert result.history.validation_loss[-1] == loss


# --- interrupts ---


@pytest.mark.parametrize("patience", [None, 5])
def test_an_interrupt_returns_what_was_trained_so_far(monkeypatch, tmp_path, patience):
    whole = train(steps=8)
    full = train(patience=patience)
    original, calls = NumpyModel.loss_and_gradients, []

    def interrupted(self, task, split, seed=None):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return original(self, task, split, seed)

    path = tmp_path / "run.npz"
    with monkeypatch.context() as patch:
        patch.setattr(NumpyModel, "loss_and_gradients", interrupted)
        result = train(checkpoint=path, patience=patience)
    assert result.stopped == "interrupted after 8 of 18 steps"
    assert result.history.steps == 8
    expected = whole if patience is None else train(steps=6)  # the one that was validated
    assert same(result.model.params, expected.model.params)
    assert same(train(checkpoint=path, patience=patience).model.params, full.model.params)


# --- checkpoints ---

MODELS = {
    "numpy": make_model,
    "dropout": lambda: TorchModel(seeded(dropout=0.5)),
    "batch norm": lambda: TorchModel(seeded(batch_norm=True)),
}
OPTIMISERS = [SGD(0.1, momentum=0.9), RMSProp(0.01), Adam(0.01), AdamW(0.01)]


def seeded(**options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Elman(**options)


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("name", MODELS)
def test_a_run_continued_from_any_step_is_the_uninterrupted_one(tmp_path, name, optimiser):
    whole = train(MODELS[name](), optimiser=optimiser, patience=9)
    for step in (1, 6, 10, 12, 17):
        path = tmp_path / f"{step}.npz"
        train(MODELS[name](), optimiser=optimiser, patience=9, steps=step, checkpoint=path)
        rest = train(MODELS[name](), optimiser=optimiser, patience=9, checkpoint=path)
        assert same(rest.model.params, whole.model.params)
        assert same(rest.model.buffers, whole.model.buffers)
        assert without_times(rest.history) == without_times(whole.history)
        assert rest.stopped == whole.stopped


def test_a_finished_run_is_returned_and_can_be_extended(tmp_path):
    path = tmp_path / "run.npz"
    first, again = train(checkpoint=path), train(checkpoint=path)
    assert same(first.model.params, again.model.params)
    longer = train(checkpoint=path, epochs=5)
    assert same(longer.model.params, train(epochs=5).model.params)
    with pytest.raises(ValueError, match="holds 30 steps, more than the 18 asked for"):
        train(checkpoint=path)


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    options = {"task": overfitting(), "optimiser": Adam(0.05), "epochs": 200, "patience": 4}
    first = train(**options, checkpoint=tmp_path / "run.npz")
    again = train(**options, checkpoint=tmp_path / "run.npz")
    assert again.stopped == first.stopped
    assert same(again.model.params, first.model.params)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"batch_size": 5}, "batch_size was 4, here it is 5"),
        ({"optimiser": Adam(0.02)}, "optimiser was"),
        ({"seed": 3}, "its rng started in another state"),
        ({"model": make_model(seed=9)}, "initial weights"),
        ({"model": make_model(activation="relu")}, "model was"),
        ({"task": make_task(seed=9)}, "training data"),
        ({"clip": 1.0}, "clip was None, here it is 1.0"),
        ({"patience": 3}, "patience was None"),
        ({"schedule": lambda step: 0.01 / (1 + step)}, "schedule gave the rate 0.01 at step 1"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_and_left_as_it_is(tmp_path, change, word):
    path = tmp_path / "run.npz"
    train(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"belongs to another run.*{word}"):
        train(checkpoint=path, **change)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"my thesis", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_checkpoint_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint of a training run"):
        train(checkpoint=path)
    assert path.read_bytes() == content


def test_a_file_with_python_objects_is_not_opened(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, facts=np.array([{"format": "anything"}], dtype=object))
    with pytest.raises(ValueError, match="is no checkpoint"):
        train(checkpoint=path)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    save_checkpoint(path, {"W": np.ones(2)}, {"step": 1})

    def half(file, **arrays):
        file.write(b"PK half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, {"W": np.zeros(2)}, {"step": 2})
    assert load_checkpoint(path)[1] == {"step": 1}


VICTIM = """
import os, signal, sys
import numpy as np
sys.path[:0] = {paths!r}
import rnncourse.checkpoints as checkpoints
from test_training import train
calls, at, where = [0], int(sys.argv[2]), sys.argv[3]
def kill_at(place):
    if place == where:
        calls[0] += 1
        if calls[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
savez, replace, fsync = np.savez, os.replace, os.fsync
def slow_savez(file, **arrays):
    class Cut:
        def write(self, data):
            kill_at("write")
            return file.write(data)
        def __getattr__(self, name):
            return getattr(file, name)
    return savez(Cut() if where == "write" else file, **arrays)
def killed_replace(*names):
    kill_at("before replace"); replace(*names); kill_at("after replace")
np.savez, os.replace = slow_savez, killed_replace
from rnncourse.models import NumpyModel
step = NumpyModel.loss_and_gradients
def killed_step(*args, **options):
    kill_at("step")
    return step(*args, **options)
NumpyModel.loss_and_gradients = killed_step
train(checkpoint=sys.argv[1], checkpoint_every=2)
print("done")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_at_any_moment_ends_at_the_same_bits(tmp_path, seed):
    path, whole = tmp_path / "run.npz", train()
    here = os.path.dirname(__file__)
    script = VICTIM.format(paths=[here, os.path.dirname(here)])
    rng = np.random.default_rng(seed)
    moments = [("step", int(rng.integers(1, 6))), ("write", int(rng.integers(1, 80))),
               ("before replace", int(rng.integers(1, 4))), ("after replace", 1)]  # fmt: skip
    for where, at in moments:
        command = [sys.executable, "-c", script, str(path), str(at), where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == -signal.SIGKILL, (where, at, done.stdout, done.stderr)
        if path.exists():
            load_checkpoint(path)  # whole
    assert load_checkpoint(path)[1]["step"] < 18
    rest = train(checkpoint=path, checkpoint_every=2)
    assert same(rest.model.params, whole.model.params), moments
    assert without_times(rest.history) == without_times(whole.history)


# --- history, bar, arguments ---


def test_a_history_survives_the_journey_through_json():
    history = train(clip=0.1).history
    back = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert back.to_dict() == history.to_dict()
    assert {n: v.dtype for n, v in vars(back).items()} == {
        n: v.dtype for n, v in vars(history).items()
    }
    assert len(history) == 3
    assert history.steps == 18


def test_the_bar_leaves_an_empty_line_and_without_progress_nothing(capsys):
    train(progress=True)
    text = capsys.readouterr()
    assert text.out == ""
    assert "18" in text.err
    assert text.err.split("\r")[-1].strip() == text.err.split("\r")[-2].strip() == ""
    train()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": None}, "epochs is None and steps is None; expected one of the two"),
        ({"epochs": 2, "steps": 3}, "epochs is 2 and steps is 3; expected one of the two"),
        ({"epochs": 0}, "epochs is 0; expected a whole number"),
        ({"batch_size": 2.0}, "batch_size is 2.0; expected a whole number"),
        ({"patience": -1}, "patience is -1"),
        ({"clip": 0}, "clip is 0; expected a norm above 0"),
        ({"clip": "norm"}, "clip is 'norm'"),
        ({"schedule": 0.1}, "schedule is 0.1; expected a function"),
        ({"checkpoint_every": 3}, "checkpoint_every is given without checkpoint"),
        ({"checkpoint": "no/such/folder/run.npz"}, "expected a file in a folder that exists"),
    ],
)
def test_a_wrong_argument_is_refused_in_words(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        train(**options)


def test_a_wrong_rng_split_or_module_is_refused_in_words():
    with pytest.raises(TypeError, match=r"rng is 0; expected a Generator"):
        fit(make_model(), make_task(), Adam(0.1), epochs=1, rng=0)
    with pytest.raises(ValueError, match="split is 'exam'"):
        evaluate(make_model(), make_task(), "exam")
    with pytest.raises(TypeError, match="module is a RNNParams"):
        TorchModel(make_model().params)
    with pytest.raises(TypeError, match=r"returned a tuple; expected one tensor \(T, B, K\)"):
        TorchModel(torch.nn.RNN(D, N).double()).forward(np.ones((T, 2, D)))
    with pytest.raises(TypeError, match="x has dtype float64, the other arrays float32"):
        TorchModel(torch.nn.Linear(D, K)).forward(np.ones((T, 2, D)))
    with pytest.raises(ValueError, match="nothing to train"):
        TorchModel(torch.nn.Tanh())


# --- in a notebook ---

CELL = """\
from rnncourse.progress import Bar
print("before")
bar = Bar(3)
for _ in range(3):
    bar.update()
bar.close()
print("after")"""


def test_in_a_notebook_the_bar_leaves_no_text_and_no_widget():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    client = nbclient.NotebookClient(
        notebook, store_widget_state=False, extra_arguments=["--log-level=ERROR"]
    )
    outputs = client.execute().cells[0].outputs
    assert "".join(o.get("text", "") for o in outputs) == "before\nafter\n"
    assert all(o.data == {} for o in outputs if o.output_type != "stream")
