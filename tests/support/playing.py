"""Plays teacher and gates to a generator's jobs, without a network."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.generate.engine import run_jobs
from flows.generate.stage import make_method
from flows.journal import canonical_body
from flows.methods.base import Method
from flows.methods.jobs import Ask, Draft, Gate, Job
from flows.session import RunSpec, Session
from quality.gates import InstructionGates, Rejection
from schemas.recipe import Recipe
from schemas.records import TeacherReply, TeacherRequest

#: What a teacher says to a request: a text, or a reply for what a text cannot say.
Teacher = Callable[[TeacherRequest], "str | TeacherReply"]


def asked_text(request: TeacherRequest) -> str:
    """What a request asks: its prompt, or its last turn."""
    return str(request.body.get("prompt") or request.body["messages"][-1]["content"])


def reply_to(teacher: Teacher, request: TeacherRequest) -> TeacherReply:
    """The teacher's reply, under a key of its own."""
    said = teacher(request)
    key = f"{canonical_body(request.body)}#{request.sample}"
    return said if isinstance(said, TeacherReply) else TeacherReply(key, text=said)


def play(
    job: Job,
    teacher: Teacher,
    gate: Callable[[str], Rejection | None] = lambda _: None,
) -> list[Draft]:
    """Take a job to its end."""
    answer: Any = None
    while True:
        try:
            step = job.send(answer)
        except StopIteration as end:
            drafts: list[Draft] = end.value
            return drafts
        match step:
            case Ask():
                answer = [reply_to(teacher, request) for request in step.requests]
            case Gate():
                answer = [gate(candidate.instruction) for candidate in step.candidates]


@contextmanager
def method_of(base: Path, /, generator: dict[str, Any], **recipe: Any) -> Iterator[Method]:
    """A generator's method in a session that has no teacher to ask."""
    earlier = recipe.pop("earlier", None)
    hosted = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    fields = {"name": "set", "teacher": hosted, "generators": [generator], **recipe}
    made = Recipe.model_validate(fields)
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    session = Session(spec)
    more = {} if earlier is None else {"earlier": lambda: earlier}
    try:
        yield make_method(session, made.generators[0], **more)
    finally:
        session.close()


class _Panel:
    """Answers in the order of the questions, and fetches further ones when a seed says so."""

    def __init__(self, teacher: Teacher, seed: int) -> None:
        self.teacher = teacher
        self.rng = random.Random(seed)

    async def ask(self, groups: AsyncIterator[list[TeacherRequest]]) -> AsyncIterator[TeacherReply]:
        waiting: asyncio.Queue[TeacherRequest | None] = asyncio.Queue(maxsize=5)

        async def feed() -> None:
            try:
                async for group in groups:
                    for request in group:
                        await waiting.put(request)
                    await self._dawdle()
            finally:
                await waiting.put(None)

        feeder = asyncio.create_task(feed())
        while (request := await waiting.get()) is not None:
            await self._dawdle()
            yield reply_to(self.teacher, request)
        await feeder

    async def _dawdle(self) -> None:
        for _ in range(self.rng.randrange(6)):
            await asyncio.sleep(0)


class _Progress:
    def expect(self, number: int) -> None:
        """Nobody looks."""

    def advance(self) -> None:
        """Nobody looks."""


def run_together(jobs: Iterable[Job], teacher: Teacher, *, seed: int) -> list[list[Draft]]:
    """Run jobs side by side, as a run does, with replies that dawdle as a seed says."""

    async def collect() -> list[list[Draft]]:
        found = run_jobs(
            _Panel(teacher, seed),  # type: ignore[arg-type]
            iter(jobs),
            gates=InstructionGates(),
            progress=_Progress(),  # type: ignore[arg-type]
        )
        return [drafts async for drafts in found]

    return asyncio.run(asyncio.wait_for(collect(), 30))
