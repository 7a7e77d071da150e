"""07.variance_and_dt: the standard deviation of noisy leaky neurons, measured at two steps."""

import math

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake

TAU, SIGMA, END = 100.0, 1.0, 1000.0  # ms, and the unit of v
STEPS = (50.0, 5.0)  # ms
NEURONS = 20_000
WIDTH = 0.04  # of the band, to either side: eight standard errors of a measurement


def _definition():
    """Once more with other noise and fewer neurons, averaged over the last 500 ms."""
    rng = np.random.default_rng(77)
    some = 8_000
    bands = {}
    for dt in STEPS:
        alpha = dt / TAU
        right, careless = np.zeros(some), np.zeros(some)
        squares = []
        for step in range(round(END / dt)):
            xi = rng.standard_normal(some)
            right += -alpha * right + math.sqrt(2 * alpha) * SIGMA * xi
            careless += -alpha * careless + alpha * SIGMA * xi
            if step * dt >= END / 2:
                squares.append((right @ right / some, careless @ careless / some))
        for name, variance in zip(("right", "careless"), np.mean(squares, axis=0), strict=True):
            sd = math.sqrt(variance)
            bands[f"{name}_{dt:.0f}"] = Band((1 - WIDTH) * sd, (1 + WIDTH) * sd)
    return bands


def _attempt():
    rng = np.random.default_rng(0)
    measured = {}
    for dt in STEPS:
        alpha = dt / TAU
        right, careless = np.zeros(NEURONS), np.zeros(NEURONS)
        for _ in range(round(END / dt)):
            xi = rng.normal(size=NEURONS)
            right = (1 - alpha) * right + math.sqrt(2 * alpha) * SIGMA * xi
            careless = (1 - alpha) * careless + alpha * SIGMA * xi
        measured[f"right_{dt:.0f}"] = right.std()
        measured[f"careless_{dt:.0f}"] = careless.std()
    return measured


def _sd(alpha: float, kick: float, steps: float = math.inf) -> float:
    """What many neurons would show whose voltage gets a kick of this size at each step."""
    keeps = (1 - alpha) ** 2
    gone = 0.0 if math.isinf(steps) else keeps**steps
    return kick * math.sqrt((1 - gone) / (1 - keeps))


def _wrong(right=None, careless=None, *, steps=None, power=1):
    """A wrong measurement, without the time it takes: kicks as functions of α."""
    right = right or (lambda alpha: math.sqrt(2 * alpha))
    careless = careless or (lambda alpha: alpha)

    def answers():
        found = {}
        for dt in STEPS:
            number = math.inf if steps is None else steps(dt)
            found[f"right_{dt:.0f}"] = _sd(dt / TAU, right(dt / TAU), number) ** power
            found[f"careless_{dt:.0f}"] = _sd(dt / TAU, careless(dt / TAU), number) ** power
        return found

    return answers


def _no_leak():
    found = {}
    for dt in STEPS:
        alpha, root = dt / TAU, math.sqrt(END / dt)
        found[f"right_{dt:.0f}"] = math.sqrt(2 * alpha) * root
        found[f"careless_{dt:.0f}"] = alpha * root
    return found


def _exchanged():
    """α v + ... in the place of (1 - α) v + ..."""
    found = {}
    for dt in STEPS:
        alpha = dt / TAU
        found[f"right_{dt:.0f}"] = math.sqrt(2 * alpha / (1 - alpha**2))
        found[f"careless_{dt:.0f}"] = alpha / math.sqrt(1 - alpha**2)
    return found


def _same_kick():
    """The noise is drawn once, and added at every step: kicks add up instead of variances."""
    found = {}
    for dt in STEPS:
        alpha = dt / TAU
        left = (1 - (1 - alpha) ** round(END / dt)) / alpha
        found[f"right_{dt:.0f}"] = math.sqrt(2 * alpha) * left
        found[f"careless_{dt:.0f}"] = alpha * left
    return found


def _inverted():
    """α = τ/Δt: a random walk for 50 ms, and for 5 ms more than a double can hold."""
    steps = round(END / max(STEPS))
    alpha = TAU / max(STEPS)
    return {
        "right_50": math.sqrt(2 * alpha * steps),
        "right_5": math.inf,
        "careless_50": alpha * math.sqrt(steps),
        "careless_5": math.inf,
    }


