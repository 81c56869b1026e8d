import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows import store as store_module
from flows.store import StageOutput, Store, code_version, concat_decisions, concat_rows, hash_json
from schemas.errors import BooksError, InputError, RunError
from schemas.frames import DECISIONS, ROWS, empty_frame
from schemas.manifest import StageRef
from tests.support.rows import make_decisions, make_row, make_rows

ONE, TWO = make_row("Name a colour."), make_row("Name a river.")
NOTHING = empty_frame(DECISIONS)


class Counting:
    """A computation that knows how often it ran."""

    def __init__(self, output: StageOutput | BaseException) -> None:
        self.calls = 0
        self._output = output

    def __call__(self) -> StageOutput:
        self.calls += 1
        if isinstance(self._output, BaseException):
            raise self._output
        return self._output


def kept(*rows: dict[str, object], **options: object) -> StageOutput:
    frame = make_rows(rows)
    return StageOutput(frame, frame.clear(), NOTHING, frame.height, **options)  # type: ignore[arg-type]


def run(store: Store, compute: Callable[[], StageOutput], **changed: object) -> StageRef:
    options: dict[str, object] = {"stage": "signals", "config": {"a": 1}, "inputs": []}
    options |= changed
    stage = options.pop("stage")
    return store.run(stage, compute=compute, **options)  # type: ignore[arg-type]


def drafts(store: Store) -> list[str]:
    return [path.name for path in store.root.glob(".draft-*")] if store.root.exists() else []


def test_a_stage_that_exists_is_not_run_again(tmp_path: Path) -> None:
    compute = Counting(kept(ONE))
    first = run(Store(tmp_path), compute)
    second = run(Store(tmp_path), compute)
    assert (first, compute.calls) == (second, 1)
    assert first.path == str(tmp_path / "stages" / "signals" / first.key)
    assert Store(tmp_path).rows(second)["id"].to_list() == [ONE["id"]]


OTHER = StageRef("ingest", "0" * 24, "/elsewhere")


@pytest.mark.parametrize(
    "changed",
    [
        {"config": {"a": 2}},
        {"config": {"a": 1, "b": None}},
        {"config": {"a": 1.0}},
        {"config": {"a": "1"}},
        {"inputs": [OTHER]},
        {"stage": "filter"},
    ],
)
def test_whatever_changes_the_key_recomputes(tmp_path: Path, changed: dict[str, object]) -> None:
    compute = Counting(kept(ONE))
    first = run(Store(tmp_path), compute)
    assert run(Store(tmp_path), compute, **changed).key != first.key
    assert compute.calls == 2


def test_changed_code_recomputes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Counting(kept(ONE))
    run(Store(tmp_path), compute)
    monkeypatch.setattr(store_module, "code_version", lambda: "other")
    run(Store(tmp_path), compute)
    assert compute.calls == 2


def test_the_order_of_configuration_keys_does_not_matter(tmp_path: Path) -> None:
    compute = Counting(kept(ONE))
    first = run(Store(tmp_path), compute, config={"a": 1, "b": 2})
    assert run(Store(tmp_path), compute, config={"b": 2, "a": 1}) == first
    assert compute.calls == 1


def test_the_order_of_inputs_matters(tmp_path: Path) -> None:
    third = StageRef("generate", "1" * 24, "/elsewhere")
    one = run(Store(tmp_path), Counting(kept(ONE)), inputs=[OTHER, third])
    two = run(Store(tmp_path), Counting(kept(ONE)), inputs=[third, OTHER])
    assert one.key != two.key


def test_the_manifest_tells_what_happened(tmp_path: Path) -> None:
    lines = make_decisions(
        [
            {"id": ONE["id"], "rule": "r", "action": "drop"},
            {"id": TWO["id"], "rule": "q", "action": "quarantine"},
            {"id": ONE["id"], "rule": "s", "action": "would_drop"},
        ]
    )
    third = make_row("Name a tree.")
    output = StageOutput(
        make_rows([third]), make_rows([ONE, TWO]), lines, rows_in=3, notes={"n": 1}
    )
    store = Store(tmp_path)
    ref = run(store, Counting(output), inputs=[OTHER])
    found = store.manifest(ref)
    assert (found.rows_in, found.kept, found.dropped, found.quarantined) == (3, 1, 1, 1)
    assert (found.inputs, found.config, found.notes) == ([OTHER.key], {"a": 1}, {"n": 1})
    assert (found.stage, found.key, found.code_version) == ("signals", ref.key, code_version())
    assert store.dropped(ref)["id"].to_list() == [ONE["id"], TWO["id"]]
    assert store.decisions(ref)["rule"].to_list() == ["r", "q", "s"]
    names = ["decisions.parquet", "dropped.parquet", "manifest.json", "rows.parquet"]
    assert sorted(path.name for path in Path(ref.path).iterdir()) == names


DROPPED_ONE = [{"id": ONE["id"], "rule": "r", "action": "drop"}]


@pytest.mark.parametrize(
    ("kept_rows", "dropped_rows", "lines", "rows_in", "message"),
    [
        ([ONE], [], [], 2, "kept + dropped = 2 rows after signals, got 1 + 0"),
        ([ONE, TWO], [], [], 1, "kept + dropped = 1 rows after signals, got 2 + 0"),
        ([TWO], [ONE], [], 2, "one decision for each of the 1 rows dropped by signals, got 0"),
        ([ONE], [], DROPPED_ONE, 1, "one decision for each of the 0 rows"),
        ([], [ONE], DROPPED_ONE * 2, 1, "one decision for each of the 1 rows"),
        ([], [TWO], DROPPED_ONE, 1, "one decision for each of the 1 rows"),
    ],
)
def test_books_that_do_not_balance_fail_and_leave_nothing(
    tmp_path: Path,
    kept_rows: list[dict[str, object]],
    dropped_rows: list[dict[str, object]],
    lines: list[dict[str, object]],
    rows_in: int,
    message: str,
) -> None:
    output = StageOutput(
        make_rows(kept_rows), make_rows(dropped_rows), make_decisions(lines), rows_in
    )
    with pytest.raises(BooksError) as caught:
        run(Store(tmp_path), Counting(output))
    assert message in str(caught.value)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "stages").exists()


