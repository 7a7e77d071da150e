"""What is said of a wrong array is true of it; what is not true is not said."""

import itertools
import math

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.checks.localise import Wrong, close, locate

SHAPES = ((4, 3, 2), (2, 3, 4), (5, 2, 3))  # T B N
SEEDS = st.integers(0, 2**32 - 1)
SQUARES = ((3, 3), (4, 4), (5, 5))


def draw(seed, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def sizes(right, axes):
    return {a: float(n) for a, n in zip(axes, right.shape, strict=True) if a.isalpha()}


def said(change, rights, axes=("T", "B", "N"), **factors):
    """The sentences on the arrays `change(right)` beside `rights`."""
    return locate([Wrong(change(r), r, axes, sizes(r, axes) | factors) for r in rights])


# --- factors ---


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("2", lambda T, B, K: 2),
        ("1/2", lambda T, B, K: 0.5),
        ("minus 2", lambda T, B, K: -2),
        ("B", lambda T, B, K: B),
        ("1/B", lambda T, B, K: 1 / B),
        ("minus 1/B", lambda T, B, K: -1 / B),
        ("T²", lambda T, B, K: T * T),
        ("1/T²", lambda T, B, K: 1 / T**2),
        ("√T", lambda T, B, K: math.sqrt(T)),
        ("1/√K", lambda T, B, K: 1 / math.sqrt(K)),
        ("(B - 1)/B", lambda T, B, K: (B - 1) / B),
        ("B/(B - 1)", lambda T, B, K: B / (B - 1)),
        ("T·B", lambda T, B, K: T * B),
        ("1/(T·B)", lambda T, B, K: 1 / (T * B)),
        ("T/K", lambda T, B, K: T / K),
        ("B/T", lambda T, B, K: B / T),
        ("T·B·K", lambda T, B, K: T * B * K),
        ("1/(T·B·K)", lambda T, B, K: 1 / (T * B * K)),
    ],
)
@given(seed=SEEDS)
def test_a_factor_is_called_by_its_name(name, factor, seed):
    rights = draw(seed, ((5, 3, 2), (2, 7, 3), (7, 2, 5)))
    sentences = said(lambda r: factor(*r.shape) * r, rights, ("T", "B", "K"))
    assert sentences == (f"Every entry is {name} times the right one.",)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("dt", lambda dt: dt),
        ("1/dt", lambda dt: 1 / dt),
        ("(1 - dt)", lambda dt: 1 - dt),
        ("1/(1 - dt)", lambda dt: 1 / (1 - dt)),
        ("√dt", math.sqrt),
        ("minus dt", lambda dt: -dt),
    ],
)
@given(first=st.floats(0.05, 0.95), second=st.floats(0.05, 0.95))
def test_a_number_among_the_inputs_is_found_as_a_factor(name, factor, first, second):
    wrong = [
        Wrong(factor(dt) * r, r, ("N",), {"dt": dt})
        for dt, r in zip((first, second), draw(0, ((3,), (4,))), strict=True)
        if abs(factor(dt)) not in (0.5, 2.0) and abs(dt - 0.5) > 0.01
    ]
    if wrong:
        assert locate(wrong) == (f"Every entry is {name} times the right one.",)


def test_a_negative_input_is_found_as_a_factor():
    wrong = [Wrong(w * r, r, ("N",), {"w": w}) for w, r in zip((-3.0, 1.7), draw(0, ((3,), (4,))),
                                                               strict=True)]  # fmt: skip
    assert locate(wrong) == ("Every entry is w times the right one.",)


@given(SEEDS)
def test_the_opposite_sign_is_said(seed):
    assert said(np.negative, draw(seed)) == ("Every entry has the opposite sign.",)


@given(SEEDS, st.floats(1.1, 1.2))
def test_a_factor_without_a_name_is_still_a_multiple(seed, factor):
    sentence = "Every entry is the same multiple of the right one."
    assert said(lambda r: factor * r, draw(seed)) == (sentence,)


