"""`verify`: whatever is changed in a version is found and named."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.history.verification import verify_version
from flows.versions import open_version
from quality.ids import content_id
from quality.proof import Finding
from tests.flows.history.test_diff import make_early
from tests.support.recipes import read_tree
from tests.support.versions import edit_manifest, repair_hashes


def findings(version: Path) -> tuple[Finding, ...]:
    return verify_version(open_version(version)).findings


@pytest.fixture
def version(copied: Path) -> Path:
    return copied / "published/set/2.0.0"


def edit_rows(folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    """Change the first file of a table."""
    file = min(folder.glob("*.parquet"))
    change(pl.read_parquet(file)).write_parquet(file)
    return file


@pytest.mark.parametrize("number", ["1.0.0", "2.0.0", "2.1.0"])
def test_a_version_is_as_it_was_published(three: Path, number: str) -> None:
    path = three / "published/set" / number
    before = read_tree(path)
    found = verify_version(open_version(path))
    assert found.findings == ()
    assert (found.files, found.rows) == (len(before) - 1, {"1": 41, "2": 39}[number[0]] + (
        20 if number == "2.1.0" else 0))  # fmt: skip
    assert read_tree(path) == before


def test_a_version_of_an_early_release_is_proven_as_far_as_it_goes(copied: Path) -> None:
    path = copied / "published/set/1.0.0"
    for folder in ("signatures", "twins"):
        for file in (path / folder).glob("*"):
            file.unlink()
    manifest = json.loads((path / "manifest.json").read_text())
    kept = [record for record in manifest["files"] if (path / record["path"]).exists()]
    edit_manifest(path, files=kept)
    assert findings(path) == ()


def test_a_flipped_bit_in_any_file_is_found(version: Path) -> None:
    rng = random.Random(7)
    for name, data in read_tree(version).items():
        if name == "manifest.json":
            continue
        place = rng.randrange(len(data))
        flipped = bytes([data[place] ^ 1 << rng.randrange(8)])
        (version / name).write_bytes(data[:place] + flipped + data[place + 1 :])
        found = findings(version)
        assert any(item.where == name and "sha256" in item.what for item in found), name
        (version / name).write_bytes(data)
    assert findings(version) == ()


def test_missing_and_extra_files_are_named(version: Path) -> None:
    for name in list(read_tree(version)):
        if name == "manifest.json":
            continue
        kept = (version / name).read_bytes()
        (version / name).unlink()
        assert any(item.where == name for item in findings(version)), name
        (version / name).write_bytes(kept)
    for name in ("data/default/more.txt", "note.txt", "manifest.json.bak", ".hidden"):
        (version / name).write_text("more")
        (found,) = findings(version)
        assert found.where == name
        (version / name).unlink()


def test_a_cut_file_is_named_by_its_size(version: Path) -> None:
    (version / "recipe.yaml").write_bytes(b"")
    (found,) = findings(version)
    assert (found.where, found.what.endswith("bytes, got 0")) == ("recipe.yaml", True)


@pytest.mark.parametrize("column", ["output", "instruction", "input", "system"])
def test_an_edited_row_with_repaired_hashes_is_found(version: Path, column: str) -> None:
    edit_rows(version / "data/default", lambda rows: rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("Edited.")).otherwise(column).alias(column)
    ))  # fmt: skip
    repair_hashes(version)
    (found,) = [item for item in findings(version) if item.where == "data/default"]
    assert found.total == 1
    assert "messages" in found.what


def test_edited_messages_do_not_hash_to_their_id(version: Path) -> None:
    def edit(rows: pl.DataFrame) -> pl.DataFrame:
        turns = rows["messages"].to_list()
        turns[0][-1]["content"] += " Edited."
        return rows.with_columns(pl.Series("messages", turns, dtype=rows.schema["messages"]))

    file = edit_rows(version / "data/default", edit)
    row_id = pl.read_parquet(file)["id"][0]
    repair_hashes(version)
    assert any(
        item.ids == (row_id,) and "hash of their messages" in item.what
        for item in findings(version)
    )


def test_an_edited_row_with_a_new_id_is_no_row_of_the_ledger(version: Path) -> None:
    def edit(rows: pl.DataFrame) -> pl.DataFrame:
        row = rows.row(0, named=True)
        row["messages"][-1]["content"] = row["output"] = "Edited."
        row["id"] = content_id(row["messages"])
        return pl.concat([pl.DataFrame([row], schema=rows.schema), rows[1:]])

    edit_rows(version / "data/default", edit)
    repair_hashes(version)
    found = findings(version)
    assert {"manifest.json", "decisions", "data"} <= {item.where for item in found}
    assert any("content_sha256" in item.what for item in found)


def test_an_edited_alpaca_row_is_found(version: Path) -> None:
    edit_rows(version / "data/alpaca", lambda rows: rows.with_columns(output=pl.lit("Edited.")))
    repair_hashes(version)
    assert [item.where for item in findings(version)] == ["data/alpaca"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kept", 40), ("dropped", 7), ("quarantined", 3), ("rows_in", 999),
        ("by_rule", {"max_words": 3}), ("configs", {"default": 3}), ("content_sha256", "0" * 64),
        ("sources", []),
        ("sources", [{"name": "rows.jsonl", "license": "GPL-3.0", "rows": 40, "kept": 39}]),
        ("files", []),
    ],
)  # fmt: skip
def test_an_edited_manifest_is_found(version: Path, field: str, value: Any) -> None:
    edit_manifest(version, **{field: value})
    assert findings(version)


def test_rows_moved_to_another_split_are_found(version: Path) -> None:
    folder = version / "data/default"
    test, train = folder / "test-00000-of-00001.parquet", folder / "train-00000-of-00001.parquet"
    rows = pl.read_parquet(test)
    pl.concat([pl.read_parquet(train), rows[:1]]).write_parquet(train)
    rows[1:].write_parquet(test)
    repair_hashes(version)
    assert any("notes.splits.sha256" in item.what for item in findings(version))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: pl.concat([lines, lines[:1]]),
        lambda lines: lines.with_columns(id=pl.col("id").str.reverse()),
        lambda lines: lines.with_columns(action=pl.lit("drop")),
    ],
)
def test_books_that_do_not_balance_are_found(
    version: Path, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    edit_rows(version / "decisions", change)
    repair_hashes(version)
    assert any("decision" in item.what for item in findings(version))


def test_lost_rejects_are_found(version: Path) -> None:
    edit_rows(version / "rejects", lambda rows: rows.clear())
    repair_hashes(version)
    assert any(item.where == "decisions" for item in findings(version))


def test_a_table_without_its_columns_is_a_finding_and_no_crash(version: Path) -> None:
    edit_rows(version / "data/default", lambda rows: rows.select("id"))
    edit_rows(version / "decisions", lambda rows: rows.select("id"))
    (version / "rejects/rejects-00000-of-00001.parquet").write_bytes(b"nothing")
    repair_hashes(version)
    assert {"rejects"} <= {item.where for item in findings(version)}


@pytest.mark.parametrize("path", ["../../../outside", "/etc/hostname"])
def test_a_manifest_cannot_lead_outside(version: Path, path: str) -> None:
    manifest = json.loads((version / "manifest.json").read_text())
    record = {"path": path, "sha256": "0" * 64, "bytes": 1}
    edit_manifest(version, files=[*manifest["files"], record])
    (found,) = findings(version)
    assert found.what == "expected a path within the version in manifest.json"


@pytest.mark.parametrize("way", ["file", "manifest"])
def test_what_was_left_out_on_purpose_is_no_finding(version: Path, way: str) -> None:
    for file in (version / "rejects").iterdir():
        file.unlink()
    assert findings(version)
    if way == "file":
        (version / "hub.json").write_text('{"left_out": ["rejects/"]}')
    else:
        manifest = json.loads((version / "manifest.json").read_text())
        edit_manifest(version, notes={**manifest["notes"], "left_out": ["rejects/"]})
    found = verify_version(open_version(version))
    assert (found.findings, found.left_out) == ((), ("rejects/",))
    (version / "README.md").unlink()
    assert [item.where for item in findings(version)] == ["README.md"]


@pytest.mark.parametrize("text", ["", "[]", '{"left_out": 1}', '{"left_out": [""]}'])
def test_an_odd_note_about_left_out_files_excuses_nothing(version: Path, text: str) -> None:
    (version / "hub.json").write_text(text)
    (version / "README.md").unlink()
    assert [item.where for item in findings(version)] == ["README.md"]


def test_early_columns(copied: Path) -> None:
    path = copied / "published/set/1.0.0"
    make_early(path)
    found = findings(path)  # files differ, and nothing crashes
    assert any(item.where.startswith("data/default") for item in found)
