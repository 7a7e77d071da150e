"""Real data as sequences: parts that do not leak, losses, and what simple guesses score."""

import hashlib
import itertools
from collections import Counter
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from statsmodels.datasets.sunspots import load as load_sunspots
from statsmodels.tsa.ar_model import AutoReg

from rnncourse import tasks
from rnncourse.gradcheck import numerical_gradient
from rnncourse.tasks import (
    ALPHABET,
    LOSSES,
    SequenceTask,
    Split,
    autoregressive_baseline,
    characters,
    decode,
    digits,
    encode,
    english_text,
    fit_autoregression,
    ngram_baseline,
    ngram_probabilities,
    one_hot,
    persistence_baseline,
    sunspots,
)


@pytest.mark.parametrize(("read_by", "T", "D"), [("row", 8, 8), ("pixel", 64, 1)])
def test_a_sequence_is_the_image_read_in_order(read_by, T, D):
    task = digits(read_by)
    images, target = load_digits(return_X_y=True)
    splits = task[:3]
    assert {(s.x.shape[0], s.x.shape[2]) for s in splits} == {(T, D)}
    x = np.concatenate([s.x for s in splits], axis=1)
    for n in (0, 1077, 1078, 1500, 1796):
        np.testing.assert_array_equal(x[:, n].ravel(), (images[n] / 16).astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([s.target for s in splits]), target)


def test_the_parts_share_no_image_and_hold_every_class():
    task = digits()
    assert [s.size for s in task[:3]] == [1078, 359, 360]
    seen = [{s.x[:, n].tobytes() for n in range(s.size)} for s in task[:3]]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    for split in task[:3]:
        assert set(split.target) == set(range(task.classes))


def test_a_mini_batch_holds_the_examples_asked_for():
    train = digits().train
    batch = train.take(np.array([5, 2]))
    np.testing.assert_array_equal(batch.x[:, 1], train.x[:, 2])
    np.testing.assert_array_equal(batch.target, train.target[[5, 2]])


def test_grey_values_lie_between_zero_and_one():
    x = digits().train.x
    assert x.min() == 0
    assert x.max() == 1


def test_an_unknown_way_of_reading_is_refused():
    with pytest.raises(ValueError, match="read_by is 'column'; expected 'row' or 'pixel'"):
        digits("column")


# --- parts, loss and metric ---


def made_up(loss_name: str, T: int, B: int, K: int, masked: bool, seed: int):
    """A task of random numbers, its split, and random outputs."""
    rng = np.random.default_rng(seed)
    target = {
        "cross_entropy_last": rng.integers(0, K, B),
        "cross_entropy": rng.integers(0, K, (T, B)),
        "squared_error": rng.normal(size=(T, B, K)),
    }[loss_name]
    mask = rng.random((T, B)) < 0.6
    mask[rng.integers(0, T, B), np.arange(B)] = True
    split = Split(rng.normal(size=(T, B, 2)), target, mask if masked else None)
    task = SequenceTask(split, split, split, classes=K, loss_name=loss_name)
    return task, split, rng.normal(size=(T, B, K))


def terms(loss_name: str, y: np.ndarray, split: Split) -> tuple[list[float], list[float]]:
    """Loss and metric of each term that counts, one after the other."""
    T, B, _ = y.shape
    mask = np.ones((T, B), bool) if split.mask is None else split.mask
    losses, metrics = [], []
    for b in range(B):
        steps = [t for t in range(T) if mask[t, b]]
        for t in steps[-1:] if loss_name == "cross_entropy_last" else steps:
            if loss_name == "squared_error":
                errors = [float(e) ** 2 for e in y[t, b] - split.target[t, b]]
                losses += errors
                metrics += errors
            else:
                last = loss_name == "cross_entropy_last"
                c = split.target[b] if last else split.target[t, b]
                p = np.exp(y[t, b]) / np.exp(y[t, b]).sum()
                losses.append(-np.log(p[c]))
                metrics.append(float(all(y[t, b, c] >= other for other in y[t, b])))
    return losses, metrics


