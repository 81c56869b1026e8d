"""Lexical duplicates against brute force, and the cases that peers get wrong."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.lexical import COLUMNS, Cut, cut_rows, facts_of, judge_found, lexical_pairs
from quality.dedup.search import Limits
from quality.dedup.survivors import choose_survivors
from schemas.errors import RunError
from schemas.frames import PAIRS, check_frame
from tests.support.shingles import jaccard, shingle_set, similar_pairs

ABSTRACT = (
    "Fine-tuning continuous prompts for target tasks has recently emerged as a compact alternative"
    " to full model fine-tuning. Motivated by these promising results, we investigate the"
    " feasibility of extracting a discrete textual interpretation of continuous prompts."
)
LETTER = "please write me a nice long letter to my good old friend about the weather in {}"
# Few words, so that random texts often share shingles.
TEXTS = st.lists(
    st.lists(st.sampled_from(["red", "blue", "green", "pink", "grey"]), max_size=9).map(" ".join),
    max_size=10,
)
INSTRUCTION = Cut(("instruction",))


def frame(texts: list[str], inputs: list[str] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"id{n:05}" for n in range(len(texts))],
            "instruction": texts,
            "input": inputs or [""] * len(texts),
        },
        schema={"id": pl.String, "instruction": pl.String, "input": pl.String},
    )


def letters(n_rows: int) -> pl.DataFrame:
    return frame(
        [LETTER.format(f"town{chr(97 + n % 26)}{chr(97 + n // 26)}x") for n in range(n_rows)]
    )


def ids(pairs: pl.DataFrame) -> set[tuple[str, str]]:
    return set(pairs.select("id_a", "id_b").iter_rows())


def unranked(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("id", priority=pl.lit(None, dtype=pl.Float64))


def brute_force(rows: pl.DataFrame, threshold: float) -> set[tuple[str, str]]:
    sets = [shingle_set(text) for text in rows["instruction"]]
    names = rows["id"].to_list()
    return {(names[a], names[b]) for a, b in similar_pairs(sets, threshold)}


@settings(deadline=None, max_examples=20)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_verified_pairs_are_those_of_brute_force(texts: list[str], threshold: float) -> None:
    rows = frame(texts)
    found = lexical_pairs(rows, cut=INSTRUCTION, limits=Limits(threshold))
    assert ids(found) == brute_force(rows, threshold)
    sets = {row: shingle_set(text) for row, text, _ in rows.iter_rows()}
    for a, b, similarity in found.iter_rows():
        assert similarity == jaccard(sets[a], sets[b])


@settings(deadline=None, max_examples=15)
@given(TEXTS.filter(lambda texts: len(texts) > 5), st.sampled_from([0.5, 0.7]))
def test_banding_and_the_bound_add_no_pair(texts: list[str], threshold: float) -> None:
    rows = frame(texts)
    found = lexical_pairs(rows, cut=INSTRUCTION, limits=Limits(threshold, max_partners=4))
    assert ids(found) <= brute_force(rows, threshold)


@settings(deadline=None, max_examples=20)
@given(TEXTS, st.randoms())
def test_order_of_rows_does_not_matter(texts: list[str], random) -> None:
    rows = frame(texts)
    order = list(range(len(texts)))
    random.shuffle(order)
    assert lexical_pairs(rows).equals(lexical_pairs(rows[order]))


@settings(deadline=None, max_examples=20)
@given(TEXTS)
def test_a_second_pass_finds_nothing(texts: list[str]) -> None:
    rows = frame(texts)
    dropped = choose_survivors(unranked(rows), lexical_pairs(rows))
    kept = rows.filter(~pl.col("id").is_in(dropped["id"].implode()))
    assert lexical_pairs(kept).is_empty()


@settings(deadline=None, max_examples=20)
@given(TEXTS)
def test_a_higher_threshold_finds_a_subset(texts: list[str]) -> None:
    rows = frame(texts)
    high = ids(lexical_pairs(rows, limits=Limits(0.8)))
    assert high <= ids(lexical_pairs(rows, limits=Limits(0.6)))


def test_recall_on_planted_duplicates() -> None:
    rng = np.random.default_rng(3)
    vocabulary = [f"word{n}" for n in range(3_000)]
    texts = []
    for _ in range(300):
        original = rng.choice(vocabulary, 30).tolist()
        changed = [*original]
        changed[int(rng.integers(2, 28))] = "changed"
        texts += [" ".join(original), " ".join(changed)]
    rows = frame(texts)
    truth = brute_force(rows, 0.7)
    found = ids(lexical_pairs(rows, guards=False))
    assert len(truth) == 300
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
    rows = frame(tasks, [ABSTRACT] * 5)
    assert lexical_pairs(rows).is_empty()
    # It is the instructions that part them: their prompts share enough.
    prompts = rows.select("id", instruction=pl.concat_str("instruction", "input", separator="\n"))
    assert lexical_pairs(prompts, cut=INSTRUCTION).height > 0


def test_one_input_under_nearly_the_same_instruction_is_one() -> None:
    tasks = ["Write a summary of the paper", "Write a short summary of the paper"]
    found = lexical_pairs(frame(tasks, [ABSTRACT] * 2))
    assert found.rows() == [("id00000", "id00001", 39 / 44)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Hi", "Hi!"),
        ("Go home", "go  HOME"),
        ("我喜欢吃苹果", "我喜欢吃苹果。"),
        ("ไปไหน", "ไปไหน?"),
    ],
)
def test_short_rows_merge_only_where_they_are_equal(left: str, right: str) -> None:
    assert lexical_pairs(frame([left, right]))["similarity"].to_list() == [1.0]
    assert lexical_pairs(frame([left, "Oh my"])).is_empty()


def test_short_and_empty_rows_do_not_lump_together() -> None:
    texts = ["Hi", "Ho", "ok", "", "", " ", "?", "!", "🙂", "🙁", "a b", "b a"]
    assert lexical_pairs(frame(texts)).is_empty()
    # Nor among so many rows that they are not compared in full.
    assert lexical_pairs(frame(texts + [""] * 60 + [f"row{n} alone" for n in range(30)])).is_empty()


def test_chinese_rows_that_differ_in_a_character_of_many_are_duplicates() -> None:
    text = "请你写一篇关于春天的文章,要求语言优美,内容充实,感情真挚,字数不限,题目自己来定"
    assert len(lexical_pairs(frame([text, text + "吧"]))) == 1
    assert lexical_pairs(frame([text, "请你写一篇关于我的家乡的作文,描写那里的人们"])).is_empty()


def test_a_guard_stops_a_pair_of_high_similarity() -> None:
    text = "A train leaves the old station in the morning and arrives after {} hours in the city"
    rows = frame([text.format(3), text.format(4)])
    assert lexical_pairs(rows, limits=Limits(0.5)).is_empty()
    assert len(lexical_pairs(rows, limits=Limits(0.5), guards=False)) == 1


def test_a_masked_template_does_not_count() -> None:
    cut = Cut(mask=(LETTER,))
    rows = frame([LETTER.format("Paris"), LETTER.format("Rome"), LETTER.format("Paris!"), "Paris"])
    open_pairs = ids(lexical_pairs(rows))
    assert {("id00000", "id00001"), ("id00000", "id00002"), ("id00001", "id00002")} == open_pairs
    # "Paris" alone is no letter about Paris.
    assert ids(lexical_pairs(rows, cut=cut)) == {("id00000", "id00002")}
    _, salts = cut_rows(rows, cut)
    assert [bool(salt) for salt in salts] == [True, True, True, False]


def test_shingles_of_another_length() -> None:
    rows = frame(["pretty little red house", "pretty little red barn"])
    assert lexical_pairs(rows, limits=Limits(0.5)).is_empty()
    found = lexical_pairs(rows, cut=Cut(shingle=1), limits=Limits(0.5))
    assert found["similarity"].to_list() == [3 / 5]


def test_containment_finds_a_row_inside_another() -> None:
    short = "please write a nice long letter to my friend about the weather"
    rows = frame([short, short + " and about red dogs and green cats too"])
    assert lexical_pairs(rows).is_empty()
    assert len(lexical_pairs(rows, limits=Limits(0.7, containment=1.0))) == 1


def test_a_template_of_thousands_is_neither_quadratic_nor_left_standing() -> None:
    rows = letters(200)
    found = lexical_pairs(rows, limits=Limits(0.7, max_partners=16))
    # Of 19,900 pairs, all of them similar.
    assert found.height < 12_000
    assert choose_survivors(unranked(rows), found).height == 199


def test_likely_survivors_are_compared_first_in_a_large_bucket() -> None:
    rows = letters(120)
    ranked = rows.with_columns(priority=pl.int_range(pl.len()).cast(pl.Float64))
    found = lexical_pairs(ranked, limits=Limits(0.7, max_partners=8))
    dropped = choose_survivors(ranked.select("id", "priority"), found)
    assert dropped.height == 119
    assert dropped["matched_id"].unique().to_list() == ["id00119"]


@settings(deadline=None, max_examples=15)
@given(TEXTS, st.booleans())
def test_pairs_of_rows_are_judged_by_the_rows_they_name(texts: list[str], guards: bool) -> None:
    rows = frame([*texts, "red", "blue"])
    pairs = np.array([[len(texts), len(texts) + 1], [0, len(texts)]], dtype=np.int64)
    found = judge_found(rows, pairs, COLUMNS, guards=guards)
    for at, pair in enumerate(pairs):
        alone = judge_found(rows[pair], np.array([[0, 1]]), COLUMNS, guards=guards)
        assert found.passed[at] == alone.passed[0]
    assert facts_of(rows, COLUMNS).height == rows.height


def test_an_empty_frame_has_no_pairs() -> None:
    check_frame(lexical_pairs(frame([])), PAIRS, where="lexical")


def test_a_missing_column_a_repeated_id_or_an_odd_threshold_is_an_error() -> None:
    with pytest.raises(RunError, match="expected columns"):
        lexical_pairs(frame(["a"]), cut=Cut(("prompt",)))
    with pytest.raises(RunError, match="expected unique ids"):
        lexical_pairs(pl.concat([frame(["a"])] * 2))
    with pytest.raises(ValueError, match="expected a threshold"):
        lexical_pairs(letters(80), limits=Limits(1.5))


def test_an_odd_threshold_is_an_error_for_few_rows_too() -> None:
    with pytest.raises(ValueError, match="expected a threshold"):
        lexical_pairs(frame(["a"]), limits=Limits(1.5))
