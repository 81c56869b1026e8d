"""feingold's teacher engine: every reply in the journal, synced to the disk, before it counts."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import httpx2  # noqa: F401 - what the engine imports at its first request; no contender's imports count
import openai  # noqa: F401 - likewise

from benchmarks.teacher.peers.measure import MODEL, Task, run
from flows.claims import Claims
from flows.journal import Journal
from flows.teachers.panel import Panel
from flows.teachers.resolve import make_panel
from schemas.recipe import Recipe, TeacherOptions
from schemas.records import TeacherRequest


def work(task: Task) -> list[str]:
    teacher = TeacherOptions(base_url=task.base_url, model=MODEL, max_in_flight=task.in_flight)
    recipe = Recipe(name="bench", teacher=teacher)
    home = Path("home")
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(home))
        claims = stack.enter_context(Claims(home))
        panel = make_panel(recipe, stack=stack, journal=journal, claims=claims)
        return asyncio.run(_ask(panel, task))


async def _ask(panel: Panel, task: Task) -> list[str]:
    requests = (
        TeacherRequest("chat/completions", {"messages": [{"role": "user", "content": prompt}]})
        for prompt in task.prompts
    )
    async with panel.opened():
        return [reply.text async for reply in panel.ask(requests)]


if __name__ == "__main__":
    run("feingold", "feingold", work)
