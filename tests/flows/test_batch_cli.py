"""`feingold batch write` and `read`: requests out as a file, results back into the journal."""

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.commands import batch
from flows.recipes import load_recipe
from flows.runner import make_spec
from flows.session import RunSpec, close_session, session_for
from flows.teachers.batch_files import BatchRequest, split_requests
from flows.teachers.batch_state import BatchState
from flows.teachers.client import Asked
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.fake_teacher import FakeTeacher, good_reply
from tests.support.recipes import write_jsonl, write_recipe

PRICE = {"prompt": 1000, "completion": 1000}
LEGACY = TeacherRequest("completions", {"prompt": "3 tasks\n1. Name a river.\n2."})


def question(number: int) -> TeacherRequest:
    turns = [{"role": "user", "content": f"Question {number} about walnuts"}]
    return TeacherRequest("chat/completions", {"messages": turns, "max_tokens": 64})


class Desk:
    """A recipe, a home, and the questions that its next run would ask."""

    def __init__(self, base: Path, teacher: FakeTeacher, patch: pytest.MonkeyPatch) -> None:
        self.base = base
        self.home = base / "home"
        self.out = base / "out.jsonl"
        self.recipe = write_recipe(
            base / "r.yaml",
            teacher=teacher.options(price_per_million=PRICE),
            generators=[{"kind": "respond", "prompts": "p.jsonl"}],
        )
        self.questions: Sequence[TeacherRequest] = [question(n) for n in range(4)]
        patch.setattr(batch, "collect_requests", self._collect)

    def _collect(self, spec: RunSpec) -> list[BatchRequest]:
        teacher = session_for(spec).panel.teachers[0]
        return [BatchRequest.of(item, teacher.identity) for item in self._asked(spec)]

    def _asked(self, spec: RunSpec) -> list[Asked]:
        session = session_for(spec)
        asked = [session.panel.teachers[0].prepare(item) for item in self.questions]
        stored = session.journal.find([item.key for item in asked])
        return [item for item in asked if item.key not in stored]

    @property
    def spec(self) -> RunSpec:
        return make_spec(load_recipe(self.recipe), home=self.home, out=self.home)

    def call(
        self, action: str, file: Path | None = None, *, as_json: bool = True
    ) -> dict[str, Any]:
        given = {"action": action, "recipe": self.recipe, "home": self.home, "set": []}
        return batch.run(Namespace(**given, json=as_json, out=self.out, file=file))

    def write(self) -> list[dict[str, Any]]:
        """The lines of the file that `write` makes."""
        self.call("write")
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def read(self, lines: Sequence[object]) -> dict[str, Any]:
        return self.call("read", write_jsonl(self.base / "results.jsonl", lines))

    def ask(self) -> list[TeacherReply]:
        """Ask the questions as a run would."""
        session = session_for(self.spec)

        async def collect() -> list[TeacherReply]:
            async with session.panel.opened():
                return [reply async for reply in session.panel.ask(self.questions)]

        try:
            return asyncio.run(collect())
        finally:
            close_session(self.spec)


@pytest.fixture
def desk(teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, teacher, monkeypatch)


def result(line: Mapping[str, Any], *, status: int = 200, **more: Any) -> dict[str, Any]:
    """What a server makes of a line."""
    body = good_reply(line["url"], line["body"]) if status == 200 else {"error": {"message": "m"}}
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None, **more}


def test_a_file_holds_the_requests_as_they_would_be_sent(desk: Desk, teacher: FakeTeacher) -> None:
    answer = desk.call("write")
    endpoint, model = "/v1/chat/completions", "fake-teacher"
    named = {"path": str(desk.out), "requests": 4, "model": model, "endpoint": endpoint}
    assert answer == {"requests": 4, "under_way": 0, "files": [named]}
    lines = [json.loads(line) for line in desk.out.read_text().splitlines()]
    assert [line["body"] for line in lines] == [
        {"model": model, **question(number).body} for number in range(4)
    ]
    assert [(line["method"], line["url"]) for line in lines] == [("POST", endpoint)] * 4
    assert teacher.received == []


def test_what_comes_back_is_what_a_run_would_have_got(desk: Desk, teacher: FakeTeacher) -> None:
    lines = desk.write()
    answer = desk.read([result(line) for line in reversed(lines)])
    counts = {"read": 4, "already_there": 0, "failed": 0, "unknown": 0}
    assert answer == {
        "file": str(desk.base / "results.jsonl"),
        **counts,
        "errors": {},
        "bad_lines": [],
    }
    replies = desk.ask()
    assert [reply.key for reply in replies] == [line["custom_id"] for line in lines]
    assert {reply.replayed for reply in replies} == {True}
    assert teacher.received == []
    assert desk.call("write") == {"requests": 0, "under_way": 0, "files": []}


def test_replies_are_the_same_from_file_and_server(desk: Desk, teacher: FakeTeacher) -> None:
    desk.read([result(line) for line in desk.write()])
    from_file = [reply.text for reply in desk.ask()]
    desk.home = desk.base / "other"
    assert [reply.text for reply in desk.ask()] == from_file
    assert len(teacher.received) == 4


def test_half_the_price_is_journaled_for_the_dataset(desk: Desk) -> None:
    lines = desk.write()
    desk.read([result(line) for line in lines])
    session = session_for(desk.spec)
    stored = session.journal.find([line["custom_id"] for line in lines])
    close_session(desk.spec)
    tokens = [result(line)["response"]["body"]["usage"]["total_tokens"] for line in lines]
    costs = [stored[line["custom_id"]].cost_usd for line in lines]
    assert costs == [pytest.approx(count * 0.0005) for count in tokens]
    assert {entry.dataset for entry in stored.values()} == {"set"}


