"""06.gru_step: one step of a GRU in either convention, against sums written out."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _definition(x, h_prev, W_xh, W_hh, b_h, b_hn, reset):
    """Unit by unit: (6.20), then (6.22) or (6.23), then (6.21), for single numbers."""
    B, N = h_prev.shape
    h = np.zeros((B, N))
    for b in range(B):

        def share(row, b=b):
            return b_h[row] + sum(W_xh[row, d] * x[b, d] for d in range(x.shape[1]))

        def product(row, state):
            return sum(W_hh[row, m] * state[m] for m in range(N))

        def gate(row, b=b):
            return 1 / (1 + math.exp(-share(row) - product(row, h_prev[b])))

        r = [gate(n) for n in range(N)]
        for n in range(N):
            z, row = gate(N + n), 2 * N + n
            if reset == "after":
                recurrent = r[n] * (product(row, h_prev[b]) + b_hn[n])
            else:
                recurrent = product(row, [r[m] * h_prev[b, m] for m in range(N)]) + b_hn[n]
            h[b, n] = (1 - z) * math.tanh(share(row) + recurrent) + z * h_prev[b, n]
    return {"h": h}


def _attempt(x, h_prev, W_xh, W_hh, b_h, b_hn, reset):
    W_hr, W_hz, W_hn = np.split(W_hh, 3)
    a_r, a_z, a_n = np.split(x @ W_xh.T + b_h, 3, axis=1)
    r = _logistic(a_r + h_prev @ W_hr.T)
    z = _logistic(a_z + h_prev @ W_hz.T)
    if reset == "after":
        n = np.tanh(a_n + r * (h_prev @ W_hn.T + b_hn))
    else:
        n = np.tanh(a_n + (r * h_prev) @ W_hn.T + b_hn)
    h = (1 - z) * n + z * h_prev
    return h


def _cell(rng: np.random.Generator, B: int, D: int, N: int, reset: str) -> Inputs:
    return {
        "x": rng.normal(size=(B, D)),
        "h_prev": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.3, 0.9, size=(B, N)),
        "W_xh": rng.normal(size=(3 * N, D)),
        "W_hh": rng.normal(size=(3 * N, N)),
        "b_h": rng.normal(size=3 * N),
        "b_hn": rng.choice([-1.0, 1.0], size=N) * rng.uniform(0.5, 1.5, size=N),
        "reset": reset,
    }


def _empty(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, "after") | {"h_prev": np.zeros((1, 1)), "b_hn": np.zeros(1)}


def _second_bias(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, "after") | {"h_prev": np.zeros((1, 1))}


def _one_unit_no_bias(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, "after") | {"b_hn": np.zeros(1)}


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, "after")


def _one_unit_before(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 1, 1, "before")


def _after(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 2, 3, "after") | {"b_hn": np.zeros(3)}


def _before(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 1, 2, 3, "before") | {"b_hn": np.zeros(3)}


def _batch_after(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 3, 2, 5, "after")


def _batch_before(rng: np.random.Generator) -> Inputs:
    return _cell(rng, 3, 2, 5, "before")


EXERCISE = Exercise(
    name="06.gru_step",
    title="One step of either GRU",
    kind="write",
    inputs={
        "x": "B D",
        "h_prev": "B N",
        "W_xh": "3N D",
        "W_hh": "3N N",
        "b_h": "3N",
        "b_hn": "N",
        "reset": "'after' or 'before'",
    },
    outputs={"h": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one unit, h_prev = 0, b_hn = 0, after",
            _empty,
            "Nothing is there to keep or to reset: h is (1 - z) tanh(W_xn x + b_n).",
        ),
        Case(
            "one unit, h_prev = 0, after",
            _second_bias,
            "New in this case: the second bias b_hn. In 'after' the reset gate multiplies it too.",
        ),
        Case(
            "one unit, b_hn = 0, after",
            _one_unit_no_bias,
            "New in this case: a state entered. It acts on both gates, on the candidate, and it "
            "is kept in part: look at W_hh and at (6.21).",
        ),
        Case(
            "one unit, after",
            _one_unit,
            "State and second bias together: in 'after' the reset gate multiplies their sum.",
        ),
        Case(
            "one unit, before",
            _one_unit_before,
            "New in this case: reset = 'before', (6.22). With one unit it differs from 'after' in "
            "b_hn only, which is not reset. Which rows of W_hh do you multiply by r ⊙ h_{t-1}?",
        ),
        Case(
            "three units, b_hn = 0, after",
            _after,
            "One unit is right and three are not: which rows belong to which gate, and what is "
            "multiplied by r: the state or the product?",
        ),
        Case(
            "three units, b_hn = 0, before",
            _before,
            "Here it matters that the reset gate acts on the state, before W_hn mixes the units. "
            "If you do that: is W_hn transposed as in the product for 'after'?",
        ),
        Case(
            "three sequences, five units, after",
            _batch_after,
            "One sequence is right and several are not: each row is a sequence of its own.",
        ),
        Case(
            "three sequences, five units, before",
            _batch_before,
            "One sequence is right and several are not: each row is a sequence of its own.",
        ),
    ),
    hints=(
        "Which of the two gates keeps the old state, and which decides what the candidate reads "
        "of it? What does the reset gate multiply in each convention?",
        "(6.20) for the gates, (6.23) for 'after', (6.22) for 'before', and (6.21) for the "
        "mixture, notebook 06. The rows stand in the order r, z, n.",
        "after: n = np.tanh(a_n + r * (h_prev @ W_hn.T + b_hn)); before: n = np.tanh(a_n + "
        "(r * h_prev) @ W_hn.T + b_hn), where a_n = x @ W_xn.T + b_n. Then "
        "h = (1 - z) * n + z * h_prev.",
    ),
    answers=("rnncourse.gru.gru_step", "rnncourse.gru.unroll_gru"),
    mistakes=(
        Mistake(
            "z replaces in the place of keeping",
            "In one paper z keeps, in another it replaces. If z = 1, what is h_t by (6.21)?",
            (("(1 - z) * n + z * h_prev", "z * n + (1 - z) * h_prev"),),
        ),
        Mistake(
            "the rows read in the order z, r, n",
            "Which gate do the first N rows belong to? In torch, and here, the reset gate is "
            "first; in Keras it is the update gate.",
            (
                ("W_hr, W_hz, W_hn =", "W_hz, W_hr, W_hn ="),
                ("a_r, a_z, a_n =", "a_z, a_r, a_n ="),
            ),
        ),
        Mistake(
            "the reset acts before the product in both",
            "In 'after' the product comes first. What does r multiply then, the state or "
            "W_hn h_{t-1} + b_hn?",
            (("r * (h_prev @ W_hn.T + b_hn))", "(r * h_prev) @ W_hn.T + b_hn) "),),
        ),
        Mistake(
            "the reset acts after the product in both",
            "In 'before' the state is reset first, and then W_hn mixes the units. What does r "
            "multiply?",
            (("(r * h_prev) @ W_hn.T + b_hn)", "r * (h_prev @ W_hn.T + b_hn))"),),
        ),
        Mistake(
            "'before' and 'after' exchanged",
            "Before or after WHAT? It is the product with W_hn.",
            (('reset == "after"', 'reset == "before"'),),
        ),
        Mistake(
            "the second bias is not reset in 'after'",
            "Look at the brackets of (6.23): with h_prev = 0, what does the reset gate still act "
            "on?",
            (("r * (h_prev @ W_hn.T + b_hn))", "r * (h_prev @ W_hn.T) + b_hn) "),),
        ),
        Mistake(
            "the second bias is reset in 'before'",
            "Look at the brackets of (6.22): is b_hn multiplied by the reset gate there?",
            (("(r * h_prev) @ W_hn.T + b_hn)", "(r * h_prev) @ W_hn.T + r * b_hn)"),),
        ),
        Mistake(
            "no second bias",
            "b_hn is an argument. Where does it stand in (6.22) and (6.23)?",
            (
                ("r * (h_prev @ W_hn.T + b_hn))", "r * (h_prev @ W_hn.T))"),
                ("(r * h_prev) @ W_hn.T + b_hn)", "(r * h_prev) @ W_hn.T)"),
            ),
        ),
        Mistake(
            "no second bias in 'before'",
            "b_hn is an argument in both conventions. Where does it stand in (6.22)?",
            (("(r * h_prev) @ W_hn.T + b_hn)", "(r * h_prev) @ W_hn.T)"),),
        ),
        Mistake(
            "the reset gate outside of tanh, in 'after'",
            "Is the whole candidate reset, or only what it reads of the past?",
            (("np.tanh(a_n + r * (h_prev @ W_hn.T + b_hn))",
              "r * np.tanh(a_n + h_prev @ W_hn.T + b_hn)"),),
        ),
        Mistake(
            "no reset",
            "You have computed r. Where does it act?",
            (
                ("r * (h_prev @ W_hn.T + b_hn))", "h_prev @ W_hn.T + b_hn)"),
                ("(r * h_prev) @ W_hn.T + b_hn)", "h_prev @ W_hn.T + b_hn) "),
            ),
        ),
        Mistake(
            "the reset acts on the input too",
            "What can the reset gate hide from the candidate: the past, or the input as well?",
            (
                ("np.tanh(a_n + r * (h_prev @ W_hn.T + b_hn))",
                 "np.tanh(r * (a_n + h_prev @ W_hn.T + b_hn))"),
                ("np.tanh(a_n + (r * h_prev) @ W_hn.T + b_hn)",
                 "np.tanh(r * (a_n + h_prev @ W_hn.T + b_hn)) "),
            ),
        ),
        Mistake(
            "the reset acts on the input too, in 'after'",
            "What can the reset gate hide from the candidate: the past, or the input as well?",
            (("np.tanh(a_n + r * (h_prev @ W_hn.T + b_hn))",
              "np.tanh(r * (a_n + h_prev @ W_hn.T + b_hn))"),),
        ),
        Mistake(
            "W_hn for its transpose in 'before'",
            "Over which axis of W_hn is summed, and which one belongs to the unit of n_t? "
            "Compare the product with that of 'after'.",
            (("(r * h_prev) @ W_hn.T", "(r * h_prev) @ W_hn"),),
        ),
        Mistake(
            "the rows of another gate in 'before'",
            "The rows of W_hh stand in the order r, z, n. Which of them multiply r ⊙ h_{t-1}?",
            (("(r * h_prev) @ W_hn.T", "(r * h_prev) @ W_hz.T"),),
        ),
        Mistake(
            "the candidate is added in full",
            "(6.21) is a mixture: the shares of n and of h_{t-1} add up to 1. Do yours?",
            (("(1 - z) * n + z", "n + z"),),
        ),
        Mistake(
            "1 - r for the reset gate",
            "With r = 1, does the candidate see all of the past, or nothing of it?",
            (("r = _logistic(a_r", "r = 1 - _logistic(a_r"),),
        ),
        Mistake(
            "the update gate reads the reset state",
            "What do the two gates read in (6.20): h_{t-1} as it is, or what the reset gate left?",
            (("z = _logistic(a_z + h_prev @", "z = _logistic(a_z + (r * h_prev) @"),),
        ),
        Mistake(
            "what is kept is reset too",
            "What does the update gate keep: h_{t-1} itself, or the part that the reset gate left?",
            (("z * h_prev", "z * r * h_prev"),),
        ),
        Mistake(
            "the logistic for the candidate",
            "The state is a mixture of candidates. Should it be able to become negative?",
            (
                ("np.tanh(a_n + r", "_logistic(a_n + r"),
                ("np.tanh(a_n + (r", "_logistic(a_n + (r"),
            ),
        ),
        Mistake(
            "the old state is added in full",
            "(6.21) is a mixture: the shares of n and of h_{t-1} add up to 1. Do yours?",
            (("+ z * h_prev", "+ h_prev"),),
        ),
    ),
)  # fmt: skip
