"""The engine over Parquet: one result whatever the order, shards, files, workers and kills."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from flows.dedup import files
from flows.dedup.engine import Engine, MethodResult, Plan
from flows.dedup.files import dedup_parquet
from flows.dedup.mapping import thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import list_shards
from quality.dedup.lexical import Cut, lexical_pairs
from quality.dedup.minhash import Bands, choose_bands
from quality.dedup.search import Limits
from quality.dedup.survivors import choose_survivors
from schemas.errors import InputError
from tests.support.shingles import fold, jaccard, shingle_set, similar_pairs

ROOT = Path(__file__).parents[3]
# Bands of one value find what shares four tenths but for one time in 10**9.
SURE = (40, 1)
SEEDS = [1, 2]


class Outcome(NamedTuple):
    """What a run wrote.

    Attributes:
        kept: kept.parquet.
        dropped: dropped.parquet.
        results: what each method returned.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame
    results: list[MethodResult]

    @property
    def ids(self) -> list[str]:
        """The ids that stay."""
        return self.kept["id"].sort().to_list()

    @property
    def reasons(self) -> list[tuple[Any, ...]]:
        """Why rows go, by id and without row numbers, which depend on the order of the input."""
        return self.dropped.drop("row", "matched").sort("id").rows()


def random_rows(seed: int, n_rows: int = 50) -> pl.DataFrame:
    """Families of alike and equal texts, empty ones, and a quality with ties and nulls."""
    rng = np.random.default_rng(seed)
    syllables = [a + b for a in "bdfgklmprt" for b in "aeiou"]
    vocabulary = ["".join(rng.choice(syllables, 3)) for _ in range(400)]
    families = [
        rng.choice(vocabulary, int(rng.integers(1, 25))).tolist() for _ in range(n_rows // 5)
    ]
    texts = []
    for _ in range(n_rows):
        words = list(families[int(rng.integers(len(families)))])
        for _ in range(int(rng.choice([0, 0, 1, 1, 2, 4]))):
            words[int(rng.integers(len(words)))] = str(rng.choice(vocabulary))
        text = " ".join(words)
        texts.append(
            ["", text, text.upper(), f" {text}!"][int(rng.choice(4, p=[0.05, 0.75, 0.1, 0.1]))]
        )
    quality = rng.choice([0.0, 0.5, 0.5, 1.0, np.nan], n_rows)
    return pl.DataFrame(
        {
            "id": [f"id{value:04}" for value in rng.permutation(n_rows)],
            "text": texts,
            "quality": pl.Series(quality).fill_nan(None),
            "extra": range(n_rows),
        }
    )


def template_rows(n_alike: int, n_others: int = 0) -> pl.DataFrame:
    """Rows of one template, then strangers."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [letters[n % 26] + letters[n // 26 % 26] + "x" for n in range(n_alike + n_others)]
    alike = [f"please write me a nice long letter to my good old friend about {n}" for n in names]
    others = [f"{n}one {n}two {n}three {n}four" for n in names]
    texts = alike[:n_alike] + others[n_alike:]
    return pl.DataFrame({"id": [f"id{n:04}" for n in range(len(texts))], "text": texts})


def write(folder: Path, *frames: pl.DataFrame) -> list[Path]:
    """Write frames as files."""
    paths = [folder / f"part-{number}.parquet" for number in range(len(frames))]
    for frame, path in zip(frames, paths, strict=True):
        frame.write_parquet(path)
    return paths


def run(
    paths: Sequence[Path], folder: Path, *, shard_rows: int | None = None, **options: Any
) -> Outcome:
    """Deduplicate files in shards of so many rows."""
    options = {"work": folder / "work", "out": folder / "out", "workers": 1} | options
    with pytest.MonkeyPatch.context() as patch:
        if shard_rows is not None:
            patch.setattr(files, "list_shards", partial(list_shards, shard_rows=shard_rows))
        results = dedup_parquet(paths, **options)
    written = [
        pl.read_parquet(options["out"] / name) for name in ("kept.parquet", "dropped.parquet")
    ]
    return Outcome(*written, results)


def run_frame(frame: pl.DataFrame, folder: Path, **options: Any) -> Outcome:
    """Deduplicate one file."""
    folder.mkdir(exist_ok=True)
    return run(write(folder, frame), folder, **options)


def lexical(frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """What the method in memory drops."""
    rows = frame.with_columns(priority=pl.col("quality")) if "quality" in frame.columns else frame
    pairs = lexical_pairs(rows, cut=Cut(("text",)), limits=limits)
    if "priority" not in rows.columns:
        rows = rows.with_columns(priority=pl.lit(None, dtype=pl.Float64))
    return choose_survivors(rows.select("id", "priority"), pairs)


@pytest.mark.parametrize(("seed", "exact"), [(1, False), (2, True)])
def test_order_shards_files_and_workers_do_not_matter(
    tmp_path: Path, seed: int, exact: bool
) -> None:
    frame = random_rows(seed)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    files_of = {
        "one": [frame],
        "shuffled": [shuffled],
        "many": [frame[:1], frame[1:30], frame[30:30], frame[30:]],
    }
    ways = [
        ("one", None, 1), ("one", None, 2), ("one", 9, 4),
        ("shuffled", None, 1), ("shuffled", 17, 2), ("many", 20, 1),
    ]  # fmt: skip
    found = []
    for number, (name, shard_rows, workers) in enumerate(ways):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths = write(folder, *files_of[name])
        found.append(
            run(paths, folder, shard_rows=shard_rows, workers=workers, bands=(16, 1), exact=exact)
        )
    assert found[0].reasons
    for way, outcome in zip(ways, found, strict=True):
        assert outcome.ids == found[0].ids, way
        assert outcome.reasons == found[0].reasons, way


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.4, 0.7, 1.0])
def test_the_result_is_that_of_the_method_in_memory(
    tmp_path: Path, seed: int, threshold: float
) -> None:
    frame = random_rows(seed)
    outcome = run_frame(frame, tmp_path, shard_rows=11, bands=SURE, threshold=threshold)
    expected = lexical(frame, Limits(threshold))
    assert expected.height > 0
    found = outcome.dropped.select("id", "matched_id", "similarity").sort("id")
    assert found.rows() == expected.rows()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_books_of_a_run(tmp_path: Path, seed: int, exact: bool) -> None:
    frame = random_rows(seed)
    kept, dropped, results = run_frame(frame, tmp_path, shard_rows=9, bands=SURE, exact=exact)
    # Every row is in one place; what stays is as it was, in the order given.
    assert dropped["id"].n_unique() == dropped.height
    assert kept.equals(frame.filter(~pl.col("id").is_in(dropped["id"].implode())))
    assert kept.height + dropped.height == frame.height
    assert dropped["method"].unique().sort().to_list() == (["exact"] if exact else []) + ["lexical"]
    assert [len(result.dropped.rows) for result in results] == [
        dropped.filter(pl.col("method") == result.method).height for result in results
    ]
    texts = dict(frame.select("id", "text").iter_rows())
    names = frame["id"].to_list()
    gone: set[str] = set()
    for result in results:
        lines = dropped.filter(pl.col("method") == result.method)
        now = set(lines["id"])
        for line in lines.iter_rows(named=True):
            assert line["matched_id"] not in now | gone
            assert (names[line["row"]], names[line["matched"]]) == (line["id"], line["matched_id"])
            this, other = texts[line["id"]], texts[line["matched_id"]]
            if result.method == "exact":
                assert fold(this) == fold(other)
                assert line["similarity"] == line["threshold"] == 1.0
            else:
                assert line["similarity"] == jaccard(shingle_set(this), shingle_set(other))
                assert line["similarity"] >= line["threshold"] == 0.7
        gone |= now
    left = [shingle_set(text) for text in kept["text"]]
    parted = sum(result.notes.get("parted_by_lead_or_guard", 0) for result in results)
    assert len(similar_pairs(left, 0.7)) <= parted


def test_a_second_pass_finds_nothing(tmp_path: Path) -> None:
    first = run_frame(random_rows(5), tmp_path / "first", bands=SURE, exact=True)
    second = run_frame(first.kept, tmp_path / "second", bands=SURE, exact=True)
    assert first.dropped.height > 0
    assert second.dropped.height == 0
    assert second.kept.equals(first.kept)


@pytest.mark.slow
@pytest.mark.parametrize("quality", [False, True])
@pytest.mark.parametrize("max_partners", [8, 64])
def test_a_crowded_template_goes_as_it_does_in_memory(
    tmp_path: Path, quality: bool, max_partners: int
) -> None:
    frame = template_rows(120, 60)
    if quality:
        frame = frame.with_columns(quality=pl.int_range(pl.len()).cast(pl.Float64) % 7)
    limits = Limits(0.7, max_partners=max_partners)
    plan = Plan(exact=None, cut=Cut(("text",)), limits=limits)
    (path,) = write(tmp_path, frame.sample(fraction=1.0, shuffle=True, seed=3))
    rows = Rows([], list_shards([path], shard_rows=50))
    engine = Engine(rows, plan, tmp_path / "work", thread_mapper(2))
    (result,) = engine.run()
    expected = lexical(frame, limits)
    assert expected.height >= 119
    assert rows.ids(engine.dead).sort().to_list() == expected["id"].to_list()
    found = zip(rows.ids(result.dropped.rows), result.dropped.similarity.tolist(), strict=True)
    assert sorted(found) == expected.select("id", "similarity").rows()


def test_the_chosen_banding_finds_what_the_method_in_memory_finds(tmp_path: Path) -> None:
    frame = random_rows(8, n_rows=300)
    outcome = run_frame(frame, tmp_path, shard_rows=80)
    expected = lexical(frame, Limits(0.7))
    assert outcome.dropped["id"].sort().to_list() == expected["id"].to_list()
    bands, rows = choose_bands(0.7)
    notes = outcome.results[0].notes
    assert (notes["bands"], notes["band_rows"]) == (bands, rows)
    assert notes["expected_recall"] == round(Bands(bands, rows).chance(0.7), 5)
    assert notes["dropped"] == expected.height


@pytest.mark.parametrize(
    ("quality", "survivor"),
    [
        ([0.1, 0.9, 0.5], "b"),
        ([0.5, 0.5, 0.5], "a"),
        ([None, 0.0, None], "b"),
        ([None, None, None], "a"),
        ([float("nan"), -1.0, None], "b"),
        ([0, 1, 2], "c"),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_the_best_quality_survives_then_the_smallest_id(
    tmp_path: Path, quality: list[float | None], survivor: str, exact: bool
) -> None:
    frame = pl.DataFrame(
        {"id": ["c", "b", "a"], "text": ["one and the same text"] * 3, "quality": quality[::-1]},
        strict=False,
    )
    outcome = run_frame(frame, tmp_path, exact=exact, shard_rows=2)
    assert outcome.ids == [survivor]
    assert outcome.dropped["matched_id"].to_list() == [survivor] * 2


def test_a_scorer_chooses_where_there_is_no_quality(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [*"abc"], "text": ["one and the same text"] * 3, "mark": [1, 3, 2]})
    (path,) = write(tmp_path, frame)
    rows = Rows(
        [], list_shards([path], shard_rows=2), score=lambda part: part["mark"].cast(pl.Float64)
    )
    engine = Engine(rows, Plan(exact=("text",), cut=None), tmp_path / "work")
    engine.run()
    assert engine.dead.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("n_alike", "n_others", "alarm"),
    [
        (30, 70, "one group holds 30% of all rows"),
        (20, 0, None),  # so few rows alarm nobody
        (21, 0, "one group holds 100% of all rows"),
        (25, 500, None),  # less than a twentieth
    ],
)
def test_a_group_that_is_too_large_is_called_out(
    tmp_path: Path, n_alike: int, n_others: int, alarm: str | None
) -> None:
    (result,) = run_frame(template_rows(n_alike, n_others), tmp_path).results
    assert len(result.dropped.rows) == n_alike - 1
    assert result.notes["largest_group_share"] == round(n_alike / (n_alike + n_others), 4)
    assert ("alarm" in result.notes) == (alarm is not None)
    assert result.notes.get("alarm", "").startswith(alarm or "")


# --- killed runs ---------------------------------------------------------------------------------


def only_question(work: Path) -> Path:
    """The directory of the one question that was asked."""
    (found,) = work.iterdir()
    return found


def finished(work: Path) -> dict[str, int]:
    """When each finished result was written; drafts begin with a dot."""
    return {
        str(path.relative_to(work)): path.stat().st_mtime_ns
        for pattern in ("shard-*/*", "small-*", "large-*")
        for path in work.glob(pattern)
    }


def dying(after: int, die: Callable[[], None]) -> Callable[..., Any]:
    """Return a `thread_mapper` whose tasks end the run when so many are done."""
    done: Iterator[int] = iter(range(1 << 30))

    def run_tasks(function: Callable[[Any], str], tasks: Sequence[Any], label: str, /) -> list[str]:
        found = []
        for task in tasks:
            if next(done) == after:
                die()
            found.append(function(task))
        return found

    return lambda *_: run_tasks


def interrupt() -> None:
    raise KeyboardInterrupt


def interrupted(paths: list[Path], folder: Path, after: int, **options: Any) -> None:
    """Start a run that ends after so many tasks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "thread_mapper", dying(after, interrupt))
        with pytest.raises(KeyboardInterrupt):
            run(paths, folder, **options)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 3, 6, 8, 12, 16])
