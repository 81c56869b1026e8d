"""Answers that pass the check their row carries."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl


def verified(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output passes the check of its row.

    Args:
        rows: frame with `about`, JSON whose `check` is one of `quality.verifiers`, and `output`.

    Returns:
        Float64: 1.0 it passes, 0.0 it fails; null where the row has no check, the check cannot
        tell, or it has to be run.

    Source:
        Lambert et al. 2024 (Tulu 3), https://arxiv.org/abs/2411.15124, "verifiable rewards".
        Differs: three verdicts.

    Example:
        >>> about = '{"check": {"kind": "number", "expected": "12"}}'
        >>> rows = pl.DataFrame({"about": [about, about, None], "output": ["12", "21", "12"]})
        >>> verified(rows).to_list()
        [1.0, 0.0, None]
    """
    from quality.verifiers import verify  # verifiers measure with scorers, too

    scores = []
    for about, output in zip(rows["about"], rows["output"], strict=True):
        check = read_check(about)
        verdict = None if check is None else verify(check, output or "")
        scores.append(None if verdict is None else float(verdict))
    return pl.Series("verified", scores, dtype=pl.Float64)


def read_check(about: str | None) -> Mapping[str, Any] | None:
    """Return the check that a row carries, null where it has none.

    Args:
        about: the row's column, JSON or not.
    """
    if not about or '"check"' not in about:
        return None
    try:
        found = json.loads(about)
    except (ValueError, RecursionError):
        return None
    check = found.get("check") if isinstance(found, dict) else None
    return check if isinstance(check, dict) else None
