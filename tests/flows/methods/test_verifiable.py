"""Jobs of verifiable tasks, driven by hand: what passes is a row, what does not says why."""

from typing import Any

import pytest

from flows.generators.profiles import PROFILES
from flows.methods.base import Kit
from flows.methods.jobs import Ask, Draft, Work
from flows.methods.verifiable import Verifiable
from flows.sandbox.run import find_obstacle
from flows.session import RunSpec, Session
from schemas.errors import InputError
from schemas.frames import ROWS, empty_frame
from schemas.recipe import Recipe
from schemas.recipe.generators.verifiable import VerifiableOptions
from schemas.records import TeacherReply


def make(*families: str, answers: int = 1, language: tuple[str, ...] = ("en",)) -> Verifiable:
    recipe = Recipe(name="set", language=language)
    session = Session(RunSpec("set", "/nowhere", "", "", recipe.model_dump_json(), ""))
    options = VerifiableOptions(kind="verifiable", families=families, answers_per_task=answers)  # type: ignore[arg-type]
    profile = PROFILES["large"].__class__(answers_per_task=answers, answer_temperature=0.7)
    return Verifiable(Kit(session, options, profile, lambda: empty_frame(ROWS)))


def drive(method: Verifiable, position: int, arm: str, *texts: Any) -> list[Draft]:
    """Answer the job's questions with texts, or replies as they are."""
    job = method.job(position, arm)
    step: Any = next(job)
    try:
        assert isinstance(step, Ask)
        assert len(step.requests) == len(texts)
        replies = [
            text if isinstance(text, TeacherReply) else TeacherReply(f"k{n}", text=text)
            for n, text in enumerate(texts)
        ]
        step = job.send(replies)
        while isinstance(step, Work):
            step = job.send(step.call())
    except StopIteration as end:
        return list(end.value)
    raise AssertionError(step)


def rules(drafts: list[Draft]) -> list[str | None]:
    return [draft.rejection.rule if draft.rejection else None for draft in drafts]


def expected(method: Verifiable, position: int, arm: str) -> str:
    (draft,) = drive(method, position, arm, "?")
    return str((draft.about or {})["check"]["expected"])


def test_a_right_answer_is_a_row_with_its_check_and_arm() -> None:
    method = make("arithmetic")
    right = expected(method, 3, "arithmetic/plain")
    (draft,) = drive(method, 3, "arithmetic/plain", f"It is {right}.")
    assert draft.rejection is None
    assert (draft.arm, draft.output) == ("arithmetic/plain", f"It is {right}.")
    assert (draft.about or {})["check"]["kind"] == "number"


def test_a_wrong_one_says_what_was_expected_and_a_doubtful_one_is_not_right() -> None:
    method = make("arithmetic")
    right = expected(method, 3, "arithmetic/plain")
    (wrong,) = drive(method, 3, "arithmetic/plain", "It is 123456.")
    assert rules([wrong]) == ["wrong_answer"]
    assert f"expected {right}, got 'It is 123456.'" == wrong.rejection.evidence
    (doubt,) = drive(method, 3, "arithmetic/plain", f"{right} or 7")
    assert rules([doubt]) == ["unverified_answer"]


def test_the_first_right_one_of_several_is_kept_and_every_reply_is_accounted_for() -> None:
    method = make("arithmetic", answers=5)
    right = expected(make("arithmetic"), 3, "arithmetic/plain")
    cut = TeacherReply("c", text=right, finish_reason="length")
    failed = TeacherReply("f", error="503")
    drafts = drive(method, 3, "arithmetic/plain", "1234567", failed, right, cut, right)
    assert rules(drafts) == [
        "wrong_answer", "teacher_error", None, "truncated_answer", "not_best_answer"
    ]  # fmt: skip


def test_what_fails_of_a_form_is_named() -> None:
    method = make("format")
    (draft,) = drive(method, 1, "format/style", "")
    assert draft.rejection is not None
    assert draft.rejection.rule == "wrong_answer"
    kinds = [c["kind"] for c in draft.about["check"].get("checks", [draft.about["check"]])]  # type: ignore[index]
    assert draft.rejection.evidence.startswith(kinds[0])  # type: ignore[union-attr]


@pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))
def test_programs_are_run() -> None:
    method = make("python")
    (draft,) = drive(method, 0, "python/numbers", "```python\nimport os\nos._exit(0)\n```")
    assert rules([draft]) == ["wrong_answer"]
    name = draft.about["check"]["function"]  # type: ignore[index]
    code = f"def {name}(*given):\n    raise SystemExit(0)"
    (draft,) = drive(method, 0, "python/numbers", code)
    assert f"{name}(" in (draft.rejection.evidence or "")  # type: ignore[union-attr]


def test_jobs_depend_on_position_and_arm_alone_and_take_the_arms_in_turn() -> None:
    one, other = make("arithmetic"), make("arithmetic")
    arms = one.arms
    for position in range(2 * len(arms)):
        named = next(one.job(position, arms[position % len(arms)]))
        assert named == next(other.job(position, ""))


def test_programs_get_room_for_their_text() -> None:
    method = make("python", "arithmetic")
    sums, programs = (next(method.job(0, arm)) for arm in ("arithmetic/plain", "python/texts"))
    assert sums.requests[0].body["max_tokens"] <= programs.requests[0].body["max_tokens"]


def test_a_language_without_words_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="none: arithmetic is there in en and de"):
        make("format", language=("fr",))


def test_a_machine_without_a_sandbox_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.methods.verifying.find_obstacle", lambda: "no seccomp")
    with pytest.raises(InputError, match="no seccomp; leave python out"):
        make("python")
    assert make("arithmetic").arms


def test_a_quote_knows_its_questions() -> None:
    forecast = make("arithmetic", "format").forecast()
    (wave,) = forecast.waves
    assert forecast.rows == 100
    assert len(list(wave.known)) == wave.number
