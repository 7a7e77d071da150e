"""A verdict is a pure function of exercise, seed and values, and says nothing untrue."""

import copy
import dataclasses
import functools
import itertools

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.checks import judge as judging
from rnncourse.checks.catalogue import load
from rnncourse.checks.exercise import Band, Case, Exercise, Mistake, edited
from rnncourse.checks.judge import judge, run_wrong
from rnncourse.checks.returned import Failure, Returned, plain

SEED = 5


def _attempt(x, w):
    y = w * x
    total = y.sum()
    return y, total


def _case(name, shape, tells=""):
    return Case(name, lambda rng: {"x": rng.normal(size=shape), "w": rng.uniform(2, 3)}, tells)


TWICE = Exercise(
    name="01.twice",
    title="A weight times inputs",
    kind="write",
    inputs={"x": "T N", "w": "a number"},
    outputs={"y": "T N", "total": ""},
    definition=lambda x, w: {"y": w * x, "total": float(np.sum(w * x))},
    attempt=_attempt,
    cases=(_case("many", (4, 5), "Many."), _case("few", (2, 3), "Few."), _case("some", (3, 4))),
    hints=("a", "b", "c"),
    mistakes=(
        Mistake("the weight added", "Is w a factor?", (("w * x", "w + x"),)),
        Mistake("the last step forgotten", "How many steps?", (("y.sum()", "y[:-1].sum()"),)),
        Mistake("no weight in y", "Where is w?", (("return y", "return x"),)),
    ),
    answers=("rnncourse.unroll.unroll",),
)


def made(outputs, right, **more):
    """An exercise of one case without inputs."""
    return dataclasses.replace(
        TWICE, inputs={}, outputs=outputs, definition=lambda: right, mistakes=(),
        cases=(Case("the value", lambda rng: {}),), **more,
    )  # fmt: skip


def answered(exercise, function, seed=SEED, **more):
    """The verdict on a function, called with copies."""
    records = [
        Returned("returned", plain(exercise.call(function, copy.deepcopy(i))), **more)
        for i in exercise.instances(seed)
    ]
    return judge(exercise, seed, records)


def value(exercise, given):
    """The verdict on one value."""
    return judge(exercise, 0, [Returned("returned", plain(given))])


def only(verdict):
    [outcome] = verdict.outcomes
    return outcome


