"""A local causal language model: what it is loaded from, how it reads a chat, what it expects."""

from flows.language_model.chat import Chat, Spelled
from flows.language_model.loading import LoadedModel, load_language_model
from flows.language_model.losses import AnswerLoss, LanguageModel

__all__ = [
    "AnswerLoss",
    "Chat",
    "LanguageModel",
    "LoadedModel",
    "Spelled",
    "load_language_model",
]
