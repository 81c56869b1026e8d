"""`feingold tune`: what rules and thresholds would cost, from stored scores."""

import argparse
import difflib
from pathlib import Path
from typing import Any

from flows.labels import read_labels
from flows.runner import tell
from flows.tune.figures import Question, tune
from flows.tune.labelled import score_labels
from flows.tune.show import show_column, show_summary
from flows.tune.stored import Stored, read_stored, storing_command
from flows.tune.table import check_table_path, write_table
from quality.scorers import SCORERS
from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Show the scores of versions or score files; nothing is dropped, nobody is asked."""
    values = _thresholds(arguments)
    _check_precision(arguments.precision)
    if arguments.out is not None:
        check_table_path(arguments.out)
    stored = read_stored(arguments.paths)
    columns = _columns(arguments.column, stored)
    files = [score_labels(one, stored.rows) for one in read_labels(arguments.labels, Path.cwd())]
    question = Question(
        columns=columns,
        values=values,
        min_precision=arguments.precision,
        has_examples=arguments.column is not None,
    )
    found = tune(stored, files, question)
    if arguments.out is not None:
        write_table(found, arguments.out)
        found["out"] = str(arguments.out)
    tell(show_summary(found) if arguments.column is None else show_column(found))
    return found


def _columns(column: str | None, stored: Stored) -> list[str]:
    if column is None:
        return stored.scores
    if column in stored.scores:
        return [column]
    near = difflib.get_close_matches(column, stored.scores, n=1, cutoff=0.5)
    hint = f"{storing_command([column])} stores it"
    if column not in SCORERS:
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(stored.scores)}"
    msg = (
        f"expected a stored score for --column, got {column!r}, not in {', '.join(stored.names)}: "
        f"{hint}"
    )
    raise InputError(msg)


def _thresholds(arguments: argparse.Namespace) -> list[float]:
    if arguments.thresholds is None:
        return []
    if arguments.column is None:
        msg = "expected --column with --thresholds, got none: name the score that they belong to"
        raise InputError(msg)
    try:
        values = sorted({float(part) for part in arguments.thresholds.split(",") if part.strip()})
    except ValueError:
        values = []
    if not values or not all(abs(value) < float("inf") for value in values):
        msg = f"expected --thresholds with numbers, got {arguments.thresholds!r}: e.g. 0.2,0.3"
        raise InputError(msg)
    return values


def _check_precision(precision: float) -> None:
    if not 0 <= precision <= 1:
        msg = f"expected --precision from 0 to 1, got {precision!r}: e.g. 0.9"
        raise InputError(msg)
