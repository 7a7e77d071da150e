"""Clipping as a projection; against torch; and what it does to a direction."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import make_network

from rnncourse.bptt import bptt
from rnncourse.cell import init_params
from rnncourse.clipping import NonFiniteGradient, clip_by_norm, clip_by_value
from rnncourse.clipping import gradient_norm as norm_of

SHAPES = ((3, 2), (4,), (1, 5, 2))
seeds = st.integers(0, 2**32 - 1)
thresholds = st.floats(-8, 8).map(lambda power: 10.0**power)
BOTH = [clip_by_norm, clip_by_value]


@st.composite
def gradients(draw):
    """Arrays of different sizes; now and then an array is zero."""
    rng = np.random.default_rng(draw(seeds))
    scale = draw(thresholds)
    kept = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    return tuple(
        keep * scale * 10 ** rng.uniform(-2, 2) * rng.standard_normal(s)
        for keep, s in zip(kept, SHAPES, strict=True)
    )


def vector(arrays):
    return np.concatenate([g.ravel() for g in arrays])


def cosine_between(a, b):
    a, b = vector(a), vector(b)
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


# -- by norm --------------------------------------------------------------------------------------


@pytest.mark.equation("4.14")
@given(gradients(), thresholds)
def test_clipping_by_norm_is_the_projection_onto_the_ball(g, c):
    """The nearest point p of a convex set is the one with (g - p)·(q - p) <= 0 for all its q."""
    p = vector(clip_by_norm(g, c).gradients)
    size = np.linalg.norm(p)
    assert size <= c * (1 + 1e-12)
    away = vector(g) - p
    # of all q in the ball, c·away/|away| makes away·q largest: it is enough to look at this one
    assert np.linalg.norm(away) * c - away @ p <= 1e-10 * np.linalg.norm(away) * c


@pytest.mark.equation("4.14")
@given(gradients(), thresholds)
def test_it_keeps_the_direction_never_lengthens_and_leaves_short_gradients_alone(g, c):
    found = clip_by_norm(g, c)
    norm = np.linalg.norm(vector(g))
    assert found.norm == pytest.approx(norm, rel=1e-12)
    assert found.clipped == (found.norm > c)
    if found.clipped:
        assert cosine_between(found.gradients, g) == pytest.approx(1, abs=1e-12)
        assert norm_of(found.gradients) == pytest.approx(c, rel=1e-12)
    else:
        np.testing.assert_array_equal(vector(found.gradients), vector(g))


@pytest.mark.equation("4.14")
@given(gradients(), thresholds)
def test_clipping_twice_is_clipping_once(g, c):
    for clip in BOTH:
        once = clip(g, c).gradients
        np.testing.assert_allclose(vector(clip(once, c).gradients), vector(once), rtol=1e-12)


@pytest.mark.equation("4.14")
@pytest.mark.equation("4.15")
@given(gradients(), seeds, st.floats(0, 2), thresholds)
def test_clipping_brings_no_two_gradients_further_apart(g, seed, share, c):
    rng = np.random.default_rng(seed)
    scale = share * norm_of(g)
    other = tuple(a + scale * rng.standard_normal(a.shape) for a in g)
    before = np.linalg.norm(vector(g) - vector(other))
    for clip in BOTH:
        after = np.linalg.norm(vector(clip(g, c).gradients) - vector(clip(other, c).gradients))
        assert after <= before * (1 + 1e-9) + 1e-9 * min(c, norm_of(g))


@pytest.mark.equation("4.14")
@given(gradients(), thresholds)
def test_torch_divides_by_the_norm_plus_1e_6(g, c):
    """So torch's result is ours times ‖g‖/(‖g‖ + 1e-6) wherever both clip; both return ‖g‖."""
    tensors = [torch.zeros(a.shape, dtype=torch.float64) for a in g]
    for tensor, a in zip(tensors, g, strict=True):
        tensor.grad = torch.tensor(a)
    norm = torch.nn.utils.clip_grad_norm_(tensors, c).item()
    theirs = vector([tensor.grad.numpy() for tensor in tensors])
    ours = clip_by_norm(g, c)
    assert ours.norm == pytest.approx(norm, rel=1e-10)
    np.testing.assert_allclose(theirs, vector(g) * min(1, c / (norm + 1e-6)), rtol=1e-10)
    if ours.clipped and c < norm + 1e-6:
        np.testing.assert_allclose(
            theirs, vector(ours.gradients) * norm / (norm + 1e-6), rtol=1e-10
        )


