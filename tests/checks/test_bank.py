"""The examiner is proved: every right answer passes, every known mistake is rejected and named.

Right answers: the attempt of each exercise, the same through lists, tensors, float32 and other
wrappings, and those of ``tests/checks/right/``. Wrong answers: the bank.
"""

import dataclasses
import functools
import importlib
import pkgutil

import numpy as np
import pytest
import torch

from rnncourse.checks.call import call
from rnncourse.checks.card import text
from rnncourse.checks.catalogue import CHAPTERS, load, names
from rnncourse.checks.exercise import KINDS
from rnncourse.checks.judge import judge
from rnncourse.checks.returned import Returned

SEEDS = (1, 20, 300)
RIGHT = {
    name: functions
    for chapter in CHAPTERS
    for name, functions in importlib.import_module(
        f"right.chapter_{chapter}"
    ).RIGHT.items()
}
NAMES = pytest.mark.parametrize("name", names())
CENTRAL = 8  # points or more: an exercise at the centre of its chapter
BANK = [
    pytest.param(name, mistake, id=f"{name} {mistake.name}")
    for name in names()
    for mistake in load(name).mistakes
]


def verdict_of(exercise, answer, seed=1):
    return judge(exercise, seed, call(exercise, answer, exercise.instances(seed), seconds=20))


def faults(verdict):
    """What a verdict says against an answer, for the message of a failing test."""
    return [(o.case, o.state, o.text) for o in verdict.outcomes if o.state != "holds"]


def words(something):
    """Without line breaks, and without the signs of code."""
    return " ".join(something.replace("`", "").split())


