"""The main flow end to end, with a teacher on loopback."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.cli import call_cli
from tests.support.fake_teacher import MODEL, FakeTeacher
from tests.support.recipes import good_records, read_tree, write_jsonl, write_recipe

pytestmark = pytest.mark.usefixtures("prefect_api")
CANARY = "sk-canary-20261122"
PROMPTS = [{"prompt": f"Tell me about number {word}."} for word in ("one", "two", "six", "ten")]


def write(base: Path, server: FakeTeacher, /, *generators: dict[str, Any], **fields: Any) -> None:
    write_jsonl(base / "prompts.jsonl", PROMPTS)
    options = server.options(**fields.pop("teacher", {}))
    write_recipe(base / "r.yaml", teacher=options, generators=list(generators), **fields)


def run(base: Path, *more: str) -> dict[str, Any]:
    return call_cli("run", "r.yaml", "--json", *more, cwd=base).succeed().answer


RESPOND = {"kind": "respond", "prompts": "prompts.jsonl"}


@pytest.mark.slow
def test_sources_and_generators_come_together(teacher: FakeTeacher, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [*good_records(5), "no row"])
    write(
        tmp_path,
        teacher,
        RESPOND,
        {"kind": "self_instruct", "target": 12, "proposals_per_request": 6},
        sources=[{"path": "rows.jsonl", "license": "MIT"}],
        teacher={"license": "CC0-1.0"},
    )
    answer = run(tmp_path)
    assert answer["kept"] == 5 + 4 + 12
    assert answer["quarantined"] == 1
    assert answer["rows_in"] == answer["kept"] + answer["dropped"] + 1
    assert answer["stopped_by"] == {}
    assert answer["requests"]["sent"] == len(teacher.received)
    assert answer["tokens"]["completion"] == sum(
        item.completion_tokens for item in teacher.received
    )
    version = tmp_path / answer["path"]
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")
    counts = dict(rows.group_by("source").len().iter_rows())
    assert counts == {"rows.jsonl": 5, "respond": 4, "self_instruct": 12}
    assert rows.filter(source="rows.jsonl")["teacher"].null_count() == 5
    assert set(rows.filter(source="respond")["teacher"]) == {MODEL}
    assert rows.filter(pl.col("teacher").is_not_null())["request_key"].null_count() == 0
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["teacher"]["model"] == MODEL
    assert manifest["teacher"]["base_url"] == teacher.base_url
    assert manifest["requests"] == answer["requests"]
    assert manifest["license"] == "other"
    assert [(item["name"], item["kept"]) for item in manifest["sources"]] == [
        ("respond", 4), ("rows.jsonl", 5), ("self_instruct", 12),
    ]  # fmt: skip


def test_a_second_run_asks_nobody(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, RESPOND)
    first = run(tmp_path)
    again = run(tmp_path)
    assert len(teacher.received) == 4
    assert again["requests"] == {"sent": 0, "replayed": 0, "failed": 0}
    assert again["cost_usd"] == 0.0
    assert (again["version"], again["is_new"]) == (first["version"], False)


def test_offline_makes_the_same_from_the_journal_alone(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    write(tmp_path, teacher, RESPOND, {"kind": "self_instruct", "target": 8})
    first = run(tmp_path)
    sent = len(teacher.received)
    other = tmp_path / "other"
    other.mkdir()
    for name in ("journal.sqlite",):
        (other / name).write_bytes((tmp_path / ".feingold" / name).read_bytes())
    again = run(tmp_path, "--offline", "--home", "other", "--out", "elsewhere")
    assert again["content_sha256"] == first["content_sha256"]
    assert again["requests"]["sent"] == 0
    assert again["requests"]["replayed"] >= sent
    assert len(teacher.received) == sent


@pytest.mark.slow
def test_what_a_passing_fault_spoiled_is_made_good_by_the_next_run(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    write(tmp_path, teacher, RESPOND, teacher={"max_attempts": 1, "max_in_flight": 1})
    teacher.choose_fault = lambda body: "500" if "six" in str(body) else None
    first = run(tmp_path)
    assert (first["rows_in"], first["kept"], first["by_rule"]) == (4, 3, {"teacher_error": 1})
    assert first["requests"] == {"sent": 4, "replayed": 0, "failed": 1}
    teacher.choose_fault = None
    again = run(tmp_path)
    assert (again["rows_in"], again["kept"], again["by_rule"]) == (4, 4, {})
    assert again["requests"] == {"sent": 1, "replayed": 3, "failed": 0}
    assert (first["version"], again["version"]) == ("1.0.0", "1.1.0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "stop"),
    [
        ({"max_rounds": 2, "max_dry_rounds": 9}, "max_rounds = 2"),
        ({"max_rounds": 9, "max_dry_rounds": 2}, "max_dry_rounds = 2"),
    ],
)
def test_a_teacher_that_repeats_itself_is_given_up(
    teacher: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: dict[str, int],
    stop: str,
) -> None:
    from tests.support import fake_teacher

    tasks = ["Name the four seasons of a year.", "Why do leaves fall in autumn?"]
    monkeypatch.setattr(fake_teacher, "_tasks", lambda rng, count: list(tasks))
    write(tmp_path, teacher, {"kind": "self_instruct", "target": 9, **limit})
    answer = run(tmp_path)
    assert (answer["kept"], answer["stopped_by"]) == (2, {"self_instruct": stop})
    assert set(answer["by_rule"]) == {"rouge_l"}
    assert len(teacher.received) == len({item.key for item in teacher.received})
    card = (tmp_path / answer["path"] / "README.md").read_text()
    assert f"The generator self_instruct stopped before its target: {stop}." in card


@pytest.mark.slow
def test_more_rows_than_wanted_are_left_out_by_quality(
    teacher: FakeTeacher, tmp_path: Path
) -> None:
    write(tmp_path, teacher, RESPOND, select={"max_rows": 2})
    answer = run(tmp_path)
    assert (answer["kept"], answer["by_rule"]) == (2, {"over_max_rows": 2})
    version = tmp_path / answer["path"]
    kept = pl.read_parquet(version / "data" / "default" / "*.parquet")["quality"].min()
    out = pl.read_parquet(version / "rejects" / "*.parquet")["quality"].max()
    assert kept >= out  # type: ignore[operator]


def test_benchmark_items_are_kept_out(teacher: FakeTeacher, tmp_path: Path) -> None:
    records = good_records(4)
    write_jsonl(tmp_path / "rows.jsonl", records)
    write_jsonl(tmp_path / "bench.jsonl", [{"question": records[2]["instruction"]}])
    write_recipe(
        tmp_path / "r.yaml",
        sources=[{"path": "rows.jsonl"}],
        decontaminate={"against": ["bench.jsonl"]},
    )
    answer = run(tmp_path)
    assert (answer["kept"], answer["by_rule"]) == (3, {"benchmark_exact": 1})
    decisions = pl.read_parquet(tmp_path / answer["path"] / "decisions" / "*.parquet")
    line = decisions.row(by_predicate=pl.col("rule") == "benchmark_exact", named=True)
    assert (line["matched_id"], line["similarity"]) == ("bench.jsonl:0", 1.0)


@pytest.mark.slow
def test_a_changed_answer_limit_asks_again(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, RESPOND)
    run(tmp_path)
    run(tmp_path, "--set", "teacher.max_tokens=100")
    assert [item.body["max_tokens"] for item in teacher.received] == [512] * 4 + [100] * 4


@pytest.mark.slow
def test_a_changed_prompts_file_asks_for_what_is_new(teacher: FakeTeacher, tmp_path: Path) -> None:
    write(tmp_path, teacher, RESPOND)
    run(tmp_path)
    write_jsonl(tmp_path / "prompts.jsonl", [*PROMPTS, {"prompt": "Tell me about number 9."}])
    again = run(tmp_path)
    assert again["requests"] == {"sent": 1, "replayed": 4, "failed": 0}
    assert (again["kept"], again["version"]) == (5, "1.1.0")


@pytest.mark.slow
def test_a_changed_seeds_file_is_noticed(teacher: FakeTeacher, tmp_path: Path) -> None:
    seeds = [{"instruction": f"Seed {word} task.", "output": "Done."} for word in "abc"]
    write_jsonl(tmp_path / "seeds.jsonl", seeds)
    write(tmp_path, teacher, {"kind": "self_instruct", "target": 5, "seeds": "seeds.jsonl"})
    run(tmp_path)
    sent = len(teacher.received)
    write_jsonl(tmp_path / "seeds.jsonl", [{**seed, "output": "Well."} for seed in seeds[1:]])
    run(tmp_path)
    assert len(teacher.received) > sent


def test_the_key_is_nowhere(
    teacher: FakeTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MY_TEACHER_KEY", CANARY)
    write(tmp_path, teacher, RESPOND, teacher={"api_key_env": "MY_TEACHER_KEY"})
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed()
    assert {item.authorization for item in teacher.received} == {f"Bearer {CANARY}"}
    captured = capfd.readouterr()
    assert CANARY not in ran.out + ran.err + captured.out + captured.err
    holders = [name for name, data in read_tree(tmp_path).items() if CANARY.encode() in data]
    assert holders == []


@pytest.mark.slow
def test_a_teachers_text_is_no_instruction_to_anybody(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Markup, paths and template code come out as they went in, and nothing is made of them."""
    from tests.support import fake_teacher

    text = "See <script>alert(1)</script> and {{ 7 * 7 }} in ../../x or $HOME, said `id` twice."
    monkeypatch.setattr(fake_teacher, "_answer_text", lambda prompt, rng: text)
    write(tmp_path, teacher, RESPOND)
    answer = run(tmp_path)
    version = tmp_path / answer["path"]
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")
    assert set(rows["output"]) == {text}
    page = (version / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".feingold", "prompts.jsonl", "published", "r.yaml",
    ]  # fmt: skip
