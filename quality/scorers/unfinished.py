"""Answers that stop in the middle."""

import polars as pl

from quality.scorers.measure import measure
from quality.scorers.unclosed_code import has_open_fence
from quality.words import count_words, is_code

_MIN_WORDS = 4
#: A word that no sentence ends with, in lower case, after at least three others.
_DANGLING = (
    r"\S\s+(?:the|an|and|or|but|because|than|my|your|their|our|every|is the|of the|such as|"
    r"und|oder|weil|dass|sowie|eine|einen|einem|eines|zum|zur|vom|beim|deren|dessen)\s*$"
)
_ENDS_MARKED = r"[.!?…。！？؟।|\])}>\"'”’»«“*_`~%€$°:;,]\s*$|[\p{So}\p{Sk}\p{Sm}]\s*$"
#: The close of a letter, or a form whose lines are to be filled in.
_FORM = r"\n\s*\p{Lu}[^\s,]*(?: [^\s,]+){0,3},$|:[ \t_]*\n(?s:.*):$"
_BARE_ITEM = r"\n[ \t]*(?:\d{1,3}[.)]|[-*•])\s*$"
_ITEM = r"^\s*(?:[-*•+>#|]|\(?\d{1,4}[.):]|\(?(?:[a-zA-Z]|[IVX]+)[.)]\s)"
_SENTENCE_END = r"[.!?][\"'”’)]?\s+\p{Lu}"
#: A signature, address or link: it ends without a mark.
_CLOSING = (
    r"(?i)(?:sincerely|regards|yours|love|cheers|grüße|gruß|https?://\S+|\S+@\S+|"
    r"#\w+|\d\w*|\w+:[^.]*)$|=|^\s*[\"“„‘'>(\[]|\t"
)
_MIN_SENTENCE_WORDS = 6


def last_line(words: pl.Expr) -> pl.Expr:
    """Return the last line of a text that is not blank."""
    return words.fill_null("").str.strip_chars().str.extract(r"([^\n]*)$", 1)


def unfinished(rows: pl.DataFrame) -> pl.Series:
    r"""Say how surely the output breaks off before its end.

    1.0: it ends with a comma, a colon, a hyphen, a bare list number, an open code fence or a word
    such as "the" or "und". 0.5: its last line is prose of at least six words without a final mark,
    though earlier sentences have one. One word, numbers, lists, code, verse and headlines need no
    mark.

    Args:
        rows: frame with `output`.

    Returns:
        Float64: 0.0, 0.5 or 1.0; null for code outside fences, whose end cannot be seen.

    Source:
        Raffel et al. 2020 (C4), https://arxiv.org/abs/1910.10683, keeps lines that end in a
        terminal mark. Differs: only the end counts, and only where a mark belongs.

    Example:
        >>> rows = pl.DataFrame({"output": ["The dogs bark, and", "42", "1. Dogs\n2."]})
        >>> unfinished(rows).to_list()
        [1.0, 0.0, 1.0]
    """
    words = pl.col("output").fill_null("").str.replace(r"[\s\p{Cf}]+$", "")
    line = last_line(words)
    several = count_words(words) >= _MIN_WORDS
    certain = (
        has_open_fence(words)
        | words.str.contains(_BARE_ITEM)
        | (several & words.str.contains(r"[\p{L}\p{N}]\s?[,:;–-]$") & ~words.str.contains(_FORM))
        | ((count_words(words) >= 3) & words.str.contains(_DANGLING))
    )
    prose = (
        (count_words(line) >= _MIN_SENTENCE_WORDS)
        & ~line.str.contains(_ENDS_MARKED)
        & ~line.str.contains(_ITEM)
        & ~line.str.contains(_CLOSING)
        & words.str.contains(_SENTENCE_END)
    )
    score = pl.when(certain).then(1.0).when(prose).then(0.5).otherwise(0.0)
    bare_code = is_code(words) & ~words.str.contains("```")
    return measure(rows, "unfinished", pl.when(~bare_code).then(score))
