"""The naive Bayes model of py3langid, run over many texts at once."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

#: Texts walked side by side: enough to fill the arrays, few enough to stay in some 50 MB.
_CHUNK = 2048
#: Texts whose weights are summed at once.
_ROWS = 256


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The automaton that finds byte n-grams, and what each says about a language.

    Attributes:
        moves: next state by `bases[state] + byte`.
        bases: where the moves of a state begin.
        found: n-gram that a state completes, -1 for none.
        weights: Float32, log-likelihood of n-gram (line) by language (column).
        priors: log prior of every language.
        codes: ISO 639-1 code of every column.
    """

    moves: npt.NDArray[np.uint32]
    bases: Integers
    found: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    priors: Floats
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The likeliest language of a text and its probability, 0..1."""

    code: str
    confidence: float


@cache
def _read_model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)


@cache
def load_model(languages: tuple[str, ...]) -> LanguageModel:
    """Read the model that py3langid brings, cut to some languages.

    Args:
        languages: ISO 639-1 codes that the model knows.
    """
    identifier = _read_model()
    columns = [identifier.nb_classes.index(code) for code in languages]
    return LanguageModel(
        moves=np.frombuffer(identifier.tk_nextmove, dtype=np.uint32),
        bases=np.asarray(identifier.tk_row, dtype=np.int64) << 8,
        found=np.asarray(identifier.tk_output, dtype=np.int32),
        weights=np.asarray(identifier.nb_ptc[:, columns], dtype=np.float32),
        priors=np.asarray(identifier.nb_pc[columns], dtype=np.float64),
        codes=languages,
    )


def classify(texts: Sequence[str], model: LanguageModel) -> list[Verdict]:
    """Name the likeliest language of every text.

    Args:
        texts: texts of a few hundred characters; the time grows with their sum.
        model: as `load_model` returns it.

    Returns:
        One verdict a text; it does not depend on the other texts.

    Source:
        `LanguageIdentifier.classify` of py3langid 0.4, https://github.com/adbar/py3langid. Differs:
        many texts walk the automaton side by side.

    Example:
        >>> model = load_model(("de", "en"))
        >>> [one.code for one in classify(["the dog and the cat", "der Hund und die Katze"], model)]
        ['en', 'de']
    """
    verdicts: list[Verdict] = []
    for start in range(0, len(texts), _CHUNK):
        verdicts += _classify_chunk(texts[start : start + _CHUNK], model)
    return verdicts


def _classify_chunk(texts: Sequence[str], model: LanguageModel) -> list[Verdict]:
    coded = [_encode(text) for text in texts]
    lengths = np.array([len(text) for text in coded], dtype=np.int64)
    scores = _score(_walk(coded, lengths, model), len(coded), model)
    # The temperature keeps the confidence of long texts comparable with that of short ones.
    scores /= np.sqrt(np.maximum(lengths, 1))[:, None]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    best = shares.argmax(axis=1)
    sure = shares[np.arange(len(coded)), best]
    return [Verdict(model.codes[at], float(share)) for at, share in zip(best, sure, strict=True)]


def _encode(text: str) -> bytes:
    lower = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", lower).encode("utf8", errors="surrogatepass")


def _walk(coded: Sequence[bytes], lengths: Integers, model: LanguageModel) -> Integers:
    """Return `row * n-grams + n-gram` of every n-gram found, in no order."""
    longest = int(lengths.max(initial=0))
    order = np.argsort(-lengths, kind="stable")
    table = np.zeros((longest, len(coded)), dtype=np.uint8)
    for column, row in enumerate(order):
        table[: lengths[row], column] = np.frombuffer(coded[row], dtype=np.uint8)
    active = np.searchsorted(-lengths[order], -np.arange(longest), side="left")
    states = np.zeros(len(coded), dtype=np.int64)
    hits = [np.empty(0, dtype=np.int64)]
    for line, count in zip(table, active, strict=True):
        states = model.moves[model.bases[states[:count]] + line[:count]].astype(np.int64)
        grams = model.found[states]
        there = np.flatnonzero(grams >= 0)
        hits.append(order[there] * len(model.weights) + grams[there])
    return np.concatenate(hits)


def _score(hits: Integers, height: int, model: LanguageModel) -> Floats:
    """Return the log posterior of every language (column) for every text (line)."""
    scores = np.zeros((height, len(model.priors)))
    keys, counts = np.unique(hits, return_counts=True)
    rows, grams = np.divmod(keys, len(model.weights))
    damped = np.log1p(counts, dtype=np.float32)[:, None]
    # Whole rows only: sums in parts would round differently beside other texts.
    edges = np.searchsorted(rows, np.arange(0, height + _ROWS, _ROWS))
    for start, stop in pairwise(edges):
        if start == stop:
            continue
        said = model.weights[grams[start:stop]] * damped[start:stop]
        firsts = np.flatnonzero(np.diff(rows[start:stop], prepend=-1))
        scores[rows[start:stop][firsts]] = np.add.reduceat(said, firsts, axis=0) + model.priors
    return scores
