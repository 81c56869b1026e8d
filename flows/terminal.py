"""The summary of a run for people at a terminal: what the report says, in twenty lines."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flows.generate.accounts import describe as describe_account

#: Lines of a summary, at most.
MAX_LINES: Final = 20

_FEWEST_RULES = 3


def describe(summary: Mapping[str, Any]) -> str:
    """Return the summary for people, in at most MAX_LINES lines.

    Args:
        summary: the JSON object of `run` and `curate`.
    """
    new = "" if summary["is_new"] else " (unchanged: this content was published before)"
    share = f" ({100 * summary['kept'] / summary['rows_in']:.1f} %)" if summary["rows_in"] else ""
    head = [
        f"{summary['dataset']} {summary['version']}{new}",
        f"  where    {summary['path']}",
        f"  rows     {summary['kept']:,} kept of {summary['rows_in']:,}{share}; "
        f"{summary['dropped']:,} dropped, {summary['quarantined']:,} unreadable",
        f"  stages   {_stages(summary['stages'])}",
    ]
    hub = summary.get("hub")
    tail = [
        *_spent(summary),
        f"  time     {summary['seconds']:,.0f} s",
        f'  load     datasets.load_dataset("{summary["path"]}", "default", split="train")',
        f"  look     {summary['path']}/report.html",
        *([f"  hub      {hub['url']} ({hub['tag']})"] if hub else []),
    ]
    notes = _notes(summary)
    room = MAX_LINES - len(head) - len(tail) - _FEWEST_RULES
    if len(notes) > room:
        notes = [*notes[: room - 1], f"           {len(notes) - room + 1:,} more remarks"]
    rules = _rules(summary["by_rule"], MAX_LINES - len(head) - len(tail) - len(notes))
    return "\n".join([*head, *rules, *notes, *tail])


def _stages(stages: Sequence[Mapping[str, Any]]) -> str:
    """How many rows were left after each stage that took some."""
    parts = [
        f"{stage['stage']} {stage['kept']:,}"
        for stage in stages
        if stage["dropped"] or stage["quarantined"] or (stage is stages[0] and stage["kept"])
    ]
    return " > ".join(parts)


def _rules(by_rule: Mapping[str, int], room: int) -> list[str]:
    """The rules that took most rows, as many as there is room for."""
    rules = list(by_rule.items())
    if len(rules) > room:
        others = sum(count for _, count in rules[room - 1 :])
        rules = [*rules[: room - 1], ("by other rules", others)]
    return [f"           {count:>7,}  {rule}" for rule, count in rules]


def _notes(summary: Mapping[str, Any]) -> list[str]:
    """What somebody should know: alarms, what stopped early, which teacher was down."""
    alarms = [
        f"  alarm    {stage['stage']}, {name}: {note['alarm']}"
        for stage in summary["stages"]
        for name, note in (stage.get("notes") or {}).items()
        if isinstance(note, Mapping) and note.get("alarm")
    ]
    stopped = [f"  stopped  {name}: {limit}" for name, limit in summary["stopped_by"].items()]
    down = [f"  down     {model}: {why}" for model, why in summary["down"].items()]
    return [" ".join(line.splitlines()) for line in (*alarms, *stopped, *down)]


def _spent(summary: Mapping[str, Any]) -> list[str]:
    """What teachers were asked, what that cost, and how far the quote was off."""
    requests, tokens = summary["requests"], summary["tokens"]
    lines = []
    if any(requests.values()):
        lines.append(
            f"  teacher  {requests['sent']:,} requests sent, {requests['replayed']:,} replayed, "
            f"{requests['failed']:,} failed; {tokens['prompt']:,} + {tokens['completion']:,} "
            f"tokens; US$ {summary['cost_usd']:.4f}"
        )
    account = summary.get("per_accepted")
    if account is not None:
        lines.append(f"  a row    {describe_account(account)}")
    if len(summary["teachers"]) > 1:
        shares = [
            f"{teacher['model']} {teacher['requests']['sent']:,}" for teacher in summary["teachers"]
        ]
        lines.append(f"  sent to  {', '.join(shares)}")
    if summary["errors"]:
        shown = ", ".join(f"{count:,} {kind}" for kind, count in summary["errors"].items())
        lines.append(f"  faults   {shown}")
    off = summary.get("quote", {}).get("off", {})
    shown = ", ".join(
        f"{name.replace('_', ' ')} {off[name]:.2f}"
        for name in ("requests", "completion_tokens", "cost_usd")
        if off.get(name)
    )
    return [*lines, f"  quote    true / quoted: {shown}"] if shown else lines