@settings(deadline=None)
@given(
    loss_name=st.sampled_from(LOSSES),
    T=st.integers(1, 5),
    B=st.integers(1, 4),
    K=st.integers(1, 4),
    masked=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_loss_and_metric_are_means_over_what_counts(loss_name, T, B, K, masked, seed):
    task, split, y = made_up(loss_name, T, B, K, masked, seed)
    losses, metrics = terms(loss_name, y, split)
    np.testing.assert_allclose(task.loss(y, split).value, np.mean(losses), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(task.metric(y, split), np.mean(metrics), rtol=1e-12)


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_of_the_loss_is_its_derivative(loss_name, masked):
    task, split, y = made_up(loss_name, 4, 3, 2, masked, 7)
    numerical = numerical_gradient(lambda z: task.loss(z, split).value, y)
    np.testing.assert_allclose(task.loss(y, split).dL_dy, numerical, atol=1e-8)


@pytest.mark.parametrize("loss_name", LOSSES)
def test_a_mini_batch_of_all_examples_in_parts_adds_up_to_the_whole(loss_name):
    task, split, y = made_up(loss_name, 4, 5, 3, True, 3)
    parts = [np.array([3, 0]), np.array([4, 1, 2])]
    values = [terms(loss_name, y[:, part], split.take(part))[0] for part in parts]
    assert [split.take(part).size for part in parts] == [2, 3]
    np.testing.assert_allclose(np.mean(np.concatenate(values)), task.loss(y, split).value)


def test_a_loss_that_does_not_exist_is_refused():
    task, split, y = made_up("cross_entropy_last", 3, 2, 2, False, 0)
    for method in (task.loss, task.metric):
        ask = getattr(task._replace(loss_name="mse"), method.__name__)
        with pytest.raises(ValueError, match="loss_name is 'mse'; expected one of"):
            ask(y, split)


def test_a_sequence_of_which_no_step_counts_is_refused():
    task, split, y = made_up("cross_entropy_last", 3, 2, 2, True, 0)
    split.mask[:, 1] = False
    with pytest.raises(ValueError, match=r"mask\[:, 1\] is False everywhere"):
        task.loss(y, split)


@pytest.mark.parametrize("loss_name", LOSSES[:2])
def test_the_metric_refuses_outputs_that_do_not_fit(loss_name):
    task, split, y = made_up(loss_name, 3, 2, 2, False, 0)
    with pytest.raises(ValueError, match="y has shape"):
        task.metric(y[:, :1], split)


def test_a_uniform_guess_of_digits_scores_the_baseline():
    task = digits()
    y = np.zeros((8, task.test.size, 10), np.float32)
    np.testing.assert_allclose(task.loss(y, task.test).value, task.baseline, rtol=1e-6)


# --- characters ---

TEXT = english_text()


@pytest.fixture(scope="module")
def task() -> SequenceTask:
    return characters(T=17, length=30_011)


def test_the_text_holds_only_the_alphabet_and_no_paragraph_twice():
    assert set(TEXT) == set(ALPHABET)
    assert "  " not in TEXT
    lines = TEXT.split("\n")
    assert len(lines) > 1000
    assert len(set(lines)) > 0.99 * len(lines)  # a few differ only in what was left out
    assert all(line.endswith(".") for line in lines)


def test_the_tested_version_of_scipy_gives_the_text_of_the_course():
    if version("scipy") != "1.17.1":
        pytest.skip("another version of SciPy, whose text may differ")
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    assert digest == "eee392874759b4ed0c628e4e4dfd20fda0aa7b8080af5e9ce9b574cbaf46eb7a"


def test_the_source_says_which_text_it_was(task):
    digest = hashlib.sha256(TEXT[:30_011].encode()).hexdigest()
    for part in ("SciPy " + version("scipy"), "30,011 characters", digest):
        assert part in task.source


@given(st.text(st.sampled_from(ALPHABET), min_size=1))
def test_decoding_undoes_encoding(text):
    assert decode(encode(text)) == text


def test_what_is_not_in_the_alphabet_is_refused():
    with pytest.raises(ValueError, match=r"text has the characters \['A', 'é'\]"):
        encode("Aé a")
    with pytest.raises(ValueError, match=r"codes has values from -1 to 3; expected 0 to 36"):
        decode(np.array([3, -1]))
    with pytest.raises(TypeError, match="codes has dtype float64"):
        one_hot(np.array([1.0]), 3)


def test_every_target_is_the_character_after_its_input_and_no_window_crosses_a_cut(task):
    cuts = [0, int(0.8 * 30_011), int(0.9 * 30_011), 30_011]
    for split, start, stop in zip(task[:3], cuts, cuts[1:], strict=False):
        assert split.mask is None
        assert split.size == (stop - start - 1) // 17
        x = split.x.argmax(axis=2)
        np.testing.assert_array_equal(split.x, np.eye(37)[x])
        for b in range(split.size):
            here = start + 17 * b
            assert decode(x[:, b]) == TEXT[here : here + 17]
            assert decode(split.target[:, b]) == TEXT[here + 1 : here + 18]
            assert here + 18 <= stop


def test_the_character_baseline_is_the_cross_entropy_of_the_training_frequencies(task):
    seen = Counter(c for part in [task.train.target.ravel(), [encode(TEXT[0])[0]]] for c in part)
    total = sum(seen.values())
    p = {c: (seen[c] + 8 / 37) / (total + 8) for c in range(37)}
    expected = np.mean([-np.log(p[c]) for c in task.test.target.ravel()])
    np.testing.assert_allclose(task.baseline, expected, rtol=1e-12)
    logits = np.broadcast_to(np.log([p[c] for c in range(37)]), (*task.test.target.shape, 37))
    np.testing.assert_allclose(task.loss(logits.copy(), task.test).value, expected, rtol=1e-12)


def test_no_fixed_guess_scores_better_than_the_entropy_and_the_baseline_is_near_it(task):
    frequencies = np.bincount(task.test.target.ravel(), minlength=37) / task.test.target.size
    present = frequencies[frequencies > 0]
    entropy = -(present * np.log(present)).sum()
    assert entropy <= task.baseline < entropy + 0.05


def by_counting(codes: list[int], n: int, K: int, s: float, context: tuple, c: int) -> float:
    """P_n(c | context) of (4.17), from its definition."""
    if n == 0:
        return 1 / K
    grams = [tuple(codes[i : i + n]) for i in range(len(codes) - n + 1)]
    joint, alone = grams.count((*context, c)), sum(g[:-1] == context for g in grams)
    shorter = by_counting(codes, n - 1, K, s, context[1:], c)
    return (joint + s * shorter) / (alone + s)


@pytest.mark.equation("4.17")
@settings(deadline=None, max_examples=40)
@given(
    codes=st.lists(st.integers(0, 2), min_size=3, max_size=30),
    n=st.integers(1, 3),
    s=st.floats(0.1, 20),
)
def test_ngram_probabilities_follow_their_definition_and_sum_to_one(codes, n, s):
    p = ngram_probabilities(np.array(codes), n, 3, s)
    np.testing.assert_allclose(p.sum(axis=-1), 1)
    for gram in itertools.product(range(3), repeat=n):
        expected = by_counting(codes, n, 3, s, gram[:-1], gram[-1])
        np.testing.assert_allclose(p[gram], expected, rtol=1e-12)


@pytest.mark.equation("4.18")
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_ngram_baseline_is_the_mean_over_the_characters_of_a_part(task, n, part):
    split = getattr(task, part)
    start = int({"validation": 0.8, "test": 0.9}[part] * 30_011)
    codes = encode(TEXT[start : start + 17 * split.size + 1])
    train = encode(TEXT[: 17 * task.train.size + 1])
    p = ngram_probabilities(train, n, 37, 8.0)
    first = max(n - 1, 1)  # the first character is no target, and has nothing before it
    nats = [-np.log(p[tuple(codes[i - n + 1 : i + 1])]) for i in range(first, len(codes))]
    np.testing.assert_allclose(ngram_baseline(task, n, part=part), np.mean(nats), rtol=1e-12)


def test_bigrams_reach_the_entropy_rate_of_a_markov_chain_and_trigrams_not_less():
    rng = np.random.default_rng(0)
    step = np.array([[0.8, 0.15, 0.05], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
    codes = [0]
    for u in rng.random(60_000):
        codes.append(int(np.searchsorted(step[codes[-1]].cumsum(), u)))
    train, test = np.array(codes[:40_000]), np.array(codes[40_000:])
    floor = -np.log(step[test[:-1], test[1:]])  # of the true probabilities, on the same text
    for n, better in ((2, False), (3, False), (1, True)):
        p = ngram_probabilities(train, n, 3)
        grams = np.lib.stride_tricks.sliding_window_view(test, n)
        excess = -np.log(p[tuple(grams.T)]).mean() - floor.mean()
        assert excess > 0.1 if better else abs(excess) < 2e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length is 0; expected 1 to"),
        ({"length": 10**9}, "length is 1000000000; expected 1 to"),
        ({"T": 0}, "T is 0; expected 1 to"),
        ({"T": 100, "length": 1000}, "T is 100; expected 1 to 99"),
    ],
)
def test_windows_that_do_not_fit_the_text_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        characters(**arguments)


def test_ngrams_that_make_no_sense_are_refused(task):
    with pytest.raises(ValueError, match=r"n is 0 and strength is 8\.0"):
        ngram_baseline(task, 0)
    with pytest.raises(ValueError, match="a positive strength"):
        ngram_baseline(task, 2, strength=0.0)
    with pytest.raises(ValueError, match="part is 'dev'; expected"):
        ngram_baseline(task, 2, part="dev")


# --- sunspots ---

YEARS = np.asarray(load_sunspots().data["SUNACTIVITY"])
CUTS = (0, 185, 247, 309)


@pytest.mark.parametrize(("T", "warm_up"), [(32, 8), (5, 0), (184, 20)])
def test_each_forecast_is_of_the_next_year_of_the_same_part(T, warm_up):
    task = sunspots(T, warm_up, np.float64)
    train = YEARS[: CUTS[1]]
    assert task.train.size == 185 - T
    for split, start, stop in zip(task[:3], CUTS, CUTS[1:], strict=False):
        steps = len(split.x)
        assert steps == (T if start == 0 else stop - start - 1)
        assert start + split.size + steps == stop  # the last target is the last year of the part
        for b in range(split.size):
            window = YEARS[start + b : start + b + steps + 1]
            scaled = (window - np.mean(train)) / np.std(train)
            np.testing.assert_allclose(split.x[:, b, 0], scaled[:-1], atol=1e-14)
            np.testing.assert_allclose(split.target[:, b, 0], scaled[1:], atol=1e-14)
            np.testing.assert_array_equal(split.mask[:, b], np.arange(steps) >= warm_up)


def test_later_years_have_no_influence_on_what_is_trained_on(monkeypatch):
    before = sunspots()
    changed = YEARS.copy()
    changed[CUTS[1] :] = 1e3
    monkeypatch.setattr(
        tasks, "load_sunspots", lambda: SimpleNamespace(data={"SUNACTIVITY": changed})
    )
    after = sunspots()
    for old, new in zip(before.train, after.train, strict=True):
        np.testing.assert_array_equal(old, new)
    assert (after.test.x != before.test.x).all()


def test_the_sunspot_baseline_is_the_error_of_the_mean_of_the_training_years():
    task = sunspots(dtype=np.float64)
    train = YEARS[: CUTS[1]]
    errors = [(year - train.mean()) ** 2 / train.var() for year in YEARS[CUTS[2] + 9 :]]
    np.testing.assert_allclose(task.baseline, np.mean(errors))
    y = np.zeros_like(task.test.target)
    np.testing.assert_allclose(task.loss(y, task.test).value, task.baseline)
    np.testing.assert_allclose(task.metric(y, task.test), task.baseline)


@pytest.mark.equation("4.19")
def test_persistence_is_the_mean_square_of_the_yearly_change():
    task = sunspots(dtype=np.float64)
    change = np.diff(YEARS[CUTS[2] + 8 :]) / YEARS[: CUTS[1]].std()
    np.testing.assert_allclose(persistence_baseline(task), np.mean(change**2))
    np.testing.assert_allclose(persistence_baseline(task), task.loss(task.test.x, task.test).value)


@pytest.mark.equation("4.20")
@pytest.mark.parametrize("p", [1, 2, 9])
def test_the_linear_forecast_is_that_of_statsmodels(p):
    task = sunspots(dtype=np.float64)
    scaled = (YEARS - YEARS[: CUTS[1]].mean()) / YEARS[: CUTS[1]].std()
    fitted = AutoReg(scaled[: CUTS[1]], lags=p).fit().params
    np.testing.assert_allclose(fit_autoregression(scaled[: CUTS[1]], p), fitted, rtol=1e-9)
    for part, start, stop in (("validation", *CUTS[1:3]), ("test", *CUTS[2:])):
        errors = []
        for t in range(start + 9, stop):
            forecast = fitted[0] + sum(fitted[j] * scaled[t - j] for j in range(1, p + 1))
            errors.append((scaled[t] - forecast) ** 2)
        got = autoregressive_baseline(task, p, part)
        np.testing.assert_allclose(got, np.mean(errors), rtol=1e-9)


@given(st.lists(st.floats(-0.4, 0.4), min_size=3, max_size=3), st.floats(-2, 2))
def test_a_linear_series_is_forecast_without_error(weights, constant):
    series = [1.0, -2.0, 0.5]
    for _ in range(12):
        series.append(constant + sum(w * series[-j] for j, w in enumerate(weights, 1)))
    series = np.array(series)
    w = fit_autoregression(series, 3)
    lags = np.column_stack([np.ones(12), series[2:-1], series[1:-2], series[:-3]])
    np.testing.assert_allclose(lags @ w, series[3:], atol=1e-9)


def test_a_fit_without_a_window_for_the_scores_or_the_series_is_refused():
    with pytest.raises(ValueError, match="p is 10; expected 1 to 9: the first step that counts"):
        autoregressive_baseline(sunspots(), 10)
    with pytest.raises(ValueError, match="p is 2; expected 1 to less than half of the 4 values"):
        fit_autoregression(np.ones(4), 2)
    with pytest.raises(ValueError, match="part is 'all'"):
        persistence_baseline(sunspots(), "all")
    for T, warm_up in ((0, 0), (185, 0), (8, 8), (100, 61), (32, -1)):
        with pytest.raises(ValueError, match=f"T is {T} and warm_up is {warm_up}"):
            sunspots(T, warm_up)


@pytest.mark.parametrize("make", [digits, sunspots, lambda **k: characters(9, 999, **k)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_have_the_dtype_asked_for_and_a_known_loss(make, dtype):
    task = make(dtype=dtype)
    assert task.loss_name in LOSSES
    assert task.name
    assert task.source
    for split in task[:3]:
        assert split.x.dtype == dtype
        assert split.target.dtype in (dtype, np.int64)
        y = np.zeros((*split.x.shape[:2], task.classes), dtype)
        assert np.isfinite(task.loss(y, split).value)
