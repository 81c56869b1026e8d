"""A chat template: what it puts around the words of a user."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flows.chat_templates.sandbox import FAULTS, render_template
from schemas.errors import InputError

Turn = Mapping[str, str]

#: Private-use characters: no template cuts, changes or looks for them.
_MARK: Final = "\ue000words\ue001"
_END_OF_TURN = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\]|\S[^\n]*)")


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A chat template and the tokens that it may write.

    Attributes:
        name: family or file, for errors.
        source: Jinja.
        bos: token that a text begins with, "" for none or where it is not known.
        eos: likewise, that a text ends with.
        writes_bos: whether `bos` is written; most servers add it themselves.
    """

    name: str
    source: str
    bos: str = ""
    eos: str = ""
    writes_bos: bool = False

    def head(self, turns: Sequence[Turn]) -> str:
        """Return a chat up to where the words of the user's next turn begin.

        A blank at the end is left to the model: tokenisers join it with the first word.

        Args:
            turns: the chat before; may begin with a system turn.

        Raises:
            InputError: if the template is broken, or has no place for these turns.
        """
        return self._around(turns)[0].rstrip(" ")

    def end_of_turn(self) -> str:
        """Return what closes a user's turn, "" where nothing does.

        Raises:
            InputError: as for `head`.
        """
        found = _END_OF_TURN.match(self._around([])[1])
        return found.group(1).strip() if found else ""

    def render(self, turns: Sequence[Turn], *, add_generation_prompt: bool = False) -> str:
        """Return a chat in the template's words.

        Args:
            turns: with `role` and `content`.
            add_generation_prompt: whether an assistant's turn is begun.

        Raises:
            InputError: if the template is broken, or refuses these turns.
        """
        try:
            return render_template(
                self.source,
                turns,
                tokens={"bos_token": self.bos if self.writes_bos else "", "eos_token": self.eos},
                add_generation_prompt=add_generation_prompt,
            )
        except FAULTS as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            roles = ", ".join(turn["role"] for turn in turns)
            msg = (
                f"expected a chat template that takes the turns {roles}, got {reason!r} from "
                f"{self.name}: correct it, or name another template"
            )
            raise InputError(msg) from error

    def _around(self, turns: Sequence[Turn]) -> tuple[str, str]:
        text = self.render([*turns, {"role": "user", "content": _MARK}])
        before, mark, after = text.partition(_MARK)
        lost = [turn["role"] for turn in turns if turn["content"].strip() not in before]
        if not mark or lost:
            msg = (
                f"expected a chat template with a place for every turn, got none for "
                f"{lost[0] if lost else 'user'!r} in {self.name}: name another template"
            )
            raise InputError(msg)
        return before, after
