import random
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.trees.ranked_pairs import Ballot, merge_rankings
from schemas.errors import InputError

NAMES = "abcde"


def many(count: int, *names: str) -> list[Ballot]:
    return [Ballot.of(*names)] * count


@st.composite
def ballots(draw: st.DrawFn, names: str = NAMES) -> list[Ballot]:
    """Partial rankings with ties and weights."""
    found = []
    for _ in range(draw(st.integers(0, 7))):
        ranked = draw(st.permutations(names))[: draw(st.integers(0, len(names)))]
        cuts = draw(st.lists(st.booleans(), min_size=len(ranked), max_size=len(ranked)))
        tiers: list[list[str]] = []
        for name, begins in zip(ranked, cuts, strict=True):
            if begins or not tiers:
                tiers.append([])
            tiers[-1].append(name)
        found.append(Ballot(tuple(map(tuple, tiers)), draw(st.sampled_from([0.1, 1, 2, 2.5]))))
    return found


def margin(cast: list[Ballot], one: str, other: str) -> float:
    """How much more weight puts one before the other, counted ballot by ballot."""
    total = 0.0
    for ballot in cast:
        places = {name: place for place, tier in enumerate(ballot.tiers) for name in tier}
        if one in places and other in places:
            sign = (places[one] < places[other]) - (places[one] > places[other])
            total += sign * ballot.weight * 10
    return round(total)


def is_stack(order: tuple[str, ...], cast: list[Ballot]) -> bool:
    """Zavist and Tideman's definition, which names no procedure.

    A ranking may come of ranked pairs exactly if each candidate reaches each one below it on a way
    down the ranking no step of which is weaker than the margin that speaks against the two.
    """
    for high, low in combinations(range(len(order)), 2):
        against = margin(cast, order[low], order[high])
        between = range(high + 1, low)
        ways = (
            [high, *middle, low]
            for size in range(len(between) + 1)
            for middle in combinations(between, size)
        )
        if not any(
            all(margin(cast, order[a], order[b]) >= against for a, b in pairwise(way))
            for way in ways
        ):
            return False
    return True


def test_a_condorcet_cycle_is_broken_at_its_weakest_win() -> None:
    cast = [*many(8, "a", "b", "c"), *many(7, "b", "c", "a"), *many(6, "c", "a", "b")]
    # b over c by 9, a over b by 7, c over a by 5.
    merged = merge_rankings(cast)
    assert merged.locked == (("b", "c"), ("a", "b"))
    assert merged.order == ("a", "b", "c")
    assert merged.by_id == ()


def test_the_capital_of_tennessee() -> None:
    cast = [
        *many(42, "Memphis", "Nashville", "Chattanooga", "Knoxville"),
        *many(26, "Nashville", "Chattanooga", "Knoxville", "Memphis"),
        *many(15, "Chattanooga", "Knoxville", "Nashville", "Memphis"),
        *many(17, "Knoxville", "Chattanooga", "Nashville", "Memphis"),
    ]
    assert merge_rankings(cast).order == ("Nashville", "Chattanooga", "Knoxville", "Memphis")
    weighted = [Ballot(ballot.tiers, cast.count(ballot)) for ballot in dict.fromkeys(cast)]
    assert merge_rankings(weighted) == merge_rankings(cast)


def test_a_perfect_cycle_is_decided_by_id() -> None:
    cast = [Ballot.of("c", "a", "b"), Ballot.of("b", "c", "a"), Ballot.of("a", "b", "c")]
    assert merge_rankings(cast).order == ("a", "b", "c")
    assert merge_rankings(cast).by_id == (("c", "a"),)


def test_what_nobody_tells_apart_is_one_tier() -> None:
    assert merge_rankings([], "ba").tiers == (("a", "b"),)
    both_ways = [Ballot.of("a", "b", "c"), Ballot.of("b", "a", "c")]
    assert merge_rankings(both_ways).tiers == (("a", "b"), ("c",))
    assert merge_rankings([Ballot((("b", "a"), ("c",)))]).tiers == (("a", "b"), ("c",))
    assert merge_rankings([Ballot(())]).tiers == ()


