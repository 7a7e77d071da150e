"""The judge: what came back, compared with the definition, and the mistake named.

`judge` is a pure function of (exercise, seed, returned values). It never calls the learner's
function, so the same verdict is reached wherever that function ran. It uses none of
``numpy.testing`` and no ``assert``.
"""

import copy
import warnings
from collections.abc import Sequence

import numpy as np

from rnncourse.checks.exercise import Band, Case, Exercise, Inputs, Mistake, Outputs, WrongCall
from rnncourse.checks.localise import AXES, Wrong, locate
from rnncourse.checks.naming import name_mistakes
from rnncourse.checks.outcome import Judged, judge_cases
from rnncourse.checks.returned import Failure, Returned, plain, unchanged
from rnncourse.checks.verdict import Difference, Verdict

MOST_SENTENCES = 5
SEEDS_KEPT = 4  # for which the known mistakes of an exercise are remembered


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
    mine = judge_cases(exercise, instances, expected, returned)
    states = {o.state for o in mine.outcomes} - {"not run"}
    notes = _notes(exercise, returned)
    if states == {"not implemented"}:
        return Verdict(exercise.name, seed, "not implemented", mine.outcomes)
    if states == {"holds"} and all(o.state == "holds" for o in mine.outcomes):
        return Verdict(exercise.name, seed, "passed", mine.outcomes, notes=notes)
    failing = [i for i, o in enumerate(mine.outcomes) if o.state not in ("holds", "not run")]
    failing = failing or [i for i, o in enumerate(mine.outcomes) if o.state == "not run"]
    suspects = _suspects(exercise, seed, instances, expected)
    named = name_mistakes(exercise, expected, mine, suspects)
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


def _suspects(
    exercise: Exercise, seed: int, instances: list[Inputs], expected: list[Outputs | None]
) -> list[tuple[Mistake, Judged]]:
    """All known mistakes, judged on the same instances; kept for the last seeds."""
    kept = exercise.judged_mistakes
    if seed not in kept:
        while len(kept) >= SEEDS_KEPT:
            kept.pop(next(iter(kept)))
        kept[seed] = [
            (m, judge_cases(exercise, instances, expected, run_wrong(exercise, m, instances)))
            for m in exercise.mistakes
        ]
    return kept[seed]


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
    exercise: Exercise, instances: list[Inputs], mine: Judged, explained: set[str]
) -> tuple[str, ...]:
    wrong = [n for n in exercise.outputs if n in mine.wrong_outputs]
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
        if not exercise.asks_for_values:  # "twice the right one" would be the answer
            for sentence in _relations(exercise, instances, mine, name):
                said.setdefault(sentence, []).append(name)
    if len(exercise.outputs) == 1:
        return tuple(said)
    sentences += [f"{', '.join(outputs)}: {sentence}" for sentence, outputs in said.items()]
    missing = {d.output for o in mine.outcomes for d in o.differences if d.problem == "missing"}
    told = explained.union(missing, *said.values())
    silent = [n for n in wrong if n not in told]
    if explained and silent:
        sentences.append(f"Wrong in another way: {', '.join(silent)}.")
    return tuple(sentences[:MOST_SENTENCES])


def _relations(
    exercise: Exercise, instances: list[Inputs], mine: Judged, name: str
) -> tuple[str, ...]:
    """What holds between one wrong output and the right one, on all instances."""
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
    return locate(arrays) if len(arrays) == len(cases) else ()


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
