"""For all tests: no way out of this machine, no keys, one Prefect server for the session."""

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support import prefect_server
from tests.support.fake_teacher import FakeTeacher
from tests.support.sockets import block_sockets

_SECRETS = ("OPENAI_", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "FEINGOLD_")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment before anything of feingold or Prefect is imported."""
    for name in list(os.environ):
        if name.startswith(_SECRETS) and not name.startswith("FEINGOLD_TESTS_"):
            del os.environ[name]
    prefect_server.choose_place()
    block_sockets()
    # How long an example takes says what else the machine does. The quick tests see fewer examples
    # than `make test-all`, where a test does not say itself how many.
    is_quick = config.getoption("markexpr") == "not slow"
    hypothesis.settings.register_profile("all", deadline=None)
    hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
    hypothesis.settings.load_profile("quick" if is_quick else "all")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something costly on one worker, which then makes it once."""
    for item in items:
        for name, found in item._fixtureinfo.name2fixturedefs.items():
            if found[-1].scope == "module" or name == "three":
                place = found[-1].baseid if name == "three" else item.nodeid.partition("::")[0]
                item.add_marker(pytest.mark.xdist_group(place))
                break


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep absl's log handler, which `rouge_score` brings, from closing pytest's capture file.

    It holds the stderr of the moment of its import and closes it when Prefect sets up logging.
    """
    absl = sys.modules.get("absl.logging")
    if absl is not None:
        absl.get_absl_handler().python_handler.stream = sys.__stderr__


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the session started."""
    if not hasattr(config, "workerinput"):
        prefect_server.stop()


@pytest.fixture(scope="session")
def prefect_api(pytestconfig: pytest.Config) -> str:
    """The address of a running Prefect server; flows of this and of child processes use it."""
    return prefect_server.ensure_running(pytestconfig.cache.mkdir("prefect"))


@pytest.fixture
def teacher() -> Iterator[FakeTeacher]:
    """A fresh teacher that answers well."""
    with FakeTeacher() as running:
        yield running
