"""Versions for tests: published by the code that a run uses, without an orchestrator."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows import stages
from flows.publishers.local import publish_version
from flows.recipes import load_recipe
from flows.runner import make_spec
from flows.session import Session
from flows.store import hash_file
from schemas.manifest import Published
from tests.support.recipes import write_jsonl, write_recipe


def publish(base: Path, records: Sequence[object], *, name: str = "set", **fields: Any) -> Path:
    """Publish records as the next version of a dataset in `<base>/published`."""
    return Path(publish_run(base, records, name=name, **fields).path)


def publish_run(
    base: Path, records: Sequence[object], *, name: str = "set", **fields: Any
) -> Published:
    """The same, with what a run is told of it."""
    write_jsonl(base / "rows.jsonl", records)
    options: dict[str, Any] = {"sources": [{"path": "rows.jsonl", "license": "MIT"}], **fields}
    recipe = write_recipe(base / "recipe.yaml", name=name, **options)
    spec = make_spec(load_recipe(recipe), home=base / "home", out=base / "published")
    session = Session(spec)
    try:
        refs = [stages.ingest(session)]
        refs.append(stages.signals(session, refs))
        for stage in (stages.dedup, stages.decontaminate, stages.filter_rows, stages.select):
            made = stage(session, refs[-1])
            if made != refs[-1]:
                refs.append(made)
        return publish_version(session, refs, stops={})
    finally:
        session.close()


def repair_hashes(version: Path) -> None:
    """Make the manifest's list true again, as somebody would who hides a change."""
    path = version / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for record in manifest["files"]:
        file = version / record["path"]
        record |= {"sha256": hash_file(file), "bytes": file.stat().st_size}
    path.write_text(json.dumps(manifest), encoding="utf-8")


def edit_manifest(version: Path, **changes: Any) -> None:
    """Change fields of a manifest."""
    path = version / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, **changes}), encoding="utf-8")
