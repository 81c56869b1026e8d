"""A dataset repository on the Hub: what it holds at a commit, and how something new gets there."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from logging import ERROR
from pathlib import Path
from typing import Final, NamedTuple

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_session,
    get_token,
    hf_hub_url,
    hf_raise_for_status,
    logging,
)
from huggingface_hub.hf_api import RepoFile

from flows.hub.calls import HubFault, call, hide
from schemas.errors import InputError

BRANCH: Final = "main"
_KIND: Final = "dataset"
_CHUNK: Final = 1 << 20
#: Files whose content is sent in one step; a broken upload goes on behind the last whole step.
_STEP: Final = 50
_OF_CLIENT: Final = 1  # tries of calls that the client repeats itself


class Refs(NamedTuple):
    """Where branch and tags point; null: there is no branch yet."""

    head: str | None
    tags: dict[str, str]


class RemoteFile(NamedTuple):
    """A file at a commit: its size, its git hash, and the SHA-256 where the Hub states it."""

    bytes: int
    blob: str
    sha256: str | None


class Repository:
    """One dataset repository; its token comes from the environment or `hf auth login` alone."""

    def __init__(self, name: str) -> None:
        """Prepare; nothing is asked yet.

        Args:
            name: `owner/name`.

        Raises:
            InputError: without a token.
        """
        self.name = name
        token = get_token()
        if token is None:
            msg = f"expected a Hub token for {name}, got none: `hf auth login` or set $HF_TOKEN"
            raise InputError(msg)
        hide(token)
        logging.set_verbosity(ERROR)  # its warnings are told as one line of ours
        self._api = HfApi(
            endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="feingold"
        )
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        self.place = f"{self._api.endpoint}/datasets/{name}"

    def is_private(self) -> bool | None:
        """Whether only its members see it; null where there is no such repository."""
        try:
            found = call("looking", lambda: self._api.dataset_info(self.name))
        except HubFault as fault:
            if fault.status == 404:
                return None
            raise
        return bool(found.private)

    def create(self, *, private: bool) -> None:
        """Make it, if it is not there."""
        call(
            "creation",
            lambda: self._api.create_repo(
                self.name, repo_type=_KIND, private=private, exist_ok=True
            ),
        )

    def refs(self) -> Refs:
        """Where branch and tags point now."""
        found = call("refs", lambda: self._api.list_repo_refs(self.name, repo_type=_KIND))
        heads = {branch.name: branch.target_commit for branch in found.branches}
        return Refs(heads.get(BRANCH), {tag.name: tag.target_commit for tag in found.tags})

    def tree(self, commit: str) -> dict[str, RemoteFile]:
        """Every file at a commit."""
        listed = call(
            "listing",
            lambda: list(
                self._api.list_repo_tree(
                    self.name, recursive=True, revision=commit, repo_type=_KIND
                )
            ),
            tries=_OF_CLIENT,
        )
        return {
            item.path: RemoteFile(
                item.size, item.blob_id, item.lfs.sha256 if item.lfs is not None else None
            )
            for item in listed
            if isinstance(item, RepoFile)
        }

    def commits_named(self, title: str) -> list[str]:
        """The commits of the branch with a title, newest first."""
        found = call(
            "history",
            lambda: self._api.list_repo_commits(self.name, repo_type=_KIND, revision=BRANCH),
            tries=_OF_CLIENT,
        )
        return [commit.commit_id for commit in found if commit.title == title]

    def read(self, commit: str, path: str) -> bytes | None:
        """A small file at a commit; null where file or commit are missing."""
        parts: list[bytes] = []
        try:
            self._stream(commit, path, parts)
        except HubFault as fault:
            if fault.is_missing:
                return None
            raise
        return b"".join(parts)

    def hash_file(self, commit: str, path: str) -> str:
        """The SHA-256 of a file as the Hub gives it out: no cache lies between."""
        return self._stream(commit, path, None)

    def _stream(self, commit: str, path: str, parts: list[bytes] | None) -> str:
        url = hf_hub_url(
            self.name, path, repo_type=_KIND, revision=commit, endpoint=self._api.endpoint
        )

        def read() -> str:
            digest = hashlib.sha256()
            if parts is not None:
                parts.clear()
            with get_session().stream("GET", url, headers=self._headers) as response:
                if response.is_error:
                    response.read()
                hf_raise_for_status(response)
                hops = [*response.history, response]
                if all(hop.headers.get("X-Repo-Commit") != commit for hop in hops):
                    msg = f"Malformed answer: not of commit {commit}"  # a proxy's page
                    raise ValueError(msg)
                for chunk in response.iter_bytes(_CHUNK):
                    digest.update(chunk)
                    if parts is not None:
                        parts.append(chunk)
            return digest.hexdigest()

        return call(f"reading {path}", read)

    def upload(self, files: Mapping[str, Path | bytes]) -> list[CommitOperationAdd]:
        """Send content that no commit names yet, step by step; what is there is not sent again.

        Args:
            files: path in the repository to file or content.
        """
        added = [CommitOperationAdd(path, content) for path, content in files.items()]
        for start in range(0, len(added), _STEP):
            step = added[start : start + _STEP]
            send = partial(
                self._api.preupload_lfs_files,
                self.name,
                step,
                repo_type=_KIND,
                revision=BRANCH,
                free_memory=False,
                # A .gitignore there must not take files out of the commit.
                gitignore_content="",
            )
            call("upload", send, tries=_OF_CLIENT)
        return added

    def commit(
        self,
        added: Sequence[CommitOperationAdd],
        deleted: Sequence[str],
        *,
        parent: str | None,
        title: str,
    ) -> str:
        """Make all changes visible at once, on top of `parent` or not at all.

        Returns:
            The commit; the head where there was nothing to change.
        """
        removed = [CommitOperationDelete(path, is_folder=False) for path in deleted]
        made = call(
            "commit",
            lambda: self._api.create_commit(
                self.name,
                [*added, *removed],
                commit_message=title,
                repo_type=_KIND,
                revision=BRANCH,
                parent_commit=parent,
            ),
            tries=1,
        )
        return made.oid

    def tag(self, name: str, commit: str) -> None:
        """Name a commit."""
        call(
            "tag",
            lambda: self._api.create_tag(self.name, tag=name, revision=commit, repo_type=_KIND),
            tries=1,
        )
