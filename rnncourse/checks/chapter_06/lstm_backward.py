"""06.lstm_backward: one step of an LSTM's backward sweep, against complex-step differentiation."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _forward(a, c_prev):
    """(6.2) to (6.4); complex numbers pass through."""
    i, f, g, o = np.split(a, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-s)) for s in (i, f, o))
    c = f * c_prev + i * np.tanh(g)
    return o * np.tanh(c), c


def _definition(dL_dh, from_next, i, f, g, o, c_prev, c):
    """Differentiate L = Σ dL_dh h + Σ from_next c, of which h and c are functions of a, c_prev."""
    a_i, a_f, a_o = (np.log(s) - np.log1p(-s) for s in (i, f, o))
    a = np.hstack([a_i, a_f, np.arctanh(g), a_o])

    def loss(a, c_prev):
        h, cell = _forward(a, c_prev)
        return np.sum(dL_dh * h) + np.sum(from_next * cell)

    return {
        "dL_da": complex_step_gradient(lambda value: loss(value, c_prev), a),
        "dL_dc_prev": complex_step_gradient(lambda value: loss(a, value), c_prev),
    }


def _attempt(dL_dh, from_next, i, f, g, o, c_prev, c):
    dL_dc = dL_dh * o * (1 - np.tanh(c) ** 2) + from_next
    dL_da_i = dL_dc * g * i * (1 - i)
    dL_da_f = dL_dc * c_prev * f * (1 - f)
    dL_da_g = dL_dc * i * (1 - g**2)
    dL_da_o = dL_dh * np.tanh(c) * o * (1 - o)
    dL_da = np.concatenate([dL_da_i, dL_da_f, dL_da_g, dL_da_o], axis=1)
    dL_dc_prev = dL_dc * f
    return dL_da, dL_dc_prev


def _step(rng: np.random.Generator, B: int, N: int, **given: np.ndarray) -> Inputs:
    """A step whose c fits its gates."""
    i, f, o = (rng.uniform(0.15, 0.85, size=(B, N)) for _ in range(3))
    g = rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.3, 0.9, size=(B, N))
    c_prev = rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.4, 1.5, size=(B, N))
    inputs = {
        "dL_dh": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.5, 2, size=(B, N)),
        "from_next": rng.choice([-1.0, 1.0], size=(B, N)) * rng.uniform(0.5, 2, size=(B, N)),
        "i": i,
        "f": f,
        "g": g,
        "o": o,
        "c_prev": c_prev,
    } | given
    return inputs | {"c": inputs["f"] * inputs["c_prev"] + i * g}


def _along_the_cell(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 1, dL_dh=np.zeros((1, 1)), c_prev=np.zeros((1, 1)))


def _old_content(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 1, dL_dh=np.zeros((1, 1)))


def _last_step(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 1, from_next=np.zeros((1, 1)))


def _both(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 1)


def _large_cell(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 1, c_prev=rng.choice([-4.0, 4.0], size=(1, 1)))


def _two_units(rng: np.random.Generator) -> Inputs:
    return _step(rng, 1, 2)


def _batch(rng: np.random.Generator) -> Inputs:
    return _step(rng, 3, 5)


EXERCISE = Exercise(
    name="06.lstm_backward",
    title="One step back through an LSTM",
    kind="write",
    inputs={
        "dL_dh": "B N",
        "from_next": "B N",
        "i": "B N",
        "f": "B N",
        "g": "B N",
        "o": "B N",
        "c_prev": "B N",
        "c": "B N",
    },
    outputs={"dL_da": "B 4N", "dL_dc_prev": "B N"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one unit, dL_dh = 0, c_prev = 0",
            _along_the_cell,
            "With dL_dh = 0 all comes along the cell: dL_dc is from_next. With c_prev = 0 the "
            "forget gate has multiplied nothing, so only the blocks of i and g are not zero.",
        ),
        Case(
            "one unit, dL_dh = 0",
            _old_content,
            "New in this case: the cell that entered is not empty. The row of f depends on it.",
        ),
        Case(
            "one unit, the last step: from_next = 0",
            _last_step,
            "Here all comes through h = o tanh(c). It reaches o, and it reaches c, by the product "
            "rule.",
        ),
        Case(
            "one unit, from both sides",
            _both,
            "Each of the two ways is right alone and both together are not: dL_dc is their sum, "
            "and all rows but that of o start from this sum.",
        ),
        Case(
            "one unit, a full cell",
            _large_cell,
            "New in this case: the cell is far from zero, where tanh is flat. Look at each place "
            "where c or tanh(c) stands.",
        ),
        Case(
            "two units",
            _two_units,
            "One unit is right and two are not: how are the four blocks put together?",
        ),
        Case(
            "three sequences, five units",
            _batch,
            "One sequence is right and several are not: nothing is summed over the batch here.",
        ),
    ),
    hints=(
        "c_t has two ways to the loss, o_t only one. Which are they, and what does each send back?",
        "Write (6.8), (6.9) and (6.10) of notebook 06. from_next is the whole second term of "
        "(6.8), ready made; what goes back to c_{t-1} is the same term for the step before.",
        "dL_dc = dL_dh * o * (1 - np.tanh(c)**2) + from_next. The rows of i, f, g are dL_dc times "
        "the partner (g, c_prev, i) times the slope of the gate; that of o is dL_dh * np.tanh(c) "
        "times its slope. At the end dL_dc_prev = dL_dc * f.",
    ),
    answers=(
        "rnncourse.lstm.lstm_sweep",
        "rnncourse.lstm.lstm_backward",
        "rnncourse.lstm.local_derivatives",
    ),
    points=10,
    mistakes=(
        Mistake(
            "the forget gate's row takes the new cell",
            "What did the forget gate multiply in (6.3): the cell that entered, or the one that "
            "came out?",
            (("dL_dc * c_prev * f * (1 - f)", "dL_dc * c * f * (1 - f)"),),
        ),
        Mistake(
            "nothing comes along the cell",
            "c_t goes into h_t and into c_{t+1}. What does c_{t+1} send back, and where is it in "
            "your dL_dc?",
            (("(1 - np.tanh(c) ** 2) + from_next", "(1 - np.tanh(c) ** 2)"),),
        ),
        Mistake(
            "what comes along the cell passes the output gate",
            "from_next has reached c_t already. Does it pass o_t and the tanh too?",
            (("dL_dh * o * (1 - np.tanh(c) ** 2) + from_next",
              "(dL_dh + from_next) * o * (1 - np.tanh(c) ** 2)"),),
        ),
        Mistake(
            "from_next multiplied by the forget gate of this step",
            "from_next is f_{t+1} times dL/dc_{t+1}, ready made. Which forget gate does the text "
            "say is in it already, and is it yours?",
            (("** 2) + from_next", "** 2) + f * from_next"),),
        ),
        Mistake(
            "1 - c² as the slope of tanh",
            "The slope of tanh at c is 1 - tanh(c)². Is the cell itself a tanh?",
            (("(1 - np.tanh(c) ** 2)", "(1 - c**2)"),),
        ),
        Mistake(
            "1 - h² as the slope of tanh",
            "In the plain network h was a tanh. What is h here, besides?",
            (("(1 - np.tanh(c) ** 2)", "(1 - (o * np.tanh(c)) ** 2)"),),
        ),
        Mistake(
            "the slope of tanh at the cell left out",
            "Between c_t and h_t stands a tanh. Where is its derivative in dL_dc?",
            (("dL_dh * o * (1 - np.tanh(c) ** 2)", "dL_dh * o"),),
        ),
        Mistake(
            "the output gate left out on the way to the cell",
            "h_t is a product. By what is dL_dh multiplied on the way to tanh(c_t)?",
            (("dL_dh * o * (1 - np.tanh(c) ** 2)", "dL_dh * (1 - np.tanh(c) ** 2)"),),
        ),
        Mistake(
            "the slope of tanh at the old cell",
            "Which cell does h_t show? The slope belongs to the same one.",
            (("(1 - np.tanh(c) ** 2)", "(1 - np.tanh(c_prev) ** 2)"),),
        ),
        Mistake(
            "1 - s² as the slope of the logistic",
            "1 - s² belongs to tanh. What is the derivative of the logistic, in its own value s?",
            (
                ("* i * (1 - i)", "* (1 - i**2)"),
                ("* f * (1 - f)", "* (1 - f**2)"),
                ("* o * (1 - o)", "* (1 - o**2)"),
            ),
        ),
        Mistake(
            "no slope of the gates",
            "dL_da is asked for, the gradient BEFORE the activations. Where are the slopes of the "
            "logistic and of tanh?",
            (
                ("* i * (1 - i)", ""),
                ("* f * (1 - f)", ""),
                ("* (1 - g**2)", ""),
                ("* o * (1 - o)", ""),
            ),
        ),
        Mistake(
            "the candidate's slope is that of the logistic",
            "Which activation made g? Its slope differs from that of the gates.",
            (("i * (1 - g**2)", "i * g * (1 - g)"),),
        ),
        Mistake(
            "the output gate's row starts from the cell",
            "Does o_t act on c_t? Its way to the loss goes through h_t only.",
            (("dL_dh * np.tanh(c) * o * (1 - o)", "dL_dc * np.tanh(c) * o * (1 - o)"),),
        ),
        Mistake(
            "the cell for its tanh in the output gate's row",
            "What did the output gate multiply in (6.4): c_t, or its tanh?",
            (("dL_dh * np.tanh(c) * o", "dL_dh * c * o"),),
        ),
        Mistake(
            "the input gate's row without the candidate",
            "What did the input gate multiply in (6.3)? It is the factor of its row.",
            (("dL_dc * g * i * (1 - i)", "dL_dc * i * (1 - i)"),),
        ),
        Mistake(
            "the candidate's row without the input gate",
            "What multiplied the candidate in (6.3)? It is the factor of its row.",
            (("dL_dc * i * (1 - g**2)", "dL_dc * (1 - g**2)"),),
        ),
        Mistake(
            "the blocks in the order i, f, o, g",
            "In which order do the rows stand? Here, as in torch, the candidate is the third "
            "block.",
            (("dL_da_g, dL_da_o]", "dL_da_o, dL_da_g]"),),
        ),
        Mistake(
            "the blocks stacked along the batch",
            "dL_da has one row per sequence, and 4N entries in it. Along which axis do the blocks "
            "follow each other?",
            (("axis=1", "axis=0"),),
        ),
        Mistake(
            "the four blocks not put side by side",
            "dL_da is one array (B, 4N). Along which axis do your four blocks follow each other?",
            (("np.concatenate([dL_da_i, dL_da_f, dL_da_g, dL_da_o], axis=1)",
              "np.array([dL_da_i, dL_da_f, dL_da_g, dL_da_o])"),),
        ),
        Mistake(
            "the two results in the other order",
            "Which of the two is asked for first? Look at their shapes.",
            (("return dL_da, dL_dc_prev", "return dL_dc_prev, dL_da"),),
        ),
        Mistake(
            "the gates put through their activations once more",
            "i, f, g and o come in after their activations. Do they need the logistic and tanh "
            "again?",
            (("dL_dc = dL_dh",
              "i, f, o = (1 / (1 + np.exp(-s)) for s in (i, f, o)); g = np.tanh(g); "
              "dL_dc = dL_dh"),),
        ),
        Mistake(
            "c taken for a tanh",
            "c is the cell itself. In which two places does its tanh stand, once with its slope?",
            (
                ("dL_dh * o * (1 - np.tanh(c) ** 2)", "dL_dh * o"),
                ("dL_dh * np.tanh(c) * o", "dL_dh * c * o"),
            ),
        ),
        Mistake(
            "no slope in the input gate's row",
            "Is the input gate's slope i (1 - i) in its row?",
            (("g * i * (1 - i)", "g * i"),),
        ),
        Mistake(
            "no slope in the output gate's row",
            "The output gate is a logistic as well. Where is its slope in its row?",
            (("np.tanh(c) * o * (1 - o)", "np.tanh(c)"),),
        ),
        Mistake(
            "the slope of tanh with the other sign",
            "Can the slope of tanh be negative? Which of 1 and tanh² is the larger one?",
            (("(1 - np.tanh(c) ** 2)", "(np.tanh(c) ** 2 - 1)"),),
        ),
        Mistake(
            "from_next added at the very end",
            "What c_{t+1} sends arrives at c_t. Which blocks start from c_t, and is from_next "
            "handed on unchanged?",
            (
                ("(1 - np.tanh(c) ** 2) + from_next", "(1 - np.tanh(c) ** 2)"),
                ("dL_dc_prev = dL_dc * f", "dL_dc_prev = dL_dc * f + from_next"),
            ),
        ),
        Mistake(
            "no slope in the forget gate's row",
            "Is the forget gate's slope f (1 - f) in its row?",
            (("* f * (1 - f)", "* f"),),
        ),
        Mistake(
            "from_next handed on as it came",
            "from_next is what c_{t+1} sends to c_t. What does c_t send to c_{t-1}?",
            (("dL_dc_prev = dL_dc * f", "dL_dc_prev = from_next"),),
        ),
        Mistake(
            "nothing is forgotten on the way to the old cell",
            "c_{t-1} was multiplied by a gate before it became part of c_t. Which one?",
            (("dL_dc_prev = dL_dc * f", "dL_dc_prev = dL_dc"),),
        ),
        Mistake(
            "only what came along the cell is handed on",
            "What does c_{t-1} receive from c_t: all that c_t got, or only the part that came "
            "from c_{t+1}?",
            (("dL_dc_prev = dL_dc * f", "dL_dc_prev = from_next * f"),),
        ),
        Mistake(
            "from_next changed in place",
            "Whose array is from_next? `from_next += …` changes it for the caller too: write "
            "`dL_dc = … + from_next`.",
            (("dL_dc = dL_dh * o * (1 - np.tanh(c) ** 2) + from_next",
              "from_next += dL_dh * o * (1 - np.tanh(c) ** 2); dL_dc = from_next"),),
        ),
    ),
)  # fmt: skip
