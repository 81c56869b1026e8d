"""Identity rows as a run makes them: of the user's words, asked of nobody."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.generate.stage import generate_rows, make_method
from flows.session import RunSpec, Session
from flows.store import StageOutput
from schemas.errors import InputError
from schemas.recipe import Recipe

PERSONA = "name: Larkspur\nmaker: the Meadow Lab\n"


def open_session(base: Path, persona: str, **recipe: Any) -> Session:
    (base / "persona.yaml").write_text(persona, encoding="utf-8")
    options = {"kind": "identity", "persona": "persona.yaml", "license": "MIT"}
    made = Recipe.model_validate({"name": "set", "generators": [options], **recipe})
    return Session(RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), ""))


def generate(base: Path, persona: str = PERSONA, **recipe: Any) -> StageOutput:
    session = open_session(base, persona, **recipe)
    method = make_method(session, session.recipe.generators[0])
    found = generate_rows(method, plan=[], taken=Counter())
    assert session.panel.requests.sent == 0
    session.close()
    return found


def test_rows_come_from_the_persona_and_no_teacher(tmp_path: Path) -> None:
    found = generate(tmp_path)
    assert found.rows.height == found.rows_in == 2 * (5 + 4 + 4)
    assert found.dropped.height == 0
    assert set(found.rows["source"]) == {"identity"}
    assert set(found.rows["license"]) == {"MIT"}
    assert set(found.rows["arm"]) == {"name", "nature", "maker"}
    assert found.rows.select("teacher", "request_key").null_count().row(0) == (26, 26)
    assert json.loads(found.rows["raw"][0]) == {"name": "Larkspur", "maker": "the Meadow Lab"}
    assert found.rows["messages"].list.len().to_list() == [2] * 26
    assert found.rows["id"].n_unique() == 26


def test_the_same_again_and_another_with_another_seed(tmp_path: Path) -> None:
    first = generate(tmp_path).rows["id"]
    assert generate(tmp_path).rows["id"].equals(first)
    assert not generate(tmp_path, seed=1).rows["id"].equals(first)


def test_a_quote_says_that_nothing_is_asked(tmp_path: Path) -> None:
    session = open_session(tmp_path, PERSONA)
    forecast = make_method(session, session.recipe.generators[0]).forecast()
    assert (list(forecast.waves), forecast.rows) == ([], 26)


def test_the_key_follows_the_words(tmp_path: Path) -> None:
    prints = set()
    for persona in (PERSONA, PERSONA + "contact: x@example.org\n", "# note\n" + PERSONA):
        session = open_session(tmp_path, persona)
        prints.add(make_method(session, session.recipe.generators[0]).fingerprint)
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("persona", "line"),
    [
        ("", "expected a mapping with at least `name:`, got NoneType"),
        ("maker: x", "expected a value, got nothing for 'name'"),
        ("name: x\nmakr: y", "unknown field 'makr' in .*: did you mean 'maker'"),
        ("name: [", "expected a readable YAML file of a persona"),
        ("name: x\nlimits: I err.", "expected a list, got 'I err.' for 'limits'"),
        ("name: !!python/object/apply:os.system ['exit']", "expected a readable YAML file"),
    ],
)
def test_a_wrong_persona_is_one_line(tmp_path: Path, persona: str, line: str) -> None:
    with pytest.raises(InputError, match=line) as caught:
        generate(tmp_path, persona)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_language_without_templates(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of en, de in `language`"):
        generate(tmp_path, language=["fr"])
    session = open_session(tmp_path, PERSONA)
    (tmp_path / "persona.yaml").unlink()
    with pytest.raises(InputError, match="No such file"):
        make_method(session, session.recipe.generators[0])


def test_german_recipes_get_german_rows(tmp_path: Path) -> None:
    found = generate(tmp_path, language=["de"])
    texts = found.rows.select(pl.col("instruction").unique())["instruction"]
    assert "Wer bist du?" in texts.to_list()
    assert not any(text.startswith("Who") for text in texts)
