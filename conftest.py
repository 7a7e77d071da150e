"""Settings of all tests, and three mends to nbval, which verifies the notebooks.

The mends reach into nbval 0.11.0 (pinned in pyproject.toml); each says what it is for. The tests
of ``tests/course/test_notebooks_stored.py`` fail if one of them stops working.
"""

import functools
import os
import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis
import matplotlib as mpl
import nbval.kernel
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

# The checks of the exercises keep a record of what was tried: here not in the user's own file.
os.environ["RNNCOURSE_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="rnncourse-")) / "progress")

mpl.use("Agg")  # for the tests in this process; the notebooks' kernels draw inline

# Every day the same examples, so that a green course stays green; for a long look at new ones:
#     HYPOTHESIS_PROFILE=thorough make test
hypothesis.settings.register_profile("everyday", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


# 1. Numbers. nbval compares texts letter by letter, but another processor rounds a last digit
#    differently. Decimals may differ by one unit of the last printed digit. All else is strict:
#    words, integers, and what only looks like a number (1.2.3, x1.5); shown source code as well,
#    because only streams and text/plain are compared in this way.

PADDED_DECIMAL = re.compile(
    r"""( [ ]*                                 # the blanks around it belong to the number
          (?<![\w.]) [-+]?                     # not inside a word or a version
          (?: \d+\.\d+ (?:[eE][-+]?\d+)?       # 0.123, 1.5e-07
            | \d+[eE][-+]?\d+ )                # 1e-07
          (?= j?(?!\w|\.\w) )                 # nor before the rest of one; 0.5j is complex
          [ ]* )""",
    re.VERBOSE,
)


def same_output(one: str, other: str) -> bool:
    """Whether two printed texts are equal up to one unit in the last digit of each decimal.

    In an aligned table the blanks around a number may change with it: ``0.2 ]`` and ``0.21]``.
    """
    ones, others = PADDED_DECIMAL.split(one), PADDED_DECIMAL.split(other)
    if len(ones) != len(others) or ones[::2] != others[::2]:
        return False
    return all(a == b or _same_decimal(a, b) for a, b in zip(ones[1::2], others[1::2], strict=True))


def _same_decimal(padded_a: str, padded_b: str) -> bool:
    a, b = padded_a.strip(), padded_b.strip()
    same_width = len(padded_a) == len(padded_b) or padded_a.split(a) == padded_b.split(b)
    last_digit = min(Decimal(a).as_tuple().exponent, Decimal(b).as_tuple().exponent)
    return same_width and abs(Decimal(a) - Decimal(b)) <= Decimal(1).scaleb(last_digit)


class Printed(str):
    """A text which equals another if `same_output` says so; nbval asks with ``!=``."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and same_output(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _compare_outputs(cell: IPyNbCell, test: list, ref: list, skip_compare: Any = None) -> bool:
    for output in test:
        if output.output_type == "stream":
            output.text = Printed(output.text)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = Printed(output.data["text/plain"])
    return _nbval_compare_outputs(cell, test, ref, skip_compare)


_nbval_compare_outputs, IPyNbCell.compare_outputs = IPyNbCell.compare_outputs, _compare_outputs


# 2. History. nbval runs cells without storing them in IPython's history, where IPython looks for
#    the ';' that silences a last line (nbval issue 194). Store them, in memory.


def _execute_cell_input(kernel: Any, cell_input: str, allow_stdin: bool | None = None) -> str:
    return kernel.kc.execute(
        cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )


nbval.kernel.RunningKernel.execute_cell_input = _execute_cell_input
nbval.kernel.start_new_kernel = functools.partial(
    nbval.kernel.start_new_kernel, extra_arguments=["--HistoryManager.hist_file=:memory:"]
)


# 3. Progress. nbval ignores clear_output, so a cell that shows its progress and then clears it
#    would be compared with everything it ever showed. Clear what it has collected, as Lab does.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell a notebook which of its cells runs."""
    if isinstance(item, IPyNbCell):
        item.parent.running, item.parent.clear_first = item, False


def _get_kernel_message(file: IPyNbFile, timeout: float | None = None, stream: str = "iopub"):
    message = _nbval_get_kernel_message(file, timeout, stream)
    kind, content = message["msg_type"], message["content"]
    if kind == "clear_output" and content["wait"]:  # until the next output comes
        file.clear_first = True
    elif kind == "clear_output" or (
        file.clear_first and kind in ("stream", "display_data", "execute_result", "error")
    ):
        file.running.test_outputs.clear()
        file.clear_first = False
    return message


_nbval_get_kernel_message, IPyNbFile.get_kernel_message = (
    IPyNbFile.get_kernel_message,
    _get_kernel_message,
)


@pytest.fixture(name="same_output", scope="session")
def same_output_fixture() -> Any:
    """The comparison of printed texts, for its own test."""
    return same_output
