"""The commands of README and docs run, and the pages say what the code says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.__main__ import build_parser
from tests.support.cli import child_environment

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_recipe_page_is_what_the_code_says() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    from recipe_doc import render  # type: ignore[import-not-found]

    assert (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8") == render()


def test_curves_are_what_the_code_draws() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    from s_curves import draw  # type: ignore[import-not-found]

    assert (ROOT / "docs" / "s-curves.svg").read_text(encoding="utf-8") == draw()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for c in commands(page) if (words := shlex.split(c))[0] == "make"}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_known_and_their_recipes_exist(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line, comments=True)
        if words[:1] != ["feingold"]:
            continue
        build_parser().parse_args(words[1:])
        recipes = [word for word in words if word.startswith("recipes/")]
        assert [word for word in recipes if not (ROOT / word).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("README.md", 5),
        ("docs/dedup.md", 3),
        ("docs/quality.md", 7),
        ("docs/formats.md", 3),
        ("docs/versions.md", 6),
        ("docs/operations.md", 2),
    ],
)
def test_commands_of_a_page_run(tmp_path: Path, prefect_api: str, page: str, least: int) -> None:
    """In the order of the page, in a directory that looks like the repository."""
    for name in ("recipes", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    environment = {
        **child_environment({"PREFECT_API_URL": prefect_api}),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    ran = [line for line in commands(ROOT / page) if not line.startswith("make")]
    assert len(ran) >= least
    for line in ran:
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (line, done.returncode, done.stderr if done.returncode else "") == (line, 0, "")
