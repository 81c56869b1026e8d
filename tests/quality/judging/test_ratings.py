"""From verdicts to columns."""

from statistics import fmean, median

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality.judging.ratings import Score, combine, score_columns, with_scores
from quality.judging.verdicts import Abstention, Rating

NAMES = ("accuracy", "instruction-following")
verdicts = st.lists(
    st.builds(
        Rating, st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(1, 5))), st.just("Why.")
    )
    | st.builds(Abstention, st.sampled_from(["cut", "not_json"])),
    max_size=5,
)


@given(verdicts)
def test_the_score_is_the_mean_of_the_medians(said: list[Rating | Abstention]) -> None:
    found = combine(said, NAMES)
    known = [one.scores for one in said if isinstance(one, Rating)]
    if not known:
        assert found == Score(None, dict.fromkeys(NAMES), None)
        return
    medians = {name: median(scores[name] for scores in known) for name in NAMES}
    assert found.dimensions == medians
    assert found.score == fmean(medians.values())
    assert 1 <= found.score <= 5
    means = [fmean(scores.values()) for scores in known]
    assert found.spread == (max(means) - min(means) if len(means) > 1 else None)


@given(verdicts, st.randoms())
def test_the_order_of_judges_makes_no_difference(said, rng) -> None:
    turned = list(said)
    rng.shuffle(turned)
    assert combine(turned, NAMES) == combine(said, NAMES)


@given(verdicts)
def test_who_abstains_moves_nothing(said) -> None:
    assert combine([*said, Abstention("refused")], NAMES) == combine(said, NAMES)


def test_columns_are_named_after_dimensions_and_null_is_null() -> None:
    scores = {
        "x": Score(3.5, {"accuracy": 4.0, "instruction-following": 3.0}, 1.0),
        "y": combine([Abstention("cut")], NAMES),
    }
    found = score_columns(scores, NAMES)
    assert found.schema == {
        "id": pl.String,
        "judge": pl.Float64,
        "judge_accuracy": pl.Float64,
        "judge_instruction_following": pl.Float64,
        "judge_spread": pl.Float64,
    }
    assert found.rows() == [("x", 3.5, 4.0, 3.0, 1.0), ("y", None, None, None, None)]


def test_rows_keep_their_order_and_ratings_that_were_not_asked_for_again() -> None:
    rows = pl.DataFrame({"id": ["c", "a", "b"], "text": [1, 2, 3]})
    first = score_columns({"a": Score(2.0, {"wit": 2.0}, None)}, ["wit"])
    once = with_scores(rows, first)
    assert once.columns == ["id", "text", "judge", "judge_wit", "judge_spread"]
    assert once["judge"].to_list() == [None, 2.0, None]
    second = score_columns(
        {"b": Score(5.0, {"wit": 5.0}, None), "c": Score(None, {"wit": None}, None)}, ["wit"]
    )
    twice = with_scores(once, second)
    assert twice.select("id", "judge", "judge_wit").rows() == [
        ("c", None, None),
        ("a", 2.0, 2.0),
        ("b", 5.0, 5.0),
    ]
    # Asked again and without a verdict: what it had before is no answer to that.
    again = with_scores(twice, score_columns({"a": Score(None, {"wit": None}, None)}, ["wit"]))
    assert again["judge"].to_list() == [None, None, 5.0]
