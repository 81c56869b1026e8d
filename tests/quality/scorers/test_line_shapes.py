"""Lines that trail off and lines that are list items."""

from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.bullet_lines import bullet_lines
from quality.scorers.ellipsis_lines import ellipsis_lines

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("output", "share"),
    [("a...\nb…\nc.", 2 / 3), ("a\nb\nc", 0.0), ('"a..."\nb\nc', 1 / 3), ("a...", None),
     ("", None), ("a ... b\nc\nd", 0.0), ("\n\n...\n\n", None)],
)  # fmt: skip
def test_ellipsis_lines(make_rows: MakeRows, output: str, share: float | None) -> None:
    assert ellipsis_lines(make_rows([output])).to_list() == [share]


@pytest.mark.parametrize(
    ("output", "share"),
    [("- a\n- b\n- c", 1.0), ("1. a\n2. b\n3. c\nSo.", 0.75), ("• a\n\n• b\n\n• c", 1.0),
     ("a\nb\nc", 0.0), ("- a\n- b", None), ("-5\n-6\n-7", 0.0), ("", None)],
)  # fmt: skip
def test_bullet_lines(make_rows: MakeRows, output: str, share: float | None) -> None:
    assert bullet_lines(make_rows([output])).to_list() == [share]
