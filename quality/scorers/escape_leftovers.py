"""Escape sequences that were never decoded, and control characters."""

import polars as pl

from quality.scorers.measure import flag, measure
from quality.words import is_code

_ESCAPE = (
    r"\\u[0-9a-fA-F]{4}|[.,;!?] ?\\n|\p{L}:? ?\\n(?:[^a-z]|$)|"
    r"\\n\\n|\\n[\p{Lu}\d*-]|\\\"|&(?:amp|quot|lt|gt|nbsp|"
    r"#\d{2,5});"
)
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{FFFD}]|â€[™œ\x9d“”¦]|Ã[¤¶¼Ÿ©¨]"
#: Tasks in which such sequences are the subject.
_ASKED_FOR = (
    r"(?i)\b(?:escape|unicode|html|json|regex\w*|regular expression|latex|string|python|code|"
    r"program|java\w*)\b"
)


def find_escape(words: pl.Expr) -> pl.Expr:
    """Return the first undecoded sequence or control character, null where there is none."""
    whole = words.fill_null("")
    return pl.coalesce(whole.str.extract(_ESCAPE, 0), whole.str.extract(_CONTROL, 0))


def escape_leftovers(rows: pl.DataFrame) -> pl.Series:
    r"""Say whether the output shows undecoded escapes or broken characters.

    A literal backslash with n between words, \u2019, &amp;quot;, "â€™" or a control character: the
    text was encoded once more often than it was decoded.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 or 0.0; null where one is found in code or the task is about such text.

    Source:
        The escape-characters issue of https://github.com/gururise/AlpacaDataCleaned. Differs:
        mojibake and HTML entities too; abstains on code.

    Example:
        >>> rows = pl.DataFrame({"instruction": "Greet.", "output": ["Hi.\\nHo.", "Hi.\nHo."]})
        >>> escape_leftovers(rows).to_list()
        [1.0, 0.0]
    """
    found = find_escape(pl.col("output")).is_not_null()
    asked = pl.col("instruction").fill_null("").str.contains(_ASKED_FOR)
    told = pl.when(~(found & (asked | is_code(pl.col("output"))))).then(found)
    return measure(rows, "escape_leftovers", flag(told))
