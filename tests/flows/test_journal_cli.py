import argparse
import hashlib
import json
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from flows import journal_export
from flows.claims import Claims
from flows.commands.journal import run
from flows.journal import Journal, JournalEntry, Loss, Spent, canonical_body, request_key
from flows.journal_tools import opened_to_read, size_journal
from schemas.errors import RunError
from tests.support.cli import ROOT, Ran, call_cli, child_environment, run_cli

A, B = "http://a/v1", "embedded:1234"
ZEROS = {
    "file_bytes": 0, "wal_bytes": 0, "replies": 0, "request_bytes": 0, "body_bytes": 0,
    "mean_bytes": 0.0,
}  # fmt: skip


def entry(number: int = 0, **changes: Any) -> JournalEntry:
    """A reply with the key that its request has."""
    base_url, model = changes.get("base_url", A), changes.get("model", "m")
    body = {"model": model, "messages": [{"role": "user", "content": f"Grüß 😀 {number}"}]}
    made = JournalEntry(
        key=request_key(base_url, "chat/completions", body, 0),
        base_url=A,
        endpoint="chat/completions",
        model="m",
        sample=0,
        request=canonical_body(body),
        status=200,
        body=f'{{"choices": ["Größe {number}"]}}',
        prompt_tokens=3,
        completion_tokens=5,
        cost_usd=0.25,
        seconds=1.5,
        dataset="d",
    )
    return replace(made, **changes)


def size_of(*entries: JournalEntry) -> int:
    return sum(len(item.request.encode()) + len(item.body.encode()) for item in entries)


def write(home: Path, *records: JournalEntry | Loss) -> None:
    with Journal(home) as journal:
        journal.put(*records)


def change(home: Path, statement: str, *values: object) -> None:
    """Meddle with a journal."""
    with sqlite3.connect(home / "journal.sqlite") as db:
        db.execute(statement, values)
    db.close()


def set_age(home: Path, days: float, model: str) -> None:
    change(
        home, "UPDATE replies SET created = ? WHERE model = ?", time.time() - days * 86_400, model
    )


def journal(action: str, *words: object, home: Path) -> Ran:
    return call_cli("journal", action, "--home", home, *words, cwd=home.parent)


def answer(action: str, *words: object, home: Path) -> dict[str, Any]:
    return journal(action, "--json", *words, home=home).succeed().answer


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def tree(home: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(home).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file()
    }


