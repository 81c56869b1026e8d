"""How well an answer is made, whatever it says."""

import math

import polars as pl

from quality.scorers.measure import measure
from quality.words import terms

#: Different words, and breaks between paragraphs, after which more gives no more.
_FULL_WORDS, _FULL_BREAKS = 200, 4
_DIGITS = 9
_EXPLAINS = (
    r"(?i)\b(?:because|since|therefore|thus|hence|so that|in order to|due to|as a result|"
    r"for example|"
    r"for instance|such as|including|which means|this means|however|in addition|also|"
    r"weil|da|daher|deshalb|denn|damit|somit|sodass|zum beispiel|z\. ?b\.|wie etwa|allerdings|"
    r"jedoch|außerdem|das bedeutet)\b"
)
_OPENS_WELL = r"^\s*[\p{Lu}\p{Lo}\p{N}\"“„«'‘`(\[<*#$€£+|¿¡-]"
_ENDS_WELL = r"[.!?…。！？؟।)\]}>\"”“»`*|%][\s]*$"
_BLANKS = r"_{3,}|\[(?:insert|your|name|company|date|X)[^\]]*\]|\bXX+\b"
_WEIGHTS = {"words": 0.6, "paragraphs": 0.2, "lead": 0.1, "explains": 0.05, "edges": 0.05}


def craft(rows: pl.DataFrame) -> pl.Series:
    r"""Rate the wealth of words, layout, explanation and edges of the output.

    A weighted mean of five parts in 0..1: `words`, logarithmic, full at 200 different words, so
    that saying things twice gains nothing; `paragraphs`, full at four blank lines; `lead`, a first
    line that ends a sentence or announces what follows; `explains`, up to three connectives such
    as "because"; `edges`, a capital or sign at the start and a mark at the end. A blank to be
    filled in ("____") takes a tenth off.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; 0.0 for an empty output, never null.

    Source:
        What human revisers add, after Liu et al. 2024 (CoachLM), https://arxiv.org/abs/2311.13246.
        Differs: weights set by hand in round numbers, not learned.

    Example:
        >>> rows = pl.DataFrame({"output": ["Yes, because it rains.", "yes", ""]})
        >>> craft(rows).round(2).to_list()
        [0.25, 0.08, 0.0]
    """
    answer = pl.col("output").fill_null("").str.strip_chars()
    different = terms(answer).list.n_unique().cast(pl.Float64)
    words = different.clip(upper_bound=_FULL_WORDS).log1p() / math.log1p(_FULL_WORDS)
    breaks = answer.str.count_matches(r"\n\s*\n")
    parts = {
        "words": words,
        "paragraphs": breaks.clip(upper_bound=_FULL_BREAKS) / _FULL_BREAKS,
        "lead": answer.str.contains(r"^[^\n]*[:.]\s*\n"),
        "explains": answer.str.count_matches(_EXPLAINS).clip(upper_bound=3) / 3,
        "edges": answer.str.contains(_OPENS_WELL) & answer.str.contains(_ENDS_WELL),
    }
    total = pl.sum_horizontal(
        *[parts[name].cast(pl.Float64) * weight for name, weight in _WEIGHTS.items()]
    )
    has_blanks = answer.str.contains(_BLANKS)
    filled = total * pl.when(has_blanks).then(0.9).otherwise(1.0)
    # The last bits of a logarithm depend on how many rows are computed at once.
    score = pl.when(answer != "").then(filled).otherwise(0.0).round(_DIGITS)
    return measure(rows, "craft", score)
