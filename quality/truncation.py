"""What a trainer that cuts rows at a length would lose of their answers."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from schemas.frames import FrameSchema

#: Answers in tokens. `before`: tokens of the row before the answer; null: the template refuses it.
ANSWERS: FrameSchema = {
    "id": pl.String,
    "turn": pl.Int64,
    "before": pl.Int64,
    "tokens": pl.Int64,
}
_QUANTILES: Final = (0.5, 0.9, 0.99, 1.0)


def make_answers(spans: Iterable[tuple[str, int, int | None, int]]) -> pl.DataFrame:
    """Return the frame of ANSWERS.

    Args:
        spans: row id, place of the turn, tokens before it (null: not known) and its own.
    """
    return pl.DataFrame(list(spans), schema=dict(ANSWERS), orient="row")


def cut_rows(answers: pl.DataFrame, length: int) -> pl.DataFrame:
    """Return what is left of each row that is cut behind its first `length` tokens.

    Args:
        answers: ANSWERS.
        length: tokens that a trainer takes of a row, at least 1.

    Returns:
        A line per row, sorted by id: `id`, `tokens` (of the row to the end of its last answer),
        `trained` (tokens of answers that are left), `lost` (those that are not), and `fate`:
        `whole`, `cut`, `no_answer` (none is left) or `refused` (the template takes no such row).
    """
    begin = pl.min_horizontal("before", pl.lit(length))
    end = pl.min_horizontal(pl.col("before") + pl.col("tokens"), pl.lit(length))
    rows = (
        answers.with_columns(_left=end - begin)
        .group_by("id")
        .agg(
            tokens=(pl.col("before") + pl.col("tokens")).max(),
            trained=pl.col("_left").sum(),
            lost=(pl.col("tokens") - pl.col("_left")).sum(),
            is_refused=pl.col("before").is_null().any(),
        )
    )
    fate = (
        pl.when("is_refused")
        .then(pl.lit("refused"))
        .when(pl.col("lost") == 0)
        .then(pl.lit("whole"))
        .when(pl.col("trained") == 0)
        .then(pl.lit("no_answer"))
        .otherwise(pl.lit("cut"))
    )
    return rows.with_columns(fate=fate).drop("is_refused").sort("id")


def audit_lengths(answers: pl.DataFrame, lengths: Sequence[int]) -> dict[str, Any]:
    """Sum up what is lost at each of several lengths.

    Args:
        answers: ANSWERS.
        lengths: as for `cut_rows`.

    Returns:
        `rows`, `refused`, `tokens` (quantiles of row lengths, all tokens, those of answers) and
        for each length `whole`, `cut`, `no_answer`, `share_cut` (of the rows: those that lose a
        token of an answer or its end), `trained`, `lost`, `masked` (tokens before answers that
        are left, on which no loss is taken).
    """
    whole = cut_rows(answers, max(1, int(_longest(answers))))
    known = whole.filter(pl.col("fate") != "refused")
    quantiles = {
        f"p{share * 100:.0f}" if share < 1 else "max": _quantile(known["tokens"], share)
        for share in _QUANTILES
    }
    return {
        "rows": whole.height,
        "refused": whole.height - known.height,
        "tokens": {
            **quantiles,
            "all": int(known["tokens"].sum()),
            "answers": int(known["trained"].sum()),
        },
        "lengths": [_at(answers, length) for length in lengths],
    }


def _at(answers: pl.DataFrame, length: int) -> dict[str, int | float]:
    rows = cut_rows(answers, length).filter(pl.col("fate") != "refused")
    fates = {name: int((rows["fate"] == name).sum()) for name in ("whole", "cut", "no_answer")}
    kept = int(rows["tokens"].clip(upper_bound=length).sum())
    trained = int(rows["trained"].sum())
    return {
        "length": length,
        **fates,
        "share_cut": 1 - fates["whole"] / rows.height if rows.height else 0.0,
        "trained": trained,
        "lost": int(rows["lost"].sum()),
        "masked": kept - trained,
    }


def _longest(answers: pl.DataFrame) -> int:
    found = answers.select((pl.col("before") + pl.col("tokens")).max()).item()
    return 0 if found is None else int(found)


def _quantile(values: pl.Series, share: float) -> int:
    found = values.quantile(share, interpolation="nearest")
    return 0 if found is None else int(found)
