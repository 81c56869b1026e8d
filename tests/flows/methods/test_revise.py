from pathlib import Path

import pytest

from flows.dedup.deduplicate import rows_of
from flows.dedup.mapping import thread_mapper
from flows.dedup.stage import Encoders, deduplicate, split_rows
from flows.methods.base import Method
from schemas.errors import InputError
from schemas.recipe import DedupOptions
from schemas.records import TeacherReply, TeacherRequest
from tests.support.played import open_method, play, prompt_of, rules_of
from tests.support.rows import make_row, make_rows

WEAK = make_row("Name three uses of salt.", "Salt salt salt salt")
FINE = make_row(
    "Why is exercise good for you?",
    "Exercise keeps the heart strong, helps you sleep and lifts your mood.",
)
BETTER = "Salt seasons food, keeps meat from going bad and melts ice on roads."


def teacher(rewrite: str | TeacherReply = BETTER, critique: str = "It names no use."):
    def answer(request: TeacherRequest) -> str | TeacherReply:
        return rewrite if "CRITIQUE" in prompt_of(request) else critique

    return answer


def method(folder: Path, rows=(WEAK, FINE), **options) -> Method:
    return open_method(folder, {"kind": "revise"} | options, earlier=make_rows(list(rows)))


def run(folder: Path, said, **options):
    (job,) = method(folder, **options).jobs()
    return play(job, said)


def test_the_weakest_rows_are_answered_again(tmp_path: Path) -> None:
    (row,), asked = run(tmp_path, teacher(f"Here is the new answer:\n{BETTER}"))
    assert row.rejection is None
    assert (row.instruction, row.output) == (WEAK["instruction"], BETTER)
    assert (row.parents, row.arm) == ((WEAK["id"],), "revise")
    assert row.about["critique"] == "It names no use."
    assert row.about["critique_key"] == "0"
    assert row.about["score_before"] is not None
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (teacher("salt  Salt salt “salt”".replace("“", "").replace("”", "")), "same_answer"),
        (teacher("Food."), "shortened_answer"),
        (teacher("I'm sorry, but I cannot help with that."), "refusal"),
        (teacher(TeacherReply("k", error="500")), "teacher_error"),
        (teacher(TeacherReply("k", text="Salt is", finish_reason="length")), "truncated_answer"),
        (teacher(critique="NOTHING TO CHANGE"), "nothing_to_change"),
        (lambda _: TeacherReply("k", error="500"), "teacher_error"),
    ],
)
def test_an_answer_that_is_no_better_one_is_named(tmp_path: Path, said, rule: str) -> None:
    drafts, _ = run(tmp_path, said)
    assert rules_of(drafts) == [rule]
    assert drafts[0].parents == (WEAK["id"],)


def test_rows_are_chosen_by_score_by_id_or_by_share(tmp_path: Path) -> None:
    assert method(tmp_path, below=0.0).count_jobs() == 0
    assert method(tmp_path, lowest=1.0).count_jobs() == 2
    found = method(tmp_path, ids=[FINE["id"], "0" * 32])
    assert found.count_jobs() == 1
    assert [draft.rejection.rule for draft in found.unreadable()] == ["unknown_row"]


def test_a_field_of_the_records_may_be_the_score(tmp_path: Path) -> None:
    rows = [WEAK | {"raw": '{"stars": 4}'}, FINE | {"raw": '{"stars": 2.5}'}]
    found = method(tmp_path, rows, score="stars", below=3)
    (job,) = found.jobs()
    (draft,), _ = play(job, teacher())
    assert draft.parents == (FINE["id"],)
    assert draft.about["score_before"] == 2.5
    with pytest.raises(InputError, match="'moons' in `score`"):
        method(tmp_path, rows, score="moons", below=3).count_jobs()


def test_two_rules_at_once_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of below, lowest and ids"):
        method(tmp_path, below=0.5, lowest=0.5)


def survivors(folder: Path, answers: list[str]) -> set[str]:
    """What deduplication makes of several answers to the weak row's prompt."""
    rows = make_rows([make_row(WEAK["instruction"], text) for text in answers])
    file = folder / "rows.parquet"
    rows.write_parquet(file)
    options = DedupOptions(semantic=None)
    outcome = deduplicate(
        rows_of([file], []),
        options,
        encoders=Encoders(lambda: None, folder),  # type: ignore[arg-type, return-value]
        work=folder / "work",
        mapper=thread_mapper(1),
    )
    kept, _ = split_rows(rows, outcome.explained)
    return set(kept["output"])


@pytest.mark.parametrize("better_first", [True, False])
def test_deduplication_keeps_the_better_of_both_answers(tmp_path: Path, better_first) -> None:
    answers = [BETTER, WEAK["output"]]
    assert survivors(tmp_path, answers if better_first else answers[::-1]) == {BETTER}


def test_a_rewrite_that_is_worse_loses(tmp_path: Path) -> None:
    worse = "Salt salt is salt and salt of salt salt salt salt salt"
    assert survivors(tmp_path, [BETTER, worse]) == {BETTER}
