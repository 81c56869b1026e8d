"""`feingold prune`: deletes old versions and what a home no longer needs, when told twice."""

import argparse
from collections.abc import Sequence
from typing import Any

from flows.history.retention import Item, Plan, delete, plan_stages, plan_versions
from flows.versions import OUT
from schemas.errors import InputError

_SHOWN = 40


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """List what would go; with `--yes`, delete it.

    Raises:
        InputError: if nothing was asked for.
    """
    parts = list(_plans(arguments))
    plan = Plan(
        tuple(item for part in parts for item in part.doomed),
        tuple(item for part in parts for item in part.kept),
    )
    freed = delete(plan, home=arguments.home) if arguments.yes and plan.doomed else 0
    if not arguments.json:
        _show(plan, is_deleted=arguments.yes)
    return {
        "deleted": arguments.yes,
        "bytes": sum(item.bytes for item in plan.doomed),
        "freed_bytes": freed,
        "doomed": _listed(plan.doomed),
        "kept": _listed(plan.kept),
    }


def _plans(arguments: argparse.Namespace) -> list[Plan]:
    found = []
    if arguments.path is not None:
        if arguments.keep is None:
            msg = "expected how many versions stay, got no --keep: say --keep 5"
            raise InputError(msg)
        named = arguments.out / arguments.path
        is_name = not arguments.path.exists() and named.is_dir()
        folder = named if is_name else arguments.path
        found.append(
            plan_versions(folder, arguments.keep, home=arguments.home, with_pushed=arguments.pushed)
        )
    elif arguments.keep is not None or arguments.pushed:
        msg = f"expected a dataset with --keep, got none: name it, such as {OUT / 'alpaca'}"
        raise InputError(msg)
    if arguments.stages:
        found.append(plan_stages(arguments.home))
    if not found:
        msg = "expected a dataset or --stages, got neither: say what may go"
        raise InputError(msg)
    return found


def _listed(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {
            "kind": item.kind,
            "name": item.name,
            "path": str(item.path),
            "bytes": item.bytes,
            "reason": item.reason,
        }
        for item in items
    ]


def _show(plan: Plan, *, is_deleted: bool) -> None:
    for item in plan.doomed[:_SHOWN]:
        print(f"  {'deleted' if is_deleted else 'would go'}  {_line(item)}")
    if len(plan.doomed) > _SHOWN:
        print(f"  ... and {len(plan.doomed) - _SHOWN:,} more, all in --json")
    for item in plan.kept:
        if item.kind == "version":
            print(f"  stays     {_line(item)}")
    total = f"{len(plan.doomed):,} directories, {sum(item.bytes for item in plan.doomed):,} bytes"
    print(f"deleted {total}" if is_deleted else f"would delete {total}; say --yes to do it")


def _line(item: Item) -> str:
    return f"{item.name}, {item.bytes:,} bytes: {item.reason}"
