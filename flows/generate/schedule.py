"""Which jobs the next round of a generator has, and whether novelty is still worth its price."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from flows.generate.accounts import add_up
from flows.generate.costs import Cost
from flows.generate.rounds import Round, count_jobs
from flows.methods.base import Method
from quality.spending.bandit import ArmRecord, fade, share_evenly, share_out
from quality.spending.novelty import Novelty
from schemas.recipe import SpendingOptions, TargetOptions

# A round has at most this many times the jobs of the first one.
_MAX_GROWTH = 8
# Yield falls as novelty runs out. Asking for a little more saves the small rounds at the end, each
# of which costs a way through all stages; the best rows are taken.
_MARGIN = 1.25


class Schedule:
    """Plans the rounds of one generator from what became of those before.

    Everything it knows it has from stages, so a run that is repeated plans the same rounds.
    """

    def __init__(self, method: Method, options: TargetOptions, spending: SpendingOptions) -> None:
        """Start before the first round."""
        self._options = options
        self._spending = spending
        self._per_job = method.tasks_per_job
        self._arms = tuple(sorted(method.arms)) if spending.adapt else ()
        self._key = f"{method.kit.seed}:{method.kit.name}"
        self._records = {arm: ArmRecord(arm, 0.0, 0.0) for arm in self._arms}
        self._novelty = Novelty()
        self._accepted: set[str] = set()
        self._rounds: list[tuple[float, Cost]] = []  # novelty and cost of each
        self._booked = 0  # rounds of the stage's notes that are in the books

    def next_round(self, plan: Sequence[Round]) -> Round:
        """Return the next round.

        Args:
            plan: the rounds of this run so far.
        """
        number = self._next_number(plan)
        if not self._arms:
            return number
        done = count_jobs(plan)
        if not done:
            shared = share_evenly(self._arms, number)
        else:
            shared = share_out(
                list(self._records.values()),
                number,
                explore=self._spending.explore,
                key=f"{self._key}:{len(plan)}",
                turn=done,
            )
        return tuple((arm, jobs) for arm, jobs in shared.items() if jobs)

    def note(self, refined: pl.DataFrame, spent: Sequence[Mapping[str, Mapping[str, Any]]]) -> int:
        """Note what became of the rounds so far.

        Args:
            refined: rows of this generator that passed every rule.
            spent: the notes of the generator's stage, arm to cost for each round.

        Returns:
            The number of accepted rows.
        """
        new = refined.filter(~pl.col("id").is_in(list(self._accepted)))
        self._accepted = set(refined["id"].to_list())
        costs = add_up(spent[self._booked :])
        self._booked = len(spent)
        texts: dict[str, list[str]] = {arm: [] for arm in costs}
        for arm, instruction, context in new.select("arm", "instruction", "input").iter_rows():
            texts.setdefault(arm or "", []).append(f"{instruction}\n{context}")
        gains = self._novelty.measure(texts)
        total = Cost()
        for cost in costs.values():
            total.add(cost)
        self._rounds.append((sum(gains.values()), total))
        self._learn(gains, costs, is_free=total.usd == 0)
        return refined.height

    def stop(self) -> str | None:
        """Say why no further round is worth it, null where one is."""
        last = self._rounds[-self._spending.patience :]
        if len(last) < self._spending.patience:
            return None
        novelty = sum(gain for gain, _ in last)
        usd, tokens = sum(cost.usd for _, cost in last), sum(cost.tokens for _, cost in last)
        for name, spent in (
            ("min_novelty_per_usd", usd),
            ("min_novelty_per_1k_tokens", tokens / 1000),
        ):
            floor = getattr(self._spending, name)
            if floor is not None and spent > 0 and novelty / spent < floor:
                return f"{name} = {floor:g}: the last {len(last)} rounds gave {novelty / spent:.3g}"
        return None

    def _learn(
        self, gains: Mapping[str, float], costs: Mapping[str, Cost], *, is_free: bool
    ) -> None:
        """Add a round to the arms' records, older rounds counting less."""
        self._records = fade(self._records, self._spending.memory)
        for arm, cost in costs.items():
            if arm in self._records:
                before = self._records[arm]
                paid = cost.tokens if is_free else cost.usd
                self._records[arm] = ArmRecord(
                    arm, before.gain + gains.get(arm, 0.0), before.cost + paid
                )

    def _next_number(self, plan: Sequence[Round]) -> int:
        """How many jobs the next round has: what the yield so far suggests."""
        target, accepted = self._options.target, len(self._accepted)
        first = math.ceil(target / self._per_job)
        if not plan:
            return first
        accepted_per_job = max(accepted, 1) / count_jobs(plan)
        wanted = math.ceil(_MARGIN * (target - accepted) / accepted_per_job)
        return min(max(wanted, first), first * _MAX_GROWTH)
