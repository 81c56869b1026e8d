"""`feingold explain`: the whole story of one row."""

import argparse
import json
from typing import Any

import polars as pl

from flows.dedup.past import parse_past_id
from flows.versions import open_version, read_data, read_decisions, read_rejects
from schemas.errors import InputError

_SHOWN_CHARACTERS = 600


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tell where a row came from, what was measured, and why it is in or out."""
    folder, manifest = open_version(arguments.path)
    decisions = read_decisions(folder)
    row_id = _find_id(decisions, arguments.id, where=str(folder))
    everything = pl.concat([read_data(folder), read_rejects(folder)], how="diagonal_relaxed")
    row = everything.row(by_predicate=pl.col("id") == row_id, named=True)
    lines = decisions.filter(pl.col("id") == row_id).to_dicts()
    matches = [line["matched_id"] for line in lines if line["matched_id"]]
    matched = everything.filter(pl.col("id").is_in(matches))
    final = next(line for line in lines if line["action"] in ("keep", "drop", "quarantine"))
    duplicates = decisions.filter(pl.col("matched_id") == row_id)
    answer = {
        "dataset": manifest.name,
        "version": manifest.version,
        "id": row_id,
        "action": final["action"],
        "stage": final["stage"],
        "rule": final["rule"],
        "row": {name: value for name, value in row.items() if value is not None},
        "decisions": lines,
        "matched": matched.select("id", "instruction", "input", "output", "source").to_dicts(),
        "earlier": [past._asdict() for past in map(parse_past_id, matches) if past is not None],
        "took_the_place_of": duplicates.select("id", "rule", "similarity").to_dicts(),
    }
    if not arguments.json:
        print(_describe(answer))
    return answer


def _find_id(decisions: pl.DataFrame, beginning: str, *, where: str) -> str:
    """Return the one id that starts so; an exact match comes before longer ones."""
    ids = decisions.filter(pl.col("id").str.starts_with(beginning))["id"].unique().sort()
    if beginning in ids:
        return beginning
    if ids.len() == 1:
        return str(ids[0])
    got = "none" if ids.is_empty() else f"{ids.len()}, such as {ids[0]!r} and {ids[1]!r}"
    msg = f"expected one row whose id begins with {beginning!r}, got {got} in {where}: give more"
    raise InputError(msg)


def _describe(answer: dict[str, Any]) -> str:
    row = answer["row"]
    verdict = {"keep": "kept", "drop": "dropped", "quarantine": "quarantined"}[answer["action"]]
    place = f"{row['file']}, row {row['row']}" if row.get("file") else f"source {row['source']}"
    lines = [
        f"{answer['id']} was {verdict} at stage {answer['stage']} by rule {answer['rule']}",
        f"  from     {place}" + (f", licence {row['license']}" if row.get("license") else ""),
    ]
    if row.get("request_key"):
        lines.append(f"  teacher  {row.get('teacher')}, request {row['request_key'][:16]}")
    if row.get("parents"):
        lines.append(f"  parents  {', '.join(row['parents'])}")
    lines += [f"  {line}" for line in map(_decision, answer["decisions"])]
    for name in ("instruction", "input", "output", "raw"):
        text = row.get(name)
        if text and (name != "raw" or answer["action"] == "quarantine"):
            lines.append(f"  {name}: {_cut(text)}")
    for other in answer["matched"]:
        lines.append(f"  matched {other['id']} of {other['source']}: {_cut(other['instruction'])}")
    for other in answer["earlier"]:
        lines.append(
            f"  matched {other['id']} of {other['name']} {other['version']}, an earlier version"
        )
    for other in answer["took_the_place_of"]:
        lines.append(f"  took the place of {other['id']} ({other['rule']})")
    scores = {name: value for name, value in row.items() if isinstance(value, float)}
    if scores:
        shown = ", ".join(f"{name} {value:.3g}" for name, value in sorted(scores.items()))
        lines.append(f"  scores   {shown}")
    return "\n".join(lines)


def _decision(line: dict[str, Any]) -> str:
    parts = [f"{line['action']:<10} {line['stage']}/{line['rule']}"]
    numbers = ("value", "threshold", "similarity")
    parts += [f"{name} {line[name]:.4g}" for name in numbers if line[name] is not None]
    if line["matched_id"]:
        parts.append(f"matched {line['matched_id']}")
    if line["evidence"]:
        parts.append(json.dumps(line["evidence"], ensure_ascii=False))
    return ", ".join(parts)


def _cut(text: str) -> str:
    """Text from a teacher or a file: control characters must not reach the terminal."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " ..."
    return json.dumps(shown, ensure_ascii=False)
