"""GGUF files as teachers: what they say of themselves, and files that cannot be one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.teachers.local import local_identity, local_model, require_same
from flows.teachers.model_file import inspect_model
from flows.teachers.resolve import identify, locate_teachers, require_models, teacher_options
from flows.teachers.servers import SERVERS, server_for
from schemas.errors import InputError
from schemas.recipe import Recipe, TeacherOptions
from tests.support.cli import call_cli
from tests.support.gguf import gguf
from tests.support.recipes import write_recipe

pytest.importorskip("xllamacpp")

SETTINGS = {
    "general.architecture": "llama",
    "general.name": "Tiny 1",
    "general.file_type": 15,
    "general.license": "mit",
    "llama.context_length": 512,
    "tokenizer.chat_template": "{{ messages }}",
}
Q4_0, ODD = 2, 99
WEIGHTS = {"w": (Q4_0, (2, 32), bytes(36))}


def write(folder: Path, name: str = "m.gguf", weights: object = None, **changes: object) -> Path:
    """A file; a setting of None is left out, and `_` in a name stands for the dot."""
    given = SETTINGS | {key.replace("__", "."): value for key, value in changes.items()}
    stated = {key: value for key, value in given.items() if value is not None}
    path = folder / name
    path.write_bytes(gguf(stated, weights or WEIGHTS))  # type: ignore[arg-type]
    return path


def options(path: Path, **fields: object) -> TeacherOptions:
    return TeacherOptions(gguf=str(path), **fields)  # type: ignore[arg-type]


def test_what_a_file_says(tmp_path: Path) -> None:
    found = inspect_model(write(tmp_path))
    assert (found.name, found.architecture, found.quantization) == ("Tiny 1", "llama", "Q4_K_M")
    assert (found.parameters, found.trained_context, found.license) == (64, 512, "mit")
    assert found.chat_template_sha256 is not None


def test_what_a_file_does_not_say_is_not_invented(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "some-model.gguf",
        general__name=None,
        general__file_type=None,
        general__license=None,
        llama__context_length=None,
        tokenizer__chat_template=None,
    )
    found = inspect_model(path)
    assert (found.name, found.quantization) == ("some-model", "Q4_0")
    assert (found.license, found.trained_context, found.chat_template_sha256) == (None,) * 3


@pytest.mark.parametrize(
    ("in_file", "name_in_file", "in_recipe", "license"),
    [
        ("mit", None, None, "mit"),
        ("mit", None, "CC0-1.0", "mit"),
        (None, None, "CC0-1.0", "CC0-1.0"),
        ("other", "gemma terms", None, "gemma terms"),
        ("other", None, "CC0-1.0", "CC0-1.0"),
        ("unknown", None, None, None),
    ],
)
def test_whose_licence_counts(
    tmp_path: Path,
    in_file: str | None,
    name_in_file: str | None,
    in_recipe: str | None,
    license: str | None,  # noqa: A002
) -> None:
    path = write(tmp_path, general__license=in_file, **{"general__license.name": name_in_file})
    assert identify(options(path, license=in_recipe)).license == license


def test_a_name_from_a_file_cannot_break_a_card(tmp_path: Path) -> None:
    name = "a`b|c\n# <b>d\x1b[31m" + "e" * 500
    found = inspect_model(write(tmp_path, general__name=name)).name
    assert found.isprintable()
    assert set("`|<>\n").isdisjoint(found)
    assert len(found) <= 100


def test_other_weights_are_another_teacher_and_another_place_is_not(tmp_path: Path) -> None:
    first = local_identity(options(write(tmp_path, "a.gguf")))
    copy = local_identity(options(write(tmp_path, "b.gguf")))
    other = local_identity(
        options(write(tmp_path, "c.gguf", weights={"w": (2, (2, 32), b"1" * 36)}))
    )
    assert first.base_url == copy.base_url == f"gguf:{first.weights_sha256[:16]}"  # type: ignore[index]
    assert other.base_url != first.base_url
    assert (other.model, first.model) == ("Tiny 1", "Tiny 1")
    assert not first.is_embedded
    assert first.weights is not None
    assert (first.weights.file, first.weights.slots, first.weights.context) == ("a.gguf", 8, 512)
    assert first.weights.sampler["top_k"] == 40
    assert server_for(first.base_url, named=None) == SERVERS["llamacpp"]


def test_a_file_that_changes_under_its_name_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = local_identity(options(path))
    served = local_model(options(path))
    require_same(served, before.weights_sha256)
    write(tmp_path, weights={"w": (Q4_0, (2, 32), b"2" * 36)})
    assert local_identity(options(path)).base_url != before.base_url
    with pytest.raises(InputError, match="expected the weights that this run began with"):
        require_same(served, before.weights_sha256)


def test_a_recipe_may_name_model_slots_and_context(tmp_path: Path) -> None:
    found = local_model(options(write(tmp_path), model="mine", slots=2, context=256))
    assert (found.model, found.slots, found.context_tokens) == ("mine", 2, 256)
    with pytest.raises(InputError, match=r"expected teacher\.context of 512 at most"):
        local_model(options(write(tmp_path), context=513))


def test_a_key_in_the_environment_takes_no_file_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    given = options(write(tmp_path))
    assert teacher_options(given) == given


def test_paths_start_at_the_recipe_for_teachers_and_judges(tmp_path: Path) -> None:
    write(tmp_path)
    recipe = Recipe.model_validate(
        {
            "name": "a",
            "teacher": [{"gguf": "m.gguf"}, {"base_url": "http://127.0.0.1/v1", "model": "m"}],
            "judge": {"teacher": {"gguf": "missing.gguf"}},
        }
    )
    located = locate_teachers(recipe, tmp_path)
    assert located.teachers[0].gguf == str(tmp_path / "m.gguf")
    assert located.teachers[1] == recipe.teachers[1]
    with pytest.raises(InputError, match=r"expected a GGUF file, got No such file .*missing\.gguf"):
        require_models(located)
    assert recipe.teachers[0].gguf == "m.gguf"  # as it was written


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "expected a GGUF file"),
        (b"not a model", "expected a GGUF file"),
        (gguf(SETTINGS, WEIGHTS)[:-40], "cut short"),
        (gguf(SETTINGS, WEIGHTS)[:60], "expected a GGUF file"),
        (gguf(SETTINGS | {"general.type": "adapter"}, {}), "got a file of type 'adapter'"),
        (gguf({}, WEIGHTS), "without an architecture"),
        (gguf(SETTINGS | {"split.count": 3}, WEIGHTS), "got a part of 3"),
    ],
)
def test_what_cannot_be_a_teacher_is_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    write_recipe(
        tmp_path / "r.yaml",
        name="set",
        teacher={"gguf": "m.gguf"},
        generators=[{"kind": "self_instruct", "target": 1}],
    )
    ran = call_cli("plan", "r.yaml", cwd=tmp_path)
    assert ran.code == 2
    assert line in ran.error_line


def test_a_run_with_a_missing_file_starts_nothing(tmp_path: Path) -> None:
    write_recipe(
        tmp_path / "r.yaml",
        name="set",
        teacher={"gguf": "none.gguf"},
        generators=[{"kind": "self_instruct", "target": 1}],
    )
    ran = call_cli("run", "r.yaml", cwd=tmp_path)
    assert ran.code == 2
    assert "got No such file or directory" in ran.error_line
    assert not (tmp_path / ".feingold" / "stages").exists()


def test_weights_of_a_type_nobody_knows_yet_are_no_error(tmp_path: Path) -> None:
    weights = {"w": (ODD, (2, 32), bytes(36))}
    found = inspect_model(write(tmp_path, weights=weights, general__file_type=None))
    assert found.quantization == "type 99"


def test_a_server_and_a_file_are_not_named_together() -> None:
    with pytest.raises(ValueError, match=r"none beside teacher\.base_url"):
        TeacherOptions(base_url="http://127.0.0.1/v1", model="m", gguf="m.gguf")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damaged_files_are_input_errors_or_read(tmp_path: Path, at: int, junk: bytes) -> None:
    content = bytearray(gguf(SETTINGS, WEIGHTS))
    content[at : at + len(junk)] = junk
    path = tmp_path / f"{at}-{junk.hex()}.gguf"
    path.write_bytes(content)
    try:
        found = inspect_model(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert found.architecture
