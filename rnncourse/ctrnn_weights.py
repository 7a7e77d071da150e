"""Weights under constraints: signs, absent and frozen connections, as a function of free ones.

An optimiser that moves a weight knows nothing of a constraint on it. So what it moves is a free
matrix, and the weight is computed from that: whatever the optimiser does, the constraint holds.
"""

import math
from typing import Any

import torch


def check_tensor(
    name: str, value: Any, axes: str, *, like: torch.Tensor | None = None, **sizes: int
) -> torch.Tensor:
    """Return `value` if it is a tensor of the expected axes, sizes, dtype and finite entries.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : Any
        What the caller passed.
    axes : str
        The expected axes as symbols separated by spaces, for example ``"T B D"``.
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
        If `value` is no tensor or has another dtype than `like`.
    ValueError
        If its shape or device differs from what is expected, or an entry is nan or inf.

    Notes
    -----
    For tensors what `rnncourse.validation.check_array` is for arrays. Notebook 07.

    Examples
    --------
    >>> check_tensor("x", torch.zeros(3, 4), "T B D", D=4)
    Traceback (most recent call last):
    ...
    ValueError: x has shape (3, 4); expected (T, B, D) with D = 4.
    """
    if not isinstance(value, torch.Tensor):
        advice = "None: it is needed" if value is None else f"a {type(value).__name__}"
        raise TypeError(f"{name} is {advice}; expected a torch.Tensor: torch.as_tensor(...).")
    symbols = axes.split()
    fits = value.ndim == len(symbols) and all(
        seen == sizes.get(symbol, seen) and seen >= 1
        for seen, symbol in zip(value.shape, symbols, strict=True)
    )
    if not fits:
        known = " and ".join(f"{s} = {sizes[s]}" for s in dict.fromkeys(symbols) if s in sizes)
        expected = f"({', '.join(symbols)}{',' if len(symbols) == 1 else ''})"
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}; expected {expected}"
            + (f" with {known}." if known else ".")
        )
    if like is not None and value.dtype != like.dtype:
        raise TypeError(
            f"{name} has dtype {value.dtype}, the model {like.dtype}; expected one dtype: write "
            f"{name}.to({like.dtype}), or change the model with model.to({value.dtype})."
        )
    if like is not None and value.device != like.device:
        raise ValueError(
            f"{name} is on {value.device}, the model on {like.device}; expected one device: "
            f"write {name}.to('{like.device}')."
        )
    if value.is_floating_point() and not torch.isfinite(value).all():
        raise ValueError(f"{name} has entries that are nan or inf; expected finite numbers.")
    return value


def check_mask(
    name: str, mask: Any, rows: int, columns: int, device: Any = "cpu"
) -> torch.Tensor | None:
    """Return a mask of a weight matrix on the device; one bool stands for all entries.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    mask : torch.Tensor or bool or None
        (rows, columns) bool, or one for all entries; None, for no mask, is passed on.
    rows, columns : int
        Shape of the matrix.
    device : torch.device or str
        Where the mask is needed.

    Returns
    -------
    torch.Tensor or None
        (rows, columns) bool.

    Raises
    ------
    TypeError, ValueError
        If the mask is no tensor of bool or has another shape.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> check_mask("learn_in", False, 1, 2)
    tensor([[False, False]])
    """
    if mask is None:
        return None
    if isinstance(mask, bool):
        return torch.full((rows, columns), mask, device=device)
    check_tensor(name, mask, "rows columns", rows=rows, columns=columns)
    if mask.dtype != torch.bool:
        raise TypeError(f"{name} has dtype {mask.dtype}; expected bool: write {name} != 0.")
    return mask.to(device)


