"""Pacing of requests: a token bucket per limit."""

import asyncio
import time


class Pace:
    """Lets at most `per_minute` units through in any minute, evenly; null lets all through."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_second = None if per_minute is None else per_minute / 60
        self._free_at = time.monotonic()
        self._lock = asyncio.Lock()

    async def wait(self, units: int = 1) -> None:
        """Return when `units` more may leave."""
        if self._per_second is None:
            return
        async with self._lock:
            now = time.monotonic()
            start = max(now, self._free_at)
            self._free_at = start + units / self._per_second
        await asyncio.sleep(start - now)
