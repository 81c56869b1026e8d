"""`feingold audit`: what a trainer would cut off, and whether a model would learn to stop."""

import argparse
from typing import Any

from flows.audit import measure_answers
from flows.disk import write_frame
from flows.masks import Masker
from flows.runner import tell
from flows.versions import open_version, read_data
from quality.loss_mask import FAULTS
from quality.truncation import audit_lengths, cut_rows
from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count rows whose answers a trainer would cut or lose at given lengths."""
    lengths = _read_lengths(arguments.lengths)
    folder, manifest = open_version(arguments.path, home=arguments.home)
    rows = read_data(folder)
    answers = measure_answers(rows, arguments.tokenizer)
    found = audit_lengths(answers, lengths)
    masker = Masker(arguments.tokenizer)
    name = arguments.tokenizer or "SmolLM2-135M-Instruct"
    answer = {
        "dataset": manifest.name,
        "version": manifest.version,
        "tokenizer": name,
        **found,
        "control_tokens": masker.facts(),
        "masks": masker.audit_rows(rows, lengths[0]),
        "masks_of_file": masker.audit_file(arguments.masks) if arguments.masks else None,
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
        f"  {'cut at':>8} {'whole':>9} {'answer cut':>11} {'answer lost':>12} {'of rows':>8} "
        f"{'tokens lost':>12}",
    ]
    lines += [
        f"  {at['length']:>8,} {at['whole']:>9,} {at['cut']:>11,} {at['no_answer']:>12,} "
        f"{at['share_cut']:>8.1%} {at['lost']:>12,}"
        for at in answer["lengths"]
    ]
    lines += _describe_masks(answer)
    if answer["refused"]:
        lines.append(f"  {answer['refused']:,} rows have turns that the chat template refuses")
    return "\n".join(lines)


def _describe_masks(answer: dict[str, Any]) -> list[str]:
    facts, masks = answer["control_tokens"], answer["masks"]
    other = f"; take {facts['other_pad']!r}" if facts["other_pad"] else ""
    lines = [f"  an answer ends with {facts['turn_ends_with']!r}, padding is {facts['pad']!r}"]
    if not facts["ends_with_eos"]:
        lines.append(
            f"  warning: that is not the end of sequence {facts['eos']!r}: tell whoever generates "
            "to stop there, too"
        )
    if facts["pad_is_eos"]:
        lines.append(
            "  warning: a trainer that masks padding by its number masks the ends of answers, "
            f"too, and the model never stops{other}"
        )
    if masks["control_tokens"]:
        lines.append(
            f"  warning: {masks['control_tokens']:,} rows hold a control token as text, which most "
            "trainers read as one"
        )
    lines += _describe_faults("rows as feingold masks them", masks)
    if answer["masks_of_file"] is not None:
        lines += _describe_faults("rows of the file", answer["masks_of_file"])
    return lines


def _describe_faults(what: str, masks: dict[str, Any]) -> list[str]:
    if not masks["faults"]:
        return [f"  {masks['rows']:,} {what}: only answers and their ends are learned"]
    return [
        f"  {count:,} of {masks['rows']:,} {what}: {FAULTS[name]}"
        for name, count in masks["faults"].items()
    ]
