"""Which tokens of a row a model learns from: its answers and the token that ends each of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

#: Label of a token on which no loss is taken, in PyTorch and every trainer on top of it.
IGNORED: Final = -100


class Piece(NamedTuple):
    """A run of tokens of a row.

    Attributes:
        tokens: their numbers.
        is_answer: whether the model is to learn them.
    """

    tokens: tuple[int, ...]
    is_answer: bool


class Example(NamedTuple):
    """A row as a trainer takes it.

    Attributes:
        input_ids: token numbers.
        labels: as long; the token itself where it is learned, else -100.
    """

    input_ids: list[int]
    labels: list[int]


class Fault(NamedTuple):
    """Something a model should not learn, or not learn from.

    Attributes:
        name: key of `FAULTS`.
        position: of the token where it begins, counted from 0.
    """

    name: str
    position: int


#: What can be wrong with labels, and what comes of it.
FAULTS: Final = {
    "length": "labels and tokens differ in number: the trainer stops or shifts the loss",
    "other_label": "a label is neither the token nor -100: another token is taught",
    "nothing": "no token is learned: the row costs time and teaches nothing",
    "no_prompt": "the first token is learned: the prompt is not masked",
    "no_end": "an answer does not end with the end-of-sequence token: never learns to stop",
    "end_masked": "the end-of-sequence token behind an answer is masked: never learns to stop",
    "padding": "padding is learned",
}


def mask_pieces(pieces: Iterable[Piece], *, length: int | None = None) -> Example:
    """Return tokens and labels: answers are learned, everything else is masked.

    Args:
        pieces: of the row in order; an answer with the token that ends it.
        length: tokens after which the row is cut; null: it is left whole.

    Example:
        >>> mask_pieces([Piece((1, 2), False), Piece((3, 9), True)])
        Example(input_ids=[1, 2, 3, 9], labels=[-100, -100, 3, 9])
    """
    tokens: list[int] = []
    labels: list[int] = []
    for piece in pieces:
        tokens += piece.tokens
        labels += piece.tokens if piece.is_answer else [IGNORED] * len(piece.tokens)
    return Example(tokens[:length], labels[:length])


def pad_examples(examples: Sequence[Example], pad: int) -> tuple[list[Example], list[list[int]]]:
    """Make a batch: fill up on the right; padding is masked by its place, not by its number.

    Where the padding token is the end-of-sequence token, masking it by number would mask the ends
    of answers, too, and a model trained so never stops.

    Args:
        examples: rows of any length.
        pad: token number to fill up with.

    Returns:
        The rows, all of one length, and their attention masks.
    """
    length = max((len(example.input_ids) for example in examples), default=0)
    padded = [
        Example(
            example.input_ids + [pad] * (length - len(example.input_ids)),
            example.labels + [IGNORED] * (length - len(example.labels)),
        )
        for example in examples
    ]
    attention = [
        [1] * len(example.input_ids) + [0] * (length - len(example.input_ids))
        for example in examples
    ]
    return padded, attention


def find_faults(
    example: Example, ends: Iterable[int], *, pad: int | None = None, is_cut: bool = False
) -> list[Fault]:
    """Check the labels of a row, whoever made them.

    Args:
        example: the row; padding may follow it.
        ends: tokens that may end an answer.
        pad: token of the padding; null: there is none.
        is_cut: whether the row was cut, so that its last answer may lack its end.

    Returns:
        Each fault once, at its first place; none where only answers and their ends are learned.
    """
    tokens, labels = example
    if len(tokens) != len(labels):
        return [Fault("length", min(len(tokens), len(labels)))]
    found: dict[str, int] = {}
    for name, position in _faults(tokens, labels, frozenset(ends), pad, is_cut=is_cut):
        found.setdefault(name, position)
    return [Fault(name, found[name]) for name in FAULTS if name in found]


def _faults(
    tokens: Sequence[int],
    labels: Sequence[int],
    ends: frozenset[int],
    pad: int | None,
    *,
    is_cut: bool,
) -> Iterator[Fault]:
    for place, (token, label) in enumerate(zip(tokens, labels, strict=True)):
        if label not in (token, IGNORED):
            yield Fault("other_label", place)
        elif label == pad and pad not in ends:
            yield Fault("padding", place)
    runs = list(_learned_runs(labels))
    if not runs:
        yield Fault("nothing", 0)
    elif runs[0][0] == 0:
        yield Fault("no_prompt", 0)
    for begin, end in runs:
        # Where padding is the end-of-sequence token, only its number gives it away.
        if end - begin > 1 and labels[end - 1] == labels[end - 2] == pad and pad in ends:
            yield Fault("padding", end - 1)
        if labels[end - 1] in ends or (is_cut and end == len(labels)):
            continue
        is_masked = end < len(tokens) and tokens[end] in ends
        yield Fault("end_masked" if is_masked else "no_end", end if is_masked else begin)


def _learned_runs(labels: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return where runs of learned tokens begin, and where they have ended."""
    begin = None
    for place, label in enumerate([*labels, IGNORED]):
        if label != IGNORED and begin is None:
            begin = place
        elif label == IGNORED and begin is not None:
            yield begin, place
            begin = None


def count_faults(examples: Iterable[list[Fault]]) -> dict[str, int]:
    """Count the rows that have each fault, in the order of `FAULTS`."""
    counts = Counter(fault.name for faults in examples for fault in faults)
    return {name: counts[name] for name in FAULTS if counts[name]}
