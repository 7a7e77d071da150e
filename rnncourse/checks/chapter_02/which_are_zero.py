"""02.which_are_zero: what is known of a gradient before it is computed."""

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _scalar_loss(w, x, h_0, target=None):
    """One unit, h_t = tanh(w h_{t-1} + x_t); the loss is h_T, or its squared distance."""
    h = h_0
    for x_t in x:
        h = np.tanh(w * h + x_t)
    return h if target is None else (h - target) ** 2


def _is_zero(gradient: float) -> bool:
    return abs(gradient) < 1e-14


def _definition():
    w = np.array(0.7)

    def d(f, at):
        return float(complex_step_gradient(lambda z: f(z), np.asarray(at)))

    one_step_zero = d(lambda z: _scalar_loss(z, [0.4], 0.0), w)
    one_step = d(lambda z: _scalar_loss(z, [0.4], 0.5), w)
    back_to_start = d(lambda z: _scalar_loss(0.0, [0.4, 0.1, -0.2], z), 0.5)
    first_half = d(lambda z: _scalar_loss(0.7, [z, 0.1, -0.2], 0.5), 0.4)
    # h_t = w h_{t-1} without tanh, L = h_10: dL/dw = 10 w^9 h_0, and at k = 3 alone w^9 h_0
    total = 10 * 1.1**9
    one_share = 1.1 ** (10 - 3) * 1.1 ** (3 - 1)
    rng = np.random.default_rng(0)
    y, target = rng.normal(size=(2, 7, 11, 2))
    ratio = np.sum(2 * (y - target)) / np.sum(2 * (y - target) / y.size)
    return {
        "W_hh_after_one_step_from_zero": _is_zero(one_step_zero),
        "W_hh_after_one_step_from_h_0": _is_zero(one_step),
        "h_0_if_W_hh_is_zero": _is_zero(back_to_start),
        "x_1_if_the_loss_is_at_the_end": _is_zero(first_half),
        "slope_of_tanh_negative_somewhere": bool((1 - np.tanh(np.linspace(-9, 9, 999)) ** 2).min()
                                                 < 0),
        "share_of_step_3": one_share / total,
        "sum_over_mean": ratio,
    }  # fmt: skip


def _attempt():
    return {
        "W_hh_after_one_step_from_zero": True,
        "W_hh_after_one_step_from_h_0": False,
        "h_0_if_W_hh_is_zero": True,
        "x_1_if_the_loss_is_at_the_end": False,
        "slope_of_tanh_negative_somewhere": False,
        "share_of_step_3": 0.1,
        "sum_over_mean": 154,
    }


EXERCISE = Exercise(
    name="02.which_are_zero",
    title="Known before it is computed",
    kind="predict",
    inputs={},
    outputs={
        "W_hh_after_one_step_from_zero": "yes or no",
        "W_hh_after_one_step_from_h_0": "yes or no",
        "h_0_if_W_hh_is_zero": "yes or no",
        "x_1_if_the_loss_is_at_the_end": "yes or no",
        "slope_of_tanh_negative_somewhere": "yes or no",
        "share_of_step_3": "",
        "sum_over_mean": "",
    },
    definition=_definition,
    attempt=_attempt,
    rtol=0.01,
    points=3,
    cases=(
        Case("your answers", lambda rng: {},
             "Each answer follows from one line of the chapter; none needs a computer."),
    ),
    hints=(
        "What did W_hh multiply in the only step that there is?",
        "Read (2.10) and (2.13) of notebook 02 as sentences: which factors are zero? For the "
        "share, write h_10 = w^10 h_0 and count how often w occurs.",
        "dL/dw of w^10 h_0 has ten equal terms, one for each step. A sum and a mean differ by the "
        "number of terms: T·B·K.",
    ),
    mistakes=(
        Mistake("expects a gradient where W_hh multiplied zero",
                "dL/dW_hh at one step is dL/da times the state that entered. Which state was it?",
                (('from_zero": True', 'from_zero": False'),)),
        Mistake("expects zero although h_0 is not",
                "One step from h_0 = 0.5: what did W_hh multiply?",
                (('from_h_0": False', 'from_h_0": True'),)),
        Mistake("expects the start to be heard without a wire",
                "By which way does h_0 reach the loss, if W_hh is zero?",
                (('h_0_if_W_hh_is_zero": True', 'h_0_if_W_hh_is_zero": False'),)),
        Mistake("expects that an early input is not heard at the end",
                "x_1 is in h_1, h_1 in h_2, h_2 in h_3. Where would the gradient stop?",
                (('at_the_end": False', 'at_the_end": True'),)),
        Mistake("takes 1 - a² for the slope of tanh",
                "The slope is 1 - tanh(a)². How large can tanh(a)² be?",
                (('somewhere": False', 'somewhere": True'),)),
        Mistake("thinks that the last steps have the larger share",
                "Without tanh, each of the ten places of w contributes w^9 h_0. How large is the "
                "share of one of them?",
                (('"share_of_step_3": 0.1', '"share_of_step_3": 1.1**-7'),)),
        Mistake("takes the share of three steps",
                "The question is about step 3 alone, not about steps 1 to 3.",
                (('"share_of_step_3": 0.1', '"share_of_step_3": 0.3'),)),
        Mistake("counts the steps only",
                "The mean runs over steps, sequences and outputs. How many numbers are that?",
                (('"sum_over_mean": 154', '"sum_over_mean": 7'),)),
        Mistake("counts steps and sequences, not outputs",
                "The mean runs over steps, sequences and outputs. Which of them is missing?",
                (('"sum_over_mean": 154', '"sum_over_mean": 77'),)),
        *(Mistake(f"weighs the steps by powers of w, {what}",
                  "Write out the term of step 3: what w multiplied there, times the way from there "
                  "to the end. Which power of w is it, and is it another one for step 5?",
                  (('"share_of_step_3": 0.1', f'"share_of_step_3": {share}'),))
          for what, share in (
              ("the way to the end", "1.1**7 / sum(1.1**i for i in range(10))"),
              ("the way to step 3", "1.1**2 / sum(1.1**i for i in range(10))"),
              ("a tenth of the way", "1.1**7 / 10"),
              ("the way alone", "1.1**7"),
              ("the whole term", "1.1**9"),
          )),
        Mistake("a share in percent",
                "A share lies between 0 and 1.",
                (('"share_of_step_3": 0.1', '"share_of_step_3": 10'),)),
        Mistake("counts steps and outputs, not sequences",
                "The mean runs over steps, sequences and outputs. Which of them is missing?",
                (('"sum_over_mean": 154', '"sum_over_mean": 14'),)),
        Mistake("counts sequences and outputs, not steps",
                "The mean runs over steps, sequences and outputs. Which of them is missing?",
                (('"sum_over_mean": 154', '"sum_over_mean": 22'),)),
        Mistake("takes the sum for the smaller one",
                "Which of the two is divided by the number of terms, sum or mean?",
                (('"sum_over_mean": 154', '"sum_over_mean": 1 / 154'),)),
    ),
)  # fmt: skip
