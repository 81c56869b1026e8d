"""What people and Prefect see of generation at work."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import watch as watch_module
from flows.progress import Bar
from flows.session import RunSpec, Session
from flows.watch import Watch, watch
from schemas.recipe import Recipe
from schemas.records import TeacherRequest
from tests.support.cli import call_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import write_jsonl, write_recipe

_TLS = ssl.create_default_context()
PRICE = {"prompt": 1_000, "completion": 10_000}


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    from flows.teachers import client

    real = client._wait_seconds
    monkeypatch.setattr(client, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


@dataclass
class Made:
    """What a generator has made."""

    accepted: int = 0
    rows_in: int = 0


@dataclass
class Shown(Bar):
    """A bar that remembers what it was told."""

    steps: int = 0
    total: int = 0
    notes: list[str] = field(default_factory=list)

    def advance(self) -> None:
        self.steps += 1

    def expect(self, total: int) -> None:
        self.total = total

    def tell(self, note: str) -> None:
        self.notes.append(note)


@contextmanager
def session_of(base: Path, server: FakeTeacher, **teacher: Any) -> Iterator[Session]:
    options = server.options(price_per_million=PRICE, **teacher)
    made = Recipe.model_validate({"name": "set", "teacher": options})
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    session = Session(spec)
    try:
        yield session
    finally:
        session.close()


def questions(*span: int) -> list[TeacherRequest]:
    return [
        TeacherRequest(
            "chat/completions",
            {"messages": [{"role": "user", "content": f"Question {number}"}], "max_tokens": 99},
        )
        for number in range(*span)
    ]


def asking(
    session: Session,
    requests: list[TeacherRequest],
    look: Callable[[Watch], None] = lambda _: None,
) -> Watch:
    """Ask under a watch, which `look` sees after every answer; a row is made of each."""
    made = Made()

    async def run() -> Watch:
        async with (
            asyncio.timeout(30),
            session.panel.opened(),
            watch(session, "respond", made) as shown,
        ):
            shown.expect(len(requests))
            async for _ in session.panel.ask(requests):
                made.accepted += 1
                shown.advance()
                look(shown)
        return shown

    return asyncio.run(run())


def bill(server: FakeTeacher) -> float:
    """US dollars, by the server's own count."""
    prompt = sum(item.prompt_tokens for item in server.received)
    completion = sum(item.completion_tokens for item in server.received)
    return (prompt * PRICE["prompt"] + completion * PRICE["completion"]) / 1e6


# Figures


def test_nothing_is_known_before_the_first_answer(teacher: FakeTeacher, tmp_path: Path) -> None:
    with session_of(tmp_path, teacher) as session:
        shown = Watch(session, "respond", Made())
        shown.expect(5)
        shown.expect(2)
        assert shown.figures == {
            "generator": "respond", "answers": 0, "of": 7, "rows_accepted": 0,
            "requests_per_second": 0.0, "prompt_tokens": 0, "completion_tokens": 0,
            "usd_spent": 0.0, "usd_projected": "", "errors": "none", "in_flight": 0,
            "seconds_left": "",
        }  # fmt: skip
        assert shown.line == "0 rows, 0.0 requests/s, 0 tokens, errors: none"


