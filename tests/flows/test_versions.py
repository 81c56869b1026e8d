import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import HFValidationError

from flows.versions import (
    Semver,
    list_versions,
    open_version,
    parse_semver,
    read_data,
    scan_rows,
)
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
    "text",
    [
        "", "{", "{}", "null", "[]", "\xff", json.dumps({**MANIFEST, "kept": "many"}),
        json.dumps({**MANIFEST, "more": 1, "kept": None}),
    ],
)  # fmt: skip
def test_a_damaged_manifest_is_one_line(tmp_path: Path, text: str) -> None:
    path = make_version(tmp_path, "1.0.0")
    (path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        open_version(path)
    line = str(caught.value)
    assert line.startswith("expected a manifest of a published version, got ")
    assert line.endswith(f" in {path}: restore it")
    assert "\n" not in line


def test_fields_of_a_newer_release_are_left_out(tmp_path: Path) -> None:
    source = {"name": "a", "license": None, "rows": 1, "kept": 1, "region": "EU"}
    path = make_version(tmp_path, "1.0.0")
    newer = {**MANIFEST, "sources": [source, source], "more": {"a": [1]}}
    (path / "manifest.json").write_text(json.dumps(newer))
    manifest = open_version(path).manifest
    assert [found.name for found in manifest.sources] == ["a", "a"]
    assert manifest.format == 1


def test_a_newer_layout_says_so(tmp_path: Path) -> None:
    path = make_version(tmp_path, "1.0.0")
    (path / "manifest.json").write_text(json.dumps({**MANIFEST, "format": 2, "more": 1}))
    with pytest.raises(InputError) as caught:
        open_version(path)
    assert str(caught.value) == (
        f"expected a version of layout 1 or older, got layout 2 in {path}: a newer feingold wrote "
        "it, update this one"
    )


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("set@1.0.0", "1.0.0"), ("set@v1.0.0", "1.0.0"), ("set/1.0.0", "1.0.0"), ("set", "1.10.0"),
        ("set/", "1.10.0"),
    ],
)  # fmt: skip
def test_versions_are_opened_by_name(tmp_path: Path, name: str, version: str) -> None:
    for number in ("1.0.0", "1.10.0"):
        make_version(tmp_path / "set", number)
    found = open_version(name, out=tmp_path)
    assert (found.folder, found.manifest.version) == (tmp_path / "set" / version, version)


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_version(tmp_path / "out" / "set", "1.0.0")
    make_version(tmp_path / "here" / "set", "2.0.0")
    monkeypatch.chdir(tmp_path / "here")
    assert open_version("set", out=tmp_path / "out").manifest.version == "2.0.0"


def test_a_name_without_this_version_tells_those_there_are(tmp_path: Path) -> None:
    for number in ("1.0.0", "1.1.0"):
        make_version(tmp_path / "set", number)
    with pytest.raises(InputError, match=r"set has 1\.0\.0, 1\.1\.0 in "):
        open_version("set@3.0.0", out=tmp_path)


def test_rows_tell_their_split(tmp_path: Path) -> None:
    path = make_version(tmp_path, "1.0.0")
    rows = make_rows([make_row("Name a bird.")])
    rows.write_parquet(path / "data/default/test-00000-of-00001.parquet")
    found = scan_rows(path).select("instruction", "split").collect()
    assert found.rows() == [("Name a bird.", "test"), ("Name a colour.", "train")]
    assert read_data(path)["instruction"].to_list() == ["Name a bird.", "Name a colour."]
    assert "split" not in read_data(path).columns


# The Hub


class Hub:
    """Stands for `snapshot_download`."""

    def __init__(self, folder: Path, error: Exception | None = None) -> None:
        self.folder, self.error = folder, error
        self.asked: list[tuple[str, str | None, str]] = []

    def __call__(
        self, repo_id: str, *, repo_type: str, revision: str | None, cache_dir: Path
    ) -> str:
        assert repo_type == "dataset"
        self.asked.append((repo_id, revision, str(cache_dir)))
        if self.error is not None:
            raise self.error
        return str(self.folder)


def test_a_version_of_the_hub_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(make_version(tmp_path, "1.0.0"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub)
    found = open_version(Path("hf:me/my.set@v1.0.0"), home=tmp_path / "home")
    assert found.manifest.version == "1.0.0"
    open_version("hf:me/set", home=tmp_path / "home")
    cache = str(tmp_path / "home" / "downloads")
    assert hub.asked == [("me/my.set", "v1.0.0", cache), ("me/set", None, cache)]


@pytest.mark.parametrize("name", ["hf:", "hf:me", "hf:me/set@", "hf:me/set/more", "hf:../x"])
def test_a_name_that_is_none_on_the_hub(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="expected hf:owner/name"):
        open_version(name, home=tmp_path)


@pytest.mark.parametrize("error", [OSError("no\nroute"), ValueError("odd"), HFValidationError("x")])
def test_a_hub_that_fails_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", Hub(tmp_path, error))
    with pytest.raises(InputError, match="expected a dataset on the Hub, got ") as caught:
        open_version("hf:me/set", home=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_dataset_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", Hub(tmp_path))
    with pytest.raises(InputError, match=r"got no manifest\.json in hf:me/set"):
        open_version("hf:me/set", home=tmp_path)
