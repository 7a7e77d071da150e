"""07.huber: the Huber loss over the valid steps, its value and its gradient."""

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_gradient
from rnncourse.gradcheck import numerical_gradient


def _value(pred, target, mask, delta):
    """Entry by entry; what is not valid is not read."""
    T, B, K = pred.shape
    total, count = 0.0, 0
    for t in range(T):
        for b in range(B):
            if not mask[t, b]:
                continue
            for k in range(K):
                e = abs(pred[t, b, k] - target[t, b, k])
                total += e * e / 2 if e <= delta else delta * e - delta * delta / 2
                count += 1
    return total / count


def _definition(pred, target, mask, delta):
    gradient = numerical_gradient(lambda y: _value(y, target, mask, delta), pred)
    return {"value": _value(pred, target, mask, delta), "dL_dpred": gradient}


def _attempt(pred, target, mask, delta):
    error = (pred - target)[mask]
    size = error.abs()
    small = error**2 / 2
    large = delta * (size - delta / 2)
    each = torch.where(size <= delta, small, large)
    return each.mean()


def _mean_of_means(pred, target, mask, delta):
    means = []
    for b in range(pred.shape[1]):
        error = (pred - target)[mask[:, b], b]
        size = error.abs()
        each = torch.where(size <= delta, error**2 / 2, delta * (size - delta / 2))
        means.append(each.mean())
    return torch.stack(means).mean()


def _times_mask(pred, target, mask, delta):
    error = pred - target
    size = error.abs()
    each = torch.where(size <= delta, error**2 / 2, delta * (size - delta / 2))
    return (each * mask[:, :, None]).sum() / (mask.sum() * pred.shape[2])


def _outputs(
    rng: np.random.Generator, T: int, B: int, K: int, delta: float, *, large: float
) -> Inputs:
    """Errors of either sign: a share of them is larger than delta, the others are smaller."""
    number = T * B * K
    place = rng.permutation(number).reshape(T, B, K)
    is_large = place < round(large * number)
    low, high = np.where(is_large, 1.5, 0.2), np.where(is_large, 4.0, 0.8)
    size = rng.uniform(low, high)
    sign = rng.permuted(np.resize([1.0, -1.0], number)).reshape(T, B, K)
    target = rng.normal(size=(T, B, K))
    mask = np.ones((T, B), dtype=bool)
    return {"pred": target + sign * size * delta, "target": target, "mask": mask, "delta": delta}


def _small(rng: np.random.Generator) -> Inputs:
    return _outputs(rng, 1, 1, 1, 1.0, large=0)


def _one_outlier(rng: np.random.Generator) -> Inputs:
    inputs = _outputs(rng, 1, 1, 1, 1.0, large=1)
    return inputs | {"pred": inputs["target"] + abs(inputs["pred"] - inputs["target"])}


def _below(rng: np.random.Generator) -> Inputs:
    inputs = _outputs(rng, 1, 1, 1, 0.5, large=1)
    return inputs | {"pred": inputs["target"] - abs(inputs["pred"] - inputs["target"])}


def _mixed(rng: np.random.Generator) -> Inputs:
    return _outputs(rng, 3, 1, 2, 0.5, large=0.5)


def _padded(rng: np.random.Generator) -> Inputs:
    inputs = _outputs(rng, 4, 1, 2, 0.5, large=0.5)
    inputs["mask"][2:] = False
    return inputs


def _lengths(rng: np.random.Generator) -> Inputs:
    inputs = _outputs(rng, 5, 3, 2, 1.5, large=0.5)
    inputs["mask"][1:, 0] = inputs["mask"][3:, 2] = False
    return inputs


def _nan(rng: np.random.Generator) -> Inputs:
    inputs = _outputs(rng, 4, 2, 2, 1.5, large=0.5)
    inputs["mask"][2:, 1] = False
    inputs["target"][2:, 1] = np.nan
    return inputs


