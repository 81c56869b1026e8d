"""The contract of the command line, as HOUSE.md states it."""

import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.__main__ import _VERBS
from quality.scorers import DEFAULT_SCORERS
from tests.support.cli import ROOT, Ran, call_cli, run_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import NO_MODEL, good_records, read_tree, write_jsonl, write_recipe

SUMMARY = {
    "dataset": str, "version": str, "path": str, "content_sha256": str, "rows_in": int,
    "kept": int, "dropped": int, "quarantined": int, "by_rule": dict, "requests": dict,
    "tokens": dict, "cost_usd": float, "seconds": float,
}  # fmt: skip

GOOD = good_records(12)
#: Twelve good records, and one of each kind that goes.
RECORDS: list[object] = [
    *GOOD[:5],
    GOOD[0],  # exact duplicate
    {"instruction": "What is a lemon?", "input": "", "output": ""},
    ["no object"],
    {**GOOD[1], "instruction": GOOD[1]["instruction"].replace(".", "!")},  # nearly the same
    *GOOD[5:],
    {
        "instruction": "Is it late?",
        "input": "",
        "output": "I'm sorry, but I cannot help with that.",
    },
]
BY_RULE = {
    "empty_output": 1, "exact_duplicate": 1, "lexical_duplicate": 1, "not_an_object": 1,
    "refusal": 1,
}  # fmt: skip


# Help


def test_every_verb_of_the_house_is_there() -> None:
    wanted = {
        "run", "plan", "curate", "dedup", "score", "explain", "diff", "export", "publish",
        "report", "prove", "doctor",
    }  # fmt: skip
    assert set(_VERBS) - wanted == {
        *("audit", "batch", "journal", "judge", "learn", "prune", "refresh", "schema", "tune"),
        *("trainer", "trees", "verify"),
    }
    assert wanted - set(_VERBS) == set()


