"""The words in which a method and whoever runs it talk: jobs, questions, gates, drafts.

A job is a Python generator. It yields what it wants, `Ask`, `Gate` or `Work`, is sent what came of
it, and returns its drafts. It touches nothing itself, so a test can play teacher and gate.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from quality.formats.parse import Message
from quality.gates import Rejection
from schemas.records import TeacherReply, TeacherRequest


class Ask(NamedTuple):
    """Put questions to the teacher; one reply each comes back, in their order.

    Attributes:
        requests: may be none.
    """

    requests: Sequence[TeacherRequest]


class Candidate(NamedTuple):
    """An instruction at the gates.

    Attributes:
        id: of the task, by which later ones are told what they repeat.
        instruction: without its input.
        is_truncated: whether a token limit cut it.
    """

    id: str
    instruction: str
    is_truncated: bool = False


class Gate(NamedTuple):
    """Hold instructions against all earlier ones; a rejection or null each comes back.

    Those that pass count as earlier ones from then on. Jobs pass in their order, however long their
    questions took, so a job may come to the gates once.
    """

    candidates: Sequence[Candidate]


class Work(NamedTuple):
    """Have something slow done beside the questions of other jobs; what it returned comes back.

    Attributes:
        call: run in a thread, so it shares nothing that changes.
    """

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a job made: a row, or an attempt at one.

    Attributes:
        reply: whose text it is; its raw body, teacher and key go into the row. Null where nobody
            was asked.
        instruction: first user turn without its input.
        input: "" where there is none.
        output: the answer; null where it never came to one.
        system: system turn, "" for none.
        messages: the whole conversation; null: it is one exchange of the fields above.
        rejected: an answer that lost to the last turn.
        parents: ids of seeds or rows it was made from.
        arm: what its method chose to make it, such as an operator or a topic; "" for nothing.
        about: what is known of it, JSON values; empty for nothing.
        license: of its text; null takes that of the teacher.
        raw: the record as it came; null takes that of the reply.
        rejection: why it is no row; null: it is one.
        action: `drop` or `quarantine`, where it is no row.
    """

    reply: TeacherReply | None
    instruction: str = ""
    input: str = ""
    output: str | None = None
    system: str = ""
    messages: Sequence[Message] | None = None
    rejected: str | None = None
    parents: Sequence[str] = ()
    arm: str = ""
    about: Mapping[str, Any] | None = None
    license: str | None = None
    raw: str | None = None
    rejection: Rejection | None = None
    action: str = "drop"


Step: TypeAlias = Ask | Gate | Work
Job: TypeAlias = Generator[Step, Any, list[Draft]]
