"""A teacher in batch mode: half the price, nothing lost and nothing paid twice."""

import asyncio
import json
import shutil
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from flows.claims import Claims
from flows.journal import Journal, JournalEntry
from flows.teachers import batch
from flows.teachers.batch import BatchQueue
from flows.teachers.batch_api import BatchApi
from flows.teachers.batch_files import (
    BadLine,
    BatchReply,
    BatchRequest,
    BatchResult,
    merge_results,
    read_results,
    split_requests,
)
from flows.teachers.batch_state import BatchState, Intent
from flows.teachers.batch_status import BatchPage, BatchStatus
from flows.teachers.budget import Budget, Meter, Purse
from flows.teachers.client import Teacher, TeacherIdentity
from flows.teachers.panel import Panel
from flows.teachers.resolve import count_spent
from flows.teachers.sender import Connection, judge_body
from flows.teachers.servers import server_for
from schemas.errors import BudgetError, FeingoldError, InputError, RunError
from schemas.recipe import BudgetOptions, Price, TeacherOptions
from schemas.records import TeacherReply, TeacherRequest
from tests.support.cli import ROOT, child_environment
from tests.support.fake_batches import FakeBatches, Plan
from tests.support.fake_teacher import MODEL, FakeTeacher, good_reply

_TLS = ssl.create_default_context()
CANARY = "sk-canary-5f2d9c"
PRICE = Price(prompt=1000, completion=1000)  # a tenth of a cent for a token
BATCHED = 0.0005  # US dollars for a token in a batch


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a hundred times less, and read the certificates, unused here, once."""
    monkeypatch.setattr(BatchQueue, "quiet_seconds", 0.02)
    monkeypatch.setattr(BatchApi, "first_pause", 0.005)
    monkeypatch.setattr(BatchApi, "last_pause", 0.01)
    monkeypatch.setattr(batch, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


@pytest.fixture
def server() -> Iterator[FakeBatches]:
    with FakeBatches() as running:
        yield running


def make_teacher(
    url: str, journal: Journal, budget: Budget, *, position: int = 0, **options: Any
) -> Teacher:
    found = TeacherOptions(base_url=url, model=MODEL, **{"mode": "batch", **options})
    return Teacher(
        TeacherIdentity(url, MODEL),
        found,
        server_for(url, named=None),
        connect=lambda: Connection(url, CANARY),
        journal=journal,
        purse=Purse(budget),
        meter=Meter(found.price_per_million or Price(prompt=0, completion=0)),
        dataset="set",
        position=position,
    )


@contextmanager
def opened(
    server: FakeBatches,
    home: Path,
    *,
    budget: BudgetOptions | None = None,
    claims_in: Path | None = None,
    step_in: FakeTeacher | None = None,
    **options: Any,
) -> Iterator[Panel]:
    """A panel of one teacher in batch mode, and perhaps one online that steps in."""
    with Journal(home) as journal, Claims(claims_in or home) as claims:
        purse = Budget(budget or BudgetOptions())
        teachers = [make_teacher(server.base_url, journal, purse, **options)]
        if step_in is not None:
            more = {"mode": "online", "weight": 0}
            teachers.append(make_teacher(step_in.base_url, journal, purse, position=1, **more))
        count_spent(purse, teachers, dataset="set", journal=journal, claims=claims)
        yield Panel(teachers, journal=journal, claims=claims)


async def collect(panel: Panel, requests: Sequence[TeacherRequest]) -> list[TeacherReply]:
    async with panel.opened():
        return [reply async for reply in panel.ask(requests)]


def ask(panel: Panel, requests: Sequence[TeacherRequest]) -> list[TeacherReply]:
    return asyncio.run(collect(panel, requests))


def ask_in(
    server: FakeBatches, home: Path, requests: Sequence[TeacherRequest], **options: Any
) -> list[TeacherReply]:
    with opened(server, home, **options) as panel:
        return ask(panel, requests)


def question(number: int) -> TeacherRequest:
    turns = [{"role": "user", "content": f"Question {number} about wälnuts"}]
    return TeacherRequest("chat/completions", {"messages": turns, "max_tokens": 64})


def questions(*numbers: int) -> list[TeacherRequest]:
    return [question(number) for number in numbers]


def reply_to(request: TeacherRequest) -> dict[str, Any]:
    return good_reply(f"/v1/{request.endpoint}", {"model": MODEL, **request.body})


def expected_text(request: TeacherRequest) -> str:
    return str(reply_to(request)["choices"][0]["message"]["content"])


def billed_tokens(requests: Sequence[TeacherRequest]) -> int:
    return sum(reply_to(request)["usage"]["total_tokens"] for request in requests)


def unfinished(server: FakeBatches, home: Path) -> list[Intent]:
    with BatchState(home) as state:
        return state.unfinished(server.base_url, MODEL)


def assert_all_billed_once(server: FakeBatches, requests: Sequence[TeacherRequest]) -> None:
    bodies = [json.dumps({"model": MODEL, **item.body}, sort_keys=True) for item in requests]
    assert server.billed == Counter(dict.fromkeys(bodies, 1))


# The whole way


def test_questions_are_answered_in_one_batch_at_half_the_price(
    server: FakeBatches, tmp_path: Path
) -> None:
    asked = questions(*range(7))
    with opened(server, tmp_path, price_per_million=PRICE) as panel:
        replies = ask(panel, asked)
        assert panel.requests.model_dump() == {"sent": 7, "replayed": 0, "failed": 0}
        assert panel.cost_usd == pytest.approx(billed_tokens(asked) * BATCHED)
        stored = panel._journal.find([reply.key for reply in replies])
    assert [reply.text for reply in replies] == [expected_text(item) for item in asked]
    assert {(entry.status, entry.dataset) for entry in stored.values()} == {(200, "set")}
    cost = sum(entry.cost_usd for entry in stored.values())
    assert cost == pytest.approx(billed_tokens(asked) * BATCHED)
    assert server.handed_in == [[reply.key for reply in replies]]
    assert server.keys == {f"Bearer {CANARY}"}
    assert_all_billed_once(server, asked)
    assert unfinished(server, tmp_path) == []


def test_answered_questions_are_not_asked_again(server: FakeBatches, tmp_path: Path) -> None:
    first = ask_in(server, tmp_path, questions(0, 1, 2))
    with opened(server, tmp_path) as panel:
        second = ask(panel, questions(0, 1, 2, 3))
        assert panel.requests.model_dump() == {"sent": 1, "replayed": 3, "failed": 0}
    assert [replace(reply, replayed=False) for reply in second[:3]] == first
    assert server.handed_in == [[reply.key for reply in first], [second[3].key]]


def test_each_endpoint_has_its_own_batch(server: FakeBatches, tmp_path: Path) -> None:
    legacy = TeacherRequest("completions", {"prompt": "3 tasks\n1. Name a river.\n2."})
    replies = ask_in(server, tmp_path, [question(1), legacy, question(2)])
    assert [reply.error for reply in replies] == [None] * 3
    endpoints = {item.endpoint: len(item.lines) for item in server.batches.values()}
    assert endpoints == {"/v1/chat/completions": 2, "/v1/completions": 1}


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        ({"most_requests": 2}, [2, 2, 1]),
        ({"most_bytes": 600}, [2, 2, 1]),
        ({"most_bytes": 1}, [1, 1, 1, 1, 1]),
    ],
)
def test_a_batch_keeps_to_the_limits_of_its_server(
    server: FakeBatches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Any, sizes: Any
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(BatchQueue, name, value)
    replies = ask_in(server, tmp_path, questions(*range(5)))
    assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(5)]
    assert sorted((len(keys) for keys in server.handed_in), reverse=True) == sizes
    assert_all_billed_once(server, questions(*range(5)))


# What does not go well, and passes


@pytest.mark.parametrize(
    "faults",
    [
        {"POST /v1/files": ["reset", "500", "429", "html"]},
        {"POST /v1/batches": ["reset", "503", "html"]},
        {"GET /v1/batches/": ["reset", "500", "html", "429", "503"]},
        {"GET /v1/files/": ["reset", "500", "html"]},
        {"POST /v1/batches": ["reset"], "GET /v1/batches": ["reset", "500", "html"]},
    ],
    ids=["upload", "create", "poll", "download", "look"],
)
def test_passing_faults_are_waited_out(
    server: FakeBatches, tmp_path: Path, faults: dict[str, list[str]]
) -> None:
    server.faults = faults
    replies = ask_in(server, tmp_path, questions(0, 1, 2))
    assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(3)]
    assert not any(faults.values())
    assert_all_billed_once(server, questions(0, 1, 2))


@pytest.mark.parametrize(
    "plan",
    [Plan(polls=5), Plan(drop_create=True), Plan(late_files=3), Plan(damaged=2)],
    ids=["slow", "dropped after create", "files named late", "download cut off"],
)
def test_a_batch_that_exists_is_not_handed_in_again(tmp_path: Path, plan: Plan) -> None:
    with FakeBatches([plan]) as server:
        replies = ask_in(server, tmp_path, questions(0, 1, 2))
        assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(3)]
        assert len(server.batches) == 1
        assert_all_billed_once(server, questions(0, 1, 2))


def test_a_batch_is_found_among_many_of_others(tmp_path: Path) -> None:
    with FakeBatches([Plan(), Plan(), Plan(), Plan(drop_create=True)]) as server:
        for number in range(3):
            ask_in(server, tmp_path / str(number), questions(number))
        original = server.create

        def create(given: dict[str, Any]) -> Any:
            made = original(given)
            for _ in range(3):  # others hand in theirs before anyone looks
                original({**given, "metadata": None})
            return made

        server.create = create  # type: ignore[method-assign]
        ask_in(server, tmp_path / "home", questions(9))
        assert server.calls.count("GET /v1/batches") == 2
        assert server.calls[-1] == "GET /v1/files/file-out-batch_3/content"


def test_partial_results_are_kept_and_the_rest_is_asked_again(tmp_path: Path) -> None:
    with FakeBatches([Plan(ending="expired", answered=2), Plan(answered=2)]) as server:
        with opened(server, tmp_path, price_per_million=PRICE) as panel:
            replies = ask(panel, questions(*range(5)))
            assert panel.requests.model_dump() == {"sent": 9, "replayed": 0, "failed": 0}
            assert panel.errors == {"batch_expired": 3, "batch_incomplete": 1}
            assert not panel.had_passing_fault
            assert panel.cost_usd == pytest.approx(billed_tokens(questions(*range(5))) * BATCHED)
        keys = [reply.key for reply in replies]
        assert server.handed_in == [keys, keys[2:], keys[4:]]
        assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(5)]
        assert_all_billed_once(server, questions(*range(5)))


def test_a_question_is_in_three_batches_at_most(tmp_path: Path) -> None:
    with FakeBatches([Plan(ending="expired", answered=0)] * 3) as server:
        with opened(server, tmp_path) as panel:
            replies = ask(panel, questions(*range(25)))  # more than may fail in a row online
            assert panel.had_passing_fault
            assert panel.requests.model_dump() == {"sent": 75, "replayed": 0, "failed": 25}
        assert {reply.error for reply in replies} == {"This request could not be executed."}
        assert len(server.batches) == 3
        assert server.billed.total() == 0
        again = ask_in(server, tmp_path, questions(*range(25)))
        assert [reply.text for reply in again] == [expected_text(question(n)) for n in range(25)]


def test_a_cancelled_batch_is_not_handed_in_again_by_the_same_run(tmp_path: Path) -> None:
    with FakeBatches([Plan(ending="cancelled", answered=1)]) as server:
        replies = ask_in(server, tmp_path, questions(0, 1))
        line = "not carried out: its batch is cancelled"
        assert [reply.error for reply in replies] == [None, line]
        assert len(server.batches) == 1
        again = ask_in(server, tmp_path, questions(0, 1))
        assert [reply.text for reply in again] == [expected_text(question(n)) for n in (0, 1)]
        assert_all_billed_once(server, questions(0, 1))


def test_what_may_pass_is_asked_again_and_what_may_not_is_kept(tmp_path: Path) -> None:
    with FakeBatches([Plan(statuses={0: 400, 1: 500, 2: 429})]) as server:
        with opened(server, tmp_path) as panel:
            replies = ask(panel, questions(*range(4)))
            assert panel.requests.failed == 1
            assert panel.errors == {"http_400": 1, "http_500": 1, "http_429": 1}
            stored = panel._journal.find([reply.key for reply in replies])
        keys = [reply.key for reply in replies]
        assert str(replies[0].error).startswith("HTTP 400: ")
        assert [stored[key].status for key in keys] == [400, 200, 200, 200]
        assert server.handed_in == [keys, keys[1:3]]
        assert_all_billed_once(server, questions(1, 2, 3))


# What does not go well, and does not pass


def failure(server: FakeBatches, home: Path, **options: Any) -> FeingoldError:
    with pytest.raises(FeingoldError) as caught:
        ask_in(server, home, questions(0, 1), **options)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_teacher_without_batches_is_named_in_one_line(
    server: FakeBatches, tmp_path: Path
) -> None:
    server.has_batches = False
    error = failure(server, tmp_path)
    assert isinstance(error, InputError)
    assert str(error) == (
        f"expected /v1/files and /v1/batches at {server.base_url}, got HTTP 404: set teacher.mode "
        "to online, or use `feingold batch write`"
    )
    assert unfinished(server, tmp_path) == []


def test_a_wrong_key_is_named_by_its_variable(server: FakeBatches, tmp_path: Path) -> None:
    server.faults = {"POST /v1/files": ["401"]}
    error = failure(server, tmp_path)
    assert isinstance(error, InputError)
    assert str(error).startswith("expected a valid key in $OPENAI_API_KEY, got HTTP 401 from ")


def test_a_batch_that_is_refused_stops_the_run_with_the_servers_words(tmp_path: Path) -> None:
    with FakeBatches([Plan(ending="failed", message="no model\nof that name")]) as server:
        error = failure(server, tmp_path)
        assert isinstance(error, RunError)
        assert "to accept a batch, got 'line 1: no model of that name': correct" in str(error)
        assert unfinished(server, tmp_path) == []
        again = ask_in(server, tmp_path, questions(0, 1))
        assert [reply.error for reply in again] == [None, None]


def test_a_server_that_is_not_there_is_named(server: FakeBatches, tmp_path: Path) -> None:
    server.faults = {"POST /v1/files": ["reset"] * 3}
    error = failure(server, tmp_path, max_attempts=3)
    assert isinstance(error, RunError)
    assert f"from {MODEL} at {server.base_url}: start or check the teacher" in str(error)


def test_another_teacher_steps_in(teacher: FakeTeacher, tmp_path: Path) -> None:
    with FakeBatches([Plan(ending="failed", answered=1)]) as server:
        replies = ask_in(server, tmp_path, questions(0, 1, 2), step_in=teacher)
        assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(3)]
        assert [reply.teacher for reply in replies] == [0, 1, 1]
        assert len(teacher.received) == 2


def test_the_key_is_in_no_file_of_the_home(server: FakeBatches, tmp_path: Path) -> None:
    server.faults = {"GET /v1/batches/": ["500"]}  # which echoes it
    server.coming.append(Plan(polls=100))
    crash(server, tmp_path / "home", questions(0, 1), at="while polling", image=tmp_path / "image")
    server.faults = {"POST /v1/files": ["400"]}
    failure(server, tmp_path / "other")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"batches.sqlite", "journal.sqlite"}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


# Budgets


@dataclass
class Watch:
    """The most that a budget had spent and set aside at once."""

    most: float = 0.0


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    found = Watch()
    for name in ("reserve", "settle", "count"):
        real = getattr(Budget, name)

        def watched(self: Budget, *given: Any, real: Any = real) -> None:
            real(self, *given)
            found.most = max(found.most, self.spent.usd + self.reserved.usd)

        monkeypatch.setattr(Budget, name, watched)
    return found


def worst_usd(request: TeacherRequest, home: Path) -> float:
    with Journal(home) as journal:
        teacher = make_teacher("http://127.0.0.1:9/v1", journal, Budget(BudgetOptions()))
        asked = teacher.prepare(request)
    return Meter(PRICE).at(0.5).worst(asked.body, asked.text).usd


def test_what_the_budget_has_no_room_for_waits_for_what_is_under_way(
    server: FakeBatches, tmp_path: Path, watch: Watch
) -> None:
    asked = questions(*range(6))
    limit = 2.5 * worst_usd(asked[0], tmp_path)
    budget = BudgetOptions(usd=limit)
    replies = ask_in(server, tmp_path, asked, budget=budget, price_per_million=PRICE)
    assert [reply.error for reply in replies] == [None] * 6
    assert [len(keys) for keys in server.handed_in] == [2, 2, 1, 1]
    assert 0 < watch.most <= limit
    assert_all_billed_once(server, asked)


def test_a_budget_in_usd_is_never_exceeded_at_half_price(
    server: FakeBatches, tmp_path: Path, watch: Watch
) -> None:
    asked = questions(*range(9))
    limit = 1.2 * worst_usd(asked[0], tmp_path)
    budget = BudgetOptions(usd=limit)
    with pytest.raises(BudgetError):
        ask_in(server, tmp_path, asked, budget=budget, price_per_million=PRICE)
    done = server.billed.total()
    assert 1 <= done < 9
    assert watch.most <= limit
    assert_all_billed_once(server, asked[:done])

    # What an earlier run has paid counts, and a higher budget lets the rest go.
    with pytest.raises(BudgetError):
        ask_in(server, tmp_path, asked, budget=budget, price_per_million=PRICE)
    assert server.billed.total() == done
    ask_in(server, tmp_path, asked, budget=BudgetOptions(usd=2), price_per_million=PRICE)
    assert_all_billed_once(server, asked)


def test_what_a_killed_run_handed_in_counts_before_anything_new(
    server: FakeBatches, tmp_path: Path, watch: Watch
) -> None:
    limit = 2.5 * worst_usd(question(0), tmp_path)
    server.coming.append(Plan(polls=20))
    image = tmp_path / "image"
    options = {"budget": BudgetOptions(usd=limit), "price_per_million": PRICE}
    crash(server, tmp_path / "home", questions(0, 1), at="while polling", image=image, **options)
    # The new one is asked first, when nothing tells yet what the old ones will cost.
    replies = ask_in(server, image, questions(2, 0, 1), **options)
    assert [reply.error for reply in replies] == [None] * 3
    assert watch.most <= limit
    assert [len(keys) for keys in server.handed_in] == [2, 1]
    is_paid = server.calls.index("GET /v1/files/file-out-batch_0/content")
    assert [call for call in server.calls[:is_paid] if call == "POST /v1/files"] == [
        "POST /v1/files"
    ]
    assert_all_billed_once(server, questions(0, 1, 2))


def test_what_a_killed_run_handed_in_is_counted_once(
    server: FakeBatches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is asked for only after it has come into the journal."""
    image = tmp_path / "image"
    budget = Budget(BudgetOptions(usd=1))
    crash(server, tmp_path / "home", questions(0, 1), at="while polling", image=image)

    async def run() -> None:
        async with panel.opened():
            server.coming.append(Plan(polls=20))  # the old one ends before this
            for asked in (questions(2), questions(1, 0), questions(0, 1, 2)):
                async for _ in panel.ask(asked):
                    pass

    with opened(server, image, price_per_million=PRICE) as panel:
        monkeypatch.setattr(panel.teachers[0], "purse", Purse(budget))
        asyncio.run(run())
        assert panel.requests.model_dump() == {"sent": 1, "replayed": 2, "failed": 0}
    assert budget.spent.usd == pytest.approx(billed_tokens(questions(0, 1, 2)) * BATCHED)
    assert budget.spent.requests == 3
    assert budget.reserved.requests == 0


