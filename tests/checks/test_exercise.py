"""How a learner's function is called, and how known mistakes are made from right code."""

import functools
import inspect
import linecache
import traceback

import numpy as np
import pytest
import torch

from rnncourse.checks.catalogue import load, names
from rnncourse.checks.exercise import (
    WrongCall,
    call_plain,
    call_with_gradient,
    call_with_rng,
    call_with_tensors,
    edited,
)

INPUTS = {"x": 2.0, "w": 5.0}
FACTOR = 10.0


def minus(x, w):
    return x - w


def scaled(x):
    total = FACTOR * x
    return total


def twice_written(x):
    y = x + 1
    z = x + 1
    return y + z


def divides(x):
    y = 2 * x
    return y / 4


# --- call_plain ---


def only_named(*, w, x):
    return x - w


def only_in_order(x, w, /):
    return x - w


def with_a_default(x, w, verbose=False, scale=1.0):
    return scale * (x - w)


def own_names(state, weight):
    return state - weight


def own_names_and_a_default(state, weight, scale=1.0):
    return scale * (state - weight)


def any_number(*values):
    return values[0] - values[1]


def any_names(**values):
    return values["x"] - values["w"]


def other_order(w, x):
    return x - w


class Method:
    def subtract(self, x, w):
        return x - w

    def __call__(self, first, second):
        return first - second


@pytest.mark.parametrize(
    "function",
    [
        minus,
        only_named,
        only_in_order,
        with_a_default,
        own_names,
        own_names_and_a_default,
        any_number,
        any_names,
        other_order,
        Method().subtract,
        Method(),
        functools.partial(with_a_default, verbose=True),
        lambda x, w: x - w,
    ],
    ids=lambda f: getattr(f, "__name__", type(f).__name__),
)
def test_a_function_is_called_by_the_names_or_else_in_order(function):
    assert call_plain(function, INPUTS) == -3.0


@pytest.mark.parametrize(
    ("function", "mine"),
    [
        (lambda: 0, ""),
        (lambda x: x, "x"),
        (lambda a, b, c: a, "a, b, c"),
        (lambda x, w, more: x, "x, w, more"),
    ],
)
def test_of_a_wrong_number_of_arguments_both_signatures_are_told(function, mine):
    with pytest.raises(WrongCall) as caught:
        call_plain(function, INPUTS)
    assert str(caught.value) == f"the exercise calls it with (x, w), yours takes ({mine})"


def test_a_type_error_inside_the_function_is_its_own():
    def inner(x, w):
        return len(x)

    with pytest.raises(TypeError) as caught:
        call_plain(inner, INPUTS)
    assert not isinstance(caught.value, WrongCall)
    assert "float" in str(caught.value)


def test_a_function_without_a_signature_is_called_in_order():
    assert call_plain(max, INPUTS) == 5.0  # a compiled function
    assert call_plain(math_like, INPUTS) == -3.0


class _Unsigned:
    @property
    def __signature__(self):
        raise ValueError("no signature")

    def __call__(self, a, b):
        return a - b


math_like = _Unsigned()


# --- the other calls ---


def test_a_seed_becomes_a_generator_that_is_the_same_each_time():
    def draw(rng, n):
        assert isinstance(rng, np.random.Generator)
        return rng.normal(size=n)

    first, second = (call_with_rng(draw, {"seed": 3, "n": 4}) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, call_with_rng(draw, {"seed": 4, "n": 4}))
    assert call_with_rng(lambda generator, count: count, {"seed": 0, "n": 4}) == 4


def test_arrays_become_tensors_of_the_same_precision_and_numbers_stay():
    def kinds(r, dt):
        return r.dtype, type(dt)

    assert call_with_tensors(kinds, {"r": np.zeros(3), "dt": 0.5}) == (torch.float64, float)


def test_the_gradient_of_a_term_is_taken_at_the_inputs_asked_for():
    both = call_with_gradient("r")(lambda r, s: (r * s).sum(), {"r": np.ones(2), "s": np.arange(2)})
    assert set(both) == {"value", "dL_dr"}
    assert both["dL_dr"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("cut", [lambda r: r.detach().sum(), lambda r: torch.zeros(())])
def test_a_term_that_does_not_hear_of_its_input_has_a_gradient_of_zero(cut):
    assert call_with_gradient("r")(cut, {"r": np.ones(2)})["dL_dr"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda r: None, "is there a return"),
        (lambda r: 3.0, "not a float"),
        (lambda r: r, r"has the shape \(2,\)"),
    ],
)
def test_a_loss_that_is_no_single_number_of_torch_is_refused(function, words):
    with pytest.raises(WrongCall, match=words):
        call_with_gradient("r")(function, {"r": np.ones(2)})


# --- edited ---


def test_an_edited_function_differs_where_it_was_edited_and_the_first_stays():
    other = edited(minus, ("x - w", "x + w"))
    assert (other(2, 5), minus(2, 5)) == (7, -3)
    assert inspect.signature(other) == inspect.signature(minus)


def test_edits_are_applied_in_their_order():
    other = edited(minus, ("x - w", "x * w"), ("x * w", "x / w"))
    assert other(10, 5) == 2


@pytest.mark.parametrize(
    ("function", "piece", "count"), [(minus, "x % w", 0), (twice_written, "x + 1", 2)]
)
def test_a_piece_that_does_not_occur_exactly_once_is_refused(function, piece, count):
    with pytest.raises(ValueError, match="an edit needs a piece") as caught:
        edited(function, (piece, "0"))
    assert str(caught.value) == (
        f"{piece!r} occurs {count} times in {function.__name__}; "
        f"an edit needs a piece that occurs once"
    )


def test_an_edited_function_shares_the_globals(monkeypatch):
    other = edited(scaled, ("FACTOR * x", "FACTOR * x * 2"))
    assert other.__globals__ is scaled.__globals__
    assert other(1.0) == 20.0
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert other(1.0) == 6.0
    assert scaled.__globals__["scaled"] is scaled  # the edited one has not taken its place


def test_a_function_within_a_function_can_be_edited():
    def inner(x):
        return x + 1

    assert edited(inner, ("+ 1", "+ 2"))(1) == 3


def test_a_traceback_shows_the_edited_line():
    other = edited(divides, ("y / 4", "y / 0  # edited"))
    linecache.checkcache()
    try:
        other(1)
    except ZeroDivisionError as error:
        shown = "".join(traceback.format_exception(error))
    assert "return y / 0  # edited" in shown
    assert "return y / 0  # edited" in inspect.getsource(other)


def test_two_edited_functions_keep_their_own_lines():
    one, two = (edited(divides, ("y / 4", f"y / {n}")) for n in (5, 6))
    assert one.__code__.co_filename != two.__code__.co_filename
    assert "y / 5" in inspect.getsource(one)
    assert "y / 6" in inspect.getsource(two)


# --- an exercise ---


def test_a_known_mistake_is_made_once():
    exercise = load("02.bptt")
    mistake = exercise.mistakes[0]
    assert exercise.wrong(mistake) is exercise.wrong(mistake)


def test_the_signature_gives_shapes():
    assert load("01.unroll").signature == (
        "(x, h_0, W_xh, W_hh, W_hy, b_h, b_y) -> h (T, B, N), y (T, B, K)"
    )


@pytest.mark.parametrize("name", names())
def test_a_case_does_not_depend_on_those_before_it(name):
    exercise = load(name)
    for i, (case, inputs) in enumerate(zip(exercise.cases, exercise.instances(5), strict=True)):
        assert repr(case.make(np.random.default_rng([5, i]))) == repr(inputs)
