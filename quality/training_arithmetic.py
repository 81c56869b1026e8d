"""The arithmetic of training a model of a given size: tokens, compute, epochs, and a known fit."""

import math
from typing import Final, NamedTuple

#: Training tokens for each parameter at which a budget of compute is spent best.
TOKENS_PER_PARAMETER: Final = 20
#: Floating-point operations for each parameter and token: two forwards, four backwards.
FLOPS_PER_PARAMETER_TOKEN: Final = 6
#: Epochs up to which repeated tokens are worth nearly as much as new ones.
MOST_EPOCHS: Final = 4
#: Repetitions after which the worth of one more has fallen to 1/e.
REPETITION_DECAY: Final = 15.387756
_FIT_COMPUTE: Final = 5.984e22
_FIT_EXPONENT: Final = -0.0737
_FIT_FLOOR: Final = 0.5066


class Training(NamedTuple):
    """What it takes to train a model on 20 tokens a parameter.

    Attributes:
        parameters: of the model.
        tokens: that it is trained on, repeated ones among them.
        flops: floating-point operations of the training.
        pile_loss: what the published fit gives for that compute, in nats a token of the Pile.
        unique_tokens: of the dataset; null where they are not known.
        epochs: passes over the dataset; null likewise.
        effective_tokens: new tokens that these passes are worth; null likewise.
        is_repeated_too_often: whether there are more than four passes.
        hours: of training at a stated speed; null where none is stated.
    """

    parameters: float
    tokens: float
    flops: float
    pile_loss: float
    unique_tokens: float | None = None
    epochs: float | None = None
    effective_tokens: float | None = None
    is_repeated_too_often: bool = False
    hours: float | None = None


def plan_training(
    parameters: float,
    *,
    unique_tokens: float | None = None,
    flops_per_second: float | None = None,
) -> Training:
    """Return what training a model compute-optimally takes.

    Args:
        parameters: of the model, above 0.
        unique_tokens: of the dataset; null or 0 where they are not known.
        flops_per_second: that the hardware really does, all devices together; null: unknown.

    Raises:
        ValueError: if a number is negative, or `parameters` is 0.

    Source:
        20 tokens a parameter and 6 operations: Hoffmann et al. 2022, https://arxiv.org/abs/2203.15556,
        as used by Cerebras-GPT, Dey et al. 2023, https://arxiv.org/abs/2304.03208. Differs:
        operations of attention are left out.

    Example:
        >>> found = plan_training(111e6, unique_tokens=1e9)
        >>> found.tokens, found.epochs, found.is_repeated_too_often
        (2220000000.0, 2.22, False)
    """
    if parameters <= 0 or (unique_tokens or 0) < 0 or (flops_per_second or 0) < 0:
        msg = f"expected numbers above 0, got {(parameters, unique_tokens, flops_per_second)}"
        raise ValueError(msg)
    tokens = TOKENS_PER_PARAMETER * parameters
    flops = FLOPS_PER_PARAMETER_TOKEN * parameters * tokens
    epochs = tokens / unique_tokens if unique_tokens else None
    return Training(
        parameters,
        tokens,
        flops,
        pile_loss(flops),
        unique_tokens or None,
        epochs,
        effective_tokens(tokens, unique_tokens) if unique_tokens else None,
        epochs is not None and epochs > MOST_EPOCHS,
        flops / flops_per_second / 3600 if flops_per_second else None,
    )


def pile_loss(flops: float) -> float:
    """Return the loss on the Pile of a model that was trained on it compute-optimally, in nats.

    It is a fit for pre-training from scratch with 20 tokens a parameter, made on models of 111M
    to 6.7B parameters. It says nothing about fine-tuning, other text or another vocabulary.

    Args:
        flops: of the training, above 0.

    Source:
        Cerebras-GPT, Dey et al. 2023, https://arxiv.org/abs/2304.03208.

    Example:
        >>> round(pile_loss(2.3e22), 3)
        1.58
    """
    return float((flops / _FIT_COMPUTE) ** _FIT_EXPONENT + _FIT_FLOOR)


def effective_tokens(tokens: float, unique_tokens: float) -> float:
    """Return how many new tokens are worth as much as these, of which many are repeated.

    U + U · R* · (1 − exp(−R / R*)), with U unique tokens, R passes after the first, R* = 15.39.

    Args:
        tokens: trained on in all.
        unique_tokens: among them, above 0.

    Returns:
        At most `tokens`, and less than 16.4 times the unique ones.

    Source:
        Muennighoff et al. 2023, https://arxiv.org/abs/2305.16264, equation 5.

    Example:
        >>> round(effective_tokens(4e9, 1e9) / 1e9, 2)
        3.73
    """
    unique = min(unique_tokens, tokens)
    repetitions = tokens / unique - 1
    # expm1: for few repetitions 1 - exp(-x) would lose most of its digits.
    worth = -REPETITION_DECAY * math.expm1(-repetitions / REPETITION_DECAY)
    return float(min(unique + unique * worth, tokens))
