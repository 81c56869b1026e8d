"""The forms of well-known datasets, rewritten into forms that are read here.

HC3 (a question with people's and a model's answers), WebGPT comparisons (two answers with
scores), the human feedback on summaries (two summaries and a choice), Anthropic's HH (two
transcripts) and OIG (one transcript). Fields are added, none is taken away.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from quality.formats.parse import Message, Record

_ROLES: Final = {"human": "user", "user": "user", "assistant": "assistant", "bot": "assistant"}
_SPEAKER: Final = re.compile(
    r"(?:\A\s*|\n+)(?:<(human|user|assistant|bot)>|(Human|Assistant))[ \t]*:[ \t]*", re.IGNORECASE
)
_ANSWERS: Final = {"human_answers": "human", "chatgpt_answers": "chatgpt"}
_SUMMARISE: Final = "Summarise this text in a sentence or two."


def unfold(record: Record) -> list[Record]:
    r"""Return the records that a record of a known dataset stands for; any other as it is.

    Args:
        record: a JSON object as decoded.

    Example:
        >>> [one["answer"] for one in unfold({"question": "1 + 1?", "human_answers": ["2", "Two"]})]
        ['2', 'Two']
        >>> unfold({"text": "<human>: Hi\\n<bot>: Hello"})[0]["messages"][1]
        {'role': 'assistant', 'content': 'Hello'}
    """
    if isinstance(record.get("question"), str) and any(name in record for name in _ANSWERS):
        return _answers(record)
    for rewrite in (_comparison, _summaries, _transcripts, _transcript):
        found = rewrite(record)
        if found is not None:
            return [{**record, **found}]
    return [record]


def _answers(record: Record) -> list[Record]:
    rest = {key: value for key, value in record.items() if key not in _ANSWERS}
    found = [
        {**rest, "answer": answer, "answered_by": who}
        for field, who in _ANSWERS.items()
        for answer in _listed(record.get(field))
    ]
    return [*found] or [record]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _comparison(record: Record) -> Record | None:
    names = ("answer_0", "answer_1")
    question, scores = record.get("question"), [record.get("score_0"), record.get("score_1")]
    if isinstance(question, Mapping):
        question = question.get("full_text")
    if not question or not all(isinstance(record.get(name), str) for name in names):
        return None
    first, second = scores
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return None
    return (
        None if first == second else _choose([record[n] for n in names], first < second, question)
    )


def _summaries(record: Record) -> Record | None:
    info, both, choice = record.get("info"), record.get("summaries"), record.get("choice")
    if not isinstance(info, Mapping) or not isinstance(both, list) or choice not in (0, 1):
        return None
    texts = [one.get("text") if isinstance(one, Mapping) else None for one in both]
    post = info.get("post") or info.get("article")
    if len(texts) != 2 or not post:
        return None
    return {**_choose(texts, bool(choice), None), "instruction": _SUMMARISE, "input": post}


def _choose(two: list[Any], second_won: bool, question: object) -> dict[str, Any]:  # noqa: FBT001
    won, lost = (two[1], two[0]) if second_won else (two[0], two[1])
    asked = {} if question is None else {"prompt": question}
    return {**asked, "chosen": won, "rejected": lost}


def _transcripts(record: Record) -> Record | None:
    if record.get("prompt") or record.get("instruction"):
        return None
    chosen, rejected = (_turns(record.get(name)) for name in ("chosen", "rejected"))
    return None if chosen is None or rejected is None else {"chosen": chosen, "rejected": rejected}


def _transcript(record: Record) -> Record | None:
    turns = _turns(record.get("text"))
    return None if turns is None else {"messages": turns}


def _turns(text: object) -> list[Message] | None:
    """Split a transcript at its speakers; null where it does not begin with one."""
    if not isinstance(text, str):
        return None
    before, *parts = _SPEAKER.split(text)
    if before.strip() or len(parts) < 6:
        return None
    return [
        {"role": _ROLES[(tag or name).lower()], "content": words.strip()}
        for tag, name, words in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]
