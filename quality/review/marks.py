"""Which answers refuse, and which are broken: the verdicts of the default rules."""

from typing import Final, NamedTuple

import polars as pl

from quality.filters import DEFAULT_FILTERS
from quality.filters.engine import apply_filters

#: Rules that find an answer broken, whatever was asked.
MALFORMED: Final = frozenset(
    {
        *("empty_output", "placeholder_output", "answer_equals_input", "merged_instructions"),
        *("leaked_prompt", "unclosed_code", "unfinished", "max_repetition"),
    }
)
REFUSAL: Final = frozenset({"refusal"})


class Marks(NamedTuple):
    """What the rules say of rows.

    Attributes:
        refuses: Boolean, one a row; null where the rule cannot tell.
        malformed: likewise, of all rules of MALFORMED together.
    """

    refuses: pl.Series
    malformed: pl.Series


def mark_rows(rows: pl.DataFrame) -> Marks:
    """Ask the default rules about refusals and broken answers.

    Args:
        rows: ROWS with unique ids; score columns are used where they are there.
    """
    return Marks(_ask(rows, REFUSAL), _ask(rows, MALFORMED))


def _ask(rows: pl.DataFrame, names: frozenset[str]) -> pl.Series:
    rules = [rule for rule in DEFAULT_FILTERS if rule["rule"] in names]
    result = apply_filters(rows, rules)
    unsure = result.decisions.filter(action="abstain")["id"]
    hit = pl.col("id").is_in(result.dropped["id"].implode())
    verdict = pl.when(hit).then(True).when(~pl.col("id").is_in(unsure.implode())).then(False)
    return rows.select(marked=verdict).to_series()
