"""06.half_life: how long a cell keeps a small difference, measured again step by step."""

import functools
import math

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake
from rnncourse.lstm import init_lstm_params, unroll_lstm

T, N, NETWORKS = 200, 30, 25
# what is moved at the start: nothing, c_0, c_0 by much, c_0 and h_0
MOVED_C = np.array([0.0, 1e-6, 1.0, 1e-6])
MOVED_H = np.array([0.0, 0.0, 0.0, 1e-6])


@functools.lru_cache(maxsize=400)  # the known mistakes ask for the same runs again
def _runs(forget_bias: float, gain: float, seed: int):
    """Run one network from four starts at once: (200, 4, 30) each."""
    rng = np.random.default_rng(seed)
    params = init_lstm_params(2, N, 1, rng, gain=gain, forget_bias=forget_bias)
    x = np.repeat(rng.standard_normal((T, 1, 2)), 4, axis=1)
    ones = np.ones((1, N))
    return unroll_lstm(params, x, MOVED_H[:, None] * ones, MOVED_C[:, None] * ones)


def _difference(forget_bias, gain, seed, of="c", start=1):
    """The difference of two runs, (200, 30), in units of the moved c_0."""
    states = getattr(_runs(forget_bias, gain, seed), of)
    return (states[:, start] - states[:, 0]) / MOVED_C[start]


def _gates_alone(forget_bias, gain, seed):
    """The product of the forget gates alone."""
    return np.cumprod(_runs(forget_bias, gain, seed).f[:, 0], axis=0)


