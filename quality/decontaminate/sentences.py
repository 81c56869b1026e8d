"""Whether a text is another one, or holds it as whole sentences."""

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache

# What ends a sentence or leads to one: "Question: Who is it?" holds "Who is it?".
_SENTENCE_END = re.compile(r"(?<=[.!?:;…。！？：；])(?=[\s\"'”’»)\]]|[^\x00-\x7f])|\n")
# Words, and signs that change what is asked; a hyphen only before a digit.
_TOKEN = re.compile(r"\w+|[+*/^=<>×÷−%$€£]|-(?=\s*\d)")
_MARKUP = "*=<>- "


class Place(IntEnum):
    """How a text holds another."""

    NOWHERE = 0
    INSIDE = 1
    WHOLE = 2


def find_sentences(text: str, wanted: str) -> Place:
    """Say whether `text` is `wanted`, or holds it as whole sentences or paragraphs.

    Case, punctuation, white space and markup do not matter; signs of arithmetic do.

    Example:
        >>> find_sentences("Q: Who is Larry Page?", "who is Larry Page").name
        'INSIDE'
        >>> find_sentences("Do you know who is Larry Page?", "Who is Larry Page?").name
        'NOWHERE'
        >>> find_sentences("What is 5 - 3?", "What is 5 + 3?").name
        'NOWHERE'
    """
    goal, sentences = " ".join(plain_sentences(wanted)), plain_sentences(text)
    if not goal:
        return Place.NOWHERE
    for first in range(len(sentences)):
        joined = ""
        for after, sentence in enumerate(sentences[first:], first + 1):
            joined = f"{joined} {sentence}".lstrip()
            if joined == goal:
                return Place.WHOLE if after - first == len(sentences) else Place.INSIDE
            if not goal.startswith(joined):
                break
    return Place.NOWHERE


@lru_cache(maxsize=4096)
def plain_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a text as words and signs, folded, one space apart.

    Example:
        >>> plain_sentences('**Solve:** "3x + 10 = -2", please!')
        ('solve', '3x + 10 = - 2 please')
    """
    parts = (" ".join(_TOKEN.findall(part)) for part in _SENTENCE_END.split(_folded(text)))
    return tuple(part.strip(_MARKUP) for part in parts if part.strip(_MARKUP))


def _folded(text: str) -> str:
    """Fold a text, without what makes words bold."""
    return unicodedata.normalize("NFKC", text.replace("**", "").casefold())
