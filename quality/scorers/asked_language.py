"""Answers in the language that the task names."""

from typing import Final

import polars as pl

from quality.scorers.language import identify
from quality.scorers.measure import measure

_CODES: Final[dict[str, str]] = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it",
    "portuguese": "pt", "dutch": "nl", "russian": "ru", "polish": "pl", "chinese": "zh",
    "mandarin": "zh", "japanese": "ja", "korean": "ko", "arabic": "ar", "turkish": "tr",
    "hindi": "hi", "greek": "el", "hebrew": "he", "swedish": "sv", "danish": "da",
    "norwegian": "no", "finnish": "fi", "czech": "cs", "romanian": "ro", "hungarian": "hu",
    "ukrainian": "uk", "vietnamese": "vi", "thai": "th", "indonesian": "id",
    "englisch": "en", "englische": "en", "deutsch": "de", "deutsche": "de", "französisch": "fr",
    "französische": "fr", "spanisch": "es", "spanische": "es", "italienisch": "it",
    "italienische": "it", "portugiesisch": "pt", "niederländisch": "nl", "russisch": "ru",
    "russische": "ru", "polnisch": "pl", "chinesisch": "zh", "chinesische": "zh",
    "japanisch": "ja", "japanische": "ja", "koreanisch": "ko", "arabisch": "ar",
    "arabische": "ar", "türkisch": "tr", "türkische": "tr", "griechisch": "el",
    "schwedisch": "sv", "dänisch": "da", "finnisch": "fi", "tschechisch": "cs", "ungarisch": "hu",
}  # fmt: skip
_NAMES = "|".join(sorted(_CODES, key=len, reverse=True))
_STOP = r"(?:\s*[.,:;!?()\"\n]|\s*$)"
#: "Translate ... into French", "Write a poem in German.", "Antworte auf Englisch:".
_TRANSLATES = (
    rf"(?i)^\W*(?:please |bitte |can you |could you )?(?:translate|convert|übersetzen?|übersetz|"
    rf"übertrage)\b[^\n]*\b(?:to|into|in|ins|nach|auf)\s+(?:the )?({_NAMES})\b"
)
_ANSWERS = (
    rf"(?i)(?:^\W*|[.!?:]\s+|\b(?:and|please|und|bitte) )(?:write|answer|respond|reply|say|speak|"
    rf"describe|explain|summari[sz]e|compose|create|"
    rf"generate|give|tell|schreibe?|antworte|erkläre?|beschreibe?|erstelle?|verfasse|nenne|sag)\b"
    rf"[^.\n]*\b(?:in|auf|using)\s+({_NAMES}){_STOP}"
)
#: Words about a language, or a task with two languages in it.
_ABOUT = (
    r"(?i)\b(?:how (?:do|would|to)|what (?:is|does)|word for|mean|pronounc|grammar|vocabular|"
    r"translation of the word|difference|script|alphabet|wie sagt man|was (?:ist|heißt|bedeutet)|"
    r"wort für|romaji|pinyin|transliterat|latin alphabet|lateinisch|and (?:in|then)|both)\b"
)
#: The answer explains or quotes: two languages belong in it.
_QUOTES = r"[\"“„«‘]|\B'|:\s|\b(?:translat|means|übersetz|bedeutet)"
_MIN_LETTERS = 30


def asked_tongue(task: pl.Expr) -> pl.Expr:
    """Return the ISO 639-1 code of the language an instruction asks for, null without one."""
    words = task.fill_null("")
    name = pl.coalesce(words.str.extract(_TRANSLATES, 1), words.str.extract(_ANSWERS, 1))
    code = name.str.to_lowercase().replace_strict(_CODES, default=None, return_dtype=pl.String)
    return pl.when(~words.str.contains(_ABOUT)).then(code)


def asked_language(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output is in the language that the instruction names.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 it is, 0.0 it is in another; null where no language is asked for, where the
        output has fewer than 30 letters or quotes something, or its language cannot be told.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "response language". Differs:
        the language is read from free text, English or German, and short answers abstain.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Translate to German: Good morning to you all."],
        ...     "output": ["Good morning to all of you, my dear friends."]})
        >>> asked_language(rows).to_list()
        [0.0]
    """
    asked = rows.select(
        output=pl.col("output").fill_null(""), code=asked_tongue(pl.col("instruction"))
    )
    wanted = asked.with_columns(output=pl.when(pl.col("code").is_not_null()).then("output"))
    named = wanted.with_columns(told=identify(wanted["output"], min_letters=_MIN_LETTERS))
    same = pl.col("told") == pl.col("code")
    quotes = pl.col("output").str.contains(_QUOTES)
    score = pl.when(same).then(1.0).when(~quotes & ~same).then(0.0)
    return measure(named, "asked_language", score)
