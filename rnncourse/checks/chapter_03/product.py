"""03.product: J_{t:k}, against pushing a small change of each unit forward, step by step."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(J, t, k):
    """Column j: change unit j of h_k by one, and follow the change through steps k+1 to t."""
    N = J.shape[1]
    P = np.empty((N, N))
    for j in range(N):
        change = [float(i == j) for i in range(N)]
        for step in range(k + 1, t + 1):
            J_step = J[step - 1]
            change = [sum(J_step[i, m] * change[m] for m in range(N)) for i in range(N)]
        P[:, j] = change
    return P


def _attempt(J, t, k):
    N = J.shape[1]
    P = np.eye(N)
    for i in range(t, k, -1):
        P = P @ J[i - 1]
    return P


def _slice_too_late(J, t, k):
    P = np.eye(J.shape[1])
    for J_i in J[k + 1 : t + 1][::-1]:
        P = P @ J_i
    return P


def _slice_too_late_forwards(J, t, k):
    P = np.eye(J.shape[1])
    for J_i in J[k + 1 : t + 1]:
        P = P @ J_i
    return P


def _forwards_and_short(J, t, k):
    P = np.eye(J.shape[1])
    for i in range(k + 1, t):
        P = P @ J[i - 1]
    return P


def _make(rng: np.random.Generator, T: int, N: int, t: int, k: int) -> Inputs:
    return {"J": rng.normal(scale=0.9, size=(T, N, N)), "t": t, "k": k}


def _none(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 2, 1, 1)


def _first(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 2, 1, 0)


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 2, 2, 1)


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _make(rng, 8, 1, 3, 1)


def _diagonal(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 2, 4, 1)
    return inputs | {"J": inputs["J"] * np.eye(2)}


def _same(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 2, 4, 1)
    return inputs | {"J": np.tile(inputs["J"][0], (4, 1, 1))}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 2, 3, 1)
    J = inputs["J"]
    return inputs | {"J": (J + J.swapaxes(1, 2)) / 2}


def _two(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 2, 3, 1)


def _all(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 3, 5, 0)


def _middle(rng: np.random.Generator) -> Inputs:
    return _make(rng, 7, 3, 6, 2)


EXERCISE = Exercise(
    name="03.product",
    title="From step k to step t",
    kind="write",
    inputs={"J": "T N N", "t": "a step, k to T", "k": "a step, 0 to t"},
    outputs={"J_tk": "N N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one factor: t = 2, k = 1", _one,
             "J_{2:1} is J_2, and no other. Which row of the array is that?"),
        Case("t = k", _none,
             "From a step to itself nothing happens: the product of no matrices is the identity."),
        Case("the first step: t = 1, k = 0", _first,
             "One factor: J_1. It stands in the row J[0], because Python counts from 0."),
        Case("one unit, two factors", _one_unit,
             "The Jacobians are numbers here, so their order is no question: are they the right "
             "two, J_3 and J_2?"),
        Case("diagonal Jacobians, three factors", _diagonal,
             "Diagonal matrices commute: the order is no question here, only how many factors "
             "there are, and which."),
        Case("all Jacobians are one matrix, three factors", _same,
             "Here J_{t:k} is the third power of one matrix. Order and rows are no question: is it "
             "a matrix product, and not transposed?"),
        Case("symmetric Jacobians, two factors", _symmetric,
             "The factors are right, so look at their order: what happens at the first step acts "
             "first, and what acts first stands on the right."),
        Case("two factors", _two,
             "Only with matrices that are not symmetric is it wrong: look for a transpose of a "
             "factor."),
        Case("all factors: t = T, k = 0", _all,
             "All steps take part here: see the first and the last row of the array."),
        Case("four factors in the middle of seven", _middle,
             "Right at the ends of the sequence and wrong in its middle: which rows do k+1 and t "
             "stand in?"),
    ),
    hints=(
        "A small change of h_k first passes through step k+1. Where in a matrix product does the "
        "factor stand that acts first?",
        "Section 2 of notebook 03, and (2.5) of notebook 02: J_{t:k} = J_t J_{t-1} ⋯ J_{k+1}. "
        "Step i stands in the row J[i - 1]; for t = k there is no factor at all.",
        "Begin with P = np.eye(N). For i = t, t-1, …, k+1 put the next factor on the right: "
        "P = P @ J[i - 1].",
    ),
    answers=("rnncourse.jacobians.product", "rnncourse.jacobians.products_by_lag"),
    points=10,
    mistakes=(
        Mistake("the newest factor on the right",
                "Which step acts on the change first, k+1 or t? In A @ B @ v, which matrix gets v "
                "first?",
                (("P = P @ J[i - 1]", "P = J[i - 1] @ P"),)),
        Mistake("J_k is included",
                "J_k leads to h_k from the step before it. The path begins at h_k: which Jacobian "
                "is the first on it?",
                (("range(t, k, -1)", "range(t, k - 1, -1)"),)),
        Mistake("J_{k+1} is left out",
                "How many steps lead from k to t? Count your factors.",
                (("range(t, k, -1)", "range(t, k + 1, -1)"),)),
        Mistake("J_t is left out",
                "The path ends at h_t. Which Jacobian leads there? `range(k, t)` and slices leave "
                "out their end.",
                (("range(t, k, -1)", "range(t - 1, k, -1)"),)),
        Mistake("J_{t+1} is included",
                "The path ends at h_t. You read one row too many: in which row of the array does "
                "J_t stand, and which is the first row that is no longer on the path?",
                (("range(t, k, -1)", "range(t + 1, k, -1)"),)),
        Mistake("an identity of the size of the number of steps",
                "`len(J)` counts the first axis. Is that the number of steps, or of units?",
                (("np.eye(N)", "np.eye(len(J))"),)),
        Mistake("one row too late: J[i] for J_i",
                "J_1 is the first step. In which row of the array does Python keep it?",
                (("P @ J[i - 1]", "P @ J[i]"),)),
        Mistake("the rows k+1 to t of the array, in a slice",
                "J_1 is the first step. In which row of the array does Python keep it?",
                wrong=_slice_too_late),
        Mistake("the rows k+1 to t, and the newest on the right",
                "Two things at once: J_1 stands in the row J[0]; and which step acts on the change "
                "first, k+1 or t? What acts first stands on the right.",
                wrong=_slice_too_late_forwards),
        Mistake("J_t is left out, and the order is turned",
                "Two things at once: `range` leaves out its end, and then J_t is missing; and what "
                "acts first stands on the right.",
                wrong=_forwards_and_short),
        Mistake("the transposed product",
                "That is what the backward sweep multiplies g by. Asked is J_{t:k} itself: its row "
                "i is about unit i of h_t.",
                (("return P", "return P.T"),)),
        Mistake("every factor transposed",
                "The factors are the Jacobians themselves. The transpose belongs to the backward "
                "sweep, and there it turns the order round, too.",
                (("P @ J[i - 1]", "P @ J[i - 1].T"),)),
        Mistake("multiplied entry by entry",
                "Between two NumPy arrays, what does * do, and what does @ do?",
                (("P @ J[i - 1]", "P * J[i - 1]"),)),
        Mistake("multiplied entry by entry, from ones",
                "Between two NumPy arrays, what does * do, and what does @ do?",
                (("np.eye(N)", "np.ones((N, N))"), ("P @ J[i - 1]", "P * J[i - 1]"))),
        Mistake("zeros for t = k",
                "By how much does h_k change if you change h_k by e? That matrix is not zero.",
                (("return P", "return P if t > k else np.zeros((N, N))"),)),
        Mistake("ones for the identity",
                "Which matrix changes nothing when you multiply by it? It is not the one full of "
                "ones.",
                (("np.eye(N)", "np.ones((N, N))"),)),
        Mistake("the product starts from zeros",
                "What remains of anything that is multiplied by zero? Which matrix is the product "
                "of no factors?",
                (("np.eye(N)", "np.zeros((N, N))"),)),
        Mistake("J_t also for t = k",
                "If no step lies between k and t, is there a factor at all?",
                (("return P", "return P if t > k else J[t - 1]"),)),
        Mistake("a sum of the Jacobians",
                "One step after the other: does the chain rule add or multiply along a path?",
                (("P = P @ J[i - 1]", "P = (P if i < t else 0) + J[i - 1]"),)),
        Mistake("always from the last step, whatever t",
                "The change is looked at at step t. Do the later steps matter to it?",
                (("range(t, k, -1)", "range(len(J), k, -1)"),)),
        Mistake("always back to the start, whatever k",
                "The change is made at step k. Do the steps before it matter?",
                (("range(t, k, -1)", "range(t, 0, -1)"),)),
        Mistake("a power of J_t",
                "Each step has its own slopes, and so its own Jacobian. Is J_{t-1} the same matrix "
                "as J_t?",
                (("P @ J[i - 1]", "P @ J[t - 1]"),)),
        Mistake("t and k exchanged",
                "Your loop never runs, unless the steps stand the other way round. Which of t and "
                "k is the later one?",
                (("range(t, k, -1)", "range(k, t, -1)"),)),
        Mistake("the scale is not put back",
                "(3.2) takes the norm out at each step and keeps its logarithm. Asked is the "
                "product itself: where did the norm go?",
                (("P = P @ J[i - 1]", "P = P @ J[i - 1]; P = P / np.linalg.norm(P)"),)),
    ),
)  # fmt: skip
