"""Tasks with a long memory: what is asked, and what a guess without a memory scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.synthetic_tasks import adding, copying, latch, temporal_order
from rnncourse.tasks import SequenceTask, Split

MAKERS = {"adding": adding, "copying": copying, "temporal_order": temporal_order, "latch": latch}
STEPS = {"adding": 2, "copying": 1, "temporal_order": 15, "latch": 2}  # T at least
SIZES = (23, 7, 11)


def made(name: str, T: int, seed: int, sizes=SIZES, **more) -> SequenceTask:
    return MAKERS[name](T, sizes, rng=np.random.default_rng(seed), **more)


def symbols(split: Split) -> np.ndarray:
    """Numbers of the unit vectors of the input, (T, B)."""
    assert set(np.unique(split.x)) == {0, 1}
    np.testing.assert_array_equal(split.x.sum(axis=2), 1)
    return split.x.argmax(axis=2)


# --- what is asked follows from what is seen ---


@settings(deadline=None, max_examples=30)
@given(T=st.integers(2, 40), seed=st.integers(0, 10**6))
def test_the_sum_is_that_of_the_two_marked_numbers_one_of_each_half(T, seed):
    for split in made("adding", T, seed)[:3]:
        assert split.target.shape == (T, split.size, 1)
        for b in range(split.size):
            numbers, marks = split.x[:, b, 0], split.x[:, b, 1]
            marked = [t for t in range(T) if marks[t] == 1]
            assert set(marks) <= {0, 1}
            assert len(marked) == 2
            assert marked[0] < T // 2 <= marked[1]
            assert 0 <= numbers.min() <= numbers.max() <= 1
            assert split.target[-1, b, 0] == numbers[marked[0]] + numbers[marked[1]]
            assert list(split.mask[:, b]) == [False] * (T - 1) + [True]


@settings(deadline=None, max_examples=30)
@given(
    T=st.integers(1, 20), length=st.integers(3, 10), S=st.integers(5, 8), seed=st.integers(0, 10**6)
)
def test_the_copy_is_the_message_and_is_due_right_after_the_call(T, length, S, seed):
    for split in made("copying", T, seed, symbols=S, length=length)[:3]:
        assert split.mask is None
        assert split.x.shape == (T + 2 * length, split.size, S + 2)
        seen = symbols(split)
        for b in range(split.size):
            message = list(seen[:length, b])
            assert set(message) <= set(range(S))
            assert list(seen[length:, b]) == [S] * (T - 1) + [S + 1] + [S] * length
            assert list(split.target[:, b]) == [S] * (T + length) + message
            call = list(seen[:, b]).index(S + 1)
            assert list(split.target[call + 1 : call + 1 + length, b]) == message


@settings(deadline=None, max_examples=30)
@given(T=st.integers(15, 60), seed=st.integers(0, 10**6))
def test_the_class_is_the_order_of_the_two_symbols(T, seed):
    for split in made("temporal_order", T, seed)[:3]:
        seen = symbols(split)
        assert split.x.shape == (T, split.size, 6)
        for b in range(split.size):
            word = "".join("ABcdef"[i] for i in seen[:, b])
            order = "".join(c for c in word if c in "AB")
            assert split.target[b] == ["AA", "AB", "BA", "BB"].index(order)
            first, second = (t for t in range(T) if word[t] in "AB")
            assert T // 10 <= first < T // 5
            assert T // 2 <= second < T // 2 + T // 10


@settings(deadline=None, max_examples=30)
@given(T=st.integers(2, 40), seed=st.integers(0, 10**6), noise=st.floats(0.1, 3))
def test_the_bit_is_the_first_input(T, seed, noise):
    for split in made("latch", T, seed, noise=noise)[:3]:
        assert split.x.shape == (T, split.size, 1)
        assert [{0: -1.0, 1: 1.0}[int(c)] for c in split.target] == list(split.x[0, :, 0])


# --- what comes after the bit, the symbols, the marks says nothing of the answer ---


def test_every_class_and_place_is_as_frequent_as_its_probability():
    B = 20_000
    order = made("temporal_order", 50, 0, (B, 1, 1)).train
    seen = symbols(order)
    first, second = np.sort(np.argsort(seen >= 2, axis=0, kind="stable")[:2], axis=0)
    add = made("adding", 7, 0, (B, 1, 1)).train.x
    early, late = (half.argmax(axis=0) for half in (add[:3, :, 1], add[3:, :, 1]))
    copy = made("copying", 4, 0, (B, 1, 1)).train
    bit = made("latch", 5, 0, (B, 1, 1)).train.target
    for values, low, high in (
        (order.target, 0, 4),
        (first, 5, 10),
        (second, 25, 30),
        (seen[3], 2, 6),
        (early, 0, 3),
        (late, 0, 4),
        (copy.target[-10], 0, 8),
        (copy.target[-1], 0, 8),
        (bit, 0, 2),
    ):
        p = 1 / (high - low)
        share = np.bincount(values, minlength=high)[low:] / B
        assert share.shape == (high - low,)
        # five standard errors of a share
        np.testing.assert_allclose(share, p, rtol=0, atol=5 * np.sqrt(p * (1 - p) / B))


def test_the_noise_of_the_latch_has_its_deviation_and_no_trace_of_the_bit():
    split = made("latch", 6, 1, (20_000, 1, 1), noise=0.3).train
    noise, bit = split.x[1:, :, 0].astype(float), 2 * split.target - 1
    n = noise.size
    assert abs(noise.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * n)
    assert abs((noise * bit).mean()) < 5 * 0.3 / np.sqrt(n)


# --- the baseline ---


def best_guess(name: str, y: np.ndarray, T: int) -> np.ndarray:
    """Outputs (T, B, K) that do not depend on the input."""
    if name == "adding":
        return np.ones_like(y)
    if name == "copying":
        y[: T + 10, :, 8] = 800.0  # blanks, for sure
        y[T + 10 :, :, 8] = -800.0  # then any symbol but the blank
    return y


@pytest.mark.equation("4.21")
def test_the_sum_of_two_uniform_numbers_has_variance_one_sixth():
    # integral of (a + b - 1)² over the unit square; Gauss-Legendre is exact for polynomials
    nodes, weights = np.polynomial.legendre.leggauss(3)
    a, w = (nodes + 1) / 2, weights / 2

    def score(target, c):
        return w @ (target(a[:, None], a[None]) - c) ** 2 @ w

    np.testing.assert_allclose(score(lambda a, b: a + b, 1), 1 / 6)
    for c in (0.9, 1.1):
        assert score(lambda a, b: a + b, c) > 1 / 6
    # the variants of other papers; there a is uniform on [-1, 1]: 2a - 1
    np.testing.assert_allclose(score(lambda a, b: (a + b) / 2, 0.5), 1 / 24)
    hochreiter = score(lambda a, b: 0.5 + (2 * a - 1 + 2 * b - 1) / 4, 0.5)
    np.testing.assert_allclose(hochreiter, 1 / 24)
    assert made("adding", 9, 0).baseline == 1 / 6


@pytest.mark.parametrize("T", [10, 33])
@pytest.mark.parametrize("name", MAKERS)
def test_the_best_guess_without_a_memory_scores_the_baseline(name, T):
    B = 40_000 if name == "adding" else 400
    task = made(name, T, 5, (1, 1, B), dtype=np.float64)
    y = best_guess(name, np.zeros((*task.test.x.shape[:2], task.classes)), T)
    score = task.loss(y, task.test).value
    # (a + b - 1)² has variance E(a + b - 1)⁴ - 1/36 = 1/15 - 1/36; the others have none
    error = np.sqrt((1 / 15 - 1 / 36) / B) if name == "adding" else 1e-12
    assert abs(score - task.baseline) < 4 * error


@pytest.mark.parametrize("name", MAKERS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_no_other_guess_without_a_memory_scores_better(name, seed):
    T, B = 12, 1500
    task = made(name, T, 3, (1, 1, B), dtype=np.float64)
    steps = len(task.test.x)
    best = best_guess(name, np.zeros((steps, B, task.classes)), T)
    other = best + np.random.default_rng(seed).normal(0, 2, (steps, 1, task.classes))
    # all but the sample's accident, a few percent: the others are far worse
    assert task.loss(other, task.test).value > 0.98 * task.loss(best, task.test).value


@pytest.mark.equation("4.22")
@pytest.mark.parametrize(("T", "symbols", "length"), [(1, 8, 10), (100, 8, 10), (7, 5, 4)])
def test_the_copying_baseline_is_a_uniform_guess_of_the_message_alone(T, symbols, length):
    task = made("copying", T, 0, symbols=symbols, length=length)
    steps = T + 2 * length
    assert len(task.test.x) == steps
    nats = [0.0] * (T + length) + [np.log(symbols)] * length
    np.testing.assert_allclose(task.baseline, np.mean(nats), rtol=1e-12)
    if (symbols, length) == (8, 10):
        np.testing.assert_allclose(task.baseline, 10 * np.log(8) / (T + 20), rtol=1e-12)


def test_a_guess_without_a_memory_errs_in_three_of_four_orders():
    task = made("temporal_order", 20, 0, (1, 1, 20_000))
    for c in range(4):
        y = np.zeros((20, 20_000, 4))
        y[:, :, c] = 1
        error = 1 - task.metric(y, task.test)
        assert abs(error - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 20_000)
    np.testing.assert_allclose(task.baseline, np.log(4))


def test_the_share_of_right_copies_is_high_without_a_memory():
    T, B = 30, 4000
    task = made("copying", T, 0, (1, 1, B))
    y = np.zeros((T + 20, B, 9))
    y[: T + 10, :, 8] = 1
    y[T + 10 :, :, 3] = 1
    expected = (T + 10 + 10 / 8) / (T + 20)
    error = np.sqrt(10 * (1 / 8) * (7 / 8) / B) / (T + 20)
    assert abs(task.metric(y, task.test) - expected) < 5 * error


@pytest.mark.parametrize("name", MAKERS)
def test_who_remembers_scores_nothing(name):
    task = made(name, 20, 4)
    for split in task[:3]:
        T, B = split.x.shape[:2]
        if name == "adding":
            y = split.target
        else:
            per_step = np.broadcast_to(split.target, (T, B))
            y = 50 * np.eye(task.classes)[per_step]
        assert task.loss(y, split).value < 1e-15


# --- parts ---


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", MAKERS)
def test_no_example_comes_twice(name, seed):
    task = made(name, STEPS[name], seed)
    assert tuple(split.size for split in task[:3]) == SIZES
    columns = [s.x[:, b].tobytes() for s in task[:3] for b in range(s.size)]
    assert len(set(columns)) == sum(SIZES)


@pytest.mark.parametrize("seed", range(20))
def test_where_examples_are_few_all_are_used_once_and_keep_their_targets(seed):
    task = made("copying", 2, seed, (5, 2, 2), symbols=3, length=2)  # there are 3² messages
    found = set()
    for split in task[:3]:
        message = symbols(split)[:2]
        np.testing.assert_array_equal(split.target[-2:], message)
        found |= set(map(tuple, message.T))
    assert len(found) == 9


def test_a_class_is_drawn_again_with_its_sequence():
    task = made("temporal_order", 10, 0, (4000, 1, 1))
    again = made("temporal_order", 10, 0, (4000, 1, 1))
    for split, same in zip(task[:3], again[:3], strict=True):
        first, second = symbols(split)[1], symbols(split)[5]
        np.testing.assert_array_equal(split.target, 2 * first + second)
        np.testing.assert_array_equal(split.x, same.x)


@pytest.mark.parametrize("name", MAKERS)
def test_the_generator_decides_everything(name):
    first, same, other = (made(name, 20, seed) for seed in (1, 1, 2))
    for a, b, c in zip(first[:3], same[:3], other[:3], strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.target, b.target)
        assert not np.array_equal(a.x, c.x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MAKERS)
def test_inputs_have_the_dtype_asked_for(name, dtype):
    task = made(name, 20, 0, dtype=dtype)
    assert task.name.startswith(name.split("_")[0])
    assert task.source
    for split in task[:3]:
        assert split.x.dtype == dtype
        assert split.target.dtype == (dtype if name == "adding" else np.int64)


# --- refusals ---


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("adding", {"T": 1}, "T is 1; expected a whole number from 2 upwards"),
        ("copying", {"T": 0}, "T is 0; expected a whole number from 1"),
        ("copying", {"symbols": 1}, "symbols is 1; expected a whole number from 2"),
        ("copying", {"length": 0}, "length is 0; expected a whole number from 1"),
        ("temporal_order", {"T": 9}, "T is 9; expected a whole number from 10"),
        ("latch", {"T": 2.5}, r"T is 2\.5; expected a whole number"),
        ("latch", {"noise": 0.0}, r"noise is 0\.0; expected a positive"),
        ("latch", {"sizes": (3, 3)}, r"sizes is \(3, 3\); expected three"),
        ("latch", {"sizes": (3, 0, 3)}, "a size is 0; expected a whole number from 1"),
        ("copying", {"symbols": 2, "length": 2}, "examples still came twice after 100 draws"),
    ],
)
def test_what_makes_no_sense_is_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        made(name, **({"T": 12, "seed": 0} | arguments))
