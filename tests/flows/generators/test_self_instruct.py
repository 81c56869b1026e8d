import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.self_instruct import (
    Proposal,
    parse_proposals,
    render_proposals,
)
from schemas.records import Seed, TeacherReply

SEEDS = [
    Seed("s1", "everyday", "en", "Name four kinds of pasta.", "", "Penne, ..."),
    Seed("s2", "rewriting", "en", "Make it polite.", "Go\naway.", "Please leave."),
]


def reply(text: str, finish_reason: str = "stop") -> TeacherReply:
    return TeacherReply("key", text=text, finish_reason=finish_reason)


def instructions(text: str, finish_reason: str = "stop", style="completions") -> list[str]:
    found = parse_proposals(reply(text, finish_reason), style=style, number=10)
    return [proposal.instruction for proposal in found]


def test_completions_prompt_is_a_list_to_go_on_with() -> None:
    request = render_proposals(SEEDS, style="completions", number=4, max_tokens=90, sample=3)
    assert request.endpoint == "completions"
    assert request.sample == 3
    assert request.body["prompt"].split("\n")[1:] == [
        "1. Name four kinds of pasta.",
        "2. Make it polite.",
        "Input: Go away.",
        "3.",
    ]
    assert request.body["stop"] == ["\n7.", "\n\n"]
    assert request.body["max_tokens"] == 90


def test_stop_sequence_does_not_match_inside_a_year() -> None:
    request = render_proposals(SEEDS, style="completions", number=17)
    assert request.body["stop"][0] == "\n20."
    assert request.body["stop"][0] not in "Name an event of\n2020. Keep it short."


def test_chat_prompt_shows_the_seeds_and_not_their_answers() -> None:
    request = render_proposals(SEEDS, style="chat", number=4)
    assert request.endpoint == "chat/completions"
    prompt = request.body["messages"][-1]["content"]
    assert '{"instruction": "Make it polite.", "input": "Go\\naway."}' in prompt
    assert "Write 4 new tasks." in prompt
    assert "Please leave." not in prompt
    assert '{"tasks": [{"instruction": "...", "input": "..."}]}' in prompt


@pytest.mark.parametrize("style", ["completions", "chat"])
def test_body_depends_on_the_arguments_alone(style) -> None:
    def body(seeds=SEEDS, sample: int = 1) -> str:
        return json.dumps(render_proposals(seeds, style=style, sample=sample).body)

    assert body() == body()
    assert json.loads(body())["seed"] != json.loads(body(sample=2))["seed"]
    assert json.loads(body())["seed"] != json.loads(body(seeds=SEEDS[:1]))["seed"]


def test_no_seeds_are_no_error() -> None:
    assert render_proposals([], style="completions").body["prompt"].endswith("\n1.")
    assert "Here are 0 example tasks" in str(render_proposals([], style="chat").body["messages"])


@pytest.mark.parametrize(
    "text",
    [
        " Name a river.\n5. Name a lake.\n6. Name a sea.",
        "1. Name a river.\n2. Name a lake.\n3. Name a sea.",
        "4) Name a river.\n5) Name a lake.\n6) Name a sea.",
        "4: Name a river.\n5: Name a lake.\n6: Name a sea.",
        "4 - Name a river.\n5 - Name a lake.\n6 - Name a sea.",
        "**4.** Name a river.\n**5.** Name a lake.\n**6.** Name a sea.",
        "**Task 4:** Name a river.\n**Task 5:** Name a lake.\n**Task 6:** Name a sea.",
        "### 4. Name a river.\n\n### 5. Name a lake.\n\n### 6. Name a sea.",
        "- Name a river.\n- Name a lake.\n- Name a sea.",
        "* Name a river.\n* Name a lake.\n* Name a sea.",
        "4. Instruction: Name a river.\n5. Instruction: Name a lake.\n6. Task: Name a sea.",
        "9. Name a river.\n10. Name a lake.\n1. Name a sea.",
        "4.Name a river.\r\n5.Name a lake.\r\n6.Name a sea.",
    ],
)
def test_reads_every_numbering_style(text: str) -> None:
    assert instructions(text) == ["Name a river.", "Name a lake.", "Name a sea."]


def test_no_item_is_lost_at_any_count() -> None:
    expected = [f"Name river number {number} of a continent." for number in range(1, 31)]
    text = "\n".join(f"{number}. {item}" for number, item in enumerate(expected, start=1))
    assert instructions(text) == expected
    assert len(instructions(text, "length")) == 30


def test_a_year_or_a_time_at_the_start_of_a_line_is_no_marker() -> None:
    text = (
        " Name one event of\n2020. Be short.\n5. Say when the\n10:30 bus and the\n3.5 t van meet."
    )
    assert instructions(text) == [
        "Name one event of\n2020. Be short.",
        "Say when the\n10:30 bus and the\n3.5 t van meet.",
    ]


