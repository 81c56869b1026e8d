import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.formats.parse import FormatError
from quality.trees.messages import walk
from quality.trees.taking import Harvest, harvest, parse_taken, record_of
from quality.trees.thresholds import read_labels
from schemas.recipe import TreeOptions


def message(name: str, *replies: dict[str, Any], **fields: Any) -> dict[str, Any]:
    role = "assistant" if name[0] == "r" else "prompter"
    made = {"message_id": name, "role": role, "text": f"text of {name}"}
    return {**made, **fields, "replies": list(replies)}


#: p asks; r0, r1 and r2 answer, in that rank; r0 is gone on with, twice, once without an answer.
TREE = message(
    "p",
    message("r1", rank=1),
    message("r0", message("q", message("r3")), message("q2"), rank=0),
    message("r2", rank=2),
)


def names(found: Harvest) -> list[str]:
    """`p r0 > r1` is a pair."""
    shown = []
    for one in found.taken:
        path = " ".join(str(node["message_id"]) for node in one.thread)
        shown.append(path + (f" > {one.rejected['message_id']}" if one.rejected else ""))
    return shown


def lost(found: Harvest) -> dict[str, str]:
    return {one.message["message_id"]: one.rule for one in found.left_out}


def test_threads_go_from_the_prompt_to_each_last_answer() -> None:
    found = harvest(TREE, TreeOptions())
    assert names(found) == ["p r1", "p r0 q r3", "p r2"]
    assert lost(found) == {"q2": "unanswered"}
    row = parse_taken(found.taken[1])
    assert [turn["role"] for turn in row.messages] == ["user", "assistant"] * 2
    assert (row.instruction, row.output) == ("text of p", "text of r0\n\ntext of r3")


def test_only_the_best_is_gone_on_with() -> None:
    found = harvest(TREE, TreeOptions(max_rank=0))
    assert names(found) == ["p r0 q r3"]
    assert lost(found) == {"r1": "max_rank", "r2": "max_rank", "q2": "unanswered"}
    assert found.left_out[0][1:4] == ("message 'r1': rank 1", 1.0, 0)


def test_pairs_are_a_better_and_a_worse_answer_to_one_message() -> None:
    found = harvest(TREE, TreeOptions(take="pairs"))
    assert names(found) == ["p r0 > r1", "p r0 > r2", "p r1 > r2"]
    assert lost(found) == dict.fromkeys(["q", "r3", "q2"], "unpaired")
    assert names(harvest(TREE, TreeOptions(take="pairs", pairs="best"))) == [
        "p r0 > r1",
        "p r0 > r2",
    ]
    row = parse_taken(found.taken[0])
    assert (row.output, row.rejected) == ("text of r0", "text of r1")
    record = record_of(found.taken[0], "t")
    assert record["message_tree_id"] == "t"
    assert [node["message_id"] for node in record["thread"]] == ["p", "r0"]
    assert record["rejected"]["message_id"] == "r1"


def test_pairs_below_a_reply_of_low_rank_are_left_out_but_it_may_lose() -> None:
    worse = message("r1", message("q", message("r2", rank=0), message("r3", rank=1)), rank=1)
    tree = message("p", message("r0", rank=0), worse)
    found = harvest(tree, TreeOptions(take="pairs", max_rank=0))
    assert names(found) == ["p r0 > r1"]
    assert lost(found) == dict.fromkeys(["q", "r2", "r3"], "below_left_out")
    assert len(harvest(tree, TreeOptions(take="pairs")).taken) == 2


def test_equal_and_missing_ranks_make_no_pair() -> None:
    replies = [
        message("r0", rank=0),
        message("r1", rank=0),
        message("r2"),
        message("r3", rank=True),
    ]
    assert harvest(message("p", *replies), TreeOptions(take="pairs")).taken == []


def test_prompts_end_with_a_question() -> None:
    found = harvest(TREE, TreeOptions(take="prompts"))
    assert names(found) == ["p", "p r0 q", "p r0 q2"]
    assert lost(found) == dict.fromkeys(["r1", "r3", "r2"], "not_a_prompt")
    first, second = (parse_taken(one) for one in found.taken[:2])
    assert (first.instruction, first.output) == ("text of p", "")
    assert [turn["role"] for turn in second.messages] == ["user", "assistant", "user"]


LABELS = {"quality": {"value": 0.4, "count": 3}, "spam": {"value": 0.6, "count": 3}}


