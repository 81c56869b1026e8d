"""The HTML report: what it shows, and that hostile text stays text."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.publishers.parquet import write_shards
from flows.report import MAX_PAGE_BYTES, build_report, write_report
from flows.report_text import show_controls
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
_SCORED = {**ROWS, "quality": pl.Float64, "output_words": pl.Float64}


def make_row(row_id: str, instruction: str, output: str, **more: Any) -> dict[str, Any]:
    """A scored row of one exchange."""
    turns = [{"role": "user", "content": instruction}, {"role": "assistant", "content": output}]
    plain = {"source": "tasks.jsonl", "license": "CC-BY-4.0", "system": "", "input": ""}
    texts = {"instruction": instruction, "output": output, "messages": turns}
    scores = {"quality": 0.5, "output_words": float(len(output.split()))}
    return dict.fromkeys(_SCORED) | plain | {"id": row_id} | texts | scores | more


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
    write_shards(pl.DataFrame(kept, schema=_SCORED).drop("raw"), folder / "data" / "default")
    write_shards(pl.DataFrame(rejects, schema=_SCORED), folder / "rejects", split="rejects")
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
        by_stage=[stage | {"dropped": dropped, "quarantined": bad}],
        sources=[SourceRecord(name=name_of_source, license=None, rows=total, kept=kept)],
        teacher=TeacherRecord(model="tiny-teacher", base_url="http://u:secret@127.0.0.1/v1"),
        license="CC-BY-4.0",
        languages=["en"],
        requests=RequestCounts(sent=12, replayed=3),
        tokens=TokenCounts(prompt=1_000, completion=234),
        cost_usd=0.125,
        configs={"default": kept},
        notes={"description": description, "stopped_by": {"self_instruct": "max_rounds = 2"}},
        files=[],
    )


def _turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]


def read_text(page: str) -> str:
    """What a reader sees: the page without style, script and tags, spaces folded."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The report of the small version."""
    manifest = make_version(tmp_path)
    return write_report(tmp_path, manifest).read_text(encoding="utf-8")


def test_report_is_written_into_the_version_and_leaves_nothing_else(tmp_path: Path) -> None:
    manifest = make_version(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert write_report(tmp_path, manifest) == tmp_path / "report.html"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "report.html"])


@pytest.mark.parametrize(
    "said",
    [
        "rivers 2.1.0",
        "3 of 7 rows were kept (42.9 %); 3 were dropped and 1 could not be read.",
        "was sent 12 requests, 0 of them in vain; 3 replies came from the journal",
        "1,234 tokens and cost US$ 0.12",
        "Licence of the dataset: CC-BY-4.0",
        "self_instruct stopped before its target: max_rounds = 2",
        "dedup, lexical_duplicate: one group holds 9%",
        "7 in, 3 kept, 3 dropped, 1 unreadable",
        "refusal 1 filter, 14.3 % of all rows",
        "language 0 filter, 0.0 % of all rows; it could not judge 1",
        "max_words 0 filter, 0.0 % of all rows; 1 taken by other rules fail it too",
        "value 3 threshold 1 also fails max_words evidence I cannot",
        "similarity 0.75 threshold 0.7 evidence only in b: please",
        "matched en-001 (not a row of this version)",
        "matched row kept",
        "output (first 1,200 of 3,209 characters)",
        "raw {&#34;instruction&#34;: 7",
        "Write an elegy. output empty",
        "1 user Hi 2 assistant Hello 3 user And now? 4 assistant !",
        "quality median 0.7 kept, 0.5 others; 1 kept without this score",
        "not stated 7 3",
    ],
)
def test_report_says(page: str, said: str) -> None:
    assert said in read_text(page)


def test_a_row_with_an_instruction_does_not_show_its_raw_reply(page: str) -> None:
    assert "unshown" not in page


def test_words_that_only_one_of_two_duplicates_has_are_marked(page: str) -> None:
    assert '<div class="text" dir="auto"><mark>Please</mark> name a river.</div>' in page


def test_best_kept_row_comes_first_and_a_row_without_score_last(page: str) -> None:
    kept = page[page.index('<h2 id="kept">') :]
    assert re.findall(r'<code class="id"><bdi>(\w+)', kept) == ["k1", "k3", "k2"]


def test_the_address_of_the_teacher_is_not_shown(page: str) -> None:
    assert "secret" not in page


def test_hostile_text_is_escaped_wherever_it_stands(page: str) -> None:
    escaped = "&lt;script&gt;document.title=&#39;pwned&#39;&lt;/script&gt;&lt;img src=x"
    # description, source of the row and in the table, instruction, output, raw, evidence
    assert page.count(escaped) == 7
    assert page.count("<script") == 1
    assert "<img" not in page


def test_no_text_of_a_row_stands_in_an_attribute_or_in_the_script(page: str) -> None:
    tags = "".join(re.findall(r"<[a-z][^>]*>", page))
    script = page[page.index("<script>") :]
    for text in ("pwned", "river", "elegy", "tasks.jsonl", "k1"):
        assert text not in tags
        assert text not in script


