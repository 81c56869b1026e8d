"""Files of message trees from one export form to the other, with nothing lost."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import polars as pl

from flows.disk import write_atomically
from flows.readers import Damage, Item, Record
from flows.readers.items import JSON_DECODER, JSON_ERRORS, dump_raw
from flows.trees import is_flat
from quality.trees.forest import Tree, grow
from quality.trees.messages import Broken, Placed, canonical, flatten, is_tree
from schemas.errors import InputError

TreeForm: TypeAlias = Literal["trees", "messages"]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion wrote; every message read is counted once.

    Attributes:
        path: the file.
        form: what it holds, a tree or a message a line.
        trees: sound trees.
        messages: messages in them.
        damaged_path: file of what belongs to no sound tree; None where there is nothing.
        damaged: messages and other records in that file, by rule.
    """

    path: Path
    form: TreeForm
    trees: int
    messages: int
    damaged_path: Path | None
    damaged: Mapping[str, int]


def convert_trees(items: Iterable[Item], out: Path, form: TreeForm | None = None) -> Converted:
    """Write trees in another form, or put the same form in order.

    Args:
        items: trees and flat messages, in any mixture.
        out: the file; compressed where its name ends in `.gz`.
        form: what is written; None: what the name of `out` says, as in `x.messages.jsonl`.

    Returns:
        The counts. What is damaged is written beside `out`, whole, with its line and reason.

    Raises:
        InputError: if the file cannot be read, `out` cannot be written or its form is not told.
    """
    wanted = form or _form_of(out)
    lines, placed, broken = _read(items)
    forest = grow(placed)
    flat = [flatten(tree.record, tree.place) for tree in forest.trees]
    _write(out, _WRITE[wanted](forest.trees))
    broken = sorted([*broken, *forest.broken], key=lambda one: one.place)
    beside = out.with_name(f"{out.name}.damaged.jsonl")
    damaged: Counter[str] = Counter()
    for one in broken:
        damaged[one.rule] += one.messages
    if broken:
        _write(beside, [_damage_line(one, lines[one.place]) for one in broken])
    return Converted(
        out,
        wanted,
        len(forest.trees),
        sum(len(one.messages) for one in flat),
        beside if broken else None,
        dict(sorted(damaged.items())),
    )


def grown_trees(rows: pl.DataFrame) -> Iterator[Record]:
    """Yield the trees that a teacher grew for rows, each once.

    Args:
        rows: of a version; those of a generator of kind `tree` have their tree in `about`.
    """
    seen = set()
    for text in rows["about"].drop_nulls().unique(maintain_order=True) if "about" in rows else ():
        try:
            about = JSON_DECODER.decode(text)
        except JSON_ERRORS:
            continue
        tree = about.get("tree") if isinstance(about, Mapping) else None
        if is_tree(tree) and (name := canonical(tree)) not in seen:
            seen.add(name)
            yield Record(None, tree)


def _form_of(out: Path) -> TreeForm:
    found: list[TreeForm] = [form for form in get_args(TreeForm) if f".{form}." in out.name]
    if len(found) == 1:
        return found[0]
    msg = (
        f"expected a name such as {out.name.split('.')[0]}.messages.jsonl or .trees.jsonl, got "
        f"{out.name!r}: rename it or add --form"
    )
    raise InputError(msg)


def _read(items: Iterable[Item]) -> tuple[list[int | None], list[Placed], list[Broken]]:
    """Return the line of each record, all messages, and the records that hold none."""
    lines: list[int | None] = []
    placed: list[Placed] = []
    broken: list[Broken] = []
    for place, item in enumerate(items):
        lines.append(item.line)
        if isinstance(item, Damage):
            broken.append(Broken(place, item.rule, item.detail, item.raw))
        elif is_tree(item.value):
            found = flatten(item.value, place)
            placed += found.messages
            broken += found.broken
        elif is_flat(item):
            placed.append(Placed(place, dict(item.value)))
        else:
            detail = "expected a message tree or one message of a tree, got neither"
            broken.append(Broken(place, "no_message", detail, item.value))
    return lines, placed, broken


def _tree_lines(trees: Iterable[Tree]) -> list[str]:
    return [dump_raw(tree.record) for tree in trees]


def _message_lines(trees: Iterable[Tree]) -> list[str]:
    return [dump_raw(one.message) for tree in trees for one in flatten(tree.record).messages]


_WRITE: Final[Mapping[TreeForm, Callable[[Iterable[Tree]], list[str]]]] = {
    "trees": _tree_lines,
    "messages": _message_lines,
}


def _damage_line(broken: Broken, line: int | None) -> str:
    said: dict[str, Any] = {"line": line, "rule": broken.rule, "detail": broken.detail}
    try:
        return dump_raw({**said, "record": broken.record})
    except JSON_ERRORS:
        return json.dumps({**said, "record": repr(broken.record)[:1_000_000]})


def _write(path: Path, lines: Iterable[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode("utf-8")
    write_atomically(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