def test_so_torch_leaves_a_gradient_of_length_5_with_threshold_1_a_little_short():
    a = torch.zeros(2, dtype=torch.float64)
    a.grad = torch.tensor([3.0, 4.0], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([a], 1.0)
    assert a.grad.norm().item() == pytest.approx(0.9999998, abs=1e-9)
    assert norm_of(clip_by_norm((np.array([3.0, 4.0]),), 1.0).gradients) == pytest.approx(
        1, abs=1e-15
    )


def test_clipping_each_array_by_itself_is_another_direction():
    """The wrong way: W_hh is 100 times as steep as b_h, and after it they are alike."""
    g = (np.array([[30.0, 40.0]]), np.array([0.3, 0.4]))
    ratio = np.linalg.norm(g[0]) / np.linalg.norm(g[1])
    together = clip_by_norm(g, 0.1).gradients
    each = tuple(clip_by_norm((a,), 0.1).gradients[0] for a in g)
    assert ratio == pytest.approx(100)
    assert np.linalg.norm(together[0]) / np.linalg.norm(together[1]) == pytest.approx(100)
    assert np.linalg.norm(each[0]) / np.linalg.norm(each[1]) == pytest.approx(1)
    assert cosine_between(together, g) == pytest.approx(1)
    assert cosine_between(each, g) < 0.72
    assert norm_of(each) > 0.14  # and longer than the threshold


def test_the_average_of_clipped_gradients_may_point_the_other_way():
    """Erratum C1: 10 with probability 0.1, -1 with 0.9; the mean is +0.1, clipped -0.8."""
    clipped = [clip_by_norm((np.array([g]),), 1.0).gradients[0][0] for g in (10.0, -1.0)]
    assert np.dot([0.1, 0.9], [10.0, -1.0]) == pytest.approx(0.1)
    assert np.dot([0.1, 0.9], clipped) == pytest.approx(-0.8)


# -- by value -------------------------------------------------------------------------------------


@pytest.mark.equation("4.15")
@given(gradients(), thresholds)
def test_clipping_by_value_is_torchs(g, c):
    tensors = [torch.zeros(a.shape, dtype=torch.float64) for a in g]
    for tensor, a in zip(tensors, g, strict=True):
        tensor.grad = torch.tensor(a)
    torch.nn.utils.clip_grad_value_(tensors, c)
    found = clip_by_value(g, c)
    for a, tensor in zip(found.gradients, tensors, strict=True):
        np.testing.assert_array_equal(a, tensor.grad.numpy())
    assert found.norm == pytest.approx(np.linalg.norm(vector(g)), rel=1e-12)
    assert found.clipped == (vector(found.gradients) != vector(g)).any()


@pytest.mark.equation("4.15")
@given(gradients(), thresholds)
def test_what_is_cut_by_value_still_descends_its_cosine_is_at_least_1_over_root_n(g, c):
    if norm_of(g) > 0:
        n = len(vector(g))
        assert cosine_between(clip_by_value(g, c).gradients, g) >= (1 - 1e-12) / np.sqrt(n)


@pytest.mark.equation("4.15")
@pytest.mark.parametrize("n", [2, 9, 100])
def test_the_cosine_of_1_over_root_n_is_reached_in_the_limit(n):
    g = np.ones(n)
    g[0] = 1e9
    assert cosine_between(clip_by_value((g,), 1.0).gradients, (g,)) == pytest.approx(
        1 / np.sqrt(n), rel=1e-6
    )


def test_by_value_the_direction_turns_by_44_4_degrees_where_by_norm_it_does_not():
    """Erratum C1."""
    g = (np.array([100.0, 1.0]),)
    turned = np.degrees(np.arccos(cosine_between(clip_by_value(g, 1.0).gradients, g)))
    assert turned == pytest.approx(44.4, abs=0.05)
    assert cosine_between(clip_by_norm(g, 1.0).gradients, g) == pytest.approx(1)


# -- numbers at the edge --------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "size"), [
    (np.float32, 1e30), (np.float32, 3e38), (np.float32, 1e-40), (np.float64, 1e200),
    (np.float64, 1e-200),
])  # fmt: skip
def test_the_norm_neither_overflows_nor_underflows(dtype, size):
    g = (np.full((3,), size, dtype), np.full((2, 3), size, dtype))
    assert norm_of(g) == pytest.approx(3 * float(g[0][0]), rel=1e-6)
    found = clip_by_norm(g, 0.1 * size)
    assert found.clipped
    assert found.norm == norm_of(g)
    assert norm_of(found.gradients) == pytest.approx(0.1 * size, rel=1e-3)  # 1e-40 has few digits
    assert {a.dtype for a in found.gradients} == {np.dtype(dtype)}


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 3e38), (np.float64, 1.7e308)])
def test_the_largest_gradients_are_clipped_to_the_threshold_in_all_digits(dtype, size):
    """c/‖g‖ would be a number with few digits left, or 0 where ‖g‖ itself is inf."""
    found = clip_by_norm((np.full(10, size, dtype),), 1.0)
    assert norm_of(found.gradients) == pytest.approx(1, rel=1e-6)


