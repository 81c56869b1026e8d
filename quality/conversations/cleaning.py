"""One conversation from a dump to what can be trained on, or the reason why it cannot."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from quality.conversations.fences import repair_fences
from quality.conversations.markdown import (
    UnreadableHtmlError,
    html_to_markdown,
    is_rendered,
    unescape_plain,
)
from quality.conversations.noise import strip_counter, strip_labels
from quality.conversations.plugins import strip_panel
from quality.conversations.turns import Turn, find_broken_turn, trim_turns
from quality.phrases import find_phrase
from quality.text import normalise_text
from schemas.recipe import ConversationOptions

_MAX_EVIDENCE = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a conversation is left out.

    Attributes:
        rule: name of the reason, which is counted.
        evidence: the offending piece and its place.
    """

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A conversation after cleaning.

    Attributes:
        turns: what it says now; empty where there is a fault.
        changed: step to the number of turns that it changed or cut; steps that changed nothing are
            left out.
        fault: None where it stays.
    """

    turns: tuple[Turn, ...] = ()
    changed: Mapping[str, int] = field(default_factory=dict)
    fault: Fault | None = None


def clean_conversation(
    messages: Sequence[Mapping[str, str]], options: ConversationOptions
) -> Cleaned:
    """Clean every turn, cut what has no answer, and look for what must not be there.

    Args:
        messages: normalised turns with `role` and `content`, as a reader of a format gives them.
        options: which steps are taken.

    Returns:
        The conversation, alternating from a question to an answer, or a fault: `unreadable_html`,
        `plugin_used`, `no_exchange`, `broken_alternation` or `blocked_phrase`.

    Source:
        FastChat's `clean_sharegpt.py` and its successors, https://github.com/lm-sys/FastChat.
        Differs: a blocked phrase is looked for in what stays, as whole words; every step is
        counted and every fault says where.
    """
    changed: Counter[str] = Counter()
    raw = [Turn(turn["role"], turn["content"], place) for place, turn in enumerate(messages)]
    try:
        turns = _write_markdown(raw, changed) if options.markdown else raw
    except UnreadableHtmlError as error:
        return Cleaned(fault=Fault("unreadable_html", str(error)))
    turns = _repair(turns, changed) if options.interface else turns
    panels: list[str] = []
    if options.plugins != "keep":
        turns = _strip_panels(turns, changed, panels)
    trimmed = trim_turns(turns)
    changed.update(trimmed_before=trimmed.before, trimmed_after=trimmed.after)
    fault = _find_fault(trimmed.turns, panels, options)
    if fault is not None:
        return Cleaned(fault=fault)
    return Cleaned(trimmed.turns, {name: n for name, n in changed.items() if n})


def _write_markdown(turns: Iterable[Turn], changed: Counter[str]) -> list[Turn]:
    bare = [turn._replace(content=strip_counter(turn.content)) for turn in turns]
    written = [
        html_to_markdown(turn.content) if is_rendered(turn.content, role=turn.role) else None
        for turn in bare
    ]
    if not any(text is not None for text in written):
        return list(turns)
    # A page that was saved as HTML has its plain turns escaped.
    found = [
        unescape_plain(turn.content) if text is None else text
        for turn, text in zip(bare, written, strict=True)
    ]
    return _count("markdown", turns, found, changed)


def _repair(turns: Iterable[Turn], changed: Counter[str]) -> list[Turn]:
    for name, step in (
        ("counters", strip_counter),
        ("fences", repair_fences),
        ("labels", strip_labels),
    ):
        turns = _count(name, turns, [step(turn.content) for turn in turns], changed)
    return list(turns)


def _strip_panels(turns: Iterable[Turn], changed: Counter[str], panels: list[str]) -> list[Turn]:
    """Cut reports of tools; a turn that was nothing else is no turn."""
    kept = []
    for turn in turns:
        found = strip_panel(turn.content) if turn.role == "assistant" else None
        if found is None or not found.panel:
            kept.append(turn)
            continue
        changed["plugins"] += 1
        panels.append(f"turn {turn.place + 1}: {found.panel}")
        if found.text.strip():
            kept.append(turn._replace(content=normalise_text(found.text)))
    return kept


def _count(
    name: str, turns: Iterable[Turn], texts: Sequence[str], changed: Counter[str]
) -> list[Turn]:
    pairs = list(zip(turns, texts, strict=True))
    changed[name] += sum(turn.content != text for turn, text in pairs)
    return [
        turn if turn.content == text else turn._replace(content=normalise_text(text))
        for turn, text in pairs
    ]


def _find_fault(
    turns: Sequence[Turn], panels: Sequence[str], options: ConversationOptions
) -> Fault | None:
    if panels and options.plugins == "drop":
        return Fault("plugin_used", _one_line(panels[0]))
    if not any(turn.role == "assistant" for turn in turns):
        return Fault("no_exchange", "no question is answered")
    broken = find_broken_turn(turns)
    if broken is not None:
        return Fault("broken_alternation", broken)
    for turn in turns:
        found = find_phrase(turn.content, options.blocked)
        if found is not None:
            place = f"turn {turn.place + 1} ({turn.role}), character {found.start + 1}"
            return Fault(
                "blocked_phrase", _one_line(f"{found.phrase!r} in {place}: {found.excerpt}")
            )
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_EVIDENCE]