def same(a, b):
    """Whether two things are equal in all depths."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


# --- pure ---


@pytest.mark.parametrize(
    "name",
    ["01.unroll", "02.bptt", "02.which_are_zero", "02.best_eps", "04.clip", "05.orthogonal",
     "06.lstm_step", "07.huber"],
)  # fmt: skip
def test_a_verdict_is_the_same_each_time_and_its_records_stay_as_they_are(name):
    exercise = load(name)
    records = run_wrong(exercise, exercise.mistakes[-1], exercise.instances(SEED))
    before = copy.deepcopy(records)
    first = judge(exercise, SEED, records)
    assert same(records, before)
    assert same(judge(exercise, SEED, copy.deepcopy(records)), first)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_wrong_number_of_records_is_an_error_that_says_what_to_give(count):
    with pytest.raises(ValueError, match="cases, got") as caught:
        judge(TWICE, 0, [Returned("returned", 1.0)] * count)
    assert str(caught.value) == (
        f"01.twice has 3 cases, got {count} records: "
        f"give one record of each call, in the order of the cases"
    )


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        arrays.arrays(
            st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
            arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.sampled_from(["y", "total", "other"]), inner, max_size=3),
    ),
    max_leaves=8,
)
KINDS = (
    TWICE,
    load("02.bptt"),
    load("02.which_are_zero"),
    load("05.variational_mask"),
    load("05.orthogonal"),
    made({"one": "N"}, np.arange(2.0)),
    made({"one": "yes or no"}, True),
    made({"one": "word"}, "tanh"),
    made({"one": "N"}, Band(np.zeros(2), np.ones(2))),
    made({"a": "word", "b": "yes or no", "c": "", "d": "N"}, ("x", True, Band(0, 1), np.ones(2))),
)


@settings(max_examples=20)
@pytest.mark.parametrize("exercise", KINDS, ids=lambda e: f"{e.name} {'-'.join(e.outputs)[:20]}")
@given(value=VALUES, several=st.booleans())
def test_any_plain_value_is_judged_without_an_error(exercise, value, several):
    if several:
        value = (value,) * len(exercise.outputs)
    verdict = judge(exercise, 0, [Returned("returned", value)] * len(exercise.cases))
    assert verdict.state in ("passed", "failed")


# --- forms of an answer ---


FORMS = {
    "a tuple": lambda y, s: (y, s),
    "a list": lambda y, s: [y, s],
    "lists of lists": lambda y, s: [y.tolist(), s],
    "a dict": lambda y, s: {"y": y, "total": s},
    "a dict in another order": lambda y, s: {"total": s, "y": y},
    "a dict with more in it": lambda y, s: {"y": y, "total": s, "x": 0, "why": "words"},
    "a 0-d array": lambda y, s: (y, np.array(s)),
    "an array of one": lambda y, s: (y, np.array([s])),
    "an array of one by one": lambda y, s: (y, np.array([[s]])),
    "a list of one": lambda y, s: (y, [s]),
    "a number of NumPy": lambda y, s: (y, np.float64(s)),
    "float32": lambda y, s: (y.astype(np.float32), np.float32(s)),
    "float16": lambda y, s: (y.astype(np.float16), np.float16(s)),
    "a sum of float32": lambda y, s: (y.astype(np.float32), y.astype(np.float32).sum()),
    "big-endian": lambda y, s: (y.astype(">f8"), s),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_right_answer_passes_in_every_form(form):
    verdict = answered(TWICE, lambda x, w: FORMS[form](*_attempt(x, w)))
    assert verdict.passed, verdict.outcomes
    assert (verdict.shown, verdict.named, verdict.located, verdict.tells) == (None, (), (), "")


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ([1.0, 2.0], np.array([1.0, 2.0])),
        ((np.array([1.0, 2.0]),), np.array([1.0, 2.0])),
        ({"one": [1, 2]}, np.array([1.0, 2.0])),
        ([3.0], np.array([3.0])),
        ([[3.0]], np.array([3.0])),
        ([np.array([3.0])], np.array([3.0])),
        ({"one": 3}, 3.0),
        ([3.0], 3.0),
        (3, 3.0),
        (np.array([[3]]), 3.0),
    ],
)
def test_one_output_may_be_returned_by_itself_or_in_a_list(given, right):
    assert value(made({"one": "N" if np.ndim(right) else ""}, right), given).passed


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "It returns None, expected (y, total): is there a return at the end?"),
        ((1.0,), "It returns one thing, expected 2: (y, total)"),
        ((1.0, 2.0, 3.0), "It returns 3 things, expected 2: (y, total)"),
        (3.0, "It returns one thing, expected 2: (y, total)"),
        ("words", "It returns one thing, expected 2: (y, total)"),
        ({"a": 2}, "It returns ['a']; missing: y, total"),
        ({}, "It returns []; missing: y, total"),
        ((None, 1.0), "y is None, expected an array (T, N)"),
        ((np.ones((2, 2)), None), "total is None, expected a number"),
        (("words", 1.0), "y is 'words', expected an array (T, N)"),
        (({"a": 1}, 1.0), "y is {'a': 1}, expected an array (T, N)"),
        ((((1.0, 2.0), (3.0,)), 1.0), "y is a list of unequal parts, not an array"),
        ((((1.0, None),), 1.0), "y holds object, expected numbers"),
        ((("a" * 200), 1.0), "y is '" + "a" * 79 + " …, expected an array (T, N)"),
    ],
)
def test_it_is_said_why_an_answer_cannot_be_read(given, text):
    verdict = judge(TWICE, 0, [Returned("returned", given)] * 3)
    assert verdict.state == "failed"
    assert {(o.state, o.text) for o in verdict.outcomes} == {("unreadable", text)}


def test_the_rows_of_an_array_are_several_outputs():
    exercise = made({"a": "", "b": ""}, (1.0, 2.0))
    assert value(exercise, np.array([1.0, 2.0])).passed
    assert not value(exercise, np.array([2.0, 1.0])).passed
    assert only(value(exercise, np.array(1.0))).text.startswith("It returns one thing")


# --- yes or no, and words ---


@pytest.mark.parametrize(
    "given",
    ["yes", "Yes", " YES ", "true", "True", True, np.True_, 1, 1.0, np.array([True]), [True], [[1]],
     ("yes",)],
)  # fmt: skip
def test_yes_in_every_form(given):
    assert value(made({"one": "yes or no"}, True), given).passed
    verdict = value(made({"one": "yes or no"}, False), given)
    assert only(verdict).differences[0].problem == "value"
    assert only(verdict).text == "one is not True"


@pytest.mark.parametrize("given", ["no", "No", "FALSE", False, np.False_, 0, 0.0, np.array(0)])
def test_no_in_every_form(given):
    assert value(made({"one": "yes or no"}, False), given).passed
    assert not value(made({"one": "yes or no"}, True), given).passed


@pytest.mark.parametrize("given", [2, -1, 0.5, np.nan, "maybe", "", [True, False], [], [(1, [2])]])
def test_what_is_neither_yes_nor_no_is_told_so(given):
    for right in (True, False):
        outcome = only(value(made({"one": "yes or no"}, right), given))
        assert outcome.differences[0].problem == "kind"
        assert outcome.text.endswith(", expected yes or no, True or False")


def test_a_word_is_compared_without_capitals_and_spaces():
    exercise = made({"one": "word"}, "Tanh")
    assert value(exercise, " TANH\n").passed
    assert only(value(exercise, "relu")).text == "one is not 'relu'"
    assert only(value(exercise, 3.0)).text == "one is 3.0, expected a word"


def test_a_long_value_is_cut_in_the_message():
    outcome = only(value(made({"one": "word"}, "a"), np.arange(900)))
    assert len(outcome.text) < 120


# --- values ---


ONE = made({"one": "T N"}, np.array([[1.5, -2.5, 3.25], [0.5, 7.75, 1000.0]]))
RIGHT = ONE.definition()


def test_float64_with_the_accuracy_of_float32_does_not_pass():
    assert value(ONE, RIGHT * (1 + 1e-7)).passed
    assert not value(ONE, RIGHT * (1 + 1e-5)).passed
    assert value(ONE, (RIGHT * (1 + 1e-5)).astype(np.float32)).passed
    assert value(ONE, (RIGHT * (1 + 1e-4)).astype(np.float16)).passed
    assert not value(ONE, (RIGHT * (1 + 1e-3)).astype(np.float32)).passed


def test_one_float32_array_excuses_no_float64_array():
    exercise = made({"a": "N", "b": "N", "c": ""}, (np.ones(2), np.ones(2), 1.0))
    single, rough = np.ones(2, np.float32), np.ones(2) * (1 + 1e-5)
    assert value(exercise, (single, np.ones(2), 1 + 1e-5)).passed
    assert not value(exercise, (np.ones(2), np.ones(2), 1 + 1e-5)).passed
    verdict = value(exercise, (single, rough, 1.0))
    assert [d.output for d in only(verdict).differences] == ["b"]
    [difference] = only(value(exercise, (single, np.ones(2), 1 + 1e-2))).differences
    assert difference.output == "c"


def test_the_tolerances_are_those_of_the_exercise():
    loose = dataclasses.replace(ONE, rtol=1e-2)
    assert value(loose, RIGHT * (1 + 5e-3)).passed
    assert value(loose, (RIGHT * (1 + 5e-3)).astype(np.float32)).passed
    shifted = dataclasses.replace(ONE, rtol=0.0, atol=0.1)
    assert value(shifted, RIGHT + 0.09).passed
    assert value(shifted, (RIGHT + 0.09).astype(np.float32)).passed
    assert not value(shifted, RIGHT + 0.11).passed


@pytest.mark.parametrize("cut", [np.trunc, np.rint, np.floor])
@pytest.mark.parametrize("kind", [np.int64, np.int32])
def test_lost_decimals_are_told(cut, kind):
    outcome = only(value(ONE, cut(RIGHT).astype(kind)))
    assert outcome.differences[0].problem == "kind"
    assert outcome.text == f"one holds integers ({kind.__name__}): the decimals are lost"


def test_other_integers_and_cut_floats_are_only_different():
    for wrong in (np.trunc(RIGHT).astype(int) + 1, np.trunc(RIGHT)):
        assert only(value(ONE, wrong)).text == "one differs"


def test_whole_numbers_may_be_integers():
    assert value(made({"one": "N"}, np.array([1.0, -2.0])), np.array([1, -2])).passed


@pytest.mark.parametrize(
    ("strange", "what"), [(np.nan, "nan"), (np.inf, "infinite"), (-np.inf, "infinite")]
)
def test_what_is_not_finite_is_counted(strange, what):
    wrong = RIGHT.copy()
    wrong[0, :2] = strange
    outcome = only(value(ONE, wrong))
    assert outcome.text == f"2 of 6 entries of one are {what}"
    assert outcome.differences[0].problem == "not finite"


def test_infinite_passes_where_it_is_right():
    exercise = made({"one": "N"}, np.array([np.inf, np.nan, 1.0]))
    assert value(exercise, np.array([np.inf, np.nan, 1.0])).passed
    assert not value(exercise, np.array([-np.inf, np.nan, 1.0])).passed


def test_a_shape_is_told_with_the_letters_of_its_axes():
    outcome = only(value(ONE, RIGHT.T))
    assert outcome.differences[0].problem == "shape"
    assert outcome.text == "one has the shape (3, 2), expected (T, N) = (2, 3)"
    outcome = only(value(made({"one": ""}, 1.0), np.ones(3)))
    assert outcome.text == "one has the shape (3,), expected one number, shape ()"


# --- bands ---


BAND = made({"one": ""}, Band(2.0, 3.0))
BANDS = made({"one": "N"}, Band(np.array([0.0, 2.0]), np.array([1.0, 3.0])))


@pytest.mark.parametrize("inside", [2.0, 2.5, 3.0, np.array([2.5]), 3, np.float32(2.5)])
def test_inside_a_band_and_on_its_ends_it_holds(inside):
    assert value(BAND, inside).passed


@pytest.mark.parametrize(
    ("exercise", "given", "text"),
    [
        (BAND, 3.01, "one lies above the band that was measured just now"),
        (BAND, 1.99, "one lies below the band that was measured just now"),
        (BAND, np.nan, "one is not finite"),
        (BAND, np.inf, "one is not finite"),
        (BAND, [2.5, 2.5], "one has the shape (2,), expected ()"),
        (BANDS, [0.5, 3.5], "one lies above the band that was measured just now"),
        (BANDS, [-0.5, 2.5], "one lies below the band that was measured just now"),
        (
            BANDS,
            [-0.5, 3.5],
            "one lies partly above and partly below the band that was measured just now",
        ),
        (made({"one": "N"}, Band(np.zeros(1), np.ones(1))), [1.5], "one lies above the band that "
         "was measured just now"),
        (BANDS, [0.5], "one has the shape (1,), expected (2,)"),
    ],
)
def test_outside_of_a_band_the_side_is_told(exercise, given, text):
    verdict = value(exercise, given)
    assert only(verdict).text == text
    assert verdict.located == ()


def test_a_band_of_one_entry_takes_a_list_of_one():
    exercise = made({"one": "N"}, Band(np.zeros(1), np.ones(1)))
    assert value(exercise, [0.5]).passed
    assert value(exercise, np.array([0.5])).passed


def test_a_band_of_arrays_holds_entry_by_entry():
    assert value(BANDS, [0.0, 3.0]).passed
    assert not value(BANDS, [2.5, 2.5]).passed


def test_a_measured_mistake_is_named_within_half_a_band():
    exercise = dataclasses.replace(
        BAND, mistakes=(Mistake("doubled", "Once?", wrong=lambda: 5.0),)
    )
    assert [n.mistake for n in value(exercise, 5.4).named] == ["doubled"]
    assert [n.mistake for n in value(exercise, 4.6).named] == ["doubled"]
    assert value(exercise, 5.6).named == ()
    assert value(exercise, [5.0, 5.0]).named == ()


# --- inputs, notes, states ---


def test_right_values_with_changed_inputs_fail_and_it_is_said_which():
    verdict = answered(TWICE, _attempt, changed=("x", "w"))
    assert verdict.state == "failed"
    assert {o.state for o in verdict.outcomes} == {"changes its inputs"}
    assert verdict.outcomes[0].text == "The values are right, but it changes x, w of its caller"
    assert verdict.notes == (
        "Your function changes w, x, which belongs to its caller. "
        "Work on a copy: `.copy()` of an array, `.clone()` of a tensor.",
    )


def test_what_may_be_changed_is_not_blamed():
    exercise = dataclasses.replace(TWICE, may_change=("x",))
    assert answered(exercise, _attempt, changed=("x",)).passed
    assert answered(exercise, _attempt, changed=("x",)).notes == ()
    verdict = answered(exercise, _attempt, changed=("x", "w"))
    assert verdict.outcomes[0].text.endswith("it changes w of its caller")


def test_wrong_values_come_before_changed_inputs():
    verdict = answered(TWICE, lambda x, w: (7 * x, 0.0), changed=("x",))
    assert {o.state for o in verdict.outcomes} == {"differs"}
    assert "changes x" in verdict.notes[0]


def test_the_answer_of_the_package_is_declined_and_not_judged():
    verdict = answered(TWICE, _attempt, called=("numpy.sum", "rnncourse.unroll.unroll"))
    assert verdict.state == "declined"
    assert verdict.outcomes == ()
    assert verdict.notes == (
        "Your function calls rnncourse.unroll.unroll, which is the answer. Write it yourself.",
    )
    assert answered(TWICE, _attempt, called=("rnncourse.cell.step",)).passed


def test_one_call_of_the_packages_answer_is_enough_to_decline():
    records = [Returned("returned", 1.0), Returned("raised"),
               Returned("returned", 1.0, called=("rnncourse.unroll.unroll",))]  # fmt: skip
    assert judge(TWICE, 0, records).state == "declined"


def test_reads_prints_and_warnings_become_notes_and_are_no_failure():
    verdict = answered(TWICE, _attempt, reads=("W", "B"), printed="hello" * 100,
                       printed_length=12_345, warned=("a", "b", "c", "d"))  # fmt: skip
    assert verdict.passed
    reads, printed, warned = verdict.notes
    assert "reads B, W from outside" in reads
    assert printed == f"It prints (up to 12,345 characters a call): {('hello' * 40)!r}"
    assert warned == "NumPy or torch warned: a; b; c"


def test_without_anything_to_note_there_are_no_notes():
    assert answered(TWICE, _attempt).notes == ()


@pytest.mark.parametrize("state", ["raised", "too slow", "unreadable"])
def test_a_call_without_an_answer_passes_its_state_and_failure_on(state):
    failure = Failure("ValueError", "shapes differ", 3, "y = x @ w")
    good = [Returned("returned", plain(_attempt(**i))) for i in TWICE.instances(0)]
    verdict = judge(TWICE, 0, [good[0], Returned(state, failure=failure), good[2]])
    assert [o.state for o in verdict.outcomes] == ["holds", state, "holds"]
    assert verdict.outcomes[1].failure is failure
    assert verdict.outcomes[1].text == "shapes differ"
    assert (verdict.state, verdict.shown, verdict.tells) == ("failed", 1, "Few.")


def test_what_was_not_run_does_not_pass():
    good = [Returned("returned", plain(_attempt(**i))) for i in TWICE.instances(0)]
    slow = judge(TWICE, 0, [good[0], Returned("too slow"), Returned("not run")])
    assert (slow.state, slow.shown) == ("failed", 1)
    cut = judge(TWICE, 0, [*good[:2], Returned("not run")])
    assert (cut.state, cut.shown) == ("failed", 2)
    assert judge(TWICE, 0, [Returned("not run")] * 3).state == "failed"


def test_not_implemented_is_said_only_if_no_call_came_further():
    empty, good = Returned("not implemented"), Returned("returned", (1.0, 2.0))
    assert judge(TWICE, 0, [empty] * 3).state == "not implemented"
    assert judge(TWICE, 0, [empty, Returned("not run"), empty]).state == "not implemented"
    assert judge(TWICE, 0, [empty, good, empty]).state == "failed"
    assert judge(TWICE, 0, [empty, Returned("raised"), empty]).state == "failed"


def test_the_first_case_that_fails_is_shown_with_what_it_tells():
    assert answered(TWICE, lambda x, w: (7 * x, 0.0)).shown == 0
    not_many = answered(TWICE, lambda x, w: (x, 0.0) if x.size < 20 else _attempt(x, w))
    assert (not_many.shown, not_many.tells) == (1, "Few.")


def test_an_output_that_a_dict_lacks_is_missing_and_the_others_are_judged():
    verdict = answered(TWICE, lambda x, w: {"total": float(np.sum(w * x))})
    assert [(d.output, d.problem) for d in verdict.outcomes[0].differences] == [("y", "missing")]
    assert verdict.outcomes[0].differences[0].text == "y is missing"
    wrong = answered(TWICE, lambda x, w: {"total": (w * x)[:-1].sum()})
    assert [n.mistake for n in wrong.named] == ["the last step forgotten"]
    assert wrong.named[0].outputs == ("total",)
    assert wrong.located == ()  # that it is missing is said already


def test_more_than_the_one_output_is_said_to_be_more():
    exercise = made({"h": "N"}, np.ones(3))
    assert only(value(exercise, (np.ones(3), 5.0))).text == "It returns 2 things, expected h alone"
    assert value(exercise, [1.0, 1.0, 1.0]).passed


def test_an_output_that_is_wrong_here_and_right_there_is_no_agreement():
    """With a wide tolerance 34 and 35 are close; 34 is wrong all the same."""
    exercise = dataclasses.replace(
        made({"a": "", "b": ""}, (1.0, 35.0)), rtol=0.02,
        mistakes=(Mistake("a is wrong", "Look.", wrong=lambda: (2.0, 35.0)),),
    )  # fmt: skip
    assert [n.outputs for n in value(exercise, (2.0, 35.0)).named] == [()]
    assert [n.outputs for n in value(exercise, (2.0, 34.0)).named] == [("a",)]


def test_two_exceptions_of_one_type_are_one_mistake_only_if_they_say_the_same():
    def fails(words):
        def wrong(x, w):
            raise ValueError(words.format(x.shape[0]))

        return wrong

    exercise = dataclasses.replace(
        TWICE, mistakes=(Mistake("shapes", "Which?", wrong=fails("shape {} does not fit")),)
    )
    for words, names in (("shape 1{} does not fit", ["shapes"]), ("something else", [])):
        failed = Returned("raised", failure=Failure("ValueError", words.format(3)))
        verdict = judge(exercise, SEED, [failed] * 3)
        assert [n.mistake for n in verdict.named] == names


def test_none_in_a_dict_is_missing_and_hides_nothing_else():
    exercise = dataclasses.replace(
        made({"a": "", "b": ""}, (1.0, 35.0)),
        mistakes=(Mistake("b is 70", "Half of it?", wrong=lambda: (1.0, 70.0)),),
    )
    verdict = value(exercise, {"a": None, "b": 70.0})
    assert [(n.mistake, n.outputs) for n in verdict.named] == [("b is 70", ("b",))]
    assert only(verdict).differences[0].text == "a is missing"


def test_a_mistake_is_known_by_a_band_of_its_own_size():
    """A band of 10 around 100 is one of 0.1 around the mistake's 1."""
    exercise = dataclasses.replace(
        made({"one": ""}, Band(90.0, 110.0)),
        mistakes=(Mistake("too small", "How large?", wrong=lambda: 1.0),),
    )
    assert [n.mistake for n in value(exercise, 1.05).named] == ["too small"]
    assert value(exercise, 5.0).named == ()


