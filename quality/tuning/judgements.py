"""What one labelled record says of its answers."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from quality.formats.parse import (
    SYSTEM_FIELDS,
    FormatError,
    Record,
    describe_fields,
    is_present,
    text_of,
)
from quality.formats.turns import is_turn_list, parse_turns

Kind: TypeAlias = Literal["labels", "ratings", "pairs"]

#: What a labelled record has beside its texts.
WANTED: Final = "`label`, `rating`, `chosen` and `rejected`, or `src`, `pos` and `neg`"

_GOOD: Final = frozenset(
    {"good", "keep", "kept", "accept", "accepted", "yes", "true", "1", "1.0"}
    | {"gut", "behalten", "ja", "wahr"}
)
_BAD: Final = frozenset(
    {"bad", "drop", "dropped", "reject", "rejected", "no", "false", "0", "0.0"}
    | {"schlecht", "verwerfen", "nein", "falsch"}
)
_WORDS: Final = "good or bad (keep/drop, accept/reject, yes/no, true/false, 1/0, gut/schlecht)"
_RATINGS: Final = ("rating", "score")
#: Forms of a pair: the last field but one is the better answer, the last the worse.
_PAIRS: Final = (("chosen", "rejected"), ("src", "pos", "neg"))
_QUESTIONS: Final = ("prompt", "instruction", "question", "query")
_EARLIER: Final = ("conversations", "messages")
_NO_QUESTION: Final = frozenset(
    {*_EARLIER, "completion", "response", "answer", "output"} | {"chosen", "rejected", "pos", "neg"}
)
#: Differences of ratings must be finite.
# Where CoachLM's form has no input it says so.
_INPUT: Final = re.compile(r"\s+Input:\s*(?:<no input>\s*$)?")
_LARGEST: Final = 1e100
#: Two equal answers: the pair says that neither is better.
_TIE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was said of one or two answers to one question.

    Attributes:
        kind: how it was said.
        answers: records of a known form of training data; of a pair the better one first.
        values: one number an answer: 1 good, 0 bad; a rating as given; of a pair 1 and 0, or 0.5
            twice where both answers are the same.
    """

    kind: Kind
    answers: tuple[Record, ...]
    values: tuple[float, ...]


def read_judgement(record: Record) -> Judgement:
    """Read what a record says of its answers; the fields of a pair count before all others.

    Args:
        record: an object with the fields of training data, and `label`, `rating` or `score`,
            `chosen` and `rejected`, or `src`, `pos` and `neg`.

    Returns:
        The judgement. That its answers have the form of training data is not yet checked.

    Raises:
        FormatError: `unclear_label` if it says nothing or several things, `missing_instruction`
            if a pair has no question, or what the turns of a pair raise.

    Source:
        The forms of KTO and DPO in TRL, of UltraFeedback, and of Liu et al. 2024 (CoachLM),
        https://arxiv.org/abs/2311.13246. Differs: several words for one label, two of them German.

    Example:
        >>> read_judgement({"prompt": "2 + 2?", "completion": "4", "label": "gut"}).values
        (1.0,)
        >>> pair = read_judgement({"src": "2 + 2?", "pos": "4", "neg": "5"})
        >>> [answer["completion"] for answer in pair.answers]
        ['4', '5']
    """
    for fields in _PAIRS:
        if any(is_present(record.get(field)) for field in fields[-2:]):
            return _read_pair(record, fields)
    said = [field for field in ("label", *_RATINGS) if is_present(record.get(field))]
    if len(said) != 1:
        got = " and ".join(map(repr, said)) or describe_fields(record)
        msg = f"expected one of {WANTED}, got {got}"
        raise FormatError(msg, rule="unclear_label")
    if said == ["label"]:
        return Judgement("labels", (record,), (_read_label(record["label"]),))
    return Judgement("ratings", (record,), (_read_rating(record[said[0]], said[0]),))


def _read_label(value: object) -> float:
    if isinstance(value, str | int | float):
        word = str(value).strip().casefold()
        if word in _GOOD or word in _BAD:
            return float(word in _GOOD)
    msg = f"expected {_WORDS} as 'label', got {value!r:.60}"
    raise FormatError(msg, rule="unclear_label")


def _read_rating(value: object, field: str) -> float:
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if not abs(number) <= _LARGEST:
        msg = f"expected a number such as 4.5 as {field!r}, got {value!r:.60}"
        raise FormatError(msg, rule="unclear_label")
    return number


def _read_pair(record: Record, fields: Sequence[str]) -> Judgement:
    missing = [field for field in fields if not is_present(record.get(field))]
    if missing:
        msg = f"expected {missing[0]!r} beside the rest of a pair, got {describe_fields(record)}"
        raise FormatError(msg, rule="unclear_label")
    given = _read_revision(record) if fields[0] == "src" else record
    better, worse = (_put_answer(given, field) for field in fields[-2:])
    values = (_TIE, _TIE) if better == worse else (1.0, 0.0)
    return Judgement("pairs", (better, worse), values)


def _read_revision(record: Record) -> dict[str, Any]:
    """Read CoachLM's form, whose headings stand inside the texts."""
    texts = {field: text_of(record[field], field=field) or "" for field in ("src", "pos", "neg")}
    task, *context = _INPUT.split(texts["src"].removeprefix("Instruction:"), maxsplit=1)
    answers = {field: texts[field].removeprefix("Response:") for field in ("pos", "neg")}
    return {"instruction": task, "input": "".join(context), **answers}


def _put_answer(record: Record, field: str) -> dict[str, Any]:
    """Return the question of a pair with the answer in `field`, as training data."""
    answer = record[field]
    system = {name: record[name] for name in SYSTEM_FIELDS if name in record}
    turns = [answer] if isinstance(answer, Mapping) else answer
    if is_turn_list(turns):
        spoken = parse_turns(turns, field=field)
        if any(turn["role"] == "user" for turn in spoken):
            return {"messages": spoken, **system}
        answer = "\n\n".join(turn["content"] for turn in spoken)
    if any(is_present(record.get(name)) for name in _QUESTIONS):
        question = {name: record[name] for name in record if name not in _NO_QUESTION}
        return {**question, "completion": answer}
    for name in _EARLIER:
        if is_turn_list(record.get(name)):
            earlier = parse_turns(record[name], field=name)
            return {"messages": [*earlier, {"role": "assistant", "content": answer}], **system}
    msg = f"expected a question in one of {', '.join(_QUESTIONS)}, got {describe_fields(record)}"
    raise FormatError(msg, rule="missing_instruction")
