"""The HTML report in a real browser: no hostile script runs, and the page's own does."""

import re
import subprocess
from pathlib import Path

import pytest

from flows.report import write_report
from tests.flows.test_report import CANARY, make_version

_CHROMIUM = Path("/usr/bin/chromium")
_TITLE = "<title>rivers 2.1.0 – feingold report</title>"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.slow


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of a small hostile version."""
    if not _CHROMIUM.is_file():
        pytest.skip(f"needs a browser at {_CHROMIUM}: apt-get install chromium")
    folder = tmp_path / "version"
    return write_report(folder, make_version(folder, hostile=CANARY))


def _open(page: Path, *flags: str) -> str:
    """Load a page from disk and return what the browser printed."""
    profile = page.parent.parent / "profile"
    command = [str(_CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except subprocess.TimeoutExpired:  # a headless browser hangs once in a while
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


def test_hostile_text_runs_nothing_and_the_search_box_is_there(report: Path) -> None:
    dom = _open(report, "--dump-dom")
    assert _TITLE in dom
    assert "pwned'&lt;/script&gt;" in dom
    assert '<div id="bar"><div>' in dom  # the page's script has unhidden it
    assert '<input id="search" type="search"' in dom


def test_search_hides_the_rows_without_the_words(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    asked = page.replace('<input id="search"', '<input id="search" value="name RIVER"')
    report.write_text(asked, encoding="utf-8")
    dom = _open(report, "--dump-dom")
    # r1 under its rule and among the doubtful duplicates, and k1
    assert re.findall(r'<output id="found"[^>]*>([^<]*)', dom) == ["3 of 8 shown rows"]
    assert len(re.findall(r'<article class="card" data-card="" hidden="">', dom)) == 5
    assert len(re.findall(r"<details[^>]* open", dom)) == 1


def test_policy_stops_a_script_that_came_through_unescaped(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    report.write_text(page.replace("<main>", f"<main>{CANARY}"), encoding="utf-8")
    assert _TITLE in _open(report, "--dump-dom")


@pytest.mark.parametrize("width", [390, 1280])
def test_page_can_be_drawn(report: Path, width: int) -> None:
    picture = report.parent / "page.png"
    _open(report, f"--screenshot={picture}", f"--window-size={width},2000")
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == width
