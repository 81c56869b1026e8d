"""What generators over given prompts or rows read: of a file, or of the stages before them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.ingest import read_source
from flows.methods.answering import quarantine_unreadable
from flows.methods.base import Kit
from flows.methods.jobs import Draft
from flows.prompts import NamedPrompts, prompt_id, read_prompts
from flows.refresh.known import leave_answered, worked_on
from flows.store import hash_file
from quality.gates import Rejection
from schemas.errors import InputError
from schemas.recipe.generators.given import GivenOptions, GivenRowsOptions
from schemas.records import GivenTask


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks to answer.

    Attributes:
        tasks: in the order of the file, or of the ids of their rows.
        unreadable: what is no task.
        fingerprint: hash of the file; null where rows before are read, whose stages are inputs.
    """

    tasks: Sequence[GivenTask]
    unreadable: Sequence[Draft]
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to work on.

    Attributes:
        rows: as dictionaries of ROWS.
        unreadable: records that are no row.
        fingerprint: as above.
    """

    rows: Sequence[dict[str, Any]]
    unreadable: Sequence[Draft]
    fingerprint: str | None


def read_tasks(kit: Kit, options: GivenOptions) -> Tasks:
    """Read the prompts that a generator names, or those of the rows before it.

    Each prompt of earlier rows counts once, however many rows answer it; conversations of several
    turns are no single task and are left to others.

    Raises:
        InputError: if the file is missing or not readable at all, or a name is unknown.
    """
    if options.prompts is None:
        return Tasks(_tasks_of(kit.earlier(), options.rows), [], None)
    prompts = read_prompts(kit.session, NamedPrompts(options.prompts, options.license))
    night = kit.session.spec.night
    if night is not None:
        prompts = leave_answered(prompts, night, kit.name)
    unreadable = list(quarantine_unreadable(prompts))
    first: dict[str, GivenTask] = {}
    repeated = [
        _repeated(task) for task in prompts.tasks if first.setdefault(task.id, task) is not task
    ]
    return Tasks(list(first.values()), [*unreadable, *repeated], prompts.fingerprint)


def read_rows(kit: Kit, options: GivenRowsOptions) -> Rows:
    """Read the rows of a generator's file, or those before it, sorted by id.

    Raises:
        InputError: if the file is missing or not readable at all, or a name is unknown.
    """
    if options.path is None:
        return Rows(_chosen(kit.earlier(), options.rows).rows(named=True), [], None)
    path = kit.session.resolve_path(options.path)
    found = read_source(path, name=options.path, license=options.license)
    unreadable = [
        _quarantined(row["rule"], f"{options.path}: {row['detail']}", row["raw"])
        for row in found.quarantined.iter_rows(named=True)
    ]
    rows = found.rows.sort("id", "row").unique("id", keep="first", maintain_order=True)
    return Rows(rows.rows(named=True), unreadable, hash_file(path))


def is_new(kit: Kit, parent: str, arm: str) -> bool:
    """Tell whether no earlier version has what this generator makes of a row or chunk.

    Args:
        kit: of the generator.
        parent: id of the row or chunk.
        arm: what is made of it.
    """
    night = kit.session.spec.night
    return night is None or (parent, arm) not in worked_on(night, kit.name)


def single_turn(row: dict[str, Any]) -> bool:
    """Tell whether a row is one question and at most one answer."""
    asked = [turn for turn in row["messages"] or () if turn["role"] == "user"]
    return len(asked) == 1


def _tasks_of(rows: pl.DataFrame, names: Sequence[str]) -> list[GivenTask]:
    found: dict[str, GivenTask] = {}
    for row in _chosen(rows, names).iter_rows(named=True):
        if not row["instruction"] or not single_turn(row):
            continue
        name = prompt_id(row["instruction"], row["input"])
        task = GivenTask(
            id=name,
            instruction=row["instruction"],
            input=row["input"] or "",
            parents=(row["id"],),
            system=row["system"] or "",
            license=row["license"],
            raw=row["raw"] or "",
            about=lasting_facts(row["about"]),
        )
        found.setdefault(name, task)
    return list(found.values())


def lasting_facts(about: str | None) -> dict[str, Any]:
    """Return what of a row's `about` also holds for a row made from it.

    Args:
        about: JSON, null for nothing.
    """
    known = json.loads(about) if about else {}
    return {name: known[name] for name in ("document", "check") if name in known}


def _chosen(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    known = sorted(rows["source"].unique().to_list())
    unknown = sorted(set(names) - set(known))
    if unknown and known:
        msg = (
            f"expected names of sources or generators before this one ({', '.join(known)}), got "
            f"{unknown[0]!r} in `rows`: correct it"
        )
        raise InputError(msg)
    chosen = rows.filter(pl.col("source").is_in(list(names))) if names else rows
    return chosen.sort("id")


def _repeated(task: GivenTask) -> Draft:
    """Name a prompt that a file has twice: it would be asked the same questions again."""
    return Draft(
        None,
        instruction=task.instruction,
        input=task.input,
        license=task.license,
        raw=task.raw,
        rejection=Rejection("repeated_prompt", matched_id=task.id),
    )


def _quarantined(rule: str, evidence: str, raw: str) -> Draft:
    return Draft(None, raw=raw, rejection=Rejection(rule, evidence=evidence), action="quarantine")
