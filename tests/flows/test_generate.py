"""Generation against a teacher on loopback: every reply becomes a row that can be accounted for."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.generate.stage import generate_rows, make_method
from flows.session import RunSpec, Session
from flows.store import StageOutput, _balance
from quality.ids import content_id
from schemas.recipe import Recipe, RespondOptions, SelfInstructOptions
from tests.support.fake_teacher import MODEL, FakeTeacher, good_reply
from tests.support.recipes import write_jsonl

SEEDS = [
    {"id": f"s{n}", "instruction": f"Seed task {word}.", "output": f"Answer {word}."}
    for n, word in enumerate(("about honey", "with trains", "from winter", "without salt"))
]
PROMPTS = [
    {"instruction": "Name a river.", "input": ""},
    {"prompt": "Why is the sky blue?"},
    {"instruction": "Add the numbers.", "input": "1 and 2"},
]


@contextmanager
def opened(base: Path, server: FakeTeacher, /, **recipe: Any) -> Iterator[Session]:
    options = server.options(**recipe.pop("teacher", {}))
    made = Recipe.model_validate({"name": "set", "teacher": options, **recipe})
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    session = Session(spec)
    try:
        yield session
    finally:
        session.close()


def ask(base: Path, teacher: FakeTeacher, **options: Any) -> StageOutput:
    """Run `respond` over PROMPTS."""
    prompts = options.pop("prompts", PROMPTS)
    recipe = options.pop("recipe", {})
    write_jsonl(base / "prompts.jsonl", prompts)
    generator = RespondOptions(kind="respond", prompts="prompts.jsonl", **options)
    with opened(base, teacher, **recipe) as session:
        output = generate_rows(make_method(session, generator), plan=[], taken=Counter())
    _balance("generate", output)
    return output


def propose(base: Path, teacher: FakeTeacher, *plan: int, **options: Any) -> StageOutput:
    """Run `self_instruct` over SEEDS."""
    recipe = options.pop("recipe", {})
    write_jsonl(base / "seeds.jsonl", SEEDS)
    generator = SelfInstructOptions(kind="self_instruct", seeds="seeds.jsonl", **options)
    with opened(base, teacher, **recipe) as session:
        output = generate_rows(make_method(session, generator), plan=plan, taken=Counter())
    _balance("generate", output)
    return output


def is_for_tasks(body: Mapping[str, Any]) -> bool:
    return "tasks" in json.dumps(body)


def rules(output: StageOutput) -> dict[str, int]:
    return dict(Counter(output.decisions["rule"].to_list()))


# respond


def test_every_prompt_gets_its_answer(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, license="CC0-1.0")
    assert output.rows.select("instruction", "input", "source", "license").rows() == [
        ("Name a river.", "", "respond", "CC0-1.0"),
        ("Why is the sky blue?", "", "respond", "CC0-1.0"),
        ("Add the numbers.", "1 and 2", "respond", "CC0-1.0"),
    ]
    asked = [item.body["messages"][-1]["content"] for item in teacher.received]
    assert sorted(asked) == sorted(
        ["Name a river.", "Why is the sky blue?", "Add the numbers.\n\n1 and 2"]
    )
    by_prompt = {item.body["messages"][-1]["content"]: item.body for item in teacher.received}
    for row in output.rows.iter_rows(named=True):
        reply = good_reply("/v1/chat/completions", by_prompt[row["messages"][0]["content"]])
        assert row["output"] == reply["choices"][0]["message"]["content"]
        assert json.loads(row["raw"]) == reply
        assert row["id"] == content_id(row["messages"])
        assert (row["teacher"], len(row["request_key"])) == (MODEL, 64)
    assert (output.rows_in, output.dropped.height, output.reusable) == (3, 0, True)


def test_a_system_turn_is_asked_with_and_not_kept(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, system="Be brief.")
    turn = {"role": "system", "content": "Be brief."}
    assert [item.body["messages"][0] for item in teacher.received] == [turn] * 3
    assert set(output.rows["system"]) == {""}
    assert [turn["role"] for turn in output.rows["messages"][0]] == ["user", "assistant"]


def test_lines_that_are_no_prompt_are_quarantined(teacher: FakeTeacher, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "prompts.jsonl", [PROMPTS[0]])
    output = ask(tmp_path, teacher, prompts=[PROMPTS[0], {"x": 1}, ["y"], {"prompt": " "}])
    assert (output.rows.height, output.dropped.height, output.rows_in) == (1, 3, 4)
    assert (
        output.decisions.select("rule", "action").rows() == [("missing_prompt", "quarantine")] * 3
    )
    assert output.decisions["evidence"][0].startswith("prompts.jsonl, line 2: expected an object")
    assert [json.loads(raw) for raw in output.dropped["raw"]] == [{"x": 1}, ["y"], {"prompt": " "}]
    assert len(teacher.received) == 1


def test_no_prompts_ask_nothing(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, prompts=[])
    assert (output.rows_in, teacher.received) == (0, [])


def test_equal_prompts_get_different_ids(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, prompts=[PROMPTS[0], PROMPTS[0]])
    base = output.rows["id"][0]
    assert output.rows["id"].to_list() == [base, f"{base}-1"]


@pytest.mark.parametrize(
    ("fault", "rule", "is_reusable"),
    [
        ("400", "teacher_error", True),
        ("empty", "teacher_error", True),
        ("null", "teacher_error", True),
        ("filtered", "teacher_error", True),
        ("length", "truncated_answer", True),
        ("500", "teacher_error", False),
        ("truncated", "teacher_error", False),
    ],
)
def test_a_bad_reply_is_a_reject_with_its_raw_text(
    teacher: FakeTeacher, tmp_path: Path, fault: str, rule: str, is_reusable: bool
) -> None:
    teacher.choose_fault = lambda body: fault if "sky" in str(body) else None
    output = ask(tmp_path, teacher, recipe={"teacher": {"max_attempts": 1, "max_in_flight": 1}})
    assert (output.rows.height, output.dropped.height) == (2, 1)
    assert output.decisions.select("rule", "action", "stage").rows() == [(rule, "drop", "generate")]
    assert output.dropped["instruction"].to_list() == ["Why is the sky blue?"]
    assert output.dropped["raw"][0] != ""
    assert output.reusable is is_reusable


def test_the_best_of_several_answers_stays(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, answers_per_task=3)
    assert len(teacher.received) == 9
    assert (output.rows.height, output.dropped.height) == (3, 6)
    assert rules(output) == {"not_best_answer": 6}
    assert output.rows["instruction"].to_list() == [
        "Name a river.", "Why is the sky blue?", "Add the numbers.",
    ]  # fmt: skip


def test_answers_that_do_not_agree_are_dropped(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = ask(tmp_path, teacher, answers_per_task=2, min_agreement=1.0)
    assert rules(output) == {"not_best_answer": 3, "low_agreement": 3}
    assert output.rows.height == 0


# self_instruct


def test_tasks_are_proposed_and_answered(teacher: FakeTeacher, tmp_path: Path) -> None:
    output = propose(tmp_path, teacher, 2)
    proposals = [item for item in teacher.received if is_for_tasks(item.body)]
    answers = [item for item in teacher.received if not is_for_tasks(item.body)]
    assert len(proposals) == 2
    passed = output.rows.height + rules(output).get("truncated_answer", 0)
    assert len(answers) == passed
    assert output.rows_in == 20
    assert set(rules(output)) <= {"rouge_l"}
    parents = set(output.rows["parents"].explode(empty_as_null=True))
    assert parents <= {seed["id"] for seed in SEEDS}
    assert output.rows["parents"].list.len().to_list() == [3] * output.rows.height
    assert set(output.rows["source"]) == {"self_instruct"}


def test_rows_come_in_the_order_of_the_requests(teacher: FakeTeacher, tmp_path: Path) -> None:
    delays = iter([0.2, 0.0, 0.1] * 40)
    teacher.choose_fault = lambda _: teacher.sleep(next(delays))
    slow = propose(tmp_path / "a", teacher, 3)
    teacher.choose_fault = None
    quick = propose(tmp_path / "b", teacher, 3, recipe={"teacher": {"max_in_flight": 1}})
    assert slow.rows["id"].to_list() == quick.rows["id"].to_list()
    assert slow.decisions.equals(quick.decisions)


def test_a_longer_plan_only_adds(teacher: FakeTeacher, tmp_path: Path) -> None:
    short = propose(tmp_path, teacher, 2)
    sent = len(teacher.received)
    long = propose(tmp_path, teacher, 2, 2)
    again = Counter(item.key for item in teacher.received)
    assert set(again.values()) == {1}
    assert len(teacher.received) > sent
    assert long.rows["id"].to_list()[: short.rows.height] == short.rows["id"].to_list()


def test_another_seed_draws_other_examples(teacher: FakeTeacher, tmp_path: Path) -> None:
    one = propose(tmp_path, teacher, 2)
    two = propose(tmp_path, teacher, 2, recipe={"seed": 1})
    assert not set(one.rows["id"]) & set(two.rows["id"])


@pytest.mark.parametrize("style", ["chat", "completions"])
def test_both_styles_bring_rows(teacher: FakeTeacher, tmp_path: Path, style: str) -> None:
    output = propose(tmp_path, teacher, 2, style=style)
    assert output.rows.height >= 8
    paths = {item.path for item in teacher.received if is_for_tasks(item.body)}
    wanted = "/v1/chat/completions" if style == "chat" else "/v1/completions"
    assert paths <= {wanted}


def scripted(tasks: list[str]) -> Callable[[Mapping[str, Any]], None]:
    """Make the teacher propose exactly these tasks."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.support import fake_teacher

        monkeypatch.setattr(fake_teacher, "_tasks", lambda rng, count: list(tasks))

    return patch  # type: ignore[return-value]


