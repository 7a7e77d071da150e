"""07.fr_sd_cv: spread of the mean rates, its value and its gradient, against differences."""

import math

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_gradient
from rnncourse.gradcheck import numerical_gradient


def _value(r, mask, lambda_sd, lambda_cv):
    """(7.18) and (7.19) as sums."""
    T, B, N = r.shape
    valid = [(t, b) for t in range(T) for b in range(B) if mask[t, b]]
    means = [sum(r[t, b, i] for t, b in valid) / len(valid) for i in range(N)]
    mu = sum(means) / N
    sd = math.sqrt(sum((m - mu) ** 2 for m in means) / N)
    return lambda_sd * sd + lambda_cv * sd / mu


def _definition(r, mask, lambda_sd, lambda_cv):
    gradient = numerical_gradient(lambda rates: _value(rates, mask, lambda_sd, lambda_cv), r)
    return {"value": _value(r, mask, lambda_sd, lambda_cv), "dL_dr": gradient}


def _attempt(r, mask, lambda_sd, lambda_cv):
    valid = r[mask]
    mean_rates = valid.mean(dim=0)
    mu = mean_rates.mean()
    variance = (mean_rates - mu).square().mean()
    sd = torch.sqrt(variance + 1e-12)
    cv = sd / mu
    return lambda_sd * sd + lambda_cv * cv


def _per_step(r, mask, lambda_sd, lambda_cv):
    valid = r[mask]
    sd = torch.sqrt(valid.var(dim=1, correction=0) + 1e-12).mean()
    return lambda_sd * sd + lambda_cv * sd / valid.mean()


def _over_time(r, mask, lambda_sd, lambda_cv):
    valid = r[mask]
    sd = torch.sqrt(valid.var(dim=0, correction=0) + 1e-12).mean()
    return lambda_sd * sd + lambda_cv * sd / valid.mean()


def _means_of_sequences(r, mask, lambda_sd, lambda_cv):
    kept = r * mask[:, :, None]
    mean_rates = (kept.sum(dim=0) / mask.sum(dim=0)[:, None]).mean(dim=0)
    sd = torch.sqrt((mean_rates - mean_rates.mean()).square().mean() + 1e-12)
    return lambda_sd * sd + lambda_cv * sd / mean_rates.mean()


def _spread_of_sequences(r, mask, lambda_sd, lambda_cv):
    mean_rates = (r * mask[:, :, None]).sum(dim=0) / mask.sum(dim=0)[:, None]
    mu = mean_rates.mean(dim=1)
    sd = torch.sqrt((mean_rates - mu[:, None]).square().mean(dim=1) + 1e-12)
    return (lambda_sd * sd + lambda_cv * sd / mu).mean()


def _of_neurons(
    rng: np.random.Generator, T: int, B: int, N: int, lambda_sd: float, lambda_cv: float
) -> Inputs:
    r = rng.uniform(0.2, 1.0, size=(T, B, N)) + 2 * rng.permutation(N) / N
    mask = np.ones((T, B), dtype=bool)
    return {"r": r, "mask": mask, "lambda_sd": lambda_sd, "lambda_cv": lambda_cv}


def _one_step(rng: np.random.Generator) -> Inputs:
    return _of_neurons(rng, 1, 1, 3, 1.0, 0.0)


def _hand(rng: np.random.Generator) -> Inputs:
    return _of_neurons(rng, 1, 2, 2, 1.0, 0.0)


def _one_neuron(rng: np.random.Generator) -> Inputs:
    return _of_neurons(rng, 3, 1, 1, 1.0, 0.0)


def _equal(rng: np.random.Generator) -> Inputs:
    """Two neurons with the same two rates, in opposite order: their means are equal exactly."""
    inputs = _of_neurons(rng, 2, 1, 2, 1.0, 0.0)
    a, b = 1.0 + rng.random(), 2.0 + rng.random()
    return inputs | {"r": np.array([[[a, b]], [[b, a]]])}


def _cv_alone(rng: np.random.Generator) -> Inputs:
    return _of_neurons(rng, 2, 1, 3, 0.0, 2.0)


def _padded(rng: np.random.Generator) -> Inputs:
    inputs = _of_neurons(rng, 4, 2, 3, 1.5, 0.0)
    inputs["mask"][1:, 1] = False
    inputs["r"][1:, 1] = rng.uniform(3.0, 5.0, size=(3, 3))  # what stands behind the end
    return inputs


def _both(rng: np.random.Generator) -> Inputs:
    inputs = _of_neurons(rng, 5, 3, 4, 0.8, 3.0)
    inputs["mask"][3:, 0] = inputs["mask"][2:, 2] = False
    return inputs


