"""05.variational_mask: one inverted dropout mask for a whole sequence, by its properties."""

import numpy as np

from rnncourse.checks.chapter_05.repeated import call_repeatedly
from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, Outputs

MANY = 900  # units: even with one mask for both sequences the share is within 0.1 but for 1e-11
SCALE_HINT = (
    "A kept entry is there with probability 1 - p only. By what must it be enlarged so that the "
    "mean of the mask is 1?"
)
COIN_HINT = (
    "With p = 0 nothing may be dropped. Are your numbers drawn between 0 and 1, and on which side "
    "of p is an entry dropped?"
)
NUMBER_HINT = (
    "In yours a share p of the entries is dropped exactly, in every draw. If each entry throws a "
    "coin of its own, how many are dropped?"
)


def _attempt(rng, T, B, N, p):
    kept = rng.random((B, N)) >= p
    m = kept / (1 - p)
    mask = np.repeat(m[None], T, axis=0)
    return mask


def _per_step(rng, T, B, N, p):
    return (rng.random((T, B, N)) >= p) / (1 - p)


def _realised(rng, T, B, N, p):
    """Scaled so that the mean of this draw is 1, not its expectation."""
    kept = rng.random((B, N)) >= p
    return np.repeat(kept[None] * (kept.size / max(kept.sum(), 1)), T, axis=0)


def _no_time(rng, T, B, N, p):
    return (rng.random((B, N)) >= p) / (1 - p)


def _fixed_number(rng, T, B, N, p):
    """Always the same number of entries is dropped, only their places are drawn."""
    m = np.full(B * N, 1 / (1 - p))
    m[: int(p * B * N)] = 0.0
    return np.repeat(rng.permutation(m).reshape(1, B, N), T, axis=0)


def _fixed_number_each(rng, T, B, N, p):
    """The same within each sequence."""
    m = np.full((B, N), 1 / (1 - p))
    m[:, : int(p * N)] = 0.0
    return np.repeat(rng.permuted(m, axis=1)[None], T, axis=0)


def _draw(rng: np.random.Generator, T: int, B: int, N: int, p: float, **more) -> Inputs:
    return {"seed": int(rng.integers(2**31)), "T": T, "B": B, "N": N, "p": p, **more}


def _nothing_dropped(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 2, 3, 0.0)


def _values_at(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 3, 41, float(rng.uniform(0.15, 0.35)))


def _half(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 3, 20, 0.5)


def _over_time(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 4, 3, 50, 0.3)


def _over_batch(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 100, 1, 0.4)


def _over_units(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 1, 100, 0.4)


def _many(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 2, MANY, 0.25)


def _often(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 3, 40, 0.5, times=60)


def _same_seed(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 3, 40, 0.5, times=2, same_seed=True)


def _mask(inputs: Inputs, outputs: Outputs) -> tuple[np.ndarray, str]:
    """The mask, and what is wrong with its shape."""
    mask = outputs["mask"]
    sizes = tuple(inputs[s] for s in "TBN")
    wanted = ((inputs["times"],) if "times" in inputs else ()) + sizes
    if mask.shape != wanted:
        got = mask.shape[len(wanted) - 3 :]
        return mask, f"the mask has the shape {got}, expected (T, B, N) = {sizes}"
    if inputs["p"] > 0 and not (np.isfinite(mask).all() and mask.max() < 20):
        return mask, f"an entry of the mask is {mask.max():.3g}, expected none above 1/(1-p)"
    return mask.astype(float), ""


