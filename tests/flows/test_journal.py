import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flows.journal import Journal, JournalEntry, Loss, canonical_body, request_key
from schemas.errors import InputError, RunError
from tests.support.cli import ROOT, child_environment

BODY = {"model": "m", "messages": [{"role": "user", "content": "Grüß 😀"}], "temperature": 0.7}
ENTRY = JournalEntry(
    key="k",
    base_url="http://127.0.0.1:1/v1",
    endpoint="chat/completions",
    model="m",
    sample=0,
    request=canonical_body(BODY),
    status=200,
    body='{"choices": []}',
    prompt_tokens=3,
    completion_tokens=5,
    cost_usd=0.25,
    seconds=1.5,
    dataset="d",
)
LOSS = Loss("k", "d", requests=1, tokens=8, usd=0.5, error="timeout")


def entries(count: int, *, name: str = "k", body: str = ENTRY.body) -> list[JournalEntry]:
    return [replace(ENTRY, key=f"{name}{number}", body=body) for number in range(count)]


def run_python(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


# One reply


def test_a_reply_is_found_again_after_reopening(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert journal.get("k") is None
        journal.put(ENTRY)
    with Journal(tmp_path) as journal:
        assert journal.get("k") == ENTRY
        assert journal.totals() == {
            "replies": 1,
            "prompt_tokens": 3,
            "completion_tokens": 5,
            "cost_usd": 0.25,
        }


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (200, 200, "first"),  # a reply that was paid for is never replaced
        (200, 400, "first"),
        (400, 200, "second"),
        (400, 422, "second"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_success_is_never_replaced(
    tmp_path: Path, first: int, second: int, stays: str, together: bool
) -> None:
    one = replace(ENTRY, status=first, body="first", dataset="a", cost_usd=1.0)
    two = replace(ENTRY, status=second, body="second", dataset="b", cost_usd=2.0)
    with Journal(tmp_path) as journal:
        for records in [(one, two)] if together else [(one,), (two,)]:
            journal.put(*records)
        assert journal.get("k") == {"first": one, "second": two}[stays]


def test_several_are_found_at_once(tmp_path: Path) -> None:
    stored = entries(1_201)  # more than fit into one query
    with Journal(tmp_path) as journal:
        assert journal.find([]) == {}
        journal.put(*stored)
        keys = [entry.key for entry in stored]
        assert journal.find([*keys, "absent", keys[0]]) == {entry.key: entry for entry in stored}
        assert journal.find(["absent"]) == {}


@pytest.mark.parametrize("text", ["\x00 zero", "\ufffd", "\u2028", "x" * 2_000_000])
def test_any_text_is_stored_as_it_came(tmp_path: Path, text: str) -> None:
    body = json.dumps({"text": text}, ensure_ascii=False)
    with Journal(tmp_path) as journal:
        journal.put(replace(ENTRY, body=body, request=canonical_body({"prompt": text})))
        found = journal.get("k")
    assert found is not None
    assert found.body == body
    assert json.loads(found.request) == {"prompt": text}


def test_a_closed_journal_is_one_file(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(ENTRY)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite"]


# Losses


def test_losses_are_summed_by_request_of_one_dataset(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert journal.losses("d") == {}
        journal.put(LOSS, LOSS, replace(LOSS, key="l", tokens=1, usd=0.125))
        journal.put(replace(LOSS, dataset="e", tokens=100))
        journal.put(ENTRY, LOSS)  # a reply came, what was lost before it stays lost
    with Journal(tmp_path) as journal:
        assert journal.losses("d") == {
            "k": Loss("k", "d", requests=3, tokens=24, usd=1.5, error="timeout"),
            "l": Loss("l", "d", requests=1, tokens=1, usd=0.125, error="timeout"),
        }
        assert journal.losses("e") == {"k": replace(LOSS, dataset="e", tokens=100)}
        assert journal.losses("f") == {}
        assert journal.totals()["replies"] == 1


# The key

BASE = {
    "base_url": "http://a/v1",
    "endpoint": "chat/completions",
    "body": {"model": "m", "messages": [{"role": "user", "content": "a"}], "max_tokens": 5},
    "sample": 0,
}


def changed_body(**changes: object) -> dict[str, object]:
    return {**BASE, "body": {**BASE["body"], **changes}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "other",
    [
        {**BASE, "base_url": "http://b/v1"},
        {**BASE, "endpoint": "completions"},
        {**BASE, "sample": 1},
        changed_body(model="n"),
        changed_body(max_tokens=6),
        changed_body(temperature=0),
        changed_body(stop=["\n"]),
        changed_body(messages=[{"role": "user", "content": "A"}]),
        changed_body(messages=[{"role": "system", "content": "a"}]),
        changed_body(messages=[{"role": "user", "content": "a "}]),
        changed_body(messages=[]),
    ],
)
def test_the_key_changes_with_every_field(other: dict[str, object]) -> None:
    assert request_key(**other) != request_key(**BASE)  # type: ignore[arg-type]


def test_the_key_does_not_depend_on_the_order_of_fields() -> None:
    turned = {**BASE, "body": dict(reversed(list(BASE["body"].items())))}  # type: ignore[attr-defined]
    assert request_key(**turned) == request_key(**BASE)  # type: ignore[arg-type]
    assert len(request_key(**BASE)) == 64  # type: ignore[arg-type]


def test_properties_of_a_schema_keep_their_order() -> None:
    """Else a judge would give its verdict before its reasons."""

    def asked(*names: str, field: str = "response_format") -> dict[str, object]:
        schema = {
            "type": "object",
            "properties": {
                name: {"type": "object", "properties": {"z": {}, "a": {}}} for name in names
            },
        }
        return {"stop": ["x"], field: {"schema": schema, "name": "reply"}, "model": "m"}

    text = canonical_body(asked("why", "better", "properties"))
    assert text.index('"why"') < text.index('"better"') < text.index('"properties":{"p')
    assert text.index('"z"') < text.index('"a"')
    assert text.index('"model"') < text.index('"name"') < text.index('"stop"')
    turned = asked("why", "better", "properties")
    assert canonical_body(dict(reversed(turned.items()))) == text
    assert canonical_body(json.loads(text)) == text
    assert canonical_body(asked("better", "why", "properties")) != text
    assert json.loads(text) == turned


def test_the_key_can_be_computed_from_what_is_stored() -> None:
    """`feingold journal verify` does."""
    body = {**BODY, "seed": 2**60, "top_p": 1e-9, "logit_bias": {"1": -100}, "stop": ["\u2028", ""]}
    assert json.loads(canonical_body(body)) == body
    stored = request_key("u", "e", json.loads(canonical_body(body)), 3)
    assert stored == request_key("u", "e", body, 3)


# Killed, and in company


def told_until_killed(code: str, home: Path, *, least: int) -> int:
    """Run a child that prints what it has stored; kill it and return the last number."""
    with run_python(code, home) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            told = int(line)
            if told >= least:
                writer.send_signal(signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
        told = int(rest[-1]) if rest else told
    assert writer.returncode == -signal.SIGKILL
    return told


WRITE_UNTIL_KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from flows.journal import Journal
from tests.flows.test_journal import ENTRY
with Journal(Path(sys.argv[1])) as journal:
    number = 0
    while True:
        journal.put(replace(ENTRY, key=f"k{number}", body="x" * 20_000))
        print(number, flush=True)
        number += 1
"""

# Thirty wait at a time; what is told has come in the order of the numbers.
WRITE_SOON_UNTIL_KILLED = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from flows.journal import Journal
from tests.flows.test_journal import ENTRY
async def main():
    under_way = []
    for number in range(10**9):
        entry = replace(ENTRY, key=f"k{number}", body="x" * 20_000)
        under_way.append(journal.put_soon(entry))
        if len(under_way) == 30:
            await under_way.pop(0)
            print(number - 29, flush=True)
with Journal(Path(sys.argv[1])) as journal:
    asyncio.run(main())
"""


@pytest.mark.parametrize("code", [WRITE_UNTIL_KILLED, WRITE_SOON_UNTIL_KILLED])
def test_what_is_told_to_be_stored_survives_kill_9(tmp_path: Path, code: str) -> None:
    for _ in range(2):
        told = told_until_killed(code, tmp_path, least=25)
        with Journal(tmp_path) as journal:
            found = [journal.get(f"k{number}") for number in range(told + 1)]
        assert [entry.body if entry else None for entry in found] == ["x" * 20_000] * (told + 1)
        with sqlite3.connect(tmp_path / "journal.sqlite") as check:
            assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)


WRITE_MANY = """
import sys
from dataclasses import replace
from pathlib import Path
from flows.journal import Journal
from tests.flows.test_journal import ENTRY
with Journal(Path(sys.argv[1])) as journal:
    for number in range(200):
        journal.put(replace(ENTRY, key=f"{sys.argv[2]}-{number}"))
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        writers = [run_python(WRITE_MANY, tmp_path, name) for name in ("a", "b")]
        journal.put(*entries(50))
        assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.close()
        assert journal.totals()["replies"] == 450
        assert len(journal.find([f"b-{number}" for number in range(200)])) == 200


def test_threads_write_and_read_at_once(tmp_path: Path) -> None:
    wrong: list[str] = []
    with Journal(tmp_path) as journal:

        def work(name: str) -> None:
            for number in range(50):
                journal.put(replace(ENTRY, key=f"{name}-{number}"))
                if journal.get(f"{name}-{number}") is None:
                    wrong.append(f"{name}-{number}")

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert journal.totals()["replies"] == 200


# Group commit


@contextmanager
def counted_commits(journal: Journal) -> Iterator[list[str]]:
    """Collect the COMMITs of the writer."""
    commits: list[str] = []

    def note(statement: str) -> None:
        if statement == "COMMIT":
            commits.append(statement)

    db = journal._writer_thread()._db
    db.set_trace_callback(note)
    yield commits
    db.set_trace_callback(None)


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    """`max_page_count` makes SQLite report a full disk, as the file system would."""
    db = journal._writer_thread()._db
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    yield
    db.execute("PRAGMA max_page_count = 1000000")


def test_replies_that_come_together_are_committed_together(tmp_path: Path) -> None:
    stored = entries(2_000)

    async def store(journal: Journal) -> list[None]:
        return await asyncio.gather(*(journal.put_soon(entry) for entry in stored))

    with Journal(tmp_path) as journal:
        with counted_commits(journal) as commits:
            assert asyncio.run(store(journal)) == [None] * 2_000
        assert 4 <= len(commits) < 200  # at most 500 replies each
        assert journal.find([entry.key for entry in stored]) == {
            entry.key: entry for entry in stored
        }


def test_waiting_for_one_reply_does_not_stop_the_event_loop(tmp_path: Path) -> None:
    async def store(journal: Journal) -> int:
        with sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")  # another process writes for long
            waiting = journal.put_soon(ENTRY)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            assert journal.get("k") is None  # and nobody who reads has to wait
            other.execute("ROLLBACK")
        await waiting
        return len(journal.find(["k"]))

    with Journal(tmp_path) as journal:
        assert asyncio.run(store(journal)) == 1


def test_event_loops_of_several_threads_share_a_journal(tmp_path: Path) -> None:
    async def store(journal: Journal, name: str) -> None:
        await asyncio.gather(*(journal.put_soon(entry) for entry in entries(100, name=name)))
        assert len(journal.find([f"{name}{number}" for number in range(100)])) == 100

    with Journal(tmp_path) as journal:
        threads = [
            threading.Thread(target=asyncio.run, args=(store(journal, name),)) for name in "abc"
        ]
        for thread in threads:
            thread.start()
        journal.put(*entries(100, name="d"))
        for thread in threads:
            thread.join()
        assert journal.totals()["replies"] == 400


def test_who_no_longer_waits_is_stored_all_the_same(tmp_path: Path) -> None:
    async def store(journal: Journal) -> None:
        first, second = journal.put_soon(ENTRY), journal.put_soon(replace(ENTRY, key="l"))
        first.cancel()
        await second
        await journal.put_soon(replace(ENTRY, key="m"))

    with Journal(tmp_path) as journal:
        asyncio.run(store(journal))
        assert set(journal.find(["k", "l", "m"])) == {"k", "l", "m"}


def test_closing_stores_what_is_under_way(tmp_path: Path) -> None:
    async def store() -> list[None]:
        journal = Journal(tmp_path)
        waiting = [journal.put_soon(entry) for entry in entries(700, body="x" * 1_000)]
        journal.close()
        return await asyncio.gather(*waiting)

    assert asyncio.run(store()) == [None] * 700
    with Journal(tmp_path) as journal:
        assert journal.totals()["replies"] == 700
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite"]


def test_closing_stores_what_nobody_waits_for(tmp_path: Path) -> None:
    async def store(journal: Journal) -> None:
        for entry in entries(700):
            journal.put_soon(entry)

    with Journal(tmp_path) as journal:
        asyncio.run(store(journal))  # its event loop is gone before most are stored
    with Journal(tmp_path) as journal:
        assert journal.totals()["replies"] == 700


# What goes wrong


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    large = replace(ENTRY, key="large", body="x" * 100_000)
    with Journal(tmp_path) as journal:
        journal.put(ENTRY)
        with full_disk(journal), pytest.raises(RunError) as caught:
            journal.put(large)
        assert str(caught.value) == (
            "expected a working journal, got 'database or disk is full' in "
            f"{tmp_path}/journal.sqlite: make room or move the file away, then run this again"
        )
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        assert journal.find(["k", "large"]) == {"k": ENTRY}
        journal.put(large)
        assert journal.totals()["replies"] == 2


def test_a_full_disk_reaches_everyone_who_waits(tmp_path: Path) -> None:
    stored = entries(1_200, body="x" * 1_000)

    async def store(journal: Journal) -> list[object]:
        waiting = [journal.put_soon(entry) for entry in stored]
        return await asyncio.gather(*waiting, return_exceptions=True)

    with Journal(tmp_path) as journal:
        with full_disk(journal):
            failed = asyncio.run(store(journal))
        # What still fitted is stored; everybody else was told.
        errors = [answer for answer in failed if answer is not None]
        assert len(errors) > 1_000
        assert {str(answer).partition(" in ")[0] for answer in errors} == {
            "expected a working journal, got 'database or disk is full'"
        }
        assert journal.totals()["replies"] == 1_200 - len(errors)
        assert asyncio.run(store(journal)) == [None] * 1_200  # there is room again
        assert journal.totals()["replies"] == 1_200


@pytest.mark.parametrize(
    "bad",
    [replace(ENTRY, request='{"prompt": "\ud800"}'), replace(ENTRY, prompt_tokens=2**63)],
    ids=["half a character", "a number out of range"],
)
def test_what_cannot_be_stored_keeps_nobody_waiting(tmp_path: Path, bad: JournalEntry) -> None:
    failures: list[Exception] = []

    def put(journal: Journal) -> None:
        try:
            journal.put(bad)
        except RunError as error:
            failures.append(error)

    with Journal(tmp_path) as journal:
        thread = threading.Thread(target=put, args=(journal,), daemon=True)
        thread.start()
        thread.join(timeout=2)
        assert [type(error) for error in failures] == [RunError]
        journal.put(ENTRY)
        assert journal.get("k") == ENTRY


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(RunError) as caught:
        Journal(tmp_path)
    assert str(caught.value) == (
        f"expected a working journal, got 'file is not a database' in {tmp_path}/journal.sqlite: "
        "make room or move the file away, then run this again"
    )
    assert (tmp_path / "journal.sqlite").stat().st_size == 14_000


def test_a_truncated_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(tmp_path) as journal:
        journal.put(*entries(100, body="x" * 10_000))
    path.write_bytes(path.read_bytes()[:50_000])
    with (
        pytest.raises(RunError, match="got 'database disk image is malformed'") as caught,
        Journal(tmp_path) as journal,
    ):
        journal.find([f"k{number}" for number in range(100)])
    assert "\n" not in str(caught.value)


def test_a_journal_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(tmp_path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(RunError, match="expected a journal of version 2, got version 99"):
        Journal(tmp_path)
    assert path.read_bytes() == before


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="expected a writable directory"):
        Journal(tmp_path / "home")
