"""What an exercise is: its cases, its definition, its hints, and its known mistakes.

An exercise is data. Nothing in it calls a learner's function: `rnncourse.checks.call` does that,
and `rnncourse.checks.judge` compares what came back with the definition.
"""

import inspect
import linecache
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rnncourse.checks.returned import Plain

Inputs = dict[str, Plain]
Outputs = dict[str, Any]  # arrays, numbers, words, or a Band

KINDS = {
    "write": "write it",
    "repair": "find the bug",
    "predict": "predict and explain",
    "experiment": "experiment",
}


@dataclass(frozen=True)
class Band:
    """An interval in which a measured number has to lie.

    Parameters
    ----------
    low, high : float or numpy.ndarray
        The ends, both included.
    """

    low: Any
    high: Any


@dataclass(frozen=True)
class Case:
    """One test of an exercise: the inputs of one call, and what has to hold of the answer.

    Parameters
    ----------
    name : str
        What is special about it, for example ``"one step from h_0 = 0"``.
    make : Callable
        ``make(rng) -> dict`` draws the inputs, by the names of the arguments. Other draws each
        time, of the same kind.
    tells : str
        What a failure here means when all cases before it hold and no known mistake fits.
    holds : Callable or None
        ``holds(inputs, outputs) -> str`` for an answer that is not unique, such as a random mask:
        an empty string, or what is wrong with it. None compares with the definition.
    """

    name: str
    make: Callable[[np.random.Generator], Inputs]
    tells: str = ""
    holds: Callable[[Inputs, Outputs], str] | None = None


@dataclass(frozen=True)
class Mistake:
    """A mistake as a wrong implementation that runs, with the hint that helps against it.

    Parameters
    ----------
    name : str
        What is done wrong, as a learner would say it: ``"no gradient from the future"``.
    hint : str
        One or two sentences that lead to the mistake; mostly a question.
    edits : tuple of (str, str)
        Pieces of the source of the exercise's attempt, each with what stands there instead. Each
        piece occurs exactly once.
    wrong : Callable or None
        The wrong implementation itself, where no small edit makes it.
    """

    name: str
    hint: str
    edits: tuple[tuple[str, str], ...] = ()
    wrong: Callable | None = None


def is_shape(axes: str) -> bool:
    """Whether a description of an input or output names the axes of an array.

    Parameters
    ----------
    axes : str
        Such as ``"T B D"``, ``"4N D"``, ``"T+1 B 1"``; or words, such as ``"a number"``.

    Returns
    -------
    bool
        True for axes; False for words, and for one number, which is described by ``""``.

    Notes
    -----
    Used by the cards of all exercises, notebooks 01 to 07.

    Examples
    --------
    >>> is_shape("T B 1"), is_shape("4N D"), is_shape("a number"), is_shape("")
    (True, True, False, False)
    """
    return bool(axes) and all(re.fullmatch(r"[\d+*-]*[A-Z]?[\d+*-]*", a) for a in axes.split())


class WrongCall(TypeError):
    """A function that cannot be called as the exercise does; the message is for the learner."""


