import pkgutil
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quality.scorers
from quality.scorers import DEFAULT_SCORERS, SCORERS, add_scores
from schemas.errors import InputError
from schemas.frames import ROWS, empty_frame

MakeRows = Callable[..., pl.DataFrame]
#: Modules that are no scorers: plumbing, and `consistency`, which ranks samples of one question.
HELPERS = {"measure", "conversation", "consistency"}
TEXTS = st.one_of(
    st.none(),
    st.text(),
    st.sampled_from([
        "```py\nx", "1. a\n2.", "As an AI, I cannot", "a" * 300, "\x00", "٣ + ٤ = ٩", "4111" * 4,
        "DE89 3704 0044 0532 0130 00", "9" * 400 + " / 0 = 1", "1 / 0 = 0", "你好" * 30, "x@y.zz",
        "Nenne drei Tiere.", "https://a.b", "[INST] hi [/INST]", "word " * 120, "ß ﬁ 🤷‍♀️ \u202e",
    ]),
)  # fmt: skip
RECORDS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5)
FAST = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows_of(records: list[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    columns = list(zip(*records, strict=True)) or [(), (), ()]
    texts = dict(zip(("instruction", "input", "output"), columns, strict=True))
    return (
        empty_frame(ROWS)
        .clear(len(records))
        .with_columns(
            **{name: pl.Series(list(values), dtype=pl.String) for name, values in texts.items()}
        )
    )


def test_every_module_is_registered() -> None:
    modules = {module.name for module in pkgutil.iter_modules(quality.scorers.__path__)}
    assert modules - HELPERS == set(SCORERS)


def test_quality_is_computed_last() -> None:
    assert DEFAULT_SCORERS[-1] == "quality"


@FAST
@given(RECORDS)
def test_any_text_gets_a_well_formed_score(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    rows = rows_of(records)
    for name, scorer in SCORERS.items():
        score = scorer(rows)
        assert score.name == name
        assert score.len() == rows.height
        assert score.dtype == (pl.String if name == "language" else pl.Float64)
        if name != "language":
            assert not score.is_nan().any()
            assert not score.is_infinite().any()


@FAST
@given(RECORDS)
def test_scores_do_not_depend_on_the_order_of_rows(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    rows = rows_of(records)
    assert add_scores(rows.reverse()).equals(add_scores(rows).reverse())


@FAST
@given(RECORDS)
def test_shares_stay_within_bounds(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    scored = add_scores(rows_of(records))
    counts = {
        "length",
        "output_words",
        "instruction_words",
        "asked_count",
        "secrets",
        "personal_data",
    }
    for name in set(SCORERS) - counts - {"language"}:
        assert scored[name].drop_nulls().is_between(0, 1).all(), name


@pytest.mark.parametrize("name", list(SCORERS))
def test_scorers_take_no_rows(name: str) -> None:
    assert SCORERS[name](empty_frame(ROWS)).len() == 0


def test_input_is_not_changed(make_rows: MakeRows) -> None:
    rows = make_rows(["Yes."])
    before = rows.clone()
    add_scores(rows)
    assert rows.equals(before)


def test_quality_is_always_added(make_rows: MakeRows) -> None:
    added = add_scores(make_rows(["Yes."]), ["output_words"])
    assert added.columns == [*ROWS, "output_words", "quality"]


def test_scores_are_computed_anew(make_rows: MakeRows) -> None:
    stale = make_rows(["Yes."]).with_columns(output_words=pl.lit(99.0))
    assert add_scores(stale, ["output_words"])["output_words"].to_list() == [1.0]


def test_an_unknown_name_points_at_the_nearest(make_rows: MakeRows) -> None:
    with pytest.raises(InputError, match=r"scorers\[1\]: expected 'repetition', got 'repetitions'"):
        add_scores(make_rows(["Yes."]), ["echo", "repetitions"])
