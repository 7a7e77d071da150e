"""Exercises of chapter 07: the continuous-time network and its composite loss."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "ctrnn",
    "time_constants",
    "repair_noise",
    "variance_and_dt",
    "fr_sd_cv",
    "huber",
    "smoothness",
    "repair_terms",
    "what_costs_what",
)
