"""Survivors: the best row stays, every drop has a direct and kept match."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup import METHODS, dedup_decisions
from quality.dedup.survivors import DROPPED, choose_survivors, largest_group_share
from schemas.errors import RunError
from schemas.frames import DECISIONS, PAIRS, check_frame

NAMES = "abcdefgh"
EDGES = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(
        lambda edge: edge[0] < edge[1]
    ),
    st.sampled_from([0.7, 0.8, 0.9]),
)
PRIORITIES = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0])), min_size=len(NAMES), max_size=len(NAMES)
)


def ranked(priorities: list[float | None]) -> pl.DataFrame:
    ids = list(NAMES[: len(priorities)])
    return pl.DataFrame({"id": ids, "priority": pl.Series(priorities, dtype=pl.Float64)})


def pairs(edges: dict[tuple[str, str], float]) -> pl.DataFrame:
    lines = [(a, b, similarity, "") for (a, b), similarity in edges.items()]
    return pl.DataFrame(lines, schema=dict(PAIRS), orient="row")


def drops(priorities: list[float | None], edges: dict[tuple[str, str], float]) -> dict[str, str]:
    dropped = choose_survivors(ranked(priorities), pairs(edges))
    check_frame(dropped, DROPPED, where="dedup")
    return dict(dropped.select("id", "matched_id").iter_rows())


def test_the_best_row_survives_and_null_comes_last() -> None:
    assert drops([None, 0.0], {("a", "b"): 0.9}) == {"a": "b"}
    assert drops([None, None], {("a", "b"): 0.9}) == {"b": "a"}
    assert drops([float("nan"), 0.0], {("a", "b"): 0.9}) == {"a": "b"}


def test_a_chain_is_not_closed() -> None:
    assert drops([1.0, 0.5, 0.0], {("a", "b"): 0.9, ("b", "c"): 0.9}) == {"b": "a"}


def test_the_most_similar_kept_row_is_named_then_the_smallest_id() -> None:
    assert drops([1.0, 1.0, 0.0], {("a", "c"): 0.7, ("b", "c"): 0.8}) == {"c": "b"}
    assert drops([0.5, 1.0, 0.0], {("a", "c"): 0.8, ("b", "c"): 0.8}) == {"c": "a"}


def test_nothing_to_drop() -> None:
    assert drops([1.0, 0.5], {}) == {}
    assert drops([], {}) == {}


def test_a_pair_of_unknown_rows_or_a_repeated_id_is_an_error() -> None:
    with pytest.raises(RunError, match="known rows"):
        drops([1.0], {("a", "b"): 0.9})
    with pytest.raises(RunError, match="unique ids"):
        choose_survivors(pl.concat([ranked([1.0])] * 2), pairs({}))


@settings(deadline=None)
@given(PRIORITIES, EDGES)
def test_the_books_of_every_graph(priorities, edges) -> None:
    found = drops(priorities, edges)
    rank = {
        name: (value is None, -(value or 0.0), name)
        for name, value in zip(NAMES, priorities, strict=True)
    }
    kept = set(NAMES) - set(found)
    for a, b in edges:
        assert not (a in kept and b in kept)
    for row, match in found.items():
        assert match in kept
        assert rank[match] < rank[row]
        assert tuple(sorted((row, match))) in edges


@settings(deadline=None)
@given(PRIORITIES, EDGES, st.randoms())
def test_order_does_not_matter(priorities, edges, random) -> None:
    rows, frame = ranked(priorities), pairs(edges)
    order, lines = list(range(rows.height)), list(range(frame.height))
    random.shuffle(order)
    random.shuffle(lines)
    assert choose_survivors(rows, frame).equals(choose_survivors(rows[order], frame[lines]))


def test_share_of_the_largest_group() -> None:
    dropped = choose_survivors(
        ranked([1.0, 0.9, 0.8, 0.7]), pairs({("a", "b"): 0.9, ("a", "c"): 0.9})
    )
    assert largest_group_share(dropped, 4) == 0.75
    assert largest_group_share(dropped.clear(), 4) == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_every_drop_becomes_a_line_of_the_ledger(method: str) -> None:
    dropped = choose_survivors(ranked([1.0, 0.9]), pairs({("a", "b"): 0.9}))
    decisions = check_frame(
        dedup_decisions(dropped, method=method, threshold=0.7), DECISIONS, where="dedup"
    )
    assert decisions.rows() == [
        ("b", "dedup", f"{method}_duplicate", "drop", 0.9, 0.7, "a", 0.9, "")
    ]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a dedup method"):
        dedup_decisions(pl.DataFrame(schema=dict(DROPPED)), method="fuzzy", threshold=0.7)


def test_methods_run_from_the_cheapest_to_the_deepest() -> None:
    assert list(METHODS) == ["exact", "lexical", "semantic"]
