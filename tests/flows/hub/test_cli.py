"""`feingold publish`, and `publish.to` in a recipe, as users call them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.hub.pushing import REPO
from tests.support.cli import call_cli, child_environment, run_cli
from tests.support.hub import TOKEN, FakeHub
from tests.support.hub_versions import plain_rows, publish
from tests.support.recipes import good_records, read_tree, write_jsonl, write_recipe
from tests.support.rows import make_row

TEXTS = ("Name a river.", "Name a hill.")


def test_the_answer_says_where_the_version_is(hub: FakeHub, tmp_path: Path) -> None:
    path = publish(tmp_path / "set", plain_rows(*TEXTS))
    ran = call_cli("publish", path, "--to", REPO, "--private", "--json", cwd=tmp_path).succeed()
    head = hub.repo(REPO).head
    assert ran.answer == {
        "repository": REPO,
        "url": f"{hub.url}/datasets/{REPO}/tree/{head}",
        "version": "1.0.0",
        "tag": "v1.0.0",
        "commit": head,
        "private": True,
        "is_new": True,
        "files": len(hub.shown(REPO) or {}) - 1,  # .gitattributes is not ours
        "bytes": ran.answer["bytes"],
        "rejects": "without text",
    }
    assert hub.repo(REPO).private is True
    assert TOKEN not in ran.out + ran.err
    again = call_cli("publish", path, "--to", REPO, "--private", "--json", cwd=tmp_path).succeed()
    assert again.answer == {**ran.answer, "is_new": False}


def test_the_commands_of_the_page_run(hub: FakeHub, tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "hub.md"
    lines = re.findall(r"^\$ feingold (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert lines
    publish(tmp_path / "published" / "alpaca", plain_rows(*TEXTS))
    for line in lines:
        call_cli(*shlex.split(line), cwd=tmp_path).succeed()
    assert hub.repo("me/alpaca-clean").private


def test_asking_for_rejects_later_is_an_error(hub: FakeHub, tmp_path: Path) -> None:
    path = publish(tmp_path / "set", plain_rows(*TEXTS))
    call_cli("publish", path, "--to", REPO, cwd=tmp_path).succeed()
    state = hub.save()
    ran = call_cli("publish", path, "--to", REPO, "--rejects", "--json", cwd=tmp_path)
    assert (ran.code, "never changes" in ran.error_line) == (2, True)
    assert hub.save() == state


def test_the_newest_version_of_a_dataset_is_meant(hub: FakeHub, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(tmp_path / "set", plain_rows(*TEXTS), version=version)
    ran = call_cli("publish", "set", "--to", REPO, "--json", cwd=tmp_path).succeed()
    assert ran.answer["version"] == "1.1.0"
    assert ran.answer["private"] is False


@pytest.mark.parametrize("name", ["set", "me/", "/set", "a/b/c", "me/s et", "me/../x", "me/a--b"])
def test_a_name_that_is_none_is_said(hub: FakeHub, tmp_path: Path, name: str) -> None:
    path = publish(tmp_path / "set", plain_rows(*TEXTS))
    ran = call_cli("publish", path, "--to", name, "--json", cwd=tmp_path)
    assert ran.code == 2
    assert "such as owner/name" in ran.error_line
    assert hub.steps == []


def test_personal_data_needs_a_word(hub: FakeHub, tmp_path: Path) -> None:
    row = make_row("Whom?", "Ask erika.mueller@web.de.", license="MIT")
    path = publish(tmp_path / "set", [row])
    ran = call_cli("publish", path, "--to", REPO, "--json", cwd=tmp_path)
    assert (ran.code, hub.steps) == (2, [])
    assert row["id"] in ran.error_line
    call_cli("publish", path, "--to", REPO, "--allow-personal-data", cwd=tmp_path).succeed()


@pytest.mark.parametrize(("kind", "code"), [("401", 2), ("403", 2), ("429", 1), ("500", 1)])
def test_what_the_hub_refuses_is_one_line(
    hub: FakeHub, tmp_path: Path, kind: str, code: int
) -> None:
    hub.echoes_token = True
    hub.choose_fault = lambda step: kind
    path = publish(tmp_path / "set", plain_rows(*TEXTS))
    ran = call_cli("publish", path, "--to", REPO, "--json", cwd=tmp_path)
    assert ran.code == code
    assert REPO in ran.error_line
    assert ran.answer == {"error": ran.error_line}
    assert TOKEN not in ran.out + ran.err


# The real client and the real reader, in processes of their own

READ = """
import json, sys
from datasets import load_dataset
found = {}
for config in ("default", "alpaca"):
    for tag in ("v1.0.0", "v1.1.0"):
        rows = load_dataset("me/set", config, split="train", revision=tag)
        lazy = load_dataset("me/set", config, split="train", revision=tag, streaming=True)
        assert sorted(map(str, lazy)) == sorted(map(str, rows))
        found[f"{config} {tag}"] = [rows.num_rows, rows.column_names]
