"""Plain text and Markdown."""

import codecs
import re
from typing import Final

from flows.documents.reading import Document, DocumentError
from quality.documents.sections import markdown_sections, whole
from quality.text import normalise_text

_WIDE_MARKS: Final = (
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)
_FRONT_MATTER: Final = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def read_text(name: str, data: bytes) -> Document:
    """Read plain text: one section."""
    text = normalise_text(decode(data))
    return Document(name, text, whole(text))


def read_markdown(name: str, data: bytes) -> Document:
    """Read Markdown: a section a heading; front matter and comments are left out."""
    return from_markdown(name, _FRONT_MATTER.sub("", normalise_text(decode(data)), count=1))


def from_markdown(name: str, text: str) -> Document:
    """Return a Markdown text as a document."""
    text = normalise_text(_COMMENT.sub("", text))
    return Document(name, text, markdown_sections(text))


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8, or UTF-16 and UTF-32 by their mark, else Windows-1252.

    Raises:
        DocumentError: if it is no text.
    """
    encoding = "utf-8-sig"
    if data.startswith(_WIDE_MARKS):
        is_long = data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
        encoding = "utf-32" if is_long else "utf-16"
    elif b"\0" in data:
        detail = "expected text, got binary data"
        raise DocumentError(detail)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            detail = f"expected {encoding}, got {error.reason} at byte {error.start}"
            raise DocumentError(detail) from error
        # What is no UTF-8 and no binary data is mostly an old Windows file.
        return data.decode("cp1252", "replace")
