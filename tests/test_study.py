"""A study: every run once, in parallel, whatever stops it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from distributed import LocalCluster
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from rnncourse.study import StudyResult, load_study, study

SPACE = {"rate": [0.1, 1.0, 2.0], "hidden": [3, 5]}
SEEDS = (0, 7, 4)


@pytest.fixture(scope="module")
def address():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, silence_logs="CRITICAL",
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def value(setting, seed):
    """What the honest runs return: different for every setting and seed."""
    return 100 * setting["rate"] + setting["hidden"] + seed / 10


class Logged:
    """A run that notes that it ran, and fails where it is told to."""

    def __init__(self, log, fails=()):
        self.log, self.fails = log, fails

    def __call__(self, setting, seed):
        with open(self.log, "a") as file:
            file.write(f"{setting['rate']} {setting['hidden']} {seed}\n")
        if (setting["rate"], seed) in self.fails:
            raise ArithmeticError(f"diverged at rate {setting['rate']}")
        return value(setting, seed)


def ran(log):
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(lines)


def expected():
    pairs = itertools.product(SPACE["rate"], SPACE["hidden"])
    return np.array([[value({"rate": r, "hidden": h}, s) for s in SEEDS] for r, h in pairs])


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_every_setting_runs_once_with_every_seed(tmp_path, address):
    log = tmp_path / "log"
    result = study(Logged(log), SPACE, SEEDS, folder=tmp_path / "out", address=address)
    np.testing.assert_array_equal(result.values, expected())
    assert not result.errors
    assert ran(log) == sorted(
        f"{r} {h} {s}" for r, h, s in itertools.product(*SPACE.values(), SEEDS)
    )
    names = {f"setting_{i:04d}_seed_{s}.json" for i in range(6) for s in SEEDS} | {"study.json"}
    assert set(contents(tmp_path / "out")) == names
    again = load_study(tmp_path / "out")
    assert again.seeds == tuple(sorted(SEEDS))
    np.testing.assert_array_equal(again.values, expected()[:, np.argsort(SEEDS)])


def detailed(setting, seed):
    more = {"steps": np.int64(seed), "how": "fast" if seed else None, "share": np.inf}
    if setting["rate"] == 1.0 and seed == 7:
        more["weights"] = np.zeros(3)
    return more | {"value": value(setting, seed)}


def test_what_a_run_returns_beside_its_value_is_kept(tmp_path, address):
    result = study(detailed, SPACE, [0, 7], folder=tmp_path / "out", address=address)
    assert result.details[0, 1] == {"steps": 7, "how": "fast", "share": "inf"}
    assert result.details[1, 0] == {"steps": 0, "how": None, "share": "inf"}
    assert load_study(tmp_path / "out").details == result.details
    refused = {key: text for key, text in result.errors.items() if "expected numbers" in text}
    assert set(refused) == {(2, 1), (3, 1)} == set(result.errors)
    assert set(result.details) | set(refused) == {(i, j) for i in range(6) for j in range(2)}
    good = ~np.isnan(result.values)
    np.testing.assert_array_equal(result.values[good], expected()[:, [0, 1]][good])


def test_only_what_is_missing_is_computed(tmp_path, address):
    log, out = tmp_path / "log", tmp_path / "out"
    study(Logged(log), SPACE, SEEDS, folder=out, address=address)
    before = contents(out)
    ran(log)
    (out / "setting_0003_seed_7.json").unlink()
    result = study(Logged(log), SPACE, SEEDS, folder=out, address=address)
    assert ran(log) == ["1.0 5 7"]
    assert contents(out) == before
    np.testing.assert_array_equal(result.values, expected())
    study(Logged(log), SPACE, [*SEEDS, 9], folder=out, address=address)
    assert len(ran(log)) == 6
    study(Logged(log), SPACE, SEEDS, folder=out, address="tcp://127.0.0.1:1")  # nothing to do
    assert ran(log) == []


def test_a_run_that_raises_stops_no_other_and_is_tried_again(tmp_path, address):
    log, out = tmp_path / "log", tmp_path / "out"
    result = study(Logged(log, fails=[(1.0, 7)]), SPACE, SEEDS, folder=out, address=address)
    assert ran(log)
    wrong = np.zeros((6, 3), bool)
    wrong[2:4, 1] = True
    np.testing.assert_array_equal(result.values, np.where(wrong, np.nan, expected()))
    message = "ArithmeticError: diverged at rate 1.0"
    assert result.errors == {(2, 1): message, (3, 1): message}
    assert load_study(out).errors == {(2, 2): message, (3, 2): message}  # its seeds are sorted
    assert np.isinf(result.high[2])
    assert result.median[2] == max(np.delete(expected()[2], 1))
    result = study(Logged(log), SPACE, SEEDS, folder=out, address=address)
    assert ran(log) == ["1.0 3 7", "1.0 5 7"]
    np.testing.assert_array_equal(result.values, expected())


def odd(setting, seed):
    if setting["kind"] == "dict":
        return {}
    if setting["kind"] == "exit":
        sys.exit("enough")
    return {"nan": np.nan, "inf": np.inf, "array": np.float32(0.1)}[setting["kind"]]


def test_what_is_no_finite_number_is_kept_as_what_it_is(tmp_path, address):
    space = {"kind": ["nan", "inf", "array", "dict", "exit"]}
    for _ in range(2):
        result = study(odd, space, [0], folder=tmp_path, address=address)
        np.testing.assert_array_equal(result.values[:3, 0], [np.nan, np.inf, np.float32(0.1)])
        assert set(result.errors) == {(3, 0), (4, 0)}
        assert result.errors[3, 0].startswith("TypeError: run returned {}")
        assert result.errors[4, 0] == "SystemExit: enough"
        assert result.best == {"kind": "array"}
    for path in tmp_path.iterdir():
        json.loads(path.read_text(), parse_constant=pytest.fail)  # NaN is not JSON


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "JSONDecodeError"),
        ('{"setting": {"rate": 1.0, "hid', "JSONDecodeError"),
        ('{"setting": {"rate": 2.0, "hidden": 3}, "seed": 0, "value": 1.0}', "another setting"),
        ('{"setting": {"rate": 1.0, "hidden": 3}, "seed": 4, "value": 1.0}', "another setting"),
        ('{"setting": {"rate": 1.0, "hidden": 3}, "seed": 0}', "KeyError: 'value'"),
        ('{"setting": {"rate": 1.0, "hidden": 3}, "seed": 0, "value": "x"}', "ValueError"),
        ("[1]", "TypeError"),
        (b"\xff\xfe", "UnicodeDecodeError"),
    ],
)
def test_a_damaged_file_is_named_set_aside_and_computed_again(tmp_path, address, content, reason):
    log, out = tmp_path / "log", tmp_path / "out"
    space = {"rate": [1.0], "hidden": [3, 5]}
    study(Logged(log), space, [0], folder=out, address=address)
    ran(log)
    path = out / "setting_0000_seed_0.json"
    whole = path.read_bytes()
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(content)
    assert reason in load_study(out).errors[0, 0]
    with pytest.warns(UserWarning, match=rf"setting_0000_seed_0.json .*{reason}.*set aside"):
        study(Logged(log), space, [0], folder=out, address=address)
    assert ran(log) == ["1.0 3 0"]
    assert path.read_bytes() == whole
    assert path.with_name(path.name + ".damaged").read_bytes() == content


def other(setting, seed):
    return 0.0


@pytest.mark.parametrize(
    ("run", "space"),
    [
        (other, SPACE),
        (value, SPACE | {"rate": [0.1, 1.0]}),
        (value, SPACE | {"hidden": [5, 3]}),
        (value, dict(reversed(SPACE.items()))),
        (value, SPACE | {"T": [1]}),
    ],
)
def test_another_study_in_the_same_folder_is_refused(tmp_path, address, run, space):
    study(value, SPACE, [0], folder=tmp_path, address=address)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"holds the study of value over .*take another folder"):
        study(run, space, [0], folder=tmp_path, address=address)
    assert contents(tmp_path) == before


def test_a_folder_with_the_users_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match=r"'thesis.tex' and no study.json; take a new"):
        study(value, SPACE, [0], folder=tmp_path)
    assert contents(tmp_path) == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("content", ["", "{}", '{"space": [], "run": "value"}', "[]"])
def test_a_damaged_head_is_named(tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(ValueError, match=r"study.json is damaged .*; take a new folder"):
        study(value, SPACE, [0], folder=tmp_path)
    with pytest.raises(ValueError, match="is damaged"):
        load_study(tmp_path)
    assert contents(tmp_path) == {"study.json": content.encode()}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"space": {}}, ValueError, "space is empty"),
        ({"space": {"a": 3}}, TypeError, "expected a list of values"),
        ({"space": {"a": "xyz"}}, TypeError, "expected a list of values"),
        ({"space": {"a": []}}, ValueError, "each of them once"),
        ({"space": {"a": [1, 2, 1.0]}}, ValueError, "each of them once"),
        ({"space": {"a": [np.tanh]}}, TypeError, "pass the name of an object"),
        ({"space": {"a": [np.nan]}}, TypeError, "holds nan"),
        ({"seeds": []}, ValueError, "at least one seed"),
        ({"seeds": [1, 2, 1]}, ValueError, "each of them once"),
        ({"seeds": [1.0]}, TypeError, "whole numbers"),
        ({"seeds": [True]}, TypeError, "whole numbers"),
        ({"seeds": [-1]}, TypeError, "whole numbers"),
        ({"workers": 0}, ValueError, "workers is 0"),
        ({"run": threading.Lock().acquire}, TypeError, "cannot be sent to another process"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_a_folder_is_made(
    tmp_path, change, error, message
):
    arguments = {"run": value, "space": {"a": [1]}, "seeds": [0]} | change
    with pytest.raises(error, match=message):
        study(**arguments, folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- processes of its own ---

SCRIPT = """
import os, pathlib, sys, time
from rnncourse.study import study

