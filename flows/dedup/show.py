"""Tables of thresholds and of a calibration, for people."""

from collections.abc import Mapping
from typing import Any


def show_thresholds(found: Mapping[str, Any]) -> str:
    """Say what each threshold would drop, and show the pairs that it only just drops."""
    lines = [
        f"{found['rows_in']:,} rows read, {found['quarantined']:,} unreadable, "
        f"{found['seconds']:.0f} s; nothing was dropped",
        "",
        "threshold  would drop   share       kept  duplicates  choices  largest group",
    ]
    lines += [
        f"{at['threshold']:>9g}  {at['dropped']:>10,}  {at['share']:>6.1%}  {at['kept']:>9,}  "
        f"{at['duplicates']:>10,}  {at['choices']:>7,}  {at['largest_group_share']:>13.2%}"
        for at in found["thresholds"]
    ]
    lines += ["", "a choice: a prompt as alike, but with another answer; the better row would stay"]
    for at in found["thresholds"]:
        if at["examples"]:
            lines += ["", f"only just dropped at {at['threshold']:g}:"]
        for example in at["examples"]:
            lines += [
                f"  {example['similarity']:.2f}  goes   {example['text']}  [{example['id']}]",
                f"        stays  {example['matched_text'] or 'a published row'}  "
                f"[{example['matched_id']}]",
                f"        {example['evidence']}",
            ]
    lines += [
        "",
        f"each row with the threshold at which it goes: {found['path']}/thresholds.parquet",
    ]
    return "\n".join(lines)


def show_calibration(found: Mapping[str, Any]) -> str:
    """Say how much of what was planted is found, at each threshold, of each kind."""
    planted = found["planted"]
    lines = [
        f"{found['rows_in']:,} rows read, {found['quarantined']:,} unreadable, "
        f"{found['seconds']:.0f} s; nothing was dropped",
        f"planted beside {found['sampled']:,} of them: {planted['duplicates']:,} duplicates, "
        f"{planted['look_alikes']:,} look-alikes that are none; methods: "
        + ", ".join(found["methods"]),
        "",
        "threshold  recall (95 %)          precision (95 %)       search recall, expected  "
        "your rows that go",
    ]
    lines += [
        f"{'*' if at['threshold'] == found['threshold'] else ' '}{at['threshold']:>8g}  "
        f"{_rate(at['recall']):<21}  {_rate(at['precision']):<21}  "
        f"{_search(at['search_recall']):<23}  {at['own_dropped']:,} ({at['own_share']:.1%})"
        for at in found["thresholds"]
    ]
    lines += [
        "  * the threshold asked for; recall: of all planted duplicates, those caught",
        "  search recall: of planted pairs above the threshold that no guard parts, those found",
        "",
        *_kinds(found, is_duplicate=True),
        "",
        *_kinds(found, is_duplicate=False),
        "",
        "duplicates by Jaccard similarity with their source: caught / planted",
        "  " + "   ".join(_bin(line) for line in found["bins"] if line["planted"]),
        *_examples(found),
        "",
        found["note"],
        f"all figures: {found['path']}/calibration.json",
    ]
    return "\n".join(lines)


def _rate(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "-"
    return f"{rate['value']:.3f} ({rate['low']:.3f}-{rate['high']:.3f})"


def _search(rate: Mapping[str, Any] | None) -> str:
    if rate is None or rate["value"] is None:
        return "-"
    return f"{rate['value']:.4f}, {rate['expected']:.4f}"


def _kinds(found: Mapping[str, Any], *, is_duplicate: bool) -> list[str]:
    verb = "caught" if is_duplicate else "merged by mistake"
    title = "duplicates" if is_duplicate else "look-alikes"
    lines = [f"{title} at {found['threshold']:g}: {verb} / planted (median Jaccard)"]
    lines += [
        f"  {line['kind']:<18} {line['merged']:>5,} / {line['planted']:<5,} "
        f"({line['median_jaccard']:.2f})"
        + (f"  {line['parted']:,} parted by a guard or the instruction" if line["parted"] else "")
        for line in found["kinds"]
        if line["is_duplicate"] == is_duplicate
    ]
    return lines


def _bin(line: Mapping[str, Any]) -> str:
    name = "1" if line["from"] == 1 else f"{line['from']:g}-{line['to']:g}"
    return f"{name}: {line['found']:,}/{line['planted']:,}"


def _examples(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, title in (("missed", "duplicates that were missed"),
                        ("merged", "look-alikes that were merged")):  # fmt: skip
        if found["examples"][name]:
            lines += ["", f"{title}, the most alike:"]
        for line in found["examples"][name]:
            why = f"; {line['why']}" if "why" in line else ""
            lines += [
                f"  {line['jaccard']:.2f}  {line['kind']}{why}",
                f"        source   {line['source']}",
                f"        planted  {line['planted']}",
                f"        {_differences(line['evidence'])}",
            ]
    return lines


def _differences(evidence: str) -> str:
    return evidence.replace("in this row", "in planted").replace("in the kept one", "in source")
