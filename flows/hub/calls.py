"""Calls to the Hub: bounded patience, and one line for what patience does not help."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from httpx2 import HTTPError
from huggingface_hub import get_session
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)

from schemas.errors import FeingoldError, InputError, RunError

Result = TypeVar("Result")

_TRIES = 5
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0
#: Seconds without a byte after which a connection is given up; the client itself waits for ever.
_SILENCE = 300.0
_PASSING = frozenset({408, 425, 429})
_LONGEST_TEXT = 200
_hidden: set[str] = set()
#: What a status means, and what to do.
_ADVICE = {
    401: "expected a token that the Hub knows, got 401: `hf auth login` or set $HF_TOKEN",
    402: "expected an account that may do this, got 402 (payment required): see its billing page",
    403: "expected a token that may write there, got 403: take one with write access to its owner",
    404: "expected it to be there and open to this token, got 404: check the name and the token",
}


class HubFault(Exception):  # noqa: N818  a fault may pass
    """A call that did not succeed.

    Attributes:
        step: what was tried.
        status: of the HTTP answer; null where there was none, or none that can be read.
        said: one printable line, without the token.
        is_passing: whether the same call may succeed later.
        is_missing: whether the Hub says that file or commit, and they alone, are not there.
        wait_seconds: what the Hub asks to wait, if it does.
    """

    def __init__(self, step: str, *, status: int | None, said: str, is_passing: bool) -> None:
        super().__init__(f"{step}: {said}")
        self.step = step
        self.status = status
        self.said = said
        self.is_passing = is_passing
        self.is_missing = False
        self.wait_seconds: float | None = None

    def explain(self, place: str) -> FeingoldError:
        """Return the error for the user: theirs where they can mend it.

        Args:
            place: the repository and where it is.
        """
        where = f"{self.step} at {place}"
        if self.status in _ADVICE:
            said = f" (the Hub says: {self.said})" if self.said else ""
            return InputError(f"{where}: {_ADVICE[self.status]}{said}")
        if not self.is_passing:
            return RunError(
                f"{where}: expected the Hub to accept it, got {self.said!r}: nothing is half "
                "published; when that is mended, run the same command again"
            )
        if self.status == 429:
            return RunError(
                f"{where}: expected an answer, got 429 (too many requests): wait some minutes, then"
                " run the same command again; it goes on where this one stopped"
            )
        return RunError(
            f"{where}: expected an answer of the Hub, got {self.said!r}: run the same command"
            " again; it looks first at what is there and goes on"
        )


def call(step: str, action: Callable[[], Result], *, tries: int = _TRIES) -> Result:
    """Call the Hub, and again after a while where a fault passes.

    Args:
        step: what the user reads, such as "upload".
        action: the call; may be made twice.
        tries: calls at most; 1 where the client itself has patience, or a second call could do
            harm.

    Raises:
        HubFault: if the last call failed, or one whose fault does not pass.
    """
    for attempt in range(1, tries + 1):
        # The client's session is made anew after some faults.
        get_session().timeout = _SILENCE
        try:
            return action()
        except OfflineModeIsEnabled:
            msg = "expected to reach the Hub, got HF_HUB_OFFLINE=1: unset it to publish"
            raise InputError(msg) from None
        except (HTTPError, OSError, RuntimeError, ValueError, KeyError) as error:
            fault = _read_fault(step, error)
        if attempt == tries or not fault.is_passing:
            # Without its cause: an answer may repeat the token.
            raise fault from None
        wait_for(fault, attempt)
    raise AssertionError(step)


def wait_for(fault: HubFault, attempt: int) -> None:
    """Wait before the next attempt: as long as the Hub asks, else longer each time."""
    backoff = _FIRST_WAIT * 2 ** (attempt - 1)
    pause(min(fault.wait_seconds or backoff, _LONGEST_WAIT))


def pause(seconds: float) -> None:
    """Sleep; tests do not."""
    time.sleep(seconds)


def _read_fault(step: str, error: Exception) -> HubFault:
    """Tell what went wrong, from the whole chain of what the client raised."""
    answers = [found for found in _chain(error) if isinstance(found, HfHubHTTPError)]
    if not answers:
        is_ours = isinstance(error, ValueError | KeyError) and not _is_garbled(error)
        said = _clean(f"{type(error).__name__}: {error}")
        return HubFault(step, status=None, said=said, is_passing=not is_ours)
    response = answers[0].response
    status = response.status_code
    said = _clean(f"{status} {answers[0].server_message or response.reason_phrase}")
    passes = status in _PASSING or status >= 500
    fault = HubFault(step, status=status, said=said, is_passing=passes)
    fault.is_missing = isinstance(answers[0], RemoteEntryNotFoundError | RevisionNotFoundError)
    fault.wait_seconds = _asked_wait(response.headers.get("retry-after"))
    return fault


def _is_garbled(error: Exception) -> bool:
    """Whether an answer could not be read: cut off, or a proxy's page."""
    return isinstance(error, json.JSONDecodeError | KeyError) or "Malformed" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _asked_wait(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None


def hide(token: str) -> None:
    """Keep a token out of whatever a server may repeat."""
    _hidden.update({token} - {""})


def _clean(text: str) -> str:
    """One printable line without any token."""
    for token in _hidden:
        text = text.replace(token, "...")
    line = " ".join(text.split())
    return "".join(mark if mark.isprintable() else "?" for mark in line)[:_LONGEST_TEXT]
