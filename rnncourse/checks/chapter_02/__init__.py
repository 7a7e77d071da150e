"""Exercises of chapter 02: back-propagation through time."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "loss_gradient",
    "bptt",
    "contribution",
    "softplus",
    "two_back",
    "repair_in_place",
    "repair_gradcheck",
    "which_are_zero",
    "best_eps",
)
