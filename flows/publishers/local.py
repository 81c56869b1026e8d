"""Publishes a version to disk: written aside, synced, then renamed, and never changed again."""

import hashlib
import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path

import polars as pl

from flows.dedup.header import FOLDER
from flows.disk import sync_tree, user_disk_errors
from flows.publishers.card import render_card
from flows.publishers.parquet import write_shards
from flows.report import write_report
from flows.select.twins import FOLDER as TWINS
from flows.select.twins import publish_twins
from flows.session import Session
from flows.stages import collect
from flows.store import code_version, concat_decisions, hash_json
from flows.summary import count_rows, count_stages, spending, teacher_records
from flows.versions import Semver, list_versions, open_version, read_data
from quality.formats import FORMATS
from quality.funnel import content_hash, count_by_rule
from quality.redact import redact_secrets
from schemas.errors import BooksError, FeingoldError, InputError, RunError
from schemas.frames import DECISIONS, MESSAGE, empty_frame
from schemas.manifest import (
    DatasetManifest,
    FileRecord,
    Published,
    SourceRecord,
    StageRef,
)
from schemas.recipe import LexicalOptions

_METADATA = ("id", "source", "license", "teacher", "request_key", "parents")
_TEXTS = ("messages", "system", "instruction", "input", "output")
_PLACE = ("file", "row", "raw")
# A language that fewer rows are in is as likely a mistake of the identifier.
_LANGUAGE_SHARE = 0.05


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
        RunError: if no row is left.
        BooksError: if the rows of the run do not add up.
    """
    rows = session.store.rows(refs[-1]).sort("id")
    if rows.is_empty():
        raise _nothing_left(session, refs)
    folder = Path(session.spec.out) / session.recipe.name
    content = content_hash(rows["id"])
    draft = _describe(session, refs, rows, content=content, stops=stops)
    latest = list_versions(folder)
    parent = open_version(folder / str(latest[-1]))[1] if latest else None
    if parent is not None and _is_same(parent, draft):
        path = str(folder / parent.version)
        return Published(path, parent.version, content, is_new=False)
    version = _next_version(parent, draft, rows, folder)
    manifest = draft.model_copy(
        update={"version": str(version), "parent_version": parent.version if parent else None}
    )
    target = folder / str(version)
    _write(session, refs, rows, manifest, target)
    return Published(str(target), str(version), content, is_new=True)


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
    names += [generator.name or generator.kind for generator in recipe.generators]
    msg = f"expected records in the sources, got none from {', '.join(names)}: check the files"
    return InputError(msg)


def _describe(
    session: Session,
    refs: Sequence[StageRef],
    rows: pl.DataFrame,
    *,
    content: str,
    stops: Mapping[str, str],
) -> DatasetManifest:
    """The manifest before version and files are known."""
    _, decisions = collect(session, refs)
    funnel = count_stages(session.store, refs)
    rows_in, dropped, quarantined = count_rows(funnel)
    if rows_in != rows.height + dropped + quarantined:
        msg = (
            f"expected {rows_in} rows, got {rows.height} kept + {dropped} dropped + "
            f"{quarantined} quarantined: please report this as a bug"
        )
        raise BooksError(msg)
    spent = spending(session)
    teachers = teacher_records(session) if session.recipe.generators else []
    sources = _sources(session, refs, rows)
    return DatasetManifest(
        feingold=installed_version("feingold"),
        name=session.recipe.name,
        version="",
        parent_version=None,
        content_sha256=content,
        recipe_sha256=hash_json(session.recipe.model_dump(mode="json")),
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows_in=rows_in,
        kept=rows.height,
        dropped=dropped,
        quarantined=quarantined,
        by_rule=count_by_rule(decisions),
        by_stage=funnel,
        sources=sources,
        teacher=teachers[0] if teachers else None,
        teachers=teachers,
        license=session.recipe.license or _common_license(sources),
        languages=_languages(session, rows),
        requests=spent.requests,
        tokens=spent.tokens,
        cost_usd=spent.cost_usd,
        configs={name: frame.height for name, frame in _configs(rows).items()},
        notes={"description": session.recipe.description, "stopped_by": dict(stops)},
        files=[],
    )


def _sources(session: Session, refs: Sequence[StageRef], rows: pl.DataFrame) -> list[SourceRecord]:
    """Count rows in and kept for each source."""
    dropped, _ = collect(session, refs)
    columns = ["source", "license"]
    every = pl.concat([rows.select(columns), dropped.select(columns)])
    kept = dict(rows.group_by("source").len().iter_rows())
    found = every.group_by("source").agg(pl.col("license").drop_nulls().first(), pl.len())
    return [
        SourceRecord(name=name, license=terms, rows=count, kept=kept.get(name, 0))
        for name, terms, count in found.sort("source").iter_rows()
    ]


def _common_license(sources: Sequence[SourceRecord]) -> str:
    """The licence that all kept sources share; `unknown` or `other` where they share none."""
    terms = {source.license for source in sources if source.kept}
    if terms == {None}:
        return "unknown"
    return str(terms.pop()) if len(terms) == 1 else "other"


def _languages(session: Session, rows: pl.DataFrame) -> list[str]:
    """What the recipe says, or else every language that a fair share of the rows is in."""
    stated = list(session.recipe.language)
    if "language" in session.recipe.model_fields_set or "language" not in rows.columns:
        return stated
    known = rows["language"].drop_nulls()
    counts = known.value_counts().sort(["count", "language"], descending=[True, False])
    common = counts.filter(pl.col("count") >= known.len() * _LANGUAGE_SHARE)["language"]
    return common.to_list() or stated


def _is_same(parent: DatasetManifest, draft: DatasetManifest) -> bool:
    return parent.content_sha256 == draft.content_sha256 and _metadata(parent) == _metadata(draft)


def _metadata(manifest: DatasetManifest) -> list[object]:
    """What a change of makes a patch version."""
    terms = sorted((source.name, source.license or "") for source in manifest.sources)
    return [manifest.license, manifest.languages, manifest.notes.get("description"), terms]


def _next_version(
    parent: DatasetManifest | None, draft: DatasetManifest, rows: pl.DataFrame, folder: Path
) -> Semver:
    """Only additions: minor; removals or changes: major; metadata alone: patch."""
    if parent is None:
        return Semver(1, 0, 0)
    major, minor, patch = map(int, parent.version.split("."))
    if parent.content_sha256 == draft.content_sha256:
        return Semver(major, minor, patch + 1)
    earlier = set(read_data(folder / parent.version)["id"])
    if earlier <= set(rows["id"]):
        return Semver(major, minor + 1, 0)
    return Semver(major + 1, 0, 0)


def _configs(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The configs of a version; alpaca holds what fits one exchange."""
    scores = [name for name in rows.columns if name not in (*_METADATA, *_TEXTS, *_PLACE)]
    default = rows.select(*_METADATA[:1], *_TEXTS, *_METADATA[1:], *scores)
    default = default.with_columns(pl.col("messages").cast(pl.List(MESSAGE)))
    alpaca = FORMATS["alpaca"].render(rows)
    return {"default": default, **({"alpaca": alpaca} if alpaca.height else {})}


