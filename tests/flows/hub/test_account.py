"""What `doctor` says about the token."""

import pytest

from flows.checkup import _hub_token
from flows.hub.account import describe_account
from schemas.errors import InputError, RunError
from tests.support.hub import TOKEN, FakeHub


def test_a_token_that_may_write_is_fine(hub: FakeHub) -> None:
    assert describe_account() == "of me, role write"
    assert _hub_token().is_ok


def test_a_token_that_may_only_read_is_said(hub: FakeHub) -> None:
    hub.role = "read"
    with pytest.raises(InputError, match="may only read"):
        describe_account()
    assert (_hub_token().is_ok, _hub_token().is_needed) == (False, False)


def test_a_token_that_the_hub_does_not_know_is_said_but_not_shown(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.echoes_token = True
    hub.choose_fault = lambda step: "401"
    with pytest.raises(InputError, match="hf auth login") as caught:
        describe_account()
    assert TOKEN not in str(caught.value)
    hub.choose_fault = lambda step: "reset"
    with pytest.raises(RunError):
        describe_account()
