"""Arrays on disk: what NumPy writes is read the same, and by many threads at once."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from flows.dedup.arrays import Array, map_array, read_array, read_arrays
from schemas.errors import InputError

ARRAYS = [
    np.arange(7, dtype=np.uint64),
    np.zeros(0, np.int64),
    np.arange(6, dtype=np.int64).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.uint64).reshape(2, 3)),
    np.zeros((0, 3), np.uint64),
    np.asarray([True, False]),
    np.asarray(5),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_an_array_is_read_as_it_was_written(array: Array, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", array)
    np.savez(tmp_path / "two.npz", one=array, two=array)
    readings = [read_array(tmp_path / "one.npy"), *read_arrays(tmp_path / "two.npz").values()]
    if array.ndim:
        readings += [map_array(tmp_path / "one.npy"), map_array(tmp_path / "one.npy", "c")]
    assert len(readings) >= 3
    for reading in readings:
        assert (reading.dtype, reading.shape) == (array.dtype, array.shape)
        assert np.array_equal(reading, array)


def test_reading_parses_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that parse at once crash Python before 3.11.8."""
    np.save(tmp_path / "one.npy", ARRAYS[0])
    np.savez(tmp_path / "two.npz", one=ARRAYS[0])

    def forbid(*_: object, **__: object) -> None:
        pytest.fail("the header was parsed as Python")

    with monkeypatch.context() as patch:
        patch.setattr(ast, "parse", forbid)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(read_array, [tmp_path / "one.npy"] * 50))
            list(pool.map(map_array, [tmp_path / "one.npy"] * 50))
            list(pool.map(read_arrays, [tmp_path / "two.npz"] * 50))


def test_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", ARRAYS[0])
    whole = (tmp_path / "one.npy").read_bytes()
    (tmp_path / "one.npy").write_bytes(whole[:-8])
    with pytest.raises(InputError, match=r"expected 56 bytes of values in .*one.npy, got 8 fewer"):
        read_array(tmp_path / "one.npy")
    np.save(tmp_path / "one.npy", np.zeros(2, [("a", "<i8")]))
    with pytest.raises(InputError, match="array of numbers"):
        read_array(tmp_path / "one.npy")
