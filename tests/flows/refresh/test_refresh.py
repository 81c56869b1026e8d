"""Nights that follow a version: what is added, what is carried on, what is paid."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.refresh import planning
from flows.versions import read_data, read_decisions, read_manifest
from tests.support import fake_teacher
from tests.support.cli import call_cli, spawn_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import good_records, read_tree, write_jsonl, write_recipe

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]

RECORDS = good_records(14)


def refresh(base: Path, *more: str) -> dict[str, Any]:
    return call_cli("refresh", "r.yaml", "--json", *more, cwd=base).succeed().answer


def test_only_new_source_rows_are_processed(tmp_path: Path) -> None:
    rows = [*RECORDS[:6], {"instruction": "Short?", "input": "", "output": ""}, "no row"]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl", "license": "MIT"}])
    first = refresh(tmp_path)
    assert (first["mode"], first["version"], first["kept"]) == ("first", "1.0.0", 6)
    before = read_tree(tmp_path / first["path"])

    nothing = call_cli("refresh", "r.yaml", cwd=tmp_path).succeed()
    assert nothing.err.splitlines()[-2].startswith("nothing new since 1.0.0")

    near = {**RECORDS[0], "instruction": f"Please: {RECORDS[0]['instruction']}"}
    write_jsonl(tmp_path / "rows.jsonl", [*RECORDS[6:9], RECORDS[1], near, *rows])
    second = refresh(tmp_path)
    assert (second["mode"], second["version"], second["parent"]) == ("add", "1.1.0", "1.0.0")
    assert second["rows_in"] == 6 + 5
    assert second["kept"] == 9
    assert second["dropped"] == 2
    assert [line["stage"] for line in second["stages"]][:2] == ["carried", "ingest"]
    assert second["stages"][1]["notes"] == {"decided_before": 8}
    folder = tmp_path / second["path"]
    decisions = read_decisions(folder)
    matched = decisions.filter(pl.col("action") == "drop")["matched_id"].to_list()
    assert all(name.startswith("set@1.0.0:") for name in matched)
    old, new = read_data(tmp_path / first["path"]), read_data(folder)
    assert new.join(old, on="id", how="semi").select(old.columns).sort("id").equals(old.sort("id"))
    entered = decisions.filter(pl.col("evidence").str.starts_with("entered in"))
    assert set(entered["evidence"]) == {"entered in set@1.0.0"}
    assert sorted(entered["id"]) == sorted(old["id"])
    story = call_cli("explain", second["path"], old["id"][0], "--json", cwd=tmp_path).succeed()
    assert story.answer["action"] == "keep"
    assert read_tree(tmp_path / first["path"]) == before
    assert call_cli("verify", second["path"], "--json", cwd=tmp_path).code == 0


def with_teacher(base: Path, teacher: FakeTeacher, **fields: Any) -> None:
    price = {"prompt": 1.0, "completion": 2.0}
    options = teacher.options(price_per_million=price)
    write_recipe(base / "r.yaml", teacher=options, **fields)


def test_only_prompts_without_an_answer_are_asked(teacher: FakeTeacher, tmp_path: Path) -> None:
    prompts = [{"prompt": f"Tell me about number {word}."} for word in ("one", "two", "six")]
    write_jsonl(tmp_path / "p.jsonl", [*prompts[:2], {"no": "prompt"}])
    generator = {"kind": "respond", "prompts": "p.jsonl"}
    with_teacher(tmp_path, teacher, generators=[generator])
    assert refresh(tmp_path)["kept"] == 2
    assert refresh(tmp_path)["nothing_new"]
    write_jsonl(tmp_path / "p.jsonl", [prompts[2], *prompts[:2], {"no": "prompt"}])
    answer = refresh(tmp_path)
    assert (answer["version"], answer["kept"], answer["rows_in"]) == ("1.1.0", 3, 3)
    assert answer["requests"] == {"sent": 1, "replayed": 0, "failed": 0}
    assert len(teacher.received) == 3
    # Without a generator a version still names its teacher and its terms.
    manifest = read_manifest(tmp_path / answer["path"])
    assert manifest.teacher is not None
    assert refresh(tmp_path, "--full")["nothing_new"]
    assert len(teacher.received) == 3


def test_a_dry_night_is_not_repeated_and_its_rows_are_not_lost(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = {"kind": "self_instruct", "target": 3, "proposals_per_request": 3}
    limits = {"max_dry_rounds": 1}
    with_teacher(tmp_path, teacher, generators=[generator | limits])
    first = refresh(tmp_path)
    old = read_data(tmp_path / first["path"])["instruction"].to_list()
    with monkeypatch.context() as patch:
        patch.setattr(fake_teacher, "_tasks", lambda rng, count: old[:count])
        dry = refresh(tmp_path)
    assert (dry["nothing_new"], dry["requests"]["sent"] > 0) == (True, True)
    assert dry["stopped_by"] == {"self_instruct": "max_dry_rounds = 1"}
    sent = len(teacher.received)
    good = refresh(tmp_path)
    assert (good["version"], good["kept"]) == ("1.1.0", len(old) + 3)
    # What the dry night paid for is gone through again, from the journal, and is in the books.
    assert good["requests"]["replayed"] >= dry["requests"]["sent"]
    assert good["by_rule"]["rouge_l"] >= dry["by_rule"]["rouge_l"]
    assert len(teacher.received) == len({item.key for item in teacher.received})
    assert len(teacher.received) == sent + good["requests"]["sent"]


def test_a_night_stays_within_its_allowance_and_the_next_goes_on(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = {"kind": "self_instruct", "target": 3, "proposals_per_request": 3}
    with_teacher(tmp_path, teacher, generators=[generator], refresh={"budget": {"requests": 6}})
    base = refresh(tmp_path)
    sent = len(teacher.received)
    tight = ("--set", "refresh.rows=9", "--set", "refresh.budget.requests=5")
    for day in ("2026-12-01", "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"):
        monkeypatch.setattr(planning, "today", lambda day=day: day)
        before = len(teacher.received)
        ran = call_cli("refresh", "r.yaml", "--json", *tight, cwd=tmp_path)
        assert len(teacher.received) - before <= 5
        if ran.code == 0:
            break
        assert ran.code == 3
        assert "refresh.budget" in ran.err
        assert ran.answer["version"] is None
    assert ran.answer["kept"] == base["kept"] + 9
    assert len(teacher.received) == len({item.key for item in teacher.received})
    assert len(teacher.received) - sent > 5


def test_rules_that_changed_are_told_and_a_full_refresh_applies_them(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:6])
    sources = [{"path": "rows.jsonl", "license": "MIT"}]
    write_recipe(tmp_path / "r.yaml", sources=sources)
    refresh(tmp_path)
    longest = max(len(row["output"].split()) for row in RECORDS[:6])
    filters = [{"rule": "min_words", "column": "output", "value": longest}]
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:10])
    write_recipe(tmp_path / "r.yaml", sources=sources, filters=filters)
    ran = call_cli("refresh", "r.yaml", "--json", cwd=tmp_path).succeed()
    assert "differs from that of 1.0.0 in filters" in ran.err
    assert ran.answer["recipe_changed"] == ["filters"]
    assert ran.answer["kept"] >= 6
    full = refresh(tmp_path, "--full")
    assert (full["mode"], full["version"]) == ("full", "2.0.0")
    assert full["kept"] < 6
    assert full["rows_in"] == 10


def test_a_full_dataset_takes_nothing_more(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:4])
    sources = [{"path": "rows.jsonl", "license": "MIT"}]
    write_recipe(tmp_path / "r.yaml", sources=sources, select={"max_rows": 5})
    refresh(tmp_path)
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:8])
    second = refresh(tmp_path)
    assert (second["kept"], second["by_rule"]) == (5, {"over_max_rows": 3})
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:10])
    third = refresh(tmp_path)
    assert third["no_room"] == "select.max_rows = 5 is reached"
    assert third["version"] == "1.1.0"
    assert call_cli("refresh", "r.yaml", cwd=tmp_path).err.splitlines()[0] == (
        "nothing new since 1.1.0"
    )


def test_of_two_at_once_the_second_waits_and_finds_nothing_new(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:4])
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl", "license": "MIT"}])
    refresh(tmp_path)
    write_jsonl(tmp_path / "rows.jsonl", RECORDS[:6])
    pair = [spawn_cli("refresh", "r.yaml", "--json", cwd=tmp_path) for _ in range(2)]
    ends = [process.communicate(timeout=240) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    answers = sorted((json.loads(out) for out, _ in ends), key=lambda item: item["nothing_new"])
    assert [answer["nothing_new"] for answer in answers] == [False, True]
    assert {answer["version"] for answer in answers} == {"1.1.0"}
    assert sum("waiting for another run of set" in err for _, err in ends) == 1
