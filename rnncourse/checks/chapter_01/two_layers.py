"""01.two_layers: one network on top of another, step by step through both."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, h_0, s_0, W_xh, W_hh, W_hs, W_ss, b_h, b_s):
    """Both layers, one sequence and one step at a time."""
    T, B, _ = x.shape
    h, s = np.zeros((T, *h_0.shape)), np.zeros((T, *s_0.shape))
    for b in range(B):
        low, high = h_0[b], s_0[b]
        for t in range(T):
            low = np.tanh(W_xh @ x[t, b] + W_hh @ low + b_h)
            high = np.tanh(W_hs @ low + W_ss @ high + b_s)
            h[t, b], s[t, b] = low, high
    return {"h": h, "s": s}


def _attempt(x, h_0, s_0, W_xh, W_hh, W_hs, W_ss, b_h, b_s):
    low, high = h_0, s_0
    h, s = [], []
    for x_t in x:
        low = np.tanh(x_t @ W_xh.T + low @ W_hh.T + b_h)
        high = np.tanh(low @ W_hs.T + high @ W_ss.T + b_s)
        h.append(low)
        s.append(high)
    return np.array(h), np.array(s)


def _make(rng: np.random.Generator, T: int, B: int, D: int, N: int, M: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "h_0": rng.uniform(-0.9, 0.9, size=(B, N)),
        "s_0": rng.uniform(-0.9, 0.9, size=(B, M)),
        "W_xh": rng.normal(scale=0.7, size=(N, D)),
        "W_hh": rng.normal(scale=0.7, size=(N, N)),
        "W_hs": rng.normal(scale=0.7, size=(M, N)),
        "W_ss": rng.normal(scale=0.7, size=(M, M)),
        "b_h": rng.normal(scale=0.5, size=N),
        "b_s": rng.normal(scale=0.5, size=M),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1, 2, 1)


def _cut(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 2, 2, 3) | {"W_hs": np.zeros((3, 2))}


def _two(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 3, 2)


def _square(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 3, 3, 3)


def _long(rng: np.random.Generator) -> Inputs:
    return _make(rng, 6, 3, 2, 4, 3)


EXERCISE = Exercise(
    name="01.two_layers",
    title="One network on top of another",
    kind="write",
    inputs={"x": "T B D", "h_0": "B N", "s_0": "B M", "W_xh": "N D", "W_hh": "N N", "W_hs": "M N",
            "W_ss": "M M", "b_h": "N", "b_s": "M"},
    outputs={"h": "T B N", "s": "T B M"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step", _one, "One step: first h, then s, which takes the new h as its input."),
        Case("three steps, W_hs = 0", _cut,
             "W_hs = 0, so each layer is by itself here. Does each carry a state of its own from "
             "step to step?"),
        Case("two steps", _two, "New in this case: both layers, each with a state of its own."),
        Case("three steps, D = N = M = 3", _square,
             "All sizes are equal here: weights and states in wrong places fit too."),
        Case("six steps, three sequences", _long,
             "New in this case: several sequences over several steps."),
    ),
    hints=(
        "What is the input of the upper layer at step t?",
        "(1.4) of notebook 01 twice: the second time with h_t in the place of x_t.",
        "low = tanh(x_t @ W_xh.T + low @ W_hh.T + b_h), then high = tanh(low @ W_hs.T + "
        "high @ W_ss.T + b_s), in this order, at every step.",
    ),
    mistakes=(
        Mistake("the upper layer hears the lower one a step late",
                "Does the upper layer take h_t or h_{t-1}?",
                (("        low = np.tanh", "        old = low\n        low = np.tanh"),
                 ("low @ W_hs.T", "old @ W_hs.T"))),
        Mistake("the upper layer has no memory",
                "Where is W_ss s_{t-1}?",
                ((" + high @ W_ss.T", ""),)),
        Mistake("the upper layer's start is forgotten",
                "The upper layer starts from s_0.",
                (("low, high = h_0, s_0", "low, high = h_0, 0 * s_0"),)),
        Mistake("the upper layer always starts anew from s_0",
                "Which state of its own does the upper layer hear at step 2?",
                (("high @ W_ss.T", "s_0 @ W_ss.T"),)),
        Mistake("the activation of the lower layer is left out",
                "The upper layer hears h, which is tanh(a).",
                (("low = np.tanh(x_t @ W_xh.T + low @ W_hh.T + b_h)",
                  "low = x_t @ W_xh.T + low @ W_hh.T + b_h"),)),
        Mistake("a weight not transposed",
                "Unit n owns row n: with sequences in rows the weights stand on the right, "
                "transposed.",
                (("high @ W_ss.T", "high @ W_ss"),)),
        Mistake("W_hh not transposed",
                "Unit n owns row n: with sequences in rows the weights stand on the right, "
                "transposed.",
                (("low @ W_hh.T", "low @ W_hh"),)),
        Mistake("the activation of the upper layer is left out",
                "Both layers are made of tanh units: can s be larger than 1?",
                (("np.tanh(low @ W_hs.T + high @ W_ss.T + b_s)",
                  "low @ W_hs.T + high @ W_ss.T + b_s"),)),
        Mistake("the lower layer always starts anew from h_0",
                "Which state of its own does the lower layer hear at step 2?",
                (("low @ W_hh.T", "h_0 @ W_hh.T"),)),
        Mistake("the upper layer hears the input",
                "W_hs is (M, N): what has N entries, x_t or h_t?",
                (("low @ W_hs.T", "x_t @ W_hs.T"),)),
        Mistake("the bias of the upper layer left out",
                "What is s, if h_t and s_{t-1} are zero?",
                ((" + b_s", ""),)),
        Mistake("h and s in the other order",
                "Which of the two layers is returned first?",
                (("np.array(h), np.array(s)", "np.array(s), np.array(h)"),)),
    ),
)  # fmt: skip
