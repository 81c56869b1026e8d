"""A run that moves its budget between arms: planned from its stages, so repeated for nothing."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.cli import call_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import write_recipe

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]


def write(base: Path, teacher: FakeTeacher, **fields: Any) -> None:
    generator = {"kind": "self_instruct", "target": 30, "proposals_per_request": 2}
    write_recipe(
        base / "r.yaml",
        teacher=teacher.options(price_per_million={"prompt": 1.0, "completion": 2.0}),
        generators=[generator],
        **fields,
    )


def call(base: Path, verb: str = "run", *more: str) -> dict[str, Any]:
    return call_cli(verb, "r.yaml", "--json", *more, cwd=base).succeed().answer


def plan_of(answer: dict[str, Any]) -> list[Any]:
    notes = [stage["notes"] for stage in answer["stages"] if stage["stage"] == "generate"]
    plan: list[Any] = notes[0]["requests_by_round"]
    return plan


def test_an_adapted_run_is_repeated_from_its_journal(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, spending={"adapt": True})
    first = call(tmp_path)
    sent = len(teacher.received)
    plan = plan_of(first)
    assert all(isinstance(pair, list) for round_ in plan for pair in round_)
    even = [number for _, number in plan[0]]
    assert max(even) - min(even) <= 1
    account = first["per_accepted"]
    arms = account["by_arm"]["self_instruct"]
    assert account["rows"] == first["kept"] == sum(arm["rows"] for arm in arms.values()) == 30
    assert account["requests"] == pytest.approx(sent / 30, abs=0.001)
    assert account["usd"] == pytest.approx(first["cost_usd"] / 30, rel=1e-3)
    version = tmp_path / first["path"]
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")
    assert rows["arm"].null_count() == 0
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["notes"]["per_accepted"]["by_arm"] == account["by_arm"]
    card = (version / "README.md").read_text()
    assert "requests and" in card
    assert "| generator | arm | rows |" in card
    again = call(tmp_path, "run", "--home", "other", "--out", "else", "--set", "seed=0")
    assert plan_of(again) == plan
    assert again["content_sha256"] == first["content_sha256"]
    offline = call(tmp_path, "run", "--offline")
    assert (offline["requests"]["sent"], offline["is_new"]) == (0, False)
    assert offline["per_accepted"]["tokens"] == account["tokens"]


def test_a_refresh_goes_on_with_arms(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, spending={"adapt": True}, refresh={"rows": 10})
    first = call(tmp_path, "refresh")
    second = call(tmp_path, "refresh")
    assert second["kept"] == first["kept"] + 10
    assert all(isinstance(pair, list) for round_ in plan_of(second) for pair in round_)


def test_no_news_for_the_money_stops_a_generator(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, spending={"min_novelty_per_usd": 1e9, "patience": 1})
    found = call(tmp_path, "run", "--set", "generators.0.target=3000", "--set", "seed=1")
    assert found["stopped_by"]["self_instruct"].startswith("min_novelty_per_usd = 1e+09: the last")