def spending(home: Path) -> list[Spent]:
    with Journal(home) as journal:
        return [line for dataset in ("d", "e") for line in journal.spent_by(dataset)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three teachers and datasets; the replies of `n` are a hundred days old."""
    home = tmp_path / "home"
    write(
        home,
        entry(0),
        entry(1, status=400, prompt_tokens=0, completion_tokens=0, cost_usd=0.0),
        entry(2, dataset="e"),
        entry(3, model="n", base_url=B, cost_usd=0.0),
        entry(4, model="n", base_url=B, cost_usd=0.5),
        Loss(entry(0).key, "d", 2, tokens=10, usd=0.125, error="timeout", base_url=A, model="m"),
        Loss("never answered", "d", requests=1, tokens=10, usd=0.5, error="timeout"),
    )
    set_age(home, 100, "n")
    return home


# list and size


def test_list_has_one_line_for_each_teacher_and_dataset(home: Path) -> None:
    today = datetime.now(UTC).date()
    past = today - timedelta(days=100)
    found = answer("list", home=home)
    assert (found["action"], found["path"]) == ("list", str(home / "journal.sqlite"))
    days = [(line.pop("first"), line.pop("last")) for line in found["lines"]]
    assert [(first and first[:10], last and last[:10]) for first, last in days] == [
        (None, None),
        (str(past), str(past)),
        (str(today), str(today)),
        (str(today), str(today)),
    ]
    assert all(datetime.fromisoformat(date).tzinfo == UTC for pair in days[1:] for date in pair)
    nothing = {
        "replies": 0, "failures": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0,
        "bytes": 0, "losses": 0, "losses_usd": 0.0,
    }  # fmt: skip
    old = size_of(entry(3, model="n", base_url=B), entry(4, model="n", base_url=B))
    assert found["lines"] == [
        {**nothing, "base_url": "", "model": "", "dataset": "d", "losses": 1, "losses_usd": 0.5},
        {
            **nothing, "base_url": B, "model": "n", "dataset": "d", "replies": 2,
            "prompt_tokens": 6, "completion_tokens": 10, "cost_usd": 0.5, "bytes": old,
        },
        {
            "base_url": A, "model": "m", "dataset": "d", "replies": 2, "failures": 1,
            "prompt_tokens": 3, "completion_tokens": 5, "cost_usd": 0.25,
            "bytes": size_of(entry(0), entry(1)), "losses": 2, "losses_usd": 0.125,
        },
        {
            **nothing, "base_url": A, "model": "m", "dataset": "e", "replies": 1,
            "prompt_tokens": 3, "completion_tokens": 5, "cost_usd": 0.25,
            "bytes": size_of(entry(2)),
        },
    ]  # fmt: skip


def test_list_for_people(home: Path) -> None:
    lines = journal("list", home=home).succeed().out.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["base_url", "model", "dataset", "replies"],
        ["-", "-", "d", "0"],
        [B, "n", "d", "2"],
        [A, "m", "d", "2"],
        [A, "m", "e", "1"],
    ]
    today = str(datetime.now(UTC).date())
    assert lines[3].split()[4:] == [
        "1", "3", "5", "0.2500", "2", "0.1250", today, today, str(size_of(entry(0), entry(1))), "B",
    ]  # fmt: skip


def test_size_counts_bytes(home: Path) -> None:
    found = answer("size", home=home)
    on_disk = (home / "journal.sqlite").stat().st_size
    entries = [entry(0), entry(1), entry(2), entry(3, model="n"), entry(4, model="n")]
    assert found == {
        "action": "size", "path": str(home / "journal.sqlite"), "file_bytes": on_disk,
        "wal_bytes": 0, "replies": 5,
        "request_bytes": sum(len(item.request.encode()) for item in entries),
        "body_bytes": sum(len(item.body.encode()) for item in entries),
        "mean_bytes": round(on_disk / 5, 1),
    }  # fmt: skip
    assert journal("size", home=home).succeed().out.startswith("5 replies in ")


@pytest.mark.parametrize("action", ["list", "size"])
def test_a_home_without_a_journal_is_empty_and_stays_so(tmp_path: Path, action: str) -> None:
    zeros: dict[str, Any] = {"lines": []} if action == "list" else ZEROS
    there = tmp_path / "there"
    there.mkdir()
    for home in (tmp_path / "missing", there):
        path = str(home / "journal.sqlite")
        assert answer(action, home=home) == {"action": action, "path": path, **zeros}
        assert journal(action, home=home).succeed().err == ""
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize("action", ["verify", "export", "prune"])
def test_the_others_need_a_journal(tmp_path: Path, action: str) -> None:
    words = {"export": ["--out", "o.parquet"], "prune": ["--failures", "--yes"]}.get(action, [])
    ran = journal(action, *words, home=tmp_path / "missing")
    path = tmp_path / "missing" / "journal.sqlite"
    assert (ran.code, ran.error_line) == (
        2,
        f"expected a journal, got no file {path}: name the home of one with --home",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    ran = journal("list", home=tmp_path / "home")
    assert ran.code == 2
    assert ran.error_line.startswith("expected a directory, got the file ")


# Looking writes nothing

LOOKS = [
    ["list"],
    ["size"],
    ["verify"],
    ["export", "--out", "out.parquet"],
    ["prune", "--failures"],
]


@pytest.mark.parametrize("words", LOOKS, ids=lambda words: words[0])
def test_looking_leaves_a_journal_at_rest_as_it_is(home: Path, words: list[str]) -> None:
    before = tree(home)
    assert list(before) == ["journal.sqlite"]
    journal(*words, home=home).succeed()
    assert tree(home) == before


HOLD = """
import sys, time
from pathlib import Path
from flows.claims import Claims
from flows.journal import Journal
from tests.flows.test_journal_cli import entry
home = Path(sys.argv[1])
journal, claims = Journal(home), Claims(home)
journal.put(entry(100), entry(101))
print("stored", flush=True)
time.sleep(600)
"""


def start_holder(home: Path) -> "subprocess.Popen[str]":
    """A process that has two replies in the log, and lives."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        cwd=ROOT,
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "stored\n"
    return holder


@pytest.mark.parametrize("is_killed", [False, True])
def test_looking_sees_what_is_only_in_the_log(home: Path, is_killed: bool) -> None:
    with start_holder(home) as holder:
        if is_killed:
            holder.kill()
            holder.wait()
        kept = {name: tree(home)[name] for name in ("journal.sqlite", "journal.sqlite-wal")}
        for words in LOOKS:
            journal(*words, home=home).succeed()
        assert answer("verify", home=home)["replies"] == 7
        found = answer("size", home=home)
        assert (found["replies"], found["wal_bytes"]) == (7, len(kept["journal.sqlite-wal"][0]))
        assert {name: tree(home)[name] for name in kept} == kept
        holder.kill()
    assert pl.read_parquet(home.parent / "out.parquet").height == 7


def test_a_write_while_a_journal_at_rest_is_read_is_noticed(home: Path) -> None:
    line = rf"expected nobody to write while {home}/journal.sqlite is read, got .*: run this again"
    with pytest.raises(RunError, match=line), opened_to_read(home):
        write(home, entry(200))
    with opened_to_read(home) as db:
        assert db is not None
        assert db.execute("SELECT count(*) FROM replies").fetchone() == (6,)


# verify


def test_verify_finds_a_sound_journal_sound(home: Path) -> None:
    assert answer("verify", home=home) == {
        "action": "verify", "path": str(home / "journal.sqlite"), "ok": True, "replies": 5,
        "damage": [], "faulty": 0, "faults": [],
    }  # fmt: skip
    assert journal("verify", home=home).succeed().out == (
        "5 replies: file, keys and checksums are as they were written\n"
    )


def test_verify_tells_a_changed_body(home: Path) -> None:
    stored = entry(0)
    change(home, "UPDATE replies SET body = 'other' WHERE key = ?", stored.key)
    ran = journal("verify", "--json", home=home)
    assert ran.code == 1
    assert ran.answer["ok"] is False
    assert (ran.answer["replies"], ran.answer["faulty"], ran.answer["damage"]) == (5, 1, [])
    fault = ran.answer["faults"][0]
    assert (fault["key"], fault["what"]) == (stored.key, "body")
    assert (fault["expected"], fault["got"]) == (sha256(stored.body), sha256("other"))
    assert ran.error_line == (
        f"expected {home}/journal.sqlite as it was written, got 1 wrong keys or bodies in 5 "
        "replies that could be read: put a copy in its place, or move it away and pay for its "
        "replies again"
    )
    people = journal("verify", home=home)
    assert people.out == f"{stored.key}  body: expected {fault['expected']}, got {fault['got']}\n"
    assert people.error_line == ran.error_line


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("base_url", "http://b/v1"),
        ("endpoint", "completions"),
        ("sample", 7),
        ("request", '{"model": "m"}'),
        ("key", "0" * 64),
    ],
)
def test_verify_tells_a_key_that_is_not_of_its_request(
    home: Path, column: str, value: object
) -> None:
    stored = entry(0)
    change(home, f"UPDATE replies SET {column} = ? WHERE key = ?", value, stored.key)
    ran = journal("verify", "--json", home=home)
    assert ran.code == 1
    there: dict[str, Any] = {
        "base_url": A, "endpoint": "chat/completions", "sample": 0, "request": stored.request,
        "key": stored.key, column: value,
    }  # fmt: skip
    body = json.loads(there["request"])
    expected = request_key(there["base_url"], there["endpoint"], body, there["sample"])
    assert ran.answer["faults"] == [
        {"key": there["key"], "what": "key", "expected": expected, "got": there["key"]}
    ]


