"""What the home remembers of a night until a version comes of it.

One small file a dataset, `<home>/refresh/<name>.json`. Losing it costs nothing that was paid for:
the rounds of a night without a version are then replayed from the journal, and its allowance
starts anew.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from flows.disk import write_atomically
from flows.generate.rounds import Round, count_jobs, read_round
from flows.teachers.budget import Spend


@dataclass(frozen=True, slots=True)
class Record:
    """A night under way, or one that brought no version.

    Attributes:
        parent: version that it follows; "" where there is none yet.
        history: hash of the versions before it.
        day: date (UTC) from which its allowance counts.
        spent: what the dataset had spent in all when that day's night began.
        first: number of the first request for new tasks that no version has used.
        asking: hash of the options that shape requests.
        plans: generator name to jobs of each round that brought no version.
        skipped: requests of such rounds that today's options would not repeat.
    """

    parent: str = ""
    history: str = ""
    day: str = ""
    spent: Spend = field(default_factory=Spend)
    first: int = 0
    asking: str = ""
    plans: dict[str, list[Round]] = field(default_factory=dict)
    skipped: int = 0

    @classmethod
    def read(cls, home: Path, name: str) -> Self:
        """Read the record of a dataset; an empty one where there is none that can be read."""
        try:
            data: dict[str, Any] = json.loads(_path(home, name).read_text(encoding="utf-8"))
            plans = {name: list(map(read_round, plan)) for name, plan in data["plans"].items()}
            return cls(**{**data, "spent": Spend(**data["spent"]), "plans": plans})
        except (OSError, ValueError, TypeError, KeyError):
            return cls()

    def write(self, home: Path, name: str) -> None:
        """Keep it in the home."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        write_atomically(_path(home, name), text.encode())

    def begin(self, start: "Start") -> Self:
        """Return the record with which a night begins.

        A night that was killed goes on with what is left of its allowance; another day, or another
        version to follow, brings a new one. Rounds that brought no version are gone through again,
        from the journal, so that their rows are in the books of the version that comes.
        """
        goes_on = (self.history, self.day) == (start.history, start.day)
        is_same_place = self.first == start.first
        keeps_plans = is_same_place and self.asking == start.asking
        left = sum(count_jobs(plan) for plan in self.plans.values())
        skipped = self.skipped + (0 if keeps_plans else left)
        return replace(
            self,
            parent=start.parent,
            history=start.history,
            day=start.day,
            spent=self.spent if goes_on else start.spent,
            first=start.first,
            asking=start.asking,
            plans=self.plans if keeps_plans else {},
            skipped=skipped if is_same_place else 0,
        )


class Start(NamedTuple):
    """What a night finds; see the attributes of `Record`."""

    parent: str
    history: str
    day: str
    spent: Spend
    first: int
    asking: str


def _path(home: Path, name: str) -> Path:
    return home / "refresh" / f"{name}.json"
