"""Sends one attempt through the openai client and says how it ended."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flows.teachers.pace import exhausted_for, retry_after
from flows.teachers.replies import Usage
from schemas.records import Endpoint

if TYPE_CHECKING:  # the client takes a second to import; `feingold --help` has 0.4 s
    import httpx2
    import openai

_RETRIED = frozenset({408, 409, 429})
# Signs that fewer requests at once would do better: too many requests, unavailable, overloaded.
_OVERLOAD = frozenset({429, 503, 529})
_KEY_MARK = "[key removed]"
_COUNTS = b"x-ratelimit-"
_SHORTEST_KEY = 8  # what is shorter stands for "no key" and may be a word of the answer
_NO_CREDIT = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where requests go. The key is never printed."""

    base_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt brought.

    Attributes:
        status: HTTP status; 0 where no reply came.
        kind: class of the error, such as `http_429`, `timeout`, `unparsable`; "" where it is good.
        error: one line; "" where the reply is good.
        body: as it came, without the key should a server have echoed it.
        usage: billed tokens, null where the server does not say.
        wait_seconds: how long the server asks to wait; null where it does not.
        seconds: duration of the attempt.
        is_passing_fault: whether asking again may help.
        is_lost: whether it was sent and no reply came; the provider may bill it.
        is_overload: whether fewer requests at once would do better.
    """

    status: int
    kind: str = ""
    error: str = ""
    body: str = ""
    usage: Usage | None = None
    wait_seconds: float | None = None
    seconds: float = 0.0
    is_passing_fault: bool = False
    is_lost: bool = False
    is_overload: bool = False

    @property
    def is_rate_limit(self) -> bool:
        """Whether the request as such is fine and only came too early."""
        return self.status == 429 and self.is_passing_fault

    def billed(self, at_worst: int) -> Usage:
        """Tokens that count as spent, in this run and the next.

        Args:
            at_worst: what counts where the server does not say.
        """
        return self.usage or Usage(0, at_worst)


class Sender:
    """The openai client of one teacher."""

    def __init__(self, connection: Connection, *, timeout_seconds: float, most: int) -> None:
        """Prepare the client; nothing is sent.

        Args:
            connection: where to.
            timeout_seconds: for one attempt as a whole.
            most: requests under way at once.
        """
        import httpx2
        import openai

        self._urls: dict[str, httpx2.URL] = {}
        self._base_url = connection.base_url
        self._key = connection.api_key
        self._timeout = timeout_seconds
        # The aiohttp transport takes half the CPU time of the default one.
        self._http = openai.DefaultAioHttpClient(
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
            timeout=timeout_seconds,
            # Reading the system's certificates takes longer than a hundred requests.
            verify=not connection.base_url.startswith("http://"),
        )
        self._client = openai.AsyncOpenAI(
            base_url=connection.base_url,
            api_key=connection.api_key,
            max_retries=0,  # retried in one layer only, and that is `client.py`
            timeout=timeout_seconds,
            http_client=self._http,
        )
        found = {**self._client.default_headers, **self._client.auth_headers}
        self._headers = [
            (name.encode("ascii"), value.encode("ascii", "replace"))
            for name, value in found.items()
            # The rest tells OpenAI which system and Python we run.
            if isinstance(value, str) and not name.lower().startswith("x-stainless")
        ]

    @property
    def client(self) -> "openai.AsyncOpenAI":
        """The client itself, for endpoints other than completions."""
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def send(self, endpoint: Endpoint, text: str, *, tokens: int) -> Outcome:
        """Make one attempt; never raises for what the server or the network does.

        Args:
            endpoint: path below the base URL.
            text: body of the request, JSON.
            tokens: that the next request is expected to take, to read the server's own count.
        """
        import aiohttp
        import httpx2

        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                # Sent by the client's own HTTP client, with its headers: to build each request anew
                # in the layers above would double the CPU time, see benchmarks/teacher.
                content = text.encode("utf-8", "replace")
                url = self._urls.get(endpoint) or self._url(endpoint)
                request = httpx2.Request("POST", url, headers=self._headers, content=content)
                reply = await self._http.send(request)
        except TimeoutError:
            found = _lost("timeout", f"no reply within {self._timeout:g} s")
        # The transport lets some of aiohttp's errors through as they are.
        except (httpx2.HTTPError, aiohttp.ClientError) as error:
            found = self._unconnected(error)
        else:
            found = self._judge(reply, tokens)
        return replace(found, seconds=time.monotonic() - started)

    def _url(self, endpoint: Endpoint) -> "httpx2.URL":
        import httpx2

        return self._urls.setdefault(endpoint, httpx2.URL(f"{self._base_url}/{endpoint}"))

    def _judge(self, reply: "httpx2.Response", tokens: int) -> Outcome:
        text = self.clean(reply.text)
        if not reply.is_success:
            return refusal(reply.status_code, text, wait_seconds=retry_after(reply.headers))
        found = judge_body(text)
        if any(name.startswith(_COUNTS) for name, _ in reply.headers.raw):
            found = replace(found, wait_seconds=exhausted_for(reply.headers, tokens=tokens))
        return found

    def clean(self, text: str) -> str:
        """Take our key out of what a server may have echoed."""
        if len(self._key) < _SHORTEST_KEY or self._key not in text:
            return text
        return text.replace(self._key, _KEY_MARK)

    def _unconnected(self, error: Exception) -> Outcome:
        import aiohttp

        # The transport calls every broken connection a timeout; what is below it knows better.
        chain = list(_causes(error))
        cause = next((item for item in chain if isinstance(item, aiohttp.ClientError)), chain[-1])
        line = self.clean(_first_line(str(cause)) or type(cause).__name__)
        if isinstance(cause, TimeoutError):
            return _lost("timeout", line)
        unsent = isinstance(cause, aiohttp.ClientConnectorError)
        return replace(_lost("connection", line), is_lost=not unsent)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def refusal(status: int, text: str, *, wait_seconds: float | None = None) -> Outcome:
    """What a reply with an error status means.

    Args:
        status: HTTP status.
        text: its body.
        wait_seconds: how long the server asks to wait.
    """
    may_pass = status in _RETRIED or status >= 500
    return Outcome(
        status,
        kind=f"http_{status}",
        error=f"HTTP {status}: {_first_line(text)}",
        body=text,
        wait_seconds=wait_seconds,
        is_passing_fault=may_pass and not (status == 429 and _NO_CREDIT in text),
        is_overload=status in _OVERLOAD,
    )


def judge_body(text: str) -> Outcome:
    """Tell a reply from a page that only says so (a proxy's HTML, a cut-off body)."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("choices"), list):
        error = f"expected a JSON reply with choices, got {_first_line(text)!r}"
        return Outcome(200, kind="unparsable", error=error, body=text, is_passing_fault=True)
    return Outcome(200, body=text, usage=Usage.read(data))


def _lost(kind: str, line: str) -> Outcome:
    return Outcome(
        0, kind=kind, error=line, is_passing_fault=True, is_lost=True, is_overload=kind == "timeout"
    )


def _first_line(text: str) -> str:
    return " ".join(text.split())[:200]
