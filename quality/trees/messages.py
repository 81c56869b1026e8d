"""A message tree as flat messages: one for each node, in the order of a walk through the tree.

The flat form of Open Assistant (`*.messages.jsonl`) has no place for some of what the nested one
(`*.trees.jsonl`) may say. Where a tree is not as usual, a message carries it under MARK, so that
`grow` gives the very same tree back.

Source: https://github.com/LAION-AI/Open-Assistant, the files of its exporter. Differs: theirs
writes both forms from a database and reads neither back into the other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]

#: Field of a flat message that says how its place in the tree differs from the usual.
MARK: Final = "_tree"
#: Fields of a tree that the flat form repeats in each of its messages.
REPEATED: Final = ("message_tree_id", "tree_state")
#: Deeper trees are not read: a file could exhaust the stack.
MAX_DEPTH: Final = 200


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a file that belongs to no sound tree.

    Attributes:
        place: position of the record it came in, in the order given.
        rule: snake_case name of the reason.
        detail: the reason in one line.
        record: the message as it came, with what is nested in it; or the whole tree.
    """

    place: int
    rule: str
    detail: str
    record: Any

    @property
    def messages(self) -> int:
        """How many messages it holds; a record that is none counts as one."""
        record = self.record
        prompt = record.get("prompt") if isinstance(record, Mapping) else None
        found = sum(1 for _ in walk(prompt if isinstance(prompt, Mapping) else record))
        return max(found, 1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A flat message and the position of the record it came in."""

    place: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flattened:
    """The messages of one tree, and what of it cannot be told as messages."""

    messages: list[Placed]
    broken: list[Broken]


def is_tree(record: object) -> bool:
    """Tell whether a record is a message tree: a prompt that is an object with replies."""
    prompt = record.get("prompt") if isinstance(record, Mapping) else None
    return isinstance(prompt, Mapping) and "text" in prompt and "replies" in prompt


def is_message(record: object) -> bool:
    """Tell whether a record is a flat message of a tree."""
    if not isinstance(record, Mapping) or "message_id" not in record or "role" not in record:
        return False
    names = set(record)
    return bool(names & {"text", "parent_id", "message_tree_id"}) and not names & _OTHER_FORMS


_OTHER_FORMS: Final = {"prompt", "instruction", "messages", "conversations", "thread", "replies"}


def is_nested(message: Node, levels: int = 100) -> bool:
    """Tell whether the fields of a message nest deeper than any exporter writes them."""
    layer: list[object] = [message]
    for _ in range(levels):
        layer = [value for one in layer for value in _inside(one)]
    return bool(layer)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def canonical(value: object) -> str:
    """Return the one JSON text that equal values share; 1 and true differ."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def walk(node: object) -> Iterator[Node]:
    """Yield a node and all nodes below it, parents first, replies in their order."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Mapping):
            yield found
            replies = found.get("replies")
            waiting += reversed(replies) if isinstance(replies, list) else ()


def bare(node: Node) -> dict[str, Any]:
    """Return a message without the replies below it."""
    return {name: value for name, value in node.items() if name != "replies"}


def flatten(tree: Node, place: int = 0) -> Flattened:
    """Return the messages of a tree.

    Args:
        tree: an object with `prompt`, nested as exported.
        place: position of the tree in its file.

    Returns:
        Each sound message, and as broken, by the name of the reason: `no_message` (no object where
        a message should be), `missing_message_id`, `wrong_parent` (a reply names another parent
        than the message it is nested in), `replies_not_a_list`, `reserved_field` (MARK is taken)
        and `too_deep`, each with all that is below it.

    Example:
        >>> reply = {"message_id": "b", "parent_id": "a", "text": "2", "replies": []}
        >>> ask = {"message_id": "a", "text": "1+1?", "replies": [reply]}
        >>> tree = {"message_tree_id": "a", "prompt": ask}
        >>> [sorted(one.message.items()) for one in flatten(tree).messages][1]
        [('message_id', 'b'), ('message_tree_id', 'a'), ('parent_id', 'a'), ('text', '2')]
    """
    prompt = tree.get("prompt")
    reason = _reason(prompt, None, 0)
    if not isinstance(prompt, Mapping) or reason is not None:
        rule, detail = reason or ("no_message", "expected an object as the prompt")
        return Flattened([], [Broken(place, rule, detail, dict(tree))])
    messages: list[Placed] = []
    broken: list[Broken] = []
    waiting: list[tuple[Node, Node | None, int]] = [(prompt, None, 0)]
    while waiting:
        node, parent, depth = waiting.pop()
        messages.append(Placed(place, _message(node, parent)))
        below = []
        for reply in node.get("replies") or ():
            reason = _reason(reply, node, depth + 1)
            if reason is None:
                below.append((reply, node, depth + 1))
            else:
                broken.append(Broken(place, *reason, reply))
        waiting += reversed(below)
    _tell_tree(tree, [one.message for one in messages])
    return Flattened(messages, broken)


def _reason(node: object, parent: Node | None, depth: int) -> tuple[str, str] | None:
    """Return rule and detail of what keeps a node from being a message; None: nothing does."""
    if not isinstance(node, Mapping):
        return "no_message", f"expected an object as a message, got {type(node).__name__}"
    name = node.get("message_id")
    if not isinstance(name, str) or not name:
        return "missing_message_id", f"expected a message_id, got {name!r:.60}"
    if not isinstance(node.get("replies", []), list | None):
        kind = type(node["replies"]).__name__
        return "replies_not_a_list", f"expected a list of replies to {name!r:.60}, got {kind}"
    if parent is not None and node.get("parent_id", parent["message_id"]) != parent["message_id"]:
        wrong = node["parent_id"]
        wanted = parent["message_id"]
        return (
            "wrong_parent",
            f"expected parent_id {wanted!r:.60} of {name!r:.60}, got {wrong!r:.60}",
        )
    if MARK in node:
        return "reserved_field", f"expected no field {MARK!r}, got one in {name!r:.60}"
    if depth >= MAX_DEPTH:
        return "too_deep", f"expected at most {MAX_DEPTH} messages in a thread, got {name!r:.60}"
    return None


def _message(node: Node, parent: Node | None) -> dict[str, Any]:
    message = bare(node)
    mark: dict[str, Any] = {}
    if node.get("replies") is None:
        mark["replies"] = "null" if "replies" in node else "absent"
    if parent is not None and "parent_id" not in node:
        message["parent_id"] = parent["message_id"]
        mark["added"] = ["parent_id"]
    return message | ({MARK: mark} if mark else {})


def _tell_tree(tree: Node, messages: Sequence[dict[str, Any]]) -> None:
    """Write what the tree itself says into its messages; the first one is the prompt's."""
    record = {name: tree[name] for name in tree if name not in ("prompt", *REPEATED)}
    own = []
    for name in REPEATED:
        if name in tree and not any(name in message for message in messages):
            for message in messages:
                message[name] = tree[name]
        elif name in tree or is_shared(name, messages):
            own.append(name)
            record |= {name: tree[name]} if name in tree else {}
    mark = ({"record": record} if record else {}) | ({"own": own} if own else {})
    if mark:
        messages[0][MARK] = messages[0].get(MARK, {}) | mark


def is_shared(name: str, messages: Sequence[Node]) -> bool:
    """Tell whether all messages have one value in a field."""
    if not all(name in message for message in messages):
        return False
    return len({canonical(message[name]) for message in messages}) == 1
