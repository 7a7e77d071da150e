"""05.orthogonal: a random orthogonal start, by what every such matrix has to satisfy."""

import numpy as np

from rnncourse.checks.chapter_05.repeated import call_repeatedly
from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, Outputs

TIMES = 80  # a share of signs outside [8, 72] of 80 has probability below 1e-12
GAIN_HINT = (
    "Every singular value has to be g. Which are yours: 1, g², √g? (A factor on A does not reach "
    "Q: where does the QR decomposition put it?)"
)
DETERMINANT_HINT = (
    "Half of the orthogonal matrices have determinant +1, half -1. One half never comes in yours: "
    "who chooses the signs of the columns, a coin or a routine?"
)


def _attempt(rng, N, gain):
    A = rng.standard_normal((N, N))
    Q, R = np.linalg.qr(A)
    W = Q * np.sign(np.diag(R))
    return gain * W


def _reflection(rng, N, gain):
    """One Householder reflection: orthogonal, but symmetric, and always of determinant -1."""
    v = rng.standard_normal(N)
    return gain * (np.eye(N) - 2 * np.outer(v, v) / (v @ v))


def _rotation(rng, N, gain):
    """Only determinant +1 allowed."""
    Q, R = np.linalg.qr(rng.standard_normal((N, N)))
    W = Q * np.sign(np.diag(R))
    if N > 1 and np.linalg.det(W) < 0:
        W[:, -1] *= -1
    return gain * W


def _left_vectors(rng, N, gain):
    """The routine chooses the signs: without a draw of them one determinant never comes."""
    W = np.linalg.svd(rng.standard_normal((N, N)))[0]
    if N > 1 and np.linalg.det(W) > 0:  # so it is for two units, whatever the routine
        W[:, -1] *= -1
    return gain * W


def _draw(rng: np.random.Generator, N: int, gain: float, **more) -> Inputs:
    return {"seed": int(rng.integers(2**31)), "N": N, "gain": gain, **more}


def _two_units(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 1.0)


def _three_units(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 3, 1.0)


def _with_gain(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 4, float(rng.uniform(1.3, 2.2)))


def _twice(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 3, 1.0, times=2)


def _same_seed(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 3, 1.0, times=2, same_seed=True)


def _often(rng: np.random.Generator) -> Inputs:
    return _draw(rng, 2, 1.0, times=TIMES)


def _shape(inputs: Inputs, outputs: Outputs) -> str:
    N = inputs["N"]
    wanted = ((inputs["times"],) if "times" in inputs else ()) + (N, N)
    W = outputs["W"]
    if W.shape != wanted:
        return f"W has the shape {W.shape[len(wanted) - 2 :]}, expected (N, N) = ({N}, {N})"
    if not np.isfinite(W).all():
        return "W has entries that are not finite"
    largest = np.abs(W).max()
    return f"W has an entry of size {largest:.3g}" if largest > 10 * inputs["gain"] else ""


