"""The hard limit: nothing is sent that could exceed it, in one run or over several."""

import asyncio
import random
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.claims import Claims
from flows.journal import Journal, canonical_body
from flows.teachers import client as client_module
from flows.teachers.budget import Budget, Meter, Purse, Spend
from schemas.errors import BudgetError, RunError
from schemas.recipe import BudgetOptions, Price
from schemas.records import TeacherRequest
from tests.flows.teachers.test_panel import (
    ask,
    counts,
    dead_url,
    number_in,
    opened,
    question,
    questions,
    stored,
    texts,
    wanted_texts,
)
from tests.support.cli import ROOT, child_environment
from tests.support.fake_teacher import MODEL, FakeTeacher, Received, good_reply

_TLS = ssl.create_default_context()


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    real = client_module._wait_seconds
    monkeypatch.setattr(client_module, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


# One budget


amounts = st.builds(
    Spend,
    usd=st.integers(0, 8).map(lambda eighths: eighths / 8),  # exact in binary
    requests=st.just(1),
    tokens=st.integers(0, 50),
)


def limits(*, teacher: int | None = None, **given_limits: Any) -> Budget:
    return Budget(BudgetOptions(**given_limits), teacher=teacher)


def test_no_limit_lets_everything_through() -> None:
    budget = limits()
    budget.reserve(Spend(1e9, 10**9, 10**12))
    assert budget.reserved == Spend(1e9, 10**9, 10**12)


@pytest.mark.parametrize(
    ("limit", "fits", "exceeds"),
    [
        ({"usd": 1.0}, Spend(usd=1.0, requests=1), Spend(usd=1.5, requests=1)),
        ({"requests": 1}, Spend(requests=1), Spend(requests=2)),
        ({"tokens": 10}, Spend(requests=1, tokens=10), Spend(requests=1, tokens=11)),
    ],
)
def test_a_limit_may_be_reached_and_not_exceeded(
    limit: dict[str, Any], fits: Spend, exceeds: Spend
) -> None:
    limits(**limit).reserve(fits)
    budget = limits(**limit)
    with pytest.raises(BudgetError):
        budget.reserve(exceeds)
    assert (budget.reserved, budget.spent) == (Spend(), Spend())


@pytest.mark.parametrize("name", ["usd", "requests", "tokens"])
def test_a_limit_of_nothing_lets_nothing_through(name: str) -> None:
    with pytest.raises(BudgetError, match=f"budget.{name} = 0,"):
        limits(**{name: 0}).reserve(Spend(usd=0.5, requests=1, tokens=1))


def test_the_message_names_limit_and_spend() -> None:
    budget = limits(tokens=100)
    budget.reserve(Spend(requests=1, tokens=60))
    budget.settle(Spend(requests=1, tokens=60), Spend(requests=1, tokens=42))
    with pytest.raises(BudgetError) as caught:
        budget.reserve(Spend(requests=1, tokens=60))
    assert str(caught.value) == (
        "expected to stay within budget.tokens = 100, but the next request could exceed it "
        "(42 tokens spent): raise it and run the same command again, paid replies are kept"
    )
    assert caught.value.exit_code == 3
    assert caught.value.is_of_teacher is False


def test_the_message_names_whose_budget_it_is() -> None:
    with pytest.raises(BudgetError, match=r"within teacher\.2\.budget\.usd = 0\.5, ") as caught:
        limits(teacher=2, usd=0.5).reserve(Spend(usd=0.75, requests=1))
    assert caught.value.is_of_teacher is True


def test_what_was_paid_before_counts() -> None:
    budget = limits(requests=3)
    budget.count(Spend(requests=2))
    budget.reserve(Spend(requests=1))
    with pytest.raises(BudgetError, match="2 requests spent"):
        budget.reserve(Spend(requests=1))


def test_many_small_amounts_are_no_rounding_error() -> None:
    budget = limits(usd=0.3)
    for _ in range(3_000):
        worst = Spend(usd=0.0001, requests=1)
        budget.reserve(worst)
        budget.settle(worst, worst)
    with pytest.raises(BudgetError):
        budget.reserve(Spend(usd=0.0001, requests=1))


def test_settling_frees_what_was_not_needed() -> None:
    budget = limits(tokens=100)
    worst, true = Spend(requests=1, tokens=60), Spend(requests=1, tokens=30)
    budget.reserve(worst)
    with pytest.raises(BudgetError):
        budget.reserve(worst)
    budget.settle(worst, true)
    budget.reserve(worst)
    assert (budget.spent, budget.reserved) == (true, worst)


@given(
    st.lists(st.tuples(amounts, st.floats(0, 1), st.booleans()), max_size=60),
    st.fixed_dictionaries(
        {},
        optional={
            "usd": st.integers(0, 40).map(lambda eighths: eighths / 8),
            "requests": st.integers(0, 30),
            "tokens": st.integers(0, 500),
        },
    ),
)
def test_spent_and_reserved_never_exceed_a_limit(
    steps: list[tuple[Spend, float, bool]], given_limits: dict[str, Any]
) -> None:
    budget = limits(**given_limits)
    open_requests: list[tuple[Spend, Spend]] = []
    for worst, share, settles_first in steps:
        if settles_first and open_requests:
            budget.settle(*open_requests.pop(0))
        true = Spend(worst.usd * (share > 0.5), 1, int(worst.tokens * share))
        try:
            budget.reserve(worst)
        except BudgetError:
            continue
        open_requests.append((worst, true))
        total = budget.spent + budget.reserved
        for name, limit in given_limits.items():
            assert getattr(total, name) <= limit
    for pair in open_requests:
        budget.settle(*pair)
    assert budget.reserved == Spend()


# Several budgets at once


ONE = Spend(requests=1, tokens=10)


async def within(seconds: float, work: Any) -> None:
    async with asyncio.timeout(seconds):
        await work


def test_a_request_has_to_fit_into_every_budget() -> None:
    run, mine, free = limits(requests=5), limits(teacher=0, tokens=25), limits()
    purse = Purse(run, mine, free)
    asyncio.run(within(1, purse.reserve(ONE)))
    purse.reserve_now(ONE)
    with pytest.raises(BudgetError, match=r"teacher\.0\.budget\.tokens = 25") as caught:
        purse.reserve_now(ONE)
    assert caught.value.is_of_teacher
    # Where one has no room, nothing is set aside in the others.
    assert run.reserved == mine.reserved == Spend(requests=2, tokens=20)
    purse.settle(ONE, Spend(requests=1, tokens=1))
    purse.count(Spend(requests=2, tokens=3))
    assert run.spent == mine.spent == Spend(requests=3, tokens=4)
    assert free.spent == free.reserved == Spend()  # it limits nothing and is left alone


def test_who_finds_no_room_waits_for_those_under_way() -> None:
    async def run() -> None:
        await purse.reserve(ONE)
        waiting = [asyncio.create_task(purse.reserve(ONE)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        purse.settle(ONE, Spend(requests=1))  # it needed no tokens
        await asyncio.sleep(0.01)
        assert sum(task.done() for task in waiting) == 1
        purse.settle(ONE, ONE)
        # Nothing is under way any more, and there is no room: the others hear it.
        async with asyncio.timeout(1):
            found = await asyncio.gather(*waiting, return_exceptions=True)
        assert Counter(map(type, found)) == {type(None): 1, BudgetError: 2}

    budget = limits(tokens=15)
    purse = Purse(budget)
    asyncio.run(run())
    assert (budget.spent, budget.reserved) == (Spend(requests=2, tokens=10), Spend())


def test_who_waits_for_room_does_not_keep_the_processor_busy() -> None:
    tries = 0

    class Counted(Budget):
        def reserve(self, worst: Spend) -> None:
            nonlocal tries
            tries += 1
            super().reserve(worst)

    async def run() -> None:
        purse = Purse(Counted(BudgetOptions(requests=9)), limits(teacher=0, requests=1))
        await purse.reserve(ONE)
        waiting = [asyncio.create_task(purse.reserve(ONE)) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())
    assert tries <= 8


def test_nobody_waits_for_what_cannot_make_room() -> None:
    async def run() -> None:
        everybody = limits(requests=9)
        await Purse(everybody, limits(teacher=1, requests=9)).reserve(ONE)  # stays under way
        poor = Purse(everybody, limits(teacher=0, requests=0))
        with pytest.raises(BudgetError):
            await within(0.2, poor.reserve(ONE))

    asyncio.run(run())


class Plan(NamedTuple):
    """One request: at which teacher, its worst case, the part of it that it costs, its time."""

    teacher: int
    worst: Spend
    share: float
    turns: int
    is_cancelled: bool


plans = st.builds(
    Plan,
    st.integers(0, 1),
    amounts,
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 5),
    st.booleans(),
)
some_limits = st.fixed_dictionaries(
    {},
    optional={
        "usd": st.integers(0, 40).map(lambda eighths: eighths / 8),
        "requests": st.integers(0, 20),
        "tokens": st.integers(0, 400),
    },
)


@settings(max_examples=60)
@given(st.lists(plans, max_size=30), some_limits, some_limits, some_limits)
def test_no_order_of_events_exceeds_a_limit(
    requests: list[Plan], of_run: dict[str, Any], of_one: dict[str, Any], of_two: dict[str, Any]
) -> None:
    given_limits = [of_run, of_one, of_two]
    budgets = [
        limits(teacher=place - 1 if place else None, **found)
        for place, found in enumerate(given_limits)
    ]

    def check() -> None:
        for budget, found in zip(budgets, given_limits, strict=True):
            total = budget.spent + budget.reserved
            assert [name for name, limit in found.items() if getattr(total, name) > limit] == []

    async def send(plan: Plan) -> None:
        purse = Purse(budgets[0], budgets[1 + plan.teacher])
        await purse.reserve(plan.worst)
        true = Spend()
        try:
            check()
            for _ in range(plan.turns):
                await asyncio.sleep(0)
            worst = plan.worst
            true = Spend(worst.usd * (plan.share > 0.5), 1, int(worst.tokens * plan.share))
        finally:
            purse.settle(plan.worst, true)
            check()

    async def run() -> None:
        tasks = [asyncio.create_task(send(plan)) for plan in requests]
        for task, plan in zip(tasks, requests, strict=True):
            await asyncio.sleep(0)
            if plan.is_cancelled:
                task.cancel()
        async with asyncio.timeout(10):
            found = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [item for item in found if isinstance(item, Exception)]
        assert {type(item) for item in failures} <= {BudgetError}

    asyncio.run(run())
    assert [budget.reserved for budget in budgets] == [Spend()] * 3


# What a request costs


@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text()}
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["max_tokens", "max_completion_tokens"]),
    st.integers(1, 5_000),
)
def test_the_worst_case_is_above_every_bill(
    messages: list[dict[str, str]], field: str, limit: int
) -> None:
    body = {"model": MODEL, "messages": messages, field: limit}
    usage = good_reply("/v1/chat/completions", body)["usage"]
    meter = Meter(Price(prompt=3, completion=7))
    worst = meter.worst(body, canonical_body(body))
    true = meter.spend(usage["prompt_tokens"], usage["completion_tokens"])
    assert worst.requests == true.requests == 1
    assert worst.tokens >= true.tokens
    assert worst.usd >= true.usd
    # A tokenizer that knows no word makes a token of every byte.
    size = sum(len(turn["content"].encode("utf-8", "replace")) for turn in messages)
    assert worst.tokens >= size + limit


