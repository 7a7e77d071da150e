"""05.rms_norm: normalise by the root mean square, forward and backward, against complex steps."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _forward(a, gain, eps):
    """Row by row, sums written out; complex numbers pass through."""
    z = np.zeros(a.shape, dtype=np.result_type(a, gain))
    B, N = a.shape
    for b in range(B):
        mean_square = sum(a[b, i] * a[b, i] for i in range(N)) / N
        for i in range(N):
            z[b, i] = gain[i] * a[b, i] / np.sqrt(mean_square + eps)
    return z


def _definition(a, gain, eps, dL_dz):
    return {
        "z": _forward(a, gain, eps),
        "dL_da": complex_step_gradient(lambda v: np.sum(dL_dz * _forward(v, gain, eps)), a),
        "dL_dgain": complex_step_gradient(lambda v: np.sum(dL_dz * _forward(a, v, eps)), gain),
    }


def _attempt(a, gain, eps, dL_dz):
    N = a.shape[1]
    s = np.sqrt((a**2).mean(axis=1, keepdims=True) + eps)
    a_hat = a / s
    z = gain * a_hat
    dL_dgain = (dL_dz * a_hat).sum(axis=0)
    dL_da_hat = dL_dz * gain
    share = (dL_da_hat * a_hat).sum(axis=1, keepdims=True) / N
    dL_da = (dL_da_hat - a_hat * share) / s
    return z, dL_da, dL_dgain


def _make(rng: np.random.Generator, B: int, N: int, eps: float) -> Inputs:
    return {
        "a": rng.normal(size=(B, N)) * rng.uniform(0.7, 2.0) + 0.5,
        "gain": rng.uniform(0.5, 2.0, size=N),
        "eps": eps,
        "dL_dz": rng.normal(size=(B, N)),
    }


def _gain_one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 0.0) | {"gain": np.ones(3)}


def _radial(rng: np.random.Generator) -> Inputs:
    """dL_dz along a, gain 1, no eps: no gradient may pass."""
    inputs = _gain_one(rng)
    return inputs | {"dL_dz": 0.7 * inputs["a"]}


def _with_gain(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 0.0)


def _large_eps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, float(rng.uniform(0.3, 0.6)))


def _rows(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 0.0)


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 5, 0.1)


def _zero_row(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 3, 1e-2)
    inputs["a"][1] = 0.0
    return inputs


EXERCISE = Exercise(
    name="05.rms_norm",
    title="RMS norm, there and back",
    kind="write",
    inputs={"a": "B N", "gain": "N", "eps": "a number, at least 0", "dL_dz": "B N"},
    outputs={"z": "B N", "dL_da": "B N", "dL_dgain": "N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one row, gain 1, ε = 0", _gain_one,
             "One row without gain and ε: z is a over its root mean square s. s depends on every "
             "entry of a, so dL_da has a second part besides dL_dz / s. And dL_dgain: by what did "
             "the gain multiply?"),
        Case("a gradient along a", _radial,
             "Longer or shorter along itself, a gives the same z. So the gradient at a is 0 here."),
        Case("one row with a gain", _with_gain,
             "New in this case: the gain. What arrives at a_hat is dL_dz times the gain, in both "
             "parts of dL_da. In dL_dgain there is no gain."),
        Case("one row with a large ε", _large_eps,
             "New in this case: ε, added to the mean square, inside of the root. The formula of "
             "the gradient stays if it is written with s and a_hat."),
        Case("four rows", _rows,
             "New in this case: several rows. Each has its own s; the gain is shared, so its "
             "gradient is a sum over the rows."),
        Case("a row of zeros", _zero_row,
             "A row of zeros has z = 0, and s = √ε: divide by s, not by a."),
        Case("three rows of five units", _general,
             "Everything together, with N = 5: look for a fixed number where N belongs."),
    ),
    hints=(
        "Which entries of z change if you change one entry of a? In how many ways?",
        "It is (5.40) of notebook 05 with one way less: no mean is subtracted, so what went "
        "through the mean is gone. What goes through s stays.",
        "With a_hat = a / s and g = dL_dz * gain: dL_da = (g - a_hat * mean of (g * a_hat) over "
        "the row) / s, and dL_dgain = sum of dL_dz * a_hat over the rows.",
    ),
    mistakes=(
        Mistake("s taken for a constant on the way back",
                "Does s change if a changes? Then a gradient comes back that way too.",
                (("(dL_da_hat - a_hat * share) / s", "dL_da_hat / s"),)),
        Mistake("1/N left out of the way through s",
                "s is a root of a mean. What does the mean add to its derivative?",
                (("(dL_da_hat * a_hat).sum(axis=1, keepdims=True) / N",
                  "(dL_da_hat * a_hat).sum(axis=1, keepdims=True)"),)),
        Mistake("the backward pass of layer norm",
                "No mean was subtracted on the way forward. Which term of (5.40) goes?",
                (("(dL_da_hat - a_hat * share) / s",
                  "(dL_da_hat - dL_da_hat.mean(axis=1, keepdims=True) - a_hat * share) / s"),)),
        Mistake("the way through the mean kept, that through s left out",
                "(5.40) has two corrections, one for the mean and one for s. Which of the two does "
                "RMS norm have?",
                (("(dL_da_hat - a_hat * share) / s",
                  "(dL_da_hat - dL_da_hat.mean(axis=1, keepdims=True)) / s"),)),
        Mistake("a_hat left out of the mean on the way through s",
                "In the last term of (5.40) a_hat stands twice. Where is it in yours?",
                (("(dL_da_hat * a_hat).sum(axis=1", "dL_da_hat.sum(axis=1"),)),
        Mistake("the way through s averaged over the batch",
                "Each row has its own s. Over which axis goes the mean on the way back?",
                (("(dL_da_hat * a_hat).sum(axis=1, keepdims=True) / N",
                  "(dL_da_hat * a_hat).mean(axis=0)"),)),
        Mistake("divided by the standard deviation",
                "np.var and np.std take the mean away first. Does the s of RMS norm?",
                (("(a**2).mean(axis=1, keepdims=True)", "a.var(axis=1, keepdims=True)"),)),
        Mistake("the mean subtracted: layer norm",
                "RMS norm leaves the mean in. What is z of a row of equal entries?",
                (("N = a.shape[1]", "N = a.shape[1]; a = a - a.mean(axis=1, keepdims=True)"),)),
        Mistake("a in the place of a_hat on the way through s",
                "In (5.40) the second factor is the normalised value. Is yours?",
                (("(dL_da_hat - a_hat * share) / s", "(dL_da_hat - a * share) / s"),)),
        Mistake("not divided by s on the way back",
                "Make a ten times as large: how large must its gradient be then?",
                (("(dL_da_hat - a_hat * share) / s", "dL_da_hat - a_hat * share"),)),
        Mistake("divided by s twice on the way through s",
                "1/s stands in front of the whole bracket of (5.40). How often does it meet the "
                "second part in yours?",
                (("(dL_da_hat - a_hat * share) / s", "dL_da_hat / s - a_hat * share / s**2"),)),
        Mistake("z in the place of a_hat on the way through s",
                "z holds the gain already. What does (5.40) multiply by?",
                (("(dL_da_hat * a_hat).sum(axis=1", "(dL_da_hat * z).sum(axis=1"),
                 ("a_hat * share", "z * share"))),
        Mistake("means of the shape (B,) beside rows of the shape (B, N)",
                "NumPy aligns (B,) with the last axis, the units. What does keepdims=True change?",
                (("(a**2).mean(axis=1, keepdims=True)", "(a**2).mean(axis=1)"),
                 ("(dL_da_hat * a_hat).sum(axis=1, keepdims=True)",
                  "(dL_da_hat * a_hat).sum(axis=1)"))),
        Mistake("the wrong sign on the way through s",
                "If an entry grows, s grows, and all others of z become smaller. Which sign is "
                "that?",
                (("dL_da_hat - a_hat * share", "dL_da_hat + a_hat * share"),)),
        Mistake("the gain left out of the way back",
                "What arrives at a_hat if dL_dz arrives at z = gain * a_hat?",
                (("dL_da_hat = dL_dz * gain", "dL_da_hat = dL_dz"),)),
        Mistake("the gain left out of the way through s",
                "Two ways lead back from z to a. Both begin with the gain.",
                (("(dL_da_hat * a_hat).sum(axis=1", "(dL_dz * a_hat).sum(axis=1"),)),
        Mistake("ε outside of the root",
                "Is ε added to the mean square or to its root?",
                (("np.sqrt((a**2).mean(axis=1, keepdims=True) + eps)",
                  "np.sqrt((a**2).mean(axis=1, keepdims=True)) + eps"),)),
        Mistake("ε left out",
                "What is z for a row of zeros?",
                (("(a**2).mean(axis=1, keepdims=True) + eps",
                  "(a**2).mean(axis=1, keepdims=True)"),)),
        Mistake("the sum of the squares in the place of their mean",
                "After the division the mean of the squares should be 1, whatever N.",
                (("(a**2).mean(axis=1, keepdims=True)", "(a**2).sum(axis=1, keepdims=True)"),)),
        Mistake("ε left out on the way back",
                "(5.40) holds with ε if it is written with the s and the a_hat of the way forward. "
                "Are yours the same?",
                (("share = (dL_da_hat * a_hat)",
                  "a_hat = a / np.maximum(np.sqrt((a**2).mean(axis=1, keepdims=True)), 1e-300)\n"
                  "    share = (dL_da_hat * a_hat)"),)),
        Mistake("the way through s averaged over the whole array",
                "Each row has its own s. Over which axis goes the mean on the way back?",
                (("(dL_da_hat * a_hat).sum(axis=1, keepdims=True) / N",
                  "(dL_da_hat * a_hat).mean()"),)),
        Mistake("one s for the whole array",
                "Change one row: which other rows of z change with it? None should.",
                (("(a**2).mean(axis=1, keepdims=True)", "(a**2).mean()"),)),
        Mistake("over the batch in the place of the units",
                "Which axis of (B, N) holds the units of one sequence?",
                (("(a**2).mean(axis=1, keepdims=True)", "(a**2).mean(axis=0, keepdims=True)"),)),
        Mistake("the gain's gradient not summed over the rows",
                "All rows share one gain of N entries. Which shape has its gradient?",
                (("(dL_dz * a_hat).sum(axis=0)", "dL_dz * a_hat"),)),
        Mistake("the gain in its own gradient",
                "z = gain * a_hat is linear in the gain. Does its derivative hold the gain?",
                (("(dL_dz * a_hat).sum(axis=0)", "(dL_dz * z).sum(axis=0)"),)),
        Mistake("the gain's gradient summed over the units",
                "Each unit has a gain of its own, and all rows share it. Over which axis of (B, N) "
                "goes the sum?",
                (("(dL_dz * a_hat).sum(axis=0)", "(dL_dz * a_hat).sum(axis=1)"),)),
        Mistake("dL_da and dL_dgain exchanged",
                "Your second output has the shape of the third. In which order are they asked for?",
                (("return z, dL_da, dL_dgain", "return z, dL_dgain, dL_da"),)),
        Mistake("the gain's gradient averaged over the rows",
                "The loss is a sum over the rows: is the gradient a sum or a mean?",
                (("(dL_dz * a_hat).sum(axis=0)", "(dL_dz * a_hat).mean(axis=0)"),)),
        Mistake("a in the place of a_hat in the gain's gradient",
                "What did the gain multiply on the way forward?",
                (("dL_dgain = (dL_dz * a_hat)", "dL_dgain = (dL_dz * a)"),)),
    ),
)  # fmt: skip
