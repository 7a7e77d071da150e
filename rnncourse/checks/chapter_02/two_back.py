"""02.two_back: a network whose state also sees the state before last, by complex steps."""

from collections.abc import Callable

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient

WEIGHTS = ("W_1", "W_2", "h_0", "h_m1")


def _loss(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
    """Sum of g_t · h_t, whose gradient at h_t is g_t."""
    h, before, total = h_0, h_m1, 0.0
    for u, g in zip(drive, dL_dh_out, strict=True):
        h, before = np.tanh(u + h @ W_1.T + before @ W_2.T), h
        total = total + np.sum(g * h)
    return total


def _definition(**inputs):
    return {
        f"dL_d{name}": complex_step_gradient(
            lambda value, name=name: _loss(**{**inputs, name: value}), inputs[name]
        )
        for name in WEIGHTS
    }


def _attempt(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
    T = len(drive)
    h = [h_m1, h_0]  # h[t + 2] is the state after step t
    for t in range(T):
        h.append(np.tanh(drive[t] + h[t + 1] @ W_1.T + h[t] @ W_2.T))
    dL_dW_1, dL_dW_2 = np.zeros_like(W_1), np.zeros_like(W_2)
    near = np.zeros_like(h_0)  # what comes back to the state of this step
    far = np.zeros_like(h_0)  # what comes back to the state one step earlier
    for t in reversed(range(T)):
        dL_da = (dL_dh_out[t] + near) * (1 - h[t + 2] ** 2)
        dL_dW_1 += dL_da.T @ h[t + 1]
        dL_dW_2 += dL_da.T @ h[t]
        near, far = far + dL_da @ W_1, dL_da @ W_2
    return dL_dW_1, dL_dW_2, near, far


def _with_arrays(near: str, far: str) -> Callable:
    """A wrong answer that keeps all dL_dh in one array, and sets or adds."""

    def wrong(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
        h = [h_m1, h_0]
        for u in drive:
            h.append(np.tanh(u + h[-1] @ W_1.T + h[-2] @ W_2.T))
        dL_dh = np.concatenate([np.zeros((2, *h_0.shape)), dL_dh_out])
        dL_dW_1, dL_dW_2 = np.zeros_like(W_1), np.zeros_like(W_2)
        for t in reversed(range(len(drive))):
            dL_da = dL_dh[t + 2] * (1 - h[t + 2] ** 2)
            dL_dW_1 += dL_da.T @ h[t + 1]
            dL_dW_2 += dL_da.T @ h[t]
            dL_dh[t + 1] = dL_da @ W_1 + (dL_dh[t + 1] if near == "add" else 0)
            dL_dh[t] = dL_da @ W_2 + (dL_dh[t] if far == "add" else 0)
        return dL_dW_1, dL_dW_2, dL_dh[1], dL_dh[0]

    return wrong


def _make(rng: np.random.Generator, T: int, B: int, N: int) -> Inputs:
    return {
        "drive": rng.normal(size=(T, B, N)),
        "h_0": rng.uniform(-0.9, 0.9, size=(B, N)),
        "h_m1": rng.uniform(-0.9, 0.9, size=(B, N)),
        "W_1": rng.normal(scale=0.6, size=(N, N)),
        "W_2": rng.normal(scale=0.6, size=(N, N)),
        "dL_dh_out": rng.normal(size=(T, B, N)),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2)


def _old_wire_cut(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2) | {"W_2": np.zeros((2, 2))}


def _two(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2)


def _symmetric(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 3, 1, 3)
    return inputs | {w: (inputs[w] + inputs[w].T) / 2 for w in ("W_1", "W_2")}


def _three(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 3)


def _many(rng: np.random.Generator) -> Inputs:
    return _make(rng, 6, 3, 2)


EXERCISE = Exercise(
    name="02.two_back",
    title="A state that sees two steps back",
    kind="write",
    inputs={"drive": "T B N", "h_0": "B N", "h_m1": "B N", "W_1": "N N", "W_2": "N N",
            "dL_dh_out": "T B N"},
    outputs={"dL_dW_1": "N N", "dL_dW_2": "N N", "dL_dh_0": "B N", "dL_dh_m1": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step", _one,
             "One step: h_0 enters through W_1, h_m1 through W_2, and nothing comes back from "
             "later."),
        Case("two steps, W_2 = 0", _old_wire_cut,
             "Without W_2 this is the network of the chapter. Only dL_dW_2 is new: what did W_2 "
             "multiply?"),
        Case("two steps", _two,
             "New in this case: h_0 acts on two steps, through W_1 on the first and through W_2 on "
             "the second."),
        Case("three steps, symmetric weights", _symmetric,
             "Three steps are the fewest in which a state is reached by both wires from later "
             "states."),
        Case("three steps", _three,
             "Right for symmetric weights, wrong for others: look for a transpose."),
        Case("six steps, three sequences", _many,
             "Few steps are right, many are not: what is kept from one step of the sweep to the "
             "next?"),
    ),
    hints=(
        "Which later pre-activations does h_t enter? Draw the arrows that leave it.",
        "It is (2.8) of notebook 02 with one more term: h_t enters a_{t+1} through W_1 and "
        "a_{t+2} through W_2.",
        "Carry two gradients, near and far: dL_da = (dL_dh_out[t] + near) * slope, then near, far "
        "= far + dL_da @ W_1, dL_da @ W_2. At the end near belongs to h_0 and far to h_m1.",
    ),
    mistakes=(
        Mistake("nothing comes back through W_2",
                "h_t also enters a_{t+2}. What does that step send back to it?",
                (("far + dL_da @ W_1, dL_da @ W_2", "dL_da @ W_1, dL_da @ W_2"),)),
        Mistake("W_2's gradient sent back one step only",
                "W_2 skips a step forward. By how many steps must its gradient skip going back?",
                (("far + dL_da @ W_1, dL_da @ W_2",
                  "dL_da @ W_1 + dL_da @ W_2, dL_da @ W_2"),)),
        Mistake("the old far kept: it grows from step to step",
                "After it has been added to near, what is left of the old far?",
                (("far + dL_da @ W_1, dL_da @ W_2", "far + dL_da @ W_1, far + dL_da @ W_2"),)),
        Mistake("both gradients with the same state",
                "At step t, W_1 multiplied h_{t-1}. What did W_2 multiply?",
                (("dL_dW_2 += dL_da.T @ h[t]", "dL_dW_2 += dL_da.T @ h[t + 1]"),)),
        Mistake("the two states exchanged in the gradients",
                "Which of the two matrices sees the newer state?",
                (("dL_dW_1 += dL_da.T @ h[t + 1]", "dL_dW_1 += dL_da.T @ h[t]"),
                 ("dL_dW_2 += dL_da.T @ h[t]", "dL_dW_2 += dL_da.T @ h[t + 1]"))),
        Mistake("weights for their transposes on the way back",
                "Forward it is `h @ W_1.T`. And on the way back?",
                (("far + dL_da @ W_1, dL_da @ W_2", "far + dL_da @ W_1.T, dL_da @ W_2.T"),)),
        Mistake("no slope",
                "Where is the derivative of tanh?",
                (("(dL_dh_out[t] + near) * (1 - h[t + 2] ** 2)", "(dL_dh_out[t] + near)"),)),
        Mistake("dL_dh_0 and dL_dh_m1 exchanged",
                "After the last step of the sweep, near belongs to the state that entered first. "
                "Is that h_0 or h_m1?",
                (("dL_dW_2, near, far", "dL_dW_2, far, near"),)),
        Mistake("nothing comes back through W_2, not to h_m1 either",
                "h_t also enters a_{t+2}. What does that step send back to it?",
                (("far + dL_da @ W_1, dL_da @ W_2", "dL_da @ W_1, 0 * far"),)),
        Mistake("W_2's gradient sent back one step only, and nothing to h_m1",
                "W_2 skips a step forward. By how many steps must its gradient skip going back?",
                (("far + dL_da @ W_1, dL_da @ W_2", "dL_da @ W_1 + dL_da @ W_2, 0 * far"),)),
        Mistake("W_1 for its transpose on the way back",
                "Forward it is `h @ W_1.T`. And on the way back?",
                (("far + dL_da @ W_1, dL_da @ W_2", "far + dL_da @ W_1.T, dL_da @ W_2"),)),
        Mistake("W_2 for its transpose on the way back",
                "Forward it is `h @ W_1.T`. And on the way back?",
                (("far + dL_da @ W_1, dL_da @ W_2", "far + dL_da @ W_1, dL_da @ W_2.T"),)),
        Mistake("W_1 and W_2 exchanged on the way back",
                "Through which of the two did the newer state enter?",
                (("far + dL_da @ W_1, dL_da @ W_2", "far + dL_da @ W_2, dL_da @ W_1"),)),
        Mistake("the slope at the state that entered",
                "The slope belongs to a_t. Which state is tanh(a_t)?",
                (("(1 - h[t + 2] ** 2)", "(1 - h[t + 1] ** 2)"),)),
        Mistake("h_t in the place of h_{t-1} in dL_dW_1",
                "What did W_1 multiply at step t?",
                (("dL_dW_1 += dL_da.T @ h[t + 1]", "dL_dW_1 += dL_da.T @ h[t + 2]"),)),
        *(Mistake(f"gradients that overwrite each other, {near} and {far}",
                  "A state is reached by several ways. Is each added to what was there, or does it "
                  "take its place?",
                  wrong=_with_arrays(near, far))
          for near, far in (("set", "set"), ("set", "add"), ("add", "set"))),
    ),
)  # fmt: skip
