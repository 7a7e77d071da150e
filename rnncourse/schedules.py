"""Schedules: functions from the step number n = 0, 1, 2, … to the learning rate η_n of that step.

Give its value to an optimiser: ``optimiser.step(params, gradients, state, rate=schedule(n))``.
"""

from collections.abc import Callable
from math import cos, inf, pi
from numbers import Integral, Real

Schedule = Callable[[int], float]


def _check_number(name: str, value: float, high: float = inf, text: str = "at least 0") -> float:
    if not isinstance(value, Real) or not 0 <= value <= high or value == inf:
        raise ValueError(f"{name} is {value!r}; expected a finite number, {text}.")
    return float(value)


def _check_count(name: str, value: int, least: int = 1) -> int:
    if not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}.")
    return int(value)


def constant(rate: float) -> Schedule:
    """Keep one learning rate.

    Parameters
    ----------
    rate : float
        The learning rate of every step.

    Returns
    -------
    Callable
        From the step number to the learning rate.

    Raises
    ------
    ValueError
        If `rate` is negative or not finite.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """
    eta = _check_number("rate", rate)

    def schedule(n: int) -> float:
        _check_count("the step number", n, 0)
        return eta

    return schedule


def step_decay(rate: float, factor: float, every: int) -> Schedule:
    r"""Multiply the learning rate by a factor once in so many steps.

    .. math:: \eta_n = \eta_0 \, q^{\lfloor n / s \rfloor} \tag{4.10}

    Parameters
    ----------
    rate : float
        η_0.
    factor : float
        q, in [0, 1].
    every : int
        s, number of steps with the same learning rate.

    Returns
    -------
    Callable
        From the step number to the learning rate.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    torch's ``StepLR``. Notebook 04.

    Examples
    --------
    >>> schedule = step_decay(0.8, factor=0.5, every=100)
    >>> schedule(99), schedule(100), schedule(200)
    (0.8, 0.4, 0.2)
    """
    eta, s = _check_number("rate", rate), _check_count("every", every)
    q = _check_number("factor", factor, 1, "from 0 to 1")

    def schedule(n: int) -> float:
        n = _check_count("the step number", n, 0)
        return eta * q ** (n // s)  # (4.10)

    return schedule


def exponential_decay(rate: float, factor: float) -> Schedule:
    r"""Multiply the learning rate by a factor in every step.

    .. math:: \eta_n = \eta_0 \, q^n \tag{4.11}

    Parameters
    ----------
    rate : float
        η_0.
    factor : float
        q, in [0, 1]; for a half-life of s steps, ``0.5 ** (1 / s)``.

    Returns
    -------
    Callable
        From the step number to the learning rate.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    All steps together are no longer than η_0/(1 - q): too small a q ends the training before the
    minimum is near. torch's ``ExponentialLR``. Notebook 04.

    Examples
    --------
    >>> exponential_decay(0.8, 0.5)(3)
    0.1
    """
    eta, q = _check_number("rate", rate), _check_number("factor", factor, 1, "from 0 to 1")

    def schedule(n: int) -> float:
        n = _check_count("the step number", n, 0)
        return eta * q**n  # (4.11)

    return schedule


def cosine(rate: float, steps: int, final: float = 0.0) -> Schedule:
    r"""Lower the learning rate along half a cosine, slowly at both ends.

    .. math::
        \eta_n = \eta_S + \frac{\eta_0 - \eta_S}{2}
            \Big(1 + \cos \frac{\pi \min(n, S)}{S}\Big) \tag{4.12}

    Parameters
    ----------
    rate : float
        η_0.
    steps : int
        S, the step at which `final` is reached; it stays from there on.
    final : float
        η_S.

    Returns
    -------
    Callable
        From the step number to the learning rate.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    torch's ``CosineAnnealingLR`` rises again after S steps. Loshchilov & Hutter 2017, "SGDR:
    stochastic gradient descent with warm restarts", eq. 5, without restarts. Notebook 04.

    Examples
    --------
    >>> schedule = cosine(0.1, steps=100)
    >>> [round(schedule(n), 4) for n in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """
    eta, end = _check_number("rate", rate), _check_number("final", final)
    S = _check_count("steps", steps)

    def schedule(n: int) -> float:
        n = _check_count("the step number", n, 0)
        return end + (eta - end) / 2 * (1 + cos(pi * min(n, S) / S))  # (4.12)

    return schedule


def warmup(schedule: Schedule | float, steps: int) -> Schedule:
    r"""Raise the learning rate in equal parts, then begin the given schedule.

    .. math::
        \eta_n = \begin{cases} \dfrac{n + 1}{S} \, \tilde\eta_0 & n < S \\
            \tilde\eta_{n - S} & n \ge S \end{cases} \tag{4.13}

    Parameters
    ----------
    schedule : Callable or float
        η̃, what follows: a schedule, which begins with its own step 0, or one learning rate.
    steps : int
        S, number of steps of the rise.

    Returns
    -------
    Callable
        From the step number to the learning rate.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Adam's running means are made of a few gradients at the start; short first steps keep what they
    get wrong small. Goyal et al. 2017, "Accurate, large minibatch SGD", §2.2. Notebook 04.

    Examples
    --------
    >>> schedule = warmup(0.4, steps=4)
    >>> [round(schedule(n), 4) for n in range(6)]
    [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    """
    after = schedule if callable(schedule) else constant(schedule)
    S = _check_count("steps", steps)

    def warmed(n: int) -> float:
        n = _check_count("the step number", n, 0)
        return (n + 1) / S * after(0) if n < S else after(n - S)  # (4.13)

    return warmed
