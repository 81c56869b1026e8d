"""What guards read by pattern: languages, code and quotes.

These patterns look around and at the case of letters, so Python matches them text by text. They
match in few texts: Polars finds those first, by a simpler pattern that no match can do without.
"""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from quality.dedup.guard_tokens import Hashes, Positions, combine_hashes, hash_strings
from quality.dedup.lexicon import LANGUAGES, TITLE_CASE_LANGUAGES

# With "" for a word that is a language only where its case says so.
_LANGUAGES = {**{name.casefold(): "" for name in TITLE_CASE_LANGUAGES}, **LANGUAGES}
_LANGUAGE_WORD = re.compile(r"(?<![°º])\b[^\W\d_]+(?:\+\+|#)?")
_QUOTED = re.compile(
    # Every branch starts with its mark, which lets Python skip to the next mark.
    # Bounded where the opening mark may repeat, or a text of marks would take quadratic time.
    r"\"([^\"\n]+)\"|“([^”\n]{1,300})”|„([^“”\n]{1,300})[“”]|«([^»\n]{1,300})»|`([^`\n]+)`"
    r"|'(?<!\w')([^'\n]+)'(?!\w)|‘(?<!\w‘)([^’\n]{1,300})’(?!\w)"
)
# What surrounds the words of a quote and says nothing.
_EDGES = " \t\r\f\v\u00a0\u3000.,;:!?"
_MAY_BE_QUOTED = r"[\"“„«`‘]|(?:^|[^\pL\pN_])'"
# Addresses, snake_case, camelCase, calls() and paths.
_IDENTIFIER = re.compile(
    r"https?://\S+|\b[A-Za-z]\w*_\w+\b|\b[a-z]+[A-Z]\w*\b|\b[A-Za-z]\w*(?=\(\))"
    r"|(?<!\w)\.?/\w+/[\w./]+"
)
_MAY_BE_IDENTIFIER = r"://|[\pL\pN]_|[a-z][A-Z]|\(\)|/\w+/"
# A run of signs, or a sign that is a hyphen or a slash elsewhere. As for quotes, what comes first
# is a set of marks for Python to skip to.
_OPERATOR = re.compile(r"[-−/+*^=<>%&|](?:(?<![-−/])[+*^=<>%&|]*|(?<=[\d\s)][-−/])(?=[\s\d(]))")
_MAY_BE_OPERATOR = r"[+*^=<>%&|]|[\d\s\x1c-\x1f)][-−/][\d\s\x1c-\x1f(]"
# A line that only says that there is no input says nothing.
_PLACEHOLDER = re.compile(
    r"^[^\w\n]{0,4}(?:no ?input(?: (?:needed|required|provided))?|none|n/?a|not applicable)"
    r"[^\w\n]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
_MAY_BE_PLACEHOLDER = r"(?im)^[^\n]{0,4}n(?:o ?.nput|one|/?a\b|ot appl)"


def drop_placeholders(texts: pl.Series) -> pl.Series:
    """Return `texts`, null as "", without the lines that only say that there is no input."""
    texts = texts.fill_null("")
    rows = texts.str.contains(_MAY_BE_PLACEHOLDER).arg_true()
    if rows.is_empty():
        return texts
    return texts.scatter(rows, [_PLACEHOLDER.sub("", text) for text in texts.gather(rows)])


def read_languages(texts: pl.Series, rows: Positions) -> Hashes:
    """Hash the languages that each text names, in order of first mention, repeats left out.

    Args:
        texts: String series.
        rows: the texts that may name one: the others are not looked at.

    Returns:
        One hash per text; 0 where it names none.
    """
    return _hash_each(texts, pl.Series(rows), _languages)


def read_code(texts: pl.Series) -> Hashes:
    """Hash the identifiers (a set, case kept) and operators (counted) of each text.

    Args:
        texts: String series.

    Returns:
        One hash per text; 0 where it has none.
    """
    names = _hash_each(texts, texts.str.contains(_MAY_BE_IDENTIFIER).arg_true(), _identifiers)
    signs = _hash_each(texts, texts.str.contains(_MAY_BE_OPERATOR).arg_true(), _operators)
    return np.where(names | signs, combine_hashes([names, signs]), np.uint64(0))


def find_quotes(texts: pl.Series) -> pl.DataFrame:
    """List the quoted strings.

    Args:
        texts: String series.

    Returns:
        A line per quoted string: UInt32 `row`, the number of its text, ascending, and String
        `quote`, without the marks around it.
    """
    rows = texts.str.contains(_MAY_BE_QUOTED).arg_true()
    found = [
        (row, "".join(quote).strip(_EDGES))
        for row, text in zip(rows, texts.gather(rows), strict=True)
        for quote in _QUOTED.findall(text)
    ]
    return pl.DataFrame(found, schema={"row": pl.UInt32, "quote": pl.String}, orient="row")


def _hash_each(texts: pl.Series, rows: pl.Series, read: Callable[[str], str]) -> Hashes:
    """Hash what `read` finds in the texts of number `rows`; 0 where it finds "", and elsewhere."""
    found = [read(text) for text in texts.gather(rows)]
    hashes = np.zeros(len(texts), dtype=np.uint64)
    hashes[rows.to_numpy()] = np.where([bool(text) for text in found], hash_strings(found), 0)
    return hashes


def _languages(text: str) -> str:
    """List the codes of the named languages in order of first mention."""
    found = []
    for match in _LANGUAGE_WORD.finditer(text):
        name = match[0]
        code = _LANGUAGES.get(name.casefold())
        if code is None:
            continue
        if name in TITLE_CASE_LANGUAGES and not _starts_sentence(text, match.start()):
            found.append(TITLE_CASE_LANGUAGES[name])
        elif code:
            found.append(code)
    return " ".join(dict.fromkeys(found))


def _starts_sentence(text: str, place: int) -> bool:
    """Say whether a capital letter at `place` says nothing: "Go" is no language there."""
    before = text[max(0, place - 4) : place].rstrip(" ")
    return not before or before[-1] in ".!?:\n"


def _identifiers(text: str) -> str:
    # None of them has white space in it, and so has no operator.
    return " ".join(sorted(set(_IDENTIFIER.findall(text))))


def _operators(text: str) -> str:
    return " ".join(sorted(_OPERATOR.findall(text.strip())))
