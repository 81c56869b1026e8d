"""What a language model makes of answers: the negative log-likelihood of their tokens."""

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from flows.language_model.chat import Chat, Spelled
from flows.language_model.loading import LoadedModel
from flows.language_model.memory import LossMemory
from flows.progress import Progress

#: Longer conversations abstain: one of 8,192 tokens costs as much as a hundred ordinary ones.
MAX_TOKENS: Final = 2_048
# Larger batches are no faster on a CPU.
_TOKENS_PER_BATCH: Final = 1_024
# Logits turned into probabilities at once: 256 * 49,152 float32 = 50 MB.
_CHUNK: Final = 256
_DECIMALS: Final = 4
# Of the way a loss is computed; another one does not believe what an older one wrote.
_VERSION: Final = 1


class AnswerLoss(NamedTuple):
    """How unlikely an answer is to the model.

    Attributes:
        nats: negative log-likelihood of its tokens together, natural logarithm, to four decimals.
        tokens: how many they are.
    """

    nats: float
    tokens: int


class LanguageModel:
    """Reads answers, each different one once, and remembers what it read in a file.

    A batch holds texts of one token count only, so nothing is padded: alone or in a batch, a text
    had the same loss to the last bit where this was measured. Another number of threads moves the
    fifth digit of a probability. What all chats begin with is read once.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        folder: Path,
        *,
        max_tokens: int = MAX_TOKENS,
        progress: Progress | None = None,
    ) -> None:
        """Prepare to read.

        Args:
            loaded: the model.
            folder: directory of `losses-1-<fingerprint>.sqlite`, so that a run that was killed does
                not read again what it had read.
            max_tokens: longest text that is read, question and answer, in tokens; at most the
                model's own limit.
            progress: where the bar is shown.
        """
        self.chat = Chat(loaded.tokenizer, loaded.name)
        self._model: Any = loaded.model
        limit = getattr(loaded.model.config, "max_position_embeddings", None) or max_tokens
        self._max_tokens = min(max_tokens, limit)
        self._memory = LossMemory(folder / f"losses-{_VERSION}-{loaded.fingerprint[:16]}.sqlite")
        self._progress = progress or Progress()
        self._head_state: Any = None

    def read(self, texts: Sequence[Spelled | None]) -> list[AnswerLoss | None]:
        """Return the loss of each answer after its context.

        Args:
            texts: spelled answers.

        Returns:
            One loss per text; None where the text is None, longer than the limit, has no answer,
            or the model gives no number.
        """
        fitting = [text if self._fits(text) else None for text in texts]
        wanted = {text for text in fitting if text is not None}
        known = self._memory.recall(wanted)
        missing = sorted(
            wanted - known.keys(), key=lambda text: (_length(text), self._has_head(text), text)
        )
        bar = self._progress.start("language model", len(missing))
        for batch in self._batches(missing):
            losses = zip(batch, self._read_batch(batch), strict=True)
            found = {text: nats for text, nats in losses if math.isfinite(nats)}
            self._memory.keep(found)
            known |= found
            for _ in batch:
                bar.advance()
        return [
            AnswerLoss(known[text], len(text.answer))
            if text is not None and text in known
            else None
            for text in fitting
        ]

    def _fits(self, text: Spelled | None) -> bool:
        return (
            text is not None
            and len(text.answer) > 0
            and len(text.context) + len(text.answer) <= self._max_tokens
        )

    def _batches(self, texts: Sequence[Spelled]) -> Iterator[list[Spelled]]:
        """Cut sorted texts into batches of one length that all or none begin with the head."""
        for (length, _), group in groupby(
            texts, lambda text: (_length(text), self._has_head(text))
        ):
            size = max(1, _TOKENS_PER_BATCH // length)
            same = list(group)
            for start in range(0, len(same), size):
                yield same[start : start + size]

    def _read_batch(self, batch: Sequence[Spelled]) -> list[float]:
        import torch

        skipped = len(self.chat.head) if self._has_head(batch[0]) else 0
        tokens = torch.tensor([(text.context + text.answer)[skipped:] for text in batch])
        longest = max(len(text.answer) for text in batch)
        with torch.inference_mode():
            logits = self._model(
                tokens,
                past_key_values=self._read_head(len(batch)) if skipped else None,
                # The last token of the context foretells the first of the answer.
                logits_to_keep=longest + 1,
            ).logits
            return [
                round(
                    _negative_log_likelihood(of_text[-len(text.answer) - 1 : -1], text), _DECIMALS
                )
                for of_text, text in zip(logits, batch, strict=True)
            ]

    def _has_head(self, text: Spelled) -> bool:
        head = self.chat.head
        return 1 < len(head) < len(text.context) and text.context[: len(head)] == head

    def _read_head(self, n_texts: int) -> Any:  # noqa: ANN401 - transformers has no types
        """Return what the model remembers of the head, once for each text of a batch."""
        import torch

        if self._head_state is None:
            tokens = torch.tensor([self.chat.head])
            self._head_state = self._model(tokens, use_cache=True, logits_to_keep=1).past_key_values
        # Reading on writes into it.
        state = copy.deepcopy(self._head_state)
        state.batch_repeat_interleave(n_texts)
        return state


def _length(text: Spelled) -> int:
    return len(text.context) + len(text.answer)


def _negative_log_likelihood(logits: Any, text: Spelled) -> float:  # noqa: ANN401
    """Add up what each token of the answer costs, in float64.

    Args:
        logits: float32 tensor, shape (tokens of the answer, vocabulary).
        text: whose answer it is.
    """
    import torch

    total = 0.0
    answer = torch.tensor(text.answer)
    for start in range(0, len(answer), _CHUNK):
        part = logits[start : start + _CHUNK]
        foretold = part.gather(1, answer[start : start + _CHUNK, None])[:, 0]
        total += float((part.logsumexp(dim=1) - foretold).double().sum())
    return total
