"""What a learner reads: verdicts, hints and examples as text and as HTML.

Pure functions: a verdict and its exercise in, a string out. A card is a list of blocks;
`rnncourse.checks.layout` turns them into text for a terminal and into HTML for a notebook.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnncourse.checks.conform import SINGLE_ATOL, SINGLE_RTOL
from rnncourse.checks.exercise import Band, Exercise, Inputs, Outputs, is_shape
from rnncourse.checks.layout import (
    WIDTH,
    Beside,
    Block,
    Code,
    Grid,
    Head,
    Items,
    Tried,
    Words,
    as_html,
    as_text,
)
from rnncourse.checks.verdict import Difference, Outcome, Verdict

TINY = 6  # entries of an input whose values are shown
LONGEST_VALUES = 42  # characters of them
SMALL = 12  # entries of an example whose values are shown
ROWS, COLUMNS = 4, 5  # of a matrix that is shown as one
MOST_ROWS = 6  # entries of a larger array that are shown
MOST_OUTPUTS = 3  # wrong outputs whose values are shown
LONGEST = 400  # characters of an exception's message


def text(verdict: Verdict, exercise: Exercise) -> str:
    """Return a verdict as text for a terminal.

    Parameters
    ----------
    verdict : Verdict
        What the judge said.
    exercise : Exercise
        The exercise that it is about.

    Returns
    -------
    str
        Lines of at most 88 characters, where the values allow it.

    Notes
    -----
    Every check of the exercises of notebooks 01 to 07 prints it outside of a notebook.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> print(text(Verdict("02.bptt", 0, "not implemented", ()), load("02.bptt")).splitlines()[0])
    – 02.bptt · Back-propagation through time · not yet implemented
    """
    return as_text(list(_verdict(verdict, exercise)))


def html(verdict: Verdict, exercise: Exercise) -> str:
    """Return a verdict as a card for a notebook.

    Parameters
    ----------
    verdict : Verdict
        What the judge said.
    exercise : Exercise
        The exercise that it is about.

    Returns
    -------
    str
        HTML with inline styles only; whatever a learner wrote is escaped.

    Notes
    -----
    Every check of the exercises of notebooks 01 to 07 shows it.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> card = html(Verdict("02.bptt", 0, "not implemented", ()), load("02.bptt"))
    >>> "not yet implemented" in card
    True
    """
    return as_html(list(_verdict(verdict, exercise)), verdict.state)


def hint_text(exercise: Exercise, step: int) -> str:
    """Return one step of the hints as text for a terminal.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    step : int
        1, 2 or 3; 4 says that there are no more.

    Returns
    -------
    str
        A few lines.

    Notes
    -----
    Used by `rnncourse.checks.hint` in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> print(hint_text(load("02.bptt"), 1).splitlines()[0])
    02.bptt · Back-propagation through time · hint 1 of 3
    """
    return as_text(list(_hint(exercise, step)))


def hint_html(exercise: Exercise, step: int) -> str:
    """Return one step of the hints as a card for a notebook.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    step : int
        1, 2 or 3; 4 says that there are no more.

    Returns
    -------
    str
        HTML with inline styles only.

    Notes
    -----
    Used by `rnncourse.checks.hint` in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> "hint 1 of 3" in hint_html(load("02.bptt"), 1)
    True
    """
    return as_html(list(_hint(exercise, step)), "hint")


def example_text(exercise: Exercise, inputs: Inputs, outputs: Outputs | None) -> str:
    """Return the inputs and the right outputs of one call as text, with three decimals.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    inputs : dict
        The arguments by name.
    outputs : dict or None
        The right outputs by name; None if there are many right ones.

    Returns
    -------
    str
        Names, shapes, and the values of small arrays.

    Notes
    -----
    Used by `rnncourse.checks.example` in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> exercise = load("02.bptt")
    >>> print(example_text(exercise, {"x": 0.5}, None).splitlines()[-1])
      There are many right answers: the tests ask for what all of them share.
    """
    lines = [f"{exercise.name} · {exercise.title} · a small example", "", "inputs"]
    lines += _example_lines(inputs, exercise.inputs)
    lines += ["", "right outputs"]
    if outputs is None:
        lines.append("  There are many right answers: the tests ask for what all of them share.")
    else:
        lines += _example_lines(outputs, exercise.outputs)
    return "\n".join(lines)


# --- what a card says ---


def _verdict(verdict: Verdict, exercise: Exercise) -> Iterator[Block]:
    name, title = exercise.name, exercise.title
    if verdict.state == "not implemented":
        yield Head("–", "to do", name, title, "not yet implemented")
        yield from _to_write(exercise)
        return
    if verdict.state == "declined":
        yield Head("–", "declined", name, title, "nothing was tested")
        yield from (Words(note) for note in verdict.notes)
        yield Words("Your own version is what counts here:")
        yield Code(_signature(exercise))
        return
    holding = sum(o.state == "holds" for o in verdict.outcomes)
    total = len(verdict.outcomes)
    tests = "1 test" if total == 1 else f"{total} tests"
    if verdict.passed:
        holds = "the only test holds" if total == 1 else f"all {total} tests hold"
        yield Head("✓", "passed", name, title, holds)
        yield Tried(verdict.outcomes, folded=False)
        yield from (Words(note, "Note: ") for note in verdict.notes)
        return
    summary = f"{holding} of {tests} {'holds' if 1 in (holding, total) else 'hold'}"
    yield Head("✗", "not yet", name, title, summary)
    for named in verdict.named:
        where = f"In {', '.join(named.outputs)}" if named.outputs else "Recognised"
        yield Words(named.hint, f"{where}: {named.mistake}. ")
    yield from (Words(sentence) for sentence in verdict.located)
    values = verdict.shown is None or verdict.outcomes[verdict.shown].state == "differs"
    if verdict.tells and values and not verdict.named:
        yield Words(verdict.tells)
    if verdict.shown is not None:
        yield from _shown(verdict, exercise)
    yield Tried(verdict.outcomes, folded=True)
    yield from (Words(note, "Note: ") for note in verdict.notes)
    yield Words(
        f'`hint("{name}")` says more. `check("{name}", …, seed={verdict.seed})` repeats this '
        f"report.",
        faint=True,
    )


def _shown(verdict: Verdict, exercise: Exercise) -> Iterator[Block]:
    """The first case that fails: how it was called, and what came back."""
    outcome = verdict.outcomes[verdict.shown]
    inputs = exercise.instances(verdict.seed)[verdict.shown]
    yield Words(f"{outcome.case}.", "The first test that fails: ")
    if outcome.state == "raised" and outcome.failure is not None:
        yield from _exception(outcome)
    elif outcome.state == "too slow":
        yield from _slow(outcome)
    elif not outcome.differences:
        yield Words(_sentence(outcome.text or outcome.state))
    if inputs:
        yield Items("called with", tuple(_inputs(exercise, inputs)))
    if exercise.asks_for_values:  # what is expected would be the answer
        yield from _without_the_answer(outcome.differences)
        return
    single = [d for d in outcome.differences if _is_single(d)]
    together = len(single) > 1
    if together:
        yield _single(single)
    several = [d for d in outcome.differences if not (together and _is_single(d))]
    for difference in several[:MOST_OUTPUTS]:
        yield from _difference(exercise, difference)
    rest = [d.output for d in several[MOST_OUTPUTS:]]
    if rest:
        yield Words(f"Wrong too: {', '.join(rest)}.")


def _exception(outcome: Outcome) -> Iterator[Block]:
    failure = outcome.failure
    message = failure.message.strip()
    if len(message) > LONGEST:
        message = message[:LONGEST] + " …"
    first = f"{failure.kind}: {message}" if message else failure.kind
    yield Words("Your function raised an exception:")
    yield Code((first, *_line(outcome)))


def _slow(outcome: Outcome) -> Iterator[Block]:
    reason = outcome.text.rstrip(".") or "it took too long"
    yield Words(f"Your function was stopped: {reason}. Is a loop endless, or just slow?")
    if _line(outcome):
        yield Code(_line(outcome))


def _line(outcome: Outcome) -> tuple[str, ...]:
    """The learner's line that was running, if it is known."""
    failure = outcome.failure
    if failure is None or failure.line is None:
        return ()
    return (f"line {failure.line}{': ' * bool(failure.source)}{failure.source}",)


