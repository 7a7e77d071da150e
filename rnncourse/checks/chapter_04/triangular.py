"""04.triangular: a learning rate that rises and falls, against its corners joined by lines."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(peak, final, R, S, M):
    """Three corners, at the steps -1, R - 1 and S - 1, joined by straight lines."""
    corners = np.array([-1.0, R - 1.0, S - 1.0])
    return np.interp(np.arange(M), corners, np.array([0.0, peak, final]))


def _attempt(peak, final, R, S, M):
    rates = []
    for n in range(M):
        if n < R:
            rate = peak * (n + 1) / R
        elif n < S:
            rate = peak + (final - peak) * (n - R + 1) / (S - R)
        else:
            rate = final
        rates.append(rate)
    return np.array(rates)


def _schedule(rng: np.random.Generator, R: int, S: int, M: int, share: float = 0.1) -> Inputs:
    peak = rng.uniform(0.5, 2.0)
    return {"peak": peak, "final": share * peak, "R": R, "S": S, "M": M}


EXERCISE = Exercise(
    name="04.triangular",
    title="A rate that rises and falls",
    kind="write",
    inputs={
        "peak": "a number",
        "final": "a number",
        "R": "a whole number",
        "S": "a whole number",
        "M": "a whole number",
    },
    outputs={"rates": "M"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "a rise of two steps, stopped at the top",
            lambda rng: _schedule(rng, 2, 5, 2, 0.2),
            "Only the rise is asked for: half of the peak, then the peak. Is step 0 wasted with a "
            "rate of zero?",
        ),
        Case(
            "the top in step 0, then down to zero",
            lambda rng: _schedule(rng, 1, 4, 4, 0.0),
            "New in this case: the fall, from the peak in step 0 to zero in step 3, in three "
            "equal parts.",
        ),
        Case(
            "up and down to zero",
            lambda rng: _schedule(rng, 3, 7, 7, 0.0),
            "New in this case: rise and fall together. The peak is the rate of one step only, "
            "R - 1, and the fall begins from there.",
        ),
        Case(
            "down to a final rate",
            lambda rng: _schedule(rng, 3, 8, 8, rng.uniform(0.1, 0.3)),
            "New in this case: the final rate is not zero. Step S - 1 has exactly this rate, and "
            "the steps between lie on one straight line.",
        ),
        Case(
            "a fall of one step",
            lambda rng: _schedule(rng, 4, 5, 5, 0.25),
            "New in this case: R = S - 1, so the step after the peak has the final rate.",
        ),
        Case(
            "more steps than S",
            lambda rng: _schedule(rng, 2, 6, 10, 0.15),
            "New in this case: the training goes on after step S - 1. The rate stays at its "
            "final value.",
        ),
        Case(
            "many steps",
            lambda rng: _schedule(rng, 7, 24, 31, 0.05),
            "Small sizes are right and this one is not: does something depend on R or S being "
            "small, or on a whole-number division?",
        ),
    ),
    hints=(
        "Draw it: over the steps 0, 1, 2, …, where are the two corners, and how many equal parts "
        "are there on the way up and on the way down?",
        "The rise is that of (4.13) in notebook 04: peak·(n + 1)/R in the steps n = 0, …, R - 1. "
        "The fall takes S - R equal parts, from step R - 1 to step S - 1.",
        "For n < R: peak*(n + 1)/R. For R <= n < S: peak + (final - peak)*(n - R + 1)/(S - R). "
        "After that: final.",
    ),
    mistakes=(
        Mistake(
            "the first step has a rate of zero",
            "What does a step with a rate of zero do? The peak belongs to step R - 1.",
            (("peak * (n + 1) / R", "peak * n / R"),),
        ),
        Mistake(
            "the rise begins at zero and ends in step R - 1",
            "What does a step with a rate of zero do? There are R equal parts, and step 0 is the "
            "end of the first one.",
            (("peak * (n + 1) / R", "peak * n / max(R - 1, 1)"),),
        ),
        Mistake(
            "the peak is never reached in the rise",
            "How large is the rate in step R - 1?",
            (("peak * (n + 1) / R", "peak * (n + 1) / (R + 1)"),),
        ),
        Mistake(
            "the rise begins at the final rate",
            "From where does the rate rise: from zero, or from the rate of the end?",
            (("peak * (n + 1) / R", "final + (peak - final) * (n + 1) / R"),),
        ),
        Mistake(
            "the peak is held for two steps",
            "How many steps have the peak as their rate? The step after R - 1 is lower already.",
            (("(n - R + 1) / (S - R)", "(n - R) / max(S - R - 1, 1)"),),
        ),
        Mistake(
            "the peak is held for two steps, and the end is one step late",
            "In which step is the rate the peak for the last time, and in which is it final for "
            "the first time?",
            (("(n - R + 1) / (S - R)", "(n - R) / (S - R)"),),
        ),
        Mistake(
            "the final rate comes one step late",
            "Which is the last step, if there are S of them and the first one is 0?",
            (("(n - R + 1) / (S - R)", "(n - R + 1) / (S - R + 1)"),),
        ),
        Mistake(
            "the rise is one step too long",
            "Which rate does the rise give in step R? It has passed the peak.",
            (("if n < R:", "if n <= R:"),),
        ),
        Mistake(
            "the fall goes on for one step after the end",
            "Which step is the last one of the fall: S - 1, or S?",
            (("elif n < S:", "elif n <= S:"),),
        ),
        Mistake(
            "the fall is divided into S parts",
            "How many steps are there between the peak and the end? Not S: the rise has used some.",
            (("(n - R + 1) / (S - R)", "(n - R + 1) / S"),),
        ),
        Mistake(
            "the fall goes to zero",
            "Where should the fall end? The line to zero is another one than the line to `final`.",
            (("peak + (final - peak) * (n - R + 1) / (S - R)",
              "peak - peak * (n - R + 1) / (S - R)"),),
        ),
        Mistake(
            "the fall goes to zero and is cut off at the final rate",
            "Do the steps of the fall lie on one straight line down to `final`?",
            (("peak + (final - peak) * (n - R + 1) / (S - R)",
              "max(final, peak - peak * (n - R + 1) / (S - R))"),),
        ),
        Mistake(
            "the fall is counted from step 0",
            "Does the rate jump after the peak? The fall begins where the rise ends.",
            (("peak + (final - peak) * (n - R + 1) / (S - R)",
              "peak + (final - peak) * (n + 1) / S"),),
        ),
        Mistake(
            "the fall is not linear",
            "By how much does the rate change from one step of the fall to the next? A straight "
            "line has equal differences, not equal ratios.",
            (("peak + (final - peak) * (n - R + 1) / (S - R)",
              "peak * max(final / peak, 1e-12) ** ((n - R + 1) / (S - R))"),),
        ),
        Mistake(
            "the fall goes on after the end",
            "What happens after step S - 1? A falling line goes below zero some day.",
            (("elif n < S:", "elif True:"),),
        ),
        Mistake(
            "zero after the end",
            "Which rate do the steps from S on have?",
            (("rate = final\n", "rate = 0.0\n"),),
        ),
        Mistake(
            "the peak after the end",
            "Which rate do the last steps have before the end, and which one do yours have after "
            "it?",
            (("rate = final\n", "rate = peak\n"),),
        ),
        Mistake(
            "it starts again after the end",
            "Does the schedule repeat itself? After step S - 1 the rate stays.",
            (("for n in range(M):", "for n in (k % S for k in range(M)):"),),
        ),
        Mistake(
            "one rate too many",
            "How many numbers are there from step 0 to step M - 1?",
            (("range(M)", "range(M + 1)"),),
        ),
        Mistake(
            "S numbers, whatever is asked for",
            "For how many steps is the rate asked? M may be more or less than S.",
            (("range(M)", "range(S)"),),
        ),
        Mistake(
            "the division is one of whole numbers",
            "What is 1 // 3? A rate is no whole number.",
            (("(n + 1) / R", "((n + 1) // R)"),
             ("(n - R + 1) / (S - R)", "((n - R + 1) // (S - R))")),
        ),
        Mistake(
            "the corners are at the steps 0, R and S",
            "Which rates do the steps 0, R - 1 and S - 1 have? Compare with the corners of your "
            "lines.",
            (("peak * (n + 1) / R", "peak * n / R"),
             ("peak + (final - peak) * (n - R + 1) / (S - R)",
              "peak + (final - peak) * (n - R) / (S - R)")),
        ),
        Mistake(
            "steps are counted from 1",
            "Which number has the first step? In the equation n = 0, 1, 2, …",
            (("range(M)", "range(1, M + 1)"),),
        ),
        Mistake(
            "the division of the rise is one of whole numbers",
            "What is 1 // 3? A rate is no whole number.",
            (("(n + 1) / R", "((n + 1) // R)"),),
        ),
        Mistake(
            "both divisions are of whole numbers, the fall's after the product",
            "What is 1 // 3? A rate is no whole number.",
            (("(n + 1) / R", "((n + 1) // R)"),
             ("(n - R + 1) / (S - R)", "(n - R + 1) // (S - R)")),
        ),
        Mistake(
            "the peak is held for two steps, and a fall of one step divides by zero",
            "How many steps have the peak as their rate? The step after R - 1 is lower already.",
            (("(n - R + 1) / (S - R)", "(n - R) / (S - R - 1)"),),
        ),
        Mistake(
            "the fall goes up",
            "Is the difference that you add positive or negative? `final` is below the peak.",
            (("(final - peak)", "(peak - final)"),),
        ),
    ),
)  # fmt: skip
