"""What a generator's jobs asked, by round and arm; replayed replies count as if they were new."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from flows.methods.jobs import Draft
from flows.session import Session
from flows.teachers.resolve import price_of
from schemas.recipe import Price
from schemas.records import TeacherReply

_FREE: Final = Price(prompt=0, completion=0)


@dataclass(slots=True)
class Cost:
    """What jobs took.

    Attributes:
        jobs: number of them.
        requests: replies they got.
        prompt_tokens: of those.
        completion_tokens: likewise.
        usd: at the teachers' prices, 0 where none is known.
    """

    jobs: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Of prompts and answers."""
        return self.prompt_tokens + self.completion_tokens

    def add(self, other: "Cost") -> None:
        """Count another one in."""
        self.jobs += other.jobs
        self.requests += other.requests
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.usd += other.usd


class Costs:
    """Counts the replies of each job, and books them on its arm when its drafts are there."""

    def __init__(self, session: Session) -> None:
        """Start with nothing."""
        self._prices = [price_of(teacher) or _FREE for teacher in session.recipe.teachers]
        self._rounds: list[dict[str, Cost]] = []
        self._open: dict[int, Cost] = {}
        self._arms: Sequence[str] = ()
        self._next = 0

    def begin_round(self, arms: Sequence[str]) -> None:
        """Start a round; `arms` of its jobs, empty where nobody chose them."""
        self._rounds.append({})
        self._open, self._arms, self._next = {}, arms, 0

    def add(self, place: int, reply: TeacherReply) -> None:
        """Count a reply to the job at a place."""
        price = self._prices[reply.teacher]
        tokens = reply.prompt_tokens * price.prompt + reply.completion_tokens * price.completion
        one = Cost(0, 1, reply.prompt_tokens, reply.completion_tokens, tokens / 1e6)
        self._open.setdefault(place, Cost()).add(one)

    def settle(self, drafts: Sequence[Draft]) -> None:
        """Book the next job on the arm that was chosen for it, or that its drafts name."""
        place, self._next = self._next, self._next + 1
        named = next((draft.arm for draft in drafts if draft.arm), "")
        arm = (self._arms[place] if self._arms else "") or named
        cost = self._open.pop(place, Cost())
        cost.jobs = 1
        self._rounds[-1].setdefault(arm, Cost()).add(cost)

    def as_notes(self) -> list[dict[str, dict[str, Any]]]:
        """A mapping of arm to cost for each round, for the stage's manifest."""
        return [
            {arm: {**asdict(cost), "usd": round(cost.usd, 9)} for arm, cost in sorted(arms.items())}
            for arms in self._rounds
        ]
