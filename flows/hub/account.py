"""Whose token this is, and whether it may write."""

import os

from huggingface_hub import HfApi, get_token

from flows.hub.calls import HubFault, call, hide
from schemas.errors import InputError


def describe_account() -> str:
    """Return what the Hub knows about the token.

    Raises:
        FeingoldError: if the Hub does not know it, or it may only read.
    """
    token = get_token()
    hide(token or "")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        found = call("account", api.whoami, tries=1)
    except HubFault as fault:
        raise fault.explain(api.endpoint) from None
    role = found.get("auth", {}).get("accessToken", {}).get("role", "not stated")
    if role == "read":
        msg = f"expected a token of {found['name']} that may write, got one that may only read"
        raise InputError(msg)
    return f"of {found['name']}, role {role}"