# Killed at any instant


async def hang(reached: asyncio.Event) -> None:
    reached.set()
    await asyncio.Event().wait()


#: Step to the method in which the process dies, and whether it has done its work by then.
STEPS = {
    "after the intent": ("upload", False),
    "after upload": ("upload", True),
    "after create": ("create", True),
    "while polling": ("see_end", False),
    "after download": ("see_end", True),
}


def crash(
    server: FakeBatches,
    home: Path,
    requests: Sequence[TeacherRequest],
    *,
    at: str,
    image: Path,
    **options: Any,
) -> None:
    """Run until a step, and keep in `image` what a kill would have left of the home."""
    name, is_done = STEPS[at]
    real: Callable[..., Awaitable[object]] = getattr(BatchApi, name)

    async def stopped(self: BatchApi, *given: Any) -> object:
        if is_done:
            await real(self, *given)
        if not image.exists():
            shutil.copytree(home, image)
        await hang(reached)
        return None

    async def run() -> None:
        task = asyncio.create_task(collect(panel, requests))
        await asyncio.wait_for(reached.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    reached = asyncio.Event()
    with pytest.MonkeyPatch.context() as patch, opened(server, home, **options) as panel:
        patch.setattr(BatchApi, name, stopped)
        asyncio.run(run())


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_every_request_is_billed_once(
    server: FakeBatches, tmp_path: Path, step: str
) -> None:
    image = tmp_path / "image"
    server.coming.append(Plan(polls=2))
    crash(server, tmp_path / "home", questions(0, 1, 2), at=step, image=image)
    assert [intent.dataset for intent in unfinished(server, image)] == ["set"]
    with opened(server, image) as panel:
        replies = ask(panel, questions(1, 2, 3, 0))
        was_handed_in = step not in ("after the intent", "after upload")
        sent, replayed = (1, 3) if was_handed_in else (4, 0)
        assert panel.requests.model_dump() == {"sent": sent, "replayed": replayed, "failed": 0}
    assert [reply.text for reply in replies] == [expected_text(question(n)) for n in (1, 2, 3, 0)]
    assert_all_billed_once(server, questions(0, 1, 2, 3))
    assert unfinished(server, image) == []


def test_killed_after_journaling_nothing_is_asked_again(
    server: FakeBatches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(BatchState, "finish", lambda *_: None)
        first = ask_in(server, tmp_path, questions(0, 1))
    assert len(unfinished(server, tmp_path)) == 1
    second = ask_in(server, tmp_path, questions(0, 1, 2))
    assert [replace(reply, replayed=False) for reply in second[:2]] == first
    assert unfinished(server, tmp_path) == []
    assert_all_billed_once(server, questions(0, 1, 2))


def test_an_expired_batch_of_a_killed_run_is_completed(server: FakeBatches, tmp_path: Path) -> None:
    image = tmp_path / "image"
    server.coming.append(Plan(ending="expired", answered=1))
    crash(server, tmp_path / "home", questions(0, 1, 2), at="while polling", image=image)
    replies = ask_in(server, image, questions(0, 1, 2))
    assert [reply.text for reply in replies] == [expected_text(question(n)) for n in range(3)]
    keys = [reply.key for reply in replies]
    assert server.handed_in == [keys, keys[1:]]
    assert_all_billed_once(server, questions(0, 1, 2))


def test_results_that_nobody_asks_for_any_more_are_kept(
    server: FakeBatches, tmp_path: Path
) -> None:
    image = tmp_path / "image"
    crash(server, tmp_path / "home", questions(0, 1), at="while polling", image=image)
    server.coming.append(Plan(polls=20))  # long enough for the old one to end
    ask_in(server, image, questions(5), price_per_million=PRICE)
    assert unfinished(server, image) == []
    with opened(server, image) as panel:
        keys = [panel.teachers[0].prepare(item).key for item in questions(0, 1)]
        stored = panel._journal.find(keys)
    assert [stored[key].cost_usd for key in keys] == [
        pytest.approx(billed_tokens([item]) * BATCHED) for item in questions(0, 1)
    ]


_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.flows.teachers.test_batch import ask_in, questions
from tests.support.fake_batches import FakeBatches
class Far:
    base_url = sys.argv[1]
ask_in(Far, Path(sys.argv[2]), questions(0, 1))
"""


@pytest.mark.slow
def test_a_real_kill_between_create_and_its_answer(tmp_path: Path) -> None:
    with FakeBatches() as server:
        words = [sys.executable, "-c", _CHILD, server.base_url, str(tmp_path)]
        child = subprocess.Popen(words, cwd=ROOT, env=child_environment())
        real = server.create

        def create(given: dict[str, Any]) -> Any:
            made = real(given)
            child.send_signal(signal.SIGKILL)
            child.wait()
            return made

        server.create = create  # type: ignore[method-assign]
        assert child.wait(timeout=60) == -signal.SIGKILL
        assert [intent.batch_id for intent in unfinished(server, tmp_path)] == [None]
        replies = ask_in(server, tmp_path, questions(0, 1))
        assert [reply.text for reply in replies] == [expected_text(question(n)) for n in (0, 1)]
        assert len(server.batches) == 1
        assert_all_billed_once(server, questions(0, 1))


@pytest.mark.parametrize("is_claimed", [True, False])
def test_two_runs_in_one_home_hand_in_nothing_twice(
    server: FakeBatches, tmp_path: Path, is_claimed: bool
) -> None:
    """Also where the file that says who asks what is lost."""

    async def both() -> list[list[TeacherReply]]:
        first = asyncio.create_task(collect(one, questions(0, 1, 2)))
        while not server.batches:
            await asyncio.sleep(0.005)
        return [await collect(two, questions(2, 1, 3)), await first]

    server.coming.append(Plan(polls=10))
    elsewhere = None if is_claimed else tmp_path / "lost"
    home = tmp_path / "home"
    with opened(server, home) as one, opened(server, home, claims_in=elsewhere) as two:
        second, first = asyncio.run(both())
        assert one.requests.sent + two.requests.sent == 4
    assert [reply.text for reply in first] == [expected_text(question(n)) for n in (0, 1, 2)]
    assert [reply.text for reply in second] == [expected_text(question(n)) for n in (2, 1, 3)]
    assert_all_billed_once(server, questions(0, 1, 2, 3))
    assert unfinished(server, home) == []


# Lines and states


def request(number: int, **more: Any) -> BatchRequest:
    given = {"endpoint": "chat/completions", "model": "m", **more}
    body = {"messages": [{"role": "user", "content": f"\u2028{number}"}]}
    return BatchRequest(
        key=f"k{number}", base_url="http://t/v1", sample=0, request=json.dumps(body), **given
    )


def test_a_request_is_one_line_for_every_reader() -> None:
    line = request(1).line()
    assert line.decode("ascii").splitlines(keepends=True) == [line.decode()]
    assert json.loads(line) == {
        "custom_id": "k1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": "\u20281"}]},
    }


def test_a_file_is_for_one_model_and_one_endpoint() -> None:
    every = [
        request(1),
        request(2, model="n"),
        request(3),
        request(4, endpoint="completions"),
        request(5),
    ]
    found = [[item.key for item in part] for part in split_requests(every, most_requests=2)]
    assert found == [["k1", "k3"], ["k5"], ["k2"], ["k4"]]
    assert list(split_requests([])) == []


GOOD = {
    "choices": [{"message": {"content": "ä"}}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3},
}
EXPIRED = {"code": "batch_expired", "message": "m"}
LINES = [
    ({"response": {"status_code": 200, "body": GOOD}, "error": None}, (200, "", False)),
    ({"response": {"request_id": "vllm-1", "status_code": 200, "body": GOOD}}, (200, "", False)),
    ({"response": {"status_code": 200, "body": {"no": 1}}}, (200, "unparsable", True)),
    ({"response": {"status_code": 400, "body": {"error": {}}}}, (400, "http_400", False)),
    ({"response": {"status_code": 400, "body": None}, "error": "bad"}, (400, "http_400", False)),
    ({"response": {"status_code": 503, "body": {}}}, (503, "http_503", True)),
    ({"response": None, "error": EXPIRED}, (0, "batch_expired", True)),
    ({"response": None, "error": {"code": "x" * 999}}, (0, "batch_error", True)),
    ({"error": "a text"}, (0, "batch_error", True)),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_of_either_server_says_what_became_of_a_request(
    line: dict[str, Any], expected: tuple[int, str, bool]
) -> None:
    data = json.dumps({"id": "x", "custom_id": "k", **line}).encode()
    [found] = read_results([b"\xef\xbb\xbf" + data + b"\r\n"])
    assert isinstance(found, BatchResult)
    outcome = found.outcome
    assert (found.line, found.key) == (1, "k")
    assert (outcome.status, outcome.kind, outcome.is_passing_fault) == expected
    if outcome.kind == "":
        assert json.loads(outcome.body) == GOOD
        assert outcome.usage is not None
        assert (outcome.usage.prompt, outcome.usage.completion) == (2, 3)


BAD = [
    b"not json",
    b"\xff\xfe",
    b"[]",
    b'"text"',
    b'{"custom_id": 1, "error": "e"}',
    b'{"custom_id": "k"}',
    b'{"custom_id": "k", "response": {"status_code": "200"}}',
    b'{"custom_id": "k", "response": {"status_code": 9}, "error": null}',
    b'{"custom_id": "k", "response": []}',
    b"[" * 100_000,
    b'{"custom_id": "k", "response": {"status_code": ' + b"9" * 5000 + b"}}",
]


def test_bad_lines_are_told_by_their_number() -> None:
    found = list(read_results([b"\n", *BAD, b"  ", b'{"custom_id": "k", "error": "e"}']))
    assert [line.line for line in found] == [*range(2, len(BAD) + 2), len(BAD) + 3]
    assert [type(line) for line in found] == [BadLine] * len(BAD) + [BatchResult]
    errors = [line.error for line in found if isinstance(line, BadLine)]
    assert all(error.startswith("expected a") and len(error) < 400 for error in errors)


def test_a_good_line_counts_before_others_of_the_same_request() -> None:
    bad = {"custom_id": "k", "response": {"status_code": 500, "body": {}}}
    good = {"custom_id": "k", "response": {"status_code": 200, "body": GOOD}}
    lines = [json.dumps(line).encode() for line in (bad, good, bad)]
    assert {key: found.kind for key, found in merge_results(list(read_results(lines))).items()} == {
        "k": ""
    }


@pytest.mark.parametrize(
    "data", [None, [], "page", {}, {"id": "b"}, {"id": "", "status": "s"}, {"id": 1, "status": "s"}]
)
def test_what_is_no_batch_is_not_taken_for_one(data: object) -> None:
    assert BatchStatus.read(data) is None
    assert BatchPage.read(data) is None


def test_a_batch_is_read_however_little_it_says() -> None:
    found = BatchStatus.read({"id": "b", "status": "failed", "errors": {"data": [1, {}]}})
    assert found is not None
    assert (found.files, found.intent, found.lacks_file) == ((), "", False)
    assert found.created == float("inf")


def test_requests_that_are_under_way_are_in_no_second_intent(tmp_path: Path) -> None:
    with BatchState(tmp_path) as state, BatchState(tmp_path) as other:
        first, mine = state.begin([request(2), request(1)], dataset="set")
        assert [item.key for item in mine] == ["k2", "k1"]
        second, rest = other.begin([request(1), request(3)], dataset="other")
        assert rest == [request(3)]
        assert other.begin([request(1), request(2)], dataset="other")[1] == []
        assert other.unfinished("http://t/v1", "m") == [first, second]
        assert other.requests_of(first.id) == [request(2), request(1)]
        assert other.under_way(["k1", "k3", "k4"]) == {"k1": first.id, "k3": second.id}
        assert other.is_alive(first)
        state.created(first.id, "batch_1")
        assert other.get(first.id) == replace(first, batch_id="batch_1")
        state.finish(first.id)
        assert other.get(first.id) is None
        assert other.under_way(["k1"]) == {}
    with BatchState(tmp_path) as state:
        assert not state.is_alive(second)


def test_a_damaged_state_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "batches.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(RunError, match=r"expected to note batches in .*batches.sqlite, got '"):
        BatchState(tmp_path)


def test_a_result_without_a_bill_counts_at_its_worst_in_the_next_run_too() -> None:
    request = BatchRequest("k", "http://127.0.0.1:9/v1", "chat/completions", "m", 0, "{}")
    meter = Meter(PRICE)
    outcome = judge_body('{"choices": []}')
    worst = meter.spend(40, 60)
    entry = BatchReply.of(request, outcome, meter, worst=worst).record("set")
    assert isinstance(entry, JournalEntry)
    assert entry.prompt_tokens + entry.completion_tokens == 100
    assert entry.cost_usd == worst.usd
