"""`feingold audit`: what a trainer would cut off, for a tokenizer and its lengths."""

import argparse
from typing import Any

from flows.audit import measure_answers
from flows.disk import write_frame
from flows.runner import tell
from flows.versions import open_version, read_data
from quality.truncation import audit_lengths, cut_rows
from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count rows whose answers a trainer would cut or lose at given lengths."""
    lengths = _read_lengths(arguments.lengths)
    folder, manifest = open_version(arguments.path, home=arguments.home)
    answers = measure_answers(read_data(folder), arguments.tokenizer)
    found = audit_lengths(answers, lengths)
    name = arguments.tokenizer or "SmolLM2-135M-Instruct"
    answer = {
        "dataset": manifest.name,
        "version": manifest.version,
        "tokenizer": name,
        **found,
        "path": str(arguments.out) if arguments.out else None,
    }
    if arguments.out:
        write_frame(cut_rows(answers, lengths[0]), arguments.out)
    tell(_describe(answer))
    return answer


def _read_lengths(text: str) -> list[int]:
    try:
        lengths = [int(part) for part in text.split(",")]
    except ValueError:
        lengths = []
    if not lengths or min(lengths) < 1:
        msg = f"expected lengths in tokens such as 512,2048, got {text!r}: correct --lengths"
        raise InputError(msg)
    return lengths


def _describe(answer: dict[str, Any]) -> str:
    tokens = answer["tokens"]
    share = tokens["answers"] / tokens["all"] if tokens["all"] else 0.0
    lines = [
        f"{answer['dataset']} {answer['version']}, {answer['rows']:,} rows, tokens of "
        f"{answer['tokenizer']}",
        f"  a row has {tokens['p50']:,} tokens (median), {tokens['p90']:,} (90 %), "
        f"{tokens['p99']:,} (99 %), {tokens['max']:,} (longest)",
        f"  {tokens['all']:,} tokens in all, {share:.0%} of them answers; the rest is masked where "
        "only answers are trained on",
        f"  {'cut at':>8} {'whole':>9} {'answer cut':>11} {'answer lost':>12} {'tokens lost':>12}",
    ]
    lines += [
        f"  {at['length']:>8,} {at['whole']:>9,} {at['cut']:>11,} {at['no_answer']:>12,} "
        f"{at['lost']:>12,}"
        for at in answer["lengths"]
    ]
    if answer["refused"]:
        lines.append(f"  {answer['refused']:,} rows have turns that the chat template refuses")
    return "\n".join(lines)
