"""Answers in another language than the question."""

import polars as pl

from quality.scorers.language import identify
from quality.scorers.measure import measure

#: Tasks whose answer, or input, is meant to be in another language, or names one.
_CROSSES = (
    r"(?i)translat|übersetz|latein|pig latin|zitier|zitat|\bcit(?:e|ation)\b|tradu[czi]|vertaal|"
    r"\blanguage|sprache\b|\bidioma|\blangue|"
    r"\b(?:in|into|to|from|auf|ins?|aus|from)\s+(?:\w+\s+)?(?:english|german|deutsch|englisch|"
    r"french|französisch|"
    r"spanish|spanisch|italian|italienisch|portuguese|portugiesisch|dutch|niederländisch|latin|"
    r"latein\w*|"
    r"russian|russisch|polish|polnisch|chinese|chinesisch|mandarin|japanese|japanisch|korean|"
    r"koreanisch|arabic|arabisch|turkish|türkisch|hindi|greek|griechisch|hebrew|swedish|"
    r"schwedisch)\b|"
    r"\b(?:english|german|french|spanish|italian|portuguese|dutch|latin|russian|polish|chinese|"
    r"japanese|korean|arabic|turkish|hindi|greek|deutsche[nrs]?|englische[nrs]?|französische[nrs]?|"
    r"spanische[nrs]?|lateinische[nrs]?) (?:\w+ )?(?:words?|phrases?|sentences?|text|poem|"
    r"version|wort|"
    r"wörter|satz|sätze|gedicht|equivalent|name)\b"
)

#: Short texts and lists of names are taken for another language too often to accuse them.
_MIN_LETTERS, _MIN_TASK_LETTERS = 40, 30
_MIN_PLAIN_WORDS = 5
_UNCASED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Arabic}\p{Hebrew}\p{Devanagari}]"
#: Words that show that a text is, after all, in the language asked.
_COMMON = {
    "en": r"(?i)\b(?:the|of|and|is|are|with|for|in the|include|includes|this|that|which)\b",
    "de": r"(?i)\b(?:der|die|das|und|ist|sind|mit|für|nicht|auch|eine[mnrs]?|werden|wird)\b",
}
_MAX_COMMON = 1


def language_match(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output is in the language of the instruction.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 1.0 same language, 0.0 another; null where either text is too short or a list of
        names, the input is in a third language, or the task is about languages.

    Source:
        The language-consistency check of Singh et al. 2024 (Aya), https://arxiv.org/abs/2402.06619.
        Differs: abstains on translation instead of needing a task label.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Explain in two sentences why the sky is blue."],
        ...     "input": [""], "output": ["Der Himmel ist blau, weil die Luft das Licht streut."]})
        >>> language_match(rows).to_list()
        [0.0]
    """
    texts = rows.select(pl.col("output", "instruction", "input").fill_null(""))
    asked = texts.with_columns(
        asked=identify(texts["instruction"], min_letters=_MIN_TASK_LETTERS),
        crosses=pl.col("instruction").str.contains(_CROSSES),
    )
    # Identifying is the slow part: only where it can still matter.
    undecided = ~pl.col("crosses") & pl.col("asked").is_not_null()
    left = asked.with_columns(pl.when(undecided).then(pl.col("output", "input")))
    frame = asked.with_columns(
        answer=identify(left["output"], min_letters=_MIN_LETTERS), given=identify(left["input"])
    )
    known = (
        ~pl.col("crosses")
        & pl.col("answer").is_not_null()
        & (pl.col("given").is_null() | (pl.col("given") == pl.col("asked")))
    )
    same = pl.col("answer") == pl.col("asked")
    told = pl.when(known & (same | _is_surely_other())).then(same)
    return measure(frame, "language_match", told.cast(pl.Float64))


def _is_surely_other() -> pl.Expr:
    """Say whether `output` is running text without the common words of the language `asked`."""
    answer = pl.col("output")
    plain = answer.str.count_matches(r"\b\p{Ll}{2,}") >= _MIN_PLAIN_WORDS
    running = plain | answer.str.contains(_UNCASED)
    shows = pl.lit(value=False)
    for code, words in _COMMON.items():
        in_answer = answer.str.count_matches(words) > _MAX_COMMON
        in_task = pl.col("instruction").str.count_matches(words) > _MAX_COMMON
        shows = shows | ((pl.col("asked") == code) & in_answer)
        shows = shows | ((pl.col("answer") == code) & in_task)
    return running & ~shows.fill_null(value=False)
