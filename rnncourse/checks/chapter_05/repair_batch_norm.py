"""05.repair_batch_norm: batch norm over time with four faults, to be repaired."""

from itertools import combinations

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(r, mu, v, alpha, gain, bias, eps, training):
    """(5.43) and (5.54), for each step and unit by itself."""
    T, B, N = r.shape
    z, mu_new, v_new = np.empty_like(r), mu.copy(), v.copy()
    for t, i in np.ndindex(T, N):
        m, variance = mu[t, i], v[t, i]
        if training:
            m = sum(r[t, b, i] for b in range(B)) / B
            variance = sum((r[t, b, i] - m) ** 2 for b in range(B)) / B
            mu_new[t, i] = (1 - alpha) * mu[t, i] + alpha * m
            v_new[t, i] = (1 - alpha) * v[t, i] + alpha * variance * B / (B - 1)
        for b in range(B):
            z[t, b, i] = gain[i] * (r[t, b, i] - m) / np.sqrt(variance + eps) + bias[i]
    return {"z": z, "mu_new": mu_new, "v_new": v_new}


def _attempt(r, mu, v, alpha, gain, bias, eps, training):
    B = r.shape[1]
    m = r.mean(axis=1)
    variance = r.var(axis=1)
    if training:
        mu = mu + alpha * (m - mu)
        v = v + alpha * (B / (B - 1) * variance - v)
    if not training:
        m, variance = mu, v
    z = gain * (r - m[:, None]) / np.sqrt(variance + eps)[:, None] + bias
    return z, mu, v


# each fault of the broken script: what it is called, what helps, and the lines that have it
FAULTS = (
    ("one mean and variance for all steps",
     "The state grows from h_0 = 0 on, so the steps differ. Over which axes may the mean go?",
     (("m = r.mean(axis=1)", "m = r.mean(axis=(0, 1))[None]"),
      ("variance = r.var(axis=1)", "variance = r.var(axis=(0, 1))[None]"))),
    ("the old and the new share exchanged",
     "With alpha = 0.1 the running mean should move a tenth of the way to the batch's. How far "
     "does yours move?",
     (("mu = mu + alpha * (m - mu)", "mu = m + alpha * (mu - m)"),
      ("v = v + alpha * (B / (B - 1) * variance - v)",
       "v = B / (B - 1) * variance + alpha * (v - B / (B - 1) * variance)"))),
    ("the batch's statistics in use too",
     "In use one sequence must not depend on the others of its batch. Which mean and variance "
     "does it get?",
     (("m, variance = mu, v", "pass"),)),
    ("the running statistics moved in use too",
     "What may be learnt from the data on which a network is used? Look at when mu and v change.",
     (("if training:\n", "if True:\n"),)),
)  # fmt: skip

MOVED_AFTER_Z = (
    ("    if training:\n        mu = mu + alpha * (m - mu)\n"
     "        v = v + alpha * (B / (B - 1) * variance - v)\n",
     "    old = mu, v\n    mu = mu + alpha * (m - mu)\n"
     "    v = v + alpha * (B / (B - 1) * variance - v)\n"),
    ("m, variance = mu, v", "m, variance = old"),
)  # fmt: skip


def _left() -> tuple[Mistake, ...]:
    """A mistake for each set of faults that are left; all of them is the script as it came."""
    mistakes = []
    for count in range(len(FAULTS), 0, -1):
        for left in combinations(FAULTS, count):
            repaired = " and ".join(f"“{fault[0]}”" for fault in FAULTS if fault not in left)
            name = f"{count} of the 4 bugs left; repaired: {repaired}"
            if count == len(FAULTS):
                name = "not repaired yet, all 4 bugs are left"
            elif count == 1:
                name = left[0][0]
            edits = tuple(edit for fault in left for edit in fault[2])
            mistakes.append(Mistake(name, left[0][1], edits))
            if FAULTS[-1] in left:  # as arrays, B/(B - 1) gives nan and no exception for B = 1
                by_numpy = (("B = r.shape[1]", "B = np.float64(r.shape[1])"),)
                mistakes.append(Mistake(f"{name} (nan for B = 1)", left[0][1], edits + by_numpy))
    return tuple(mistakes)


def _make(rng: np.random.Generator, T: int, B: int, N: int, training: bool) -> Inputs:
    size = np.linspace(0.5, 2.0, T)[:, None, None]  # the statistics change over time
    return {
        "r": size * rng.normal(size=(T, B, N)) + rng.normal(size=(T, 1, N)),
        "mu": rng.normal(size=(T, N)),
        "v": rng.uniform(0.5, 2.0, size=(T, N)),
        "alpha": float(rng.uniform(0.05, 0.25)),
        "gain": rng.uniform(0.5, 2.0, size=N),
        "bias": rng.normal(size=N),
        "eps": 1e-2,
        "training": training,
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 2, 1, True)


def _one_step_in_use(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 2, 1, False)


def _two_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 3, 2, True)


def _two_steps_in_use(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 3, 2, False)


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 5, True)


def _alone_in_use(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 2, False)


