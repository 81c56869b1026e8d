"""Makes the cards of the report: a row as people read it, alone or beside the one it repeats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.report.charts import format_number
from flows.report.examples import Chosen
from flows.report.text import Piece, mark_differences, shorten

MAX_TURNS: Final = 8

_EVIDENCE_CHARACTERS = 400
_LABEL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled text of a row; no pieces where it is empty."""

    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A row as it is shown."""

    id: str
    fate: str
    facts: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A row that is out, why, and the row that it repeats, if it is in this version."""

    card: Card
    facts: tuple[tuple[str, str], ...]
    evidence: str
    matched_id: str | None
    match: Card | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with what it did."""

    stage: str
    name: str
    count: int
    would_drop: int
    abstained: int
    examples: tuple[Example, ...]


def make_rule(counts: Mapping[str, Any], chosen: Chosen, length: int, examples: int) -> Rule:
    """Show a rule with at most `examples` of its rows, texts cut at `length` characters."""
    lines = chosen.lines.get((counts["stage"], counts["rule"]), [])[:examples]
    return Rule(
        stage=counts["stage"],
        name=counts["rule"],
        count=counts["count"],
        would_drop=counts["would_drop"],
        abstained=counts["abstained"],
        examples=tuple(make_example(line, chosen, length) for line in lines),
    )


def make_example(line: Mapping[str, Any], chosen: Chosen, length: int) -> Example:
    """Show the row of a decision, beside the row that it matched if that is known."""
    record = chosen.records.get(line["id"], {"id": line["id"]})
    match = chosen.records.get(line["matched_id"]) if line["matched_id"] else None
    return Example(
        card=make_card(record, chosen, length, beside=match),
        facts=tuple(_measurements(line, chosen.also.get(line["id"], []))),
        evidence=shorten(line["evidence"] or "", _EVIDENCE_CHARACTERS),
        matched_id=shorten(line["matched_id"] or "", _LABEL_CHARACTERS) or None,
        match=make_card(match, chosen, length, beside=record) if match else None,
    )


def _measurements(line: Mapping[str, Any], also: Sequence[str]) -> Iterator[tuple[str, str]]:
    if line["similarity"] is not None:
        yield "similarity", format_number(line["similarity"])
    if line["value"] is not None and line["value"] != line["similarity"]:
        yield "value", format_number(line["value"])
    if line["threshold"] is not None:
        yield "threshold", format_number(line["threshold"])
    if also:
        yield "also fails", ", ".join(also)


def make_card(
    record: Mapping[str, Any],
    chosen: Chosen,
    length: int,
    *,
    beside: Mapping[str, Any] | None = None,
) -> Card:
    """Show a row; words that the row beside it does not have are marked."""
    facts = [
        (label, shorten(value, _LABEL_CHARACTERS))
        for label in ("source", "license", "teacher")
        if (value := record.get(label))
    ]
    facts += [
        (label.replace("_", " "), format_number(record[label]))
        for label in ("quality", "output_words")
        if record.get(label) is not None
    ]
    texts = list(_texts(record))
    others = dict(_texts(beside)) if beside else {}
    everything = "\n".join(others.values())
    return Card(
        id=shorten(record["id"], _LABEL_CHARACTERS),
        fate=chosen.fates.get(record["id"], "kept"),
        facts=tuple(facts),
        fields=tuple(
            _field(label, text, length, beside=others.get(label, everything) if beside else None)
            for label, text in texts
        ),
    )


def _texts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The labelled texts of a row: its parts, its turns, or what came where it has neither."""
    turns = record.get("messages") or []
    if sum(turn["role"] == "user" for turn in turns) > 1:
        for number, turn in enumerate(turns[:MAX_TURNS], start=1):
            yield (
                f"{number} {shorten(turn['role'] or '', _LABEL_CHARACTERS)}",
                turn["content"] or "",
            )
        if len(turns) > MAX_TURNS:
            yield "more", f"{len(turns) - MAX_TURNS} more turns"
        return
    if not record.get("instruction"):
        yield "raw", record.get("raw") or record.get("output") or ""
        return
    for label in ("system", "instruction", "input", "output"):
        if record.get(label) or label == "output":
            yield label, record.get(label) or ""


def _field(label: str, text: str, length: int, *, beside: str | None) -> Field:
    if len(text) > length:
        label = f"{label} (first {length:,} of {len(text):,} characters)"
    shown = shorten(text, length)
    if not shown or beside is None or beside == text:
        return Field(label, (Piece(shown),) if shown else ())
    return Field(label, tuple(mark_differences(shown, beside)))
