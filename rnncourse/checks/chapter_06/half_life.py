"""06.half_life: how long a cell keeps a small difference, measured again with other networks."""

import functools
import math

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake
from rnncourse.lstm import gate_rows, init_lstm_params, unroll_lstm

T, N, NETWORKS = 200, 30, 25


@functools.lru_cache(maxsize=200)  # the known mistakes ask for the same runs again
def _difference(forget_bias: float, gain: float, seed: int, gate: str = "f") -> np.ndarray:
    """Two runs from c_0 = 0 and c_0 = 1e-6: the distance of their cells, in units of the first."""
    rng = np.random.default_rng(seed)
    params = init_lstm_params(2, N, 1, rng, gain=gain)
    params.b_h[gate_rows(N)[gate]] = forget_bias
    x = np.repeat(rng.standard_normal((T, 1, 2)), 2, axis=1)
    c_0 = np.array([np.zeros(N), np.full(N, 1e-6)])
    c = unroll_lstm(params, x, np.zeros((2, N)), c_0).c
    return np.linalg.norm(c[:, 1] - c[:, 0], axis=1) / np.linalg.norm(c_0[1])


def _half_life(forget_bias: float, gain: float, seed: int) -> float:
    below = np.flatnonzero(_difference(forget_bias, gain, seed) <= 0.5)
    return below[0] + 1 if below.size else math.inf


def _definition():
    """Solve f^n = 1/2 where only biases act; repeat the experiment with other seeds where not."""
    bands = {}
    for name, bias in (("biases_only_1", 1.0), ("biases_only_3", 3.0)):
        exact = math.log(2) / math.log(1 + math.exp(-bias))
        bands[name] = Band(exact - 0.02, math.ceil(exact) + 0.02)
    again = np.median([_half_life(3.0, 1.0, 1000 + seed) for seed in range(NETWORKS)])
    return bands | {"with_weights_3": Band(0.4 * again, 2.5 * again)}


def _attempt():
    def half_life(forget_bias, gain, seed):
        below = np.flatnonzero(_difference(forget_bias, gain, seed) <= 0.5)
        return below[0] + 1 if below.size else math.inf

    return {
        "biases_only_1": half_life(1.0, 0.0, 0),
        "biases_only_3": half_life(3.0, 0.0, 0),
        "with_weights_3": np.median([half_life(3.0, 1.0, seed) for seed in range(NETWORKS)]),
    }


# the band of the last measurement is wider than these two wrong ones lie apart
TOO_SHORT = (
    "The last measurement is far too short: are the weights drawn with gain 1, is the forget bias "
    "3 there as well, and are the cells of two runs compared, not the forget gates multiplied?"
)

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
            "multiplied by the same forget gate at each step, so you know what has to come out. If "
            "with_weights_3 is infinite or nan: do both runs read the same x, for 200 steps?",
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
            "To which share should the difference have fallen: 1/e, or a half?",
            (("<= 0.5", "<= math.exp(-1)"),),
        ),
        Mistake(
            "the time constant by its formula",
            "To which share should the difference have fallen: 1/e, or a half?",
            (
                ("half_life(1.0, 0.0, 0)", "1 / math.log(1 + math.exp(-1.0))"),
                ("half_life(3.0, 0.0, 0)", "1 / math.log(1 + math.exp(-3.0))"),
            ),
        ),
        Mistake(
            "steps counted from 0",
            "After how many steps is row 0 of trace.c the cell?",
            (("below[0] + 1", "below[0]"),),
        ),
        Mistake(
            "the squared difference",
            "Is it the distance that halves, or its square? A norm has a root.",
            (("(forget_bias, gain, seed) <=", "(forget_bias, gain, seed) ** 2 <="),),
        ),
        Mistake(
            "the bias at another gate",
            "Which rows of b_h belong to the forget gate? See gate_rows.",
            (("_difference(forget_bias, gain, seed)",
              '_difference(forget_bias, gain, seed, "i")'),),
        ),
        Mistake(
            "no weights in the last measurement",
            TOO_SHORT,
            (("half_life(3.0, 1.0, seed)", "half_life(3.0, 0.0, seed)"),),
        ),
        Mistake(
            "no forget bias in the last measurement",
            TOO_SHORT,
            (("half_life(3.0, 1.0, seed)", "half_life(0.0, 1.0, seed)"),),
        ),
    ),
)  # fmt: skip
