"""Methods without a run: a kit, and a teacher that is a function."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from flows.generate.stage import make_method
from flows.methods.base import Method
from flows.methods.jobs import Ask, Draft, Job, Work
from flows.session import RunSpec, Session
from schemas.frames import ROWS, empty_frame
from schemas.records import TeacherReply, TeacherRequest

#: What a played teacher says: text, or a whole reply.
Said = str | TeacherReply
Teacher = Callable[[TeacherRequest], Said]


def open_method(
    base: Path,
    options: Mapping[str, Any],
    *,
    earlier: pl.DataFrame | None = None,
    embedded: bool = False,
    **recipe: Any,
) -> Method:
    """Return the method of a generator in a recipe in `base`; nobody is asked."""
    teacher = {} if embedded else {"teacher": {"base_url": "http://127.0.0.1:9/v1", "model": "m"}}
    fields = {"name": "set", "generators": [dict(options)], **teacher, **recipe}
    spec = RunSpec("set", str(base / "home"), str(base / "out"), str(base), json.dumps(fields), "")
    session = Session(spec)
    rows = empty_frame(ROWS) if earlier is None else earlier
    return make_method(session, session.recipe.generators[0], earlier=lambda: rows)


def play(job: Job, teacher: Teacher) -> tuple[list[Draft], list[TeacherRequest]]:
    """Run one job; return its drafts and what it asked. Replies get keys `0`, `1` ... by order."""
    asked: list[TeacherRequest] = []
    answers: Any = None
    while True:
        try:
            step = job.send(answers)
        except StopIteration as end:
            return end.value, asked
        if isinstance(step, Work):
            answers = step.call()
            continue
        assert isinstance(step, Ask)
        answers = []
        for request in step.requests:
            said = teacher(request)
            key = str(len(asked))
            reply = said if isinstance(said, TeacherReply) else TeacherReply(key, text=said)
            answers.append(reply)
            asked.append(request)


def play_all(method: Method, teacher: Teacher) -> list[Draft]:
    """Run every job of a method that goes over its material once."""
    return [draft for job in method.jobs() for draft in play(job, teacher)[0]]


def prompt_of(request: TeacherRequest) -> str:
    """All that a request says."""
    turns = request.body.get("messages") or [{"content": request.body["prompt"]}]
    return "\n".join(turn["content"] for turn in turns)


def rules_of(drafts: list[Draft]) -> list[str | None]:
    """The rule of every draft, null for rows."""
    return [None if draft.rejection is None else draft.rejection.rule for draft in drafts]
