import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from flows.claims import Claims
from schemas.errors import InputError, RunError
from tests.support.cli import ROOT, child_environment

HOLD = """
import sys, time
from pathlib import Path
from flows.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(sorted(claims.take(sys.argv[2:])), flush=True)
time.sleep(600)
"""

# Takes everything in its own order, and gives nothing up before it is told to.
TAKE_ALL = """
import json, random, sys
from pathlib import Path
from flows.claims import Claims
keys = [f"k{number}" for number in range(3_000)]
random.Random(sys.argv[2]).shuffle(keys)
with Claims(Path(sys.argv[1])) as claims:
    won = set()
    for start in range(0, len(keys), 50):
        won |= claims.take(keys[start : start + 50])
    print(json.dumps(sorted(won)), flush=True)
    sys.stdin.read()
"""


def start(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def owner_files(home: Path) -> list[str]:
    return [path.name for path in (home / "owners").iterdir()]


# Two that live


def test_a_request_is_won_once(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        assert one.take(["a", "b"]) == {"a", "b"}
        assert two.take(["b", "c"]) == {"c"}
        assert one.take(["a", "b", "c", "d"]) == {"a", "b", "d"}  # its own stay its own
        assert two.take([]) == set()
        assert two.take(["e", "e"]) == {"e"}


def test_a_request_is_won_once_among_many(tmp_path: Path) -> None:
    keys = [f"k{number}" for number in range(1_301)]  # more than fit into one query
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        assert one.take(keys[:700]) == set(keys[:700])
        assert two.take(keys) == set(keys[700:])
        one.release(keys)
        assert two.take(keys) == set(keys)


def test_two_processes_win_each_request_once(tmp_path: Path) -> None:
    takers = [start(TAKE_ALL, tmp_path, name) for name in ("a", "b")]
    won = [json.loads(next_line(taker)) for taker in takers]
    for taker in takers:
        taker.communicate()
    assert [taker.returncode for taker in takers] == [0, 0]
    assert set(won[0]) & set(won[1]) == set()
    assert sorted(won[0] + won[1]) == sorted(f"k{number}" for number in range(3_000))


def test_what_is_released_can_be_won(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        one.take(["a", "b"])
        one.release(["a", "never claimed"])
        one.release(["a"])
        assert two.take(["a", "b"]) == {"a"}


def test_nobody_releases_what_is_not_his(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        one.take(["a"])
        assert two.take(["a"]) == set()
        two.release(["a"])
        assert two.take(["a"]) == set()


def test_closing_gives_everything_up(tmp_path: Path) -> None:
    with Claims(tmp_path) as two:
        with Claims(tmp_path) as one:
            one.take(["a", "b"])
        assert two.take(["a", "b"]) == {"a", "b"}
    assert owner_files(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.sqlite", "owners"]


# One that is gone


def test_what_a_killed_process_asked_is_taken_over(tmp_path: Path) -> None:
    with start(HOLD, tmp_path, "a", "b") as holder, Claims(tmp_path) as claims:
        assert next_line(holder) == "['a', 'b']"
        assert claims.take(["a", "c"]) == {"c"}
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert claims.take(["a"]) == {"a"}
        with Claims(tmp_path) as other:
            assert other.take(["a", "b", "c"]) == {"b"}  # taken over once
    assert owner_files(tmp_path) == []


def test_a_process_that_was_only_stopped_keeps_its_claims(tmp_path: Path) -> None:
    with start(HOLD, tmp_path, "a") as holder, Claims(tmp_path) as claims:
        assert next_line(holder) == "['a']"
        holder.send_signal(signal.SIGSTOP)
        assert claims.take(["a"]) == set()
        holder.send_signal(signal.SIGKILL)


# The file only says what is under way


def killed_holder(home: Path) -> None:
    with start(HOLD, home, "a") as holder:
        assert next_line(holder) == "['a']"
        holder.send_signal(signal.SIGKILL)


def test_the_file_may_be_deleted(tmp_path: Path) -> None:
    killed_holder(tmp_path)
    assert (tmp_path / "claims.sqlite-wal").exists()
    (tmp_path / "claims.sqlite").unlink()  # and what belongs to it stays
    with Claims(tmp_path) as claims, Claims(tmp_path) as other:
        assert claims.take(["a", "b"]) == {"a", "b"}
        assert other.take(["a"]) == set()


def test_the_whole_home_may_be_deleted_but_for_its_claims(tmp_path: Path) -> None:
    killed_holder(tmp_path)
    for path in (tmp_path / "owners").iterdir():
        path.unlink()
    (tmp_path / "owners").rmdir()
    with Claims(tmp_path) as claims:
        assert claims.take(["a"]) == {"a"}


def test_an_empty_file_is_no_claim(tmp_path: Path) -> None:
    (tmp_path / "claims.sqlite").write_bytes(b"")
    with Claims(tmp_path) as claims:
        assert claims.take(["a"]) == {"a"}


def test_garbage_is_replaced(tmp_path: Path) -> None:
    """The file may be lost at any time, so a broken one need not stop anybody."""
    (tmp_path / "claims.sqlite").write_bytes(b"not a database" * 1000)
    with Claims(tmp_path) as claims:
        assert claims.take(["a"]) == {"a"}


def test_a_full_disk_is_one_line_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """`max_page_count` makes SQLite report a full disk, as the file system would."""
    keys = ["a" * 1_000 + str(number) for number in range(400)]
    with Claims(tmp_path) as claims, Claims(tmp_path) as other:
        pages = claims._db.execute("PRAGMA page_count").fetchone()[0]
        claims._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(RunError, match="got 'database or disk is full': make room or delete"):
            claims.take(keys)
        claims._db.execute("PRAGMA max_page_count = 1000000")
        assert other.take(keys[:1]) == {keys[0]}
        assert claims.take(keys) == set(keys[1:])


def test_a_failure_does_not_lock_the_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(owner: str) -> bool:
        raise PermissionError(13, "permission denied", owner)

    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        one.take(["a"])
        monkeypatch.setattr(two._owner, "is_alive", refuse)
        with pytest.raises((RunError, InputError, OSError)):
            two.take(["a"])
        other = sqlite3.connect(tmp_path / "claims.sqlite", timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()
            if two._db.in_transaction:
                two._db.execute("ROLLBACK")


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="expected a writable directory"):
        Claims(tmp_path / "home")
