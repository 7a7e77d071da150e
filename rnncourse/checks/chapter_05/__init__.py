"""Exercises of chapter 05: training tricks."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "orthogonal",
    "variational_mask",
    "layer_norm",
    "rms_norm",
    "zoneout",
    "repair_dropout",
    "repair_batch_norm",
    "what_survives",
    "start_and_lag",
)
