"""The scheduled flows, as `prefect.yaml` names them and as a worker runs them."""

import inspect
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.schedules import CronSchedule
from prefect.flow_engine import run_flow
from prefect.states import Scheduled, State

from flows import deployments
from flows.notify import VARIABLE
from tests.support.recipes import good_records, write_jsonl, write_recipe

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", CONFIG["deployments"], ids=lambda entry: entry["entrypoint"])
def test_every_deployment_is_a_flow_that_takes_its_parameters(entry: dict[str, Any]) -> None:
    path, _, name = entry["entrypoint"].partition(":")
    assert ROOT / path == Path(deployments.__file__)
    found = getattr(deployments, name)
    assert isinstance(found, Flow)
    assert set(entry["parameters"]) <= set(inspect.signature(found.fn).parameters)
    assert entry["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert entry["schedules"][0].keys() == {"cron", "timezone"}


def test_make_schedule_fills_in_every_name() -> None:
    names = set(re.findall(r"\{\{ \$(\w+) \}\}", (ROOT / "prefect.yaml").read_text()))
    assert names
    schedule = (ROOT / "Makefile").read_text().partition("\nschedule:")[2].partition("\n\n")[0]
    assert {name for name in names if f"{name}=" not in schedule} == set()


def test_a_recipe_is_checked_before_it_is_scheduled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recipe(tmp_path / "r.yaml", name="nights", sources=[{"path": "rows.jsonl"}])
    assert deployments._main([str(tmp_path / "r.yaml")]) == 0
    assert capsys.readouterr().out == "nights\n"
    (tmp_path / "r.yaml").write_text("name: nights\nsource: []\n")
    assert deployments._main([str(tmp_path / "r.yaml")]) == 2
    assert "did you mean 'sources'?" in capsys.readouterr().err


@pytest.mark.slow
def test_a_night_says_how_it_ended_and_a_failure_is_told(
    prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = tmp_path / "told.json"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    monkeypatch.setenv(VARIABLE, f'{sys.executable} -c "{code}" {told}')
    write_jsonl(tmp_path / "rows.jsonl", good_records(4))
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl"}])

    def night(*overrides: str) -> State[Any]:
        return deployments.nightly("r.yaml", overrides=list(overrides), return_state=True)

    first = night()
    assert (first.name, str(first.message).splitlines()[0]) == ("Completed", "set 1.0.0")
    second = night()
    assert second.name == "NothingNew"
    assert str(second.message).startswith("nothing new since 1.0.0")
    assert deployments.weekly("r.yaml", return_state=True).name == "NothingNew"
    assert not told.exists()
    write_jsonl(tmp_path / "rows.jsonl", good_records(6))
    assert night("gate.min_rows=99").is_failed()
    found = json.loads(told.read_text())
    assert found["recipe"] == "r.yaml"
    assert "gate" in found["message"]
    assert night().name == "Completed"


@pytest.mark.slow
def test_the_scheduler_makes_runs(prefect_api: str, tmp_path: Path) -> None:
    """It does not with every version of the libraries below Prefect that Prefect allows."""
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 2 * * *"))
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(deployments.weekly)
        deployment = client.create_deployment(flow_id, name=tmp_path.name, schedules=[schedule])
        client.request(
            "POST", "/deployments/{id}/schedule", path_params={"id": deployment},
            json={"min_runs": 3},
        )  # fmt: skip
        same = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
        runs = client.read_flow_runs(flow_run_filter=same)
    assert len(runs) >= 3
    assert {run.state_name for run in runs} == {"Scheduled"}


@pytest.mark.slow
def test_of_twenty_late_runs_one_works(
    prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "rows.jsonl", good_records(4))
    write_recipe(tmp_path / "r.yaml", sources=[{"path": "rows.jsonl"}])
    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(deployments.nightly)
        deployment = client.create_deployment(flow_id, name=tmp_path.name)
        late = [
            client.create_flow_run_from_deployment(
                deployment, state=Scheduled(scheduled_time=now - timedelta(days=day))
            )
            for day in range(20, 0, -1)
        ]
        tomorrow = client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=now + timedelta(days=1))
        )

        def start(place: int) -> None:
            run_flow(
                deployments.nightly,
                flow_run=client.read_flow_run(late[place].id),
                parameters={"recipe": "r.yaml"},
                return_type="state",
            )

        start(7)
        names = [client.read_flow_run(run.id).state_name for run in late]
        assert names.pop(7) == "Completed"
        assert set(names) == {"Cancelled"}
        assert client.read_flow_run(tomorrow.id).state_name == "Scheduled"
        # One that a worker had taken already, before it could be cancelled.
        taken = client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=now - timedelta(hours=1))
        )
        late.append(taken)
        start(-1)
        state = client.read_flow_run(taken.id).state
        assert state is not None
        assert state.name == "Skipped"
        assert str(late[7].id) in str(state.message)
    assert sorted(path.name for path in (tmp_path / "published" / "set").iterdir()) == ["1.0.0"]
