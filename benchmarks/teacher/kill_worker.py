"""One run of the engine that `kills` starts and kills.

    python -m benchmarks.teacher.kill_worker HOME BASE_URL --prompts 3000

Prints `asking` when it is ready to ask, and at its end one JSON line about what it got.
"""

import argparse
import asyncio
import hashlib
import json
from pathlib import Path

import httpx2  # noqa: F401 - what the engine imports at its first request, which is not the point here
import openai  # noqa: F401 - likewise

from benchmarks.teacher.engine import ask_all, loopback, open_panel, question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("base_url")
    parser.add_argument("--prompts", type=int, default=3_000)
    parser.add_argument("--in-flight", type=int, default=16)
    arguments = parser.parse_args()
    requests = [question(number) for number in range(arguments.prompts)]
    teacher = loopback(arguments.base_url, max_in_flight=arguments.in_flight)
    with open_panel(arguments.home, teacher) as panel:
        print("asking", flush=True)
        replies = asyncio.run(ask_all(panel, requests))
        counts = panel.requests.model_dump()
    content = hashlib.sha256("\n".join(reply.text for reply in replies).encode())
    answered = sum(reply.error is None for reply in replies)
    print(json.dumps({"sha256": content.hexdigest(), "answered": answered, **counts}), flush=True)


if __name__ == "__main__":
    main()
