"""Layer norm and batch norm, forward and backward by hand.

Both subtract a mean and divide by a standard deviation. Layer norm takes them over the N units of
one sequence, batch norm over the B sequences at one unit: only the axis differs.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.validation import check_array

EPS = 1e-5  # ε, as in torch
FEATURES, BATCH = -1, -2  # the axes of (B, N) and of (T, B, N)


class Standardised(NamedTuple):
    """Values with mean 0 and standard deviation 1 along an axis, and what made them so.

    Parameters
    ----------
    a_hat : numpy.ndarray
        The shape of what came in.
    mean, variance, s : numpy.ndarray
        m, the mean squared distance from it, and s = √(variance + ε); of length 1 along the axis.
    own : bool
        Whether mean and variance depend on the values; False for running statistics.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> standardise(np.array([[1.0, 3.0]]), FEATURES, eps=0.0).a_hat
    array([[-1.,  1.]])
    """

    a_hat: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    s: np.ndarray
    own: bool


def standardise(
    a: np.ndarray, axis: int, eps: float = EPS, statistics: tuple[np.ndarray, ...] | None = None
) -> Standardised:
    r"""Subtract the mean along an axis and divide by the standard deviation.

    .. math:: m = \langle a \rangle, \quad s = \sqrt{\langle (a - m)^2 \rangle + \varepsilon}, \quad
              \hat a = \frac{a - m}{s} \tag{5.39}

    Parameters
    ----------
    a : numpy.ndarray
        Any shape.
    axis : int
        The axis of the mean ⟨·⟩: ``FEATURES`` (the last) or ``BATCH`` (the one before).
    eps : float
        ε, in the units of a², at least 0.
    statistics : tuple of numpy.ndarray, optional
        Mean and variance to use instead, as constants; of length 1 along the axis.

    Returns
    -------
    Standardised
        The values â with m and s.

    Raises
    ------
    ValueError
        If a standard deviation s is 0: equal values and ε = 0.

    Notes
    -----
    ε is inside the root, so every formula here is exact at any ε. Made for the loop over time:
    `layer_norm` and `batch_norm` check the arrays. Ioffe & Szegedy 2015, "Batch normalization",
    algorithm 1. Notebook 05.

    Examples
    --------
    >>> part = standardise(np.array([[1.0, 3.0], [1.0, 9.0]]), FEATURES, eps=0.0)
    >>> part.a_hat, part.s
    (array([[-1.,  1.],
           [-1.,  1.]]), array([[1.],
           [4.]]))
    """
    if statistics is None:
        m = a.mean(axis, keepdims=True)
        variance = ((a - m) ** 2).mean(axis, keepdims=True)
    else:
        m, variance = statistics
    s = np.sqrt(variance + eps)
    if eps == 0 and not s.all():
        raise ValueError(
            "eps is 0 and the values along the axis are all equal: 0/0; expected eps > 0."
        )
    return Standardised((a - m) / s, m, variance, s, statistics is None)  # (5.39)


def standardise_backward(part: Standardised, dL_da_hat: np.ndarray, axis: int) -> np.ndarray:
    r"""Carry a gradient back through the mean and the standard deviation.

    .. math:: \frac{\partial L}{\partial a} = \frac{1}{s} \Big(
              \frac{\partial L}{\partial \hat a}
              - \Big\langle \frac{\partial L}{\partial \hat a} \Big\rangle
              - \hat a \Big\langle \hat a \odot \frac{\partial L}{\partial \hat a} \Big\rangle
              \Big) \tag{5.40}

    Parameters
    ----------
    part : Standardised
        The record of the forward pass.
    dL_da_hat : numpy.ndarray
        The gradient at â.
    axis : int
        The axis of the forward pass.

    Returns
    -------
    numpy.ndarray
        The gradient at a. With statistics that are constants only the factor 1/s is left.

    Notes
    -----
    The second term is the way through m, the third the way through s (∂s/∂a = â/n). Ioffe & Szegedy
    2015, §3. Notebook 05.

    Examples
    --------
    >>> part = standardise(np.array([[1.0, 2.0, 6.0]]), FEATURES)
    >>> standardise_backward(part, np.ones((1, 3)), FEATURES).round(12)   # a shift changes nothing
    array([[0., 0., 0.]])
    """
    if not part.own:
        return dL_da_hat / part.s
    through_m = dL_da_hat.mean(axis, keepdims=True)
    through_s = part.a_hat * (part.a_hat * dL_da_hat).mean(axis, keepdims=True)
    return (dL_da_hat - through_m - through_s) / part.s  # (5.40)


def layer_norm(
    a: np.ndarray, gain: np.ndarray, bias: np.ndarray, eps: float = EPS
) -> tuple[np.ndarray, Standardised]:
    r"""Normalise each row by its own mean and standard deviation, over the N units.

    .. math:: z = g \odot \hat a + b, \quad
              \langle \cdot \rangle = \frac1N \sum_{i=1}^N \text{ for each row} \tag{5.41}

    Parameters
    ----------
    a : numpy.ndarray
        (B, N).
    gain, bias : numpy.ndarray
        (N,), g and b.
    eps : float
        ε ≥ 0.

    Returns
    -------
    tuple of numpy.ndarray and Standardised
        z (B, N), and the record for the way back.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; if ε = 0 and the entries of a row are equal.

    Notes
    -----
    A shift a → a + d changes nothing; a factor c > 0 acts as if ε were ε/c², so with ε = 0 it
    changes nothing either. One unit alone (N = 1) is its own mean: the output is the bias, and no
    gradient passes. Two units keep only the sign of their difference (ε = 0). Ba, Kiros & Hinton
    2016, "Layer normalization", §3. Notebook 05.

    Examples
    --------
    >>> a = np.array([[1.0, 2.0, 6.0]])
    >>> z, _ = layer_norm(a, np.ones(3), np.zeros(3), eps=0.0)
    >>> np.allclose(layer_norm(7 * a + 3, np.ones(3), np.zeros(3), eps=0.0)[0], z)
    True
    """
    _check_norm(a, gain, bias, eps)
    part = standardise(a, FEATURES, eps)
    return gain * part.a_hat + bias, part  # (5.41)


class NormGradients(NamedTuple):
    """The gradient of a loss with respect to what a normalisation takes.

    Parameters
    ----------
    dL_da : numpy.ndarray
        (B, N).
    dL_dgain, dL_dbias : numpy.ndarray
        (N,).

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> NormGradients._fields
    ('dL_da', 'dL_dgain', 'dL_dbias')
    """

    dL_da: np.ndarray
    dL_dgain: np.ndarray
    dL_dbias: np.ndarray


def layer_norm_backward(part: Standardised, gain: np.ndarray, dL_dz: np.ndarray) -> NormGradients:
    r"""Carry a gradient back through layer norm.

    .. math:: \frac{\partial L}{\partial \hat a} = g \odot \frac{\partial L}{\partial z}, \quad
              \frac{dL}{dg} = \sum_{\text{rows}} \frac{\partial L}{\partial z} \odot \hat a, \quad
              \frac{dL}{db} = \sum_{\text{rows}} \frac{\partial L}{\partial z} \tag{5.42}

    Parameters
    ----------
    part : Standardised
        The record of `layer_norm`.
    gain : numpy.ndarray
        (N,), g.
    dL_dz : numpy.ndarray
        (B, N), the gradient at the output.

    Returns
    -------
    NormGradients
        With respect to a, g and b.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    From â to a it is (5.40). Ba, Kiros & Hinton 2016, §3. Notebook 05.

    Examples
    --------
    >>> _, part = layer_norm(np.array([[1.0, 2.0, 6.0]]), np.ones(3), np.zeros(3))
    >>> layer_norm_backward(part, np.ones(3), np.ones((1, 3))).dL_dbias
    array([1., 1., 1.])
    """
    return _norm_backward(part, gain, dL_dz, FEATURES)  # (5.42)


def layer_norm_jacobian(part: Standardised, gain: np.ndarray) -> np.ndarray:
    r"""Write the derivative of layer norm's output with respect to its input as a matrix.

    .. math:: \frac{\partial z}{\partial a} = \operatorname{diag}(g) \, \frac1s \Big( I
              - \frac{\mathbf 1 \mathbf 1^\top}{N} - \frac{\hat a \hat a^\top}{N} \Big), \quad
              \Big\| \frac{\partial z}{\partial a} \Big\|_2 \le \frac{\max_i |g_i|}{s} \tag{5.46}

    Parameters
    ----------
    part : Standardised
        The record of `layer_norm`, with rows (..., N).
    gain : numpy.ndarray
        (N,), g.

    Returns
    -------
    numpy.ndarray
        (..., N, N), one matrix for each row.

    Raises
    ------
    TypeError, ValueError
        If the gain does not fit.

    Notes
    -----
    Exact for any ε, which is inside s. For g = 1 the matrix is symmetric with eigenvalue 0 along
    the vector of ones, ε/s³ along â, and 1/s in the N - 2 other directions: with ε = 0 it is 1/s
    times a projection. Ba, Kiros & Hinton 2016, §5. Notebook 05.

    Examples
    --------
    >>> _, part = layer_norm(np.array([[0.0, 3.0, 6.0]]), np.ones(3), np.zeros(3), eps=0.0)
    >>> J = layer_norm_jacobian(part, np.ones(3))[0]
    >>> (np.linalg.eigvalsh(J) * part.s[0]).round(12) + 0.0
    array([0., 0., 1.])
    """
    a_hat, s = part.a_hat, part.s[..., None]
    N = a_hat.shape[-1]
    check_array("gain", gain, "N", N=N, like=a_hat)
    outer = a_hat[..., :, None] * a_hat[..., None, :]
    return gain[:, None] / s * (np.eye(N, dtype=s.dtype) - 1 / N - outer / N)  # (5.46)


def derivative_along_scale(
    part: Standardised, gain: np.ndarray, dL_dz: np.ndarray, eps: float = EPS
) -> float:
    r"""Compute how the loss changes when all weights before a layer norm grow by one factor.

    .. math:: \Big\langle \frac{dL}{dW}, W \Big\rangle = \frac{d}{dc} L(cW) \Big|_{c=1}
              = \sum_{\text{rows}} \frac{\varepsilon}{s^2}
              \Big(g \odot \frac{\partial L}{\partial z}\Big)^{\!\top} \hat a,
              \quad a = W h \tag{5.45}

    Parameters
    ----------
    part : Standardised
        The record of `layer_norm`, with rows (..., N).
    gain : numpy.ndarray
        (N,), g.
    dL_dz : numpy.ndarray
        (..., N), the gradient at the output.
    eps : float
        ε of the forward pass.

    Returns
    -------
    float
        Zero for ε = 0.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    With ε = 0, L(cW) = L(W): the gradient is orthogonal to W, so a plain gradient step can only
    lengthen W, and the gradient at cW is 1/c times that at W. W stands for *all* weights that make
    a: in the network [W_xh W_hh] together, not one of them alone. Ba, Kiros & Hinton 2016, §5.1.
    Notebook 05.

    Examples
    --------
    >>> _, part = layer_norm(np.array([[0.0, 3.0, 6.0]]), np.ones(3), np.zeros(3), eps=0.0)
    >>> derivative_along_scale(part, np.ones(3), np.array([[1.0, 0.0, 0.0]]), eps=0.0)
    0.0
    """
    check_array("gain", gain, "N", N=part.a_hat.shape[-1], like=part.a_hat)
    check_array("dL_dz", dL_dz, " ".join(["..."] * part.a_hat.ndim), like=part.a_hat)
    if dL_dz.shape != part.a_hat.shape:
        raise ValueError(f"dL_dz has shape {dL_dz.shape}; expected {part.a_hat.shape}.")
    return float((check_eps(eps) / part.s**2 * gain * dL_dz * part.a_hat).sum())  # (5.45)


def batch_norm(
    a: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    eps: float = EPS,
    statistics: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, Standardised]:
    r"""Normalise each unit by its mean and standard deviation over the batch.

    .. math:: z = g \odot \hat a + b, \quad
              \langle \cdot \rangle = \frac1B \sum_{\text{rows}} \text{ for each unit} \tag{5.43}

    Parameters
    ----------
    a : numpy.ndarray
        (B, N), with B ≥ 2 unless `statistics` is given.
    gain, bias : numpy.ndarray
        (N,), g and b.
    eps : float
        ε ≥ 0.
    statistics : tuple of numpy.ndarray, optional
        (1, N) each, mean and variance to use instead, as in use after training.

    Returns
    -------
    tuple of numpy.ndarray and Standardised
        z (B, N), and the record for the way back.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; for a batch of one.

    Notes
    -----
    A row's output depends on the other rows. With ε = 0 each unit may be scaled on its own without
    effect, and two rows keep only the sign of their difference. The variance divides by B, as in
    torch. Ioffe & Szegedy 2015, algorithm 1. Notebook 05.

    Examples
    --------
    >>> a = np.array([[1.0, 5.0], [3.0, 1.0]])
    >>> batch_norm(a, np.ones(2), np.zeros(2), eps=0.0)[0]
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    _check_norm(a, gain, bias, eps)
    if statistics is None:
        check_batch_size(len(a))
    else:
        for name, array in zip(("mean", "variance"), statistics, strict=True):
            check_array(name, array, "1 N", **{"1": 1}, N=a.shape[1], like=a)
    part = standardise(a, BATCH, eps, statistics)
    return gain * part.a_hat + bias, part  # (5.43)


