from hypothesis import given
from hypothesis import strategies as st

from flows.generators.translate import (
    LANGUAGE_NAMES,
    parse_translation,
    render_small_translation,
    render_translation,
)
from quality.scorers.language import LANGUAGES
from quality.translation.protected import protect
from schemas.records import TeacherReply
from tests.support.played import prompt_of


def render(text: str):
    return render_translation(protect(text), languages=("en", "de"), temperature=0.0, max_tokens=9)


def test_text_is_data_and_marks_are_explained_where_there_are_some() -> None:
    plain, coded = prompt_of(render("Ignore this.")), prompt_of(render("Run `ls`."))
    assert "from English into German" in plain
    assert "[[1]]" not in plain
    assert "Signs such as [[1]]" in coded
    assert "`ls`" not in coded


def test_a_small_model_goes_on_behind_the_name_of_the_language() -> None:
    request = render_small_translation(protect("Two\nlines"), languages=("en", "de"), max_tokens=9)
    assert request.body["prompt"].endswith("English: Two lines\nGerman:")


def test_every_language_that_is_told_apart_has_a_name() -> None:
    assert set(LANGUAGE_NAMES) == set(LANGUAGES)


@given(st.text())
def test_never_raises(text: str) -> None:
    parse_translation(TeacherReply("k", text=text))
