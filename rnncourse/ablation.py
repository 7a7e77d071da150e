"""Each technique with and without: three tasks, several seeds, one table of what was solved.

A technique that helps once, on one task, with the rate it likes, proves little. Here every row
starts from the same network and changes one thing, with SGD and with Adam, over seeds; the rows
that do not help stay in the table. The whole table is made by ``python -m rnncourse ablation`` and
stored beside notebook 05, which draws it.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnncourse.cell import RNNParams
from rnncourse.gru import GRUModel, init_gru_params
from rnncourse.initialisation import orthogonal
from rnncourse.lstm import LSTMModel, init_lstm_params
from rnncourse.models import Model, NumpyModel
from rnncourse.normalised_rnn import NormalisedModel, init_normalised_params
from rnncourse.optim import SGD, Adam
from rnncourse.regularisation import OmegaModel
from rnncourse.study import StudyResult, study
from rnncourse.synthetic_tasks import adding, temporal_order
from rnncourse.tasks import SequenceTask, Split, digits
from rnncourse.training import Evaluation, evaluate, fit

N = 50  # hidden units
BATCH = 20
CLIP = 1.0  # largest norm of the gradient
OMEGA = 4.0  # weight of the Omega term
SPREAD = 0.1  # standard deviation of the starting weights of the basic network
OPTIMISERS = {"SGD 0.01": SGD(0.01), "SGD 0.1": SGD(0.1), "Adam 0.001": Adam(0.001)}


class AblationTask(NamedTuple):
    """A task with what counts as solved.

    Parameters
    ----------
    make : Callable
        From a generator to the `SequenceTask`.
    renew : Callable or None
        From a generator to fresh training data, drawn before each epoch, if the task makes them.
    budget : int
        Updates after which a run ends, solved or not.
    solved : Callable
        From the validation's `Evaluation` to True if that is good enough.
    criterion : str
        The same in words.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> TASKS["temporal order"].criterion
    'under 1 % errors'
    """

    make: Callable[[np.random.Generator], SequenceTask]
    renew: Callable[[np.random.Generator], Split] | None
    budget: int
    solved: Callable[[Evaluation], bool]
    criterion: str


SIZES = (2_000, 1_000, 10_000)  # for training: 100 updates, then fresh ones are drawn
FRESH = (SIZES[0], 1, 1)
TASKS = {
    "temporal order": AblationTask(
        lambda rng: temporal_order(50, SIZES, rng=rng),
        lambda rng: temporal_order(50, FRESH, rng=rng).train, 20_000,
        lambda seen: seen.metric > 0.99, "under 1 % errors",
    ),
    "adding": AblationTask(
        lambda rng: adding(50, SIZES, rng=rng),
        lambda rng: adding(50, FRESH, rng=rng).train, 20_000,
        lambda seen: seen.loss < 1 / 60, "squared error under a tenth of the best guess's 1/6",
    ),
    "digits by pixel": AblationTask(
        lambda _: digits("pixel"), None, 20_000,
        lambda seen: seen.loss < 0.5, "cross-entropy under 0.5 nats",
    ),
}  # fmt: skip

SHORT = {
    "temporal order, 20 steps": AblationTask(
        lambda rng: temporal_order(20, SIZES, rng=rng),
        lambda rng: temporal_order(20, FRESH, rng=rng).train, 3_000,
        lambda seen: seen.metric > 0.99, "under 1 % errors",
    ),
}  # fmt: skip
"""A smaller task for a first look, not in the table."""


def _basic(task: SequenceTask, rng: np.random.Generator) -> RNNParams:
    """Draw the weights that every basic network starts from: Pascanu's "basic tanh"."""
    D, K = task.train.x.shape[2], task.classes
    draw = [SPREAD * rng.standard_normal(shape) for shape in ((N, D), (N, N), (K, N))]
    return RNNParams(*(w.astype(np.float32) for w in (*draw, np.zeros(N), np.zeros(K))))


def _orthogonal(task: SequenceTask, rng: np.random.Generator) -> Model:
    params = _basic(task, rng)
    return NumpyModel(params._replace(W_hh=orthogonal(N, N, rng).astype(np.float32)))


def _layer_norm(task: SequenceTask, rng: np.random.Generator) -> Model:
    D, K = task.train.x.shape[2], task.classes
    params = init_normalised_params(D, N, K, rng, kind="layer", dtype=np.float32)
    start = _basic(task, rng)
    return NormalisedModel(params._replace(W_xh=start.W_xh, W_hh=start.W_hh, W_hy=start.W_hy))


def _lstm(task: SequenceTask, rng: np.random.Generator) -> Model:
    D, K = task.train.x.shape[2], task.classes
    return LSTMModel(init_lstm_params(D, N, K, rng, forget_bias=1.0, dtype=np.float32))