from huggingface_hub import snapshot_download
found["path"] = snapshot_download("me/set", repo_type="dataset", revision="v1.1.0")
print(json.dumps(found))
"""


def environment(hub: FakeHub, home: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}  # fmt: skip


@pytest.mark.slow
def test_every_config_of_every_version_loads(tmp_path: Path) -> None:
    one = publish(tmp_path / "set", plain_rows(*TEXTS))
    two = publish(tmp_path / "set", plain_rows(*TEXTS, "Name a bay."), version="1.1.0",
                  columns={"quality": [0.1, 0.2, 0.3]})  # fmt: skip
    with FakeHub() as hub:
        env = environment(hub, tmp_path / "hf")
        for path in (one, two):
            ran = run_cli("publish", path, "--to", REPO, cwd=tmp_path, env=env).succeed()
            assert TOKEN not in ran.out + ran.err
            assert "read back and compared" in ran.err
        read = subprocess.run(
            [sys.executable, "-c", READ],
            env=child_environment(env),
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert read.returncode == 0, read.stderr
    found: dict[str, Any] = json.loads(read.stdout.splitlines()[-1])
    assert [found[f"{config} v1.{n}.0"][0] for config in ("default", "alpaca") for n in (0, 1)] == [
        2, 3, 2, 3,
    ]  # fmt: skip
    assert "quality" not in found["default v1.0.0"][1]
    assert "quality" in found["default v1.1.0"][1]
    assert found["alpaca v1.1.0"][1] == ["instruction", "input", "output"]
    holders = [name for name, data in read_tree(tmp_path).items() if TOKEN.encode() in data]
    assert holders == []


@pytest.mark.slow
def test_a_run_ends_on_the_hub_and_can_be_verified_there(
    hub: FakeHub, tmp_path: Path, prefect_api: str
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", good_records(6))
    source = {"path": "rows.jsonl", "license": "MIT"}
    write_recipe(tmp_path / "r.yaml", sources=[source], publish={"to": REPO})
    answer = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer
    assert answer["hub"]["commit"] == hub.repo(REPO).head
    assert (answer["hub"]["private"], hub.repo(REPO).private) == (True, True)
    again = call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer
    assert (again["is_new"], again["hub"]["is_new"]) == (False, False)
    snapshot = tmp_path / "snapshot"
    for path, content in (hub.shown(REPO, "v1.0.0") or {}).items():
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path).write_bytes(content)
    call_cli("verify", snapshot, "--json", cwd=tmp_path).succeed()
    holders = [name for name, data in read_tree(tmp_path).items() if TOKEN.encode() in data]
    assert holders == []


@pytest.mark.slow
def test_a_run_that_cannot_push_keeps_its_version(
    hub: FakeHub, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", good_records(6))
    source = {"path": "rows.jsonl", "license": "MIT"}
    write_recipe(tmp_path / "r.yaml", sources=[source], publish={"to": REPO})
    hub.choose_fault = lambda step: "503"
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path)
    assert ran.code == 1
    assert (ran.answer["version"], ran.answer["kept"]) == ("1.0.0", 6)
    assert (tmp_path / ran.answer["path"] / "manifest.json").is_file()
    hub.choose_fault = lambda step: None
    assert call_cli("run", "r.yaml", "--json", cwd=tmp_path).succeed().answer["hub"]["is_new"]
    # Neither a source without a licence nor a missing token is found out late.
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl"}], publish={"to": REPO})
    ran = call_cli("run", "r.yaml", "--json", cwd=tmp_path)
    assert (ran.code, "sources.0.license" in ran.error_line) == (2, True)
    hub.steps.clear()
    call_cli("run", "r.yaml", "--offline", cwd=tmp_path).succeed()
    assert hub.steps == []
