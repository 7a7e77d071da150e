"""02.loss_gradient: masked cross-entropy and its gradient at the logits, by complex steps."""

from collections.abc import Callable

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _loss(y, target, mask):
    """Mean over the valid steps of all sequences of -ln p, one step after the other."""
    total, count = 0.0, 0
    for t, b in np.ndindex(target.shape):
        if mask[t, b]:
            shifted = y[t, b] - y[t, b].real.max()  # the same number for all K: p does not change
            total = total - shifted[target[t, b]] + np.log(np.sum(np.exp(shifted)))
            count += 1
    return total / count


def _definition(y, target, mask):
    return {
        "L": _loss(y, target, mask),
        "dL_dy": complex_step_gradient(lambda z: _loss(z, target, mask), y),
    }


def _attempt(y, target, mask):
    shifted = y - y.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    p = e / e.sum(axis=-1, keepdims=True)
    T, B, K = y.shape  # noqa: RUF059  the mistakes use them
    one_hot = np.eye(K)[target]
    log_p = shifted - np.log(e.sum(axis=-1, keepdims=True))
    nats = -(one_hot * log_p).sum(axis=-1)
    count = mask.sum()
    L = (nats * mask).sum() / count
    dL_dy = (p - one_hot) * mask[:, :, None] / count
    return L, dL_dy


def _softmax_over(axis: int, with_log: bool) -> Callable:
    """A wrong answer, with ln p as a difference or as the logarithm of p."""

    def wrong(y, target, mask):
        shifted = y - y.max(axis=axis, keepdims=True)
        total = np.exp(shifted).sum(axis=axis, keepdims=True)
        p = np.exp(shifted) / total
        log_p = shifted - np.log(total) if with_log else np.log(p)
        one_hot = np.eye(y.shape[-1])[target]
        picked = np.take_along_axis(log_p, target[:, :, None], axis=-1)[:, :, 0]
        return (
            -(picked * mask).sum() / mask.sum(),
            (p - one_hot) * mask[:, :, None] / mask.sum(),
        )

    return wrong


def _make(rng: np.random.Generator, T: int, B: int, K: int) -> Inputs:
    return {
        "y": rng.normal(scale=2.0, size=(T, B, K)),
        "target": rng.integers(0, K, size=(T, B)),
        "mask": np.ones((T, B), dtype=bool),
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 3)


def _all_valid(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, 4)


def _ragged(rng: np.random.Generator) -> Inputs:
    lengths = np.array([5, 2, 1])
    return _make(rng, 5, 3, 4) | {"mask": np.arange(5)[:, None] < lengths}


def _padding_shouts(rng: np.random.Generator) -> Inputs:
    inputs = _ragged(rng)
    inputs["y"][~inputs["mask"]] *= 50.0
    return inputs


def _large_logits(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 5, 3, 5)
    return inputs | {"y": inputs["y"] + 1000.0}


def _far_apart(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 5, 3, 6)
    level = 1000.0 * (-1.0) ** (np.arange(5)[:, None] + np.arange(3))
    return inputs | {"y": inputs["y"] + level[:, :, None]}