def test_figures_of_a_run(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher._script = iter(["429", "500", None, "500", "reset", "html"])
    with session_of(tmp_path, teacher, max_in_flight=1) as session:
        shown = asking(session, questions(20))
        shown._started -= 1_000  # as if it had taken so long
        found = shown.figures
        assert (found["answers"], found["of"], found["rows_accepted"]) == (20, 20, 20)
        assert found["prompt_tokens"] == session.panel.tokens.prompt
        assert session.panel.requests.sent == len(teacher.received) == 25
        assert found["requests_per_second"] == round(25 / 1_000, 1)
        assert found["seconds_left"] == 0
        assert found["in_flight"] == 0
        kinds = dict(pair.split(" ") for pair in str(found["errors"]).split(", "))
        assert kinds == {"http_500": "2", "http_429": "1", "connection": "1", "unparsable": "1"}
        assert str(found["errors"]).startswith("http_500 2, ")
        # At its end, a projection is what was spent.
        assert found["usd_projected"] == round(float(found["usd_spent"]), 4)
        assert f"US$ {found['usd_spent']:.2f} of {found['usd_projected']:.2f}, errors: " in (
            shown.line
        )


def test_money_and_tokens_are_those_of_the_bill(teacher: FakeTeacher, tmp_path: Path) -> None:
    with session_of(tmp_path, teacher) as session:
        found = asking(session, questions(12)).figures
    assert found["usd_spent"] == pytest.approx(bill(teacher), abs=1e-6)
    assert found["prompt_tokens"] == sum(item.prompt_tokens for item in teacher.received)
    assert found["completion_tokens"] == sum(item.completion_tokens for item in teacher.received)


def test_rate_time_and_money_are_projected(teacher: FakeTeacher, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def look(shown: Watch) -> None:
        if shown.done == 10:
            shown._started -= 100
        seen.append(shown.figures)

    with session_of(tmp_path, teacher, max_in_flight=1) as session:
        asking(session, questions(40), look)
    half = seen[9]
    assert half["seconds_left"] == pytest.approx(300, abs=10)
    assert half["requests_per_second"] == pytest.approx(0.1, abs=0.05)
    # Answers are of about the same length.
    assert half["usd_projected"] == pytest.approx(bill(teacher), rel=0.35)
    assert [found["answers"] for found in seen] == list(range(1, 41))
    assert {found["of"] for found in seen} == {40}


def test_requests_under_way_are_counted(teacher: FakeTeacher, tmp_path: Path) -> None:
    seen: list[int] = []
    with session_of(tmp_path, teacher, max_in_flight=6) as session:

        def note(_: object) -> None:
            seen.append(sum(item.limiter.in_flight for item in session.panel.teachers))

        teacher.choose_fault = note
        teacher.latency_seconds = 0.05
        found: list[dict[str, Any]] = []
        asking(session, questions(12), lambda shown: found.append(shown.figures))
    assert max(seen) <= 6
    assert max(item["in_flight"] for item in found) <= 6
    assert found[0]["in_flight"] > 0


def test_what_an_earlier_round_spent_is_not_projected_again(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    with session_of(tmp_path, teacher, max_in_flight=1) as session:
        asking(session, questions(10))
        first = bill(teacher)
        found = asking(session, questions(10, 20)).figures
    assert found["usd_spent"] == pytest.approx(bill(teacher), abs=1e-6)
    assert found["usd_projected"] == pytest.approx(bill(teacher), abs=1e-4)
    assert first < bill(teacher)


def test_what_is_replayed_is_no_measure_of_what_is_to_come(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    with session_of(tmp_path, teacher) as session:
        asking(session, questions(30))
    teacher.received.clear()
    seen: list[dict[str, Any]] = []

    def look(shown: Watch) -> None:
        if shown.done == 35:
            shown._started -= 100
        seen.append(shown.figures)

    with session_of(tmp_path, teacher, max_in_flight=1) as session:
        asking(session, questions(50), look)
    # Five of twenty have come, in a hundred seconds.
    assert seen[34]["usd_projected"] == pytest.approx(bill(teacher), rel=0.35)
    assert seen[34]["seconds_left"] == pytest.approx(300, rel=0.35)


# The bar


def test_the_bar_moves_with_the_answers(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_SHOWN_EVERY", 0.02)
    teacher.latency_seconds = 0.05
    bar = Shown()
    with session_of(tmp_path, teacher, max_in_flight=2) as session:
        monkeypatch.setattr(session.progress, "start", lambda label, total: bar)
        shown = asking(session, questions(6))
        assert (bar.steps, bar.total) == (6, 6)
        assert len(bar.notes) >= 3
        assert bar.notes[-1] == shown.line or bar.notes[-1].startswith("6 rows, ")


def test_an_error_below_a_watch_comes_through(teacher: FakeTeacher, tmp_path: Path) -> None:
    async def run() -> None:
        async with watch(session, "respond", Made()):
            raise ZeroDivisionError

    with session_of(tmp_path, teacher) as session, pytest.raises(ZeroDivisionError):
        asyncio.run(run())


# Prefect


def artifacts(api: str, key: str) -> list[dict[str, Any]]:
    """The artifacts with a key, oldest first."""
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    answer = httpx.post(f"{api}/artifacts/filter", json=wanted, timeout=30)
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()))


@pytest.mark.slow
def test_prefect_keeps_progress_and_the_last_figures(
    prefect_api: str, teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_SHOWN_EVERY", 0.02)
    monkeypatch.setattr(watch_module, "_RECORDED_EVERY", 0.05)
    teacher.latency_seconds = 0.1
    teacher.choose_fault = lambda body: "400" if "number 3." in str(body) else None
    write_jsonl(
        tmp_path / "prompts.jsonl",
        [{"prompt": f"Tell me about number {number}."} for number in range(16)],
    )
    write_recipe(
        tmp_path / "r.yaml",
        name="watched",
        teacher=teacher.options(max_in_flight=2, price_per_million=PRICE),
        generators=[{"kind": "respond", "prompts": "prompts.jsonl", "name": "my-answers"}],
    )
    answer = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer

    (table,) = artifacts(prefect_api, "watched-my-answers-requests")
    assert (table["type"], table["description"]) == ("table", "Requests to the teacher")
    (line,) = json.loads(table["data"])
    assert (line["generator"], line["answers"], line["of"]) == ("my-answers", 16, 16)
    assert line["rows_accepted"] == answer["rows_in"] - answer["by_rule"]["teacher_error"]
    assert line["usd_spent"] == pytest.approx(answer["cost_usd"], abs=1e-6)
    assert line["completion_tokens"] == answer["tokens"]["completion"]
    assert line["errors"] == "http_400 1"
    assert 0 < line["requests_per_second"] <= 25

    (progress,) = artifacts(prefect_api, "watched-my-answers-progress")
    assert progress["type"] == "progress"
    assert 0 < float(progress["data"]) <= 100
    assert "requests/s" in progress["description"]
    assert progress["task_run_id"] == table["task_run_id"] is not None

    # Nothing is asked again, so there is nothing to show.
    call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed()
    assert len(artifacts(prefect_api, "watched-my-answers-progress")) == 1
