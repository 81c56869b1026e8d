import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from quality.scorers.language import LANGUAGES
from quality.scorers.language_kernel import classify, load_model

TEXTS = [
    "The dog sleeps all day long in the sun.", "Der Hund schläft den ganzen Tag.", "你好，世界。",
    "Le chien dort toute la journée au soleil.", "WARUM SCHREIST DU SO LAUT?", "ok", "", "42 42 42",
    "e\u0301cole e\u0301te\u0301", "🤷‍♀️", "a" * 900,
]  # fmt: skip


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(list(LANGUAGES))
    return found


def test_it_says_what_the_package_says(identifier: LanguageIdentifier) -> None:
    verdicts = classify(TEXTS, load_model(LANGUAGES))
    for text, verdict in zip(TEXTS, verdicts, strict=True):
        code, confidence = identifier.classify(text)
        assert verdict.confidence == pytest.approx(confidence, abs=1e-4), text
        assert verdict.code == code or confidence < 0.1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), max_size=6))
def test_a_verdict_does_not_depend_on_the_other_texts(texts: list[str]) -> None:
    model = load_model(LANGUAGES)
    assert classify(texts, model) == [classify([text], model)[0] for text in texts]


def test_more_texts_than_are_walked_at_once() -> None:
    model = load_model(("de", "en"))
    texts = ["the dog and the cat", "der Hund und die Katze", ""] * 1500
    codes = [verdict.code for verdict in classify(texts, model)]
    assert pl.Series(codes).gather_every(3).unique().to_list() == ["en"]
    assert pl.Series(codes).gather_every(3, 1).unique().to_list() == ["de"]


def test_no_texts() -> None:
    assert classify([], load_model(("de", "en"))) == []
