"""07.repair_terms: a composite loss with four bugs, to be repaired."""

import itertools

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_tensors


def _definition(pred, target, r, W_hid, mask, lambda_hid, lambda_fr):
    """(7.14) to (7.17) as sums."""
    T, B, N = r.shape
    valid = [(t, b) for t in range(T) for b in range(B) if mask[t, b]]
    mse = sum((pred[t, b, 0] - target[t, b]) ** 2 for t, b in valid) / len(valid)
    square = sum(r[t, b, i] ** 2 for t, b in valid for i in range(N)) / (len(valid) * N)
    weights = sum(w**2 for row in W_hid for w in row) / (N * N)
    hid, fr = lambda_hid * weights, lambda_fr * square
    return {"mse": mse, "hid": hid, "fr": fr, "L": mse + hid + fr}


def _attempt(pred, target, r, W_hid, mask, lambda_hid, lambda_fr):
    error = pred[mask].squeeze(-1) - target[mask]
    mse = error.square().mean()
    hid = lambda_hid * torch.linalg.norm(W_hid) ** 2 / W_hid.numel()
    fr = lambda_fr * r[mask].square().mean()
    L = mse + hid + fr
    return {"mse": mse, "hid": hid, "fr": fr, "L": L}


# the bugs of the script in the notebook: where each of them is, what helps against it, the edit
_BUGS = (
    (
        "the error",
        "Which shape has the error: M, or M times M? Two arrays of the shapes (M, 1) and (M,) "
        "are subtracted each from each.",
        ("pred[mask].squeeze(-1)", "pred[mask]"),
    ),
    (
        "hid",
        "By which factor does `hid` grow if W_hid is tripled? (7.16) has a square.",
        ("torch.linalg.norm(W_hid) ** 2", "torch.linalg.norm(W_hid)"),
    ),
    (
        "fr",
        "Zeros count in a mean. By how many steps may the rates' squares be divided?",
        ("r[mask].square()", "(r * mask[:, :, None]).square()"),
    ),
    (
        "the sum L",
        "The terms have their λ already when they are added. Take λ = 0.1: which weight does a "
        "term have in L?",
        ("mse + hid + fr", "mse + lambda_hid * hid + lambda_fr * fr"),
    ),
)


def _unrepaired() -> tuple[Mistake, ...]:
    """All that may be left of the bugs, from all of them to one; the hint is that of the first."""
    left = []
    for number in range(len(_BUGS), 0, -1):
        for bugs in itertools.combinations(_BUGS, number):
            where = "; ".join(place for place, _, _ in bugs)
            begun = "not repaired yet" if number == len(_BUGS) else "still wrong"
            hint = f"{number} of {len(_BUGS)} bugs left. Begin with the first: {bugs[0][1]}"
            edits = tuple(edit for _, _, edit in bugs)
            left.append(Mistake(f"{begun}: {where}", hint if number > 1 else bugs[0][1], edits))
    return tuple(left)


