"""01.counting: what can be counted before a network is built, counted here on one that is."""

import math

import numpy as np

from rnncourse.cell import init_params
from rnncourse.checks.exercise import Case, Exercise, Mistake


def _definition():
    """Build the network of the questions and count."""
    D, N, K, T, B = 3, 5, 2, 7, 4
    params = init_params(D, N, K, np.random.default_rng(0))
    entries = sum(array.size for array in params)
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(T, B, K))
    ones = np.array([1.0, *-np.ones(9)])  # the largest logits that a tanh readout can give
    largest = math.exp(ones[0]) / sum(math.exp(z) for z in ones)
    valid = np.arange(10)[:, None] < np.array([10, 2])
    return {
        "parameters": entries,
        "parameters_if_T_doubles": sum(
            array.size for array in init_params(D, N, K, np.random.default_rng(0))
        ),
        "states_to_keep": T * np.zeros((B, N)).size,
        "sum_over_mean": np.sum(2 * errors) / np.sum(2 * errors / errors.size),
        "cost_of_knowing_nothing": -math.log(1 / 10),
        "largest_probability_with_tanh_readout": largest,
        "valid_steps": int(valid.sum()),
        "past_reaches_through_state_only": True,
    }


def _attempt():
    return {
        "parameters": 57,
        "parameters_if_T_doubles": 57,
        "states_to_keep": 140,
        "sum_over_mean": 56,
        "cost_of_knowing_nothing": 2.303,
        "largest_probability_with_tanh_readout": 0.451,
        "valid_steps": 12,
        "past_reaches_through_state_only": True,
    }


EXERCISE = Exercise(
    name="01.counting",
    title="Counted beforehand",
    kind="predict",
    inputs={},
    outputs={
        "parameters": "",
        "parameters_if_T_doubles": "",
        "states_to_keep": "",
        "sum_over_mean": "",
        "cost_of_knowing_nothing": "",
        "largest_probability_with_tanh_readout": "",
        "valid_steps": "",
        "past_reaches_through_state_only": "yes or no",
    },
    definition=_definition,
    attempt=_attempt,
    rtol=0.005,
    points=3,
    cases=(
        Case("your answers", lambda rng: {},
             "Write the shapes of all arrays on paper: the counts are products of sizes. The two "
             "about the softmax follow from (1.6)."),
    ),
    hints=(
        "How many entries has W_xh? And which of the sizes T and B does any weight depend on?",
        "Notebook 01: the shapes of (1.1) and (1.3) for the counts, (1.6) for the softmax, section "
        "4 for sum, mean and mask.",
        "N D + N N + K N + N + K parameters; T B N numbers in the states; T B K terms in the sum; "
        "ln K nats; e / (e + 9/e).",
    ),
    mistakes=(
        Mistake("the biases are not counted",
                "Which arrays do (1.1) and (1.3) add without multiplying?",
                (('"parameters": 57', '"parameters": 50'),)),
        Mistake("the readout is not counted",
                "W_hy and b_y are parameters too.",
                (('"parameters": 57', '"parameters": 45'),)),
        Mistake("each step has weights of its own",
                "How many different W_hh does the network have, if it is unrolled over 14 steps?",
                (('"parameters_if_T_doubles": 57', '"parameters_if_T_doubles": 114'),)),
        Mistake("the batch is not counted in the states",
                "Each of the B sequences has its own states.",
                (('"states_to_keep": 140', '"states_to_keep": 35'),)),
        Mistake("only the last state is kept",
                "Which states does the backward sweep need?",
                (('"states_to_keep": 140', '"states_to_keep": 20'),)),
        Mistake("the mean over the steps only",
                "The mean runs over steps, sequences and outputs.",
                (('"sum_over_mean": 56', '"sum_over_mean": 7'),)),
        Mistake("the mean over steps and sequences only",
                "Each step of each sequence has K outputs: they are in the mean too.",
                (('"sum_over_mean": 56', '"sum_over_mean": 28'),)),
        Mistake("in bits",
                "The course counts in nats: the natural logarithm.",
                (('"cost_of_knowing_nothing": 2.303', '"cost_of_knowing_nothing": 3.322'),)),
        Mistake("the probability in the place of its cost",
                "The cost is -ln of the probability.",
                (('"cost_of_knowing_nothing": 2.303', '"cost_of_knowing_nothing": 0.1'),)),
        Mistake("thinks that the softmax can reach 1",
                "tanh lies between -1 and 1. What is the softmax of one 1 and nine -1?",
                (('tanh_readout": 0.451', 'tanh_readout": 1.0'),)),
        Mistake("takes two classes for ten",
                "There are ten classes: nine others stand in the denominator.",
                (('tanh_readout": 0.451', 'tanh_readout": 0.881'),)),
        Mistake("padding is counted",
                "Lengths 10 and 2 in an array of 10 rows: how many steps are valid?",
                (('"valid_steps": 12', '"valid_steps": 20'),)),
        Mistake("thinks that old inputs reach the output by another way",
                "Cut the state between two steps: what does the later part know of the earlier?",
                (('only": True', 'only": False'),)),
        Mistake("one bias only is counted",
                "Which arrays do (1.1) and (1.3) add without multiplying? There are two.",
                (('"parameters": 57', '"parameters": 55'),)),
        Mistake("the bias of the units is not counted",
                "Which arrays do (1.1) and (1.3) add without multiplying? There are two.",
                (('"parameters": 57', '"parameters": 52'),)),
        Mistake("h_0 is counted too",
                "The question counts h_1 to h_T. Is h_0 among them?",
                (('"states_to_keep": 140', '"states_to_keep": 160'),)),
        Mistake("the mean over sequences and outputs only",
                "The mean runs over the steps too.",
                (('"sum_over_mean": 56', '"sum_over_mean": 8'),)),
        Mistake("the mean over steps and outputs only",
                "The mean runs over the sequences of the batch too.",
                (('"sum_over_mean": 56', '"sum_over_mean": 14'),)),
        Mistake("the sum taken for the smaller one",
                "Which of the two is divided by the number of terms, sum or mean?",
                (('"sum_over_mean": 56', '"sum_over_mean": 1 / 56'),)),
        Mistake("the other logits taken as 0",
                "How low may the other nine logits be, between -1 and 1?",
                (('tanh_readout": 0.451', 'tanh_readout": 0.232'),)),
        Mistake("the rows of the array are counted",
                "Each row holds a step of two sequences. How many steps of each are valid?",
                (('"valid_steps": 12', '"valid_steps": 10'),)),
    ),
)  # fmt: skip
