"""`feingold diff`: what changed between two versions, and why."""

import argparse
from typing import Any

import polars as pl

from flows.versions import open_version, read_data, read_decisions

_SHOWN = 10


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare two versions row by row."""
    old_folder, old = open_version(arguments.old)
    new_folder, new = open_version(arguments.new)
    before, after = read_data(old_folder), read_data(new_folder)
    gone = before.join(after.select("id"), on="id", how="anti")
    came = after.join(before.select("id"), on="id", how="anti")
    changed = _changed(gone, came)
    removed = gone.filter(~pl.col("id").is_in(changed["old_id"].implode()))
    added = came.filter(~pl.col("id").is_in(changed["new_id"].implode()))
    answer = {
        "old": {"dataset": old.name, "version": old.version, "rows": before.height},
        "new": {"dataset": new.name, "version": new.version, "rows": after.height},
        "unchanged": before.height - gone.height,
        "added": _listed(added),
        "removed": _why(removed, read_decisions(new_folder)),
        "changed": changed.to_dicts(),
        "by_rule": {"old": old.by_rule, "new": new.by_rule},
        "same_recipe": old.recipe_sha256 == new.recipe_sha256,
        "same_code": old.code_version == new.code_version,
    }
    if not arguments.json:
        print(_describe(answer))
    return answer


def _changed(gone: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Pair rows with the same prompt and another answer; each row is in one pair at most."""
    prompt = ["system", "instruction", "input"]
    number = pl.int_range(pl.len()).over(prompt).alias("_number")
    old = gone.sort("id").select("id", *prompt, number)
    new = came.sort("id").select("id", *prompt, number)
    pairs = old.join(new, on=[*prompt, "_number"], suffix="_new", maintain_order="left")
    return pairs.select(
        pl.col("id").alias("old_id"), pl.col("id_new").alias("new_id"), "instruction"
    )


def _listed(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return rows.sort("id").select("id", "source", "instruction").to_dicts()


def _why(removed: pl.DataFrame, decisions: pl.DataFrame) -> list[dict[str, Any]]:
    """Removed rows with the rule that took them in the new version, if it saw them at all."""
    final = decisions.filter(pl.col("action").is_in(["drop", "quarantine"]))
    told = removed.join(final.select("id", "stage", "rule", "evidence"), on="id", how="left")
    told = told.with_columns(pl.col("rule").fill_null("no longer among the sources"))
    return told.sort("id").select("id", "source", "instruction", "stage", "rule").to_dicts()


def _describe(answer: dict[str, Any]) -> str:
    old, new = answer["old"], answer["new"]
    lines = [
        f"{old['dataset']} {old['version']} ({old['rows']:,} rows) -> "
        f"{new['dataset']} {new['version']} ({new['rows']:,} rows)",
        f"  {answer['unchanged']:,} unchanged, {len(answer['added']):,} added, "
        f"{len(answer['removed']):,} removed, {len(answer['changed']):,} with another answer",
        f"  recipe {'the same' if answer['same_recipe'] else 'differs'}, "
        f"code {'the same' if answer['same_code'] else 'differs'}",
    ]
    for sign, name in (("+", "added"), ("-", "removed")):
        for row in answer[name][:_SHOWN]:
            reason = f"  [{row['rule']}]" if "rule" in row else ""
            lines.append(f"  {sign} {row['id'][:12]} {row['instruction'][:70]!r}{reason}")
        if len(answer[name]) > _SHOWN:
            lines.append(f"  {sign} ... and {len(answer[name]) - _SHOWN:,} more")
    lines += [f"  ~ {row['instruction'][:70]!r}" for row in answer["changed"][:_SHOWN]]
    return "\n".join(lines)
