"""Spells conversations in a model's tokens; the text of rows is text and never a control token."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from jinja2 import TemplateError

from quality.formats.parse import Message
from quality.loss_mask import Piece
from schemas.errors import InputError

#: Private-use characters around a number stand for a turn while the template is laid out.
_MARK: Final = re.compile("\ue000(\\d+)\ue001")
#: Some templates name the day; the same rows must give the same tokens tomorrow.
_SAME_DAY: Final = "{%- macro strftime_now(form) -%}2026-01-01{%- endmacro -%}"

Tokens: TypeAlias = tuple[int, ...]
Roles: TypeAlias = tuple[str, ...]


class Spelled(NamedTuple):
    """An answer and what is before it, in tokens.

    Attributes:
        context: token numbers before the answer, at least one.
        answer: token numbers of the answer, without an end-of-turn token.
    """

    context: Tokens
    answer: Tokens


class Chat:
    """Lays out conversations as a model was trained to read them.

    With the model's chat template where it has one. A model without gets each turn on a line of
    its own, after the token that its texts begin with.

    The template is laid out around marks, and each turn is cut into tokens by itself: so an
    `<|im_end|>` in a row is ten harmless characters, and an answer has the same tokens whatever
    is before it.

    Attributes:
        head: what every chat without a system turn begins with.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:  # noqa: ANN401 - transformers has no types
        """Read the tokenizer.

        Args:
            tokenizer: a fast tokenizer of transformers.
            name: of the model, for errors.

        Raises:
            InputError: if the tokenizer has no token for a text to begin with, or the template
                refuses a single question.
        """
        self._tokenizer = tokenizer
        self._layouts: dict[Roles, list[int | Tokens] | None] = {}
        self._begin = self._find_begin(name)
        #: Tokens that end an answer: the template's first, then the end of sequence.
        self.ends: Tokens = self._find_ends()
        layout = self._layout(("user",))
        if layout is None:
            msg = (
                f"expected a chat template that takes a question, got {name!r}; give another model"
            )
            raise InputError(msg)
        self._lone_context = self._find_lone_context()
        self.head: Tokens = layout[0] if isinstance(layout[0], tuple) else ()

    def spell(self, before: Sequence[Message], answer: str) -> Spelled | None:
        """Spell an answer after the turns before it.

        Args:
            before: turns with `role` and `content`.
            answer: the assistant's next turn.

        Returns:
            Its tokens; None where there is nothing before it or the template refuses these turns.
        """
        layout = self._layout(tuple(turn["role"] for turn in before)) if before else None
        if layout is None:
            return None
        context: list[int] = []
        for piece in layout:
            context += self._cut(before[piece]["content"]) if isinstance(piece, int) else piece
        return Spelled(tuple(context), self._cut(answer))

    def spell_row(self, turns: Sequence[Message]) -> list[Piece] | None:
        """Spell a whole row, each answer with the token that ends its turn.

        Args:
            turns: all of them, with `role` and `content`.

        Returns:
            Its tokens in order; None where the template refuses these turns.
        """
        if self._tokenizer.chat_template is None:
            return self._spell_plainly(turns)
        roles = tuple(turn["role"] for turn in turns)
        try:
            text = self._apply_template(roles, add_generation_prompt=False)
        except TemplateError:
            return None
        pieces: list[Piece] = []
        for place, part in enumerate(_MARK.split(text)):
            if place % 2:
                turn = turns[int(part)]
                pieces.append(Piece(self._cut(turn["content"]), turn["role"] == "assistant"))
                continue
            tokens = self._cut_template(part)
            if pieces and pieces[-1].is_answer and tokens[:1] and tokens[0] in self.ends:
                pieces[-1] = Piece((*pieces[-1].tokens, tokens[0]), is_answer=True)
                tokens = tokens[1:]
            pieces.append(Piece(tokens, is_answer=False))
        return pieces

    def _spell_plainly(self, turns: Sequence[Message]) -> list[Piece]:
        pieces = [Piece(self._begin, is_answer=False)]
        for turn in turns:
            is_answer = turn["role"] == "assistant"
            end = self.ends[:1] if is_answer else ()
            pieces.append(Piece((*self._cut(turn["content"]), *end), is_answer))
            pieces.append(Piece(self._cut("\n"), is_answer=False))
        return pieces

    def _find_ends(self) -> Tokens:
        eos = self._tokenizer.eos_token_id
        return tuple(dict.fromkeys([*self._find_turn_end(), *([] if eos is None else [eos])]))

    def _find_turn_end(self) -> Tokens:
        """Return the token that the template puts behind an answer, if it is a control token."""
        if self._tokenizer.chat_template is None:
            return ()
        try:
            text = self._apply_template(("user", "assistant"), add_generation_prompt=False)
        except TemplateError:
            return ()
        behind = self._cut_template(_MARK.split(text)[-1])[:1]
        return behind if set(behind) & set(self._tokenizer.all_special_ids) else ()

    def spell_alone(self, answer: str) -> Spelled:
        """Spell an answer with nothing before it but the sign that an answer begins."""
        return Spelled(self._lone_context, self._cut(answer))

    def _layout(self, roles: Roles) -> list[int | Tokens] | None:
        """Return what is before an answer: tokens of the template, and the numbers of turns."""
        if roles not in self._layouts:
            self._layouts[roles] = self._make_layout(roles)
        return self._layouts[roles]

    def _make_layout(self, roles: Roles) -> list[int | Tokens] | None:
        if self._tokenizer.chat_template is None:
            newline = self._cut("\n")
            turns = [piece for turn in range(len(roles)) for piece in (turn, newline)]
            return [self._begin, *turns]
        try:
            text = self._apply_template(roles, add_generation_prompt=True)
        except TemplateError:
            return None
        # Every second piece is the number between two marks.
        return [
            int(piece) if place % 2 else self._cut_template(piece)
            for place, piece in enumerate(_MARK.split(text))
        ]

    def _apply_template(self, roles: Roles, *, add_generation_prompt: bool) -> str:
        turns = [
            {"role": role, "content": f"\ue000{turn}\ue001"} for turn, role in enumerate(roles)
        ]
        text = self._tokenizer.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            chat_template=_SAME_DAY + self._tokenizer.get_chat_template(),
        )
        return str(text)

    def _find_lone_context(self) -> Tokens:
        """Return the template's sign that an answer begins; where it has none, that a text does."""
        if self._tokenizer.chat_template is None:
            return self._begin
        before = self._apply_template(("user",), add_generation_prompt=False)
        whole = self._apply_template(("user",), add_generation_prompt=True)
        sign = self._cut_template(whole.removeprefix(before)) if whole.startswith(before) else ()
        return (*self._added_begin(), *sign) if sign else self._begin

    def _find_begin(self, name: str) -> Tokens:
        """Return the token that a text begins with: what is alone before an answer."""
        tokenizer = self._tokenizer
        possible = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        begin = next((token for token in possible if token is not None), None)
        if begin is None:
            msg = f"expected a tokenizer with a bos or eos token, got {name!r}; give another model"
            raise InputError(msg)
        return self._added_begin() or (begin,)

    def _added_begin(self) -> Tokens:
        """Return the token that the tokenizer puts before every text, if it does.

        Models trained with it say nothing sensible without.
        """
        with_begin: list[int] = self._tokenizer("")["input_ids"]
        return tuple(with_begin[:1]) if with_begin[:1] == [self._tokenizer.bos_token_id] else ()

    def _cut_template(self, text: str) -> Tokens:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _cut(self, text: str) -> Tokens:
        """Cut a text of a row: what looks like a control token is spelled out."""
        cut = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return tuple(cut["input_ids"])