def test_a_numbered_item_may_hold_bullets() -> None:
    assert instructions("1. Sort these:\n- pear\n- apple\n2. Name a sea.") == [
        "Sort these:\n- pear\n- apple",
        "Name a sea.",
    ]


def test_only_the_last_item_of_a_cut_list_is_truncated() -> None:
    found = parse_proposals(
        reply(" Name a river.\n5. Name a", "length"), style="completions", number=5
    )
    assert found == [Proposal("Name a river."), Proposal("Name a", truncated=True)]
    found = parse_proposals(reply(" Name a river.\n5. Name a"), style="completions", number=5)
    assert [proposal.truncated for proposal in found] == [False, False]


def test_one_asked_for_is_one_task() -> None:
    text = "Put the steps in order:\n1. Boil water.\n2. Fill the pot."
    found = parse_proposals(reply(text), style="completions", number=1)
    assert found == [Proposal(text)]


def test_inputs_are_split_off_and_answers_are_left_out() -> None:
    text = (
        "1. Instruction: Correct it.\nInput: He go home.\nOutput: He goes home.\n"
        "2. Name a sea.\nInput: <noinput>\n3. Name a lake.\n**Input:** N/A\nAnswer: Como"
    )
    found = parse_proposals(reply(text), style="completions", number=3)
    assert found == [
        Proposal("Correct it.", "He go home."),
        Proposal("Name a sea."),
        Proposal("Name a lake."),
    ]


@pytest.mark.parametrize("placeholder", ["<noinput>", "N/A", "No input", "<No Input>", "none", ""])
def test_placeholder_inputs_are_empty(placeholder: str) -> None:
    text = json.dumps({"tasks": [{"instruction": "Name a sea.", "input": placeholder}]})
    assert parse_proposals(reply(text), style="chat", number=1) == [Proposal("Name a sea.")]


@pytest.mark.parametrize(
    "text",
    [
        '{"tasks": [{"instruction": "Name a sea.", "input": "x"}]}',
        '[{"instruction": "Name a sea.", "input": "x"}]',
        'Sure!\n```json\n{"tasks": [{"instruction": "Name a sea.", "input": "x"}]}\n```\nEnjoy.',
        '{"tasks": [{"task": "Name a sea.", "input": "x", "output": "y"},]}',
        '[{"instruction": "Name a sea.", "input": "x"} {"instruction": 3}, 7, null, ""]',
    ],
)
def test_reads_json_however_it_is_wrapped(text: str) -> None:
    assert parse_proposals(reply(text), style="chat", number=3) == [Proposal("Name a sea.", "x")]


def test_cut_json_keeps_the_whole_items_and_marks_the_cut_one() -> None:
    text = '{"tasks": [{"instruction": "Name a sea.", "input": ""}, {"instruction": "Name a ri'
    found = parse_proposals(reply(text, "length"), style="chat", number=5)
    assert found == [Proposal("Name a sea."), Proposal("Name a ri", truncated=True)]


def test_chat_reply_without_json_is_read_as_a_list() -> None:
    assert instructions("1. Name a sea.\n2. Name a [big] river.", style="chat") == [
        "Name a sea.",
        "Name a [big] river.",
    ]


@pytest.mark.parametrize("text", ["", " \n ", "1.\n2.\n3.", "[]", "-", "**", "Input: x"])
@pytest.mark.parametrize("style", ["completions", "chat"])
def test_nothing_usable_is_an_empty_list(text: str, style) -> None:
    found = parse_proposals(reply(text), style=style, number=3)
    assert [proposal for proposal in found if proposal.instruction not in {"[]", "-"}] == []


_PIECES = st.sampled_from(
    ["[", "{", '"instruction"', ":", '"tasks"', "}", "]", "\n1. ", "\nInput: ", '"', "\\", "x", ","]
)


@given(
    text=st.one_of(
        st.text(), st.lists(_PIECES).map("".join), st.integers(0, 3000).map("[".__mul__)
    ),
    finish_reason=st.sampled_from(["stop", "length", ""]),
    style=st.sampled_from(["completions", "chat"]),
    number=st.integers(1, 20),
)
def test_never_raises_and_never_returns_an_empty_instruction(
    text: str, finish_reason: str, style, number: int
) -> None:
    found = parse_proposals(reply(text, finish_reason), style=style, number=number)
    assert all(proposal.instruction == proposal.instruction.strip() != "" for proposal in found)
    assert sum(proposal.truncated for proposal in found) <= (finish_reason == "length")
