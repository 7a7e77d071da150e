"""01.jordan: a network that hears its own last output, entry by entry."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, y_0, W_xh, W_yh, W_hy, b_h, b_y):
    T, B, D = x.shape
    N, K = W_yh.shape
    h, y = np.zeros((T, B, N)), np.zeros((T, B, K))
    for t in range(T):
        for b in range(B):
            heard = y_0[b] if t == 0 else y[t - 1, b]
            for n in range(N):
                a = b_h[n] + sum(W_xh[n, d] * x[t, b, d] for d in range(D))
                a += sum(W_yh[n, k] * heard[k] for k in range(K))
                h[t, b, n] = math.tanh(a)
            for k in range(K):
                y[t, b, k] = b_y[k] + sum(W_hy[k, n] * h[t, b, n] for n in range(N))
    return {"h": h, "y": y}


def _attempt(x, y_0, W_xh, W_yh, W_hy, b_h, b_y):
    T = len(x)
    out = y_0
    h, y = [], []
    for t in range(T):
        state = np.tanh(x[t] @ W_xh.T + out @ W_yh.T + b_h)
        out = state @ W_hy.T + b_y
        h.append(state)
        y.append(out)
    return np.array(h), np.array(y)


def _make(rng: np.random.Generator, T: int, B: int, D: int, N: int, K: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "y_0": rng.normal(size=(B, K)),
        "W_xh": rng.normal(scale=0.7, size=(N, D)),
        "W_yh": rng.normal(scale=0.7, size=(N, K)),
        "W_hy": rng.normal(scale=0.7, size=(K, N)),
        "b_h": rng.normal(scale=0.5, size=N),
        "b_y": rng.normal(scale=0.5, size=K),
    }


def _one_from_zero(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1, 2, 1) | {"y_0": np.zeros((1, 1))}


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, 3, 2)


def _two(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 3, 2)


def _square(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 3, 3, 3)


def _long(rng: np.random.Generator) -> Inputs:
    return _make(rng, 6, 3, 2, 4, 3)


EXERCISE = Exercise(
    name="01.jordan",
    title="A network that hears its own output",
    kind="write",
    inputs={"x": "T B D", "y_0": "B K", "W_xh": "N D", "W_yh": "N K", "W_hy": "K N", "b_h": "N",
            "b_y": "K"},
    outputs={"h": "T B N", "y": "T B K"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step from y_0 = 0", _one_from_zero,
             "With y_0 = 0 it is a plain layer: h = tanh(W_xh x + b_h), y = W_hy h + b_y."),
        Case("one step", _one, "New in this case: y_0, through W_yh."),
        Case("two steps", _two,
             "New in this case: the second step hears the first step's output, not its state."),
        Case("three steps, D = N = K = 3", _square,
             "All sizes are equal here: a state in the place of an output fits too."),
        Case("six steps, three sequences", _long,
             "New in this case: several sequences over several steps."),
    ),
    hints=(
        "What is remembered from step to step: N numbers, or K?",
        "As (1.4) of notebook 01, with y_{t-1} in the place of h_{t-1}, and W_yh (N, K) in the "
        "place of W_hh.",
        "state = tanh(x[t] @ W_xh.T + out @ W_yh.T + b_h), then out = state @ W_hy.T + b_y, and "
        "out is what the next step hears.",
    ),
    mistakes=(
        Mistake("y_0 at every step",
                "Step 1 hears y_0. What does step 2 hear?",
                (("out = state @ W_hy.T + b_y", "last = state @ W_hy.T + b_y"),
                 ("y.append(out)", "y.append(last)"))),
        Mistake("y_0 forgotten",
                "What does the first step hear?",
                (("out = y_0", "out = 0 * y_0"),)),
        Mistake("tanh of the output is fed back",
                "What is heard is y itself, not tanh(y).",
                (("out @ W_yh.T", "np.tanh(out) @ W_yh.T"),)),
        Mistake("the output without its bias is fed back",
                "The bias belongs to y: what is heard includes it.",
                (("out = state @ W_hy.T + b_y", "out = state @ W_hy.T"),
                 ("y.append(out)", "y.append(out + b_y)"))),
        Mistake("the output of two steps ago",
                "y_{t-1} is the newest output when step t begins.",
                (("out = y_0", "out = before = y_0"),
                 ("out @ W_yh.T", "before @ W_yh.T"),
                 ("        out = state", "        before = out\n        out = state"))),
        Mistake("tanh on the output",
                "The readout (1.3) is linear: between which numbers does your y lie?",
                (("out = state @ W_hy.T + b_y", "out = np.tanh(state @ W_hy.T + b_y)"),)),
        Mistake("the feedback outside of the activation",
                "It is the tanh of a sum: input, feedback and bias together.",
                (("np.tanh(x[t] @ W_xh.T + out @ W_yh.T + b_h)",
                  "np.tanh(x[t] @ W_xh.T + b_h) + out @ W_yh.T"),)),
        Mistake("the state is carried as well",
                "Which of the two goes on to the next step, h or y? This network has one memory.",
                (("out @ W_yh.T + b_h", "out @ W_yh.T + b_h + (h[-1] if h else 0)"),)),
        Mistake("W_yh not transposed",
                "W_yh is (N, K). With sequences in rows, which of its axes meets the K entries of "
                "y?",
                (("out @ W_yh.T", "out @ W_yh"),)),
        Mistake("the readout's weights in the place of W_yh",
                "Two matrices stand between outputs and units. Which one leads from y to the "
                "units?",
                (("out @ W_yh.T", "out @ W_hy"),)),
        Mistake("h and y in the other order",
                "Which of the two is returned first?",
                (("np.array(h), np.array(y)", "np.array(y), np.array(h)"),)),
        Mistake("y_0 is stored too",
                "T steps, T rows: is y_0 the output of a step?",
                (("h, y = [], []", "h, y = [], [y_0]"),)),
        Mistake("the bias of the output left out",
                "What is y_t if h_t is zero?",
                ((" + b_y", ""),)),
    ),
)  # fmt: skip
