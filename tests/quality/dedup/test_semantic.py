"""Semantic duplicates: exact cosines, guards, first columns."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quality.dedup.semantic import semantic_pairs
from schemas.errors import RunError

ARRAYS = st.integers(0, 14).flatmap(
    lambda n: arrays(np.float32, (n, 3), elements=st.integers(-4, 4).map(float))
)


def unit(array: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return (array / np.where(norms == 0, 1, norms)).astype(np.float32)


def frame(texts: list[str], inputs: list[str] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"id{n:05}" for n in range(len(texts))],
            "instruction": texts,
            "input": inputs or [""] * len(texts),
        },
        schema={"id": pl.String, "instruction": pl.String, "input": pl.String},
    )


def ids(pairs: pl.DataFrame) -> set[tuple[str, str]]:
    return set(pairs.select("id_a", "id_b").iter_rows())


@pytest.mark.slow
@settings(deadline=None)
@given(ARRAYS, st.randoms())
def test_order_of_rows_does_not_matter(array: np.ndarray, random) -> None:
    vectors, rows = unit(array), frame(["same words here"] * len(array))
    order = list(range(len(array)))
    random.shuffle(order)
    first = semantic_pairs(rows, vectors, vectors)
    assert first.equals(semantic_pairs(rows[order], vectors[order], vectors[order]))


@pytest.mark.slow
@settings(deadline=None)
@given(ARRAYS)
def test_a_higher_threshold_finds_a_subset(array: np.ndarray) -> None:
    vectors, rows = unit(array), frame(["same words here"] * len(array))
    high = ids(semantic_pairs(rows, vectors, threshold=0.95))
    assert high <= ids(semantic_pairs(rows, vectors, threshold=0.8))


def test_a_guard_stops_a_pair_whatever_its_cosine() -> None:
    rows = frame(["Name three colours", "Name four colours", "List three colours"])
    same = unit(np.ones((3, 2), dtype=np.float32))
    assert ids(semantic_pairs(rows, same)) == {("id00000", "id00002")}
    assert len(semantic_pairs(rows, same, guards=False)) == 3


def test_instructions_must_agree_too() -> None:
    rows = frame(["Summarise the text", "Criticise the author"], ["A long abstract"] * 2)
    same = unit(np.ones((2, 2), dtype=np.float32))
    other = unit(np.eye(2, dtype=np.float32))
    assert len(semantic_pairs(rows, same, same)) == 1
    assert semantic_pairs(rows, same, other).is_empty()
    assert semantic_pairs(rows, same).is_empty()


def test_empty_texts_pair_with_nothing() -> None:
    zeros = np.zeros((3, 2), dtype=np.float32)
    assert semantic_pairs(frame(["", "", ""]), zeros).is_empty()
    assert semantic_pairs(frame([]), zeros[:0]).is_empty()


def test_vectors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RunError, match="shape"):
        semantic_pairs(frame(["a", "b"]), np.ones((1, 2), dtype=np.float32))
    with pytest.raises(RunError, match="length 1"):
        semantic_pairs(frame(["a", "b"]), np.ones((2, 2), dtype=np.float32))
