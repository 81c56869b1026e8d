"""The gate decides as rouge_score does, to the last bit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality import rouge
from quality.rouge import RougeGate, f_measure, tokenize
from schemas.errors import RunError

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")
SCORER = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "1", "22"]), max_size=12).map(" ".join)
TEXTS = st.one_of(WORDS, st.text(alphabet="aAbB1 -.ßİ你'\n", max_size=14))


def score(kept: str, text: str) -> float:
    return float(SCORER.score(kept, text)["rougeL"].fmeasure)


def brute_force(kept: list[str], text: str, threshold: float) -> tuple[str, float] | None:
    scores = [score(other, text) for other in kept]
    best = max(scores, default=0.0)
    return (str(scores.index(best)), best) if best > threshold else None


def gate_of(kept: list[str], threshold: float) -> RougeGate:
    gate = RougeGate(threshold)
    for place, text in enumerate(kept):
        gate.add(str(place), text)
    return gate


@settings(deadline=None, max_examples=400)
@given(st.lists(TEXTS, max_size=10), TEXTS, st.sampled_from([0.0, 0.4, 0.5, 0.7, 0.8, 1.0]))
def test_nearest_is_that_of_brute_force(kept: list[str], text: str, threshold: float) -> None:
    assert gate_of(kept, threshold).nearest(text) == brute_force(kept, text, threshold)


def test_a_score_at_the_threshold_is_kept_and_one_above_is_not() -> None:
    seven = ["a b c d e f g x y z"]
    candidate = "a b c d e f g 1 2 3"
    assert score(seven[0], candidate) == 0.7
    assert gate_of(seven, 0.7).nearest(candidate) is None
    assert gate_of(seven, 0.69).nearest(candidate) == ("0", 0.7)


@pytest.mark.parametrize("left", range(1, 40))
def test_the_formula_is_the_same_to_the_last_bit(left: int) -> None:
    for right in range(1, 40):
        for common in range(1, min(left, right) + 1):
            first = " ".join(["x"] * common + ["l"] * (left - common))
            second = " ".join(["x"] * common + ["r"] * (right - common))
            if (left + right + common) % 7 == 0:
                assert f_measure(common, left, right) == score(first, second)


def test_equals_are_broken_by_the_first_added() -> None:
    assert gate_of(["one two three", "one two three"], 0.7).nearest("one two three") == ("0", 1.0)


def test_a_text_without_latin_letters_or_digits_matches_nothing() -> None:
    assert tokenize("你好,世界") == []
    assert gate_of(["你好,世界", ""], 0.0).nearest("你好,世界") is None


def test_asking_keeps_nothing() -> None:
    gate = RougeGate()
    assert gate.nearest("new words") is None
    assert len(gate) == 0
    gate.add("x", "new words")
    assert gate.nearest("new words") == ("x", 1.0)
    assert len(gate) == 1


def test_tokens_beyond_the_basic_plane_keep_their_identity() -> None:
    gate = RougeGate()
    words = [f"w{n}" for n in range(70_000)]
    for start in range(0, len(words), 10):
        gate.add(str(start), " ".join(words[start : start + 10]))
    assert gate.nearest(" ".join(words[-10:])) == ("69990", 1.0)
    assert gate.nearest(" ".join(words[55_290:55_300])) == ("55290", 1.0)


def test_a_threshold_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a threshold"):
        RougeGate(1.5)


def test_running_out_of_characters_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rouge, "_characters", lambda: iter("ab"))
    gate = RougeGate()
    gate.add("x", "one two")
    with pytest.raises(RunError, match="at most 2 different tokens"):
        gate.add("y", "three")
