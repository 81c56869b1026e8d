"""Pushes a version: one commit on top of what was looked at, one tag, read back and compared.

Whatever fails, the branch shows the version from before or the new one. Every attempt starts with
looking: what is there whole is not pushed again, so a lost answer, a moved head and a killed run
are all mended by running again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.hub.answers import Pushed
from flows.hub.calls import HubFault, wait_for
from flows.hub.copying import complete_copy, copy_files, read_local
from flows.hub.looking import Found, Job, check_tag, look
from flows.hub.reading import holds_version, read_copy
from flows.hub.records import PushRecord, read_records, write_record
from flows.hub.repository import Repository
from flows.publishers.refusals import check_publishable
from flows.versions import open_version
from schemas.errors import InputError, RunError
from schemas.manifest import FileRecord
from schemas.recipe import PublishOptions

#: Attempts to commit or tag, of which all but the last found someone else or nobody there.
_ATTEMPTS = 8
_CONTESTED = frozenset({409, 412})


def push_version(
    path: Path,
    options: PublishOptions,
    *,
    home: Path,
    must_be_private: bool,
    tell: Callable[[str], None],
) -> Pushed:
    """Push a version to the Hub, if it is not there already.

    Args:
        path: of the version.
        options: where to, and what goes along.
        home: where the commit is recorded.
        must_be_private: whether an existing public repository is refused.
        tell: shows people how far it is.

    Raises:
        InputError: if the version must not be published, or the Hub refuses for a reason that the
            user can mend; nothing was changed.
        RunError: if the Hub could not be reached long enough; the same call goes on.
    """
    if options.to is None:
        msg = "expected a repository such as owner/name, got none: name one"
        raise InputError(msg)
    folder, manifest = open_version(path)
    check_publishable(folder, manifest, options)
    version = read_local(folder, manifest, with_rejects=options.rejects)
    repository = Repository(options.to)
    records = read_records(home, options.to, repository.place)
    job = Job(version, repository, records, home, tell)
    try:
        is_private = _open(repository, options, must_be_private=must_be_private)
        return _push(job, is_private=is_private)
    except HubFault as fault:
        raise fault.explain(repository.place) from None


def _open(repository: Repository, options: PublishOptions, *, must_be_private: bool) -> bool:
    """Make the repository where it is missing; one that exists stays as private as it is."""
    is_private = repository.is_private()
    if is_private is None:
        repository.create(private=options.private)
        # Somebody may have made it in the meantime.
        is_private = repository.is_private()
    if must_be_private and not is_private:
        msg = (
            f"expected a private repository, got {repository.place}, which is public: make it "
            "private in its settings, or publish without asking for a private one"
        )
        raise InputError(msg)
    return bool(is_private)


def _push(job: Job, *, is_private: bool) -> Pushed:
    version = job.version
    commit, is_new = _ensure_commit(job)
    is_new = _ensure_tag(job, commit) or is_new
    copy = read_copy(job.repository, commit)
    records = [] if copy is None else copy.files
    known = job.records.versions.get(version.manifest.version)
    if known is None or not known.is_checked or known.commit != commit:
        _remember(job, commit, is_checked=False)
        job.tell(f"reading {version.tag} back at {commit[:12]}")
        _read_back(job, commit, records)
        _remember(job, commit, is_checked=True)
    return Pushed(
        repository=job.repository.name,
        url=f"{job.repository.place}/tree/{commit}",
        version=version.manifest.version,
        tag=version.tag,
        commit=commit,
        private=is_private,
        is_new=is_new,
        files=len(records) + 1,
        bytes=sum(record.bytes for record in records),
        rejects=version.note["rejects"],
    )


def _ensure_commit(job: Job) -> tuple[str, bool]:
    """Return the commit that shows the version, and whether this call made it."""
    fault: HubFault | None = None
    with TemporaryDirectory(prefix="feingold-hub-") as scratch:
        files: dict[str, Path] | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            found = look(job)
            if found.commit is not None:
                return found.commit, fault is not None
            if files is None:
                files = copy_files(job.version, Path(scratch))
            try:
                commit = _commit(job, files, found)
            except HubFault as error:
                if error.status not in _CONTESTED and not error.is_passing:
                    raise
                fault = error
                wait_for(error, attempt)
            else:
                _check_commit(job, commit)
                return commit, True
    if fault is None or fault.status in _CONTESTED:
        msg = (
            f"expected {job.repository.place} to hold still for one commit, got {_ATTEMPTS} "
            "attempts in which another one came first: run the same command again"
        )
        raise RunError(msg)
    raise fault


def _check_commit(job: Job, commit: str) -> None:
    """Raise unless a commit holds what was sent."""
    if not holds_version(job.repository, commit, job.version):
        msg = (
            f"expected {job.version.title} whole at {commit} of {job.repository.place}, got other "
            "files than were sent: it is not tagged; run the same command again"
        )
        raise RunError(msg)


def _commit(job: Job, files: dict[str, Path], found: Found) -> str:
    """Upload what is missing, then show all of it with one commit."""
    version, repository = job.version, job.repository
    earlier = found.shown.card if found.shown is not None else None
    whole = complete_copy(version, files, repository=repository.name, earlier_card=earlier)
    there = {} if found.head is None else repository.tree(found.head)
    written = found.shown.paths if found.shown is not None else frozenset[str]()
    _check_strangers(job, [path for path in there if path not in written and path not in whole])
    outdated = sorted((written & there.keys()) - whole.keys())
    job.tell(f"uploading {len(whole)} files of {version.title} to {repository.place}")
    added = repository.upload(whole)
    return repository.commit(added, outdated, parent=found.head, title=version.title)


def _check_strangers(job: Job, strangers: list[str]) -> None:
    """Raise where a file of somebody else would be read as data of this version."""
    folders = tuple(f"data/{config}/" for config in job.version.manifest.configs)
    mixed = [path for path in strangers if path.startswith(folders)]
    if mixed:
        msg = (
            f"expected nothing but feingold's files in data/ of {job.repository.place}, got "
            f"{', '.join(mixed[:3])}: they would mix with the version; delete them there"
        )
        raise InputError(msg)


def _ensure_tag(job: Job, commit: str) -> bool:
    """Tag a commit, unless it is; return whether this call did.

    Raises:
        InputError: if the tag names another commit.
    """
    version, repository = job.version, job.repository
    fault: HubFault | None = None
    for attempt in range(1, _ATTEMPTS + 1):
        tagged = repository.refs().tags.get(version.tag)
        if tagged == commit:
            return attempt > 1
        if tagged is not None:
            check_tag(job, tagged)
            msg = (
                f"expected tag {version.tag} of {repository.place} at {commit}, got {tagged}: "
                "another publisher was quicker; run the same command again"
            )
            raise RunError(msg)
        try:
            repository.tag(version.tag, commit)
        except HubFault as error:
            if error.status != 409 and not error.is_passing:
                raise
            fault = error
            wait_for(error, attempt)
    if fault is not None:
        raise fault
    msg = f"expected tag {version.tag} of {repository.place} to stay, got none: run this again"
    raise RunError(msg)


def _read_back(job: Job, commit: str, records: Sequence[FileRecord]) -> None:
    """Read every file at the commit from the Hub and compare its hash with the manifest.

    Raises:
        RunError: if one differs.
    """
    repository = job.repository
    for record in records:
        found = repository.hash_file(commit, record.path)
        if found != record.sha256:
            msg = (
                f"expected {record.path} at {commit} of {repository.place} with SHA-256 "
                f"{record.sha256}, got {found}: do not use it; delete tag {job.version.tag} and "
                "publish again"
            )
            raise RunError(msg)


def _remember(job: Job, commit: str, *, is_checked: bool) -> None:
    version = job.version
    record = PushRecord(
        tag=version.tag,
        commit=commit,
        manifest_sha256=version.manifest_sha256,
        is_checked=is_checked,
    )
    write_record(job.home, job.repository.name, job.records, version.manifest.version, record)
