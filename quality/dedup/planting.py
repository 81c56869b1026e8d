"""Plants rows whose answer is known into data: duplicates, and look-alikes that are none.

What a method then finds of them tells how much it finds of duplicates in this very data, at least
of the kinds that edits can make: a true paraphrase, in other words, is not among them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.draws import Draw
from quality.dedup.edits import DUPLICATES, POLITE, Texts, duplicates_of
from quality.dedup.exact import COLUMNS
from quality.dedup.kernels import Places
from quality.dedup.kernels_buckets import shared_counts
from quality.dedup.lexical import Cut, cut_rows, judge_found
from quality.dedup.look_alikes import LOOK_ALIKES
from schemas.frames import FrameSchema

#: Jaccard similarities that duplicates are aimed at, in turn.
TARGETS = (0.95, 0.85, 0.75, 0.65, 0.55, 0.45)
#: Kinds of duplicates, in the order in which rows take them.
DUPLICATE_KINDS = (*DUPLICATES, POLITE)
#: Beginning of every planted id: behind all others in the order of ids, so that of rows of equal
#: quality a real one stays.
PREFIX = "~planted"

#: One planted row.
PLANTED: FrameSchema = {
    "id": pl.String,
    "source_id": pl.String,  # the row that it was made from
    "kind": pl.String,  # one of DUPLICATE_KINDS or LOOK_ALIKES
    "is_duplicate": pl.Boolean,  # whether it asks the same as its source
    "instruction": pl.String,
    "input": pl.String,
    "output": pl.String,
    "jaccard": pl.Float64,  # exact similarity with its source, as the lexical method measures it
    "parted_by": pl.String,  # guard, `lead` or `template` that forbids the pair; null: none
}


def sample_ids(ids: pl.Series, size: int, *, seed: int = 0) -> pl.Series:
    """Choose rows by a hash of their ids, so that the order of rows does not matter.

    Args:
        ids: String, unique.
        size: how many, at most.
        seed: another seed, another sample.
    """
    order = sorted(ids.to_list(), key=lambda name: (Draw(name, seed).number(), name))
    return pl.Series("id", order[:size], dtype=pl.String)


def plant(rows: pl.DataFrame, cut: Cut, *, seed: int = 0, guards: bool = True) -> pl.DataFrame:
    """Make one duplicate and one look-alike of every row, where a kind fits it.

    Every row takes the kind that fewest rows before it have taken, of those that fit. Of a
    duplicate's variants the one nearest to its turn's similarity in TARGETS is taken, so that
    similarities spread.

    Args:
        rows: frame with a unique String `id` and the String columns COLUMNS.
        cut: how the method under test cuts rows; its columns are the ones that are edited.
        seed: another seed, other edits.
        guards: whether `parted_by` asks the guards.

    Returns:
        PLANTED, in an order that does not depend on that of `rows`. Look-alikes keep the output of
        their source: only what is compared is changed.
    """
    chosen = rows.select("id", *(pl.col(name).fill_null("") for name in COLUMNS))
    names = sample_ids(chosen["id"], chosen.height, seed=seed)
    chosen = names.to_frame().join(chosen, on="id", how="left", maintain_order="left")
    texts = [tuple(row) for row in chosen.select(cut.columns).iter_rows()]
    draws = [Draw(name, seed) for name in names]
    made = [_duplicates(texts, draws, chosen, cut), _look_alikes(texts, draws, chosen, cut)]
    planted = pl.concat(made)
    measured = _measure(chosen, planted, cut)
    return planted.with_columns(
        jaccard=pl.Series(measured, dtype=pl.Float64),
        parted_by=_parted_by(chosen, planted, cut, guards=guards),
    ).select(list(PLANTED))


def measure_pairs(rows: pl.DataFrame, pairs: Places, cut: Cut) -> npt.NDArray[np.float64]:
    """Return the exact Jaccard similarity of pairs of rows: float64, shape (m,)."""
    prints, _ = cut_rows(rows, cut)
    sizes = np.diff(prints.offsets)
    left, right = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    shared = shared_counts(*prints, left, right)
    total = np.maximum(sizes[left] + sizes[right] - shared, 1)
    found: npt.NDArray[np.float64] = shared / total
    return found


def _duplicates(
    texts: Sequence[Texts], draws: Sequence[Draw], rows: pl.DataFrame, cut: Cut
) -> pl.DataFrame:
    """Make every row's variants, measure them all at once, take the nearest to the target."""
    taken = dict.fromkeys(DUPLICATE_KINDS, 0)
    variants: list[tuple[int, str, Texts]] = []
    for number, (text, draw) in enumerate(zip(texts, draws, strict=True)):
        for kind in sorted(taken, key=lambda name: taken[name]):
            made = list(dict.fromkeys(duplicates_of(text, kind, _draw_for(draw, kind))))
            fresh = [variant for variant in made if variant != text]
            if fresh:
                taken[kind] += 1
                variants += [(number, kind, variant) for variant in fresh]
                break
    frame = _frame(rows, cut, variants, is_duplicate=True)
    similarity = _measure(rows, frame, cut)
    best: dict[int, tuple[float, int]] = {}
    turns: dict[str, int] = {}
    targets: dict[int, float] = {}
    for place, (number, kind, _) in enumerate(variants):
        if number not in targets:
            turn = turns.get(kind, 0)
            targets[number], turns[kind] = TARGETS[turn % len(TARGETS)], turn + 1
        distance = (abs(float(similarity[place]) - targets[number]), place)
        best[number] = min(best.get(number, distance), distance)
    return frame[[place for _, place in best.values()]]


