import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.translation.protected import lost_marks, protect, restore


@pytest.mark.parametrize(
    "piece",
    [
        "`ls -l`",
        "```python\nprint(1)\n```",
        "https://example.org/a?b=1",
        "someone@example.org",
        "{name}",
        "{{ user.name }}",
        "%(count)d",
        "<br/>",
        r"\(x^2\)",
    ],
)
def test_what_is_no_prose_is_taken_out_and_put_back(piece: str) -> None:
    text = f"Here is {piece} for you."
    found = protect(text)
    assert found.pieces == (piece,)
    assert piece not in found.text
    assert restore(found.text, found) == text
    assert lost_marks(found.text, found) == []


def test_lost_doubled_and_invented_marks_are_seen() -> None:
    found = protect("Run `a`, then `b`.")
    assert lost_marks("Erst [[1]].", found) == ["`b`"]
    assert lost_marks("Erst [[1]], [[1]], [[2]].", found) == ["`a`"]
    assert lost_marks("Erst [[1]], [[2]], [[3]].", found) == ["[[3]]"]
    assert restore("[[2]] [[ 1 ]]", found) == "`b` `a`"


def test_marks_differ_from_what_a_text_holds() -> None:
    found = protect("As in [[1]] and `x`.")
    assert restore(found.text, found) == "As in [[1]] and `x`."
    assert found.text == "As in [[1]] and <<1>>."


@given(st.lists(st.sampled_from(["`a`", "{x}", "[[1]]", "<<2>>", "word", " ", "\n", "<b>"])))
def test_a_text_comes_back_whole(parts: list[str]) -> None:
    text = "".join(parts)
    found = protect(text)
    assert restore(found.text, found) == text
