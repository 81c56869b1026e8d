"""What a chat page shows of the tools that an answer used: its panel above the answer."""

import re
from typing import Final, NamedTuple

from quality.conversations.fences import mark_code

_STATUS: Final = re.compile(
    r"(?:Used (?:unknown plugin|[A-Z][\w.&'’-]*(?: [\w.&'’-]+){0,3})"
    r"|Using (?:unknown plugin|[A-Z][\w.&'’-]*(?: [\w.&'’-]+){0,3}) ?(?:\.\.\.|…)"
    r"|Browsing(?: the web)? ?(?:\.\.\.|…)|Finished browsing(?: the web)?|Reading content"
    r"|Searched(?: the web)?(?: for)?:? [\"“].{1,200}[\"”]|Search results for:? [\"“].{1,200}[\"”]"
    r"|Clicked on:?(?: .{0,300})?|Click failed|Scroll(?:ed|ing) down|Quoting:? ?.{0,300}"
    r"|Working ?(?:\.\.\.|…)|Finished working|Show work|Hide work)"
)
_CALL: Final = re.compile(
    r"(?:Request(?: to [\w .&'’-]{1,60})?|Response(?: from [\w .&'’-]{1,60})?):?"
)
_MARKS: Final = re.compile(r"[*_]")


class Stripped(NamedTuple):
    """An answer without its panel.

    Attributes:
        text: the answer.
        panel: what was cut, "" where there was nothing.
    """

    text: str
    panel: str


def strip_panel(text: str) -> Stripped:
    r"""Cut the lines that report the use of tools before an answer.

    Only the beginning of an answer is looked at, and only lines that are a report and nothing
    else; what a tool was asked and said, in a fence below "Request" and "Response", goes with it.

    Args:
        text: an assistant's turn in Markdown.

    Source:
        FastChat drops conversations with plugins. Differs: the report alone can go.

    Example:
        >>> strip_panel("Used **WebPilot**\n\nThe page lists three birds.").text
        'The page lists three birds.'
        >>> strip_panel("Used cars lose value quickly.").text
        'Used cars lose value quickly.'
    """
    lines = list(mark_code(text))
    place = end = 0
    follows_call = False
    while place < len(lines):
        line = lines[place]
        words = _MARKS.sub("", line.text).strip()
        is_call = not line.is_code and _CALL.fullmatch(words) is not None and end > 0
        is_report = not line.is_code and (is_call or _STATUS.fullmatch(words) is not None)
        if not (is_report or (line.is_code and follows_call) or not words):
            break
        place += 1
        follows_call = is_call or (follows_call and (line.is_code or not words))
        end = place if words else end
    panel = "\n".join(line.text for line in lines[:end])
    rest = "\n".join(line.text for line in lines[end:])
    return Stripped(rest.lstrip("\n") if panel.strip() else text, panel.strip())
