"""Tells somebody that a scheduled run failed: a web hook or a command, from the environment."""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from typing import Final

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.logging import get_logger

#: An address that takes a POST of JSON (Slack, Mattermost, ntfy, your own), or a command that gets
#: the same on its standard input. Not set: nobody is told.
VARIABLE: Final = "FEINGOLD_NOTIFY"
_SECONDS = 60


def notify(flow: Flow[..., object], flow_run: FlowRun, state: State[object]) -> None:
    """Tell whom the environment names how a run ended; a hook of Prefect, which never raises.

    Args:
        flow: that ran.
        flow_run: the run.
        state: in which it ended.
    """
    target = os.environ.get(VARIABLE, "").strip()
    if not target:
        return
    data = json.dumps(message(flow.name, flow_run, state), ensure_ascii=False).encode()
    try:
        send(target, data)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Neither address nor command: both may hold a secret.
        reason = getattr(error, "code", None) or type(error).__name__
        get_logger("feingold").error("%s could not be told: %s", VARIABLE, reason)


def message(flow: str, flow_run: FlowRun, state: State[object]) -> dict[str, str]:
    """Return what is sent; `text` says it all in one line."""
    recipe = str(flow_run.parameters.get("recipe", ""))
    reason = " ".join((state.message or "").split())
    return {
        "text": f"{flow} of {recipe}: {state.name}. {reason}"[:2000],
        "flow": flow,
        "recipe": recipe,
        "run": flow_run.name,
        "state": state.name or state.type.value,
        "message": reason,
    }


def send(target: str, data: bytes) -> None:
    """Send JSON to an address, or run a command with it.

    Args:
        target: an http(s) address, or a command with its arguments as a shell would split them.
        data: JSON.

    Raises:
        OSError: if the address or the command cannot be reached.
        subprocess.SubprocessError: if the command fails or takes too long.
    """
    if not target.startswith(("http://", "https://")):
        subprocess.run(  # noqa: S603  the user's own command
            shlex.split(target), input=data, check=True, timeout=_SECONDS, capture_output=True
        )
        return
    request = urllib.request.Request(  # noqa: S310  checked above
        target, data=data, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
        pass
