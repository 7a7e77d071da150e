"""The terms of the composite loss, one pure function for each.

The functions are the definitions, left to autograd. `rate_terms` computes the three rate terms
in one pass over the rates, with the gradient by hand.
"""

import math
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable

BLOCK = 2**17  # rates that are read at once: few enough to stay in the cache for both sums


def mean_squared_error(
    pred: torch.Tensor, label: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    r"""Compute the mean squared error over the valid steps.

    .. math:: L_{mse} = \frac{1}{M K} \sum_{(t, b) \text{ valid}} \sum_{k=1}^K
              (\hat y_{tbk} - y_{tbk})^2, \quad M = \text{number of valid } (t, b) \tag{7.15}

    Parameters
    ----------
    pred, label : torch.Tensor
        (T, B, K), outputs and targets.
    mask : torch.Tensor, optional
        (T, B) bool, true where a step is valid; all M = TB are, if not given.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape; nothing is broadcast.

    Notes
    -----
    What stands at steps that are not valid is not read; nan may stand there. Notebook 07.

    Examples
    --------
    >>> mean_squared_error(torch.ones(4, 3, 2), torch.zeros(4, 3, 2)).item()
    1.0
    """
    T, B, K = check_sequence("pred", pred, "T B K").shape
    check_sequence("label", label, "T B K", like=pred, T=T, B=B, K=K)
    mask = check_steps(mask, pred)
    if mask is not None:
        pred, label = pred[mask], label[mask]
    return (pred - label).square().mean()  # (7.15)


def weight_square(W: torch.Tensor) -> torch.Tensor:
    r"""Compute the mean square of the weights of one layer.

    .. math:: L_W = \frac{1}{P Q} \|W\|_F^2 \tag{7.16}

    Parameters
    ----------
    W : torch.Tensor
        (P, Q): W_in, W_hid or W_out.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If `W` is no matrix.

    Notes
    -----
    The document calls it sparsity. Its gradient 2W/(PQ) vanishes with the weight: weights shrink
    and none becomes 0. `weight_l1` is what sparsifies. Notebook 07.

    Examples
    --------
    >>> weight_square(torch.tensor([[3.0, 0.0], [0.0, 1.0]])).item()
    2.5
    """
    return _check_matrix(W).square().mean()  # (7.16)


def rate_mean_square(rates: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    r"""Compute the mean square of the rates.

    .. math:: L_{fr} = \frac{1}{M N} \sum_{(t, b) \text{ valid}} \sum_{i=1}^N r_{tbi}^2 \tag{7.17}

    Parameters
    ----------
    rates : torch.Tensor
        (T, B, N).
    mask : torch.Tensor, optional
        (T, B) bool, true where a step is valid.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape.

    Notes
    -----
    Notebook 07 compares it with `other_readings`.

    Examples
    --------
    >>> rate_mean_square(torch.tensor([[[0.0, 4.0], [2.0, 2.0]]])).item()
    6.0
    """
    return _valid(rates, mask).square().mean()  # (7.17)


def rate_sd(rates: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    r"""Compute the standard deviation over the neurons of their mean rates.

    .. math:: \bar r_i = \frac{1}{M} \sum_{(t, b) \text{ valid}} r_{tbi}, \quad
              \mu = \frac{1}{N} \sum_{i=1}^N \bar r_i, \quad
              L_{sd} = \sigma = \sqrt{\frac{1}{N} \sum_{i=1}^N (\bar r_i - \mu)^2} \tag{7.18}

    Parameters
    ----------
    rates : torch.Tensor
        (T, B, N).
    mask : torch.Tensor, optional
        (T, B) bool, true where a step is valid.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape.

    Notes
    -----
    Where all mean rates are equal, up to rounding, σ has a kink; value and gradient are 0 there.
    Notebook 07.

    Examples
    --------
    >>> rate_sd(torch.tensor([[[0.0, 4.0], [2.0, 2.0]]])).item()
    1.0
    """
    mean_rates = _valid(rates, mask).mean(0)
    return _spread(mean_rates, rates.dtype)[2]


def rate_cv(rates: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    r"""Compute the coefficient of variation of the neurons' mean rates.

    .. math:: L_{cv} = \frac{\sigma}{\mu}, \quad \mu > 0 \tag{7.19}

    Parameters
    ----------
    rates : torch.Tensor
        (T, B, N).
    mask : torch.Tensor, optional
        (T, B) bool, true where a step is valid.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or the mean rate μ is not positive.

    Notes
    -----
    For μ < 0 it would be negative and unbounded below, so minimising it would diverge. For rates
    of at least 0 it is at most √(N - 1). It does not depend on the scale of the rates, which
    therefore it does not control, and its gradient grows as 1/μ. Notebook 07.

    Examples
    --------
    >>> rate_cv(torch.tensor([[[0.0, 4.0], [2.0, 2.0]]])).item()
    0.5
    """
    valid = _valid(rates, mask)
    mu, _, sd = _spread(valid.mean(0), rates.dtype)
    _check_mean_rate(mu, valid)
    return sd / mu  # (7.19)


class RateTerms(NamedTuple):
    """The three rate terms, as scalar tensors.

    Parameters
    ----------
    fr : torch.Tensor
        As from `rate_mean_square`.
    fr_sd : torch.Tensor
        As from `rate_sd`.
    fr_cv : torch.Tensor
        As from `rate_cv`, but nan with gradient 0 where the mean rate is not positive.

    Notes
    -----
    Returned by `rate_terms`. Notebook 07.

    Examples
    --------
    >>> [term.item() for term in rate_terms(torch.tensor([[[0.0, 4.0], [2.0, 2.0]]]))]
    [6.0, 1.0, 0.5]
    """

    fr: torch.Tensor
    fr_sd: torch.Tensor
    fr_cv: torch.Tensor


def rate_terms(rates: torch.Tensor, mask: torch.Tensor | None = None) -> RateTerms:
    r"""Compute the three rate terms in one pass over the rates, and their gradient in one more.

    .. math::
        \frac{\partial}{\partial r_{tbi}} (g_1 L_{fr} + g_2 L_{sd} + g_3 L_{cv})
        = a\, r_{tbi} + b_i \tag{7.21}

        a = \frac{2 g_1}{M N}, \quad b_i = \frac{1}{M N} \left(\left(g_2 + \frac{g_3}{\mu}\right)
        \frac{\bar r_i - \mu}{\sigma} - g_3 \frac{\sigma}{\mu^2}\right) \tag{7.22}

    Parameters
    ----------
    rates : torch.Tensor
        (T, B, N).
    mask : torch.Tensor, optional
        (T, B) bool, true where a step is valid; the gradient is 0 elsewhere.

    Returns
    -------
    RateTerms
        The three terms.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape.

    Notes
    -----
    Differentiable once; the three functions above can be differentiated again. Notebook 07.

    Examples
    --------
    >>> rates = torch.tensor([[[0.0, 4.0], [2.0, 2.0]]], requires_grad=True)
    >>> rate_terms(rates).fr_sd.backward()
    >>> rates.grad.tolist()
    [[[-0.25, 0.25], [-0.25, 0.25]]]
    """
    check_sequence("rates", rates, "T B N")
    terms, _ = _RateTerms.apply(rates, check_steps(mask, rates))
    return RateTerms(*terms.unbind())


class _RateTerms(torch.autograd.Function):
    """`rate_terms` with its gradient by hand; the mean rates (N,), in float64, are kept."""

    @staticmethod
    def forward(rates: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        N = rates.shape[-1]
        rows = max(1, BLOCK // N)
        blocks = rates.reshape(-1, N).split(rows)
        if mask is not None:
            blocks = (b[m] for b, m in zip(blocks, mask.reshape(-1).split(rows), strict=True))
        M = _count(rates, mask)
        squares, sums = rates.new_zeros(1 + N, dtype=torch.float64).split((1, N))
        for block in blocks:
            squares += torch.dot(block.reshape(-1), block.reshape(-1))
            sums += block.sum(0)
        fr = squares[0] / (M * N)  # (7.17)
        mean_rates = sums / M
        mu, _, sd = _spread(mean_rates, rates.dtype)
        cv = torch.where(mu > 0, sd / mu, math.nan)  # (7.19)
        return torch.stack((fr, sd, cv)).to(rates.dtype), mean_rates

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx, dL_dterms, _):
        rates, mask, mean_rates = ctx.saved_tensors
        M, N = _count(rates, mask), rates.shape[-1]
        mu, deviation, sd = _spread(mean_rates, rates.dtype)
        g_1, g_2, g_3 = dL_dterms.to(torch.float64)
        per_mu = torch.where(mu > 0, 1 / mu, 0)
        direction = deviation / torch.where(sd > 0, sd, 1)
        a = 2 * g_1 / (M * N)  # (7.22)
        b = ((g_2 + g_3 * per_mu) * direction - g_3 * sd * per_mu**2) / (M * N)  # (7.22)
        dL_dr = torch.addcmul(b.to(rates.dtype), rates, a.to(rates.dtype))  # (7.21)
        if mask is not None:
            dL_dr.masked_fill_(~mask[..., None], 0)
        return dL_dr, None


def weight_l1(W: torch.Tensor) -> torch.Tensor:
    r"""Compute the mean absolute weight of one layer, the term that does sparsify.

    .. math:: L_{\ell_1} = \frac{1}{P Q} \sum_{i=1}^P \sum_{j=1}^Q |W_{ij}| \tag{7.23}

    Parameters
    ----------
    W : torch.Tensor
        (P, Q).

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If `W` is no matrix.

    Notes
    -----
    Not in the document. The gradient at 0 is 0, as sign(0). Under gradient steps a weight crosses
    0 again and again; exact zeros come from `soft_threshold`. Tibshirani 1996, Journal of the
    Royal Statistical Society B 58; notebook 07.

    Examples
    --------
    >>> weight_l1(torch.tensor([[3.0, 0.0], [0.0, -1.0]])).item()
    1.0
    """
    return _check_matrix(W).abs().mean()  # (7.23)


def soft_threshold(W: torch.Tensor, threshold: float) -> torch.Tensor:
    r"""Move every weight towards 0 by the same amount, and to 0 exactly if it is smaller.

    .. math:: \operatorname{S}_\theta(W)_{ij} = \operatorname{sign}(W_{ij})
              \max(|W_{ij}| - \theta, 0)
              = \arg\min_X \tfrac12 (X - W_{ij})^2 + \theta |X| \tag{7.24}

    Parameters
    ----------
    W : torch.Tensor
        Any shape.
    threshold : float
        θ, at least 0. After a gradient step of size η on the other terms, θ = ηλ/(PQ) is the
        proximal step of λ `weight_l1`.

    Returns
    -------
    torch.Tensor
        Of the shape of `W`.

    Raises
    ------
    ValueError
        If `threshold` is negative or not finite.

    Notes
    -----
    The same step for a squared weight multiplies it by 1/(1 + 2θ), which makes no zero. Notebook
    07.

    Examples
    --------
    >>> soft_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0).tolist()
    [-2.0, 0.0, 1.0]
    """
    if not 0 <= threshold < math.inf:
        raise ValueError(f"threshold is {threshold!r}; expected a finite number of at least 0.")
    return W - W.clamp(-threshold, threshold)  # (7.24)


def other_readings(rates: torch.Tensor) -> dict[str, dict[str, float]]:
    r"""Compute what else the names of the three rate terms have been taken to mean.

    .. math::
        \text{fr:}\ \tfrac1N \sum_i \bar r_i^2,\ \tfrac{1}{MN} \sum_{t,b,i} |r_{tbi}|; \quad
        \text{sd:}\ \sqrt{\tfrac{1}{N-1} \sum_i (\bar r_i - \mu)^2},\
        \operatorname{sd}_{N-1}(\bar r_i^2); \quad
        \text{cv:}\ \frac{\operatorname{sd}_{N-1}(\bar r_i)}{\mu},\
        \frac{\operatorname{sd}_{MN-1}(r_{tbi})}{\mu} \tag{7.20}

    Parameters
    ----------
    rates : torch.Tensor
        (T, B, N).

    Returns
    -------
    dict
        Name of the term to a dict of its readings, each with its value; nan where it is undefined.

    Raises
    ------
    TypeError, ValueError
        If `rates` has the wrong type or shape.

    Notes
    -----
    For the table in notebook 07 of what the document says and what is computed elsewhere.

    Examples
    --------
    >>> readings = other_readings(torch.tensor([[[0.0, 4.0], [2.0, 2.0]]]))
    >>> {name: [round(value, 4) for value in of.values()] for name, of in readings.items()}
    {'fr': [5.0, 2.0], 'fr_sd': [1.4142, 5.6569], 'fr_cv': [0.7071, 0.8165]}
    """
    valid = _valid(rates, None).detach()
    mean_rates = valid.mean(0)
    mu = mean_rates.mean().item()

    def sd(values: torch.Tensor) -> float:
        return values.std(correction=1).item() if values.numel() > 1 else math.nan

    def cv(values: torch.Tensor) -> float:
        return sd(values) / mu if mu else math.nan

    return {
        "fr": {
            "square of each neuron's mean": mean_rates.square().mean().item(),  # (7.20)
            "mean |r|": valid.abs().mean().item(),  # (7.20)
        },
        "fr_sd": {
            "N - 1": sd(mean_rates),  # (7.20)
            "of the squared means, N - 1": sd(mean_rates.square()),  # (7.20)
        },
        "fr_cv": {
            "N - 1": cv(mean_rates),  # (7.20)
            "of all rates, not of neurons": cv(valid.reshape(-1)),  # (7.20)
        },
    }


def check_sequence(
    name: str, value: Any, axes: str, *, like: torch.Tensor | None = None, **sizes: int
) -> torch.Tensor:
    """Return `value` if it is a tensor of floats with the expected three axes.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : Any
        What the caller passed.
    axes : str
        The expected axes as symbols separated by spaces, for example ``"T B N"``.
    like : torch.Tensor, optional
        A tensor whose dtype and device `value` must share.
    **sizes : int
        The sizes of axes that are already known; others must hold at least one entry.

    Returns
    -------
    torch.Tensor
        `value` itself, not a copy.

    Raises
    ------
    TypeError
        If `value` is no tensor of floats or has another dtype than `like`.
    ValueError
        If its shape or device differs from what is expected; nothing is broadcast.

    Notes
    -----
    Entries may be nan: a loss of a training that diverged shows it, and what stands behind the
    end of a sequence is not read. Notebook 07.

    Examples
    --------
    >>> check_sequence("label", torch.zeros(3, 4, 2), "T B K", T=4, B=3)
    Traceback (most recent call last):
    ...
    ValueError: label has shape (3, 4, 2); expected (T, B, K) with T = 4 and B = 3. Time and \
batch are swapped: label.swapaxes(0, 1) would fit.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} is a {type(value).__qualname__}; expected a torch.Tensor.")
    symbols = axes.split()

    def fits(shape: tuple[int, ...]) -> bool:
        return len(shape) == len(symbols) and all(
            seen == sizes.get(symbol, max(seen, 1))
            for seen, symbol in zip(shape, symbols, strict=True)
        )

    if not fits(value.shape):
        known = " and ".join(f"{s} = {sizes[s]}" for s in symbols if s in sizes)
        message = f"{name} has shape {tuple(value.shape)}; expected ({', '.join(symbols)})"
        message += f" with {known}." if known else "."
        if value.ndim == 3 and fits(value.swapaxes(0, 1).shape):
            message += f" Time and batch are swapped: {name}.swapaxes(0, 1) would fit."
        raise ValueError(message)
    if not value.is_floating_point() or (like is not None and value.dtype != like.dtype):
        expected = "torch.float32 or float64" if like is None else like.dtype
        raise TypeError(
            f"{name} has dtype {value.dtype}; expected {expected}, one dtype throughout: "
            f"{name}.to(...)."
        )
    if like is not None and value.device != like.device:
        raise ValueError(
            f"{name} is on {value.device}, the other tensors on {like.device}; expected one "
            f"device: {name}.to({str(like.device)!r})."
        )
    return value


def check_steps(mask: Any, sequence: torch.Tensor) -> torch.Tensor | None:
    """Return the mask of the valid steps, or None if all are valid.

    Parameters
    ----------
    mask : Any
        What the caller passed; None for all steps.
    sequence : torch.Tensor
        (T, B, ·), what it masks.

    Returns
    -------
    torch.Tensor or None
        (T, B) bool.

    Raises
    ------
    TypeError, ValueError
        If `mask` is no tensor of bool, does not fit, or has no true entry.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> check_steps(torch.tensor([[True, True], [True, False]]), torch.zeros(2, 2, 5))
    tensor([[ True,  True],
            [ True, False]])
    """
    if mask is None:
        return None
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        seen = getattr(mask, "dtype", type(mask).__qualname__)
        raise TypeError(f"mask is {seen}; expected a torch.Tensor of bool, true for valid steps.")
    expected = tuple(sequence.shape[:2])
    if tuple(mask.shape) != expected:
        swapped = tuple(mask.shape) == expected[::-1]
        advice = " Time and batch are swapped: mask.T would fit." * swapped
        raise ValueError(f"mask has shape {tuple(mask.shape)}; expected {expected}.{advice}")
    if not mask.any():
        raise ValueError("mask has no valid step; expected at least one true entry.")
    return None if mask.all() else mask


def _spread(mean_rates: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Return μ, the deviations (N,) from it, and σ; deviations that are rounding are 0."""
    mu = mean_rates.mean()  # (7.18)
    deviation = mean_rates - mu
    rounding = 16 * torch.finfo(dtype).eps * mean_rates.detach().abs().max()
    equal = deviation.detach().abs().max() <= rounding
    deviation = torch.where(equal, torch.zeros_like(deviation), deviation)
    sd = torch.linalg.vector_norm(deviation) / math.sqrt(len(mean_rates))  # (7.18)
    return mu, deviation, sd  # the norm's gradient at 0 is 0


def _valid(rates: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return the rates of the valid steps, (M, N)."""
    check_sequence("rates", rates, "T B N")
    mask = check_steps(mask, rates)
    return rates.flatten(0, 1) if mask is None else rates[mask]


def _count(rates: torch.Tensor, mask: torch.Tensor | None) -> int:
    """Return M, the number of valid steps."""
    return rates.shape[0] * rates.shape[1] if mask is None else int(mask.sum())


def _check_mean_rate(mu: torch.Tensor, valid: torch.Tensor) -> None:
    if mu > 0 or mu.isnan():  # nan: the run diverged, as the loss itself will show
        return
    if not valid.any():
        advice = (
            "All rates are 0: the network is silent. Through ReLUs that are all off no gradient "
            "flows, so it would stay so: go back to an earlier state, with a lower learning rate, "
            "lower rate or weight terms, or larger b_hid."
        )
    else:
        advice = (
            "Rates of both signs have no coefficient of variation: use relu, softplus or logistic, "
            "or lambda_fr_sd in its place."
        )
    raise ValueError(
        f"the mean rate is {mu.item():.4g}; expected a positive one, as the coefficient of "
        f"variation divides by it. {advice}"
    )


def _check_matrix(W: Any) -> torch.Tensor:
    if not isinstance(W, torch.Tensor):
        raise TypeError(f"W is a {type(W).__qualname__}; expected a torch.Tensor.")
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W has shape {tuple(W.shape)}; expected (P, Q), not empty.")
    return W
