import polars as pl
import pytest

from schemas.errors import RunError
from schemas.frames import DECISIONS, PAIRS, ROWS, FrameSchema, check_frame, empty_frame


@pytest.mark.parametrize("schema", [ROWS, DECISIONS, PAIRS])
def test_an_empty_frame_passes_its_own_check(schema: FrameSchema) -> None:
    frame = empty_frame(schema)
    assert (frame.height, frame.schema) == (0, pl.Schema(dict(schema)))
    assert check_frame(frame, schema, where="here") is frame


def test_more_columns_may_follow() -> None:
    frame = empty_frame(PAIRS).with_columns(more=pl.lit(1))
    assert check_frame(frame, PAIRS, where="here") is frame


def test_a_missing_column_is_named() -> None:
    with pytest.raises(RunError, match="expected column 'similarity' after here, got"):
        check_frame(empty_frame(PAIRS).drop("similarity"), PAIRS, where="here")


def test_a_wrong_type_is_named() -> None:
    frame = empty_frame(PAIRS).cast({"similarity": pl.Int64})
    with pytest.raises(RunError) as caught:
        check_frame(frame, PAIRS, where="here")
    assert str(caught.value) == "expected 'similarity' of type Float64 after here, got Int64"
