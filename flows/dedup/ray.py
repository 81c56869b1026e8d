"""The steps' tasks on Ray: Prefect tasks that its own `RayTaskRunner` sends to a cluster.

Results do not depend on where a task runs. A task names files, so all machines have to see the
same folders, and feingold has to be installed on all of them.
"""

import os
import platform
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from prefect import get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.dedup.mapping import Mapper
from flows.dedup.sketch import SketchTask
from flows.progress import Progress
from schemas.errors import FeingoldError, InputError, RunError

# Tasks hand each other names of files, so a new Ray needs next to no shared memory.
_OBJECT_STORE_BYTES = 100_000_000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Ray prints to stdout by default, where the answer of `--json` belongs.
_QUIET: dict[str, Any] = {"namespace": "prefect", "logging_level": "ERROR", "log_to_driver": False}


class _HasFolder(Protocol):
    """Every task names the directory of its results."""

    @property
    def folder(self) -> str: ...


def ray_mapper(progress: Progress | None = None, *, workers: int | None = None) -> Mapper:
    """Return a mapper over a Ray cluster: the one that RAY_ADDRESS names, else a new one here.

    A Ray that was started here ends with this process.

    Args:
        progress: where to show bars; None: nowhere.
        workers: CPUs of a Ray that is started here; None: all.

    Raises:
        InputError: if Ray is not installed.
    """
    _require_ray()

    def run(function: Callable[[Any], str], tasks: Sequence[Any], label: str, /) -> list[str]:
        if not tasks:
            return []
        _join_ray(workers)
        bar = progress.start(label, len(tasks)) if progress is not None else None
        with _server_for_workers(), _marker(_work_folder(tasks[0])) as marker:
            found = []
            for result in _results(function, tasks, label, marker):
                found.append(result)
                if bar is not None:
                    bar.advance()
            return found

    return run


def _is_worth_a_retry(_task: object, _run: object, state: State[Any]) -> bool:
    """What feingold itself complains of will not pass by; a hiccup of the storage may."""
    return not isinstance(state.result(raise_on_failure=False), FeingoldError)


@task(
    name="feingold-shard",
    task_run_name="{label}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=1,
    retry_condition_fn=_is_worth_a_retry,
)
def run_shard(job: Callable[[], str], label: str, needed: Sequence[str]) -> str:  # noqa: ARG001
    """Do one job on a worker.

    Args:
        job: what to do.
        label: names the task for people.
        needed: files that the worker has to see.

    Returns:
        The file of the result.

    Raises:
        InputError: if the worker does not see a file.
    """
    require_files(needed)
    return job()


def require_files(paths: Sequence[str]) -> None:
    """Check that this machine sees files.

    Raises:
        InputError: naming the first one that it does not see.
    """
    for path in paths:
        if not Path(path).exists():
            msg = (
                f"expected every Ray worker to see {str(Path(path).parent)!r}, got nothing there "
                f"on {platform.node()}: keep --home and the sources on storage that all machines "
                "share"
            )
            raise InputError(msg)


def _results(
    function: Callable[[Any], str], tasks: Sequence[Any], label: str, marker: str
) -> Iterator[str]:
    """Submit all tasks and yield their results in order.

    After a failure the others go on until this process ends and its job with it: `ray.cancel` on
    a task that just ends kills the caller (Ray 2.60, "task that was not pending").
    """
    import ray
    from prefect_ray import RayTaskRunner

    # The steps' own task is the parent of these; a flow in between would carry all of them along
    # with each of them.
    with RayTaskRunner() as runner:
        futures = [
            runner.submit(
                run_shard,
                {
                    "job": partial(function, item),
                    "label": f"{label} {number}",
                    "needed": _needed_files(item, marker),
                },
            )
            for number, item in enumerate(tasks, start=1)
        ]
        try:
            for future in futures:
                yield future.result()
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1][:200]
            msg = f"expected Ray to finish {label!r}, got {reason!r}: the same command goes on"
            raise RunError(msg) from error


def _work_folder(item: _HasFolder) -> Path:
    folder = Path(item.folder)
    return folder.parent if isinstance(item, SketchTask) else folder


def _needed_files(item: _HasFolder, marker: str) -> list[str]:
    return [marker, item.shard.path] if isinstance(item, SketchTask) else [marker]


@contextmanager
def _marker(folder: Path) -> Iterator[str]:
    """Leave a file that only a machine with the very same folder sees."""
    path = folder / f".ray-{uuid4().hex}"
    path.touch()
    try:
        yield str(path)
    finally:
        path.unlink(missing_ok=True)


def _require_ray() -> None:
    # Telemetry is off unless the user has turned it on; read at import.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import prefect_ray  # noqa: F401
        import ray  # noqa: F401
    except ImportError as error:
        msg = (
            f"expected the extra `ray` for `runner: ray`, got {str(error)!r}: "
            "pip install 'feingold[ray]', or `runner: local`"
        )
        raise InputError(msg) from error


def _join_ray(workers: int | None) -> None:
    """Connect to the cluster of RAY_ADDRESS, or start one; `RayTaskRunner` uses what it finds.

    Raises:
        InputError: if there is no cluster at the address.
    """
    import ray

    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        ray.init(
            "local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **_QUIET,
        )
        return
    try:
        _reach(address)
        ray.init(**_QUIET)
    except (OSError, RuntimeError, ValueError, SystemExit) as error:  # Ray exits when refused
        reason = (str(error).strip() or "nothing").splitlines()[0][:200]
        msg = (
            f"expected a Ray cluster at RAY_ADDRESS, got {reason!r} for {address!r}: start one "
            "with `ray start --head`, give its token (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN), or "
            "unset the address for a new one on this machine"
        )
        raise InputError(msg) from error


def _reach(address: str) -> None:
    """Knock first: Ray itself knocks for a minute and a half, then ends the process."""
    where = urlsplit(address if "://" in address else f"ray://{address}")
    if where.hostname is not None and where.port is not None:
        socket.create_connection((where.hostname, where.port), timeout=10).close()


@contextmanager
def _server_for_workers() -> Iterator[None]:
    """Tell the workers where Prefect's server is: without an address each would start its own.

    Raises:
        InputError: if only this machine reaches the server, and there are others.
    """
    import ray

    with get_client(sync_client=True) as client:
        url = str(client.api_url)
    machines = [node for node in ray.nodes() if node["Alive"]]
    if len(machines) > 1 and urlsplit(url).hostname in _LOOPBACK:
        msg = (
            f"expected a Prefect server that all {len(machines)} machines of the Ray cluster "
            f"reach, got {url!r}: start `prefect server start --host 0.0.0.0` and set "
            "PREFECT_API_URL"
        )
        raise InputError(msg)
    with temporary_settings({PREFECT_API_URL: url}):
        yield
