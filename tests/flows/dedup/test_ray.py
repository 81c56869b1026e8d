import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.dedup.engine import Engine, Plan
from flows.dedup.explain import explain
from flows.dedup.files import write_kept
from flows.dedup.mapping import Mapper, thread_mapper
from flows.dedup.ray import ray_mapper, require_files
from flows.dedup.rows import Rows
from flows.dedup.shards import list_shards
from quality.dedup.lexical import Cut
from quality.dedup.search import Limits
from schemas.errors import InputError, RunError

# Without digits: a guard parts rows whose numbers differ.
WORDS = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "bdfgkl")]


class Item(NamedTuple):
    """A task that knows its folder, as all tasks do."""

    folder: str
    name: str


@pytest.fixture(scope="module")
def on_ray(prefect_api: str) -> Iterator[Mapper]:
    """A mapper over a new Ray of two CPUs, which is stopped afterwards."""
    ray = pytest.importorskip("ray", reason="needs the extra `ray`")
    pytest.importorskip("prefect_ray", reason="needs the extra `ray`")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)  # else it leaves one in ~/.ray
        yield ray_mapper(workers=2)
        ray.shutdown()


def in_a_run(job: Callable[[], Any]) -> Any:
    """Do what the pipeline does: call the job in a task of a flow."""

    @task(cache_policy=NO_CACHE)
    def stage() -> Any:
        return job()

    @flow
    def pipeline() -> Any:
        return stage()

    return pipeline()


def make_files(folder: Path) -> list[Path]:
    """Write 1,500 rows in three files: random ones, near copies, exact copies and a template."""
    rng = np.random.default_rng(7)
    texts = [" ".join(rng.choice(WORDS, 20)) for _ in range(900)]
    texts += [f"{text} indeed" for text in texts[:300]]
    texts += texts[300:400]
    template = " ".join(rng.choice(WORDS, 20))
    texts += [f"{template} {' '.join(rng.choice(WORDS, 2))}" for _ in range(200)]
    rows = pl.DataFrame({"id": [f"r{number:04}" for number in range(1500)], "text": texts})
    rows = rows.sample(fraction=1.0, shuffle=True, seed=7)
    paths = []
    for number in range(3):
        paths.append(folder / f"{number}.parquet")
        rows[number * 500 : (number + 1) * 500].write_parquet(paths[-1])
    return paths


def outcome(paths: list[Path], work: Path, mapper: Mapper) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return kept and dropped rows."""
    rows = Rows([], list_shards(paths, shard_rows=200))
    engine = Engine(rows, Plan(("text",), Cut(("text",)), Limits(0.7)), work, mapper)
    results = engine.run()
    write_kept(rows, engine.dead, work / "kept.parquet")
    return pl.read_parquet(work / "kept.parquet"), explain(rows, results, ("text",))


@pytest.mark.slow
def test_ray_gives_what_threads_give(tmp_path: Path, on_ray: Mapper) -> None:
    paths = make_files(tmp_path)
    kept, dropped = outcome(paths, tmp_path / "threads", thread_mapper(2))
    kept_on_ray, dropped_on_ray = in_a_run(lambda: outcome(paths, tmp_path / "ray", on_ray))
    assert kept_on_ray.equals(kept)
    assert dropped_on_ray.equals(dropped)
    assert kept.height + dropped.height == 1500
    assert set(dropped["method"]) == {"exact", "lexical"}
    assert (dropped["method"] == "exact").sum() == 100
    assert list((tmp_path / "ray").glob("large-*.npz"))  # the template's buckets were there
    assert list((tmp_path / "ray").glob(".ray-*")) == []


@pytest.mark.slow
def test_a_lost_worker_and_a_hiccup_cost_nothing_but_time(tmp_path: Path, on_ray: Mapper) -> None:
    def fail_once(item: Item) -> str:
        met = Path(item.folder, item.name)
        if not met.exists():
            met.touch()
            if item.name == "lost":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(116, "Stale file handle")
        return item.name

    items = [Item(str(tmp_path), name) for name in ("lost", "hiccup", "lost")]
    found = in_a_run(lambda: on_ray(fail_once, items, "failing"))
    assert found == ["lost", "hiccup", "lost"]


@pytest.mark.slow
def test_complaints_come_back_and_are_not_tried_again(tmp_path: Path, on_ray: Mapper) -> None:
    def complain(item: Item) -> str:
        with Path(item.folder, "tries").open("a") as tries:
            tries.write("x")
        msg = "expected something else"
        raise InputError(msg)

    def die(item: Item) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return item.name

    item = Item(str(tmp_path), "one")
    with pytest.raises(InputError, match=r"^expected something else$"):
        in_a_run(lambda: on_ray(complain, [item], "complaining"))
    assert (tmp_path / "tries").read_text() == "x"
    with pytest.raises(RunError, match=r"^expected Ray to finish 'dying', got "):
        in_a_run(lambda: on_ray(die, [item], "dying"))


def test_an_address_without_a_cluster_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`").shutdown()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=r"^expected a Ray cluster at RAY_ADDRESS, got .*refused"):
        ray_mapper()(str, [Item(str(tmp_path), "one")], "knocking")


def test_a_worker_that_sees_another_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected every Ray worker to see '.*', got nothing"):
        require_files([str(tmp_path), str(tmp_path / "elsewhere" / "file")])


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_ray", None)
    with pytest.raises(InputError, match=r"^expected the extra `ray` .*'feingold\[ray\]'"):
        ray_mapper(workers=2)
