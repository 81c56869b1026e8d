"""Text of strangers, made safe to look at."""

import pytest

from flows.report.text import show_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\u202egnp.exe\u202c", "[U+202E]gnp.exe[U+202C]"),
        ("\u2066a\u2069\u200e\u200f\u061c", "[U+2066]a[U+2069][U+200E][U+200F][U+061C]"),
        ("\x00\x1b[31m\r\x7f", "␀␛[31m␍␡"),
        ("\x85\ufffe\ud83d", "���"),
        ("zero\u200bwidth\ufeff", "zero[U+200B]width[U+FEFF]"),
        ("\U000e0041", "[U+E0041]"),
        ("👩\u200d🔬 نمی\u200cخواهم", "👩\u200d🔬 نمی\u200cخواهم"),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    assert show_controls(text) == shown
