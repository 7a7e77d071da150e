"""The call of a learner's function: inputs in, records made of plain values out.

The function runs in a thread of its own with copies of the inputs, under a time limit, with its
prints and warnings caught; whatever it does is written down in a `Returned`. `learner_code` tells
what runs and where; `world` sees to it that the notebook is afterwards as it was before.

What this cannot survive, because it shares a process with the function: ``os._exit``, a crash in
compiled code, all memory used up, compiled code that never lets Python's other threads run (a
regular expression that backtracks without end, ``sum(range(10**12))``), and what is written past
``sys.stdout`` (``os.write``, a child process). A class therefore runs it in a sandbox.
"""

import copy
import ctypes
import sys
import threading
import time
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncourse.checks.exercise import Exercise, Inputs, WrongCall
from rnncourse.checks.learner_code import MOST_NAMES, LearnerCode, Stop, kind_of, message_of, short
from rnncourse.checks.returned import Failure, Returned, Unreadable, plain, unchanged
from rnncourse.checks.world import Caught, settle, world_kept

SECONDS = 1.5  # for all calls together
PATIENCE = 0.5  # seconds in which a function that is too slow is told to stop
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
        with world_kept(worker, worker.caught):
            return worker.records_after(seconds)


_alone = threading.Lock()  # sys.stdout and the warnings belong to all threads


def _what(value: Any) -> str:
    if value is None:
        return "None"
    if type(value) is np.ndarray:
        return f"an array of shape {value.shape}"
    return _article(short(type(value).__name__, 80))


def _article(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


class _Worker(threading.Thread):
    """The thread in which the learner's function runs, for one case after the other."""

    def __init__(self, exercise: Exercise, answer: Any, inputs: Sequence[Inputs]) -> None:
        super().__init__(name="rnncourse-check", daemon=True)
        self.exercise, self.answer, self.inputs = exercise, answer, inputs
        self.records: list[Returned] = []
        self.caught = Caught()
        self.code = LearnerCode(answer, _Worker._ask.__code__)
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
        line, source = self.code.line_running(sys._current_frames().get(self.ident))
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
        """Raise `Stop` in this thread, if it takes notice within `pause` seconds.

        In Python 3.11 an exception that waits for one thread (blocked in compiled code) keeps any
        other thread with a profiler or a debugger from entering a Python function. So it is taken
        back, with no Python function in between, and the mark that it was there is wiped off by
        one that the calling thread raises in itself.
        """
        raise_in = getattr(getattr(ctypes, "pythonapi", None), "PyThreadState_SetAsyncExc", None)
        if raise_in is None or self.over:
            return
        here, there = ctypes.c_ulong(threading.get_ident()), ctypes.c_ulong(self.ident)
        stop, nothing = ctypes.py_object(Stop), ctypes.py_object()
        raise_in(there, stop)
        time.sleep(pause)
        raise_in(there, nothing)
        if sys.version_info < (3, 13):
            try:
                raise_in(here, stop)
                for _ in range(100):
                    pass
            except Stop:
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
            except Stop:
                self.over = True
            for _ in range(20):  # a stop that was on its way arrives here
                pass
        except Stop:
            self.over = True
        self.end.release()

    def _all_cases(self) -> None:
        for inputs in self.inputs:
            try:
                record = self._one_case(inputs)
            except Exception as error:  # an object that defeats every question
                what = f"what your function did cannot be read ({kind_of(error)})"
                record = self._record("unreadable", failure=Failure("TypeError", what))
            if self.stopping:  # whatever it returned, the time was over
                return
            self.records.append(record)

    def _one_case(self, inputs: Inputs) -> Returned:
        given = {name: _copied(value) for name, value in inputs.items()}
        self.caught.forget()
        settle()
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
            self.caught.text,
            self.caught.length,
            tuple(sorted(called)[:MOST_NAMES]),
            self.code.reads,
            tuple(self.caught.warned),
        )

    def _answered(self, given: Inputs, called: set[str]) -> tuple[str, Any, Failure | None]:
        before = sys.getprofile()
        try:
            sys.setprofile(self.code.recorder(called, self))
            try:
                answer = self._ask(given)
            finally:
                sys.setprofile(before)
                if sys.getrecursionlimit() != self.recursion:
                    sys.setrecursionlimit(self.recursion)
        except Stop:
            raise
        except NotImplementedError:
            return "not implemented", None, None
        except WrongCall as error:
            return "unreadable", None, Failure("TypeError", message_of(error))
        except BaseException as error:
            return "raised", None, self.code.failure(error)
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
        except Stop:
            raise
        except Unreadable as error:
            what = short(str(error), 120)
        except BaseException as error:  # an object that fights back
            what = f"{_what(answer)} that cannot be read ({kind_of(error)})"
        if type(answer) is types.CoroutineType:
            answer.close()  # else Python warns that nobody awaited it
        verb = "your function returns" if callable(self.answer) else "you gave"
        expected = "arrays, numbers, words, and tuples or dictionaries of them are expected"
        return "unreadable", None, Failure("TypeError", f"{verb} {what}; {expected}")


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
