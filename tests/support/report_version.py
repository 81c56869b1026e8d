"""A small version that has one of everything, some of it hostile, for tests of its report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from flows.publishers.parquet import write_shards
from flows.report.map import POINTS
from quality.funnel import count_by_rule
from schemas.frames import DECISIONS, ROWS
from schemas.manifest import (
    DatasetManifest,
    RequestCounts,
    SourceRecord,
    TeacherRecord,
    TokenCounts,
)

CANARY = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
SCORED = {**ROWS, "quality": pl.Float64, "output_words": pl.Float64}


def make_row(row_id: str, instruction: str, output: str, **more: Any) -> dict[str, Any]:
    """A scored row of one exchange."""
    turns = [{"role": "user", "content": instruction}, {"role": "assistant", "content": output}]
    plain = {"source": "tasks.jsonl", "license": "CC-BY-4.0", "system": "", "input": ""}
    texts = {"instruction": instruction, "output": output, "messages": turns}
    scores = {"quality": 0.5, "output_words": float(len(output.split()))}
    return dict.fromkeys(SCORED) | plain | {"id": row_id} | texts | scores | more


def make_line(row_id: str, stage: str, rule: str, **more: Any) -> dict[str, Any]:
    """A decision that dropped a row."""
    said = {"id": row_id, "stage": stage, "rule": rule, "action": "drop"}
    return dict.fromkeys(DECISIONS) | said | more


def make_version(folder: Path, *, hostile: str = CANARY) -> DatasetManifest:
    """Write the Parquet files of a small version that has one of everything."""
    kept = [
        make_row("k1", "Name a river.", "The Rhine is a river.", quality=0.9),
        make_row("k2", hostile, hostile, source=hostile, quality=None),
        make_row("k3", "And now?", "Good night.", messages=_turns("Hi", "Hello", "And now?", "!")),
    ]
    unscored: dict[str, Any] = {"quality": None, "output_words": None}
    rejects = [
        make_row("r1", "Please name a river.", "The Rhine is a river."),
        make_row("r2", "", "", raw='{"instruction": 7' + hostile, messages=None, quality=None),
        make_row("r3", "Write an elegy.", "", raw='{"choices": "unshown"}', **unscored),
        make_row("r4", "Say no.", "I cannot " + "do that " * 400),
    ]
    lines = [
        *(make_line(row["id"], "publish", "kept", action="keep", value=0.9) for row in kept),
        make_line("k1", "filter", "language", action="abstain"),
        make_line(
            "r1",
            "dedup",
            "lexical_duplicate",
            value=0.75,
            threshold=0.7,
            matched_id="k1",
            similarity=0.75,
            evidence="only in b: please",
        ),
        make_line("r2", "ingest", "invalid_json", action="quarantine", evidence=hostile),
        make_line("r3", "generate", "rouge_l", value=0.8, threshold=0.7, matched_id="en-001"),
        make_line("r4", "filter", "refusal", value=3, threshold=1, evidence="I cannot"),
        make_line("r4", "filter", "max_words", action="would_drop"),
    ]
    frame = write_version(folder, kept, rejects, lines)
    return make_manifest(frame, name_of_source=hostile, description=hostile)


def write_version(
    folder: Path,
    kept: Sequence[Mapping[str, Any]],
    rejects: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
) -> pl.DataFrame:
    """Write the Parquet files of a version and return its decisions."""
    decisions = pl.DataFrame(lines, schema=dict(DECISIONS), orient="row")
    write_shards(pl.DataFrame(kept, schema=SCORED).drop("raw"), folder / "data" / "default")
    write_shards(pl.DataFrame(rejects, schema=SCORED), folder / "rejects", split="rejects")
    write_shards(decisions, folder / "decisions", split="decisions")
    return decisions


def make_manifest(
    decisions: pl.DataFrame, *, name_of_source: str = "tasks.jsonl", description: str = ""
) -> DatasetManifest:
    """A manifest whose books fit the decisions."""
    counts = dict(decisions["action"].value_counts().iter_rows())
    kept, dropped, bad = (counts.get(action, 0) for action in ("keep", "drop", "quarantine"))
    total = kept + dropped + bad
    notes = {"lexical_duplicate": {"dropped": 1, "alarm": "one group holds 9%"}}
    stage = {"stage": "dedup", "rows_in": total, "kept": kept, "notes": notes}
    rules = [{"rule": "max_score", "column": "quality", "value": 0.95}, {"rule": "gone"}]
    passed = {"stage": "filter", "rows_in": kept, "kept": kept, "notes": {"rules": rules}}
    return DatasetManifest(
        feingold="0.1.0",
        name="rivers",
        version="2.1.0",
        parent_version="2.0.0",
        content_sha256="ab" * 32,
        recipe_sha256="cd" * 32,
        code_version="0" * 16,
        created="2026-01-01T00:00:00+00:00",
        rows_in=total,
        kept=kept,
        dropped=dropped,
        quarantined=bad,
        by_rule=count_by_rule(decisions),
        by_stage=[
            stage | {"dropped": dropped, "quarantined": bad},
            passed | {"dropped": 0, "quarantined": 0},
        ],
        sources=[SourceRecord(name=name_of_source, license=None, rows=total, kept=kept)],
        teacher=TeacherRecord(model="tiny-teacher", base_url="http://u:secret@127.0.0.1/v1"),
        license="CC-BY-4.0",
        languages=["en"],
        requests=RequestCounts(sent=12, replayed=3),
        tokens=TokenCounts(prompt=1_000, completion=234),
        cost_usd=0.125,
        configs={"default": kept},
        notes={
            "description": description,
            "stopped_by": {"self_instruct": "max_rounds = 2"},
            "changes": [
                {"version": "2.1.0", "parent": "2.0.0", "created": "2026", "lines": [description]}
            ],
        },
        files=[],
    )


def _turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]


def make_points(*, topic: str = "river, elegy") -> pl.DataFrame:
    """The map of its rows; the one that could not be read has no place."""
    ids = ["k1", "k2", "k3", "r1", "r3", "r4"]
    places = {"x": [0.1, 0.9, 0.1, 0.2, 0.2, 0.8], "y": [0.1, 0.9, 0.2, 0.1, 0.2, 0.8]}
    topics = [topic, None, topic, topic, topic, "refused, that"]
    return pl.DataFrame({"id": ids, **places, "topic": topics}, schema=dict(POINTS))