def call_plain(function: Callable, inputs: Inputs) -> Any:
    """Call a function with the inputs as keyword arguments, or in order under its own names.

    Parameters
    ----------
    function : Callable
        The learner's function.
    inputs : dict
        The arguments by name, in the order of the exercise's signature.

    Returns
    -------
    Any
        What `function` returns.

    Raises
    ------
    WrongCall
        If `function` does not take that many arguments.

    Notes
    -----
    Used for most exercises of notebooks 01 to 06.

    Examples
    --------
    >>> call_plain(lambda state, weight: weight * state, {"h": 2.0, "w": 0.5})
    1.0
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some built-in functions have none
        return function(*inputs.values())
    try:
        signature.bind(**inputs)
    except TypeError:
        pass
    else:
        return function(**inputs)
    try:
        signature.bind(*inputs.values())
    except TypeError:
        names = ", ".join(inputs)
        mine = ", ".join(signature.parameters)
        raise WrongCall(f"the exercise calls it with ({names}), yours takes ({mine})") from None
    return function(*inputs.values())


def call_with_rng(function: Callable, inputs: Inputs) -> Any:
    """Call a function with a generator ``rng`` in the place of the input ``seed``.

    Parameters
    ----------
    function : Callable
        The learner's function, with an argument ``rng``.
    inputs : dict
        The arguments by name; ``seed`` is an integer.

    Returns
    -------
    Any
        What `function` returns.

    Raises
    ------
    WrongCall
        If `function` does not take that many arguments.

    Notes
    -----
    Used for the exercises of notebook 05 that draw random numbers.

    Examples
    --------
    >>> call_with_rng(lambda rng, n: rng.normal(size=n).shape, {"seed": 0, "n": 3})
    (3,)
    """
    drawn = {
        "rng" if name == "seed" else name: np.random.default_rng(value) if name == "seed" else value
        for name, value in inputs.items()
    }
    return call_plain(function, drawn)


def call_with_tensors(function: Callable, inputs: Inputs) -> Any:
    """Call a function with torch tensors, float64, in the place of arrays.

    Parameters
    ----------
    function : Callable
        The learner's function.
    inputs : dict
        The arguments by name.

    Returns
    -------
    Any
        What `function` returns.

    Raises
    ------
    WrongCall
        If `function` does not take that many arguments.

    Notes
    -----
    Used for the exercises of notebook 07.

    Examples
    --------
    >>> call_with_tensors(lambda r: type(r).__name__, {"r": np.zeros(3)})
    'Tensor'
    """
    import torch

    return call_plain(
        function,
        {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in inputs.items()},
    )


def call_with_gradient(*names: str) -> Callable[[Callable, Inputs], dict]:
    """Make a call that also returns the gradient of a scalar answer, found by torch.

    Parameters
    ----------
    *names : str
        The inputs at which to take the gradient.

    Returns
    -------
    Callable
        ``call(function, inputs)`` returns a dict with ``"value"`` and, for each name, the gradient
        ``"dL_d" + name``, of the same shape as that input.

    Notes
    -----
    Used for the loss terms of notebook 07: a term that stops the gradient has the right value.

    Examples
    --------
    >>> both = call_with_gradient("r")(lambda r: (r**2).sum(), {"r": np.array([1.0, 3.0])})
    >>> both["dL_dr"].tolist()
    [2.0, 6.0]
    """

    def call(function: Callable, inputs: Inputs) -> dict:
        import torch

        tensors = {
            k: torch.from_numpy(v).requires_grad_(k in names) if isinstance(v, np.ndarray) else v
            for k, v in inputs.items()
        }
        value = call_plain(function, tensors)
        if not isinstance(value, torch.Tensor):
            raise WrongCall(f"a torch tensor with one entry is expected, not {_kind(value)}")
        if value.numel() != 1:
            shape = tuple(value.shape)
            raise WrongCall(f"a loss is one number; yours has the shape {shape}")
        found: tuple = (None,) * len(names)
        if value.requires_grad:
            found = torch.autograd.grad(value.sum(), [tensors[k] for k in names], allow_unused=True)
        gradients = {
            f"dL_d{k}": torch.zeros_like(tensors[k]) if g is None else g
            for k, g in zip(names, found, strict=True)
        }
        return {"value": value.sum(), **gradients}

    return call


def _kind(value: Any) -> str:
    return "None: is there a return?" if value is None else f"a {type(value).__name__}"


@dataclass(frozen=True)
class Exercise:
    """One exercise: what a function has to return on each case, and what is known to go wrong.

    Parameters
    ----------
    name : str
        Chapter and word, for example ``"02.bptt"``; the module ``chapter_02/bptt.py`` holds it.
    title : str
        A short title, as in the notebook.
    kind : {"write", "repair", "predict", "experiment"}
        What the learner does.
    inputs : dict
        The arguments in order, each with its axes (``"T B D"``) or what it is (``"a number"``).
    outputs : dict
        What is returned, in order: axes (``"T B N"``, ``"4N D"``), ``""`` for one number,
        ``"yes or no"``, or ``"word"``. One output may be returned by itself; several as a tuple
        in this order or as a dict.
    definition : Callable
        ``definition(**inputs)`` returns the right outputs by the definition: sums written out,
        central differences, autograd, exact values. Slow and obvious.
    attempt : Callable
        A right implementation as a learner would write it; the mistakes are edits of its source.
    cases : tuple of Case
        In the order in which they are told of: what isolates one line first, the small before
        the large.
    hints : tuple of three str
        A question, a pointer to the equation, nearly the answer.
    mistakes : tuple of Mistake
        What is known to go wrong.
    answers : tuple of str
        Functions of the package that would be the answer, for example ``"rnncourse.bptt.bptt"``.
    call : Callable
        How the function is called with the inputs of a case: ``call(function, inputs)``.
    points : int
        What it is worth in a class.
    rtol, atol : float
        Allowed error relative to the largest entry of an output, and absolute.
    may_change : tuple of str
        Inputs that the function may change.
    example : int
        The number of the case that is shown as an example.
    by_values : bool
        Whether a mistake is known by its values too. False where answers are random: then it is
        known by the cases that fail.
    """

    name: str
    title: str
    kind: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    definition: Callable[..., Any]
    attempt: Callable[..., Any]
    cases: tuple[Case, ...]
    hints: tuple[str, str, str]
    mistakes: tuple[Mistake, ...]
    answers: tuple[str, ...] = ()
    call: Callable[[Callable, Inputs], Any] = call_plain
    points: int = 4
    rtol: float = 1e-6
    atol: float = 1e-8
    may_change: tuple[str, ...] = ()
    example: int = 0
    by_values: bool = True

    def instances(self, seed: int) -> list[Inputs]:
        """Return the inputs of every case, drawn from `seed`.

        Parameters
        ----------
        seed : int
            The same seed draws the same inputs.

        Returns
        -------
        list of dict
            One for each case.
        """
        return [case.make(np.random.default_rng([seed, i])) for i, case in enumerate(self.cases)]

    def wrong(self, mistake: Mistake) -> Callable:
        """Return the wrong implementation of a mistake.

        Parameters
        ----------
        mistake : Mistake
            One of this exercise.

        Returns
        -------
        Callable
            It takes the same arguments as the attempt.

        Raises
        ------
        ValueError
            If a piece that the mistake replaces does not occur exactly once.
        """
        if mistake.wrong is not None:
            return mistake.wrong
        if mistake.name not in self._wrong:
            self._wrong[mistake.name] = edited(self.attempt, *mistake.edits)
        return self._wrong[mistake.name]

    @property
    def asks_for_values(self) -> bool:
        """Whether the answer is a few values, so that a card must not show the right ones."""
        return self.kind in ("predict", "experiment")

    @cached_property
    def judged_mistakes(self) -> dict[int, list]:
        """What the judge remembers of the known mistakes, by seed."""
        return {}

    @cached_property
    def _wrong(self) -> dict[str, Callable]:
        return {}

    @cached_property
    def signature(self) -> str:
        """How the function is called, with shapes."""
        arguments = ", ".join(self.inputs)
        returned = ", ".join(
            f"{n} ({', '.join(axes.split())})" if is_shape(axes) else n
            for n, axes in self.outputs.items()
        )
        return f"({arguments}) -> {returned}"


def edited(function: Callable, *edits: tuple[str, str]) -> Callable:
    """Return a function whose source differs in a few places.

    Parameters
    ----------
    function : Callable
        A function of a module; its source is read.
    *edits : tuple of (str, str)
        A piece of the source, which occurs exactly once, and what stands there instead.

    Returns
    -------
    Callable
        The other function, with the same globals.

    Raises
    ------
    ValueError
        If a piece does not occur exactly once.

    Notes
    -----
    This is how the known mistakes of notebooks 01 to 07 are written: as the line that differs.

    Examples
    --------
    >>> edited(call_plain, ("return function(**inputs)", "return 'nothing'"))(abs, {"x": -1})
    1
    """
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in edits:
        if source.count(old) != 1:
            raise ValueError(
                f"{old!r} occurs {source.count(old)} times in {function.__name__}; "
                f"an edit needs a piece that occurs once"
            )
        source = source.replace(old, new)
    path = f"<{function.__module__}.{function.__name__}, edited {abs(hash(source))}>"
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    namespace: dict[str, Any] = {}
    exec(compile(source, path, "exec"), function.__globals__, namespace)
    return namespace[function.__name__]
