"""Requests for one text, to be continued or ordered, and how it is drawn."""

from collections.abc import Sequence
from typing import NamedTuple

from flows.generators.respond import draw_seed
from schemas.records import TeacherRequest


class Draw(NamedTuple):
    """How a text is drawn.

    Attributes:
        temperature: of the sampling.
        max_tokens: limit of the text, in tokens.
        sample: number of the draw.
    """

    temperature: float
    max_tokens: int
    sample: int


def continue_text(prompt: str, draw: Draw, *, stops: Sequence[str] = ("\n",)) -> TeacherRequest:
    """Let a model continue a text.

    Args:
        prompt: the text.
        draw: how.
        stops: texts at which it ends.
    """
    body = {
        "prompt": prompt,
        "stop": list(stops),
        "temperature": draw.temperature,
        "max_tokens": draw.max_tokens,
        "seed": draw_seed(draw.sample, prompt),
    }
    return TeacherRequest("completions", body, draw.sample)


def order_text(system: str, question: str, draw: Draw) -> TeacherRequest:
    """Ask a model for a text.

    Args:
        system: system turn.
        question: what is wanted.
        draw: how.
    """
    turns = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    body = {
        "messages": turns,
        "temperature": draw.temperature,
        "max_tokens": draw.max_tokens,
        "seed": draw_seed(draw.sample, question),
    }
    return TeacherRequest("chat/completions", body, draw.sample)


def one_line(text: str) -> str:
    """Return a text without line breaks, for prompts whose next line means something else."""
    return " ".join(text.split())