def test_several_wrong_outputs_are_all_told():
    verdict = answered(TWICE, lambda x, w: (x, 0.0))
    assert [d.output for d in verdict.outcomes[0].differences] == ["y", "total"]
    assert verdict.outcomes[0].text == "y differs"


# --- properties ---


def _sums_to_one(inputs, outputs):
    if outputs["p"].sum() != 1:
        return f"p sums to {outputs['p'].sum():g}"
    return ""


def _only_two(inputs, outputs):
    return "" if outputs["p"].shape == (2,) else "p has not two entries"


RANDOM = dataclasses.replace(
    TWICE, inputs={}, outputs={"p": "N"}, by_values=False,
    cases=(Case("sum", lambda rng: {}, "Sum.", _sums_to_one),
           Case("size", lambda rng: {}, "Size.", _only_two)),
    mistakes=(Mistake("not normalised", "Is the sum 1?", wrong=lambda: np.ones(2)),
              Mistake("three", "How many?", wrong=lambda: np.array([0.25, 0.25, 0.5])),
              Mistake("both", "Read again.", wrong=lambda: np.ones(3))),
)  # fmt: skip


def test_a_property_decides_in_the_place_of_values():
    for right in ([0.5, 0.5], [0.25, 0.75]):
        assert answered(RANDOM, lambda right=right: np.array(right)).passed


