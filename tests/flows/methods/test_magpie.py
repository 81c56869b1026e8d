"""Questions that the teacher asks itself."""

from pathlib import Path
from typing import Any

import pytest

from flows.methods.jobs import Draft
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.playing import method_of, play, run_together

LLAMA3 = "<|start_header_id|>user<|end_header_id|>\n\n"
QUESTION = "Why does bread dough rise overnight?"


def scripted(question: Any = QUESTION, answer: Any = "Yeast makes gas in it."):
    def teacher(request: TeacherRequest) -> str | TeacherReply:
        said = question if request.endpoint == "completions" else answer
        found: str | TeacherReply = said(request) if callable(said) else said
        return found

    return teacher


@pytest.fixture
def ask(tmp_path: Path):
    def run(teacher, *, position: int = 0, arm: str = "", **options: Any) -> list[Draft]:
        generator = {"kind": "magpie", "template": "llama3", **options}
        with method_of(tmp_path, generator) as method:
            return play(method.job(position, arm), teacher)

    return run


def test_the_head_of_a_turn_is_asked_and_the_question_answered_at_temperature_0(ask) -> None:
    seen: list[TeacherRequest] = []

    def listening(request: TeacherRequest) -> str | TeacherReply:
        seen.append(request)
        return scripted()(request)

    (draft,) = ask(listening, position=4)
    assert (draft.instruction, draft.output) == (QUESTION, "Yeast makes gas in it.")
    head, answer = seen
    assert (head.endpoint, head.body["prompt"], head.sample) == ("completions", LLAMA3, 4)
    assert head.body["stop"] == ["<|eot_id|>", "\n"]
    assert answer.endpoint == "chat/completions"
    assert answer.body["temperature"] == 0.0
    assert answer.body["messages"] == [{"role": "user", "content": QUESTION}]
    assert draft.about["proposed_by"]


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ("Please answer the following question:", "ends_with_colon"),
        ("Name the town on the map.", "blacklisted_word"),
        ("Why?", "instruction_too_short"),
        ("", "unparsable_reply"),
        (TeacherReply("k", error="HTTP 500"), "teacher_error"),
        (TeacherReply("k", text="Why does bread", finish_reason="length"), "truncated_proposal"),
    ],
)
def test_questions_are_dropped_by_name(tmp_path: Path, question: Any, rule: str) -> None:
    with method_of(tmp_path, {"kind": "magpie", "template": "llama3"}) as method:
        ((draft,),) = run_together([method.job(0, "")], scripted(question), seed=0)
    assert draft.rejection.rule == rule


def test_lines_after_the_first_are_kept_where_wanted(ask) -> None:
    text = "Sort these words:\npear\napple"
    assert ask(scripted(text), one_line=False)[0].instruction == text
    assert ask(scripted(text))[0].rejection.rule == "ends_with_colon"


def test_system_turns_are_arms(tmp_path: Path) -> None:
    seen: list[str] = []
    systems = {"maths": "You are good at maths.", "plain": ""}
    generator = {"kind": "magpie", "template": "llama3", "systems": systems}

    def listening(request: TeacherRequest) -> str | TeacherReply:
        seen.append(str(request.body.get("prompt", "")))
        return scripted()(request)

    with method_of(tmp_path, generator) as method:
        assert method.arms == ("maths", "plain")
        arms = [play(method.job(position, ""), listening)[0].arm for position in range(4)]
        assert play(method.job(0, "plain"), listening)[0].arm == "plain"
    assert arms == ["maths", "plain", "maths", "plain"]
    assert "You are good at maths.<|eot_id|>" in seen[0]
    assert seen[2] == LLAMA3


def test_further_turns_continue_the_conversation(ask) -> None:
    heads: list[str] = []

    def question(request: TeacherRequest) -> str:
        heads.append(request.body["prompt"])
        return f"{QUESTION} Part {len(heads)}?"

    def answer(request: TeacherRequest) -> str:
        return f"Answer {len(request.body['messages'])}."

    (draft,) = ask(scripted(question, answer), n_turns=3)
    roles = [turn["role"] for turn in draft.messages]
    assert roles == ["user", "assistant"] * 3
    assert draft.messages[-1]["content"] == "Answer 5."
    assert heads[1].endswith(f"Answer 1.<|eot_id|>{LLAMA3}")
    assert (draft.about["turns"], draft.about["stop"], len(draft.about["asked"])) == (
        3,
        "n_turns",
        4,
    )


@pytest.mark.parametrize(
    ("bad", "stop"),
    [("question", "no_question"), ("answer", "no_answer")],
)
def test_a_conversation_ends_where_a_turn_fails(ask, bad: str, stop: str) -> None:
    def question(request: TeacherRequest) -> str:
        is_first = "Yeast" not in request.body["prompt"]
        return QUESTION if is_first or bad != "question" else ""

    def answer(request: TeacherRequest) -> str | TeacherReply:
        is_first = len(request.body["messages"]) == 1
        return "Yeast." if is_first or bad != "answer" else TeacherReply("k", error="HTTP 500")

    (draft,) = ask(scripted(question, answer), n_turns=3)
    assert draft.rejection is None
    assert [turn["content"] for turn in draft.messages] == [QUESTION, "Yeast."]
    assert (draft.about["turns"], draft.about["stop"]) == (1, stop)


@pytest.mark.parametrize(
    "teacher",
    [
        {"base_url": "https://api.openai.com/v1", "model": "gpt-4.1-mini"},
        {"base_url": "http://x/v1", "model": "m", "supports": {"completions": False}},
    ],
)
def test_a_server_without_completions_is_one_line(tmp_path: Path, teacher: dict) -> None:
    generator = {"kind": "magpie", "template": "chatml"}
    with (
        pytest.raises(InputError, match="expected a teacher with the endpoint /completions for"),
        method_of(tmp_path, generator, teacher=teacher),
    ):
        pass


def test_a_hosted_model_needs_a_template(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="expected the chat template of 'm' in 'template'"),
        method_of(tmp_path, {"kind": "magpie"}),
    ):
        pass


def test_a_broken_template_is_found_before_anybody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "bad.jinja").write_text("{% for %}")
    with (
        pytest.raises(InputError, match=r"got .* from bad\.jinja"),
        method_of(tmp_path, {"kind": "magpie", "template": "bad.jinja"}),
    ):
        pass


def test_another_template_is_another_stage(tmp_path: Path) -> None:
    found = []
    for family in ("chatml", "llama3"):
        with method_of(tmp_path, {"kind": "magpie", "template": family}) as method:
            found.append(method.fingerprint)
            assert next(iter(method.forecast().waves[0].known)).endpoint == "completions"
    assert found[0] != found[1]


def test_the_order_of_replies_does_not_matter(tmp_path: Path) -> None:
    def question(request: TeacherRequest) -> str:
        words = ("bread", "rain", "sleep", "salt")
        return f"Why do people like {words[request.sample % 4]} so much in winter?"

    with method_of(tmp_path, {"kind": "magpie", "template": "llama3"}) as method:
        found = [
            run_together(
                [method.job(position, "") for position in range(9)], scripted(question), seed=seed
            )
            for seed in range(4)
        ]
    assert found[0] == found[1] == found[2] == found[3]
    kept = [draft for (draft,) in found[0] if draft.rejection is None]
    assert 1 <= len(kept) <= 4