def test_a_factor_that_fits_one_instance_by_accident_is_not_said():
    small, large = draw(1, ((2, 2, 2), (4, 3, 2)))
    assert said(lambda r: 2 * r, [small]) == ("Every entry is 2 times the right one.",)
    assert said(lambda r: r.shape[0] * r, [small, large]) == (
        "Every entry is T times the right one.",
    )
    assert said(lambda r: r.shape[0] * r, [large, small]) == (
        "Every entry is T times the right one.",
    )


def test_a_factor_that_another_instance_contradicts_is_not_said():
    first, second = draw(1, ((4, 3, 2), (3, 5, 2)))
    wrong = [
        Wrong(2 * first, first, ("T", "B", "N"), {}),
        Wrong(second**2, second, ("T", "B", "N"), {}),
    ]
    assert locate(wrong) == locate(wrong[::-1]) == ()


def test_one_number_is_spoken_of_as_one():
    wrong = [Wrong(r / 6, r, (), {"T": 6.0}) for r in draw(0, ((),))]
    assert locate(wrong) == ("It is 1/T times the right one.",)
    wrong = [Wrong(-r, r, (), {}) for r in draw(0, ((), ()))]
    assert locate(wrong) == ("It has the opposite sign.",)


def test_of_one_number_no_unnamed_multiple_is_said():
    assert locate([Wrong(np.array(1.234), np.array(5.0), (), {"T": 3.0})]) == ()


def test_of_entries_of_size_one_the_named_factor_is_still_needed():
    """On a single number any answer is some multiple, which contradicts nothing."""
    one, many = draw(3, ((1, 1, 1), (4, 3, 2)))
    sentence = ("Every entry is the same multiple of the right one.",)
    assert said(lambda r: 1.37 * r, [one, many]) == sentence
    assert said(lambda r: 1.37 * r, [one]) == ()


# --- order ---


@given(SEEDS)
def test_a_transpose_is_said_on_square_and_other_shapes(seed):
    sentence = ("It is the transpose of the right array.",)
    assert said(np.transpose, draw(seed, SQUARES), ("N", "N")) == sentence
    assert said(np.transpose, draw(seed, ((3, 3), (2, 4))), ("N", "D")) == sentence
    assert said(np.transpose, draw(seed, ((2, 4), (3, 3))), ("N", "D")) == sentence


def test_a_symmetric_instance_does_not_hide_that_the_others_are_no_transpose():
    first, second = draw(0, ((3, 3), (3, 3)))
    wrong = [Wrong(first.T, first, ("N", "N"), {}), Wrong(second.T + 1, second, ("N", "N"), {})]
    assert "transpose" not in " ".join(locate(wrong))


@pytest.mark.parametrize(
    "order", [o for o in itertools.permutations(range(3)) if o != (0, 1, 2)]
)
@given(seed=SEEDS)
def test_axes_in_another_order_are_said_also_where_two_are_equally_long(order, seed):
    for shapes in (SHAPES, ((3, 3, 3), *SHAPES), ((2, 2, 3), (4, 3, 2))):
        sentences = said(lambda r: r.transpose(order), draw(seed, shapes))
        assert sentences == ("The values are right, with the axes in another order.",)


@given(SEEDS)
def test_backwards_is_said_with_its_axis(seed):
    rights = draw(seed)
    assert said(lambda r: r[::-1], rights) == ("It is right but runs backwards along time.",)
    batch = "It is right but runs backwards along the sequence of the batch axis."
    assert said(lambda r: r[:, ::-1], rights) == (batch,)


@given(SEEDS)
def test_one_step_late_and_one_step_early_are_said(seed):
    late = said(lambda r: np.concatenate([0 * r[:1], r[:-1]]), draw(seed))
    early = said(lambda r: np.concatenate([r[1:], 0 * r[:1]]), draw(seed))
    assert late == ("It is one time step too late: your row t + 1 is the right row t.",)
    assert early == ("It is one time step too early: your row t is the right row t + 1.",)


@given(SEEDS)
def test_two_steps_late_is_not_said_to_be_one(seed):
    sentences = said(lambda r: np.roll(r, 2, axis=0), draw(seed, ((5, 3, 2), (7, 2, 2))))
    assert sentences == ()


