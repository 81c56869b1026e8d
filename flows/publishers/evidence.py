"""What each active scorer and rule is worth, as far as it was measured, for card and report.

The figures are measured by `python -m benchmarks.quality.evidence` on public labels and ship with
the code, in `evidence.json`; those of a student or a judge come from the run itself.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from schemas.manifest import DatasetManifest

_FILE = Path(__file__).parent / "evidence.json"
_CHANCE = 0.01


class Table(NamedTuple):
    """A table with what stands above it.

    Attributes:
        text: what its figures mean.
        header: column names.
        rows: its cells.
    """

    text: str
    header: list[str]
    rows: list[list[str]]


@cache
def measured() -> dict[str, Any]:
    """Return the stored figures."""
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def evidence_tables(manifest: DatasetManifest) -> list[Table]:
    """Return what is known of everything that decided about the rows of a version."""
    notes = {
        name: note
        for stage in manifest.by_stage
        for name, note in (stage.get("notes") or {}).items()
    }
    tables = [_scorers(notes.get("scorers", ())), _rules(notes.get("rules", ()))]
    if "judge" in notes:
        tables.append(_judge(notes["judge"]))
    if "student" in notes:
        tables.append(_student(notes["student"]))
    if notes.get("twins"):
        tables.append(_twins(notes["by"], notes["selection"], notes["twins"]))
    return [table for table in tables if table.rows]


def _scorers(names: Sequence[str]) -> Table:
    found = measured()
    pairs, discards = found["sets"]["pairs"], found["sets"]["discards"]
    text = (
        f"Chance to be right: of {pairs['n']:,} answers revised by experts and their raw "
        f"versions, the revised one has the better score (ties count half); of {discards['n']:,} "
        "rows of Alpaca, one that editors kept scores better than one of the "
        f"{discards['positive']:,} they threw away. 0.5 is chance; 95 % bootstrap intervals. A "
        "scorer that finds a rare defect is near 0.5 here and still right where it fires. Measured "
        f"{found['measured']}, on other data than these rows."
    )
    silent = [name for name in names if _is_near_chance(found["scorers"].get(name))]
    if silent:
        listed = ", ".join(f"`{name}`" for name in silent)
        text += f" Within {_CHANCE} of 0.5 in both, as what they find is rare there: {listed}."
    rows: list[list[str]] = []
    told = {*found["baselines"], *silent}
    for name in (*found["baselines"], *(name for name in names if name not in told)):
        values = found["baselines"].get(name) or found["scorers"].get(name)
        if values is None:
            rows.append([f"`{name}`", "–", "not measured", "not measured"])
        else:
            shown = name if name in found["baselines"] else f"`{name}`"
            rows.append(
                [shown, values["better"], _interval(values["pairs"]), _interval(values["discards"])]
            )
    return Table(text, ["score", "better is", "revised", "kept by editors"], rows if names else [])


def _is_near_chance(values: Mapping[str, Any] | None) -> bool:
    return values is not None and all(
        abs(values[name][0] - 0.5) <= _CHANCE for name in ("pairs", "discards")
    )


def _rules(rules: Sequence[Mapping[str, Any]]) -> Table:
    found = measured()["rules"]
    text = (
        "Rules, on the same rows of Alpaca: how many of the rows that a rule drops by its default "
        "the editors threw away, and the share of rows they kept that it drops. They kept a task "
        "whose answer they rewrote, so rules about answers look worse here than they are. With "
        "another threshold the figures are other ones."
    )
    rows = []
    for rule in rules:
        name = str(rule["rule"])
        values = found.get(name)
        changed = " (other threshold)" if rule.get("value") is not None else ""
        if values is None:
            rows.append([f"`{name}`", "not measured", "–"])
        else:
            hits = f"{values['right']:,} of {values['dropped']:,}{changed}"
            rows.append([f"`{name}`", hits, f"{values['false_positive_rate']:.2%}"])
    return Table(text, ["rule", "right", "kept rows dropped"], rows)


def _judge(notes: Mapping[str, Any]) -> Table:
    names = ", ".join(str(judge["name"]) for judge in notes["judges"])
    text = (
        f"Judged by {names} ({notes['prompt']}): {notes['rated']:,} of {notes['asked']:,} rows "
        f"have a rating, the others none. {notes['canaries']['says']}. Traps are rows made worse "
        "on purpose; caught is how often they were rated below the honest row (ties count half)."
    )
    rows = [
        [str(kind["kind"]), _figure(kind["caught"]), _figure(kind["drop"]), str(kind["abstained"])]
        for kind in notes["canaries"]["kinds"]
    ]
    rows += [
        [f"{judge['name']} with itself", _figure(judge["consistency"]["exact"]), "–", "–"]
        for judge in notes["judges"]
    ]
    return Table(text, ["trap", "caught", "points lost", "without a verdict"], rows)


def _twins(by: str, chosen: Mapping[str, Any], twins: Sequence[Mapping[str, Any]]) -> Table:
    text = (
        "Twins of this selection, drawn at random from the rows that it chose from, for whoever "
        "wants to know what the choice is worth: train on both. Their ids are in `twins/`."
    )
    rows = []
    for line in [{"name": "this version", **chosen}, *twins]:
        tokens, score = line.get("tokens"), line.get("mean_score")
        rows.append(
            [
                str(line["name"]),
                f"{line['rows']:,}",
                "–" if tokens is None else f"{tokens:,}",
                "–" if score is None else f"{score:.3f}",
            ]
        )
    return Table(text, ["set", "rows", "tokens", f"mean {by}"], rows)


def _student(notes: Mapping[str, Any]) -> Table:
    held_out = notes["held_out"]
    origin = ", ".join(str(source["name"]) for source in notes["origin"])
    measure = str(held_out["measure"]).replace("_", " ")
    own = [held_out[name] for name in ("value", "low", "high")]
    length = [held_out[name] for name in ("length", "length_low", "length_high")]
    text = (
        f"The student learned from {origin}: {held_out['rows']:,} rows of {held_out['prompts']:,} "
        f"prompts. Its {measure} on prompts that it had not seen (five-fold cross-fitting), beside "
        "that of plain length."
    )
    return Table(
        text,
        ["score", measure],
        [["`student`", _interval(own)], ["length", _interval(length)]],
    )


def _figure(found: Mapping[str, Any]) -> str:
    """A figure with its interval, or a dash where there was nothing to measure."""
    if not found.get("n") or found.get("value") is None:
        return "–"
    low, high = found.get("low"), found.get("high")
    shown = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{found['value']:.2f}{shown}, n = {found['n']:,}"


def _interval(values: Sequence[float]) -> str:
    value, low, high = values
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