def test_policy_allows_the_script_of_the_page_and_nothing_else(page: str) -> None:
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    script = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_page_names_no_other_address(page: str) -> None:
    assert re.findall(r"(?:https?:)?//[a-z]", page) == []
    assert re.findall(r'(?:src|href)="([^#][^"]*)"', page) == ["data:,"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\u202egnp.exe\u202c", "[U+202E]gnp.exe[U+202C]"),
        ("\u2066a\u2069\u200e\u200f\u061c", "[U+2066]a[U+2069][U+200E][U+200F][U+061C]"),
        ("\x00\x1b[31m\r\x7f", "␀␛[31m␍␡"),
        ("\x85\ufffe\ud83d", "���"),
        ("zero\u200bwidth\ufeff", "zero[U+200B]width[U+FEFF]"),
        ("\U000e0041", "[U+E0041]"),
        ("👩\u200d🔬 نمی\u200cخواهم", "👩\u200d🔬 نمی\u200cخواهم"),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    assert show_controls(text) == shown


def test_controls_are_shown_in_every_text_of_the_page(tmp_path: Path) -> None:
    manifest = make_version(tmp_path, hostile="a\u202eb\x07c")
    page = write_report(tmp_path, manifest).read_text(encoding="utf-8")
    assert page.count("a[U+202E]b␇c") == 7
    assert re.findall("[\x00-\x08\x0b-\x1f\u202a-\u202e]", page) == []


def test_each_text_is_isolated(page: str) -> None:
    texts = re.findall(r'<div class="text"([^>]*)>', page)
    assert texts
    assert set(texts) == {' dir="auto"'}
    assert re.search(r"\.text \{ unicode-bidi: isolate;", page)


def _many(row_id: Callable[[int], str], text: str, folder: Path) -> DatasetManifest:
    """5,000 rows, half of them out by 40 rules, all of them with the same long text."""
    rows = [make_row(row_id(place), text, text, input=text) for place in range(5_000)]
    kept, out = rows[:2_500], rows[2_500:]
    lines = [make_line(row["id"], "publish", "kept", action="keep") for row in kept]
    for place, row in enumerate(out):
        match = kept[place]["id"]
        lines.append(make_line(row["id"], "dedup", f"rule_{place % 40}", matched_id=match))
    return make_manifest(write_version(folder, kept, out, lines))


@pytest.mark.parametrize("text", ["Some words in a row. " * 100, "\U000e0041\x00'\"" * 1_000])
def test_page_of_5000_rows_stays_small(tmp_path: Path, text: str) -> None:
    manifest = _many(lambda place: f"{place:032x}", text, tmp_path)
    assert write_report(tmp_path, manifest).stat().st_size <= MAX_PAGE_BYTES


def test_same_version_gives_the_same_bytes_in_any_row_order(tmp_path: Path) -> None:
    manifest = make_version(tmp_path)
    first = write_report(tmp_path, manifest).read_text(encoding="utf-8")
    rows, rejects, decisions = (
        pl.read_parquet(tmp_path / name / "*.parquet").reverse()
        for name in ("data/default", "rejects", "decisions")
    )
    assert build_report(rows, rejects, decisions, manifest) == first


def test_a_version_without_rejects_or_scores_has_a_report(tmp_path: Path) -> None:
    rows = pl.DataFrame([make_row("k1", "Name a river.", "Rhine")], schema=_SCORED)
    plain = rows.select(list(ROWS))
    decisions = pl.DataFrame([make_line("k1", "publish", "kept", action="keep")], dict(DECISIONS))
    manifest = make_manifest(decisions).model_copy(update={"teacher": None, "by_stage": []})
    said = read_text(build_report(plain, plain.clear(), decisions, manifest))
    assert "No teacher was asked; nothing was spent." in said
    assert "No rule took a row." in said
    assert "No row has a score." in said


def test_duplicates_nearest_to_the_threshold_are_shown_first(tmp_path: Path) -> None:
    kept = [make_row("k1", "Name a river.", "Rhine")]
    out = [make_row(f"r{place}", f"Name {place}.", "Rhine") for place in range(3)]
    match = {"matched_id": "k1", "threshold": 0.7}
    lines = [
        make_line("r0", "dedup", "exact_duplicate", **match | {"threshold": 1.0}, similarity=1.0),
        make_line("r1", "dedup", "lexical_duplicate", **match, similarity=0.9),
        make_line("r2", "dedup", "lexical_duplicate", **match, similarity=0.71),
    ]
    manifest = make_manifest(write_version(tmp_path, kept, out, lines))
    page = write_report(tmp_path, manifest).read_text(encoding="utf-8")
    section = page[page.index('<h2 id="duplicates">') : page.index('<h2 id="kept">')]
    assert re.findall(r"<bdi>(r\d)", section) == ["r2", "r1", "r0"]
