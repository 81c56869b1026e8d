"""The questions of one `ask`: fed in order, answered in any order, handed on in order."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from flows.teachers.client import Asked
from schemas.records import TeacherReply, TeacherRequest

_CHUNK = 200  # questions that are brought on their way together
_KEPT = 500  # answers that wait in memory for their turn; of the others only where they are

Requests = Iterable[TeacherRequest] | AsyncIterable[Sequence[TeacherRequest]]


class Stored(NamedTuple):
    """Where an answer is that waits in the journal instead of in memory."""

    teacher: int
    key: str
    replayed: bool


@dataclass(slots=True, eq=False)
class Stream:
    """The state of one `ask`.

    Attributes:
        done: answers that wait for their turn, by place.
        head: place of the next answer to hand on.
        fed: questions that are on their way or answered.
        is_fed: whether there are no more.
        missing: answers that an offline run does not have.
        failure: of the source of the questions.
        moved: set when the next answer is there, or the end.
        room: set when there may be room for further questions.
    """

    done: dict[int, TeacherReply | Stored] = field(default_factory=dict)
    head: int = 0
    fed: int = 0
    is_fed: bool = False
    missing: int = 0
    failure: BaseException | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_at_end(self) -> bool:
        """Whether every question is answered and every answer handed on."""
        return self.is_fed and self.head == self.fed

    @property
    def is_behind(self) -> bool:
        """Whether it is the user of the answers that everything waits for."""
        return self.head in self.done and len(self.done) > _KEPT

    def put(self, place: int, reply: TeacherReply) -> None:
        """Note an answer; what is in the journal need not wait in memory."""
        may_go = reply.is_stored and place != self.head and len(self.done) >= _KEPT
        self.done[place] = Stored(reply.teacher, reply.key, reply.replayed) if may_go else reply
        if place == self.head:
            self.moved.set()

    def take(self) -> TeacherReply | Stored:
        """Return the next answer, which must be there."""
        found = self.done.pop(self.head)
        self.head += 1
        self.room.set()
        return found


@dataclass(slots=True, eq=False)
class Item:
    """One question on its way.

    Attributes:
        stream: whose question it is.
        place: in its stream.
        request: what is asked.
        line: teachers that may answer it, in order.
        asked: the same as the first of them gets it.
        has_grown: whether it was asked again with a larger token limit.
    """

    stream: Stream
    place: int
    request: TeacherRequest
    line: list[int]
    asked: Asked
    has_grown: bool = False


async def groups(requests: Requests) -> AsyncIterator[Sequence[TeacherRequest]]:
    """Give questions in groups, whatever they come from."""
    if isinstance(requests, AsyncIterable):
        async for group in requests:
            yield group
        return
    source = iter(requests)
    while group := list(islice(source, _CHUNK)):
        yield group
