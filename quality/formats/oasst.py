"""Open Assistant message trees: a prompt, the replies to it, the replies to those.

A tree is read as its threads from the prompt to each last answer, one row each; of answers that
were ranked the best goes on, with the last in rank as the rejected one where it ends the thread.

Source: Köpf et al. 2023, https://arxiv.org/abs/2304.07327. Differs: their code takes every thread
unless told how many ranks to keep.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from quality.formats.parse import FormatError, Parsed, Record, conversation, text_of
from quality.formats.turns import parse_turns
from quality.ids import content_id

_THREAD: Final = "thread"
_ROLES: Final = {"user": "prompter", "assistant": "assistant"}
#: Deeper trees are not read: a file could exhaust the stack.
_MAX_DEPTH: Final = 200


def detect(record: Record) -> bool:
    """Tell whether the record is a message tree, or a thread of one."""
    return _is_tree(record) or _THREAD in record


def _is_tree(record: Record) -> bool:
    prompt = record.get("prompt")
    return isinstance(prompt, Mapping) and "replies" in prompt and "text" in prompt


def expand(record: Record) -> list[Record]:
    """Return the threads of a tree, each a record of its own; other records as they are."""
    if not _is_tree(record):
        return [record]
    tree = record.get("message_tree_id") or record["prompt"].get("message_id")
    threads: list[Record] = []
    seen: set[tuple[int, ...]] = set()
    for thread in _threads([record["prompt"]]):
        while len(thread) > 1 and thread[-1].get("role") == "prompter":
            thread.pop()
        key = tuple(map(id, thread))
        if key not in seen:
            seen.add(key)
            threads.append({"message_tree_id": tree, _THREAD: list(map(_bare, thread))})
    return threads


def _threads(path: list[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    replies = path[-1].get("replies")
    nodes = [node for node in replies or () if isinstance(node, Mapping)]
    if not nodes or len(path) >= _MAX_DEPTH:
        yield list(path)
        return
    lost = _last_in_rank(nodes)
    for node in nodes:
        shown = {**node, "lost_to": lost} if lost is not None else node
        yield from _threads([*path, shown])


def _last_in_rank(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the best and the worst of ranked siblings; None where fewer than two are ranked."""
    ranked = [(node["rank"], place) for place, node in enumerate(nodes) if _has_rank(node)]
    if len(ranked) < 2:
        return None
    best, worst = nodes[min(ranked)[1]], nodes[max(ranked)[1]]
    return {"best_rank": best["rank"], "rejected": worst.get("text")}


def _has_rank(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("rank"), int) and not isinstance(node["rank"], bool)


def _bare(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message without the replies below it."""
    return {name: value for name, value in node.items() if name != "replies"}


def parse(record: Record) -> Parsed:
    """Return the row of a thread.

    Raises:
        FormatError: `deleted_message`, `failed_review` (reviewers found it to be spam or against
            the guidelines), `lower_ranked` (a reply to the same message was ranked higher), or a
            rule of conversations.
    """
    nodes = record.get(_THREAD)
    if not isinstance(nodes, Sequence) or isinstance(nodes, str) or not nodes:
        msg = "expected a message tree with 'prompt' and 'replies', got neither"
        raise FormatError(msg, rule="missing_instruction")
    for node in nodes:
        if isinstance(node, Mapping):
            _check(node)
    row = conversation(parse_turns(list(nodes), field=_THREAD))
    rejected = text_of(_lost_to(nodes[-1]).get("rejected"), field="text")
    return (
        row if rejected in (None, row.messages[-1]["content"]) else replace(row, rejected=rejected)
    )


def _lost_to(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found = node.get("lost_to")
    return found if isinstance(found, Mapping) else {}


def _check(node: Mapping[str, Any]) -> None:
    name = str(node.get("message_id"))[:60]
    if node.get("deleted"):
        msg = f"expected messages that were not deleted, got {name!r}"
        raise FormatError(msg, rule="deleted_message")
    if node.get("review_result") is False:
        msg = f"expected messages that passed review, got {name!r}"
        raise FormatError(msg, rule="failed_review")
    best = _lost_to(node).get("best_rank")
    if isinstance(best, int) and (not _has_rank(node) or node["rank"] > best):
        rank = f"{node.get('rank')!r:.20}"
        msg = f"expected the best of the ranked replies, got rank {rank} of {name!r}"
        raise FormatError(msg, rule="lower_ranked")


def reason_left_out() -> pl.Expr:
    """Return why a row is no thread: `system_turn` or `not_alternating`; null = it is one."""
    roles = pl.col("messages").list.eval(pl.element().struct.field("role")).list.join(" ")
    return (
        pl.when(roles.str.contains("system"))
        .then(pl.lit("system_turn"))
        .when(~roles.str.contains(r"^user assistant( user assistant)*$"))
        .then(pl.lit("not_alternating"))
        .otherwise(pl.lit(None, dtype=pl.String))
        .alias("reason")
    )


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `message_tree_id`, `tree_state` and `prompt`, the tree as nested objects.

    Rows that begin alike are threads of one tree. Which answer lost is said by ranks.
    """
    trees: dict[str, dict[str, Any]] = {}
    nodes: dict[tuple[str, str], dict[str, Any]] = {}
    columns = ["messages", *(name for name in ("rejected", "teacher") if name in rows.columns)]
    for row in rows.filter(reason_left_out().is_null()).select(columns).iter_rows(named=True):
        parent: dict[str, Any] | None = None
        turns = row["messages"]
        for depth, turn in enumerate(turns, start=1):
            parent = _node(nodes, turns[:depth], turn, parent, row)
            if depth == 1:
                trees.setdefault(parent["message_id"], parent)
        if row.get("rejected") is not None and parent is not None:
            lost = [*turns[:-1], {"role": "assistant", "content": row["rejected"]}]
            above = nodes[_key(turns[:-1])]
            parent["rank"] = 0
            _node(nodes, lost, lost[-1], above, row)["rank"] = 1
    return pl.DataFrame(
        {
            "message_tree_id": list(trees),
            "tree_state": ["ready_for_export"] * len(trees),
            "prompt": pl.Series("prompt", list(trees.values()), dtype=pl.Object),
        },
        schema={"message_tree_id": pl.String, "tree_state": pl.String, "prompt": pl.Object},
    )


def _key(turns: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    return (content_id(turns), turns[-1]["role"])


def _node(
    nodes: dict[tuple[str, str], dict[str, Any]],
    path: Sequence[Mapping[str, str]],
    turn: Mapping[str, str],
    parent: dict[str, Any] | None,
    row: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the message at the end of a path, added to its parent where it is new."""
    key = _key(path)
    if key not in nodes:
        nodes[key] = {
            "message_id": key[0],
            "parent_id": parent["message_id"] if parent else None,
            "text": turn["content"],
            "role": _ROLES[turn["role"]],
            "deleted": False,
            "synthetic": turn["role"] == "assistant" and row.get("teacher") is not None,
            "replies": [],
        }
        if parent is not None:
            parent["replies"].append(nodes[key])
    return nodes[key]
