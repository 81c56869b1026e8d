"""A tree that grows: who replies to whom, how replies rank, and where a question may follow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from quality.formats.parse import Message
from quality.ids import content_id

_SPEAKERS: Final = {"user": "prompter", "assistant": "assistant"}


@dataclass(slots=True, eq=False)
class Grown:
    """One message of a growing tree.

    Attributes:
        turns: the conversation up to this message, itself the last turn.
        model: that wrote it; "" for a person.
        rank: among its siblings, 0 for the best; null: not ranked.
        replies: to this message, in the order in which they came.
    """

    turns: tuple[Message, ...]
    model: str = ""
    rank: int | None = None
    replies: list["Grown"] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Hash of the conversation."""
        return content_id(self.turns)

    @property
    def text(self) -> str:
        """What it says."""
        return self.turns[-1]["content"]

    @property
    def depth(self) -> int:
        """Messages above it."""
        return len(self.turns) - 1

    @property
    def best_first(self) -> list["Grown"]:
        """Replies by rank; those without one last, and equal ones as they came."""
        unranked = len(self.replies)
        return sorted(self.replies, key=lambda one: unranked if one.rank is None else one.rank)

    def reply(self, text: str, *, model: str) -> "Grown | None":
        """Add a reply and return it; null where a sibling says the same."""
        if any(one.text == text for one in self.replies):
            return None
        role = "assistant" if self.turns[-1]["role"] == "user" else "user"
        added = Grown((*self.turns, {"role": role, "content": text}), model)
        self.replies.append(added)
        return added

    def rank_replies(self, tiers: Sequence[Sequence[str]] | None) -> None:
        """Set the ranks of all replies: the place of their group; null where nothing is decided."""
        places = {name: rank for rank, tier in enumerate(tiers or ()) for name in tier}
        for one in self.replies:
            one.rank = places.get(one.id)

    def walk(self) -> Iterator["Grown"]:
        """Yield the message and all below it, parents first."""
        yield self
        for one in self.replies:
            yield from one.walk()

    def as_node(self) -> dict[str, Any]:
        """Return the message and all below it as Open Assistant nests them."""
        node: dict[str, Any] = {"message_id": self.id}
        if self.depth:
            node["parent_id"] = content_id(self.turns[:-1])
        node |= {
            "text": self.text,
            "role": _SPEAKERS[self.turns[-1]["role"]],
            "review_count": 0,
            "deleted": False,
            "synthetic": bool(self.model),
        }
        node |= {"model_name": self.model} if self.model else {}
        node |= {} if self.rank is None else {"rank": self.rank}
        return node | {"replies": [one.as_node() for one in self.replies]}


def as_tree(prompt: Grown) -> dict[str, Any]:
    """Return a grown tree in the nested form of Open Assistant."""
    return {
        "message_tree_id": prompt.id,
        "tree_state": "ready_for_export",
        "prompt": prompt.as_node(),
    }


def may_go_on(
    prompt: Grown, asked: Sequence[Grown], *, children: int, depth: int, goal: int
) -> list[Grown]:
    """Choose the replies below which a question follows.

    Args:
        prompt: of the tree.
        asked: messages whose replies came last.
        children: replies that a question is going to have.
        depth: of the last reply below the prompt, at most.
        goal: messages of the tree, at most.

    Returns:
        The best replies of all, then the second best, and so on, as many as there is room for with
        a question and its replies below each.
    """
    room = (goal - sum(1 for _ in prompt.walk())) // (1 + children)
    open_replies = [
        (place, number, one)
        for number, message in enumerate(asked)
        for place, one in enumerate(message.best_first)
        if one.depth + 2 <= depth
    ]
    open_replies.sort(key=lambda found: found[:2])
    return [one for _, _, one in open_replies[: max(room, 0)]]


def best_and_worst(
    prompt: Grown, take: Literal["threads", "pairs"]
) -> Iterator[tuple[Grown, Grown | None]]:
    """Yield the replies of a tree that are rows: the best one to a message, and the worst.

    Args:
        prompt: of the tree.
        take: `threads`: of each message from whose best reply no conversation goes on; the worst is
            null where no ranking says which it is. `pairs`: of each message with ranked replies.
    """
    for message in prompt.walk():
        if message.turns[-1]["role"] != "user" or not message.replies:
            continue
        best, *others = message.best_first
        lowest = others[-1] if others else best
        worst = lowest if (best.rank or 0) < (lowest.rank or 0) else None
        goes_on = any(question.replies for question in best.replies)
        if worst is not None if take == "pairs" else not goes_on:
            yield best, worst


def count_asked(*, children: int, depth: int, goal: int) -> list[int]:
    """Return how many messages get replies, level by level, in a tree whose replies all come.

    Example:
        >>> count_asked(children=3, depth=3, goal=12)
        [1, 2]
    """
    levels, messages = [1], 1 + children
    while 2 * len(levels) + 1 <= depth:
        room = (goal - messages) // (1 + children)
        more = min(max(room, 0), levels[-1] * children)
        if not more:
            break
        levels.append(more)
        messages += more * (1 + children)
    return levels
