"""What a refresh starts from: the versions before it, and what it may add."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flows.generate.rounds import Round, count_jobs, read_round
from flows.store import hash_json
from flows.versions import list_versions, read_manifest
from schemas.manifest import DatasetManifest

#: Stage of the rows of the version before, as they are.
CARRIED: Final = "carried"
#: Stage of the generated rows of all earlier versions, which go through the rules again.
EARLIER: Final = "earlier"


@dataclass(frozen=True, slots=True)
class Night:
    """A refresh; small and plain, part of what a task is told about its run.

    Attributes:
        is_full: whether all rows go through the rules again, instead of only new ones.
        versions: directories of the earlier versions, oldest first; at least one.
        history: hash of those versions.
        first: number of the first request for new tasks that no version has used.
        plans: generator name to the requests of rounds that were made since the last version.
        given_json: the recipe as the user wrote it, without what only tonight changes.
        changed: fields that decide about rows and differ from the last version's recipe.
        no_room: why no row can be added, None where some can.
    """

    is_full: bool
    versions: tuple[str, ...]
    history: str
    first: int
    plans: tuple[tuple[str, tuple[Round, ...]], ...]
    given_json: str
    changed: tuple[str, ...]
    no_room: str | None = None

    @property
    def parent(self) -> Path:
        """Directory of the version that this one follows."""
        return Path(self.versions[-1])

    def plan_of(self, generator: str) -> list[Round]:
        """The rounds that a generator made since the last version."""
        return list(dict(self.plans).get(generator, ()))

    def note(self) -> dict[str, Any]:
        """What the manifest of the new version says about it."""
        return {
            "refresh": {
                "mode": "full" if self.is_full else "add",
                "first_request": self.first,
                "recipe_changed": list(self.changed),
            }
        }


def earlier_versions(folder: Path) -> dict[Path, DatasetManifest]:
    """Return the versions of a dataset, oldest first.

    Args:
        folder: of the dataset.

    Raises:
        InputError: if a manifest is damaged.
    """
    found = [folder / str(version) for version in list_versions(folder)]
    return {path: read_manifest(path) for path in found}


def hash_history(versions: Mapping[Path, DatasetManifest]) -> str:
    """Hash what the versions decided; where they lie does not matter."""
    return hash_json(
        [
            [manifest.version, manifest.content_sha256, manifest.rows_in, manifest.created]
            for manifest in versions.values()
        ]
    )


def first_unused(versions: Mapping[Path, DatasetManifest]) -> int:
    """Return the number from which requests for new tasks are new ones.

    A request is drawn by its number: one that an earlier version made would be replayed from the
    journal and bring the same tasks again. Numbers may be left out, so one count does for all
    generators.
    """
    return max((_used(manifest) for manifest in versions.values()), default=0)


def _used(manifest: DatasetManifest) -> int:
    noted = manifest.notes.get("refresh")
    first = noted.get("first_request") if isinstance(noted, dict) else None
    rounds = [stage.get("notes", {}).get("requests_by_round", ()) for stage in manifest.by_stage]
    made = sum(count_jobs(list(map(read_round, plan))) for plan in rounds)
    return made + (first if isinstance(first, int) else 0)
