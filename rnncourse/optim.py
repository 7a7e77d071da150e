"""Optimisers: from parameters, gradients and a state to new parameters and a new state.

An optimiser is a record of its numbers. What it remembers between two steps is the state, which
`init` makes and `step` takes and returns; nothing is changed in place. In the equations θ is one
parameter array, g its gradient, η the learning rate; all operations are elementwise.

Every `step` raises `NonFiniteGradient` if a gradient is nan or inf, or so large that the step
overflows, and TypeError or ValueError if a number of the optimiser is outside its range, or
gradients or state do not fit the parameters.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from rnncourse.clipping import ADVICE, NonFiniteGradient, check_gradients, names_of, same_type

Arrays = Sequence[np.ndarray]
SWITCHES = ("nesterov", "bias_correction")
BELOW_ONE = ("momentum", "beta", "beta1", "beta2")


def _checked(optimiser: Any, rate: float | None = None) -> Any:
    """Return the optimiser as plain numbers, with `rate`, if given, in place of its own."""
    numbers = optimiser._asdict() | ({} if rate is None else {"rate": rate})
    for name, value in numbers.items():
        if name in SWITCHES:
            continue
        if name in BELOW_ONE:
            text, fits = f"0 <= {name} < 1", lambda value: 0 <= value < 1
        elif name == "eps":
            text, fits = "above 0", lambda value: 0 < value < np.inf
        else:
            text, fits = "at least 0", lambda value: 0 <= value < np.inf
        if not isinstance(value, Real) or not fits(value):
            raise ValueError(f"{name} is {value!r}; expected a finite number, {text}.")
        numbers[name] = float(value)  # a np.float64 would turn float32 arrays into float64
    if numbers.get("nesterov") and not numbers["momentum"]:
        raise ValueError("nesterov is True and momentum is 0; expected a momentum above 0.")
    return optimiser._replace(**numbers)


def _check_params(params: Arrays) -> list[str]:
    """Return a name for each parameter array."""
    if not isinstance(params, tuple | list) or not params:
        seen = "empty" if isinstance(params, tuple | list) else f"a {type(params).__name__}"
        raise TypeError(f"params is {seen}; expected a NamedTuple or tuple of arrays.")
    names = names_of(params, "params")
    for name, theta in zip(names, params, strict=True):
        if not isinstance(theta, np.ndarray) or theta.dtype.kind != "f":
            seen = getattr(theta, "dtype", type(theta).__name__)
            raise TypeError(f"{name} is a {seen}; expected an array of float32 or float64.")
    return names


def _check_match(names: list[str], params: Arrays, arrays: Arrays, what: str) -> None:
    """Raise unless `arrays` has the shapes and dtypes of the parameters."""
    if len(arrays) != len(params):
        raise ValueError(
            f"{len(arrays)} {what} arrays for {len(params)} parameter arrays; expected one each."
        )
    for name, theta, g in zip(names, params, arrays, strict=True):
        if g.shape != theta.shape:
            raise ValueError(
                f"the {what} of {name} has shape {g.shape}; expected {theta.shape}, that of {name}."
            )
        if g.dtype != theta.dtype:
            raise TypeError(
                f"the {what} of {name} has dtype {g.dtype}, {name} has {theta.dtype}; expected one "
                f"dtype throughout."
            )


def _check_step(params: Arrays, gradients: Arrays, state: Any, kind: type) -> None:
    """Raise unless gradients and state fit the parameters and the gradients are finite."""
    names = _check_params(params)
    fits = isinstance(gradients, tuple | list) and len(gradients) == len(params)
    check_gradients(gradients, [f"the gradient of {name}" for name in names] if fits else None)
    _check_match(names, params, gradients, "gradient")
    if not isinstance(state, kind):
        raise TypeError(
            f"state is a {type(state).__name__}; expected the {kind.__name__} that init returned."
        )
    for field, arrays in zip(state._fields[:-1], state[:-1], strict=True):
        _check_match(names, params, arrays, f"state's {field}")


def _finished(params: Arrays, updated: Arrays, state: Any) -> tuple[Any, Any]:
    """Return new parameters of the old type and the new state, unless something overflowed."""
    for arrays in (updated, *state[:-1]):
        for name, array in zip(names_of(params, "params"), arrays, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                finite = np.isfinite(array.sum()) or np.isfinite(array).all()
            if not finite:
                raise NonFiniteGradient(
                    f"the gradient of {name} is finite, but a step with it overflows, so the step "
                    f"is refused. {ADVICE}"
                )
    return same_type(updated, params), state


def _zeros(params: Arrays) -> tuple[np.ndarray, ...]:
    _check_params(params)
    return tuple(np.zeros_like(theta) for theta in params)


def _with_decay(g: np.ndarray, theta: np.ndarray, weight_decay: float) -> np.ndarray:
    return g + weight_decay * theta if weight_decay else g  # (4.8)


class SGDState(NamedTuple):
    """What `SGD` remembers.

    Parameters
    ----------
    velocity : tuple of numpy.ndarray
        u, for each parameter array.
    step : int
        Number of steps taken.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> SGD(0.1).init((np.ones(2),))
    SGDState(velocity=(array([0., 0.]),), step=0)
    """

    velocity: tuple[np.ndarray, ...]
    step: int


class SGD(NamedTuple):
    r"""Gradient descent: plain, with momentum, or with Nesterov's momentum.

    .. math::
        \theta \leftarrow \theta - \eta\, g \tag{4.1}

        u \leftarrow \mu u + g, \qquad \theta \leftarrow \theta - \eta\, u \tag{4.2}

        u \leftarrow \mu u + g, \qquad \theta \leftarrow \theta - \eta\, (g + \mu u) \tag{4.6}

        g \leftarrow g + \lambda \theta \qquad \text{before the others} \tag{4.8}

    Parameters
    ----------
    rate : float
        η, the learning rate.
    momentum : float
        μ, in [0, 1); with a constant gradient the step grows to η/(1 - μ) of it.
    nesterov : bool
        Take (4.6) in place of (4.2).
    weight_decay : float
        λ; the gradient of ½λ‖θ‖² is added, for the biases as well as for the weights.

    Notes
    -----
    As in torch, u does not contain the rate: a new one acts at once on all that u has gathered.
    Sutskever, Martens, Dahl & Hinton 2013, "On the importance of initialization and momentum";
    notebook 04.

    Examples
    --------
    >>> sgd, params = SGD(0.1), (np.array([1.0, 2.0]),)
    >>> params, state = sgd.step(params, (np.array([1.0, 1.0]),), sgd.init(params))
    >>> params, state.step
    ((array([0.9, 1.9]),), 1)
    """

    rate: float
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def init(self, params: Arrays) -> SGDState:
        """Return the state before the first step."""
        _checked(self)
        return SGDState(_zeros(params), 0)

    def step(
        self, params: Arrays, gradients: Arrays, state: SGDState, rate: float | None = None
    ) -> tuple[Any, SGDState]:
        """Return new parameters and a new state; `rate` is used in place of the optimiser's."""
        rate, momentum, nesterov, weight_decay = _checked(self, rate)
        _check_step(params, gradients, state, SGDState)
        thetas, us = [], []
        with np.errstate(over="ignore", invalid="ignore"):  # _finished looks for it
            for theta, g, u in zip(params, gradients, state.velocity, strict=True):
                g = _with_decay(g, theta, weight_decay)
                u = momentum * u + g  # (4.2)
                direction = g + momentum * u if nesterov else u  # (4.6)
                theta = theta - rate * direction  # (4.1)
                thetas.append(theta)
                us.append(u)
        return _finished(params, thetas, SGDState(tuple(us), state.step + 1))


