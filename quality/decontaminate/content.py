"""What a text is about, whatever its wording: stems of content words, and values of numbers."""

import re
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from quality.decontaminate.vocabulary import FUNCTION_WORDS, NAMED_VALUES
from schemas.frames import FrameSchema

#: The terms of texts, each once for a text. `is_value`: a number written in digits, 0 and 1 apart.
TERMS: FrameSchema = {"text": pl.Int64, "term": pl.String, "is_value": pl.Boolean}

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# A digit behind a letter is part of a name ("s1"), one before a letter is a number ("30km").
_TOKEN = (
    rf"[{_UNSPACED}]|[\p{{L}}_&&[^{_UNSPACED}]][\p{{L}}\p{{M}}\p{{N}}_&&[^{_UNSPACED}]]*"
    r"|[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+"
)
_DIGITS = re.compile(r"[0-9.]")
_ENDINGS = ("ingly", "edly", "ing", "ies", "ied", "ern", "es", "ed", "er", "en", "ly", "s", "e")
_SHORTEST_STEM = 3


class Term(NamedTuple):
    """What a token stands for.

    Attributes:
        name: stem of a word, or "#" and the value of a number.
        is_value: whether it is a number written in digits; 0 and 1 say as little as "a".
    """

    name: str
    is_value: bool


def cut_tokens(texts: pl.Series) -> pl.Series:
    """Cut texts into folded words and numbers, as List(String), in order.

    Example:
        >>> cut_tokens(pl.Series(["Janet’s 3 ducks: $1,200.50 for 30km"])).to_list()
        [['janet', 's', '3', 'ducks', '1,200.50', 'for', '30', 'km']]
    """
    folded = texts.fill_null("").str.normalize("NFKC").str.to_lowercase()
    return folded.str.extract_all(_TOKEN)


def read_terms(texts: pl.Series) -> pl.DataFrame:
    """Return the TERMS of texts; `text` is the place of the text."""
    tokens = pl.DataFrame(
        {"text": pl.int_range(len(texts), eager=True), "token": cut_tokens(texts)}
    )
    every = tokens.explode("token", empty_as_null=False).unique()
    known = [(token, *term) for token in every["token"].unique() if (term := term_of(token))]
    schema = {"token": pl.String, "term": pl.String, "is_value": pl.Boolean}
    terms = pl.DataFrame(known, schema=schema, orient="row")
    found = every.join(terms, on="token").group_by("text", "term").agg(pl.col("is_value").any())
    return found.select(list(TERMS)).sort("text", "term")


@lru_cache(maxsize=2**16)
def term_of(token: str) -> Term | None:
    """Return what a token of `cut_tokens` stands for; None for a function word or a letter.

    Example:
        >>> term_of("ducks"), term_of("1,200.50"), term_of("twice"), term_of("the")
        (Term(name='duck', is_value=False), Term(name='#1200.5', is_value=True), \
Term(name='#2', is_value=False), None)
    """
    if _DIGITS.match(token):
        value = _canonical(token)
        return Term(f"#{value}", value not in {"0", "1"})
    if token in NAMED_VALUES:
        return Term(f"#{NAMED_VALUES[token]}", is_value=False)
    if token in FUNCTION_WORDS or (len(token) == 1 and token.isascii()):
        return None
    return Term(_stem(token), is_value=False)


def _canonical(number: str) -> str:
    """Return a number without separators and idle zeros."""
    whole, _, part = number.replace(",", "").partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def _stem(word: str) -> str:
    """Cut an ending of inflection, English or German; a light stemmer keeps different words apart.

    Source:
        Harman 1991, "How effective is suffixing?": light stemming does what Porter's does.
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
