"""What a signature file says about itself: whose rows it holds and how they were cut."""

import hashlib
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import InputError
from schemas.recipe import LexicalOptions

#: Layout of the files. Raised when the columns or their meaning change.
FORMAT = 1
#: Directory of the signature files within a version.
FOLDER = "signatures"
#: Key of the header in the metadata of the Parquet file.
KEY = "feingold"


class SignatureHeader(BaseModel):
    """The header of a signature file, JSON under `KEY` in its Parquet metadata.

    Attributes:
        format: FORMAT of the writer.
        probe: what the writer makes of a few fixed texts, see `signatures.probe`.
        name: the dataset.
        version: `major.minor.patch`.
        content_sha256: of the version.
        columns: compared together.
        shingle: words in a shingle.
        characters: characters in a shingle where the script writes no spaces.
        mask: templates that do not count.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    probe: str
    name: str
    version: str
    content_sha256: str
    columns: tuple[str, ...]
    shingle: int
    characters: int
    mask: tuple[str, ...]

    def is_cut_as(self, options: LexicalOptions) -> bool:
        """Whether rows cut with `options` can be compared with these."""
        mine = (self.columns, self.shingle, self.characters, self.mask)
        return mine == (options.columns, options.shingle, options.characters, options.mask)


def describe_cut(cut: SignatureHeader | LexicalOptions) -> str:
    """Say how rows are cut, for an error."""
    names = ("columns", "shingle", "characters", "mask")
    given = {name: getattr(cut, name) for name in names}
    shown = (list(value) if isinstance(value, tuple) else value for value in given.values())
    return ", ".join(f"{name} {value}" for name, value in zip(names, shown, strict=True))


def read_header(path: Path) -> SignatureHeader:
    """Read the header of a signature file.

    Raises:
        InputError: if it is none, or damaged.
    """
    try:
        text = pl.read_parquet_metadata(path).get(KEY)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(path, str(error)) from error
    if text is None:
        raise damaged(path, "a Parquet file without a header of feingold")
    try:
        return SignatureHeader.model_validate_json(text)
    except ValidationError as error:
        raise damaged(path, f"the header {text[:80]!r}") from error


def damaged(path: Path, reason: str) -> InputError:
    """The error for a file that holds no signatures."""
    line = " ".join(reason.split())[:160]
    return InputError(
        f"expected signatures of a published version, got {line!r} in {path}: restore the file, or "
        f"give a version, such as published/alpaca/1.0.0"
    )


def hash_file(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise damaged(path, str(error)) from error
