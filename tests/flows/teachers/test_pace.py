"""How fast and how many at once: what the recipe allows, and what the server asks for."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.teachers import client as client_module
from flows.teachers.pace import Bucket, Limiter, exhausted_for, retry_after
from flows.teachers.panel import Panel
from schemas.errors import InputError, RunError
from tests.flows.teachers.test_panel import (
    ask,
    counts,
    number_in,
    opened,
    question,
    questions,
    texts,
    wanted_texts,
)
from tests.support.fake_teacher import MODEL, FakeTeacher

_TLS = ssl.create_default_context()


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    real = client_module._wait_seconds
    monkeypatch.setattr(client_module, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


# What a server says


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 0.25 "}, 0.25),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(90, abs=2)


_dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Thu", "Xxx", ""]),
    st.integers(-1, 99),
    st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.integers(0, 10**6),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.one_of(st.sampled_from(["GMT", "", "-0000"]), st.integers(-(10**9), 10**9).map(str)),
)


@given(st.one_of(st.text(max_size=30), st.floats().map(str), _dates))
def test_no_header_is_a_crash(text: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        found = retry_after({name: text})
        assert found is None or found >= 0
    headers = {"x-ratelimit-remaining-requests": text, "x-ratelimit-reset-requests": text}
    exhausted = exhausted_for(headers, tokens=10)
    assert exhausted is None or exhausted >= 0


def test_no_date_is_a_crash() -> None:
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 00:00:00 +9999999999999999"}) is None


@pytest.mark.parametrize(
    ("left", "reset", "seconds"),
    [
        ("0", "1s", 1.0),
        ("0", "6m0s", 360.0),
        ("0", "120ms", 0.12),
        ("0", "1h2m3.5s", 3723.5),
        ("0", "2.5", 2.5),
        ("0", "-3", 0.0),
        ("0", "", None),
        ("0", "later", None),
        ("1", "1s", None),
        ("many", "1s", None),
    ],
)
def test_how_long_a_count_of_requests_is_exhausted(
    left: str, reset: str, seconds: float | None
) -> None:
    headers = {"x-ratelimit-remaining-requests": left, "x-ratelimit-reset-requests": reset}
    assert exhausted_for(headers, tokens=100) == seconds


def test_tokens_are_exhausted_below_what_a_request_takes() -> None:
    headers = {"x-ratelimit-remaining-tokens": "99", "x-ratelimit-reset-tokens": "2s"}
    assert exhausted_for(headers, tokens=99) is None
    assert exhausted_for(headers, tokens=100) == 2.0
    both = {
        **headers,
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "500ms",
    }
    assert exhausted_for(both, tokens=100) == 2.0
    assert exhausted_for(both, tokens=10) == 0.5


# Token buckets


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        patch.setattr(time, "monotonic", lambda: self.now)

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), min_size=1, max_size=60))
def test_no_more_leaves_a_bucket_than_its_rate(taken: list[tuple[int, int]]) -> None:
    """One after another, each giving back what it did not need."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        patch.setattr(asyncio, "sleep", clock.sleep)
        started, used = clock.now, 0
        bucket = Bucket(6_000)
        for worst, true in taken:
            waiting = bucket.wait(worst)
            with pytest.raises(StopIteration):
                waiting.send(None)
            # All that left before has had its time.
            assert used <= (clock.now - started) * 100 + 1e-6
            used += min(worst, true)
            bucket.give_back(worst - min(worst, true))


def test_a_bucket_without_a_rate_lets_all_through() -> None:
    async def run() -> None:
        bucket = Bucket(None)
        for _ in range(1_000):
            await bucket.wait(10**9)
            bucket.give_back(1)

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 1


async def _warm(panel: Panel, number: int) -> float:
    """Ask one to open the connections, then many; return the start of the many."""
    async with asyncio.timeout(30), panel.opened():
        assert [reply.error async for reply in panel.ask([question("warm")])] == [None]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        assert [reply.error async for reply in panel.ask(questions(number))] == [None] * number
        return started


