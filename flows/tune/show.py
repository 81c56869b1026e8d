"""What `feingold tune` found, for people."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flows.tune.show_proposal import show_proposal, show_rate, show_threshold

_WIDTH: Final = 100
_BARS: Final = "▁▂▃▄▅▆▇█"
#: Lines that a summary has for rules, for columns and for thresholds.
_RULES, _COLUMNS, _THRESHOLDS = 9, 10, 6
#: Shown as a share where a column has no more values.
_FLAG_VALUES: Final = 2
_MAIN: Final = "quality"


def show_summary(found: Mapping[str, Any]) -> str:
    """Show all rules and columns, in about forty lines."""
    lines = [*_head(found), *_rules(found), *_columns(found["columns"])]
    main = [column for column in found["columns"] if column["name"] == _MAIN]
    for table in [table for column in main for table in column["tables"]]:
        lines += ["", *_table(table, most=_THRESHOLDS)]
    lines += show_proposal(found["proposal"])
    lines += ["", "--column NAME: a finer table and rows next to the threshold; --json: everything"]
    return "\n".join(lines)


def show_column(found: Mapping[str, Any]) -> str:
    """Show one column: its distribution, all thresholds, and rows next to one of them."""
    (column,) = found["columns"]
    lines = [*_head(found), "", f"{column['name']}: {column['rows']:,} rows with a score, "
             f"{column['abstained']:,} abstained"]  # fmt: skip
    quantiles = "  ".join(
        f"{float(share):.0%} {_number(value)}" for share, value in column["quantiles"].items()
    )
    lines += [f"  at most  {quantiles}", *_histogram(column["histogram"])]
    lines += [
        f"  {_cut(one['source'], 30):<30} {one['rows']:>9,} rows, median {_number(one['median'])}"
        for one in column["by_source"]
    ]
    lines += [f"  {_pairs(one)}" for one in column["pairs"]]
    for table in column["tables"]:
        lines += ["", *_table(table, most=None), *_examples(table["examples"])]
    return "\n".join(lines)


def _head(found: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{', '.join(found['paths'])}: {found['rows']:,} rows reached the filters, which drop "
        f"{found['dropped']:,} of them ({found['share']:.1%})"
        + (f"; {found['aside']:,} others never got there" if found["aside"] else "")
    ]
    for one in found["labels"]:
        bad = "" if one["bad"] is None else f", {one['bad']:,} bad"
        new = one["rows"] - one["joined"]
        scored = f"{new:,} scored just now" if new else "all with stored scores"
        lines.append(f"  {one['kind']} of {one['file']}: {one['rows']:,} rows{bad}; {scored}")
    return lines


def _rules(found: Mapping[str, Any]) -> list[str]:
    taking = [rule for rule in found["rules"] if rule["dropped"]]
    taking.sort(key=lambda rule: -rule["dropped"])
    idle = [rule["rule"] for rule in found["rules"] if not rule["dropped"]]
    has_labels = any(rule["labels"] for rule in found["rules"])
    title = f"{'rule':<22} {'threshold':>9}  {'drops':>8}  {'share':>6}  {'only it':>8}"
    lines = ["", title + (_LABEL_TITLE if has_labels else "")]
    lines += [
        f"{rule['rule']:<22} {show_threshold(rule['threshold']):>9}  {rule['dropped']:>8,}  "
        f"{rule['share']:>6.2%}  {rule['alone']:>8,}{_figures(rule['labels'])}"
        for rule in taking[:_RULES]
    ]
    more = [rule["rule"] for rule in taking[_RULES:]]
    lines += _listed("also drop rows", more) + _listed("drop nothing", idle)
    blind = found["not_stored"]
    if blind:
        title = f"cannot tell from what is stored, {blind[0]['stored_by']} stores what it takes"
        lines += _listed(title, [rule["rule"] for rule in blind])
    return lines


_LABEL_TITLE: Final = "   precision (95 %)    recall  false positives"


def _figures(labels: Mapping[str, Any] | None) -> str:
    if labels is None:
        return ""
    return (
        f"   {show_rate(labels['precision']):<18} {_percent(labels['recall']):>6}  "
        f"{_percent(labels['false_positive_rate']):>15}"
    )


def _percent(rate: Mapping[str, Any]) -> str:
    return "-" if rate["value"] is None else f"{rate['value']:.1%}"


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each column of many values; flags and constant ones share a line."""
    constant = [one for one in columns if len(one["histogram"]) <= 1]
    flags = [one for one in columns if len(one["histogram"]) == _FLAG_VALUES]
    rest = [one for one in columns if len(one["histogram"]) > _FLAG_VALUES]
    rest.sort(key=lambda one: one["name"] != _MAIN)
    title = f"{'score':<22} {'rows':>9}  {'abstained':>9}  {'1 %':>8}  {'50 %':>8}  {'99 %':>8}"
    lines = ["", title] if rest else []
    lines += [
        f"{one['name']:<22} {one['rows']:>9,}  {one['abstained']:>9,}  "
        + "  ".join(f"{_number(one['quantiles'][share]):>8}" for share in ("0.01", "0.5", "0.99"))
        + f"  {_spark(one['histogram'])}"
        for one in rest[:_COLUMNS]
    ]
    lines += _listed("more scores", [one["name"] for one in rest[_COLUMNS:]])
    lines += _listed("flags", map(_flag, flags))
    return lines + _listed("the same in every row", [one["name"] for one in constant])


