import asyncio
import json
import random
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.claims import Claims
from flows.journal import Journal
from flows.teachers.budget import Budget, Meter, Purse
from flows.teachers.client import Teacher, TeacherIdentity
from flows.teachers.panel import Panel
from flows.teachers.resolve import count_spent
from flows.teachers.sender import Connection
from flows.teachers.servers import server_for
from schemas.errors import BudgetError, FeingoldError, InputError, RunError
from schemas.recipe import BudgetOptions, Price, TeacherOptions
from schemas.records import TeacherReply, TeacherRequest
from tests.support.fake_teacher import MODEL, FakeTeacher, good_reply

_TLS = ssl.create_default_context()
CANARY = "sk-canary-5f2d9c"


@contextmanager
def opened(
    server: FakeTeacher | str,
    home: Path,
    *,
    budget: BudgetOptions | None = None,
    offline: bool = False,
    identity: TeacherIdentity | None = None,
    **options: Any,
) -> Iterator[Panel]:
    """A panel of one teacher with a journal in `home`."""
    url = server if isinstance(server, str) else server.base_url
    options.setdefault("timeout_seconds", 5)
    found = TeacherOptions(base_url=url, model=MODEL, **options)
    with Journal(home) as journal, Claims(home) as claims:
        limits = Budget(budget or BudgetOptions())
        teacher = Teacher(
            identity or TeacherIdentity(url, MODEL),
            found,
            server_for(url, named=None),
            connect=lambda: Connection(url, CANARY),
            journal=journal,
            purse=Purse(limits),
            meter=Meter(found.price_per_million or Price(prompt=0, completion=0)),
            dataset="set",
        )
        count_spent(limits, [teacher], dataset="set", journal=journal, claims=claims)
        yield Panel([teacher], journal=journal, claims=claims, offline=offline)


def ask(panel: Panel, requests: Sequence[TeacherRequest]) -> list[TeacherReply]:
    async def collect() -> list[TeacherReply]:
        async with panel.opened():
            return [reply async for reply in panel.ask(requests)]

    return asyncio.run(collect())


def question(number: int, **more: Any) -> TeacherRequest:
    turns = [{"role": "user", "content": f"Question {number} about walnuts"}]
    return TeacherRequest("chat/completions", {"messages": turns, "max_tokens": 64, **more})


