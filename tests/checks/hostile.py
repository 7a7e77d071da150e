"""Functions as no learner should write them, and every learner once does."""

import contextlib
import io
import itertools
import os
import random
import sys
import time
import warnings

import numpy as np

# --- endless ---


def endless_loop(x):
    while True:
        x = x + 1


def endless_loop_with_bare_except(x):
    while True:
        try:  # noqa: SIM105
            x = x + 1
        except:  # noqa: E722
            pass


def endless_calls_with_bare_except(x):
    def work():
        return sum(range(20))

    while True:
        try:
            work()
        except:  # noqa: E722
            continue


def endless_loop_that_says_so(x):
    try:
        while True:
            x = x + 1
    except BaseException as error:
        raise ValueError("interrupted") from error


def endless_loop_that_answers_when_stopped(x):
    with contextlib.suppress(BaseException):
        while True:
            x = x + 1
    return 2.0


def endless_prints(x):
    while True:
        print("again")


def endless_sleep(x):
    time.sleep(20)


def endless_answer(x):
    class Items(list):
        def __iter__(self):
            return itertools.count()

    return Items()


def unkillable(x):
    def work():
        with contextlib.suppress(BaseException):
            time.sleep(0.02)

    while time.monotonic() < END[0]:
        try:
            try:  # noqa: SIM105
                work()
            except:  # noqa: E722
                pass
        except:  # noqa: E722
            pass


END = [0.0]


# --- exceptions ---


def endless_recursion(x):
    return endless_recursion(x + 1)


def recursion_with_a_raised_limit(x):
    sys.setrecursionlimit(20_000)

    def down(n):
        return 0 if n == 0 else 1 + down(n - 1)

    return down(15_000)


def no_memory(x):
    return np.zeros(10**15)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raises_what_cannot_be_printed(x):
    raise Mute


def raises_a_long_message(x):
    raise ValueError("long " * 2_000_000)


def raises_a_long_name(x):
    raise type("Long" * 1_000_000, (Exception,), {})("short")


# --- prints and questions ---


def prints_much(x):
    for _ in range(100):
        print("x" * 1_000_000)
    return x


def prints_bytes(x):
    sys.stdout.buffer.write(b"bytes\n")
    print("error", file=sys.stderr)
    sys.stdout.close()
    return x


def replaces_the_stream(x):
    sys.stdout = sys.stderr = io.StringIO()
    return x


def asks(x):
    return float(input("x? "))


def reads_the_standard_input(x):
    return sys.stdin.readline()


# --- the world ---


def changes_the_world(x):
    import torch

    np.seterr(all="raise")
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    torch.manual_seed(1)
    sys.setrecursionlimit(5_000)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_grad_enabled(False)
    os.chdir("..")
    warnings.simplefilter("ignore")
    return x


def overflows(x):
    np.exp(np.array([1e4]))
    np.log(np.array([-1.0]))
    return x


def warns_often(x):
    for i in range(10_000):
        warnings.warn(f"number {i} " + "y" * 10_000, stacklevel=1)
    return x


# --- answers ---


class Vicious:
    """Every question is answered by an exception."""

    def __getattribute__(self, name):
        raise RuntimeError(name)


class ViciousList(list):
    def __iter__(self):
        raise SystemExit("no")


def answers_with_itself(x):
    answer = [1.0]
    answer.append(answer)
    return answer


def answers_with_a_hundred_million_parts(x):
    return [[[[x] * 1000] * 1000] * 1000] * 1000
