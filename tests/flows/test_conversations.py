"""Saved chats from file to rows: nothing is lost, and no order of rows matters."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import rounds
from flows.store import StageOutput
from quality.conversations.rounds import Piece
from schemas.errors import BooksError, InputError
from schemas.frames import ROWS
from tests.flows.test_sources import read
from tests.support.recipes import write_jsonl

SMALL = {"max_tokens": 40, "per_message": 6}


@pytest.fixture(autouse=True)
def words_are_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count words in place of loading a tokenizer."""

    class Encoding(list[str]):
        pass

    class Words:
        def encode_batch_fast(
            self, texts: Sequence[str], *, add_special_tokens: bool
        ) -> list[Encoding]:
            assert not add_special_tokens
            return [Encoding(text.split()) for text in texts]

        def to_str(self) -> str:
            return "words"

    monkeypatch.setattr("flows.turn_sizes._tokenizer", lambda name: Words())


def chat(*contents: str, **more: Any) -> dict[str, Any]:
    who = ("human", "gpt")
    turns = [{"from": who[n % 2], "value": text} for n, text in enumerate(contents)]
    return {"conversations": turns, **more}


def words(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{n}" for n in range(count))


def source(path: str = "a.jsonl", **options: Any) -> dict[str, Any]:
    unique = options.pop("unique", None)
    return {"path": path, "license": "CC0-1.0", "unique": unique, "conversations": options}


def books(found: StageOutput) -> None:
    """What every stage owes: the sum, one final line for each row that went, unique ids."""
    assert found.rows.height + found.dropped.height == found.rows_in
    ids = [*found.rows["id"], *found.dropped["id"]]
    assert len(set(ids)) == len(ids)
    assert sorted(found.decisions["id"]) == sorted(found.dropped["id"])
    assert found.rows.columns == found.dropped.columns == list(ROWS)


def by_rule(found: StageOutput) -> dict[str, int]:
    return dict(found.decisions["rule"].value_counts().iter_rows())


def test_rows_without_the_option_stay_as_they_came(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [chat("1 / 1Hi", "Used WebPilot", "ChatGPT?", "<p>So.</p>")])
    found = read(tmp_path, {"path": "a.jsonl"})
    (row,) = found.rows.to_dicts()
    contents = [turn["content"] for turn in row["messages"]]
    assert contents == ["1 / 1Hi", "Used WebPilot", "ChatGPT?", "<p>So.</p>"]
    assert (row["about"], found.notes) == (None, {})


def test_a_cleaned_row_says_what_was_changed_and_keeps_the_record(tmp_path: Path) -> None:
    record = chat("Why?", "1 / 1So.\nRegenerate response", "Thanks.", id="x")
    write_jsonl(tmp_path / "a.jsonl", [record, chat("Why not?", "So.")])
    found = read(tmp_path, source())
    first, second = found.rows.sort("row").to_dicts()
    assert [turn["content"] for turn in first["messages"]] == ["Why?", "So."]
    assert (first["instruction"], first["output"], first["system"]) == ("Why?", "So.", "")
    assert json.loads(first["about"]) == {
        "cleaned": {"counters": 1, "labels": 1, "trimmed_after": 1}
    }
    assert json.loads(first["raw"]) == record
    assert second["about"] is None
    assert found.notes["cleaned"] == {"counters": 1, "labels": 1, "trimmed_after": 1}
    books(found)


def test_faults_are_dropped_whole_with_their_reason(tmp_path: Path) -> None:
    records = [
        chat("Why?"),
        chat("Who?", "I.", "You?", "I am ChatGPT."),
        chat("Why?", "So.", "", "So."),
        chat("Fine?", "Yes."),
        {"conversations": [{"from": "tool", "value": "x"}]},
    ]
    write_jsonl(tmp_path / "a.jsonl", records)
    found = read(tmp_path, source())
    assert by_rule(found) == {
        "blocked_phrase": 1,
        "broken_alternation": 1,
        "missing_output": 1,
        "unknown_role": 1,
    }
    assert found.rows["instruction"].to_list() == ["Fine?"]
    gone = found.dropped.join(found.decisions.filter(rule="blocked_phrase"), on="id", how="semi")
    assert json.loads(gone["raw"][0]) == records[1]
    assert [turn["content"] for turn in gone["messages"][0]] == [
        "Who?",
        "I.",
        "You?",
        "I am ChatGPT.",
    ]
    books(found)


LONGER = chat("Why?", "So.", "And?", "So, too.")


def test_of_those_that_begin_the_same_the_longest_stays(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [chat("WHY?", "so."), LONGER, LONGER, chat("Why?", "No.")])
    found = read(tmp_path, source(unique="first_exchange"))
    kept = found.rows["messages"].list.len().to_list()
    assert sorted(kept) == [2, 4]
    survivor = found.rows.filter(pl.col("messages").list.len() == 4)["id"][0]
    lines = found.decisions.select("rule", "matched_id", "similarity").rows()
    assert lines == [("same_first_exchange", survivor, 1.0)] * 2
    books(found)


def test_sources_are_compared_with_themselves_only(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_jsonl(tmp_path / f"{name}.jsonl", [chat("Why?", "So.", name, "So.")])
    unique = {"unique": "first_exchange"}
    apart = read(tmp_path, source("a.jsonl", **unique), source("b.jsonl", **unique))
    assert by_rule(apart) == {}
    together = read(tmp_path, source("[ab].jsonl", **unique), source("c.jsonl"))
    assert by_rule(together) == {"same_first_exchange": 1}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(["a b", "A  b", "c d", "e f g"]), max_size=8),
    st.randoms(use_true_random=False),
)
def test_no_order_of_rows_matters(tmp_path: Path, answers: list[str], rng: random.Random) -> None:
    records = [
        chat("Why?", answer, words(9, answer[0]), words(30 - 5 * n))
        for n, answer in enumerate(answers)
    ]
    options = source(unique="first_exchange", rounds=SMALL)
    write_jsonl(tmp_path / "a.jsonl", records)
    one = read(tmp_path, options)
    rng.shuffle(records)
    write_jsonl(tmp_path / "a.jsonl", records)
    two = read(tmp_path, options)
    assert sorted(one.rows["id"]) == sorted(two.rows["id"])
    assert (
        one.decisions.drop("id")
        .sort("evidence", "value")
        .equals(two.decisions.drop("id").sort("evidence", "value"))
    )
    books(one)


