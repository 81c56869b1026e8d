"""Self-Instruct: ask for new tasks after a few seeds, and read them from any reply.

Source: Wang et al. 2022, https://arxiv.org/abs/2212.10560, and Stanford Alpaca (2023). Differs:
no item is lost at a fixed count, an item cut by the token limit is marked instead of dropped, a
stop sequence cannot end inside a number, and chat models are asked for JSON.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from flows.generators.drawing import Draw, continue_text, one_line
from flows.generators.respond import draw_seed
from quality.text import is_placeholder_input, normalise_text
from schemas.records import Seed, TeacherReply, TeacherRequest

Style = Literal["completions", "chat", "topics"]

# A base model continues what it sees, so the heading says what the list is, not what to do.
_HEADINGS = {
    "en": "Common tasks, each about a different everyday topic, with short, well-known answers.",
    "de": "Häufige Aufgaben, jede zu einem anderen Alltagsthema, mit kurzen, bekannten Antworten.",
}
_TOPIC_LABELS = {"en": ("Topic", "Question"), "de": ("Thema", "Frage")}
_CHAT_SYSTEM = (
    "You write varied, self-contained tasks for a text-only assistant. "
    "You reply with JSON and nothing else."
)
_CHAT_REQUEST = """\
Here are {shown} example tasks:

{examples}

Write {number} new tasks.
- Vary verb, topic, length and kind: questions, orders, open and closed tasks.
- Each can be solved from its text alone: no files, pictures, links, tools or earlier talk.
- "instruction" is one or two sentences. "input" is the concrete text or data that the task works \
on, written out in full; "" where the instruction says it all.
- Same language as the examples. No answers.

