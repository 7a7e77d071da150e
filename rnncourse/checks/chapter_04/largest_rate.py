"""04.largest_rate: up to which learning rate does the training of a readout converge?"""

import functools

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake


@functools.cache
def _states_and_targets(scale=1.0):
    """States (60, 4) of a random tanh network, and a target (60,) for each; as in the notebook."""
    rng = np.random.default_rng(4)
    W_hh, h, states = rng.normal(size=(4, 4)) / 2, np.zeros(4), []
    for x_t in rng.normal(size=(60, 4)):
        h = np.tanh(x_t + W_hh @ h)
        states.append(h)
    return scale * np.array(states), rng.normal(size=60)


def _definition():
    """The same experiment on all rates at once, with smaller and smaller steps between them."""

    def largest(momentum, scale):
        h, target = _states_and_targets(scale)
        low, high = 0.0, 40.0
        while high - low > 0.003 * high:
            rates = np.linspace(low, high, 12)[1:-1]
            w = u = np.zeros((len(rates), h.shape[1]))
            for _ in range(200):
                error = w @ h.T - target
                u = momentum * u + 2 * error @ h / len(h)
                w = w - rates[:, None] * u
                w = np.clip(w, -1e9, 1e9)  # far away is far away
            worse = np.mean((w @ h.T - target) ** 2, axis=1) > np.mean(target**2)
            low = rates[~worse].max(initial=low)
            high = rates[worse].min(initial=high)
        return low

    found = {
        "plain": largest(0.0, 1.0),
        "momentum": largest(0.9, 1.0),
        "doubled": largest(0.0, 2.0),
    }
    return {name: Band(0.95 * rate, 1.05 * rate) for name, rate in found.items()}


def _attempt():
    def diverges(rate, momentum, scale, steps=150):
        h, target = _states_and_targets(scale)
        A, b, M = h.T @ h, h.T @ target, len(target)
        w = u = np.zeros(4)
        for _ in range(steps):
            u = momentum * u + 2 * (A @ w - b) / M
            w = np.clip(w - rate * u, -1e9, 1e9)  # far away is far away
        return np.mean((h @ w - target) ** 2) > np.mean(target**2)

    def largest(momentum, scale):
        low, high = 0.0, 8.0
        for _ in range(12):
            middle = (low + high) / 2
            if diverges(middle, momentum, scale):
                high = middle
            else:
                low = middle
        return (low + high) / 2

    return {
        "plain": largest(0.0, 1.0),
        "momentum": largest(0.9, 1.0),
        "doubled": largest(0.0, 2.0),
    }


EXERCISE = Exercise(
    name="04.largest_rate",
    title="Measure the largest learning rate",
    kind="experiment",
    inputs={},
    outputs={"plain": "", "momentum": "", "doubled": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your measurements",
            lambda rng: {},
            "Plot the loss against the steps for a rate a little below what you found, and for "
            "one a little above: does the first one fall, and the second one grow? If you found "
            "the highest rate that you tried: is `nan > 1` true, and does a higher one diverge? "
            "If you are near: how far apart are the rates that you tried?",
        ),
    ),
    hints=(
        "How would you find it by hand? Take a rate that is fine and one that is not, and try the "
        "one in the middle.",
        "The update is (4.1) of notebook 04, with momentum (4.2), and the gradient is that of the "
        "mean of (h·w - target)². A run has diverged if its loss after 200 steps is above the one "
        "at w = 0, or is no number any more.",
        "Begin with low = 0 and high = 8. Twelve times: train with (low + high)/2 from w = 0 and "
        "u = 0; if the loss has grown, or is nan, it is the new high, otherwise the new low. The "
        "gradient is 2*h.T @ (h @ w - target)/60.",
    ),
    points=4,
    mistakes=(
        Mistake(
            "the rate of one step across the steepest valley",
            "Half of the right values: there the steepest direction reaches its minimum in one "
            "step. Does a rate above that diverge, or swing to and fro and still come closer?",
            (("return (low + high) / 2", "return (low + high) / 4"),),
        ),
        Mistake(
            "the 2 of the square is missing in the gradient",
            "Twice the right values: what is the derivative of e²?",
            (("2 * (A @ w - b) / M", "(A @ w - b) / M"),),
        ),
        Mistake(
            "the loss is summed, not averaged",
            "A sixtieth of the right values: does your gradient belong to the mean or to the sum "
            "over the 60 states?",
            (("2 * (A @ w - b) / M", "2 * (A @ w - b)"),),
        ),
        Mistake(
            "too few steps",
            "After three steps, can one tell a slow growth from a fall? Take a few hundred.",
            (("steps=150", "steps=3"),),
        ),
        Mistake(
            "measured on the mean of the valleys",
            "Which direction diverges first: one of average steepness, or the steepest?",
            (('"plain": largest(0.0, 1.0)',
              '"plain": 4 * 60 / np.sum(_states_and_targets()[0] ** 2)'),),
        ),
        Mistake(
            "momentum changes nothing",
            "Your rate with momentum is the one without. Was `momentum` used in the run, and did u "
            "begin at zero?",
            (('"momentum": largest(0.9, 1.0)', '"momentum": largest(0.0, 1.0)'),),
        ),
        Mistake(
            "momentum as a ten times longer step",
            "A tenth of the rate without momentum: it would follow if the steps added up. But "
            "where the iterates swing to and fro, what do old and new gradients do to each other?",
            (('"momentum": largest(0.9, 1.0)', '"momentum": largest(0.0, 1.0) / 10'),),
        ),
        Mistake(
            "the new gradient enters u with 1 - 0.9",
            "Ten times the right value: in (4.2) the new gradient enters u whole.",
            (('"momentum": largest(0.9, 1.0)', '"momentum": 10 * largest(0.9, 1.0)'),),
        ),
        Mistake(
            "doubled states change nothing",
            "Are the states of the third run really twice as large? The curvature is made of "
            "their squares.",
            (('"doubled": largest(0.0, 2.0)', '"doubled": largest(0.0, 1.0)'),),
        ),
        Mistake(
            "doubled states halve the rate",
            "The gradient has h twice: once in the error, once as its factor.",
            (('"doubled": largest(0.0, 2.0)', '"doubled": largest(0.0, 1.0) / 2'),),
        ),
        Mistake(
            "doubled states allow a larger rate",
            "Is the valley steeper or flatter if the states are larger?",
            (('"doubled": largest(0.0, 2.0)', '"doubled": 4 * largest(0.0, 1.0)'),),
        ),
    ),
)  # fmt: skip
