"""`feingold plan --params`: the sums of training beside the quote."""

from pathlib import Path

import pytest

from tests.support.cli import call_cli
from tests.support.recipes import write_jsonl, write_recipe

FIELDS = {
    "parameters", "tokens", "flops", "pile_loss", "unique_tokens", "epochs", "effective_tokens",
    "is_repeated_too_often", "hours", "unique_tokens_are", "warning",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "rows.jsonl", [{"instruction": "Name a cat.", "output": "Tom."}] * 3)
    write_recipe(tmp_path / "r.yaml", name="set", sources=[{"path": "rows.jsonl"}])
    return tmp_path


def test_nothing_is_added_where_no_size_is_named(folder: Path) -> None:
    answer = call_cli("plan", "r.yaml", "--json", cwd=folder).succeed().answer
    assert answer["arithmetic"] is None
    assert set(answer["training"]) == {"rows", "tokens_per_epoch", "batch_rows", "steps_per_epoch"}


def test_the_tokens_of_the_sources_are_counted(folder: Path) -> None:
    words = ("plan", "r.yaml", "--params", "1M")
    found = call_cli(*words, "--json", cwd=folder).succeed().answer["arithmetic"]
    assert set(found) == FIELDS
    assert (found["parameters"], found["tokens"]) == (1e6, 2e7)
    assert found["epochs"] == pytest.approx(2e7 / found["unique_tokens"])
    assert "3 source rows" in found["unique_tokens_are"]
    assert "beyond 4" in found["warning"]
    shown = call_cli(*words, cwd=folder).succeed().out
    assert "20,000,000 tokens (20 each)" in shown
    assert "nothing about fine-tuning" in shown


def test_named_tokens_and_speed_come_first_and_no_warning_is_no_warning(folder: Path) -> None:
    words = ("--params", "1M", "--unique-tokens", "5M", "--flops-per-second", "1T")
    found = call_cli("plan", "r.yaml", *words, "--json", cwd=folder).succeed().answer["arithmetic"]
    assert (found["epochs"], found["warning"], found["is_repeated_too_often"]) == (4.0, None, False)
    assert found["hours"] == pytest.approx(6 * 1e6 * 2e7 / 1e12 / 3600)


def test_a_recipe_may_name_the_model_and_a_flag_another(folder: Path) -> None:
    write_recipe(
        folder / "r.yaml",
        name="set",
        sources=[{"path": "rows.jsonl"}],
        training={"parameters": "111M", "unique_tokens": "2B"},
    )
    found = call_cli("plan", "r.yaml", "--json", cwd=folder).succeed().answer["arithmetic"]
    assert (found["parameters"], found["unique_tokens"]) == (111e6, 2e9)
    words = ("plan", "r.yaml", "--params", "7B", "--json")
    found = call_cli(*words, cwd=folder).succeed().answer["arithmetic"]
    assert (found["parameters"], found["unique_tokens"]) == (7e9, 2e9)


def test_a_source_on_the_hub_is_not_read(folder: Path) -> None:
    write_recipe(folder / "r.yaml", name="set", sources=[{"path": "hf:someone/rows"}])
    words = ("plan", "r.yaml", "--params", "1M", "--json")
    found = call_cli(*words, cwd=folder).succeed().answer["arithmetic"]
    assert (found["unique_tokens"], found["epochs"], found["warning"]) == (None, None, None)
    assert "--unique-tokens" in found["unique_tokens_are"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--params", "big"), "expected a number above 0 such as 111M, 6.7B or 1.3e9, got 'big'"),
        (("--params", "0"), "expected a number above 0, 1e+30 at most, got '0' for --params"),
        (("--unique-tokens", "1B"), "expected --params beside the other figures, got none"),
    ],
)
def test_wrong_figures_are_one_line(folder: Path, words: tuple[str, str], line: str) -> None:
    ran = call_cli("plan", "r.yaml", *words, cwd=folder)
    assert ran.code == 2
    assert ran.error_line.startswith(line)
