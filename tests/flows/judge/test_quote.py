"""What judging is quoted at, beside what it then asks."""

from flows.judge.quote import quote_judging
from schemas.recipe import Recipe

PRICED = {
    "base_url": "http://127.0.0.1:9/v1",
    "model": "m",
    "price_per_million": {"prompt": 1.0, "completion": 2.0},
}


def recipe(**judge: object) -> Recipe:
    return Recipe.model_validate({"name": "set", "judge": judge})


def test_nobody_judges() -> None:
    assert quote_judging(Recipe(name="set"), 100, 50) is None


def test_repeats_traps_and_every_judge_are_counted() -> None:
    found = quote_judging(
        recipe(
            teacher=[PRICED, {**PRICED, "model": "n"}], max_rows=100, repeat_share=0.1, canaries=2
        ),
        5_000,
        50,
    )
    assert found is not None
    assert found.requests == 2 * (110 + 10)
    assert found.cost_usd is not None
    assert found.cost_usd == (found.prompt_tokens + 2 * found.completion_tokens) / 1e6


def test_an_unknown_price_is_no_price() -> None:
    found = quote_judging(recipe(teacher={"base_url": "http://127.0.0.1:9/v1", "model": "m"}), 9, 0)
    assert found is not None
    assert found.cost_usd is None
    assert "9 rows judged by 1" in found.assumption


def test_the_second_round_is_counted() -> None:
    plain = quote_judging(recipe(teacher=PRICED, max_rows=100), 0, 0)
    asking = Recipe.model_validate(
        {
            "name": "set",
            "judge": {"teacher": PRICED, "max_rows": 100},
            "student": {"ask_back": 40},
        }
    )
    more = quote_judging(asking, 0, 0)
    assert plain is not None
    assert more is not None
    assert more.requests - plain.requests == 42
