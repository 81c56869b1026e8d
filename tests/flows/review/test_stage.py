"""The review of a run: what is planted is found, said, and done where that is asked for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import stages
from flows.session import RunSpec, Session
from flows.store import StageOutput, concat_decisions
from quality.scorers import add_scores
from schemas.manifest import StageRef
from schemas.recipe import Recipe
from tests.support.pools import broken, healthy, one_word, refusing

Open = Callable[..., Session]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    sessions: list[Session] = []

    def open_session(**review: Any) -> Session:
        # No model is loaded: prompts are compared by their words.
        made = {"name": "set", "review": review, "dedup": None}
        text = Recipe.model_validate(made).model_dump_json()
        sessions.append(Session(RunSpec("set", str(tmp_path), "", str(tmp_path), text, "")))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


def planted() -> pl.DataFrame:
    """A flat source and a healthy one of its size, others that are bad, one that is small."""
    return pl.concat(
        [
            one_word("flat", 80),
            healthy("healthy", 80),
            refusing("refusing", 60),
            broken("broken", 60),
            one_word("small", 8),
        ]
    )


def store(session: Session, rows: pl.DataFrame, stage: str = "signals") -> StageRef:
    scored = add_scores(rows)
    return session.store.run(
        stage,
        config={"rows": rows["id"].to_list()},
        inputs=[],
        compute=lambda: StageOutput(scored, scored.clear(), concat_decisions([]), scored.height),
    )


def review(session: Session, rows: pl.DataFrame) -> StageRef:
    before = store(session, rows)
    return stages.review(session, before, before)


def proposals(session: Session, ref: StageRef) -> dict[str, str]:
    lines = session.store.manifest(ref).notes["review"]["sources"]
    return {line["name"]: line["proposal"] for line in lines}


FOUND = {
    "flat": "drop",
    "healthy": "keep",
    "refusing": "drop",
    "broken": "drop",
    "small": "abstain",
}


def test_planted_sources_are_found_and_nothing_goes_unasked(opened: Open) -> None:
    session = opened()
    ref = review(session, planted())
    assert proposals(session, ref) == FOUND
    assert session.store.rows(ref).height == planted().height
    assert session.store.dropped(ref).is_empty()
    note = session.store.manifest(ref).notes["review"]
    assert note["applied"] is False
    assert note["alarm"].startswith("proposed: drop broken (")
    assert note["alarm"].endswith("; --set review.apply=true does it")


def test_one_flag_does_what_is_proposed(opened: Open) -> None:
    session = opened(apply=True)
    ref = review(session, planted())
    assert proposals(session, ref) == FOUND
    kept = dict(session.store.rows(ref)["source"].value_counts().iter_rows())
    assert kept == {"healthy": 80, "small": 8}
    lines = session.store.decisions(ref)
    assert set(lines["rule"]) == {"source_dropped"}
    assert "alarm" not in session.store.manifest(ref).notes["review"]


def test_the_order_of_rows_changes_nothing(opened: Open) -> None:
    session = opened(apply=True)
    one = session.store.manifest(review(session, planted())).notes
    shuffled = planted().sample(fraction=1, shuffle=True, seed=1)
    ref = review(session, shuffled)
    assert session.store.manifest(ref).notes == one


def test_what_was_dropped_before_is_counted(opened: Open) -> None:
    session = opened()
    before = store(session, planted())
    after = store(session, planted().filter(pl.col("row") % 2 == 0), "dedup")
    ref = stages.review(session, before, after)
    lines = session.store.manifest(ref).notes["review"]["sources"]
    counts = {line["name"]: (line["rows_before"], line["rows"], line["kept"]) for line in lines}
    assert counts["healthy"] == (80, 40, 40)


def test_a_source_that_deduplication_emptied_is_told_from_one_that_was_small(opened: Open) -> None:
    session = opened(apply=True)
    before = store(session, planted())
    few = pl.int_range(pl.len()).over("source") < 5
    left = planted().filter((pl.col("source") == "healthy") | few)
    ref = stages.review(session, before, store(session, left, "dedup"))
    lines = {line["name"]: line for line in session.store.manifest(ref).notes["review"]["sources"]}
    flat, small = lines["flat"], lines["small"]
    assert (flat["rows_before"], flat["rows"], flat["measured"], flat["kept"]) == (80, 5, 80, 0)
    assert flat["proposal"] == "drop"
    assert flat["evidence"].startswith("deduplication took 75 of its 80 rows, of which 100%")
    assert (small["proposal"], small["measured"]) == ("abstain", 5)
    assert lines["healthy"]["measured"] == 80


def test_it_may_look_at_another_column(opened: Open) -> None:
    session = opened(per="arm")
    rows = planted().filter(pl.col("source").is_in(["flat", "healthy"]))
    rows = rows.with_columns(arm=pl.when(source="flat").then(pl.lit("labels")))
    assert proposals(session, review(session, rows)) == {"labels": "drop", "none": "keep"}


def test_no_rows_no_sources(opened: Open) -> None:
    session = opened()
    ref = review(session, planted().clear())
    assert proposals(session, ref) == {}
