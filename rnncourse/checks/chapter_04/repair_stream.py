"""04.repair_stream: truncated BPTT over one long stream, against complex steps of its pieces."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _piece(x, target, h, w_xh, W_hh, w_hy):
    """Sum of squared errors of one row's piece and the state at its end; all by one row."""
    total = 0.0
    for x_t, target_t in zip(x, target, strict=True):
        h = np.tanh(x_t * w_xh + W_hh @ h)
        total = total + (w_hy @ h - target_t) ** 2
    return total, h


def _definition(x, target, B, T, w_xh, W_hh, w_hy):
    """Row after row, piece after piece; within a piece the state that entered is a constant."""
    R = len(x) // B
    total, gradient, states = 0.0, np.zeros_like(W_hh), []
    for b in range(B):
        h = np.zeros(len(w_xh))
        for begin in range(b * R, (b + 1) * R, T):
            rows = slice(begin, min(begin + T, (b + 1) * R))
            gradient += complex_step_gradient(
                lambda W, rows=rows, h=h: _piece(x[rows], target[rows], h, w_xh, W, w_hy)[0], W_hh
            )
            error, h = _piece(x[rows], target[rows], h, w_xh, W_hh, w_hy)
            total += error
        states.append(h)
    return total / (B * R), gradient / (B * R), np.array(states)


def _attempt(x, target, B, T, w_xh, W_hh, w_hy):
    R = len(x) // B
    xs = x[: B * R].reshape(B, R).T
    targets = target[: B * R].reshape(B, R).T
    h = np.zeros((B, len(w_xh)))
    total, dL_dW_hh = 0.0, np.zeros_like(W_hh)
    for begin in range(0, R, T):
        piece = xs[begin : begin + T]
        hs, dL_dh = [h], np.zeros_like(h)
        for x_t in piece:
            hs.append(np.tanh(np.outer(x_t, w_xh) + hs[-1] @ W_hh.T))
        error = np.array(hs[1:]) @ w_hy - targets[begin : begin + T]
        total += np.sum(error**2)
        for t in reversed(range(len(piece))):
            dL_dh = dL_dh + np.outer(2 * error[t], w_hy)
            dL_da = dL_dh * (1 - hs[t + 1] ** 2)
            dL_dW_hh += dL_da.T @ hs[t]
            dL_dh = dL_da @ W_hh
        h = hs[-1]
    return total / (B * R), dL_dW_hh / (B * R), h


def _full_bptt(x, target, B, T, w_xh, W_hh, w_hy):
    """The gradient goes through all pieces: nothing is cut."""
    R = len(x) // B
    loss, gradient, h = _attempt(x, target, B, R, w_xh, W_hh, w_hy)
    return loss, gradient, h


def _stream(rng: np.random.Generator, M: int, B: int, T: int, N: int) -> Inputs:
    return {
        "x": rng.uniform(0.5, 1.5, size=M) * rng.choice([-1.0, 1.0], size=M),
        "target": rng.normal(size=M),
        "B": B,
        "T": T,
        "w_xh": rng.normal(size=N),
        "W_hh": rng.normal(scale=0.8, size=(N, N)),
        "w_hy": rng.normal(size=N) + 0.2,
    }


_ROWS = (
    ("xs = x[: B * R].reshape(B, R).T", "xs = x[: B * R].reshape(R, B)"),
    ("targets = target[: B * R].reshape(B, R).T", "targets = target[: B * R].reshape(R, B)"),
)
_STATE = (
    ("    h = np.zeros((B, len(w_xh)))\n", ""),
    ("        hs, dL_dh = [h], np.zeros_like(h)\n",
     "        h = np.zeros((B, len(w_xh)))\n        hs, dL_dh = [h], np.zeros_like(h)\n"),
)  # fmt: skip
_COUNT = (
    ("total += np.sum(error**2)", "total += np.mean(error**2)"),
    ("return total / (B * R), ", "return total / len(range(0, R, T)), "),
)

