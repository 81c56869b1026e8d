"""Answers copied from their own prompt."""

import polars as pl

from quality.words import ngrams, per_row

_GRAM_WORDS = 3
_MIN_GRAMS = 4
#: The score 1.0 is kept for equality.
_MAX_COPIED = 0.99


def fold_spaces(column: str) -> pl.Expr:
    """Return `column` with every run of space as one blank and no quotation marks around it.

    Case and punctuation stay: "hello" to "Hello." is a correct answer to "Add punctuation".
    """
    folded = pl.col(column).fill_null("").str.replace_all(r"\s+", " ")
    return folded.str.strip_chars(" \"'“”„`")


def equals_prompt(column: str) -> pl.Expr:
    """Say whether `column` is the same text as the input or the instruction."""
    answer = fold_spaces(column)
    same = (answer == fold_spaces("input")) | (answer == fold_spaces("instruction"))
    return same & (answer != "")


def echo(rows: pl.DataFrame) -> pl.Series:
    """Measure how much of the output is copied from the instruction or the input.

    A high share is right for "Correct this sentence" and "Quote the paragraph": only 1.0 is a
    defect by itself.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 1.0 where the output equals the input or the instruction; else the share of its
        word 3-grams that occur in them, at most 0.99; null for other outputs under 6 words.

    Source:
        Broder 1997, containment, https://doi.org/10.1109/SEQUEN.1997.666900. Differs: counts
        occurrences, and names equality apart.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Repeat: yes", "Good or bad?"],
        ...     "input": ["What a day", "Fine day."], "output": ["What a day", "good"]})
        >>> echo(rows).to_list()
        [1.0, None]
    """
    prompt = rows.select(
        pl.concat_str(["instruction", "input"], separator=" \n ", ignore_nulls=True)
    )
    seen = ngrams(prompt.to_series(), _GRAM_WORDS).unique()
    grams = ngrams(rows["output"], _GRAM_WORDS)
    found = grams.join(seen.with_columns(copied=pl.lit(value=True)), on=["row", "gram"], how="left")
    shares = found.group_by("row").agg(pl.len(), value=pl.col("copied").count() / pl.len())
    copied = per_row(shares.filter(pl.col("len") >= _MIN_GRAMS).select("row", "value"), rows.height)
    equal = rows.select(equals_prompt("output")).to_series()
    return pl.select(
        pl.when(equal).then(1.0).otherwise(copied.clip(upper_bound=_MAX_COPIED)).alias("echo")
    ).to_series()
