"""Words, n-grams and line shapes: the text expressions that scorers and filters share.

Every expression here is total: null text counts as "", any Unicode text is accepted, and the
answer is never null and never NaN.
"""

import polars as pl

#: Scripts written without spaces; each character counts as one word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+"
#: A word without the punctuation around it.
TERM = rf"[{_UNSPACED}]|[\p{{L}}\p{{N}}_'’&&[^{_UNSPACED}]]+"

_CODE_LINE = (
    r"(?m)^\s*(?:def \w+\(|class \w+[(:{]|(?:from \w[\w.]* )?import [\w.*{]+[\w., ]*$|#include\b"
    r"|(?:public|private|protected|static) \w+|function\b.*[({]|(?:var|let|const) \w+ ?="
    r"|return\b.*;?$|(?:for|while|if|switch) ?\(.*\) ?\{|[{}\])]+;?$|\w+ ?= ?\w+\(.*\);?$"
    r"|(?:print|printf|System\.out\.\w+|console\.log|echo) ?\(|</?[a-z][a-z0-9]*(?: [^>\n]*)?/?>"
    r"|<!DOCTYPE|<\?php|.*[;{]$)"
)
_SQL = r"(?m)^\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|WITH \w+ AS)\b"


def text(column: str) -> pl.Expr:
    """Return `column` as String, null read as ""."""
    return pl.col(column).fill_null("")


def count_words(words: pl.Expr) -> pl.Expr:
    """Count the words of a text.

    A word is a maximal run of non-space characters; in scripts written without spaces (Han, Kana,
    Thai, Lao, Khmer, Burmese) every character is a word.

    Args:
        words: String expression; null counts as "".

    Returns:
        UInt32 expression, one count per row, never null.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, counts space-separated words.
        Differs: unspaced scripts by character, so that a Chinese answer is not "one word".

    Example:
        >>> frame = pl.DataFrame({"text": ["two words", "你好", None]})
        >>> frame.select(count_words(pl.col("text")))["text"].to_list()
        [2, 2, 0]
    """
    return words.fill_null("").str.count_matches(WORD)


def terms(words: pl.Expr) -> pl.Expr:
    """Return the lower-cased words of a text without punctuation, as List(String).

    Example:
        >>> pl.select(terms(pl.lit("Don't stop, NOW!")))["literal"].to_list()
        [["don't", 'stop', 'now']]
    """
    return words.fill_null("").str.to_lowercase().str.extract_all(TERM)


def normalise(words: pl.Expr) -> pl.Expr:
    """Return a text in lower case with every run of non-word characters as one space.

    Signs that change a value (`-`, `+`, `%`, `$` ...) are kept, so "-5" is not "5".

    Example:
        >>> pl.select(normalise(pl.lit(' The "Cat",  sat. ')))["literal"].to_list()
        ['the cat sat']
    """
    lower = words.fill_null("").str.to_lowercase()
    return lower.str.replace_all(r"[\s.,;:!?\"'’“”„`()\[\]]+", " ").str.strip_chars()


def is_code(words: pl.Expr) -> pl.Expr:
    r"""Say whether a text is mostly, or visibly contains, program code or markup.

    True where a Markdown fence, SQL statement or at least one line in the shape of code is found.
    A guard for rules about prose; it prefers to see code where there is none.

    Example:
        >>> frame = pl.DataFrame({"text": ["def f(x):\n    return x", "A def is a word."]})
        >>> frame.select(is_code(pl.col("text")))["text"].to_list()
        [True, False]
    """
    whole = words.fill_null("")
    return whole.str.contains(_CODE_LINE) | whole.str.contains(_SQL) | whole.str.contains("```")


def ngrams(words: pl.Series, n: int) -> pl.DataFrame:
    """Hash the word n-grams of every text.

    Args:
        words: String series, one text per row.
        n: words in a gram, at least 1.

    Returns:
        Frame with `row` (UInt32, position in `words`) and `gram` (UInt64 hash), one line per
        n-gram occurrence in reading order; texts of fewer than `n` words have no line. Hashes are
        comparable within one call only.

    Example:
        >>> grams = ngrams(pl.Series(["a b a b a", "a"]), 2)
        >>> grams.group_by("row").agg(pl.len(), pl.col("gram").n_unique()).rows()
        [(0, 4, 2)]
    """
    rows = words.to_frame("text").with_row_index("row").select("row", terms(pl.col("text")))
    spelled = rows.filter(pl.col("text").list.len() >= n).explode("text")
    following = [pl.col("text").shift(-step) for step in range(n)]
    same_row = pl.col("row") == pl.col("row").shift(-(n - 1))
    grams = spelled.select(
        "row",
        gram=pl.struct(*[part.alias(str(place)) for place, part in enumerate(following)]).hash(),
        whole=same_row,
    )
    return grams.filter("whole").select("row", "gram")


def per_row(values: pl.DataFrame, height: int) -> pl.Series:
    """Spread a frame of `row`, `value` over `height` rows; rows not named become null.

    Example:
        >>> per_row(pl.DataFrame({"row": [1], "value": [0.5]}), 2).to_list()
        [None, 0.5]
    """
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    keyed = values.with_columns(pl.col("row").cast(pl.UInt32))
    return rows.join(keyed, on="row", how="left", maintain_order="left")["value"]
