"""Asks a teacher in batches: half the price, answers within a day, and nothing paid twice.

A batch outlives the process that handed it in. The next one sees it to its end, puts its results
into the journal, and hands in nothing that is still under way.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from flows.journal import JournalEntry, Loss
from flows.teachers.batch_api import BatchApi, Ended
from flows.teachers.batch_files import (
    MOST_BYTES,
    MOST_REQUESTS,
    BatchReply,
    BatchRequest,
    split_requests,
)
from flows.teachers.batch_state import BatchState, Intent
from flows.teachers.budget import Spend
from flows.teachers.client import Asked, Teacher
from schemas.errors import BudgetError, FeingoldError, RunError
from schemas.records import TeacherReply

log = logging.getLogger(__name__)

_MOST_TRIES = 3  # batches that a request may be in before it counts as failed
_JOURNALED = 500  # replies stored together
_LOOK_SECONDS = 1.0  # between looks whether another process has created its batch


class BatchItem(Protocol):
    """A question on its way."""

    @property
    def asked(self) -> Asked | None:
        """As the teacher gets it; never null in the queue of a teacher."""


ItemT = TypeVar("ItemT", bound=BatchItem)


class BatchQueue(Generic[ItemT]):
    """Answers the questions of one queue with batches."""

    quiet_seconds: ClassVar[float] = 1.0  # without a new question, after which a batch is full
    most_requests: ClassVar[int] = MOST_REQUESTS
    most_bytes: ClassVar[int] = MOST_BYTES

    def __init__(
        self,
        teacher: Teacher,
        queue: "asyncio.Queue[ItemT]",
        *,
        answer: Callable[[ItemT, Teacher, TeacherReply], Awaitable[None]],
        fail: Callable[[ItemT, Teacher, FeingoldError], Awaitable[None]],
    ) -> None:
        """Prepare; nothing is sent or opened yet.

        Args:
            teacher: who is asked.
            queue: questions that the journal cannot answer; of each key one at a time.
            answer: takes the answer of a question.
            fail: takes a question that this teacher will not answer, and why.
        """
        self._teacher = teacher
        self._queue = queue
        self._answer = answer
        self._fail = fail
        self._journal = teacher.journal
        self._dataset = teacher.dataset
        self._meter = teacher.batch_meter
        self._api = BatchApi(teacher)
        self._waiting: dict[str, ItemT] = {}  # questions in a batch, by key
        self._seen: set[str] = set()  # intents that some task sees to
        self._tries: Counter[str] = Counter()
        self._failure: FeingoldError | None = None

    async def run(self) -> None:
        """Go on until cancelled; batches under way are then left to the next run.

        Raises:
            InputError: if the home cannot be written.
            RunError: likewise, or the state is damaged.
        """
        identity = self._teacher.identity
        with BatchState(self._journal.path.parent) as self._state:
            try:
                async with asyncio.TaskGroup() as self._tasks:
                    for intent in self._state.unfinished(identity.base_url, identity.model):
                        await self._see_to(intent)
                    while True:
                        await self._take_on(await self._collect())
            except ExceptionGroup as group:
                raise group.exceptions[0] from group

    async def _collect(self) -> list[ItemT]:
        """Wait for questions, then for a pause between them."""
        items = [await self._queue.get()]
        while len(items) < self.most_requests:
            if not self._queue.empty():
                items.append(self._queue.get_nowait())
                continue
            try:
                async with asyncio.timeout(self.quiet_seconds):
                    items.append(await self._queue.get())
            except TimeoutError:
                break
        return items

    async def _take_on(self, items: Sequence[ItemT]) -> None:
        """Hand in what is neither under way nor answered meanwhile."""
        if self._failure is not None:
            for item in items:
                await self._give_up(item, self._failure)
            return
        fresh = {_asked(item).key: item for item in items}
        # First what is under way, then the journal: a batch ends only after it is journaled.
        await self._join(fresh)
        await self._replay(fresh)
        identity = self._teacher.identity
        requests = [BatchRequest.of(_asked(item), identity) for item in fresh.values()]
        for part in await asyncio.to_thread(self._split, requests):
            await self._hand_in(part, fresh)

    def _split(self, requests: Sequence[BatchRequest]) -> list[list[BatchRequest]]:
        return list(
            split_requests(requests, most_requests=self.most_requests, most_bytes=self.most_bytes)
        )

    async def _join(self, fresh: dict[str, ItemT]) -> None:
        """Let questions wait for the batch that they are in already; take them out of `fresh`."""
        intents = self._state.under_way(list(fresh))
        # Without an await up to here, or a batch could end unnoticed in between.
        for key in intents:
            self._waiting[key] = fresh.pop(key)
        for name in dict.fromkeys(intents.values()):
            intent = self._state.get(name)
            if intent is not None:
                await self._see_to(intent)
            if self._state.get(name) is None:  # another process has just seen it to its end
                self._ask_again([key for key in intents if intents[key] == name])

    async def _replay(self, fresh: dict[str, ItemT]) -> None:
        """Answer what has come into the journal meanwhile; take it out of `fresh`."""
        for key, entry in self._journal.find(list(fresh)).items():
            if entry.status != 200:
                continue
            await self._answer(fresh.pop(key), self._teacher, self._teacher.replay(entry))

    async def _hand_in(self, requests: Sequence[BatchRequest], items: dict[str, ItemT]) -> None:
        """Begin a batch; what the budget has no room for yet goes into a later one."""
        rest = list(requests)
        while rest:
            try:
                worsts = await self._reserve(rest)
            except BudgetError as error:
                for request in rest:
                    await self._give_up(items[request.key], error)
                return
            if self._failure is not None:  # while this waited for room
                for worst in worsts:
                    self._teacher.purse.settle(worst, Spend())
                for request in rest:
                    await self._give_up(items[request.key], self._failure)
                return
            fitting, rest = rest[: len(worsts)], rest[len(worsts) :]
            await self._begin(fitting, worsts, items)

    async def _reserve(self, requests: Sequence[BatchRequest]) -> list[Spend]:
        """Set aside the worst case of as many requests as fit, of at least one.

        Raises:
            BudgetError: if none fits, and nothing is under way that may make room.
        """
        purse = self._teacher.purse
        worsts = [requests[0].worst(self._meter)]
        await purse.reserve(worsts[0])
        for request in requests[1:]:
            worst = request.worst(self._meter)
            try:
                purse.reserve_now(worst)
            except BudgetError:
                break
            worsts.append(worst)
        return worsts

    async def _begin(
        self, requests: Sequence[BatchRequest], worsts: Sequence[Spend], items: dict[str, ItemT]
    ) -> None:
        reserved = {request.key: worst for request, worst in zip(requests, worsts, strict=True)}
        intent, mine = await asyncio.to_thread(self._state.begin, requests, dataset=self._dataset)
        for request in mine:
            self._waiting[request.key] = items[request.key]
        for key in reserved.keys() - {request.key for request in mine}:
            self._teacher.purse.settle(reserved.pop(key), Spend())
            self._queue.put_nowait(items[key])  # another process was quicker
        if mine:
            self._seen.add(intent.id)
            self._tasks.create_task(self._carry_out(intent, mine, reserved))

    async def _carry_out(
        self, intent: Intent, requests: Sequence[BatchRequest], reserved: dict[str, Spend]
    ) -> None:
        """See a batch of our own from its intent to its end."""
        purse, is_handed_in = self._teacher.purse, False
        try:
            data = await asyncio.to_thread(lambda: b"".join(item.line() for item in requests))
            file_id = await self._api.upload(intent.id, data)
            is_handed_in = True
            batch_id = await self._api.create(intent, requests[0].endpoint, file_id)
            self._state.created(intent.id, batch_id)
            self._teacher.requests.sent += len(requests)
            ended = await self._api.see_end(batch_id)
        except FeingoldError as error:
            # Until the next run has looked for it, a batch that may exist counts as paid.
            for worst in reserved.values():
                purse.settle(worst, worst if is_handed_in else Spend())
            if not is_handed_in:
                self._state.finish(intent.id)
            await self._give_up_all(reserved, error)
            return
        replies = self._price(requests, ended, reserved)
        try:
            await self._use(intent, replies, ended)
        finally:
            # All at once: who waits for room shall find all of it, not that of one request.
            for reply in replies:
                worst = reserved[reply.request.key]
                self._meter.learn(worst, reply.cost)
                purse.settle(worst, reply.cost)

    def _price(
        self, requests: Sequence[BatchRequest], ended: Ended, worsts: dict[str, Spend]
    ) -> list[BatchReply]:
        return [
            BatchReply.of(item, ended.outcome(item.key), self._meter, worst=worsts[item.key])
            for item in requests
        ]

    async def _use(self, intent: Intent, replies: Sequence[BatchReply], ended: Ended) -> None:
        """Journal and answer, then forget the intent; ask again what was not carried out."""
        again: list[str] = []
        has_problem = False
        for start in range(0, len(replies), _JOURNALED):
            group = replies[start : start + _JOURNALED]
            found = await asyncio.gather(*(self._use_one(reply, ended) for reply in group))
            again += [key for key in found if isinstance(key, str)]
            has_problem = has_problem or any(isinstance(key, FeingoldError) for key in found)
        # After a problem, such as a full disk, the next run fetches the results once more.
        if not has_problem:
            self._state.finish(intent.id)
        self._ask_again(again)

    async def _use_one(self, reply: BatchReply, ended: Ended) -> str | FeingoldError | None:
        """Journal and answer one question; return its key if it is to be asked again."""
        teacher, outcome, key = self._teacher, reply.outcome, reply.request.key
        item = self._waiting[key]
        self._tries[key] += 1
        try:
            if not outcome.is_passing_fault:
                answer = await teacher.record(_asked(item), outcome, reply.cost)
                await self._answer(self._waiting.pop(key), teacher, answer)
                return None
            teacher.errors[outcome.kind] += 1
            teacher.cost_usd += reply.cost.usd
            await self._store([reply.record(self._dataset)])
        except FeingoldError as error:
            await self._give_up_all([key], error)
            return error
        if ended.status == "failed":
            await self._give_up_all([key], self._refused(ended))
        elif ended.status == "cancelled" or self._tries[key] >= _MOST_TRIES:
            teacher.requests.failed += 1
            failed = TeacherReply(
                key, teacher=teacher.position, error=outcome.error, raw=outcome.body
            )
            await self._answer(self._waiting.pop(key), teacher, failed)
        else:
            return key
        return None

    async def _store(self, records: Sequence[JournalEntry | Loss | None]) -> None:
        await self._journal.put_soon(*(record for record in records if record is not None))

    def _refused(self, ended: Ended) -> RunError:
        msg = (
            f"expected {self._teacher.identity} to accept a batch, got {ended.error!r}: correct "
            "that, then run the same command again; what was answered is kept"
        )
        return RunError(msg)

    async def _see_to(self, intent: Intent) -> None:
        """Set aside what a batch of an earlier or another process may cost, and follow it."""
        if intent.id in self._seen:
            return
        self._seen.add(intent.id)
        requests = await asyncio.to_thread(self._state.requests_of, intent.id)
        worsts = {item.key: item.worst(self._meter) for item in requests}
        if intent.dataset == self._dataset:
            # Whether it fits or not: it is spent already.
            self._teacher.purse.settle(Spend() - sum(worsts.values(), Spend()), Spend())
        self._tasks.create_task(self._adopt(intent, requests, worsts))

    async def _adopt(
        self, intent: Intent, requests: Sequence[BatchRequest], worsts: dict[str, Spend]
    ) -> None:
        """See a batch of an earlier or another process to its end."""
        try:
            ended = await self._see_end(intent)
            if ended is not None:
                await self._keep(intent, self._price(requests, ended, worsts))
        except FeingoldError as error:
            if not await self._give_up_all(worsts, error):
                log.warning("%s", error)  # nobody asks for it in this run
            return
        finally:
            if intent.dataset == self._dataset:
                self._teacher.purse.settle(sum(worsts.values(), Spend()), Spend())
        self._state.finish(intent.id)
        self._ask_again(worsts)

    async def _see_end(self, intent: Intent) -> Ended | None:
        """Find the batch of an intent and wait for it; null where it has never become one."""
        found: Intent | None = intent
        while found is not None and found.batch_id is None and self._state.is_alive(found):
            await asyncio.sleep(_LOOK_SECONDS)
            found = self._state.get(intent.id)
        if found is None:
            return None
        batch_id = found.batch_id
        if batch_id is None:
            batch_id = await self._api.find(found)
            if batch_id is None:
                return None
            self._state.created(found.id, batch_id)
        return await self._api.see_end(batch_id)

    async def _keep(self, intent: Intent, replies: Sequence[BatchReply]) -> None:
        """Journal what an earlier process paid for, and answer who asks for it now."""
        records = [reply.record(intent.dataset) for reply in replies]
        # What that process journaled before it died was counted when this run began.
        known = self._journal.find([reply.request.key for reply in replies])
        await self._store(records)
        for answer, entry in zip(replies, records, strict=True):
            key = answer.request.key
            if intent.dataset == self._dataset and key not in known:
                self._teacher.purse.count(answer.cost)
            if isinstance(entry, JournalEntry) and entry.status == 200 and key in self._waiting:
                reply = self._teacher.replay(entry)
                await self._answer(self._waiting.pop(key), self._teacher, reply)

    def _ask_again(self, keys: Iterable[str]) -> None:
        """Bring questions that waited for a batch back into the queue."""
        for key in keys:
            if key in self._waiting:
                self._queue.put_nowait(self._waiting.pop(key))

    async def _give_up_all(self, keys: Iterable[str], error: FeingoldError) -> int:
        """Give up the questions that wait for a batch; return their number."""
        items = [self._waiting.pop(key) for key in list(keys) if key in self._waiting]
        for item in items:
            await self._give_up(item, error)
        return len(items)

    async def _give_up(self, item: ItemT, error: FeingoldError) -> None:
        self._failure = self._failure or error
        await self._fail(item, self._teacher, error)


def _asked(item: BatchItem) -> Asked:
    if item.asked is None:
        msg = "expected a question that was prepared for a teacher, got none"
        raise TypeError(msg)
    return item.asked
