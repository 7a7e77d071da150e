"""04.early_stopping: when to stop and which epoch to keep, against its definition by maxima."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(losses, patience, min_delta):
    """By the list of all improvements: each is the first one that is enough below the last."""
    known = [(e, loss) for e, loss in enumerate(losses.tolist(), start=1) if not math.isnan(loss)]
    improvements = [known[0]]
    while later := [
        (e, loss)
        for e, loss in known
        if e > improvements[-1][0] and loss < improvements[-1][1] - min_delta
    ]:
        improvements.append(later[0])
    ends = [e for e, _ in improvements[1:]] + [math.inf]
    for (epoch, loss), following in zip(improvements, ends, strict=True):
        if following > epoch + patience or following == math.inf:
            return epoch, min(epoch + patience, len(losses)), loss
    raise AssertionError("the last improvement has no other after it")


def _attempt(losses, patience, min_delta):
    best, best_epoch, waited = np.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - min_delta:
            best, best_epoch, waited = loss, epoch, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best_epoch, epoch, best


def _losses(rng: np.random.Generator, values: list[float], patience: int, delta: float) -> Inputs:
    """Multiples of 1/8, all moved up by the same multiple: sums and differences are exact."""
    up = int(rng.integers(0, 40)) / 8
    return {"losses": np.array(values) + up, "patience": patience, "min_delta": delta}


def _creeping(rng: np.random.Generator) -> Inputs:
    """Down by less than min_delta each time; 3.25 counts, 3.5 and 2.75 just do not."""
    values = [4.0, 3.875, 3.75, 3.5, 3.25, 3.125, 3.0, 2.875, 2.75, 2.5, 2.625]
    return _losses(rng, values, 4, 0.5)


def _random(rng: np.random.Generator) -> Inputs:
    """A curve that falls, turns up, falls again (found if one waits), and has one more minimum."""
    noise = rng.integers(0, 2, size=16) / 8
    curve = [9.0, 7, 8.5, 6, 7, 7.5, 8, 4, 4.5, 5, 5.5, 5.5, 6, 6, 1, 1]
    return _losses(rng, (np.array(curve) + noise).tolist(), 4, 0.5)


EXERCISE = Exercise(
    name="04.early_stopping",
    title="Early stopping",
    kind="write",
    inputs={"losses": "E", "patience": "a whole number", "min_delta": "a number"},
    outputs={"best_epoch": "", "stop_epoch": "", "best_loss": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "three epochs, each better",
            lambda rng: _losses(rng, [3.0, 2.0, 1.0], 2, 0.0),
            "The loss falls in every epoch, so the patience is never used up: the last epoch is "
            "the best and the last. Epochs are counted from 1.",
        ),
        Case(
            "worse from the second epoch on, patience 1",
            lambda rng: _losses(rng, [2.0, 3.0, 4.0, 5.0], 1, 0.0),
            "New in this case: nothing gets better after epoch 1. With a patience of 1 it stops "
            "after one epoch that is not better.",
        ),
        Case(
            "the patience is not used up",
            lambda rng: _losses(rng, [4.0, 2.0, 2.5, 3.0], 3, 0.0),
            "New in this case: the training ends before the patience is used up, and the last "
            "epoch is not the best one. It stops after the last one, and the best one is kept.",
        ),
        Case(
            "worse from the second epoch on, patience 2",
            lambda rng: _losses(rng, [2.0, 3.0, 4.0, 5.0, 6.0], 2, 0.0),
            "New in this case: it stops by a patience of 2. How many epochs without improvement "
            "are there before it stops?",
        ),
        Case(
            "the same loss again",
            lambda rng: _losses(rng, [4.0, 3.0, 3.0, 3.0, 3.0], 2, 0.0),
            "New in this case: the best loss is reached again, not beaten. Equal is no "
            "improvement.",
        ),
        Case(
            "up, and down again but not below the best",
            lambda rng: _losses(rng, [2.0, 5.0, 4.0, 3.0, 2.5, 2.25], 3, 0.0),
            "New in this case: the loss falls from one epoch to the next, but not below the best "
            "one so far.",
        ),
        Case(
            "better after the stop",
            lambda rng: _losses(rng, [4.0, 3.0, 3.5, 3.75, 0.5, 0.25], 2, 0.0),
            "New in this case: an epoch after the stop would have been better. Whoever has "
            "stopped will never know.",
        ),
        Case(
            "down, up, down, up",
            lambda rng: _losses(rng, [5.0, 6.0, 4.0, 5.0, 3.0, 4.0, 4.5, 5.0], 2, 0.0),
            "New in this case: the loss goes up between two improvements. Each improvement "
            "begins the waiting anew.",
        ),
        Case(
            "an epoch whose loss is nan",
            lambda rng: _losses(rng, [3.0, 2.0, np.nan, 2.5, 2.75, 2.5, 2.25, 1.0], 3, 0.0),
            "New in this case: one loss is nan. That is no improvement: it counts as an epoch "
            "waited, and the best loss so far stays.",
        ),
        Case(
            "small improvements that do not count",
            _creeping,
            "New in this case: min_delta is 0.5. The loss creeps down by less than that each "
            "time; what counts is the distance to the best epoch that counted, and it has to be "
            "more than min_delta.",
        ),
        Case(
            "sixteen epochs",
            _random,
            "Each rule by itself holds, all of them together do not: go through this example by "
            "hand, with best and waited beside each epoch.",
        ),
    ),
    hints=(
        "Which two things have to be remembered from epoch to epoch, beside the epoch of the best "
        "loss? And when is each of them set back?",
        "Section 5 of notebook 04. An epoch is better if its loss is below best - min_delta; "
        "then the waiting begins anew. It stops as soon as it has waited `patience` epochs.",
        "Begin with best = inf and waited = 0. In an epoch: if loss < best - min_delta, then best "
        "= loss, best_epoch = epoch, waited = 0; otherwise waited += 1. If waited >= patience: "
        "stop, and return best_epoch, this epoch, and best.",
    ),
    mistakes=(
        Mistake(
            "it stops one epoch late",
            "With a patience of 1, how many epochs without improvement may there be?",
            (("waited >= patience", "waited > patience"),),
        ),
        Mistake(
            "it stops one epoch early",
            "With a patience of 2, is one epoch without improvement enough to stop?",
            (("waited >= patience", "waited >= patience - 1 and epoch > 1"),),
        ),
        Mistake(
            "it stops at the first rise",
            "What is the patience for? A single worse epoch is no reason to stop if it is above 1.",
            (("waited >= patience", "waited >= 1"),),
        ),
        Mistake(
            "the waiting is not set back",
            "How long has one waited in the epoch after an improvement?",
            (("best, best_epoch, waited = loss, epoch, 0", "best, best_epoch = loss, epoch"),),
        ),
        Mistake(
            "min_delta is left out",
            "Is every smaller loss an improvement? It has to be smaller by more than min_delta.",
            (("best - min_delta", "best"),),
        ),
        Mistake(
            "min_delta has the wrong sign",
            "Which is harder to reach, best - min_delta or best + min_delta?",
            (("best - min_delta", "best + min_delta"),),
        ),
        Mistake(
            "compared with the epoch before",
            "Is an epoch better than the one before also better than the best one?",
            (("if loss < best - min_delta:",
              "if epoch == 1 or loss < losses[epoch - 2] - min_delta:"),),
        ),
        Mistake(
            "compared with the epoch before, the best one kept",
            "Your best epoch is right. When does the waiting begin anew: when an epoch is better "
            "than the one before, or better than the best?",
            (("        else:\n            waited += 1",
              "        elif loss < losses[epoch - 2] - min_delta:\n            waited = 0\n"
              "        else:\n            waited += 1"),),
        ),
        Mistake(
            "the best loss creeps down without an improvement",
            "If each epoch is better by a little less than min_delta, with which loss is the next "
            "one compared? `best` changes only together with best_epoch.",
            (("        else:\n            waited += 1",
              "        else:\n            waited += 1\n            best = min(best, loss)"),),
        ),
        Mistake(
            "an equal loss counts as better",
            "Does an epoch that is exactly min_delta below the best count? It has to be more.",
            (("loss < best - min_delta", "loss <= best - min_delta"),),
        ),
        Mistake(
            "the last loss in the place of the best",
            "Which weights does one want back: those of the last epoch, or of the best?",
            (("return best_epoch, epoch, best", "return best_epoch, epoch, losses[epoch - 1]"),),
        ),
        Mistake(
            "epochs are counted from 0",
            "Which number has the first epoch?",
            (("return best_epoch, epoch, best", "return best_epoch - 1, epoch - 1, best"),),
        ),
        Mistake(
            "the stop is counted as the epoch after",
            "Which was the last epoch that was trained?",
            (("return best_epoch, epoch, best", "return best_epoch, epoch + 1, best"),),
        ),
        Mistake(
            "it looks into the future",
            "Can an epoch that never took place be the best one?",
            (("return best_epoch, epoch, best",
              "return int(np.nanargmin(losses)) + 1, epoch, np.nanmin(losses)"),),
        ),
        Mistake(
            "the lowest loss, whether it counted or not",
            "Is an epoch the best one if it was lower by less than min_delta? Only an epoch that "
            "counts as better is kept.",
            (("return best_epoch, epoch, best",
              "return int(np.nanargmin(losses[:epoch])) + 1, epoch, np.nanmin(losses[:epoch])"),),
        ),
        Mistake(
            "nan counts as better",
            "Is `not (nan >= best)` true or false? A loss that is no number must not become the "
            "best one.",
            (("loss < best - min_delta", "not loss >= best - min_delta"),),
        ),
        Mistake(
            "an epoch with nan is not counted as waited",
            "Does the loss get better in an epoch in which it is nan? If not, it is one more "
            "epoch of waiting.",
            (("        else:\n            waited += 1",
              "        elif loss == loss:\n            waited += 1"),),
        ),
        Mistake(
            "only a rise counts as waiting",
            "Is an epoch waited if its loss falls a little, but not below the best? Each epoch "
            "that is not better counts.",
            (("waited += 1", "waited += bool(loss > losses[epoch - 2])"),),
        ),
        Mistake(
            "every large change counts as better",
            "Is a loss that has jumped up an improvement?",
            (("loss < best - min_delta", "abs(loss - best) > min_delta"),),
        ),
        Mistake(
            "best_epoch and stop_epoch are exchanged",
            "In which order are the three answers asked for?",
            (("return best_epoch, epoch, best", "return epoch, best_epoch, best"),),
        ),
        Mistake(
            "without a stop, the last epoch is kept",
            "Which weights are the best ones if the training ended before the patience was used "
            "up?",
            (("            break\n    return best_epoch, epoch, best",
              "            break\n    else:\n        return epoch, epoch, losses[-1]\n"
              "    return best_epoch, epoch, best"),),
        ),
        Mistake(
            "min_delta as a share of the best loss",
            "Is min_delta a difference between two losses, or a share of one?",
            (("best - min_delta", "best * (1 - min_delta)"),),
        ),
        Mistake(
            "without a stop, stop_epoch is 0",
            "Which was the last epoch if the patience was never used up?",
            (("            break\n    return best_epoch, epoch, best",
              "            break\n    else:\n        return best_epoch, 0, best\n"
              "    return best_epoch, epoch, best"),),
        ),
        Mistake(
            "stop_epoch is the best epoch",
            "How many epochs were trained before the stop? Those of the waiting count as well.",
            (("return best_epoch, epoch, best", "return best_epoch, best_epoch, best"),),
        ),
        Mistake(
            "the lowest loss by np.argmin, whether it counted or not",
            "What does `np.argmin` say if a loss is nan? And is an epoch the best one if it was "
            "lower by less than min_delta?",
            (("return best_epoch, epoch, best",
              "return int(np.argmin(losses[:epoch])) + 1, epoch, np.min(losses[:epoch])"),),
        ),
        Mistake(
            "it always stops patience epochs after the best one",
            "Can the training stop after an epoch that `losses` does not have? It ends with the "
            "last one at the latest.",
            (("return best_epoch, epoch, best", "return best_epoch, best_epoch + patience, best"),),
        ),
        Mistake(
            "the best loss is returned first",
            "In which order are the three answers asked for?",
            (("return best_epoch, epoch, best", "return best, best_epoch, epoch"),),
        ),
    ),
)  # fmt: skip
