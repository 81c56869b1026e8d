"""Survivors: the best row stays, every drop has a direct and kept match."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup import METHODS
from quality.dedup.survivors import (
    DROPPED,
    choose_survivors,
    drop_worse,
    largest_group_share,
    rank_rows,
)
from schemas.errors import RunError
from schemas.frames import PAIRS, check_frame

NAMES = "abcdefgh"
EDGES = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(
        lambda edge: edge[0] < edge[1]
    ),
    st.sampled_from([0.7, 0.8, 0.9]),
)
PRIORITIES = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, float("nan"), float("-inf")])),
    min_size=len(NAMES),
    max_size=len(NAMES),
)


def ranked(priorities: list[float | None]) -> pl.DataFrame:
    ids = list(NAMES[: len(priorities)])
    return pl.DataFrame({"id": ids, "priority": pl.Series(priorities, dtype=pl.Float64)})


def pairs(edges: dict[tuple[str, str], float]) -> pl.DataFrame:
    lines = [(a, b, similarity) for (a, b), similarity in edges.items()]
    return pl.DataFrame(lines, schema=dict(PAIRS), orient="row")


def drops(priorities: list[float | None], edges: dict[tuple[str, str], float]) -> dict[str, str]:
    dropped = choose_survivors(ranked(priorities), pairs(edges))
    check_frame(dropped, DROPPED, where="dedup")
    assert dropped["id"].is_sorted()
    return dict(dropped.select("id", "matched_id").iter_rows())


def order_of(priorities: list[float | None]) -> list[str]:
    """Names from the best to the worst; null and NaN are unknown."""
    known = [None if value is None or value != value else value for value in priorities]
    places = range(len(known))
    return [
        NAMES[at]
        for at in sorted(places, key=lambda at: (known[at] is None, -(known[at] or 0), at))
    ]


def greedy(order: list[str], edges: dict[tuple[str, str], float]) -> dict[str, tuple[str, float]]:
    """From the best on, a row goes if it has a pair with a kept one; the most similar is named."""
    kept: list[str] = []
    gone = {}
    for row in order:
        matches = [
            (-edges[pair], other)
            for other in kept
            if (pair := tuple(sorted((row, other)))) in edges
        ]
        if matches:
            similarity, other = min(matches)
            gone[row] = (other, -similarity)
        else:
            kept.append(row)
    return gone


def test_the_best_row_survives_and_null_comes_last() -> None:
    assert drops([None, 0.0], {("a", "b"): 0.9}) == {"a": "b"}
    assert drops([None, None], {("a", "b"): 0.9}) == {"b": "a"}
    assert drops([float("nan"), 0.0], {("a", "b"): 0.9}) == {"a": "b"}
    assert drops([None, -1e9], {("a", "b"): 0.9}) == {"a": "b"}


def test_a_chain_is_not_closed() -> None:
    assert drops([1.0, 0.5, 0.0], {("a", "b"): 0.9, ("b", "c"): 0.9}) == {"b": "a"}


def test_the_most_similar_kept_row_is_named_then_the_smallest_id() -> None:
    assert drops([1.0, 1.0, 0.0], {("a", "c"): 0.7, ("b", "c"): 0.8}) == {"c": "b"}
    assert drops([0.5, 1.0, 0.0], {("a", "c"): 0.8, ("b", "c"): 0.8}) == {"c": "a"}


def test_nothing_to_drop() -> None:
    assert drops([1.0, 0.5], {}) == {}
    assert drops([], {}) == {}


def test_a_pair_of_unknown_rows_or_a_repeated_id_is_an_error() -> None:
    with pytest.raises(RunError, match="known rows, got 'b'"):
        drops([1.0], {("a", "b"): 0.9})
    with pytest.raises(RunError, match="known rows"):
        drops([], {("a", "b"): 0.9})
    with pytest.raises(RunError, match="unique ids"):
        choose_survivors(pl.concat([ranked([1.0])] * 2), pairs({}))


@settings(deadline=None, max_examples=60)
@given(PRIORITIES, EDGES)
def test_survivors_are_those_of_a_plain_greedy(priorities, edges) -> None:
    found = choose_survivors(ranked(priorities), pairs(edges))
    lines = {row: (match, similarity) for row, match, similarity in found.iter_rows()}
    assert lines == greedy(order_of(priorities), edges)


@settings(deadline=None, max_examples=60)
@given(EDGES, st.permutations(range(len(NAMES))), st.permutations(range(len(NAMES))), st.randoms())
def test_worse_rows_are_those_of_a_plain_greedy(edges, rank, ties, random) -> None:
    lines = list(edges.items())
    random.shuffle(lines)
    # Either row may stand first, and a third column does not matter.
    rows = [
        (*(map(NAMES.index, edge if random.random() < 0.5 else edge[::-1])), 7) for edge, _ in lines
    ]
    found = drop_worse(
        np.array(rows, dtype=np.int64).reshape(-1, 3),
        np.array([similarity for _, similarity in lines], dtype=np.float64),
        np.array(rank, dtype=np.int64),
        np.array(ties, dtype=np.int64),
    )
    named = {place: NAMES[ties[place]] for place in range(len(NAMES))}
    renamed = {
        tuple(sorted((named[NAMES.index(a)], named[NAMES.index(b)]))): similarity
        for (a, b), similarity in lines
    }
    expected = greedy([named[row] for row in np.argsort(rank).tolist()], renamed)
    parts = (found.rows.tolist(), found.matched.tolist(), found.similarity.tolist())
    assert {
        named[row]: (named[match], similarity)
        for row, match, similarity in zip(*parts, strict=True)
    } == expected
    assert found.rows.tolist() == sorted(found.rows.tolist())


@settings(deadline=None, max_examples=50)
@given(PRIORITIES, EDGES)
def test_the_books_of_every_graph(priorities, edges) -> None:
    found = drops(priorities, edges)
    order = order_of(priorities)
    kept = set(NAMES) - set(found)
    for a, b in edges:
        assert not (a in kept and b in kept)
    for row, match in found.items():
        assert match in kept
        assert order.index(match) < order.index(row)
        assert tuple(sorted((row, match))) in edges


@settings(deadline=None, max_examples=50)
@given(PRIORITIES, EDGES, st.randoms())
def test_order_does_not_matter(priorities, edges, random) -> None:
    rows, frame = ranked(priorities), pairs(edges)
    order, lines = list(range(rows.height)), list(range(frame.height))
    random.shuffle(order)
    random.shuffle(lines)
    assert choose_survivors(rows, frame).equals(choose_survivors(rows[order], frame[lines]))


@settings(deadline=None, max_examples=50)
@given(PRIORITIES)
def test_rank_is_the_place_in_the_order_of_survival(priorities: list[float | None]) -> None:
    found = rank_rows(pl.Series(priorities, dtype=pl.Float64), np.arange(len(NAMES)))
    assert [NAMES[row] for row in np.argsort(found)] == order_of(priorities)
    assert sorted(found.tolist()) == list(range(len(NAMES)))


def test_rank_of_equals_is_by_ties() -> None:
    found = rank_rows(pl.Series([1, 1, 2], dtype=pl.Int64), np.array([2, 1, 3]))
    assert found.tolist() == [2, 1, 0]
    assert rank_rows(pl.Series([], dtype=pl.Float64), np.empty(0, np.int64)).tolist() == []


def test_share_of_the_largest_group() -> None:
    assert largest_group_share(np.array([0, 0]), 4) == 0.75
    assert largest_group_share(np.array([3, 0, 3, 5, 3]), 10) == 0.4
    assert largest_group_share(np.empty(0, np.int64), 4) == 0.0
    assert largest_group_share(np.empty(0, np.int64), 0) == 0.0


def test_methods_run_from_the_cheapest_to_the_deepest() -> None:
    assert list(METHODS) == ["exact", "lexical", "semantic"]
