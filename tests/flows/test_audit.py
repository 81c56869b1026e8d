"""`feingold audit`: what is lost at a length, in the tokens of a tokenizer."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.audit import measure_answers
from tests.flows.model_scorers.tiny import tiny_tokenizer
from tests.flows.test_versions import make_version
from tests.support.cli import call_cli
from tests.support.rows import make_row, make_rows

TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def tokenizer(tmp_path: Path) -> str:
    folder = tmp_path / "tokenizer"
    tiny_tokenizer(TEMPLATE).save_pretrained(folder)
    return str(folder)


def test_answers_are_measured_behind_what_is_before_them(tokenizer: str) -> None:
    turns = [
        {"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"}, {"role": "assistant", "content": "e f g"},
    ]  # fmt: skip
    row = {**make_row("a b", "c\n\ne f g"), "messages": turns}
    first, second = measure_answers(make_rows([row]), tokenizer).to_dicts()
    assert (first["turn"], second["turn"]) == (1, 3)
    assert first["before"] + first["tokens"] < second["before"]
    assert second["tokens"] > first["tokens"] > 1  # with the token that ends a turn


def test_the_verb(tokenizer: str, tmp_path: Path) -> None:
    make_version(tmp_path / "set", "1.0.0")
    words = ("audit", "set", "--tokenizer", tokenizer, "--lengths", "1,1000", "--out", "a.parquet")
    answer = call_cli(*words, "--json", cwd=tmp_path).succeed().answer
    assert (answer["version"], answer["rows"], answer["refused"]) == ("1.0.0", 1, 0)
    short, long = answer["lengths"]
    assert (short["no_answer"], long["whole"], long["lost"]) == (1, 1, 0)
    assert pl.read_parquet(tmp_path / "a.parquet")["fate"].to_list() == ["no_answer"]
    shown = call_cli(*words, cwd=tmp_path).succeed()
    assert "answer lost" in shown.out + shown.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--lengths", "0"], "expected lengths in tokens such as 512,2048, got '0'"),
        (["--lengths", "long"], "expected lengths in tokens such as 512,2048, got 'long'"),
        (["--tokenizer", "nowhere"], "expected a tokenizer, got 'nowhere'"),
    ],
)
def test_wrong_words_are_one_line(words: list[str], line: str, tmp_path: Path) -> None:
    make_version(tmp_path / "set", "1.0.0")
    ran = call_cli("audit", "set", *words, "--json", cwd=tmp_path)
    assert ran.code == 2
    assert line in json.loads(ran.out)["error"]
