"""What users get wrong: one line, the right exit code, nothing lost, and the next run works."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import FileLock

from tests.support.cli import Ran, call_cli, run_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import good_records, read_tree, write_jsonl, write_recipe

pytestmark = pytest.mark.usefixtures("prefect_api")
Words = Sequence[object]
Prepare = Callable[[Path], Words]

SUMMARY = {
    "dataset", "version", "path", "content_sha256", "rows_in", "kept", "dropped", "quarantined",
    "by_rule", "requests", "tokens", "cost_usd", "seconds", "error",
}  # fmt: skip


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A directory with good data, and a recipe over it that works."""
    write_jsonl(tmp_path / "good.jsonl", good_records(4))
    write_recipe(tmp_path / "good.yaml", sources=[{"path": "good.jsonl"}])
    return tmp_path


def recipe(text: str) -> Prepare:
    """`run` with a recipe of this text."""

    def prepare(base: Path) -> Words:
        (base / "bad.yaml").write_text(text, encoding="utf-8")
        return ["run", "bad.yaml"]

    return prepare


def given(name: str, data: bytes) -> Prepare:
    """`run` over a source of these bytes."""

    def prepare(base: Path) -> Words:
        (base / name).write_bytes(data)
        write_recipe(base / "bad.yaml", sources=[{"path": name}])
        return ["run", "bad.yaml"]

    return prepare


def words(*given_words: object) -> Prepare:
    """A command line as it stands."""
    return lambda _: given_words


def file_for_directory(base: Path) -> Words:
    (base / "taken").write_text("keep me")
    return ["run", "good.yaml", "--out", "taken"]


def file_for_home(base: Path) -> Words:
    (base / "taken").write_text("keep me")
    return ["run", "good.yaml", "--home", "taken"]


