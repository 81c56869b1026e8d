"""The HTML report: what it shows, and that hostile text stays text."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.report import build_report, write_report
from flows.report.page import MAX_PAGE_BYTES
from flows.report.points import yaml_literal
from schemas.frames import DECISIONS, ROWS
from schemas.manifest import DatasetManifest
from tests.support.report_version import (
    CANARY,
    SCORED,
    make_line,
    make_manifest,
    make_points,
    make_row,
    make_version,
    write_version,
)


def read_data(page: str) -> dict[str, Any]:
    """What the page's scripts read."""
    found = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page)
    data: dict[str, Any] = json.loads(found[0])
    return data


def own_part(page: str) -> str:
    """The page without its scripts and the data that they read."""
    return re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)


def read_text(page: str) -> str:
    """What a reader sees: the page without style, script and tags, spaces folded."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the small version."""
    folder = tmp_path_factory.mktemp("version")
    manifest = make_version(folder)
    path = write_report(folder, manifest, points=make_points())
    return path.read_text(encoding="utf-8")


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
        "dedup 7 3 3 1",
        "filter 3 3 0 0",
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
        "quality 0.7 0.5 1 max_score 0.95",
        "river, elegy 4 50.0 % 0.633",
        "refused, that 1 100.0 % 0.5",
        "6 of 7 rows are shown; the others have no prompt.",
        "2.1.0 after 2.0.0 2026",
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
    kept = own_part(page)
    kept = kept[kept.index('<h2 id="kept">') :]
    assert re.findall(r'<code class="id"><bdi>(\w+)', kept) == ["k1", "k3", "k2"]


def test_the_address_of_the_teacher_is_not_shown(page: str) -> None:
    assert "secret" not in page


def test_hostile_text_is_escaped_wherever_it_stands(page: str) -> None:
    escaped = "&lt;script&gt;document.title=&#39;pwned&#39;&lt;/script&gt;&lt;img src=x"
    # description, source of the row and in two tables, instruction, output, raw, evidence
    assert own_part(page).count(escaped) == 8
    assert page.count("<script") == 4
    assert own_part(page).count("<img") == 0
    assert len(re.findall("<img", "".join(re.findall(r"<script id=.*?</script>", page)))) == 0


def test_no_text_of_a_row_stands_in_an_attribute_or_in_a_script(page: str) -> None:
    tags = "".join(re.findall(r"<[a-z][^>]*>", own_part(page)))
    scripts = "".join(re.findall(r"<script>.*?</script>", page, flags=re.DOTALL))
    for text in ("pwned", "elegy", "tasks.jsonl", "Rhine"):
        assert text not in tags
        assert text not in scripts


def test_the_data_of_the_scripts_cannot_end_their_element(page: str) -> None:
    text = re.findall(r'<script id="data" type="application/json">(.*)', page)[0]
    data = text[: text.index("</script>")]
    assert re.findall(r"[<>&\u2028\u2029]", data) == []
    assert re.findall(r"[^\x20-\x7e]", data) == []
    sources = next(
        group for group in json.loads(data)["map"]["groups"] if group["name"] == "source"
    )
    assert sources["names"] == ["tasks.jsonl", CANARY[:120] + "…"] or CANARY in sources["names"]
    assert sources["literals"][1] == yaml_literal(CANARY)


def test_policy_allows_the_scripts_of_the_page_and_nothing_else(page: str) -> None:
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    named = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    assert len(scripts) == 3
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src {named}; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_page_names_no_other_address(page: str) -> None:
    assert re.findall(r"(?:https?:)?//[a-z]", own_part(page)) == []
    assert re.findall(r'(?:src|href)="([^#][^"]*)"', own_part(page)) == ["data:,"]


def test_controls_are_shown_in_every_text_of_the_page(tmp_path: Path) -> None:
    manifest = make_version(tmp_path, hostile="a\u202eb\x07c")
    path = write_report(tmp_path, manifest, points=make_points(topic="a\u202eb\x07c"))
    page = path.read_text(encoding="utf-8")
    # as above, once more in the list of changes, and a topic
    assert own_part(page).count("a[U+202E]b␇c") == 10
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


@pytest.mark.slow
@pytest.mark.parametrize("text", ["Some words in a row. " * 100, "\U000e0041\x00'\"" * 1_000])
def test_page_of_5000_rows_stays_small(tmp_path: Path, text: str) -> None:
    manifest = _many(lambda place: f"{place:032x}", text, tmp_path)
    assert write_report(tmp_path, manifest).stat().st_size <= MAX_PAGE_BYTES


def test_same_version_gives_the_same_bytes_in_any_row_order(tmp_path: Path) -> None:
    manifest = make_version(tmp_path)
    path = write_report(tmp_path, manifest, points=make_points())
    first = path.read_text(encoding="utf-8")
    rows, rejects, decisions = (
        pl.read_parquet(tmp_path / name / "*.parquet").reverse()
        for name in ("data/default", "rejects", "decisions")
    )
    points = make_points().reverse()
    assert build_report(rows, rejects, decisions, manifest, points=points) == first


def test_a_version_without_rejects_or_scores_has_a_report(tmp_path: Path) -> None:
    rows = pl.DataFrame([make_row("k1", "Name a river.", "Rhine")], schema=SCORED)
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
    section = page[page.index('<h2 id="duplicates">') : page.index('<h2 id="scores">')]
    assert re.findall(r"<bdi>(r\d)", section) == ["r2", "r1", "r0"]


def test_a_version_without_a_map_or_changes_says_nothing_of_them(tmp_path: Path) -> None:
    manifest = make_version(tmp_path)
    old = manifest.model_copy(update={"notes": {}})
    page = write_report(tmp_path, old).read_text(encoding="utf-8")
    assert read_data(page)["map"] is None
    for section in ("map", "topics", "changes"):
        assert f'id="{section}"' not in own_part(page)


@pytest.mark.parametrize("changes", ["text", [7], [{}], [{"version": "1.0.0", "lines": 3}]])
def test_changes_of_another_form_stop_no_report(tmp_path: Path, changes: object) -> None:
    manifest = make_version(tmp_path)
    odd = manifest.model_copy(update={"notes": {"changes": changes}})
    assert write_report(tmp_path, odd).stat().st_size


def test_points_that_are_no_rows_of_the_version_are_left_out(tmp_path: Path) -> None:
    manifest = make_version(tmp_path)
    strange = make_points().with_columns(id=pl.lit("gone-") + pl.col("id"))
    page = write_report(tmp_path, manifest, points=strange).read_text(encoding="utf-8")
    assert read_data(page)["map"] is None
