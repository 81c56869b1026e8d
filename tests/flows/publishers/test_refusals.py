"""What must not leave this machine is refused before anything is asked of the Hub."""

from pathlib import Path
from typing import Any

import pytest

from flows.publishers.refusals import check_publishable
from flows.versions import open_version
from schemas.errors import InputError
from schemas.recipe import PublishOptions
from tests.support.hub_versions import plain_rows, publish
from tests.support.rows import make_row

KEY = "AKIA" + "Q7RT" * 4
MAIL = "Write to erika.mueller@web.de soon."


def check(path: Path, **options: Any) -> None:
    check_publishable(*open_version(path), PublishOptions(**options))


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        check(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_plain_rows_may_go(tmp_path: Path) -> None:
    check(publish(tmp_path, plain_rows("One.", "Two.")))


def test_rows_without_a_licence_are_named(tmp_path: Path) -> None:
    rows = [*plain_rows("One."), make_row("Two.", source="a.jsonl"), make_row("Three.")]
    said = refused(publish(tmp_path, rows))
    assert all(row["id"] in said for row in rows[1:])
    assert rows[0]["id"] not in said
    assert "a.jsonl, test" in said


@pytest.mark.parametrize("terms", ["unknown", "other", " "])
def test_an_unknown_licence_is_none(tmp_path: Path, terms: str) -> None:
    said = refused(publish(tmp_path, [make_row("One.", license=terms)]))
    assert "expected a licence for every row" in said


def test_many_rows_are_counted(tmp_path: Path) -> None:
    rows = [make_row(f"Number {n}.") for n in range(1_300)]
    assert "and 1,295 more" in refused(publish(tmp_path, rows))


def test_a_teachers_rows_are_under_the_licence_of_the_whole(tmp_path: Path) -> None:
    made = [make_row("One.", teacher="m")]
    check(publish(tmp_path / "a", made, license="MIT"))
    for terms in ("unknown", "other"):
        assert "or of the teacher" in refused(publish(tmp_path / terms, made, license=terms))


def test_licences_that_do_not_go_together_are_refused_with_their_rows(tmp_path: Path) -> None:
    rows = [*plain_rows("One."), make_row("Two.", license="CC-BY-SA-4.0")]
    said = refused(publish(tmp_path / "a", rows, license="other"))
    assert "cc-by-sa-4.0 demands cc-by-sa-4.0 for the whole, which is not stated" in said
    assert rows[1]["id"] in said
    assert rows[0]["id"] not in said
    check(publish(tmp_path / "b", rows, license="CC-BY-SA-4.0"))


@pytest.mark.parametrize("place", ["output", "instruction", "messages"])
def test_a_secret_is_refused_and_not_shown(tmp_path: Path, place: str) -> None:
    changed: dict[str, Any] = {place: f"Use {KEY} now."}
    if place == "messages":
        changed = {place: [{"role": "user", "content": f"Use {KEY} now."}]}
    else:
        changed["messages"] = []
    row = {**plain_rows("One.")[0], **changed}
    said = refused(publish(tmp_path, [row]), allow_personal_data=True)
    assert row["id"] in said
    assert KEY not in said


def test_personal_data_is_refused_unless_allowed(tmp_path: Path) -> None:
    row = make_row("One.", MAIL, license="MIT")
    path = publish(tmp_path, [row])
    said = refused(path)
    assert row["id"] in said
    assert "--allow-personal-data" in said
    assert "web.de" not in said
    check(path, allow_personal_data=True)


def test_rejected_rows_count_only_where_they_go_along(tmp_path: Path) -> None:
    raw = make_row("Two.", raw=f'{{"text": "{MAIL}"}}')
    path = publish(tmp_path, plain_rows("One."), rejects=[raw])
    check(path)
    assert raw["id"] in refused(path, rejects=True)
    check(path, rejects=True, allow_personal_data=True)


def test_evidence_counts(tmp_path: Path) -> None:
    path = publish(tmp_path, plain_rows("One."), rejects=plain_rows("Two."), evidence=f"has {KEY}")
    assert "no key or token in decisions/" in refused(path, allow_personal_data=True)


def test_a_key_in_the_recipe_is_refused(tmp_path: Path) -> None:
    path = publish(tmp_path, plain_rows("One."))
    (path / "recipe.yaml").write_text(f"name: set\ndescription: {KEY}\n")
    said = refused(path)
    assert "recipe.yaml" in said
    assert KEY not in said
