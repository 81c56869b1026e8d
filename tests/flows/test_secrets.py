"""The key of a teacher is in no file, on no stream and in nothing that Prefect keeps."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cli import Ran, call_cli, run_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import read_tree, write_jsonl, write_recipe

pytestmark = pytest.mark.usefixtures("prefect_api")
CANARY = "sk-canary-7be2f05d-9a31-4c66"
PROMPTS = [{"prompt": f"Tell me about number {word}."} for word in ("one", "two", "six", "ten")]
VARIABLES = ("OPENAI_API_KEY", "MY_TEACHER_KEY")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster."""
    from flows.teachers import client

    real = client._wait_seconds
    monkeypatch.setattr(client, "_wait_seconds", lambda *given: real(*given) / 1000)


@pytest.fixture
def echo() -> Iterator[FakeTeacher]:
    """A teacher that repeats the key in everything it says."""
    with FakeTeacher(echoes_key=True) as running:
        yield running


def write(base: Path, server: FakeTeacher, variable: str, **options: Any) -> None:
    write_jsonl(base / "prompts.jsonl", PROMPTS)
    if variable != "OPENAI_API_KEY":
        options["api_key_env"] = variable
    write_recipe(
        base / "r.yaml",
        teacher=server.options(**options),
        generators=[{"kind": "respond", "prompts": "prompts.jsonl"}],
    )


def holders(folder: Path) -> list[str]:
    """Files below a folder that hold the key, as text or within a database."""
    return [name for name, data in read_tree(folder).items() if CANARY.encode() in data]


def prefect_holders(api: str) -> list[str]:
    """Where Prefect holds the key: its files, and its answers about runs, artifacts and logs."""
    home = Path(os.environ["PREFECT_HOME"])
    found = [name for name, data in read_tree(home).items() if CANARY.encode() in data]
    for kind in ("flow_runs", "task_runs", "artifacts", "logs"):
        answer = httpx.post(f"{api}/{kind}/filter", json={"limit": 200}, timeout=30)
        assert answer.status_code == 200, answer.text
        if CANARY in answer.text:
            found.append(kind)
    return found


def texts_in(path: Path) -> str:
    """Everything that a SQLite file says, with what is not yet in its main part."""
    with closing(sqlite3.connect(path)) as db:
        return "\n".join(db.iterdump())


def assert_nowhere(
    base: Path, api: str, ran: Ran, captured: pytest.CaptureFixture[str] | None = None
) -> None:
    shown = ran.out + ran.err
    if captured is not None:
        streams = captured.readouterr()
        shown += streams.out + streams.err
    assert CANARY not in shown
    assert holders(base) == []
    home = base / ".feingold"
    for name in ("journal.sqlite", "claims.sqlite"):
        if (home / name).exists():
            assert CANARY not in texts_in(home / name)
    assert prefect_holders(api) == []


@pytest.mark.slow
@pytest.mark.parametrize("variable", VARIABLES)
def test_the_key_is_nowhere_after_a_run(
    prefect_api: str,
    echo: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variable: str,
) -> None:
    """Journal, stages, version, report, card and rejects are there; every reply held the key."""
    monkeypatch.setenv(variable, CANARY)
    write(tmp_path, echo, variable, max_attempts=1)
    faults = {"one": "400", "two": "500", "six": "html"}
    echo.choose_fault = lambda body: faults.get(str(body["messages"]).split("number ")[1][:3])
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed()
    assert ran.answer["by_rule"] == {"teacher_error": 3}
    assert {item.authorization for item in echo.received} == {f"Bearer {CANARY}"}
    files = read_tree(tmp_path)
    for part in ("journal.sqlite", "claims.sqlite", "report.html", "README.md", "manifest.json"):
        assert any(name.endswith(part) for name in files), part
    assert b"Bearer [key removed]" in b"".join(files.values())
    assert_nowhere(tmp_path, prefect_api, ran, capfd)


@pytest.mark.parametrize(
    ("fault", "code", "variable"),
    [
        ("401", 2, VARIABLES[1]),
        ("500", 1, VARIABLES[0]),
        pytest.param("401", 2, VARIABLES[0], marks=pytest.mark.slow),
        pytest.param("reset", 1, VARIABLES[1], marks=pytest.mark.slow),
        pytest.param("html", 1, VARIABLES[0], marks=pytest.mark.slow),
    ],
)
def test_the_key_is_nowhere_after_a_failure(
    prefect_api: str,
    echo: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    fault: str,
    code: int,
    variable: str,
) -> None:
    monkeypatch.setattr("flows.teachers.client._BREAKER", 3)
    monkeypatch.setenv(variable, CANARY)
    write(tmp_path, echo, variable, max_attempts=2)
    echo.always = fault
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path)
    assert ran.code == code
    assert ran.answer["error"] == ran.error_line
    assert {item.authorization for item in echo.received} == {f"Bearer {CANARY}"}
    assert_nowhere(tmp_path, prefect_api, ran, capfd)


@pytest.mark.parametrize(
    ("place", "variable"),
    [
        ("flows.stages.filter_rows", VARIABLES[0]),
        pytest.param("flows.teachers.client.read_reply", VARIABLES[1], marks=pytest.mark.slow),
    ],
)
def test_the_key_is_nowhere_after_a_crash(
    prefect_api: str,
    echo: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    place: str,
    variable: str,
) -> None:
    def crash(*given: object, **more: object) -> None:
        msg = f"a bug with {given!r} and {more!r}"
        raise ZeroDivisionError(msg)

    monkeypatch.setenv(variable, CANARY)
    write(tmp_path, echo, variable)
    monkeypatch.setattr(place, crash)
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path)
    assert ran.code == 1
    assert "unexpected ZeroDivisionError" in ran.answer["error"]
    log = tmp_path / ".feingold" / "crash.log"
    assert log.exists()
    assert_nowhere(tmp_path, prefect_api, ran, capfd)


@pytest.mark.slow
def test_the_key_is_nowhere_when_prefect_logs_all_it_can(
    prefect_api: str, echo: FakeTeacher, tmp_path: Path
) -> None:
    """A process of its own, with every log on its streams and at the server."""
    echo.choose_fault = lambda body: "500" if "six" in str(body) else None
    write(tmp_path, echo, "MY_TEACHER_KEY", max_attempts=1)
    ran = run_cli(
        "run",
        "r.yaml",
        "--json",
        cwd=tmp_path,
        env={
            "MY_TEACHER_KEY": CANARY,
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PREFECT_LOGGING_TO_API_ENABLED": "true",
            "OPENAI_LOG": "debug",
        },
    ).succeed()
    assert {item.authorization for item in echo.received} == {f"Bearer {CANARY}"}
    assert "DEBUG" in ran.err + ran.out
    assert_nowhere(tmp_path, prefect_api, ran)
