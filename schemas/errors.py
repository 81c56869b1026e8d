"""The exception tree.

FeingoldError            every error feingold raises on purpose; carries the exit code
├── InputError      (2)  the user's recipe, files, flags or environment are wrong
├── RunError        (1)  the run failed; what was done is kept and the same command goes on
│   └── BooksError  (1)  rows do not add up: kept + dropped + quarantined != input
└── BudgetError     (3)  the budget is used up; what was paid for is kept

A message is one line: what was expected, what came (`!r`), where, what to do.
"""

from typing import Any, ClassVar


class FeingoldError(Exception):
    """Base of all errors that reach the user as one line."""

    exit_code: ClassVar[int] = 1
    #: What was done before the error, for `--json`; set by the flow.
    summary: dict[str, Any] | None = None


class InputError(FeingoldError):
    """What the user gave is wrong and nothing was started."""

    exit_code = 2


class RunError(FeingoldError):
    """A run stopped half way; its finished stages and paid replies are kept."""

    exit_code = 1


class BooksError(RunError):
    """A stage lost or invented a row (law 1)."""


class BudgetError(FeingoldError):
    """The next request could exceed the budget of the recipe.

    Attributes:
        is_of_teacher: whether it is the budget of one teacher, for whom others may step in.
    """

    exit_code = 3
    is_of_teacher: bool = False
