"""From the HTML of a saved chat page to the Markdown that the model had written."""

import re
from html import unescape
from typing import Final

from bs4 import BeautifulSoup
from bs4.builder import ParserRejectedMarkup
from bs4.element import NavigableString, Tag
from markdownify import ATX, MarkdownConverter

from quality.conversations.fences import LANGUAGE, collapse_blank_lines
from quality.conversations.noise import COPY_COUNT

#: Classes that chat pages put on a rendered turn.
_MARKED: Final = re.compile(
    r"<[a-z0-9]+\s[^<>]*class=[\"'][^\"'<>]*\b(?:markdown|prose|whitespace-pre-wrap)\b",
    re.IGNORECASE,
)
_BEGINS: Final = re.compile(
    r"<(?:div|span|p|pre|ol|ul|h[1-6]|table|blockquote)\b[^<>]*>", re.IGNORECASE
)
_ENDS: Final = re.compile(
    r"</(?:div|span|p|pre|ol|ul|h[1-6]|table|blockquote)>\s*\Z", re.IGNORECASE
)
#: Tags that Markdown can become; a page of anything else is code that somebody wrote.
_PROSE: Final = re.compile(
    r"p|pre|code|[ou]l|li|strong|b|em|i|del|s|a|br|hr|img|h[1-6]|blockquote|table|thead|tbody|tr|"
    r"t[hd]|su[pb]"
)
_INTERFACE: Final = ["button", "svg", "script", "style", "noscript", "form", "input", "textarea"]
_CODE_CLASS: Final = re.compile(r"(?:^|\s)(?:language|lang)-(\S+)")
_HEADER: Final = re.compile(r"(?:Copy code\s*)+\Z")
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_VOID: Final = frozenset({"br", "hr", "img", "input", "path", "rect", "circle", "line", "polyline"})
#: Pages nest twenty tags or so; the work on a tree grows with the square of its depth.
_MAX_DEPTH: Final = 200
_ENTITY: Final = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27);")


class UnreadableHtmlError(ValueError):
    """A rendered message that cannot be turned into Markdown."""


def is_rendered(text: str, *, role: str) -> bool:
    r"""Tell whether a turn is the HTML of a rendered message, not a message about HTML.

    A user's turn must say so by its first tag's class: users paste HTML. An answer may also be a
    run of the tags that Markdown is rendered to, without attributes of a page around them.

    Args:
        text: the turn without counters before it.
        role: `user` or `assistant`.

    Example:
        >>> is_rendered("<p>One <strong>bold</strong> word.</p>", role="assistant")
        True
        >>> is_rendered("<div>Why is this not centred?</div>", role="user")
        False
        >>> is_rendered('<div id="menu"><a href="/">Home</a></div>', role="assistant")
        False
    """
    begin = _BEGINS.match(text)
    if begin is None or not _ENDS.search(COPY_COUNT.sub("", text)):
        return False
    if _MARKED.match(begin.group()):
        return True
    if role != "assistant":
        return False
    if _MARKED.search(text):
        return True
    if _depth(text) > _MAX_DEPTH:
        return False
    try:
        soup = BeautifulSoup(text, "html.parser")
    except ParserRejectedMarkup:
        return False
    for block in soup.find_all("pre"):
        block.clear()
    is_prose = all(_PROSE.fullmatch(tag.name) for tag in soup.find_all(name=True))
    return is_prose and not any(
        isinstance(node, NavigableString) and node.strip() for node in soup.children
    )


def html_to_markdown(html: str) -> str:
    r"""Return a rendered message as Markdown.

    Code keeps every character and gets its fence and language back, formulas become TeX again, and
    buttons and pictures of the page go. Underscores and asterisks of the text are not escaped: in
    training data `snake\_case` teaches a model to write it so.

    Args:
        html: a message for which `is_rendered` is true.

    Raises:
        UnreadableHtmlError: if no parser makes sense of it, or tags are nested hundreds deep.

    Source:
        FastChat's `clean_sharegpt.py`, https://github.com/lm-sys/FastChat, cuts `<div>` and
        `<span>` by pattern and converts the rest. Differs: read as a tree, so that text that only
        looks like a tag stays; languages from the code's class; TeX; nothing escaped.

    Example:
        >>> print(html_to_markdown("<p>Call <code>f_1</code>:</p><pre><div><span>python</span>"
        ...     "<button>Copy code</button></div><code>f_1(*x)\n</code></pre>"))
        Call `f_1`:
        <BLANKLINE>
        ```python
        f_1(*x)
        ```
    """
    if _depth(html) > _MAX_DEPTH:
        msg = f"expected tags nested at most {_MAX_DEPTH} deep"
        raise UnreadableHtmlError(msg)
    try:
        return _convert(html)
    except (ParserRejectedMarkup, RecursionError) as error:
        msg = f"expected HTML, got {type(error).__name__}"
        raise UnreadableHtmlError(msg) from error


