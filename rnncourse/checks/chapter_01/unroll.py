"""01.unroll: T steps and their outputs, against the formula applied from the start for each t."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _state_after(t, x, h_0, W_xh, W_hh, b_h):
    """h_t by its own definition: h_t needs h_{t-1}, down to h_0."""
    if t == 0:
        return h_0
    before = _state_after(t - 1, x, h_0, W_xh, W_hh, b_h)
    a = np.einsum("nd,bd->bn", W_xh, x[t - 1]) + np.einsum("nm,bm->bn", W_hh, before) + b_h
    return np.tanh(a)


def _definition(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    T = len(x)
    h = np.array([_state_after(t, x, h_0, W_xh, W_hh, b_h) for t in range(1, T + 1)])
    return {"h": h, "y": np.einsum("kn,tbn->tbk", W_hy, h) + b_y}


def _attempt(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    T = len(x)
    state = h_0
    h, y = [], []
    for t in range(T):
        state = np.tanh(x[t] @ W_xh.T + state @ W_hh.T + b_h)
        h.append(state)
        y.append(state @ W_hy.T + b_y)
    return np.array(h), np.array(y)


def _shared_memory(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    """Every entry of the list is the same array."""
    state, h = h_0.copy(), []
    for x_t in x:
        state[...] = np.tanh(x_t @ W_xh.T + state @ W_hh.T + b_h)
        h.append(state)
    h = np.array(h)
    return h, h @ W_hy.T + b_y


def _shared_states(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    """The same, with outputs that are made in time."""
    state, h, y = h_0.copy(), [], []
    for x_t in x:
        state[...] = np.tanh(x_t @ W_xh.T + state @ W_hh.T + b_h)
        h.append(state)
        y.append(state @ W_hy.T + b_y)
    return np.array(h), np.array(y)


def _from_row_one(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    """h[0] = h_0, and the loop begins with the second step."""
    h = np.zeros((len(x), *h_0.shape))
    h[0] = h_0
    for t in range(1, len(x)):
        h[t] = np.tanh(x[t] @ W_xh.T + h[t - 1] @ W_hh.T + b_h)
    return h, h @ W_hy.T + b_y


def _over_the_batch(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    """Batch first, as in other libraries."""
    state, h = h_0, []
    for b in range(x.shape[1]):
        state = np.tanh(x[:, b] @ W_xh.T + state @ W_hh.T + b_h)
        h.append(state)
    h = np.stack(h, axis=1)
    return h, h @ W_hy.T + b_y


def _wrong_bias(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    h, _ = _attempt(x, h_0, W_xh, W_hh, W_hy, b_h, b_y)
    return h, h @ W_hy.T + b_h


def _make(rng: np.random.Generator, T: int, B: int, D: int, N: int, K: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "h_0": rng.uniform(-0.9, 0.9, size=(B, N)),
        "W_xh": rng.normal(scale=0.7, size=(N, D)),
        "W_hh": rng.normal(scale=0.7, size=(N, N)),
        "W_hy": rng.normal(size=(K, N)),
        "b_h": rng.normal(scale=0.5, size=N),
        "b_y": rng.normal(size=K),
    }


def _single(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1, 1, 1)


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, 3, 2)


def _no_wire(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 3, 2) | {"W_hh": np.zeros((3, 3))}


def _two_from_zero(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 3, 2) | {"h_0": np.zeros((1, 3))}


def _three(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 2, 3, 2)


def _wide(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 5, 2, 3, 2)


def _long(rng: np.random.Generator) -> Inputs:
    return _make(rng, 7, 3, 2, 4, 3)


def _silent_input(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 2, 2, 3, 2)
    return inputs | {"x": np.zeros((4, 2, 2))}


EXERCISE = Exercise(
    name="01.unroll",
    title="Unrolling in time",
    kind="write",
    inputs={"x": "T B D", "h_0": "B N", "W_xh": "N D", "W_hh": "N N", "W_hy": "K N", "b_h": "N",
            "b_y": "K"},
    outputs={"h": "T B N", "y": "T B K"},
    definition=_definition,
    attempt=_attempt,
    points=10,
    cases=(
        Case("one step, one number of each kind", _single,
             "One step: h = tanh(W_xh x + W_hh h_0 + b_h) and y = W_hy h + b_y."),
        Case("one step", _one, "Several units, inputs and outputs: look for transposes."),
        Case("two steps, W_hh = 0", _no_wire,
             "The steps do not hear of each other here. Is each of them there, with its own input, "
             "in its own row?"),
        Case("two steps from h_0 = 0", _two_from_zero,
             "New in this case: what enters the second step is what left the first one."),
        Case("three steps", _three,
             "New in this case: two sequences, and a start that is not zero."),
        Case("no input at all", _silent_input,
             "Only the start and the biases drive the network here."),
        Case("two steps, five sequences", _wide,
             "More sequences than steps: which axis of x is time?"),
        Case("seven steps, three sequences", _long, "A few steps are right, many are not."),
    ),
    hints=(
        "What enters step t, and what has to be kept for later when the step is done?",
        "(1.4) of notebook 01: the state that leaves a step is the state that enters the next one; "
        "y_t is (1.3) of the new state.",
        "state = h_0; for each x[t]: state = np.tanh(x[t] @ W_xh.T + state @ W_hh.T + b_h), append "
        "it and state @ W_hy.T + b_y; np.array of both lists at the end.",
    ),
    answers=("rnncourse.unroll.unroll",),
    mistakes=(
        Mistake("the state is not carried on",
                "Which state enters step 2? Is it still h_0?",
                (("        state = np.tanh(x[t] @ W_xh.T + state @ W_hh.T + b_h)",
                  "        state = np.tanh(x[t] @ W_xh.T + h_0 @ W_hh.T + b_h)"),)),
        Mistake("h_0 forgotten: the start is zero",
                "Your network starts from zero. What enters the first step?",
                (("state = h_0", "state = 0 * h_0"),)),
        Mistake("the output is made of the old state",
                "Is y_t read from the state that enters step t, or from the one that leaves it?",
                (("        state = np.tanh", "        old = state\n        state = np.tanh"),
                 ("y.append(state @ W_hy.T", "y.append(old @ W_hy.T"))),
        Mistake("the state that enters is stored, not the one that leaves",
                "h[0] is the state after the first step, not h_0.",
                (("        state = np.tanh",
                  "        h.append(state)\n        state = np.tanh"),
                 ("        h.append(state)\n        y", "        y"))),
        Mistake("the same first input at every step",
                "Which input does step t take?",
                (("x[t] @ W_xh.T", "x[0] @ W_xh.T"),)),
        Mistake("the loop runs backwards",
                "Which input comes first?",
                (("range(T)", "reversed(range(T))"),)),
        Mistake("W_hh not transposed",
                "Unit n owns row n of W_hh. With sequences in rows, the weights stand on the "
                "right, transposed.",
                (("state @ W_hh.T", "state @ W_hh"),)),
        Mistake("tanh on the output too",
                "The readout (1.3) is linear. What would a tanh there forbid the loss to reach?",
                (("y.append(state @ W_hy.T + b_y)", "y.append(np.tanh(state @ W_hy.T + b_y))"),)),
        Mistake("no tanh on the state",
                "Where is φ?",
                (("np.tanh(x[t] @ W_xh.T + state @ W_hh.T + b_h)",
                  "x[t] @ W_xh.T + state @ W_hh.T + b_h"),)),
        Mistake("the bias of the output left out",
                "What is y if the state is zero?",
                ((" + b_y", ""),)),
        Mistake("one array in every place of the list",
                "All rows of h are equal: your loop writes into one array, and the list holds it T "
                "times. Make a new one at each step.",
                wrong=_shared_memory),
        Mistake("one array in every place of the list of states",
                "All rows of h are equal: your loop writes into one array, and the list holds it T "
                "times. Make a new one at each step.",
                wrong=_shared_states),
        Mistake("only the last step is returned",
                "Which steps are asked for? h is (T, B, N).",
                (("np.array(h), np.array(y)", "h[-1], y[-1]"),)),
        Mistake("steps and sequences exchanged",
                "Time is the first axis: h[t] holds all sequences at step t.",
                (("np.array(h), np.array(y)", "np.stack(h, axis=1), np.stack(y, axis=1)"),)),
        Mistake("h and y in the other order",
                "Which of the two is returned first?",
                (("np.array(h), np.array(y)", "np.array(y), np.array(h)"),)),
        Mistake("the start is stored too",
                "T steps, T rows: is h_0 the state after a step?",
                (("h, y = [], []", "h, y = [h_0], []"),)),
        Mistake("the loop ends after its first step",
                "You get one row, whatever T is: how far is your return indented?",
                (("np.array(h), np.array(y)", "np.array(h[:1]), np.array(y[:1])"),)),
        Mistake("h_0 stored in the place of the first state",
                "Row 0 of h is the state after the first step. Which step does your loop begin "
                "with?",
                wrong=_from_row_one),
        Mistake("the loop runs over the batch",
                "Which axis of x is time? x[t] holds all sequences at step t.",
                wrong=_over_the_batch),
        Mistake("the output has the bias of the state",
                "There are two biases. Which one belongs to the readout (1.3)?",
                wrong=_wrong_bias),
        Mistake("the bias of the state left out",
                "What is h_1 if x_1 and h_0 are zero?",
                ((" + b_h", ""),)),
        Mistake("the input of the step before",
                "Row 0 of x enters step 1, which makes row 0 of h. Which row of x do you take for "
                "row t?",
                (("x[t] @ W_xh.T", "x[t - 1] @ W_xh.T"),)),
    ),
)  # fmt: skip
