"""How well an answer is made, whatever it says."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words

#: Words after which length gives no more.
_FULL_WORDS = 400
_EXPLAINS = (
    r"(?i)\b(?:because|since|therefore|thus|hence|so that|in order to|due to|as a result|"
    r"for example|"
    r"for instance|such as|including|which means|this means|however|in addition|also|"
    r"weil|da|daher|deshalb|denn|damit|somit|sodass|zum beispiel|z\. ?b\.|wie etwa|allerdings|"
    r"jedoch|außerdem|das bedeutet)\b"
)
_OPENS_WELL = r"^\s*[\p{Lu}\p{Lo}\p{N}\"“„«'‘`(\[<*#$€£+|¿¡-]"
_ENDS_WELL = r"[.!?…。！？؟।)\]}>\"”“»`*|%][\s]*$"
_LIST = r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s"
_BLANKS = r"_{3,}|\[(?:insert|your|name|company|date|X)[^\]]*\]|\bXX+\b"
_WEIGHTS = {"length": 0.55, "layout": 0.25, "explains": 0.1, "edges": 0.1}


def craft(rows: pl.DataFrame) -> pl.Series:
    r"""Rate the length, layout, explanation and edges of the output.

    A weighted mean of four parts in 0..1: `length`, logarithmic, full at 400 words; `layout`,
    paragraphs or a list with an introduction; `explains`, up to three connectives such as
    "because"; `edges`, a capital or sign at the start and a mark at the end. A blank to be filled
    in ("____") takes a tenth off.

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
        [0.28, 0.06, 0.0]
    """
    answer = pl.col("output").fill_null("").str.strip_chars()
    words = count_words(answer).cast(pl.Float64)
    ratio = words.clip(upper_bound=_FULL_WORDS).log1p() / pl.lit(_FULL_WORDS + 1).log()
    has_list = answer.str.count_matches(_LIST) >= 2
    paragraphs = answer.str.contains(r"\n\s*\n")
    introduced = answer.str.contains(r"^[^\n]*[:.]\s*\n")
    layout = (paragraphs.cast(pl.Float64) + (has_list | introduced).cast(pl.Float64)) / 2
    explains = answer.str.count_matches(_EXPLAINS).clip(upper_bound=3) / 3
    edges = (answer.str.contains(_OPENS_WELL) & answer.str.contains(_ENDS_WELL)).cast(pl.Float64)
    parts = {"length": ratio, "layout": layout, "explains": explains, "edges": edges}
    total = pl.sum_horizontal(*[parts[name] * weight for name, weight in _WEIGHTS.items()])
    filled = pl.when(answer.str.contains(_BLANKS)).then(total * 0.9).otherwise(total)
    return measure(rows, "craft", pl.when(words > 0).then(filled).otherwise(0.0))
