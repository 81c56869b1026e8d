import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality.dedup.conversations import repeated_conversations
from tests.support.rows import make_row, make_rows


def gone(rows: pl.DataFrame, within: list[str | None]) -> list[tuple[str, str]]:
    found = repeated_conversations(rows, pl.Series(within, dtype=pl.String), by="query")
    return found.select("id", "matched_id").rows()


def test_the_longest_conversation_stays() -> None:
    rows = make_rows(
        [
            make_row("Name a river.", "The Rhine.", id="a"),
            make_row("name  a RIVER.", "The Rhine, which is long.", id="b"),
            make_row("Name a river.", "The Elbe.", id="c", input="In Saxony"),
            make_row("Name a river.", "The Oder.", id="d"),
        ]
    )
    assert gone(rows, ["x"] * 4) == [("a", "b"), ("d", "b")]
    lines = repeated_conversations(rows, pl.Series(["x"] * 4), by="query")
    assert set(lines.select("stage", "rule", "action").rows()) == {("ingest", "same_query", "drop")}
    assert (lines["value"][0], lines["threshold"][0]) == (23, 39)


def test_of_equal_ones_the_lowest_id_stays() -> None:
    rows = make_rows([make_row("Hi", "Yes.", id=name) for name in ("c", "a", "b")])
    assert gone(rows, ["x"] * 3) == [("b", "a"), ("c", "a")]


def test_only_rows_of_one_source_are_compared() -> None:
    rows = make_rows([make_row("Hi", "Yes.", id=name) for name in "abcde"])
    assert gone(rows, ["x", "y", "x", None, None]) == [("c", "a")]


def test_rows_without_a_query_or_under_other_markers_are_not_alike() -> None:
    sides = ['{"marker": "good"}', '{"marker": "bad"}', None]
    rows = make_rows(
        [
            *(make_row("", "Yes.", id=f"n{n}") for n in range(2)),
            *(make_row("Hi", "Yes.", id=f"m{n}", about=side) for n, side in enumerate(sides)),
        ]
    )
    assert gone(rows, ["x"] * 5) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=9), st.randoms())
def test_every_query_stays_once_whatever_the_order(
    pairs: list[tuple[str, str]], rng: object
) -> None:
    made = [make_row(task, answer, id=f"{n}") for n, (task, answer) in enumerate(pairs)]
    rows = make_rows(made)
    found = gone(rows, ["x"] * len(pairs))
    left = rows.filter(~pl.col("id").is_in([name for name, _ in found]))
    assert sorted(left["instruction"]) == sorted({task for task, _ in pairs})
    assert all(name in left["id"] for _, name in found)
    rng.shuffle(made)  # type: ignore[attr-defined]
    assert sorted(gone(make_rows(made), ["x"] * len(pairs))) == sorted(found)