def test_a_property_gets_a_list_of_one_as_an_array_of_one():
    seen = []

    def looks(inputs, outputs):
        seen.append(outputs["p"].shape)
        return ""

    exercise = dataclasses.replace(RANDOM, cases=(Case("one", lambda rng: {}, holds=looks),))
    for answer in ([0.5], [[0.5, 1.0]], [np.ones(3)], np.ones(1), 2.0):
        value(exercise, answer)
    assert seen == [(1,), (2,), (3,), (1,), ()]


def test_where_answers_are_random_a_mistake_is_known_by_the_cases_that_fail():
    for wrong, name in (([3.0, 4.0], "not normalised"), ([0.5, 0.5, 0.0], "three"),
                        ([9.0], "both")):  # fmt: skip
        verdict = answered(RANDOM, lambda wrong=wrong: np.array(wrong))
        assert [(n.mistake, n.outputs) for n in verdict.named] == [(name, ())]
        assert (verdict.located, verdict.tells) == ((), "")
    verdict = answered(dataclasses.replace(RANDOM, mistakes=()), lambda: np.ones(2))
    assert (verdict.outcomes[0].text, verdict.tells) == ("p sums to 2", "Sum.")


@pytest.mark.parametrize(
    "error",
    [ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, AttributeError, OverflowError],
)
def test_a_property_that_stumbles_over_an_answer_makes_it_fail(error):
    def stumbles(inputs, outputs):
        raise error("strange")

    exercise = dataclasses.replace(
        RANDOM, mistakes=(), cases=(Case("one", lambda rng: {}, holds=stumbles),)
    )
    outcome = only(value(exercise, np.zeros((2, 3))))
    assert outcome.state == "differs"
    assert outcome.text.startswith("The answer cannot be read: ")
    assert "strange" in outcome.text


