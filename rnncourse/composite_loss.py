"""The composite loss: error, weight and rate terms, weighed and added."""

import difflib
import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import torch

from rnncourse.ctrnn import CTRNN
from rnncourse.loss_terms import (
    check_sequence,
    check_steps,
    mean_squared_error,
    rate_cv,
    rate_terms,
    weight_l1,
    weight_square,
)

LAYERS = ("in", "hid", "out")
RATE_TERMS = ("fr", "fr_sd", "fr_cv")
TERMS = ("mse", *LAYERS, *RATE_TERMS)


class Components(Mapping):
    """The terms of one evaluation, weighted, by name; always all seven, in the same order.

    Parameters
    ----------
    weighted : Mapping
        Name of each term to λ times the term, a scalar tensor; 0 where λ is 0.
    unweighted : Mapping
        The same names to the terms themselves, also where λ is 0, without gradient; nan where
        they could not be computed: rate terms without states, the CV at a mean rate of 0 or less.

    Notes
    -----
    Returned by `RNNLoss`. Notebook 07.

    Examples
    --------
    >>> components = Components({"mse": torch.tensor(6.0)}, {"mse": torch.tensor(3.0)})
    >>> components["mse"].item(), components.unweighted["mse"].item()
    (6.0, 3.0)
    """

    def __init__(
        self, weighted: Mapping[str, torch.Tensor], unweighted: Mapping[str, torch.Tensor]
    ):
        self._weighted, self.unweighted = dict(weighted), dict(unweighted)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._weighted[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weighted)

    def __len__(self) -> int:
        return len(self._weighted)

    def __repr__(self) -> str:
        terms = ", ".join(f"{name}={value.item():.4g}" for name, value in self.items())
        return f"Components({terms})"


