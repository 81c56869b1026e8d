from hypothesis import given
from hypothesis import strategies as st

from quality.spending.novelty import Novelty

TEXTS = st.lists(st.text(max_size=30), max_size=4)


def test_what_was_there_is_not_new_and_what_shares_half_is_half_new() -> None:
    seen = Novelty()
    assert seen.measure({"a": ["Why is rain wet"]}) == {"a": 1.0}
    assert seen.measure({"a": ["why is RAIN wet?"], "b": ["Why is snow cold"]}) == {
        "a": 0.0, "b": 0.5,
    }  # fmt: skip


def test_a_text_without_words_is_no_news() -> None:
    assert Novelty().measure({"a": ["", "?!"], "b": []}) == {"a": 0.0, "b": 0}


@given(st.dictionaries(st.sampled_from("abc"), TEXTS))
def test_the_order_of_arms_does_not_matter_and_repeats_bring_nothing(by_arm) -> None:
    one, other = Novelty(), Novelty()
    found = one.measure(by_arm)
    turned = other.measure(dict(reversed(by_arm.items())))
    assert turned == found
    for arm, value in found.items():
        assert 0 <= value <= len(by_arm[arm])
    assert not any(one.measure(by_arm).values())