def test_partial_rankings_say_nothing_of_the_others() -> None:
    cast = [Ballot.of("c", "a"), Ballot.of("a", "b")]
    assert merge_rankings(cast, "abcd").tiers == (("c", "d"), ("a",), ("b",))
    assert merge_rankings(cast).locked == (("a", "b"), ("c", "a"))


def test_weights_add_up_exactly() -> None:
    cast = [Ballot.of("a", "b")] + [Ballot((("b",), ("a",)), 0.1)] * 10
    # Ten floats of 0.1 are a little more than 1 in exact arithmetic, whatever their order.
    assert merge_rankings(cast).order == merge_rankings(cast[::-1]).order == ("b", "a")


@pytest.mark.parametrize(
    ("ballot", "message"),
    [
        (Ballot.of("a", "b", "a"), "expected each candidate once on a ballot, got 'a' again"),
        (Ballot((("a",),), 0), "expected a finite weight above 0"),
        (Ballot((("a",),), float("nan")), "expected a finite weight above 0"),
        (Ballot((("a",),), float("inf")), "expected a finite weight above 0"),
    ],
)
def test_wrong_ballots_are_refused(ballot: Ballot, message: str) -> None:
    with pytest.raises(InputError, match=message):
        merge_rankings([ballot])


@settings(max_examples=50)
@given(cast=ballots())
def test_the_order_is_one_that_the_definition_allows(cast: list[Ballot]) -> None:
    order = merge_rankings(cast, NAMES).order
    assert sorted(order) == list(NAMES)
    assert is_stack(order, cast)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_it_is_the_only_one_allowed_where_all_margins_differ(seed: int) -> None:
    rng = random.Random(seed)
    names = NAMES[:4]
    pairs = list(combinations(names, 2))
    # Two ballots that agree on one pair and are each other's reverse elsewhere set its margin.
    cast = []
    for size, pair in enumerate(rng.sample(pairs, len(pairs)), start=1):
        better, worse = rng.sample(pair, 2)
        others = [name for name in names if name not in pair]
        cast += [Ballot.of(better, worse, *others), Ballot.of(*others[::-1], better, worse)] * size
    allowed = [order for order in permutations(names) if is_stack(order, cast)]
    assert allowed == [merge_rankings(cast).order]


@settings(max_examples=50)
@given(cast=ballots(), seed=st.integers())
def test_the_order_of_ballots_and_ties_does_not_matter(cast: list[Ballot], seed: int) -> None:
    rng = random.Random(seed)
    shuffled = [
        Ballot(tuple(tuple(rng.sample(tier, len(tier))) for tier in ballot.tiers), ballot.weight)
        for ballot in rng.sample(cast, len(cast))
    ]
    assert merge_rankings(shuffled, NAMES) == merge_rankings(cast, NAMES[::-1])


@settings(max_examples=50)
@given(cast=ballots("bcd"), split=st.lists(st.booleans(), min_size=7, max_size=7))
def test_a_clone_changes_no_winner(cast: list[Ballot], split: list[bool]) -> None:
    """A clone stands beside its original on every ballot, now before and now behind it."""
    margins = [abs(margin(cast, one, other)) for one, other in combinations("bcd", 2)]
    if len(set(margins)) < 3 or 0 in margins:
        return  # ids decide ties, and a clone has another id
    (before, *_) = merge_rankings(cast, "bcd").order
    cloned = []
    for ballot, first in zip(cast, split, strict=False):
        tiers: list[tuple[str, ...]] = []
        for tier in ballot.tiers:
            if "c" not in tier or len(tier) > 1:
                tiers.append((*tier, "e") if "c" in tier else tier)
            else:
                tiers += [("c",), ("e",)] if first else [("e",), ("c",)]
        cloned.append(Ballot(tuple(tiers), ballot.weight))
    (after, *_) = merge_rankings(cloned, "bcde").order
    assert after == before or {before, after} == {"c", "e"}


def test_sixty_candidates_are_merged_fast() -> None:
    rng = random.Random(0)
    names = [f"{number:02}" for number in range(60)]
    cast = [Ballot.of(*rng.sample(names, len(names))) for _ in range(9)]
    assert len(merge_rankings(cast).order) == 60
