"""07.smoothness: the mean square of the rates' second derivative, and its gradient."""

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_gradient
from rnncourse.gradcheck import complex_step_gradient


def _value(r, dt):
    """Entry by entry; complex rates pass through."""
    T, B, N = r.shape
    total = 0.0
    for t in range(1, T - 1):
        for b in range(B):
            for i in range(N):
                bend = (r[t + 1, b, i] - r[t, b, i]) / dt - (r[t, b, i] - r[t - 1, b, i]) / dt
                total = total + (bend / dt) ** 2
    return total / ((T - 2) * B * N)


def _definition(r, dt):
    return {"value": _value(r, dt), "dL_dr": complex_step_gradient(lambda x: _value(x, dt), r)}


def _attempt(r, dt):
    bend = (r[2:] - 2 * r[1:-1] + r[:-2]) / dt**2
    return bend.square().mean()


def _padded(r, dt):
    return _attempt(torch.nn.functional.pad(r, (0, 0, 0, 0, 1, 1)), dt)


def _loop(skip_first: int, skip_last: int, start=0.0):
    """A sum over t, written as a loop that leaves out the first or the last differences."""

    def loss(r, dt):
        T, B, N = r.shape
        total = start if start is not None else r.new_zeros(())
        for t in range(1 + skip_first, T - 1 - skip_last):
            total = total + ((r[t + 1] - 2 * r[t] + r[t - 1]) / dt**2).square().sum()
        return total / ((T - 2) * B * N)

    return loss


_TURNS = (
    "How many second differences do three steps have, and how many turns does your loop take "
    "then? Python counts from 0."
)


def _rates(rng: np.random.Generator, T: int, B: int, N: int, dt: float) -> Inputs:
    return {"r": rng.uniform(0.0, 2.0, size=(T, B, N)), "dt": dt}


def _three_steps(rng: np.random.Generator) -> Inputs:
    return _rates(rng, 3, 1, 1, 1.0)


def _line(rng: np.random.Generator) -> Inputs:
    """Rates that rise evenly, by steps that binary numbers hold exactly."""
    start, slope = rng.integers(1, 9, size=(1, 1, 2)), rng.integers(1, 9, size=(1, 1, 2))
    return {"r": (start + slope * np.arange(4)[:, None, None]) / 8.0, "dt": 0.5}


def _same(rng: np.random.Generator) -> Inputs:
    one = rng.uniform(0.0, 2.0, size=(4, 1, 1))
    return {"r": np.tile(one, (1, 3, 3)), "dt": 1.0}


def _longer(rng: np.random.Generator) -> Inputs:
    return _rates(rng, 5, 1, 1, 1.0)


def _finer(rng: np.random.Generator) -> Inputs:
    return _rates(rng, 3, 1, 1, 0.5)


def _large(rng: np.random.Generator) -> Inputs:
    return _rates(rng, 6, 3, 4, 0.8)


