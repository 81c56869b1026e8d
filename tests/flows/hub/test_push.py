"""Publishing to the Hub: what a reader finds, what stays, what is refused."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from flows.hub import copying
from flows.hub import push as push_module
from flows.hub import repository as repository_module
from flows.hub.answers import Pushed
from flows.hub.records import record_path
from flows.report import write_report
from schemas.errors import InputError, RunError
from schemas.manifest import DatasetManifest
from tests.flows.hub.pushing import REPO, push, rows_of
from tests.support.hub import TOKEN, FakeHub, Step
from tests.support.hub_versions import list_files, plain_rows, publish

TEXTS = ("Name a river.", "Name a hill.")


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return publish(tmp_path / "set", plain_rows(*TEXTS), rejects=plain_rows("A rejected text."))


def later(base: Path, version: str = "1.1.0", *texts: str, **more: Any) -> Path:
    return publish(base / "set", plain_rows(*(texts or (*TEXTS, "Name a bay."))),
                   version=version, **more)  # fmt: skip


def writes(hub: FakeHub) -> list[str]:
    return [step.what for step in hub.steps if not step.what.startswith(("GET", "HEAD"))]


# What a reader finds


def test_a_version_is_one_commit_with_a_tag(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    done = push(first, home=tmp_path)
    repo = hub.repo(REPO)
    assert (done.is_new, done.tag, done.commit) == (True, "v1.0.0", repo.head)
    assert repo.tags == {"v1.0.0": repo.head}
    assert [commit.title for commit in repo.commits.values()][1:] == [
        repo.commits[str(repo.head)].title
    ]
    assert done.url == f"{hub.url}/datasets/{REPO}/tree/{repo.head}"
    assert rows_of(hub)["instruction"].sort().to_list() == sorted(TEXTS)
    record = json.loads(record_path(tmp_path, REPO).read_text())["versions"]["1.0.0"]
    assert (record["commit"], record["is_checked"]) == (repo.head, True)


def test_every_file_is_as_the_manifest_there_says(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    push(first, home=tmp_path / "home")
    place = tmp_path / "read"
    for path, content in (hub.shown(REPO, "v1.0.0") or {}).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    (place / ".gitattributes").unlink()
    manifest = DatasetManifest.model_validate_json((place / "manifest.json").read_text())
    assert manifest.files == list_files(place)
    local = DatasetManifest.model_validate_json((first / "manifest.json").read_text())
    assert manifest.content_sha256 == local.content_sha256
    changed = {"README.md", "report.html", "rejects/rejects-00000-of-00001.parquet"}
    assert {record.path for record in set_of(manifest) ^ set_of(local)} == changed


def set_of(manifest: DatasetManifest) -> set[Any]:
    return set(manifest.files)


def test_the_parquet_there_is_plain_chunked_and_indexed(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    push(first, home=tmp_path)
    for path, content in (hub.shown(REPO) or {}).items():
        if path.startswith("data/"):
            file = pq.ParquetFile(io.BytesIO(content))
            assert "large" not in str(file.schema_arrow)
            assert file.metadata.row_group(0).column(0).has_offset_index
            assert file.metadata.row_group(0).column(0).has_column_index


def test_rejected_rows_go_without_their_text(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "write_report", write_report)
    done = push(first, home=tmp_path)
    files = hub.shown(REPO) or {}
    assert done.rejects == "without text"
    assert [path for path, content in files.items() if b"A rejected text." in content] == []
    there = pl.read_parquet(io.BytesIO(files["rejects/rejects-00000-of-00001.parquet"]))
    here = pl.read_parquet(first / "rejects" / "*.parquet")
    assert there["id"].to_list() == here["id"].to_list()
    assert there.schema == here.schema
    assert there["messages"].list.len().to_list() == [0]
    assert b"<html" in files["report.html"]
    assert "in `rejects/` without its text" in files["README.md"].decode()


def test_rejected_rows_go_whole_when_asked(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    assert push(first, home=tmp_path, rejects=True).rejects == "whole"
    files = hub.shown(REPO) or {}
    for path in ("report.html", "rejects/rejects-00000-of-00001.parquet"):
        assert files[path] == (first / path).read_bytes()


def test_the_card_names_its_place(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    push(first, home=tmp_path)
    card = (hub.shown(REPO) or {})["README.md"].decode()
    assert 'load_dataset("me/set", "default", split="train", revision="v1.0.0")' in card
    header = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in header["configs"]] == ["default", "alpaca"]


# The next version


def test_files_of_the_version_before_go_and_those_of_others_stay(
    hub: FakeHub, tmp_path: Path
) -> None:
    old = publish(tmp_path / "set", plain_rows(*TEXTS))
    extra = old / "twins" / "best.parquet"
    extra.write_bytes(b"old")
    manifest = DatasetManifest.model_validate_json((old / "manifest.json").read_text())
    text = manifest.model_copy(update={"files": list_files(old)}).model_dump_json()
    (old / "manifest.json").write_text(text)
    push(old, home=tmp_path)
    repo = hub.repo(REPO)
    mine = {"logo.png": b"logo", "notes/how.md": b"mine"}
    files = {**repo.commits[str(repo.head)].files, **mine}
    repo.add("a logo", files, repo.commits[str(repo.head)].lfs)
    push(later(tmp_path), home=tmp_path)
    shown = hub.shown(REPO) or {}
    assert "twins/best.parquet" not in shown
    assert "twins/best.parquet" in (hub.shown(REPO, "v1.0.0") or {})
    assert {path: shown[path] for path in mine} == mine
    assert ".gitattributes" in shown
    assert set(repo.tags) == {"v1.0.0", "v1.1.0"}


def test_the_changelog_of_other_homes_is_kept(hub: FakeHub, tmp_path: Path) -> None:
    def changes(*versions: str) -> dict[str, Any]:
        entries = [
            {"version": v, "parent": None, "created": "2026-01-01", "lines": [f"about {v}"]}
            for v in versions
        ]
        return {"notes": {"changes": entries}}

    push(publish(tmp_path / "a", plain_rows(*TEXTS), **changes("1.0.0")), home=tmp_path)
    second = publish(tmp_path / "b", plain_rows("Name a bay."), version="2.0.0", **changes("2.0.0"))
    push(second, home=tmp_path / "other")
    card = (hub.shown(REPO) or {})["README.md"].decode()
    assert card.index("### 2.0.0") < card.index("about 2.0.0") < card.index("### 1.0.0")
    assert card.count("## Changelog\n") == 1
    assert not push(second, home=tmp_path / "third").is_new


def test_a_new_column_is_in_the_features_of_the_next_version(hub: FakeHub, tmp_path: Path) -> None:
    push(publish(tmp_path / "set", plain_rows(*TEXTS)), home=tmp_path)
    push(later(tmp_path, columns={"quality": [0.1, 0.2, 0.3]}), home=tmp_path)
    header = (hub.shown(REPO) or {})["README.md"].decode().split("---\n")[1]
    assert "dataset_info" not in yaml.safe_load(header)
    assert rows_of(hub)["quality"].sort().to_list() == [0.1, 0.2, 0.3]


# Again


def test_publishing_again_writes_nothing(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    done = push(first, home=tmp_path)
    state = hub.save()
    for home in (tmp_path, tmp_path / "another home"):
        hub.steps.clear()
        again = push(first, home=home)
        assert (again.is_new, again.commit) == (False, done.commit)
        assert writes(hub) == []
        assert hub.save() == state


def test_an_older_version_stays_published_under_its_tag(hub: FakeHub, tmp_path: Path) -> None:
    old = publish(tmp_path / "set", plain_rows(*TEXTS))
    done = push(old, home=tmp_path)
    push(later(tmp_path), home=tmp_path)
    assert push(old, home=tmp_path) == Pushed(**{**vars_of(done), "is_new": False})


def vars_of(done: Pushed) -> dict[str, Any]:
    return {name: getattr(done, name) for name in Pushed.__slots__}


def test_a_commit_that_was_not_tagged_is_found_below_a_newer_one(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    done = push(first, home=tmp_path)
    del hub.repo(REPO).tags["v1.0.0"]
    push(later(tmp_path), home=tmp_path)
    head = hub.repo(REPO).head
    again = push(first, home=tmp_path / "another home")
    assert (again.commit, hub.repo(REPO).head) == (done.commit, head)
    assert hub.repo(REPO).tags["v1.0.0"] == done.commit


# Somebody else is there


def test_a_moved_head_is_built_upon(hub: FakeHub, tmp_path: Path) -> None:
    push(publish(tmp_path / "set", plain_rows(*TEXTS)), home=tmp_path)
    repo = hub.repo(REPO)
    moves = iter(range(3))

    def move(step: Step) -> None:
        if "/commit/" in step.what and next(moves, None) is not None:
            last = repo.commits[str(repo.head)]
            card = last.files["README.md"] + b"\n## Changelog\n\n### 1.0.5\n\nBetween.\n"
            repo.add("edited", {**last.files, "README.md": card, f"{step.nth}.txt": b"x"}, last.lfs)

    hub.before = move
    done = push(later(tmp_path), home=tmp_path)
    shown = hub.shown(REPO) or {}
    assert done.commit == repo.head
    assert {"1.txt", "2.txt", "3.txt"} <= set(shown)
    assert b"Between." in shown["README.md"]


@pytest.mark.parametrize("same", [True, False], ids=["one version", "two versions"])
def test_two_publishers_at_once(hub: FakeHub, tmp_path: Path, same: bool) -> None:
    push(publish(tmp_path / "set", plain_rows(*TEXTS)), home=tmp_path)
    versions = [later(tmp_path), later(tmp_path, "1.2.0", "Name a cape.")]
    if same:
        versions[1] = versions[0]
    meet = threading.Barrier(2)
    met: set[int] = set()

    def before(step: Step) -> None:
        # Both have looked before either commits.
        if "/commit/" in step.what and threading.get_ident() not in met and len(met) < 2:
            met.add(threading.get_ident())
            meet.wait(20)

    hub.before = before
    errors: list[Exception] = []

    def run(number: int) -> None:
        try:
            push(versions[number], home=tmp_path / f"home-{number}")
        except (InputError, RunError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hub.before = lambda step: None
    repo = hub.repo(REPO)
    if same:
        assert errors == []
        assert set(repo.tags) == {"v1.0.0", "v1.1.0"}
        assert len(repo.commits) == 3
    else:
        # 1.1.0 either came first, or must not go on top of 1.2.0.
        assert all("1.2.0" in str(error) for error in errors)
        assert set(repo.tags) == {"v1.0.0", "v1.2.0"} | (set() if errors else {"v1.1.0"})
    assert repo.tags["v1.1.0" if same else "v1.2.0"] == repo.head


def test_an_older_version_does_not_go_on_top_of_a_newer_one(hub: FakeHub, tmp_path: Path) -> None:
    push(later(tmp_path), home=tmp_path)
    state = hub.save()
    with pytest.raises(InputError, match=r"set before 1\.0\.0, got set 1\.1\.0"):
        push(publish(tmp_path / "set", plain_rows(*TEXTS)), home=tmp_path)
    assert hub.save() == state


def test_another_dataset_is_not_overwritten(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    push(publish(tmp_path / "x", plain_rows("Ask."), name="other", version="0.1.0"), home=tmp_path)
    with pytest.raises(InputError, match=r"got other 0\.1\.0"):
        push(first, home=tmp_path)


@pytest.mark.parametrize("text", [b"{}", b"not JSON", b'{"files": 3, "name": "a"}'])
def test_a_manifest_of_something_else_is_refused(
    hub: FakeHub, first: Path, tmp_path: Path, text: bytes
) -> None:
    hub.make(REPO, {"manifest.json": text})
    with pytest.raises(InputError, match="a repository of its own"):
        push(first, home=tmp_path)


def test_data_of_somebody_else_would_mix(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    hub.make(REPO, {"data/default/train-00000-of-00002.parquet": b"PAR1"})
    with pytest.raises(InputError, match="would mix") as caught:
        push(first, home=tmp_path)
    assert "data/default/train-00000-of-00002.parquet" in str(caught.value)


def test_a_repository_with_a_gitignore_gets_every_file(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    hub.make(REPO, {".gitignore": b"*.parquet\nreport.html\n"})
    push(first, home=tmp_path)
    assert rows_of(hub).height == 2
    assert "report.html" in (hub.shown(REPO) or {})


# Tags


def test_a_tag_that_names_other_content_is_an_error(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    repo = hub.make(REPO)
    repo.tags["v1.0.0"] = str(repo.head)
    state = hub.save()
    with pytest.raises(InputError, match=r"v1\.0\.0.*never changes"):
        push(first, home=tmp_path)
    assert hub.save() == state


def test_a_tag_that_was_moved_after_publishing_is_an_error(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    done = push(first, home=tmp_path)
    repo = hub.repo(REPO)
    last = repo.commits[done.commit]
    repo.tags["v1.0.0"] = repo.add("squashed", last.files, last.lfs)
    with pytest.raises(InputError, match="somebody moved it") as caught:
        push(first, home=tmp_path)
    assert done.commit in str(caught.value)
    record_path(tmp_path, REPO).unlink()
    assert push(first, home=tmp_path).commit == repo.tags["v1.0.0"]


def test_a_repository_that_was_deleted_is_published_to_anew(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    done = push(first, home=tmp_path)
    hub.repositories.clear()
    hub.make(REPO, {"logo.png": b"logo"})
    again = push(first, home=tmp_path)
    assert again.is_new
    assert again.commit != done.commit
    record = json.loads(record_path(tmp_path, REPO).read_text())["versions"]["1.0.0"]
    assert (record["commit"], record["is_checked"]) == (again.commit, True)
    assert not push(first, home=tmp_path).is_new


def test_a_tag_that_was_deleted_is_made_again_at_its_commit(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    done = push(first, home=tmp_path)
    repo = hub.repo(REPO)
    last = repo.commits[done.commit]
    repo.add("a new card", {**last.files, "README.md": b"# mine"}, last.lfs)
    repo.tags.clear()
    for home in (tmp_path, tmp_path / "another home"):
        assert push(first, home=home).commit == done.commit
        assert repo.tags == {"v1.0.0": done.commit}
        repo.tags.clear()


def test_a_tag_made_by_a_quicker_publisher_is_never_moved(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    def tag_first(step: Step) -> None:
        if "/tag/" in step.what:
            repo = hub.repo(REPO)
            repo.tags.setdefault("v1.0.0", next(iter(repo.commits)))

    hub.before = tag_first
    with pytest.raises(InputError, match="holds other files"):
        push(first, home=tmp_path)
    repo = hub.repo(REPO)
    assert repo.tags["v1.0.0"] == next(iter(repo.commits))


# Read back


def test_what_is_given_out_wrong_is_noticed(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = repository_module.Repository.hash_file

    def wrong(self: Any, commit: str, path: str) -> str:
        return "0" * 64 if path == "recipe.yaml" else real(self, commit, path)

    with monkeypatch.context() as patch:
        patch.setattr(repository_module.Repository, "hash_file", wrong)
        with pytest.raises(RunError, match=r"recipe\.yaml at .* got 0000"):
            push(first, home=tmp_path)
    record = json.loads(record_path(tmp_path, REPO).read_text())["versions"]["1.0.0"]
    assert record["is_checked"] is False
    hub.steps.clear()
    assert push(first, home=tmp_path).is_new is False
    read = [step for step in hub.steps if "recipe.yaml" in step.what]
    assert len(read) == 1


def test_reading_back_uses_no_cache(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(first, home=tmp_path)
    read = {step.what.rpartition("/resolve/COMMIT/")[2] for step in hub.steps}
    manifest = DatasetManifest.model_validate_json((first / "manifest.json").read_text())
    assert {record.path for record in manifest.files} <= read


def test_a_changed_version_is_not_pushed(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    (first / "recipe.yaml").write_text("name: other\n")
    with pytest.raises(InputError, match=r"recipe\.yaml .* changed after it was published"):
        push(first, home=tmp_path)
    assert hub.steps == []


# Big sets


def test_many_files_go_up_in_steps_that_one_commit_shows(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_module, "_STEP", 3)
    push(first, home=tmp_path)
    asked = [step for step in hub.steps if "/preupload/" in step.what]
    assert len(asked) == 4
    assert len([step for step in hub.steps if "/commit/" in step.what]) == 1
    assert len(hub.repo(REPO).commits) == 2


def test_long_listings_are_read_to_their_end(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    hub.page_size = 3
    push(first, home=tmp_path)
    assert push(first, home=tmp_path).is_new is False


# Who sees it


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_is_made_as_asked(
    hub: FakeHub, first: Path, tmp_path: Path, private: bool
) -> None:
    assert push(first, home=tmp_path, private=private).private is private
    assert hub.repo(REPO).private is private


def test_an_existing_repository_stays_as_it_is(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    hub.make(REPO)
    assert push(first, home=tmp_path, private=True).private is False
    assert hub.repo(REPO).private is False


def test_who_asks_for_a_private_one_gets_no_public_one(
    hub: FakeHub, first: Path, tmp_path: Path
) -> None:
    hub.make(REPO)
    state = hub.save()
    with pytest.raises(InputError, match="which is public"):
        push(first, home=tmp_path, private=True, must_be_private=True)
    assert hub.save() == state


# The token


def test_without_a_token_nothing_is_asked(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(repository_module, "get_token", lambda: None)
    with pytest.raises(InputError, match="hf auth login"):
        push(first, home=tmp_path)
    assert hub.steps == []


@pytest.mark.parametrize("kind", ["400", "401", "403", "500"])
def test_an_answer_that_repeats_the_token_does_not_show_it(
    hub: FakeHub, first: Path, tmp_path: Path, kind: str
) -> None:
    hub.echoes_token = True
    hub.choose_fault = lambda step: kind if "commit" in step.what else None
    with pytest.raises((InputError, RunError)) as caught:
        push(first, home=tmp_path)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_a_wrong_owner_is_said(hub: FakeHub, first: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 403"):
        push(first, home=tmp_path, to="somebody/set")


def test_offline_mode_is_said(
    hub: FakeHub, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module.Repository, "refs", lambda self: 1 / 0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="HF_HUB_OFFLINE"):
        push(first, home=tmp_path)
