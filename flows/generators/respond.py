"""Answers: the request that asks for one, and what its reply says."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from quality.scorers.consistency import mean_logprob
from schemas.records import TeacherReply, TeacherRequest

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"\A(?:assistant|answer|response|output|antwort)\s*:\s*(?=\S)", re.IGNORECASE)
_MAX_SEED = 2**31


def render_answer(
    instruction: str,
    context: str,
    *,
    system: str | None,
    temperature: float,
    max_tokens: int,
    sample: int,
) -> TeacherRequest:
    """Ask for the answer to one task.

    Args:
        instruction: the task.
        context: its input, "" where it has none.
        system: system turn, null for none.
        temperature: 0 for the likeliest answer.
        max_tokens: limit of the answer, in tokens.
        sample: number of the draw.

    Returns:
        A chat request whose body depends on the arguments alone.
    """
    question = f"{instruction}\n\n{context}" if context else instruction
    return render_chat(
        [{"role": "user", "content": question}],
        system=system,
        temperature=temperature,
        max_tokens=max_tokens,
        sample=sample,
    )


def render_chat(
    turns: Sequence[Mapping[str, str]],
    *,
    system: str | None,
    temperature: float,
    max_tokens: int,
    sample: int,
) -> TeacherRequest:
    """Ask for the assistant's next turn of a conversation.

    Args:
        turns: the conversation without system turn, with `role` and `content`.
        system: system turn, null for none.
        temperature: 0 for the likeliest answer.
        max_tokens: limit of the answer, in tokens.
        sample: number of the draw.
    """
    messages = [{"role": "system", "content": system}] if system else []
    body: dict[str, Any] = {
        "messages": [*messages, *map(dict, turns)],
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": draw_seed(sample, system or "", *(turn["content"] for turn in turns)),
    }
    return TeacherRequest("chat/completions", body, sample, may_grow=True)


def with_confidence(request: TeacherRequest) -> TeacherRequest:
    """Ask the same, and for the log-probability of every token of the answer.

    Not part of `render_answer`: some hosted models refuse the field.

    Args:
        request: from `render_answer`.
    """
    # The two endpoints name the same wish differently: a flag, and a number of alternatives.
    wish = True if request.endpoint == "chat/completions" else 1
    return replace(request, body={**request.body, "logprobs": wish})


def parse_answer(reply: TeacherReply) -> str:
    """Return the answer without thoughts, speaker label and outer white space; never raises.

    Args:
        reply: of a request from `render_answer`.

    Example:
        >>> parse_answer(TeacherReply("k", text="<think>Easy.</think> Answer: Paris."))
        'Paris.'
    """
    text = _THOUGHTS.sub("", reply.text).strip()
    return _LABEL.sub("", text).strip()


def read_confidence(reply: TeacherReply) -> float | None:
    """Return the mean log-probability of the answer's tokens, null where the reply has none.

    Args:
        reply: of a request from `with_confidence`.

    Returns:
        Natural logarithm, at most 0; the nearer to 0, the surer the teacher.
    """
    try:
        found = json.loads(reply.raw)["choices"][0]["logprobs"]
        if "token_logprobs" in found:  # legacy completions
            return mean_logprob([float(value) for value in found["token_logprobs"]])
        return mean_logprob([float(token["logprob"]) for token in found["content"]])
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return None


def draw_seed(sample: int, *texts: str) -> int:
    """Return the sampling seed of a request, from its text and its sample number.

    Not the sample number alone: a server that starts every answer with the same random number
    starts them with the same words (seen: 60 of 110 questions began with "Can you" or "Why").

    Args:
        sample: number of the draw.
        texts: what is asked.

    Example:
        >>> draw_seed(0, "Name a river.") == draw_seed(0, "Name a river.")
        True
        >>> draw_seed(0, "Name a river.") == draw_seed(1, "Name a river.")
        False
    """
    digest = hashlib.sha256(json.dumps([sample, *texts]).encode()).digest()
    return int.from_bytes(digest[:8], "big") % _MAX_SEED
