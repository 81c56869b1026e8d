"""Chance that depends on a key and nothing else."""

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Numbers drawn one after the other from the hash of a key and their place."""

    def __init__(self, *key: str | int) -> None:
        """Begin with the first number of a key."""
        self._key = key
        self._place = 0

    def below(self, end: int) -> int:
        """Draw from 0 to `end` - 1.

        Example:
            >>> Draw("a", 1).below(10) == Draw("a", 1).below(10)
            True
        """
        text = json.dumps([*self._key, self._place])
        self._place += 1
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % end

    def between(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return low + self.below(high - low + 1)

    def one_of(self, items: Sequence[T]) -> T:
        """Draw one item."""
        return items[self.below(len(items))]
