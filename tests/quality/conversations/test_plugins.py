import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.plugins import strip_panel


@pytest.mark.parametrize(
    "panel",
    [
        "Used WebPilot",
        "Used **Link Reader**",
        "Used unknown plugin",
        "Browsing...\nFinished browsing",
        'Searched the web for "owls"\nClicked on:\nReading content',
        "Show work\nFinished working",
        'Used X\n\nRequest to X\n\n```json\n{"q": 1}\n```\n\nResponse from X\n\n```json\n[]\n```',
    ],
)
def test_panels_go(panel: str) -> None:
    found = strip_panel(f"{panel}\n\nThree owls live here.")
    assert found == ("Three owls live here.", panel)
    assert strip_panel(panel).text == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Used cars lose value.",
        "Used in 1912, it was then forgotten.",
        "Request a form first.\n\n```json\n{}\n```",
        "Request:\n\n```json\n{}\n```",
        "Three owls.\nUsed WebPilot",
        "```\nUsed WebPilot\n```",
        "Working on it pays.",
    ],
)
def test_answers_stay(text: str) -> None:
    assert strip_panel(text) == (text, "")


def test_code_of_the_answer_stays() -> None:
    text = "Used Calc\n\nThe call is:\n\n```\nf(1)\n```"
    assert strip_panel(text).text == "The call is:\n\n```\nf(1)\n```"


@given(st.lists(st.sampled_from(["Used X", "Request to X", "```", "a", ""])))
def test_nothing_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = strip_panel(text)
    assert f"{found.panel} {found.text}".split() == text.split()