def spoiled(value):
    """Wrong in every entry, in a way that no known mistake is."""
    if isinstance(value, dict):
        return {k: spoiled(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(map(spoiled, value))
    if isinstance(value, bool | str):
        return "neither"
    return np.where(np.isfinite(value), value, 0.0) * 0.37 + 1e3


# --- right answers ---


@NAMES
def test_the_attempt_passes_on_every_seed(name):
    exercise = load(name)
    for seed in SEEDS:
        verdict = verdict_of(exercise, exercise.attempt, seed)
        assert verdict.passed, faults(verdict)


def as_lists(value):
    if isinstance(value, dict):
        return {k: as_lists(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [as_lists(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | torch.Tensor) else value


def as_tensors(value):
    if isinstance(value, dict):
        return {k: as_tensors(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return tuple(as_tensors(v) for v in value)
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def as_dict(exercise, value):
    if isinstance(value, dict) or len(exercise.outputs) == 1:
        return value
    return dict(zip(exercise.outputs, value, strict=True)) | {"something_else": 0}


def wrapped(exercise, how):
    """The attempt with another outside: what it takes, and in which form it answers."""
    attempt = exercise.attempt

    @functools.wraps(attempt)
    def positional(*values):
        return attempt(*values)

    def with_more(*values, verbose=False, **kwargs):
        return attempt(*values, **kwargs)

    return {
        "lists": lambda *v, **k: as_lists(attempt(*v, **k)),
        "tensors": lambda *v, **k: as_tensors(attempt(*v, **k)),
        "a dict": lambda *v, **k: as_dict(exercise, attempt(*v, **k)),
        "positional arguments": positional,
        "extra keyword arguments": with_more,
        "a partial": functools.partial(attempt),
    }[how]


@pytest.mark.parametrize(
    "how",
    ["lists", "tensors", "a dict", "positional arguments", "extra keyword arguments", "a partial"],
)
@NAMES
def test_the_attempt_passes_in_other_clothes(name, how):
    exercise = load(name)
    if how in ("lists", "tensors", "a dict") and any("dL_d" in out for out in exercise.outputs):
        value = exercise.call(exercise.attempt, exercise.instances(1)[0])
        if isinstance(value, dict) and isinstance(value.get("value"), torch.Tensor):
            pytest.skip("its answer is differentiated by torch: it has to stay a tensor")
    verdict = verdict_of(exercise, wrapped(exercise, how))
    assert verdict.passed, faults(verdict)


@NAMES
def test_the_attempt_passes_on_copies_that_it_spoils(name):
    exercise = load(name)

    def spoiling(*values, **named):
        value = exercise.attempt(*values, **named)
        for array in (*values, *named.values()):
            if isinstance(array, np.ndarray):
                array = np.atleast_1d(array.copy())
                array[...] = 0
        return value

    assert verdict_of(exercise, spoiling).passed


def _answers():
    return [
        pytest.param(name, function, id=f"{name} {function.__name__}")
        for name, functions in RIGHT.items()
        for function in functions
    ]


@pytest.mark.parametrize(("name", "function"), _answers())
def test_another_right_answer_passes(name, function):
    for seed in SEEDS[:2]:
        verdict = verdict_of(load(name), function, seed)
        assert verdict.passed, faults(verdict)


@NAMES
def test_each_exercise_that_asks_for_a_function_has_other_right_answers(name):
    exercise = load(name)
    wanted = 3 if exercise.inputs else 1
    assert len(RIGHT.get(name, ())) >= wanted


# --- wrong answers ---


@pytest.mark.parametrize(("name", "mistake"), BANK)
def test_a_known_mistake_is_rejected_and_named_and_its_hint_is_said(name, mistake):
    exercise = load(name)
    for seed in SEEDS[:2]:
        verdict = verdict_of(exercise, exercise.wrong(mistake), seed)
        assert verdict.state == "failed"
        [named] = verdict.named
        same_hint = {m.name for m in exercise.mistakes if m.hint == mistake.hint}
        assert named.mistake in same_hint
        assert words(mistake.hint) in words(text(verdict, exercise))


@NAMES
def test_no_two_mistakes_are_confused_unless_they_share_a_hint(name):
    """Each is judged with the others alone: it must be named as none of them."""
    exercise = load(name)
    for mistake in exercise.mistakes:
        others = tuple(m for m in exercise.mistakes if m.hint != mistake.hint)
        without = dataclasses.replace(exercise, mistakes=others)
        verdict = verdict_of(without, exercise.wrong(mistake))
        whole = [n.mistake for n in verdict.named if not n.outputs]
        assert not whole, f"{mistake.name!r} is taken for {whole}"


@NAMES
def test_the_case_that_fails_first_is_explained_if_no_mistake_is_known(name):
    """Spoil the values of one case: then what it tells has to be said."""
    exercise = load(name)
    records = call(exercise, exercise.attempt, exercise.instances(1), seconds=20)
    for i, case in enumerate(exercise.cases):
        other = Returned("returned", spoiled(records[i].value))
        verdict = judge(exercise, 1, [*records[:i], other, *records[i + 1 :]])
        assert [o.state == "holds" for o in verdict.outcomes].index(False) == i
        if case.tells and not verdict.named:
            assert words(case.tells) in words(text(verdict, exercise))


@NAMES
def test_a_verdict_is_a_pure_function_of_exercise_seed_and_values(name):
    exercise = load(name)
    wrong = exercise.wrong(exercise.mistakes[0])
    records = call(exercise, wrong, exercise.instances(7), seconds=20)
    assert repr(judge(exercise, 7, records)) == repr(judge(exercise, 7, records))


@NAMES
def test_the_instances_are_drawn_from_the_seed(name):
    exercise = load(name)
    assert repr(exercise.instances(3)) == repr(exercise.instances(3))
    if exercise.inputs:
        assert repr(exercise.instances(3)) != repr(exercise.instances(4))


@NAMES
def test_nothing_written_yet_is_said_to_be_not_implemented(name):
    def empty(*values, **named):
        raise NotImplementedError

    assert verdict_of(load(name), empty).state == "not implemented"


@pytest.mark.parametrize("answer", [None, "words", 3.0, [], {}, np.zeros((2, 3, 5)), np.nan])
@NAMES
def test_an_answer_of_the_wrong_kind_is_rejected_without_an_error(name, answer):
    exercise = load(name)
    verdict = verdict_of(exercise, lambda *v, **k: answer)
    assert not verdict.passed
    assert text(verdict, exercise)


# --- the bank as a whole ---


@NAMES
def test_an_exercise_is_complete(name):
    exercise = load(name)
    assert exercise.name == name
    assert exercise.kind in KINDS
    assert len(exercise.hints) == 3
    assert all(exercise.hints)
    assert len({case.name for case in exercise.cases}) == len(exercise.cases)
    assert len({m.name for m in exercise.mistakes}) == len(exercise.mistakes) >= 3
    assert all(m.hint and bool(m.edits) != bool(m.wrong) for m in exercise.mistakes)
    if exercise.points >= CENTRAL:
        assert len(exercise.mistakes) >= 8
    for answer in exercise.answers:
        assert callable(pkgutil.resolve_name(answer)), answer  # a method too


def test_there_are_forty_exercises_of_four_kinds_and_a_hundred_and_fifty_mistakes():
    assert len(names()) >= 40
    for chapter in CHAPTERS:
        kinds = {load(name).kind for name in names() if name.startswith(chapter)}
        assert kinds == set(KINDS), chapter
    assert len(BANK) >= 150