def test_requests_per_minute_are_kept_within_five_percent(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    number, rate = 100, 100
    with opened(tmp_path, teacher.options(requests_per_minute=60 * rate)) as panel:
        started = asyncio.run(_warm(panel, number))
    arrivals = sorted(item.at for item in teacher.received[1:])
    # By any moment, no more than the rate allows, and one.
    for place, arrival in enumerate(arrivals):
        assert place <= rate * (arrival - started) * 1.05
    # As fast as that, too; a busy machine may take a little longer.
    assert arrivals[-1] - started <= (number - 1) / rate * 1.05 + 0.5


def test_tokens_per_minute_are_kept_within_five_percent(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    # A busy machine is slower than the pace, never faster: the quickest of three says what it is.
    for attempt in range(3):
        teacher.received.clear()
        surplus = _time_beyond_the_pace(teacher, tmp_path / str(attempt))
        if surplus <= 0:
            break
    assert surplus <= 0


def _time_beyond_the_pace(teacher: FakeTeacher, home: Path) -> float:
    """Ask at a rate of tokens; return by how many seconds that took longer than it may."""
    number, rate = 60, 3_000
    options = teacher.options(tokens_per_minute=60 * rate, max_in_flight=4)
    with opened(home, options) as panel:
        worst = panel.teachers[0].meter.worst(
            panel.teachers[0].prepare(question(10)).body,
            panel.teachers[0].prepare(question(10)).text,
        )
        started = asyncio.run(_warm(panel, number))
    used = 0
    for item in sorted(teacher.received[1:], key=lambda item: item.at):
        assert used <= rate * (item.at - started) * 1.05
        used += item.prompt_tokens + item.completion_tokens
    elapsed = max(item.at for item in teacher.received) - started
    # What was set aside and not needed is given back: it is not the worst case that sets the pace.
    assert used < number * worst.tokens / 3
    return elapsed - (used / rate * 1.05 + 4 * worst.tokens / rate + 0.5)


# How many at once


def test_a_limit_is_halved_once_a_round_and_recovers() -> None:
    limiter = Limiter(64)
    for wanted in (32, 16, 8, 4, 2, 1, 1):
        sent_at = time.monotonic()
        for _ in range(64):
            limiter.overloaded(sent_at)
        assert limiter.limit == wanted
        time.sleep(0.001)
    # One more for each round of good replies.
    for wanted in range(1, 64):
        for _ in range(wanted):
            limiter.succeeded()
        assert wanted <= limiter.limit <= wanted + 1
    for _ in range(1_000):
        limiter.succeeded()
    assert limiter.limit == 64


@given(st.integers(1, 100), st.lists(st.booleans(), max_size=200))
def test_a_limit_stays_between_one_and_the_most(most: int, replies: list[bool]) -> None:
    limiter = Limiter(most)
    for is_good in replies:
        if is_good:
            limiter.succeeded()
        else:
            limiter.overloaded(time.monotonic())
        assert 1 <= limiter.limit <= most


@given(
    st.integers(1, 8),
    st.lists(st.sampled_from(["good", "overload", "cancel"]), max_size=40),
)
def test_no_more_are_under_way_than_the_limit_and_nobody_waits_for_ever(
    most: int, fates: list[str]
) -> None:
    limiter = Limiter(most)

    async def work(fate: str) -> None:
        await limiter.acquire()
        try:
            assert limiter.in_flight <= most
            await asyncio.sleep(0)
            if fate == "good":
                limiter.succeeded()
            else:
                limiter.overloaded(time.monotonic())
        finally:
            limiter.release()

    async def run() -> None:
        tasks = [asyncio.create_task(work(fate)) for fate in fates]
        await asyncio.sleep(0)
        for task, fate in zip(tasks, fates, strict=True):
            if fate == "cancel":
                task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert limiter.in_flight == 0


def test_who_leaves_when_it_is_called_hands_its_turn_on() -> None:
    async def run() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        limiter.release()
        first.cancel()
        async with asyncio.timeout(0.2):
            await second

    asyncio.run(run())


def test_refusals_halve_the_limit_once_a_round_and_it_recovers(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """All 32 that leave together are refused: that is one sign, not 32."""
    seen: list[int] = []
    together = threading.Barrier(32)

    def fault(body: Mapping[str, Any]) -> str | None:
        seen.append(panel.teachers[0].limiter.limit)
        if len(seen) > 32:
            return None
        together.wait(10)
        return "429"

    teacher.choose_fault = fault
    requests = questions(300)
    with opened(tmp_path, teacher.options(max_in_flight=32, max_attempts=1)) as panel:
        replies = ask(panel, requests)
        # 429 is no attempt: with one allowed, all are answered.
        assert texts(replies) == wanted_texts(requests)
        assert counts(panel) == {"sent": 332, "replayed": 0, "failed": 0}
        assert panel.errors == {"http_429": 32}
        assert panel.had_passing_fault is False
        assert min(seen) == 16
        assert 16 < panel.teachers[0].limiter.limit <= 32
    assert teacher.in_flight_max <= 32


def test_a_server_with_few_places_gets_as_many_as_it_has(tmp_path: Path) -> None:
    requests = questions(200)
    with FakeTeacher(capacity=6, latency_seconds=0.02) as teacher:
        with opened(tmp_path, teacher.options(max_in_flight=48, max_attempts=1)) as panel:
            assert texts(ask(panel, requests)) == wanted_texts(requests)
            assert panel.requests.failed == 0
            assert panel.teachers[0].limiter.limit < 24
        refused = sum(item.fault == "429" for item in teacher.received)
        last = [item.in_flight for item in teacher.received[-60:]]
    assert teacher.in_flight_max <= 48
    assert max(last) < 24
    assert refused < 600


def gap_after(teacher: FakeTeacher, place: int) -> float:
    """Seconds between a request and the next one that arrived."""
    arrivals = sorted(item.at for item in teacher.received)
    return arrivals[place + 1] - arrivals[place]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (lambda: {"Retry-After": "0.4"}, 0.4),
        (lambda: {"retry-after-ms": "400"}, 0.4),
        # Dates count whole seconds: two from now are between one and two.
        (lambda: {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=2))}, 0.95),
    ],
)
def test_everybody_waits_as_long_as_the_server_asks(
    teacher: FakeTeacher, tmp_path: Path, headers: Callable[[], dict[str, str]], seconds: float
) -> None:
    """Four are under way when one is refused: the others end, and no further one leaves."""
    refused_at: list[float] = []

    def choose(body: Mapping[str, Any], fault: str | None) -> Mapping[str, str]:
        if fault is None:
            return {}
        refused_at.append(time.monotonic())
        return headers()

    teacher._script = iter([None, None, "429"])
    teacher.choose_headers = choose
    requests = questions(20)
    with opened(tmp_path, teacher.options(max_in_flight=4)) as panel:
        assert texts(ask(panel, requests)) == wanted_texts(requests)
    later = [item.at - refused_at[0] for item in teacher.received]
    # What was on its way when the answer was written needs a moment to arrive.
    assert [wait for wait in later if 0.1 < wait < seconds] == []
    assert max(later) >= seconds


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}, True),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "0.4"}, True),
        ({"x-ratelimit-remaining-tokens": "3", "x-ratelimit-reset-tokens": "400ms"}, True),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "400ms"}, False),
        ({"x-ratelimit-remaining-tokens": "9999", "x-ratelimit-reset-tokens": "9s"}, False),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "5h0m"}, False),
    ],
)
def test_nobody_asks_a_server_whose_own_count_is_exhausted(
    teacher: FakeTeacher, tmp_path: Path, headers: dict[str, str], pauses: bool
) -> None:
    """The count comes with a good answer; hours are not waited before a refusal comes."""
    teacher.choose_headers = lambda body, _: headers if number_in(body) == "4" else {}
    with opened(tmp_path, teacher.options(max_in_flight=1)) as panel:
        started = time.monotonic()
        assert texts(ask(panel, questions(10))) == wanted_texts(questions(10))
    assert (gap_after(teacher, 4) >= 0.39) is pauses
    assert time.monotonic() - started < 5
    assert len(teacher.received) == 10


