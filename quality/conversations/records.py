"""The part of a record that a piece of its conversation came from."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from quality.formats import FormatError
from quality.formats.parse import SYSTEM_FIELDS
from quality.formats.turns import is_turn_list, parse_turns

#: Where a whole conversation may stand; `prompt` and `chosen` are parts of one.
_FIELDS: Final = ("conversations", "conversation", "messages", "items")


def slice_record(
    record: Mapping[str, Any], starts: Sequence[int], count: int
) -> list[dict[str, Any]] | None:
    """Return the record once for each piece, with the turns of that piece alone.

    Together the pieces have every turn of the record once: what was cut from a conversation is
    with the piece before it, or with the first one.

    Args:
        record: as it came, with a list of turns.
        starts: for each piece the number of the parsed turn that it begins with, rising.
        count: turns that the record was parsed into.

    Returns:
        None where the record has no list of turns, or another number of them.

    Example:
        >>> turns = [{"from": who, "value": who} for who in ("human", "gpt") * 2]
        >>> parts = slice_record({"id": 7, "conversations": turns}, [0, 2], 4)
        >>> [(part["id"], len(part["conversations"])) for part in parts]
        [(7, 2), (7, 2)]
    """
    field = next((name for name in _FIELDS if is_turn_list(record.get(name))), None)
    if field is None:
        return None
    turns = record[field]
    try:
        parsed = parse_turns(turns, field=field)
    except FormatError:
        return None
    # A system turn that says nothing is not parsed; one that stands beside the turns is added.
    spoken = [
        place for place, turn in enumerate(parsed) if turn["role"] != "system" or turn["content"]
    ]
    added = count - len(spoken)
    has_system = any(record.get(name) for name in SYSTEM_FIELDS)
    if added not in (0, int(has_system)):
        return None
    if not starts:
        return []
    bounds = [0, *(spoken[start - added] for start in starts[1:]), len(turns)]
    return [{**record, field: turns[begin:end]} for begin, end in pairwise(bounds)]
