"""03.lyapunov_measured: the largest Lyapunov exponent of two networks, measured again."""

import functools

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake

N, STEPS, DISCARD = 50, 2000, 200


def _weights(gain):
    return gain * np.random.default_rng(3).standard_normal((N, N)) / np.sqrt(N)


@functools.cache
def _runs(gain):
    """λ_1 of 12 runs from other starts, each with a tangent vector of its own."""
    W, rng = _weights(gain), np.random.default_rng(11)
    h, v = rng.standard_normal((12, N)), rng.standard_normal((12, N))
    total = np.zeros(12)
    for t in range(DISCARD + STEPS):
        h = np.tanh(h @ W.T)
        v = (1 - h**2) * (v @ W.T)
        size = np.linalg.norm(v, axis=1)
        v = v / size[:, None]
        if t >= DISCARD:
            total += np.log(size)
    return total / STEPS


def _definition():
    """The mean of the runs; wide enough for a run half as long, whatever its start."""
    bands = {}
    for name, gain in (("lambda_quiet", 0.5), ("lambda_chaos", 2.0)):
        runs = _runs(gain)
        room = 0.01 + 5 * runs.std()
        bands[name] = Band(runs.mean() - room, runs.mean() + room)
    return bands


@functools.cache
def _measured(gain, slope_of=lambda h: 1 - h**2, start=1.0):
    """One run by the recipe; with another slope or start, what a wrong one measures."""
    W, rng = _weights(gain), np.random.default_rng(5)
    h, v = start * rng.standard_normal(N), rng.standard_normal(N)
    total = 0.0
    for t in range(DISCARD + STEPS):
        h = np.tanh(W @ h)
        v = slope_of(h) * (W @ v)
        size = np.linalg.norm(v)
        v = v / size
        if t >= DISCARD:
            total += np.log(size)
    return total / STEPS


def _attempt():
    lambda_quiet = _measured(0.5)
    lambda_chaos = _measured(2.0)
    return lambda_quiet, lambda_chaos


def _slope_at_h(h):
    return 1 - np.tanh(h) ** 2


def _one_long_product():
    """Without taking the norm out: the vector becomes zero, and ln 0 is minus infinity."""
    return -np.inf, _measured(2.0)


def _mean_exponent():
    """The mean of all exponents, by (3.19), in the place of the largest."""
    means = []
    for gain in (0.5, 2.0):
        W = _weights(gain)
        h, total = np.random.default_rng(5).standard_normal(N), 0.0
        for t in range(DISCARD + 500):
            h = np.tanh(W @ h)
            if t >= DISCARD:
                total += np.log(1 - h**2).mean()
        means.append(total / 500 + np.linalg.slogdet(W)[1] / N)
    return tuple(means)


def _norm_of_weights():
    return tuple(float(np.log(np.linalg.norm(_weights(g), 2))) for g in (0.5, 2.0))


def _mean_log(size, steps):
    """The mean of ln size(J_t) for both networks."""
    means = []
    for gain in (0.5, 2.0):
        W, rng = _weights(gain), np.random.default_rng(5)
        h, logs = rng.standard_normal(N), []
        for t in range(DISCARD + steps):
            h = np.tanh(W @ h)
            if t >= DISCARD:
                logs.append(np.log(size((1 - h**2)[:, None] * W, rng)))
        means.append(float(np.mean(logs)))
    return tuple(means)


@functools.cache
def _mean_log_norm():
    """The mean of ln ‖J_t‖: each step's own most favoured direction."""
    return _mean_log(lambda J, rng: np.linalg.norm(J, 2), 40)


@functools.cache
def _mean_log_radius():
    """The mean of ln ρ(J_t): each step's own eigenvector."""
    return _mean_log(lambda J, rng: np.abs(np.linalg.eigvals(J)).max(), 100)


@functools.cache
def _new_vectors():
    """The mean of ln ‖J_t v‖ with a random v of length 1 at each step."""

    def stretch(J, rng):
        v = rng.standard_normal(N)
        return np.linalg.norm(J @ v) / np.linalg.norm(v)

    return _mean_log(stretch, STEPS)


RENORMALISE = (
    "What becomes of a number that is halved 2000 times? Take the norm out at every step and "
    "add up its logarithms: (3.2)."
)
LINEAR = (
    "That is the rate of the linear network, without slopes. Either D_t is missing, or the run "
    "was started exactly at zero, where it stays and all slopes are 1. Which one is yours?"
)

