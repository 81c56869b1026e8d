"""Laws of all forms: what was rendered is read back, and no record crashes a parser."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quality.formats
from quality.formats import FORMATS, FormatError, Parsed, expand_record, parse_record
from quality.formats.frame import messages_series
from quality.formats.parse import conversation, single_exchange
from quality.ids import content_id
from quality.text import is_placeholder_input, normalise_text
from schemas.frames import ROWS

TEXT = st.text(max_size=20).map(normalise_text)
QUESTION = TEXT.filter(bool)
SINGLE = st.builds(
    lambda system, instruction, context, output: single_exchange(
        system=system, instruction=instruction, context=context, output=output
    ),
    system=TEXT,
    instruction=QUESTION,
    context=TEXT.filter(lambda text: not is_placeholder_input(text)),
    output=TEXT,
)
TURNS = st.lists(st.tuples(QUESTION, TEXT), min_size=1, max_size=3).map(
    lambda pairs: [
        {"role": role, "content": text}
        for pair in pairs
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
)
MANY = st.builds(lambda turns, system: conversation(turns, system=system), TURNS, TEXT)
UNANSWERED = TURNS.map(lambda turns: conversation([*turns, {"role": "user", "content": "And?"}]))


LOST = st.builds(
    lambda row, text: replace(row, rejected=text if text != row.messages[-1]["content"] else None),
    SINGLE | MANY,
    TEXT,
)


def _rows(parsed: list[Parsed]) -> pl.DataFrame:
    columns = ("system", "instruction", "input", "output", "rejected")
    values = {name: [getattr(row, name) for row in parsed] for name in columns}
    ids = [_id(row) for row in parsed]
    frame = pl.DataFrame(
        {"id": ids, **values}, schema={name: ROWS[name] for name in ("id", *columns)}
    )
    return frame.with_columns(messages_series([row.messages for row in parsed]))


def _id(row: Parsed) -> str:
    return content_id(row.messages, row.rejected)


def _kept(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    reason = FORMATS[name].reason_left_out().alias("reason")
    return rows.filter(rows.select(reason)["reason"].is_null())


@pytest.mark.parametrize(
    "name", [name for name in FORMATS if name not in ("kto", "oasst", "prompts")]
)
@given(parsed=st.lists(SINGLE | MANY | UNANSWERED | LOST, max_size=5))
def test_what_was_rendered_is_read_back(name: str, parsed: list[Parsed]) -> None:
    form = FORMATS[name]
    if name != "preference":
        parsed = [replace(row, rejected=None) for row in parsed]
    rows = _rows(parsed)
    records = form.render(rows).to_dicts()
    assert [_id(form.parse(record)) for record in records] == _kept(name, rows)["id"].to_list()
    assert [form.detect(record) for record in records] == [True] * len(records)


@given(parsed=st.lists(SINGLE | MANY | UNANSWERED | LOST, max_size=5))
def test_kto_tells_answers_from_those_that_lost(parsed: list[Parsed]) -> None:
    form, rows = FORMATS["kto"], _rows(parsed)
    kept = _kept("kto", rows)
    records = form.render(rows).to_dicts()
    good = [record for record in records if record["label"]]
    bad = [record["completion"][0]["content"] for record in records if not record["label"]]
    plain = [content_id(turns) for turns in kept["messages"].to_list()]
    assert [content_id(form.parse(record).messages) for record in good] == plain
    assert bad == kept["rejected"].drop_nulls().to_list()
    for record in records:
        assert form.detect(record)
        if not record["label"]:
            with pytest.raises(FormatError, match="desirable"):
                form.parse(record)


@given(parsed=st.lists(MANY.map(lambda row: replace(row, rejected=None)), max_size=6))
def test_trees_hold_the_threads_they_were_made_of(parsed: list[Parsed]) -> None:
    form, rows = FORMATS["oasst"], _rows(parsed)
    kept = _kept("oasst", rows)
    trees = form.render(rows).to_dicts()
    assert all(form.detect(tree) for tree in trees)
    threads = [form.parse(thread) for tree in trees for thread in expand_record(tree)]
    found = {_id(thread) for thread in threads}
    turns = kept["messages"].to_list()
    # A thread that another one goes on from is a part of that one.
    whole = [
        one
        for one in turns
        if not any(len(other) > len(one) and other[: len(one)] == one for other in turns)
    ]
    assert found == {content_id(one) for one in whole}
    assert len(threads) == len(found)


@given(parsed=st.lists(SINGLE | MANY | UNANSWERED | LOST, max_size=5))
def test_prompts_are_the_turns_up_to_the_last_question(parsed: list[Parsed]) -> None:
    rows = _rows(parsed)
    found = FORMATS["prompts"].render(rows)["prompt"].to_list()
    for turns, prompt in zip(rows["messages"].to_list(), found, strict=True):
        assert turns[: len(prompt)] == prompt
        assert prompt[-1]["role"] == "user"
        assert all(turn["role"] != "user" for turn in turns[len(prompt) :])


def test_a_tree_keeps_which_answer_lost() -> None:
    ask, tell = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    pair = replace(conversation([ask, tell]), rejected="c")
    (tree,) = FORMATS["oasst"].render(_rows([pair])).to_dicts()
    first, second = expand_record(tree)
    assert parse_record(first) == pair
    with pytest.raises(FormatError, match="expected the best of the ranked replies, got rank 1"):
        parse_record(second)


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"instruction": "a", "input": "", "chosen": "b", "rejected": "c"},
        {
            "chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
            "rejected": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}],
        },
        {
            "prompt": [{"role": "user", "content": "a"}],
            "chosen": [{"role": "assistant", "content": "b"}],
            "rejected": [{"role": "assistant", "content": "c"}],
        },
        {
            "conversations": [{"from": "human", "value": "a"}],
            "chosen": {"from": "gpt", "value": "b"},
            "rejected": {"from": "gpt", "value": "c"},
        },
        {
            "input": {"messages": [{"role": "user", "content": "a"}]},
            "preferred_output": [{"role": "assistant", "content": "b"}],
            "non_preferred_output": [{"role": "assistant", "content": "c"}],
        },
        {"question": "a", "chosen": "b", "rejected": "c", "system": ""},
    ],
)
def test_spellings_of_pairs(record: dict[str, object]) -> None:
    parsed = parse_record(record)
    assert (parsed.instruction, parsed.output, parsed.rejected) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, "equal_answers"),
        ({"chosen": "b", "rejected": "c"}, "missing_instruction"),
        ({"prompt": "a", "chosen": [{"role": "user", "content": "b"}], "rejected": "c"}, None),
        (
            {
                "chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
                "rejected": [
                    {"role": "user", "content": "x"},
                    {"role": "assistant", "content": "c"},
                ],
            },
            "different_prompts",
        ),
        ({"prompt": "a", "completion": "b", "label": False}, "undesirable"),
        ({"thread": [{"role": "prompter", "text": "a", "deleted": True}]}, "deleted_message"),
        ({"thread": [{"role": "prompter", "text": "a", "review_result": False}]}, "failed_review"),
        ({"thread": []}, "missing_instruction"),
    ],
)
def test_what_is_no_pair_has_a_reason(record: dict[str, object], rule: str | None) -> None:
    with pytest.raises(FormatError) as caught:
        parse_record(record)
    assert caught.value.rule == (rule or "missing_output")


@given(st.lists(SINGLE, max_size=5))
def test_alpaca_keeps_instruction_and_input_apart(parsed: list[Parsed]) -> None:
    plain = [row for row in parsed if not row.system]
    records = FORMATS["alpaca"].render(_rows(parsed)).to_dicts()
    assert [parse_record(record) for record in records] == plain


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("alpaca", [None, "system_turn", "multi_turn", "multi_turn"]),
        ("prompt_completion", [None, "system_turn", "multi_turn", "multi_turn"]),
        ("preference", ["no_rejected_answer"] * 4),
        ("kto", [None, None, None, "no_final_answer"]),
        ("sharegpt", [None, None, None, None]),
        ("messages", [None, None, None, None]),
        ("openai", [None, None, None, "no_final_answer"]),
    ],
)
def test_what_is_left_out_has_a_reason(name: str, left_out: list[str | None]) -> None:
    ask = {"role": "user", "content": "a"}
    tell = {"role": "assistant", "content": "b"}
    shapes = [
        conversation([ask, tell]),
        conversation([ask, tell], system="s"),
        conversation([ask, tell, ask, tell]),
        conversation([ask, tell, ask]),
    ]
    rows = _rows(shapes)
    reasons = rows.with_columns(FORMATS[name].reason_left_out().alias("reason"))["reason"]
    assert reasons.to_list() == left_out
    assert FORMATS[name].render(rows).height == left_out.count(None)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("alpaca", ["instruction", "input", "output"]),
        ("sharegpt", ["id", "conversations"]),
        ("messages", ["messages"]),
        ("openai", ["messages"]),
        ("prompt_completion", ["prompt", "completion"]),
        ("preference", ["prompt", "chosen", "rejected"]),
        ("kto", ["prompt", "completion", "label"]),
        ("oasst", ["message_tree_id", "tree_state", "prompt"]),
    ],
)
def test_columns_of_an_empty_export(name: str, columns: list[str]) -> None:
    assert FORMATS[name].render(_rows([])).columns == columns


def test_sharegpt_spelling() -> None:
    rows = _rows([single_exchange(system="s", instruction="a", context="", output="b")])
    assert FORMATS["sharegpt"].render(rows)["conversations"].to_list() == [
        [
            {"from": "system", "value": "s"},
            {"from": "human", "value": "a"},
            {"from": "gpt", "value": "b"},
        ]
    ]


KEYS = st.sampled_from(
    [
        "instruction",
        "input",
        "output",
        "messages",
        "conversations",
        "prompt",
        "completion",
        "role",
        "from",
        "content",
        "value",
        "text",
        "system",
        "history",
        "items",
        *("chosen", "rejected", "label", "replies", "rank", "thread", "lost_to", "best_rank"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("form", ["auto", *FORMATS])
@given(record=JSON | st.dictionaries(KEYS, JSON, max_size=5))
def test_any_json_is_a_row_or_a_reason(form: str, record: object) -> None:
    for part in expand_record(record, form=form):
        outcome = _parse_or_error(part, form)
        if isinstance(outcome, FormatError):
            assert outcome.rule.replace("_", "").isalpha()
            assert "\n" not in outcome.detail
        else:
            assert outcome.instruction != ""
            assert {turn["role"] for turn in outcome.messages} >= {"user", "assistant"}


def _parse_or_error(record: object, form: str) -> Parsed | FormatError:
    try:
        return parse_record(record, form=form)
    except FormatError as error:
        return error


def test_every_form_is_registered() -> None:
    folder = Path(quality.formats.__file__).parent
    forms = {path.stem for path in folder.glob("*.py") if "def render(" in path.read_text()}
    assert forms == set(FORMATS)


def test_messages_series_keeps_empty_conversations() -> None:
    turn = {"role": "user", "content": "a"}
    series = messages_series([[], [turn], [], [turn, turn]])
    assert series.to_list() == [[], [turn], [], [turn, turn]]
    assert series.dtype == ROWS["messages"]
    assert messages_series([]).dtype == ROWS["messages"]
