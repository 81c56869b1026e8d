"""Which language a text is in."""

import polars as pl

from quality.scorers.language_kernel import classify, load_model
from quality.words import is_code, per_row

#: The languages that open instruction data comes in; fewer candidates, fewer accidents.
LANGUAGES = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he",
    "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru",
    "sk", "sl", "sv", "ta", "th", "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip
_MAX_CHARACTERS = 400
_MIN_LETTERS = 25
#: Scripts in which a few characters are already many words.
_MIN_DENSE_LETTERS = 6
_MIN_CONFIDENCE = 0.6
_DENSE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"


def identify(texts: pl.Series, *, min_letters: int = _MIN_LETTERS) -> pl.Series:
    """Name the language of every text.

    Args:
        texts: String series.
        min_letters: letters that a text needs; in dense scripts such as Han, 6.

    Returns:
        String series of ISO 639-1 codes; null for texts with fewer letters, code, and texts for
        which the model is less than 60 % sure.

    Source:
        Lui & Baldwin 2012 (langid.py), https://aclanthology.org/P12-3005, in the py3langid build.
        Differs: 40 candidate languages, the first 400 characters, and it abstains.

    Example:
        >>> identify(pl.Series(["Der Hund schläft heute den ganzen Tag.", "42"])).to_list()
        ['de', None]
    """
    prose = pl.col("text").str.replace_all(
        r"https?://\S+|(?s)```.*?```|[\d_<>{}\[\]|=+*#\\/]+", " "
    )
    dense = prose.str.count_matches(_DENSE)
    letters = prose.str.count_matches(r"\p{L}")
    enough = (letters >= min_letters) | (dense >= _MIN_DENSE_LETTERS)
    frame = texts.fill_null("").to_frame("text").select(
        pl.when(enough & ~is_code(pl.col("text")))
        .then(prose.str.slice(0, _MAX_CHARACTERS)).alias("text")
    )  # fmt: skip
    asked = frame.with_row_index("row").drop_nulls()
    verdicts = classify(asked["text"].to_list(), load_model(LANGUAGES))
    sure = [one.code if one.confidence >= _MIN_CONFIDENCE else None for one in verdicts]
    named = asked.select("row", value=pl.Series(sure, dtype=pl.String))
    return per_row(named, texts.len()).alias(texts.name)


def language(rows: pl.DataFrame) -> pl.Series:
    """Name the language of the output.

    Args:
        rows: frame with `output`.

    Returns:
        String, ISO 639-1; null where the text is too short, mostly code or ambiguous.

    Source:
        See `identify`.

    Example:
        >>> rows = pl.DataFrame({"output": ["The dog sleeps all day long in the sun.", "Ja."]})
        >>> language(rows).to_list()
        ['en', None]
    """
    return identify(rows["output"]).alias("language")
