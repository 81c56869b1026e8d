from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.select import Selection, select_rows
from schemas.frames import DECISIONS
from tests.support.rows import make_row, make_rows


def rows_of(*given_rows: tuple[str, str, float | None]) -> pl.DataFrame:
    """Rows of id, source, quality."""
    rows = [make_row(name, id=name, source=source) for name, source, _ in given_rows]
    return make_rows(rows).with_columns(
        pl.Series("quality", [quality for *_, quality in given_rows], dtype=pl.Float64)
    )


FIVE = rows_of(
    ("a", "x", 0.2), ("b", "x", 0.9), ("c", "y", 0.5), ("d", "y", None), ("e", "x", 0.9)
)  # fmt: skip


@pytest.mark.parametrize(
    ("targets", "max_rows", "kept", "dropped"),
    [
        ({}, None, "abcde", {}),
        ({}, 5, "abcde", {}),
        ({}, 9, "abcde", {}),
        # Best first; ties by id; unknown quality last.
        ({}, 4, "abce", {"d": ("over_max_rows", None, 4.0)}),
        ({}, 1, "b", {
            "e": ("over_max_rows", 0.9, 1.0), "c": ("over_max_rows", 0.5, 1.0),
            "a": ("over_max_rows", 0.2, 1.0), "d": ("over_max_rows", None, 1.0),
        }),
        ({"x": 2}, None, "bcde", {"a": ("over_target", 0.2, 2.0)}),
        ({"y": 1}, None, "abce", {"d": ("over_target", None, 1.0)}),
        ({"x": 9, "z": 0}, None, "abcde", {}),
        ({"x": 1, "y": 1}, None, "bc", {
            "e": ("over_target", 0.9, 1.0), "a": ("over_target", 0.2, 1.0),
            "d": ("over_target", None, 1.0),
        }),
        ({"x": 2}, 2, "be", {
            "a": ("over_target", 0.2, 2.0), "c": ("over_max_rows", 0.5, 2.0),
            "d": ("over_max_rows", None, 2.0),
        }),
    ],
)  # fmt: skip
def test_the_best_rows_stay(
    targets: dict[str, int],
    max_rows: int | None,
    kept: str,
    dropped: dict[str, tuple[str, float | None, float]],
) -> None:
    found = select_rows(FIVE, targets=targets, max_rows=max_rows)
    assert "".join(found.kept["id"]) == kept
    assert set(found.dropped["id"]) == set(dropped)
    lines = found.decisions.select("id", "rule", "value", "threshold").rows()
    assert {row_id: tuple(rest) for row_id, *rest in lines} == dropped
    assert set(found.decisions["action"]) <= {"drop"}
    assert set(found.decisions["stage"]) <= {"select"}
    assert found.decisions.schema == pl.Schema(dict(DECISIONS))


def test_nothing_is_selected_from_nothing() -> None:
    found = select_rows(FIVE.clear(), targets={"x": 1}, max_rows=3)
    assert (found.kept.height, found.dropped.height, found.decisions.height) == (0, 0, 0)


rows_strategy = st.lists(
    st.tuples(st.sampled_from("xyz"), st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    max_size=12,
)


@given(
    rows_strategy,
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 6)),
    st.none() | st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_row_order_changes_nothing_and_no_row_is_lost(
    given_rows: list[tuple[str, float | None]],
    targets: dict[str, int],
    max_rows: int | None,
    rng: object,
) -> None:
    rows = rows_of(*((f"r{n:02d}", source, q) for n, (source, q) in enumerate(given_rows)))
    order = list(range(rows.height))
    rng.shuffle(order)  # type: ignore[attr-defined]

    def select(frame: pl.DataFrame) -> Selection:
        return select_rows(frame, targets=targets, max_rows=max_rows)

    one, two = select(rows), select(rows[order] if order else rows)
    assert sorted(one.kept["id"]) == sorted(two.kept["id"])
    assert one.decisions.sort("id").equals(two.decisions.sort("id"))
    assert sorted([*one.kept["id"], *one.dropped["id"]]) == rows["id"].to_list()
    assert sorted(one.decisions["id"]) == sorted(one.dropped["id"])
    counts = Counter(one.kept["source"])
    assert all(counts[source] <= target for source, target in targets.items())
    assert max_rows is None or one.kept.height <= max_rows
