"""The judge: what came back, compared with the definition, and the mistake named.

`judge` is a pure function of (exercise, seed, returned values). It never calls the learner's
function, so the same verdict is reached wherever that function ran. It uses none of
``numpy.testing`` and no ``assert``.
"""

import copy
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncourse.checks.exercise import (
    Band,
    Case,
    Exercise,
    Inputs,
    Mistake,
    Outputs,
    WrongCall,
    is_shape,
)
from rnncourse.checks.localise import AXES, Wrong, close, locate
from rnncourse.checks.returned import Failure, Plain, Returned, plain, unchanged
from rnncourse.checks.verdict import Difference, Named, Outcome, Verdict

SINGLE_RTOL, SINGLE_ATOL = 5e-4, 1e-5  # allowed errors of float32 answers
MOST_SENTENCES = 5
LONGEST_VALUE = 80  # characters


SEEDS_KEPT = 4  # for which the known mistakes of an exercise are remembered
MISSING = object()  # in the place of an output that a dict does not hold


class _Misshapen(ValueError):
    """An answer that does not consist of the outputs asked for."""


@dataclass(frozen=True)
class _Judged:
    """One answer on all instances: the outputs by name (None if unreadable) and the outcomes."""

    outputs: list[Outputs | None]
    outcomes: tuple[Outcome, ...]


def judge(exercise: Exercise, seed: int, returned: Sequence[Returned]) -> Verdict:
    """Compare what a learner's function returned with the definition, and name the mistake.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    seed : int
        What the instances were drawn from.
    returned : Sequence of Returned
        One record for each case, in their order.

    Returns
    -------
    Verdict
        Which cases hold, which mistake it is, or where the values differ.

    Raises
    ------
    ValueError
        If there is not one record for each case.

    Notes
    -----
    A mistake is named if its wrong implementation fails on the same cases and returns the same
    values on all of them. If none does, each output is looked at by itself; what is left is
    localised. See notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> exercise = load("02.bptt")
    >>> verdict = judge(exercise, 0, [Returned("not implemented")] * len(exercise.cases))
    >>> verdict.state
    'not implemented'
    """
    instances = exercise.instances(seed)
    if len(returned) != len(instances):
        raise ValueError(
            f"{exercise.name} has {len(instances)} cases, got {len(returned)} records: "
            f"give one record of each call, in the order of the cases"
        )
    own = sorted({name for record in returned for name in record.called} & set(exercise.answers))
    if own:
        note = f"Your function calls {own[0]}, which is the answer. Write it yourself."
        return Verdict(exercise.name, seed, "declined", (), notes=(note,))
    expected = [_expected(exercise, c, i) for c, i in zip(exercise.cases, instances, strict=True)]
    mine = _judged(exercise, instances, expected, returned)
    states = {o.state for o in mine.outcomes} - {"not run"}
    notes = _notes(exercise, returned)
    if states == {"not implemented"}:
        return Verdict(exercise.name, seed, "not implemented", mine.outcomes)
    if states == {"holds"} and all(o.state == "holds" for o in mine.outcomes):
        return Verdict(exercise.name, seed, "passed", mine.outcomes, notes=notes)
    failing = [i for i, o in enumerate(mine.outcomes) if o.state not in ("holds", "not run")]
    failing = failing or [i for i, o in enumerate(mine.outcomes) if o.state == "not run"]
    named = _name(exercise, seed, instances, expected, mine)
    explained = {name for n in named for name in (n.outputs or exercise.outputs)}
    located = _locate(exercise, instances, mine, explained)
    return Verdict(
        exercise.name,
        seed,
        "failed",
        mine.outcomes,
        shown=failing[0],
        named=named,
        located=located,
        tells="" if named else exercise.cases[failing[0]].tells,
        notes=notes,
    )


# --- what is right ---


def _expected(exercise: Exercise, case: Case, inputs: Inputs) -> Outputs | None:
    if case.holds is not None:
        return None
    given = exercise.definition(**copy.deepcopy(inputs))
    names = list(exercise.outputs)
    if isinstance(given, dict) and set(given) >= set(names):
        return {name: given[name] for name in names}
    return dict(zip(names, given if len(names) > 1 else (given,), strict=True))


