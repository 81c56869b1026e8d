"""Text as every room sees it: one Unicode form, one newline, no stray control characters."""

import re
import unicodedata
from typing import Final

# Vertical tab, form feed and NEL stand for line breaks in the data seen (Word, PDF, EBCDIC).
_NEWLINE = re.compile("\r\n|[\r\x0b\x0c\x85]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# Zero width space, non-joiner, joiner, word joiner, byte order mark. Inside a text they carry
# meaning (emoji, Persian), at its edges they are debris.
_ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff"
_BLANK: Final = (
    " \t\n\u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000")
)
_EDGE: Final = _BLANK + _ZERO_WIDTH
_LEADING = re.compile(f"[{re.escape(_EDGE)}]*")
_CODE_INDENT = re.compile(r"\n[ \t]+\S")

#: What people write where a task has no input: unmistakable in any case and any brackets.
PLACEHOLDER_INPUTS: Final = frozenset(
    {
        "n/a",
        "no input",
        "no input given",
        "no input is needed",
        "no input is required",
        "no input necessary",
        "no input needed",
        "no input provided",
        "no input required",
        "noinput",
        "not applicable",
    }
)

#: Also used so, but each is a fair input too: `None` in Python, NA in R, a word to translate.
AMBIGUOUS_PLACEHOLDERS: Final = frozenset({"na", "none"})

_WRAPPING: Final = " \t\n.,;:!?\"'`<>()[]{}\\"
_POINTS_AT_INPUT = re.compile(
    r"\b(?:this|these|following|given|below|above|python|translate|word|phrase|value|symbol)\b",
    re.IGNORECASE,
)
_LONGEST_PLACEHOLDER = 40


def normalise_text(text: str) -> str:
    r"""Return `text` in the one form that is stored, hashed and compared.

    NFC; CRLF, CR, vertical tab, form feed and NEL become LF; other control characters but tab go;
    half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD. White space and zero-width
    characters are cut at both ends. Inside, nothing is cut: two spaces at a line's end are a
    Markdown line break, and indentation is code.

    The indentation of the first line stays where it is two columns or more (or a tab) and a later
    line is indented too: that is a block of code, and cutting its first line alone would break it.

    Args:
        text: any text.

    Returns:
        The normalised text; always encodes as UTF-8; normalising it again changes nothing.

    Example:
        >>> normalise_text("\ufeff one\r\n  two \x00\n")
        'one\n  two'
        >>> normalise_text("    a = 1\n    b = 2\n")
        '    a = 1\n    b = 2'
    """
    if _ODD.search(text):
        text = _CONTROL.sub("", _NEWLINE.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))
    text = text.rstrip(_EDGE)
    leading = _LEADING.match(text)
    if leading is None or leading.end() == 0:
        return text
    return _kept_indent(text, leading.end()) + text[leading.end() :]


def _kept_indent(text: str, start: int) -> str:
    """Return the white space before `start` that belongs to a block of code, else ""."""
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if indent.strip(" \t") or (len(indent) < 2 and "\t" not in indent):
        return ""
    return indent if _CODE_INDENT.search(text, start) else ""


def is_placeholder_input(text: str, instruction: str = "") -> bool:
    """Tell whether `text` only says that the task has no input.

    Brackets, quotes, final punctuation, case and the spaces between words do not matter:
    `<noinput>.`, `"No input"` and `[N/A]` are all placeholders. A bare "none" or "na" is one only
    if `instruction` does not point at an input ("this", "following", "translate" ...), and "Na"
    (sodium) never is. "-", "null", "empty" and "0" are not on the list: each is a plausible input,
    and a task that loses its input is worse than one that keeps a dash.

    Args:
        text: the input of a task.
        instruction: the task, which decides the ambiguous words.

    Returns:
        True if the input should be read as "".

    Example:
        >>> [is_placeholder_input(text) for text in ("<No Input>", "N/A", "None", "no", "-")]
        [True, True, True, False, False]
        >>> is_placeholder_input("None", "What is the type of this Python value?")
        False
    """
    if not text or len(text) > _LONGEST_PLACEHOLDER:
        return False
    bare = text.strip(_WRAPPING)
    words = " ".join(bare.casefold().split())
    if words in PLACEHOLDER_INPUTS:
        return True
    if words not in AMBIGUOUS_PLACEHOLDERS or bare == "Na":
        return False
    if text.strip()[:1] == "<":
        return True
    return _POINTS_AT_INPUT.search(instruction) is None
