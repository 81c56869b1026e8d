"""Ids stay unique over all parts, also where a killed reading goes on."""

import polars as pl

from flows.dedup.reading import CopyNumbers

A, B = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def test_copies_are_numbered_over_parts() -> None:
    numbers = CopyNumbers()
    assert numbers.number(pl.Series([A, B, A])).to_list() == [A, B, f"{A}-1"]
    assert numbers.number(pl.Series([B, A])).to_list() == [f"{B}-1", f"{A}-2"]


def test_parts_that_were_read_before_count() -> None:
    whole, resumed = CopyNumbers(), CopyNumbers()
    first = whole.number(pl.Series([A, B, A]))
    resumed.see(first)
    rest = pl.Series([A, B])
    assert resumed.number(rest).to_list() == whole.number(rest).to_list()
