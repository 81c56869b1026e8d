"""Publishes a version to disk: written aside, synced, then renamed, and never changed again."""

import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from flows.dedup.header import FOLDER
from flows.disk import sync_tree, user_disk_errors
from flows.generate.accounts import per_accepted
from flows.history.gate import require_gate
from flows.history.snapshot import Snapshot, parse_fields
from flows.publishers.card import render_card
from flows.publishers.changelog import list_changes
from flows.publishers.draft import Tables, describe_version
from flows.publishers.layout import make_configs, write_configs
from flows.publishers.parquet import write_shards
from flows.publishers.splitting import split_rows
from flows.refresh.carrying import PUBLISH, keep_lines, published_rows
from flows.report import publish_map, write_report
from flows.report.map import FOLDER as MAP
from flows.select.twins import FOLDER as TWINS
from flows.select.twins import publish_twins
from flows.session import Session
from flows.stages import collect
from flows.store import concat_decisions
from flows.summary import count_stages
from flows.training import do_sums, published_tokens
from flows.versions import (
    SPLIT,
    Semver,
    Version,
    list_versions,
    open_version,
    record_file,
    scan_rows,
    split_note,
)
from quality.redact import redact_secrets
from schemas.errors import FeingoldError, InputError, RunError
from schemas.manifest import DatasetManifest, FileRecord, Published, StageRef
from schemas.recipe import LexicalOptions


def publish_version(
    session: Session, refs: Sequence[StageRef], *, stops: Mapping[str, str]
) -> Published:
    """Publish the rows of the last stage as a new version, if they are not published already.

    Args:
        session: the run.
        refs: all stages of the run, the selection last.
        stops: generator name to the limit that stopped it.

    Raises:
        InputError: if no row came in.
        RunError: if no row is left, or the version would break the recipe's gate.
        BooksError: if the rows of the run do not add up.
    """
    rows = published_rows(session.store, refs)
    if rows.is_empty():
        raise _nothing_left(session, refs)
    folder = Path(session.spec.out) / session.recipe.name
    rows, splits = split_rows(session, rows, folder)
    notes: dict[str, Any] = {"stopped_by": dict(stops), **({"splits": splits} if splits else {})}
    account = per_accepted(session.store, refs)
    if account is not None:
        notes["per_accepted"] = account
    if session.spec.night is not None:
        notes |= session.spec.night.note()
    if session.recipe.training is not None:
        notes["training"] = do_sums(session.recipe.training, published_tokens(rows))
    tables = Tables(rows, *collect(session, refs))
    draft = describe_version(session, refs, tables, notes)
    latest = list_versions(folder)
    parent = open_version(folder / str(latest[-1])) if latest else None
    if parent is not None and _is_same(parent.manifest, draft):
        return parent.as_published(is_new=False)
    decisions = concat_decisions([tables.decisions, _kept_decisions(rows, tables.decisions)]).sort(
        "id", "stage", "rule"
    )
    require_gate(session, rows, decisions, parent)
    version = str(_next_version(parent, draft, rows))
    number = {"version": version, "parent_version": parent and parent.manifest.version}
    manifest = _with_changes(session, draft.model_copy(update=number), rows, decisions, parent)
    target = folder / version
    _write(session, refs[-1], manifest, target, tables._replace(decisions=decisions))
    return Version(target, manifest).as_published(is_new=True)


def _nothing_left(session: Session, refs: Sequence[StageRef]) -> FeingoldError:
    """Tell empty sources from rules that took everything."""
    recipe = session.recipe
    if any(stage["rows_in"] for stage in count_stages(session.store, refs)):
        msg = (
            "expected rows to publish, got none: every row was dropped or quarantined; see "
            "`by_rule` in the summary for the rules that took them, change them or the sources, "
            "then run the same command again"
        )
        return RunError(msg)
    names = [source.path for source in recipe.sources]
    names += [generator.source_name for generator in recipe.generators]
    msg = f"expected records in the sources, got none from {', '.join(names)}: check the files"
    return InputError(msg)


def _is_same(parent: DatasetManifest, draft: DatasetManifest) -> bool:
    return parent.content_sha256 == draft.content_sha256 and _metadata(parent) == _metadata(draft)


