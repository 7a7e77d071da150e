"""The one training loop: mini-batches, validation, early stopping, checkpoints, divergence."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncourse.checkpoints import digest, leaves, load_checkpoint, rebuild, save_checkpoint
from rnncourse.clipping import Clipped, NonFiniteGradient, clip_by_norm, gradient_norm
from rnncourse.history import History
from rnncourse.models import Model
from rnncourse.progress import Bar
from rnncourse.tasks import SequenceTask, Split
from rnncourse.validation import check_array

CAUSES = (
    "Usual causes: a learning rate that is too large, gradients that are not clipped, data that "
    "are not scaled or hold a wrong value."
)


class Evaluation(NamedTuple):
    """Loss and metric of a model on one split.

    Parameters
    ----------
    loss : float
        The task's mean loss.
    metric : float
        The task's metric: share of right answers, or mean squared error.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> Evaluation(2.3, 0.1).metric
    0.1
    """

    loss: float
    metric: float


class Result(NamedTuple):
    """What `fit` returns.

    Parameters
    ----------
    model : Model
        The trained model; the one that was passed in is as it was.
    history : History
        What the run was like.
    stopped : str
        Why it ended, a sentence that begins with ``finished``, ``early stopping``, ``diverged``
        or ``interrupted``.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> Result._fields
    ('model', 'history', 'stopped')
    """

    model: Model
    history: History
    stopped: str


def evaluate(model: Model, task: SequenceTask, split: Split | str) -> Evaluation:
    """Measure a model on a split, as in use: no dropout, no update.

    Parameters
    ----------
    model : Model
        `NumpyModel`, `TorchModel` or one of your own.
    task : SequenceTask
        Whose loss and metric count.
    split : Split or {"train", "validation", "test"}
        The examples, or the name of the task's split.

    Returns
    -------
    Evaluation
        Loss and metric; both nan if an output is not finite.

    Raises
    ------
    TypeError, ValueError
        If the split does not fit the model.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.models import NumpyModel
    >>> from rnncourse.tasks import digits
    >>> params = init_params(8, 16, 10, np.random.default_rng(0), dtype=np.float32)
    >>> evaluate(NumpyModel(params), digits("row"), "validation").metric < 0.3   # untrained
    True
    """
    if isinstance(split, str):
        if split not in ("train", "validation", "test"):
            raise ValueError(f"split is {split!r}; expected 'train', 'validation' or 'test'.")
        split = getattr(task, split)
    y = model.forward(split.x)
    if not np.isfinite(y).all():
        return Evaluation(np.nan, np.nan)
    with np.errstate(over="ignore"):
        return Evaluation(float(task.loss(y, split).value), float(task.metric(y, split)))


class _Run(NamedTuple):
    """Where a run stands between two steps; it is replaced as a whole, so never half done."""

    params: tuple
    buffers: tuple
    state: Any  # of the optimiser
    order: np.ndarray  # the epoch's permutation of the training examples
    position: int  # how many of them have been used
    rng_state: dict
    step: int
    epochs: tuple  # rows of the history
    best: tuple | None  # (params, buffers) at the least validation loss
    best_loss: float
    waited: int  # epochs since then
    seconds: float  # of the epoch so far


def fit(
    model: Model,
    task: SequenceTask,
    optimiser: Any,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    clip: float | Callable[[Sequence[np.ndarray]], Clipped] | None = None,
    schedule: Callable[[int], float] | None = None,
    rng: np.random.Generator,
    patience: int | None = None,
    until: Callable[[Evaluation], bool] | None = None,
    renew: Callable[[np.random.Generator], Split] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> Result:
    """Train a model on a task's training split, and validate it after every epoch.

    Parameters
    ----------
    model : Model
        `NumpyModel`, `TorchModel` or one of your own. A copy is trained.
    task : SequenceTask
        Gives the training and the validation split, and the loss. The test split is not read.
    optimiser : SGD, RMSProp, Adam or AdamW
        From `rnncourse.optim`; works on every model.
    epochs, steps : int
        How long to train; give one of the two. An epoch uses every training example once, in a
        new random order; its last mini-batch holds what is left, and may be smaller.
    batch_size : int
        Sequences per step.
    clip : float or Callable, optional
        Largest norm of the gradient; or a function such as
        ``functools.partial(clip_by_value, threshold=5.0)``. Not clipped if not given.
    schedule : Callable, optional
        From the step number 0, 1, … to the learning rate; `optimiser.rate` if not given.
    rng : numpy.random.Generator
        Draws the order of the examples, and the seed of a model's own randomness.
    patience : int, optional
        Stop when the validation loss has not been at its least for so many epochs in a row, and
        return the weights at which it was. Without it, the last weights are returned.
    until : Callable, optional
        From the `Evaluation` of the validation split, after each epoch, to True if the training is
        to stop because this is good enough, for example ``lambda seen: seen.metric > 0.99``.
    renew : Callable, optional
        Draws a new training split, of the same size, before each epoch: endless data, for a task
        that makes its own. The task's training split is then used for the history only.
    checkpoint : str or pathlib.Path, optional
        A file in which the run is kept after every epoch. If it exists, the run goes on from there
        and ends at the same bits as one that was never interrupted.
    checkpoint_every : int, optional
        Keep it every so many steps as well.
    progress : bool
        Show a bar, which goes when the training ends.

    Returns
    -------
    Result
        The trained model, its history, and why the training ended. After a divergence the model
        holds the best validated weights, or those it came with; after an interrupt (Ctrl-C), those
        of the last whole step, or with `patience` the best validated ones.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or the checkpoint belongs to another run.

    Notes
    -----
    Train and validation loss of the history are both measured after the epoch, the first on as many
    evenly spaced training examples as there are validation examples. A checkpoint may be continued
    with more `epochs` or `steps`; everything else has to be as before. Prechelt 1998, "Early
    stopping – but when?"; Pascanu, Mikolov & Bengio 2013 for clipping. Notebook 04.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.models import NumpyModel
    >>> from rnncourse.optim import Adam
    >>> from rnncourse.tasks import digits
    >>> rng = np.random.default_rng(0)
    >>> model = NumpyModel(init_params(8, 16, 10, rng, dtype=np.float32))
    >>> result = fit(model, digits("row"), Adam(0.01), epochs=2, rng=rng, progress=False)
    >>> result.stopped, bool(result.history.validation_metric[-1] > 0.5)
    ('finished: 2 epochs, 68 steps', True)
    """
    counts = {"epochs": epochs, "steps": steps, "batch_size": batch_size, "patience": patience}
    for name, value in (counts | {"checkpoint_every": checkpoint_every}).items():
        if value is not None or name == "batch_size":
            _check_count(name, value)
    if (epochs is None) == (steps is None):
        raise ValueError(f"epochs is {epochs} and steps is {steps}; expected one of the two.")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule is {schedule!r}; expected a function from step to rate.")
    if checkpoint_every is not None and checkpoint is None:
        raise ValueError("checkpoint_every is given without checkpoint; expected a file name too.")
    if until is not None and not callable(until):
        raise TypeError(f"until is {until!r}; expected a function from an Evaluation to a bool.")
    if renew is not None and not callable(renew):
        raise TypeError(f"renew is {renew!r}; expected a function from a Generator to a Split.")
    shorten = _clipping(clip)
    for name, split in (("train", task.train), ("validation", task.validation)):
        check_array(f"task.{name}.x", split.x, "T B D")

    train, n = task.train, task.train.size
    total = steps if epochs is None else epochs * -(-n // batch_size)
    shown = train.take(np.linspace(0, n - 1, min(n, task.validation.size)).astype(int))
    model = model.copy()
    given = (model.params, model.buffers)
    settings = None if checkpoint is None else {
        "model": model.describe(),
        "initial weights": digest(given),
        "training data": digest((*train[:2], train.mask)),
        "validation data": digest((*task.validation[:2], task.validation.mask)),
        "loss": task.loss_name,
        "optimiser": repr(optimiser),
        "batch_size": int(batch_size),
        "clip": _name_of(clip),
        "patience": patience,
        "renew": _name_of(renew),
        "rng": rng.bit_generator.state,
    }  # fmt: skip
    seed = int(rng.integers(2**62))  # of what is random inside the model: seed + step
    run = _Run(*given, optimiser.init(model.params), np.arange(n), 0, rng.bit_generator.state, 0,
               (), None, np.inf, 0, 0.0)  # fmt: skip
    rows: list[tuple] = []  # of the history, one per step
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None:
        if not path.absolute().parent.is_dir():
            raise ValueError(f"checkpoint is {path}; expected a file in a folder that exists.")
        if path.exists():
            run, rows = _load(path, settings, run, schedule, total)
            rng.bit_generator.state = run.rng_state
            model.params, model.buffers = run.params, run.buffers
    saved = run.step

    def save() -> None:
        nonlocal saved
        if path is not None:
            _save(path, settings, run, rows[: run.step])
            saved = run.step

    def validated(run: _Run) -> _Run:
        start = time.perf_counter()
        of_train, of_validation = (evaluate(model, task, s) for s in (shown, task.validation))
        better = of_validation.loss < run.best_loss
        seconds = run.seconds + time.perf_counter() - start
        row = (*of_train, *of_validation, run.step, seconds)
        run = run._replace(epochs=(*run.epochs, row), position=0, seconds=0.0)
        if not better:
            return run._replace(waited=run.waited + 1)
        return run._replace(best=(run.params, run.buffers), best_loss=of_validation.loss, waited=0)

    stopped = ""
    if renew is not None and run.position:  # inside an epoch: its data once more
        train = _renewed(renew, seed, run.step - -(-run.position // batch_size), task.train)
    bar = Bar(total, run.step, wanted=progress)
    try:
        while not stopped:
            if run.position == n:  # the epoch is complete
                run = validated(run)
                if not np.isfinite(run.epochs[-1][2]):
                    what = f"the validation loss is {run.epochs[-1][2]}"
                    stopped = _diverged(run, what, rows, clip)
                    break
                save()
                last = run.epochs[-1]
                bar.tell(f"loss {last[0]:.4g}, validation {last[2]:.4g}")
            validated_now = run.position == 0 and bool(run.epochs)
            if until is not None and validated_now and until(Evaluation(*run.epochs[-1][2:4])):
                stopped = f"reached after {len(run.epochs)} epochs, {run.step} steps"
                break
            if patience is not None and run.waited >= patience:
                best = 1 + int(np.argmin([row[2] for row in run.epochs]))
                stopped = (
                    f"early stopping: no better validation loss for {run.waited} epochs; the "
                    f"weights are those after epoch {best}"
                )
                break
            if run.step >= total:
                if run.position:  # it ends inside an epoch: kept as it is, then validated
                    save()
                    run = validated(run)
                stopped = f"finished: {len(run.epochs)} epochs, {run.step} steps"
                break
            start = time.perf_counter()
            if run.position == 0:
                if renew is not None:
                    train = _renewed(renew, seed, run.step, task.train)
                order = rng.permutation(n)
                run = run._replace(order=order, rng_state=rng.bit_generator.state)
            end = min(run.position + batch_size, n)
            batch = train.take(run.order[run.position : end])
            rate = float(optimiser.rate if schedule is None else schedule(run.step))
            loss, gradients = model.loss_and_gradients(task, batch, seed=seed + run.step)
            norm = np.nan
            try:
                if np.isfinite(loss):
                    gradients, norm, was_clipped = shorten(gradients)
                    params, state = optimiser.step(run.params, gradients, run.state, rate=rate)
                else:
                    stopped = _diverged(run, f"the loss is {loss}", rows, clip)
            except NonFiniteGradient as error:
                stopped = _diverged(run, str(error).split(". ")[0], rows, clip)
            if stopped:
                rows.append((loss, norm, False, rate, time.perf_counter() - start))
                break
            model.params = params
            seconds = time.perf_counter() - start
            rows.append((loss, norm, was_clipped, rate, seconds))
            run = run._replace(
                params=params, buffers=model.buffers, state=state, position=end,
                step=run.step + 1, seconds=run.seconds + seconds,
            )  # fmt: skip
            if checkpoint_every is not None and run.step % checkpoint_every == 0:
                save()
            bar.update()
    except KeyboardInterrupt:
        if run.step > saved:
            save()
        del rows[run.step :]
        stopped = f"interrupted after {run.step} of {total} steps"
    finally:
        bar.close()
    kept = (run.params, run.buffers)
    if stopped.startswith("diverged"):
        kept = run.best or given
    elif patience is not None and run.best is not None:
        kept = run.best
    model.params, model.buffers = kept
    return Result(model, History.from_rows(rows, run.epochs), stopped)


def _renewed(renew: Callable, seed: int, step: int, like: Split) -> Split:
    """Draw the training split of the epoch that begins at a step."""
    split = renew(np.random.default_rng([seed, step]))
    if not isinstance(split, Split) or split.x.shape != like.x.shape:
        seen = split.x.shape if isinstance(split, Split) else type(split).__name__
        raise ValueError(f"renew gave {seen}; expected a Split with x of shape {like.x.shape}.")
    return split


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1.")


def _clipping(clip: Any) -> Callable[[Sequence[np.ndarray]], Clipped]:
    """Return the function that clips, or only measures."""
    if clip is None:
        return lambda gradients: Clipped(gradients, gradient_norm(gradients), False)
    if callable(clip):
        return clip
    if isinstance(clip, bool) or not isinstance(clip, int | float | np.number) or not clip > 0:
        raise ValueError(f"clip is {clip!r}; expected a norm above 0, a function, or None.")
    return lambda gradients: clip_by_norm(gradients, float(clip))


def _name_of(clip: Any) -> Any:
    """Describe a number or a function so that JSON can hold it and two runs can be compared."""
    if not callable(clip):
        return None if clip is None else float(clip)
    inner = getattr(clip, "func", clip)  # of a functools.partial
    name = getattr(inner, "__qualname__", type(inner).__name__)
    return [name, repr(getattr(clip, "args", ())), repr(getattr(clip, "keywords", {}))]


def _diverged(run: _Run, what: str, rows: list[tuple], clip: Any) -> str:
    """Say where it went wrong, what to look at, and which weights are left."""
    norm = f"the last gradient norm was {rows[-1][1]:.3g}, " if rows else ""
    rate = f"the rate {rows[-1][3]:.3g}, " if rows else ""
    kept = "those the model came with (none was validated)"
    if run.best is not None:
        kept = f"those after epoch {1 + int(np.nanargmin([row[2] for row in run.epochs]))}"
    return (
        f"diverged at step {run.step}: {what}. {CAUSES} Here {norm}{rate}clip is {_name_of(clip)}. "
        f"The weights are {kept}."
    )


# --- the checkpoint ---

TREES = ("params", "buffers", "state")


def _save(path: Path, settings: dict, run: _Run, rows: list[tuple]) -> None:
    """Write a run to its file."""
    history = History.from_rows(rows, run.epochs)
    arrays = {f"history/{name}": np.array(v) for name, v in vars(history).items()}
    trees = [(name, getattr(run, name)) for name in TREES]
    trees += [] if run.best is None else [("best", run.best)]
    for name, tree in trees:
        arrays |= {f"{name}/{i}": leaf for i, leaf in enumerate(leaves(tree))}
    facts = {
        "settings": settings,
        "position": run.position,
        "rng_state": run.rng_state,
        "step": run.step,
        "best_loss": None if run.best is None else run.best_loss,
        "waited": run.waited,
        "seconds": run.seconds,
    }
    save_checkpoint(path, arrays | {"order": run.order}, facts)


def _load(
    path: Path, settings: dict, run: _Run, schedule: Callable | None, total: int
) -> tuple[_Run, list[tuple]]:
    """Read a run from its file; refuse the file of another run."""
    arrays, facts = load_checkpoint(path)
    stored, refuse = facts.get("settings", {}), (
        f"{path} belongs to another run, and was left as it is: choose another file name, or "
        f"delete it to begin anew. "
    )  # fmt: skip
    for name, value in settings.items():
        if _plain(value) != stored.get(name):
            seen = f"its {name} was {stored.get(name)}, here it is {_plain(value)}."
            if name == "rng":
                seen = "its rng started in another state: pass a fresh one with the same seed."
            raise ValueError(refuse + seen[:500])

    def tree(name: str, template: Any) -> Any:
        return rebuild(template, (arrays[f"{name}/{i}"] for i, _ in enumerate(leaves(template))))

    names = History.__dataclass_fields__
    history = History(**{name: arrays[f"history/{name}"] for name in names})
    rows, epochs = history.rows()
    if schedule is not None:
        for step, row in enumerate(rows):
            if float(schedule(step)) != row[3]:
                raise ValueError(
                    f"{refuse}Its schedule gave the rate {row[3]} at step {step}, here it gives "
                    f"{float(schedule(step))}."
                )
    elif rows and len(set(history.rate.tolist())) > 1:
        raise ValueError(f"{refuse}Its rate followed a schedule, here there is none.")
    if facts["step"] > total:
        raise ValueError(
            f"{path} holds {facts['step']} steps, more than the {total} asked for; expected at "
            f"least as many epochs or steps as before."
        )
    best = None if facts["best_loss"] is None else tree("best", (run.params, run.buffers))
    run = _Run(
        *(tree(name, getattr(run, name)) for name in TREES),
        arrays["order"], facts["position"], facts["rng_state"], facts["step"], tuple(epochs), best,
        np.inf if best is None else facts["best_loss"], facts["waited"], facts["seconds"],
    )  # fmt: skip
    return run, rows


def _plain(value: Any) -> Any:
    """Turn a setting into what it is after a journey through JSON."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
