"""The hard limit on what a run may spend."""

from dataclasses import dataclass

from schemas.errors import BudgetError
from schemas.recipe import BudgetOptions


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


_UNITS = {"usd": " US dollars", "requests": " requests", "tokens": " tokens"}


class Budget:
    """Reserves the worst case before a request leaves, and settles it with the true cost after.

    What is reserved plus what is spent never exceeds a limit, whatever the replies turn out to be.
    """

    def __init__(self, limits: BudgetOptions) -> None:
        self._limits = limits
        self.spent = Spend()
        self.reserved = Spend()

    def reserve(self, worst: Spend) -> None:
        """Set `worst` aside.

        Raises:
            BudgetError: if a limit could be exceeded; nothing is set aside then.
        """
        total = self.spent + self.reserved + worst
        for name, unit in _UNITS.items():
            limit = getattr(self._limits, name)
            if limit is not None and getattr(total, name) > limit:
                spent = getattr(self.spent, name)
                msg = (
                    f"expected to stay within budget.{name} = {limit:g}, but the next request "
                    f"could exceed it ({spent:g}{unit} spent): raise it and run the same command "
                    "again, paid replies are kept"
                )
                raise BudgetError(msg)
        self.reserved += worst

    def count(self, paid: Spend) -> None:
        """Count what an earlier attempt paid for and this one uses."""
        self.spent += paid

    def settle(self, worst: Spend, true: Spend) -> None:
        """Replace a reservation by what the reply really cost."""
        self.reserved -= worst
        self.spent += true
