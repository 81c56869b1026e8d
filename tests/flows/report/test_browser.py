"""The HTML report in a real browser: it opens from disk, works, and runs no stranger."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.report import write_report
from quality.filters.engine import apply_filters
from tests.support.browser import CHROMIUM, MISSING, Browser
from tests.support.report_version import (
    CANARY,
    SCORED,
    make_points,
    make_version,
)

_TITLE = "rivers 2.1.0 – feingold report"
_DRAWN = " && ".join(
    f"document.querySelector('#{name} .bk-Figure, #{name} > *') !== null"
    for name in ("funnel-chart", "map-chart", "score-chart")
)
_SHOWN_CARDS = (
    "[...document.querySelectorAll('#picked-rows .card')].map((card) => card.textContent)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests here."""
    if not CHROMIUM.is_file():
        pytest.skip(MISSING)
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small version, hostile wherever it can be."""
    folder = tmp_path_factory.mktemp("hostile")
    manifest = make_version(folder, hostile=CANARY)
    return write_report(folder, manifest, points=make_points(topic=CANARY))


@pytest.fixture
def opened(browser: Browser, report: Path) -> Browser:
    """The report, drawn."""
    browser.open(report)
    browser.wait_for(_DRAWN)
    return browser


def choose(browser: Browser, control: str, value: str) -> None:
    """Set a control and tell the page."""
    kind = "input" if "search" in control else "change"
    browser.run(
        f"(() => {{ const found = document.getElementById('{control}'); found.value = '{value}';"
        f" found.dispatchEvent(new Event('{kind}')); }})()"
    )


def pick_all(browser: Browser) -> None:
    """Draw a lasso around the whole map."""
    browser.run("document.getElementById('map-chart').scrollIntoView()")
    browser.run("scrollBy(0, -60)")
    time.sleep(0.3)
    box = browser.run(
        "(() => { const box = document.getElementById('map-chart').getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; })()"
    )
    x, y, width, height = box
    corners = [(0.03, 0.03), (0.9, 0.03), (0.9, 0.95), (0.03, 0.95), (0.03, 0.04)]
    browser.drag(*((x + width * right, y + height * down) for right, down in corners))
    browser.wait_for("!document.getElementById('picked').hidden")


def snippet(browser: Browser) -> dict[str, Any]:
    """The filter that is offered, as YAML."""
    text = browser.run("document.getElementById('snippet').value")
    assert text.isascii()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_page_opens_from_disk_in_silence_and_no_canary_runs(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.wait_for(_DRAWN)
    assert browser.run("document.title") == _TITLE
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.complaints() == []


@pytest.mark.slow
def test_hostile_text_stays_text_in_every_list_tip_and_choice(opened: Browser) -> None:
    pick_all(opened)
    for option in opened.run("[...document.getElementById('colour').options].map((o) => o.value)"):
        choose(opened, "colour", option)
    choose(opened, "map-search", "pwned")
    opened.wait_for("document.querySelectorAll('#picked-rows .card').length === 1")
    for x in range(100, 800, 60):
        for y in range(150, 700, 60):
            opened.mouse("mouseMoved", x, y)
    opened.run(
        "[...document.querySelectorAll('[data-topic]')].find("
        "(button) => button.textContent.includes('pwned')).click()"
    )
    cards = opened.run(_SHOWN_CARDS)
    assert len(cards) == 4
    assert all(CANARY[:100] in card for card in cards)
    assert opened.run("document.title") == _TITLE
    assert opened.run("document.querySelectorAll('img').length") == 0
    assert opened.complaints() == []


@pytest.mark.slow
def test_policy_stops_a_script_that_came_through_unescaped(browser: Browser, report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    broken = report.with_name("broken.html")
    broken.write_text(page.replace("<main>", f"<main>{CANARY}"), encoding="utf-8")
    browser.open(broken)
    browser.wait_for(_DRAWN)
    assert browser.run("document.title") == _TITLE
    assert any("Content Security Policy" in line for line in browser.complaints())


@pytest.mark.slow
def test_the_lasso_lists_rows_and_its_filter_drops_the_kept_ones(opened: Browser) -> None:
    pick_all(opened)
    said = opened.run("document.getElementById('picked-count').textContent")
    assert said.startswith("6 rows: 3 kept, 3 not; mean quality")
    assert len(opened.run(_SHOWN_CARDS)) == 6
    offered = snippet(opened)
    rows = pl.DataFrame({"id": ["k1", "k2", "k3", "k4"]}, schema={"id": pl.String})
    rows = rows.join(pl.DataFrame(schema=SCORED), on="id", how="left")
    assert apply_filters(rows, offered["filters"]).kept["id"].to_list() == ["k4"]


@pytest.mark.slow
def test_a_whole_source_can_be_dropped_whatever_its_name(opened: Browser) -> None:
    pick_all(opened)
    choose(opened, "filter-kind", "1")
    assert snippet(opened) == {
        "filters": [{"rule": "not_in", "column": "source", "value": [CANARY]}]
    }


@pytest.mark.slow
def test_copy_says_that_it_copied(opened: Browser) -> None:
    pick_all(opened)
    opened.run("document.getElementById('copy').scrollIntoView({ block: 'center' })")
    x, y = opened.run(
        "(() => { const box = document.getElementById('copy').getBoundingClientRect();"
        " return [box.x + 5, box.y + 5]; })()"
    )
    opened.click(x, y)
    opened.wait_for("document.getElementById('copied').textContent === 'copied'")


@pytest.mark.slow
def test_a_topic_lists_its_rows_and_clear_lets_them_go(opened: Browser) -> None:
    place = opened.run(
        "[...document.querySelectorAll('[data-topic]')].findIndex("
        "(button) => button.textContent === 'refused, that' && !button.dataset.source)"
    )
    opened.run(f"document.querySelectorAll('[data-topic]')[{place}].click()")
    [card] = opened.run(_SHOWN_CARDS)
    assert "out: refusal" in card
    opened.run("document.getElementById('clear').click()")
    assert opened.run("document.getElementById('picked').hidden")


@pytest.mark.slow
@pytest.mark.parametrize(("words", "hits"), [("RHINE name", 2), ("r3", 1), ("rhine nothing", 0)])
def test_map_search_picks_the_rows_with_all_words(opened: Browser, words: str, hits: int) -> None:
    choose(opened, "map-search", words)
    time.sleep(0.5)
    assert len(opened.run(_SHOWN_CARDS)) == hits


@pytest.mark.slow
def test_showing_a_part_limits_what_is_picked(opened: Browser) -> None:
    kinds = opened.run("[...document.getElementById('show').options].map((o) => o.textContent)")
    choose(opened, "show", str(kinds.index("out: refusal") - 1))
    pick_all(opened)
    said = opened.run("document.getElementById('picked-count').textContent")
    assert said.startswith("1 rows: 0 kept, 1 not")
    assert opened.run("document.getElementById('snippet').value").startswith("# none")


@pytest.mark.slow
def test_search_hides_the_shown_rows_without_the_words(opened: Browser) -> None:
    choose(opened, "search", "name RIVER")
    # r1 under its rule and among the doubtful duplicates, and k1
    assert opened.run("document.getElementById('found').textContent") == "3 of 8 shown rows"
    assert opened.run("document.querySelectorAll('details[id^=rule][open]').length") == 1
    choose(opened, "search", "")
    assert opened.run("document.querySelectorAll('details[id^=rule][open]').length") == 0


@pytest.mark.slow
def test_a_click_on_the_funnel_opens_the_rows_of_the_rule(opened: Browser) -> None:
    opened.run("document.getElementById('funnel-chart').scrollIntoView({ block: 'center' })")
    time.sleep(0.3)
    x, y, width, height = opened.run(
        "(() => { const box = document.getElementById('funnel-chart').getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; })()"
    )
    # the first of two bars: 3 kept, then 1 that a rule took
    opened.click(x + 0.9 * width, y + 0.25 * height)
    opened.wait_for("document.querySelectorAll('details[id^=rule][open]').length === 1")


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_its_window_in_light_and_dark(
    browser: Browser, report: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.open(report, width=width, height=900, dark=dark)
    browser.wait_for(_DRAWN)
    assert browser.run("document.documentElement.scrollWidth") <= width
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    shade = sum(map(int, re.findall(r"\d+", ground)[:3]))
    assert (shade < 384) is dark
    picture = tmp_path / "page.png"
    browser.picture(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert browser.complaints() == []


@pytest.mark.slow
def test_without_scripts_the_essentials_are_there(browser: Browser, report: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(report)
        text = browser.run("document.body.innerText")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    for said in ("3 of 7 rows were kept", "river", "refusal", "max_score 0.95", "Evidence"):
        assert said.lower() in text.lower()
    for unseen in ("Colour by", "Search the rows"):
        assert unseen not in text
