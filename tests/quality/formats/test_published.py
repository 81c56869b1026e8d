"""Records of well-known datasets, as they are published."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.formats import FormatError, Parsed, expand_record, parse_record
from quality.formats.published import unfold


def parsed(record: dict[str, Any]) -> list[Parsed]:
    return [parse_record(one) for one in expand_record(record)]


def roles(row: Parsed) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in row.messages]


def test_each_answer_of_hc3_is_a_row() -> None:
    record = {
        "question": "Why is rain wet?",
        "human_answers": ["It is water.", "Because."],
        "chatgpt_answers": ["Rain consists of water."],
        "source": "wiki",
    }
    rows = parsed(record)
    assert [row.output for row in rows] == ["It is water.", "Because.", "Rain consists of water."]
    assert {row.instruction for row in rows} == {"Why is rain wet?"}
    assert [one["answered_by"] for one in expand_record(record)] == ["human", "human", "chatgpt"]
    assert {one["source"] for one in expand_record(record)} == {"wiki"}


@pytest.mark.parametrize("question", ["Why?", {"full_text": "Why?", "id": 1}])
def test_a_comparison_of_webgpt_is_a_pair(question: object) -> None:
    record = {"question": question, "answer_0": "A", "answer_1": "B", "score_0": -1, "score_1": 1}
    (row,) = parsed(record)
    assert (row.instruction, row.output, row.rejected) == ("Why?", "B", "A")
    (row,) = parsed({**record, "score_0": 1, "score_1": -1})
    assert (row.output, row.rejected) == ("A", "B")
    with pytest.raises(FormatError):
        parsed({**record, "score_0": 0, "score_1": 0})


def test_a_choice_of_summaries_is_a_pair() -> None:
    record = {
        "info": {"post": "It rained all day."},
        "summaries": [{"text": "Rain."}, {"text": "A rainy day."}],
        "choice": 1,
    }
    (row,) = parsed(record)
    assert (row.input, row.output, row.rejected) == ("It rained all day.", "A rainy day.", "Rain.")


def test_two_transcripts_are_a_pair() -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: And now?\n\nAssistant:"
    (row,) = parsed({"chosen": f"{start} Good night.", "rejected": f"{start} What?"})
    assert roles(row) == [
        ("user", "Hi"), ("assistant", "Hello"), ("user", "And now?"), ("assistant", "Good night."),
    ]  # fmt: skip
    assert row.rejected == "What?"


def test_a_transcript_is_a_conversation() -> None:
    (row,) = parsed({"text": "<human>: Name a river.\n<bot>: The Rhine:\nit is long.\n"})
    assert roles(row) == [("user", "Name a river."), ("assistant", "The Rhine:\nit is long.")]


@pytest.mark.parametrize(
    "record",
    [
        {"text": "Human nature is odd."},
        {"text": "<human>: alone"},
        {"text": 7},
        {"question": "Why?", "answer": "So."},
        {"prompt": "Hi", "chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "c"},
        {"info": {}, "summaries": [], "choice": 0},
        {"info": {"post": "x"}, "summaries": [1, 2], "choice": [0]},
        {"question": "Why?", "answer_0": "A", "answer_1": "B", "score_0": "x", "score_1": None},
    ],
)
def test_what_only_looks_like_one_stays_as_it_is(record: dict[str, Any]) -> None:
    found = unfold(record)
    assert found == [record] or found[0]["chosen"] is None


FIELDS = (
    *("question", "human_answers", "chatgpt_answers", "answer_0", "answer_1", "score_0", "score_1"),
    *("info", "summaries", "choice", "chosen", "rejected", "text"),
)


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.none()
        | st.text()
        | st.integers()
        | st.lists(st.text(), max_size=2)
        | st.dictionaries(st.sampled_from(["post", "full_text", "text"]), st.text(), max_size=2),
    )
)
def test_nothing_breaks_it(record: dict[str, Any]) -> None:
    found = unfold(record)
    assert found
    for one in expand_record(record):
        with contextlib.suppress(FormatError):
            parse_record(one)