class ConstrainedWeight(torch.nn.Module):
    r"""A weight matrix whose signs, absent and frozen entries no optimiser can change.

    .. math:: W = S \odot |R| + F, \quad S_{ij} \in \{-1, 0, 1\} \tag{7.12}

    R is what the optimiser moves, F holds the frozen entries, and S is 0 where a connection is
    absent or frozen. Without a column sign, R stands in the place of |R|; without any constraint
    W is R itself, the parameter.

    Parameters
    ----------
    W : torch.Tensor
        (rows, columns), the starting value; it has to obey the constraints.
    present : torch.Tensor, optional
        (rows, columns) bool, False where there is no connection.
    learn : torch.Tensor or bool, optional
        (rows, columns) bool, False where the weight stays as it is; one bool for all.
    column_sign : torch.Tensor, optional
        (columns,), +1 or -1: the sign of every entry of a column (Dale's law).

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or `W` breaks a constraint.

    Notes
    -----
    |R| and not max(R, 0): a weight that the optimiser pushes through 0 comes back on the same
    side, where a rectified one would have no gradient any more; and as the slope of |R| is ±1,
    weight decay shrinks W as it would without the constraint. Decay of R where S is 0 has no
    effect on W. R, S and F are in the `state_dict`. Song, Yang & Wang 2016, PLoS Computational
    Biology 12(2), have max(R, 0). Notebook 07.

    Examples
    --------
    >>> W = torch.tensor([[1.0, -2.0], [0.0, -1.0]])
    >>> weight = ConstrainedWeight(W, present=W != 0, column_sign=torch.tensor([1.0, -1.0]))
    >>> with torch.no_grad():
    ...     _ = weight.raw.sub_(3.0)        # whatever an optimiser does
    >>> (weight() + 0.0).tolist()
    [[2.0, -1.0], [0.0, -2.0]]
    """

    def __init__(
        self,
        W: torch.Tensor,
        *,
        present: torch.Tensor | None = None,
        learn: torch.Tensor | bool | None = None,
        column_sign: torch.Tensor | None = None,
    ):
        super().__init__()
        check_tensor("W", W, "rows columns")
        rows, columns = W.shape
        present = check_mask("present", present, rows, columns, W.device)
        learn = check_mask("learn", learn, rows, columns, W.device)
        self.signed = column_sign is not None
        self.free = present is None and learn is None and not self.signed
        S, self.raw = torch.ones_like(W), torch.nn.Parameter(torch.empty_like(W))
        if self.signed:
            check_tensor("column_sign", column_sign, "columns", columns=columns)
            S = S * column_sign.to(W)
        frozen = torch.zeros_like(W, dtype=torch.bool) if learn is None else ~learn
        present = torch.ones_like(frozen) if present is None else present
        self.register_buffer("absent", None if self.free else ~present)
        self.register_buffer("sign", S if self.signed else None)
        self.register_buffer("S", None if self.free else S * (present & ~frozen))
        self.register_buffer("F", None if self.free else frozen.to(W))
        self.set(W)

    def forward(self) -> torch.Tensor:
        """Return W, as a function of the free matrix."""
        if self.free:
            return self.raw
        return self.S * (self.raw.abs() if self.signed else self.raw) + self.F  # (7.12)

    @torch.no_grad()
    def set(self, W: torch.Tensor, name: str = "W") -> None:
        """Take over the values of W, frozen entries as well, if they obey the constraints."""
        rows, columns = self.raw.shape
        check_tensor(name, W, "rows columns", like=self.raw, rows=rows, columns=columns)
        if not self.free:
            if W[self.absent].any():
                raise ValueError(
                    f"{name} is not 0 where there is no connection; expected {name} * mask."
                )
            if self.signed and (W * self.sign < 0).any():
                raise ValueError(
                    f"{name} has entries of the wrong sign; expected columns that are all >= 0 "
                    "(excitatory) or all <= 0 (inhibitory)."
                )
            self.F.copy_(torch.where(self.S == 0, W, torch.zeros_like(W)))
        self.raw.copy_(W.abs() if self.signed else W)


