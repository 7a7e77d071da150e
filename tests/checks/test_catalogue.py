"""An exercise is found by its name; of a name that is nearly right the right one is told."""

import sys

import numpy as np
import pytest

from rnncourse.checks.catalogue import CHAPTERS, load, names


def test_each_name_is_unique_and_leads_to_its_exercise():
    assert len(set(names())) == len(names())
    for name in names():
        assert load(name).name == name


def test_the_names_are_in_the_order_of_the_chapters():
    chapters = [name[:2] for name in names()]
    assert chapters == sorted(chapters)
    assert set(chapters) == set(CHAPTERS)


def test_an_exercise_is_the_same_object_each_time():
    assert load("02.bptt") is load("02.bptt")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("02.btpp", "02.bptt"),
        ("bptt", "02.bptt"),
        ("2.bptt", "02.bptt"),
        ("03.bptt", "02.bptt"),
        ("02.BPTT", "02.bptt"),
        ("02_bptt", "02.bptt"),
        (" 02.bptt ", "02.bptt"),
        ("02.which are zero", "02.which_are_zero"),
        ("Which Are Zero", "02.which_are_zero"),
        ("01.unrol", "01.unroll"),
        ("GRU step", "06.gru_step"),
    ],
)
def test_of_a_name_that_is_nearly_right_the_right_one_is_told(written, meant):
    with pytest.raises(ValueError, match="there is no exercise") as caught:
        load(written)
    assert str(caught.value) == f"there is no exercise {written!r}. Did you mean {meant!r}?"


@pytest.mark.parametrize("written", ["", "xyzzy", "99.qqqq", "?!"])
def test_of_a_name_that_resembles_none_all_names_are_told(written):
    with pytest.raises(ValueError, match="there is no exercise") as caught:
        load(written)
    assert all(name in str(caught.value) for name in names())


@pytest.mark.parametrize("thing", [None, 2, 2.0, b"02.bptt", ["02.bptt"], load, np.zeros(3)])
def test_what_is_no_string_is_refused_with_an_example_of_a_name(thing):
    with pytest.raises(TypeError, match=f"'02.bptt'; got a {type(thing).__name__}"):
        load(thing)


def test_asking_for_one_exercise_imports_no_other_of_its_chapter(monkeypatch):
    own = f"{load.__module__.rpartition('.')[0]}.chapter_01"
    for name in names():
        if name.startswith("01."):
            monkeypatch.delitem(sys.modules, f"{own}.{name[3:]}", raising=False)
    load("01.step")
    assert f"{own}.step" in sys.modules
    assert f"{own}.counting" not in sys.modules