EXERCISE = Exercise(
    name="05.repair_batch_norm",
    title="Batch norm over time",
    kind="repair",
    inputs={"r": "T B N", "mu": "T N", "v": "T N", "alpha": "a number, 0 to 1", "gain": "N",
            "bias": "N", "eps": "a number", "training": "True or False"},
    outputs={"z": "T B N", "mu_new": "T N", "v_new": "T N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step in training", _one_step,
             "One step, two sequences, one unit: m and the variance go over the "
             "batch, the second axis of r; z comes from them; mu and v move a share alpha of the "
             "way to them. The running variance uses B/(B-1) times the mean square."),
        Case("one step in use", _one_step_in_use,
             "New in this case: training is False. z comes from mu and v, and these stay: no line "
             "that changes them may run."),
        Case("two steps in training", _two_steps,
             "New in this case: a second step, with statistics of its own. m is (T, N), r is "
             "(T, B, N): where does m get its axis for the batch?"),
        Case("two steps in use", _two_steps_in_use,
             "In use each step takes its own row of mu and v."),
        Case("four steps in training", _general,
             "It is right for few steps and units: look for an axis."),
        Case("one sequence alone, in use", _alone_in_use,
             "A batch of one has no variance, but in use none is needed."),
    ),
    hints=(
        "Which of the outputs may depend on the batch in training? And which in use?",
        "Hold it against (5.43) and (5.54) of notebook 05: which mean is over what, and which "
        "number is multiplied by α.",
        "There are four faults: the axes of the means, the shares of old and new, which "
        "statistics z uses in use, and whether mu and v move in use.",
    ),
    mistakes=(
        *_left(),
        Mistake("the running statistics moved in use too, after z", FAULTS[-1][1],
                MOVED_AFTER_Z),
        Mistake("the running statistics moved in use too, after z (nan for B = 1)", FAULTS[-1][1],
                (*MOVED_AFTER_Z, ("B = r.shape[1]", "B = np.float64(r.shape[1])"))),
        Mistake("statistics of the shape (T, N) beside r of the shape (T, B, N)",
                "NumPy aligns axes from the last one on: the T of (T, N) lies beside the B of r. "
                "Which axis is missing between the two?",
                (("(r - m[:, None])", "(r - m)"), ("eps)[:, None]", "eps)"))),
        Mistake("the running variance without B/(B - 1)",
                "The mean square of a small batch is too small on average. By which factor does "
                "(5.54) correct it?",
                (("B / (B - 1) * variance - v", "variance - v"),)),
        Mistake("(B - 1)/B in the running variance",
                "The mean square of a small batch is too small on average. Is your factor larger "
                "than 1?",
                (("B / (B - 1) * variance - v", "(B - 1) / B * variance - v"),)),
        Mistake("the shares of v exchanged",
                "mu moves the share alpha of the way. And v?",
                (("v = v + alpha *", "v = v + (1 - alpha) *"),)),
        Mistake("the shares of mu exchanged",
                "v moves the share alpha of the way. And mu?",
                (("mu = mu + alpha *", "mu = mu + (1 - alpha) *"),)),
        Mistake("the bias left out",
                "What is z where r is its mean?", ((" + bias", ""),)),
        Mistake("the gain left out",
                "What happens to z if one unit's gain is doubled?", (("gain * (r", "(r"),)),
        Mistake("over the steps in the place of the batch",
                "Each step has statistics of its own. Which axis of (T, B, N) holds the sequences?",
                (("m = r.mean(axis=1)", "m = r.mean(axis=0)"),
                 ("variance = r.var(axis=1)", "variance = r.var(axis=0)"))),
        Mistake("old and new exchanged, and B/(B - 1) left out",
                "With alpha = 0.1 the running mean moves a tenth of the way to the batch's; and "
                "the running variance has a factor, see (5.54).",
                (("mu = mu + alpha * (m - mu)", "mu = alpha * mu + (1 - alpha) * m"),
                 ("v = v + alpha * (B / (B - 1) * variance - v)",
                  "v = alpha * v + (1 - alpha) * variance"))),
        Mistake("B/(B - 1) in z as well",
                "In (5.43) the mean goes over B. Where alone does B/(B - 1) belong?",
                (("variance = r.var(axis=1)", "variance = r.var(axis=1, ddof=1)"),
                 ("B / (B - 1) * variance - v", "variance - v"))),
        Mistake("the running statistics used in training too",
                "In training z is normalised by its own batch: what is the mean of z over the "
                "batch then?",
                (("if not training:\n", "if True:\n"),)),
        Mistake("the standard deviation averaged in the place of the variance",
                "v is a variance: which power of the distance is averaged?",
                (("B / (B - 1) * variance - v", "np.sqrt(B / (B - 1) * variance) - v"),)),
        Mistake("training and use exchanged",
                "In which of the two modes are the batch's statistics used?",
                (("if training:\n        mu", "if not training:\n        mu"),
                 ("if not training:\n        m, ", "if training:\n        m, "))),
        Mistake("over the units in the place of the batch",
                "That is layer norm. Which axis of (T, B, N) holds the sequences?",
                (("m = r.mean(axis=1)", "m = r.mean(axis=2).mean(axis=1)[:, None]"),
                 ("variance = r.var(axis=1)", "variance = r.var(axis=(1, 2))[:, None]"))),
        Mistake("mu and v changed in place",
                "The caller still needs the old values. `mu = mu + …` makes a new array; "
                "`mu += …` does not.",
                (("mu = mu + alpha * (m - mu)", "mu += alpha * (m - mu)"),
                 ("v = v + alpha * (B / (B - 1) * variance - v)",
                  "v += alpha * (B / (B - 1) * variance - v)"))),
        Mistake("ε outside of the root",
                "Is ε added to the variance or to the standard deviation?",
                (("np.sqrt(variance + eps)", "(np.sqrt(variance) + eps)"),)),
    ),
)  # fmt: skip
