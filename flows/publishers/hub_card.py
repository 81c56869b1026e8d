"""The card as a repository on the Hub shows it: its place, and the changelog of all versions."""

import re
from collections.abc import Iterator
from typing import Final

from flows.publishers.card import LOADED_FROM, REJECTS_LINE

_WITHHELD: Final = REJECTS_LINE.replace("`rejects/`", "`rejects/` without its text")
_CHANGELOG: Final = "## Changelog"


def adapt_card(
    card: str, *, repository: str, tag: str, with_rejects: bool, earlier: str | None
) -> str:
    """Return the card of a version as its repository on the Hub shows it.

    Args:
        card: README.md of the version.
        repository: `owner/name`.
        tag: names the commit.
        with_rejects: whether rejected rows go along with their text.
        earlier: the card that the repository shows now; what its changelog tells and this one
            does not is kept.
    """
    loading = f'"{repository}", "default", split="train", revision="{tag}"'
    found = card.replace(LOADED_FROM, loading, 1)
    if not with_rejects:
        found = found.replace(REJECTS_LINE, _WITHHELD, 1)
    return keep_changelog(found, earlier or "")


def keep_changelog(card: str, earlier: str) -> str:
    r"""Return a card whose changelog has the entries of an earlier card beneath its own.

    An entry is a heading of the third level that starts with a version; one that both have is the
    one of `card`. Doing it again changes nothing.

    Example:
        >>> old = "# a\n\n## Changelog\n\n### 1.0.0\n\nFirst.\n"
        >>> print(keep_changelog("# a\n\n## Changelog\n\n### 1.1.0\n\nMore.\n", old))
        # a
        <BLANKLINE>
        ## Changelog
        <BLANKLINE>
        ### 1.1.0
        <BLANKLINE>
        More.
        <BLANKLINE>
        ### 1.0.0
        <BLANKLINE>
        First.
        <BLANKLINE>
    """
    own = dict(_entries(card))
    kept = [text for version, text in _entries(earlier) if version not in own]
    if not kept:
        return card
    before, heading, section = _cut_changelog(card)
    rest = ""
    if heading:
        following = re.search(r"^## ", section, re.MULTILINE)
        place = following.start() if following else len(section)
        section, rest = section[:place], section[place:]
    parts = [before, heading or _CHANGELOG, section, *kept, rest]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _entries(card: str) -> Iterator[tuple[str, str]]:
    """The entries of a changelog: version and text, as they stand."""
    _, _, section = _cut_changelog(card)
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    for entry in re.split(r"^(?=### )", section, flags=re.MULTILINE)[1:]:
        found = re.match(r"### \[?v?(\d+\.\d+\.\d+)", entry)
        if found is not None:
            yield found[1], entry.strip()


def _cut_changelog(card: str) -> tuple[str, str, str]:
    """What stands before the changelog, its heading, and all behind; fenced text is no heading."""
    fence = ""
    place = 0
    for line in card.splitlines(keepends=True):
        ticks = re.match(r"`{3,}", line)
        if ticks is not None and (not fence or ticks[0] == fence == line.strip()):
            fence = "" if fence else ticks[0]
        elif not fence and line.rstrip() == _CHANGELOG:
            return card[:place], _CHANGELOG, card[place + len(line) :]
        place += len(line)
    return card, "", ""
