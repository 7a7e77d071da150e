"""02.best_eps: the error of difference quotients, measured again on other units."""

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake

EXPONENTS = np.arange(-12, 0)  # eps = 1e-12 to 1e-1


def _errors(
    seed: int, sides: int = 2, units: int = 200, dtype: type = float, over: int = 0
) -> np.ndarray:
    """Median over random units of the relative error of dh_10/dw, for every eps.

    h_t = tanh(w h_{t-1} + x_t) from h_0 = 0.5; w uniform in (0.5, 1.5), x_t standard normal.
    """
    rng = np.random.default_rng(seed)
    w, x = rng.uniform(0.5, 1.5, units), rng.normal(size=(10, units))

    def f(value):
        h = np.full(units, 0.5, dtype=value.dtype)
        for x_t in x:
            h = np.tanh(value * h + x_t.astype(dtype))
        return h

    exact = f(w + 1e-20j).imag / 1e-20
    errors = []
    for eps in 10.0**EXPONENTS:
        above, below = (w + eps).astype(dtype), (w - eps * (sides - 1)).astype(dtype)
        quotient = (f(above) - f(below)).astype(float) / ((over or sides) * eps)
        errors.append(np.median(np.abs(quotient / exact - 1)))
    return np.array(errors)


def _measured(errors: np.ndarray) -> tuple[float, float, float]:
    """The exponent of the best eps, the exponent of its error, the slope where eps is large."""
    best = int(np.argmin(errors))
    slope = np.log10(errors[-1] / errors[-3]) / 2  # from 1e-3 to 1e-1
    return float(EXPONENTS[best]), float(np.log10(errors[best])), float(slope)


def _definition():
    two = np.array([_measured(_errors(seed)) for seed in range(5)])
    one = np.array([_measured(_errors(seed, sides=1)) for seed in range(5)])
    room = np.array([1.0, 0.7, 0.25])  # a neighbouring eps, half a digit, a bent curve
    low, high = two.min(axis=0) - room, two.max(axis=0) + room
    return {
        "best_exponent": Band(low[0], high[0]),
        "error_exponent": Band(low[1], high[1]),
        "slope": Band(low[2], high[2]),
        "one_sided_best_exponent": Band(one[:, 0].min() - 1, one[:, 0].max() + 1),
        "one_sided_slope": Band(one[:, 2].min() - 0.25, one[:, 2].max() + 0.25),
    }


def _attempt():
    two, one = _errors(2026), _errors(2026, sides=1)
    best, error, slope = _measured(two)
    best_one, _, slope_one = _measured(one)
    return {
        "best_exponent": best,
        "error_exponent": error,
        "slope": slope,
        "one_sided_best_exponent": best_one,
        "one_sided_slope": slope_one,
    }


EXERCISE = Exercise(
    name="02.best_eps",
    title="Which eps is best",
    kind="experiment",
    inputs={},
    outputs=dict.fromkeys(
        ("best_exponent", "error_exponent", "slope", "one_sided_best_exponent", "one_sided_slope"),
        "",
    ),
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("your measurement", lambda rng: {},
             "The checker measured the same thing just now, on other units. Compare number by "
             "number: which one is outside of its band?"),
    ),
    hints=(
        "Two errors add up: one falls with eps, the other one grows. Which is which?",
        "The quotient is (2.1) of notebook 02; section 1 there draws such a curve. The slope is "
        "the change of log10(error) when log10(eps) grows by one.",
        "Median over the units of |quotient / exact - 1| for eps = 1e-12, ..., 1e-1; best = "
        "argmin; slope = log10(error at 1e-1 / error at 1e-3) / 2.",
    ),
    mistakes=(
        Mistake("one-sided where the central one is asked for",
                "Is your first curve taken from both sides, (f(w + eps) - f(w - eps)) / (2 eps)?",
                (("two, one = _errors(2026)", "two, one = _errors(2026, sides=1)"),)),
        Mistake("central where the one-sided one is asked for",
                "The one-sided quotient is (f(w + eps) - f(w)) / eps.",
                (("_errors(2026, sides=1)", "_errors(2026)"),)),
        Mistake("measured in float32",
                "float32 has seven digits, and the best eps is much larger there. Which dtype do "
                "your arrays have?",
                (("_errors(2026), _errors(2026, sides=1)",
                  "_errors(2026, dtype=np.float32), _errors(2026, sides=1, dtype=np.float32)"),)),
        Mistake("eps itself in the place of its exponent",
                "The answers are exponents: -6 stands for 1e-6.",
                (('"best_exponent": best,', '"best_exponent": 10.0**best,'),
                 ('"one_sided_best_exponent": best_one,',
                  '"one_sided_best_exponent": 10.0**best_one,'))),
        Mistake("the natural logarithm",
                "log10, not ln: ln is larger by the factor 2.3.",
                (('"error_exponent": error,', '"error_exponent": error * np.log(10),'),)),
        Mistake("the slope on the rounding side",
                "Left of the best eps the error grows as eps falls. The slope is asked for on the "
                "other side, from 1e-3 to 1e-1.",
                (("best, error, slope = _measured(two)",
                  "best, error, _ = _measured(two); slope = np.log10(two[2] / two[0]) / 2"),)),
        Mistake("the central quotient divided by eps",
                "How far apart are the two points of the central quotient?",
                (("two, one = _errors(2026)", "two, one = _errors(2026, over=1)"),)),
        Mistake("the slopes with the sign turned",
                "From 1e-3 to 1e-1 eps grows. Does the error grow too, or fall?",
                (('"slope": slope,', '"slope": -slope,'),
                 ('"one_sided_slope": slope_one,', '"one_sided_slope": -slope_one,'))),
        Mistake("the growth over two decades",
                "From 1e-3 to 1e-1 log10(eps) grows by two. The slope is for one.",
                (('"slope": slope,', '"slope": 2 * slope,'),
                 ('"one_sided_slope": slope_one,', '"one_sided_slope": 2 * slope_one,'))),
        Mistake("the slope over the whole curve",
                "Left of the best eps the error falls, right of it it grows. The slope is asked "
                "for from 1e-3 to 1e-1.",
                (('"slope": slope,', '"slope": np.log10(two[-1] / two[0]) / 11,'),
                 ('"one_sided_slope": slope_one,',
                  '"one_sided_slope": np.log10(one[-1] / one[0]) / 11,'))),
        Mistake("exponents without their sign",
                "1e-6 is ten to the power of what?",
                (('"best_exponent": best,', '"best_exponent": -best,'),
                 ('"one_sided_best_exponent": best_one,',
                  '"one_sided_best_exponent": -best_one,'))),
        Mistake("the place in the list in the place of the exponent",
                "argmin gives a place in your list of eps. Which exponent stands there?",
                (('"best_exponent": best,', '"best_exponent": best + 12,'),
                 ('"one_sided_best_exponent": best_one,',
                  '"one_sided_best_exponent": best_one + 12,'))),
        Mistake("the error itself in the place of its exponent",
                "error_exponent is log10 of the error, such as -8 for 1e-8.",
                (('"error_exponent": error,', '"error_exponent": 10.0**error,'),)),
    ),
)  # fmt: skip
