"""Exports in the hands of those who read them: `datasets`, TRL, and what OpenAI checks."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.export import export_rows
from flows.ingest import read_source
from quality.formats import FORMATS
from tests.flows.model_scorers.tiny import tiny_tokenizer

pytestmark = pytest.mark.slow

RECORDS: list[dict[str, Any]] = [
    {"instruction": "Name a colour.", "input": "", "output": "Blue."},
    {"instruction": "Add.", "input": "1 and 2", "output": "3"},
    {"prompt": "Name a cat.", "chosen": "Tom.", "rejected": "Jerry."},
    {
        "messages": [
            {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you"},
        ]
    },
]  # fmt: skip
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def rows(tmp_path: Path) -> pl.DataFrame:
    path = tmp_path / "source.jsonl"
    path.write_text("\n".join(map(json.dumps, RECORDS)))
    return read_source(path, name="test").rows


def load(rows: pl.DataFrame, name: str, folder: Path) -> Any:
    """Export, then load with `datasets`."""
    import datasets

    exported = export_rows(rows, name, folder / f"{name}.jsonl")
    loaded = datasets.load_dataset(
        "json", data_files=str(exported.path), split="train", cache_dir=str(folder / "cache")
    )
    assert len(loaded) == exported.written
    return loaded


@pytest.mark.parametrize("name", list(FORMATS))
def test_datasets_loads_every_format(rows: pl.DataFrame, name: str, tmp_path: Path) -> None:
    assert len(load(rows, name, tmp_path)) > 0


@pytest.mark.parametrize("name", ["messages", "openai", "preference", "kto"])
def test_trl_takes_conversations(rows: pl.DataFrame, name: str, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl.data_utils")
    tokenizer = tiny_tokenizer(TEMPLATE)
    for example in load(rows, name, tmp_path):
        example = {key: value for key, value in example.items() if value is not None}
        assert trl.is_conversational(example)
        told = trl.apply_chat_template(example, tokenizer)
        if name == "preference":
            assert told == {
                "prompt": "<user>Name a cat.</user><assistant>",
                "chosen": "Tom.</assistant>",
                "rejected": "Jerry.</assistant>",
            }
        elif name == "kto":
            assert told["prompt"].endswith("<assistant>")
            assert told["label"] == ("Jerry" not in told["completion"])
        else:
            assert told["text"].endswith("</assistant>")


def test_trl_unpairs_preferences_as_kto_writes_them(rows: pl.DataFrame, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl.data_utils")
    pairs = load(rows, "preference", tmp_path)
    unpaired = trl.unpair_preference_dataset(pairs)
    own = load(rows.filter(pl.col("rejected").is_not_null()), "kto", tmp_path)
    assert sorted(map(json.dumps, unpaired.to_list())) == sorted(map(json.dumps, own.to_list()))


def test_trl_knows_the_fields_of_sharegpt_but_not_its_speakers(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    trl = pytest.importorskip("trl.data_utils")
    first = load(rows, "sharegpt", tmp_path)[0]
    # LLaMA-Factory, FastChat and Unsloth map the speakers; for TRL there is `messages`.
    assert trl.maybe_convert_to_chatml(first)["messages"] == [
        {"role": "human", "content": "Name a colour."},
        {"role": "gpt", "content": "Blue."},
    ]


def test_openai_lines_pass_what_openai_checks(rows: pl.DataFrame, tmp_path: Path) -> None:
    """The checks of OpenAI's cookbook: keys, roles, text, and an answer to learn."""
    path = export_rows(rows, "openai", tmp_path / "a.jsonl").path
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert set(record) == {"messages"}
        for message in record["messages"]:
            assert set(message) <= {"role", "content", "name", "weight"}
            assert message["role"] in ("system", "user", "assistant")
            assert message["content"]
            assert isinstance(message["content"], str)
        assert record["messages"][-1]["role"] == "assistant"


def test_columns_that_llama_factory_and_axolotl_look_for(rows: pl.DataFrame) -> None:
    """LLaMA-Factory's `alpaca` and `sharegpt`, Axolotl's `alpaca` and `chat_template`."""
    columns = {name: FORMATS[name].render(rows).columns for name in FORMATS}
    assert columns["alpaca"] == ["instruction", "input", "output"]
    assert columns["messages"] == ["messages"]
    (first, *_) = FORMATS["sharegpt"].render(rows)["conversations"].to_list()
    assert [set(turn) for turn in first] == [{"from", "value"}] * 2
    assert {turn["from"] for turn in first} == {"human", "gpt"}
