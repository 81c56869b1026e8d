"""Instruction-following difficulty: what a question does for the likelihood of its answer."""

import numpy as np
import numpy.typing as npt

from quality.model_scores.perplexity import perplexity

Floats = npt.NDArray[np.float64]


def ifd(given: Floats, alone: Floats, tokens: Floats) -> Floats:
    """Return the perplexity of an answer after its question, over that of the answer alone.

    Near 0: the question gives the answer away (a copy, a fixed label). Near 1: it hardly helps.
    From 1 on it misleads, which in the papers means that the two do not belong together: they
    drop those rows and take the *highest* of the rest. The value rises with the length of the
    answer, as a question says more of the first words than of the hundredth; see
    `length_residual`.

    Args:
        given: negative log-likelihood of the answer's tokens after the question, in nats.
        alone: the same without the question.
        tokens: number of these tokens.

    Returns:
        Float64 above 0; NaN where an argument is NaN or there is no token.

    Source:
        Li et al. 2023 (Cherry), https://arxiv.org/abs/2308.12032, and Li et al. 2024
        (Superfiltering), https://arxiv.org/abs/2402.00530. Differs: question and answer are cut
        into tokens apart, so that both sides of the ratio are about the same tokens, the first one
        included.

    Example:
        >>> ifd(np.array([2.0, 9.0]), np.array([4.0, 9.0]), np.array([2.0, 3.0])).round(3).tolist()
        [0.368, 1.0]
    """
    return perplexity(given - alone, tokens)