class RMSPropState(NamedTuple):
    """What `RMSProp` remembers.

    Parameters
    ----------
    v : tuple of numpy.ndarray
        Running mean of g², for each parameter array.
    velocity : tuple of numpy.ndarray
        u, the same.
    step : int
        Number of steps taken.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> RMSProp(0.1).init((np.ones(2),))._fields
    ('v', 'velocity', 'step')
    """

    v: tuple[np.ndarray, ...]
    velocity: tuple[np.ndarray, ...]
    step: int


class RMSProp(NamedTuple):
    r"""Divide each entry of the gradient by its own running size.

    .. math::
        v \leftarrow \beta v + (1 - \beta)\, g^2, \qquad
        \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon} \tag{4.7}

    Parameters
    ----------
    rate : float
        η, the learning rate.
    beta : float
        β, in [0, 1): v remembers about 1/(1 - β) steps.
    eps : float
        ε, beside the root, not under it: where √v is far below ε the step is ηg/ε.
    momentum : float
        μ of (4.2), with the fraction in the place of g.
    weight_decay : float
        λ of (4.8).

    Notes
    -----
    v begins at 0 and is not corrected for it: the first step is η/√(1 - β) long in each entry, ten
    times η with β = 0.99. Tieleman & Hinton 2012, Coursera lecture 6.5; notebook 04.

    Examples
    --------
    >>> rmsprop, params = RMSProp(0.1), (np.array([1.0, 2.0]),)
    >>> rmsprop.step(params, (np.array([1e-3, -1e3]),), rmsprop.init(params))[0][0].round(3)
    array([0., 3.])
    """

    rate: float
    beta: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0

    def init(self, params: Arrays) -> RMSPropState:
        """Return the state before the first step."""
        _checked(self)
        return RMSPropState(_zeros(params), _zeros(params), 0)

    def step(
        self, params: Arrays, gradients: Arrays, state: RMSPropState, rate: float | None = None
    ) -> tuple[Any, RMSPropState]:
        """Return new parameters and a new state; `rate` is used in place of the optimiser's."""
        rate, beta, eps, momentum, weight_decay = _checked(self, rate)
        _check_step(params, gradients, state, RMSPropState)
        thetas, vs, us = [], [], []
        with np.errstate(over="ignore", invalid="ignore"):
            for theta, g, v, u in zip(params, gradients, state.v, state.velocity, strict=True):
                g = _with_decay(g, theta, weight_decay)
                v = beta * v + (1 - beta) * g**2
                u = momentum * u + g / (np.sqrt(v) + eps)
                theta = theta - rate * u  # (4.7)
                thetas.append(theta)
                vs.append(v)
                us.append(u)
        return _finished(params, thetas, RMSPropState(tuple(vs), tuple(us), state.step + 1))


