"""Which fields of a benchmark's record hold the question, and what belongs to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

#: Fields that hold a question; the first that is there counts.
QUESTIONS: Final = (
    *("question", "instruction", "prompt", "problem", "query", "text"),
    *("turns", "messages", "conversations"),
)
#: Fields with what the question is about.
GIVEN: Final = ("input", "context", "passage")
#: Fields with the options to choose from.
OPTIONS: Final = ("choices", "options", "endings")
#: Fields with an id.
NAMES: Final = ("id", "task_id", "question_id", "item_id", "uid", "key")

_USER: Final = ("user", "human", "prompter")
_LONGEST_NAME = 60


class Question(NamedTuple):
    """What a record asks; see `BenchmarkItem` for the fields."""

    text: str
    given: str
    more: tuple[str, ...]
    name: str


def read_question(record: object) -> Question | None:
    """Return what a record of a benchmark asks; None where no field is known.

    Example:
        >>> read_question({"task_id": "T/1", "question": "Which?", "choices": ["This", "That"]})
        Question(text='Which?', given='', more=('This', 'That'), name='T/1')
        >>> read_question({"messages": [{"role": "user", "content": "Why?"}]}).text
        'Why?'
    """
    if not isinstance(record, Mapping):
        return None
    field = next((name for name in QUESTIONS if record.get(name) is not None), None)
    if field is None:
        return None
    first, *later = _turns(record[field]) or [""]
    options = [part for name in OPTIONS for part in _texts(record.get(name))]
    given = [part for name in GIVEN for part in _texts(record.get(name))]
    return Question(first, "\n".join(given), (*later, *options), _name(record))


def _turns(value: object) -> list[str]:
    """Return the user's turns: a text, a list of texts, or of messages."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return _texts(value)
    turns = []
    for turn in value:
        if isinstance(turn, Mapping):
            if turn.get("role", turn.get("from")) in _USER:
                turns += _texts(turn.get("content", turn.get("value")))
        else:
            turns += _texts(turn)
    return turns


def _texts(value: object) -> list[str]:
    """Return what a field says: a text, texts, or `{"text": ...}` as in ARC and CommonsenseQA."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Mapping):
        return _texts(value.get("text", value.get("stem")))
    if isinstance(value, Sequence):
        return [text for part in value for text in _texts(part)]
    return []


def _name(record: Mapping[str, Any]) -> str:
    """Return the id that a record has, as one short line."""
    for field in NAMES:
        value = record.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return " ".join(str(value).split())[:_LONGEST_NAME]
    return ""
