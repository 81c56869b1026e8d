import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from flows.methods.base import Method
from schemas.records import TeacherReply, TeacherRequest
from tests.support.played import open_method, play, prompt_of, rules_of
from tests.support.recipes import write_jsonl
from tests.support.rows import make_row, make_rows

#: Answers by sample, and what a rater makes of them.
WORTH = {"Answer zero.": 4, "Answer one is best.": 5, "Answer two.": 3, "Answer three fails.": 1}


def method(folder: Path, **options) -> Method:
    write_jsonl(folder / "p.jsonl", [{"instruction": "Name a sea.", "reference": "Baltic"}])
    return open_method(folder, {"kind": "preference", "prompts": "p.jsonl"} | options)


def shown_answers(prompt: str) -> list[str]:
    return re.findall(r"^[0-9a-f]{16} ANSWER \d\n(.*)$", prompt, re.MULTILINE)


def rater(
    worth: Mapping[str, int] = WORTH,
    *,
    compare: Callable[[list[str]], str] | None = None,
    answers: tuple[str, ...] = tuple(WORTH),
):
    """A teacher that answers, rates by `worth` and compares by it, unless told otherwise."""

    def better(shown: list[str]) -> str:
        first, second = (worth[text] for text in shown)
        return "tie" if first == second else ("first" if first > second else "second")

    def teacher(request: TeacherRequest) -> str | TeacherReply:
        prompt = prompt_of(request)
        if "The aspect is" in prompt:
            scores = {f"answer {n}": worth[text] for n, text in enumerate(shown_answers(prompt), 1)}
            return json.dumps({"reasons": "They differ.", "scores": scores})
        if '"better"' in prompt:
            found = (compare or better)(shown_answers(prompt))
            return json.dumps({"reasons": "One is plainer.", "better": found})
        return TeacherReply(f"a{request.sample}", text=answers[request.sample])

    return teacher


def run(folder: Path, teacher, **options):
    (job,) = method(folder, **options).jobs()
    return play(job, teacher)


def test_the_best_is_chosen_over_the_worst_and_every_answer_is_accounted_for(tmp_path) -> None:
    drafts, asked = run(tmp_path, rater())
    row, *others = drafts
    assert (row.rejection, row.instruction) == (None, "Name a sea.")
    assert (row.output, row.rejected) == ("Answer one is best.", "Answer three fails.")
    assert rules_of(others) == ["not_best_answer", "not_best_answer"]
    assert {draft.output for draft in others} == {"Answer zero.", "Answer two."}
    assert row.about["rejected_key"] == "a3"
    assert row.about["means"] == [4, 5, 3, 1]
    assert row.about["length_difference"] == 0
    assert row.arm == row.about["styles"][1]
    assert len(row.about["rating_keys"]) == 4
    assert len(row.about["comparison_keys"]) == 2
    assert len(asked) == 4 + 4 + 2


def test_answers_are_shown_in_another_order_for_each_aspect(tmp_path: Path) -> None:
    _, asked = run(tmp_path, rater())
    orders = {tuple(shown_answers(prompt_of(item))) for item in asked[4:8]}
    assert len(orders) > 1
    assert all(sorted(order) == sorted(WORTH) for order in orders)


def test_temperatures_and_styles_take_turns(tmp_path: Path) -> None:
    _, asked = run(tmp_path, rater(), temperatures=[0.1, 0.9])
    assert [item.body["temperature"] for item in asked[:4]] == [0.1, 0.9, 0.1, 0.9]
    systems = [
        next((turn["content"] for turn in item.body["messages"] if turn["role"] == "system"), "")
        for item in asked[:4]
    ]
    assert len(set(systems)) == 4


def always_first(shown: list[str]) -> str:
    return "first"


def opposite(shown: list[str]) -> str:
    return "first" if WORTH[shown[0]] < WORTH[shown[1]] else "second"


@pytest.mark.parametrize("compare", [always_first, opposite, lambda shown: "tie"])
def test_a_comparison_that_contradicts_the_ratings_makes_no_pair(tmp_path, compare) -> None:
    drafts, _ = run(tmp_path, rater(compare=compare))
    assert rules_of(drafts) == ["raters_disagree"] * 4
    assert all(draft.rejected is None for draft in drafts)
    assert sorted(draft.output for draft in drafts) == sorted(WORTH)


