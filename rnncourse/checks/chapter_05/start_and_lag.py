"""05.start_and_lag: how much of a gradient is left after 30 steps, measured again many times."""

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Inputs, Mistake

N, T, LAG, DRAWS = 24, 40, 30, 41
REPEATS = 24  # medians from which the band is made
ROOM = 7.0  # standard deviations of a median, to both sides
SLOPES_HINT = (
    "Both networks give about the same in yours, so their slopes are about the same. Are those of "
    "tanh left out? Or is a_t always 0, because no input drives the network?"
)
GROWS_HINT = (
    "With tanh the gradient fades, so the logarithm is negative. Which norm belongs below? And is "
    "every slope of yours between 0 and 1?"
)
THIRD_HINT = (
    "h is tanh(a) already: which is its slope, written in h? And does your loop go back 30 times?"
)
FEWER_HINT = (
    "Does your loop go back 30 times? And are the inputs standard normal, so that the slopes of "
    "tanh are as small as asked for?"
)


def _ratios(rng: np.random.Generator, draws: int, start: str, slopes: bool) -> np.ndarray:
    """‖∂L/∂h_{T-LAG}‖ / ‖∂L/∂h_T‖ for several draws at once, shape (draws,)."""
    W = rng.standard_normal((draws, N, N))
    if start == "orthogonal":
        Q, R = np.linalg.qr(W)
        W = Q * np.sign(np.einsum("dii->di", R))[:, None, :]
    else:
        W = W / np.sqrt(N)
    h, phi_slope = np.zeros((draws, N)), []
    for _ in range(T):
        a = np.matmul(W, h[:, :, None])[:, :, 0] + rng.standard_normal((draws, N))
        h = np.tanh(a) if slopes else a
        phi_slope.append(1 - h**2 if slopes else np.ones_like(a))
    g = rng.standard_normal((draws, N))
    v = g
    for t in range(T - 1, T - 1 - LAG, -1):
        v = np.matmul((phi_slope[t] * v)[:, None, :], W)[:, 0]
    return np.linalg.norm(v, axis=1) / np.linalg.norm(g, axis=1)


def _band(start: str, slopes: bool) -> Band:
    """Where log10 of the median of DRAWS ratios lies: its spread over REPEATS, with room."""
    rng = np.random.default_rng([5, LAG, start == "orthogonal", slopes])
    ratios = _ratios(rng, REPEATS * DRAWS, start, slopes).reshape(REPEATS, DRAWS)
    decades = np.log10(np.median(ratios, axis=1))
    room = max(ROOM * decades.std(ddof=1), 0.02)
    return Band(float(decades.mean() - room), float(decades.mean() + room))


def _definition():
    return {
        "orthogonal_linear": _band("orthogonal", False),
        "normal_linear": _band("normal", False),
        "orthogonal_tanh": _band("orthogonal", True),
        "normal_tanh": _band("normal", True),
    }


def _attempt():
    rng = np.random.default_rng(0)
    runs, N = 41, 24

    def measured(start, slopes):
        W = rng.standard_normal((runs, N, N)) / np.sqrt(N)
        if start == "orthogonal":
            W = np.linalg.qr(W)[0]
        h, phi_slope = np.zeros((runs, N)), []
        for _ in range(40):
            a = np.einsum("rij,rj->ri", W, h) + rng.standard_normal((runs, N))
            h = np.tanh(a) if slopes else a
            slope = 1 - h**2 if slopes else np.ones((runs, N))
            phi_slope.append(slope)
        g = rng.standard_normal((runs, N))
        v = g
        for t in range(39, 9, -1):
            v = np.einsum("rij,ri->rj", W, phi_slope[t] * v)
        ratio = np.linalg.norm(v, axis=1) / np.linalg.norm(g, axis=1)
        return np.log10(np.median(ratio))

    return {
        "orthogonal_linear": measured("orthogonal", False),
        "normal_linear": measured("normal", False),
        "orthogonal_tanh": measured("orthogonal", True),
        "normal_tanh": measured("normal", True),
    }


def _nothing(rng: np.random.Generator) -> Inputs:
    return {}


