"""Evolution, step by step: what survives, what is eliminated, and where it all came from."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.generators import evol_instruct as prompts
from flows.methods.jobs import Draft
from quality.gates import Rejection
from quality.ids import content_id
from schemas.errors import InputError
from schemas.recipe.generators.evol_instruct import OPERATORS
from schemas.records import TeacherReply, TeacherRequest
from tests.support.playing import asked_text, method_of, play, run_together
from tests.support.recipes import write_jsonl
from tests.support.rows import make_row, make_rows

SEEDS = [
    {"id": f"s{place}", "instruction": f"Explain how {thing} works.", "output": f"{thing} works."}
    for place, thing in enumerate(("bread", "rain", "sleep"))
]


def kind_of(request: TeacherRequest) -> str:
    """What a request is for: `evolve`, `compare` or `answer`."""
    text = str(request.body["messages"])
    if "Second task:" in text:
        return "compare"
    return "evolve" if "Given task:" in text else "answer"


def scripted(**says: Any):
    """A teacher that evolves by adding a word, finds a difference, and answers."""

    def teacher(request: TeacherRequest) -> str | TeacherReply:
        kind = kind_of(request)
        if kind in says:
            said = says[kind]
            return said(request) if callable(said) else said
        if kind == "evolve":
            task = asked_text(request).partition("Given task:\n")[2]
            return f"{task} Step {request.sample} adds much {len(task)}."
        return "DIFFERENT" if kind == "compare" else "Here is what happens in detail."

    return teacher


@pytest.fixture
def evolve(tmp_path: Path):
    """Run one job."""

    def run(teacher=None, *, position: int = 0, arm: str = "", gate=lambda _: None, **options: Any):
        write_jsonl(tmp_path / "seeds.jsonl", SEEDS)
        generator = {"kind": "evol_instruct", "seeds": "seeds.jsonl", **options}
        with method_of(tmp_path, generator) as method:
            return play(method.job(position, arm), teacher or scripted(), gate)

    return run


def rules(drafts: list[Draft]) -> list[str | None]:
    return [draft.rejection.rule if draft.rejection else None for draft in drafts]


def test_all_six_operators_come_up_by_themselves_and_by_name(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "seeds.jsonl", SEEDS)
    orders = {}
    with method_of(tmp_path, {"kind": "evol_instruct", "seeds": "seeds.jsonl"}) as method:
        assert method.arms == OPERATORS
        by_rotation = {play(method.job(position, ""), scripted())[-1].arm for position in range(18)}
        for name in OPERATORS:
            seen = []
            teacher = scripted(evolve=lambda request, seen=seen: seen.append(request) or "")
            assert play(method.job(0, name), teacher)[0].arm == name
            orders[name] = asked_text(seen[0]).splitlines()[0]
    assert by_rotation == set(OPERATORS)
    assert orders == dict(prompts._ORDERS)


def test_every_seed_meets_every_operator(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "seeds.jsonl", SEEDS * 2)  # six seeds, six operators
    with method_of(tmp_path, {"kind": "evol_instruct", "seeds": "seeds.jsonl"}) as method:
        drafts = [play(method.job(position, ""), scripted())[-1] for position in range(36)]
    assert len({(draft.parents, draft.arm) for draft in drafts}) == 3 * 6


def test_lineage_leads_from_step_to_step_to_the_seed(evolve) -> None:
    third, second, first = evolve(rounds=3)[-3:]
    assert rules([first, second, third]) == [None, None, None]
    assert first.parents[0] in {seed["id"] for seed in SEEDS}

    def row_id(draft: Draft) -> str:
        turns = [("user", draft.instruction), ("assistant", draft.output)]
        return content_id([{"role": role, "content": text} for role, text in turns])

    assert second.parents == (row_id(first),)
    assert third.parents == (row_id(second),)
    assert {draft.about["root"] for draft in (first, second, third)} == set(first.parents)
    assert [draft.about["step"] for draft in (first, second, third)] == [1, 2, 3]
    assert third.instruction.startswith(second.instruction)
    assert second.instruction.startswith(first.instruction)


def test_a_failed_step_keeps_what_was_before(evolve) -> None:
    asked: list[str] = []

    def fail_second(request: TeacherRequest) -> str:
        task = asked_text(request).partition("Given task:\n")[2]
        asked.append(task)
        return "Rewritten task: no" if len(asked) == 2 else f"{task} And step {len(asked)} too."

    drafts = evolve(scripted(evolve=fail_second), rounds=3)
    assert rules(drafts) == ["copies_prompt", None, None]
    assert asked[1] == asked[2]  # the third step starts where the second one did
    assert drafts[0].parents == drafts[1].parents
    assert drafts[0].rejection.evidence == "Rewritten task"


@pytest.mark.parametrize(
    ("says", "rule", "evidence"),
    [
        ({"compare": "EQUAL"}, "no_information_gain", "EQUAL"),
        (
            {"evolve": lambda r: asked_text(r).partition("Given task:\n")[2]},
            "no_information_gain",
            "the same",
        ),
        (
            {"evolve": "Explain the #Rewritten Prompt# of bread."},
            "copies_prompt",
            "Rewritten Prompt",
        ),
        ({"evolve": ""}, "unparsable_reply", ""),
        ({"evolve": "Too short."}, "instruction_too_short", None),
        ({"evolve": "word " * 200}, "instruction_too_long", None),
        ({"evolve": TeacherReply("k", error="HTTP 500")}, "teacher_error", "HTTP 500"),
        (
            {"evolve": TeacherReply("k", text="Explain how bread", finish_reason="length")},
            "truncated_proposal",
            "Explain how bread",
        ),
        ({"answer": "Sorry, that is beyond me."}, "sorry_answer", "Sorry"),
        ({"answer": "sorry " + "word " * 78}, "sorry_answer", "sorry"),
        ({"answer": "It is what it is."}, "empty_words", "It is"),
        ({"answer": TeacherReply("k", error="HTTP 500")}, "teacher_error", "HTTP 500"),
    ],
)
def test_every_elimination_has_a_name_and_evidence(evolve, says, rule, evidence) -> None:
    (draft,) = evolve(scripted(**says))
    assert draft.rejection.rule == rule
    assert draft.reply is not None
    assert draft.parents
    if evidence is not None:
        assert evidence in (draft.rejection.evidence or "")


def test_an_apology_of_eighty_words_is_an_answer(evolve) -> None:
    assert rules(evolve(scripted(answer="sorry " + "word " * 79))) == [None]


def test_a_teacher_that_does_not_say_eliminates_nothing(evolve) -> None:
    (draft,) = evolve(scripted(compare="I like both."))
    assert draft.rejection is None
    assert draft.about["information_gain"] is None
    assert "Second task:" in draft.about["gain_asked"]  # its key


def test_nobody_is_asked_about_gain_where_the_recipe_says_so(evolve) -> None:
    asked: list[str] = []
    teacher = scripted()

    def listening(request: TeacherRequest) -> Any:
        asked.append(kind_of(request))
        return teacher(request)

    (draft,) = evolve(listening, ask_gain=False)
    assert asked == ["evolve", "answer"]
    assert "information_gain" not in draft.about


def test_cheap_rules_come_before_paid_questions(evolve) -> None:
    asked: list[str] = []

    def listening(request: TeacherRequest) -> str:
        asked.append(kind_of(request))
        return "Draw a map of bread in a picture."

    assert rules(evolve(listening)) == ["blacklisted_word"]
    assert asked == ["evolve"]


def test_the_last_step_comes_to_the_gates_first(evolve) -> None:
    met: list[str] = []

    def gate(instruction: str) -> Rejection | None:
        met.append(instruction)
        return Rejection("rouge_l", 0.9, 0.7) if len(met) > 1 else None

    drafts = evolve(gate=gate, rounds=2)
    assert len(met[0]) > len(met[1])
    assert rules(drafts) == [None, "rouge_l"]
    assert drafts[1].output


def test_every_reply_is_in_the_books(evolve) -> None:
    said: list[str] = []
    teacher = scripted(compare="EQUAL")

    def keyed(request: TeacherRequest) -> TeacherReply:
        said.append(f"key-{len(said)}")
        return TeacherReply(said[-1], text=str(teacher(request)))

    drafts = evolve(keyed, rounds=2, answers_per_task=2)
    books = json.dumps([[draft.reply.key, dict(draft.about)] for draft in drafts])
    assert all(key in books for key in said)
    said.clear()
    teacher = scripted()
    drafts = evolve(keyed, rounds=2, answers_per_task=2)
    books = json.dumps([[draft.reply.key, dict(draft.about)] for draft in drafts])
    assert len(said) == 8
    assert all(f'"{key}"' in books for key in said)


def test_rows_of_an_earlier_source_are_evolved(tmp_path: Path) -> None:
    rows = make_rows([make_row("Explain how salt is made.", source="mine.jsonl")])
    generator = {"kind": "evol_instruct", "over": "mine.jsonl"}
    with method_of(tmp_path, generator, earlier=rows) as method:
        (draft,) = play(method.job(0, ""), scripted())
        assert draft.instruction.startswith("Explain how salt is made.")
        assert draft.parents == (rows["id"][0],)
        assert method.fingerprint is None
        assert method.forecast().rows == 100
    generator["over"] = "yours.jsonl"
    with (
        method_of(tmp_path, generator, earlier=rows) as method,
        pytest.raises(
            InputError, match=r"from 'yours\.jsonl' in 'over'.*got none of 'mine\.jsonl'"
        ),
    ):
        play(method.job(0, ""), scripted())


def test_a_quote_needs_no_rows(tmp_path: Path) -> None:
    with method_of(tmp_path, {"kind": "evol_instruct", "over": "x"}) as method:
        assert list(method.forecast().waves[0].known) == []


def test_the_order_of_replies_does_not_matter(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "seeds.jsonl", SEEDS)
    generator = {"kind": "evol_instruct", "seeds": "seeds.jsonl", "rounds": 2}
    with method_of(tmp_path, generator) as method:
        found = [
            run_together(
                [method.job(position, "") for position in range(12)], scripted(), seed=seed
            )
            for seed in range(4)
        ]
    assert found[0] == found[1] == found[2] == found[3]
    assert {rule for drafts in found[0] for rule in rules(drafts)} >= {None, "rouge_l"}
