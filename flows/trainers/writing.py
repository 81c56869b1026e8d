"""Writes what a trainer needs: its data, its configuration, and what is known of both."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.disk import require_writable, write_atomically
from flows.export import export_rows
from flows.masks import Masker
from flows.trainers.forms import TRAINERS, Job
from flows.trainers.methods import METHODS, Method
from quality.formats import FORMATS
from quality.loss_mask import IGNORED
from schemas.errors import InputError

_TOKENS: Final = "train.jsonl"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained, how and by whom.

    Attributes:
        method: from `find_method`.
        trainer: a name in TRAINERS.
        model: directory or Hub name of the model that is trained.
        tokenizer: directory or Hub name; null: for peft the model's, for others none.
    """

    method: Method
    trainer: str
    model: str
    tokenizer: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What lies ready for a trainer.

    Attributes:
        files: their names, sorted.
        form: of the data: `alpaca`, `messages` or `tokens`.
        rows: in the data file.
        left_out: reason to number of rows that are not.
        steps: of the whole training.
        warnings: what the trainer should hear, a line each.
        control_tokens: see `Masker.facts`; null where no tokenizer was looked at.
    """

    files: list[str]
    form: str
    rows: int
    left_out: dict[str, int]
    steps: int
    warnings: list[str]
    control_tokens: dict[str, Any] | None


def find_method(name: str) -> Method:
    """Return a method by its name.

    Raises:
        InputError: if there is none.
    """
    if name not in METHODS:
        msg = f"expected one of {', '.join(METHODS)}, got {name!r} for --method: correct it"
        raise InputError(msg)
    return METHODS[name]


def write_trainer(rows: pl.DataFrame, plan: Plan, *, title: str, out: Path) -> Written:
    """Write data and configuration for a trainer into a directory.

    Args:
        rows: those to train on, ROWS.
        plan: how.
        title: dataset and version, for the head of the configuration.
        out: directory; files of the same names are replaced.

    Raises:
        InputError: if the trainer cannot do that, there is no such tokenizer, no row can be
            trained on, or `out` is not writable.
    """
    method = plan.method
    needs_tokens = plan.trainer == "peft"
    tokenizer = plan.tokenizer or (plan.model if needs_tokens else None)
    masker = None if tokenizer is None else Masker(tokenizer)
    facts = None if masker is None else masker.facts()
    pad = facts["other_pad"] if facts is not None and facts["pad_is_eos"] else None
    form = "tokens" if needs_tokens else _choose_form(rows)
    data = _TOKENS if form == "tokens" else "train.json" if form == "alpaca" else "train.jsonl"
    job = Job(method, plan.model, form, data, title, pad=None if needs_tokens else pad)
    texts = TRAINERS[plan.trainer](job)
    require_writable(out)
    if masker is not None and form == "tokens":
        left_out, count = _write_tokens(rows, masker, int(str(method.length.value)), out / data)
    else:
        done = export_rows(rows, form, out / data)
        left_out, count = dict(done.left_out), done.written
    if not count:
        msg = f"expected rows to train on, got none of {rows.height:,}: {left_out or 'it is empty'}"
        raise InputError(msg)
    for name, text in texts.items():
        write_atomically(out / name, text.encode("utf-8"))
    steps = _count_steps(method, count)
    return Written(
        sorted([data, *texts]), form, count, left_out, steps, _warn(method, steps, facts), facts
    )


def _choose_form(rows: pl.DataFrame) -> str:
    """Alpaca where every row fits in, as the methods were published with it."""
    left_out = rows.select(FORMATS["alpaca"].reason_left_out().is_not_null().any()).item()
    return "messages" if left_out else "alpaca"


def _write_tokens(
    rows: pl.DataFrame, masker: Masker, length: int, out: Path
) -> tuple[dict[str, int], int]:
    """Write token numbers and labels; a row that keeps no token of an answer teaches nothing."""
    lines, left_out = [], {"refused_by_template": 0, "answer_cut_off": 0}
    for row_id, example in masker.examples(rows.sort("id"), length):
        if example is None:
            left_out["refused_by_template"] += 1
        elif all(label == IGNORED for label in example.labels):
            left_out["answer_cut_off"] += 1
        else:
            lines.append(json.dumps({"id": row_id, **example._asdict()}))
    write_atomically(out, "".join(f"{line}\n" for line in lines).encode("utf-8"))
    return {reason: count for reason, count in left_out.items() if count}, len(lines)


def _count_steps(method: Method, rows: int) -> int:
    training = {name: setting.value for name, setting in method.training.items()}
    batch = int(str(training["per_device_train_batch_size"]))
    batch *= int(str(training["gradient_accumulation_steps"]))
    return math.ceil(rows / batch) * int(str(training["num_train_epochs"]))


def _warn(method: Method, steps: int, facts: dict[str, Any] | None) -> list[str]:
    found = []
    warmup = method.training.get("warmup_steps")
    if warmup is not None and float(str(warmup.value)) >= max(1, steps):
        found.append(
            f"{steps:,} steps in all, and the published warm-up takes {warmup.value}: the learning "
            "rate never reaches its value; lower warmup_steps for so few rows"
        )
    if facts is not None and facts["pad_is_eos"]:
        other = facts["other_pad"]
        cure = f"pad with {other!r}" if other else "give the tokenizer another padding token"
        found.append(f"the model's padding {facts['pad']!r} ends answers, too: {cure}")
    if facts is not None and not facts["ends_with_eos"]:
        found.append(
            f"the template ends an answer with {facts['turn_ends_with']!r}, not with the end of "
            f"sequence {facts['eos']!r}: generation has to stop there, too"
        )
    return found
