"""`filters: auto` of a recipe: filters proposed from its labelled files."""

from pathlib import Path

from flows.labels import read_labels
from flows.session import Session
from flows.tune.labelled import join_files, score_labels
from quality.tuning.auto import propose_filters
from quality.tuning.proposal import Proposal
from schemas.errors import InputError


def auto_filters(session: Session) -> Proposal:
    """Read the labelled files of a recipe and propose its filters.

    Args:
        session: a run whose recipe says `filters: auto`.

    Returns:
        The proposal; where the labels are too few, `message` says so and only the rules against
        damage are on.

    Raises:
        InputError: if the recipe names no labelled file, one cannot be read, or all hold pairs.
    """
    recipe = session.recipe
    if not recipe.labels:
        msg = (
            "expected labelled files in `labels` for `filters: auto`, got none in the recipe: "
            "name some, or list the filters"
        )
        raise InputError(msg)
    files = [score_labels(one) for one in read_labels(recipe.labels, Path(session.spec.base))]
    labelled = join_files(files)
    if labelled is None:
        names = ", ".join(one.labelled.name for one in files)
        msg = (
            f"expected labels or ratings for `filters: auto`, got only pairs in {names}: a pair "
            "does not say that its worse answer is a bad row; add rows with `label`"
        )
        raise InputError(msg)
    return propose_filters(labelled.rows, labelled.target, min_precision=recipe.min_precision)
