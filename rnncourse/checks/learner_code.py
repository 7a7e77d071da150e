"""The learner's code, seen from outside: what runs of it, where it fails, and what it reads.

A frame is the learner's if its code is neither Python's, nor of an installed package, nor of this
one. By this the line of a failure is found, and the data that a function takes from outside.
"""

import dis
import functools
import inspect
import linecache
import os
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rnncourse.checks.returned import Failure

LONGEST_MESSAGE = 300  # characters that are kept
LONGEST_LINE = 200
MOST_NAMES = 100
DEEPEST_HELPER = 5  # functions that call functions, when their global names are looked up


class Stop(BaseException):
    """Raised in the learner's function when time is over; no `except Exception` catches it."""


class _Stoppable(Protocol):
    stopping: bool


class LearnerCode:
    """The code of an answer: which functions it starts with, what it reads, where it is.

    Parameters
    ----------
    answer : Any
        The learner's function, or whatever else was given in its place.
    ask : types.CodeType
        The code of the function that calls `answer`; a frame of it, and what led to it, is never
        the learner's.

    Notes
    -----
    `reads` holds the names of the data that the answer reads from outside of itself. It is empty
    for an object that nobody can look into.

    Examples
    --------
    >>> def ask(function):
    ...     return function(0.0)
    >>> inverse = lambda x: 1 / x
    >>> code = LearnerCode(inverse, ask.__code__)
    >>> try:
    ...     ask(inverse)
    ... except ZeroDivisionError as error:
    ...     failure = code.failure(error)
    >>> failure.kind, failure.line
    ('ZeroDivisionError', 1)
    """

    def __init__(self, answer: Any, ask: types.CodeType) -> None:
        self.reads: tuple[str, ...] = ()
        functions: list[types.FunctionType] = []
        with suppress(Exception):  # objects can be made that nobody can look into
            functions = list(_functions(answer))
            self.reads = _reads(functions)
        self._functions = functions  # keeps them alive, so that no number is used twice
        self._roots = {id(f.__code__) for f in functions}
        self._ask = ask

    def line_running(self, frame: types.FrameType | None) -> tuple[int | None, str]:
        """Return number and text of the learner's innermost line that runs in `frame`, if any."""
        while frame is not None and frame.f_code is not self._ask:
            if _is_learners(frame):
                return _line(frame, frame.f_lineno)
            frame = frame.f_back
        return None, ""

    def failure(self, error: BaseException) -> Failure:
        """Put an exception in words, with the learner's line that it came from."""
        learners, last = None, None
        trace = error.__traceback__
        while trace is not None:
            if _is_learners(trace.tb_frame):
                learners = trace
            elif id(trace.tb_frame.f_code) in self._roots:
                last = trace
            trace = trace.tb_next
        found = learners or last
        line, source = (None, "") if found is None else _line(found.tb_frame, found.tb_lineno)
        return Failure(kind_of(error), message_of(error), line, source)

    def recorder(self, called: set[str], worker: _Stoppable) -> Callable:
        """Return a profile function that adds each function of the package that runs to `called`.

        It also ends a function that was given up in a long compiled call and comes back from it:
        it raises `Stop` as soon as `worker` is ``stopping``.
        """
        done: dict[int, types.CodeType] = {}  # keeps them alive, so that no number is used twice
        roots, ask = self._roots, self._ask

        def profile(frame: types.FrameType, event: str, arg: Any) -> None:
            if worker.stopping:
                raise Stop
            if event != "call" or id(frame.f_code) in done:
                return
            code = frame.f_code
            module = frame.f_globals.get("__name__")
            if (
                not isinstance(module, str)
                or not module.startswith("rnncourse.")
                or module.startswith("rnncourse.checks")
                or code.co_filename.startswith("<")
                or code.co_name.startswith("<")
                or not code.co_flags & inspect.CO_OPTIMIZED  # the body of a class
            ):
                done[id(code)] = code
            elif _beneath_the_answer(frame, roots, ask):
                done[id(code)] = code
                called.add(f"{module}.{code.co_qualname}")

        return profile


# --- in words ---


def kind_of(error: BaseException) -> str:
    """Name the type of an exception, without asking the exception itself.

    Parameters
    ----------
    error : BaseException
        Any exception, a hostile one too.

    Returns
    -------
    str
        The name of its class, at most 80 characters.

    Notes
    -----
    No code of the learner's runs here; `message_of` has to run some.

    Examples
    --------
    >>> kind_of(ZeroDivisionError("division by zero"))
    'ZeroDivisionError'
    """
    return short(str(type.__dict__["__name__"].__get__(type(error))), 80)


def message_of(error: BaseException) -> str:
    """Read the message of an exception, or say that it cannot be read.

    Parameters
    ----------
    error : BaseException
        Any exception or warning, a hostile one too.

    Returns
    -------
    str
        Its message, cut to a readable length.

    Raises
    ------
    Stop
        If time runs out while the exception makes up its message.

    Notes
    -----
    Used for what a function raises and for what it warns of, notebooks 01 to 07.

    Examples
    --------
    >>> message_of(ValueError("h has no T"))
    'h has no T'
    """
    try:
        return short(str.__str__(str(error)), LONGEST_MESSAGE)
    except Stop:
        raise
    except BaseException as other:
        return f"(its message cannot be read: {kind_of(other)})"


