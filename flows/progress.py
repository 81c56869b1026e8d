"""Progress bars with rate and remaining time on stderr; silent when that is no terminal."""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text


class Progress:
    """The bars of one run."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: RichProgress | None = None
        self._is_shown = sys.stderr.isatty()

    def start(self, label: str, total: int) -> Callable[[], None]:
        """Open a bar of `total` steps and return the function that advances it by one."""
        if not self._is_shown:
            return lambda: None
        bars = self._open()
        task: TaskID = bars.add_task(label, total=total)
        return lambda: bars.advance(task)

    def say(self, line: str) -> None:
        """Show one line above the bars."""
        if self._is_shown:
            self._console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bars away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _open(self) -> RichProgress:
        if self._bars is None:
            self._bars = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                _Rate(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bars.start()
        return self._bars


class _Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f}/s")
