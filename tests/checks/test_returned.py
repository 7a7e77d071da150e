"""Answers become arrays, numbers and words, or it is said why they cannot."""

import enum
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch

from rnncourse.checks.returned import MOST_ENTRIES, MOST_ITEMS, Unreadable, plain


class Pair(NamedTuple):
    a: float
    b: np.ndarray


@dataclass
class Fields:
    a: float
    b: tuple


class Colour(enum.IntEnum):
    RED = 3


class Word(str):
    def __getitem__(self, key):
        raise RuntimeError

    def __str__(self):
        return "another"


class Half(float):
    def __float__(self):
        return 7.0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (3, 3),
        (np.int32(3), 3),
        (Colour.RED, 3),
        (0.5, 0.5),
        (Half(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        ("word", "word"),
        (Word("word"), "word"),
        ("x" * 1000, "x" * 200),
        ([1, (2.0, "three")], (1, (2.0, "three"))),
        ({"a": 1, 2: [3]}, {"a": 1, "2": (3,)}),
        (Fields(1.0, (2, 3)), {"a": 1.0, "b": (2, 3)}),
    ],
)
def test_numbers_words_and_structure_are_kept(answer, expected):
    found = plain(answer)
    assert found == expected
    assert type(found) is type(expected)


def test_a_named_tuple_becomes_its_fields():
    found = plain(Pair(1.0, np.arange(2.0)))
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["b"], [0.0, 1.0])


@pytest.mark.parametrize(
    "answer",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6.0).reshape(3, 2).T[::-1],
        np.array(2.0),
        np.zeros((0, 3)),
        np.arange(3, dtype=">f8"),
        np.array([np.nan, np.inf]),
        np.arange(3, dtype=np.float16),
        np.arange(3, dtype=np.longdouble),
        np.array([True, False]),
        np.arange(3.0).view(type("Sub", (np.ndarray,), {})),
    ],
)
def test_arrays_become_copies_with_the_same_values(answer):
    found = plain(answer)
    assert type(found) is np.ndarray
    assert found.dtype.isnative
    assert found.dtype.itemsize <= 8
    assert not np.shares_memory(found, answer)
    np.testing.assert_array_equal(found, np.asarray(answer))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64])
def test_tensors_become_arrays(dtype):
    tensor = torch.arange(3).to(dtype)
    found = plain({"t": tensor})["t"]
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, [0, 1, 2])
    found[0] = 5
    assert tensor[0] == 0


def test_a_tensor_with_a_gradient_is_read():
    parameter = torch.nn.Parameter(torch.ones(2))
    np.testing.assert_array_equal(plain(parameter * 2), [2.0, 2.0])
    np.testing.assert_array_equal(plain(parameter), [1.0, 1.0])


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({1}, "a set"),
        (object(), "an object"),
        (1j, "a complex"),
        (np.complex128(1), "a number of type complex128"),
        (np.array(["a"]), "an array of type <U1"),
        (np.array([{}]), "an array of type object"),
        (np.ma.masked_array([1.0], [True]), "a masked array"),
        (torch.eye(2).to_sparse(), "a sparse tensor"),
        (torch.ones(1).expand(2 * MOST_ENTRIES), "a tensor of 2,000,000 entries"),
        (np.zeros(MOST_ENTRIES + 1), "an array of 1,000,001 entries"),
        ([np.zeros(MOST_ENTRIES // 2)] * 3, "more than 1,000,000 entries in all"),
        ([0] * (MOST_ITEMS + 1), "more than 1,000 items"),
        (10**400, "an integer of 1,329 bits"),
        ([[[[[[1]]]]]], "more than 4 deep"),
        (int, "a type"),
    ],
)
def test_what_cannot_be_read_is_named(answer, what):
    with pytest.raises(Unreadable) as error:
        plain(answer)
    assert what in str(error.value)
    with pytest.raises(Unreadable):
        plain([answer])


def test_a_list_that_never_ends_is_not_read_to_its_end():
    class Endless(list):
        def __iter__(self):
            while True:
                yield 1

    with pytest.raises(Unreadable, match="more than 1,000 items"):
        plain(Endless())
