"""Runs jobs side by side: their questions in one stream to the panel, their drafts in their order.

A job never waits for another one, except at the gates: there they pass in their order, because
what passes must not depend on which reply came first.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from flows.methods.jobs import Ask, Draft, Gate, Job, Work
from flows.teachers.panel import Panel
from flows.watch import Watch
from quality.gates import InstructionGates, Rejection
from schemas.records import TeacherReply, TeacherRequest

_TOGETHER = 100  # questions looked up in the journal together


@dataclass(slots=True, eq=False)
class _Active:
    """A job under way.

    Attributes:
        place: of the job among all.
        job: the generator.
        requests: what it wants to ask next.
        replies: that came so far.
        candidates: what it wants the gates to say, while it waits for its turn.
        has_passed: whether it was at the gates.
        has_asked: whether its first questions are counted.
    """

    place: int
    job: Job
    requests: Sequence[TeacherRequest] = ()
    replies: list[TeacherReply] = field(default_factory=list)
    gate: Gate | None = None
    has_passed: bool = False
    has_asked: bool = False


async def run_jobs(
    panel: Panel,
    jobs: Iterable[Job],
    *,
    gates: InstructionGates | None = None,
    progress: Watch,
    first_questions: int = 1,
    tell: Callable[[int, TeacherReply], None] = lambda place, reply: None,  # noqa: ARG005
) -> AsyncIterator[list[Draft]]:
    """Run jobs to their end.

    Args:
        panel: opened.
        jobs: started as places for their questions become free.
        gates: with the instructions that are known; null for jobs that never come to them.
        progress: told of every question and reply.
        first_questions: of each job, which `progress` was told of before.
        tell: called with the place of a job and each reply it got.

    Yields:
        The drafts of each job, in the order of the jobs, as soon as they can.
    """
    running = _Running(iter(jobs), gates, progress, first_questions)
    async for reply in panel.ask(running.groups()):
        progress.advance()
        tell(running.read(reply), reply)
        for drafts in running.take_finished():
            yield drafts
    for drafts in running.take_finished():
        yield drafts


class _Running:
    def __init__(
        self,
        jobs: Iterator[Job],
        gates: InstructionGates | None,
        progress: Watch,
        first_questions: int,
    ) -> None:
        self._jobs = jobs
        self._gates = gates
        self._progress = progress
        self._first_questions = first_questions
        self._started = 0
        self._live = 0
        self._ready: deque[_Active] = deque()  # with questions that are not sent
        self._sent: deque[_Active] = deque()  # in the order in which their replies will come
        self._at_gate: dict[int, _Active] = {}
        self._passed: set[int] = set()
        self._turn = 0  # whose turn it is at the gates
        self._finished: dict[int, list[Draft]] = {}
        self._head = 0  # whose drafts come next
        self._is_fed = False
        self._moved = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None

    async def groups(self) -> AsyncIterator[list[TeacherRequest]]:
        """Give questions: first those of jobs under way, then those of new ones."""
        while True:
            group: list[TeacherRequest] = []
            while len(group) < _TOGETHER and (self._ready or self._start_next()):
                if self._ready:
                    active = self._ready.popleft()
                    group += active.requests
                    self._sent.append(active)
            if self._fault is not None:
                raise self._fault
            if group:
                yield group
            elif not self._live and self._is_fed:
                return
            else:
                self._moved.clear()
                await self._moved.wait()

    def read(self, reply: TeacherReply) -> int:
        """Hand a reply to the job that asked; return its place."""
        active = self._sent[0]
        active.replies.append(reply)
        if len(active.replies) == len(active.requests):
            self._sent.popleft()
            replies, active.replies = active.replies, []
            self._advance(active, replies)
            self._moved.set()
        return active.place

    def take_finished(self) -> Iterator[list[Draft]]:
        """Give the drafts whose turn it is."""
        while self._head in self._finished:
            yield self._finished.pop(self._head)
            self._head += 1

    def _start_next(self) -> bool:
        """Begin a job; false where there is none."""
        job = next(self._jobs, None)
        if job is None:
            self._is_fed = True
            return False
        active = _Active(self._started, job)
        self._started += 1
        self._live += 1
        self._advance(active, None)
        return True

    def _advance(self, active: _Active, answer: Any) -> None:  # noqa: ANN401  what the job is sent
        """Take a job to where it has to wait, and those along that wait for it at the gates."""
        self._step(active, answer)
        while self._turn in self._passed or self._turn in self._at_gate:
            waiting = self._at_gate.pop(self._turn, None)
            if waiting is not None:
                self._step(waiting, self._open_gates(waiting))
            self._passed.discard(self._turn)
            self._turn += 1

    def _step(self, active: _Active, answer: Any) -> None:  # noqa: ANN401  what the job is sent
        while True:
            try:
                step = active.job.send(answer)
            except StopIteration as end:
                self._finish(active, end.value)
                return
            if isinstance(step, Gate):
                if active.has_passed or self._gates is None:
                    _misuse(active)
                active.gate = step
                self._at_gate[active.place] = active
                return
            if isinstance(step, Work):
                working = asyncio.create_task(self._work(active, step))
                self._working.add(working)
                working.add_done_callback(self._working.discard)
                return
            self._expect(active, step)
            if step.requests:
                active.requests = step.requests
                self._ready.append(active)
                return
            answer = []

    async def _work(self, active: _Active, step: Work) -> None:
        """Do the work of a job and take it on; a fault ends the run."""
        try:
            self._advance(active, await asyncio.to_thread(step.call))
        except Exception as error:  # noqa: BLE001  raised where the questions are fed
            self._fault = error
        self._moved.set()

    def _finish(self, active: _Active, drafts: list[Draft]) -> None:
        self._live -= 1
        self._finished[active.place] = drafts
        if not active.has_passed:
            self._passed.add(active.place)

    def _open_gates(self, active: _Active) -> list[Rejection | None]:
        """Say which of a job's instructions are new."""
        gate, active.gate = active.gate, None
        active.has_passed = True
        found: list[Rejection | None] = []
        if gate is None or self._gates is None:
            _misuse(active)
        for item in gate.candidates:
            rejection = self._gates.check(item.instruction, is_truncated=item.is_truncated)
            if rejection is None:
                self._gates.add(item.id, item.instruction)
            found.append(rejection)
        return found

    def _expect(self, active: _Active, step: Ask) -> None:
        """Tell the progress of questions that it does not know of."""
        known = 0 if active.has_asked else self._first_questions
        active.has_asked = True
        self._progress.expect(len(step.requests) - known)


def _misuse(active: _Active) -> NoReturn:
    msg = f"job {active.place} came to the gates twice, or where there are none"
    raise RuntimeError(msg)
