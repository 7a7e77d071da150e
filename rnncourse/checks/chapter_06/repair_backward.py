"""06.repair_backward: an LSTM's backward sweep with three bugs, against complex steps."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _unroll(share, W_hh, h, c):
    """Run the steps; `share` (T, B, 4N) is what input and bias add to the sums of each."""
    gates, cells, states = [], [c], [h]
    for share_t in share:
        i, f, g, o = np.split(share_t + h @ W_hh.T, 4, axis=1)
        i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        gates.append(np.hstack([i, f, g, o]))
        cells.append(c)
        states.append(h)
    return np.array(gates), np.array(cells), np.array(states)


def _definition(dL_dh, gates, cells, states, W_hh):
    """Differentiate L = Σ_t Σ dL_dh[t] h_t, of which the states are functions of four things."""
    i, f, g, o = np.split(gates, 4, axis=2)
    logits = [np.log(s) - np.log1p(-s) for s in (i, f, o)]
    a = np.concatenate([logits[0], logits[1], np.arctanh(g), logits[2]], axis=2)
    share = a - states[:-1] @ W_hh.T

    def loss(W_hh, b_h, h_0, c_0):
        return np.sum(dL_dh * _unroll(share + b_h, W_hh, h_0, c_0)[2][1:])

    point = {"W_hh": W_hh, "b_h": np.zeros(len(W_hh)), "h_0": states[0], "c_0": cells[0]}
    return {
        f"dL_d{name}": complex_step_gradient(
            lambda moved, name=name: loss(**(point | {name: moved})), value
        )
        for name, value in point.items()
    }


def _attempt(dL_dh, gates, cells, states, W_hh):
    T, B, N = dL_dh.shape
    i, f, g, o = np.split(gates, 4, axis=2)
    dL_dW_hh, dL_db_h = np.zeros((4 * N, N)), np.zeros(4 * N)
    recurrent, from_next = np.zeros((B, N)), np.zeros((B, N))
    for t in reversed(range(T)):
        dL_dh_t = dL_dh[t].copy()
        dL_dh_t += recurrent
        tanh_c = np.tanh(cells[t + 1])
        dL_dc_t = dL_dh_t * o[t] * (1 - tanh_c**2) + from_next
        dL_da_i = dL_dc_t * g[t] * i[t] * (1 - i[t])
        dL_da_f = dL_dc_t * cells[t] * f[t] * (1 - f[t])
        dL_da_g = dL_dc_t * i[t] * (1 - g[t] ** 2)
        dL_da_o = dL_dh_t * tanh_c * o[t] * (1 - o[t])
        dL_da = np.concatenate([dL_da_i, dL_da_f, dL_da_g, dL_da_o], axis=1)
        dL_dW_hh += dL_da.T @ states[t]
        dL_db_h += dL_da.sum(axis=0)
        recurrent = dL_da @ W_hh
        from_next = f[t] * dL_dc_t
    return dL_dW_hh, dL_db_h, recurrent, from_next


# two of the three bugs of the script that is given out; the third one changes the caller's dL_dh,
# which is told apart only once all values are right
WRONG_GATE = (
    ("(1 - tanh_c**2) + from_next", "(1 - tanh_c**2) + f[t] * from_next"),
    ("from_next = f[t] * dL_dc_t", "from_next = dL_dc_t"),
)
NEW_CELL = (("dL_dc_t * cells[t] * f[t]", "dL_dc_t * cells[t + 1] * f[t]"),)
IN_PLACE = (("dL_dh[t].copy()", "dL_dh[t]"),)


def _sweep(rng: np.random.Generator, T: int, B: int, N: int, **given: np.ndarray) -> Inputs:
    W_hh = given.pop("W_hh", rng.normal(size=(4 * N, N)))
    c_0 = rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.5, 1.5, size=(B, N))
    h_0 = rng.uniform(-0.9, 0.9, size=(B, N))
    share = rng.normal(size=(T, B, 4 * N))
    share[..., 2 * N : 3 * N] += np.sign(share[..., 2 * N : 3 * N])  # no candidate is near zero
    gates, cells, states = _unroll(share, W_hh, h_0, given.pop("c_0", c_0))
    return {
        "dL_dh": rng.choice([-1.0, 1.0], size=(T, B, N)) * rng.uniform(1, 3, size=(T, B, N)),
        "gates": gates,
        "cells": cells,
        "states": states,
        "W_hh": W_hh,
    } | given


def _one_step(rng: np.random.Generator) -> Inputs:
    return _sweep(rng, 1, 1, 1)


def _without_recurrence(rng: np.random.Generator) -> Inputs:
    return _sweep(rng, 2, 1, 1, W_hh=np.zeros((4, 1)))


def _two_steps(rng: np.random.Generator) -> Inputs:
    return _sweep(rng, 2, 1, 1)


def _last_step_only(rng: np.random.Generator) -> Inputs:
    dL_dh = np.zeros((3, 1, 2))
    dL_dh[-1] = rng.normal(size=(1, 2))
    return _sweep(rng, 3, 1, 2, dL_dh=dL_dh)


def _large(rng: np.random.Generator) -> Inputs:
    return _sweep(rng, 4, 3, 2)


EXERCISE = Exercise(
    name="06.repair_backward",
    title="A backward sweep with three bugs",
    kind="repair",
    inputs={
        "dL_dh": "T B N",
        "gates": "T B 4N",
        "cells": "T+1 B N",
        "states": "T+1 B N",
        "W_hh": "4N N",
    },
    outputs={"dL_dW_hh": "4N N", "dL_db_h": "4N", "dL_dh_0": "B N", "dL_dc_0": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one step, one unit",
            _one_step,
            "Nothing comes from the future: dL_dc is the first term of (6.8), each block of dL_da "
            "one line of (6.9) or (6.10), and dL_dc_0 is dL_dc times f_1. Which block is wrong, "
            "and what stands in its line?",
        ),
        Case(
            "two steps, W_hh = 0",
            _without_recurrence,
            "The two steps are joined by the cell only, and one forget gate stands between c_2 "
            "and c_1. Which one: that of the loop's step t = 1, or of t = 0?",
        ),
        Case(
            "two steps, one unit",
            _two_steps,
            "New in this case: the second step sends something back through W_hh, too. Where is it "
            "added, and is it made anew in each turn?",
        ),
        Case(
            "three steps, a loss at the last one only",
            _last_step_only,
            "All that the first steps get comes from the future, along both states.",
        ),
        Case(
            "four steps, three sequences",
            _large,
            "One sequence is right and several are not: the gradients of W_hh and b_h are sums "
            "over the batch.",
        ),
    ),
    hints=(
        "Run it with T = 1 first: which outputs are wrong there already? What does T = 2 add, and "
        "what has become of your dL_dh afterwards?",
        "Compare it line by line with (6.7) to (6.12) of notebook 06, minding the index t of each "
        "gate and cell. cells[t] entered step t, cells[t + 1] came out of it.",
        "Make dL_dh_t = dL_dh[t] + back, a new array. Take cells[t] in the block of f. Multiply "
        "dL_dc by f[t] at the end of the turn, after dL_da is made; the next turn only adds it.",
    ),
    answers=("rnncourse.lstm.lstm_sweep", "rnncourse.lstm.lstm_backward"),
    mistakes=(
        Mistake(
            "not repaired yet: both bugs that show in the values are left",
            "Take T = 1 first: the block of one gate is wrong there, and dL_dc_0, for two "
            "different reasons. Which cell, and which gate, stands in these two lines?",
            (*WRONG_GATE, *NEW_CELL, *IN_PLACE),
        ),
        Mistake(
            "the forget gate of the wrong step is left",
            "Going from c_{t+1} back to c_t, which step's forget gate is passed: (6.8) says t + 1. "
            "And which one is passed on the way to c_0?",
            WRONG_GATE,
        ),
        Mistake(
            "the new cell in the forget row is left",
            "Which cell did the forget gate of step t multiply: cells[t], which entered, or "
            "cells[t + 1], which came out?",
            NEW_CELL,
        ),
        Mistake(
            "the caller's dL_dh is still changed",
            "Whose array does `dL_dh_t += …` write to? dL_dh[t] is a view of the caller's.",
            IN_PLACE,
        ),
        Mistake(
            "dL_dc_0 without the first forget gate",
            "c_0 became a part of c_1 after a forget gate had multiplied it. Is that in your "
            "dL_dc_0?",
            (("return dL_dW_hh, dL_db_h, recurrent, from_next",
              "return dL_dW_hh, dL_db_h, recurrent, dL_dc_t"),),
        ),
        Mistake(
            "the forget gate right for c_0 only",
            "dL_dc_0 is right with one step. Inside of the loop, which gate multiplies what "
            "c_{t+1} sends to c_t?",
            (
                WRONG_GATE[0],
                ("from_next = f[t] * dL_dc_t", "from_next = dL_dc_t"),
                ("return dL_dW_hh, dL_db_h, recurrent, from_next",
                 "return dL_dW_hh, dL_db_h, recurrent, f[0] * from_next"),
            ),
        ),
        Mistake(
            "the forget gate of the step before",
            "The sweep goes backwards: is the step that comes AFTER t in time at t - 1 or at "
            "t + 1? And what is f[-1] in Python?",
            (
                ("(1 - tanh_c**2) + from_next", "(1 - tanh_c**2) + f[t - 1] * from_next"),
                ("from_next = f[t] * dL_dc_t", "from_next = dL_dc_t"),
            ),
        ),
        Mistake(
            "no forget gate on the way back",
            "(6.8) has f_{t+1} in its second term. Where has it gone?",
            (("from_next = f[t] * dL_dc_t", "from_next = dL_dc_t"),),
        ),
        Mistake(
            "multiplied by the forget gate too early",
            "The blocks of dL_da need dL_dc as it arrived at c_t. When may it be multiplied by "
            "f[t], on its way to c_{t-1}?",
            (
                ("(1 - tanh_c**2) + from_next",
                 "(1 - tanh_c**2) + from_next; dL_dc_t = f[t] * dL_dc_t"),
                ("from_next = f[t] * dL_dc_t", "from_next = dL_dc_t"),
            ),
        ),
        Mistake(
            "dL_dh_0 and dL_dc_0 in the other order",
            "Which of the two is asked for first? Compare the last line with the script's.",
            (("return dL_dW_hh, dL_db_h, recurrent, from_next",
              "return dL_dW_hh, dL_db_h, from_next, recurrent"),),
        ),
        Mistake(
            "nothing carried along the cell any more",
            "Which of the two ways back have you removed? (6.8) has two terms.",
            (("from_next = f[t] * dL_dc_t", "from_next = 0 * dL_dc_t"),),
        ),
        Mistake(
            "both forget gates on the way from one cell to the one before",
            "How many forget gates lie between c_{t+1} and c_t? Multiply by it once, where it is "
            "handed on or where it arrives.",
            (("(1 - tanh_c**2) + from_next", "(1 - tanh_c**2) + f[t] * from_next"),),
        ),
        Mistake(
            "the state that came out in dL_dW_hh",
            "That line was right: states[t] entered step t, and W_hh multiplied it.",
            (("dL_da.T @ states[t]", "dL_da.T @ states[t + 1]"),),
        ),
        Mistake(
            "what comes through W_hh is lost",
            "dL_dh_t has two terms, (6.7). After the repair of the copy, is the second one still "
            "used?",
            (("dL_dh_t += recurrent", "pass"),),
        ),
        Mistake(
            "the slope of tanh at the cell that entered",
            "h_t shows the new cell, cells[t + 1]: that index was right.",
            (("np.tanh(cells[t + 1])", "np.tanh(cells[t])"),),
        ),
    ),
)  # fmt: skip
