"""Answers for prompts of the user."""

from collections.abc import Iterator
from typing import cast

from flows.methods.answering import answer, answer_requests, quarantine_unreadable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Draft, Job
from flows.prompts import read_prompts
from flows.refresh.known import leave_answered
from schemas.recipe.generators.respond import RespondOptions


class Respond(Method):
    """Answers each prompt of a file; lines that are none are quarantined."""

    def __init__(self, kit: Kit) -> None:
        """Read the prompts; of a refresh, those that no earlier version has answered.

        Raises:
            InputError: if the file is missing or not readable at all.
        """
        super().__init__(kit)
        self._options = cast("RespondOptions", kit.options)
        self._prompts = read_prompts(kit.session, self._options)
        night = kit.session.spec.night
        if night is not None:
            self._prompts = leave_answered(self._prompts, night, kit.name)
        self.first_questions = kit.profile.answers_per_task

    @property
    def fingerprint(self) -> str:
        """Hash of the file."""
        return self._prompts.fingerprint

    def jobs(self) -> Iterator[Job]:
        """One for each prompt."""
        return (answer(self.kit, task) for task in self._prompts.tasks)

    def count_jobs(self) -> int:
        """One for each prompt."""
        return len(self._prompts.tasks)

    def unreadable(self) -> Iterator[Draft]:
        """Lines that are no prompt."""
        return quarantine_unreadable(self._prompts, self._options.prompts)

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
