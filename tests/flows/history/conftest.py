"""One dataset with three versions, made once and never changed: tests copy what they change."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.recipes import good_records
from tests.support.versions import publish

#: Passes every rule but the one of the second version.
LONG = {"instruction": "Name the sea between Sweden and Poland.", "input": "",
        "output": ("The Baltic Sea lies between Sweden and Poland. " * 8).strip()}  # fmt: skip
GOOD = good_records(60, seed=3)
CHANGED = GOOD[5] | {"output": GOOD[5]["output"] + " That is all there is to say about it."}
SPLITS = {"validation": 0.1, "test": 0.1}


def at_most(words: int) -> dict[str, Any]:
    return {"filters": [{"rule": "max_words", "column": "output", "value": words}]}


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`published/set/1.0.0`, `2.0.0` and `2.1.0`.

    2.0.0 drops a long answer by a rule, loses a row of its source, changes an answer and gets
    splits; 2.1.0 adds rows.
    """
    base = tmp_path_factory.mktemp("history")
    first = [*GOOD[:40], LONG]
    publish(base, first, **at_most(500))
    second = [*GOOD[1:5], CHANGED, *GOOD[6:40], LONG]
    publish(base, second, splits=SPLITS, **at_most(55))
    publish(base, [*second, *GOOD[40:]], splits=SPLITS, **at_most(55))
    return base


@pytest.fixture
def copied(three: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    shutil.copytree(three, tmp_path / "copy")
    return tmp_path / "copy"
