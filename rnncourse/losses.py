"""Losses over a sequence, each with its gradient at the outputs.

Every function asks for ``reduction="sum"`` or ``reduction="mean"``: the two gradients differ by
the number of terms, and with them the learning rate and the clipping threshold that fit.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.validation import check_array


class SequenceLoss(NamedTuple):
    r"""The value of a loss and its derivative with respect to every output.

    .. math:: L = \sum_{t=1}^{T} L_t \tag{1.5}

    Parameters
    ----------
    value : float
        L, in nats for a cross-entropy.
    dL_dy : numpy.ndarray
        (T, B, K), ∂L/∂y_t; zero at every step that does not count.
    per_step : numpy.ndarray
        (T,), the terms L_t, whose sum is `value`.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> loss = squared_error(np.ones((2, 1, 3)), np.zeros((2, 1, 3)), reduction="sum")
    >>> loss.value, loss.per_step
    (6.0, array([3., 3.]))
    """

    value: float
    dL_dy: np.ndarray
    per_step: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    r"""Turn the outputs of the last axis into probabilities.

    .. math:: p_{j} = \frac{e^{y_j}}{\sum_i e^{y_i}} \tag{1.6}

    Parameters
    ----------
    logits : numpy.ndarray
        (..., K), any finite numbers: the largest is subtracted first, so nothing overflows.

    Returns
    -------
    numpy.ndarray
        (..., K), non-negative, summing to 1 over the last axis.

    Raises
    ------
    TypeError, ValueError
        If `logits` is no float array or is not finite.

    Notes
    -----
    Goodfellow, Bengio & Courville 2016, §4.1 and §6.2.2.3; notebook 01.

    Examples
    --------
    >>> softmax(np.array([1e4, 0.0]))
    array([1., 0.])
    """
    check_array("logits", logits, " ".join(["..."] * (np.ndim(logits) - 1) + ["K"]))
    return np.exp(_log_softmax(logits))  # (1.6)


def squared_error(
    y: np.ndarray, target: np.ndarray, *, reduction: str, mask: np.ndarray | None = None
) -> SequenceLoss:
    r"""Squared error of every output at every step that counts.

    .. math:: L = c \sum_{t,b,k} (y_{t,b,k} - \hat y_{t,b,k})^2, \quad
              \frac{\partial L}{\partial y_{t,b,k}} = 2c\,(y_{t,b,k} - \hat y_{t,b,k}) \tag{1.7}

    where ŷ is the target, c = 1 for the sum and c = 1/(number of terms) for the mean.

    Parameters
    ----------
    y : numpy.ndarray
        (T, B, K), the outputs.
    target : numpy.ndarray
        (T, B, K), of the same shape: nothing is broadcast.
    reduction : {"sum", "mean"}
        Add the terms up, or average over steps that count, sequences and outputs (torch's mean).
    mask : numpy.ndarray, optional
        (T, B) of bool, True where a step counts; every step if not given.

    Returns
    -------
    SequenceLoss
        Value, gradient at the outputs, and the value of each step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, is not finite, or the mask is empty.

    Notes
    -----
    No factor ½ anywhere. Goodfellow, Bengio & Courville 2016, §6.2.2.1; notebook 01.

    Examples
    --------
    >>> squared_error(np.ones((2, 1, 3)), np.zeros((2, 1, 3)), reduction="mean").value
    1.0
    """
    T, B, K = check_array("y", y, "T B K").shape
    check_array("target", target, "T B K", T=T, B=B, K=K, like=y)
    counts = _check_mask(mask, T, B)[:, :, None]
    c = _scale(reduction, counts.sum() * K)
    difference = np.where(counts, y - target, 0)
    return _loss(c * difference**2, 2 * c * difference)  # (1.7)


def cross_entropy(
    y: np.ndarray, target: np.ndarray, *, reduction: str, mask: np.ndarray | None = None
) -> SequenceLoss:
    r"""Cross-entropy at every step that counts: each valid token is counted once.

    .. math:: L = -c \sum_{t,b} m_{t,b} \ln p_{t,b,\hat y_{t,b}}, \quad
              \frac{\partial L}{\partial y_{t,b}} = c\, m_{t,b}\, (p_{t,b} - e_{\hat y_{t,b}})
              \tag{1.8}

    where p is the softmax of y, e_j the j-th unit vector, m the mask (1 where a step counts),
    c = 1 for the sum and c = 1/Σm for the mean.

    Parameters
    ----------
    y : numpy.ndarray
        (T, B, K), logits: any real numbers, no softmax applied.
    target : numpy.ndarray
        (T, B) of int, the right class in 0, …, K-1 (anything where the mask is False).
    reduction : {"sum", "mean"}
        Add up, or average over the valid tokens of all sequences together.
    mask : numpy.ndarray, optional
        (T, B) of bool, True where a token counts; every token if not given.

    Returns
    -------
    SequenceLoss
        Value in nats, gradient at the logits, and the value of each step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, is not finite, a class does not exist,
        or the mask is empty.

    Notes
    -----
    The mean over tokens is not the mean of the sequences' means when lengths differ. Its
    exponential is the perplexity. Stable for huge logits. Notebook 01.

    Examples
    --------
    >>> loss = cross_entropy(np.zeros((7, 2, 50)), np.ones((7, 2), int), reduction="mean")
    >>> print(round(loss.value, 4), np.log(50).round(4))   # no knowledge costs ln K
    3.912 3.912
    """
    T, B, K = check_array("y", y, "T B K").shape
    check_array("target", target, "T B", kind="int", T=T, B=B)
    counts = _check_mask(mask, T, B)
    _check_classes(target, counts, K)
    c = _scale(reduction, counts.sum())
    right = np.where(counts, target, 0)[:, :, None]
    shifted = y - y.max(axis=2, keepdims=True)  # nothing overflows
    e = np.exp(shifted)
    total = e.sum(axis=2, keepdims=True)
    nats = (np.log(total) - np.take_along_axis(shifted, right, axis=2))[:, :, 0]
    dL_dy = e / total  # p
    np.put_along_axis(dL_dy, right, np.take_along_axis(dL_dy, right, axis=2) - 1, axis=2)
    dL_dy *= c * counts[:, :, None].astype(dL_dy.dtype)  # (1.8)
    return _loss(c * np.where(counts, nats, 0)[:, :, None], dL_dy)


def cross_entropy_last(
    y: np.ndarray, target: np.ndarray, *, reduction: str, lengths: np.ndarray | None = None
) -> SequenceLoss:
    r"""Cross-entropy at the last valid step of each sequence: one label for a whole sequence.

    .. math:: L = -c \sum_{b} \ln p_{T_b,\, b,\, \hat y_b} \tag{1.9}

    where T_b is the length of sequence b, c = 1 for the sum and c = 1/B for the mean.

    Parameters
    ----------
    y : numpy.ndarray
        (T, B, K), logits at every step.
    target : numpy.ndarray
        (B,) of int, the class of each sequence, in 0, …, K-1.
    reduction : {"sum", "mean"}
        Add up, or average over the sequences.
    lengths : numpy.ndarray, optional
        (B,) of int, the number of valid steps of each sequence, 1 to T; T if not given.

    Returns
    -------
    SequenceLoss
        Value in nats, gradient at the logits (zero but at the last valid steps), value per step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, is not finite, or a class or a length
        is out of range.

    Notes
    -----
    With padded sequences the last row of `y` is not the last valid step: the state has run on
    over the padding. Notebook 01.

    Examples
    --------
    >>> y = np.zeros((4, 2, 10))
    >>> loss = cross_entropy_last(y, np.array([3, 1]), reduction="mean", lengths=np.array([4, 2]))
    >>> (loss.dL_dy != 0).any(axis=2).T   # sequence 0 ends at its fourth step, 1 at its second
    array([[False, False, False,  True],
           [False,  True, False, False]])
    """
    T, B, K = check_array("y", y, "T B K").shape
    check_array("target", target, "B", kind="int", B=B)
    _check_classes(target, np.ones(B, dtype=bool), K)
    lengths = np.full(B, T) if lengths is None else _check_lengths(lengths, T, B)
    last = np.arange(T)[:, None] == lengths - 1  # (1.9)
    return cross_entropy(y, np.where(last, target, 0), reduction=reduction, mask=last)


def perplexity(mean_nats: float) -> float:
    r"""Turn a mean cross-entropy into a number of equally likely choices.

    .. math:: \mathrm{PPL} = e^{L / M} \tag{4.16}

    where L is the cross-entropy in nats, summed over M tokens.

    Parameters
    ----------
    mean_nats : float
        L/M: the mean over all tokens, in nats.

    Returns
    -------
    float
        Between 1, always sure and right, and beyond K for a network that knows less than nothing.

    Raises
    ------
    ValueError
        If the cross-entropy is negative or not finite.

    Notes
    -----
    The exponential of the mean, not the mean of exponentials, and not that of a sum. Jurafsky &
    Martin, Speech and Language Processing, 3rd ed., §3.3; notebook 04.

    Examples
    --------
    >>> round(perplexity(np.log(50)), 9)
    50.0
    """
    if not 0 <= mean_nats < np.inf:
        raise ValueError(f"mean_nats is {mean_nats}; expected a mean cross-entropy, 0 or more.")
    return float(np.exp(mean_nats))  # (4.16)


def mask_from_lengths(lengths: np.ndarray, T: int) -> np.ndarray:
    r"""Mark the valid steps of padded sequences.

    Parameters
    ----------
    lengths : numpy.ndarray
        (B,) of int, the number of valid steps of each sequence, 1 to T.
    T : int
        The padded length.

    Returns
    -------
    numpy.ndarray
        (T, B) of bool, True at the first ``lengths[b]`` steps of column b.

    Raises
    ------
    TypeError, ValueError
        If `lengths` are no integers or out of range.

    Notes
    -----
    Notebook 01.

    Examples
    --------
    >>> mask_from_lengths(np.array([3, 1]), 3).T.astype(int)
    array([[1, 1, 1],
           [1, 0, 0]])
    """
    _check_lengths(lengths, T, np.size(lengths))
    return np.arange(T)[:, None] < lengths


def _log_softmax(y: np.ndarray) -> np.ndarray:
    """Logarithm of p over the last axis; the largest logit is subtracted first: no overflow."""
    shifted = y - y.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _scale(reduction: str, terms: int) -> float:
    """Return the factor c before the sum."""
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; expected 'sum' or 'mean': say which.")
    return 1.0 if reduction == "sum" else 1.0 / int(terms)


def _loss(terms: np.ndarray, dL_dy: np.ndarray) -> SequenceLoss:
    """Gather (T, B, ·) terms, adding them up in double precision."""
    per_step = terms.sum(axis=(1, 2), dtype=np.result_type(terms, np.float64))
    return SequenceLoss(per_step.sum().item(), dL_dy, per_step)  # (1.5)


def _check_mask(mask: np.ndarray | None, T: int, B: int) -> np.ndarray:
    """Return the mask, all True if there is none; refuse one that leaves nothing to count."""
    if mask is None:
        return np.ones((T, B), dtype=bool)
    check_array("mask", mask, "T B", kind="bool", T=T, B=B)
    if not mask.any():
        raise ValueError("mask is False everywhere; expected at least one step that counts.")
    return mask


def _check_classes(target: np.ndarray, counts: np.ndarray, K: int) -> None:
    """Refuse a class number that no output stands for, where it counts."""
    outside = counts & ((target < 0) | (target >= K))
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"target{list(where)} is {target[where]}; expected a class in 0, …, {K - 1}, as y has "
            f"K = {K} outputs. Padding is marked with a mask or with lengths."
        )


def _check_lengths(lengths: np.ndarray, T: int, B: int) -> np.ndarray:
    """Return the lengths if each is between 1 and T."""
    check_array("lengths", lengths, "B", kind="int", B=B)
    if lengths.min() < 1 or lengths.max() > T:
        b = int(np.argmax((lengths < 1) | (lengths > T)))
        raise ValueError(f"lengths[{b}] is {lengths[b]}; expected a number of steps from 1 to {T}.")
    return lengths
