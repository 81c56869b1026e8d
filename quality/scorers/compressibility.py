"""How much of the answer a compressor can save."""

import zlib

import polars as pl

_MIN_BYTES = 100
#: Raw deflate: no header or checksum, which would dominate short texts.
_RAW_DEFLATE = -15


def compressibility(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output's bytes that deflate saves.

    Rises with length: a paragraph of prose gives about 0.4, a loop more than 0.8. Catches what
    word n-grams cannot, such as "hahahaha" or unspaced scripts.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null below 100 bytes of UTF-8.

    Source:
        Data-quality folklore, e.g. the gzip filter of Kaddour 2023 (MiniPile),
        https://arxiv.org/abs/2304.08442. Differs: raw deflate, null for short texts.

    Example:
        >>> compressibility(pl.DataFrame({"output": ["ha" * 500, "short"]})).round(2).to_list()
        [0.99, None]
    """
    shares = [_saved_share(text) for text in rows["output"].fill_null("")]
    return pl.Series("compressibility", shares, dtype=pl.Float64)


def _saved_share(text: str) -> float | None:
    raw = text.encode()
    if len(raw) < _MIN_BYTES:
        return None
    packed = zlib.compress(raw, level=6, wbits=_RAW_DEFLATE)
    return max(0.0, 1 - len(packed) / len(raw))
