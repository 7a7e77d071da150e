"""06.gates_in_numbers: predictions about gated cells, each found again by counting or running."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Mistake
from rnncourse.gru import init_gru_params, unroll_gru
from rnncourse.lstm import init_lstm_params, unroll_lstm


def _bias_for(tau: float) -> float:
    """Halve an interval until logistic(b)^tau is 1/e."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        kept = (1 / (1 + math.exp(-middle))) ** tau
        low, high = (middle, high) if kept < math.exp(-1) else (low, middle)
    return middle


def _cell_derivative(size: float) -> tuple[float, float]:
    """Move c_0 of a network with W_hh times `size`: what reaches c_50, and by the gates alone."""
    rng = np.random.default_rng(6)
    params = init_lstm_params(3, 30, 1, rng, forget_bias=3.0)
    params = params._replace(W_hh=size * params.W_hh)
    x = np.repeat(rng.standard_normal((50, 1, 3)), 2, axis=1)
    c_0 = np.zeros((2, 30))
    c_0[1, 0] = 1e-8
    trace = unroll_lstm(params, x, np.zeros((2, 30)), c_0)
    moved = np.linalg.norm(trace.c[-1, 1] - trace.c[-1, 0]) / 1e-8
    return float(moved), float(trace.f[:, 0, 0].prod())


def _definition():
    """Count the entries of fresh weights; solve for the bias; run cells as counterexamples."""
    rng = np.random.default_rng(0)
    lstm, gru = init_lstm_params(4, 10, 1, rng), init_gru_params(4, 10, 1, rng)
    moved, by_gates = _cell_derivative(1.0)
    exploded, _ = _cell_derivative(5.0)
    wild = gru._replace(W_xh=30 * gru.W_xh, W_hh=30 * gru.W_hh, b_hn=gru.b_hn + 30)
    states = unroll_gru(wild, rng.standard_normal((200, 1, 4))).h
    open_gates = lstm._replace(W_xh=0 * lstm.W_xh, W_hh=0 * lstm.W_hh, b_h=lstm.b_h + 6)
    cell = unroll_lstm(open_gates, np.zeros((100, 1, 4))).c
    return {
        "lstm_parameters": lstm.W_xh.size + lstm.W_hh.size + lstm.b_h.size,
        "gru_parameters": gru.W_xh.size + gru.W_hh.size + gru.b_h.size + gru.b_hn.size,
        "forget_bias_20": _bias_for(20.0),
        "powers_lost": -math.log10(0.5**50),
        "gates_are_all": abs(moved - by_gates) < 0.01 * by_gates,
        "lstm_may_explode": exploded > 100,
        "cell_stays_below_1": bool(np.abs(cell).max() <= 1),
        "gru_stays_below_1": bool(np.abs(states).max() <= 1),
    }


def _attempt():
    D, N = 4, 10
    f = math.exp(-1 / 20)
    return {
        "lstm_parameters": 4 * (N * D + N * N + N),
        "gru_parameters": 3 * (N * D + N * N + N) + N,
        "forget_bias_20": math.log(f / (1 - f)),
        "powers_lost": 50 * math.log10(2),
        "gates_are_all": False,
        "lstm_may_explode": True,
        "cell_stays_below_1": False,
        "gru_stays_below_1": True,
    }


