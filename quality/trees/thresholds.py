"""What a tree loses to the thresholds of its source, message by message."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from quality.trees.messages import Node, bare
from schemas.recipe import TreeOptions

#: The rule of what hangs from a message that was left out.
BELOW: Final = "below_left_out"


class LeftOut(NamedTuple):
    """A message that is in no row, and why.

    Attributes:
        rule: the option of `trees` that took it out; or BELOW, `unanswered`, `unpaired`,
            `not_a_prompt`.
        detail: evidence in one line; names the message.
        value: what was measured; None where nothing was.
        threshold: the bound it was held against; None where the rule has none.
        message: without the replies below it.
    """

    rule: str
    detail: str
    value: float | None
    threshold: float | None
    message: dict[str, Any]


class Pruned(NamedTuple):
    """A tree with what its thresholds took.

    Attributes:
        prompt: what is left, nested; None where the prompt itself was left out.
        left_out: every message that is not in it.
    """

    prompt: dict[str, Any] | None
    left_out: list[LeftOut]


class _Reason(NamedTuple):
    rule: str
    said: str
    value: float | None = None
    threshold: float | None = None


def prune(prompt: Node, options: TreeOptions) -> Pruned:
    """Take out the messages that do not reach the thresholds, and all that is below them.

    What is not known is not held against a message, unless `options.unknown` says so. For pairs, a
    reply of too low a rank stays, as it may be the worse one; only what is below it goes.

    Args:
        prompt: root of a sound tree.
        options: the thresholds.

    Example:
        >>> ask = {"message_id": "a", "text": "?", "labels": {"spam": {"value": 0.9}}}
        >>> prune(ask, TreeOptions(max_labels={"spam": 0.5})).left_out[0][:4]
        ('max_labels.spam', "message 'a': spam 0.9", 0.9, 0.5)
    """
    left_out: list[LeftOut] = []
    kept = _prune(prompt, options, left_out)
    return Pruned(kept, left_out)


def _prune(node: Node, options: TreeOptions, left_out: list[LeftOut]) -> dict[str, Any] | None:
    reason = next(_reasons(node, options), None)
    if reason is not None:
        left_out.append(_left_out(node, reason))
        _leave_out_below(node, left_out)
        return None
    if options.take == "pairs" and _is_low(node, options):
        _leave_out_below(node, left_out)
        return {**node, "replies": []}
    below = [_prune(reply, options, left_out) for reply in node.get("replies") or ()]
    return {**node, "replies": [reply for reply in below if reply is not None]}


def _leave_out_below(node: Node, left_out: list[LeftOut]) -> None:
    for reply in node.get("replies") or ():
        name = f"{node.get('message_id')!r:.60}"
        left_out.append(_left_out(reply, _Reason(BELOW, f"below {name}")))
        _leave_out_below(reply, left_out)


def _left_out(node: Node, reason: _Reason) -> LeftOut:
    detail = f"message {node.get('message_id')!r:.60}: {reason.said}"
    return LeftOut(reason.rule, detail, reason.value, reason.threshold, bare(node))


def _reasons(node: Node, options: TreeOptions) -> Iterator[_Reason]:
    """Yield what speaks against a message, in the order of the options."""
    if not options.deleted and node.get("deleted") is True:
        yield _Reason("deleted", "was deleted")
    if options.review and node.get("review_result") is False:
        yield _Reason("review", "failed its review")
    if not options.synthetic and node.get("synthetic") is True:
        yield _Reason("synthetic", f"was written by {node.get('model_name')!r:.60}")
    yield from _unwanted_language(node, options)
    yield from _few_reviews(node, options)
    if options.take != "pairs" and _is_low(node, options):
        rank = float(node["rank"])
        yield _Reason("max_rank", f"rank {node['rank']}", rank, options.max_rank)
    yield from _labels_out_of_bounds(node, options)


def _unwanted_language(node: Node, options: TreeOptions) -> Iterator[_Reason]:
    found = node.get("lang")
    if options.lang is None or found in options.lang:
        return
    if isinstance(found, str) or options.unknown == "drop":
        yield _Reason("lang", f"language {found!r:.20}")


def _few_reviews(node: Node, options: TreeOptions) -> Iterator[_Reason]:
    if options.min_reviews is None:
        return
    count = _number(node.get("review_count"))
    if count is None and options.unknown == "keep":
        return
    if count is None or count < options.min_reviews:
        yield _Reason("min_reviews", f"{node.get('review_count')!r:.20} reviews", count,
                      options.min_reviews)  # fmt: skip


def _is_low(node: Node, options: TreeOptions) -> bool:
    rank = rank_of(node)
    return options.max_rank is not None and rank is not None and rank > options.max_rank


def rank_of(node: Node) -> int | None:
    """Return the rank of a message among its siblings, 0 for the best; None: not ranked."""
    rank = node.get("rank")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) else None


def _labels_out_of_bounds(node: Node, options: TreeOptions) -> Iterator[_Reason]:
    labels = read_labels(node)
    for side, bounds in (("min_labels", options.min_labels), ("max_labels", options.max_labels)):
        for name, bound in sorted(bounds.items()):
            value = labels.get(name)
            if value is None:
                if options.unknown == "drop":
                    yield _Reason(f"{side}.{name}", f"no label {name}", None, bound)
            elif value < bound if side == "min_labels" else value > bound:
                yield _Reason(f"{side}.{name}", f"{name} {value:g}", value, bound)


def read_labels(node: Node) -> dict[str, float]:
    """Return the mean of each label of a message, in 0..1; what is no number is not there.

    Both published forms are read: `{"spam": {"value": 0.1, "count": 3}}` of the JSON files, and
    `{"name": ["spam"], "value": [0.1], "count": [3]}` of the Parquet files.

    Example:
        >>> read_labels({"labels": {"name": ["spam", "humor"], "value": [0.1, None]}})
        {'spam': 0.1}
    """
    labels = node.get("labels")
    if not isinstance(labels, Mapping):
        return {}
    names, values = labels.get("name"), labels.get("value")
    if isinstance(names, list) and isinstance(values, list):
        said = list(zip(map(str, names), values, strict=False))
    else:
        said = [(name, one.get("value") if isinstance(one, Mapping) else one)
                for name, one in labels.items()]  # fmt: skip
    numbers = ((name, _number(value)) for name, value in said)
    return {name: number for name, number in numbers if number is not None}


def _number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None  # also False for NaN
