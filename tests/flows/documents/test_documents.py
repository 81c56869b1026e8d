import io
from pathlib import Path

import pypdf
import pytest

from flows.documents import read_documents
from schemas.errors import InputError

EXAMPLES = Path(__file__).parents[3] / "recipes" / "examples" / "grounded"


def read(folder: Path, name: str, data: bytes):
    (folder / name).write_bytes(data)
    found = read_documents((name,), folder)
    return (found.readable or found.unreadable)[0]


def test_every_kind_is_read() -> None:
    found = read_documents(("*",), EXAMPLES)
    assert [one.name for one in found.readable] == [
        "bees.html",
        "faehre.txt",
        "lanterns.pdf",
        "tide-mill.md",
    ]
    assert found.unreadable == []


def test_what_stands_around_a_page_is_left_out() -> None:
    (page,) = read_documents(("bees.html",), EXAMPLES).readable
    assert "six beehives" in page.text
    for foreign in ("Log in", "newsletter", "Cookies", "track(", "color"):
        assert foreign not in page.text
    assert [part.path[-1] for part in page.sections] == [
        "Bees on the library roof",
        "Honey",
        "Winter",
    ]


def test_front_matter_and_comments_of_markdown_are_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, "a.md", b"---\nkey: 1\n---\n# A\n<!-- hidden -->\nText.")
    assert found.text == "# A\n\nText."


def test_lines_of_a_pdf_are_joined_and_pages_are_sections() -> None:
    (found,) = read_documents(("lanterns.pdf",), EXAMPLES).readable
    assert [part.path for part in found.sections] == [("page 1",), ("page 2",)]
    assert "ties them with thread." in found.text
    second = found.sections[1]
    assert found.text[second.start : second.end].startswith("The lamp inside")


def locked() -> bytes:
    writer, data = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(data)
    return data.getvalue()


def blank() -> bytes:
    writer, data = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("a.pdf", b"%PDF-1.7 and nothing else", "damaged_document"),
        ("a.pdf", b"", "damaged_document"),
        ("a.pdf", (EXAMPLES / "lanterns.pdf").read_bytes()[:300], "damaged_document"),
        ("a.pdf", locked(), "encrypted_document"),
        ("a.pdf", blank(), "empty_document"),
        ("a.txt", b" \n\t", "empty_document"),
        ("a.txt", b"\x00\x01\x02", "damaged_document"),
        ("a.html", b"<html><script>only()</script></html>", "empty_document"),
        ("a.html", b"<div>" * 20_000 + b"deep", "damaged_document"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, rule: str) -> None:
    found = read(tmp_path, name, data)
    assert (found.name, found.rule) == (name, rule)
    assert "\n" not in found.detail


def test_old_and_wide_encodings(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "Gr\u00fc\u00dfe".encode("cp1252")).text == "Grüße"
    assert read(tmp_path, "a.txt", "Grüße".encode("utf-16")).text == "Grüße"
    assert read(tmp_path, "a.txt", "\ufeffGrüße".encode()).text == "Grüße"


def test_a_pattern_without_documents_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"expected documents of kind .*'a\.docx'"):
        read_documents(("*",), tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_documents(("*.md",), tmp_path)