def _all_ones(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text or np.allclose(mask, 1):
        return text
    return f"with p = 0 the mask has the entries {_few(mask)}, expected 1 only"


def _two_values(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text:
        return text
    p = inputs["p"]
    kept = 1 / (1 - p)
    right = np.isclose(mask, 0, atol=1e-9) | np.isclose(mask, kept, rtol=1e-5)
    if right.all():
        return ""
    return f"with p = {p:.3f} the mask has the entries {_few(mask)}, expected 0 and {kept:.4f}"


def _enlarged(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text:
        return text
    small = mask[(mask != 0) & ~(mask > 1)]
    return f"entries that are kept are {small[0]:.3f}, expected more than 1" if small.size else ""


def _constant_in_time(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text:
        return text
    changed = (mask != mask[:1]).any(axis=0)
    if not changed.any():
        return ""
    b, n = np.argwhere(changed)[0]
    over_time = ", ".join(f"{v:.2f}" for v in mask[:, b, n])
    return f"over the steps the entry of sequence {b}, unit {n} is {over_time}: it should stay"


def _varies_in_batch(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if not text and (mask == mask[:, :1]).all():
        text = "all 100 sequences of the batch have the same mask"
    return text


def _varies_over_units(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if not text and (mask == mask[:, :, :1]).all():
        text = "all 100 units have the same entry: kept together or dropped together"
    return text


def _share(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text:
        return text
    dropped = float((mask == 0).mean())
    if abs(dropped - inputs["p"]) < 0.1:
        return ""
    return f"a share of {dropped:.2f} of the units is dropped, expected about {inputs['p']}"


def _differ(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if not text and (mask == mask[0]).all():
        text = "60 calls with one generator all gave the same mask"
    return text


def _agree(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if not text and not np.array_equal(mask[0], mask[1]):
        text = "two generators of the same seed gave different masks"
    return text


def _number_varies(inputs: Inputs, outputs: Outputs) -> str:
    mask, text = _mask(inputs, outputs)
    if text:
        return text
    dropped = (mask[:, 0] == 0).sum(axis=(1, 2))
    if (dropped != dropped[0]).any():
        return ""
    return f"each of the 60 draws drops {dropped[0]} entries of {mask[0, 0].size}"


def _few(mask: np.ndarray) -> str:
    values = np.unique(mask)
    return ", ".join(f"{v:.4g}" for v in values[:4]) + (", …" if values.size > 4 else "")


EXERCISE = Exercise(
    name="05.variational_mask",
    title="A mask for the whole sequence",
    kind="write",
    inputs={"rng": "a Generator", "T": "a number of steps", "B": "a number of sequences",
            "N": "a number of units", "p": "the probability of a drop, 0 <= p < 1"},
    outputs={"mask": "T B N"},
    definition=_attempt,  # for its shape only: every case has a property of its own
    attempt=_attempt,
    call=call_repeatedly,
    by_values=False,
    answers=("rnncourse.dropout.draw_masks", "rnncourse.dropout.inverted_mask"),
    points=10,
    cases=(
        Case("p = 0: all ones", _nothing_dropped,
             "With p = 0 nothing is dropped and nothing enlarged.", _all_ones),
        Case("entries 0 and 1/(1-p)", _values_at,
             "Only two values may occur, 0 and 1/(1-p); they follow from p alone, not from the "
             "draw.", _two_values),
        Case("p = 1/2: what is kept is enlarged", _half,
             "A kept entry has to make up for those that are dropped.", _enlarged),
        Case("the same at every step", _over_time,
             "The mask changes over time. A variational mask is drawn once for a sequence.",
             _constant_in_time),
        Case("a mask for each sequence", _over_batch,
             "Each sequence of the batch draws for itself.", _varies_in_batch),
        Case("a draw for each unit", _over_units,
             "Each unit of a sequence draws for itself.", _varies_over_units),
        Case("900 units: the share that is dropped", _many,
             "The values are right, but too many or too few entries are 0.", _share),
        Case("60 draws from one generator differ", _often,
             "Take the random numbers from the rng that is given.", _differ),
        Case("one seed, the same mask", _same_seed,
             "Take the random numbers from the rng that is given: then a seed repeats a run.",
             _agree),
        Case("60 draws: the number that is dropped varies", _often,
             "Coins do not count: of 120 entries sometimes 55 are dropped, sometimes 63.",
             _number_varies),
    ),
    hints=(
        "For how many time steps does each coin count? How many coins are thrown in all?",
        "The entries are those of (5.24) in notebook 05, and m_t = m at every step, (5.27).",
        "Draw rng.random((B, N)) once; an entry is kept where that is at least p, and is then "
        "1/(1-p). Repeat the result T times along a new first axis.",
    ),
    mistakes=(
        Mistake("a new mask at each step",
                "That is the naive form, (5.25). How often is a variational mask drawn?",
                wrong=_per_step),
        Mistake("one mask for the whole batch",
                "Which sequences share a mask in yours? Each should draw its own.",
                (("rng.random((B, N)) >= p", "np.broadcast_to(rng.random(N) >= p, (B, N))"),)),
        Mistake("one coin for all units of a sequence",
                "In yours all units are dropped together. How many coins does a sequence throw?",
                (("rng.random((B, N)) >= p",
                  "np.broadcast_to(rng.random((B, 1)) >= p, (B, N))"),)),
        Mistake("a single coin for everything",
                "One number is drawn in all. How many coins does a sequence throw?",
                (("rng.random((B, N)) >= p", "np.full((B, N), rng.random() >= p)"),)),
        Mistake("constant over the batch in the place of time",
                "Along which axis of (T, B, N) is the same mask repeated: time or batch?",
                (("rng.random((B, N))", "rng.random((T, N))"),
                 ("np.repeat(m[None], T, axis=0)", "np.repeat(m[:, None], B, axis=1)"))),
        Mistake("kept entries not enlarged", SCALE_HINT, (("kept / (1 - p)", "kept * 1.0"),)),
        Mistake("multiplied by 1 - p", SCALE_HINT, (("kept / (1 - p)", "kept * (1 - p)"),)),
        Mistake("divided by p",
                "p is the probability of a drop. With which probability is an entry kept?",
                (("kept / (1 - p)", "kept / np.float64(p)"),)),
        Mistake("kept and dropped exchanged, or coins of another probability than p", COIN_HINT,
                ((">= p", "< p"),)),
        Mistake("normal numbers in the place of numbers between 0 and 1", COIN_HINT,
                (("rng.random((B, N))", "rng.standard_normal((B, N))"),)),
        Mistake("p taken for the probability to keep",
                "In this exercise p is the probability of a drop; yours uses it as that of being "
                "kept, in the draw and in the scale.",
                (("rng.random((B, N)) >= p\n    m = kept / (1 - p)",
                  "rng.random((B, N)) < p\n    m = kept / np.float64(p)"),)),
        Mistake("kept entries that are not exactly 1/(1-p)",
                "They follow from p alone: neither from the share that this draw keeps, nor "
                "rounded to whole numbers. Which number do they have?", wrong=_realised),
        Mistake("always the same number dropped", NUMBER_HINT, wrong=_fixed_number),
        Mistake("the same number dropped in each sequence", NUMBER_HINT,
                wrong=_fixed_number_each),
        Mistake("the axis of time in second place",
                "The sizes are right, but in another order. Along which axis does a loop over time "
                "run: mask[t]?",
                (("np.repeat(m[None], T, axis=0)", "np.repeat(m[:, None], T, axis=1)"),)),
        Mistake("another shape than (T, B, N)",
                "Is time an axis of your mask? It comes first, then the batch, then the units; "
                "each has its full length.", wrong=_no_time),
        Mistake("a generator with a seed of its own",
                "Every call gives the same mask. Which rng should the numbers come from?",
                (("kept = rng.", "kept = np.random.default_rng(0)."),)),
        Mistake("random numbers that are not from rng",
                "The same seed gives another mask each time. Which rng should the numbers come "
                "from?",
                (("kept = rng.", "kept = np.random.default_rng()."),)),
    ),
)  # fmt: skip
