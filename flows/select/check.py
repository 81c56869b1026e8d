"""What can be wrong with a recipe's wishes for the selection, said before anything runs."""

import difflib

from quality.select.categories import CATEGORIES
from schemas.errors import InputError
from schemas.recipe import SelectOptions

#: Columns that quotas may go by.
PER = ("category", "topic", "source")
# Shares that add up to 1 in decimal may exceed it by this in binary.
_SLACK = 1e-9


def check_select(options: SelectOptions) -> None:
    """Check what the fields of `select` say together.

    Args:
        options: of a recipe.

    Raises:
        InputError: for a column that quotas cannot go by, a category that does not exist, or
            shares of more than the whole.
    """
    if options.per not in PER:
        msg = f"select.per: expected one of {', '.join(PER)}, got {options.per!r}: correct it"
        raise InputError(msg)
    _check_mix(options)
    if options.quotas is None or options.quotas == "keep":
        return
    total = sum(options.quotas.values())
    if total > 1 + _SLACK:
        msg = f"select.quotas: expected shares of 1 together at most, got {total:g}: lower some"
        raise InputError(msg)
    if options.per != "category":
        return
    for name in options.quotas:
        if name not in CATEGORIES:
            near = difflib.get_close_matches(name, CATEGORIES, n=1, cutoff=0.5)
            expected = repr(near[0]) if near else f"one of {', '.join(CATEGORIES)}"
            msg = f"select.quotas: expected {expected}, got {name!r}: correct it"
            raise InputError(msg)


def _check_mix(options: SelectOptions) -> None:
    """The budget of a mix is in its own unit, and without quotas there is none."""
    by_tokens = options.unit == "tokens"
    if options.quotas is None and (by_tokens or options.when_short != "fill"):
        msg = "select: expected `quotas` beside `unit` or `when_short`, got none: name some"
        raise InputError(msg)
    other = options.max_rows if by_tokens else options.max_tokens
    if options.is_mix and other is not None:
        right, wrong = ("max_tokens", "max_rows") if by_tokens else ("max_rows", "max_tokens")
        msg = f"select: expected {right} for quotas of {options.unit}, got {wrong}: use {right}"
        raise InputError(msg)
