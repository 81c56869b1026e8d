"""Cuts rows into the tokens that a trainer would see."""

from collections.abc import Iterator

import polars as pl

from flows.language_model.chat import Chat
from flows.language_model.loading import load_tokenizer
from flows.teachers.embedded import MODEL
from quality.truncation import make_answers


def measure_answers(rows: pl.DataFrame, tokenizer: str | None = None) -> pl.DataFrame:
    """Return how many tokens are before and in each answer of rows.

    Each row is laid out by the model's chat template. An answer counts with one more token, which
    ends its turn: a model learns when to stop from it.

    Args:
        rows: frame with `id` and `messages`, as in ROWS.
        tokenizer: directory of a tokenizer, or its name on the Hub; None for SmolLM2's.

    Returns:
        ANSWERS, of the module `quality.truncation`.

    Raises:
        InputError: if there is no such tokenizer.
    """
    chat = Chat(load_tokenizer(tokenizer), tokenizer or MODEL)
    return make_answers(_spans(rows, chat))


def _spans(rows: pl.DataFrame, chat: Chat) -> Iterator[tuple[str, int, int | None, int]]:
    for row_id, turns in rows.select("id", "messages").iter_rows():
        for place, turn in enumerate(turns):
            if turn["role"] != "assistant":
                continue
            spelled = chat.spell(turns[:place], turn["content"])
            if spelled is None:
                yield row_id, place, None, 0
            else:
                yield row_id, place, len(spelled.context), len(spelled.answer) + 1