#: What is wrong -> how to get there, and the line that says so.
WRONG: dict[str, tuple[Prepare, str]] = {
    "unknown field": (
        recipe("name: a\nsorces: []\n"),
        "unknown field 'sorces' in bad.yaml: did you mean 'sources'?",
    ),
    "unknown field deep down": (
        recipe("name: a\nsources: [{path: good.jsonl, licence: MIT}]\n"),
        "unknown field 'sources.0.licence' in bad.yaml: did you mean 'license'?",
    ),
    "wrong type": (
        recipe("name: a\nsources: [{path: good.jsonl}]\nselect: {max_rows: many}\n"),
        "expected a valid integer, unable to parse string as an integer, got 'many' for "
        "'select.max_rows' in bad.yaml: correct it",
    ),
    "unknown rule": (
        recipe("name: a\nsources: [{path: good.jsonl}]\nfilters: [{rule: min_word}]\n"),
        "filters[0].rule: expected 'min_words', got 'min_word' (in bad.yaml)",
    ),
    "unknown scorer": (
        recipe("name: a\nsources: [{path: good.jsonl}]\nscorers: [repetitionn]\n"),
        "scorers[0]: expected 'repetition', got 'repetitionn' (in bad.yaml)",
    ),
    "no YAML": (recipe("name: [\n"), "expected YAML, got 'while parsing a flow node"),
    "nothing to do": (
        recipe("name: a\n"),
        "expected at least one entry under `sources` or `generators`, got none in bad.yaml: there "
        "is nothing to do",
    ),
    "missing recipe": (
        words("run", "none.yaml"),
        "expected a recipe, got no file at none.yaml: name one, such as recipes/alpaca.yaml",
    ),
    "missing source": (
        recipe("name: a\nsources: [{path: none.jsonl}]\n"),
        "expected a file or a pattern that matches one, got 'none.jsonl', no such file in",
    ),
    "missing input": (
        words("curate", "none.jsonl"),
        "expected a file or a pattern that matches one, got 'none.jsonl', no such file in",
    ),
    "missing prompts": (
        recipe("name: a\ngenerators: [{kind: respond, prompts: none.jsonl}]\n"
               "teacher: {base_url: 'http://127.0.0.1:9/v1', model: m}\n"),
        "expected a file, found none at '",
    ),
    "missing seeds": (
        recipe("name: a\ngenerators: [{kind: self_instruct, seeds: none.jsonl}]\n"
               "teacher: {base_url: 'http://127.0.0.1:9/v1', model: m}\n"),
        "expected a readable JSONL file of seed tasks, got [Errno 2]",
    ),
    "missing benchmark": (
        recipe("name: a\nsources: [{path: good.jsonl}]\ndedup: {semantic: null}\n"
               "decontaminate: {against: [none.jsonl]}\n"),
        "expected a file or a pattern that matches one, got 'none.jsonl', no such file in",
    ),
    "missing version": (
        recipe("name: a\nsources: [{path: good.jsonl}]\n"
               "dedup: {semantic: null, against: [none]}\n"),
        "expected a published version, got no manifest.json in ",
    ),
    "empty file": (
        given("empty.jsonl", b""),
        "expected records in the sources, got none from empty.jsonl: check the files",
    ),
    "duplicate columns": (
        given("twice.csv", b"instruction,output,output\na,b,c\n"),
        "expected different column names, got 'output' more than once in the header of ",
    ),
    "unknown kind of file": (
        given("data.xyz", b"\x00\x01\x02"), "expected a file of kind .jsonl, .ndjson, .json,"
    ),
    "damaged Parquet": (given("x.parquet", b"PAR1 no"), "expected a Parquet file, got "),
    "teacher without model": (
        recipe("name: a\ngenerators: [{kind: self_instruct}]\n"
               "teacher: {base_url: 'http://127.0.0.1:9/v1'}\n"),
        "expected teacher.model beside teacher.base_url, got nothing: name the model",
    ),
    "money without price": (
        recipe("name: a\ngenerators: [{kind: self_instruct}]\nbudget: {usd: 1}\n"
               "teacher: {base_url: 'http://127.0.0.1:9/v1', model: m}\n"),
        "expected teacher.price_per_million for 'm' beside a budget in usd, got nothing and no",
    ),
    "file for the output directory": (
        file_for_directory,
        "expected a writable directory, got 'file exists' for taken: name another one",
    ),
    "file for the home": (
        file_for_home, "expected a writable directory, got 'file exists' for taken: name another"
    ),
    "no verb": (words(), "the following arguments are required: VERB: see `feingold --help`"),
    "unknown verb": (words("runn", "good.yaml"), "argument VERB: invalid choice: 'runn'"),
    "unknown flag": (
        words("run", "good.yaml", "--ofline"), "unrecognized arguments: --ofline: see `feingold"
    ),
    "missing argument": (
        words("run"), "the following arguments are required: RECIPE: see `feingold run --help`"
    ),
    "set to an unknown field": (
        words("run", "good.yaml", "--set", "teacher.max_in_fligt=8"),
        "unknown field 'teacher.max_in_fligt' in good.yaml: did you mean 'max_in_flight'?",
    ),
    "set without a value": (
        words("run", "good.yaml", "--set", "seed"),
        "expected --set key=value, got 'seed': e.g. --set teacher.max_in_flight=8",
    ),
    "set to an unknown field of no recipe": (
        words("curate", "good.jsonl", "--set", "sed=8"),
        "unknown field 'sed' in the command line: did you mean 'seed'?",
    ),
    "unknown method": (
        words("dedup", "good.jsonl", "--method", "exact,fuzzy"),
        "expected --method of exact, lexical, semantic, got 'exact,fuzzy': correct it",
    ),
    "threshold out of bounds": (
        words("dedup", "good.jsonl", "--threshold", "1.5"),
        "expected --threshold above 0 and at most 1, got 1.5: e.g. 0.7",
    ),
    "threshold that is no number": (
        words("dedup", "good.jsonl", "--threshold", "high"),
        "argument --threshold: invalid float value: 'high': see `feingold dedup --help`",
    ),
    "unknown scorer to score with": (
        words("score", "good.jsonl", "--scorers", "repetitionn"),
        "scorers[0]: expected 'repetition', got 'repetitionn' (in the command line)",
    ),
    "no version to explain": (
        words("explain", "none", "abc"),
        "expected a published version, got no manifest.json in none",
    ),
    "no version to compare": (
        words("diff", "none", "none"), "expected a published version, got no manifest.json in none"
    ),
    "no version to export": (
        words("export", "none", "--format", "alpaca", "--out", "x.json"),
        "expected a published version, got no manifest.json in none",
    ),
}  # fmt: skip


@pytest.fixture(params=list(WRONG))
def wrong(request: pytest.FixtureRequest) -> tuple[Prepare, str]:
    return WRONG[request.param]


def test_wrong_input_is_one_line_and_loses_nothing(base: Path, wrong: tuple[Prepare, str]) -> None:
    refuse(base, wrong)


@pytest.mark.slow
def test_after_wrong_input_a_right_one_works(base: Path, wrong: tuple[Prepare, str]) -> None:
    refuse(base, wrong)
    if (base / ".feingold").exists():  # else nothing was written, so nothing can be broken
        again = call_cli("run", "good.yaml", "--json", cwd=base).succeed().answer
        assert (again["version"], again["kept"]) == ("1.0.0", 4)


def refuse(base: Path, wrong: tuple[Prepare, str]) -> None:
    prepare, line = wrong
    given_words = prepare(base)
    before = read_tree(base)
    ran = call_cli(*given_words, "--json", cwd=base)
    assert ran.code == 2, ran
    assert line in ran.error_line
    assert ran.answer == {"error": ran.error_line}
    after = read_tree(base)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith("crash.log") or "draft" in name]
    assert (base / ".feingold").exists() or after == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unknown field", "unknown verb"])
