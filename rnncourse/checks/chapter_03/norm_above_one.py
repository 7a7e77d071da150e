"""03.norm_above_one: what a norm above one decides; the answers are computed, none is typed."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Mistake

STEEP = np.array([[0.9, 1.0], [0.0, 0.9]])
SHIFT = np.array([[0.0, 10.0], [0.0, 0.0]])
SWITCHED = np.array([[1.5, -2.0], [1.0, -1.2]])


def _stretch(J):
    """The spectral norm, as the root of the largest eigenvalue of JᵀJ."""
    return float(np.sqrt(np.linalg.eigvalsh(J.T @ J)[-1]))


def _after(J, t):
    """Norm of J^t."""
    return _stretch(np.linalg.matrix_power(J, t))


def _random_norms(rng, size, slopes):
    """Norms of products over 30 steps: random W of that norm, slopes drawn from an interval."""
    found = []
    for _ in range(20):
        W = rng.normal(size=(3, 3))
        W *= size / _stretch(W)
        P = np.eye(3)
        for _ in range(30):
            P = P @ (rng.uniform(*slopes, size=3)[:, None] * W)
        found.append(np.linalg.norm(P, 2))
    return np.array(found)


def _definition():
    rng = np.random.default_rng(0)
    h = 0.5
    for _ in range(200):
        h = np.tanh(2 * h)
    e = np.exp(-np.linspace(-8, 8, 1601))
    steepest_logistic = (e / (1 + e) ** 2).max()
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    P, norms = np.eye(3), []
    for _ in range(30):
        P = P @ (rng.uniform(0, 1, size=3)[:, None] * Q)
        norms.append(np.linalg.norm(P, 2))
    stretched = 1.0  # least stretch of 30 steps that each stretch every direction by 1.1 or more
    for _ in range(30):
        U, _, V = np.linalg.svd(rng.normal(size=(3, 3)))
        J = U @ np.diag(rng.uniform(1.1, 2, size=3)) @ V
        stretched *= np.linalg.svd(J, compute_uv=False)[-1]
    off = np.array([1.0, 0.0])[:, None] * SWITCHED
    vanishes_above_one = _after(SHIFT, 30) < 1e-6 < 1 < _stretch(SHIFT)
    return {
        "norm": _stretch(STEEP),
        "radius": float(np.abs(np.linalg.eigvals(STEEP)).max()),
        "powers_vanish": _after(STEEP, 1000) < 1e-6,
        "first_below_one": next(t for t in range(1, 1000) if _after(STEEP, t) < 1),
        "shift_after_two": _after(SHIFT, 2),
        "tanh_growth": float(2 * (1 - h**2)),
        "tanh_explodes": 2 * (1 - h**2) > 1,
        "logistic_explodes": bool(3.9 * steepest_logistic > 1),
        "orthogonal_tanh_grows": max(norms) > 1 + 1e-9,
        "radius_is_enough_relu": not (
            np.abs(np.linalg.eigvals(SWITCHED)).max() < 1 < _after(off, 50)
        ),
        "below_is_sufficient": bool((_random_norms(rng, 0.95, (0, 1)) < 1).all()),
        "above_is_necessary": bool((_random_norms(rng, 1.0, (0, 1)) <= 1 + 1e-9).all()),
        "above_is_sufficient": not vanishes_above_one,
        "from_below_is_sufficient": bool(stretched > 1.1**30 - 1e-6),
    }


def _attempt():
    return {
        "norm": 1.53,
        "radius": 0.9,
        "powers_vanish": True,
        "first_below_one": 35,
        "shift_after_two": 0,
        "tanh_growth": 0.166,
        "tanh_explodes": False,
        "logistic_explodes": False,
        "orthogonal_tanh_grows": False,
        "radius_is_enough_relu": False,
        "below_is_sufficient": True,
        "above_is_necessary": True,
        "above_is_sufficient": False,
        "from_below_is_sufficient": True,
    }


def _field(name: str, right: str, wrong: str) -> tuple[tuple[str, str], ...]:
    return ((f'"{name}": {right},', f'"{name}": {wrong},'),)


EXERCISE = Exercise(
    name="03.norm_above_one",
    title="A norm above one",
    kind="predict",
    inputs={},
    outputs={
        "norm": "",
        "radius": "",
        "powers_vanish": "yes or no",
        "first_below_one": "",
        "shift_after_two": "",
        "tanh_growth": "",
        "tanh_explodes": "yes or no",
        "logistic_explodes": "yes or no",
        "orthogonal_tanh_grows": "yes or no",
        "radius_is_enough_relu": "yes or no",
        "below_is_sufficient": "yes or no",
        "above_is_necessary": "yes or no",
        "above_is_sufficient": "yes or no",
        "from_below_is_sufficient": "yes or no",
    },
    definition=_definition,
    attempt=_attempt,
    rtol=0.01,
    cases=(
        Case("your answers", lambda rng: {},
             "For numbers, let NumPy multiply the matrices. For a yes or no, look for one network "
             "that contradicts you."),
    ),
    hints=(
        "For each statement: can you name one network for which it is wrong? One is enough.",
        "Sections 4 and 5 of notebook 03: (3.7) says what is sufficient and what is necessary, "
        "(3.9) what norm and radius say of the powers, (3.5) what works from below.",
        "The norm is a bound from above: below 1 (times γ) it settles the matter, above 1 it "
        "settles nothing. Only a bound from below can promise growth. The numbers: np.linalg.norm "
        "of np.linalg.matrix_power, and h = tanh(2 h) iterated.",
    ),
    points=3,
    mistakes=(
        Mistake("the spectral radius",
                "What does the matrix make of the vector (0, 1)? The norm looks for the vector "
                "that is stretched most, not for one that keeps its direction.",
                _field("norm", "1.53", "0.9")),
        Mistake("the Frobenius norm",
                "`np.linalg.norm(W)` of a matrix is the Frobenius norm. How do you ask for the "
                "spectral one?",
                _field("norm", "1.53", "1.6186")),
        Mistake("the largest entry",
                "The largest entry is no norm that bounds products. What is the length of "
                "W (0, 1)?",
                _field("norm", "1.53", "1.0")),
        Mistake("the largest sum of a row or a column",
                "That is the ∞-norm, and here the 1-norm as well. Which one is the largest "
                "singular value?",
                _field("norm", "1.53", "1.9")),
        Mistake("its square",
                "That is the largest eigenvalue of WᵀW. Which power of the norm is it?",
                _field("norm", "1.53", "2.3397")),
        Mistake("the norm",
                "The matrix is triangular: where do you read off its eigenvalues?",
                _field("radius", "0.9", "1.53")),
        Mistake("because the norm is above 1",
                "Which of the two decides how the powers end, norm or radius? See (3.8).",
                _field("powers_vanish", "True", "False")),
        Mistake("the radius decides at once",
                "ρ^t is a bound from below. The powers may lie far above it for a long time: "
                "measure them.",
                _field("first_below_one", "35", "1")),
        Mistake("the top of the hump",
                "That is about where the norm is largest. How long does it take to get back below "
                "1?",
                _field("first_below_one", "35", "9")),
        Mistake("the last power above 1",
                "Asked is the first power whose norm is below 1. Is yours below 1 already?",
                _field("first_below_one", "35", "34")),
        Mistake("one power too late",
                "Asked is the first power whose norm is below 1. Does your count begin at 1?",
                _field("first_below_one", "35", "36")),
        Mistake("the norm squared",
                "10² is a bound from above. Multiply the matrix by itself: what is the product?",
                _field("shift_after_two", "0", "100.0")),
        Mistake("the weight alone",
                "At the fixed point the unit is saturated. What does the slope of tanh make of the "
                "factor?",
                _field("tanh_growth", "0.166", "2.0")),
        Mistake("the slope alone",
                "That is φ'(a*). The step Jacobian has a second factor.",
                _field("tanh_growth", "0.166", "0.0833")),
        Mistake("the slope taken at h",
                "The slope is 1 - tanh(a*)², and tanh(a*) is h* already. How many tanh have you "
                "taken?",
                _field("tanh_growth", "0.166", "0.8954")),
        Mistake("the value at the fixed point",
                "That is h*. Asked is by how much a small change of h grows in a step there.",
                _field("tanh_growth", "0.166", "0.9575")),
        Mistake("because the weight is above 1",
                "A larger weight drives the unit into saturation. Is the factor per step above 1?",
                _field("tanh_explodes", "False", "True")),
        Mistake("γ forgotten",
                "How steep is the logistic function where it is steepest? What is γ‖W‖?",
                _field("logistic_explodes", "False", "True")),
        Mistake("orthogonal weights make longer with tanh",
                "An orthogonal matrix keeps every length, and no slope of tanh exceeds 1. Which of "
                "the two could make anything longer?",
                _field("orthogonal_tanh_grows", "False", "True")),
        Mistake("the rule of linear networks",
                "If a ReLU unit is off, the step is another matrix, D W, with eigenvalues of its "
                "own. See section 5: can they be larger?",
                _field("radius_is_enough_relu", "False", "True")),
        Mistake("a rate below 1 settles nothing",
                "If each factor is at most η < 1, how large is the product of ℓ factors at most?",
                _field("below_is_sufficient", "True", "False")),
        Mistake("growth without a rate above 1",
                "Suppose γ‖W‖ ≤ 1. How large can any product of such steps become?",
                _field("above_is_necessary", "True", "False")),
        Mistake("a rate above 1 settles it",
                "You have met a matrix of norm 10 whose square is zero. What does it say about "
                "this statement?",
                _field("above_is_sufficient", "False", "True")),
        Mistake("growth at every step may still vanish",
                "If each step makes every vector longer by 1.1 or more, can any gradient become "
                "shorter?",
                _field("from_below_is_sufficient", "True", "False")),
    ),
)  # fmt: skip
