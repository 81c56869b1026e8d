"""The selection of a run: rows of a stage in; kept and dropped rows, decisions, figures out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.select.check import check_select
from flows.select.tokens import count_tokens
from flows.select.twins import describe_twins
from flows.store import StageOutput
from quality.select.categories import CATEGORIES, categorise
from quality.select.mix import describe_mix
from quality.select.nearest import Vectors
from quality.select.ranking import choose_score
from quality.select.rows import Selection, choose_rows
from quality.select.topics import Topics, find_topics
from schemas.errors import InputError
from schemas.manifest import StageRef
from schemas.recipe import SelectOptions

#: Readings of a row from which on another one hardly helps.
MOST_EPOCHS = 4

if TYPE_CHECKING:
    from flows.session import Session


def select_stage(session: "Session", source: StageRef, targets: Mapping[str, int]) -> StageOutput:
    """Select rows of a stage as the recipe says.

    Every row gets the column `category`; `topic` where topics are asked for or quotas go by them;
    `tokens` where there is a budget of tokens or a twin of the same size.

    Args:
        session: the run.
        source: the stage whose rows come in.
        targets: source name to the number of rows wanted from it.

    Raises:
        InputError: if the recipe's wishes contradict each other, or name no score.
    """
    options = session.recipe.select
    check_select(options)
    rows = session.store.rows(source)
    by = choose_score(rows, options.by)
    rows = rows.with_columns(categorise(rows))
    if options.max_tokens is not None or options.unit == "tokens":
        rows = rows.with_columns(count_tokens(rows))
    notes: dict[str, Any] = {"by": by, "method": options.method}
    vectors = None
    if _needs_topics(options) or _needs_vectors(options):
        vectors = _vectors(session, rows, notes)
    topics = None
    if vectors is not None and _needs_topics(options):
        topics = find_topics(rows, vectors, count=options.topics, seed=session.recipe.seed)
        rows = rows.with_columns(topics.names.alias("topic"))
    chosen = choose_rows(rows, options, targets=targets, vectors=vectors)
    if options.twins and chosen.dropped.height and chosen.kept.height:
        chosen = _with_tokens(chosen, notes)
        notes |= describe_twins(chosen.kept, chosen.dropped, by=by, seed=session.recipe.seed)
    notes |= _count(chosen, topics)
    if options.quotas is not None:
        notes["mix"] = _mix(chosen, options)
    return StageOutput(chosen.kept, chosen.dropped, chosen.decisions, rows.height, notes=notes)


def _mix(chosen: Selection, options: SelectOptions) -> dict[str, Any]:
    """Say how far the shares that were asked for hold."""
    lines = describe_mix(chosen.kept, chosen.dropped, options)
    found: dict[str, Any] = {
        "per": options.per,
        "unit": options.unit,
        "when_short": options.when_short,
        "groups": [line._asdict() for line in lines],
    }
    often = [f"{line.name} {line.epochs:g} times" for line in lines if line.epochs > MOST_EPOCHS]
    if often:
        found["alarm"] = (
            f"for these shares a training would read {', '.join(often)}; beyond {MOST_EPOCHS} "
            "times repeated rows teach less and less (arXiv 2305.16264)"
        )
    return found


def _needs_topics(options: SelectOptions) -> bool:
    return options.topics is not None or options.per == "topic"


def _needs_vectors(options: SelectOptions) -> bool:
    """Whether the method compares prompts: farthest-first does nothing without a budget."""
    has_budget = options.max_rows is not None or options.max_tokens is not None
    return options.method == "diverse" or (options.method == "k_center" and has_budget)


def _vectors(session: "Session", rows: pl.DataFrame, notes: dict[str, Any]) -> Vectors:
    # Loading torch takes seconds; a selection by score alone must not pay for it.
    from flows.select.vectors import encode_prompts

    found = encode_prompts(rows, session.encoder, session.home / "models")
    notes["vectors"] = {"encoded": found.encoded, "is_forecast": found.is_forecast}
    return found.vectors


def _with_tokens(chosen: Selection, notes: dict[str, Any]) -> Selection:
    """Count the tokens of all rows, where nobody has yet and the tokenizer is there."""
    if "tokens" in chosen.kept.columns:
        return chosen
    try:
        kept, dropped = (
            part.with_columns(count_tokens(part)) for part in (chosen.kept, chosen.dropped)
        )
    except InputError as error:
        notes["twins_without_tokens"] = str(error)
        return chosen
    return chosen._replace(kept=kept, dropped=dropped)


def _count(chosen: Selection, topics: Topics | None) -> dict[str, Any]:
    """Count the rows before and after, by category and by topic."""
    after = dict(chosen.kept.group_by("category").len().iter_rows())
    cut = dict(chosen.dropped.group_by("category").len().iter_rows())
    categories = [
        {
            "category": name,
            "before": after.get(name, 0) + cut.get(name, 0),
            "after": after.get(name, 0),
        }
        for name in CATEGORIES
        if name in after or name in cut
    ]
    if topics is None:
        return {"categories": categories}
    kept = dict(chosen.kept.group_by("topic").len().iter_rows())
    table = [{**line, "kept": kept.get(line["topic"], 0)} for line in topics.table.to_dicts()]
    return {"categories": categories, "topics": table}
