import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.teachers.budget import Budget, Spend
from schemas.errors import BudgetError
from schemas.recipe import BudgetOptions

amounts = st.builds(
    Spend,
    usd=st.integers(0, 8).map(lambda eighths: eighths / 8),  # exact in binary
    requests=st.just(1),
    tokens=st.integers(0, 50),
)


def limits(**given_limits: float) -> Budget:
    return Budget(BudgetOptions(**given_limits))  # type: ignore[arg-type]


def test_no_limit_lets_everything_through() -> None:
    budget = limits()
    budget.reserve(Spend(1e9, 10**9, 10**12))
    assert budget.reserved == Spend(1e9, 10**9, 10**12)


@pytest.mark.parametrize(
    ("limit", "fits", "exceeds"),
    [
        ({"usd": 1.0}, Spend(usd=1.0, requests=1), Spend(usd=1.5, requests=1)),
        ({"requests": 1}, Spend(requests=1), Spend(requests=2)),
        ({"tokens": 10}, Spend(requests=1, tokens=10), Spend(requests=1, tokens=11)),
    ],
)
def test_a_limit_may_be_reached_and_not_exceeded(
    limit: dict[str, float], fits: Spend, exceeds: Spend
) -> None:
    limits(**limit).reserve(fits)
    budget = limits(**limit)
    with pytest.raises(BudgetError):
        budget.reserve(exceeds)
    assert (budget.reserved, budget.spent) == (Spend(), Spend())


@pytest.mark.parametrize("name", ["usd", "requests", "tokens"])
def test_a_limit_of_nothing_lets_nothing_through(name: str) -> None:
    with pytest.raises(BudgetError, match=f"budget.{name} = 0,"):
        limits(**{name: 0}).reserve(Spend(usd=0.5, requests=1, tokens=1))


def test_the_message_names_limit_and_spend() -> None:
    budget = limits(tokens=100)
    budget.reserve(Spend(requests=1, tokens=60))
    budget.settle(Spend(requests=1, tokens=60), Spend(requests=1, tokens=42))
    with pytest.raises(BudgetError) as caught:
        budget.reserve(Spend(requests=1, tokens=60))
    assert str(caught.value) == (
        "expected to stay within budget.tokens = 100, but the next request could exceed it "
        "(42 tokens spent): raise it and run the same command again, paid replies are kept"
    )
    assert caught.value.exit_code == 3


def test_settling_frees_what_was_not_needed() -> None:
    budget = limits(tokens=100)
    worst, true = Spend(requests=1, tokens=60), Spend(requests=1, tokens=30)
    budget.reserve(worst)
    with pytest.raises(BudgetError):
        budget.reserve(worst)
    budget.settle(worst, true)
    budget.reserve(worst)
    assert (budget.spent, budget.reserved) == (true, worst)


@given(
    st.lists(st.tuples(amounts, st.floats(0, 1), st.booleans()), max_size=60),
    st.fixed_dictionaries(
        {},
        optional={
            "usd": st.integers(0, 40).map(lambda eighths: eighths / 8),
            "requests": st.integers(0, 30),
            "tokens": st.integers(0, 500),
        },
    ),
)
def test_spent_and_reserved_never_exceed_a_limit(
    steps: list[tuple[Spend, float, bool]], given_limits: dict[str, float]
) -> None:
    budget = limits(**given_limits)
    open_requests: list[tuple[Spend, Spend]] = []
    for worst, share, settles_first in steps:
        if settles_first and open_requests:
            budget.settle(*open_requests.pop(0))
        true = Spend(worst.usd * (share > 0.5), 1, int(worst.tokens * share))
        try:
            budget.reserve(worst)
        except BudgetError:
            continue
        open_requests.append((worst, true))
        total = budget.spent + budget.reserved
        for name, limit in given_limits.items():
            assert getattr(total, name) <= limit
    for pair in open_requests:
        budget.settle(*pair)
    assert budget.reserved == Spend()
