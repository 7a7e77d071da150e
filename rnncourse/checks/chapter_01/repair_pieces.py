"""01.repair_pieces: a long sequence in pieces, against the same sequence in one go."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, h_0, W_xh, W_hh, b_h, piece):
    """In one go: the pieces must not show."""
    h, states = h_0, []
    for x_t in x:
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        states.append(h)
    return np.array(states)


def _run(x, h_0, W_xh, W_hh, b_h):
    h = h_0
    states = []
    for x_t in x:
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        states.append(h)
    return np.array(states)


def _attempt(x, h_0, W_xh, W_hh, b_h, piece):
    T = len(x)
    state = h_0
    parts = []
    for start in range(0, T, piece):
        part = _run(x[start : start + piece], state, W_xh, W_hh, b_h)
        state = part[-1]
        parts.append(part)
    return np.concatenate(parts)


def _broken(x, h_0, W_xh, W_hh, b_h, piece):
    """As the learner gets it."""
    parts = []
    for i in range(len(x) // piece):
        part = _run(x[i * piece : (i + 1) * piece], h_0, W_xh, W_hh, b_h)
        parts.append(part)
    return np.concatenate(parts)


def _carried_but_short(x, h_0, W_xh, W_hh, b_h, piece):
    parts = []
    for i in range(len(x) // piece):
        parts.append(_run(x[i * piece : (i + 1) * piece], h_0, W_xh, W_hh, b_h))
        h_0 = parts[-1][-1]
    return np.concatenate(parts)


def _one_piece_more(x, h_0, W_xh, W_hh, b_h, piece):
    parts = []
    for i in range(len(x) // piece + 1):
        parts.append(_run(x[i * piece : (i + 1) * piece], h_0, W_xh, W_hh, b_h))
        h_0 = parts[-1][-1]
    return np.concatenate(parts)


def _rest_from_h_0(x, h_0, W_xh, W_hh, b_h, piece):
    whole = len(x) // piece * piece
    h = _run(x[:whole], h_0, W_xh, W_hh, b_h)
    return np.concatenate([h, _run(x[whole:], h_0, W_xh, W_hh, b_h)]) if whole < len(x) else h


def _make(rng: np.random.Generator, T: int, B: int, D: int, N: int, piece: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "h_0": rng.uniform(-0.9, 0.9, size=(B, N)),
        "W_xh": rng.normal(scale=0.7, size=(N, D)),
        "W_hh": rng.normal(size=(N, N)),
        "b_h": rng.normal(scale=0.5, size=N),
        "piece": piece,
    }


def _whole(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 1, 2, 3)


def _two_pieces(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 1, 2, 3, 2)


def _single_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 2, 3, 1)


def _rest(rng: np.random.Generator) -> Inputs:
    return _make(rng, 7, 2, 2, 3, 3)


def _square(rng: np.random.Generator) -> Inputs:
    return _make(rng, 9, 3, 3, 3, 3)


EXERCISE = Exercise(
    name="01.repair_pieces",
    title="A long sequence in pieces",
    kind="repair",
    inputs={"x": "T B D", "h_0": "B N", "W_xh": "N D", "W_hh": "N N", "b_h": "N",
            "piece": "steps in a piece"},
    outputs={"h": "T B N"},
    definition=_definition,
    attempt=_attempt,
    example=1,
    cases=(
        Case("a single piece", _whole, "One piece holds all: nothing can be lost between pieces."),
        Case("two pieces", _two_pieces,
             "New in this case: what enters the second piece is the last state of the first."),
        Case("pieces of one step", _single_steps,
             "Three pieces, each of one step: which state enters the third?"),
        Case("the last piece is shorter", _rest,
             "7 steps in pieces of 3: is the seventh there, and which state enters it?"),
        Case("B = D = N = 3 = piece", _square,
             "All sizes are equal here: a wrong index fits too."),
    ),
    hints=(
        "Print the first state of the second piece, and the last one of the first. Do they know of "
        "each other?",
        "Section 3 of notebook 01, \"cut and carried\": cutting a sequence must not cut the "
        "memory.",
        "Keep state = h_0 before the loop, run each piece from `state`, then state = part[-1]; go "
        "through range(0, T, piece), so that a shorter last piece is run too.",
    ),
    mistakes=(
        Mistake("not repaired yet",
                "Two bugs: what enters the second piece, and what becomes of the steps that do not "
                "fill a piece?", wrong=_broken),
        Mistake("every piece starts from h_0",
                "Which state enters the second piece?",
                (("        state = part[-1]\n", ""),)),
        Mistake("every piece starts from zero",
                "The state is reset between the pieces: what has the network forgotten?",
                (("state = part[-1]", "state = 0 * part[-1]"),)),
        Mistake("the steps that do not fill a piece are dropped",
                "7 steps in pieces of 3: how many rows do you return?",
                wrong=_carried_but_short),
        Mistake("the first state of a piece is carried, not the last",
                "Which state enters the next piece: the one after the first or after the last "
                "step?",
                (("state = part[-1]", "state = part[0]"),)),
        Mistake("the last sequence's states are carried",
                "part is (steps, B, N). Is part[:, -1] the last step, or the last sequence?",
                (("state = part[-1]", "state = part[:, -1]"),)),
        Mistake("the pieces overlap by a step",
                "Does a piece begin with the last step of the one before?",
                (("x[start : start + piece]", "x[max(start - 1, 0) : start + piece]"),)),
        Mistake("all states of a piece are carried",
                "part is (steps, B, N). How many of its rows enter the next piece?",
                (("state = part[-1]", "state = part"),)),
        Mistake("the first piece's last state enters every piece",
                "Which state enters the third piece?",
                (("state = part[-1]", "state = (parts[0] if parts else part)[-1]"),)),
        Mistake("an empty piece at the end",
                "4 steps in pieces of 2: how many pieces do you run, and what is in the last one?",
                wrong=_one_piece_more),
        Mistake("the shorter last piece starts from h_0",
                "The last piece is there. Which state enters it?",
                wrong=_rest_from_h_0),
        Mistake("the pieces are not joined",
                "You return a list of pieces. The task asks for one array (T, B, N).",
                (("np.concatenate(parts)", "parts"),)),
    ),
)  # fmt: skip
