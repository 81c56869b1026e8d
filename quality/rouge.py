"""The novelty gate of Self-Instruct: no new instruction like one that is kept already.

Decides exactly as a loop over `rouge_score` would (ROUGE-L, F-measure, no stemmer) and looks at
almost nothing: an inverted index bounds the overlap with every kept text at once, and the longest
common subsequence is computed only where the bound does not settle the case.

ROUGE's tokenizer knows `[a-z0-9]` only. A text in another script has no token and matches nothing,
not even itself; "naïve" is two tokens. Such rows all pass the gate, here as in `rouge_score`, and
it is `quality.dedup` that finds their duplicates.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from schemas.errors import RunError

THRESHOLD = 0.7
_TOKEN = re.compile(r"[a-z0-9]+")
# Keeps a text in play whose bound equals the threshold up to rounding.
_SLACK = 1e-9
# Stands for every token that no kept text has; kept texts never contain it.
_UNKNOWN = "\0"


class Match(NamedTuple):
    """The most similar kept text: its id and its ROUGE-L F-measure."""

    id: str
    score: float


class RougeGate:
    """Kept texts, and the question whether a new one is too similar to any of them.

    Example:
        >>> gate = RougeGate()
        >>> gate.add("seed-1", "Name three ways to save water at home.")
        >>> gate.nearest("Name three ways to save money at home")
        Match(id='seed-1', score=0.875)
        >>> gate.nearest("Write a poem") is None
        True
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """Start with nothing kept.

        Args:
            threshold: a score above it is a match; exactly it is none.

        Raises:
            ValueError: if `threshold` is outside [0, 1].
        """
        if not 0 <= threshold <= 1:
            msg = f"expected a threshold in [0, 1], got {threshold!r}"
            raise ValueError(msg)
        self.threshold = threshold
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._lengths = array("q")
        self._characters: dict[str, str] = {}
        self._free_characters = _characters()
        # (token, k) -> the kept texts that contain the token at least k times.
        self._postings: dict[tuple[str, int], array[int]] = {}

    def __len__(self) -> int:
        """Return the number of texts kept."""
        return len(self._ids)

    def add(self, id: str, text: str) -> None:  # noqa: A002 - the column is called id
        """Keep `text`, without asking whether it is new.

        Args:
            id: what `nearest` will return.
            text: the instruction.

        Raises:
            RunError: if the kept texts have more than 1.1 million different tokens.
        """
        tokens = tokenize(text)
        place = len(self._ids)
        encoded = "".join(self._character(token) for token in tokens)
        for element in _occurrences(tokens):
            self._postings.setdefault(element, array("q")).append(place)
        self._ids.append(id)
        self._texts.append(encoded)
        self._lengths.append(len(tokens))

    def nearest(self, text: str) -> Match | None:
        """Find the most similar kept text above the threshold.

        Args:
            text: a candidate.

        Returns:
            The match of highest score, of equals the one added first; None where no kept text
            scores above the threshold.
        """
        tokens = tokenize(text)
        encoded = "".join(self._characters.get(token, _UNKNOWN) for token in tokens)
        best, best_place = None, -1
        for place, bound in self._likely(tokens):
            if best is not None and bound < best.score - _SLACK:
                break
            kept = self._texts[place]
            score = f_measure(LCSseq.similarity(kept, encoded), len(kept), len(encoded))
            floor = (self.threshold, 1) if best is None else (best.score, -best_place)
            if (score, -place) > floor:
                best, best_place = Match(self._ids[place], score), place
        return best

    def _likely(self, tokens: list[str]) -> Iterator[tuple[int, float]]:
        """Yield (place, upper bound of the score), best bound first, where the bound suffices.

        The longest common subsequence is at most the overlap of the two bags of tokens, which the
        inverted index adds up for all kept texts at once.
        """
        found = [self._postings[key] for key in _occurrences(tokens) if key in self._postings]
        if not found:
            return
        places = np.concatenate([np.frombuffer(posting, dtype=np.int64) for posting in found])
        overlap = np.bincount(places, minlength=len(self))
        lengths = np.array(self._lengths, dtype=np.int64) + len(tokens)
        likely = np.flatnonzero(
            (overlap > 0) & (2 * overlap >= (self.threshold - _SLACK) * lengths)
        )
        bounds: npt.NDArray[np.float64] = 2 * overlap[likely] / lengths[likely]
        order = np.argsort(-bounds, kind="stable")
        yield from zip(likely[order].tolist(), bounds[order].tolist(), strict=True)

    def _character(self, token: str) -> str:
        """Return the character that stands for `token`, for rapidfuzz's bit-parallel strings."""
        if token not in self._characters:
            character = next(self._free_characters, None)
            if character is None:
                msg = f"expected at most {len(self._characters)} different tokens in kept texts"
                raise RunError(msg)
            self._characters[token] = character
        return self._characters[token]


def tokenize(text: str) -> list[str]:
    """Cut as `rouge_score` does without stemmer: lower case, runs of `[a-z0-9]`.

    Example:
        >>> tokenize("It's 3.5 °C: 你好")
        ['it', 's', '3', '5', 'c']
    """
    return _TOKEN.findall(text.lower())


def f_measure(common: int, left: int, right: int) -> float:
    """Return the F-measure of a common subsequence of `common` among `left` and `right` tokens.

    Step by step as `rouge_score` computes it, so that a score at the border falls on the same
    side: 2·common / (left + right) differs from it in the last bit.
    """
    if not common:
        return 0.0
    precision, recall = common / right, common / left
    return 2 * precision * recall / (precision + recall)


def _occurrences(tokens: list[str]) -> list[tuple[str, int]]:
    """Number the repeats of every token, so that the overlap of bags becomes one of sets."""
    return [(token, k) for token, count in Counter(tokens).items() for k in range(count)]


def _characters() -> Iterator[str]:
    """Yield every character but NUL and the surrogates, which no string should hold."""
    return map(chr, chain(range(1, 0xD800), range(0xE000, 0x110000)))
