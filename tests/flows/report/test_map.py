"""The map of a version: places and topics of rows."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.report import map as report_map
from flows.report.layout import FEW_POINTS, lay_out
from flows.report.map import POINTS, draw_map, read_map
from quality.dedup.cosines import Vectors
from quality.dedup.forecast import to_unit

_KINDS = ("Bake a cake with {} eggs.", "Add the prices of {} shoes.", "Name {} rivers of Europe.")


def make_frame(size: int, *, first: int = 0) -> pl.DataFrame:
    texts = [_KINDS[place % 3].format(place) for place in range(first, first + size)]
    ids = [f"{place:032x}" for place in range(first, first + size)]
    return pl.DataFrame(
        {"id": ids, "source": "a", "instruction": texts, "input": "", "output": "x"}
    )


def spread(size: int, groups: int = 3) -> Vectors:
    """Vectors around a few directions."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(groups, 16))
    noise = 0.1 * draw.normal(size=(size, 16))
    return to_unit((centres[np.arange(size) % groups] + noise).astype(np.float32))


def test_rows_kept_or_not_get_a_place_and_a_topic_and_unread_ones_none(tmp_path: Path) -> None:
    unread = make_frame(1, first=90).with_columns(instruction=pl.lit(None, dtype=pl.String))
    rejects = pl.concat([make_frame(10, first=50), unread])
    points = draw_map(make_frame(40), rejects, encoder=None, cache=tmp_path)
    assert dict(points.schema) == dict(POINTS)
    assert points.height == 50
    assert points["id"].is_sorted()
    for axis in ("x", "y"):
        assert points[axis].is_between(0, 1).all()
    cakes = points.filter(pl.col("topic").str.contains("cake"))
    assert cakes.height >= 15


def test_like_rows_lie_near_each_other(tmp_path: Path) -> None:
    points = draw_map(make_frame(60), make_frame(0), encoder=None, cache=tmp_path)
    plane = points.select("x", "y").to_numpy()
    gaps = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    same = gaps.argmin(axis=1) % 3 == np.arange(60) % 3
    assert same.mean() > 0.9


def test_the_same_rows_give_the_same_map_in_any_order(tmp_path: Path) -> None:
    rows, rejects = make_frame(30), make_frame(9, first=60)
    first = draw_map(rows, rejects, encoder=None, cache=tmp_path)
    again = draw_map(
        rejects.reverse(),
        rows.sample(fraction=1, shuffle=True, seed=7),
        encoder=None,
        cache=tmp_path,
    )
    assert again.equals(first)


def test_equal_prompts_share_a_place(tmp_path: Path) -> None:
    rows = pl.concat([make_frame(12), make_frame(12).with_columns(id=pl.lit("z") + pl.col("id"))])
    points = draw_map(rows, make_frame(0), encoder=None, cache=tmp_path)
    assert points.select("x", "y")[:12].equals(points.select("x", "y")[12:])


@pytest.mark.parametrize("size", range(7))
def test_few_rows_have_a_map_too(tmp_path: Path, size: int) -> None:
    points = draw_map(make_frame(size), make_frame(0), encoder=None, cache=tmp_path)
    assert points.height == size
    assert points.select(pl.col("x", "y").is_finite().all()).row(0) == (True, True)


@pytest.mark.parametrize("text", ["?!", "the", "\u202e\x00", "7"])
def test_prompts_without_words_do_no_harm(tmp_path: Path, text: str) -> None:
    rows = make_frame(8).with_columns(instruction=pl.lit(text))
    points = draw_map(rows, make_frame(3, first=20), encoder=None, cache=tmp_path)
    assert points.height == 11
    assert points.select(pl.col("x", "y").is_finite().all()).row(0) == (True, True)


def test_of_too_many_rows_the_same_sample_is_drawn_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_map, "MAX_POINTS", 10)
    rows = make_frame(40)
    first = draw_map(rows, make_frame(0), encoder=None, cache=tmp_path)
    again = draw_map(rows.reverse(), make_frame(0), encoder=None, cache=tmp_path)
    assert first.height == 10
    assert again.equals(first)
    assert first["id"].to_list() != rows["id"].head(10).to_list()


def test_forty_rows_do_not_wait_for_what_many_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # UMAP takes many seconds to compile, however few points there are.
    monkeypatch.setitem(sys.modules, "umap", None)
    assert draw_map(make_frame(40), make_frame(0), encoder=None, cache=tmp_path).height == 40
    with pytest.raises(ImportError):
        lay_out(spread(FEW_POINTS + 60), seed=1)


def test_a_version_without_a_map_has_none(tmp_path: Path) -> None:
    assert read_map(tmp_path) is None


@pytest.mark.slow
def test_many_points_are_laid_out_the_same_twice_and_by_kind() -> None:
    vectors = spread(FEW_POINTS + 60)
    first = lay_out(vectors, seed=1)
    assert (first == lay_out(vectors, seed=1)).all()
    assert first.min() >= 0
    assert first.max() <= 1
    kinds = np.arange(len(vectors)) % 3
    centres = np.stack([first[kinds == kind].mean(axis=0) for kind in range(3)])
    nearest = np.linalg.norm(first[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == kinds).mean() > 0.95