def short(text: str, length: int) -> str:
    """Cut a text that is too long, and mark the cut.

    Parameters
    ----------
    text : str
        Any text.
    length : int
        How many characters may stay.

    Returns
    -------
    str
        The text, or its beginning and an ellipsis.

    Notes
    -----
    Names and messages come from the learner's code, and can be of any length.

    Examples
    --------
    >>> short("hidden", 6), short("hidden state", 6)
    ('hidden', 'hidde…')
    """
    return text if len(text) <= length else text[: length - 1] + "…"


# --- the learner's line ---


def _paths() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib") if key in paths}
    found |= {str(Path(os.__file__).parent), str(Path(__file__).parents[1])}
    return tuple(os.path.join(os.path.normcase(os.path.abspath(path)), "") for path in found)


_NOT_LEARNERS = _paths()


@functools.lru_cache(maxsize=4096)
def _installed(path: str) -> bool:
    """Whether a file is of Python, of an installed package, or of this one."""
    path = os.path.normcase(os.path.abspath(path))
    parts = Path(path).parts
    return path.startswith(_NOT_LEARNERS) or "site-packages" in parts or "dist-packages" in parts


def _is_learners(frame: types.FrameType) -> bool:
    return _is_learners_code(frame.f_code, frame.f_globals)


def _is_learners_code(code: types.CodeType, names: dict) -> bool:
    path = code.co_filename
    if path.startswith("<rnncourse"):  # a known mistake, made by `edited`
        return True
    if path.startswith("<frozen"):
        return False
    if path.startswith("<"):  # a cell, exec, or code that a package wrote
        if path.startswith("<ipython-input"):
            return True
        origin = names.get("__file__")
        return not (isinstance(origin, str) and names.get("__name__") != "__main__"
                    and _installed(origin))  # fmt: skip
    return not _installed(path)


def _line(frame: types.FrameType, number: int) -> tuple[int, str]:
    """The line's number in its cell or file, and its text."""
    source = ""
    with suppress(Exception):
        linecache.checkcache(frame.f_code.co_filename)
        source = linecache.getline(frame.f_code.co_filename, number, frame.f_globals)
    return number, short(source.strip(), LONGEST_LINE)


# --- what runs, and what is read ---


def _functions(answer: Any) -> Iterator[types.FunctionType]:
    """The Python functions that a call of `answer` starts with."""
    waiting, seen = [answer], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, types.FunctionType):
            yield thing
            waiting.append(thing.__dict__.get("__wrapped__"))
        elif isinstance(thing, functools.partial):
            waiting.append(thing.func)
        elif isinstance(thing, types.MethodType | staticmethod | classmethod):
            waiting.append(thing.__func__)
        elif isinstance(thing, property):
            waiting.append(thing.fget)
        elif type(thing).__name__ == "_lru_cache_wrapper":
            waiting.append(thing.__wrapped__)
        elif callable(thing):
            own = thing if isinstance(thing, type) else type(thing)
            for base in own.__mro__[:-1]:
                if not _is_installed_class(base):
                    waiting.extend(vars(base).values())
                elif own is not thing and "__call__" in vars(base):
                    waiting.append(vars(base)["__call__"])


def _is_installed_class(one: type) -> bool:
    module = sys.modules.get(one.__module__)
    if module is None:
        return False
    path = getattr(module, "__file__", None)
    if path is None:  # __main__ of a notebook has no file, nor has what is compiled in
        return one.__module__ != "__main__" and not isinstance(
            module.__dict__.get("__builtins__"), dict | types.ModuleType
        )
    return one.__module__ != "__main__" and _installed(path)


def _beneath_the_answer(
    frame: types.FrameType | None, roots: set[int], ask: types.CodeType
) -> bool:
    """Whether the learner's code led here, and not only the exercise's way to call it."""
    while frame is not None and frame.f_code is not ask:
        if id(frame.f_code) in roots or frame.f_code.co_filename.startswith("<rnncourse"):
            return True
        if not str(frame.f_globals.get("__name__")).startswith("rnncourse."):
            return True
        frame = frame.f_back
    return False


def _reads(functions: Sequence[types.FunctionType]) -> tuple[str, ...]:
    """The names of data that the learner's functions read from outside of themselves."""
    found: set[str] = set()
    seen: set[int] = set()
    level = list(functions)
    for _ in range(DEEPEST_HELPER + 1):
        following: list[types.FunctionType] = []
        for function in level:
            if id(function.__code__) in seen:
                continue
            seen.add(id(function.__code__))
            if not _is_learners_code(function.__code__, function.__globals__):
                continue
            for name, value in _outside(function):
                if _is_data(name, value):
                    found.add(short(name, 80))
                elif callable(value):
                    following.extend(_functions(value))
        level = following
    return tuple(sorted(found)[:MOST_NAMES])


def _outside(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """The global names and closure variables that a function reads, with their values."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        with suppress(ValueError):  # an empty cell
            yield name, cell.cell_contents
    names = function.__globals__
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        waiting.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
        # co_names holds attributes too; only if one could matter are the instructions read
        if not any(_matters(name, names[name]) for name in code.co_names if name in names):
            continue
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in names:
                yield step.argval, names[step.argval]


def _matters(name: str, value: Any) -> bool:
    return _is_data(name, value) or (callable(value) and not isinstance(value, np.ufunc))


def _is_data(name: str, value: Any) -> bool:
    """Whether a value from outside is data; a number with a longer UPPERCASE name is a constant.

    One letter, such as ``T`` or ``B``, is no constant: it is a size that an earlier cell left.
    """
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float | complex | np.number):
        return not (name.isupper() and len(name) > 1)
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray | list | dict) or (
        torch is not None and isinstance(value, getattr(torch, "Tensor", ()))
    )
