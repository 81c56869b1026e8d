"""What this home pushed, and as which commit: tags can be moved, commits cannot."""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from flows.disk import write_atomically
from schemas.errors import InputError

_FOLDER: Final = "hub"


class PushRecord(BaseModel):
    """One version on the Hub."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str
    commit: str
    manifest_sha256: str
    is_checked: bool = Field(description="whether every file was read back and compared")


class PushRecords(BaseModel):
    """All versions that one home pushed to one repository."""

    model_config = ConfigDict(extra="forbid")

    place: str
    versions: dict[str, PushRecord] = Field(default_factory=dict)


def record_path(home: Path, repository: str) -> Path:
    """Return the file of a repository."""
    return home / _FOLDER / f"{repository.replace('/', '--')}.json"


def read_records(home: Path, repository: str, place: str) -> PushRecords:
    """Read what was pushed; nothing, where the file is of another server.

    Raises:
        InputError: if the file cannot be read.
    """
    path = record_path(home, repository)
    if not path.is_file():
        return PushRecords(place=place)
    try:
        found = PushRecords.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"expected the record of earlier pushes, got something else in {path}: delete it"
        raise InputError(msg) from error
    return found if found.place == place else PushRecords(place=place)


def write_record(
    home: Path, repository: str, records: PushRecords, version: str, record: PushRecord
) -> None:
    """Remember a version."""
    records.versions[version] = record
    data = json.dumps(records.model_dump(), indent=1, sort_keys=True).encode("utf-8")
    write_atomically(record_path(home, repository), data)
