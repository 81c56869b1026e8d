"""`feingold dedup`: deduplicate files only."""

import argparse
from pathlib import Path
from typing import Any

from flows.adhoc import name_after, recipe_for_files
from flows.recipes import LoadedRecipe
from flows.runner import make_spec, run_tables, tell
from schemas.errors import InputError
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions

_METHODS = ("exact", "lexical", "semantic")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write kept.parquet and dropped.parquet."""
    options = _options(arguments)
    loaded = recipe_for_files(arguments.inputs)
    recipe = loaded.recipe.model_copy(update={"dedup": options, "scorers": ("quality",)})
    loaded = LoadedRecipe(recipe, loaded.base, loaded.text)
    out = arguments.out or Path("published") / f"{name_after(arguments.inputs[0])}-dedup"
    spec = make_spec(loaded, home=arguments.home, out=out)
    answer = run_tables("dedup", spec, out)
    tell(
        f"{answer['kept']:,} of {answer['rows_in']:,} rows kept in {out}/kept.parquet, "
        f"{answer['quarantined']:,} unreadable, {answer['seconds']:.0f} s"
    )
    for rule, count in answer["by_rule"].items():
        tell(f"  {count:>7,}  {rule}")
    return answer


def _options(arguments: argparse.Namespace) -> DedupOptions:
    methods = [part.strip() for part in arguments.method.split(",") if part.strip()]
    unknown = [method for method in methods if method not in _METHODS]
    if unknown or not methods:
        msg = f"expected --method of {', '.join(_METHODS)}, got {arguments.method!r}: correct it"
        raise InputError(msg)
    threshold = arguments.threshold
    if threshold is not None and not 0 < threshold <= 1:
        msg = f"expected --threshold above 0 and at most 1, got {threshold!r}: e.g. 0.7"
        raise InputError(msg)
    given = {} if threshold is None else {"threshold": threshold}
    # Jaccard 0.7 is strict, cosine 0.7 is not: one number means one of them.
    for_lexical = given if "lexical" in methods else {}
    for_semantic = {} if "lexical" in methods else given
    return DedupOptions(
        exact="exact" in methods,
        lexical=LexicalOptions(**for_lexical) if "lexical" in methods else None,
        semantic=SemanticOptions(**for_semantic) if "semantic" in methods else None,
        against=tuple(str(Path(path).resolve()) for path in arguments.against),
    )
