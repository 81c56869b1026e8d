"""Curator: one `LLM` over a data set of prompts, its own limits lifted to those of the task."""

import os
from pathlib import Path

import litellm
from bespokelabs import curator

from benchmarks.teacher.peers.measure import API_KEY, MODEL, Task, run

# The client also plans by requests and tokens per minute, and cannot be told not to.
UNLIMITED = 10**12


# It counts tokens with a vocabulary that tiktoken downloads, and stops where there is no network.
# LiteLLM, which it requires, ships the same file.
os.environ["TIKTOKEN_CACHE_DIR"] = str(
    Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers"
)


def work(task: Task) -> list[str]:
    llm = curator.LLM(
        model_name=MODEL,
        backend="openai",
        backend_params={
            "base_url": task.base_url,
            "api_key": API_KEY,
            "max_concurrent_requests": task.in_flight,
            "max_requests_per_minute": UNLIMITED,
            "max_tokens_per_minute": UNLIMITED,
        },
    )
    replies: list[str] = llm(task.prompts).dataset["response"]
    return replies


if __name__ == "__main__":
    run("bespokelabs-curator", "bespokelabs-curator", work)
