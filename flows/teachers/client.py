"""Asks one teacher one thing: pace, budget before sending, retries in this one layer only."""

import asyncio
import random
import time
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flows.journal import Journal, JournalEntry, Loss, canonical_body, text_key
from flows.teachers.budget import Budget, Meter, Purse, Spend
from flows.teachers.pace import Bucket, Limiter
from flows.teachers.replies import read_reply
from flows.teachers.sender import Connection, Outcome, Sender
from flows.teachers.servers import Server, wire_body
from schemas.errors import InputError, RunError
from schemas.manifest import LocalWeights, RequestCounts, TokenCounts
from schemas.recipe import BudgetOptions, TeacherOptions
from schemas.records import Endpoint, TeacherReply, TeacherRequest

_BREAKER = 20  # requests in a row that failed for good, after which a teacher counts as down
BATCH_DISCOUNT = 0.5  # what hosts with batches ask for them, where the list does not say
_LONGEST_WAIT = 60.0  # seconds between two attempts, unless the server asks for more
_LONGEST_PAUSE = 900.0  # seconds; a server that asks for more is not worth waiting for
_PATIENCE = 60.0  # seconds without a good reply after which nothing but 429 counts as down


@dataclass(frozen=True, slots=True)
class TeacherIdentity:
    """Who is asked, known before anything is started.

    Attributes:
        base_url: endpoint, or `embedded:` or `gguf:` and the hash of the weights; part of the
            journal key.
        model: model name as the server knows it.
        license: licence or terms of what it writes.
        weights_sha256: hash of local weights.
        is_embedded: whether it is the model that feingold brings along.
        weights: what is known of local weights; null where somebody else serves them.
    """

    base_url: str
    model: str
    license: str | None = None
    weights_sha256: str | None = None
    is_embedded: bool = False
    weights: LocalWeights | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.model} at {self.base_url}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as one teacher gets it.

    Attributes:
        request: what is asked.
        body: as it is sent.
        text: the same as JSON.
        key: of the journal.
    """

    request: TeacherRequest
    body: dict[str, Any]
    text: str
    key: str


class Teacher:
    """One endpoint with its limits, counters and journal."""

    def __init__(  # noqa: PLR0913 - what a teacher is made of; `make_teacher` puts it together
        self,
        identity: TeacherIdentity,
        options: TeacherOptions,
        server: Server,
        *,
        connect: Callable[[], Connection],
        journal: Journal,
        purse: Purse,
        meter: Meter,
        batch_meter: Meter | None = None,
        budget: Budget | None = None,
        dataset: str = "",
        position: int = 0,
    ) -> None:
        """Prepare; nothing is sent or started yet.

        Args:
            identity: who is asked.
            options: limits and sampling defaults of the recipe.
            server: what its requests have to look like.
            connect: starts what must run and returns where it listens; called before the first
                request that the journal cannot answer.
            journal: where replies are kept.
            purse: the budgets that its requests have to fit into.
            meter: what they cost.
            batch_meter: what they cost in a batch; null: half.
            budget: the one in the purse that is this teacher's alone; null: a limitless one.
            dataset: whose budget pays.
            position: in the recipe's list of teachers.
        """
        self.identity = identity
        self.options = options
        self.position = position
        self.meter = meter
        self.budget = budget or Budget(BudgetOptions())
        self.batch_meter = batch_meter or meter.at(BATCH_DISCOUNT)
        self.purse = purse
        self.limiter = Limiter(options.max_in_flight)
        self.requests = RequestCounts()
        self.tokens = TokenCounts()
        self.cost_usd = 0.0
        self.errors: Counter[str] = Counter()
        #: Tasks whose request has left and is not booked yet: they must not be cancelled.
        self.paying: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._server = server
        self._connect = connect
        self.journal = journal
        self.dataset = dataset
        self._requests_bucket = Bucket(options.requests_per_minute)
        self._tokens_bucket = Bucket(options.tokens_per_minute)
        #: Takes every request that leaves and its worst case, where a budget has to survive us.
        self.note_sent: Callable[[Loss], None] | None = None
        self._sender: Sender | None = None
        self._opening = asyncio.Lock()
        self._failures_in_a_row = 0
        self._was_reached = False
        self._was_good = False
        self._good_at = 0.0
        self._longest_wait = 0.0

    def prepare(self, request: TeacherRequest) -> Asked:
        """Say what would be sent, and under which key its reply is kept."""
        body = wire_body(
            request.body,
            model=self.identity.model,
            server=self._server,
            token_field=self.options.token_field,
            schema=request.json_schema,
        )
        text = canonical_body(body)
        key = text_key(self.identity.base_url, request.endpoint, text, request.sample)
        return Asked(request, body, text, key)

    async def sender(self) -> Sender:
        """The open client; what must run for it is started at the first call."""
        async with self._opening:
            if self._sender is None:
                connection = await asyncio.to_thread(self._connect)
                self._sender = Sender(
                    connection,
                    timeout_seconds=self.options.timeout_seconds,
                    most=self.options.max_in_flight,
                )
                self._good_at = time.monotonic()
        return self._sender

    async def close(self) -> None:
        """Close the connections; the next request opens them again."""
        if self._sender is not None:
            await self._sender.close()
        self._sender = None
        self._opening = asyncio.Lock()  # the next requests may come from another event loop

    async def answer(self, asked: Asked, *, may_go_on: Callable[[], bool]) -> TeacherReply:
        """Send one request until it is answered or fails for good; the reply is journaled.

        Args:
            asked: from `prepare`.
            may_go_on: asked before every further attempt.

        Raises:
            InputError: the teacher refused the key, or does not know the model.
            RunError: the teacher is down.
            BudgetError: the next request could exceed a budget.
        """
        sender = await self.sender()
        worst = self.meter.worst(asked.body, asked.text)
        failures = attempt = 0
        while True:
            outcome, true = await self._attempt(sender, asked, worst, may_go_on)
            attempt += 1
            if not outcome.is_passing_fault:
                break
            await self._note_loss(asked, outcome, true)
            if outcome.is_rate_limit:
                self._stop_if_only_limits(outcome)
            else:
                failures += 1
            if failures >= self.options.max_attempts or not may_go_on():
                break
            if (outcome.wait_seconds or 0.0) > _LONGEST_PAUSE:
                break
            self.paying.discard(_this_task())
            await self.limiter.rest(_wait_seconds(attempt - 1, outcome.wait_seconds))
        return await self.record(asked, outcome, true)

    async def _attempt(
        self, sender: Sender, asked: Asked, worst: Spend, may_go_on: Callable[[], bool]
    ) -> tuple[Outcome, Spend]:
        """Make one attempt, with its worst case reserved and its true cost settled."""
        await self.purse.reserve(worst)
        true = Spend()
        try:
            await self._requests_bucket.wait()
            await self._tokens_bucket.wait(worst.tokens)
            await self.limiter.hold()
            if not may_go_on():
                msg = "the run stopped before this request was sent"
                raise RunError(msg)
            true = worst  # from here on it may be billed, whatever becomes of us
            self.paying.add(_this_task())
            if self.note_sent is not None:
                self.note_sent(self._loss(asked, worst, ""))
            self.requests.sent += 1
            sent_at = time.monotonic()
            typical = (self.tokens.prompt + self.tokens.completion) // self.requests.sent
            outcome = await sender.send(asked.request.endpoint, asked.text, tokens=typical)
            true = self._true_cost(outcome, worst)
        except asyncio.CancelledError:
            if true.requests:
                self.journal.put(self._loss(asked, worst, "the run was interrupted"))
            raise
        finally:
            self.purse.settle(worst, true)
        self._tokens_bucket.give_back(worst.tokens - true.tokens)
        if outcome.is_overload:
            self.limiter.overloaded(sent_at)
        elif not outcome.kind:
            self.limiter.succeeded()
        if outcome.wait_seconds is not None and outcome.wait_seconds <= _LONGEST_PAUSE:
            self.limiter.pause(outcome.wait_seconds)
        return outcome, true

    def _true_cost(self, outcome: Outcome, worst: Spend) -> Spend:
        """Cost of an attempt; where the server does not say, the worst case."""
        if outcome.is_lost or (outcome.status == 200 and outcome.usage is None):
            return worst
        if outcome.status != 200 or outcome.usage is None:
            return Spend(requests=1)
        true = self.meter.spend(outcome.usage.prompt, outcome.usage.completion)
        self.meter.learn(worst, true)
        return true

    async def record(self, asked: Asked, outcome: Outcome, true: Spend) -> TeacherReply:
        """Journal what came back for good, and decide whether this teacher goes on.

        Args:
            asked: from `prepare`.
            outcome: of the last attempt.
            true: what it cost.

        Raises:
            InputError: the teacher refused the key, or does not know the model.
            RunError: the teacher is down, or the journal cannot be written.
        """
        if outcome.kind:
            self.errors[outcome.kind] += not outcome.is_passing_fault  # the others: see _note_loss
            self.requests.failed += 1
            self._stop_if_down(outcome, asked.request.endpoint)
        else:
            self._was_reached = self._was_good = True
            self._failures_in_a_row = 0
            self._good_at = time.monotonic()
        if outcome.is_passing_fault:
            return TeacherReply(
                asked.key, teacher=self.position, error=outcome.error, raw=outcome.body
            )
        usage = outcome.usage
        if usage is not None:
            self.tokens.prompt += usage.prompt
            self.tokens.completion += usage.completion
        await self.journal.put_soon(self._entry(asked, outcome, true))
        self.cost_usd += true.usd
        return self.read(asked.key, outcome.status, outcome.body, replayed=False)

    def read(self, key: str, status: int, body: str, *, replayed: bool) -> TeacherReply:
        """Turn a stored or fresh body into a reply of this teacher."""
        return read_reply(key, status, body, replayed=replayed, teacher=self.position)

    def replay(self, entry: JournalEntry) -> TeacherReply:
        """Answer from the journal, and count that."""
        self.requests.replayed += 1
        return self.read(entry.key, entry.status, entry.body, replayed=True)

    def _entry(self, asked: Asked, outcome: Outcome, true: Spend) -> JournalEntry:
        billed = outcome.billed(true.tokens)
        return JournalEntry(
            key=asked.key,
            base_url=self.identity.base_url,
            endpoint=asked.request.endpoint,
            model=self.identity.model,
            sample=asked.request.sample,
            request=asked.text,
            status=outcome.status,
            body=outcome.body,
            prompt_tokens=billed.prompt,
            completion_tokens=billed.completion,
            cost_usd=true.usd,
            seconds=round(outcome.seconds, 3),
            dataset=self.dataset,
        )

    async def _note_loss(self, asked: Asked, outcome: Outcome, true: Spend) -> None:
        """Remember an attempt that cost something and brought nothing, for the next run."""
        self.errors[outcome.kind] += 1
        self.cost_usd += true.usd
        await self.journal.put_soon(self._loss(asked, true, outcome.error))

    def _loss(self, asked: Asked, spend: Spend, error: str) -> Loss:
        where = (self.identity.base_url, self.identity.model)
        return Loss(asked.key, self.dataset, 1, spend.tokens, spend.usd, error, *where)

    def _stop_if_only_limits(self, outcome: Outcome) -> None:
        """Give up on a teacher that has refused everything for long, or asks to wait for hours."""
        wait = outcome.wait_seconds or 0.0
        self._was_reached = True
        self._longest_wait = max(self._longest_wait, min(wait, _LONGEST_PAUSE))
        patience = max(_PATIENCE, 2 * self._longest_wait)
        if wait <= _LONGEST_PAUSE and time.monotonic() - self._good_at <= patience:
            return
        asks = f", which asks to wait {wait:,.0f} s" if outcome.wait_seconds else ""
        msg = (
            f"expected answers, got nothing but {outcome.error!r} from {self.identity}{asks}: run "
            "the same command again later; what was answered is kept"
        )
        raise RunError(msg)

    def _stop_if_down(self, outcome: Outcome, endpoint: Endpoint) -> None:
        """Raise where going on would only repeat the same failure."""
        self._was_reached = self._was_reached or outcome.status != 0
        # Once there were good replies, 403 and 404 are about one request (moderation, a model that
        # was taken away); the row is a reject, and many of them in a row stop the run below.
        if outcome.status == 401 or (outcome.status == 403 and not self._was_good):
            msg = (
                f"expected a valid key in ${self.options.api_key_env}, got HTTP {outcome.status} "
                f"from {self.identity}: set the variable to a key of that teacher"
            )
            raise InputError(msg)
        if outcome.status == 404 and not self._was_good:
            msg = (
                f"expected a teacher, got HTTP 404 for {self.identity}: check teacher.base_url (it "
                f"usually ends in /v1), teacher.model, and that the server has /{endpoint}"
            )
            raise InputError(msg)
        self._failures_in_a_row += 1
        if not self._was_reached or self._failures_in_a_row >= _BREAKER or outcome.status == 429:
            msg = (
                f"expected answers, got {outcome.error!r} from {self.identity} "
                f"({self._failures_in_a_row} failures in a row): start or check the teacher, then "
                "run the same command again; what was answered is kept"
            )
            raise RunError(msg)


def _wait_seconds(attempt: int, asked_for: float | None) -> float:
    """Jittered exponential backoff; at least what the server asks for."""
    backoff = min(0.5 * float(2 ** min(attempt, 10)), _LONGEST_WAIT) * random.uniform(0.5, 1.0)
    if asked_for is None:
        return backoff
    return asked_for * random.uniform(1.0, 1.1)


def _this_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    if task is None:
        msg = "expected to run in an asyncio task"
        raise RuntimeError(msg)
    return task