def test_verify_tells_what_cannot_be_read(home: Path) -> None:
    for number, request in enumerate(("no JSON", b'{"\xff": 1}', "[" * 100_000)):
        key = entry(number).key
        change(home, "UPDATE replies SET request = CAST(? AS TEXT) WHERE key = ?", request, key)
    ran = journal("verify", "--json", home=home)
    assert (ran.code, ran.answer["replies"], ran.answer["faulty"]) == (1, 5, 3)
    faults = {fault["key"]: (fault["what"], fault["expected"]) for fault in ran.answer["faults"]}
    assert faults[entry(0).key] == ("request", "JSON")
    assert faults[entry(1).key][0] == "key"  # read, but it is another request
    assert faults[entry(2).key] == ("request", "JSON")


@pytest.mark.parametrize(
    ("start", "stop", "patch"),
    [
        (0, 16, b"not a database!!"),
        (0, 100, b"\0" * 100),
        (0, 4_096, b"\xff" * 4_096),
        (20_000, 60_000, b"\xab" * 40_000),
        (60_000, None, b""),
        (3_000, None, b""),
        (10, None, b""),
        (0, None, b""),
    ],
)
def test_verify_of_a_damaged_file_is_one_line(
    tmp_path: Path, start: int, stop: int | None, patch: bytes
) -> None:
    home = tmp_path / "home"
    write(home, *(entry(number, body="x" * 3_000) for number in range(60)))
    path = home / "journal.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[:start] + patch + (data[stop:] if stop is not None else b""))
    before = tree(home)
    for words in LOOKS:
        ran = journal(*words, "--json", home=home)
        if words[0] == "verify":
            assert ran.code == 1
            assert ran.answer["error"] == ran.error_line
        if ran.code:
            assert ran.code == 1
            assert ran.error_line.startswith("expected ")
            assert "unexpected" not in ran.error_line
    people = journal("verify", home=home)
    assert people.code == 1
    assert "Traceback" not in people.out + people.err
    assert len(people.err.splitlines()) == 1
    assert tree(home) == before  # no crash.log either


