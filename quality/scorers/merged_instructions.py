"""Two tasks run together in one row."""

import polars as pl

from quality.scorers.measure import flag, measure

_HEADER = (
    r"(?:instruction|input|output|response|question|answer|task|prompt|example|"
    r"anweisung|eingabe|ausgabe|antwort|frage|aufgabe)"
)
#: The next task of a numbered batch: "6. Instruction: ...", "## 6. Task:".
_NUMBERED = (
    r"(?im)^[\s#]*\d{1,3}[.)]\s*(?:instruction|input|output|task|anweisung|eingabe|ausgabe|"
    r"aufgabe)\s*:"
)
#: A template header: "### Instruction", "### Response:".
_TEMPLATE = (
    rf"(?im)^\s*###+\s*(?:instruction|input|response|output|anweisung|antwort)\s*\d*\s*:?\s*$|"
    rf"^\s*###+\s*{_HEADER}\s*\d*\s*:"
)
#: A batch separator on a line of its own at the end of an answer.
_SEPARATOR = r"\n\s*###?\s*(?:\d{1,3}[.)]?)?\s*(?:\n|$)"
#: A second "Instruction:" after other text.
_SECOND = r"(?i)\S[^\n]*\n+\s*(?:instruction|anweisung)\s*\d*\s*:"
#: A row whose answer should itself be a task.
_ASKS_FOR_TASKS = (
    r"(?i)instruction|\btasks?\b|prompt|input|exercise|quiz|aufgabe|anweisung|übung|eingabe|"
    r"template"
)


def find_second_task(column: str) -> pl.Expr:
    """Return the header that starts a second task in `column`, null where there is none."""
    words = pl.col(column).fill_null("")
    return pl.coalesce(
        words.str.extract(_NUMBERED, 0),
        words.str.extract(_TEMPLATE, 0),
        words.str.extract(_SECOND, 0),
        words.str.extract(_SEPARATOR, 0),
    )


def merged_instructions(rows: pl.DataFrame) -> pl.Series:
    r"""Say whether the instruction or the output contains the start of another task.

    Generators that ask for a numbered batch leave such rows where a separator was missed.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 or 0.0; null where a header stands in an output whose task asks for tasks.

    Source:
        The merged-instructions issue of https://github.com/gururise/AlpacaDataCleaned. Differs:
        headers in the output count only where the instruction does not ask to write tasks.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Name a bird."] * 2,
        ...     "output": ["A wren.\n\n6. Instruction: Add 1 and 2.", "1. Wren\n2. Owl"]})
        >>> merged_instructions(rows).to_list()
        [1.0, 0.0]
    """
    in_task = find_second_task("instruction").is_not_null()
    in_answer = find_second_task("output").is_not_null()
    asked = pl.col("instruction").fill_null("").str.contains(_ASKS_FOR_TASKS)
    told = pl.when(in_task).then(statement=True).when(in_answer & asked).then(None)
    return measure(rows, "merged_instructions", flag(told.otherwise(in_answer)))