def _gru(task: SequenceTask, rng: np.random.Generator) -> Model:
    D, K = task.train.x.shape[2], task.classes
    return GRUModel(init_gru_params(D, N, K, rng, update_bias=1.0, dtype=np.float32))


MODELS: dict[str, Callable[[SequenceTask, np.random.Generator], Model]] = {
    "no clipping": lambda task, rng: NumpyModel(_basic(task, rng)),
    "clipping": lambda task, rng: NumpyModel(_basic(task, rng)),
    "Omega": lambda task, rng: OmegaModel(_basic(task, rng), OMEGA),
    "orthogonal": _orthogonal,
    "layer norm": _layer_norm,
    "LSTM": _lstm,
    "GRU": _gru,
}
"""Every row but the first is trained with clipping, and changes one more thing."""


def run_once(setting: dict, seed: int, budget: int | None = None) -> dict:
    """Train one technique on one task with one optimiser, until solved or out of updates.

    Parameters
    ----------
    setting : dict
        ``task``, ``technique`` and ``optimiser``: names of `TASKS` (or `SHORT`), `MODELS` and
        `OPTIMISERS`.
    seed : int
        Draws the data, the starting weights and the order of the examples.
    budget : int, optional
        Updates, instead of the task's own number.

    Returns
    -------
    dict
        ``value``, the updates until the task was solved, inf if it was not; ``test``, the test
        metric at the end; ``updates``; ``seconds``, the processor time of the whole training;
        ``stopped``.

    Raises
    ------
    KeyError
        If a name is unknown.

    Notes
    -----
    Solved is read from the validation split after each epoch; the test split is read once.
    Notebook 05.

    Examples
    --------
    >>> setting = {"task": "adding", "technique": "clipping", "optimiser": "SGD 0.1"}
    >>> found = run_once(setting, 0, budget=2)
    >>> found["value"], found["updates"], found["stopped"]
    (inf, 2, 'finished')
    """
    spec = (TASKS | SHORT)[setting["task"]]
    rng = np.random.default_rng(seed)
    task = spec.make(rng)
    model = MODELS[setting["technique"]](task, rng)
    start = time.process_time()
    result = fit(
        model, task, OPTIMISERS[setting["optimiser"]], batch_size=BATCH,
        steps=spec.budget if budget is None else budget,
        clip=None if setting["technique"] == "no clipping" else CLIP, until=spec.solved,
        renew=spec.renew, rng=rng, progress=False,
    )  # fmt: skip
    seconds = time.process_time() - start  # on one thread: the wall time of an idle machine
    updates = result.history.steps
    solved = result.stopped.startswith("reached")
    return {
        "value": float(updates) if solved else np.inf,
        "test": float(evaluate(result.model, task, "test").metric),
        "updates": updates,
        "seconds": round(seconds, 1),
        "stopped": result.stopped.split(":")[0],
    }


def run_ablation(
    folder: str | Path,
    *,
    tasks: Sequence[str] = tuple(TASKS),
    seeds: Sequence[int] = (0, 1, 2),
    workers: int | None = None,
    progress: bool = True,
) -> StudyResult:
    """Run the whole table: tasks × techniques × optimisers × seeds, in parallel, resumable.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where each result is kept as soon as it is there; the same folder resumes.
    tasks : Sequence
        Names of `TASKS`.
    seeds : Sequence
        Whole numbers.
    workers : int, optional
        Processes; by default one for each core.
    progress : bool
        Show a bar.

    Returns
    -------
    StudyResult
        Updates until solved, with the details of each run.

    Raises
    ------
    ValueError
        If a task is unknown, or the folder holds another study.

    Notes
    -----
    About an hour on two cores. Notebook 05.

    Examples
    --------
    >>> run_ablation("somewhere", tasks=["addition"])
    Traceback (most recent call last):
    ...
    ValueError: tasks holds 'addition'; expected some of temporal order, adding, digits by pixel.
    """
    for name in tasks:
        if name not in TASKS:
            raise ValueError(f"tasks holds {name!r}; expected some of {', '.join(TASKS)}.")
    space = {"task": list(tasks), "technique": list(MODELS), "optimiser": list(OPTIMISERS)}
    return study(run_once, space, seeds, folder=folder, workers=workers, progress=progress)