EXERCISE = Exercise(
    name="03.lyapunov_measured",
    title="Measure the largest Lyapunov exponent",
    kind="experiment",
    inputs={},
    outputs={"lambda_quiet": "", "lambda_chaos": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("your measurements", lambda rng: {},
             "Is one of them far outside of -2 to 2? Then it is a sum for a mean, or the length of "
             "the vector is not set back to 1. Else compare with the task: the matrix from its "
             "seed, no input, a random start, one vector through all steps, and the mean of the "
             "natural logarithms over the steps that were added up."),
    ),
    hints=(
        "If a small change grows by the factors f_1, f_2, …, f_T, what is its mean rate per step, "
        "and how do you compute it without forming the product?",
        "It is (3.18) of notebook 03 for i = 1: carry one vector along, J_t = D_t W as in (3.1), "
        "and set its length back to 1 at every step.",
        "At each step h = tanh(W h), v = (1 - h²) * (W v), size = ‖v‖, v = v / size. After 200 "
        "steps begin to add up ln(size); divide by the number of steps that you added.",
    ),
    mistakes=(
        Mistake("one long product", RENORMALISE, wrong=_one_long_product),
        Mistake("one long product in both", RENORMALISE,
                (("lambda_quiet = _measured(0.5)", "lambda_quiet = -np.inf"),
                 ("lambda_chaos = _measured(2.0)", "lambda_chaos = np.inf"))),
        Mistake("log base 2",
                "Asked are natural logarithms. How much larger are yours?",
                (("_measured(0.5)", "_measured(0.5) / np.log(2)"),
                 ("_measured(2.0)", "_measured(2.0) / np.log(2)"))),
        Mistake("log base 10",
                "Asked are natural logarithms. How much smaller are yours?",
                (("_measured(0.5)", "_measured(0.5) / np.log(10)"),
                 ("_measured(2.0)", "_measured(2.0) / np.log(10)"))),
        Mistake("not divided by the number of steps",
                "An exponent is a rate per step. By what do you divide the sum of the logarithms?",
                (("_measured(0.5)", "_measured(0.5) * STEPS"),
                 ("_measured(2.0)", "_measured(2.0) * STEPS"))),
        Mistake("divided by all steps, also those that were left out",
                "How many logarithms are in your sum? The steps that are left out add nothing to "
                "it.",
                (("_measured(0.5)", "_measured(0.5) * STEPS / (STEPS + DISCARD)"),
                 ("_measured(2.0)", "_measured(2.0) * STEPS / (STEPS + DISCARD)"))),
        Mistake("another random vector at every step",
                "A random vector is stretched less than one that has already been turned by the "
                "steps before it. Which vector enters step t + 1?",
                wrong=_new_vectors),
        Mistake("the mean of ln ρ(J_t)",
                "The eigenvectors of J_t are not those of J_{t+1}, and no vector is in all of "
                "them. Carry one vector through all steps.",
                wrong=_mean_log_radius),
        Mistake("the factor itself, without the logarithm",
                "You have the factor per step. Its logarithm is asked for: 0 stands for neither "
                "growing nor fading.",
                (("_measured(0.5)", "np.exp(_measured(0.5))"),
                 ("_measured(2.0)", "np.exp(_measured(2.0))"))),
        Mistake("the linear network", LINEAR,
                (("_measured(2.0)", "_measured(2.0, start=0.0)"),)),
        Mistake("ln of the gain",
                "ln g is what theory says of a linear network of infinite size. Measure this one, "
                "with its slopes.",
                (("_measured(0.5)", "np.log(0.5)"), ("_measured(2.0)", "np.log(2.0)"))),
        Mistake("ln of the norm of W",
                "The norm is a bound from above of what one step can do. Does the network do so at "
                "every step?",
                wrong=_norm_of_weights),
        Mistake("the mean of ln ‖J_t‖",
                "Each ‖J_t‖ belongs to another direction, and no vector is in all of them. Carry "
                "one vector through all steps.",
                wrong=_mean_log_norm),
        Mistake("the mean of all exponents",
                "The log-determinant holds the sum of all N exponents, (3.19). Asked is the "
                "largest alone.",
                wrong=_mean_exponent),
        Mistake("the slope taken at h",
                "h is tanh(a) already: the slope is 1 - h². How many tanh have you taken?",
                (("_measured(2.0)", "_measured(2.0, _slope_at_h)"),)),
        Mistake("two runs left alone until their distance saturates",
                "Two runs in [-1, 1] cannot part for ever. Set their distance back to its first "
                "length after every step or two, and keep the logarithm.",
                (("_measured(2.0)", "np.log(1e8) / STEPS"),)),
        Mistake("the signs are turned",
                "Which of the two networks forgets a small change? Its exponent is negative.",
                (("_measured(0.5)", "-_measured(0.5)"), ("_measured(2.0)", "-_measured(2.0)"))),
        Mistake("the two networks exchanged",
                "The first is the one of gain 0.5.",
                (("lambda_quiet = _measured(0.5)", "lambda_quiet = _measured(2.0)"),
                 ("lambda_chaos = _measured(2.0)", "lambda_chaos = _measured(0.5)"))),
    ),
)  # fmt: skip
