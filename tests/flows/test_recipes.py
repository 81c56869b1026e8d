from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.adhoc import name_after, recipe_for_files
from flows.recipes import filter_dicts, load_recipe, recipe_json_schema
from schemas.errors import InputError

ROOT = Path(__file__).parents[2]
GOOD = "name: a\nsources: [{path: x.jsonl}]\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "r.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda p: p.name)
def test_every_recipe_of_the_house_is_valid(path: Path) -> None:
    recipe = load_recipe(path, needs_work=path.name != "curate.yaml").recipe
    names = {"alpaca": "alpaca", "curate": "curated", "respond": "answers"}
    assert recipe.name == names.get(path.stem, path.stem)


def test_a_recipe_keeps_its_place_and_text(tmp_path: Path) -> None:
    loaded = load_recipe(write(tmp_path, f"# note\n{GOOD}"))
    assert (loaded.base, loaded.text) == (tmp_path, f"# note\n{GOOD}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "expected a mapping with at least `name:`, got NoneType in {path}"),
        ("- a\n", "expected a mapping with at least `name:`, got list in {path}"),
        (
            "name: [",
            "expected YAML, got 'while parsing a flow node expected the node content, but found "
            "'<stream end>' in \"<unicode string>\", line 1, column 8: name: [ ^' in {path}: "
            "correct it",
        ),
        (
            "name: !!python/object/apply:os.system ['echo no']\n",
            "could not determine a constructor for the tag",
        ),
        (
            "name: a\n",
            "expected at least one entry under `sources` or `generators`, got none in {path}: "
            "there is nothing to do",
        ),
        (
            f"{GOOD}filters: [{{rule: min_word}}]\n",
            "filters[0].rule: expected 'min_words', got 'min_word' (in {path})",
        ),
        (
            f"{GOOD}scorers: [repetitionn]\n",
            "scorers[0]: expected 'repetition', got 'repetitionn' (in {path})",
        ),
        (
            "name: a\ngenerators: [{kind: self_instruct}, {kind: self_instruct}]\n",
            "expected generators with different names, got ['self_instruct', 'self_instruct'] in "
            "{path}: set `name`",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    shown = str(caught.value).replace('"\'"', "'")
    assert line.format(path=path).replace("\\'", "'") in shown.replace("\\'", "'")
    assert "\n" not in str(caught.value)


def test_a_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe(tmp_path / "none.yaml")
    assert str(caught.value) == (
        f"expected a recipe, got no file at {tmp_path}/none.yaml: name one, such as "
        "recipes/alpaca.yaml"
    )


@pytest.mark.parametrize("data", [b"name: \xff\n", b"\xff\xfen\x00a\x00"])
def test_a_recipe_that_is_no_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError, match="expected a readable UTF-8 recipe, got"):
        load_recipe(path)


def test_a_directory_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a readable UTF-8 recipe, got"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=7", ["seed"], 7),
        ("teacher.max_in_flight=8", ["teacher", "max_in_flight"], 8),
        ("budget.usd=0.5", ["budget", "usd"], 0.5),
        ("dedup.semantic=null", ["dedup", "semantic"], None),
        ("dedup=null", ["dedup"], None),
        ("language=[de, en]", ["language"], ("de", "en")),
        ("license=CC-BY-4.0", ["license"], "CC-BY-4.0"),
        ("description=a=b", ["description"], "a=b"),
        ("sources.0.share=0.5", ["sources", 0, "share"], 0.5),
        ("select.max_rows=3", ["select", "max_rows"], 3),
    ],
)
def test_set_overrides_one_field(
    tmp_path: Path, override: str, path: list[Any], value: object
) -> None:
    loaded = load_recipe(write(tmp_path, GOOD), [override])
    found: Any = loaded.recipe
    for part in path:
        found = found[part] if isinstance(part, int) else getattr(found, part)
    assert found == value
    # What is published beside the data makes the same recipe.
    assert load_recipe(write(tmp_path, loaded.text)).recipe == loaded.recipe


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed", "expected --set key=value, got 'seed': e.g. --set teacher.max_in_flight=8"),
        ("=3", "expected --set key=value, got '=3': e.g. --set teacher.max_in_flight=8"),
        ("sed=3", "unknown field 'sed' in {path}: did you mean 'seed'?"),
        (
            "teacher.max_in_fligt=8",
            "unknown field 'teacher.max_in_fligt' in {path}: did you mean 'max_in_flight'?",
        ),
        ("sources.5.share=1", "expected a field to set, got 'sources.5.share' in --set: '5'"),
        ("sources.5=1", "expected a field to set, got 'sources.5' in --set: '5' is not there"),
        ("seed=x", "expected a valid integer"),
        ("seed=[", "expected --set key=value with a YAML value, got 'seed=['"),
    ],
)
def test_a_wrong_override_is_one_line(tmp_path: Path, override: str, line: str) -> None:
    path = write(tmp_path, GOOD)
    with pytest.raises(InputError) as caught:
        load_recipe(path, [override])
    assert line.format(path=path) in str(caught.value)


def test_filters_are_handed_on_as_they_were_given(tmp_path: Path) -> None:
    text = f"{GOOD}filters: [{{rule: min_words, value: 3}}, {{rule: language, value: [en, de]}}]\n"
    assert filter_dicts(load_recipe(write(tmp_path, text)).recipe) == [
        {"rule": "min_words", "value": 3},
        {"rule": "language", "value": ["en", "de"]},
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/Alpaca_Data.cleaned.jsonl", "alpaca-data"),
        ("hf:tatsu-lab/alpaca", "alpaca"),
        ("../a b.csv", "a-b"),
        ("data/*.jsonl", "dataset"),
        ("ä.json", "dataset"),
        ("-x-.json", "x"),
    ],
)
def test_a_dataset_is_named_after_its_first_file(path: str, name: str) -> None:
    assert name_after(path) == name


def test_a_recipe_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = recipe_for_files(["one.jsonl", "hf:a/b"])
    assert loaded.recipe.name == "one"
    assert [source.path for source in loaded.recipe.sources] == ["one.jsonl", "hf:a/b"]
    assert loaded.base == tmp_path
    assert yaml.safe_load(loaded.text) == {
        "name": "one",
        "sources": [{"path": "one.jsonl"}, {"path": "hf:a/b"}],
        "generators": [],
    }


def test_rules_of_a_recipe_apply_to_files_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    text = (
        "name: mine\nsources: [{path: x.jsonl, license: MIT}]\n"
        "generators: [{kind: self_instruct}]\ndecontaminate: {against: [b.jsonl]}\n"
        "dedup: {against: [old/1.0.0]}\n"
    )
    base = load_recipe(write(recipes, text))
    monkeypatch.chdir(tmp_path)
    found = recipe_for_files(["one.jsonl"], base).recipe
    assert (found.name, found.generators) == ("mine", ())
    assert [(source.path, source.license) for source in found.sources] == [("one.jsonl", "MIT")]
    assert found.decontaminate is not None
    assert found.decontaminate.against == (str(recipes / "b.jsonl"),)
    assert found.dedup is not None
    assert found.dedup.against == (str(recipes / "old/1.0.0"),)


def test_the_schema_for_editors() -> None:
    schema = recipe_json_schema()
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
