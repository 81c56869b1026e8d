"""Scores of a row beside the thresholds of the rules that read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.history.snapshot import read_recipe
from flows.versions import SPLIT, Version
from quality.filters import FILTERS
from quality.filters.check import Check
from schemas.errors import InputError
from schemas.frames import ROWS


def score_lines(
    version: Version, row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], *, reached: bool
) -> list[dict[str, Any]]:
    """Return every score of a row with the rules that read it.

    Args:
        version: whose rules they are.
        row: as the version holds it.
        lines: its decisions.
        reached: whether the filters saw it.

    Returns:
        `name`, `value` and `rules`, each with `rule`, `threshold` and `verdict`: what the ledger
        says (`drop`, `would_drop`, `abstain`), else `pass`, or null where no filter saw the row.
        A rule that reads the text itself stands under the name of its column, value null unless it
        took the row. Of a version that does not note its rules only those that took the row.
    """
    names = [name for name in row if name not in ROWS and name != SPLIT]
    told: dict[str, dict[str, Any]] = {
        name: {"name": name, "value": row[name], "rules": []} for name in names
    }
    noted = rules_of(version)
    taken = {str(line["rule"]): {"rule": line["rule"]} for line in lines}
    for entry in noted or [rule for name, rule in taken.items() if name in FILTERS]:
        check = _check(entry)
        line = next((one for one in lines if one["rule"] == entry["rule"]), None)
        rule = {
            "rule": entry["rule"],
            "threshold": _threshold(check, entry, line),
            "verdict": line["action"] if line else "pass" if reached else None,
        }
        read = [name for name in _reads(check, entry) if name in told]
        for name in read or [str(entry.get("column") or "text")]:
            value = line["value"] if line else None
            place = told.setdefault(name, {"name": name, "value": value, "rules": []})
            place["rules"].append(rule)
    return [told[name] for name in sorted(told)]


def rules_of(version: Version) -> list[dict[str, Any]]:
    """Return the filters of a version, as noted or as its recipe lists them; none if neither.

    The default ones of an early version are not known: today's may be others.
    """
    for stage in version.manifest.by_stage:
        notes = stage.get("notes") or {}
        if stage.get("stage") == "filter" and isinstance(notes.get("rules"), list):
            return [dict(rule) for rule in notes["rules"]]
    listed = read_recipe(version.folder).get("filters")
    found = listed if isinstance(listed, list) else []
    return [dict(rule) for rule in found if isinstance(rule, Mapping) and "rule" in rule]


def _check(entry: Mapping[str, Any]) -> Check | None:
    """Build a rule; None where this feingold no longer has it."""
    options = {name: entry[name] for name in ("column", "value") if entry.get(name) is not None}
    try:
        return FILTERS[entry["rule"]](**options)
    except (KeyError, TypeError, InputError):
        return None


def _threshold(
    check: Check | None, entry: Mapping[str, Any], line: Mapping[str, Any] | None
) -> Any:  # noqa: ANN401  whatever a recipe gives as value
    """The threshold that was recorded, else the one that the rule has."""
    if line is not None and line["threshold"] is not None:
        return line["threshold"]
    return check.threshold if check is not None else entry.get("value")


def _reads(check: Check | None, entry: Mapping[str, Any]) -> list[str]:
    column = entry.get("column")
    scorers = list(check.scorers) if check is not None else []
    return scorers or [str(column)] if column or scorers else []
