"""The gates that a proposed instruction has to pass, as in Stanford Alpaca's generator."""

import re
import string
from collections.abc import Sequence
from typing import NamedTuple

from quality.rouge import RougeGate

MIN_WORDS = 4
MAX_WORDS = 150

# Tasks that a text model cannot do, or does without.
BLACKLIST = (
    "image",
    "images",
    "graph",
    "graphs",
    "picture",
    "pictures",
    "file",
    "files",
    "map",
    "maps",
    "draw",
    "plot",
    "go to",
    "video",
    "audio",
    "music",
    "flowchart",
    "diagram",
)
_BLACKLISTED = re.compile(rf"\b({'|'.join(BLACKLIST)})\b", re.IGNORECASE)
_PUNCTUATION = frozenset(string.punctuation)


class Rejection(NamedTuple):
    """Why an instruction did not pass.

    Attributes:
        rule: name for the ledger.
        value: what was measured, null where nothing is counted.
        threshold: the limit.
        evidence: the offending piece.
        matched_id: the row or seed that it repeats.
    """

    rule: str
    value: float | None = None
    threshold: float | None = None
    evidence: str | None = None
    matched_id: str | None = None


def check_instruction(instruction: str, *, ascii_only: bool = True) -> Rejection | None:
    """Return the first gate that an instruction fails, or null if it passes all.

    Args:
        instruction: without its input.
        ascii_only: whether the first character must be ASCII; false for languages in which a
            sentence may begin otherwise.

    Source:
        Stanford Alpaca, generate_instruction.py (2023). Differs: `ascii_only` can be turned off;
        an item that the token limit cut is refused by its caller only where the server says
        `length`, so that a list that ends by itself keeps its last item.

    Example:
        >>> check_instruction("Draw a cat on a mat.").evidence
        'Draw'
        >>> check_instruction("Name three uses of salt.") is None
        True
    """
    words = len(instruction.split())
    if words < MIN_WORDS:
        return Rejection("instruction_too_short", words, MIN_WORDS)
    if words > MAX_WORDS:
        return Rejection("instruction_too_long", words, MAX_WORDS)
    found = _BLACKLISTED.search(instruction)
    if found:
        return Rejection("blacklisted_word", evidence=found.group())
    if instruction.startswith("Write a program"):
        return Rejection("asks_for_program", evidence="Write a program")
    first = instruction[0]
    if first in _PUNCTUATION:
        return Rejection("starts_with_punctuation", evidence=first)
    if ascii_only and not first.isascii():
        return Rejection("starts_with_non_ascii", evidence=first)
    return None


class InstructionGates:
    """All gates of one generator, with the instructions that it has already."""

    def __init__(self, *, ascii_only: bool = True, avoid: Sequence[str] = ()) -> None:
        """Start with no instruction.

        Args:
            ascii_only: see `check_instruction`.
            avoid: words that a task must not contain, beside Alpaca's.
        """
        words = "|".join(map(re.escape, avoid))
        self._avoided = re.compile(rf"\b({words})\b", re.IGNORECASE) if avoid else None
        self._rouge = RougeGate()
        self._texts: dict[str, str] = {}
        self._ascii_only = ascii_only

    def add(self, row_id: str, instruction: str) -> None:
        """Remember an instruction; later ones must differ from it."""
        self._rouge.add(row_id, instruction)
        self._texts[row_id] = instruction

    def check(self, instruction: str, *, is_truncated: bool = False) -> Rejection | None:
        """Return the first gate that an instruction fails, or null if it passes all.

        Args:
            instruction: without its input.
            is_truncated: whether the token limit cut it.
        """
        if is_truncated:
            return Rejection("truncated_proposal", evidence=instruction[-100:])
        rejection = check_instruction(instruction, ascii_only=self._ascii_only)
        if rejection is not None:
            return rejection
        avoided = self._avoided.search(instruction) if self._avoided else None
        if avoided is not None:
            return Rejection("avoided_word", evidence=avoided.group())
        match = self._rouge.nearest(instruction)
        if match is None:
            return None
        # The answered row of a task has another id than the task: the text is what explains.
        evidence = f"repeats {self._texts[match.id]!r}"
        return Rejection("rouge_l", match.score, self._rouge.threshold, evidence, match.id)
