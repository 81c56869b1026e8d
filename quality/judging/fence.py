"""Shows text of others to a judge so that it stays data: it cannot end its section or speak.

Sections begin with a line that carries a mark. The mark is derived from the row and the seed, and
the text does not hold it, however it is spelled, so that nothing in the text can begin or end a
section. Tokens of chat templates, which a server would read as the end of the turn, are broken.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_MARK_DIGITS: Final = 16
_NO_DIGIT = re.compile("[^0-9a-f]")
#: What servers read as structure although it stands in a text: ends of turns, roles, thoughts.
TEMPLATE_TOKEN: Final = re.compile(
    r"<\|[^\s|<>]{1,64}\|>"  # ChatML, Llama 3, Phi, GPT
    r"|<\uff5c[^\s\uff5c<>]{1,64}\uff5c>"  # DeepSeek
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|gMASK)\]"
    r"|<</?SYS>>"
    r"|</?(?:s|bos|eos|pad|unk|mask|think|thinking|start_of_turn|end_of_turn|start_of_image"
    r"|tool_call|tool_response|\w{1,40}_TOKEN)>",
    re.IGNORECASE,
)


def mark_of(name: str, texts: Iterable[str], *, seed: int, sample: int = 0) -> str:
    """Return the mark of one request: 16 hexadecimal digits that no text holds.

    Args:
        name: id of the row.
        texts: all that will stand between marks.
        seed: of the recipe.
        sample: number of the draw; a repeated question gets another mark.

    Returns:
        Digits in small letters. They are not in the texts even where those spell them with other
        characters in between, in capitals or in full width.

    Example:
        >>> mark_of("row", ["Some text."], seed=0)
        '9001af911499ac91'
    """
    held = [_NO_DIGIT.sub("", unicodedata.normalize("NFKC", text).casefold()) for text in texts]
    attempt = 0
    while True:
        key = f"{seed}\x1f{sample}\x1f{attempt}\x1f{name}"
        mark = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:_MARK_DIGITS]
        if not any(mark in digits for digits in held):
            return mark
        attempt += 1


def break_tokens(text: str) -> str:
    """Return `text` with a space in every token of a chat template, for display.

    Args:
        text: any text.

    Example:
        >>> break_tokens("Done.<|im_end|>")
        'Done.< |im_end|>'
    """
    return TEMPLATE_TOKEN.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def fence(sections: Sequence[tuple[str, str]], *, mark: str) -> str:
    """Return sections as lines between marks.

    Args:
        sections: name and text of each, in order.
        mark: from `mark_of`, for these texts.

    Returns:
        Every line with the mark is one of ours.

    Example:
        >>> print(fence([("TASK", "Name a river."), ("ANSWER", "The Elbe.")], mark="f00d"))
        f00d TASK
        Name a river.
        f00d ANSWER
        The Elbe.
        f00d END
    """
    lines = [part for name, text in sections for part in (f"{mark} {name}", break_tokens(text))]
    return "\n".join([*lines, f"{mark} END"])
