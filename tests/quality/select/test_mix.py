"""Mixes: the shares that were asked for are those that come out."""

import random
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select.mix import describe_mix, share_out, take_within
from quality.select.rows import Selection, choose_rows
from quality.select.walk import Queue
from schemas.errors import InputError
from schemas.recipe import SelectOptions
from tests.support.rows import make_row, make_rows

#: The shares of LLaMA 1, Table 1, https://arxiv.org/abs/2302.13971.
LLAMA = {
    "cc": 0.67,
    "c4": 0.15,
    "github": 0.045,
    "wikipedia": 0.045,
    "books": 0.045,
    "arxiv": 0.025,
    "stackexchange": 0.02,
}


def pool(counts: dict[str, int], *, seed: int = 0) -> pl.DataFrame:
    """Rows of very different lengths: those of one source are ten times as long as another's."""
    rng = random.Random(seed)
    rows, tokens, scores = [], [], []
    for place, (source, count) in enumerate(counts.items()):
        for n in range(count):
            rows.append(make_row(f"{source} {n}", id=f"{source}-{n:05d}", source=source))
            tokens.append(int(rng.lognormvariate(3 + place / 3, 0.7)) + 1)
            scores.append(rng.random())
    return make_rows(rows, tokens=tokens, quality=scores)


def mix(rows: pl.DataFrame, **options: object) -> tuple[Selection, dict[str, float]]:
    wishes = SelectOptions.model_validate({"per": "source", "unit": "tokens", **options})
    found = choose_rows(rows, wishes, targets={})
    assert found.kept.height + found.dropped.height == rows.height
    assert sorted(found.decisions["id"]) == sorted(found.dropped["id"])
    lines = describe_mix(found.kept, found.dropped, wishes)
    return found, {line.name: line.share for line in lines}


@pytest.mark.parametrize("when_short", ["fill", "shrink", "repeat"])
def test_shares_of_tokens_are_met_within_a_point(when_short: str) -> None:
    rows = pool(dict.fromkeys(LLAMA, 600))
    # Of the first and shortest source there are 18,000 tokens.
    found, shares = mix(rows, quotas=LLAMA, max_tokens=20_000, when_short=when_short)
    tokens = Counter[str]()
    for source, size in found.kept.select("source", "tokens").iter_rows():
        tokens[source] += size
    total = tokens.total()
    assert 19_600 <= total <= 20_000
    for source, wanted in LLAMA.items():
        assert abs(tokens[source] / total - wanted) <= 0.01
        assert shares[source] == pytest.approx(tokens[source] / total, abs=1e-4)


def test_the_best_rows_of_each_source_are_taken() -> None:
    found, _ = mix(pool({"a": 100, "b": 100}), quotas={"a": 0.7, "b": 0.3}, max_tokens=1_000)
    for source in "ab":
        kept = found.kept.filter(source=source)["quality"]
        gone = found.dropped.filter(source=source)["quality"]
        assert kept.mean() > gone.mean()  # type: ignore[operator]


def test_without_a_budget_shrinking_makes_the_largest_mix_that_holds() -> None:
    rows = pool({"a": 300, "b": 300})
    has = dict(rows.group_by("source").agg(pl.col("tokens").sum()).iter_rows())
    found, shares = mix(rows, quotas={"a": 0.5, "b": 0.5}, when_short="shrink")
    assert shares == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.01)
    assert found.kept["tokens"].sum() >= 2 * min(has.values()) * 0.98


def test_a_short_source_is_read_more_than_once() -> None:
    rows = pool({"a": 100, "b": 10})
    has = dict(rows.group_by("source").agg(pl.col("tokens").sum()).iter_rows())
    wishes = {"quotas": {"a": 0.5, "b": 0.5}, "max_tokens": 2_000, "when_short": "repeat"}
    found, _ = mix(rows, **wishes)
    options = SelectOptions.model_validate({"per": "source", "unit": "tokens", **wishes})
    lines = {line.name: line for line in describe_mix(found.kept, found.dropped, options)}
    assert found.kept.filter(source="b").height == 10
    assert lines["b"].epochs == round(1_000 / has["b"], 2) > 1
    assert lines["a"].epochs == 1
    assert found.kept["id"].n_unique() == found.kept.height


