"""Which licences go together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.publishers.terms import HUB_LICENSES, PERMISSIVE, find_conflict, normalise_license

SA4, SA3, NC4, NCSA = "CC-BY-SA-4.0", "CC-BY-SA-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"


@pytest.mark.parametrize(
    ("sources", "result"),
    [
        (["MIT"], None),
        (["MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0"], None),
        (["MIT", "CC-BY-4.0"], "CC-BY-NC-4.0"),
        ([SA4], None),
        ([SA4], SA4),
        ([SA4, "MIT"], SA4),
        ([SA3, SA4], SA4),
        ([NC4, "CC-BY-4.0"], NC4),
        ([NC4, NCSA], NCSA),
        (["llama3"], None),
        (["llama3", "MIT"], "llama3"),
        ([], None),
        ([None, "MIT"], "MIT"),
    ],
)
def test_these_go_together(sources: list[str | None], result: str | None) -> None:
    assert find_conflict(sources, result=result) is None


@pytest.mark.parametrize(
    ("sources", "result", "said"),
    [
        ([SA4, "MIT"], None, "not stated"),
        ([SA4, "MIT"], "other", "not stated"),
        ([SA4, "MIT"], "MIT", "cc-by-sa-4.0 demands cc-by-sa-4.0"),
        ([SA4], "CC-BY-4.0", "cc-by-sa-4.0 demands"),
        ([SA3, SA4], SA3, "cc-by-sa-4.0 demands"),
        ([NC4, SA4], NC4, "cc-by-nc-4.0 and cc-by-sa-4.0 each demand"),
        ([NCSA, SA4], NCSA, "each demand"),
        ([NC4, "MIT"], "MIT", "cc-by-nc-4.0 demands"),
        (["CC-BY-ND-4.0"], None, "forbids"),
        (["CC-BY-NC-ND-4.0", "MIT"], None, "forbids"),
        (["llama3", "gemma"], None, "gemma and llama3 each demand"),
        (["llama3", "MIT"], None, "llama3 demands llama3"),
        (["GPL-3.0", "CC-BY-SA-4.0"], "GPL-3.0", "each demand"),
    ],
)
def test_these_do_not(sources: list[str], result: str | None, said: str) -> None:
    assert said in str(find_conflict(sources, result=result))


@pytest.mark.parametrize("terms", [None, "", " ", "unknown", "Other", "none"])
def test_no_licence_is_no_licence(terms: str | None) -> None:
    assert normalise_license(terms) is None


IDS = st.sampled_from(sorted(PERMISSIVE | HUB_LICENSES))


@settings(max_examples=60)
@given(st.lists(IDS, max_size=4), st.none() | IDS, IDS)
def test_order_and_spelling_do_not_matter_and_a_further_source_mends_nothing(
    sources: list[str], result: str | None, more: str
) -> None:
    found = find_conflict(sources, result=result)
    assert find_conflict([one.upper() for one in reversed(sources)], result=result) == found
    if found is not None:
        assert find_conflict([*sources, more], result=result) is not None


@given(st.lists(st.sampled_from(sorted(PERMISSIVE)), max_size=4), st.none() | IDS)
def test_permissive_ones_go_together_under_anything(sources: list[str], result: str | None) -> None:
    assert find_conflict(sources, result=result) is None
