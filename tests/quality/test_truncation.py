"""Cutting rows at a length: every token is whole, cut or lost, whatever the length."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.truncation import audit_lengths, cut_rows, make_answers

# One row: pairs of (tokens of the question, tokens of the answer), laid out one after the other.
ROW = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=4)


def layout(rows: list[list[tuple[int, int]]]) -> pl.DataFrame:
    spans = []
    for number, row in enumerate(rows):
        at = 0
        for turn, (question, answer) in enumerate(row):
            spans.append((f"r{number}", 2 * turn + 1, at + question, answer))
            at += question + answer
    return make_answers(spans)


@given(st.lists(ROW, max_size=6), st.integers(1, 260))
def test_tokens_are_counted_one_by_one(rows: list[list[tuple[int, int]]], length: int) -> None:
    found = {line["id"]: line for line in cut_rows(layout(rows), length).iter_rows(named=True)}
    assert len(found) == len(rows)
    for number, row in enumerate(rows):
        line = found[f"r{number}"]
        kinds = [kind for question, answer in row for kind in "q" * question + "a" * answer]
        trained, all_answers = kinds[:length].count("a"), kinds.count("a")
        assert (line["tokens"], line["trained"]) == (len(kinds), trained)
        assert line["lost"] == all_answers - trained
        fate = "whole" if trained == all_answers else "cut" if trained else "no_answer"
        assert line["fate"] == fate


@given(st.lists(ROW, min_size=1, max_size=6))
def test_a_longer_cut_never_loses_more(rows: list[list[tuple[int, int]]]) -> None:
    found = audit_lengths(layout(rows), [1, 5, 20, 80, 10_000])["lengths"]
    assert [at["lost"] for at in found] == sorted((at["lost"] for at in found), reverse=True)
    assert [at["whole"] for at in found] == sorted(at["whole"] for at in found)
    for at in found:
        assert at["share_cut"] * len(rows) == pytest.approx(at["cut"] + at["no_answer"])
        assert at["whole"] + at["cut"] + at["no_answer"] == len(rows)
    assert found[-1]["lost"] == 0
    assert found[-1]["masked"] == sum(question for row in rows for question, _ in row)


def test_a_row_that_the_template_refuses_is_told_apart() -> None:
    answers = make_answers([("a", 1, 3, 4), ("b", 1, None, 0), ("b", 3, 3, 4)])
    assert cut_rows(answers, 5)["fate"].to_list() == ["cut", "refused"]
    found = audit_lengths(answers, [5])
    assert (found["rows"], found["refused"]) == (2, 1)
    assert found["tokens"] == {"p50": 7, "p90": 7, "p99": 7, "max": 7, "all": 7, "answers": 4}
    assert found["lengths"] == [
        {
            "length": 5,
            "whole": 0,
            "cut": 1,
            "no_answer": 0,
            "share_cut": 1.0,
            "trained": 2,
            "lost": 2,
            "masked": 3,
        }
    ]


def test_nothing_is_no_error() -> None:
    found = audit_lengths(make_answers([]), [512])
    assert (found["rows"], found["tokens"]["max"]) == (0, 0)
    assert found["lengths"][0]["share_cut"] == 0