@given(SEEDS)
def test_an_instance_of_one_step_does_not_hide_an_order_in_time(seed):
    rights = draw(seed, ((1, 3, 2), *SHAPES))
    sentences = said(lambda r: np.concatenate([0 * r[:1], r[:-1]]), rights)
    assert sentences == ("It is one time step too late: your row t + 1 is the right row t.",)
    backwards = said(lambda r: r[::-1] if len(r) > 1 else r + 1, rights)
    assert backwards == ("It is right but runs backwards along time.",)


def gates(r, order):
    parts = np.split(r, len(order))
    return np.concatenate([parts[j] for j in order])


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 2, 1, 0), (0, 1, 3, 2), (1, 2, 3, 0)])
def test_blocks_of_gates_in_another_order_are_said(order):
    rights = draw(0, ((8, 3), (12, 2)))
    [sentence] = said(lambda r: gates(r, order), rights, ("4N", "D"))
    assert sentence == f"The blocks of gates stand in another order: yours hold {list(order)}."


@pytest.mark.parametrize("bad", [[0], [1], [3], [0, 2], [1, 2, 3]])
def test_it_is_said_which_blocks_of_gates_are_right(bad):
    def change(r):
        parts = np.split(r, 4)
        return np.concatenate([p**2 + 1 if j in bad else p for j, p in enumerate(parts)])

    fine = [j for j in range(4) if j not in bad]
    first = said(change, draw(0, ((8, 3), (12, 2))), ("4N", "D"))[0]
    assert first == f"Right in the gate blocks {fine}, wrong in {bad} (counted from 0)."


def test_a_block_of_zeros_with_rounding_counts_as_right():
    """A forget gate has no gradient if the cell started from zero."""

    def change(r):
        return np.concatenate([r[:2] + 1e-17, r[2:4] ** 2, r[4:]])

    rights = [np.concatenate([0 * r[:2], r[2:]]) for r in draw(0, ((8, 3), (8, 2)))]
    first = said(change, rights, ("4N", "D"))[0]
    assert first == "Right in the gate blocks [0, 2, 3], wrong in [1] (counted from 0)."


# --- parts ---


def spoil(where):
    def change(r):
        r = r.copy()
        r[where] = r[where] ** 2 + 1.5
        return r

    return change


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (np.s_[1:], "Right for the first time step only."),
        (np.s_[:-1], "Right for the last time step only."),
        (np.s_[:1], "Wrong for the first time step only."),
        (np.s_[-1:], "Wrong for the last time step only."),
        (np.s_[:, 1:], "Right for the first sequence of the batch only."),
        (np.s_[:, -1:], "Wrong for the last sequence of the batch only."),
        (np.s_[..., :-1], "Right for the last unit only."),
        (np.s_[..., :1], "Wrong for the first unit only."),
    ],
)
def test_it_is_said_which_end_is_right(where, sentence):
    for shapes in (((4, 3, 5), (5, 4, 3)), ((2, 2, 2), (5, 4, 3)), ((5, 4, 3), (2, 2, 2))):
        assert said(spoil(where), draw(0, shapes)) == (sentence,)


def test_of_two_steps_the_first_right_and_the_last_wrong_is_one_fact():
    assert said(spoil(np.s_[1:]), draw(0, ((2, 3, 3),))) == ("Right for the first time step only.",)


def test_an_end_is_not_said_if_another_instance_contradicts():
    first, second = draw(0, ((4, 3, 5), (5, 4, 3)))
    axes = ("T", "B", "N")
    wrong = [
        Wrong(spoil(np.s_[1:])(first), first, axes, {}),
        Wrong(spoil(np.s_[2:])(second), second, axes, {}),
    ]
    assert "first" not in " ".join(locate(wrong))


def test_two_ends_of_different_axes_are_both_said():
    def change(r):
        return np.where(np.arange(r.shape[0])[:, None, None] == 0,
                        np.where(np.arange(r.shape[1])[:, None] == 0, r, r**2 + 1), r)  # fmt: skip

    assert said(change, draw(0, ((4, 3, 2), (5, 4, 2)))) == (
        "Wrong for the first time step only.",
        "Right for the first sequence of the batch only.",
    )


