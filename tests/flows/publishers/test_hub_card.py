"""The changelog of a card keeps what others published."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.publishers.hub_card import keep_changelog

CARD = "# set\n\n## Examples\n\n````text\n## Changelog\n\n### 9.9.9\n````\n\n## Changelog\n\n"


def entry(version: str, text: str = "x") -> str:
    return f"### {version}\n\n{text}\n\n"


def test_entries_beneath_come_from_the_earlier_card() -> None:
    found = keep_changelog(CARD + entry("2.0.0", "new"), CARD + entry("1.1.0") + entry("1.0.0"))
    heads = [line for line in found.splitlines() if line.startswith("### ")]
    assert heads == ["### 9.9.9", "### 2.0.0", "### 1.1.0", "### 1.0.0"]
    assert found.count("### 9.9.9") == 1


def test_an_entry_that_both_have_is_that_of_the_new_card() -> None:
    found = keep_changelog(CARD + entry("1.0.0", "mine"), CARD + entry("1.0.0", "theirs"))
    assert found == CARD + entry("1.0.0", "mine")


def test_a_card_without_changelog_gets_one() -> None:
    found = keep_changelog("# set\n", CARD + entry("1.0.0"))
    assert found == "# set\n\n## Changelog\n\n### 1.0.0\n\nx\n"


def test_sections_behind_the_changelog_stay_behind_it() -> None:
    old = CARD + entry("1.0.0") + "## License\n\n### 3.0.0\n"
    found = keep_changelog(CARD + entry("2.0.0") + "## More\n\ntext\n", old)
    assert found.index("### 1.0.0") < found.index("## More")
    assert "## License" not in found
    assert "3.0.0" not in found


VERSIONS = st.lists(
    st.tuples(*[st.integers(0, 3)] * 3).map(lambda v: ".".join(map(str, v))),
    unique=True, max_size=4,
)  # fmt: skip
TEXT = st.text(alphabet="ab#`\n -", max_size=20)


@settings(max_examples=60)
@given(VERSIONS, VERSIONS, TEXT)
def test_again_changes_nothing(own: list[str], earlier: list[str], text: str) -> None:
    card = CARD + "".join(entry(version) for version in own)
    old = CARD + "".join(entry(version) for version in earlier) + text
    once = keep_changelog(card, old)
    assert keep_changelog(card, once) == once
    assert keep_changelog(once, old) == once
