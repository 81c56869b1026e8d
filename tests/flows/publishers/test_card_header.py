"""The header of the card is one that the Hub accepts, and true."""

from typing import Any

import pytest
import yaml

from flows.publishers.card import render_card
from flows.publishers.terms import HUB_LICENSES
from schemas.manifest import DatasetManifest, SourceRecord, TeacherRecord
from tests.support.hub_versions import BASE
from tests.support.rows import make_row, make_rows


def header(**changes: Any) -> dict[str, Any]:
    card = render_card(
        DatasetManifest.model_validate({**BASE, **changes}), make_rows([make_row("Ask")])
    )
    found = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("terms", "shown", "name"),
    [
        ("MIT", "mit", None),
        ("CC BY-SA 4.0", "cc-by-sa-4.0", None),
        ("unknown", "unknown", None),
        ("My Own Terms", "other", "my-own-terms"),
        ("MIT-0", "other", "mit-0"),
    ],
)
def test_the_licence_is_one_that_the_hub_knows(terms: str, shown: str, name: str | None) -> None:
    found = header(license=terms)
    assert (found["license"], found.get("license_name")) == (shown, name)
    assert found["license"] in HUB_LICENSES


def test_the_datasets_that_rows_are_from_are_named() -> None:
    sources = [
        SourceRecord(name=name, license="MIT", rows=2, kept=kept).model_dump()
        for name, kept in (("hf:b/two", 1), ("hf:a/one", 1), ("hf:c/none", 0), ("x.jsonl", 1))
    ]
    assert header(sources=sources)["source_datasets"] == ["a/one", "b/two"]
    teacher = TeacherRecord(model="m", base_url="http://x/v1").model_dump()
    found = header(sources=sources[:1], teacher=teacher, teachers=[teacher])
    assert found["source_datasets"] == ["original", "b/two"]
    assert found["tags"][0] == "synthetic"
    assert "source_datasets" not in header(sources=sources[3:])
