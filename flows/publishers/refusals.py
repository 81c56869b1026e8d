"""What must not leave this machine: rows without a licence, secrets, personal data."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from flows.publishers.terms import find_conflict, normalise_license
from flows.versions import read_data, read_decisions, read_rejects
from quality.scorers.personal_data import personal_data
from quality.scorers.secrets import find_secrets, secrets
from schemas.errors import InputError
from schemas.frames import ROWS
from schemas.manifest import DatasetManifest
from schemas.recipe import PublishOptions

_NAMED: Final = 5
#: Files that are text, and go up as they are.
_TEXT_FILES: Final = ("README.md", "recipe.yaml", "manifest.json")


def check_publishable(folder: Path, manifest: DatasetManifest, options: PublishOptions) -> None:
    """Raise unless a version may be published.

    Args:
        folder: of the version.
        manifest: of the version.
        options: what goes up, and whether personal data may.

    Raises:
        InputError: with the rows and what to do.
    """
    rows = read_data(folder)
    _check_licences(rows, manifest)
    frames = [("data", rows), ("decisions", _as_rows(read_decisions(folder), "evidence"))]
    if options.rejects:
        rejects = read_rejects(folder)
        frames += [("rejects", rejects), ("rejects", _as_rows(rejects, "raw"))]
    for place, frame in frames:
        _check_finds(
            frame, secrets, f"no key or token in {place}/", "take the rows out, make a new version"
        )
    for name in _TEXT_FILES:
        _check_text(folder / name)
    if not options.allow_personal_data:
        for place, frame in frames:
            _check_finds(
                frame,
                personal_data,
                f"no e-mail address, phone, card or account number in {place}/",
                "take the rows out (rule `personal_data`), or say that these may be published: "
                "`publish.allow_personal_data: true` or --allow-personal-data",
            )


def _check_licences(rows: pl.DataFrame, manifest: DatasetManifest) -> None:
    """Raise where a row has no licence, or two licences do not go together."""
    terms = rows["license"].map_elements(normalise_license, return_dtype=pl.String)
    # What a teacher made is under the licence that the recipe states for the whole.
    is_own = rows["teacher"].is_not_null() & (normalise_license(manifest.license) is not None)
    bare = rows.filter(terms.is_null() & ~is_own)
    if bare.height:
        sources = ", ".join(bare["source"].unique().sort().head(_NAMED))
        msg = (
            f"expected a licence for every row, got none for {_name(bare['id'].to_list())} of "
            f"{sources}: state `license` of the source, or of the teacher, in the recipe and run "
            "it again"
        )
        raise InputError(msg)
    conflict = find_conflict(terms.unique().to_list(), result=manifest.license)
    if conflict is not None:
        ids = rows.filter(terms.is_in(_strictest(terms)))["id"].to_list()
        msg = (
            f"expected licences that go together, got {conflict} ({_name(ids)}): state a fitting "
            "`license` in the recipe, or leave out one of the sources"
        )
        raise InputError(msg)


def _strictest(terms: pl.Series) -> list[str]:
    """The licences that conflict with a whole under no particular licence."""
    found = terms.drop_nulls().unique().to_list()
    return [one for one in found if find_conflict([one, "cc0-1.0"], result="cc0-1.0") is not None]


def _check_finds(
    frame: pl.DataFrame, count: Callable[[pl.DataFrame], pl.Series], wanted: str, advice: str
) -> None:
    """Raise where a scorer counts anything in a row."""
    ids = frame["id"].filter(count(frame) > 0).to_list()
    if ids:
        msg = f"expected {wanted}, got some in {_name(ids)}: {advice}"
        raise InputError(msg)


def _check_text(path: Path) -> None:
    text = pl.select(find_secrets(pl.lit(path.read_text(encoding="utf-8"))).list.len()).item()
    if text:
        msg = f"expected no key or token in {path}, got {text}: take it out, make a new version"
        raise InputError(msg)


def _as_rows(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Another text as the only one of rows, for scorers of rows."""
    return frame.select(
        "id",
        pl.lit([], dtype=ROWS["messages"]).alias("messages"),
        *(pl.lit("").alias(name) for name in ("system", "instruction", "input")),
        pl.col(column).cast(pl.String).fill_null("").alias("output"),
    )


def _name(ids: Sequence[str]) -> str:
    """Name rows, the first of many."""
    different = sorted(set(ids))
    more = f" and {len(different) - _NAMED:,} more" if len(different) > _NAMED else ""
    kind = "row" if len(different) == 1 else "rows"
    return f"{kind} {', '.join(different[:_NAMED])}{more}"
