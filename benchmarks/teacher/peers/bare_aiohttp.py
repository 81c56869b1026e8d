"""The baseline: an asyncio loop that posts with aiohttp and keeps the replies, nothing else."""

import asyncio
from collections.abc import Iterator

import aiohttp

from benchmarks.teacher.peers.measure import MODEL, Task, run


async def ask_all(task: Task) -> list[str]:
    replies = [""] * task.requests
    places = enumerate(task.prompts)
    connector = aiohttp.TCPConnector(limit=task.in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        url = f"{task.base_url}/chat/completions"
        await asyncio.gather(
            *(_ask_next(session, url, places, replies) for _ in range(task.in_flight))
        )
    return replies


async def _ask_next(
    session: aiohttp.ClientSession, url: str, places: Iterator[tuple[int, str]], replies: list[str]
) -> None:
    """Take prompts until none is left; one of these runs for each request in flight."""
    for place, prompt in places:
        body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}
        async with session.post(url, json=body) as response:
            reply = await response.json()
        replies[place] = reply["choices"][0]["message"]["content"]


def work(task: Task) -> list[str]:
    return asyncio.run(ask_all(task))


if __name__ == "__main__":
    run("bare aiohttp loop", "aiohttp", work)