EXERCISE = Exercise(
    name="07.smoothness",
    title="A term that makes rates smooth in time",
    kind="write",
    inputs={"r": "T B N", "dt": "a number"},
    outputs={"value": "", "dL_dr": "T B N"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_gradient("r"),
    cases=(
        Case(
            "three steps of one neuron, Δt = 1",
            _three_steps,
            "There is one second difference here: r_3 - 2 r_2 + r_1. The loss is its square.",
        ),
        Case(
            "rates that rise evenly",
            _line,
            "A straight line has no second derivative: value and gradient are 0.",
        ),
        Case(
            "three equal sequences of three equal neurons, Δt = 1",
            _same,
            "Sequences and neurons are all alike here, so only differences along time count, and "
            "the mean over them.",
        ),
        Case(
            "five steps of one neuron, Δt = 1",
            _longer,
            "New in this case: several second differences. How many are there, and do they reach "
            "past the ends?",
        ),
        Case(
            "three steps, Δt = 0.5",
            _finer,
            "New in this case: Δt is not 1. The second derivative has Δt² below it, before the "
            "square.",
        ),
        Case(
            "six steps, three sequences, four neurons",
            _large,
            "New in this case: sequences and neurons that differ. Each second difference is "
            "squared by itself; then the mean runs over all three axes.",
        ),
    ),
    hints=(
        "Which differences vanish for a straight line? How many of them are there in T steps?",
        "The derivative at t is about (r_{t+1} - r_t)/Δt; take the same difference of it. Average "
        "its square as (7.17) of notebook 07 does, but over T - 2 steps.",
        "bend = (r[2:] - 2 * r[1:-1] + r[:-2]) / dt**2, and then bend.square().mean().",
    ),
    mistakes=(
        Mistake(
            "the first difference",
            "Should a rate that rises evenly cost something? It has no second derivative.",
            (("(r[2:] - 2 * r[1:-1] + r[:-2]) / dt**2", "(r[1:] - r[:-1]) / dt"),),
        ),
        Mistake(
            "the first difference over Δt²",
            "Should a rate that rises evenly cost something? Take the difference of differences.",
            (("(r[2:] - 2 * r[1:-1] + r[:-2]) / dt**2", "(r[1:] - r[:-1]) / dt**2"),),
        ),
        Mistake(
            "(2Δt)² for Δt²",
            "The slopes on both sides lie Δt apart, not 2Δt. Try r = t²: its second derivative "
            "is 2.",
            (("/ dt**2", "/ (2 * dt) ** 2"),),
        ),
        Mistake(
            "summed over time",
            "Should the loss be larger for a longer run of the same kind? The mean runs over time "
            "too.",
            (("bend.square().mean()", "bend.square().sum(dim=0).mean()"),),
        ),
        Mistake(
            "summed over the neurons",
            "The mean runs over sequences, neurons and time.",
            (("bend.square().mean()", "bend.square().sum(dim=2).mean()"),),
        ),
        Mistake(
            "the difference over two steps",
            "r_{t+1} - r_{t-1} is a slope. Which combination vanishes for a straight line?",
            (("(r[2:] - 2 * r[1:-1] + r[:-2]) / dt**2", "(r[2:] - r[:-2]) / (2 * dt)"),),
        ),
        Mistake(
            "the 2 in the middle left out",
            "Is your difference zero for constant rates? The coefficients have to add up to 0.",
            (("- 2 * r[1:-1]", "- r[1:-1]"),),
        ),
        Mistake(
            "a sign turned",
            "Is your difference zero for constant rates? The coefficients have to add up to 0.",
            (("+ r[:-2]", "- r[:-2]"),),
        ),
        Mistake(
            "differences between sequences",
            "Which axis is time? r is (T, B, N).",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])", "(r[:, 2:] - 2 * r[:, 1:-1] + r[:, :-2])"),),
        ),
        Mistake(
            "differences between neurons",
            "Which axis is time? r is (T, B, N), and neurons have no order.",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])", "(r[..., 2:] - 2 * r[..., 1:-1] + r[..., :-2])"),),
        ),
        Mistake(
            "time made a circle",
            "Is the first step a neighbour of the last one? `roll` says so.",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])", "(r.roll(-1, 0) - 2 * r + r.roll(1, 0))"),),
        ),
        Mistake(
            "zeros before the start and behind the end",
            "Nobody said that the rates are 0 outside. How many second differences do T steps "
            "have?",
            wrong=_padded,
        ),
        Mistake(
            "Δt left out",
            "Halve Δt for the same movement: r changes less from step to step. Should the loss "
            "change?",
            ((" / dt**2", ""),),
        ),
        Mistake(
            "Δt for Δt²",
            "A second derivative divides by Δt twice, before it is squared: at the end Δt⁴ stands "
            "below.",
            (("/ dt**2", "/ dt"),),
        ),
        Mistake(
            "divided by T for T - 2",
            "How many second differences do T steps have?",
            (("bend.square().mean()", "bend.square().sum() / r.numel()"),),
        ),
        Mistake(
            "divided by T - 1 for T - 2",
            "How many second differences do T steps have? Count for T = 3.",
            (("bend.square().mean()",
              "bend.square().sum() / (r.numel() * (len(r) - 1) / len(r))"),),
        ),
        Mistake(
            "the sum for the mean",
            "Should the loss be larger for a larger batch of the same sequences?",
            (("bend.square().mean()", "bend.square().sum()"),),
        ),
        Mistake(
            "the square of the mean",
            "A rate that bends up and then down: does it cost nothing? Square first, then "
            "average.",
            (("bend.square().mean()", "bend.mean().square()"),),
        ),
        Mistake(
            "the absolute value for the square",
            "How does the loss change if all rates are doubled? A mean square grows by 4.",
            (("bend.square()", "bend.abs()"),),
        ),
        Mistake(
            "the root is taken",
            "A mean square is asked for. How does it change if all rates are doubled?",
            (("bend.square().mean()", "bend.square().mean().sqrt()"),),
        ),
        Mistake(
            "only the middle step gets a gradient",
            "The value is right; the gradient has to reach all three steps. What did you detach?",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])",
              "(r[2:].detach() - 2 * r[1:-1] + r[:-2].detach())"),),
        ),
        Mistake(
            "the gradient is stopped",
            "dL/dr is zero everywhere. If your value does depend on the rates: what do "
            "`.detach()`, `.item()`, `.numpy()` or `torch.tensor(...)` do to the graph?",
            (("bend.square().mean()", "bend.square().mean().detach()"),),
        ),
        Mistake(
            "the first second difference left out", _TURNS, wrong=_loop(1, 0)
        ),
        Mistake(
            "the first second difference left out of the sum", _TURNS, wrong=_loop(1, 0, None)
        ),
        Mistake(
            "the last second difference left out", _TURNS, wrong=_loop(0, 1)
        ),
        Mistake(
            "the last second difference left out of the sum", _TURNS, wrong=_loop(0, 1, None)
        ),
        Mistake(
            "the mean over the sequences before the square",
            "Two sequences that bend in opposite ways: do they cost nothing? Square first.",
            (("bend.square().mean()", "bend.mean(dim=1).square().mean()"),),
        ),
        Mistake(
            "the mean over the neurons before the square",
            "Two neurons that bend in opposite ways: do they cost nothing? Square first.",
            (("bend.square().mean()", "bend.mean(dim=2).square().mean()"),),
        ),
        Mistake(
            "the second difference of the squared rates",
            "What is squared: the rate, or its second derivative?",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])", "(r[2:]**2 - 2 * r[1:-1]**2 + r[:-2]**2)"),
             ("bend.square().mean()", "bend.mean()")),
        ),
        Mistake(
            "time, sequences and neurons in one row",
            "Which numbers stand beside each other once r is flat? Only time has neighbours.",
            (("(r[2:] - 2 * r[1:-1] + r[:-2])",
              "(r.ravel()[2:] - 2 * r.ravel()[1:-1] + r.ravel()[:-2])"),),
        ),
        Mistake(
            "half of it",
            "There is no 1/2 in the formula: one second difference, squared, is the loss of three "
            "steps.",
            (("bend.square().mean()", "bend.square().mean() / 2"),),
        ),
    ),
)  # fmt: skip