def test_verify_tells_how_far_it_could_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(home, *(entry(number, body="x" * 3_000) for number in range(60)))
    path = home / "journal.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[:100_000] + b"\xab" * (len(data) - 100_000))
    ran = journal("verify", "--json", home=home)
    assert ran.code == 1
    assert 0 < ran.answer["replies"] < 60
    assert ran.answer["damage"][0].startswith("Page ")
    assert ran.answer["damage"][-1] == "database disk image is malformed"
    assert ran.answer["faulty"] == 0
    assert f", 0 wrong keys or bodies in {ran.answer['replies']} replies" in ran.error_line


# export


def test_export_writes_every_field(home: Path) -> None:
    out = home.parent / "new" / "out.parquet"
    found = answer("export", "--out", out, home=home)
    assert found == {
        "action": "export", "path": str(home / "journal.sqlite"), "out": str(out), "rows": 5,
        "bytes": out.stat().st_size,
    }  # fmt: skip
    frame = pl.read_parquet(out)
    assert frame.schema == {
        "key": pl.String, "base_url": pl.String, "endpoint": pl.String, "model": pl.String,
        "sample": pl.Int64, "request": pl.String, "status": pl.Int64, "body": pl.String,
        "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64, "cost_usd": pl.Float64,
        "seconds": pl.Float64, "dataset": pl.String, "body_sha256": pl.String,
        "created": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    rows = frame.drop("body_sha256", "created").to_dicts()
    assert JournalEntry(**rows[0]) == entry(0)
    assert [row["key"] for row in rows[:3]] == [entry(number).key for number in range(3)]
    assert frame["body_sha256"].to_list() == [sha256(body) for body in frame["body"]]
    assert abs(frame["created"][0] - datetime.now(UTC)) < timedelta(minutes=10)
    metadata = pq.ParquetFile(out).metadata.row_group(0)
    assert {metadata.column(number).compression for number in range(15)} == {"ZSTD"}
    assert [path.name for path in out.parent.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["--model", "m"], 3),
        (["--dataset", "e"], 1),
        (["--model", "n", "--dataset", "d"], 2),
        (["--model", "n", "--dataset", "e"], 0),
    ],
)
def test_export_chooses(home: Path, words: list[str], rows: int) -> None:
    out = home.parent / "out.parquet"
    shown = journal("export", "--out", out, *words, home=home).succeed().out
    assert shown.startswith(f"{rows} rows written to {out}")
    frame = pl.read_parquet(out)
    assert (frame.height, frame.width) == (rows, 15)