# --- known mistakes ---


def test_a_known_mistake_explains_all_that_is_wrong():
    for mistake in TWICE.mistakes:
        verdict = answered(TWICE, TWICE.wrong(mistake))
        assert [(n.mistake, n.hint, n.outputs) for n in verdict.named] == [
            (mistake.name, mistake.hint, ())
        ]
        assert (verdict.located, verdict.tells) == ((), "")


def test_two_mistakes_are_named_each_with_its_outputs():
    both = edited(_attempt, ("y.sum()", "y[:-1].sum()"), ("return y", "return x"))
    verdict = answered(TWICE, both)
    assert {(n.mistake, n.outputs) for n in verdict.named} == {
        ("the last step forgotten", ("total",)),
        ("no weight in y", ("y",)),
    }
    assert verdict.located == ()


def test_beside_a_known_mistake_what_is_unknown_is_localised():
    verdict = answered(TWICE, lambda x, w: (x, 2 * (w * x).sum()))
    assert [(n.mistake, n.outputs) for n in verdict.named] == [("no weight in y", ("y",))]
    assert verdict.located == ("total: It is 2 times the right one.",)


def test_beside_a_known_mistake_what_nothing_explains_is_not_passed_over():
    verdict = answered(TWICE, lambda x, w: (x, np.cos(37 * x).sum()))
    assert [n.outputs for n in verdict.named] == [("y",)]
    assert verdict.located == ("Wrong in another way: total.",)


