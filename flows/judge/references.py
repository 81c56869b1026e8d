"""Reads right answers that judges may see."""

from flows.readers import Damage, Record, read_items
from flows.session import Session
from quality.judging.material import Task, task_of
from schemas.errors import InputError
from schemas.recipe import JudgeOptions

_FIELDS = ("instruction", "input", "reference")


def read_references(session: Session, options: JudgeOptions) -> dict[Task, str]:
    """Return the right answers of `judge.references` by task.

    Args:
        session: whose recipe the path is relative to.
        options: of judging.

    Raises:
        InputError: for a file that is missing, and for the first line that is no reference: a
            wrong key must not be believed, a missing one not go unnoticed.
    """
    if options.references is None:
        return {}
    path = session.resolve_path(options.references)
    found: dict[Task, str] = {}
    for place, item in enumerate(read_items(path), start=1):
        task, reference = _read(item, f"{options.references}, record {place}")
        if found.setdefault(task, reference) != reference:
            msg = (
                f"expected one reference for each task, got another in {options.references}, "
                f"record {place}: leave one out"
            )
            raise InputError(msg)
    return found


def _read(item: Damage | Record, where: str) -> tuple[Task, str]:
    value = item.value if isinstance(item, Record) else item.detail
    record = value if isinstance(value, dict) else {}
    instruction, given, reference = (record.get(name) or "" for name in _FIELDS)
    are_texts = all(isinstance(text, str) for text in (instruction, given, reference))
    if not are_texts or not instruction or not reference:
        msg = (
            f"expected {{instruction, input, reference}} with texts, got {str(value)[:80]!r} in "
            f"{where}: correct it"
        )
        raise InputError(msg)
    return task_of(instruction, given), str(reference)
