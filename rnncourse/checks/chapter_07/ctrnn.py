"""07.ctrnn: a leaky network in Euler steps, with given noise, against sums written out."""

import math

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_tensors


def _definition(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    """Every entry from its own sum, (7.2) and (7.4)."""
    T, B, D = x.shape
    N = len(b_hid)
    v, r = np.empty((T, B, N)), np.empty((T, B, N))
    for t in range(T):
        for b in range(B):
            before = v_0[b] if t == 0 else v[t - 1, b]
            for i in range(N):
                total = b_hid[i] + math.sqrt(2.0 / alpha) * sigma * xi[t, b, i]
                total += sum(W_in[i, d] * x[t, b, d] for d in range(D))
                total += sum(W_hid[i, j] * max(before[j], 0.0) for j in range(N))
                v[t, b, i] = before[i] + alpha * (total - before[i])
                r[t, b, i] = max(v[t, b, i], 0.0)
    return v, r


def _attempt(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    v_t, r_t = v_0, torch.relu(v_0)
    v, r = [], []
    for t in range(len(x)):
        u_t = x[t] @ W_in.T + b_hid + math.sqrt(2 / alpha) * sigma * xi[t]
        v_t = (1 - alpha) * v_t + alpha * (r_t @ W_hid.T + u_t)
        r_t = torch.relu(v_t)
        v.append(v_t)
        r.append(r_t)
    return torch.stack(v), torch.stack(r)


def _rate_form(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    r_t, v, r = torch.relu(v_0), [], []
    for t in range(len(x)):
        u_t = x[t] @ W_in.T + b_hid + math.sqrt(2 / alpha) * sigma * xi[t]
        v_t = r_t @ W_hid.T + u_t
        r_t = (1 - alpha) * r_t + alpha * torch.relu(v_t)
        v.append(v_t)
        r.append(r_t)
    return torch.stack(v), torch.stack(r)


def _network(
    rng: np.random.Generator, T: int, B: int, D: int, N: int, alpha: float, sigma: float
) -> Inputs:
    v_0 = rng.uniform(0.5, 1.5, size=(B, N))
    v_0[:, ::2] *= -1  # neurons that are below threshold at the start
    return {
        "x": rng.normal(size=(T, B, D)),
        "v_0": v_0,
        "W_in": rng.normal(size=(N, D)),
        "W_hid": rng.normal(size=(N, N)),
        "b_hid": rng.normal(size=N),
        "alpha": alpha,
        "sigma": sigma,
        "xi": rng.normal(size=(T, B, N)),
    }


def _silent(inputs: Inputs, *names: str) -> Inputs:
    return inputs | {name: np.zeros_like(inputs[name]) for name in names}


def _leak(rng: np.random.Generator) -> Inputs:
    inputs = _silent(_network(rng, 1, 1, 1, 1, 0.25, 0.0), "x", "W_hid", "b_hid")
    return inputs | {"v_0": np.abs(inputs["v_0"])}


def _driven(rng: np.random.Generator) -> Inputs:
    return _silent(_network(rng, 1, 1, 2, 1, 0.25, 0.0), "v_0")


def _recurrent(rng: np.random.Generator) -> Inputs:
    return _silent(_network(rng, 1, 1, 1, 2, 0.25, 0.0), "x", "b_hid")


def _noise(rng: np.random.Generator) -> Inputs:
    return _silent(_network(rng, 1, 1, 1, 3, 0.1, 0.5), "x", "v_0", "b_hid")


def _no_leak(rng: np.random.Generator) -> Inputs:
    return _network(rng, 3, 1, 2, 3, 1.0, 0.5)


def _quiet(rng: np.random.Generator) -> Inputs:
    return _network(rng, 4, 2, 2, 3, 0.2, 0.0)


def _large(rng: np.random.Generator) -> Inputs:
    inputs = _network(rng, 5, 3, 2, 4, 0.2, 0.3)
    return inputs | {"b_hid": rng.uniform(0.5, 1.5, size=4)}  # so that no neuron stays silent


EXERCISE = Exercise(
    name="07.ctrnn",
    title="A leaky network in Euler steps",
    kind="write",
    inputs={
        "x": "T B D",
        "v_0": "B N",
        "W_in": "N D",
        "W_hid": "N N",
        "b_hid": "N",
        "alpha": "a number",
        "sigma": "a number",
        "xi": "T B N",
    },
    outputs={"v": "T B N", "r": "T B N"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_tensors,
    cases=(
        Case(
            "one neuron, one step, nothing but the leak",
            _leak,
            "No input, no weights, no noise: v_1 is (1 - α) v_0, and r_1 is the same, as it is "
            "positive.",
        ),
        Case(
            "one step from v_0 = 0, with an input",
            _driven,
            "Nothing leaks and nothing recurs yet: v_1 is α (W_in x_1 + b_hid), and r_1 is "
            "max(v_1, 0).",
        ),
        Case(
            "one step from another v_0, without input",
            _recurrent,
            "New in this case: the recurrent term. One voltage in v_0 is negative; what its neuron "
            "sends is r_0 = max(v_0, 0), but its voltage leaks as it is.",
        ),
        Case(
            "one step of noise alone",
            _noise,
            "Only the noise moves v here. Is it the xi that you are given, and what is left of "
            "√(2/α) after the α in front of the bracket?",
        ),
        Case(
            "α = 1: three steps of a network that forgets its voltage",
            _no_leak,
            "Each term is right for one step. With α = 1 the old voltage counts only through its "
            "rate: look at what is carried from one step to the next, and which x and which xi "
            "belong to which step.",
        ),
        Case(
            "four steps without noise",
            _quiet,
            "New in this case: a leak over several steps. Look at which v and which r enter the "
            "next step.",
        ),
        Case(
            "five steps with noise, three sequences",
            _large,
            "All terms at once, over several steps: look at what differs from one step or one "
            "sequence to the next.",
        ),
    ),
    hints=(
        "Where does α stand, and where 1 - α? Which things does the bracket hold?",
        "Take (7.2) in the voltage form and (7.4) of notebook 07, one step at a time. The noise is "
        "a current: it stands inside the bracket.",
        "Begin with v_t = v_0 and r_t = torch.relu(v_0). At each step u_t = x[t] @ W_in.T + b_hid "
        "+ sqrt(2 / alpha) * sigma * xi[t], then v_t = (1 - alpha) * v_t + alpha * (r_t @ W_hid.T "
        "+ u_t), then r_t = torch.relu(v_t). Collect both.",
    ),
    answers=("rnncourse.ctrnn.ctrnn_loop", "rnncourse.ctrnn_sweep.sweep"),
    points=10,
    mistakes=(
        Mistake(
            "noise σξ in the current, scaled down with α",
            "Halve the step: you add twice as many random kicks. By which factor may each shrink, "
            "if the sum is to keep its variance? Variances add, not standard deviations.",
            (("math.sqrt(2 / alpha) * sigma", "sigma"),),
        ),
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
            (
                (" + math.sqrt(2 / alpha) * sigma * xi[t]", ""),
                ("(r_t @ W_hid.T + u_t)",
                 "(r_t @ W_hid.T + u_t) + math.sqrt(2 / alpha) * sigma * xi[t]"),
            ),
        ),
        Mistake(
            "σξ added to v, whatever the step",
            "Should a finer step bring more noise? Over a time τ you add 1/α kicks of this size.",
            (
                (" + math.sqrt(2 / alpha) * sigma * xi[t]", ""),
                ("(r_t @ W_hid.T + u_t)", "(r_t @ W_hid.T + u_t) + sigma * xi[t]"),
            ),
        ),
        Mistake(
            "the 2 left out of the noise",
            "A stationary variance near σ² needs how much noise against the leak 1 - α? Compare "
            "with (7.6).",
            (("math.sqrt(2 / alpha)", "math.sqrt(1 / alpha)"),),
        ),
        Mistake(
            "σ² for σ",
            "Is σ a variance or a standard deviation? ξ has variance 1.",
            (("* sigma * xi[t]", "* sigma**2 * xi[t]"),),
        ),
        Mistake(
            "no leak",
            "What becomes of the voltage if nothing comes in? It should fade by 1 - α at each "
            "step.",
            (("(1 - alpha) * v_t", "v_t"),),
        ),
        Mistake(
            "α missing before the bracket",
            "At a fixed point v is the whole drive: that needs weights 1 - α and α, which add up "
            "to 1.",
            (("alpha * (r_t", "(r_t"),),
        ),
        Mistake(
            "α on the recurrent term only",
            "What does α multiply in (7.2)? The input is part of the same bracket.",
            (("alpha * (r_t @ W_hid.T + u_t)", "alpha * (r_t @ W_hid.T) + u_t"),),
        ),
        Mistake(
            "α on the input only",
            "What does α multiply in (7.2)? The recurrent drive is part of the same bracket.",
            (("alpha * (r_t @ W_hid.T + u_t)", "r_t @ W_hid.T + alpha * u_t"),),
        ),
        Mistake(
            "α and 1 - α exchanged",
            "For a fine step α is small. Should the old voltage then count much or little?",
            (("(1 - alpha) * v_t + alpha * (r_t @ W_hid.T + u_t)",
              "alpha * v_t + (1 - alpha) * (r_t @ W_hid.T + u_t)"),),
        ),
        Mistake(
            "φ not applied to v_0",
            "What does a neuron send whose voltage v_0 is negative? r_0 is a rate like the others.",
            (("v_0, torch.relu(v_0)", "v_0, v_0"),),
        ),
        Mistake(
            "r_0 = 0",
            "v_0 is given. What is the rate that belongs to it, and enters at the first step?",
            (("v_0, torch.relu(v_0)", "v_0, torch.zeros_like(v_0)"),),
        ),
        Mistake(
            "the leak starts from v = 0",
            "What is left of v_0 after the first step, without any input?",
            (("v_0, torch.relu(v_0)", "0 * v_0, torch.relu(v_0)"),),
        ),
        Mistake(
            "v_0 is not used",
            "The network starts from v_0 and from the rate that belongs to it. Where does yours "
            "start?",
            (("v_0, torch.relu(v_0)", "0 * v_0, 0 * v_0"),),
        ),
        Mistake(
            "W_hid for its transpose",
            "W_hid is [to, from]. Which of its indices is summed with r?",
            (("r_t @ W_hid.T", "r_t @ W_hid"),),
        ),
        Mistake(
            "voltages are sent, not rates",
            "What travels along W_hid: v or φ(v)?",
            (("r_t @ W_hid.T", "v_t @ W_hid.T"),),
        ),
        Mistake(
            "the rate leaks, not the voltage",
            "What is multiplied by 1 - α in (7.2)? A voltage below zero must not be cut off before "
            "it leaks.",
            (("(1 - alpha) * v_t", "(1 - alpha) * r_t"),),
        ),
        Mistake(
            "the rate form",
            "You wrote (7.3), where φ is inside and the rate leaks. The task asks for (7.2).",
            wrong=_rate_form,
        ),
        Mistake(
            "φ around the drive only",
            "Where does φ stand in (7.2)? The drive adds to the voltage as it is; φ makes the "
            "rate from v.",
            (("alpha * (r_t @ W_hid.T + u_t)", "alpha * torch.relu(r_t @ W_hid.T + u_t)"),),
        ),
        Mistake(
            "the rate before the step is returned",
            "Row t of r belongs to the voltage of the same row: r_t = φ(v_t).",
            (("        r_t = torch.relu(v_t)\n", ""),
             ("r.append(r_t)", "r.append(r_t); r_t = torch.relu(v_t)")),
        ),
        Mistake(
            "row t is the state that enters",
            "Is v_0 asked for in the answer? Row 0 is the state after the first step.",
            (("for t in range(len(x)):", "for t in range(len(x)):\n        v.append(v_t); "
              "r.append(r_t)"),
             ("        v.append(v_t)\n        r.append(r_t)\n    return", "    return")),
        ),
        Mistake(
            "r keeps its first value",
            "Which r does the second step need? Is it computed anew in the loop?",
            (("r_t @ W_hid.T", "torch.relu(v_0) @ W_hid.T"),),
        ),
        Mistake(
            "one xi for all steps",
            "Is the noise of a step independent of the one before? xi has a time axis.",
            (("xi[t]", "xi[0]"),),
        ),
        Mistake(
            "b_hid left out",
            "What is u_t made of? (7.4) has three terms.",
            ((" + b_hid +", " +"),),
        ),
        Mistake(
            "b_hid added outside the bracket",
            "b_hid is part of u_t, and u_t stands inside the bracket that α multiplies.",
            ((" + b_hid +", " +"), ("(r_t @ W_hid.T + u_t)", "(r_t @ W_hid.T + u_t) + b_hid")),
        ),
        Mistake(
            "v is changed in place, and so is v_0",
            "Which tensor do all entries of your list refer to after the loop? `+=` writes into "
            "the same one again and again, even into the caller's v_0.",
            (("v_t = (1 - alpha) * v_t + alpha * (r_t @ W_hid.T + u_t)",
              "v_t += alpha * (r_t @ W_hid.T + u_t - v_t)"),),
        ),
        Mistake(
            "v is changed in place",
            "Which tensor do all entries of your list refer to after the loop? `+=` writes into "
            "the same one again and again: write v = v + ..., or keep copies.",
            (("v_0, torch.relu(v_0)", "v_0.clone(), torch.relu(v_0)"),
             ("v_t = (1 - alpha) * v_t + alpha * (r_t @ W_hid.T + u_t)",
              "v_t += alpha * (r_t @ W_hid.T + u_t - v_t)")),
        ),
        Mistake(
            "tanh for φ",
            "Which φ does the task ask for? The neurons here are rectified: max(v, 0).",
            (("v_0, torch.relu(v_0)", "v_0, torch.tanh(v_0)"),
             ("r_t = torch.relu(v_t)", "r_t = torch.tanh(v_t)")),
        ),
        Mistake(
            "v and r exchanged",
            "Which of your two outputs can be negative? v comes first.",
            (("torch.stack(v), torch.stack(r)", "torch.stack(r), torch.stack(v)"),),
        ),
        Mistake(
            "r returned without φ",
            "Can a ReLU neuron have a negative rate?",
            (("r.append(r_t)", "r.append(v_t)"),),
        ),
        Mistake(
            "σ left out of the noise",
            "With σ = 0 there is no noise. What does yours add to v then?",
            (("* sigma * xi[t]", "* xi[t]"),),
        ),
        Mistake(
            "v_0 stands in row 0",
            "Row 0 is the state after the first step. Which input and which noise has your row 0 "
            "seen?",
            (("+ alpha * (r_t @ W_hid.T + u_t)", "+ alpha * (r_t @ W_hid.T + u_t) if t else v_0"),),
        ),
        Mistake(
            "2/α without the root",
            "(7.4) has a root: what is scaled is a standard deviation. How large is your kick "
            "after the α in front of the bracket?",
            (("math.sqrt(2 / alpha)", "2 / alpha"),),
        ),
        Mistake(
            "σ below the root",
            "How far does the root reach in (7.4)? σ stands behind it.",
            (("math.sqrt(2 / alpha) * sigma", "math.sqrt(2 / alpha * sigma)"),),
        ),
        Mistake(
            "W_hid for its transpose, and noise σξ in the current",
            "Two things at once. W_hid is [to, from]: which of its indices is summed with r? And "
            "which factor stands before σ in (7.4)?",
            (("r_t @ W_hid.T", "r_t @ W_hid"), ("math.sqrt(2 / alpha) * sigma", "sigma")),
        ),
    ),
)  # fmt: skip
