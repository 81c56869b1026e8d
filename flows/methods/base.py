"""What a kind of generator has to say of itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from flows.generators.profiles import Profile
from flows.methods.jobs import Draft, Job
from flows.session import Session
from schemas.recipe.generators.answers import GeneratorBase
from schemas.records import TeacherRequest


@dataclass(frozen=True, slots=True)
class Kit:
    """What a method is given.

    Attributes:
        session: the run; methods read their files through it and ask nobody.
        options: of the generator.
        profile: its settings for the teacher of this run.
        earlier: gives the rows of the stages before this one, frame of ROWS.
    """

    session: Session
    options: GeneratorBase
    profile: Profile
    earlier: Callable[[], pl.DataFrame]

    @property
    def name(self) -> str:
        """Source of the rows that are made."""
        return self.options.source_name

    @property
    def seed(self) -> int:
        """Of the recipe."""
        return self.session.recipe.seed

    @property
    def languages(self) -> tuple[str, ...]:
        """Of the recipe."""
        return self.session.recipe.language

    @property
    def temperature(self) -> float:
        """Of answers."""
        return self.profile.answer_temperature or 0.0

    @property
    def max_tokens(self) -> int:
        """Limit of an answer, in tokens."""
        return self.profile.answer_max_tokens or self.session.recipe.teachers[0].max_tokens


@dataclass(frozen=True, slots=True)
class Wave:
    """Questions of one kind, for a quote.

    Attributes:
        number: how many a run would ask.
        known: the first of them as they would be sent; empty where they depend on replies.
        prompt_bytes: of one; null measures those known.
        reply_bytes: of one; null takes the share of `limit` that replies have used so far.
        limit: token limit of a reply.
    """

    number: int
    known: Iterable[TeacherRequest] = ()
    prompt_bytes: float | None = None
    reply_bytes: float | None = None
    limit: int = 512


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a generator is expected to ask and make.

    Attributes:
        waves: in the order in which they are asked; what the journal has of the first tells how
            much it has of those that depend on replies.
        rows: that come out.
        assumptions: what this rests on, in one line.
    """

    waves: Sequence[Wave]
    rows: int
    assumptions: str


class Method:
    """A kind of generator at work in one run.

    A subclass reads its material in `__init__` and turns it into jobs. It implements `job` where
    it proposes tasks of its own, `jobs` where it goes over its material once.
    """

    #: Whether it makes up tasks until a target is reached; else it goes over its material once.
    proposes: ClassVar[bool] = False
    #: Questions that a job asks first, which are expected from the start.
    first_questions: int = 1
    #: Tasks that a job of a proposing method makes up.
    tasks_per_job: int = 1

    def __init__(self, kit: Kit) -> None:
        """Read what the jobs need.

        Raises:
            InputError: if a file that the options name cannot be read.
        """
        self.kit = kit

    @property
    def fingerprint(self) -> Any:  # noqa: ANN401  any JSON value
        """What of its material shapes its rows, beside its options: part of the stage's key."""
        return None

    @property
    def arms(self) -> tuple[str, ...]:
        """What it can choose between, so that a run may move its budget to what pays."""
        return ()

    def known(self) -> Iterator[tuple[str, str]]:
        """Yield id and instruction of tasks that new ones must not repeat, such as its seeds."""
        yield from ()

    def job(self, position: int, arm: str) -> Job:
        """Make the job of a position; it depends on the recipe, the position and the arm only.

        Args:
            position: 0-based, over all rounds.
            arm: one of `arms`; "" leaves the choice to the method.
        """
        raise NotImplementedError

    def jobs(self) -> Iterator[Job]:
        """Make a job for each piece of the material, in its order."""
        raise NotImplementedError

    def count_jobs(self) -> int:
        """Return how many jobs `jobs` will make."""
        return 0

    def unreadable(self) -> Iterator[Draft]:
        """Yield what of its material could not be read, to be quarantined."""
        yield from ()

    def forecast(self) -> Forecast:
        """Tell what a run would ask."""
        raise NotImplementedError
