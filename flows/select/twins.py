"""The twins of a selection: described in its manifest, published as files of ids."""

from pathlib import Path
from typing import Any

import polars as pl

from flows.store import Store
from quality.select.ranking import choose_score
from quality.select.twins import Twin, make_twins
from schemas.manifest import StageRef

#: Directory of the twins within a version.
FOLDER = "twins"


def describe_twins(
    kept: pl.DataFrame, dropped: pl.DataFrame, *, by: str, seed: int
) -> dict[str, Any]:
    """Return figures of a selection and of its twins, for a manifest.

    Args:
        kept: the selected rows.
        dropped: the other rows of the pool.
        by: the score column.
        seed: of the twins.
    """
    twins = _draw(kept, dropped, by=by, seed=seed)
    mean = kept[by].cast(pl.Float64).fill_nan(None).mean()
    selection = {
        "rows": kept.height,
        "tokens": int(kept["tokens"].sum()) if "tokens" in kept.columns else None,
        "mean_score": round(mean, 6) if isinstance(mean, float) else None,
    }
    shown = [
        {key: value for key, value in twin._asdict().items() if key != "ids"} for twin in twins
    ]
    return {"selection": selection, "twins": shown}


def publish_twins(
    store: Store, selected: StageRef, *, by: str | None, seed: int, folder: Path
) -> None:
    """Write `<twin>.parquet` for each twin of a selection, if it dropped anything.

    A twin is a pure function of the stage's rows, so it is drawn again here instead of being kept.

    Args:
        store: where the stage is.
        selected: the stage of the selection.
        by: as in the recipe.
        seed: of the recipe.
        folder: made here; each file has the columns `id` and `kept` (true: the row is in `data/`,
            false: in `rejects/`), sorted by id.
    """
    kept, dropped = store.rows(selected), store.dropped(selected)
    if not kept.height or not dropped.height:
        return
    folder.mkdir(parents=True, exist_ok=True)
    ids = kept["id"].to_list()
    for twin in _draw(kept, dropped, by=choose_score(kept, by), seed=seed):
        frame = pl.DataFrame({"id": twin.ids}, schema={"id": pl.String})
        frame = frame.with_columns(kept=pl.col("id").is_in(ids))
        frame.write_parquet(folder / f"{twin.name}.parquet", compression="zstd")


def _draw(kept: pl.DataFrame, dropped: pl.DataFrame, *, by: str, seed: int) -> list[Twin]:
    tokens = ["tokens"] if "tokens" in kept.columns else []
    columns = list(dict.fromkeys(["id", "output", *tokens, by]))
    pool = pl.concat([kept.select(columns), dropped.select(columns)])
    return make_twins(pool, kept["id"].to_list(), by=by, seed=seed)
