"""Asks all teachers of a recipe: journal first, nothing twice, answers in order of the questions.

Requests flow through without batches: each takes the next free place of its teacher, a slow one
holds up nobody. Answers are handed on in the order of the questions, because what is made of them
must not depend on which came first; what waits for its turn waits in the journal, not in memory.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from flows.claims import Claims
from flows.journal import Journal, JournalEntry, canonical_body
from flows.teachers.batch import BatchQueue
from flows.teachers.client import Asked, Teacher
from flows.teachers.stream import Item, Requests, Stored, Stream, groups
from schemas.errors import BudgetError, FeingoldError, InputError, RunError
from schemas.manifest import RequestCounts, TokenCounts
from schemas.records import TeacherReply, TeacherRequest

_SHORT = 15  # hexadecimal digits: 60 bits tell millions of keys apart
_AHEAD = 2_000  # requests that may wait for a free place, for each teacher
_FIRST_LOOK, _LAST_LOOK = 0.05, 1.0  # seconds between looks for what another process asks
_DRAINED_EVERY = 0.1  # seconds
_GRACE = 10.0  # seconds that requests under way get after an interrupt


class Panel:
    """The teachers of one run, their journal and what is under way."""

    def __init__(
        self,
        teachers: Sequence[Teacher],
        *,
        journal: Journal,
        claims: Claims,
        offline: bool = False,
    ) -> None:
        """Prepare; nothing is sent or started yet.

        Args:
            teachers: in the order in which they step in for each other.
            journal: where replies are kept.
            claims: what this and other processes ask at present.
            offline: replay only.
        """
        self.teachers = list(teachers)
        self.had_passing_fault = False
        #: Takes the questions that the journal cannot answer, instead of a teacher.
        self.collect: Callable[[Asked, Teacher], None] | None = None
        self._journal = journal
        self._claims = claims
        self._offline = offline
        self._counted: set[int] = set()  # keys that were sent or counted as replayed
        for teacher in self.teachers:
            teacher.note_sent = claims.mark_sent if teacher.purse.is_limited else None
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
    def down(self) -> dict[str, str]:
        """Teachers that others stand in for, and why."""
        return {self.teachers[place].identity.model: str(why) for place, why in self._down.items()}

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
                items = [self._item(stream, place, request) for place, request in enumerate(group)]
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

    def _item(self, stream: Stream, number: int, request: TeacherRequest) -> Item:
        line = self._line_of(request)
        asked = self.teachers[line[0]].prepare(request)
        return Item(stream, stream.fed + number, request, line, asked)

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
            self._leave_out(rest)
            return
        waiting: dict[str, Item] = {}
        for item in rest:
            if not self._find_teacher(item):
                continue
            key = item.asked.key
            if key in self._under_way:
                self._under_way[key].append(item)
            elif key in self._elsewhere:
                self._elsewhere[key].append(item)
            elif key in waiting:  # the same question twice in one group
                self._under_way.setdefault(key, []).append(item)
            else:
                waiting[key] = item
        self._claim(waiting)

    def _leave_out(self, items: Sequence[Item]) -> None:
        """Ask nobody what the journal cannot answer."""
        for item in items:
            item.stream.missing += 1
            if self.collect is not None:
                self.collect(item.asked, self.teachers[item.line[0]])
            self._deliver(item, TeacherReply(key="", error="not in the journal"))

    def _claim(self, waiting: dict[str, Item]) -> None:
        """Ask what nobody else asks; keep an eye on the rest."""
        self._give_up_claims()
        won = self._claims.take(list(waiting))
        # What another process answered before it gave up its claim is in the journal now.
        answered = self._journal.find(list(won))
        left, self._claims.inherited = self._claims.inherited, []
        if left:
            self._journal.put(*(loss for loss in left if loss.key not in answered))
        for key, item in waiting.items():
            if key not in won:
                self._elsewhere.setdefault(key, []).extend([item, *self._under_way.pop(key, [])])
            elif key in answered and answered[key].status == 200:
                self._settle([item, *self._under_way.pop(key, [])], answered[key])
            else:
                self._under_way.setdefault(key, []).insert(0, item)
                self._queues[item.line[0]].put_nowait(item)
        self._claims.release([key for key in answered if answered[key].status == 200])

    def _replay(self, items: Sequence[Item]) -> list[Item]:
        """Answer from the journal; a stored failure counts only offline.

        Returns:
            The items that are not there.
        """
        asked = [
            [item.asked, *(self.teachers[place].prepare(item.request) for place in item.line[1:])]
            for item in items
        ]
        stored = self._journal.find([question.key for line in asked for question in line])
        rest = []
        for item, line in zip(items, asked, strict=True):
            for place, question in zip(item.line, line, strict=True):
                entry = stored.get(question.key)
                if entry is not None and (entry.status == 200 or self._offline):
                    item.asked = question
                    self._deliver(item, self._replayed(self.teachers[place], entry))
                    break
            else:
                rest.append(item)
        return rest

    def _replayed(self, teacher: Teacher, entry: JournalEntry) -> TeacherReply:
        if self._is_new(entry.key):  # later rounds read the earlier ones again
            return teacher.replay(entry)
        return teacher.read(entry.key, entry.status, entry.body, replayed=True)

    def _is_new(self, key: str) -> bool:
        """Whether this run has not counted a key yet; a fraction of it is enough, and smaller."""
        short = int(key[:_SHORT], 16)
        is_new = short not in self._counted
        self._counted.add(short)
        return is_new

    def _find_teacher(self, item: Item) -> bool:
        """Put a question to the first in its line that is not down; false: there is none."""
        left = [place for place in item.line if place not in self._down]
        if not left:
            self._give_up(item)
            return False
        if left[0] != item.line[0]:
            item.asked = self.teachers[left[0]].prepare(item.request)
        item.line = left
        return True

    def _give_up(self, item: Item) -> None:
        """Nobody is left to ask: the run stops, or those that are up have failed this one."""
        errors = list(self._down.values())
        if len(errors) == len(self.teachers):
            spent = [error for error in errors if isinstance(error, BudgetError)]
            self._halt((spent or errors)[0])
            return
        self.had_passing_fault = True
        self._deliver(
            item, TeacherReply(item.asked.key, error=f"no teacher answered: {errors[-1]}")
        )

    async def _run_teacher(self, teacher: Teacher, queue: "asyncio.Queue[Item]") -> None:
        """Give each waiting question the next free place."""
        if teacher.options.mode == "batch":
            if not self._offline and self.collect is None:
                answered, failed = self._answered, self._failed
                await BatchQueue(teacher, queue, answer=answered, fail=failed).run()
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
            except Exception as error:  # noqa: BLE001 - whatever it is, everybody else waits
                failure = RunError(f"unexpected {type(error).__name__} while asking: {error}")
                failure.__cause__ = error
                self._halt(failure)

        task = asyncio.create_task(guarded())
        # Cancelled before its first step, it would never have looked at its work.
        task.add_done_callback(lambda _: work.close())
        return task

    def _work_on(self, work: Coroutine[Any, Any, None]) -> None:
        """The same for work that the end of the run waits for."""
        task = self._start(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _ask_one(self, teacher: Teacher, item: Item) -> None:
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
        key = item.asked.key
        self._wake_feeders()
        is_final = reply.is_stored
        if not is_final and len(item.line) > 1 and self._stop is None:
            await self._pass_on(item, teacher)
            return
        self.had_passing_fault = self.had_passing_fault or not is_final
        self._is_new(key)
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
        key = item.asked.key
        items = self._under_way.pop(key, [item])
        self._answered_keys.append(key)
        if self._stop is not None:
            return
        for waiting in items:
            waiting.line = [place for place in waiting.line if place != teacher.position]
        left = [waiting for waiting in items if waiting.line]
        for waiting in left:
            waiting.asked = self.teachers[waiting.line[0]].prepare(waiting.request)
        await self._route(left)
        for waiting in items:
            if not waiting.line:
                self._give_up(waiting)

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
                    self._settle(self._elsewhere.pop(key), entry)
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

    def _settle(self, items: Sequence[Item], entry: JournalEntry) -> None:
        """Answer questions with what another process got."""
        for item in items:
            self._deliver(item, self._replayed(self.teachers[item.line[0]], entry))

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
        item.asked = self.teachers[reply.teacher].prepare(item.request)
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
        """Wait for what is under way, because it is paid for; what has not left yet may go."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _GRACE
        was_interrupted = self._stop is None
        while self._working:
            paying = {task for teacher in self.teachers for task in teacher.paying}
            for task in self._working - paying:
                task.cancel()
            if was_interrupted and loop.time() > deadline:
                for task in self._working:
                    task.cancel()
            await asyncio.wait(self._working, timeout=_DRAINED_EVERY)
