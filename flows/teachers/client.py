"""Asks a teacher: journal first, budget before sending, retries in this one layer only."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from flows.journal import Journal, JournalEntry, canonical_body, request_key
from flows.teachers.budget import Budget, Spend
from flows.teachers.replies import Usage, read_reply
from flows.teachers.sender import Outcome, Sender
from schemas.errors import BudgetError, FeingoldError, InputError, RunError
from schemas.manifest import RequestCounts, TokenCounts
from schemas.recipe import Price, TeacherOptions
from schemas.records import TeacherReply, TeacherRequest

_WRONG_KEY = frozenset({401, 403})
_BREAKER = 20  # failures in a row after which a teacher counts as down
_CHAT_OVERHEAD = 64  # tokens that a chat template adds at most to a short conversation
_LONGEST_WAIT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Connection:
    """Where requests go. The key is never printed."""

    base_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TeacherIdentity:
    """Who is asked, known before anything is started.

    Attributes:
        base_url: endpoint, or `embedded:<hash of the weights>`; part of the journal key.
        model: model name as the server knows it.
        license: licence or terms of what it writes.
        weights_sha256: hash of local weights.
        is_embedded: whether feingold starts the server itself.
    """

    base_url: str
    model: str
    license: str | None = None
    weights_sha256: str | None = None
    is_embedded: bool = False


class Teacher:
    """One teacher with its journal, budget and counters."""

    def __init__(
        self,
        identity: TeacherIdentity,
        options: TeacherOptions,
        *,
        connect: Callable[[], Connection],
        journal: Journal,
        budget: Budget,
        offline: bool = False,
    ) -> None:
        """Prepare; nothing is sent or started yet.

        Args:
            identity: who is asked.
            options: limits, price and sampling defaults of the recipe.
            connect: starts what must run and returns where it listens; called before the first
                request that the journal cannot answer.
            journal: where replies are kept.
            budget: what may be spent.
            offline: replay only.
        """
        self.identity = identity
        self.options = options
        self.requests = RequestCounts()
        self.tokens = TokenCounts()
        self.cost_usd = 0.0
        self.had_passing_fault = False
        self._connect = connect
        self._journal = journal
        self._budget = budget
        self._offline = offline
        self._failures_in_a_row = 0
        self._was_reached = False
        self._answered: set[str] = set()
        self._stop: FeingoldError | None = None

    async def ask_all(
        self, requests: Sequence[TeacherRequest], *, on_reply: Callable[[], None] | None = None
    ) -> list[TeacherReply]:
        """Ask many questions at once; replies come in the order of the questions.

        When a fault stops the run, requests under way are still awaited and journaled: they are
        paid for.

        Args:
            requests: the questions.
            on_reply: called after each reply, for progress.

        Raises:
            InputError: the teacher refused the key, or does not know the model.
            RunError: the teacher is down, or `offline` and a reply is not in the journal.
            BudgetError: the next request could exceed the budget.
        """
        replies: list[TeacherReply | None] = [self._replay(request) for request in requests]
        if on_reply is not None:
            for reply in replies:
                if reply is not None:
                    on_reply()
        missing = [position for position, reply in enumerate(replies) if reply is None]
        if missing and self._offline:
            msg = (
                f"expected all {len(requests)} replies of this step in the journal, got "
                f"{len(requests) - len(missing)} in {self._journal.path}: run without --offline"
            )
            raise RunError(msg)
        if missing:
            async with self._client() as client:
                await asyncio.gather(
                    *(
                        self._fill(replies, position, requests[position], client, on_reply)
                        for position in missing
                    )
                )
        if self._stop is not None:
            raise self._stop
        return [reply for reply in replies if reply is not None]

    def _body(self, request: TeacherRequest) -> dict[str, Any]:
        """Add the model, and name the token limit as this server wants it."""
        body = {"model": self.identity.model, **request.body}
        if "max_tokens" in body and self.options.token_field != "max_tokens":  # noqa: S105
            body[self.options.token_field] = body.pop("max_tokens")
        return body

    def _key(self, request: TeacherRequest) -> str:
        body = self._body(request)
        return request_key(self.identity.base_url, request.endpoint, body, request.sample)

    def _replay(self, request: TeacherRequest) -> TeacherReply | None:
        """Answer from the journal; a stored failure counts only offline."""
        entry = self._journal.get(self._key(request))
        if entry is None or (entry.status != 200 and not self._offline):
            return None
        if entry.key not in self._answered:  # later rounds read the earlier ones again
            self._answered.add(entry.key)
            self.requests.replayed += 1
            # A budget is for the dataset, not for one attempt at it: else each start after a stop
            # would spend it once more.
            tokens = entry.prompt_tokens + entry.completion_tokens
            self._budget.count(Spend(usd=entry.cost_usd, requests=1, tokens=tokens))
        return read_reply(entry.key, entry.status, entry.body, replayed=True)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Sender]:
        import openai

        connection = await asyncio.to_thread(self._connect)
        client = openai.AsyncOpenAI(
            base_url=connection.base_url,
            api_key=connection.api_key,
            max_retries=0,  # retried here, and only here
            timeout=self.options.timeout_seconds,
        )
        async with client:
            yield Sender(client, self.options)

    async def _fill(
        self,
        replies: list[TeacherReply | None],
        position: int,
        request: TeacherRequest,
        client: Sender,
        on_reply: Callable[[], None] | None,
    ) -> None:
        async with client.slots:
            if self._stop is not None:
                return
            try:
                replies[position] = await self._ask(request, client)
            except FeingoldError as error:
                self._stop = self._stop or error
                return
        if on_reply is not None:
            on_reply()

    async def _ask(self, request: TeacherRequest, client: Sender) -> TeacherReply:
        """Send one request until it is answered or fails for good."""
        body = self._body(request)
        key = self._key(request)
        worst = _worst_case(body, self._price())
        outcome = Outcome(0, "no attempt was made")
        for attempt in range(self.options.max_attempts):
            if self._stop is not None:
                break
            await self._reserve(worst, client)
            true = worst
            try:
                self.requests.sent += 1
                outcome = await client.send(request.endpoint, body, worst.tokens)
                true = _true_cost(outcome, worst, self._price())
            finally:
                self._budget.settle(worst, true)
                client.settled.set()
            if not outcome.is_passing_fault:
                break
            if attempt + 1 < self.options.max_attempts:
                await asyncio.sleep(_wait_seconds(attempt, outcome.retry_after))
        return self._record(key, request, body, outcome, true)

    async def _reserve(self, worst: Spend, client: Sender) -> None:
        """Set the worst case aside; requests under way may yet free enough for it.

        Raises:
            BudgetError: if it does not fit and nothing is under way.
        """
        while True:
            try:
                return self._budget.reserve(worst)
            except BudgetError as error:
                if self._stop is not None or not self._budget.reserved.requests:
                    raise self._stop or error from None
            client.settled.clear()
            await client.settled.wait()

    def _record(
        self,
        key: str,
        request: TeacherRequest,
        body: Mapping[str, Any],
        outcome: Outcome,
        true: Spend,
    ) -> TeacherReply:
        """Journal what came back, and decide whether the run goes on."""
        self._stop_if_down(outcome)
        if outcome.is_passing_fault:
            self.requests.failed += 1
            self.had_passing_fault = True
            return TeacherReply(key=key, error=outcome.error, raw=outcome.body)
        usage = outcome.usage or Usage(0, 0)
        self._answered.add(key)
        self._journal.put(
            JournalEntry(
                key=key,
                base_url=self.identity.base_url,
                endpoint=request.endpoint,
                model=self.identity.model,
                sample=request.sample,
                request=canonical_body(body),
                status=outcome.status,
                body=outcome.body,
                prompt_tokens=usage.prompt,
                completion_tokens=usage.completion,
                cost_usd=true.usd,
                seconds=round(outcome.seconds, 3),
            )
        )
        self.tokens.prompt += usage.prompt
        self.tokens.completion += usage.completion
        self.cost_usd += true.usd
        self.requests.failed += outcome.status != 200
        return read_reply(key, outcome.status, outcome.body, replayed=False)

    def _stop_if_down(self, outcome: Outcome) -> None:
        """Raise where going on would only repeat the same failure."""
        where = f"{self.identity.model} at {self.identity.base_url}"
        self._was_reached = self._was_reached or outcome.status != 0
        if outcome.status in _WRONG_KEY:
            msg = (
                f"expected a valid key in ${self.options.api_key_env}, got HTTP {outcome.status} "
                f"from {where}: set the variable to a key of that teacher"
            )
            raise InputError(msg)
        if outcome.status == 404:
            msg = (
                f"expected a teacher, got HTTP 404 for {where}: check teacher.base_url (it "
                "usually ends in /v1) and teacher.model"
            )
            raise InputError(msg)
        if outcome.status == 200:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if not self._was_reached or self._failures_in_a_row >= _BREAKER:
            msg = (
                f"expected answers, got {outcome.error!r} from {where} "
                f"({self._failures_in_a_row} failures in a row): start or check the teacher, then "
                "run the same command again; what was answered is kept"
            )
            raise RunError(msg)

    def _price(self) -> Price:
        return self.options.price_per_million or Price(prompt=0, completion=0)


def _worst_case(body: Mapping[str, Any], price: Price) -> Spend:
    """Upper bound of what a request can cost.

    A byte-level tokenizer never makes more tokens than there are bytes.
    """
    text = body.get("prompt") or json.dumps(body.get("messages", []), ensure_ascii=False)
    prompt = len(str(text).encode("utf-8", "replace")) + _CHAT_OVERHEAD
    limit = body.get("max_tokens", body.get("max_completion_tokens", 0))
    usd = (prompt * price.prompt + limit * price.completion) / 1e6
    return Spend(usd=usd, requests=1, tokens=prompt + limit)


def _true_cost(outcome: Outcome, worst: Spend, price: Price) -> Spend:
    """Cost of an attempt; where the server does not say, the worst case."""
    if outcome.is_lost or (outcome.status == 200 and outcome.usage is None):
        return worst
    if outcome.status != 200 or outcome.usage is None:
        return Spend(requests=1)
    usage = outcome.usage
    usd = (usage.prompt * price.prompt + usage.completion * price.completion) / 1e6
    return Spend(usd=usd, requests=1, tokens=usage.prompt + usage.completion)


def _wait_seconds(attempt: int, retry_after: float | None) -> float:
    """Jittered exponential backoff, or what the server asks for."""
    if retry_after is not None:
        return min(retry_after, _LONGEST_WAIT)
    return min(0.5 * float(2**attempt), _LONGEST_WAIT) * random.uniform(0.5, 1.0)
