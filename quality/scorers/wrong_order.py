"""Lists that were to be sorted and are not."""

import re
from fractions import Fraction

import polars as pl

from quality.words import is_code

_SORTS = re.compile(
    r"(?i)^\W*(?:please |bitte )?(?:sort|arrange|order|organi[sz]e|put|rearrange|list|"
    r"alphabeti[sz]e|"
    r"rank|sortiere|ordne)\b[^:\n]*"
)
_ALPHABETIC = re.compile(r"(?i)alphabet")
_RISING = re.compile(
    r"(?i)\bascending|\bincreasing|\bnon[- ]?decreasing|(?:smallest|lowest|least) to (?:the "
    r")?(?:largest|highest|greatest|"
    r"biggest)|aufsteigend|kleinste[nr]? (?:bis )?zu[mr]? (?:größ|höch)"
)
_FALLING = re.compile(
    r"(?i)\bdescending|(?<!non)(?<!non-)(?<!non )\bdecreasing|\breverse|(?:largest|highest|"
    r"greatest|biggest) to (?:the )?"
    r"(?:smallest|lowest|least)|absteigend|umgekehrt|größte[nr]? (?:bis )?zu[mr]? klein"
)
#: Sorted by something that the words themselves do not show.
_BY = re.compile(
    r"(?i)\b(?:by|according|based on|length|size|date|year|price|population|age|nach (?!alphabet)|"
    r"chronolog\w*|last name|surname|nachname|absolute|sentences?|paragraph|python|program|"
    r"function|"
    r"code|vowels?|letters?|frequency)\b"
)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?$")
_EDGES = re.compile(r"^[\s\"'“”„.:\[\](){}*•]*(?:- )?|[\s\"'“”.:\[\](){}*•]*$")
_SEPARATOR = re.compile(r"\s*(?:[,;\n]|\band\b|\bund\b)\s*")
_MIN_ITEMS, _MAX_ITEMS, _MAX_ITEM_WORDS = 3, 60, 4


def expected_order(instruction: str, given: str = "") -> list[str] | None:
    """Return the items of a list in the order the task asks for, null for any other task.

    Example:
        >>> expected_order("Sort alphabetically: pear, fig, apple")
        ['apple', 'fig', 'pear']
    """
    task = _SORTS.match(instruction)
    if task is None or _BY.search(task[0]):
        return None
    falls, alphabetic = bool(_FALLING.search(task[0])), bool(_ALPHABETIC.search(task[0]))
    if not (falls or alphabetic or _RISING.search(task[0])):
        return None
    listed = given if given.strip() else instruction[task.end() :]
    items = [_EDGES.sub("", item) for item in _SEPARATOR.split(listed)]
    items = [item for item in items if item]
    words = max((len(item.split()) for item in items), default=0)
    if not _MIN_ITEMS <= len(items) <= _MAX_ITEMS or words > _MAX_ITEM_WORDS:
        return None
    return _sorted(items, alphabetic=alphabetic, falls=falls)


def _sorted(items: list[str], *, alphabetic: bool, falls: bool) -> list[str] | None:
    numeric = all(_NUMBER.match(item) for item in items)
    if numeric is alphabetic:
        return None
    if numeric:
        return sorted(items, key=Fraction, reverse=falls)
    return sorted(items, key=str.casefold, reverse=falls)


def holds_order(answer: str, items: list[str]) -> bool | None:
    """Say whether the items stand in a text in this order; null where one is missing."""
    text, at = answer.casefold(), 0
    patterns = [
        re.compile(rf"(?<![\w.-]){re.escape(item.casefold())}(?!\w|\.\d)") for item in items
    ]
    if not all(pattern.search(text) for pattern in patterns):
        return None
    for pattern in patterns:
        found = pattern.search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def wrong_order(rows: pl.DataFrame) -> pl.Series:
    """Say whether a list that was to be sorted stands in another order.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 1.0 wrong, 0.0 right; null where no plain list of 3 to 60 words or numbers is to be
        sorted by alphabet or size, for code, and where the output lacks one of the items.

    Source:
        Suzgun et al. 2022 (BIG-Bench Hard), https://arxiv.org/abs/2210.09261, word sorting: models
        that answer at once often fail. Differs: the list is read from free text.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Sort alphabetically."] * 2,
        ...     "input": "pear, fig, apple", "output": ["apple, fig, pear", "fig, apple, pear"]})
        >>> wrong_order(rows).to_list()
        [0.0, 1.0]
    """
    columns = [rows[name].fill_null("") for name in ("instruction", "input", "output")]
    suspects = columns[0].str.contains(r"(?i)alphabet|scending|creasing|reverse| to |steigend|zu")
    suspects &= ~rows.select(is_code(pl.col("output"))).to_series()
    scores = [
        _rate(task, given, answer) if suspect else None
        for task, given, answer, suspect in zip(*columns, suspects, strict=True)
    ]
    return pl.Series("wrong_order", scores, dtype=pl.Float64)


def _rate(task: str, given: str, answer: str) -> float | None:
    items = expected_order(task, given)
    right = None if items is None else holds_order(answer, items)
    return None if right is None else float(not right)