def test_every_row_that_is_out_says_why() -> None:
    found, _ = mix(pool({"a": 40, "b": 40}), quotas={"a": 0.8, "b": 0.2}, max_tokens=500)
    assert set(found.decisions["rule"]) == {"over_quota"}
    line = found.decisions.filter(pl.col("id").str.starts_with("b-")).row(0, named=True)
    assert line["threshold"] == 100
    assert line["evidence"].startswith("b has room for 100 tokens, which ")


def test_a_name_that_no_row_has_is_an_error_where_the_shares_must_hold() -> None:
    rows = pool({"a": 5, "b": 5})
    with pytest.raises(InputError, match=r"expected rows of 'c' for its share of 0\.5, got none"):
        mix(rows, quotas={"a": 0.5, "c": 0.5}, when_short="shrink")
    with pytest.raises(InputError, match=r"expected rows of 'all others' for its share of 0\.2"):
        mix(rows, quotas={"a": 0.4, "b": 0.4}, when_short="repeat")
    _, shares = mix(rows, quotas={"a": 0.5, "c": 0.5}, max_tokens=60)
    assert shares["a"] == 1


def test_a_row_that_is_too_large_is_passed_over() -> None:
    queues = [Queue(1.0, iter([0, 1, 2]), 3)]
    found = take_within(queues, [10], [4, 50, 5])
    assert (found.rows, found.misfits, found.tokens) == ([0], {1: 6}, 4)
    queues = [Queue(1.0, iter([0, 1, 2]), 3)]
    assert take_within(queues, [40], [30, 20, 9]).rows == [0]
    assert take_within([], [], []).rows == []


@settings(max_examples=30)
@given(
    counts=st.lists(st.integers(0, 60), min_size=2, max_size=4),
    weights=st.lists(st.integers(1, 9), min_size=4, max_size=4),
    total=st.integers(0, 4_000),
    when_short=st.sampled_from(["fill", "shrink", "repeat"]),
    seed=st.integers(0, 9),
)
def test_budgets_are_kept_and_order_means_nothing(
    counts: list[int], weights: list[int], total: int, when_short: str, seed: int
) -> None:
    names = "abcd"[: len(counts)]
    rows = pool(dict(zip(names, (count + 1 for count in counts), strict=True)), seed=seed)
    whole = sum(weights[: len(counts)])
    quotas = {name: weight / whole for name, weight in zip(names, weights, strict=False)}
    wishes = {"quotas": quotas, "max_tokens": total + 1, "when_short": when_short}
    found, _ = mix(rows, **wishes)
    assert found.kept["tokens"].sum() <= total + 1
    again, _ = mix(rows.sample(fraction=1, shuffle=True, seed=seed), **wishes)
    assert sorted(again.kept["id"]) == sorted(found.kept["id"])


@given(
    shares=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    available=st.lists(st.integers(0, 1_000), min_size=5, max_size=5),
    total=st.none() | st.integers(0, 3_000),
)
def test_what_groups_may_give(shares: list[int], available: list[int], total: int | None) -> None:
    parts, has = [share / sum(shares) for share in shares], available[: len(shares)]
    wanted = sum(has) if total is None else total
    filled = share_out(parts, has, total, "fill")
    assert sum(filled) == min(wanted, sum(has))
    for way in ("fill", "shrink", "repeat"):
        given_out = share_out(parts, has, total, way)  # type: ignore[arg-type]
        assert all(0 <= given <= most for given, most in zip(given_out, has, strict=True))
        assert sum(given_out) <= sum(filled)
    shrunk = share_out(parts, has, total, "shrink")
    assert all(
        abs(given - part * sum(shrunk)) <= 1 for given, part in zip(shrunk, parts, strict=True)
    )