def batch_norm_backward(part: Standardised, gain: np.ndarray, dL_dz: np.ndarray) -> NormGradients:
    r"""Carry a gradient back through batch norm.

    .. math:: \frac{\partial L}{\partial a} = \frac{g}{s} \odot \Big(
              \frac{\partial L}{\partial z} - \frac1B \frac{dL}{db}
              - \frac1B \hat a \odot \frac{dL}{dg} \Big) \tag{5.44}

    Parameters
    ----------
    part : Standardised
        The record of `batch_norm`.
    gain : numpy.ndarray
        (N,), g.
    dL_dz : numpy.ndarray
        (B, N), the gradient at the output.

    Returns
    -------
    NormGradients
        With respect to a, g and b.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    (5.40) along the other axis: its means are the gradients of bias and gain divided by B. Ioffe &
    Szegedy 2015, §3. Notebook 05.

    Examples
    --------
    >>> _, part = batch_norm(np.array([[1.0], [2.0], [6.0]]), np.ones(1), np.zeros(1))
    >>> batch_norm_backward(part, np.ones(1), np.ones((3, 1))).dL_da.round(12) + 0.0
    array([[0.],
           [0.],
           [0.]])
    """
    return _norm_backward(part, gain, dL_dz, BATCH)  # (5.44)


