"""Signatures equal to datasketch's, keys equal where bands are, banding of the promised recall."""

import math

import numpy as np
import polars as pl
import pytest
import xxhash
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.minhash import NUM_PERM, Bands, band_keys, choose_bands, signatures
from quality.dedup.shingles import Fingerprints, fingerprint
from tests.support.shingles import pack, shingle_set

SETS = st.lists(st.frozensets(st.text(max_size=8), max_size=30), max_size=8)
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(["one", "Two", "dřei", "苹果", "苹", "."]), max_size=30).map(
            " ".join
        ),
    ),
    max_size=4,
)


def of_datasketch(shingles: frozenset[str], num_perm: int) -> bytes:
    theirs = MinHash(num_perm=num_perm, seed=1, hashfunc=xxhash.xxh32_intdigest)
    theirs.update_batch([shingle.encode() for shingle in shingles])
    return theirs.hashvalues.astype(np.uint32).tobytes()


def planted(n_pairs: int, shared: int, own: int, seed: int) -> Fingerprints:
    """Pairs of rows 2n, 2n + 1 of `shared` / (`shared` + 2 · `own`) similarity, else strangers."""
    rng = np.random.default_rng(seed)
    common = rng.integers(1, 1 << 63, (n_pairs, 1, shared)).repeat(2, axis=1)
    alone = rng.integers(1, 1 << 63, (n_pairs, 2, own))
    rows = np.sort(np.concatenate((common, alone), axis=2).reshape(2 * n_pairs, -1), axis=1)
    assert all(len(set(row)) == shared + own for row in rows.tolist())
    offsets = np.arange(2 * n_pairs + 1, dtype=np.int64) * (shared + own)
    return Fingerprints(rows.astype(np.uint64).ravel(), offsets)


@settings(deadline=None, max_examples=25)
@given(TEXTS, st.sampled_from([16, NUM_PERM]))
def test_signatures_of_texts_are_datasketch_signatures(texts: list[str], num_perm: int) -> None:
    ours = signatures(fingerprint(pl.Series(texts, dtype=pl.String)), num_perm)
    assert ours.dtype == np.uint32
    assert ours.shape == (len(texts), num_perm)
    for text, signature in zip(texts, ours, strict=True):
        assert signature.tobytes() == of_datasketch(shingle_set(text), num_perm)


@settings(deadline=None, max_examples=25)
@given(SETS, st.sampled_from([16, 128]))
def test_signatures_are_datasketch_signatures(sets: list[frozenset[str]], num_perm: int) -> None:
    ours = signatures(pack(sets), num_perm)
    for shingles, signature in zip(sets, ours, strict=True):
        assert signature.tobytes() == of_datasketch(shingles, num_perm)


def test_signatures_do_not_depend_on_the_other_rows() -> None:
    sets = [frozenset(f"w{n + k}" for k in range(1 + n * 7 % 900)) for n in range(60)]
    sets[17] = sets[40] = frozenset()
    together = signatures(pack(sets))
    alone = np.concatenate([signatures(pack([shingles])) for shingles in sets])
    assert together.tobytes() == alone.tobytes()
    assert (together[17] == np.iinfo(np.uint32).max).all()


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=6), max_size=8),
    st.sampled_from([Bands(1, 1), Bands(6, 2), Bands(4, 5)]),
)
def test_keys_are_equal_where_the_band_is_and_zero_where_there_is_no_text(
    sets: list[frozenset[str]], banding: Bands
) -> None:
    prints = pack(sets)
    keys = band_keys(prints, banding)
    assert keys.shape == banding._replace(rows=len(sets))
    values = signatures(prints, banding.num_perm).reshape(len(sets), *banding)
    for band in range(banding.bands):
        for a, shingles in enumerate(sets):
            assert (keys[band, a] == 0) == (not shingles)
            for b in range(a):
                same = bool(shingles and sets[b]) and (values[a, band] == values[b, band]).all()
                assert (keys[band, a] == keys[band, b] != 0) == same


def test_rows_of_different_salt_share_no_key() -> None:
    prints = pack([{"a", "b"}] * 4)
    keys = band_keys(prints, Bands(20, 3), np.array([0, 5, 5, 7], dtype=np.uint64))
    assert (keys[:, 1] == keys[:, 2]).all()
    for a, b in [(0, 1), (0, 3), (1, 3)]:
        assert not (keys[:, a] == keys[:, b]).any()


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_bands_fit_and_reach_the_recall(threshold: float) -> None:
    banding = choose_bands(threshold)
    bands, rows = banding
    assert bands * rows == banding.num_perm <= NUM_PERM
    assert banding.chance(threshold) == pytest.approx(1 - (1 - threshold**rows) ** bands)
    assert banding.chance(threshold) >= 0.995
    # No band less would do, and no longer one.
    assert Bands(bands - 1, rows).chance(threshold) < 0.995
    assert rows == 32 or Bands(NUM_PERM // (rows + 1), rows + 1).chance(threshold) < 0.995


def test_an_impossible_recall_gives_the_best_banding() -> None:
    assert choose_bands(0.01) == Bands(NUM_PERM, 1)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1, math.nan])
def test_a_threshold_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected a threshold"):
        choose_bands(threshold)


@pytest.mark.parametrize(
    ("shared", "own"),
    [(70, 15), (80, 10), (90, 5), (30, 15)],
    ids=["at 0.7", "at 0.8", "at 0.9", "at 0.5"],
)
@pytest.mark.parametrize(
    "banding",
    [choose_bands(0.7, recall=0.9), choose_bands(0.7, recall=0.99), Bands(6, 6), Bands(20, 9)],
    ids=str,
)
def test_pairs_are_found_as_often_as_promised(shared: int, own: int, banding: Bands) -> None:
    n_pairs = 1_500
    keys = band_keys(planted(n_pairs, shared, own, seed=shared), banding)
    hits = int((keys[:, ::2] == keys[:, 1::2]).any(axis=0).sum())
    chance = banding.chance(shared / (shared + 2 * own))
    # Five deviations on either side: one seed in two million is out by chance.
    within = 5 * (n_pairs * chance * (1 - chance)) ** 0.5 + 1
    assert n_pairs * chance - within <= hits <= n_pairs * chance + within


def test_estimates_are_close_to_the_truth() -> None:
    prints = planted(200, 60, 20, seed=1)
    values = signatures(prints, 128)
    estimates = (values[::2] == values[1::2]).mean(axis=1)
    assert np.abs(estimates - 0.6).max() < 0.2
    assert estimates.mean() == pytest.approx(0.6, abs=0.015)


def test_strangers_share_no_band() -> None:
    keys = band_keys(planted(500, 0, 40, seed=2), Bands(29, 5))
    assert all(np.unique(band).size == 1_000 for band in keys)
