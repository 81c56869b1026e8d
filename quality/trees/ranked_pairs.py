"""Ranked pairs: several rankings merged into one, by Tideman's method.

Source: Tideman 1987, "Independence of clones as a criterion for voting rules"; used by Open
Assistant (Köpf et al. 2023, https://arxiv.org/abs/2304.07327) for the rankings of its users.
Differs: a candidate that a ballot leaves out is compared with nothing, where Tideman puts it last;
of equal margins the pair whose ids come first is locked first, where he draws lots.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, groupby
from typing import Final, TypeAlias

from schemas.errors import InputError

#: The sum of weights by which the first of a pair is preferred to the second.
Margins: TypeAlias = dict[tuple[str, str], Fraction]

_NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Ballot:
    """One ranking.

    Attributes:
        tiers: groups of candidates, the best first; those of one group are equal. Candidates that
            are in none were not ranked.
        weight: how much it counts, above 0.
    """

    tiers: tuple[tuple[str, ...], ...]
    weight: float = 1

    @classmethod
    def of(cls, *names: str) -> "Ballot":
        """Return a ballot without ties."""
        return cls(tuple((name,) for name in names))


@dataclass(frozen=True, slots=True)
class Merged:
    """What several rankings say together.

    Attributes:
        tiers: groups of candidates, the best first, sorted by id; between those of one group no
            locked pair decides.
        locked: (better, worse), in the order in which they were locked.
        by_id: pairs that were not locked only because of pairs with the same margin, whose ids come
            first: with other ids the order might be another one.
    """

    tiers: tuple[tuple[str, ...], ...]
    locked: tuple[tuple[str, str], ...]
    by_id: tuple[tuple[str, str], ...]

    @property
    def order(self) -> tuple[str, ...]:
        """All candidates, the best first; equal ones by id."""
        return tuple(name for tier in self.tiers for name in tier)


def merge_rankings(ballots: Sequence[Ballot], candidates: Iterable[str] = ()) -> Merged:
    """Merge rankings: lock pairs from the largest margin down, unless that closes a circle.

    Args:
        ballots: in any order, which does not matter.
        candidates: to be ranked beside those on the ballots.

    Raises:
        InputError: if a ballot names a candidate twice or weighs nothing.

    Example:
        >>> cycle = [Ballot.of("a", "b", "c")] * 4 + [Ballot.of("b", "c", "a")] * 3
        >>> merge_rankings([*cycle, *[Ballot.of("c", "a", "b")] * 2]).order
        ('a', 'b', 'c')
    """
    for ballot in ballots:
        _check(ballot)
    found = {name for ballot in ballots for tier in ballot.tiers for name in tier}
    names = sorted(found.union(candidates))
    locked, by_id = _lock(_margins(ballots), names)
    return Merged(_tiers(names, locked), tuple(locked), tuple(by_id))


def _check(ballot: Ballot) -> None:
    names = [name for tier in ballot.tiers for name in tier]
    if len(set(names)) < len(names):
        twice = min(name for name in names if names.count(name) > 1)
        msg = f"expected each candidate once on a ballot, got {twice!r} again: rank it once"
        raise InputError(msg)
    if not ballot.weight > 0 or ballot.weight == float("inf"):
        msg = f"expected a finite weight above 0 of a ballot, got {ballot.weight!r}: correct it"
        raise InputError(msg)


def _margins(ballots: Iterable[Ballot]) -> Margins:
    """Return the margin of every pair that somebody ranked, in both directions."""
    margins: Margins = {}
    for ballot in ballots:
        weight = Fraction(ballot.weight)  # sums of floats would depend on their order
        for above, below in combinations(ballot.tiers, 2):
            for pair in ((better, worse) for better in above for worse in below):
                margins[pair] = margins.get(pair, _NOTHING) + weight
                margins[pair[::-1]] = margins.get(pair[::-1], _NOTHING) - weight
    return margins


def _lock(
    margins: Margins, names: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the pairs that are locked, and those that only ids kept from it."""
    wins = sorted((-margin, pair) for pair, margin in margins.items() if margin > 0)
    place = {name: number for number, name in enumerate(names)}
    below = {name: 1 << place[name] for name in names}  # bits of all that a candidate is above
    locked, by_id = [], []
    for _, group in groupby(wins, key=lambda win: win[0]):
        before = dict(below)
        for _, pair in group:
            better, worse = pair
            if not below[worse] >> place[better] & 1:
                locked.append(pair)
                for name in names:
                    if below[name] >> place[better] & 1:
                        below[name] |= below[worse]
            elif not before[worse] >> place[better] & 1:
                by_id.append(pair)
    return locked, by_id


def _tiers(names: Sequence[str], locked: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Return the candidates in layers: each is below one of the layer before."""
    left, tiers = set(names), []
    while left:
        beaten = {worse for better, worse in locked if better in left and worse in left}
        tiers.append(tuple(sorted(left - beaten)))
        left &= beaten
    return tuple(tiers)
