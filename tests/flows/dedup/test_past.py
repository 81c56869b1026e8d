"""Deduplication against earlier versions: with their rows, with signatures only, or from before."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.dedup import past_shards, signatures
from flows.dedup.header import hash_file
from flows.dedup.mapping import thread_mapper
from flows.dedup.past import Past, open_past, parse_past_id
from flows.dedup.rows import Rows
from flows.dedup.shards import list_shards
from flows.dedup.signatures import publish_signatures
from flows.dedup.stage import Encoders, Outcome, deduplicate, make_decisions, split_rows
from flows.publishers.parquet import write_shards
from quality.dedup.lexical import Cut
from quality.funnel import content_hash
from schemas.errors import InputError
from schemas.manifest import DatasetManifest, FileRecord
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions
from tests.flows.test_versions import MANIFEST
from tests.support.cli import call_cli
from tests.support.recipes import good_records, write_jsonl, write_recipe
from tests.support.rows import make_row, make_rows

DEFAULT = Cut()
LEXICAL = DedupOptions(semantic=None)
TASKS = [record["instruction"] for record in good_records(12)]
OLD = make_rows([make_row(task, f"Answer number {n}.") for n, task in enumerate(TASKS[:6])])
OLD = OLD.sort("id")
#: Two copies, a copy in capitals with another answer, and four that are new.
NEW = make_rows(
    [
        *OLD.head(2).to_dicts(),
        make_row(OLD["instruction"][2].upper(), "Quite another thing to say about it."),
        *(make_row(task, "Fresh.") for task in TASKS[6:10]),
    ]
)


def publish(
    out: Path, rows: pl.DataFrame = OLD, *, version: str = "1.0.0", cut: Cut | None = DEFAULT,
    name: str = "set",
) -> Path:  # fmt: skip
    """Publish rows as a version; without `cut` as one from before there were signatures."""
    folder = out / name / version
    rows = rows.sort("id")
    write_shards(rows, folder / "data" / "default")
    changes = {"name": name, "version": version, "content_sha256": content_hash(rows["id"])}
    manifest = DatasetManifest.model_validate({**MANIFEST, **changes})
    if cut is not None:
        publish_signatures(rows, cut, manifest, folder / "signatures")
    files = [
        FileRecord(
            path=path.relative_to(folder).as_posix(),
            sha256=hash_file(path),
            bytes=path.stat().st_size,
        )
        for path in sorted(folder.rglob("*.parquet"))
    ]
    text = manifest.model_copy(update={"files": files}).model_dump_json()
    (folder / "manifest.json").write_text(text)
    return folder


def without_rows(version: Path, to: Path) -> Path:
    """A copy of a version with nothing but its manifest and signatures."""
    folder = to / version.parent.name / version.name
    shutil.copytree(version, folder)
    shutil.rmtree(folder / "data")
    return folder


class LetterEncoder:
    """Counts letters: texts of the same letters are the same to it."""

    def encode(self, texts: Sequence[str]) -> Any:
        found = np.zeros((len(texts), 128), dtype=np.float32)
        for place, text in enumerate(texts):
            for letter in filter(str.isalpha, text.lower()):
                found[place, ord(letter) % 128] += 1
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(norms == 0, 1, norms)


def compare(
    tmp_path: Path, past: Past, rows: pl.DataFrame = NEW, options: DedupOptions | None = None
) -> Outcome:
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "new.parquet"
    rows.with_columns(quality=pl.lit(0.5)).write_parquet(file)
    work = tmp_path / "work"
    shutil.rmtree(work, ignore_errors=True)
    shards = past.shards()
    encoders = Encoders(LetterEncoder, tmp_path)  # type: ignore[arg-type]
    outcome = deduplicate(
        Rows(shards, list_shards([file], after=shards)),
        options or past.options,
        encoders=encoders,
        work=work,
        mapper=thread_mapper(1),
    )
    kept, dropped = split_rows(rows, outcome.explained)
    assert kept.height + dropped.height == rows.height
    assert make_decisions(outcome.explained)["id"].sort().equals(dropped["id"].sort())
    return outcome


def against(tmp_path: Path, *paths: Path, options: DedupOptions = LEXICAL) -> Past:
    return open_past(paths, options, tmp_path / "past")


def verdicts(outcome: Outcome) -> pl.DataFrame:
    """What does not depend on whether the earlier texts are here."""
    columns = ["id", "matched_id", "method", "kind", "similarity", "threshold"]
    return outcome.explained.select(columns).sort("id")


EXPECTED = {
    (NEW["id"][0], f"set@1.0.0:{OLD['id'][0]}", "exact", "duplicate"),
    (NEW["id"][1], f"set@1.0.0:{OLD['id'][1]}", "exact", "duplicate"),
    (NEW["id"][2], f"set@1.0.0:{OLD['id'][2]}", "lexical", "choice"),
}


def named(outcome: Outcome) -> set[tuple[Any, ...]]:
    return set(outcome.explained.select("id", "matched_id", "method", "kind").iter_rows())


# What is found


def test_rows_of_an_earlier_version_are_dropped_and_named(tmp_path: Path) -> None:
    past = against(tmp_path, publish(tmp_path))
    outcome = compare(tmp_path, past)
    assert named(outcome) == EXPECTED
    assert outcome.explained["similarity"].to_list() == [1.0, 1.0, 1.0]


def test_signatures_alone_find_the_same(tmp_path: Path) -> None:
    version = publish(tmp_path)
    whole = compare(tmp_path, against(tmp_path, version))
    bare = compare(tmp_path, against(tmp_path, without_rows(version, tmp_path / "bare")))
    assert named(bare) == EXPECTED
    assert verdicts(bare).equals(verdicts(whole))
    evidence = bare.explained.filter(pl.col("method") == "lexical")["evidence"].item()
    assert evidence.endswith("matches a published row, whose text is not here")
    evidence = whole.explained.filter(pl.col("method") == "lexical")["evidence"].item()
    assert "only in this row: " in evidence


@pytest.mark.parametrize("lone", [False, True])
def test_a_signature_file_is_enough(tmp_path: Path, lone: bool) -> None:
    file = publish(tmp_path) / "signatures" / "lexical-00000.parquet"
    if lone:
        file = Path(shutil.copy(file, tmp_path / "from-a-friend.parquet"))
    past = against(tmp_path, file)
    assert named(compare(tmp_path, past)) == EXPECTED
    place = past.places(np.array([2])).row(0)
    assert place == (2, str(file), None) if lone else (2, str(file.parents[1]), 2)


def test_a_version_from_before_there_were_signatures(tmp_path: Path) -> None:
    past = against(tmp_path, publish(tmp_path, cut=None))
    assert named(compare(tmp_path, past)) == EXPECTED


def test_near_duplicates_of_the_past_go_too(tmp_path: Path) -> None:
    text = "Describe in detail how the old bridge over the river was built by the people of town"
    old = make_rows([make_row(text, "Stone by stone.")])
    new = make_rows([make_row(f"{text} then", "Stone by stone."), make_row("Unlike", "x")])
    outcome = compare(tmp_path, against(tmp_path, publish(tmp_path, old)), new)
    line = outcome.explained.row(0, named=True)
    assert (outcome.explained.height, line["id"]) == (1, new["id"][0])
    assert 0.9 < line["similarity"] < 1
    assert (line["method"], line["kind"], line["evidence"]) == (
        "lexical", "duplicate", 'only in this row: "then"',
    )  # fmt: skip


def test_guards_hold_against_the_past(tmp_path: Path) -> None:
    text = "Describe in detail how the old bridge over the river was built in the year {} by whom"
    old = make_rows([make_row(text.format(1850))])
    new = make_rows([make_row(text.format(1950)), make_row(text.format(1850) + "?", "Else.")])
    bare = without_rows(publish(tmp_path, old), tmp_path / "bare")
    outcome = compare(tmp_path, against(tmp_path, bare), new)
    assert outcome.explained["id"].to_list() == [new["id"][1]]


def test_two_versions_and_another_dataset(tmp_path: Path) -> None:
    first = publish(tmp_path, OLD[:1])
    second = publish(tmp_path, OLD[1:2], version="1.1.0")
    other = without_rows(publish(tmp_path / "x", OLD[2:3], name="other"), tmp_path / "bare")
    paths = [first, second, other]
    past = against(tmp_path, *paths)
    outcome = compare(tmp_path, past)
    wanted = {
        f"set@1.0.0:{OLD['id'][0]}",
        f"set@1.1.0:{OLD['id'][1]}",
        f"other@1.0.0:{OLD['id'][2]}",
    }
    assert set(outcome.explained["matched_id"]) == wanted
    pairs = outcome.explained.select("matched", "matched_id").sort("matched")
    places = past.places(pairs["matched"].to_numpy()).join(pairs, on="matched")
    assert set(places.select("matched_id", "matched_file", "matched_row").rows()) == {
        (f"other@1.0.0:{OLD['id'][2]}", str(other), None),
        (f"set@1.0.0:{OLD['id'][0]}", str(first), 0),
        (f"set@1.1.0:{OLD['id'][1]}", str(second), 0),
    }
    # Neither the order of the versions nor that of the rows matters, nor that one is named twice.
    for given in ([other, second, first], [*paths, first, first.parent / "1.0.0"]):
        again = against(tmp_path, *given)
        assert again.fingerprint == past.fingerprint
        assert verdicts(compare(tmp_path, again, NEW.reverse())).equals(verdicts(outcome))


def test_a_dataset_stands_for_its_newest_version(tmp_path: Path) -> None:
    publish(tmp_path, OLD[:1], version="1.9.0")
    publish(tmp_path, OLD[1:], version="1.10.0")
    past = against(tmp_path, tmp_path / "set")
    assert [version.label for version in past.versions] == ["set@1.10.0"]


def test_a_copy_with_rows_stands_for_one_without(tmp_path: Path) -> None:
    version = publish(tmp_path)
    bare = without_rows(version, tmp_path / "bare")
    file = shutil.copy(version / "signatures" / "lexical-00000.parquet", tmp_path / "a.parquet")
    past = against(tmp_path, Path(file), bare, version)
    assert [found.where for found in past.versions] == [version]


def test_two_datasets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one, two = publish(tmp_path / "one", OLD[:3]), publish(tmp_path / "two", OLD[3:])
    past = against(tmp_path, two, one)
    hashes = sorted(content_hash(part["id"])[:8] for part in (OLD[:3], OLD[3:]))
    assert [version.label for version in past.versions] == [f"set@1.0.0+{key}" for key in hashes]
    found = compare(tmp_path, past).explained
    assert found["matched_id"].str.extract(r"\+(.{8}):").n_unique() == 1
    places = past.places(found["matched"].sort().to_numpy())
    assert places["matched_file"].unique().to_list() == [str(one)]


def test_earlier_versions_may_share_rows(tmp_path: Path) -> None:
    paths = [publish(tmp_path), publish(tmp_path, version="1.1.0")]
    outcome = compare(tmp_path, against(tmp_path, *paths))
    assert named(outcome) == EXPECTED
    assert outcome.dead.min() >= 12


def test_versions_of_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = verdicts(compare(tmp_path, against(tmp_path, publish(tmp_path))))
    monkeypatch.setattr(signatures, "FILE_ROWS", 4)
    monkeypatch.setattr(past_shards, "FILE_ROWS", 4)
    version = publish(tmp_path / "more")
    assert len(list((version / "signatures").iterdir())) == 2
    for number, path in enumerate((version, publish(tmp_path / "old", cut=None))):
        past = against(tmp_path / str(number), path)
        assert len(past.shards()) == 2
        outcome = compare(tmp_path, past)
        assert verdicts(outcome).equals(wanted)
        places = past.places(np.arange(6))
        assert places["matched_row"].to_list() == list(range(6))
    lone = [shutil.copy(path, tmp_path) for path in (version / "signatures").iterdir()]
    past = against(tmp_path / "lone", *map(Path, lone))
    assert verdicts(compare(tmp_path, past)).equals(wanted)


def test_all_answers_may_stay(tmp_path: Path) -> None:
    options = DedupOptions(semantic=None, answers="all")
    past = against(tmp_path, publish(tmp_path), options=options)
    assert named(compare(tmp_path, past)) == {line for line in EXPECTED if line[3] == "duplicate"}


def test_exact_alone_takes_any_cut(tmp_path: Path) -> None:
    bare = without_rows(publish(tmp_path, cut=Cut(shingle=7)), tmp_path / "bare")
    options = DedupOptions(lexical=None, semantic=None)
    outcome = compare(tmp_path, against(tmp_path, bare, options=options))
    assert named(outcome) == {line for line in EXPECTED if line[2] == "exact"}


def test_no_versions_are_no_rows(tmp_path: Path) -> None:
    past = against(tmp_path)
    assert (past.fingerprint, past.shards()) == ([], [])
    assert past.places(np.empty(0, np.int64)).height == 0
    assert compare(tmp_path, past).explained.height == 0


# Cut otherwise


@pytest.mark.parametrize(
    "changes",
    [
        {"shingle": 2},
        {"columns": ("instruction",)},
        {"characters": 4},
        {"mask": ("Sum up {text}",)},
    ],
)
def test_rows_are_cut_anew_where_they_are_here(tmp_path: Path, changes: dict[str, Any]) -> None:
    lexical = LexicalOptions(**changes)
    options = DedupOptions(lexical=lexical, semantic=None)
    version = publish(tmp_path)
    fitting = publish(
        tmp_path / "fit",
        cut=Cut(lexical.columns, lexical.shingle, lexical.characters, lexical.mask),
    )
    found = compare(tmp_path, against(tmp_path / "a", version, options=options))
    wanted = compare(tmp_path, against(tmp_path / "b", fitting, options=options))
    assert verdicts(found).equals(verdicts(wanted))
    assert named(found) == EXPECTED


def test_signatures_cut_otherwise_are_one_line(tmp_path: Path) -> None:
    bare = without_rows(publish(tmp_path), tmp_path / "bare")
    options = DedupOptions(lexical=LexicalOptions(shingle=2), semantic=None)
    past = against(tmp_path, bare, options=options)
    with pytest.raises(InputError) as caught:
        past.shards()
    assert str(caught.value) == (
        "expected signatures of set@1.0.0 with columns ['instruction', 'input'], shingle 2, "
        "characters 5, mask [], got columns ['instruction', 'input'], shingle 3, characters 5, "
        f"mask [] in {bare}, and not the rows to make them anew: restore its data/, or set "
        "dedup.lexical to what they were made with"
    )


def test_signatures_of_another_release_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(signatures, "probe", lambda: "old")
        version = publish(tmp_path)
    assert named(compare(tmp_path, against(tmp_path, version))) == EXPECTED
    bare = without_rows(version, tmp_path / "bare")
    with pytest.raises(InputError, match="got those of another release of feingold in"):
        against(tmp_path, bare).shards()


# What is wrong


@pytest.mark.parametrize("content", [b"", b"garbage", None])
@pytest.mark.parametrize("has_rows", [True, False])
def test_damaged_signatures_are_one_line(
    tmp_path: Path, content: bytes | None, has_rows: bool
) -> None:
    version = publish(tmp_path)
    if not has_rows:
        version = without_rows(version, tmp_path / "bare")
    file = version / "signatures" / "lexical-00000.parquet"
    file.write_bytes(file.read_bytes()[:-50] if content is None else content)
    with pytest.raises(InputError) as caught:
        against(tmp_path, version)
    assert str(caught.value) == (
        "expected signatures of a published version, got 'other bytes than its manifest.json "
        f"lists' in {file}: restore the file, or give a version, such as published/alpaca/1.0.0"
    )
    lone = Path(shutil.copy(file, tmp_path / "lone.parquet"))
    with pytest.raises(InputError, match="expected signatures of a published version, got"):
        against(tmp_path, lone).shards()


def test_neither_rows_nor_signatures(tmp_path: Path) -> None:
    bare = without_rows(publish(tmp_path), tmp_path / "bare")
    shutil.rmtree(bare / "signatures")
    with pytest.raises(InputError, match=r"lexical-00000\.parquet: restore the file"):
        against(tmp_path, bare)
    old = without_rows(publish(tmp_path / "old", cut=None), tmp_path / "bare-old")
    with pytest.raises(InputError, match=r"expected data/ or signatures/ .*, got neither in"):
        against(tmp_path, old)


def test_signatures_lost_are_made_anew(tmp_path: Path) -> None:
    version = publish(tmp_path)
    shutil.rmtree(version / "signatures")
    assert named(compare(tmp_path, against(tmp_path, version))) == EXPECTED


def test_rows_of_something_else(tmp_path: Path) -> None:
    version = publish(tmp_path)
    write_shards(NEW.head(6), version / "data" / "default")
    with pytest.raises(InputError, match="got 'other rows in data/ than in signatures/' in"):
        against(tmp_path, version).shards()


def test_no_such_version(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a published version, got no manifest"):
        against(tmp_path, tmp_path / "none")


# The semantic method needs texts


SEMANTIC = DedupOptions(exact=False, lexical=None, semantic=SemanticOptions(threshold=0.999))


def test_texts_of_the_past_are_compared_in_meaning(tmp_path: Path) -> None:
    old = make_rows([make_row("Name a mega", "o"), make_row("Name gema a", "p")])
    new = make_rows([make_row("Gema name a", "x"), make_row("Own row", "y"), make_row("Bird", "z")])
    version = publish(tmp_path, old)
    outcome = compare(tmp_path, against(tmp_path, version, options=SEMANTIC), new)
    assert outcome.explained["id"].to_list() == [new["id"][0]]
    assert outcome.explained["matched_id"][0].startswith("set@1.0.0:")
    assert outcome.dead.tolist() == [2]  # the two old ones pair as well, and both stay
    assert "not_compared" not in outcome.notes["semantic"]


def test_versions_without_texts_are_named(tmp_path: Path) -> None:
    old = make_rows([make_row("Name a mega", "o")])
    bare = without_rows(publish(tmp_path, old), tmp_path / "bare")
    past = against(tmp_path, bare, options=SEMANTIC)
    outcome = compare(tmp_path, past, make_rows([make_row("Gema name a", "x")]))
    assert outcome.explained.height == 0
    note = outcome.notes["semantic"]["not_compared"]
    assert note == "not compared with set@1.0.0, whose rows are not here"


# Through the command line


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Path:
    """Version 1 of `first`, and files with more."""
    base = tmp_path_factory.mktemp("past")
    records = good_records(9)
    write_jsonl(base / "a.jsonl", records[:5])
    near = {**records[4], "output": f"{records[4]['output']} So it is."}
    near["instruction"] = near["instruction"].replace(".", "!")
    write_jsonl(base / "b.jsonl", [near, *records[5:]])
    sources = [{"path": "a.jsonl", "license": "MIT"}]
    write_recipe(base / "first.yaml", name="first", sources=sources)
    answer = call_cli("run", "first.yaml", "--json", cwd=base).succeed().answer
    assert (answer["path"], answer["kept"]) == ("published/first/1.0.0", 5)
    return base


def test_a_run_drops_what_an_earlier_version_holds(world: Path) -> None:
    sources = [{"path": name, "license": "MIT"} for name in ("a.jsonl", "b.jsonl")]
    dedup = {"semantic": None, "against": ["published/first"]}
    write_recipe(world / "second.yaml", name="second", sources=sources, dedup=dedup)
    answer = call_cli("run", "second.yaml", "--json", cwd=world).succeed().answer
    assert (answer["rows_in"], answer["kept"], answer["dropped"]) == (10, 4, 6)
    assert answer["by_rule"]["exact_duplicate"] == 5
    version = world / answer["path"]
    gone = pl.read_parquet(version / "decisions" / "*.parquet").filter(pl.col("action") == "drop")
    first = pl.read_parquet(world / "published/first/1.0.0/data/default/*.parquet")
    assert {parse_past_id(text) is not None for text in gone["matched_id"]} == {True}
    assert set(gone["matched_id"]) == {f"first@1.0.0:{row}" for row in first["id"]}
    row = gone.filter(pl.col("rule").str.starts_with("lexical"))["id"].item()
    told = call_cli("explain", version, row, "--json", cwd=world).succeed().answer
    matched = told["decisions"][0]["matched_id"].partition(":")[2]
    assert told["earlier"] == [{"name": "first", "version": "1.0.0", "id": matched}]
    shown = call_cli("explain", version, row, cwd=world).succeed().out
    assert f"matched {matched} of first 1.0.0, an earlier version" in shown
    again = call_cli("run", "second.yaml", "--json", cwd=world).succeed().answer
    assert again["is_new"] is False


@pytest.mark.slow
def test_the_verb_names_version_and_row(world: Path) -> None:
    version = world / "published" / "first" / "1.0.0"
    bare = without_rows(version, world / "bare")
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")["id"].to_list()
    found = {}
    for name, given in (("whole", version), ("bare", bare)):
        words = ["dedup", "b.jsonl", "a.jsonl", "--method", "exact,lexical", "--against", given]
        answer = call_cli(*words, "--out", name, "--json", cwd=world).succeed().answer
        assert (answer["rows_in"], answer["kept"], answer["dropped"]) == (10, 4, 6)
        lines = pl.read_parquet(world / name / "dropped.parquet").sort("file", "row")
        assert lines["matched_file"].to_list() == [str(given)] * 6
        found[name] = lines
    whole, bare_lines = found["whole"], found["bare"]
    assert bare_lines["matched_row"].null_count() == 6
    assert whole["matched_id"].to_list() == [
        f"first@1.0.0:{rows[row]}" for row in whole["matched_row"]
    ]
    same = ["file", "row", "id", "method", "matched_id", "similarity"]
    assert whole.select(same).equals(bare_lines.select(same))
    assert (world / "whole" / "kept.parquet").exists()
    kept = [pl.read_parquet(world / name / "kept.parquet") for name in found]
    assert kept[0].equals(kept[1])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a-1@1.0.0:ff-2", ("a-1", "1.0.0", "ff-2")),
        ("a@1.0.0+12345678:f", ("a", "1.0.0+12345678", "f")),
        ("8b1450277179b15b70831cee0e0ec563-1", None),
        ("", None),
    ],
)
def test_ids_of_the_past(text: str, wanted: tuple[str, ...] | None) -> None:
    assert parse_past_id(text) == wanted
