"""The call of a learner's function survives it, and writes down what happened."""

import builtins
import functools
import linecache
import os
import random
import sys
import threading
import time
import warnings

import hostile
import numpy as np
import pytest
import torch

from rnncourse import bptt, cell
from rnncourse.checks import exercise as package_exercise
from rnncourse.checks.call import _Worker, call
from rnncourse.checks.exercise import Exercise, WrongCall, call_with_rng, edited

X = {"x": 1.0}


def exercise_with(inputs=("x",), **others):
    return Exercise(
        name="01.test",
        title="A test",
        kind="write",
        inputs=dict.fromkeys(inputs, ""),
        outputs={"y": ""},
        definition=lambda **_: 0.0,
        attempt=lambda **_: 0.0,
        cases=(),
        hints=("", "", ""),
        mistakes=(),
        **others,
    )


def one(function, inputs=X, seconds=5.0, **others):
    """The record of one call."""
    [record] = call(exercise_with(tuple(inputs), **others), function, [inputs], seconds)
    return record


def line_of(function, offset):
    return function.__code__.co_firstlineno + offset


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    """Whatever a test calls, the streams and settings of the process are as before."""

    def world():
        return (
            sys.stdin, sys.stdout, sys.stderr, builtins.input, warnings.showwarning,
            list(warnings.filters), np.geterr(), os.getcwd(), sys.getrecursionlimit(),
            torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(),
            threading.stack_size(), sys.getswitchinterval(), sys.getprofile(),
        )  # fmt: skip

    before = world()
    yield
    assert world() == before


# --- answers ---


def test_there_is_one_record_for_each_case_in_order():
    records = call(exercise_with(), lambda x: 2 * x, [{"x": float(i)} for i in range(5)])
    assert [r.state for r in records] == ["returned"] * 5
    assert [r.value for r in records] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert records[0].changed == records[0].called == records[0].reads == records[0].warned == ()


class Callable:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x

    def method(self, x):
        return self.factor * x

    @staticmethod
    def static(x):
        return 2 * x

    @classmethod
    def of_class(cls, x):
        return 2 * x


class Module(torch.nn.Module):
    def forward(self, x):
        return 2 * x


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 * x,
        functools.partial(lambda factor, x: factor * x, 2),
        Callable(2),
        Callable(2).method,
        Callable.static,
        Callable(2).of_class,
        Module(),
        functools.lru_cache(lambda x: 2 * x),
        lambda anything: 2 * anything,
        lambda x, extra=None: 2 * x,
        lambda *arguments: 2 * arguments[0],
        lambda **named: 2 * named["x"],
        np.exp2,
        np.vectorize(lambda x: 2 * x),
    ],
)
def test_everything_that_can_be_called_is_called(function):
    record = one(function, {"x": 2.0 if function is np.exp2 else 1.5})
    assert record.state == "returned", record
    assert record.value == (4.0 if function is np.exp2 else 3.0)


def test_extra_default_arguments_and_other_names_are_fine_and_too_few_are_named():
    record = one(lambda: 1.0)
    assert record.state == "unreadable"
    assert "(x)" in record.failure.message


def test_the_exercise_decides_how_its_function_is_called():
    record = one(lambda rng, n: rng.normal(size=n), {"seed": 3, "n": 2}, call=call_with_rng)
    np.testing.assert_array_equal(record.value, np.random.default_rng(3).normal(size=2))


def test_a_wrong_call_is_unreadable_with_its_message():
    def complain(function, inputs):
        raise WrongCall("a loss is one number")

    record = one(lambda x: x, call=complain)
    assert (record.state, record.failure.message) == ("unreadable", "a loss is one number")


@pytest.mark.parametrize("answer", [3.0, np.zeros((2, 3)), "word", (1, 2), None])
def test_a_value_in_place_of_the_function_is_told_to_be_one(answer):
    records = call(exercise_with(), answer, [X, X])
    assert [r.state for r in records] == ["unreadable"] * 2
    assert "without parentheses" in records[0].failure.message


