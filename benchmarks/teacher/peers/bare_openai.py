"""The usual loop: `AsyncOpenAI` as it comes, behind a semaphore."""

import asyncio

from openai import AsyncOpenAI

from benchmarks.teacher.peers.measure import API_KEY, MODEL, Task, run


async def ask_all(task: Task) -> list[str | None]:
    gate = asyncio.Semaphore(task.in_flight)
    async with AsyncOpenAI(base_url=task.base_url, api_key=API_KEY, max_retries=0) as client:
        return await asyncio.gather(*(_ask(client, gate, prompt) for prompt in task.prompts))


async def _ask(client: AsyncOpenAI, gate: asyncio.Semaphore, prompt: str) -> str | None:
    async with gate:
        reply = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": prompt}]
        )
    return reply.choices[0].message.content


def work(task: Task) -> list[str | None]:
    return asyncio.run(ask_all(task))


if __name__ == "__main__":
    run("openai SDK loop", "openai", work)