def _without_the_answer(differences: Sequence[Difference]) -> Iterator[Block]:
    """Say which values are wrong, without those that are right."""
    yield from (Words(_sentence(d.text)) for d in differences if d.problem != "value")
    rows = tuple(
        (d.output, _number(_item(d.yours), 4) if _is_number(d.yours) else repr(d.yours))
        for d in differences
        if d.problem in ("value", "band") and np.size(d.yours) == 1
    )
    if rows:
        yield Grid("", ("wrong", "yours"), rows)


def _difference(exercise: Exercise, difference: Difference) -> Iterator[Block]:
    yours, expected, name = difference.yours, difference.expected, difference.output
    if difference.problem != "value" and difference.text:
        yield Words(_sentence(difference.text))
    if not _is_number(yours):
        if difference.problem == "value" and difference.text:
            yield Words(_sentence(difference.text))
        return
    if isinstance(expected, Band):
        if np.size(yours) == np.size(expected.low) == 1:
            band = f"{_number(_item(expected.low), 4)} to {_number(_item(expected.high), 4)}"
            yield Grid(name, ("yours", "expected"), ((_number(_item(yours), 4), band),))
        return
    if difference.problem in ("shape", "missing") or not _is_number(expected):
        return
    yours, expected = np.asarray(yours), np.asarray(expected)
    if yours.size == expected.size == 1:
        yours = yours.reshape(expected.shape)
    if yours.shape != expected.shape or not expected.size:
        yield Words(_sentence(difference.text))
        return
    wrong = _wrong_entries(exercise, yours, expected)
    if expected.ndim in (1, 2) and expected.size > 1 and _fits(expected):
        yield _matrices(name, np.atleast_2d(yours), np.atleast_2d(expected), np.atleast_2d(wrong))
    else:
        yield _entries(exercise, name, yours, expected, wrong)


