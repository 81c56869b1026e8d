import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.funnel import content_hash, count_by_rule
from schemas.frames import DECISIONS, empty_frame
from tests.support.rows import make_decisions


def test_rules_are_counted_most_first_then_by_name() -> None:
    lines = [
        *({"id": f"a{n}", "rule": "refusal", "action": "drop"} for n in range(2)),
        *({"id": f"b{n}", "rule": "exact_duplicate", "action": "drop"} for n in range(2)),
        *({"id": f"c{n}", "rule": "invalid_json", "action": "quarantine"} for n in range(3)),
        {"id": "a0", "rule": "max_words", "action": "would_drop"},
        {"id": "d", "rule": "language", "action": "abstain"},
        {"id": "e", "rule": "kept", "action": "keep"},
    ]
    found = count_by_rule(make_decisions(lines))
    assert list(found.items()) == [("invalid_json", 3), ("exact_duplicate", 2), ("refusal", 2)]


def test_nothing_was_decided() -> None:
    assert count_by_rule(empty_frame(DECISIONS)) == {}


@pytest.mark.parametrize(
    ("ids", "text"), [([], ""), (["b"], "b"), (["b", "a"], "a\nb"), (["a-1", "a"], "a\na-1")]
)
def test_the_content_hash_is_over_sorted_ids(ids: list[str], text: str) -> None:
    assert content_hash(ids) == hashlib.sha256(text.encode()).hexdigest()


@given(st.lists(st.text("0123456789abcdef-", min_size=1), unique=True), st.randoms())
def test_order_does_not_matter_and_content_does(ids: list[str], rng: object) -> None:
    turned = list(ids)
    rng.shuffle(turned)  # type: ignore[attr-defined]
    assert content_hash(turned) == content_hash(ids)
    if ids:
        assert content_hash(ids[1:]) != content_hash(ids)
