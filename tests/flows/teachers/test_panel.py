"""Several teachers, many questions: who answers, in which order, and what is asked how often."""

import asyncio
import contextlib
import gc
import json
import math
import random
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.claims import Claims
from flows.journal import Journal, JournalEntry
from flows.teachers import client as client_module
from flows.teachers import panel as panel_module
from flows.teachers import stream as stream_module
from flows.teachers.panel import Panel
from flows.teachers.resolve import make_panel
from flows.teachers.stream import Requests
from schemas.errors import BudgetError, InputError, RunError
from schemas.recipe import Recipe
from schemas.records import TeacherReply, TeacherRequest
from tests.support.cli import ROOT, child_environment
from tests.support.fake_teacher import MODEL, FakeTeacher, good_reply

_TLS = ssl.create_default_context()
_SECONDS = 30.0  # after which a test counts as hanging


@contextmanager
def opened(
    home: Path, *teachers: Mapping[str, Any], offline: bool = False, **recipe: Any
) -> Iterator[Panel]:
    """The panel of a recipe with these teachers."""
    given = [{"timeout_seconds": 10, **options} for options in teachers]
    made = Recipe.model_validate({"name": "set", "teacher": given, **recipe})
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(home))
        claims = stack.enter_context(Claims(home))
        yield make_panel(made, stack=stack, journal=journal, claims=claims, offline=offline)


async def collect(panel: Panel, requests: Requests) -> list[TeacherReply]:
    """Ask all at once; hanging is an error."""
    async with asyncio.timeout(_SECONDS), panel.opened():
        return [reply async for reply in panel.ask(requests)]


def ask(panel: Panel, requests: Requests) -> list[TeacherReply]:
    """The same from code that is not asynchronous."""
    return asyncio.run(collect(panel, requests))


def question(number: object, **more: Any) -> TeacherRequest:
    """A chat request that names its number."""
    turns = [{"role": "user", "content": f"Question {number} about walnuts"}]
    return TeacherRequest("chat/completions", {"messages": turns, "max_tokens": 64, **more})


def questions(*span: int) -> list[TeacherRequest]:
    """Several, numbered as in `range`."""
    return [question(number) for number in range(*span)]


def number_in(body: Mapping[str, Any]) -> str:
    """The number that a request's question names."""
    return str(body["messages"][-1]["content"]).split()[1]


def wanted_text(request: TeacherRequest) -> str:
    """What the fake teacher answers."""
    reply = good_reply("/v1/chat/completions", {"model": MODEL, **request.body})
    return str(reply["choices"][0]["message"]["content"])


def wanted_texts(requests: Sequence[TeacherRequest]) -> list[str]:
    """The same for several."""
    return [wanted_text(request) for request in requests]


def texts(replies: Sequence[TeacherReply]) -> list[str]:
    """What was answered."""
    return [reply.text for reply in replies]


def counts(panel: Panel) -> dict[str, int]:
    """Requests sent, replayed and failed."""
    return dict(panel.requests.model_dump())


def stored(home: Path) -> int:
    """Replies in the journal of `home`."""
    with Journal(home) as journal:
        return int(journal.totals()["replies"])


def claimed(home: Path) -> int:
    """Claims that nobody has given up."""
    with contextlib.closing(sqlite3.connect(home / "claims.sqlite")) as db:
        return int(db.execute("SELECT count(*) FROM claims").fetchone()[0])


def answer_earlier(panel: Panel, requests: Sequence[TeacherRequest]) -> None:
    """Put the replies into the journal as if a run had asked for them."""
    entries = []
    for request in requests:
        asked = panel.teachers[0].prepare(request)
        reply = good_reply(f"/v1/{request.endpoint}", asked.body)
        usage = reply["usage"]
        entries.append(
            JournalEntry(
                key=asked.key,
                base_url=panel.teachers[0].identity.base_url,
                endpoint=request.endpoint,
                model=MODEL,
                sample=request.sample,
                request=asked.text,
                status=200,
                body=json.dumps(reply),
                prompt_tokens=usage["prompt_tokens"],
                completion_tokens=usage["completion_tokens"],
                cost_usd=0.0,
                seconds=0.0,
                dataset="set",
            )
        )
    panel._journal.put(*entries)


