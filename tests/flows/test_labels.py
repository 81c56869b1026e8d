import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.labels import Labelled, read_labels
from quality.ids import content_id
from schemas.errors import InputError
from schemas.frames import ROWS, check_frame
from tests.support.recipes import write_jsonl

ROW = {"instruction": "Name a colour.", "input": "", "output": "Red."}
OTHER = {"instruction": "Name a fish.", "input": "", "output": "Cod."}
TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]


def read(tmp_path: Path, records: list[Any], name: str = "labels.jsonl") -> Labelled:
    write_jsonl(tmp_path / name, records)
    (found,) = read_labels([name], tmp_path)
    return found


def complaint(tmp_path: Path, records: list[Any]) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, records)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_are_those_of_the_file_in_its_order(tmp_path: Path) -> None:
    found = read(tmp_path, [{**ROW, "label": "good"}, {**OTHER, "label": "bad"}])
    check_frame(found.rows, ROWS, where="the test")
    assert found.rows["instruction"].to_list() == [ROW["instruction"], OTHER["instruction"]]
    assert found.rows["row"].to_list() == [0, 1]
    assert found.target.tolist() == [1.0, 0.0]
    assert found.target.dtype == np.float64
    assert found.group.tolist() == [-1, -1]
    assert (found.kind, found.name) == ("labels", "labels.jsonl")


def test_ids_are_those_that_ingest_gives(tmp_path: Path) -> None:
    found = read(tmp_path, [{**ROW, "label": 1}, {**OTHER, "label": 0}])
    messages = [
        {"role": "user", "content": "Name a colour."},
        {"role": "assistant", "content": "Red."},
    ]
    assert found.rows["id"][0] == content_id(messages)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("good", "bad"), ("Keep", "DROP"), ("accept", "reject"), (" yes ", "no"),
        ("true", "false"), (True, False), (1, 0), (1.0, 0.0), ("1", "0"), ("gut", "schlecht"),
        ("Gut", "bad"), ("ja", "nein"),
    ],
)  # fmt: skip
def test_labels_have_many_words(tmp_path: Path, good: object, bad: object) -> None:
    found = read(tmp_path, [{**ROW, "label": bad}, {**OTHER, "label": good}])
    assert found.target.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Hi", "completion": "Hello."},
        {"messages": TURNS},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]},
        {"instruction": "Hi", "output": "Hello."},
    ],
)
def test_every_form_of_training_data_can_be_labelled(tmp_path: Path, record: Any) -> None:
    found = read(tmp_path, [{**record, "label": True}, {**OTHER, "label": False}])
    assert found.rows["id"][0] == content_id(TURNS)


def test_ratings_are_scaled_by_their_own_lowest_and_highest(tmp_path: Path) -> None:
    records = [{**ROW, "rating": 2}, {**OTHER, "rating": "5"}, {**OTHER, "score": 3.5}]
    found = read(tmp_path, records)
    assert found.kind == "ratings"
    assert found.target.tolist() == [0.0, 1.0, 0.5]


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=6, unique=True))
@settings(max_examples=25, deadline=None)
def test_ratings_keep_their_order(tmp_path_factory: Any, values: list[float]) -> None:
    records = [{**ROW, "rating": value} for value in values]
    found = read(tmp_path_factory.mktemp("ratings"), records)
    assert (found.target.min(), found.target.max()) == (0.0, 1.0)
    order = np.argsort(values, kind="stable")
    assert (np.diff(found.target[order]) >= 0).all()


def test_answers_to_one_prompt_share_a_group(tmp_path: Path) -> None:
    records = [
        {**ROW, "label": 1}, {**OTHER, "label": 0},
        {**ROW, "output": "Blue.", "label": 0}, {"prompt": "Alone?", "completion": "x", "label": 1},
    ]  # fmt: skip
    group = read(tmp_path, records).group.tolist()
    assert group[0] == group[2] >= 0
    assert group[1] == group[3] == -1


