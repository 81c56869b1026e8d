"""Guards: differences that no similarity score sees and that make two tasks two tasks.

"Add 3 and 5" and "Add 3 and 6" have a cosine of .98; so has a true paraphrase, and no threshold
parts the two (sage-wiki#164). A guard vetoes a merge whatever the similarity. It errs on the side
of keeping both rows: a wrong veto costs a duplicate more, a missing one costs a row.

Guards compare features, many pairs at once, and never see a text.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl

from quality.dedup.guard_features import GUARD_FEATURES, guard_features, guard_keys
from quality.dedup.guard_tokens import hash_strings
from quality.dedup.lexicon import OPPOSITES
from schemas.errors import RunError
from schemas.frames import check_frame

__all__ = [
    "GUARDS",
    "GUARD_FEATURES",
    "find_vetoes",
    "guard_features",
    "guard_keys",
    "vetoing_guard",
]

_OPPOSITES = pl.DataFrame(
    [
        tuple(int(number) >> 32 for number in hash_strings(words))
        for pair in OPPOSITES
        for words in (sorted(pair), sorted(pair, reverse=True))
    ],
    schema={"token": pl.UInt32, "opposite": pl.UInt32},
    orient="row",
)


def differs_in_numbers(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs whose numbers differ, in value or in order ("5 minus 3", "3 minus 5")."""
    return left["numbers"] != right["numbers"]


def differs_in_negation(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs where one negates more often, or negates a word by its prefix (valid, invalid)."""
    return (
        (left["negations"] != right["negations"])
        | _has_prefixed(left, right)
        | _has_prefixed(right, left)
    )


def differs_in_opposites(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs where one has a word alone and the other its opposite (largest, smallest)."""
    return _has_opposite(left, right) | _has_opposite(right, left)


def differs_in_quotes(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs where a quoted string of one is nowhere in the other, quoted or not.

    What counts is words and marks, not white space between them, and whole words: "art" is not in
    "party".
    """
    return _lacks_quote(left, right) | _lacks_quote(right, left)


def differs_in_languages(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs whose named languages differ, in name or in order (French to German)."""
    return left["languages"] != right["languages"]


def differs_in_code(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs whose identifiers, paths, addresses or operators differ."""
    return left["code"] != right["code"]


def differs_in_units(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs whose named units differ, in name or in order (seconds to hours)."""
    return left["units"] != right["units"]


#: Name -> guard, in the order in which they are asked. Each takes two frames of GUARD_FEATURES of
#: equal height and returns a Boolean per line: True forbids to merge.
GUARDS: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame], pl.Series]] = MappingProxyType(
    {
        "numbers": differs_in_numbers,
        "negation": differs_in_negation,
        "opposites": differs_in_opposites,
        "quotes": differs_in_quotes,
        "languages": differs_in_languages,
        "code": differs_in_code,
        "units": differs_in_units,
    }
)


def find_vetoes(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Name the first guard that forbids to merge the texts of each line.

    Args:
        left: frame of GUARD_FEATURES, see `guard_features`.
        right: another of the same height; line n of both are a pair.

    Returns:
        String series, a name of GUARDS per pair; null where no guard forbids.

    Raises:
        RunError: if a column is missing or the heights differ.
    """
    if left.height != right.height:
        msg = f"expected two frames of one height to compare, got {left.height} and {right.height}"
        raise RunError(msg)
    left = check_frame(left, GUARD_FEATURES, where="reading guard features")
    right = check_frame(right, GUARD_FEATURES, where="reading guard features")
    names = np.full(left.height, None, dtype=object)
    undecided = (left["folded"] != right["folded"]).arg_true()
    for name, differs in GUARDS.items():
        is_vetoed = differs(left[undecided], right[undecided])
        names[undecided.filter(is_vetoed).to_numpy()] = name
        undecided = undecided.filter(~is_vetoed)
    return pl.Series("guard", names.tolist(), dtype=pl.String)


def vetoing_guard(left: str, right: str) -> str | None:
    """Return the name of the first guard that forbids to merge two texts, None where none does.

    For many pairs, `find_vetoes` takes a thousandth of the time.

    Example:
        >>> vetoing_guard("Name three colours", "Name 4 colours")
        'numbers'
        >>> vetoing_guard("Name three colours", "Name 3 colours") is None
        True
    """
    features = guard_features(pl.Series([left, right], dtype=pl.String))
    name: str | None = find_vetoes(features[:1], features[1:]).item()
    return name


def _has_prefixed(plain: pl.DataFrame, prefixed: pl.DataFrame) -> pl.Series:
    """Mark pairs where `prefixed` alone has a word of `plain` behind a negating prefix."""
    words = _explode(plain, "tokens")
    found = _explode(prefixed, "prefixed").select(
        "line",
        tokens=(pl.col("prefixed") // 2**32).cast(pl.UInt32),
        stem=(pl.col("prefixed") % 2**32).cast(pl.UInt32),
    )
    alone = found.join(words, on=["line", "tokens"], how="anti")
    hits = alone.join(words, left_on=["line", "stem"], right_on=["line", "tokens"], how="semi")
    return _mark(hits, plain.height)


def _has_opposite(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """Mark pairs where `right` has the opposite of a word that `left` has alone."""
    words, others = (
        _explode(frame, "tokens").join(_OPPOSITES, left_on="tokens", right_on="token", how="semi")
        for frame in (left, right)
    )
    alone = words.join(others, on=["line", "tokens"], how="anti")
    hits = alone.join(_OPPOSITES, left_on="tokens", right_on="token").join(
        others, left_on=["line", "opposite"], right_on=["line", "tokens"], how="semi"
    )
    return _mark(hits, left.height)


def _lacks_quote(quoting: pl.DataFrame, other: pl.DataFrame) -> pl.Series:
    """Mark pairs where `other` lacks the tokens that `quoting` has in quotes, one after another."""
    # As text, " 17 4 " in " 3 17 4 9 ", since Polars does not look for a list within a list.
    quotes = (
        pl.DataFrame({"quotes": quoting["quotes"], "tokens": other["tokens"]})
        .with_row_index("line")
        .filter(pl.col("quotes").list.len() > 0)
        .with_columns(pl.col("quotes", "tokens").cast(pl.List(pl.String)).list.join(" "))
        .with_columns(pl.col("quotes").str.split(" 0"), tokens=pl.format(" {} ", "tokens"))
        .explode("quotes")
        .filter(pl.col("quotes") != "")
        .with_columns(quotes=pl.format(" {} ", pl.col("quotes").str.strip_chars_start()))
    )
    lacks = ~pl.col("tokens").str.contains(pl.col("quotes"), literal=True)
    return _mark(quotes.filter(lacks), quoting.height)


def _explode(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a line per item of a list column: UInt32 `line`, its number in `frame`, and the item.

    Lines without an item are left out.
    """
    lines = frame.select(column).with_row_index("line")
    return lines.filter(pl.col(column).list.len() > 0).explode(column)


def _mark(hits: pl.DataFrame, height: int) -> pl.Series:
    """Return a Boolean series of `height`, True at each `line` of `hits`."""
    flags = np.zeros(height, dtype=np.bool_)
    flags[hits["line"].to_numpy()] = True
    return pl.Series(flags)
