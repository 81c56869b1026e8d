import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.trees.forest import Forest, grow
from quality.trees.messages import (
    MARK,
    MAX_DEPTH,
    Placed,
    canonical,
    flatten,
    is_message,
    is_tree,
    walk,
)

ASK = {"message_id": "a", "role": "prompter", "text": "1 + 1?"}
TELL = {"message_id": "b", "parent_id": "a", "role": "assistant", "text": "2"}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
#: Anything that a field may hold.
ANY = [None, True, 1, 0.1, -0.0, 1e300, "", "\u00fc\n", [], {}, [{"a": None}], {"name": ["x"]}]


def make_tree(seed: int) -> dict[str, Any]:
    """A tree with what exporters write, and what they may write one day."""
    rng = random.Random(seed)

    def value() -> object:
        return rng.choice(ANY)

    def some(*names: str) -> dict[str, object]:
        return {name: value() for name in names if rng.random() < 0.4}

    def node(name: str, parent: str | None, depth: int) -> dict[str, Any]:
        made = some("labels", "emojis", "detoxify", "rank", "review_count", "unknown", "tree_state")
        made |= {"message_id": name, "role": rng.choice(["prompter", "assistant"]), "text": "t"}
        if parent is not None and rng.random() < 0.7:
            made["parent_id"] = parent
        if parent is None and rng.random() < 0.3:
            made["parent_id"] = None
        below = range(rng.choice([0, 1, 2, 3]) if depth else 0)
        replies = [node(f"{name}.{place}", name, depth - 1) for place in below]
        if replies or rng.random() < 0.7:
            made["replies"] = replies
        elif rng.random() < 0.5:
            made["replies"] = None
        return made

    tree: dict[str, Any] = some("tree_state", "origin", "x")
    if rng.random() < 0.7:
        tree["message_tree_id"] = f"{seed}"
    return tree | {"prompt": node(f"{seed}", None, rng.choice([0, 1, 2, 3]))}


SEEDS = st.integers(0, 10**9)


def flat(*forest: dict[str, Any]) -> list[dict[str, Any]]:
    return [one.message for tree in forest for one in flatten(tree).messages]


def grown(messages: Iterable[dict[str, Any]]) -> Forest:
    return grow(Placed(place, message) for place, message in enumerate(messages))


def records(forest: Forest) -> list[str]:
    return [canonical(tree.record) for tree in forest.trees]


def rules(forest: Forest) -> list[tuple[int, str]]:
    return [(one.place, one.rule) for one in forest.broken]


@given(seeds=st.lists(SEEDS, max_size=3, unique=True))
def test_trees_are_the_same_after_a_way_through_flat_messages(seeds: list[int]) -> None:
    forest = [make_tree(seed) for seed in seeds]
    stored = [json.loads(json.dumps(message)) for message in flat(*forest)]
    back = grown(stored)
    assert not back.broken
    assert records(back) == [canonical(tree) for tree in forest]
    assert flat(*(tree.record for tree in back.trees)) == stored


@settings(max_examples=40)
@given(seed=SEEDS)
def test_messages_in_any_order_make_the_same_messages(seed: int) -> None:
    messages = flat(make_tree(seed))
    back = grown(random.Random(seed).sample(messages, len(messages)))
    assert not back.broken
    assert sorted(map(canonical, flat(back.trees[0].record))) == sorted(map(canonical, messages))


@settings(max_examples=60)
@given(
    messages=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "message_id": st.sampled_from(["a", "b", "c", "d", "", None, 1]),
                "parent_id": st.sampled_from(["a", "b", "c", "x", None, 2, []]),
                "message_tree_id": st.sampled_from(["a", "b", None, {"x": 1}]),
                "role": st.sampled_from(["prompter", "assistant", "", None]),
                "text": st.sampled_from(["t", "", None, 3]),
                "replies": VALUES,
                MARK: VALUES
                | st.fixed_dictionaries(
                    {},
                    optional={
                        "replies": st.sampled_from(["null", "absent", "x"]),
                        "added": st.sampled_from([["parent_id"], ["text"]]),
                        "own": st.sampled_from([["tree_state"], "tree_state", [1]]),
                        "record": st.dictionaries(
                            st.sampled_from(["prompt", "tree_state", "x"]), VALUES
                        ),
                    },
                ),
            },
        ),
        max_size=8,
    )
)
def test_whatever_comes_is_in_a_tree_or_named(messages: list[dict[str, Any]]) -> None:
    forest = grown(messages)
    held = [
        canonical(node["message_id"])
        for tree in forest.trees
        for node in walk(tree.record["prompt"])
    ]
    lost = [canonical(one.record.get("message_id")) for one in forest.broken]
    assert sorted([*held, *lost]) == sorted(canonical(one.get("message_id")) for one in messages)
    assert all(messages[one.place] == one.record for one in forest.broken)
    again = grown(flat(*(tree.record for tree in forest.trees)))
    assert records(again) == records(forest)


