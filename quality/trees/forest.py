"""Trees grown from flat messages; what belongs to none is named, not lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from quality.trees.messages import MARK, MAX_DEPTH, REPEATED, Broken, Placed, canonical, is_shared


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree and the position of the record that its prompt came in."""

    place: int
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forest:
    """Every message is in exactly one of the two.

    Attributes:
        trees: in the order of their prompts.
        broken: messages that belong to no tree, in the order given.
    """

    trees: list[Tree]
    broken: list[Broken]


@dataclass(slots=True)
class _Links:
    """Sound messages by id, and who replies to whom."""

    found: dict[str, Placed] = field(default_factory=dict)
    replies: dict[str, list[str]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def leave_out(self, name: str, rule: str, detail: str) -> None:
        """Move a message out of the forest."""
        lost = self.found.pop(name)
        self.broken.append(Broken(lost.place, rule, detail, lost.message))

    def below(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield a message and all below it with their depth, parents first, in reply order."""
        waiting = [(name, 0)]
        while waiting:
            found, depth = waiting.pop()
            yield found, depth
            waiting += [(reply, depth + 1) for reply in reversed(self.replies.get(found, []))]


def grow(messages: Iterable[Placed]) -> Forest:
    """Return the trees of flat messages.

    Args:
        messages: of any number of trees; replies keep the order in which they come.

    Returns:
        The trees, and as broken: `missing_message_id`, `missing_text`, `missing_role`,
        `wrong_parent_id` (no text), `nested_replies` (a field `replies`), `bad_mark`,
        `duplicate_message` (all copies of a message but one), `duplicate_id` (messages that differ
        and have one id: none is taken), `second_root` (a further prompt of one tree), `orphan`
        (a message it hangs from is not there), `cycle` (it is below itself), `wrong_tree` (it names
        another tree than its prompt) and `too_deep`. What is below a broken message is an orphan.

    Example:
        >>> ask = {"message_id": "a", "role": "prompter", "text": "1+1?"}
        >>> tell = {"message_id": "b", "parent_id": "a", "role": "assistant", "text": "2"}
        >>> forest = grow([Placed(0, ask), Placed(1, tell), Placed(2, {**tell, "parent_id": "x"})])
        >>> [(one.place, one.rule) for one in forest.broken]
        [(1, 'duplicate_id'), (2, 'duplicate_id')]
    """
    links = _link(messages)
    roots = _roots(links)
    _leave_out_loose(links, roots)
    for root in roots:
        _trim(links, root)
    trees = [_assemble(links, root) for root in roots]
    broken = sorted(links.broken, key=lambda one: (one.place, canonical(one.record), one.rule))
    return Forest(trees, broken)


def _link(messages: Iterable[Placed]) -> _Links:
    """Return the messages that are sound by themselves."""
    links = _Links()
    named: dict[str, list[Placed]] = {}
    for placed in messages:
        reason = _reason(placed.message)
        if reason is None:
            named.setdefault(placed.message["message_id"], []).append(placed)
        else:
            links.broken.append(Broken(placed.place, *reason, placed.message))
    for name, copies in named.items():
        if len({canonical(one.message) for one in copies}) > 1:
            detail = f"expected one message {name!r:.60}, got {len(copies)} that differ"
            links.broken += [
                Broken(one.place, "duplicate_id", detail, one.message) for one in copies
            ]
            continue
        links.found[name] = copies[0]
        detail = f"expected message {name!r:.60} once, got it again"
        links.broken += [
            Broken(one.place, "duplicate_message", detail, one.message) for one in copies[1:]
        ]
    order = sorted(links.found, key=lambda name: links.found[name].place)
    for name in order:
        parent = links.found[name].message.get("parent_id")
        if parent is not None:
            links.replies.setdefault(parent, []).append(name)
    return links


_TEXTS: Final = ("message_id", "role", "text")


def _reason(message: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return rule and detail of what is wrong with a message by itself."""
    shown = f"{message.get('message_id')!r:.60}"
    for name in _TEXTS:
        value = message.get(name)
        if not isinstance(value, str) or (not value and name != "text"):
            return f"missing_{name}", f"expected text in {name!r} of {shown}, got {value!r:.60}"
    parent = message.get("parent_id")
    if parent is not None and not isinstance(parent, str):
        return "wrong_parent_id", f"expected text in 'parent_id' of {shown}, got {parent!r:.60}"
    if "replies" in message:
        return "nested_replies", f"expected no 'replies' in the flat message {shown}"
    if MARK in message and not _is_mark(message[MARK]):
        return "bad_mark", f"expected what the exporter writes in {MARK!r} of {shown}"
    return None


def _is_mark(mark: object) -> bool:
    """Tell whether a mark is one that `flatten` may have written."""
    return (
        isinstance(mark, Mapping)
        and bool(mark)
        and mark.keys() <= {"replies", "added", "record", "own"}
        and mark.get("replies", "null") in ("null", "absent")
        and mark.get("added", ["parent_id"]) == ["parent_id"]
        and isinstance(mark.get("own", []), list)
        and all(name in REPEATED for name in mark.get("own", []))
        and isinstance(mark.get("record", {}), Mapping)
        and not mark.get("record", {}).keys() & ({"prompt", *REPEATED} - {*mark.get("own", [])})
    )


def _roots(links: _Links) -> list[str]:
    """Return the prompts, one for each tree, in the order of the file."""
    trees: dict[str, list[str]] = {}
    for name, placed in links.found.items():
        if placed.message.get("parent_id") is None:
            tree = placed.message.get("message_tree_id")
            trees.setdefault(canonical([name] if tree is None else tree), []).append(name)
    roots = []
    for named, prompts in trees.items():
        taken = [name for name in prompts if len(prompts) == 1 or canonical(name) == named]
        roots += taken
        for name in prompts:
            if name not in taken:
                detail = f"expected one prompt in the tree {named:.60}, got {len(prompts)}"
                links.leave_out(name, "second_root", detail)
    return sorted(roots, key=lambda name: links.found[name].place)


def _leave_out_loose(links: _Links, roots: Sequence[str]) -> None:
    """Leave out what hangs from no prompt."""
    held = {name for root in roots for name, _ in links.below(root)}
    loose = {name: links.found[name].message["parent_id"] for name in links.found.keys() - held}
    heads = [name for name, parent in loose.items() if parent not in links.found]
    orphans = {name for head in heads for name, _ in links.below(head)}
    for name, parent in loose.items():
        if name in orphans:
            detail = (
                f"expected all messages above {name!r:.60}, {parent!r:.60} or one above is none"
            )
            links.leave_out(name, "orphan", detail)
        else:
            detail = f"expected {name!r:.60} to hang from a prompt, got a circle of replies"
            links.leave_out(name, "cycle", detail)


def _trim(links: _Links, root: str) -> None:
    """Leave out what names another tree than its prompt, what is too deep, and what is below."""
    tree = links.found[root].message.get("message_tree_id") or root
    names = list(links.below(root))
    lost: set[str] = set()
    for name, depth in names:
        message = links.found[name].message
        named = message.get("message_tree_id")
        if message.get("parent_id") in lost:
            detail = f"expected all messages above {name!r:.60}, one was left out"
            links.leave_out(name, "orphan", detail)
        elif named is not None and canonical(named) != canonical(tree):
            detail = f"expected {name!r:.60} in the tree {tree!r:.60}, got {named!r:.60}"
            links.leave_out(name, "wrong_tree", detail)
        elif depth >= MAX_DEPTH:
            detail = f"expected at most {MAX_DEPTH} messages in a thread, got {name!r:.60}"
            links.leave_out(name, "too_deep", detail)
        else:
            continue
        lost.add(name)
    for name, _ in names if lost else ():
        links.replies[name] = [reply for reply in links.replies.get(name, []) if reply not in lost]


def _assemble(links: _Links, root: str) -> Tree:
    names = [name for name, _ in links.below(root)]
    messages = [links.found[name].message for name in names]
    mark = messages[0].get(MARK, {})
    record = dict(mark.get("record", {}))
    hoisted = [
        name for name in REPEATED if name not in mark.get("own", []) and is_shared(name, messages)
    ]
    record |= {name: messages[0][name] for name in hoisted}
    nodes = {name: _node(message, hoisted) for name, message in zip(names, messages, strict=True)}
    for name in names:
        replies = [nodes[reply] for reply in links.replies.get(name, [])]
        marked = links.found[name].message.get(MARK, {}).get("replies")
        if replies or marked is None:
            nodes[name]["replies"] = replies
        elif marked == "null":
            nodes[name]["replies"] = None
    record["prompt"] = nodes[root]
    return Tree(links.found[root].place, record)


def _node(message: Mapping[str, Any], hoisted: Sequence[str]) -> dict[str, Any]:
    mark = message.get(MARK, {})
    gone = {MARK, *hoisted, *mark.get("added", [])}
    return {name: value for name, value in message.items() if name not in gone}