def check_eps(eps: Any) -> float:
    """Return ε if it is a number that may stand under the root.

    Parameters
    ----------
    eps : float
        ε.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ValueError
        If it is no number, negative, infinite or nan.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> check_eps(-1)
    Traceback (most recent call last):
    ...
    ValueError: eps is -1; expected a number of at least 0.
    """
    number = isinstance(eps, int | float | np.number) and not isinstance(eps, bool)
    if not number or not 0 <= eps < np.inf:
        raise ValueError(f"eps is {eps!r}; expected a number of at least 0.")
    return float(eps)


def check_batch_size(B: int) -> int:
    """Return B if a batch of this size has statistics of its own.

    Parameters
    ----------
    B : int
        Number of sequences.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    ValueError
        If it is below 2.

    Notes
    -----
    One row is its own mean: batch norm would leave nothing of it. Notebook 05.

    Examples
    --------
    >>> check_batch_size(2)
    2
    """
    if B < 2:
        raise ValueError(
            "the batch holds 1 sequence; expected at least 2: batch norm with the batch's own "
            "statistics makes a single one zero. Use running statistics, or layer norm."
        )
    return B


def _norm_backward(
    part: Standardised, gain: np.ndarray, dL_dz: np.ndarray, axis: int
) -> NormGradients:
    """Go back through gain and bias, then through the standardisation."""
    B, N = part.a_hat.shape
    check_array("gain", gain, "N", N=N, like=part.a_hat)
    check_array("dL_dz", dL_dz, "B N", B=B, N=N, like=part.a_hat)
    dL_da = standardise_backward(part, gain * dL_dz, axis)
    return NormGradients(dL_da, (dL_dz * part.a_hat).sum(0), dL_dz.sum(0))


def _check_norm(a: np.ndarray, gain: np.ndarray, bias: np.ndarray, eps: float) -> None:
    N = check_array("a", a, "B N").shape[1]
    check_array("gain", gain, "N", N=N, like=a)
    check_array("bias", bias, "N", N=N, like=a)
    check_eps(eps)
