"""Puts every question to every judge and reads what comes back."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from flows.judge.judges import Judge
from flows.progress import Bar
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest

_Verdict = TypeVar("_Verdict")


class Spent(NamedTuple):
    """What verdicts cost when they were given, whichever run paid for them.

    Attributes:
        requests: verdicts that were asked for.
        prompt_tokens: billed.
        completion_tokens: billed.
        usd: US dollars; null where the price is not known.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None


class Answers(NamedTuple, Generic[_Verdict]):
    """What one judge said.

    Attributes:
        verdicts: one a question, in their order.
        spent: what they cost.
    """

    verdicts: list[_Verdict]
    spent: Spent


class Questions(NamedTuple, Generic[_Verdict]):
    """What is asked.

    Attributes:
        number: how many.
        render: the request of a question, by its number.
        parse: the verdict in the reply to a question, by its number.
    """

    number: int
    render: Callable[[int], TeacherRequest]
    parse: Callable[[TeacherReply, int], _Verdict]


def ask_judges(
    judges: Sequence[Judge], questions: Questions[_Verdict], bar: Bar
) -> list[Answers[_Verdict]]:
    """Ask all judges everything, all at once.

    Args:
        judges: from `open_judges`.
        questions: for each of them.
        bar: told of every answer.

    Returns:
        One list a judge, in the order of the judges.

    Raises:
        FeingoldError: of the first judge that cannot go on; what was answered is in the journal.
    """
    bar.expect(questions.number * len(judges))
    return asyncio.run(_ask_all(judges, questions, bar))


async def _ask_all(
    judges: Sequence[Judge], questions: Questions[_Verdict], bar: Bar
) -> list[Answers[_Verdict]]:
    tasks = [asyncio.create_task(_ask(judge, questions, bar)) for judge in judges]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        # Whoever mistyped a key wants to know at once. Else the others go on: what they have under
        # way is paid for, and the next run needs all of it.
        if not any(isinstance(task.exception(), InputError) for task in done):
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    failures = [task.exception() for task in tasks if not task.cancelled()]
    for failure in failures:
        if failure is not None:
            raise failure
    return [task.result() for task in tasks]


async def _ask(judge: Judge, questions: Questions[_Verdict], bar: Bar) -> Answers[_Verdict]:
    verdicts: list[_Verdict] = []
    prompt = completion = 0
    async with judge.panel.opened():
        requests = map(questions.render, range(questions.number))
        async for reply in judge.panel.ask(requests):
            verdicts.append(questions.parse(reply, len(verdicts)))
            prompt += reply.prompt_tokens
            completion += reply.completion_tokens
            bar.advance()
    spent = Spent(len(verdicts), prompt, completion, judge.price(prompt, completion))
    return Answers(verdicts, spent)
