"""Real data as sequences, from installed packages: nothing is downloaded."""

import ast
import functools
import hashlib
import re
import unicodedata
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy
from sklearn.datasets import load_digits
from statsmodels.datasets.sunspots import load as load_sunspots

from rnncourse.losses import SequenceLoss, cross_entropy, cross_entropy_last, squared_error
from rnncourse.validation import check_array

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz0.,:;'()-"
SCIPY_PARTS = (
    *("cluster", "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize"),
    *("signal", "sparse", "spatial", "special", "stats"),
)
_SCIPY = Path(scipy.__file__).parent

LOSSES = ("cross_entropy_last", "cross_entropy", "squared_error")


class Split(NamedTuple):
    """Part of a data set.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the sequences, time first; B is the number of examples.
    target : numpy.ndarray
        (B,) of int, the class of each sequence; or (T, B) of int, a class at each step; or
        (T, B, K), numbers at each step.
    mask : numpy.ndarray, optional
        (T, B) of bool, True where a step counts; every step if not given.

    Notes
    -----
    Notebook 01; the mask: notebook 04.

    Examples
    --------
    >>> Split(np.zeros((8, 5, 8)), np.zeros(5, int)).size
    5
    """

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of examples B."""
        return self.x.shape[1]

    def take(self, examples: np.ndarray) -> "Split":
        """Return the examples of these numbers: a mini-batch."""
        one_each = self.target.ndim == 1
        target = self.target[examples] if one_each else self.target[:, examples]
        mask = None if self.mask is None else self.mask[:, examples]
        return Split(self.x[:, examples], target, mask)


class SequenceTask(NamedTuple):
    """A data set in three parts that share no example, with the loss that fits it.

    Parameters
    ----------
    train : Split
        What the gradient sees.
    validation : Split
        What choices are made by.
    test : Split
        What is looked at once, at the end.
    classes : int
        Number K of outputs: of classes, or of numbers to forecast.
    loss_name : {"cross_entropy_last", "cross_entropy", "squared_error"}
        The loss of `rnncourse.losses`: one class for each sequence, one at each step, numbers.
    baseline : float, optional
        Mean loss of the best guess that does not look at the input, in nats or squared units.
    name : str
        For messages and figures.
    source : str
        Where the data come from.

    Notes
    -----
    A training that stays at `baseline` has learned nothing from its input. Notebooks 01 and 04.

    Examples
    --------
    >>> task = digits()
    >>> task.loss_name, round(task.baseline, 3), task.test.size
    ('cross_entropy_last', 2.303, 360)
    >>> no_idea = np.zeros((8, 360, 10), np.float32)
    >>> print(round(task.loss(no_idea, task.test).value, 3))
    2.303
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    loss_name: str = "cross_entropy_last"
    baseline: float | None = None
    name: str = ""
    source: str = ""

    def loss(self, y: np.ndarray, split: Split) -> SequenceLoss:
        """Return the mean loss of the outputs y of shape (T, B, K), with its gradient at y."""
        if self.loss_name == "squared_error":
            return squared_error(y, split.target, reduction="mean", mask=split.mask)
        if self.loss_name == "cross_entropy":
            return cross_entropy(y, split.target, reduction="mean", mask=split.mask)
        self._check_loss_name()
        lengths = None if split.mask is None else _last_step(split.mask) + 1
        return cross_entropy_last(y, split.target, reduction="mean", lengths=lengths)

    def metric(self, y: np.ndarray, split: Split) -> float:
        """Return the share of right answers, or the mean squared error for numbers."""
        if self.loss_name == "squared_error":
            return self.loss(y, split).value
        self._check_loss_name()
        T, B, _ = check_array("y", y, "T B K", T=len(split.x), B=split.size).shape
        answer = y.argmax(axis=2)
        if self.loss_name == "cross_entropy_last":
            last = np.full(B, T - 1) if split.mask is None else _last_step(split.mask)
            check_array("target", split.target, "B", kind="int", B=B)
            return float((answer[last, np.arange(B)] == split.target).mean())
        check_array("target", split.target, "T B", kind="int", T=T, B=B)
        right = answer == split.target
        return float(right.mean() if split.mask is None else right[split.mask].mean())

    def _check_loss_name(self) -> None:
        """Refuse a loss that does not exist."""
        if self.loss_name not in LOSSES:
            raise ValueError(f"loss_name is {self.loss_name!r}; expected one of {LOSSES}.")


