import math

import polars as pl
import pytest

from quality.select.ranking import SCORES, choose_score, rank_rows
from schemas.errors import InputError


@pytest.mark.parametrize(
    ("columns", "by", "chosen"),
    [
        ({"quality": [0.1]}, None, "quality"),
        ({"quality": [0.1], "judge": [3]}, None, "judge"),
        ({"judge": [3], "student": [0.2], "quality": [0.1]}, None, "student"),
        # A column of that name which holds no numbers is no score.
        ({"judge": ["good"], "quality": [0.1]}, None, "quality"),
        ({"quality": [0.1], "length": [7]}, "length", "length"),
        ({"quality": [0.1], "is_good": [True]}, "is_good", "is_good"),
    ],
)
def test_the_most_trusted_score_ranks(
    columns: dict[str, list[object]], by: str | None, chosen: str
) -> None:
    assert choose_score(pl.DataFrame(columns), by) == chosen


@pytest.mark.parametrize("by", ["lenght", "text", None])
def test_a_score_that_is_not_there_is_one_clear_line(by: str | None) -> None:
    rows = pl.DataFrame({"length": [1], "text": ["a"]})
    with pytest.raises(InputError) as caught:
        choose_score(rows, by)
    message = str(caught.value)
    assert message.startswith(f"select.by: expected a score column, one of length, got {by!r}")
    assert "\n" not in message


def test_a_frame_without_numbers_has_no_score() -> None:
    with pytest.raises(InputError, match="one of none"):
        choose_score(pl.DataFrame({"text": ["a"]}))


def test_unknown_scores_come_last_whatever_they_look_like() -> None:
    rows = pl.DataFrame(
        {"id": ["e", "d", "c", "b", "a"], "x": [math.nan, -1.0, None, math.inf, -1.0]}
    )
    found = rank_rows(rows, "x")
    assert found["id"].to_list() == ["b", "a", "d", "c", "e"]
    assert found["score"].to_list() == [math.inf, -1.0, -1.0, None, None]


def test_scores_are_in_the_order_of_trust() -> None:
    assert SCORES == ("student", "judge", "quality")
