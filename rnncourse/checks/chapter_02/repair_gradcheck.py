"""02.repair_gradcheck: a central-difference check with bugs, against the exact derivative."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_plain

TOO_SMALL = (
    "float64 has 16 digits. How many of them are left of the difference of two values of f, if "
    "eps is that small?"
)


def _function(A: np.ndarray, c: float) -> Callable[[np.ndarray], float]:
    """f(x) = 10 + Σ exp(c x) + Σ A_ij x_i x_j over the entries of x, one after the other."""

    def f(x: np.ndarray) -> float:
        flat = np.asarray(x, dtype=float).ravel()
        return float(10.0 + np.sum(np.exp(c * flat)) + flat @ A @ flat)  # 10 costs digits

    return f


def _call(function: Callable, inputs: Inputs) -> Any:
    """Give the learner's function f itself: it is made here, of plain arrays."""
    return call_plain(function, {"f": _function(inputs["A"], inputs["c"]), "x": inputs["x"]})


def _definition(A, c, x):
    flat = x.ravel()
    return (c * np.exp(c * flat) + (A + A.T) @ flat).reshape(x.shape)


def _attempt(f, x, eps=1e-6):
    gradient = np.zeros(x.shape)
    x = x.astype(float)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + eps
        above = f(x)
        x[index] = kept - eps
        below = f(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * eps)
    return gradient


def _broken(f, x, eps=1e-12):
    """As the learner gets it."""
    gradient = np.zeros(x.shape)
    at_x = f(x)
    for index in np.ndindex(x.shape):
        x[index] += eps
        gradient[index] = (f(x) - at_x) / eps
    return gradient


def _restored(f, x):
    gradient = np.zeros(x.shape)
    at_x = f(x)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] += 1e-12
        gradient[index] = (f(moved) - at_x) / 1e-12
    return gradient


def _all_at_once(f, x):
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


def _rows(f, x):
    gradient = np.zeros(x.shape)
    for i in range(len(x)):
        step = np.zeros(x.shape)
        step[i] = 1e-6
        gradient[i] = (f(x + step) - f(x - step)) / 2e-6
    return gradient


def _complex(f, x):
    return np.zeros(x.shape)  # what is left of the imaginary part


def _make(rng: np.random.Generator, *shape: int, c: float = 1.0) -> Inputs:
    size = int(np.prod(shape))
    return {
        "A": rng.normal(size=(size, size)),
        "c": c,
        "x": rng.uniform(-1.0, 1.0, size=shape),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1)


def _vector(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3)


def _matrix(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 3)


def _curved(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, c=float(rng.uniform(2.5, 3.0)))


EXERCISE = Exercise(
    name="02.repair_gradcheck",
    title="A gradient check that can be trusted",
    kind="repair",
    inputs={"A": "M M", "c": "a number", "x": "any shape"},
    outputs={"gradient": "I J"},
    definition=_definition,
    attempt=_attempt,
    call=_call,
    rtol=2e-8,
    cases=(
        Case("one number", _one,
             "One entry only: the difference quotient itself is not good enough. From which side "
             "is it taken, how far apart are its points, and by what is it divided?"),
        Case("a function that bends more", _curved,
             "The error grows with the curvature: a one-sided quotient is wrong by eps f''/2."),
        Case("a vector of three", _vector,
             "One entry is right and three are not: is each entry back in place before the next "
             "one is moved? If only the last digits are wrong, is eps well chosen?"),
        Case("a matrix", _matrix,
             "A vector is right, a matrix is not: what does your index pick in a matrix?"),
    ),
    hints=(
        "What is x after the loop? And how many digits of f(x + eps) - f(x) are left if eps is "
        "1e-12?",
        "It is (2.1) of notebook 02: two evaluations, one on each side, 2 eps apart. Section 1 "
        "measures which eps is best.",
        "For each entry: keep it, set kept + eps, take f; set kept - eps, take f; set it back. "
        "eps = 1e-6, on a copy of x.",
    ),
    mistakes=(
        Mistake("not repaired yet",
                "Three things are wrong: look at x after the call, at how the quotient is taken, "
                "and at eps.", wrong=_broken),
        Mistake("x is safe now; eps is still far too small", TOO_SMALL, wrong=_restored),
        *(Mistake(f"eps = {eps:g} on both sides", TOO_SMALL, (("eps=1e-6", f"eps={eps}"),))
          for eps in (1e-12, 1e-11, 1e-10, 1e-9)),
        *(Mistake(f"one-sided difference, eps = {eps:g}",
                  "How large is the error of (f(x + eps) - f(x)) / eps? And on both sides?",
                  (("eps=1e-6", f"eps={eps}"),
                   ("x[index] = kept - eps", "x[index] = kept"),
                   ("(above - below) / (2 * eps)", "(above - below) / eps")))
          for eps in (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)),
        Mistake("all entries moved at once",
                "f returns one number. How much of its change belongs to which entry of x?",
                wrong=_all_at_once),
        Mistake("whole rows moved",
                "For a matrix, x[i] is a row. Which index picks one entry of an array of any "
                "shape?",
                wrong=_rows),
        Mistake("a complex step",
                "This f takes real numbers only, as many do, and drops the imaginary part: (2.1) "
                "asks for two real points.",
                wrong=_complex),
        Mistake("divided by eps, not by 2 eps",
                "How far apart are the two points?",
                (("/ (2 * eps)", "/ eps"),)),
        Mistake("the moved entry is not put back",
                "When the second entry is moved, where is the first one?",
                (("x[index] = kept\n", "pass\n"),)),
        *(Mistake(f"eps = {eps:g}, so large that the curvature shows",
                  "The error of a central difference is eps² f'''/6. Which eps do you use?",
                  (("eps=1e-6", f"eps={eps}"),))
          for eps in (1e-3, 1e-2, 1e-1)),
        Mistake("the sign turned",
                "Above minus below, or below minus above?",
                (("(above - below)", "(below - above)"),)),
    ),
)  # fmt: skip
