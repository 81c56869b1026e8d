"""Takes secrets out of rows that are published as rejects."""

import polars as pl

from quality.scorers.secrets import SHAPES

REDACTED = "[secret removed by feingold]"
_TEXTS = ("system", "instruction", "input", "output", "raw")


def redact_secrets(rows: pl.DataFrame) -> pl.DataFrame:
    """Replace every string in the shape of a key or token.

    A row that a rule dropped for its secret is published with the other rejects; the secret itself
    must not be. The stage directories of the home keep the row as it came.

    Args:
        rows: ROWS.

    Example:
        >>> from schemas.frames import ROWS, empty_frame
        >>> rows = empty_frame(ROWS).clear(1).with_columns(
        ...     output=pl.Series(["key: AKIA" + "Q7RT" * 4]))
        >>> redact_secrets(rows)["output"].to_list()
        ['key: [secret removed by feingold]']
    """
    content = pl.element().struct.field("content").str.replace_all(SHAPES, REDACTED)
    turns = pl.col("messages").list.eval(pl.element().struct.with_fields(content=content))
    texts = pl.col(*_TEXTS).str.replace_all(SHAPES, REDACTED)
    return rows.with_columns(texts, turns)
