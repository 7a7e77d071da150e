"""04.first_steps: predictions about Adam's first step, clipping, and sums and means."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Mistake


def _first_step_of_adam(g, rate=0.1, beta1=0.9, beta2=0.999, correct=True):
    m, v = (1 - beta1) * g, (1 - beta2) * g**2
    if correct:
        m, v = m / (1 - beta1), v / (1 - beta2)
    return -rate * m / (np.sqrt(v) + 1e-8)


def _turned(g, clipped):
    """Whether two vectors point in different directions: by the cosine of their angle."""
    return bool(g @ clipped < (1 - 1e-9) * np.linalg.norm(g) * np.linalg.norm(clipped))


def _sum_over_mean(T, B, K):
    """The gradients of the sum and of the mean of (w - 1)² over T·B·K outputs, at w = 3."""
    each = np.full(T * B * K, 2 * (3.0 - 1.0))
    return each.sum() / each.mean()


def _definition():
    g = np.array([3.0, 4.0])
    diagonal = np.array([5.0, -5.0])
    hasty = _first_step_of_adam(2.0, beta2=0.96, correct=False)
    return {
        "adam_small": _first_step_of_adam(-0.001),
        "adam_large": _first_step_of_adam(40.0),
        "uncorrected": hasty / _first_step_of_adam(2.0, beta2=0.96),
        "adam_scaled": abs(_first_step_of_adam(2000.0) / _first_step_of_adam(2.0) - 1) > 1e-3,
        "sum_over_mean": _sum_over_mean(7, 11, 2),
        "norm_turns": _turned(g, g * min(1.0, 1.0 / np.linalg.norm(g))),
        "value_turns": _turned(g, np.clip(g, -3.5, 3.5)),
        "diagonal_turns": _turned(diagonal, np.clip(diagonal, -1.0, 1.0)),
        "mean_clipped": sum(p * np.clip(g, -1, 1) for p, g in ((0.1, 10.0), (0.9, -1.0))),
    }


def _attempt():
    return {
        "adam_small": 0.1,
        "adam_large": -0.1,
        "uncorrected": 0.5,
        "adam_scaled": False,
        "sum_over_mean": 154,
        "norm_turns": False,
        "value_turns": True,
        "diagonal_turns": False,
        "mean_clipped": -0.8,
    }


EXERCISE = Exercise(
    name="04.first_steps",
    title="Predict the first steps",
    kind="predict",
    inputs={},
    outputs={
        "adam_small": "",
        "adam_large": "",
        "uncorrected": "",
        "adam_scaled": "yes or no",
        "sum_over_mean": "",
        "norm_turns": "yes or no",
        "value_turns": "yes or no",
        "diagonal_turns": "yes or no",
        "mean_clipped": "",
    },
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your answers",
            lambda rng: {},
            "Each answer is looked at by itself. For Adam put n = 1 into (4.3) to (4.5); for the "
            "clipping draw the two vectors.",
        ),
    ),
    hints=(
        "What are m, v and their corrected values after one step, in terms of g? And what do the "
        "two kinds of clipping do to an arrow?",
        "For Adam take (4.3) to (4.5) of notebook 04 with n = 1, for the clipping (4.14) and "
        "(4.15). A mean over probabilities is a sum of value times probability, each value "
        "clipped first.",
        "Corrected, m/(1 - β1) = g and v/(1 - β2) = g², so the step is -η·g/|g|. Without the "
        "correction it is (1 - β1)/√(1 - β2) times as long. The clipped values are +1 and -1.",
    ),
    points=3,
    rtol=0.02,
    mistakes=(
        Mistake(
            "Adam's step grows with the gradient",
            "What is the gradient divided by? After one step the root of the corrected v is |g|.",
            (('"adam_large": -0.1', '"adam_large": -4.0'),),
        ),
        Mistake(
            "Adam's step for a small gradient is small",
            "What is the gradient divided by? After one step the root of the corrected v is |g|, "
            "however small g is.",
            (('"adam_small": 0.1', '"adam_small": 0.0001'),),
        ),
        Mistake(
            "Adam goes along a negative gradient",
            "The gradient is negative: in which direction does the loss fall?",
            (('"adam_small": 0.1', '"adam_small": -0.1'),),
        ),
        Mistake(
            "Adam goes along a positive gradient",
            "The gradient is positive: in which direction does the loss fall?",
            (('"adam_large": -0.1', '"adam_large": 0.1'),),
        ),
        Mistake(
            "without the correction the step is always longer",
            "The factor √10 of the notebook belongs to β2 = 0.999. Which one is asked for here?",
            (('"uncorrected": 0.5', '"uncorrected": 10**0.5'),),
        ),
        Mistake(
            "the root of v is forgotten",
            "v shrinks by 1 - β2, and the step is divided by its root.",
            (('"uncorrected": 0.5', '"uncorrected": 0.1 / 0.04'),),
        ),
        Mistake(
            "only m shrinks without the correction",
            "Without the correction m is too small. Is v too?",
            (('"uncorrected": 0.5', '"uncorrected": 0.1'),),
        ),
        Mistake(
            "the fraction is upside down",
            "Is the step without the correction in the numerator or below?",
            (('"uncorrected": 0.5', '"uncorrected": 2.0'),),
        ),
        Mistake(
            "a larger loss makes Adam's steps longer",
            "By which factor does m change if the loss is multiplied by 1000, and by which one "
            "the root of v?",
            (('"adam_scaled": False', '"adam_scaled": True'),),
        ),
        Mistake(
            "the mean over the batch only",
            "How many terms has the sum? Every step, every sequence and every output has one.",
            (('"sum_over_mean": 154', '"sum_over_mean": 11'),),
        ),
        Mistake(
            "the mean over steps and sequences only",
            "Does each step have one error, or as many as there are outputs?",
            (('"sum_over_mean": 154', '"sum_over_mean": 77'),),
        ),
        Mistake(
            "the mean in the numerator",
            "Which of the two gradients is the longer one? The ratio is that of the sum to the "
            "mean.",
            (('"sum_over_mean": 154', '"sum_over_mean": 1 / 154'),),
        ),
        Mistake(
            "clipping by norm turns the gradient",
            "If every entry is multiplied by one positive number, where does the arrow point?",
            (('"norm_turns": False', '"norm_turns": True'),),
        ),
        Mistake(
            "clipping by value keeps the direction",
            "Where does (3, 4) point, and where does it point with its 4 cut to 3.5?",
            (('"value_turns": True', '"value_turns": False'),),
        ),
        Mistake(
            "clipping by value always turns the gradient",
            "What is (5, -5) after each entry has been cut to [-1, 1]? Draw both arrows.",
            (('"diagonal_turns": False', '"diagonal_turns": True'),),
        ),
        Mistake(
            "the mean is clipped in the place of the gradients",
            "What is clipped: the mean over many batches, or each batch's gradient before it "
            "enters a mean?",
            (('"mean_clipped": -0.8', '"mean_clipped": 0.1'),),
        ),
        Mistake(
            "the clipped gradients are averaged without their probabilities",
            "How often does each of the two gradients come? One of them is nine times as frequent.",
            (('"mean_clipped": -0.8', '"mean_clipped": 0.0'),),
        ),
        Mistake(
            "the frequent gradient has the wrong sign",
            "The gradient that comes in nine of ten batches is -1.",
            (('"mean_clipped": -0.8', '"mean_clipped": 0.8'),),
        ),
        Mistake(
            "the mean over the steps only",
            "How many terms has the sum? Every step, every sequence and every output has one.",
            (('"sum_over_mean": 154', '"sum_over_mean": 7'),),
        ),
        Mistake(
            "the mean over the outputs only",
            "How many terms has the sum? Every step, every sequence and every output has one.",
            (('"sum_over_mean": 154', '"sum_over_mean": 2'),),
        ),
        Mistake(
            "the mean over sequences and outputs only",
            "How many terms has the sum? Every step, every sequence and every output has one.",
            (('"sum_over_mean": 154', '"sum_over_mean": 22'),),
        ),
        Mistake(
            "sum and mean have the same gradient",
            "A mean is the sum divided by a number. Is that number gone in the gradient?",
            (('"sum_over_mean": 154', '"sum_over_mean": 1'),),
        ),
        Mistake(
            "the fraction is upside down, and the root of v forgotten",
            "What is left of m without its correction, and what of the root of v? v stands below "
            "the line, and under the root.",
            (('"uncorrected": 0.5', '"uncorrected": 0.4'),),
        ),
        Mistake(
            "the sum of ten batches, not their mean",
            "Can a mean of numbers between -1 and 1 be below -1?",
            (('"mean_clipped": -0.8', '"mean_clipped": -8'),),
        ),
        Mistake(
            "the mean over steps and outputs only",
            "How many terms has the sum? Every step, every sequence and every output has one.",
            (('"sum_over_mean": 154', '"sum_over_mean": 14'),),
        ),
        Mistake(
            "only the root of v is looked at",
            "Without the correction the root of v is too small. Is m too, and does a small root "
            "make the step shorter?",
            (('"uncorrected": 0.5', '"uncorrected": 0.2'),),
        ),
        Mistake(
            "only v shrinks without the correction",
            "Without the correction v is too small. Is m too?",
            (('"uncorrected": 0.5', '"uncorrected": 5.0'),),
        ),
        Mistake(
            "the rare gradient is left out",
            "The batch with the gradient 10 is clipped, not thrown away. What is left of it?",
            (('"mean_clipped": -0.8', '"mean_clipped": -0.9'),),
        ),
    ),
)  # fmt: skip
