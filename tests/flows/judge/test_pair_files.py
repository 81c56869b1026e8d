"""Files with two answers to one task."""

from pathlib import Path
from typing import Any

import pytest

from flows.judge.pair_files import PairLine, read_pairs
from schemas.errors import InputError
from tests.support.recipes import write_jsonl

GOOD = {"prompt": "Name a river.", "chosen": "The Elbe.", "rejected": "Paris."}


def read(base: Path, *records: object) -> list[PairLine]:
    write_jsonl(base / "pairs.jsonl", records)
    return read_pairs(["pairs.jsonl"], base)


def turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (GOOD, ("Name a river.", "", "The Elbe.", "Paris.")),
        (
            {"instruction": "Add.", "input": "1 and 2", "answer_a": "3", "answer_b": ""},
            ("Add.", "1 and 2", "3", ""),
        ),
        (
            {"chosen": turns("Hi.", "Hello."), "rejected": turns("Hi.", "Go away.")},
            ("Hi.", "", "Hello.", "Go away."),
        ),
        (
            {"prompt": turns("Hi."), "chosen": turns("Hi.", "Hello."), "rejected": "No."},
            ("Hi.", "", "Hello.", "No."),
        ),
        (
            {"question": "Why?\r\n", "answer_a": " So. ", "answer_b": "No.", "other": 1},
            ("Why?", "", "So.", "No."),
        ),
    ],
)
def test_a_pair_is_read(record: dict[str, Any], wanted: tuple[str, ...], tmp_path: Path) -> None:
    (line,) = read(tmp_path, record)
    pair = line.pair
    assert pair is not None
    assert (pair.instruction, pair.input, pair.a, pair.b) == wanted
    assert (line.row, line.why, pair.reference) == (0, "", None)


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Name a river.", "chosen": "The Elbe."},
        {"prompt": "Name a river.", "chosen": "The Elbe.", "rejected": None},
        {"prompt": "Name a river.", "chosen": "The Elbe.", "rejected": 5},
        {"chosen": "The Elbe.", "rejected": 5},
        {"prompt": "x", "chosen": [{"role": "user", "content": "x"}], "rejected": "y"},
        {"prompt": "x", "chosen": [{"role": "wizard", "content": "x"}], "rejected": "y"},
        {"instruction": "x", "output": "y"},
        ["x"],
        "x",
        None,
    ],
)
def test_what_is_no_pair_is_a_line_without_one(record: object, tmp_path: Path) -> None:
    first, second = read(tmp_path, record, GOOD)
    assert first.pair is None
    assert first.why
    assert second.pair is not None
    assert second.row == 1


def test_damage_is_a_line_too(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "pairs.jsonl", [GOOD])
    path.write_text("{broken\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    lines = read_pairs(["pairs.jsonl"], tmp_path)
    assert [line.pair is None for line in lines] == [True, False]


def test_equal_pairs_have_one_id_and_others_their_own(tmp_path: Path) -> None:
    turned = {**GOOD, "chosen": GOOD["rejected"], "rejected": GOOD["chosen"]}
    lines = read(tmp_path, GOOD, dict(GOOD), turned, {**GOOD, "reference": "The Elbe."})
    ids = [line.pair.id for line in lines if line.pair is not None]
    assert len(ids) == 4
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("records", [[], [{"instruction": "x", "output": "y"}]])
def test_a_file_without_any_pair_is_refused(records: list[Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`chosen` and `rejected`"):
        read(tmp_path, *records)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl"):
        read_pairs(["none.jsonl"], tmp_path)
    with pytest.raises(InputError, match="hf:owner/name"):
        read_pairs(["hf:owner/name"], tmp_path)