def _metadata(manifest: DatasetManifest) -> list[object]:
    """What a change of makes a version of the same rows."""
    terms = sorted((source.name, source.license or "") for source in manifest.sources)
    described = [manifest.license, manifest.languages, manifest.notes.get("description"), terms]
    return [*described, split_note(manifest).get("sha256")]


def _next_version(parent: Version | None, draft: DatasetManifest, rows: pl.DataFrame) -> Semver:
    """Only additions: minor; removals, changes or moves: major; metadata alone: patch."""
    if parent is None:
        return Semver(1, 0, 0)
    major, minor, patch = map(int, parent.manifest.version.split("."))
    earlier = scan_rows(parent.folder).select("id", SPLIT).collect()
    if earlier.join(rows, on=["id", SPLIT], how="anti").height:
        return Semver(major + 1, 0, 0)
    if parent.manifest.content_sha256 == draft.content_sha256:
        return Semver(major, minor, patch + 1)
    return Semver(major, minor + 1, 0)


def _with_changes(
    session: Session,
    manifest: DatasetManifest,
    rows: pl.DataFrame,
    decisions: pl.DataFrame,
    parent: Version | None,
) -> DatasetManifest:
    """Note what changed since the version before."""
    published = make_configs(rows)["default"].with_columns(rows[SPLIT])
    recipe = parse_fields(session.spec.recipe_text)
    changes = list_changes(parent, Snapshot(manifest, published, decisions, recipe))
    return manifest.model_copy(update={"notes": {**manifest.notes, "changes": changes}})


def _write(
    session: Session,
    selected: StageRef,
    manifest: DatasetManifest,
    target: Path,
    tables: Tables,
) -> None:
    """Write the whole version aside and rename it."""
    draft = target.parent / f".draft-{uuid.uuid4().hex}"
    rows, dropped, decisions = tables
    with user_disk_errors(target.parent):
        try:
            write_configs(rows, draft)
            _write_signatures(session, rows, manifest, draft)
            _write_twins(session, selected, draft)
            write_shards(decisions, draft / "decisions", split="decisions")
            rejects = redact_secrets(dropped.sort("id"))
            write_shards(rejects, draft / "rejects", split="rejects")
            publish_map(session, rows, rejects, draft / MAP)
            (draft / "recipe.yaml").write_text(session.spec.recipe_text, encoding="utf-8")
            # What is held back is no example.
            card = render_card(manifest, rows.sort(pl.col(SPLIT) != "train", "id"))
            (draft / "README.md").write_text(card, encoding="utf-8")
            write_report(draft, manifest)
            complete = manifest.model_copy(update={"files": _file_records(draft)})
            text = complete.model_dump_json(indent=1)
            (draft / "manifest.json").write_text(text, encoding="utf-8")
            sync_tree(draft)
            draft.rename(target)
            sync_tree(target.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _write_signatures(
    session: Session, rows: pl.DataFrame, manifest: DatasetManifest, draft: Path
) -> None:
    """Write what later batches are deduplicated against, cut as this run cut its rows."""
    # numba takes a second to import; whoever only reads versions needs none of it.
    from flows.dedup.signatures import cut_of, publish_signatures

    dedup = session.recipe.dedup
    options = (dedup.lexical if dedup is not None else None) or LexicalOptions()
    publish_signatures(rows, cut_of(options), manifest, draft / FOLDER)


def _write_twins(session: Session, selected: StageRef, draft: Path) -> None:
    recipe = session.recipe
    if recipe.select.twins:
        folder = draft / TWINS
        publish_twins(session.store, selected, by=recipe.select.by, seed=recipe.seed, folder=folder)


def _kept_decisions(rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """One line for each row that has none: what is carried on says where it comes from."""
    said = decisions.filter(stage=PUBLISH).select("id")
    return keep_lines(rows.join(said, on="id", how="anti"), pl.lit(None, pl.String))


def _file_records(folder: Path) -> list[FileRecord]:
    """Hash every file."""
    files = sorted(item for item in folder.rglob("*") if item.is_file())
    return [record_file(path, path.relative_to(folder).as_posix()) for path in files]
