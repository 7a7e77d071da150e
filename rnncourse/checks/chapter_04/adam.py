"""04.adam: Adam over given gradients, against weighted means of these gradients."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake


def _definition(theta, g, eta, beta1, beta2, eps):
    """Both means are sums over all gradients so far; corrected, their weights sum to one."""
    path, place = [], theta
    for n in range(1, len(g) + 1):
        weights1 = [beta1 ** (n - i) for i in range(1, n + 1)]
        weights2 = [beta2 ** (n - i) for i in range(1, n + 1)]
        sum1 = sum(w * g[i] for i, w in enumerate(weights1))
        sum2 = sum(w * g[i] ** 2 for i, w in enumerate(weights2))
        place = place - eta * (sum1 / sum(weights1)) / (np.sqrt(sum2 / sum(weights2)) + eps)
        path.append(place)
    return np.array(path), (1 - beta1) * sum1, (1 - beta2) * sum2


def _attempt(theta, g, eta, beta1, beta2, eps):
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    path = []
    for n in range(1, len(g) + 1):
        g_n = g[n - 1]
        m = beta1 * m + (1 - beta1) * g_n
        v = beta2 * v + (1 - beta2) * g_n**2
        m_hat = m / (1 - beta1**n)
        v_hat = v / (1 - beta2**n)
        theta = theta - eta * m_hat / (np.sqrt(v_hat) + eps)
        path.append(theta)
    return np.array(path), m, v


def _descent(rng: np.random.Generator, S: int, N: int, **numbers: float) -> Inputs:
    usual = {"eta": rng.uniform(0.05, 0.2), "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    sizes = rng.uniform(0.5, 2.0, size=(S, N))
    signs = rng.choice([-1.0, 1.0], size=(S, N))
    return {"theta": rng.normal(size=N), "g": sizes * signs} | usual | numbers


def _one_number(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 1, 1, beta1=0.5, beta2=0.75)


def _as_small_as_eps(rng: np.random.Generator) -> Inputs:
    inputs = _descent(rng, 1, 1, eps=1e-3)
    return inputs | {"g": inputs["g"] * 1e-3}


def _without_m(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 2, 1, beta1=0.0, beta2=0.9)


def _without_v(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 2, 1, beta1=0.8, beta2=0.0)


def _one_gradient(rng: np.random.Generator) -> Inputs:
    inputs = _descent(rng, 4, 1, beta1=0.8, beta2=0.95)
    inputs["g"][1:] = 0.0
    return inputs


def _unequal(rng: np.random.Generator) -> Inputs:
    inputs = _descent(rng, 1, 3)
    return inputs | {"g": inputs["g"] * np.array([1e-3, 1.0, 1e3])}


def _small(rng: np.random.Generator) -> Inputs:
    inputs = _descent(rng, 3, 2, beta1=0.7, beta2=0.9, eps=1e-4)
    return inputs | {"g": inputs["g"] * 1e-4}


def _usual(rng: np.random.Generator) -> Inputs:
    return _descent(rng, 5, 3)


EXERCISE = Exercise(
    name="04.adam",
    title="Adam, step by step",
    kind="write",
    inputs={
        "theta": "N",
        "g": "S N",
        "eta": "a number",
        "beta1": "a number",
        "beta2": "a number",
        "eps": "a number",
    },
    outputs={"path": "S N", "m": "N", "v": "N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one step, one number",
            _one_number,
            "After one step m = (1 - beta1) g and v = (1 - beta2) g². Corrected they are g and g², "
            "so the step is eta against the sign of g.",
        ),
        Case(
            "one step, a gradient as small as eps",
            _as_small_as_eps,
            "New in this case: eps is no longer small beside the root. It is added after the "
            "root, to the corrected value.",
        ),
        Case(
            "two steps, beta1 = 0",
            _without_m,
            "New in this case: a second step. With beta1 = 0 m is the newest gradient: look at v "
            "and its correction with n = 2.",
        ),
        Case(
            "two steps, beta2 = 0",
            _without_v,
            "New in this case: beta2 = 0, so that v is the newest gradient squared. Look at m, "
            "its correction with n = 2, and at what is kept for the next step.",
        ),
        Case(
            "one gradient, then none",
            _one_gradient,
            "New in this case: four steps, and after the first one all gradients are zero. m and "
            "v fade by beta1 and beta2 in each step.",
        ),
        Case(
            "one step, gradients of very unequal size",
            _unequal,
            "New in this case: three entries. Each of them is divided by its own root.",
        ),
        Case(
            "three small gradients",
            _small,
            "New in this case: several steps with gradients as small as eps.",
        ),
        Case("five steps, three numbers", _usual, "Only the largest case fails: look at shapes."),
    ),
    hints=(
        "What are m and v after one step from zero? And what has to be done to them, so that they "
        "have the size of g and of g²?",
        "Write (4.3), (4.4) and (4.5) of notebook 04, one line each, inside a loop over n = 1, 2, "
        "…, S. The divisions by 1 - βⁿ are for (4.5) only: m and v themselves stay as they are.",
        "In step n: m = beta1*m + (1 - beta1)*g[n-1], v = beta2*v + (1 - beta2)*g[n-1]**2, "
        "m_hat = m/(1 - beta1**n), v_hat = v/(1 - beta2**n), "
        "theta = theta - eta*m_hat/(np.sqrt(v_hat) + eps). Then append theta to the path.",
    ),
    answers=("rnncourse.optim.Adam.step",),
    points=10,
    mistakes=(
        Mistake(
            "no bias correction",
            "m and v begin at zero. How large are they after the first step, compared with g and "
            "g²?",
            (("m / (1 - beta1**n)", "m"), ("v / (1 - beta2**n)", "v")),
        ),
        Mistake(
            "only m is corrected",
            "How large is v after the first step, compared with g²?",
            (("v / (1 - beta2**n)", "v"),),
        ),
        Mistake(
            "only v is corrected",
            "How large is m after the first step, compared with g?",
            (("m / (1 - beta1**n)", "m"),),
        ),
        Mistake(
            "eps inside the root",
            "What is the step for a gradient as small as eps? In (4.5) eps stands outside of the "
            "root.",
            (("(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat + eps)"),),
        ),
        Mistake(
            "eps added before the correction of v",
            "To which root is eps added: that of v, or that of the corrected v?",
            (("(np.sqrt(v_hat) + eps)",
              "((np.sqrt(v) + eps) / np.sqrt(1 - beta2**n))"),),
        ),
        Mistake(
            "eps left out",
            "What if a gradient is always zero, or as small as eps? The denominator has a second "
            "term.",
            (("(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat)"),),
        ),
        Mistake(
            "the first step has n = 0",
            "What is 1 - beta**0? The first step is step 1.",
            (("(1 - beta1**n)", "(1 - beta1 ** np.float64(n - 1))"),
             ("(1 - beta2**n)", "(1 - beta2 ** np.float64(n - 1))")),
        ),
        Mistake(
            "the first step has n = 2",
            "Which power of beta is in the correction of the first step? Count from 1.",
            (("(1 - beta1**n)", "(1 - beta1 ** (n + 1))"),
             ("(1 - beta2**n)", "(1 - beta2 ** (n + 1))")),
        ),
        Mistake(
            "every step is corrected like the first",
            "After many steps, is a correction needed? 1 - beta to which power?",
            (("(1 - beta1**n)", "(1 - beta1)"), ("(1 - beta2**n)", "(1 - beta2)")),
        ),
        Mistake(
            "beta times n in the place of a power",
            "In each step m is multiplied by beta once more. What is left of the first value "
            "after n steps?",
            (("(1 - beta1**n)", "(1 - beta1) / n"), ("(1 - beta2**n)", "(1 - beta2) / n")),
        ),
        Mistake(
            "(1 - beta)ⁿ in the place of 1 - betaⁿ",
            "Which is raised to the power n: beta, or 1 - beta? After many steps the correction "
            "has to vanish.",
            (("(1 - beta1**n)", "(1 - beta1) ** n"), ("(1 - beta2**n)", "(1 - beta2) ** n")),
        ),
        Mistake(
            "the correction after the first step only",
            "Is m large enough after two steps? Work out m for a constant gradient.",
            (("m_hat = m / (1 - beta1**n)", "m_hat = m / (1 - beta1**n) if n == 1 else m"),
             ("v_hat = v / (1 - beta2**n)", "v_hat = v / (1 - beta2**n) if n == 1 else v")),
        ),
        Mistake(
            "m and v begin with the first gradient",
            "What are m and v before the first step? The correction is made for a start at zero.",
            (("np.zeros_like(theta), np.zeros_like(theta)", "g[0], g[0] ** 2"),),
        ),
        Mistake(
            "eps is added to the step",
            "Which is worked out first in `a / b + eps`? eps belongs below the fraction.",
            (("eta * m_hat / (np.sqrt(v_hat) + eps)", "eta * m_hat / np.sqrt(v_hat) + eps"),),
        ),
        Mistake(
            "the last place only",
            "How many rows has the path? It holds theta after each step.",
            (("return np.array(path), m, v", "return theta, m, v"),),
        ),
        Mistake(
            "beta1 and beta2 exchanged",
            "Which of the two remembers longer? beta1 belongs to m, beta2 to v.",
            (("m = beta1 * m + (1 - beta1) * g_n", "m = beta2 * m + (1 - beta2) * g_n"),
             ("v = beta2 * v + (1 - beta2) * g_n**2", "v = beta1 * v + (1 - beta1) * g_n**2"),
             ("(1 - beta1**n)", "(1 - beta2**n)"), ("v / (1 - beta2**n)", "v / (1 - beta1**n)")),
        ),
        Mistake(
            "the corrections with beta1 and beta2 exchanged",
            "Which beta shrank m, and which one v? Each is corrected with its own.",
            (("(1 - beta1**n)", "(1 - beta2**n)"), ("v / (1 - beta2**n)", "v / (1 - beta1**n)")),
        ),
        Mistake(
            "v of the gradient in the place of its square",
            "Can v be negative? It is taken under a root.",
            (("g_n**2", "g_n"),),
        ),
        Mistake(
            "v of m² in the place of g²",
            "What does v remember the size of: the gradients, or their mean?",
            (("(1 - beta2) * g_n**2", "(1 - beta2) * m**2"),),
        ),
        Mistake(
            "the corrected values are kept",
            "What is m at the beginning of step 2? The corrected value is used in this step's "
            "update and then forgotten.",
            (("m_hat = m / (1 - beta1**n)", "m_hat = m = m / (1 - beta1**n)"),
             ("v_hat = v / (1 - beta2**n)", "v_hat = v = v / (1 - beta2**n)")),
        ),
        Mistake(
            "the corrected values are returned",
            "Your path is right. Which m and v would the next step begin with?",
            (("return np.array(path), m, v", "return np.array(path), m_hat, v_hat"),),
        ),
        Mistake(
            "the step goes up",
            "Does the loss fall along the gradient, or against it?",
            (("theta - eta", "theta + eta"),),
        ),
        Mistake(
            "no root",
            "By what is the step divided: by the size of the gradient, or by its square?",
            (("(np.sqrt(v_hat) + eps)", "(v_hat + eps)"),),
        ),
        Mistake(
            "m adds up the gradients whole",
            "How large does m become with a constant gradient g? The weights of old and new sum "
            "to 1.",
            (("(1 - beta1) * g_n", "g_n"),),
        ),
        Mistake(
            "v adds up the squares whole",
            "How large does v become with a constant gradient g? The weights of old and new sum "
            "to 1.",
            (("(1 - beta2) * g_n**2", "g_n**2"),),
        ),
        Mistake(
            "the newest gradient in the place of m",
            "What is m for, if the step takes the newest gradient?",
            (("eta * m_hat", "eta * g_n"),),
        ),
        Mistake(
            "one v for the whole array",
            "Does each entry have its own step length? v has the shape of theta.",
            (("g_n**2", "np.mean(g_n**2)"),),
        ),
        Mistake(
            "the places before each step",
            "Where in the loop is theta put into the path? The path is asked for after each step.",
            (("path.append(theta)", "pass"), ("g_n = g[n - 1]", "g_n = g[n - 1]; "
              "path.append(theta)")),
        ),
        Mistake(
            "every row of the path is the last place",
            "What does the list hold if one array is changed in place and appended again and "
            "again? `theta -= …` makes no new array.",
            (("m, v = np.zeros_like", "theta = theta.copy(); m, v = np.zeros_like"),
             ("theta = theta - eta * m_hat / (np.sqrt(v_hat) + eps)",
              "theta -= eta * m_hat / (np.sqrt(v_hat) + eps)")),
        ),
        Mistake(
            "one v for the whole array, a sum of squares",
            "Does each entry have its own step length? v has the shape of theta.",
            (("g_n**2", "g_n @ g_n"),),
        ),
        Mistake(
            "the path begins with the place before the first step",
            "How many rows has your path after one step? Its first row is the place after step 1.",
            (("path = []", "path = [theta]"),),
        ),
        Mistake(
            "the return stands inside of the loop",
            "After how many steps does your function return? Look at how far the last line is "
            "moved in.",
            (("    return np.array(path), m, v", "        return np.array(path), m, v"),),
        ),
        Mistake(
            "the columns of g are taken for the steps",
            "Which axis of g counts the steps? g has the shape (S, N): one row for each step.",
            (("for n in range(1, len(g) + 1):", "g = g.T\n    for n in range(1, len(g) + 1):"),
             ("m, v = np.zeros_like(theta), np.zeros_like(theta)", "m, v = 0.0, 0.0")),
        ),
        Mistake(
            "every step begins from the first place",
            "From which theta does step 2 go on? Step 1 has changed it.",
            (("theta = theta - eta * m_hat / (np.sqrt(v_hat) + eps)",
              "place = theta - eta * m_hat / (np.sqrt(v_hat) + eps)"),
             ("path.append(theta)", "path.append(place)")),
        ),
        Mistake(
            "one v for all, and it is a single number",
            "Does each entry have its own step length? v has the shape of theta.",
            (("np.zeros_like(theta), np.zeros_like(theta)", "np.zeros_like(theta), 0.0"),
             ("g_n**2", "g_n @ g_n")),
        ),
        Mistake(
            "the root is taken before v is corrected",
            "In (4.5), does 1 - β2ⁿ stand under the root or outside of it?",
            (("np.sqrt(v_hat)", "np.sqrt(v) / (1 - beta2**n)"),),
        ),
        Mistake(
            "the path is returned last",
            "In which order are the three answers asked for?",
            (("return np.array(path), m, v", "return m, v, np.array(path)"),),
        ),
    ),
)  # fmt: skip