EXERCISE = Exercise(
    name="07.variance_and_dt",
    title="The step and the noise, measured",
    kind="experiment",
    inputs={},
    outputs={"right_50": "", "right_5": "", "careless_50": "", "careless_5": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your measurement",
            lambda rng: {},
            "The examiner has measured it again just now. Compare with (7.6): which of the four "
            "numbers departs from it, and by which factor? Is your α 0.5 and 0.05? If it is a few "
            "per cent: are there 20,000 neurons, and is the deviation taken over them at the end, "
            "not over time?",
        ),
    ),
    hints=(
        "Which part of v survives a step, and what is added to it? How long does it take until "
        "the start is forgotten?",
        "It is the recursion in (7.6) of notebook 07, once with √(2α) σ ξ and once with α σ ξ, "
        "from v = 0. Take `.std()` over the neurons at the end.",
        "For each dt: alpha = dt / 100; repeat 1000 / dt times v = (1 - alpha) * v + "
        "np.sqrt(2 * alpha) * rng.normal(size=20_000), and alpha in the place of the root for the "
        "careless one; then v.std().",
    ),
    mistakes=(
        Mistake(
            "careless noise in both",
            "The first pair is the noise √(2α)σξ. Is it α in your loop?",
            wrong=_wrong(right=lambda alpha: alpha),
        ),
        Mistake(
            "right noise in both",
            "The second pair is the careless noise ασξ. Is it √(2α) in your loop?",
            wrong=_wrong(careless=lambda alpha: math.sqrt(2 * alpha)),
        ),
        Mistake(
            "the two kinds of noise exchanged",
            "Which of them keeps its variance as the step gets finer?",
            wrong=_wrong(lambda alpha: alpha, lambda alpha: math.sqrt(2 * alpha)),
        ),
        Mistake(
            "the 2 left out of the noise",
            "√α or √(2α)? At small steps your first pair should be near σ = 1.",
            wrong=_wrong(right=lambda alpha: math.sqrt(alpha)),
        ),
        Mistake(
            "√(2α) multiplied by α once more",
            "√(2α)σξ is added to v itself, outside of the bracket with α.",
            wrong=_wrong(right=lambda alpha: alpha * math.sqrt(2 * alpha)),
        ),
        Mistake(
            "√(2/α) added to v itself",
            "√(2/α) belongs inside the bracket, where α multiplies it.",
            wrong=_wrong(right=lambda alpha: math.sqrt(2 / alpha)),
        ),
        Mistake(
            "2α without the root",
            "2α is the variance of a kick. What multiplies ξ?",
            wrong=_wrong(right=lambda alpha: 2 * alpha),
        ),
        Mistake(
            "σξ at each step in the careless pair",
            "The careless noise is ασξ: a current that nobody scaled.",
            wrong=_wrong(careless=lambda alpha: 1.0),
        ),
        Mistake(
            "variances for standard deviations",
            "The standard deviation is asked for: `.std()`, or the root of `.var()`.",
            wrong=_wrong(power=2),
        ),
        Mistake(
            "one noise for all neurons",
            "Do your neurons differ at all? Each needs a ξ of its own: `size=20_000`.",
            wrong=_wrong(lambda alpha: 0.0, lambda alpha: 0.0),
        ),
        Mistake(
            "noise between 0 and 1",
            "Which mean and which variance has `rng.random`? ξ is standard normal: `rng.normal`.",
            wrong=_wrong(lambda alpha: math.sqrt(2 * alpha / 12), lambda alpha: alpha / 12**0.5),
        ),
        Mistake(
            "as many steps for both Δt",
            "The time is 1000 ms for both. How many steps of 5 ms are that?",
            wrong=_wrong(steps=lambda dt: 20),
        ),
        Mistake(
            "the two Δt exchanged",
            "Which of your steps is 50 ms long? α is Δt/τ.",
            wrong=lambda: dict(
                zip(
                    ("right_5", "careless_5", "right_50", "careless_50"),
                    _wrong()().values(),
                    strict=True,
                )
            ),
        ),
        Mistake(
            "no leak",
            "What is left of v after a step? Without the leak the kicks pile up for ever.",
            wrong=_no_leak,
        ),
        Mistake(
            "α and 1 - α exchanged",
            "For a step of 5 ms, should much or little of v be left?",
            wrong=_exchanged,
        ),
        Mistake(
            "one step only",
            "How many steps are 1000 ms? After a single one you see one kick.",
            wrong=_wrong(steps=lambda dt: 1),
        ),
        Mistake(
            "one ξ for all steps",
            "Is ξ drawn anew at each step? The kicks have to be independent, or they add up.",
            wrong=_same_kick,
        ),
        Mistake(
            "τ and Δt exchanged",
            "α is Δt/τ, which is small for a fine step. Which α has your step of 5 ms?",
            wrong=_inverted,
        ),
    ),
)
