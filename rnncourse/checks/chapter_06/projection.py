"""06.projection: one step of an LSTM with a projected state, against single numbers."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _definition(x, h_prev, c_prev, W_xh, W_hh, W_hr, b_h):
    """Unit by unit, sequence by sequence; the shown cells are then summed with their weights."""
    (B, N), P = c_prev.shape, h_prev.shape[1]
    h, c = np.zeros((B, P)), np.zeros((B, N))
    for b in range(B):
        shown = []
        for n in range(N):
            a = []
            for row in range(n, 4 * N, N):
                inputs = sum(W_xh[row, d] * x[b, d] for d in range(x.shape[1]))
                a.append(b_h[row] + inputs + sum(W_hh[row, p] * h_prev[b, p] for p in range(P)))
            i, f, o = (1 / (1 + math.exp(-a[k])) for k in (0, 1, 3))
            c[b, n] = f * c_prev[b, n] + i * math.tanh(a[2])
            shown.append(o * math.tanh(c[b, n]))
        for p in range(P):
            h[b, p] = sum(W_hr[p, n] * shown[n] for n in range(N))
    return {"h": h, "c": c}


def _attempt(x, h_prev, c_prev, W_xh, W_hh, W_hr, b_h):
    a = x @ W_xh.T + h_prev @ W_hh.T + b_h
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i, f, o = _logistic(a_i), _logistic(a_f), _logistic(a_o)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    h = (o * np.tanh(c)) @ W_hr.T
    return h, c


def _cell(rng: np.random.Generator, B: int, D: int, N: int, P: int) -> Inputs:
    return {
        "x": rng.normal(size=(B, D)),
        "h_prev": rng.normal(size=(B, P)),
        "c_prev": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.5, 2, size=(B, N)),
        "W_xh": rng.normal(size=(4 * N, D)),
        "W_hh": rng.normal(size=(4 * N, P)),
        "W_hr": rng.normal(size=(P, N)),
        "b_h": rng.normal(size=4 * N),
    }


def _plain(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, 1) | {"W_hr": np.ones((1, 1))}


def _scaled(rng: np.random.Generator) -> Inputs:
    size = rng.choice([-1.0, 1.0], size=(1, 1)) * rng.uniform(1.5, 3, size=(1, 1))
    return _cell(rng, 1, 1, 1, 1) | {"W_hr": size}


def _square(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 2, 2)


def _one_number_out(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 3, 1)


def _narrow(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 4, 3)


def _batch(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 3, 2, 5, 2)


EXERCISE = Exercise(
    name="06.projection",
    title="An LSTM with a projected state",
    kind="write",
    inputs={
        "x": "B D",
        "h_prev": "B P",
        "c_prev": "B N",
        "W_xh": "4N D",
        "W_hh": "4N P",
        "W_hr": "P N",
        "b_h": "4N",
    },
    outputs={"h": "B P", "c": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "every size 1, W_hr = 1",
            _plain,
            "With W_hr = 1 it is the LSTM of notebook 06, (6.1) to (6.4). Has each of the three "
            "gates its logistic, and the candidate its tanh?",
        ),
        Case(
            "every size 1",
            _scaled,
            "New in this case: W_hr is not 1. It multiplies what (6.4) called h_t, and nothing "
            "else.",
        ),
        Case(
            "two units, two numbers shown",
            _square,
            "New in this case: W_hr is a matrix, with one row for each number shown. What does it "
            "multiply, and which of its axes is summed over?",
        ),
        Case(
            "three units, one number shown",
            _one_number_out,
            "N and P differ: the gates and the cell have N entries, h has P.",
        ),
        Case(
            "four units, three numbers shown",
            _narrow,
            "N and P differ: cut a_t by the N of the cell, not by the width of h_prev.",
        ),
        Case(
            "three sequences, five units",
            _batch,
            "One sequence is right and several are not: each row is a sequence of its own.",
        ),
    ),
    hints=(
        "Which of the two states is made narrow, and which one stays as wide as the gates?",
        "(6.1) to (6.3) of notebook 06 stay as they are, W_hh having P columns. Only (6.4) gets a "
        "factor, at its very front.",
        "c = f * c_prev + i * g as always; shown = o * np.tanh(c), of width N; "
        "h = shown @ W_hr.T, of width P.",
    ),
    mistakes=(
        Mistake(
            "the state not projected",
            "How many entries has h? There are P of them, as many as W_hr has rows.",
            (("(o * np.tanh(c)) @ W_hr.T", "o * np.tanh(c)"),),
        ),
        Mistake(
            "the first P units for the projection",
            "Does h_t show P of the N units, or P weighted sums of all of them?",
            (("(o * np.tanh(c)) @ W_hr.T", "(o * np.tanh(c))[:, : len(W_hr)]"),),
        ),
        Mistake(
            "the cell projected before it is squashed and gated",
            "What does W_hr multiply: the cell, or what (6.4) makes of it?",
            (("(o * np.tanh(c)) @ W_hr.T", "o[:, : len(W_hr)] * np.tanh(c @ W_hr.T)"),),
        ),
        Mistake(
            "W_hr for its transpose",
            "Over which axis of W_hr (P, N) is summed? What it multiplies has N entries.",
            (("@ W_hr.T", "@ W_hr"),),
        ),
        Mistake(
            "a tanh around the projection",
            "What is done last, the tanh or the product with W_hr? h_t may leave (-1, 1) here.",
            (("(o * np.tanh(c)) @ W_hr.T", "np.tanh((o * np.tanh(c)) @ W_hr.T)"),),
        ),
        Mistake(
            "the tanh after the projection only",
            "The cell is squashed, gated, and then projected. In which order is it done here?",
            (("(o * np.tanh(c)) @ W_hr.T", "np.tanh((o * c) @ W_hr.T)"),),
        ),
        Mistake(
            "the cell not squashed",
            "(6.4) has a tanh: the projection does not replace it.",
            (("(o * np.tanh(c)) @ W_hr.T", "(o * c) @ W_hr.T"),),
        ),
        Mistake(
            "no output gate",
            "Which gate decides what is shown, before it is projected?",
            (("(o * np.tanh(c)) @ W_hr.T", "np.tanh(c) @ W_hr.T"),),
        ),
        Mistake(
            "the cell projected as well",
            "Which state is made narrow? The cell keeps its N entries: the forget gate, of N "
            "entries, multiplies it at the next step.",
            (("return h, c", "return h, c @ W_hr.T"),),
        ),
        Mistake(
            "the old state projected once more",
            "h_{t-1} has P entries: it was projected when it was made. Does W_hr act on it again?",
            (("h_prev @ W_hh.T", "(h_prev @ W_hr[:, : h_prev.shape[1]]) @ W_hh.T"),),
        ),
        Mistake(
            "the projected state added to what is shown",
            "Is h_t the projection, or the projection beside what was there? Nothing is added.",
            (("(o * np.tanh(c)) @ W_hr.T",
              "(o * np.tanh(c)) @ W_hr.T + (o * np.tanh(c))[:, : len(W_hr)]"),),
        ),
        Mistake(
            "c and h returned in the other order",
            "Which of the two is asked for first? Compare with the signature.",
            (("return h, c", "return c, h"),),
        ),
        Mistake(
            "gates read in the order i, f, o, g",
            "Which rows belong to the candidate g? Here, as in torch, they are the third block.",
            (("a_i, a_f, a_g, a_o =", "a_i, a_f, a_o, a_g ="),),
        ),
    ),
)  # fmt: skip
