"""What methods over given tasks share that ask for several answers to each."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, cast

from flows.methods.base import Kit, Method
from flows.methods.jobs import Draft, Job
from flows.methods.material import read_tasks
from schemas.recipe.generators.best_of import BestOfOptions
from schemas.recipe.generators.preference import PreferenceOptions
from schemas.records import GivenTask


class OverTasks(Method):
    """Goes over tasks once, a job for each."""

    def __init__(self, kit: Kit) -> None:
        """Read the tasks.

        Raises:
            InputError: if the prompts cannot be read.
        """
        super().__init__(kit)
        options = cast("BestOfOptions | PreferenceOptions", kit.options)
        self.given = read_tasks(kit, options)
        self.first_questions = options.answers_per_task

    @abstractmethod
    def job_of(self, task: GivenTask) -> Job:
        """Make the job of a task."""

    @property
    def fingerprint(self) -> Any:  # noqa: ANN401  any JSON value
        """Hash of the prompts."""
        return self.given.fingerprint

    def jobs(self) -> Iterator[Job]:
        """One for each task."""
        return (self.job_of(task) for task in self.given.tasks)

    def count_jobs(self) -> int:
        """One for each task."""
        return len(self.given.tasks)

    def unreadable(self) -> Iterator[Draft]:
        """Lines that are no prompt, or a prompt again."""
        return iter(self.given.unreadable)
