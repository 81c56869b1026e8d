"""The summary of a run: for `--json`, for people and for Prefect."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flows.session import Session
from flows.stages import collect
from flows.store import Store
from quality.funnel import count_by_rule
from schemas.manifest import Published, RequestCounts, StageRef, TokenCounts


def summarise(
    session: Session,
    refs: Sequence[StageRef],
    *,
    published: Published | None = None,
    stops: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Count what a run did so far.

    Args:
        session: the run.
        refs: its finished stages.
        published: the version, if it came to one.
        stops: generator name to the limit that stopped it.

    Returns:
        The JSON object of the command-line contract, and `stages`, `stopped_by`, `is_new`.
    """
    _, decisions = collect(session, refs)
    funnel = count_stages(session.store, refs)
    rows_in, dropped, quarantined = count_rows(funnel)
    teacher = session.asked_teacher
    return {
        "dataset": session.recipe.name,
        "version": published.version if published else None,
        "path": published.path if published else None,
        "content_sha256": published.content_sha256 if published else None,
        "is_new": published.is_new if published else False,
        "rows_in": rows_in,
        "kept": rows_in - quarantined - dropped,
        "dropped": dropped,
        "quarantined": quarantined,
        "by_rule": count_by_rule(decisions),
        "stages": funnel,
        "stopped_by": dict(stops or {}),
        "requests": (teacher.requests if teacher else RequestCounts()).model_dump(),
        "tokens": (teacher.tokens if teacher else TokenCounts()).model_dump(),
        "cost_usd": round(teacher.cost_usd, 6) if teacher else 0.0,
        "seconds": round(time.monotonic() - session.started, 2),
    }


class RowCounts(NamedTuple):
    """Rows of a whole run: what came in, and what went in any stage."""

    rows_in: int
    dropped: int
    quarantined: int


def count_rows(funnel: Sequence[Mapping[str, Any]]) -> RowCounts:
    """Add up a funnel; rows come in where they are read or made."""
    makers = [stage for stage in funnel if stage["stage"] in ("ingest", "generate")]
    return RowCounts(
        rows_in=sum(stage["rows_in"] for stage in makers),
        dropped=sum(stage["dropped"] for stage in funnel),
        quarantined=sum(stage["quarantined"] for stage in funnel),
    )


def count_stages(store: Store, refs: Sequence[StageRef]) -> list[dict[str, Any]]:
    """The funnel: what came into each stage and what became of it."""
    manifests = [store.manifest(ref) for ref in refs]
    return [
        {
            "stage": found.stage,
            "rows_in": found.rows_in,
            "kept": found.kept,
            "dropped": found.dropped,
            "quarantined": found.quarantined,
            "notes": found.notes,
        }
        for found in manifests
    ]
