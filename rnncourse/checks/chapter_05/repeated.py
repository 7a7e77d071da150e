"""How the exercises that draw random numbers are called: once, or several times."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnncourse.checks.exercise import Inputs, call_plain


def call_repeatedly(function: Callable, inputs: Inputs) -> Any:
    """Call a function with a generator, several times if the inputs say so.

    Parameters
    ----------
    function : Callable
        The learner's function, with ``rng`` as its first argument.
    inputs : dict
        Its arguments, with ``seed`` in the place of ``rng``. With ``times`` it is called so often
        with one generator; with ``same_seed`` each time with a new generator of the same seed.

    Returns
    -------
    Any
        What `function` returns; a list of that if ``times`` is among the inputs.

    Notes
    -----
    Used for the starts and the masks of notebook 05.

    Examples
    --------
    >>> once = {"seed": 0, "n": 2}
    >>> call_repeatedly(lambda rng, n: rng.integers(10, size=n).tolist(), once)
    [8, 6]
    >>> twice = once | {"times": 2, "same_seed": True}
    >>> call_repeatedly(lambda rng, n: rng.integers(10, size=n).tolist(), twice)
    [[8, 6], [8, 6]]
    """
    given = {k: v for k, v in inputs.items() if k not in ("seed", "times", "same_seed")}

    def generator() -> np.random.Generator:
        return np.random.default_rng(inputs["seed"])

    if "times" not in inputs:
        return call_plain(function, {"rng": generator(), **given})
    rng, answers = generator(), []
    for _ in range(inputs["times"]):
        rng = generator() if inputs.get("same_seed") else rng
        answers.append(call_plain(function, {"rng": rng, **given}))
    return answers
