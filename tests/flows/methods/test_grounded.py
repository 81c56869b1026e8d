import json
import re
from pathlib import Path

import pytest

from flows.methods.base import Method
from schemas.records import TeacherReply, TeacherRequest
from tests.support.played import open_method, play, play_all, prompt_of, rules_of

TEXT = (
    "The mill was built in 1764 by the widow Anna Kerr. It did not burn down in the great fire of "
    "1811, because its roof was made of slate. The last miller left the village in 1932."
)
GOOD = {
    "question": "Who built the tide mill of Orrin Bay?",
    "answer": "The widow Anna Kerr built the mill.",
    "quotes": ["The mill was built in 1764 by the widow Anna Kerr"],
}


def method(folder: Path, text: str = TEXT, **options) -> Method:
    (folder / "a.md").write_text(f"# Mill\n\n{text}\n")
    given = {"kind": "grounded", "documents": "*.md", "license": "CC0-1.0", "per_chunk": 1}
    return open_method(folder, given | options)


def made(folder: Path, item: dict, **options):
    (job,) = method(folder, **options).jobs()
    (draft,), _ = play(job, lambda _: json.dumps({"items": [item]}))
    return draft


def test_a_true_quote_makes_a_row_that_says_where_it_stands(tmp_path: Path) -> None:
    draft = made(tmp_path, GOOD)
    assert draft.rejection is None
    assert (draft.instruction, draft.input, draft.output) == (GOOD["question"], "", GOOD["answer"])
    assert (draft.arm, draft.license, len(draft.parents)) == ("qa", "CC0-1.0", 1)
    about = draft.about
    assert (about["document"], about["section"]) == ("a.md", ["Mill"])
    (quote,) = about["quotes"]
    whole = f"# Mill\n\n{TEXT}"
    assert whole[quote["start"] : quote["end"]] == GOOD["quotes"][0]
    assert whole[about["start"] : about["end"]] == TEXT


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"quotes": ["The mill was built in 1746 by the widow Anna Kerr"]}, "quote_not_found"),
        ({"quotes": ["It did burn down in the great fire of 1811"]}, "quote_not_found"),
        ({"quotes": ["A rich merchant paid for the mill"]}, "quote_not_found"),
        ({"quotes": [GOOD["quotes"][0], "and sold it in spring"]}, "quote_not_found"),
        ({"quotes": ["The mill"]}, "quote_too_short"),
        ({"quotes": []}, "no_quote"),
        ({"answer": "The mill was built in 1790."}, "number_not_in_source"),
        ({"answer": "A rich merchant from Venice paid."}, "answer_not_in_quote"),
        ({"answer": " "}, "empty_answer"),
        ({"question": "What does the passage say about Anna Kerr?"}, "refers_to_document"),
        ({"question": "Who?"}, "no_question"),
        ({"question": "Which elephant won the race in Venice?"}, "question_not_from_source"),
        ({"answer": "The tide mill of Orrin Bay was built."}, "answer_repeats_question"),
    ],
)
def test_what_does_not_rest_on_its_source_is_named(tmp_path: Path, change, rule: str) -> None:
    draft = made(tmp_path, GOOD | change)
    assert draft.rejection.rule == rule
    assert draft.instruction == (GOOD | change)["question"]
    if rule == "quote_not_found":
        assert 0 <= draft.rejection.value < draft.rejection.threshold == 0.9
        assert draft.rejection.evidence == draft.rejection.evidence.strip() != ""


@pytest.mark.parametrize(
    "quote",
    [
        "the mill was  built in 1764 by the widow\nAnna Kerr",
        "„The mill was built in 1764 by the wi\u00addow Anna Kerr“",
        "The mill was built … by the widow Anna Kerr",
    ],
)
def test_typography_rejects_no_quote(tmp_path: Path, quote: str) -> None:
    assert made(tmp_path, GOOD | {"quotes": [quote]}).rejection is None


def test_with_the_source_given_a_question_may_lean_on_it(tmp_path: Path) -> None:
    item = GOOD | {"question": "Who built the mill of this text?"}
    draft = made(tmp_path, item, give_source=True)
    assert (draft.rejection, draft.input) == (None, TEXT)


