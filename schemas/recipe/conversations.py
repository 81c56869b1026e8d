"""How the conversations of a source are cleaned, and cut to what a model can read."""

from typing import Annotated, Final, Literal

from pydantic import Field, PositiveInt, StringConstraints

from schemas.recipe.base import Options

Phrase = Annotated[str, StringConstraints(pattern=r"\w")]

#: The makers of a chat service, and what its page said in place of an answer.
BLOCKED: Final = (
    "openai",
    "chatgpt",
    "too many requests in 1 hour",
    "our systems are a bit busy at the moment",
    "you've reached the current usage cap",
    "if this issue persists please contact us",
    "the server had an error while processing your request",
    "there was an error generating a response",
)


class RoundOptions(Options):
    """Conversations longer than a model reads become several rows, cut between rounds."""

    max_tokens: PositiveInt = Field(2048, description="tokens of a row, all turns")
    per_message: int = Field(6, ge=0, description="tokens that a template adds to each turn")
    tokenizer: str | None = Field(
        None, description="directory or Hub name; null: the embedded teacher's"
    )


class ConversationOptions(Options):
    """Cleaning of saved chats; whole conversations are left out, never single turns of one."""

    markdown: bool = Field(True, description="turns that are rendered HTML become Markdown")
    interface: bool = Field(
        True, description="counters, labels and code headers of a chat page are cut"
    )
    plugins: Literal["strip", "drop", "keep"] = Field(
        "strip", description="reports of tools: cut them, or leave out the conversation"
    )
    blocked: tuple[Phrase, ...] = Field(
        BLOCKED, description="phrases that take the whole conversation out; whole words, any case"
    )
    rounds: RoundOptions | None = Field(None, description="null: rows stay as long as they are")
