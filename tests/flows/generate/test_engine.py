"""Jobs run side by side, and nothing of what they make depends on which reply came first."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.generate.engine import run_jobs
from flows.methods.jobs import Ask, Candidate, Draft, Gate, Job, Work
from quality.gates import InstructionGates
from schemas.records import TeacherReply, TeacherRequest


class Panel:
    """Answers in the order of the questions; fetches further ones when a seed says so."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.asked: list[str] = []

    async def ask(self, groups: AsyncIterator[list[TeacherRequest]]) -> AsyncIterator[TeacherReply]:
        waiting: asyncio.Queue[TeacherRequest | None] = asyncio.Queue(maxsize=50)

        async def feed() -> None:
            try:
                async for group in groups:
                    for request in group:
                        self.asked.append(request.body["text"])
                        await waiting.put(request)
                    for _ in range(self.rng.randrange(4)):
                        await asyncio.sleep(0)
            finally:
                await waiting.put(None)

        feeder = asyncio.create_task(feed())
        while (request := await waiting.get()) is not None:
            for _ in range(self.rng.randrange(4)):
                await asyncio.sleep(0)
            yield TeacherReply("k", text=f"re {request.body['text']}")
        await feeder


class Progress:
    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.done = 0

    def expect(self, number: int) -> None:
        self.expected += number

    def advance(self) -> None:
        self.done += 1


def request(text: str) -> TeacherRequest:
    return TeacherRequest("chat/completions", {"text": text})


def run(jobs: list[Job], *, seed: int = 0, gates: InstructionGates | None = None):
    panel, progress = Panel(seed), Progress(len(jobs))

    async def collect() -> list[list[Draft]]:
        found = run_jobs(panel, iter(jobs), gates=gates, progress=progress)  # type: ignore[arg-type]
        return [drafts async for drafts in found]

    return asyncio.run(asyncio.wait_for(collect(), 20)), panel, progress


def chain(name: str, steps: list[int]) -> Job:
    """Ask as often and as much as `steps` say, and tell what came back."""
    heard: list[str] = []
    for step, number in enumerate(steps):
        replies = yield Ask([request(f"{name}.{step}.{n}") for n in range(number)])
        heard += [reply.text for reply in replies]
    return [Draft(None, instruction=text) for text in heard]


def proposer(name: str, first: int, tasks: list[str]) -> Job:
    """Ask a while, come to the gates with tasks, and ask about those that pass."""
    yield Ask([request(f"{name}.{n}") for n in range(first)])
    verdicts = yield Gate([Candidate(f"{name}-{task}", task) for task in tasks])
    passed = [task for task, verdict in zip(tasks, verdicts, strict=True) if verdict is None]
    replies = yield Ask([request(task) for task in passed])
    return [Draft(reply, instruction=task) for task, reply in zip(passed, replies, strict=True)]


PLANS = st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=12)


@given(plans=PLANS, seed=st.integers(0, 99))
def test_every_job_gets_its_own_replies_and_they_come_in_order(plans, seed: int) -> None:
    jobs = [chain(str(place), steps) for place, steps in enumerate(plans)]
    found, panel, progress = run(jobs, seed=seed)
    assert [[draft.instruction for draft in drafts] for drafts in found] == [
        [f"re {place}.{step}.{n}" for step, number in enumerate(steps) for n in range(number)]
        for place, steps in enumerate(plans)
    ]
    total = sum(map(sum, plans))
    assert (len(panel.asked), progress.done) == (total, total)


@given(
    firsts=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    tasks=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_the_gates_see_jobs_in_their_order(firsts, tasks, seed: int) -> None:
    words = {letter: f"Name {letter * 3} and {letter * 4} of {letter * 5}." for letter in "abcdef"}

    def jobs() -> Iterator[Job]:
        for place, first in enumerate(firsts):
            mine = [words[tasks[(place + n) % len(tasks)]] for n in range(1 + place % 2)]
            yield proposer(str(place), first, mine)

    one, _, _ = run(list(jobs()), seed=0, gates=InstructionGates())
    other, _, _ = run(list(jobs()), seed=seed, gates=InstructionGates())
    assert [[draft.instruction for draft in made] for made in one] == [
        [draft.instruction for draft in made] for made in other
    ]
    kept = [draft.instruction for made in one for draft in made]
    assert len(kept) == len(set(kept)) > 0
    first = one[0][0].instruction if one[0] else None
    assert first == words[tasks[0]]


def test_a_job_that_ends_early_lets_later_ones_to_the_gates() -> None:
    jobs = [chain("0", [1]), chain("1", []), proposer("2", 0, ["Name three old rivers."])]
    found, _, _ = run(jobs, gates=InstructionGates())
    assert [len(made) for made in found] == [1, 0, 1]


def test_no_jobs_end_at_once() -> None:
    assert run([])[0] == []


def test_the_gates_open_once() -> None:
    def twice() -> Job:
        yield Gate([])
        yield Gate([])
        return []

    with pytest.raises(RuntimeError, match="twice"):
        run([twice()], gates=InstructionGates())


def test_what_a_job_raises_is_not_swallowed() -> None:
    def broken() -> Job:
        yield Ask([request("a")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run([broken()])


def test_questions_beyond_the_first_are_told_as_they_come() -> None:
    _, _, progress = run([chain("0", [3, 2])])
    assert (progress.expected, progress.done) == (5, 5)


def test_what_a_job_asks_next_goes_before_new_jobs() -> None:
    _, panel, _ = run([chain(str(n), [1, 1]) for n in range(300)])
    assert panel.asked.index("0.1.0") < panel.asked.index("299.0.0")


def worker(name: str, steps: list[int]) -> Job:
    """Have work done between questions."""
    heard: list[str] = []
    for step, number in enumerate(steps):
        heard.append((yield Work(lambda step=step: f"did {name}.{step}")))
        replies = yield Ask([request(f"{name}.{step}.{n}") for n in range(number)])
        heard += [reply.text for reply in replies]
    return [Draft(None, instruction=text) for text in heard]


@given(plans=st.lists(st.lists(st.integers(0, 2), max_size=3), max_size=6), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_work_is_done_beside_the_questions_and_changes_no_order(plans, seed: int) -> None:
    found, _, _ = run([worker(str(n), steps) for n, steps in enumerate(plans)], seed=seed)
    for place, (steps, drafts) in enumerate(zip(plans, found, strict=True)):
        told = [draft.instruction for draft in drafts]
        assert len(told) == len(steps) + sum(steps)
        assert [text for text in told if text.startswith("did")] == [
            f"did {place}.{step}" for step in range(len(steps))
        ]


def test_a_job_may_work_and_ask_nobody() -> None:
    assert [d.instruction for d in run([worker("0", [0])])[0][0]] == ["did 0.0"]


def test_work_that_raises_ends_the_run() -> None:
    def broken() -> Job:
        yield Work(lambda: 1 // 0)
        return []

    with pytest.raises(ZeroDivisionError):
        run([broken(), chain("1", [2])])


def test_every_reply_is_told_with_the_place_of_its_job() -> None:
    told: list[tuple[int, str]] = []
    panel, progress = Panel(3), Progress(2)

    async def collect() -> None:
        jobs = iter([chain("0", [1, 1]), chain("1", [2])])
        found = run_jobs(panel, jobs, progress=progress, tell=lambda n, r: told.append((n, r.text)))  # type: ignore[arg-type]
        async for _ in found:
            pass

    asyncio.run(asyncio.wait_for(collect(), 20))
    assert sorted(told) == [(0, "re 0.0.0"), (0, "re 0.1.0"), (1, "re 1.0.0"), (1, "re 1.0.1")]
