"""Exercises of chapter 04: training."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "first_steps",
    "clip",
    "adam",
    "lion",
    "triangular",
    "early_stopping",
    "repair_loop",
    "repair_stream",
    "largest_rate",
)