def test_an_interrupted_run_goes_on_and_does_nothing_twice(tmp_path: Path, after: int) -> None:
    # 6 shards, 8 bands in two goes, 8 bands of large buckets in a third.
    n_tasks = 6 + 8 + 8
    frame = pl.concat([template_rows(70), random_rows(1, 20).select("id", "text")])
    frame = frame.with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    options: dict[str, Any] = {"exact": True, "shard_rows": 15, "bands": (8, 1)}
    expected = run_frame(frame, tmp_path / "whole", **options)
    folder = tmp_path / "killed"
    folder.mkdir()
    paths = write(folder, frame)
    interrupted(paths, folder, after, **options)
    assert not (folder / "out").exists()
    before = finished(only_question(folder / "work"))
    assert len({name.split("/")[0] for name in before}) == after
    outcome = run(paths, folder, **options)
    assert outcome.reasons == expected.reasons
    assert outcome.kept.equals(expected.kept)
    now = finished(only_question(folder / "work"))
    assert {name: now[name] for name in before} == before
    assert len({name.split("/")[0] for name in now}) == n_tasks


SCRIPT = """
import os, signal, sys
from functools import partial
from pathlib import Path
from flows.dedup import files
from tests.flows.dedup.test_engine import dying
kill = partial(os.kill, os.getpid(), signal.SIGKILL)
files.thread_mapper = dying(int(sys.argv[2]), kill)
files.list_shards = partial(files.list_shards, shard_rows=7)
folder = Path(sys.argv[1])
files.dedup_parquet([folder / "part-0.parquet"], folder / "out", work=folder / "work", exact=True)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_what_the_next_one_needs(tmp_path: Path) -> None:
    paths = write(tmp_path, random_rows(2))
    child = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "17"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    before = finished(only_question(tmp_path / "work"))
    assert len({name.split("/")[0] for name in before}) == 17
    outcome = run(paths, tmp_path, exact=True, shard_rows=7)
    expected = run_frame(random_rows(2), tmp_path / "whole", exact=True)
    assert outcome.reasons == expected.reasons
    assert outcome.ids == expected.ids
    now = finished(only_question(tmp_path / "work"))
    assert {name: now[name] for name in before} == before


def test_lost_results_and_drafts_are_made_anew(tmp_path: Path) -> None:
    paths = write(tmp_path, random_rows(3))
    first = run(paths, tmp_path, shard_rows=7)
    work = only_question(tmp_path / "work")
    kept = finished(work)
    for number, path in enumerate(sorted(work.iterdir())):
        if path.is_file() and number % 2:
            path.unlink()
            kept.pop(path.name, None)
    lost = work / "shard-00003"
    kept = {name: time for name, time in kept.items() if not name.startswith(lost.name)}
    lost.rename(work / f".{lost.name}.{os.getpid()}.draft")
    (work / f".{lost.name}.{os.getpid()}.draft" / "keys.npy").write_bytes(b"half")
    (work / ".small-000.1.npz").write_bytes(b"half")
    second = run(paths, tmp_path, shard_rows=7)
    assert second.reasons == first.reasons
    assert second.kept.equals(first.kept)
    now = finished(work)
    assert {name: now[name] for name in kept} == kept


@pytest.mark.parametrize("change", ["threshold", "rows"])
def test_results_of_another_question_are_not_taken_for_this_one(
    tmp_path: Path, change: str
) -> None:
    frame = random_rows(3)
    changed = frame.with_columns(text=pl.col("text").reverse()) if change == "rows" else frame
    options = {"threshold": 0.3} if change == "threshold" else {}
    expected = run_frame(changed, tmp_path / "fresh", bands=SURE, **options)
    run_frame(frame, tmp_path / "same", bands=SURE)
    found = run_frame(changed, tmp_path / "same", bands=SURE, **options)
    assert found.reasons == expected.reasons


# --- bad input -----------------------------------------------------------------------------------


def whole_file(path: Path) -> bytes:
    random_rows(1, 400).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["garbage", "empty", "truncated", "missing", "magic only"])
def test_a_file_that_is_no_parquet_is_an_error_of_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "rows.parquet"
    whole = whole_file(path)
    content = {
        "garbage": b"id,text\n1,a\n" * 9,
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "magic only": b"PAR1PAR1",
    }
    path.unlink()
    if kind in content:
        path.write_bytes(content[kind])
    with pytest.raises(InputError, match="expected a Parquet file") as error:
        run([path], tmp_path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_damaged_in_its_middle_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    whole = whole_file(path)
    path.write_bytes(whole[:4] + bytes(b ^ 0x5A for b in whole[4:4000]) + whole[4000:])
    with pytest.raises(InputError) as error:
        run([path], tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["id", "text"])
def test_a_missing_column_is_an_error_of_one_line(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InputError) as error:
        run_frame(random_rows(1).drop(missing), tmp_path, exact=True)
    assert "\n" not in str(error.value)
    assert repr(missing) in str(error.value)


def test_a_repeated_id_is_an_error(tmp_path: Path) -> None:
    frame = random_rows(1)
    with pytest.raises(InputError, match="unique ids"):
        run(write(tmp_path, frame, frame), tmp_path)


def test_a_file_without_rows_gives_two_files_without_rows(tmp_path: Path) -> None:
    outcome = run_frame(random_rows(1).clear(), tmp_path, exact=True)
    assert outcome.kept.height == outcome.dropped.height == 0
    assert outcome.kept.columns == random_rows(1).columns


@pytest.mark.parametrize("name", ["a[1].parquet", "a*.parquet", "a?.parquet"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    random_rows(1).write_parquet(tmp_path / "a1.parquet")
    random_rows(2).write_parquet(tmp_path / name)
    outcome = run([tmp_path / name], tmp_path)
    assert outcome.kept.height + outcome.dropped.height == 50
    assert set(outcome.kept["text"]) <= set(random_rows(2)["text"])


def test_files_of_different_columns_are_told_apart_before_the_work(tmp_path: Path) -> None:
    frame = random_rows(1)
    for parts in (
        [frame[:25], frame[25:].drop("quality")],
        [frame[:25].drop("quality"), frame[25:]],
    ):
        with pytest.raises(InputError):
            run(write(tmp_path, *parts), tmp_path)
        assert not (tmp_path / "work").exists()


def test_all_empty_texts_stay(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [*"abc"], "text": ["", None, " "]})
    outcome = run_frame(frame, tmp_path, exact=True, shard_rows=2)
    assert outcome.ids == [*"abc"]
    assert outcome.dropped.height == 0


def test_a_published_row_comes_first_whatever_the_quality_of_a_new_one(tmp_path: Path) -> None:
    old, new = write(
        tmp_path,
        pl.DataFrame({"id": ["b"]}),
        pl.DataFrame({"id": ["a"], "text": ["x"], "quality": [float("inf")]}),
    )
    past = list_shards([old])
    rows = Rows(past, list_shards([new], after=past))
    assert rows.order(np.arange(2)).rank.tolist() == [0, 1]
