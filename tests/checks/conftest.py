"""What the tests of the examiner share: a record of their own, and made-up exercises."""

import sys
import types

import numpy as np
import pytest

from rnncourse.checks import catalogue, chapter_01, record
from rnncourse.checks.exercise import Band, Case, Exercise, Mistake


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    """Keep every test away from the progress of whoever runs it."""
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(path))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(record, "_unwritten", [])
    return path


def _attempt(x, w):
    y = w * x
    total = y.sum()
    return y, total


def _one(rng):
    return {"x": rng.normal(size=(1, 1)), "w": 2.0}


def _several(rng):
    return {"x": rng.normal(size=(3, 2)), "w": -3.0}


def _many(rng):
    return {"x": rng.normal(size=(7, 6)), "w": 0.5}


TWICE = Exercise(
    name="01.twice",
    title="A weight times <inputs>",
    kind="write",
    inputs={"x": "T N", "w": "a number"},
    outputs={"y": "T N", "total": ""},
    definition=lambda x, w: {"y": w * x, "total": float(np.sum(w * x))},
    attempt=_attempt,
    cases=(Case("one number", _one, tells="Do it by hand."), Case("a few", _several),
           Case("many", _many)),
    hints=("What is `y`?", "See (1.1).", "It is w * x."),
    mistakes=(
        Mistake("the weight added", "Is `w` a factor?", (("w * x", "w + x"),)),
        Mistake("the last step forgotten", "How many steps are there?",
                (("y.sum()", "y[:-1].sum()"),)),
    ),
    points=3,
)  # fmt: skip
GUESS = Exercise(
    name="01.guess",
    title="Guess",
    kind="predict",
    inputs={},
    outputs={"value": ""},
    definition=lambda: 42.125,
    attempt=lambda: 42.125,
    cases=(Case("the value", lambda rng: {}),),
    hints=("a", "b", "c"),
    mistakes=(),
)
MEASURE = Exercise(
    name="01.measure",
    title="Measure",
    kind="experiment",
    inputs={},
    outputs={"value": ""},
    definition=lambda: Band(41.0, 43.0),
    attempt=lambda: 42.0,
    cases=(Case("the value", lambda rng: {}),),
    hints=("a", "b", "c"),
    mistakes=(),
)


def _no_mask(inputs, outputs):
    return "" if set(np.unique(outputs["mask"])) <= {0.0, 1.0} else "the mask is not of 0 and 1"


MASK = Exercise(
    name="01.mask",
    title="A mask",
    kind="write",
    inputs={"n": "a number"},
    outputs={"mask": "N"},
    definition=lambda n: np.ones(n),
    attempt=lambda n: np.ones(n),
    cases=(Case("three", lambda rng: {"n": 3}, holds=_no_mask),),
    hints=("a", "b", "c"),
    mistakes=(),
    by_values=False,
)


@pytest.fixture
def made_up(monkeypatch):
    """Replace all exercises by four made-up ones; return them by their word."""
    exercises = {e.name.split(".")[1]: e for e in (TWICE, GUESS, MEASURE, MASK)}
    for word, exercise in exercises.items():
        module = types.ModuleType(word)
        module.EXERCISE = exercise
        monkeypatch.setitem(sys.modules, f"rnncourse.checks.chapter_01.{word}", module)
    monkeypatch.setattr(catalogue, "CHAPTERS", ("01",))
    monkeypatch.setattr(chapter_01, "WORDS", tuple(exercises))
    return types.SimpleNamespace(**exercises)
