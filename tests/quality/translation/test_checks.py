import pytest

from quality.translation.checks import (
    changed_numbers,
    check_round_trip,
    check_translation,
    negates,
)
from quality.translation.protected import protect

SOURCE = "The ferry does not run at night. It carries 12 cars, see `plan.txt`."
GOOD = "Die Fähre fährt nachts nicht. Sie trägt 12 Autos, siehe [[1]]."


def rule(translated: str, source: str = SOURCE, languages=("en", "de")) -> str | None:
    found = check_translation(protect(source), translated, languages=languages)
    return None if found is None else found.rule


@pytest.mark.parametrize(
    ("translated", "expected"),
    [
        (GOOD, None),
        (GOOD.replace("12", "zwölf"), None),
        (GOOD.replace("12", "21"), "number_changed"),
        (GOOD.replace(" nicht", ""), "negation_changed"),
        (GOOD.replace("[[1]]", "plan.txt"), "protected_lost"),
        (GOOD.replace("[[1]]", "[[1]] [[1]]"), "protected_lost"),
        ("", "empty_translation"),
        ("The ferry does not run at night. It carries 12 cars, see [[1]].", "not_translated"),
        ("Le ferry ne roule pas la nuit, non. Il porte 12 voitures, voir [[1]].", "wrong_language"),
    ],
)
def test_what_a_translation_must_keep(translated: str, expected: str | None) -> None:
    found = rule(translated)
    assert found == expected


def test_short_texts_may_stay_as_they_are() -> None:
    assert rule("Berlin", source="Berlin") is None


@pytest.mark.parametrize(
    ("source", "translated", "changed"),
    [
        ("1,234.5 km", "1.234,5 km", []),
        ("three doors", "3 Türen", []),
        ("3 doors", "drei Türen", []),
        ("1 door", "eine Tür", []),
        ("3 doors", "vier Türen", ["3"]),
        ("In 1923", "1932", ["1923", "1932"]),
        ("7 and 7", "7", ["7"]),
        ("no number", "kein 5", ["5"]),
    ],
)
def test_numbers(source: str, translated: str, changed: list[str]) -> None:
    assert changed_numbers(source, translated) == changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [("It isn't so.", True), ("Nothing.", True), ("Außer ihm", True), ("Keine Angst", True),
     ("A knot", False), ("Keinerlei ist selten", False), ("", False)],
)  # fmt: skip
def test_negating_words(text: str, expected: bool) -> None:
    assert negates(text) is expected


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        ("The ferry does not go at night. It carries 12 cars.", None),
        ("The ferry doesn't run at night. It carries twelve cars.", None),
        ("The ferry does not run at night. It carries 21 cars.", "number_changed"),
        ("The ferry does run at night. It carries 12 cars.", "negation_changed"),
        ("Nobody likes the 12 old boats of the harbour.", "round_trip"),
    ],
)
def test_a_changed_meaning_is_seen_on_the_way_back(back: str, expected: str | None) -> None:
    source = "The ferry does not run at night. It carries 12 cars."
    found = check_round_trip(source, back, bar=0.4)
    assert (None if found is None else found.rule) == expected
