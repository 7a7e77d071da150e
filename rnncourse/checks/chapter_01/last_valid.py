"""01.last_valid: cross-entropy at the last valid step, sequence by sequence."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(y, target, lengths):
    nats = []
    for b, length in enumerate(lengths):
        logits = y[length - 1, b]
        top = max(logits)
        log_sum = top + math.log(sum(math.exp(z - top) for z in logits))
        nats.append(log_sum - logits[target[b]])
    return sum(nats) / len(nats)


def _attempt(y, target, lengths):
    B = y.shape[1]
    last = y[lengths - 1, np.arange(B)]
    shifted = last - last.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    nats = -log_p[np.arange(B), target]
    return nats.mean()


def _all_valid_steps(y, target, lengths):
    """The label asked for at every valid step."""
    total = 0.0
    for b, length in enumerate(lengths):
        shifted = y[:length, b] - y[:length, b].max(axis=-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        total -= log_p[:, target[b]].mean()
    return total / len(lengths)


def _make(rng: np.random.Generator, T: int, B: int, K: int) -> Inputs:
    return {
        "y": rng.normal(scale=2.0, size=(T, B, K)),
        "target": rng.integers(0, K, size=B),
        "lengths": np.full(B, T),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 3)


def _certain(rng: np.random.Generator) -> Inputs:
    y = np.zeros((1, 1, 4))
    target = rng.integers(0, 4, size=1)
    y[0, 0, target[0]] = rng.uniform(30.0, 40.0)
    return {"y": y, "target": target, "lengths": np.array([1])}


def _huge(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 6, 4, 5)
    far = np.tile([-2000.0, -900.0, 0.0, 1000.0, 2000.0], (6, 4, 1))
    y = inputs["y"] + rng.permuted(far, axis=-1)
    return inputs | {"y": y, "target": y[-1].argmin(axis=-1)}  # the probability of each is 0


def _full(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 4)


def _shorter(rng: np.random.Generator) -> Inputs:
    return _make(rng, 6, 4, 3) | {"lengths": np.array([3, 6, 1, 4])}


def _all_shorter(rng: np.random.Generator) -> Inputs:
    return _make(rng, 7, 3, 4) | {"lengths": np.array([5, 2, 3])}


def _far_apart(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 6, 4, 5)
    level = rng.permutation([-1900.0, -900.0, 900.0, 1900.0])
    return inputs | {"y": inputs["y"] + level[:, None]}


EXERCISE = Exercise(
    name="01.last_valid",
    title="The loss at the last valid step",
    kind="write",
    inputs={"y": "T B K", "target": "B", "lengths": "B"},
    outputs={"L": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step of one sequence", _one, "Minus the logarithm of the target's softmax."),
        Case("a sure and right answer", _certain,
             "A sure and right answer costs nothing. What does it cost with you?"),
        Case("all sequences of full length", _full,
             "New in this case: several sequences, each with its own target, and their mean."),
        Case("sequences of unequal length", _shorter,
             "New in this case: the last valid step of sequence b is number lengths[b], counted "
             "from 1."),
        Case("no sequence reaches the last row", _all_shorter,
             "Every sequence ends before the last row; what stands there is padding."),
        Case("logits as large as 2000", _huge,
             "exp(2000) is infinite and exp(-2000) is zero. Which of the two does your formula "
             "meet, and in which form of ln p does neither occur?"),
        Case("large logits, another level in each sequence", _far_apart,
             "Within a sequence the logits lie close together; from one to the next they do not. "
             "What is largest in each?"),
    ),
    hints=(
        "Which row of y holds the answer of a sequence with 3 steps?",
        "It is (1.9) of notebook 01. Python counts from 0: step T_b is row lengths[b] - 1.",
        "last = y[lengths - 1, np.arange(B)], then the mean over b of log(sum(exp(last))) - "
        "last[b, target[b]], with the largest logit subtracted first.",
    ),
    answers=("rnncourse.losses.cross_entropy_last", "rnncourse.losses.cross_entropy"),
    mistakes=(
        Mistake("the last row in the place of the last valid step",
                "What stands in the last row, if a sequence is shorter?",
                (("y[lengths - 1, np.arange(B)]", "y[-1]"),)),
        Mistake("one step too early",
                "Step number 3 is row 2. Which row do you take?",
                (("y[lengths - 1,", "y[lengths - 2,"),)),
        Mistake("the first step",
                "The sequence has been read only when it ends.",
                (("y[lengths - 1, np.arange(B)]", "y[0]"),)),
        Mistake("softmax twice",
                "y are logits. A sure and right answer has to cost nothing: with a second softmax "
                "it cannot.",
                (("    nats =", "    p = np.exp(log_p)\n    log_p = p - np.log(np.exp(p)"
                  ".sum(axis=-1, keepdims=True))\n    nats ="),)),
        Mistake("the sum over the sequences",
                "Mean or sum? The task asks for the mean over the batch.",
                (("nats.mean()", "nats.sum()"),)),
        Mistake("the mean over all steps and sequences",
                "Each sequence has one answer: how many terms does the mean have?",
                (("nats.mean()", "nats.sum() / y[:, :, 0].size"),)),
        Mistake("the sign forgotten",
                "A loss that is lower for worse answers? ln p is negative.",
                (("-log_p[", "log_p["),)),
        Mistake("the logarithm to base 2",
                "These are bits. The course counts in nats, the natural logarithm.",
                (("nats.mean()", "nats.mean() / np.log(2)"),)),
        Mistake("exp of large logits",
                "exp(2000) is infinite, exp(-2000) is zero. What may be subtracted from all logits "
                "of a row before exp is taken?",
                (("shifted = last - last.max(axis=-1, keepdims=True)", "shifted = last"),)),
        Mistake("the probability in the place of its logarithm",
                "1 - p is not -ln p: a sure wrong answer costs at most 1 with you.",
                (("nats = -log_p[np.arange(B), target]",
                  "nats = 1 - np.exp(log_p[np.arange(B), target])"),)),
        Mistake("the logarithm of a softmax that has become zero",
                "A probability below 1e-308 is stored as 0, and ln 0 is infinite. How is ln p "
                "written without taking p first?",
                (("log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
                  "log_p = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, "
                  "keepdims=True))"),)),
        Mistake("one maximum for all sequences",
                "With one maximum for all, a sequence of small logits underflows. What is largest "
                "in each row?",
                (("last.max(axis=-1, keepdims=True)", "last.max()"),)),
        *(Mistake(f"{small:g} added before the logarithm",
                  "A small number inside of the logarithm hides the zero and caps the loss. How "
                  "is ln p written without taking p first?",
                  (("log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
                    "log_p = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, "
                    f"keepdims=True) + {small})"),))
          for small in (1e-9, 1e-10, 1e-12, 1e-15)),
        Mistake("one step too late",
                "Step number 1 is row 0. Which row is step number T_b?",
                (("y[lengths - 1,", "y[lengths,"),)),
        Mistake("the sequence left out of the index",
                "y[lengths - 1] takes whole rows, with all sequences in each. Which row belongs to "
                "which sequence?",
                (("y[lengths - 1, np.arange(B)]", "y[lengths - 1]"),)),
        Mistake("every sequence asked for every target",
                "With [:, target] you get B times B numbers. Which target belongs to row b?",
                (("log_p[np.arange(B), target]", "log_p[:, target]"),)),
        Mistake("every valid step is asked",
                "The label belongs to the whole sequence: at which step is it asked for?",
                wrong=_all_valid_steps),
    ),
)  # fmt: skip
