"""The scorers that need a model: their columns, when they abstain, what they depend on."""

import importlib
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows import model_scorers
from flows.model_scorers import MODEL_SCORERS, add_model_scores
from quality.model_scores import MIN_ROWS, NEIGHBOURS
from schemas.errors import InputError
from tests.flows.model_scorers.stand_ins import Letters, models_with
from tests.support.rows import make_row, make_rows

PLUMBING = {"exchanges", "models"}
OF_LANGUAGE = ("perplexity", "ifd", "ifd_residual")
OF_NEIGHBOURS = ("density", "outlierness")


def some_rows(n_rows: int = MIN_ROWS, seed: int = 0) -> pl.DataFrame:
    """Questions and answers of random letters."""
    draw = random.Random(seed)
    texts = ["".join(draw.choices("abcdefghij", k=40)) for _ in range(2 * n_rows)]
    answers = [text[: draw.choice((1, 5, 20, 40))] for text in texts[n_rows:]]
    return make_rows(
        [
            make_row(question, answer, id=f"{place:05}")
            for place, (question, answer) in enumerate(zip(texts, answers, strict=False))
        ]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One memory for all tests: what was read is not read again."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def scored(folder: Path) -> pl.DataFrame:
    return add_model_scores(
        some_rows(), list(MODEL_SCORERS), models_with(folder, encoder=Letters())
    )


def test_every_scorer_is_registered_under_the_name_of_its_file() -> None:
    folder = Path(model_scorers.__file__).parent
    assert set(MODEL_SCORERS) == {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        *PLUMBING,
    }
    for name, scorer in MODEL_SCORERS.items():
        assert (scorer.__name__, scorer.__module__) == (name, f"flows.model_scorers.{name}")
        assert importlib.import_module(scorer.__module__).__doc__


def test_each_adds_one_column_of_its_name(scored: pl.DataFrame) -> None:
    assert scored.columns[-5:] == list(MODEL_SCORERS)
    assert set(scored.dtypes[-5:]) == {pl.Float64}
    assert scored.select(list(MODEL_SCORERS)).null_count().row(0) == (0, 0, 0, 0, 0)
    assert scored["perplexity"].min() >= 1
    assert scored["ifd"].min() > 0
    assert scored["density"].is_between(-1, 1).all()


def test_ifd_is_the_papers_ratio(scored: pl.DataFrame, folder: Path) -> None:
    models = models_with(folder)
    given, alone = models.read_answers(scored), models.read_answers_alone(scored)
    expected = np.exp(given.nats / given.tokens) / np.exp(alone.nats / alone.tokens)
    assert scored["ifd"].to_numpy() == pytest.approx(expected)
    assert scored["perplexity"].to_numpy() == pytest.approx(np.exp(given.nats / given.tokens))


def test_the_order_of_rows_changes_nothing(scored: pl.DataFrame, folder: Path) -> None:
    shuffled = some_rows().sample(fraction=1.0, shuffle=True, seed=3)
    again = add_model_scores(shuffled, list(MODEL_SCORERS), models_with(folder, encoder=Letters()))
    assert_frame_equal(again.sort("id"), scored, abs_tol=1e-5)


@pytest.mark.parametrize("name", OF_LANGUAGE[:2])
def test_other_rows_change_nothing(name: str, scored: pl.DataFrame, tmp_path: Path) -> None:
    few = add_model_scores(some_rows().head(5), [name], models_with(tmp_path))
    assert few[name].to_list() == pytest.approx(scored[name].head(5).to_list(), abs=1e-4)


def test_without_an_answer_the_language_model_abstains(folder: Path) -> None:
    rows = pl.concat([some_rows(), make_rows([make_row("Ask", "", messages=None)])])
    found = add_model_scores(rows, OF_LANGUAGE, models_with(folder))
    for name in OF_LANGUAGE:
        assert found[name].is_null().arg_true().to_list() == [MIN_ROWS]


def test_beyond_the_context_the_language_model_abstains(tmp_path: Path) -> None:
    rows = make_rows([make_row("Ask", "y" * 300), make_row("Ask" * 100, "y"), make_row("Ask", "y")])
    found = add_model_scores(rows, ["perplexity", "ifd"], models_with(tmp_path))
    for name in ("perplexity", "ifd"):
        assert found[name].is_null().to_list() == [True, True, False]


def test_few_rows_say_nothing_of_what_is_usual(folder: Path) -> None:
    rows = some_rows(MIN_ROWS - 1)
    found = add_model_scores(rows, ["ifd_residual"], models_with(folder))
    assert found["ifd_residual"].null_count() == rows.height


@pytest.mark.parametrize(("n_others", "abstains"), [(NEIGHBOURS, True), (NEIGHBOURS + 1, False)])
def test_few_tasks_have_no_neighbourhood(n_others: int, abstains: bool, tmp_path: Path) -> None:
    letters = "abcdefghijklmnop"[:n_others]
    tasks = [make_row(letter) for letter in letters]
    rows = make_rows([*tasks, make_row("a", "Once more."), make_row("", "No task.")])
    found = add_model_scores(rows, OF_NEIGHBOURS, models_with(tmp_path, encoder=Letters()))
    for name in OF_NEIGHBOURS:
        assert found[name].is_null().to_list() == [*[abstains] * (n_others + 1), True]


@pytest.mark.parametrize("name", OF_NEIGHBOURS)
def test_a_task_posed_twice_counts_once(name: str, tmp_path: Path) -> None:
    rows = some_rows(40)
    doubled = pl.concat([rows, rows.head(7)])
    once, twice = (
        add_model_scores(some, [name], models_with(tmp_path, encoder=Letters()))[name]
        for some in (rows, doubled)
    )
    assert twice.head(40).to_list() == once.to_list()
    assert twice.tail(7).to_list() == once.head(7).to_list()


def test_a_column_that_is_there_is_computed_anew(tmp_path: Path) -> None:
    rows = some_rows(12).with_columns(density=pl.lit(7.0))
    found = add_model_scores(rows, ["density", "density"], models_with(tmp_path, encoder=Letters()))
    assert found.columns.count("density") == 1
    assert found["density"].max() <= 1


@pytest.mark.parametrize(
    ("name", "hint"), [("perplexty", "'perplexity'"), ("beauty", "one of perplexity, ifd")]
)
def test_an_unknown_name_says_what_is_near(name: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"scorers\[1\]: expected {hint}"):
        add_model_scores(some_rows(1), ["ifd", name], models_with(tmp_path))


def test_nothing_is_loaded_that_no_scorer_needs(tmp_path: Path) -> None:
    without_encoder = models_with(tmp_path / "a")
    add_model_scores(some_rows(1), ["perplexity"], without_encoder)
    without_language = models_with(tmp_path / "b", encoder=Letters())
    without_language.language_model = None
    add_model_scores(some_rows(1), ["density"], without_language)
    assert add_model_scores(some_rows(1), [], without_encoder).equals(some_rows(1))
