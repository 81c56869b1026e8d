"""What a card and a report say of sources, whatever their names hold."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from flows.publishers.card import render_card
from flows.publishers.sources import source_tables
from flows.report.page import build_report
from flows.versions import read_data, read_decisions, read_rejects
from quality.review.describe import describe
from quality.review.proposals import propose
from schemas.manifest import DatasetManifest
from schemas.recipe import ReviewOptions
from tests.support.pools import FINE, SHORT
from tests.support.report_version import CANARY, make_version


def reviewed(manifest: DatasetManifest, *, apply: bool = False) -> DatasetManifest:
    """The manifest of a version whose review dropped a source with a hostile name."""
    options = ReviewOptions(apply=apply)
    figures = [FINE, replace(FINE, name=CANARY, **SHORT, homogeneity=0.8)]
    notes = {
        "review": describe(
            [propose(one, options) for one in figures], pl.Series(["a.jsonl"] * 100), options
        )
    }
    stage = {"stage": "review", "rows_in": 9, "kept": 9, "dropped": 0, "quarantined": 0}
    by_stage = [*manifest.by_stage, {**stage, "notes": notes}]
    return manifest.model_copy(update={"by_stage": by_stage})


def test_a_review_is_told_with_its_evidence(tmp_path: Path) -> None:
    manifest = reviewed(make_version(tmp_path))
    (table,) = source_tables(manifest)
    assert table.rows[0][:3] == ["a.jsonl", "120 → 100 → 100", "20"]
    assert [row[-2] for row in table.rows] == ["keep", "drop"]
    assert table.rows[1][-1].startswith("98% [93%, 99%] of 100 answers are short (limit 50%)")
    assert "`--set review.apply=true` does it" in table.text
    assert "was done" in source_tables(reviewed(manifest, apply=True))[-1].text


def test_card_and_report_show_it_and_run_nothing(tmp_path: Path) -> None:
    manifest = reviewed(make_version(tmp_path))
    rows, rejects = read_data(tmp_path), read_rejects(tmp_path)
    page = build_report(rows, rejects, read_decisions(tmp_path), manifest)
    assert "98% [93%, 99%] of 100 answers are short" in page
    assert "<script>document" not in page
    assert "<img src=x" not in page
    assert "120 → 100 → 100" in render_card(manifest, rows)


def test_a_version_without_a_review_has_no_table(tmp_path: Path) -> None:
    assert source_tables(make_version(tmp_path)) == []
