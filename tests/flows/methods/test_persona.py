"""People ask, one a task."""

from pathlib import Path
from typing import Any

import pytest

from flows.personas import load_personas
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.playing import method_of, play, run_together

PEOPLE = ["a baker", "a nurse", "a pilot"]
TASK = "Why does bread dough rise overnight?"


def scripted(task: Any = TASK, answer: str = "Yeast makes gas in it."):
    def teacher(request: TeacherRequest) -> str | TeacherReply:
        if "Person: " not in str(request.body):
            return answer
        found: str | TeacherReply = task(request) if callable(task) else task
        return found

    return teacher


def persons_of(tmp_path: Path, **generator: Any) -> list[str]:
    with method_of(tmp_path, {"kind": "persona", **generator}) as method:
        return load_personas(method.kit.session, method._options)  # type: ignore[attr-defined]


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "people.txt").write_text("\n".join(PEOPLE), encoding="utf-8")
    return {"kind": "persona", "personas": "people.txt"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.txt", "a baker\n\n  a nurse \na pilot\na baker\n"),
        ("p", "a baker\na nurse\na pilot"),
        ("p.txt", "\ufeffa baker\r\na nurse\r\na pilot"),
        ("p.jsonl", '{"persona": "a baker"}\n{"text": "a nurse"}\n"a pilot"\n'),
        ("p.json", '[{"description": "a baker"}, {"persona": "a nurse"}, {"text": "a pilot"}]'),
        ("p.csv", "id,persona\n1,a baker\n2,a nurse\n3,a pilot\n"),
    ],
)
def test_people_are_read_from_any_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert persons_of(tmp_path, personas=name) == PEOPLE


def test_a_column_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("who,text\na baker,x\na nurse,y\na pilot,z\n")
    assert persons_of(tmp_path, personas="p.csv", column="who") == PEOPLE


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("p.txt", None, "No such file"),
        ("p.txt", b"", "got none in"),
        ("p.txt", b"\xff\xfe\xfd\xfc", "person a line"),
        ("p.jsonl", b'{"name": "x"}', "in one of persona, description, text"),
        ("p.jsonl", b'{"persona": 3}', "got '3' in"),
        ("p.jsonl", b"{", "broken record"),
        ("p.txt", b"x" * 2000, "at most 1000 characters"),
    ],
)
def test_files_without_people_are_one_line(
    tmp_path: Path, name: str, content: bytes | None, line: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        persons_of(tmp_path, personas=name)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("languages", "least"), [(["en"], 50), (["de"], 30), (["en", "de"], 100)])
def test_there_are_people_in_two_languages(
    tmp_path: Path, languages: list[str], least: int
) -> None:
    with method_of(tmp_path, {"kind": "persona"}, language=languages) as method:
        assert len(load_personas(method.kit.session, method._options)) >= least  # type: ignore[attr-defined]


def test_a_language_without_people_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"got none in the built-in lists for \['fi'\]"),
        method_of(tmp_path, {"kind": "persona"}, language=["fi"]),
    ):
        pass


def test_a_person_is_known_and_not_shown(tmp_path: Path, people: dict[str, Any]) -> None:
    with method_of(tmp_path, people) as method:
        (draft,) = play(method.job(0, "maths"), scripted())
    assert (draft.instruction, draft.output) == (TASK, "Yeast makes gas in it.")
    assert draft.about["persona"] in PEOPLE
    assert (draft.about["task"], draft.arm) == ("maths", "maths")
    assert draft.about["persona"] not in draft.instruction


def test_a_person_is_shown_where_wanted(tmp_path: Path, people: dict[str, Any]) -> None:
    answered: list[str] = []

    def listening(request: TeacherRequest) -> str | TeacherReply:
        answered.append(request.body["messages"][-1]["content"])
        return scripted()(request)

    with method_of(tmp_path, {**people, "show_persona": True}) as method:
        (draft,) = play(method.job(0, ""), listening)
    assert draft.instruction == f"About me: {draft.about['persona']}\n\n{TASK}"
    assert answered[-1] == draft.instruction


def test_everybody_asks_once_before_anybody_asks_again(tmp_path: Path, people: dict) -> None:
    tasks = ["question", "maths", "opinion"]
    with method_of(tmp_path, {**people, "tasks": tasks}) as method:
        assert method.arms == tuple(tasks)
        drafts = [play(method.job(position, ""), scripted())[0] for position in range(9)]
    assert sorted(draft.about["persona"] for draft in drafts[:3]) == PEOPLE
    assert len({(draft.about["persona"], draft.arm) for draft in drafts}) == 9


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("", "unparsable_reply"),
        (TeacherReply("k", error="HTTP 500"), "teacher_error"),
        (TeacherReply("k", text="Why does", finish_reason="length"), "truncated_proposal"),
        ("Draw a picture of my bread.", "blacklisted_word"),
    ],
)
def test_tasks_are_dropped_by_name(tmp_path: Path, people: dict, task: Any, rule: str) -> None:
    with method_of(tmp_path, people) as method:
        ((draft,),) = run_together([method.job(0, "")], scripted(task), seed=0)
    assert draft.rejection.rule == rule
    assert draft.about["persona"] in PEOPLE


def test_the_order_of_replies_does_not_matter(tmp_path: Path, people: dict[str, Any]) -> None:
    def task(request: TeacherRequest) -> str:
        words = ("bread", "rain", "sleep", "salt")
        return f"Why do people like {words[request.sample % 4]} so much in winter?"

    with method_of(tmp_path, people) as method:
        found = [
            run_together(
                [method.job(position, "") for position in range(9)], scripted(task), seed=seed
            )
            for seed in range(4)
        ]
        assert next(iter(method.forecast().waves[0].known)).sample == 0
    assert found[0] == found[1] == found[2] == found[3]
