"""`feingold dedup`: deduplicate files only, or look at what thresholds would do."""

import argparse
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.adhoc import name_after, recipe_for_files
from flows.dedup.show import show_calibration, show_thresholds
from flows.recipes import LoadedRecipe
from flows.runner import explore, make_spec, run_tables, tell
from flows.session import RunSpec
from quality.dedup import METHODS
from schemas.errors import InputError
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write kept.parquet and dropped.parquet, or the table that was asked for instead."""
    options = options_of(arguments)
    thresholds = _thresholds(arguments, options)
    out = arguments.out or Path("published") / f"{name_after(arguments.inputs[0])}-dedup"
    spec = _spec(arguments, options, out)
    if thresholds:
        found = explore(spec, out, thresholds=thresholds)
        tell(show_thresholds(found))
        return found
    if arguments.calibrate is not None:
        found = explore(spec, out, sample=arguments.calibrate)
        tell(show_calibration(found))
        return found
    answer = run_tables("dedup", spec, out)
    tell(
        f"{answer['kept']:,} of {answer['rows_in']:,} rows kept in {out}/kept.parquet, "
        f"{answer['quarantined']:,} unreadable, {answer['seconds']:.0f} s"
    )
    for rule, count in answer["by_rule"].items():
        tell(f"  {count:>7,}  {rule}")
    return answer


def _spec(arguments: argparse.Namespace, options: DedupOptions, out: Path) -> RunSpec:
    loaded = recipe_for_files(arguments.inputs)
    changes = {"dedup": options, "scorers": ("quality",), "runner": arguments.runner}
    recipe = loaded.recipe.model_copy(update=changes)
    loaded = LoadedRecipe(recipe, loaded.base, loaded.text)
    return make_spec(loaded, home=arguments.home, out=out, workers=arguments.workers)


def options_of(arguments: argparse.Namespace) -> DedupOptions:
    """Turn the arguments into the options of a recipe.

    Raises:
        InputError: if one is wrong, or belongs to a method that does not run.
    """
    methods = _list(arguments.method)
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        msg = f"expected --method of {', '.join(METHODS)}, got {arguments.method!r}: correct it"
        raise InputError(msg)
    threshold = arguments.threshold
    if threshold is not None and not 0 < threshold <= 1:
        msg = f"expected --threshold above 0 and at most 1, got {threshold!r}: e.g. 0.7"
        raise InputError(msg)
    common: dict[str, Any] = {} if arguments.guards else {"guards": False}
    if arguments.columns is not None:
        common["columns"] = tuple(_list(arguments.columns))
    lexical = {
        "shingle": arguments.shingle,
        "containment": arguments.containment,
        "mask": tuple(arguments.mask) or None,
    }
    lexical = {name: value for name, value in lexical.items() if value is not None}
    _refuse_unused(methods, lexical, common)
    given = {} if threshold is None else {"threshold": threshold}
    # Jaccard 0.7 is strict, cosine 0.7 is not: one number means one of them.
    for_semantic = {} if "lexical" in methods else given
    try:
        return DedupOptions(
            exact="exact" in methods,
            lexical=LexicalOptions(**common, **lexical, **given) if "lexical" in methods else None,
            semantic=SemanticOptions(**common, **for_semantic) if "semantic" in methods else None,
            against=tuple(str(Path(path).resolve()) for path in arguments.against),
            answers=arguments.answers,
        )
    except ValidationError as error:
        problem = error.errors()[0]
        wanted = problem["msg"].removeprefix("Input should be ")
        msg = f"expected {wanted}, got {problem['input']!r} for --{problem['loc'][0]}: correct it"
        raise InputError(msg) from error


def _refuse_unused(methods: list[str], lexical: dict[str, Any], common: dict[str, Any]) -> None:
    """Options of a method that does not run would change nothing, unnoticed."""
    unused = [] if "lexical" in methods else list(lexical)
    if methods == ["exact"]:
        unused += ["no-guards" if name == "guards" else name for name in common]
    if unused:
        msg = (
            f"expected --method with a method that has --{unused[0]}, got {','.join(methods)!r}: "
            "add lexical"
        )
        raise InputError(msg)


def _thresholds(arguments: argparse.Namespace, options: DedupOptions) -> list[float]:
    """Return the thresholds to compare, ascending; none where they were not asked for.

    Raises:
        InputError: if they are wrong, or asked for together with what excludes them.
    """
    asked = [
        name
        for name in ("threshold", "thresholds", "calibrate")
        if getattr(arguments, name) is not None
    ]
    if "thresholds" in asked and len(asked) > 1:
        other = next(name for name in asked if name != "thresholds")
        msg = f"expected --thresholds or --{other}, got both: leave one out"
        raise InputError(msg)
    looks = arguments.thresholds is not None or arguments.calibrate is not None
    if looks and options.lexical is None and options.semantic is None:
        msg = (
            f"expected --method with lexical or semantic for --{asked[-1]}, "
            f"got {arguments.method!r}: add one"
        )
        raise InputError(msg)
    if arguments.thresholds is None:
        return []
    parts = _list(arguments.thresholds)
    try:
        found = sorted({float(part) for part in parts})
    except ValueError:
        found = []
    if not found or not all(0 < threshold <= 1 for threshold in found):
        msg = (
            f"expected --thresholds above 0 and at most 1, got {arguments.thresholds!r}: "
            "e.g. 0.6,0.7,0.8"
        )
        raise InputError(msg)
    return found


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
