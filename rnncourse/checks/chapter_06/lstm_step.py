"""06.lstm_step: one step of an LSTM, against the four sums of every unit written out."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _definition(x, h_prev, c_prev, W_xh, W_hh, b_h):
    """Unit by unit, sequence by sequence: (6.1) to (6.4) for single numbers."""
    B, N = h_prev.shape
    h, c = np.zeros((B, N)), np.zeros((B, N))
    for b in range(B):
        for n in range(N):
            a = []
            for gate in range(4):
                row = gate * N + n
                total = b_h[row]
                for d in range(x.shape[1]):
                    total += W_xh[row, d] * x[b, d]
                for m in range(N):
                    total += W_hh[row, m] * h_prev[b, m]
                a.append(total)
            i, f, o = (1 / (1 + math.exp(-a[k])) for k in (0, 1, 3))
            c[b, n] = f * c_prev[b, n] + i * math.tanh(a[2])
            h[b, n] = o * math.tanh(c[b, n])
    return {"h": h, "c": c}


def _attempt(x, h_prev, c_prev, W_xh, W_hh, b_h):
    a = x @ W_xh.T + h_prev @ W_hh.T + b_h
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i = _logistic(a_i)
    f = _logistic(a_f)
    g = np.tanh(a_g)
    o = _logistic(a_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c


def _cell(rng: np.random.Generator, B: int, D: int, N: int) -> Inputs:
    return {
        "x": rng.normal(size=(B, D)),
        "h_prev": rng.uniform(-0.9, 0.9, size=(B, N)),
        "c_prev": rng.normal(size=(B, N)),
        "W_xh": rng.normal(size=(4 * N, D)),
        "W_hh": rng.normal(size=(4 * N, N)),
        "b_h": rng.normal(size=4 * N),
    }


def _biases_only(rng: np.random.Generator) -> Inputs:
    nothing = {name: np.zeros((1, 1)) for name in ("x", "h_prev", "c_prev")}
    zero = {name: np.zeros((4, 1)) for name in ("W_xh", "W_hh")}
    return _cell(rng, 1, 1, 1) | nothing | zero


def _half_open(rng: np.random.Generator) -> Inputs:
    candidate = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2)
    return _biases_only(rng) | {"b_h": np.array([0.0, 0.0, candidate, 0.0])}


def _full_cell(rng: np.random.Generator) -> Inputs:
    c_prev = rng.choice([-1.0, 1.0]) * rng.uniform(2, 4, size=(1, 1))
    return _biases_only(rng) | {"c_prev": c_prev}


def _input_only(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1) | {"h_prev": np.zeros((1, 1))}


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1)


def _two_units(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 3, 2) | {"W_hh": np.zeros((8, 2))}


def _three_units(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 2, 3)


def _batch(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 3, 2, 5)


EXERCISE = Exercise(
    name="06.lstm_step",
    title="One step of an LSTM",
    kind="write",
    inputs={
        "x": "B D",
        "h_prev": "B N",
        "c_prev": "B N",
        "W_xh": "4N D",
        "W_hh": "4N N",
        "b_h": "4N",
    },
    outputs={"h": "B N", "c": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one unit, only the candidate's bias",
            _half_open,
            "Only b_h is not zero, in its third row, that of the candidate. The three gates are "
            "logistic(0) = 1/2 then: c = tanh(b_g)/2 and h = tanh(c)/2. (If it is the shape: a "
            "row of x is a sequence, so a_t has the shape (B, 4N), and is cut into four (B, N).)",
        ),
        Case(
            "one unit, biases only, an empty cell",
            _biases_only,
            "New in this case: the gates have biases, so they are not one half. With c_prev = 0, "
            "c is logistic(b_i) tanh(b_g), and h is logistic(b_o) tanh(c). Try your logistic at "
            "-5, 0 and 5, too.",
        ),
        Case(
            "one unit, biases only, a full cell",
            _full_cell,
            "New in this case: c_prev is not zero, and larger than 1. The forget gate decides "
            "what stays of it, and nothing squashes c itself.",
        ),
        Case(
            "one unit, an input, h_prev = 0",
            _input_only,
            "New in this case: an input x, which enters all four sums through W_xh.",
        ),
        Case(
            "one unit, input and state",
            _one_unit,
            "New in this case: h_prev is not zero. It enters all four sums through W_hh.",
        ),
        Case(
            "two units, W_hh = 0",
            _two_units,
            "One unit is right and two are not: N rows in a row belong to one gate. Look at "
            "where you cut a_t, and along which axis.",
        ),
        Case(
            "three units",
            _three_units,
            "It is right without W_hh: look at the product h_prev @ W_hh.T.",
        ),
        Case(
            "three sequences, five units",
            _batch,
            "One sequence is right and several are not: each row of x, h_prev and c_prev is a "
            "sequence of its own. Cut along the axis of the gates.",
        ),
    ),
    hints=(
        "The cell is a sum of two products. Which gate decides about the old content, which about "
        "the new one, and what stands between c_t and h_t?",
        "Write (6.1) to (6.4) of notebook 06, one line each. The rows of W_xh, W_hh and b_h stand "
        "in the order i, f, g, o, N rows each.",
        "a = x @ W_xh.T + h_prev @ W_hh.T + b_h, cut by np.split(a, 4, axis=1). The logistic for "
        "i, f, o and tanh for g; then c = f * c_prev + i * g and h = o * np.tanh(c).",
    ),
    answers=("rnncourse.lstm.lstm_step", "rnncourse.lstm.unroll_lstm"),
    points=10,
    mistakes=(
        Mistake(
            "gates read in the order i, f, o, g",
            "Which rows belong to the candidate g? Here, as in torch, they are the third block; "
            "the output gate comes last.",
            (("a_i, a_f, a_g, a_o =", "a_i, a_f, a_o, a_g ="),),
        ),
        Mistake(
            "gates read in ONNX's order i, o, f, g",
            "Which rows belong to the forget gate? In ONNX they are the third block, here the "
            "second.",
            (("a_i, a_f, a_g, a_o =", "a_i, a_o, a_f, a_g ="),),
        ),
        Mistake(
            "input gate and forget gate exchanged",
            "Which gate multiplies the OLD cell, and which the candidate? (Or are the first two "
            "blocks of rows read the other way round?)",
            (("f * c_prev + i * g", "i * c_prev + f * g"),),
        ),
        Mistake(
            "the rows of the gates taken in turn",
            "Which row belongs to the input gate of the second unit? All N rows of a gate stand "
            "together.",
            (("= np.split(a, 4, axis=1)", "= (a[:, k::4] for k in range(4))"),),
        ),
        Mistake(
            "tanh for the gates",
            "A gate says which share passes. Can a share be negative?",
            (
                ("_logistic(a_i)", "np.tanh(a_i)"),
                ("_logistic(a_f)", "np.tanh(a_f)"),
                ("_logistic(a_o)", "np.tanh(a_o)"),
            ),
        ),
        Mistake(
            "the logistic for the candidate",
            "If the candidate were always positive, how could the cell ever count down?",
            (("g = np.tanh(a_g)", "g = _logistic(a_g)"),),
        ),
        Mistake(
            "the tanh of a logistic for the candidate",
            "Which sums pass the logistic: all four, or those of the gates only? A candidate may "
            "be negative.",
            (("g = np.tanh(a_g)", "g = np.tanh(_logistic(a_g))"),),
        ),
        Mistake(
            "no activation of the candidate",
            "The gates have their logistic. What does (6.2) do with the sum of the candidate?",
            (("g = np.tanh(a_g)", "g = a_g"),),
        ),
        Mistake(
            "the logistic runs the other way",
            "Should a gate with a large positive sum be open or shut? Try your logistic at 5.",
            (
                ("_logistic(a_i)", "_logistic(-a_i)"),
                ("_logistic(a_f)", "_logistic(-a_f)"),
                ("_logistic(a_o)", "_logistic(-a_o)"),
            ),
        ),
        Mistake(
            "h without the tanh of the cell",
            "The cell may grow beyond 1. What keeps h_t below 1 in (6.4)?",
            (("o * np.tanh(c)", "o * c"),),
        ),
        Mistake(
            "the output gate inside of tanh",
            "What is squashed in (6.4): the cell, or the cell after the output gate?",
            (("o * np.tanh(c)", "np.tanh(o * c)"),),
        ),
        Mistake(
            "no output gate",
            "Which gate decides how much of the cell is shown? You have computed all four.",
            (("o * np.tanh(c)", "np.tanh(c)"),),
        ),
        Mistake(
            "no input gate",
            "Which gate decides how much of the candidate is added? Here all of it is.",
            (("f * c_prev + i * g", "f * c_prev + g"),),
        ),
        Mistake(
            "no forget gate",
            "This is the LSTM of 1997, which kept everything. Which factor does the old cell have "
            "in (6.3)?",
            (("f * c_prev + i * g", "c_prev + i * g"),),
        ),
        Mistake(
            "the forget gate acts on the new content too",
            "Does the forget gate multiply the whole of the new cell, or the old cell only?",
            (("f * c_prev + i * g", "f * (c_prev + i * g)"),),
        ),
        Mistake(
            "1 - f for the input gate",
            "In this cell the input gate has rows of its own, unlike in the GRU. Is i always "
            "1 - f?",
            (("f * c_prev + i * g", "f * c_prev + (1 - f) * g"),),
        ),
        Mistake(
            "1 - i for the forget gate",
            "You have computed f from rows of its own. Where does it stand in (6.3)?",
            (("f * c_prev + i * g", "(1 - i) * c_prev + i * g"),),
        ),
        Mistake(
            "x and h_{t-1} in another order than their weights",
            "If you join x_t and h_{t-1} to one vector: which columns of the joined weights "
            "multiply which entries?",
            (("x @ W_xh.T + h_prev @ W_hh.T",
              "np.hstack([h_prev, x]) @ np.hstack([W_xh, W_hh]).T"),),
        ),
        Mistake(
            "tanh for the output gate",
            "Three gates say which share passes, the output gate too. Which activation has it?",
            (("_logistic(a_o)", "np.tanh(a_o)"),),
        ),
        Mistake(
            "the hidden state for the cell",
            "There are two states. Which of them goes on to the next step by way of the forget "
            "gate?",
            (("f * c_prev + i * g", "f * h_prev + i * g"),),
        ),
        Mistake(
            "h_t shows the old cell",
            "With an empty cell and something new to store, is h_t zero? Which cell stands in "
            "(6.4)?",
            (("o * np.tanh(c)", "o * np.tanh(c_prev)"),),
        ),
        Mistake(
            "the cell squashed before it is kept",
            "What c_t is handed on: the sum of (6.3), or its tanh? Only what is shown is "
            "squashed.",
            (
                ("c = f * c_prev + i * g", "c = np.tanh(f * c_prev + i * g)"),
                ("h = o * np.tanh(c)", "h = o * c"),
            ),
        ),
        Mistake(
            "the cell for the state in the four sums",
            "What do the four sums read? x_t and h_{t-1}: the cell itself enters none of them.",
            (("h_prev @ W_hh.T", "c_prev @ W_hh.T"),),
        ),
        Mistake(
            "the bias counted twice",
            "torch has two biases, which are added. How many are there here?",
            (("W_hh.T + b_h", "W_hh.T + 2 * b_h"),),
        ),
        Mistake(
            "no bias",
            "With no input and an empty state, what is left of (6.1)?",
            (("h_prev @ W_hh.T + b_h", "h_prev @ W_hh.T"),),
        ),
        Mistake(
            "no share of the previous state",
            "Two vectors enter the four sums. Where is h_{t-1}?",
            (("x @ W_xh.T + h_prev @ W_hh.T", "x @ W_xh.T"),),
        ),
        Mistake(
            "c and h returned in the other order",
            "Which of the two is asked for first? Compare with the signature.",
            (("return h, c", "return c, h"),),
        ),
        Mistake(
            "the caller's cell overwritten",
            "Whose array is c_prev? After `c = c_prev` and `c *= f` the caller has lost it, and "
            "the backward sweep needs it: write a new array.",
            (("c = f * c_prev + i * g", "c = c_prev; c *= f; c += i * g"),),
        ),
    ),
)  # fmt: skip
