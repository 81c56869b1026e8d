"""The rows of the map as the page carries them: columns of numbers, names and short texts."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from flows.report.charts import score_names
from flows.report.text import shorten, show_controls
from quality.select.categories import categorise

#: Names of one group; what is rarer is `other`.
MAX_NAMES: Final = 200
#: Characters of a prompt and of an answer; the first with which the packed texts are small enough.
TEXT_LENGTHS: Final = ((500, 500), (240, 240), (160, 120), (110, 60), (95, 35), (80, 20), (40, 0))
#: Bytes of the packed texts.
MAX_TEXT_BYTES: Final = 2_600_000

#: What colours the points, in the order of the choice.
GROUPS: Final = ("fate", "topic", "source", "category", "language", "teacher", "license")

_NAME_CHARACTERS = 120
_NO_LEVEL, _TOP_LEVEL = 255, 254


def pack(data: bytes) -> str:
    """Return bytes as base64 of gzip, the same for the same bytes."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode("ascii")


def yaml_literal(text: str) -> str:
    r"""Write a string as a double-quoted YAML scalar of printable ASCII characters.

    Example:
        >>> print(yaml_literal('a "b"\n\u202e😀'))
        "a \"b\"\u000A\u202E\U0001F600"
    """
    return '"' + "".join(map(_yaml_character, text)) + '"'