def test_of_a_square_matrix_rows_and_columns_are_told_apart():
    rights = draw(0, SQUARES)
    assert said(spoil(np.s_[1:]), rights, ("N", "N")) == ("Right for the first row only.",)
    assert said(spoil(np.s_[:, 1:]), rights, ("N", "N")) == ("Right for the first column only.",)
    mixed = [
        Wrong(spoil(np.s_[1:])(rights[0]), rights[0], ("N", "N"), {}),
        Wrong(spoil(np.s_[:, 1:])(rights[1]), rights[1], ("N", "N"), {}),
    ]
    assert "first" not in " ".join(locate(mixed))


@given(SEEDS)
def test_the_diagonal_is_spoken_of(seed):
    rights = draw(seed, SQUARES)
    on = said(lambda r: r + np.eye(len(r)), rights, ("N", "N"))
    off = said(lambda r: r + 1 - np.eye(len(r)), rights, ("N", "N"))
    assert on == ("Wrong on the diagonal, right off it.",)
    assert off == ("Right on the diagonal, wrong off it.",)


def test_missing_entries_are_said():
    def change(r):
        return np.where(np.arange(r.size).reshape(r.shape) % 3 == 1, 0.0, r)

    sentence = "Right wherever it is not zero: entries are missing."
    assert sentence in said(change, draw(0, ((4, 5, 3), (3, 7, 2))))


def test_right_entries_that_are_zero_do_not_hide_the_missing_ones():
    rights = [np.where(r > 1, 0.0, r) for r in draw(0, ((40,), (30,)))]
    sentence = "Right wherever it is not zero: entries are missing."
    assert sentence in said(lambda r: np.where(r < 0, 0.0, r), rights, ("N",))


def test_missing_entries_are_not_said_where_others_are_wrong_too():
    def change(r):
        r = r.copy()
        r.flat[0], r.flat[1] = 0.0, 5.0
        return r

    assert "missing" not in " ".join(said(change, draw(0)))


# --- all entries ---


@given(SEEDS)
def test_zero_square_absolute_value_and_root_are_said(seed):
    rights = draw(seed)
    assert said(lambda r: 0 * r, rights) == ("It is zero everywhere.",)
    assert said(np.square, rights) == ("It is the square of the right value.",)
    assert said(np.abs, rights) == ("It is the absolute value of the right one.",)
    positive = [r**2 + 0.1 for r in rights]
    assert said(np.sqrt, positive) == ("It is the square root of the right value.",)


def test_there_is_no_square_root_of_a_negative_value():
    assert said(lambda r: np.sqrt(np.abs(r)), draw(0)) == ()


@given(SEEDS, st.floats(0.1, 100.0))
def test_a_constant_offset_is_said(seed, offset):
    sentence = ("Every entry differs by the same amount.",)
    assert said(lambda r: r + offset, draw(seed)) == sentence
    assert said(lambda r: r - offset, draw(seed, ((1, 1, 1), *SHAPES))) == sentence


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_not_finite_is_said(strange):
    def change(r):
        r = r.copy()
        r.flat[-1] = strange
        return r

    assert said(change, draw(0)) == ("It is not finite.",)


def test_not_finite_is_not_said_where_the_right_value_is_not_finite_either():
    right = np.array([1.0, np.inf, 3.0])
    wrong = np.array([2.0, np.inf, 3.0])
    assert "not finite" not in " ".join(locate([Wrong(wrong, right, ("N",), {})]))


@given(SEEDS)
def test_nearly_right_is_said_of_five_digits(seed):
    rights = draw(seed)
    nearly = ("It is nearly right: five digits agree, but not as many as should.",)
    assert said(lambda r: r + 3e-6 * np.abs(r).max(), rights) == nearly
    assert said(lambda r: r + 3e-4 * np.abs(r).max(), rights) != nearly


