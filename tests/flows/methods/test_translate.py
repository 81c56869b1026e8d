import re
from pathlib import Path

import polars as pl
import pytest

from flows.methods.base import Method
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.played import open_method, play, play_all, prompt_of, rules_of
from tests.support.rows import make_row, make_rows

THERE = {
    "Why does the ferry not run at night?": "Warum fährt die Fähre nachts nicht?",
    "The ferry does not run at night because its 12 lamps are broken. See [[1]].": (
        "Die Fähre fährt nachts nicht, weil ihre 12 Lampen kaputt sind. Siehe [[1]]."
    ),
}
BACK = {german: english for english, german in THERE.items()}
ROW = make_row(
    "Why does the ferry not run at night?",
    "The ferry does not run at night because its 12 lamps are broken. See `plan.txt`.",
    license="CC0-1.0",
)


def teacher(changes: dict[str, str] | None = None):
    known = {**THERE, **BACK, **(changes or {})}

    def answer(request: TeacherRequest) -> str:
        (text,) = re.findall(r"[0-9a-f]{16} TEXT\n(.*)\n[0-9a-f]{16} END", prompt_of(request))
        return known[text]

    return answer


def method(folder: Path, rows: list[dict] | None = None, **options) -> Method:
    earlier = make_rows([ROW] if rows is None else rows)
    return open_method(folder, {"kind": "translate"} | options, earlier=earlier)


def run(folder: Path, said, **options):
    (job,) = method(folder, **options).jobs()
    return play(job, said)


def test_a_row_that_comes_back_the_same_is_kept(tmp_path: Path) -> None:
    (row,), asked = run(tmp_path, teacher())
    assert row.rejection is None
    assert row.instruction == "Warum fährt die Fähre nachts nicht?"
    assert row.output.endswith("12 Lampen kaputt sind. Siehe `plan.txt`.")
    assert (row.arm, row.parents, row.license) == ("de", (ROW["id"],), "CC0-1.0")
    assert row.about["round_trip"] == {"instruction": 1.0, "output": 1.0}
    assert len(row.about["keys"] + row.about["back_keys"]) == len(asked) == 4
    assert "from English into German" in prompt_of(asked[0])
    assert "from German into English" in prompt_of(asked[2])


ANSWER = list(THERE)[1]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({ANSWER: THERE[ANSWER].replace("12", "21")}, "number_changed"),
        ({ANSWER: THERE[ANSWER].replace(" nicht", "")}, "negation_changed"),
        ({ANSWER: THERE[ANSWER].replace("[[1]]", "plan.txt")}, "protected_lost"),
        ({ANSWER: ANSWER}, "not_translated"),
        ({THERE[ANSWER]: ANSWER.replace("12", "20")}, "number_changed"),
        ({THERE[ANSWER]: ANSWER.replace(" does not", " does")}, "negation_changed"),
        ({THERE[ANSWER]: "Not 12 old men sang [[1]] loudly."}, "round_trip"),
    ],
)
def test_a_changed_meaning_makes_no_row(tmp_path: Path, change, rule: str) -> None:
    (draft,), asked = run(tmp_path, teacher(change))
    assert rules_of([draft]) == [rule]
    assert draft.parents == (ROW["id"],)
    assert len(draft.about["keys"]) == 2
    is_back = next(iter(change)) in BACK
    assert len(asked) == (4 if is_back else 2)
    if rule == "round_trip":
        assert 0 < draft.rejection.value < draft.rejection.threshold == 0.4


def test_a_failed_reply_is_named(tmp_path: Path) -> None:
    drafts, _ = run(tmp_path, lambda _: TeacherReply("k", error="500"))
    assert rules_of(drafts) == ["teacher_error"]


def test_rows_in_the_language_and_long_conversations_are_not_asked_about(tmp_path: Path) -> None:
    german = make_row("Warum ist der Himmel am Tag so blau?", "Weil Luft blaues Licht streut.")
    turns = [{"role": role, "content": role} for role in ("user", "assistant") * 2]
    found = method(tmp_path, [german, make_row("a", messages=turns, id="x")])
    assert found.count_jobs() == 0
    assert [draft.rejection.rule for draft in found.unreadable()] == ["several_turns"]


def test_a_file_of_rows_and_several_languages(tmp_path: Path) -> None:
    records = pl.DataFrame(
        {"instruction": [ROW["instruction"]], "input": [""], "output": ["Because it is broken."]}
    )
    records.write_ndjson(tmp_path / "a.jsonl")
    options = {"kind": "translate", "path": "a.jsonl", "to": ["de", "fr"], "license": "MIT"}
    found = open_method(tmp_path, options)
    drafts = play_all(found, lambda _: "Nein, nichts.")
    assert [draft.arm for draft in drafts] == ["de", "fr"]
    assert {draft.license for draft in drafts} == {"MIT"}


def test_what_lost_is_translated_too(tmp_path: Path) -> None:
    (draft,), _ = run(tmp_path, teacher(), rows=[ROW | {"rejected": ROW["instruction"]}])
    assert draft.rejection is None
    assert draft.rejected == "Warum fährt die Fähre nachts nicht?"


def test_an_unknown_language_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'xx' in `to`"):
        method(tmp_path, to=["xx"])


def test_a_small_model_goes_on_with_a_text(tmp_path: Path) -> None:
    found = open_method(tmp_path, {"kind": "translate"}, earlier=make_rows([ROW]), embedded=True)
    (job,) = found.jobs()
    drafts, asked = play(job, lambda _: " ")
    assert asked[0].body["prompt"].endswith("\nGerman:")
    assert rules_of(drafts) == ["empty_translation"]