def _yaml_character(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def join_points(
    points: pl.DataFrame, rows: pl.DataFrame, rejects: pl.DataFrame, decisions: pl.DataFrame
) -> pl.DataFrame:
    """Add to the points of a map what the page shows of their rows.

    Args:
        points: POINTS.
        rows: the published rows.
        rejects: the others.
        decisions: DECISIONS of both.

    Returns:
        The points that are rows of the version, the kept ones first, with texts, groups and scores;
        `fate` is "kept", or the rule that took the row.
    """
    final = decisions.filter(pl.col("action").is_in(("drop", "quarantine")))
    fates = final.select("id", fate="rule").unique("id", keep="any")
    scores = score_names(rows, rejects)
    every = pl.concat([_of_page(rows, scores), _of_page(rejects, scores)])
    every = every.with_columns(category=categorise(every))
    return (
        points.join(every, on="id", how="inner")
        .join(fates, on="id", how="left")
        .with_columns(pl.col("fate").fill_null("kept"))
        # What is out is drawn later, over the many that are kept.
        .sort(pl.col("fate") != "kept", "id")
    )


def _of_page(frame: pl.DataFrame, scores: Sequence[str]) -> pl.DataFrame:
    texts = ("id", "instruction", "input", "output", "source", "language", "teacher", "license")
    return frame.select(
        *(_column(frame, name, pl.String) for name in texts),
        *(_column(frame, name, pl.Float64) for name in scores),
    )


def _column(frame: pl.DataFrame, name: str, dtype: type[pl.DataType]) -> pl.Expr:
    found = pl.col(name) if name in frame.columns else pl.lit(None).alias(name)
    return found.cast(dtype)


def pack_points(found: pl.DataFrame) -> dict[str, Any]:
    """Return what the page's script reads: JSON-able; every array is packed.

    Args:
        found: from `join_points`.
    """
    return {
        "x": _pack_place(found["x"]),
        "y": _pack_place(found["y"]),
        "ids": pack("\n".join(found["id"]).encode("ascii", "replace")),
        "texts": _pack_texts(found),
        "groups": [
            _pack_group(name, found[name])
            for name in GROUPS
            if name == "fate" or found[name].n_unique() > 1
        ],
        "scores": [
            _pack_score(name, found[name])
            for name in score_names(found.drop("x", "y"))
            if _tells(found[name])
        ],
    }


def _tells(scores: pl.Series) -> bool:
    return scores.drop_nulls().drop_nans().n_unique() > 1


def _pack_place(values: pl.Series) -> str:
    return pack((values.to_numpy() * 65_535).round().astype("<u2").tobytes())


def _pack_texts(found: pl.DataFrame) -> str:
    """Cut prompts and answers until the page can carry them all."""
    prompts = found.select(
        pl.concat_str(
            "instruction", pl.col("input").fill_null("").str.slice(0, 500), separator="\n"
        )
    ).to_series()
    columns = [_safe(prompts), _safe(found["output"])]
    packed = ""
    for lengths in TEXT_LENGTHS:
        cut = [
            [shorten(text, length) if length else "" for text in texts]
            for texts, length in zip(columns, lengths, strict=True)
        ]
        packed = pack(json.dumps(cut, ensure_ascii=False).encode("utf-8"))
        if len(packed) <= MAX_TEXT_BYTES:
            break
    return packed


def _safe(texts: pl.Series) -> list[str]:
    """Cut once, so that no long text is worked on, and show what cannot be seen."""
    longest = TEXT_LENGTHS[0][0] + 1
    return [show_controls(text.strip()) for text in texts.fill_null("").str.slice(0, longest)]


def _pack_group(name: str, values: pl.Series) -> dict[str, Any]:
    """Number the names of a group, the most frequent first."""
    filled = values.fill_null("").alias("name")
    counts = filled.value_counts().sort(["count", "name"], descending=[True, False])
    names = counts["name"].to_list()
    if name == "fate":  # kept rows lie below the others
        names = ["kept", *(other for other in names if other != "kept")]
    names = names[:MAX_NAMES]
    places = {text: place for place, text in enumerate(names)}
    codes = np.array([places.get(text, len(names)) for text in filled], dtype="<u2")
    has_other = bool((codes == len(names)).any())
    return {
        "name": name,
        "names": [
            *(shorten(show_controls(text), _NAME_CHARACTERS) or "(none)" for text in names),
            *(["other"] if has_other else []),
        ],
        # Only a source can be named in a recipe.
        "literals": [yaml_literal(text) for text in names] if name == "source" else [],
        "codes": pack(codes.tobytes()),
    }


def _pack_score(name: str, values: pl.Series) -> dict[str, Any]:
    """Give every row one of 255 levels between the 1st and the 99th percentile; 255 is null."""
    scores = values.to_numpy().astype(np.float64)
    known = np.isfinite(scores)
    low, high = (float(bound) for bound in np.quantile(scores[known], (0.01, 0.99)))
    if low == high:
        low, high = float(scores[known].min()), float(scores[known].max())
    levels = np.full(len(scores), _NO_LEVEL, dtype=np.uint8)
    share = (scores[known] - low) / (high - low)
    levels[known] = (share.clip(0, 1) * _TOP_LEVEL).round().astype(np.uint8)
    return {"name": show_controls(name), "low": low, "high": high, "levels": pack(levels.tobytes())}


def topic_table(found: pl.DataFrame, *, most_sources: int) -> Mapping[str, Any]:
    """Count rows and drops by topic and source, the topic that lost the largest share first.

    Args:
        found: from `join_points`.
        most_sources: columns; the other sources share one more.

    Returns:
        `sources`, names of columns; `lines`, each with `topic`, `all` and `cells`, one a source.
    """
    sizes = found["source"].fill_null("").alias("source").value_counts()
    ranked = sizes.sort(["count", "source"], descending=[True, False])["source"].to_list()
    sources = ranked[:most_sources]
    column = pl.col("source").fill_null("")
    known = found.with_columns(
        source=pl.when(column.is_in(sources)).then(column).otherwise(pl.lit(None)),
    ).filter(pl.col("topic").is_not_null())
    if len(ranked) > most_sources:
        sources = [*sources, None]
    whole = {line["topic"]: line for line in _count(known, ["topic"]).to_dicts()}
    cells = {
        (line["topic"], line["source"]): line
        for line in _count(known, ["topic", "source"]).to_dicts()
    }
    order = sorted(
        whole, key=lambda topic: (-whole[topic]["dropped"] / whole[topic]["rows"], topic)
    )
    return {
        "sources": ["other sources" if name is None else name for name in sources],
        "lines": [
            {
                "topic": topic,
                "all": whole[topic],
                "cells": [cells.get((topic, source)) for source in sources],
            }
            for topic in order
        ],
    }


def _count(found: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    quality = pl.col("quality").mean() if "quality" in found.columns else pl.lit(None)
    return found.group_by(by).agg(
        rows=pl.len(), dropped=(pl.col("fate") != "kept").sum(), quality=quality
    )