EXERCISE = Exercise(
    name="06.gates_in_numbers",
    title="Gates in numbers",
    kind="predict",
    inputs={},
    outputs={
        "lstm_parameters": "",
        "gru_parameters": "",
        "forget_bias_20": "",
        "powers_lost": "",
        "gates_are_all": "yes or no",
        "lstm_may_explode": "yes or no",
        "cell_stays_below_1": "yes or no",
        "gru_stays_below_1": "yes or no",
    },
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "your answers",
            lambda rng: {},
            "Take them one at a time: the counts from the shapes of W_xh, W_hh and b_h, the bias "
            "from (6.19), the powers of ten from f^n.",
        ),
    ),
    hints=(
        "Which arrays does a cell have, and which shapes? Through which ways does c_k reach c_T?",
        "The shapes: (4N, D), (4N, N), (4N) in the LSTM; (3N, D), (3N, N), (3N) and (N) in the "
        "GRU. (6.18) and (6.19) for the numbers; section 3 of notebook 06 and the checkpoint of "
        "section 5 for the rest.",
        "4(ND + N² + N) and 3(ND + N² + N) + N; logistic(b)^20 = 1/e; 50 log10 2. The product of "
        "the gates is one path of many; the cell is a sum, the GRU's state a mixture.",
    ),
    points=3,
    rtol=0.01,
    atol=0.0,
    mistakes=(
        Mistake(
            "two biases in the LSTM, as in torch",
            "How many biases has a gate here? torch has two, which are only ever added.",
            (("4 * (N * D + N * N + N)", "4 * (N * D + N * N + 2 * N)"),),
        ),
        Mistake(
            "no bias in the LSTM",
            "Have you counted b_h? Each gate of each unit has one number there.",
            (("4 * (N * D + N * N + N)", "4 * (N * D + N * N)"),),
        ),
        Mistake(
            "the readout of the LSTM counted",
            "The cell alone is asked for: W_xh, W_hh and b_h. W_hy and b_y belong to the readout.",
            (("4 * (N * D + N * N + N)", "4 * (N * D + N * N + N) + N + 1"),),
        ),
        Mistake(
            "one gate of the LSTM",
            "How many sums does each unit compute? Three gates and the candidate.",
            (("4 * (N * D + N * N + N)", "N * D + N * N + N"),),
        ),
        Mistake(
            "the candidate of the LSTM not counted",
            "Three gates, and what else has weights of its own?",
            (("4 * (N * D + N * N + N)", "3 * (N * D + N * N + N)"),),
        ),
        Mistake(
            "the GRU's second bias of n forgotten",
            "The reset gate acts on a bias of its own in (6.23). How many numbers is it?",
            (("3 * (N * D + N * N + N) + N", "3 * (N * D + N * N + N)"),),
        ),
        Mistake(
            "no bias in the GRU",
            "Have you counted b_h, one number for each of the three sums, and b_hn?",
            (("3 * (N * D + N * N + N) + N", "3 * (N * D + N * N)"),),
        ),
        Mistake(
            "two biases in all of the GRU, as in torch",
            "Which of torch's second biases says something new? Only that of n is kept here.",
            (("3 * (N * D + N * N + N) + N", "3 * (N * D + N * N + 2 * N)"),),
        ),
        Mistake(
            "as many in the GRU as in the LSTM",
            "How many sums does a unit of the GRU compute? Two gates and the candidate.",
            (("3 * (N * D + N * N + N) + N", "4 * (N * D + N * N + N)"),),
        ),
        Mistake(
            "the gate's value for its bias",
            "You have found f. Which number does the logistic take to f?",
            (("math.log(f / (1 - f))", "f"),),
        ),
        Mistake(
            "the time constant for the bias",
            "With a bias of 20, how far is the gate from 1? Which gate leaves 1/e after 20 steps, "
            "and which number does the logistic take to it?",
            (("math.log(f / (1 - f))", "20.0"),),
        ),
        Mistake(
            "the bias with the other sign",
            "Does a gate that is nearly open have a positive or a negative sum?",
            (("math.log(f / (1 - f))", "-math.log(f / (1 - f))"),),
        ),
        Mistake(
            "half after 20 steps",
            "A time constant of 20: which share is left after 20 steps, 1/2 or 1/e?",
            (("f = math.exp(-1 / 20)", "f = 0.5 ** (1 / 20)"),),
        ),
        Mistake(
            "the natural logarithm",
            "Powers of ten are asked for: is 0.5^50 closer to 10^-15 or to 10^-35?",
            (("50 * math.log10(2)", "50 * math.log(2)"),),
        ),
        Mistake(
            "one power of ten for each step",
            "Each step halves. How many halvings make one power of ten?",
            (("50 * math.log10(2)", "50"),),
        ),
        Mistake(
            "f^50 itself",
            "You have computed what is left. How many powers of ten below 1 is it?",
            (("50 * math.log10(2)", "0.5**50"),),
        ),
        Mistake(
            "the powers of ten with a minus sign",
            "How many powers are LOST: 10^-3 has lost three.",
            (("50 * math.log10(2)", "-50 * math.log10(2)"),),
        ),
        Mistake(
            "the share divided by the number of steps",
            "Does the cell lose the same amount at each step, or the same share? What is left "
            "after two steps, after three?",
            (("50 * math.log10(2)", "math.log10(50 * 2)"),),
        ),
        Mistake(
            "only the forget gates carry the gradient",
            "c_k also shows itself in h_k, which all gates of the next step read. When is that "
            "way closed?",
            (('"gates_are_all": False', '"gates_are_all": True'),),
        ),
        Mistake(
            "an LSTM cannot explode",
            "The forget gates bound one path. What bounds the paths through h and W_hh?",
            (('"lstm_may_explode": True', '"lstm_may_explode": False'),),
        ),
        Mistake(
            "the cell stays below 1",
            "With f = i = 1 and g near 1, what is c after ten steps? What is squashed, c or what "
            "is shown of it?",
            (('"cell_stays_below_1": False', '"cell_stays_below_1": True'),),
        ),
        Mistake(
            "the GRU's state grows",
            "h_t lies between h_{t-1} and n_t, unit by unit. Can it leave (-1, 1)?",
            (('"gru_stays_below_1": True', '"gru_stays_below_1": False'),),
        ),
    ),
)
