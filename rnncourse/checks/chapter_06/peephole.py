"""06.peephole: one step of an LSTM whose gates see the cell, against single numbers."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _definition(x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o):
    """Unit by unit, sequence by sequence."""
    B, N = h_prev.shape
    h, c = np.zeros((B, N)), np.zeros((B, N))
    for b in range(B):
        for n in range(N):

            def a(gate, b=b, n=n):
                row = gate * N + n
                inputs = sum(W_xh[row, d] * x[b, d] for d in range(x.shape[1]))
                return b_h[row] + inputs + sum(W_hh[row, m] * h_prev[b, m] for m in range(N))

            i = 1 / (1 + math.exp(-a(0) - p_i[n] * c_prev[b, n]))
            f = 1 / (1 + math.exp(-a(1) - p_f[n] * c_prev[b, n]))
            c[b, n] = f * c_prev[b, n] + i * math.tanh(a(2))
            o = 1 / (1 + math.exp(-a(3) - p_o[n] * c[b, n]))
            h[b, n] = o * math.tanh(c[b, n])
    return {"h": h, "c": c}


def _attempt(x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o):
    a = x @ W_xh.T + h_prev @ W_hh.T + b_h
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i = _logistic(a_i + p_i * c_prev)
    f = _logistic(a_f + p_f * c_prev)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    o = _logistic(a_o + p_o * c)
    h = o * np.tanh(c)
    return h, c


def _cell(rng: np.random.Generator, B: int, D: int, N: int) -> Inputs:
    peepholes = {
        p: rng.choice([-1.0, 1.0], size=N) * rng.uniform(0.5, 1.5, size=N)
        for p in ("p_i", "p_f", "p_o")
    }
    b_h = rng.normal(size=4 * N)
    b_h[2 * N : 3 * N] = rng.choice([-1.0, 1.0], size=N) * rng.uniform(1, 2, size=N)  # c not small
    return {
        "x": 0.5 * rng.normal(size=(B, D)),
        "h_prev": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.1, 0.3, size=(B, N)),
        "c_prev": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.5, 2, size=(B, N)),
        "W_xh": rng.normal(size=(4 * N, D)),
        "W_hh": rng.normal(size=(4 * N, N)),
        "b_h": b_h,
        **peepholes,
    }


def _closed(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1) | {p: np.zeros(1) for p in ("p_i", "p_f", "p_o")}


def _empty(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1) | {"c_prev": np.zeros((1, 1))}


def _two_holes(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1) | {"p_o": np.zeros(1)}


def _output_hole(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1) | {"p_i": np.zeros(1), "p_f": np.zeros(1)}


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1)


def _three_units(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 2, 3)


def _batch(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 3, 2, 5)


EXERCISE = Exercise(
    name="06.peephole",
    title="An LSTM with peepholes",
    kind="write",
    inputs={
        "x": "B D",
        "h_prev": "B N",
        "c_prev": "B N",
        "W_xh": "4N D",
        "W_hh": "4N N",
        "b_h": "4N",
        "p_i": "N",
        "p_f": "N",
        "p_o": "N",
    },
    outputs={"h": "B N", "c": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one unit, all peepholes zero",
            _closed,
            "Without peepholes it is the LSTM of notebook 06, (6.1) to (6.4). Has each of the "
            "three gates its logistic, and the candidate its tanh?",
        ),
        Case(
            "one unit, an empty cell",
            _empty,
            "The old cell is zero: input and forget gate see nothing. The new cell is not: "
            "p_o ⊙ c_t is added to the sum of the output gate, before its logistic.",
        ),
        Case(
            "one unit, p_o = 0",
            _two_holes,
            "Only the input and the forget gate see the cell here, the old one, each through its "
            "own weight.",
        ),
        Case(
            "one unit, p_i = p_f = 0",
            _output_hole,
            "Only the output gate sees the cell here: which one, the old or the new?",
        ),
        Case("one unit", _one_unit, "Each peephole is right alone, all together are not."),
        Case(
            "three units",
            _three_units,
            "One unit is right and three are not: each unit sees its own cell only, through one "
            "number. Look at the blocks of a_t, too.",
        ),
        Case(
            "three sequences, five units",
            _batch,
            "One sequence is right and several are not: p has one number per unit, for all "
            "sequences.",
        ),
    ),
    hints=(
        "In which order are the five things computed? Which of the gates can see the new cell, "
        "and which cannot?",
        "Start from (6.1) to (6.4) of notebook 06. To the sums of i and f add p ⊙ c_{t-1} before "
        "the logistic, to that of o p_o ⊙ c_t, after c_t is known.",
        "i = logistic(a_i + p_i * c_prev), f likewise with p_f; c = f * c_prev + i * g; only now "
        "o = logistic(a_o + p_o * c); h = o * np.tanh(c).",
    ),
    mistakes=(
        Mistake(
            "the output gate sees the old cell",
            "When the output gate is computed, the new cell is there already. Which one should it "
            "see?",
            (("p_o * c)", "p_o * c_prev)"),),
        ),
        Mistake(
            "the output gate sees the tanh of the cell",
            "A peephole looks at the cell itself. Where is it squashed?",
            (("p_o * c)", "p_o * np.tanh(c))"),),
        ),
        Mistake(
            "every gate sees the tanh of the cell",
            "A peephole looks at the cell itself. Where is it squashed?",
            (
                ("p_i * c_prev", "p_i * np.tanh(c_prev)"),
                ("p_f * c_prev", "p_f * np.tanh(c_prev)"),
                ("p_o * c)", "p_o * np.tanh(c))"),
            ),
        ),
        Mistake(
            "no logistic at the output gate",
            "The output gate is computed after the cell. What makes a share of its sum?",
            (("_logistic(a_o + p_o * c)", "(a_o + p_o * c)"),),
        ),
        Mistake(
            "the forget gate sees the new cell",
            "Which gates are needed to make the new cell? They can see the old one only.",
            (("c = f * c_prev + i * g",
              "f = _logistic(a_f + p_f * (_logistic(a_f) * c_prev + i * g)); "
              "c = f * c_prev + i * g"),),
        ),
        Mistake(
            "the peephole multiplies the gate",
            "Is the peephole's share a factor of the gate, or one more term of its sum?",
            (
                ("_logistic(a_i + p_i * c_prev)", "_logistic(a_i) * (1 + p_i * c_prev)"),
                ("_logistic(a_f + p_f * c_prev)", "_logistic(a_f) * (1 + p_f * c_prev)"),
                ("_logistic(a_o + p_o * c)", "_logistic(a_o) * (1 + p_o * c)"),
            ),
        ),
        Mistake(
            "no peephole at the output gate",
            "Three gates, three peepholes: what is p_o for?",
            (("a_o + p_o * c", "a_o"),),
        ),
        Mistake(
            "no peephole at the input gate",
            "Three gates, three peepholes: what is p_i for?",
            (("a_i + p_i * c_prev", "a_i"),),
        ),
        Mistake(
            "no peephole at the forget gate",
            "Three gates, three peepholes: what is p_f for?",
            (("a_f + p_f * c_prev", "a_f"),),
        ),
        Mistake(
            "no peepholes at all",
            "This is the plain LSTM. What do the gates see besides x_t and h_{t-1}?",
            (
                ("a_i + p_i * c_prev", "a_i"),
                ("a_f + p_f * c_prev", "a_f"),
                ("a_o + p_o * c", "a_o"),
            ),
        ),
        Mistake(
            "p_i and p_f exchanged",
            "Which weight belongs to which gate?",
            (
                ("a_i + p_i * c_prev", "a_i + p_f * c_prev"),
                ("a_f + p_f * c_prev", "a_f + p_i * c_prev"),
            ),
        ),
        Mistake(
            "the candidate sees the cell too",
            "Three peepholes, but four sums. Which of the four has none?",
            (("np.tanh(a_g)", "np.tanh(a_g + p_i * c_prev)"),),
        ),
        Mistake(
            "the peepholes look at h",
            "h_{t-1} enters through W_hh already. What does a peephole look at, behind the output "
            "gate?",
            (
                ("a_i + p_i * c_prev", "a_i + p_i * h_prev"),
                ("a_f + p_f * c_prev", "a_f + p_f * h_prev"),
            ),
        ),
        Mistake(
            "the peephole added after the logistic",
            "A gate is a share between 0 and 1. Is yours, after the peephole was added?",
            (
                ("_logistic(a_i + p_i * c_prev)", "_logistic(a_i) + p_i * c_prev"),
                ("_logistic(a_f + p_f * c_prev)", "_logistic(a_f) + p_f * c_prev"),
                ("_logistic(a_o + p_o * c)", "_logistic(a_o) + p_o * c"),
            ),
        ),
        Mistake(
            "h without the tanh of the cell",
            "Peepholes change the gates only. What keeps h_t below 1 in (6.4)?",
            (("o * np.tanh(c)", "o * c"),),
        ),
        Mistake(
            "one number for all units",
            "How many numbers does a unit's gate see? Each cell has its own weight, and the units "
            "are not summed: p ⊙ c, not p·c.",
            (
                ("p_i * c_prev", "(c_prev @ p_i)[:, None]"),
                ("p_f * c_prev", "(c_prev @ p_f)[:, None]"),
                ("p_o * c", "(c @ p_o)[:, None]"),
            ),
        ),
        Mistake(
            "gates read in the order i, f, o, g",
            "Which rows belong to the candidate g? Here, as in torch, they are the third block.",
            (("a_i, a_f, a_g, a_o =", "a_i, a_f, a_o, a_g ="),),
        ),
    ),
)
