from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.secrets import secrets

MakeRows = Callable[..., pl.DataFrame]
BODY = "a8Kq2LmN7pRs4TuV9wXy3ZbC6dEf1GhJ5kMn"


@pytest.mark.parametrize(
    ("output", "count"),
    [
        ("AKIA" + "Q7RTZ2MK" * 2, 1.0),
        (f"key = sk-proj-{BODY}", 1.0),
        (f"sk-ant-{BODY}", 1.0),
        (f"ghp_{BODY}", 1.0),
        (f"github_pat_{BODY}{BODY}", 1.0),
        (f"HF_TOKEN=hf_{BODY[:34]}", 1.0),
        (f"xoxb-{BODY}", 1.0),
        ("AIza" + BODY[:35], 1.0),
        (f"eyJhbGciOiJI.eyJzdWIiOiIx.{BODY}", 1.0),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", 1.0),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", 1.0),
        (f"ghp_{BODY} and hf_{BODY} and ghp_{BODY}", 2.0),
        (f"SG.{BODY[:22]}.{BODY}{BODY[:7]}", 1.0),
        (f"123456789:AA{BODY[:33]}", 1.0),
        (f"https://hooks.slack.com/services/T0AB1/B0CD2/{BODY[:24]}", 1.0),
        ("postgres://anna:Qz7rT9vK@db.acme.net/x", 1.0),
        ("postgres://user:password@localhost/x", 0.0),
        ("https://acme.net:8080/a@b", 0.0),
        ("sk-learn and sk-image are libraries", 0.0),
        ("sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0.0),
        ("AKIAIOSFODNN7EXAMPLE", 0.0),
        ("export OPENAI_API_KEY=sk-your-key-goes-here-please", 0.0),
        ("-----BEGIN PUBLIC KEY-----", 0.0),
        ("d41d8cd98f00b204e9800998ecf8427e", 0.0),
        ("Der Schlüssel liegt unter der Matte.", 0.0),
        ("", 0.0),
    ],
)
def test_secrets(make_rows: MakeRows, output: str, count: float) -> None:
    assert secrets(make_rows([output])).to_list() == [count]


def test_later_user_turns_are_searched(make_rows: MakeRows) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "user", "content": f"my key: hf_{BODY}"}]
    assert secrets(make_rows(["Hi"], messages=[turns])).to_list() == [1.0]


def test_the_instruction_is_searched(make_rows: MakeRows) -> None:
    assert secrets(make_rows(["Done."], instruction=f"Use ghp_{BODY}")).to_list() == [1.0]