def _last_step(mask: np.ndarray) -> np.ndarray:
    """Row of the last step that counts, of each sequence."""
    check_array("mask", mask, "T B", kind="bool")
    if not mask.any(axis=0).all():
        b = int(np.argmin(mask.any(axis=0)))
        raise ValueError(f"mask[:, {b}] is False everywhere; expected a step that counts.")
    return len(mask) - 1 - mask[::-1].argmax(axis=0)


def digits(read_by: str = "row", dtype: type = np.float32) -> SequenceTask:
    """Handwritten digits as sequences: an image is read row by row, or pixel by pixel.

    Parameters
    ----------
    read_by : {"row", "pixel"}
        8 steps of 8 grey values, or 64 steps of one.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    SequenceTask
        1,078 training, 359 validation and 360 test images of 10 classes, grey values in [0, 1].

    Raises
    ------
    ValueError
        If `read_by` is neither ``"row"`` nor ``"pixel"``.

    Notes
    -----
    The 1,797 images of 8×8 pixels of scikit-learn, a copy of the test part of "Optical Recognition
    of Handwritten Digits" (Alpaydin & Kaynak 1998, UCI repository). They come in the order in
    which they were collected and are cut in that order, 60 : 20 : 20, not shuffled: neighbours,
    often by one hand, then fall into one part, and the test is harder and more honest. Notebook 01.

    Examples
    --------
    >>> digits("row").test.x.shape, digits("pixel").test.x.shape
    ((8, 360, 8), (64, 360, 1))
    """
    if read_by not in ("row", "pixel"):
        raise ValueError(f"read_by is {read_by!r}; expected 'row' or 'pixel'.")
    images, target = load_digits(return_X_y=True)
    width = 8 if read_by == "row" else 1
    x = (images / 16).astype(dtype).reshape(len(images), -1, width).swapaxes(0, 1)
    first, second = int(0.6 * len(target)), int(0.8 * len(target))
    parts = (slice(0, first), slice(first, second), slice(second, None))
    splits = (Split(np.ascontiguousarray(x[:, part]), target[part]) for part in parts)
    return SequenceTask(
        *splits,
        classes=10,
        baseline=float(np.log(10)),
        name=f"digits, {read_by} by {read_by}",
        source="scikit-learn, load_digits: 1,797 images of 8×8 pixels (UCI repository)",
    )


@functools.cache
def english_text() -> str:
    """Return the English paragraphs of SciPy's documentation, in the alphabet of the course.

    Returns
    -------
    str
        Characters of `ALPHABET`, a line for each paragraph, in the order of the files.

    Notes
    -----
    The docstrings of `SCIPY_PARTS` are read from the installed files, so that the text depends
    on SciPy's version, but not on Python's, nor on the system. A paragraph is taken if it has at
    least 120 characters, starts with a capital letter, ends in a full stop, and 93 % of it are
    letters and blanks; the same one is not taken twice. Then: accents go, capitals become small,
    digits become 0, and what is not in `ALPHABET` is left out. Notebook 04.

    Examples
    --------
    >>> english_text()[:49]
    'clustering algorithms are useful in information t'
    """
    found = dict.fromkeys(
        paragraph for part in SCIPY_PARTS for paragraph in _paragraphs(_SCIPY / part)
    )
    text = unicodedata.normalize("NFKD", "\n".join(found)).lower()
    text = re.sub(f"[^{re.escape(ALPHABET)}]", "", re.sub(r"\d", "0", text))
    return re.sub(" +", " ", text)


def encode(text: str) -> np.ndarray:
    """Turn characters into their numbers in `ALPHABET`.

    Parameters
    ----------
    text : str
        Characters of `ALPHABET`.

    Returns
    -------
    numpy.ndarray
        (len(text),) of int.

    Raises
    ------
    ValueError
        If a character is not in `ALPHABET`.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> encode("a cab")
    array([2, 1, 4, 2, 3])
    """
    unknown = sorted(set(text) - set(ALPHABET))
    if unknown:
        raise ValueError(f"text has the characters {unknown}; expected only those of {ALPHABET!r}.")
    place = {c: i for i, c in enumerate(ALPHABET)}
    return np.array([place[c] for c in text], dtype=int)


