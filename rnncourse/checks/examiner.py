"""The calls that a learner makes: `check` an answer, ask for a `hint`, see an `example`."""

import copy
import functools
import inspect
import operator
import secrets
import sys
from collections.abc import Callable
from typing import Any

from IPython import get_ipython

from rnncourse.checks import card, record
from rnncourse.checks.call import call
from rnncourse.checks.catalogue import load
from rnncourse.checks.exercise import Exercise, Inputs, Outputs
from rnncourse.checks.judge import judge
from rnncourse.checks.layout import printable
from rnncourse.checks.verdict import Verdict

_MISSING = object()


class Report:
    """What a check found: shown once by the check itself, and again wherever it is asked for.

    Parameters
    ----------
    verdict : Verdict
        What the judge said.
    exercise : Exercise
        The exercise.
    """

    def __init__(self, verdict: Verdict, exercise: Exercise):
        self.verdict, self.exercise = verdict, exercise
        self._shown_in_this_cell = False

    @property
    def passed(self) -> bool:
        """Whether every test holds."""
        return self.verdict.passed

    @property
    def points(self) -> int:
        """What the answer is worth: all points of the exercise, or none."""
        return self.exercise.points if self.passed else 0

    @property
    def text(self) -> str:
        """The card as text."""
        return card.text(self.verdict, self.exercise)

    def __repr__(self) -> str:
        outcomes = self.verdict.outcomes
        if self.verdict.state in ("passed", "failed"):
            holding = sum(o.state == "holds" for o in outcomes)
            verb = "holds" if 1 in (holding, len(outcomes)) else "hold"
            tests = "1 test" if len(outcomes) == 1 else f"{len(outcomes)} tests"
            return f"<{self.exercise.name}: {holding} of {tests} {verb}>"
        words = {"not implemented": "not yet implemented"}.get(self.verdict.state)
        return f"<{self.exercise.name}: {words or self.verdict.state}>"

    def _repr_html_(self) -> str:
        return card.html(self.verdict, self.exercise)

    def _show(self) -> None:
        shell = get_ipython()
        _show(self.text, self._repr_html_)
        if shell is not None:
            # a report that is also the cell's last value is not shown a second time; the end of
            # the cell is an event, as its number does not grow in every tool that runs notebooks
            self._shown_in_this_cell = True

            def at_the_end_of_the_cell() -> None:
                self._shown_in_this_cell = False
                shell.events.unregister("post_execute", at_the_end_of_the_cell)

            shell.events.register("post_execute", at_the_end_of_the_cell)

    def _ipython_display_(self) -> None:
        if not self._shown_in_this_cell:
            _show(self.text, self._repr_html_)


def check(name: str, answer: Any = _MISSING, *, seed: int | None = None) -> Report:
    """Check an answer to an exercise, and show what was tried and what is wrong.

    Parameters
    ----------
    name : str
        The exercise's name, for example ``"02.bptt"``.
    answer : Callable
        Your function itself, without parentheses. Where an exercise has no inputs, a value is
        an answer too.
    seed : int, optional
        What the instances are drawn from: that of an earlier report repeats it. A fresh one if
        not given.

    Returns
    -------
    Report
        With ``passed``, ``points`` and the whole ``verdict``.

    Raises
    ------
    TypeError
        If the arguments are not a name and an answer; the message says what to write.
    ValueError
        If there is no exercise of this name, or the seed is negative.

    Notes
    -----
    The answer is compared with a definition on instances that are drawn afresh each time. The
    exercises of notebooks 01 to 07 call it.

    Examples
    --------
    >>> from rnncourse.bptt import bptt
    >>> report = check("02.bptt", bptt)   # doctest: +ELLIPSIS
    – 02.bptt · Back-propagation through time · nothing was tested
    ...
    >>> report.passed
    False
    """
    problem = _problem(name, answer, seed)
    if problem is not None:
        raise problem
    exercise = load(name)
    seed = secrets.randbits(32) if seed is None else operator.index(seed)
    report = Report(_examine(exercise, answer, seed), exercise)
    record.add_check(report.verdict)
    report._show()
    return report


def hint(name: str, step: int | None = None) -> None:
    """Show the next hint of an exercise: a question, a pointer, nearly the answer.

    Parameters
    ----------
    name : str
        The exercise's name, for example ``"02.bptt"``.
    step : int, optional
        1, 2 or 3 shows this one; the next one if not given.

    Raises
    ------
    TypeError
        If `name` is no name.
    ValueError
        If there is no exercise of this name, or no such step.

    Notes
    -----
    How many hints were shown is written down in the learner's progress. The exercises of
    notebooks 01 to 07 have three hints each.

    Examples
    --------
    >>> hint("02.bptt", 4)
    Traceback (most recent call last):
    ...
    ValueError: step is 4; expected 1, 2 or 3, or nothing for the next hint
    """
    problem = _problem_of_the_name(name)
    if problem is None and step is not None and (isinstance(step, bool) or step not in (1, 2, 3)):
        problem = ValueError(f"step is {step!r}; expected 1, 2 or 3, or nothing for the next hint")
    if problem is not None:
        raise problem
    exercise = load(name)
    step = record.last_hint(name) + 1 if step is None else int(step)
    if step <= len(exercise.hints):
        record.add_hint(name, step)
    _show(card.hint_text(exercise, step), lambda: card.hint_html(exercise, step))