@given(st.text(min_size=1), st.integers(1, 5_000))
def test_the_worst_case_of_the_legacy_endpoint(prompt: str, limit: int) -> None:
    body = {"model": MODEL, "prompt": prompt, "max_tokens": limit}
    usage = good_reply("/v1/completions", body)["usage"]
    worst = Meter(Price(prompt=1, completion=1)).worst(body, canonical_body(body))
    assert worst.tokens >= usage["total_tokens"]


def test_a_bill_above_the_worst_case_raises_the_next_one() -> None:
    meter = Meter(Price(prompt=1_000_000, completion=0))
    before = meter.worst({"max_tokens": 5}, "text")
    meter.learn(before, meter.spend(before.tokens + 40, 0))
    assert meter.worst({"max_tokens": 5}, "text").tokens == before.tokens + 40
    meter.learn(before, meter.spend(1, 0))
    assert meter.worst({"max_tokens": 5}, "text").tokens == before.tokens + 40


def test_prices_are_for_a_million_tokens() -> None:
    meter = Meter(Price(prompt=2, completion=10))
    assert meter.spend(1_000_000, 100_000) == Spend(usd=3.0, requests=1, tokens=1_100_000)
    assert meter.at(0.5).spend(1_000_000, 100_000).usd == 1.5


# Runs with several teachers


