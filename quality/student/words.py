"""What the prompt and the answer say, as weighted n-grams of words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

#: Prompts tell the kind of task, so words suffice; in answers case, marks and line breaks count.
_PROMPT: Final[dict[str, Any]] = {"token_pattern": r"(?u)\b\w\w+\b", "ngram_range": (1, 2)}
_ANSWER: Final[dict[str, Any]] = {
    "token_pattern": r"\w+|[^\w\s]|\n",
    "ngram_range": (1, 3),
    "lowercase": False,
}
# An n-gram of one answer alone tells its row from all others and nothing else.
_MIN_ANSWERS = 2


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams of one side and their weights.

    Attributes:
        terms: n-grams, in the order of the columns.
        idf: float64, shape (terms,): logarithm of how rare each is, as scikit-learn smooths it.
    """

    terms: list[str]
    idf: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """Vocabularies of prompts and answers."""

    prompt: Vocabulary
    answer: Vocabulary

    def transform(self, rows: pl.DataFrame) -> csr_matrix:
        """Return unit-length rows for prompts beside unit-length rows for answers.

        Args:
            rows: frame with `instruction`, `input` and `output`.

        Returns:
            Sparse float64, shape (n, prompt terms + answer terms).
        """
        sides = [
            _transform(prompts(rows), self.prompt, _PROMPT),
            _transform(_answers(rows), self.answer, _ANSWER),
        ]
        return csr_matrix(hstack(sides))


def learn_words(rows: pl.DataFrame) -> Words:
    """Collect the n-grams of rows; labels play no part.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Source:
        scikit-learn's TfidfVectorizer with sublinear counts.
    """
    least = _MIN_ANSWERS if rows.height >= _MIN_ANSWERS * 10 else 1
    return Words(
        _learn(prompts(rows), _PROMPT, least=1), _learn(_answers(rows), _ANSWER, least=least)
    )


def prompts(rows: pl.DataFrame) -> list[str]:
    """Return the instruction and input of every row as one text."""
    texts = rows.select(
        pl.concat_str(
            pl.col("instruction").fill_null(""), pl.col("input").fill_null(""), separator="\n"
        )
    )
    return texts.to_series().to_list()


def _answers(rows: pl.DataFrame) -> list[str]:
    """Line breaks around an answer make its first and last words n-grams of their own."""
    texts = rows.select(pl.format("\n\n{}\n\n", pl.col("output").fill_null("")))
    return texts.to_series().to_list()


def _learn(texts: Sequence[str], options: dict[str, Any], *, least: int) -> Vocabulary:
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=least, **options)
    try:
        vectorizer.fit(texts)
    except ValueError:  # not one n-gram
        return Vocabulary([], np.zeros(0))
    return Vocabulary(list(vectorizer.get_feature_names_out()), vectorizer.idf_)


def _transform(texts: Sequence[str], vocabulary: Vocabulary, options: dict[str, Any]) -> csr_matrix:
    """Weigh the n-grams of texts with a vocabulary that was learned before."""
    if not vocabulary.terms:
        return csr_matrix((len(texts), 0))
    places = {term: place for place, term in enumerate(vocabulary.terms)}
    vectorizer = TfidfVectorizer(sublinear_tf=True, vocabulary=places, **options)
    vectorizer.idf_ = vocabulary.idf
    return csr_matrix(vectorizer.transform(texts))