def test_every_line_is_counted_and_a_bad_one_named(desk: Desk, teacher: FakeTeacher) -> None:
    lines = desk.write()
    vllm_failure = {"status_code": 400, "request_id": "vllm-batch-1", "body": None}
    path = desk.base / "mixed.jsonl"
    mixed = [
        json.dumps(result(lines[0])),
        "",
        json.dumps(result(lines[1], response=vllm_failure, error="too long")),
        json.dumps(result(lines[2], response=None, error={"code": "batch_expired"})),
        "cut off {",
        json.dumps({**result(lines[0]), "custom_id": "somebody else's"}),
        json.dumps(lines[3]),  # the request, not its result
        json.dumps(result(lines[0])),
    ]
    path.write_text("\n".join(mixed))
    answer = desk.call("read", path)
    bad = answer.pop("bad_lines")
    assert answer == {
        "file": str(path),
        "read": 1,
        "already_there": 1,
        "failed": 2,
        "unknown": 1,
        "errors": {"http_400": 1, "batch_expired": 1},
    }
    assert [line["line"] for line in bad] == [5, 7]
    assert bad[0]["error"].startswith("expected a JSON object, got 'Expecting value")
    assert bad[1]["error"].startswith("expected a `response` with a `status_code`")
    replies = desk.ask()
    assert [reply.replayed for reply in replies] == [True, False, False, False]
    assert len(teacher.received) == 3


def test_reading_again_changes_nothing(desk: Desk) -> None:
    results = [result(line) for line in desk.write()]
    desk.read(results[:3])
    answer = desk.read(results)
    assert (answer["read"], answer["already_there"]) == (1, 3)
    answer = desk.read([{**item, "response": {"status_code": 500}} for item in results])
    assert (answer["read"], answer["already_there"]) == (0, 4)


def test_results_may_come_after_the_journal_was_lost(desk: Desk) -> None:
    results = [result(line) for line in desk.write()]
    desk.read(results)
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    assert desk.read(results)["read"] == 4


def test_only_what_the_journal_lacks_is_written(desk: Desk) -> None:
    lines = desk.write()
    desk.read([result(lines[1])])
    assert [line["custom_id"] for line in desk.write()] == [
        lines[number]["custom_id"] for number in (0, 2, 3)
    ]


def test_what_is_in_a_batch_is_not_written(desk: Desk) -> None:
    spec = desk.spec
    with BatchState(desk.home) as state:
        state.begin(desk._collect(spec)[:3], dataset="set")
    close_session(spec)
    answer = desk.call("write")
    assert (answer["requests"], answer["under_way"]) == (1, 3)
    # Somebody may fetch the results of that batch by hand.
    keys = [item.key for item in desk._collect(desk.spec)]
    close_session(desk.spec)
    asked = [{"custom_id": key, "url": "/v1/chat/completions", "body": {}} for key in keys]
    assert desk.read([result(line) for line in asked])["read"] == 4


def test_each_endpoint_and_each_limit_has_its_own_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.questions = [question(0), LEGACY, question(1), question(2)]
    monkeypatch.setattr(batch, "split_requests", partial(split_requests, most_requests=2))
    files = desk.call("write")["files"]
    assert [(Path(item["path"]).name, item["requests"], item["endpoint"]) for item in files] == [
        ("out.jsonl", 2, "/v1/chat/completions"),
        ("out-2.jsonl", 1, "/v1/chat/completions"),
        ("out-3.jsonl", 1, "/v1/completions"),
    ]
    for item in files:
        assert len(Path(item["path"]).read_text().splitlines()) == item["requests"]


def test_the_same_question_is_written_once(desk: Desk) -> None:
    desk.questions = [question(0), question(0)]
    assert len(desk.write()) == 1


@pytest.mark.parametrize("name", ["none.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(desk: Desk, name: str) -> None:
    with pytest.raises(InputError, match=r"^expected a file with results, got '.*' for .*: name "):
        desk.call("read", desk.base / name)


def test_a_file_of_something_else_is_named(desk: Desk) -> None:
    desk.write()
    with pytest.raises(InputError, match=r"^expected batch results, got none in .*: line 1: "):
        desk.call("read", desk.out)
    with pytest.raises(InputError, match=r"^expected batch results, got none in .*: line 1: "):
        desk.call("read", desk.recipe)


def test_an_empty_file_brings_nothing(desk: Desk) -> None:
    answer = desk.read([])
    assert [answer[name] for name in ("read", "already_there", "failed", "unknown")] == [0] * 4


def test_people_read_what_happened(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.call("write", as_json=False)
    line = f"4 requests in {desk.out} for fake-teacher at /v1/chat/completions\n"
    assert capsys.readouterr().out == line
    lines = [json.loads(text) for text in desk.out.read_text().splitlines()]
    path = desk.base / "results.jsonl"
    write_jsonl(path, [*map(result, lines[:3]), result(lines[3], status=400), *range(7)])
    desk.call("read", path, as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == [
        f"3 replies of {path} are new in the journal",
        "  there already 0, failed 1, not asked from this home 0, unreadable 7",
        "        1  http_400",
    ]
    assert shown[3] == "  line 5: expected an object with a `custom_id`, got 0"
    assert shown[-1] == "  and 2 more; --json lists all"
    desk.questions = desk.questions[:3]
    desk.call("write", as_json=False)
    line = "nothing to ask: the journal has all that a run would ask next\n"
    assert capsys.readouterr().out == line
