"""Finds rows that hold benchmark items word for word, whole or in large part."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from quality.decontaminate.hits import HITS
from quality.decontaminate.items import BenchmarkItem
from quality.decontaminate.matching import Match, Matcher, Turns, read_turns
from quality.decontaminate.ngrams import (
    COMMON_ROWS,
    MIN_GRAMS,
    held_texts,
    longest_shared_run,
    measure_shares,
)
from quality.decontaminate.references import MIN_WORDS, References, make_references, search_rows
from quality.decontaminate.sentences import Place, find_sentences

#: Different words from which a question that has to be whole counts in a longer turn.
MIN_WORDS_INSIDE: Final = 5


class Verbatim(NamedTuple):
    """What was found.

    Attributes:
        hits: HITS, rules benchmark_exact and benchmark_ngram; a row may have several.
        compared: how each item was looked for: `ngrams`, `sentences`, `turns` or `skipped`.
    """

    hits: pl.DataFrame
    compared: list[str]


def find_verbatim(
    rows: pl.DataFrame,
    items: Sequence[BenchmarkItem],
    *,
    ngram: int = 8,
    max_coverage: float = 0.5,
) -> Verbatim:
    """Find the rows that hold a benchmark item word for word.

    A question counts by the share of its distinctive n-grams (see `measure_shares`) that stand in
    the turns of a row. With fewer than MIN_GRAMS of these it has to be there whole: as a turn or
    column if it has MIN_WORDS different words, or as sentences of a longer turn if it has
    MIN_WORDS_INSIDE and fewer than COMMON_ROWS rows hold it so. What a question is about has to be
    there with it, options and later turns with a question that has to be whole.

    Args:
        rows: ROWS.
        items: the benchmarks.
        ngram: words in an n-gram.
        max_coverage: share of the distinctive n-grams, 0..1, inclusive.
    """
    references = make_references(items, ngram=ngram)
    found = search_rows(rows, references)
    shares, distinctive = measure_shares(references.grams, found.grams, min_share=max_coverage)
    strong = set(distinctive.filter(pl.col("distinctive") >= MIN_GRAMS)["text"])
    weak = sorted({part.text for part in references.parts} - strong)
    whole = pl.concat([found.short, held_texts(references.grams, found.grams, weak)])
    turns = read_turns(rows, {*shares["row"], *whole["row"]})
    matcher = Matcher(
        references,
        turns,
        {(row, text): share for row, text, share in shares.iter_rows()},
        _whole_questions(whole, turns, references),
        strong,
    )
    matches = matcher.matches()
    grams = _grams_of_rows(found.grams, {match.row for match in matches})
    lines = [
        {
            "id": rows["id"][match.row],
            "item": match.item,
            "rule": "benchmark_exact" if match.is_whole else "benchmark_ngram",
            "value": 1.0 if match.is_whole else match.share,
            "threshold": 1.0 if match.is_whole else max_coverage,
            "similarity": 1.0 if match.is_whole else match.share,
            "shared": _shared_words(references, match, grams[match.row]),
        }
        for match in matches
    ]
    hits = pl.DataFrame(lines, schema=dict(HITS), orient="row")
    return Verbatim(hits, [_how(references, part.text, strong) for part in references.parts])


def _whole_questions(
    whole: pl.DataFrame, turns: Turns, references: References
) -> set[tuple[int, int]]:
    """Keep the pairs of a row and a question whose words it has that hold it as sentences."""
    alone, inside = set(), defaultdict[int, list[int]](list)
    for row, text in whole.iter_rows():
        wanted = references.texts[text]
        place = max(find_sentences(turn, wanted) for turn in turns.texts[row])
        if place is Place.WHOLE:
            alone.add((row, text))
        elif place is Place.INSIDE and len(set(references.words[text])) >= MIN_WORDS_INSIDE:
            inside[text].append(row)
    rare = {text: rows for text, rows in inside.items() if len(rows) < COMMON_ROWS}
    return alone | {(row, text) for text, rows in rare.items() for row in rows}


def _grams_of_rows(finds: pl.DataFrame, rows: set[int]) -> dict[int, set[int]]:
    found = defaultdict[int, set[int]](set)
    for row, gram in finds.filter(pl.col("row").is_in(rows)).iter_rows():
        found[row].add(gram)
    return found


def _shared_words(references: References, match: Match, grams: set[int]) -> str:
    """Return the words of a question that the row has: all, or the longest run of them."""
    part = references.parts[match.item]
    words = references.words[part.text]
    if match.is_whole:
        return " ".join(words)
    start, end = longest_shared_run(references.grams, part.text, grams)
    return " ".join(words[start:end] or words)


def _how(references: References, text: int, strong: set[int]) -> str:
    """Say how a question was looked for."""
    words = len(set(references.words[text]))
    if text in strong:
        return "ngrams"
    if words >= MIN_WORDS_INSIDE:
        return "sentences"
    return "turns" if words >= MIN_WORDS else "skipped"
