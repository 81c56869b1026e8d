"""Topics: names, figures, and no dependence on the order of rows."""

import random

import numpy as np
import polars as pl
import pytest

from quality.select.nearest import Vectors
from quality.select.topic_names import name_topics
from quality.select.topics import TOPICS, count_topics, find_topics


def named(*clusters: list[str]) -> list[str]:
    texts = [text for texts in clusters for text in texts]
    labels = [label for label, texts in enumerate(clusters) for _ in texts]
    return name_topics(pl.Series(texts, dtype=pl.String), pl.Series(labels, dtype=pl.Int64))


def test_a_name_sets_a_topic_apart() -> None:
    names = named(
        [
            "Write a haiku about rain.",
            "Write a haiku about the sea.",
            "A haiku about rain, please.",
        ],
        ["Bake bread with rye flour.", "How to bake bread?", "Knead flour and bake bread."],
    )
    assert names == ["haiku, rain", "bake, bread, flour"]


def test_german_names() -> None:
    names = named(
        ["Backe einen Kuchen.", "Wie backe ich einen Kuchen?"],
        ["Erkläre die Steuer.", "Was ist die Steuer in Bayern?"],
    )
    assert names == ["backe, kuchen", "steuer"]


def test_forms_of_one_word_are_named_once() -> None:
    texts = ["story stories translate translation cat"] * 3
    assert named(texts, ["dog"] * 3) == ["cat, stories, translate", "dog"]


def test_no_two_names_are_alike() -> None:
    same = ["bake bread daily"] * 2
    names = named(same, same, same, same, same)
    assert len(set(names)) == 5
    assert names[0] == "bake, bread, daily"
    assert names[-1] == "topic 5"


def test_nobodys_secret_becomes_a_name() -> None:
    texts = ["bake bread hunter2 swordfish"] + ["bake bread"] * 5
    assert named(texts) == ["bake, bread"]


@pytest.mark.parametrize("text", ["", "the of and", "12 345", "<script>", "ab", "x" * 50])
def test_a_topic_without_a_telling_word_has_a_number(text: str) -> None:
    found = named([text] * 3)
    assert found == (["script"] if text == "<script>" else ["topic 1"])


def test_a_row_without_a_topic_names_none() -> None:
    assert name_topics(pl.Series(["cat", "cat"]), pl.Series([-1, -1])) == []
    assert named() == []


def test_the_number_of_topics_grows_with_the_root() -> None:
    assert [count_topics(n) for n in (0, 8, 20_000, 10**9)] == [2, 2, 100, 200]


WORDS = ["bake bread flour", "stock market price", "planet orbit star"]


def sample() -> tuple[pl.DataFrame, Vectors]:
    labels = [n % 3 for n in range(30)]
    rng = np.random.default_rng(0)
    vectors = (np.eye(3)[labels] + rng.normal(scale=0.02, size=(30, 3))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = pl.DataFrame(
        {
            "id": [f"{n * 7 % 30:02d}" for n in range(30)],
            "source": ["big" if n % 5 else "small" for n in range(30)],
            "instruction": [WORDS[label] for label in labels],
            "input": [""] * 30,
            "output": ["one two three"[: 3 + 4 * label].strip() for label in labels],
        }
    )
    return rows, vectors


def test_topics_are_described() -> None:
    rows, vectors = sample()
    found = find_topics(rows, vectors, count=3)
    assert found.table.schema == pl.Schema(dict(TOPICS))
    assert found.table["rows"].to_list() == [10, 10, 10]
    by_name = {line["topic"]: line for line in found.table.to_dicts()}
    bread = by_name["bake, bread, flour"]
    assert bread["median_answer_words"] == 1.0
    assert bread["homogeneity"] > 0.99
    assert bread["sources"] == [{"source": "big", "rows": 8}, {"source": "small", "rows": 2}]
    assert found.names.to_list() == [
        {
            "bake": "bake, bread, flour",
            "stock": "market, price, stock",
            "planet": "orbit, planet, star",
        }[text.split()[0]]
        for text in rows["instruction"]
    ]


def test_the_order_of_rows_does_not_matter() -> None:
    rows, vectors = sample()
    order = list(range(30))
    random.Random(4).shuffle(order)
    one = find_topics(rows, vectors, count=4, seed=3)
    two = find_topics(rows[order], vectors[order], count=4, seed=3)
    assert one.table.equals(two.table)
    assert one.names.gather(order).to_list() == two.names.to_list()


def test_a_row_without_a_prompt_has_no_topic() -> None:
    rows, vectors = sample()
    vectors[4] = 0
    found = find_topics(rows, vectors, count=3)
    assert found.names[4] is None
    assert found.table["rows"].sum() == 29
    nothing = find_topics(rows.clear(), vectors[:0])
    assert (nothing.names.len(), nothing.table.height) == (0, 0)