EXERCISE = Exercise(
    name="02.loss_gradient",
    title="The gradient at the outputs",
    kind="write",
    inputs={"y": "T B K", "target": "T B", "mask": "T B"},
    outputs={"L": "", "dL_dy": "T B K"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step, three classes", _one_step,
             "One step of one sequence: L = -ln p of the target's class, p the softmax of y."),
        Case("every step valid", _all_valid,
             "New in this case: several steps and sequences. Each step counts once in the mean."),
        Case("sequences of unequal length", _ragged,
             "New in this case: the mask. The mean is over the valid steps, of all sequences "
             "together."),
        Case("large outputs on padded steps", _padding_shouts,
             "Only what stands on padded steps has changed, and it must not count."),
        Case("logits near 1000", _large_logits,
             "exp(1000) is infinite. Adding one number to all logits of a step leaves p as it is."),
        Case("some steps near 1000, others near -1000", _far_apart,
             "In each step the logits lie close together. Which number do you subtract in which?"),
    ),
    hints=(
        "How does L change if the logit of the right class grows a little? And if that of another "
        "one does?",
        "It is (1.8) of notebook 01: p - e, the softmax minus the one-hot target; c is one over "
        "the number of valid steps.",
        "dL_dy = (p - one_hot) * mask[:, :, None] / mask.sum(), with "
        "p = exp(y - y.max(-1)) / its sum over the last axis.",
    ),
    answers=("rnncourse.losses.cross_entropy",),
    mistakes=(
        Mistake("padded steps counted",
                "Which steps does the mask leave out, of the sum and of the count?",
                (("(nats * mask).sum() / count", "nats.mean()"),
                 ("(p - one_hot) * mask[:, :, None] / count", "(p - one_hot) / (T * B)"))),
        Mistake("the mask left out of the gradient",
                "What may a padded step send back?",
                (("(p - one_hot) * mask[:, :, None] / count", "(p - one_hot) / count"),)),
        Mistake("divided by all steps, padded ones too",
                "How many steps count? It is not T·B.",
                (("count = mask.sum()", "count = mask.size"),)),
        Mistake("mean of the sequences' means",
                "Does a step of a short sequence count as much as one of a long one? Each valid "
                "step counts once.",
                (("L = (nats * mask).sum() / count",
                  "L = ((nats * mask).sum(0) / mask.sum(0)).mean()"),
                 ("* mask[:, :, None] / count", "* mask[:, :, None] / mask.sum(0)[:, None] / B"))),
        Mistake("the sum in the place of the mean",
                "The task asks for the mean over the valid steps.",
                (("(nats * mask).sum() / count", "(nats * mask).sum()"),
                 ("mask[:, :, None] / count", "mask[:, :, None]"))),
        Mistake("the mean loss beside the gradient of the sum",
                "Which of the two did you divide by the number of valid steps?",
                (("mask[:, :, None] / count", "mask[:, :, None]"),)),
        Mistake("the sign of the gradient turned",
                "If the right class's logit grows, L falls: which sign has its entry?",
                (("(p - one_hot)", "(one_hot - p)"),)),
        Mistake("softmax twice",
                "y are logits. Are yours still logits when the loss is taken?",
                (("T, B, K = y.shape",
                  "T, B, K = y.shape\n    shifted = p; e = np.exp(p); "
                  "p = e / e.sum(axis=-1, keepdims=True)"),)),
        *(Mistake(f"softmax over {what}{how}",
                  "Over which axis do the probabilities add up to 1?",
                  wrong=_softmax_over(axis, with_log))
          for axis, what in ((0, "time"), (1, "the batch"))
          for with_log, how in ((True, ""), (False, ", and the logarithm of it"))),
        Mistake("exp of large logits",
                "exp(1000) is more than a float can hold. What may be subtracted from all logits "
                "of a step?",
                (("shifted = y - y.max(axis=-1, keepdims=True)", "shifted = y"),)),
        Mistake("one maximum for all steps",
                "Subtract what is largest in each step. With one maximum for all of them, a step "
                "of small logits underflows.",
                (("y.max(axis=-1, keepdims=True)", "y.max()"),)),
        Mistake("the derivative by p, not by the logits",
                "You have differentiated -ln p by p. Through what does a logit act on p, and on "
                "all of its entries?",
                (("(p - one_hot) *", "(-one_hot / p) *"),)),
        Mistake("the softmax alone",
                "The gradient reads: what you said, minus what was right. Where is the second "
                "part?",
                (("(p - one_hot) *", "p *"),)),
        Mistake("the gradient divided by the sequences",
                "M counts the valid steps of all sequences. What does B count?",
                (("mask[:, :, None] / count", "mask[:, :, None] / B"),)),
        Mistake("each sequence's gradient divided by its own length",
                "Is M one number for all, or one for each sequence?",
                (("mask[:, :, None] / count", "mask[:, :, None] / mask.sum(0)[:, None]"),)),
        Mistake("L and dL_dy in the other order",
                "Which of the two is returned first?",
                (("return L, dL_dy", "return dL_dy, L"),)),
        Mistake("the slope of the logistic function in the place of the gradient",
                "p (1 - p) is how p changes with its own logit. How does -ln p of the target "
                "change with each logit?",
                (("(p - one_hot) *", "p * (1 - p) *"),)),
        Mistake("the mask applied to p alone",
                "On a padded step p - e has to vanish as a whole. To which part is your mask "
                "applied?",
                (("(p - one_hot) * mask[:, :, None]", "(p * mask[:, :, None] - one_hot)"),)),
    ),
)  # fmt: skip