def _is_single(difference: Difference) -> bool:
    """Whether it is one wrong number in the place of one right number."""
    both = (difference.yours, difference.expected)
    return difference.problem == "value" and all(_is_number(v) and np.size(v) == 1 for v in both)


def _single(differences: Sequence[Difference]) -> Grid:
    """Several outputs of one number each, in one table."""
    pairs = [(_item(d.yours), _item(d.expected)) for d in differences]
    digits = max(_digits(np.array([a]), np.array([b])) for a, b in pairs)
    rows = zip(
        [d.output for d in differences],
        _align([_number(a, digits) for a, _ in pairs]),
        _align([_number(b, digits) for _, b in pairs]),
        strict=True,
    )
    return Grid("", ("output", "yours", "expected"), tuple(rows))


def _fits(array: np.ndarray) -> bool:
    rows, columns = np.atleast_2d(array).shape
    return rows <= ROWS and columns <= COLUMNS


def _wrong_entries(exercise: Exercise, yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which entries are wrong, by the tolerance of the exercise."""
    rtol, atol = exercise.rtol, exercise.atol
    if yours.dtype in (np.float32, np.float16):
        rtol, atol = max(rtol, SINGLE_RTOL), max(atol, SINGLE_ATOL)
    a, b = yours.astype(float), expected.astype(float)
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):  # inf - inf
        near = finite & (np.abs(a - b) <= atol + rtol * scale)
    same = near | (a == b) | (np.isnan(a) & np.isnan(b))
    return ~same if not same.all() else a != b  # a judge may be stricter than this


def _matrices(name: str, yours: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> Beside:
    digits = _digits(yours[wrong], expected[wrong])

    def words(array: np.ndarray) -> tuple[tuple[str, ...], ...]:
        columns = [_align([_number(v, digits) for v in column]) for column in array.T.tolist()]
        return tuple(zip(*columns, strict=True))

    return Beside(name, words(yours), words(expected), tuple(map(tuple, wrong.tolist())))


def _entries(
    exercise: Exercise, name: str, yours: np.ndarray, expected: np.ndarray, wrong: np.ndarray
) -> Grid:
    """The entries that differ most, in the order of the array."""
    if expected.size == 1:
        digits = _digits(yours.reshape(1), expected.reshape(1))
        row = (_number(yours.item(), digits), _number(expected.item(), digits))
        return Grid(name, ("yours", "expected"), (row,))
    with np.errstate(invalid="ignore"):
        size = np.abs(yours.astype(float) - expected.astype(float))
    size[~np.isfinite(size)] = np.inf
    size[~wrong] = -1.0
    count = min(MOST_ROWS, int(wrong.sum()))
    largest = np.sort(np.argsort(-size, axis=None, kind="stable")[:count])
    places = [np.unravel_index(i, expected.shape) for i in largest]
    mine, right = [yours[p] for p in places], [expected[p] for p in places]
    digits = _digits(np.array(mine), np.array(right))
    letters = exercise.outputs[name].split()
    rows = zip(
        [_place(place, letters) for place in places],
        _align([_number(v.item(), digits) for v in mine]),
        _align([_number(v.item(), digits) for v in right]),
        strict=True,
    )
    after = f"{int(wrong.sum())} of {wrong.size} entries differ"
    after += f"; these {count} the most." if count < wrong.sum() else "."
    return Grid(name, ("entry", "yours", "expected"), tuple(rows), after)


def _place(place: Sequence[int], axes: Sequence[str]) -> str:
    """The place of an entry: ``t=2, b=0, n=1``; rows and columns where a letter occurs twice."""
    letters = [(re.findall(r"[A-Za-z]", axis) or ["?"])[-1].lower() for axis in axes]
    if len(letters) != len(place) or "?" in letters:
        return f"[{', '.join(map(str, place))}]"
    if len(set(letters)) < len(letters):
        if len(letters) == 2:
            return f"row {place[0]}, column {place[1]}"
        letters = [
            f"{a}{letters[:i].count(a) + 1}" if letters.count(a) > 1 else a
            for i, a in enumerate(letters)
        ]
    return ", ".join(f"{a}={i}" for a, i in zip(letters, place, strict=True))


def _hint(exercise: Exercise, step: int) -> Iterator[Block]:
    name, title = exercise.name, exercise.title
    count = len(exercise.hints)
    if step > count:
        yield Head("", "", name, title, "there are no more hints")
        yield Words(
            f"You have seen all {count}. The worked solution stands in the folder `solutions/`, "
            f"in the notebook of the same name: read it, close it, and write yours."
        )
        yield Words(f'`hint("{name}", 1)` shows the first hint again.', faint=True)
        return
    yield Head("", "", name, title, f"hint {step} of {count}")
    yield Words(exercise.hints[step - 1])


def _to_write(exercise: Exercise) -> Iterator[Block]:
    if exercise.inputs:
        yield Words("Write this function, and run its cell before this one:")
        yield Code(_signature(exercise))
        yield Items("", tuple(_described(exercise.inputs)))
    else:
        yield Words("Write down your answer, and run its cell before this one:")
        yield Items("", tuple((n, axes or "a number") for n, axes in _described(exercise.outputs)))


def _signature(exercise: Exercise) -> tuple[str, ...]:
    """The function to write, on lines of a readable length."""
    given, _, returned = exercise.signature.partition(" -> ")
    word = "your_function"
    returned = re.sub(r" (?=\()|(?<=,) (?=[^()]*\))", "\N{NO-BREAK SPACE}", returned)
    first = textwrap.wrap(f"{word}{given}", WIDTH - 8, subsequent_indent=" " * (len(word) + 1))
    rest = textwrap.wrap(f"  -> {returned}", WIDTH - 8, subsequent_indent="     ")
    return tuple(line.replace("\N{NO-BREAK SPACE}", " ") for line in (*first, *rest))


def _described(axes: Any) -> Iterator[tuple[str, str]]:
    """Names with their axes as a shape, or with what they are."""
    for name, words in axes.items():
        letters = words.split()
        shape = f"({', '.join(letters)}{',' * (len(letters) == 1)})"
        yield name, shape if is_shape(words) else words


def _inputs(exercise: Exercise, inputs: Inputs) -> Iterator[tuple[str, str, str]]:
    """Name, shape and, if it is tiny, value of each input."""
    described = dict(_described(exercise.inputs))
    for name, value in inputs.items():
        if isinstance(value, np.ndarray):
            axes = described.get(name, "")
            shape = f"{axes} = {value.shape}" if axes.startswith("(") else f"{value.shape}"
            values = _values(value) if value.size <= TINY else ""
            yield name, shape, values if len(values) <= LONGEST_VALUES else ""
        else:
            yield name, "", _short(value)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return _number(value, 4)
    if isinstance(value, dict):
        words = f"{{{', '.join(f'{k}: {_short(v)}' for k, v in value.items())}}}"
    elif isinstance(value, tuple | list):
        words = f"({', '.join(map(_short, value))})"
    elif isinstance(value, np.ndarray):
        words = _values(value) if value.size <= TINY else f"array {value.shape}"
    else:
        words = repr(value)
    return words if len(words) <= 100 else words[:99] + "…"


def _values(array: np.ndarray) -> str:
    def nested(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(nested, value))}]"
        return _number(value, 4)

    return nested(array.tolist())


def _example_lines(values: dict, axes: Any) -> list[str]:
    described = dict(_described(axes))
    names = [f"{n} {described.get(n, '')}".rstrip() if _is_shape(v) else n
             for n, v in values.items()]  # fmt: skip
    width = max(map(len, names), default=0)
    lines = []
    for name, value in zip(names, values.values(), strict=True):
        shown = _three_decimals(value).split("\n")
        lines.append(f"  {name:{width}}  {shown[0]}".rstrip())
        lines += [f"  {'':{width}}  {line}" for line in shown[1:]]
    return lines


def _is_shape(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _three_decimals(value: Any) -> str:
    """A value of an example; the same on every machine, up to one unit of the last decimal."""
    if isinstance(value, Band):
        return f"from {_three_decimals(value.low)} to {_three_decimals(value.high)}"
    if isinstance(value, np.ndarray | np.generic):
        if value.size > SMALL:
            return f"shape {value.shape}"
        if value.dtype.kind == "f":
            value = np.round(value.astype(float), 3) + 0.0  # no minus before a zero
            shown = np.array2string(
                value, formatter={"float_kind": lambda v: f"{v:.3f}"}, separator=", "
            )
            return f"{shown}" if value.ndim else f"{float(value):.3f}"
        return np.array2string(value, separator=", ") if value.ndim else str(value.item())
    if isinstance(value, float):
        if 1e-12 < abs(value) < 5e-4:  # such as eps = 1e-8; below it is a zero with rounding
            return f"{value:.2e}"
        return f"{round(value, 3) + 0.0:.3f}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {_three_decimals(v)}' for k, v in value.items())}}}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_three_decimals, value))})"
    return str(value)


# --- numbers ---


def _is_number(value: Any) -> bool:
    if isinstance(value, Band | str | dict) or value is None:
        return False
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:  # parts of unequal length
        return False


def _item(value: Any) -> Any:
    return np.asarray(value).reshape(-1)[0].item()


def _number(value: Any, digits: int) -> str:
    """A number with so many significant digits."""
    if not isinstance(value, float):
        return str(value)
    if value == 0:
        return "0"
    return f"{value:#.{digits}g}".rstrip(".")


def _digits(yours: np.ndarray, expected: np.ndarray) -> int:
    """How many significant digits tell numbers apart that differ, four at least."""
    pairs = [(a, b) for a, b in zip(yours.tolist(), expected.tolist(), strict=True) if a != b]
    for digits in range(4, 17):
        if all(_number(float(a), digits) != _number(float(b), digits) for a, b in pairs):
            return digits
    return 17


def _align(numbers: Sequence[str]) -> list[str]:
    """Put the decimal points below each other."""
    parts = [n.partition(".") for n in numbers]
    before = max(len(p[0]) for p in parts)
    after = max(len(p[1] + p[2]) for p in parts)
    return [p[0].rjust(before) + (p[1] + p[2]).ljust(after) for p in parts]


def _sentence(words: str) -> str:
    words = words.strip()
    return words if words.endswith((".", "?", "!")) else words + "."
