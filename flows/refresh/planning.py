"""From a recipe and the versions there are to the run of one night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.history.snapshot import read_recipe
from flows.journal import FILE, Journal
from flows.recipes import LoadedRecipe
from flows.refresh.known import covering_versions
from flows.refresh.night import Night, earlier_versions, first_unused, hash_history
from flows.refresh.record import Record, Start
from flows.runner import make_spec
from flows.select.tokens import count_tokens
from flows.session import RunSpec
from flows.store import hash_json
from flows.teachers.budget import Spend
from flows.teachers.resolve import judging_dataset
from flows.versions import read_data
from schemas.errors import InputError
from schemas.manifest import DatasetManifest
from schemas.recipe import (
    BudgetOptions,
    GeneratorOptions,
    Recipe,
    TargetOptions,
    parse_recipe,
)

#: Fields of a recipe that decide which rows a version has.
DECIDING = (
    *("language", "seed", "teacher", "generators", "spending", "dedup", "decontaminate"),
    *("scorers", "judge", "student", "filters", "labels", "min_precision", "on_abstain", "select"),
)


@dataclass(frozen=True, slots=True)
class PlannedNight:
    """A night that is about to run.

    Attributes:
        spec: of its run; without `night` where there is no version to follow.
        record: what the home remembers of it.
        parent: the version that it follows; None: there is none.
        allowance: what tonight may cost at most, beside what a message about it says.
    """

    spec: RunSpec
    record: Record
    parent: DatasetManifest | None
    allowance: Mapping[str, str] = field(default_factory=dict)


def today() -> str:
    """Return the date, UTC."""
    return datetime.now(UTC).date().isoformat()


def plan_night(
    loaded: LoadedRecipe,
    *,
    home: Path,
    out: Path,
    offline: bool = False,
    is_full: bool = False,
) -> PlannedNight:
    """Plan a refresh; nothing is asked, and only the record of the night is written.

    Args:
        loaded: the recipe.
        home: directory of journal and stages.
        out: directory of versions.
        offline: replay the journal, ask nobody.
        is_full: let all rows go through the rules again.

    Raises:
        InputError: if a version is damaged, or home or out cannot be written.
    """
    recipe = loaded.recipe
    versions = earlier_versions(out / recipe.name)
    parent = next(reversed(versions.values()), None)
    history = hash_history(versions)
    start = Start(
        parent=parent.version if parent is not None else "",
        history=history,
        day=today(),
        spent=_spent(home, recipe.name),
        first=first_unused(versions),
        asking=_asking(recipe),
    )
    record = Record.read(home, recipe.name).begin(start)
    limited = recipe.model_copy(update={"budget": _tonight(recipe, record.spent)})
    night, no_room = None, None
    if parent is not None:
        if is_full:
            limited = _without_proposing(limited)
        else:
            limited, no_room = _adding(limited, list(versions))
        night = Night(
            is_full=is_full,
            versions=tuple(str(path.resolve()) for path in versions),
            history=history,
            first=record.first + record.skipped,
            plans=tuple((name, tuple(plan)) for name, plan in sorted(record.plans.items())),
            given_json=recipe.model_dump_json(exclude_unset=True),
            changed=changed_fields(list(versions)[-1], recipe),
            no_room=no_room,
        )
    spec = make_spec(replace(loaded, recipe=limited), home=home, out=out, offline=offline)
    record.write(home, recipe.name)
    allowance = _allowance(recipe, limited.budget)
    return PlannedNight(replace(spec, night=night), record, parent, allowance)


def changed_fields(folder: Path, recipe: Recipe) -> tuple[str, ...]:
    """Return the fields that decide about rows and differ from the recipe of a version.

    Args:
        folder: of the version.
        recipe: of today.
    """
    try:
        before = parse_recipe(read_recipe(folder), where=str(folder / "recipe.yaml"))
    except InputError:
        return ("a field that this feingold does not know",)
    return tuple(name for name in DECIDING if getattr(before, name) != getattr(recipe, name))


def _asking(recipe: Recipe) -> str:
    """Hash what shapes requests: after a change an old round is no replay."""
    named = recipe.model_dump(mode="json", include={"teacher", "generators", "language", "seed"})
    return hash_json(named)


def _spent(home: Path, name: str) -> Spend:
    """What a dataset has spent so far, judges included."""
    total = Spend()
    if not (home / FILE).exists():
        return total
    with Journal(home) as journal:
        for dataset in (name, judging_dataset(name)):
            for spent in journal.spent_by(dataset):
                total += Spend(usd=spent.usd, requests=spent.requests, tokens=spent.tokens)
    return total


def _tonight(recipe: Recipe, spent: Spend) -> BudgetOptions:
    """The budget of the dataset, and no more beyond what is spent than a night may cost."""
    limits: dict[str, Any] = {}
    for name in BudgetOptions.model_fields:
        whole, night = getattr(recipe.budget, name), getattr(recipe.refresh.budget, name)
        if night is not None:
            night += getattr(spent, name)
        limits[name] = min((limit for limit in (whole, night) if limit is not None), default=None)
    return BudgetOptions(**limits)


def _allowance(recipe: Recipe, tonight: BudgetOptions) -> dict[str, str]:
    """Name the limits that are tonight's and not the dataset's, by how a message names them."""
    return {
        f" budget.{name} = ": f"{name} {limit:g}"
        for name in BudgetOptions.model_fields
        if (limit := getattr(recipe.refresh.budget, name)) is not None
        and getattr(tonight, name) != getattr(recipe.budget, name)
    }


def _without_proposing(recipe: Recipe) -> Recipe:
    """Leave out generators that propose their own tasks, and their targets with them."""
    others = [item for item in recipe.generators if not isinstance(item, TargetOptions)]
    return recipe.model_copy(update={"generators": tuple(others)})


def _adding(recipe: Recipe, versions: Sequence[Path]) -> tuple[Recipe, str | None]:
    """What tonight differs in: against all versions, with its own target, in the room left."""
    update: dict[str, Any] = {}
    select, no_room = _room_left(recipe, versions[-1])
    update["select"] = select
    if recipe.dedup is not None:
        past = [str(path.resolve()) for path in covering_versions(versions)]
        against = (*recipe.dedup.against, *past)
        update["dedup"] = recipe.dedup.model_copy(update={"against": against})
    if recipe.refresh.rows == 0:
        recipe = _without_proposing(recipe)
    elif recipe.refresh.rows is not None:
        generators = [_asked_for(item, recipe.refresh.rows) for item in recipe.generators]
        update["generators"] = tuple(generators)
    return recipe.model_copy(update=update), no_room


def _asked_for(options: GeneratorOptions, rows: int) -> GeneratorOptions:
    if isinstance(options, TargetOptions):
        return options.model_copy(update={"target": rows})
    return options


def _room_left(recipe: Recipe, parent: Path) -> tuple[Any, str | None]:
    """What of the selection's budget the rows carried on leave free."""
    options = recipe.select
    update: dict[str, Any] = {"twins": False}  # a random twin of one night compares nothing
    rows = read_data(parent) if options.max_rows or options.max_tokens else None
    if rows is not None and options.max_rows is not None:
        update["max_rows"] = options.max_rows - rows.height
    if rows is not None and options.max_tokens is not None:
        tokens = rows["tokens"] if "tokens" in rows.columns else count_tokens(rows)
        update["max_tokens"] = options.max_tokens - int(tokens.sum())
    for name in ("max_rows", "max_tokens"):
        if name in update and update[name] <= 0:
            return options, f"select.{name} = {getattr(options, name):,} is reached"
    return options.model_copy(update=update), None


def describe_change(night: Night, version: str) -> str:
    """Say in one line what a changed recipe means for a night."""
    fields = ", ".join(night.changed)
    return (
        f"the recipe differs from that of {version} in {fields}: new rows go by today's, "
        "`feingold refresh --full` lets all rows go by it"
    )