PRICES = ({"prompt": 500, "completion": 2000}, {"prompt": 3000, "completion": 100})


def bill(received: Sequence[Received], price: dict[str, int]) -> Spend:
    """What a server bills, by its own count."""
    prompt = sum(item.prompt_tokens for item in received)
    completion = sum(item.completion_tokens for item in received)
    usd = (prompt * price["prompt"] + completion * price["completion"]) / 1e6
    return Spend(usd=usd, requests=len(received), tokens=prompt + completion)


def draw_limits(rng: random.Random) -> dict[str, Any]:
    return {
        "usd": rng.choice([None, None, round(rng.uniform(0, 3), 3)]),
        "requests": rng.choice([None, None, rng.randint(0, 25)]),
        "tokens": rng.choice([None, None, rng.randint(0, 3_000)]),
    }


@pytest.mark.slow
def test_no_budget_is_exceeded_by_several_teachers_in_several_runs(tmp_path: Path) -> None:
    """Random limits, faults and numbers in flight; each dataset is run twice."""
    outcomes: Counter[str] = Counter()
    for number in range(16):
        rng = random.Random(number)
        of_run, *of_teachers = (draw_limits(rng) for _ in range(3))
        faults = [None, None, None, "500", "cut", "html", "429", "reset"]
        with ExitStack() as stack:
            servers = [
                stack.enter_context(FakeTeacher(script=[rng.choice(faults) for _ in range(9)]))
                for _ in PRICES
            ]
            given_teachers = [
                server.options(
                    price_per_million=price,
                    budget=mine,
                    max_in_flight=rng.choice([1, 4, 16]),
                    max_attempts=3,
                )
                for server, price, mine in zip(servers, PRICES, of_teachers, strict=True)
            ]
            for count in (12, 24):
                home = tmp_path / str(number)
                with opened(home, *given_teachers, budget=of_run) as panel:
                    try:
                        ask(panel, questions(count))
                        outcomes["done"] += 1
                    except BudgetError:
                        outcomes["stopped"] += 1
                    except RunError:
                        outcomes["down"] += 1
                bills = [
                    bill([item for item in server.received if item.fault != "429"], price)
                    for server, price in zip(servers, PRICES, strict=True)
                ]
                for found, limit in zip(
                    [bills[0] + bills[1], *bills], [of_run, *of_teachers], strict=True
                ):
                    for name, most in limit.items():
                        assert most is None or getattr(found, name) <= most + 1e-9, (number, name)
    assert outcomes["done"] >= 5
    assert outcomes["stopped"] >= 5


