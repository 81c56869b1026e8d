"""What the generators share that ask for one text: a task, a question, a turn."""

import re

from flows.generators.respond import parse_answer
from flows.generators.self_instruct import Proposal
from quality.text import is_placeholder_input, normalise_text
from schemas.records import TeacherReply

#: How requests say where the text or data goes that a task works on.
INPUT_RULE = (
    "If it works on a text or on data, put that last, written out in full, after a line that says "
    "Input:"
)
_INPUT = re.compile(r"^[ \t#*]*(?:input|eingabe)[ \t]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)
_FENCED = re.compile(r"\A```[a-z]*\n(.*)\n```\Z", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»"}


def show_task(instruction: str, context: str) -> str:
    """Write a task as one text.

    Args:
        instruction: what to do.
        context: its input, "" where it has none.
    """
    return f"{instruction}\nInput: {context}" if context else instruction


def read_task(reply: TeacherReply) -> Proposal | None:
    r"""Read the task that a reply is; null where it is empty; never raises.

    Args:
        reply: whose whole text is a task, with its input after a line that says so.

    Example:
        >>> read_task(TeacherReply("k", text='"Add these.\nInput: 1 and 2"')).input
        '1 and 2'
    """
    text = parse_answer(reply)
    fenced = _FENCED.match(text)
    text = (fenced.group(1) if fenced else text).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1]
    parts = _INPUT.split(text, maxsplit=1)
    instruction = normalise_text(parts[0])
    context = normalise_text(parts[1]) if len(parts) > 1 else ""
    if not instruction:
        instruction, context = context, ""
    if not instruction:
        return None
    if is_placeholder_input(context, instruction):
        context = ""
    return Proposal(instruction, context, truncated=reply.finish_reason == "length")
