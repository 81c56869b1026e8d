"""What a push came to, for people and for `--json`."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pushed:
    """A version on the Hub.

    Attributes:
        repository: `owner/name`.
        url: of the commit.
        version: `major.minor.patch`.
        tag: its name there.
        commit: what the tag points to.
        private: whether only members of the repository see it.
        is_new: false where all of it was there before.
        files: number of files, each read back and compared.
        bytes: in these.
        rejects: `whole` or `without text`.
    """

    repository: str
    url: str
    version: str
    tag: str
    commit: str
    private: bool
    is_new: bool
    files: int
    bytes: int
    rejects: str


def describe(pushed: Pushed) -> list[str]:
    """What happened, for people."""
    what = "is now" if pushed.is_new else "was already"
    seen = "private" if pushed.private else "public"
    text = "with" if pushed.rejects == "whole" else "without"
    return [
        f"{pushed.version} {what} at {pushed.url}",
        f"  tag      {pushed.tag}, commit {pushed.commit}",
        f"  files    {pushed.files:,}, {pushed.bytes / 1e6:,.1f} MB, read back and compared",
        f"  seen by  {'members only' if pushed.private else 'everybody'} ({seen})",
        f"  rejects  {text} their text",
        f'  load     datasets.load_dataset("{pushed.repository}", "default", split="train", '
        f'revision="{pushed.tag}")',
    ]


def answer(pushed: Pushed) -> dict[str, Any]:
    """What happened, for `--json`."""
    return asdict(pushed)
