import json
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from flows.journal import Journal, JournalEntry, canonical_body, request_key
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
)


def run_python(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


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
def test_a_success_is_never_replaced(tmp_path: Path, first: int, second: int, stays: str) -> None:
    with Journal(tmp_path) as journal:
        journal.put(replace(ENTRY, status=first, body="first"))
        journal.put(replace(ENTRY, status=second, body="second"))
        found = journal.get("k")
    assert found is not None
    assert found.body == stays


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


def test_what_put_returned_from_survives_kill_9(tmp_path: Path) -> None:
    for _ in range(3):
        with run_python(WRITE_UNTIL_KILLED, tmp_path) as writer:
            assert writer.stdout is not None
            told = -1
            for line in writer.stdout:
                told = int(line)
                if told >= 25:
                    writer.send_signal(signal.SIGKILL)
                    break
            rest = writer.stdout.read().split()
            told = int(rest[-1]) if rest else told
        assert writer.returncode == -signal.SIGKILL
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
    writers = [run_python(WRITE_MANY, tmp_path, name) for name in ("a", "b")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    with Journal(tmp_path) as journal:
        assert journal.totals()["replies"] == 400


def test_threads_write_and_read_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:

        def work(name: str) -> None:
            for number in range(50):
                journal.put(replace(ENTRY, key=f"{name}-{number}"))
                assert journal.get(f"{name}-{number}") is not None

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert journal.totals()["replies"] == 200


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(RunError) as caught:
        Journal(tmp_path)
    assert str(caught.value) == (
        f"expected a working journal, got 'file is not a database' in {tmp_path}/journal.sqlite: "
        "make room or move the file away, then run this again"
    )
    assert (tmp_path / "journal.sqlite").stat().st_size == 14_000


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="expected a writable directory"):
        Journal(tmp_path / "home")


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """`max_page_count` makes SQLite report a full disk, as the file system would."""
    with Journal(tmp_path) as journal:
        journal.put(ENTRY)
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(RunError, match="database or disk is full"):
            journal.put(replace(ENTRY, key="large", body="x" * 100_000))
        assert journal.get("k") == ENTRY
        assert journal.get("large") is None
        journal._db.execute("PRAGMA max_page_count = 1000000")
        journal.put(replace(ENTRY, key="large", body="x" * 100_000))
        assert journal.totals()["replies"] == 2


@pytest.mark.parametrize("text", ["\x00 zero", "\ufffd", "\u2028", "x" * 2_000_000])
def test_any_text_is_stored_as_it_came(tmp_path: Path, text: str) -> None:
    body = json.dumps({"text": text})
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
