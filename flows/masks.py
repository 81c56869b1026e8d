"""Audits loss masks: what a tokenizer does to the ends of answers, and rows masked by others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.language_model.chat import Chat
from flows.language_model.loading import load_tokenizer
from flows.teachers.embedded import MODEL
from quality.loss_mask import Example, count_faults, find_faults, mask_pieces
from schemas.errors import InputError

_COLUMNS: Final = ("input_ids", "labels")


class Masker:
    """Turns rows into tokens and labels with one tokenizer, and checks labels."""

    def __init__(self, tokenizer: str | None = None) -> None:
        """Load the tokenizer.

        Args:
            tokenizer: directory of a tokenizer, or its name on the Hub; None for SmolLM2's.

        Raises:
            InputError: if there is no such tokenizer.
        """
        self._tokenizer = load_tokenizer(tokenizer)
        self.chat = Chat(self._tokenizer, tokenizer or MODEL)

    def examples(
        self, rows: pl.DataFrame, length: int | None = None
    ) -> Iterator[tuple[str, Example | None]]:
        """Return id and example of each row; none where the template refuses it.

        Args:
            rows: frame with `id` and `messages`, as in ROWS.
            length: tokens after which a row is cut; null: it is left whole.
        """
        for row_id, turns in rows.select("id", "messages").iter_rows():
            pieces = self.chat.spell_row(turns)
            yield row_id, None if pieces is None else mask_pieces(pieces, length=length)

    def audit_rows(self, rows: pl.DataFrame, length: int) -> dict[str, Any]:
        """Check the labels that feingold makes of rows cut at a length, and the rows' texts.

        Returns:
            `rows`, `refused` by the template, `faults` (name to rows), `control_tokens`: rows
            whose text holds a control token, which most trainers read as one.
        """
        every = [example for _, example in self.examples(rows, length)]
        known = [example for example in every if example is not None]
        return {
            "rows": len(known),
            "refused": len(every) - len(known),
            "faults": count_faults(
                find_faults(example, self.chat.ends, is_cut=len(example.input_ids) == length)
                for example in known
            ),
            "control_tokens": self._count_control_tokens(rows),
        }

    def audit_file(self, path: Path) -> dict[str, Any]:
        """Check the labels that a trainer made, by the ends of answers of this tokenizer.

        Args:
            path: Parquet or JSON lines with lists `input_ids` and `labels`.

        Returns:
            `rows` and `faults`, as for `audit_rows`; a row without padding that has the length of
            the longest is taken for cut.

        Raises:
            InputError: if the file has no such columns.
        """
        examples = _read_examples(path)
        longest = max((len(example.input_ids) for example in examples), default=0)
        pad = self._tokenizer.pad_token_id
        return {
            "rows": len(examples),
            "faults": count_faults(
                find_faults(
                    example, self.chat.ends, pad=pad, is_cut=len(example.input_ids) == longest
                )
                for example in examples
            ),
        }

    def facts(self) -> dict[str, Any]:
        """Say what of this tokenizer decides whether a model learns to stop.

        Returns:
            `eos` and `pad` as text (null where there is none), `turn_ends_with`, and the answers
            to `ends_with_eos`, `pad_is_eos`, `marks_answers` (the template has generation marks,
            which TRL's `assistant_only_loss` needs); `other_pad` is a pad token that would do.
        """
        tokenizer, ends = self._tokenizer, self.chat.ends
        template = tokenizer.chat_template
        eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        return {
            "eos": tokenizer.eos_token,
            "pad": tokenizer.pad_token,
            "turn_ends_with": tokenizer.convert_ids_to_tokens(ends[0]) if ends else None,
            "ends_with_eos": bool(ends) and ends[0] == eos,
            "pad_is_eos": pad is not None and pad in ends,
            "other_pad": self._other_pad(),
            "marks_answers": isinstance(template, str) and "{% generation" in template,
        }

    def _other_pad(self) -> str | None:
        """A control token that ends nothing: the unknown token, or another that is reserved."""
        tokenizer = self._tokenizer
        taken = {*self.chat.ends, tokenizer.bos_token_id}
        candidates = [tokenizer.unk_token_id, *sorted(tokenizer.all_special_ids)]
        free = next(
            (token for token in candidates if token is not None and token not in taken), None
        )
        return None if free is None else str(tokenizer.convert_ids_to_tokens(free))

    def _count_control_tokens(self, rows: pl.DataFrame) -> int:
        marks = sorted(filter(None, self._tokenizer.all_special_tokens))
        texts = pl.col("messages").list.eval(pl.element().struct.field("content")).list.join("\n")
        held = [texts.str.contains(mark, literal=True) for mark in marks]
        return int(rows.select(pl.any_horizontal(held).sum()).item() or 0) if held else 0


def _read_examples(path: Path) -> list[Example]:
    wanted = f"lists {' and '.join(_COLUMNS)}"
    try:
        read = pl.read_parquet if path.suffix == ".parquet" else pl.read_ndjson
        frame = read(path)
        lists = frame.select(pl.col(_COLUMNS).cast(pl.List(pl.Int64)))
    except (OSError, pl.exceptions.PolarsError) as error:
        line = str(error).partition("\n")[0]
        msg = (
            f"expected Parquet or JSON lines with {wanted}, got {line!r} for {str(path)!r}: give "
            "the file that the trainer prepared"
        )
        raise InputError(msg) from error
    if lists.null_count().sum_horizontal().item():
        msg = f"expected {wanted} in every row, got none in some of {str(path)!r}: correct the file"
        raise InputError(msg)
    return [Example(tokens, labels) for tokens, labels in lists.iter_rows()]
