"""05.repair_dropout: variational dropout on the recurrent path with four faults, to be repaired."""

from itertools import combinations

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, W_xh, W_hh, b_h, u, p, training):
    """(5.27) and (5.29), unit by unit: the mask of the first step, on what W_hh reads."""
    T, B, D = x.shape
    N = len(b_h)
    h = np.zeros((T + 1, B, N))
    for t, b, i in np.ndindex(T, B, N):
        a = b_h[i] + sum(W_xh[i, d] * x[t, b, d] for d in range(D))
        for j in range(N):
            mask = 1.0
            if training:
                mask = 0.0 if u[0, b, j] < p else 1 / (1 - p)
            a += W_hh[i, j] * mask * h[t, b, j]
        h[t + 1, b, i] = np.tanh(a)
    return h[1:]


def _attempt(x, W_xh, W_hh, b_h, u, p, training):
    T, B, _ = x.shape
    h = np.zeros((B, len(b_h)))
    states = []
    for t in range(T):
        m = (u[0] >= p) / (1 - p)
        if not training:
            m = 1.0
        h = np.tanh(x[t] @ W_xh.T + (m * h) @ W_hh.T + b_h)
        states.append(h)
    return np.array(states)


# each fault of the broken script: what it is called, what helps, and the line that has it
FAULTS = (
    ("dropped in use too",
     "Run it with training=False and p = 0.9: which states should it give, and which does it?",
     (("if not training:\n            m = 1.0\n", "if not training:\n            pass\n"),)),
    ("a new mask at each step",
     "Over one sequence, how often should the mask be drawn? Look at the index of u.",
     (("u[0] >= p", "u[t] >= p"),)),
    ("divided by p",
     "p is the probability of a drop. By what must a kept entry be enlarged so that its mean "
     "stays?",
     (("/ (1 - p)", "/ p"),)),
    ("the state itself is dropped",
     "In (5.29) the mask stands on what W_hh reads. Yours is on the state that is returned.",
     (("(m * h) @ W_hh.T + b_h)", "h @ W_hh.T + b_h); h = m * h"),)),
)  # fmt: skip


def _left() -> tuple[Mistake, ...]:
    """A mistake for each set of faults that are left; all of them is the script as it came."""
    mistakes = []
    for count in range(len(FAULTS), 0, -1):
        for left in combinations(FAULTS, count):
            repaired = " and ".join(f"“{fault[0]}”" for fault in FAULTS if fault not in left)
            name = f"{count} of the 4 bugs left; repaired: {repaired}"
            if count == len(FAULTS):
                name = "not repaired yet, all 4 bugs are left"
            elif count == 1:
                name = left[0][0]
            edits = tuple(edit for fault in left for edit in fault[2])
            mistakes.append(Mistake(name, left[0][1], edits))
    return tuple(mistakes)


def _make(rng: np.random.Generator, T: int, B: int, N: int, p: float, training: bool) -> Inputs:
    D = 2
    u = rng.random((T, B, N))
    u[0, 0, 0], u[0, 0, 1] = p / 2, (1 + p) / 2  # one unit dropped, one kept
    if B > 1:
        u[0, 1, 0] = (1 + p) / 2
    if T > 1:
        u[1, 0, 0], u[1, 0, 1] = (1 + p) / 2, p / 2
    return {
        "x": rng.normal(size=(T, B, D)),
        "W_xh": rng.normal(scale=0.6, size=(N, D)),
        "W_hh": rng.normal(scale=0.8, size=(N, N)),
        "b_h": rng.normal(scale=0.3, size=N),
        "u": u,
        "p": p,
        "training": training,
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, 0.3, True)


def _in_use(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 2, 0.4, False)


def _nothing_dropped(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 0.2, True) | {"u": rng.uniform(0.3, 1.0, size=(2, 1, 2))}


def _two_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2, 0.3, True)


def _three_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 2, 0.3, True)


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 3, 4, 0.4, True)