def test_every_question_that_was_asked_for_is_accounted_for(tmp_path: Path) -> None:
    (job,) = method(tmp_path, per_chunk=4).jobs()
    false = GOOD | {"quotes": ["The bakery was sold to a bank"]}
    drafts, asked = play(job, lambda _: json.dumps({"items": [GOOD, false]}))
    assert rules_of(drafts) == [None, "quote_not_found", "missing_question", "missing_question"]
    assert drafts[2].rejection.value == 2
    assert "exactly 4 questions" in prompt_of(asked[0])


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("I would rather not.", "unparsable_reply"),
        ("", "unparsable_reply"),
        (TeacherReply("k", error="500"), "teacher_error"),
        (TeacherReply("k", text='{"items": [{"quest', finish_reason="length"), "truncated_answer"),
    ],
)
def test_a_reply_without_questions_is_named(tmp_path: Path, reply, rule: str) -> None:
    (job,) = method(tmp_path).jobs()
    drafts, _ = play(job, lambda _: reply)
    assert rules_of(drafts) == [rule]
    assert drafts[0].about["document"] == "a.md"


def test_documents_and_chunks_without_text_are_not_lost(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "c.md").write_text("# Short\n\nThree words only.")
    found = method(tmp_path, documents=["*.md", "*.pdf"])
    drafts = list(found.unreadable())
    assert [(draft.rejection.rule, draft.action) for draft in drafts] == [
        ("damaged_document", "quarantine"),
        ("chunk_too_short", "drop"),
    ]
    assert "b.pdf" in drafts[0].rejection.evidence
    assert "Three words only." in drafts[1].raw
    assert found.count_jobs() == 1


def long_teacher(text: str):
    return lambda _: text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Anna Kerr built the mill in 1764. Slate saved it from fire.", None),
        ("1. Anna Kerr built the mill.\n2. Slate saved it.", None),
        ("Anna Kerr built the mill in 1765.", "number_not_in_source"),
        ("Penguins from Venice dance happily on warm chocolate beaches.", "not_from_source"),
        (TEXT, "summary_too_long"),
        ("", "empty_answer"),
    ],
)
def test_long_texts_are_held_against_the_chunk(tmp_path: Path, text: str, rule) -> None:
    drafts = play_all(method(tmp_path, tasks=["summary"]), long_teacher(text))
    assert rules_of(drafts) == [rule]
    assert (drafts[0].input, drafts[0].arm) == (TEXT, "summary")


def test_german_chunks_are_asked_about_in_german(tmp_path: Path) -> None:
    german = (
        "Die Fähre von Niederau bringt seit 1898 Menschen über den Fluss. Sie hat keinen Motor. "
        "Ein Stahlseil hält sie fest, und die Strömung drückt sie von einem Ufer zum anderen."
    )
    (job,) = method(tmp_path, german, tasks=["outline"]).jobs()
    drafts, _ = play(job, lambda _: "- Die Fähre hat keinen Motor.")
    assert re.search("Stichpunkte", drafts[0].instruction)


def small_teacher(request: TeacherRequest) -> str:
    if request.endpoint == "completions":
        fact = re.findall("Fact: (.*)", request.body["prompt"])[-1]
        return f" What is true of {fact.split()[1]} {fact.split()[2]}?"
    return request.body["messages"][-1]["content"].splitlines()[0]


def test_a_small_model_is_asked_sentence_by_sentence(tmp_path: Path) -> None:
    found = method(tmp_path, per_chunk=2, asks="quote_first")
    drafts = play_all(found, small_teacher)
    assert rules_of(drafts) == [None, None]
    for draft in drafts:
        assert draft.about["quotes"][0]["similarity"] == 1.0
        assert draft.about["question_key"]
    assert play_all(found, small_teacher) == drafts


def test_the_embedded_model_is_asked_sentence_by_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(TEXT)
    found = open_method(tmp_path, {"kind": "grounded", "documents": "a.md"}, embedded=True)
    (job,) = found.jobs()
    drafts, asked = play(job, small_teacher)
    assert asked[0].endpoint == "completions"
    assert len(drafts) == 3


def test_a_quote_of_the_run_counts_what_will_be_asked(tmp_path: Path) -> None:
    found = method(tmp_path, tasks=["qa", "summary", "explain"])
    forecast = found.forecast()
    assert [wave.number for wave in forecast.waves] == [1, 2]
    assert found.arms == ("qa", "summary", "explain")
