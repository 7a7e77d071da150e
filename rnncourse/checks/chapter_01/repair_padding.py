"""01.repair_padding: mean squared error over the valid steps, one entry after the other."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(y, target, lengths):
    total, count = 0.0, 0
    for b, length in enumerate(lengths):
        for t in range(length):
            for k in range(y.shape[2]):
                total += (y[t, b, k] - target[t, b, k]) ** 2
                count += 1
    return total / count


def _attempt(y, target, lengths):
    T = len(y)
    valid = np.arange(T)[:, None] < lengths
    error = (y - target) ** 2
    return error[valid].mean()


def _broken(y, target, lengths):
    """As the learner gets it."""
    T, _, _ = y.shape
    valid = np.arange(T)[:, None] <= lengths
    error = (y - target) ** 2
    return (error * valid[:, :, None]).mean()


def _bound_only(y, target, lengths):
    valid = np.arange(len(y))[:, None] < lengths
    return ((y - target) ** 2 * valid[:, :, None]).mean()


def _count_only(y, target, lengths):
    valid = np.arange(len(y))[:, None] <= lengths
    return ((y - target) ** 2)[valid].mean()


def _one_too_many_added(y, target, lengths):
    valid = np.arange(len(y))[:, None] <= lengths
    return ((y - target) ** 2 * valid[:, :, None]).sum() / (lengths.sum() * y.shape[2])


def _make(rng: np.random.Generator, T: int, K: int, lengths: list[int]) -> Inputs:
    return {
        "y": rng.normal(size=(T, len(lengths), K)),
        "target": rng.normal(size=(T, len(lengths), K)),
        "lengths": np.array(lengths),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, [1])


def _full(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 2, [3, 3])


def _perfect(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 1, [2, 4, 1])
    valid = np.arange(4)[:, None] < inputs["lengths"]
    return inputs | {"target": np.where(valid[..., None], inputs["y"], inputs["target"])}


def _unit_error(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 10, 1, [10, 2])
    return inputs | {"target": inputs["y"] + rng.choice([-1.0, 1.0], size=(10, 2, 1))}


def _ragged(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 3, [2, 5, 1, 3])


def _square(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 3, [1, 3, 2])


EXERCISE = Exercise(
    name="01.repair_padding",
    title="Padding that is counted",
    kind="repair",
    inputs={"y": "T B K", "target": "T B K", "lengths": "B"},
    outputs={"L": ""},
    definition=_definition,
    attempt=_attempt,
    example=3,
    cases=(
        Case("one number", _one, "One number: its squared error."),
        Case("no padding", _full, "Without padding it is the plain mean over all entries."),
        Case("right on every valid step", _perfect,
             "Every valid step is right, so the loss is zero. Which step costs something "
             "with you?"),
        Case("an error of 1 everywhere, lengths 10 and 2", _unit_error,
             "Every valid entry is wrong by 1, so their mean is 1, whatever the lengths are."),
        Case("T = B = K = 3", _square,
             "Each valid entry counts once, of short sequences as of long ones. All sizes are "
             "equal here: a mask the wrong way round fits."),
        Case("four sequences of unequal length", _ragged,
             "New in this case: the sizes differ. Which axis is time?"),
    ),
    hints=(
        "Two sequences of length 10 and 2, every entry wrong by 1: what should the mean be, and "
        "what does the broken function say?",
        "Section 4 of notebook 01: the mask says which steps count, in the sum and in the number "
        "that it is divided by. Step t of the array is step number t + 1.",
        "valid = np.arange(T)[:, None] < lengths, then the mean of error[valid].",
    ),
    answers=("rnncourse.losses.squared_error",),
    mistakes=(
        Mistake("not repaired yet",
                "Two bugs: one padded step of each sequence counts, and the mean is over all "
                "steps.", wrong=_broken),
        Mistake("the mask is right now, the mean is still over all steps",
                "By which number is the sum divided? How many entries count?", wrong=_bound_only),
        Mistake("the mean is right now, one padded step of each sequence still counts",
                "Rows are counted from 0: is row 2 of a sequence with 2 steps valid?",
                wrong=_count_only),
        Mistake("mean of the sequences' means",
                "Does a step of a short sequence count more than one of a long one?",
                (("return error[valid].mean()",
                  "return np.mean([error[:n, b].mean() for b, n in enumerate(lengths)])"),)),
        Mistake("one valid step too few",
                "A sequence of length 1 has one valid step, row 0. Is it in your mask?",
                (("np.arange(T)[:, None] < lengths",
                  "np.arange(T)[:, None] < lengths - 1"),)),
        Mistake("divided by the valid steps, not by the valid entries",
                "Each valid step has K entries. How many numbers did you add up?",
                (("return error[valid].mean()", "return error[valid].sum() / valid.sum()"),)),
        Mistake("the mask the wrong way round",
                "The mask is (T, B): do steps stand in its rows, and sequences in its columns?",
                (("valid = np.arange(T)[:, None] < lengths",
                  "valid = np.arange(T) < lengths[:, None]"),)),
        Mistake("divided by the right number, one padded step of each sequence still added",
                "Rows are counted from 0: is row 2 of a sequence with 2 steps valid?",
                wrong=_one_too_many_added),
        Mistake("an error of zero is taken for padding",
                "May a valid entry be right? Then its error is zero, and it counts.",
                (("return error[valid].mean()",
                  "error = error * valid[:, :, None]\n    return error[error > 0].mean()"),)),
    ),
)  # fmt: skip