def test_export_streams_in_groups(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = home.parent / "out.parquet"
    monkeypatch.setattr(journal_export, "_GROUP_ROWS", 2)
    journal("export", "--out", out, home=home).succeed()
    metadata = pq.ParquetFile(out).metadata
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [2, 2, 1]
    monkeypatch.setattr(journal_export, "_GROUP_CHARACTERS", 1)
    journal("export", "--out", out, home=home).succeed()
    assert pq.ParquetFile(out).metadata.num_row_groups == 5


@pytest.mark.parametrize(
    ("out", "line"),
    [
        (None, "expected a file to write, got none: say --out FILE.parquet"),
        ("out.csv", "expected a Parquet file to write, got 'out.csv': say --out FILE.parquet"),
        ("home", "expected a Parquet file to write, got 'home': say --out FILE.parquet"),
        ("x.parquet", "expected a Parquet file to write, got 'x.parquet': say --out FILE.parquet"),
        ("file/out.parquet", "expected a writable directory, got 'file exists' for file/out.parq"),
    ],
)
def test_export_says_where_it_cannot_write(home: Path, out: str | None, line: str) -> None:
    (home.parent / "x.parquet").mkdir()
    (home.parent / "file").write_text("")
    ran = journal("export", *(["--out", out] if out else []), home=home)
    assert ran.code == 2
    assert ran.error_line.startswith(line)


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out.parquet"
    write(home, *(entry(number, body="x" * 3_000) for number in range(60)))
    path = home / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:100_000])
    out.write_text("old")
    ran = journal("export", "--out", out, home=home)
    assert ran.code == 1
    assert ran.error_line.startswith("expected a working journal, got 'database disk image is malf")
    assert out.read_text() == "old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["home", "out.parquet"]


def test_an_export_onto_a_full_disk_is_one_line(home: Path) -> None:
    write(home, *(entry(number, body=sha256(str(number)) * 40) for number in range(300)))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    words = ["journal", "export", "--home", home, "--out", "out.parquet"]
    ran = run_cli(*words, cwd=home.parent, preexec_fn=limit)
    assert (ran.code, ran.error_line) == (
        1,
        "expected to write to out.parquet, got 'file too large': make room, then run this again",
    )
    assert [path.name for path in home.parent.iterdir()] == ["home"]


# prune


@pytest.mark.parametrize(
    ("words", "replies", "usd"),
    [
        (["--failures"], 1, 0.0),
        (["--model", "m"], 3, 0.5),
        (["--older-than", "90d"], 2, 0.5),
        (["--older-than", "14w"], 2, 0.5),
        (["--older-than", "2401h"], 0, 0.0),
        (["--older-than", "2399h"], 2, 0.5),
        (["--older-than", "0h"], 5, 1.0),
        (["--older-than", "90d", "--failures"], 0, 0.0),
        (["--older-than", "90d", "--model", "n"], 2, 0.5),
        (["--model", "absent"], 0, 0.0),
    ],
)
def test_prune_deletes_what_it_said_and_only_when_told(
    home: Path, words: list[str], replies: int, usd: float
) -> None:
    spent = spending(home)
    before = tree(home)
    told = answer("prune", *words, home=home)
    assert (told["replies"], told["cost_usd"], told["is_deleted"]) == (replies, usd, False)
    assert tree(home) == before
    done = answer("prune", *words, "--yes", home=home)
    assert (done["replies"], done["cost_usd"], done["is_deleted"]) == (replies, usd, True)
    assert done["bytes"] == told["bytes"]
    with Journal(home) as left:
        assert left.totals()["replies"] == 5 - replies
        assert left.losses("d").keys() - {""} == {entry(0).key, "never answered"}
    # What was spent stays spent, or a budget would let it be spent again.
    assert spending(home) == spent
    assert answer("verify", home=home)["ok"] is True


def test_prune_for_people(home: Path) -> None:
    gone = size_of(entry(3, model="n"), entry(4, model="n"))
    what = f"2 replies ({gone} B, US$ 0.5000 to pay for them again)"
    assert journal("prune", "--model", "n", home=home).succeed().out == (
        f"would delete {what}; nothing is deleted without --yes\n"
    )
    shown = journal("prune", "--model", "n", "--yes", home=home).succeed().out
    assert shown.startswith(f"deleted {what}; the file is ")


def test_prune_gives_the_room_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(home, entry(0), *(entry(number, body="x" * 5_000, model="n") for number in range(1, 200)))
    before = size_journal(home).file_bytes
    done = answer("prune", "--model", "n", "--yes", home=home)
    after = size_journal(home)
    assert done["freed_bytes"] == before - after.file_bytes > 900_000
    assert (after.replies, after.wal_bytes) == (1, 0)


