"""What judges found, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from quality.intervals import Interval


def show_rating(found: Mapping[str, Any]) -> str:
    """Say how rows were rated, and what that is worth.

    Args:
        found: from `describe_rating`.
    """
    lines = [
        f"  rated    {found['rated']:,} of {found['asked']:,} rows, {found['abstained']:,} without "
        f"a verdict; mean {interval(found['mean'])}",
        *(f"           {name} {interval(at)}" for name, at in found["by_dimension"].items()),
        f"  length   Spearman of rating and length {interval(found['length']['spearman'])}",
        *(
            f"           {group['name']}: {interval(group['raw'])}, at equal length "
            f"{interval(group['controlled'])}, {group['raw']['n']:,} rows"
            for group in found["length"]["groups"]
        ),
    ]
    return "\n".join([*lines, *_show_trust(found)])


def show_comparison(found: Mapping[str, Any]) -> str:
    """Say which answers won, and what that is worth.

    Args:
        found: from `describe_comparison`.
    """
    lines = [
        f"  pairs    {found['pairs']:,}: a won {found['a']:,}, b won {found['b']:,}, ties "
        f"{found['ties']:,}, without a verdict {found['abstained']:,}",
        f"           a's share {interval(found['win_rate'])}, at equal length "
        f"{interval(found['length_controlled_win_rate'])}; the longer one's "
        f"{interval(found['longer_wins'])}",
    ]
    lines += [
        f"           {judge['name']}: for the first shown {interval(judge['first_position'])} of "
        f"verdicts, the same in both orders {interval(judge['same_in_both_orders'])}"
        for judge in found["judges"]
    ]
    return "\n".join([*lines, *_show_trust(found)])


def interval(figure: Mapping[str, Any] | Interval) -> str:
    """Return `0.50 [0.40, 0.60]`, or `-` where nothing was measured."""
    found = figure._asdict() if isinstance(figure, Interval) else figure
    if found["value"] is None:
        return "-"
    value, low, high = (
        None if found[name] is None else round(found[name], 2) + 0.0  # no -0.00
        for name in ("value", "low", "high")
    )
    return f"{value:.2f}" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _show_trust(found: Mapping[str, Any]) -> list[str]:
    """How far the judges can be trusted, and what they cost."""
    spent = found["spent"]
    money = "price unknown" if spent["usd"] is None else f"US$ {spent['usd']:.4f}"
    lines = []
    for judge in found["judges"]:
        again = judge["consistency"]
        lines.append(
            f"  judge    {judge['name']}: asked again says the same "
            f"{interval(again['exact'])}, kappa {interval(again['kappa'])}; "
            f"{_reasons(judge)}"
        )
        own = judge.get("self_preference")
        if own:
            lines.append(f"           {own['own_rows']:,} of the rows are its own: {own['note']}")
    lines += [
        f"           {' and '.join(two['judges'])} agree {interval(two['exact'])}, kappa "
        f"{interval(two['kappa'])}"
        for two in found["between_judges"]
    ]
    return [
        *lines,
        f"  traps    {found['canaries']['says']}",
        *_show_kinds(found["canaries"]["kinds"]),
        f"  cost     {spent['requests']:,} verdicts, {spent['prompt_tokens']:,} + "
        f"{spent['completion_tokens']:,} tokens, {money}",
    ]


def _show_kinds(kinds: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"           {kind['kind']}: caught {interval(kind['caught'])} of {kind['caught']['n']}, "
        f"drop {interval(kind['drop'])}, gained {kind['gained']:.2f}"
        for kind in kinds[:-1]
        if kind["caught"]["n"]
    ]


def _reasons(judge: Mapping[str, Any]) -> str:
    why = ", ".join(f"{name} {count:,}" for name, count in judge["abstentions"].items())
    number = sum(judge["abstentions"].values())
    of = f"{number:,} of {judge['verdicts']:,}"
    return f"abstained on {of} ({why})" if why else f"abstained on {of}"
