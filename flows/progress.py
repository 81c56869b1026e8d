"""Progress bars with rate and remaining time on stderr; silent when that is no terminal."""

import sys

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


class Bar:
    """One bar; without bars to be on, it shows nothing."""

    def __init__(self, bars: RichProgress | None = None, task: TaskID | None = None) -> None:
        self._bars = bars
        self._task = task

    def advance(self) -> None:
        """One step is done."""
        if self._bars is not None and self._task is not None:
            self._bars.advance(self._task)

    def expect(self, total: int) -> None:
        """Change the number of steps."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, total=total)

    def tell(self, note: str) -> None:
        """Show a note beside the bar."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, note=note)


class Progress:
    """The bars of one run."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: RichProgress | None = None
        self._is_shown = sys.stderr.isatty()

    def start(self, label: str, total: int) -> "Bar":
        """Open a bar of `total` steps."""
        if not self._is_shown:
            return Bar()
        bars = self._open()
        return Bar(bars, bars.add_task(label, total=total, note=""))

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
                TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
            )
            self._bars.start()
        return self._bars


class _Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f}/s")
