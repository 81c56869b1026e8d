"""Which items a row holds, given the texts of benchmarks that were found in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import polars as pl

from quality.decontaminate.references import References
from quality.decontaminate.spelling import cut_words
from quality.decontaminate.turns import row_texts


class Turns(NamedTuple):
    """The turns of some rows.

    Attributes:
        texts: of each row.
        words: of each row: the folded words of every turn, with a space before and after each.
    """

    texts: Mapping[int, list[str]]
    words: Mapping[int, list[str]]

    def hold(self, row: int, words: Sequence[str]) -> bool:
        """Say whether a turn of a row has these words one after another."""
        wanted = f" {' '.join(words)} "
        return not words or any(wanted in turn for turn in self.words[row])


class Match(NamedTuple):
    """A row that holds an item.

    Attributes:
        row: place in the rows.
        item: place in the items.
        share: of the distinctive n-grams, of the part of which the row has least.
        is_whole: whether every word is there, in order.
    """

    row: int
    item: int
    share: float
    is_whole: bool


class Matcher(NamedTuple):
    """What decides whether a row holds an item.

    Attributes:
        references: the texts of the items.
        turns: of every row in `shares` and `sentences`.
        shares: (row, text) to the share of its distinctive n-grams that the row has.
        sentences: (row, text) of the questions that stand in a row whole.
        strong: texts with enough distinctive n-grams.
    """

    references: References
    turns: Turns
    shares: Mapping[tuple[int, int], float]
    sentences: Set[tuple[int, int]]
    strong: Set[int]

    def matches(self) -> list[Match]:
        """Return the rows that hold an item, with all that has to be there."""
        items = defaultdict[int, list[int]](list)
        for number, part in enumerate(self.references.parts):
            items[part.text].append(number)
            if part.given is not None:
                items[part.given].append(number)
        pairs = {(row, item) for row, text in self._found() for item in items[text]}
        matches = (self._match(row, item) for row, item in sorted(pairs))
        return [match for match in matches if match is not None]

    def _found(self) -> Set[tuple[int, int]]:
        return self.shares.keys() | self.sentences

    def _match(self, row: int, item: int) -> Match | None:
        part = self.references.parts[item]
        needed = [part.text] if part.given is None else [part.text, part.given]
        shares = [self._share(row, text) for text in needed]
        if not all(shares):
            return None
        if part.text not in self.strong and not all(self._holds(row, text) for text in part.more):
            return None
        return Match(row, item, min(shares), all(self._holds(row, text) for text in needed))

    def _share(self, row: int, text: int) -> float:
        """Return how much of a part a row has: 1.0 or 0.0 if it has to be whole."""
        if text in self.strong:
            return self.shares.get((row, text), 0.0)
        return float((row, text) in self.sentences or self._holds(row, text))

    def _holds(self, row: int, text: int) -> bool:
        return self.turns.hold(row, self.references.words[text])


def read_turns(rows: pl.DataFrame, numbers: Set[int]) -> Turns:
    """Read the turns of the rows with these numbers."""
    chosen = sorted(numbers)
    found = row_texts(rows[chosen])
    texts, words = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    spelled = cut_words(found["text"]).list.join(" ").to_list()
    for (place, text), line in zip(found.iter_rows(), spelled, strict=True):
        texts[chosen[place]].append(text)
        words[chosen[place]].append(f" {line} ")
    return Turns(texts, words)
