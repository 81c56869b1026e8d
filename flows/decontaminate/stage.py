"""Decontamination as a stage: rows that hold or rephrase benchmark items are dropped."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl

from flows.decontaminate.semantic import find_rephrased, load_encoder, model_identity
from flows.session import Session
from flows.store import StageOutput, hash_json
from quality.decontaminate import BenchmarkItem, choose_hits, find_verbatim, make_decisions
from schemas.manifest import StageRef
from schemas.recipe import DecontaminateOptions


def decontaminate_stage(
    session: Session,
    source: StageRef,
    options: DecontaminateOptions,
    items: Sequence[BenchmarkItem],
) -> StageOutput:
    """Drop the rows of a stage that hold a benchmark item, word for word or rephrased.

    Args:
        session: the run.
        source: the stage whose rows come in.
        options: which methods run, with their thresholds.
        items: the benchmarks.

    Returns:
        Kept and dropped rows, a decision for each of the latter, and notes: for each benchmark its
        items, how many of them were looked for as n-grams, as whole sentences, as whole turns, not
        at all (`skipped`) and rephrased (`semantic`), and its hits by rule.
    """
    rows = session.store.rows(source)
    verbatim = find_verbatim(rows, items, ngram=options.ngram, max_coverage=options.max_coverage)
    hits, notes = [verbatim.hits], dict[str, Any]()
    ways = [Counter[str]({how: 1}) for how in verbatim.compared]
    if options.semantic is not None:
        model = options.semantic.model
        rephrased = find_rephrased(
            rows.filter(~pl.col("id").is_in(verbatim.hits["id"].implode())),
            items,
            threshold=options.semantic.threshold,
            load=lambda: load_encoder(session, model),
            progress=session.progress,
        )
        hits.append(rephrased.hits)
        ways = [
            way + Counter(semantic=had) for way, had in zip(ways, rephrased.compared, strict=True)
        ]
        notes["semantic"] = {"pairs": rephrased.pairs, "encoded": rephrased.encoded}
    chosen = choose_hits(pl.concat(hits))
    is_hit = pl.col("id").is_in(chosen["id"].implode())
    notes["benchmarks"] = _describe(items, ways, chosen)
    return StageOutput(
        rows.filter(~is_hit),
        rows.filter(is_hit),
        make_decisions(chosen, items),
        rows.height,
        notes=notes,
    )


def stage_config(options: DecontaminateOptions, items: Sequence[BenchmarkItem]) -> dict[str, Any]:
    """Return all that shapes the stage besides its rows: options, items and the encoder."""
    semantic = options.semantic
    return {
        "decontaminate": options.model_dump(mode="json"),
        "items": hash_json([list(item) for item in items]),
        "encoder": None if semantic is None else model_identity(semantic.model),
    }


def _describe(
    items: Sequence[BenchmarkItem], ways: Sequence[Counter[str]], hits: pl.DataFrame
) -> dict[str, Any]:
    """Count for each benchmark its items, how they were looked for, and the rows dropped."""
    counts, compared = Counter[str](), defaultdict[str, Counter[str]](Counter)
    dropped = defaultdict[str, Counter[str]](Counter)
    for item, way in zip(items, ways, strict=True):
        counts[item.benchmark] += 1
        compared[item.benchmark] += way
    for number, rule in hits.select("item", "rule").iter_rows():
        dropped[items[number].benchmark][rule] += 1
    return {
        name: {
            "items": count,
            "compared": dict(sorted(compared[name].items())),
            "hits": dict(sorted(dropped[name].items())),
        }
        for name, count in counts.items()
    }