def decode(codes: np.ndarray) -> str:
    """Turn numbers in `ALPHABET` into characters.

    Parameters
    ----------
    codes : numpy.ndarray
        (length,) of int.

    Returns
    -------
    str
        The text.

    Raises
    ------
    TypeError, ValueError
        If `codes` are no integers, or no place in `ALPHABET`.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> decode(np.array([2, 1, 4, 2, 3]))
    'a cab'
    """
    _check_codes("codes", codes, len(ALPHABET))
    return "".join(ALPHABET[c] for c in codes)


def one_hot(codes: np.ndarray, K: int, dtype: type = np.float32) -> np.ndarray:
    """Turn numbers into unit vectors: the input of a network that reads symbols.

    Parameters
    ----------
    codes : numpy.ndarray
        (...) of int, in 0, …, K-1.
    K : int
        Number of symbols.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    numpy.ndarray
        (..., K), a single 1 in each row.

    Raises
    ------
    TypeError, ValueError
        If `codes` are no integers, or outside the range.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    _check_codes("codes", codes, K)
    return np.eye(K, dtype=dtype)[codes]


def characters(T: int = 64, length: int | None = None, dtype: type = np.float32) -> SequenceTask:
    """Character language modelling: forecast the next character of English text at every step.

    Parameters
    ----------
    T : int
        Steps of a window.
    length : int, optional
        Number of characters of `english_text` that are used, from its start; all if not given.
    dtype : type
        ``np.float32`` or ``np.float64``, of the inputs.

    Returns
    -------
    SequenceTask
        Inputs are unit vectors, targets (T, B) the next characters, and no step is masked.

    Raises
    ------
    ValueError
        If `T` is not positive, the text is shorter than `length`, or a part holds no window.

    Notes
    -----
    The text is cut in its order, 80 : 10 : 10, and each part into consecutive windows; none goes
    across a cut, and the last characters of a part that fill no window are left out. The
    baseline is `ngram_baseline` with n = 1: the frequencies of the characters in the training
    part, scored on the test part. `source` has SciPy's version, and the number of characters and
    the SHA-256 of the text used: two results are comparable if these are equal. Notebook 04.

    Examples
    --------
    >>> task = characters(T=20, length=10_000)
    >>> task.train.x.shape, task.test.target.shape
    ((20, 399, 37), (20, 49))
    >>> decode(task.train.x[:, 0].argmax(axis=1)), decode(task.train.target[:, 0])
    ('clustering algorithm', 'lustering algorithms')
    """
    text = english_text()
    length = len(text) if length is None else length
    if not 0 < length <= len(text):
        raise ValueError(f"length is {length}; expected 1 to {len(text)}, the length of the text.")
    text = text[:length]
    first, second = int(0.8 * length), int(0.9 * length)
    codes = np.split(encode(text), [first, second])
    if not 1 <= T < min(map(len, codes)):
        raise ValueError(
            f"T is {T}; expected 1 to {min(map(len, codes)) - 1}, as the shortest part of the "
            f"text has {min(map(len, codes))} characters."
        )
    digest = hashlib.sha256(text.encode()).hexdigest()
    task = SequenceTask(
        *(_next_character(part, T, dtype) for part in codes),
        classes=len(ALPHABET),
        loss_name="cross_entropy",
        name=f"characters, {T} steps",
        source=f"documentation of SciPy {version('scipy')}, English paragraphs: "
        f"{length:,} characters, SHA-256 {digest}",
    )
    return task._replace(baseline=ngram_baseline(task, 1))


def ngram_probabilities(codes: np.ndarray, n: int, K: int, strength: float = 8.0) -> np.ndarray:
    r"""Estimate the probability of a character after the n-1 before it.

    .. math:: P_n(c \mid h) = \frac{N(hc) + s\, P_{n-1}(c \mid h')}{N(h) + s}, \quad
              P_0(c) = \frac1K \tag{4.17}

    where h are the n-1 characters before c, h' is h without its oldest one, N(hc) the number of
    times that hc stands in the text, and N(h) = Σ_c N(hc).

    Parameters
    ----------
    codes : numpy.ndarray
        (length,) of int, the text, in 0, …, K-1.
    n : int
        1 for frequencies, 2 for bigrams, 3 for trigrams; K**n numbers are stored.
    K : int
        Number of characters.
    strength : float
        s > 0: how many observations the shorter context counts for.

    Returns
    -------
    numpy.ndarray
        (K,) * n, positive, summing to 1 over the last axis; the oldest character comes first.

    Raises
    ------
    TypeError, ValueError
        If `codes` are no integers or outside the range, shorter than n, or n or s is not positive.

    Notes
    -----
    MacKay & Peto 1995, "A hierarchical Dirichlet language model", with one strength for all
    contexts. Notebook 04.

    Examples
    --------
    >>> ngram_probabilities(np.array([0, 1, 0, 1, 0]), 2, 2, strength=1.0)   # after 0 comes 1
    array([[0.19444444, 0.80555556],
           [0.86111111, 0.13888889]])
    """
    _check_codes("codes", codes, K)
    if not 1 <= n <= codes.size or not strength > 0:
        raise ValueError(
            f"n is {n} and strength is {strength}; expected n from 1 to the number of characters, "
            f"{codes.size}, and a positive strength."
        )
    p = np.full(K, 1 / K)
    for m in range(1, n + 1):
        grams = np.lib.stride_tricks.sliding_window_view(codes, m)
        flat = np.ravel_multi_index(tuple(grams.T), (K,) * m)
        count = np.bincount(flat, minlength=K**m).reshape((K,) * m)
        p = (count + strength * p) / (count.sum(axis=-1, keepdims=True) + strength)  # (4.17)
    return p


def ngram_baseline(
    task: SequenceTask, n: int, *, part: str = "test", strength: float = 8.0
) -> float:
    r"""Score on held-out text what the n-1 characters before say about the next.

    .. math:: H_n = -\frac{1}{M} \sum_{i=1}^{M} \ln P_n(c_i \mid c_{i-n+1} \cdots c_{i-1})
              \tag{4.18}

    Parameters
    ----------
    task : SequenceTask
        From `characters`; P_n is `ngram_probabilities` of its training text.
    n : int
        1 for frequencies, 2 for bigrams, 3 for trigrams.
    part : {"train", "validation", "test"}
        The text that is scored: all its targets with n-1 characters before them.
    strength : float
        Of the shorter contexts.

    Returns
    -------
    float
        Nats per character.

    Raises
    ------
    ValueError
        If `part` is none of the three, or n is not positive.

    Notes
    -----
    The context runs across the windows, while a network starts each window with no memory: the
    comparison is a little in favour of the n-grams. Strength 8 is near the best on the validation
    part for n = 3 and 4. Notebook 04.

    Examples
    --------
    >>> task = characters(T=20, length=10_000)
    >>> bool(ngram_baseline(task, 2) < ngram_baseline(task, 1) == task.baseline < np.log(37))
    True
    """
    scored = _part(task, part)
    p = ngram_probabilities(_stream(task.train), n, task.classes, strength)
    codes = _stream(scored)
    grams = np.lib.stride_tricks.sliding_window_view(codes[n == 1 :], n)
    return float(-np.log(p[tuple(grams.T)]).mean())  # (4.18)


def sunspots(T: int = 32, warm_up: int = 8, dtype: type = np.float32) -> SequenceTask:
    """Forecasting: the number of sunspots of the next year, at every step.

    Parameters
    ----------
    T : int
        Steps of a training window, in years.
    warm_up : int
        The first steps of a window whose forecast does not count, as little has been seen.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    SequenceTask
        The years 1700 to 1884 for training, as overlapping windows; 1885 to 1946 for validation
        and 1947 to 2008 for the test, each as one sequence.

    Raises
    ------
    ValueError
        If a training window does not fit, or `warm_up` leaves nothing to score.

    Notes
    -----
    The 309 yearly numbers 1700–2008 of statsmodels, cut in their order, 60 : 20 : 20: no input and
    no target of a part comes from another. All are standardised with mean and standard deviation
    of the training years. The baseline is the guess of their mean, 0, on the test part.
    Compare with `persistence_baseline` and `autoregressive_baseline`: they score the same steps.
    Notebook 04.

    Examples
    --------
    >>> task = sunspots()
    >>> task.train.x.shape, task.test.x.shape, int(task.test.mask.sum())
    ((32, 153, 1), (61, 1, 1), 53)
    >>> print(round(task.baseline, 2), round(persistence_baseline(task), 2))
    2.93 0.9
    """
    numbers = load_sunspots().data["SUNACTIVITY"]
    series = np.asarray(numbers, dtype=np.float64)
    parts = np.split(series, [int(0.6 * len(series)), int(0.8 * len(series))])
    parts = [(part - parts[0].mean()) / parts[0].std() for part in parts]
    longest = len(parts[0]) - 1
    if not (1 <= T <= longest and 0 <= warm_up < min(T, len(parts[1]) - 1)):
        raise ValueError(
            f"T is {T} and warm_up is {warm_up}; expected T from 1 to {longest} and warm_up from 0 "
            f"to less than T and than {len(parts[1]) - 1}, so that a step is left to score."
        )
    splits = [_next_value(parts[0], T, warm_up, dtype)]
    splits += [_next_value(part, len(part) - 1, warm_up, dtype) for part in parts[1:]]
    test = splits[2]
    return SequenceTask(
        *splits,
        classes=1,
        loss_name="squared_error",
        baseline=float((test.target[test.mask].astype(np.float64) ** 2).mean()),
        name="sunspots, next year",
        source="statsmodels, sunspots: yearly numbers 1700–2008 (NOAA)",
    )


def persistence_baseline(task: SequenceTask, part: str = "test") -> float:
    r"""Score the forecast that next year will be as this year.

    .. math:: \frac{1}{M} \sum_{t} (x_{t+1} - x_t)^2 \tag{4.19}

    Parameters
    ----------
    task : SequenceTask
        A forecast of the next input, as `sunspots`.
    part : {"train", "validation", "test"}
        The part that is scored, where its mask counts.

    Returns
    -------
    float
        Mean squared error, in the units of the task.

    Raises
    ------
    ValueError
        If `part` is none of the three.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> task = sunspots()
    >>> bool(persistence_baseline(task) < task.baseline)
    True
    """
    split = _part(task, part)
    error = split.target.astype(np.float64) - split.x
    return float((error[_counts(split)] ** 2).mean())  # (4.19)


def fit_autoregression(series: np.ndarray, p: int) -> np.ndarray:
    r"""Fit the linear forecast from the last p values by least squares.

    .. math:: \hat x_{t+1} = w_0 + \sum_{j=1}^{p} w_j\, x_{t+1-j} \tag{4.20}

    Parameters
    ----------
    series : numpy.ndarray
        (length,), in the order of time; longer than 2p.
    p : int
        Number of values that the forecast uses, at least 1.

    Returns
    -------
    numpy.ndarray
        (1 + p,), the constant w_0, then the weight of the newest value, then of older ones.

    Raises
    ------
    TypeError, ValueError
        If `series` is not finite or too short for p.

    Notes
    -----
    Conditional least squares: the first p values are not forecast. It is what
    ``statsmodels.tsa.ar_model.AutoReg`` fits. Notebook 04.

    Examples
    --------
    >>> fit_autoregression(np.array([1.0, 2, 4, 8, 16]), 1).round(12) + 0.0   # each is 2 * the last
    array([0., 2.])
    """
    check_array("series", series, "length")
    if not 1 <= p < series.size / 2:
        raise ValueError(f"p is {p}; expected 1 to less than half of the {series.size} values.")
    lags = np.lib.stride_tricks.sliding_window_view(series[:-1], p)[:, ::-1]
    return np.linalg.lstsq(np.column_stack([np.ones(len(lags)), lags]), series[p:])[0]


def autoregressive_baseline(task: SequenceTask, p: int, part: str = "test") -> float:
    """Score the linear forecast from the last p values, fitted on the training part.

    Parameters
    ----------
    task : SequenceTask
        From `sunspots`.
    p : int
        Number of values that the forecast uses: at most 1 + warm_up, so that it is defined at
        every step that counts.
    part : {"train", "validation", "test"}
        The part that is scored, where its mask counts.

    Returns
    -------
    float
        Mean squared error, in the units of the task.

    Raises
    ------
    ValueError
        If `part` is none of the three, or p does not fit.

    Notes
    -----
    Of the training part, overlapping windows are put together to one series for the fit; the
    score counts a year as often as windows hold it. Choose p by the validation part.
    Notebook 04.

    Examples
    --------
    >>> task = sunspots()
    >>> bool(autoregressive_baseline(task, 9) < persistence_baseline(task))
    True
    """
    split, train = _part(task, part), task.train
    counts = _counts(split)
    if not 1 <= p <= 1 + (first := int(counts.any(axis=1).argmax())):
        raise ValueError(
            f"p is {p}; expected 1 to {1 + first}: the first step that counts has only "
            f"{1 + first} values. A larger warm_up allows a larger p."
        )
    series = np.concatenate([train.x[:, 0, 0], train.target[-1, :, 0]]).astype(np.float64)
    w = fit_autoregression(series, p)
    lags = np.lib.stride_tricks.sliding_window_view(split.x[:, :, 0].astype(np.float64), p, axis=0)
    forecast = w[0] + lags[..., ::-1] @ w[1:]  # (4.20)
    error = (split.target[p - 1 :, :, 0] - forecast)[counts[p - 1 :]]
    return float((error**2).mean())


def _part(task: SequenceTask, part: str) -> Split:
    """Return the part of this name."""
    if part not in task._fields[:3]:
        raise ValueError(f"part is {part!r}; expected 'train', 'validation' or 'test'.")
    return getattr(task, part)


def _counts(split: Split) -> np.ndarray:
    """Where a step counts, (T, B)."""
    return np.ones(split.x.shape[:2], dtype=bool) if split.mask is None else split.mask


def _check_codes(name: str, codes: np.ndarray, K: int) -> None:
    """Refuse what is no array of numbers of symbols."""
    check_array(name, codes, " ".join(f"axis_{i}" for i in range(np.ndim(codes))), kind="int")
    if codes.min() < 0 or codes.max() >= K:
        raise ValueError(
            f"{name} has values from {codes.min()} to {codes.max()}; expected 0 to {K - 1}."
        )


def _next_character(codes: np.ndarray, T: int, dtype: type) -> Split:
    """Consecutive windows of T characters, each with the character after every one of them."""
    B = (len(codes) - 1) // T
    x = codes[: B * T].reshape(B, T).T
    target = codes[1 : B * T + 1].reshape(B, T).T
    return Split(one_hot(x, len(ALPHABET), dtype), np.ascontiguousarray(target))


def _stream(split: Split) -> np.ndarray:
    """The text of consecutive windows, put together again."""
    return np.concatenate([[split.x[0, 0].argmax()], split.target.T.ravel()])


def _next_value(series: np.ndarray, T: int, warm_up: int, dtype: type) -> Split:
    """All windows of T values, each with the value after every one of them."""
    windows = np.lib.stride_tricks.sliding_window_view(series.astype(dtype), T + 1).T
    mask = np.broadcast_to((np.arange(T) >= warm_up)[:, None], windows[1:].shape).copy()
    x, target = (np.ascontiguousarray(w)[:, :, None] for w in (windows[:-1], windows[1:]))
    return Split(x, target, mask)


def _paragraphs(folder: Path) -> Iterator[str]:
    """The English paragraphs in the docstrings of a folder of Python files."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    paths = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.py")}
    for path in (paths[name] for name in sorted(paths) if "tests/" not in name):
        with warnings.catch_warnings():  # an invalid escape in a docstring is not our matter
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = (ast.get_docstring(n) for n in ast.walk(tree) if isinstance(n, kinds))
        for paragraph in re.split(r"\n\s*\n", "\n\n".join(doc for doc in docs if doc)):
            text = " ".join(paragraph.split())
            plain = sum(c.isalpha() or c == " " for c in text) >= 0.93 * len(text)
            sentence = re.fullmatch(r"[A-Z].{118,}\.", text)
            if sentence and plain and not re.search(r" : |>>>|::|---", text):
                yield text
