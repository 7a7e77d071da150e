"""03.jacobian: the step Jacobians of a tanh network, against complex-step differentiation."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(a, W_hh):
    """Shift h_{t-1} by e in one unit: a_t becomes a_t + W_hh e. Differentiate h_t at e = 0."""
    T, B, N = a.shape
    J = np.empty((T, B, N, N))
    for j in range(N):
        e = np.zeros(N, dtype=complex)
        e[j] = 1e-30j
        J[..., j] = np.tanh(a + W_hh @ e).imag / 1e-30
    return J


def _attempt(a, W_hh):
    T, B, N = a.shape
    J = np.zeros((T, B, N, N))
    for t in range(T):
        for b in range(B):
            slope = 1 - np.tanh(a[t, b]) ** 2
            J[t, b] = slope[:, None] * W_hh
    return J


def _matrix_product(a, W_hh):
    """The slopes as rows of a matrix, multiplied by W_hh."""
    return (1 - np.tanh(a) ** 2) @ W_hh


def _no_first_step(a, W_hh):
    J = _attempt(a, W_hh)
    J[0] = 0
    return J


def _diagonal_only(a, W_hh):
    return (1 - np.tanh(a) ** 2) * np.diag(W_hh)


def _last_step(a, W_hh):
    return np.array([np.diag(1 - np.tanh(row) ** 2) @ W_hh for row in a[-1]])


def _make(rng: np.random.Generator, T: int, B: int, N: int) -> Inputs:
    return {"a": rng.normal(size=(T, B, N)), "W_hh": rng.normal(size=(N, N))}


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1) | {"a": rng.uniform(0.5, 1.5, size=(1, 1, 1))}


def _at_zero(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2) | {"a": np.zeros((1, 1, 2))}


def _identity(rng: np.random.Generator) -> Inputs:
    return {"a": rng.uniform(0.5, 1.5, size=(1, 1, 2)) * [1, -1], "W_hh": np.eye(2)}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 1, 1, 2)
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2)


def _three_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 2)


def _one_step_of_a_batch(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3, 2)


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 5)


def _saturated(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 1, 3)
    return inputs | {"a": 900.0 * np.sign(inputs["a"])}


EXERCISE = Exercise(
    name="03.jacobian",
    title="The Jacobian of every step",
    kind="write",
    inputs={"a": "T B N", "W_hh": "N N"},
    outputs={"J": "T B N N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one unit", _one_unit,
             "With one unit you can do it by hand: the derivative of tanh(a + w e) at e = 0. The "
             "answer has four axes, also here: (1, 1, 1, 1)."),
        Case("a = 0", _at_zero,
             "At a = 0 all slopes are 1, so J is W_hh itself, not its transpose. Is your matrix "
             "W_hh there?"),
        Case("W_hh = identity", _identity,
             "With W_hh = I only the slopes are left: J is diagonal and holds 1 - tanh(a)²."),
        Case("W_hh symmetric", _symmetric,
             "W_hh is its own transpose here: look at where the slopes go. The slope of unit i "
             "belongs to everything that happens to unit i: row i."),
        Case("one step", _one_step,
             "Right for a symmetric W_hh and wrong for others: look for a transpose. Row i is what "
             "changes, column j is what it is changed by."),
        Case("three steps", _three_steps,
             "New in this case: several steps. J[t] takes the slopes of a[t] and of no "
             "other step."),
        Case("one step of three sequences", _one_step_of_a_batch,
             "New in this case: several sequences. Each has slopes of its own."),
        Case("a = 900 and a = -900", _saturated,
             "Far out tanh is flat: the slope is 0, and exp(900) is infinite. Which formula of the "
             "slope needs no exp?"),
        Case("four steps, three sequences", _general,
             "Only with several steps and several sequences is it wrong: look at the order of the "
             "axes and at what is broadcast."),
    ),
    hints=(
        "If you change unit j of h_{t-1} a little, by how much does a_t change? And then h_t?",
        "It is (3.1) of notebook 03: J_t = D_t W_hh, with D_t = diag φ'(a_t). Multiplying by a "
        "diagonal matrix from the left scales the rows.",
        "slope = 1 - np.tanh(a)**2 has the shape (T, B, N). Row i of W_hh times slope i, for all "
        "steps and sequences at once: slope[:, :, :, None] * W_hh.",
    ),
    answers=("rnncourse.jacobians.step_jacobians",),
    points=10,
    mistakes=(
        Mistake("W_hh for its transpose",
                "Which entry of W_hh says what h_{t-1} of unit j does to unit i? Row i of J is "
                "about unit i of h_t.",
                (("slope[:, None] * W_hh", "slope[:, None] * W_hh.T"),)),
        Mistake("the slopes on the columns: W D for D W",
                "W_hh comes first and tanh comes after it. Does D_t then stand on the left or on "
                "the right, and does it scale rows or columns?",
                (("slope[:, None] * W_hh", "slope * W_hh"),)),
        Mistake("the transposed Jacobian",
                "That is the matrix that the backward sweep multiplies a column by. Here row i "
                "holds what changes h_t of unit i. Which index is the row?",
                (("slope[:, None] * W_hh", "W_hh.T * slope"),)),
        Mistake("the slope taken at h",
                "φ' belongs to a_t. Written in h it is 1 - h², and h is already tanh(a): how many "
                "tanh have you taken?",
                (("np.tanh(a[t, b]) ** 2", "np.tanh(np.tanh(a[t, b])) ** 2"),)),
        Mistake("1 - a² as the slope of tanh",
                "Can the slope of tanh be negative? It is 1 - h² with h = tanh(a), not 1 - a².",
                (("np.tanh(a[t, b]) ** 2", "a[t, b] ** 2"),)),
        Mistake("no slope of tanh at all",
                "Between a_t and h_t stands tanh. Where is its derivative?",
                (("slope = 1 - np.tanh(a[t, b]) ** 2", "slope = np.ones(N)"),)),
        Mistake("1 - tanh(a): the square is missing",
                "What is the slope of tanh far to the left, at a = -10? Yours is about 2.",
                (("np.tanh(a[t, b]) ** 2", "np.tanh(a[t, b])"),)),
        Mistake("tanh² in the place of 1 - tanh²",
                "Where is tanh steepest? Your slope is 0 there.",
                (("slope = 1 - np.tanh(a[t, b]) ** 2", "slope = np.tanh(a[t, b]) ** 2"),)),
        Mistake("the slope of the logistic function",
                "s (1 - s) is the slope of another activation, at most 1/4. Which one does the "
                "network have?",
                (("slope = 1 - np.tanh(a[t, b]) ** 2",
                  "s = 0.5 * (1 + np.tanh(a[t, b] / 2)); slope = s * (1 - s)"),)),
        Mistake("diag(slope) * W_hh, entry by entry",
                "Between two NumPy arrays, what does * do? Nearly all entries of your J are zero.",
                (("slope[:, None] * W_hh", "np.diag(slope) * W_hh"),)),
        Mistake("the slopes summed against W_hh",
                "`slope @ W_hh` is a vector: a sum over the units. All rows of your J are the "
                "same. What has to become of the slopes before they are multiplied?",
                (("slope[:, None] * W_hh", "slope @ W_hh"),)),
        Mistake("the array of slopes @ W_hh",
                "`slopes @ W_hh` sums over the units, and an axis is lost. In D_t the slopes stand "
                "on a diagonal: what does that do to the rows of W_hh?",
                wrong=_matrix_product),
        Mistake("one over cosh",
                "What is the derivative of tanh? 1/cosh is its square root.",
                (("slope = 1 - np.tanh(a[t, b]) ** 2", "slope = 1 / np.cosh(a[t, b])"),)),
        Mistake("the last step only",
                "How many Jacobians are there? One for each step: keep the axis T.",
                wrong=_last_step),
        Mistake("slopes on both sides",
                "How often does the path from h_{t-1} to h_t pass through tanh?",
                (("slope[:, None] * W_hh", "np.outer(slope, slope) * W_hh"),)),
        Mistake("slopes averaged over the batch",
                "Each sequence has activations of its own. Do two sequences share a slope?",
                (("slope = 1 - np.tanh(a[t, b]) ** 2",
                  "slope = (1 - np.tanh(a[t]) ** 2).mean(axis=0)"),)),
        Mistake("slopes averaged over the units",
                "Each unit has a slope of its own: D_t is a diagonal matrix, not one number.",
                (("slope = 1 - np.tanh(a[t, b]) ** 2",
                  "slope = np.full(N, (1 - np.tanh(a[t, b]) ** 2).mean())"),)),
        Mistake("the slope of the step before",
                "J_t leads from h_{t-1} to h_t. It passes through tanh at step t: whose "
                "pre-activation is that?",
                (("np.tanh(a[t, b]) ** 2", "np.tanh(a[max(t - 1, 0), b]) ** 2"),)),
        Mistake("batch before time",
                "The course has time first: J is (T, B, N, N). Which of your axes is the first?",
                (("return J", "return J.swapaxes(0, 1)"),)),
        Mistake("the batch averaged away",
                "How many Jacobians are there at one step? One for each sequence: keep the axis B.",
                (("return J", "return J.mean(axis=1)"),)),
        Mistake("no Jacobian for the first step",
                "h_0 is a state as well. Does h_1 depend on it? Then there are T Jacobians, and "
                "the first of them is not zero.",
                wrong=_no_first_step),
        Mistake("the diagonal of J only",
                "You keep what each unit owes to itself. How many units does unit i listen to? "
                "The answer has two axes of the length N.",
                wrong=_diagonal_only),
        Mistake("tanh(a²) for tanh(a)²",
                "What is squared in 1 - tanh(a)²: a, or h = tanh(a)?",
                (("np.tanh(a[t, b]) ** 2", "np.tanh(a[t, b] ** 2)"),)),
        Mistake("the slope taken at h, and on the columns",
                "Two things at once: h is tanh(a) already, so how many tanh have you taken? And "
                "does D_t on the left scale rows or columns?",
                (("np.tanh(a[t, b]) ** 2", "np.tanh(np.tanh(a[t, b])) ** 2"),
                 ("slope[:, None] * W_hh", "slope * W_hh"))),
        Mistake("the slopes only",
                "That is D_t alone. What does h_{t-1} pass through before it gets to tanh?",
                (("slope[:, None] * W_hh", "np.diag(slope)"),)),
    ),
)  # fmt: skip