ASSISTANT = {"role": "assistant", "content": "Hello."}
WORSE = {"role": "assistant", "content": "No."}


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Hi", "chosen": "Hello.", "rejected": "No."},
        {"instruction": "Hi", "input": "", "chosen": "Hello.", "rejected": "No."},
        {"prompt": "Hi", "chosen": [*TURNS[:1], ASSISTANT], "rejected": [*TURNS[:1], WORSE]},
        {"prompt": "Hi", "chosen": [ASSISTANT], "rejected": [WORSE]},
        {"prompt": TURNS[:1], "chosen": [ASSISTANT], "rejected": [WORSE]},
        {"prompt": TURNS[:1], "chosen": "Hello.", "rejected": "No."},
        {"chosen": [*TURNS[:1], ASSISTANT], "rejected": [*TURNS[:1], WORSE]},
        {
            "conversations": [{"from": "human", "value": "Hi"}],
            "chosen": {"from": "gpt", "value": "Hello."},
            "rejected": {"from": "gpt", "value": "No."},
        },
        # UltraFeedback repeats the chosen conversation in `messages`, and has other scores.
        {
            "prompt": "Hi", "messages": TURNS, "score_chosen": 8.0, "score_rejected": 2.0,
            "chosen": TURNS, "rejected": [*TURNS[:1], WORSE],
        },
        {"src": "Instruction: Hi", "pos": "Response: Hello.", "neg": "Response: No."},
        {"src": "Hi", "pos": "Hello.", "neg": "No."},
    ],
)  # fmt: skip
def test_pairs_become_two_rows_the_better_first(tmp_path: Path, record: Any) -> None:
    found = read(tmp_path, [record])
    assert found.kind == "pairs"
    assert found.rows["id"][0] == content_id(TURNS)
    assert found.rows["output"].to_list() == ["Hello.", "No."]
    assert found.target.tolist() == [1.0, 0.0]
    assert found.group.tolist() == [0, 0]
    assert found.rows["row"].to_list() == [0, 0]


@pytest.mark.parametrize(
    ("src", "wanted"),
    [
        ("Instruction: Sum up. \nInput: Bees fly.", ("Sum up.", "Bees fly.")),
        ("Instruction: Sum up. Input: Bees fly. ", ("Sum up.", "Bees fly.")),
        ("Instruction: Sum up. Input: <no input> ", ("Sum up.", "")),
        ("Instruction: Sum up. ", ("Sum up.", "")),
    ],
)
def test_the_input_of_a_revision_is_told_from_its_task(
    tmp_path: Path, src: str, wanted: tuple[str, str]
) -> None:
    found = read(tmp_path, [{"src": src, "pos": "Response: Bees fly.", "neg": "Response: Bees."}])
    assert found.rows.select("instruction", "input").row(0) == wanted


def test_equal_answers_are_a_tie(tmp_path: Path) -> None:
    pair = {"prompt": "Hi", "chosen": "Yes.", "rejected": "No."}
    found = read(tmp_path, [pair, {**pair, "rejected": "Yes."}])
    assert found.target.tolist() == [1.0, 0.0, 0.5, 0.5]
    assert found.group.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([{**ROW, "label": "good"}, {**ROW, "label": "goood"}], "'goood' in labels.jsonl, line 2"),
        ([{**ROW, "label": 3}], "expected good or bad"),
        ([{**ROW, "label": ["good"]}], "expected good or bad"),
        ([{**ROW, "label": None}], "expected one of `label`"),
        ([ROW], "got fields 'instruction', 'input', 'output' in labels.jsonl, line 1"),
        ([{**ROW, "label": "good", "rating": 4}], "got 'label' and 'rating'"),
        ([{**ROW, "rating": "4,5"}], "expected a number such as 4.5 as 'rating', got '4,5'"),
        ([{**ROW, "rating": True}], "expected a number"),
        ([{**ROW, "score": "1e400"}], "expected a number"),
        ([{**ROW, "label": "good"}, {**OTHER, "rating": 4}],
         "expected labels as in the records before, got ratings in labels.jsonl, line 2"),
        ([{**ROW, "label": "good"}, {**OTHER, "label": "keep"}], "got good in every record"),
        ([{**ROW, "rating": 4}, {**OTHER, "rating": 4}], "got 4 in every record"),
        ([{"prompt": "Hi", "chosen": "a", "rejected": "a"}], "two equal texts"),
        ([{"prompt": "Hi", "chosen": "Yes."}], "expected 'rejected' beside"),
        ([{"pos": "a", "neg": "b"}], "expected 'src' beside"),
        ([{"chosen": "Yes.", "rejected": "No."}], "expected a question in one of prompt"),
        ([{**ROW, "label": "good"}, {"output": "x", "label": "bad"}],
         "got fields 'output', 'label' in labels.jsonl, line 2"),
        ([{**ROW, "label": "good"}, ["x"]], "got list in labels.jsonl, line 2"),
        ([{"instruction": "", "output": "x", "label": "bad"}], "got an empty text"),
        ([{"prompt": "Hi", "chosen": {"from": "robot", "value": "x"}, "rejected": "y"}],
         "got 'robot'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, records: list[Any], wanted: str) -> None:
    assert wanted in complaint(tmp_path, records)


@pytest.mark.parametrize("text", ["", "\n\n", "[]"])
def test_an_empty_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "none.json").write_text(text)
    with pytest.raises(InputError, match=r"got none in none\.json: name a labelled file"):
        read_labels(["none.json"], tmp_path)


