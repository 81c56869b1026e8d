import numpy as np
import polars as pl
import pytest

from quality.review.figures import (
    SAMPLE,
    Figures,
    Prompts,
    count_groups,
    mean_cosine,
    measure_groups,
    rows_to_measure,
    sample_rows,
)
from quality.review.marks import mark_rows
from tests.support.pools import healthy, one_word
from tests.support.rows import make_row, make_rows


def measure(rows: pl.DataFrame, *, topics: str | None = None) -> list[Figures]:
    sample = sample_rows(rows, rows["source"])
    letters = np.zeros((sample.height, 64), dtype=np.float32)
    for place, text in enumerate(sample["instruction"]):
        for letter in text.lower():
            letters[place, ord(letter) % 64] += 1
    norms = np.linalg.norm(letters, axis=1, keepdims=True)
    named = sample["source"] if topics is None else pl.repeat(topics, sample.height, eager=True)
    return measure_groups(
        rows,
        rows["source"],
        counts=count_groups(rows["source"], rows["source"]),
        marks=mark_rows(rows),
        prompts=Prompts(sample["id"], named, letters / np.where(norms == 0, 1, norms)),
        short_words=1,
    )


def test_what_is_planted_is_measured() -> None:
    good, flat = measure(pl.concat([one_word("b", 60), healthy("a", 60)]))
    assert (good.name, flat.name) == ("a", "b")
    assert (good.short.value, flat.short.value) == (0, 1)
    assert (good.same_answers.value, flat.same_answers.value) == (0, 1)
    assert flat.same_openings.value == 1
    assert (flat.same_openings.value or 0) > (good.same_openings.value or 0)
    assert (flat.homogeneity or 0) > (good.homogeneity or 0)
    assert flat.words == (1, 1, 1)
    assert good.words[0] > 1


def test_a_source_that_deduplication_emptied_is_measured_as_it_was() -> None:
    before = pl.concat([one_word("b", 60), healthy("a", 60), healthy("c", 60), one_word("d", 9)])
    left = before.filter(
        pl.col("source").is_in(["a", "d"]) | (pl.int_range(pl.len()).over("source") < 7)
    ).filter(pl.col("source") != "c")
    found = rows_to_measure(left, before, per="source", min_rows=10)
    assert dict(found["source"].value_counts().iter_rows()) == {"a": 60, "b": 60, "d": 9}
    assert set(found["id"]) >= set(left["id"])
    assert rows_to_measure(left, before, per="source", min_rows=7).equals(left)


def test_the_order_of_rows_changes_nothing() -> None:
    rows = pl.concat([one_word("b", 40), healthy("a", 40)])
    assert measure(rows) == measure(rows.sample(fraction=1, shuffle=True, seed=3))


def test_a_source_without_a_name_or_a_word() -> None:
    rows = make_rows([make_row("", "", id=name, source=None) for name in ("x", "y")])
    (found,) = measure(rows)
    assert (found.name, found.rows, found.homogeneity, found.neighbour) == ("none", 2, None, None)
    assert found.words == (0, 0, 0)
    assert found.short.value == 1


def test_no_rows_have_no_groups() -> None:
    assert measure(healthy("a", 1).clear()) == []


def test_a_refusal_that_was_asked_for_is_not_counted() -> None:
    rows = make_rows(
        [
            make_row("Write a polite refusal.", "I cannot help with that.", id="a"),
            make_row("Name a river.", "I cannot help with that.", id="b"),
            make_row("Name a hill.", "The Brocken is one.", id="c"),
        ]
    )
    (found,) = measure(rows)
    assert found.refusals[0::3] == (0.5, 2)


def test_topics_are_counted_by_their_entropy() -> None:
    rows = healthy("a", 20)
    assert measure(rows, topics="bake")[0].topics == 1
    assert measure(rows)[0].topic == "a"


def test_every_source_has_the_same_sample() -> None:
    rows = pl.concat([one_word("b", SAMPLE + 60), healthy("a", 30)])
    found = sample_rows(rows, rows["source"])
    assert dict(found["source"].value_counts().iter_rows()) == {"a": 30, "b": SAMPLE}
    assert found["id"].is_sorted()
    other = sample_rows(rows.reverse(), rows["source"].reverse())
    assert other["id"].to_list() == found["id"].to_list()


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    made = rng.normal(size=(9, 4))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    pairs = [float(made[a] @ made[b]) for a in range(9) for b in range(a)]
    found = mean_cosine(np.vstack([made, np.zeros(4)]).astype(np.float32))
    assert found == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)
    assert mean_cosine(np.zeros((9, 2), dtype=np.float32)) is None
