"""02.bptt: all gradients of a tanh network, against complex-step differentiation of its loss."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient

WEIGHTS = ("W_xh", "W_hh", "W_hy", "b_h", "b_y", "h_0")


def _loss(x, h_0, W_xh, W_hh, W_hy, b_h, b_y, target):
    """Sum of the squared errors of all outputs of all steps; complex weights pass through."""
    h, total = h_0, 0.0
    for x_t, target_t in zip(x, target, strict=True):
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        total = total + np.sum((h @ W_hy.T + b_y - target_t) ** 2)
    return total


def _definition(**inputs):
    gradients = {
        f"dL_d{name}": complex_step_gradient(
            lambda value, name=name: _loss(**{**inputs, name: value}), inputs[name]
        )
        for name in WEIGHTS
    }
    return {"L": _loss(**inputs), **gradients}


def _attempt(x, h_0, W_xh, W_hh, W_hy, b_h, b_y, target):
    T = len(x)
    h_prev, h, y = [], [], []
    state = h_0
    for t in range(T):
        h_prev.append(state)
        a = x[t] @ W_xh.T + state @ W_hh.T + b_h
        state = np.tanh(a)
        h.append(state)
        y.append(state @ W_hy.T + b_y)
    error = np.array(y) - target
    L = np.sum(error**2)
    dL_dy = 2 * error
    dL_dW_xh, dL_dW_hh, dL_dW_hy = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(W_hy)
    dL_db_h, dL_db_y = np.zeros_like(b_h), np.zeros_like(b_y)
    carry = np.zeros_like(h_0)
    for t in reversed(range(T)):
        dL_dh = dL_dy[t] @ W_hy + carry
        dL_da = dL_dh * (1 - h[t] ** 2)
        dL_dW_xh += dL_da.T @ x[t]
        dL_dW_hh += dL_da.T @ h_prev[t]
        dL_dW_hy += dL_dy[t].T @ h[t]
        dL_db_h += dL_da.sum(axis=0)
        dL_db_y += dL_dy[t].sum(axis=0)
        carry = dL_da @ W_hh
    dL_dh_0 = carry
    return L, dL_dW_xh, dL_dW_hh, dL_dW_hy, dL_db_h, dL_db_y, dL_dh_0


def _network(
    rng: np.random.Generator, T: int, B: int, D: int, N: int, K: int, size: float = 0.8
) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "h_0": rng.normal(size=(B, N)),
        "W_xh": rng.normal(scale=size, size=(N, D)),
        "W_hh": rng.normal(scale=size, size=(N, N)),
        "W_hy": rng.normal(size=(K, N)),
        "b_h": rng.normal(size=N) / 2,
        "b_y": rng.normal(size=K),
        "target": rng.normal(size=(T, B, K)),
    }


def _one_number_each(rng: np.random.Generator) -> Inputs:
    return _network(rng, 1, 1, 1, 1, 1) | {"h_0": np.zeros((1, 1))}


def _one_step_from_zero(rng: np.random.Generator) -> Inputs:
    return _network(rng, 1, 1, 2, 3, 1) | {"h_0": np.zeros((1, 3))}


def _one_step(rng: np.random.Generator) -> Inputs:
    return _network(rng, 1, 1, 2, 3, 2)


def _without_recurrence(rng: np.random.Generator) -> Inputs:
    return _network(rng, 3, 1, 2, 3, 2) | {"W_hh": np.zeros((3, 3))}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _network(rng, 3, 1, 2, 3, 2)
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _three_steps(rng: np.random.Generator) -> Inputs:
    return _network(rng, 3, 1, 2, 3, 2)


def _tiny(rng: np.random.Generator) -> Inputs:
    inputs = _network(rng, 3, 2, 2, 3, 2)
    small = {name: inputs[name] * 1e-5 for name in ("x", "h_0", "b_h")}
    return inputs | small


def _large(rng: np.random.Generator) -> Inputs:
    return _network(rng, 5, 3, 2, 4, 3)


EXERCISE = Exercise(
    name="02.bptt",
    title="Back-propagation through time",
    kind="write",
    inputs={
        "x": "T B D",
        "h_0": "B N",
        "W_xh": "N D",
        "W_hh": "N N",
        "W_hy": "K N",
        "b_h": "N",
        "b_y": "K",
        "target": "T B K",
    },
    outputs={
        "L": "",
        "dL_dW_xh": "N D",
        "dL_dW_hh": "N N",
        "dL_dW_hy": "K N",
        "dL_db_h": "N",
        "dL_db_y": "K",
        "dL_dh_0": "B N",
    },
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one step, every size 1, h_0 = 0",
            _one_number_each,
            "With one number of each kind you can do it by hand: L = (W_hy tanh(W_xh x + b_h) "
            "+ b_y - target)².",
        ),
        Case(
            "one step from h_0 = 0",
            _one_step_from_zero,
            "Nothing comes from the future and nothing from the past here: only the readout, the "
            "slope of tanh and x take part.",
        ),
        Case(
            "one step from another state",
            _one_step,
            "New in this case: the state that entered, h_0, is not zero. It takes part in "
            "dL_dW_hh, and dL_dh_0 is W_hh^T dL_da.",
        ),
        Case(
            "three steps, W_hh = 0",
            _without_recurrence,
            "The steps do not hear of each other here. Look at what belongs to each of them, its "
            "input, its slope, the state that entered, and at the sums over the steps.",
        ),
        Case(
            "three steps, W_hh symmetric",
            _symmetric,
            "New in this case: what a step sends back to the one before. Write dL_dh_t as two "
            "terms.",
        ),
        Case(
            "three steps",
            _three_steps,
            "It is right for a symmetric W_hh and wrong for others: look for a transpose.",
        ),
        Case(
            "tiny activations",
            _tiny,
            "New in this case: two sequences. (And tanh is nearly a straight line.) What is summed "
            "over the batch?",
        ),
        Case(
            "five steps, three sequences",
            _large,
            "Few steps are right, many are not: what is kept from one step of the sweep to the "
            "next?",
        ),
    ),
    hints=(
        "By how many ways does h_t influence the loss? Each of them is one term of dL_dh_t.",
        "Go from the last step to the first with (2.8) and (2.9) of notebook 02, and add up "
        "(2.10) to (2.12) on the way. What h_t sends back is zero at the last step.",
        "At step t: dL_dh = dL_dy[t] @ W_hy + carry, dL_da = dL_dh * (1 - h[t]**2), and at the end "
        "of the step carry = dL_da @ W_hh. dL_dW_hh takes h_prev[t], which is h_0 at t = 0; "
        "dL_dh_0 is the last carry.",
    ),
    answers=("rnncourse.bptt.bptt", "rnncourse.bptt.backward_sweep", "rnncourse.bptt.double_sum"),
    points=10,
    mistakes=(
        Mistake(
            "no gradient from the future",
            "What does h_{t+1} send back to h_t? At every step but the last, dL_dh_t has a second "
            "term.",
            (("carry = dL_da @ W_hh", "carry = np.zeros_like(h_0)"),),
        ),
        Mistake(
            "1 - a² as the slope of tanh",
            "Can the slope of tanh be negative? It is 1 - tanh(a)², written in h, not in a.",
            (
                ("h.append(state)", "h.append(state); h_prev[t] = (h_prev[t], a)"),
                ("(1 - h[t] ** 2)", "(1 - h_prev[t][1] ** 2)"),
                ("dL_da.T @ h_prev[t]", "dL_da.T @ h_prev[t][0]"),
            ),
        ),
        Mistake(
            "W_hh for its transpose on the way back",
            "Which index of W_hh is summed on the way back? Forward it is `h @ W_hh.T`.",
            (("carry = dL_da @ W_hh", "carry = dL_da @ W_hh.T"),),
        ),
        Mistake(
            "h_t in the place of h_{t-1} in dL_dW_hh",
            "What did W_hh multiply at step t? At the first step from h_0 = 0 its gradient has to "
            "be zero.",
            (("dL_da.T @ h_prev[t]", "dL_da.T @ h[t]"),),
        ),
        Mistake(
            "h_0 forgotten in dL_dW_hh",
            "What entered at the first step? It is h_0, which need not be zero.",
            (("dL_da.T @ h_prev[t]", "dL_da.T @ (h_prev[t] if t else 0 * h_0)"),),
        ),
        Mistake(
            "the slope of tanh left out on the way back",
            "An error that goes back from h_{t+1} to h_t passes through tanh first: it is dL_da "
            "that is carried, not dL_dh.",
            (("carry = dL_da @ W_hh", "carry = dL_dh @ W_hh"),),
        ),
        Mistake(
            "no slope of tanh at all",
            "h_t is tanh(a_t). Where is the derivative of tanh?",
            (("dL_dh * (1 - h[t] ** 2)", "dL_dh"),),
        ),
        Mistake(
            "the slope of tanh at the state that entered",
            "The slope belongs to a_t, and tanh(a_t) is h_t, not h_{t-1}.",
            (("(1 - h[t] ** 2)", "(1 - h_prev[t] ** 2)"),),
        ),
        Mistake(
            "the backward loop runs forwards",
            "In which order do gradients travel? The last step has to be the first one.",
            (("for t in reversed(range(T)):", "for t in range(T):"),),
        ),
        Mistake(
            "the last step's gradient only",
            "Each step used the same W. Is its gradient that of one step, or a sum?",
            (
                ("dL_dW_xh += dL_da.T @ x[t]", "dL_dW_xh = dL_da.T @ x[t]"),
                ("dL_dW_hh += dL_da.T @ h_prev[t]", "dL_dW_hh = dL_da.T @ h_prev[t]"),
                ("dL_dW_hy += dL_dy[t].T @ h[t]", "dL_dW_hy = dL_dy[t].T @ h[t]"),
                ("dL_db_h += dL_da.sum(axis=0)", "dL_db_h = dL_da.sum(axis=0)"),
                ("dL_db_y += dL_dy[t].sum(axis=0)", "dL_db_y = dL_dy[t].sum(axis=0)"),
            ),
        ),
        Mistake(
            "the loss of the last step only is sent back",
            "L sums over all steps. Which steps have an output that is compared with a target?",
            (("dL_dh = dL_dy[t] @ W_hy + carry",
              "dL_dh = dL_dy[t] @ W_hy * (t == T - 1) + carry"),),
        ),
        Mistake(
            "the gradient of half the loss",
            "What is the derivative of e²? Compare with the loss that the task gives.",
            (("dL_dy = 2 * error", "dL_dy = error"),),
        ),
        Mistake(
            "the mean loss beside the gradient of the sum",
            "Which one did you average? The task asks for the sum of all squared errors.",
            (("L = np.sum(error**2)", "L = np.mean(error**2)"),),
        ),
        Mistake(
            "the mean in the place of the sum",
            "The task sums the squared errors over steps, sequences and outputs: no mean.",
            (
                ("L = np.sum(error**2)", "L = np.mean(error**2)"),
                ("dL_dy = 2 * error", "dL_dy = 2 * error / error.size"),
            ),
        ),
        Mistake(
            "the gradient of b_h averaged over the batch",
            "One bias serves all sequences: what each of them says about it is added, not "
            "averaged.",
            (("dL_db_h += dL_da.sum(axis=0)", "dL_db_h += dL_da.mean(axis=0)"),),
        ),
        Mistake(
            "dL_dh_0 without the way through W_hh",
            "h_0 enters a_1 through W_hh: its gradient is dL_da of the first step times W_hh.",
            (("dL_dh_0 = carry", "dL_dh_0 = dL_dh"),),
        ),
        Mistake(
            "the target's sign turned",
            "Is it output minus target, or target minus output? The loss does not tell, its "
            "gradient does.",
            (("error = np.array(y) - target", "error = target - np.array(y)"),),
        ),
        Mistake(
            "what comes back is computed and not added",
            "What does h_{t+1} send back to h_t? At every step but the last, dL_dh_t has a second "
            "term.",
            (("dL_dy[t] @ W_hy + carry", "dL_dy[t] @ W_hy"),),
        ),
        Mistake(
            "what comes back is added up from step to step",
            "What step t + 1 sends back holds all that came from later steps already. Does step t "
            "get it twice?",
            (("carry = dL_da @ W_hh", "carry = carry + dL_da @ W_hh"),),
        ),
        Mistake(
            "what comes back is added after the slope",
            "All that arrives at h_t passes through tanh, from the output and from the next step. "
            "Which of (2.8) and (2.9) comes first?",
            (("(1 - h[t] ** 2)", "(1 - h[t] ** 2) + carry"),
             ("dL_dy[t] @ W_hy + carry", "dL_dy[t] @ W_hy")),
        ),
        Mistake(
            "the slope of tanh taken at h",
            "φ′(a) is 1 - tanh(a)², and h is tanh(a) already. How often do you take the tanh?",
            (("(1 - h[t] ** 2)", "(1 - np.tanh(h[t]) ** 2)"),),
        ),
        Mistake(
            "h_{t-1} in the place of h_t in dL_dW_hy",
            "What did W_hy multiply at step t?",
            (("dL_dy[t].T @ h[t]", "dL_dy[t].T @ h_prev[t]"),),
        ),
        Mistake(
            "the slope left out of dL_dW_xh",
            "W_xh acts on a_t, in front of tanh. Which gradient does (2.11) take?",
            (("dL_da.T @ x[t]", "dL_dh.T @ x[t]"),),
        ),
        Mistake(
            "dL_dW_hh transposed",
            "Row n of dL_dW_hh belongs to the unit n that receives. To whom does yours belong?",
            (("dL_da.T @ h_prev[t]", "h_prev[t].T @ dL_da"),),
        ),
        Mistake(
            "one number for all entries of dL_db_h",
            "Each unit has a bias of its own. Over which axis do you sum?",
            (("dL_da.sum(axis=0)", "dL_da.sum()"),),
        ),
        Mistake(
            "dL_dh_0 is the gradient of the first pre-activation",
            "h_0 enters a_1 through W_hh: its gradient is dL_da of the first step times W_hh.",
            (("dL_dh_0 = carry", "dL_dh_0 = dL_da"),),
        ),
        Mistake(
            "the sum of the errors beside the gradient of their mean",
            "Which one did you average? The task asks for the sum of all squared errors.",
            (("dL_dy = 2 * error", "dL_dy = 2 * error / error.size"),),
        ),
        Mistake(
            "the first step left out of the sweep",
            "Which is the last step of your backward loop? Python's range(1, T) leaves out one.",
            (("reversed(range(T))", "reversed(range(1, T))"),),
        ),
        Mistake(
            "the last step left out of the sweep",
            "Which is the first step of your backward loop? Nothing comes back to it, but it has "
            "an output.",
            (("reversed(range(T))", "reversed(range(T - 1))"),),
        ),
        Mistake(
            "the slope left out of dL_dW_hh",
            "W_hh acts on a_t, in front of tanh. Which gradient does (2.10) take?",
            (("dL_da.T @ h_prev[t]", "dL_dh.T @ h_prev[t]"),),
        ),
        Mistake(
            "the slope left out of dL_db_h",
            "b_h acts on a_t, in front of tanh. Which gradient does (2.11) take?",
            (("dL_da.sum(axis=0)", "dL_dh.sum(axis=0)"),),
        ),
        Mistake(
            "1 - h as the slope of tanh",
            "At a = 0 and far to the left: what is your slope there, and what is that of tanh?",
            (("1 - h[t] ** 2", "1 - h[t]"),),
        ),
    ),
)  # fmt: skip
