"""What a chat page writes around a message: counters, labels of buttons, banners."""

import re
from typing import Final

from quality.conversations.fences import mark_code

#: What a button that copies says about its text.
COPY_COUNT: Final = re.compile(r"Copy ?\d+ chars / \d+ words")
# Behind the counter of a page comes a line's end, a tag, or, run together, the beginning of a
# sentence. "3 / 4 of them" and "1 / 2x" are what somebody wrote.
_COUNTER: Final = re.compile(r"\s*(\d{1,3}) / (\d{1,3})(?=[ \t]*\n|[ \t]*<[a-z]|[A-ZÄÖÜÀ-Ý\"“„¿¡])")
#: A line that is this button may stand anywhere outside of code.
_COPY: Final = "copy code"
#: Lines that are a button or a banner, at the edges of a message.
_EDGES: Final = frozenset(
    {
        "betterworsesame",
        "continue generating",
        "regenerate",
        "regenerate response",
        "save & submit",
        "save & submitcancel",
        "share prompt",
        "stop generating",
        "was this response better or worse?",
        "was this response better or worse?betterworsesame",
    }
)
_BANNER: Final = re.compile(r"this (?:content|prompt) may violate our (?:content|usage) polic")


def strip_counter(text: str) -> str:
    r"""Cut the counter of regenerated answers, "n / m", before a message.

    Args:
        text: a turn; its counter may run into the first word.

    Source:
        FastChat's `clean_sharegpt.py` cuts any "n / m" at the beginning. Differs: n is at most m
        and something that begins a message follows, so that fractions stay.

    Example:
        >>> strip_counter("2 / 2Sure, here it is."), strip_counter("1 / 2 of the rows are bad.")
        ('Sure, here it is.', '1 / 2 of the rows are bad.')
    """
    found = _COUNTER.match(text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        return text
    return text[found.end() :].lstrip()


def strip_labels(text: str) -> str:
    r"""Cut copy counts, labels of buttons and moderation banners.

    Args:
        text: a turn in Markdown; its code is not touched, but for "Copy code" that repairing its
            fence takes.

    Example:
        >>> strip_labels("It is 4.\n\nCopy8 chars / 3 words\nRegenerate response")
        'It is 4.'
    """
    lines = [
        cut
        for line, is_code in mark_code(text)
        if (cut := line if is_code else _cut_labels(line)) is not None
    ]
    start, end = 0, len(lines)
    while start < end and _is_label(lines[start]):
        start += 1
    while end > start and _is_label(lines[end - 1]):
        end -= 1
    return "\n".join(lines[start:end])


def _cut_labels(line: str) -> str | None:
    """Return a line of prose without the labels in it, None where it was nothing else."""
    cut = COPY_COUNT.sub("", line)
    is_label = cut.strip().lower() == _COPY or (cut != line and not cut.strip())
    return None if is_label else cut


def _is_label(line: str) -> bool:
    """Tell whether a line at the edge of a message is none of it: blank, a button or a banner."""
    words = line.strip().lower()
    return not words or words in _EDGES or _BANNER.match(words) is not None