@given(SEEDS, st.integers(-30, 30))
def test_what_is_said_does_not_depend_on_the_unit(seed, power):
    """Vanishing gradients: a factor of two between 1e-12 and 2e-12 is no rounding."""
    rights = [10.0**power * r for r in draw(seed)]
    assert said(lambda r: 2 * r, rights) == ("Every entry is 2 times the right one.",)
    assert said(lambda r: r[::-1], rights) == ("It is right but runs backwards along time.",)
    assert said(spoil_by(10.0**power), rights) == ("Right for the first time step only.",)


def spoil_by(size):
    def change(r):
        return np.concatenate([r[:1], size * np.cos(37 * r[1:] / size)])

    return change


# --- shapes ---


@given(SEEDS)
def test_an_axis_summed_or_averaged_is_said(seed):
    rights = draw(seed)
    words = ("time step", "sequence of the batch", "unit")
    for i, word in enumerate(words):
        for how in ("sum", "mean"):
            sentences = said(lambda r, i=i, how=how: getattr(r, how)(i), rights)
            assert sentences == (f"It is the {how} of the right value over each {word}.",)
        last = said(lambda r, i=i: r.take(-1, i), rights)
        assert last == (f"It is the right value for the last {word} only.",)


@given(SEEDS)
def test_one_axis_too_many_is_said(seed):
    rights = draw(seed, ((3, 2), (2, 4)))
    rng = np.random.default_rng(seed)

    def parts(r):
        split = rng.normal(size=(5, *r.shape))
        return split - split.mean(0) + r

    start = "One axis too many: "
    assert said(parts, rights, ("B", "N")) == (f"{start}the mean over your axis 0 is the right "
                                               f"value.",)  # fmt: skip
    summed = said(lambda r: np.moveaxis(parts(r / 5), 0, 2), rights, ("B", "N"))
    assert summed == (f"{start}the sum over your axis 2 is the right value.",)
    last = said(lambda r: np.stack([r + 1, r - 7, r], axis=1), rights, ("B", "N"))
    assert last == (f"{start}the last entry of your axis 1 is the right value.",)
    kept = said(lambda r: r[:, None], rights, ("B", "N"))
    assert kept == (f"{start}your axis 1 has one entry only.",)


@given(SEEDS)
def test_a_row_too_many_or_too_few_is_said(seed):
    rights = draw(seed)
    first, last = "The first time step is missing.", "The last time step is missing."
    assert said(lambda r: r[1:], rights) == (first,)
    assert said(lambda r: r[:-1], rights) == (last,)
    many = "One row too many: the {} one should not be there."
    assert said(lambda r: np.concatenate([r[:1] + 1, r]), rights) == (many.format("first"),)
    assert said(lambda r: np.concatenate([r, r[:1] + 1]), rights) == (many.format("last"),)
    assert said(lambda r: r[1:] + 1, rights) == ()
    units = said(lambda r: r[..., 1:], rights)
    assert units == ()


def test_of_a_shape_that_fits_nothing_nothing_is_said():
    assert said(lambda r: np.ones(7), draw(0)) == ()
    assert said(lambda r: np.zeros((0, 3, 2)), draw(0)) == ()
    assert said(lambda r: np.zeros((2, 2, 2, 2, 2)), draw(0)) == ()


# --- what nothing explains ---


def test_if_no_relation_holds_the_places_of_the_largest_instance_are_said():
    def change(r):
        r = r.copy()
        r[1:3] = np.cos(r[1:3] * 37)
        return r

    rights = draw(0, ((4, 3, 2), (6, 3, 2)))
    sentence = "On the largest instance wrong for time step t = 1, 2 of 6."
    assert said(change, rights) == said(change, rights[::-1]) == (sentence,)


def test_of_many_places_the_first_six_are_said():
    def change(r):
        return np.concatenate([r[:2], np.cos(r[2:] * 37)])

    sentence = "On the largest instance wrong for time step t = 2, 3, 4, 5, 6, 7, … of 12."
    assert said(change, draw(0, ((12, 3, 2),))) == (sentence,)


def test_an_axis_without_a_name_of_its_own_is_called_by_its_symbol():
    def change(r):
        return np.concatenate([r[:2], np.cos(r[2:4] * 37), r[4:]])

    sentence = "On the largest instance wrong for index along F i = 2, 3 of 6."
    assert said(change, draw(0, ((6, 3),)), ("F", "D")) == (sentence,)


