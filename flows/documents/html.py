"""HTML pages, without what stands around their text."""

from typing import Final

from bs4 import BeautifulSoup
from bs4.element import Comment, Tag
from markdownify import MarkdownConverter

from flows.documents.plain import decode, from_markdown
from flows.documents.reading import Document, DocumentError

_NO_TEXT: Final = (
    *("script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "video"),
    *("audio", "form", "button", "input", "select", "textarea", "dialog", "head", "img"),
)
_AROUND: Final = ("nav", "aside", "footer")
_ROLES: Final = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alert"}
)


def read_html(name: str, data: bytes) -> Document:
    """Read a page: its main part as Markdown, links as their text.

    What is around it goes: navigation, side and foot of the page, forms, scripts, hidden parts,
    and the head of a page that has a main part. Where it has none, the whole body is read.

    Raises:
        DocumentError: if it is no text, or nested so deeply that it cannot be converted.
    """
    page = BeautifulSoup(decode(data), "html.parser")
    try:
        for comment in page.find_all(string=lambda text: isinstance(text, Comment)):
            comment.extract()
        for tag in page.find_all(_is_around):
            tag.decompose()
        converter = MarkdownConverter(
            heading_style="ATX",
            strip=["a"],
            escape_asterisks=False,
            escape_misc=False,
            escape_underscores=False,
        )
        text = converter.convert_soup(_main_part(page))
    except RecursionError as error:
        detail = "expected a page that can be converted, got one nested too deeply"
        raise DocumentError(detail) from error
    return from_markdown(name, text)


def _is_around(tag: Tag) -> bool:
    return (
        tag.name in _NO_TEXT
        or tag.name in _AROUND
        or tag.get("role") in _ROLES
        or tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or "display:none" in str(tag.get("style", "")).replace(" ", "").lower()
    )


def _main_part(page: BeautifulSoup) -> Tag:
    """Return `main`, or the longest article, or the body without its head."""
    for wanted in ("main", "article"):
        parts = [part for part in page.find_all(wanted) if part.get_text(strip=True)]
        if parts:
            return max(parts, key=lambda part: len(part.get_text()))
    body = page.body or page
    for tag in body.find_all("header", recursive=False):
        tag.decompose()
    return body
