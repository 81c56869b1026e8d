import pkgutil
import time
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quality.scorers
from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.scorers import DEFAULT_SCORERS, OPTIONAL_SCORERS, SCORERS, add_scores
from schemas.errors import InputError
from schemas.frames import ROWS, empty_frame

MakeRows = Callable[..., pl.DataFrame]
#: Modules that are no scorers: plumbing, and `consistency`, which ranks samples of one question.
HELPERS = {
    "measure", "conversation", "consistency", "calculation", "conversion", "language_kernel",
}  # fmt: skip
#: Scores that count something; all others but the language are shares.
COUNTS = {
    "length", "output_words", "instruction_words", "asked_count", "secrets", "personal_data",
}  # fmt: skip
TEXTS = st.one_of(
    st.none(),
    st.text(),
    st.sampled_from([
        "```py\nx", "1. a\n2.", "As an AI, I cannot", "a" * 300, "\x00", "٣ + ٤ = ٩", "4111" * 4,
        "DE89 3704 0044 0532 0130 00", "9" * 400 + " / 0 = 1", "1 / 0 = 0", "你好" * 30, "x@y.zz",
        "Nenne drei Tiere.", "https://a.b", "What is 2 + 2?", "Sort in ascending order: 3, 1, 2",
        "Translate to German.", "List it as JSON.", "Explain it in one sentence.", "3, 1, 2", "{}",
        'Write a poem without using the word "a".', "Answer in all caps.", "I hope this helps!",
        "Convert 4 to binary.", "\u0301\u0301", "\u05d0\u05d1", "½ ⅓ ² = ³", "[INST] hi [/INST]",
        "word " * 120, "ß ﬁ 🤷‍♀️ \u202e",
    ]),
)  # fmt: skip
RECORDS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5)
FAST = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
def test_any_text_gets_a_well_formed_score_of_its_own(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    check_scores_of(rows_of(records))


@pytest.mark.slow
@settings(FAST, max_examples=100)
@given(RECORDS)
def test_many_texts_get_well_formed_scores_of_their_own(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    check_scores_of(rows_of(records))


def check_scores_of(rows: pl.DataFrame) -> None:
    scored = add_scores(rows, list(SCORERS))
    assert scored.columns == [*rows.columns, *SCORERS]
    for name in set(SCORERS) - {"language"}:
        values = scored[name].drop_nulls()
        assert values.dtype == pl.Float64
        assert values.is_finite().all(), name
        assert (values >= 0).all(), name
        assert name in COUNTS or (values <= 1).all(), name
    assert scored["language"].dtype == pl.String
    assert add_scores(rows.reverse(), list(SCORERS)).equals(scored.reverse())
    assert add_scores(rows[:1], list(SCORERS)).equals(scored[:1])


@pytest.mark.parametrize("name", list(SCORERS))
def test_a_scorer_returns_a_column_of_its_name(make_rows: MakeRows, name: str) -> None:
    score = SCORERS[name](make_rows(["Owl.", None]))
    assert (score.name, score.len()) == (name, 2)


#: What makes a careless pattern go back and forth.
RUNS = [
    "a", " ", "\n", "1", "1 ", "-", "\"", "“", "(", "[", "{", "<a>", "a:", "|", "```a\n", "1+",
    "1 + 1 = 3 ", "+49 ", "a@b.", "DE89 ", "http://a:", "你", "e\u0301", "\u202e", "😊", "\x00",
    "in two words ", 'without "a", ', "a, ", "I cannot ", "please ", "IV", "A. ", "?", "…", "1. ",
]  # fmt: skip


def run_of(piece: str, characters: int) -> pl.DataFrame:
    text = (piece * characters)[:characters]
    return rows_of([
        ("Say it.", "", text), (text, "", "x"), (f"What is {text}", text, f"Sure. {text}"),
        (f"Sort {text}", text, text),
    ])  # fmt: skip


def seconds_of(scorer: Callable[[pl.DataFrame], pl.Series], rows: pl.DataFrame) -> float:
    start = time.process_time()
    scorer(rows)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("piece", RUNS)
def test_time_grows_with_length_and_no_faster(piece: str) -> None:
    short, long = run_of(piece, 10_000), run_of(piece, 100_000)
    add_scores(short, list(SCORERS))  # models are read and patterns compiled once
    for name in set(SCORERS) - {"quality"}:
        first = seconds_of(SCORERS[name], short)
        # Ten times the text; thirty times the time is still far from a square.
        assert seconds_of(SCORERS[name], long) < 30 * max(first, 0.05), name


@pytest.mark.parametrize("piece", ["a", '"', "1 ", "你"])
def test_a_hundred_kilobytes_of_one_thing_are_scored(piece: str) -> None:
    rows = run_of(piece, 100_000)[:1]
    scored = add_scores(rows, list(SCORERS))
    assert scored["length"].to_list() == [100_000.0]


def test_defaults_leave_out_only_what_is_optional() -> None:
    assert set(DEFAULT_SCORERS) == set(SCORERS) - OPTIONAL_SCORERS
    assert set(SCORERS) > OPTIONAL_SCORERS


def test_default_filters_read_default_scorers() -> None:
    for entry in DEFAULT_FILTERS:
        assert set(FILTERS[entry["rule"]]().scorers) <= set(DEFAULT_SCORERS)


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
