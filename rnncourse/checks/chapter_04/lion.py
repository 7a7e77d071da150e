"""04.lion: the optimiser Lion, against its memory written out as a sum over all gradients."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(theta, g, eta, beta1, beta2, decay):
    """The memory before step n is a sum over the gradients of steps 1, …, n - 1."""
    path, place = [], theta

    def memory(n):
        return sum(((1 - beta2) * beta2 ** (n - i) * g[i - 1] for i in range(1, n + 1)), 0 * theta)

    for n in range(1, len(g) + 1):
        blend = beta1 * memory(n - 1) + (1 - beta1) * g[n - 1]
        direction = np.array([(b > 0) - (b < 0) for b in blend.tolist()], dtype=float)
        place = place - eta * (direction + decay * place)
        path.append(place)
    return np.array(path), memory(len(g))


def _attempt(theta, g, eta, beta1, beta2, decay):
    m = np.zeros_like(theta)
    path = []
    for g_n in g:
        direction = np.sign(beta1 * m + (1 - beta1) * g_n)
        theta = theta - eta * (direction + decay * theta)
        m = beta2 * m + (1 - beta2) * g_n
        path.append(theta)
    return np.array(path), m


def _descent(rng: np.random.Generator, S: int, N: int, **numbers: float) -> Inputs:
    usual = {"eta": rng.uniform(0.05, 0.2), "beta1": 0.5, "beta2": 0.8, "decay": 0.3}
    sizes = rng.exponential(size=(S, N)) + 0.05
    signs = rng.choice([-1.0, 1.0], size=(S, N))
    return {"theta": 1 + rng.normal(size=N) ** 2, "g": sizes * signs} | usual | numbers


def _one_number(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 1, 1, decay=0.0)


def _one_step_with_decay(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 1, 2, decay=rng.uniform(0.2, 0.4))


def _no_gradient(rng: np.random.Generator) -> Inputs:
    inputs = _descent(rng, 2, 2)
    return inputs | {"g": np.zeros((2, 2))}


def _turns_round(rng: np.random.Generator) -> Inputs:
    """A large gradient, then small ones of the other sign: the memory wins at first."""
    size = rng.uniform(1.0, 2.0)
    g = np.array([[8.0], [-0.4], [-0.4], [-0.4], [-4.0], [0.1]]) * size
    return _descent(rng, 6, 1, decay=0.0) | {"g": g}


def _short_memory(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 7, 4, beta1=0.8, beta2=0.2, decay=0.0)


def _usual(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 13, 9, beta1=0.6, beta2=0.9)


EXERCISE = Exercise(
    name="04.lion",
    title="Lion: a step with two betas and one sign",
    kind="write",
    inputs={
        "theta": "N",
        "g": "S N",
        "eta": "a number",
        "beta1": "a number",
        "beta2": "a number",
        "decay": "a number",
    },
    outputs={"path": "S N", "m": "N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one step, one number, no decay",
            _one_number,
            "The memory is zero in the first step, so the step is eta against the sign of the "
            "gradient. Afterwards m = (1 - beta2) g.",
        ),
        Case(
            "one step with decay",
            _one_step_with_decay,
            "New in this case: the decay. It pulls theta towards zero by eta·decay·theta, whatever "
            "the gradient is.",
        ),
        Case(
            "no gradient",
            _no_gradient,
            "New in this case: all gradients are zero, and the sign of 0 is 0. The decay alone "
            "moves theta.",
        ),
        Case(
            "a large gradient, then small ones against it",
            _turns_round,
            "New in this case: several steps. The sign is that of a blend of memory and newest "
            "gradient, with beta1; only then the memory takes the gradient in, with beta2.",
        ),
        Case(
            "a long blend and a short memory",
            _short_memory,
            "New in this case: beta1 is above beta2, so it matters which of the two makes the "
            "direction, and whether m is taken from before this step or from after it.",
        ),
        Case(
            "thirteen steps, nine numbers",
            _usual,
            "It is right without decay over many steps: is the decay taken from the current "
            "theta, in each step?",
        ),
    ),
    hints=(
        "Two blends of m and g are made in each step, with two betas. Which one decides about the "
        "direction, and which one is kept?",
        "The direction is made from the m of the step before; only afterwards m changes. The two "
        "equations stand in the task, above the stub, in this order.",
        "In a step: direction = np.sign(beta1*m + (1 - beta1)*g_n), theta = theta - eta*(direction "
        "+ decay*theta), and then m = beta2*m + (1 - beta2)*g_n. Append theta to the path.",
    ),
    mistakes=(
        Mistake(
            "the sign of the newest gradient alone",
            "What is the memory for? The sign is taken of a blend of it with the gradient.",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)", "np.sign(g_n)"),),
        ),
        Mistake(
            "the sign of the memory after it took the gradient in",
            "Which beta blends the gradient into the direction? It is not the one of the memory.",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)",
              "np.sign(beta2 * m + (1 - beta2) * g_n)"),),
        ),
        Mistake(
            "the memory changes before the direction is made",
            "Which m is in the blend: the one from the step before, or one that already holds "
            "this gradient?",
            (("direction = np", "m = beta2 * m + (1 - beta2) * g_n; direction = np"),
             ("        m = beta2 * m + (1 - beta2) * g_n\n        path", "        path")),
        ),
        Mistake(
            "beta1 and beta2 exchanged",
            "Which beta makes the direction, and which one the memory?",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)", "np.sign(beta2 * m + (1 - beta2) * g_n)"),
             ("m = beta2 * m + (1 - beta2) * g_n", "m = beta1 * m + (1 - beta1) * g_n")),
        ),
        Mistake(
            "the blend of the direction is kept as the memory",
            "Is the memory made with beta1 or with beta2? Two blends are made in each step.",
            (("m = beta2 * m + (1 - beta2) * g_n", "m = beta1 * m + (1 - beta1) * g_n"),),
        ),
        Mistake(
            "the two weights of the memory exchanged",
            "How long does the memory last if beta2 is near 1? beta2 belongs to the old m.",
            (("m = beta2 * m + (1 - beta2) * g_n", "m = (1 - beta2) * m + beta2 * g_n"),),
        ),
        Mistake(
            "the two weights of the direction exchanged",
            "Which of the two counts with beta1 under the sign: the memory, or the newest "
            "gradient?",
            (("beta1 * m + (1 - beta1) * g_n", "(1 - beta1) * m + beta1 * g_n"),),
        ),
        Mistake(
            "the signs are remembered",
            "What does the memory hold: signs, or gradients with their sizes?",
            (("m = beta2 * m + (1 - beta2) * g_n", "m = beta2 * m + (1 - beta2) * direction"),),
        ),
        Mistake(
            "no sign",
            "How long is a step of Lion if the gradient is ten times as large?",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)", "beta1 * m + (1 - beta1) * g_n"),),
        ),
        Mistake(
            "the sign of zero is taken as ±1",
            "Which way should a weight go whose gradient has always been zero? The sign of 0 is 0.",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)",
              "np.where(beta1 * m + (1 - beta1) * g_n > 0, 1.0, -1.0)"),),
        ),
        Mistake(
            "no decay",
            "Where does theta itself enter the step?",
            (("(direction + decay * theta)", "direction"),),
        ),
        Mistake(
            "the decay is not multiplied by eta",
            "By how much does theta shrink in a step without any gradient? eta is a factor of "
            "both terms.",
            (("eta * (direction + decay * theta)", "eta * direction - decay * theta"),),
        ),
        Mistake(
            "the decay under the sign",
            "How much would a decay under the sign depend on the size of theta? It is added after "
            "the sign, as in AdamW.",
            (("direction = np.sign", "g_n = g_n + decay * theta; direction = np.sign"),
             ("(direction + decay * theta)", "direction")),
        ),
        Mistake(
            "the decay of the place after the step",
            "Which theta stands in the bracket: the one from before the step, or one that has "
            "moved already?",
            (("theta = theta - eta * (direction + decay * theta)",
              "theta = theta - eta * direction; theta = theta - eta * decay * theta"),),
        ),
        Mistake(
            "the decay has the same size for all weights",
            "Does a large weight shrink by more than a small one? The decay is a multiple of "
            "theta.",
            (("(direction + decay * theta)", "(direction + decay * np.sign(theta))"),),
        ),
        Mistake(
            "the decay pushes away from zero",
            "Does the decay make a weight smaller or larger? Look at the signs.",
            (("(direction + decay * theta)", "(direction - decay * theta)"),),
        ),
        Mistake(
            "the memory adds up the gradients whole",
            "How large does m become with a constant gradient g? The weights of old and new sum "
            "to 1.",
            (("m = beta2 * m + (1 - beta2) * g_n", "m = beta2 * m + g_n"),),
        ),
        Mistake(
            "the step goes up",
            "Does the loss fall along the gradient, or against it?",
            (("theta - eta * (direction + decay", "theta + eta * (direction - decay"),),
        ),
        Mistake(
            "the places before each step",
            "Where in the loop is theta put into the path? The path is asked for after each step.",
            (("direction = np", "path.append(theta); direction = np"),
             ("        path.append(theta)\n    return", "    return")),
        ),
        Mistake(
            "the decay under the sign, as a part of the blend",
            "How much would a decay under the sign depend on the size of theta? It is added after "
            "the sign, as in AdamW.",
            (("np.sign(beta1 * m + (1 - beta1) * g_n)",
              "np.sign(beta1 * m + (1 - beta1) * g_n + decay * theta)"),
             ("(direction + decay * theta)", "direction")),
        ),
        Mistake(
            "the bracket is left out",
            "Which terms does the minus of the first equation take away? In `a - b + c` it takes "
            "away b only, and eta multiplies b only.",
            (("eta * (direction + decay * theta)", "eta * direction + decay * theta"),),
        ),
        Mistake(
            "the sign is a number divided by its size",
            "What is 0 divided by 0, and what is the sign of 0?",
            (("direction = np.sign(beta1 * m + (1 - beta1) * g_n)",
              "blend = beta1 * m + (1 - beta1) * g_n; direction = blend / np.abs(blend)"),),
        ),
        Mistake(
            "m begins with the first gradient",
            "What is m before the first step?",
            (("m = np.zeros_like(theta)", "m = g[0]"),),
        ),
        Mistake(
            "the memory takes the gradient in twice",
            "Which m stands in the second equation: the blend under the sign, or the memory from "
            "before the step?",
            (("m = beta2 * m + (1 - beta2) * g_n",
              "m = beta2 * (beta1 * m + (1 - beta1) * g_n) + (1 - beta2) * g_n"),),
        ),
        Mistake(
            "the path begins with the place before the first step",
            "How many rows has your path after one step? Its first row is the place after step 1.",
            (("path = []", "path = [theta]"),),
        ),
        Mistake(
            "every row of the path is the last place",
            "What does the list hold if one array is changed in place and appended again and "
            "again? `theta -= …` makes no new array.",
            (("    m = np.zeros_like(theta)\n", "    m = np.zeros_like(theta)\n"
              "    theta = theta.copy()\n"),
             ("theta = theta - eta * (direction", "theta -= eta * (direction")),
        ),
        Mistake(
            "every step begins from the first place",
            "From which theta does step 2 go on? Step 1 has changed it.",
            (("theta = theta - eta * (direction + decay * theta)",
              "place = theta - eta * (direction + decay * theta)"),
             ("path.append(theta)", "path.append(place)")),
        ),
    ),
)  # fmt: skip
