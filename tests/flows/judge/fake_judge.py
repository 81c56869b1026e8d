"""A judge on loopback: it reads the sections of what it is sent and says what a test wants."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.session import RunSpec, Session
from schemas.recipe import JudgeOptions, Recipe
from tests.support.fake_teacher import FakeTeacher

Sections = dict[str, str]
DIMENSIONS = ("accuracy", "helpfulness", "clarity")


def rating(score: int, *, reasons: str = "Judged by its merits.", **scores: int) -> str:
    """A whole verdict: one score for every dimension but those that are named."""
    every = dict.fromkeys(DIMENSIONS, score) | scores
    return json.dumps({"reasons": reasons, "scores": every})


def preference(better: str) -> str:
    return json.dumps({"reasons": "Judged by their merits.", "better": better})


def sections_of(body: Mapping[str, Any]) -> Sections:
    """The sections that a request shows, by name."""
    content = body["messages"][-1]["content"]
    mark = content.partition(" is ")[2].partition(".")[0]
    _, *parts = content.split(f"\n{mark} ")
    named = [part.partition("\n") for part in parts]
    assert named[-1][0] == "END"
    return {name: text for name, _, text in named[:-1]}


@dataclass
class FakeJudge(FakeTeacher):
    """Says of every request what `say` makes of its sections."""

    say: Callable[[Sections], str] = lambda _: rating(4)

    def begin(self, path: str, body: dict[str, Any], authorization: str) -> tuple[str | None, Any]:
        fault, reply = super().begin(path, body, authorization)
        choice = reply["choices"][0]
        choice["message"]["content"] = self.say(sections_of(body))
        choice["finish_reason"] = "stop"
        return fault, reply

    @property
    def shown(self) -> list[Sections]:
        """The sections of every request so far."""
        return [sections_of(item.body) for item in self.received]


@contextmanager
def opened(base: Path, judge: Any = None, /, **recipe: Any) -> Iterator[Session]:
    """A session whose recipe names `judge` (options, or a list of them) as its judge."""
    options = {"teacher": judge, **recipe.pop("judge", {})}
    made = Recipe.model_validate({"name": "set", "judge": options, **recipe})
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    session = Session(spec)
    try:
        yield session
    finally:
        session.close()


def options_of(session: Session) -> JudgeOptions:
    assert session.recipe.judge is not None
    return session.recipe.judge
