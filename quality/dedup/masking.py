"""Takes a recipe's templates out of texts, so that shared boilerplate does not count."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import xxhash

from quality.dedup.kernels import Hashes

_SLOT = re.compile(r"\{[^{}]*\}")


class Masked(NamedTuple):
    """Texts without their template.

    Attributes:
        texts: what stood in the slots, one a line; the whole text where no template fits.
        salts: uint64, shape (n,): which template, 0 for none. Only rows of the same template are
            compared: the same slot in two templates is two tasks.
    """

    texts: pl.Series
    salts: Hashes


def mask_templates(texts: pl.Series, templates: Sequence[str]) -> Masked:
    """Cut texts down to what fills the slots of the first template that fits.

    Args:
        texts: String series.
        templates: texts with slots in braces, such as "Translate into {language}: {text}". White
            space around a text does not matter, case and everything else does.

    Returns:
        The masked texts. A text whose slots are all empty stays whole.

    Example:
        >>> mask_templates(pl.Series(["Sum up: a b", "a b"]), ["Sum up: {text}"]).texts.to_list()
        ['a b', 'a b']
    """
    salts = np.zeros(texts.len(), dtype=np.uint64)
    for template in templates:
        parts = [re.escape(part) for part in _SLOT.split(template.strip())]
        pattern = r"(?s)\A\s*" + "(.*?)".join(parts) + r"\s*\z"
        slots = "\n".join(f"${{{number + 1}}}" for number in range(len(parts) - 1))
        filled = texts.str.replace(pattern, slots)
        fits = texts.str.contains(pattern) & (filled.str.strip_chars() != "")
        fits &= pl.Series(salts == 0)
        texts = pl.select(pl.when(fits).then(filled).otherwise(texts)).to_series()
        salts[fits.to_numpy()] = np.uint64(xxhash.xxh64_intdigest(template.encode()) | 1)
    return Masked(texts, salts)