def test_a_broken_line_is_an_error_and_not_skipped(tmp_path: Path) -> None:
    good = json.dumps({**ROW, "label": "good"})
    (tmp_path / "x.jsonl").write_text(f'{good}\n{{"instruction": \n{good}\n')
    with pytest.raises(InputError, match=r"in x\.jsonl, line 2: correct the record"):
        read_labels(["x.jsonl"], tmp_path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got 'nowhere\.jsonl', no such file"):
        read_labels(["nowhere.jsonl"], tmp_path)


def test_nan_is_a_missing_label(tmp_path: Path) -> None:
    frame = pl.DataFrame([{**ROW, "rating": 1.0}, {**OTHER, "rating": math.nan}])
    frame.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"x\.parquet, record 2"):
        read_labels(["x.parquet"], tmp_path)


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "jsonl"])
def test_every_kind_of_file_says_the_same(tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame([{**ROW, "label": "gut"}, {**OTHER, "label": "schlecht"}])
    path = tmp_path / f"labels.{ending}"
    match ending:
        case "csv":
            frame.write_csv(path)
        case "parquet":
            frame.write_parquet(path)
        case "json":
            frame.write_json(path)
        case "jsonl":
            frame.write_ndjson(path)
    (found,) = read_labels([path.name], tmp_path)
    assert found.target.tolist() == [1.0, 0.0]
    assert found.rows["output"].to_list() == ["Red.", "Cod."]


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    records = [{**ROW, "label": 1}, {**OTHER, "label": 0}]
    first, same = read(tmp_path, records), read(tmp_path, records, "again.jsonl")
    changed = read(tmp_path, records[::-1], "changed.jsonl")
    assert first.fingerprint == same.fingerprint != changed.fingerprint


def test_patterns_give_one_entry_a_file(tmp_path: Path) -> None:
    records = [{**ROW, "label": 1}, {**OTHER, "label": 0}]
    for name in ("b.jsonl", "a.jsonl"):
        write_jsonl(tmp_path / name, records)
    assert [found.name for found in read_labels(["*.jsonl"], tmp_path)] == ["a.jsonl", "b.jsonl"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "label"]), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["label", "rating", "score", "chosen", "rejected", "src", "pos", "neg", "prompt", "messages",
     "instruction", "input", "output", "completion", "conversations", "system"]
)  # fmt: skip


@given(records=st.lists(st.dictionaries(FIELDS, JUNK, max_size=6), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_junk_is_read_or_refused_in_one_line(tmp_path_factory: Any, records: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("junk")
    write_jsonl(folder / "labels.jsonl", records)
    message = ""
    try:
        (found,) = read_labels(["labels.jsonl"], folder)
    except InputError as error:
        message = str(error)
    if message:
        assert "labels.jsonl" in message
        assert "\n" not in message
    else:
        assert found.rows.height == len(found.target) == len(found.group)
        assert ((found.target >= 0) & (found.target <= 1)).all()
