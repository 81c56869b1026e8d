"""Writing tasks with constraints of form, which never contradict each other.

Source: Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, for the kinds of constraints.
Differs: words of our own, fewer kinds, contradictions excluded by construction.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from flows.generators.verifiable.draws import Draw

_BASES: Final = (
    "Write a short text about {topic}.",
    "Describe {topic}.",
    "Explain what is interesting about {topic}.",
    "Tell me something about {topic}.",
    "Write down what everybody should know about {topic}.",
)
_ENDINGS: Final = ("That is all.", "Now you know.", "More on that tomorrow.", "Good luck!")
_STARTS: Final = ("Well,", "In short,", "Dear reader,", "Let us begin.")
_WORDS: Final = (
    "water", "time", "people", "home", "children", "morning", "light", "small", "careful", "old",
    "year", "hands", "quiet", "weather", "simple", "useful",
)  # fmt: skip
_COMMON: Final = ("the", "and", "is", "very", "can", "many", "important", "people")
_KEYS: Final = (("name", "use"), ("title", "text"), ("topic", "reason"), ("what", "where", "why"))
_NUMBERS: Final = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


class Constraint(NamedTuple):
    """A wish for the form of an answer.

    Attributes:
        words: said after the task.
        check: that verifies it.
    """

    words: str
    check: dict[str, Any]


def _most_words(draw: Draw) -> Constraint:
    number = 10 * draw.between(2, 8)
    words = draw.one_of(("Use at most {} words.", "Stay within {} words."))
    return Constraint(words.format(number), {"kind": "words", "max": number})


def _least_words(draw: Draw) -> Constraint:
    number = 10 * draw.between(2, 6)
    return Constraint(f"Use at least {number} words.", {"kind": "words", "min": number})


def _sentences(draw: Draw) -> Constraint:
    number = draw.between(1, 4)
    said = "one sentence" if number == 1 else f"{_NUMBERS[number]} sentences"
    return Constraint(
        f"Answer in exactly {said}.", {"kind": "sentences", "min": number, "max": number}
    )


def _bullets(draw: Draw) -> Constraint:
    number = draw.between(2, 5)
    words = f"Answer with exactly {_NUMBERS[number]} bullet points, each on a line that starts "
    return Constraint(f'{words}with "- ".', {"kind": "bullets", "count": number})


def _paragraphs(draw: Draw) -> Constraint:
    number = draw.between(2, 3)
    return Constraint(
        f"Write {_NUMBERS[number]} paragraphs with an empty line between them.",
        {"kind": "paragraphs", "min": number, "max": number},
    )


def _json(draw: Draw) -> Constraint:
    keys = draw.one_of(_KEYS)
    named = ", ".join(f'"{key}"' for key in keys)
    return Constraint(
        f"Answer with nothing but a JSON object that has the keys {named}.",
        {"kind": "json_keys", "keys": list(keys)},
    )


def _contains(draw: Draw) -> Constraint:
    word = draw.one_of(_WORDS)
    return Constraint(f'Use the word "{word}".', {"kind": "contains", "words": [word]})


def _contains_not(draw: Draw) -> Constraint:
    word = draw.one_of(_COMMON)
    return Constraint(f'Do not use the word "{word}".', {"kind": "contains_not", "words": [word]})


def _lower(draw: Draw) -> Constraint:  # noqa: ARG001  nothing to draw
    return Constraint("Use small letters only.", {"kind": "lower_case"})


def _upper(draw: Draw) -> Constraint:  # noqa: ARG001  nothing to draw
    return Constraint("Use capital letters only.", {"kind": "upper_case"})


def _starts(draw: Draw) -> Constraint:
    phrase = draw.one_of(_STARTS)
    return Constraint(
        f'Start your answer with "{phrase}"', {"kind": "starts_with", "phrase": phrase}
    )


def _ends(draw: Draw) -> Constraint:
    phrase = draw.one_of(_ENDINGS)
    return Constraint(f'End your answer with "{phrase}"', {"kind": "ends_with", "phrase": phrase})


def _title(draw: Draw) -> Constraint:  # noqa: ARG001  nothing to draw
    return Constraint("Give it a title in double angular brackets: <<title>>.", {"kind": "title"})


def _no_commas(draw: Draw) -> Constraint:  # noqa: ARG001  nothing to draw
    return Constraint("Do not use any commas.", {"kind": "no_commas"})


def _german(draw: Draw) -> Constraint:  # noqa: ARG001  nothing to draw
    return Constraint("Answer in German.", {"kind": "in_language", "code": "de"})


#: Name of a constraint to what draws it.
CONSTRAINTS: Final[Mapping[str, Callable[[Draw], Constraint]]] = MappingProxyType(
    {
        "most_words": _most_words,
        "least_words": _least_words,
        "sentences": _sentences,
        "bullets": _bullets,
        "paragraphs": _paragraphs,
        "json": _json,
        "contains": _contains,
        "contains_not": _contains_not,
        "lower": _lower,
        "upper": _upper,
        "starts": _starts,
        "ends": _ends,
        "title": _title,
        "no_commas": _no_commas,
        "german": _german,
    }
)
#: Kind of task to the constraints of which it has one at least.
FORMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "length": ("most_words", "least_words", "sentences"),
        "shape": ("bullets", "paragraphs", "json", "title"),
        "words": ("contains", "contains_not"),
        "style": ("lower", "upper", "starts", "ends", "no_commas", "german"),
    }
)
#: Sets of which a task has one constraint at most: together they contradict each other, or leave
#: open what is counted.
_ONE_OF: Final = (
    {"most_words", "least_words", "sentences", "json"},
    {"bullets", "paragraphs", "json", "sentences"},
    {"lower", "upper", "json"},
    {"title", "json", "sentences"},
    {"bullets", "starts"},
    {"bullets", "ends"},
    {"starts", "title"},
    {"json", "starts"},
    {"json", "ends"},
    {"json", "no_commas"},
    {"starts", "no_commas"},
    {"german", "contains"},
    {"german", "contains_not"},
    {"german", "starts"},
    {"german", "ends"},
    {"german", "upper"},
    {"contains", "contains_not"},
    {"contains_not", "ends"},
)


def goes_with(name: str, others: Sequence[str]) -> bool:
    """Say whether a constraint contradicts none of some others.

    Example:
        >>> goes_with("title", ["lower"]), goes_with("title", ["json"])
        (True, False)
    """
    return name not in others and not any(
        name in group and any(other in group for other in others) for group in _ONE_OF
    )


def make_form(draw: Draw, kind: str, topic: str, most: int) -> tuple[str, dict[str, Any]]:
    """Return a writing task with constraints and its check.

    Args:
        draw: chance.
        kind: one of FORMS.
        topic: what to write about.
        most: constraints, at most.
    """
    chosen = [draw.one_of(FORMS[kind])]
    for _ in range(draw.between(1, most) - 1):
        fitting = [name for name in CONSTRAINTS if goes_with(name, chosen)]
        if fitting:
            chosen.append(draw.one_of(fitting))
    made = [CONSTRAINTS[name](draw) for name in chosen]
    task = draw.one_of(_BASES).format(topic=topic)
    checks = [item.check for item in made]
    return (
        " ".join([task, *(item.words for item in made)]),
        checks[0] if len(checks) == 1 else {"kind": "all", "checks": checks},
    )