def _write(
    session: Session,
    refs: Sequence[StageRef],
    rows: pl.DataFrame,
    manifest: DatasetManifest,
    target: Path,
) -> None:
    """Write the whole version aside and rename it."""
    draft = target.parent / f".draft-{uuid.uuid4().hex}"
    dropped, decisions = collect(session, refs)
    lines = concat_decisions([decisions, _kept_decisions(rows)]).sort("id", "stage", "rule")
    with user_disk_errors(target.parent):
        try:
            for name, frame in _configs(rows).items():
                write_shards(frame, draft / "data" / name)
            _write_signatures(session, rows, manifest, draft)
            _write_twins(session, refs[-1], draft)
            write_shards(lines, draft / "decisions", split="decisions")
            write_shards(redact_secrets(dropped.sort("id")), draft / "rejects", split="rejects")
            (draft / "recipe.yaml").write_text(session.spec.recipe_text, encoding="utf-8")
            card = render_card(manifest, rows)
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


def _kept_decisions(rows: pl.DataFrame) -> pl.DataFrame:
    lines = rows.select(
        "id",
        pl.lit("publish").alias("stage"),
        pl.lit("kept").alias("rule"),
        pl.lit("keep").alias("action"),
        pl.col("quality").cast(pl.Float64).alias("value"),
    )
    return pl.concat([empty_frame(DECISIONS), lines], how="diagonal")


def _file_records(folder: Path) -> list[FileRecord]:
    """Hash every file."""
    records = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        name = path.relative_to(folder).as_posix()
        records.append(FileRecord(path=name, sha256=digest, bytes=path.stat().st_size))
    return records
