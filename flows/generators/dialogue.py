"""Self-chat: the user's first question, and what the user says next.

Source: Xu et al. 2023, Baize, https://arxiv.org/abs/2304.01196, and Ding et al. 2023, UltraChat,
https://arxiv.org/abs/2305.14233. Differs: user and assistant are asked apart, each under its own
system turn, one turn at a time, so that a dialogue ends by rules and not where one reply ends.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from flows.generators.drawing import Draw, continue_text
from flows.generators.respond import parse_answer, render_chat
from quality.text import normalise_text
from schemas.records import TeacherReply, TeacherRequest

#: Who the user is, where the recipe does not say.
USER_SYSTEM: Final = (
    "You play a curious person who talks to an assistant. You ask, the assistant answers. Say only "
    "what the person says next: one short message that follows from the last answer, such as a "
    "follow-up question, a doubt, or a wish for an example. Never answer questions yourself, never "
    "speak for the assistant. When nothing is left to ask, say thank you and goodbye."
)
_BEGIN: Final = "Begin the conversation with your first question. It is about {topic}. {language}"
_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "Speak English.", "de": "Sprich Deutsch."}
)
_START: Final = "(The conversation begins.)"

# Two short conversations tell a small model what one looks like; a blank line ends each.
_SHOWN: Final = """\
Conversations between a curious user, who asks, and an assistant, who answers.

User: Why do leaves turn yellow in autumn?
Assistant: Trees stop making the green colour in autumn, and the yellow below it can be seen.
User: Does every tree do this?
Assistant: No. Trees such as firs and pines keep their green needles all year.
User: How do their needles survive the cold?
Assistant: A layer of wax keeps the water inside, and they are too narrow to break under snow.
User: Thank you, goodbye!

User: How is salt won from the sea?
Assistant: Sea water is led into flat ponds, where the sun dries it until only the salt is left.
User: How long does the water need to dry?
Assistant: In a hot and windy summer a few weeks are enough.
User: Thank you, goodbye!
"""
_LABEL = re.compile(r"\A\s*(?:user|human|person|benutzer|nutzer)\s*:\s*", re.IGNORECASE)


class Part(NamedTuple):
    """Who plays the user.

    Attributes:
        system: who they are; null: a curious person.
        language: ISO 639-1 code of what they speak.
        is_small: whether a small model finishes a dialogue instead of playing a part.
    """

    system: str | None = None
    language: str = "en"
    is_small: bool = False


def render_opening(topic: str, *, opener: str, part: Part, draw: Draw) -> TeacherRequest:
    """Ask for the first question of a user.

    Args:
        topic: what it is about.
        opener: its first words, which a small model is given.
        part: who asks.
        draw: how the question is drawn.
    """
    if part.is_small:
        return continue_text(f"{_SHOWN}\nTopic: {topic}\nUser: {opener}".rstrip(), draw)
    spoken = _LANGUAGES.get(part.language, f"Language: {part.language}.")
    turn = {"role": "user", "content": _BEGIN.format(topic=topic, language=spoken)}
    return _as_user([turn], part, draw)


def render_user_turn(
    turns: Sequence[Mapping[str, str]], *, part: Part, draw: Draw
) -> TeacherRequest:
    """Ask for what the user says next.

    Args:
        turns: the dialogue, which ends with the assistant.
        part: who asks.
        draw: how the turn is drawn.
    """
    if part.is_small:
        lines = [
            f"{turn['role'].capitalize()}: {' '.join(turn['content'].split())}" for turn in turns
        ]
        return continue_text("\n".join([_SHOWN, *lines, "User:"]), draw)
    # Whoever plays the user sees their own words as those of the model.
    swapped = [{"role": _OTHER[turn["role"]], "content": turn["content"]} for turn in turns]
    return _as_user([{"role": "user", "content": _START}, *swapped], part, draw)


def parse_user_turn(reply: TeacherReply, *, opener: str = "") -> str:
    """Return what the user says, "" where that is nothing; never raises.

    Args:
        reply: of a request from `render_opening` or `render_user_turn`.
        opener: first words that a small model was given.

    Example:
        >>> parse_user_turn(TeacherReply("k", text="User: And why?"))
        'And why?'
    """
    text = normalise_text(_LABEL.sub("", parse_answer(reply)))
    return f"{opener} {text}" if opener and text else text


_OTHER: Final[Mapping[str, str]] = MappingProxyType({"user": "assistant", "assistant": "user"})


def _as_user(turns: Sequence[Mapping[str, str]], part: Part, draw: Draw) -> TeacherRequest:
    return render_chat(
        turns,
        system=part.system or USER_SYSTEM,
        temperature=draw.temperature,
        max_tokens=draw.max_tokens,
        sample=draw.sample,
    )