def _depth(html: str) -> int:
    """Return how deep tags are nested at most; one that is never closed holds all that follows."""
    depth = deepest = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _VOID:
            depth += -1 if found[1] else 1
            deepest = max(deepest, depth)
    return deepest


def _convert(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    first = soup.find(name=True)
    if isinstance(first, Tag) and _is_plain(first):
        return soup.get_text().strip()
    for block in soup.find_all("pre"):
        _flatten_code(block)
    for formula in soup.find_all("annotation", encoding="application/x-tex"):
        _restore_tex(formula)
    for tag in soup.find_all(_INTERFACE):
        tag.decompose()
    for numbered in soup.find_all("ol"):
        _number_items(numbered)
    return collapse_blank_lines(_Converter().convert_soup(soup)).strip()


def unescape_plain(text: str) -> str:
    """Return a turn of a page that was saved as escaped text.

    Text with a bare angle bracket is not escaped, and stays.

    Example:
        >>> unescape_plain("Is 1 &lt; 2 &amp;&amp; true?"), unescape_plain("Why &lt; and not <?")
        ('Is 1 < 2 && true?', 'Why &lt; and not <?')
    """
    if "<" in text or ">" in text or not _ENTITY.search(text):
        return text
    return unescape(text)


class _Converter(MarkdownConverter):
    """Markdown as chat models write it."""

    class Options:
        """Options of markdownify; see its README."""

        heading_style = ATX
        bullets = "-"
        escape_asterisks = False
        escape_underscores = False
        escape_misc = False
        table_infer_header = True

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Begin an item with its number, and set what follows under its first word."""
        number = el.get("data-number")
        if number is None or not text.strip():
            return str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]  # not in its stubs
        begin = f"{number}. "
        indent = " " * len(begin)
        first, *lines = text.strip().split("\n")
        return "\n".join([begin + first, *(line and indent + line for line in lines)]) + "\n"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Fence code, with more backticks than it holds itself."""
        del parent_tags
        code = text.strip("\n")
        if not code.strip():
            return ""
        runs = [len(run) for run in re.findall("`{3,}", code)]
        fence = "`" * max(3, *(run + 1 for run in runs), 3)
        return f"\n\n{fence}{el.get('data-language', '')}\n{code}\n{fence}\n\n"


def _number_items(numbered: Tag) -> None:
    """Number the items of a list; markdownify counts back from each to the first."""
    start = str(numbered.get("start") or "1")
    first = int(start) if start.isdecimal() and len(start) < len("1000000") else 1
    for number, item in enumerate(numbered.find_all("li", recursive=False), start=first):
        item["data-number"] = str(number)


def _is_plain(first: Tag) -> bool:
    """Tell whether a message is text with its own line breaks in one wrapper."""
    has_class = "whitespace-pre-wrap" in first.get_attribute_list("class")
    return has_class and first.find(["p", "pre", "li", "table", "div", "code"]) is None


def _flatten_code(block: Tag) -> None:
    """Leave nothing in a block of code but its text, and its language as an attribute."""
    code = block.find("code")
    if not isinstance(code, Tag):
        return
    named = _CODE_CLASS.search(" ".join(filter(None, code.get_attribute_list("class"))))
    text = code.get_text()
    code.extract()
    header = _HEADER.sub("", block.get_text().strip()).strip()
    language = named.group(1) if named else header.lower()
    block.clear()
    block.append(NavigableString(text))
    if LANGUAGE.fullmatch(language):
        block["data-language"] = language


def _restore_tex(formula: Tag) -> None:
    """Put a formula's source in the place of all that the page drew of it."""
    drawn: Tag = formula
    for parent in formula.parents:
        classes = " ".join(filter(None, parent.get_attribute_list("class")))
        if parent.name not in ("math", "semantics") and not re.search("katex|math", classes):
            break
        drawn = parent
    classes = " ".join(
        name
        for tag in (drawn, *drawn.find_all(name=True))
        for name in tag.get_attribute_list("class")
        if name
    )
    fence = "$$" if "display" in classes else "$"
    drawn.replace_with(NavigableString(f"{fence}{formula.get_text().strip()}{fence}"))
