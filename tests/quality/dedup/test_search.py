"""The search: brute force where it is complete, bounded where it is not, never inventive."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quality.dedup.kernels import Places
from quality.dedup.minhash import Bands, band_keys, choose_bands
from quality.dedup.search import (
    CHECKED_BANDS,
    MAX_PARTNERS,
    Found,
    Limits,
    alike_in_large_buckets,
    alike_in_small_buckets,
    alike_pairs,
    jaccard,
    merge,
    nothing_earlier,
    tail_permutations,
)
from quality.dedup.shingles import Fingerprints
from tests.support.shingles import jaccard as jaccard_of
from tests.support.shingles import pack, similar_pairs

# Bands of one value: what shares a tenth of its shingles shares a band but for one time in 10**7.
SURE = Bands(160, 1)
SETS = st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=8), max_size=30)
LIMITS = st.builds(
    Limits,
    threshold=st.sampled_from([0.2, 1 / 3, 0.5, 0.7, 1.0]),
    containment=st.sampled_from([None, 0.6, 1.0]),
    max_partners=st.just(MAX_PARTNERS),
)
# So many strangers that rows are not compared in full.
STRANGERS = [frozenset({f"stranger {n}"}) for n in range(MAX_PARTNERS + 1)]


def ranked(n_rows: int) -> Places:
    return np.arange(n_rows, dtype=np.int64)


def named(found: Found) -> set[tuple[int, int]]:
    assert found.pairs.shape[1] == 3
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    pairs = [tuple(pair) for pair in found.pairs[:, :2].tolist()]
    assert pairs == sorted(set(pairs))
    return set(pairs)


@settings(deadline=None, max_examples=60)
@given(SETS, LIMITS, st.integers(0, 30))
def test_few_rows_are_compared_as_by_brute_force(
    sets: list[frozenset[str]], limits: Limits, n_past: int
) -> None:
    n_past = min(n_past, len(sets))
    found = alike_pairs(pack(sets), limits, rank=ranked(len(sets)), n_past=n_past)
    expected = similar_pairs(sets, limits.threshold, limits.containment)
    assert named(found) == {(a, b) for a, b in expected if b >= n_past}
    assert not found.crowded.any()
    assert [shared for _, _, shared in found.pairs.tolist()] == [
        len(sets[a] & sets[b]) for a, b, _ in found.pairs.tolist()
    ]
    assert jaccard(found.pairs, pack(sets)).tolist() == [
        jaccard_of(sets[a], sets[b]) for a, b, _ in found.pairs.tolist()
    ]


@settings(deadline=None, max_examples=50)
@given(SETS, st.data())
def test_rows_of_different_salt_never_pair(sets: list[frozenset[str]], data: st.DataObject) -> None:
    salts = data.draw(st.lists(st.integers(0, 2), min_size=len(sets), max_size=len(sets)))
    expected = {(a, b) for a, b in similar_pairs(sets, 0.5) if salts[a] == salts[b]}
    for more in ([], STRANGERS):
        found = alike_pairs(
            pack(sets + more),
            Limits(0.5),
            rank=ranked(len(sets + more)),
            salts=np.array(salts + [1] * len(more), dtype=np.uint64),
            banding=SURE,
        )
        assert named(found) == expected


@pytest.mark.parametrize("n_rows", [MAX_PARTNERS, MAX_PARTNERS + 1])
def test_up_to_the_bound_every_pair_is_compared(n_rows: int) -> None:
    sets = [frozenset({"shared", *(f"{row} {n}" for n in range(9))}) for row in range(n_rows)]
    found = alike_pairs(pack(sets), Limits(1 / 19), rank=ranked(n_rows))
    assert len(found.pairs) == found.compared == n_rows * (n_rows - 1) // 2
    assert not found.crowded.any()


def words(n_rows: int, seed: int) -> list[frozenset[str]]:
    """Rows in families of about four: equal ones, alike ones, half alike ones, empty ones."""
    rng = np.random.default_rng(seed)
    sets: list[frozenset[str]] = [frozenset()] * 5
    while len(sets) < n_rows:
        family = int(rng.integers(n_rows // 4))
        left_out, own = rng.choice([0, 0, 1, 2, 4], 2)
        sets.append(
            frozenset(f"{family} {n}" for n in range(left_out, 12))
            | {f"own {value}" for value in rng.integers(0, 1 << 40, own)}
        )
    return sets


@pytest.mark.parametrize(
    "limits", [Limits(0.5), Limits(0.7), Limits(0.7, 0.9), Limits(1.0)], ids=str
)
@pytest.mark.parametrize("n_past", [0, 150])
def test_many_rows_are_found_by_banding_alone(limits: Limits, n_past: int) -> None:
    sets = words(300, seed=4)
    expected = {
        (a, b) for a, b in similar_pairs(sets, limits.threshold, limits.containment) if b >= n_past
    }
    assert len(expected) >= 15
    sure = alike_pairs(pack(sets), limits, rank=ranked(300), n_past=n_past, banding=SURE)
    assert named(sure) == expected
    chosen = alike_pairs(pack(sets), limits, rank=ranked(300), n_past=n_past)
    assert named(chosen) <= expected
    assert len(named(chosen)) >= 0.97 * len(expected)
    assert chosen.compared < 300 * 299 // 8


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.frozensets(st.sampled_from("abcd"), max_size=4), min_size=4, max_size=30),
    st.integers(0, 8),
    st.integers(0, 30),
    st.sampled_from([0.3, 0.6, 1.0]),
)
def test_crowded_buckets_invent_no_pair(
    sets: list[frozenset[str]], max_partners: int, n_past: int, threshold: float
) -> None:
    assume(len(sets) > max_partners + 1)
    found = alike_pairs(
        pack(sets),
        Limits(threshold, max_partners=max_partners),
        rank=ranked(len(sets))[::-1].copy(),
        n_past=n_past,
    )
    assert named(found) <= {(a, b) for a, b in similar_pairs(sets, threshold) if b >= n_past}


@settings(deadline=None, max_examples=40)
@given(SETS.filter(lambda sets: len(sets) > 6), st.randoms(), st.sampled_from([2, 4, 64]))
def test_the_order_of_rows_does_not_matter(
    sets: list[frozenset[str]], random, max_partners: int
) -> None:
    rank = list(range(len(sets)))
    random.shuffle(rank)
    order = list(range(len(sets)))
    random.shuffle(order)
    limits = Limits(0.5, max_partners=max_partners)
    first = alike_pairs(pack(sets), limits, rank=np.array(rank))
    second = alike_pairs(
        pack([sets[row] for row in order]), limits, rank=np.array([rank[row] for row in order])
    )
    back = {tuple(sorted((order[a], order[b]))) for a, b in named(second)}
    assert named(first) == back
    assert first.compared == second.compared
    assert first.crowded[order].tolist() == second.crowded.tolist()


def test_small_buckets_are_compared_in_full_and_large_ones_within_the_bound() -> None:
    banding = choose_bands(1.0)
    small = alike_pairs(pack([{"x"}] * 65), Limits(1.0), rank=ranked(65))
    assert len(named(small)) == 65 * 64 // 2
    rank = ranked(300)[::-1].copy()
    large = alike_pairs(pack([{"x"}] * 300), Limits(1.0), rank=rank)
    assert large.crowded.all()
    assert large.compared <= 300 * 64 * banding.bands
    assert len(named(large)) <= large.compared
    # The likely survivors, here the last rows, are compared with all.
    assert {(n, 299) for n in range(299)} <= named(large)
    assert {(n, 299 - 31) for n in range(299 - 31)} <= named(large)


def test_a_pair_is_compared_once_over_the_first_bands() -> None:
    prints = pack([{"x", "y"}] * 30 + [{str(n)} for n in range(50)])
    found = alike_pairs(prints, Limits(0.5), rank=ranked(80), banding=Bands(40, 1))
    assert len(named(found)) == 30 * 29 // 2
    # Every one of the first bands compares anew, all later ones trust them.
    assert found.compared == CHECKED_BANDS * 30 * 29 // 2


def test_rows_of_a_bucket_below_the_bound_are_not_crowded() -> None:
    prints = pack([{"x"}] * 10 + [{"y"}] * 4 + [{"z"}])
    keys = band_keys(prints, Bands(1, 1))[0]
    limits = Limits(1.0, max_partners=4)
    small = alike_in_small_buckets(keys, prints, limits, nothing_earlier(15))
    assert small.crowded.tolist() == [True] * 10 + [False] * 5
    assert named(small) == {(a, b) for a in range(10, 14) for b in range(a + 1, 14)}
    tail = tail_permutations(Bands(1, 1), 0)
    large = alike_in_large_buckets(keys, prints, limits, ranked(15), tail)
    assert large.crowded.tolist() == small.crowded.tolist()
    anchored = {(a, b) for a in range(2) for b in range(a + 1, 10)}
    neighbours = {(a, a + step) for a in range(10) for step in (1, 2) if a + step < 10}
    assert named(large) == anchored | neighbours
    both = merge([small, large])
    assert named(both) == named(small) | named(large)
    assert both.compared == small.compared + large.compared


def test_a_template_leaves_no_row_without_a_pair() -> None:
    shared = [f"template {n}" for n in range(12)]
    prints = pack([[*shared, f"own {n}"] for n in range(400)])
    found = alike_pairs(prints, Limits(0.7, max_partners=16), rank=ranked(400))
    assert set(range(1, 400)) == {b for a, b in named(found) if a == 0}
    assert found.compared <= 400 * 16 * choose_bands(0.7).bands


@pytest.mark.parametrize("n_rows", [0, 1, 5, 100])
def test_empty_rows_share_no_bucket(n_rows: int) -> None:
    found = alike_pairs(pack([set()] * n_rows), Limits(0.1), rank=ranked(n_rows))
    assert found.pairs.shape == (0, 3)
    assert found.crowded.shape == (n_rows,)


def test_the_lowest_jaccard_of_alike_rows() -> None:
    assert Limits(0.7).lowest == 0.7
    assert Limits(0.7, 0.9).lowest == 0.9 / 2.1
    assert Limits(0.2, 1.0).lowest == 0.2
    prints = pack([[*"abcdefghi"], [*"abcdefghi", *"ABCDEFGHI"]])
    assert jaccard(np.array([[0, 1, 9]]), prints).tolist() == [0.5]


def test_containment_reaches_a_row_of_twice_the_size_and_no_longer_one() -> None:
    short, twice, longer = [*"abcd"], [*"abcd", *"ABCD"], [*"abcd", *"VWXYZ"]
    found = alike_pairs(pack([short, twice, longer]), Limits(0.95, 1.0), rank=ranked(3))
    assert named(found) == {(0, 1)}
    assert named(alike_pairs(pack([short, twice]), Limits(0.95), rank=ranked(2))) == set()


def planted(n_pairs: int, seed: int) -> Fingerprints:
    """Pairs of rows 2n, 2n + 1 of a similarity of exactly 0.7."""
    rng = np.random.default_rng(seed)
    common = rng.integers(1, 1 << 63, (n_pairs, 1, 70)).repeat(2, axis=1)
    alone = rng.integers(1, 1 << 63, (n_pairs, 2, 15))
    rows = np.sort(np.concatenate((common, alone), axis=2).reshape(2 * n_pairs, -1), axis=1)
    return Fingerprints(
        rows.astype(np.uint64).ravel(), np.arange(2 * n_pairs + 1, dtype=np.int64) * 85
    )


@pytest.mark.parametrize("recall", [0.8, 0.95, 0.995])
def test_pairs_at_the_threshold_are_found_as_often_as_promised(recall: float) -> None:
    banding = choose_bands(0.7, recall=recall)
    found = alike_pairs(planted(1_500, seed=9), Limits(0.7), rank=ranked(3_000), banding=banding)
    assert named(found) <= {(2 * n, 2 * n + 1) for n in range(1_500)}
    assert (found.pairs[:, 2] == 70).all()
    chance = banding.chance(0.7)
    within = 5 * (1_500 * chance * (1 - chance)) ** 0.5 + 1
    assert 1_500 * chance - within <= len(found.pairs) <= 1_500 * chance + within