def expected_text(request: TeacherRequest) -> str:
    reply = good_reply("/v1/chat/completions", {"model": MODEL, **request.body})
    return str(reply["choices"][0]["message"]["content"])


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    from flows.teachers import client

    real = client._wait_seconds
    monkeypatch.setattr(client, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


# Replies and their order


@pytest.mark.parametrize("in_flight", [1, 3, 64])
def test_replies_come_in_the_order_of_the_questions(
    teacher: FakeTeacher, tmp_path: Path, in_flight: int
) -> None:
    rng = random.Random(in_flight)
    teacher.choose_fault = lambda body: teacher.sleep(rng.random() / 50)
    requests = [question(number) for number in range(40)]
    with opened(teacher, tmp_path, max_in_flight=in_flight) as client:
        replies = ask(client, requests)
        assert client.requests.model_dump() == {"sent": 40, "replayed": 0, "failed": 0}
    assert [reply.text for reply in replies] == [expected_text(item) for item in requests]
    assert teacher.in_flight_max <= in_flight


def test_both_endpoints_are_asked(teacher: FakeTeacher, tmp_path: Path) -> None:
    legacy = TeacherRequest("completions", {"prompt": "3 tasks\n1. Name a river.\n2."})
    with opened(teacher, tmp_path) as client:
        replies = ask(client, [legacy, question(1)])
    assert replies[0].text.startswith(" ")
    paths = sorted(item.path for item in teacher.received)
    assert paths == ["/v1/chat/completions", "/v1/completions"]
    assert {item.authorization for item in teacher.received} == {f"Bearer {CANARY}"}


def test_the_token_limit_is_named_as_the_server_wants_it(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    with opened(teacher, tmp_path, token_field="max_completion_tokens") as client:
        ask(client, [question(1)])
    turns = question(1).body["messages"]
    body = {"model": MODEL, "messages": turns, "max_completion_tokens": 64}
    assert [item.body for item in teacher.received] == [body]


def test_a_replayed_reply_is_the_same_and_costs_nothing(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    requests = [question(number) for number in range(5)]
    with opened(teacher, tmp_path) as client:
        first = ask(client, requests)
        told = client.tokens.model_dump()
    billed = sum(item.completion_tokens for item in teacher.received)
    assert told["completion"] == billed > 0
    with opened(teacher, tmp_path) as client:
        second = ask(client, [*requests, question(5)])
        assert client.requests.model_dump() == {"sent": 1, "replayed": 5, "failed": 0}
        assert client.tokens.completion == teacher.received[-1].completion_tokens
    assert [replace(reply, replayed=False) for reply in second[:5]] == first
    assert len(teacher.received) == 6


def test_another_sample_is_another_request(teacher: FakeTeacher, tmp_path: Path) -> None:
    requests = [replace(question(1), sample=number) for number in (0, 1)]
    with opened(teacher, tmp_path) as client:
        replies = ask(client, requests)
        assert client._journal.totals()["replies"] == 2
    assert replies[0].key != replies[1].key
    assert len(teacher.received) == 2


def test_nothing_is_started_where_the_journal_knows_all(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    with opened(teacher, tmp_path) as client:
        ask(client, [question(1)])
    with opened(teacher, tmp_path) as client:

        def refuse() -> Connection:
            raise AssertionError

        client.teachers[0]._connect = refuse
        assert ask(client, [question(1)])[0].replayed is True
        assert ask(client, []) == []


# Faults


@pytest.mark.parametrize(
    ("fault", "sent", "error"),
    [
        # Passing faults are asked again.
        ("429", 2, None),
        ("500", 2, None),
        ("503", 2, None),
        ("reset", 2, None),
        ("cut", 2, None),
        ("html", 2, None),
        ("truncated", 2, None),
        # Asking again would not help.
        ("400", 1, 'HTTP 400: {"error": {"message": "scripted 400", "type": "scripted", '
         '"code": "400"}}'),
        ("empty", 1, "the reply has no choices"),
        ("null", 1, "the reply has no text"),
        ("filtered", 1, "stopped by the teacher's content filter"),
        ("length", 1, None),
        ("no_usage", 1, None),
    ],
)  # fmt: skip
def test_what_is_asked_again(
    teacher: FakeTeacher, tmp_path: Path, fault: str, sent: int, error: str | None
) -> None:
    with opened(teacher, tmp_path) as client:
        ask(client, [question(0)])  # the teacher is known to be there
        teacher._script = iter([fault])
        reply = ask(client, [question(1)])[0]
        failed = int(fault == "400")
        assert client.requests.model_dump() == {"sent": sent + 1, "replayed": 0, "failed": failed}
        assert client.had_passing_fault is False
    assert reply.error == error
    assert reply.text == ("" if error else expected_text(question(1)))
    assert len(teacher.received) == sent + 1


def test_a_hanging_reply_is_given_up_and_asked_again(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher._script = iter([None, "hang"])
    with opened(teacher, tmp_path, timeout_seconds=0.3) as client:
        ask(client, [question(0)])
        started = time.monotonic()
        assert ask(client, [question(1)])[0].text == expected_text(question(1))
    assert time.monotonic() - started < 5
    assert len(teacher.received) == 3


def test_retry_after_is_obeyed(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.teachers import client as module

    waits: list[float | None] = []
    monkeypatch.setattr(module, "_wait_seconds", lambda attempt, after: waits.append(after) or 0.0)
    teacher._script = iter(["429", "503"])
    with opened(teacher, tmp_path) as client:
        ask(client, [question(1)])
    assert waits == [0.01, None]


def test_a_fault_that_does_not_pass_becomes_a_reject(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.choose_fault = lambda body: "500" if "Question 1 " in str(body) else None
    with opened(teacher, tmp_path, max_attempts=3) as client:
        replies = ask(client, [question(number) for number in range(3)])
        assert client.requests.model_dump() == {"sent": 5, "replayed": 0, "failed": 1}
        assert client.had_passing_fault is True
        assert client._journal.totals()["replies"] == 2
    assert [reply.error is None for reply in replies] == [True, False, True]
    assert replies[1].error is not None
    assert replies[1].error.startswith("HTTP 500: ")
    # What failed for good is asked again next time; what was answered is not.
    teacher.choose_fault = None
    with opened(teacher, tmp_path) as client:
        again = ask(client, [question(number) for number in range(3)])
        assert client.requests.model_dump() == {"sent": 1, "replayed": 2, "failed": 0}
    assert again[1].text == expected_text(question(1))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401", "expected a valid key in $OPENAI_API_KEY, got HTTP 401 from fake-teacher at"),
        ("403", "expected a valid key in $OPENAI_API_KEY, got HTTP 403 from fake-teacher at"),
        ("404", "expected a teacher, got HTTP 404 for fake-teacher at"),
    ],
)
@pytest.mark.parametrize("in_flight", [1, 7])
def test_a_refused_key_stops_at_once(
    tmp_path: Path, status: str, words: str, in_flight: int
) -> None:
    with FakeTeacher(latency_seconds=0.1, always=status) as teacher:
        with (
            opened(teacher, tmp_path, max_in_flight=in_flight) as client,
            pytest.raises(InputError) as caught,
        ):
            ask(client, [question(number) for number in range(50)])
        assert words in str(caught.value)
        assert len(teacher.received) == in_flight


def test_a_key_refused_half_way_keeps_what_was_answered(tmp_path: Path) -> None:
    with FakeTeacher(latency_seconds=0.02, script=[None] * 10, always="401") as teacher:
        with opened(teacher, tmp_path, max_in_flight=4) as client:
            with pytest.raises(InputError):
                ask(client, [question(number) for number in range(50)])
            assert client._journal.totals()["replies"] == 10
        assert 11 <= len(teacher.received) <= 14


@pytest.mark.parametrize("status", ["400", "422"])
def test_a_refused_request_is_journaled_and_not_asked_again_in_this_run(
    teacher: FakeTeacher, tmp_path: Path, status: str
) -> None:
    teacher.choose_fault = lambda body: status if "Question 1 " in str(body) else None
    with opened(teacher, tmp_path) as client:
        ask(client, [question(0), question(1)])
        assert client._journal.totals()["replies"] == 2
    known = TeacherIdentity(teacher.base_url, MODEL)
    with opened("http://127.0.0.1:9/v1", tmp_path, offline=True, identity=known) as client:
        offline = ask(client, [question(0), question(1)])
        assert client.requests.model_dump() == {"sent": 0, "replayed": 2, "failed": 0}
    assert [reply.error is None for reply in offline] == [True, False]


def test_an_unreachable_teacher_stops_the_run(tmp_path: Path) -> None:
    with FakeTeacher() as gone:
        url = gone.base_url
    with (
        opened(url, tmp_path, max_attempts=2, max_in_flight=3) as client,
        pytest.raises(RunError) as caught,
    ):
        ask(client, [question(number) for number in range(10)])
    line = str(caught.value)
    assert line.startswith("expected answers, got ")
    assert f"from {MODEL} at {url}" in line
    assert "start or check the teacher, then run the same command again" in line


def test_a_teacher_that_goes_down_stops_the_run_and_keeps_what_was_answered(
    tmp_path: Path,
) -> None:
    with FakeTeacher(script=[None] * 5, always="503") as teacher:
        with opened(teacher, tmp_path, max_attempts=2, max_in_flight=5) as client:
            with pytest.raises(RunError, match="20 failures in a row"):
                ask(client, [question(number) for number in range(200)])
            assert client._journal.totals()["replies"] == 5
        # Five answers, twenty failures of two attempts each, and what was under way then.
        assert len(teacher.received) <= 5 + 2 * 20 + 2 * 4


@pytest.mark.parametrize("stopper", ["401", "budget", "down"])
def test_replies_under_way_are_journaled_when_another_request_stops_the_run(
    tmp_path: Path, stopper: str
) -> None:
    """One quick request stops the run while seven slow ones are under way."""
    slow = [question(number) for number in range(7)]
    with FakeTeacher() as teacher:

        def fault(body: Any) -> str | None:
            if "Question 99 " in str(body):
                return "401" if stopper == "401" else "500"
            teacher.sleep(0.3)
            return None

        teacher.choose_fault = fault
        limit = BudgetOptions(requests=7) if stopper == "budget" else None
        attempts = 30 if stopper == "down" else 5
        with opened(teacher, tmp_path, budget=limit, max_attempts=attempts) as client:
            if stopper == "down":
                only = client.teachers[0]
                only._failures_in_a_row = 19
                only.options = only.options.model_copy(update={"max_attempts": 1})
            with pytest.raises(FeingoldError) as caught:
                ask(client, [*slow, question(99)])
            assert client._journal.totals()["replies"] == 7
        with opened(teacher, tmp_path, offline=True) as client:
            assert all(reply.replayed for reply in ask(client, slow))
        kind = {"401": InputError, "budget": BudgetError, "down": RunError}[stopper]
        assert type(caught.value) is kind


def test_a_bill_beyond_64_bits_is_no_crash(teacher: FakeTeacher, tmp_path: Path) -> None:
    from flows.teachers import sender

    body = {"choices": [{"message": {"content": "Yes."}}], "usage": {}}
    body["usage"] = {"prompt_tokens": 10**30, "completion_tokens": 1}
    outcome = sender.judge_body(json.dumps(body))
    with opened(teacher, tmp_path) as client:

        async def send(*_: object, **__: object) -> sender.Outcome:
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sender.Sender, "send", send)
            assert ask(client, [question(1)])[0].text == "Yes."


# Offline


def test_offline_sends_nothing(teacher: FakeTeacher, tmp_path: Path) -> None:
    requests = [question(number) for number in range(3)]
    with opened(teacher, tmp_path) as client:
        online = ask(client, requests)
    with opened(teacher, tmp_path, offline=True) as client:
        assert [item.text for item in ask(client, requests)] == [item.text for item in online]
        with pytest.raises(RunError) as caught:
            ask(client, [*requests, question(3)])
    assert str(caught.value) == (
        "expected all 4 replies of this step in the journal, got 3 in "
        f"{tmp_path / 'journal.sqlite'}: run without --offline"
    )
    assert len(teacher.received) == 3


# Budget


def spent_by(teacher: FakeTeacher, price: Price) -> tuple[float, int, int]:
    """What the server bills, by its own count."""
    prompt = sum(item.prompt_tokens for item in teacher.received)
    completion = sum(item.completion_tokens for item in teacher.received)
    usd = (prompt * price.prompt + completion * price.completion) / 1e6
    return usd, len(teacher.received), prompt + completion


@pytest.mark.slow
def test_no_budget_is_ever_exceeded(tmp_path: Path) -> None:
    """200 runs with random limits, faults, sizes and numbers in flight."""
    price = Price(prompt=500, completion=2000)
    outcomes: Counter[str] = Counter()
    for run in range(200):
        rng = random.Random(run)
        limits = {
            "usd": rng.choice([None, round(rng.uniform(0, 2), 3)]),
            "requests": rng.choice([None, rng.randint(0, 12)]),
            "tokens": rng.choice([None, rng.randint(0, 2000)]),
        }
        faults = [rng.choice([None, None, "500", "cut", "no_usage", "html"]) for _ in range(6)]
        requests = [
            question(number, max_tokens=rng.choice([5, 20, 64]))
            for number in range(rng.randint(1, 12))
        ]
        with FakeTeacher(script=faults) as teacher:
            with opened(
                teacher,
                tmp_path / str(run),
                budget=BudgetOptions(**limits),
                price_per_million=price,
                max_in_flight=rng.choice([1, 2, 8]),
                max_attempts=2,
            ) as client:
                try:
                    ask(client, requests)
                    outcomes["done"] += 1
                except BudgetError:
                    outcomes["stopped"] += 1
                except RunError:
                    outcomes["down"] += 1
            billed = dict(zip(limits, spent_by(teacher, price), strict=True))
        for name, limit in limits.items():
            assert limit is None or billed[name] <= limit, (run, name, billed, limits)
    assert outcomes["done"] >= 20
    assert outcomes["stopped"] >= 50


def test_a_budget_is_used_before_it_counts_as_used_up(teacher: FakeTeacher, tmp_path: Path) -> None:
    """Reservations under way are no spending: the next request waits for them to settle."""
    requests = [question(number) for number in range(30)]
    worst = 64 + 64 + 100  # answer, template and text of one request, at most
    with opened(
        teacher, tmp_path, budget=BudgetOptions(tokens=20 * worst), max_in_flight=64
    ) as client:
        teacher.latency_seconds = 0.05
        replies = ask(client, requests)
    assert [reply.error for reply in replies] == [None] * 30


def test_a_lost_reply_may_have_been_billed(teacher: FakeTeacher, tmp_path: Path) -> None:
    """A connection that ends in the middle of a reply is paid for at the provider."""
    teacher.always = "cut"
    limit = BudgetOptions(tokens=600)
    with (
        opened(teacher, tmp_path, budget=limit, max_attempts=100) as client,
        pytest.raises(BudgetError),
    ):
        ask(client, [question(1)])
    assert sum(item.prompt_tokens + item.completion_tokens for item in teacher.received) <= 600


def test_what_never_left_is_not_paid_for(tmp_path: Path) -> None:
    with FakeTeacher() as gone:
        url = gone.base_url
    with opened(url, tmp_path, budget=BudgetOptions(tokens=600), max_attempts=9) as client:
        with pytest.raises(RunError):
            ask(client, [question(1)])
        assert client.teachers[0].purse._budgets[0].spent.tokens == 0


def test_a_raised_budget_goes_on_where_the_other_stopped(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    requests = [question(number) for number in range(10)]
    with (
        opened(teacher, tmp_path, budget=BudgetOptions(requests=4), max_in_flight=1) as client,
        pytest.raises(BudgetError, match=r"budget\.requests = 4"),
    ):
        ask(client, requests)
    assert len(teacher.received) == 4
    with (
        opened(teacher, tmp_path, budget=BudgetOptions(requests=4)) as client,
        pytest.raises(BudgetError, match="4 requests spent"),
    ):
        ask(client, requests)
    assert len(teacher.received) == 4
    with opened(teacher, tmp_path, budget=BudgetOptions(requests=10)) as client:
        ask(client, requests)
        assert client.requests.model_dump() == {"sent": 6, "replayed": 4, "failed": 0}
    assert len({item.key for item in teacher.received}) == 10


def test_retries_are_paid_from_the_budget(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher._script = iter(["503"] * 3)
    with (
        opened(teacher, tmp_path, budget=BudgetOptions(requests=2)) as client,
        pytest.raises(BudgetError),
    ):
        ask(client, [question(1)])
    assert len(teacher.received) == 2


# Pace


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [({"requests_per_minute": 1200}, 0.45), ({"tokens_per_minute": 100_000}, 0.8)],
)
def test_requests_keep_their_pace(
    teacher: FakeTeacher, tmp_path: Path, limit: dict[str, int], seconds: float
) -> None:
    with opened(teacher, tmp_path, **limit) as client:
        started = time.monotonic()
        ask(client, [question(number) for number in range(10)])
    assert max(item.at for item in teacher.received) - started >= seconds


# Secrets


@pytest.mark.parametrize("fault", [None, "401", "400", "500", "html", "reset"])
def test_the_key_is_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: str | None
) -> None:
    said = ""
    with FakeTeacher(always=fault) as teacher, opened(teacher, tmp_path, max_attempts=2) as client:
        try:
            said = repr(ask(client, [question(1)]))
        except FeingoldError as error:
            chain: BaseException | None = error
            while chain is not None:
                said += repr(chain) + str(chain)
                chain = chain.__cause__ or chain.__context__
        assert teacher.received[0].authorization == f"Bearer {CANARY}"
        said += repr(client) + repr(vars(client))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capfd.readouterr()
    assert CANARY not in said + captured.out + captured.err
    assert CANARY.encode() not in files