def _look_alikes(
    texts: Sequence[Texts], draws: Sequence[Draw], rows: pl.DataFrame, cut: Cut
) -> pl.DataFrame:
    taken = dict.fromkeys(LOOK_ALIKES, 0)
    made: list[tuple[int, str, Texts]] = []
    for number, (text, draw) in enumerate(zip(texts, draws, strict=True)):
        donor = _donor(texts, number)
        for kind in sorted(taken, key=lambda name: taken[name]):
            changed = LOOK_ALIKES[kind](text, donor, _draw_for(draw, kind))
            if changed is not None and changed != text:
                taken[kind] += 1
                made.append((number, kind, changed))
                break
    return _frame(rows, cut, made, is_duplicate=False)


def _donor(texts: Sequence[Texts], number: int) -> Texts:
    """Return the next row; for a row with an input the next one that has an input, too."""
    others = [*texts[number + 1 :], *texts[:number]] or [texts[number]]
    if len(texts[number]) < 2 or not texts[number][1].strip():
        return others[0]
    return next((other for other in others if other[1].strip()), others[0])


def _frame(
    rows: pl.DataFrame, cut: Cut, made: Sequence[tuple[int, str, Texts]], *, is_duplicate: bool
) -> pl.DataFrame:
    """Turn (row, kind, texts) into lines; columns that were not edited are the source's."""
    numbers = [number for number, _, _ in made]
    sources = rows[numbers].select(pl.col("id").alias("source_id"), *COLUMNS)
    edited = [
        pl.Series(name, [texts[place] for _, _, texts in made], dtype=pl.String)
        for place, name in enumerate(cut.columns)
    ]
    kinds = pl.Series("kind", [kind for _, kind, _ in made], dtype=pl.String)
    return sources.with_columns(*edited, kinds).with_columns(
        id=pl.format(f"{PREFIX}-{{}}-{{}}", "kind", "source_id"),
        is_duplicate=pl.lit(is_duplicate),
    )


def _pairs(rows: pl.DataFrame, planted: pl.DataFrame) -> tuple[pl.DataFrame, Places]:
    """Return sources and planted rows as one frame, and the pairs of its lines."""
    both = pl.concat([rows.select(COLUMNS), planted.select(COLUMNS)])
    places: Mapping[str, int] = {name: place for place, name in enumerate(rows["id"])}
    left = np.array([places[name] for name in planted["source_id"]], dtype=np.int64)
    right = np.arange(planted.height, dtype=np.int64) + rows.height
    return both, np.stack((left, right), axis=1)


def _measure(rows: pl.DataFrame, planted: pl.DataFrame, cut: Cut) -> npt.NDArray[np.float64]:
    return measure_pairs(*_pairs(rows, planted), cut)


def _parted_by(rows: pl.DataFrame, planted: pl.DataFrame, cut: Cut, *, guards: bool) -> pl.Series:
    both, pairs = _pairs(rows, planted)
    verdicts = judge_found(both, pairs, cut.columns, guards=guards)
    _, salts = cut_rows(both, cut)
    names = verdicts.vetoes.to_numpy().astype(object)
    names[~verdicts.agrees & verdicts.vetoes.is_null().to_numpy()] = "lead"
    names[salts[pairs[:, 0]] != salts[pairs[:, 1]]] = "template"
    return pl.Series("parted_by", names.tolist(), dtype=pl.String)


def _draw_for(draw: Draw, kind: str) -> Draw:
    return draw._replace(name=f"{kind} {draw.name}")