def test_pieces_carry_what_is_needed_to_put_them_together(tmp_path: Path) -> None:
    record = chat(*[words(8, f"t{n}x") for n in range(6)], words(60), "So.", "Bye?", "Bye.")
    record |= {"id": 7, "system": "Be kind."}
    write_jsonl(tmp_path / "a.jsonl", [record])
    found = read(tmp_path, source(rounds=SMALL))
    assert by_rule(found) == {"round_too_long": 1}
    parts = pl.concat([found.rows, found.dropped]).to_dicts()
    about = [json.loads(row["about"])["conversation"] for row in parts]
    order = sorted(range(len(parts)), key=lambda n: about[n]["piece"])
    assert [about[n]["piece"] for n in order] == list(range(1, len(parts) + 1))
    assert {one["pieces"] for one in about} == {len(parts)}
    assert {one["rounds"] for one in about} == {5}
    assert len({one["id"] for one in about}) == 1
    assert {tuple(row["parents"]) for row in parts} == {(about[0]["id"],)}
    rebuilt = [
        turn["content"] for n in order for turn in parts[n]["messages"] if turn["role"] != "system"
    ]
    assert rebuilt == [turn["value"] for turn in record["conversations"]]
    assert {row["system"] for row in parts} == {"Be kind."}
    raw = [json.loads(parts[n]["raw"]) for n in order]
    assert [turn for one in raw for turn in one["conversations"]] == record["conversations"]
    (line,) = found.decisions.to_dicts()
    assert (line["value"], line["threshold"]) == (60 + 1 + 2 + 18, 40)
    assert line["evidence"] == f"round 4 of 5 of {about[0]['id']}"
    assert found.notes["cut"] == {"conversations": 1, "pieces": 5, "too_long": 1}
    books(found)


def test_a_system_turn_in_the_middle_is_repeated_too(tmp_path: Path) -> None:
    record = chat(words(10), words(10), words(10), words(10))
    record["conversations"].insert(2, {"from": "system", "value": "Now be brief."})
    write_jsonl(tmp_path / "a.jsonl", [record])
    found = read(tmp_path, source(rounds={"max_tokens": 45}))
    rows = sorted(found.rows.to_dicts(), key=lambda row: row["about"])
    assert [[turn["role"] for turn in row["messages"]] for row in rows] == [
        ["system", "user", "assistant"]
    ] * 2
    raw = [turn for row in rows for turn in json.loads(row["raw"])["conversations"]]
    assert raw == record["conversations"]
    books(found)


