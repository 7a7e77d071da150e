"""05.what_survives: seven predictions, each recomputed from its definition."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake

P, STEPS = 0.2, 50
MEMORY = 10  # steps
WINDOW, LAG = 20, 30
NOT_ZERO = (
    "A value has to be kept 50 times, each time with probability 0.8. Do these chances add or "
    "multiply? (The result is small, but not 0.)"
)


def _fresh_masks() -> tuple[float, float, float]:
    """The share that is left, mean and second moment of h_50 for h_0 = 1, coin by coin."""
    share, mean, second = 1.0, 1.0, 1.0
    for _ in range(STEPS):
        coin = ((P, 0.0), (1 - P, 1 / (1 - P)))  # probability, what the mask multiplies by
        share *= sum(chance for chance, m in coin if m != 0)
        mean *= sum(chance * m for chance, m in coin)
        second *= sum(chance * m**2 for chance, m in coin)
    return share, mean, second


def _bias_by_bisection() -> float:
    """The bias at which the sum of f^t over all t is MEMORY."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        f = 1 / (1 + np.exp(-middle))
        remembered = np.sum(f ** np.arange(2_000))
        low, high = (middle, high) if remembered < MEMORY else (low, middle)
    return low


def _gradient_beyond_window() -> float:
    """Norm at lag LAG of a gradient that is cut after WINDOW steps, with a W_hh that keeps it."""
    v = np.ones(3)
    for lag in range(1, LAG + 1):
        v = np.eye(3).T @ v if lag <= WINDOW else 0 * v
    return float(np.linalg.norm(v))


def _layer_norm_factor() -> float:
    """Ratio of the outputs with weights times 3 and times 1, with ε = 0."""
    rng = np.random.default_rng(0)
    W, h = rng.normal(size=(5, 5)), rng.normal(size=5)

    def normalised(a):
        return (a - a.mean()) / np.sqrt(((a - a.mean()) ** 2).mean())

    return float(np.median(normalised(3 * W @ h) / normalised(W @ h)))


def _definition():
    share, mean, second = _fresh_masks()
    return {
        "share_left": share,
        "mean_left": mean,
        "second_moment": second,
        "share_left_variational": 1 - P,  # one coin for all 50 steps
        "forget_bias": _bias_by_bisection(),
        "credit_beyond_window": _gradient_beyond_window() != 0,
        "layer_norm_factor": _layer_norm_factor(),
    }


def _attempt():
    return {
        "share_left": 0.8**50,
        "mean_left": 1.0,
        "second_moment": 0.8**-50,
        "share_left_variational": 0.8,
        "forget_bias": np.log(9),
        "credit_beyond_window": False,
        "layer_norm_factor": 1,
    }


def _nothing(rng: np.random.Generator) -> Inputs:
    return {}


def _field(name: str, hint: str, field: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, hint, ((f'"{field}": {right},', f'"{field}": {wrong},'),))


