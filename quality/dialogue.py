"""When a dialogue that a model holds with itself should end: by rule, one name each."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from rapidfuzz.distance import LCSseq

from quality.rouge import f_measure, tokenize
from quality.text import normalise_text

_COPIED_GRAM: Final = 4  # words
_COPIED_SHARE: Final = 0.6
_LONG_STATEMENT: Final = 60  # words

# Whoever has a question left asks it, so a turn with a question mark is no goodbye.
_GOODBYE = re.compile(
    r"\b(?:thanks|thank you|thx|good ?bye|bye(?:[ -]bye)?|see you|take care|have a (?:nice|good|"
    r"great) (?:day|one|evening|weekend)|that(?:['’]s| is| was) all|no (?:more|further) questions|"
    r"danke|vielen dank|tschüss|auf wiedersehen|bis bald|das war(?:['’]s| alles)|keine (?:weiteren "
    r")?fragen)\b",
    re.IGNORECASE,
)
# What assistants say and people who ask do not.
_ASSISTANT = re.compile(
    r"\A\W*(?:assistant\s*:|(?:sure|certainly|absolutely|of course|gern(?:e)?|natürlich)[!,.:]"
    r"|as an? (?:ai|language model|assistant)\b|als (?:ki|sprachmodell)\b"
    r"|you(?:['’]re| are) (?:very |most )?welcome|gern geschehen|here (?:is|are|['’]s)\b"
    r"|hier (?:ist|sind)\b|i(?:['’]d| would)(?: be)? (?:happy|glad|love) to (?:help|assist|explain)"
    r"|i(?:['’]m| am) (?:here|happy|glad) to (?:help|assist)|i hope this helps)"
    r"|\b(?:how (?:can|may) i (?:help|assist) you|is there anything else (?:i can|you)"
    r"|let me know if you (?:have|need)|feel free to ask|wie kann ich (?:ihnen|dir) helfen)",
    re.IGNORECASE,
)


class Stop(NamedTuple):
    """Why a dialogue ends.

    Attributes:
        rule: name of the reason.
        evidence: the piece of text that shows it.
        value: what was measured, null where nothing is.
    """

    rule: str
    evidence: str = ""
    value: float | None = None


def judge_user_turn(
    turn: str, questions: Sequence[str], answer: str, *, max_similarity: float
) -> Stop | None:
    """Say whether a dialogue ends with what its user says next, which then is no part of it.

    Args:
        turn: what the user says.
        questions: the user's turns before.
        answer: the assistant's last turn, "" before the first.
        max_similarity: ROUGE-L with an earlier question from which on a turn says nothing new.

    Returns:
        `empty_turn`, `role_confusion`, `goodbye`, `nothing_new`, or null: it goes on.

    Example:
        >>> judge_user_turn("Thanks, bye!", ["Why?"], "So.", max_similarity=0.7).rule
        'goodbye'
        >>> judge_user_turn("Thanks! And why?", ["Who?"], "Me.", max_similarity=0.7) is None
        True
    """
    if not any(character.isalnum() for character in turn):
        return Stop("empty_turn", turn[:100])
    found = _ASSISTANT.search(turn)
    if found is not None:
        return Stop("role_confusion", found.group())
    words = len(turn.split())
    if words > _LONG_STATEMENT and "?" not in turn:
        return Stop("role_confusion", f"{words} words and no question", float(words))
    found = _GOODBYE.search(turn)
    if found is not None and "?" not in turn:
        return Stop("goodbye", found.group())
    return _repeats(turn, questions, max_similarity) or _copies(turn, answer)


def judge_answer(answer: str, answers: Sequence[str], *, max_similarity: float) -> Stop | None:
    """Say whether a dialogue ends because its assistant repeats itself or says nothing.

    Args:
        answer: what the assistant says.
        answers: its turns before.
        max_similarity: ROUGE-L with an earlier one from which on it is a repetition.

    Returns:
        `empty_answer`, `nothing_new`, or null: it goes on.
    """
    if not answer.strip():
        return Stop("empty_answer")
    return _repeats(answer, answers, max_similarity)


def _repeats(turn: str, earlier: Sequence[str], max_similarity: float) -> Stop | None:
    found = [(_similarity(turn, text), text) for text in earlier]
    value, text = max(found, default=(-1.0, ""), key=lambda item: item[0])
    if value < max_similarity:
        return None
    return Stop("nothing_new", f"repeats {text[:100]!r}", value)


def _similarity(left: str, right: str) -> float:
    """ROUGE-L; of texts in a script that it has no words for, whether they are equal."""
    one, other = tokenize(left), tokenize(right)
    if not one or not other:
        return float(normalise_text(left) == normalise_text(right))
    return f_measure(LCSseq.similarity(one, other), len(one), len(other))


def _copies(turn: str, answer: str) -> Stop | None:
    """Whether a turn mostly hands the answer back."""
    own, given = _grams(turn), set(_grams(answer))
    if len(own) < _COPIED_GRAM:
        return None
    share = sum(gram in given for gram in own) / len(own)
    if share < _COPIED_SHARE:
        return None
    return Stop("nothing_new", "repeats the answer before it", share)


def _grams(text: str) -> list[tuple[str, ...]]:
    tokens = tokenize(text)
    return list(zip(*(tokens[start:] for start in range(_COPIED_GRAM)), strict=False))
