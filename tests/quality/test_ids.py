import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.ids import content_id, number_copies

MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Grüße"}]

X, Y = "a" * 32, "b" * 32


def _frame(records: list[tuple[str, str, str | None, int | None]]) -> pl.DataFrame:
    schema = {"id": pl.String, "source": pl.String, "file": pl.String, "row": pl.Int64}
    return pl.DataFrame(records, schema=schema, orient="row")


def test_id_is_the_hash_of_canonical_json() -> None:
    canonical = '[["user","Hi"],["assistant","Grüße"]]'
    assert content_id(MESSAGES) == hashlib.sha256(canonical.encode()).hexdigest()[:32]


@pytest.mark.parametrize("content", ["Hi ", "\ufeffHi", "Hi\r\n", "\x00Hi"])
def test_id_ignores_what_normalisation_removes(content: str) -> None:
    assert content_id([{"role": "user", "content": content}, MESSAGES[1]]) == content_id(MESSAGES)


@pytest.mark.parametrize(
    "other",
    [
        [{"role": "system", "content": "Hi"}, MESSAGES[1]],
        [{"role": "user", "content": "hi"}, MESSAGES[1]],
        MESSAGES[:1],
        MESSAGES[::-1],
        [],
    ],
)
def test_id_depends_on_roles_words_and_order(other: list[dict[str, str]]) -> None:
    assert content_id(other) != content_id(MESSAGES)


def test_id_of_half_a_surrogate_pair() -> None:
    messages = [{"role": "user", "content": "\ud83d"}]
    assert content_id(messages) == content_id([{"role": "user", "content": "\ufffd"}])


def test_copies_are_numbered_by_source_file_and_row() -> None:
    frame = _frame([(X, "b", "f", 0), (X, "a", "f", 2), (Y, "a", "f", 1), (X, "a", "f", 0)])
    assert number_copies(frame)["id"].to_list() == [f"{X}-2", f"{X}-1", Y, X]


def test_generated_rows_have_no_position() -> None:
    frame = _frame([(X, "gen", None, None), (X, "gen", None, None), (X, "a", "f", 0)])
    assert sorted(number_copies(frame)["id"]) == [X, f"{X}-1", f"{X}-2"]
    assert number_copies(frame)["id"][2] == X


def test_ids_that_are_no_hashes_are_left_alone() -> None:
    frame = _frame([("seed-3", "a", "f", 0), ("seed-4", "a", "f", 1)])
    assert number_copies(frame)["id"].to_list() == ["seed-3", "seed-4"]


def test_no_rows() -> None:
    assert number_copies(_frame([])).height == 0


ROWS = st.lists(
    st.tuples(st.sampled_from([X, Y]), st.sampled_from("ab"), st.sampled_from("fg")), max_size=20
).map(lambda rows: _frame([(*row, place) for place, row in enumerate(rows)]))


@given(ROWS, st.randoms(use_true_random=False))
def test_order_in_memory_does_not_matter(frame: pl.DataFrame, random: object) -> None:
    places = list(range(frame.height))
    random.shuffle(places)  # type: ignore[attr-defined]
    shuffled = number_copies(frame[places]).sort("row") if places else frame
    numbered = number_copies(frame)
    assert shuffled["id"].to_list() == numbered["id"].to_list()
    assert numbered["id"].n_unique() == frame.height
    assert numbered.drop("id").equals(frame.drop("id"))


@given(ROWS)
def test_numbering_twice_changes_nothing(frame: pl.DataFrame) -> None:
    once = number_copies(frame)
    assert number_copies(once).equals(once)
