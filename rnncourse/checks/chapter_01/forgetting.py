"""01.forgetting: steps until two starts are forgotten, measured again on other networks."""

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Mistake

N, T = 40, 200
NEVER = (
    "With you the two states never meet. Do both copies hear the same u_t? And is the standard "
    "deviation of an entry of W_hh gain / sqrt(N)?"
)
UNSQUEEZED = (
    "With gain 1 your start is not forgotten. Differences shrink where tanh is flat: do both "
    "copies pass through tanh, and does u_t drive them away from zero?"
)
TOO_FAST = (
    "With you the start is forgotten too fast. Is the limit 1/1000 of the distance, not of its "
    "square? Are the entries of W_hh normal, and does each unit get a u_t of its own?"
)


def _steps_until_equal(
    rng: np.random.Generator,
    gain: float,
    networks: int = 60,
    *,
    closeness: float = 1e-3,
    same_input: bool = True,
    linear: bool = False,
    loudness: float = 1.0,
    shared: bool = False,
    uniform: bool = False,
) -> float:
    """Median over networks of the first step at which two states are closer than `closeness`.

    W_hh has normal entries of standard deviation gain / sqrt(N). Both runs get the same inputs,
    u_t standard normal for each unit. The distance is divided by that of the starts.
    """
    W = rng.normal(scale=gain / np.sqrt(N), size=(networks, N, N))
    if uniform:
        W = rng.uniform(-1, 1, size=W.shape) * gain / np.sqrt(N)
    one, two = rng.uniform(-1, 1, size=(2, networks, N))
    start = np.linalg.norm(one - two, axis=1)
    found = np.full(networks, T)
    for t in range(1, T + 1):
        drive = loudness * rng.normal(size=(networks, 1 if shared else N))
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


def _both(**changes):
    """The edits that make both measurements in another way."""
    named = "".join(f", {name}={value}" for name, value in changes.items())
    return tuple(
        (f"_steps_until_equal(rng, {gain})", f"_steps_until_equal(rng, {gain}{named})")
        for gain in (0.5, 1.0)
    )


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
        "side by side through (1.4).",
        "For each of 60 networks: one, two = tanh(W @ one + u), tanh(W @ two + u) with the same u; "
        "count the steps until the norm of one - two is below 1e-3 of the first one; take "
        "the median.",
    ),
    mistakes=(
        Mistake("never forgets, perhaps by different inputs",
                NEVER,
                _both(same_input=False)),
        Mistake("remembers at gain 1, perhaps without tanh",
                UNSQUEEZED,
                _both(linear=True)),
        Mistake("the gains exchanged",
                "Which network forgets faster, the one with small or with large weights?",
                (("return half, one", "return one, half"),)),
        Mistake("a smaller limit",
                "The two states count as equal below 1e-3 of their first distance. Which limit do "
                "you use?",
                _both(closeness=1e-6)),
        Mistake("forgets too fast, perhaps by a larger limit", TOO_FAST, _both(closeness=1e-2)),
        Mistake("forgets too fast, perhaps by squared distances", TOO_FAST,
                _both(closeness=1e-3**0.5)),
        Mistake("never forgets, perhaps by weights not divided by √N",
                NEVER,
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5 * np.sqrt(N))"),
                 ("_steps_until_equal(rng, 1.0)", "_steps_until_equal(rng, 1.0 * np.sqrt(N))"))),
        Mistake("remembers at gain 1, perhaps without input",
                UNSQUEEZED,
                _both(loudness=0.0)),
        Mistake("forgets too fast, perhaps by one input for all units", TOO_FAST,
                _both(shared=True)),
        Mistake("forgets too fast, perhaps by uniform weights", TOO_FAST,
                _both(uniform=True)),
        Mistake("gain / N as the standard deviation",
                "Is the standard deviation of an entry gain / sqrt(N), or gain / N?",
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5 / np.sqrt(N))"),
                 ("_steps_until_equal(rng, 1.0)", "_steps_until_equal(rng, 1.0 / np.sqrt(N))"))),
        Mistake("forgets too slowly at gain 0.5",
                "Is the standard deviation of an entry gain / sqrt(N), not the root of gain / N? "
                "And has u_t the standard deviation 1?",
                (("_steps_until_equal(rng, 0.5)", "_steps_until_equal(rng, 0.5**0.5)"),)),
    ),
)  # fmt: skip
