"""A small hyper-parameter study: every setting with several seeds, in parallel, resumable.

A single run says little: change the seed and another setting may come out best. So a study runs
every setting of a grid with several seeds and reports the median and the spread. The runs are
independent of each other; dask.distributed spreads them over the cores of this computer, or over
a cluster if it is given the address of a scheduler. Each result is a file as soon as it is there.
"""

import contextlib
import itertools
import json
import math
import multiprocessing
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cloudpickle
import dask
import numpy as np
from dask.system import CPU_COUNT
from distributed import Client, KilledWorker, LocalCluster, as_completed

from rnncourse.progress import Bar

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
ONE_RUN = {  # a worker holds one run at a time: if it dies, no other run is blamed
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": 1,
}
PART = ".part"  # ends the name of a file that is being written
NOT_RUN = "not run yet"


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What the runs of a study gave.

    Parameters
    ----------
    space : dict
        Name of each hyper-parameter to the values that were tried.
    seeds : tuple of int
        The R seeds that every setting was run with.
    values : numpy.ndarray
        (S, R), what the run of each setting (row) and seed (column) returned; nan where it failed
        or was not run yet. The settings stand in the order of `settings`.
    errors : dict
        (row, column) of each missing value to what went wrong.
    largest : bool
        True if a larger value is better.
    details : dict
        (row, column) to the other entries that the run returned, if it returned several.

    Notes
    -----
    A run that failed or gave nan counts as the worst of all in the median and in the spread: to
    leave it out would praise a setting for the runs that it lost. Notebook 04.

    Examples
    --------
    >>> values = np.array([[0.3, 0.1, 0.2], [0.5, np.nan, 0.4]])
    >>> print(StudyResult({"rate": (0.01, 1.0)}, (0, 1, 2), values))
    rate | seed 0 | seed 1 | seed 2 | median | lowest | highest
    0.01 | 0.3 | 0.1 | 0.2 | 0.2 | 0.1 | 0.3
    1.0 | 0.5 | nan | 0.4 | 0.5 | 0.4 | inf
    """

    space: dict
    seeds: tuple
    values: np.ndarray
    errors: dict = field(default_factory=dict)
    largest: bool = False
    details: dict = field(default_factory=dict)

    @property
    def settings(self) -> list[dict]:
        """The S settings in the order of the rows: the last hyper-parameter changes fastest."""
        return _settings(self.space)

    @property
    def _ranked(self) -> np.ndarray:
        """The values, with the worst of all in place of what failed."""
        return np.where(np.isnan(self.values), -np.inf if self.largest else np.inf, self.values)

    @property
    def median(self) -> np.ndarray:
        """(S,), the median over the seeds."""
        ranked, (S, R) = np.sort(self._ranked, axis=1), self.values.shape
        low, high = ranked[:, (R - 1) // 2], ranked[:, R // 2]
        equal = low == high  # infinities too, whose sum may be nan
        return np.where(equal, low, low + (high - np.where(equal, 0, low)) / 2).reshape(S)

    @property
    def low(self) -> np.ndarray:
        """(S,), the lowest value of any seed."""
        return self._ranked.min(axis=1)

    @property
    def high(self) -> np.ndarray:
        """(S,), the highest value of any seed."""
        return self._ranked.max(axis=1)

    @property
    def best(self) -> dict:
        """The setting with the best median, the first of several; an error if every run failed."""
        order = -self.median if self.largest else self.median
        if not (order < np.inf).any():
            raise ValueError(f"no setting has a median: {len(self.errors)} runs have no value.")
        return self.settings[int(np.argmin(order))]

    def grid(self, row: str, column: str, **fixed: object) -> tuple[np.ndarray, ...]:
        """Return median, low and high of two hyper-parameters, the others held at one value.

        Parameters
        ----------
        row : str
            The hyper-parameter of the rows, with P values.
        column : str
            The hyper-parameter of the columns, with Q values.
        **fixed : object
            The value of each of the other hyper-parameters; those with one value may be left out.

        Returns
        -------
        tuple of numpy.ndarray
            Median, lowest and highest value over the seeds, each (P, Q).

        Raises
        ------
        ValueError
            If a hyper-parameter is unknown, asked for twice, without a value, or at a value that
            was not tried.
        """
        if row == column or {row, column} & set(fixed):
            raise ValueError(f"row {row!r}, column {column!r}, fixed {fixed}: each name once.")
        for name in (row, column, *fixed):
            if name not in self.space:
                raise ValueError(f"{name!r} is not in the study; it has {', '.join(self.space)}.")
        place = []
        for name, tried in self.space.items():
            if name in (row, column):
                place.append(slice(None))
            elif name not in fixed and len(tried) > 1:
                raise ValueError(f"{name!r} has {len(tried)} values; choose {name}= from {tried}.")
            elif name in fixed and fixed[name] not in tried:
                raise ValueError(f"{name} = {fixed[name]!r} was not tried; tried were {tried}.")
            else:
                place.append(tried.index(fixed.get(name, tried[0])))
        sizes = tuple(len(tried) for tried in self.space.values())
        swap = list(self.space).index(row) > list(self.space).index(column)
        grids = (v.reshape(sizes)[tuple(place)] for v in (self.median, self.low, self.high))
        return tuple(grid.T if swap else grid for grid in grids)

    def rows(self) -> list[dict]:
        """Return a dict for each setting: its values, each seed, median, lowest, highest."""
        summary = zip(self.settings, self.values, self.median, self.low, self.high, strict=True)
        return [
            setting
            | {f"seed {s}": float(v) for s, v in zip(self.seeds, values, strict=True)}
            | {"median": float(median), "lowest": float(low), "highest": float(high)}
            for setting, values, median, low, high in summary
        ]

    def __str__(self) -> str:
        rows = self.rows()
        lines = [list(rows[0])] + [
            [f"{v:.4g}" if isinstance(v, float) and k not in self.space else str(v)
             for k, v in row.items()]
            for row in rows
        ]  # fmt: skip
        return "\n".join(" | ".join(line) for line in lines)


def study(
    run: Callable[[dict, int], float | dict],
    space: Mapping[str, Sequence],
    seeds: Sequence[int],
    *,
    folder: str | Path,
    address: str | None = None,
    workers: int | None = None,
    largest: bool = False,
    progress: bool = True,
) -> StudyResult:
    """Run every setting of a grid with every seed, in parallel, and keep each result as a file.

    Parameters
    ----------
    run : Callable
        ``run(setting, seed)`` returns one number, such as the validation loss, or a dict with this
        number as ``"value"`` and further numbers, strings, bools or None beside it; `setting` is a
        dict with one value for each name in `space`. It may be defined in a notebook cell.
    space : Mapping
        Name of each hyper-parameter to the values to try: numbers, strings, bools or None.
    seeds : Sequence
        Whole numbers, R of them, for ``np.random.default_rng(seed)`` in `run`.
    folder : str or pathlib.Path
        Where the results are kept; new, empty, or that of the same study, which is then resumed.
    address : str, optional
        The address of a Dask scheduler, for example ``"tcp://10.0.0.1:8786"``. Its workers need
        the same packages. By default, processes on this computer, started and stopped here.
    workers : int, optional
        Number of processes on this computer; by default, one for each core. Each computes with
        one thread.
    largest : bool
        True if a larger value is better.
    progress : bool
        Show a progress bar, which disappears at the end.

    Returns
    -------
    StudyResult
        The values of all settings and seeds.

    Raises
    ------
    TypeError
        If `run` cannot be sent to another process, or a value of `space` or a seed has the
        wrong type.
    ValueError
        If `space` or `seeds` is empty or repeats itself, or `folder` holds another study.
    FileExistsError
        If `folder` holds files that are not of a study.
    RuntimeError
        If the processes do not start.

    Warns
    -----
    UserWarning
        If a file of results is damaged; it is set aside, and its run is done again.

    Notes
    -----
    Stopped at any moment, by hand or by a crash, a study loses only the runs that were under way:
    call it again with the same folder. Results that are there are not computed again; runs that
    failed are tried again. What `run` does is not compared, only its name: after a change to its
    body take a new folder. In a script, call it under ``if __name__ == "__main__":``, as each
    worker process imports the script. Notebook 04.

    Examples
    --------
    >>> import tempfile
    >>> def distance(setting, seed):
    ...     return abs(setting["rate"] - 0.1) + 0.01 * seed
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = study(distance, {"rate": [0.01, 0.1]}, [0, 1, 2], folder=folder, workers=1)
    >>> result.best
    {'rate': 0.1}
    >>> result.values.round(2).tolist()
    [[0.09, 0.1, 0.11], [0.0, 0.01, 0.02]]
    """
    space, seeds = _checked_space(space), _checked_seeds(seeds)
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1.")
    try:
        cloudpickle.dumps(run)
    except Exception as error:
        raise TypeError(
            f"run cannot be sent to another process ({error}); expected a function that uses "
            f"nothing open, such as a file or a connection: open it inside run."
        ) from error
    folder = Path(folder)
    _claim(folder, getattr(run, "__qualname__", type(run).__qualname__), space)
    todo, jobs = {}, list(itertools.product(enumerate(_settings(space)), seeds))
    for (i, setting), seed in jobs:
        path = _path(folder, i, seed)
        record = _read(path, setting, seed)
        if isinstance(record, str):
            os.replace(path, f"{path}.damaged")
            warnings.warn(f"{path} {record}; it is set aside, its run repeated.", stacklevel=2)
        if not isinstance(record, dict) or "error" in record:
            todo[path] = (setting, seed)
    bar = Bar(len(jobs), len(jobs) - len(todo), wanted=progress, unit="run")
    with contextlib.closing(bar):
        for path, record in _records(run, todo, address, workers):
            _write(path, record)
            bar.update()
    return _collect(folder, space, seeds, largest)


def load_study(folder: str | Path, *, largest: bool = False) -> StudyResult:
    """Read what a study has found so far, without running anything.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder that was given to `study`.
    largest : bool
        True if a larger value is better.

    Returns
    -------
    StudyResult
        The values that are there; the seeds are all that occur.

    Raises
    ------
    FileNotFoundError
        If there is no study in `folder`.

    Notes
    -----
    Useful after an interrupt, or while a study runs in another process. Notebook 04.

    Examples
    --------
    >>> load_study("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere/study.json does not exist: no study was started in this folder.
    """
    head = Path(folder) / "study.json"
    if not head.exists():
        raise FileNotFoundError(f"{head} does not exist: no study was started in this folder.")
    space = {name: tuple(v) for name, v in _head(head)["space"].items()}
    seeds = {int(p.stem.split("_")[-1]) for p in Path(folder).glob("setting_*_seed_*.json")}
    return _collect(Path(folder), space, tuple(sorted(seeds)), largest)


def _settings(space: Mapping[str, Sequence]) -> list[dict]:
    """Every combination of the values, the last name changing fastest."""
    combinations = itertools.product(*space.values())
    return [dict(zip(space, values, strict=True)) for values in combinations]


def _checked_space(space: Mapping[str, Sequence]) -> dict[str, tuple]:
    """Return the space in types that a JSON file keeps, or say what is wrong with it."""
    if not space:
        raise ValueError("space is empty; expected at least one hyper-parameter.")
    plain = {}
    for name, tried in space.items():
        if isinstance(tried, str) or not isinstance(tried, Sequence | np.ndarray):
            raise TypeError(f"space[{name!r}] is {tried!r}; expected a list of values to try.")
        values = tuple(v.item() if isinstance(v, np.generic) else v for v in tried)
        for v in values:
            if not isinstance(v, int | float | str | None) or v != v:
                raise TypeError(
                    f"space[{name!r}] holds {v!r}; expected numbers, strings, bools or None: pass "
                    f"the name of an object and look the object up in run."
                )
        if not values or any(v in values[:i] for i, v in enumerate(values)):
            raise ValueError(f"space[{name!r}] is {values}; expected values, each of them once.")
        plain[str(name)] = values
    return plain


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds as a tuple of int, or say what is wrong with them."""
    found = tuple(seeds)
    for seed in found:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise TypeError(f"seeds holds {seed!r}; expected whole numbers from 0.")
    if not found or len(set(found)) < len(found):
        raise ValueError(f"seeds is {found}; expected at least one seed, each of them once.")
    return tuple(int(seed) for seed in found)


def _path(folder: Path, i: int, seed: int) -> Path:
    """Where the result of a setting and a seed is kept."""
    return folder / f"setting_{i:04d}_seed_{seed}.json"


def _write(path: Path, content: dict) -> None:
    """Write a file so that, killed at any moment, it is whole or not there."""
    part = path.with_name(path.name + PART)
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _head(path: Path) -> dict:
    """Read study.json."""
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(head["space"], dict) or not isinstance(head["run"], str):
            raise TypeError("space or run has the wrong type")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); take a new folder.") from error
    return head