Reply with a JSON object: {{"tasks": [{{"instruction": "...", "input": "..."}}]}}"""

# For servers that can keep to a schema; replies of all others are read tolerantly, too.
_TASK_FIELDS = ("instruction", "input")
_TASKS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tasks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in _TASK_FIELDS},
                "required": list(_TASK_FIELDS),
                "additionalProperties": False,
            },
        }
    },
    "required": ["tasks"],
    "additionalProperties": False,
}

_NUMBER = re.compile(
    r"^[ \t]*(?:\*\*|#+[ \t]*)?(?:(?:task|aufgabe|instruction)[ \t]*)?"
    r"\d{1,3}[ \t]*(?:[.):](?!\d)|-(?=[ \t]))(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)
_FIELD = re.compile(
    r"^[ \t]*(?:\*\*)?(instruction|task|aufgabe|input|eingabe|output|answer|ausgabe|antwort)"
    r"[ \t]*:(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_INPUTS = frozenset({"input", "eingabe"})
_INSTRUCTIONS = frozenset({"instruction", "task", "aufgabe"})
_ITEM_KEYS = ("instruction", "task", "question", "prompt")
_CUT_INSTRUCTION = re.compile(r'"instruction"\s*:\s*"((?:[^"\\]|\\.)*)')


@dataclass(frozen=True, slots=True)
class Proposal:
    """A task that a teacher proposed.

    Attributes:
        instruction: the task.
        input: what it works on, "" where there is none.
        truncated: whether the token limit cut it.
    """

    instruction: str
    input: str = ""
    truncated: bool = False


def render_proposals(
    seeds: Sequence[Seed],
    *,
    style: Style,
    number: int = 10,
    temperature: float = 0.7,
    max_tokens: int = 1024,
    sample: int = 0,
) -> TeacherRequest:
    """Ask for new tasks in the manner of `seeds`.

    Args:
        seeds: tasks to show, in this order.
        style: `completions` lets a base or small model continue a numbered list, `chat` asks an
            instructed model for JSON; for `topics` see `render_topic_proposal`.
        number: new tasks asked for.
        temperature: of the sampling.
        max_tokens: limit of the whole list, in tokens.
        sample: number of the draw.

    Returns:
        A request whose body depends on the arguments alone.
    """
    if style == "completions":
        prompt = _list_prompt(seeds)
        # The line break keeps "\n20." from matching inside "2020."; a blank line ends the list.
        asked: dict[str, Any] = {
            "prompt": prompt,
            "stop": [f"\n{len(seeds) + number + 1}.", "\n\n"],
        }
        endpoint: Literal["completions", "chat/completions"] = "completions"
    else:
        prompt = _chat_prompt(seeds, number)
        system = {"role": "system", "content": _CHAT_SYSTEM}
        asked = {"messages": [system, {"role": "user", "content": prompt}]}
        endpoint = "chat/completions"
    limits = {"temperature": temperature, "max_tokens": max_tokens}
    body = {**asked, **limits, "seed": draw_seed(sample, prompt)}
    schema = _TASKS_SCHEMA if style == "chat" else None
    return TeacherRequest(endpoint, body, sample, json_schema=schema)


def render_topic_proposal(
    seeds: Sequence[Seed],
    *,
    topic: str,
    opener: str,
    temperature: float,
    max_tokens: int,
    sample: int,
) -> TeacherRequest:
    """Let a small model finish one question about a topic, whose first words are given.

    A list that such a model writes by itself comes back to the same few subjects: of 637 proposals
    255 repeated an earlier one. Given topic and first words, a proposal costs six tokens instead of
    seventy and they differ. The seeds come first and stay the same, so that the server reads them
    once.

    Args:
        seeds: tasks with a marked topic, to show in this order.
        topic: what the new task is about.
        opener: its first words, "" for none.
        temperature: of the sampling.
        max_tokens: limit of the question, in tokens.
        sample: number of the draw.
    """
    language = seeds[0].language if seeds else "en"
    about, asks = _TOPIC_LABELS.get(language, _TOPIC_LABELS["en"])
    lines = [_HEADINGS.get(language, _HEADINGS["en"])]
    for seed in seeds:
        lines += [f"{about}: {seed.topic}", f"{asks}: {one_line(seed.instruction)}"]
    lines += [f"{about}: {topic}", f"{asks}: {opener}".rstrip()]
    prompt = "\n".join(lines)
    return continue_text(prompt, Draw(temperature, max_tokens, sample))


def parse_topic_proposal(reply: TeacherReply, *, opener: str) -> list[Proposal]:
    """Return the question that a reply finishes; [] where it is empty; never raises.

    Args:
        reply: of a request from `render_topic_proposal`.
        opener: as given there.
    """
    rest = one_line(reply.text)
    if not rest:
        return []
    return [_proposal(f"{opener} {rest}".strip(), "", truncated=reply.finish_reason == "length")]


def parse_proposals(reply: TeacherReply, *, style: Style, number: int) -> list[Proposal]:
    r"""Return every task of a reply, in its order; [] where there is none; never raises.

    Args:
        reply: of a request from `render_proposals`.
        style: as asked.
        number: tasks asked for; 1 means that the whole text is one task. More than asked for are
            returned too: they are paid for.

    Example:
        >>> reply = TeacherReply("k", text=" Name a river.\n5. Why is", finish_reason="length")
        >>> found = parse_proposals(reply, style="completions", number=2)
        >>> [(task.instruction, task.truncated) for task in found]
        [('Name a river.', False), ('Why is', True)]
    """
    cut = reply.finish_reason == "length"
    if style == "chat":
        items = _json_items(reply.text)
        if items is not None:
            found = list(_from_json(items, reply.text if cut else ""))
            return [proposal for proposal in found if proposal.instruction]
    pieces = [reply.text] if number == 1 else _split_list(reply.text)
    proposals = [_from_text(piece) for piece in pieces]
    if cut and proposals:
        last = proposals[-1]
        proposals[-1] = Proposal(last.instruction, last.input, truncated=True)
    return [proposal for proposal in proposals if proposal.instruction]


def _list_prompt(seeds: Sequence[Seed]) -> str:
    heading = _HEADINGS.get(seeds[0].language if seeds else "en", "")
    lines = [heading] if heading else []
    for position, seed in enumerate(seeds, start=1):
        lines.append(f"{position}. {one_line(seed.instruction)}")
        if seed.input:
            lines.append(f"Input: {one_line(seed.input)}")
    return "\n".join([*lines, f"{len(seeds) + 1}."])


def _chat_prompt(seeds: Sequence[Seed], number: int) -> str:
    tasks = [{"instruction": seed.instruction, "input": seed.input} for seed in seeds]
    examples = "\n".join(json.dumps(task, ensure_ascii=False) for task in tasks)
    return _CHAT_REQUEST.format(shown=len(tasks), examples=examples, number=number)


def _split_list(text: str) -> list[str]:
    """Cut a list at its markers; what stands before the first one is an item as well.

    Bullets count only where no number does: a numbered item may hold a bulleted list.
    """
    marker = _NUMBER if _NUMBER.search(text) else _BULLET
    starts = [match.start() for match in marker.finditer(text)]
    pieces = [text[start:end] for start, end in pairwise([0, *starts, len(text)])]
    return [marker.sub("", piece, count=1) for piece in pieces if piece.strip()]


def _from_text(piece: str) -> Proposal:
    """Read one item: instruction first, then fields that name themselves."""
    parts = _FIELD.split(piece)
    instruction, context = parts[0], ""
    for name, value in zip(parts[1::2], parts[2::2], strict=True):
        if name.casefold() in _INPUTS:
            context = context or value
        elif name.casefold() in _INSTRUCTIONS:
            instruction = instruction.strip() or value
    return _proposal(instruction, context)


def _proposal(instruction: str, context: str, *, truncated: bool = False) -> Proposal:
    instruction = normalise_text(instruction.strip().strip("*"))
    context = normalise_text(context)
    if is_placeholder_input(context, instruction):
        context = ""
    return Proposal(instruction, context, truncated=truncated)


def _json_items(text: str) -> list[Any] | None:
    """Return the items of the first JSON array, whole ones only; null where there is no array."""
    start = text.find("[")
    if start < 0:
        return None
    items: list[Any] = []
    decoder, position = json.JSONDecoder(), start + 1
    while True:
        position = _skip(text, position)
        if position >= len(text) or text[position] == "]":
            return items
        try:
            item, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            # Not JSON at all, or the item that the token limit cut.
            return items if items or '"instruction"' in text[start:] else None
        items.append(item)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position


def _from_json(items: Sequence[Any], cut_text: str) -> Iterator[Proposal]:
    for item in items:
        if isinstance(item, str):
            yield _proposal(item, "")
        elif isinstance(item, dict):
            texts = [item.get(key) for key in _ITEM_KEYS]
            instruction = next((text for text in texts if isinstance(text, str)), "")
            context = item.get("input")
            yield _proposal(instruction, context if isinstance(context, str) else "")
    cut = _CUT_INSTRUCTION.findall(cut_text)[len(items) :]
    if cut:
        yield _proposal(cut[-1], "", truncated=True)
