"""PDF files that hold text; pictures of text are not read."""

import io
import logging
import re
from typing import Final

import pypdf

from flows.documents.reading import Document, DocumentError
from quality.documents.sections import Section
from quality.text import normalise_text

_LINE_END: Final = re.compile(r"(?<=[^\s.!?:])[ \t]*\n(?=[^\W\d_])")
_HYPHEN_END: Final = re.compile(r"(?<=[^\W\d_])[-\u00ad]\n(?=[a-zäöüß])")


def read_pdf(name: str, data: bytes) -> Document:
    """Read a PDF: a section a page.

    Lines of a page are joined to paragraphs, and words that a line's end cut are joined, too.

    Raises:
        DocumentError: if it is encrypted, damaged, or has no text.
    """
    # It complains of damaged files on its own log, line after line.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            detail = "expected a PDF without password, got an encrypted one"
            raise DocumentError(detail, rule="encrypted_document")
        pages = [_joined(page.extract_text()) for page in reader.pages]
    except DocumentError:
        raise
    except Exception as error:
        raise DocumentError(_reason(error)) from error
    if not any(pages):
        detail = f"expected text, got none on {len(pages)} pages: scanned pages are not read"
        raise DocumentError(detail, rule="empty_document")
    return _document(name, pages)


def _document(name: str, pages: list[str]) -> Document:
    sections, place = [], 0
    for number, text in enumerate(pages, start=1):
        if text:
            sections.append(Section((f"page {number}",), place, place + len(text)))
        place += len(text) + 2
    return Document(name, "\n\n".join(pages), sections)


def _joined(text: str) -> str:
    """Join the lines of a page."""
    whole = _HYPHEN_END.sub("", normalise_text(text))
    return _LINE_END.sub(" ", whole).strip()


def _reason(error: Exception) -> str:
    return f"expected a whole PDF, got {type(error).__name__}: {str(error)[:200]}".splitlines()[0]
