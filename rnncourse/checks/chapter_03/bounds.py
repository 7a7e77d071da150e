"""03.bounds: bounds of a product's singular values, against eigenvalues of JᵀJ and an inverse."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(slopes, W_hh):
    """Most: the root of the largest eigenvalue of JᵀJ. Least: one over the inverse's most."""

    def most(J):
        return float(np.sqrt(np.linalg.eigvalsh(J.T @ J)[-1]))

    lower, upper = 1.0, 1.0
    for t in range(len(slopes)):
        J = np.diag(slopes[t]) @ W_hh
        lower = lower / most(np.linalg.inv(J)) if np.all(slopes[t] != 0) else 0.0
        upper = upper * most(J)
    return lower, upper


def _attempt(slopes, W_hh):
    lower, upper = 1.0, 1.0
    for slope in slopes:
        J = slope[:, None] * W_hh
        sigma = np.linalg.svd(J, compute_uv=False)
        lower *= sigma[-1]
        upper *= sigma[0]
    return lower, upper


def _measured(slopes, W_hh):
    """The singular values of the product itself."""
    P = np.eye(len(W_hh))
    for slope in slopes:
        P = (slope[:, None] * W_hh) @ P
    sigma = np.linalg.svd(P, compute_uv=False)
    return sigma[-1], sigma[0]


def _all_in_one(slopes, W_hh):
    """The loosest bounds: extreme slopes of all steps, to the power T."""
    sigma = np.linalg.svd(W_hh, compute_uv=False)
    T = len(slopes)
    return (slopes.min() * sigma[-1]) ** T, (slopes.max() * sigma[0]) ** T


def _per_step(slopes, W_hh):
    sigma = np.linalg.svd(slopes[:, :, None] * W_hh, compute_uv=False)
    return sigma[:, -1], sigma[:, 0]


def _extreme_of_all(slopes, W_hh):
    """The extreme singular value of any step, to the power T."""
    sigma = np.linalg.svd(slopes[:, :, None] * W_hh, compute_uv=False)
    return sigma.min() ** len(slopes), sigma.max() ** len(slopes)


def _by_lag(slopes, W_hh):
    sigma = np.linalg.svd(slopes[:, :, None] * W_hh, compute_uv=False)
    return np.cumprod(sigma[:, -1]), np.cumprod(sigma[:, 0])


def _mean_slopes(slopes, W_hh):
    """One Jacobian from the mean of the slopes, and its powers."""
    J = slopes.mean(axis=0)[:, None] * W_hh
    sigma = np.linalg.svd(J, compute_uv=False)
    return sigma[-1] ** len(slopes), sigma[0] ** len(slopes)


def _make(rng: np.random.Generator, T: int, N: int) -> Inputs:
    W = rng.normal(size=(N, N))
    left, sigma, right = np.linalg.svd(W)
    return {  # singular values from 0.4 to about 3: no step is nearly singular
        "slopes": rng.uniform(0.2, 1, size=(T, N)),
        "W_hh": left @ np.diag(0.4 + sigma) @ right,
    }


def _one_unit(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 5, 1)
    return inputs | {"W_hh": -np.abs(inputs["W_hh"])}


def _diagonal(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 1, 2)
    return inputs | {"W_hh": np.diag([2.0, -0.5]) * rng.uniform(0.9, 1.1)}


def _orthogonal(rng: np.random.Generator) -> Inputs:
    Q = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    return {"slopes": np.ones((2, 2)), "W_hh": rng.uniform(1.2, 1.8) * Q}


def _linear(rng: np.random.Generator) -> Inputs:
    W = np.array([[0.9, rng.uniform(2, 10)], [0.0, 0.9]])
    return {"slopes": np.ones((2, 2)), "W_hh": W}


def _one_step(rng: np.random.Generator) -> Inputs:
    return _make(rng, 1, 3)


def _off(rng: np.random.Generator) -> Inputs:
    inputs = _make(rng, 4, 2)
    inputs["slopes"][1, 0] = 0
    return inputs


def _general(rng: np.random.Generator) -> Inputs:
    return _make(rng, 5, 4)


