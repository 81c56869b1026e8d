"""Count the rounds that two splitters lose or emit too long, on the same conversations.

    python -m benchmarks.conversations.rounds --labels ../shared/data

Prints Markdown. One is ours; the other follows the rule of FastChat's `split_long_conversation.py`
(https://github.com/lm-sys/FastChat, seen at 0f49fe7): a piece ends before the round that overflows
it, and the last piece is emitted only if the last round did not overflow.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from flows.language_model.loading import load_tokenizer
from quality.conversations.rounds import split_rounds

PER_MESSAGE = 6
TALKS = {
    "Open Assistant, threads": ("oasst/trees.jsonl", (512, 1024, 2048)),
    "FastChat, identity": ("sharegpt/identity_conversations.json", (48, 64, 96)),
}


class Lost(NamedTuple):
    """What a splitter does to the rounds of conversations."""

    silently: int
    oversized: int
    logged: int


def split_as_fastchat(sizes: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Return half-open ranges of rounds."""
    found, start, filled = [], 0, 0
    for place, size in enumerate(sizes):
        if filled + size > most:
            found.append((start, place))
            start, filled = place, 0
        elif place == len(sizes) - 1:
            found.append((start, place + 1))
        filled += size
    return [(begin, end) for begin, end in found if begin < end]


def judge(sizes: Sequence[int], ranges: Sequence[tuple[int, int]], logged: int, most: int) -> Lost:
    """Compare what was emitted with what there was."""
    emitted = sum(end - begin for begin, end in ranges)
    oversized = sum(sum(sizes[begin:end]) > most for begin, end in ranges)
    return Lost(len(sizes) - emitted - logged, oversized, logged)


def ours(sizes: Sequence[int], most: int) -> Lost:
    """Judge our splitter."""
    pieces = split_rounds(sizes, most)
    ranges = [(piece.first - 1, piece.last) for piece in pieces if not piece.is_too_long]
    return judge(sizes, ranges, sum(piece.is_too_long for piece in pieces), most)


def read_talks(path: Path) -> Iterator[list[str]]:
    """Yield the turns of conversations, and of all threads of message trees."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        for record in json.loads(text):
            yield [turn["value"] for turn in record["conversations"]]
        return
    for line in text.splitlines():
        tree = json.loads(line)
        yield from _threads(tree.get("prompt", tree), [])


def _threads(node: dict[str, Any], before: list[str]) -> Iterator[list[str]]:
    turns = [*before, node["text"]]
    if not node.get("replies"):
        yield turns
    for reply in node.get("replies") or ():
        yield from _threads(reply, turns)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    labels = parser.parse_args().labels
    tokenizer = load_tokenizer().backend_tokenizer
    print("# Rounds of conversations\n")
    print("`python -m benchmarks.conversations.rounds`; tokens of SmolLM2, six more a turn.\n")
    print("| conversations | | limit | rounds | FastChat: lost | too long | ours: lost | too long |"
          " dropped and logged |")  # fmt: skip
    print("| --- |" + " --- |" * 8)
    for name, (file, limits) in TALKS.items():
        sizes = []
        for talk in read_talks(labels / file):
            found = tokenizer.encode_batch_fast(talk, add_special_tokens=False)
            turns = [len(encoding) + PER_MESSAGE for encoding in found]
            rounds = [sum(pair) for pair in zip(turns[::2], turns[1::2], strict=False)]
            sizes += [rounds] if rounds else []
        for most in limits:
            theirs = [judge(one, split_as_fastchat(one, most), 0, most) for one in sizes]
            own = [ours(one, most) for one in sizes]
            figures = [
                *(sum(map(len, sizes)), sum(one.silently for one in theirs)),
                *(sum(one.oversized for one in theirs), sum(one.silently for one in own)),
                *(sum(one.oversized for one in own), sum(one.logged for one in own)),
            ]
            cells = " | ".join(f"{figure:,}" for figure in (len(sizes), most, *figures))
            print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