def _definition():
    """Multiply by the gate until a half is left; look for the first step in each network."""
    bands = {}
    for name, bias in (("biases_only_1", 1.0), ("biases_only_3", 3.0)):
        steps, left = 0, 1.0
        while left > 0.5:
            steps, left = steps + 1, left / (1 + math.exp(-bias))
        bands[name] = Band(steps - 0.02, steps + 0.02)
    found = []
    for seed in range(NETWORKS):
        found.append(math.inf)
        for step, row in enumerate(_difference(3.0, 1.0, seed), start=1):
            if math.sqrt(sum(row**2) / N) <= 0.5:
                found[-1] = step
                break
    middle = sorted(found)[NETWORKS // 2]
    return bands | {"with_weights_3": Band(0.97 * middle, 1.03 * middle)}


def _attempt():
    def half_life(forget_bias, gain, seed):
        moved = _difference(forget_bias, gain, seed)
        d = np.linalg.norm(moved, axis=1) / math.sqrt(N)
        below = np.flatnonzero(d <= 0.5)
        return below[0] + 1 if below.size else math.inf

    return {
        "biases_only_1": half_life(1.0, 0.0, 0),
        "biases_only_3": half_life(3.0, 0.0, 0),
        "with_weights_3": np.median([half_life(3.0, 1.0, seed) for seed in range(NETWORKS)]),
    }


# the three of them give nearly the same number of steps
TOO_SHORT = (
    "The last measurement is far too short. Is it the norm over the units and the median over all "
    "25 networks, and do you compare the cells of two runs, not multiply the forget gates?"
)
ONE_OVER_E = "To which share should the difference have fallen: 1/e, or a half?"

EXERCISE = Exercise(
    name="06.half_life",
    title="The half-life of a cell",
    kind="experiment",
    inputs={},
    outputs={"biases_only_1": "", "biases_only_3": "", "with_weights_3": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your measurements",
            lambda rng: {},
            "Begin with biases_only_3: without weights every entry of the difference is "
            "multiplied by the same forget gate at each step, so you know what has to come out. "
            "If only with_weights_3 is wrong: are bias, gain and seeds those of the text?",
        ),
    ),
    hints=(
        "Two runs differ in c_0 alone. What has to be the same in both of them, and what do you "
        "compare at each step?",
        "Without weights, (6.18) of notebook 06 predicts the first two numbers: f^n = 1/2 with "
        "f = logistic(b). Row 0 of trace.c is the cell after one step.",
        "d = norm(c_moved - c, over the units) / norm(c_0 moved - c_0), one number a step; the "
        "half-life is np.flatnonzero(d <= 0.5)[0] + 1, or inf if there is none; then the median "
        "over the 25 networks.",
    ),
    points=4,
    mistakes=(
        Mistake(
            "the time constant in the place of the half-life",
            ONE_OVER_E,
            (("<= 0.5", "<= math.exp(-1)"),),
        ),
        Mistake(
            "the time constant by its formula",
            ONE_OVER_E,
            (
                ("half_life(1.0, 0.0, 0)", "1 / math.log(1 + math.exp(-1.0))"),
                ("half_life(3.0, 0.0, 0)", "1 / math.log(1 + math.exp(-3.0))"),
            ),
        ),
        Mistake(
            "the prediction in the place of the measurement",
            "This is where (6.18) crosses 1/2, between two steps. After which whole step is d_n "
            "at or below 1/2 for the first time?",
            (
                ("half_life(1.0, 0.0, 0)", "math.log(2) / math.log(1 + math.exp(-1.0))"),
                ("half_life(3.0, 0.0, 0)", "math.log(2) / math.log(1 + math.exp(-3.0))"),
            ),
        ),
        Mistake(
            "steps counted from 0",
            "After how many steps is row 0 of trace.c the cell?",
            (("below[0] + 1", "below[0]"),),
        ),
        Mistake(
            "one step too many",
            "Row 0 of trace.c is the cell after one step. If you put c_0 in front of it, which "
            "row is n = 1 then?",
            (("below[0] + 1", "below[0] + 2"),),
        ),
        Mistake(
            "forget bias and gain exchanged",
            "In network the forget bias stands before the gain. With gain 0, does anything but the "
            "biases act?",
            (
                ("half_life(1.0, 0.0, 0)", "half_life(0.0, 1.0, 0)"),
                ("half_life(3.0, 0.0, 0)", "half_life(0.0, 3.0, 0)"),
            ),
        ),
        Mistake(
            "the squared difference",
            "Is it the distance that halves, or its square? A norm has a root.",
            (("d <= 0.5", "d**2 <= 0.5"),),
        ),
        Mistake(
            "h compared in the place of c",
            "Which of the two states is the cell? h shows only a part of it, behind the output "
            "gate.",
            (("_difference(forget_bias, gain, seed)",
              '_difference(forget_bias, gain, seed, "h")'),),
        ),
        Mistake(
            "divided by one entry of c_0",
            "c_0 has 30 entries of 10^-6. What is its Euclidean norm?",
            (("/ math.sqrt(N)", ""),),
        ),
        Mistake(
            "a mean over the networks, or two different inputs",
            "Some networks never come down to a half. What does a mean make of one infinite "
            "half-life, and what a median? (And do both runs read the same x?)",
            (("np.median(", "np.mean("),),
        ),
        Mistake(
            "the largest entry for the norm",
            "Which norm is asked for? One unit may keep its difference while the others lose it.",
            (("np.linalg.norm(moved, axis=1) / math.sqrt(N)", "np.abs(moved).max(axis=1)"),),
        ),
        Mistake(
            "a large difference at the start",
            "How large is the difference of the two c_0? A large one changes the gates as well.",
            (("_difference(forget_bias, gain, seed)",
              "_difference(forget_bias, gain, seed, start=2)"),),
        ),
        Mistake(
            "h_0 moved too",
            "Which of the two initial states differs between the runs?",
            (("_difference(forget_bias, gain, seed)",
              "_difference(forget_bias, gain, seed, start=3)"),),
        ),
        Mistake(
            "the last time above a half",
            "With weights d_n may rise again. Is the FIRST n asked for, or the one after which it "
            "stays below?",
            (
                ("below = np.flatnonzero(d <= 0.5)", "above = np.flatnonzero(d > 0.5)"),
                ("below[0] + 1 if below.size else math.inf",
                 "above[-1] + 2 if above[-1] + 1 < T else math.inf"),
            ),
        ),
        Mistake(
            "no weights in the last measurement",
            "In the last measurement the weights act: which gain does it have?",
            (("half_life(3.0, 1.0, seed)", "half_life(3.0, 0.0, seed)"),),
        ),
        Mistake(
            "another forget bias in the last measurement",
            "Which forget bias does the last measurement have?",
            (("half_life(3.0, 1.0, seed)", "half_life(0.0, 1.0, seed)"),),
        ),
        Mistake(
            "the forget bias 1 in the last measurement",
            "Which forget bias does the last measurement have?",
            (("half_life(3.0, 1.0, seed)", "half_life(1.0, 1.0, seed)"),),
        ),
        Mistake(
            "one network, a mean over the units, or the forget gates multiplied",
            TOO_SHORT,
            (("_difference(forget_bias, gain, seed)", "_gates_alone(forget_bias, gain, seed)"),),
        ),
        Mistake(
            "one network only",
            TOO_SHORT,
            (("for seed in range(NETWORKS)", "for seed in range(1)"),),
        ),
        Mistake(
            "the mean over the units",
            TOO_SHORT,
            (("np.linalg.norm(moved, axis=1) / math.sqrt(N)", "moved.mean(axis=1)"),),
        ),
    ),
)  # fmt: skip
