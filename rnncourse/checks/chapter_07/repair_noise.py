"""07.repair_noise: a simulation whose variance depends on the step, to be repaired."""

import itertools
import math

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_tensors


def _definition(v_0, W_hid, tau, dt, sigma, xi):
    """Every entry from its own sum, (7.2) with (7.4)."""
    T, B, N = xi.shape
    v = np.empty((T, B, N))
    for t in range(T):
        for b in range(B):
            before = v_0[b] if t == 0 else v[t - 1, b]
            for i in range(N):
                drive = sum(W_hid[i, j] * math.tanh(before[j]) for j in range(N))
                kick = math.sqrt(2 * dt / tau) * sigma * xi[t, b, i]
                v[t, b, i] = before[i] + dt / tau * (drive - before[i]) + kick
    return v


def _attempt(v_0, W_hid, tau, dt, sigma, xi):
    alpha = dt / tau
    v = v_0
    history = []
    for t in range(len(xi)):
        noise = math.sqrt(2 / alpha) * sigma * xi[t]
        v = v + alpha * (-v + torch.tanh(v) @ W_hid.T + noise)
        history.append(v)
    return torch.stack(history)


# the bugs of the script in the notebook: where each of them is, what helps against it, the edit
_BUGS = (
    (
        "the size of the noise",
        "Halve Δt: is the stationary variance the same? It is ασξ that reaches v; see (7.4) for "
        "the factor.",
        ("math.sqrt(2 / alpha) * sigma", "sigma"),
    ),
    (
        "the noise of each step",
        "Which row of xi does the second step use? Each step needs its own.",
        ("xi[t]", "xi[0]"),
    ),
    (
        "the way v is changed",
        "Which array do the entries of `history` refer to after the loop? `+=` writes into the "
        "same one again and again, even into the caller's v_0.",
        ("v = v + alpha", "v += alpha"),
    ),
)


def _unrepaired() -> tuple[Mistake, ...]:
    """All that may be left of the bugs, from all of them to one; the hint is that of the first."""
    left = []
    for number in range(len(_BUGS), 0, -1):
        for bugs in itertools.combinations(_BUGS, number):
            where = "; ".join(place for place, _, _ in bugs)
            begun = "not repaired yet" if number == len(_BUGS) else "still wrong"
            hint = f"{number} of {len(_BUGS)} bugs left. Begin with the first: {bugs[0][1]}"
            edits = tuple(edit for _, _, edit in bugs)
            left.append(Mistake(f"{begun}: {where}", hint if number > 1 else bugs[0][1], edits))
    return tuple(left)


def _neurons(
    rng: np.random.Generator, T: int, B: int, N: int, dt: float = 20.0, sigma: float = 0.5
) -> Inputs:
    return {
        "v_0": rng.normal(size=(B, N)),
        "W_hid": rng.normal(size=(N, N)),
        "tau": 100.0,
        "dt": dt,
        "sigma": sigma,
        "xi": rng.normal(size=(T, B, N)),
    }


def _leak(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 1, 1, 1, sigma=0.0) | {"W_hid": np.zeros((1, 1))}


def _noise(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 1, 1, 1) | {"W_hid": np.zeros((1, 1)), "v_0": np.zeros((1, 1))}


def _quiet(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 3, 1, 2, sigma=0.0)


def _noisy(rng: np.random.Generator) -> Inputs:
    inputs = _neurons(rng, 3, 1, 1)
    return inputs | {"W_hid": np.zeros((1, 1)), "v_0": np.zeros((1, 1))}


def _no_leak(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 2, 1, 2, dt=100.0)


def _fine(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 4, 2, 3, dt=5.0)


