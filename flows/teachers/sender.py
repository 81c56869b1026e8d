"""Sends one attempt through the openai client and says how it ended."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.teachers.pace import Pace
from flows.teachers.replies import Usage
from schemas.recipe import TeacherOptions
from schemas.records import Endpoint

if TYPE_CHECKING:  # the client takes a second to import; `feingold --help` has 0.4 s
    import openai

_RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt brought.

    Attributes:
        status: HTTP status; 0 where no reply came.
        error: one line; "" where the reply is good.
        body: as it came.
        usage: billed tokens, null where the server does not say.
        retry_after: seconds the server asks to wait.
        seconds: duration of the attempt.
        is_passing_fault: whether asking again may help.
        is_lost: whether it was sent and no reply came; the provider may bill it.
    """

    status: int
    error: str = ""
    body: str = ""
    usage: Usage | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    is_passing_fault: bool = False
    is_lost: bool = False


class Sender:
    """The openai client with this run's concurrency and pace."""

    def __init__(self, client: "openai.AsyncOpenAI", options: TeacherOptions) -> None:
        self._client = client
        self.slots = asyncio.Semaphore(options.max_in_flight)
        self.settled = asyncio.Event()  # set whenever a reservation of the budget ends
        self._requests = Pace(options.requests_per_minute)
        self._tokens = Pace(options.tokens_per_minute)

    async def send(self, endpoint: Endpoint, body: Mapping[str, Any], tokens: int) -> Outcome:
        """Make one attempt; never raises for what the server or the network does."""
        import httpx2
        import openai

        await self._requests.wait()
        await self._tokens.wait(tokens)
        started = time.monotonic()
        try:
            reply = await self._client.post(
                f"/{endpoint}", body=dict(body), cast_to=httpx2.Response
            )
        except openai.APIStatusError as error:
            status = error.response.status_code
            return Outcome(
                status,
                error=f"HTTP {status}: {_first_line(error.response.text)}",
                body=error.response.text,
                retry_after=_retry_after(error.response.headers),
                seconds=time.monotonic() - started,
                is_passing_fault=status in _RETRIED or status >= 500,
            )
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            line = _first_line(str(cause)) or type(cause).__name__
            unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
            is_lost = not isinstance(cause, unsent)
            return Outcome(0, error=line, is_passing_fault=True, is_lost=is_lost)
        return _judge_body(reply.text, time.monotonic() - started)


def _judge_body(text: str, seconds: float) -> Outcome:
    """Tell a reply from a page that only says so (a proxy's HTML, a cut-off body)."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("choices"), list):
        error = f"expected a JSON reply with choices, got {_first_line(text)!r}"
        return Outcome(200, error=error, body=text, seconds=seconds, is_passing_fault=True)
    return Outcome(200, body=text, usage=Usage.read(data), seconds=seconds)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(str(headers["retry-after"])))
    except (KeyError, ValueError):
        return None


def _first_line(text: str) -> str:
    return " ".join(text.split())[:200]
