"""Asks all teachers of a recipe: journal first, nothing twice, answers in the order of the questions.

Requests flow through without batches: each takes the next free place of its teacher, a slow one
holds up nobody. Answers are handed on in the order of the questions, because what is made of them
must not depend on which came first; what waits for its turn waits in the journal, not in memory.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from flows.claims import Claims
from flows.journal import Journal, JournalEntry, Loss, canonical_body
from flows.teachers.batch import BatchQueue
from flows.teachers.budget import Spend
from flows.teachers.client import Asked, Teacher
from flows.teachers.stream import Item, Requests, Stored, Stream, groups
from schemas.errors import BudgetError, FeingoldError, InputError, RunError
from schemas.manifest import RequestCounts, TokenCounts
from schemas.records import TeacherReply, TeacherRequest

log = logging.getLogger(__name__)

_AHEAD = 2_000  # requests that may wait for a free place, for each teacher
_FIRST_LOOK, _LAST_LOOK = 0.05, 1.0  # seconds between looks for what another process asks
_GRACE = 10.0  # seconds that requests under way get after an interrupt

class Panel:
    """The teachers of one run, their journal and what is under way."""

    def __init__(
        self,
        teachers: Sequence[Teacher],
        *,
        journal: Journal,
        claims: Claims,
        losses: dict[str, Loss] | None = None,
        offline: bool = False,
    ) -> None:
        """Prepare; nothing is sent or started yet.

        Args:
            teachers: in the order in which they step in for each other.
            journal: where replies are kept.
            claims: what this and other processes ask at present.
            losses: what earlier runs of this dataset paid for nothing, by request key.
            offline: replay only.
        """
        self.teachers = list(teachers)
        self.had_passing_fault = False
        #: Takes the questions that the journal cannot answer, instead of a teacher.
        self.collect: Callable[[Asked, Teacher], None] | None = None
        self._journal = journal
        self._claims = claims
        self._losses = dict(losses or {})
        self._offline = offline
        self._counted: set[str] = set()
        self._down: dict[int, FeingoldError] = {}
        self._stop: FeingoldError | None = None

    @property
    def requests(self) -> RequestCounts:
        """Requests of all teachers."""
        return RequestCounts(
            sent=sum(teacher.requests.sent for teacher in self.teachers),
            replayed=sum(teacher.requests.replayed for teacher in self.teachers),
            failed=sum(teacher.requests.failed for teacher in self.teachers),
        )

    @property
    def tokens(self) -> TokenCounts:
        """Tokens of all teachers."""
        return TokenCounts(
            prompt=sum(teacher.tokens.prompt for teacher in self.teachers),
            completion=sum(teacher.tokens.completion for teacher in self.teachers),
        )

    @property
    def cost_usd(self) -> float:
        """What this run has spent with all teachers."""
        return sum(teacher.cost_usd for teacher in self.teachers)

    @property
    def errors(self) -> Counter[str]:
        """Failed attempts of all teachers by class."""
        return sum((teacher.errors for teacher in self.teachers), Counter())

    def key_of(self, request: TeacherRequest) -> str:
        """The journal key of a question, put to the teacher who is to answer it."""
        return self.teachers[self._line_of(request)[0]].prepare(request).key

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep connections and workers for the `ask`s inside.

        When a fault stops the run, requests under way are still awaited and journaled: they are
        paid for.
        """
        self._queues: list[asyncio.Queue[Item]] = [asyncio.Queue() for _ in self.teachers]
        self._under_way: dict[str, list[Item]] = {}
        self._elsewhere: dict[str, list[Item]] = {}
        self._streams: set[Stream] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._answered_keys: list[str] = []  # whose claims can be given up
        loops = [
            self._start(self._run_teacher(teacher, queue))
            for teacher, queue in zip(self.teachers, self._queues, strict=True)
        ]
        loops.append(self._start(self._watch_others()))
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._drain()
            self._claims.release([*self._under_way, *self._answered_keys])
            for teacher in self.teachers:
                await teacher.close()

    async def ask(self, requests: Requests) -> AsyncIterator[TeacherReply]:
        """Ask many questions; answers come in the order of the questions, as soon as they can.

        Args:
            requests: the questions, or an asynchronous source of groups of them.

        Yields:
            One reply a question. A question that failed for good is a reply with `error`.

        Raises:
            InputError: a teacher refused the key, or does not know the model.
            RunError: all teachers are down, or `offline` and a reply is not in the journal.
            BudgetError: the next request could exceed the budget.
        """
        stream = Stream()
        self._streams.add(stream)
        feeder = asyncio.create_task(self._feed(stream, requests))
        try:
            while self._stop is None and stream.failure is None:
                while stream.head in stream.done:
                    found = stream.take()
                    yield found if isinstance(found, TeacherReply) else self._read(found)
                if stream.is_at_end:
                    break
                stream.moved.clear()
                await stream.moved.wait()
        finally:
            self._streams.discard(stream)
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)
        if stream.missing:
            msg = (
                f"expected all {stream.fed} replies of this step in the journal, got "
                f"{stream.fed - stream.missing} in {self._journal.path}: run without --offline"
            )
            self._halt(RunError(msg))
        failure = self._stop or stream.failure
        if failure is not None:
            raise failure

    def _read(self, stored: Stored) -> TeacherReply:
        """Read an answer that waited in the journal."""
        entry = self._journal.get(stored.key)
        if entry is None:
            msg = (
                f"expected a reply that was stored a moment ago in {self._journal.path}, got none: "
                "another process deleted it; run the same command again"
            )
            raise RunError(msg)
        teacher = self.teachers[stored.teacher]
        return teacher.read(stored.key, entry.status, entry.body, replayed=stored.replayed)

    async def _feed(self, stream: Stream, requests: Requests) -> None:
        """Bring the questions on their way, as far ahead of the answers as memory allows."""
        try:
            async for group in groups(requests):
                items = [
                    Item(stream, stream.fed + number, request, self._line_of(request))
                    for number, request in enumerate(group)
                ]
                stream.fed += len(items)
                await self._route(items)
                while self._is_full(stream) and self._stop is None:
                    stream.room.clear()
                    await stream.room.wait()
                # Answers from the journal need no waiting: give whoever uses them a turn.
                await asyncio.sleep(0)
        except BaseException as error:
            stream.failure = error
            raise
        finally:
            stream.is_fed = True
            stream.moved.set()

    def _is_full(self, stream: Stream) -> bool:
        """Whether the user of the answers is behind, or enough questions wait for a place."""
        waiting = sum(queue.qsize() for queue in self._queues)
        return stream.is_behind or waiting > _AHEAD * len(self._queues)

    def _line_of(self, request: TeacherRequest) -> list[int]:
        """Who is to answer a question, and who steps in: by weight, and the same every time."""
        if len(self.teachers) == 1:
            return [0]
        weights = [teacher.options.weight for teacher in self.teachers]
        # By the question alone: another teacher in the list must not send all others anew.
        text = f"{request.sample}\n{canonical_body(request.body)}"
        point = int(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:13], 16) / 16**13
        point *= sum(weights)
        first = 0
        for position, weight in enumerate(weights):
            if weight and point < weight:
                first = position
                break
            point -= weight
        return [first, *(place for place in range(len(weights)) if place != first)]

    async def _route(self, items: Sequence[Item]) -> None:
        """Answer from the journal what is there; hand the rest to the teachers."""
        rest = self._replay(items)
        if self._offline or self.collect is not None:
            for item in rest:
                item.stream.missing += 1
                if self.collect is not None and item.asked is not None:
                    self.collect(item.asked, self.teachers[item.line[0]])
                self._deliver(item, TeacherReply(key="", error="not in the journal"))
            return
        waiting: dict[str, Item] = {}
        for item in rest:
            first = item.line[0]
            teacher = self._next_teacher(item)
            if teacher is None:
                return
            asked = item.asked
            if asked is None or item.line[0] != first:
                asked = item.asked = teacher.prepare(item.request)
            if asked.key in self._under_way:
                self._under_way[asked.key].append(item)
            elif asked.key in self._elsewhere:
                self._elsewhere[asked.key].append(item)
            elif asked.key in waiting:  # the same question twice in one group
                self._under_way.setdefault(asked.key, []).append(item)
            else:
                waiting[asked.key] = item
        self._claim(waiting)

    def _claim(self, waiting: dict[str, Item]) -> None:
        """Ask what nobody else asks; keep an eye on the rest."""
        self._give_up_claims()
        won = self._claims.take(list(waiting))
        # What another process answered before it gave up its claim is in the journal now.
        answered = self._journal.find(list(won))
        for key, item in waiting.items():
            if key not in won:
                self._elsewhere.setdefault(key, []).extend([item, *self._under_way.pop(key, [])])
            elif key in answered and answered[key].status == 200:
                self._settle(key, [item, *self._under_way.pop(key, [])], answered[key])
            else:
                self._under_way.setdefault(key, []).insert(0, item)
                self._count_losses(key, self.teachers[item.line[0]])
                self._queues[item.line[0]].put_nowait(item)
        self._claims.release([key for key in answered if answered[key].status == 200])

    def _replay(self, items: Sequence[Item]) -> list[Item]:
        """Answer from the journal; a stored failure counts only offline.

        Returns:
            The items that are not there.
        """
        asked = [
            [self.teachers[place].prepare(item.request) for place in item.line] for item in items
        ]
        stored = self._journal.find([entry.key for line in asked for entry in line])
        rest = []
        for item, line in zip(items, asked, strict=True):
            for place, question in zip(item.line, line, strict=True):
                entry = stored.get(question.key)
                if entry is not None and (entry.status == 200 or self._offline):
                    item.asked = question
                    self._deliver(item, self._replayed(self.teachers[place], entry))
                    break
            else:
                item.asked = line[0]
                rest.append(item)
        return rest

    def _replayed(self, teacher: Teacher, entry: JournalEntry) -> TeacherReply:
        self._count_losses(entry.key, teacher)
        if entry.key in self._counted:  # later rounds read the earlier ones again
            return teacher.read(entry.key, entry.status, entry.body, replayed=True)
        self._counted.add(entry.key)
        return teacher.replay(entry)

    def _count_losses(self, key: str, teacher: Teacher) -> None:
        loss = self._losses.pop(key, None)
        if loss is not None:
            teacher.purse.count(Spend(loss.usd, loss.requests, loss.tokens))

    def _next_teacher(self, item: Item) -> Teacher | None:
        """The first teacher in the item's line that is not down; null stops the run."""
        item.line = [place for place in item.line if place not in self._down]
        if item.line:
            return self.teachers[item.line[0]]
        errors = list(self._down.values())
        spent = [error for error in errors if isinstance(error, BudgetError)]
        self._halt((spent or errors)[0])
        return None

    async def _run_teacher(self, teacher: Teacher, queue: "asyncio.Queue[Item]") -> None:
        """Give each waiting question the next free place."""
        if teacher.options.mode == "batch":
            if not self._offline and self.collect is None:
                await BatchQueue(
                    teacher,
                    queue,
                    answer=self._answered,
                    fail=self._failed,
                    counted=self._counted,
                ).run()
            return
        while True:
            item = await queue.get()
            await teacher.limiter.acquire()
            self._work_on(self._ask_one(teacher, item))

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something in the background; what it raises stops the run instead of hanging it."""

        async def guarded() -> None:
            try:
                await work
            except FeingoldError as error:
                self._halt(error)
            except Exception as error:
                log.exception("unexpected error while asking")
                self._halt(RunError(f"unexpected {type(error).__name__} while asking: {error}"))

        return asyncio.create_task(guarded())

    def _work_on(self, work: Coroutine[Any, Any, None]) -> None:
        """The same for work that the end of the run waits for."""
        task = self._start(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _ask_one(self, teacher: Teacher, item: Item) -> None:
        assert item.asked is not None

        def may_go_on() -> bool:
            return self._stop is None and teacher.position not in self._down

        try:
            if not may_go_on():
                await self._pass_on(item, teacher)
                return
            try:
                reply = await teacher.answer(item.asked, may_go_on=may_go_on)
            except FeingoldError as error:
                await self._failed(item, teacher, error)
            else:
                await self._answered(item, teacher, reply)
        finally:
            teacher.limiter.release()

    async def _answered(self, item: Item, teacher: Teacher, reply: TeacherReply) -> None:
        """Hand a reply on, or the question to the next teacher where this one failed it."""
        assert item.asked is not None
        key = item.asked.key
        self._wake_feeders()
        is_final = reply.is_stored
        if not is_final and len(item.line) > 1 and self._stop is None:
            await self._pass_on(item, teacher)
            return
        self.had_passing_fault = self.had_passing_fault or not is_final
        self._counted.add(key)
        items = self._under_way.pop(key, [item])
        self._answered_keys.append(key)
        for place, waiting in enumerate(items):
            if place and is_final:
                teacher.requests.replayed += 1
            self._deliver(waiting, reply)

    async def _failed(self, item: Item, teacher: Teacher, error: FeingoldError) -> None:
        """A teacher is down, or out of money: others step in, or the run stops."""
        is_budget_of_run = isinstance(error, BudgetError) and not error.is_of_teacher
        # Whoever mistyped a key wants to know, not to pay the dearer teacher for everything.
        if isinstance(error, InputError) or is_budget_of_run or len(self.teachers) == 1:
            self._halt(error)
        else:
            self._down.setdefault(teacher.position, error)
        await self._pass_on(item, teacher)

    async def _pass_on(self, item: Item, teacher: Teacher) -> None:
        assert item.asked is not None
        key = item.asked.key
        items = self._under_way.pop(key, [item])
        self._answered_keys.append(key)
        if self._stop is not None:
            return
        for waiting in items:
            waiting.line = [place for place in waiting.line if place != teacher.position]
        await self._route(items)

    async def _watch_others(self) -> None:
        """Take over what another process was asking, when it has answered or is gone."""
        pause = _FIRST_LOOK
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK) if self._elsewhere else _FIRST_LOOK
            self._give_up_claims()
            if not self._elsewhere:
                continue
            keys = list(self._elsewhere)
            answered = self._journal.find(keys)
            for key, entry in answered.items():
                if entry.status == 200:
                    self._settle(key, self._elsewhere.pop(key), entry)
            waiting = {}
            for key in keys:
                items = self._elsewhere.pop(key, None)
                if items is not None:
                    waiting[key] = items[0]
                    if items[1:]:
                        self._under_way[key] = items[1:]
            self._claim(waiting)

    def _give_up_claims(self) -> None:
        """In groups: each change of the file takes as long as one of many lines."""
        done, self._answered_keys = self._answered_keys, []
        self._claims.release(done)

    def _settle(self, key: str, items: Sequence[Item], entry: JournalEntry) -> None:
        """Answer questions with what another process got."""
        for item in items:
            assert item.asked is not None
            teacher = self.teachers[item.line[0]]
            self._deliver(item, self._replayed(teacher, entry))

    def _deliver(self, item: Item, reply: TeacherReply) -> None:
        """Put an answer in its place, unless it was cut and may be asked for again with more."""
        if self._asks_for_more(item, reply):
            return
        item.stream.put(item.place, reply)

    def _asks_for_more(self, item: Item, reply: TeacherReply) -> bool:
        options = self.teachers[reply.teacher].options
        request, limit = item.request, options.max_tokens_if_cut
        if (
            limit is None
            or item.has_grown
            or not request.may_grow
            or reply.finish_reason != "length"
            or limit <= request.body.get("max_tokens", 0)
        ):
            return False
        item.has_grown = True
        item.request = TeacherRequest(
            request.endpoint,
            {**request.body, "max_tokens": limit},
            request.sample,
            request.json_schema,
        )
        item.line = [reply.teacher, *(place for place in item.line if place != reply.teacher)]
        self._work_on(self._route([item]))
        return True

    def _halt(self, error: FeingoldError) -> None:
        self._stop = self._stop or error
        for stream in self._streams:
            stream.moved.set()
            stream.room.set()

    def _wake_feeders(self) -> None:
        for stream in self._streams:
            stream.room.set()

    async def _drain(self) -> None:
        """Wait for what is under way: it is paid for."""
        deadline = asyncio.get_running_loop().time() + _GRACE
        was_interrupted = self._stop is None
        while self._working:
            left = deadline - asyncio.get_running_loop().time() if was_interrupted else None
            done, pending = await asyncio.wait(self._working, timeout=left)
            if pending and was_interrupted:
                for task in pending:
                    task.cancel()
                await asyncio.gather(*pending, return_exceptions=True)
                return
            for task in done:
                task.exception()