def _has_lengths(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    lengths = np.linalg.norm(outputs["W"].astype(float), axis=0)
    if np.allclose(lengths, inputs["gain"], rtol=1e-5):
        return ""
    return f"the columns have the lengths {', '.join(f'{v:.3f}' for v in lengths)}, expected 1"


def _is_orthogonal(inputs: Inputs, outputs: Outputs) -> str:
    """All singular values are g, as eigenvalues of W^T W, with the numbers if they are not."""
    if text := _shape(inputs, outputs):
        return text
    W, g = outputs["W"].astype(float), inputs["gain"]
    product = np.einsum("ki,kj->ij", W, W)
    lengths, wanted = np.sqrt(np.diag(product)), g**2
    if np.abs(product - wanted * np.eye(len(W))).max() <= 1e-5 * wanted:
        return ""
    if np.abs(product - np.diag(np.diag(product))).max() <= 1e-5 * lengths.max() ** 2:
        return (
            f"the columns are at right angles, but their lengths are "
            f"{', '.join(f'{v:.3f}' for v in lengths)}, expected g = {g:.3f}"
        )
    i, j = np.unravel_index(
        np.abs(product - np.diag(np.diag(product))).argmax(), product.shape
    )
    return f"columns {i} and {j} of W have the product {product[i, j]:.3f}, expected 0"


def _differ(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    first, second = outputs["W"]
    return "two calls with one generator gave the same matrix" if np.allclose(first, second) else ""


def _agree(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    first, second = outputs["W"]
    if np.allclose(first, second):
        return ""
    return "two generators of the same seed gave different matrices"


def _not_symmetric(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    W = outputs["W"]
    return "W equals its transpose" if np.allclose(W, W.T) else ""


def _signs(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    positive = int((outputs["W"][:, 0, 0] > 0).sum())
    if 8 <= positive <= TIMES - 8:
        return ""
    return f"W[0, 0] is positive in {positive} of {TIMES} draws, expected about half"


def _determinants(inputs: Inputs, outputs: Outputs) -> str:
    if text := _shape(inputs, outputs):
        return text
    positive = int((np.linalg.det(outputs["W"].astype(float)) > 0).sum())
    if 8 <= positive <= TIMES - 8:
        return ""
    return f"the determinant is positive in {positive} of {TIMES} draws, expected about half"


EXERCISE = Exercise(
    name="05.orthogonal",
    title="An orthogonal start",
    kind="write",
    inputs={"rng": "a Generator", "N": "a number of units", "gain": "a number, the factor g"},
    outputs={"W": "N N"},
    definition=_attempt,  # for its shape only: every case has a property of its own
    attempt=_attempt,
    call=call_repeatedly,
    by_values=False,
    answers=("rnncourse.initialisation.orthogonal",),
    cases=(
        Case("gain 1: columns of length 1", _two_units,
             "With gain 1 each column of an orthogonal matrix has length 1, exactly.",
             _has_lengths),
        Case("gain 1: WᵀW = I", _three_units,
             "Columns of length 1 are not enough: each has to be at a right angle to the others.",
             _is_orthogonal),
        Case("another gain: WᵀW = g²I", _with_gain,
             "With gain 1 it is right, so look at where the gain comes in.", _is_orthogonal),
        Case("two draws from one generator differ", _twice,
             "Take the random numbers from the rng that is given.", _differ),
        Case("one seed, the same matrix", _same_seed,
             "Take the random numbers from the rng that is given: then a seed repeats a run.",
             _agree),
        Case("no symmetry", _three_units,
             "W is orthogonal but of a special kind: its own transpose.", _not_symmetric),
        Case("80 draws: W[0, 0] of both signs", _often,
             "Each matrix is orthogonal, but not every direction is equally likely: the first "
             "column always points to one side.", _signs),
        Case("80 draws: determinants of both signs", _often,
             "Each matrix is orthogonal, but half of the orthogonal matrices, those of one "
             "determinant, never come.", _determinants),
    ),
    hints=(
        "Which decomposition of a matrix of normal numbers has an orthogonal factor? And what is "
        "not unique about it?",
        "It is (5.14) of notebook 05. The signs go to the columns of Q.",
        "Q, R = np.linalg.qr(rng.standard_normal((N, N))); then multiply column i of Q by the "
        "sign of R[i, i], and the whole by the gain.",
    ),
    mistakes=(
        Mistake("another gain than g", GAIN_HINT, (("return gain * W", "return W"),)),
        Mistake("the gain squared", GAIN_HINT, (("return gain * W", "return gain**2 * W"),)),
        Mistake("the gain on A, before the QR decomposition", GAIN_HINT,
                (("A = rng", "A = gain * rng"), ("return gain * W", "return W"))),
        Mistake("not orthogonal: WᵀW is g²I on average at best",
                "Which factor of A = QR makes it exact? And nothing but signs and the gain may "
                "multiply that factor.",
                (("Q, R = np.linalg.qr(A)\n    W = Q * np.sign(np.diag(R))",
                  "W = A / np.sqrt(N)"),)),
        Mistake("columns of length 1, but not at right angles",
                "WᵀW has ones on its diagonal now. What has to stand beside the diagonal?",
                (("Q, R = np.linalg.qr(A)\n    W = Q * np.sign(np.diag(R))",
                  "W = A / np.linalg.norm(A, axis=0)"),)),
        Mistake("R in the place of Q",
                "A = QR: which of the two factors is orthogonal, and which triangular?",
                (("W = Q *", "W = R *"),)),
        Mistake("the signs of R's diagonal left out",
                "Look at W[0, 0] in many draws: can it have both signs? The QR routine chooses the "
                "signs of Q; what in R tells you which it chose?",
                (("W = Q * np.sign(np.diag(R))", "W = Q"),)),
        Mistake("A of numbers between 0 and 1",
                "All entries of A are positive, so its first column always points to one side. "
                "Which distribution prefers no direction?",
                (("rng.standard_normal((N, N))", "rng.random((N, N))"),)),
        Mistake("only one of the two determinants",
                DETERMINANT_HINT, wrong=_rotation),
        Mistake("U of a singular value decomposition", DETERMINANT_HINT, wrong=_left_vectors),
        Mistake("* with the matrix of the signs",
                "* multiplies entry by entry. What is left of Q beside its diagonal? A vector of N "
                "signs, or @, reaches whole columns.",
                (("W = Q * np.sign(np.diag(R))", "W = Q * np.diag(np.sign(np.diag(R)))"),)),
        Mistake("one reflection: orthogonal but symmetric",
                "I - 2vvᵀ/vᵀv is its own transpose, and of determinant -1. Is every orthogonal "
                "matrix of that kind?", wrong=_reflection),
        Mistake("the identity, nothing drawn",
                "The identity is orthogonal, but it is one single matrix. Where are the random "
                "directions?",
                (("return gain * W", "return gain * np.eye(N)"),)),
        Mistake("a generator with a seed of its own",
                "Every call gives the same matrix. Which rng should the numbers come from?",
                (("A = rng.", "A = np.random.default_rng(0)."),)),
        Mistake("random numbers that are not from rng",
                "The same seed gives another matrix each time. Which rng should the numbers come "
                "from?",
                (("A = rng.", "A = np.random.default_rng()."),)),
    ),
)  # fmt: skip
