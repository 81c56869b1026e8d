"""Finds rows whose content agrees with that of a benchmark item, whatever the wording.

Whoever rephrases an item keeps its numbers, its names and some of its words. Few pairs of a row and
an item share enough of these, and only they need to be compared by an encoder.
"""

from collections.abc import Sequence, Set
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from quality.decontaminate.content import read_terms
from quality.decontaminate.items import BenchmarkItem
from quality.decontaminate.postings import Bags, Floats, Places, Shared, make_bags, share_much
from quality.decontaminate.turns import row_texts
from schemas.frames import FrameSchema

#: What both must have, in words that occur nowhere else; less is a coincidence of topic.
MIN_EVIDENCE: Final = 2.0
#: Share of the content that both must have.
MIN_AGREEMENT: Final = 0.2
#: Share of the numbers that both must have, where there are any.
MIN_NUMBERS: Final = 0.5
# A few texts do not tell which words are common: as if so many more had none of them.
_BACKGROUND: Final = 10_000
_DECIMALS: Final = 6

#: Pairs of a text and an item whose content agrees.
PAIRS: FrameSchema = {
    "text": pl.Int64,
    "item": pl.Int64,
    "agreement": pl.Float64,  # 0..1
    "has_numbers": pl.Boolean,  # whether a number written in digits agrees
}


class Candidates(NamedTuple):
    """What an encoder has to compare.

    Attributes:
        texts: turns, paragraphs and lines of rows: different, sorted.
        rows: frame of `id` and `text` (place in `texts`): whose they are.
        pairs: PAIRS, sorted.
        compared: for each item, whether it has enough content to be recognised by.
    """

    texts: list[str]
    rows: pl.DataFrame
    pairs: pl.DataFrame
    compared: list[bool]


class _Content(NamedTuple):
    """The terms of one text, and those of them that are numbers in digits."""

    terms: Set[str]
    values: Set[str]


def find_candidates(rows: pl.DataFrame, items: Sequence[BenchmarkItem]) -> Candidates:
    """Find the texts of rows whose content agrees with that of an item.

    Terms weigh by how rare they are among all texts. A pair needs MIN_EVIDENCE in common, and
    MIN_AGREEMENT of what both have. Of the numbers in digits MIN_NUMBERS must be in both; where
    each has one that the other has not, they are two problems in one wording.

    Args:
        rows: ROWS.
        items: the benchmarks.

    Returns:
        The candidates, the same whatever the order of `rows`.
    """
    pieces = _pieces(rows)
    texts = pieces["text"].unique().sort()
    wholes = pl.Series("text", [item.whole for item in items], dtype=pl.String)
    terms = read_terms(pl.concat([texts, wholes]))
    weights = _weights(terms, texts.len() + wholes.len())
    weighted = terms.join(weights, on="term").sort("text", "term")
    left = weighted.filter(pl.col("text") < texts.len())
    right = weighted.filter(pl.col("text") >= texts.len()).with_columns(
        pl.col("text") - texts.len()
    )
    near = _near(left, right, texts.len(), wholes.len())
    pairs = _agreeing(near, left, right, dict(weights.iter_rows()))
    evidence = _sums(right, wholes.len())
    places = pl.DataFrame({"text": texts, "place": np.arange(texts.len())})
    owners = pieces.join(places, on="text").select("id", text="place")
    return Candidates(texts.to_list(), owners, pairs, (evidence >= MIN_EVIDENCE).tolist())


def _pieces(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `id` and `text`: every turn, paragraph and line of every row."""
    found = row_texts(rows).select("row", text=pl.col("text").str.strip_chars())
    spaced = pl.col("text").str.replace_all(r"\n\s*\n", "\n\n")
    parts = [
        found.with_columns(text=split).explode("text")
        for split in (spaced.str.split("\n\n"), pl.col("text").str.split("\n"))
    ]
    every = pl.concat([found, *parts]).with_columns(pl.col("text").str.strip_chars())
    ids = rows.select("id").with_row_index("row")
    return every.unique().filter(pl.col("text") != "").join(ids, on="row").select("id", "text")


def _weights(terms: pl.DataFrame, height: int) -> pl.DataFrame:
    """Weigh every term of TERMS: 0 where all texts have it, nearly 1 where one has."""
    size = height + _BACKGROUND + 1
    rarity = (size / (pl.col("holders") + 1)).log(2) / np.log2(size)
    counted = terms.group_by("term").agg(holders=pl.len())
    return counted.select("term", weight=rarity.round(_DECIMALS))


def _near(left: pl.DataFrame, right: pl.DataFrame, n_left: int, n_right: int) -> Shared:
    """Find the pairs that may share enough, all of those that do among them."""
    known = right.select("term", "weight").unique().sort("term").with_row_index("number")
    return share_much(
        _bags(left, known, n_left),
        _bags(right, known, n_right),
        known["weight"].to_numpy(),
        min_weight=MIN_EVIDENCE,
        min_share=MIN_AGREEMENT,
    )


def _bags(weighted: pl.DataFrame, known: pl.DataFrame, height: int) -> Bags:
    """Return the terms that are known, and the weight of words and digits in all."""
    counted = weighted.filter(pl.col("is_value") | ~pl.col("term").str.starts_with("#"))
    numbered = weighted.join(known.select("term", "number"), on="term").sort("text", "number")
    return make_bags(numbered, _sums(counted, height))


def _sums(weighted: pl.DataFrame, height: int) -> Floats:
    """Add up the weights of each text."""
    sums = np.bincount(weighted["text"].to_numpy(), weighted["weight"].to_numpy(), height)
    return sums.astype(np.float64)


def _agreeing(
    near: Shared, left: pl.DataFrame, right: pl.DataFrame, weights: dict[str, float]
) -> pl.DataFrame:
    """Keep the pairs that agree, and say how much."""
    contents = [_contents(side, at) for side, at in ((left, near.left), (right, near.right))]
    found = []
    for text, item in zip(near.left.tolist(), near.right.tolist(), strict=True):
        agreement = _agreement(contents[0][text], contents[1][item], weights)
        if agreement is not None and agreement[0] >= MIN_AGREEMENT:
            found.append((text, item, *agreement))
    return pl.DataFrame(found, schema=dict(PAIRS), orient="row")


def _contents(weighted: pl.DataFrame, texts: Places) -> dict[int, _Content]:
    chosen = weighted.filter(pl.col("text").is_in(np.unique(texts).tolist()))
    values = pl.col("term").filter(pl.col("is_value"))
    grouped = chosen.group_by("text").agg("term", values=values)
    return {text: _Content(set(terms), set(of)) for text, terms, of in grouped.iter_rows()}


def _agreement(
    one: _Content, other: _Content, weights: dict[str, float]
) -> tuple[float, bool] | None:
    """Return the share of the content that both have, and whether they have a number in common.

    Returns:
        None where the numbers contradict each other, or too few agree.
    """
    shared = one.terms & other.terms
    only_one, only_other = one.values - shared, other.values - shared
    numbers = one.values | other.values
    agreed = len(numbers) - len(only_one) - len(only_other)
    if (only_one and only_other) or agreed < MIN_NUMBERS * len(numbers):
        return None
    apart = {term for term in one.terms ^ other.terms if not term.startswith("#")}
    common = 2 * sum(sorted(weights[term] for term in shared))
    lacking = sum(sorted(weights[term] for term in apart | only_one | only_other))
    total = common + lacking
    return (round(common / total, _DECIMALS) if total else 0.0), agreed > 0
