"""Arrays in NumPy's own files, read so that threads may read at once.

NumPy's reader parses the header as Python, and before Python 3.11.8 two threads that parse at the
same time break each other ("AST constructor recursion depth mismatch", python/cpython#106905). The
headers written here have one form, so nothing needs to be parsed. Anyone's NumPy reads the files.
"""

import re
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

Array = npt.NDArray[Any]
_HEADER = re.compile(
    r"\{'descr': '(?P<dtype>[^']+)', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[\d, ]*)\), \}"
)
_CHUNK = 16 << 20


def read_array(path: Path) -> Array:
    """Read the array of an `.npy` file into memory."""
    with path.open("rb") as file:
        return _read(file, path)


def map_array(path: Path, mode: Literal["r", "c"] = "r") -> Array:
    """Map the array of an `.npy` file; one without values, which cannot be mapped, is read.

    Args:
        path: the file.
        mode: "r" is read-only; "c" writes to memory alone.
    """
    with path.open("rb") as file:
        dtype, shape, order = _read_header(file, path)
        if 0 in shape:
            return np.empty(shape, dtype, order)
        return np.memmap(path, dtype, mode, file.tell(), shape, order)


def read_arrays(path: Path) -> dict[str, Array]:
    """Read the arrays of an `.npz` file, by name."""
    arrays = {}
    with ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                arrays[name.removesuffix(".npy")] = _read(file, path)
    return arrays


def _read(file: IO[bytes], path: Path) -> Array:
    dtype, shape, order = _read_header(file, path)
    array = np.empty(shape, dtype, order)
    rest = array.reshape(-1, order=order).view(np.uint8).data
    while rest:
        part = file.read(min(len(rest), _CHUNK))
        if not part:
            msg = (
                f"expected {array.nbytes} bytes of values in {path}, got {len(rest)} fewer;"
                " delete it and run again"
            )
            raise InputError(msg)
        rest[: len(part)] = part
        rest = rest[len(part) :]
    return array


def _read_header(
    file: IO[bytes], path: Path
) -> tuple[np.dtype[Any], tuple[int, ...], Literal["C", "F"]]:
    major, _ = np.lib.format.read_magic(file)
    header = file.read(int.from_bytes(file.read(2 if major == 1 else 4), "little")).decode("latin1")
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        msg = (
            f"expected an array of numbers in {path}, got {header.strip()!r}; delete it, run again"
        )
        raise InputError(msg)
    shape = tuple(int(length) for length in found["shape"].split(",") if length.strip())
    return np.dtype(found["dtype"]), shape, "F" if found["fortran"] == "True" else "C"
