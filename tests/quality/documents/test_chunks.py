from hypothesis import given
from hypothesis import strategies as st

from quality.documents.chunks import cut_document
from quality.documents.sections import Section, markdown_sections, whole

PARAGRAPHS = "One two three. Four five six.\n\nSeven eight nine. Ten eleven.\n\nTwelve."


def pieces(text: str, max_words: int, overlap: int = 0) -> list[str]:
    return [
        chunk.text
        for chunk in cut_document("d", text, whole(text), max_words=max_words, overlap=overlap)
    ]


def test_a_chunk_ends_at_a_paragraph_where_it_is_half_full() -> None:
    assert pieces(PARAGRAPHS, 9) == [
        "One two three. Four five six.",
        "Seven eight nine. Ten eleven.\n\nTwelve.",
    ]


def test_no_sentence_is_cut_where_a_chunk_has_room_for_it() -> None:
    assert pieces(PARAGRAPHS, 3) == [
        "One two three.",
        "Four five six.",
        "Seven eight nine.",
        "Ten eleven.\n\nTwelve.",
    ]


def test_a_sentence_longer_than_a_chunk_is_cut_between_words() -> None:
    assert pieces("a b c d e", 2) == ["a b", "c d", "e"]


def test_overlap_repeats_whole_sentences() -> None:
    text = "Aa bb. Cc dd. Ee ff. Gg hh."
    assert pieces(text, 4, overlap=2) == ["Aa bb. Cc dd.", "Cc dd. Ee ff.", "Ee ff. Gg hh."]
    assert pieces(text, 4, overlap=1) == ["Aa bb. Cc dd.", "Ee ff. Gg hh."]


def test_chunks_stay_in_their_section_and_know_it() -> None:
    text = "# A\n\nOne two.\n\n## B\n\nThree four.\n\n# C\n\nFive."
    found = cut_document("d", text, markdown_sections(text), max_words=50)
    assert [(chunk.section, chunk.text) for chunk in found] == [
        (("A",), "One two."),
        (("A", "B"), "Three four."),
        (("C",), "Five."),
    ]


def test_code_is_not_cut_at_its_dots_and_holds_no_heading() -> None:
    text = "# A\n\nSay it.\n\n```\n# no heading. Not one.\nx = 1. Yes.\n```\n\nDone."
    found = cut_document("d", text, markdown_sections(text), max_words=11)
    assert all(chunk.section == ("A",) for chunk in found)
    assert any("# no heading. Not one.\nx = 1." in chunk.text for chunk in found)


def test_underlined_headings_and_rules() -> None:
    text = "Title\n=====\n\nText.\n\nPart\n----\n\nMore.\n\n---\n\nEnd."
    found = [(part.path, text[part.start : part.end].strip()) for part in markdown_sections(text)]
    assert found == [(("Title",), "Text."), (("Title", "Part"), "More.\n\n---\n\nEnd.")]


def test_the_same_text_elsewhere_has_another_id() -> None:
    here, there = (cut_document(name, "One two.", whole("One two."))[0] for name in "ab")
    assert here.id != there.id
    assert here == cut_document("a", "One two.", whole("One two."))[0]


TEXTS = st.text(alphabet="ab. \n!?`#你。-", max_size=200)


@given(text=TEXTS, max_words=st.integers(1, 12))
def test_nothing_is_lost_and_nothing_is_twice(text: str, max_words: int) -> None:
    found = cut_document("d", text, [Section((), 0, len(text))], max_words=max_words)
    assert [chunk.text for chunk in found] == [text[c.start : c.end] for c in found]
    assert "".join("".join(chunk.text.split()) for chunk in found) == "".join(text.split())
    places = [(chunk.start, chunk.end) for chunk in found]
    assert places == sorted(places)


@given(text=TEXTS, max_words=st.integers(2, 12), overlap=st.integers(0, 6))
def test_with_overlap_it_ends_and_covers_everything(text, max_words: int, overlap: int) -> None:
    found = cut_document("d", text, whole(text), max_words=max_words, overlap=overlap)
    covered = {place for chunk in found for place in range(chunk.start, chunk.end)}
    assert {place for place, sign in enumerate(text) if not sign.isspace()} <= covered
    assert len({chunk.start for chunk in found}) == len(found)