def example(name: str, seed: int = 0) -> None:
    """Print a small example: inputs of an exercise and the right outputs.

    Parameters
    ----------
    name : str
        The exercise's name, for example ``"02.bptt"``.
    seed : int
        What the inputs are drawn from.

    Raises
    ------
    TypeError
        If `name` is no name.
    ValueError
        If there is no exercise of this name, or the seed is negative.

    Notes
    -----
    The outputs come from the exercise's definition, which is slow and obvious. The exercises of
    notebooks 01 to 07 begin with it.

    Examples
    --------
    >>> example("02.bptt")   # doctest: +ELLIPSIS
    02.bptt · Back-propagation through time · a small example
    ...
    """
    problem = _problem_of_the_name(name) or _problem_of_the_seed(seed)
    if problem is not None:
        raise problem
    exercise = load(name)
    if exercise.asks_for_values:
        _say(
            f"{name} · {exercise.title}: here an example would be the answer. "
            f'hint("{name}") asks a question that leads to it.'
        )
        return
    case = exercise.cases[exercise.example]
    inputs = exercise.instances(operator.index(seed))[exercise.example]
    outputs = None if case.holds is not None else _right(exercise, inputs)
    _say(card.example_text(exercise, inputs, outputs))


def progress() -> record.Table:
    """Return the table of all exercises: which you passed, with how many attempts and hints.

    Returns
    -------
    rnncourse.checks.record.Table
        Shown as a table where it is the last value of a cell.

    Notes
    -----
    Notebook 00; ``python -m rnncourse progress`` prints the same table.

    Examples
    --------
    >>> progress().rows[0].exercise.startswith("0")
    True
    """
    return record.table()


# --- one answer ---


def _examine(exercise: Exercise, answer: Any, seed: int) -> Verdict:
    own = _own_name(answer)
    if own:
        note = f"This is the package's own `{own}`, which the course tests already."
        return Verdict(exercise.name, seed, "declined", (), notes=(note,))
    return judge(exercise, seed, call(exercise, answer, exercise.instances(seed)))


def _own_name(answer: Any) -> str:
    """The full name of a function of the package; empty for a learner's."""
    for _ in range(100):  # layers that lead round in a circle end as well
        if isinstance(answer, functools.partial):
            answer = answer.func
        elif inspect.ismethod(answer):
            answer = answer.__func__
        elif callable(inspect.getattr_static(answer, "__wrapped__", None)):
            answer = inspect.getattr_static(answer, "__wrapped__")
        else:
            break
    is_named = inspect.isroutine(answer) or inspect.isclass(answer)
    thing = answer if is_named else type(answer)
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if isinstance(module, str) and module.split(".")[0] == __name__.split(".")[0]:
        return f"{module}.{name}"
    return ""


def _right(exercise: Exercise, inputs: Inputs) -> Outputs:
    """The right outputs by name."""
    given = exercise.definition(**copy.deepcopy(inputs))
    names = list(exercise.outputs)
    if isinstance(given, dict) and set(given) >= set(names):
        return {name: given[name] for name in names}
    return dict(zip(names, given if len(names) > 1 else (given,), strict=True))


# --- wrong calls ---


def _problem(name: Any, answer: Any, seed: Any) -> Exception | None:
    if callable(name) and isinstance(answer, str):
        return TypeError(f"the name comes first: check({answer!r}, {_word(name)})")
    problem = _problem_of_the_name(name)
    if problem is not None:
        return problem
    mine = f'check("{name}", my_{name.split(".")[-1]})'
    if answer is _MISSING:
        return TypeError(f"check needs your function too: {mine}")
    if not callable(answer) and answer is not ... and load(name).inputs:
        got = "None" if answer is None else f"a value of type {type(answer).__name__}"
        return TypeError(f"give check your function itself, without calling it: {mine}; got {got}")
    return _problem_of_the_seed(seed)


def _problem_of_the_name(name: Any) -> Exception | None:
    try:
        load(name)
    except (TypeError, ValueError) as error:
        return type(error)(*error.args)
    return None


def _problem_of_the_seed(seed: Any) -> Exception | None:
    if seed is None:
        return None
    try:
        number = operator.index(seed)
    except TypeError:
        return TypeError(f"seed is {seed!r}; expected a whole number, as a report shows it")
    return ValueError(f"seed is {number}; expected 0 or more") if number < 0 else None


def _word(function: Any) -> str:
    return getattr(function, "__name__", "my_function")


# --- showing ---


def _show(text: str, html: Callable[[], str]) -> None:
    if get_ipython() is None:
        _say(text)
        return
    from IPython.display import display

    display({"text/plain": text, "text/html": html()}, raw=True)


def _say(text: str) -> None:
    print(printable(text, getattr(sys.stdout, "encoding", None)))