def test_a_process_says_the_same(base: Path, name: str) -> None:
    prepare, _ = WRONG[name]
    given_words = prepare(base)
    inside = call_cli(*given_words, "--json", cwd=base)
    outside = run_cli(*given_words, "--json", cwd=base)
    assert outside == inside
    assert run_cli(*given_words, cwd=base) == Ran(inside.code, "", inside.err)


# Data that is damaged is no error: what can be read goes on, the rest is kept in quarantine.

LINE = json.dumps(good_records(1)[0]).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "rows_in", "by_rule"),
    [
        ("unreadable line", LINE + b"\n{\n", 2, {"invalid_json": 1}),
        ("cut line", LINE + b"\n" + LINE[:-9], 2, {"invalid_json": 1}),
        ("other shape", LINE + b'\n{"a": 1}\n[1]\n', 3, {"not_an_object": 1, "unknown_format": 1}),
        ("wrong encoding", LINE + b"\n" + LINE.replace(b".", b"\xe4", 1), 2, {"bad_encoding": 1}),
        ("zero bytes", LINE + b"\n\x00\x00\n", 2, {"invalid_json": 1}),
        ("deep", LINE + b"\n" + b"[" * 100_000 + b"\n", 2, {"invalid_json": 1}),
    ],
)
def test_damage_is_quarantined(
    base: Path, name: str, data: bytes, rows_in: int, by_rule: dict[str, int]
) -> None:
    found = call_cli(*given("x.jsonl", data)(base), "--json", cwd=base).succeed().answer
    assert (found["rows_in"], found["kept"], found["by_rule"]) == (rows_in, 1, by_rule)
    assert found["quarantined"] == rows_in - 1
    rejects = pl.read_parquet(Path(base, found["path"], "rejects", "*.parquet"))
    assert rejects.height == rows_in - 1
    assert (base / "x.jsonl").read_bytes() == data


@pytest.mark.slow
def test_a_row_of_ten_megabytes(base: Path) -> None:
    large = {**good_records(2)[1], "output": "All kinds of words are in here. " * 320_000}
    data = b"\n".join([LINE, json.dumps(large).encode()])
    assert len(data) > 10_000_000
    found = call_cli(*given("x.jsonl", data)(base), "--json", cwd=base).succeed().answer
    assert found["rows_in"] == 2
    assert found["kept"] + found["dropped"] + found["quarantined"] == 2
    assert found["by_rule"] == {"max_repetition": 1}


def test_nothing_is_left_to_publish(base: Path) -> None:
    ran = call_cli(*given("x.jsonl", b"{\n{\n")(base), "--json", cwd=base)
    assert ran.code == 1
    assert "expected rows to publish, got none: " in ran.error_line
    assert set(ran.answer) >= SUMMARY
    assert (ran.answer["rows_in"], ran.answer["quarantined"]) == (2, 2)
    assert ran.answer["error"] == ran.error_line


# The teacher


def generating(base: Path, teacher: FakeTeacher, **options: Any) -> Path:
    write_jsonl(
        base / "prompts.jsonl", [{"prompt": f"Tell me about number {n}."} for n in range(9)]
    )
    return write_recipe(
        base / "ask.yaml",
        teacher=teacher.options(**options),
        generators=[{"kind": "respond", "prompts": "prompts.jsonl"}],
    )


@pytest.mark.slow
def test_a_teacher_that_is_not_there(base: Path, teacher: FakeTeacher) -> None:
    with FakeTeacher() as gone:
        generating(base, gone, max_attempts=1)
    ran = call_cli("run", "ask.yaml", "--json", cwd=base)
    assert ran.code == 1
    assert "expected answers, got" in ran.error_line
    assert "Cannot connect to host 127.0.0.1" in ran.error_line
    assert ran.error_line.endswith("run the same command again; what was answered is kept")
    assert set(ran.answer) >= SUMMARY
    assert ran.answer["requests"]["sent"] >= 1
    generating(base, teacher)
    assert call_cli("run", "ask.yaml", "--json", cwd=base).succeed().answer["kept"] == 9


@pytest.mark.slow
def test_a_wrong_key_stops_at_once(base: Path) -> None:
    with FakeTeacher(always="401", latency_seconds=0.1) as teacher:
        generating(base, teacher, max_in_flight=3)
        ran = run_cli("run", "ask.yaml", "--json", cwd=base, env={"OPENAI_API_KEY": "sk-canary-77"})
        assert ran.code == 2
        assert ran.error_line == (
            "expected a valid key in $OPENAI_API_KEY, got HTTP 401 from fake-teacher at "
            f"{teacher.base_url}: set the variable to a key of that teacher"
        )
        assert ran.answer == {"error": ran.error_line}
        assert len(teacher.received) == 3
        assert {item.authorization for item in teacher.received} == {"Bearer sk-canary-77"}
    assert "sk-canary-77" not in ran.out + ran.err
    assert [name for name, data in read_tree(base).items() if b"sk-canary-77" in data] == []


