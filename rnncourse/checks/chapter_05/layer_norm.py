"""05.layer_norm: forward, against means and standard deviations summed up row by row."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake

BRACKET_HINT = "Python divides before it subtracts. What is divided by s in (5.39)?"


def _definition(a, gain, bias, eps):
    """Each row by itself, with sums written out."""
    B, N = a.shape
    z = np.empty((B, N))
    for b in range(B):
        m = math.fsum(a[b]) / N
        variance = math.fsum((a[b, i] - m) ** 2 for i in range(N)) / N
        for i in range(N):
            z[b, i] = gain[i] * (a[b, i] - m) / math.sqrt(variance + eps) + bias[i]
    return z


def _attempt(a, gain, bias, eps):
    N = a.shape[1]
    m = a.mean(axis=1, keepdims=True)
    variance = ((a - m) ** 2).sum(axis=1, keepdims=True) / N
    s = np.sqrt(variance + eps)
    a_hat = (a - m) / s
    z = gain * a_hat + bias
    return z


def _make(rng: np.random.Generator, B: int, N: int, eps: float) -> Inputs:
    return {
        "a": rng.normal(size=(B, N)) * rng.uniform(0.5, 2.0) + rng.uniform(1.0, 2.0),
        "gain": np.ones(N),
        "bias": np.zeros(N),
        "eps": eps,
    }


def _two_units(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 0.0)


def _with_bias(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 0.0) | {"bias": rng.normal(size=3)}


def _with_gain(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 0.0) | {"gain": rng.uniform(0.5, 2.0, size=3)}


def _large_eps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, float(rng.uniform(0.3, 0.6)))


def _several_rows(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 0.0)


def _constant_row(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 3, 1e-5)
    inputs["a"][1] = 0.75
    return inputs | {"bias": rng.normal(size=3)}


def _far_from_zero(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 3, 0.0)
    return inputs | {"a": inputs["a"] + 2.0**21}


def _general(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 3, 5, 1e-3)
    return inputs | {"gain": rng.uniform(0.5, 2.0, size=5), "bias": rng.normal(size=5)}


EXERCISE = Exercise(
    name="05.layer_norm",
    title="Layer norm",
    kind="write",
    inputs={"a": "B N", "gain": "N", "bias": "N", "eps": "a number, at least 0"},
    outputs={"z": "B N"},
    definition=_definition,
    attempt=_attempt,
    answers=("rnncourse.normalisation.layer_norm", "rnncourse.normalisation.standardise"),
    points=10,
    cases=(
        Case("one row, gain 1, bias 0, ε = 0", _two_units,
             "One row only: subtract its mean, divide by its standard deviation. Is the mean of "
             "your z 0, and the mean of its squares 1?"),
        Case("one row with a bias", _with_bias, "New in this case: the bias, added at the end."),
        Case("one row with a gain", _with_gain,
             "New in this case: the gain, which multiplies after the normalisation."),
        Case("one row with a large ε", _large_eps,
             "New in this case: ε. It is added to the variance, inside of the root."),
        Case("four rows", _several_rows,
             "New in this case: several rows. Each has a mean and a standard deviation of its own; "
             "it does not depend on the others."),
        Case("a row of equal entries", _constant_row,
             "A row of equal entries has variance 0; thanks to ε the result is the bias."),
        Case("a mean of two million", _far_from_zero,
             "Only the mean is large here. The difference of two huge numbers loses digits: "
             "subtract the mean before you square."),
        Case("three rows of five units", _general,
             "Each part is right alone: look at the order in which gain, bias and ε come in."),
    ),
    hints=(
        "Which numbers does one row share with the other rows of the batch?",
        "It is (5.39) with (5.41) of notebook 05: means over the N units of a row.",
        "m = a.mean(axis=1, keepdims=True); s is the root of the mean of (a - m)² over the same "
        "axis plus eps; z = gain * (a - m) / s + bias.",
    ),
    mistakes=(
        Mistake("over the batch in the place of the units",
                "That is batch norm. Which axis of (B, N) holds the units?",
                (("m = a.mean(axis=1, keepdims=True)", "m = a.mean(axis=0, keepdims=True)"),
                 ("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "((a - m) ** 2).mean(axis=0, keepdims=True)"))),
        Mistake("over the batch in the place of the units, and ε left out",
                "That is batch norm: over one row alone the standard deviation is 0. Which axis of "
                "(B, N) holds the units? And where is ε?",
                (("m = a.mean(axis=1, keepdims=True)", "m = a.mean(axis=0, keepdims=True)"),
                 ("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "((a - m) ** 2).mean(axis=0, keepdims=True)"),
                 ("np.sqrt(variance + eps)", "np.sqrt(variance)"))),
        Mistake("the sum of the squares in the place of their mean",
                "What is the mean of the squares of your z, with gain 1 and bias 0? By which "
                "number is it too small?",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "((a - m) ** 2).sum(axis=1, keepdims=True)"),)),
        Mistake("only the mean divided by s", BRACKET_HINT,
                (("a_hat = (a - m) / s", "a_hat = a - m / s"),)),
        Mistake("only the mean divided by s, and the gain on a alone", BRACKET_HINT,
                (("z = gain * a_hat + bias", "z = gain * a - m / s + bias"),)),
        Mistake("one mean and variance for the whole array",
                "Change one row: which other rows of z change with it? None should.",
                (("m = a.mean(axis=1, keepdims=True)", "m = a.mean()"),
                 ("((a - m) ** 2).sum(axis=1, keepdims=True) / N", "((a - m) ** 2).mean()"))),
        Mistake("one variance for the whole array",
                "The mean is that of each row. And the variance?",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N", "((a - m) ** 2).mean()"),)),
        Mistake("divided by N - 1 in the variance",
                "(5.39) takes the mean of the squares. Over how many numbers? (torch.std and "
                "ddof=1 divide by one less.)",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "((a - m) ** 2).sum(axis=1, keepdims=True) / (N - 1)"),)),
        Mistake("the mean over the batch, the variance over the units",
                "Change one row: does another row of z change with it? Over which axis goes your "
                "mean?",
                (("m = a.mean(axis=1, keepdims=True)", "m = a.mean(axis=0, keepdims=True)"),
                 ("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "a.var(axis=1, keepdims=True)"))),
        Mistake("divided by N - 1, and ε outside of the root",
                "Two things: over how many numbers goes the mean of the squares (torch.std and "
                "ddof=1 divide by N - 1)? And does ε belong to the variance or to its root?",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "((a - m) ** 2).sum(axis=1, keepdims=True) / (N - 1)"),
                 ("np.sqrt(variance + eps)", "np.sqrt(variance) + eps"))),
        Mistake("the mean distance in the place of the standard deviation",
                "After the division the mean of the squares should be 1, not the mean of the "
                "sizes.",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "np.abs(a - m).mean(axis=1, keepdims=True) ** 2"),)),
        Mistake("means of the shape (B,) beside rows of the shape (B, N)",
                "NumPy aligns (B,) with the last axis, the units. What does keepdims=True change?",
                (("m = a.mean(axis=1, keepdims=True)", "m = a.mean(axis=1)"),
                 ("((a - m) ** 2).sum(axis=1, keepdims=True) / N", "a.var(axis=1)"))),
        Mistake("ε outside of the root",
                "Is ε added to the variance or to the standard deviation?",
                (("np.sqrt(variance + eps)", "np.sqrt(variance) + eps"),)),
        Mistake("ε² inside of the root",
                "ε has the units of the variance: is it squared in (5.39)?",
                (("np.sqrt(variance + eps)", "np.sqrt(variance + eps**2)"),)),
        Mistake("ε left out",
                "What does your function return for a row of equal entries?",
                (("np.sqrt(variance + eps)", "np.sqrt(variance)"),)),
        Mistake("divided by the variance",
                "After the division the mean of the squares should be 1. Is it? Which power of the "
                "variance does it?",
                (("s = np.sqrt(variance + eps)", "s = variance + eps"),)),
        Mistake("the mean not subtracted",
                "What is the mean of each row of the result? It should be 0.",
                (("a_hat = (a - m) / s", "a_hat = a / s"),)),
        Mistake("divided by the root mean square of a",
                "That is the size of a, not of its distance from the mean.",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "(a ** 2).mean(axis=1, keepdims=True)"),)),
        Mistake("RMS norm in the place of layer norm",
                "Layer norm subtracts the mean first, in the numerator and in the variance.",
                (("m = a.mean(axis=1, keepdims=True)", "m = 0 * a"),)),
        Mistake("the gain before the normalisation",
                "If the gain multiplies first, the mean of the row is another one. When does it "
                "come?",
                (("N = a.shape[1]", "N = a.shape[1]; a = gain * a"),
                 ("z = gain * a_hat + bias", "z = a_hat + bias"))),
        Mistake("gain and bias exchanged",
                "What multiplies in (5.41), and what is added? Which of your two does it?",
                (("z = gain * a_hat + bias", "z = bias * a_hat + gain"),)),
        Mistake("the gain left out",
                "What happens to z if one unit's gain is doubled?",
                (("z = gain * a_hat + bias", "z = a_hat + bias"),)),
        Mistake("the bias left out",
                "What is z where a_hat is 0?",
                (("z = gain * a_hat + bias", "z = gain * a_hat"),)),
        Mistake("the gain multiplies the bias too",
                "In (5.41), is the bias inside or outside of the product with the gain?",
                (("z = gain * a_hat + bias", "z = gain * (a_hat + bias)"),)),
        Mistake("the bias before the normalisation",
                "A bias that comes before is partly taken away with the mean. When should it come?",
                (("N = a.shape[1]", "N = a.shape[1]; a = a + bias"),
                 ("z = gain * a_hat + bias", "z = gain * a_hat"))),
        Mistake("mean of the squares minus square of the mean",
                "On paper it is the variance. With a mean of two million, how many digits of the "
                "difference are left?",
                (("((a - m) ** 2).sum(axis=1, keepdims=True) / N",
                  "(a ** 2).mean(axis=1, keepdims=True) - m ** 2"),)),
    ),
)  # fmt: skip
