"""Build ROWS frames from a few texts."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from schemas.frames import ROWS, empty_frame

MakeRows = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def make_rows() -> MakeRows:
    def make(
        outputs: Sequence[str | None],
        instruction: str | None = "Do it.",
        given: str | None = "",
        messages: list[list[dict[str, str]]] | None = None,
    ) -> pl.DataFrame:
        rows = (
            empty_frame(ROWS)
            .clear(len(outputs))
            .with_columns(
                id=pl.Series([str(place) for place in range(len(outputs))], dtype=pl.String),
                system=pl.lit(""),
                instruction=pl.lit(instruction, dtype=pl.String),
                input=pl.lit(given, dtype=pl.String),
                output=pl.Series(list(outputs), dtype=pl.String),
            )
        )
        if messages is None:
            return rows
        return rows.with_columns(messages=pl.Series(messages, dtype=ROWS["messages"]))

    return make
