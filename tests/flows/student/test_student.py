"""The student from outside: learned from files, kept in a file, asked in a run."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from flows.labels import read_labels
from flows.student.files import load_student, save_student
from flows.student.stage import score_rows
from flows.student.teach import teach_labels
from flows.student.vectors import VectorMaker
from schemas.errors import InputError
from tests.flows.judge.fake_judge import FakeJudge, Sections, rating
from tests.flows.student.conftest import labelled, published, write_lines
from tests.support.cli import call_cli

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_a_student_that_was_saved_scores_the_same(home: Path, tmp_path: Path) -> None:
    files = read_labels([str(write_lines(tmp_path / "labels.jsonl", labelled(80)))], tmp_path)
    stored = teach_labels(files, VectorMaker(home))
    first = save_student(stored, tmp_path / "one.safetensors")
    again = load_student(tmp_path / "one.safetensors")
    assert save_student(again, tmp_path / "two.safetensors") == first
    rows = files[0].rows
    scored = score_rows(rows, stored, VectorMaker(home))
    assert scored.equals(score_rows(rows, again, VectorMaker(home)))
    assert again.student.held_out.low > 0.8
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    found = score_rows(shuffled, again, VectorMaker(home))
    assert found.sort("id").equals(scored.sort("id"))


def test_an_empty_answer_is_not_for_a_student_to_judge(home: Path, tmp_path: Path) -> None:
    files = read_labels([str(write_lines(tmp_path / "labels.jsonl", labelled(80)))], tmp_path)
    rows = files[0].rows.with_columns(
        output=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(" ")).otherwise("output")
    )
    scored = score_rows(rows, teach_labels(files, VectorMaker(home)), VectorMaker(home))
    assert scored["student"].null_count() == scored["student_spread"].null_count() == 1
    assert scored["student"][0] is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "which is not a file: run `feingold learn LABELS"),
        (b"", "which cannot be read"),
        (b"\x80\x04\x95garbage" * 50, "which cannot be read"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{}", "of another format"),
    ],
)
def test_what_is_no_student_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, line: str
) -> None:
    path = tmp_path / "student.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=line) as caught:
        load_student(path)
    assert "\n" not in str(caught.value)


def test_a_student_of_another_encoder_is_refused(home: Path, tmp_path: Path) -> None:
    files = read_labels([str(write_lines(tmp_path / "labels.jsonl", labelled(80)))], tmp_path)
    stored = teach_labels(files, VectorMaker(home))
    other = type(stored)(stored.student, stored.weights, "0" * 64)
    with pytest.raises(InputError, match="expected the encoder 000000000000"):
        score_rows(files[0].rows, other, VectorMaker(home))


def test_files_of_two_kinds_are_refused(home: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "labels.jsonl", labelled(80))
    pair = [{"prompt": "Hi", "chosen": "Hello.", "rejected": "No."}]
    write_lines(tmp_path / "pairs.jsonl", pair)
    files = read_labels(["labels.jsonl", "pairs.jsonl"], tmp_path)
    with pytest.raises(InputError, match=r"labels in labels.jsonl and pairs in pairs.jsonl"):
        teach_labels(files, VectorMaker(home))


def test_learn_then_score(tmp_path: Path) -> None:
    write_lines(tmp_path / "labels.jsonl", labelled(80))
    write_lines(tmp_path / "rows.jsonl", [*labelled(20, offset=200)])
    answer = call_cli("learn", "labels.jsonl", "--json", cwd=tmp_path).succeed().answer
    assert answer["path"] == "student.safetensors"
    assert answer["held_out"]["measure"] == "auc"
    words = ["score", "rows.jsonl", "--student", "student.safetensors", "--out", "s.parquet"]
    call_cli(*words, "--json", cwd=tmp_path).succeed()
    scores = pl.read_parquet(tmp_path / "s.parquet")
    assert scores["student"][1] > scores["student"][0]
    assert scores.columns[-1] == "quality"


def test_too_few_labels_are_exit_2(tmp_path: Path) -> None:
    write_lines(tmp_path / "labels.jsonl", labelled(20))
    ran = call_cli("learn", "labels.jsonl", "--json", cwd=tmp_path)
    assert ran.code == 2
    assert "expected at least 50 labelled rows" in ran.error_line
    assert not (tmp_path / "student.safetensors").exists()


@pytest.mark.slow
def test_a_run_learns_scores_filters_and_says_what_that_is_worth(tmp_path: Path) -> None:
    write_lines(tmp_path / "labels.jsonl", labelled(80))
    rows = [{k: v for k, v in record.items() if k != "label"} for record in labelled(40, offset=80)]
    write_lines(tmp_path / "rows.jsonl", rows)
    recipe = {
        "name": "learned",
        "dedup": {"semantic": None},
        "student": {"labels": ["labels.jsonl"]},
        "filters": [{"rule": "min_score", "column": "student", "value": 0.5}],
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    words = ["curate", "rows.jsonl", "--recipe", "r.yaml", "--json"]
    answer = call_cli(*words, cwd=tmp_path).succeed().answer
    version = tmp_path / answer["path"]
    kept = published(version)
    assert 0 < kept.height < 40
    assert kept["student"].min() >= 0.5
    assert kept["output"].str.contains("because").all()
    card = (version / "README.md").read_text()
    assert "## Evidence" in card
    assert "The student learned from" in card
    assert "What scores and rules are worth" in (version / "report.html").read_text()
    again = call_cli(*words, cwd=tmp_path).succeed().answer
    assert again["content_sha256"] == answer["content_sha256"]
    changed = labelled(80)
    for record in changed:
        record["label"] = "bad" if record["label"] == "good" else "good"
    write_lines(tmp_path / "labels.jsonl", changed)
    other = call_cli(*words, cwd=tmp_path).succeed().answer
    assert other["content_sha256"] != answer["content_sha256"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"student": {}}, "student: expected `path`, `labels` or a judge to learn from, got none"),
        ({"filters": "auto"}, "filters: expected labelled files in `labels` for `auto`, got none"),
        (
            {"filters": [{"rule": "min_score", "column": "student", "value": 0.5}]},
            "filters[0].column: expected",
        ),
        ({"scorers": ["ifdd"]}, "scorers[0]: expected 'ifd', got 'ifdd'"),
        ({"judge": {"dimensions": ["acuracy"]}}, "acuracy"),
        ({"select": {"per": "colour"}}, "select.per: expected one of"),
        ({"student": {"path": "none.safetensors"}}, "none.safetensors"),
    ],
)
def test_a_wrong_recipe_is_one_line(tmp_path: Path, fields: dict[str, object], line: str) -> None:
    write_lines(tmp_path / "rows.jsonl", labelled(4))
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({"name": "wrong", **fields}))
    ran = call_cli("curate", "rows.jsonl", "--recipe", "r.yaml", "--json", cwd=tmp_path)
    assert ran.code == 2, ran
    assert line in ran.error_line
    assert json.loads(ran.out) == {"error": ran.error_line}


@pytest.mark.slow
def test_a_student_learns_from_a_judge_and_asks_back(tmp_path: Path) -> None:
    write_lines(tmp_path / "rows.jsonl", labelled(160))

    def say(shown: Sections) -> str:
        return rating(5 if "because" in shown["ANSWER"] else 1)

    quiet = {"canaries": 0, "repeat_share": 0}
    with FakeJudge(say=say) as judge:
        recipe = {
            "name": "rated",
            "sources": [{"path": "rows.jsonl", "license": "MIT"}],
            "dedup": None,
            "judge": {"teacher": judge.options(), "max_rows": 100, **quiet},
            "student": {"ask_back": 20},
            "filters": [{"rule": "min_score", "column": "student", "value": 0.5}],
        }
        (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
        answer = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer
        asked = len(judge.received)
        again = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer
        assert len(judge.received) == asked == 120  # nobody is paid twice
    assert again["content_sha256"] == answer["content_sha256"]
    assert answer["requests"]["sent"] == 120
    rows = published(tmp_path / answer["path"])
    assert rows.height == answer["kept"] == 80
    assert rows["student"].null_count() == 0
    rejects = pl.read_parquet(tmp_path / answer["path"] / "rejects/*.parquet")
    rated = pl.concat([rows.select("judge"), rejects.select("judge")])
    assert rated["judge"].drop_nulls().len() == 120
    told = call_cli("tune", answer["path"], "--column", "student", "--json", cwd=tmp_path)
    assert "student" in json.dumps(told.succeed().answer)
    card = (tmp_path / answer["path"] / "README.md").read_text()
    assert "The student learned from" in card
