"""What rates answers to one task: judges, a student, a verifier, the teacher's confidence."""

import json
from collections.abc import Generator, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from flows.generators.respond import parse_answer, read_confidence
from flows.judge.prompts import parse_rating, render_rating
from flows.methods.base import Kit
from flows.methods.jobs import Ask, Work
from flows.methods.verifying import check_can_run, verify_answer
from quality.formats.parse import single_exchange
from quality.judging.material import Material, pair_material
from quality.judging.ratings import combine
from quality.judging.rubrics import rubrics_of
from quality.verifiers import RUN_KINDS, Check
from quality.verifiers.reference import reference_check
from schemas.frames import ROWS
from schemas.recipe.generators.best_of import BestOfOptions
from schemas.records import GivenTask, TeacherReply

if TYPE_CHECKING:
    from flows.student.vectors import VectorMaker


class Answers(NamedTuple):
    """Answers to one task.

    Attributes:
        task: that was answered.
        replies: with a text each.
    """

    task: GivenTask
    replies: Sequence[TeacherReply]

    @property
    def texts(self) -> list[str]:
        """The answers as they go into a row."""
        return [parse_answer(reply) for reply in self.replies]


class Ratings(NamedTuple):
    """What a rater said.

    Attributes:
        scores: one an answer, the higher the better; null where it cannot tell.
        keys: of the replies that it read.
    """

    scores: list[float | None]
    keys: Sequence[str] = ()


class Rater:
    """Gives every answer a score, or null where it cannot."""

    def rate(self, given: Answers) -> Generator[Ask | Work, Any, Ratings]:
        """Rate the answers, as a part of a job."""
        raise NotImplementedError


def make_rater(kit: Kit, options: BestOfOptions, tasks: Iterable[GivenTask]) -> Rater:
    """Return the rater that a recipe names.

    Args:
        kit: of the generator.
        options: of the generator.
        tasks: whose answers it will rate.

    Raises:
        InputError: if a dimension is unknown, the student cannot be read, or programs are to be run
            and cannot be here.
    """
    if options.by == "judge":
        return _Judge(kit, options)
    if options.by == "student":
        return _Student(kit, options)
    return VerifierRater(kit, tasks) if options.by == "verifier" else _Confidence()


class _Judge(Rater):
    """A rating each, 1 to 5: the mean over the dimensions."""

    def __init__(self, kit: Kit, options: BestOfOptions) -> None:
        self._rubrics = rubrics_of(options.dimensions, {})
        self._limit = options.rating_max_tokens
        self._seed = kit.seed

    def rate(self, given: Answers) -> Generator[Ask | Work, Any, Ratings]:
        materials = self._materials(given)
        asked = [
            render_rating(material, self._rubrics, max_tokens=self._limit, seed=self._seed)
            for material in materials
        ]
        verdicts: list[TeacherReply] = yield Ask(asked)
        scores = [
            combine(
                [parse_rating(reply, material, self._rubrics, seed=self._seed)],
                list(self._rubrics),
            ).score
            for reply, material in zip(verdicts, materials, strict=True)
        ]
        return Ratings(scores, [verdict.key for verdict in verdicts])

    def _materials(self, given: Answers) -> list[Material]:
        task = given.task
        reference = reference_of(task)
        asked = task.instruction, task.input
        return [pair_material(task.id, asked, [text], reference=reference) for text in given.texts]


class _Student(Rater):
    """The score of a model that learned from the user's labels, 0 to 1."""

    def __init__(self, kit: Kit, options: BestOfOptions) -> None:
        # scikit-learn takes seconds to import; only this rater needs it.
        from flows.student.files import load_student

        self._models = kit.session.home / "models"
        self._stored = load_student(kit.session.resolve_path(options.student or ""))

    @cached_property
    def _vectors(self) -> "VectorMaker":
        from flows.student.vectors import VectorMaker

        return VectorMaker(self._models, self._stored.model)

    def rate(self, given: Answers) -> Generator[Ask | Work, Any, Ratings]:
        yield from ()  # asks nobody
        if not given.replies:
            return Ratings([])
        from flows.student.stage import SCORE, score_rows

        return Ratings(score_rows(_frame(given), self._stored, self._vectors)[SCORE].to_list())


class VerifierRater(Rater):
    """1 where an answer passes the prompt's check, 0 where not, null where it cannot be told."""

    def __init__(self, kit: Kit, tasks: Iterable[GivenTask]) -> None:
        """See that programs can be run if a task wants one.

        Raises:
            InputError: if they cannot.
        """
        self._language = kit.languages[0]
        checks = (check_of(task, self._language) or {} for task in tasks)
        if any(check.get("kind") in RUN_KINDS for check in checks):
            check_can_run(kit.name, "leave prompts out whose check has the kind python")

    def rate(self, given: Answers) -> Generator[Ask | Work, Any, Ratings]:
        """Verify each answer, as a part of a job."""
        check = check_of(given.task, self._language)
        scores: list[float | None] = []
        for text in given.texts:
            passed = None if check is None else (yield from verify_answer(check, text)).passed
            scores.append(None if passed is None else float(passed))
        return Ratings(scores)


class _Confidence(Rater):
    """The mean log-probability of an answer's tokens."""

    def rate(self, given: Answers) -> Generator[Ask | Work, Any, Ratings]:
        yield from ()  # asks nobody
        return Ratings([read_confidence(reply) for reply in given.replies])


def check_of(task: GivenTask, language: str) -> Check | None:
    """Return the check of a task: its own, its record's, or what its reference comes to."""
    own = task.about.get("check") or _record_of(task).get("check")
    if isinstance(own, dict):
        return own
    reference = reference_of(task)
    return None if reference is None else reference_check(reference, language)


def reference_of(task: GivenTask) -> str | None:
    """Return the right answer that a prompt's record has in `reference`; null for none."""
    found = _record_of(task).get("reference")
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    return found.strip() if isinstance(found, str) and found.strip() else None


def _record_of(task: GivenTask) -> dict[str, Any]:
    """The record that a prompt was read from."""
    try:
        record = json.loads(task.raw)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _frame(given: Answers) -> pl.DataFrame:
    rows, task = [], given.task
    for place, answer in enumerate(given.texts):
        parsed = single_exchange(
            system=task.system, instruction=task.instruction, context=task.input, output=answer
        )
        row: dict[str, object] = dict.fromkeys(ROWS)
        row |= {
            "id": str(place),
            "source": "",
            "system": parsed.system,
            "instruction": parsed.instruction,
            "input": parsed.input,
            "output": parsed.output,
            "messages": list(parsed.messages),
        }
        rows.append(row)
    return pl.DataFrame(rows, schema=dict(ROWS))
