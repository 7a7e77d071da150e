"""03.power_iteration: the spectral norm by power iteration, against its exact course."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(W_hh, v_0, n):
    """Write v_0 in the right singular vectors: each share is multiplied by σ² in every step."""
    _, sigma, Vt = np.linalg.svd(W_hh)
    growth = (sigma / sigma[0]) ** (2 * n)
    share = (growth * (Vt @ v_0)) ** 2
    return float(np.sqrt(np.sum(sigma**2 * share) / np.sum(share)))


def _attempt(W_hh, v_0, n):
    v = v_0 / np.linalg.norm(v_0)
    for _ in range(n):
        v = W_hh.T @ (W_hh @ v)
        v = v / np.linalg.norm(v)
    return np.linalg.norm(W_hh @ v)


def _inside_the_loop(what, start=None):
    """Return a measure taken inside the loop, with the v before the step; `start` for n = 0."""

    def wrong(W_hh, v_0, n):
        v, size = v_0 / np.linalg.norm(v_0), start
        for _ in range(n):
            u = W_hh.T @ (W_hh @ v)
            size = what(W_hh @ v, u)
            v = u / np.linalg.norm(u)
        if size is None:
            raise UnboundLocalError("size")
        return size

    return wrong


def _root(u, v):
    return np.sqrt(np.linalg.norm(v))


def _whole(u, v):
    return np.linalg.norm(v)


def _stretch(u, v):
    return np.linalg.norm(u)


SQUARE = (
    "WᵀW stretches its eigenvector by σ_1², and you return that length, taken inside the loop. "
    "Asked is ‖W v‖, with the v after all n steps, also for n = 0."
)
BEFORE = (
    "You measure a stretch inside the loop, with the v before the step. Asked is ‖W v‖ with the v "
    "after all n steps, also for n = 0."
)


def _make(rng: np.random.Generator, N: int, n: int) -> Inputs:
    return {
        "W_hh": rng.normal(size=(N, N)) + 0.5 * np.eye(N),
        "v_0": rng.uniform(0.5, 1.5, size=N) * rng.choice([-1.0, 1.0], size=N),
        "n": n,
    }


def _no_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 0)


def _rotation(rng: np.random.Generator) -> Inputs:
    turn = rng.uniform(0.5, 1.2)
    Q = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return _make(rng, 2, 2) | {"W_hh": rng.uniform(1.5, 3) * Q}


def _diagonal(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1) | {"W_hh": np.diag(rng.uniform([1.5, 0.5], [2.0, 1.0]))}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 2)
    return inputs | {"W_hh": inputs["W_hh"] + inputs["W_hh"].T}


def _shift(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 3) | {"W_hh": np.array([[0.0, rng.uniform(5, 10)], [0.0, 0.0]])}


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1)


def _three_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 3)


def _many_steps(rng: np.random.Generator) -> Inputs:
    """σ = 3, 1, …: without normalising, 9^400 is infinite."""
    Q, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    R, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    return _make(rng, 5, 400) | {
        "W_hh": Q @ np.diag([3.0, 1.0, 0.8, 0.6, 0.5]) @ R.T,
        "v_0": R @ rng.uniform(0.5, 1.5, size=5),
    }


EXERCISE = Exercise(
    name="03.power_iteration",
    title="The norm without a decomposition",
    kind="write",
    inputs={"W_hh": "N N", "v_0": "N", "n": "number of steps, 0 or more"},
    outputs={"norm": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("W_hh diagonal, one step", _diagonal,
             "By hand: one step multiplies the entries of v_0 by σ_1² and σ_2²; then normalise, "
             "and see by how much W_hh stretches that."),
        Case("no step: n = 0", _no_step,
             "Without a step it is the stretch of v_0: ‖W_hh v_0‖ / ‖v_0‖."),
        Case("c times a rotation, two steps", _rotation,
             "W_hh stretches every vector by c and turns it, so every estimate is c, from any "
             "start and after any number of steps."),
        Case("W_hh symmetric, two steps", _symmetric,
             "W_hh is its own transpose here: count the multiplications. Two steps are four of "
             "them, and the estimate is the stretch by a fifth."),
        Case("W_hh shifts: all eigenvalues 0", _shift,
             "Here W_hh W_hh is 0, and yet the norm is not: one unit passes on c times what it "
             "holds."),
        Case("one step", _one_step,
             "Right for a symmetric W_hh, wrong for others: where does the transpose belong?"),
        Case("three steps, five units", _three_steps,
             "Three steps mean three times WᵀW, and the estimate is taken after the last one."),
        Case("400 steps", _many_steps,
             "Right after few steps and wrong after 400: what becomes of the length of v on the "
             "way? 9^400 is no floating-point number any more."),
    ),
    hints=(
        "Which directions does WᵀW keep, and by how much does it stretch each of them?",
        "σ_1² is the largest eigenvalue of WᵀW, so iterate that matrix; ‖W v‖ for ‖v‖ = 1 is "
        "then the estimate of σ_1 = ‖W‖₂ (the norm of (3.7) in notebook 03).",
        "v = v_0 / ‖v_0‖. Then n times: v = W_hh.T @ (W_hh @ v), v = v / ‖v‖. Return ‖W_hh @ v‖.",
    ),
    points=4,
    mistakes=(
        Mistake("no normalisation inside the loop",
                "After one step the length of v has been multiplied by up to σ_1². After 400? When "
                "does it have to be set back to 1?",
                (("v = v / np.linalg.norm(v)", "pass"),
                 ("return np.linalg.norm(W_hh @ v)",
                  "return np.linalg.norm(W_hh @ v) / np.linalg.norm(v)"))),
        Mistake("v is never normalised",
                "‖W v‖ is the stretch of v only if v has the length 1. Which length has yours?",
                (("v = v / np.linalg.norm(v)", "pass"),)),
        Mistake("W_hh iterated instead of WᵀW",
                "Iterating W turns v to an eigenvector and finds the spectral radius. Which matrix "
                "has the right singular vectors of W as its eigenvectors?",
                (("v = W_hh.T @ (W_hh @ v)", "v = W_hh @ v"),)),
        Mistake("W Wᵀ instead of WᵀW",
                "The estimate is ‖W v‖, so v has to come close to a right singular vector. Of "
                "which of the two products is that an eigenvector?",
                (("W_hh.T @ (W_hh @ v)", "W_hh @ (W_hh.T @ v)"),)),
        Mistake("W iterated twice per step",
                "W W is not WᵀW. What does the shift matrix make of any vector after two steps?",
                (("W_hh.T @ (W_hh @ v)", "W_hh @ (W_hh @ v)"),)),
        Mistake("the square of the norm",
                "vᵀWᵀW v is σ², the eigenvalue of WᵀW. What was asked for?",
                (("return np.linalg.norm(W_hh @ v)", "return np.linalg.norm(W_hh @ v) ** 2"),)),
        Mistake("vᵀ W v as the estimate",
                "A rotation by 90° stretches nothing, and vᵀ W v is 0 for it. How long is W v, "
                "whatever its direction?",
                (("return np.linalg.norm(W_hh @ v)", "return v @ W_hh @ v"),)),
        Mistake("the modulus of vᵀ W v as the estimate",
                "A rotation by 90° stretches nothing, and vᵀ W v is 0 for it. How long is W v, "
                "whatever its direction?",
                (("return np.linalg.norm(W_hh @ v)", "return abs(v @ W_hh @ v)"),)),
        Mistake("v_0 is not normalised",
                "The start may have any length. For n = 0, by how much does W stretch it?",
                (("v = v_0 / np.linalg.norm(v_0)", "v = v_0"),)),
        Mistake("one step too many",
                "Count your multiplications by WᵀW: for n = 0 there is none.",
                (("range(n)", "range(n + 1)"),)),
        Mistake("one step too few",
                "Count your multiplications by WᵀW: for n = 1 there is one.",
                (("range(n)", "range(n - 1)"),)),
        Mistake("the length of the last iterate before it was normalised",
                BEFORE,
                (("v = v / np.linalg.norm(v)",
                  "size = np.linalg.norm(v); v = v / size"),
                 ("return np.linalg.norm(W_hh @ v)",
                  "return np.sqrt(size) if n else np.linalg.norm(W_hh @ v)"))),
        Mistake("the length of the last iterate, and 0 for n = 0", BEFORE,
                wrong=_inside_the_loop(_root, 0.0)),
        Mistake("the length of the last iterate, and 1 for n = 0", BEFORE,
                wrong=_inside_the_loop(_root, 1.0)),
        Mistake("the length of the last iterate, and nothing for n = 0", BEFORE,
                wrong=_inside_the_loop(_root)),
        Mistake("the estimate before the last step", BEFORE, wrong=_inside_the_loop(_stretch, 0.0)),
        Mistake("the estimate before the last step, and nothing for n = 0", BEFORE,
                wrong=_inside_the_loop(_stretch)),
        Mistake("the length of WᵀW v: the square, and nothing for n = 0", SQUARE,
                wrong=_inside_the_loop(_whole)),
        Mistake("the length of WᵀW v: the square, and 0 for n = 0", SQUARE,
                wrong=_inside_the_loop(_whole, 0.0)),
        Mistake("the length of WᵀW v: the square, and 1 for n = 0", SQUARE,
                wrong=_inside_the_loop(_whole, 1.0)),
        Mistake("the vector W v, not its length",
                "W v is a vector. Asked is one number, never negative: how long is it?",
                (("return np.linalg.norm(W_hh @ v)", "return W_hh @ v"),)),
        Mistake("Wᵀ * W, entry by entry",
                "Between two NumPy arrays, what does * do? For the shift matrix your product is "
                "zero, and WᵀW is not.",
                (("W_hh.T @ (W_hh @ v)", "W_hh.T * W_hh @ v"),)),
        Mistake("v_0 and v divided by the largest entry",
                "A vector whose largest entry is 1 is longer than 1. Which norm of v should be 1?",
                (("v = v_0 / np.linalg.norm(v_0)", "v = v_0 / np.abs(v_0).max()"),
                 ("v = v / np.linalg.norm(v)", "v = v / np.abs(v).max()"))),
        Mistake("W_hh iterated, from a start that is not normalised",
                "Two things at once: ‖W v‖ is a stretch only if v has the length 1, also for n = "
                "0; and iterating W finds the spectral radius. Which matrix is to be iterated?",
                (("v = v_0 / np.linalg.norm(v_0)", "v = v_0"),
                 ("v = W_hh.T @ (W_hh @ v)", "v = W_hh @ v"))),
        Mistake("the vector for its stretch",
                "v is the direction that is stretched most. By how much does W stretch it?",
                (("return np.linalg.norm(W_hh @ v)", "return v"),)),
        Mistake("divided by the largest entry",
                "A vector whose largest entry is 1 is longer than 1. Which norm of v should be 1?",
                (("v = v / np.linalg.norm(v)", "v = v / np.abs(v).max()"),)),
        Mistake("the transpose in the estimate",
                "‖Wᵀ v‖ stretches v as a left singular vector. v comes close to a right one.",
                (("return np.linalg.norm(W_hh @ v)", "return np.linalg.norm(W_hh.T @ v)"),)),
        Mistake("the norm itself, whatever n",
                "That is where the iteration ends. Asked is the estimate after n steps from v_0, "
                "which may still be far from it.",
                (("return np.linalg.norm(W_hh @ v)", "return np.linalg.norm(W_hh, 2)"),)),
    ),
)  # fmt: skip
