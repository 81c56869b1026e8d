"""Values that travel between generators, teachers and the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Endpoint = Literal["chat/completions", "completions"]


@dataclass(frozen=True, slots=True)
class Seed:
    """One task with an answer its author stands behind."""

    id: str
    category: str
    language: str
    instruction: str
    input: str
    output: str
    topic: str = ""  # words of the instruction that say what it is about; "" = not marked

    @property
    def opener(self) -> str:
        """What stands before the topic, such as `Why is`; "" where no topic is marked."""
        return self.instruction.partition(self.topic)[0].strip() if self.topic else ""


@dataclass(frozen=True, slots=True)
class GivenTask:
    """A task that is to be answered.

    Attributes:
        id: content id of its user turn.
        instruction: what to do.
        input: what to do it with, "" where there is nothing.
        parents: seeds it was made from.
        system: system turn, "" for none.
        license: licence of the prompt, null where the teacher wrote it.
        raw: the record it was read from, JSON; "" where the teacher wrote it.
        arm: what a generator chose to make it; "" for nothing.
        about: what is known of it, JSON values; empty for nothing.
    """

    id: str
    instruction: str
    input: str
    parents: tuple[str, ...] = ()
    system: str = ""
    license: str | None = None
    raw: str = ""
    arm: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TeacherRequest:
    """One question for the teacher.

    Attributes:
        endpoint: path below the base URL.
        body: JSON body without `model`, which the teacher adds.
        sample: number of the draw; asking the same body again for another answer takes another
            sample number, so that the journal does not replay the first one.
        json_schema: JSON Schema of the answer, for servers that can keep to one.
        may_grow: whether an answer that its token limit cut may be asked for again with more.
    """

    endpoint: Endpoint
    body: Mapping[str, Any]
    sample: int = 0
    json_schema: Mapping[str, Any] | None = None
    may_grow: bool = False


@dataclass(frozen=True, slots=True)
class TeacherReply:
    """What came back, or why nothing did.

    Attributes:
        key: journal key of the request.
        text: the generated text, "" where there is none.
        finish_reason: `stop`, `length`, `content_filter` ..., "" where the server gave none.
        model: the model that answered, as the server names it.
        teacher: position in the recipe's list of the teacher that was asked.
        prompt_tokens: tokens billed for the prompt.
        completion_tokens: tokens billed for the answer.
        error: one line, null where the reply is usable.
        raw: the reply body as it came.
        replayed: whether it came from the journal.
        is_stored: whether the journal has it; what may pass is not stored.
    """

    key: str
    text: str = ""
    finish_reason: str = ""
    model: str = ""
    teacher: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None
    raw: str = field(default="", repr=False)
    replayed: bool = False
    is_stored: bool = False
