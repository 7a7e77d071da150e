"""A penalty on the gradient itself: Omega asks the backward signal to keep its norm.

Dropout, another way to regularise, is in `rnncourse.dropout`.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.bptt import backward_sweep, parameter_gradients
from rnncourse.cell import Activation, RNNParams, check_params
from rnncourse.models import NumpyModel
from rnncourse.unroll import Trace
from rnncourse.validation import check_array

FORMS = ("squares", "norms")


class Omega(NamedTuple):
    """The Omega term with what follows from it.

    Parameters
    ----------
    value : float
        Ω, no unit; 0 where the backward signal keeps its norm at every step.
    ratio : numpy.ndarray
        (T-1, B), the share of the norm that is left after each step back, from step t+1 to t; nan
        where no gradient arrives.
    dW_hh : numpy.ndarray
        (N, N), the immediate derivative ∂⁺Ω/∂W_hh.

    Notes
    -----
    Notebook 05.

    Examples
    --------
    >>> Omega._fields
    ('value', 'ratio', 'dW_hh')
    """

    value: float
    ratio: np.ndarray
    dW_hh: np.ndarray


def omega(params: RNNParams, trace: Trace, dL_da: np.ndarray, form: str = "squares") -> Omega:
    r"""Measure how much the backward signal grows or shrinks from step to step.

    .. math::
        q_t = \frac{\|\phi'(a_t) \odot W_{hh}^\top \delta_{t+1}\|^2}{\|\delta_{t+1}\|^2}, \quad
        \delta_t = \frac{\partial L}{\partial a_t} \tag{5.20}

        \Omega = \operatorname{mean}_{t, b}\, (q_t - 1)^2 \tag{5.21}

        \frac{\partial^+ \Omega}{\partial W_{hh}} = \operatorname{mean}_{t, b}\;
        4\,(q_t - 1)\, \frac{\delta_{t+1}\,
        (\phi'(a_t)^2 \odot W_{hh}^\top \delta_{t+1})^\top}{\|\delta_{t+1}\|^2} \tag{5.22}

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    trace : Trace
        The record of the forward pass.
    dL_da : numpy.ndarray
        (T, B, N), δ_t, from `rnncourse.bptt.backward_sweep`. The mean is over the pairs of a step
        t = 1 … T-1 and a sequence at which δ_{t+1} is not zero.
    form : {"squares", "norms"}
        Whether q_t is the ratio of the squared norms or of the norms.

    Returns
    -------
    Omega
        Ω, the ratios of the norms, and the immediate derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or the form is unknown.

    Notes
    -----
    Pascanu, Mikolov & Bengio 2013, §3.3: their equation 9 has the ratio of the norms, their
    equation 10, the derivative, that of the squares; ``"squares"`` is equation 10. They take the
    immediate derivative ∂⁺: δ and a are held fixed, although both depend on W_hh, since the whole
    derivative would need second derivatives through time. Where they sum over the steps, here is
    the mean, so that the weight of Ω does not depend on T. The recurrent weights alone are
    penalised. Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> from rnncourse.unroll import unroll
    >>> rng = np.random.default_rng(0)
    >>> params = init_params(3, 5, 2, rng)._replace(W_hh=np.eye(5)[::-1].copy())
    >>> trace = unroll(params, rng.standard_normal((4, 1, 3)), activation="identity")
    >>> round(omega(params, trace, rng.standard_normal((4, 1, 5))).value, 12)   # orthogonal, linear
    0.0
    """
    N = check_params(params).sizes[1]
    T, B, _ = check_array("trace.a", trace.a, "T B N", N=N, like=params.W_hh).shape
    check_array("dL_da", dL_da, "T B N", T=T, B=B, N=N, like=params.W_hh)
    if form not in FORMS:
        raise ValueError(f"form is {form!r}; expected one of {', '.join(FORMS)}.")
    delta = dL_da[1:]
    with np.errstate(over="ignore"):
        size = np.abs(delta).max(axis=2, keepdims=True, initial=0)  # q is the same for δ / size
    delta = np.divide(delta, size, out=np.zeros_like(delta), where=size > 0)
    slope = trace.activation.dphi(trace.a[:-1])
    back = slope * (delta @ params.W_hh)
    before, after = (delta**2).sum(axis=2), (back**2).sum(axis=2)
    arrives = before > 0
    pairs = max(int(arrives.sum()), 1)
    q = np.divide(after, before, out=np.ones_like(after), where=arrives)  # (5.20)
    if form == "norms":
        q = np.sqrt(q)
    value = float(((q - 1) ** 2).sum() / pairs)  # (5.21)
    factor = 4 * (q - 1) if form == "squares" else 2 * (1 - 1 / np.where(q > 0, q, 1))
    factor = np.divide(factor, pairs * before, out=np.zeros_like(after), where=arrives)
    dW_hh = np.tensordot(factor[:, :, None] * delta, slope * back, axes=((0, 1), (0, 1)))  # (5.22)
    ratio = np.where(arrives, np.sqrt(q) if form == "squares" else q, np.nan)
    return Omega(value, ratio, dW_hh)


class OmegaModel(NumpyModel):
    r"""The basic network, trained on its loss plus a multiple of the Omega term.

    .. math::
        \frac{dL}{dW_{hh}} \;\leftarrow\; \frac{dL}{dW_{hh}}
        + \lambda\, \frac{\partial^+ \Omega}{\partial W_{hh}} \tag{5.23}

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    weight : float
        λ, not negative. Pascanu and others write 4 in the paper and use 2 in their program, with
        another normalisation of Ω.
    activation : str or Activation
        φ: ``"tanh"``, ``"relu"``, ``"logistic"``, ``"identity"``, or one of your own.
    form : {"squares", "norms"}
        As in `omega`.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not fit each other, the weight is negative, or a name is unknown.

    Notes
    -----
    The loss that it reports is that of the task alone. Pascanu, Mikolov & Bengio 2013, §3.3.
    Notebook 05.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> params = init_params(3, 5, 2, np.random.default_rng(0))
    >>> OmegaModel(params, 2.0).describe()
    'OmegaModel(weight=2.0, form=squares, activation=tanh)'
    """

    def __init__(
        self,
        params: RNNParams,
        weight: float,
        activation: str | Activation = "tanh",
        form: str = "squares",
    ):
        super().__init__(params, activation)
        if not 0 <= weight < np.inf:
            raise ValueError(f"weight is {weight!r}; expected a number of at least 0.")
        if form not in FORMS:
            raise ValueError(f"form is {form!r}; expected one of {', '.join(FORMS)}.")
        self.weight, self.form = float(weight), form

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        inside = f"weight={self.weight}, form={self.form}, activation={self.activation.name}"
        return f"OmegaModel({inside})"

    def gradients(self, record: Trace, dL_dy: np.ndarray) -> RNNParams:
        """Return the gradient of each of `params`, with that of the Omega term in W_hh."""
        dL_da = backward_sweep(self.params, record, dL_dy).dL_da
        gradients = RNNParams(*parameter_gradients(record, dL_dy, dL_da))
        term = omega(self.params, record, dL_da, self.form)
        W_hh = gradients.W_hh + np.asarray(self.weight, term.dW_hh.dtype) * term.dW_hh  # (5.23)
        return gradients._replace(W_hh=W_hh)
