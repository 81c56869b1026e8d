"""The recipe as it stands: every round of its dump is in one row or one logged drop."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.support.cli import call_cli

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
ROOT = Path(__file__).parents[2]


def test_the_recipe_runs_on_its_example(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    answer = call_cli(
        *("run", "recipes/vicuna.yaml", "--set", "dedup.semantic=null", "--json"), cwd=tmp_path
    )
    summary = answer.succeed().answer
    assert summary["requests"] == {"sent": 0, "replayed": 0, "failed": 0}
    assert summary["rows_in"] == summary["kept"] + summary["dropped"] + summary["quarantined"]
    rules = summary["by_rule"]
    wanted = {
        "blocked_phrase": 2,
        "broken_alternation": 1,
        "language": 1,
        "no_exchange": 1,
        "round_too_long": 1,
        "same_first_exchange": 1,
        "unknown_role": 1,
    }
    assert {rule: rules.get(rule) for rule in wanted} == wanted
    version = tmp_path / summary["path"]
    kept = pl.read_parquet(version / "data" / "default" / "*.parquet")
    gone = pl.read_parquet(version / "rejects" / "*.parquet")
    talks = kept.filter(source="chats.json")
    _check_texts(talks)
    _check_rounds(talks, gone)
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["teacher"] is None
    assert set(kept["source"]) == {"chats.json", "identity"}


def _check_texts(talks: pl.DataFrame) -> None:
    text = "\n".join(turn["content"] for talk in talks["messages"] for turn in talk)
    for noise in (
        "Copy code",
        "Copy117",
        "Regenerate",
        "Used **",
        "1 / 1",
        "<p>",
        "hljs",
        "ChatGPT",
    ):
        assert noise not in text
    for wanted in (
        "```python\ndef to_fahrenheit(oven_temps):\n    return [t * 9 / 5 + 32 for t in",
        "```bash\ncat *.txt | wc -l\n```",
        "```bash\nwc -l *.txt\n```",
        r"$F = \frac{9}{5} C + 32$",
        "Is 180 < 200 in Fahrenheit, too?",
        "3 / 4 of the files",
        '<div class="row"><span>Total</span></div>',
    ):
        assert wanted in text


def _check_rounds(talks: pl.DataFrame, gone: pl.DataFrame) -> None:
    """The conversation that was cut can be put together from its rows, word for word."""
    dump = json.loads((ROOT / "recipes/examples/vicuna/chats.json").read_text(encoding="utf-8"))
    wanted = next(one for one in dump if one["id"] == "bakery-10")["conversations"]
    columns = ["about", "messages"]
    parts = [
        (json.loads(about)["conversation"], messages)
        for about, messages in pl.concat([talks.select(columns), gone.select(columns)]).iter_rows()
        if about and "conversation" in json.loads(about)
    ]
    parts.sort(key=lambda part: part[0]["first_round"])
    found = [turn["content"] for _, talk in parts for turn in talk if turn["role"] != "system"]
    assert found == [turn["value"] for turn in wanted]
    assert [part["piece"] for part, _ in parts] == list(range(1, parts[0][0]["pieces"] + 1))
