"""Which of several answers to one question its teacher stands behind most."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from quality.words import terms


@dataclass(frozen=True, slots=True)
class RankedAnswer:
    """One answer and the two signals that rank it.

    Attributes:
        index: its position among the given answers.
        agreement: mean word overlap with the other answers, 0..1; null where there is no other.
        confidence: mean log-probability of its tokens, at most 0; null where unknown.
    """

    index: int
    agreement: float | None
    confidence: float | None = None


def rank_answers(
    answers: Sequence[str],
    *,
    confidences: Sequence[float | None] | None = None,
) -> list[RankedAnswer]:
    """Rank answers to one question, best first.

    The teacher's own confidence decides where every answer has one; the agreement with the other
    answers otherwise, and between equal confidences. Ties keep the given order.

    Args:
        answers: texts, in the order of their samples.
        confidences: mean log-probability per token of each answer, in nats; null = unknown.

    Returns:
        One entry an answer. A single answer has no agreement: null, not 1.

    Raises:
        ValueError: if `confidences` has another length than `answers`.

    Source:
        The medoid stands in for the majority vote of Wang et al. 2022 (self-consistency),
        https://arxiv.org/abs/2203.11171. Differs: free text has no equal answers to count, so
        overlap of words replaces equality.

    Example:
        >>> ranked = rank_answers(["It is Paris.", "Rome, surely.", "Paris it is."])
        >>> [(answer.index, answer.agreement) for answer in ranked]
        [(0, 0.5), (2, 0.5), (1, 0.0)]
    """
    known = list(confidences) if confidences is not None else [None] * len(answers)
    if len(known) != len(answers):
        msg = f"expected one confidence an answer, got {len(known)} for {len(answers)} answers"
        raise ValueError(msg)
    entries = [
        RankedAnswer(index, agreement, confidence)
        for index, (agreement, confidence) in enumerate(
            zip(agreements(answers), known, strict=True)
        )
    ]
    compare_confidence = all(confidence is not None for confidence in known)
    return sorted(
        entries,
        key=lambda entry: (
            -(entry.confidence or 0.0) if compare_confidence else 0.0,
            -(entry.agreement or 0.0),
            entry.index,
        ),
    )


def agreements(answers: Sequence[str]) -> list[float | None]:
    """Return how much each answer overlaps with the others: mean F1 over words, 0..1.

    Args:
        answers: texts; case and punctuation do not count.

    Returns:
        One number an answer, null where there is no other answer to agree with.
    """
    if len(answers) < 2:  # agreement needs a pair
        return [None] * len(answers)
    frame = pl.DataFrame({"answer": list(answers)}, schema={"answer": pl.String})
    bags = [Counter(words) for words in frame.select(terms(pl.col("answer")))["answer"]]
    totals = [0.0] * len(bags)
    for left in range(len(bags)):
        for right in range(left):
            overlap = overlap_f1(bags[left], bags[right])
            totals[left] += overlap
            totals[right] += overlap
    return [total / (len(bags) - 1) for total in totals]


def overlap_f1(left: Counter[str], right: Counter[str]) -> float:
    """Return twice the shared words over all words, 0..1; two empty texts agree fully.

    Args:
        left: word counts of one text.
        right: word counts of the other.
    """
    words = left.total() + right.total()
    return 1.0 if words == 0 else 2 * (left & right).total() / words


def mean_logprob(logprobs: Sequence[float]) -> float | None:
    """Return the mean log-probability of an answer's tokens, null where there is none.

    Args:
        logprobs: natural logarithms, one a token; values that are not finite do not count.
    """
    finite = [value for value in logprobs if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None
