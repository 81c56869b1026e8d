from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.personal_data import find_personal_data, personal_data

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to erika.m@web.de today.", ["erika.m@web.de"]),
        ("Call +49 151 29486071.", ["+49 151 29486071"]),
        ("Call (212) 684-4700 now", ["(212) 684-4700"]),
        ("Tel. 030/29486071", ["030/29486071"]),
        ("Ring +44 20 7946 8312.", ["+44 20 7946 8312"]),
        ("+33 1 42 68 53 00", ["+33 1 42 68 53 00"]),
        ("4539 1488 0343 6467", ["4539 1488 0343 6467"]),  # Luhn holds
        ("DE89 3704 0044 0532 0130 00", ["DE89 3704 0044 0532 0130 00"]),
        ("GB82WEST12345698765432", ["GB82WEST12345698765432"]),
    ],
)
def test_personal_data_is_found(text: str, found: list[str]) -> None:
    assert find_personal_data(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "john.doe@example.com", "info@acme-tools.com", "max.mustermann@web.de", "user@localhost",
        "your.name@gmail.com", "555-123-4567", "(123) 456-7890", "+1 555 0100 200", "000-000-0000",
        "1-800-273-8255", "+1 800 273 8255", "345-678-9012", "+999 151 29486071", "123-456-7890",
        "4539 1488 0343 6468", "DE89 3704 0044 0532 0130 01", "1234567890", "2023-01-15", "12:30",
        "3.14159265358979", "192.168.0.1", "ISBN 978-3-16-148410-0", "1, 2, 3, 4, 5, 6, 7, 8, 9",
        "@username on the web", "", "The years 1914-1918 and 1939-1945", "10 000 000 000",
        "Der 24.12.2023 war ein Sonntag.", "Price: 1.299,00 €", "1111 2222 3333 4444",
    ],
)  # fmt: skip
def test_examples_and_other_numbers_are_not_personal(text: str) -> None:
    assert find_personal_data(text) == []


def test_different_finds_are_counted_over_the_conversation(make_rows: MakeRows) -> None:
    rows = make_rows(["a.b@web.de, c.d@gmx.de, a.b@web.de", "none"], given="e.f@web.de")
    assert personal_data(rows).to_list() == [3.0, 1.0]
