"""07.what_costs_what: what the terms and the noise do, predicted."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Mistake


def _definition():
    """Each number from its definition on an example, the variance from its recursion."""
    rng = np.random.default_rng(7)
    W, r = rng.normal(size=(4, 5)), rng.uniform(0.5, 2.0, size=(6, 3, 4))

    def spread(rates):
        means = rates.mean(axis=(0, 1))
        return np.sqrt(np.mean((means - means.mean()) ** 2)), means.mean()

    variances = {}
    for name, kick in (("right", 2 * 0.2), ("careless", 0.2**2)):  # α = 0.2, σ = 1
        variance = 0.0
        for _ in range(400):
            variance = 0.8**2 * variance + kick
        variances[name] = variance
    (sd, mu), (sd_2, mu_2) = spread(r), spread(2 * r)
    w, shrunk = 0.3, 0.3
    for _ in range(200):
        w = w - 0.01 * 2 * w  # a gradient step on w²
        shrunk = np.sign(shrunk) * max(abs(shrunk) - 0.01, 0.0)
    return {
        "cost_of_3W": np.mean((3 * W) ** 2) / np.mean(W**2),
        "variance": variances["right"],
        "careless_variance": variances["careless"],
        "fr_of_swing": np.mean(np.array([1.0, -1.0] * 10) ** 2),
        "sd_when_doubled": sd_2 / sd,
        "cv_changes": not np.isclose(sd_2 / mu_2, sd / mu),
        "square_gives_zeros": w == 0,
        "threshold_gives_zeros": shrunk == 0,
    }


def _attempt():
    return {
        "cost_of_3W": 9,
        "variance": 1 / (1 - 0.2 / 2),
        "careless_variance": 0.2 / (2 - 0.2),
        "fr_of_swing": 1,
        "sd_when_doubled": 2,
        "cv_changes": False,
        "square_gives_zeros": False,
        "threshold_gives_zeros": True,
    }


EXERCISE = Exercise(
    name="07.what_costs_what",
    title="What costs what",
    kind="predict",
    inputs={},
    outputs={
        "cost_of_3W": "",
        "variance": "",
        "careless_variance": "",
        "fr_of_swing": "",
        "sd_when_doubled": "",
        "cv_changes": "yes or no",
        "square_gives_zeros": "yes or no",
        "threshold_gives_zeros": "yes or no",
    },
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your answers",
            lambda rng: {},
            "Take the smallest example that you can do by hand: one weight, one neuron, two "
            "steps.",
        ),
    ),
    rtol=0.02,
    points=3,
    hints=(
        "For each term: what is squared, before or after which mean? For the noise: which part "
        "of the variance survives a step, and what is added?",
        "The terms are (7.16) to (7.19) of notebook 07, the variance is (7.6). For the zeros "
        "compare one gradient step on w² with (7.24).",
        "(3w)² = 9 w². With α = 0.2 the variance V satisfies V = 0.64 V + the variance of one "
        "kick, which is 2α or α². Doubling all rates doubles σ and μ alike. A step on w² "
        "multiplies w by a number; a threshold takes an amount away.",
    ),
    mistakes=(
        Mistake(
            "the norm not squared",
            "L_W is a mean square. What is (3w)²?",
            (('"cost_of_3W": 9', '"cost_of_3W": 3'),),
        ),
        Mistake(
            "3 times 2",
            "Squaring is not doubling. What is (3w)² for w = 1?",
            (('"cost_of_3W": 9', '"cost_of_3W": 6'),),
        ),
        Mistake(
            "the fourth power",
            "The square of 3 is taken once: (7.16) squares each entry.",
            (('"cost_of_3W": 9', '"cost_of_3W": 81'),),
        ),
        Mistake(
            "σ² for any step",
            "The variance is σ² in the limit of small steps. α = 0.2 is not small: use (7.6).",
            (('1 / (1 - 0.2 / 2)', '1'),),
        ),
        Mistake(
            "the standard deviation of the right noise",
            "Is the variance asked for, or its root?",
            (('1 / (1 - 0.2 / 2)', '(1 / (1 - 0.2 / 2)) ** 0.5'),),
        ),
        Mistake(
            "the variance of one kick",
            "2α is what one step adds. What is left of the kicks before?",
            (('1 / (1 - 0.2 / 2)', '0.4'),),
        ),
        Mistake(
            "the kick over α, as if a step kept the share 1 - α of the variance",
            "v is multiplied by 1 - α. By what is its variance multiplied?",
            (('1 / (1 - 0.2 / 2)', '2'),),
        ),
        Mistake(
            "careless noise has the right variance",
            "With ασξ one step adds the variance α²σ². Is that 2ασ²?",
            (('0.2 / (2 - 0.2)', '1 / (1 - 0.2 / 2)'),),
        ),
        Mistake(
            "careless noise keeps σ²",
            "With ασξ one step adds the variance α²σ². What balances it?",
            (('0.2 / (2 - 0.2)', '1'),),
        ),
        Mistake(
            "the variance of one careless kick",
            "α² is what one step adds. What is left of the kicks before?",
            (('0.2 / (2 - 0.2)', '0.04'),),
        ),
        Mistake(
            "the standard deviation of the careless noise",
            "Is the variance asked for, or its root?",
            (('0.2 / (2 - 0.2)', '(0.2 / (2 - 0.2)) ** 0.5'),),
        ),
        Mistake(
            "the square of the mean",
            "A swinging rate has the mean 0. Is its mean square 0 too? Square first.",
            (('"fr_of_swing": 1', '"fr_of_swing": 0'),),
        ),
        Mistake(
            "a standard deviation that grows as a variance",
            "σ has the unit of a rate. By which factor do the deviations grow?",
            (('"sd_when_doubled": 2', '"sd_when_doubled": 4'),),
        ),
        Mistake(
            "a standard deviation that does not see the scale",
            "You may think of the CV. What happens to the deviations from μ if all rates are "
            "doubled?",
            (('"sd_when_doubled": 2', '"sd_when_doubled": 1'),),
        ),
        Mistake(
            "the CV controls the scale of the rates",
            "σ doubles and μ doubles. What does their ratio do?",
            (('"cv_changes": False', '"cv_changes": True'),),
        ),
        Mistake(
            "a squared norm makes zeros",
            "A gradient step on w² multiplies w by a number below 1. How often do you have to "
            "multiply until it is exactly 0?",
            (('"square_gives_zeros": False', '"square_gives_zeros": True'),),
        ),
        Mistake(
            "nothing makes exact zeros",
            "Take 0.3 and subtract 0.01 again and again, but stop at 0, as (7.24) does.",
            (('"threshold_gives_zeros": True', '"threshold_gives_zeros": False'),),
        ),
        Mistake(
            "α for α/2 in (7.6)",
            "1 - (1 - α)² is 2α - α². Which factor is left after you divide by 2α?",
            (('1 / (1 - 0.2 / 2)', '1 / (1 - 0.2)'),),
        ),
        Mistake(
            "the limit of small steps for the careless noise",
            "α²/(2α) leaves something out. What is 1 - (1 - α)² exactly, for α = 0.2?",
            (('0.2 / (2 - 0.2)', '0.1'),),
        ),
        Mistake(
            "the mean square of a sine",
            "The rate takes two values only, 1 and -1. Which squares are averaged?",
            (('"fr_of_swing": 1', '"fr_of_swing": 0.5'),),
        ),
        Mistake(
            "the root of the factor",
            "It is the rates that are doubled, not their variance. What becomes of 3 - 1?",
            (('"sd_when_doubled": 2', '"sd_when_doubled": 2**0.5'),),
        ),
    ),
)  # fmt: skip