EXERCISE = Exercise(
    name="07.repair_noise",
    title="Noise that depends on the step",
    kind="repair",
    inputs={
        "v_0": "B N",
        "W_hid": "N N",
        "tau": "a number",
        "dt": "a number",
        "sigma": "a number",
        "xi": "T B N",
    },
    outputs={"v": "T B N"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_tensors,
    cases=(
        Case(
            "one neuron, one step, nothing but the leak",
            _leak,
            "No weights, no noise: v_1 is (1 - α) v_0, and v_0 itself stays as it is.",
        ),
        Case(
            "one step of noise alone",
            _noise,
            "Only the noise moves v here, by √(2α) σ ξ_1 after the α in front of the bracket. ξ_1 "
            "is the first row of the xi that you are given.",
        ),
        Case(
            "three steps without noise",
            _quiet,
            "New in this case: W_hid, and several steps. What travels along W_hid is tanh(v). Are "
            "the rows of your answer different from each other?",
        ),
        Case(
            "three steps of noise alone",
            _noisy,
            "New in this case: noise at several steps. Which xi belongs to which step?",
        ),
        Case(
            "Δt = τ",
            _no_leak,
            "α is 1 here: the old voltage counts only through its rate.",
        ),
        Case(
            "four steps of 5 ms, two sequences",
            _fine,
            "New in this case: another Δt, and several sequences. Which of your numbers should "
            "change with Δt, and does it?",
        ),
    ),
    hints=(
        "Print the first two rows of the answer, and v_0 before and after the call. When these are "
        "right: what should stay the same if you halve Δt?",
        "Compare the line of the noise with u_t in (7.4) of notebook 07. Then ask of each line "
        "which step it belongs to, and of `+=` which array it writes into.",
        "There are three bugs: sigma needs the factor sqrt(2 / alpha) inside the bracket; xi[0] "
        "has to be xi[t]; and v += ... has to be v = v + ...",
    ),
    answers=("rnncourse.ctrnn.ctrnn_loop", "rnncourse.ctrnn_sweep.sweep"),
    mistakes=(
        *_unrepaired(),
        Mistake(
            "√(2α) inside the bracket",
            "√(2α)σ is the noise of v after the step. What is the current, before the bracket is "
            "multiplied by α?",
            (("math.sqrt(2 / alpha)", "math.sqrt(2 * alpha)"),),
        ),
        Mistake(
            "√(2/α) outside the bracket",
            "√(2/α)σξ is a current. Does it reach v without being multiplied by α? Your noise "
            "grows as the step gets finer.",
            (("W_hid.T + noise)", "W_hid.T) + noise"),),
        ),
        Mistake(
            "σ/α: no noise is lost, but none shrinks either",
            "Now σξ reaches v at every step, so a finer step brings more noise. Variances add up, "
            "not standard deviations.",
            (("math.sqrt(2 / alpha)", "1 / alpha"),),
        ),
        Mistake(
            "the 2 left out of the noise",
            "A stationary variance near σ² needs how much noise against the leak 1 - α? Compare "
            "with (7.6).",
            (("math.sqrt(2 / alpha)", "math.sqrt(1 / alpha)"),),
        ),
        Mistake(
            "2/α without the root",
            "(7.4) has a root: what is scaled is a standard deviation.",
            (("math.sqrt(2 / alpha)", "2 / alpha"),),
        ),
        Mistake(
            "W_hid for its transpose",
            "That line was right: W_hid is [to, from], and the sum runs over its second index.",
            (("W_hid.T", "W_hid"),),
        ),
        Mistake(
            "the rows are copies, but v_0 is still changed",
            "`+=` writes into the caller's v_0 before you copy. Which line would make v a new "
            "tensor at each step?",
            (("v = v + alpha", "v += alpha"), ("history.append(v)", "history.append(v.clone())")),
        ),
        Mistake(
            "v_0 is copied, but all rows are one tensor",
            "v_0 is safe now. Which tensor do the entries of `history` refer to after the loop?",
            (("v = v_0\n", "v = v_0.clone()\n"), ("v = v + alpha", "v += alpha")),
        ),
        Mistake(
            "Δt for α in the factor",
            "What stands below the 2 in (7.4)? √(2/Δt) has a unit, and changes if you count in "
            "seconds.",
            (("math.sqrt(2 / alpha)", "math.sqrt(2 / dt)"),),
        ),
        Mistake(
            "τ and Δt exchanged",
            "That line was right: α = Δt/τ is small for a fine step.",
            (("alpha = dt / tau", "alpha = tau / dt"),),
        ),
        Mistake(
            "the xi of the step before",
            "Which row of xi does the first step use? xi[-1] is the last one.",
            (("xi[t]", "xi[t - 1]"),),
        ),
    ),
)  # fmt: skip
