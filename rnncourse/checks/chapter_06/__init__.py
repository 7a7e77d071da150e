"""Exercises of chapter 06: gated cells."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "lstm_step",
    "lstm_backward",
    "gru_step",
    "peephole",
    "projection",
    "repair_backward",
    "repair_onnx",
    "gates_in_numbers",
    "half_life",
)
