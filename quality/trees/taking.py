"""What training takes from a tree: threads, pairs of ranked replies, or prompts.

Source: Köpf et al. 2023, https://arxiv.org/abs/2304.07327: supervised fine-tuning on threads, a
reward model on ranked replies, reinforcement learning on prompts. Differs: every message that is
in no thread, pair or prompt is named.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from quality.formats.parse import FormatError, Message, Parsed, conversation
from quality.formats.turns import parse_turns
from quality.trees.messages import Node, bare, walk
from quality.trees.thresholds import LeftOut, prune, rank_of
from schemas.recipe import TreeOptions


@dataclass(frozen=True, slots=True)
class Taken:
    """One row to be.

    Attributes:
        thread: messages from the prompt on, none with its replies.
        rejected: the reply that lost to the last one; None where none did.
    """

    thread: tuple[Node, ...]
    rejected: Node | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All messages of it."""
        return self.thread if self.rejected is None else (*self.thread, self.rejected)


@dataclass(frozen=True, slots=True)
class Harvest:
    """What became of a tree: each of its messages is in a row or left out, or in both.

    Attributes:
        taken: rows to be; in the order of the tree.
        left_out: messages that are in none.
    """

    taken: list[Taken]
    left_out: list[LeftOut]


def harvest(prompt: Node, options: TreeOptions) -> Harvest:
    """Take threads, pairs or prompts from a tree.

    Args:
        prompt: root of a sound tree.
        options: what is taken, and the thresholds.
    """
    kept, left_out = prune(prompt, options)
    if kept is None:
        return Harvest([], left_out)
    taken = list(_TAKE[options.take](kept, options))
    used = {id(node) for one in taken for node in one.nodes}
    rule, said = _UNUSED[options.take]
    for node in walk(kept):
        if id(node) not in used:
            detail = f"message {node.get('message_id')!r:.60}: {said}"
            left_out.append(LeftOut(rule, detail, None, None, bare(node)))
    return Harvest(taken, left_out)


def _threads(prompt: Node, _options: TreeOptions) -> Iterator[Taken]:
    """Yield each way from the prompt to a last answer."""
    for path in _paths(prompt):
        last = path[-1]
        goes_on = any(_is_answer(below) for reply in last["replies"] for below in reply["replies"])
        if _is_answer(last) and not goes_on:
            yield Taken(path)


def _pairs(prompt: Node, options: TreeOptions) -> Iterator[Taken]:
    """Yield a better and a worse one of each message's ranked answers."""
    for path in _paths(prompt):
        ranked = [
            (rank, str(node.get("message_id")), node)
            for node in path[-1]["replies"]
            if _is_answer(node) and (rank := rank_of(node)) is not None
        ]
        ranked.sort(key=lambda one: one[:2])
        for (high, _, better), (low, _, worse) in combinations(ranked, 2):
            is_best = high == ranked[0][0]
            if high < low and (is_best or options.pairs == "all"):
                yield Taken((*path, better), worse)


def _prompts(prompt: Node, _options: TreeOptions) -> Iterator[Taken]:
    """Yield each way from the prompt to a message that asks."""
    for path in _paths(prompt):
        if not _is_answer(path[-1]):
            yield Taken(path)


def _is_answer(node: Node) -> bool:
    return node.get("role") == "assistant"


def _paths(prompt: Node) -> Iterator[tuple[Node, ...]]:
    """Yield the way to each message, parents first."""
    waiting: list[tuple[Node, ...]] = [(prompt,)]
    while waiting:
        path = waiting.pop()
        yield path
        waiting += [(*path, reply) for reply in reversed(path[-1]["replies"])]


_TAKE: Final[Mapping[str, Callable[[Node, TreeOptions], Iterator[Taken]]]] = {
    "threads": _threads,
    "pairs": _pairs,
    "prompts": _prompts,
}
#: Rule and words for messages that passed the thresholds and are in no row.
_UNUSED: Final = {
    "threads": ("unanswered", "a question without an answer"),
    "pairs": ("unpaired", "in no pair of ranked answers, nor above one"),
    "prompts": ("not_a_prompt", "an answer without a question below it"),
}


def parse_taken(taken: Taken) -> Parsed:
    """Return the row.

    Raises:
        FormatError: `not_alternating` (two messages of one speaker follow each other, or an answer
            comes first), `equal_answers`, or a rule of turns and conversations.
    """
    turns = parse_turns([bare(node) for node in taken.thread], field="thread")
    roles = [turn["role"] for turn in turns]
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2):
        msg = f"expected user and assistant in turn, got {', '.join(roles)[:80]}"
        raise FormatError(msg, rule="not_alternating")
    if roles[-1] == "user":
        return _prompt_row(turns)
    row = conversation(turns)
    if taken.rejected is None:
        return row
    (lost,) = parse_turns([bare(taken.rejected)], field="rejected")
    if lost["content"] == turns[-1]["content"]:
        msg = "expected two answers, got the same one twice"
        raise FormatError(msg, rule="equal_answers")
    return Parsed(row.system, row.instruction, row.input, row.output, row.messages, lost["content"])


def _prompt_row(turns: Sequence[Message]) -> Parsed:
    """Return a row that ends with a question: its last answer is still to be given."""
    if not turns[0]["content"] or not turns[-1]["content"]:
        msg = "expected a question, got an empty user turn"
        raise FormatError(msg, rule="empty_instruction")
    said = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    return Parsed("", turns[0]["content"], "", "\n\n".join(said), tuple(turns))


def record_of(taken: Taken, tree: object) -> dict[str, Any]:
    """Return a row's raw record: the tree's id and the messages as they came."""
    record: dict[str, Any] = {"message_tree_id": tree, "thread": [bare(n) for n in taken.thread]}
    return record if taken.rejected is None else {**record, "rejected": bare(taken.rejected)}