def test_a_long_gradient_of_small_entries_is_not_cut_by_value():
    assert clip_by_value((np.ones(4),), 1.5)[1:] == (2.0, False)
    assert clip_by_norm((np.ones(4),), 1.5)[1:] == (2.0, True)


def test_a_zero_gradient_and_the_threshold_inf_stay_as_they_are():
    g = (np.zeros(3), np.zeros((2, 0)))
    assert clip_by_norm(g, 1.0)[1:] == clip_by_value(g, 1.0)[1:] == (0.0, False)
    for clip in BOTH:
        found, norm, clipped = clip((np.full(4, 1e300),), np.inf)
        assert (found[0] == 1e300).all()
        assert (norm, clipped) == (2e300, False)


@pytest.mark.parametrize("clip", BOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_are_not_changed_and_type_and_dtype_are_kept(clip, dtype):
    g = init_params(2, 4, 3, np.random.default_rng(0), dtype=dtype)
    before = vector(g).copy()
    for a in g:
        a.setflags(write=False)
    found = clip(g, np.float64(0.1))
    np.testing.assert_array_equal(vector(g), before)
    assert found.clipped is True
    assert type(found.norm) is float
    assert type(found.gradients) is type(g)
    assert {a.dtype for a in found.gradients} == {np.dtype(dtype)}
    assert type(clip(list(g), 0.1).gradients) is list


@pytest.mark.parametrize("function", [clip_by_norm, clip_by_value, lambda g, c: norm_of(g)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_name(function, bad):
    g = init_params(2, 4, 3, np.random.default_rng(0))
    g.b_h[2] = bad
    with pytest.raises(NonFiniteGradient, match="b_h has 1 entries that are nan or inf"):
        function(g, 1.0)
    with pytest.raises(ArithmeticError, match=r"gradients\[3\] has 1 entries"):
        function(tuple(g), 1.0)


@pytest.mark.parametrize("clip", BOTH)
def test_what_is_no_gradient_or_no_threshold_is_named(clip):
    g = (np.ones(3),)
    for c in (0, -1.0, np.nan, None, "1"):
        with pytest.raises(ValueError, match=f"threshold is {c}; expected a number above 0"):
            clip(g, c)
    for wrong, message in [
        (np.ones(3), "gradients is a ndarray; expected a tuple"),
        ((1.0,), r"gradients\[0\] is a float; expected an array"),
        ((np.arange(3),), r"gradients\[0\] is an array of int64; expected an array of float32"),
        ((torch.ones(3),), r"gradients\[0\] is a torch.Tensor; expected an array"),
    ]:
        with pytest.raises(TypeError, match=message):
            clip(wrong, 1.0)
    with pytest.raises(ValueError, match="gradients is empty"):
        clip((), 1.0)


@pytest.mark.parametrize("clip", BOTH)
def test_the_gradient_of_the_inputs_is_not_counted_by_mistake(clip):
    network = make_network(4, 2, 3, 5, 2)
    trace = network.trace()
    gradients = bptt(network.params, trace, network.loss(trace.y).dL_dy)
    with pytest.raises(TypeError, match=r"of the inputs .* write gradients.of_params\(\)"):
        clip(gradients, 1.0)
    assert len(clip(gradients.of_params(), 1.0).gradients) == 5
