"""What belongs to all threads while a learner's function runs in one, kept and put back.

Streams, input, warnings, working folder, random states, and the settings of NumPy and torch: what
the function changes of them ends with its call, and the notebook is as it was before.
"""

import builtins
import io
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncourse.checks.learner_code import message_of, short

LONGEST_PRINT = 500  # characters that are kept
LONGEST_WARNING = 200
MOST_WARNINGS = 3


@dataclass
class Caught:
    """The beginning of what one call prints, and its first warnings.

    Parameters
    ----------
    text : str
        The beginning of what it printed.
    length : int
        How many characters it printed.
    warned : dict of str to None
        Its warnings, each once, in their order.

    Examples
    --------
    >>> caught = Caught()
    >>> caught.add("h" * 600)
    600
    >>> len(caught.text), caught.length
    (500, 600)
    """

    text: str = ""
    length: int = 0
    warned: dict[str, None] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin anew, for the next call."""
        self.text, self.length, self.warned = "", 0, {}

    def add(self, text: str) -> int:
        """Write down what is printed, as a stream's ``write`` does."""
        room = LONGEST_PRINT - len(self.text)
        if room > 0:
            self.text += text[:room]
        self.length += len(text)
        return len(text)


@contextmanager
def world_kept(thread: threading.Thread, caught: Caught) -> Iterator[None]:
    """Catch what one thread prints, asks and warns of, and put everything back at the end.

    Parameters
    ----------
    thread : threading.Thread
        The thread that is watched, started or not; the others go on as before.
    caught : Caught
        Where its prints and warnings are written down.

    Yields
    ------
    None
        While the thread is watched.

    Notes
    -----
    Put back are the streams, ``input``, the warnings, the working folder, the recursion limit,
    the random states, NumPy's error settings and torch's settings. They belong to all threads, so
    that this is done once at a time.

    Examples
    --------
    >>> caught = Caught()
    >>> thread = threading.Thread(target=lambda: print("h_0 is zero", end=""))
    >>> with world_kept(thread, caught):
    ...     thread.start()
    ...     thread.join()
    >>> caught.text
    'h_0 is zero'
    """
    before = _state()
    streams = sys.stdin, sys.stdout, sys.stderr
    ask, show = builtins.input, warnings.showwarning

    def no_input(*args: Any, **kwargs: Any) -> str:
        _ask_nobody(thread)
        return ask(*args, **kwargs)

    def keep_warning(message: Any, category: type, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() != thread.ident:
            show(message, category, *args, **kwargs)
        elif len(caught.warned) < MOST_WARNINGS:
            text = message if isinstance(message, str) else message_of(message)
            caught.warned[short(f"{category.__name__}: {text}", LONGEST_WARNING)] = None

    with warnings.catch_warnings():
        sys.stdin = _NoInput(thread, streams[0])
        sys.stdout = _Stream(thread, caught, streams[1])
        sys.stderr = _Stream(thread, caught, streams[2])
        builtins.input = no_input
        warnings.showwarning = keep_warning
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            builtins.input = ask
            _restore(before)


def settle() -> None:
    """Give each call the same start, whatever the one before it has set.

    Notes
    -----
    It is called inside of `world_kept`, in the thread that is watched: what it sets for NumPy and
    torch holds for one thread only.

    Examples
    --------
    >>> with warnings.catch_warnings(), np.errstate(over="raise"):
    ...     settle()
    ...     np.geterr()["over"], len(warnings.filters)
    ('warn', 1)
    """
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    warnings.resetwarnings()
    warnings.simplefilter("always")
    torch = sys.modules.get("torch")
    if torch is not None and not torch.is_grad_enabled():
        torch.set_grad_enabled(True)


# --- streams and input ---


class _Stream(io.TextIOBase):
    """A stream that keeps the beginning of what one thread writes; others write as before."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, thread: threading.Thread, caught: Caught, before: Any) -> None:
        super().__init__()
        self._thread, self._caught, self._before = thread, caught, before

    def _mine(self) -> bool:
        return threading.get_ident() == self._thread.ident

    def write(self, text: str) -> int:
        if not self._mine():
            return len(text) if self._before is None else self._before.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        return self._caught.add(text)

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
        return _Bytes(self._caught) if self._mine() else self._before.buffer

    def __getattr__(self, name: str) -> Any:  # what else a notebook's stream has
        if name in ("_thread", "_caught", "_before"):
            raise AttributeError(name)
        return getattr(self._before, name)


class _Bytes(io.RawIOBase):
    def __init__(self, caught: Caught) -> None:
        super().__init__()
        self._caught = caught

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._caught.add(data[:LONGEST_PRINT].decode("utf-8", "replace"))
        self._caught.length += max(len(data) - LONGEST_PRINT, 0)
        return len(data)

    def writable(self) -> bool:
        return True


class _NoInput:
    """A standard input that asks nobody."""

    def __init__(self, thread: threading.Thread, before: Any) -> None:
        self._thread, self._before = thread, before

    def __getattr__(self, name: str) -> Any:
        _ask_nobody(self._thread)
        return getattr(self._before, name)

    def __iter__(self) -> Iterator[str]:
        _ask_nobody(self._thread)
        return iter(self._before)


def _ask_nobody(thread: threading.Thread) -> None:
    if threading.get_ident() == thread.ident:
        raise RuntimeError(
            "nothing can be typed in while your function is checked: "
            "take everything from its arguments instead of input()"
        )


# --- settings ---


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
