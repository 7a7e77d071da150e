"""The call of a learner's function: inputs in, records made of plain values out.

The function runs in a thread of its own with copies of the inputs, under a time limit, with its
prints and warnings caught; whatever it does is written down in a `Returned`. Afterwards the
notebook is as it was before: streams, warnings, working folder, random states, torch's settings.

What this cannot survive, because it shares a process with the function: ``os._exit``, a crash in
compiled code, all memory used up, compiled code that never lets Python's other threads run (a
regular expression that backtracks without end, ``sum(range(10**12))``), and what is written past
``sys.stdout`` (``os.write``, a child process). A class therefore runs it in a sandbox.
"""

import builtins
import copy
import ctypes
import dis
import functools
import inspect
import io
import linecache
import os
import random
import sys
import sysconfig
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from rnncourse.checks.exercise import Exercise, Inputs, WrongCall
from rnncourse.checks.returned import Failure, Returned, Unreadable, plain, unchanged

SECONDS = 1.5  # for all calls together
PATIENCE = 0.5  # seconds in which a function that is too slow is told to stop
LONGEST_PRINT = 500  # characters that are kept
LONGEST_MESSAGE = 300
LONGEST_LINE = 200
MOST_WARNINGS = 3
MOST_NAMES = 100
DEEPEST_HELPER = 5  # functions that call functions, when their global names are looked up
STACK = 64 * 2**20  # bytes, so that deep recursion ends in a RecursionError


def call(
    exercise: Exercise, answer: Any, inputs: Sequence[Inputs], seconds: float = SECONDS
) -> list[Returned]:
    """Run a learner's answer once for each of some inputs, and write down what happened.

    Parameters
    ----------
    exercise : Exercise
        The exercise; it knows how its function is called.
    answer : Any
        The learner's function, or the answer itself where the exercise has no inputs.
    inputs : sequence of dict
        The arguments of each call; they are not changed.
    seconds : float
        The time for all calls together. The call in which it runs out is ``"too slow"``, with the
        line that was running as its failure; the later ones are ``"not run"``.

    Returns
    -------
    list of Returned
        One record for each of `inputs`.

    Raises
    ------
    RuntimeError
        If it is called by a function that is itself being checked.

    Notes
    -----
    Used by every check of notebooks 01 to 07. A Ctrl-C stops the learner's function too.

    Examples
    --------
    >>> from rnncourse.checks.exercise import Exercise
    >>> double = Exercise("01.double", "Twice", "write", {"x": "a number"}, {"y": ""},
    ...                   definition=lambda x: 2 * x, attempt=lambda x: 2 * x, cases=(),
    ...                   hints=("", "", ""), mistakes=())
    >>> [record.value for record in call(double, lambda x: x + x, [{"x": 1}, {"x": 2.5}])]
    [2, 5.0]
    >>> call(double, lambda x: x / 0, [{"x": 1}])[0].failure.kind
    'ZeroDivisionError'
    """
    if answer is ... or (answer is None and not exercise.inputs):
        return [Returned("not implemented")] * len(inputs)
    if exercise.inputs and not callable(answer):
        message = (
            f"a function is expected, and {_what(answer)} was given: "
            f"write the name of your function, without parentheses"
        )
        return [Returned("unreadable", failure=Failure("TypeError", message))] * len(inputs)
    if isinstance(threading.current_thread(), _Worker):
        raise RuntimeError("a function that is being checked cannot check another one")
    with _alone:
        worker = _Worker(exercise, answer, inputs)
        with _world_kept(worker):
            return worker.records_after(seconds)


_alone = threading.Lock()  # sys.stdout and the warnings belong to all threads


def _what(value: Any) -> str:
    if value is None:
        return "None"
    if type(value) is np.ndarray:
        return f"an array of shape {value.shape}"
    return _article(_short(type(value).__name__, 80))


