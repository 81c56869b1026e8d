"""Evol-Instruct: ask for a harder or a different task, and whether it is one.

Source: Xu et al. 2023, WizardLM, https://arxiv.org/abs/2304.12244. Differs: the words are
feingold's own, and a small model is not asked to rewrite: it finishes a question whose first words
say what is wanted.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from flows.generators.drawing import Draw, continue_text, order_text
from flows.generators.evol_cues import CUES
from flows.generators.respond import parse_answer
from flows.generators.self_instruct import Proposal
from flows.generators.tasks import INPUT_RULE, read_task, show_task
from quality.text import normalise_text
from schemas.records import TeacherReply, TeacherRequest

_SYSTEM = "You rewrite tasks for a text-only assistant. You reply with one task and nothing else."
_REQUEST = """\
{order}

- A person must still understand it, and an assistant answer it from its text alone.
- Add {most} words at most. Same language as the given task.
- Do not answer it, and do not talk about rewriting.
- {rule}

Given task:
{task}"""

_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "add_constraints": "Make the task below a little harder: add one more condition or "
        "requirement that the answer has to meet.",
        "deepen": "Make the task below a little harder: where it asks about something, ask for "
        "more depth or a wider view of the same thing.",
        "concretise": "Make the task below a little harder: put something more specific in the "
        "place of its general terms.",
        "increase_reasoning": "Make the task below a little harder: if a few simple thoughts solve "
        "it, change it so that it takes several steps of reasoning.",
        "complicate_input": "Make the task below a little harder: give it material to work on, "
        "such as a table, a list of figures, a piece of code or a short text, written out in full.",
        "in_breadth": "Take the task below as an inspiration for a new one: same field, similar "
        "length and difficulty, but about something rarer and different.",
    }
)
_GROWTH: Final[Mapping[str, int]] = MappingProxyType({"complicate_input": 120})
_MOST_WORDS = 20

_GAIN_SYSTEM = "You compare two tasks. You reply with one word."
_GAIN_REQUEST = """\
First task:
{parent}

Second task:
{child}

Do both ask for the same: the same conditions, and the same depth and breadth of inquiry? \
Reply EQUAL if they do, DIFFERENT if they do not."""
_VERDICT = re.compile(
    r"\b(not\s+equal|unequal|different|not\s+the\s+same|equal|the\s+same)\b", re.IGNORECASE
)
_SAME: Final = frozenset({"equal", "the same"})

_SMALL_INPUT = re.compile(r"\s*\bInput:\s*")


def render_evolution(
    instruction: str, context: str, *, operator: str, is_small: bool, draw: Draw
) -> TeacherRequest:
    """Ask for what becomes of a task.

    Args:
        instruction: the task.
        context: its input, "" where it has none.
        operator: a key of the six; see the options.
        is_small: let a small model finish a question instead of asking for a rewritten task.
        draw: how the task is drawn.
    """
    if is_small:
        return continue_text(_small_prompt(instruction, operator), draw)
    question = _REQUEST.format(
        order=_ORDERS[operator],
        most=_GROWTH.get(operator, _MOST_WORDS),
        rule=INPUT_RULE,
        task=show_task(instruction, context),
    )
    return order_text(_SYSTEM, question, draw)


def parse_evolution(
    reply: TeacherReply, *, instruction: str, operator: str, is_small: bool
) -> Proposal | None:
    """Return the task that a reply is; null where there is none; never raises.

    Args:
        reply: of a request from `render_evolution`.
        instruction: as given there.
        operator: likewise.
        is_small: likewise.
    """
    if not is_small:
        return read_task(reply)
    rest = " ".join(reply.text.split())
    if not rest:
        return None
    opener = _opener(instruction, operator)
    space = "" if rest[0] in ",.;:?!" else " "
    text = normalise_text(f"{opener}{space}{rest}")
    parts = _SMALL_INPUT.split(text, maxsplit=1)
    return Proposal(
        parts[0],
        parts[1] if len(parts) > 1 else "",
        truncated=reply.finish_reason == "length",
    )


def render_gain(parent: str, child: str) -> TeacherRequest:
    """Ask whether a task says anything that the one before did not.

    Args:
        parent: the task before, with its input.
        child: the task after, likewise.
    """
    question = _GAIN_REQUEST.format(parent=parent, child=child)
    return replace(order_text(_GAIN_SYSTEM, question, Draw(0.0, 8, 0)), may_grow=True)


def parse_gain(reply: TeacherReply) -> bool | None:
    """Say whether a task is another one; null where the reply does not tell; never raises.

    A reply with both verdicts tells nothing.

    Args:
        reply: of a request from `render_gain`.

    Example:
        >>> [parse_gain(TeacherReply("k", text=text)) for text in ("EQUAL", "Not equal.", "Hm")]
        [False, True, None]
    """
    if reply.error is not None:
        return None
    found = _VERDICT.findall(parse_answer(reply).lower())
    verdicts = {" ".join(word.split()) not in _SAME for word in found}
    return verdicts.pop() if len(verdicts) == 1 else None


def _small_prompt(instruction: str, operator: str) -> str:
    cue = CUES[operator]
    lines = []
    for before, after in cue.pairs:
        lines += [f"Question: {before}", f"{cue.label}: {after}", ""]
    question = " ".join(instruction.split())
    lines += [f"Question: {question}", f"{cue.label}: {_opener(instruction, operator)}".rstrip()]
    return "\n".join(lines)


def _opener(instruction: str, operator: str) -> str:
    """The first words of the rewritten question, which a small model is given."""
    cue = CUES[operator]
    question = " ".join(instruction.split()).rstrip("?.! ")
    if cue.keeps:
        return question + cue.tail
    return cue.tail or question.partition(" ")[0]
