"""Readers of documents, chosen by extension: text, Markdown, HTML, PDF.

A document becomes text in the manner of Markdown with its headings. What cannot be read, is
encrypted or holds no text is named, not skipped.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flows.documents.html import read_html
from flows.documents.pdf import read_pdf
from flows.documents.plain import read_markdown, read_text
from flows.documents.reading import (
    Document,
    DocumentError,
    DocumentReader,
    Documents,
    Unreadable,
)
from flows.ingest import expand_paths
from flows.store import hash_file, hash_json
from schemas.errors import InputError

__all__ = ["DOCUMENT_READERS", "Document", "Documents", "Unreadable", "read_documents"]

DOCUMENT_READERS: Final[Mapping[str, DocumentReader]] = {
    ".txt": read_text,
    ".text": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
}
_MOST_BYTES: Final = 100_000_000


def read_documents(patterns: tuple[str, ...], base: Path) -> Documents:
    """Read every document that some patterns name.

    Args:
        patterns: paths or patterns, relative to `base`.
        base: directory of the recipe; documents below it are named by their path from there.

    Returns:
        Documents in the order of their names, and those that could not be read.

    Raises:
        InputError: if a pattern matches nothing, or nothing of a known kind.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        paths = expand_paths(pattern, base)
        known = [path for path in paths if path.suffix.lower() in DOCUMENT_READERS]
        if not known:
            kinds = ", ".join(DOCUMENT_READERS)
            msg = (
                f"expected documents of kind {kinds}, got {paths[0].name!r} for {pattern!r} in "
                "`documents`: name others"
            )
            raise InputError(msg)
        found |= {_name(path, base): path for path in known}
    names = sorted(found)
    documents, unreadable = [], []
    for name in names:
        read = _read(name, found[name])
        if isinstance(read, Document):
            documents.append(read)
        else:
            unreadable.append(read)
    fingerprint = hash_json([[name, hash_file(found[name])] for name in names])
    return Documents(documents, unreadable, fingerprint)


def _read(name: str, path: Path) -> Document | Unreadable:
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            detail = f"expected at most {_MOST_BYTES:,} bytes, got {size:,}"
            return Unreadable(name, "document_too_large", detail)
        document = DOCUMENT_READERS[path.suffix.lower()](name, path.read_bytes())
    except DocumentError as error:
        return Unreadable(name, error.rule, error.detail)
    except OSError as error:
        return Unreadable(name, "unreadable_document", error.strerror or str(error))
    if not document.text.strip():
        return Unreadable(name, "empty_document", "expected text, got none")
    return document


def _name(path: Path, base: Path) -> str:
    """Return a name that is the same on every machine, where the document is below the recipe."""
    try:
        return path.resolve().relative_to(base.resolve()).as_posix()
    except ValueError:
        return path.name if path.is_absolute() else path.as_posix()
