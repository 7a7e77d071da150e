import dataclasses

import numpy as np
import pytest

from rnncourse.checks.exercise import Mistake
from rnncourse.checks.matrix import Matrix, matrix


def test_the_matrix_says_which_test_fails_for_which_mistake(made_up):
    found = matrix(made_up.twice)
    assert found.mistakes == ("the weight added", "the last step forgotten")
    assert found.cases == ("one number", "a few", "many")
    assert found.fails.tolist() == [[True] * 3, [True] * 3]
    assert found.named == (("the weight added",), ("the last step forgotten",))
    assert found.well_named == 2


def test_two_mistakes_that_are_one_are_seen_as_such(made_up):
    again = dataclasses.replace(made_up.twice.mistakes[0], name="the same again")
    harmless = Mistake("right after all", "hint", (("w * x", "x * w"),))
    mistakes = (*made_up.twice.mistakes, again, harmless)
    found = matrix(dataclasses.replace(made_up.twice, mistakes=mistakes))
    assert found.named[2] == ("the weight added",)
    assert found.named[3] == ()
    assert not found.fails[3].any()
    assert found.well_named == 2


def test_the_text_has_a_row_for_each_mistake_and_a_letter_for_each_test():
    found = Matrix("x", ("one", "other"), ("a", "b"), np.array([[True, False], [False, True]]),
                   (("one",), ("one",)))  # fmt: skip
    assert found.text.splitlines() == [
        "x: 2 tests, 2 known mistakes, 1 named correctly",
        "  A  a",
        "  B  b",
        "         A B",
        "  one    ✗ ·  named: yes",
        "  other  · ✗  named: with one",
    ]


def test_a_mistake_without_a_name_says_no():
    found = Matrix("x", ("one",), ("a",), np.array([[False]]), ((),))
    assert found.text.splitlines()[-1] == "  one  ·  named: no"


@pytest.mark.parametrize("count", [0, 1])
def test_an_exercise_with_few_mistakes_has_a_matrix_too(made_up, count):
    found = matrix(dataclasses.replace(made_up.twice, mistakes=made_up.twice.mistakes[:count]))
    assert found.fails.shape == (count, 3)
    assert f"{count} known mistakes" in found.text
