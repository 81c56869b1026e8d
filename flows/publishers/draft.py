"""Describes a version before its number and files are known."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any, NamedTuple

import polars as pl

from flows.publishers.layout import make_configs
from flows.session import Session
from flows.store import code_version, hash_json
from flows.summary import count_rows, count_stages, spending, teacher_records
from quality.funnel import content_hash, count_by_rule
from schemas.errors import BooksError
from schemas.manifest import DatasetManifest, SourceRecord, StageRef

# A language that fewer rows are in is as likely a mistake of the identifier.
_LANGUAGE_SHARE = 0.05


class Tables(NamedTuple):
    """All that a version holds, in the order of its files."""

    rows: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame


def describe_version(
    session: Session,
    refs: Sequence[StageRef],
    tables: Tables,
    notes: Mapping[str, Any],
) -> DatasetManifest:
    """Return the manifest without version and files.

    Args:
        session: the run.
        refs: all its stages.
        tables: what is published, and what is not.
        notes: what else is to be noted.

    Raises:
        BooksError: if the rows of the run do not add up.
    """
    rows = tables.rows
    funnel = count_stages(session.store, refs)
    rows_in, dropped, quarantined = count_rows(funnel)
    if rows_in != rows.height + dropped + quarantined:
        msg = (
            f"expected {rows_in} rows, got {rows.height} kept + {dropped} dropped + "
            f"{quarantined} quarantined: please report this as a bug"
        )
        raise BooksError(msg)
    spent = spending(session)
    recipe = session.given_recipe
    asks = any(options.asks_teacher for options in recipe.generators)
    teachers = teacher_records(session) if asks else []
    sources = _sources(rows, tables.dropped)
    return DatasetManifest(
        feingold=installed_version("feingold"),
        name=session.recipe.name,
        version="",
        parent_version=None,
        content_sha256=content_hash(rows["id"]),
        recipe_sha256=hash_json(recipe.model_dump(mode="json")),
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows_in=rows_in,
        kept=rows.height,
        dropped=dropped,
        quarantined=quarantined,
        by_rule=count_by_rule(tables.decisions),
        by_stage=funnel,
        sources=sources,
        teacher=teachers[0] if teachers else None,
        teachers=teachers,
        license=session.recipe.license or _common_license(sources),
        languages=_languages(session, rows),
        requests=spent.requests,
        tokens=spent.tokens,
        cost_usd=spent.cost_usd,
        configs={name: frame.height for name, frame in make_configs(rows).items()},
        notes={"description": session.recipe.description, **notes},
        files=[],
    )


def _sources(rows: pl.DataFrame, dropped: pl.DataFrame) -> list[SourceRecord]:
    """Count rows in and kept for each source."""
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