class RNNLoss(torch.nn.Module):
    r"""The composite loss of a `CTRNN`: a weighted sum of its error, weight and rate terms.

    .. math:: L = \sum_{k} \lambda_k L_k, \quad
              k \in \{mse, in, hid, out, fr, fr\_sd, fr\_cv\} \tag{7.14}

    Parameters
    ----------
    model : CTRNN
        The network whose weights enter, of this class or a subclass. Its parameters do not become
        parameters of the loss.
    lambda_mse : float
        Weight of the mean squared error (7.15).
    lambda_in, lambda_hid, lambda_out : float
        Weights of the mean squares of W_in, W_hid, W_out (7.16).
    lambda_fr : float
        Weight of the mean squared rate (7.17).
    lambda_fr_sd : float
        Weight of the standard deviation of the neurons' mean rates (7.18).
    lambda_fr_cv : float
        Weight of their coefficient of variation (7.19).
    lambda_l1_in, lambda_l1_hid, lambda_l1_out : float, optional
        Weights of the mean absolute weights (7.23), an extension of the document. If given, the
        terms "l1_in", "l1_hid", "l1_out" follow the seven.
    **misspelt : float
        There are no others: any is refused, with the name that is nearest.

    Raises
    ------
    TypeError
        If `model` is no CTRNN, a weight is no number, or a name is unknown.
    ValueError
        If a weight is negative or not finite, or all of them are 0.

    Notes
    -----
    The document (seed 001) gives the seven formulas; a valid step counts the same in a short
    sequence as in a long one. Notebook 07.

    Examples
    --------
    >>> model = CTRNN(3, 5, 2, generator=torch.Generator().manual_seed(0))
    >>> loss = RNNLoss(model, lambda_hid=0.1, lambda_fr=0.01)
    >>> pred, rates = model(torch.ones(4, 1, 3))
    >>> total, components = loss(pred, torch.zeros(4, 1, 2), states=rates)
    >>> list(components)
    ['mse', 'in', 'hid', 'out', 'fr', 'fr_sd', 'fr_cv']
    >>> total.backward()
    """

    def __init__(
        self,
        model: CTRNN,
        lambda_mse: float = 1.0,
        lambda_in: float = 0.0,
        lambda_hid: float = 0.0,
        lambda_out: float = 0.0,
        lambda_fr: float = 0.0,
        lambda_fr_sd: float = 0.0,
        lambda_fr_cv: float = 0.0,
        *,
        lambda_l1_in: float | None = None,
        lambda_l1_hid: float | None = None,
        lambda_l1_out: float | None = None,
        **misspelt: float,
    ):
        super().__init__()
        if not isinstance(model, CTRNN):
            kind = type(model).__qualname__
            seen = f"the class {model.__qualname__}" if kind == "type" else f"of type {kind}"
            raise TypeError(f"model is {seen}; expected a CTRNN, or an instance of a subclass.")
        weights = (lambda_mse, lambda_in, lambda_hid, lambda_out, lambda_fr, lambda_fr_sd)
        lambdas = dict(zip(TERMS, (*weights, lambda_fr_cv), strict=True))
        extensions = {"l1_in": lambda_l1_in, "l1_hid": lambda_l1_hid, "l1_out": lambda_l1_out}
        for name in misspelt:
            known = {f"lambda_{term}": term for term in (*lambdas, *extensions)}
            near = difflib.get_close_matches(name, known, 1)
            near += [f"lambda_{t}" for t in difflib.get_close_matches(name, known.values(), 1)]
            advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}."
            raise TypeError(f"{name} is no weight of RNNLoss; {advice}")
        lambdas |= {name: value for name, value in extensions.items() if value is not None}
        self._lambdas = {k: _check_lambda(f"lambda_{k}", v) for k, v in lambdas.items()}
        if not any(self._lambdas.values()):
            raise ValueError("all weights are 0; expected one above 0: there is no loss to lower.")
        self._model = (model,)  # a tuple hides it from torch.nn.Module, which would register it

    @property
    def model(self) -> CTRNN:
        """The network."""
        return self._model[0]

    @property
    def lambdas(self) -> dict[str, float]:
        """A copy of the weights, by name of the term."""
        return dict(self._lambdas)

    def forward(
        self,
        pred: torch.Tensor,
        label: torch.Tensor,
        states: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Components]:
        """Compute the loss and its terms.

        Parameters
        ----------
        pred, label : torch.Tensor
            (T, B, K), the outputs and the targets; (B, T, K) if the model has `batch_first`.
        states : torch.Tensor, optional
            (T, B, N), the rates, as the model returns them; needed if a rate term is on.
        mask : torch.Tensor, optional
            (T, B) bool, true where a step is valid; axes in the order of `pred`.

        Returns
        -------
        tuple
            The total, a scalar tensor, and the `Components`.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, dtype, device or shape, the states are missing, or
            the CV is on and the mean rate is not positive.
        """
        _, N, K = self.model.sizes
        axes = "B T" if self.model.batch_first else "T B"
        matrices = {"in": self.model.W_in, "hid": self.model.W_hid, "out": self.model.W_out}
        check_sequence("pred", pred, f"{axes} K", like=matrices["hid"], K=K)
        known = dict(zip(axes.split(), pred.shape, strict=False))
        check_sequence("label", label, f"{axes} K", like=pred, K=K, **known)
        rates_on = [name for name in RATE_TERMS if self._lambdas[name]]
        if states is not None:
            check_sequence("states", states, f"{axes} N", like=pred, N=N, **known)
        elif rates_on:
            raise ValueError(
                f"states is None, but lambda_{rates_on[0]} is above 0; expected the rates, the "
                f"second output of the model: loss(pred, label, states=rates)."
            )
        mask = check_steps(mask, pred)
        terms = {"mse": self._term("mse", mean_squared_error, pred, label, mask)}
        for layer, W in matrices.items():
            terms[layer] = self._term(layer, weight_square, W)
        terms |= self._rate_terms(states, mask, rates_on)
        for name in list(self._lambdas)[len(TERMS) :]:
            terms[name] = self._term(name, weight_l1, matrices[name.removeprefix("l1_")])
        zero = pred.new_zeros(())
        weighted = {k: w * terms[k] if w else zero for k, w in self._lambdas.items()}
        total = sum(weighted.values())  # (7.14)
        return total, Components(weighted, {k: term.detach() for k, term in terms.items()})

    def _term(self, name: str, function: Any, *args: Any) -> torch.Tensor:
        """Return a term, without a graph if its weight is 0."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._lambdas[name] > 0):
            return function(*args)

    def _rate_terms(
        self, states: torch.Tensor | None, mask: torch.Tensor | None, rates_on: list[str]
    ) -> dict[str, torch.Tensor]:
        """Return the rate terms by name; nan without states."""
        if states is None:
            return dict.fromkeys(RATE_TERMS, torch.tensor(math.nan))
        if self.model.batch_first:  # the model swapped them: this makes them contiguous again
            states, mask = states.swapaxes(0, 1), None if mask is None else mask.T
        with torch.set_grad_enabled(torch.is_grad_enabled() and bool(rates_on)):
            found = rate_terms(states, mask)
        if "fr_cv" in rates_on and found.fr_cv.isnan():
            rate_cv(states, mask)  # says what is wrong
        return found._asdict()

    def extra_repr(self) -> str:
        """Say what the module's printed form tells."""
        return ", ".join(f"lambda_{name}={value:g}" for name, value in self._lambdas.items())


def _check_lambda(name: str, value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected a number.")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0.")
    return float(value)