EXERCISE = Exercise(
    name="05.what_survives",
    title="What survives?",
    kind="predict",
    inputs={},
    outputs={"share_left": "", "mean_left": "", "second_moment": "",
             "share_left_variational": "", "forget_bias": "",
             "credit_beyond_window": "yes or no", "layer_norm_factor": ""},
    definition=_definition,
    attempt=_attempt,
    rtol=0.02,
    atol=1e-9,
    points=3,
    cases=(
        Case("your answers", _nothing,
             "Look at the field that is wrong. Masks: with which probability is one mask 0, and "
             "what is it otherwise? Bias: put yours into (5.18). Window: what is the product "
             "beyond it? Layer norm: what becomes of mean and standard deviation?"),
    ),
    hints=(
        "How many coins has a value survived after 50 steps with fresh masks, and how many with a "
        "mask that is held?",
        "Notebook 05: (5.32) and (5.33) for the masks, (5.18) for the bias, section 3 for the "
        "window, (5.45) for layer norm.",
        "A fresh mask is 0 with probability 0.2, else 1/0.8: multiply the chances to survive, the "
        "means, and the means of the squares, 50 times each. For the bias solve 1 + exp(b) = 10.",
    ),
    mistakes=(
        _field("practically 0: the chance to be dropped 50 times, or rounded", NOT_ZERO,
               "share_left", "0.8**50", "0.2**50"),
        _field("nothing left", NOT_ZERO, "share_left", "0.8**50", "0"),
        _field("one coin for all 50 steps, though the masks are fresh",
               "A fresh mask is drawn at every step: how many coins does the value survive?",
               "share_left", "0.8**50", "0.8"),
        _field("the mean falls like the share",
               "The mask is 1/(1-p) where it keeps: what is its mean? And the mean of a product "
               "of 50?",
               "mean_left", "1.0", "0.8**50"),
        _field("the chance to be dropped at least once",
               "Nearly 1: is that the chance that all 50 coins keep the value, or that one of them "
               "does not?",
               "share_left", "0.8**50", "1 - 0.8**50"),
        _field("the mean taken for that of the typical value",
               "Nearly all values are 0, but those that are left are large. What is the product of "
               "50 means?",
               "mean_left", "1.0", "0"),
        _field("the mean grows",
               "The mask is enlarged by 1/(1-p), but not always. What is its mean?",
               "mean_left", "1.0", "0.8**-50"),
        _field("the second moment kept like the mean",
               "The mean of m is 1. And the mean of m²?",
               "second_moment", "0.8**-50", "1.0"),
        _field("the second moment falls",
               "Few values survive, but these are enlarged 50 times. Which of the two wins in the "
               "mean of the squares?",
               "second_moment", "0.8**-50", "0.8**50"),
        _field("the square of what survives, without the chance to survive",
               "A surviving value has grown by 0.8^-50, its square by 0.8^-100. How many survive?",
               "second_moment", "0.8**-50", "0.8**-100"),
        _field("the second moment: masks of 0 and 1, squared",
               "m is 0 or 1/0.8, with probabilities 0.2 and 0.8. What is the mean of m²?",
               "second_moment", "0.8**-50", "0.8**100"),
        _field("a held mask that drops at every step",
               "A variational mask is drawn once for a sequence. How many coins are that?",
               "share_left_variational", "0.8", "0.8**50"),
        _field("a share in percent",
               "80 is a percentage. Which probability, between 0 and 1, is that?",
               "share_left_variational", "0.8", "80"),
        _field("a held mask that drops nothing",
               "It is drawn once, but it is drawn: which share of the units does it drop?",
               "share_left_variational", "0.8", "1.0"),
        _field("the share that is dropped by a held mask",
               "That is the share dropped. Which share is left?",
               "share_left_variational", "0.8", "0.2"),
        _field("the gate's value in the place of its bias",
               "0.9 is f. Which b gives logistic(b) = f?",
               "forget_bias", "np.log(9)", "0.9"),
        _field("the number of steps as the bias",
               "With b = 10 the gate would remember 1 + e^10 steps. Solve (5.18) for b.",
               "forget_bias", "np.log(9)", "10"),
        _field("the 1 of (5.18) forgotten",
               "Put your b into (5.18): does 1 + e^b give 10, or 11?",
               "forget_bias", "np.log(9)", "np.log(10)"),
        _field("the logarithm of the gate in the place of its bias",
               "ln 0.9 says how fast the cell fades. Which b gives logistic(b) = 0.9?",
               "forget_bias", "np.log(9)", "np.log(0.9)"),
        _field("the wrong sign of the bias",
               "A negative bias closes the gate. Which sign does remembering need?",
               "forget_bias", "np.log(9)", "-np.log(9)"),
        _field("the logarithm to the base of 10",
               "The logistic function has e in it: which logarithm is that?",
               "forget_bias", "np.log(9)", "np.log10(9)"),
        _field("credit beyond the window",
               "What becomes of a product of Jacobians that is cut after 20 factors: small, or "
               "exactly 0?",
               "credit_beyond_window", "False", "True"),
        _field("layer norm hands the factor on",
               "If a is 3 times as large, what becomes of its mean and of its standard deviation?",
               "layer_norm_factor", "1", "3"),
        _field("layer norm divides by the factor",
               "Both a - m and s become 3 times as large. What is their quotient?",
               "layer_norm_factor", "1", "1 / 3"),
    ),
)  # fmt: skip
