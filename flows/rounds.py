"""Conversations that are longer than a model reads, cut into rows of whole rounds."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from flows.conversations import ENTRY, PLACES
from flows.readers.items import dump_raw
from flows.turn_sizes import turn_sizes
from quality.conversations.records import slice_record
from quality.conversations.rounds import (
    Piece,
    find_imbalance,
    split_rounds,
    system_of,
)
from quality.formats.frame import messages_series
from quality.formats.parse import Message, conversation
from quality.ids import content_id
from schemas.errors import BooksError
from schemas.frames import DECISIONS, empty_frame
from schemas.recipe import RoundOptions, SourceOptions

_RULE: Final = "round_too_long"
#: Pieces that say the same are numbered in this order, as all copies are.
_ORDER: Final = ("source", "file", "row", "raw", "id")


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows after cutting.

    Attributes:
        rows: those that fit, and the pieces of those that did not, with the columns that came.
        dropped: single rounds that no row can hold, whole.
        decisions: a line for each of `dropped`.
        conversations: conversations that were cut.
        pieces: what they became, dropped rounds too.
    """

    rows: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame
    conversations: int
    pieces: int


@dataclass(slots=True)
class _Plan:
    """A conversation that does not fit, and how it is cut."""

    row: Mapping[str, Any]
    pieces: list[Piece]
    sizes: list[int]  # of its rounds, each with the system turns


def cut_sources(rows: pl.DataFrame, sources: Sequence[SourceOptions], taken: Counter[str]) -> Cut:
    """Cut the conversations of the sources that ask for it; see `cut_rows`.

    Args:
        rows: READING.
        sources: by number.
        taken: content ids in use, with their number; the pieces' are added.
    """
    cuts = []
    asked = []
    for place, source in enumerate(sources):
        if source.conversations is not None and source.conversations.rounds is not None:
            asked.append(place)
            part = rows.filter(pl.col(ENTRY) == place)
            cuts.append(cut_rows(part, source.conversations.rounds, taken))
    untouched = rows.filter(~pl.col(ENTRY).is_in(asked))
    return Cut(
        rows=pl.concat([untouched, *(cut.rows for cut in cuts)]),
        dropped=pl.concat([rows.clear(), *(cut.dropped for cut in cuts)]),
        decisions=pl.concat([empty_frame(DECISIONS), *(cut.decisions for cut in cuts)]),
        conversations=sum(cut.conversations for cut in cuts),
        pieces=sum(cut.pieces for cut in cuts),
    )


def cut_rows(rows: pl.DataFrame, options: RoundOptions, taken: Counter[str]) -> Cut:
    """Cut conversations on the borders of rounds, so that every row fits.

    Every round is in one row or in one dropped row; a system turn is in each of them. A piece is
    named by its content, has the conversation's id in `parents` and its place in `about`; its
    `raw` is its part of the record.

    Args:
        rows: conversations that alternate, with PLACES.
        options: the budget of a row.
        taken: content ids in use, with their number; the pieces' are added.

    Raises:
        BooksError: if a round is lost, repeated or changed.
        InputError: if there is no such tokenizer.
    """
    plans: list[_Plan] = []
    fits: list[bool] = []
    for row, sizes in zip(rows.iter_rows(named=True), turn_sizes(rows, options), strict=True):
        plan = _plan(row, sizes, options.max_tokens)
        is_whole = plan.pieces == [Piece(1, len(plan.sizes))]
        fits.append(is_whole)
        if not is_whole:
            plans.append(plan)
    plans.sort(key=lambda plan: [(plan.row[name] is not None, plan.row[name]) for name in _ORDER])
    pieces = [piece for plan in plans for piece in plan.pieces]
    made = _piece_rows(plans, rows.schema, taken)
    _check_books(plans, made)
    is_long = pl.Series([piece.is_too_long for piece in pieces], dtype=pl.Boolean)
    whole = rows.filter(pl.Series(fits, dtype=pl.Boolean))
    return Cut(
        rows=pl.concat([whole, made.filter(~is_long)]),
        dropped=made.filter(is_long),
        decisions=_too_long_lines(made["id"], plans, options.max_tokens),
        conversations=len(plans),
        pieces=len(pieces),
    )


