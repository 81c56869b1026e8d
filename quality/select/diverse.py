"""The best rows that are not too similar to a better one."""

from collections.abc import Iterable, Iterator

from quality.select.nearest import Near, Nearest


def unlike_kept(
    rows: Iterable[int], nearest: Nearest, max_similarity: float, rejected: dict[int, Near]
) -> Iterator[int]:
    """Yield the rows that are near to no kept row at the moment they are asked for.

    Args:
        rows: row numbers, the best first.
        nearest: knows the kept rows; whoever takes a row adds it before asking for the next.
        max_similarity: highest cosine allowed, after rounding to six decimals.
        rejected: gets every row that is left out, with the kept row it is too near to.

    Source:
        Liu et al. 2023 (Deita), https://arxiv.org/abs/2312.15685: descending score, skip what is
        nearer than 0.9 to any row kept. Differs: vectors of the prompt by a sentence encoder
        instead of a language model's, in which rows lie closer together; several queues may share
        one set of kept rows, so that quotas do not cost diversity.
    """
    for row in rows:
        near = nearest.look(row)
        if near.similarity > max_similarity:
            rejected[row] = near
        else:
            yield row