def test_prune_wants_a_selector(home: Path) -> None:
    for words in ([], ["--yes"]):
        ran = journal("prune", *words, home=home)
        assert (ran.code, ran.error_line) == (
            2,
            "expected to be told which replies to delete, got no selector: say --older-than 90d, "
            "--model NAME or --failures, or several of them",
        )
    assert answer("size", home=home)["replies"] == 5


@pytest.mark.parametrize("age", ["", "90", "90m", "-1d", "1.5d", "d", "9999999d", "90d 1h"])
def test_prune_reads_no_other_age(home: Path, age: str) -> None:
    ran = journal("prune", f"--older-than={age}", "--yes", home=home)
    assert (ran.code, ran.error_line) == (
        2,
        "expected an age in hours, days or weeks (12h, 90d, 8w), got --older-than " + repr(age),
    )


def test_prune_refuses_while_another_process_lives(home: Path) -> None:
    with start_holder(home) as holder:
        ran = journal("prune", "--failures", "--yes", home=home)
        assert (ran.code, ran.error_line) == (
            1,
            f"expected nobody else to use {home}, got 1 other process at work: wait for the end, "
            "then run this again",
        )
        assert answer("prune", "--failures", home=home)["replies"] == 1  # one may ask
        holder.send_signal(signal.SIGSTOP)
        assert journal("prune", "--failures", "--yes", home=home).code == 1
        holder.kill()
        holder.wait()
    assert answer("prune", "--failures", "--yes", home=home)["replies"] == 1
    assert answer("list", home=home)["lines"][-1]["replies"] == 1


def test_prune_leaves_the_living_their_claims(home: Path) -> None:
    with Claims(home) as claims:
        claims.take(["a"])
        assert journal("prune", "--failures", "--yes", home=home).code == 1
        with Claims(home) as other:
            assert other.take(["a"]) == set()
    journal("prune", "--failures", "--yes", home=home).succeed()


def test_prune_of_a_journal_that_is_written_to_deletes_all_or_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that holds no name, and the write lock for longer than anybody waits."""
    connect = sqlite3.connect

    def impatient(*words: Any, **options: Any) -> sqlite3.Connection:
        found: sqlite3.Connection = connect(*words, **{**options, "timeout": 0.05})
        return found

    with Journal(home):
        other = connect(home / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN")
        other.execute("DELETE FROM losses WHERE key = 'none'")
        monkeypatch.setattr("flows.journal_tools.sqlite3.connect", impatient)
        ran = journal("prune", "--failures", "--yes", home=home)
        other.close()
    assert ran.code == 1
    assert "'database is locked'" in ran.error_line
    assert answer("size", home=home)["replies"] == 5


# flags


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["list", "--model", "m"],
            "expected no flag with `journal list`, got --model: leave it out",
        ),
        (["size", "--yes"], "expected no flag with `journal size`, got --yes: leave it out"),
        (["verify", "--out", "x"], "expected no flag with `journal verify`, got --out: leave it"),
        (
            ["export", "--out", "o.parquet", "--failures"],
            "expected --out, --model, --dataset with `journal export`, got --failures: leave it",
        ),
        (
            ["prune", "--failures", "--dataset", "d", "--yes"],
            "expected --older-than, --model, --failures, --yes with `journal prune`, got --dataset",
        ),
    ],
)
def test_a_flag_of_another_action_is_no_selector(home: Path, words: list[str], line: str) -> None:
    ran = journal(*words, home=home)
    assert ran.code == 2
    assert ran.error_line.startswith(line)
    assert answer("size", home=home)["replies"] == 5


def test_an_unknown_action_is_one_line(home: Path) -> None:
    ran = journal("burn", home=home)
    assert ran.code == 2
    assert "'burn'" in ran.error_line


def test_the_command_is_a_function_of_its_arguments(home: Path) -> None:
    none = dict.fromkeys(("out", "model", "dataset", "older_than"))
    arguments = argparse.Namespace(
        action="size", home=home, json=True, failures=False, yes=False, **none
    )
    assert run(arguments)["replies"] == 5
