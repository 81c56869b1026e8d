"""Two weeks of nights: a clock that moves, a source that grows, a teacher that is paid."""

import json
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.journal import Journal
from flows.refresh import planning
from flows.versions import list_versions, read_data, read_decisions, read_manifest
from tests.support.cli import call_cli, spawn_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import good_records, write_jsonl, write_recipe

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

FIRST, NIGHTLY = 6, 3
#: Source rows that each day brings.
GROWTH = (5, 2, 0, 3, 0, 1, 4, 0, 2, 2, 0, 1, 3, 0, 2)
QUIET, GATED, KILLED, FULL = {2, 7}, 5, 9, {7}


@dataclass
class Home:
    base: Path
    teacher: FakeTeacher
    monkeypatch: pytest.MonkeyPatch
    records: list[dict[str, str]] = field(default_factory=lambda: good_records(40, seed=5))
    rows: int = 0

    def dawn(self, day: int) -> None:
        """Move the clock and let the source grow."""
        self.monkeypatch.setattr(planning, "today", lambda: f"2026-12-{day + 1:02}")
        self.rows += GROWTH[day]
        write_jsonl(self.base / "rows.jsonl", self.records[: self.rows])

    def refresh(self, *words: str, code: int = 0) -> dict[str, Any]:
        ran = call_cli("refresh", "r.yaml", "--json", *words, cwd=self.base)
        assert ran.code == code, ran.err
        return ran.answer

    def killed(self) -> int:
        """Start a night as a process and kill it after two requests; return how many it sent."""
        before = len(self.teacher.received)
        with spawn_cli("refresh", "r.yaml", "--json", cwd=self.base) as process:
            deadline = time.monotonic() + 120
            while len(self.teacher.received) < before + 2 and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        return len(self.teacher.received) - before


def test_a_fortnight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTeacher(latency_seconds=0.01) as teacher:
        price = {"prompt": 1.0, "completion": 2.0}
        write_recipe(
            tmp_path / "r.yaml",
            teacher=teacher.options(price_per_million=price, max_in_flight=2),
            sources=[{"path": "rows.jsonl", "license": "MIT"}],
            generators=[{"kind": "self_instruct", "target": FIRST, "proposals_per_request": 3}],
            refresh={"rows": NIGHTLY, "budget": {"usd": 1.0}},
        )
        home = Home(tmp_path, teacher, monkeypatch)
        made, lost = go_through(home)
    folder = tmp_path / "published" / "set"
    versions = list_versions(folder)
    assert [str(version) for version in versions] == [f"1.{n}.0" for n in range(len(versions))]
    # Fifteen days; two quiet, one stopped by the gate, one killed.
    assert len(versions) == len(GROWTH) - len(QUIET) - 2
    assert_chain(folder, made)
    asked = Counter(item.key for item in teacher.received)
    assert sum(asked.values()) - len(asked) <= lost
    spent = sum(read_manifest(folder / str(version)).cost_usd for version in versions)
    with Journal(tmp_path / ".feingold") as journal:
        paid = sum(entry.usd for entry in journal.spent_by("set"))
    # What a night paid that was killed, or that the gate stopped, is in no version.
    assert spent < paid < spent * 2
    assert call_cli("verify", folder / str(versions[-1]), "--json", cwd=tmp_path).code == 0


def go_through(home: Home) -> tuple[dict[str, int], int]:
    """Live through all days; return the rows that each version added and the requests killed."""
    made: dict[str, int] = {}
    expected = lost = missed = 0
    for day, grown in enumerate(GROWTH):
        home.dawn(day)
        if day in QUIET:
            answer = home.refresh("--set", "refresh.rows=0")
            assert (answer["nothing_new"], answer["requests"]["sent"]) == (True, 0)
            assert answer["version"] == list(made)[-1]
        elif day == GATED:
            answer = home.refresh("--set", "gate.min_rows=1000", code=1)
            assert answer["version"] is None
            missed += grown
        elif day == KILLED:
            lost = home.killed()
            missed += grown
        else:
            answer = home.refresh()
            assert answer["mode"] == ("add" if day else "first")
            assert answer["rows_in"] == sum(
                answer[name] for name in ("kept", "dropped", "quarantined")
            )
            new = grown + missed + (NIGHTLY if day else FIRST)
            assert answer["kept"] == expected + new
            assert answer["requests"]["sent"] or day - 1 == GATED
            made[answer["version"]] = new
            expected += new
            missed = 0
        if day in FULL:
            answer = home.refresh("--full")
            assert (answer["mode"], answer["nothing_new"]) == ("full", True)
            assert answer["requests"]["sent"] == 0
    return made, lost


def assert_chain(folder: Path, made: dict[str, int]) -> None:
    """Every version holds the one before, unchanged, and what its night added."""
    before = None
    for version, new in made.items():
        rows = read_data(folder / version).sort("id")
        manifest = read_manifest(folder / version)
        if before is not None:
            assert manifest.parent_version == before[0]
            old = rows.join(before[1], on="id", how="semi").select(before[1].columns)
            assert old.equals(before[1])
            assert rows.height - old.height == new
        assert manifest.kept == rows.height
        keeps = read_decisions(folder / version).filter(action="keep")
        assert sorted(keeps["id"]) == rows["id"].to_list()
        before = (version, rows)
    first, *_, last = made
    ran = call_cli("diff", folder / first, folder / last, "--json", cwd=folder).succeed()
    assert len(ran.answer["added"]) == sum(list(made.values())[1:])
    assert ran.answer["removed"] == []
    assert json.dumps(ran.answer["recipe"]) == "[]"