def run(setting, seed):
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "1"
    out = pathlib.Path(sys_path[0])
    with open(out / "ran", "a") as file:
        file.write(f"{os.getpid()} {setting['a']} {seed}\\n")
    time.sleep(setting["pause"])
    if setting["a"] == -1 and seed == 1:
        os._exit(3)
    return setting["a"] * setting["pause"] + seed

sys_path = sys.argv[1:]
if __name__ == "__main__":
    space = {"a": [1, 2, 4, -1], "pause": [0.5]}
    result = study(run, space, [0, 1], folder=sys_path[0] + "/out", workers=2)
    print(result.values.tolist(), result.errors)
"""


def start(folder, source=SCRIPT):
    script = folder / "script.py"
    script.write_text(source)
    environment = os.environ | {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", script, folder], start_new_session=True,
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def processes_of(folder):
    return {int(line.split()[0]) for line in (folder / "ran").read_text().splitlines()}


def alive(pids):
    return {pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists()}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are found through /proc")
@pytest.mark.parametrize("how", ["kill -9", "ctrl-c"])
def test_a_study_that_is_stopped_leaves_whole_results_and_goes_on_from_there(tmp_path, how):
    process = start(tmp_path)
    try:
        while len(list(tmp_path.glob("out/setting*.json"))) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        if how == "kill -9":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode != 0
    assert how == "kill -9" or errors.rstrip().endswith("KeyboardInterrupt")
    end = time.monotonic() + 20
    while alive(processes_of(tmp_path)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(processes_of(tmp_path))
    kept = {name: text for name, text in contents(tmp_path / "out").items() if "setting" in name}
    kept = {name: text for name, text in kept.items() if name.endswith(".json")}
    assert 2 <= len(kept) < 8
    (tmp_path / "ran").unlink()

    output, errors = start(tmp_path).communicate(timeout=60)
    died = "KilledWorker: the worker process died, for example for lack of memory"
    values = [[0.5, 1.5], [1.0, 2.0], [2.0, 3.0], [-0.5, np.nan]]
    assert output == f"{values} { ({(3, 1): died}) }\n"
    assert errors.splitlines()[-1].strip() == ""  # the bar is wiped out
    assert "Traceback" not in errors
    assert "Warning" not in errors
    now = contents(tmp_path / "out")
    assert {name: now[name] for name in kept} == kept
    again = [line.split()[1:] for line in (tmp_path / "ran").read_text().splitlines()]
    finished = [json.loads(text) for text in kept.values()]
    done = [[str(r["setting"]["a"]), str(r["seed"])] for r in finished]
    assert not [run for run in again if run in done]
    assert not alive(processes_of(tmp_path))


def test_a_script_without_a_guard_is_told_what_to_write(tmp_path):
    source = SCRIPT.replace('if __name__ == "__main__":', "if True:")
    process = start(tmp_path, source)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert 'call study under if __name__ == "__main__":' in errors.splitlines()[-1]


def test_a_function_from_a_notebook_cell_works_and_the_bar_leaves_nothing(tmp_path):
    cells = [
        "import numpy as np\nfrom rnncourse.study import study\nshift = np.float64(0.5)\n"
        "def run(setting, seed):\n    return setting['a'] + shift + seed",
        f"result = study(run, {{'a': [1, 2]}}, [0, 1], folder={str(tmp_path / 'out')!r}, "
        "workers=2)",
        "print(result)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    assert notebook.cells[1].outputs == []
    [output] = notebook.cells[2].outputs
    assert output.text.splitlines()[1:] == [
        "1 | 1.5 | 2.5 | 2 | 1.5 | 2.5",
        "2 | 2.5 | 3.5 | 3 | 2.5 | 3.5",
    ]


# --- what is read off the values ---

VALUES = np.arange(2 * 3 * 4 * 2, dtype=float).reshape(24, 2) ** 1.5
RESULT = StudyResult({"a": (1, 2), "b": (1, 2, 3), "c": ("p", "q", "r", "s")}, (0, 1), VALUES)


@pytest.mark.parametrize("names", list(itertools.permutations("abc")))
def test_the_grid_holds_the_settings_that_its_axes_name(names):
    row, column, other = names
    for held in RESULT.space[other]:
        grids = RESULT.grid(row, column, **{other: held})
        cells = itertools.product(enumerate(RESULT.space[row]), enumerate(RESULT.space[column]))
        for (p, r), (q, c) in cells:
            i = RESULT.settings.index({row: r, column: c, other: held})
            seen = [grid[p, q] for grid in grids]
            assert seen == [RESULT.values[i].mean(), *sorted(RESULT.values[i])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row": "a", "column": "a"}, "each name once"),
        ({"row": "a", "column": "z"}, "'z' is not in the study; it has a, b, c"),
        ({"row": "a", "column": "b"}, "'c' has 4 values; choose c= from"),
        ({"row": "a", "column": "b", "c": "t"}, "c = 't' was not tried"),
        ({"row": "a", "column": "b", "c": "p", "d": 1}, "'d' is not in the study"),
    ],
)
def test_a_grid_that_is_not_in_the_study_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RESULT.grid(**arguments)


@given(st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_best_setting_has_the_best_median(rows):
    values, space = np.array(rows), {"a": tuple(range(len(rows)))}
    for largest, best in ((False, np.argmin), (True, np.argmax)):
        result = StudyResult(space, (0, 1, 2), values, largest=largest)
        np.testing.assert_allclose(result.median, np.median(values, axis=1), atol=1e-12)
        np.testing.assert_array_equal(result.median, np.sort(values)[:, 1])
        assert result.best == {"a": best(np.median(values, axis=1))}


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
def test_the_median_of_an_even_number_of_seeds_lies_in_the_middle(seeds):
    values = np.random.default_rng(seeds).standard_normal((6, seeds))
    result = StudyResult({"a": tuple(range(6))}, tuple(range(seeds)), values)
    np.testing.assert_allclose(result.median, np.median(values, axis=1), rtol=1e-14)


def test_a_lost_run_counts_as_the_worst():
    values = np.array([[0.1, np.nan, np.nan], [0.3, np.nan, 0.2], [0.4, 0.5, 0.6]])
    for sign in (1, -1):
        result = StudyResult({"a": (1, 2, 3)}, (0, 1, 2), sign * values, largest=sign < 0)
        np.testing.assert_array_equal(sign * result.median, [np.inf, 0.3, 0.5])
        assert result.best == {"a": 2}
        worst = result.high if sign > 0 else -result.low
        np.testing.assert_array_equal(worst, [np.inf, np.inf, 0.6])
    even = StudyResult({"a": (1, 2)}, (0, 1), np.array([[1, np.nan], [np.nan, np.nan]]))
    np.testing.assert_array_equal(even.median, [np.inf, np.inf])
    with pytest.raises(ValueError, match="no setting has a median"):
        _ = even.best