ROUND = st.tuples(st.integers(1, 30), st.integers(1, 30))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.lists(ROUND, min_size=1, max_size=6), st.booleans()), max_size=5),
    st.integers(10, 120),
)
def test_every_round_is_in_one_row_and_none_is_too_long(
    tmp_path: Path, talks: list[tuple[list[tuple[int, int]], bool]], most: int
) -> None:
    records = [
        chat(
            *[
                words(size, f"c{place}r{n}x{m}w")
                for n, pair in enumerate(sizes)
                for m, size in enumerate(pair)
            ],
            **({"system": "Be kind."} if has_system else {}),
        )
        for place, (sizes, has_system) in enumerate(talks)
    ]
    write_jsonl(tmp_path / "a.jsonl", records)
    found = read(tmp_path, source(rounds={"max_tokens": most, "per_message": 6}))
    books(found)
    rows = found.rows.to_dicts()
    for row in rows:
        assert sum(len(turn["content"].split()) + 6 for turn in row["messages"]) <= most
    spoken = [
        turn["content"]
        for row in [*rows, *found.dropped.to_dicts()]
        for turn in row["messages"]
        if turn["role"] != "system"
    ]
    wanted = [turn["value"] for record in records for turn in record["conversations"]]
    assert sorted(spoken) == sorted(wanted)
    assert set(by_rule(found)) <= {"round_too_long"}


def test_equal_pieces_get_numbers_that_are_free(tmp_path: Path) -> None:
    again = chat("Go on.", words(20), "Go on.", words(20))
    write_jsonl(tmp_path / "a.jsonl", [chat("Go on.", words(20)), again, again])
    found = read(tmp_path, source(rounds=SMALL))
    base = min(found.rows["id"], key=len)
    assert sorted(found.rows["id"]) == [base, *(f"{base}-{n}" for n in range(1, 5))]
    assert found.rows.filter(pl.col("parents").is_null())["id"].to_list() == [base]
    books(found)


def test_a_share_is_of_conversations_not_of_pieces(tmp_path: Path) -> None:
    records = [chat(f"Why {n}?", words(20), "And?", words(20)) for n in range(40)]
    write_jsonl(tmp_path / "a.jsonl", records)
    found = read(tmp_path, {**source(rounds=SMALL), "share": 0.5})
    pieces = found.rows["parents"].list.first().value_counts()["count"].to_list()
    assert set(pieces) == {2}
    assert len(pieces) + by_rule(found)["source_share"] == 40
    books(found)


def test_the_better_answer_of_a_pair_stays_with_the_last_piece(tmp_path: Path) -> None:
    turns = chat("Why?", words(20), "And?", words(20))["conversations"]
    roles = {"human": "user", "gpt": "assistant"}
    messages = [{"role": roles[t["from"]], "content": t["value"]} for t in turns]
    record = {
        "prompt": messages[:3],
        "chosen": messages[3:],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    write_jsonl(tmp_path / "a.jsonl", [record])
    found = read(tmp_path, source(rounds=SMALL))
    rows = sorted(found.rows.to_dicts(), key=lambda row: row["about"])
    assert [row["rejected"] for row in rows] == [None, "No."]
    assert [json.loads(row["raw"]) for row in rows] == [record, record]


@pytest.mark.parametrize(
    "pieces",
    [[], [Piece(1, 1)], [Piece(1, 2), Piece(2, 2)]],
    ids=["none", "the last is lost", "one twice"],
)
def test_a_splitter_that_loses_a_round_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[Piece]
) -> None:
    monkeypatch.setattr(rounds, "split_rounds", lambda sizes, most: pieces)
    write_jsonl(tmp_path / "a.jsonl", [chat("Why?", words(40), "And?", words(40))])
    with pytest.raises(BooksError, match="of conversation"):
        read(tmp_path, source(rounds=SMALL))


@pytest.mark.slow  # transformers takes seconds to load
def test_a_tokenizer_that_is_not_there_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    write_jsonl(tmp_path / "a.jsonl", [chat("Why?", "So.")])
    missing = str(tmp_path / "none")
    with pytest.raises(InputError, match="expected a tokenizer"):
        read(tmp_path, source(rounds={**SMALL, "tokenizer": missing}))