def test_the_right_output_and_the_wrong_ones_are_told_apart():
    verdict = answered(TWICE, lambda x, w: (w * x, 2 * (w * x).sum()))
    assert verdict.located == (
        "Always right: y. Wrong somewhere: total.",
        "total: It is 2 times the right one.",
    )
    verdict = answered(TWICE, lambda x, w: (-w * x, (w * x).sum() / len(x)))
    assert verdict.located == (
        "Every output is wrong somewhere.",
        "y: Every entry has the opposite sign.",
        "total: It is 1/T times the right one.",
    )


def test_one_relation_of_several_outputs_is_said_once():
    verdict = answered(TWICE, lambda x, w: (w * w * x, (w * w * x).sum()))
    assert verdict.located[1:] == ("y: Every entry is w times the right one.",
                                   "total: It is w times the right one.")  # fmt: skip
    exercise = made({"a": "N", "b": "N"}, (np.arange(3.0), np.array([2.0, 7.0])))
    verdict = value(exercise, (-np.arange(3.0), -np.array([2.0, 7.0])))
    assert verdict.located[1:] == ("a, b: Every entry has the opposite sign.",)


def test_a_mistake_with_the_right_cases_and_other_values_is_not_named():
    verdict = answered(TWICE, lambda x, w: (w + x + 1, (w + x).sum()))
    assert verdict.named == ()


