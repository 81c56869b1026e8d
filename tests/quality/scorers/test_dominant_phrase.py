from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.dominant_phrase import dominant_phrase

MakeRows = Callable[..., pl.DataFrame]
PROSE = (
    "the owl hunts at night and the wren sings at dawn while a fox sleeps under an old oak near "
    "our quiet house by the lake"
)


def test_a_loop_is_near_one_and_prose_at_zero(make_rows: MakeRows) -> None:
    loop, prose = dominant_phrase(make_rows(["very good and " * 20, PROSE])).to_list()
    assert loop == 1.0
    assert prose == 0.0


def test_short_answers_abstain(make_rows: MakeRows) -> None:
    assert dominant_phrase(make_rows(["no no no no", "", None])).to_list() == [None, None, None]


def test_a_common_frame_stays_low(make_rows: MakeRows) -> None:
    frame = "\n".join(
        f"The capital of {land} is {city}."
        for land, city in zip("abcdefgh", "stuvwxyz", strict=True)
    )
    assert dominant_phrase(make_rows([frame]))[0] == pytest.approx(0.5)
