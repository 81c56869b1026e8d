"""How fast and how many at once: token buckets, adaptive concurrency, waits the server wants."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Mapping

_CUT = 0.5
_RESTING = 4  # requests between two attempts, for each that may be under way
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Bucket:
    """A token bucket that lets at most `per_minute` units through, evenly; null lets all through.

    It holds no stock: a burst at the start of a minute is what servers answer with 429.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._per_second = None if per_minute is None else per_minute / 60
        self._free_at = 0.0

    async def wait(self, units: float = 1) -> None:
        """Return when `units` more may leave."""
        if self._per_second is None:
            return
        start = max(time.monotonic(), self._free_at)
        self._free_at = start + units / self._per_second
        await asyncio.sleep(start - time.monotonic())

    def give_back(self, units: float) -> None:
        """Return units that were taken and turned out not to be needed."""
        if self._per_second is not None:
            self._free_at -= units / self._per_second


class Limiter:
    """Concurrency that adapts: one more per round of good replies, half after a sign of overload.

    Additive increase, multiplicative decrease (Chiu and Jain 1989). Differs: it starts at the limit
    the user set, because that is what they asked for, and requests that left before the last cut
    cannot cut again.
    """

    def __init__(self, most: int) -> None:
        """Args: most: requests under way at once, at most."""
        self._most = most
        self._limit = float(most)
        self._in_flight = 0
        self._resting = 0
        self._cut_at = 0.0
        self._paused_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._in_flight

    async def acquire(self) -> None:
        """Return when one more request may leave."""
        while True:
            pause = self._paused_until - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            elif self._in_flight < self.limit:
                self._in_flight += 1
                return
            else:
                turn = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                try:
                    await turn
                except asyncio.CancelledError:
                    if turn.done() and not turn.cancelled():  # called, and gone: the next one
                        self._wake()
                    raise

    async def hold(self) -> None:
        """Wait out a pause of the server, for a request that has its place already."""
        while (pause := self._paused_until - time.monotonic()) > 0:
            await asyncio.sleep(pause)

    async def rest(self, seconds: float) -> None:
        """Wait between two attempts of a request, and let others have its place meanwhile."""
        if self._resting >= _RESTING * self._most:  # nothing but failures: no more of them
            await asyncio.sleep(seconds)
            return
        self._resting += 1
        self.release()
        try:
            await asyncio.sleep(seconds)
            await self.acquire()
        except BaseException:
            self._in_flight += 1  # whoever called still gives its place back
            raise
        finally:
            self._resting -= 1

    def release(self) -> None:
        """One request less is under way."""
        self._in_flight -= 1
        self._wake()

    def succeeded(self) -> None:
        """A good reply came."""
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._wake()

    def overloaded(self, sent_at: float) -> None:
        """A reply said that this is too much.

        Args:
            sent_at: when its request left, on the monotonic clock.
        """
        if sent_at >= self._cut_at:
            self._cut_at = time.monotonic()
            self._limit = max(1.0, self._limit * _CUT)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _wake(self) -> None:
        free = self.limit - self._in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `retry-after` asks for, null where neither does.

    A date instead of a number is read as seconds from now.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            seconds = _until(text)
        if seconds == seconds and seconds >= 0:  # neither NaN nor in the past
            return seconds
    return None


def exhausted_for(headers: Mapping[str, str], *, tokens: int) -> float | None:
    """Return how long a server's own count says that nothing more may come, null where it may.

    Args:
        headers: `x-ratelimit-remaining-{requests,tokens}` and `x-ratelimit-reset-...`, as OpenAI
            sends them (`1s`, `6m0s`, `120ms`, or plain seconds).
        tokens: that a request is expected to take.
    """
    waits = []
    for unit, needed in (("requests", 1), ("tokens", tokens)):
        try:
            left = int(headers.get(f"x-ratelimit-remaining-{unit}", ""))
        except ValueError:
            continue
        reset = _duration(headers.get(f"x-ratelimit-reset-{unit}", ""))
        if left < needed and reset is not None:
            waits.append(reset)
    return max(waits, default=None)


def _duration(text: str) -> float | None:
    found = _DURATION.findall(text)
    if found:
        return sum(float(number) * _SECONDS[unit] for number, unit in found)
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _until(text: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return -1.0