def _conform(exercise: Exercise, value: Plain, expected: Outputs | None) -> Outputs:
    """Arrange an answer as a dict of the outputs asked for."""
    names = list(exercise.outputs)
    listed = f"({', '.join(names)})" if len(names) > 1 else names[0]
    if value is None:
        raise _Misshapen(f"It returns None, expected {listed}: is there a return at the end?")
    if isinstance(value, dict):
        missing = [name for name in names if name not in value]
        if len(missing) == len(names):
            raise _Misshapen(f"It returns {sorted(value)}; missing: {', '.join(missing)}")
        given = (value.get(name) for name in names)
        value = tuple(MISSING if v is None and len(names) > 1 else v for v in given)
    elif len(names) == 1:
        if isinstance(value, tuple) and len(value) == 1:  # a list around the answer?
            ndim = _ndim(exercise.outputs[names[0]], expected and expected[names[0]])
            if ndim == 0 or len(_shape(value) or ()) > ndim:
                value = value[0]
        words = exercise.outputs[names[0]] in ("word", "yes or no")
        if isinstance(value, tuple) and expected is not None and not words:
            shapes = [_shape(part) for part in value]
            right = np.shape(expected[names[0]])
            if _shape(value) != right and len(set(shapes)) > 1 and right in shapes:
                raise _Misshapen(f"It returns {len(value)} things, expected {listed} alone")
        value = (value,)
    elif isinstance(value, np.ndarray) and value.ndim:
        value = tuple(value)
    if not isinstance(value, tuple) or len(value) != len(names):
        several = isinstance(value, tuple) and len(value) != 1
        count = f"{len(value)} things" if several else "one thing"
        raise _Misshapen(f"It returns {count}, expected {len(names)}: {listed}")
    outputs = {
        name: _as_array(name, v, axes)
        for (name, axes), v in zip(exercise.outputs.items(), value, strict=True)
    }
    if any(isinstance(v, np.ndarray) and _is_single(v) for v in outputs.values()):
        # a sum of float32 is a number of NumPy's, which came over as a plain one
        for name, v in zip(names, value, strict=True):
            if isinstance(v, float) and isinstance(outputs[name], np.ndarray):
                outputs[name] = outputs[name].astype(np.float32)
    return outputs


def _as_array(name: str, value: Plain, axes: str) -> Any:
    if value is MISSING:
        return value
    if axes == "word":
        return value.strip().casefold() if isinstance(value, str) else value
    if axes == "yes or no":
        if isinstance(value, str) and value.strip().casefold() in ("yes", "no", "true", "false"):
            return value.strip().casefold() in ("yes", "true")
        while isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        number = np.asarray("no number" if isinstance(value, dict | tuple) else value)
        is_flag = number.size == 1 and number.dtype.kind in "biuf" and number.item() in (0, 1)
        return bool(number.item()) if is_flag else value
    if value is None:
        raise _Misshapen(f"{name} is None, expected {_shape_words(axes)}")
    if isinstance(value, str | dict):
        raise _Misshapen(f"{name} is {_brief(value)}, expected {_shape_words(axes)}")
    try:
        array = np.asarray(value)
    except ValueError:
        raise _Misshapen(f"{name} is a list of unequal parts, not an array") from None
    if array.dtype.kind not in "biuf":
        raise _Misshapen(f"{name} holds {array.dtype}, expected numbers")
    return array


def _ndim(axes: str, expected: Any) -> int:
    if expected is None:
        return len(axes.split()) if is_shape(axes) else 0
    return np.ndim(expected.low if isinstance(expected, Band) else expected)


def _shape(value: Plain) -> tuple[int, ...] | None:
    try:
        return np.shape(value)
    except ValueError:  # a list of unequal parts
        return None


def _shape_words(axes: str) -> str:
    return f"an array ({', '.join(axes.split())})" if is_shape(axes) else "a number"


def _brief(value: Plain) -> str:
    words = " ".join(repr(value).split())
    return words if len(words) <= LONGEST_VALUE else words[:LONGEST_VALUE] + " …"


# --- one case ---


def _judged(
    exercise: Exercise,
    instances: list[Inputs],
    expected: list[Outputs | None],
    returned: Sequence[Returned],
) -> _Judged:
    outputs, outcomes = [], []
    for case, inputs, right, record in zip(
        exercise.cases, instances, expected, returned, strict=True
    ):
        given, outcome = _outcome(exercise, case, inputs, right, record)
        outputs.append(given)
        outcomes.append(outcome)
    return _Judged(outputs, tuple(outcomes))


