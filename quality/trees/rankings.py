"""Rankings of replies by a judge who may look at their place more than at what they say."""

from collections.abc import Sequence
from typing import Final

from quality.dedup.draws import Draw
from quality.trees.ranked_pairs import Ballot, merge_rankings

#: What replies are called in a request, by their place in it.
LABELS: Final = "ABCDEFGHIJ"


def presentations(names: Sequence[str], count: int, *, seed: int) -> list[tuple[str, ...]]:
    """Return the orders in which replies are shown to the judge.

    Each reply stands in each place equally often: whoever goes by the place alone says nothing in
    the end. So the number of orders is a multiple of the number of replies.

    Args:
        names: ids of the replies, in any order.
        count: orders wanted, rounded up to that multiple.
        seed: of the recipe.

    Example:
        >>> presentations(["x", "y"], 1, seed=0)
        [('y', 'x'), ('x', 'y')]
    """
    if len(names) < 2 or not count:
        return []
    draw = Draw("order of " + "\x1f".join(sorted(names)), seed % 2**64)
    first = draw.arrange(sorted(names))
    found = []
    for number in range(-(-count // len(names)) * len(names)):
        turn, shift = divmod(number, len(names))
        # Other orders than one and its reverse would not level out when they are added up.
        order = first[::-1] if turn % 2 else first
        found.append((*order[shift:], *order[:shift]))
    return found


def merge_verdicts(verdicts: Sequence[Sequence[str] | None]) -> tuple[tuple[str, ...], ...] | None:
    """Merge the rankings of one set of replies into one.

    Args:
        verdicts: ids, the best first, for each of `presentations`; None where the judge abstained.

    Returns:
        Groups of replies, the best first; None where nothing is decided: all are equal, ids would
        have to break a circle, or rankings are missing (so that places do not level out) and the
        others do not agree.

    Example:
        >>> merge_verdicts([("x", "y", "z"), ("y", "x", "z"), ("x", "z", "y")])
        (('x',), ('y',), ('z',))
        >>> merge_verdicts([("x", "y", "z"), ("y", "z", "x"), ("z", "x", "y")]) is None
        True
    """
    given = [tuple(verdict) for verdict in verdicts if verdict is not None]
    if len(given) < len(verdicts) and (len(given) < 2 or len(set(given)) > 1):
        return None
    merged = merge_rankings([Ballot.of(*order) for order in given])
    return merged.tiers if len(merged.tiers) > 1 and not merged.by_id else None
