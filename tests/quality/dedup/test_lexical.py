"""Lexical duplicates against brute force, and the cases that peers get wrong."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.lexical import describe_difference, lexical_pairs
from quality.dedup.shingles import jaccard, shingle_set
from quality.dedup.survivors import choose_survivors
from schemas.errors import RunError
from schemas.frames import PAIRS, check_frame

ABSTRACT = (
    "Fine-tuning continuous prompts for target tasks has recently emerged as a compact alternative"
    " to full model fine-tuning. Motivated by these promising results, we investigate the"
    " feasibility of extracting a discrete textual interpretation of continuous prompts."
)
# Few words, so that random texts often share shingles.
TEXTS = st.lists(
    st.lists(st.sampled_from(["red", "blue", "green", "pink", "grey"]), max_size=9).map(" ".join),
    max_size=10,
)


def frame(texts: list[str], inputs: list[str] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"id{n:05}" for n in range(len(texts))],
            "instruction": texts,
            "input": inputs or [""] * len(texts),
        },
        schema={"id": pl.String, "instruction": pl.String, "input": pl.String},
    )


def ids(pairs: pl.DataFrame) -> set[tuple[str, str]]:
    return set(pairs.select("id_a", "id_b").iter_rows())


def brute_force(rows: pl.DataFrame, threshold: float) -> set[tuple[str, str]]:
    sets = [(row, shingle_set(text)) for row, text, _ in rows.iter_rows()]
    return {
        (a, b)
        for (a, left), (b, right) in combinations(sets, 2)
        if jaccard(left, right) >= threshold
    }


@settings(deadline=None)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_verified_pairs_are_those_of_brute_force(texts: list[str], threshold: float) -> None:
    rows = frame(texts)
    found = lexical_pairs(rows, columns=("instruction",), threshold=threshold)
    assert ids(found) == brute_force(rows, threshold)


@settings(deadline=None, max_examples=20)
@given(TEXTS.filter(lambda texts: len(texts) > 5), st.sampled_from([0.5, 0.7]))
def test_banding_and_the_bound_add_no_pair(texts: list[str], threshold: float) -> None:
    rows = frame(texts)
    found = lexical_pairs(rows, columns=("instruction",), threshold=threshold, max_partners=4)
    assert ids(found) <= brute_force(rows, threshold)


@settings(deadline=None)
@given(TEXTS, st.randoms())
def test_order_of_rows_does_not_matter(texts: list[str], random) -> None:
    rows = frame(texts)
    order = list(range(len(texts)))
    random.shuffle(order)
    assert lexical_pairs(rows).equals(lexical_pairs(rows[order]))


@settings(deadline=None)
@given(TEXTS)
def test_a_second_pass_finds_nothing(texts: list[str]) -> None:
    rows = frame(texts)
    nothing = rows.select("id", priority=pl.lit(None, dtype=pl.Float64))
    dropped = choose_survivors(nothing, lexical_pairs(rows))
    kept = rows.filter(~pl.col("id").is_in(dropped["id"].implode()))
    assert lexical_pairs(kept).is_empty()


@settings(deadline=None)
@given(TEXTS)
def test_a_higher_threshold_finds_a_subset(texts: list[str]) -> None:
    rows = frame(texts)
    high = ids(lexical_pairs(rows, threshold=0.8))
    assert high <= ids(lexical_pairs(rows, threshold=0.6))


def test_recall_on_planted_duplicates() -> None:
    rng = np.random.default_rng(3)
    vocabulary = [f"word{n}" for n in range(3_000)]
    texts = []
    for _ in range(500):
        original = rng.choice(vocabulary, 30).tolist()
        changed = [*original]
        changed[int(rng.integers(2, 28))] = "changed"
        texts += [" ".join(original), " ".join(changed)]
    rows = frame(texts)
    truth = brute_force(rows, 0.7)
    found = ids(lexical_pairs(rows, guards=False))
    assert len(truth) == 500
    assert len(found & truth) >= 0.99 * len(truth)
    assert found <= truth


def test_one_input_under_different_instructions_is_no_duplicate() -> None:
    tasks = [
        "Write a summary for the paper given in the input.",
        "Cite which sources were used in the paper",
        "Classify the abstract under a label.",
        "Draft a tweet about the latest research paper",
        "State the main arguments that the abstract makes",
    ]
    assert lexical_pairs(frame(tasks, [ABSTRACT] * 5)).is_empty()


def test_one_input_under_nearly_the_same_instruction_is_one() -> None:
    tasks = ["Write a summary of the paper", "Write a short summary of the paper"]
    (pair,) = lexical_pairs(frame(tasks, [ABSTRACT] * 2)).rows(named=True)
    assert pair["similarity"] == 39 / 44
    assert pair["evidence"] == "only in b: short"


@pytest.mark.parametrize(
    ("left", "right"),
    [("Hi", "Hi!"), ("Go home", "go  HOME"), ("我喜欢吃苹果", "我喜欢吃苹果。")],
)
def test_short_rows_merge_only_where_they_are_equal(left: str, right: str) -> None:
    assert len(lexical_pairs(frame([left, right]))) == 1
    assert lexical_pairs(frame([left, "Oh my"])).is_empty()


def test_short_and_empty_rows_do_not_lump_together() -> None:
    texts = ["Hi", "Ho", "ok", "", "", " ", "?", "!", "🙂", "🙁", "a b", "b a"]
    assert lexical_pairs(frame(texts)).is_empty()


def test_chinese_rows_that_differ_in_a_character_of_many_are_duplicates() -> None:
    text = "请你写一篇关于春天的文章,要求语言优美,内容充实,感情真挚,字数不限,题目自己来定"
    assert len(lexical_pairs(frame([text, text + "吧"]))) == 1
    assert lexical_pairs(frame([text, "请你写一篇关于我的家乡的作文,描写那里的人们"])).is_empty()


def test_a_guard_stops_a_pair_of_high_similarity() -> None:
    text = "A train leaves the old station in the morning and arrives after {} hours in the city"
    rows = frame([text.format(3), text.format(4)])
    assert lexical_pairs(rows, threshold=0.5).is_empty()
    assert len(lexical_pairs(rows, threshold=0.5, guards=False)) == 1


def test_a_template_of_thousands_is_neither_quadratic_nor_left_standing() -> None:
    text = "please write me a nice long letter to my good old friend about the weather in {}"
    rows = frame([text.format(f"town{chr(97 + n % 26)}{chr(97 + n // 26)}x") for n in range(200)])
    found = lexical_pairs(rows, max_partners=16)
    # Of 19,900 pairs, all of them similar.
    assert found.height < 12_000
    nothing = rows.select("id", priority=pl.lit(None, dtype=pl.Float64))
    assert choose_survivors(nothing, found).height == 199


def test_likely_survivors_are_compared_first_in_a_large_bucket() -> None:
    text = "please write me a nice long letter to my good old friend about the weather in {}"
    rows = frame([text.format(f"town{chr(97 + n % 26)}{chr(97 + n // 26)}x") for n in range(120)])
    ranked = rows.with_columns(priority=pl.int_range(pl.len()).cast(pl.Float64))
    found = lexical_pairs(ranked, max_partners=8)
    dropped = choose_survivors(ranked.select("id", "priority"), found)
    assert dropped.height == 119
    assert dropped["matched_id"].unique().to_list() == ["id00119"]


def test_evidence_says_what_differs_and_stays_short() -> None:
    assert describe_difference("a b", "A, b") == "same words"
    assert describe_difference("a b c", "a b d") == "only in a: c; only in b: d"
    long = describe_difference(" ".join(map(str, range(300))), "x" * 500)
    assert len(long) <= 200


def test_an_empty_frame_has_no_pairs() -> None:
    check_frame(lexical_pairs(frame([])), PAIRS, where="lexical")
    with pytest.raises(RunError, match="expected columns"):
        lexical_pairs(frame(["a"]), columns=("prompt",))
