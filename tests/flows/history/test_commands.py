"""The verbs as they are called: answers, exit codes, and what people see."""

from pathlib import Path

from flows.versions import read_data
from tests.flows.history.conftest import GOOD
from tests.flows.history.test_story import row_of
from tests.support.cli import call_cli
from tests.support.recipes import read_tree


def test_verify_answers_and_fails(copied: Path) -> None:
    ran = call_cli("verify", "set@2.0.0", "--json", cwd=copied).succeed()
    assert (ran.answer["ok"], ran.answer["findings"], ran.answer["rows"]) == (True, [], 39)
    people = call_cli("verify", "set@2.0.0", cwd=copied).succeed()
    assert people.out.startswith("set 2.0.0 is as it was published: ")
    (copied / "published/set/2.0.0/recipe.yaml").write_text("name: other")
    broken = call_cli("verify", "set@2.0.0", "--json", cwd=copied)
    assert (broken.code, broken.answer["ok"]) == (1, False)
    assert [finding["where"] for finding in broken.answer["findings"]] == ["recipe.yaml"]
    told = call_cli("verify", "published/set/2.0.0", cwd=copied)
    assert (told.code, told.out.splitlines()[0].split(":")[0].strip()) == (1, "recipe.yaml")
    assert "got 1 finding in " in told.error_line


def test_diff_and_explain_take_names(three: Path) -> None:
    before = read_tree(three)
    ran = call_cli("diff", "set@1.0.0", "set", "--json", cwd=three).succeed()
    assert (ran.answer["old"]["version"], ran.answer["new"]["version"]) == ("1.0.0", "2.1.0")
    people = call_cli("diff", "set@1.0.0", "set", cwd=three).succeed().out.splitlines()
    assert people[0] == "set 1.0.0 -> set 2.1.0"
    assert [line.strip() for line in people[1:]][: len(ran.answer["lines"])] == (
        ran.answer["lines"]
    )
    row_id = row_of(three / "published/set/2.1.0", GOOD[7])
    told = call_cli("explain", "set@2.0.0", row_id[:16], "--json", "--home", "home", cwd=three)
    assert told.succeed().answer["id"] == row_id
    assert read_tree(three) == before


def test_prune_says_what_it_would_do(copied: Path) -> None:
    ran = call_cli("prune", "set", "--keep", "2", "--home", "home", cwd=copied).succeed()
    assert "would go  set 1.0.0" in ran.out
    assert ran.out.splitlines()[-1].endswith("say --yes to do it")
    for keep in ("0", "-1", "x"):
        assert call_cli("prune", "set", "--keep", keep, cwd=copied).code == 2
    assert read_data(copied / "published/set/1.0.0").height == 41
