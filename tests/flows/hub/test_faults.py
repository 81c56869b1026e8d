"""Whatever step fails, and however: readers see the old version or the new one, never a mixture.

The steps are those of a clean run, so that none is missed.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.hub.answers import Pushed
from schemas.errors import FeingoldError, InputError, RunError
from tests.flows.hub.pushing import REPO, push
from tests.support.hub import FAULTS, FakeHub, Step
from tests.support.hub_versions import plain_rows, publish

#: Faults that are tried in every run of the tests; the others take the same ways.
_ALWAYS = ("reset", "lost")
KINDS = [pytest.param(kind, marks=() if kind in _ALWAYS else pytest.mark.slow) for kind in FAULTS]
_REFUSED = {"401", "403", "404"}


@dataclass
class Scene:
    """A version that the Hub shows, or none, and one that is to follow."""

    hub: FakeHub
    push: Callable[[], Pushed]
    before: Mapping[str, bytes] | None
    after: Mapping[str, bytes]
    steps: list[Step]
    tags: set[str]

    def check_what_is_seen(self) -> None:
        """At any moment."""
        shown = self.hub.shown(REPO)
        empty = {".gitattributes"}  # as a repository is made
        is_new_repo = self.before is None and (shown is None or set(shown) == empty)
        assert is_new_repo or shown in (self.before, self.after)

    def check_end(self) -> None:
        """After a run that succeeded."""
        repo = self.hub.repo(REPO)
        assert self.hub.shown(REPO) == self.after
        assert repo.tags["v1.1.0"] == repo.head
        assert set(repo.tags) == self.tags
        titles = [commit.title for commit in repo.commits.values() if "1.1.0" in commit.title]
        assert len(titles) == 1


def make_scene(hub: FakeHub, base: Path, *, is_first: bool) -> tuple[Scene, Callable[[], None]]:
    """Return a scene and what sets it back to its beginning."""
    rejects = plain_rows("Too short.")
    one = publish(base / "set", plain_rows("Name a river.", "Name a hill."), rejects=rejects)
    two = publish(
        base / "set", plain_rows("Name a river.", "Name a bay."), rejects=rejects, version="1.1.0"
    )
    homes = iter(range(10_000))
    home = [base / "home"]
    if not is_first:
        push(one, home=home[0], rejects=True)
    saved, before = hub.save(), hub.shown(REPO)

    def reset() -> None:
        hub.restore(saved)
        home[0] = base / f"home-{next(homes)}"

    reset()
    call = lambda: push(two, home=home[0], rejects=True)  # noqa: E731
    call()
    after = hub.shown(REPO)
    assert after is not None
    tags = {"v1.1.0"} if is_first else {"v1.0.0", "v1.1.0"}
    return Scene(hub, call, before, after, list(hub.steps), tags), reset


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["next", "first"])
def scene(
    request: pytest.FixtureRequest, hub: FakeHub, tmp_path: Path
) -> tuple[Scene, Callable[[], None]]:
    """With and without an earlier version."""
    return make_scene(hub, tmp_path, is_first=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_fault_at_every_step(scene: tuple[Scene, Callable[[], None]], kind: str) -> None:
    here, reset = scene
    assert len(here.steps) > 25
    for step in here.steps:
        reset()
        here.hub.before = lambda _: here.check_what_is_seen()
        here.hub.choose_fault = lambda found, step=step: kind if found == step else None
        with contextlib.suppress(InputError if kind in _REFUSED else RunError):
            here.push()
        here.check_what_is_seen()
        here.hub.choose_fault = lambda _: None
        done = here.push()
        here.check_end()
        assert done.commit == here.hub.repo(REPO).head, step


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["reset", pytest.param("lost", marks=pytest.mark.slow)]
)  # fmt: skip
def test_an_outage_from_every_step_on(scene: tuple[Scene, Callable[[], None]], kind: str) -> None:
    here, reset = scene
    for step in here.steps:
        reset()
        started: list[Step] = []

        def choose(found: Step, step: Step = step, started: list[Step] = started) -> str | None:
            if found == step:
                started.append(found)
            return kind if started else None

        here.hub.choose_fault = choose
        with pytest.raises(RunError, match="run the same command again"):
            here.push()
        here.check_what_is_seen()
        here.hub.choose_fault = lambda _: None
        here.push()
        here.check_end()


def test_a_passing_fault_is_waited_out(
    scene: tuple[Scene, Callable[[], None]], waits: list[float]
) -> None:
    here, reset = scene
    at = next(step for step in here.steps if "/commit/" in step.what)
    for kind in ("409", "412", "429", "500", "reset", "lost", "500 late", "html"):
        reset()
        waits.clear()
        here.hub.choose_fault = lambda found, kind=kind: kind if found == at else None
        assert here.push().is_new
        here.check_end()
        assert waits == [7.0 if kind == "429" else 1.0], kind


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("401", "hf auth login"),
        ("403", "write access"),
        ("404", "check the name and the token"),
        ("429", "wait some minutes"),
        ("409", "hold still"),
        ("412", "hold still"),
        ("503", "run the same command again"),
    ],
)
def test_a_fault_that_stays_is_one_clear_line(
    scene: tuple[Scene, Callable[[], None]], kind: str, hint: str
) -> None:
    here, reset = scene
    reset()
    here.hub.choose_fault = lambda found: kind if "/commit/" in found.what else None
    with pytest.raises(FeingoldError, match=hint) as caught:
        here.push()
    assert "\n" not in str(caught.value)
    assert REPO in str(caught.value)
    assert caught.value.exit_code == (2 if kind in _REFUSED else 1)
    here.check_what_is_seen()
    assert len([step for step in here.hub.steps if "/commit/" in step.what]) <= 8


def test_content_that_arrived_is_not_sent_again(
    scene: tuple[Scene, Callable[[], None]],
) -> None:
    here, reset = scene
    reset()
    here.hub.choose_fault = lambda found: "403" if "/commit/" in found.what else None
    with pytest.raises(InputError):
        here.push()
    sent = dict(here.hub.puts)
    assert sent
    here.hub.choose_fault = lambda _: None
    here.push()
    assert dict(here.hub.puts) == sent
