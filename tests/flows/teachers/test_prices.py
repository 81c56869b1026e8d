import datetime as dt
from urllib.parse import urlsplit

import pytest

from flows.teachers.prices import ListedPrice, listed_price, listed_prices

OPENAI = "https://api.openai.com/v1"
ROWS = [(host, model) for host, models in listed_prices().items() for model in models]


def shown(price: ListedPrice | None) -> tuple[float, ...] | None:
    """Prompt, completion and, where they are sold, both in a batch."""
    if price is None:
        return None
    batch = (price.batch_prompt, price.batch_completion)
    return (price.prompt, price.completion, *(value for value in batch if value is not None))


@pytest.mark.parametrize(
    ("base_url", "model", "expected"),
    [
        (OPENAI, "gpt-4.1-mini", (0.4, 1.6, 0.2, 0.8)),
        ("https://API.OpenAI.com/v1/", "gpt-4.1-mini", (0.4, 1.6, 0.2, 0.8)),
        (OPENAI, "gpt-4o", (2.5, 10, 1.25, 5)),
        (OPENAI, "gpt-4o-mini", (0.15, 0.6, 0.075, 0.3)),
        ("https://api.deepseek.com", "deepseek-v4-pro", (1.32, 3.96)),
        ("https://api.mistral.ai/v1", "mistral-small-latest", (0.15, 0.6)),
        ("https://api.groq.com/openai/v1", "openai/gpt-oss-120b", (0.15, 0.6, 0.075, 0.3)),
        ("https://api.together.xyz/v1", "openai/gpt-oss-120b", (0.15, 0.6)),
        ("https://api.anthropic.com/v1/", "claude-sonnet-5-5", (2, 10)),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "gemini-2.5-flash",
            (0.3, 2.5, 0.15, 1.25),
        ),
    ],
)
def test_a_host_has_its_own_prices(
    base_url: str, model: str, expected: tuple[float, ...] | None
) -> None:
    assert shown(listed_price(base_url, model)) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o-mini-2024-07-18", (0.15, 0.6, 0.075, 0.3)),
        ("gpt-4o-2024-08-06", (2.5, 10, 1.25, 5)),
        ("gpt-4o-20240806", (2.5, 10, 1.25, 5)),
        # A snapshot that is listed itself comes before its base name.
        ("gpt-4o-2024-05-13", (5, 15, 2.5, 7.5)),
        # Any other ending is another model.
        ("gpt-4o-nano", None),
        ("gpt-4o-audio-preview", None),
        ("gpt-4", None),
        ("gpt-4.1-minimal", None),
        ("ft:gpt-4o-mini-2024-07-18:me::id", None),
        ("gpt-4o-mini-2024-07-18-ft", None),
        ("gpt-4o-mini-2024-07-18\n", None),
        ("gpt-4o-2024-13-01", None),
        ("gpt-4o-2024-0806", None),
        ("gpt-4o-1106", None),
        ("GPT-4o", None),
        ("", None),
    ],
)
def test_only_a_dated_snapshot_has_the_price_of_its_base(
    model: str, expected: tuple[float, ...] | None
) -> None:
    assert shown(listed_price(OPENAI, model)) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "embedded:0123456789abcdef",
        "http://127.0.0.1:8000/v1",
        "http://localhost:11434/v1",
        "http://[::1]:8000/v1",
        "http://10.0.0.7/v1",
        "https://openrouter.ai/api/v1",  # its prices vary
        "https://api.openai.com.example.org/v1",
        "https://example.org/api.openai.com/v1",
        "https://eu.api.openai.com/v1",  # costs more
        "api.openai.com/v1",
        "http://[::1",
        "",
    ],
)
def test_elsewhere_no_price_is_known(base_url: str) -> None:
    assert listed_price(base_url, "gpt-4o") is None


@pytest.mark.parametrize(("host", "model"), ROWS)
def test_every_entry_says_when_and_where_it_was_read(host: str, model: str) -> None:
    price = listed_prices()[host][model]
    assert 0 < price.prompt <= price.completion < 1000
    assert (price.batch_prompt is None) == (price.batch_completion is None)
    if price.batch_prompt is not None and price.batch_completion is not None:
        assert 0 < price.batch_prompt < price.prompt
        assert 0 < price.batch_completion < price.completion
    assert dt.date(2026, 1, 1) <= dt.date.fromisoformat(price.as_of)
    assert urlsplit(price.source).scheme == "https"


def test_the_table_has_the_hosts_it_should() -> None:
    assert {host: len(models) for host, models in listed_prices().items()} == {
        "api.openai.com": 18,
        "api.deepseek.com": 3,
        "api.mistral.ai": 5,
        "api.groq.com": 2,
        "api.together.xyz": 5,
        "generativelanguage.googleapis.com": 6,
        "api.anthropic.com": 6,
    }
