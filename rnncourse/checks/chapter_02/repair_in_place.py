"""02.repair_in_place: a sweep that spoils its caller's gradient, against the sum over pairs."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(dL_dh_out, h, W_hh):
    """Each dL_da_k as the sum over all later losses, each sent back by itself."""
    T = len(h)
    slope = 1 - h**2
    dL_da = np.zeros_like(h)
    for t in range(T):
        for k in range(t + 1):
            v = dL_dh_out[t]
            for i in range(t, k, -1):
                v = (v * slope[i]) @ W_hh
            dL_da[k] = dL_da[k] + v * slope[k]
    dL_db_h = sum(dL_da[t, b] for t in range(T) for b in range(h.shape[1]))
    return {"dL_da": dL_da, "dL_db_h": dL_db_h}


def _attempt(dL_dh_out, h, W_hh):
    T = len(h)
    dL_da = np.zeros_like(h)
    carry = np.zeros_like(h[0])
    for t in reversed(range(T)):
        dL_dh = dL_dh_out[t] + carry
        dL_da[t] = dL_dh * (1 - h[t] ** 2)
        carry = dL_da[t] @ W_hh
    return dL_da, dL_da.sum(axis=(0, 1))


def _broken(dL_dh_out, h, W_hh):
    """As the learner gets it."""
    T = len(h)
    dL_da = dL_dh_out
    dL_db_h = np.zeros(len(W_hh))
    for t in reversed(range(T)):
        if t < T - 1:
            dL_da[t] += dL_da[t + 1] @ W_hh
        dL_da[t] *= 1 - h[t] ** 2
        dL_db_h = dL_da[t].sum(axis=0)
    return dL_da, dL_db_h


def _only_copied(dL_dh_out, h, W_hh):
    return _broken(dL_dh_out.copy(), h, W_hh)


def _only_summed(dL_dh_out, h, W_hh):
    dL_da, _ = _broken(dL_dh_out, h, W_hh)
    return dL_da, dL_da.sum(axis=(0, 1))


def _make(rng: np.random.Generator, T: int, B: int, N: int) -> Inputs:
    return {
        "dL_dh_out": rng.normal(size=(T, B, N)),
        "h": np.tanh(rng.normal(size=(T, B, N))),
        "W_hh": rng.normal(scale=0.8, size=(N, N)),
    }


def _one(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 2)


def _two(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2)


def _cut(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 2) | {"W_hh": np.zeros((2, 2))}


def _many(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 3, 2)


EXERCISE = Exercise(
    name="02.repair_in_place",
    title="A sweep that spoils what it was given",
    kind="repair",
    inputs={"dL_dh_out": "T B N", "h": "T B N", "W_hh": "N N"},
    outputs={"dL_da": "T B N", "dL_db_h": "N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one step", _one,
             "One step: nothing is carried yet. dL_da = dL_dh_out (1 - h²), and dL_db_h is its "
             "sum."),
        Case("two steps, W_hh = 0", _cut,
             "The steps do not hear of each other: what is wrong is a sum over the steps."),
        Case("two steps", _two, "New in this case: what the second step sends back to the first."),
        Case("five steps, three sequences", _many,
             "New in this case: several sequences. What is summed over the batch?"),
    ),
    hints=(
        "Call the broken function twice with the same arrays and compare. What has become of "
        "them?",
        "dL_dh_out belongs to the caller, who may need it again, for dL/dW_hy for example. And "
        "(2.11) is a sum over all steps.",
        "Give dL_da an array of its own (np.zeros_like(h)), never write into dL_dh_out, and take "
        "dL_da.sum(axis=(0, 1)) at the end.",
    ),
    mistakes=(
        Mistake("not repaired yet",
                "Two bugs are in it. Look at dL_dh_out before and after the call, and at dL_db_h "
                "with two steps.", wrong=_broken),
        Mistake("the bias is repaired, the caller's array is still spoiled",
                "Does dL_da have memory of its own, or is it another name for dL_dh_out?",
                wrong=_only_summed),
        Mistake("the array is safe, the bias still gets the first step only",
                "`=` or `+=`: which steps does dL_db_h hear of?", wrong=_only_copied),
        Mistake("the slope applied twice on the way",
                "dL_da has been through the slope already. What is carried is dL_da @ W_hh, and "
                "nothing else.",
                (("carry = dL_da[t] @ W_hh", "carry = (dL_da[t] * (1 - h[t] ** 2)) @ W_hh"),)),
        Mistake("nothing is carried any more",
                "The repair has cut the way back: what does step t + 1 send to step t?",
                (("carry = dL_da[t] @ W_hh", "carry = carry * 0"),)),
        Mistake("W_hh transposed by the repair",
                "The broken function was right here: `dL_da[t + 1] @ W_hh`.",
                (("carry = dL_da[t] @ W_hh", "carry = dL_da[t] @ W_hh.T"),)),
        Mistake("the bias averaged over steps or sequences",
                "(2.11) is a sum, over all steps and sequences.",
                (("dL_da.sum(axis=(0, 1))", "dL_da.mean(axis=1).sum(axis=0)"),)),
        Mistake("an empty array of its own",
                "An array of its own is right. What has to be in dL_da[t] before the slope is "
                "applied?",
                (("dL_dh = dL_dh_out[t] + carry", "dL_dh = carry"),)),
        Mistake("what the loss sends directly is overwritten",
                "(2.8) has two terms. Which of them is left at a step that is not the last?",
                (("dL_dh = dL_dh_out[t] + carry",
                  "dL_dh = carry if t < T - 1 else dL_dh_out[t]"),)),
        Mistake("the bias taken before the slope",
                "(2.11) sums dL_da. Has what you add been through the slope?",
                (("dL_da = np.zeros_like(h)", "dL_da = np.zeros_like(h); total = 0"),
                 ("dL_dh = dL_dh_out[t] + carry",
                  "dL_dh = dL_dh_out[t] + carry; total = total + dL_dh.sum(axis=0)"),
                 ("dL_da.sum(axis=(0, 1))", "total"))),
        Mistake("the slope taken at h",
                "The broken function was right here: h is tanh(a) already, so 1 - h² is the slope.",
                (("1 - h[t] ** 2", "1 - np.tanh(h[t]) ** 2"),)),
    ),
)  # fmt: skip
