"""02.softplus: the sweep for another activation, against complex-step differentiation."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _definition(a, W_hh, dL_dh_out):
    """Shift a_t by e_t: the later pre-activations follow. Differentiate at e = 0."""

    def loss(e):
        shift, total = 0.0, 0.0  # shift of a_t that comes from earlier steps
        for a_t, e_t, g_t in zip(a, e, dL_dh_out, strict=True):
            z = a_t + shift + e_t
            positive = np.where(z.real > 0, z, 0)
            h = positive + np.log(1 + np.exp(z - 2 * positive))
            total = total + np.sum(g_t * h)
            h_at_rest = np.maximum(a_t, 0) + np.log1p(np.exp(-np.abs(a_t)))
            shift = (h - h_at_rest) @ W_hh.T
        return total

    return complex_step_gradient(loss, np.zeros_like(a))


def _attempt(a, W_hh, dL_dh_out):
    T = len(a)
    e = np.exp(-np.abs(a))
    slope = np.where(a > 0, 1 / (1 + e), e / (1 + e))
    dL_da = np.zeros_like(a)
    carry = np.zeros_like(a[0])
    for t in reversed(range(T)):
        dL_dh = dL_dh_out[t] + carry
        dL_da[t] = slope[t] * dL_dh
        carry = dL_da[t] @ W_hh
    return dL_da


def _make(rng: np.random.Generator, T: int, B: int, N: int, scale: float = 1.5) -> Inputs:
    return {
        "a": rng.normal(scale=scale, size=(T, B, N)),
        "W_hh": rng.normal(scale=0.7, size=(N, N)),
        "dL_dh_out": rng.normal(size=(T, B, N)),
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2)


def _at_zero(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2) | {"a": np.zeros((1, 1, 2))}


def _last_only(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 3, 1, 2)
    inputs["dL_dh_out"][:-1] = 0
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 3, 1, 3)
    return inputs | {"W_hh": (inputs["W_hh"] + inputs["W_hh"].T) / 2}


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 2)


def _extreme(rng: np.random.Generator) -> Inputs:
    sign = rng.permuted(np.tile([-1.0, 1.0], (5, 3, 1)), axis=-1)
    return _make(rng, 5, 3, 2) | {"a": 900.0 * sign}


EXERCISE = Exercise(
    name="02.softplus",
    title="A sweep for softplus units",
    kind="write",
    inputs={"a": "T B N", "W_hh": "N N", "dL_dh_out": "T B N"},
    outputs={"dL_da": "T B N"},
    definition=_definition,
    attempt=_attempt,
    example=1,
    cases=(
        Case("one step, a = 0", _at_zero,
             "The slope of softplus at 0 is exactly 1/2."),
        Case("one step", _one_step,
             "One step: dL_da is the slope at a, times dL_dh_out. Nothing else."),
        Case("three steps, loss at the last only, W_hh symmetric", _last_only,
             "New in this case: what a step sends back to the one before."),
        Case("three steps, W_hh symmetric", _symmetric,
             "New in this case: each step adds its own dL_dh_out to what comes back."),
        Case("four steps, three sequences", _general,
             "Right for a symmetric W_hh, wrong for others: look for a transpose."),
        Case("a = 900 and a = -900", _extreme,
             "exp(900) is infinite. Write the slope so that only exp of negative numbers is taken; "
             "far to the left it is 0, far to the right 1."),
    ),
    hints=(
        "What is the derivative of ln(1 + exp(a))? You know this function by another name.",
        "Only φ' of (2.9) in notebook 02 is another one; (2.8) stays. The slope of softplus is "
        "the logistic function of a.",
        "slope = 1 / (1 + exp(-a)), written so that it does not overflow; then dL_dh = "
        "dL_dh_out[t] + carry, dL_da[t] = slope[t] * dL_dh, carry = dL_da[t] @ W_hh.",
    ),
    mistakes=(
        Mistake("the slope of tanh",
                "That is the slope of tanh. Which function is φ here?",
                (("slope = np.where(a > 0, 1 / (1 + e), e / (1 + e))",
                  "slope = 1 - np.tanh(a) ** 2"),)),
        Mistake("the slope of ReLU",
                "Softplus is smooth: what is its slope at 0? ReLU's slope jumps there.",
                (("np.where(a > 0, 1 / (1 + e), e / (1 + e))", "(a > 0).astype(float)"),)),
        Mistake("the slope taken at h",
                "Logistic of a or of h? Try a = 0.",
                (("T = len(a)", "T = len(a); a = np.maximum(a, 0) + "
                  "np.log1p(np.exp(-np.abs(a)))"),)),
        Mistake("the slope of the logistic function",
                "Differentiate ln(1 + exp(a)) once, not twice: the logistic function is its "
                "first derivative.",
                (("e / (1 + e))", "e / (1 + e)); slope = slope * (1 - slope)"),)),
        Mistake("no gradient from the future",
                "What does h_{t+1} send back to h_t?",
                (("carry = dL_da[t] @ W_hh", "carry = 0 * dL_da[t]"),)),
        Mistake("W_hh for its transpose",
                "Forward it is `h @ W_hh.T`. Which index of W_hh is summed on the way back?",
                (("dL_da[t] @ W_hh", "dL_da[t] @ W_hh.T"),)),
        Mistake("the slope left out of what is carried",
                "What goes back from step t is dL_da, after the slope, not dL_dh.",
                (("carry = dL_da[t] @ W_hh", "carry = dL_dh @ W_hh"),)),
        Mistake("exp of large numbers",
                "exp(900) is infinite, and infinite over infinite is nan. Which form of the slope "
                "takes exp of negative numbers only?",
                (("np.where(a > 0, 1 / (1 + e), e / (1 + e))", "np.exp(a) / (1 + np.exp(a))"),)),
        Mistake("the loop runs forwards",
                "Gradients travel from the last step to the first.",
                (("reversed(range(T))", "range(T)"),)),
        Mistake("the slope runs the wrong way",
                "Far to the right softplus is a straight line. What is its slope there, and what "
                "is yours?",
                (("np.where(a > 0, 1 / (1 + e), e / (1 + e))",
                  "np.where(a > 0, e / (1 + e), 1 / (1 + e))"),)),
        Mistake("φ in the place of its slope",
                "(2.9) takes φ′. What is the derivative of ln(1 + exp(a))?",
                (("slope = np.where(a > 0, 1 / (1 + e), e / (1 + e))",
                  "slope = np.maximum(a, 0) + np.log1p(e)"),)),
        Mistake("only the direct part of the next step comes back",
                "What goes back from step t + 1 is its whole dL_da, not dL_dh_out alone.",
                (("carry = dL_da[t] @ W_hh", "carry = dL_dh_out[t] @ W_hh"),)),
        Mistake("what comes back is added after the slope",
                "All that arrives at h_t passes through φ, from the loss and from the next step. "
                "Which of (2.8) and (2.9) comes first?",
                (("dL_dh = dL_dh_out[t] + carry", "dL_dh = dL_dh_out[t]"),
                 ("slope[t] * dL_dh", "slope[t] * dL_dh + carry"))),
    ),
)  # fmt: skip
