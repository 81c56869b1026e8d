"""Chooses the texts that are worth the full encoder.

In rounds: forecast the full vector of every text, give every candidate pair a chance, read the
texts of the best pairs, learn from what came true. It stops where the chances that are left say
that enough has been found. Every text read sharpens the forecasts of those around it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xxhash
from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from quality.dedup.cosines import Keys, SimilarPairs, Vectors, candidate_pairs, cosine_for
from quality.dedup.forecast import (
    Flags,
    LinearMap,
    Neighbours,
    correct_forecasts,
    pair_cosines,
    to_unit,
)
from quality.dedup.kernels import Places
from quality.dedup.odds import Counts, Floats, PairOdds

#: Share of the pairs at which to stop, by the method's own estimate.
RECALL = 0.95
#: Texts read first, to fit the map: a good one needs five times the dimensions of a vector.
SAMPLE = 1_500
#: Candidate pairs per text. On Alpaca 8 hold 98.6 % of the pairs at 0.85.
PAIRS_PER_TEXT = 8
# Candidates of a text among those before it. Bounds the pairs of a template's look-alikes, which
# are read all the same.
_MOST_PARTNERS = 256
# Texts read per round, as a part of all. Fewer learn faster from themselves, and cost more rounds.
_ROUND = 1 / 40
_SMALLEST_ROUND = 256
# How far below the wished cosine a candidate's forecast may lie.
_DEEPEST = 0.35
# Pairs less likely than this are looked at no more; they still count in the estimate.
_NEGLIGIBLE = 2e-4
# Characters that cost about as much as a text does whatever its length.
_FIXED_COST = 160
# Digits of a text's worth that count.
_DIGITS = 6


class Pool(NamedTuple):
    """What is searched for look-alikes.

    Attributes:
        texts: n different texts, sorted, so that nothing depends on the order they came in.
        static: float32, shape (n, d), unit or zero rows; texts of zero rows pair with nothing.
        keys: shape (n,); only texts of equal key pair.
        always: bool, shape (n,): texts to read in any case.
    """

    texts: Sequence[str]
    static: Vectors
    keys: Keys
    always: Flags


class Screened(NamedTuple):
    """What the full encoder was asked.

    Attributes:
        vectors: float32, shape (n, d); zero rows for texts it was not asked about.
        read: bool, shape (n,): which ones it was.
        expected_recall: estimated share of the candidate pairs at the threshold whose texts were
            both read. Pairs that are no candidates are not counted: 1.5 % on Alpaca at 0.85.
    """

    vectors: Vectors
    read: Flags
    expected_recall: float


def screen(
    pool: Pool, encode: Callable[[Places], Vectors], *, threshold: float, recall: float = RECALL
) -> Screened:
    """Read with the full encoder the texts that may have a look-alike, the likely ones first.

    Two steps grow with the square of the largest group of equal keys: at 1,000,000 texts like
    Alpaca's, comparing all mapped vectors takes 150 TFLOP, about an hour of one core, where full
    encoding takes three. Everything else grows linearly.

    Args:
        pool: the texts.
        encode: full encoder; int64 rows in, float32 unit rows of shape (len, e) out.
        threshold: the cosine that pairs must reach.
        recall: estimated share of the candidate pairs at which to stop, in (0, 1); 1.0 reads
            every text that is in one of any chance.

    Returns:
        The vectors. Memory: about 8 candidate pairs of 100 bytes a text, its static vector and
        four full ones; for MiniLM 11 KB a text in all.

    Source:
        Active search (Garnett et al. 2012) with the kriging of `forecast`. Differs: pairs instead
        of points, read in batches, and a stop by expected recall instead of a budget.
    """
    chosen = np.union1d(choose_sample(pool), np.flatnonzero(pool.always))
    first = encode(chosen)
    full = np.zeros((len(pool.texts), first.shape[1]), dtype=np.float32)
    read = np.zeros(len(pool.texts), dtype=np.bool_)
    full[chosen], read[chosen] = first, True
    linear = LinearMap()
    linear.learn(pool.static[chosen], first)
    search = Search(pool, _candidates(pool, linear, threshold), threshold=threshold)
    chosen = search.next_rows(full, read, linear, recall=recall)
    while len(chosen):
        full[chosen], read[chosen] = encode(chosen), True
        linear.learn(pool.static[chosen], full[chosen])
        chosen = search.next_rows(full, read, linear, recall=recall)
    return Screened(full, read, search.expected_recall())


def choose_sample(pool: Pool) -> Places:
    """Return up to SAMPLE texts by their hash, so that no order and no other text chooses.

    Returns:
        int64, ascending. Left out are zero rows, texts whose key is their own, since nothing pairs
        with them, and those more than twice as long as the median: the map is asked about
        duplicates, which are short, and a long text costs as much as several.
    """
    _, group, sizes = np.unique(pool.keys, return_inverse=True, return_counts=True)
    lengths = np.array([len(text) for text in pool.texts])
    able = (sizes[group] > 1) & pool.static.any(axis=1) & (lengths <= 2 * np.median(lengths))
    rows = np.flatnonzero(able)
    hashes = np.array(
        [xxhash.xxh3_64_intdigest(pool.texts[row].encode()) for row in rows.tolist()],
        dtype=np.uint64,
    )
    return np.sort(rows[np.argsort(hashes, kind="stable")[:SAMPLE]])


class Search:
    """What is known of the candidate pairs, from round to round."""

    def __init__(self, pool: Pool, candidates: SimilarPairs, *, threshold: float) -> None:
        """Take the features of the pairs that do not change.

        Args:
            pool: the texts.
            candidates: pairs that may reach the threshold, and their first forecast.
            threshold: the cosine.
        """
        self._static, self._threshold = pool.static, threshold
        self._costs = np.array([1 + len(text) / _FIXED_COST for text in pool.texts])
        self._pairs, forecasts = candidates
        self._neighbours = Neighbours(self._pairs, forecasts, len(pool.texts))
        shared = _shared_words(pool.texts, self._pairs)
        plain = pair_cosines(pool.static, self._pairs)
        ones = np.ones_like(plain)
        self._features = np.stack((ones, forecasts, shared, forecasts, plain), axis=1)
        # Nothing was forecast with anything read, so the first pairs to be settled teach nothing.
        self._unread: Counts = np.zeros(len(self._pairs), dtype=np.int64)
        self._odds = PairOdds(threshold, self._features.shape[1])
        # Pairs that were read and reach the threshold.
        self._found = 0
        self._left = 0.0
        # Chances of the pairs that are looked at no more.
        self._neglected = 0.0

    def next_rows(self, full: Vectors, read: Flags, linear: LinearMap, *, recall: float) -> Places:
        """Take in what was read, and return the texts to read next; none where it is enough.

        Args:
            full: float32, shape (n, e); unit rows where `read`.
            read: bool, shape (n,).
            linear: learnt from the texts that were read.
            recall: as in `screen`.
        """
        self._settle(full, read)
        asked = np.zeros(len(read), dtype=np.bool_)
        asked[self._pairs] = True
        known = asked | read
        mapped = np.zeros_like(full)
        mapped[known] = linear.apply(self._static[known])
        forecasts = correct_forecasts(mapped, full, self._neighbours, rows=asked, read=read)
        self._features[:, 1] = pair_cosines(forecasts, self._pairs)
        self._unread = np.count_nonzero(~read[self._pairs], axis=1)
        chances = self._odds.chances(self._features, self._unread)
        self._left = float(chances.sum()) + self._neglected
        if self.expected_recall() >= recall:
            return np.empty(0, dtype=np.int64)
        chosen = self._best_rows(chances, read)
        unlikely: Flags = chances < _NEGLIGIBLE
        self._neglected += float(chances[unlikely].sum())
        self._keep(~unlikely)
        return chosen

    def expected_recall(self) -> float:
        """Estimate the share of the candidate pairs at the threshold that was found."""
        return self._found / (self._found + self._left) if self._left else 1.0

    def _settle(self, full: Vectors, read: Flags) -> None:
        """Count the pairs that have been read in full, learn from them, look at them no more."""
        done = read[self._pairs[:, 0]] & read[self._pairs[:, 1]]
        cosines = pair_cosines(full, self._pairs[done])
        self._found += int(np.count_nonzero(cosines >= self._threshold))
        self._odds.learn(self._features[done], self._unread[done], cosines)
        self._keep(~done)

    def _best_rows(self, chances: Floats, read: Flags) -> Places:
        """Return the texts with the best pair for their price: its chance per unread text."""
        worth = np.zeros(len(self._costs))
        for side in (0, 1):
            np.maximum.at(worth, self._pairs[:, side], chances / self._unread)
        worth /= self._costs
        worth[read] = 0
        most = max(_SMALLEST_ROUND, int(_ROUND * len(worth)))
        # Rounded, so that the last digit of a matrix product does not choose.
        best = np.argsort(-worth.round(_DIGITS), kind="stable")[:most]
        chosen: Places = np.sort(best[worth[best] > 0])
        return chosen

    def _keep(self, kept: Flags) -> None:
        self._pairs, self._features = self._pairs[kept], self._features[kept]
        self._unread = self._unread[kept]


def _candidates(pool: Pool, linear: LinearMap, threshold: float) -> SimilarPairs:
    """Return the pairs of highest forecast, about PAIRS_PER_TEXT for each text or fewer."""
    mapped = to_unit(linear.apply(pool.static))
    mapped[~pool.static.any(axis=1)] = 0
    lowest = max(0.05, threshold - _DEEPEST)
    wanted = PAIRS_PER_TEXT * len(pool.texts)
    cut = cosine_for(mapped, wanted, keys=pool.keys, lowest=lowest)
    return candidate_pairs(mapped, cut, keys=pool.keys, max_partners=_MOST_PARTNERS)


def _shared_words(texts: Sequence[str], pairs: Places) -> Floats:
    """Return the longest common subsequence of words, as a share of the longer text's, 0..1."""
    # As one character per word, which is what the comparison is fast at. Surrogates are none.
    numbers: dict[str, str] = {}
    coded = [""] * len(texts)
    for row in np.unique(pairs).tolist():
        words = texts[row].casefold().split()
        coded[row] = "".join(numbers.setdefault(word, _character(len(numbers))) for word in words)
    left, right = ([coded[row] for row in side] for side in pairs.T.tolist())
    shared: Floats = process.cpdist(
        left, right, scorer=LCSseq.normalized_similarity, workers=1, dtype=np.float64
    )
    return shared


def _character(number: int) -> str:
    """Return the `number`-th character that is no surrogate, all words beyond them as one."""
    code = number + 1 if number < 0xD7FF else number + 0x801
    return chr(min(code, 0x10FFFF))
