"""Real data as sequences, from installed packages: nothing is downloaded."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits


class Split(NamedTuple):
    """Part of a data set.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, D), the sequences, time first; B is the number of examples.
    target : numpy.ndarray
        (B,) of int, the class of each sequence.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> Split(np.zeros((8, 5, 8)), np.zeros(5, int)).size
    5
    """

    x: np.ndarray
    target: np.ndarray

    @property
    def size(self) -> int:
        """Number of examples B."""
        return len(self.target)

    def take(self, examples: np.ndarray) -> "Split":
        """Return the examples of these numbers: a mini-batch."""
        return Split(self.x[:, examples], self.target[examples])


class SequenceTask(NamedTuple):
    """A data set in three parts that share no example.

    Parameters
    ----------
    train : Split
        What the gradient sees.
    validation : Split
        What choices are made by.
    test : Split
        What is looked at once, at the end.
    classes : int
        Number of classes K.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> SequenceTask._fields
    ('train', 'validation', 'test', 'classes')
    """

    train: Split
    validation: Split
    test: Split
    classes: int


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
    return SequenceTask(*splits, classes=10)
