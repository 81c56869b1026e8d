"""Names clusters of texts by the words that set each apart from the others."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

import polars as pl

from quality.select.stop_words import STOP_WORDS
from quality.words import terms

#: Joins the words of a name.
SEPARATOR: Final = ", "
_WORDS = 3
# Of so many words by weight a name is put together.
_CANDIDATES = 24
# A word that weighs less than this part of the first says little.
_LEAST_WEIGHT = 0.4
# Rows of a cluster that must share a word, so that no secret of one row becomes a title.
_LEAST_ROWS = 2
_FORM = r"^\p{L}[\p{L}'’-]{2,23}$"
# Two words of which this part of the shorter begins alike are forms of one word.
_SAME_BEGINNING = 0.75


def name_topics(texts: pl.Series, labels: pl.Series) -> list[str]:
    """Name every cluster by two or three words, or one where it has no more.

    Args:
        texts: String, one a row.
        labels: Int64, the cluster of each row, 0 to k - 1, each with at least one row; negative:
            none.

    Returns:
        One name a cluster, no two alike. A cluster whose rows share no telling word is called
        `topic <n>`. Words are in lower case and made of letters, whatever the texts hold.

    Source:
        Grootendorst 2022 (BERTopic), https://arxiv.org/abs/2203.05794: class-based TF-IDF.
        Differs: the share of a cluster's rows with the word instead of its count, so that one long
        text cannot name a cluster.

    Example:
        >>> texts = pl.Series(["Bake a cake.", "Bake a cake fast.", "Sum sales.", "Sum up sales."])
        >>> name_topics(texts, pl.Series([0, 0, 1, 1]))
        ['bake, cake', 'sales, sum']
    """
    weighted = _weigh(pl.DataFrame({"text": texts, "label": labels}))
    words = weighted.rows_by_key("label")
    names: list[str] = []
    for label in range(labels.filter(labels >= 0).n_unique()):
        options = _options(words.get(label, []))
        free = (name for name in options if name not in names)
        names.append(next(free, f"topic {label + 1}"))
    return names


def _weigh(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `label`, `word` and `weight` of the words of each cluster, the heaviest first."""
    kept = rows.filter(pl.col("label") >= 0)
    sizes = kept.group_by("label").agg(rows=pl.len())
    words = (
        kept.with_row_index("row")
        .select("row", "label", word=terms(pl.col("text")).list.unique())
        .explode("word")
        .filter(pl.col("word").str.contains(_FORM) & ~pl.col("word").is_in(list(STOP_WORDS)))
    )
    counts = words.group_by("label", "word").agg(count=pl.len())
    everywhere = counts.group_by("word").agg(total=pl.col("count").sum())
    # BERTopic's A: words of an average cluster.
    average = words.height / max(1, sizes.height)
    return (
        counts.join(sizes, on="label")
        .filter(pl.col("count") >= pl.min_horizontal(_LEAST_ROWS, "rows"))
        .join(everywhere, on="word")
        .select(
            "label",
            "word",
            # Rounded, so that the last digit of a logarithm does not choose.
            weight=(pl.col("count") / pl.col("rows") * (1 + average / pl.col("total")).log()).round(
                9
            ),
        )
        .sort("label", "weight", "word", descending=[False, True, False])
        .group_by("label", maintain_order=True)
        .head(_CANDIDATES)
    )


def _options(weighted: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Yield names, the best first: the heaviest words that are no forms of each other."""
    words: list[str] = []
    strong = 0
    for word, weight in weighted:
        if any(_is_same(word, other) for other in words):
            continue
        words.append(word)
        strong += weight >= _LEAST_WEIGHT * weighted[0][1]
    if words:
        yield SEPARATOR.join(words[: min(max(strong, _WORDS - 1), _WORDS)])
        for word in words[_WORDS - 1 :]:
            yield SEPARATOR.join([*words[: _WORDS - 1], word])


def _is_same(word: str, other: str) -> bool:
    """Whether two words are forms of one: story and stories, translate and translation."""
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False))
    )
    return shared >= _SAME_BEGINNING * min(len(word), len(other))