def test_a_row_that_lost_a_column_fails(tmp_path: Path) -> None:
    frame = make_rows([ONE]).drop("raw")
    output = StageOutput(frame, frame.clear(), NOTHING, 1)
    with pytest.raises(RunError, match="expected column 'raw' after signals"):
        run(Store(tmp_path), Counting(output))


@pytest.mark.parametrize("fault", [RuntimeError("bug"), KeyboardInterrupt(), RunError("down")])
def test_a_failed_computation_leaves_no_directory(tmp_path: Path, fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        run(Store(tmp_path), Counting(fault))
    assert not (tmp_path / "stages").exists()
    good = Counting(kept(ONE))
    run(Store(tmp_path), good)
    assert good.calls == 1


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (28, RunError, "got 'no space left on device': make room, then run this again"),
        (5, RunError, "got 'input/output error': make room, then run this again"),
        (30, InputError, "got 'read-only file system'"),
        (13, InputError, "got 'permission denied'"),
    ],
)
@pytest.mark.parametrize("where", ["write_parquet", "fsync", "rename"])
def test_a_failing_disk_leaves_no_directory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    number: int,
    kind: type[Exception],
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    target = {"write_parquet": pl.DataFrame, "fsync": os, "rename": Path}[where]
    store = Store(tmp_path)
    compute = Counting(kept(ONE))
    with monkeypatch.context() as patch:
        patch.setattr(target, where, fail)
        with pytest.raises(kind) as caught:
            run(store, compute)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert drafts(store) == []
    assert list(tmp_path.rglob("manifest.json")) == []
    again = Counting(kept(ONE))
    assert store.rows(run(store, again)).height == 1


def test_killed_while_writing_is_as_never_started(tmp_path: Path) -> None:
    """The child ends itself in the middle, as `kill -9` would."""
    code = """
import os, sys
from pathlib import Path
from flows import store
from tests.flows.test_store import Counting, ONE, kept, run
real = store.sync_tree
store.sync_tree = lambda folder: os.kill(os.getpid(), 9)
run(store.Store(Path(sys.argv[1])), Counting(kept(ONE)))
"""
    import subprocess
    import sys

    from tests.support.cli import ROOT, child_environment

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=child_environment(), timeout=120
    )
    assert done.returncode == -9
    store = Store(tmp_path)
    assert not (store.root / "signals").exists()
    compute = Counting(kept(ONE))
    assert store.rows(run(store, compute)).height == 1
    assert compute.calls == 1


def test_an_unusable_stage_is_computed_again_and_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ref = run(store, Counting(kept(ONE, reusable=False)))
    assert store.manifest(ref).reusable is False
    compute = Counting(kept(TWO))
    assert run(store, compute) == ref
    assert compute.calls == 1
    assert store.rows(ref)["id"].to_list() == [TWO["id"]]
    assert run(store, compute) == ref
    assert compute.calls == 1


def test_what_a_passing_fault_shaped_is_not_reused_further_down(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = run(store, Counting(kept(ONE, reusable=False)))
    below = run(store, Counting(kept(ONE)), stage="filter", inputs=[first])
    assert store.manifest(below).reusable is False
    run(store, Counting(kept(ONE, TWO)))  # the fault has passed
    compute = Counting(kept(ONE, TWO))
    assert run(store, compute, stage="filter", inputs=[first]) == below
    assert compute.calls == 1
    assert (store.rows(below).height, store.manifest(below).reusable) == (2, True)


@pytest.mark.parametrize("damage", ["", "{", '{"stage": "signals"}', "null"])
def test_a_damaged_manifest_is_computed_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    ref = run(store, Counting(kept(ONE)))
    (Path(ref.path) / "manifest.json").write_text(damage)
    compute = Counting(kept(ONE))
    run(store, compute)
    assert compute.calls == 1
    assert store.manifest(ref).kept == 1


def test_hash_of_json_is_stable_over_releases() -> None:
    assert hash_json({"b": [1, "ß"], "a": None}) == hash_json({"a": None, "b": [1, "ß"]})
    assert hash_json(["x"]) == "cd65ea2c2ad99e94a85b1b6df72efef9cb2ed0ae933a60c32ce16317f7d7d6aa"
    assert len(hash_json("\ud800")) == 64


def test_concat_rows_keeps_extra_columns() -> None:
    scored = make_rows([ONE], quality=[0.5])
    both = concat_rows([scored, make_rows([TWO]), empty_frame(ROWS)])
    assert both["quality"].to_list() == [0.5, None]
    assert concat_rows([]).schema == pl.Schema(dict(ROWS))
    assert concat_decisions([]).schema == pl.Schema(dict(DECISIONS))


def test_manifest_is_json(tmp_path: Path) -> None:
    ref = run(Store(tmp_path), Counting(kept(ONE)))
    text = (Path(ref.path) / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["key"] == ref.key


def test_half_written_stages_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    draft = tmp_path / "stages" / ".draft-0123"
    draft.mkdir(parents=True)
    (draft / "rows.parquet").write_bytes(b"half")
    Store(tmp_path).clear_drafts()
    assert list((tmp_path / "stages").iterdir()) == []