EXERCISE = Exercise(
    name="07.huber",
    title="The Huber loss over time",
    kind="write",
    inputs={"pred": "T B K", "target": "T B K", "mask": "T B", "delta": "a number"},
    outputs={"value": "", "dL_dpred": "T B K"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_gradient("pred"),
    cases=(
        Case(
            "one small error",
            _small,
            "The error is smaller than δ: the loss is e²/2, its gradient e.",
        ),
        Case(
            "one large error, δ = 1",
            _one_outlier,
            "The error is larger than δ: the loss goes on as a straight line that touches the "
            "parabola at δ.",
        ),
        Case(
            "one large negative error, δ = 0.5",
            _below,
            "New in this case: the error is negative and δ is not 1. The line has the slope ±δ.",
        ),
        Case(
            "small and large errors, two outputs",
            _mixed,
            "Each kind of error is right by itself: look at how the branch is chosen, entry by "
            "entry, at the shape of your error, and at the mean over steps and outputs.",
        ),
        Case(
            "the second half is padding",
            _padded,
            "New in this case: some steps are not valid. They are neither summed nor counted.",
        ),
        Case(
            "three lengths",
            _lengths,
            "New in this case: sequences of different lengths. Each valid step counts alike.",
        ),
        Case(
            "nan behind the end",
            _nan,
            "The target holds nan where nothing is valid. 0 · nan is nan: choose the valid "
            "entries, do not multiply by the mask.",
        ),
    ),
    hints=(
        "Which two pieces is the loss made of, and what are their value and slope where they "
        "meet?",
        "It is (7.15) of notebook 07 with another function of the error: e²/2 up to δ, then the "
        "line δ(|e| - δ/2). Count as (7.15) does: M K entries.",
        "error = (pred - target)[mask]; take torch.where(error.abs() <= delta, error**2 / 2, "
        "delta * (error.abs() - delta / 2)) and its mean.",
    ),
    mistakes=(
        Mistake(
            "no half in the parabola",
            "Which slope has your parabola at δ, and which the line? They have to meet without a "
            "kink.",
            (("error**2 / 2", "error**2"),),
        ),
        Mistake(
            "twice the Huber loss",
            "A small error e costs e²/2 here, with the slope e. Yours is twice that everywhere.",
            (("return each.mean()", "return 2 * each.mean()"),),
        ),
        Mistake(
            "one branch for all entries",
            "Does one outlier decide for all the others? The branch is chosen entry by entry: "
            "`torch.where`.",
            (("torch.where(size <= delta", "torch.where(size.max() <= delta"),),
        ),
        Mistake(
            "the line lacks its offset",
            "What are parabola and line at |e| = δ? They have to be equal.",
            (("delta * (size - delta / 2)", "delta * size"),),
        ),
        Mistake(
            "δ for δ/2 in the offset",
            "What are parabola and line at |e| = δ? The parabola is δ²/2 there.",
            (("(size - delta / 2)", "(size - delta)"),),
        ),
        Mistake(
            "the line has slope 1",
            "What is the slope of e²/2 at δ? The line goes on with that one.",
            (("delta * (size - delta / 2)", "size - delta / 2"),),
        ),
        Mistake(
            "smooth L1, which is Huber divided by δ",
            "torch's smooth_l1_loss and huber_loss differ by a factor δ. What is e²/2 at a small "
            "error in yours?",
            (("return each.mean()", "return each.mean() / delta"),),
        ),
        Mistake(
            "the sign is lost in the line",
            "For a negative outlier: is your line below zero? It needs |e|.",
            (("delta * (size - delta / 2)", "delta * (error - delta / 2)"),),
        ),
        Mistake(
            "the branch is chosen by e, not by |e|",
            "Is an error of -100 small? It is below δ.",
            (("size <= delta", "error <= delta"),),
        ),
        Mistake(
            "the branches exchanged",
            "Which errors are squared: the small ones or the large ones?",
            (("size <= delta", "size > delta"),),
        ),
        Mistake(
            "large errors are cut off, so they have no gradient",
            "Clipping the error at δ makes the loss flat beyond. Should an outlier still be "
            "pulled, with the slope δ?",
            (("torch.where(size <= delta, small, large)", "error.clamp(-delta, delta) ** 2 / 2"),),
        ),
        Mistake(
            "the squared error",
            "Where does δ enter? Beyond it the loss is a straight line.",
            (("torch.where(size <= delta, small, large)", "small"),),
        ),
        Mistake(
            "the mask is not used",
            "Does the loss change if you change what stands behind the end?",
            (("(pred - target)[mask]", "(pred - target)"),),
        ),
        Mistake(
            "divided by all steps, valid or not",
            "Padding adds zeros to your sum. Does it also add to the number that you divide by?",
            (("each.mean()", "each.sum() / pred.numel()"),),
        ),
        Mistake(
            "the mean of the sequences' means",
            "How much does a step of a short sequence count in yours? In (7.15) all valid steps "
            "count alike.",
            wrong=_mean_of_means,
        ),
        Mistake(
            "summed over the outputs",
            "The mean runs over the M K entries: over the outputs too.",
            (("each.mean()", "each.sum(dim=-1).mean()"),),
        ),
        Mistake(
            "the sum for the mean",
            "Should the loss double if the same sequences come twice?",
            (("each.mean()", "each.sum()"),),
        ),
        Mistake(
            "0 · nan",
            "What is 0 times nan? Choose the valid entries first, and compute only with them.",
            wrong=_times_mask,
        ),
        Mistake(
            "0 · nan, and divided by the number of steps only",
            "Two things at once. What is 0 times nan? And by how many entries do you divide, if "
            "there are K outputs at each step?",
            wrong=lambda pred, target, mask, delta: (
                _times_mask(pred, target, mask, delta) * pred.shape[2]
            ),
        ),
        Mistake(
            "the gradient is stopped",
            "dL/dpred is zero everywhere. If your value does depend on pred: what do "
            "`.detach()`, `.item()`, `.numpy()` or `torch.tensor(...)` do to the graph?",
            (("each.mean()", "each.mean().detach()"),),
        ),
        Mistake(
            "nan is replaced by 0, but the mask is not used",
            "There is no nan any more. But do the steps behind the end still count?",
            (("(pred - target)[mask]", "(pred - torch.nan_to_num(target))"),),
        ),
        Mistake(
            "δ/2 for δ²/2 in the line",
            "δ multiplies the whole bracket. What are parabola and line at |e| = δ?",
            (("delta * (size - delta / 2)", "delta * size - delta / 2"),),
        ),
        Mistake(
            "δ taken for 1",
            "Where does δ enter your loss? It decides about the branch and about the line.",
            (("size <= delta", "size <= 1"), ("delta * (size - delta / 2)", "(size - 0.5)")),
        ),
    ),
)  # fmt: skip