def test_scattered_places_are_counted():
    def change(r):
        r = r.copy()
        r[np.eye(len(r), dtype=bool)[::-1]] += np.arange(1, len(r) + 1)
        return r

    sentence = "On the largest instance 4 of 16 entries are wrong."
    assert said(change, draw(0, ((4, 4),)), ("B", "N")) == (sentence,)


def test_the_places_are_those_of_an_instance_that_is_wrong():
    """The largest one is nearly right: five digits agree. It has nothing to show."""
    large, small = draw(0, ((6, 4), (4, 3)))
    bad = small.copy()
    bad[1:3] = np.cos(small[1:3] * 37)
    wrong = [Wrong(large + 1e-7, large, ("T", "N"), {}), Wrong(bad, small, ("T", "N"), {})]
    assert locate(wrong) == ("On the largest instance wrong for time step t = 1, 2 of 4.",)


def test_of_nothing_nothing_is_said():
    assert locate([]) == ()
    assert locate([Wrong(np.zeros((0, 3)), np.zeros((0, 3)), ("T", "N"), {})]) == ()


# --- it never raises ---


ANY_ARRAY = arrays.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)
ANY_AXES = st.lists(st.sampled_from(["T", "B", "N", "4N", "3N", "2", "F", "first"]), max_size=5)
ANY_FACTORS = st.dictionaries(st.sampled_from("TBNKw"), st.floats())


@given(st.lists(st.tuples(ANY_ARRAY, ANY_ARRAY), max_size=3), ANY_AXES, ANY_FACTORS)
def test_any_two_arrays_are_looked_at_without_an_error(pairs, axes, factors):
    wrong = [Wrong(a, b, tuple(axes), factors) for a, b in pairs]
    before = [(a.copy(), b.copy()) for a, b in pairs]
    sentences = locate(wrong)
    assert len(sentences) <= 2
    assert all(s.endswith(".") for s in sentences)
    for (a, b), (c, d) in zip(pairs, before, strict=True):
        assert np.array_equal(a, c, equal_nan=a.dtype.kind == "f")
        assert np.array_equal(b, d, equal_nan=b.dtype.kind == "f")


@given(
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4).flatmap(
        lambda shape: st.tuples(*(arrays.arrays(np.float64, shape) for _ in range(2)))
    ),
    ANY_AXES,
    ANY_FACTORS,
)
def test_any_two_arrays_of_one_shape_are_looked_at_without_an_error(pair, axes, factors):
    locate([Wrong(*pair, tuple(axes), factors)])


# --- close ---


@given(ANY_ARRAY)
def test_every_array_is_close_to_itself(a):
    assert close(a, a)


def test_close_is_relative_to_the_largest_entry():
    b = np.array([100.0, 1.0])
    assert close(b + 5e-4, b)
    assert not close(b + 5e-3, b)
    assert close(b + 5e-3, b, rtol=0.0, atol=6e-3)
    assert not close(b + 5e-3, b, rtol=0.0, atol=4e-3)


def test_what_is_not_finite_has_to_be_equal():
    strange = np.array([np.nan, np.inf, 1.0])
    assert close(strange, strange)
    assert not close(np.array([np.nan, -np.inf, 1.0]), strange)
    assert not close(np.array([np.nan, np.inf, np.nan]), strange)
    assert not close(np.array([0.0, np.inf, 1.0]), strange)


def test_rows_of_gates_are_counted_in_blocks_where_no_relation_holds():
    """Another block is wrong on each instance: then that of the largest one is told."""
    small, large = np.arange(1.0, 9.0), np.arange(1.0, 13.0)
    one, other = small.copy(), large.copy()
    one[0] += 0.7
    other[4] += 0.3  # of four blocks of three, block 1
    found = locate([Wrong(one, small, ("4N",), {}), Wrong(other, large, ("4N",), {})])
    assert found == ("On the largest instance wrong for gate block i = 1 of 4.",)
