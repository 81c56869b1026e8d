import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.text import is_placeholder_input, normalise_text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  plain \n", "plain"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x0bb\x0cc\x85d", "a\nb\nc\nd"),
        ("a\x00b\x1b[0m\x7f\x9f", "ab[0m"),
        ("tab\tstays", "tab\tstays"),
        ("\ufefftext\u200b \u2060", "text"),
        ("\u200b \u00a0\u3000x\u2028", "x"),
        ("a\u200db", "a\u200db"),
        ("e\u0301", "\u00e9"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("break  \nkept", "break  \nkept"),
        ("\n\n    a = 1\n    b = 2\n", "    a = 1\n    b = 2"),
        ("\tif x:\n\t\ty()", "\tif x:\n\t\ty()"),
        ("    one line", "one line"),
        (" Sure:\n  - one", "Sure:\n  - one"),
        ("    first\nsecond", "first\nsecond"),
        ("def f():\n    return 1\n", "def f():\n    return 1"),
        (" \t\n\u200b", ""),
        ("Grüße, 你好 \U0001f600", "Grüße, 你好 \U0001f600"),
    ],
)
def test_normalise_text(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@given(ANY_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(ANY_TEXT)
def test_normalised_text_is_utf8_without_control_characters(text: str) -> None:
    result = normalise_text(text)
    assert result.encode("utf-8").decode("utf-8") == result
    assert [char for char in result if ord(char) < 32 and char not in "\n\t"] == []


@pytest.mark.parametrize(
    "text",
    [
        "N/A", "n/a", "<N/A>", "[N/A].", "No input", "noinput", "<noinput>", "<no input>.",
        '"<noinput>"', "`<noinput>`", "< noinput >", "(No  Input)", "\\<noinput\\>",
        "No input required.", "no input needed", "No input is required", "Not applicable",
        "None", "none.", "<none>", "NA", "na", "<noinput",
    ],
)  # fmt: skip
def test_placeholders(text: str) -> None:
    assert is_placeholder_input(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "0", "no", "No", "Na", "null", "empty", "x", "+", "<>", "{}", "input",
        "No lemon, no melon", "<noinput> 8", "He was <noinput>", "None of the students",
        "No input validation is done by this form, which is a problem",
    ],
)  # fmt: skip
def test_real_inputs_are_kept(text: str) -> None:
    assert not is_placeholder_input(text)


@pytest.mark.parametrize(
    ("text", "instruction", "expected"),
    [
        ("None", "What is the type of this value?", False),
        ("None", "Translate into German", False),
        ("NA", "What does the following abbreviation mean in R?", False),
        ("None", "Name three colours.", True),
        ("<none>", "Implement the following data structure: stack", True),
        ("<noinput>", "Summarise this text", True),
    ],
)
def test_ambiguous_words_depend_on_the_instruction(
    text: str, instruction: str, expected: bool
) -> None:
    assert is_placeholder_input(text, instruction) is expected