EXERCISE = Exercise(
    name="05.start_and_lag",
    title="What a start is worth after 30 steps",
    kind="experiment",
    inputs={},
    outputs={"orthogonal_linear": "", "normal_linear": "", "orthogonal_tanh": "",
             "normal_tanh": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("your measurements", _nothing,
             "Start with orthogonal_linear: there the ratio is 1 in every draw, its logarithm 0. "
             "In normal_linear only W_hh changes: its ratios differ a lot, so take 41 draws, and "
             "the median before the logarithm (a mean follows the few largest). In the two tanh "
             "fields the slopes come in: count the steps back, it should be 30."),
    ),
    hints=(
        "Which of the four do you know without measuring? Does your program give it?",
        "Going back one step is (2.8) of notebook 02: slope, then W_hh transposed. Without the "
        "slopes only W_hh is left.",
        "v = g; for the last 30 steps, newest first: v = W.T @ (slope[t] * v), with slope 1 in the "
        "linear network and 1 - h_t² in the other. Then log10 of the median of norm(v) / norm(g).",
    ),
    mistakes=(
        Mistake("the slopes left out in the tanh network",
                SLOPES_HINT,
                (("slope = 1 - h**2 if slopes else np.ones((runs, N))",
                  "slope = np.ones((runs, N))"),)),
        Mistake("decades of growth in the tanh network: lag 0 over lag 30, or slopes above 1",
                GROWS_HINT,
                (("np.log10(np.median(ratio))", "np.log10(np.median(1 / ratio))"),)),
        Mistake("the ratio of the squared norms",
                "Twice as many decades as expected: the square of 0.1 is 0.01. Is a root missing?",
                (("np.log10(np.median(ratio))", "np.log10(np.median(ratio**2))"),)),
        Mistake("not divided by the norm at lag 0",
                "A ratio has no size: what becomes of yours if g is twice as large?",
                (("np.linalg.norm(v, axis=1) / np.linalg.norm(g, axis=1)",
                  "np.linalg.norm(v, axis=1)"),)),
        Mistake("standard deviation 1/N in the place of 1/√N",
                "The variance is 1/N. And the standard deviation?",
                (("/ np.sqrt(N)", "/ N"),)),
        Mistake("standard deviation 1 in the place of 1/√N",
                "A sum of N terms grows like √N. What divides it in (5.12)?",
                ((" / np.sqrt(N)", ""),)),
        Mistake("the two starts exchanged",
                "For which of them is the ratio exactly 1 without slopes?",
                (('if start == "orthogonal"', 'if start != "orthogonal"'),)),
        Mistake("no input: h stays 0 and the slopes 1",
                SLOPES_HINT,
                ((" + rng.standard_normal((runs, N))\n", "\n"),)),
        Mistake("the slope taken at a without tanh, 1 - a²", GROWS_HINT,
                (("slope = 1 - h**2 if", "slope = 1 - a**2 if"),)),
        Mistake("back to h_0 in the place of h_10",
                "From h_40 to h_10: how many steps back are that, and how many does your loop "
                "make?",
                (("range(39, 9, -1)", "range(39, -1, -1)"),)),
        Mistake("faded by a third too little: the slope taken at h, or 20 steps back",
                THIRD_HINT,
                (("slope = 1 - h**2 if", "slope = 1 - np.tanh(h) ** 2 if"),)),
        Mistake("the ratio itself in the place of its logarithm",
                "You are asked for decades: log10 of the median ratio. What is it for a ratio of "
                "1?",
                (("return np.log10(np.median(ratio))", "return np.median(ratio)"),)),
        Mistake("the natural logarithm",
                "Decades count powers of ten. Which logarithm is that?",
                (("np.log10(np.median", "np.log(np.median"),)),
        Mistake("20 steps back in the place of 30", THIRD_HINT,
                (("range(39, 9, -1)", "range(39, 19, -1)"),)),
        Mistake("10 steps back in the place of 30", FEWER_HINT,
                (("range(39, 9, -1)", "range(39, 29, -1)"),)),
        Mistake("faded too little: fewer steps back, or smaller inputs", FEWER_HINT,
                (("range(39, 9, -1)", "range(39, 36, -1)"),)),
    ),
)  # fmt: skip
