"""Talks to a teacher's /v1/files and /v1/batches; waits out what passes, names what does not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from flows.teachers.batch_files import (
    BadLine,
    BatchResult,
    merge_results,
    read_results,
    unanswered,
)
from flows.teachers.batch_state import Intent
from flows.teachers.batch_status import (
    ENDED,
    METADATA,
    BatchPage,
    BatchStatus,
    one_line,
    parse_json,
)
from flows.teachers.client import Teacher
from flows.teachers.pace import retry_after
from flows.teachers.sender import Outcome, Sender, refusal
from schemas.errors import InputError, RunError

if TYPE_CHECKING:  # the client takes a second to import; `feingold --help` has 0.4 s
    import httpx2

T = TypeVar("T")

_WRONG_KEY = frozenset({401, 403})
_NO_SUCH_PATH = frozenset({404, 405, 501})
_TRANSFER_SECONDS = 900.0  # for a file of 200 MB
_CLOCK_SLACK = 86_400.0  # seconds that our clock and the server's may differ
_LOOKS = 20  # for the files that a batch which ended must still name
_PAGE = 100  # batches in a list


@dataclass(frozen=True, slots=True)
class Ended:
    """A batch that will not change any more.

    Attributes:
        status: `completed`, `failed`, `expired` or `cancelled`.
        outcomes: what became of its requests, by key; those that were not carried out may lack.
        error: why it failed as a whole, "" where it did not.
    """

    status: str
    outcomes: dict[str, Outcome]
    error: str = ""

    def outcome(self, key: str) -> Outcome:
        """What became of the request with this key."""
        kind = "batch_incomplete" if self.status == "completed" else f"batch_{self.status}"
        missing = unanswered(kind, f"not carried out: its batch is {self.status}")
        return self.outcomes.get(key, missing)


class _PassingError(Exception):
    """Asking again may help."""

    def __init__(self, line: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(line)
        self.wait_seconds = wait_seconds


class BatchApi:
    """The batch endpoints of one teacher."""

    first_pause: ClassVar[float] = 1.0  # seconds between two looks at a batch, growing
    last_pause: ClassVar[float] = 60.0
    patience: ClassVar[float] = 3600.0  # seconds of nothing but failures before it counts as down

    def __init__(self, teacher: Teacher) -> None:
        """Args: teacher: whose client and patience are used."""
        self._teacher = teacher
        self._max_attempts = teacher.options.max_attempts
        self._was_reached = False

    async def upload(self, name: str, data: bytes) -> str:
        """Upload the requests of a batch; return the file's id."""

        async def send(sender: Sender) -> str:
            file = await sender.client.files.create(
                file=(f"feingold-{name}.jsonl", data), purpose="batch", timeout=_TRANSFER_SECONDS
            )
            file_id: object = getattr(file, "id", None)
            if not isinstance(file_id, str):
                _raise_unexpected("a file with an id", str(file))
            return file_id

        return await self._call(send)

    async def create(self, intent: Intent, endpoint: str, file_id: str) -> str:
        """Hand a file in as a batch, once; return the batch's id."""
        body = {
            "input_file_id": file_id,
            "endpoint": f"/v1/{endpoint}",
            "completion_window": "24h",
            "metadata": {METADATA: intent.id},
        }

        async def send(sender: Sender) -> str:
            reply = await sender.client.post("/batches", body=body, cast_to=_raw_reply())
            return _read_batch(sender, reply).id

        # When no answer came, the batch may exist all the same.
        return await self._call(send, is_done=lambda: self.find(intent))

    async def find(self, intent: Intent) -> str | None:
        """Return the id of the batch of an intent, null where the server knows none."""
        after: str | None = None
        while True:  # from page to page
            page = await self._page(after)
            for batch in page.batches:
                if batch.intent == intent.id:
                    return batch.id
            last = page.batches[-1] if page.batches else None
            if last is None or not page.has_more or last.id == after:
                return None
            is_newest_first = page.batches[0].created >= last.created
            if is_newest_first and page.batches[0].created < intent.created - _CLOCK_SLACK:
                return None
            after = last.id

    async def _page(self, after: str | None) -> BatchPage:
        wanted: dict[str, Any] = {"limit": _PAGE} | ({} if after is None else {"after": after})

        async def look(sender: Sender) -> BatchPage:
            reply = await sender.client.get(
                "/batches", options={"params": wanted}, cast_to=_raw_reply()
            )
            page = BatchPage.read(parse_json(reply.text))
            if page is None:
                _raise_unexpected("a list of batches", sender.clean(reply.text))
            return page

        return await self._call(look)

    async def see_end(self, batch_id: str) -> Ended:
        """Wait until a batch ends and fetch its results.

        Args:
            batch_id: from `create` or `find`.
        """

        async def look(sender: Sender) -> BatchStatus:
            reply = await sender.client.get(f"/batches/{batch_id}", cast_to=_raw_reply())
            return _read_batch(sender, reply)

        pauses, looks = self._pauses(), 0
        while True:
            batch = await self._call(look, batch_id)
            if batch.status in ENDED:
                if not batch.lacks_file:
                    return Ended(batch.status, await self._outcomes(batch), batch.error)
                looks += 1
                if looks > _LOOKS:
                    self._raise_gone(batch_id, "no file with its results")
            await asyncio.sleep(next(pauses))

    async def _outcomes(self, batch: BatchStatus) -> dict[str, Outcome]:
        """Download what a batch brought; a partial one brings part of it."""
        found: list[BatchResult | BadLine] = []
        for file_id in batch.files:
            found += await self._download(file_id, batch.id)
        return merge_results(found)

    async def _download(self, file_id: str, batch_id: str) -> list[BatchResult | BadLine]:
        tries = 0

        async def fetch(sender: Sender) -> list[BatchResult | BadLine]:
            nonlocal tries
            tries += 1
            file = await sender.client.files.content(file_id, timeout=_TRANSFER_SECONDS)
            found = await asyncio.to_thread(_read_lines, file.content, sender)
            bad = [line for line in found if isinstance(line, BadLine)]
            # What a cut-off line held is paid for: rather fetch it again than ask it again.
            if bad and (len(bad) == len(found) or tries < self._max_attempts):
                msg = f"{bad[0].error} in line {bad[0].line} of {file_id}"
                raise _PassingError(msg)
            return found

        return await self._call(fetch, batch_id)

    async def _call(
        self,
        call: Callable[[Sender], Awaitable[T]],
        batch_id: str | None = None,
        *,
        is_done: Callable[[], Awaitable[T | None]] | None = None,
    ) -> T:
        """Call until it succeeds or fails for good.

        Args:
            call: what to do.
            batch_id: batch that it is about, null where it is about none yet.
            is_done: looks after a failure whether it was done all the same.

        Raises:
            InputError: the teacher refused the key, or has no batches.
            RunError: it refused the call, or is down.
        """
        pauses, tries, since = self._pauses(), 0, time.monotonic()
        while True:
            try:
                result = await self._try(call, batch_id)
            except _PassingError as error:
                tries += 1
                failing = time.monotonic() - since
                if failing > self.patience if self._was_reached else tries >= self._max_attempts:
                    self._raise_down(error)
                await asyncio.sleep(max(next(pauses), error.wait_seconds))
                done = await is_done() if is_done is not None else None
                if done is not None:
                    return done
            else:
                self._was_reached = True
                return result

    async def _try(self, call: Callable[[Sender], Awaitable[T]], batch_id: str | None) -> T:
        import httpx2
        import openai

        sender = await self._teacher.sender()
        try:
            return await call(sender)
        except openai.APIStatusError as error:
            status = error.response.status_code
            wait = retry_after(error.response.headers)
            outcome = refusal(status, sender.clean(error.response.text), wait_seconds=wait)
            self._was_reached = True
            if outcome.is_passing_fault:
                raise _PassingError(outcome.error, wait_seconds=wait or 0.0) from error
            self._raise_refused(outcome, batch_id)
        except (openai.APIError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            line = sender.clean(one_line(str(cause)))
            raise _PassingError(line or type(cause).__name__) from error

    def _pauses(self) -> Iterator[float]:
        pause = self.first_pause
        while True:
            yield pause
            pause = min(pause * 1.5, self.last_pause)

    def _raise_refused(self, outcome: Outcome, batch_id: str | None) -> NoReturn:
        identity, options = self._teacher.identity, self._teacher.options
        if outcome.status in _WRONG_KEY:
            msg = (
                f"expected a valid key in ${options.api_key_env}, got HTTP {outcome.status} from "
                f"{identity}: set the variable to a key of that teacher"
            )
            raise InputError(msg)
        if outcome.status in _NO_SUCH_PATH and batch_id is not None:
            self._raise_gone(batch_id, f"HTTP {outcome.status}")
        if outcome.status in _NO_SUCH_PATH:
            msg = (
                f"expected /v1/files and /v1/batches at {identity.base_url}, got HTTP "
                f"{outcome.status}: set teacher.mode to online, or use `feingold batch write`"
            )
            raise InputError(msg)
        msg = (
            f"expected {identity} to take a batch, got {outcome.error!r}: correct that, then run "
            "the same command again; what was answered is kept"
        )
        raise RunError(msg)

    def _raise_gone(self, batch_id: str, got: str) -> NoReturn:
        variable = self._teacher.options.api_key_env
        msg = (
            f"expected the results of {batch_id} at {self._teacher.identity.base_url}, got {got}: "
            f"set ${variable} to the key it was handed in with, or delete batches.sqlite in the "
            "home to ask, and pay, again"
        )
        raise RunError(msg)

    def _raise_down(self, error: _PassingError) -> NoReturn:
        msg = (
            f"expected answers, got {str(error)!r} from {self._teacher.identity}: start or check "
            "the teacher, then run the same command again; batches under way go on meanwhile"
        )
        raise RunError(msg) from error


def _raw_reply() -> "type[httpx2.Response]":
    """The client's own models would take a proxy's page for a batch."""
    import httpx2

    return httpx2.Response


def _read_batch(sender: Sender, reply: "httpx2.Response") -> BatchStatus:
    text = sender.clean(reply.text)
    batch = BatchStatus.read(parse_json(text))
    if batch is None:
        _raise_unexpected("a batch", text)
    return batch


def _raise_unexpected(wanted: str, got: str) -> NoReturn:
    msg = f"expected {wanted}, got {one_line(got)!r}"
    raise _PassingError(msg)


def _read_lines(data: bytes, sender: Sender) -> list[BatchResult | BadLine]:
    return list(read_results(data.split(b"\n"), clean=sender.clean))
