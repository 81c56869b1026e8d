import json
from pathlib import Path
from typing import Any

import pytest

from flows.versions import Semver, list_versions, open_version, parse_semver, read_data
from schemas.errors import InputError
from schemas.manifest import DatasetManifest
from tests.support.rows import make_row, make_rows

MANIFEST: dict[str, Any] = {
    "feingold": "0.1.0",
    "name": "set",
    "version": "1.0.0",
    "parent_version": None,
    "content_sha256": "c",
    "recipe_sha256": "r",
    "code_version": "v",
    "created": "2026-01-01T00:00:00+00:00",
    "rows_in": 1,
    "kept": 1,
    "dropped": 0,
    "quarantined": 0,
    "by_rule": {},
    "by_stage": [],
    "sources": [],
    "teacher": None,
    "license": "MIT",
    "languages": ["en"],
    "requests": {"sent": 0, "replayed": 0, "failed": 0},
    "tokens": {"prompt": 0, "completion": 0},
    "cost_usd": 0.0,
    "configs": {"default": 1},
    "notes": {},
    "files": [],
}


def make_version(folder: Path, version: str, **changes: object) -> Path:
    path = folder / version
    (path / "data" / "default").mkdir(parents=True)
    data = {**MANIFEST, "version": version, **changes}
    (path / "manifest.json").write_text(DatasetManifest.model_validate(data).model_dump_json())
    rows = make_rows([make_row("Name a colour.")])
    rows.write_parquet(path / "data" / "default" / "train-00000-of-00001.parquet")
    return path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", Semver(1, 2, 3)),
        ("v1.2.3", Semver(1, 2, 3)),
        ("0.0.0", Semver(0, 0, 0)),
        ("10.20.30", Semver(10, 20, 30)),
        ("1.2", None),
        ("1.2.3.4", None),
        ("1.2.x", None),
        ("", None),
        (".draft-1.2.3", None),
    ],
)
def test_versions_are_recognised(text: str, version: Semver | None) -> None:
    assert parse_semver(text) == version


def test_the_newest_version_is_opened_by_number_not_by_name(tmp_path: Path) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0", "1.2.11"):
        make_version(tmp_path, version)
    (tmp_path / "2.0.0").mkdir()  # without a manifest it is no version
    (tmp_path / ".draft-x").mkdir()
    assert [str(item) for item in list_versions(tmp_path)] == ["1.0.0", "1.2.11", "1.9.0", "1.10.0"]
    folder, manifest = open_version(tmp_path)
    assert (folder, manifest.version) == (tmp_path / "1.10.0", "1.10.0")
    assert open_version(tmp_path / "1.9.0")[1].version == "1.9.0"
    assert read_data(folder)["instruction"].to_list() == ["Name a colour."]


@pytest.mark.parametrize("name", ["", "none", "file"])
def test_no_version(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / name
    with pytest.raises(InputError) as caught:
        open_version(path)
    assert str(caught.value) == (
        f"expected a published version, got no manifest.json in {path}: give the path that "
        "`feingold run` printed, such as published/alpaca/1.0.0"
    )
    assert list_versions(path) == []


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "null", json.dumps({**MANIFEST, "more": 1}), "\xff"]
)
def test_a_damaged_manifest_is_one_line(tmp_path: Path, text: str) -> None:
    path = make_version(tmp_path, "1.0.0")
    (path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        open_version(path)
    line = str(caught.value)
    assert line.startswith("expected a manifest of a published version, got ")
    assert line.endswith(f" in {path}: restore it")
    assert "\n" not in line
