"""One search for many thresholds drops what separate runs drop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.__main__ import build_parser
from flows.commands.dedup import options_of
from flows.dedup.mapping import thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import list_shards
from flows.dedup.stage import Encoders, deduplicate
from flows.dedup.threshold_table import FIRST_GONE, describe_threshold, first_gone
from flows.dedup.thresholds import Sweep, at, share_band, sweep
from quality.dedup.lexical import Cut
from quality.dedup.minhash import Bands, band_keys, choose_bands
from quality.dedup.planting import plant
from quality.dedup.shingles import fingerprint
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions
from tests.support.cli import call_cli
from tests.support.recipes import good_records, write_jsonl

GRID = (0.5, 0.6, 0.7, 0.8)
LEXICAL = DedupOptions(semantic=None)


class WordVectors:
    """Counts of hashed words: a stand-in for a sentence encoder that needs no model."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Encode `texts`."""
        vectors = np.zeros((len(texts), 256), np.float32)
        for number, text in enumerate(texts):
            for word in text.lower().split():
                vectors[number, sum(map(ord, word)) % 256] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


def encoders(base: Path) -> Encoders:
    return Encoders(WordVectors, base)  # type: ignore[arg-type]


def write_rows(base: Path, instructions: Sequence[str], quality: Sequence[float]) -> Path:
    frame = pl.DataFrame(
        {
            "id": [f"{number:04}" for number in range(len(instructions))],
            "file": "a.jsonl",
            "row": range(len(instructions)),
            "instruction": instructions,
            "input": "",
            "output": "An answer.",
            "quality": quality,
        },
        schema_overrides={"row": pl.Int64, "quality": pl.Float64},
    )
    frame.write_parquet(base / "rows.parquet")
    return base / "rows.parquet"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Tasks, edits of them, edits of the edits: chains that make survivors depend on thresholds."""
    tasks = [record["instruction"] for record in good_records(60)]
    first = tasks
    for seed in (1, 2):
        rows = pl.DataFrame(
            {"id": [str(number) for number in range(len(first))], "instruction": first,
             "input": "", "output": "x"}
        )  # fmt: skip
        first = plant(rows, Cut(), seed=seed).filter("is_duplicate")["instruction"].to_list()
        tasks += first
    quality = np.random.default_rng(0).random(len(tasks)).round(1).tolist()
    return write_rows(tmp_path, tasks, quality)


def rows_of(file: Path) -> Rows:
    return Rows([], list_shards([file]))


def sweep_of(file: Path, options: DedupOptions, grid: Sequence[float] = GRID) -> Sweep:
    base = file.parent
    return sweep(
        rows_of(file), options, min(grid), encoders=encoders(base), work=base / "sweep",
        mapper=thread_mapper(1),
    )  # fmt: skip


def separate(file: Path, options: DedupOptions, threshold: float) -> list[list[tuple[Any, ...]]]:
    """What a run of its own drops, method by method."""
    base = file.parent
    outcome = deduplicate(
        rows_of(file), at(options, threshold), encoders=encoders(base),
        work=base / f"run-{threshold}", mapper=thread_mapper(1),
    )  # fmt: skip
    return [lines(found.dropped) for found in outcome.results]


def lines(dropped: Any) -> list[tuple[Any, ...]]:
    rows, matched, similarity = dropped
    return list(zip(rows.tolist(), matched.tolist(), similarity.round(4).tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        LEXICAL,
        DedupOptions(exact=False, lexical=LexicalOptions(guards=False), semantic=None),
        DedupOptions(lexical=LexicalOptions(containment=0.9, shingle=2), semantic=None),
        DedupOptions(lexical=LexicalOptions(), semantic=SemanticOptions(threshold=0.9)),
        DedupOptions(lexical=None, semantic=SemanticOptions()),
        DedupOptions(lexical=LexicalOptions(), semantic=None, answers="all"),
    ],
    ids=["lexical", "unguarded", "containment", "both", "semantic", "answers"],
)
def test_every_threshold_drops_what_a_run_of_its_own_drops(
    file: Path, options: DedupOptions
) -> None:
    swept = sweep_of(file, options)
    counts = []
    for threshold in GRID:
        found = [lines(result.dropped) for result in swept.results_at(threshold)]
        assert found == separate(file, options, threshold)
        counts.append(sum(map(len, found)))
    assert counts[0] > counts[-1] > 0
    # The partner of a row is another one where a better one comes in reach.
    if options == LEXICAL:
        low, high = (
            dict(zip(*swept.results_at(t)[1].dropped[:2], strict=True)) for t in (0.5, 0.7)
        )
        assert any(low[row] != high[row] for row in low.keys() & high.keys())


def test_a_lower_threshold_can_drop_fewer_rows(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(32)]
    best, second = " ".join(words[:25]), " ".join(words)
    thirds = [" ".join([*words[:at], "new", *words[at + 1 :]]) for at in (5, 12, 19)]
    file = write_rows(tmp_path, [best, second, *thirds], [0.9, 0.8, 0.1, 0.1, 0.1])
    options = DedupOptions(lexical=LexicalOptions(guards=False), semantic=None)
    swept = sweep_of(file, options, (0.7, 0.8))
    dropped = {
        threshold: swept.results_at(threshold)[1].dropped.rows.tolist() for threshold in (0.7, 0.8)
    }
    assert dropped == {0.7: [1], 0.8: [2, 3, 4]}


def test_bands_are_shared_where_their_keys_are_equal() -> None:
    texts = [
        f"one two three four five six seven {word}" for word in ("eight", "nine", "ten", "a b")
    ]
    prints = fingerprint(pl.Series(texts))
    pairs = np.array([(left, right) for right in range(4) for left in range(right)])
    for banding in (Bands(3, 7), choose_bands(0.8), Bands(20, 1)):
        keys = band_keys(prints, banding)
        wanted = (keys[:, pairs[:, 0]] == keys[:, pairs[:, 1]]).any(axis=0)
        assert share_band(prints, pairs, banding).tolist() == wanted.tolist()


def test_the_table_names_the_highest_threshold_at_which_a_row_goes(file: Path) -> None:
    swept = sweep_of(file, LEXICAL)
    results = {threshold: swept.results_at(threshold) for threshold in GRID}
    table = first_gone(swept.rows, results)
    assert dict(table.schema) == dict(FIRST_GONE)
    gone = {
        threshold: {f"{row:04}" for result in found for row in result.dropped.rows.tolist()}
        for threshold, found in results.items()
    }
    assert set(table["id"]) == set().union(*gone.values())
    for name, threshold in table.select("id", "threshold").iter_rows():
        assert threshold == max(value for value, names in gone.items() if name in names)
    exact = table.filter(pl.col("method") == "exact")
    assert set(exact["threshold"]) <= {max(GRID)}


def test_a_threshold_in_figures(file: Path) -> None:
    swept = sweep_of(file, LEXICAL)
    found = describe_threshold(swept, 0.7, swept.results_at(0.7))
    assert found["dropped"] + found["kept"] == swept.rows.n_rows
    assert found["duplicates"] + found["choices"] == found["dropped"]
    assert sum(found["by_method"].values()) == found["dropped"]
    similarities = [example["similarity"] for example in found["examples"]]
    lexical = swept.results_at(0.7)[1].dropped.similarity
    assert similarities == sorted(lexical.round(4).tolist())[:3]
    assert {example["evidence"] for example in found["examples"]} - {""}


def test_files_without_rows(tmp_path: Path) -> None:
    swept = sweep_of(write_rows(tmp_path, [], []), LEXICAL)
    results = {0.7: swept.results_at(0.7)}
    assert describe_threshold(swept, 0.7, results[0.7])["dropped"] == 0
    assert first_gone(swept.rows, results).height == 0


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], DedupOptions()),
        (
            ["--columns", "instruction, output", "--no-guards"],
            DedupOptions(
                lexical=LexicalOptions(columns=("instruction", "output"), guards=False),
                semantic=SemanticOptions(columns=("instruction", "output"), guards=False),
            ),
        ),
        (
            ["--shingle", "2", "--containment", "0.9", "--mask", "Sum up: {a}", "--mask", "{a}?",
             "--answers", "all", "--threshold", "0.6"],
            DedupOptions(
                lexical=LexicalOptions(
                    shingle=2, containment=0.9, mask=("Sum up: {a}", "{a}?"), threshold=0.6
                ),
                answers="all",
            ),
        ),
        (
            ["--method", "semantic", "--threshold", "0.6"],
            DedupOptions(exact=False, lexical=None, semantic=SemanticOptions(threshold=0.6)),
        ),
    ],
)  # fmt: skip
def test_flags_become_options_of_a_recipe(words: list[str], wanted: DedupOptions) -> None:
    assert options_of(build_parser().parse_args(["dedup", "a.jsonl", *words])) == wanted


@pytest.mark.usefixtures("prefect_api")
def test_the_command_line_shows_thresholds_and_drops_nothing(tmp_path: Path) -> None:
    good = good_records(6)
    near = good[0]["instruction"].rstrip(".") + " please."
    write_jsonl(tmp_path / "a.jsonl", [*good, good[1], {**good[0], "instruction": near}])
    words = ["dedup", "a.jsonl", "--method", "exact,lexical", "--out", "out", "--json"]
    ran = call_cli(*words, "--thresholds", "0.9,0.5", "--workers", "1", cwd=tmp_path).succeed()
    found = ran.answer
    assert (found["rows_in"], found["quarantined"], found["path"]) == (8, 0, "out")
    assert [(at["threshold"], at["dropped"]) for at in found["thresholds"]] == [(0.5, 2), (0.9, 1)]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"thresholds.parquet"}
    table = pl.read_parquet(tmp_path / "out" / "thresholds.parquet")
    assert table.select("file", "method", "threshold").rows() == [
        ("a.jsonl", "exact", 0.9), ("a.jsonl", "lexical", 0.5),
    ]  # fmt: skip
    assert "would drop" in ran.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--thresholds", "0"], "expected --thresholds above 0 and at most 1, got '0': e.g. "),
        (["--thresholds", "low"], "expected --thresholds above 0 and at most 1, got 'low': e.g. "),
        (["--thresholds", ","], "expected --thresholds above 0 and at most 1, got ',': e.g. "),
        (["--thresholds", "0.7", "--calibrate"], "expected --thresholds or --calibrate, got both"),
        (["--thresholds", "0.7", "--threshold", "1"], "expected --thresholds or --threshold, got "),
        (["--calibrate", "few"], "argument --calibrate: expected a number of rows above 0, got "),
        (["--method", "exact", "--calibrate"], "expected --method with lexical or semantic for --"),
        (["--method", "semantic", "--shingle", "2"], "expected --method with a method that has --"),
        (["--columns", "answer"], "expected 'instruction', 'input' or 'output', got 'answer' for "),
        (["--containment", "2"], "expected less than or equal to 1, got 2.0 for --containment: "),
        (["--workers", "0"], "argument --workers: expected a whole number above 0, got '0': see "),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path: Path, words: list[str], line: str) -> None:
    write_jsonl(tmp_path / "a.jsonl", good_records(2))
    ran = call_cli("dedup", "a.jsonl", *words, cwd=tmp_path)
    assert ran.code == 2
    assert ran.error_line.startswith(line)
