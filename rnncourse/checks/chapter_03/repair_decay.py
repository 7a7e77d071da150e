"""03.repair_decay: the log norm of the Jacobian product by lag, in a script with three faults."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(x, h_0, W_xh, W_hh, b_h):
    """For each lag anew: follow a change of h_{T-lag} in the order of time, up to h_T.

    W_hh is divided by its largest entry first, so that small weights do not underflow.
    """
    T, (B, N) = len(x), h_0.shape
    c = np.abs(W_hh).max()
    h, J = h_0, []
    for x_t in x:
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        J.append((1 - h**2)[:, :, None] * (W_hh / c))
    log_norm = np.zeros(T + 1)
    for lag in range(1, T + 1):
        P = np.tile(np.eye(N), (B, 1, 1))
        for J_t in J[T - lag :]:
            P = J_t @ P
        largest = np.linalg.eigvalsh(P.swapaxes(1, 2) @ P)[:, -1]
        log_norm[lag] = np.mean(0.5 * np.log(largest)) + lag * np.log(c)
    return log_norm


def _attempt(x, h_0, W_xh, W_hh, b_h):
    states = [h_0]
    for x_t in x:
        states.append(np.tanh(x_t @ W_xh.T + states[-1] @ W_hh.T + b_h))
    T, (B, N) = len(x), h_0.shape
    P = np.tile(np.eye(N), (B, 1, 1))
    log_scale = np.zeros(B)
    log_norm = np.zeros(T + 1)
    for lag in range(1, T + 1):
        slope = 1 - states[T + 1 - lag] ** 2
        P = P @ (slope[:, :, None] * W_hh)
        size = np.linalg.norm(P, 2, axis=(1, 2))
        P = P / size[:, None, None]
        log_scale = log_scale + np.log(size)
        log_norm[lag] = np.mean(log_scale)
    return log_norm


ORDER = ("P = P @ (slope[:, :, None] * W_hh)", "P = (slope[:, :, None] * W_hh) @ P")
UNDERFLOW = (
    ("P = P / size[:, None, None]", "pass"),
    ("log_scale = log_scale + np.log(size)", "log_scale = np.log(size)"),
)
ALL_THREE = (
    "All three faults are still there. Begin with one unit and several sequences: which is taken "
    "first, the mean or the logarithm?"
)
MEAN_AND_UNDERFLOW = (
    "The factors are in order now. Two faults are left: which is taken first, the mean or the "
    "logarithm? And what becomes zero over 180 steps: the product, or exp of its logarithm?"
)
SMALL_NUMBER = (
    "A number added inside the logarithm hides that the norm became zero: from some lag on your "
    "curve is flat. What does (3.2) do with the norm before it becomes too small?"
)
FROBENIUS = ("np.linalg.norm(P, 2, axis=(1, 2))", "np.linalg.norm(P, axis=(1, 2))")
SPECTRAL = "np.mean(log_scale + np.log(np.linalg.norm(P, 2, axis=(1, 2))))"
LAST_SCALE = (
    "The norm that is taken out at each step has to be kept: what happens to the earlier ones?"
)
FORGOTTEN = (
    "After the division P has about the length 1, whatever the lag. Where did the size go?"
)
MEAN = ("np.mean(log_scale)", "np.logaddexp.reduce(log_scale) - np.log(B)")
PLAIN_MEAN = ("np.mean(log_scale)", "np.log(np.mean(np.exp(log_scale)))")


def _make(rng: np.random.Generator, T: int, B: int, D: int, N: int) -> Inputs:
    return {
        "x": rng.normal(size=(T, B, D)),
        "h_0": rng.normal(size=(B, N)),
        "W_xh": rng.normal(size=(N, D)),
        "W_hh": rng.normal(scale=0.9, size=(N, N)),
        "b_h": rng.normal(scale=0.3, size=N),
    }


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 1, 1, 2)


def _one_unit(rng: np.random.Generator) -> Inputs:
    return _make(rng, 3, 1, 1, 1) | {"W_hh": -rng.uniform(0.5, 1.5, size=(1, 1))}


def _batch(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 2, 3, 1, 1)
    return inputs | {"W_hh": rng.uniform(0.5, 1.5, size=(1, 1))}


def _two_steps(rng: np.random.Generator) -> Inputs:
    return _make(rng, 2, 1, 1, 2)


def _long(rng: np.random.Generator) -> Inputs:
    """Weights of size 0.01 and small input: from about lag 162 on a plain product is zero."""
    inputs = _make(rng, 180, 1, 1, 2)
    Q = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    return inputs | {"x": 0.1 * inputs["x"], "W_hh": 0.01 * Q, "b_h": np.zeros(2)}


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 6, 3, 2, 4)


EXERCISE = Exercise(
    name="03.repair_decay",
    title="Repair: the norm of the product by lag",
    kind="repair",
    inputs={"x": "T B D", "h_0": "B N", "W_xh": "N D", "W_hh": "N N", "b_h": "N"},
    outputs={"log_norm": "T+1"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("one unit, three steps", _one_unit,
             "The Jacobians are numbers here: lag 0 is ln 1 = 0, and the entry of lag ℓ is the sum "
             "of ln |slope · w| over the last ℓ steps. The first of them has the slope at h_T."),
        Case("one step", _one_step,
             "One step and two units: lag 1 is ln ‖J_T‖ in the spectral norm, not the Frobenius "
             "norm, and the slopes at h_T scale the rows of W_hh."),
        Case("one unit, three sequences", _batch,
             "New in this case: several sequences. Asked is the mean of their logarithms."),
        Case("two steps, two units", _two_steps,
             "New in this case: the order of two matrices. An older factor stands on the right of "
             "the newer ones."),
        Case("six steps, three sequences", _general,
             "Only with several units and several sequences is it wrong: does each sequence keep "
             "its own product and its own scale?"),
        Case("180 steps, weights of size 0.01", _long,
             "The norm falls by 0.01 per step: after 170 steps it is smaller than any "
             "floating-point number, and its logarithm is about -783. "
             "A small number added inside the logarithm hides that and does not mend it."),
    ),
    hints=(
        "There are three faults. Try a case without each of them: one unit, one sequence, few "
        "steps. Which of them does the first failure need?",
        "Compare with (3.2) of notebook 03: on which side does the next factor stand, and what "
        "happens to the norm at each step? Then: a mean of logarithms, or a logarithm of a mean?",
        "P = P @ J. After each step size = spectral norm of P, one for each sequence; "
        "P = P / size, and log_scale = log_scale + ln(size). The entry of this lag is the mean of "
        "log_scale.",
    ),
    mistakes=(
        Mistake("not repaired yet",
                ALL_THREE,
                (ORDER, *UNDERFLOW, PLAIN_MEAN)),
        Mistake("nothing mended: exp puts the scale back before the mean",
                ALL_THREE,
                (ORDER, PLAIN_MEAN)),
        Mistake("the factors are still in the wrong order",
                "On the way from step T back, an older step acts earlier. On which side of P does "
                "its Jacobian belong?",
                (ORDER,)),
        Mistake("the logarithm of the mean",
                "One exploding sequence can hide a hundred vanishing ones in a mean of norms. "
                "Which comes first, the logarithm or the mean?",
                (MEAN,)),
        Mistake("the product still underflows",
                "What is 0.01 to the power 180 as a floating-point number, and what is its "
                "logarithm? What does (3.2) do with the norm at each step?",
                UNDERFLOW),
        Mistake("left: the order, and the underflow",
                "The mean is right now. Two faults are left: the side on which older factors "
                "stand, and what becomes of the product over 180 steps.",
                (ORDER, *UNDERFLOW)),
        Mistake("left: the order, and the mean",
                "Nothing underflows any more. Two faults are left: the side on which older factors "
                "stand, and the order of mean and logarithm.",
                (ORDER, MEAN)),
        Mistake("left: the mean, and the underflow",
                MEAN_AND_UNDERFLOW,
                (*UNDERFLOW, PLAIN_MEAN)),
        Mistake("left: the mean, and exp puts the scale back",
                MEAN_AND_UNDERFLOW,
                (PLAIN_MEAN,)),
        Mistake("1e-300 inside the logarithm", SMALL_NUMBER,
                (UNDERFLOW[0],
                 ("log_scale = log_scale + np.log(size)", "log_scale = np.log(size + 1e-300)"))),
        Mistake("1e-12 inside the logarithm", SMALL_NUMBER,
                (UNDERFLOW[0],
                 ("log_scale = log_scale + np.log(size)", "log_scale = np.log(size + 1e-12)"))),
        Mistake("the scale of the last step only",
                LAST_SCALE,
                (("log_scale = log_scale + np.log(size)", "log_scale = np.log(size)"),)),
        Mistake("the norms of the factors multiplied",
                "That is the bound (3.4). Asked is the norm of the product: which norm do you "
                "take, that of P or that of J?",
                (("size = np.linalg.norm(P, 2, axis=(1, 2))",
                  "size = np.linalg.norm(slope[:, :, None] * W_hh, 2, axis=(1, 2))"),)),
        Mistake("the norm is added up, but not divided out",
                "If P keeps its size, its norm holds all the steps already. What has to happen to "
                "P when its norm goes into the sum?",
                (("P = P / size[:, None, None]", "pass"),)),
        Mistake("the norm is divided out and forgotten",
                FORGOTTEN,
                (("log_scale = log_scale + np.log(size)", "log_scale = np.zeros(B)"),)),
        Mistake("a Frobenius norm is divided out and forgotten", FORGOTTEN,
                (FROBENIUS, ("np.mean(log_scale)", SPECTRAL),
                 ("log_scale = log_scale + np.log(size)", "log_scale = np.zeros(B)"))),
        Mistake("the Frobenius scale of the last step only", LAST_SCALE,
                (FROBENIUS, ("np.mean(log_scale)", SPECTRAL),
                 ("log_scale = log_scale + np.log(size)", "log_scale = np.log(size)"))),
        Mistake("the slopes on the columns: W D for D W",
                "The script was right there: J_t is D_t W_hh. Does a diagonal matrix on the left "
                "scale rows or columns?",
                (("slope[:, :, None]", "slope[:, None, :]"),)),
        Mistake("the Jacobians averaged over the batch",
                "A mean of Jacobians belongs to no sequence. What has to be done for each sequence "
                "before anything is averaged?",
                (("(slope[:, :, None] * W_hh)", "(slope[:, :, None] * W_hh).mean(axis=0)"),)),
        Mistake("from the first step on, the newest on the left",
                "That is J_{ℓ:0}: the first ℓ steps. Lag ℓ counts back from the last step: the "
                "loop of the script ran the right way.",
                (("states[T + 1 - lag]", "states[lag]"), ORDER)),
        Mistake("the first sequence only",
                "How many sequences are in the batch? Asked is the mean of their logarithms.",
                (("np.mean(log_scale)", "log_scale[0]"),)),
        Mistake("the sum over the batch",
                "Asked is the mean of the logarithms over the batch. Are three sequences three "
                "times as steep as one?",
                (("np.mean(log_scale)", "np.sum(log_scale)"),)),
        Mistake("one scale for the whole batch",
                "Each sequence grows at its own rate. If you divide all of them by one norm, what "
                "is the norm of each afterwards?",
                (("size = np.linalg.norm(P, 2, axis=(1, 2))",
                  "size = np.full(B, np.linalg.norm(P, 2, axis=(1, 2)).max())"),)),
        Mistake("the Frobenius norm",
                "You take the scale out in the Frobenius norm, which is allowed. But which norm is "
                "asked for? Measure what is left in P, too.",
                (("np.linalg.norm(P, 2, axis=(1, 2))", "np.linalg.norm(P, axis=(1, 2))"),)),
        Mistake("the slope at the state that entered",
                "The script was right there: J_t takes the slope at h_t, and states[0] is h_0. "
                "Which entry of states belongs to step T?",
                (("states[T + 1 - lag]", "states[T - lag]"),)),
        Mistake("from the first step on",
                "Lag ℓ counts back from the last step. Which end does your loop start at?",
                (("states[T + 1 - lag]", "states[lag]"),)),
        Mistake("lag 0 is missing",
                "How many lags are there from 0 to T? The norm of the identity belongs to it.",
                (("return log_norm", "return log_norm[1:]"),)),
        Mistake("base 10",
                "The logarithm is the natural one, as everywhere in chapter 03.",
                (("return log_norm", "return log_norm / np.log(10)"),)),
        Mistake("the logarithm is missing",
                "Asked is the logarithm of the norm: the norm itself is lost at long lags.",
                (("return log_norm", "return np.exp(log_norm)"),)),
    ),
)  # fmt: skip
