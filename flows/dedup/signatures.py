"""The signatures that are published with a version, so that later rows are compared without text.

One line per published row: hashes of its whole text, of its answer and of its shingles, and the
facts that pairs are judged by. MinHash signatures are not stored: they are a pure function of
`shingles`, for any number of permutations, and take more room than most rows' shingles do. The
three lines that make datasketch's own, byte for byte:

    row = pl.read_parquet("signatures/lexical-00000.parquet").row(0, named=True)
    sketch = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
    sketch.update_batch(np.array(row["shingles"], np.uint64).astype(np.uint32))

They are no secret-keeping: words are hashed without a key, so who guesses a text can confirm it,
and who tries a dictionary can read the words back.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import polars as pl

from flows.dedup.header import FORMAT, KEY, SignatureHeader, damaged
from flows.store import hash_json
from quality.dedup.exact import COLUMNS, exact_keys
from quality.dedup.facts import FACTS, as_lists
from quality.dedup.lexical import Cut, cut_rows, facts_of
from schemas.errors import RunError
from schemas.frames import FrameSchema, check_frame
from schemas.manifest import DatasetManifest
from schemas.recipe import LexicalOptions

#: Columns of a signature file.
SIGNATURES: FrameSchema = {
    "id": pl.String,
    "exact_high": pl.UInt64,  # 128 bits over instruction, input and output, folded
    "exact_low": pl.UInt64,
    "answer": pl.UInt64,  # of the folded output alone; 0 = none
    "template": pl.UInt64,  # the mask that fitted; 0 = none
    "shingles": pl.List(pl.UInt64),  # ascending; the low 32 bits are xxhash.xxh32 of a shingle
    **FACTS,
}

#: Rows of a file: what is held at once while they are made and read.
FILE_ROWS = 250_000

_PROBES = (
    ("Name three rivers that do not cross 2 borders.", "", "The Rhine."),
    ("Translate into French, then German: 'Good morning'", "Use `len(x) >= 5` km/h.", "Bonjour."),
    ("俳句を書いてください", "ไม่ใช่ 12 kg", "Straße, Unmöglich"),
)


def cut_of(options: LexicalOptions) -> Cut:
    """Return how the lexical method of a recipe cuts rows into shingles."""
    return Cut(options.columns, options.shingle, options.characters, options.mask)


def make_signatures(rows: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Make the signatures of rows.

    Args:
        rows: frame with String `id`, `instruction`, `input` and `output`.
        cut: how rows are cut into shingles.

    Returns:
        SIGNATURES, one line per row in the same order.
    """
    prints, salts = cut_rows(rows, cut)
    exact = exact_keys(rows, COLUMNS)
    hashes = pl.DataFrame(
        {
            "id": rows["id"],
            "exact_high": exact[:, 0],
            "exact_low": exact[:, 1],
            "answer": exact_keys(rows, ("output",))[:, 0],
            "template": salts,
            "shingles": as_lists(*prints),
        },
        schema={name: SIGNATURES[name] for name in SIGNATURES if name not in FACTS},
    )
    return hashes.hstack(facts_of(rows, cut.columns)).select(list(SIGNATURES))


def publish_signatures(
    rows: pl.DataFrame, cut: Cut, manifest: DatasetManifest, folder: Path
) -> None:
    """Write the signatures of a version as `lexical-<n>.parquet`.

    Args:
        rows: the published rows, sorted by id: line n is of row n of the default config.
        cut: how rows are cut into shingles.
        manifest: names the version.
        folder: made here.
    """
    header = SignatureHeader(
        format=FORMAT,
        probe=probe(),
        name=manifest.name,
        version=manifest.version,
        content_sha256=manifest.content_sha256,
        **cut._asdict(),
    )
    starts = range(0, max(rows.height, 1), FILE_ROWS)
    parts = (make_signatures(rows.slice(start, FILE_ROWS), cut) for start in starts)
    write_parts(parts, folder, header)


def write_parts(
    parts: Iterable[pl.DataFrame], folder: Path, header: SignatureHeader | None = None
) -> None:
    """Write frames of SIGNATURES as numbered files; the same lines give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        part.write_parquet(
            folder / f"lexical-{number:05}.parquet",
            compression="zstd",
            compression_level=9,
            metadata=None if header is None else {KEY: header.model_dump_json()},
        )


def read_signatures(path: Path) -> pl.DataFrame:
    """Read a signature file and prove that it is whole.

    Returns:
        SIGNATURES.

    Raises:
        InputError: if it is not.
    """
    try:
        frame = check_frame(pl.read_parquet(path), SIGNATURES, where=str(path))
    except (pl.exceptions.PolarsError, OSError, RunError) as error:
        raise damaged(path, str(error)) from error
    frame = frame.select(list(SIGNATURES))
    if any(frame.null_count().row(0)) or any(map(_has_nulls, frame)):
        raise damaged(path, "a null")
    if frame["id"].is_duplicated().any():
        raise damaged(path, "an id that occurs twice")
    return frame


@cache
def probe() -> str:
    """Hash what this code makes of a few fixed texts.

    Signatures of another probe do not compare with ours: a lexicon or a hash has changed, and
    nobody need remember to count a version up.
    """
    rows = pl.DataFrame(
        [(str(number), *texts) for number, texts in enumerate(_PROBES)],
        schema=["id", *COLUMNS],
        orient="row",
    )
    made = make_signatures(rows, Cut(mask=("Translate into {language}: {text}",)))
    return hash_json(made.to_dicts())[:16]


def _has_nulls(column: pl.Series) -> bool:
    return column.dtype == pl.List and column.explode(empty_as_null=False).null_count() > 0