EXERCISE = Exercise(
    name="04.repair_stream",
    title="One long stream in pieces, with three bugs",
    kind="repair",
    inputs={
        "x": "M",
        "target": "M",
        "B": "a whole number",
        "T": "a whole number",
        "w_xh": "N",
        "W_hh": "N N",
        "w_hy": "N",
    },
    outputs={"L": "", "dL_dW_hh": "N N", "h": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one row, one piece",
            lambda rng: _stream(rng, 2, 1, 2, 1),
            "One row and one piece: an ordinary sequence of two steps. The broken script does "
            "this right, so look at what you changed.",
        ),
        Case(
            "two rows, one piece",
            lambda rng: _stream(rng, 4, 2, 2, 1),
            "New in this case: two rows. Row 0 is the first half of the stream, row 1 the second "
            "half.",
        ),
        Case(
            "one row, two pieces",
            lambda rng: _stream(rng, 4, 1, 2, 1),
            "New in this case: a second piece. It begins with the state in which the first one "
            "ended; its gradient stops there.",
        ),
        Case(
            "one row, the last piece shorter",
            lambda rng: _stream(rng, 5, 1, 3, 2),
            "New in this case: pieces of three and of two steps. Each step counts the same in the "
            "mean.",
        ),
        Case(
            "two rows and one number left over",
            lambda rng: _stream(rng, 9, 2, 2, 2),
            "New in this case: nine numbers do not fill two rows of one length. The last one is "
            "left out.",
        ),
        Case(
            "three rows, several pieces",
            lambda rng: _stream(rng, 23, 3, 3, 3),
            "Small streams are right and this one is not: follow one row through its pieces.",
        ),
    ),
    hints=(
        "Write the numbers 0 to 11 as a stream of two rows in pieces of three. Which number "
        "follows on which, in a row, and from one piece to the next?",
        "Cutting the gradient is not cutting the memory: the state lives on from piece to piece. "
        "For the rows see what `reshape` does with [0, 1, 2, 3, 4, 5]; a mean loss is (4.18) of "
        "notebook 04: one sum, divided once by the number of all steps.",
        "xs = x[:B*R].reshape(B, R).T, and the same for the targets; h is set to zero before the "
        "loop over the pieces; total adds sums of squares and is divided by B*R.",
    ),
    mistakes=(
        Mistake(
            "not repaired yet: all three bugs",
            "What follows on what in a row, what enters a piece, and what does a step of a short "
            "piece count? There are three bugs.",
            _ROWS + _STATE + _COUNT,
        ),
        Mistake(
            "one bug is gone; the rows are still dealt out, and the state is reset",
            "One of three is repaired. Print the rows for the stream 0, 1, 2, …; and which state "
            "enters the second piece?",
            _ROWS + _STATE,
        ),
        Mistake(
            "one bug is gone; the rows are still dealt out, and means of pieces averaged",
            "One of three is repaired. Print the rows for the stream 0, 1, 2, …; and what does a "
            "step of a short piece count?",
            _ROWS + _COUNT,
        ),
        Mistake(
            "one bug is gone; the state is still reset, and means of pieces averaged",
            "One of three is repaired. Which state enters the second piece? And what does a step "
            "of a short piece count?",
            _STATE + _COUNT,
        ),
        Mistake(
            "one bug is left: the stream is dealt out to the rows like cards",
            "Two of three are repaired. Print the rows for the stream 0, 1, 2, …: does row b "
            "continue row b?",
            _ROWS,
        ),
        Mistake(
            "one bug is left: each piece begins from zero",
            "Two of three are repaired. Which state enters the second piece? The gradient is cut "
            "there, the memory is not.",
            _STATE,
        ),
        Mistake(
            "one bug is left: the mean of the pieces' means",
            "Two of three are repaired. If the last piece is shorter, does each of its steps "
            "count as much as the others?",
            _COUNT,
        ),
        Mistake(
            "the inputs are in rows, the targets are dealt out",
            "Does each input still stand beside its own target? Both are cut in the same way.",
            _ROWS[1:],
        ),
        Mistake(
            "the axes of the rows are exchanged by a reshape",
            "What does reshape(B, R).reshape(R, B) do with the order of the numbers? Time becomes "
            "the first axis by a transpose.",
            (("xs = x[: B * R].reshape(B, R).T", "xs = x[: B * R].reshape(B, R).reshape(R, B)"),),
        ),
        Mistake(
            "the gradient is not cut",
            "How far back does the gradient of a piece go? The state that enters is a given "
            "number for it.",
            wrong=_full_bptt,
        ),
        Mistake(
            "the last, shorter piece is left out",
            "What becomes of the steps after the last whole piece? They belong to the stream.",
            (("range(0, R, T)", "range(0, R - T + 1, T)"),),
        ),
        Mistake(
            "the state of one row enters all rows",
            "Has each row its own memory? h has the shape (B, N).",
            (("h = hs[-1]\n", "h = np.repeat(hs[-1][-1:], B, axis=0)\n"),),
        ),
        Mistake(
            "the gradient is not divided by the count",
            "The loss is a mean. Its gradient is divided by the same number.",
            (("dL_dW_hh / (B * R)", "dL_dW_hh"),),
        ),
        Mistake(
            "divided by the length of a row",
            "How many errors are summed: R, or B times as many?",
            (("return total / (B * R), dL_dW_hh / (B * R)", "return total / R, dL_dW_hh / R"),),
        ),
        Mistake(
            "divided by the size of one piece",
            "How many errors are summed over all pieces together?",
            (("return total / (B * R), dL_dW_hh / (B * R)",
              "return total / (B * T), dL_dW_hh / (B * T)"),),
        ),
        Mistake(
            "the loss is divided by B twice",
            "If a mean over the rows is taken in each piece, what is left to divide by at the end?",
            (("total += np.sum(error**2)", "total += np.sum(error**2) / B"),),
        ),
        Mistake(
            "the rows are not turned: time is the second axis",
            "Which axis does a piece cut, and which one do the steps run along? The sweep wants "
            "time first.",
            (("xs = x[: B * R].reshape(B, R).T", "xs = x[: B * R].reshape(B, R)"),
             ("targets = target[: B * R].reshape(B, R).T",
              "targets = target[: B * R].reshape(B, R)")),
        ),
        Mistake(
            "divided by the length of the stream",
            "Are all M steps of the stream scored? The ones that fill no row are left out.",
            (("return total / (B * R), dL_dW_hh / (B * R)",
              "return total / len(x), dL_dW_hh / len(x)"),),
        ),
        Mistake(
            "the loss is a sum of squares divided by the number of pieces",
            "How many errors are added up in your sum? A mean divides by as many.",
            (("return total / (B * R), ", "return total / len(range(0, R, T)), "),),
        ),
        Mistake(
            "the gradient is divided by the number of pieces",
            "The loss is a mean. Its gradient is divided by the same number.",
            (("dL_dW_hh / (B * R)", "dL_dW_hh / len(range(0, R, T))"),),
        ),
        Mistake(
            "the loss alone is divided by the length of the stream",
            "Are all M steps of the stream scored? The ones that fill no row are left out.",
            (("return total / (B * R), ", "return total / len(x), "),),
        ),
        Mistake(
            "the mean of a short piece counts as if it were whole",
            "With which number does your code multiply the mean of the last piece: with T, or "
            "with the steps that it has?",
            (("total += np.sum(error**2)", "total += np.mean(error**2) * T * B"),),
        ),
        Mistake(
            "rows of M/T steps",
            "B rows share the M numbers: how many has each? T is the length of a piece, not the "
            "number of rows.",
            (("R = len(x) // B", "R = len(x) // T"),),
        ),
        Mistake(
            "loss and gradient are means over the pieces' means",
            "If the last piece is shorter, does each of its steps count as much as the others, in "
            "the loss and in the gradient?",
            (("total += np.sum(error**2)", "total += np.mean(error**2)"),
             ("np.outer(2 * error[t], w_hy)", "np.outer(2 * error[t] / error.size, w_hy)"),
             ("return total / (B * R), dL_dW_hh / (B * R)",
              "return total / len(range(0, R, T)), dL_dW_hh / len(range(0, R, T))")),
        ),
        Mistake(
            "the first state has no axis for the rows",
            "Which shape has h? All B rows begin at the same time, each with a state of its own.",
            (("h = np.zeros((B, len(w_xh)))", "h = np.zeros(len(w_xh))"),),
        ),
    ),
)  # fmt: skip
