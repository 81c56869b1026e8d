"""The generators that make tasks up, against a teacher on loopback: nothing lost, nothing twice."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.generate.stage import generate_rows, make_method
from flows.session import RunSpec, Session
from flows.store import StageOutput, _balance
from schemas.recipe import Recipe
from tests.support.cli import call_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import write_jsonl, write_recipe

KINDS: list[dict[str, Any]] = [
    {"kind": "evol_instruct", "seeds": "seeds.jsonl", "rounds": 2},
    {"kind": "magpie", "template": "chatml", "n_turns": 2},
    {"kind": "persona"},
    {"kind": "dialogue", "max_turns": 3, "max_similarity": 1.0},
    {"kind": "evol_instruct", "seeds": "seeds.jsonl", "profile": "small"},
    {"kind": "persona", "profile": "small"},
    {"kind": "dialogue", "profile": "small"},
]
SEEDS = [
    {"id": f"s{place}", "instruction": f"Explain how {thing} works.", "output": f"{thing} works."}
    for place, thing in enumerate(("bread", "rain", "sleep"))
]


def late(salt: int) -> Any:
    """Delays that put the replies into another order for every salt."""

    def choose(body: Mapping[str, Any]) -> float:
        digest = hashlib.sha256(f"{salt} {json.dumps(body, sort_keys=True)}".encode()).digest()
        return digest[0] / 256 / 50

    return choose


def generate(base: Path, server: FakeTeacher, generator: dict[str, Any]) -> StageOutput:
    base.mkdir(exist_ok=True)
    write_jsonl(base / "seeds.jsonl", SEEDS)
    fields = {"name": "set", "teacher": server.options(), "generators": [generator]}
    made = Recipe.model_validate(fields)
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    session = Session(spec)
    try:
        method = make_method(session, made.generators[0])
        output = generate_rows(method, plan=[4, 3], taken=Counter())
    finally:
        session.close()
    _balance("generate", output)
    return output


@pytest.mark.parametrize(
    "generator", KINDS, ids=lambda item: "-".join([item["kind"], item.get("profile", "")])
)
def test_replies_in_another_order_make_the_same_rows(
    tmp_path: Path, generator: dict[str, Any]
) -> None:
    with FakeTeacher() as server:
        found = []
        for salt in (1, 2):
            server.choose_latency = late(salt)
            found.append(generate(tmp_path / str(salt), server, generator))
        asked = len(server.received)
        again = generate(tmp_path / "1", server, generator)
    assert len(server.received) == asked  # the journal has it all
    for output in (*found, again):
        assert output.rows.equals(found[0].rows)
        assert output.dropped.equals(found[0].dropped)
        assert output.decisions.equals(found[0].decisions)
    assert found[0].rows_in >= 7
    books = found[0].rows["about"].to_list() + found[0].dropped["about"].to_list()
    keys = {*found[0].rows["request_key"], *found[0].dropped["request_key"]}
    keys |= {key for about in books for key in _keys(json.loads(about or "{}"))}
    assert len(keys) == asked / 2


def _keys(value: object) -> set[str]:
    """Every journal key in what is known of a row."""
    if isinstance(value, str):
        return {value} if len(value) == 64 and " " not in value else set()
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {key for item in items for key in _keys(item)}


@pytest.mark.parametrize(
    ("generator", "line"),
    [
        ({"kind": "magpie", "template": "bad.jinja"}, "from bad.jinja: correct it"),
        ({"kind": "magpie", "template": "none.jinja"}, "name a file, or one of chatml"),
        ({"kind": "magpie"}, "expected the chat template of 'fake-teacher'"),
        ({"kind": "persona", "personas": "none.txt"}, "expected a file with a person a line"),
        ({"kind": "dialogue", "prompts": "none.jsonl"}, "expected a file, found none at"),
        ({"kind": "dialogue", "min_turns": 9}, "min_turns of at most max_turns (4), got 9"),
        ({"kind": "evol_instruct", "operators": ["worsen"]}, "generators.0.operators.0"),
        ({"kind": "evol_instruct", "seeds": "none.jsonl"}, "readable JSONL file of seed tasks"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(
    tmp_path: Path, teacher: FakeTeacher, generator: dict[str, Any], line: str
) -> None:
    (tmp_path / "bad.jinja").write_text("{{ ''.__class__.__mro__ }}{% for %}")
    recipe = write_recipe(tmp_path / "r.yaml", teacher=teacher.options(), generators=[generator])
    ran = call_cli("plan", recipe, cwd=tmp_path)
    assert (ran.code, teacher.received) == (2, [])
    assert line in ran.error_line


def test_a_server_that_turns_out_to_have_no_completions_is_one_line(
    tmp_path: Path, teacher: FakeTeacher
) -> None:
    teacher.choose_fault = lambda body: "404" if "prompt" in body else None
    generator = {"kind": "magpie", "template": "chatml", "target": 2}
    with pytest.raises(Exception, match=r"HTTP 404 .* that the server has /completions"):
        generate(tmp_path, teacher, generator)