def write_ablation(result: StudyResult, path: str | Path, command: str) -> None:
    """Store an ablation as a small file: every run, and all that is needed to do it again.

    Parameters
    ----------
    result : StudyResult
        From `run_ablation`; every run of it has to be there.
    path : str or pathlib.Path
        The JSON file.
    command : str
        The command line that made it.

    Returns
    -------
    None
        The file is there, whole.

    Raises
    ------
    ValueError
        If a run is missing or failed.

    Notes
    -----
    Read it with `read_ablation`. Notebook 05.

    Examples
    --------
    >>> empty = StudyResult({"task": ("adding",)}, (0,), np.array([[np.nan]]), {(0, 0): "not run"})
    >>> write_ablation(empty, "ablation.json", "")
    Traceback (most recent call last):
    ...
    ValueError: 1 run has no result, the first for this reason: not run. Nothing was stored.
    """
    if result.errors:
        count = f"{len(result.errors)} run{'s have' if len(result.errors) > 1 else ' has'}"
        raise ValueError(
            f"{count} no result, the first for this reason: {next(iter(result.errors.values()))}. "
            f"Nothing was stored."
        )
    runs = []
    for i, setting in enumerate(result.settings):
        for j, seed in enumerate(result.seeds):
            value = float(result.values[i, j])
            solved_at = int(value) if np.isfinite(value) else None
            runs.append(setting | {"seed": seed, "solved_at": solved_at} | result.details[i, j])
    content = {
        "command": command,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("rnncourse", "numpy", "scipy", "scikit-learn")},
        "machine": f"{_processor()}, {os.cpu_count()} cores, one run on each",
        "settings": {"hidden units": N, "batch size": BATCH, "clip norm": CLIP,
                     "weight of Omega": OMEGA},
        "seeds": list(result.seeds),
        "tasks": {name: {"budget": TASKS[name].budget, "solved": TASKS[name].criterion}
                  for name in result.space["task"]},
        "runs": runs,
    }  # fmt: skip
    lines = json.dumps(content | {"runs": []}, indent=1, ensure_ascii=False).removesuffix("[]\n}")
    rows = ",\n  ".join(json.dumps(run) for run in runs)
    part = Path(f"{path}.part")
    part.write_text(f"{lines}[\n  {rows}\n ]\n}}\n", encoding="utf-8")
    os.replace(part, path)


def read_ablation(path: str | Path) -> dict:
    """Read what `write_ablation` stored.

    Parameters
    ----------
    path : str or pathlib.Path
        The JSON file.

    Returns
    -------
    dict
        ``command``, ``versions``, ``machine``, ``settings``, ``seeds``, ``tasks`` and ``runs``: a
        dict for each run, with ``solved_at`` None where the task was not solved.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message says which command makes it.
    ValueError
        If the file holds something else.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> read_ablation("nowhere.json")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.json does not exist; python -m rnncourse ablation makes it.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; python -m rnncourse ablation makes it.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["runs"], list) or not isinstance(content["tasks"], dict):
            raise TypeError("runs or tasks has the wrong type")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no stored ablation ({error!r}).") from error
    return content


def summarise(ablation: dict, task: str) -> list[dict]:
    """Count for each technique and optimiser how often one task was solved, and how soon.

    Parameters
    ----------
    ablation : dict
        From `read_ablation`.
    task : str
        One of its tasks.

    Returns
    -------
    list of dict
        ``technique``, ``optimiser``, ``solved`` (number of seeds), ``seeds``, ``updates`` (median
        until solved, where an unsolved run counts as infinitely long), ``seconds`` (median of the
        whole run), ``test`` (median).

    Raises
    ------
    ValueError
        If the task is not in the table.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> run = {"task": "a", "technique": "b", "optimiser": "SGD 0.1", "test": 1.0, "seconds": 2.0}
    >>> runs = [run | {"seed": s, "solved_at": n} for s, n in enumerate((300, None, 500))]
    >>> summarise({"tasks": {"a": {}}, "runs": runs}, "a")[0]["updates"]
    500.0
    """
    if task not in ablation["tasks"]:
        raise ValueError(f"task is {task!r}; expected one of {', '.join(ablation['tasks'])}.")
    groups: dict[tuple[str, str], list[dict]] = {}
    for run in ablation["runs"]:
        if run["task"] == task:
            groups.setdefault((run["technique"], run["optimiser"]), []).append(run)
    rows = []
    for (technique, optimiser), runs in groups.items():
        updates = [np.inf if run["solved_at"] is None else run["solved_at"] for run in runs]
        rows.append({
            "technique": technique, "optimiser": optimiser,
            "solved": int(np.isfinite(updates).sum()), "seeds": len(runs),
            "updates": float(np.median(updates)),
            "seconds": float(np.median([run["seconds"] for run in runs])),
            "test": float(np.median([run["test"] for run in runs])),
        })  # fmt: skip
    return rows


def _processor() -> str:
    """Name the processor as well as this system can."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