# A server that refuses for ever


def test_refusals_for_long_are_one_error(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_PATIENCE", 0.4)
    teacher.always = "429"
    started = time.monotonic()
    with (
        opened(tmp_path, teacher.options(max_in_flight=8, max_attempts=2)) as panel,
        pytest.raises(RunError) as caught,
    ):
        ask(panel, questions(50))
    assert 0.4 <= time.monotonic() - started < 5
    line = str(caught.value)
    assert line.startswith("expected answers, got nothing but 'HTTP 429: ")
    assert f"from {MODEL} at {teacher.base_url}, which asks to wait 0 s: run the same" in line
    assert line.endswith("run the same command again later; what was answered is kept")


def test_one_who_asks_to_wait_for_hours_is_given_up_at_once(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = "429"
    teacher.choose_headers = lambda *_: {"Retry-After": "7200"}
    started = time.monotonic()
    with (
        opened(tmp_path, teacher.options(max_in_flight=4)) as panel,
        pytest.raises(RunError, match=r"which asks to wait 7,200 s: run the same command again"),
    ):
        ask(panel, questions(50))
    assert time.monotonic() - started < 3
    assert len(teacher.received) <= 4


def test_an_account_without_credit_is_given_up_at_once(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = "429:insufficient_quota"
    with (
        opened(tmp_path, teacher.options(max_in_flight=4)) as panel,
        pytest.raises(RunError, match="insufficient_quota"),
    ):
        ask(panel, questions(50))
    assert len(teacher.received) <= 4


def test_others_step_in_where_one_only_refuses(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_PATIENCE", 0.3)
    teacher.always = "429"
    with (
        FakeTeacher() as other,
        opened(tmp_path, teacher.options(), other.options()) as panel,
    ):
        replies = ask(panel, questions(60))
    assert texts(replies) == wanted_texts(questions(60))
    assert {reply.teacher for reply in replies} == {1}


def test_a_slow_server_with_few_places_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers take longer than the patience: refusals meanwhile are no reason to give it up."""
    monkeypatch.setattr(client_module, "_PATIENCE", 0.25)
    requests = questions(8)
    with (
        FakeTeacher(capacity=4, latency_seconds=0.5) as teacher,
        opened(tmp_path, teacher.options(max_in_flight=8)) as panel,
    ):
        assert texts(ask(panel, requests)) == wanted_texts(requests)


def test_a_503_that_asks_to_wait_for_days_is_no_reason_to_sleep_for_days(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.flows.teachers import test_panel

    monkeypatch.setattr(test_panel, "_SECONDS", 0.8)
    monkeypatch.setattr("flows.teachers.panel._GRACE", 0.1)
    teacher._script = iter([None, "503"])
    teacher.choose_headers = lambda body, fault: {"Retry-After": "864000"} if fault else {}
    with opened(tmp_path, teacher.options(max_in_flight=1, max_attempts=2)) as panel:
        ask(panel, questions(3))


# After a stop


@pytest.fixture
def refusing() -> Iterator[FakeTeacher]:
    """A teacher that knows no key."""
    with FakeTeacher(always="401") as running:
        yield running


_SENT_AFTER_STOP = (
    "client.py _attempt: requests that wait for the pace, a pause, room in the budget or their "
    "next attempt do not ask may_go_on when the wait is over; they are sent after the run stopped, "
    "and the run ends only when the last of them has been"
)


def test_who_waits_for_the_pace_is_not_sent_after_the_run_stopped(
    refusing: FakeTeacher, tmp_path: Path
) -> None:
    started = time.monotonic()
    with (
        opened(tmp_path, refusing.options(requests_per_minute=3000)) as panel,
        pytest.raises(InputError),
    ):
        ask(panel, questions(40))
    assert len(refusing.received) <= 5
    assert time.monotonic() - started < 0.7


def test_who_waits_for_room_in_the_budget_is_not_sent_after_the_run_stopped(
    refusing: FakeTeacher, tmp_path: Path
) -> None:
    refusing.latency_seconds = 0.05
    with (
        opened(tmp_path, refusing.options(), budget={"tokens": 500}) as panel,
        pytest.raises(InputError),
    ):
        ask(panel, questions(40))
    assert len(refusing.received) <= 3


def test_who_waits_for_the_next_attempt_is_not_sent_after_the_run_stopped(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_wait_seconds", lambda *_: 1.0)
    teacher.choose_fault = lambda body: "401" if number_in(body) == "3" else "500"
    teacher.choose_latency = lambda body: 0.2 if number_in(body) == "3" else 0.0
    with (
        opened(tmp_path, teacher.options(max_in_flight=4)) as panel,
        pytest.raises(InputError),
    ):
        ask(panel, questions(4))
    assert sorted(number_in(item.body) for item in teacher.received) == ["0", "1", "2", "3"]
