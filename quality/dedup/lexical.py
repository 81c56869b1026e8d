"""Lexical duplicates: MinHash finds candidates, exact Jaccard and guards decide."""

from collections.abc import Sequence

import polars as pl

from quality.dedup.guards import vetoing_guard
from quality.dedup.minhash import (
    MAX_PARTNERS,
    NUM_PERM,
    IndexPairs,
    candidate_pairs,
    choose_bands,
    estimate_similarity,
    signatures,
)
from quality.dedup.ordering import in_order_of_survival, pairs_frame
from quality.dedup.shingles import (
    jaccard,
    join_columns,
    row_ids,
    shingle_set,
    word_agreement,
    words,
)

COLUMNS = ("instruction", "input")
THRESHOLD = 0.7
#: Agreement of the instructions, as `word_agreement`: the ROUGE-L of Self-Instruct's novelty gate.
#: On Alpaca, 33 of the 34 pairs with a Jaccard >= 0.7 are one input under two different tasks, and
#: their instructions agree by 0.59 at most.
LEAD_AGREEMENT = 0.7
# Standard deviations by which an estimate may fall short before a candidate is not even verified:
# it loses one true pair in 30,000.
_SLACK_DEVIATIONS = 4.0
_EVIDENCE_LENGTH = 200


def lexical_pairs(
    rows: pl.DataFrame,
    *,
    columns: tuple[str, ...] = COLUMNS,
    threshold: float = THRESHOLD,
    guards: bool = True,
    max_partners: int = MAX_PARTNERS,
) -> pl.DataFrame:
    """Pair the rows whose prompts share most of their shingles.

    A pair must pass three tests: Jaccard of the joined `columns` at least `threshold`; where there
    is more than the first column (the instruction), agreement of that alone, since one abstract
    under two questions is two tasks; and no guard may veto.

    Args:
        rows: frame with a unique String `id`, String `columns` and, where it is known, Float64
            `priority`: the rows that would survive are then compared first, which matters only
            in buckets of more than `max_partners` rows.
        columns: compared together; the first one is also compared alone.
        threshold: Jaccard similarity, in (0, 1].
        guards: whether differing numbers, negations and the like forbid a pair.
        max_partners: candidates per row and LSH band, see `candidate_pairs`.

    Returns:
        PAIRS sorted by `id_a`, `id_b`; `similarity` is the exact Jaccard, `evidence` says what
        differs, 200 characters at most. Does not depend on the order of `rows`.

    Raises:
        RunError: if a column is missing or an id occurs twice.
        ValueError: if `threshold` is outside (0, 1].

    Source:
        datatrove and text-dedup MinHash. Differs: every pair is verified and stays a pair, no
        connected components; short rows are whole shingles.
    """
    row_ids(rows)
    rows = in_order_of_survival(rows)
    ids = row_ids(rows)
    texts = join_columns(rows, columns)
    leads = join_columns(rows, columns[:1])
    shingles = [shingle_set(text) for text in texts]
    found = []
    for left, right in _likely_pairs(shingles, threshold, max_partners).tolist():
        similarity = jaccard(shingles[left], shingles[right])
        if similarity < threshold:
            continue
        if not leads_agree((texts[left], leads[left]), (texts[right], leads[right])):
            continue
        if guards and vetoing_guard(texts[left], texts[right]):
            continue
        evidence = describe_difference(texts[left], texts[right])
        found.append((ids[left], ids[right], similarity, evidence))
    return pairs_frame(found)


def leads_agree(left: tuple[str, str], right: tuple[str, str]) -> bool:
    """Say whether two rows, each (whole text, first column), ask the same thing.

    Rows that are nothing but their first column have been compared in full already.
    """
    if left[0] == left[1] and right[0] == right[1]:
        return True
    return word_agreement(left[1], right[1]) >= LEAD_AGREEMENT


def describe_difference(left: str, right: str) -> str:
    """Say in at most 200 characters which words only one of two texts has."""
    first, second = words(left), words(right)
    only_left = _only_in(first, frozenset(second))
    only_right = _only_in(second, frozenset(first))
    if not only_left and not only_right:
        return "same words"
    half = _EVIDENCE_LENGTH // 2
    parts = (
        f"only in a: {only_left}" if only_left else "",
        f"only in b: {only_right}" if only_right else "",
    )
    return "; ".join(_cut(part, half - 1) for part in parts if part)


def _likely_pairs(
    shingles: Sequence[frozenset[str]], threshold: float, max_partners: int
) -> IndexPairs:
    """Find candidates by LSH and drop those whose estimate is far below the threshold."""
    minhashes = signatures(shingles)
    candidates = candidate_pairs(minhashes, choose_bands(threshold), max_partners=max_partners)
    deviation = (threshold * (1 - threshold) / NUM_PERM) ** 0.5
    estimates = estimate_similarity(minhashes, candidates)
    likely: IndexPairs = candidates[estimates >= threshold - _SLACK_DEVIATIONS * deviation]
    return likely


def _only_in(tokens: list[str], others: frozenset[str]) -> str:
    return " ".join(dict.fromkeys(token for token in tokens if token not in others))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