class AdamState(NamedTuple):
    """What `Adam` and `AdamW` remember.

    Parameters
    ----------
    m : tuple of numpy.ndarray
        Running mean of g, for each parameter array.
    v : tuple of numpy.ndarray
        Running mean of g², the same.
    step : int
        Number of steps taken.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> Adam(0.1).init((np.ones(2),))
    AdamState(m=(array([0., 0.]),), v=(array([0., 0.]),), step=0)
    """

    m: tuple[np.ndarray, ...]
    v: tuple[np.ndarray, ...]
    step: int


class Adam(NamedTuple):
    r"""Steps of about the learning rate in every entry, whatever the gradient's scale.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g \tag{4.3}

        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \tag{4.4}

        \theta \leftarrow \theta - \eta\, \frac{m / (1 - \beta_1^n)}
            {\sqrt{v / (1 - \beta_2^n)} + \varepsilon} \qquad \text{in step } n = 1, 2, \dots
            \tag{4.5}

    Parameters
    ----------
    rate : float
        η, the learning rate.
    beta1 : float
        β_1, in [0, 1): m remembers about 1/(1 - β_1) steps.
    beta2 : float
        β_2, in [0, 1): v remembers about 1/(1 - β_2) steps.
    eps : float
        ε, beside the root: it decides where the gradient is not far above it.
    weight_decay : float
        λ of (4.8); as it is added to g it is divided by the root as well, see `AdamW`.
    bias_correction : bool
        False leaves out the two divisions by 1 - β^n, to see what they are for.

    Notes
    -----
    The first step is η g/(|g| + ε), so η sign(g) for all but tiny gradients. Without the correction
    it is (1 - β_1)/√(1 - β_2) = 3.162 times as long. Kingma & Ba 2015, "Adam: a method for
    stochastic optimization", algorithm 1; notebook 04.

    Examples
    --------
    >>> adam, params = Adam(0.1), (np.array([1.0, 2.0]),)
    >>> adam.step(params, (np.array([1e-3, -1e3]),), adam.init(params))[0][0].round(4)
    array([0.9, 2.1])
    """

    rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    bias_correction: bool = True

    def init(self, params: Arrays) -> AdamState:
        """Return the state before the first step."""
        _checked(self)
        return AdamState(_zeros(params), _zeros(params), 0)

    def step(
        self, params: Arrays, gradients: Arrays, state: AdamState, rate: float | None = None
    ) -> tuple[Any, AdamState]:
        """Return new parameters and a new state; `rate` is used in place of the optimiser's."""
        rate, beta1, beta2, eps, weight_decay, bias_correction = _checked(self, rate)
        _check_step(params, gradients, state, AdamState)
        n = state.step + 1
        share_m, share_v = (1 - beta1**n, 1 - beta2**n) if bias_correction else (1.0, 1.0)
        thetas, ms, vs = [], [], []
        with np.errstate(over="ignore", invalid="ignore"):
            for theta, g, m, v in zip(params, gradients, state.m, state.v, strict=True):
                g = _with_decay(g, theta, weight_decay)
                m = beta1 * m + (1 - beta1) * g  # (4.3)
                v = beta2 * v + (1 - beta2) * g**2  # (4.4)
                theta = theta - (rate / share_m) * m / (np.sqrt(v / share_v) + eps)  # (4.5)
                thetas.append(theta)
                ms.append(m)
                vs.append(v)
        return _finished(params, thetas, AdamState(tuple(ms), tuple(vs), n))


