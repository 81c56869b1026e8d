"""How the steps' tasks are run: on the threads of this machine, or wherever a mapper sends them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from flows.progress import Progress


class Mapper(Protocol):
    """Applies a function to many tasks and returns the results in their order."""

    def __call__(
        self, function: Callable[[Any], str], tasks: Sequence[Any], label: str, /
    ) -> list[str]:
        """Run `function` on every task; `label` names them for people."""
        ...


def thread_mapper(workers: int, progress: Progress | None = None) -> Mapper:
    """Return a mapper over threads: the kernels and Polars let go of the interpreter's lock.

    Args:
        workers: threads.
        progress: where to show bars; None: nowhere.
    """

    def run(function: Callable[[Any], str], tasks: Sequence[Any], label: str, /) -> list[str]:
        bar = progress.start(label, len(tasks)) if progress is not None else None

        def one(task: object) -> str:
            found = function(task)
            if bar is not None:
                bar.advance()
            return found

        if workers == 1 or len(tasks) < 2:
            return [one(task) for task in tasks]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, tasks))

    return run
