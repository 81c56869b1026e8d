"""Rows under different markers are never duplicates, however alike they are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import stages
from flows.session import RunSpec, Session
from flows.sources import read_sources
from flows.store import StageOutput
from schemas.manifest import StageRef
from schemas.recipe import Recipe
from tests.support.recipes import write_jsonl

# The two answers share most of their words, and the first one is asked for twice.
LONG = "Name three rivers of Europe that flow into the North Sea and say where each begins"
PAIRS = [
    {"prompt": f"{LONG}.", "chosen": "The Rhine, the Elbe, the Weser.", "rejected": "The Rhine."},
    {"prompt": f"{LONG}!", "chosen": "Rhine and Elbe.", "rejected": "No idea at all."},
]
PLAIN = {"prompt": f"{LONG}.", "completion": "The Rhine, the Elbe, the Weser."}


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[list[Session]]:
    opened: list[Session] = []
    yield opened
    for session in opened:
        session.close()


def dedup(
    base: Path, sessions: list[Session], source: Mapping[str, Any]
) -> tuple[Session, StageRef]:
    write_jsonl(base / "pairs.jsonl", [*PAIRS, PLAIN])
    made = {"name": "set", "sources": [{"path": "pairs.jsonl", **source}]}
    made["dedup"] = {"semantic": None}
    text = Recipe.model_validate(made).model_dump_json()
    session = Session(RunSpec("set", str(base), "", str(base), text, ""))
    sessions.append(session)
    rows = read_sources(session).compute().rows
    before = session.store.run(
        "signals",
        config={"rows": rows["id"].to_list()},
        inputs=[],
        compute=lambda: StageOutput(
            rows.with_columns(quality=pl.lit(0.5)), rows.clear(), _no_lines(session), rows.height
        ),
    )
    return session, stages.dedup(session, before)


def _no_lines(session: Session) -> pl.DataFrame:
    return stages.concat_decisions([])


@pytest.mark.parametrize("place", ["system", "start", "end"])
def test_the_two_rows_of_a_pair_both_stay(
    tmp_path: Path, sessions: list[Session], place: str
) -> None:
    source = {"preferences": "marked", "markers": {"place": place}}
    session, ref = dedup(tmp_path, sessions, source)
    rows = session.store.rows(ref)
    # Of the second pair both rows repeat those of the first, each under its own marker.
    assert sorted(rows["arm"].fill_null("plain")) == ["bad", "good", "plain"]
    lines = session.store.decisions(ref).join(session.store.dropped(ref), on="id")
    sides = dict(lines.select("id", "arm").rows())
    arms = dict(rows.select("id", "arm").rows())
    assert len(sides) == 2
    for line in lines.iter_rows(named=True):
        assert arms[line["matched_id"]] == sides[line["id"]]
    notes = session.store.manifest(ref).notes
    assert {"lexical", "lexical, good marker", "lexical, bad marker"} <= set(notes)
    assert not list((tmp_path / "dedup").glob("*"))


def test_pairs_are_deduplicated_as_ever(tmp_path: Path, sessions: list[Session]) -> None:
    session, ref = dedup(tmp_path, sessions, {})
    assert session.store.rows(ref).height == 1
