import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.documents.quotes import (
    content_words,
    find_quote,
    fold_quote,
    foreign_numbers,
    share_in_source,
)

SOURCE = (
    "The mill was built in 1764 by the widow Anna Kerr. It did not burn down in the great fire of "
    "1811, because its “roof” was made of slate – not of straw."
)


@pytest.mark.parametrize(
    "quote",
    [
        "The mill was built in 1764",
        "the MILL was\n  built in 1764",
        'its "roof" was made of slate - not of straw',
        "its 'roof’ was made of slate".replace("'", "“").replace("’", "”"),
        "„its „roof“ was made of slate —\u00a0not of straw.“",
        "It did not burn down in the great fi\u00adre of 1811",
        "The mill was built … by the widow Anna Kerr",
        "The mill was built [...] did not burn down",
        "the ﬁre".replace("the", "the great"),
        "**The mill** was built in 1764",
    ],
)
def test_typography_makes_no_quote_false(quote: str) -> None:
    assert find_quote(quote, SOURCE).similarity == 1.0


def test_a_word_cut_at_the_end_of_a_line_is_whole() -> None:
    assert find_quote("the water mill", "He saw the wa-\nter mill.").similarity == 1.0
    assert find_quote("a well-known mill", "a well-\nknown mill").similarity == 1.0


@pytest.mark.parametrize(
    "quote",
    [
        "The mill was built in 1746",  # two digits changed places
        "It did burn down in the great fire of 1811",  # the negation went
        "The mill was never built in 1764",
        "built by the widower Anton Kerr in 1790",
        "The baker bought the mill from a bank",
        "",
        "...",
        "\u00ad",
    ],
)
def test_a_false_quote_stays_below_the_usual_bar(quote: str) -> None:
    assert find_quote(quote, SOURCE).similarity < 0.9


def test_a_small_slip_is_near_and_not_exact() -> None:
    found = find_quote("The mill was build in 1764 by the widow Anna Kerr", SOURCE)
    assert 0.9 <= found.similarity < 1.0
    assert SOURCE[found.start : found.end].startswith("The mill was built")


def test_a_part_of_a_word_is_no_quote() -> None:
    assert find_quote("art", "A party of three.").similarity < 1.0


def test_parts_of_a_quote_must_stand_in_their_order() -> None:
    assert find_quote("the great fire … The mill was built", SOURCE).similarity < 1.0


@given(text=st.text(max_size=80), quote=st.text(max_size=40))
def test_places_are_inside_and_the_similarity_is_a_share(text: str, quote: str) -> None:
    found = find_quote(quote, text)
    assert 0.0 <= found.similarity <= 1.0
    assert 0 <= found.start <= found.end <= len(text)


@given(st.text(alphabet="ab „“\u00ad-\n’.é1", min_size=1, max_size=60), st.data())
def test_a_stretch_of_whole_words_is_always_found(text: str, data) -> None:
    words = text.split()
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    quote = " ".join(words[first:last])
    if fold_quote(quote).strip(" \"'.,;:!?") and "..." not in quote:
        edges = (quote[0].isalnum(), quote[-1].isalnum())
        if edges == (True, True):
            assert find_quote(quote, text).similarity > 0.4


def test_share_counts_content_words_and_inflections() -> None:
    assert share_in_source("Die Bienen tanzen.", ["Eine Biene tanzte."]) == 0.5
    assert share_in_source("The bees danced.", ["bees dances, beeswax"]) == 1.0
    assert share_in_source("The mill was built in 1764.", ["The mill was built in 1765."]) < 1
    assert share_in_source("Yes, it is.", ["no"]) is None
    assert share_in_source("Elephants", []) == 0.0


def test_numbers_that_no_source_has() -> None:
    assert foreign_numbers("In 1764 and 1,200 and 3.5", ["1764, 1.200"]) == ["35"]
    assert foreign_numbers("no number", []) == []


def test_content_words_leave_out_stop_words() -> None:
    assert content_words("The mill of Anna Kerr, 1764") == {"mill", "anna", "kerr", "1764"}