def test_an_ordinary_tree_needs_no_mark() -> None:
    tree = {
        "message_tree_id": "a",
        "tree_state": "ready_for_export",
        "prompt": {**ASK, "replies": [{**TELL, "replies": []}]},
    }
    assert flat(tree) == [
        {**ASK, "message_tree_id": "a", "tree_state": "ready_for_export"},
        {**TELL, "message_tree_id": "a", "tree_state": "ready_for_export"},
    ]
    assert is_tree(tree)
    assert all(map(is_message, flat(tree)))


@pytest.mark.parametrize(
    ("more", "broken"),
    [
        ([{**TELL, "message_id": "c", "parent_id": "x"}], [(2, "orphan")]),
        (
            [
                {**TELL, "message_id": "c", "parent_id": "d"},
                {**TELL, "message_id": "d", "parent_id": "c"},
                {**TELL, "message_id": "e", "parent_id": "d"},
            ],
            [(2, "cycle"), (3, "cycle"), (4, "cycle")],
        ),
        ([{**TELL, "message_id": "c", "parent_id": "c"}], [(2, "cycle")]),
        ([TELL, {**TELL}], [(2, "duplicate_message"), (3, "duplicate_message")]),
        ([{"message_id": "c", "text": "x"}], [(2, "missing_role")]),
        ([{"message_id": "c", "role": "assistant"}], [(2, "missing_text")]),
        ([{"role": "assistant", "text": "x"}], [(2, "missing_message_id")]),
        ([{**TELL, "message_id": "c", "parent_id": 7}], [(2, "wrong_parent_id")]),
        ([{**TELL, "message_id": "c", "replies": []}], [(2, "nested_replies")]),
        ([{**TELL, "message_id": "c", MARK: {"own": ["text"]}}], [(2, "bad_mark")]),
        ([{**TELL, "message_id": "c", "message_tree_id": "z"}], [(2, "wrong_tree")]),
        (
            [
                {**TELL, "message_id": "c", "parent_id": "x"},
                {**ASK, "message_id": "d", "parent_id": "c"},
            ],
            [(2, "orphan"), (3, "orphan")],
        ),
    ],
)
def test_damage_is_named_and_the_rest_goes_on(
    more: list[dict[str, Any]], broken: list[tuple[int, str]]
) -> None:
    forest = grown([ASK, TELL, *more])
    assert rules(forest) == broken
    assert records(forest) == [canonical({"prompt": {**ASK, "replies": [{**TELL, "replies": []}]}})]


def test_of_messages_that_share_an_id_none_is_taken() -> None:
    other = {**TELL, "text": "3"}
    below = {**ASK, "message_id": "c", "parent_id": "b"}
    expected = [(1, "duplicate_id"), (2, "duplicate_id"), (3, "orphan")]
    assert rules(grown([ASK, TELL, other, below])) == expected
    assert rules(grown([ASK, other, TELL, below])) == expected


def test_a_tree_has_one_prompt() -> None:
    first = {**ASK, "message_tree_id": "a"}
    second = {**ASK, "message_id": "z", "message_tree_id": "a"}
    assert rules(grown([second, first, TELL])) == [(0, "second_root")]
    unnamed = [{**one, "message_tree_id": "t"} for one in (first, second)]
    assert rules(grown([*unnamed, TELL])) == [
        (0, "second_root"),
        (1, "second_root"),
        (2, "orphan"),
    ]


def test_a_thread_without_end_does_not_crash() -> None:
    chain = [ASK] + [
        {**TELL, "message_id": f"m{place}", "parent_id": f"m{place - 1}" if place else "a"}
        for place in range(1_000)
    ]
    forest = grown(chain)
    assert rules(forest)[0] == (MAX_DEPTH, "too_deep")
    assert len(forest.broken) == len(chain) - MAX_DEPTH
    assert json.dumps(forest.trees[0].record)


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("text", "no_message"),
        (None, "no_message"),
        ({"text": "2"}, "missing_message_id"),
        ({**TELL, "message_id": ""}, "missing_message_id"),
        ({**TELL, "replies": "none"}, "replies_not_a_list"),
        ({**TELL, "parent_id": "z"}, "wrong_parent"),
        ({**TELL, "parent_id": None}, "wrong_parent"),
        ({**TELL, MARK: {}}, "reserved_field"),
    ],
)
def test_damage_in_a_nested_tree_is_named_with_what_is_below(reply: object, rule: str) -> None:
    good = {**TELL, "message_id": "c"}
    tree = {"message_tree_id": "a", "prompt": {**ASK, "replies": [reply, good]}}
    found = flatten(tree, 7)
    assert [(one.place, one.rule, one.record) for one in found.broken] == [(7, rule, reply)]
    assert [one.message["message_id"] for one in found.messages] == ["a", "c"]
    whole = flatten({"prompt": reply}).broken
    assert [one.rule for one in whole] in ([rule], [], ["no_message"])


def test_other_records_are_no_messages() -> None:
    assert not is_message({"message_id": "a", "role": "user", "messages": []})
    assert not is_message({"message_id": "a", "text": "x"})
    assert not is_message([ASK])
    assert not is_tree({"prompt": "Name a river.", "replies": []})
