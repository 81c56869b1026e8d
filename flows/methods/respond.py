"""Answers for prompts of the user."""

from collections.abc import Iterator
from typing import cast

from flows.methods.answering import answer, answer_requests, quarantine_unreadable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Draft, Job
from flows.prompts import PromptFile, read_prompts
from flows.refresh.known import leave_answered


class FromPrompts(Method):
    """Goes over one or more files of prompts; lines that are none are quarantined."""

    def __init__(self, kit: Kit) -> None:
        """Read the prompts; of a refresh, those that no earlier version has answered.

        Raises:
            InputError: if a file is missing or not readable at all.
        """
        super().__init__(kit)
        self._file = cast("PromptFile", kit.options)
        self._prompts = read_prompts(kit.session, self._file)
        night = kit.session.spec.night
        if night is not None:
            self._prompts = leave_answered(self._prompts, night, kit.name)

    @property
    def fingerprint(self) -> str:
        """Hash of the files."""
        return self._prompts.fingerprint

    def count_jobs(self) -> int:
        """One for each prompt."""
        return len(self._prompts.tasks)

    def unreadable(self) -> Iterator[Draft]:
        """Lines that are no prompt."""
        return quarantine_unreadable(self._prompts)


class Respond(FromPrompts):
    """Answers each prompt."""

    def __init__(self, kit: Kit) -> None:
        """Read the prompts.

        Raises:
            InputError: if a file is missing or not readable at all.
        """
        super().__init__(kit)
        self.first_questions = kit.profile.answers_per_task

    def jobs(self) -> Iterator[Job]:
        """One for each prompt."""
        return (answer(self.kit, task) for task in self._prompts.tasks)

    def forecast(self) -> Forecast:
        """One wave of answers."""
        profile, tasks = self.kit.profile, self._prompts.tasks
        asked = (request for task in tasks for request in answer_requests(self.kit, task))
        number = len(tasks) * profile.answers_per_task
        return Forecast(
            [Wave(number, asked, limit=self.kit.max_tokens)],
            rows=round(len(tasks) * profile.answer_yield),
            assumptions=f"{profile.answer_yield:.0%} of answered ones every rule",
        )
