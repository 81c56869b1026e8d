"""How much a model is surprised by an answer."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def perplexity(nats: Floats, tokens: Floats) -> Floats:
    """Return the inverse geometric mean of the probabilities of an answer's tokens.

    Args:
        nats: negative log-likelihood of all tokens of an answer, natural logarithm; NaN where the
            model did not read it.
        tokens: number of these tokens.

    Returns:
        Float64 of at least 1, `exp(nats / tokens)`; NaN where `nats` is NaN or there is no token.

    Source:
        Jelinek et al. 1977; as a filter of training data Wenzek et al. 2019 (CCNet),
        https://arxiv.org/abs/1911.00359. Differs: of the answer given its question.

    Example:
        >>> perplexity(np.array([0.0, np.log(8), 1.0]), np.array([4.0, 3.0, 0.0])).round(6).tolist()
        [1.0, 2.0, nan]
    """
    mean = np.divide(nats, tokens, out=np.full(len(nats), np.nan), where=tokens > 0)
    surprise: Floats = np.exp(mean)
    return surprise