EXERCISE = Exercise(
    name="05.repair_dropout",
    title="A dropout that forgets",
    kind="repair",
    inputs={"x": "T B D", "W_xh": "N D", "W_hh": "N N", "b_h": "N",
            "u": "T B N", "p": "the probability of a drop", "training": "True or False"},
    outputs={"h": "T B N"},
    definition=_definition,
    attempt=_attempt,
    answers=("rnncourse.dropout.unroll_dropout",),
    cases=(
        Case("one step in training", _one_step,
             "One step from h_0 = 0: W_hh reads zeros, so a mask cannot change anything yet."),
        Case("in use", _in_use,
             "training is False here: it is the plain tanh network, (5.29) without masks. "
             "Neither u nor p may count."),
        Case("two steps, nothing dropped", _nothing_dropped,
             "All of u is above p, so all entries are kept. What is left is their enlargement."),
        Case("two steps", _two_steps,
             "New in this case: units that are dropped. At the second step W_hh reads masked "
             "states; the state that is returned is not masked."),
        Case("three steps", _three_steps,
             "Two steps are right, three are not: the mask of the third step is that of the "
             "first."),
        Case("five steps, three sequences", _general,
             "It is right for one sequence: each sequence has a mask of its own."),
    ),
    hints=(
        "With training=False, p must not count. With T = 1 it must not count either. Does it?",
        "Hold the script against (5.24), (5.27) and (5.29) of notebook 05, line by line.",
        "There are four faults: when the mask is drawn, what it is divided by, where it "
        "multiplies, and in which mode.",
    ),
    mistakes=(
        *_left(),
        Mistake("multiplied by 1 - p in use",
                "That belongs to masks of 0 and 1. Yours are enlarged in training: what is left to "
                "do in use?",
                (("m = 1.0", "m = 1 - p"),)),
        Mistake("masks of 0 and 1 in training, 1 - p in use",
                "That is dropout as it was first published. Here the kept entries are enlarged in "
                "training, so that nothing is left to do in use.",
                (("(u[0] >= p) / (1 - p)", "(u[0] >= p) * 1.0"), ("m = 1.0", "m = 1 - p"))),
        Mistake("the mask on what W_hh gives",
                "In (5.29), is the mask on the units that send or on those that receive?",
                (("(m * h) @ W_hh.T", "m * (h @ W_hh.T)"),)),
        Mistake("kept entries not enlarged",
                "The mean of the mask should be 1. What is it in yours?",
                (("(u[0] >= p) / (1 - p)", "(u[0] >= p) * 1.0"),)),
        Mistake("kept and dropped exchanged",
                "A unit is dropped with probability p, so where u is below p.",
                (("u[0] >= p", "u[0] < p"),)),
        Mistake("one mask for the whole batch",
                "Each sequence has a mask of its own. Look at the index of u.",
                (("u[0] >= p", "u[0, 0] >= p"),)),
        Mistake("the mask on the inputs' share in the place of the state's",
                "In (5.29) the mask of the state stands on h_{t-1} alone.",
                (("(m * h) @ W_hh.T + b_h)", "h @ W_hh.T + b_h)"),
                 ("h = np.tanh(x[t] @ W_xh.T", "h = np.tanh(m * (x[t] @ W_xh.T)"))),
        Mistake("the mask on the inputs' share too",
                "From h_0 = 0 the first state must be that without dropout. What does your mask "
                "multiply besides h_{t-1}?",
                (("np.tanh(x[t] @ W_xh.T", "np.tanh(m * (x[t] @ W_xh.T)"),)),
        Mistake("the mask on the whole sum before tanh",
                "In (5.29), which of the three terms has the mask of the state? Yours stands on "
                "all of them.",
                (("np.tanh(x[t] @ W_xh.T + (m * h) @ W_hh.T + b_h)",
                  "np.tanh(m * (x[t] @ W_xh.T + h @ W_hh.T + b_h))"),)),
        Mistake("W_hh transposed",
                "Row i of W_hh belongs to the unit that receives. Was this line wrong as it came?",
                (("@ W_hh.T", "@ W_hh"),)),
        Mistake("the mask written into the stored state",
                "`h *= m` writes into the array that stands in the list of states already. What "
                "makes a new array?",
                (("h = np.tanh(x[t] @ W_xh.T + (m * h) @ W_hh.T + b_h)",
                  "h *= m; h = np.tanh(x[t] @ W_xh.T + h @ W_hh.T + b_h)"),)),
        Mistake("the mask of the last step",
                "One mask for all steps is right. Which row of u is to make it?",
                (("u[0] >= p", "u[-1] >= p"),)),
        Mistake("the mask on the new state, before it is carried: twice",
                "The mask multiplies once in each step. Count where it does in yours.",
                (("states.append(h)", "h = m * h; states.append(h)"),)),
        Mistake("no dropout at all",
                "With training=True a unit that is dropped is not read by W_hh. Is it in yours?",
                (("(m * h) @ W_hh.T", "h @ W_hh.T"),)),
    ),
)  # fmt: skip
