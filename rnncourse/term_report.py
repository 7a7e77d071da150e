"""A report of the terms of the composite loss: how much each one is, and how hard it pulls."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from rnncourse.composite_loss import LAYERS, Components, RNNLoss

GROUPS = {  # beginnings of the names of a CTRNN's parameters
    "input": ("layer_in",),
    "hidden": ("layer_hid", "b_hid"),
    "readout": ("layer_out", "b_out"),
    "initial": ("state_0",),
}


@dataclass(frozen=True)
class TermReport:
    r"""What each term of a composite loss is, and what its gradient does.

    .. math:: s_k = \frac{\lambda_k L_k}{L} \tag{7.33}

    Parameters
    ----------
    names : tuple of str
        The terms with a weight above 0.
    value : dict
        Name to λ times the term.
    share : dict
        Name to its share s of the total; 0 if the total is 0.
    gradient_norm : dict
        Name to a dict from each group of parameters to the norm of the term's gradient there.
    cosine : numpy.ndarray
        (terms, terms), the cosines of the angles between the terms' gradients with respect to all
        parameters; nan for a gradient of 0.

    Notes
    -----
    Made by `report_terms`; its text form is a table. Notebook 07.

    Examples
    --------
    >>> norms = {"mse": {"hidden": 0.5}}
    >>> print(TermReport(("mse",), {"mse": 2.0}, {"mse": 1.0}, norms, np.array([[1.0]])))
    term           value   share      hidden  cosine with     mse
    mse                2  100.0%         0.5                 1.00
    """

    names: tuple[str, ...]
    value: dict[str, float]
    share: dict[str, float]
    gradient_norm: dict[str, dict[str, float]]
    cosine: np.ndarray

    def __str__(self) -> str:
        groups = self.gradient_norm[self.names[0]]
        head = f"{'term':8s}{'value':>12s}{'share':>8s}" + "".join(f"{g:>12s}" for g in groups)
        lines = [f"{head}  cosine with{''.join(f'{name:>8s}' for name in self.names)}"]
        for name, row in zip(self.names, self.cosine, strict=True):
            norms = "".join(f"{norm:12.4g}" for norm in self.gradient_norm[name].values())
            angles = "".join(f"{'-' if math.isnan(c) else f'{c:.2f}':>8s}" for c in row)
            share = f"{100 * self.share[name]:.1f}%"
            lines.append(f"{name:8s}{self.value[name]:12.4g}{share:>8s}{norms}{'':13s}{angles}")
        return "\n".join(lines)


def report_terms(loss: RNNLoss, components: Components) -> TermReport:
    r"""Report value, share and gradient of each term that is on, and how far they agree.

    .. math:: \cos(k, l) = \frac{\langle g_k, g_l \rangle}{\|g_k\| \, \|g_l\|}, \quad
              g_k = \frac{d (\lambda_k L_k)}{d\theta} \tag{7.34}

    Parameters
    ----------
    loss : RNNLoss
        The loss.
    components : Components
        What it returned, before ``backward`` was called on the total.

    Returns
    -------
    TermReport
        The report; the graph of `components` is kept, no ``.grad`` is written.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If `components` is of another loss, or has no graph.

    Notes
    -----
    θ are the parameters that the optimiser moves; under constraints these are not the weights
    themselves (`rnncourse.ctrnn_weights`). Parameters that a subclass adds are the group
    "other". One backward pass for each term. Notebook 07.

    Examples
    --------
    >>> from rnncourse.ctrnn import CTRNN
    >>> model = CTRNN(3, 5, 2, generator=torch.Generator().manual_seed(0))
    >>> loss = RNNLoss(model, lambda_hid=0.1)
    >>> pred, rates = model(torch.ones(4, 1, 3))
    >>> report = report_terms(loss, loss(pred, torch.zeros(4, 1, 2), states=rates)[1])
    >>> report.names, report.gradient_norm["hid"]["readout"]
    (('mse', 'hid'), 0.0)
    """
    for name, value, kind in (("loss", loss, RNNLoss), ("components", components, Components)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {type(value).__qualname__}; expected {kind.__name__}.")
    if list(components) != list(loss.lambdas):
        raise ValueError(
            f"components are {', '.join(components)}, the terms of the loss "
            f"{', '.join(loss.lambdas)}; expected what this loss returned."
        )
    names = tuple(name for name, weight in loss.lambdas.items() if weight)
    if not any(components[name].requires_grad for name in names):
        raise ValueError("components have no graph; call the loss outside torch.no_grad().")
    value = {name: components[name].item() for name in names}
    total = sum(value.values())
    share = {name: v / total if total else 0.0 for name, v in value.items()}  # (7.33)
    gradients = {name: _gradients(loss, components[name]) for name in names}
    norms = {
        name: {group: torch.linalg.vector_norm(g).item() for group, g in of_group.items()}
        for name, of_group in gradients.items()
    }
    G = torch.stack([torch.cat(list(of_group.values())) for of_group in gradients.values()])
    directions = G / torch.linalg.vector_norm(G, dim=1, keepdim=True)
    cosine = (directions @ directions.T).clamp(-1, 1)  # (7.34)
    return TermReport(names, value, share, norms, cosine.cpu().numpy())


def _gradients(loss: RNNLoss, term: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the gradient of one term for each group of parameters, flat, in float64."""
    parameters = {n: p for n, p in loss.model.named_parameters() if p.requires_grad}
    found = [torch.zeros_like(p) for p in parameters.values()]
    if term.requires_grad:  # not, if all that it depends on is frozen
        leaves = list(parameters.values())
        found = torch.autograd.grad(term, leaves, retain_graph=True, materialize_grads=True)
    by_group: dict[str, list[torch.Tensor]] = {}
    for parameter, gradient in zip(parameters, found, strict=True):
        group = next((g for g, starts in GROUPS.items() if parameter.startswith(starts)), "other")
        by_group.setdefault(group, []).append(gradient.detach().reshape(-1).double())
    order = [group for group in (*GROUPS, "other") if group in by_group]
    return {group: torch.cat(by_group[group]) for group in order}