def test_a_value_is_the_answer_where_nothing_is_called():
    records = call(exercise_with(()), {"slope": np.float32(0.5)}, [{}, {}])
    assert [r.value for r in records] == [{"slope": 0.5}] * 2
    assert call(exercise_with(()), lambda: 2.0, [{}])[0].value == 2.0


@pytest.mark.parametrize("answer", [..., None, (..., 1.0), {"slope": ...}])
def test_a_value_that_is_still_open_is_not_implemented(answer):
    assert call(exercise_with(()), answer, [{}])[0].state == "not implemented"


def test_a_value_that_cannot_be_read_is_said_to_be_given():
    record = call(exercise_with(()), {1, 2}, [{}])[0]
    assert record.state == "unreadable"
    assert record.failure.message.startswith("you gave a set;")


def _not_implemented(x):
    raise NotImplementedError("write it here")


@pytest.mark.parametrize("function", [_not_implemented, lambda x: ..., ...])
def test_a_stub_is_not_implemented(function):
    assert one(function).state == "not implemented"


async def _coroutine(x):
    return x


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: (i for i in range(3)), "a generator"),
        (lambda x: range(3), "a range"),
        (lambda x: [lambda: 1], "a function"),
        (lambda x: object(), "an object"),
        (lambda x: np.array([None]), "an array of type object"),
        (lambda x: np.zeros(2, complex), "an array of type complex128"),
        (lambda x: np.zeros(10**7), "an array of 10,000,000 entries"),
        (lambda x: torch.zeros(1).expand(10**10), "a tensor of 10,000,000,000 entries"),
        (lambda x: 10**1000, "an integer of 3,322 bits"),
        (lambda x: hostile.Vicious(), "a Vicious"),
        (lambda x: hostile.ViciousList(), "a ViciousList that cannot be read (SystemExit)"),
        (lambda x: torch.zeros(2, device="meta"), "a Tensor that cannot be read"),
        (_coroutine, "a coroutine"),
        (hostile.answers_with_itself, "lists or dictionaries more than 4 deep"),
        (hostile.answers_with_a_hundred_million_parts, "more than 1,000,000 entries in all"),
    ],
)
def test_an_answer_that_cannot_be_read_is_named(function, what):
    record = one(function)
    assert record.state == "unreadable"
    assert f"your function returns {what}" in record.failure.message
    assert len(record.failure.message) < 400
    assert record.warned == ()


# --- inputs ---


def test_the_inputs_are_copies_and_a_change_is_named():
    nan = float("nan")
    inputs = {
        "a": np.array([1.0, nan]),
        "b": np.array([1.0, nan]),
        "c": (np.zeros(2), np.zeros(2)),
        "d": {"w": np.zeros(2)},
        "e": nan,
        "f": [1, 2],
    }

    def function(a, b, c, d, e, f):
        a[0] += 1
        c[1][:] = 1
        d["w"] += 1
        f.append(3)
        return 0

    for record in call(exercise_with(tuple(inputs)), function, [inputs, inputs]):
        assert record.changed == ("a", "c", "d", "f")
    assert inputs["a"][0] == 1
    assert inputs["f"] == [1, 2]


def test_a_tensor_that_shares_memory_with_an_input_is_watched():
    record = one(
        lambda r: r.add_(1), {"r": np.zeros(3)}, call=package_exercise.call_with_tensors
    )
    assert record.changed == ("r",)


def test_a_new_shape_of_an_input_is_a_change():
    def function(x):
        x.shape = (3, 2)
        return 0

    with warnings.catch_warnings():
        assert one(function, {"x": np.zeros((2, 3))}).changed == ("x",)


def test_an_answer_that_is_an_input_is_a_copy_of_it():
    x = np.zeros(3)
    value = one(lambda x: x, {"x": x}).value
    value += 1
    assert not x.any()


# --- exceptions, at the learner's line ---


