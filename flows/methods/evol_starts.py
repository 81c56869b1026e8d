"""The tasks that evolution starts from: seeds, or rows that stand before it in the recipe."""

from typing import NamedTuple

import polars as pl

from flows.methods.base import Kit
from flows.seeds import fits, load_seeds
from schemas.errors import InputError
from schemas.recipe.generators.evol_instruct import EvolInstructOptions


class Start(NamedTuple):
    """A task that is evolved: a seed, a row, or what the step before made of one."""

    id: str
    instruction: str
    input: str


def read_seeds(kit: Kit, options: EvolInstructOptions) -> list[Start]:
    """Return the seeds; of the built-in ones, those of the profile where the recipe names none.

    Raises:
        InputError: if a line is no seed task, or none fits.
    """
    wanted = options.categories
    if wanted is None and options.seeds == "builtin":
        wanted = kit.profile.categories
    seeds = load_seeds(kit.session, options)
    return [Start(seed.id, seed.instruction, seed.input) for seed in seeds if fits(seed, wanted)]


def read_rows(kit: Kit, options: EvolInstructOptions) -> list[Start]:
    """Return the single exchanges of a source or generator that stands before this one.

    Raises:
        InputError: if there are none.
    """
    earlier = kit.earlier()
    is_user = pl.element().struct.field("role") == "user"
    rows = earlier.filter(
        pl.col("source") == options.over,
        pl.col("messages").list.eval(is_user).list.sum() == 1,
        pl.col("instruction") != "",
    )
    if rows.is_empty():
        known = ", ".join(sorted(map(repr, earlier["source"].unique()))) or "no rows at all"
        msg = (
            f"expected rows of one question each from {options.over!r} in 'over' of generator "
            f"{kit.name!r}, got none of {known}: name a source or a generator that stands before "
            "it in the recipe"
        )
        raise InputError(msg)
    return [Start(*row) for row in rows.select("id", "instruction", "input").iter_rows()]
