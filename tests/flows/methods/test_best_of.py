import json
import re
from pathlib import Path

import pytest

from flows.methods.base import Method
from flows.sandbox.run import find_obstacle
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.played import open_method, play, prompt_of, rules_of
from tests.support.recipes import write_jsonl

ANSWERS = ("It is 11.", "It is 12.", "Twelve: 12.", "It is 13.")
PROMPT = {"instruction": "What is 3 times 4?", "reference": 12}


def method(folder: Path, prompt=PROMPT, **options) -> Method:
    write_jsonl(folder / "p.jsonl", [prompt])
    given = {"kind": "best_of", "prompts": "p.jsonl"}
    return open_method(folder, given | options)


def teacher(worth: dict[str, int] | None = None, answers=ANSWERS):
    def answer(request: TeacherRequest) -> str | TeacherReply:
        if worth is not None and '"scores"' in prompt_of(request):
            (text,) = re.findall(r"^[0-9a-f]{16} ANSWER 1\n(.*)$", prompt_of(request), re.MULTILINE)
            if text not in worth:
                return "five stars"
            scores = {"accuracy": worth[text], "helpfulness": 4}
            return json.dumps({"reasons": "Checked it.", "scores": scores})
        tokens = [{"token": "a", "logprob": -0.1 - 0.2 * request.sample}]
        raw = json.dumps({"choices": [{"logprobs": {"content": tokens}}]})
        return TeacherReply(f"a{request.sample}", text=answers[request.sample], raw=raw)

    return answer


def run(folder: Path, said, **options):
    (job,) = method(folder, **options).jobs()
    return play(job, said)


def test_the_first_answer_that_agrees_with_the_reference_is_kept(tmp_path: Path) -> None:
    drafts, asked = run(tmp_path, teacher(), by="verifier")
    assert rules_of(drafts) == ["low_score", None, "not_best_answer", "low_score"]
    assert [draft.output for draft in drafts] == list(ANSWERS)
    assert drafts[1].about | {"rating_keys": []} == {
        "by": "verifier",
        "scores": [0, 1, 1, 0],
        "asked": 4,
        "rating_keys": [],
        "answer": 1,
        "rank": 1,
        "reached_bar": 2,
    }
    assert len(asked) == 4


def test_without_a_reference_nothing_can_be_verified(tmp_path: Path) -> None:
    (job,) = method(tmp_path, {"instruction": "What is 3 times 4?"}, by="verifier").jobs()
    drafts, _ = play(job, teacher())
    assert rules_of(drafts) == ["no_score"] * 4


def test_a_check_of_the_prompt_is_verified(tmp_path: Path) -> None:
    prompt = {"instruction": "Say 12.", "check": {"kind": "starts_with", "phrase": "Twelve"}}
    (job,) = method(tmp_path, prompt, by="verifier").jobs()
    drafts, _ = play(job, teacher())
    assert rules_of(drafts) == ["low_score", "low_score", None, "low_score"]


PROGRAM = {
    "instruction": "Write double(n).",
    "check": {"kind": "python", "function": "double", "cases": [{"args": [3], "expected": 6}]},
}


@pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))
def test_a_check_that_is_a_program_is_run(tmp_path: Path) -> None:
    (job,) = method(tmp_path, PROGRAM, by="verifier").jobs()
    bodies = ("n + n + 1", "n * 2", "n + n", "open('/etc/passwd')")
    programs = [f"def double(n):\n    return {body}" for body in bodies]
    drafts, _ = play(job, teacher(answers=programs))
    assert rules_of(drafts) == ["low_score", None, "not_best_answer", "low_score"]


def test_programs_need_a_sandbox(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("flows.methods.verifying.find_obstacle", lambda: "no seccomp")
    with pytest.raises(InputError, match="no seccomp"):
        method(tmp_path, PROGRAM, by="verifier")
    assert method(tmp_path, by="verifier")


def test_a_judge_rates_every_answer_and_the_best_is_kept(tmp_path: Path) -> None:
    worth = dict(zip(ANSWERS, (1, 4, 5, 2), strict=True))
    drafts, asked = run(tmp_path, teacher(worth))
    assert rules_of(drafts) == ["low_score", "not_best_answer", None, "low_score"]
    assert drafts[2].about["scores"] == [2.5, 4.0, 4.5, 3.0]
    assert len(drafts[2].about["rating_keys"]) == 4
    assert len(asked) == 8
    assert "REFERENCE ANSWER" in prompt_of(asked[4])


def test_none_is_kept_where_none_is_good(tmp_path: Path) -> None:
    drafts, _ = run(tmp_path, teacher(dict.fromkeys(ANSWERS, 1)))
    assert rules_of(drafts) == ["low_score"] * 4
    assert drafts[0].rejection.threshold == 3.5
    drafts, _ = run(tmp_path, teacher(dict.fromkeys(ANSWERS, 1)), min_score=2)
    assert rules_of(drafts) == [None] + ["not_best_answer"] * 3


def test_an_answer_that_the_judge_abstains_on_is_named(tmp_path: Path) -> None:
    drafts, _ = run(tmp_path, teacher({ANSWERS[3]: 5}))
    assert rules_of(drafts) == ["no_score"] * 3 + [None]


def test_the_surest_answer_is_kept_by_confidence(tmp_path: Path) -> None:
    drafts, asked = run(tmp_path, teacher(), by="confidence")
    assert rules_of(drafts) == [None] + ["not_best_answer"] * 3
    assert asked[0].body["logprobs"] is True


def test_unusable_answers_are_named(tmp_path: Path) -> None:
    def said(request: TeacherRequest):
        if request.sample == 0:
            return TeacherReply("a0", error="500")
        if request.sample == 1:
            return TeacherReply("a1", text="It is", finish_reason="length")
        return ("", "It is 12.")[request.sample - 2]

    drafts, _ = run(tmp_path, said, by="verifier")
    assert rules_of(drafts) == ["teacher_error", "truncated_answer", "empty_answer", None]


def test_answers_differ_although_a_small_model_is_greedy(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "p.jsonl", [PROMPT])
    options = {"kind": "best_of", "prompts": "p.jsonl", "by": "verifier"}
    (job,) = open_method(tmp_path, options, embedded=True).jobs()
    _, asked = play(job, teacher())
    assert {request.body["temperature"] for request in asked} == {0.7}
    assert len({request.body["seed"] for request in asked}) == 4


@pytest.mark.parametrize("options", [{"by": "student"}, {"student": "s.bin"}])
def test_a_student_needs_its_file(tmp_path: Path, options) -> None:
    with pytest.raises(ValueError, match="by: student"):
        method(tmp_path, **options)


def test_a_missing_student_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s\.bin"):
        method(tmp_path, by="student", student="s.bin")
