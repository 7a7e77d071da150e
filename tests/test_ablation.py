"""The ablation: every row differs from its neighbour in one thing, and the table is whole."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import rnncourse.ablation as ablation
from rnncourse.__main__ import main
from rnncourse.ablation import (
    BATCH,
    MODELS,
    OMEGA,
    OPTIMISERS,
    TASKS,
    read_ablation,
    run_once,
    summarise,
    write_ablation,
)
from rnncourse.optim import Adam
from rnncourse.study import StudyResult
from rnncourse.tasks import digits
from rnncourse.training import fit

STORED = Path(__file__).parents[1] / "notebooks" / "05_ablation.json"


@pytest.fixture(scope="module")
def task():
    return digits("row")


@pytest.mark.parametrize("technique", MODELS)
def test_the_same_seed_gives_the_same_network_in_float32(technique, task):
    one, other = (MODELS[technique](task, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(one.params, other.params, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32


def test_rows_start_from_the_same_weights_and_change_one_thing(task):
    start = MODELS["clipping"](task, np.random.default_rng(5)).params
    models = {name: make(task, np.random.default_rng(5)) for name, make in MODELS.items()}
    for name in ("no clipping", "Omega"):
        for a, b in zip(models[name].params, start, strict=True):
            np.testing.assert_array_equal(a, b)
    assert models["Omega"].weight == OMEGA
    Q = models["orthogonal"].params.W_hh
    np.testing.assert_allclose(Q @ Q.T, np.eye(len(Q)), atol=1e-5)
    np.testing.assert_array_equal(models["orthogonal"].params.W_xh, start.W_xh)
    assert np.linalg.norm(start.W_hh @ start.W_hh.T - np.eye(len(Q))) > 1


def test_solved_means_that_the_criterion_held_at_the_end_of_an_epoch(monkeypatch):
    spec = TASKS["digits by pixel"]._replace(make=lambda _: digits("row"), budget=400,
                                             solved=lambda seen: seen.metric > 0.5)  # fmt: skip
    monkeypatch.setitem(TASKS, "digits by pixel", spec)
    setting = {"task": "digits by pixel", "technique": "GRU", "optimiser": "Adam 0.001"}
    monkeypatch.setitem(OPTIMISERS, "Adam 0.001", Adam(0.01))
    found = run_once(setting, 0)
    size = digits("row").train.size
    assert found["stopped"].startswith("reached")
    assert found["value"] == found["updates"] < 400
    assert found["updates"] % -(-size // BATCH) == 0
    assert found["test"] > 0.4
    short = run_once(setting, 0, budget=1)
    assert (short["value"], short["updates"], short["stopped"]) == (np.inf, 1, "finished")


def test_only_the_first_row_is_not_clipped_and_every_row_sees_fresh_data(monkeypatch):
    seen = {}

    def spy(model, task, optimiser, **options):
        seen[name] = options
        return fit(model, task, optimiser, **options)

    monkeypatch.setattr(ablation, "fit", spy)
    for name in MODELS:
        run_once({"task": "adding", "technique": name, "optimiser": "SGD 0.1"}, 0, budget=1)
    assert {name for name, options in seen.items() if options["clip"] is None} == {"no clipping"}
    assert {options["clip"] for options in seen.values()} == {None, ablation.CLIP}
    assert all(options["renew"] is TASKS["adding"].renew for options in seen.values())


def small_result():
    space = {"task": ("adding",), "technique": ("clipping", "LSTM"), "optimiser": ("SGD 0.1",)}
    details = {
        (i, j): {"test": 0.25 * i, "updates": 7, "seconds": 1.0 + j, "stopped": "finished"}
        for i, j in itertools.product(range(2), range(3))
    }
    values = np.array([[np.inf, 300.0, np.inf], [100.0, 200.0, 600.0]])
    return StudyResult(space, (0, 1, 2), values, {}, False, details)


def test_what_is_stored_is_read_back_whole(tmp_path):
    path = tmp_path / "table.json"
    write_ablation(small_result(), path, "the command")
    table = read_ablation(path)
    assert table["command"] == "the command"
    assert table["tasks"]["adding"]["budget"] == TASKS["adding"].budget
    assert {"python", "rnncourse", "numpy"} <= set(table["versions"])
    assert len(table["runs"]) == 6
    assert table["runs"][1] == {
        "task": "adding", "technique": "clipping", "optimiser": "SGD 0.1", "seed": 1,
        "solved_at": 300, "test": 0.0, "updates": 7, "seconds": 2.0, "stopped": "finished",
    }  # fmt: skip
    rows = summarise(table, "adding")
    assert [(row["technique"], row["solved"], row["updates"]) for row in rows] == [
        ("clipping", 1, np.inf),
        ("LSTM", 3, 200.0),
    ]
    with pytest.raises(ValueError, match="task is 'copying'; expected one of adding"):
        summarise(table, "copying")


def test_a_table_with_a_hole_is_not_stored_and_the_old_one_stays(tmp_path):
    path = tmp_path / "table.json"
    write_ablation(small_result(), path, "old")
    before = path.read_bytes()
    broken = small_result()
    broken.errors[0, 1] = "it diverged"
    with pytest.raises(ValueError, match=r"1 run has no result.*it diverged.*Nothing was stored"):
        write_ablation(broken, path, "new")
    assert path.read_bytes() == before
    path.write_text("[]")
    with pytest.raises(ValueError, match="is no stored ablation"):
        read_ablation(path)


def test_the_command_runs_stores_and_prints_the_table(tmp_path, monkeypatch, capsys):
    def instead(folder, *, tasks, seeds, workers):
        assert (tasks, seeds, workers) == (["adding"], [0, 1, 2], None)
        return small_result()

    monkeypatch.setattr("rnncourse.ablation.run_ablation", instead)
    out = tmp_path / "table.json"
    words = ["ablation", "--tasks", "adding", "--folder", str(tmp_path / "x"), "--out", str(out)]
    assert main(words) == 0
    assert read_ablation(out)["command"] == "python -m rnncourse ablation --tasks adding"
    printed = capsys.readouterr().out
    assert "LSTM" in printed
    assert "3 of 3, updates 200" in printed


def test_the_whole_chain_runs_in_worker_processes(tmp_path):
    space = {"task": ["adding"], "technique": ["clipping"], "optimiser": ["SGD 0.1"]}
    result = ablation.study(_two_updates, space, [4], folder=tmp_path, workers=1, progress=False)
    write_ablation(result, tmp_path / "table.json", "two updates")
    assert read_ablation(tmp_path / "table.json")["runs"][0]["updates"] == 2


def _two_updates(setting, seed):
    from rnncourse.ablation import run_once

    return run_once(setting, seed, budget=2)


# --- the table in the repository ---


def test_the_stored_table_is_that_of_todays_settings_and_has_no_hole():
    table = read_ablation(STORED)
    assert table["settings"] == {
        "hidden units": ablation.N, "batch size": BATCH, "clip norm": ablation.CLIP,
        "weight of Omega": OMEGA,
    }  # fmt: skip
    assert table["tasks"] == {
        name: {"budget": spec.budget, "solved": spec.criterion} for name, spec in TASKS.items()
    }
    assert table["command"] == "python -m rnncourse ablation"
    assert len(table["seeds"]) >= 3
    expected = set(itertools.product(TASKS, MODELS, OPTIMISERS, table["seeds"]))
    found = [(run["task"], run["technique"], run["optimiser"], run["seed"])
             for run in table["runs"]]  # fmt: skip
    assert set(found) == expected
    assert len(found) == len(expected)
    for run in table["runs"]:
        budget = TASKS[run["task"]].budget
        assert run["updates"] == (budget if run["solved_at"] is None else run["solved_at"])
    assert STORED.stat().st_size < 100_000
    assert json.dumps(table)  # plain JSON, nan nowhere
    assert "NaN" not in STORED.read_text()
