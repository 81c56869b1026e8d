"""What Prefect runs on a schedule; `prefect.yaml` names these flows.

    python -m flows.deployments RECIPE

prints the name of a recipe's dataset, or says in one line what is wrong with it.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.states import Cancelled, Completed

from flows.notify import notify
from flows.recipes import load_recipe
from flows.refresh.catching_up import SKIPPED, Fired, done_by, overdue
from flows.refresh.running import describe_refresh, refresh_recipe
from schemas.errors import FeingoldError

_MOST = 200  # runs of a deployment that are looked at, the latest first
_WAITING = {StateType.SCHEDULED, StateType.PENDING, StateType.PAUSED}
_ENDED = {StateType.COMPLETED, StateType.FAILED}


@flow(
    name="feingold-nightly",
    flow_run_name="{recipe}",
    on_failure=[notify],
    on_crashed=[notify],
    validate_parameters=False,
)
def nightly(
    recipe: str,
    home: str = ".feingold",
    out: str = "published",
    overrides: list[str] | None = None,
) -> State[Any]:
    """Add what is new to a dataset.

    Args:
        recipe: its file.
        home: directory of journal and stages.
        out: directory of versions.
        overrides: `key=value`, as with `--set`.
    """
    return _night(recipe, home, out, overrides, is_full=False)


@flow(
    name="feingold-weekly",
    flow_run_name="{recipe}",
    on_failure=[notify],
    on_crashed=[notify],
    validate_parameters=False,
)
def weekly(
    recipe: str,
    home: str = ".feingold",
    out: str = "published",
    overrides: list[str] | None = None,
) -> State[Any]:
    """Let all rows of a dataset go by today's rules.

    Args:
        recipe: its file.
        home: directory of journal and stages.
        out: directory of versions.
        overrides: `key=value`, as with `--set`.
    """
    return _night(recipe, home, out, overrides, is_full=True)


def _night(
    recipe: str, home: str, out: str, overrides: list[str] | None, *, is_full: bool
) -> State[Any]:
    left_to = catch_up()
    if left_to is not None:
        return Completed(name=SKIPPED, message=left_to)
    loaded = load_recipe(Path(recipe), overrides or [])
    summary = refresh_recipe(loaded, home=Path(home), out=Path(out), is_full=is_full)
    name = "NothingNew" if summary["nothing_new"] else "Completed"
    return Completed(name=name, message=describe_refresh(summary))


def catch_up() -> str | None:
    """Do the work of all late runs of this deployment once.

    Returns:
        Why this run has nothing to do, None where it has: then those that wait are cancelled.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None:
        return None
    with get_client(sync_client=True) as client:
        same = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]))
        now = datetime.now(UTC)
        found = client.read_flow_runs(
            flow_run_filter=same, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_MOST
        )
        fired = [_fired(item) for item in found]
        own = _fired(client.read_flow_run(run.id))
        other = done_by(own, fired, now)
        if other is not None:
            return (
                f"run {other.id}, started {other.started:%F %T}, does what was due {own.due:%F %T}"
            )
        for late in overdue(now, [item for item in fired if item.id != own.id]):
            message = f"run {own.id} does what was due {late.due:%F %T}"
            client.set_flow_run_state(UUID(late.id), Cancelled(message=message))
    return None


def _fired(run: FlowRun) -> Fired:
    kind = run.state_type
    due = run.expected_start_time or run.created or datetime.now(UTC)
    if kind in _WAITING:
        return Fired(str(run.id), due, None, "waiting")
    if kind == StateType.RUNNING:
        return Fired(str(run.id), due, run.start_time, "running")
    is_ended = kind in _ENDED and run.state_name != SKIPPED
    return Fired(str(run.id), due, run.start_time, "ended" if is_ended else "gone")


def _main(words: list[str]) -> int:
    try:
        print(load_recipe(Path(words[0])).recipe.name)  # noqa: T201
    except FeingoldError as error:
        print(f"feingold: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
