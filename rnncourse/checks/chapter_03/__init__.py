"""Exercises of chapter 03: gradient norms."""

# in the order of the exercise notebook; each word is a module
WORDS: tuple[str, ...] = (
    "jacobian",
    "product",
    "bounds",
    "power_iteration",
    "repair_decay",
    "norm_above_one",
    "lyapunov_measured",
)
