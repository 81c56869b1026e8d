"""How long rows are, in tokens."""

import polars as pl
from tokenizers import Tokenizer

from flows.encoders.sentence import embedded_model_path

_BATCH = 4_096


def count_tokens(rows: pl.DataFrame) -> pl.Series:
    """Count the tokens of all turns of each row, system turns too, in the embedded encoder's.

    They are word pieces of an English vocabulary of 30,522: a German text takes about twice as
    many as its English original, and no model's own count is met exactly.

    Args:
        rows: frame with `messages` as in ROWS.

    Returns:
        Int64 series `tokens`, never null; templates and special tokens are not counted.

    Raises:
        InputError: if the embedded encoder is not installed.
    """
    tokenizer = Tokenizer.from_file(str(embedded_model_path() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = rows.select(
        pl.col("messages")
        .list.eval(pl.element().struct.field("content"))
        .list.join("\n", ignore_nulls=True)
        .fill_null("")
    ).to_series()
    counts: list[int] = []
    for start in range(0, texts.len(), _BATCH):
        batch = texts.slice(start, _BATCH).to_list()
        found = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        counts += [len(encoding) for encoding in found]
    return pl.Series("tokens", counts, dtype=pl.Int64)
