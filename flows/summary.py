"""The summary of a run: for `--json`, for people and for Prefect."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from flows.generate.accounts import per_accepted
from flows.refresh.night import CARRIED, EARLIER
from flows.session import Session
from flows.stages import collect
from flows.store import Store
from quality.funnel import count_by_rule
from schemas.manifest import Published, RequestCounts, StageRef, TeacherRecord, TokenCounts

#: Stages that rows come in by.
MAKERS: Final = ("ingest", "generate", CARRIED, EARLIER)


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
        The JSON object of the command-line contract, and `stages`, `stopped_by`, `is_new`,
        `per_accepted` (see `flows.generate.accounts`).
    """
    _, decisions = collect(session, refs)
    funnel = count_stages(session.store, refs)
    rows_in, dropped, quarantined = count_rows(funnel)
    spent = spending(session)
    seconds = round(time.monotonic() - session.started, 2)
    account = per_accepted(session.store, refs)
    if account is not None:
        account["seconds"] = round(seconds / account["rows"], 2) if account["rows"] else None
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
        "requests": spent.requests.model_dump(),
        "tokens": spent.tokens.model_dump(),
        "cost_usd": spent.cost_usd,
        "errors": spent.errors,
        "down": session.asked_panel.down if session.asked_panel is not None else {},
        "teachers": [
            record.model_dump(include={"model", "base_url", "requests", "tokens", "cost_usd"})
            for record in teacher_records(session)
            if session.asked_panel is not None
        ],
        "per_accepted": account,
        "seconds": seconds,
    }


class Spending(NamedTuple):
    """What a run asked of its teachers, and what that cost."""

    requests: RequestCounts
    tokens: TokenCounts
    cost_usd: float
    errors: dict[str, int]


def spending(session: Session) -> Spending:
    """Add up what a run spent with all its teachers and judges."""
    asked = [] if session.asked_panel is None else [session.asked_panel]
    panels = [*asked, *session.judge_panels]
    counts = [panel.requests for panel in panels]
    tokens = [panel.tokens for panel in panels]
    errors = sum((panel.errors for panel in panels), Counter[str]())
    return Spending(
        RequestCounts(
            sent=sum(count.sent for count in counts),
            replayed=sum(count.replayed for count in counts),
            failed=sum(count.failed for count in counts),
        ),
        TokenCounts(
            prompt=sum(count.prompt for count in tokens),
            completion=sum(count.completion for count in tokens),
        ),
        round(sum((panel.cost_usd for panel in panels), 0.0), 6),
        dict(errors.most_common()),
    )


def teacher_records(session: Session) -> list[TeacherRecord]:
    """Describe the teachers of a run, in the order of the recipe."""
    panel = session.asked_panel
    records = []
    for position, identity in enumerate(session.teacher_identities):
        found: dict[str, Any] = {
            "model": identity.model,
            "base_url": identity.base_url,
            "license": identity.license,
            "weights_sha256": identity.weights_sha256,
            "weights": identity.weights,
        }
        if panel is not None:
            teacher = panel.teachers[position]
            found |= {
                "requests": teacher.requests.model_copy(),
                "tokens": teacher.tokens.model_copy(),
                "cost_usd": round(teacher.cost_usd, 6),
                "errors": dict(teacher.errors.most_common()),
            }
        records.append(TeacherRecord.model_validate(found))
    return records


class RowCounts(NamedTuple):
    """Rows of a whole run: what came in, and what went in any stage."""

    rows_in: int
    dropped: int
    quarantined: int


def count_rows(funnel: Sequence[Mapping[str, Any]]) -> RowCounts:
    """Add up a funnel; rows come in where they are read or made."""
    makers = [stage for stage in funnel if stage["stage"] in MAKERS]
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