EXERCISE = Exercise(
    name="07.fr_sd_cv",
    title="The spread of the neurons' rates, as a loss",
    kind="write",
    inputs={
        "r": "T B N",
        "mask": "T B",
        "lambda_sd": "a number",
        "lambda_cv": "a number",
    },
    outputs={"value": "", "dL_dr": "T B N"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_gradient("r"),
    atol=2e-4,  # a small eps below the root is right
    cases=(
        Case(
            "one step of one sequence, fr_sd alone",
            _one_step,
            "The mean rates are the rates themselves here. Which number do you divide by, and is "
            "the root taken?",
        ),
        Case(
            "two sequences, two neurons, as in the notebook",
            _hand,
            "First the mean of each neuron over all steps and sequences, then the spread of these "
            "N numbers.",
        ),
        Case(
            "a single neuron",
            _one_neuron,
            "One neuron cannot differ from itself: the term is 0, and so is its gradient. If you "
            "added a small number below the root, how large is its root?",
        ),
        Case(
            "two neurons with equal mean rates",
            _equal,
            "The neurons' rates differ from step to step, their means do not: value and gradient "
            "are 0. What is the slope of the root at 0?",
        ),
        Case(
            "fr_cv alone",
            _cv_alone,
            "New in this case: λ_cv σ/μ, while λ_sd is 0. Both σ and μ depend on r, so both take "
            "part in the gradient.",
        ),
        Case(
            "a short sequence, fr_sd alone",
            _padded,
            "New in this case: some steps are not valid. They are neither summed nor counted.",
        ),
        Case(
            "both terms, sequences of three lengths",
            _both,
            "New in this case: both terms, and padding in fr_cv. Look at λ, at the steps that μ "
            "runs over, and at how sequences of different lengths are weighed.",
        ),
    ),
    hints=(
        "Which axes are left after the mean rate of each neuron? Over what does the standard "
        "deviation then run?",
        "Take (7.18) from left to right in notebook 07: r̄_i over the M valid steps, μ, then σ "
        "with 1/N; (7.19) divides it by μ.",
        "mean_rates = r[mask].mean(dim=0) is (N,). mu = mean_rates.mean(); sd is the root of "
        "((mean_rates - mu)**2).mean() + 1e-12, where the last number keeps the slope finite; "
        "return lambda_sd * sd + lambda_cv * sd / mu.",
    ),
    answers=(
        "rnncourse.loss_terms.rate_sd",
        "rnncourse.loss_terms.rate_cv",
        "rnncourse.loss_terms.rate_terms",
    ),
    points=10,
    mistakes=(
        Mistake(
            "N - 1 for N",
            "The neurons are all there are, not a sample. Which N does (7.18) divide by? torch's "
            "`std` and `var` take N - 1 unless told otherwise: see `correction`.",
            (("(mean_rates - mu).square().mean()", "mean_rates.var()"),),
        ),
        Mistake(
            "nan at equal rates",
            "The slope of √ at 0 is infinite, and infinity times 0 is nan. Which tiny number "
            "below the root keeps it finite?",
            (("torch.sqrt(variance + 1e-12)", "torch.sqrt(variance)"),),
        ),
        Mistake(
            "N - 1 for N, and nan at equal rates",
            "Two things at once. Which N does (7.18) divide by: are the neurons a sample? And what "
            "is the slope of √ at 0, if no tiny number is added below the root?",
            (("(mean_rates - mu).square().mean()", "mean_rates.var()"),
             ("torch.sqrt(variance + 1e-12)", "torch.sqrt(variance)")),
        ),
        Mistake(
            "N - 1 for N, and padded steps take part",
            "Two things at once. Which N does (7.18) divide by: are the neurons a sample? And "
            "where does the mask enter?",
            (("(mean_rates - mu).square().mean()", "mean_rates.var()"),
             ("valid = r[mask]", "valid = r.flatten(0, 1)")),
        ),
        Mistake(
            "the mean over the neurons, then the spread over time",
            "Which axis goes first? r[mask] is (M, N): the mean of each neuron runs over M.",
            (("valid.mean(dim=0)", "valid.mean(dim=1)"),),
        ),
        Mistake(
            "the variance, without the root",
            "Double all rates: by which factor should a standard deviation grow?",
            (("torch.sqrt(variance + 1e-12)", "variance"),),
        ),
        Mistake(
            "the standard deviation over time",
            "Which axis is left at the end? The spread asked for is that between neurons, not of "
            "each of them in time.",
            wrong=_over_time,
        ),
        Mistake(
            "the standard deviation at each step, averaged",
            "First the mean over time, then the spread: the two do not commute. Two neurons that "
            "take turns have equal mean rates.",
            wrong=_per_step,
        ),
        Mistake(
            "the standard deviation of all rates",
            "This mixes how a neuron varies in time with how neurons differ. Take the mean over "
            "time and sequences first.",
            (("(mean_rates - mu).square().mean()", "(valid - mu).square().mean()"),),
        ),
        Mistake(
            "the spread of the squared means",
            "What is squared in (7.18): the mean rate, or its deviation from μ?",
            (("(mean_rates - mu).square()",
              "(mean_rates**2 - (mean_rates**2).mean()).square()"),),
        ),
        Mistake(
            "the root mean square, nothing subtracted",
            "A standard deviation is the size of deviations. From what?",
            (("(mean_rates - mu).square()", "mean_rates.square()"),),
        ),
        Mistake(
            "the mean absolute deviation",
            "σ squares, averages, and takes the root. With two neurons the two agree, with three "
            "they do not.",
            (("torch.sqrt(variance + 1e-12)", "(mean_rates - mu).abs().mean()"),),
        ),
        Mistake(
            "the norm of the deviations, not divided by N",
            "Would a network of twice as many such neurons have a larger spread? Where is 1/N?",
            (("(mean_rates - mu).square().mean()", "(mean_rates - mu).square().sum()"),),
        ),
        Mistake(
            "padded steps take part",
            "Does what stands behind the end of a sequence belong to a neuron's mean rate?",
            (("valid = r[mask]", "valid = r.flatten(0, 1)"),),
        ),
        Mistake(
            "padded steps are set to zero and counted",
            "Zeros count in a mean. By how many steps may you divide?",
            (("valid = r[mask]", "valid = (r * mask[:, :, None]).flatten(0, 1)"),),
        ),
        Mistake(
            "the mean of the sequences' means",
            "How much does a step of a short sequence count in yours, and how much one of a long "
            "sequence? In (7.18) all M valid steps count alike.",
            wrong=_means_of_sequences,
        ),
        Mistake(
            "the gradient is stopped",
            "dL/dr is zero everywhere. If your value does depend on the rates: what do "
            "`.detach()`, `.item()`, `.numpy()` or `torch.tensor(...)` do to the graph?",
            (("valid = r[mask]", "valid = r[mask].detach()"),),
        ),
        Mistake(
            "the mean in the CV is taken for a constant",
            "The cheapest way to a small σ/μ is a large μ. Does your gradient know it? It must "
            "pass through the denominator too.",
            (("cv = sd / mu", "cv = sd / mu.detach()"),),
        ),
        Mistake(
            "the deviation in the CV is taken for a constant",
            "σ/μ depends on the rates through σ as well. Does your gradient know it?",
            (("cv = sd / mu", "cv = sd.detach() / mu"),),
        ),
        Mistake(
            "the CV of each neuron in time, averaged",
            "fr_cv compares neurons: it is the σ of (7.18), over μ. A neuron that swings in time "
            "costs nothing.",
            (("cv = sd / mu",
              "cv = (torch.sqrt(valid.var(dim=0, correction=0) + 1e-12) / mean_rates).mean()"),),
        ),
        Mistake(
            "the CV upside down",
            "Equal rates should cost nothing. What does μ/σ cost then?",
            (("cv = sd / mu", "cv = mu / sd"),),
        ),
        Mistake(
            "variance over mean in the CV",
            "The CV has no unit: it does not change if all rates are doubled. Yours doubles.",
            (("cv = sd / mu", "cv = variance / mu"),),
        ),
        Mistake(
            "N - 1 in the CV alone",
            "Is the σ of (7.19) another one than that of (7.18)?",
            (("cv = sd / mu", "cv = mean_rates.std() / mu"),),
        ),
        Mistake(
            "the λ exchanged",
            "Which λ belongs to which term? Try one of them at 0.",
            (("lambda_sd * sd + lambda_cv * cv", "lambda_cv * sd + lambda_sd * cv"),),
        ),
        Mistake(
            "the λ left out",
            "Each term is multiplied by its own λ before they are added.",
            (("lambda_sd * sd + lambda_cv * cv", "sd + cv"),),
        ),
        Mistake(
            "1e-4 added below the root",
            "At equal rates your loss is the root of the number that you added below it. How "
            "small has it to be, if an error of 0.0001 is allowed?",
            (("1e-12", "1e-4"),),
        ),
        Mistake(
            "1e-6 added below the root",
            "At equal rates your loss is the root of the number that you added below it. How "
            "small has it to be, if an error of 0.0001 is allowed?",
            (("1e-12", "1e-6"),),
        ),
        Mistake(
            "padded steps take part in μ",
            "μ is the mean of the N mean rates of (7.18). Over which steps does yours run?",
            (("cv = sd / mu", "cv = sd / r.mean()"),),
        ),
        Mistake(
            "the spread in each sequence, averaged",
            "In (7.18) the mean over the sequences comes before the spread. Two sequences in "
            "which the neurons change places have equal mean rates.",
            wrong=_spread_of_sequences,
        ),
        Mistake(
            "the mean of the deviations, not squared",
            "Deviations from a mean add up to 0, whatever the rates are. What makes each of them "
            "positive in (7.18)?",
            (("torch.sqrt(variance + 1e-12)", "(mean_rates - mu).mean()"),),
        ),
        Mistake(
            "fr_cv left out",
            "L has two terms. Where is the one with λ_cv?",
            (("lambda_sd * sd + lambda_cv * cv", "lambda_sd * sd"),),
        ),
    ),
)  # fmt: skip