def dale_signs(excitatory: float | torch.Tensor, N: int) -> torch.Tensor:
    """Give each unit its sign: +1 for the excitatory ones, which come first, and -1.

    Parameters
    ----------
    excitatory : float or torch.Tensor
        The share of excitatory units, above 0 and at most 1, or (N,) bool: True for these.
    N : int
        Number of units.

    Returns
    -------
    torch.Tensor
        (N,), float64.

    Raises
    ------
    TypeError, ValueError
        If `excitatory` is neither, or leaves no excitatory unit.

    Notes
    -----
    The share is rounded to whole units. Notebook 07.

    Examples
    --------
    >>> dale_signs(0.8, 5).tolist()
    [1.0, 1.0, 1.0, 1.0, -1.0]
    """
    if isinstance(excitatory, int | float) and not isinstance(excitatory, bool):
        if not 0 <= excitatory <= 1:
            raise ValueError(f"excitatory is {excitatory!r}; expected a share from 0 to 1.")
        chosen = torch.arange(N) < round(excitatory * N)
    else:
        chosen = check_tensor("excitatory", excitatory, "N", N=N).cpu()
        if chosen.dtype != torch.bool:
            raise TypeError(f"excitatory has dtype {chosen.dtype}; expected bool.")
    if not chosen.any():
        raise ValueError(
            f"excitatory is {excitatory!r}: of {N} units none is excitatory; expected at least "
            f"one, as only these are read out."
        )
    return torch.where(chosen, 1.0, -1.0).double()


def draw_weights(
    rows: int,
    columns: int,
    *,
    present: torch.Tensor | None = None,
    column_sign: torch.Tensor | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    r"""Draw starting weights; those with column signs balance excitation and inhibition.

    .. math::
        \sum_{j \in E} W_{ij} = -\sum_{j \in I} W_{ij} \quad \text{for every unit } i \tag{7.13}

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix.
    present : torch.Tensor, optional
        (rows, columns) bool, False where there is no connection.
    column_sign : torch.Tensor, optional
        (columns,), +1 for excitatory and -1 for inhibitory columns.
    generator : torch.Generator, optional
        The source of randomness; torch's own if not given.

    Returns
    -------
    torch.Tensor
        (rows, columns), float64.

    Raises
    ------
    TypeError, ValueError
        If `present` or `column_sign` does not fit.

    Notes
    -----
    Without signs the c weights of a row are normal with standard deviation 1/√c. With signs they
    are such numbers' sizes, each kind scaled so that (7.13) holds: units that fire alike send
    nothing on average. What is left for the spectral radius is how far the entries scatter about
    the mean of their kind; divided by √(1 - 2c/(πN)) for that, the radius is near 1 in both cases
    (Rajan & Abbott 2006, Physical Review Letters 97). A row that hears one kind only cannot be
    balanced: its sizes add up to 1. Notebook 07.

    Examples
    --------
    >>> signs = dale_signs(0.8, 5)
    >>> W = draw_weights(5, 5, column_sign=signs, generator=torch.Generator().manual_seed(0))
    >>> W.sum(1).abs().max().item() < 1e-12, (W * signs >= 0).all().item()
    (True, True)
    """
    present = check_mask("present", present, rows, columns)
    W = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    W = W if present is None else W * present
    count = torch.full((rows, 1), columns) if present is None else present.sum(1, keepdim=True)
    W = W / count.clamp(min=1).sqrt()
    if column_sign is None:
        return W
    check_tensor("column_sign", column_sign, "columns", columns=columns)
    W, E = W.abs(), column_sign > 0
    of_E, of_I = W[:, E].sum(1, keepdim=True), W[:, ~E].sum(1, keepdim=True)
    both, total = (of_E > 0) & (of_I > 0), of_E + of_I
    # as large as before in the mean square, with one common sum of each kind
    size = W.square().sum(1, keepdim=True)
    shares = torch.where(E, W / of_E, W / of_I)
    shares = shares * (size / shares.square().sum(1, keepdim=True)).sqrt()  # (7.13)
    alone = W / torch.where(total > 0, total, 1.0)
    return column_sign * torch.where(
        both, shares / (1 - 2 / math.pi * count / columns).sqrt(), alone
    )