def _raises(error):
    def function(x):
        raise error

    return function


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("x"),
     StopIteration(2), Warning("w"), ExceptionGroup("several", [ValueError()])],
)  # fmt: skip
def test_every_exception_is_recorded_at_its_line(error):
    record = one(_raises(error))
    assert record.state == "raised"
    assert record.failure.kind == type(error).__name__
    assert record.failure.message == str(error)
    assert record.failure.source == "raise error"
    assert record.failure.line == line_of(_raises, 2)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (hostile.endless_recursion, "RecursionError"),
        (hostile.no_memory, "MemoryError"),
        (hostile.raises_what_cannot_be_printed, "Mute"),
        (hostile.raises_a_long_message, "ValueError"),
        (hostile.raises_a_long_name, "LongLong"),
    ],
)
def test_strange_exceptions_are_recorded_in_few_words(function, kind):
    record = one(function)
    assert record.state == "raised"
    assert record.failure.kind.startswith(kind) or "MemoryError" in record.failure.kind
    assert len(record.failure.kind) <= 80
    assert len(record.failure.message) <= 300
    assert record.failure.line > 0
    assert record.failure.source


def test_no_memory_is_no_end():
    assert [r.state for r in call(exercise_with(), hostile.no_memory, [X] * 3)] == ["raised"] * 3


def test_deep_recursion_is_possible():
    assert one(hostile.recursion_with_a_raised_limit).value == 15_000


def test_an_exception_in_numpy_or_the_standard_library_is_shown_at_the_learners_line():
    def function(x):
        import json

        a = np.linalg.inv(np.zeros((2, 3)))
        return json.loads(a)

    record = one(function)
    assert record.failure.source == "a = np.linalg.inv(np.zeros((2, 3)))"
    assert record.failure.line == line_of(function, 3)
    record = one(lambda x: __import__("json").loads("{"))
    assert "json" in record.failure.source


def test_a_package_function_called_wrongly_shows_the_learners_line_and_its_own_message():
    def function(x):
        y = np.zeros(3)
        return cell.init_params(0, 2, 2, rng=y)

    record = one(function)
    assert record.failure.source == "return cell.init_params(0, 2, 2, rng=y)"
    with pytest.raises(Exception) as error:  # noqa: PT011
        function(1)
    assert record.failure.message == str(error.value)


def test_a_function_that_is_no_learners_shows_its_own_line():
    record = one(cell.step, {"params": 1, "x": 2, "h": 3})
    assert record.state == "raised"
    assert record.failure.line > 0


def test_an_exception_in_a_helper_is_shown_where_it_is_raised():
    def helper(x):
        return 1 / 0

    record = one(lambda x: helper(x))
    assert record.failure.source == "return 1 / 0"


@pytest.mark.parametrize(
    "path", ["/home/someone/ipykernel_1/234.py", "<ipython-input-3-abc>", "<string>"]
)
def test_a_line_of_a_cell_is_found(path):
    source = "def f(x):\n    y = 2\n    return y / 0\n"
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    names = {"__name__": "__main__"}
    exec(compile(source, path, "exec"), names)
    failure = one(names["f"]).failure
    assert (failure.line, failure.source) == (3, "return y / 0")


def test_a_line_without_a_source_has_its_number():
    names = {}
    exec(compile("def f(x):\n    return x.nothing\n", "<nowhere>", "exec"), names)
    failure = one(names["f"]).failure
    assert (failure.line, failure.source) == (2, "")


def test_a_known_mistake_is_a_learners_function():
    wrong = edited(package_exercise._kind, ('"None: is there a return?"', "1 / 0"))
    failure = one(lambda x: wrong(None)).failure
    assert "1 / 0" in failure.source
    assert one(wrong, {"x": None}).failure.source == failure.source


def test_an_exception_of_the_call_itself_has_no_line():
    def unpack(function, inputs):
        return len(function(**inputs))

    record = one(lambda x: None, call=unpack)
    assert record.failure.kind == "TypeError"


# --- endless loops ---


@pytest.mark.parametrize(
    "function",
    [
        hostile.endless_loop,
        hostile.endless_loop_with_bare_except,
        hostile.endless_calls_with_bare_except,
        hostile.endless_loop_that_says_so,
        hostile.endless_loop_that_answers_when_stopped,
        hostile.endless_prints,
    ],
)
def test_an_endless_loop_is_stopped(function):
    start = time.monotonic()
    records = call(exercise_with(), function, [X, X, X], seconds=0.2)
    assert time.monotonic() - start < 5
    assert [r.state for r in records] == ["too slow", "not run", "not run"]
    assert records[0].failure.line > line_of(function, 0)
    assert records[0].failure.source
    assert "0.2 s" in records[0].failure.message
    assert not _workers()