def dead_url() -> str:
    """An address where nobody listens."""
    with FakeTeacher() as gone:
        return gone.base_url


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    real = client_module._wait_seconds
    monkeypatch.setattr(client_module, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


@pytest.fixture
def other() -> Iterator[FakeTeacher]:
    """A second teacher that answers well."""
    with FakeTeacher() as running:
        yield running


# Who answers


def test_questions_are_shared_out_by_weight_and_the_same_every_time(tmp_path: Path) -> None:
    number, weights = 600, (3.0, 0.5, 1.5)
    requests = questions(number)
    with ExitStack() as stack:
        servers = [stack.enter_context(FakeTeacher()) for _ in weights]
        given = [
            server.options(weight=weight) for server, weight in zip(servers, weights, strict=True)
        ]
        with opened(tmp_path / "one", *given) as panel:
            first = ask(panel, requests)
        assert texts(first) == wanted_texts(requests)
        shares = Counter(reply.teacher for reply in first)
        assert [shares[place] for place in range(3)] == [len(server.received) for server in servers]
        for place, weight in enumerate(weights):
            share = weight / sum(weights)
            # Five standard deviations: one run in a million is outside.
            margin = 5 * math.sqrt(number * share * (1 - share))
            assert abs(shares[place] - number * share) <= margin
        # In another home, in another order, one at a time: who answers a question stays.
        again = [{**options, "max_in_flight": 1} for options in given]
        with opened(tmp_path / "two", *again) as panel:
            second = ask(panel, requests[39::-1])
        assert [reply.teacher for reply in second] == [reply.teacher for reply in first[39::-1]]


def test_a_teacher_without_weight_only_steps_in(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    given = [other.options(weight=0, max_attempts=1), teacher.options(max_attempts=1)]
    with opened(tmp_path / "calm", *given) as panel:
        assert {reply.teacher for reply in ask(panel, questions(40))} == {1}
    assert other.received == []
    teacher.choose_fault = lambda body: "500" if number_in(body) in ("3", "7") else None
    with opened(tmp_path / "rough", *given) as panel:
        replies = ask(panel, questions(40))
        assert panel.had_passing_fault is False
    assert texts(replies) == wanted_texts(questions(40))
    assert [place for place, reply in enumerate(replies) if reply.teacher == 0] == [3, 7]
    assert sorted(number_in(item.body) for item in other.received) == ["3", "7"]


@pytest.mark.parametrize(("trouble", "asked"), [("503", 20), ("html", 20), ("reset", 1)])
def test_others_step_in_for_a_teacher_that_is_down(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path, trouble: str, asked: int
) -> None:
    """Twenty failures in a row open the breaker; one does where nobody has answered yet."""
    given = [teacher.options(max_attempts=1, max_in_flight=4), other.options()]
    teacher.always = trouble
    requests = questions(120)
    with opened(tmp_path, *given) as panel:
        replies = ask(panel, requests)
        assert texts(replies) == wanted_texts(requests)
        assert {reply.teacher for reply in replies} == {1}
        assert panel.had_passing_fault is False
        assert asked <= len(teacher.received) <= asked + 3  # what was under way then
        assert panel.errors.total() == len(teacher.received)
    assert len(other.received) == 120
    # The first one is healthy again, and still nothing is paid for twice.
    teacher.always = None
    with opened(tmp_path, *given) as panel:
        again = ask(panel, requests)
        assert counts(panel) == {"sent": 0, "replayed": 120, "failed": 0}
    assert [replace(reply, replayed=False) for reply in again] == replies


def test_others_step_in_for_a_teacher_that_nobody_can_reach(
    other: FakeTeacher, tmp_path: Path
) -> None:
    gone = {"base_url": dead_url(), "model": MODEL, "max_attempts": 1}
    requests = questions(60)
    with opened(tmp_path, gone, other.options()) as panel:
        replies = ask(panel, requests)
        assert texts(replies) == wanted_texts(requests)
        assert {reply.teacher for reply in replies} == {1}
        assert set(panel.teachers[0].errors) == {"connection"}
    with opened(tmp_path, gone, other.options()) as panel:
        assert [item.teacher for item in ask(panel, requests)] == [1] * 60
        assert counts(panel) == {"sent": 0, "replayed": 60, "failed": 0}
    assert len(other.received) == 60


def test_the_third_steps_in_for_the_first_two(other: FakeTeacher, tmp_path: Path) -> None:
    with FakeTeacher(always="503") as one, FakeTeacher(always="500") as two:
        given = [one.options(max_attempts=1), two.options(max_attempts=2), other.options(weight=0)]
        with opened(tmp_path, *given) as panel:
            replies = ask(panel, questions(100))
            assert set(panel.teachers[0].errors) == {"http_503"}
            assert set(panel.teachers[1].errors) == {"http_500"}
    assert texts(replies) == wanted_texts(questions(100))
    assert {reply.teacher for reply in replies} == {2}


def test_others_step_in_for_a_teacher_whose_budget_is_used_up(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    given = [teacher.options(budget={"requests": 5}), other.options()]
    requests = questions(60)
    with opened(tmp_path, *given) as panel:
        replies = ask(panel, requests)
    assert texts(replies) == wanted_texts(requests)
    assert Counter(reply.teacher for reply in replies) == {0: 5, 1: 55}
    assert (len(teacher.received), len(other.received)) == (5, 55)
    with opened(tmp_path, *given) as panel:
        again = ask(panel, [*requests, *questions(100, 140)])
        assert counts(panel) == {"sent": 40, "replayed": 60, "failed": 0}
    assert [reply.teacher for reply in again[:60]] == [reply.teacher for reply in replies]
    assert len(teacher.received) == 5  # what it was paid in the first run counts


def test_the_budget_of_the_run_is_for_all_teachers(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    given = [teacher.options(), other.options()]
    with (
        opened(tmp_path, *given, budget={"requests": 20}) as panel,
        pytest.raises(BudgetError, match=r"within budget\.requests = 20, .*\(20 requests spent\)"),
    ):
        ask(panel, questions(60))
    assert len(teacher.received) + len(other.received) == 20
    assert stored(tmp_path) == 20


def test_a_wrong_key_of_one_teacher_stops_the_run(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = "401"
    other.latency_seconds = 0.2
    wrong = teacher.options(api_key_env="FIRST_KEY", max_in_flight=1)
    with (
        opened(tmp_path, wrong, other.options(max_in_flight=3)) as panel,
        pytest.raises(InputError) as caught,
    ):
        ask(panel, questions(60))
    assert str(caught.value) == (
        f"expected a valid key in $FIRST_KEY, got HTTP 401 from {MODEL} at {teacher.base_url}: "
        "set the variable to a key of that teacher"
    )
    assert len(teacher.received) == 1
    # The dearer teacher is not asked instead; what was under way there is kept.
    assert stored(tmp_path) == len(other.received) <= 3


def test_several_that_are_down_are_one_error(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = other.always = "503"
    given = [teacher.options(max_attempts=1), other.options(max_attempts=1)]
    with opened(tmp_path, *given) as panel, pytest.raises(RunError) as caught:
        ask(panel, questions(100))
    line = str(caught.value)
    assert "20 failures in a row" in line
    assert line.startswith("expected answers, got 'HTTP 503: ")
    assert sum(server.base_url in line for server in (teacher, other)) == 1
    assert "\n" not in line


def test_a_used_up_budget_is_named_before_a_teacher_that_is_down(
    other: FakeTeacher, tmp_path: Path
) -> None:
    gone = {"base_url": dead_url(), "model": MODEL, "max_attempts": 1, "weight": 0}
    given = [gone, other.options(budget={"requests": 9})]
    with opened(tmp_path, *given) as panel, pytest.raises(BudgetError) as caught:
        ask(panel, questions(100))
    assert "within teacher.1.budget.requests = 9" in str(caught.value)
    assert caught.value.exit_code == 3
    assert stored(tmp_path) == 9


def test_a_question_that_one_teacher_fails_is_no_reason_to_give_up_the_others(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    """One question that every teacher fails is a reject; the others are answered."""
    teacher.choose_fault = other.choose_fault = lambda body: (
        "500" if number_in(body) == "5" else None
    )
    given = [teacher.options(max_attempts=2), other.options(max_attempts=2)]
    with opened(tmp_path, *given) as panel:
        replies = ask(panel, questions(30))
        assert panel.had_passing_fault is True
    assert [place for place, reply in enumerate(replies) if reply.error is not None] == [5]
    assert len(teacher.received) + len(other.received) == 29 + 4
    assert claimed(tmp_path) == 0


@pytest.mark.parametrize("weight", [0, 1])  # it turns out to be down; it is known to be
def test_a_question_that_fails_is_a_reject_although_another_teacher_is_down(
    teacher: FakeTeacher, tmp_path: Path, weight: int
) -> None:
    teacher.choose_fault = lambda body: "500" if number_in(body) == "5" else None
    teacher.choose_latency = lambda body: 0.3 if number_in(body) == "5" else 0.0
    gone = {"base_url": dead_url(), "model": MODEL, "max_attempts": 1, "weight": weight}
    with opened(tmp_path, teacher.options(max_attempts=1), gone) as panel:
        replies = ask(panel, questions(30))
    assert [place for place, reply in enumerate(replies) if reply.error is not None] == [5]


def test_offline_takes_the_reply_of_whoever_gave_it(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    given = [teacher.options(max_attempts=1), other.options()]
    teacher.choose_fault = lambda _: "500"
    with opened(tmp_path, *given) as panel:
        online = ask(panel, questions(10))
    sent = len(teacher.received) + len(other.received)
    with opened(tmp_path, *given, offline=True) as panel:
        offline = ask(panel, questions(10))
        assert [(item.teacher, item.text) for item in offline] == [
            (item.teacher, item.text) for item in online
        ]
        with pytest.raises(RunError, match=r"expected all 12 replies .* got 10 in"):
            ask(panel, questions(12))
    assert len(teacher.received) + len(other.received) == sent


# Order, and what waits for it


@pytest.mark.parametrize("seed", range(4))
def test_answers_come_in_the_order_of_the_questions(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    delays = {str(number): rng.choice([0, 0, rng.uniform(0, 0.06)]) for number in range(80)}
    faults = {str(number): rng.choice([None] * 9 + ["500", "429"]) for number in range(80)}
    for server in (teacher, other):
        server.choose_latency = lambda body: delays[number_in(body)]
    teacher.choose_fault = lambda body: faults.pop(number_in(body), None)
    given = [teacher.options(max_in_flight=rng.choice([1, 5, 64])), other.options()]
    with opened(tmp_path, *given) as panel:
        assert texts(ask(panel, questions(80))) == wanted_texts(questions(80))


def test_one_that_takes_long_holds_up_nobody(teacher: FakeTeacher, tmp_path: Path) -> None:
    """The first answer comes when the server has seen all others, and would wait 20 s for them."""
    others_came = threading.Event()

    def wait(body: Mapping[str, Any]) -> float:
        if number_in(body) != "0":
            return 0.0
        assert others_came.wait(20)
        return 0.2

    def count(body: Mapping[str, Any]) -> None:
        if len(teacher.received) >= 300:  # this one is not in it yet
            others_came.set()

    teacher.choose_latency, teacher.choose_fault = wait, count
    requests = questions(301)
    started = time.monotonic()
    with opened(tmp_path, teacher.options(max_in_flight=4)) as panel:
        assert texts(ask(panel, requests)) == wanted_texts(requests)
    assert time.monotonic() - started < 10


async def held(panel: Panel, requests: Requests, look: Any) -> list[TeacherReply]:
    """Ask, and have `look` see every few milliseconds what waits for its turn."""

    async def watch() -> None:
        while True:
            for stream in panel._streams:
                look(stream.done)
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    try:
        return await collect(panel, requests)
    finally:
        watching.cancel()


def test_what_waits_for_its_turn_waits_in_the_journal(teacher: FakeTeacher, tmp_path: Path) -> None:
    """5,000 answers are there before the first one: a tenth of them is held in memory."""
    all_came = threading.Event()
    most_objects = most = 0

    def look(done: Mapping[int, object]) -> None:
        nonlocal most, most_objects
        objects = sum(isinstance(found, TeacherReply) for found in done.values())
        most_objects, most = max(most_objects, objects), max(most, len(done))
        if most >= 5_000:
            all_came.set()

    def wait(body: Mapping[str, Any]) -> float:
        assert all_came.wait(20)
        return 0.0

    teacher.choose_latency = wait
    requests = questions(5_001)
    with opened(tmp_path, teacher.options()) as panel:
        answer_earlier(panel, requests[1:])
        replies = asyncio.run(held(panel, requests, look))
        assert counts(panel) == {"sent": 1, "replayed": 5_000, "failed": 0}
    assert texts(replies) == wanted_texts(requests)
    assert most >= 5_000
    assert most_objects <= 500 + 1  # and the first one, when it comes


def test_fresh_answers_wait_in_the_journal_too(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_KEPT", 20)
    all_came = threading.Event()
    most_objects = 0

    def look(done: Mapping[int, object]) -> None:
        nonlocal most_objects
        objects = sum(isinstance(found, TeacherReply) for found in done.values())
        most_objects = max(most_objects, objects)
        if len(done) == 300:
            all_came.set()

    def wait(body: Mapping[str, Any]) -> float:
        if number_in(body) == "0":
            assert all_came.wait(20)
        return 0.0

    teacher.choose_latency = wait
    teacher.choose_fault = lambda body: "400" if number_in(body) == "250" else None
    requests = questions(301)
    with opened(tmp_path, teacher.options()) as panel:
        replies = asyncio.run(held(panel, requests, look))
    wanted = wanted_texts(requests)
    assert texts(replies) == [*wanted[:250], "", *wanted[251:]]
    assert replies[250].error is not None
    assert replies[250].error.startswith("HTTP 400: ")
    assert not any(reply.replayed for reply in replies)
    assert most_objects <= 20 + 1


def test_a_replayed_answer_that_waited_is_still_a_replayed_one(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    requests = questions(900)
    teacher.latency_seconds = 0.3
    with opened(tmp_path, teacher.options()) as panel:
        answer_earlier(panel, requests[1:])
        replies = ask(panel, requests)
    assert [reply.replayed for reply in replies] == [False, *[True] * 899]


def test_questions_wait_where_nobody_takes_the_answers(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """A source of millions is not read faster than its answers are used."""
    read = 0

    def source() -> Iterator[TeacherRequest]:
        nonlocal read
        for request in requests:
            read += 1
            yield request

    async def run() -> list[int]:
        seen: list[int] = []
        async with asyncio.timeout(_SECONDS), panel.opened():
            async for _ in panel.ask(source()):
                if len(seen) % 1_000 == 0:
                    await asyncio.sleep(0.1)  # the source could be read to its end meanwhile
                seen.append(read)
        return seen

    requests = questions(3_000)
    with opened(tmp_path, teacher.options()) as panel:
        answer_earlier(panel, requests)
        seen = asyncio.run(run())
    assert len(seen) == 3_000
    assert max(ahead - done for done, ahead in enumerate(seen)) <= 500 + 2 * 200


# Sources


async def in_groups(groups: Sequence[Sequence[TeacherRequest]]) -> AsyncIterator[Any]:
    for group in groups:
        await asyncio.sleep(0)
        yield group


def test_questions_may_come_in_groups_of_any_size(teacher: FakeTeacher, tmp_path: Path) -> None:
    requests = questions(33)
    groups = [[], requests[:1], [], requests[1:30], requests[30:], []]
    with opened(tmp_path, teacher.options()) as panel:
        assert texts(ask(panel, in_groups(groups))) == wanted_texts(requests)
        assert ask(panel, in_groups([])) == ask(panel, in_groups([[]])) == ask(panel, []) == []
        assert counts(panel) == {"sent": 33, "replayed": 0, "failed": 0}


@pytest.mark.parametrize("in_flight", [1, 2, 64])
def test_answers_may_be_asked_about_while_others_come(
    teacher: FakeTeacher, tmp_path: Path, in_flight: int
) -> None:
    """As in generation: each answer raises two questions, put to the same teacher meanwhile."""
    rng = random.Random(in_flight)
    teacher.choose_latency = lambda _: rng.uniform(0, 0.01)

    def follow_up(reply: TeacherReply) -> list[TeacherRequest]:
        return [question(f"{part}: {reply.text}") for part in "ab"]

    async def run() -> tuple[list[TeacherReply], list[TeacherReply]]:
        first: list[TeacherReply] = []

        async def source() -> AsyncIterator[list[TeacherRequest]]:
            async for reply in panel.ask(questions(15)):
                first.append(reply)
                yield follow_up(reply)

        async with asyncio.timeout(_SECONDS), panel.opened():
            return [reply async for reply in panel.ask(source())], first

    with opened(tmp_path, teacher.options(max_in_flight=in_flight)) as panel:
        second, first = asyncio.run(run())
        assert counts(panel) == {"sent": 45, "replayed": 0, "failed": 0}
    assert texts(first) == wanted_texts(questions(15))
    wanted = [request for reply in first for request in follow_up(reply)]
    assert texts(second) == wanted_texts(wanted)
    assert teacher.in_flight_max <= in_flight


def test_a_source_that_fails_ends_the_asking(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.latency_seconds = 0.1

    async def source() -> AsyncIterator[list[TeacherRequest]]:
        yield questions(3)
        await asyncio.sleep(0.05)
        yield questions(3, 6)
        raise ZeroDivisionError

    with opened(tmp_path, teacher.options()) as panel, pytest.raises(ZeroDivisionError):
        ask(panel, source())
    assert stored(tmp_path) == len(teacher.received) >= 3
    assert claimed(tmp_path) == 0


def test_a_failure_behind_a_question_reaches_who_waits_for_its_answers(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """The outer asking fails inside the source of the inner one."""
    teacher.choose_fault = lambda body: "401" if number_in(body) == "3" else None

    async def run() -> None:
        async def source() -> AsyncIterator[list[TeacherRequest]]:
            async for reply in panel.ask(questions(6)):
                yield [question(f"about {reply.text}")]

        async with asyncio.timeout(_SECONDS), panel.opened():
            async for _ in panel.ask(source()):
                pass

    with opened(tmp_path, teacher.options()) as panel, pytest.raises(InputError, match="HTTP 401"):
        asyncio.run(run())
    assert stored(tmp_path) == len(teacher.received) - 1


# Those who leave early


def test_who_stops_early_loses_nothing_that_is_paid_for(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.choose_latency = lambda body: 0.2 if int(number_in(body)) > 4 else 0.0

    async def run() -> list[TeacherReply]:
        async with asyncio.timeout(_SECONDS), panel.opened():
            replies = panel.ask(questions(100))
            found = [await anext(replies) for _ in range(3)]
            await replies.aclose()  # type: ignore[attr-defined]
        return found

    started = time.monotonic()
    with opened(tmp_path, teacher.options(max_in_flight=8)) as panel:
        assert texts(asyncio.run(run())) == wanted_texts(questions(3))
    assert time.monotonic() - started < 5
    assert stored(tmp_path) == len(teacher.received) <= 8 + 5
    assert claimed(tmp_path) == 0


@pytest.mark.parametrize("leaves", ["raises", "is cancelled"])
def test_what_is_under_way_is_kept_when_the_user_of_the_answers(
    teacher: FakeTeacher, tmp_path: Path, leaves: str
) -> None:
    teacher.latency_seconds = 0.3

    async def use() -> None:
        async with panel.opened():
            async for _ in panel.ask(questions(50)):
                if leaves == "raises":
                    raise ZeroDivisionError

    async def run() -> None:
        async with asyncio.timeout(_SECONDS):
            using = asyncio.create_task(use())
            while len(teacher.received) < 8:
                await asyncio.sleep(0.01)
            if leaves == "is cancelled":
                using.cancel()
            await using

    wanted = ZeroDivisionError if leaves == "raises" else asyncio.CancelledError
    started = time.monotonic()
    with opened(tmp_path, teacher.options(max_in_flight=8)) as panel:
        with pytest.raises(wanted):
            asyncio.run(run())
        assert panel.teachers[0].limiter.in_flight == 0
    assert time.monotonic() - started < 5
    assert stored(tmp_path) == len(teacher.received) <= 16
    assert claimed(tmp_path) == 0


def test_what_takes_too_long_after_an_interrupt_is_given_up(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "_GRACE", 0.4)
    teacher.choose_fault = lambda body: "hang" if number_in(body) == "1" else None
    teacher.latency_seconds = 0.1

    async def run() -> None:
        using = asyncio.create_task(collect(panel, questions(4)))
        while len(teacher.received) < 4:
            await asyncio.sleep(0.01)
        using.cancel()
        await using

    started = time.monotonic()
    with opened(tmp_path, teacher.options()) as panel, pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert time.monotonic() - started < 3
    assert stored(tmp_path) == 3
    assert claimed(tmp_path) == 0


def test_a_panel_that_is_opened_for_nothing(teacher: FakeTeacher, tmp_path: Path) -> None:
    async def run() -> None:
        async with panel.opened():
            pass

    with opened(tmp_path, teacher.options()) as panel, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        asyncio.run(run())
        gc.collect()
    assert [str(warning.message) for warning in said if "awaited" in str(warning.message)] == []


def test_an_error_of_ours_stops_the_run_instead_of_hanging_it(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client_module, "read_reply", fail)
    with (
        opened(tmp_path, teacher.options()) as panel,
        pytest.raises(RunError, match="unexpected ZeroDivisionError while asking"),
    ):
        ask(panel, questions(5))
    assert stored(tmp_path) == len(teacher.received)


def test_the_trace_of_an_error_of_ours_reaches_the_command_line(
    teacher: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client_module, "read_reply", fail)
    with opened(tmp_path, teacher.options()) as panel, pytest.raises(Exception) as caught:  # noqa: PT011
        ask(panel, questions(5))
    chain = [caught.value, caught.value.__cause__]
    assert [type(error) for error in chain if isinstance(error, ZeroDivisionError)]
    assert caplog.text == ""


def test_the_failure_that_ends_a_teacher_counts_as_one(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = "503"
    with opened(tmp_path, teacher.options(max_attempts=1, max_in_flight=1)) as panel:
        with pytest.raises(RunError, match="20 failures in a row"):
            ask(panel, questions(30))
        assert counts(panel) == {"sent": 20, "replayed": 0, "failed": 20}


def test_a_panel_can_be_opened_again(teacher: FakeTeacher, tmp_path: Path) -> None:
    """Generation opens it once a generator, each time in an event loop of its own."""
    with opened(tmp_path, teacher.options()) as panel:
        for round_ in range(3):
            requests = questions(0, 10 * (round_ + 1))
            assert texts(ask(panel, requests)) == wanted_texts(requests)
        # What a later round reads again is not counted again.
        assert counts(panel) == {"sent": 30, "replayed": 0, "failed": 0}


# The same question more than once


def test_the_same_question_is_sent_once(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.latency_seconds = 0.05
    requests = [question(0), question(1), *[question(0)] * 8, question(2), question(0)]
    with opened(tmp_path, teacher.options()) as panel:
        replies = ask(panel, requests)
        assert counts(panel) == {"sent": 3, "replayed": 9, "failed": 0}
    assert texts(replies) == wanted_texts(requests)
    assert len(teacher.received) == 3


def test_the_same_question_in_several_groups_is_sent_once(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """Waiting to be sent, under way, and answered already."""

    async def source() -> AsyncIterator[list[TeacherRequest]]:
        yield [question(0)]
        yield [question(0), question(1), question(0)]
        await asyncio.sleep(0.03)
        yield [question(0)]
        await asyncio.sleep(0.4)
        yield [question(0), question(1)]

    teacher.latency_seconds = 0.1
    with opened(tmp_path, teacher.options()) as panel:
        replies = ask(panel, source())
    assert texts(replies) == wanted_texts([question(number) for number in (0, 0, 1, 0, 0, 0, 1)])
    assert len(teacher.received) == 2


def test_the_same_question_fails_for_all_who_asked_it(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.choose_fault = lambda body: "500" if number_in(body) == "0" else None
    requests = [question(0), question(1), question(0), question(0)]
    with opened(tmp_path, teacher.options(max_attempts=1)) as panel:
        replies = ask(panel, requests)
        assert counts(panel) == {"sent": 2, "replayed": 0, "failed": 1}
    assert [reply.error is None for reply in replies] == [False, True, False, False]


def test_two_runs_at_once_pay_for_each_question_once(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.latency_seconds = 0.01
    requests = questions(200)
    found: dict[int, list[TeacherReply]] = {}
    sent: dict[int, dict[str, int]] = {}
    start = threading.Barrier(2)

    def run(number: int) -> None:
        mine = requests if number == 0 else requests[::-1]
        with opened(tmp_path, teacher.options(max_in_flight=8)) as panel:
            start.wait()

            async def source() -> AsyncIterator[list[TeacherRequest]]:
                for place in range(0, 200, 20):
                    yield mine[place : place + 20]
                    await asyncio.sleep(0.01)

            found[number] = ask(panel, source())
            sent[number] = counts(panel)

    threads = [threading.Thread(target=run, args=[number]) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts(found[0]) == wanted_texts(requests)
    assert texts(found[1]) == wanted_texts(requests[::-1])
    assert set(Counter(item.key for item in teacher.received).values()) == {1}
    assert [sent[number]["sent"] + sent[number]["replayed"] for number in (0, 1)] == [200, 200]
    assert sent[0]["sent"] + sent[1]["sent"] == len(teacher.received) == 200
    assert min(sent[number]["sent"] for number in (0, 1)) > 0
    assert claimed(tmp_path) == 0


CHILD = """
import sys
from pathlib import Path
from tests.flows.teachers.test_panel import ask, opened, questions
teacher = {"base_url": sys.argv[2], "model": "fake-teacher", "max_in_flight": 4}
with opened(Path(sys.argv[1]), teacher, budget={"requests": 1_000}, name="killed") as panel:
    ask(panel, questions(60))
"""


@contextmanager
def killed_half_way(home: Path, server: FakeTeacher) -> Iterator[threading.Thread]:
    """A run in a process of its own, from its first request; the thread kills it a little later."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), server.base_url],
        cwd=ROOT,
        env=child_environment(),
    )

    def kill() -> None:
        while len(server.received) < 21 and child.poll() is None:
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()

    killer = threading.Thread(target=kill)
    deadline = time.monotonic() + 60
    while not server.received and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    killer.start()
    yield killer
    killer.join()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_what_a_killed_run_was_asking_is_taken_over(teacher: FakeTeacher, tmp_path: Path) -> None:
    """By a run of another dataset that is there already: the killed one has claimed all."""
    teacher.latency_seconds = 0.05
    with (
        killed_half_way(tmp_path, teacher),
        opened(tmp_path, teacher.options(), name="other") as panel,
    ):
        replies = ask(panel, questions(60))
        sent = counts(panel)["sent"]
    assert texts(replies) == wanted_texts(questions(60))
    times = Counter(item.key for item in teacher.received)
    assert len(times) == 60
    # Only what was under way when it died is asked again.
    assert sum(times.values()) - 60 <= 4
    assert 60 - 21 - 4 <= sent <= 60 - 17


@pytest.mark.slow
def test_what_a_killed_run_had_sent_counts_in_the_next_one(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.latency_seconds = 0.05
    with killed_half_way(tmp_path, teacher) as killer:
        killer.join()
    received = len(teacher.received)
    answered = stored(tmp_path)
    assert received - 4 <= answered < received
    given: dict[str, Any] = {"budget": {"requests": 1_000}, "name": "killed"}
    with opened(tmp_path, teacher.options(), **given) as panel:
        budget = panel.teachers[0].purse._budgets[0]
        assert received <= budget.spent.requests <= answered + 4
        assert texts(ask(panel, questions(60))) == wanted_texts(questions(60))
        assert counts(panel) == {"sent": 60 - answered, "replayed": answered, "failed": 0}
        spent = budget.spent
    # And once only, in the one after that.
    with opened(tmp_path, teacher.options(), **given) as panel:
        assert panel.teachers[0].purse._budgets[0].spent.requests == spent.requests


@pytest.mark.parametrize("place", [0, 1_234])
def test_one_row_more_asks_for_one_reply_more(
    teacher: FakeTeacher, tmp_path: Path, place: int
) -> None:
    known = questions(2_000)
    requests = [*known[:place], question("new"), *known[place:]]
    with opened(tmp_path, teacher.options()) as panel:
        answer_earlier(panel, known)
        replies = ask(panel, requests)
        assert counts(panel) == {"sent": 1, "replayed": 2_000, "failed": 0}
    assert texts(replies) == wanted_texts(requests)
    assert [number_in(item.body) for item in teacher.received] == ["new"]


# Answers that their limit cut


def short(number: int, *, may_grow: bool = True) -> TeacherRequest:
    return replace(question(number, max_tokens=5), may_grow=may_grow)


def test_a_cut_answer_is_asked_for_once_more_with_a_larger_limit(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    requests = [short(0), short(1, may_grow=False), short(2), question(3), short(0)]
    grown = [question(0), short(1), question(2), question(3), question(0)]
    given = teacher.options(max_tokens_if_cut=64)
    with opened(tmp_path, given) as panel:
        replies = ask(panel, requests)
        assert panel.requests.sent == 6  # the fifth asks the same as the first
    assert texts(replies) == wanted_texts(grown)
    assert [reply.finish_reason for reply in replies] == ["stop", "length", "stop", "stop", "stop"]
    limits = Counter((number_in(item.body), item.body["max_tokens"]) for item in teacher.received)
    assert limits == {
        ("0", 5): 1,
        ("0", 64): 1,
        ("1", 5): 1,
        ("2", 5): 1,
        ("2", 64): 1,
        ("3", 64): 1,
    }
    with opened(tmp_path, given) as panel:
        assert texts(ask(panel, requests)) == texts(replies)
        assert panel.requests.sent == 0
    with opened(tmp_path, given, offline=True) as panel:
        assert texts(ask(panel, requests)) == texts(replies)


@pytest.mark.parametrize(("limit", "sent"), [(None, 1), (4, 1), (5, 1), (6, 2)])
def test_an_answer_is_asked_for_again_only_with_more(
    teacher: FakeTeacher, tmp_path: Path, limit: int | None, sent: int
) -> None:
    with opened(tmp_path, teacher.options(max_tokens_if_cut=limit)) as panel:
        reply = ask(panel, [short(0)])[0]
    assert len(teacher.received) == sent
    # One that is cut again stays as it is.
    wanted = question(0, max_tokens=6) if sent == 2 else short(0)
    assert (reply.text, reply.finish_reason) == (wanted_text(wanted), "length")


def test_the_one_who_was_cut_is_asked_again(
    teacher: FakeTeacher, other: FakeTeacher, tmp_path: Path
) -> None:
    given = [teacher.options(), other.options(max_tokens_if_cut=64)]
    requests = [short(number) for number in range(40)]
    with opened(tmp_path, *given) as panel:
        replies = ask(panel, requests)
    for number, reply in enumerate(replies):
        wanted = question(number) if reply.teacher == 1 else short(number)
        assert reply.text == wanted_text(wanted)
    assert len(other.received) == 2 * sum(reply.teacher for reply in replies) > 0
    assert len(teacher.received) == 40 - len(other.received) // 2