def _plan(row: Mapping[str, Any], sizes: Sequence[int], max_tokens: int) -> _Plan:
    is_system = [turn["role"] == "system" for turn in row["messages"]]
    repeated = sum(size for size, system in zip(sizes, is_system, strict=True) if system)
    spoken = [size for size, system in zip(sizes, is_system, strict=True) if not system]
    rounds = [one + other for one, other in zip(spoken[::2], spoken[1::2], strict=True)]
    pieces = split_rounds(rounds, max_tokens - repeated)
    return _Plan(row, pieces, [size + repeated for size in rounds])


def _piece_rows(
    plans: Sequence[_Plan], schema: Mapping[str, Any], taken: Counter[str]
) -> pl.DataFrame:
    """Return the rows of all pieces, conversation by conversation."""
    records: list[dict[str, Any]] = []
    talks: list[list[Message]] = []
    for plan in plans:
        for place, raw in enumerate(_raw_parts(plan)):
            record, talk = _piece_row(plan, place, taken)
            records.append(record | {"raw": raw})
            talks.append(talk)
    without = {name: kind for name, kind in schema.items() if name != "messages"}
    frame = pl.DataFrame(records, schema=without, orient="row")
    return frame.with_columns(messages_series(talks)).select(list(schema))


def _piece_row(
    plan: _Plan, place: int, taken: Counter[str]
) -> tuple[dict[str, Any], list[Message]]:
    row, piece = plan.row, plan.pieces[place]
    spoken = [turn for turn in row["messages"] if turn["role"] != "system"]
    talk = [*system_of(row["messages"]), *spoken[2 * piece.first - 2 : 2 * piece.last]]
    parsed = conversation(talk)
    is_last = place == len(plan.pieces) - 1
    rejected = row["rejected"] if is_last else None
    about = json.loads(row["about"] or "{}") | {
        "conversation": {
            "id": row["id"],
            "piece": place + 1,
            "pieces": len(plan.pieces),
            "first_round": piece.first,
            "last_round": piece.last,
            "rounds": len(plan.sizes),
        }
    }
    changed = {
        "id": _next_id(content_id(talk, rejected), taken),
        "system": parsed.system,
        "instruction": parsed.instruction,
        "input": "",
        "output": parsed.output,
        "rejected": rejected,
        "parents": [row["id"]],
        "about": json.dumps(about),
    }
    kept = {name: value for name, value in row.items() if name != "messages"}
    return kept | changed, talk


def _next_id(content: str, taken: Counter[str]) -> str:
    number = taken[content]
    taken[content] += 1
    return content if number == 0 else f"{content}-{number}"


def _raw_parts(plan: _Plan) -> list[str]:
    """Return each piece's part of the record; all of it where it cannot be cut."""
    whole = plan.row["raw"]
    *places, count = plan.row[PLACES]
    turns = zip(places, plan.row["messages"], strict=True)
    spoken = [place for place, turn in turns if turn["role"] != "system"]
    starts = [spoken[2 * piece.first - 2] for piece in plan.pieces]
    record = json.loads(whole)
    parts = slice_record(record, starts, count) if isinstance(record, Mapping) else None
    return [whole] * len(plan.pieces) if parts is None else [dump_raw(part) for part in parts]


def _check_books(plans: Sequence[_Plan], made: pl.DataFrame) -> None:
    """Compare the rows that were made with the conversations that they were made of.

    Raises:
        BooksError: if a round is lost, repeated or changed.
    """
    talks = iter(made["messages"].to_list())
    for plan in plans:
        parts = [(piece, next(talks)) for piece in plan.pieces]
        wrong = find_imbalance(plan.row["messages"], parts)
        if wrong is not None:
            msg = f"{wrong} of conversation {plan.row['id']}; report this, nothing was published"
            raise BooksError(msg)


def _too_long_lines(ids: pl.Series, plans: Sequence[_Plan], max_tokens: int) -> pl.DataFrame:
    places = ((plan, piece) for plan in plans for piece in plan.pieces)
    lines = [
        {
            "id": row_id,
            "value": float(plan.sizes[piece.first - 1]),
            "evidence": f"round {piece.first} of {len(plan.sizes)} of {plan.row['id']}",
        }
        for row_id, (plan, piece) in zip(ids, places, strict=True)
        if piece.is_too_long
    ]
    named = {name: DECISIONS[name] for name in ("id", "value", "evidence")}
    frame = pl.DataFrame(lines, schema=named).with_columns(
        stage=pl.lit("ingest"),
        rule=pl.lit(_RULE),
        action=pl.lit("drop"),
        threshold=pl.lit(float(max_tokens)),
    )
    return pl.concat([empty_frame(DECISIONS), frame], how="diagonal").select(list(DECISIONS))
