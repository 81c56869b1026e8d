from contextlib import ExitStack

import pytest

from flows.teachers.resolve import check_budget, connector, identify, teacher_options
from schemas.errors import InputError
from schemas.recipe import BudgetOptions, Price, TeacherOptions

URL = "http://127.0.0.1:8000/v1"
OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("recipe", "environment", "base_url", "model"),
    [
        ({}, {}, None, None),
        ({"base_url": URL, "model": "m"}, {}, URL, "m"),
        # What the recipe says comes before the environment.
        ({"base_url": URL, "model": "m"}, {"OPENAI_BASE_URL": OPENAI}, URL, "m"),
        ({"base_url": URL, "model": "m"}, {"OPENAI_MODEL": "other"}, URL, "m"),
        ({}, {"OPENAI_API_KEY": "sk-x"}, OPENAI, "gpt-4.1-mini"),
        ({}, {"OPENAI_API_KEY": "sk-x", "OPENAI_MODEL": "n"}, OPENAI, "n"),
        ({"model": "m"}, {"OPENAI_API_KEY": "sk-x", "OPENAI_MODEL": "n"}, OPENAI, "m"),
        ({}, {"OPENAI_BASE_URL": URL}, URL, "gpt-4.1-mini"),
        ({}, {"OPENAI_BASE_URL": URL, "OPENAI_MODEL": "n"}, URL, "n"),
        ({}, {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": URL}, URL, "gpt-4.1-mini"),
        # An empty variable is none.
        ({}, {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}, None, None),
        ({"api_key_env": "MY_KEY"}, {"OPENAI_API_KEY": "sk-x"}, None, None),
        ({"api_key_env": "MY_KEY"}, {"MY_KEY": "sk-x"}, OPENAI, "gpt-4.1-mini"),
    ],
)
def test_who_is_meant(
    monkeypatch: pytest.MonkeyPatch,
    recipe: dict[str, str],
    environment: dict[str, str],
    base_url: str | None,
    model: str | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = teacher_options(TeacherOptions(**recipe))  # type: ignore[arg-type]
    assert (found.base_url, found.model) == (base_url, model)


def test_a_url_without_a_model_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        teacher_options(TeacherOptions(base_url=URL))
    assert str(caught.value) == (
        "expected teacher.model beside teacher.base_url, got nothing: name the model"
    )


def test_the_identity_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    options = TeacherOptions(base_url=f"{URL}/", model="m", license="CC0-1.0")
    identity = identify(options)
    assert (identity.base_url, identity.model, identity.license) == (URL, "m", "CC0-1.0")
    assert (identity.is_embedded, identity.weights_sha256) == (False, None)
    with ExitStack() as stack:
        connection = connector(options, stack)()
    assert (connection.base_url, connection.api_key) == (URL, "sk-canary")
    assert "canary" not in repr(connection) + repr(identity)


@pytest.mark.parametrize("value", [None, ""])
def test_a_local_server_needs_no_key(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    with ExitStack() as stack:
        assert connector(TeacherOptions(base_url=URL, model="m"), stack)().api_key == "none"


@pytest.mark.parametrize(
    ("options", "budget", "is_refused"),
    [
        ({"base_url": URL, "model": "m"}, {"usd": 1}, True),
        ({"base_url": URL, "model": "m"}, {"usd": 0}, True),
        ({"base_url": URL, "model": "m"}, {"tokens": 1, "requests": 1}, False),
        ({"base_url": URL, "model": "m"}, {}, False),
        ({}, {"usd": 1}, False),  # the embedded teacher costs nothing
        (
            {"base_url": URL, "model": "m", "price_per_million": Price(prompt=1, completion=1)},
            {"usd": 1},
            False,
        ),
    ],
)
def test_money_is_limited_only_where_the_price_is_known(
    options: dict[str, object], budget: dict[str, float], is_refused: bool
) -> None:
    teacher, limits = TeacherOptions(**options), BudgetOptions(**budget)  # type: ignore[arg-type]
    if is_refused:
        with pytest.raises(InputError, match=r"expected teacher\.price_per_million for 'm'"):
            check_budget([teacher], limits)
    else:
        check_budget([teacher], limits)
