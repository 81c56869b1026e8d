"""schemas <- quality <- flows, and no world below flows: read from the source, not promised."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Top-level packages that a room may import beside the standard library's pure part.
ALLOWED = {
    "schemas": {"schemas", "pydantic", "polars"},
    "quality": {
        "schemas", "quality", "pydantic", "polars",
        "numpy", "numba", "llvmlite", "pyarrow", "datasketch", "xxhash", "rapidfuzz", "py3langid",
        "phonenumbers", "scipy", "sklearn", "bs4", "markdownify",
    },
}  # fmt: skip

#: Standard library modules that compute and touch nothing.
PURE = frozenset(
    {
        "array", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal",
        "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "html", "inspect",
        "itertools", "json", "math", "operator", "re", "statistics", "string", "struct", "sys",
        "textwrap", "types", "typing", "unicodedata", "zlib",
    }
)  # fmt: skip

#: Built-in functions that reach the world, or run text.
WORLDLY_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "eval", "exec", "__import__"})
#: Methods and functions of modules that do, whatever they are called on.
WORLDLY_CALLS = frozenset(
    {
        "open", "read_text", "write_text", "read_bytes", "write_bytes", "read_parquet",
        "write_parquet", "scan_parquet", "sink_parquet", "read_csv", "write_csv", "scan_csv",
        "read_json", "write_json", "read_ndjson", "write_ndjson", "scan_ndjson", "write_ipc",
        "read_ipc", "unlink", "mkdir", "rename", "touch", "rmtree", "getenv", "system", "popen",
        "sleep", "time", "now", "today", "utcnow", "random", "shuffle", "choice", "sample",
        "set_random_seed",
    }
)  # fmt: skip
#: Attributes of `sys` that are no world.
PURE_SYS = frozenset({"maxsize", "intern", "maxunicode", "float_info", "getrecursionlimit"})

FILES = {room: sorted((ROOT / room).rglob("*.py")) for room in ("schemas", "quality", "flows")}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    """The full name of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield str(node.module)


def worldly_calls(tree: ast.AST) -> set[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {func.id for func in calls if isinstance(func, ast.Name)}
    methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}
    return (names & (WORLDLY_BUILTINS | WORLDLY_CALLS)) | (methods & WORLDLY_CALLS)


def shown(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


BELOW = [path for room in ALLOWED for path in FILES[room]]


@pytest.mark.parametrize("path", BELOW, ids=shown(BELOW))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    tops = {name.partition(".")[0] for name in imported(parsed(path))}
    assert tops - ALLOWED[room] - PURE == set()


@pytest.mark.parametrize("path", BELOW, ids=shown(BELOW))
def test_nothing_below_flows_touches_the_world(path: Path) -> None:
    tree = parsed(path)
    assert worldly_calls(tree) == set()
    from_sys = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    }
    assert from_sys <= PURE_SYS


@pytest.mark.parametrize(
    "line",
    [
        "open('x')", "frame.write_parquet('x')", "Path('x').read_text()", "print('x')",
        "time.time()", "datetime.now()", "random.random()", "rng.shuffle(x)",
    ],
)  # fmt: skip
def test_the_guard_sees_what_it_should(line: str) -> None:
    assert worldly_calls(ast.parse(line)) != set()


GENERATORS = [path for path in FILES["flows"] if "generators" in path.parts]


@pytest.mark.parametrize("path", GENERATORS, ids=shown(GENERATORS))
def test_generators_import_no_client_and_touch_nothing(path: Path) -> None:
    tree = parsed(path)
    names = set(imported(tree))
    of_flows = {name for name in names if name.startswith("flows.")}
    assert {name for name in of_flows if not name.startswith("flows.generators")} == set()
    rest = {name.partition(".")[0] for name in names - of_flows}
    assert rest - PURE - ALLOWED["quality"] == set()
    assert worldly_calls(tree) == set()


def test_only_teachers_import_a_client() -> None:
    clients = {"openai", "httpx", "httpx2", "aiohttp", "requests", "xllamacpp"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in FILES["flows"]
        if clients & {name.partition(".")[0] for name in imported(parsed(path))}
    }
    # The faults of the Hub's client are those of its HTTP library.
    allowed = ("flows/teachers/", "flows/hub/calls.py")
    assert {name for name in found if not name.startswith(allowed)} == set()


def test_only_the_store_names_stage_files() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in FILES["flows"]
        if "rows.parquet" in path.read_text(encoding="utf-8")
    ]
    assert found == ["flows/store.py"]


@pytest.mark.slow
@pytest.mark.parametrize("room", ["schemas", "quality"])
def test_a_room_can_be_imported_without_those_above(room: str, tmp_path: Path) -> None:
    """Proven once more with the other rooms out of reach."""
    above = {"schemas": ["quality", "flows"], "quality": ["flows"]}[room]
    modules = [
        path.relative_to(ROOT)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__")
        for path in FILES[room]
    ]
    code = f"import sys\nsys.modules.update(dict.fromkeys({[*above, 'prefect']!r}))\n" + "\n".join(
        f"import {name}" for name in modules
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
