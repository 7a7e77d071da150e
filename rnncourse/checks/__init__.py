"""The examiner: `check` an answer, ask for a `hint`, see an `example`, look at your `progress`."""

from rnncourse.checks.examiner import check, example, hint, progress

__all__ = ["check", "example", "hint", "progress"]
