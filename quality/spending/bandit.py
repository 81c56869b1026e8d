"""How the jobs of a round are shared out among arms: Thompson sampling of gain over cost."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class ArmRecord(NamedTuple):
    """What an arm brought so far.

    Attributes:
        arm: its name.
        gain: novelty of its accepted rows, summed.
        cost: what it took, in any unit, the same for all arms.
    """

    arm: str
    gain: float
    cost: float


def share_evenly(arms: Sequence[str], jobs: int, *, turn: int = 0) -> dict[str, int]:
    """Give every arm the same number of jobs; what is left over goes by turns.

    Args:
        arms: at least one.
        jobs: to share out.
        turn: how many were shared out before.

    Example:
        >>> share_evenly(["a", "b", "c"], 4, turn=1)
        {'a': 1, 'b': 2, 'c': 1}
    """
    whole, left = divmod(jobs, len(arms))
    extra = {(turn + place) % len(arms) for place in range(left)}
    return {arm: whole + (place in extra) for place, arm in enumerate(arms)}


def share_out(
    records: Sequence[ArmRecord], jobs: int, *, explore: float, key: str, turn: int = 0
) -> dict[str, int]:
    """Share out the jobs of a round: most where a row costs least, some everywhere.

    The gain of an arm is taken for a Poisson number with a rate per cost. A rate has a Gamma prior
    whose mean is the rate of all arms together and which weighs as much as one row, so its
    posterior is Gamma(1 + gain, cost of one row + cost). For each job a rate is drawn for every
    arm; the highest gets it, of equal ones the first by name.

    Args:
        records: one an arm, at least one.
        jobs: to share out.
        explore: share of them that all arms get evenly, in 0..1.
        key: of the draws; the same key draws the same.
        turn: jobs shared out before.

    Returns:
        Jobs of every arm, 0 included, in the order of the names.

    Source:
        Thompson 1933; Chapelle & Li 2011, "An empirical evaluation of Thompson sampling". Differs:
        Poisson gains per cost instead of Bernoulli rewards per pull, a share for every arm.

    Example:
        >>> records = [ArmRecord("good", 9.0, 100.0), ArmRecord("poor", 0.0, 100.0)]
        >>> share_out(records, 10, explore=0.2, key="k")
        {'good': 9, 'poor': 1}
    """
    ordered = sorted(records)
    names = [record.arm for record in ordered]
    gain, cost = sum(item.gain for item in ordered), sum(item.cost for item in ordered)
    if gain <= 0 or cost <= 0:
        return share_evenly(names, jobs, turn=turn)
    shared = share_evenly(names, round(explore * jobs), turn=turn)
    shape = np.array([1 + record.gain for record in ordered])
    scale = 1 / np.array([cost / gain + record.cost for record in ordered])
    rates = _generator(key).gamma(shape, scale, size=(jobs - sum(shared.values()), len(names)))
    for place in rates.argmax(axis=1):
        shared[names[place]] += 1
    return shared


def fade(records: Mapping[str, ArmRecord], memory: float) -> dict[str, ArmRecord]:
    """Let what is past count less: an arm whose material runs out must not live on its past.

    Args:
        records: by arm.
        memory: what is left of a record after a round, in 0..1.

    Source:
        Raj & Kalyani 2017 (discounted Thompson sampling), https://arxiv.org/abs/1707.09727.
    """
    return {
        arm: ArmRecord(arm, memory * record.gain, memory * record.cost)
        for arm, record in records.items()
    }


def _generator(key: str) -> np.random.Generator:
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return np.random.default_rng(seed)
