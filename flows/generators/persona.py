"""Tasks as a given person would ask them: the request for one, and what its reply says.

Source: Chan et al. 2024, "Scaling Synthetic Data Creation with 1,000,000,000 Personas",
https://arxiv.org/abs/2406.20094. Differs: own words, own persons, several kinds of tasks, and the
person stays out of the task unless asked for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flows.generators.drawing import Draw, continue_text, order_text
from flows.generators.self_instruct import Proposal
from flows.generators.tasks import INPUT_RULE, read_task
from quality.text import normalise_text
from schemas.records import TeacherReply, TeacherRequest

_SYSTEM = (
    "You write tasks that people give to a text-only assistant. "
    "You reply with one task and nothing else."
)
_REQUEST = """\
Person: {persona}

Think of a situation in this person's life or work, and write what they would then ask an \
assistant: {wish}.

- In their words and from their situation, but without introducing themselves.
- It can be answered from its text alone: no files, pictures, links, tools or earlier talk.
- No answer. Language: {language}.
- {rule}"""

_WISHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "question": "a question about something they want to understand",
        "how_to": "how to do something, step by step",
        "maths": "a word problem with numbers from their life, which has one right result",
        "opinion": "for arguments for and against something they have to decide",
        "writing": "to write a short text for them, such as a letter, a notice or a speech",
        "planning": "to plan something for them under two or three conditions",
        "explain": "to explain something of their field to somebody who knows nothing of it",
    }
)

#: Who asks about what, for a model that continues what it sees: three for each kind of task.
_SHOWN: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = MappingProxyType(
    {
        "question": (
            ("a nurse", "night shifts", "Why is it hard to sleep during the day?"),
            ("a farmer", "apple trees", "Why do apple trees need pruning in winter?"),
            ("a teacher", "swimming", "Why do some children fear deep water?"),
        ),
        "how_to": (
            ("a nurse", "night shifts", "How can a tired person stay awake until morning?"),
            ("a farmer", "apples", "How can apples be stored over the winter?"),
            ("a teacher", "swimming", "How can a child learn to float on the back?"),
        ),
        "maths": (
            ("a nurse", "pills", "If 8 patients need 3 pills each, how many pills is that?"),
            ("a farmer", "apples", "If 4 trees give 20 apples each, how many apples is that?"),
            ("a teacher", "a trip", "If 6 children pay 5 euros each, how much money is that?"),
        ),
        "opinion": (
            ("a nurse", "night shifts", "Is it better to sleep before or after a night shift?"),
            ("a farmer", "apples", "Is it better to sell apples at a market or from the farm?"),
            ("a teacher", "lessons", "Is it better to teach children in small groups?"),
        ),
        "writing": (
            ("a nurse", "a colleague", "Write a short note that thanks a colleague for her help."),
            ("a farmer", "apples", "Write a short sign that says when fresh apples are sold."),
            ("a teacher", "a trip", "Write a short letter to parents about the next trip."),
        ),
        "planning": (
            ("a nurse", "rest", "Make a simple plan for a restful day after a night shift."),
            ("a farmer", "the harvest", "Make a simple plan for the apple harvest in September."),
            ("a teacher", "lessons", "Make a simple plan for the first lesson of the year."),
        ),
        "explain": (
            ("a nurse", "hygiene", "Explain why clean hands are important in a hospital."),
            ("a farmer", "bees", "Explain why bees are important for apple trees."),
            ("a teacher", "playing", "Explain why children learn through play."),
        ),
    }
)
_SHOWING: Final[Mapping[str, str]] = MappingProxyType({"de": "Über mich: "})


def render_task(
    persona: str, *, kind: str, language: str, is_small: bool, draw: Draw
) -> TeacherRequest:
    """Ask for what a person would ask.

    Args:
        persona: who asks, in a few words.
        kind: of task; see the options.
        language: ISO 639-1 code of the task.
        is_small: let a small model finish a list instead of telling it what to do.
        draw: how the task is drawn.
    """
    who = " ".join(persona.split())
    if is_small:
        return continue_text(_small_prompt(who, kind), draw)
    question = _REQUEST.format(persona=who, wish=_WISHES[kind], language=language, rule=INPUT_RULE)
    return order_text(_SYSTEM, question, draw)


def parse_task(reply: TeacherReply, *, is_small: bool) -> Proposal | None:
    """Return the task that a reply is; null where there is none; never raises.

    Args:
        reply: of a request from `render_task`.
        is_small: as given there.
    """
    if not is_small:
        return read_task(reply)
    # What it is about, then the task.
    task = normalise_text(" ".join(reply.text.partition(":")[2].split()))
    return Proposal(task, truncated=reply.finish_reason == "length") if task else None


def show_persona(instruction: str, persona: str, *, language: str) -> str:
    r"""Put a person before the task that they ask.

    Example:
        >>> show_persona("Why does bread rise?", "a baker", language="en")
        'About me: a baker\n\nWhy does bread rise?'
    """
    return f"{_SHOWING.get(language, 'About me: ')}{persona}\n\n{instruction}"


def _small_prompt(persona: str, kind: str) -> str:
    """Leave it to the model what the person asks about: told at once, it asks about anything."""
    lines = ["What people ask an assistant about their own work and life."]
    lines += [f"Asked by {who}, about {what}: {task}" for who, what, task in _SHOWN[kind]]
    return "\n".join([*lines, f"Asked by {persona}, about"])