def test_a_comparison_without_verdict_makes_no_pair(tmp_path: Path) -> None:
    drafts, _ = run(tmp_path, rater(compare=lambda shown: "the first one"))
    assert rules_of(drafts) == ["raters_abstained"] * 4


def test_ties_make_no_pair(tmp_path: Path) -> None:
    drafts, asked = run(tmp_path, rater(dict.fromkeys(WORTH, 4)))
    assert rules_of(drafts) == ["answers_tie"] * 4
    assert len(asked) == 8
    assert drafts[0].rejection.value == 0.0


def test_a_silent_rater_makes_no_pair(tmp_path: Path) -> None:
    def teacher(request: TeacherRequest):
        prompt = prompt_of(request)
        if "The aspect is honesty" in prompt:
            return "I would give all of them five stars."
        return rater()(request)

    drafts, _ = run(tmp_path, teacher)
    assert rules_of(drafts) == ["raters_abstained"] * 4
    assert "honesty: not_json" in drafts[0].rejection.evidence


def test_unusable_and_equal_answers_are_named(tmp_path: Path) -> None:
    answers = ("Answer zero.", "Answer zero.", "", "Answer three fails.")
    drafts, _ = run(tmp_path, rater(answers=answers))
    assert rules_of(drafts) == ["same_answer", "empty_answer", None]
    drafts, asked = run(tmp_path, rater(answers=("Answer zero.",) * 4))
    assert rules_of(drafts) == ["same_answer"] * 3 + ["too_few_answers"]
    assert len(asked) == 4


def test_every_prompt_counts_once_and_lines_that_are_none_are_named(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", [{"prompt": "Go?"}, {"prompt": "Go?"}, {"x": 1}])
    found = method(tmp_path, prompts="q.jsonl")
    assert found.count_jobs() == 1
    assert {draft.rejection.rule for draft in found.unreadable()} == {
        "repeated_prompt",
        "missing_prompt",
    }


def test_rows_before_it_give_tasks(tmp_path: Path) -> None:
    rows = make_rows([make_row("Name a sea."), make_row("Name a sea.", "B."), make_row("Go?")])
    found = open_method(tmp_path, {"kind": "preference"}, earlier=rows)
    assert found.count_jobs() == 2
    for job in found.jobs():
        drafts, _ = play(job, rater())
        assert drafts[0].parents[0] in set(rows["id"])


SEAS = ("The Baltic.", "The Baltic Sea, in the north.", "Lake Como.", "The Alps.")


def test_a_right_answer_is_chosen_over_a_wrong_one_by_reference(tmp_path: Path) -> None:
    drafts, asked = run(tmp_path, rater(answers=SEAS), by="verifier")
    assert rules_of(drafts) == [None, "not_best_answer", "not_best_answer"]
    assert (drafts[0].output, drafts[0].rejected) == (SEAS[0], SEAS[3])
    assert drafts[0].about["ratings"] == {"verifier": [1, 1, 0, 0]}
    assert len(asked) == 4


def test_answers_that_are_all_right_or_all_wrong_make_no_pair(tmp_path: Path) -> None:
    for answers in (("Baltic 1", "Baltic 2"), ("Alps 1", "Alps 2")):
        drafts, _ = run(tmp_path, rater(answers=answers), by="verifier", answers_per_task=2)
        assert rules_of(drafts) == ["answers_tie"] * 2


def test_an_answer_that_cannot_be_verified_is_in_no_pair(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "n.jsonl", [{"instruction": "What is 3 plus 4?", "reference": 7}])
    options = {"prompts": "n.jsonl", "by": "verifier", "answers_per_task": 3}
    said = rater(answers=("It is 8.", "It is 6 or 7.", "It is 7."))
    drafts, _ = run(tmp_path, said, **options)
    assert rules_of(drafts) == ["no_score", None]
    assert (drafts[1].output, drafts[1].rejected) == ("It is 7.", "It is 8.")
    drafts, _ = run(tmp_path, rater(answers=("Maybe.", "It is 6 or 7.", "It is 7.")), **options)
    assert rules_of(drafts) == ["no_score", "no_score", "too_few_answers"]
