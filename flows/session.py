"""What the tasks of one run share in a process: recipe, store, journal, teacher, encoder.

A task gets a `RunSpec`, which is small and plain, and opens the session it describes; within a
process they all get the same one.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flows.claims import Claims
from flows.journal import Journal
from flows.progress import Progress
from flows.refresh.night import Night
from flows.store import Store
from flows.teachers.client import TeacherIdentity
from flows.teachers.panel import Panel
from flows.teachers.resolve import identify, locate_teachers, make_panel, recipe_teachers
from schemas.recipe import Recipe

if TYPE_CHECKING:
    from flows.encoders import SentenceEncoder


@dataclass(frozen=True, slots=True)
class RunSpec:
    """All that a task needs to know about its run.

    Attributes:
        name: the dataset.
        home: directory of journal, stages and models.
        out: directory of published versions.
        base: directory that the recipe's relative paths start from.
        recipe_json: the validated recipe.
        recipe_text: the recipe as it is published.
        offline: replay the journal, ask nobody.
        workers: threads that deduplicate; None: one a core. Shapes no result.
        night: of a refresh, which follows a version; None: a run over everything.
    """

    name: str
    home: str
    out: str
    base: str
    recipe_json: str
    recipe_text: str
    offline: bool = False
    workers: int | None = None
    night: Night | None = None


class Session:
    """Open resources of one run in one process; expensive ones start at first use."""

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.home = Path(spec.home)
        recipe = Recipe.model_validate_json(spec.recipe_json)
        #: With absolute paths of model files.
        self.recipe = locate_teachers(recipe, Path(spec.base))
        #: As the user wrote it, without what only tonight changes.
        self.given_recipe = recipe
        if spec.night is not None:
            self.given_recipe = Recipe.model_validate_json(spec.night.given_json)
        self.store = Store(self.home)
        self.progress = Progress()
        self.started = time.monotonic()
        self._stack = ExitStack()
        self._panel: Panel | None = None
        #: One for each judge that was asked.
        self.judge_panels: list[Panel] = []

    def resolve_path(self, path: str) -> Path:
        """Return a path of the recipe as an absolute one."""
        return Path(self.spec.base, path)

    @cached_property
    def journal(self) -> Journal:
        """The journal of this home."""
        return self._stack.enter_context(Journal(self.home))

    @cached_property
    def teacher_identities(self) -> list[TeacherIdentity]:
        """Who would be asked, in the order in which they step in for each other."""
        return [identify(options) for options in recipe_teachers(self.recipe)]

    @property
    def asked_panel(self) -> Panel | None:
        """The teachers, if this run needed them."""
        return self._panel

    @property
    def panel(self) -> Panel:
        """The teachers of the recipe; nothing is started before the first request."""
        if self._panel is None:
            self._panel = make_panel(
                self.recipe,
                stack=self._stack,
                journal=self.journal,
                claims=self._stack.enter_context(Claims(self.home)),
                offline=self.spec.offline,
            )
        return self._panel

    @cached_property
    def encoder(self) -> "SentenceEncoder":
        """The sentence encoder of the recipe."""
        from flows.encoders import SentenceEncoder

        dedup = self.recipe.dedup
        semantic = dedup.semantic if dedup is not None else None
        return SentenceEncoder(semantic.model if semantic is not None else None)

    def close(self) -> None:
        """Stop the embedded server and close the journal."""
        self.progress.close()
        self._stack.close()
        self.store.close()


_sessions: dict[RunSpec, Session] = {}


def session_for(spec: RunSpec) -> Session:
    """Return the session of `spec`, opening it if this process has none."""
    if spec not in _sessions:
        _sessions[spec] = Session(spec)
    return _sessions[spec]


def close_session(spec: RunSpec) -> None:
    """Close the session of `spec` if it is open."""
    session = _sessions.pop(spec, None)
    if session is not None:
        session.close()
