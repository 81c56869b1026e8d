"""Signature files: what is in them, that they are whole, and that they are datasketch's own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xxhash
from datasketch import MinHash

from flows.dedup import signatures
from flows.dedup.header import FORMAT, KEY, SignatureHeader, hash_file, read_header
from flows.dedup.signatures import (
    SIGNATURES,
    make_signatures,
    probe,
    publish_signatures,
    read_signatures,
    write_parts,
)
from flows.publishers.card import _MINHASH, render_card
from quality.dedup.facts import FACTS
from quality.dedup.lexical import Cut, facts_of
from quality.dedup.shingles import words
from schemas.errors import InputError
from schemas.manifest import DatasetManifest
from tests.flows.test_versions import MANIFEST
from tests.support.cli import call_cli
from tests.support.recipes import good_records, write_jsonl, write_recipe
from tests.support.rows import make_row, make_rows

ROWS = make_rows(
    [
        make_row("Name the three largest rivers of Europe and where they end."),
        make_row("Sum up.", input="The café at 5 km is not open, unlike the others in town."),
        make_row("Hi"),
        make_row("!!!"),
        make_row("", output=""),
        make_row("俳句を書いてください、秋について", output="秋の風"),
        make_row("Translate into French: the house is old", output="La maison est vieille."),
    ]
).sort("id")
CUT = Cut(mask=("Translate into {language}: {text}",))
DESCRIBED = DatasetManifest.model_validate(MANIFEST)


def publish(folder: Path, rows: pl.DataFrame = ROWS, cut: Cut = CUT) -> Path:
    publish_signatures(rows, cut, DESCRIBED, folder)
    return folder / "lexical-00000.parquet"


def test_a_line_for_every_row(tmp_path: Path) -> None:
    found = read_signatures(publish(tmp_path))
    assert dict(found.schema) == dict(SIGNATURES)
    assert found["id"].to_list() == ROWS["id"].to_list()
    assert found.select(list(FACTS)).equals(facts_of(ROWS, CUT.columns))
    assert found.equals(make_signatures(ROWS, CUT))
    by_text = dict(zip(ROWS["instruction"], found.to_dicts(), strict=True))
    assert by_text["Hi"]["shingles"] != []
    empty = by_text[""]
    assert (empty["shingles"], empty["exact_high"], empty["answer"]) == ([], 0, 0)
    masked = by_text["Translate into French: the house is old"]
    assert masked["template"] > 0
    assert sum(line["template"] > 0 for line in by_text.values()) == 1


def test_shingles_are_sorted_and_hashed_as_stated(tmp_path: Path) -> None:
    frame = read_signatures(publish(tmp_path, make_rows([make_row("One two three four")])))
    text = words("One two three four")
    shingles = [" ".join(text[start : start + 3]) for start in range(2)]
    assert sorted(xxhash.xxh32_intdigest(shingle.encode()) for shingle in shingles) == sorted(
        value & 0xFFFFFFFF for value in frame["shingles"][0]
    )
    assert frame["shingles"][0].is_sorted()


@pytest.mark.parametrize("num_perm", [16, 128, 256])
def test_the_minhash_of_a_line_is_datasketchs_own(tmp_path: Path, num_perm: int) -> None:
    texts = [f"Tell me {n} things about subject {n * n} in the year {n + 1900}." for n in range(40)]
    rows = make_rows([make_row(text) for text in texts]).sort("id")
    found = read_signatures(publish(tmp_path, rows, Cut()))
    for text, shingles in zip(rows["instruction"], found["shingles"], strict=True):
        own = MinHash(num_perm=num_perm, seed=1, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
        tokens = words(text)
        own.update_batch(
            [" ".join(tokens[start : start + 3]).encode() for start in range(len(tokens) - 2)]
        )
        stored = MinHash(num_perm=num_perm, seed=1, hashfunc=int, scheme="affine32")
        stored.update_batch(np.array(shingles, np.uint64).astype(np.uint32))
        assert own.hashvalues.tobytes() == stored.hashvalues.tobytes()


def test_the_three_lines_of_the_card_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make_rows([make_row("Name the rivers of the old continent")])
    publish(tmp_path / "signatures", rows, Cut())
    monkeypatch.chdir(tmp_path)
    assert f"```python\n{_MINHASH}\n```" in render_card(DESCRIBED, rows)
    assert len(_MINHASH.splitlines()) == 3
    for line in _MINHASH.splitlines():
        assert line in (signatures.__doc__ or "")
    known: dict[str, Any] = {"pl": pl, "np": np, "MinHash": MinHash}
    exec(_MINHASH, known)
    own = MinHash(num_perm=128, seed=1, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
    text = words(rows["instruction"][0])
    own.update_batch([" ".join(text[start : start + 3]).encode() for start in range(5)])
    assert known["sketch"].hashvalues.tobytes() == own.hashvalues.tobytes()


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = publish(tmp_path / "one"), publish(tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    assert hash_file(one) == hash_file(two)


def test_many_rows_are_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "FILE_ROWS", 3)
    publish(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [f"lexical-{n:05}.parquet" for n in range(3)]
    together = pl.concat([read_signatures(path) for path in files])
    assert together.equals(make_signatures(ROWS, CUT))


def test_the_header_tells_the_version_and_the_cut(tmp_path: Path) -> None:
    header = read_header(publish(tmp_path, cut=Cut(("input", "output"), 2, 4, ("a {b}",))))
    assert header == SignatureHeader(
        format=FORMAT,
        probe=probe(),
        name="set",
        version="1.0.0",
        content_sha256="c",
        columns=("input", "output"),
        shingle=2,
        characters=4,
        mask=("a {b}",),
    )


def test_no_text_is_kept(tmp_path: Path) -> None:
    found = read_signatures(publish(tmp_path))
    kinds = {name for name, kind in found.schema.items() if kind == pl.String}
    assert kinds == {"id"}


@pytest.mark.parametrize("content", [b"", b"PAR1 no", b"\0" * 500, b'{"a": 1}'])
def test_garbage_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    for read in (read_header, read_signatures):
        with pytest.raises(InputError) as caught:
            read(path)
        line = str(caught.value)
        assert line.startswith("expected signatures of a published version, got ")
        assert f" in {path}: restore the file, or give a version" in line
        assert "\n" not in line


def test_a_damaged_part_is_one_line(tmp_path: Path) -> None:
    path = publish(tmp_path)
    content = bytearray(path.read_bytes())
    content[200:400] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected signatures of a published version"):
        read_signatures(path)
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match="expected signatures of a published version"):
        read_header(path)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (pl.lit(None, dtype=pl.UInt64).alias("answer"), "got 'a null'"),
        (pl.lit([None], dtype=pl.List(pl.UInt64)).alias("shingles"), "got 'a null'"),
        (pl.lit("x").alias("id"), "got 'an id that occurs twice'"),
        (pl.col("answer").cast(pl.String), "expected 'answer' of type"),
    ],
)
def test_other_columns_are_one_line(tmp_path: Path, change: pl.Expr, line: str) -> None:
    path = tmp_path / "lexical-00000.parquet"
    write_parts([make_signatures(ROWS, CUT).with_columns(change)], tmp_path)
    with pytest.raises(InputError, match=line):
        read_signatures(path)
    with pytest.raises(InputError, match="a Parquet file without a header of feingold"):
        read_header(path)


def test_a_header_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    ROWS.select("id").write_parquet(path, metadata={KEY: '{"format": 1}'})
    with pytest.raises(InputError, match="got 'the header "):
        read_header(path)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize(
    ("dedup", "shingle"),
    [
        ({"semantic": None, "lexical": {"shingle": 2}}, 2),
        ({"semantic": None, "lexical": None}, 3),
        (None, 3),
    ],
)
def test_a_run_publishes_them(tmp_path: Path, dedup: Any, shingle: int) -> None:
    write_jsonl(tmp_path / "a.jsonl", good_records(5))
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "a.jsonl", "license": "MIT"}], dedup=dedup)
    version = tmp_path / call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer["path"]
    path = version / "signatures" / "lexical-00000.parquet"
    manifest = json.loads((version / "manifest.json").read_text())
    recorded = {record["path"]: record["sha256"] for record in manifest["files"]}
    assert recorded["signatures/lexical-00000.parquet"] == hash_file(path)
    header = read_header(path)
    assert (header.name, header.version, header.shingle) == ("set", "1.0.0", shingle)
    assert header.content_sha256 == manifest["content_sha256"]
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")
    assert read_signatures(path).equals(make_signatures(rows, Cut(shingle=shingle)))