def _run(
    rng: np.random.Generator, T: int, B: int, N: int, lambda_hid: float, lambda_fr: float
) -> Inputs:
    return {
        "pred": rng.normal(size=(T, B, 1)),
        "target": rng.normal(size=(T, B)),
        "r": rng.uniform(0.5, 2.0, size=(T, B, N)),
        "W_hid": rng.normal(size=(N, N)),
        "mask": np.ones((T, B), dtype=bool),
        "lambda_hid": lambda_hid,
        "lambda_fr": lambda_fr,
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _run(rng, 1, 1, 2, 1.0, 1.0)


def _two_steps(rng: np.random.Generator) -> Inputs:
    inputs = _run(rng, 2, 1, 2, 0.0, 0.0)
    return inputs | {"pred": inputs["target"][:, :, None].copy()}


def _lambdas(rng: np.random.Generator) -> Inputs:
    inputs = _run(rng, 1, 1, 2, 0.1, 3.0)
    return inputs | {"W_hid": inputs["W_hid"] / np.linalg.norm(inputs["W_hid"])}


def _padded(rng: np.random.Generator) -> Inputs:
    inputs = _run(rng, 3, 1, 2, 1.0, 1.0)
    inputs["mask"][1:] = False
    return inputs


def _signed(rng: np.random.Generator) -> Inputs:
    inputs = _run(rng, 2, 1, 1, 1.0, 1.0)
    return inputs | {"r": np.array([[[1.0]], [[-1.0]]])}


def _large(rng: np.random.Generator) -> Inputs:
    inputs = _run(rng, 5, 3, 4, 0.3, 0.2)
    inputs["mask"][2:, 0] = inputs["mask"][4:, 2] = False
    return inputs


EXERCISE = Exercise(
    name="07.repair_terms",
    title="A composite loss with four bugs",
    kind="repair",
    inputs={
        "pred": "T B 1",
        "target": "T B",
        "r": "T B N",
        "W_hid": "N N",
        "mask": "T B",
        "lambda_hid": "a number",
        "lambda_fr": "a number",
    },
    outputs={"mse": "", "hid": "", "fr": "", "L": ""},
    definition=_definition,
    attempt=_attempt,
    call=call_with_tensors,
    cases=(
        Case(
            "one step, both λ = 1",
            _one_step,
            "One number in the error, no padding, both λ are 1: mse is a square, hid the mean "
            "square of all entries of W_hid, fr that of the N rates, L their sum.",
        ),
        Case(
            "two steps, the outputs are the targets",
            _two_steps,
            "The network is perfect here, so mse is 0. Print the shape of your error.",
        ),
        Case(
            "one step, λ = 0.1 and 3, weights of norm 1",
            _lambdas,
            "New in this case: λ. hid and fr hold it already; L is the sum of the three.",
        ),
        Case(
            "two padded steps",
            _padded,
            "New in this case: steps that are not valid. They are neither summed nor counted, in "
            "mse and in fr.",
        ),
        Case(
            "a rate that swings between 1 and -1",
            _signed,
            "New in this case: two steps with errors, and a rate whose mean is 0 and whose mean "
            "square is 1. In mse and in fr, square first; then take the mean over the M steps.",
        ),
        Case(
            "three lengths",
            _large,
            "All at once: M is the number of valid steps of all sequences.",
        ),
    ),
    hints=(
        "What does each term cost in a case that you can do by hand: outputs equal to the "
        "targets, W_hid tripled, a padded step added?",
        "Compare line by line with (7.15), (7.16), (7.17) and (7.14) of notebook 07, and print "
        "the shape of `error`.",
        "There are four bugs: pred[mask] is (M, 1) and target[mask] is (M,); the norm lacks its "
        "square; r * mask keeps the padded steps in the mean, r[mask] does not; and L multiplies "
        "by λ what has its λ.",
    ),
    answers=(
        "rnncourse.loss_terms.mean_squared_error",
        "rnncourse.loss_terms.weight_square",
        "rnncourse.loss_terms.rate_mean_square",
        "rnncourse.loss_terms.rate_terms",
    ),
    mistakes=(
        *_unrepaired(),
        Mistake(
            "the error is not masked any more",
            "Does mse change if you change the outputs behind the end?",
            (("pred[mask].squeeze(-1) - target[mask]", "pred.squeeze(-1) - target"),),
        ),
        Mistake(
            "the square of the mean rate",
            "What does a rate cost that swings between 1 and -1? Square first, then average.",
            (("r[mask].square().mean()", "r[mask].mean(0).square().mean()"),),
        ),
        Mistake(
            "the sum of the weights' squares, not their mean",
            "(7.16) divides by the number of entries: a λ means the same in a larger network.",
            ((" / W_hid.numel()", ""),),
        ),
        Mistake(
            "the norm is squared after it is divided",
            "What is squared in (7.16): the norm, or the norm over PQ?",
            (("torch.linalg.norm(W_hid) ** 2 / W_hid.numel()",
              "(torch.linalg.norm(W_hid) / W_hid.numel()) ** 2"),),
        ),
        Mistake(
            "the λ taken out of the terms",
            "hid and fr are the weighted terms: each has its λ, once.",
            (
                ("lambda_hid * torch", "torch"),
                ("lambda_fr * r", "r"),
                ("mse + hid + fr", "mse + lambda_hid * hid + lambda_fr * fr"),
            ),
        ),
        Mistake(
            "no λ at all",
            "Where did λ go? Each term has it once.",
            (("lambda_hid * torch", "torch"), ("lambda_fr * r", "r")),
        ),
        Mistake(
            "the spectral norm for the Frobenius norm",
            "‖W‖_F² is the sum of all squared entries. Which norm does `ord=2` compute?",
            (("norm(W_hid)", "norm(W_hid, ord=2)"),),
        ),
        Mistake(
            "fr is divided by the steps only",
            "(7.17) divides by M N. How many rates has a valid step?",
            (("r[mask].square().mean()", "r[mask].square().sum() / mask.sum()"),),
        ),
        Mistake(
            "hid is divided by N, not by N²",
            "(7.16) divides by P Q. How many entries has W_hid?",
            (("W_hid.numel()", "len(W_hid)"),),
        ),
        Mistake(
            "L comes first",
            "In which order are the four asked for? L is the last.",
            (('{"mse": mse, "hid": hid, "fr": fr, "L": L}',
              '{"mse": L, "hid": mse, "fr": hid, "L": fr}'),),
        ),
        Mistake(
            "mse is a sum",
            "Would mse be twice as large for twice as many steps of the same kind?",
            (("error.square().mean()", "error.square().sum()"),),
        ),
        Mistake(
            "the error is 0 at padded steps, but they are counted",
            "Zeros count in a mean. By how many steps may the squared errors be divided?",
            (("pred[mask].squeeze(-1) - target[mask]", "(pred.squeeze(-1) - target) * mask"),),
        ),
        Mistake(
            "the matrix times itself for the square of its entries",
            "Is the square of a matrix the square of each entry? (7.16) can never be negative.",
            (("torch.linalg.norm(W_hid) ** 2 / W_hid.numel()", "(W_hid @ W_hid).mean()"),),
        ),
        Mistake(
            "the norm of the squared entries",
            "‖W‖_F² is the sum of all squared entries. What does your norm square once more?",
            (("torch.linalg.norm(W_hid) ** 2", "torch.linalg.norm(W_hid**2)"),),
        ),
        Mistake(
            "the mean absolute rate",
            "(7.17) squares. By which factor does fr grow if all rates are doubled?",
            (("r[mask].square().mean()", "r[mask].abs().mean()"),),
        ),
        Mistake(
            "fr is missing in L",
            "L is the sum of how many terms?",
            (("mse + hid + fr", "mse + hid"),),
        ),
    ),
)  # fmt: skip