class AdamW(NamedTuple):
    r"""Adam with a weight decay that is not divided by the running size of the gradient.

    .. math::
        \theta \leftarrow \theta - \eta \lambda \theta \qquad \text{and then Adam's step} \tag{4.9}

    Parameters
    ----------
    rate : float
        η, the learning rate; it scales the decay as well.
    beta1 : float
        β_1, in [0, 1).
    beta2 : float
        β_2, in [0, 1).
    eps : float
        ε, beside the root.
    weight_decay : float
        λ, for the biases as well as for the weights.

    Notes
    -----
    Without a gradient each step multiplies θ by 1 - ηλ; with `Adam` and the same λ it subtracts
    about η, however small λ is. Loshchilov & Hutter 2019, "Decoupled weight decay regularization",
    algorithm 2, where the decay is λ times a schedule of its own; ηλ is torch's. Notebook 04.

    Examples
    --------
    >>> params, no_gradient = (np.array([1.0, 2.0]),), (np.zeros(2),)
    >>> for optimiser in (AdamW(0.1, weight_decay=0.01), Adam(0.1, weight_decay=0.01)):
    ...     print(optimiser.step(params, no_gradient, optimiser.init(params))[0][0].round(4))
    [0.999 1.998]
    [0.9 1.9]
    """

    rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01

    def init(self, params: Arrays) -> AdamState:
        """Return the state before the first step."""
        _checked(self)
        return AdamState(_zeros(params), _zeros(params), 0)

    def step(
        self, params: Arrays, gradients: Arrays, state: AdamState, rate: float | None = None
    ) -> tuple[Any, AdamState]:
        """Return new parameters and a new state; `rate` is used in place of the optimiser's."""
        rate, beta1, beta2, eps, weight_decay = _checked(self, rate)
        _check_params(params)
        decayed = [theta - rate * weight_decay * theta for theta in params]  # (4.9)
        adam = Adam(rate, beta1, beta2, eps)
        return adam.step(same_type(decayed, params), gradients, state)
