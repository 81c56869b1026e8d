"""Rows in which a model says who it is."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import cast

import yaml

from flows.generators.identity import LANGUAGES, Exchange, make_exchanges
from flows.methods.base import Forecast, Kit, Method
from flows.methods.jobs import Ask, Draft, Job
from flows.refresh.known import decided_ids
from flows.store import hash_json
from quality.formats.parse import single_exchange
from quality.ids import content_id
from schemas.errors import InputError
from schemas.recipe.generators.identity import IdentityOptions, Persona
from schemas.recipe.parsing import parse_options


class Identity(Method):
    """Fills templates with what the user says of the model; nobody is asked."""

    first_questions = 0

    def __init__(self, kit: Kit) -> None:
        """Read the persona.

        Raises:
            InputError: if the file is missing, is no YAML or has unknown fields, or no language of
                the recipe has templates.
        """
        super().__init__(kit)
        self._options = cast("IdentityOptions", kit.options)
        self._persona = read_persona(kit.session.resolve_path(self._options.persona))
        if not set(kit.languages) & set(LANGUAGES):
            msg = (
                f"expected one of {', '.join(LANGUAGES)} in `language` for generator "
                f"{kit.name!r}, got {list(kit.languages)!r}: write such rows yourself, as a source"
            )
            raise InputError(msg)

    @property
    def fingerprint(self) -> str:
        """Hash of the persona."""
        return hash_json(self._persona.model_dump(mode="json"))

    @cached_property
    def _exchanges(self) -> list[Exchange]:
        """Those that no earlier version has."""
        night = self.kit.session.spec.night
        known = frozenset[str]() if night is None else frozenset(decided_ids(night))
        found = make_exchanges(
            self._persona,
            self.kit.languages,
            per_question=self._options.answers_per_question,
            seed=self.kit.seed,
        )
        return [one for one in found if night is None or _row_id(one) not in known]

    def jobs(self) -> Iterator[Job]:
        """One for each answer."""
        return (self._give(one) for one in self._exchanges)

    def count_jobs(self) -> int:
        """One for each answer."""
        return len(self._exchanges)

    def forecast(self) -> Forecast:
        """Asks nothing."""
        return Forecast((), len(self._exchanges), "identity rows are asked of nobody")

    def _give(self, exchange: Exchange) -> Job:
        yield Ask(())
        draft = Draft(
            None,
            instruction=exchange.question,
            output=exchange.answer,
            arm=exchange.topic,
            about={"language": exchange.language},
            license=self._options.license,
            raw=self._persona.model_dump_json(exclude_defaults=True),
        )
        return [draft]


def read_persona(path: Path) -> Persona:
    """Read what a maker says of a model.

    Raises:
        InputError: if the file is missing, is no YAML, or has an unknown or mistyped field.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        msg = f"expected a readable YAML file of a persona, got {reason} for {path}: correct it"
        raise InputError(msg) from error
    return parse_options(Persona, data, where=str(path))


def _row_id(exchange: Exchange) -> str:
    parsed = single_exchange(
        system="", instruction=exchange.question, context="", output=exchange.answer
    )
    return content_id(parsed.messages)
