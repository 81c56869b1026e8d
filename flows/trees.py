"""Message trees on their way in: flat messages become trees, a tree becomes rows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from flows.readers import Damage, Item, Record
from flows.readers.items import dump_raw
from quality.trees.forest import grow
from quality.trees.messages import Broken, Placed, flatten, is_message, is_nested
from quality.trees.taking import Taken, harvest
from quality.trees.thresholds import LeftOut
from schemas.recipe import TreeOptions


class TreeRead(NamedTuple):
    """What became of a tree.

    Attributes:
        tree: its id, of whatever type the file has it.
        parts: rows to be, messages left out, and what cannot be read.
    """

    tree: object
    parts: list[Taken | LeftOut | Broken]


def plant(items: Iterable[Item], form: str) -> Iterator[Item]:
    """Yield items as they are, but flat messages as the trees that they make up, at the end.

    Args:
        items: the records of one file.
        form: `auto` or a name in FORMATS; other forms than `oasst` have no messages of trees.
    """
    lines: list[int | None] = []
    messages: list[Placed] = []
    for item in items:
        if form in ("auto", "oasst") and is_flat(item):
            messages.append(Placed(len(lines), dict(item.value)))
            lines.append(item.line)
        else:
            yield item
    forest = grow(messages)
    for tree in forest.trees:
        yield Record(lines[tree.place], tree.record)
    for broken in forest.broken:
        raw = dump_raw(broken.record)
        yield Damage(lines[broken.place], broken.rule, broken.detail, raw)


def is_flat(item: Item) -> TypeGuard[Record]:
    """Tell whether an item is one message of a tree."""
    return isinstance(item, Record) and is_message(item.value) and not is_nested(item.value)


def read_tree(record: Mapping[str, Any], options: TreeOptions) -> TreeRead:
    """Return the rows of a nested tree, and every message that is in none.

    Args:
        record: a tree as decoded, sound or not.
        options: what is taken, and the thresholds.
    """
    flat = flatten(record)
    forest = grow(flat.messages)
    parts: list[Taken | LeftOut | Broken] = [*flat.broken, *forest.broken]
    for tree in forest.trees:
        found = harvest(tree.record["prompt"], options)
        parts += [*found.taken, *found.left_out]
    return TreeRead(record.get("message_tree_id") or _root(record), parts)


def _root(record: Mapping[str, Any]) -> object:
    return record["prompt"].get("message_id")