EXERCISE = Exercise(
    name="03.bounds",
    title="How large at most, how small at least",
    kind="write",
    inputs={"slopes": "T N", "W_hh": "N N"},
    outputs={"lower": "", "upper": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("W_hh diagonal, one step", _diagonal,
             "J is diagonal, and its singular values are the moduli of its entries: the largest "
             "belongs to upper, the smallest to lower."),
        Case("one unit, five steps", _one_unit,
             "With one unit both bounds are the product of the five |slope · w|. Is each step in "
             "it, with its own slope?"),
        Case("orthogonal times c, linear, two steps", _orthogonal,
             "Each step stretches every direction by c, so both bounds are c². A norm other than "
             "the spectral one does not say so."),
        Case("[[0.9, c], [0, 0.9]], linear, two steps", _linear,
             "Here the singular values are far from the eigenvalues, which are both 0.9. And it is "
             "those of each step that are multiplied: the product of the two steps has others."),
        Case("one step", _one_step,
             "One step: lower and upper are the smallest and the largest singular value of "
             "D_1 W_hh. The slopes scale its rows."),
        Case("four steps, one slope is 0", _off,
             "A unit that is off at one step lets one direction vanish: then lower is exactly 0, "
             "and upper is not."),
        Case("five steps", _general,
             "Only over several steps with several units does it fail: multiply what each step "
             "gives, and take the singular values of each step, not of the product."),
    ),
    hints=(
        "By how much can one matrix stretch a vector at most, and at least? What do two of them "
        "do, one after the other?",
        "The first inequality of (3.4) and the first of (3.5) in notebook 03, with J_i = D_i W_hh "
        "from (3.1).",
        "For each row of slopes: J = slope[:, None] * W_hh, sigma = np.linalg.svd(J, "
        "compute_uv=False), which comes sorted, the largest first. Multiply the last ones for "
        "lower, the first ones for upper.",
    ),
    answers=("rnncourse.bounds.upper_bounds", "rnncourse.bounds.lower_bounds"),
    points=10,
    mistakes=(
        Mistake("eigenvalues for singular values",
                "An eigenvalue speaks of one direction that is kept. What of the direction that is "
                "stretched most? Look at [[0.9, c], [0, 0.9]]: no eigenvalue knows of c.",
                (("np.linalg.svd(J, compute_uv=False)",
                  "np.sort(np.abs(np.linalg.eigvals(J)))[::-1]"),)),
        Mistake("the spectral radius as the upper bound",
                "Is the spectral radius a bound of what one step can do? What does [[0.9, c], [0, "
                "0.9]] make of the vector (0, 1)?",
                (("upper *= sigma[0]", "upper *= np.abs(np.linalg.eigvals(J)).max()"),)),
        Mistake("the Frobenius norm",
                "`np.linalg.norm` of a matrix is the Frobenius norm, unless you ask for another. "
                "Which one is the largest singular value?",
                (("upper *= sigma[0]", "upper *= np.linalg.norm(J)"),)),
        Mistake("the largest entry",
                "Is the largest entry of A A at most the square of the largest entry of A? Try a "
                "2 by 2 matrix of ones.",
                (("upper *= sigma[0]", "upper *= np.abs(J).max()"),)),
        Mistake("γ = 1 whatever the slopes",
                "You have the slopes that were visited. Which matrix is the factor of step t, W_hh "
                "or D_t W_hh?",
                (("J = slope[:, None] * W_hh", "J = W_hh"),)),
        Mistake("the largest sum of a row",
                "`np.linalg.norm(J, np.inf)` bounds as well, in another norm. Which one goes with "
                "singular values?",
                (("upper *= sigma[0]", "upper *= np.linalg.norm(J, np.inf)"),)),
        Mistake("the largest sum of a column",
                "`np.linalg.norm(J, 1)` bounds as well, in another norm. Which one goes with "
                "singular values?",
                (("upper *= sigma[0]", "upper *= np.linalg.norm(J, 1)"),)),
        Mistake("the determinant as the lower bound",
                "The determinant is the product of all singular values: it speaks of volumes. "
                "Asked is the smallest of them.",
                (("lower *= sigma[-1]", "lower *= np.abs(np.linalg.det(J))"),)),
        Mistake("extreme slopes of all steps, to the power T",
                "Those are the loosest bounds, with one slope for all steps. Which matrices stand "
                "in the first inequality of (3.4)?",
                wrong=_all_in_one),
        Mistake("a bound for every number of steps",
                "Asked are two numbers, for the product of all steps. Which of yours are they?",
                wrong=_by_lag),
        Mistake("one bound for each step",
                "You have the factor of each step. What happens to a vector that passes through "
                "all of them, one after the other?",
                wrong=_per_step),
        Mistake("the most extreme step, T times",
                "Is each step as steep as the steepest? In (3.4) each step has a factor of its "
                "own.",
                wrong=_extreme_of_all),
        Mistake("1 - slopes²",
                "Are the slopes φ'(a_t) given, or the states h_t? What is left to differentiate?",
                (("J = slope[:, None] * W_hh", "J = (1 - slope[:, None] ** 2) * W_hh"),)),
        Mistake("upper and lower exchanged, and the Frobenius norm",
                "Two things at once: the task returns lower first; and `np.linalg.norm` of a "
                "matrix is not its largest singular value, unless you ask for it.",
                (("upper *= sigma[0]", "upper *= np.linalg.norm(J)"),
                 ("return lower, upper", "return upper, lower"))),
        Mistake("steepest slope times the norm of W_hh",
                "That is a bound as well, a looser one: the second in (3.4). Asked is the first "
                "one. What stands in it before it is taken apart into slopes and W_hh?",
                (("upper *= sigma[0]", "upper *= slope.max() * np.linalg.norm(W_hh, 2)"),)),
        Mistake("flattest slope times the smallest singular value of W_hh",
                "That is a bound as well, a looser one: the second in (3.5). Asked is the first "
                "one. What stands in it before it is taken apart into slopes and W_hh?",
                (("lower *= sigma[-1]",
                  "lower *= slope.min() * np.linalg.svd(W_hh, compute_uv=False)[-1]"),)),
        Mistake("lower from the largest singular value",
                "What is left of the direction that a step favours least? `svd` sorts from large "
                "to small.",
                (("lower *= sigma[-1]", "lower *= sigma[0]"),)),
        Mistake("lower from one over the norm",
                "1/‖J‖ is what the inverse does at least. Which number says what J itself leaves "
                "of a vector, at least?",
                (("lower *= sigma[-1]", "lower *= 1 / sigma[0]"),)),
        Mistake("lower from the smallest entry",
                "A matrix of ones has no small entry, and yet it makes zero of the vector (1, -1). "
                "What measures the least favoured direction?",
                (("lower *= sigma[-1]", "lower *= np.abs(J).min()"),)),
        Mistake("lower from the smallest eigenvalue",
                "Can a matrix shrink a vector by more than its smallest eigenvalue says? Look at "
                "what [[0.9, c], [0, 0.9]] does to (-c, 0.9).",
                (("lower *= sigma[-1]", "lower *= np.abs(np.linalg.eigvals(J)).min()"),)),
        Mistake("sums for products",
                "Two steps that each double a vector: by how much together?",
                (("lower, upper = 1.0, 1.0", "lower, upper = 0.0, 0.0"),
                 ("lower *= sigma[-1]", "lower += sigma[-1]"),
                 ("upper *= sigma[0]", "upper += sigma[0]"))),
        Mistake("upper and lower exchanged",
                "Which one should be the larger? The task returns lower first.",
                (("return lower, upper", "return upper, lower"),)),
        Mistake("the slopes on the columns: W D for D W",
                "J_t is D_t W_hh. Does a diagonal matrix on the left scale rows or columns?",
                (("slope[:, None] * W_hh", "slope * W_hh"),)),
        Mistake("the measured values for bounds",
                "These are the singular values of the product: what is to be bounded. A bound "
                "looks at each step by itself.",
                wrong=_measured),
        Mistake("the mean slopes at every step",
                "Each step has slopes of its own. Is the product of the factors the power of the "
                "mean factor?",
                wrong=_mean_slopes),
        Mistake("eigenvalues of JᵀJ without the root",
                "The eigenvalues of JᵀJ are the squares of the singular values of J. What is "
                "missing?",
                (("np.linalg.svd(J, compute_uv=False)",
                  "np.linalg.svd(J, compute_uv=False) ** 2"),)),
        Mistake("logarithms",
                "The package's bounds are logarithms. Here the bounds themselves are asked for.",
                (("return lower, upper", "return np.log(lower), np.log(upper)"),)),
        Mistake("the last step only",
                "Each step takes part. Is something overwritten that should be multiplied?",
                (("lower *= sigma[-1]", "lower = sigma[-1]"),
                 ("upper *= sigma[0]", "upper = sigma[0]"))),
    ),
)  # fmt: skip
