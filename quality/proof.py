"""Proves that the tables of a version agree with each other and with their row ids."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from quality.ids import content_id

_NUMBER: Final = r"-[0-9]+$"
_FINAL: Final = ("keep", "drop", "quarantine")
_PAST_ID: Final = r"^[a-z0-9][a-z0-9-]*@[^:]+:"
#: Ids that a finding names.
_MOST_IDS: Final = 5


class Finding(NamedTuple):
    """Something that is not as it was published.

    Attributes:
        where: file or table.
        what: what was expected and what came, in words.
        ids: some of the rows that it concerns.
        total: how many it concerns.
    """

    where: str
    what: str
    ids: tuple[str, ...] = ()
    total: int = 1


def check_rows(rows: pl.DataFrame, *, where: str) -> Iterator[Finding]:
    """Find rows whose id is not the hash of their messages, or whose texts are not in these.

    Args:
        rows: frame with `id`, `messages`, `system`, `instruction`, `input` and `output`.
        where: named in findings.
    """
    repeated = rows.filter(pl.col("id").is_duplicated())["id"].unique().sort().to_list()
    yield from _about(repeated, where, "ids that occur more than once")
    turns = rows["messages"].to_list()
    nothing = [None] * rows.height
    rejected = rows["rejected"].to_list() if "rejected" in rows.columns else nothing
    told = rows["id"].str.replace(_NUMBER, "").to_list()
    wrong = [
        name
        for name, row_id, messages, lost in zip(
            rows["id"].to_list(), told, turns, rejected, strict=True
        )
        if messages is None or content_id(messages, lost) != row_id
    ]
    yield from _about(wrong, where, "rows whose id is not the hash of their messages: edited")
    yield from _about(
        _wrong_texts(rows), where, "rows whose columns say something else than their messages"
    )


def _wrong_texts(rows: pl.DataFrame) -> list[str]:
    """Return ids of rows whose columns were not made from their messages."""
    turns = pl.col("messages")
    role, content = pl.element().struct.field("role"), pl.element().struct.field("content")
    said = turns.list.eval(content.filter(role == "assistant")).list.join("\n\n")
    system = turns.list.eval(content.filter(role == "system")).list.join("\n\n")
    asked = turns.list.eval(content.filter(role == "user")).list.first().fill_null("")
    told = pl.col("output").fill_null("")
    in_prompt = asked.str.contains(pl.col("instruction").fill_null(""), literal=True) & (
        asked.str.contains(pl.col("input").fill_null(""), literal=True)
    )
    # The prompt is made of both, and nothing else that is longer than what joins them.
    length = pl.col("instruction").str.len_chars() + pl.col("input").str.len_chars()
    is_whole = (asked.str.len_chars() - length).is_between(0, 2)
    is_right = (said == told) & (system == pl.col("system").fill_null("")) & in_prompt & is_whole
    return rows.filter(~is_right.fill_null(value=False))["id"].sort().to_list()


def check_alpaca(alpaca: pl.DataFrame, rows: pl.DataFrame, *, where: str) -> Iterator[Finding]:
    """Find rows of the config alpaca that are not among the rows of the default one."""
    texts = [name for name in ("instruction", "input", "output") if name in alpaca.columns]
    odd = alpaca.join(rows, on=texts, how="anti", nulls_equal=True)
    shown = odd["instruction"].str.slice(0, 40).sort().to_list() if odd.height else []
    yield from _about(shown, where, "rows that the default config has not: edited")


def check_books(
    kept: pl.DataFrame, rejects: pl.DataFrame, decisions: pl.DataFrame
) -> Iterator[Finding]:
    """Find rows without exactly one final decision, and decisions without a row.

    Args:
        kept: frame with `id`.
        rejects: frame with `id`: dropped and quarantined rows.
        decisions: DECISIONS.
    """
    both = sorted(set(kept["id"]) & set(rejects["id"]))
    yield from _about(both, "rejects", "rows that are published, too")
    final = decisions.filter(pl.col("action").is_in(_FINAL))
    taken = pl.col("action") != "keep"
    for rows, lines, name, action in (
        (kept, final.filter(~taken), "data", "keep"),
        (rejects, final.filter(taken), "rejects", "drop or quarantine"),
    ):
        told = rows.join(lines.group_by("id").len(), on="id", how="left")
        odd = told.filter(pl.col("len").fill_null(0) != 1)["id"].sort().to_list()
        yield from _about(odd, name, f"rows without exactly one decision {action!r}")
        lost = lines.join(rows.select("id"), on="id", how="anti")["id"].unique().sort().to_list()
        yield from _about(lost, "decisions", f"decisions {action!r} about rows not in {name}")
    known = pl.concat([kept.select("id"), rejects.select("id")])
    others = decisions.filter(~pl.col("action").is_in(_FINAL)).join(known, on="id", how="anti")
    yield from _about(
        others["id"].unique().sort().to_list(), "decisions", "other decisions about no row"
    )
    matched = decisions.filter(
        (pl.col("stage") == "dedup") & ~pl.col("matched_id").str.contains(_PAST_ID)
    )
    unknown = matched.join(known, left_on="matched_id", right_on="id", how="anti")["matched_id"]
    yield from _about(
        unknown.unique().sort().to_list(), "decisions", "duplicates of rows that are not here"
    )


def check_counts(told: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Find figures of the manifest that the tables contradict.

    Args:
        told: figure to what the manifest says.
        found: figure to what the tables say; figures of which they say nothing are left out.
    """
    for name, value in found.items():
        if told.get(name) != value:
            yield Finding(
                "manifest.json", f"expected {name} {told.get(name)!r} as it says, got {value!r}"
            )


def _about(ids: Iterable[str], where: str, what: str) -> Iterator[Finding]:
    found = list(ids)
    if found:
        yield Finding(where, f"{len(found):,} {what}", tuple(found[:_MOST_IDS]), len(found))