def warn_about_weight_decay(loss: RNNLoss, optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    r"""Warn if weight decay shrinks the same weights as a term of the loss.

    .. math:: \frac{\partial}{\partial W} \left(\frac{\lambda_W}{P Q} \|W\|_F^2
              + \frac{\delta}{2} \|W\|_F^2\right) = \frac{2}{P Q}
              \left(\lambda_W + \frac{\delta P Q}{2}\right) W \tag{7.35}

    Parameters
    ----------
    loss : RNNLoss
        The loss.
    optimizer : torch.optim.Optimizer
        Any that has `weight_decay`, the δ of the equation.

    Returns
    -------
    tuple of str
        The terms, of "in", "hid", "out", that are doubled.

    Raises
    ------
    TypeError
        If an argument has the wrong type.

    Warns
    -----
    UserWarning
        If there is such a term.

    Notes
    -----
    As the equation says, δ adds δPQ/2 to λ in SGD and Adam. AdamW takes δ times the learning rate
    off the weight beside Adam's step instead, which no λ equals, but shrinks the same weights.
    Loshchilov & Hutter 2019, ICLR; notebook 07.

    Examples
    --------
    >>> from rnncourse.ctrnn import CTRNN
    >>> model = CTRNN(3, 5, 2)
    >>> optimizer = torch.optim.Adam(model.parameters(), weight_decay=0.01)
    >>> warn_about_weight_decay(RNNLoss(model), optimizer)
    ()
    """
    if not isinstance(loss, RNNLoss):
        raise TypeError(f"loss is a {type(loss).__qualname__}; expected an RNNLoss.")
    if not isinstance(optimizer, torch.optim.Optimizer):
        seen = type(optimizer).__qualname__
        raise TypeError(f"optimizer is a {seen}; expected a torch.optim.Optimizer.")
    decay = {
        id(p): group.get("weight_decay", 0.0)
        for group in optimizer.param_groups
        for p in group["params"]
    }
    doubled = {}
    for name in LAYERS:
        layer = getattr(loss.model, f"layer_{name}")
        found = max((decay.get(id(p), 0.0) for p in layer.parameters()), default=0.0)
        if loss.lambdas[name] > 0 and found > 0:
            doubled[name] = found
    if doubled:
        entries = {name: getattr(loss.model, f"W_{name}").numel() for name in doubled}
        each = "; ".join(
            f"W_{name}: lambda_{name} = {loss.lambdas[name]:g}, weight_decay = {delta:g}, "
            f"as much as a lambda of {delta * entries[name] / 2:g}"  # (7.35)
            for name, delta in doubled.items()
        )
        warnings.warn(
            f"weight decay shrinks weights that a term of the loss shrinks already ({each}); "
            f"set one of the two to 0, or count both.",
            UserWarning,
            stacklevel=2,
        )
    return tuple(doubled)