def test_a_mistake_that_raises_is_known_by_the_kind_of_its_error():
    exercise = dataclasses.replace(
        TWICE, mistakes=(Mistake("w indexed", "Is w a list?", (("w * x", "w[0] * x"),)),)
    )
    records = run_wrong(exercise, exercise.mistakes[0], exercise.instances(0))
    assert [n.mistake for n in judge(exercise, 0, records).named] == ["w indexed"]
    other = Returned("raised", failure=Failure("KeyError", records[0].failure.message))
    assert judge(exercise, 0, [other] * 3).named == ()


def test_a_mistake_that_changes_its_inputs_is_found_by_it():
    def in_place(x, w):
        x *= w
        return x.copy(), x.sum()

    exercise = dataclasses.replace(
        TWICE, mistakes=(Mistake("in place", "Whose is x?", wrong=in_place),)
    )
    records = run_wrong(exercise, exercise.mistakes[0], exercise.instances(0))
    assert {r.changed for r in records} == {("x",)}
    assert [n.mistake for n in judge(exercise, 0, records).named] == ["in place"]


def test_known_mistakes_run_on_copies_and_without_warnings():
    def spoils(x, w):
        x[...] = np.log(-1.0 * np.ones_like(x))
        return x, 0.0

    instances = TWICE.instances(0)
    before = copy.deepcopy(instances)
    records = run_wrong(TWICE, Mistake("spoils", "?", wrong=spoils), instances)
    assert same(instances, before)
    assert {r.state for r in records} == {"returned"}


# --- two mistakes at once ---


def _combined(exercise):
    """Every pair of edits that can be applied one after the other."""
    for one, other in itertools.combinations(exercise.mistakes, 2):
        for pair in ((one, other), (other, one)):
            if all(m.edits for m in pair):
                try:
                    yield pair, edited(exercise.attempt, *pair[0].edits, *pair[1].edits)
                except (ValueError, SyntaxError):
                    continue
                break


@functools.cache
def _records_of(name, mistake):
    exercise = load(name)
    [found] = [m for m in exercise.mistakes if m.name == mistake]
    return run_wrong(exercise, found, exercise.instances(SEED))


def _equal_values(exercise, records, others):
    """Equal in all outputs on all instances, by np.allclose and not by the judge's own rule."""
    for a, b in zip(records, others, strict=True):
        if a.state != b.state:
            return False
        if a.state != "returned":
            continue
        pairs = zip(*(v.values() if isinstance(v, dict) else v for v in (a.value, b.value)),
                    strict=True)  # fmt: skip
        if not all(np.shape(p) == np.shape(q) and np.allclose(p, q, rtol=1e-4, atol=1e-6,
                   equal_nan=True) for p, q in pairs):  # fmt: skip
            return False
    return True


def _part(record, exercise, name):
    if isinstance(record.value, dict):
        return record.value[name]
    return record.value[list(exercise.outputs).index(name)]


@pytest.mark.parametrize(
    ("name", "each"), [("02.bptt", 1), ("01.unroll", 1), ("04.adam", 4), ("06.gru_step", 2)]
)
def test_two_mistakes_at_once_are_not_forced_into_one(name, each, monkeypatch):
    exercise = load(name)
    # what does not depend on the answer is computed once for all pairs
    monkeypatch.setattr(judging, "run_wrong", lambda e, m, i: _records_of(name, m.name))
    right = {c.name: judging._expected(exercise, c, i)
             for c, i in zip(exercise.cases, exercise.instances(SEED), strict=True)}  # fmt: skip
    monkeypatch.setattr(judging, "_expected", lambda e, c, i: right[c.name])
    count = 0
    for pair, function in itertools.islice(_combined(exercise), 0, None, each):
        both = Mistake("both", "", wrong=function)
        records = run_wrong(exercise, both, exercise.instances(SEED))
        verdict = judge(exercise, SEED, records)
        words = " + ".join(m.name for m in pair)
        assert verdict.state in ("failed", "passed"), words  # two signs may cancel
        if verdict.passed:
            assert _equal_values(exercise, records, run_wrong(
                exercise, Mistake("none", "", wrong=exercise.attempt), exercise.instances(SEED)
            )), words  # fmt: skip
            continue
        count += 1
        for named in verdict.named:
            alone = _records_of(name, named.mistake)
            if not named.outputs:
                assert _equal_values(exercise, records, alone), f"{words} taken for {named}"
                continue
            for (mine, theirs), output in itertools.product(
                zip(records, alone, strict=True), named.outputs
            ):
                a, b = (_part(r, exercise, output) for r in (mine, theirs))
                assert np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True), f"{words}: {named}"
        explained = [output for n in verdict.named for output in n.outputs]
        assert len(set(explained)) == len(explained), words
        whole = any(not n.outputs for n in verdict.named)
        wrong = {d.output for o in verdict.outcomes for d in o.differences}
        if not whole and wrong - set(explained):
            assert verdict.located or verdict.tells, words
            said = " ".join(verdict.located)
            if verdict.named:
                assert any(output in said for output in wrong - set(explained)), words
    assert count > 10 or name != "02.bptt"


