"""Made-up tasks that need a memory of many steps, each with the loss of a guess without one.

The parts of a task are drawn from the same distribution by one generator, and no example comes
twice.
"""

from collections.abc import Callable

import numpy as np

from rnncourse.tasks import SequenceTask, Split, one_hot

SIZES = (5000, 1000, 1000)  # examples for training, validation and test
Sizes = tuple[int, int, int]


def adding(
    T: int, sizes: Sizes = SIZES, *, rng: np.random.Generator, dtype: type = np.float32
) -> SequenceTask:
    r"""Adding problem: at the end, give the sum of the two numbers that were marked.

    .. math:: \hat y_T = a + b, \quad
              \min_c \mathbb{E}\,(a + b - c)^2 = \operatorname{Var}(a + b) = \tfrac16 \tag{4.21}

    Parameters
    ----------
    T : int
        Steps, at least 2.
    sizes : tuple of int
        Numbers of examples for training, validation and test.
    rng : numpy.random.Generator
        Draws the examples.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    SequenceTask
        Inputs (T, B, 2): numbers from U[0, 1], and marks, 1 at one step of the first half and at
        one step of the second half, else 0. Squared error at the last step only, by the mask.

    Raises
    ------
    ValueError
        If `T` is too small, or a size is not positive.

    Notes
    -----
    The best guess without a memory is 1. The variant is that of Arjovsky, Shah & Bengio 2016,
    §5.2. Others score 1/24 with the same guess: the target (a+b)/2 (Pascanu, Mikolov & Bengio
    2013), and 0.5 + (a+b)/4 with a, b from U[-1, 1] (Hochreiter & Schmidhuber 1997, §5.4): their
    errors are not to be compared with these. Notebook 04.

    Examples
    --------
    >>> task = adding(50, sizes=(100, 20, 20), rng=np.random.default_rng(0))
    >>> task.train.x.shape, task.train.target.shape, task.baseline == 1 / 6
    ((50, 100, 2), (50, 100, 1), True)
    """
    _at_least("T", T, 2)

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        examples = np.arange(size)
        marks = np.zeros((T, size))
        marks[rng.integers(0, T // 2, size), examples] = 1
        marks[rng.integers(T // 2, T, size), examples] = 1
        x = np.stack([rng.random((T, size)), marks], axis=2).astype(dtype)
        target = np.zeros((T, size, 1), dtype)
        target[-1, :, 0] = (x[:, :, 0] * x[:, :, 1]).sum(axis=0)  # (4.21)
        return x, target

    splits = _draw_apart(draw, sizes)
    last = [np.tile((np.arange(T) == T - 1)[:, None], split.size) for split in splits]
    return SequenceTask(
        *(split._replace(mask=mask) for split, mask in zip(splits, last, strict=True)),
        classes=1,
        loss_name="squared_error",
        baseline=1 / 6,
        name=f"adding, {T} steps",
        source="made up; Arjovsky, Shah & Bengio 2016",
    )


def copying(
    T: int,
    sizes: Sizes = SIZES,
    *,
    rng: np.random.Generator,
    symbols: int = 8,
    length: int = 10,
    dtype: type = np.float32,
) -> SequenceTask:
    r"""Copying problem: repeat the symbols that came T steps before the call for them.

    .. math:: \text{baseline} = \frac{\ell \ln S}{T + 2\ell} \tag{4.22}

    with S symbols and a message of length ℓ: blanks cost nothing, and each symbol ln S.

    Parameters
    ----------
    T : int
        Steps from the end of the message to the first output of it, at least 1; the sequences
        have T + 2ℓ steps.
    sizes : tuple of int
        Numbers of examples for training, validation and test.
    rng : numpy.random.Generator
        Draws the examples.
    symbols : int
        S, the number of symbols in messages, at least 2.
    length : int
        ℓ, the length of a message, at least 1.
    dtype : type
        ``np.float32`` or ``np.float64``, of the inputs.

    Returns
    -------
    SequenceTask
        Inputs (T + 2ℓ, B, S + 2), unit vectors: the message, T - 1 blanks (number S), the call
        (number S + 1), ℓ blanks. Targets (T + 2ℓ, B): T + ℓ blanks, then the message. Every step
        counts.

    Raises
    ------
    ValueError
        If an argument is too small, or there are too few messages for the sizes.

    Notes
    -----
    Arjovsky, Shah & Bengio 2016, §5.1: S = 8, ℓ = 10, and 10 ln 8 / (T + 20). As blanks are always
    right, the share of right answers is high with no memory: (T + ℓ + ℓ/S) / (T + 2ℓ).
    Notebook 04.

    Examples
    --------
    >>> task = copying(3, (9, 1, 1), rng=np.random.default_rng(2), length=2)
    >>> task.train.x[:, 0].argmax(axis=1)   # 8: blank, 9: the call
    array([6, 5, 8, 8, 9, 8, 8])
    >>> task.train.target[:, 0]
    array([8, 8, 8, 8, 8, 6, 5])
    """
    _at_least("T", T, 1)
    _at_least("symbols", symbols, 2)
    _at_least("length", length, 1)

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        message = rng.integers(0, symbols, (length, size))
        x = np.full((T + 2 * length, size), symbols)
        x[:length] = message
        x[length + T - 1] = symbols + 1
        target = np.full((T + 2 * length, size), symbols)
        target[-length:] = message
        return one_hot(x, symbols + 2, dtype), target

    return SequenceTask(
        *_draw_apart(draw, sizes),
        classes=symbols + 1,
        loss_name="cross_entropy",
        baseline=float(length * np.log(symbols) / (T + 2 * length)),  # (4.22)
        name=f"copying over {T} steps",
        source="made up; Arjovsky, Shah & Bengio 2016",
    )


def temporal_order(
    T: int, sizes: Sizes = SIZES, *, rng: np.random.Generator, dtype: type = np.float32
) -> SequenceTask:
    """Temporal order problem: say which two symbols came, A or B, and in which order.

    Parameters
    ----------
    T : int
        Steps, at least 10.
    sizes : tuple of int
        Numbers of examples for training, validation and test.
    rng : numpy.random.Generator
        Draws the examples.
    dtype : type
        ``np.float32`` or ``np.float64``, of the inputs.

    Returns
    -------
    SequenceTask
        Inputs (T, B, 6), unit vectors: A (number 0) or B (1) at one step of the second tenth of
        the sequence and at one of the sixth tenth, one of four distractors (2 to 5) elsewhere.
        Classes (B,): AA, AB, BA, BB, in this order.

    Raises
    ------
    ValueError
        If `T` is too small, a size is not positive, or there are too few sequences for the sizes.

    Notes
    -----
    The best guess without a memory costs ln 4 and errs in 0.75 of the cases. Hochreiter &
    Schmidhuber 1997, §5.6, task 6a (steps 10–20 and 50–60 of about 100, here in proportion to T,
    and without their symbols for start and end); Pascanu, Mikolov & Bengio 2013, §4.1.1 and code.
    Notebook 04.

    Examples
    --------
    >>> task = temporal_order(20, (50, 10, 10), rng=np.random.default_rng(0))
    >>> symbols = "".join("ABcdef"[i] for i in task.train.x[:, 0].argmax(axis=1))
    >>> symbols, int(task.train.target[0])
    ('fdeBcddddfBccedcffcd', 3)
    """
    _at_least("T", T, 10)
    first, second = (T // 10, T // 5), (T // 2, T // 2 + T // 10)

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        examples = np.arange(size)
        x = rng.integers(2, 6, (T, size))
        order = rng.integers(0, 2, (2, size))
        x[rng.integers(*first, size), examples] = order[0]
        x[rng.integers(*second, size), examples] = order[1]
        return one_hot(x, 6, dtype), 2 * order[0] + order[1]

    return SequenceTask(
        *_draw_apart(draw, sizes),
        classes=4,
        baseline=float(np.log(4)),
        name=f"temporal order, {T} steps",
        source="made up; Pascanu, Mikolov & Bengio 2013",
    )


def latch(
    T: int,
    sizes: Sizes = SIZES,
    *,
    rng: np.random.Generator,
    noise: float = 0.5,
    dtype: type = np.float32,
) -> SequenceTask:
    """Latch problem: hold one bit that came first, through noise.

    Parameters
    ----------
    T : int
        Steps, at least 2.
    sizes : tuple of int
        Numbers of examples for training, validation and test.
    rng : numpy.random.Generator
        Draws the examples.
    noise : float
        Standard deviation of the normal noise that follows the bit, positive.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    SequenceTask
        Inputs (T, B, 1): first -1 or 1, then noise. Classes (B,): 0 or 1 for the two bits.

    Raises
    ------
    ValueError
        If `T` is too small, a size or `noise` is not positive.

    Notes
    -----
    The best guess without a memory costs ln 2. After Bengio, Simard & Frasconi 1994, §II, whose
    bit is a learned sequence of a few steps. Notebook 04.

    Examples
    --------
    >>> task = latch(30, (50, 10, 10), rng=np.random.default_rng(0))
    >>> bool((task.test.target == (task.test.x[0, :, 0] > 0)).all()), round(task.baseline, 4)
    (True, 0.6931)
    """
    _at_least("T", T, 2)
    if not 0 < noise < np.inf:
        raise ValueError(f"noise is {noise}; expected a positive standard deviation.")

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        bit = rng.integers(0, 2, size)
        x = rng.normal(0, noise, (T, size, 1))
        x[0, :, 0] = 2 * bit - 1
        return x.astype(dtype), bit

    return SequenceTask(
        *_draw_apart(draw, sizes),
        classes=2,
        baseline=float(np.log(2)),
        name=f"latch, {T} steps",
        source="made up; after Bengio, Simard & Frasconi 1994",
    )


def _at_least(name: str, value: int, least: int) -> None:
    """Refuse a number that is too small or not whole."""
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} upwards.")


def _draw_apart(
    draw: Callable[[int], tuple[np.ndarray, np.ndarray]], sizes: Sizes
) -> tuple[Split, Split, Split]:
    """Draw three parts; an example whose input was there already is drawn again."""
    if len(sizes) != 3:
        raise ValueError(f"sizes is {sizes}; expected three: training, validation and test.")
    for size in sizes:
        _at_least("a size", size, 1)
    x, target = draw(sum(sizes))
    for _ in range(100):
        columns = [x[:, n].tobytes() for n in range(x.shape[1])]
        first = {column: n for n, column in reversed(list(enumerate(columns)))}
        again = [n for n, column in enumerate(columns) if first[column] != n]
        if not again:
            cuts = np.cumsum(sizes)[:2]
            axis = min(target.ndim - 1, 1)
            parts = zip(np.split(x, cuts, axis=1), np.split(target, cuts, axis=axis), strict=True)
            train, validation, test = (Split(*map(np.ascontiguousarray, part)) for part in parts)
            return train, validation, test
        x[:, again], new = draw(len(again))
        target[again if target.ndim == 1 else (slice(None), again)] = new
    raise ValueError(
        f"sizes is {tuple(sizes)}, and {len(again)} examples still came twice after 100 draws; "
        f"expected fewer examples, or longer sequences, so that all can differ."
    )