@pytest.mark.parametrize(
    ("fields", "options", "rule", "value", "threshold"),
    [
        ({"deleted": True}, {}, "deleted", None, None),
        ({"review_result": False}, {}, "review", None, None),
        ({"synthetic": True}, {"synthetic": False}, "synthetic", None, None),
        ({"lang": "de"}, {"lang": ["en"]}, "lang", None, None),
        ({"review_count": 2}, {"min_reviews": 3}, "min_reviews", 2, 3),
        ({"rank": 1}, {"max_rank": 0}, "max_rank", 1, 0),
        ({"labels": LABELS}, {"min_labels": {"quality": 0.5}}, "min_labels.quality", 0.4, 0.5),
        ({"labels": LABELS}, {"max_labels": {"spam": 0.5}}, "max_labels.spam", 0.6, 0.5),
        ({}, {"lang": ["en"], "unknown": "drop"}, "lang", None, None),
        ({}, {"min_reviews": 3, "unknown": "drop"}, "min_reviews", None, 3),
        ({}, {"max_labels": {"spam": 1}, "unknown": "drop"}, "max_labels.spam", None, 1),
    ],
)
def test_a_threshold_takes_a_message_and_all_below_it(
    fields: dict[str, Any],
    options: dict[str, Any],
    rule: str,
    value: float | None,
    threshold: float | None,
) -> None:
    known = {"lang": "en", "review_count": 9, "labels": {"spam": {"value": 0}}}
    bad = message("r0", message("q", message("r1", **known), **known), **fields)
    tree = message("p", bad, message("r2", **known), **known)
    found = harvest(tree, TreeOptions.model_validate(options))
    assert names(found) == ["p r2"]
    assert lost(found) == {"r0": rule, "q": "below_left_out", "r1": "below_left_out"}
    assert found.left_out[0][2:4] == (value, threshold)
    assert found.left_out[0].detail.startswith("message 'r0': ")


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"deleted": True}, {"deleted": True}),
        ({"review_result": False}, {"review": False}),
        ({"review_result": None}, {}),
        ({"synthetic": True}, {}),
        ({"lang": "en"}, {"lang": ["de", "en"]}),
        ({"review_count": 3}, {"min_reviews": 3}),
        ({"rank": 1}, {"max_rank": 1}),
        ({}, {"max_rank": 0, "unknown": "drop"}),
        ({"labels": LABELS}, {"min_labels": {"quality": 0.4}, "max_labels": {"spam": 0.6}}),
        ({}, {"min_labels": {"quality": 1}, "lang": ["en"], "min_reviews": 3}),
        ({"labels": {"quality": None}}, {"min_labels": {"quality": 1}}),
        ({"labels": "none"}, {"min_labels": {"quality": 1}}),
    ],
)
def test_bounds_are_inclusive_and_the_unknown_is_kept(
    fields: dict[str, Any], options: dict[str, Any]
) -> None:
    tree = message("p", message("r0", **fields))
    if "unknown" in options:
        options = {**options, "unknown": "keep"}
    assert names(harvest(tree, TreeOptions.model_validate(options))) == ["p r0"]


def test_a_tree_whose_prompt_is_left_out_has_no_rows() -> None:
    found = harvest({**TREE, "deleted": True}, TreeOptions())
    assert found.taken == []
    assert set(lost(found)) == {"p", "r0", "r1", "r2", "r3", "q", "q2"}


def test_labels_are_read_in_both_published_forms() -> None:
    as_lists = {"name": ["quality", "spam", "x"], "value": [0.4, 0.6, None], "count": [3, 3, 3]}
    assert read_labels({"labels": LABELS}) == read_labels({"labels": as_lists})
    assert read_labels({"labels": {"a": {"value": True}, "b": {"value": float("nan")}}}) == {}


@pytest.mark.parametrize(
    ("tree", "rule"),
    [
        (message("p", message("r0", message("r1"))), "not_alternating"),
        (message("r0", message("r1")), "not_alternating"),
        (message("p", message("r0", text=None)), "missing_output"),
        (message("p", message("r0"), text=" "), "empty_instruction"),
    ],
)
def test_a_thread_that_is_no_conversation_is_refused(tree: dict[str, Any], rule: str) -> None:
    *_, last = harvest(tree, TreeOptions()).taken
    with pytest.raises(FormatError) as error:
        parse_taken(last)
    assert error.value.rule == rule


def test_two_equal_answers_are_no_pair() -> None:
    replies = [message("r0", rank=0, text="same"), message("r1", rank=1, text=" same ")]
    (pair,) = harvest(message("p", *replies), TreeOptions(take="pairs")).taken
    with pytest.raises(FormatError, match="got the same one twice"):
        parse_taken(pair)


def any_tree(rng: random.Random, name: str = "p", depth: int = 4) -> dict[str, Any]:
    below = range(rng.randint(0, 3) if depth else 0)
    role = rng.choice("pr")
    replies = [any_tree(rng, f"{role}{name}{place}", depth - 1) for place in below]
    fields: dict[str, Any] = {}
    for field, values in (
        ("rank", [0, 1, 2, None, "x"]),
        ("deleted", [True, False]),
        ("labels", [LABELS, {}, None, [1]]),
        ("lang", ["en", "de", 5]),
        ("review_count", [0, 3, None]),
    ):
        if rng.random() < 0.4:
            fields[field] = rng.choice(values)
    return message(name, *replies, **fields)


@given(
    seed=st.integers(0, 10**9),
    take=st.sampled_from(["threads", "pairs", "prompts"]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "max_rank": st.sampled_from([0, 1]),
            "min_labels": st.just({"quality": 0.5}),
            "max_labels": st.just({"spam": 0.5}),
            "lang": st.just(["en"]),
            "min_reviews": st.just(1),
            "unknown": st.sampled_from(["keep", "drop"]),
            "pairs": st.sampled_from(["all", "best"]),
        },
    ),
)
def test_every_message_is_in_a_row_or_left_out_by_name(
    seed: int, take: str, options: dict[str, Any]
) -> None:
    tree = any_tree(random.Random(seed))
    found = harvest(tree, TreeOptions.model_validate({"take": take, **options}))
    everything = sorted(str(node["message_id"]) for node in walk(tree))
    used = {str(node["message_id"]) for one in found.taken for node in one.nodes}
    assert sorted([*used, *(one.message["message_id"] for one in found.left_out)]) == everything