# --- unknown mistakes are localised ---


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (
            ("    dL_dh_0 = carry", "    dL_dW_xh /= T\n    dL_dh_0 = carry"),
            ("dL_dW_xh: Every entry is 1/T times the right one.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_dW_hh = dL_dW_hh.T\n    dL_dh_0 = carry"),
            ("dL_dW_hh: It is the transpose of the right array.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_dW_hy = dL_dW_hy.T\n    dL_dh_0 = carry"),
            ("dL_dW_hy: It is the transpose of the right array.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_dW_xh = dL_dW_xh.T\n    dL_dh_0 = carry"),
            ("dL_dW_xh: It is the transpose of the right array.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_db_y = -dL_db_y\n    dL_dh_0 = carry"),
            ("dL_db_y: Every entry has the opposite sign.",),
        ),
        (
            ("L = np.sum(error**2)", "L = np.sum(error**2) / len(x[0])"),
            ("L: It is 1/B times the right one.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_dh_0 = carry.sum(axis=0)"),
            ("dL_dh_0: It is the sum of the right value over each sequence of the batch.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_db_h = dL_db_h * 0\n    dL_dh_0 = carry"),
            ("dL_db_h: It is zero everywhere.",),
        ),
        (
            ("    dL_dh_0 = carry", "    dL_db_h, dL_db_y = dL_db_h / 2, dL_db_y / 2\n"
                                    "    dL_dh_0 = carry"),
            ("dL_db_h, dL_db_y: Every entry is 1/2 times the right one.",),
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [SEED, 77])
def test_a_mistake_that_nobody_foresaw_is_localised(edit, sentences, seed):
    exercise = dataclasses.replace(load("02.bptt"), mistakes=())
    verdict = answered(exercise, edited(exercise.attempt, edit), seed)
    assert verdict.named == ()
    right, *found = verdict.located
    assert tuple(found) == sentences
    wrong = sentences[0].split(":")[0]
    assert right.endswith(f"Wrong somewhere: {wrong}.")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (("return np.array(h), ", "return np.array(h[::-1]), "),
         "h: It is right but runs backwards along time."),
        (("return np.array(h), ", "return np.array(h[1:] + h[:1]), "),
         "h: It is one time step too early: your row t is the right row t + 1."),
        (("return np.array(h), ", "return np.array(h + h[:1]), "),
         "h: One row too many: the last one should not be there."),
        (("return np.array(h), ", "return np.array(h)[:, ::-1], "),
         "h: It is right but runs backwards along the sequence of the batch axis."),
        (("return np.array(h), ", "return np.moveaxis(h, 0, -1), "),
         "h: The values are right, with the axes in another order."),
        (("return np.array(h), ", "return sum(h), "),
         "h: It is the sum of the right value over each time step."),
    ],
)  # fmt: skip
def test_a_sequence_in_another_order_is_localised(edit, sentence):
    exercise = dataclasses.replace(load("01.unroll"), mistakes=())
    verdict = answered(exercise, edited(exercise.attempt, edit))
    assert verdict.named == ()
    assert verdict.located == ("Always right: y. Wrong somewhere: h.", sentence)


def test_the_number_of_valid_steps_turns_up_as_a_factor():
    exercise = dataclasses.replace(load("02.loss_gradient"), mistakes=())
    verdict = answered(
        exercise, lambda y, target, mask: [mask.sum() * v for v in
                                           exercise.attempt(y=y, target=target, mask=mask)]
    )  # fmt: skip
    assert any("mask.sum() times the right one" in sentence for sentence in verdict.located)


@pytest.mark.parametrize(("kind", "said"), [("write", True), ("predict", False)])
def test_how_a_prediction_differs_from_the_right_one_is_not_said(kind, said):
    exercise = dataclasses.replace(made({"a": "", "b": ""}, (1.0, 35.0)), kind=kind)
    verdict = value(exercise, (1.0, 70.0))
    assert verdict.located[0] == "Always right: a. Wrong somewhere: b."
    assert ("2 times the right one" in " ".join(verdict.located)) == said
