"""What earlier versions know: rows they decided about, prompts they answered, tasks they have."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl

from flows.prompts import Prompts, prompt_id
from flows.refresh.night import Night
from flows.versions import read_data, read_decisions, read_rejects

_TEXTS = ("id", "source", "teacher", "instruction", "input", "messages")
# Such a row says nothing about its prompt: another night may bring an answer.
_PASSING = "teacher_error"


@lru_cache(maxsize=1)
def decided_ids(night: Night) -> pl.Series:
    """Return the ids of all rows that a version kept, dropped or quarantined, sorted."""
    parts = [_scan(Path(folder), "decisions").select("id") for folder in night.versions]
    return pl.concat(parts).unique().sort("id").collect()["id"]


def count_copies(ids: Iterable[str]) -> Counter[str]:
    """Count for each content the ids in use, so that the next number is free.

    Example:
        >>> copies = count_copies(["a" * 32, "a" * 32 + "-4"])
        >>> copies["a" * 32]
        5
    """
    found: Counter[str] = Counter()
    for name in ids:
        base, _, number = name.partition("-")
        found[base] = max(found[base], int(number or 0) + 1)
    return found


def known_tasks(night: Night) -> Iterator[tuple[str, str]]:
    """Yield id and instruction of every row kept so far and of every generated one."""
    seen: set[str] = set()
    for folder in map(Path, reversed(night.versions)):
        kept = read_data(folder).select("id", "instruction")
        gone = read_rejects(folder).filter(pl.col("teacher").is_not_null())
        for name, text in pl.concat([kept, gone.select("id", "instruction")]).iter_rows():
            if text and text not in seen:
                seen.add(text)
                yield name, text


def leave_answered(prompts: Prompts, night: Night, source: str) -> Prompts:
    """Return the prompts that no version has answered, and the lines none has called unreadable.

    Args:
        prompts: as the file has them.
        night: with the versions.
        source: name of the generator.
    """
    answered, unreadable = _done(night, source)
    return Prompts(
        [task for task in prompts.tasks if task.id not in answered],
        [line for line in prompts.unreadable if _mark(line[3]) not in unreadable],
        prompts.fingerprint,
    )


@lru_cache(maxsize=8)
def worked_on(night: Night, source: str) -> frozenset[tuple[str, str]]:
    """Return parent and arm of all that a generator has made of given material.

    What a fault cost may be made another night.

    Args:
        night: with the versions.
        source: name of the generator.
    """
    found: set[tuple[str, str]] = set()
    for folder in map(Path, night.versions):
        rejects = read_rejects(folder).filter(source=source)
        passing = read_decisions(folder).filter(rule=_PASSING).select("id")
        parts = [
            read_data(folder).filter(source=source),
            rejects.join(passing, on="id", how="anti"),
        ]
        for rows in parts:
            named = rows.select("parents", pl.col("arm").fill_null("")).explode("parents")
            found |= set(named.drop_nulls().iter_rows())
    return frozenset(found)


@lru_cache(maxsize=8)
def _done(night: Night, source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the prompts that a generator answered, and marks of lines that were no prompt."""
    answered: set[str] = set()
    unreadable: set[str] = set()
    for folder in map(Path, night.versions):
        rejects = read_rejects(folder).filter(source=source)
        passing = read_decisions(folder).filter(rule=_PASSING).select("id")
        rejects = rejects.join(passing, on="id", how="anti")
        kept = read_data(folder).filter(source=source)
        texts = pl.concat([kept.select(_TEXTS), rejects.select(_TEXTS)], how="vertical_relaxed")
        asked = texts.filter(pl.col("teacher").is_not_null()).select("instruction", "input")
        answered |= {prompt_id(*pair) for pair in asked.unique().iter_rows()}
        unreadable |= set(map(_mark, rejects.filter(pl.col("teacher").is_null())["raw"]))
    return frozenset(answered), frozenset(unreadable)


def _mark(raw: str | None) -> str:
    return hashlib.sha256((raw or "").encode("utf-8", "replace")).hexdigest()


def covering_versions(versions: Sequence[Path]) -> list[Path]:
    """Return the fewest newest versions that hold every row of any version.

    A version that only added rows holds all of the one before; a past of seventy nights is then
    read once, not seventy times.

    Args:
        versions: directories, oldest first.
    """
    found: list[Path] = []
    seen = pl.DataFrame(schema={"id": pl.String})
    for folder in reversed(versions):
        ids = _scan(folder, "data/default").select("id").collect()
        if found and ids.join(seen, on="id", how="anti").is_empty():
            continue
        found.append(folder)
        seen = pl.concat([seen, ids]).unique()
    return found


def _scan(folder: Path, part: str) -> pl.LazyFrame:
    return pl.scan_parquet(folder / part / "*.parquet")
