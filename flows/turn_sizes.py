"""How long the turns of conversations are, in tokens."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import polars as pl

from flows.language_model.loading import load_tokenizer
from schemas.recipe import RoundOptions

_BATCH: Final = 4_096


def turn_sizes(rows: pl.DataFrame, options: RoundOptions) -> Iterator[list[int]]:
    """Yield for each row the tokens of its turns, with what a template adds.

    Args:
        rows: with `messages`.
        options: which tokenizer, and how much a template adds to a turn.

    Raises:
        InputError: if there is no such tokenizer.
    """
    texts = rows["messages"].explode(empty_as_null=False).struct.field("content").to_list()
    counts: list[int] = []
    for start in range(0, len(texts), _BATCH):
        found = _tokenizer(options.tokenizer).encode_batch_fast(
            texts[start : start + _BATCH], add_special_tokens=False
        )
        counts += [len(encoding) + options.per_message for encoding in found]
    start = 0
    for length in rows["messages"].list.len():
        yield counts[start : start + length]
        start += length


@lru_cache(maxsize=2)
def _tokenizer(name: str | None) -> Any:  # noqa: ANN401  transformers has no types
    return load_tokenizer(name).backend_tokenizer


def tokenizer_rules(name: str) -> str:
    """Return the vocabulary and rules of a tokenizer, as text.

    Raises:
        InputError: if there is none of this name.
    """
    return str(_tokenizer(name).to_str())
