"""Fetches a version from the Hub, once per commit."""

import re
from pathlib import Path

from schemas.errors import InputError

_NAME = re.compile(r"^hf:(\w[\w.-]*/\w[\w.-]*)(?:@(\S+))?$")


def fetch_version(name: str, home: Path) -> Path:
    """Return the directory of a version that is on the Hub.

    Args:
        name: `hf:owner/name`, with `@` and a tag, branch or commit; without, the newest.
        home: what was fetched is kept in `<home>/downloads`.

    Raises:
        InputError: if there is no such dataset or revision, it is no version of feingold, or the
            Hub cannot be reached.
    """
    found = _NAME.match(name)
    if found is None:
        msg = f"expected hf:owner/name or hf:owner/name@v1.0.0, got {name!r}: correct it"
        raise InputError(msg)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        fetched = snapshot_download(
            found[1], repo_type="dataset", revision=found[2], cache_dir=home / "downloads"
        )
    # The client wraps what httpx raises in errors of both kinds.
    except (OSError, ValueError, HFValidationError) as error:
        line = " ".join(str(error).split())[:200]
        msg = (
            f"expected a dataset on the Hub, got {type(error).__name__}: {line!r} for {name}: "
            "check name, revision, token (`feingold doctor`) and network"
        )
        raise InputError(msg) from error
    folder = Path(fetched)
    if not (folder / "manifest.json").is_file():
        msg = (
            f"expected a version that feingold published, got no manifest.json in {name}: name "
            "another dataset or revision"
        )
        raise InputError(msg)
    return folder
