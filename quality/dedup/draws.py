"""Random choices that depend on nothing but a name and a seed, on every machine."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import xxhash

_Item = TypeVar("_Item")


class Draw(NamedTuple):
    """Chooses among things.

    Attributes:
        name: what is chosen for; another name, other choices.
        seed: likewise.
    """

    name: str
    seed: int = 0

    def number(self, place: int = 0) -> int:
        """Return a number of 64 random bits, another one at every place."""
        return xxhash.xxh64_intdigest(f"{place}\x1f{self.name}".encode(), seed=self.seed)

    def arrange(self, items: Sequence[_Item]) -> list[_Item]:
        """Return things in random order."""
        places = sorted(range(len(items)), key=self.number)
        return [items[place] for place in places]

    def pick(self, items: Sequence[_Item], place: int = 0) -> _Item:
        """Return one of at least one thing."""
        return items[self.number(place) % len(items)]