def test_a_lost_reply_counts_in_the_next_run(teacher: FakeTeacher, tmp_path: Path) -> None:
    """A connection that ends in the middle of a reply is paid for at the provider."""
    teacher._script = iter(["cut", "cut"])
    with opened(tmp_path, teacher.options(max_in_flight=1)) as panel:
        ask(panel, [question(0)])
        asked = panel.teachers[0].prepare(question(0))
        worst = panel.teachers[0].meter.worst(asked.body, asked.text)
    with Journal(tmp_path) as journal:
        (loss,) = journal.losses("set").values()
    assert (loss.key, loss.dataset) == (asked.key, "set")
    assert Spend(loss.usd, loss.requests, loss.tokens) == worst + worst
    usage = teacher.received[2]
    paid = worst + worst + Spend(0, 1, usage.prompt_tokens + usage.completion_tokens)
    for limit, is_enough in ((paid.tokens + worst.tokens, True), (paid.tokens + 9, False)):
        with opened(tmp_path, teacher.options(), budget={"tokens": limit}) as panel:
            if is_enough:
                assert ask(panel, [question(0)])[0].error is None
                assert panel.teachers[0].purse._budgets[0].spent == paid
                continue
            with pytest.raises(BudgetError, match=rf"\({paid.tokens} tokens spent\)"):
                ask(panel, questions(2))
    assert len(teacher.received) == 3


