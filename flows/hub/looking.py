"""Looks before anything is pushed: whether the version is there, or may follow what is."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flows.hub.copying import LocalVersion
from flows.hub.reading import Shown, holds_version, read_shown
from flows.hub.records import PushRecords, record_path
from flows.hub.repository import Repository
from flows.versions import parse_semver
from schemas.errors import InputError


class Job(NamedTuple):
    """What is pushed where."""

    version: LocalVersion
    repository: Repository
    records: PushRecords
    home: Path
    tell: Callable[[str], None]


class Found(NamedTuple):
    """A look at the repository: the version whole at `commit`, or null and what `head` shows."""

    commit: str | None
    is_tagged: bool
    head: str | None
    shown: Shown | None


def look(job: Job) -> Found:
    """Find the version in the repository, or what a commit with it would follow.

    Raises:
        InputError: if the tag names something else, or the version cannot follow what is there.
    """
    version, repository = job.version, job.repository
    refs = repository.refs()
    tagged = refs.tags.get(version.tag)
    known = job.records.versions.get(version.manifest.version)
    if tagged is not None:
        check_tag(job, tagged)
        return Found(tagged, is_tagged=True, head=refs.head, shown=None)
    likely = [known.commit if known is not None else None, refs.head]
    for commit in dict.fromkeys(likely):
        if commit is not None and holds_version(repository, commit, version):
            return Found(commit, is_tagged=False, head=refs.head, shown=None)
    shown = None if refs.head is None else read_shown(repository, refs.head)
    if shown is not None and not _may_follow(job, shown):
        for commit in repository.commits_named(version.title):
            if holds_version(repository, commit, version):
                return Found(commit, is_tagged=False, head=refs.head, shown=shown)
        raise _cannot_follow(job, shown)
    return Found(None, is_tagged=False, head=refs.head, shown=shown)


def check_tag(job: Job, tagged: str) -> None:
    """Raise unless a tag that exists names this version."""
    version, repository = job.version, job.repository
    known = job.records.versions.get(version.manifest.version)
    if known is not None and known.commit != tagged:
        msg = (
            f"expected tag {version.tag} of {repository.place} at {known.commit}, where this home "
            f"published it, got {tagged}: somebody moved it; if that was meant, delete "
            f"{record_path(job.home, repository.name)}"
        )
        raise InputError(msg)
    if not holds_version(repository, tagged, version):
        msg = (
            f"expected tag {version.tag} of {repository.place} to name this version, got "
            f"{tagged}, which holds other files: a published version never changes; publish a "
            "new version, or to another repository"
        )
        raise InputError(msg)


def _may_follow(job: Job, shown: Shown) -> bool:
    """Whether the version is a newer one of the dataset that the repository shows."""
    mine = parse_semver(job.version.manifest.version)
    theirs = parse_semver(shown.version)
    is_newer = theirs is None or (mine is not None and mine > theirs)
    return shown.name == job.version.manifest.name and is_newer


def _cannot_follow(job: Job, shown: Shown) -> InputError:
    mine = job.version.manifest
    wanted = f"{mine.name} before {mine.version}"
    return InputError(
        f"expected {job.repository.place} to show {wanted}, got {shown.name} {shown.version}: "
        "publish a newer version, or to another repository"
    )
