"""Runs of words are found where they are and nowhere else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.decontaminate.spelling import cut_words, find_runs, list_words, spell


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Janet's DUCKS, lay-16", ["janet", "s", "ducks", "lay", "16"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne ＡＢＣ", ["fine", "abc"]),
        ("今天 hello", ["今", "天", "hello"]),
        ("नमस्ते snake_case", ["नमस्ते", "snake_case"]),
        ("?!", []),
        ("", []),
        (None, []),
    ],
)
def test_words_are_folded(text: str | None, words: list[str]) -> None:
    assert cut_words(pl.Series([text], dtype=pl.String)).to_list() == [words]


texts = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


@settings(max_examples=60)
@given(st.lists(texts, max_size=5), st.lists(texts, max_size=4), st.integers(1, 4))
def test_runs_are_found_as_by_brute_force(
    rows: list[str], benchmarks: list[str], size: int
) -> None:
    known = list_words(pl.Series(benchmarks, dtype=pl.String))
    wanted = sorted({
        tuple(words[at : at + size])
        for words in (text.split() for text in benchmarks)
        for at in range(len(words) - size + 1)
    })  # fmt: skip
    number = {word: place for place, word in enumerate(known)}
    runs = np.array([[number[word] for word in run] for run in wanted], dtype=np.int32)
    found = find_runs(spell(pl.Series(rows, dtype=pl.String), known), runs.reshape(-1, size))
    expected = [
        (row, wanted.index(tuple(words[at : at + size])))
        for row, words in enumerate(text.split() for text in rows)
        for at in range(len(words) - size + 1)
        if tuple(words[at : at + size]) in wanted
    ]
    assert list(zip(found.texts.tolist(), found.found.tolist(), strict=True)) == expected


def test_a_collision_of_hashes_is_no_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one hash for everything, only true runs are left."""
    from quality.decontaminate import spelling

    known = list_words(pl.Series(["a b c"]))
    texts = spell(pl.Series(["b c a", "a b c"]), known)
    whole = spelling._hash_runs
    monkeypatch.setattr(spelling, "_hash_runs", lambda *args: np.minimum(whole(*args), 1))
    assert find_runs(texts, np.array([[0, 1, 2]], dtype=np.int32)).texts.tolist() == [1]
