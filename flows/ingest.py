"""Ingest: from files and Hub datasets to rows, with everything unreadable in quarantine.

Nothing is lost: every record of a source is either one row or one quarantined record.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.collect import QUARANTINED, Ingested, Origin, collect_items
from flows.readers import MAX_RECORD_BYTES, Record, read_items
from quality.formats import FORMATS
from schemas.errors import InputError
from schemas.recipe import TreeOptions

__all__ = [
    "HUB_PREFIX",
    "QUARANTINED",
    "Ingested",
    "check_format",
    "expand_paths",
    "read_hub_dataset",
    "read_source",
]

HUB_PREFIX: Final = "hf:"


def read_source(
    path: Path,
    *,
    name: str,
    format: str = "auto",  # noqa: A002  the recipe's word
    license: str | None = None,  # noqa: A002  the recipe's word
    max_record_bytes: int = MAX_RECORD_BYTES,
    trees: TreeOptions | None = None,
) -> Ingested:
    """Read a JSON, JSONL, CSV, TSV or Parquet file.

    Args:
        path: the file as the user gave it; it is stored in the column `file`.
        name: stored in the column `source`.
        format: a name in FORMATS, or `auto` to recognise each record by its fields.
        license: SPDX id; None = unknown.
        max_record_bytes: larger records are quarantined as `row_too_large`.
        trees: what is taken of message trees; None: as the form `oasst` has it.

    Raises:
        InputError: if the format is unknown, or the file is missing, a directory, unreadable, of
            an unknown kind, or a table with a broken header.
    """
    check_format(format)
    origin = Origin(name, str(path), license, format, max_record_bytes, trees)
    return collect_items(read_items(path, max_record_bytes=max_record_bytes), origin)


def read_hub_dataset(
    name: str,
    *,
    format: str = "auto",  # noqa: A002  the recipe's word
    license: str | None = None,  # noqa: A002  the recipe's word
    revision: str | None = None,
    max_record_bytes: int = MAX_RECORD_BYTES,
    trees: TreeOptions | None = None,
) -> Ingested:
    """Read every split of a dataset on the Hub.

    Args:
        name: `owner/name`, with or without `hf:` before it; a local directory works too.
        format: a name in FORMATS, or `auto` to recognise each record by its fields.
        license: SPDX id; None = unknown.
        revision: branch, tag or commit.
        max_record_bytes: larger records are quarantined as `row_too_large`.
        trees: what is taken of message trees; None: as the form `oasst` has it.

    Returns:
        The records of all splits, in the order of the splits' names; `source` is `hf:owner/name`,
        `file` is `hf:owner/name/split`, `row` is the position in the split.

    Raises:
        InputError: if the format is unknown or the dataset cannot be loaded.
    """
    check_format(format)
    repository = name.removeprefix(HUB_PREFIX).strip()
    if not repository:
        msg = f"expected {HUB_PREFIX}owner/name, got {name!r}: name a dataset"
        raise InputError(msg)
    source = HUB_PREFIX + repository
    parts = []
    for split, records in sorted(_load_splits(repository, revision).items()):
        origin = Origin(source, f"{source}/{split}", license, format, max_record_bytes, trees)
        parts.append(collect_items(_hub_items(records), origin))
    if not parts:
        return collect_items([], Origin(source, source, license))
    return Ingested(
        pl.concat([part.rows for part in parts]),
        pl.concat([part.quarantined for part in parts]),
    )


def _load_splits(repository: str, revision: str | None) -> Mapping[str, Iterable[Any]]:
    # Takes seconds to import, and few runs need it.
    import datasets

    try:
        loaded = datasets.load_dataset(repository, revision=revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        msg = (
            f"expected a dataset on the Hub, got {reason!r} for {HUB_PREFIX}{repository}: check "
            "the name, the token and the network, or download it and name its files"
        )
        raise InputError(msg) from error
    splits: Mapping[str, Iterable[Any]] = loaded
    return splits


def _hub_items(records: Iterable[Any]) -> Iterator[Record]:
    for record in records:
        yield Record(None, record)


def check_format(name: str, *, also: tuple[str, ...] = ("auto",)) -> str:
    """Return `name` if it is a format.

    Args:
        name: what the user wrote.
        also: words that are accepted beside the names in FORMATS.

    Raises:
        InputError: if it is not; names the nearest one.
    """
    known = (*also, *FORMATS)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "choose one of them"
    msg = f"expected a format ({', '.join(known)}), got {name!r}: {hint}"
    raise InputError(msg)


def expand_paths(pattern: str, base: Path) -> list[Path]:
    """Return the files that a path or pattern names, sorted.

    Args:
        pattern: a path, or a pattern with `*`, `?`, `[...]` or `**`; hidden files match only a
            pattern that begins with a dot.
        base: directory of relative patterns.

    Raises:
        InputError: if nothing matches.
    """
    given = Path(pattern).expanduser()
    literal = base / given
    if literal.exists():
        return [literal]
    root = Path(given.anchor) if given.is_absolute() else base
    try:
        matches = list(root.glob(str(given.relative_to(given.anchor))))
    except (ValueError, OSError):
        matches = []
    wants_hidden = given.name.startswith(".")
    files = [path for path in matches if wants_hidden or not path.name.startswith(".")]
    files = sorted(path for path in files if path.is_file())
    if not files:
        where = f"in {str(base.absolute())!r}: check the path"
        msg = (
            f"expected a file or a pattern that matches one, got {pattern!r}, no such file {where}"
        )
        raise InputError(msg)
    return files