def test_what_was_lost_for_good_counts_when_it_is_asked_again(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher._script = iter([None, "500", "cut"])
    given_teacher = teacher.options(max_in_flight=1, max_attempts=2)
    with opened(tmp_path, given_teacher) as panel:
        assert [reply.error is None for reply in ask(panel, questions(2))] == [True, False]
    with (
        opened(tmp_path, given_teacher, budget={"requests": 3}) as panel,
        pytest.raises(BudgetError, match=r"\(3 requests spent\)"),
    ):
        ask(panel, questions(2))
    with opened(tmp_path, given_teacher, budget={"requests": 4}) as panel:
        assert texts(ask(panel, questions(2))) == wanted_texts(questions(2))
    assert len(teacher.received) == 4


def test_what_another_dataset_paid_for_costs_nothing(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher._script = iter(["cut"])
    with opened(tmp_path, teacher.options(max_in_flight=1), name="first") as panel:
        ask(panel, questions(5))
    poor = {"requests": 1, "tokens": 400}
    with opened(tmp_path, teacher.options(), name="second", budget=poor) as panel:
        assert texts(ask(panel, questions(6))) == wanted_texts(questions(6))
        assert counts(panel) == {"sent": 1, "replayed": 5, "failed": 0}
    assert len(teacher.received) == 7
    with (
        opened(tmp_path, teacher.options(), name="first", budget=poor) as panel,
        pytest.raises(BudgetError, match=r"\(6 requests spent\)"),
    ):
        ask(panel, [*questions(5), question(7)])


def test_a_refusal_for_coming_too_early_is_a_request_and_nothing_more(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher._script = iter(["429"] * 5)
    with opened(tmp_path, teacher.options(max_in_flight=1)) as panel:
        ask(panel, [question(0)])
    with Journal(tmp_path) as journal:
        (loss,) = journal.losses("set").values()
        (spent,) = journal.spent_by("set")
    assert (loss.requests, loss.tokens, loss.usd) == (5, 0, 0.0)
    bill_ = teacher.received[-1].prompt_tokens + teacher.received[-1].completion_tokens
    assert (spent.requests, spent.tokens) == (6, bill_)
    with opened(tmp_path, teacher.options(), budget={"requests": 7}) as panel:
        assert texts(ask(panel, questions(2))) == wanted_texts(questions(2))


def test_a_reply_without_a_bill_counts_the_same_in_the_next_run(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    teacher.always = "no_usage"
    budget = {"tokens": 900}
    with (
        opened(tmp_path, teacher.options(), budget=budget) as panel,
        pytest.raises(BudgetError),
    ):
        ask(panel, questions(20))
    sent = stored(tmp_path)
    assert 3 <= sent <= 6
    with (
        opened(tmp_path, teacher.options(), budget=budget) as panel,
        pytest.raises(BudgetError),
    ):
        ask(panel, questions(sent + 1))


def test_a_refused_request_counts_in_the_next_run(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.always = "400"
    given_teacher = teacher.options(max_in_flight=1)
    with opened(tmp_path, given_teacher, budget={"requests": 1}) as panel:
        ask(panel, [question(0)])
    with (
        opened(tmp_path, given_teacher, budget={"requests": 1}) as panel,
        pytest.raises(BudgetError, match=r"\(1 requests spent\)"),
    ):
        ask(panel, [question(0)])


def test_every_refused_request_counts(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.always = "400"
    for limit in (1, 2):
        with opened(tmp_path, teacher.options(), budget={"requests": limit}) as panel:
            ask(panel, [question(0)])
    assert len(teacher.received) == 2
    with (
        opened(tmp_path, teacher.options(), budget={"requests": 2}) as panel,
        pytest.raises(BudgetError, match=r"\(2 requests spent\)"),
    ):
        ask(panel, [question(0)])


def test_what_a_teacher_lost_counts_although_another_one_answered(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """Run one: one request lost, one answered by who stepped in; that is a budget of two."""
    teacher.always = "cut"
    with FakeTeacher() as other:
        given_teachers = [teacher.options(max_attempts=1), other.options(weight=0)]
        with opened(tmp_path, *given_teachers, budget={"requests": 2}) as panel:
            assert ask(panel, [question(0)])[0].teacher == 1
        with (
            opened(tmp_path, *given_teachers, budget={"requests": 2}) as panel,
            pytest.raises(BudgetError, match=r"\(2 requests spent\)"),
        ):
            ask(panel, questions(2))
        assert len(teacher.received) + len(other.received) == 2


def test_a_used_up_budget_is_used_up_before_the_last_reply_is_replayed(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    """As in generation: a proposal is open, and the answers to the others are in the journal."""

    async def source() -> AsyncIterator[list[TeacherRequest]]:
        yield [question(0)]
        await asyncio.sleep(0.2)
        yield questions(1, 5)

    teacher.choose_fault = lambda body: "500" if number_in(body) == "0" else None
    given_teacher = teacher.options(max_in_flight=1, max_attempts=1)
    with opened(tmp_path, given_teacher, budget={"requests": 5}) as panel:
        ask(panel, source())
    assert len(teacher.received) == 5
    with (
        opened(tmp_path, given_teacher, budget={"requests": 5}) as panel,
        pytest.raises(BudgetError),
    ):
        ask(panel, source())
    assert len(teacher.received) == 5


def test_two_accounts_at_one_server_share_what_is_counted(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    budget = {"requests": 30}
    given_teachers = [
        teacher.options(budget=budget),
        teacher.options(budget=budget, api_key_env="SECOND_KEY"),
    ]
    with opened(tmp_path, *given_teachers) as panel:
        replies = ask(panel, questions(30))
    assert len({reply.teacher for reply in replies}) == 2
    # The journal does not tell accounts apart: both count the sum, which is never too little.
    with opened(tmp_path, *given_teachers) as panel:
        assert [found.budget.spent.requests for found in panel.teachers] == [30, 30]


KILLED = """
import os, signal, sys
from pathlib import Path
from flows.claims import Claims
from flows.journal import Loss
claims = Claims(Path(sys.argv[1]))
claims.take(["k"])
claims.mark_sent(Loss("k", "first", 1, 100, 0.5, "", "http://127.0.0.1:9/v1", "m"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("is_taken_over", [False, True])
def test_what_left_before_a_kill_is_found(tmp_path: Path, is_taken_over: bool) -> None:
    with Claims(tmp_path) as other:
        subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            cwd=ROOT,
            env=child_environment(),
            check=False,
        )
        if is_taken_over:
            assert other.take(["k"]) == {"k"}
            other.release(["k"])
            found = other.inherited  # the panel stores it
        else:
            found = other.left_behind()
    assert [(loss.dataset, loss.tokens, loss.usd) for loss in found] == [("first", 100, 0.5)]


def test_what_never_left_costs_nothing(tmp_path: Path) -> None:
    gone = {"base_url": dead_url(), "model": MODEL, "max_attempts": 3}
    with opened(tmp_path, gone, budget={"tokens": 10_000}) as panel:
        with pytest.raises(RunError, match="Cannot connect"):
            ask(panel, [question(0)])
        assert panel.teachers[0].purse._budgets[0].spent.tokens == 0
    with Journal(tmp_path) as journal:
        assert sum(loss.tokens for loss in journal.losses("set").values()) == 0
