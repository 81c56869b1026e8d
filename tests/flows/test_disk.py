import errno
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows import disk
from flows.disk import require_writable, user_disk_errors, write_atomically, write_frame
from schemas.errors import InputError, RunError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("number", "kind", "line"),
    [
        (errno.EACCES, InputError, "expected a writable directory, got 'permission denied' for x"),
        (errno.EROFS, InputError, "expected a writable directory, got 'read-only file system' for"),
        (errno.ENOTDIR, InputError, "expected a writable directory, got 'not a directory' for x"),
        (errno.EEXIST, InputError, "expected a writable directory, got 'file exists' for x"),
        (errno.ENOSPC, RunError, "expected to write to x, got 'no space left on device': make"),
        (errno.EDQUOT, RunError, "expected to write to x, got 'disk quota exceeded': make room"),
        (errno.EIO, RunError, "expected to write to x, got 'input/output error': make room, then"),
    ],
)
def test_what_the_system_says_becomes_one_line(
    number: int, kind: type[Exception], line: str
) -> None:
    with pytest.raises(kind) as caught, user_disk_errors(Path("x")):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(line)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_writable_directory_is_made_and_left_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("keep me")
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(InputError, match="expected a writable directory"):
            require_writable(path)
    assert (tmp_path / "a").read_text() == "keep me"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr({"fsync": disk.os, "replace": Path}[where], where, fail)
    with pytest.raises(RunError, match="no space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_frame_is_read_back(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["ß", None], "b": [[1], []]})
    write_frame(frame, tmp_path / "f.parquet")
    assert pl.read_parquet(tmp_path / "f.parquet").equals(frame)


FILL = """
import resource, sys
from pathlib import Path
import polars as pl
from flows.disk import user_disk_errors
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path(sys.argv[1])
try:
    with user_disk_errors(folder):
        pl.DataFrame({"a": [str(hash(n)) for n in range(5000)]}).write_parquet(folder / "f.parquet")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_what_polars_says_of_a_full_disk_becomes_one_line_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == (
        f"RunError expected to write to {tmp_path}, got 'file too large': make room, then run "
        "this again\n"
    )


def test_other_errors_of_polars_stay_what_they_are() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError), user_disk_errors(Path("x")):
        pl.DataFrame().select("a")