def _claim(folder: Path, run: str, space: dict) -> None:
    """Make the folder that of this study, or check that it is."""
    head = folder / "study.json"
    if not head.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if others := sorted(p.name for p in folder.iterdir() if p.name != head.name + PART):
            raise FileExistsError(
                f"{folder} holds {others[0]!r} and no study.json; take a new or an empty folder."
            )
        _write(head, {"run": run, "space": space})
        return
    found = _head(head)
    pairs = [(name, list(values)) for name, values in space.items()]
    if list(found["space"].items()) != pairs or found["run"] != run:
        raise ValueError(
            f"{folder} holds the study of {found['run']} over {found['space']}; asked for is "
            f"{run} over {dict(pairs)}: take another folder."
        )


def _read(path: Path, setting: dict, seed: int) -> dict | str | None:
    """Return the record of a run, None if there is none, or what is wrong with its file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["setting"] != setting or record["seed"] != seed:
            return "belongs to another setting or seed"
        if "error" not in record:
            record["value"] = float(record["value"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        return f"is damaged ({type(error).__name__}: {error})"
    return record


def _collect(folder: Path, space: dict, seeds: tuple, largest: bool) -> StudyResult:
    """Read the results of a folder; what is not there is nan, with the reason in errors."""
    settings, errors = _settings(space), {}
    values, details = np.full((len(settings), len(seeds)), np.nan), {}
    for (i, setting), (j, seed) in itertools.product(enumerate(settings), enumerate(seeds)):
        record = _read(_path(folder, i, seed), setting, seed)
        if isinstance(record, dict) and "error" not in record:
            values[i, j] = record["value"]
            if "details" in record:
                details[i, j] = record["details"]
        else:
            errors[i, j] = record["error"] if isinstance(record, dict) else record or NOT_RUN
    return StudyResult(space, seeds, values, errors, largest, details)


def _attempt(run: Callable[[dict, int], float | dict], setting: dict, seed: int) -> dict:
    """Do one run in a worker; what it raises becomes its record."""
    record = {"setting": setting, "seed": seed}
    try:
        found = run(dict(setting), seed)
        if isinstance(found, Mapping):
            if "value" not in found:
                raise TypeError(f"run returned {found!r}; expected a number as its 'value'.")
            details = {str(name): _kept(entry) for name, entry in found.items() if name != "value"}
            record["details"], found = details, found["value"]
        value = float(found)
    except (Exception, SystemExit) as error:
        message = f"{type(error).__name__}: {error}"
        return {"setting": setting, "seed": seed, "error": message,
                "traceback": traceback.format_exc()}  # fmt: skip
    return record | {"value": value if math.isfinite(value) else str(value)}


def _kept(entry: object) -> object:
    """Return an entry as a JSON file keeps it, or say that it cannot."""
    plain = entry.item() if isinstance(entry, np.generic) else entry
    if not isinstance(plain, int | float | str | None):
        raise TypeError(f"a run returned {entry!r}; expected numbers, strings, bools or None.")
    return str(plain) if isinstance(plain, float) and not math.isfinite(plain) else plain


@contextlib.contextmanager
def _client(address: str | None, workers: int) -> Iterator[Client]:
    """Connect to a scheduler, or start one with its workers and stop them afterwards."""
    if address is not None:
        with Client(address, set_as_default=False) as client:
            yield client
        return
    with (
        dask.config.set(ONE_RUN),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        contextlib.ExitStack() as stack,
    ):
        try:
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                silence_logs="CRITICAL", local_directory=scratch, env=ONE_THREAD,
            )  # fmt: skip
        except RuntimeError as error:
            raise RuntimeError(
                f"the worker processes did not start ({error}); in a script, call study under "
                f'if __name__ == "__main__":, as each worker imports the script.'
            ) from error
        yield stack.enter_context(Client(stack.enter_context(cluster), set_as_default=False))


def _records(
    run: Callable, todo: dict[Path, tuple], address: str | None, workers: int | None
) -> Iterator[tuple[Path, dict]]:
    """Yield the record of each run as soon as it is there."""
    if not todo:
        return
    if multiprocessing.parent_process() is not None and address is None:
        raise RuntimeError(
            "study was called in a worker process; in a script, call it under "
            'if __name__ == "__main__":, as each worker imports the script.'
        )
    with _client(address, min(workers or CPU_COUNT, len(todo))) as client:
        futures = {client.submit(_attempt, run, *job, pure=False): path
                   for path, job in todo.items()}  # fmt: skip
        try:
            for future in as_completed(futures, loop=client.loop):
                setting, seed = todo[futures[future]]
                if error := future.exception():
                    died = "the worker process died, for example for lack of memory"
                    message = died if isinstance(error, KilledWorker) else str(error)
                    message = f"{type(error).__name__}: {message}"
                    yield futures[future], {"setting": setting, "seed": seed, "error": message}
                else:
                    yield futures[future], future.result()
        finally:
            client.cancel(list(futures), force=True)
