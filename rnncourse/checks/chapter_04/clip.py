"""04.clip: clip three gradients by their one norm, against the norm written out entry by entry."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, Outputs

GRADIENTS = ("dL_dW_xh", "dL_dW_hh", "dL_db_h")


def _definition(dL_dW_xh, dL_dW_hh, dL_db_h, c):
    """The whole gradient as one list of numbers."""
    arrays = (dL_dW_xh, dL_dW_hh, dL_db_h)
    norm = math.hypot(*(number for array in arrays for number in array.ravel().tolist()))
    if norm > c:
        arrays = tuple(array / norm * c for array in arrays)
    return *arrays, norm


def _attempt(dL_dW_xh, dL_dW_hh, dL_db_h, c):
    gradients = [dL_dW_xh, dL_dW_hh, dL_db_h]
    squares = [np.sum(g**2) for g in gradients]
    norm = np.sqrt(sum(squares))
    factor = c / norm if norm > c else 1.0
    clipped = [factor * g for g in gradients]
    return *clipped, norm


def _gradients(
    rng: np.random.Generator, N: int, D: int, norm: float, c: float, weights: Inputs | None = None
) -> Inputs:
    """Gradients with a given norm; `weights` scale each of them first."""
    shapes = {"dL_dW_xh": (N, D), "dL_dW_hh": (N, N), "dL_db_h": (N,)}
    arrays = {
        name: (weights or {}).get(name, 1.0) * rng.normal(size=shape)
        for name, shape in shapes.items()
    }
    length = math.sqrt(sum(float(np.sum(g**2)) for g in arrays.values()))
    return {name: g * (norm / length) for name, g in arrays.items()} | {"c": c}


def _short(rng: np.random.Generator) -> Inputs:
    return _gradients(rng, 1, 1, rng.uniform(2.0, 3.0), rng.uniform(7.0, 9.0))


def _one_array(rng: np.random.Generator) -> Inputs:
    inputs = _gradients(rng, 2, 1, 1.0, rng.uniform(2.0, 4.0))
    zeros = {name: np.zeros_like(inputs[name]) for name in ("dL_dW_hh", "dL_db_h")}
    return inputs | zeros | {"dL_dW_xh": np.array([[3.0], [-4.0]]) * rng.uniform(2.0, 5.0)}


def _three_numbers(rng: np.random.Generator) -> Inputs:
    return _gradients(rng, 1, 1, rng.uniform(6.0, 9.0), rng.uniform(2.0, 3.0))


def _all_zero(rng: np.random.Generator) -> Inputs:
    return _gradients(rng, 2, 1, 0.0, rng.uniform(2.0, 4.0))


def _together(rng: np.random.Generator) -> Inputs:
    """Each array is shorter than c, all three together are not."""
    inputs = _gradients(rng, 2, 3, 1.0, rng.uniform(3.0, 5.0))
    share = {n: 0.8 * inputs["c"] / np.linalg.norm(inputs[n].ravel()) for n in GRADIENTS}
    return inputs | {name: inputs[name] * share[name] for name in GRADIENTS}


def _below(rng: np.random.Generator) -> Inputs:
    return _gradients(rng, 2, 3, rng.uniform(2.0, 3.0), rng.uniform(20.0, 30.0))


def _above(rng: np.random.Generator) -> Inputs:
    weights = {"dL_dW_xh": 0.3, "dL_dW_hh": 2.0, "dL_db_h": 1.0}
    return _gradients(rng, 3, 2, rng.uniform(30.0, 50.0), rng.uniform(3.0, 5.0), weights)


def _with_nan(rng: np.random.Generator) -> Inputs:
    inputs = _gradients(rng, 3, 2, rng.uniform(30.0, 50.0), rng.uniform(3.0, 5.0))
    inputs["dL_dW_hh"][1, 2] = np.nan
    return inputs


def _says_nan(inputs: Inputs, outputs: Outputs) -> str:
    norm = np.asarray(outputs["norm"], dtype=float)
    if norm.size == 1 and np.isnan(norm).all():
        return ""
    return "an entry of dL_dW_hh is nan, and the norm does not say so: it has to be nan"


EXERCISE = Exercise(
    name="04.clip",
    title="Clip by the norm",
    kind="write",
    inputs={"dL_dW_xh": "N D", "dL_dW_hh": "N N", "dL_db_h": "N", "c": "a number"},
    outputs={"dL_dW_xh": "N D", "dL_dW_hh": "N N", "dL_db_h": "N", "norm": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "three numbers, together longer than c",
            _three_numbers,
            "The norm of three numbers is the root of the sum of their squares. Here it is above "
            "c: all three get one factor, and afterwards their norm is c.",
        ),
        Case(
            "three numbers, together shorter than c",
            _short,
            "New in this case: the norm is below c. Such a gradient comes back as it was.",
        ),
        Case(
            "no gradient at all",
            _all_zero,
            "New in this case: everything is zero, and so is the norm. It comes back as zeros; "
            "look at what you divide by.",
        ),
        Case(
            "one array of two numbers, the others zero",
            _one_array,
            "New in this case: an array with several entries. The norm of (3, -4) is 5.",
        ),
        Case(
            "three arrays, together shorter than c",
            _below,
            "It is right for one array and wrong for three of unequal shapes, though nothing is "
            "to be changed here: look at the norm.",
        ),
        Case(
            "each array shorter than c, together longer",
            _together,
            "New in this case: no array by itself is longer than c, but all of them together "
            "are. The whole gradient is one vector.",
        ),
        Case(
            "three arrays of unequal length",
            _above,
            "New in this case: one array is much longer than the others. Their ratio stays.",
        ),
        Case(
            "an entry is nan",
            _with_nan,
            "New in this case: one entry is nan. Who trains has to hear of it: the norm is nan. "
            "What becomes of the arrays is not looked at.",
            holds=_says_nan,
        ),
    ),
    hints=(
        "How many norms are there if a network has three arrays of parameters? And what has to "
        "happen to a gradient that is short?",
        "Take (4.14) of notebook 04 with g the vector of all entries of all arrays: "
        "‖g‖² is the sum of the squares of all of them.",
        "norm = sqrt(np.sum(dL_dW_xh**2) + np.sum(dL_dW_hh**2) + np.sum(dL_db_h**2)); if "
        "norm > c, each of the arrays is multiplied by c / norm; the norm from before is returned.",
    ),
    answers=("rnncourse.clipping.clip_by_norm", "rnncourse.clipping.gradient_norm"),
    points=10,
    mistakes=(
        Mistake(
            "each array is clipped by itself",
            "How long is each array afterwards, compared with the others? One factor for all "
            "keeps the direction.",
            (("[factor * g for g in gradients]",
              "[g * min(1.0, c / max(np.sqrt(np.sum(g**2)), 1e-12)) for g in gradients]"),),
        ),
        Mistake(
            "each array is clipped to its share of c",
            "Why should a long array and a short one be cut to the same length? It is the whole "
            "vector that has the largest length c.",
            (("[factor * g for g in gradients]",
              "[g * min(1.0, c / 3**0.5 / max(np.sqrt(np.sum(g**2)), 1e-12)) "
              "for g in gradients]"),),
        ),
        Mistake(
            "short gradients are made longer",
            "What does (4.14) do with a gradient shorter than c? The smaller one of 1 and c/‖g‖ "
            "is the factor.",
            (("c / norm if norm > c else 1.0", "c / norm if norm > 0 else 1.0"),),
        ),
        Mistake(
            "short gradients are made longer, and zero is divided by zero",
            "What is c/‖g‖ for a gradient of zeros? A gradient shorter than c needs no factor.",
            (("c / norm if norm > c else 1.0", "c / np.float64(norm)"),),
        ),
        Mistake(
            "the comparison is the wrong way round",
            "Which gradients are too long: those with ‖g‖ above c, or those below?",
            (("if norm > c", "if 0 < norm < c"),),
        ),
        Mistake(
            "each entry is cut to the interval",
            "Does the gradient keep its direction if each entry is cut by itself? That is (4.15), "
            "and (4.14) is asked for.",
            (("[factor * g for g in gradients]", "[np.clip(g, -c, c) for g in gradients]"),),
        ),
        Mistake(
            "the sum of the three norms",
            "How long is a vector with a part of length 3 and a part of length 4? The squares "
            "are added before the root is taken.",
            (("np.sqrt(sum(squares))", "sum(np.sqrt(s) for s in squares)"),),
        ),
        Mistake(
            "the largest of the three norms",
            "If each of three arrays has length c, is the whole gradient as long as one of them?",
            (("np.sqrt(sum(squares))", "np.sqrt(max(squares))"),),
        ),
        Mistake(
            "the largest entry as the norm",
            "What is the length of (3, -4)? All entries take part in it.",
            (("np.sqrt(sum(squares))", "max(np.max(np.abs(g)) for g in gradients)"),),
        ),
        Mistake(
            "the sum of the absolute values as the norm",
            "What is the length of (3, -4)? By squares and a root it is 5.",
            (("np.sqrt(sum(squares))", "sum(np.sum(np.abs(g)) for g in gradients)"),),
        ),
        Mistake(
            "the root is missing",
            "If the gradient doubles, by how much does your norm grow? A length has to double.",
            (("np.sqrt(sum(squares))", "sum(squares)"),),
        ),
        Mistake(
            "the mean of the squares in the place of their sum",
            "Is the length of (3, 4) the root of 25, or of a half of it? A norm is a sum over all "
            "entries.",
            (("np.sqrt(sum(squares))", "np.sqrt(sum(squares) / sum(g.size for g in gradients))"),),
        ),
        Mistake(
            "the largest singular value of the matrices",
            "What does the 2 in `np.linalg.norm(W, 2)` mean for a matrix? Here each entry counts "
            "as one of a long vector.",
            (("[np.sum(g**2) for g in gradients]",
              "[np.linalg.norm(g, 2) ** 2 for g in gradients]"),),
        ),
        Mistake(
            "the biases are not counted",
            "Which arrays make up the gradient? The biases take part in its norm too.",
            (("[np.sum(g**2) for g in gradients]", "[np.sum(g**2) for g in gradients[:2]]"),),
        ),
        Mistake(
            "the biases are not shortened",
            "What happens to the direction if two of three arrays are shortened?",
            (("return *clipped, norm", "return *clipped[:2], dL_db_h, norm"),),
        ),
        Mistake(
            "long gradients get length 1",
            "How long is your gradient after clipping, and how long should it be?",
            (("c / norm if", "1 / norm if"),),
        ),
        Mistake(
            "the norm after clipping is returned",
            "Your arrays are right. Which norm would you like to see in a plot of a training: the "
            "one before clipping, or one that can't be above c?",
            (("return *clipped, norm", "return *clipped, min(norm, c)"),),
        ),
        Mistake(
            "the factor is c/‖g‖²",
            "A norm of 10 and c = 5: by which factor is the gradient to be shortened?",
            (("c / norm if", "c / norm**2 if"),),
        ),
        Mistake(
            "nan is left out of the norm",
            "What would you like to be told if an entry is nan? A norm that leaves it out looks "
            "as if all were well.",
            (("np.sum(g**2)", "np.nansum(g**2)"),),
        ),
        Mistake(
            "the factor is upside down",
            "A norm of 10 and c = 5: is your factor below 1? And what becomes of a gradient "
            "shorter than c?",
            (("c / norm if norm > c else 1.0", "min(1.0, norm / c)"),),
        ),
        Mistake(
            "the norm is returned first",
            "In which order are the four answers asked for?",
            (("return *clipped, norm", "return norm, *clipped"),),
        ),
    ),
)  # fmt: skip
