"""The hard limit on what may be spent: set aside before sending, settled after the reply."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from schemas.errors import BudgetError
from schemas.recipe import BudgetOptions, Price

_CHAT_OVERHEAD = 64  # tokens that a chat template adds at most to a short conversation
_TURN_OVERHEAD = 8  # and for each turn
_LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Spend:
    """An amount of each thing a budget limits.

    Attributes:
        usd: US dollars.
        requests: requests sent.
        tokens: prompt and completion tokens.
    """

    usd: float = 0.0
    requests: int = 0
    tokens: int = 0

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            self.usd + other.usd, self.requests + other.requests, self.tokens + other.tokens
        )

    def __sub__(self, other: "Spend") -> "Spend":
        return Spend(
            self.usd - other.usd, self.requests - other.requests, self.tokens - other.tokens
        )


_UNITS = {"usd": " US$", "requests": " requests", "tokens": " tokens"}
# Thousands of additions of binary fractions go astray by less than this.
_ROUNDING = 1e-9


class Budget:
    """Spent plus reserved never exceeds a limit; null limits nothing."""

    def __init__(self, limits: BudgetOptions, *, teacher: int | None = None) -> None:
        """Start with nothing spent.

        Args:
            limits: of the recipe.
            teacher: position of the teacher that they are for; null where they are for all.
        """
        self._limits = {name: getattr(limits, name) for name in _UNITS}
        self._teacher = teacher
        self.spent = Spend()
        self.reserved = Spend()
        self.waiting: list[asyncio.Future[None]] = []

    @property
    def is_limited(self) -> bool:
        """Whether it limits anything."""
        return any(limit is not None for limit in self._limits.values())

    def refusal(self, worst: Spend) -> BudgetError | None:
        """Say why `worst` does not fit, null where it does."""
        total = self.spent + self.reserved + worst
        for name, unit in _UNITS.items():
            limit = self._limits[name]
            if limit is not None and getattr(total, name) > limit + _ROUNDING * (name == "usd"):
                spent = getattr(self.spent, name)
                field = "budget" if self._teacher is None else f"teacher.{self._teacher}.budget"
                failure = BudgetError(
                    f"expected to stay within {field}.{name} = {limit:g}, but the next request "
                    f"could exceed it ({spent:g}{unit} spent): raise it and run the same command "
                    "again, paid replies are kept"
                )
                failure.is_of_teacher = self._teacher is not None
                return failure
        return None

    def reserve(self, worst: Spend) -> None:
        """Set `worst` aside.

        Raises:
            BudgetError: if a limit could be exceeded; nothing is set aside then.
        """
        failure = self.refusal(worst)
        if failure is not None:
            raise failure
        self.reserved += worst

    def count(self, paid: Spend) -> None:
        """Count what an earlier attempt paid for and this one uses."""
        self.spent += paid

    def settle(self, worst: Spend, true: Spend) -> None:
        """Replace a reservation by what the reply really cost."""
        self.reserved -= worst
        self.spent += true
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Purse:
    """All budgets that a request has to fit into: the run's and its teacher's."""

    def __init__(self, *budgets: Budget) -> None:
        self._budgets = [budget for budget in budgets if budget.is_limited]

    @property
    def is_limited(self) -> bool:
        """Whether anything limits it."""
        return bool(self._budgets)

    async def reserve(self, worst: Spend) -> None:
        """Set the worst case aside; requests under way may yet free enough for it.

        Raises:
            BudgetError: if it does not fit and nothing is under way.
        """
        while True:
            full = [budget for budget in self._budgets if budget.refusal(worst) is not None]
            # With nothing under way, nothing can make room: that raises.
            if not full or not all(budget.reserved.requests for budget in full):
                return self.reserve_now(worst)
            settled = asyncio.get_running_loop().create_future()
            full[0].waiting.append(settled)
            await settled

    def reserve_now(self, worst: Spend) -> None:
        """Set the worst case aside, without waiting.

        Raises:
            BudgetError: if it does not fit; nothing is set aside then.
        """
        hopeless_first = sorted(self._budgets, key=lambda budget: bool(budget.reserved.requests))
        for budget in hopeless_first:
            failure = budget.refusal(worst)
            if failure is not None:
                raise failure
        for budget in self._budgets:
            budget.reserve(worst)

    def count(self, paid: Spend) -> None:
        """Count what an earlier attempt paid for and this one uses."""
        for budget in self._budgets:
            budget.count(paid)

    def settle(self, worst: Spend, true: Spend) -> None:
        """Replace a reservation by what the reply really cost."""
        for budget in self._budgets:
            budget.settle(worst, true)


class Meter:
    """What requests to one teacher cost, at worst and in truth."""

    def __init__(self, price: Price) -> None:
        """Args: price: in US dollars for a million tokens."""
        self._price = price
        self._beyond = 0  # prompt tokens that a bill once had beyond the bound below

    def worst(self, body: Mapping[str, Any], text: str) -> Spend:
        """Upper bound of what a request can cost.

        A byte-level tokenizer never makes more tokens than there are bytes.

        Args:
            body: as it is sent.
            text: the same as JSON.
        """
        size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        turns = len(body.get("messages", ()))
        prompt = size + _CHAT_OVERHEAD + turns * _TURN_OVERHEAD
        limit = next((body[name] for name in _LIMIT_FIELDS if name in body), 0)
        return self.spend(prompt + self._beyond, limit)

    def spend(self, prompt: int, completion: int) -> Spend:
        """Price of one request with so many tokens."""
        usd = (prompt * self._price.prompt + completion * self._price.completion) / 1e6
        return Spend(usd=usd, requests=1, tokens=prompt + completion)

    def learn(self, worst: Spend, true: Spend) -> None:
        """Raise the bound where a bill was above it: a template adds more than was thought."""
        self._beyond += max(0, true.tokens - worst.tokens)

    def at(self, factor: float) -> Self:
        """The same at another price level, such as half price for batches."""
        price = Price(
            prompt=self._price.prompt * factor, completion=self._price.completion * factor
        )
        return type(self)(price)
