"""Laws of all forms: what was rendered is read back, and no record crashes a parser."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quality.formats
from quality.formats import FORMATS, FormatError, Parsed, parse_record
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


def _rows(parsed: list[Parsed]) -> pl.DataFrame:
    columns = ("system", "instruction", "input", "output")
    values = {name: [getattr(row, name) for row in parsed] for name in columns}
    ids = [content_id(row.messages) for row in parsed]
    frame = pl.DataFrame(
        {"id": ids, **values}, schema={name: ROWS[name] for name in ("id", *columns)}
    )
    return frame.with_columns(messages_series([row.messages for row in parsed]))


@pytest.mark.parametrize("name", list(FORMATS))
@given(parsed=st.lists(SINGLE | MANY | UNANSWERED, max_size=5))
def test_what_was_rendered_is_read_back(name: str, parsed: list[Parsed]) -> None:
    form = FORMATS[name]
    rows = _rows(parsed)
    kept = rows.filter(rows.select(form.reason_left_out().alias("reason"))["reason"].is_null())
    records = form.render(rows).to_dicts()
    assert [content_id(form.parse(record).messages) for record in records] == kept["id"].to_list()
    assert [form.detect(record) for record in records] == [True] * kept.height


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
    outcome = _parse_or_error(record, form)
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
