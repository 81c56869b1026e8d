"""Tasks with a check: made by code, so that what is right is known before anybody is asked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from flows.generators.verifiable.arithmetic import SUMS, make_sum
from flows.generators.verifiable.draws import Draw
from flows.generators.verifiable.formats import FORMS, make_form
from flows.generators.verifiable.programs import PROGRAMS, make_program

#: Languages in which each family has words.
LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"arithmetic": ("en", "de"), "format": ("en",), "python": ("en",)}
)


class Material(NamedTuple):
    """What tasks are made of, beside chance.

    Attributes:
        languages: of the recipe.
        topics: that tasks of form are about; at least one.
        max_constraints: of form in one task.
    """

    languages: tuple[str, ...]
    topics: tuple[str, ...]
    max_constraints: int = 2


class CheckedTask(NamedTuple):
    """A task and the check of its answers; see `quality.verifiers`."""

    instruction: str
    check: Mapping[str, Any]


class _Maker(Protocol):
    def __call__(self, draw: Draw, kind: str, language: str) -> tuple[str, dict[str, Any]]: ...


_MAKERS: Final[Mapping[str, _Maker]] = MappingProxyType(
    {"arithmetic": make_sum, "python": make_program}
)


def list_arms(families: tuple[str, ...], languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds of tasks, as `family/kind`, of families with words in one of the languages.

    Example:
        >>> list_arms(("python",), ("en",))
        ('python/numbers', 'python/texts', 'python/lists')
    """
    kinds = {"arithmetic": tuple(SUMS), "format": tuple(FORMS), "python": tuple(PROGRAMS)}
    return tuple(
        f"{family}/{kind}"
        for family in kinds
        if family in families and set(LANGUAGES[family]) & set(languages)
        for kind in kinds[family]
    )


def make_task(arm: str, material: Material, *key: str | int) -> CheckedTask:
    """Make the task of a key; the same key makes the same task.

    Args:
        arm: one of `list_arms`.
        material: what it is made of.
        key: seed, name, position ...
    """
    family, _, kind = arm.partition("/")
    draw = Draw(arm, *key)
    language = draw.one_of([code for code in material.languages if code in LANGUAGES[family]])
    if family == "format":
        topic = draw.one_of(material.topics)
        return CheckedTask(*make_form(draw, kind, topic, material.max_constraints))
    return CheckedTask(*_MAKERS[family](draw, kind, language))