@pytest.mark.parametrize("verb", ["", *_VERBS])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    from flows.__main__ import main

    with pytest.raises(SystemExit) as caught:
        main([*([verb] if verb else []), "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"usage: feingold {verb}".rstrip())
    assert shown.err == ""
    assert ("--json" in shown.out, "--home" in shown.out) == (bool(verb), bool(verb))
    if not verb:
        assert [name for name in _VERBS if f"    {name} " not in shown.out] == []


def test_help_is_quick() -> None:
    """Median of five, in CPU seconds of the child: what a neighbour does is not its fault."""
    costs, walls = [], []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "flows", "--help"], cwd=ROOT, check=True, capture_output=True
        )
        walls.append(time.monotonic() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(costs) < 0.4
    assert min(walls) < 0.4


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom flows.__main__ import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(sys.modules.keys() & {'polars', 'prefect', 'openai', 'pydantic', 'numpy'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# One world for the tests that only look


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Path:
    base = tmp_path_factory.mktemp("world")
    write_jsonl(base / "rows.jsonl", RECORDS)
    write_recipe(
        base / "r.yaml",
        description="Things | people do.",
        sources=[{"path": "rows.jsonl", "license": "CC-BY-4.0"}],
    )
    return base


@pytest.fixture(scope="module")
def ran(world: Path) -> Ran:
    return call_cli("run", "r.yaml", "--json", cwd=world).succeed()


@pytest.fixture(scope="module")
def version(world: Path, ran: Ran) -> Path:
    return world / str(ran.answer["path"])


def manifest_of(version: Path) -> dict[str, Any]:
    found = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_the_summary_has_every_field(ran: Ran) -> None:
    answer = ran.answer
    assert {name: type(answer[name]) for name in SUMMARY} == SUMMARY
    assert (answer["dataset"], answer["version"], answer["path"]) == (
        "set", "1.0.0", "published/set/1.0.0",
    )  # fmt: skip
    assert (answer["rows_in"], answer["kept"]) == (17, 12)
    assert (answer["dropped"], answer["quarantined"]) == (4, 1)
    assert answer["by_rule"] == BY_RULE
    assert answer["requests"] == {"sent": 0, "replayed": 0, "failed": 0}
    assert answer["tokens"] == {"prompt": 0, "completion": 0}
    assert answer["cost_usd"] == 0.0


def test_people_get_a_summary_on_stderr(ran: Ran) -> None:
    lines = ran.err.splitlines()
    assert lines[0] == "set 1.0.0"
    assert "  rows     12 kept of 17 (70.6 %); 4 dropped, 1 unreadable" in lines
    assert len(lines) <= 20


def test_the_layout_of_a_version(version: Path) -> None:
    assert list(read_tree(version)) == [
        "README.md",
        "data/alpaca/train-00000-of-00001.parquet",
        "data/default/train-00000-of-00001.parquet",
        "decisions/decisions-00000-of-00001.parquet",
        "manifest.json",
        "recipe.yaml",
        "rejects/rejects-00000-of-00001.parquet",
        "report.html",
        "signatures/lexical-00000.parquet",
    ]


def test_the_manifest_keeps_its_promises(version: Path, ran: Ran) -> None:
    found = manifest_of(version)
    assert {name: found[name] for name in ("name", "version", "license", "parent_version")} == {
        "name": "set", "version": "1.0.0", "license": "CC-BY-4.0", "parent_version": None,
    }  # fmt: skip
    for name in ("content_sha256", "rows_in", "kept", "dropped", "quarantined", "by_rule"):
        assert found[name] == ran.answer[name]
    assert found["sources"] == [
        {"name": "rows.jsonl", "license": "CC-BY-4.0", "rows": 17, "kept": 12}
    ]
    assert (found["teacher"], found["cost_usd"]) == (None, 0.0)
    assert found["configs"] == {"default": 12, "alpaca": 12}
    files = {name: data for name, data in read_tree(version).items() if name != "manifest.json"}
    assert {item["path"]: (item["sha256"], item["bytes"]) for item in found["files"]} == {
        name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()
    }
    recipe = yaml.safe_load((version / "recipe.yaml").read_text())
    assert recipe["sources"] == [{"path": "rows.jsonl", "license": "CC-BY-4.0"}]


def test_the_content_hash_is_that_of_the_rows(version: Path, ran: Ran) -> None:
    ids = pl.read_parquet(version / "data" / "default" / "*.parquet")["id"]
    text = "\n".join(sorted(ids))
    assert ran.answer["content_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_every_row_is_in_the_books_once(version: Path) -> None:
    decisions = pl.read_parquet(version / "decisions" / "*.parquet")
    final = decisions.filter(pl.col("action").is_in(["keep", "drop", "quarantine"]))
    assert final.height == final["id"].n_unique() == 17
    kept = pl.read_parquet(version / "data" / "default" / "*.parquet")["id"]
    rejects = pl.read_parquet(version / "rejects" / "*.parquet")
    assert sorted(final.filter(action="keep")["id"]) == sorted(kept)
    assert sorted(final.filter(pl.col("action") != "keep")["id"]) == sorted(rejects["id"])
    assert set(rejects["raw"]) <= {json.dumps(record, ensure_ascii=False) for record in RECORDS}
    wanted = [
        "id", "stage", "rule", "action", "value", "threshold", "matched_id", "similarity",
        "evidence",
    ]  # fmt: skip
    assert decisions.columns == wanted
    duplicate = decisions.row(by_predicate=pl.col("rule") == "exact_duplicate", named=True)
    assert (duplicate["similarity"], duplicate["matched_id"]) == (1.0, duplicate["id"][:32])


def test_the_card_has_a_header_for_the_hub(version: Path) -> None:
    text = (version / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["license"] == "cc-by-4.0"
    assert header["language"] == ["en"]
    assert header["size_categories"] == ["n<1K"]
    assert {item["config_name"]: item["data_files"] for item in header["configs"]} == {
        name: [{"split": "train", "path": f"data/{name}/train-*.parquet"}]
        for name in ("default", "alpaca")
    }
    assert "12 of 17 rows were kept; 4 were dropped and 1 could not be read." in text


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        ("alpaca", ["instruction", "input", "output"]),
        ("default", ["id", "messages", "system", "instruction", "input", "output"]),
    ],
)
def test_every_config_loads_as_a_dataset(
    version: Path, tmp_path: Path, config: str, columns: list[str]
) -> None:
    import datasets

    rows = datasets.load_dataset(str(version), config, split="train", cache_dir=str(tmp_path))
    assert rows.num_rows == 12
    assert rows.column_names[: len(columns)] == columns
    found = zip(rows["instruction"], rows["output"], strict=True)
    # Of two that differ in one mark either may be the one that stays.
    wanted = {record["instruction"]: record["output"] for record in GOOD}
    assert {task.replace("!", "."): output for task, output in found} == wanted


def test_the_default_config_is_the_default(version: Path, tmp_path: Path) -> None:
    import datasets

    rows = datasets.load_dataset(str(version), split="train", cache_dir=str(tmp_path))
    assert [turn["role"] for turn in rows[0]["messages"]] == ["user", "assistant"]


# explain


def test_explain_tells_of_a_kept_row(world: Path, version: Path) -> None:
    row_id = pl.read_parquet(version / "data" / "default" / "*.parquet").filter(
        instruction=GOOD[0]["instruction"]
    )["id"][0]
    answer = call_cli("explain", version, row_id, "--json", cwd=world).succeed().answer
    assert (answer["action"], answer["stage"], answer["rule"]) == ("keep", "publish", "kept")
    assert (answer["id"], answer["row"]["output"]) == (row_id, GOOD[0]["output"])
    assert answer["took_the_place_of"] == [
        {"id": f"{row_id}-1", "rule": "exact_duplicate", "similarity": 1.0}
    ]


@pytest.mark.parametrize("rule", list(BY_RULE))
def test_explain_tells_of_every_row_that_is_out(world: Path, version: Path, rule: str) -> None:
    decisions = pl.read_parquet(version / "decisions" / "*.parquet")
    line = decisions.filter(pl.col("action").is_in(["drop", "quarantine"]), rule=rule)
    row_id = line["id"][0]
    answer = call_cli("explain", world / "published" / "set", row_id, "--json", cwd=world)
    found = answer.succeed().answer
    assert (found["rule"], found["action"]) == (rule, line["action"][0])
    assert json.loads(found["row"]["raw"]) in RECORDS
    assert [item["id"] for item in found["matched"]] == line["matched_id"].drop_nulls().to_list()
    people = call_cli("explain", version, row_id, cwd=world).succeed().out
    assert people.splitlines()[0].startswith(f"{row_id} was ")
    assert f"by rule {rule}" in people.splitlines()[0]


def test_explain_takes_the_beginning_of_an_id(world: Path, version: Path) -> None:
    ids = pl.read_parquet(version / "decisions" / "*.parquet")["id"]
    alone = next(row_id for row_id in ids.sort() if ids.str.starts_with(row_id[:8]).sum() == 1)
    answer = call_cli("explain", version, alone[:8], "--json", cwd=world).succeed().answer
    assert answer["id"] == alone
    assert call_cli("explain", version, "zz", "--json", cwd=world).code == 2
    assert (
        "expected one row whose id begins with '', got "
        in call_cli("explain", version, "", cwd=world).error_line
    )


# export


@pytest.mark.parametrize("form", ["alpaca", "sharegpt", "messages", "prompt_completion", "openai"])
def test_export(world: Path, version: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out.jsonl"
    words = ["export", version, "--format", form, "--out", out, "--json"]
    answer = call_cli(*words, cwd=world).succeed().answer
    assert answer == {
        "dataset": "set", "version": "1.0.0", "format": form, "path": str(out), "rows": 12,
        "left_out": {},
    }  # fmt: skip
    lines = out.read_text(encoding="utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 12


def test_export_to_an_unknown_format(world: Path, version: Path, tmp_path: Path) -> None:
    ran = call_cli("export", version, "--format", "alpacca", "--out", tmp_path / "x", cwd=world)
    assert ran.code == 2
    assert ran.error_line.endswith("got 'alpacca': did you mean 'alpaca'?")


# score


@pytest.fixture(scope="module")
def scored(world: Path) -> pl.DataFrame:
    write_jsonl(world / "z.jsonl", [GOOD[3], "no row", GOOD[2]])
    words = ["score", "z.jsonl", "rows.jsonl", "--out", "scores.parquet", "--json"]
    answer = call_cli(*words, cwd=world).succeed().answer
    assert (answer["rows_in"], answer["quarantined"]) == (20, 2)
    assert answer["path"] == "scores.parquet"
    return pl.read_parquet(world / "scores.parquet")


def test_score_writes_one_row_per_input_row_in_input_order(scored: pl.DataFrame) -> None:
    places = [("z.jsonl", n) for n in range(3)] + [("rows.jsonl", n) for n in range(17)]
    assert scored.select("file", "row").rows() == places
    assert scored.columns[:3] == ["file", "row", "id"]
    wanted = set(DEFAULT_SCORERS) - {"quality"}
    assert set(scored.columns[3:-1]) == wanted
    assert scored.columns[-1] == "quality"


def test_scores_are_measured_or_null(scored: pl.DataFrame) -> None:
    unread = scored.filter(pl.col("id").is_null())
    assert unread.select("file", "row").rows() == [("z.jsonl", 1), ("rows.jsonl", 7)]
    assert set(unread.select(pl.col("quality", *DEFAULT_SCORERS[:3])).row(0)) == {None}
    quality = scored["quality"].drop_nulls()
    assert quality.len() >= 12
    assert quality.is_between(0, 1).all()
    empty = scored.row(
        by_predicate=(pl.col("file") == "rows.jsonl") & (pl.col("row") == 6), named=True
    )
    assert empty["output_words"] in (0.0, None)


def test_named_scorers_only(world: Path) -> None:
    out = world / "few.parquet"
    words = ["score", "rows.jsonl", "--scorers", "repetition, output_words", "--out", out]
    call_cli(*words, cwd=world).succeed()
    found = pl.read_parquet(out)
    assert found.columns == ["file", "row", "id", "repetition", "output_words", "quality"]
    assert found.height == 17


# dedup


def test_dedup_writes_what_stays_and_what_goes(world: Path) -> None:
    words = ["dedup", "rows.jsonl", "--method", "exact,lexical", "--out", "dd", "--json"]
    answer = call_cli(*words, cwd=world).succeed().answer
    assert (answer["rows_in"], answer["kept"], answer["dropped"]) == (17, 14, 2)
    assert (answer["quarantined"], answer["path"]) == (1, "dd")
    kept = pl.read_parquet(world / "dd" / "kept.parquet")
    dropped = pl.read_parquet(world / "dd" / "dropped.parquet")
    assert kept.columns[:3] == dropped.columns[:3] == ["file", "row", "id"]
    wanted = ["method", "matched_id", "matched_file", "matched_row", "similarity", "evidence"]
    assert [name for name in dropped.columns if name in wanted] == wanted
    assert (kept.height, dropped.height) == (14, 2)
    lines = {line["method"]: line for line in dropped.to_dicts()}
    assert {lines["exact"]["row"], lines["exact"]["matched_row"]} == {0, 5}
    assert {lines["lexical"]["row"], lines["lexical"]["matched_row"]} == {1, 8}
    assert lines["exact"]["similarity"] == 1.0
    assert lines["lexical"]["similarity"] >= 0.7
    rows = [*kept["row"], *dropped["row"]]
    assert sorted(rows) == [n for n in range(17) if n != 7]
    at = dict(zip(kept["id"], kept["row"], strict=True))
    assert [at[line["matched_id"]] for line in dropped.to_dicts()] == dropped[
        "matched_row"
    ].to_list()


def test_dedup_against_a_version(world: Path, version: Path) -> None:
    write_jsonl(
        world / "new.jsonl",
        [GOOD[4], {**GOOD[5], "output": "Another answer."}, *good_records(2, seed=9)],
    )
    words = ["dedup", "new.jsonl", "--method", "exact,lexical", "--against", version, "--out", "da"]
    answer = call_cli(*words, "--json", cwd=world).succeed().answer
    assert (answer["rows_in"], answer["kept"], answer["dropped"]) == (4, 2, 2)
    dropped = pl.read_parquet(world / "da" / "dropped.parquet").sort("row")
    assert dropped["row"].to_list() == [0, 1]
    assert dropped["method"].to_list() == ["exact", "lexical"]
    assert dropped["matched_file"].to_list() == [str(version.resolve())] * 2
    assert dropped["matched_id"].str.starts_with("set@1.0.0:").all()


def test_dedup_of_its_own_result_finds_nothing(world: Path) -> None:
    words = ["dedup", "rows.jsonl", "--method", "exact,lexical", "--out", "once"]
    call_cli(*words, cwd=world).succeed()
    again = ["dedup", "once/kept.parquet", "--method", "exact,lexical", "--out", "twice", "--json"]
    answer = call_cli(*again, cwd=world).succeed().answer
    assert (answer["rows_in"], answer["kept"], answer["dropped"]) == (14, 14, 0)


# Other verbs


def test_plan_asks_nobody_and_leaves_nothing(tmp_path: Path, teacher: FakeTeacher) -> None:
    write_recipe(
        tmp_path / "r.yaml",
        teacher=teacher.options(price_per_million={"prompt": 1, "completion": 2}),
        generators=[{"kind": "self_instruct", "target": 20}],
    )
    before = read_tree(tmp_path)
    answer = call_cli("plan", "r.yaml", "--json", cwd=tmp_path).succeed().answer
    assert teacher.received == []
    assert read_tree(tmp_path) == before
    assert answer["requests"] > 20
    assert min(answer["tokens"].values()) > 0
    prompt, completion = answer["tokens"]["prompt"], answer["tokens"]["completion"]
    assert answer["cost_usd"] == pytest.approx((prompt + 2 * completion) / 1e6)
    assert answer["seconds"] > 0
    assert answer["training"]["rows"] == 20


def test_report_is_rebuilt(world: Path, version: Path, tmp_path: Path) -> None:
    answer = call_cli("report", version, "--json", cwd=tmp_path).succeed().answer
    page = (tmp_path / answer["path"]).read_text(encoding="utf-8")
    assert (answer["dataset"], answer["version"]) == ("set", "1.0.0")
    assert page == (version / "report.html").read_text(encoding="utf-8")


def test_the_schema_is_printed() -> None:
    answer = call_cli("schema", "--json", cwd=ROOT).succeed().answer
    assert answer["required"] == ["name"]


@pytest.mark.slow
def test_curate_names_the_dataset_after_its_first_file(world: Path) -> None:
    (world / "rules.yaml").write_text(yaml.safe_dump({"name": "rules", **NO_MODEL}))
    write_jsonl(world / "z.jsonl", [GOOD[3], "no row", GOOD[2]])
    words = ["curate", "rows.jsonl", "z.jsonl", "--set", "dedup.semantic=null", "--json"]
    answer = call_cli(*words, cwd=world).succeed().answer
    assert {name: type(answer[name]) for name in SUMMARY} == SUMMARY
    assert (answer["dataset"], answer["path"]) == ("rows", "published/rows/1.0.0")
    assert (answer["rows_in"], answer["kept"], answer["quarantined"]) == (20, 12, 2)
    named = call_cli("curate", "rows.jsonl", "--recipe", "rules.yaml", "--json", cwd=world)
    assert named.succeed().answer["path"] == "published/rules/1.0.0"


def test_curate_by_a_recipe_of_the_house(world: Path) -> None:
    recipe = ROOT / "recipes" / "curate.yaml"
    words = ["curate", "rows.jsonl", "--recipe", recipe, "--set", "dedup.semantic=null", "--json"]
    answer = call_cli(*words, cwd=world).succeed().answer
    assert (answer["dataset"], answer["rows_in"]) == ("curated", 17)


# Versions


class Project:
    """A directory whose one source changes."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def run(
        self, records: list[Any], *more: str, json_lines: bool = True, **fields: Any
    ) -> dict[str, Any]:
        write_jsonl(self.base / "rows.jsonl", records)
        fields = {"sources": [{"path": "rows.jsonl", "license": "MIT"}], **fields}
        write_recipe(self.base / "r.yaml", **fields)
        return call_cli("run", "r.yaml", "--json", *more, cwd=self.base).succeed().answer

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.base / "published" / "set").iterdir())


@pytest.fixture
def project(tmp_path: Path, prefect_api: str) -> Project:
    return Project(tmp_path)


@pytest.mark.slow
def test_the_number_of_a_version_says_what_changed(project: Project) -> None:
    first = project.run(GOOD[:6])
    whole = read_tree(project.base / "published")
    same = project.run(GOOD[:6])
    assert (first["version"], first["is_new"]) == ("1.0.0", True)
    assert (same["version"], same["is_new"]) == ("1.0.0", False)
    assert same["content_sha256"] == first["content_sha256"]
    assert read_tree(project.base / "published") == whole

    added = project.run(GOOD[:8])
    assert (added["version"], added["kept"]) == ("1.1.0", 8)
    licensed = project.run(GOOD[:8], sources=[{"path": "rows.jsonl", "license": "CC0-1.0"}])
    assert (licensed["version"], licensed["content_sha256"]) == ("1.1.1", added["content_sha256"])
    removed = project.run(GOOD[1:8], sources=[{"path": "rows.jsonl", "license": "CC0-1.0"}])
    assert (removed["version"], removed["kept"]) == ("2.0.0", 7)
    changed = [{**GOOD[1], "output": "Another answer, as good as the first."}, *GOOD[2:8]]
    replaced = project.run(changed, sources=[{"path": "rows.jsonl", "license": "CC0-1.0"}])
    assert replaced["version"] == "3.0.0"
    assert project.versions == ["1.0.0", "1.1.0", "1.1.1", "2.0.0", "3.0.0"]
    parents = [
        manifest_of(project.base / "published" / "set" / name)["parent_version"]
        for name in project.versions
    ]
    assert parents == [None, "1.0.0", "1.1.0", "1.1.1", "2.0.0"]
    # What was published before never changed.
    now = read_tree(project.base / "published")
    assert {name: now[name] for name in whole} == whole


@pytest.mark.slow
def test_diff_tells_what_changed_and_why(project: Project) -> None:
    project.run(GOOD[:6])
    changed = {**GOOD[1], "output": "Another answer, as good as the first."}
    refusal = {**GOOD[2], "output": "I'm sorry, but I cannot help with that."}
    project.run([changed, refusal, *GOOD[4:7]])
    words = ["diff", "published/set/1.0.0", "published/set/2.0.0", "--json"]
    answer = call_cli(*words, cwd=project.base).succeed().answer
    assert (answer["old"]["rows"], answer["new"]["rows"], answer["unchanged"]) == (6, 4, 2)
    assert [row["instruction"] for row in answer["added"]] == [GOOD[6]["instruction"]]
    assert [row["instruction"] for row in answer["changed"]] == [GOOD[1]["instruction"]]
    removed = {row["instruction"]: row["rule"] for row in answer["removed"]}
    gone = "no longer among the sources"
    assert removed == {GOOD[n]["instruction"]: gone for n in (0, 2, 3)}
    assert (answer["same_recipe"], answer["same_code"]) == (True, True)
    words = ["diff", "published/set/1.0.0", "published/set/1.0.0", "--json"]
    same = call_cli(*words, cwd=project.base).succeed().answer
    assert (same["unchanged"], same["added"], same["removed"], same["changed"]) == (6, [], [], [])


@pytest.mark.slow
def test_diff_names_the_rule_that_took_a_row(project: Project) -> None:
    project.run(GOOD[:6])
    project.run(GOOD[:6], select={"max_rows": 4})
    words = ["diff", "published/set/1.0.0", "published/set/2.0.0", "--json"]
    answer = call_cli(*words, cwd=project.base).succeed().answer
    assert [row["rule"] for row in answer["removed"]] == ["over_max_rows"] * 2
    assert answer["same_recipe"] is False


@pytest.mark.slow
def test_row_order_changes_nothing(project: Project) -> None:
    first = project.run(RECORDS)
    second = project.run(list(reversed(RECORDS)))
    assert second["content_sha256"] == first["content_sha256"]
    assert second["by_rule"] == first["by_rule"]
    assert (second["version"], second["is_new"]) == ("1.0.0", False)


@pytest.mark.slow
def test_the_number_of_files_changes_nothing(project: Project) -> None:
    first = project.run(RECORDS)
    for number in range(4):
        write_jsonl(project.base / f"part-{number}.jsonl", RECORDS[number::4])
    parts = [{"path": "part-*.jsonl", "license": "MIT"}]
    second = project.run(RECORDS, sources=parts)
    assert second["content_sha256"] == first["content_sha256"]


@pytest.mark.slow
def test_the_number_of_threads_changes_nothing(project: Project) -> None:
    first = project.run(RECORDS)
    words = ["run", "r.yaml", "--json", "--home", "other", "--out", "elsewhere"]
    environment = {"POLARS_MAX_THREADS": "1"}
    second = run_cli(*words, cwd=project.base, env=environment).succeed()
    assert second.answer["content_sha256"] == first["content_sha256"]
    files = read_tree(project.base / "elsewhere")
    wanted = read_tree(project.base / "published")
    parquet = [name for name in wanted if name.endswith(".parquet")]
    assert len(parquet) == 5
    assert {name: files[name] for name in parquet} == {name: wanted[name] for name in parquet}


def stage_times(home: Path) -> Mapping[str, Mapping[str, int]]:
    """Stage to its directories and when they were made."""
    return {
        stage.name: {key.name: key.stat().st_mtime_ns for key in stage.iterdir()}
        for stage in (home / "stages").iterdir()
    }


@pytest.mark.slow
def test_a_changed_threshold_reruns_from_the_filter_on(project: Project) -> None:
    rule = {"rule": "min_words", "column": "output", "value": 3}
    project.run(GOOD, filters=[rule])
    before = stage_times(project.base / ".feingold")
    second = project.run(GOOD, filters=[{**rule, "value": 4}])
    after = stage_times(project.base / ".feingold")
    assert second["version"] == "1.0.0"
    for stage in ("ingest", "signals", "dedup"):
        assert after[stage] == before[stage]
    for stage in ("filter", "select"):
        assert len(before[stage]) == 1
        assert {key: after[stage][key] for key in before[stage]} == before[stage]
        assert len(after[stage]) == 2


def test_nothing_runs_twice(project: Project) -> None:
    project.run(GOOD)
    before = stage_times(project.base / ".feingold")
    project.run(GOOD)
    assert stage_times(project.base / ".feingold") == before