def test_the_gates_name_their_reason(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [
        "Name the four seasons of a year.",
        "Name the four seasons of the year.",  # like the one before
        "Seed task about honey.",  # a seed
        "Why not?",
        "word " * 151,
        "Draw a house with a red roof.",
        "Write a program that prints the time.",
        "- name three kinds of cheese",
        "Über welche Flüsse fließt der Rhein?",
    ]
    scripted(tasks)(monkeypatch)  # type: ignore[arg-type]
    output = propose(tmp_path, teacher, 1)
    assert rules(output) == {
        "rouge_l": 2,
        "instruction_too_short": 1,
        "instruction_too_long": 1,
        "blacklisted_word": 1,
        "asks_for_program": 1,
        "starts_with_punctuation": 1,
        "starts_with_non_ascii": 1,
    }
    assert output.rows["instruction"].to_list() == ["Name the four seasons of a year."]
    similar = output.decisions.filter(rule="rouge_l")
    assert similar["matched_id"].to_list() == [content_id(output.rows["messages"][0][:1]), "s0"]
    assert similar["similarity"].to_list() == similar["value"].to_list()
    assert output.dropped["instruction"].to_list() == [task.strip() for task in tasks[1:]]


def test_a_proposal_that_cannot_be_read_is_a_reject(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted([])(monkeypatch)  # type: ignore[arg-type]
    output = propose(tmp_path, teacher, 1)
    assert rules(output) == {"unparsable_reply": 1}
    assert (
        json.loads(output.dropped["raw"][0])["choices"][0]["message"]["content"] == '{"tasks": []}'
    )


def test_a_proposal_that_failed_is_a_reject(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.choose_fault = lambda body: "400" if is_for_tasks(body) else None
    output = propose(tmp_path, teacher, 2)
    assert (rules(output), output.rows.height) == ({"teacher_error": 2}, 0)


def test_half_an_emoji_is_no_crash(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(["Name three animals that live in \ud83d"])(monkeypatch)  # type: ignore[arg-type]
    output = propose(tmp_path, teacher, 1)
    assert output.rows["instruction"].to_list() == ["Name three animals that live in \ufffd"]
