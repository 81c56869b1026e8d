"""The books of a generator: every draft becomes a row with an id, in or out, packed into frames."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import polars as pl

from flows.generate.rows import make_row
from flows.methods.jobs import Draft
from flows.session import Session
from flows.store import StageOutput
from quality.ids import content_id
from schemas.frames import DECISIONS, ROWS

_PACKED = 2_000  # drafts that are held as dictionaries before they become a frame


class _Entry(NamedTuple):
    row: dict[str, Any]
    draft: Draft


class Ledger:
    """Collects drafts, gives each an id that is unique in the run, and packs them into frames."""

    def __init__(self, session: Session, source: str, taken: Counter[str]) -> None:
        """Start empty.

        Args:
            session: the run, which knows the teachers.
            source: of the rows.
            taken: content ids that earlier stages use, with their number.
        """
        self.rows_in = 0
        self.accepted = 0
        self._session = session
        self._source = source
        self._taken = taken
        self._loose: list[_Entry] = []
        self._packed: list[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]] = []

    def add(self, drafts: Sequence[Draft]) -> None:
        """Add drafts in their order."""
        for draft in drafts:
            row = make_row(self._session, self._source, draft)
            base = content_id(row["messages"], row["rejected"])
            number = self._taken[base]
            self._taken[base] += 1
            row["id"] = base if number == 0 else f"{base}-{number}"
            self.accepted += draft.rejection is None
            self._loose.append(_Entry(row, draft))
        self.rows_in += len(drafts)
        if len(self._loose) >= _PACKED:
            self._pack()

    def output(self, *, reusable: bool, notes: dict[str, Any]) -> StageOutput:
        """Turn everything into a stage."""
        self._pack()
        rows, dropped, decisions = (pl.concat(parts) for parts in zip(*self._packed, strict=True))
        return StageOutput(
            rows=rows,
            dropped=dropped,
            decisions=decisions,
            rows_in=self.rows_in,
            reusable=reusable,
            notes=notes,
        )

    def _pack(self) -> None:
        """A frame takes a fraction of the memory that its rows take as dictionaries."""
        kept = [entry.row for entry in self._loose if entry.draft.rejection is None]
        out = [entry.row for entry in self._loose if entry.draft.rejection is not None]
        self._packed.append(
            (
                pl.DataFrame(kept, schema=dict(ROWS)),
                pl.DataFrame(out, schema=dict(ROWS)),
                pl.DataFrame(list(_decisions(self._loose)), schema=dict(DECISIONS), orient="row"),
            )
        )
        self._loose = []


def _decisions(entries: Sequence[_Entry]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        rejection = entry.draft.rejection
        if rejection is not None:
            yield {
                "id": entry.row["id"],
                "stage": "generate",
                "rule": rejection.rule,
                "action": entry.draft.action,
                "value": rejection.value,
                "threshold": rejection.threshold,
                "matched_id": rejection.matched_id,
                "similarity": rejection.value if rejection.rule == "rouge_l" else None,
                "evidence": rejection.evidence,
            }
