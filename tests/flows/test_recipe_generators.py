"""The recipes of the generators that make tasks up, from the command line to a version."""

import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.support.cli import ROOT, call_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import NO_MODEL

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["evol-instruct", "magpie", "persona", "dialogue"])
def test_a_recipe_makes_a_version(tmp_path: Path, teacher: FakeTeacher, name: str) -> None:
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    path = tmp_path / "recipes" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    if name == "magpie":
        text = text.replace("kind: magpie", "kind: magpie\n    template: chatml")
    # The fake teacher's turns are much alike.
    text = text.replace("kind: dialogue", "kind: dialogue\n    max_similarity: 1.0")
    head, _, _ = text.partition("filters:")
    path.write_text(head + yaml.safe_dump({"teacher": teacher.options(), **NO_MODEL}))
    ran = call_cli("run", path, "--json", cwd=tmp_path).succeed()
    folder = Path(ran.answer["path"])
    rows = pl.read_parquet(tmp_path / folder / "data" / "default" / "*.parquet")
    assert rows.height >= 3
    assert set(rows["source"]) == {name.replace("-", "_")}
    assert rows["about"].null_count() == 0
    assert ran.answer["rows_in"] == ran.answer["kept"] + ran.answer["dropped"]
    again = call_cli("run", path, "--json", "--offline", cwd=tmp_path).succeed()
    assert again.answer["content_sha256"] == ran.answer["content_sha256"]
