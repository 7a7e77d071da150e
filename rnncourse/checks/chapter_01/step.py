"""01.step: one time step of a batch, against the sum written out for every entry."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, h_prev, W_xh, W_hh, b_h):
    B, N = h_prev.shape
    h = np.empty((B, N))
    for b in range(B):
        for n in range(N):
            a = b_h[n]
            for d in range(x.shape[1]):
                a += W_xh[n, d] * x[b, d]
            for m in range(N):
                a += W_hh[n, m] * h_prev[b, m]
            h[b, n] = math.tanh(a)
    return h


def _attempt(x, h_prev, W_xh, W_hh, b_h):
    a = x @ W_xh.T + h_prev @ W_hh.T + b_h
    return np.tanh(a)


def _logistic(x, h_prev, W_xh, W_hh, b_h):
    return 1 / (1 + np.exp(-(x @ W_xh.T + h_prev @ W_hh.T + b_h)))


def _inside(x, h_prev, W_xh, W_hh, b_h):
    """The activation of the old state too, as if it were a pre-activation."""
    return np.tanh(x @ W_xh.T + np.tanh(h_prev) @ W_hh.T + b_h)


def _make(rng: np.random.Generator, B: int, D: int, N: int) -> Inputs:
    return {
        "x": rng.normal(size=(B, D)),
        "h_prev": rng.uniform(-0.9, 0.9, size=(B, N)),
        "W_xh": rng.normal(scale=0.7, size=(N, D)),
        "W_hh": rng.normal(scale=0.7, size=(N, N)),
        "b_h": rng.normal(scale=0.5, size=N),
    }


def _single(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1)


def _first_step(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 1, 2, 3)
    return inputs | {"h_prev": np.zeros((1, 3)), "b_h": np.zeros(3)}


def _no_input(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 1, 2, 3)
    return inputs | {"x": np.zeros((1, 2)), "b_h": np.zeros(3)}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 1, 2, 3)
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _one_sequence(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 2, 3)


def _batch(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 2, 3)


def _square(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 3, 3)


EXERCISE = Exercise(
    name="01.step",
    title="One time step",
    kind="write",
    inputs={"x": "B D", "h_prev": "B N", "W_xh": "N D", "W_hh": "N N", "b_h": "N"},
    outputs={"h": "B N"},
    definition=_definition,
    attempt=_attempt,
    points=10,
    cases=(
        Case("one number of each kind", _single,
             "By hand: h = tanh(W_xh x + W_hh h_prev + b_h), five numbers."),
        Case("from h_prev = 0, no bias", _first_step,
             "Only the input takes part here: h = tanh(W_xh x)."),
        Case("no input, no bias", _no_input,
             "Only the state takes part here: h = tanh(W_hh h_prev)."),
        Case("one sequence, W_hh symmetric", _symmetric,
             "New in this case: input, state and bias together."),
        Case("one sequence", _one_sequence,
             "Right for a symmetric W_hh, wrong for others: look for a transpose."),
        Case("four sequences", _batch,
             "One sequence is right, four are not: does each row of h depend on its own row of x "
             "and h_prev only?"),
        Case("B = D = N = 3", _square,
             "All sizes are equal here, so that a wrong product fits too."),
    ),
    hints=(
        "How many terms does the pre-activation of one unit have? Which weights belong to it?",
        "It is (1.1) and (1.2) of notebook 01. Unit n owns row n of W_xh and of W_hh; batch code "
        "has the sequences in rows, so the weights stand on the right, transposed.",
        "Three terms: x times W_xh transposed, h_prev times W_hh transposed, and b_h. The tanh of "
        "their sum is h.",
    ),
    answers=("rnncourse.cell.step",),
    mistakes=(
        Mistake("W_hh not transposed",
                "Unit n owns row n of W_hh. With sequences in rows, on which side and how does "
                "W_hh stand?",
                (("h_prev @ W_hh.T", "h_prev @ W_hh"),)),
        Mistake("the state left out",
                "What makes the network recurrent? Where is h_prev?",
                (("x @ W_xh.T + h_prev @ W_hh.T + b_h", "x @ W_xh.T + b_h"),)),
        Mistake("the bias left out",
                "With x = 0 and h_prev = 0, is h zero?",
                ((" + b_h", ""),)),
        Mistake("the bias outside of the activation",
                "Can h be larger than 1? The bias is part of the pre-activation.",
                (("a = x @ W_xh.T + h_prev @ W_hh.T + b_h", "a = x @ W_xh.T + h_prev @ W_hh.T"),
                 ("return np.tanh(a)", "return np.tanh(a) + b_h"))),
        Mistake("no activation",
                "You return a of (1.1). What does (1.2) make of it?",
                (("np.tanh(a)", "a"),)),
        Mistake("the logistic function in the place of tanh",
                "Between which numbers does h lie? For tanh it is -1 and 1.",
                wrong=_logistic),
        Mistake("the activation applied to each term",
                "Is it the tanh of a sum, or a sum of tanhs?",
                (("a = x @ W_xh.T + h_prev @ W_hh.T + b_h",
                  "a = np.tanh(x @ W_xh.T + b_h) + np.tanh(h_prev @ W_hh.T)"),
                 ("return np.tanh(a)", "return a"))),
        Mistake("the activation applied to the old state",
                "h_prev is a state, it has been through tanh already.",
                wrong=_inside),
        Mistake("the old state added to the new one",
                "Does a plain step keep anything of h_prev, beside what W_hh makes of it?",
                (("return np.tanh(a)", "return h_prev + np.tanh(a)"),)),
        Mistake("the bias twice",
                "How many biases does one step have? The task gives one, b_h.",
                ((" + b_h", " + 2 * b_h"),)),
        Mistake("all sequences added up",
                "What does one sequence know of the others? Each row of h belongs to one row of x.",
                (("return np.tanh(a)",
                  "return np.tanh(a.sum(axis=0, keepdims=True) + 0 * a)"),)),
        Mistake("the sequences taken for columns",
                "The rows of x are the sequences: W @ x needs columns. On which side does a weight "
                "stand then?",
                (("x @ W_xh.T + h_prev @ W_hh.T", "W_xh @ x + W_hh @ h_prev"),)),
        Mistake("the sequences returned as columns",
                "h is (B, N): which of your axes are the sequences?",
                (("return np.tanh(a)", "return np.tanh(a).T"),)),
        Mistake("a and h are both returned",
                "The task asks for one array. Which of the two is the state?",
                (("return np.tanh(a)", "return a, np.tanh(a)"),)),
    ),
)  # fmt: skip
