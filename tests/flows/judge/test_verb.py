"""`feingold judge`: files in, verdicts in input order out, and what they are worth."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.commands import judge as command
from schemas.errors import BudgetError, InputError
from tests.flows.judge.fake_judge import FakeJudge, Sections, opened, preference, rating
from tests.support.cli import ROOT, call_cli, child_environment
from tests.support.recipes import write_jsonl, write_recipe

QUIET = ["judge.canaries=0", "judge.repeat_share=0"]


def arguments(base: Path, judge: FakeJudge, *inputs: str, **more: Any) -> argparse.Namespace:
    overrides = [f"judge.teacher={json.dumps(judge.options())}", *QUIET, *more.pop("set", [])]
    given = {"recipe": None, "rows": None, "pairs": False, "out": base / "out.parquet"} | more
    return argparse.Namespace(
        inputs=[str(base / name) for name in inputs],
        home=base / "home",
        json=True,
        **given,
        set=overrides,
    )


def record(place: int) -> dict[str, str]:
    return {"instruction": f"Task {place}.", "input": "", "output": f"Answer number {place}."}


def score(shown: Sections) -> str:
    return rating(1 + int(shown["TASK"].split()[1].strip(".")) % 5)


def test_rows_are_rated_in_input_order(prefect_api: str, tmp_path: Path, capsys) -> None:
    places = [4, 2, 9, 0]
    write_jsonl(tmp_path / "b.jsonl", [record(place) for place in places])
    write_jsonl(tmp_path / "a.jsonl", [{"no": "row"}, record(7)])
    with FakeJudge(say=score) as judge:
        answer = command.run(arguments(tmp_path, judge, "b.jsonl", "a.jsonl"))
    lines = pl.read_parquet(tmp_path / "out.parquet")
    assert lines["judge"].to_list() == [5.0, 3.0, 5.0, 1.0, None, 3.0]
    assert lines["row"].to_list() == [0, 1, 2, 3, 0, 1]
    assert [Path(name).name for name in lines["file"]] == ["b.jsonl"] * 4 + ["a.jsonl"] * 2
    assert lines["judge_reasons"].to_list() == [["Judged by its merits."]] * 4 + [
        None,
        ["Judged by its merits."],
    ]
    assert (answer["rows_in"], answer["quarantined"]) == (6, 1)
    assert answer["requests"] == {"sent": 5, "replayed": 0, "failed": 0}
    assert answer["judge"]["rated"] == 5
    said = capsys.readouterr()
    assert said.out == ""
    assert "rated    5 of 5 rows" in said.err


def test_what_cannot_be_judged_says_why(prefect_api: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [record(0), record(1)])

    def say(shown: Sections) -> str:
        return "No idea." if shown["TASK"] == "Task 1." else rating(2)

    with FakeJudge(say=say) as judge:
        command.run(arguments(tmp_path, judge, "a.jsonl"))
    lines = pl.read_parquet(tmp_path / "out.parquet")
    assert lines["judge"].to_list() == [2.0, None]
    assert lines["judge_reasons"].to_list() == [["Judged by its merits."], [None]]
    first, second = lines["judge_abstained"]
    assert first is None
    assert "no JSON object" in second


@pytest.mark.slow
def test_a_sample_is_rated_by_the_rules_of_a_recipe(prefect_api: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [record(place) for place in range(12)])
    (tmp_path / "rules").mkdir()
    write_jsonl(tmp_path / "rules" / "right.jsonl", [{"instruction": "Task 3.", "reference": "3"}])
    recipe = write_recipe(
        tmp_path / "rules" / "r.yaml",
        judge={"dimensions": ["clarity"], "references": "right.jsonl"},
    )
    with FakeJudge(say=lambda _: '{"reasons": "So.", "scores": {"clarity": 3}}') as judge:
        answer = command.run(arguments(tmp_path, judge, "a.jsonl", recipe=recipe, rows=5))
        assert len(judge.received) == 5
        command.run(arguments(tmp_path, judge, "a.jsonl", recipe=recipe))
    lines = pl.read_parquet(tmp_path / "out.parquet")
    assert answer["judge"]["asked"] == 5
    assert lines.columns[3:] == [
        *("judge", "judge_clarity", "judge_spread", "judge_reasons", "judge_abstained")
    ]
    assert len(judge.received) == 12  # those of the sample are not asked for again
    assert sum("REFERENCE ANSWER" in shown for shown in judge.shown) == 1


def test_pairs_are_compared_and_equal_ones_once(prefect_api: str, tmp_path: Path, capsys) -> None:
    pair = {"prompt": "Name a river.", "chosen": "The Elbe.", "rejected": "Paris."}
    other = {"instruction": "Name a town.", "answer_a": "The Elbe.", "answer_b": "Paris."}
    write_jsonl(tmp_path / "p.jsonl", [pair, {"no": "pair"}, other, pair])

    def say(shown: Sections) -> str:
        right = "The Elbe." if "river" in shown["TASK"] else "Paris."
        return preference("first" if shown["ANSWER 1"] == right else "second")

    with FakeJudge(say=say) as judge:
        answer = command.run(arguments(tmp_path, judge, "p.jsonl", pairs=True))
    lines = pl.read_parquet(tmp_path / "out.parquet")
    assert lines["winner"].to_list() == ["a", None, "b", "a"]
    assert lines["row"].to_list() == [0, 1, 2, 3]
    assert lines["judge_reasons"].list.len().to_list() == [2, None, 2, 2]
    assert "no two answers" in lines["judge_abstained"][1]
    assert len(judge.received) == 4
    assert (answer["rows_in"], answer["quarantined"]) == (4, 1)
    assert (answer["judge"]["pairs"], answer["judge"]["a"], answer["judge"]["b"]) == (2, 1, 1)
    assert "a won 1, b won 1" in capsys.readouterr().err


@pytest.mark.slow
def test_a_budget_that_is_used_up_keeps_what_was_paid(prefect_api: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [record(place) for place in range(6)])
    with FakeJudge(say=score) as judge:
        with pytest.raises(BudgetError) as caught:
            command.run(arguments(tmp_path, judge, "a.jsonl", set=["judge.budget.requests=4"]))
        assert caught.value.summary is not None
        assert caught.value.summary["requests"]["sent"] == 4
        assert not (tmp_path / "out.parquet").exists()
        answer = command.run(arguments(tmp_path, judge, "a.jsonl"))
    assert answer["requests"] == {"sent": 2, "replayed": 4, "failed": 0}
    assert len(judge.received) == 6


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"set": ["judge.dimensions=[acuracy]"]}, "did you mean 'accuracy'"),
        ({"set": ["judge.rows=5"]}, "unknown field"),
        ({"set": ["judge.budget.usd=1"]}, "price_per_million"),
        ({"set": ["judge.references=none.jsonl"]}, r"none\.jsonl"),
        ({"pairs": True}, "`chosen` and `rejected`"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    prefect_api: str, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "a.jsonl", [record(0)])
    with FakeJudge() as judge, pytest.raises(InputError, match=words):
        command.run(arguments(tmp_path, judge, "a.jsonl", **more))
    assert judge.received == []


def test_the_command_line_tells_how_it_ended(prefect_api: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [record(place) for place in range(5)])
    with FakeJudge(say=score) as judge:
        words = [
            "judge",
            "a.jsonl",
            "--json",
            "--set",
            f"judge.teacher={json.dumps(judge.options())}",
        ]
        words += [word for item in QUIET for word in ("--set", item)]
        stopped = call_cli(*words, "--set", "judge.budget.requests=2", cwd=tmp_path)
        done = call_cli(*words, "--rows", "4", cwd=tmp_path)
    assert stopped.code == 3
    assert stopped.answer["requests"]["sent"] == 2
    assert "judge.budget.requests = 2" in stopped.answer["error"]
    answer = done.succeed().answer
    assert answer["judge"]["asked"] == 4
    assert (answer["path"], answer["rows_in"]) == ("a-judged.parquet", 5)
    assert pl.read_parquet(tmp_path / "a-judged.parquet")["judge"].count() == 4


_CHILD = """
import sys
from pathlib import Path
from tests.flows.judge.test_stage import judged, make
judged(Path(sys.argv[1]), eval(sys.argv[2]), make(40), canaries=2, repeat_share=0.2)
"""


@pytest.mark.slow
def test_killed_five_times_nothing_is_paid_twice(tmp_path: Path) -> None:
    with FakeJudge(say=score, latency_seconds=0.05) as judge:
        options = repr(judge.options(max_in_flight=4))
        for _ in range(5):
            before = len(judge.received)
            process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(tmp_path), options],
                cwd=ROOT,
                env=child_environment({"PYTHONPATH": str(ROOT)}),
            )
            deadline = time.monotonic() + 60
            while len(judge.received) < before + 6 and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        asked = Counter(item.key for item in judge.received)
        with opened(tmp_path, judge.options(max_in_flight=4)) as session:
            kept = session.journal.totals()["replies"]
        subprocess.run(
            [sys.executable, "-c", _CHILD, str(tmp_path), options],
            cwd=ROOT,
            env=child_environment({"PYTHONPATH": str(ROOT)}),
            check=True,
        )
        total = Counter(item.key for item in judge.received)
    # Asked again is at most what was under way when a process died.
    assert sum(total.values()) - len(total) <= 5 * 4
    assert kept >= len(asked) - 5 * 4
    assert 40 + 10 < len(total) < 40 + 10 + 20  # rows, traps and a fifth of the rows once more
