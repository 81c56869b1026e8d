"""Reads the persons of a `persona` generator."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from flows.readers import READERS, Damage, read_items
from flows.session import Session
from quality.text import normalise_text
from schemas.errors import InputError
from schemas.recipe.generators.persona import PersonaOptions

_FIELDS = ("persona", "description", "text")
_LONGEST = 1_000  # characters


def load_personas(session: Session, options: PersonaOptions) -> list[str]:
    """Return every person once, in the order of the file.

    Args:
        session: the run, whose languages choose among the built-in persons.
        options: of the generator; `personas` is `builtin` or a file.

    Raises:
        InputError: if the file cannot be read, a record names no person, or there is none.
    """
    if options.personas == "builtin":
        where = f"the built-in lists for {list(session.recipe.language)!r}"
        found = list(_builtin(session.recipe.language))
    else:
        path = session.resolve_path(options.personas)
        where = str(path)
        found = list(_read(path, options.column))
    persons = list(dict.fromkeys(filter(None, map(normalise_text, found))))
    if not persons:
        msg = f"expected persons, a line or record each, got none in {where}: name a file of them"
        raise InputError(msg)
    return persons


def _builtin(languages: tuple[str, ...]) -> Iterator[str]:
    folder = files("flows.generators") / "personas"
    for language in languages:
        item = folder / f"{language}.txt"
        if item.is_file():
            yield from item.read_text(encoding="utf-8").splitlines()


def _read(path: Path, column: str | None) -> Iterator[str]:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if not suffixes & set(READERS):
        yield from _read_lines(path)
        return
    fields = _FIELDS if column is None else (column,)
    for number, item in enumerate(read_items(path), start=1):
        place = f"{path}, record {number}"
        if isinstance(item, Damage):
            msg = f"expected a person, got a broken record ({item.detail}) in {place}: correct it"
            raise InputError(msg)
        yield _person(item.value, fields, place)


def _read_lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"expected a file with a person a line, got {reason!r} for {path}: correct it"
        raise InputError(msg) from error
    for number, line in enumerate(text.splitlines(), start=1):
        yield _person(line, (), f"{path}, line {number}")


def _person(value: object, fields: tuple[str, ...], place: str) -> str:
    if isinstance(value, Mapping):
        value = next((value[name] for name in fields if value.get(name)), None)
    if not isinstance(value, str) or len(value) > _LONGEST:
        named = f" in one of {', '.join(fields)}" if fields else ""
        msg = (
            f"expected a person in at most {_LONGEST} characters{named}, got "
            f"{str(value)[:60]!r} in {place}: correct it, or name the field with column"
        )
        raise InputError(msg)
    return value
