"""Decides what a scheduled run does when others of its deployment are late or under way.

A scheduler makes runs ahead. After a week off it finds seven of them late; one does the work of
all, because a refresh takes everything that is new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

#: Name of the state of a run that left its work to another.
SKIPPED: Final = "Skipped"


@dataclass(frozen=True, slots=True)
class Fired:
    """A run of a deployment.

    Attributes:
        id: of the run.
        due: when it was to start.
        started: when it did; None: not yet.
        state: where it stands: waiting, running, ended (done or failed), gone (crashed, cancelled,
            or left to another).
    """

    id: str
    due: datetime
    started: datetime | None
    state: Literal["waiting", "running", "ended", "gone"]


def done_by(own: Fired, others: Sequence[Fired], now: datetime) -> Fired | None:
    """Return the run that did all that was due by now: it started after the last of it.

    A run that failed counts: seventy late runs would fail seventy times. One that was killed does
    not. What others were due for counts as well: the scheduler may have cancelled them in favour
    of `own`.

    Args:
        own: the run that asks.
        others: of the same deployment.
        now: the time.
    """
    others = [other for other in others if other.id != own.id]
    left = [other.due for other in others if other.state in ("waiting", "gone")]
    last = max([own.due, *(due for due in left if due <= now)])
    done = [other for other in others if _covers(other, own, last)]
    return min(done, key=_order, default=None)


def overdue(now: datetime, others: Sequence[Fired]) -> list[Fired]:
    """Return the runs that wait although their time has come: the one that starts does their work.

    Args:
        now: the time.
        others: runs of the same deployment.
    """
    return [other for other in others if other.state == "waiting" and other.due <= now]


def _covers(other: Fired, own: Fired, due: datetime) -> bool:
    if other.started is None or other.started < due:
        return False
    # Of two that start together one must go on.
    return other.state == "ended" or (other.state == "running" and _order(other) < _order(own))


def _order(run: Fired) -> tuple[bool, datetime, str]:
    return (run.started is None, run.started or run.due, run.id)
