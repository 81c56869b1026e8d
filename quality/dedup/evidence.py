"""Says in a line what two texts share and where they differ."""

from rapidfuzz.distance import LCSseq

#: Longest evidence, in characters.
EVIDENCE_LENGTH = 200
# Longer texts are compared in so many words from their first difference on.
_MOST_WORDS = 2_000


def describe_difference(this: str, kept: str) -> str:
    """Name the spans that only one of two texts has, in reading order.

    Args:
        this: the row that goes.
        kept: the row that stays.

    Returns:
        At most EVIDENCE_LENGTH characters.

    Example:
        >>> describe_difference("Name three red fruits", "Name three green fruits")
        'only in this row: "red"; only in the kept one: "green"'
        >>> describe_difference("Say hi", "Say  hi")
        'same words'
    """
    if this == kept:
        return "same words"
    first, second = this.split(), kept.split()
    if first == second:
        return "same words"
    if max(len(first), len(second)) > _MOST_WORDS:
        same = next(
            (at for at, (one, two) in enumerate(zip(first, second, strict=False)) if one != two),
            min(len(first), len(second)),
        )
        first, second = first[same : same + _MOST_WORDS], second[same : same + _MOST_WORDS]
    mine, others = _spans(first, second)
    if not mine and not others:
        return "same words"
    room = EVIDENCE_LENGTH // 2 if mine and others else EVIDENCE_LENGTH
    parts = (("only in this row: ", mine), ("only in the kept one: ", others))
    return "; ".join(_cut(label + spans, room - 1) for label, spans in parts if spans)


def describe_choice(agreement: float) -> str:
    """Say that two rows ask nearly the same and answer differently."""
    return f"another answer (the answers agree by {agreement:.2f})"


def _spans(first: list[str], second: list[str]) -> tuple[str, str]:
    """Return the runs of words that only one side has, quoted."""
    mine, others = [], []
    for step in LCSseq.opcodes(first, second):
        if step.tag != "equal":
            mine.append(first[step.src_start : step.src_end])
            others.append(second[step.dest_start : step.dest_end])
    return _quote(mine), _quote(others)


def _quote(runs: list[list[str]]) -> str:
    return ", ".join(f'"{" ".join(run)}"' for run in runs if run)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
