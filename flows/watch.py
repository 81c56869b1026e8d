"""Shows generation at work: a bar for people, and Prefect's progress and table artifacts."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

from flows.progress import Bar
from flows.session import Session

_SHOWN_EVERY = 0.5  # seconds
_RECORDED_EVERY = 5.0  # seconds; Prefect takes 30 ms for each


class Counts(Protocol):
    """What has been made so far."""

    accepted: int
    rows_in: int


class Watch:
    """What a generator's requests have come to.

    Attributes:
        total: answers that are expected so far.
        done: answers that came.
    """

    def __init__(self, session: Session, label: str, counts: Counts) -> None:
        self.total = 0
        self.done = 0
        self._session = session
        self._counts = counts
        self._label = label
        self._started = time.monotonic()
        self._bar: Bar = session.progress.start(label, 0)
        counts_before = session.panel.requests
        self._sent, self._replayed = counts_before.sent, counts_before.replayed
        self._cost = session.panel.cost_usd

    def expect(self, number: int) -> None:
        """More answers are on their way."""
        self.total += number
        self._bar.expect(self.total)

    def advance(self) -> None:
        """An answer came."""
        self.done += 1
        self._bar.advance()

    @property
    def figures(self) -> dict[str, float | int | str]:
        """The state as one line of a table; money in US dollars, times in seconds."""
        panel = self._session.panel
        seconds = max(time.monotonic() - self._started, 1e-9)
        sent, cost = panel.requests.sent - self._sent, panel.cost_usd - self._cost
        # What the journal answers takes and costs nothing, so it is no measure of what is to come.
        new = self.done - (panel.requests.replayed - self._replayed)
        to_come = self.total - self.done
        left = to_come * seconds / new if new > 0 else None
        projected = cost + to_come * cost / new if new > 0 else None
        tokens = panel.tokens
        return {
            "generator": self._label,
            "answers": self.done,
            "of": self.total,
            "rows_accepted": self._counts.accepted,
            "requests_per_second": round(sent / seconds, 1),
            "prompt_tokens": tokens.prompt,
            "completion_tokens": tokens.completion,
            "usd_spent": round(panel.cost_usd, 6),
            "usd_projected": ""
            if projected is None
            else round(panel.cost_usd - cost + projected, 4),
            "errors": ", ".join(f"{kind} {n}" for kind, n in panel.errors.most_common()) or "none",
            "in_flight": sum(teacher.limiter.in_flight for teacher in panel.teachers),
            "seconds_left": "" if left is None else round(left),
        }

    @property
    def line(self) -> str:
        """The state for people."""
        found = self.figures
        money = f"US$ {found['usd_spent']:.2f} of {found['usd_projected'] or 0:.2f}, "
        return (
            f"{found['rows_accepted']:,} rows, {found['requests_per_second']} requests/s, "
            f"{found['completion_tokens']:,} tokens, "
            f"{money if found['usd_spent'] else ''}errors: {found['errors']}"
        )

    async def show(self) -> None:
        """Keep the bar and Prefect's progress artifact up to date until cancelled."""
        recorded: UUID | None = None
        at = time.monotonic()
        while True:
            await asyncio.sleep(_SHOWN_EVERY)
            self._bar.tell(self.line)
            if time.monotonic() - at >= _RECORDED_EVERY:
                at = time.monotonic()
                recorded = await self._record_progress(recorded)

    async def finish(self) -> None:
        """Show the last state, and leave it as a table."""
        self._bar.tell(self.line)
        if _is_in_task():
            from prefect.artifacts import acreate_table_artifact

            from flows.artifacts import forgiving

            key = f"{self._session.recipe.name}-{self._label}-requests".replace("_", "-")
            with forgiving():
                await acreate_table_artifact(
                    table=[self.figures], key=key, description="Requests to the teacher"
                )

    async def _record_progress(self, recorded: UUID | None) -> UUID | None:
        if not _is_in_task() or not self.total:
            return None
        from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

        percent = 100 * self.done / self.total
        if recorded is None:
            key = f"{self._session.recipe.name}-{self._label}-progress".replace("_", "-")
            made = await acreate_progress_artifact(percent, key=key, description=self.line)
            return UUID(str(made))
        return UUID(
            str(await aupdate_progress_artifact(recorded, progress=percent, description=self.line))
        )


@asynccontextmanager
async def watch(session: Session, label: str, counts: Counts) -> AsyncIterator[Watch]:
    """Show how far a generator is while the block runs.

    Args:
        session: the run.
        label: name of the generator.
        counts: what it has made so far.
    """
    shown = Watch(session, label, counts)
    showing = asyncio.create_task(shown.show())
    try:
        yield shown
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
    await shown.finish()


def _is_in_task() -> bool:
    """Whether Prefect runs this; without importing it where nobody has."""
    context = sys.modules.get("prefect.context")
    return context is not None and context.TaskRunContext.get() is not None
