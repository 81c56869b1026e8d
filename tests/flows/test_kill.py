"""`kill -9` at any moment: nothing is paid twice, and the result is that of an undisturbed run."""

import json
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from tests.support.cli import Ran, run_cli, spawn_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import write_recipe

KILLS = 10
IN_FLIGHT = 4
LATENCY_SECONDS = 0.02


@dataclass
class Moments:
    """Chooses after how many further requests, and how much later, the next kill comes."""

    rng: random.Random = field(default_factory=lambda: random.Random(20261122))

    def next(self) -> tuple[int, float]:
        return self.rng.randint(0, 6), self.rng.uniform(0, 2 * LATENCY_SECONDS)


def write(base: Path, teacher: FakeTeacher, *, target: int = 40) -> Path:
    return write_recipe(
        base / "r.yaml",
        teacher=teacher.options(max_in_flight=IN_FLIGHT),
        generators=[{"kind": "self_instruct", "target": target, "proposals_per_request": 5}],
    )


def kill_at(base: Path, teacher: FakeTeacher, moments: Moments) -> bool:
    """Start a run and kill it at a random moment; tell whether it was still running."""
    wanted, later = moments.next()
    before = len(teacher.received)
    with spawn_cli("run", "r.yaml", "--json", cwd=base) as process:
        deadline = time.monotonic() + 120
        while len(teacher.received) <= before + wanted and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(later)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_ten_times_it_ends_as_if_never_disturbed(prefect_api: str, tmp_path: Path) -> None:
    with FakeTeacher(latency_seconds=LATENCY_SECONDS) as teacher:
        # The address is part of the journal's key, so both runs ask the same server.
        for name in ("calm", "rough"):
            (tmp_path / name).mkdir()
            write(tmp_path / name, teacher, target=150)  # more than ten short runs can reach
        calm = run_cli("run", "r.yaml", "--json", cwd=tmp_path / "calm").succeed()
        asked_calmly = [item.key for item in teacher.received]
        assert calm.answer["requests"]["sent"] == len(asked_calmly) == len(set(asked_calmly))
        teacher.received.clear()

        moments, killed = Moments(), 0
        for _ in range(KILLS):
            killed += kill_at(tmp_path / "rough", teacher, moments)
        rough = run_cli("run", "r.yaml", "--json", cwd=tmp_path / "rough").succeed()
        asked = Counter(item.key for item in teacher.received)

    assert killed == KILLS
    # Nothing is asked that would not have been asked calmly, and nothing is left out.
    assert set(asked) == set(asked_calmly)
    # Asked again is at most what was under way, unanswered, when a process died.
    assert sum(asked.values()) - len(asked) <= KILLS * IN_FLIGHT
    assert_same_result(tmp_path, calm, rough)


def assert_same_result(base: Path, calm: Ran, rough: Ran) -> None:
    names = ("content_sha256", "version", "rows_in", "kept", "dropped", "by_rule", "stages")
    assert {name: rough.answer[name] for name in names} == {
        name: calm.answer[name] for name in names
    }
    for part in ("data/default", "data/alpaca", "decisions", "rejects"):
        frames = [
            pl.read_parquet(base / name / "published" / "set" / "1.0.0" / part / "*.parquet")
            for name in ("calm", "rough")
        ]
        same = [frame.drop("raw", strict=False) for frame in frames]
        assert same[0].equals(same[1])
    leftovers = [
        path.name for path in (base / "rough").rglob(".draft-*") if any(path.rglob("manifest.json"))
    ]
    assert leftovers == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rows_are_used_in_the_order_of_their_requests(prefect_api: str, tmp_path: Path) -> None:
    """Replies that come in any order make the same dataset."""
    answers = []
    with FakeTeacher() as teacher:
        for name, in_flight in (("one", 1), ("many", 64)):
            (tmp_path / name).mkdir()
            write(tmp_path / name, teacher)
            rng = random.Random(in_flight)
            if in_flight > 1:
                teacher.choose_fault = lambda _, rng=rng: teacher.sleep(rng.random() / 20)
            words = ["run", "r.yaml", "--json", "--set", f"teacher.max_in_flight={in_flight}"]
            answers.append(run_cli(*words, cwd=tmp_path / name).succeed().answer)
    assert answers[0]["content_sha256"] == answers[1]["content_sha256"]
    assert answers[0]["by_rule"] == answers[1]["by_rule"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_budget_met_again_and_again_comes_to_the_same_end(
    prefect_api: str, tmp_path: Path
) -> None:
    """Each raise lets seven requests more go; none of them is ever sent twice."""
    from tests.support.cli import call_cli

    with FakeTeacher() as teacher:
        (tmp_path / "calm").mkdir()
        write(tmp_path / "calm", teacher)
        calm = call_cli("run", "r.yaml", "--json", cwd=tmp_path / "calm").succeed().answer
        teacher.received.clear()
        (tmp_path / "poor").mkdir()
        write(tmp_path / "poor", teacher)
        codes: list[int] = []
        while True:
            limit = 7 * (len(codes) + 1)
            words = ["run", "r.yaml", "--json", "--set", f"budget.requests={limit}"]
            ran = call_cli(*words, cwd=tmp_path / "poor")
            codes.append(ran.code)
            if ran.code != 3:
                break
            assert json.loads(ran.out)["requests"]["sent"] == 7
    assert ran.answer["content_sha256"] == calm["content_sha256"]
    keys = Counter(item.key for item in teacher.received)
    assert set(keys.values()) == {1}
    assert codes == [3] * ((len(keys) - 1) // 7) + [0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_while_stages_and_versions_are_written(prefect_api: str, tmp_path: Path) -> None:
    """Without a teacher a run is only reading, computing and writing: kill it anywhere there."""
    from tests.support.recipes import good_records, write_jsonl

    write_jsonl(tmp_path / "rows.jsonl", good_records(300))
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl"}])
    words = ["run", "r.yaml", "--json"]
    calm = run_cli(*words, "--home", "calm", "--out", "calm-out", cwd=tmp_path).succeed().answer
    rng = random.Random(7)
    marks = ["", "ingest", "signals", "dedup", "filter", "select", ".draft"]
    for number in range(8):
        with spawn_cli(*words, "--home", f"h{number}", cwd=tmp_path) as process:
            mark = marks[number % len(marks)]
            home, out = tmp_path / f"h{number}" / "stages", tmp_path / "published" / "set"
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                place = out if mark == ".draft" else home
                if place.exists() and any(item.name.startswith(mark) for item in place.iterdir()):
                    break
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        for stage in home.glob("[a-z]*/*"):
            assert (stage / "manifest.json").exists()
            assert pl.read_parquet(stage / "rows.parquet").height == 300
        found = sorted(path.name for path in out.glob("[0-9]*")) if out.exists() else []
        assert found in ([], ["1.0.0"])
        if found:
            assert (out / "1.0.0" / "manifest.json").exists()
        again = run_cli(*words, "--home", f"h{number}", cwd=tmp_path).succeed().answer
        assert (again["content_sha256"], again["version"]) == (calm["content_sha256"], "1.0.0")
