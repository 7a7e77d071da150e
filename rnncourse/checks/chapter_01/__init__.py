"""Exercises of chapter 01: unrolling."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "step",
    "unroll",
    "last_valid",
    "jordan",
    "two_layers",
    "repair_pieces",
    "repair_padding",
    "counting",
    "forgetting",
)
