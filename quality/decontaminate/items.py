"""Benchmark items: what must not be in a dataset."""

from collections.abc import Iterator
from typing import NamedTuple


class BenchmarkItem(NamedTuple):
    """One item of a benchmark.

    Answers are no part of it: an answer without its question gives nothing away, and a question
    gives the item away without its answer.

    Attributes:
        benchmark: file or Hub dataset it came from.
        number: 0-based position there.
        text: the question or prompt; of several turns, the first.
        given: what the question is about (an input, a passage); must be found with it.
        more: options or later turns; must be found with a question that alone says too little.
        name: the id that the file gives it; "" where there is none.
    """

    benchmark: str
    number: int
    text: str
    given: str = ""
    more: tuple[str, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """What decisions call it.

        Example:
            >>> BenchmarkItem("b.jsonl", 3, "Why?").label
            'b.jsonl:3'
        """
        return f"{self.benchmark}:{self.name or self.number}"

    @property
    def whole(self) -> str:
        """The question with what it is about."""
        return f"{self.text}\n\n{self.given}" if self.given else self.text

    def parts(self) -> Iterator[str]:
        """Yield the texts that are looked for."""
        yield self.text
        if self.given:
            yield self.given
        yield from self.more
