"""06.repair_onnx: weights from an ONNX file in the course's order, against a look-up by gate."""

import itertools

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(W, R, bias):
    """Entry by entry: find the gate's place in each of the two orders."""
    N = R.shape[1]
    W_xh, W_hh, b_h = np.zeros(W.shape), np.zeros(R.shape), np.zeros(4 * N)
    for gate in "ifgo":
        for n in range(N):
            here, there = "ifgo".index(gate) * N + n, "iofg".index(gate) * N + n
            for d in range(W.shape[1]):
                W_xh[here, d] = W[there, d]
            for m in range(N):
                W_hh[here, m] = R[there, m]
            b_h[here] = bias[there] + bias[4 * N + there]
    return {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}


def _attempt(W, R, bias):
    N = R.shape[1]
    order = (0, 2, 3, 1)
    blocks = [slice(k * N, (k + 1) * N) for k in order]
    both = bias[: 4 * N] + bias[4 * N :]
    W_xh = np.concatenate([W[rows] for rows in blocks])
    W_hh = np.concatenate([R[rows] for rows in blocks])
    b_h = np.concatenate([both[rows] for rows in blocks])
    return W_xh, W_hh, b_h


# the three bugs of the script that is given out: what is left unrepaired, as edits, and its hint
BUGS = {
    "the order is the way from here to ONNX": (
        (("(0, 2, 3, 1)", "(0, 3, 1, 2)"),),
        "`order` says which of ONNX's blocks comes first, second, … here. At which place do f, g "
        "and o stand in i, o, f, g?",
    ),
    "one of the two biases is lost": (
        (("bias[: 4 * N] + bias[4 * N :]", "bias[: 4 * N]"),),
        "ONNX stores two biases of 4N numbers each, one behind the other. What does a gate see of "
        "them?",
    ),
    "the bias keeps ONNX's order": (
        (("np.concatenate([both[rows] for rows in blocks])", "both"),),
        "The rows of both matrices were brought into another order. What about the bias?",
    ),
}
FIRST_HINT = (
    "All three bugs are still there. Take one unit, number the four rows 0, 1, 2, 3 and write "
    "down which of them arrives where; then count the numbers of the bias."
)
COUNT = {1: "two bugs repaired, one left", 2: "one bug repaired, two left", 3: "not repaired yet"}


def _unrepaired() -> tuple[Mistake, ...]:
    """The script as it is given out, and every half-way repair."""
    return tuple(
        Mistake(
            f"{COUNT[left]}: {'; '.join(names)}",
            FIRST_HINT if left == 3 else " ".join(BUGS[name][1] for name in names),
            tuple(edit for name in names for edit in BUGS[name][0]),
        )
        for left in (3, 2, 1)
        for names in itertools.combinations(BUGS, left)
    )


def _file(rng: np.random.Generator, D: int, N: int) -> Inputs:
    return {
        "W": rng.normal(size=(4 * N, D)),
        "R": rng.normal(size=(4 * N, N)),
        "bias": rng.normal(size=8 * N),
    }


def _one_unit_one_bias(rng: np.random.Generator) -> Inputs:
    return _file(rng, 1, 1) | {"bias": np.concatenate([rng.normal(size=4), np.zeros(4)])}


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _file(rng, 1, 1)


def _two_units(rng: np.random.Generator) -> Inputs:
    return _file(rng, 3, 2)


def _three_units(rng: np.random.Generator) -> Inputs:
    return _file(rng, 2, 3)


EXERCISE = Exercise(
    name="06.repair_onnx",
    title="Weights from another library",
    kind="repair",
    inputs={"W": "4N D", "R": "4N N", "bias": "8N"},
    outputs={"W_xh": "4N D", "W_hh": "4N N", "b_h": "4N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one unit, the second bias zero",
            _one_unit_one_bias,
            "One row of W and R, and one number of each bias, for each gate: ONNX has i, o, f, g, "
            "here it is i, f, g, o. Write both rows of letters one below the other.",
        ),
        Case(
            "one unit",
            _one_unit,
            "New in this case: the second half of ONNX's bias is not zero.",
        ),
        Case(
            "two units",
            _two_units,
            "One unit is right and two are not: N rows, one below the other, belong to one gate, "
            "and the first 4N numbers of the bias to one of the two biases.",
        ),
        Case("three units", _three_units, "N rows, one below the other, belong to one gate."),
    ),
    hints=(
        "With one unit there are four rows. Where does each of them have to go? And how many "
        "numbers of the bias belong to one gate?",
        "Section 1 of notebook 06: ONNX has i, o, f, g (it writes c for g), here it is i, f, g, o; "
        "two biases that are only ever added are one.",
        "f is ONNX's block 2, g its block 3, o its block 1: order = (0, 2, 3, 1), for both "
        "matrices and for bias[:4N] + bias[4N:].",
    ),
    mistakes=(
        *_unrepaired(),
        Mistake(
            "the mean of the two biases",
            "A gate adds both biases to its sum. Is their mean the same?",
            (("bias[: 4 * N] + bias[4 * N :]", "(bias[: 4 * N] + bias[4 * N :]) / 2"),),
        ),
        Mistake(
            "only one of the two biases in the new order",
            "Both halves of the bias have ONNX's order. Have you moved both, before or after they "
            "are added?",
            (("np.concatenate([both[rows] for rows in blocks])",
              "np.concatenate([bias[: 4 * N][rows] for rows in blocks]) + bias[4 * N :]"),),
        ),
        Mistake(
            "one row for each gate",
            "Has a gate one row, or N of them?",
            (("slice(k * N, (k + 1) * N)", "slice(k, k + 1)"),),
        ),
        Mistake(
            "the two biases taken in turn",
            "How do the 8N numbers stand: one pair after the other, or one bias behind the other?",
            (("bias[: 4 * N] + bias[4 * N :]", "bias[::2] + bias[1::2]"),),
        ),
        Mistake(
            "only two blocks exchanged",
            "From i, o, f, g to i, f, g, o: how many of the blocks move?",
            (("(0, 2, 3, 1)", "(0, 2, 1, 3)"),),
        ),
        Mistake(
            "one matrix keeps ONNX's order",
            "Both matrices have their rows in the order of the file. Have you moved those of R "
            "too?",
            (("np.concatenate([R[rows] for rows in blocks])", "R"),),
        ),
        Mistake(
            "the rows of the gates taken in turn",
            "Do the four gates of one unit stand together, or the N rows of one gate?",
            (("slice(k * N, (k + 1) * N)", "slice(k, None, 4)"),),
        ),
    ),
)  # fmt: skip