def _flag(column: Mapping[str, Any]) -> str:
    upper = column["histogram"][-1]
    return f"{column['name']} {_number(upper['high'])} in {upper['rows']:,}"


def _table(table: Mapping[str, Any], *, most: int | None) -> list[str]:
    at = table["thresholds"]
    shown = at if most is None else _spread(at, most)
    where = "of the recipe" if table["is_in_recipe"] else "not in the recipe"
    end = "below" if table["drops"] == "low" else "above"
    title = f" {'threshold':>9}  {'drops':>8}  {'share':>6}  {'beyond the others':>17}"
    title += _LABEL_TITLE if any(one["labels"] for one in shown) else ""
    return [
        f"{table['rule']}, {where}, drops what is {end}" + ("" if at else ": nothing to drop"),
        *([title] if at else []),
        *(
            f"{'*' if one['is_current'] else ' '}{show_threshold(one['threshold']):>9}  "
            f"{one['dropped']:>8,}  {one['share']:>6.2%}  {one['more']:>17,}"
            f"{_figures(one['labels'])}{_sources(one['by_source']) if most is None else ''}"
            for one in shown
        ),
    ]


def _sources(by_source: Mapping[str, int]) -> str:
    parts = [f"{_cut(name, 16)} {count:,}" for name, count in by_source.items() if count]
    return f"   {', '.join(parts[:3])}{' ...' if len(parts) > 3 else ''}" if parts else ""


def _spread(at: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Take a few thresholds from end to end, the present one among them."""
    if len(at) <= most:
        return list(at)
    places = {round(step * (len(at) - 1) / (most - 1)) for step in range(most)}
    return [one for place, one in enumerate(at) if place in places or one["is_current"]]


def _examples(examples: Sequence[Mapping[str, Any]]) -> list[str]:
    lines, last = [], None
    for one in examples:
        if one["threshold"] != last:
            lines.append(f"next to {show_threshold(one['threshold'])}:")
        last = one["threshold"]
        verb = "goes " if one["is_dropped"] else "stays"
        text = json.dumps(one["text"], ensure_ascii=False)
        lines.append(f"  {verb} {_number(one['value']):>8}  {one['id'][:8]}  {text}")
    return lines


def _pairs(one: Mapping[str, Any]) -> str:
    return (
        f"pairs {one['file']}: the better answer is higher in {show_rate(one)} of {one['of']:,}; "
        f"{one['tied']:,} tied, {one['abstained']:,} abstained"
    )


def _histogram(bins: Sequence[Mapping[str, Any]]) -> list[str]:
    top = max((one["rows"] for one in bins), default=0)
    return [
        f"  {_bin(one):>19} {one['rows']:>9,}  {'█' * round(40 * one['rows'] / top) or '▏'}"
        for one in bins
        if one["rows"]
    ]


def _bin(one: Mapping[str, Any]) -> str:
    low, high = _number(one["low"]), _number(one["high"])
    return low if one["low"] == one["high"] else f"{low} to {high}"


def _spark(bins: Sequence[Mapping[str, Any]]) -> str:
    top = max((one["rows"] for one in bins), default=1)
    last = len(_BARS) - 1
    return "".join(_BARS[round(last * one["rows"] / top)] if one["rows"] else " " for one in bins)


def _listed(title: str, names: Iterable[str]) -> list[str]:
    text = ", ".join(names)
    return textwrap.wrap(f"{title}: {text}", _WIDTH, subsequent_indent="  ") if text else []


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
