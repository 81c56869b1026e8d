"""What a document is when it is read, and what is said of one that cannot be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from quality.documents.sections import Section


@dataclass(frozen=True, slots=True)
class Document:
    """A document as text.

    Attributes:
        name: path from the recipe.
        text: normalised; offsets of sections, chunks and quotes count its characters.
        sections: in their order.
    """

    name: str
    text: str
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document that gave no text: its name, the rule for the ledger, and what was wrong."""

    name: str
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What some patterns named.

    Attributes:
        readable: by name.
        unreadable: likewise.
        fingerprint: hash of names and files, part of the stage key.
    """

    readable: Sequence[Document]
    unreadable: Sequence[Unreadable]
    fingerprint: str


class DocumentError(ValueError):
    """A document that cannot be read.

    Attributes:
        rule: for the ledger.
        detail: the reason in one line.
    """

    def __init__(self, detail: str, *, rule: str = "damaged_document") -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


#: From name and content to a document.
DocumentReader: TypeAlias = Callable[[str, bytes], Document]