@pytest.mark.slow
def test_a_budget_that_is_used_up(base: Path, teacher: FakeTeacher) -> None:
    generating(base, teacher)
    ran = call_cli("run", "ask.yaml", "--json", "--set", "budget.requests=4", cwd=base)
    assert ran.code == 3
    assert ran.error_line == (
        "expected to stay within budget.requests = 4, but the next request could exceed it "
        "(4 requests spent): raise it and run the same command again, paid replies are kept"
    )
    assert set(ran.answer) >= SUMMARY
    assert ran.answer["requests"] == {"sent": 4, "replayed": 0, "failed": 0}
    again = call_cli("run", "ask.yaml", "--json", "--set", "budget.requests=9", cwd=base)
    assert again.succeed().answer["requests"] == {"sent": 5, "replayed": 4, "failed": 0}
    assert len(teacher.received) == 9


def test_offline_without_replies(base: Path, teacher: FakeTeacher) -> None:
    generating(base, teacher)
    ran = call_cli("run", "ask.yaml", "--offline", "--json", cwd=base)
    assert ran.code == 1
    assert "expected all 9 replies of this step in the journal, got 0 in " in ran.error_line
    assert teacher.received == []


# The disk and the home


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(words).returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--home", "--out"])
def test_a_full_disk(base: Path, tiny: Path, flag: str) -> None:
    records = [
        {**row, "output": f"{row['output']} {os.urandom(1500).hex()}"} for row in good_records(500)
    ]
    source = write_jsonl(base / "large.jsonl", records).read_bytes()
    write_recipe(base / "large.yaml", sources=[{"path": "large.jsonl"}], filters=[])
    ran = call_cli("run", "large.yaml", "--json", flag, tiny / "x", cwd=base)
    assert ran.code == 1, ran
    assert ran.error_line.startswith("expected to write to ")
    assert "no space left on device" in ran.error_line
    assert ran.error_line.endswith("': make room, then run this again")
    assert set(ran.answer) >= SUMMARY
    assert [name for name in read_tree(tiny) if "draft" in name or name.endswith("1.0.0")] == []
    assert (base / "large.jsonl").read_bytes() == source
    subprocess.run(["mount", "-o", "remount,size=100m", str(tiny)], check=True)
    again = call_cli("run", "large.yaml", "--json", flag, tiny / "x", cwd=base).succeed().answer
    assert (again["version"], again["rows_in"]) == ("1.0.0", 500)


@pytest.mark.parametrize("flag", ["--home", "--out"])
def test_a_read_only_directory(base: Path, tiny: Path, flag: str) -> None:
    (tiny / "x").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    ran = call_cli("run", "good.yaml", "--json", flag, tiny / "x", cwd=base)
    assert ran.code == 2
    assert ran.error_line == (
        f"expected a writable directory, got 'read-only file system' for {tiny / 'x'}: name "
        "another one"
    )
    assert ran.answer == {"error": ran.error_line}
    subprocess.run(["mount", "-o", "remount,rw,size=100m", str(tiny)], check=True)
    call_cli("run", "good.yaml", "--json", flag, tiny / "x", cwd=base).succeed()


@pytest.mark.slow
def test_a_second_run_of_a_dataset_waits_for_the_first(base: Path) -> None:
    folder = base / ".feingold" / "runs"
    folder.mkdir(parents=True)
    is_held = threading.Event()

    def hold() -> None:
        with FileLock(folder / "set.lock"):
            is_held.set()
            time.sleep(1)

    threading.Thread(target=hold).start()
    is_held.wait()
    started = time.monotonic()
    ran = call_cli("run", "good.yaml", "--json", cwd=base).succeed()
    assert time.monotonic() - started >= 0.9
    assert ran.err.startswith("waiting for another run of set in ")


def test_a_bug_of_ours_is_one_line_and_its_trace_a_file(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import recipes

    def fail(*_: object, **__: object) -> None:
        msg = "a\nbug"
        raise ZeroDivisionError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "parse_recipe", fail)
        ran = call_cli("run", "good.yaml", "--json", cwd=base)
    assert ran.code == 1
    assert ran.error_line == (
        "unexpected ZeroDivisionError: a bug; the trace is in .feingold/crash.log, finished work "
        "is kept, please report it"
    )
    assert ran.answer == {"error": ran.error_line}
    assert "ZeroDivisionError: a" in (base / ".feingold" / "crash.log").read_text()
    call_cli("run", "good.yaml", "--json", cwd=base).succeed()
