"""chrF: how alike two texts are in their character n-grams."""

from collections import Counter
from typing import Final

_ORDER: Final = 6
_BETA: Final = 2


def chrf(hypothesis: str, reference: str) -> float:
    """Return the chrF of a text against a reference.

    Args:
        hypothesis: any text.
        reference: any text.

    Returns:
        0..1, 1 for equal texts; white space does not count. Two texts without a character agree.

    Source:
        Popović 2015, https://aclanthology.org/W15-3049, as sacrebleu 2 computes it for one
        sentence (character order 6, beta 2, orders that either text is too short for left out).
        Differs: 0..1 instead of 0..100.

    Example:
        >>> chrf("The cat sat.", "The cat sat."), round(chrf("The cat sits.", "The cat sat."), 2)
        (1.0, 0.59)
    """
    left, right = "".join(hypothesis.split()), "".join(reference.split())
    if not left or not right:
        return float(left == right)
    precisions, recalls = [], []
    for order in range(1, _ORDER + 1):
        said, wanted = _grams(left, order), _grams(right, order)
        if not said or not wanted:
            break
        shared = (said & wanted).total()
        precisions.append(shared / said.total())
        recalls.append(shared / wanted.total())
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    if not precision + recall:
        return 0.0
    weight = _BETA**2
    return (1 + weight) * precision * recall / (weight * precision + recall)


def _grams(text: str, order: int) -> Counter[str]:
    return Counter(text[place : place + order] for place in range(len(text) - order + 1))
