"""Publishing: whole or not at all, in plain Parquet, with a card that nothing can break."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from flows.publishers import local, parquet
from flows.publishers.card import render_card
from flows.publishers.parquet import write_shards
from schemas.frames import DECISIONS, MESSAGE, ROWS, empty_frame
from schemas.manifest import DatasetManifest, SourceRecord, TeacherRecord
from tests.flows.test_versions import MANIFEST
from tests.support.cli import call_cli
from tests.support.recipes import good_records, read_tree, write_jsonl, write_recipe
from tests.support.rows import make_row, make_rows

# Parquet


def test_types_are_plain(tmp_path: Path) -> None:
    rows = make_rows([make_row("Name a river.", parents=["a"])], quality=[0.5])
    write_shards(rows, tmp_path)
    schema = pq.read_schema(tmp_path / "train-00000-of-00001.parquet")
    found = {field.name: str(field.type) for field in schema}
    assert found["instruction"] == "string"
    assert found["row"] == "int64"
    assert found["quality"] == "double"
    assert schema.field("parents").type.value_type == pa.string()
    turn = schema.field("messages").type.value_type
    assert {field.name: field.type for field in turn} == {
        "role": pa.string(), "content": pa.string(),
    }  # fmt: skip
    assert "large" not in " ".join(found.values())


def test_shards_share_one_schema_and_hold_every_row_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(
        [make_row(f"Name number {n}.", teacher=None if n < 9 else "t") for n in range(10)]
    )
    monkeypatch.setattr(parquet, "_SHARD_BYTES", rows.estimated_size() / 4)
    write_shards(rows, tmp_path)
    files = sorted(tmp_path.iterdir())
    count = 4
    assert [path.name for path in files] == [
        f"train-{number:05d}-of-{count:05d}.parquet" for number in range(count)
    ]
    assert len({str(pq.read_schema(path)) for path in files}) == 1
    together = pl.concat([pl.read_parquet(path) for path in files])
    assert together["id"].to_list() == rows["id"].to_list()


@pytest.mark.parametrize("schema", [ROWS, DECISIONS])
def test_no_rows_are_one_file_with_the_schema(tmp_path: Path, schema: Any) -> None:
    write_shards(empty_frame(schema), tmp_path, split="rejects")
    assert [path.name for path in tmp_path.iterdir()] == ["rejects-00000-of-00001.parquet"]
    frame = pl.read_parquet(tmp_path / "rejects-00000-of-00001.parquet")
    assert (frame.height, frame.columns) == (0, list(schema))


def test_any_text_survives(tmp_path: Path) -> None:
    texts = ["", "\x00", "ß😀\u2028", '"quoted", ', "x" * 100_000]
    rows = pl.DataFrame({"a": [*texts, None]}, schema={"a": pl.String})
    write_shards(rows, tmp_path)
    assert pl.read_parquet(tmp_path / "*.parquet").equals(rows)


# The card


def card(rows: pl.DataFrame | None = None, **changes: Any) -> str:
    manifest = DatasetManifest.model_validate({**MANIFEST, **changes})
    return render_card(manifest, make_rows([make_row("Ask")]) if rows is None else rows)


def header(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("kept", "size"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (9999, "1K<n<10K"), (10_000, "10K<n<100K")],
)
def test_the_size_is_one_the_hub_knows(kept: int, size: str) -> None:
    assert header(card(kept=kept))["size_categories"] == [size]


def test_a_synthetic_dataset_says_so() -> None:
    teacher = TeacherRecord(model="m", base_url="http://x/v1")
    named = {"teacher": teacher.model_dump(), "teachers": [teacher.model_dump()]}
    assert header(card(**named))["tags"][0] == "synthetic"
    assert "synthetic" not in header(card())["tags"]
    assert "not stated: check the provider's terms" in card(**named)


def test_mixed_licences_are_all_named() -> None:
    sources = [
        SourceRecord(name=name, license=terms, rows=1, kept=kept).model_dump()
        for name, terms, kept in (("a", "MIT", 1), ("b", None, 1), ("c", "GPL-3.0", 0))
    ]
    found = header(card(license="other", sources=sources))
    assert (found["license"], found["license_name"]) == ("other", "MIT and unknown")


def test_a_row_cannot_break_out_of_its_fence() -> None:
    text = "````\n# Not a heading\n---\nlicense: evil\n"
    shown = card(make_rows([make_row(text)]))
    fence = re.search(r"^(`{4,})text$", shown, re.MULTILINE)
    assert fence is not None
    assert len(fence.group(1)) == 7
    assert header(shown)["license"] == "mit"


def test_a_cell_cannot_break_its_table() -> None:
    source = SourceRecord(name="a|b\nc", license="x|y", rows=1, kept=1).model_dump()
    assert r"| a\|b c | x\|y | 1 | 1 |" in card(sources=[source])


# Whole or not at all


@pytest.fixture
def base(tmp_path: Path, prefect_api: str) -> Path:
    write_jsonl(tmp_path / "rows.jsonl", good_records(5))
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl", "license": "MIT"}])
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("where", ["render_card", "write_report", "_file_records", "sync_tree"])
def test_a_failure_half_way_leaves_no_version(
    base: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(local, where, fail)
        ran = call_cli("run", "r.yaml", "--json", cwd=base)
    assert ran.code == 1
    assert "no space left on device" in ran.error_line
    assert (ran.answer["kept"], ran.answer["version"]) == (5, None)
    assert read_tree(base / "published") == {}
    assert list((base / "published" / "set").iterdir()) == []
    again = call_cli("run", "r.yaml", "--json", cwd=base).succeed().answer
    assert (again["version"], again["is_new"]) == ("1.0.0", True)


@pytest.mark.slow
def test_licences_of_sources_are_joined(base: Path) -> None:
    write_jsonl(base / "more.jsonl", good_records(3, seed=5))
    sources = [{"path": "rows.jsonl", "license": "MIT"}, {"path": "more.jsonl"}]
    for fields, terms in (
        ({"sources": sources[:1]}, "MIT"),
        ({"sources": sources[1:]}, "unknown"),
        ({"sources": sources}, "other"),
        ({"sources": sources, "license": "CC0-1.0"}, "CC0-1.0"),
    ):
        write_recipe(base / "r.yaml", **fields)
        answer = call_cli("run", "r.yaml", "--json", cwd=base).succeed().answer
        text = (base / answer["path"] / "manifest.json").read_text()
        assert DatasetManifest.model_validate_json(text).license == terms


def test_conversations_have_no_alpaca_config(base: Path) -> None:
    turns = [
        {"role": role, "content": text}
        for role, text in (
            ("user", "Hello there, who wrote Faust?"), ("assistant", "Goethe wrote Faust."),
            ("user", "And who wrote Hamlet?"), ("assistant", "Shakespeare wrote Hamlet."),
        )
    ]  # fmt: skip
    write_jsonl(base / "rows.jsonl", [{"messages": turns}])
    answer = call_cli("run", "r.yaml", "--json", cwd=base).succeed().answer
    version = base / answer["path"]
    assert [path.name for path in (version / "data").iterdir()] == ["default"]
    frame = pl.read_parquet(version / "data" / "default" / "*.parquet")
    assert frame.schema["messages"] == pl.List(MESSAGE)
    assert frame["messages"][0].to_list() == turns


@pytest.mark.slow
def test_pairs_have_a_config_of_their_own(base: Path) -> None:
    pairs = [
        {**record, "chosen": record["output"], "rejected": f"No idea about {place}."}
        for place, record in enumerate(good_records(6))
    ]
    for pair in pairs:
        del pair["output"]
    write_jsonl(base / "rows.jsonl", [*pairs, *good_records(12)[6:]])
    write_recipe(base / "r.yaml", sources=[{"path": "rows.jsonl", "license": "MIT"}], dedup=None)
    answer = call_cli("run", "r.yaml", "--json", cwd=base).succeed().answer
    version = base / answer["path"]
    rows = pl.read_parquet(version / "data/default/*.parquet")
    assert rows["rejected"].drop_nulls().len() == 6
    found = pl.read_parquet(version / "data/preference/*.parquet")
    assert found.columns == ["prompt", "chosen", "rejected"]
    lost = {turns[0]["content"] for turns in found["rejected"].to_list()}
    assert lost == {f"No idea about {place}." for place in range(6)}
    assert "path: data/preference/train-*.parquet" in (version / "README.md").read_text()
    call_cli("verify", answer["path"], cwd=base).succeed()
    words = ("export", answer["path"], "--format", "preference", "--out", "pairs.jsonl", "--json")
    exported = call_cli(*words, cwd=base).succeed().answer
    assert (exported["rows"], exported["left_out"]) == (6, {"no_rejected_answer": 6})
