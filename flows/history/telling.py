"""Says for people what changed between two versions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

#: Lines of one kind in a changelog; those of `diff` are as many.
_MOST: Final = {"rules": 5, "sources": 3, "scores": 4, "recipe": 3, "licenses": 2}
_MOST_ROWS = 2
_CHARACTERS = 60
# A distribution that moved by less says nothing about the rows.
_LEAST_DISTANCE = 0.01


def tell_changes(found: Mapping[str, Any]) -> list[str]:
    """Return the figures of a comparison, without a word of any row: a card may show them.

    Args:
        found: what `compare_versions` returned.
    """
    old, new = found["old"], found["new"]
    lines = [
        f"{new['rows']:,} rows after {old['rows']:,}: {found['unchanged']:,} unchanged, "
        f"{len(found['added']):,} added, {len(found['removed']):,} removed, "
        f"{len(found['changed']):,} with another answer"
    ]
    lines += _moves(found)
    lines += _listed("rules", _counts(found["rules"], "taken by {name}"))
    lines += _listed("sources", _counts(found["sources"], "kept of {name}"))
    lines += _listed("scores", _scores(found["scores"]))
    lines += _edits(found["edited"])
    lines += _listed("recipe", _fields("recipe", found["recipe"]))
    if found["same_recipe"] is False and not found["recipe"]:
        lines.append("recipe: other defaults, or what it says cannot be read")
    if not found["same_code"]:
        before, after = found["code"]["old"], found["code"]["new"]
        lines.append(
            f"code: feingold {before['feingold']} ({before['code_version']}) -> "
            f"{after['feingold']} ({after['code_version']})"
        )
    if found["teachers"]["old"] != found["teachers"]["new"]:
        sides = [", ".join(found["teachers"][side]) or "none" for side in ("old", "new")]
        lines.append(f"teacher: {sides[0]} -> {sides[1]}")
    lines += _listed("licenses", _fields("licence of", found["licenses"]))
    return [_plain(line) for line in lines]


def tell_rows(found: Mapping[str, Any]) -> list[str]:
    """Return a few rows of every kind of change, each with its reason."""
    kinds = (
        ("+", "added", lambda _: ""),
        ("-", "removed", _reason),
        ("~", "changed", lambda row: f"  old answer: {row['rule']}"),
        (">", "moved", lambda row: f"  {row['old']} -> {row['new']}"),
    )
    lines = []
    for sign, name, say in kinds:
        rows = found[name]
        for row in rows[:_MOST_ROWS]:
            number = str(row.get("id") or row["new_id"])[:12]
            lines.append(f"{sign} {number} {cut_text(row['instruction'])}{_plain(say(row))}")
        if len(rows) > _MOST_ROWS:
            lines.append(f"{sign} ... and {len(rows) - _MOST_ROWS:,} more, all in --json")
    return lines


def _moves(found: Mapping[str, Any]) -> Iterator[str]:
    old, new = found["old"]["splits"], found["new"]["splits"]
    if found["moved"] or old.keys() != new.keys():
        sizes = [", ".join(f"{name} {count:,}" for name, count in side.items()) or "none"
                 for side in (old, new)]  # fmt: skip
        yield f"splits: {sizes[0]} -> {sizes[1]}; {len(found['moved']):,} rows moved"


def _counts(changes: Sequence[Mapping[str, Any]], label: str) -> list[str]:
    return [
        f"{label.format(name=change['name'])}: {change['old']:,} -> {change['new']:,} "
        f"({change['difference']:+,})"
        for change in changes
        if change["difference"]
    ]


def _scores(shifts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{shift['column']}: mean {shift['old']['mean']:.4g} -> {shift['new']['mean']:.4g}, "
        f"median {shift['old']['q50']:.4g} -> {shift['new']['q50']:.4g}, "
        f"distance {shift['distance']:.3f}"
        for shift in shifts
        if (shift["distance"] or 0) >= _LEAST_DISTANCE
    ]


def _edits(edited: Mapping[str, Any]) -> Iterator[str]:
    if edited["rows"]:
        shown = [f"{name} ({count:,})" for name, count in list(edited["columns"].items())[:5]]
        more = f" and {len(edited['columns']) - 5} more" if len(edited["columns"]) > 5 else ""
        yield f"{edited['rows']:,} rows with the same text differ in {', '.join(shown)}{more}"


def _fields(label: str, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{label} {change['field']}: {change['old']} -> {change['new']}" for change in changes]


def _listed(kind: str, lines: Sequence[str]) -> list[str]:
    most = _MOST[kind]
    rest = [f"... and {len(lines) - most} more of these"] if len(lines) > most else []
    return [*lines[:most], *rest]


def _reason(row: Mapping[str, Any]) -> str:
    parts = [f"  {row['rule']}"]
    if row["value"] is not None:
        parts.append(f"{row['value']:.4g}")
    if row["threshold"] is not None:
        parts.append(f"against {row['threshold']:.4g}")
    if row["matched_id"]:
        parts.append(f"of {row['matched_id'][:24]}")
    return " ".join(parts)


def _plain(text: str) -> str:
    """One line: names come from files and recipes, and hold what they like."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split()) if text[:1] != " " else "  " + " ".join(kept.split())


def cut_text(text: str | None, characters: int = _CHARACTERS, *, one_line: bool = True) -> str:
    """Quote text from a teacher or a file: nothing that steers a terminal gets through.

    Args:
        text: any text.
        characters: of it that are shown.
        one_line: whether white space is folded before.
    """
    shown = " ".join((text or "").split()) if one_line else text or ""
    if len(shown) > characters:
        shown = shown[:characters].rstrip() + " ..."
    quoted = json.dumps(shown, ensure_ascii=False)
    # JSON lets through what turns the direction of writing.
    return "".join(
        letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in quoted
    )
