"""The tables of a version held against each other and against its manifest."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.publishers.layout import hash_splits
from flows.versions import read_data, read_decisions, read_rejects, scan_rows, split_note
from quality.funnel import content_hash, count_by_rule
from quality.proof import Finding, check_alpaca, check_books, check_counts, check_rows
from schemas.manifest import DatasetManifest

#: Directories of a version that hold tables.
TABLES: Final = ("data", "decisions", "rejects")


@dataclass(frozen=True, slots=True)
class Here:
    """The tables of a version that can be read.

    Attributes:
        rows: the default config with `split`; None: not here.
        configs: rows of each config.
        alpaca: its rows, if there are any.
        decisions: the ledger.
        rejects: rows that are out.
        signed: ids of the signatures' lines.
        problems: table to why it cannot be read.
    """

    rows: pl.DataFrame | None
    configs: dict[str, int]
    alpaca: pl.DataFrame | None
    decisions: pl.DataFrame | None
    rejects: pl.DataFrame | None
    signed: pl.Series | None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Rows of the default config."""
        return 0 if self.rows is None else self.rows.height

    def unread(self, *, besides: Collection[str]) -> Iterator[Finding]:
        """Yield a finding for each table that cannot be read and should be here."""
        for name, problem in self.problems.items():
            if name not in besides:
                yield Finding(name, f"expected tables that can be read, got {problem!r}")

    def check(self, manifest: DatasetManifest) -> Iterator[Finding]:
        """Yield what does not agree, among the tables that are here."""
        total = manifest.kept + manifest.dropped + manifest.quarantined
        yield from check_counts({"rows_in": manifest.rows_in}, {"rows_in": total})
        checks: tuple[Callable[[Here, DatasetManifest], Iterator[Finding]], ...] = (
            *(_check_data, _check_ledger, _check_sources),
            _check_signatures,
        )
        for check in checks:
            try:
                yield from check(self, manifest)
            # A table whose columns were changed: its file is a finding already, this says which.
            except (pl.exceptions.PolarsError, TypeError, ValueError, KeyError) as error:
                reason = " ".join(str(error).split())[:160]
                name = check.__name__.removeprefix("_check_")
                yield Finding(name, f"expected the columns of a version, got {reason!r}")


def read_tables(folder: Path, manifest: DatasetManifest) -> Here:
    """Read the tables of a version; what cannot be read is noted."""
    problems: dict[str, str] = {}

    def attempt(name: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever `read` returns
        try:
            return read()
        except (pl.exceptions.PolarsError, OSError) as error:
            problems.setdefault(name, str(error).splitlines()[0][:160])
            return None

    has_alpaca = "alpaca" in manifest.configs
    return Here(
        rows=attempt("data", lambda: scan_rows(folder).collect()),
        configs=attempt("data", lambda: _count_configs(folder)) or {},
        alpaca=attempt("data", lambda: read_data(folder, "alpaca")) if has_alpaca else None,
        decisions=attempt("decisions", lambda: read_decisions(folder)),
        rejects=attempt("rejects", lambda: read_rejects(folder)),
        signed=attempt("signatures", lambda: _signed_ids(folder)),
        problems=problems,
    )


def _count_configs(folder: Path) -> dict[str, int]:
    names = sorted(path.name for path in (folder / "data").iterdir())
    return {name: scan_rows(folder, name).select(pl.len()).collect().item() for name in names}


def _signed_ids(folder: Path) -> pl.Series | None:
    files = sorted((folder / "signatures").glob("*.parquet"))
    parts = [pl.read_parquet(file, columns=["id"]) for file in files]
    return pl.concat(parts)["id"] if parts else None  # early versions have no signatures


def _check_data(tables: Here, manifest: DatasetManifest) -> Iterator[Finding]:
    """Ids, content hash, counts of configs and splits."""
    rows = tables.rows
    if rows is None:
        return
    yield from check_rows(rows, where="data/default")
    splits = split_note(manifest)
    told = {
        "content_sha256": manifest.content_sha256,
        "kept": manifest.kept,
        "configs": manifest.configs,
        "notes.splits.sha256": splits.get("sha256"),
    }
    found = {
        "content_sha256": content_hash(rows["id"]),
        "kept": rows.height,
        "configs": tables.configs,
        "notes.splits.sha256": hash_splits(rows) if splits else None,
    }
    yield from check_counts(told, found)
    if tables.alpaca is not None:
        yield from check_alpaca(tables.alpaca, rows, where="data/alpaca")


def _check_ledger(tables: Here, manifest: DatasetManifest) -> Iterator[Finding]:
    """Books: one final decision a row, and the counts of the manifest."""
    decisions = tables.decisions
    if decisions is None:
        return
    count = dict(decisions.group_by("action").len().iter_rows())
    told = {name: getattr(manifest, name) for name in ("kept", "dropped", "quarantined", "by_rule")}
    found = {
        "kept": count.get("keep", 0),
        "dropped": count.get("drop", 0),
        "quarantined": count.get("quarantine", 0),
        "by_rule": count_by_rule(decisions),
    }
    yield from check_counts(told, found)
    if tables.rows is not None and tables.rejects is not None:
        yield from check_books(tables.rows, tables.rejects, decisions)


def _check_sources(tables: Here, manifest: DatasetManifest) -> Iterator[Finding]:
    """Rows, kept rows and licence of each source."""
    rows, rejects = tables.rows, tables.rejects
    if rows is None or rejects is None:
        return
    every = pl.concat([table.select("source", "license") for table in (rows, rejects)])
    licences = every.group_by("source").agg(pl.col("license").drop_nulls().first(), pl.len())
    kept = dict(rows.group_by("source").len().iter_rows())
    told = {source.name: (source.license, source.rows, source.kept) for source in manifest.sources}
    found = {
        name: (license_id, count, kept.get(name, 0))
        for name, license_id, count in licences.iter_rows()
    }
    yield from check_counts({"sources": told}, {"sources": found})


def _check_signatures(tables: Here, manifest: DatasetManifest) -> Iterator[Finding]:
    """Signatures are of the rows, in their order."""
    if tables.signed is None or tables.rows is None:
        return
    if not tables.signed.equals(tables.rows["id"]):
        where = f"signatures of {manifest.name}"
        yield Finding(where, "expected a line for each row, in their order, got other ids")
