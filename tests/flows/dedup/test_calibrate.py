"""Recall and precision on planted rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.dedup.calibrate import Trial, caught_at, grid_of, measure, plant_rows, rate, run_trial
from flows.dedup.calibration import report
from flows.dedup.mapping import thread_mapper
from flows.dedup.show import show_calibration
from flows.dedup.stage import deduplicate
from quality.dedup.planting import DUPLICATE_KINDS
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions
from tests.flows.dedup.test_thresholds import encoders, rows_of, write_rows
from tests.support.cli import call_cli
from tests.support.recipes import good_records, write_jsonl

LEXICAL = DedupOptions(semantic=None)


def trial_of(base: Path, options: DedupOptions, *, tasks: int = 90, size: int = 60) -> Trial:
    instructions = [record["instruction"] for record in good_records(tasks)]
    data = rows_of(write_rows(base, instructions, [0.5] * tasks))
    planted = plant_rows(data, options, size=size, seed=0, file=base / "planted.parquet")
    return run_trial(
        data, planted, base / "planted.parquet", options,
        encoders=encoders(base), mapper=thread_mapper(1),
    )  # fmt: skip


def test_what_is_caught_is_what_is_alike_and_not_parted(tmp_path: Path) -> None:
    trial = trial_of(tmp_path, LEXICAL)
    for threshold in (0.5, 0.7, 0.9):
        caught = caught_at(trial, threshold)
        alike = (trial.planted["jaccard"] >= threshold) & trial.planted["parted_by"].is_null()
        # No pair was missed here: all that should be found is.
        assert caught.merged.tolist() == alike.to_list()
        assert caught.found.tolist() == caught.searched.tolist()


def test_figures_are_counted_from_what_is_caught(tmp_path: Path) -> None:
    trial = trial_of(tmp_path, LEXICAL)
    merged = caught_at(trial, 0.7).merged
    is_duplicate = trial.planted["is_duplicate"].to_numpy()
    right, wrong = int((merged & is_duplicate).sum()), int((merged & ~is_duplicate).sum())
    found = measure(trial, 0.7)
    assert (found["recall"]["found"], found["recall"]["of"]) == (right, 60)
    assert (found["precision"]["found"], found["precision"]["of"]) == (right, right + wrong)
    assert found["search_recall"]["value"] == 1.0
    assert 0.99 < found["search_recall"]["expected"] <= 1


def test_planted_rows_change_nothing_for_real_ones(tmp_path: Path) -> None:
    instructions = [record["instruction"] for record in good_records(40)]
    near = [f"{text} Thanks." for text in instructions[:9]]
    quality = np.random.default_rng(1).random(49).round(1).tolist()
    data = rows_of(write_rows(tmp_path, instructions + near, quality))
    file = tmp_path / "planted.parquet"
    tools: dict[str, Any] = {"encoders": encoders(tmp_path), "mapper": thread_mapper(1)}
    planted = plant_rows(data, LEXICAL, size=40, seed=0, file=file)
    trial = run_trial(data, planted, file, LEXICAL, **tools)
    alone = deduplicate(data, LEXICAL, work=tmp_path / "alone", **tools)
    together = [found.dropped for found in trial.swept.results_at(0.7)]
    assert len(alone.dead) > 0
    own = [row for dropped in together for row in dropped.rows.tolist() if row < data.n_rows]
    assert sorted(own) == alone.dead.tolist()
    matched = [row for dropped in together for row in dropped.matched.tolist()]
    assert max(matched) < data.n_rows + planted.height
    assert measure(trial, 0.7)["own_dropped"] == len(alone.dead)


def test_recall_falls_as_the_threshold_rises(tmp_path: Path) -> None:
    trial = trial_of(tmp_path, LEXICAL)
    recalls = [measure(trial, threshold)["recall"]["value"] for threshold in grid_of(LEXICAL)]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] > recalls[-1]


def test_the_semantic_method_alone_is_measured_in_cosine(tmp_path: Path) -> None:
    options = DedupOptions(exact=False, lexical=None, semantic=SemanticOptions(threshold=0.88))
    found = report(trial_of(tmp_path, options, tasks=40, size=30), options)
    assert found["measure"] == "cosine"
    assert [at["threshold"] for at in found["thresholds"]] == [0.8, 0.85, 0.88, 0.9, 0.95]
    assert {at["search_recall"] for at in found["thresholds"]} == {None}
    assert found["thresholds"][2]["recall"]["found"] > 0


def test_without_guards_look_alikes_are_merged(tmp_path: Path) -> None:
    options = DedupOptions(lexical=LexicalOptions(threshold=0.5, guards=False), semantic=None)
    guarded = DedupOptions(lexical=LexicalOptions(threshold=0.5), semantic=None)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    loose = measure(trial_of(tmp_path / "a", options), 0.5)
    strict = measure(trial_of(tmp_path / "b", guarded), 0.5)
    assert loose["precision"]["value"] < strict["precision"]["value"]


def test_a_report_adds_up(tmp_path: Path) -> None:
    trial = trial_of(tmp_path, LEXICAL)
    found = report(trial, LEXICAL)
    assert found["planted"]["duplicates"] == 60
    assert found["sampled"] == 60
    assert sum(line["planted"] for line in found["bins"]) == 60
    chosen = next(at for at in found["thresholds"] if at["threshold"] == 0.7)
    assert sum(line["found"] for line in found["bins"]) == chosen["recall"]["found"]
    kinds = {line["kind"]: line for line in found["kinds"]}
    assert set(DUPLICATE_KINDS) <= set(kinds)
    assert kinds["surface"]["merged"] == kinds["surface"]["planted"]
    assert json.loads(json.dumps(found)) == found
    shown = show_calibration({**found, "rows_in": 90, "quarantined": 0, "seconds": 1, "path": "o"})
    assert "*     0.7" in shown
    assert {line["why"] for line in found["examples"]["missed"]} <= {"below the threshold"} | {
        f"parted by {name}" for name in trial.planted["parted_by"].unique()
    }


@pytest.mark.parametrize(("found", "of"), [(0, 10), (3, 7), (10, 10), (450, 500)])
def test_intervals_are_wilsons(found: int, of: int) -> None:
    from scipy.stats import binomtest

    wanted = binomtest(found, of).proportion_ci(method="wilson")
    assert rate(found, of)["low"] == pytest.approx(wanted.low, abs=1e-4)
    assert rate(found, of)["high"] == pytest.approx(wanted.high, abs=1e-4)


def test_nothing_to_measure_is_null_not_zero(tmp_path: Path) -> None:
    data = rows_of(write_rows(tmp_path, [], []))
    file = tmp_path / "planted.parquet"
    planted = plant_rows(data, LEXICAL, size=5, seed=0, file=file)
    trial = run_trial(
        data, planted, file, LEXICAL, encoders=encoders(tmp_path), mapper=thread_mapper(1)
    )
    found = measure(trial, 0.7)
    assert found["recall"]["value"] is None
    assert found["own_share"] == 0.0


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
def test_the_command_line_writes_the_calibration_and_nothing_else(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [*good_records(12), good_records(1)[0]])
    words = ["dedup", "a.jsonl", "--method", "exact,lexical", "--out", "out", "--json"]
    ran = call_cli(*words, "--threshold", "0.65", "--calibrate", "8", cwd=tmp_path).succeed()
    found = ran.answer
    assert [at["threshold"] for at in found["thresholds"]] == [0.5, 0.6, 0.65, 0.7, 0.8, 0.9]
    assert {at["own_dropped"] for at in found["thresholds"]} == {1}
    assert (found["rows_in"], found["sampled"]) == (13, 8)
    written = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert {**found, **written} == found
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"calibration.json"}
    assert pl.DataFrame(found["kinds"])["planted"].sum() == sum(found["planted"].values())
