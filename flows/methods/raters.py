"""What rates answers to one task: judges, a student, a reference, the teacher's confidence."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from flows.generators.respond import parse_answer, read_confidence
from flows.judge.prompts import parse_rating, render_rating
from flows.methods.base import Kit
from quality.formats.parse import single_exchange
from quality.judging.material import Material, pair_material
from quality.judging.ratings import combine
from quality.judging.rubrics import rubrics_of
from quality.references import agrees_with
from schemas.frames import ROWS
from schemas.recipe.generators.best_of import BestOfOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

if TYPE_CHECKING:
    from flows.student.vectors import VectorMaker


class Answers(NamedTuple):
    """Answers to one task.

    Attributes:
        task: that was answered.
        replies: with a text each.
        verdicts: to what a rater asked about them.
    """

    task: GivenTask
    replies: Sequence[TeacherReply]
    verdicts: Sequence[TeacherReply] = ()

    @property
    def texts(self) -> list[str]:
        """The answers as they go into a row."""
        return [parse_answer(reply) for reply in self.replies]


class Rater:
    """Gives every answer a score, or null where it cannot."""

    def requests(self, given: Answers) -> list[TeacherRequest]:  # noqa: ARG002  most ask nobody
        """Return what is to be asked about the answers."""
        return []

    def scores(self, given: Answers) -> list[float | None]:
        """Return a score an answer, the higher the better."""
        raise NotImplementedError


def make_rater(kit: Kit, options: BestOfOptions) -> Rater:
    """Return the rater that a recipe names.

    Raises:
        InputError: if a dimension is unknown, or the student cannot be read.
    """
    if options.by == "judge":
        return _Judge(kit, options)
    if options.by == "student":
        return _Student(kit, options)
    return _Reference() if options.by == "verifier" else _Confidence()


class _Judge(Rater):
    """A rating each, 1 to 5: the mean over the dimensions."""

    def __init__(self, kit: Kit, options: BestOfOptions) -> None:
        self._rubrics = rubrics_of(options.dimensions, {})
        self._limit = options.rating_max_tokens
        self._seed = kit.seed

    def requests(self, given: Answers) -> list[TeacherRequest]:
        return [
            render_rating(material, self._rubrics, max_tokens=self._limit, seed=self._seed)
            for material in self._materials(given)
        ]

    def scores(self, given: Answers) -> list[float | None]:
        return [
            combine(
                [parse_rating(reply, material, self._rubrics, seed=self._seed)],
                list(self._rubrics),
            ).score
            for reply, material in zip(given.verdicts, self._materials(given), strict=True)
        ]

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

    def scores(self, given: Answers) -> list[float | None]:
        if not given.replies:
            return []
        from flows.student.stage import SCORE, score_rows

        rows = _frame(given)
        found: list[float | None] = score_rows(rows, self._stored, self._vectors)[SCORE].to_list()
        return found


class _Reference(Rater):
    """1 where an answer agrees with the prompt's reference, 0 where not, null without one."""

    def scores(self, given: Answers) -> list[float | None]:
        reference = reference_of(given.task)
        if reference is None:
            return [None] * len(given.replies)
        verdict = [agrees_with(text, reference) for text in given.texts]
        return [None if found is None else float(found) for found in verdict]


class _Confidence(Rater):
    """The mean log-probability of an answer's tokens."""

    def scores(self, given: Answers) -> list[float | None]:
        return [read_confidence(reply) for reply in given.replies]


def reference_of(task: GivenTask) -> str | None:
    """Return the right answer that a prompt's record has in `reference`; null for none."""
    try:
        record = json.loads(task.raw)
    except (ValueError, RecursionError):
        return None
    found = record.get("reference") if isinstance(record, dict) else None
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    return found.strip() if isinstance(found, str) and found.strip() else None


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
