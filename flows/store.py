"""Stage directories: the only reader and writer of stage files.

`<home>/stages/<stage>/<key>/` holds `rows.parquet` (kept), `dropped.parquet`, `decisions.parquet`
and `manifest.json`. A directory appears by a rename and is complete from then on.
"""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import polars as pl

from flows.disk import sync_tree, user_disk_errors
from flows.owners import Owner
from schemas.errors import BooksError
from schemas.frames import DECISIONS, ROWS, check_frame, empty_frame
from schemas.manifest import StageManifest, StageRef

_ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("schemas", "quality", "flows")
_SOURCE_SUFFIXES = (".py", ".jsonl")  # code, and the built-in seeds


@dataclass(frozen=True, slots=True)
class StageOutput:
    """What a stage computed.

    Attributes:
        rows: the kept rows.
        dropped: the dropped and quarantined rows, whole.
        decisions: one line for each of `dropped` (action drop or quarantine), and more.
        rows_in: rows that came in, counted independently of the two above.
        reusable: false where a passing fault (a teacher that was down) shaped the result.
        notes: figures for the manifest.
    """

    rows: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame
    rows_in: int
    reusable: bool = True
    notes: Mapping[str, Any] = field(default_factory=dict)


@cache
def code_version() -> str:
    """Return a hash of feingold's own source, so that changed code never reuses old stages."""
    digest = hashlib.sha256()
    every = [path for room in _ROOMS for path in (_ROOT / room).rglob("*.*")]
    files = [path for path in every if path.suffix in _SOURCE_SUFFIXES]
    for path in sorted(files, key=lambda item: item.relative_to(_ROOT).as_posix()):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def hash_json(value: object) -> str:
    """Hash any JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Store:
    """The stage directories of one home."""

    def __init__(self, home: Path) -> None:
        self.root = home / "stages"
        self._home = home

    @cached_property
    def _owner(self) -> Owner:
        """Marks our drafts, so that nobody takes them for leftovers while we live."""
        return Owner(self._home)

    def close(self) -> None:
        """Give up the mark of our drafts."""
        if "_owner" in self.__dict__:
            self._owner.close()
            del self._owner

    def run(
        self,
        stage: str,
        *,
        config: Mapping[str, Any],
        inputs: Sequence[StageRef],
        compute: Callable[[], StageOutput],
    ) -> StageRef:
        """Return the stage with this configuration and inputs, computing it only if it is new.

        Args:
            stage: its name, also the directory.
            config: everything that shapes the result besides inputs and code.
            inputs: the stages it reads.
            compute: makes the result.

        Raises:
            BooksError: if kept + dropped is not the number of rows that came in.
        """
        keys = [ref.key for ref in inputs]
        key = hash_json([stage, dict(config), keys, code_version()])[:24]
        ref = StageRef(stage, key, str(self.root / stage / key))
        if self._is_reusable(ref):
            return ref
        started = time.monotonic()
        output = compute()
        _balance(stage, output)
        manifest = StageManifest(
            stage=stage,
            key=key,
            inputs=keys,
            config=dict(config),
            code_version=code_version(),
            rows_in=output.rows_in,
            kept=output.rows.height,
            dropped=output.dropped.height - _count(output.decisions, "quarantine"),
            quarantined=_count(output.decisions, "quarantine"),
            # What a fault shaped must not outlive it in the stages below: they have the same keys.
            reusable=output.reusable and not any(map(self._is_passing, inputs)),
            seconds=round(time.monotonic() - started, 3),
            notes=dict(output.notes),
        )
        self._write(ref, output, manifest)
        return ref

    def clear_drafts(self) -> None:
        """Remove what runs that were killed left half written."""
        for draft in self.root.glob(".draft-*"):
            if not self._owner.is_alive(draft.name.split("-")[1]):
                shutil.rmtree(draft, ignore_errors=True)

    def manifest(self, ref: StageRef) -> StageManifest:
        """Read the manifest of a stage."""
        text = (Path(ref.path) / "manifest.json").read_text(encoding="utf-8")
        return StageManifest.model_validate_json(text)

    def rows(self, ref: StageRef) -> pl.DataFrame:
        """Read the kept rows of a stage."""
        frame = pl.read_parquet(self.rows_file(ref))
        return check_frame(frame, ROWS, where=f"stage {ref.stage}")

    def rows_file(self, ref: StageRef) -> Path:
        """Return the Parquet file of the kept rows of a stage, for readers of parts of it."""
        return Path(ref.path) / "rows.parquet"

    def dropped(self, ref: StageRef) -> pl.DataFrame:
        """Read the dropped rows of a stage."""
        return pl.read_parquet(Path(ref.path) / "dropped.parquet")

    def decisions(self, ref: StageRef) -> pl.DataFrame:
        """Read the decisions of a stage."""
        return pl.read_parquet(Path(ref.path) / "decisions.parquet")

    def _is_reusable(self, ref: StageRef) -> bool:
        try:
            return self.manifest(ref).reusable
        except (OSError, ValueError):
            return False

    def _is_passing(self, ref: StageRef) -> bool:
        """Whether a passing fault shaped a stage."""
        try:
            return not self.manifest(ref).reusable
        except (OSError, ValueError):
            return False

    def _write(self, ref: StageRef, output: StageOutput, manifest: StageManifest) -> None:
        target = Path(ref.path)
        draft = self.root / f".draft-{self._owner.id}-{uuid.uuid4().hex}"
        with user_disk_errors(self.root):
            try:
                draft.mkdir(parents=True)
                output.rows.write_parquet(draft / "rows.parquet")
                output.dropped.write_parquet(draft / "dropped.parquet")
                output.decisions.write_parquet(draft / "decisions.parquet")
                text = manifest.model_dump_json(indent=1)
                (draft / "manifest.json").write_text(text, encoding="utf-8")
                sync_tree(draft)
                target.parent.mkdir(parents=True, exist_ok=True)
                if self._is_reusable(ref):  # another run made the same meanwhile
                    return
                if target.exists():  # an unusable earlier attempt
                    shutil.rmtree(target)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)


def concat_rows(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Stack frames whose extra columns may differ; ROWS where there are none."""
    found = [frame for frame in frames if frame.height]
    return pl.concat(found, how="diagonal_relaxed") if found else empty_frame(ROWS)


def concat_decisions(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Stack decision frames."""
    return pl.concat([empty_frame(DECISIONS), *(frame.select(list(DECISIONS)) for frame in frames)])


def _count(decisions: pl.DataFrame, action: str) -> int:
    return decisions.filter(pl.col("action") == action).height


def _balance(stage: str, output: StageOutput) -> None:
    """Law 1, at every stage boundary."""
    check_frame(output.rows, ROWS, where=stage)
    check_frame(output.decisions, DECISIONS, where=stage)
    if output.rows.height + output.dropped.height != output.rows_in:
        msg = (
            f"expected kept + dropped = {output.rows_in} rows after {stage}, got "
            f"{output.rows.height} + {output.dropped.height}: please report this as a bug"
        )
        raise BooksError(msg)
    final = output.decisions.filter(pl.col("action").is_in(["drop", "quarantine"]))["id"]
    if sorted(final.to_list()) != sorted(output.dropped["id"].to_list()):
        msg = (
            f"expected one decision for each of the {output.dropped.height} rows dropped by "
            f"{stage}, got {final.len()}: please report this as a bug"
        )
        raise BooksError(msg)