def _outcome(
    exercise: Exercise, case: Case, inputs: Inputs, expected: Outputs | None, record: Returned
) -> tuple[Outputs | None, Outcome]:
    if record.state != "returned":
        text = record.failure.message if record.failure else ""
        return None, Outcome(case.name, record.state, text=text, failure=record.failure)
    try:
        given = _conform(exercise, record.value, expected)
    except _Misshapen as error:
        return None, Outcome(case.name, "unreadable", text=str(error))
    if expected is None:
        try:
            with np.errstate(all="ignore"):
                text = case.holds(inputs, given)  # type: ignore[misc]
        except Exception as error:  # a shape the property cannot read
            text = f"The answer cannot be read: {error}"
        if text:
            return given, Outcome(case.name, "differs", text=text)
    else:
        found = tuple(
            d
            for name, axes in exercise.outputs.items()
            if (d := _difference(exercise, name, axes, given[name], expected[name]))
        )
        if found:
            return given, Outcome(case.name, "differs", found, text=found[0].text)
    changed = [name for name in record.changed if name not in exercise.may_change]
    if changed:
        text = f"The values are right, but it changes {', '.join(changed)} of its caller"
        return given, Outcome(case.name, "changes its inputs", text=text)
    return given, Outcome(case.name, "holds")


def _difference(
    exercise: Exercise, name: str, axes: str, yours: Any, expected: Any
) -> Difference | None:
    """What is wrong with one output, or None."""

    def wrong(problem: str, text: str) -> Difference:
        return Difference(name, problem, yours, expected, text)

    if yours is MISSING:
        return wrong("missing", f"{name} is missing")
    if axes in ("word", "yes or no"):
        right = expected.casefold() if isinstance(expected, str) else bool(expected)
        if type(yours) is not type(right):
            asked = "yes or no, True or False" if axes == "yes or no" else "a word"
            return wrong("kind", f"{name} is {_brief(yours)}, expected {asked}")
        return None if yours == right else wrong("value", f"{name} is not {_brief(yours)}")
    if isinstance(expected, Band):
        return _outside(wrong, name, yours, expected)
    expected = np.asarray(expected)
    if expected.ndim == 0 and yours.size == 1:
        yours = yours.reshape(())
    if yours.shape != expected.shape:
        letters = ", ".join(axes.split()) + ("," if expected.ndim == 1 else "")
        fits = is_shape(axes) and len(axes.split()) == expected.ndim
        meant = f"({letters}) = " if fits else "one number, shape " * (not expected.ndim)
        return wrong("shape", f"{name} has the shape {yours.shape}, expected {meant}"
                     f"{expected.shape}")  # fmt: skip
    bad = ~np.isfinite(yours) & np.isfinite(expected)
    if bad.any():
        what = "nan" if np.isnan(yours[bad]).any() else "infinite"
        return wrong("not finite", f"{int(bad.sum())} of {bad.size} entries of {name} are {what}")
    rtol, atol = _tolerance(exercise, yours)
    if close(yours, expected, rtol, atol):
        return None
    if yours.dtype.kind in "biu" and any(
        close(yours, cut(expected), rtol, atol) for cut in (np.trunc, np.rint, np.floor)
    ):
        return wrong("kind", f"{name} holds integers ({yours.dtype}): the decimals are lost")
    return wrong("value", f"{name} differs")


def _outside(wrong: Any, name: str, yours: Any, band: Band) -> Difference | None:
    low, high = np.asarray(band.low), np.asarray(band.high)
    if low.ndim == 0 and yours.size == 1:
        yours = yours.reshape(())
    if yours.shape != low.shape:
        return wrong("shape", f"{name} has the shape {yours.shape}, expected {low.shape}")
    if not np.isfinite(yours).all():
        return wrong("not finite", f"{name} is not finite")
    if np.all((yours >= low) & (yours <= high)):
        return None
    above, below = bool(np.any(yours > high)), bool(np.any(yours < low))
    side = "partly above and partly below" if above and below else "above" if above else "below"
    return wrong("band", f"{name} lies {side} the band that was measured just now")


def _tolerance(exercise: Exercise, array: np.ndarray) -> tuple[float, float]:
    if _is_single(array):
        return max(exercise.rtol, SINGLE_RTOL), max(exercise.atol, SINGLE_ATOL)
    return exercise.rtol, exercise.atol