def _article(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


class _Stop(BaseException):
    """Raised in the learner's function when time is over; no `except Exception` catches it."""


class _Printed:
    """The beginning of what one call prints."""

    def __init__(self) -> None:
        self.text = ""
        self.length = 0

    def add(self, text: str) -> int:
        room = LONGEST_PRINT - len(self.text)
        if room > 0:
            self.text += text[:room]
        self.length += len(text)
        return len(text)


class _Worker(threading.Thread):
    """The thread in which the learner's function runs, for one case after the other."""

    def __init__(self, exercise: Exercise, answer: Any, inputs: Sequence[Inputs]) -> None:
        super().__init__(name="rnncourse-check", daemon=True)
        self.exercise, self.answer, self.inputs = exercise, answer, inputs
        self.records: list[Returned] = []
        self.printed = _Printed()
        self.warned: dict[str, None] = {}
        self.functions: list[types.FunctionType] = []
        self.reads: tuple[str, ...] = ()
        with suppress(Exception):  # objects can be made that nobody can look into
            self.functions = list(_functions(answer))
            self.reads = _reads(self.functions)
        self.roots = {id(f.__code__) for f in self.functions}
        self.recursion = sys.getrecursionlimit()
        self.stopping = False
        # Thread.join is no help: after a Ctrl-C, Python 3.11 takes a running thread for ended
        self.over = False
        self.end = threading.Lock()
        self.end.acquire()

    # --- in the caller's thread ---

    def records_after(self, seconds: float) -> list[Returned]:
        """Start, wait, stop if need be, and return one record for each case."""
        end = time.monotonic() + seconds
        self._start_with_large_stack()
        late = None
        try:
            while not self.over and time.monotonic() < end:
                self._wait(min(0.05, max(end - time.monotonic(), 0)))
            if not self.over:
                late = self._where_it_is(seconds)
        finally:
            if not self.over:
                self._stop_it()
        records = list(self.records)
        if late is not None and len(records) < len(self.inputs):
            records.append(self._record("too slow", failure=late))
        return records + [Returned("not run")] * (len(self.inputs) - len(records))

    def _wait(self, seconds: float) -> None:
        """Wait until it is over; a short while, as Windows notices a Ctrl-C only afterwards."""
        if self.end.acquire(timeout=seconds):
            self.end.release()

    def _start_with_large_stack(self) -> None:
        try:
            before = threading.stack_size(STACK)
        except (ValueError, RuntimeError):
            self.start()
            return
        try:
            self.start()
        except RuntimeError:  # no memory for it
            threading.stack_size(before)
            self.start()
        finally:
            threading.stack_size(before)

    def _where_it_is(self, seconds: float) -> Failure:
        line, source = None, ""
        frame = sys._current_frames().get(self.ident)
        while frame is not None and frame.f_code is not _ASK:
            if _is_learners(frame):
                line, source = _line(frame, frame.f_lineno)
                break
            frame = frame.f_back
        message = f"not finished after {seconds:g} s; this line was running"
        return Failure("TimeoutError", message if line else message.partition(";")[0], line, source)

    def _stop_it(self) -> None:
        self.stopping = True
        end = time.monotonic() + PATIENCE
        self._raise_stop(1e-3)
        self._wait(0.02)
        # a bare `except:` in a loop catches one; of many, one arrives outside of its `try`
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            while not self.over and time.monotonic() < end:
                self._raise_stop(1e-5)
        finally:
            sys.setswitchinterval(interval)
        if not self.over:
            threading.Thread(target=self._keep_stopping, daemon=True).start()

    def _keep_stopping(self) -> None:
        """Go on for a minute with a thread that was given up, so that it costs no more time."""
        for _ in range(600):
            if self.over:
                return
            self._raise_stop(1e-3)
            self._wait(0.1)

    def _raise_stop(self, pause: float) -> None:
        """Raise `_Stop` in this thread, if it takes notice within `pause` seconds.

        In Python 3.11 an exception that waits for one thread (blocked in compiled code) keeps any
        other thread with a profiler or a debugger from entering a Python function. So it is taken
        back, with no Python function in between, and the mark that it was there is wiped off by
        one that the calling thread raises in itself.
        """
        raise_in = getattr(getattr(ctypes, "pythonapi", None), "PyThreadState_SetAsyncExc", None)
        if raise_in is None or self.over:
            return
        here, there = ctypes.c_ulong(threading.get_ident()), ctypes.c_ulong(self.ident)
        stop, nothing = ctypes.py_object(_Stop), ctypes.py_object()
        raise_in(there, stop)
        time.sleep(pause)
        raise_in(there, nothing)
        if sys.version_info < (3, 13):
            try:
                raise_in(here, stop)
                for _ in range(100):
                    pass
            except _Stop:
                pass

    # --- in this thread ---

    def run(self) -> None:
        """Run all cases; a stop that comes late is caught by one of the outer levels."""
        try:
            try:
                try:
                    self._all_cases()
                finally:
                    self.over = True
            except _Stop:
                self.over = True
            for _ in range(20):  # a stop that was on its way arrives here
                pass
        except _Stop:
            self.over = True
        self.end.release()

    def _all_cases(self) -> None:
        for inputs in self.inputs:
            try:
                record = self._one_case(inputs)
            except Exception as error:  # an object that defeats every question
                what = f"what your function did cannot be read ({_kind(error)})"
                record = self._record("unreadable", failure=Failure("TypeError", what))
            if self.stopping:  # whatever it returned, the time was over
                return
            self.records.append(record)

    def _one_case(self, inputs: Inputs) -> Returned:
        given = {name: _copied(value) for name, value in inputs.items()}
        self.printed, self.warned = _Printed(), {}
        _settle()
        called: set[str] = set()
        state, value, failure = self._answered(given, called)
        changed = tuple(name for name in inputs if not unchanged(given.get(name), inputs[name]))
        return self._record(state, value, failure, changed, called)

    def _record(
        self,
        state: str,
        value: Any = None,
        failure: Failure | None = None,
        changed: tuple[str, ...] = (),
        called: Sequence[str] | set[str] = (),
    ) -> Returned:
        return Returned(
            state,
            value,
            failure,
            changed,
            self.printed.text,
            self.printed.length,
            tuple(sorted(called)[:MOST_NAMES]),
            self.reads,
            tuple(self.warned),
        )

    def _answered(self, given: Inputs, called: set[str]) -> tuple[str, Any, Failure | None]:
        before = sys.getprofile()
        try:
            sys.setprofile(_recorder(self, called))
            try:
                answer = self._ask(given)
            finally:
                sys.setprofile(before)
                if sys.getrecursionlimit() != self.recursion:
                    sys.setrecursionlimit(self.recursion)
        except _Stop:
            raise
        except NotImplementedError:
            return "not implemented", None, None
        except WrongCall as error:
            return "unreadable", None, Failure("TypeError", _message(error))
        except BaseException as error:
            return "raised", None, self._failure(error)
        if answer is ... or answer is NotImplemented or _holds_dots(answer):
            return "not implemented", None, None
        return self._plainly(answer)

    def _ask(self, given: Inputs) -> Any:
        if not callable(self.answer):
            return self.answer
        return self.exercise.call(self.answer, given)

    def _plainly(self, answer: Any) -> tuple[str, Any, Failure | None]:
        try:
            return "returned", plain(answer), None
        except _Stop:
            raise
        except Unreadable as error:
            what = _short(str(error), 120)
        except BaseException as error:  # an object that fights back
            what = f"{_what(answer)} that cannot be read ({_kind(error)})"
        if type(answer) is types.CoroutineType:
            answer.close()  # else Python warns that nobody awaited it
        verb = "your function returns" if callable(self.answer) else "you gave"
        expected = "arrays, numbers, words, and tuples or dictionaries of them are expected"
        return "unreadable", None, Failure("TypeError", f"{verb} {what}; {expected}")

    def _failure(self, error: BaseException) -> Failure:
        learners, last = None, None
        trace = error.__traceback__
        while trace is not None:
            if _is_learners(trace.tb_frame):
                learners = trace
            elif id(trace.tb_frame.f_code) in self.roots:
                last = trace
            trace = trace.tb_next
        found = learners or last
        line, source = (None, "") if found is None else _line(found.tb_frame, found.tb_lineno)
        return Failure(_kind(error), _message(error), line, source)


_ASK = _Worker._ask.__code__


# --- inputs and answers ---


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if type(value) in (int, float, bool, str, type(None)):
        return value
    if type(value) in (tuple, list):
        return type(value)(_copied(item) for item in value)
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return copy.deepcopy(value)


def _holds_dots(answer: Any) -> bool:
    """Whether a part of the answer is still ``...``, as the stub left it."""
    if type(answer) is dict:
        answer = list(answer.values())
    return type(answer) in (tuple, list) and any(item is ... for item in answer[:100])


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
    return number, _short(source.strip(), LONGEST_LINE)


def _kind(error: BaseException) -> str:
    return _short(str(type.__dict__["__name__"].__get__(type(error))), 80)


def _message(error: BaseException) -> str:
    try:
        return _short(str.__str__(str(error)), LONGEST_MESSAGE)
    except _Stop:
        raise
    except BaseException as other:
        return f"(its message cannot be read: {_kind(other)})"


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


def _recorder(worker: _Worker, called: set[str]) -> Callable:
    """Return a profile function that adds each function of the package that runs to `called`.

    It also ends a function that was given up in a long compiled call and comes back from it.
    """
    done: dict[int, types.CodeType] = {}  # keeps them alive, so that no number is used twice

    def profile(frame: types.FrameType, event: str, arg: Any) -> None:
        if worker.stopping:
            raise _Stop
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
        elif _beneath_the_answer(frame, worker.roots):
            done[id(code)] = code
            called.add(f"{module}.{code.co_qualname}")

    return profile


def _beneath_the_answer(frame: types.FrameType | None, roots: set[int]) -> bool:
    """Whether the learner's code led here, and not only the exercise's way to call it."""
    while frame is not None and frame.f_code is not _ASK:
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
                    found.add(_short(name, 80))
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


# --- what belongs to all threads ---


class _Stream(io.TextIOBase):
    """A stream that keeps the beginning of what one thread writes; others write as before."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, worker: _Worker, before: Any) -> None:
        super().__init__()
        self._worker, self._before = worker, before

    def _mine(self) -> bool:
        return threading.get_ident() == self._worker.ident

    def write(self, text: str) -> int:
        if not self._mine():
            return len(text) if self._before is None else self._before.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        return self._worker.printed.add(text)

    def flush(self) -> None:
        if not self._mine() and self._before is not None:
            self._before.flush()

    def close(self) -> None:
        """Stay open: the stream is not the learner's."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return not self._mine() and self._before.isatty()

    def fileno(self) -> int:
        if self._mine():
            raise io.UnsupportedOperation("fileno")
        return self._before.fileno()

    @property
    def buffer(self) -> Any:
        return _Bytes(self._worker) if self._mine() else self._before.buffer

    def __getattr__(self, name: str) -> Any:  # what else a notebook's stream has
        if name in ("_worker", "_before"):
            raise AttributeError(name)
        return getattr(self._before, name)


class _Bytes(io.RawIOBase):
    def __init__(self, worker: _Worker) -> None:
        super().__init__()
        self._worker = worker

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._worker.printed.add(data[:LONGEST_PRINT].decode("utf-8", "replace"))
        self._worker.printed.length += max(len(data) - LONGEST_PRINT, 0)
        return len(data)

    def writable(self) -> bool:
        return True


class _NoInput:
    """A standard input that asks nobody."""

    def __init__(self, worker: _Worker, before: Any) -> None:
        self._worker, self._before = worker, before

    def __getattr__(self, name: str) -> Any:
        _ask_nobody(self._worker)
        return getattr(self._before, name)

    def __iter__(self) -> Iterator[str]:
        _ask_nobody(self._worker)
        return iter(self._before)


def _ask_nobody(worker: _Worker) -> None:
    if threading.get_ident() == worker.ident:
        raise RuntimeError(
            "nothing can be typed in while your function is checked: "
            "take everything from its arguments instead of input()"
        )


@contextmanager
def _world_kept(worker: _Worker) -> Iterator[None]:
    """Catch prints, questions and warnings of `worker`, and put everything back at the end."""
    before = _state()
    streams = sys.stdin, sys.stdout, sys.stderr
    ask, show = builtins.input, warnings.showwarning

    def no_input(*args: Any, **kwargs: Any) -> str:
        _ask_nobody(worker)
        return ask(*args, **kwargs)

    def keep_warning(message: Any, category: type, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() != worker.ident:
            show(message, category, *args, **kwargs)
        elif len(worker.warned) < MOST_WARNINGS:
            text = message if isinstance(message, str) else _message(message)
            worker.warned[_short(f"{category.__name__}: {text}", LONGEST_LINE)] = None

    with warnings.catch_warnings():
        sys.stdin = _NoInput(worker, streams[0])
        sys.stdout, sys.stderr = _Stream(worker, streams[1]), _Stream(worker, streams[2])
        builtins.input = no_input
        warnings.showwarning = keep_warning
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            builtins.input = ask
            _restore(before)


def _settle() -> None:
    """Give each call the same start, whatever the one before it has set."""
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    warnings.resetwarnings()
    warnings.simplefilter("always")
    torch = sys.modules.get("torch")
    if torch is not None and not torch.is_grad_enabled():
        torch.set_grad_enabled(True)


def _state() -> dict[str, Any]:
    state: dict[str, Any] = {
        "recursion": sys.getrecursionlimit(),
        "numpy errors": np.geterr(),
        "numpy random": np.random.get_state(legacy=False),  # noqa: NPY002, it is put back
        "random": random.getstate(),
    }
    with suppress(OSError):
        state["folder"] = os.getcwd()
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = (
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_rng_state(),
        )
    return state


def _restore(state: dict[str, Any]) -> None:
    """Put back what differs; each for itself, so that one failure keeps no other from it."""
    with suppress(Exception):
        if sys.getrecursionlimit() != state["recursion"]:
            sys.setrecursionlimit(state["recursion"])
    with suppress(Exception):
        if np.geterr() != state["numpy errors"]:
            np.seterr(**state["numpy errors"])
    with suppress(Exception):
        np.random.set_state(state["numpy random"])  # noqa: NPY002, it is put back
    with suppress(Exception):
        random.setstate(state["random"])
    with suppress(Exception):
        if _folder() != state.get("folder"):
            os.chdir(state["folder"])
    if "torch" not in state:
        return
    import torch

    dtype, threads, grad, rng = state["torch"]
    with suppress(Exception):
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
    with suppress(Exception):
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
    with suppress(Exception):
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
    with suppress(Exception):
        torch.set_rng_state(rng)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None
