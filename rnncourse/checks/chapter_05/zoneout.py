"""05.zoneout: one step in training and in use, unit by unit."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x_t, h_prev, W_xh, W_hh, b_h, z_t, p, training):
    """Each unit of each sequence by itself; in use the mean over both outcomes of its coin."""
    h_t = np.empty_like(h_prev)
    D, N = len(x_t[0]), len(b_h)
    for b, i in np.ndindex(h_prev.shape):
        a = b_h[i] + sum(W_xh[i, d] * x_t[b, d] for d in range(D))
        a += sum(W_hh[i, j] * h_prev[b, j] for j in range(N))
        old, new = h_prev[b, i], math.tanh(a)
        if training:
            h_t[b, i] = old if z_t[b, i] == 1 else new
        else:
            h_t[b, i] = sum(chance * h for chance, h in ((p, old), (1 - p, new)))
    return h_t


def _attempt(x_t, h_prev, W_xh, W_hh, b_h, z_t, p, training):
    a = x_t @ W_xh.T + h_prev @ W_hh.T + b_h
    new = np.tanh(a)
    keep = z_t if training else p
    h_t = keep * h_prev + (1 - keep) * new
    return h_t


def _make(rng: np.random.Generator, B: int, D: int, N: int, training: bool) -> Inputs:
    z_t = rng.integers(0, 2, size=(B, N)).astype(float)
    z_t[0, :2] = 0.0, 1.0  # both kinds of units, always
    return {
        "x_t": rng.normal(size=(B, D)),
        "h_prev": rng.uniform(-0.9, 0.9, size=(B, N)),
        "W_xh": rng.normal(scale=0.6, size=(N, D)),
        "W_hh": rng.normal(scale=0.6, size=(N, N)),
        "b_h": rng.normal(scale=0.3, size=N),
        "z_t": z_t,
        "p": float(rng.uniform(0.15, 0.35)),
        "training": training,
    }


def _all_new(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, True) | {"z_t": np.zeros((1, 2))}


def _all_kept(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, True) | {"z_t": np.ones((1, 2))}


def _both(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 2, 3, True)


def _in_use(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2, False)


def _in_use_general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 5, False)


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 4, 3, 5, True)


EXERCISE = Exercise(
    name="05.zoneout",
    title="Zoneout, one step",
    kind="write",
    inputs={"x_t": "B D", "h_prev": "B N", "W_xh": "N D", "W_hh": "N N", "b_h": "N",
            "z_t": "B N", "p": "the probability that a unit keeps its value",
            "training": "True or False"},
    outputs={"h_t": "B N"},
    definition=_definition,
    attempt=_attempt,
    answers=("rnncourse.dropout.unroll_dropout",),
    cases=(
        Case("training, no unit keeps its value", _all_new,
             "With z_t = 0 no unit keeps its value: it is the plain step of a tanh network. The "
             "coins are those of z_t, none are drawn."),
        Case("training, all units keep their value", _all_kept,
             "With z_t = 1 nothing happens: h_t is h_prev, neither 0 nor enlarged."),
        Case("training, some units keep their value", _both,
             "Where z_t is 1 the old value stays; the others are those of the plain step, which "
             "reads the whole of h_prev."),
        Case("in use, one sequence", _in_use,
             "New in this case: training is False. Nothing is random then, and z_t does not "
             "count: each unit takes its expectation over the coin."),
        Case("in use, three sequences", _in_use_general,
             "In use, with more units: every unit is a mix of old and new, with the same shares."),
        Case("training, four sequences of five units", _general,
             "It is right on small arrays: look for a fixed axis or a transpose."),
    ),
    hints=(
        "A unit that is zoned out does not become 0. What does it become?",
        "It is (5.30) of notebook 05, with (5.28): in training z_t is 0 or 1, in use it is p.",
        "new = np.tanh(x_t @ W_xh.T + h_prev @ W_hh.T + b_h); keep = z_t if training else p; then "
        "keep * h_prev + (1 - keep) * new.",
    ),
    mistakes=(
        Mistake("0 in the place of the old value: dropout",
                "That forgets the unit. Zoneout holds it: which value does it hold?",
                (("keep * h_prev + (1 - keep) * new", "(1 - keep) * new"),)),
        Mistake("inverted dropout",
                "That forgets units and enlarges the others. Zoneout holds a value: does its mean "
                "need a correction?",
                (("keep * h_prev + (1 - keep) * new",
                  "(1 - keep) * new / (1 - p) if training else new"),)),
        Mistake("old and new exchanged",
                "z_t = 1 marks the units that keep the old value. Which does yours give them?",
                (("keep * h_prev + (1 - keep) * new", "keep * new + (1 - keep) * h_prev"),)),
        Mistake("old and new exchanged in training",
                "z_t = 1 marks the units that keep the old value. In use yours is right: which "
                "does it give them in training?",
                (("z_t if training else p", "1 - z_t if training else p"),)),
        Mistake("the new part enlarged in training",
                "Zoneout holds a value, so nothing is lost. What would the "
                "enlargement make up for?",
                (("(1 - keep) * new", "(1 - keep) * new / (1 - p if training else 1)"),)),
        Mistake("the share of this draw in the place of p",
                "In use z_t does not count at all, not even its mean. Which number is "
                "given for it?",
                (("z_t if training else p", "z_t if training else z_t.mean()"),)),
        Mistake("the bias left out",
                "With x_t and h_prev both 0, what is the plain step?",
                ((" + b_h", ""),)),
        Mistake("old and new exchanged in use",
                "p is the probability to keep the old value. Which share has the old one in use?",
                (("z_t if training else p", "z_t if training else 1 - p"),)),
        Mistake("the mask used in use too",
                "In use nothing is random. What is the mean of z_t?",
                (("z_t if training else p", "z_t"),)),
        Mistake("p in the place of the mask in training too",
                "That is a leaky unit. In training a unit keeps all of its value or nothing.",
                (("z_t if training else p", "p"),)),
        Mistake("nothing done in use",
                "Dropout can be switched off in use, as its mean is 1. Is the mean of a zoneout "
                "step the plain step?",
                (("z_t if training else p", "z_t if training else 0"),)),
        Mistake("training and use exchanged",
                "Which of the two modes draws a mask?",
                (("z_t if training else p", "p if training else z_t"),)),
        Mistake("the old value forgotten in use",
                "In use a unit takes the mean over its coin: two outcomes, each with its chance. "
                "Which one is missing?",
                (("keep * h_prev + (1 - keep) * new",
                  "keep * h_prev * training + (1 - keep) * new"),)),
        Mistake("no tanh",
                "With z_t = 0 it is the plain step. What follows the weights there?",
                (("new = np.tanh(a)", "new = a"),)),
        Mistake("a mask on what W_hh reads",
                "That is (5.29) with a mask. Zoneout acts after tanh, on the state: (5.30).",
                (("h_prev @ W_hh.T", "(z_t * h_prev if training else p * h_prev) @ W_hh.T"),
                 ("keep * h_prev + (1 - keep) * new", "new"))),
        Mistake("the new part enlarged by 1/(1 - p)",
                "Nothing is lost in zoneout, so nothing has to be enlarged.",
                (("(1 - keep) * new", "(1 - keep) * new / (1 - p)"),)),
        Mistake("W_hh reads the kept units only",
                "The mask decides what a unit takes over, not what the others read of it. What "
                "does W_hh multiply in (5.29) if there is no dropout?",
                (("h_prev @ W_hh.T", "(z_t * h_prev) @ W_hh.T"),)),
        Mistake("mixed before tanh",
                "A kept unit passes its value on unchanged. Does yours go through tanh again?",
                (("h_t = keep * h_prev + (1 - keep) * new",
                  "h_t = np.tanh(keep * h_prev + (1 - keep) * a)"),)),
        Mistake("old and new added",
                "A unit takes either the old or the new value. What are the shares' sum?",
                (("(1 - keep) * new", "new"),)),
        Mistake("tanh once more after the mix",
                "h_prev has gone through tanh a step ago. What does tanh reach in (5.30)?",
                (("h_t = keep * h_prev + (1 - keep) * new",
                  "h_t = np.tanh(keep * h_prev + (1 - keep) * new)"),)),
        Mistake("W_hh transposed",
                "Row i of W_hh belongs to the unit that receives: `h @ W_hh.T`.",
                (("h_prev @ W_hh.T", "h_prev @ W_hh"),)),
    ),
)  # fmt: skip
