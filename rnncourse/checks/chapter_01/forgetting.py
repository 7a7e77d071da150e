"""01.forgetting: steps until two starts are forgotten, measured again on other networks."""

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake

N, T = 40, 200
NEVER = (
    "With you the two states never meet. Do both copies hear the same u_t? And is the standard "
    "deviation of an entry of W_hh gain / sqrt(N)?"
)


def _steps_until_equal(
    rng: np.random.Generator,
    gain: float,
    networks: int = 60,
    *,
    closeness: float = 1e-3,
    same_input: bool = True,
    linear: bool = False,
) -> float:
    """Median over networks of the first step at which two states are closer than `closeness`.

    W_hh has normal entries of standard deviation gain / sqrt(N). Both runs get the same inputs,
    u_t standard normal for each unit. The distance is divided by that of the starts.
    """
    W = rng.normal(scale=gain / np.sqrt(N), size=(networks, N, N))
    one, two = rng.uniform(-1, 1, size=(2, networks, N))
    start = np.linalg.norm(one - two, axis=1)
    found = np.full(networks, T)
    for t in range(1, T + 1):
        drive = rng.normal(size=(networks, N))
        other = drive if same_input else rng.normal(size=(networks, N))
        one, two = (
            np.einsum("gnm,gm->gn", W, state) + u
            for state, u in ((one, drive), (two, other))
        )
        if not linear:
            one, two = np.tanh(one), np.tanh(two)
        near = np.linalg.norm(one - two, axis=1) < closeness * start
        found = np.where(near & (found == T), t, found)
        if (found < T).all():
            break
    return float(np.median(found))


def _definition():
    bands = {}
    for name, gain in (("gain_half", 0.5), ("gain_one", 1.0)):
        runs = [_steps_until_equal(np.random.default_rng([8, s]), gain) for s in range(5)]
        room = max(1.0, 0.1 * np.median(runs))
        bands[name] = Band(min(runs) - room, max(runs) + room)
    return bands


def _attempt():
    rng = np.random.default_rng(2026)
    half = _steps_until_equal(rng, 0.5)
    one = _steps_until_equal(rng, 1.0)
    return half, one


EXERCISE = Exercise(
    name="01.forgetting",
    title="How fast a start is forgotten",
    kind="experiment",
    inputs={},
    outputs={"gain_half": "", "gain_one": ""},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case("your measurement", lambda rng: {},
             "The checker measured the same thing just now, on other networks. Compare your recipe "
             "with the task line by line."),
    ),
    hints=(
        "Two copies of one network, the same weights and the same inputs, two starts. What is "
        "their distance after one step, divided by that of the starts?",
        "It is section 3 of notebook 01: the past acts only through the state. Let two states run "
        "side by side through (1.1).",
        "For each of 60 networks: one, two = tanh(W @ one + u), tanh(W @ two + u) with the same u; "
        "count the steps until the norm of one - two is below 1e-3 of the first one; take "
        "the median.",
    ),
    mistakes=(
        Mistake("the two runs get different inputs",
                NEVER,
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5, same_input=False)"),
                 ("_steps_until_equal(rng, 1.0)",
                  "_steps_until_equal(rng, 1.0, same_input=False)"))),
        Mistake("no tanh",
                "Without tanh the distance shrinks with the weights alone. Where is φ?",
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5, linear=True)"),
                 ("_steps_until_equal(rng, 1.0)", "_steps_until_equal(rng, 1.0, linear=True)"))),
        Mistake("the gains exchanged",
                "Which network forgets faster, the one with small or with large weights?",
                (("return half, one", "return one, half"),)),
        Mistake("another closeness",
                "The two states count as equal below 1e-3 of their first distance. Which limit do "
                "you use?",
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5, closeness=1e-6)"),
                 ("_steps_until_equal(rng, 1.0)",
                  "_steps_until_equal(rng, 1.0, closeness=1e-6)"))),
        Mistake("the weights not divided by √N",
                NEVER,
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5 * np.sqrt(N))"),
                 ("_steps_until_equal(rng, 1.0)", "_steps_until_equal(rng, 1.0 * np.sqrt(N))"))),
    ),
)  # fmt: skip
