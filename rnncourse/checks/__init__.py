"""The examiner: `check` an answer, ask for a `hint`, see an `example`, look at your `progress`.

Three parts that know nothing of each other. The cases of an exercise: inputs, drawn from a seed.
The call of the learner's function: inputs in, records of arrays, numbers and words out. The
judge: a pure function of (exercise, seed, records). To read in this order:

``returned``, ``exercise``, ``verdict``
    The data: what comes back of a call, what an exercise is, what the judge says.
``chapter_01`` to ``chapter_07``
    The exercises, each in a module of its own: definition, cases, hints, known mistakes.
``catalogue``
    An exercise by its name.
``learner_code``, ``world``, ``call``
    The call: whose line it was, what is kept and put back, and the thread with its time limit.
``localise``, ``conform``, ``outcome``, ``naming``, ``judge``
    The judge: where and how an array differs; an answer arranged as the outputs asked for; what
    became of a case; which known mistake it is; the verdict.
``layout``, ``card``
    What a learner reads, as text and as HTML.
``record``, ``examiner``, ``matrix``
    Progress; what the learner calls; the known mistakes against the tests.
"""

from rnncourse.checks.examiner import check, example, hint, progress

__all__ = ["check", "example", "hint", "progress"]
