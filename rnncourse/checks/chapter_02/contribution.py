"""02.contribution: C_tk, differentiated by giving step k a W_hh of its own."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _definition(x, h_0, W_xh, W_hh, b_h, g, t, k):
    """Derivative of g·h_t with respect to a W_hh that only step k uses."""

    def loss(own):
        h = h_0
        for i in range(1, t + 1):
            h = np.tanh(W_xh @ x[i - 1] + (own if i == k else W_hh) @ h + b_h)
        return np.sum(g * h)

    return complex_step_gradient(loss, W_hh)


def _attempt(x, h_0, W_xh, W_hh, b_h, g, t, k):
    h = [h_0]
    a = [None]
    for i in range(1, t + 1):
        a.append(W_xh @ x[i - 1] + W_hh @ h[i - 1] + b_h)
        h.append(np.tanh(a[i]))
    v = g
    for i in range(t, k, -1):
        J_i = (1 - h[i] ** 2)[:, None] * W_hh
        v = J_i.T @ v
    delta = (1 - h[k] ** 2) * v
    return np.outer(delta, h[k - 1])


def _total(x, h_0, W_xh, W_hh, b_h, g, t, k):
    """The total derivative of h_k in the place of the immediate one."""

    def state(W):
        h = h_0
        for i in range(1, k + 1):
            h = np.tanh(W_xh @ x[i - 1] + W @ h + b_h)
        return h

    h, v = [h_0], g
    for i in range(1, t + 1):
        h.append(np.tanh(W_xh @ x[i - 1] + W_hh @ h[i - 1] + b_h))
    for i in range(t, k, -1):
        v = W_hh.T @ ((1 - h[i] ** 2) * v)
    return complex_step_gradient(lambda W: np.sum(v * state(W)), W_hh)


def _make(rng: np.random.Generator, T: int, D: int, N: int, t: int, k: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, D)),
        "h_0": rng.normal(size=N),
        "W_xh": rng.normal(scale=0.6, size=(N, D)),
        "W_hh": rng.normal(scale=0.8, size=(N, N)),
        "b_h": rng.normal(scale=0.3, size=N),
        "g": rng.normal(size=N),
        "t": t,
        "k": k,
    }


def _first(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 2, 2, 1, 1)


def _first_from_zero(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 2, 2, 1, 1) | {"h_0": np.zeros(2)}


def _same(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 3, 3, 3)


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 3, 2, 3, 2, 1)
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _one_back(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 3, 3, 2)


def _two_back(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 2, 3, 3, 1)


def _far(rng: np.random.Generator) -> Inputs:
    return _make(rng, 7, 2, 4, 6, 2)


EXERCISE = Exercise(
    name="02.contribution",
    title="What the loss at step t owes to step k",
    kind="write",
    inputs={"x": "T D", "h_0": "N", "W_xh": "N D", "W_hh": "N N", "b_h": "N", "g": "N",
            "t": "a step, 1 to T", "k": "a step, 1 to t"},
    outputs={"C_tk": "N N"},
    definition=_definition,
    attempt=_attempt,
    example=3,
    cases=(
        Case("t = k = 1, from h_0 = 0", _first_from_zero,
             "W_hh multiplied zero here, so its contribution is zero: a matrix (N, N) of zeros."),
        Case("t = k = 1", _first,
             "No Jacobian is needed here: C_11 = (D_1 g) h_0^T."),
        Case("t = k = 3", _same,
             "With t = k the product of Jacobians is the identity; what differs from t = k = 1 is "
             "the state that entered, h_{k-1}."),
        Case("one step back, W_hh symmetric", _symmetric,
             "New in this case: one Jacobian, J_t = D_t W_hh, transposed."),
        Case("one step back", _one_back,
             "It is right for a symmetric W_hh: look for a transpose."),
        Case("two steps back", _two_back,
             "One Jacobian is right, two are not: look at their order, and which steps they belong "
             "to."),
        Case("four steps back", _far,
             "Short ways are right, long ones are not: which steps does the product run over?"),
    ),
    hints=(
        "W_hh acts at every step. Which part of the gradient is left if only step k may use "
        "another W_hh?",
        "It is (2.6) of notebook 02 with (2.4) and (2.5): g goes back from h_t to h_k through "
        "J_{t:k}, then through the slope at step k, and meets h_{k-1}.",
        "v = g; for i = t, t-1, ..., k+1: v = J_i.T @ v with J_i = diag(1 - h_i²) W_hh. Then "
        "np.outer((1 - h_k²) * v, h_{k-1}).",
    ),
    answers=("rnncourse.bptt.contributions",),
    points=10,
    mistakes=(
        Mistake("the total derivative in the place of the immediate one",
                "Hold h_{k-1} fixed: what W_hh did at earlier steps belongs to their own C_tk.",
                wrong=_total),
        Mistake("h_k in the place of h_{k-1}",
                "What did W_hh multiply at step k?",
                (("np.outer(delta, h[k - 1])", "np.outer(delta, h[k])"),)),
        Mistake("W_hh for its transpose on the way back",
                "Going back, which index of W_hh is summed?",
                (("v = J_i.T @ v", "v = J_i @ v"),)),
        Mistake("the slope on the wrong side of W_hh",
                "J_i = D_i W_hh: does a gradient that goes back meet the slope or the weights "
                "first?",
                (("(1 - h[i] ** 2)[:, None] * W_hh", "(1 - h[i] ** 2)[None, :] * W_hh"),)),
        Mistake("the slope at step k left out",
                "W_hh reaches h_k through a_k: where is the slope of tanh at step k?",
                (("delta = (1 - h[k] ** 2) * v", "delta = v"),)),
        Mistake("slopes left out on the way back",
                "J_i is not W_hh alone: each step passes through tanh.",
                (("J_i = (1 - h[i] ** 2)[:, None] * W_hh", "J_i = W_hh"),)),
        Mistake("one Jacobian too many: J_k too",
                "J_{t:k} takes h_k to h_t. Is J_k, which takes h_{k-1} to h_k, among its factors?",
                (("range(t, k, -1)", "range(t, k - 1, -1)"),)),
        Mistake("one Jacobian too few: without J_t",
                "The gradient g sits at h_t. Which Jacobian does it pass first?",
                (("range(t, k, -1)", "range(t - 1, k, -1)"),)),
        Mistake("the oldest Jacobian first",
                "Going back from h_t, the newest step is passed first.",
                (("range(t, k, -1)", "range(k + 1, t + 1)"),)),
        Mistake("the outer product the other way round",
                "Row i of dL/dW_hh belongs to unit i that receives. Is the row yours of the "
                "receiver or of the sender?",
                (("np.outer(delta, h[k - 1])", "np.outer(h[k - 1], delta)"),)),
        Mistake("1 - a² as the slope of tanh",
                "The slope is 1 - tanh(a)²: can it be negative?",
                (("(1 - h[i] ** 2)[:, None]", "(1 - a[i] ** 2)[:, None]"),
                 ("(1 - h[k] ** 2) * v", "(1 - a[k] ** 2) * v"))),
        Mistake("W_hh for its transpose, with the slopes where they belong",
                "Going back, which index of W_hh is summed?",
                (("J_i = (1 - h[i] ** 2)[:, None] * W_hh", "D_i = 1 - h[i] ** 2"),
                 ("v = J_i.T @ v", "v = W_hh @ (D_i * v)"))),
        Mistake("the slopes of the steps before",
                "D_i holds the slopes at a_i, and tanh(a_i) is h_i. Which states are in yours?",
                (("J_i = (1 - h[i] ** 2)", "J_i = (1 - h[i - 1] ** 2)"),)),
        Mistake("the slope at step k taken at h_{k-1}",
                "D_k holds the slopes at a_k. Which state is tanh(a_k)?",
                (("delta = (1 - h[k] ** 2) * v", "delta = (1 - h[k - 1] ** 2) * v"),)),
        Mistake("a product entry by entry in the place of the outer one",
                "C_tk has the shape of W_hh. Which product of two vectors is a matrix?",
                (("np.outer(delta, h[k - 1])", "delta * h[k - 1]"),)),
        Mistake("a dot product in the place of the outer one",
                "C_tk has the shape of W_hh. Which product of two vectors is a matrix?",
                (("np.outer(delta, h[k - 1])", "delta @ h[k - 1]"),)),
        Mistake("the inputs counted from 1",
                "x[0] enters step 1. Which row of x enters step i?",
                (("x[i - 1]", "x[i]"),)),
    ),
)  # fmt: skip