def _is_single(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.dtype.itemsize < 8


# --- known mistakes ---


def run_wrong(exercise: Exercise, mistake: Mistake, instances: list[Inputs]) -> list[Returned]:
    """Run a known mistake on instances, as the learner's function was run elsewhere.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    mistake : Mistake
        One of its known mistakes: code of the package, which needs no guard.
    instances : list of dict
        The inputs of every case.

    Returns
    -------
    list of Returned
        One record for each case.

    Notes
    -----
    See the misconceptions in the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> from rnncourse.checks.catalogue import load
    >>> exercise = load("02.bptt")
    >>> records = run_wrong(exercise, exercise.mistakes[0], exercise.instances(0))
    >>> {record.state for record in records}
    {'returned'}
    """
    function = exercise.wrong(mistake)
    records = []
    for inputs in instances:
        given = copy.deepcopy(inputs)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = plain(exercise.call(function, given))
            except WrongCall as error:
                failure = Failure("TypeError", str(error))
                records.append(Returned("unreadable", failure=failure))
                continue
            except Exception as error:
                failure = Failure(type(error).__name__, str(error))
                records.append(Returned("raised", failure=failure))
                continue
        changed = tuple(name for name in inputs if not unchanged(inputs[name], given[name]))
        records.append(Returned("returned", value, changed=changed))
    return records


def _name(
    exercise: Exercise,
    seed: int,
    instances: list[Inputs],
    expected: list[Outputs | None],
    mine: _Judged,
) -> tuple[Named, ...]:
    suspects = _suspects(exercise, seed, instances, expected)
    signature = [_mark(o) for o in mine.outcomes]
    for mistake, theirs in suspects:
        same_cases = [_mark(o) for o in theirs.outcomes] == signature
        if same_cases and (not exercise.by_values or _agree(exercise, expected, mine, theirs)):
            return (Named(mistake.name, mistake.hint),)
    if not exercise.by_values or len(exercise.outputs) == 1:
        return ()
    return _name_by_output(exercise, expected, mine, suspects)


def _suspects(
    exercise: Exercise, seed: int, instances: list[Inputs], expected: list[Outputs | None]
) -> list[tuple[Mistake, _Judged]]:
    """All known mistakes, judged on the same instances; kept for the last seeds."""
    kept = exercise.judged_mistakes
    if seed not in kept:
        while len(kept) >= SEEDS_KEPT:
            kept.pop(next(iter(kept)))
        kept[seed] = [
            (m, _judged(exercise, instances, expected, run_wrong(exercise, m, instances)))
            for m in exercise.mistakes
        ]
    return kept[seed]


def _mark(outcome: Outcome) -> tuple[str, ...]:
    """What two answers with the same mistake share on one case."""
    failure = outcome.failure
    if outcome.state in ("raised", "unreadable") and failure:
        words = re.sub(r"[\d.]+", "0", " ".join(failure.message.split()))  # other sizes each time
        return (outcome.state, failure.kind, words[:LONGEST_VALUE])
    return (outcome.state,)


def _wrong_outputs(judged: _Judged) -> set[str]:
    return {d.output for o in judged.outcomes for d in o.differences}


def _agree(
    exercise: Exercise,
    expected: list[Outputs | None],
    mine: _Judged,
    theirs: _Judged,
    names: set[str] | None = None,
) -> bool:
    """Whether two answers have the same values on all cases, in all or in some outputs."""
    for i, (right, a, b) in enumerate(zip(expected, mine.outputs, theirs.outputs, strict=True)):
        if (a is None) != (b is None):
            return False
        if a is None or b is None:
            continue
        wrong_here = ({d.output for d in j.outcomes[i].differences} for j in (mine, theirs))
        differently = set.symmetric_difference(*wrong_here)
        for name in names or exercise.outputs:
            if name in differently:  # wrong in one answer and right in the other
                return False
            meant = None if right is None else right[name]
            if not _same_value(exercise, a[name], b[name], meant):
                return False
    return True


def _same_value(exercise: Exercise, yours: Any, other: Any, expected: Any) -> bool:
    if not (isinstance(yours, np.ndarray) and isinstance(other, np.ndarray)):
        return type(yours) is type(other) and yours == other
    if yours.size == other.size == 1:
        yours, other = yours.reshape(()), other.reshape(())
    if isinstance(expected, Band):
        high, low = np.asarray(expected.high), np.asarray(expected.low)
        room, middle = np.abs(high - low) / 2, np.abs(high + low) / 2
        if yours.shape != other.shape or yours.shape != room.shape:
            return False
        with np.errstate(all="ignore"):  # infinite minus infinite
            # a band of 5 % is 5 % of the mistake's value too
            room = np.where(middle > room, room * np.minimum(np.abs(other) / middle, 1), room)
            return bool(np.all((yours == other) | (np.abs(yours - other) <= room)))
    rtol, atol = _tolerance(exercise, yours)
    return close(yours, other, 2 * rtol, 2 * atol)


def _name_by_output(
    exercise: Exercise,
    expected: list[Outputs | None],
    mine: _Judged,
    suspects: list[tuple[Mistake, _Judged]],
) -> tuple[Named, ...]:
    """Explain single outputs: the mistakes all of whose wrong outputs are wrong in this way."""
    left = _wrong_outputs(mine)
    fitting = []
    for mistake, theirs in suspects:
        wrong = _wrong_outputs(theirs)
        if wrong and wrong <= left and _agree(exercise, expected, mine, theirs, wrong):
            fitting.append((mistake, wrong))
    named = []
    for mistake, wrong in sorted(fitting, key=lambda pair: -len(pair[1])):
        if wrong <= left:
            left -= wrong
            listed = tuple(name for name in exercise.outputs if name in wrong)
            named.append(Named(mistake.name, mistake.hint, listed))
    return tuple(named)


# --- where it is wrong ---


def _factors(exercise: Exercise, inputs: Inputs) -> dict[str, float]:
    """Sizes of axes and scalar inputs, which may turn up as a factor."""
    factors = {}
    for name, axes in exercise.inputs.items():
        value = inputs.get(name)
        if isinstance(value, np.ndarray):
            if value.dtype == bool:
                factors[f"{name}.sum()"] = float(value.sum())
            letters = axes.split()
            if len(letters) == value.ndim:
                factors |= {
                    s: float(n) for s, n in zip(letters, value.shape, strict=True) if s in AXES
                }
        elif isinstance(value, float | int) and not isinstance(value, bool):
            factors[name] = float(value)
    return factors


def _locate(
    exercise: Exercise, instances: list[Inputs], mine: _Judged, explained: set[str]
) -> tuple[str, ...]:
    wrong = [n for n in exercise.outputs if n in _wrong_outputs(mine)]
    right = [n for n in exercise.outputs if n not in wrong]
    if not wrong or set(wrong) <= explained:
        return ()
    sentences: list[str] = []
    said: dict[str, list[str]] = {}
    if len(exercise.outputs) > 1 and not explained:
        sentences.append(_which(wrong, right))
    for name in wrong:
        if name in explained:
            continue
        cases = [
            (d, inputs)
            for outcome, inputs in zip(mine.outcomes, instances, strict=True)
            for d in outcome.differences
            if d.output == name
        ]
        arrays = [
            Wrong(_like(d), np.asarray(d.expected, dtype=float),
                  _axes(exercise.outputs[name], np.ndim(d.expected)), _factors(exercise, inputs))
            for d, inputs in cases
            if isinstance(d.yours, np.ndarray) and not isinstance(d.expected, Band | str)
        ]  # fmt: skip
        found = locate(arrays) if len(arrays) == len(cases) else ()
        for sentence in found:
            said.setdefault(sentence, []).append(name)
    if len(exercise.outputs) == 1:
        return tuple(said)
    sentences += [f"{', '.join(outputs)}: {sentence}" for sentence, outputs in said.items()]
    silent = [n for n in wrong if n not in explained and not any(n in o for o in said.values())]
    if explained and silent:
        sentences.append(f"Wrong in another way: {', '.join(silent)}.")
    return tuple(sentences[:MOST_SENTENCES])


def _axes(axes: str, ndim: int) -> tuple[str, ...]:
    """The symbols of the axes, or their places where an exercise takes arrays of any shape."""
    letters = tuple(axes.split())
    return letters if len(letters) == ndim else ("first", "second", "third", "fourth")[:ndim]


def _like(difference: Difference) -> np.ndarray:
    yours = np.asarray(difference.yours, dtype=float)
    shape = np.shape(difference.expected)
    return yours.reshape(shape) if yours.size == 1 and shape == () else yours


def _which(wrong: list[str], right: list[str]) -> str:
    if not right:
        return "Every output is wrong somewhere."
    return f"Always right: {', '.join(right)}. Wrong somewhere: {', '.join(wrong)}."


def _notes(exercise: Exercise, returned: Sequence[Returned]) -> tuple[str, ...]:
    notes = []
    changed = {n for r in returned for n in r.changed if n not in exercise.may_change}
    if changed:
        notes.append(
            f"Your function changes {', '.join(sorted(changed))}, which belongs to its caller. "
            f"Work on a copy: `.copy()` of an array, `.clone()` of a tensor."
        )
    reads = sorted({n for r in returned for n in r.reads})
    if reads:
        notes.append(
            f"Your function reads {', '.join(reads)} from outside: a value left by an earlier "
            f"cell. Make it an argument, or compute it inside."
        )
    printed = max((r.printed_length for r in returned), default=0)
    if printed:
        begun = next(r.printed for r in returned if r.printed_length)
        notes.append(f"It prints (up to {printed:,} characters a call): {begun[:200]!r}")
    warned = list(dict.fromkeys(w for r in returned for w in r.warned))
    if warned:
        notes.append(f"NumPy or torch warned: {'; '.join(warned[:3])}")
    return tuple(notes)