def _workers():
    """The threads of learners' functions that still run, a moment later."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        alive = [
            t
            for t in threading.enumerate()
            if isinstance(t, _Worker) and t.answer is not hostile.endless_sleep
        ]
        if not alive:
            break
        time.sleep(0.01)
    return alive


def test_the_time_is_for_all_calls_together():
    def sleepy(x):
        time.sleep(0.15)
        return x

    states = [r.state for r in call(exercise_with(), sleepy, [X] * 5, seconds=0.4)]
    assert states[0] == "returned"
    assert states.count("too slow") == 1
    assert states[-1] == "not run"


def test_a_call_that_never_ends_in_compiled_code_is_given_up():
    start = time.monotonic()
    records = call(exercise_with(), hostile.endless_sleep, [X, X], seconds=0.2)
    assert time.monotonic() - start < 5
    assert [r.state for r in records] == ["too slow", "not run"]
    assert records[0].failure.source == "time.sleep(20)"
    assert one(lambda x: x).state == "returned"


def test_a_thread_that_was_given_up_disturbs_no_later_call():
    hostile.END[0] = time.monotonic() + 1.5
    assert one(hostile.unkillable, seconds=0.1).state == "too slow"

    def prints(x):
        print("mine")
        return x

    record = one(prints)
    assert (record.state, record.printed) == ("returned", "mine\n")


def test_a_thread_that_was_given_up_ends_when_compiled_code_lets_it():
    after = []

    def function(x):
        time.sleep(1.5)
        after.append(x)

    assert one(function, seconds=0.1).state == "too slow"
    time.sleep(1.5)
    assert after == []
    assert not _workers()


def test_a_thread_that_was_given_up_does_not_block_a_profiler():
    assert one(hostile.endless_sleep, seconds=0.1).state == "too slow"
    events = []
    sys.setprofile(lambda frame, event, arg: events.append(event))
    try:
        (lambda: None)()
        record = one(hostile.endless_sleep, seconds=0.1)
    finally:
        sys.setprofile(None)
    assert record.state == "too slow"
    assert events


def test_an_answer_without_an_end_is_bounded():
    assert one(hostile.endless_answer, seconds=0.5).state in ("unreadable", "too slow")


def test_an_endless_message_is_too_slow():
    class Endless(Exception):
        def __str__(self):
            while True:
                pass

    assert one(_raises(Endless()), seconds=0.2).state == "too slow"


def test_prints_of_an_endless_loop_are_kept():
    record = one(hostile.endless_prints, seconds=0.2)
    assert record.printed.startswith("again\nagain\n")
    assert len(record.printed) == 500
    assert record.printed_length > 500


def test_it_works_in_other_threads_and_for_several_at_once():
    found = {}

    def check(i):
        found[i] = [r.value for r in call(exercise_with(), lambda x: i * x, [X, X])]

    threads = [threading.Thread(target=check, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [float(i)] * 2 for i in range(5)}


def test_an_endless_loop_is_stopped_in_other_threads_too():
    states = []
    check = threading.Thread(
        target=lambda: states.append(one(hostile.endless_loop, seconds=0.2).state)
    )
    check.start()
    check.join(10)
    assert states == ["too slow"]


@pytest.mark.parametrize("function", [hostile.endless_loop, hostile.endless_sleep])
def test_ctrl_c_stops_the_function_and_goes_on(function):
    import _thread

    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        one(function, seconds=20)
    assert time.monotonic() - start < 5
    assert not _workers()


def test_a_check_within_a_checked_function_is_declined():
    record = one(lambda x: one(lambda x: x))
    assert record.failure.kind == "RuntimeError"
    assert "being checked" in record.failure.message


# --- prints, questions, warnings ---


def test_prints_are_counted_and_their_beginning_is_kept(capsys):
    start = time.monotonic()
    record = one(hostile.prints_much)
    assert time.monotonic() - start < 5
    assert record.printed == "x" * 500
    assert record.printed_length == 100 * 1_000_001
    assert capsys.readouterr() == ("", "")


def test_each_case_has_its_own_prints(capsys):
    records = call(exercise_with(), lambda x: print(x), [{"x": 1}, {"x": 22}])
    assert [(r.printed, r.printed_length) for r in records] == [("1\n", 2), ("22\n", 3)]


def test_all_streams_are_caught_and_stay_open(capsys):
    record = one(hostile.prints_bytes)
    assert record.state == "returned", record.failure
    assert record.printed == "bytes\nerror\n"
    assert one(hostile.replaces_the_stream).state == "returned"
    print("seen")
    assert capsys.readouterr() == ("seen\n", "")


def test_other_threads_print_as_before(capsys):
    def other():
        for _ in range(5):
            print("other")
            time.sleep(0.01)

    thread = threading.Thread(target=other)

    def function(x):
        time.sleep(0.1)
        print("mine")

    thread.start()
    record = one(function)
    thread.join()
    assert record.printed == "mine\n"
    assert capsys.readouterr().out == "other\n" * 5


@pytest.mark.parametrize("function", [hostile.asks, hostile.reads_the_standard_input])
def test_a_question_does_not_wait_for_an_answer(function):
    record = one(function)
    assert record.state == "raised"
    assert "input()" in record.failure.message
    assert record.failure.line == line_of(function, 1)


@pytest.mark.parametrize("action", ["error", "ignore", "default"])
def test_warnings_are_recorded_and_neither_shown_nor_raised(action, capsys):
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter(action)
        for record in call(exercise_with(), hostile.overflows, [X, X]):
            assert record.state == "returned"
            assert len(record.warned) == 2
            assert record.warned[0].startswith("RuntimeWarning: overflow")
    assert capsys.readouterr() == ("", "")


def test_few_warnings_are_kept_each_once_and_short():
    record = one(hostile.warns_often)
    assert record.state == "returned"
    assert len(record.warned) == 3
    assert max(map(len, record.warned)) <= 200

    def again(x):
        for _ in range(5):
            np.log(-x)

    assert len(one(again, {"x": np.ones(1)}).warned) == 1


# --- what runs, what is read ---


def test_functions_of_the_package_that_run_are_named():
    def function(x):
        params = cell.init_params(2, 3, 1, rng=np.random.default_rng(0))
        return cell.step(params, np.zeros((1, 2)), np.zeros((1, 3)))[1]

    record = one(function)
    assert record.state == "returned", record.failure
    assert "rnncourse.cell.init_params" in record.called
    assert "rnncourse.cell.step" in record.called
    assert list(record.called) == sorted(set(record.called))
    assert not any(name.rpartition(".")[2].startswith("<") for name in record.called)
    assert not any(name.startswith("rnncourse.checks") for name in record.called)


def test_a_package_function_in_disguise_is_named():
    disguises = [cell.step, functools.partial(cell.step), lambda *a: cell.step(*a)]
    for disguise in disguises:
        record = one(disguise, {"params": 1, "x": 2, "h": 3})
        assert any(name.startswith("rnncourse.") for name in record.called), disguise


def test_what_the_exercise_itself_calls_is_not_the_learners():
    names = {"__name__": "rnncourse.checks.chapter_01.example", "cell": cell, "np": np}
    source = (
        "def prepare(function, inputs):\n"
        "    cell.init_params(2, 3, 1, rng=np.random.default_rng(0))\n"
        "    return function(**inputs)\n"
    )
    exec(source, names)
    assert one(lambda x: x, call=names["prepare"]).called == ()
    record = one(
        lambda x: cell.init_params(2, 3, 1, rng=np.random.default_rng(0)).W_hh,
        call=names["prepare"],
    )
    assert "rnncourse.cell.init_params" in record.called


def test_another_profiler_is_put_back():
    seen = []

    def profiler(frame, event, arg):
        seen.append(event)

    threading.setprofile(profiler)
    try:
        one(lambda x: x)
    finally:
        threading.setprofile(None)
    assert seen


weights = np.ones(3)
tensor = torch.ones(2)
table = {"a": 1}
items = [1, 2]
number = 0.5
T = 7
RATE = 0.1
word = "word"


def _helper(x):
    return _helper_of_the_helper(x) + number


def _helper_of_the_helper(x):
    return x + sum(items)


def _reads_a_lot(x):
    def inner():
        return [weights[0] + k for k in table.values()]

    return tensor.sum() + _helper(x) + RATE + T + len(word) + len(inner()) + np.pi


def test_data_read_from_outside_is_named():
    assert one(_reads_a_lot).reads == ("T", "items", "number", "table", "tensor", "weights")


def test_attributes_and_local_names_are_not_read_from_outside():
    def function(x):
        weights = x
        return torch.nn.Linear, x.real, weights, np.array([1]).size

    assert one(function).reads == ()


def test_data_of_a_closure_is_named():
    scale = np.ones(2)

    def helper(x):
        return scale * x

    assert one(lambda x: helper(x)).reads == ("scale",)
    assert one(functools.partial(helper)).reads == ("scale",)
    assert one(functools.wraps(helper)(lambda x: helper(x))).reads == ("scale",)


class _Network(torch.nn.Module):
    def forward(self, x):
        return self.inner(x)

    def inner(self, x):
        return x * number


def test_data_read_by_a_method_is_named():
    assert one(_Network()).reads == ("number",)


def test_what_the_package_reads_is_its_own_business():
    assert one(lambda x: bptt.bptt).reads == ()
    assert one(cell.step).reads == ()


def test_a_function_that_cannot_be_looked_into_still_runs():
    class Strange:
        __module__ = []  # noqa: RUF012

        def __call__(self, x):
            return x

    assert one(Strange()).value == 1.0


# --- the world around ---


def test_settings_are_put_back():
    def state():
        legacy = np.random.get_state()  # noqa: NPY002
        return legacy[1].tolist(), random.getstate(), torch.get_rng_state().tolist()

    before = state()
    record = one(hostile.changes_the_world)
    assert record.state == "returned", record.failure
    assert state() == before


def test_each_case_starts_with_numpys_and_torchs_usual_settings():
    def function(x):
        seen = (np.geterr()["over"], torch.is_grad_enabled())
        np.seterr(all="raise")
        torch.set_grad_enabled(False)
        warnings.simplefilter("error")
        return [*seen, len(warnings.filters) == 2]

    with np.errstate(all="raise"), torch.no_grad():
        records = call(exercise_with(), function, [X, X])
        assert np.geterr()["over"] == "raise"
        assert not torch.is_grad_enabled()
    assert [r.value for r in records] == [("warn", True, True)] * 2


def test_gradients_can_be_taken():
    with torch.no_grad():
        record = one(
            lambda r: (r**2).sum(),
            {"r": np.array([1.0, 3.0])},
            call=package_exercise.call_with_gradient("r"),
        )
    np.testing.assert_array_equal(record.value["dL_dr"], [2.0, 6.0])


def test_a_low_recursion_limit_ends_with_its_call():
    usual = sys.getrecursionlimit()

    def function(x):
        found = sys.getrecursionlimit()
        sys.setrecursionlimit(80)
        return found

    assert [r.value for r in call(exercise_with(), function, [X, X])] == [usual] * 2


def test_a_call_costs_little():
    inputs = [{"x": np.ones((5, 3, 4)), "W": np.ones((4, 4))} for _ in range(200)]
    run = exercise_with(("x", "W"))

    def function(x, W):
        return x @ W

    call(run, function, inputs, 30)
    start = time.perf_counter()
    call(run, function, inputs, 30)
    assert (time.perf_counter() - start) / 200 < 5e-3


def test_the_records_hold_only_plain_values():
    import pickle

    records = call(exercise_with(), lambda x: {"a": [np.float32(x), torch.ones(2)]}, [X])
    assert pickle.loads(pickle.dumps(records))[0].value["a"][0] == 1.0
